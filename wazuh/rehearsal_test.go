package wazuh_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// A rehearsal is an operation that is broken off at each of its requests, and how it is gone
// back from there.
type rehearsal struct {
	op      string
	version string
	ready   func(t *testing.T, s *wazuhtest.Server) any // returns its input
	back    string                                      // the operation that goes back
	undo    any                                         // the input of that
	clean   func(s *wazuhtest.Server) string            // what is wrong after that, if anything is
}

const onlyTheirs = "[100001]" // the rules in force of a manager without a tuning

func untuned(s *wazuhtest.Server) string {
	if _, there := s.RuleFile(wazuh.TuningFile); there || fmt.Sprint(s.RulesInForce()) != onlyTheirs {
		return fmt.Sprintf("the file is there: %t; in force: %v", there, s.RulesInForce())
	}
	return ""
}

func unblocked(s *wazuhtest.Server) string {
	if b := s.Blocked("007"); len(b) > 0 {
		return fmt.Sprintf("007 blocks %v", b)
	}
	return ""
}

func rehearsals() map[string]rehearsal {
	revert := wazuh.RevertTuningInput{TuningID: 119000, WaitSeconds: 1}
	undo := wazuh.UndoResponseInput{ResponseTarget: block("007").ResponseTarget}
	tune := func(t *testing.T, s *wazuhtest.Server) any {
		in := apply(t, s.Client())
		in.WaitSeconds = 1
		return in
	}
	tuned := func(t *testing.T, s *wazuhtest.Server) any {
		if _, err := s.Client().ApplyTuning(t.Context(), tune(t, s).(wazuh.ApplyTuningInput)); err != nil {
			t.Fatal(err)
		}
		return revert
	}
	blocked := func(t *testing.T, s *wazuhtest.Server) any {
		if _, err := s.Client(func(c *wazuh.Config) { c.Responses = allowed }).RunActiveResponse(t.Context(), block("007")); err != nil {
			t.Fatal(err)
		}
		return undo
	}
	return map[string]rehearsal{
		"apply, with a reload":    {"wazuh_apply_tuning", "4.14.7", tune, "wazuh_revert_tuning", revert, untuned},
		"apply, with a restart":   {"wazuh_apply_tuning", "4.9.2", tune, "wazuh_revert_tuning", revert, untuned},
		"revert":                  {"wazuh_revert_tuning", "4.14.7", tuned, "wazuh_revert_tuning", revert, untuned},
		"active response":         {"wazuh_active_response", "4.14.7", func(*testing.T, *wazuhtest.Server) any { return block("007") }, "wazuh_undo_response", undo, unblocked},
		"undo of active response": {"wazuh_undo_response", "4.14.7", blocked, "wazuh_undo_response", undo, unblocked},
	}
}

// A stage is a Wazuh on which a rehearsal is ready and approved.
type stage struct {
	rehearsal
	s   *wazuhtest.Server
	g   *gatetest.Gate
	c   *wazuh.Client
	in  any
	id  string // of the approved proposal
	old string // the rule file before; "" where it isn't there
}

func (r rehearsal) stage(t *testing.T) *stage {
	t.Helper()
	st := &stage{rehearsal: r, s: noisy(t)}
	st.s.SetVersion(r.version)
	st.in = r.ready(t, st.s)
	st.old, _ = st.s.RuleFile(wazuh.TuningFile)
	st.g = gatetest.New(t, func(p *gate.Policy) { p.Responses = allowed })
	st.c = st.s.Client(func(cfg *wazuh.Config) {
		cfg.Guard, cfg.Retry.Off, cfg.Indexer.Retry.Off = st.g.Guard, true, true
	})
	res, err := opOf(st.c, r.op).Do(t.Context(), st.g.Guard, pointer(st.in))
	if err != nil {
		t.Fatal(err)
	}
	st.id = res.Proposal.ID
	st.g.Approve(st.id)
	return st
}

func opOf(c *wazuh.Client, name string) gate.Op {
	ops := c.Ops()
	return ops[slices.IndexFunc(ops, func(op gate.Op) bool { return op.Name() == name })]
}

func pointer(in any) any {
	p := reflect.New(reflect.TypeOf(in))
	p.Elem().Set(reflect.ValueOf(in))
	return p.Interface()
}

