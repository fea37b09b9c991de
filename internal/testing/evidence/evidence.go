// Package evidence proves that the tables of operations tell the truth: it runs
// every operation on a fake and watches which endpoints it uses.
package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

// A Call is a call of an operation that succeeds on a fake seeded with the incident.
type Call struct {
	Op      string
	Args    string            // JSON in the canonical spelling
	Env     map[string]string // the operator's switches that it needs
	Offline bool              // it sends nothing
}

// A Recorder is a transport that notes which endpoints were called.
type Recorder struct {
	base http.RoundTripper
	mu   sync.Mutex
	seen []gate.Endpoint
	try  func(ctx context.Context, e gate.Endpoint) // is called with the context of each request that changes something
}

// NewRecorder returns a Recorder in front of base; nil means a clone of the default.
func NewRecorder(base http.RoundTripper) *Recorder {
	if base == nil {
		base = http.DefaultTransport.(*http.Transport).Clone()
	}
	return &Recorder{base: base}
}

// RoundTrip notes the endpoint and sends r on.
func (rec *Recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	if e, ok := connect.EndpointFrom(r.Context()); ok {
		rec.mu.Lock()
		rec.seen = append(rec.seen, e)
		try := rec.try
		rec.mu.Unlock()
		if try != nil && e.Tier > gate.TierRead {
			try(r.Context(), e)
		}
	}
	return rec.base.RoundTrip(r)
}

// Take returns the endpoints called since the last Take.
func (rec *Recorder) Take() []gate.Endpoint {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	seen := rec.seen
	rec.seen = nil
	return seen
}

// Check runs calls, approving what waits for it, and fails the test unless
// every one succeeds, every operation in ops is called, no operation used an
// endpoint above its own tier, none wrote anything while it waited, its approver was
// shown every text of its input and an undo that one of ops, or of those beside them, does, and the permit of none lets a
// request through that another operation makes. A read that changes
// something, or a write that is listed as one but deletes, shows here.
func Check(t *testing.T, g *gatetest.Gate, rec *Recorder, ops []gate.Op, calls []Call, beside ...gate.Op) {
	t.Helper()
	byName := map[string]gate.Op{}
	undoes := func(name string) bool {
		return slices.ContainsFunc(slices.Concat(ops, beside), func(op gate.Op) bool { return op.Name() == name })
	}
	missing := map[string]bool{}
	for _, op := range ops {
		byName[op.Name()], missing[op.Name()] = op, true
	}
	for _, call := range calls {
		op := byName[call.Op]
		if op == nil {
			t.Errorf("%s: there is no such operation", call.Op)
			continue
		}
		delete(missing, call.Op)
		t.Run(call.Op, func(t *testing.T) {
			rec.Take()
			rec.attempt(t, g, op, ops)
			defer rec.attempt(nil, nil, nil, nil)
			out := do(t, g, op, call, func(p *gate.Proposal) {
				for _, missing := range unseen(p) {
					t.Errorf("%s: %s isn't on the screen:\n%s", op.Name(), missing, gate.Render(p))
				}
				for _, name := range tool.FindAllString(p.Plan.Undo, -1) {
					if !undoes(name) {
						t.Errorf("%s: its undo names %s, which isn't there: %s", op.Name(), name, p.Plan.Undo)
					}
				}
				if p.Plan.Undo != "" && !tool.MatchString(p.Plan.Undo) && !byItself.MatchString(p.Plan.Undo) {
					t.Errorf("%s: its undo names no tool that does it: %s", op.Name(), p.Plan.Undo)
				}
				for _, e := range rec.Take() {
					if e.Tier > gate.TierRead {
						t.Errorf("%s used %s before it was approved", op.Name(), e)
					}
				}
			})
			seen := rec.Take()
			if len(seen) == 0 && !call.Offline {
				t.Errorf("%s sent nothing: that is no evidence", call.Op)
			}
			for _, e := range seen {
				if e.Tier > op.Tier() {
					t.Errorf("%s is %s and used %s, which is %s", op.Name(), op.Tier(), e, e.Tier)
				}
			}
			if out.Out == nil {
				t.Errorf("%s answered nothing", call.Op)
			}
		})
	}
	for name := range missing {
		t.Errorf("%s has no call: nothing is known of it", name)
	}
}

