package thehivetest

import (
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/internal/testing/incident"
)

// What [Server.SeedIncident] stores first of all, by id.
const (
	BruteForceCase = "~4096"  // closed, of technique T1110, with the incident's attacker
	BruteForceTask = "~8192"  // completed
	PhishingCase   = "~32768" // open
	PhishingTask   = "~36864" // waiting
	OldestCase     = "~69632" // closed, with nothing in it

	AttackerObservable = "~16384" // in [BruteForceCase]: the incident's attacker, analysed by [SeededJob]
	HostObservable     = "~20480" // in [BruteForceCase]: an internal name
	DomainObservable   = "~49152" // in [PhishingCase]: the fake login page

	BruteForceLog       = "~12288" // of [BruteForceTask]
	BruteForceComment   = "~24576" // in [BruteForceCase]
	BruteForceProcedure = "~28672" // in [BruteForceCase]
)

// basics stores what is there before any case.
func (s *Server) basics() {
	member := func(org, profile string) Object {
		return Object{"organisationId": "~" + org, "organisation": org, "profile": profile, "default": org == Organisation}
	}
	user := func(login, name, profile, key string, orgs ...any) {
		org := orgs[0].(Object)["organisation"]
		it := s.add("User", nil, "", system, Object{"login": login, "name": name, "email": login, "profile": profile,
			"permissions": permissions(profile), "organisation": org, "defaultOrganisation": org,
			"organisations": orgs, "avatar": "data:image/png;base64,iVBORw0KGgo="})
		it.secret = map[string]string{"key": key, "password": Password}
	}
	user("analyst@soc.example", "Ada Analyst", "analyst", Key, member(Organisation, "analyst"), member(OtherOrganisation, "analyst"))
	user("lead@soc.example", "Lee Lead", "org-admin", "", member(Organisation, "org-admin"))
	user("observer@soc.example", "Olu Observer", "read-only", ReadOnlyKey, member(Organisation, "read-only"))
	user("admin@thehive.local", "Default admin user", "admin", AdminKey, member("admin", "admin"))
	for _, name := range []string{"admin", Organisation, OtherOrganisation} {
		s.add("Organisation", nil, "", system, Object{"name": name, "description": name})
	}
	for _, name := range []string{"admin", "org-admin", "analyst", "read-only"} {
		s.add("Profile", nil, "", system, Object{"name": name, "permissions": permissions(name), "editable": name != "admin"})
	}

	for i, st := range []struct{ value, stage string }{
		{"New", "New"}, {"InProgress", "InProgress"}, {"TruePositive", "Closed"}, {"FalsePositive", "Closed"},
		{"Indeterminate", "Closed"}, {"Duplicated", "Closed"}, {"Other", "Closed"},
	} {
		s.add("CaseStatus", nil, "", system, Object{"value": st.value, "stage": st.stage, "order": i})
	}
	for i, st := range []struct{ value, stage string }{
		{"New", "New"}, {"InProgress", "InProgress"}, {"Pending", "InProgress"}, {"Imported", "Imported"},
		{"Duplicate", "Closed"}, {"FalsePositive", "Closed"}, {"Ignored", "Closed"},
	} {
		s.add("AlertStatus", nil, "", system, Object{"value": st.value, "stage": st.stage, "order": i})
	}
	s.add("ObservableType", nil, "", system, Object{"name": "file", "isAttachment": true})
	for _, name := range []string{"url", "other", "user-agent", "regexp", "mail-subject", "registry", "mail", "autonomous-system",
		"domain", "ip", "uri_path", "filename", "hash", "fqdn", "hostname"} {
		s.add("ObservableType", nil, "", system, Object{"name": name})
	}
}

