package misp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// An Attribute is one value in an event, such as an address or a hash.
type Attribute struct {
	ID       ID     `json:"id"`                     // its id
	UUID     string `json:"uuid,omitempty"`         // its UUID
	EventID  ID     `json:"event_id,omitempty"`     // the event
	Type     string `json:"type"`                   // its type
	Category string `json:"category,omitempty"`     // its category
	Value    string `json:"value" untrusted:"true"` // its value
	// Whether it is meant for detection.
	ToIDs   Bool   `json:"to_ids"`
	Comment string `json:"comment,omitempty" untrusted:"true"` // a comment on it
	// 0 own organisation, 1 this community, 2 connected communities, 3 all communities, 4 a sharing group, 5
	// as the event.
	Distribution   Distribution `json:"distribution"`
	SharingGroupID ID           `json:"sharing_group_id,omitempty"` // the sharing group that sees it, where its distribution says so
	// When it was changed last.
	Timestamp time.Time `json:"timestamp,omitzero,format:unix"`
	FirstSeen time.Time `json:"first_seen,omitzero,format:'2006-01-02T15:04:05.000000-07:00'"` // when it was first seen
	LastSeen  time.Time `json:"last_seen,omitzero,format:'2006-01-02T15:04:05.000000-07:00'"`  // when it was last seen
	// The object it is in; 0 for none.
	ObjectID ID `json:"object_id,omitempty"`
	// What it is in that object.
	ObjectRelation string     `json:"object_relation,omitempty"`
	Deleted        Bool       `json:"deleted,omitempty"` // whether it was deleted
	Tags           List[*Tag] `json:"Tag,omitempty"`     // its tags
	// What the galaxy tags stand for.
	Galaxies  List[json.RawMessage] `json:"Galaxy,omitempty" untrusted:"true"`
	Sightings List[*Sighting]       `json:"Sighting,omitempty"` // who saw it, where asked for
	// Attributes that MISP correlates with this one.
	Related List[*RelatedAttribute] `json:"RelatedAttribute,omitempty"`
	// Warninglists that it is on.
	Warnings  List[*Warning]        `json:"warnings,omitempty"`
	Proposals List[json.RawMessage] `json:"ShadowAttribute,omitempty" untrusted:"true"` // changes that others propose
	// How much it still counts, by each decaying model that is for it.
	Decay List[json.RawMessage] `json:"decay_score,omitempty" untrusted:"true"`
	// The event it is in.
	Event *EventHead `json:"Event,omitempty"`
	// The object it is in: who gets that.
	Object *ObjectHead `json:"Object,omitempty"`
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// parts returns the value of a and, for a composite type such as ip-dst|port,
// both its parts, each with its type.
func (a *Attribute) parts() []typed {
	list := []typed{{a.Type, a.Value}}
	if t1, t2, ok := strings.Cut(a.Type, "|"); ok {
		v1, v2, _ := strings.Cut(a.Value, "|")
		list = append(list, typed{t1, v1}, typed{t2, v2})
	}
	return list
}

type typed struct{ typ, value string }

// is reports whether a, or a part of it, has one of values. MISP compares
// without regard to case.
func (a *Attribute) is(values []string) bool {
	for _, p := range a.parts() {
		for _, v := range values {
			if strings.EqualFold(p.value, v) {
				return true
			}
		}
	}
	return false
}

// A RelatedAttribute is an attribute of another event that MISP correlates
// with one. What an answer leaves out is nil or empty.
type RelatedAttribute struct {
	ID       ID         `json:"id"`                     // its id
	UUID     string     `json:"uuid,omitempty"`         // its UUID
	EventID  ID         `json:"event_id,omitempty"`     // the event
	Type     string     `json:"type,omitempty"`         // its type
	Category string     `json:"category,omitempty"`     // its category
	Value    string     `json:"value" untrusted:"true"` // its value
	ToIDs    *Bool      `json:"to_ids,omitempty"`       // whether it is for detection
	Event    *EventHead `json:"Event,omitempty"`        // the event

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An Object is several attributes that make sense together only, such as an
// address and a port.
type Object struct {
	ID              ID                    `json:"id"`                                                            // its id
	UUID            string                `json:"uuid,omitempty"`                                                // its UUID
	Name            string                `json:"name"`                                                          // its name
	MetaCategory    string                `json:"meta-category,omitempty"`                                       // the group of templates it belongs to
	Description     string                `json:"description,omitempty" untrusted:"true"`                        // what it is, in words of the platform
	TemplateUUID    string                `json:"template_uuid,omitempty"`                                       // its template
	TemplateVersion Int                   `json:"template_version,omitempty"`                                    // the template's version
	EventID         ID                    `json:"event_id,omitempty"`                                            // the event
	Distribution    Distribution          `json:"distribution"`                                                  // who may see it
	SharingGroupID  ID                    `json:"sharing_group_id,omitempty"`                                    // the sharing group that sees it, where its distribution says so
	Timestamp       time.Time             `json:"timestamp,omitzero,format:unix"`                                // when it was changed last
	Comment         string                `json:"comment,omitempty" untrusted:"true"`                            // a comment on it
	Deleted         Bool                  `json:"deleted,omitempty"`                                             // whether it was deleted
	FirstSeen       time.Time             `json:"first_seen,omitzero,format:'2006-01-02T15:04:05.000000-07:00'"` // when it was first seen
	LastSeen        time.Time             `json:"last_seen,omitzero,format:'2006-01-02T15:04:05.000000-07:00'"`  // when it was last seen
	Attributes      List[*Attribute]      `json:"Attribute,omitempty"`                                           // the attributes
	References      List[json.RawMessage] `json:"ObjectReference,omitempty" untrusted:"true"`                    // what it refers to

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An ObjectHead is what an attribute says of the object it is in.
type ObjectHead struct {
	ID             ID           `json:"id"`                         // its id
	Distribution   Distribution `json:"distribution"`               // who may see it
	SharingGroupID ID           `json:"sharing_group_id,omitempty"` // the sharing group that sees it, where its distribution says so

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Sighting says that an attribute was seen, was seen to be false, or has expired.
type Sighting struct {
	ID     ID        `json:"id"`                                // its id
	UUID   string    `json:"uuid,omitempty"`                    // its UUID
	Date   time.Time `json:"date_sighting,format:unix"`         // when it happened
	Source string    `json:"source,omitempty" untrusted:"true"` // who saw it
	// 0 seen, 1 false positive, 2 expired.
	Type         Int           `json:"type"`
	Organisation *Organisation `json:"Organisation,omitempty"` // the organisation

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Warning says that an attribute is on a warninglist.
type Warning struct {
	Value string `json:"value,omitempty" untrusted:"true"` // its value
	// The entry of the list.
	Match    string `json:"match,omitempty"`
	ListID   ID     `json:"warninglist_id"`   // the list's id
	ListName string `json:"warninglist_name"` // the list's name
	// false_positive, or known: known for what it is.
	Category string `json:"warninglist_category,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// SearchAttributesInput is the input of [Client.SearchAttributes]. At least one
// filter is needed; those given must all match. What is left out doesn't filter.
type SearchAttributesInput struct {
	// Also defanged or host:port; % stands for any text. Of a composite (ip-dst|port) the whole or either
	// part.
	Value string `json:"value,omitempty" maxLength:"4096"`
	// Of an address also its networks, of a network also its addresses; no page of their own.
	Networks bool `json:"networks,omitempty"`
	// Such as ip-src, domain, sha256.
	Type  string   `json:"type,omitempty" pattern:"^[A-Za-z0-9][A-Za-z0-9 |/_-]*$" maxLength:"100"`
	Types []string `json:"types,omitempty" pattern:"^[A-Za-z0-9][A-Za-z0-9 |/_-]*$" maxItems:"50" maxLength:"100"` // of these types
	// Such as Network activity.
	Category string `json:"category,omitempty" pattern:"^[A-Za-z][A-Za-z -]*$" maxLength:"100"`
	// One of these, on the attribute or its event; with ! in front: none. % stands for any text.
	Tags []string `json:"tags,omitempty" maxItems:"50" maxLength:"255"`
	// Every one of these.
	AllTags []string `json:"allTags,omitempty" maxItems:"50" maxLength:"255"`
	EventID EventRef `json:"eventId,omitempty"` // only of this event
	// Name, id or UUID.
	Org string `json:"org,omitempty" maxLength:"255"`
	// For detection, or not.
	ToIDs     *bool `json:"toIds,omitempty"`
	Published *bool `json:"published,omitempty"` // published or not; nil: both
	// Published within: 7d, 12h, 30m; those never published don't match.
	Last string `json:"last,omitempty" pattern:"^[1-9][0-9]{0,5}[dhms]$"`
	// Changed within, published or not: 7d, 12h.
	Changed string `json:"changed,omitempty" pattern:"^[1-9][0-9]{0,5}[dhms]$"`
	// Then or later: 2026-01-31 or a time.
	FirstSeen When `json:"firstSeen,omitempty" time:"instant" maxLength:"40"`
	// Then or before.
	LastSeen When `json:"lastSeen,omitempty" time:"instant" maxLength:"40"`
	// Leave out what is on a warninglist.
	DropListed          bool `json:"dropListed,omitempty"`
	IncludeCorrelations bool `json:"includeCorrelations,omitempty"`                           // with what each correlates with
	IncludeSightings    bool `json:"includeSightings,omitempty"`                              // with the sightings of each
	IncludeDecay        bool `json:"includeDecay,omitempty"`                                  // with the score of each decaying model
	IncludeWarnings     bool `json:"includeWarnings,omitempty"`                               // with the warninglists that each is on
	Page                int  `json:"page,omitempty" minimum:"1" maximum:"100000" default:"1"` // which page, from 1
	Limit               int  `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"`  // how many to return at most
}

var (
	typeRegexp     = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9 |/_-]*$`)
	categoryRegexp = lazyregexp.New(`^[A-Za-z][A-Za-z -]*$`)
)

// Validate refuses a search that MISP would answer with everything it has, or
// silently with nothing.
func (in SearchAttributesInput) Validate() error {
	if in.Type != "" && len(in.Types) > 0 {
		return invalid("types: give type or types, not both")
	}
	for _, f := range []struct {
		name  string
		value When
	}{{"firstSeen", in.FirstSeen}, {"lastSeen", in.LastSeen}} {
		if _, err := seen(f.name, f.value); err != nil {
			return err
		}
	}
	if in.EventID != "" {
		if err := in.EventID.check(); err != nil {
			return err
		}
	}
	if in.Value != "" {
		if err := checkFilter("value", in.Value); err != nil {
			return err
		}
	}
	if in.Org != "" {
		if err := checkWhole("org", in.Org); err != nil {
			return err
		}
	}
	if in.Networks {
		if _, _, ok := network(in.Value); !ok {
			return invalid("networks: value %q is neither an address nor a network", clip.Text(in.Value, 60))
		}
	}
	tags := tagQueryOf(in.Tags, in.AllTags)
	if err := tags.check(); err != nil {
		return err
	}
	if in.Value == "" && in.Type == "" && len(in.Types) == 0 && in.Category == "" && !tags.names() && in.EventID == "" && in.Org == "" && in.ToIDs == nil &&
		in.Published == nil && in.Last == "" && in.Changed == "" && in.FirstSeen == "" && in.LastSeen == "" {
		return invalid("give at least one of value, type, types, category, tags, allTags, eventId, org, toIds, published, last, changed, firstSeen, lastSeen: without a filter the answer would be everything")
	}
	return nil
}

// When is a moment as an input takes it: a day such as 2026-01-31, or a time such
// as 2026-01-31T10:00:00Z; what has no zone is UTC. [At] makes one of a [time.Time].
type When string

// At returns the moment t.
func At(t time.Time) When { return When(t.UTC().Format(time.RFC3339)) }

// seen reads a moment as MISP takes it.
func seen(name string, w When) (string, error) {
	s := strings.TrimSpace(string(w))
	if s == "" {
		return "", nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format("2006-01-02T15:04:05Z"), nil
		}
	}
	return "", invalid("%s: %q: want a day such as 2026-01-31, or a time such as 2026-01-31T10:00:00Z", name, clip.Text(s, 60))
}

const maxLimit = 500

// checkFilter refuses what MISP would take for no filter at all.
func checkFilter(name, v string) error {
	switch {
	case strings.Trim(v, "% \t\r\n") == "":
		return invalid("%s: %q would match everything", name, clip.Text(v, 60))
	case strings.HasPrefix(strings.TrimSpace(v), "!"):
		return invalid("%s: %q: a leading ! would match everything", name, clip.Text(v, 60))
	case strings.TrimSpace(v) == "0":
		return invalid("%s: MISP takes a lone 0 for no filter, which would match everything", name)
	}
	return nil
}

// checkWhole is checkFilter for a filter that MISP takes as one text only, in
// which it looks for operators.
func checkWhole(name, v string) error {
	if strings.Contains(v, "&&") || strings.Contains(v, "||") {
		return invalid("%s: %q: MISP would split it at && and ||, and could match everything; put a %% in their place", name, clip.Text(v, 60))
	}
	return checkFilter(name, v)
}

// An AttributePage is one page of attributes.
type AttributePage struct {
	Attributes []*Attribute `json:"attributes"` // the attributes
	// How many match in all. Absent when that isn't known: MISP doesn't count.
	Total *int `json:"total,omitempty"`
	Page  int  `json:"page"`  // which page this is, from 1
	Limit int  `json:"limit"` // how many were asked for
	// Whether the page is full, so that there may be more on the next one.
	More bool `json:"more"`
	// The values that MISP was asked for, if not just the one given.
	Searched []string `json:"searched,omitempty" untrusted:"true"`
	Note     string   `json:"note,omitempty" untrusted:"true"` // what to know about the answer

	high, low int64 // the highest and the lowest id of what MISP sent
	part      int   // how many were asked for at once: Limit, unless the answer was too large
}

// SearchAttributes returns one page of attributes, newest first, those in
// objects included. [Client.Attributes] walks all of them.
//
// A value is looked for in every form in which MISP may keep it, a tag with its
// case. When nothing is found, Note says which of the tags and which
// organisation the server doesn't have.
//
// MISP: POST /attributes/restSearch
func (c *Client) SearchAttributes(ctx context.Context, in SearchAttributesInput) (*AttributePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.attributes(ctx, in)
}

// attributes is SearchAttributes of an input that was checked, with a limit of any size.
func (c *Client) attributes(ctx context.Context, in SearchAttributesInput) (*AttributePage, error) {
	tags := tagQueryOf(in.Tags, in.AllTags)
	q := wire.AttributeSearch{
		Type: anyOf(append([]string{in.Type}, in.Types...)...), Category: in.Category, Tags: tags.wire(), Org: in.Org,
		ToIDs: flag(in.ToIDs), Published: flag(in.Published), Last: in.Last, AttributeTimestamp: in.Changed, EnforceWarninglist: number(in.DropListed),
		IncludeCorrelations: number(in.IncludeCorrelations), IncludeSightings: number(in.IncludeSightings), IncludeDecayScore: in.IncludeDecay,
		IncludeWarninglistHits: number(in.IncludeWarnings), Page: in.Page, Limit: in.Limit,
	}
	q.FirstSeen, _ = seen("firstSeen", in.FirstSeen) // Validate has read it
	q.LastSeen, _ = seen("lastSeen", in.LastSeen)
	inEvent(&q, in.EventID)
	var keep func(*Attribute) bool
	var notes []string
	if in.Value != "" {
		q.Value, keep, notes = asked(in.Value, in.Networks)
	}
	p, err := c.listAttributes(ctx, q)
	if err != nil {
		return nil, err
	}
	p.Attributes = slices.DeleteFunc(p.Attributes, func(a *Attribute) bool { return a == nil }) // a null is no row
	if keep != nil {
		p.Attributes = slices.DeleteFunc(p.Attributes, func(a *Attribute) bool { return !keep(a) })
		if p.Total = nil; !p.More && in.Page == 1 {
			n := len(p.Attributes)
			p.Total = &n
		}
	}
	if len(q.Value) > 1 || len(q.Value) == 1 && q.Value[0] != strings.TrimSpace(in.Value) {
		p.Searched = q.Value
	}
	found := len(p.Attributes) > 0 || in.Page > 1
	notes = append(notes, tags.explain(ctx, c, found)...)
	types := append([]string{in.Type}, in.Types...)
	if !found {
		notes = append(notes, c.explainEvent(ctx, in.EventID)...)
		notes = append(notes, c.explainOrg(ctx, in.Org)...)
	} else { // of several one may still be wrong
		types = slices.DeleteFunc(types, func(t string) bool {
			return in.Type != "" || in.Page > 1 || slices.ContainsFunc(p.Attributes, func(a *Attribute) bool { return strings.EqualFold(a.Type, t) })
		})
	}
	if !found || len(types) > 0 {
		notes = append(notes, c.explainTypes(ctx, types, in.Category)...)
	}
	if in.DropListed {
		notes = append(notes, "what is on a warninglist was left out after MISP had cut the page: go on while more is true")
	}
	p.Note = strings.Join(notes, "; ")
	return p, nil
}

// maxWalked is how many attributes a walk reads at once at most.
const maxWalked = 4000

// Attributes returns an iterator over every attribute that in matches, the newest first,
// from in.Page on, a page at a time; each is yielded once, whoever adds or deletes some
// meanwhile. Without in.Limit it reads 500 at once, and more the further it goes: up to
// 4000, since MISP reads what it skips.
func (c *Client) Attributes(ctx context.Context, in SearchAttributesInput) iter.Seq2[*Attribute, error] {
	most := cmp.Or(in.Limit, maxWalked)
	if err := input.PrepareWalk(&in, &in.Limit, maxLimit, ErrInvalid); err != nil {
		return paging.Failed[*Attribute](err)
	}
	in.Tags, in.AllTags, in.Types = slices.Clone(in.Tags), slices.Clone(in.AllTags), slices.Clone(in.Types)
	return paging.ByNumber(ctx, in.Page, in.Limit, most, func(a *Attribute) int64 { return idNumber(a.ID) }, func(ctx context.Context, page, limit int) (paging.NumberedPage[*Attribute], error) {
		next := in
		next.Page, next.Limit = page, limit
		p, err := c.attributes(ctx, next)
		if err != nil {
			return paging.NumberedPage[*Attribute]{}, err
		}
		return paging.NumberedPage[*Attribute]{Items: p.Attributes, High: p.high, Low: p.low, More: p.More, Room: p.part, Gaps: in.DropListed}, nil
	})
}

// searchAttributes is listAttributes for who decides by what there is: all of it must be
// readable.
func (c *Client) searchAttributes(ctx context.Context, q wire.AttributeSearch) (*AttributePage, error) {
	p, err := c.listAttributes(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, a := range p.Attributes {
		if a != nil && a.Unread != "" {
			return nil, unreadable("attribute", a.ID, a.Unread)
		}
	}
	return p, nil
}

// unreadable is the error of a thing that can't be read, but for a list.
func unreadable(what string, id ID, why string) error {
	return fmt.Errorf("misp: %s %s cannot be read: %s", what, id, why)
}

// listAttributes sends q, whose filters are known to filter.
func (c *Client) listAttributes(ctx context.Context, q wire.AttributeSearch) (*AttributePage, error) {
	q.ReturnFormat, q.Order = wire.AttributeSearchReturnFormatJSON, "Attribute.id DESC"
	type answer struct {
		Response struct {
			Attributes List[*Attribute] `json:"Attribute"`
		} `json:"response"`
	}
	p := &AttributePage{Page: q.Page, Limit: q.Limit}
	var err error
	p.Attributes, p.More, err = paging.InParts(q.Page, q.Limit, func(page, limit int) ([]*Attribute, bool, error) {
		q.Page, q.Limit, p.part = page, limit, limit
		var res *httpx.Response
		a, err := httpx.Listed(ctx, "response.Attribute", func(a *answer) *[]*Attribute { return (*[]*Attribute)(&a.Response.Attributes) }, nil,
			func(ctx context.Context) (_ *httpx.Response, err error) {
				res, err = c.has("response")(c.wire.SearchAttributes(ctx, q))
				return res, err
			})
		if err != nil {
			return nil, false, err
		}
		more := len(a.Response.Attributes) >= limit
		if n, err := strconv.Atoi(res.Header.Get("X-Result-Count")); err == nil && q.EnforceWarninglist == 1 {
			more = n > limit // rows were left out after it was counted
		}
		return a.Response.Attributes, more, nil
	})
	if err != nil {
		return nil, err
	}
	for _, a := range p.Attributes {
		if a != nil {
			n := idNumber(a.ID)
			p.high, p.low = max(p.high, n), cmp.Or(min(p.low, n), n)
		}
	}
	// X-Result-Count is the number of rows here, one more when the page is full.
	if n := len(p.Attributes); p.Page == 1 && !p.More {
		p.Total = &n
	}
	return p, nil
}

// inEvent narrows q down to one event, if ref names one.
func inEvent(q *wire.AttributeSearch, ref EventRef) {
	switch id := ref.path(); {
	case numberRegexp.MatchString(id):
		q.EventID = id
	case id != "":
		q.UUID = id
	}
}

// anyOf is the filter that matches any of values, or none at all. In a list
// MISP looks for no operators but a leading !, which checkFilter refuses.
func anyOf(values ...string) wire.AnyOf {
	var list []string
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			list = append(list, v)
		}
	}
	return list
}

// flag is f as MISP's searches want it: they ignore false.
func flag(f *bool) *int {
	if f == nil {
		return nil
	}
	n := number(*f)
	return &n
}

func number(f bool) int {
	if f {
		return 1
	}
	return 0
}
