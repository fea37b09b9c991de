package thehive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/resume"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A Query is a pipeline of reading steps: where it begins, which way it goes,
// what it keeps, in which order, and which page of that. Each method returns a
// longer one and leaves q as it is. Run it with [Fetch] or [Count].
//
//	q := thehive.All(thehive.KindAlert).
//		Where(thehive.Eq("stage", "New"), thehive.Gte("severity", 3)).
//		Sort("date", thehive.Desc).
//		Page(0, 20)
type Query struct{ steps []step }

type step map[string]any

// A Kind is a kind of entities in TheHive.
type Kind string

// The kinds that a [Query] can begin with.
const (
	KindCase           Kind = "Case"
	KindAlert          Kind = "Alert"
	KindTask           Kind = "Task"
	KindObservable     Kind = "Observable"
	KindUser           Kind = "User"
	KindCaseTemplate   Kind = "CaseTemplate"
	KindCaseStatus     Kind = "CaseStatus"
	KindAlertStatus    Kind = "AlertStatus"
	KindObservableType Kind = "ObservableType"
	KindCustomField    Kind = "CustomField"
	KindComment        Kind = "Comment"
	KindLog            Kind = "Log"
	KindProcedure      Kind = "Procedure"
	KindJob            Kind = "Job"
)

// A Hop leads from entities to others: from cases to their tasks.
type Hop string

// The hops. Not each leads from each kind.
const (
	HopTasks       Hop = "tasks"       // of cases
	HopLogs        Hop = "logs"        // of tasks
	HopObservables Hop = "observables" // of cases and alerts
	HopComments    Hop = "comments"    // of cases and alerts
	HopProcedures  Hop = "procedures"  // of cases and alerts
	HopAttachments Hop = "attachments" // of cases and alerts
	HopAlerts      Hop = "alerts"      // of cases
	HopCase        Hop = "case"        // of tasks, observables and alerts
	HopJobs        Hop = "jobs"        // of observables
	HopPages       Hop = "pages"       // of cases
)

// A Direction is an order.
type Direction string

// The directions.
const (
	Asc  Direction = "asc"
	Desc Direction = "desc"
)

// All begins a query with all entities of a kind that the key may see.
//
//go:noinline // its many callers would have a copy each
func All(k Kind) Query { return Query{[]step{{"_name": "list" + string(k)}}} }

// One begins a query with one entity. An unknown one is no error: the query
// gives nothing then.
//
//go:noinline // its many callers would have a copy each
func One(k Kind, idOrName string) Query {
	return Query{[]step{{"_name": "get" + string(k), "idOrName": idOrName}}}
}

//go:noinline // its many callers would have a copy each
func (q Query) then(s step) Query { return Query{append(q.steps[:len(q.steps):len(q.steps)], s)} }

// To follows hops, one after the other.
//
//go:noinline // its many callers would have a copy each
func (q Query) To(hops ...Hop) Query {
	for _, h := range hops {
		q = q.then(step{"_name": string(h)})
	}
	return q
}

// Where keeps what all filters hold for.
//
//go:noinline // its many callers would have a copy each
func (q Query) Where(filters ...Filter) Query {
	for _, f := range filters {
		s := step{"_name": "filter"}
		for k, v := range f.condition {
			s[k] = v
		}
		q = q.then(s)
	}
	return q
}

// having keeps what has value in field; an empty one doesn't filter.
func (q Query) having(field, value string) Query {
	if value == "" {
		return q
	}
	return q.Where(Eq(field, value))
}

// Sort orders by a field.
//
//go:noinline // its many callers would have a copy each
func (q Query) Sort(field string, d Direction) Query {
	return q.then(step{"_name": "sort", "_fields": []step{{field: d}}})
}

// Page keeps limit entities from the one at offset on. extra names computed
// members that TheHive adds to extraData, such as procedureCount of a case.
//
//go:noinline // its many callers would have a copy each
func (q Query) Page(offset, limit int, extra ...string) Query {
	s := step{"_name": "page", "from": offset, "to": offset + limit}
	if len(extra) > 0 {
		s["extraData"] = extra
	}
	return q.then(s)
}

// paged reports whether q ends in a page, so that its answer is bounded.
func (q Query) paged() bool {
	return len(q.steps) > 0 && q.steps[len(q.steps)-1]["_name"] == "page"
}