// SeedIncident stores what a small SOC has by the time of the incident: a closed case
// that the incident's attacker was in, an open one about phishing, a year of
// others, and three case templates. A Server takes it once; it belongs before
// anything else that is stored there.
func (s *Server) SeedIncident() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seeded {
		return
	}
	s.seeded = true
	d := &seeder{s: s, now: time.Now().UTC().Truncate(time.Minute)}
	d.bruteForce()
	d.phishing()
	d.background()
	d.templates()
	d.alerts()
	d.job()
	d.customFields()
}

// customFields are those that the administrator has set up.
func (d *seeder) customFields() {
	for _, f := range []Object{
		{"name": "site", "description": "Where it happened", "type": "string"},
		{"name": "hosts", "description": "How many hosts are concerned", "type": "integer"},
		{"name": "business-unit", "description": "Whose systems they are", "type": "string", "options": []any{"finance", "hr", "it"}},
		{"name": "reported", "description": "Whether the authority was told", "type": "boolean"},
		{"name": "loss", "description": "In euro", "type": "float"},
		{"name": "contained", "description": "When it was contained", "type": "date"},
	} {
		d.s.add("CustomField", nil, "", system, f)
	}
}

type seeder struct {
	s   *Server
	now time.Time
}

// ago is a date in milliseconds.
func (d *seeder) ago(days, hours, minutes int) int64 {
	return d.now.AddDate(0, 0, -days).Add(-time.Duration(hours)*time.Hour - time.Duration(minutes)*time.Minute).UnixMilli()
}

func (d *seeder) add(kind string, parent *item, at int64, by string, fields Object) *item {
	fields["_createdAt"] = at
	switch kind {
	case "Case":
		fields["startDate"], fields["newDate"] = at, at
	case "Log":
		fields["date"] = at
	case "Observable":
		fields["startDate"] = at
	}
	return d.s.add(kind, parent, Organisation, by, fields)
}

const (
	system  = "system@thehive.local"
	analyst = "analyst@soc.example"
	lead    = "lead@soc.example"
)

func (d *seeder) bruteForce() {
	c := d.add("Case", nil, d.ago(41, 5, 0), analyst, Object{
		"title": "SSH password guessing against the jump host", "severity": 2, "tlp": 2, "pap": 2, "assignee": analyst,
		"description": "About 4,000 failed logins within an hour. No login succeeded.",
		"tags":        []string{"ssh", "brute-force", "T1110", "mitre:T1110"},
		"status":      "TruePositive", "impactStatus": "NoImpact", "summary": "Blocked at the perimeter for 30 days. No account was reached.",
		"endDate": d.ago(40, 2, 0), "closedDate": d.ago(40, 2, 0), "_updatedAt": d.ago(40, 2, 0), "_updatedBy": analyst,
	})
	t := d.add("Task", c, d.ago(41, 4, 50), analyst, Object{"title": "Confirm that no login succeeded", "status": "Completed",
		"assignee": analyst, "startDate": d.ago(41, 4, 30), "endDate": d.ago(41, 2, 0)})
	d.add("Log", t, d.ago(41, 2, 5), analyst, Object{"message": "No accepted login from the source in the auth log of any host."})
	d.add("Observable", c, d.ago(41, 4, 45), analyst, Object{"dataType": "ip", "data": incident.AttackerIP, "ioc": true, "sighted": true,
		"message": "Source of the attempts", "tags": []string{"brute-force"}})
	d.add("Observable", c, d.ago(41, 4, 44), analyst, Object{"dataType": "hostname", "data": "jump-01", "message": "Target"})
	d.add("Comment", c, d.ago(41, 1, 0), lead, Object{"message": "Known scanner range, see last year's cases."})
	d.add("Procedure", c, d.ago(41, 4, 40), analyst, Object{"patternId": "T1110", "patternName": "Brute Force",
		"tactic": "credential-access", "occurDate": d.ago(41, 6, 0), "description": "Password guessing over SSH."})
}

