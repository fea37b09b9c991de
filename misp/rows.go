package misp

import (
	"encoding/json"
	"fmt"

	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// rows returns a filter of answers that are lists of objects, each with what it
// is about in member. It returns those members.
func rows[T any](c *Client, member string, res *httpx.Response, err error) ([]*T, error) {
	members, err := c.members(member, res, err)
	if err != nil {
		return nil, err
	}
	out := make([]*T, len(members))
	for i, raw := range members {
		out[i] = new(T)
		if err := json.Unmarshal(raw, out[i]); err != nil {
			return nil, fmt.Errorf("misp: %s: %w", res.Endpoint.ID, err)
		}
	}
	return out, nil
}

func (c *Client) members(member string, res *httpx.Response, err error) ([]json.RawMessage, error) {
	list, err := httpx.JSON[List[map[string]json.RawMessage]](c.has(member)(res, err))
	if err != nil {
		return nil, err
	}
	out := make([]json.RawMessage, len(*list))
	for i, row := range *list {
		raw, ok := row[member]
		if !ok {
			return nil, fmt.Errorf("misp: %s: an entry without its %s", res.Endpoint.ID, member)
		}
		out[i] = raw
	}
	return out, nil
}
