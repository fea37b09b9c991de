package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/internal/behaviour"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcphttp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// promises are what the gate keeps, each proved on servers as they are started: against
// the simulation, some of it behind a proxy that fails, with the command gate beside.
var promises = map[string]func(*testing.T){
	"bulk-counts-as-one":              thingsAreBudgeted,
	"client-approval-over-http":       nobodyApprovesOneselfOverHTTP,
	"clock-that-was-ahead":            aClockThatWasAheadIsMended,
	"eleventh-proposal":               theEleventhProposalIsToldWhy,
	"evidence-added-after-approval":   evidenceMakesADeletionStale,
	"freeze-after-an-approver-left":   aFreezeHoldsWhoeverIsEnrolled,
	"freeze-with-a-long-history":      eightServersComeUpTogether,
	"long-list-on-the-screen":         allThatIsSignedIsShown,
	"lost-answers-by-status":          aGatewaysAnswerIsNoFailure,
	"lowering-the-tlp":                loweringTheTLPIsAskedFor,
	"one-lost-answer-of-an-analyzer":  oneLostAnswerStopsNothingElse,
	"policy-that-names-writes-only":   aPolicyFileChangesWhatItNames,
	"repeated-write-after-a-change":   aRepeatedCallAfterAChangeIsNew,
	"reset-after-an-approver-left":    aResetHoldsWhoeverIsEnrolled,
	"second-request-of-a-write-fails": whatWasDoneBeforeAFailureIsSaid,
	"server-killed-in-a-write":        aKilledServersWriteIsUnknown,
	"servers-under-another-user":      nil, // TestServersAndApproverAreTwoUsers of gate/cmd/gate

	// Siblings of those.
	"freeze-beside-a-busy-server":         aBusyServerStopsAtOnce,
	"frozen-while-a-server-is-in-a-write": aFreezeStopsTheNextRequest,
	"what-can-not-be-taken-back":          whatCanNotBeTakenBackIsSaidFirst,
}

func TestTheGateKeepsItsWord(t *testing.T) {
	for name, prove := range promises {
		if prove != nil {
			t.Run(name, func(t *testing.T) { t.Parallel(); prove(t) })
		}
	}
}

// TestEveryCaseOfTheGateIsProved holds promises against the cases that are collected
// beside the project.
func TestEveryCaseOfTheGateIsProved(t *testing.T) {
	for _, name := range behaviour.Cases(t, "gate") {
		if _, ok := promises[name]; !ok {
			t.Errorf("%s isn't proved", name)
		}
	}
}

// with returns a site whose servers have more in their environment.
func with(t *testing.T, env ...string) *site {
	t.Helper()
	s := newSite(t, false)
	s.env = append(s.env, env...)
	return s
}

const (
	byHost      = "SALLYPORT_APPROVAL=host"
	destructive = "THEHIVE_ALLOW_DESTRUCTIVE_TOOLS=true"
)

// policy gives the servers a policy file.
func (s *site) policy(text string) {
	s.t.Helper()
	file := filepath.Join(s.home, "policy.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.env = append(s.env, "SALLYPORT_POLICY="+file)
}

// getenv is the last value of a variable of the servers.
func (s *site) getenv(name string) string {
	for _, kv := range slices.Backward(s.env) {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	s.t.Fatalf("%s isn't set", name)
	return ""
}

// end ends a server, so that the next call starts it anew.
func (s *site) end(server string) {
	s.t.Helper()
	if err := s.session(server).Close(); err != nil {
		s.t.Error(err)
	}
	delete(s.sessions, server)
}

// A proxy stands before a platform.
type proxy func(w http.ResponseWriter, r *http.Request, forward func() *http.Response)

// front puts a proxy before the platform whose address a variable holds, for servers
// that are started from here on.
func (s *site) front(variable string, p proxy) {
	s.t.Helper()
	behind := s.getenv(variable)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		forward := func() *http.Response {
			on, err := http.NewRequestWithContext(r.Context(), r.Method, behind+r.URL.RequestURI(), bytes.NewReader(body))
			if err != nil {
				panic(err)
			}
			on.Header = r.Header.Clone()
			on.Header.Del("Accept-Encoding")
			res, err := http.DefaultTransport.RoundTrip(on)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			return res
		}
		p(w, r, forward)
	}))
	s.t.Cleanup(up.Close)
	s.env = append(s.env, variable+"="+up.URL)
}

// pass hands an answer on.
func pass(w http.ResponseWriter, res *http.Response) {
	defer res.Body.Close()
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	_, _ = io.Copy(w, res.Body)
}