func (d *seeder) phishing() {
	c := d.add("Case", nil, d.ago(2, 3, 0), lead, Object{
		"title": "Phishing mail with a fake invoice", "severity": 3, "tlp": 2, "pap": 2, "assignee": analyst, "status": "InProgress",
		"description": "Eleven people got a mail with a link to a fake login page. Two of them clicked.",
		"tags":        []string{"phishing", "mitre:T1566.002"}, "inProgressDate": d.ago(2, 2, 30),
	})
	d.add("Task", c, d.ago(2, 2, 55), lead, Object{"title": "Reset the passwords of those who clicked", "assignee": analyst})
	done := d.add("Task", c, d.ago(2, 2, 54), lead, Object{"title": "Pull the mail from all mailboxes", "status": "Completed",
		"assignee": lead, "startDate": d.ago(2, 2, 30), "endDate": d.ago(2, 1, 0), "order": 1})
	d.add("Log", done, d.ago(2, 1, 2), lead, Object{"message": "Removed from eleven mailboxes."})
	d.add("Observable", c, d.ago(2, 2, 50), analyst, Object{"dataType": "domain", "data": "login-invoice.example", "ioc": true, "message": "Fake login page"})
	d.add("Observable", c, d.ago(2, 2, 49), analyst, Object{"dataType": "url", "data": "https://login-invoice.example/o365/index.php", "ioc": true})
	d.add("Observable", c, d.ago(2, 2, 48), analyst, Object{"dataType": "mail", "data": "billing@login-invoice.example", "message": "Sender"})
	d.add("Observable", c, d.ago(2, 2, 47), analyst, Object{"dataType": "mail-subject", "data": "Invoice 4471 overdue"})
	d.add("Comment", c, d.ago(1, 20, 0), analyst, Object{"message": "Both accounts show no login from outside so far."})
}

// background stores cases that have nothing to do with the incident.
func (d *seeder) background() {
	for i, b := range []struct {
		title, status string
		severity      int
		tags          []string
	}{
		{"Unknown USB device on a reception PC", "FalsePositive", 1, []string{"usb"}},
		{"Expired certificate on the intranet", "Other", 1, []string{"tls"}},
		{"Antivirus hit in a download folder", "TruePositive", 2, []string{"malware", "mitre:T1204"}},
		{"Antivirus hit in a download folder", "Duplicated", 2, []string{"malware"}},
		{"Port scan from a partner's network", "FalsePositive", 1, []string{"scan"}},
		{"Mailbox rule that forwards to the outside", "TruePositive", 3, []string{"mail", "mitre:T1114.003"}},
		{"Lost laptop of a field engineer", "TruePositive", 2, []string{"lost-device"}},
		{"Admin login at night", "FalsePositive", 2, []string{"auth"}},
		{"Web shell upload refused by the proxy", "TruePositive", 3, []string{"web", "mitre:T1505.003"}},
		{"DNS tunnel suspected on a build server", "Indeterminate", 2, []string{"dns", "mitre:T1071.004"}},
		{"Supplier reports a leaked password list", "TruePositive", 3, []string{"credentials"}},
		{"Cryptominer on a test VM", "TruePositive", 2, []string{"malware", "mitre:T1496"}},
		{"Badge used at two sites at once", "FalsePositive", 1, []string{"physical"}},
		{"Remote tool installed without a ticket", "Other", 2, []string{"policy"}},
		{"Impossible travel of a sales account", "FalsePositive", 2, []string{"auth"}},
		{"Old backup account still enabled", "InProgress", 2, []string{"hardening"}},
		{"Firewall rule review overdue", "New", 1, []string{"hardening"}},
		{"Phishing report without an attachment", "New", 1, []string{"phishing"}},
	} {
		at := d.ago(360-20*i, i%7, 7*i)
		f := Object{"title": b.title, "severity": b.severity, "tags": b.tags, "status": b.status, "assignee": lead,
			"description": fmt.Sprintf("Opened from a report to the service desk, ticket SD-%d.", 3100+17*i)}
		if i < 15 {
			f["endDate"], f["closedDate"], f["summary"] = d.ago(358-20*i, 0, 0), d.ago(358-20*i, 0, 0), "Closed after review."
		}
		d.add("Case", nil, at, lead, f)
	}
}