// MarshalJSON writes q as TheHive takes it.
func (q Query) MarshalJSON() ([]byte, error) { return json.Marshal(q.steps) }

// A Filter is a condition on entities.
type Filter struct{ condition map[string]any }

// A Scalar is what a field can be compared with.
type Scalar interface {
	~string | ~bool | ~int | ~int32 | ~int64
}

//go:noinline // its many callers would have a copy each
func compare[T Scalar](op, field string, value T) Filter {
	return Filter{map[string]any{op: map[string]any{"_field": field, "_value": value}}}
}

// Eq holds where field is value, or, for a list, has it.
func Eq[T Scalar](field string, value T) Filter { return compare("_eq", field, value) }

// Ne holds where field isn't value.
func Ne[T Scalar](field string, value T) Filter { return compare("_ne", field, value) }

// Lt holds where field is less than value.
func Lt[T Scalar](field string, value T) Filter { return compare("_lt", field, value) }

// Lte holds where field is at most value.
func Lte[T Scalar](field string, value T) Filter { return compare("_lte", field, value) }

// Gt holds where field is more than value.
func Gt[T Scalar](field string, value T) Filter { return compare("_gt", field, value) }

// Gte holds where field is at least value.
func Gte[T Scalar](field string, value T) Filter { return compare("_gte", field, value) }

// Like holds where field matches pattern, in which * stands for any text. What
// that means differs from server to server: the pattern is held against the
// whole field or against each of its words, so that one with a blank often
// finds nothing; without a * some take it for a part of the field and some for
// all of it; and on some case counts. To find text use [Words].
func Like(field, pattern string) Filter { return compare("_like", field, pattern) }

// Match holds where field, a long text, has word as a word of its own.
func Match(field, word string) Filter { return compare("_match", field, word) }

// StartsWith holds where field begins with text.
func StartsWith(field, text string) Filter { return compare("_startsWith", field, text) }

// EndsWith holds where field ends with text.
func EndsWith(field, text string) Filter { return compare("_endsWith", field, text) }

// In holds where field is one of values.
func In[T Scalar](field string, values []T) Filter {
	return Filter{map[string]any{"_in": map[string]any{"_field": field, "_values": values}}}
}

// Between holds where field is at least from and less than to.
func Between[T Scalar](field string, from, to T) Filter {
	return Filter{map[string]any{"_between": map[string]any{"_field": field, "_from": from, "_to": to}}}
}

// Has holds where field has a value.
func Has(field string) Filter { return Filter{map[string]any{"_has": field}} }

// ID holds for the entity with that id.
func ID(id string) Filter { return Filter{map[string]any{"_id": id}} }

// And holds where all filters do.
func And(filters ...Filter) Filter { return join("_and", filters) }

// Or holds where any of the filters does.
func Or(filters ...Filter) Filter { return join("_or", filters) }

// Not holds where f doesn't.
func Not(f Filter) Filter { return Filter{map[string]any{"_not": f.condition}} }

//go:noinline // its many callers would have a copy each
func join(op string, filters []Filter) Filter {
	list := make([]map[string]any, len(filters))
	for i, f := range filters {
		list[i] = f.condition
	}
	return Filter{map[string]any{op: list}}
}

// Fetch runs q, whose last step must be a page, and returns its entities.
func Fetch[T any](ctx context.Context, c *Client, q Query) ([]T, error) {
	if !q.paged() {
		return nil, fmt.Errorf("%w: the query doesn't end in a page, so that its answer could be the whole database", ErrInvalid)
	}
	return rows[T](ctx, c, "fetch", q)
}

// Count runs q for the number of its entities.
func Count(ctx context.Context, c *Client, q Query) (int, error) { return count(ctx, c, "fetch", q) }

// inCase begins a query with what belongs to a case: tasks, observables. id is
// one that TheHive gave: it answers an unknown one with nothing at all.
//
//go:noinline // its many callers would have a copy each
func inCase(id string, hops ...Hop) Query { return One(KindCase, id).To(hops...) }

// order is what a list is sorted by.
type order struct {
	field     string
	direction Direction
}

// run sends a query and decodes what its last step gives. name is a label for
// the server's log.
func run[T any](ctx context.Context, c *Client, name string, q Query) (*T, error) {
	return httpx.JSON[T](c.query(ctx, name, q))
}

