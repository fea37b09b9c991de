package thehive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// How much one raw query may ask for.
const (
	maxRawSteps = 20
	maxRawRows  = 500
)

var (
	rawStart = lazyregexp.New(`^(list|get)(Case|Alert|Task|Log|Observable|Comment|User|CaseTemplate|CaseStatus|AlertStatus|ObservableType|Organisation|Profile|CustomField|Pattern|Procedure|Job|Action|Tag|Taxonomy|Page|PageTemplate|Share|Dashboard)$`)
	rawSteps = []string{
		"actions", "alert", "alerts", "attachments", "audits", "case", "comments", "jobs", "linkedCases", "logs", "observables",
		"organisation", "organisations", "pages", "patterns", "procedures", "shares", "similarAlerts", "similarCases", "similarCasesLight",
		"similarObservables", "tags", "task", "tasks",
		"filter", "sort", "page", "count", "limitedCount", "aggregation",
	}
	rawRange = lazyregexp.New(`^([0-9]{1,9})-([0-9]{1,9})$`)
	rawField = lazyregexp.New(`^[+-]?[0-9A-Za-z_.-]{1,99}$`)
)

// QueryInput is the input of [Client.RawQuery].
type QueryInput struct {
	Query string   `json:"query" jsonschema:"The steps, as a JSON array of objects with a _name: listCase, getAlert, filter, observables, count, … Only steps that read are run." minLength:"2" maxLength:"65536"`
	Range string   `json:"range,omitempty" jsonschema:"Which rows, from-to; the end isn't included, and there are at most 500. It becomes a page step, unless the query ends in one or counts." pattern:"^[0-9]{1,9}-[0-9]{1,9}$"`
	Sort  []string `json:"sort,omitempty" jsonschema:"Fields to sort by; - in front: descending. They become a sort step." minLength:"1" maxLength:"100" maxItems:"10"`
	Name  string   `json:"name,omitempty" jsonschema:"A label for the server's log." maxLength:"100"`
}

// SetDefaults fills the fields left at zero.
func (in *QueryInput) SetDefaults() {
	if in.Range == "" {
		in.Range = "0-100"
	}
}

// Validate refuses what isn't a pipeline of reading steps.
func (in *QueryInput) Validate() error {
	_, err := in.steps()
	return err
}

// steps returns the pipeline to send: in.Query with its order and its page.
func (in QueryInput) steps() ([]json.RawMessage, error) {
	in.SetDefaults()
	var steps []json.RawMessage
	if err := json.Unmarshal([]byte(in.Query), &steps); err != nil {
		return nil, fmt.Errorf("%w: query: isn't a JSON array of steps", ErrInvalid)
	}
	if len(steps) == 0 || len(steps) > maxRawSteps {
		return nil, fmt.Errorf("%w: query: has %d steps; want 1 to %d", ErrInvalid, len(steps), maxRawSteps)
	}
	last := ""
	for i, s := range steps {
		name, err := stepName(s)
		if err != nil {
			return nil, fmt.Errorf("%w: query: step %d: %w", ErrInvalid, i+1, err)
		}
		if ok := i == 0 && rawStart.MatchString(name) || i > 0 && slices.Contains(rawSteps, name); !ok {
			return nil, fmt.Errorf("%w: query: step %d: %q is not a step that may be run %s", ErrInvalid, i+1, name, []string{"first", "there"}[min(i, 1)])
		}
		if name == "page" {
			if err := checkPage(s); err != nil {
				return nil, fmt.Errorf("%w: query: step %d: %w", ErrInvalid, i+1, err)
			}
		}
		last = name
	}
	switch last {
	case "count", "limitedCount", "aggregation", "page":
		if len(in.Sort) > 0 {
			return nil, fmt.Errorf("%w: sort: comes too late behind a step %q; write it into the query", ErrInvalid, last)
		}
		return steps, nil
	}
	if len(in.Sort) > 0 {
		var fields []step
		for _, f := range in.Sort {
			if !rawField.MatchString(f) {
				return nil, fmt.Errorf("%w: sort: %q is no field", ErrInvalid, f)
			}
			d := Asc
			if strings.HasPrefix(f, "-") {
				d = Desc
			}
			fields = append(fields, step{strings.TrimLeft(f, "+-"): d})
		}
		steps = append(steps, raw(step{"_name": "sort", "_fields": fields}))
	}
	from, to, err := in.bounds()
	if err != nil {
		return nil, err
	}
	return append(steps, raw(step{"_name": "page", "from": from, "to": to})), nil
}

