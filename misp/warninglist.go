package misp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A Warninglist is a list of values that make poor indicators: public
// resolvers, CDNs, well-known sites.
type Warninglist struct {
	ID   ID     `json:"id"`   // its id
	Name string `json:"name"` // its name
	// How its entries match: string, substring, hostname, cidr, regex.
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"` // what it is, in words of the platform
	// false_positive, or known: known for what it is.
	Category   string `json:"category,omitempty"`
	Enabled    *Bool  `json:"enabled,omitempty"`                 // whether it is switched on
	Version    Int    `json:"version,omitempty"`                 // its version
	EntryCount Int    `json:"warninglist_entry_count,omitempty"` // how many entries it has
	// The attribute types it is for.
	ValidAttributes string `json:"valid_attributes,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// CheckWarninglistsInput is the input of [Client.CheckWarninglists].
type CheckWarninglistsInput struct {
	// Such as an address or a domain.
	Value string `json:"value" minLength:"1" maxLength:"4096"`
}

// Validate refuses a value that is blank.
func (in CheckWarninglistsInput) Validate() error {
	if strings.TrimSpace(in.Value) == "" {
		return invalid("value: is blank")
	}
	return nil
}

// A WarninglistCheck says which warninglists a value is on.
type WarninglistCheck struct {
	Value string `json:"value" untrusted:"true"` // what was looked up
	// The values that were looked up, if not just the one given: lists are compared with their case.
	Searched []string `json:"searched,omitempty" untrusted:"true"`
	// Whether it is on any.
	Listed bool              `json:"listed"`
	Hits   []*WarninglistHit `json:"hits"` // the lists that have it
	// How many lists were asked: those enabled on this server.
	ListsEnabled *int   `json:"listsEnabled,omitempty"`
	Note         string `json:"note,omitempty"` // what to know about the answer
}

// A WarninglistHit is one list that a value is on.
type WarninglistHit struct {
	ID   ID     `json:"id"`   // its id
	Name string `json:"name"` // its name
	// The value that is on it, if not the one given.
	Value string `json:"value,omitempty" untrusted:"true"`
	// The entry that matches.
	Matched string `json:"matched,omitempty"`
	// false_positive, or known: known for what it is.
	Category string `json:"category,omitempty"`
	// How its entries match.
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"` // what it is, in words of the platform
}

// CheckWarninglists says which of the warninglists that are enabled have a
// value. A value that is on one makes a poor indicator.
//
// MISP: POST /warninglists/checkValue, /warninglists/index
func (c *Client) CheckWarninglists(ctx context.Context, in CheckWarninglistsInput) (*WarninglistCheck, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	value := strings.TrimSpace(in.Value)
	forms := listed(value)
	hits, err := c.warninglistHits(ctx, forms...)
	if err != nil {
		return nil, err
	}
	out := &WarninglistCheck{Value: value, Hits: []*WarninglistHit{}}
	if len(forms) > 1 {
		out.Searched = forms
	}
	for _, form := range forms {
		for _, h := range hits[form] {
			if slices.ContainsFunc(out.Hits, func(old *WarninglistHit) bool { return old.ID == h.ID }) {
				continue
			}
			if form != value {
				h.Value = form
			}
			out.Hits = append(out.Hits, h)
		}
	}
	out.Listed = len(out.Hits) > 0
	lists, err := c.warninglists(ctx)
	switch {
	case ctx.Err() != nil:
		return nil, err
	case err != nil:
		out.Note = "the lists themselves could not be read: " + reason(err)
		return out, nil
	case len(lists) == 0 && !out.Listed:
		out.Note = "no warninglist is enabled on this server, so that nothing could be found"
	}
	n := len(lists)
	out.ListsEnabled = &n
	for _, h := range out.Hits {
		if i := slices.IndexFunc(lists, func(l *Warninglist) bool { return l.ID == h.ID }); i >= 0 {
			h.Category, h.Type, h.Description = lists[i].Category, lists[i].Type, lists[i].Description
		}
	}
	return out, nil
}

// listed returns the forms in which a warninglist may hold value: as given, plain,
// in small letters, the parts of a composite value, the host before a port.
func listed(value string) (forms []string) {
	add := func(v string) {
		if v = strings.TrimSpace(v); v != "" && !slices.Contains(forms, v) {
			forms = append(forms, v)
		}
	}
	add(value)
	plain := meant(value)
	for _, v := range []string{plain, strings.ToLower(plain)} {
		add(v)
		if host, _, ok := hostAndPort(v); ok {
			add(host)
		}
		if l, r, ok := strings.Cut(v, "|"); ok {
			add(meant(l))
			add(meant(r))
		}
	}
	return forms
}

// warninglistHits looks values up. What has no hit isn't in the answer.
func (c *Client) warninglistHits(ctx context.Context, values ...string) (map[string][]*WarninglistHit, error) {
	asked := make([]string, len(values))
	for i, v := range values { // MISP answers without the space around them
		asked[i] = strings.TrimSpace(v)
	}
	m, err := httpx.JSON[Map[List[*WarninglistHit]]](c.wire.CheckWarninglists(ctx, asked))
	if err != nil {
		return nil, err
	}
	out := make(map[string][]*WarninglistHit, len(*m))
	for v, hits := range *m {
		if !slices.Contains(asked, v) { // such as the message of a failure
			return nil, fmt.Errorf("misp: checkWarninglists: an answer about %q, which wasn't asked for", clip.Text(v, 60))
		}
		if hits = slices.DeleteFunc(hits, func(h *WarninglistHit) bool { return h == nil }); len(hits) > 0 {
			out[v] = hits
		}
	}
	return out, nil
}

// warninglists returns the lists that are enabled, without their entries.
func (c *Client) warninglists(ctx context.Context) ([]*Warninglist, error) {
	type answer struct {
		Lists List[struct {
			List *Warninglist `json:"Warninglist"`
		}] `json:"Warninglists"`
	}
	on := 1
	a, err := httpx.JSON[answer](c.has("Warninglists")(c.wire.ListWarninglists(ctx, wire.WarninglistSearch{Enabled: &on})))
	if err != nil {
		return nil, err
	}
	var lists []*Warninglist
	for _, l := range a.Lists {
		if l.List != nil && (l.List.Enabled == nil || bool(*l.List.Enabled)) {
			lists = append(lists, l.List)
		}
	}
	return lists, nil
}

// reason is MISP's own reason for err, or else its text.
func reason(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if s := e.reasons(); s != "" {
		return s
	}
	return e.Message
}
