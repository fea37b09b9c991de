// Package gatetest helps to test operations that stand behind a gate: a guard
// with a journal of its own and an approver at hand, and checks that make a
// table of operations trustworthy.
package gatetest

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
)

// A Gate is a guard for one test, with the approver who opens it.
type Gate struct {
	*gate.Guard
	tb     testing.TB
	signer *gate.Signer
	mu     sync.Mutex
	env    map[string]string
}

// New returns a guard that lets every tier run, waits for an operator's
// approval, has no bounds on how much runs, and keeps its journal in a directory
// of the test. Switches are read from what [Gate.Setenv] set and from nothing else.
func New(tb testing.TB, change ...func(*gate.Policy)) *Gate {
	tb.Helper()
	g := &Gate{tb: tb, env: map[string]string{}}
	signer, err := gate.NewSigner("operator-under-test")
	if err != nil {
		tb.Fatal(err)
	}
	g.signer = signer
	dir := tb.TempDir()
	if err := gate.AddApprover(dir, signer.Approver()); err != nil {
		tb.Fatal(err)
	}
	p := gate.Policy{Max: gate.TierDestructive, Dir: dir, Getenv: g.getenv,
		Budget:  gate.Budget{Writes: -1, Destructive: -1, Proposals: -1, Pending: -1},
		Breaker: gate.Breaker{Burst: -1, Denials: -1, Unknowns: -1}}
	for _, f := range change {
		f(&p)
	}
	if g.Guard, err = gate.New(p); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { g.Close() })
	return g
}

// Setenv sets one of the operator's switches.
func (g *Gate) Setenv(name, value string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.env[name] = value
}

func (g *Gate) getenv(name string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.env[name]
}

// Signer returns the approver.
func (g *Gate) Signer() *gate.Signer { return g.signer }

// Approve approves the proposal id, as the operator would with the gate command.
func (g *Gate) Approve(id string) {
	g.tb.Helper()
	j, err := g.Journal()
	if err != nil {
		g.tb.Fatal(err)
	}
	p, err := j.Proposal(id)
	if err != nil {
		g.tb.Fatal(err)
	}
	if err := j.Approve(id, p.Digest, g.signer); err != nil {
		g.tb.Fatal(err)
	}
}

// Approved makes call twice: the first time it must leave a pending proposal,
// which is approved; the second time it runs. It returns the second outcome.
func Approved[Out any](g *Gate, call func() (Out, error)) (Out, error) {
	g.tb.Helper()
	out, err := call()
	var pending *gate.PendingError
	if !errors.As(err, &pending) {
		g.tb.Fatalf("first call: %v, %v; want a pending proposal", out, err)
	}
	g.Approve(pending.Proposal.ID)
	return call()
}

var operation = struct{ ctx, err reflect.Type }{reflect.TypeFor[context.Context](), reflect.TypeFor[error]()}

// Complete fails the test unless every exported method of client that has the
// shape of an operation, func(context.Context, In) (Out, error) with a struct
// for In, is in ops: for each input type there must be as many operations as
// methods. skip names methods that are deliberately not operations.
func Complete(tb testing.TB, client any, ops []gate.Op, skip ...string) {
	tb.Helper()
	listed := map[reflect.Type]int{}
	for _, op := range ops {
		listed[op.In()]++
	}
	skipped := map[string]bool{}
	for _, s := range skip {
		skipped[s] = true
	}
	methods := map[reflect.Type][]string{}
	t := reflect.TypeOf(client)
	for i := range t.NumMethod() {
		m := t.Method(i)
		f := m.Type // receiver, context, input
		shaped := f.NumIn() == 3 && f.NumOut() == 2 && f.In(1) == operation.ctx &&
			f.In(2).Kind() == reflect.Struct && f.Out(1) == operation.err
		switch {
		case skipped[m.Name]:
			delete(skipped, m.Name)
		case shaped:
			methods[f.In(2)] = append(methods[f.In(2)], m.Name)
		}
	}
	for in, names := range methods {
		if n := listed[in]; n < len(names) {
			tb.Errorf("the table has %d operations for the methods %s of %s", n, strings.Join(names, ", "), t)
		}
	}
	for name := range skipped {
		tb.Errorf("%s has no method %s to skip", t, name)
	}
}

// Lint fails the test for what a reader of the table would stumble over:
// repeated or ill-formed names, texts that are empty, long or without a full
// stop, a write that doesn't render its own plan, or whose input has a type that
// a person can't compare with what was approved: a float, an interface, a
// function, a map with keys that aren't strings.
func Lint(tb testing.TB, ops []gate.Op) {
	tb.Helper()
	seen := map[string]bool{}
	for _, op := range ops {
		for _, problem := range lint(op) {
			tb.Errorf("%s: %s", op.Name(), problem)
		}
		if seen[op.Name()] {
			tb.Errorf("%s: listed twice", op.Name())
		}
		seen[op.Name()] = true
	}
}

func lint(op gate.Op) (problems []string) {
	if strings.Trim(op.Name(), "abcdefghijklmnopqrstuvwxyz0123456789_") != "" || len(op.Name()) > 64 {
		problems = append(problems, "name is not lower_snake_case of at most 64 characters")
	}
	if doc := op.Doc(); len(doc) > 400 || !strings.HasSuffix(doc, ".") {
		problems = append(problems, fmt.Sprintf("doc of %d bytes: want at most 400, ending in a full stop", len(doc)))
	}
	if op.Tier() > gate.TierRead && !op.Planned() {
		problems = append(problems, "changes something and renders no plan")
	}
	if path := vague(op.In(), nil); op.Tier() > gate.TierRead && path != "" {
		problems = append(problems, "input has "+path)
	}
	return problems
}

// vague returns where in t there is a type without one obvious spelling, or "".
func vague(t reflect.Type, above []reflect.Type) string {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64, reflect.Complex64, reflect.Complex128, reflect.Interface, reflect.Func, reflect.Chan:
		return t.String()
	case reflect.Map:
		if t.Key().Kind() != reflect.String {
			return t.String()
		}
		return vague(t.Elem(), above)
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return vague(t.Elem(), above)
	case reflect.Struct:
		if slices.Contains(above, t) || t.Implements(textMarshaler) || reflect.PointerTo(t).Implements(textMarshaler) {
			return ""
		}
		for i := range t.NumField() {
			if path := vague(t.Field(i).Type, append(above, t)); path != "" {
				return t.Field(i).Name + ": " + path
			}
		}
	}
	return ""
}

var textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
