package wazuh

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// A Failure is what Wazuh couldn't do beside what it did.
type Failure struct {
	// Wazuh's error code; 4000 is a missing permission, 1701 an unknown agent.
	Code        int    `json:"code"`
	Message     string `json:"message"`               // what went wrong
	Remediation string `json:"remediation,omitempty"` // how to mend it
	// What it is about.
	IDs []string `json:"ids,omitempty"`
}

// rows are what an answer of the server API holds.
type rows[T any] struct {
	items []T
	page
}

// keep leaves one page of those of all items that pass where.
func (r *rows[T]) keep(where func(T) bool, offset, limit int) {
	r.items = slices.DeleteFunc(r.items, func(x T) bool { return !where(x) })
	r.total = len(r.items)
	r.items = r.items[min(offset, r.total):]
	r.items = r.items[:min(limit, len(r.items))]
	r.sent = len(r.items)
}

// page is what an answer says beside its items.
type page struct {
	sent   int // how many items came, with those that were null
	total  int
	failed []Failure
}

// envelope is the form of an answer of the server API.
type envelope[T any] struct {
	Data    *affected[T] `json:"data"`
	Message string       `json:"message"`
	Error   int          `json:"error"`
}

type affected[T any] struct {
	Items  []T      `json:"affected_items"`
	Total  int      `json:"total_affected_items"`
	Failed []undone `json:"failed_items"`
}

type undone struct {
	Error struct {
		Code        int    `json:"code"`
		Message     string `json:"message"`
		Remediation string `json:"remediation"`
	} `json:"error"`
	ID []json.RawMessage `json:"id"`
}

// oneByOne reads an answer that couldn't be read, for why, item by item: one odd
// value costs its row and not the page, and is told.
func oneByOne(res *httpx.Response, why error, read func(item []byte) error) (*envelope[json.RawMessage], []Failure, error) {
	rest, err := httpx.JSON[envelope[json.RawMessage]](res, nil)
	if err != nil || rest.Data == nil {
		return nil, nil, why
	}
	var unread []Failure
	for i, b := range rest.Data.Items {
		if err := read(b); err != nil {
			unread = append(unread, Failure{Message: fmt.Sprintf("row %d of this page cannot be read and is left out: %s", i+1, oneLine(err.Error()))})
		}
	}
	if len(unread) == len(rest.Data.Items) {
		return nil, nil, why
	}
	return rest, unread, nil
}

// list reads the answer of a generated method. One that failed as a whole,
// which has status 200 too, is an error.
func list[T any](res *httpx.Response, err error) (*rows[T], error) {
	a, err := httpx.JSON[envelope[*T]](res, err)
	var unread []Failure
	if err != nil && res != nil {
		var items []*T
		var rest *envelope[json.RawMessage]
		rest, unread, err = oneByOne(res, err, func(b []byte) error {
			item := new(T)
			err := jsoncodec.Unmarshal(b, item)
			if err != nil {
				item = nil
			}
			items = append(items, item)
			return err
		})
		if err == nil {
			a = &envelope[*T]{&affected[*T]{items, rest.Data.Total, rest.Data.Failed}, rest.Message, rest.Error}
		}
	}
	if err != nil {
		return nil, err
	}
	if a.Data == nil {
		return nil, &Error{Refusal: refusal(res, a.Message), Code: a.Error, Detail: "an answer without data"}
	}
	r := &rows[T]{items: make([]T, 0, len(a.Data.Items)), page: page{sent: len(a.Data.Items), total: a.Data.Total}}
	for _, item := range a.Data.Items {
		if item != nil {
			r.items = append(r.items, *item)
		}
	}
	if err := r.judge(res, a.Error, a.Message, a.Data.Failed, len(r.items) == 0); err != nil {
		return nil, err
	}
	r.failed = append(r.failed, unread...)
	return r, nil
}

// judge notes what failed. It is an error if all did.
func (p *page) judge(res *httpx.Response, code int, message string, failed []undone, none bool) error {
	for _, f := range failed {
		x := Failure{Code: f.Error.Code, Message: oneLine(f.Error.Message), Remediation: oneLine(f.Error.Remediation)}
		for _, id := range f.ID {
			x.IDs = append(x.IDs, text(id))
		}
		p.failed = append(p.failed, x)
	}
	if code != 1 && (!none || code == 0 && len(p.failed) == 0) {
		return nil
	}
	e := &Error{Refusal: refusal(res, message)}
	var others []string
	for i, f := range p.failed {
		if i == 0 {
			e.Code, e.Message, e.Remediation, e.IDs = f.Code, f.Message, f.Remediation, f.IDs
			continue
		}
		others = append(others, fmt.Sprintf("error %d: %s (%s)", f.Code, f.Message, strings.Join(f.IDs, ", ")))
	}
	e.Detail = oneLine(strings.Join(others, "; "))
	return e
}

// An Int is a whole number that Wazuh sends as a number or as a text.
type Int int64

// UnmarshalJSON accepts 1, "1" and "", and 1e+15 and 1000000000000000.0, as
// which the server writes large numbers; beyond 2^53 it keeps not all digits.
func (n *Int) UnmarshalJSON(b []byte) error {
	b = bytes.Trim(b, `"`)
	if len(b) == 0 || string(b) == "null" {
		*n = 0
		return nil
	}
	v, ok := parseNumber(string(b))
	if !ok {
		return fmt.Errorf("%q is not a whole number", b)
	}
	*n = Int(v)
	return nil
}

// Text is a text that Wazuh sometimes sends as another JSON value, which is
// then kept as it was written.
type Text string

// UnmarshalJSON accepts any JSON value; null is the empty text.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if err := jsoncodec.Unmarshal(b, &s); err != nil {
		s = string(b)
	}
	*t = Text(s)
	return nil
}

// Strings is a list that some senders write as a single text.
type Strings []string

// UnmarshalJSON accepts "a" and ["a", "b"].
func (l *Strings) UnmarshalJSON(b []byte) error {
	if list, ok := jsontext.Strings(b); ok {
		*l = list
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		var s string
		if err := jsoncodec.Unmarshal(b, &s); err != nil {
			return err
		}
		*l = Strings{s}
		return nil
	}
	return jsoncodec.Unmarshal(b, (*[]string)(l))
}

// Paging says where a page lies among all rows.
type Paging struct {
	// How many match in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are rows behind this page.
	More bool `json:"more"`
	// What Wazuh would not tell.
	Failed []Failure `json:"failed,omitempty"`
}

// paging places rows that were fetched from offset on.
func (p *page) paging(offset int) Paging {
	return Paging{Total: p.total, Offset: offset, More: more(offset, p.sent, p.total), Failed: p.failed}
}

// checkRows checks what all lists of an agent's rows take and returns the
// agent's id as Wazuh writes it.
func checkRows(agent AgentID, search string) (string, error) {
	id, err := agent.padded()
	if err != nil {
		return "", err
	}
	return id, checkSearch(search)
}

// more says whether there are rows behind those returned.
func more(offset, n, total int) bool { return n > 0 && offset+n < total }

func size(n int) *int { return &n }

// parseNumber reads a number as the server may write it: 7, "7", 1e+15, 1000000000000000.0.
func parseNumber(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != f || f >= 1<<63 || f < -1<<63 {
		return 0, false
	}
	return int64(f), true
}
