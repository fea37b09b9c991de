package thehive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
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
	// rawKinds are the kinds that a query can begin with, as list… and get….
	rawKinds = []string{
		"Action", "Alert", "AlertStatus", "AnalyzerTemplate", "Any", "Audit", "Case", "CaseReport", "CaseStatus", "CaseTemplate", "Catalog", "Comment",
		"CustomEvent", "CustomField", "Dashboard", "Function", "Job", "Log", "Observable", "ObservableType", "Organisation", "OrganisationPage", "Page",
		"PageTemplate", "Pattern", "Procedure", "Profile", "ReportTemplate", "Share", "Tag", "Task", "Taxonomy", "User",
	}
	// rawStarts are the other steps that a query can begin with.
	rawStarts = []string{
		"countFreetags", "currentUser", "freetags", "listAuditFromObject", "listCaseTask", "listVisibleUsers", "myTasks", "tagAutoComplete", "waitingTasks",
	}
	// rawSteps are those behind the first, as TheHive 5.5 to 5.8 document them.
	rawSteps = []string{
		"actions", "alert", "alerts", "allComments", "assignableUsers", "attachments", "audits", "case", "caseReports", "caseTemplate", "caseTemplates", "cases",
		"comments", "customEvents", "external", "fromAlert", "fromCase", "fromJobReport", "headerPage", "inCase", "jobs", "linkedCases", "logs", "observable",
		"observables", "organisation", "organisations", "output", "pageTemplates", "pages", "patterns", "procedures", "reportObservables", "shares", "similar",
		"similarAlertLightCount", "similarAlerts", "similarAlertsLight", "similarCaseLightCount", "similarCases", "similarCasesLight", "similarObservables",
		"tactics", "tags", "task", "taskGroups", "tasks", "text", "timeline", "users", "visible",
		"filter", "sort", "page", "count", "limitedCount", "aggregation",
	}
	// rawAlone are those whose answer is one thing, which no page can cut.
	rawAlone = []string{"count", "limitedCount", "aggregation", "countFreetags", "currentUser", "similarAlertLightCount", "similarCaseLightCount", "taskGroups"}

	rawRange = lazyregexp.New(`^([0-9]{1,9})-([0-9]{1,9})$`)
	rawField = lazyregexp.New(`^[+-]?[0-9A-Za-z_.-]{1,99}$`)
)

// QueryInput is the input of [Client.RawQuery].
type QueryInput struct {
	// Steps: a JSON array of objects with a _name: listCase, getAlert, filter, observables, count, … Only
	// those that read.
	Query string `json:"query" minLength:"2" maxLength:"65536"`
	// Rows from-to, without the end; at most 500.
	Range string `json:"range,omitempty" pattern:"^[0-9]{1,9}-[0-9]{1,9}$" default:"0-100"`
	// - in front: descending.
	Sort []string `json:"sort,omitempty" minLength:"1" maxLength:"100" maxItems:"10"`
	// Members to leave out of rows.
	Exclude []string `json:"excludeFields,omitempty" minLength:"1" maxLength:"100" maxItems:"50"`
	// For the server's log.
	Name string `json:"name,omitempty" maxLength:"100"`
}

// Validate refuses what isn't a pipeline of reading steps.
func (in *QueryInput) Validate() error {
	_, err := in.steps()
	return err
}

// steps returns the pipeline to send: in.Query with its order and its page.
func (in QueryInput) steps() ([]json.RawMessage, error) {
	input.SetDefaults(&in)
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
		if why := refuseStep(i, name); why != "" {
			return nil, fmt.Errorf("%w: query: step %d: %s", ErrInvalid, i+1, why)
		}
		if name == "page" {
			if err := checkPage(s); err != nil {
				return nil, fmt.Errorf("%w: query: step %d: %w", ErrInvalid, i+1, err)
			}
		}
		last = name
	}
	if last == "page" || slices.Contains(rawAlone, last) {
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

// refuseStep says why a step may not be run at that place, with those that may,
// or nothing.
func refuseStep(i int, name string) string {
	if i > 0 {
		if slices.Contains(rawSteps, name) {
			return ""
		}
		return fmt.Sprintf("%q is not a step that may be run there; these may: %s", clip.Text(name, 80), strings.Join(rawSteps, ", "))
	}
	kind, isList := strings.CutPrefix(name, "list")
	if !isList {
		kind, isList = strings.CutPrefix(name, "get")
	}
	if isList && slices.Contains(rawKinds, kind) || slices.Contains(rawStarts, name) {
		return ""
	}
	return fmt.Sprintf("%q is not a step that may be run first; these may: %s, and list or get with any of %s", clip.Text(name, 80), strings.Join(rawStarts, ", "), strings.Join(rawKinds, ", "))
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
	v, err := jsontree.Parse(s, jsontree.MaxDepthIn)
	if err != nil {
		return "", err
	}
	if v.Kind != jsontree.Object {
		return "", errors.New("isn't an object")
	}
	var name *jsontree.Value
	for i, key := range v.Keys {
		if !strings.EqualFold(key, "_name") {
			continue
		}
		if key != "_name" || name != nil || v.Elems[i].Kind != jsontree.String {
			return "", errors.New("wants one _name, which is a string")
		}
		name = v.Elems[i]
	}
	if name == nil {
		return "", errors.New("has no _name")
	}
	return name.Text, nil
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
	if *p.To > window {
		return fmt.Errorf("a page ends at %d at the latest: TheHive's index goes no further", window)
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
	if to > window {
		return 0, 0, fmt.Errorf("%w: range: ends at %d at the latest: TheHive's index goes no further", ErrInvalid, window)
	}
	return from, to, nil
}

// A QueryResult is what a raw query gave: rows, of which there may be none, or a count.
type QueryResult struct {
	Rows []json.RawMessage `json:"rows,omitzero" untrusted:"true"` // what the query found
	// What a query that counts gave.
	Count *int `json:"count,omitempty"`
}

// RawQuery runs a pipeline of reading steps as TheHive has them. Programs have
// [Query] for that.
//
// TheHive: POST /api/v1/query
func (c *Client) RawQuery(ctx context.Context, in QueryInput) (*QueryResult, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	steps, err := in.steps()
	if err != nil {
		return nil, err
	}
	name := in.Name
	if name == "" {
		name = "raw"
	}
	got, err := httpx.JSON[json.RawMessage](c.wire.Query(ctx, wire.QueryParams{Name: name}, wire.Query{Query: steps, ExcludeFields: in.Exclude}))
	if err != nil {
		return nil, err
	}
	out := new(QueryResult)
	switch b := bytes.TrimSpace(*got); {
	case len(b) > 0 && b[0] == '[':
		out.Rows = []json.RawMessage{} // none is an empty list
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