// instead forwards a request and answers with a status of its own.
func instead(w http.ResponseWriter, status int, forward func() *http.Response) {
	if forward != nil {
		forward().Body.Close()
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"message":"proxy"}`)
}

// cut closes the connection.
func cut(w http.ResponseWriter) {
	if c, _, err := w.(http.Hijacker).Hijack(); err == nil {
		c.Close()
	}
}

// ask sends a request to a platform as somebody else does, past the gate.
func (s *site) ask(platform, method, path string, body any) map[string]any {
	s.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.getenv(platform+"_URL")+path, bytes.NewReader(b))
	if err != nil {
		s.t.Fatal(err)
	}
	key := s.getenv(platform + "_API_KEY")
	if platform != "MISP" {
		key = "Bearer " + key
	}
	r.Header.Set("Authorization", key)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err = io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %s %v", method, path, res.Status, b, err)
	}
	var out map[string]any
	_ = json.Unmarshal(b, &out)
	return out
}

// cases makes n cases in TheHive and returns their ids.
func (s *site) cases(n int) []string {
	s.t.Helper()
	var ids []string
	for i := range n {
		made := s.ask("THEHIVE", "POST", "/api/v1/case", map[string]any{"title": fmt.Sprint("Case ", i), "description": "d"})
		ids = append(ids, fmt.Sprint(made["_id"]))
	}
	return ids
}

// stands is where a call stands: its status, or the reason of a refusal.
func (r reply) stands() string {
	for _, name := range []string{"reason", "status"} {
		if v, ok := r.content[name].(string); ok && v != "" {
			return v
		}
	}
	return r.text
}

// wants makes a call that must stand so, and returns it.
func (s *site) wants(want, server, tool string, args any) reply {
	s.t.Helper()
	r := s.call(server, tool, args)
	if got := r.stands(); got != want {
		s.t.Errorf("%s(%v) is %s, want %s: %.600s", tool, args, got, want, r.text)
	}
	return r
}

type args = map[string]any

// note makes a comment, each time another, that must stand so.
func (s *site) note(want string) reply {
	s.t.Helper()
	return s.wants(want, "thehive-mcp", "thehive_create_comment", args{"caseId": "2", "message": fmt.Sprint("note ", notes.Add(1))})
}

var notes atomic.Int64

// approve has the operator approve what waits.
func (s *site) approve(r reply) {
	s.t.Helper()
	digest, _ := r.content["digest"].(string)
	flags := []string{"approve", "-code", digest[:min(6, len(digest))]}
	if plan, _ := r.content["plan"].(map[string]any); plan["targets"] != nil {
		flags = append(flags, "-target", fmt.Sprint(at(s.t, plan, "targets", 0, "id")))
	}
	s.gate(append(flags, fmt.Sprint(r.content["proposal"]))...)
}

func thingsAreBudgeted(t *testing.T) {
	s := with(t, byHost, destructive, "CORTEX_ALLOW_DESTRUCTIVE=1")
	ids := s.cases(46)
	s.wants("executed", "thehive-mcp", "thehive_bulk_close_cases", args{"caseIds": ids[:20], "status": "Other", "summary": "x"})
	r := s.wants("pending", "thehive-mcp", "thehive_bulk_close_cases", args{"caseIds": ids[20:40], "status": "Other", "summary": "x"})
	if screen := s.gate("show", fmt.Sprint(r.content["proposal"])); !strings.Contains(screen, "20 of 30 write operations") {
		t.Errorf("the screen doesn't say what was used:\n%s", screen)
	}
	for _, tt := range []struct {
		server, tool string
		args         args
	}{
		{"thehive-mcp", "thehive_bulk_assign_cases", args{"caseIds": ids[20:40], "owner": "lead@soc.example"}},
		{"thehive-mcp", "thehive_create_observable_bulk", args{"caseId": "2", "dataType": "domain", "data": domains(20)}},
		{"misp-mcp", "misp_add_attributes_bulk", args{"eventId": misptest.DraftEvent, "attributes": attributes(20)}},
	} {
		s.wants("pending", tt.server, tt.tool, tt.args)
	}
	s.wants("executed", "thehive-mcp", "thehive_merge_cases", args{"caseIds": ids[40:43]})
	s.wants("pending", "thehive-mcp", "thehive_merge_cases", args{"caseIds": ids[43:46]})

	// Jobs are deleted together: five of five destructive ones are used by three of them.
	for range 6 {
		s.ask("CORTEX", "POST", "/api/analyzer/"+cortextest.AnalyzerID("MaxMind_GeoIP_4_0")+"/run?force=1", args{"dataType": "ip", "data": "203.0.113.9", "tlp": 1, "pap": 1})
	}
	dry := s.call("cortex-mcp", "cortex_cleanup_jobs", args{"status": "Success", "dryRun": true})
	selection := fmt.Sprint(at(t, dry.content, "result", "selection"))
	s.wants("pending", "cortex-mcp", "cortex_cleanup_jobs", args{"status": "Success", "dryRun": false, "confirm": true, "selection": selection})
}

func domains(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("host-%03d.example", i))
	}
	return list
}

func attributes(n int) (list []args) {
	for _, d := range domains(n) {
		list = append(list, args{"type": "domain", "value": d})
	}
	return list
}

func nobodyApprovesOneselfOverHTTP(t *testing.T) {
	for _, tt := range []struct {
		approval        string
		tokens, allowed bool // by the policy
		want            string
	}{
		{"client", false, false, "pending"},
		{"client", true, false, "pending"},
		{"client", false, true, "pending"},
		{"client", true, true, "executed"},
		{"host", true, false, "pending"},
	} {
		t.Run(fmt.Sprintf("%s, tokens %v, policy %v", tt.approval, tt.tokens, tt.allowed), func(t *testing.T) {
			t.Parallel()
			s := with(t)
			if tt.allowed {
				s.policy(`{"approval":{"write":"` + tt.approval + `"},"approval_over_http":true}`)
			} else {
				s.env = append(s.env, "SALLYPORT_APPROVAL="+tt.approval)
			}
			asked := s.overHTTP("thehive-mcp", tt.tokens)
			s.note(tt.want)
			if asked.Load() > 0 && tt.want == "pending" {
				t.Error("the caller was asked whether it approves")
			}
		})
	}
}

// overHTTP starts a server over HTTP whose client answers each form with the code
// that stands in it, and returns how many forms there were.
func (s *site) overHTTP(server string, tokens bool) *atomic.Int64 {
	s.t.Helper()
	flags, header := []string{"-http", "127.0.0.1:0"}, http.Header{}
	if tokens {
		token := strings.Repeat("0123456789abcdef", 2)
		file := filepath.Join(s.home, "tokens")
		if err := os.WriteFile(file, []byte(mcphttp.TokenLine(token, "bob")+"\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
		flags = append(flags, "-tokens", file)
		header.Set("Authorization", "Bearer "+token)
	}
	cmd := exec.Command(s.program(server), flags...)
	cmd.Env = s.env
	said, err := cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // killed
	})
	address := ""
	lines := bufio.NewScanner(said)
	for address == "" && lines.Scan() {
		address = listening.FindString(lines.Text())
	}
	if address == "" {
		s.t.Fatal("it doesn't listen")
	}
	go io.Copy(io.Discard, said) //nolint:errcheck // until it ends
	asked := new(atomic.Int64)
	transport := &mcp.StreamableClientTransport{Endpoint: address, HTTPClient: &http.Client{Transport: headers{header}}}
	s.sessions[server] = s.connect(transport, func(string) { asked.Add(1) })
	return asked
}

// connect returns a session whose client answers each form with the code that stands
// in it, once shown was told what it says; nil: it shows no forms.
func (s *site) connect(transport mcp.Transport, shown func(message string)) *mcp.ClientSession {
	s.t.Helper()
	var options mcp.ClientOptions
	if shown != nil {
		options.ElicitationHandler = func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			shown(r.Params.Message)
			code := codeAsked.FindStringSubmatch(r.Params.Message)
			if code == nil {
				return nil, fmt.Errorf("no code in %q", r.Params.Message)
			}
			return &mcp.ElicitResult{Action: "accept", Content: args{"code": code[1]}}, nil
		}
	}
	cs, err := mcp.NewClient(&mcp.Implementation{Name: "gate", Version: "v1"}, &options).Connect(s.t.Context(), transport, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { cs.Close() })
	return cs
}

var (
	listening = regexp.MustCompile(`http://127\.0\.0\.1:\d+/mcp`)
	codeAsked = regexp.MustCompile(`type the code (\w{6})`)
)

