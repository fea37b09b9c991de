package cortex

import (
	"context"
	"encoding/json"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/internal/analysis"
)

// Do sends a request that this package has no method for: a path of Cortex's API, such as /api/analyzer, with its
// query if it has one, and body as JSON if it isn't nil. It returns the JSON of the
// answer, without what may be a
// secret.
//
// With a guard, an endpoint that this package knows as reading is sent at once, one
// that it knows as writing needs a permit of its tier, and any other needs that of
// a [gate.Destructive] operation, a GET too: nobody here knows what it does. Such a
// permit has the function of an operation of the program's own, which calls Do.
//
// What the methods check beside the platform isn't checked here: that what is internal or marked RED goes to no third party.
func (c *Client) Do(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	defer c.kept.Drop() // it may change an analyzer
	out, err := c.wire.HTTP.Raw(ctx, wire.Endpoints, method, path, body)
	return analysis.Redact(out), err
}