func raw(s step) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("thehive: a step of names and numbers: %v", err))
	}
	return b
}

// stepName returns the one name of a step. Members that differ from it in case
// alone are refused, as is a second one: somebody would read the other.
func stepName(s json.RawMessage) (string, error) {
	d := json.NewDecoder(bytes.NewReader(s))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "", fmt.Errorf("isn't an object")
	}
	var name *string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return "", err
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return "", err
		}
		if !strings.EqualFold(key.(string), "_name") {
			continue
		}
		var text string
		if key != "_name" || name != nil || json.Unmarshal(value, &text) != nil {
			return "", fmt.Errorf("wants one _name, which is a string")
		}
		name = &text
	}
	if name == nil {
		return "", fmt.Errorf("has no _name")
	}
	return *name, nil
}

func checkPage(s json.RawMessage) error {
	var p struct {
		From *int `json:"from"`
		To   *int `json:"to"`
	}
	if json.Unmarshal(s, &p) != nil || p.From == nil || p.To == nil || *p.From < 0 || *p.To < *p.From {
		return fmt.Errorf("a page goes from one number to another")
	}
	if *p.To-*p.From > maxRawRows {
		return fmt.Errorf("a page has at most %d rows", maxRawRows)
	}
	return nil
}

// bounds reads the range. A longer one than is allowed is refused, not cut.
func (in QueryInput) bounds() (from, to int, err error) {
	m := rawRange.FindStringSubmatch(in.Range)
	if m == nil {
		return 0, 0, fmt.Errorf("%w: range: want from-to, such as 0-100", ErrInvalid)
	}
	from, _ = strconv.Atoi(m[1]) // nine digits
	to, _ = strconv.Atoi(m[2])
	if to <= from || to-from > maxRawRows {
		return 0, 0, fmt.Errorf("%w: range: want at least 1 and at most %d rows", ErrInvalid, maxRawRows)
	}
	return from, to, nil
}

// A QueryResult is what a raw query gave.
type QueryResult struct {
	Rows  []json.RawMessage `json:"rows,omitempty" untrusted:"true"`
	Count *int              `json:"count,omitempty" jsonschema:"What a query that counts gave."`
}

// RawQuery runs a pipeline of reading steps as TheHive has them. Programs have
// [Query] for that.
//
// TheHive: POST /api/v1/query
func (c *Client) RawQuery(ctx context.Context, in QueryInput) (*QueryResult, error) {
	steps, err := in.steps()
	if err != nil {
		return nil, err
	}
	name := in.Name
	if name == "" {
		name = "raw"
	}
	got, err := httpx.JSON[json.RawMessage](c.wire.Query(ctx, wire.QueryParams{Name: name}, wire.Query{Query: steps}))
	if err != nil {
		return nil, err
	}
	out := new(QueryResult)
	switch b := bytes.TrimSpace(*got); {
	case len(b) > 0 && b[0] == '[':
		out.Rows = []json.RawMessage{}
		err = json.Unmarshal(b, &out.Rows)
	case len(b) > 0 && b[0] == '{': // an aggregation
		out.Rows = []json.RawMessage{b}
	default:
		err = json.Unmarshal(b, &out.Count)
	}
	if err != nil {
		return nil, fmt.Errorf("thehive: query: the answer is neither rows nor a number")
	}
	return out, nil
}