// headers go with each request.
type headers struct{ http.Header }

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, values := range h.Header {
		r.Header[name] = values
	}
	return http.DefaultTransport.RoundTrip(r)
}

func aClockThatWasAheadIsMended(t *testing.T) {
	s := with(t, byHost)
	s.note("executed")
	s.end("thehive-mcp")
	carol, err := gate.NewSigner("carol")
	if err != nil {
		t.Fatal(err)
	}
	if err := gate.AddApprover(s.state, carol.Approver()); err != nil {
		t.Fatal(err)
	}
	ahead, err := journal.Open(s.state, journal.Options{Now: func() time.Time { return time.Now().AddDate(1, 0, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ahead.Freeze("carol", "drill"), ahead.Unfreeze(carol), ahead.Close()); err != nil {
		t.Fatal(err)
	}
	s.note("journal_failure")
	if out := s.gate("status"); !strings.Contains(out, "ahead of this clock") || !strings.Contains(out, "gate clock") {
		t.Errorf("the status says neither what is wrong nor what to do:\n%s", out)
	}
	s.gate("clock")
	s.note("executed")
	if out := s.gate("status"); strings.Contains(out, "ahead of this clock") {
		t.Errorf("it is still ahead:\n%s", out)
	}
}

func theEleventhProposalIsToldWhy(t *testing.T) {
	s := with(t)
	for range 10 {
		s.note("pending")
	}
	r := s.note("too_many_pending")
	for _, text := range []string{r.text, fmt.Sprint(r.content)} {
		if !strings.Contains(text, "as many proposals as may wait") || strings.Contains(text, "refills") {
			t.Errorf("it isn't told why: %s", text)
		}
	}
}

// beside returns a site before the same platforms that approves by its host and has a
// gate of its own: what it does, the gate of s knows nothing of.
func (s *site) beside() *site {
	o := *s
	o.state, o.sessions = filepath.Join(s.t.TempDir(), "other"), map[string]*mcp.ClientSession{}
	o.env = append(slices.Clone(s.env), byHost, "SALLYPORT_STATE="+o.state)
	return &o
}

func evidenceMakesADeletionStale(t *testing.T) {
	s := with(t, destructive)
	somebody := s.beside()
	const (
		phishing = thehivetest.PhishingCase
		alert    = thehivetest.NewAlert
	)
	for _, tt := range []struct {
		tool string
		args args
		adds map[string]args // a tool, and how it is called
	}{
		{"thehive_delete_case", args{"caseId": phishing}, map[string]args{
			"thehive_create_task_log":    {"taskId": thehivetest.PhishingTask, "message": "seen"},
			"thehive_add_attachment":     {"caseId": phishing, "fileBase64": "U3ViamVjdA==", "filename": "mail.eml"},
			"thehive_write_page":         {"caseId": phishing, "title": "Notes", "category": "work", "content": "What we know."},
			"thehive_add_procedure":      {"caseId": phishing, "patternId": "T1566.002", "occurDate": 1767225600000},
			"thehive_create_comment":     {"caseId": phishing, "message": "The page is gone."},
			"thehive_create_observable":  {"caseId": phishing, "dataType": "ip", "data": "203.0.113.78"},
			"thehive_create_task":        {"caseId": phishing, "title": "Look again"},
			"thehive_add_timeline_event": {"caseId": phishing, "title": "The page went online", "date": "2026-03-02T08:00:00Z"},
		}},
		{"thehive_delete_alert", args{"alertId": alert}, map[string]args{
			"thehive_create_observable":    {"alertId": alert, "dataType": "ip", "data": "203.0.113.77"},
			"thehive_create_alert_comment": {"alertId": alert, "message": "It is real."},
			"thehive_add_procedure":        {"alertId": alert, "patternId": "T1110", "occurDate": 1767225600000},
			"thehive_add_attachment":       {"alertId": alert, "fileBase64": "U3ViamVjdA==", "filename": "mail.eml"},
		}},
		{"thehive_delete_part", args{"kind": "task", "id": thehivetest.PhishingTask}, map[string]args{
			"thehive_create_task_log": {"taskId": thehivetest.PhishingTask, "message": "seen again"},
		}},
	} {
		waits := s.wants("pending", "thehive-mcp", tt.tool, tt.args)
		for _, tool := range slices.Sorted(maps.Keys(tt.adds)) {
			s.approve(waits)
			if got := somebody.call("thehive-mcp", tool, tt.adds[tool]); got.stands() != "executed" {
				t.Fatalf("%s: %s", tool, got.text)
			}
			again := s.wants("pending", "thehive-mcp", tt.tool, tt.args)
			if again.content["proposal"] == waits.content["proposal"] || !strings.Contains(s.gate("show", fmt.Sprint(again.content["proposal"])), "target changed") {
				t.Errorf("%s after %s: %s", tt.tool, tool, again.text)
			}
			waits = again
		}
	}
}

// carol makes a second approver, and returns the flag that names her key.
func (s *site) carol() []string {
	s.t.Helper()
	key := "-key=" + filepath.Join(s.home, "carol.key")
	s.gate("init", "-name", "carol", "-no-passphrase", key)
	return []string{key}
}

// agree holds what the command says of the gate against what the server says.
func (s *site) agree(step string, frozen, tripped bool) {
	s.t.Helper()
	got := s.read("thehive-mcp", "thehive_gate_status", nil)
	said := s.gate("status")
	if got["frozen"] == true != frozen || strings.Contains(said, "frozen     true") != frozen {
		s.t.Errorf("%s: frozen %v, the server says %v, the command:\n%s", step, frozen, got["frozen"], said)
	}
	if strings.Contains(said, "breaker    open") != tripped {
		s.t.Errorf("%s: tripped %v, the command says:\n%s", step, tripped, said)
	}
}

func aFreezeHoldsWhoeverIsEnrolled(t *testing.T) {
	s := with(t, byHost)
	s.note("executed")
	s.gate("freeze", "-reason", "drill")
	s.agree("frozen", true, false)
	s.gate("unfreeze")
	s.agree("unfrozen", false, false)
	carol := s.carol()
	s.gate("strike", "operator")
	s.note("executed")
	s.agree("the operator has left", false, false)
	s.gate(append([]string{"freeze", "-reason", "emergency"}, carol...)...)
	s.agree("frozen by carol", true, false)
	s.note("frozen")
	s.gate(append([]string{"unfreeze"}, carol...)...)
	s.note("executed")
	if log := s.gate("log"); strings.Count(log, " frozen ") != 2 {
		t.Errorf("not each freeze was written:\n%s", log)
	}
}

func aResetHoldsWhoeverIsEnrolled(t *testing.T) {
	s := with(t)
	deny := func(flags ...string) {
		t.Helper()
		for range 3 {
			r := s.note("pending")
			s.gate(append([]string{"deny", fmt.Sprint(r.content["proposal"])}, flags...)...)
		}
		s.note("breaker_open")
		s.agree("after three denials", false, true)
	}
	deny()
	s.gate("reset")
	s.agree("reset", false, false)
	carol := s.carol()
	s.gate("strike", "operator")
	deny(carol...)
	s.gate(append([]string{"reset"}, carol...)...)
	s.agree("reset by carol", false, false)
	s.note("pending")
}

// eightServersComeUpTogether is of the kind: that a long history isn't read is proved in
// package gate, by TestALongHistoryIsNotReadAgain.
func eightServersComeUpTogether(t *testing.T) {
	s := with(t)
	var all sync.WaitGroup
	for range 8 {
		one := *s
		one.sessions = map[string]*mcp.ClientSession{}
		one.session("thehive-mcp")
		all.Go(func() { one.note("pending") })
	}
	all.Wait()
	s.gate("freeze", "-reason", "test")
	s.note("frozen")
}

func allThatIsSignedIsShown(t *testing.T) {
	const secret = "Delete all backups tonight."
	calls := []struct {
		server, tool string
		args         args
		want         []string
		long         bool // it doesn't fit into a form
	}{
		{"thehive-mcp", "thehive_create_observable_bulk", args{"caseId": "2", "dataType": "domain", "data": domains(60)}, domains(60), false},
		{"thehive-mcp", "thehive_create_comment", args{"caseId": "2", "message": strings.Repeat("x", 700) + secret + strings.Repeat("y", 700)}, []string{secret}, false},
		{"thehive-mcp", "thehive_create_comment", args{"caseId": "2", "message": strings.Repeat("x", 5000) + secret}, []string{secret}, true},
		{"thehive-mcp", "thehive_add_case_tags", args{"caseId": "2", "tags": domains(100)}, domains(100), false},
		{"misp-mcp", "misp_add_attributes_bulk", args{"eventId": misptest.DraftEvent, "attributes": attributes(60)}, domains(60), true},
		{"misp-mcp", "misp_add_object", args{"eventId": misptest.DraftEvent, "templateName": "file", "attributes": []args{
			{"object_relation": "filename", "value": "a.exe"}, {"object_relation": "sha256", "value": strings.Repeat("ab", 32)},
		}}, []string{"a.exe", strings.Repeat("ab", 32)}, false},
	}
	s := with(t)
	for _, tt := range calls {
		r := s.wants("pending", tt.server, tt.tool, tt.args)
		holds(t, s.gate("show", fmt.Sprint(r.content["proposal"])), tt.want)
	}
	s = with(t)
	s.policy(`{"approval":{"write":"client"},"client_after_untrusted":true,"budgets":{"writes_per_hour":1000}}`)
	form := ""
	for _, server := range []string{"thehive-mcp", "misp-mcp"} {
		cmd := exec.Command(s.program(server))
		cmd.Env = s.env
		s.sessions[server] = s.connect(&mcp.CommandTransport{Command: cmd}, func(message string) { form = message })
	}
	for _, tt := range calls {
		form = ""
		want := "executed"
		if tt.long {
			want = "pending"
		}
		s.wants(want, tt.server, tt.tool, tt.args)
		if tt.long != (form == "") {
			t.Errorf("%s: the form is %q", tt.tool, form)
		}
		if form != "" {
			holds(t, form, tt.want)
		}
	}
}

// holds finds texts on a screen, whose long lines are continued under a bar.
func holds(t *testing.T, screen string, want []string) {
	t.Helper()
	whole := strings.ReplaceAll(strings.ReplaceAll(screen, "\n", ""), "           | ", "")
	for _, w := range want {
		if !strings.Contains(whole, w) {
			t.Errorf("%s isn't on the screen:\n%s", w, screen)
		}
	}
}

func aGatewaysAnswerIsNoFailure(t *testing.T) {
	s := with(t)
	s.policy(`{"approval":{"write":"host"},"breaker":{"unknown_outcomes":1000},"budgets":{"writes_per_hour":1000,"pending":1000,"proposals_per_hour":1000}}`)
	var status, made atomic.Int64
	var own atomic.Bool // whether the platform itself answers so, and does nothing
	s.front("THEHIVE_URL", func(w http.ResponseWriter, r *http.Request, forward func() *http.Response) {
		switch {
		case r.Method != http.MethodPost || r.URL.Path != "/api/v1/case":
			pass(w, forward())
		case own.Load():
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(int(status.Load()))
			_, _ = io.WriteString(w, `{"type":"SomeError","message":"no"}`)
		default:
			made.Add(1)
			instead(w, int(status.Load()), forward)
		}
	})
	for _, n := range []int64{500, 502, 503, 504, 520, 522, 524, 408, 499, 507, 303} {
		status.Store(n)
		made.Store(0)
		call := args{"title": fmt.Sprint("Status ", n)}
		s.wants("unknown", "thehive-mcp", "thehive_create_case", call)
		r := s.wants("pending", "thehive-mcp", "thehive_create_case", call)
		if screen := s.gate("show", fmt.Sprint(r.content["proposal"])); !strings.Contains(screen, "unknown outcome") {
			t.Errorf("%d: the screen doesn't say what may have happened:\n%s", n, screen)
		}
		if made.Load() != 1 {
			t.Errorf("%d: %d cases were made", n, made.Load())
		}
	}
	own.Store(true)
	for _, n := range []int64{400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429} {
		status.Store(n)
		r := s.call("thehive-mcp", "thehive_create_case", args{"title": fmt.Sprint("Status ", n)})
		if !r.failed || strings.Contains(r.text, "unknown") {
			t.Errorf("%d: what TheHive itself refuses is %s", n, r.text)
		}
	}
}

func loweringTheTLPIsAskedFor(t *testing.T) {
	s := with(t)
	s.ask("THEHIVE", "PATCH", "/api/v1/case/"+thehivetest.PhishingCase, args{"tlp": 4, "pap": 3})
	r := s.wants("pending", "thehive-mcp", "thehive_update_case", args{"caseId": "2", "title": "New"})
	out := s.gate("grant", "-code", fmt.Sprint(r.content["digest"])[:6], fmt.Sprint(r.content["proposal"]))
	if !strings.Contains(out, "set nothing but title") {
		t.Errorf("the grant doesn't say for which members it holds:\n%s", out)
	}
	s.wants("executed", "thehive-mcp", "thehive_update_case", args{"caseId": "2", "title": "Newer"})
	for _, tt := range []struct {
		server, tool string
		args         args
		want         []string
	}{
		{"thehive-mcp", "thehive_update_case", args{"caseId": "2", "tlp": 0, "pap": 0}, []string{"TLP is lowered: RED -> CLEAR", "PAP is lowered: RED -> CLEAR"}},
		{"thehive-mcp", "thehive_update_observable", args{"observableId": thehivetest.DomainObservable, "tlp": 0}, []string{"TLP is lowered: AMBER"}},
		{"thehive-mcp", "thehive_bulk_update_observables", args{"observableIds": []string{thehivetest.DomainObservable, thehivetest.AttackerObservable}, "tlp": 0}, []string{"is lowered"}},
		{"thehive-mcp", "thehive_update_alert", args{"alertId": thehivetest.NewAlert, "tlp": 0}, []string{"TLP is lowered: AMBER"}},
		{"thehive-mcp", "thehive_bulk_update_alerts", args{"alertIds": []string{thehivetest.NewAlert, thehivetest.OldAlert}, "tlp": 0}, []string{"TLP is lowered: AMBER"}},
		{"misp-mcp", "misp_tag_event", args{"eventId": misptest.DraftEvent, "tag": "tlp:amber", "remove": true, "confirm": true}, []string{"TLP is lowered: tlp:amber -> none"}},
		{"misp-mcp", "misp_add_attribute", args{"eventId": misptest.GroupEvent, "type": "domain", "value": "new.example", "distribution": 3}, []string{"another audience"}},
	} {
		r := s.wants("pending", tt.server, tt.tool, tt.args)
		screen := s.gate("show", fmt.Sprint(r.content["proposal"]))
		for _, want := range tt.want {
			if first, _, _ := strings.Cut(screen, "OPERATION"); !strings.Contains(first, want) {
				t.Errorf("%s: %q isn't said first:\n%s", tt.tool, want, screen)
			}
		}
	}
	s.wants("pending", "thehive-mcp", "thehive_update_case", args{"caseId": "2", "description": "other"})
}

func oneLostAnswerStopsNothingElse(t *testing.T) {
	s := with(t)
	lost := new(atomic.Bool)
	s.front("CORTEX_URL", func(w http.ResponseWriter, r *http.Request, forward func() *http.Response) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/run") && lost.CompareAndSwap(false, true) {
			forward().Body.Close()
			cut(w)
			return
		}
		pass(w, forward())
	})
	run := func(value string) args {
		return args{"analyzerName": "MaxMind_GeoIP_4_0", "dataType": "ip", "data": value}
	}
	s.wants("unknown", "cortex-mcp", "cortex_run_analyzer_by_name", run("203.0.113.20"))
	s.wants("executed", "cortex-mcp", "cortex_run_analyzer_by_name", run("203.0.113.21"))
	s.wants("pending", "cortex-mcp", "cortex_run_analyzer_by_name", run("203.0.113.20"))
}

func aPolicyFileChangesWhatItNames(t *testing.T) {
	s := with(t, destructive)
	s.policy(`{"approval": {"write": "host"}}`)
	s.wants("pending", "thehive-mcp", "thehive_delete_case", args{"caseId": "3"})
	s.note("executed")
	who := s.read("thehive-mcp", "thehive_gate_status", nil)["who"]
	said := s.gate("status")
	for tier, want := range map[string]string{"write": "host (the policy file)", "destructive": "operator (the policy file)"} {
		if got := at(t, who, tier); got != want {
			t.Errorf("%s: %v, want %s", tier, got, want)
		}
		if !strings.Contains(said, want) {
			t.Errorf("gate status doesn't say %q:\n%s", want, said)
		}
	}
}

func aRepeatedCallAfterAChangeIsNew(t *testing.T) {
	s := with(t, byHost)
	do := func(server, tool string, a args) {
		t.Helper()
		if r := s.wants("executed", server, tool, a); r.content["repeated"] == true {
			t.Errorf("%s(%v): the first answer came again", tool, a)
		}
	}
	event := func(member string) any {
		return at(t, s.ask("MISP", "GET", "/events/view/"+misptest.DraftEvent, nil), "Event", member)
	}
	publish := args{"eventId": misptest.DraftEvent, "confirm": true}
	do("misp-mcp", "misp_publish_event", publish)
	do("misp-mcp", "misp_add_attribute", args{"eventId": misptest.DraftEvent, "type": "domain", "value": "new.example"})
	if event("published") != false {
		t.Fatal("the event is still published")
	}
	do("misp-mcp", "misp_publish_event", publish)
	if event("published") != true {
		t.Error("the event isn't published")
	}
	for _, tt := range []struct {
		server, tool string
		calls        [3]args
	}{
		{"thehive-mcp", "thehive_update_case", [3]args{{"caseId": "2", "status": "InProgress"}, {"caseId": "2", "status": "New"}, {"caseId": "2", "status": "InProgress"}}},
		{"thehive-mcp", "thehive_set_case_flag", [3]args{{"caseId": "2", "flag": true}, {"caseId": "2", "flag": false}, {"caseId": "2", "flag": true}}},
		{"misp-mcp", "misp_toggle_feed", [3]args{{"feedId": "1", "enable": true}, {"feedId": "1", "enable": false}, {"feedId": "1", "enable": true}}},
		{"misp-mcp", "misp_update_event", [3]args{{"eventId": misptest.DraftEvent, "threatLevel": 1}, {"eventId": misptest.DraftEvent, "threatLevel": 3}, {"eventId": misptest.DraftEvent, "threatLevel": 1}}},
	} {
		for _, a := range tt.calls {
			do(tt.server, tt.tool, a)
		}
	}
	if got := s.ask("THEHIVE", "GET", "/api/v1/case/2", nil); got["status"] != "InProgress" || got["flag"] != true {
		t.Errorf("the case is %v with the flag %v", got["status"], got["flag"])
	}
	if got := event("threat_level_id"); got != "1" {
		t.Errorf("the threat level is %v", got)
	}
	if r := s.call("thehive-mcp", "thehive_set_case_flag", args{"caseId": "2", "flag": true}); r.content["repeated"] != true {
		t.Errorf("a retry ran again: %s", r.text)
	}
}

func whatWasDoneBeforeAFailureIsSaid(t *testing.T) {
	s := with(t, byHost)
	s.front("THEHIVE_URL", func(w http.ResponseWriter, r *http.Request, forward func() *http.Response) {
		if r.Method == http.MethodPatch && strings.HasPrefix(r.URL.Path, "/api/v1/alert/") {
			instead(w, http.StatusServiceUnavailable, nil)
			return
		}
		pass(w, forward())
	})
	call := args{"title": "A", "type": "t", "source": "s", "sourceRef": "r-1", "follow": false}
	r := s.call("thehive-mcp", "thehive_create_alert", call)
	if !r.failed || !strings.Contains(r.text, "createAlert") {
		t.Errorf("it isn't said that the alert was made: %s", r.text)
	}
	if log := s.gate("log"); strings.Contains(log, " failed ") || !strings.Contains(log, "createAlert") {
		t.Errorf("the journal:\n%s", log)
	}
	s.wants("pending", "thehive-mcp", "thehive_create_alert", call)
}

func aKilledServersWriteIsUnknown(t *testing.T) {
	s := with(t, byHost)
	arrived := make(chan struct{})
	s.front("THEHIVE_URL", func(w http.ResponseWriter, r *http.Request, forward func() *http.Response) {
		if r.Method == http.MethodPost && r.URL.Path == "/api/v1/case" {
			close(arrived)
			<-r.Context().Done()
			return
		}
		pass(w, forward())
	})
	cmd := exec.Command(s.program("thehive-mcp"))
	cmd.Env = s.env
	s.sessions["thehive-mcp"] = s.connect(&mcp.CommandTransport{Command: cmd}, nil)
	call := args{"title": "Once"}
	ended := make(chan error)
	go func() {
		_, err := s.sessions["thehive-mcp"].CallTool(context.Background(), &mcp.CallToolParams{Name: "thehive_create_case", Arguments: call})
		ended <- err
	}()
	<-arrived
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	delete(s.sessions, "thehive-mcp")
	said := s.gate("status")
	id := regexp.MustCompile(`unknown +1 (P-\w+)`).FindStringSubmatch(said)
	if id == nil {
		t.Fatalf("the status says nothing of it:\n%s", said)
	}
	r := s.wants("pending", "thehive-mcp", "thehive_create_case", call)
	if screen := s.gate("show", fmt.Sprint(r.content["proposal"])); !strings.Contains(screen, id[1]) {
		t.Errorf("the screen doesn't say that it may have happened:\n%s", screen)
	}
	s.gate("resolve", id[1], "failed")
}

func aFreezeStopsTheNextRequest(t *testing.T) {
	s := with(t, byHost)
	between := make(chan struct{})
	s.front("THEHIVE_URL", func(w http.ResponseWriter, r *http.Request, forward func() *http.Response) {
		res := forward()
		if r.Method == http.MethodPost && r.URL.Path == "/api/v1/alert" {
			between <- struct{}{}
			<-between
		}
		if r.Method == http.MethodPatch {
			t.Error("the second request was sent")
		}
		pass(w, res)
	})
	s.session("thehive-mcp")
	done := make(chan reply)
	go func() {
		done <- s.call("thehive-mcp", "thehive_create_alert", args{"title": "A", "type": "t", "source": "s", "sourceRef": "r-1", "follow": false})
	}()
	<-between
	s.gate("freeze", "-reason", "now")
	between <- struct{}{}
	if r := <-done; !r.failed || !strings.Contains(r.text, "createAlert") || !strings.Contains(r.text, "frozen") {
		t.Errorf("%s", r.text)
	}
}

// aBusyServerStopsAtOnce: what a server begins after the freeze was written sends
// nothing, and what it began before is the last. The second that it may take is not
// measured here: a machine under load has no such.
func aBusyServerStopsAtOnce(t *testing.T) {
	s := with(t, byHost)
	s.policy(`{"budgets":{"writes_per_hour":1000}}`)
	var sent atomic.Int64
	s.front("THEHIVE_URL", func(w http.ResponseWriter, r *http.Request, forward func() *http.Response) {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/comment") {
			sent.Add(1)
		}
		pass(w, forward())
	})
	s.session("thehive-mcp")
	for range 3 {
		s.note("executed")
		stopped := make(chan int64)
		go func() { // as an agent that never stops
			for i := range 10_000 {
				r := s.call("thehive-mcp", "thehive_create_comment", args{"caseId": "2", "message": fmt.Sprint("busy ", notes.Add(1))})
				if got := r.stands(); got != "executed" {
					if got != "frozen" {
						t.Errorf("call %d is %s", i, got)
					}
					break
				}
			}
			stopped <- sent.Load()
		}()
		for before := sent.Load(); sent.Load() < before+3; {
			time.Sleep(time.Millisecond)
		}
		s.gate("freeze", "-reason", "stop")
		last := <-stopped
		for range 3 {
			s.note("frozen")
		}
		if now := sent.Load(); now != last {
			t.Errorf("%d requests were sent after the freeze", now-last)
		}
		s.agree("frozen", true, false)
		s.gate("unfreeze")
	}
}

