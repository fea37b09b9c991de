package wazuh_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// at builds an object with a value at a dotted path.
func at(path string, value any) wazuhtest.Object {
	parts := strings.Split(path, ".")
	for i := len(parts) - 1; i >= 0; i-- {
		value = wazuhtest.Object{parts[i]: value}
	}
	return value.(wazuhtest.Object)
}

// ids are the ids of alerts, sorted.
func ids(list []*wazuh.Alert) []string {
	out := []string{}
	for _, a := range list {
		out = append(out, a.ID)
	}
	slices.Sort(out)
	return out
}

// TestEverySourceIsAFilterAColumnAndACount has an alert of each module that
// puts the source somewhere else.
func TestEverySourceIsAFilterAColumnAndACount(t *testing.T) {
	t.Parallel()
	for i, path := range []string{
		"data.srcip", "data.src_ip", "data.win.eventdata.ipAddress", "data.win.eventdata.sourceIp", "data.aws.sourceIPAddress", "data.aws.client_ip", "data.aws.source_ip_address", "data.aws.remote_ip",
		"data.aws.service.action.networkConnectionAction.remoteIpDetails.ipAddressV4", "data.aws.service.action.awsApiCallAction.remoteIpDetails.ipAddressV4", "data.aws.httpRequest.clientIp",
		"data.properties.initiatedBy.user.ipAddress", "data.callerIpAddress", "data.gcp.jsonPayload.sourceIP", "data.gcp.protoPayload.requestMetadata.callerIp", "data.office365.ClientIP", "data.ms-graph.ipAddress",
		"data.parameters.alert.data.srcip", "data.audit.srcip", "data.id.orig_h", "data.src_endpoint.ip", "source.ip",
	} {
		s := wazuhtest.New(t)
		addr := fmt.Sprintf("203.0.113.%d", 10+i)
		s.AddAlert(time.Now(), "one", at(path, addr))
		s.AddAlert(time.Now(), "other", at(path, "198.51.100.1"))
		c := s.Client()
		p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: addr}})
		if err != nil || p.Total != 1 || p.Alerts[0].ID != "one" || p.Alerts[0].SourceIP != addr {
			t.Errorf("%s: filter: %+v, %v", path, p, err)
		}
		if p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{IP: addr}}); err != nil || p.Total != 1 {
			t.Errorf("%s: either side: %+v, %v", path, p, err)
		}
		if p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: addr}); err != nil || p.Total != 1 || !slices.Contains(p.Alerts[0].FoundIn, path) {
			t.Errorf("%s: search: %+v, %v", path, p, err)
		}
		st, err := c.GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{GroupBy: []wazuh.AlertKey{"source_ip"}})
		want := []wazuh.Count{{Value: "198.51.100.1", Count: 1}, {Value: addr, Count: 1}}
		if err != nil || len(st.Counts) != 1 {
			t.Errorf("%s: counts: %+v, %v", path, st, err)
		} else if diff := cmp.Diff(want, st.Counts[0].Values); diff != "" {
			t.Errorf("%s: counts (-want +got):\n%s", path, diff)
		}
	}
}

func TestEveryUserIsAFilterAndAColumn(t *testing.T) {
	t.Parallel()
	for path, stored := range map[string]string{
		"data.srcuser": "carol", "data.aws.userIdentity.userName": "Carol", "data.office365.UserId": "carol", "data.github.actor": "carol", "data.gcp.protoPayload.authenticationInfo.principalEmail": "carol",
		"data.win.eventdata.user": `ACME\\carol`, "data.win.eventdata.subjectUserName": "CAROL", "data.ms-graph.actor.userPrincipalName": "carol", "data.osquery.columns.username": "carol", "syscheck.audit.login_user.name": "carol", "user.name": "carol",
	} {
		s := wazuhtest.New(t)
		s.AddAlert(time.Now(), "one", at(path, stored))
		s.AddAlert(time.Now(), "other", at(path, "caroline"))
		p, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{User: "carol"}})
		if err != nil || p.Total != 1 || p.Alerts[0].ID != "one" || !strings.HasSuffix(strings.ToLower(p.Alerts[0].SourceUser), "carol") || strings.Contains(p.Alerts[0].SourceUser, `\\`) {
			t.Errorf("%s: %+v, %v", path, p, err)
		}
	}
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "sysmon", at("data.win.eventdata.user", `ACME\\carol`))
	s.AddAlert(time.Now(), "other domain", at("data.win.eventdata.user", `OTHER\\carol`))
	s.AddAlert(time.Now(), "logon", wazuhtest.Object{"data": wazuhtest.Object{"win": wazuhtest.Object{"eventdata": wazuhtest.Object{"targetUserName": "Carol", "targetDomainName": "acme"}}}})
	p, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{User: `acme\carol`}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"logon", "sysmon"}, ids(p.Alerts)); diff != "" {
		t.Errorf("an account with its domain (-want +got):\n%s", diff)
	}
}

func TestAHashIsFoundInSysmonsListByAnyForm(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	md5, sha1, sha256, imphash := strings.Repeat("0123456789ABCDEF", 2), strings.Repeat("A1", 20), strings.Repeat("AB", 32), strings.Repeat("C3", 16)
	s.AddAlert(time.Now(), "one", at("data.win.eventdata.hashes", "SHA1="+sha1+",MD5="+md5+",SHA256="+sha256+",IMPHASH="+imphash))
	s.AddAlert(time.Now(), "other", at("data.win.eventdata.hashes", "MD5=1"+md5[1:]+",SHA256="+md5+md5)) // whose SHA-256 begins with the MD5
	c := s.Client()
	for _, hash := range []string{md5, strings.ToLower(md5), sha1, strings.ToLower(sha256), imphash, "md5=" + md5, "SHA256=" + sha256, "IMPHASH=" + imphash} {
		p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{FileHash: hash}})
		if err != nil || p.Total != 1 || p.Alerts[0].ID != "one" {
			t.Errorf("%s: %+v, %v", hash, p, err)
		}
	}
	if p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{FileHash: "SHA1=" + md5}}); err != nil || p.Total != 0 {
		t.Errorf("an MD5 as SHA1: %+v, %v", p, err)
	}
}