func (d *seeder) templates() {
	task := func(title, group string) Object {
		return Object{"_id": "~t" + title[:1], "_type": "Task", "_createdBy": lead, "_createdAt": d.ago(400, 0, 0), "title": title, "group": group,
			"status": "Waiting", "flag": false, "order": 0, "mandatory": false, "extraData": Object{}}
	}
	for _, t := range []struct {
		name, display, prefix, description string
		severity                           int
		tags                               []string
		tasks                              []any
	}{
		{"brute-force", "Password guessing", "[AUTH]", "Guessing of passwords against a login service.", 2, []string{"brute-force"},
			[]any{task("Confirm source reputation", "identification"), task("Look for a login that succeeded", "identification"), task("Block the source", "containment")}},
		{"malware", "Malware on a host", "[MAL]", "Malicious software was found or ran.", 3, []string{"malware"},
			[]any{task("Isolate the host", "containment"), task("Collect the sample", "identification")}},
		{"phishing", "Phishing", "[PHISH]", "A mail that asks for credentials or carries malware.", 2, []string{"phishing"},
			[]any{task("Pull the mail", "containment"), task("Find out who clicked", "identification")}},
	} {
		d.s.add("CaseTemplate", nil, Organisation, lead, Object{"name": t.name, "displayName": t.display, "titlePrefix": t.prefix,
			"description": t.description, "severity": t.severity, "tlp": 2, "pap": 2, "tags": t.tags, "tasks": t.tasks, "_createdAt": d.ago(400, 0, 0)})
	}
}

// What [Server.SeedIncident] stores last, by id.
const (
	NewAlert  = "~143360" // new, with the incident's attacker and its target
	OldAlert  = "~155648" // ignored
	SeededJob = "~159744" // of AbuseIPDB on [AttackerObservable], ended
)

// alerts are stored behind everything else, so that ids given out before stay.
func (d *seeder) alerts() {
	at := d.ago(0, 3, 0)
	a := d.s.add("Alert", nil, Organisation, "wazuh@soc.example", Object{
		"type": "siem", "source": "wazuh", "sourceRef": "1700000000.4711", "title": "sshd: login after many failures", "severity": 3,
		"description": "Rule 40112 on agent 007.", "tags": []string{"wazuh", "T1110"}, "date": at, "_createdAt": at,
	})
	for _, o := range []Object{
		{"dataType": "ip", "data": incident.AttackerIP, "ioc": true, "message": "Source"},
		{"dataType": "hostname", "data": "fleet-007.corp", "message": "Target"},
	} {
		o["_createdAt"], o["startDate"] = at, at
		d.s.add("Observable", a, Organisation, "wazuh@soc.example", o)
	}
	d.s.add("Alert", nil, Organisation, "wazuh@soc.example", Object{
		"type": "siem", "source": "wazuh", "sourceRef": "1690000000.1", "title": "Agent disconnected", "severity": 1, "status": "Ignored",
		"description": "Agent 003 was shut down for maintenance.", "tags": []string{"wazuh"}, "date": d.ago(30, 0, 0), "_createdAt": d.ago(30, 0, 0),
	})
}

// job stores an analysis of the attacker's address that ended long ago.
func (d *seeder) job() {
	o := d.s.children("Observable", d.s.byID(BruteForceCase))[0]
	j := d.s.add("Job", o, Organisation, analyst, Object{"analyzerId": "a1b2c3", "analyzerName": "AbuseIPDB_1_0", "analyzerDefinition": "AbuseIPDB_1_0",
		"cortexId": CortexID, "cortexJobId": "AY1", "case_artifact": render(o), "status": "InProgress", "startDate": d.ago(41, 4, 0)})
	j.obj["id"] = j.id()
	d.s.advance(j)
	j.obj["endDate"] = float64(d.ago(41, 3, 59))
}