func whatCanNotBeTakenBackIsSaidFirst(t *testing.T) {
	s := with(t, "SALLYPORT_APPROVAL=client", destructive, "CORTEX_ALLOW_DESTRUCTIVE=1")
	form := ""
	for _, server := range []string{"thehive-mcp", "cortex-mcp", "misp-mcp"} {
		cmd := exec.Command(s.program(server))
		cmd.Env = s.env
		s.sessions[server] = s.connect(&mcp.CommandTransport{Command: cmd}, func(message string) { form = message })
	}
	const never = "UNDO         NOT POSSIBLE"
	for _, tt := range []struct {
		server, tool string
		args         args
		want         []string
	}{
		{"thehive-mcp", "thehive_close_case", args{"caseId": "2", "status": "TruePositive", "summary": "x"}, []string{"Closing ends 1 open task for good", "Ended for good: Reset the passwords of those who clicked"}},
		{"thehive-mcp", "thehive_delete_case", args{"caseId": "2"}, []string{never, "2 tasks are deleted with it"}},
		{"thehive-mcp", "thehive_merge_cases", args{"caseIds": []string{"5", "6"}}, []string{never}},
		{"thehive-mcp", "thehive_run_responder", args{"responderId": "Block_IP_1_0", "objectType": "case_artifact", "objectId": thehivetest.AttackerObservable}, []string{never, "LEAVES TO    Block_IP_1_0"}},
		{"cortex-mcp", "cortex_run_responder", args{"responderId": "Mailer_1_0", "objectType": "case", "objectId": "~4096", "confirm": true,
			"data": args{"_id": "~4096", "_type": "Case", "number": 1, "title": "Brute force", "tlp": 2, "pap": 2}}, []string{never, "LEAVES TO    Mailer (Mailer_1_0): the whole case"}},
		{"misp-mcp", "misp_publish_event", args{"eventId": misptest.DraftEvent, "confirm": true}, []string{never, "LEAVES TO    this community"}},
	} {
		r := s.wants("pending", tt.server, tt.tool, tt.args)
		first, _, _ := strings.Cut(s.gate("show", fmt.Sprint(r.content["proposal"])), "OPERATION")
		for _, want := range tt.want {
			if !strings.Contains(first, want) {
				t.Errorf("%s: %q isn't said first:\n%s", tt.tool, want, first)
			}
		}
	}
	if form != "" {
		t.Errorf("a client's form could approve it: %s", form)
	}
}