func TestAWindowsPathIsFoundAsOneTypesIt(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "one", wazuhtest.Object{"data": wazuhtest.Object{"win": wazuhtest.Object{"eventdata": wazuhtest.Object{"image": `C:\\Users\\Public\\tool.exe`, "commandLine": `\"C:\\Users\\Public\\tool.exe\" -x`}}}})
	s.AddAlert(time.Now(), "message", at("data.win.system.message", `Path: C:\Users\Public\tool.exe`))
	s.AddAlert(time.Now(), "other", at("data.win.eventdata.image", `D:\\Other\\tool2.exe`))
	s.AddAlert(time.Now(), "unc", at("data.win.eventdata.image", `\\\\server\\share\\a.exe`))
	c := s.Client()
	for query, want := range map[string][]string{
		`C:\Users\Public\tool.exe`: {"message", "one"}, `C:\\Users\\Public\\tool.exe`: {"message", "one"}, `\Public\tool`: {"message", "one"}, `c:\users\public`: {"message", "one"},
		`"C:\Users\Public\tool.exe" -x`: {"one"}, `\"C:\\Users\\Public\\tool.exe\" -x`: {"one"}, `\\server\share`: {"unc"}, `tool2.exe`: {"other"},
	} {
		p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: query})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, ids(p.Alerts)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	for _, process := range []string{`C:\Users\Public\tool.exe`, "TOOL.EXE", `Public\tool.exe`} {
		if p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Process: process}}); err != nil || p.Total != 1 || p.Alerts[0].Event[wazuh.MeaningProcess] != `C:\Users\Public\tool.exe` {
			t.Errorf("process %s: %+v, %v", process, p, err)
		}
	}
}

// TestWordsAreFoundInWhatNobodyForesaw has alerts of decoders of one's own.
func TestWordsAreFoundInWhatNobodyForesaw(t *testing.T) {
	t.Parallel()
	for _, forbidden := range []bool{false, true} {
		s := wazuhtest.New(t)
		if forbidden {
			s.ForbidFields()
		}
		s.AddAlert(time.Now(), "one", wazuhtest.Object{"data": wazuhtest.Object{"acme": wazuhtest.Object{"threat Name": "Behavior:Win32/Example", "nested": wazuhtest.Object{"deep.er": "needle-in-hay"}, "list": []any{"alpha", wazuhtest.Object{"x": "omega"}}}}})
		s.AddAlert(time.Now(), "other", at("data.srcip", "192.0.2.1"))
		c := s.Client()
		for _, query := range []string{"Win32/Example", "needle-in", "NEEDLE-IN-HAY", "alpha", "omega", "alpha omega needle", `"Behavior:Win32"`} {
			p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: query})
			if err != nil || p.Total != 1 || p.Alerts[0].ID != "one" || len(p.Alerts[0].FoundIn) == 0 {
				t.Errorf("%s: %+v, %v", query, p, err)
			}
			if (p.NotSearched != "") != forbidden {
				t.Errorf("%s: not searched: %q", query, p.NotSearched)
			}
		}
		if p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: "alpha nowhere"}); err != nil || p.Total != 0 {
			t.Errorf("one word of two: %+v, %v", p, err)
		}
	}
}

// TestWhatAlertsKeepAsDocumentsOfTheirOwnIsFound has evidence of Microsoft Defender, which
// the vendor's template maps as nested.
func TestWhatAlertsKeepAsDocumentsOfTheirOwnIsFound(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("ab", 32)
	graph := func(inner wazuhtest.Object) wazuhtest.Object {
		return wazuhtest.Object{"data": wazuhtest.Object{"ms-graph": inner}}
	}
	for _, forbidden := range []bool{false, true} {
		s := wazuhtest.New(t)
		if forbidden {
			s.ForbidFields()
		}
		s.AddAlert(time.Now(), "one", graph(wazuhtest.Object{
			"evidence": []wazuhtest.Object{
				{"hostName": "host-1", "deviceDnsName": "host-1.example", "ipAddress": "203.0.113.9", "loggedOnUsers": []wazuhtest.Object{{"accountName": "carol"}}},
				{"verdict": "malicious", "fileDetails": wazuhtest.Object{"sha256": hash, "fileName": "sample.exe"}, "userAccount": wazuhtest.Object{"accountName": "carol"}},
			},
			"resources": []wazuhtest.Object{{"displayName": "Finance Share", "modifiedProperties": []wazuhtest.Object{{"displayName": "AccountEnabled", "newValue": "[false]"}}}},
		}))
		s.AddAlert(time.Now(), "other", graph(wazuhtest.Object{"evidence": []wazuhtest.Object{{"hostName": "host-2", "verdict": "suspicious", "userAccount": wazuhtest.Object{"accountName": "dave"}}}}))
		c := s.Client()
		for _, in := range []wazuh.GetAlertsInput{
			{AlertFilter: wazuh.AlertFilter{User: "carol"}}, {AlertFilter: wazuh.AlertFilter{FileHash: hash}}, {AlertFilter: wazuh.AlertFilter{IP: "203.0.113.9"}}, {AlertFilter: wazuh.AlertFilter{SourceIP: "203.0.113.0/24"}}, {AlertFilter: wazuh.AlertFilter{User: "finance share"}},
			{AlertFilter: wazuh.AlertFilter{Search: "sample.exe"}}, {AlertFilter: wazuh.AlertFilter{Search: "host-1"}}, {AlertFilter: wazuh.AlertFilter{Search: "malicious"}}, {AlertFilter: wazuh.AlertFilter{Search: "host-1 malicious"}}, {AlertFilter: wazuh.AlertFilter{Search: "AccountEnabled"}}, {AlertFilter: wazuh.AlertFilter{Search: "accountenabled share"}}, {AlertFilter: wazuh.AlertFilter{Search: "carol", User: "carol"}},
		} {
			if p, err := c.GetAlerts(t.Context(), in); err != nil || p.Total != 1 || p.Alerts[0].ID != "one" {
				t.Errorf("%+v: %+v, %v", in, p, err)
			}
		}
		st, err := c.GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{GroupBy: []wazuh.AlertKey{"user"}, AlertFilter: wazuh.AlertFilter{User: "carol"}})
		if err != nil || st.Total != 1 || !slices.ContainsFunc(st.Counts[0].Values, func(c wazuh.Count) bool { return c.Value == "carol" && c.Count > 0 }) {
			t.Errorf("counts: %+v, %v", st, err)
		}
	}
}

