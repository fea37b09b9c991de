package wazuh

import (
	"context"
	"encoding/json"

	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// Do sends a request that this package has no method for: a path of the server API, such as /rules/groups, with its
// query if it has one, and body as JSON if it isn't nil. It returns the JSON of the
// answer, as it came.
// Settings in it may hold secrets.
//
// With a guard, an endpoint that this package knows as reading is sent at once, one
// that it knows as writing needs a permit of its tier, and any other needs that of
// a [gate.Destructive] operation, a GET too: nobody here knows what it does. Such a
// permit has the function of an operation of the program's own, which calls Do.
//
// What the methods check beside the platform isn't checked here: versions, and that what was asked for was done.
func (c *Client) Do(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	return c.wire.HTTP.Raw(withSession(ctx), wire.Endpoints, method, path, body)
}

// DoIndexer is [Client.Do] for the indexer, such as for /_cat/indices?format=json.
// Without one that is configured it is [ErrNoIndexer].
func (c *Client) DoIndexer(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	if c.indexer == nil {
		return nil, ErrNoIndexer
	}
	return c.indexer.HTTP.Raw(ctx, indexer.Endpoints, method, path, body)
}
