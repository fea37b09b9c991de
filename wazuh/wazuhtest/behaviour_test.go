package wazuhtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// oddAgents are agents beside those of every server.
func oddAgents(s *wazuhtest.Server) {
	old := time.Now().UTC().AddDate(0, 0, -3).Format("2006-01-02T15:04:05+00:00")
	s.AddAgent(wazuhtest.Object{"id": "013", "name": "web_01.prod", "ip": "192.0.2.13", "status": "disconnected", "os": wazuhtest.Object{"platform": "ubuntu"}, "lastKeepAlive": old, "dateAdd": old})
	s.AddAgent(wazuhtest.Object{"id": "014", "name": "new-14", "status": "never_connected", "dateAdd": time.Now().UTC().Format("2006-01-02T15:04:05+00:00")})
	s.AddAgent(wazuhtest.Object{"id": "015", "name": `quo"x`, "status": "never_connected", "dateAdd": old, "internal_key": "5ecre7key"})
}

func version(v string) func(*wazuhtest.Server) {
	return func(s *wazuhtest.Server) { s.SetVersion(v) }
}

// narrow is a server whose user may see two agents alone.
func narrow(s *wazuhtest.Server) { s.RestrictTo("001", "011") }

// big has a file whose numbers need more digits than most.
func big(n float64) func(*wazuhtest.Server) {
	return func(s *wazuhtest.Server) {
		s.SetInventory("001", "syscheck", wazuhtest.Object{"file": "/a", "type": "file", "inode": n, "mtime": "2026-03-02T08:00:00Z"})
	}
}

// A question is a request to the server API and its answer.
type question struct {
	setup  func(*wazuhtest.Server)
	path   string
	status int
	want   string // in the body; "not TEXT": not in it
}

// answered reports whether an answer is the one that is wanted.
func answered(status int, body string, wantStatus int, want string) bool {
	absent, not := strings.CutPrefix(want, "not ")
	return status == wantStatus && strings.Contains(body, absent) != not
}