// TestPartsOfALogAreFound has events that no decoder took apart: all that they say stands
// in the log alone, which the indexer keeps by its tokens.
func TestPartsOfALogAreFound(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	for id, log := range map[string]string{
		"ssh":      "Nov 30 10:00:01 web-01 sshd[1234]: Connection from 192.168.77.5 port 22022 on evil.sub.example.com/index.php?id=7&x=user=root",
		"proxy":    `<13>proxy: GET http://cdn.bad-domain.test:8080/payload_v2.bin HTTP/1.1 "Mozilla/5.0 (X11; Linux)" E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855`,
		"windows":  `app: opened C:\Users\Bob\AppData\Local\Temp\dropper.exe by DOMAIN\bob (pid=4711) mail bob@corp.example.org`,
		"firewall": "kernel: IN=eth0 SRC=203.0.113.77 DST=10.9.8.7 PROTO=TCP SPT=51515 DPT=3389 MAC=00:11:22:33:44:55",
		"odd":      "it's Bob's_file-name.v2.tar.gz 2001:db8::dead:beef T1059.001 {8f2c3a10-11aa-4bcd-9e00-aabbccddeeff} 日本語のログ",
	} {
		s.AddAlert(time.Now(), id, wazuhtest.Object{"rule": wazuhtest.Object{"id": "1002", "level": 3}, "full_log": log})
	}
	c := s.Client()
	for query, want := range map[string]string{
		"192.168.77.5": "ssh", "192.168.77": "ssh", "192.168.77.": "ssh", "192.168.*": "ssh", "68.77.5": "ssh", "example.com": "ssh", "sub.example.com": "ssh", ".example.com": "ssh", "EXAMPLE.COM/index": "ssh", "index.php": "ssh", "sshd[1234]": "ssh", "sshd[12": "ssh", "user=root": "ssh", "220": "ssh", "evil*index.php": "ssh",
		"bad-domain.test": "proxy", "bad-domain": "proxy", "cdn.bad-dom": "proxy", "payload_v2": "proxy", "load_v2.bin": "proxy", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": "proxy", "http://cdn.bad-domain.test:8080/payload_v2.bin": "proxy", "Mozilla/5": "proxy",
		`C:\Users\Bob`: "windows", "dropper": "windows", `Temp\drop`: "windows", `\dropper.exe`: "windows", `DOMAIN\bob`: "windows", "bob@corp.example.org": "windows", "corp.example": "windows", "b@corp": "windows", "pid=4711": "windows", "pid=47": "windows",
		"SRC=203.0.113.77": "firewall", "203.0.113.": "firewall", "203.0.113.*": "firewall", "00:11:22:33": "firewall", "DPT=3389": "firewall", "DPT=33": "firewall",
		"Bob's_file": "odd", "Bob's": "odd", "v2.tar.gz": "odd", "tar.gz": "odd", "name.v2": "odd", "file-name": "odd", "2001:db8::dead": "odd", "T1059": "odd", "T1059.": "odd", "8f2c3a10-11aa": "odd", "aabbccddeeff}": "odd", "日本語": "odd", "語のログ": "odd",
		"ample.net": "", "domain-bad": "", "tar.zip": "", "113.203": "", "sshd[1235]": "", "192.168.7.": "", "a'": "", "1=1;": "", `C:\Temp\`: "", `C:\Users\Bo`: "windows", "2001:db8::1": "", `"pid mail"`: "", `"force brute"`: "", "本日": "",
	} {
		p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: query})
		if err != nil {
			t.Errorf("%s: %v", query, err)
		} else if diff := cmp.Diff(strings.Fields(want), append([]string(nil), ids(p.Alerts)...), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

// TestAWordIsFoundWhereIndicesDifferInHowAFieldIsKept has an index that was made without
// the vendor's template, which keeps texts by their tokens.
func TestAWordIsFoundWhereIndicesDifferInHowAFieldIsKept(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "one", at("data.own", "the foo-bar of it"))
	c := s.Client(func(c *wazuh.Config) { c.Version = "4.14.7" })
	s.FailNext(wazuhtest.IndexerAPI, wazuhtest.Fault{Status: 200, Body: `{"indices":["a","b"],"fields":{"data.own":{"keyword":{"type":"keyword","indices":["a"]},"text":{"type":"text","indices":["b"]}}}}`})
	for _, query := range []string{"foo-bar", "o-bar of", `"foo-bar of"`, "foo"} {
		if p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: query}); err != nil || p.Total != 1 {
			t.Errorf("%s: %+v, %v", query, p, err)
		}
	}
}

// TestALongWordIsLookedForByAPieceFirst has more fields than are looked into at once.
func TestALongWordIsLookedForByAPieceFirst(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	for i := range 500 {
		s.MapFields(fmt.Sprintf("data.template.f%d", i))
	}
	s.AddAlert(time.Now(), "one", wazuhtest.Object{
		"full_log": "the log says hello-world", "rule": wazuhtest.Object{"id": "5710", "level": 7, "description": "one"},
		"data": wazuhtest.Object{"own": "prefix-Quixotic-9.example", "short": "zq", "umlaut": "Müßiggänger Öztürk", "japanese": "ログイン失敗", "said": `he said "stop it" twice`, "win": wazuhtest.Object{"eventdata": wazuhtest.Object{"commandLine": `\"C:\\Temp\\x y.exe\" -k`}, "system": wazuhtest.Object{"message": `"C:\Temp\x y.exe" -k`}}, "star": "a*b", "spaces": "a  b", "port": 4444},
	})
	s.AddAlert(time.Now(), "other", wazuhtest.Object{"rule": wazuhtest.Object{"id": "5711", "level": 3, "description": "two"}, "data": wazuhtest.Object{"own": "quiet", "elsewhere": "tic"}})
	bodies := make(chan string, 1000)
	c := s.Client(func(cfg *wazuh.Config) {
		cfg.Indexer.Wrap = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Body != nil && strings.HasSuffix(r.URL.Path, "/_search") {
					b, err := io.ReadAll(r.Body)
					if err != nil {
						return nil, err
					}
					r.Body = io.NopCloser(bytes.NewReader(b))
					bodies <- string(b)
				}
				return next.RoundTrip(r)
			})
		}
	})
	sent := func(query string) (list []string) {
		t.Helper()
		p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: query})
		if err != nil || p.Total != 1 || p.Alerts[0].ID != "one" || p.NotSearched != "" {
			t.Errorf("%s: %+v, %v", query, p, err)
		}
		for len(bodies) > 0 {
			list = append(list, <-bodies)
		}
		return list
	}
	// First which fields hold anything, then a piece in these, then the word in those that hold it.
	list := sent("Quixotic-9")
	if len(list) != 3 || !strings.Contains(list[0], `"exists":{"field":"data.template.f1"}`) || strings.Contains(list[0], "uix") {
		t.Fatalf("%d requests, the first %.300s", len(list), list[0])
	}
	if !strings.Contains(list[1], `"aggs"`) || strings.Contains(list[1], "uixotic") || strings.Contains(list[1], "data.template.") || !strings.Contains(list[1], "data.said") {
		t.Errorf("the second request is %.600s", list[1])
	}
	if !strings.Contains(list[2], `"data.own":{"case_insensitive":true,"value":"*Quixotic-9*"}`) || strings.Contains(list[2], "data.said") {
		t.Errorf("the third request is %.600s", list[2])
	}
	// What is as short as a piece is looked for at once.
	if list := sent("zq"); len(list) != 2 || strings.Contains(list[1], "data.template.f1") || !strings.Contains(list[1], "data.said") {
		t.Errorf("a short word: %d requests", len(list))
	}
	for _, query := range []string{
		"prefix-quixotic", "QUIXOTIC-9.EXAMPLE", "zq", "tic-9", "müßiggänger", "MÜSSIG*", "öztürk", "ログイン", "イン失敗", "失敗", `"stop it"`, `he*twice`, `qu*tic-9`, `"a  b"`, `a*b`, "4444", "44*4",
		`C:\Temp\x`, `"C:\Temp\x y.exe" -k`, `\"C:\\Temp\\x y.exe\" -k`, "hello-world", "hello quixotic zq", "level", "5710",
	} {
		if query == "MÜSSIG*" || query == "level" { // ß has no capital here, and names of fields aren't searched
			if p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: query}); err != nil || p.Total != 0 {
				t.Errorf("%s: %+v, %v", query, p, err)
			}
			continue
		}
		sent(query)
	}
	// Pieces that stand in different fields, or none: nothing is found.
	for _, query := range []string{"quixotick", "nowhere-to-be-found", "tic9"} {
		if p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: query}); err != nil || p.Total != 0 {
			t.Errorf("%s: %+v, %v", query, p, err)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWhatDoesNotFitIntoOneQueryIsSaid(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	doc := wazuhtest.Object{}
	for i := range 1500 {
		doc[fmt.Sprintf("f%d", i)] = "the same everywhere"
	}
	doc["f1499"] = "but here"
	s.AddAlert(time.Now(), "one", wazuhtest.Object{"data": wazuhtest.Object{"many": doc}})
	c := s.Client()
	p, err := c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: "here"})
	if err != nil || p.Total != 1 || p.NotSearched == "" {
		t.Errorf("a word in more fields than a query has room for: %+v, %v", p, err)
	}
	if p, err = c.SearchAlerts(t.Context(), wazuh.SearchAlertsInput{Query: "but"}); err != nil || p.Total != 1 || p.NotSearched != "" {
		t.Errorf("a word in one of many fields: %+v, %v", p, err)
	}
}

