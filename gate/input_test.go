package gate_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/input"
)

var errBadAsk = errors.New("bad ask")

// An ask counts how often it was checked.
type ask struct {
	Text  string `json:"text" maxLength:"5"`
	Limit int    `json:"limit,omitempty" default:"10"`
}

var checks atomic.Int64

func (a *ask) Validate() error { checks.Add(1); return nil }

// shout is a method of a client: it prepares its input, and then asks itself with another.
func shout(ctx context.Context, in ask) (ask, error) {
	if err := input.Prepare(ctx, &in, errBadAsk); err != nil {
		return in, err
	}
	if in.Text == "once" {
		return shout(ctx, ask{Text: in.Text + " more"})
	}
	return in, nil
}

// Not parallel: the checks are counted.
func TestAnInputIsCheckedOnceFromTheGateToTheMethod(t *testing.T) {
	g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
	read, write := gate.Read("read", shout, "Read."), gate.Write("write", shout, "Write.")
	own := gate.Read("own", shout, "A function that wasn't declared to be a method of a client.")
	gate.InvalidAs(errBadAsk, read, write)
	for _, tc := range []struct {
		what string
		call func(context.Context, ask) (ask, error)
		want int64
	}{
		{"a plain call of the method", shout, 1},
		{"a read", gate.Wrap(g.Guard, read), 1},
		{"a write that runs", gate.Wrap(g.Guard, write), 1},
		{"an operation by its name", func(ctx context.Context, in ask) (ask, error) {
			res, err := read.Do(ctx, g.Guard, &in)
			if err != nil {
				return in, err
			}
			return res.Out.(ask), nil
		}, 1},
		{"a function of somebody else", gate.Wrap(g.Guard, own), 2},
	} {
		checks.Store(0)
		out, err := tc.call(t.Context(), ask{Text: "a"})
		if err != nil || checks.Load() != tc.want {
			t.Errorf("%s: checked %d times, want %d; %v", tc.what, checks.Load(), tc.want, err)
		}
		if diff := cmp.Diff(ask{Text: "a", Limit: 10}, out); diff != "" {
			t.Errorf("%s: %s", tc.what, diff)
		}
		if _, err := tc.call(t.Context(), ask{Text: "too long"}); err == nil {
			t.Errorf("%s: a text that is too long passes", tc.what)
		}
	}
}

// What a method asks itself under the context of its call is an input of its own.
func TestWhatAMethodHandsOnIsCheckedAgain(t *testing.T) {
	g := gatetest.New(t)
	read := gate.Read("read", shout, "Read.")
	gate.InvalidAs(errBadAsk, read)
	if out, err := gate.Wrap(g.Guard, read)(t.Context(), ask{Text: "once"}); !errors.Is(err, errBadAsk) {
		t.Errorf("a text of 9 passes where 5 may: %+v, %v", out, err)
	}
}

// An operation of somebody else may have the kind and the input of a client's method that it
// calls with another.
func TestWhatAFunctionChangesBeforeItAsksAMethodIsChecked(t *testing.T) {
	g := gatetest.New(t)
	for name, fn := range map[string]func(context.Context, ask) (ask, error){
		"changed": func(ctx context.Context, in ask) (ask, error) {
			in.Text += " and more"
			return shout(ctx, in)
		},
		"another": func(ctx context.Context, in ask) (ask, error) {
			if _, err := shout(ctx, ask{Text: "something else"}); err != nil {
				return in, err
			}
			return shout(ctx, in)
		},
		"the same first": func(ctx context.Context, in ask) (ask, error) {
			if _, err := shout(ctx, in); err != nil {
				return in, nil
			}
			in.Text += " and more"
			return shout(ctx, in)
		},
	} {
		read := gate.Read("read", fn, "Read.")
		gate.InvalidAs(errBadAsk, read)
		if out, err := gate.Wrap(g.Guard, read)(t.Context(), ask{Text: "a"}); !errors.Is(err, errBadAsk) {
			t.Errorf("%s: a text that is too long passes: %+v, %v", name, out, err)
		}
	}
}