// ofServer are what the server API was seen to do.
var ofServer = map[string]question{
	"a search looks into what isn't shown":     {oddAgents, "/agents?search=5ecre7&select=id,name", 200, `"total_affected_items":1,`},
	"what a search found isn't shown":          {oddAgents, "/agents?search=5ecre7", 200, `not 5ecre7`},
	"a dash in front is all others":            {nil, "/agents?search=-fleet&select=name", 200, `"total_affected_items":9,`},
	"a quote in a search is any character":     {oddAgents, "/agents?search=o%22x&select=id", 200, `"id":"015"`},
	"some characters aren't searched for":      {nil, "/agents?search=a%26b", 400, `'a&b' is not a 'search'`},
	"one sign for all":                         {nil, "/agents?sort=-status,%2Bname", 400, `"error":1403`},
	"a semicolon binds tighter than a comma":   {nil, "/agents?q=os.platform~win,status=disconnected;id%3E008&select=id", 200, `"total_affected_items":3,`},
	"parentheses nest":                         {nil, "/agents?q=(os.platform~win,status=disconnected);id%3E008&select=id", 200, `"total_affected_items":1,`},
	"null is what there is none of":            {nil, "/agents?q=os.name=null&select=id", 200, `"id":"011"`},
	"equal is in any case":                     {nil, "/agents?q=name=WEB-01&select=id", 200, `"id":"001"`},
	"a percent sign is a wildcard":             {oddAgents, "/agents?q=name~web%2501&select=id", 200, `"id":"013"`},
	"an underscore is a wildcard":              {oddAgents, "/agents?q=name~web_01&select=id", 200, `"total_affected_items":2,`},
	"an asterisk is none":                      {oddAgents, "/agents?q=name~web-*d&select=id", 200, `"total_affected_items":0,`},
	"the number of an agent has no zeros":      {nil, "/agents?q=id~011&select=id", 200, `"total_affected_items":0,`},
	"the number of an agent is compared":       {nil, "/agents?q=id=011&select=id", 200, `"id":"011"`},
	"what there is none of differs from none":  {nil, "/agents?q=os.platform!=windows&select=id", 200, `not "011"`},
	"null is null whatever the operator":       {nil, "/agents?q=os.name!=null&select=id", 200, `"total_affected_items":1,`},
	"a file's condition minds case":            {nil, "/decoders?q=name~SSHD", 200, `"total_affected_items":0,`},
	"a file's condition knows any field":       {nil, "/rules?q=nosuch=1", 200, `"total_affected_items":0,`},
	"a file's search doesn't mind case":        {nil, "/decoders?search=SSHD", 200, `"name":"sshd"`},
	"more is longer ago":                       {oddAgents, "/agents?q=lastKeepAlive%3E1d&select=id", 200, `"id":"013"`},
	"less is not as long ago":                  {oddAgents, "/agents?q=lastKeepAlive%3C1d&select=id", 200, `not "013"`},
	"a date that is a word":                    {nil, "/agents?q=dateAdd=soon", 400, `"error":1412`},
	"a search doesn't find dates":              {nil, "/agents?search=2025-03-04&select=id", 200, `"total_affected_items":0,`},
	"a search takes a number whole":            {nil, "/agents?search=0011&select=id", 200, `"id":"011"`},
	"a condition on no field":                  {nil, "/agents?q=nosuch=1", 400, `"error":1408`},
	"a condition without an operator":          {nil, "/agents?q=name", 400, `"error":1407`},
	"a doubled operator":                       {nil, "/agents?q=name%3D%3Dx", 400, `"error":1409`},
	"a status in capitals":                     {nil, "/agents?status=Active&select=id", 200, `"total_affected_items":11,`},
	"a value that isn't in its list":           {nil, "/agents?status=gone", 400, `not "error"`},
	"no limit of nothing":                      {nil, "/agents?limit=0", 400, `0 is less than the minimum of 1`},
	"a parameter that isn't known":             {nil, "/agents?foo=1", 400, `Extra query parameter(s) foo not in spec`},
	"a name with brackets":                     {nil, "/agents?name=host(1)", 400, `is not a 'alphanumeric'`},
	"a name with a space":                      {nil, "/agents?name=host%201", 200, `"total_affected_items":0,`},
	"one system takes no limit":                {nil, "/syscollector/001/os?limit=2", 400, `Extra query parameter(s) limit not in spec`},
	"the manager is never old":                 {oddAgents, "/agents?older_than=1d&select=id", 200, `not "000"`},
	"never connected counts from enrolment":    {oddAgents, "/agents?older_than=1d&q=status=never_connected&select=id", 200, `"id":"015"`},
	"an age of nothing is no filter":           {nil, "/agents?older_than=0s&select=id", 200, `"total_affected_items":13,`},
	"an unknown agent alone":                   {nil, "/agents?agents_list=999", 200, `"error":1,`},
	"an unknown agent among others":            {nil, "/agents?agents_list=001,999", 200, `"error":2,`},
	"inventory of an unknown agent":            {nil, "/syscollector/999/packages", 200, `"code":1701`},
	"files of an unknown agent":                {nil, "/syscheck/999", 400, `"error":2007`},
	"rootkit scan of an unknown agent":         {nil, "/rootcheck/999", 404, `"error":1701`},
	"files of an agent that never connected":   {nil, "/syscheck/011", 400, `"error":2007`},
	"counters of an agent that never came":     {nil, "/agents/011/stats/agent", 200, `"code":1015`},
	"counters of the manager":                  {nil, "/agents/000/stats/agent", 200, `"code":1310`},
	"a policy that isn't there":                {nil, "/sca/001/checks/cis_nope", 200, `"error":0`},
	"a group that isn't there as a filter":     {nil, "/agents?group=nope", 200, `"error":0`},
	"a group that isn't there":                 {nil, "/groups/nope/agents", 404, `"error":1710`},
	"a level beyond all":                       {nil, "/rules?level=99", 200, `"error":0`},
	"the number of a rule is a number":         {nil, "/rules?rule_ids=5710,999999", 200, `"id":[999999]`},
	"the number of an agent is a text":         {nil, "/agents?agents_list=999", 200, `"id":["999"]`},
	"a decoder in C isn't listed":              {nil, "/decoders?decoder_names=windows_eventchannel", 200, `"code":1504`},
	"a section that isn't configured":          {nil, "/manager/configuration?section=sca", 200, `"code":1106`},
	"a section of another name":                {nil, "/manager/configuration?section=wodle", 400, `'wodle' is not one of`},
	"500 lines at most":                        {nil, "/manager/logs?limit=501", 400, `greater than the maximum of 500`},
	"others are left out of a list":            {narrow, "/agents?select=id", 200, `"total_affected_items":2,`},
	"one that may not be seen among others":    {narrow, "/agents?agents_list=001,002", 200, `"code":4000`},
	"one that may not be seen alone":           {narrow, "/agents?agents_list=002", 403, `"error":4000`},
	"one that isn't there is one that may not": {narrow, "/agents?agents_list=999", 403, `"error":4000`},
	"inventory that may not be seen":           {narrow, "/syscollector/002/packages", 403, `Resource type: agent:id"`},
	"no groups, and no word of it":             {narrow, "/groups", 200, `"total_affected_items":0,`},
	"no rules, and a refusal":                  {narrow, "/rules", 403, `Resource type: rule:file`},
	"nothing of the manager":                   {narrow, "/manager/logs", 403, `Resource type: *:*`},
	"a quadrillion is a fraction":              {big(1e15), "/syscheck/001", 200, `"inode":1000000000000000.0`},
	"large numbers have an exponent":           {big(1234567890123456789), "/syscheck/001", 200, `"inode":1.2345678901234568e+18`},
	"the revision was a number":                {version("4.11.2"), "/", 200, `"revision":41117`},
	"the revision is a text":                   {version("4.12.0"), "/", 200, `"revision":"rc1"`},
	"logs before 4.6 take no select":           {version("4.5.4"), "/manager/logs?select=tag", 400, `Extra query parameter(s) select not in spec`},
	"agents before 4.7 have no code":           {version("4.6.0"), "/agents?select=id,status_code", 400, `"error":1724`},
	"Wazuh 5 has no rules":                     {version("5.0.0"), "/rules", 404, `404: Not Found`},
	"a path that isn't there has no code":      {nil, "/nope", 404, `not "error"`},
}

