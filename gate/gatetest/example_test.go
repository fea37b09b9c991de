package gatetest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

// What an operation must do is what its test says: wait, and run once.
func Example() {
	var t *testing.T // the test's own

	type rule struct {
		Address string `json:"address"`
	}
	blocked := 0
	block := func(context.Context, rule) (int, error) { blocked++; return blocked, nil }

	g := gatetest.New(t)
	gated := gate.Wrap(g.Guard, gate.Destructive("fw_block", block, "Block an address."))
	in := rule{Address: "192.0.2.7"}

	if _, err := gated(t.Context(), in); !errors.Is(err, gate.ErrPending) || blocked != 0 {
		t.Errorf("before the approval: %v, run %d times", err, blocked)
	}
	n, err := gatetest.Approved(g, func() (int, error) { return gated(t.Context(), in) })
	if err != nil || n != 1 {
		t.Errorf("after it: %d, %v", n, err)
	}
}
