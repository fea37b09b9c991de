package wazuh

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
)

// A Cursor says where a page ended, for the next one to go on from. It is good
// for the same search alone, however deep, and holds nothing at the indexer.
type Cursor string

// Pattern is the form of a cursor, for schemas.
func (Cursor) Pattern() string { return `^[A-Za-z0-9_-]+$` }

type position struct {
	Search string             `json:"s"` // which search it is good for
	After  []*json.RawMessage `json:"a"` // the sort values of the last hit
	Now    int64              `json:"n"` // the time, in Unix milliseconds, from which "24h" was counted
}

// fingerprint identifies what is searched for and in which order.
func fingerprint(index string, s *indexer.Search) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s", index, s.Query, s.Sort)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func (c Cursor) position() (position, error) {
	var p position
	if err := c.decode(&p); err != nil || len(p.After) == 0 {
		return p, invalid("cursor: want the next_cursor of the page before")
	}
	return p, nil
}

// decode reads what a cursor holds.
func (c Cursor) decode(place any) error {
	b, err := base64.RawURLEncoding.DecodeString(string(c))
	if err == nil && len(b) > 8192 {
		err = invalid("cursor: too long")
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, place)
}

// encodeCursor makes a cursor of a place.
func encodeCursor(place any) (Cursor, error) {
	b, err := raw(place)
	return Cursor(base64.RawURLEncoding.EncodeToString(b)), err
}

// now returns the time from which a search counts how long ago something was:
// that of its first page.
func (c Cursor) now() (time.Time, error) {
	if c == "" {
		return time.Now(), nil
	}
	p, err := c.position()
	return time.UnixMilli(p.Now), err
}

// resume lets s go on from cursor.
func resume(cursor Cursor, offset int, index string, s *indexer.Search) error {
	if cursor == "" {
		return nil
	}
	if offset > 0 {
		return invalid("cursor and offset: give one of them")
	}
	p, err := cursor.position()
	if err != nil {
		return err
	}
	if len(p.After) != len(s.Sort) || p.Search != fingerprint(index, s) {
		return invalid("cursor: it belongs to another search; repeat all other arguments as they were")
	}
	s.SearchAfter = p.After
	return nil
}

// A turning tells where a page of f can end.
type turning struct {
	index string
	s     *indexer.Search
	f     *indexer.Found
	now   time.Time
}

// behind returns the cursor for what comes behind the first n hits, or nothing
// when the indexer doesn't say where those are.
func (t turning) behind(n int) Cursor {
	if n == 0 || len(t.f.Hits.Hits[n-1].Sort) != len(t.s.Sort) {
		return ""
	}
	c, err := encodeCursor(position{Search: fingerprint(t.index, t.s), After: t.f.Hits.Hits[n-1].Sort, Now: t.now.UnixMilli()})
	if err != nil {
		return ""
	}
	return c
}

// next returns the cursor for what comes behind all hits, or nothing when they
// are the last.
func (t turning) next() Cursor {
	n := len(t.f.Hits.Hits)
	if t.s.Size == nil || n < *t.s.Size {
		return ""
	}
	return t.behind(n)
}

// The outputs of the tools whose pages cursors turn, each with what tells where
// it can end. It has none when the indexer wasn't asked.
type (
	alertRows struct {
		*AlertPage
		ends *turning
	}
	vulnerabilityRows struct {
		*VulnerabilityPage
		ends *turning
	}
	thingRows struct {
		*ThingPage
		ends *turning
	}
)

func (r *alertRows) page() *AlertPage {
	if r == nil {
		return nil
	}
	return r.AlertPage
}

func (r *vulnerabilityRows) page() *VulnerabilityPage {
	if r == nil {
		return nil
	}
	return r.VulnerabilityPage
}

func (r *thingRows) page() *ThingPage {
	if r == nil {
		return nil
	}
	return r.ThingPage
}

// FirstRows returns the page with its first n alerts.
func (r *alertRows) FirstRows(n int) (page any, next map[string]any) {
	p := *r.AlertPage
	if p.Alerts, p.More, p.NextCursor = p.Alerts[:n], true, r.ends.behind(n); p.NextCursor == "" {
		return nil, nil
	}
	return &p, nil
}

// FirstRows returns the page with its first n vulnerabilities.
func (r *vulnerabilityRows) FirstRows(n int) (page any, next map[string]any) {
	p := *r.VulnerabilityPage
	if p.Vulnerabilities, p.More, p.NextCursor = p.Vulnerabilities[:n], true, r.ends.behind(n); p.NextCursor == "" {
		return nil, nil
	}
	return &p, nil
}

// FirstRows returns the page with its first n things.
func (r *thingRows) FirstRows(n int) (page any, next map[string]any) {
	if r.ends == nil {
		return nil, nil
	}
	p := *r.ThingPage
	if p.Items, p.More, p.NextCursor = p.Items[:n], true, r.ends.behind(n); p.NextCursor == "" {
		return nil, nil
	}
	return &p, nil
}
