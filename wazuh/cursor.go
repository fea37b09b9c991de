package wazuh

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/internal/paging"
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

// goOn lets s go on from cursor.
func goOn(cursor Cursor, offset int, print string, s *indexer.Search) error {
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
	if len(p.After) != len(s.Sort) || p.Search != print {
		return invalid("cursor: it belongs to another search; repeat all other arguments as they were")
	}
	s.SearchAfter = p.After
	return nil
}

// A turning tells where a page of f can end.
type turning struct {
	print string // of what is searched for
	s     *indexer.Search
	f     *indexer.Found
	now   time.Time
}

// behind returns the cursor for what comes behind the first n hits, or nothing
// when the indexer doesn't say where those are, or wasn't asked.
func (t *turning) behind(n int) Cursor {
	if t == nil || n == 0 || len(t.f.Hits.Hits[n-1].Sort) != len(t.s.Sort) {
		return ""
	}
	c, err := encodeCursor(position{Search: t.print, After: t.f.Hits.Hits[n-1].Sort, Now: t.now.UnixMilli()})
	if err != nil {
		return ""
	}
	return c
}

// next returns the cursor for what comes behind all hits, or nothing when they
// are the last.
func (t *turning) next() Cursor {
	n := len(t.f.Hits.Hits)
	if t.s.Size == nil || n < *t.s.Size {
		return ""
	}
	return t.behind(n)
}

// brief lets list return alerts as an agent reads a list of them.
func brief[In any](list func(context.Context, In) (*AlertPage, error)) func(context.Context, In) (*AlertPage, error) {
	return paging.ByNeed(func(ctx context.Context, in In) (*AlertPage, error) {
		p, err := list(ctx, in)
		if err == nil {
			p.unread.Each((*Alert).Brief)
		}
		return p, err
	})
}

// Brief leaves out of an alert what in a list says little, unless it has all that
// was decoded: its index, its manager and that one's id of it, how often the rule
// fired before, the names beside the ids of ATT&CK, and what the name of the decoder
// says too. [Client.GetAlert] has all of it.
func (a *Alert) Brief() {
	if a.Data != nil {
		return
	}
	a.Index, a.WazuhID, a.Manager, a.Rule.FiredTimes = "", "", HostRef{}, 0
	if m := a.Rule.MITRE; m != nil && len(m.ID) > 0 {
		a.Rule.MITRE = &AlertATTACK{ID: m.ID, Extra: m.Extra}
	}
	if d := a.Decoder; d != nil {
		if d.Parent == d.Name {
			a.Decoder = &Decoder{Name: d.Name, Extra: d.Extra}
		}
		if a.Event[MeaningService] == d.Name {
			delete(a.Event, MeaningService)
		}
	}
}

// FirstRows returns the page with its first n alerts, for an answer without room
// for all; or nil if it can't end there. Where the indexer doesn't say where a hit
// stands in its order, the next page is had as this one was, by its offset.
func (p *AlertPage) FirstRows(n int) (page any, next map[string]any) {
	short := *p
	short.Alerts, short.unread, short.More = p.Alerts[:n], nil, true
	if short.NextCursor = p.ends.behind(n); short.NextCursor == "" {
		if p.ends == nil || p.ends.s.SearchAfter != nil {
			return nil, nil
		}
		next = map[string]any{"offset": p.Offset + n}
	}
	return &short, next
}

// FirstRows returns the page with its first n vulnerabilities, for an answer
// without room for all; or nil if it can't end there.
func (p *VulnerabilityPage) FirstRows(n int) (page any, next map[string]any) {
	short := *p
	if short.Vulnerabilities, short.More, short.NextCursor = p.Vulnerabilities[:n], true, p.ends.behind(n); short.NextCursor == "" {
		return nil, nil
	}
	return &short, nil
}

// FirstRows returns the page with its first n things, for an answer without room
// for all; or nil if it can't end there.
func (p *ThingPage) FirstRows(n int) (page any, next map[string]any) {
	short := *p
	if short.Items, short.More, short.NextCursor = p.Items[:n], true, p.behind(n); short.NextCursor == "" {
		return nil, nil
	}
	return &short, nil
}

// behind is [turning.behind], also where hosts were asked.
func (p *ThingPage) behind(n int) Cursor {
	if n == 0 || n > len(p.places) {
		return p.ends.behind(n)
	}
	at := p.places[n-1]
	at.Row, at.Before = at.Row+1, at.Before+1
	c, _ := encodeCursor(at) //nolint:errcheck // strings and integers always encode
	return c
}
