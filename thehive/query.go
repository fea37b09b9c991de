package thehive

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// step is one step of a query: TheHive runs them as a pipeline. A limit or an
// order outside of a step is ignored there without a word.
type step map[string]any

// list starts a pipeline with all entities of a kind: listCase, listCaseTemplate.
func list(kind string) []step { return []step{{"_name": "list" + kind}} }

// inCase starts a pipeline with what belongs to a case: tasks, observables. id
// is one that TheHive gave: it answers an unknown one with nothing at all.
func inCase(id string, hops ...string) []step {
	steps := []step{{"_name": "getCase", "idOrName": id}}
	for _, h := range hops {
		steps = append(steps, step{"_name": h})
	}
	return steps
}

// where keeps what p holds for.
func where(p predicate) step {
	s := step{"_name": "filter"}
	for k, v := range p {
		s[k] = v
	}
	return s
}

// predicate is a condition of a filter.
type predicate map[string]any

func is(op, field string, value any) predicate {
	return predicate{op: predicate{"_field": field, "_value": value}}
}

func eq(field string, value any) predicate { return is("_eq", field, value) }

func among[T any](field string, values []T) predicate {
	return predicate{"_in": predicate{"_field": field, "_values": values}}
}

func anyOf(ps ...predicate) predicate { return predicate{"_or": ps} }

func sortBy(field, direction string) step {
	return step{"_name": "sort", "_fields": []step{{field: direction}}}
}

// pageOf keeps limit items from the one at offset on. extra names computed
// members that TheHive adds to each item's extraData.
func pageOf(offset, limit int, extra ...string) step {
	s := step{"_name": "page", "from": offset, "to": offset + limit}
	if len(extra) > 0 {
		s["extraData"] = extra
	}
	return s
}

// run sends a pipeline and decodes what its last step gives. name is a label
// for the server's log.
func run[T any](ctx context.Context, c *Client, name string, steps ...step) (*T, error) {
	q := wire.Query{Query: make([]json.RawMessage, len(steps))}
	for i, s := range steps {
		b, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("thehive: query: %w", err)
		}
		q.Query[i] = b
	}
	return httpx.JSON[T](c.wire.Query(ctx, wire.QueryParams{Name: name}, q))
}

// then returns steps and more in a slice of its own.
func then(steps []step, more ...step) []step { return append(steps[:len(steps):len(steps)], more...) }

// count runs a pipeline for the number of its items.
func count(ctx context.Context, c *Client, name string, steps []step) (int, error) {
	n, err := run[int](ctx, c, name+"-count", then(steps, step{"_name": "count"})...)
	if err != nil {
		return 0, err
	}
	return *n, nil
}

// paged runs a pipeline for one page, sorted, and again for the number of all
// items where the page alone doesn't tell it.
func paged[T any](ctx context.Context, c *Client, name string, order step, offset, limit int, steps []step) (items []T, total int, err error) {
	got, err := run[[]T](ctx, c, name, then(steps, order, pageOf(offset, limit))...)
	if err != nil {
		return nil, 0, err
	}
	items = *got
	if n := len(items); n < limit && (n > 0 || offset == 0) {
		return items, offset + n, nil
	}
	total, err = count(ctx, c, name, steps)
	return items, total, err
}

// entity decodes one entity. An answer without an id is none, whatever its
// status: TheHive reports some failures as 207.
func entity[T any, P interface {
	*T
	identity() string
}](res *httpx.Response, err error) (*T, error) {
	v, err := httpx.JSON[T](res, err)
	if err != nil {
		return nil, err
	}
	if P(v).identity() != "" {
		return v, nil
	}
	err = fail(&httpx.Failure{Op: res.Endpoint.ID, Status: res.Status, Header: res.Header, Body: res.Body, Text: "the answer holds no entity"})
	if res.Endpoint.Tier > gate.TierRead {
		err = fmt.Errorf("%w; %w", err, gate.ErrOutcomeUnknown)
	}
	return nil, err
}

// unique returns list without its repetitions: TheHive refuses a set with any.
func unique(list []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