func TestFiltersAndWordsFitIntoOneQuery(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "one", wazuhtest.Object{"data": wazuhtest.Object{"srcip": "192.0.2.1", "dstip": "192.0.2.2", "srcuser": "carol", "audit": wazuhtest.Object{"exe": "/usr/bin/su"}, "many": wazuhtest.Object{"own": "needle"}, "sha256": strings.Repeat("ab", 32), "domain": "a.example"}})
	for i := range 900 {
		s.MapFields(fmt.Sprintf("data.many.f%d", i))
	}
	p, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{
		AlertFilter: wazuh.AlertFilter{SourceIP: "192.0.2.1", DestinationIP: "192.0.2.2", IP: "192.0.2.1", User: "carol", Process: "su", Domain: "a.example", FileHash: strings.Repeat("ab", 32), Search: "needle su"},
	})
	if err != nil || p.Total != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestADateMeansTheWholeDay(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	for id, at := range map[string]time.Time{"first": day, "noon": day.Add(12 * time.Hour), "last": day.Add(24*time.Hour - time.Second), "after": day.Add(24*time.Hour + time.Second), "before": day.Add(-time.Second)} {
		s.AddAlert(at, id, wazuhtest.Object{"rule": wazuhtest.Object{"id": "1", "level": 3}})
	}
	p, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: "2026-03-02", EndTime: "2026-03-02"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "last", "noon"}, ids(p.Alerts)); diff != "" || p.Until.IsZero() {
		t.Errorf("(-want +got):\n%s", diff)
	}
	st, err := s.Client().GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{AlertFilter: wazuh.AlertFilter{StartTime: "2026-03-02", EndTime: "2026-03-02"}})
	if err != nil || st.Total != 3 || !st.Until.After(day.Add(23*time.Hour)) {
		t.Errorf("counts %+v, %v", st, err)
	}
	berlin := s.Client(func(c *wazuh.Config) { c.TimeZone = "Europe/Berlin" })
	if p, err = berlin.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{StartTime: "2026-03-02", EndTime: "2026-03-02"}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"before", "first", "noon"}, ids(p.Alerts)); diff != "" {
		t.Errorf("in Berlin (-want +got):\n%s", diff)
	}
	st, err = berlin.GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{Interval: "1d", AlertFilter: wazuh.AlertFilter{StartTime: "2026-03-01", EndTime: "2026-03-03"}})
	if err != nil || len(st.OverTime) != 2 || st.OverTime[0].Count != 3 || st.OverTime[0].Time.Hour() != 0 {
		t.Errorf("days in Berlin: %+v, %v", st, err)
	}
}