// points are the requests of a whole run at which it is worth to break it off: those that
// another kind of request came before than before the ones like it. .ci/campaign takes them all.
func (r rehearsal) points(t *testing.T) (list []int, names []string) {
	t.Helper()
	st := r.stage(t)
	st.s.Requests()
	if _, err := opOf(st.c, r.op).Do(t.Context(), st.g.Guard, pointer(st.in)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	last := ""
	for i, request := range st.s.Requests() {
		kind, _, _ := strings.Cut(request, "?")
		if strings.Contains(kind, "/logtest/sessions/") {
			kind = "DELETE session"
		}
		if key := last + kind; !seen[key] || os.Getenv("CAMPAIGN") != "" {
			seen[key] = true
			list, names = append(list, i+1), append(names, kind)
		}
		last = kind
	}
	return list, names
}

// changes reports whether a request changes the manager or hosts.
func changes(request string) bool {
	return strings.Contains(request, "PUT ") && !strings.Contains(request, "/logtest") || strings.Contains(request, "DELETE /rules")
}

// whole reports what is wrong with the manager's rules: whatever happened, a file is whole.
func (st *stage) whole() string {
	text, there := st.s.RuleFile(wazuh.TuningFile)
	switch force := fmt.Sprint(st.s.RulesInForce()); {
	case there != (text != ""):
		return "the file is empty"
	case there && !strings.HasSuffix(text, "</group>\n"):
		return "the file is cut: " + text
	case force != onlyTheirs && force != "[100001 119000]":
		return "in force: " + force
	}
	return ""
}

// judge looks at what stands after an operation was broken off, and goes back from there.
func (st *stage) judge(t *testing.T, at string) {
	t.Helper()
	st.s.OnRequest(nil)
	st.s.OnAnswer(nil)
	if odd := st.whole(); odd != "" {
		t.Errorf("%s: %s", at, odd)
	}
	p, err := st.g.Proposal(t.Context(), st.id)
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	text, _ := st.s.RuleFile(wazuh.TuningFile)
	list, err := st.c.ListTunings(t.Context(), wazuh.ListTuningsInput{})
	if err != nil {
		t.Fatalf("%s: %v", at, err)
	}
	switch p.State {
	case gate.StateApproved: // it had not begun
		if text != st.old || len(list.Unfinished) > 0 {
			t.Errorf("%s: approved, and the file is another, or %+v", at, list.Unfinished)
		}
		return
	case gate.StateExecuted:
	case gate.StateFailed:
		if text != st.old || fmt.Sprint(st.s.RulesInForce()) != onlyTheirs && st.old == "" {
			t.Errorf("%s: failed (%s), and the rules aren't as they were: %v", at, p.Detail, st.s.RulesInForce())
		}
	case gate.StateUnknown:
		if strings.Contains(st.op, "tuning") {
			if len(list.Unfinished) != 1 || list.Unfinished[0].TuningID != 119000 || list.Unfinished[0].Proposal != st.id || !strings.Contains(list.Unfinished[0].Stands, "wazuh_revert_tuning with tuning_id 119000") {
				t.Errorf("%s: it isn't said how it stands: %+v", at, list.Unfinished)
			}
		}
		if !strings.Contains(p.Detail, "the last that it began") && !strings.Contains(p.Detail, "before it could say") && !strings.Contains(p.Detail, "wazuh") {
			t.Errorf("%s: the journal says %q", at, p.Detail)
		}
	default:
		t.Errorf("%s: it is %s", at, p.State)
	}
	if _, err := approvedBy(t, st.g, st.c, st.back, st.undo); err != nil && !errors.Is(err, wazuh.ErrNotFound) {
		t.Errorf("%s: no way back: %v", at, err)
	}
	if odd := st.clean(st.s); odd != "" {
		t.Errorf("%s, %s: after going back %s", at, p.State, odd)
	}
}

// approvedBy makes a call, approves it if it waits, and makes it again.
func approvedBy(t *testing.T, g *gatetest.Gate, c *wazuh.Client, name string, in any) (*gate.Result, error) {
	t.Helper()
	res, err := opOf(c, name).Do(t.Context(), g.Guard, pointer(in))
	if err == nil && res.State == gate.StatePending {
		g.Approve(res.Proposal.ID)
		res, err = opOf(c, name).Do(t.Context(), g.Guard, pointer(in))
	}
	return res, err
}

// rehearsed is what a child process needs to carry an approved operation out.
type rehearsed struct {
	Manager, Indexer, Dir, Op string
	Input                     json.RawMessage
}

const rehearsedEnv = "WAZUH_TEST_REHEARSED"

func TestMain(m *testing.M) {
	if call := os.Getenv(rehearsedEnv); call != "" {
		carryOut(call)
		return
	}
	os.Exit(m.Run())
}

// carryOut is the child process.
func carryOut(call string) {
	must := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	var r rehearsed
	must(json.Unmarshal([]byte(call), &r))
	unbound := gate.Budget{Writes: -1, Destructive: -1, Proposals: -1, Pending: -1}
	g, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: r.Dir, Responses: allowed, Budget: unbound, Breaker: gate.Breaker{Burst: -1, Denials: -1, Unknowns: -1}})
	must(err)
	c, err := wazuh.New(wazuh.Config{BaseURL: r.Manager, Username: wazuhtest.User, Password: wazuhtest.Password, Guard: g,
		Indexer: wazuh.IndexerConfig{BaseURL: r.Indexer, Username: wazuhtest.IndexerUser, Password: wazuhtest.IndexerPassword}})
	must(err)
	op := opOf(c, r.Op)
	in := reflect.New(op.In()).Interface()
	must(json.Unmarshal(r.Input, in))
	res, err := op.Do(context.Background(), g, in)
	must(err)
	fmt.Println(res.State)
}

