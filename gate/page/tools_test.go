package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/page"
)

// serverTools are those of a server that shares the journal of a desk: it blocks hosts and
// takes that back, each behind its gate, and knows of the shift what it is told to.
type serverTools struct {
	*desk
	blocked string // the proposal of a host that is blocked

	mu      sync.Mutex
	handed  string // what soc_handover answers
	err     error
	n       int // calls
	undone  int // undos that ran
	replies []byte
}

type host struct {
	Host string `json:"host"`
}

// inForce is a desk beside a server that has blocked host 007.
func inForce(t *testing.T) (*desk, *serverTools) {
	t.Helper()
	s := &serverTools{handed: `{"sections":[{"name":"cases","title":"Cases: 0 open","lines":[],"none":"None are open."}]}`}
	s.desk = newDesk(t, func(c *page.Config) { c.Tools = s })
	s.blocked = s.block("007")
	return s.desk, s
}

func (s *serverTools) block(id string) string {
	s.Helper()
	in := host{id}
	res, err := s.op("block").Do(s.Context(), s.guard, &in)
	if err != nil {
		s.Fatal(err)
	}
	s.approve(res.Proposal)
	if _, err := s.op("block").Do(s.Context(), s.guard, &in); err != nil {
		s.Fatal(err)
	}
	s.wants(res.Proposal.ID, gate.StateExecuted)
	return res.Proposal.ID
}

func (s *serverTools) approve(p *gate.Proposal) {
	s.Helper()
	bob, err := gate.NewSigner("bob-" + strings.ToLower(p.ID))
	if err != nil {
		s.Fatal(err)
	}
	s.enrol(bob)
	if err := s.journal.Approve(p.ID, p.Digest, bob); err != nil {
		s.Fatal(err)
	}
}

// op is what the server has: block or unblock.
func (s *serverTools) op(name string) *gate.Operation[host, string] {
	run := func(_ context.Context, in host) (string, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if name == "unblock" {
			s.undone++
		}
		return name + "ed " + in.Host, nil
	}
	plan := func(_ context.Context, in host) (gate.Plan, error) {
		p := gate.Plan{Summary: "Take the active response back on a host.", Targets: []gate.Target{{Kind: "host", ID: in.Host, Name: "web-01"}}}
		if name == "block" {
			b, err := json.Marshal(in)
			if err != nil {
				return p, err
			}
			p.Summary, p.Undo, p.Reverse = "Run the active response block-address on a host.", "unblock", &gate.Call{Op: "unblock", Input: b}
		}
		return p, nil
	}
	return gate.Destructive(name, run, name+" a host.").Plan(plan)
}

func (s *serverTools) Line(c gate.Call) string {
	var in host
	if json.Unmarshal(c.Input, &in) != nil {
		return c.Op
	}
	return "soc-mcp call " + c.Op + " host=" + in.Host
}

func (s *serverTools) Call(ctx context.Context, c gate.Call) ([]byte, error) {
	s.mu.Lock()
	s.n++
	handed, replies, err := s.handed, s.replies, s.err
	s.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case replies != nil:
		return replies, nil
	case c.Op == "soc_handover" && string(c.Input) == `{"page":"sections"}`:
		return []byte(handed), nil
	case c.Op != "unblock":
		return nil, fmt.Errorf("there is no tool %q", c.Op)
	}
	var in host
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return nil, err
	}
	res, err := s.op("unblock").Do(ctx, s.guard, &in)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{"status": res.State, "proposal": res.Proposal.ID})
}

// say sets what the next call of soc_handover answers.
func (s *serverTools) say(answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handed, s.replies, s.err = answer, nil, nil
}

func (s *serverTools) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *serverTools) undos() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.undone
}

// answered waits until the page has asked so often, and has the answer.
func (s *serverTools) answered(n int) string {
	s.Helper()
	for {
		shown := s.get("")
		if s.calls() >= n && !strings.Contains(shown, "They are being asked") {
			return shown
		}
		time.Sleep(5 * time.Millisecond)
		if s.Context().Err() != nil {
			s.Fatal("never answered")
		}
	}
}

const evil = "<script>alert(1)</script>\u202e"