func TestTheContextLooksAtBothEnds(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	now := time.Now().Truncate(time.Second)
	s.AddAlert(now, "one", wazuhtest.Object{"agent": wazuhtest.Object{"id": "000"}, "rule": wazuhtest.Object{"id": "1", "level": 5}, "data": wazuhtest.Object{"aws": wazuhtest.Object{"sourceIPAddress": "203.0.113.71", "userIdentity": wazuhtest.Object{"userName": "carol"}}}})
	s.AddAlert(now.Add(time.Minute), "same user", wazuhtest.Object{"agent": wazuhtest.Object{"id": "000"}, "rule": wazuhtest.Object{"id": "2", "level": 5}, "data": wazuhtest.Object{"aws": wazuhtest.Object{"sourceIPAddress": "203.0.113.71", "userIdentity": wazuhtest.Object{"userName": "carol"}}}})
	s.AddAlert(now.Add(2*time.Minute), "same source", wazuhtest.Object{"agent": wazuhtest.Object{"id": "004"}, "rule": wazuhtest.Object{"id": "3", "level": 5}, "data": wazuhtest.Object{"srcip": "203.0.113.71"}})
	s.AddAlert(now.Add(3*time.Minute), "went there", wazuhtest.Object{"agent": wazuhtest.Object{"id": "005"}, "rule": wazuhtest.Object{"id": "4", "level": 5}, "data": wazuhtest.Object{"srcip": "192.0.2.10", "dstip": "203.0.113.71"}})
	got, err := s.Client().GetAlertContext(t.Context(), wazuh.GetAlertContextInput{AlertID: "one"})
	if err != nil {
		t.Fatal(err)
	}
	related := map[string][]string{}
	for _, p := range got.Pivot {
		related[p.Relation+" "+p.Value] = ids(p.Alerts)
	}
	want := map[string][]string{
		"same_host 000": {"same user"}, "same_source 203.0.113.71": {"same source", "same user"}, "to_source 203.0.113.71": {"went there"}, "same_user carol": {"same user"}, "same_rule 1": {},
	}
	if diff := cmp.Diff(want, related); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestTheContextTakesValuesLongerThanAnArgumentMayBe(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	now, user := time.Now().Truncate(time.Second), strings.Repeat("u", 300)
	for _, id := range []string{"one", "other"} {
		s.AddAlert(now, id, wazuhtest.Object{"agent": wazuhtest.Object{"id": "000"}, "rule": wazuhtest.Object{"id": "1", "level": 5}, "data": wazuhtest.Object{"dstuser": user}})
	}
	got, err := s.Client().GetAlertContext(t.Context(), wazuh.GetAlertContextInput{AlertID: "one"})
	if err != nil || !slices.ContainsFunc(got.Pivot, func(p wazuh.AlertsAround) bool {
		return p.Relation == "same_user" && slices.Equal(ids(p.Alerts), []string{"other"})
	}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAgentsAreFoundByWhatIsShown(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAgent(wazuhtest.Object{"id": "301", "name": "dc-1", "ip": "192.0.2.11", "status": "active"})
	s.AddAgent(wazuhtest.Object{"id": "302", "name": "plain", "ip": "192.0.2.12", "status": "active", "internal_key": "00dc-100", "configSum": "dc-1"})
	p, err := s.Client().ListAgents(t.Context(), wazuh.ListAgentsInput{Search: "DC-1"})
	if err != nil || p.Total != 1 || p.Agents[0].ID != "301" {
		t.Errorf("%+v, %v", p, err)
	}
	s.AddAgent(wazuhtest.Object{"id": "043", "name": "plain", "ip": "192.0.2.13", "status": "active"})
	if p, err := s.Client().ListAgents(t.Context(), wazuh.ListAgentsInput{Search: "043"}); err != nil || p.Total != 1 || p.Agents[0].ID != "043" {
		t.Errorf("the number of an agent with its zero: %+v, %v", p, err)
	}
	if _, err := s.Client().ListAgents(t.Context(), wazuh.ListAgentsInput{Search: "a;b"}); !errors.Is(err, wazuh.ErrInvalid) {
		t.Errorf("what no condition can hold: %v", err)
	}
}

func TestAnAgentIsFoundByAnOddName(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	for id, name := range map[string]string{"301": "host@site", "302": "LAPTOP-ÉLODIE", "303": "a b", "304": "dc=1/x"} {
		s.AddAgent(wazuhtest.Object{"id": id, "name": name, "status": "active"})
		if p, err := s.Client().ListAgents(t.Context(), wazuh.ListAgentsInput{Name: name}); err != nil || p.Total != 1 || p.Agents[0].ID != id {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if p, err := s.Client().ListAgents(t.Context(), wazuh.ListAgentsInput{Name: "host@site", Search: "no such"}); err != nil || p.Total != 0 {
		t.Errorf("both: %+v, %v", p, err)
	}
	for _, in := range []wazuh.ListAgentsInput{{Name: "a;id=000"}, {Name: "a,id=000"}, {Name: "É@x"}, {OlderThan: "0d"}} {
		if p, err := s.Client().ListAgents(t.Context(), in); err == nil && p.Total > 0 || in.Name != "a,id=000" && !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%+v: %+v, %v", in, p, err)
		}
	}
	if p, err := s.Client().ListDecoders(t.Context(), wazuh.ListDecodersInput{Name: "windows_eventchannel"}); err != nil || p.Total != 0 || p.Note == "" {
		t.Errorf("a decoder that is built in: %+v, %v", p, err)
	}
}

func TestNamesThatWazuhDoesNotCheckAreChecked(t *testing.T) {
	t.Parallel()
	c := wazuhtest.New(t).Client()
	_, err := c.GetSCAChecks(t.Context(), wazuh.GetSCAChecksInput{AgentID: "007", PolicyID: "cis_nope"})
	if !errors.Is(err, wazuh.ErrNotFound) || !strings.Contains(err.Error(), "cis_nope") || !strings.Contains(err.Error(), wazuhtest.PolicyID) {
		t.Errorf("policy: %v", err)
	}
	if p, err := c.GetSCAChecks(t.Context(), wazuh.GetSCAChecksInput{AgentID: "007", PolicyID: wazuhtest.PolicyID, Search: "nothing like it"}); err != nil || p.Total != 0 {
		t.Errorf("a policy without such a check: %+v, %v", p, err)
	}
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Group: "nope"}); !errors.Is(err, wazuh.ErrNotFound) || !strings.Contains(err.Error(), "nope") {
		t.Errorf("group: %v", err)
	}
	if p, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{Group: "empty-group"}); err != nil || p.Total != 0 {
		t.Errorf("an empty group: %+v, %v", p, err)
	}
	if _, err := c.GetFIMFiles(t.Context(), wazuh.GetFIMFilesInput{AgentID: "999"}); !errors.Is(err, wazuh.ErrNotFound) {
		t.Errorf("files of an unknown agent: %v", err)
	}
}

func TestNumbersAreReadAsTheServerWritesThem(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	rows := `{"data":{"affected_items":[{"file":"/etc/a","type":"file","inode":1.2345678901234568e+18,"size":1000000000000000.0,"changes":"3"},{"file":"/etc/b","type":"file","inode":"odd","size":1},{"file":"/etc/c","type":"file","inode":42}],"total_affected_items":3,"total_failed_items":0,"failed_items":[]},"message":"ok","error":0}`
	c := s.Client(func(cfg *wazuh.Config) { cfg.Version = "4.14.7" })
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{}); err != nil { // logs in
		t.Fatal(err)
	}
	s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 200, Body: rows})
	p, err := c.GetFIMFiles(t.Context(), wazuh.GetFIMFilesInput{AgentID: "003"})
	if err != nil || p.Total != 3 || len(p.Files) != 2 || len(p.Failed) != 1 || !strings.Contains(p.Failed[0].Message, "odd") {
		t.Fatalf("%+v, %v", p, err)
	}
	if a, b := p.Files[0], p.Files[1]; a.Inode != 1234567890123456768 || a.Size != 1_000_000_000_000_000 || a.Changes != 3 || b.File != "/etc/c" || b.Inode != 42 {
		t.Errorf("%+v %+v", a, b)
	}
}

func TestTheRevisionIsANumberOrAText(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{`"revision":40717`: "40717", `"revision":"rc1"`: "rc1", `"revision":null`: "", `"title":"Wazuh API REST"`: ""} {
		s := wazuhtest.New(t)
		c := s.Client()
		s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 200, Body: `{"data":{"token":"x"},"error":0}`})
		s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 200, Body: `{"data":{"api_version":"4.7.4",` + body + `},"error":0}`})
		v, err := c.GetWazuhVersion(t.Context(), wazuh.GetWazuhVersionInput{})
		if err != nil || v.APIVersion != "4.7.4" || v.Revision != want {
			t.Errorf("%s: %+v, %v", body, v, err)
		}
	}
}

