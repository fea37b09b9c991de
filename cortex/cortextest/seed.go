package cortextest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/testing/incident"
)

// The jobs that have ended when the server starts, both about the attacker's
// address: Abuse_Finder_3_0 found artifacts, MaxMind_GeoIP_4_0 found none.
const (
	SeededJob      = "AZsallyport000000001"
	SeededEmptyJob = "AZsallyport000000002"
)

var seeded = time.Date(2026, time.January, 5, 8, 0, 0, 0, time.UTC)

// Definitions that aren't enabled: an analyzer that needs nothing, one that
// needs an account, and a responder that needs the setting zone.
const (
	FreeDefinition      = "Robtex_IP_Query_1_0"
	PaidDefinition      = "Censys_2_0"
	ResponderDefinition = "DNS_RPZ_1_0"
)

// AlwaysFails is the name of an analyzer that crashes on everything.
const AlwaysFails = "Shodan_Host_1_0"

func (s *Server) seed() {
	attacker := func(data string) bool { return data == incident.AttackerIP }
	for _, k := range []Worker{
		{
			Name: "Abuse_Finder_3_0", Version: "3.0", Description: "Find abuse contacts of domains, URLs, IPs and mail addresses.",
			DataTypes: []string{"ip", "domain", "fqdn", "url", "mail"}, Answer: abuseFinder,
		},
		{
			Name: "MaxMind_GeoIP_4_0", Version: "4.0", Description: "Locate an IP address with MaxMind's database.", Service: "MaxMind",
			DataTypes: []string{"ip"},
			Answer: func(_, data string) Answer {
				return Answer{
					Taxonomies: []Taxonomy{{"info", "MaxMind", "Location", "Netherlands/Europe"}},
					Full:       object{"city": object{"name": "Amsterdam"}, "country": object{"iso_code": "NL", "name": "Netherlands"}, "traits": object{"ip_address": data}},
				}
			},
		},
		{
			Name: "AbuseIPDB_1_0", Version: "1.0", Description: "Look up the reports on an IP address.", Service: "AbuseIPDB",
			DataTypes: []string{"ip"}, Rate: 1000, RateUnit: "Day",
			Answer: func(_, data string) Answer {
				score, level := 0, "safe"
				if attacker(data) {
					score, level = 100, "malicious"
				}
				return Answer{
					Taxonomies: []Taxonomy{{level, "AbuseIPDB", "Abuse confidence score", score}, {"info", "AbuseIPDB", "Reports", score * 3}},
					Full:       object{"values": []object{{"data": object{"ipAddress": data, "abuseConfidenceScore": score, "isPublic": true}}}},
				}
			},
		},
		{
			Name: "VirusTotal_GetReport_3_1", Version: "3.1", Description: "Get the latest report of VirusTotal.", Service: "VirusTotal",
			DataTypes: []string{"file", "hash", "domain", "fqdn", "ip", "url"},
			Answer: func(_, data string) Answer {
				if !attacker(data) {
					return Answer{Taxonomies: []Taxonomy{{"info", "VT", "GetReport", "0/94"}}, Full: object{"last_analysis_stats": object{"malicious": 0}}}
				}
				return Answer{
					Taxonomies: []Taxonomy{{"suspicious", "VT", "GetReport", "3/94"}},
					Full:       object{"last_analysis_stats": object{"malicious": 3, "harmless": 60}},
					Artifacts: []Artifact{
						{DataType: "domain", Data: "scan.example.net", Message: "resolved to it", Tags: []string{"VT:resolution"}},
						{DataType: "hash", Data: "44d88612fea8a8f36de82e1278abb02f", Tags: []string{"VT:communicating"}},
					},
				}
			},
		},
		{Name: "VirusTotal_Scan_3_1", Version: "3.1", Description: "Let VirusTotal scan a file or URL.", Service: "VirusTotal", DataTypes: []string{"file", "url"}},
		{Name: "Urlscan_io_Search_0_1_1", Version: "0.1.1", Description: "Search the scans of urlscan.io.", Service: "Urlscan.io", DataTypes: []string{"ip", "domain", "hash", "fqdn", "url"}, Answer: says("info", "urlscan.io", "Search", "0 results")},
		{Name: "Urlscan_io_Scan_0_1_0", Version: "0.1.0", Description: "Let urlscan.io scan a URL.", Service: "Urlscan.io", DataTypes: []string{"url", "domain", "fqdn"}},
		{Name: "OTXQuery_2_0", Version: "2.0", Description: "Query AlienVault OTX.", Service: "OTXQuery", DataTypes: []string{"url", "domain", "file", "hash", "ip"}, Answer: says("info", "OTX", "Pulses", 0)},
		{Name: "MISP_2_1", Version: "2.1", Description: "Search events of MISP.", Service: "MISP", DataTypes: []string{"domain", "ip", "url", "fqdn", "uri_path", "user-agent", "hash", "mail", "mail_subject", "registry", "regexp", "other", "filename"}, Answer: says("info", "MISP", "Search", "0 events")},
		{Name: "GreyNoise_3_1", Version: "3.1", Description: "Tell whether an IP address scans the whole Internet.", Service: "GreyNoise", DataTypes: []string{"ip"}, Answer: says("suspicious", "GreyNoise", "SSH Bruteforcer", "2 observations")},
		{Name: "CIRCLPassiveDNS_2_0", Version: "2.0", Description: "Look up passive DNS at CIRCL.", Service: "CIRCL", DataTypes: []string{"domain", "url", "ip"}},
		{Name: "HashDD_Status_2_0", Version: "2.0", Description: "Tell whether a hash is known to be good.", Service: "HashDD", DataTypes: []string{"hash"}, Answer: says("safe", "HashDD", "Known level", "Good")},
		{Name: "EmailRep_1_0", Version: "1.0", Description: "Look up the reputation of a mail address.", Service: "EmailRep", DataTypes: []string{"mail"}},
		{Name: "FileInfo_8_0", Version: "8.0", Description: "Parse files of many formats.", DataTypes: []string{"file"}},
		{Name: "Crt_sh_Transparency_Logs_1_0", Version: "1.0", Description: "Search certificate transparency logs.", DataTypes: []string{"domain"}},
		{
			Name: AlwaysFails, Version: "1.0", Description: "Look up a host at Shodan.", Service: "Shodan", DataTypes: []string{"ip"},
			Answer: func(_, data string) Answer {
				return Answer{Error: fmt.Sprintf("Max retries exceeded with url: /shodan/host/%s?key=%s (Caused by NewConnectionError)", data, Secret)}
			},
		},
	} {
		s.AddAnalyzer(k)
	}
	s.AddResponder(Worker{
		Name: "Firewall_Block_1_0", Description: "Block the address of an observable on the firewall.", Service: "Firewall", DataTypes: []string{"thehive:case_artifact"},
		Answer: func(string, string) Answer {
			return Answer{Full: object{"message": "blocked"}, Operations: []map[string]any{{"type": "AddTagToArtifact", "tag": "firewall:blocked"}}}
		},
	})
	s.AddResponder(Worker{
		Name: "Mailer_1_0", Description: "Send a case, task or alert by mail.", Service: "Mailer", DataTypes: []string{"thehive:case", "thehive:case_task", "thehive:alert"},
		Answer: func(string, string) Answer { return Answer{Full: object{"message": "message sent"}} },
	})
	for _, k := range s.workers[:2] {
		s.add(&job{
			worker: k, dataType: "ip", data: json.RawMessage(`"` + incident.AttackerIP + `"`), tlp: 2, pap: 2,
			parameters: json.RawMessage("{}"), by: "analyst@soc.example", created: incident.Start(time.Now()), seeded: true,
		})
	}
	s.Define(Definition{
		Name: FreeDefinition, Version: "1.0", Description: "Query Robtex for an IP address, without an account.", DataTypes: []string{"ip"},
		Items: []Item{{Name: "polling", Type: "number", Default: 60}, {Name: "zones", Type: "string", Multi: true}},
	})
	s.Define(Definition{
		Name: PaidDefinition, Version: "2.0", Description: "Look up a host or a certificate at Censys.", Service: "Censys", DataTypes: []string{"ip", "hash", "domain"},
		Items: []Item{{Name: "uid", Type: "string", Required: true}, {Name: "key", Type: "string", Required: true, Default: nil}, {Name: "token", Type: "string", Default: Secret}},
	})
	s.DefineResponder(Definition{
		Name: ResponderDefinition, Version: "1.0", Description: "Redirect a domain in the resolver.", DataTypes: []string{"thehive:case_artifact"},
		Items: []Item{{Name: "zone", Type: "string", Required: true}},
	})
}

// says is a worker that says one thing.
func says(level, namespace, predicate string, value any) func(string, string) Answer {
	return func(string, string) Answer {
		return Answer{Taxonomies: []Taxonomy{{level, namespace, predicate, value}}, Full: object{predicate: value}}
	}
}

func abuseFinder(dataType, data string) Answer {
	contact := "abuse@isp.example.net"
	if dataType == "mail" {
		_, domain, _ := strings.Cut(data, "@")
		contact = "abuse@" + domain
	}
	names := []string{"ISP Example Net"}
	a := Answer{
		Taxonomies: []Taxonomy{{"info", "Abuse_Finder", "Address", contact}},
		Full:       object{"abuse_finder": object{"value": data, "names": names, "abuse": []string{contact}}},
		Artifacts:  []Artifact{{DataType: "mail", Data: contact, Message: "abuse contact"}},
	}
	if dataType == "ip" {
		a.Artifacts = append(a.Artifacts, Artifact{DataType: "other", Data: "AS64500"})
	}
	return a
}