func TestAServerThatIsKilledAtAnyRequestLeavesRulesThatAreWholeAndAWayBack(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it starts many processes")
	}
	for name, r := range rehearsals() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			points, names := r.points(t)
			states := map[gate.State]int{}
			for i, at := range points {
				for _, after := range []bool{false, true} {
					st := r.stage(t)
					input, err := json.Marshal(st.in)
					if err != nil {
						t.Fatal(err)
					}
					call, err := json.Marshal(rehearsed{st.s.URL, st.s.IndexerURL, st.g.Dir(), r.op, input})
					if err != nil {
						t.Fatal(err)
					}
					cmd := exec.Command(os.Args[0])
					cmd.Env = append(os.Environ(), rehearsedEnv+"="+string(call))
					var said bytes.Buffer
					cmd.Stdout, cmd.Stderr = &said, &said
					var mu sync.Mutex
					n := 0
					started := make(chan struct{})
					kill := func(string) {
						mu.Lock()
						n++
						now := n == at
						mu.Unlock()
						if now {
							<-started
							_ = cmd.Process.Kill()
							panic(http.ErrAbortHandler)
						}
					}
					if after {
						st.s.OnAnswer(kill)
					} else {
						st.s.OnRequest(kill)
					}
					if err := cmd.Start(); err != nil {
						t.Fatal(err)
					}
					close(started)
					if err := cmd.Wait(); err == nil {
						t.Errorf("it was not killed at %d: %s", at, said.String())
					}
					if n < at {
						t.Fatalf("it ended before request %d: %s", at, said.String())
					}
					st.judge(t, fmt.Sprintf("killed at request %d, %s, carried out: %t", at, names[i], after))
					if p, err := st.g.Proposal(t.Context(), st.id); err == nil {
						states[p.State]++
					}
				}
			}
			if states[gate.StateUnknown] == 0 || states[gate.StateApproved] == 0 {
				t.Errorf("killed before it began and while it ran: %v", states)
			}
		})
	}
}

func TestAManagerThatIsCutOffAtAnyRequestHasRulesThatAreWholeAndAWayBack(t *testing.T) {
	t.Parallel()
	for name, r := range rehearsals() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			points, names := r.points(t)
			for i, at := range points {
				for kind, cut := range map[string]func(n int) bool{"once": func(n int) bool { return n == at }, "for good": func(n int) bool { return n >= at }} {
					for _, after := range []bool{false, true} {
						if kind == "for good" && !(after && changes(names[i])) && os.Getenv("CAMPAIGN") == "" {
							continue // as it is after the last change
						}
						st := r.stage(t)
						var mu sync.Mutex
						n := 0
						abort := func(string) {
							mu.Lock()
							n++
							now := cut(n)
							mu.Unlock()
							if now {
								panic(http.ErrAbortHandler)
							}
						}
						if after {
							st.s.OnAnswer(abort)
						} else {
							st.s.OnRequest(abort)
						}
						_, err := opOf(st.c, r.op).Do(t.Context(), st.g.Guard, pointer(st.in))
						st.judge(t, fmt.Sprintf("cut %s at request %d, %s, carried out: %t (%v)", kind, at, names[i], after, err))
					}
				}
			}
		})
	}
}