func TestWhatIsNotKnownIsNotShownAsZero(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SetInventory("007", "ports", wazuhtest.Object{"local": wazuhtest.Object{"ip": "::", "port": 22}, "protocol": "tcp6", "state": "listening"}, wazuhtest.Object{"local": wazuhtest.Object{"port": 68}, "remote": wazuhtest.Object{"ip": "0.0.0.0", "port": 0}, "protocol": "udp"})
	s.SetInventory("007", "hardware", wazuhtest.Object{"cpu": wazuhtest.Object{"name": "sparc"}})
	p, err := s.Client().GetAgentPorts(t.Context(), wazuh.GetAgentPortsInput{AgentID: "007"})
	if err != nil || p.Total != 2 || p.Ports[0].Remote != (wazuh.Endpoint{}) || p.Ports[1].Local.IP != "" || *p.Ports[1].Local.Port != 68 || *p.Ports[1].Remote.Port != 0 {
		t.Errorf("ports %+v, %v", p, err)
	}
	st, err := s.Client().GetAgentStats(t.Context(), wazuh.GetAgentStatsInput{AgentID: "007"})
	if err != nil || st.Memory != nil || st.CPU == nil || st.CPU.Cores != nil {
		t.Errorf("stats %+v, %v", st, err)
	}
}

func TestLogsOfAWazuhBefore46AreAskedForWithoutSelect(t *testing.T) {
	t.Parallel()
	for version, selects := range map[string]bool{"4.5.4": false, "4.2.7": false, "4.6.0": true, "4.14.7": true} {
		s := wazuhtest.New(t)
		s.SetVersion(version)
		p, err := s.Client().GetManagerLogs(t.Context(), wazuh.GetManagerLogsInput{})
		if err != nil || len(p.Logs) == 0 || p.Logs[0].Tag == "" || p.Logs[0].Description != "" {
			t.Errorf("%s: %+v, %v", version, p, err)
		}
		r := strings.Join(s.Requests(), "\n")
		if strings.Contains(r, "select=") != selects {
			t.Errorf("%s: %s", version, r)
		}
	}
}

func TestTheLogOfANamedNode(t *testing.T) {
	t.Parallel()
	c := wazuhtest.New(t).Client()
	p, err := c.GetManagerLogs(t.Context(), wazuh.GetManagerLogsInput{Node: wazuhtest.NodeName, Limit: 2})
	if err != nil || p.Node != wazuhtest.NodeName || len(p.Logs) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := c.GetManagerLogs(t.Context(), wazuh.GetManagerLogsInput{Node: "nosuch"}); !errors.Is(err, wazuh.ErrNotFound) {
		t.Errorf("a node that isn't there: %v", err)
	}
	for _, node := range []string{"..", "a/b", "a b", "."} {
		if _, err := c.GetManagerLogs(t.Context(), wazuh.GetManagerLogsInput{Node: node}); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("node %q: %v", node, err)
		}
	}
}

func TestWhatCameLaterIsSaidToHaveComeLater(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SetVersion("4.7.5")
	c := s.Client()
	_, err := c.ListVulnerabilities(t.Context(), wazuh.ListVulnerabilitiesInput{})
	if !errors.Is(err, wazuh.ErrUnsupported) || !strings.Contains(err.Error(), "4.7.5") || !strings.Contains(err.Error(), "4.8") {
		t.Errorf("vulnerabilities: %v", err)
	}
	_, err = c.SearchInventory(t.Context(), wazuh.SearchInventoryInput{Kind: "users"})
	if !errors.Is(err, wazuh.ErrUnsupported) || !strings.Contains(err.Error(), "4.7.5") || !strings.Contains(err.Error(), "4.13") {
		t.Errorf("users: %v", err)
	}
}

// TestTheFleetIsSearchedAgentByAgentWithoutItsStates has servers whose indexer
// keeps no inventory, and one without an indexer.
func TestTheFleetIsSearchedAgentByAgentWithoutItsStates(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SetVersion("4.12.0")
	old := s.Client()
	bare := wazuhtest.New(t)
	alone := bare.Client(func(cfg *wazuh.Config) { cfg.Indexer = wazuh.IndexerConfig{} })
	for name, tt := range map[string]struct {
		in     wazuh.SearchInventoryInput
		total  int
		agents int
	}{
		"package": {wazuh.SearchInventoryInput{Kind: "packages", Search: "XZ"}, 1, 1}, "process": {wazuh.SearchInventoryInput{Kind: "processes", Search: "kworkerd 203.0.113.77"}, 1, 1},
		"port": {wazuh.SearchInventoryInput{Kind: "ports", Port: 8443}, 1, 1}, "everywhere": {wazuh.SearchInventoryInput{Kind: "ports", Port: 22, Limit: 100}, 14, 12},
		"hotfix": {wazuh.SearchInventoryInput{Kind: "hotfixes", Search: "kb5031364"}, 2, 2}, "nothing": {wazuh.SearchInventoryInput{Kind: "packages", Search: "nosuch"}, 0, 0},
		"agent": {wazuh.SearchInventoryInput{Kind: "packages", AgentID: "7"}, 5, 1}, "agent's name": {wazuh.SearchInventoryInput{Kind: "packages", Search: "fleet-006 curl"}, 1, 1},
		"system": {wazuh.SearchInventoryInput{Kind: "system", Search: "ubuntu 24.04"}, 2, 2}, "hardware": {wazuh.SearchInventoryInput{Kind: "hardware"}, 12, 12},
		"file": {wazuh.SearchInventoryInput{Kind: "fim-files", Search: "sshd_config"}, 10, 10}, "registry": {wazuh.SearchInventoryInput{Kind: "fim-registry", Search: "Updater"}, 2, 2},
		"network": {wazuh.SearchInventoryInput{Kind: "networks", Search: "10.20.0.7"}, 1, 1},
	} {
		for server, c := range map[string]*wazuh.Client{"4.12": old, "without an indexer": alone} {
			p, err := c.SearchInventory(t.Context(), tt.in)
			if err != nil || p.Total != tt.total || len(p.Agents) != tt.agents || p.Incomplete != "" || p.Note == "" {
				t.Errorf("%s, %s: %+v, %v", server, name, p, err)
				continue
			}
			for _, i := range p.Items {
				if i.AgentID == "" || i.AgentName == "" || strings.Contains(string(i.Item), "agent_id") {
					t.Errorf("%s, %s: %+v", server, name, i)
				}
			}
		}
	}
	for _, in := range []wazuh.SearchInventoryInput{{Kind: "packages"}, {Kind: "packages", Search: "e"}, {Kind: "hardware"}, {Kind: "packages", Limit: 5}} { // by pages, each row once
		cut := in.Limit > 0
		if !cut {
			in.Limit = 3
		}
		seen, total, rows := map[string]bool{}, 0, 0
		for {
			p, err := old.SearchInventory(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if total == 0 {
				total = p.Total
			}
			if p.Total != total {
				t.Errorf("%+v: total %d, then %d", in, total, p.Total)
			}
			if cut && len(p.Items) > 2 {
				page, _ := p.FirstRows(2)
				p = page.(*wazuh.ThingPage)
			}
			rows += len(p.Items)
			for _, i := range p.Items {
				seen[i.AgentID+string(i.Item)] = true
			}
			if !p.More {
				break
			}
			in.Cursor = p.NextCursor
		}
		if len(seen) != total || rows != total || total == 0 {
			t.Errorf("%+v: %d of %d rows", in, len(seen), total)
		}
	}
	for _, in := range []wazuh.SearchInventoryInput{{Kind: "packages", Cursor: "e30"}, {Kind: "packages", Offset: 3}, {Kind: "packages", Port: 3}} {
		if p, err := old.SearchInventory(t.Context(), in); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%+v: %+v, %v", in, p, err)
		}
	}
}

