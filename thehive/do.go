package thehive

import (
	"context"
	"encoding/json"

	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// Do sends a request that this package has no method for: a path of TheHive's API, such as /api/v1/customField, with its
// query if it has one, and body as JSON if it isn't nil. It returns the JSON of the
// answer, as it came.
//
// With a guard, an endpoint that this package knows as reading is sent at once, one
// that it knows as writing needs a permit of its tier, and any other needs that of
// a [gate.Destructive] operation, a GET too: nobody here knows what it does. Such a
// permit has the function of an operation of the program's own, which calls Do.
//
// What the methods check beside the platform isn't checked here: forms, what was changed is not read back, and values may leave the house.
func (c *Client) Do(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	defer func() { // what it changes may be in one of these
		c.statuses.Drop()
		c.types.Drop()
		c.fields.Drop()
	}()
	return c.wire.HTTP.Raw(ctx, wire.Endpoints, method, path, body)
}