func (c *Client) query(ctx context.Context, name string, q Query) (*httpx.Response, error) {
	body := wire.Query{Query: make([]json.RawMessage, len(q.steps))}
	for i, s := range q.steps {
		b, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("thehive: query: %w", err)
		}
		body.Query[i] = b
	}
	return c.wire.Query(ctx, wire.QueryParams{Name: name}, body)
}

// list runs a query for what it lists.
func list[T any](ctx context.Context, c *Client, name string, q Query) (*listing[T], error) {
	var text func(*T) *json.RawMessage
	if _, ok := any(new(T)).(*json.RawMessage); ok {
		text = func(row *T) *json.RawMessage { return any(row).(*json.RawMessage) }
	}
	l, err := httpx.Listed(ctx, "", func(l *listing[T]) *[]T { return &l.items }, text,
		func(ctx context.Context) (*httpx.Response, error) { return c.query(ctx, name, q) })
	if err == nil && l.sent == 0 { // they came one by one
		l.sent, l.items = len(l.items), present(l.items)
	}
	return l, err
}

// A listing is what an answer lists. A null, which is no entity, is left out.
type listing[T any] struct {
	items []T
	sent  int // with the nulls
}

// UnmarshalJSON reads a list.
func (l *listing[T]) UnmarshalJSON(b []byte) error {
	if err := jsoncodec.Unmarshal(b, &l.items); err != nil {
		return err
	}
	l.sent, l.items = len(l.items), present(l.items)
	return nil
}

// present returns a list without what is null.
func present[T any](list []T) []T {
	return slices.DeleteFunc(list, func(v T) bool {
		if raw, ok := any(v).(json.RawMessage); ok {
			return string(raw) == "null"
		}
		x := reflect.ValueOf(&v).Elem()
		return x.Kind() == reflect.Pointer && x.IsNil()
	})
}

// unread are the rows of a list that are read into entities of type T.
func unread[T any](into *[]*T, sent []json.RawMessage) *paging.Rows[*T] {
	return paging.NewRows(into, sent, func(_ int, text json.RawMessage) (*T, error) {
		row := new(T)
		if err := jsoncodec.UnmarshalRow(text, row); err != nil {
			return nil, fmt.Errorf("thehive: an answer that cannot be read: %w", err)
		}
		return row, nil
	}, nil)
}

// whole returns an error if something of list could not be read: nothing is to be decided
// by a part of it.
func whole[T any](list []T) error {
	for i, row := range list {
		if why := jsoncodec.UnreadOf(row); why != "" {
			return fmt.Errorf("thehive: an answer that cannot be read: row %d: %s", i+1, why)
		}
	}
	return nil
}

// rows runs a query for what it lists, all of which can be read.
func rows[T any](ctx context.Context, c *Client, name string, q Query) ([]T, error) {
	got, err := list[T](ctx, c, name, q)
	if err != nil {
		return nil, err
	}
	return got.items, whole(got.items)
}

// count runs a query for the number of its entities.
func count(ctx context.Context, c *Client, name string, q Query) (int, error) {
	n, err := run[int](ctx, c, name+"-count", q.then(step{"_name": "count"}))
	if err != nil {
		return 0, err
	}
	return *n, nil
}

// window is how far into a list a page can reach: the index refuses more.
const window = 10_000

// inWindow refuses a page that TheHive would.
func inWindow(offset, limit int) error {
	if offset+limit <= window {
		return nil
	}
	return fmt.Errorf("%w: offset: TheHive lists the first %d only, and offset %d with limit %d goes beyond; narrow the list, such as by createdBefore with the date of the last one", ErrInvalid, window, offset, limit)
}

// paged runs a query for one page, sorted, and again for the number of all
// entities where the page alone doesn't tell it.
func paged[T any](ctx context.Context, c *Client, name string, by order, offset, limit int, q Query) (items []T, total int, err error) {
	if err := inWindow(offset, limit); err != nil {
		return nil, 0, err
	}
	sent := 0
	items, _, err = paging.InParts(1, limit, func(page, n int) ([]T, bool, error) {
		if page == 1 {
			sent = 0
		}
		got, err := list[T](ctx, c, name, q.Sort(by.field, by.direction).Page(offset+(page-1)*n, n))
		if err != nil {
			return nil, false, err
		}
		sent += got.sent
		return got.items, got.sent == n, nil
	})
	if err != nil {
		return nil, 0, err
	}
	if sent < limit && (sent > 0 || offset == 0) {
		return items, offset + sent, nil
	}
	total, err = count(ctx, c, name, q)
	return items, total, err
}