func TestALargeFleetIsAskedInPartsAndAnAgentThatIsHiddenIsSaid(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SetVersion("4.9.2")
	for i := range 150 {
		id := fmt.Sprint(1000 + i)
		s.AddAgent(wazuhtest.Object{"id": id, "name": "n" + id, "status": "active"})
		s.SetInventory(id, "packages", wazuhtest.Object{"name": "pkg" + id})
	}
	c := s.Client()
	in := wazuh.SearchInventoryInput{Kind: "packages", Search: "pkg", Limit: 100}
	p, err := c.SearchInventory(t.Context(), in)
	if err != nil || len(p.Items) != 88 || !p.More || !strings.Contains(p.Incomplete, "100 of 162 agents") {
		t.Fatalf("the first hundred: %d, %+v, %v", len(p.Items), p, err)
	}
	in.Cursor = p.NextCursor
	if p, err = c.SearchInventory(t.Context(), in); err != nil || len(p.Items) != 62 || p.More || p.Total != 150 || p.Incomplete != "" {
		t.Errorf("the rest: %d, %+v, %v", len(p.Items), p, err)
	}
	s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 200, Body: `{"data":{"affected_items":[{"id":"001","name":"web-01"},{"id":"002","name":"db-01"}],"total_affected_items":2,"total_failed_items":0,"failed_items":[]},"error":0}`})
	s.Deny("002")
	if p, err = c.SearchInventory(t.Context(), wazuh.SearchInventoryInput{Kind: "packages"}); err != nil || len(p.Agents) != 1 || !strings.Contains(p.Incomplete, "1 agents could not be asked") {
		t.Errorf("one that may not be read: %+v, %v", p, err)
	}
}

func TestTheInventoryIsSearchedInEveryFieldAndWalkedWhole(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddState("wazuh-states-inventory-services-manager-1", "one", wazuhtest.Object{
		"agent": wazuhtest.Object{"id": "007", "name": "db-primary"}, "service": wazuhtest.Object{"id": "exampled", "name": "exampled", "description": "Example daemon", "state": "failed", "start_type": "disabled"},
		"process": wazuhtest.Object{"user": wazuhtest.Object{"name": "svc_example"}},
	})
	c := s.Client()
	for _, search := range []string{"failed", "disabled", "svc_example", "db-primary", "daemon", "exampled db-prim"} {
		if p, err := c.SearchInventory(t.Context(), wazuh.SearchInventoryInput{Kind: "services", Search: search}); err != nil || p.Total != 1 {
			t.Errorf("%s: %+v, %v", search, p, err)
		}
	}
	for i := range 120 {
		s.AddState("wazuh-states-inventory-services-manager-1", fmt.Sprintf("001_%05d", i), wazuhtest.Object{"agent": wazuhtest.Object{"id": "001", "name": "host-1"}, "service": wazuhtest.Object{"id": "same", "name": "same", "state": "running"}})
	}
	seen, cursor := 0, wazuh.Cursor("")
	for page := 0; page < 5; page++ {
		p, err := c.SearchInventory(t.Context(), wazuh.SearchInventoryInput{Kind: "services", Search: "same", Limit: 50, Cursor: cursor})
		if err != nil || p.Total != 120 {
			t.Fatalf("%+v, %v", p, err)
		}
		if seen += len(p.Items); !p.More {
			break
		}
		cursor = p.NextCursor
	}
	if seen != 120 {
		t.Errorf("%d of 120 rows seen", seen)
	}
}

func TestFindingsOfWazuh5AreFilteredByTheirOwnNames(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SetVersion("5.1.0")
	s.AddState("wazuh-findings-v5-other", "one", wazuhtest.Object{"@timestamp": time.Now().UTC().Format(time.RFC3339), "wazuh": wazuhtest.Object{"agent": wazuhtest.Object{"id": "001", "name": "host-1"}, "rule": wazuhtest.Object{"id": "net-006", "level": "high", "title": "Example beacon"}}})
	s.AddState("wazuh-findings-v5-other", "low", wazuhtest.Object{"@timestamp": time.Now().UTC().Format(time.RFC3339), "wazuh": wazuhtest.Object{"agent": wazuhtest.Object{"id": "002", "name": "host-2"}, "rule": wazuhtest.Object{"id": "net-007", "level": "medium", "title": "Another"}}})
	c := s.Client()
	for name, in := range map[string]wazuh.GetAlertsInput{"agent": {AlertFilter: wazuh.AlertFilter{AgentID: "1"}}, "name": {AlertFilter: wazuh.AlertFilter{AgentName: "HOST-1"}}, "level": {AlertFilter: wazuh.AlertFilter{Level: 10}}, "rule": {AlertFilter: wazuh.AlertFilter{RuleID: "net-006"}}, "words": {AlertFilter: wazuh.AlertFilter{Search: "beacon"}}} {
		p, err := c.GetAlerts(t.Context(), in)
		if err != nil || p.Total != 1 || p.Alerts[0].Rule.ID != "net-006" || p.Alerts[0].Agent.Name != "host-1" || p.Alerts[0].Rule.LevelName != "high" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if name == "level" && !strings.Contains(p.Note, "high") {
			t.Errorf("what level means isn't said: %q", p.Note)
		}
	}
	s.AddState("wazuh-states-inventory-packages", "p", wazuhtest.Object{"wazuh": wazuhtest.Object{"agent": wazuhtest.Object{"id": "001", "name": "host-1"}}, "package": wazuhtest.Object{"name": "exampled", "version": "1.2.3"}})
	if p, err := c.GetAgentPackages(t.Context(), wazuh.GetAgentPackagesInput{AgentID: "001", Search: "exampled"}); err != nil || p.Total != 1 || p.Packages[0].Name != "exampled" {
		t.Errorf("packages: %+v, %v", p, err)
	}
	if p, err := c.SearchInventory(t.Context(), wazuh.SearchInventoryInput{Kind: "packages", Search: "exampled"}); err != nil || p.Total != 1 || p.Items[0].AgentID != "001" || p.Agents[0].AgentID != "001" {
		t.Errorf("inventory: %+v, %v", p, err)
	}
}

