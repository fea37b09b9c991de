package mcptest_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

// A test calls a tool as an agent does, validates the answer against the schema
// that the tool advertises, and compares each tool with a file in testdata.
func Example() {
	var t *testing.T // the test's own

	type host struct {
		Name string `json:"name"`
	}
	find := func(_ context.Context, in host) (host, error) { return in, nil }
	cs := mcptest.Connect(t, mcptest.Guard(t), gate.Read("find_host", find, "Find a host."))

	res := mcptest.Call(t, cs, "find_host", map[string]any{"name": "ws-17"})
	mcptest.Validate(t, cs, "find_host", res)
	var got host
	mcptest.Structured(t, res, &got)
	if got.Name != "ws-17" {
		t.Errorf("found %q", got.Name)
	}
	mcptest.Golden(t, filepath.Join("testdata", "tools"), cs)
}