// TestWhatTheServerDoes holds the fake to what the server API was seen to do.
func TestWhatTheServerDoes(t *testing.T) {
	t.Parallel()
	for name, tt := range ofServer {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wazuhtest.New(t)
			token := login(t, s)
			if tt.setup != nil {
				tt.setup(s)
			}
			status, _, body := ask(t, http.MethodGet, s.URL+tt.path, "", "", token, "")
			if !answered(status, body, tt.status, tt.want) {
				t.Errorf("%s: HTTP %d, want %d with %s:\n%s", tt.path, status, tt.status, tt.want, body)
			}
		})
	}
}

// TestWhatATokenIs holds the fake to what logging in was seen to do.
func TestWhatATokenIs(t *testing.T) {
	t.Parallel()
	authenticate := func(t *testing.T, s *wazuhtest.Server, method, query, password string) (int, string, string) {
		return ask(t, method, s.URL+"/security/user/authenticate"+query, wazuhtest.User, password, "", "")
	}
	refused := func(t *testing.T, s *wazuhtest.Server, token, detail string) {
		t.Helper()
		status, _, body := ask(t, http.MethodGet, s.URL+"/agents", "", "", token, "")
		if status != 401 || !strings.Contains(body, detail) {
			t.Errorf("HTTP %d %s, want 401 with %s", status, body, detail)
		}
	}
	t.Run("a token as plain text", func(t *testing.T) {
		t.Parallel()
		status, kind, body := authenticate(t, wazuhtest.New(t), http.MethodPost, "?raw=true", wazuhtest.Password)
		if status != 200 || !strings.HasPrefix(kind, "text/plain") || strings.Count(body, ".") != 2 {
			t.Errorf("HTTP %d %s %s", status, kind, body)
		}
	})
	t.Run("login by GET", func(t *testing.T) {
		t.Parallel()
		s := wazuhtest.New(t)
		if status, _, body := authenticate(t, s, http.MethodGet, "", wazuhtest.Password); status != 200 {
			t.Errorf("HTTP %d %s", status, body)
		}
		s.SetVersion("5.0.0")
		if status, _, body := authenticate(t, s, http.MethodGet, "", wazuhtest.Password); status != 405 {
			t.Errorf("of Wazuh 5: HTTP %d %s", status, body)
		}
	})
	t.Run("revoked is invalid", func(t *testing.T) {
		t.Parallel()
		s := wazuhtest.New(t)
		token := login(t, s)
		s.RevokeTokens()
		refused(t, s, token, "Invalid token")
	})
	t.Run("expired is invalid", func(t *testing.T) {
		t.Parallel()
		s := wazuhtest.New(t)
		token := login(t, s)
		s.ExpireTokens()
		refused(t, s, token, "Invalid token")
	})
	t.Run("another node's is invalid", func(t *testing.T) {
		t.Parallel()
		for version, shared := range map[string]bool{"4.14.7": false, "5.1.0": true} { // whether the nodes share a key
			s := wazuhtest.New(t)
			s.SetVersion(version)
			s.SetCluster(0, "master", "worker-1")
			s.ShareAddress(false)
			token := login(t, s) // of the master; the next request is the worker's
			status, _, body := ask(t, http.MethodGet, s.URL+"/agents", "", "", token, "")
			if (status == 200) != shared || !shared && !strings.Contains(body, "Invalid token") {
				t.Errorf("%s: HTTP %d %s", version, status, body)
			}
			if status, _, body := ask(t, http.MethodGet, s.URL+"/agents", "", "", token, ""); status != 200 {
				t.Errorf("%s, the node that gave it: HTTP %d %s", version, status, body)
			}
		}
	})
	t.Run("the right password after fifty wrong ones", func(t *testing.T) {
		t.Parallel()
		s := wazuhtest.New(t)
		for range 50 {
			authenticate(t, s, http.MethodPost, "", "wrong")
		}
		if status, _, body := authenticate(t, s, http.MethodPost, "", wazuhtest.Password); status != 403 || !strings.Contains(body, `"error":6000`) {
			t.Errorf("HTTP %d %s", status, body)
		}
	})
	t.Run("logins count for the rate", func(t *testing.T) {
		t.Parallel()
		s := wazuhtest.New(t)
		token := login(t, s)
		s.LimitRequests(2)
		for range 2 {
			authenticate(t, s, http.MethodPost, "", wazuhtest.Password)
		}
		if status, _, body := ask(t, http.MethodGet, s.URL+"/agents", "", "", token, ""); status != 429 || !strings.Contains(body, `"error":6001`) {
			t.Errorf("HTTP %d %s", status, body)
		}
	})
}