func TestAlertsOfOneTenant(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	for _, customer := range []string{"acme", "other"} {
		s.AddAlert(time.Now(), customer, wazuhtest.Object{"agent": wazuhtest.Object{"id": "001", "labels": wazuhtest.Object{"customer": customer}}})
	}
	for _, c := range []*wazuh.Client{s.Client(func(c *wazuh.Config) { c.Label = "customer=acme" })} {
		if p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{}); err != nil || p.Total != 1 || !strings.Contains(string(p.Alerts[0].Agent.Extra["labels"]), "acme") {
			t.Errorf("%+v, %v", p, err)
		}
		if _, err := c.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: "other"}); !errors.Is(err, wazuh.ErrNotFound) {
			t.Errorf("another tenant's alert: %v", err)
		}
	}
	if p, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Label: "customer=OTHER"}}); err != nil || p.Total != 1 || p.Alerts[0].ID != "other" {
		t.Errorf("by the filter: %+v, %v", p, err)
	}
	if _, err := wazuh.New(wazuh.Config{BaseURL: "https://w.example", Username: "a", Password: "b", AlertIndex: "../x", TimeZone: "Nowhere/City", Label: "x"}); err == nil || !strings.Contains(err.Error(), "Nowhere") || !strings.Contains(err.Error(), "label") || !strings.Contains(err.Error(), "../x") {
		t.Errorf("settings that mean nothing: %v", err)
	}
	c := s.Client(func(c *wazuh.Config) { c.AlertIndex = "site1:wazuh-alerts-*,wazuh-archives-*" })
	_, _ = c.GetAlerts(t.Context(), wazuh.GetAlertsInput{})
	if r := s.Requests(); !strings.Contains(strings.Join(r, "\n"), "wazuh-archives-") {
		t.Errorf("asked %q", r)
	}
}

func TestStatesAreReadWhereTheSettingSaysTheyAre(t *testing.T) {
	s := wazuhtest.New(t)
	c := s.Client(func(c *wazuh.Config) { c.StateIndex = "wazuh-states-*, site1:wazuh-states-*" })
	ctx := t.Context()
	if d, err := c.DiagnoseConnection(ctx, wazuh.DiagnoseConnectionInput{}); err != nil {
		t.Error(d, err)
	}
	_, _ = c.ListVulnerabilities(ctx, wazuh.ListVulnerabilitiesInput{})
	_, _ = c.SearchInventory(ctx, wazuh.SearchInventoryInput{Kind: "packages"})
	asked := strings.Join(s.Requests(), "\n")
	for _, kind := range []string{"vulnerabilities", "inventory-packages"} {
		if want := "/wazuh-states-" + kind + "*,site1:wazuh-states-" + kind + "*/_search"; !strings.Contains(asked, want) {
			t.Errorf("%s isn't asked:\n%s", want, asked)
		}
	}
	for _, bad := range []string{"wazuh-states-", "../*", "*", "a b*"} {
		if _, err := wazuh.New(wazuh.Config{BaseURL: "https://w.example", Username: "a", Password: "b", StateIndex: bad}); err == nil || !strings.Contains(err.Error(), "indices of states") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestEveryToolOfAlertsAsksThePatternThatIsSet(t *testing.T) {
	s := wazuhtest.New(t)
	const pattern = "*:wazuh-alerts-*,customer-alerts-*"
	c := s.Client(func(c *wazuh.Config) { c.AlertIndex = pattern })
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"GetAlerts":    func() error { _, err := c.GetAlerts(ctx, wazuh.GetAlertsInput{}); return err },
		"SearchAlerts": func() error { _, err := c.SearchAlerts(ctx, wazuh.SearchAlertsInput{Query: "x"}); return err },
		"GetAlert":     func() error { _, err := c.GetAlert(ctx, wazuh.GetAlertInput{AlertID: "1"}); return err },
		"AlertStats":   func() error { _, err := c.GetAlertStats(ctx, wazuh.GetAlertStatsInput{}); return err },
		"AlertContext": func() error { _, err := c.GetAlertContext(ctx, wazuh.GetAlertContextInput{AlertID: "1"}); return err },
		"Diagnose": func() error {
			_, err := c.DiagnoseConnection(ctx, wazuh.DiagnoseConnectionInput{})
			return err
		},
	} {
		before := len(s.Requests())
		_ = call() // the fake has no such index
		asked := strings.Join(s.Requests()[before:], "\n")
		if !strings.Contains(asked, pattern) || strings.Contains(asked, " /wazuh-alerts-") {
			t.Errorf("%s asked\n%s", name, asked)
		}
	}
}

// TestAnEmptyAnswerNamesWhatThisWazuhDoesntHave asks for alerts of rules, groups and agents that there aren't.
func TestAnEmptyAnswerNamesWhatThisWazuhDoesntHave(t *testing.T) {
	t.Parallel()
	c := wazuhtest.New(t).Client()
	for _, tt := range []struct {
		f    wazuh.AlertFilter
		note string
	}{
		{wazuh.AlertFilter{RuleID: "999999"}, "this Wazuh has no rule 999999"},
		{wazuh.AlertFilter{RuleID: "999999", RuleGroup: "no_such", AgentID: "999"}, "this Wazuh has no rule 999999 and no rule of the group no_such and no agent 999"},
		{wazuh.AlertFilter{RuleID: "5710", RuleGroup: "sshd", AgentID: "007", StartTime: "1m"}, ""},
		{wazuh.AlertFilter{RuleID: "5710"}, ""},
	} {
		p, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: tt.f})
		if err != nil || p.Note != tt.note {
			t.Errorf("%+v: note %q, %v; want %q", tt.f, p.Note, err, tt.note)
		}
		tt.f.StartTime = ""
		stats, err := c.GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{AlertFilter: tt.f})
		if err != nil || stats.Note != tt.note && stats.Total == 0 {
			t.Errorf("%+v: %d, note %q, %v; want %q", tt.f, stats.Total, stats.Note, err, tt.note)
		}
	}
}