// attempt tries, with the permit under which op sends a request, all that the other
// ops send. Without op it stops that.
func (rec *Recorder) attempt(t *testing.T, g *gatetest.Gate, op gate.Op, ops []gate.Op) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.try = nil
	if op == nil {
		return
	}
	rec.try = func(ctx context.Context, e gate.Endpoint) {
		for _, other := range ops {
			for _, name := range other.Endpoints() {
				if slices.Contains(op.Endpoints(), name) {
					continue
				}
				e.System, e.ID, _ = strings.Cut(name, " ")
				var refused *gate.RefusedError
				if err := g.Guard.Admit(ctx, e); !errors.As(err, &refused) || refused.Reason != gate.ReasonFootprint {
					t.Errorf("with the permit of %s one can send %s: %v", op.Name(), name, err)
				}
			}
		}
	}
}

// Do runs one call behind g and approves it if it waits for that.
func Do(t *testing.T, g *gatetest.Gate, op gate.Op, call Call) *gate.Result {
	t.Helper()
	return do(t, g, op, call, func(*gate.Proposal) {})
}

var (
	// tool is the name of one in a text.
	tool = regexp.MustCompile(`\b(wazuh|thehive|cortex|misp|mitre)_[a-z_]+\b`)
	// byItself is an undo that takes no tool.
	byItself = regexp.MustCompile(`^(Nothing is changed|There is nothing to undo|Each host takes it back by itself|Delete the file\.)`)
)

// inOtherWords are arguments whose meaning is on the screen, and not their letters.
var inOtherWords = map[string]string{
	"fileBase64":      "a file: its name, size, hash and type",
	"bundle":          "its kinds of objects and each value in its patterns",
	"objectType":      "the kind of the target",
	"galaxyClusterId": "the name of the cluster",
	"selection":       "the jobs that a dry run chose, which are the targets",
	"measured_until":  "the time of the preview",

	"cortex_cleanup_jobs status": "of the jobs that are the targets",
}

// unseen returns the texts of an input that an approver isn't shown.
func unseen(p *gate.Proposal) (missing []string) {
	screen := strings.ReplaceAll(strings.ReplaceAll(gate.Render(p), "\n", ""), "           | ", "")
	var look func(path string, v any)
	look = func(path string, v any) {
		switch v := v.(type) {
		case string:
			if !strings.Contains(screen, strings.ReplaceAll(gate.Escape(v), `"`, `\"`)) {
				missing = append(missing, path+" "+v)
			}
		case []any:
			for _, e := range v {
				look(path, e)
			}
		case map[string]any:
			for k, e := range v {
				if inOtherWords[k]+inOtherWords[p.Op+" "+k] == "" {
					look(path+"."+k, e)
				}
			}
		}
	}
	var in any
	if err := json.Unmarshal(p.Input, &in); err != nil {
		return []string{err.Error()}
	}
	look("", in)
	slices.Sort(missing)
	return missing
}

// do is Do; waits is called once the call waits for its approval.
func do(t *testing.T, g *gatetest.Gate, op gate.Op, call Call, waits func(*gate.Proposal)) *gate.Result {
	t.Helper()
	for name, value := range call.Env {
		g.Setenv(name, value)
		defer g.Setenv(name, "")
	}
	once := func() *gate.Result {
		t.Helper()
		in := reflect.New(op.In())
		d := json.NewDecoder(strings.NewReader(call.Args))
		d.DisallowUnknownFields()
		if err := d.Decode(in.Interface()); err != nil {
			t.Fatalf("%s: arguments %s: %v", call.Op, call.Args, err)
		}
		res, err := op.Do(context.WithoutCancel(t.Context()), g.Guard, in.Interface())
		if err != nil {
			t.Fatalf("%s(%s): %v", call.Op, call.Args, err)
		}
		return res
	}
	res := once()
	if res.State == gate.StatePending {
		waits(res.Proposal)
		g.Approve(res.Proposal.ID)
		res = once()
	}
	if res.State != gate.StateExecuted && res.State != gate.StateRead {
		t.Fatalf("%s: %s", call.Op, res.State)
	}
	return res
}
