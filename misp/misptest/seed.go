package misptest

import (
	"time"

	"github.com/sallyport-soc/sallyport/internal/testing/incident"
)

// What [Server.SeedIncident] stores, by id.
const (
	BruteForceEvent = "1" // of CERT-EXAMPLE, published: the incident's attacker and techniques
	ScanEvent       = "2" // ours, published: the attacker inside an object
	PhishingEvent   = "3" // of CERT-EXAMPLE, published a year ago, unrelated
	DraftEvent      = "4" // ours, not published, for the incident
	NetworkEvent    = "5" // of CERT-EXAMPLE, published: the attacker's network
	HiddenEvent     = "6" // of CERT-EXAMPLE alone: the attacker, but not for us to see
	GroupEvent      = "7" // ours, not published, for the sharing group
)

// SharingGroup is the id of the one sharing group, of both organisations.
const SharingGroup = 1

// PublicResolver is on a warninglist that is enabled.
const PublicResolver = "8.8.8.8"

// basics stores what is there before any event.
func (s *Server) basics() {
	s.lists = []*Warninglist{
		{ID: 58, Name: "List of known IPv4 public DNS resolvers", Type: "cidr", Enabled: true, Entries: []string{"8.8.8.8/32", "8.8.4.4/32", "1.1.1.1/32", "9.9.9.9/32"}},
		{ID: 30, Name: "List of known google domains", Type: "string", Enabled: true, Entries: []string{"www.google.com", "google.com"}},
		{ID: 70, Name: "List of RFC 1918 CIDR blocks", Type: "cidr", Entries: []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}},
	}
	s.feeds = []*feed{
		{id: 1, Feed: Feed{Name: "OSINT", Provider: "CERT-EXAMPLE", URL: "https://feeds.example.org/osint"}},
		{id: 2, Feed: Feed{Name: "Blocklist", Provider: "CERT-EXAMPLE", URL: "https://reader:feed-password@feeds.example.org/list.txt?token=feed-token", Enabled: true, Caching: true}},
	}
	for _, n := range []string{"tlp:red", "tlp:amber", "tlp:amber+strict", "tlp:green", "tlp:clear", "workflow:todo"} {
		s.tagID(n)
	}
	s.groups = []*group{{id: SharingGroup, name: "Logistics partners", orgs: []int{1, 2}}}
}

// SeedIncident stores what a small MISP has by the time of the incident:
// reports on its attacker, among them one in an object, a network and one of
// others only, an older one about something else, one for a sharing group, and
// a draft to write the incident down in. Call it once, on a new Server.
func (s *Server) SeedIncident() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now().UTC().Truncate(time.Second)
	days := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	for _, e := range []Event{{
		Info: "SSH password guessing against logistics companies", Date: days(6), Org: OtherOrganisation, ThreatLevel: 2, Analysis: 2,
		Distribution: 3, Published: true, Tags: []string{"tlp:amber", incident.CampaignTag, incident.AccountsTag},
		Attributes: []Attribute{
			{Type: "ip-src", Value: incident.AttackerIP, Comment: "source of the guessing", Sighted: 2},
			{Type: "ip-src", Value: "203.0.113.77", Comment: "second source"},
			{Type: "user-agent", Value: "SSH-2.0-libssh2_1.10.0"},
			{Type: "text", Value: "accounts tried: root, admin, svc-backup", Category: "Other"},
		},
	}, {
		Info: "Scanning of port 22 from the documentation range", Date: days(20), ThreatLevel: 3, Analysis: 2, Distribution: 1, Published: true,
		Tags: []string{"tlp:green"},
		Objects: []Object{{Name: "ip-port", MetaCategory: "network", Attributes: []Attribute{
			{Type: "ip-src", Value: incident.AttackerIP, Relation: "ip-src"},
			{Type: "port", Value: "22", Relation: "dst-port"},
		}}},
	}, {
		Info: "Phishing with parcel notices", Date: days(380), Org: OtherOrganisation, ThreatLevel: 3, Analysis: 2, Distribution: 3, Published: true,
		Tags: []string{"tlp:clear", `misp-galaxy:mitre-attack-pattern="Phishing - T1566"`},
		Attributes: []Attribute{
			{Type: "domain", Value: "parcel-notice.example"},
			{Type: "url", Value: "http://parcel-notice.example/track?id=7"},
			{Type: "filename|sha256", Value: "notice.iso|9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
			{Type: "email-subject", Value: "Your parcel is waiting"},
		},
	}, {
		Info: "Draft: brute force then success on " + incident.AgentName, Date: days(0), ThreatLevel: 2, Distribution: 1,
		Tags: []string{"tlp:amber"},
		Attributes: []Attribute{
			{Type: "target-user", Value: incident.User},
			{Type: "target-machine", Value: incident.AgentName},
		},
	}, {
		Info: "Bulletproof hosting", Date: days(45), Org: OtherOrganisation, Distribution: 2, Published: true, Analysis: 1,
		Tags:       []string{"tlp:green"},
		Attributes: []Attribute{{Type: "ip-src", Value: "198.51.100.0/24"}, {Type: "AS", Value: "64500"}},
	}, {
		Info: "Notes of CERT-EXAMPLE", Date: days(3), Org: OtherOrganisation, Distribution: 0,
		Attributes: []Attribute{{Type: "ip-src", Value: incident.AttackerIP}},
	}, {
		Info: "Lookalike domains of carriers", Date: days(1), ThreatLevel: 3, Analysis: 1, Distribution: 4, SharingGroup: SharingGroup,
		Tags:       []string{"tlp:amber+strict"},
		Attributes: []Attribute{{Type: "domain", Value: "carrier-login.example"}, {Type: "domain", Value: "carrier-portal.example"}},
	}} {
		s.addEvent(e)
	}
}
