package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/sallyport-soc/sallyport/internal/input"
)

// defaultSettle is for how long alerts may be on their way to the indexer.
const defaultSettle = 30 * time.Second

// TailAlertsInput is the input of [Client.TailAlerts].
type TailAlertsInput struct {
	AlertFilter // its EndTime must be empty

	// Cursor is the NextCursor of the last page that was dealt with. With it
	// StartTime says nothing. Without either the tail begins now.
	Cursor Cursor
	// Every is how long to wait before asking for further alerts; zero: the tail
	// ends when there are none.
	Every time.Duration
	// Settle is how old an alert must be to be given, 30 seconds unless set: an
	// alert that comes to the indexer later than that after its time is missed.
	Settle time.Duration
	// Limit is the most alerts of a page, 500 unless set.
	Limit          int
	IncludeFullLog bool // with the log line of each
	IncludeRawData bool // with all decoded fields of each
}

// TailAlerts returns an iterator over the alerts as they arrive, the oldest first,
// a page at a time. Who keeps the NextCursor of each page with what was made of
// it, and begins the next tail with it, in another process or after a year, sees
// each alert exactly once: no two have the same place, and a page whose time isn't
// over yet, see [TailAlertsInput].Settle, isn't given. A page of the end, which a
// tail without Every yields too, can hold no alerts and has a cursor all the same.
//
// When part of the indexer doesn't answer, the last yield is [ErrIncomplete], and
// the cursor of the page before is where to go on.
//
// Wazuh indexer: POST /wazuh-alerts-*/_search, in Wazuh 5 /wazuh-findings-v5-*/_search
func (c *Client) TailAlerts(ctx context.Context, in TailAlertsInput) iter.Seq2[*AlertPage, error] {
	return func(yield func(*AlertPage, error) bool) {
		t, err := c.newTail(ctx, in)
		if err != nil {
			yield(nil, err)
			return
		}
		for {
			p, err := t.page(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			if last := t.every == 0 && !p.More; (len(p.Alerts) > 0 || last) && !yield(p, nil) || last {
				return
			}
			if p.More {
				continue
			}
			select {
			case <-ctx.Done():
				yield(nil, fmt.Errorf("wazuh: tail: %w", ctx.Err()))
				return
			case <-time.After(t.every):
			}
		}
	}
}

// A tail is where one has come to.
type tail struct {
	client        *Client
	query         *alertQuery
	search        string // the words; in which fields they are looked for is found out anew for each page
	after         []*json.RawMessage
	every, settle time.Duration
}

func (c *Client) newTail(ctx context.Context, in TailAlertsInput) (*tail, error) {
	if err := input.PrepareWalk(&in, &in.Limit, 500, ErrInvalid); err != nil {
		return nil, err
	}
	if in.Settle == 0 {
		in.Settle = defaultSettle
	}
	switch {
	case in.EndTime != "":
		return nil, invalid("end_time: a tail has no end")
	case in.Every < 0 || in.Settle < 0:
		return nil, invalid("a tail's Every and Settle cannot be negative")
	}
	now := time.Now()
	from, err := in.StartTime.time("start_time", now, c.zone)
	if err != nil {
		return nil, err
	}
	if from.IsZero() {
		from = now
	}
	in.StartTime = ""
	q, err := c.alertQuery(ctx, in.alerts(), now, alike)
	if err != nil {
		return nil, err
	}
	t := &tail{client: c, query: q, search: in.Search, every: in.Every, settle: in.Settle}
	if in.Cursor == "" {
		for _, v := range []any{from.UnixMilli(), "", ""} { // before the first of that moment
			b, err := raw(v)
			if err != nil {
				return nil, err
			}
			t.after = append(t.after, &b)
		}
		return t, nil
	}
	p, err := in.Cursor.position()
	if err != nil {
		return nil, err
	}
	if len(p.After) != len(q.search.Sort) || p.Search != q.print {
		return nil, invalid("cursor: it belongs to another search; repeat the filters as they were")
	}
	t.after = p.After
	return t, nil
}

// alerts is the search whose pages are a tail's.
func (in *TailAlertsInput) alerts() GetAlertsInput {
	return GetAlertsInput{
		AlertFilter: in.AlertFilter, Sort: OldestFirst, Limit: in.Limit, IncludeFullLog: in.IncludeFullLog, IncludeRawData: in.IncludeRawData,
	}
}

// page fetches what comes next and is old enough.
func (t *tail) page(ctx context.Context) (*AlertPage, error) {
	until := time.Now().Add(-t.settle)
	bounds := clause{"lte": until.UTC().Format(time.RFC3339Nano)}
	var last int64
	if t.after[0] != nil && json.Unmarshal(*t.after[0], &last) == nil { // so that only what may hold anything new is looked into
		bounds["gte"] = time.UnixMilli(last).UTC().Format(time.RFC3339Nano)
	}
	clauses, missed := append(t.query.others, clause{"range": clause{timeField: bounds}}), ""
	if t.search != "" {
		text, err := t.client.textIn(ctx, t.query.index, "search", t.search, clauses)
		if err != nil {
			return nil, err
		}
		clauses, missed = append(clauses, text.clauses...), text.missed
	}
	query, err := raw(clause{"bool": clause{"filter": clauses}})
	if err != nil {
		return nil, err
	}
	s := *t.query.search
	s.Query, s.SearchAfter, s.From, s.TrackTotalHits = query, t.after, 0, true
	f, err := t.client.searchAlerts(ctx, t.query.index, s)
	if err != nil {
		return nil, err
	}
	if why := incomplete(f, t.query.index); why != "" && f.Shards.Total > 0 {
		return nil, fmt.Errorf("%w: %s", ErrIncomplete, why)
	}
	p := &AlertPage{Alerts: make([]*Alert, len(f.Hits.Hits)), Sort: OldestFirst, Until: until.UTC(), NotSearched: missed, Note: t.query.asked.note}
	for i, h := range f.Hits.Hits {
		if p.Alerts[i], err = t.query.alert(h); err != nil {
			return nil, err
		}
	}
	p.Total = len(p.Alerts)
	if n := len(f.Hits.Hits); n > 0 {
		if len(f.Hits.Hits[n-1].Sort) != len(s.Sort) {
			return nil, fmt.Errorf("wazuh: tail: the indexer's hits have no sort values to go on from")
		}
		t.after, p.More = f.Hits.Hits[n-1].Sort, n == *s.Size
	}
	p.NextCursor, err = encodeCursor(position{Search: t.query.print, After: t.after, Now: until.UnixMilli()})
	return p, err
}
