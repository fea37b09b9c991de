package misp

import (
	"encoding/json"
	"fmt"

	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// rows returns a filter of answers that are lists of objects, each with what it
// is about in member. It returns those members.
func rows[T any](c *Client, member string, res *httpx.Response, err error) ([]*T, error) {
	list, err := httpx.JSON[List[map[string]json.RawMessage]](c.has(member)(res, err))
	if err != nil {
		return nil, err
	}
	out := make([]*T, 0, len(*list))
	for _, row := range *list {
		raw, ok := row[member]
		if !ok {
			return nil, fmt.Errorf("misp: %s: an entry without its %s", res.Endpoint.ID, member)
		}
		v := new(T)
		if err := json.Unmarshal(raw, v); err != nil {
			return nil, fmt.Errorf("misp: %s: %w", res.Endpoint.ID, err)
		}
		out = append(out, v)
	}
	return out, nil
}