// shiftOf is a hand-over with the proposal of a tuning.
func shiftOf(tuning string) string {
	b, err := json.Marshal(map[string]any{"sections": []any{
		map[string]any{"name": "cases", "title": "Cases: 2 open", "lines": []any{map[string]any{"text": "NEW #2 Phishing mail with a fake invoice (HIGH, New, nobody)"}, map[string]any{"text": "#18 " + evil}}, "none": "None are open."},
		map[string]any{"name": "tasks", "title": "Tasks due", "lines": []any{}, "none": "None within a day."},
		map[string]any{"name": "alerts", "title": "Unusual alerts", "lines": []any{map[string]any{"text": "rule 5710 sshd: login attempt for a user that does not exist: 25 alerts, 1.8 expected"}}, "none": "No."},
		map[string]any{"name": "tunings", "title": "Silenced", "lines": []any{map[string]any{"text": "EXPIRED 119000 hides rule 5710 since 2026-01-02 until 2026-02-02: our scanner", "proposal": tuning}}, "none": "Nothing is."},
		map[string]any{"name": "waiting", "title": "Waiting for an approver", "lines": []any{map[string]any{"text": "from the platforms"}}, "none": "Nothing."},
		map[string]any{"name": "platforms", "title": "Platforms that didn't answer", "lines": []any{map[string]any{"text": "wazuh: connection refused"}}, "none": "All did."},
	}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestTheFirstViewIsTheHandover(t *testing.T) {
	d, tools := inForce(t)
	tools.say(shiftOf("P-00000000"))
	d.enter()
	shown := tools.answered(1)
	for _, want := range []string{"<h1>Hand-over</h1>", "Nothing waits for a decision", "In force", "Run the active response block-address", "Cases: 2 open", "Phishing mail", "None within a day.", "25 alerts, 1.8 expected",
		"Silenced", "119000 hides rule 5710", "wazuh: connection refused", "&lt;script&gt;", "As of "} {
		if !strings.Contains(shown, want) {
			t.Errorf("it lacks %q", want)
		}
	}
	for _, bad := range []string{"<script>alert", "\u202e", "from the platforms"} {
		if strings.Contains(shown, bad) {
			t.Errorf("it holds %q", bad)
		}
	}
	for range 3 {
		d.get("")
	}
	if n := tools.calls(); n != 1 {
		t.Errorf("looked at, it asked %d times", n)
	}
	tools.say(`{"sections":[{"name":"cases","title":"Cases: 9 open","lines":[],"none":"x"}]}`)
	before := d.get("state")
	if res := d.post("handover", d.form("", "handover")); res.StatusCode != http.StatusSeeOther {
		t.Errorf("asked again: %s", res.Status)
	}
	if shown := tools.answered(2); !strings.Contains(shown, "Cases: 9 open") || d.get("state") == before {
		t.Error("asked again, it shows the same")
	}
}

func TestATuningInForceIsToldOnceWithWhatThePlatformSaysOfIt(t *testing.T) {
	d, tools := inForce(t)
	tools.say(shiftOf(tools.blocked))
	d.enter()
	shown := tools.answered(1)
	if strings.Contains(shown, "Silenced") || strings.Count(shown, "119000 hides rule 5710") != 1 || !strings.Contains(shown, "The platform says") {
		t.Error("the tuning isn't told once, beside its undo")
	}
}

func TestWhatThePlatformsDidNotSayIsNoEmptyShift(t *testing.T) {
	d, tools := inForce(t)
	tools.err = errors.New("THEHIVE_URL is missing " + evil)
	d.enter()
	shown := tools.answered(1)
	if !strings.Contains(shown, "The platforms could not be asked: ") || !strings.Contains(shown, "THEHIVE_URL is missing &lt;script&gt;") || !strings.Contains(shown, "Propose the undo") {
		t.Errorf("a failure isn't said:\n%s", shown)
	}
	tools.say(`{"result":"no sections"}`)
	d.post("handover", d.form("", "handover"))
	if shown := tools.answered(2); !strings.Contains(shown, "has no sections") {
		t.Error("another answer is taken for a hand-over")
	}
	bare := entered(t)
	if shown := bare.get(""); !strings.Contains(shown, "gate serve -with") || strings.Contains(shown, "Ask the platforms") {
		t.Error("without tools it doesn't say how to have them")
	}
}

func TestAnUndoIsProposedByAButtonAndWaitsLikeAnyOther(t *testing.T) {
	d, tools := inForce(t)
	d.enter()
	undo := "p/" + tools.blocked + "/undo"
	form := d.form("", undo)
	stale := d.form("", undo)
	res := d.post(undo, form)
	id := strings.TrimPrefix(res.Header.Get("Location"), d.path+"p/")
	if res.StatusCode != http.StatusSeeOther || id == "" {
		t.Fatalf("%s %s", res.Status, res.text)
	}
	d.wants(id, gate.StatePending)
	if p, err := d.journal.Proposal(id); err != nil || p.Op != "unblock" || p.Principal != "agent" || string(p.Input) != `{"host":"007"}` {
		t.Errorf("%+v, %v", p, err)
	}
	if res := d.post(undo, form); res.StatusCode != http.StatusForbidden {
		t.Errorf("sent again: %s", res.Status)
	}
	if shown := d.get(""); strings.Contains(shown, "Propose the undo") || !strings.Contains(shown, "Review "+id) {
		t.Error("it isn't shown that the undo waits")
	}

	approve := "p/" + id + "/approve"
	d.post(approve, with(d.form("p/"+id, approve), "typed", "007"))
	d.wants(id, gate.StateApproved)
	if shown := d.get("p/" + id); !strings.Contains(shown, "soc-mcp call unblock host=007") {
		t.Error("it isn't said how a person makes the call")
	}
	// From a second tab: the page must not make a call that is approved.
	if res := d.post(undo, stale); res.Header.Get("Location") != d.path+"p/"+id {
		t.Errorf("%s %s", res.Status, res.text)
	}
	d.wants(id, gate.StateApproved)
	if n := tools.undos(); n != 0 {
		t.Fatalf("the page carried %d undos out", n)
	}

	if _, err := tools.op("unblock").Do(t.Context(), d.guard, &host{"007"}); err != nil {
		t.Fatal(err)
	}
	d.wants(id, gate.StateExecuted)
	if shown := d.get(""); tools.undos() != 1 || strings.Contains(shown, "Propose the undo") {
		t.Error("what was undone is still in force")
	}
}

func TestAnUndoThatIsNotProposedSaysWhy(t *testing.T) {
	d, tools := inForce(t)
	d.enter()
	tools.answered(1)
	undo := "p/" + tools.blocked + "/undo"
	for answer, want := range map[string]string{
		`{"status":"pending","proposal":"` + tools.blocked + `"}`: "is another call",
		`{"status":"pending","proposal":"P-00000000"}`:            "isn&#39;t in this journal",
		`{"status":"invalid"}`:                                    "names no proposal",
		`<html>` + evil:                                           "names no proposal",
	} {
		tools.mu.Lock()
		tools.replies = []byte(answer)
		tools.mu.Unlock()
		if res := d.post(undo, d.form("", undo)); res.StatusCode != http.StatusBadGateway || !strings.Contains(res.text, want) || strings.Contains(res.text, "<script>") {
			t.Errorf("%s: %s %s", answer, res.Status, res.text)
		}
	}
	tools.mu.Lock()
	tools.replies, tools.err = nil, errors.New("agent 007 is disconnected "+evil)
	tools.mu.Unlock()
	if res := d.post(undo, d.form("", undo)); res.StatusCode != http.StatusBadGateway || !strings.Contains(res.text, "agent 007 is disconnected &lt;script&gt;") {
		t.Errorf("%s %s", res.Status, res.text)
	}
	waiting := d.propose(gate.TierWrite, casePlan())
	if res := d.post("p/"+waiting.ID+"/undo", url.Values{"token": {"x"}}); res.StatusCode != http.StatusForbidden {
		t.Errorf("of what wasn't done: %s", res.Status)
	}
	bare := entered(t)
	if res := bare.post("p/"+tools.blocked+"/undo", url.Values{}); res.StatusCode != http.StatusForbidden || !strings.Contains(res.text, "no tools") {
		t.Errorf("without tools: %s", res.Status)
	}
}