// maxPage is the largest page of the lists here.
const maxPage = 500

// An entity can be walked over.
type walked interface {
	identity() string
	created() time.Time
}

// walk yields every entity that q gives, newest first, each once, whatever is
// added, changed or taken away meanwhile, and however many there are: it goes on
// from the date of the last one and not from a number of rows. What begins to
// match after the walk has passed its date isn't yielded. pageSize 0 is the
// largest.
func walk[T walked](ctx context.Context, c *Client, name string, pageSize int, q Query, extra ...string) iter.Seq2[T, error] {
	pageSize = cmp.Or(max(pageSize, 0), maxPage)
	key := func(v T) (made int64, id string) { return jsoncodec.Milli(v.created()), v.identity() }
	return paging.ByKey(ctx, key, func(ctx context.Context, from *int64, offset int) ([]T, bool, error) {
		q := q
		if from != nil {
			q = q.Where(Lte("_createdAt", *from))
		}
		for {
			if err := inWindow(offset, pageSize); err != nil {
				return nil, false, fmt.Errorf("thehive: more than %d of them were made in the same millisecond: %w", offset, err)
			}
			got, err := list[T](ctx, c, name, q.Sort("_createdAt", Desc).Page(offset, pageSize, extra...))
			switch {
			case errors.Is(err, connect.ErrTooLarge) && pageSize > 1:
				pageSize /= 2
			case err != nil:
				return nil, false, err
			default:
				more := got.sent == pageSize
				if n := len(got.items); more && n > 0 && got.items[n-1].created().IsZero() {
					return nil, false, fmt.Errorf("thehive: %s: there are more than %d, and TheHive doesn't say when each was made, to go on from", name, pageSize)
				}
				return got.items, more, nil
			}
		}
	})
}

// everything is an iterator over what the list that in belongs to has, newest first,
// from in.Offset on, in pages of in.Limit, the largest unless given. query says what
// lists it, and what of that to keep, if not all.
func everything[In any, T walked](ctx context.Context, c *Client, name string, in In, query func(context.Context, In) (Query, func(T) bool, error), extra ...string) iter.Seq2[T, error] {
	limit, offset := input.Place(&in)
	if err := input.PrepareWalk(&in, limit, maxPage, ErrInvalid); err != nil {
		return paging.Failed[T](err)
	}
	size, skipped := *limit, *offset
	if _, from := resume.Asked(ctx); from {
		skipped = 0
	}
	return func(yield func(T, error) bool) {
		var none T
		q, keep, err := query(ctx, in)
		if err != nil {
			yield(none, err)
			return
		}
		kept := 0
		for v, err := range walk[T](ctx, c, name, size, q, extra...) {
			if err == nil {
				if keep != nil && !keep(v) {
					continue
				}
				if kept++; kept <= skipped {
					continue
				}
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// all makes of what lists something what [everything] takes.
func all[In, T any](query func(context.Context, In) (Query, error)) func(context.Context, In) (Query, func(T) bool, error) {
	return func(ctx context.Context, in In) (Query, func(T) bool, error) {
		q, err := query(ctx, in)
		return q, nil, err
	}
}

// A stamped is something with its id and when it was made, which are no part of it.
type stamped[T any] struct {
	it   T
	id   string
	made time.Time
}

func (d *stamped[T]) identity() string { return d.id }

func (d *stamped[T]) created() time.Time { return d.made }

// UnmarshalJSON reads both.
func (d *stamped[T]) UnmarshalJSON(b []byte) error {
	var v struct {
		ID        string `json:"_id"`
		CreatedAt int64  `json:"_createdAt"`
	}
	if err := errors.Join(json.Unmarshal(b, &d.it), json.Unmarshal(b, &v)); err != nil {
		return err
	}
	d.id, d.made = v.ID, jsoncodec.OfMilli(v.CreatedAt)
	return nil
}

// unstamped is a walk over what is stamped.
func unstamped[T any](walk iter.Seq2[*stamped[T], error]) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for d, err := range walk {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&d.it, nil) {
				return
			}
		}
	}
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
//
//go:noinline // its many callers would have a copy each
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

// notEmpty returns a pointer to s, or nil for what shall stay as it is.
func notEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
