package gatetest_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

type note struct {
	Text string `json:"text"`
}

type loose struct {
	Score float64 `json:"score"`
}

type client struct{}

func (client) AddNote(_ context.Context, n note) (string, error)  { return "added " + n.Text, nil }
func (client) EditNote(_ context.Context, n note) (string, error) { return "edited " + n.Text, nil }
func (client) Rate(_ context.Context, _ loose) (string, error)    { return "", nil }
func (client) Close(context.Context) error                        { return nil }
func (client) Named(_ context.Context, _ string) (string, error)  { return "", nil }
func planned(op *gate.Operation[note, string]) gate.Op {
	return op.Plan(func(context.Context, note) (gate.Plan, error) { return gate.Plan{Summary: "Add."}, nil })
}

// recorder is a test whose failures are looked at.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()                   {}
func (r *recorder) Errorf(f string, a ...any) { r.errors = append(r.errors, fmt.Sprintf(f, a...)) }
func (r *recorder) has(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(strings.Join(r.errors, "\n"), w) {
			t.Errorf("%q is not among %q", w, r.errors)
		}
	}
	if len(r.errors) != len(want) {
		t.Errorf("%d complaints, want %d: %q", len(r.errors), len(want), r.errors)
	}
}

func TestApprovedRunsAfterTheApproval(t *testing.T) {
	g := gatetest.New(t)
	add := gate.Wrap(g.Guard, gate.Write("add_note", client{}.AddNote, "Add a note."))
	got, err := gatetest.Approved(g, func() (string, error) { return add(t.Context(), note{"x"}) })
	if err != nil || got != "added x" {
		t.Errorf("%q, %v", got, err)
	}
	if g.Signer().Name == "" {
		t.Error("no signer")
	}
}

func TestSwitchesAreThoseOfTheTestOnly(t *testing.T) {
	t.Setenv("NOTE_ALLOW", "1")
	g := gatetest.New(t)
	add := gate.Wrap(g.Guard, gate.Write("add_note", client{}.AddNote, "Add a note.", gate.Env("NOTE_ALLOW")))
	if _, err := add(t.Context(), note{"x"}); !errors.Is(err, gate.ErrRefused) {
		t.Errorf("with the switch of the environment: %v", err)
	}
	g.Setenv("NOTE_ALLOW", "1")
	if _, err := add(t.Context(), note{"x"}); !errors.Is(err, gate.ErrPending) {
		t.Errorf("with the switch of the test: %v", err)
	}
	host := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
	if _, err := gate.Wrap(host.Guard, gate.Write("add_note", client{}.AddNote, "Add a note."))(t.Context(), note{"x"}); err != nil {
		t.Error(err)
	}
}

func TestCompleteFindsWhatIsMissing(t *testing.T) {
	c := client{}
	add, edit := gate.Write("add_note", c.AddNote, "Add."), gate.Write("edit_note", c.EditNote, "Edit.")
	rate := gate.Write("rate", c.Rate, "Rate.")
	for _, test := range []struct {
		ops  []gate.Op
		skip []string
		want []string
	}{
		{[]gate.Op{add, edit, rate}, nil, nil},
		{[]gate.Op{add, rate}, nil, []string{"AddNote, EditNote"}},
		{[]gate.Op{add, edit}, nil, []string{"Rate"}},
		{[]gate.Op{add}, []string{"EditNote", "Rate"}, nil},
		{[]gate.Op{add, edit, rate}, []string{"Gone"}, []string{"no method Gone"}},
	} {
		var r recorder
		gatetest.Complete(&r, c, test.ops, test.skip...)
		r.has(t, test.want...)
	}
}

func TestLintFindsWhatAReaderStumblesOver(t *testing.T) {
	c := client{}
	var r recorder
	gatetest.Lint(&r, []gate.Op{
		planned(gate.Write("add_note", c.AddNote, "Add a note.")),
		planned(gate.Write("add_note", c.AddNote, "Add a note.")),
		planned(gate.Write("Add-Note", c.AddNote, "Add a note.")),
		planned(gate.Write("edit_note", c.EditNote, "Edit a note")),
		gate.Write("unplanned", c.AddNote, "Add a note."),
		gate.Write("rate", c.Rate, "Rate.").Plan(func(context.Context, loose) (gate.Plan, error) { return gate.Plan{}, nil }),
		gate.Read("rated", c.Rate, "Read a rate."),
	})
	r.has(t, "add_note: listed twice", "Add-Note: name", "edit_note: doc", "unplanned: changes something", "rate: input has Score: float64")
}

func TestOperationsDescribeThemselves(t *testing.T) {
	op := gate.Write("add_note", client{}.AddNote, "Add a note.", gate.Env("A"), gate.Idempotent)
	if op.In() != reflect.TypeFor[note]() || op.Out() != reflect.TypeFor[string]() || op.Planned() || !op.Facets().Idempotent ||
		len(op.Locks()) != 1 || op.Tier() != gate.TierWrite {
		t.Errorf("%+v", op)
	}
	if _, wired := op.Guard(); wired {
		t.Error("wired to nothing")
	}
}