func alert(path string, value any) func(*wazuhtest.Server) {
	return func(s *wazuhtest.Server) {
		o := wazuhtest.Object{}
		at := o
		parts := strings.Split(path, ".")
		for _, p := range parts[:len(parts)-1] {
			inner := wazuhtest.Object{}
			at[p], at = inner, inner
		}
		at[parts[len(parts)-1]] = value
		s.AddAlert(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), "one", o)
	}
}

func state(path string, value string) func(*wazuhtest.Server) {
	return func(s *wazuhtest.Server) {
		a, b, _ := strings.Cut(path, ".")
		s.AddState("wazuh-states-inventory-processes-x", "one", wazuhtest.Object{a: wazuhtest.Object{b: value}})
	}
}

// many clauses that look at a field each.
func many(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"term":{"data.f%d":"x"}}`, i)
	}
	return `{"query":{"bool":{"should":[` + strings.Join(list, ",") + `]}}}`
}

const search = "POST /wazuh-alerts-*/_search"

// q is the body of a search whose total is true.
// graph stores an alert of Microsoft Graph with two pieces of evidence.
func graph(s *wazuhtest.Server) {
	alert("data.ms-graph.evidence", []any{map[string]any{"hostName": "host-1"}, map[string]any{"verdict": "malicious"}})(s)
}

func q(query string) string { return `{"track_total_hits":true,"query":` + query + `}` }

// What a search that finds one document says, and one that finds none.
const (
	one  = `"value":1}`
	none = `"value":0}`
)

// An indexerQuestion is a request to the indexer and its answer.
type indexerQuestion struct {
	setup   func(*wazuhtest.Server)
	request string
	body    string
	status  int
	want    string
}

// ofIndexer are what the indexer was seen to do.
var ofIndexer = map[string]indexerQuestion{
	"an end date means its day":                    {alert("id", "1"), search, q(`{"range":{"timestamp":{"gte":"2026-11-25","lte":"2026-11-25"}}}`), 200, one},
	"a date before which means its beginning":      {alert("id", "1"), search, q(`{"range":{"timestamp":{"gte":"2026-11-25","lt":"2026-11-25"}}}`), 200, none},
	"a zone moves the day":                         {alert("id", "1"), search, q(`{"range":{"timestamp":{"lte":"2026-11-25","gte":"2026-11-25","time_zone":"-13:00"}}}`), 200, none},
	"a date with a space":                          {alert("id", "1"), search, q(`{"range":{"timestamp":{"gte":"2026-11-25 10:00:00"}}}`), 400, "failed to parse date field"},
	"a keyword is matched whole":                   {alert("rule.groups", "authentication_failed"), search, q(`{"match":{"rule.groups":"authentication"}}`), 200, none},
	"the message of Windows is a keyword":          {alert("data.win.system.message", "ran mimikatz here"), search, q(`{"match":{"data.win.system.message":"mimikatz"}}`), 200, none},
	"the log is text":                              {alert("full_log", "Failed password for root"), search, q(`{"match":{"full_log":"password"}}`), 200, one},
	"any case is A to Z":                           {alert("agent.name", "LAPTOP-ÉLODIE"), search, q(`{"term":{"agent.name":{"value":"laptop-Élodie","case_insensitive":true}}}`), 200, one},
	"other letters keep their case":                {alert("agent.name", "LAPTOP-ÉLODIE"), search, q(`{"term":{"agent.name":{"value":"laptop-élodie","case_insensitive":true}}}`), 200, none},
	"a network in a keyword":                       {alert("agent.ip", "10.1.2.3"), search, q(`{"term":{"agent.ip":"10.0.0.0/8"}}`), 200, none},
	"a network in an address":                      {alert("data.aws.source_ip_address", "10.1.2.3"), search, q(`{"term":{"data.aws.source_ip_address":"10.0.0.0/8"}}`), 200, one},
	"a wildcard in an address":                     {alert("data.aws.source_ip_address", "10.1.2.3"), search, q(`{"wildcard":{"data.aws.source_ip_address":"10.*"}}`), 400, "Can only use wildcard queries on keyword and text fields"},
	"what is no address":                           {alert("data.aws.source_ip_address", "10.1.2.3"), search, q(`{"term":{"data.aws.source_ip_address":"abc"}}`), 400, "is not an IP string literal"},
	"backslashes are doubled":                      {alert("data.win.eventdata.image", `C:\\Temp\\a.exe`), search, q(`{"wildcard":{"data.win.eventdata.image":"*Temp\\\\a.exe"}}`), 200, none},
	"a number in a keyword":                        {alert("syscheck.inode_after", 31), search, q(`{"term":{"syscheck.inode_after":"31"}}`), 200, one},
	"objects in a list are one":                    {alert("data.office365.Actor", []any{map[string]any{"ID": "a", "Type": 0}, map[string]any{"ID": "b", "Type": 5}}), search, q(`{"bool":{"filter":[{"term":{"data.office365.Actor.ID":"a"}},{"term":{"data.office365.Actor.Type":5}}]}}`), 200, one},
	"what is nested isn't found by its field":      {graph, search, q(`{"term":{"data.ms-graph.evidence.hostName":"host-1"}}`), 200, none},
	"but by a clause that names the path":          {graph, search, q(`{"nested":{"path":"data.ms-graph.evidence","query":{"term":{"data.ms-graph.evidence.hostName":"host-1"}}}}`), 200, one},
	"each nested object is for itself":             {graph, search, q(`{"nested":{"path":"data.ms-graph.evidence","query":{"bool":{"filter":[{"term":{"data.ms-graph.evidence.hostName":"host-1"}},{"term":{"data.ms-graph.evidence.verdict":"malicious"}}]}}}}`), 200, none},
	"a nested clause where nothing is nested":      {graph, search, q(`{"nested":{"path":"data.win","query":{"match_all":{}}}}`), 400, "failed to find nested object under path [data.win]"},
	"other letters are named in an expression":     {alert("agent.name", "LAPTOP-ÉLODIE"), search, q(`{"regexp":{"agent.name":{"value":"laptop\\-[Éé]lodie","case_insensitive":true}}}`), 200, one},
	"a range of letters keeps its case":            {alert("agent.name", "LAPTOP"), search, q(`{"regexp":{"agent.name":{"value":"[a-z]aptop","case_insensitive":true}}}`), 200, none},
	"a number with zeros in front":                 {alert("rule.level", 8), search, q(`{"term":{"rule.level":"008"}}`), 200, one},
	"a part of a token is no phrase":               {alert("full_log", "from 192.168.77.5 to evil.example.com"), search, q(`{"match_phrase":{"full_log":"example.com"}}`), 200, none},
	"but a wildcard finds the token":               {alert("full_log", "from 192.168.77.5 to evil.example.com"), search, q(`{"wildcard":{"full_log":"*example.com"}}`), 200, one},
	"a name with a space":                          {alert("data.win.eventdata.threat Name", "Behavior:Win32/X"), search, q(`{"term":{"data.win.eventdata.threat Name":"Behavior:Win32/X"}}`), 200, one},
	"beyond ten thousand":                          {alert("id", "1"), search, `{"from":10000,"size":1}`, 400, "Result window is too large"},
	"the reason lies at the root":                  {alert("id", "1"), search, `{"from":10000,"size":1}`, 400, "all shards failed"},
	"the total stops at ten thousand":              {func(s *wazuhtest.Server) { s.Generate(10_500, time.Unix(0, 0)) }, search, `{"size":0}`, 200, `{"relation":"gte","value":10000}`},
	"sorting by a field that isn't mapped":         {alert("id", "1"), search, `{"sort":[{"nosuch":"asc"}]}`, 400, "No mapping found for [nosuch]"},
	"an unmapped field orders nothing":             {alert("id", "1"), search, `{"sort":[{"nosuch":{"order":"asc","unmapped_type":"keyword"}}]}`, 200, `"sort":[null]`},
	"the document's id orders":                     {alert("id", "1"), search, `{"sort":[{"_id":"desc"}]}`, 200, `"sort":["one"]`},
	"text isn't sorted by":                         {alert("full_log", "x"), search, `{"sort":["full_log"]}`, 400, "Text fields are not optimised"},
	"text isn't counted by":                        {alert("full_log", "x"), search, `{"size":0,"aggs":{"a":{"terms":{"field":"full_log"}}}}`, 400, "Text fields are not optimised"},
	"going on needs each value":                    {alert("id", "1"), search, `{"sort":["timestamp","id"],"search_after":[1]}`, 400, "search_after has 1 value(s) but sort has 2"},
	"a time is sorted by as a number":              {alert("id", "1"), search, `{"sort":["timestamp"]}`, 200, `"sort":[1795608000000]`},
	"clauses are counted over all parts":           {alert("id", "1"), search, many(1025), 400, "too many nested clauses"},
	"a pattern that matches nothing":               {nil, "POST /wazuh-nope-*/_search", `{}`, 200, none},
	"a name that isn't there":                      {nil, "POST /wazuh-nope/_search", `{}`, 404, "index_not_found_exception"},
	"a name that isn't there beside a pattern":     {alert("id", "1"), "POST /wazuh-alerts-*,nope/_search", `{}`, 404, "no such index [nope]"},
	"a document with a long keyword":               {nil, "POST /wazuh-alerts-4.x-2026.11.25/_doc/x", `{"data":{"win":{"eventdata":{"scriptBlockText":"` + strings.Repeat("x", 40000) + `"}}}}`, 400, "immense term"},
	"a document with a word for a number":          {nil, "POST /wazuh-alerts-4.x-2026.11.25/_doc/x", `{"rule":{"level":"abc"}}`, 400, "mapper_parsing_exception"},
	"a document with what no template has":         {nil, "POST /wazuh-alerts-4.x-2026.11.25/_doc/x", `{"data":{"own":"x"}}`, 200, "created"},
	"a state with what its template hasn't":        {nil, "POST /wazuh-states-inventory-packages/_doc/x", `{"checksum":{"hash":{"sha1":"a"}}}`, 400, "strict_dynamic_mapping_exception"},
	"a long keyword of a state isn't indexed":      {state("process.args", strings.Repeat("x", 1025)), "POST /wazuh-states-inventory-processes-x/_search", q(`{"wildcard":{"process.args":"x*"}}`), 200, none},
	"but a command line is":                        {state("process.command_line", strings.Repeat("x", 1025)), "POST /wazuh-states-inventory-processes-x/_search", q(`{"wildcard":{"process.command_line":"x*"}}`), 200, one},
	"it says that it is another":                   {nil, "GET /", "", 200, `"number":"7.10.2"`},
	"it doesn't name itself":                       {nil, "GET /", "", 200, `not distribution`},
	"the agent is in another place in Wazuh 5":     {version("5.1.0"), "POST /wazuh-states-inventory-packages*/_search", q(`{"term":{"agent.id":"007"}}`), 200, none},
	"there it is below wazuh":                      {version("5.1.0"), "POST /wazuh-states-inventory-packages*/_search", q(`{"term":{"wazuh.agent.id":"007"}}`), 200, `"value":5}`},
	"no vulnerabilities before 4.8":                {version("4.7.5"), "POST /wazuh-states-vulnerabilities*/_search", `{}`, 200, `"successful":0,"total":0}`},
	"no inventory before 4.13":                     {version("4.12.0"), "POST /wazuh-states-inventory-packages*/_search", `{}`, 200, `"successful":0,"total":0}`},
	"fields that nobody may ask for":               {func(s *wazuhtest.Server) { s.ForbidFields() }, "GET /wazuh-alerts-*/_field_caps?fields=*", "", 403, "indices:data/read/field_caps"},
	"a state that is no longer kept":               {nil, "POST /_search", `{"pit":{"id":"gone","keep_alive":"1m"}}`, 404, "search_context_missing_exception"},
	"a shard that failed beside those that didn't": {func(s *wazuhtest.Server) { alert("id", "1")(s); s.FailShards(1, "breaker") }, search, `{}`, 200, `"failed":1`},
}

// TestWhatTheIndexerDoes holds the fake to what the indexer was seen to do with
// Wazuh's templates.
func TestWhatTheIndexerDoes(t *testing.T) {
	t.Parallel()
	for name, tt := range ofIndexer {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wazuhtest.New(t)
			if tt.setup != nil {
				tt.setup(s)
			}
			method, path, _ := strings.Cut(tt.request, " ")
			status, _, body := ask(t, method, s.IndexerURL+path, wazuhtest.IndexerUser, wazuhtest.IndexerPassword, "", tt.body)
			if !answered(status, body, tt.status, tt.want) {
				t.Errorf("%s %.300s: HTTP %d, want %d with %s:\n%.1000s", tt.request, tt.body, status, tt.status, tt.want, body)
			}
		})
	}
}
