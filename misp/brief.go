package misp

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
)

// briefly makes of a method one that answers in brief: without the members that
// this version doesn't know, and of galaxies the names only. They hold up to
// 50 kB each, for a reader who asked for a value.
func briefly[In any, Out interface{ brief() }](fn func(context.Context, In) (Out, error)) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		out, err := fn(ctx, in)
		if err == nil {
			out.brief()
		}
		return out, err
	}
}

// fitting is how many rows of a list fit an answer of the default size.
const fitting = 50

// Bound asks for as many rows as fit an answer of the default size.
func (p *Paging) Bound() { p.Limit = least(p.Limit, fitting) }

// least returns how many rows are asked for, of at most so many.
func least(limit, most int) int {
	if limit == 0 {
		return most
	}
	return min(limit, most)
}

// Bound asks for fewer attributes, the more is said of each.
func (in *SearchAttributesInput) Bound() {
	most := fitting
	switch {
	case in.IncludeCorrelations:
		most = 6
	case in.IncludeSightings, in.IncludeDecay, in.IncludeWarnings:
		most = 25
	}
	if in.Limit == 0 {
		in.Limit = most
	}
	in.Limit = min(in.Limit, most)
}

// shown are how many attributes of an export fit an answer of the default size.
var shown = map[ExportFormat]int{CSV: 100, JSONExport: 25, STIX: 15, STIX2: 15, Suricata: 50, Snort: 50, YARA: 10}

func (in *ExportIOCsInput) Bound() {
	if in.SaveAs != "" {
		return
	}
	most, ok := shown[in.Format]
	if !ok {
		most = 250
	}
	if in.Limit == 0 {
		in.Limit = most
	}
	in.Limit = min(in.Limit, most)
}

func (in *ExportHashesInput) Bound() {
	const most = 300
	if in.Limit == 0 {
		in.Limit = most
	}
	in.Limit = min(in.Limit, most)
}

// fit shortens the texts of rows that are too long for all of them to fit, and
// says so in note.
func fit(note *string, rows int, texts func(yield func(*string) bool)) {
	for _, most := range []int{2000, 500, 200, 100} {
		total := rows * rowSize
		for s := range texts {
			total += len(*s)
		}
		if total <= roomForRows {
			return
		}
		if !strings.HasSuffix(*note, shortened) {
			*note = strings.TrimPrefix(*note+"; "+shortened, "; ")
		}
		for s := range texts {
			*s = clip.Text(*s, most)
		}
	}
}

const shortened = "long texts are shortened, which … marks: ask for fewer rows with limit"

const (
	rowSize     = 250   // bytes of a row beside its texts
	roomForRows = 22000 // bytes of an answer of the default size
)

func (p *FoundEvents) brief() {
	each(p.Events)
	fit(&p.Note, len(p.Events), func(yield func(*string) bool) {
		for _, e := range p.Events {
			if e != nil && !yield(&e.Info) {
				return
			}
		}
	})
}

func (p *AttributePage) brief() {
	each(p.Attributes)
	fit(&p.Note, len(p.Attributes), texts(p.Attributes))
}

// texts are those of attributes that can be of any length, the values last.
func texts(list []*Attribute) func(yield func(*string) bool) {
	return func(yield func(*string) bool) {
		for _, a := range list {
			if a == nil {
				continue
			}
			if a.Event != nil && !yield(&a.Event.Info) || !yield(&a.Comment) || !yield(&a.Value) {
				return
			}
		}
	}
}

func (e *ShownEvent) brief() {
	(*Event)(&e.plainEvent).brief()
	all := slices.Clone(e.Attributes)
	for _, o := range e.Objects {
		if o != nil {
			all = append(all, o.Attributes...)
		}
	}
	fit(&e.Note, len(all)+len(e.Objects)+len(e.Correlated), texts(all))
}

func (t *WithTag) brief() {
	(&FoundEvents{Events: t.Events}).brief()
	page := &AttributePage{Attributes: t.Attributes, Note: t.Note}
	page.brief()
	t.Note = page.Note
}

func (c *Correlation) brief() {
	for _, e := range c.Events {
		e.Event.brief()
		each(e.Attributes)
		for _, a := range e.Attributes {
			a.EventID, a.UUID = "", "" // one is the event's, and its id names it
		}
	}
	each(c.Related)
}

func (r *RelatedEvents) brief() {
	for _, e := range r.Events {
		e.Event.brief()
	}
}

// brief leaves out who made an event that is new: the key's own organisation, whose name
// isn't a text of others.
func (e *CreatedEvent) brief() {
	e.Event.brief()
	if !e.Existing {
		e.Event.Orgc = nil
	}
}

// brief leaves out MISP's sentence on what the status says.
func (t *TaggedEvent) brief() {
	if t.Status != TagRefused {
		t.Message = ""
	}
}

func (o *AddedObject) brief() { each([]*Object{o.Object}) }

// InBrief leaves out of rows the members that this version doesn't know, and of
// galaxies all but names, for an answer that a model reads.
func InBrief[T interface {
	comparable
	brief()
}](list []T) []T {
	each(list)
	return list
}

func each[T interface {
	comparable
	brief()
}](list []T) {
	var none T
	for _, x := range list {
		if x != none {
			x.brief()
		}
	}
}

func (e *EventSummary) brief() {
	e.Galaxies = clusterNames(e.Galaxies, e.Tags)
	e.Extra = nil
	each(e.Tags)
	if e.Orgc != nil {
		e.Orgc.brief()
	}
}

func (e *Event) brief() {
	e.Galaxies = clusterNames(e.Galaxies, e.Tags)
	e.Extra = nil
	e.SharingGroupID = given(e.SharingGroupID)
	each(e.Tags)
	each(e.Attributes)
	each(e.Objects)
	for _, r := range e.Correlated {
		if r != nil {
			r.Extra = nil
			r.Event.brief()
			r.Event.UUID, r.Event.Analysis, r.Event.Distribution = "", nil, nil
		}
	}
	e.OrgID, e.OrgcID = unsaid(e.OrgID, e.Org), unsaid(e.OrgcID, e.Orgc)
	for _, o := range []*Organisation{e.Org, e.Orgc} {
		if o != nil {
			o.brief()
		}
	}
}

func (a *Attribute) brief() {
	a.Galaxies = clusterNames(a.Galaxies, a.Tags)
	a.Extra = nil
	a.SharingGroupID, a.ObjectID = given(a.SharingGroupID), given(a.ObjectID)
	each(a.Tags)
	each(a.Related)
	for _, w := range a.Warnings {
		if w != nil {
			w.Extra = nil
		}
	}
	for _, s := range a.Sightings {
		if s != nil {
			s.Extra = nil
			if s.Organisation != nil {
				s.Organisation.brief()
			}
		}
	}
	if a.Event != nil {
		a.Event.Extra, a.Event.UUID = nil, ""
	}
	if o := a.Object; o != nil {
		o.Extra, o.SharingGroupID = nil, given(o.SharingGroupID)
		if o.ID == a.ObjectID && o.Distribution == Inherit && o.SharingGroupID == "" {
			a.Object = nil // ObjectID says as much
		}
	}
}

func (a *RelatedAttribute) brief() {
	a.Extra, a.UUID, a.Category, a.ToIDs = nil, "", "", nil
	if a.Event != nil {
		a.Event.Extra, a.Event.UUID = nil, ""
	}
}

func (o *Object) brief() {
	o.Extra = nil
	o.SharingGroupID = given(o.SharingGroupID)
	o.Description, o.TemplateUUID = "", ""
	each(o.Attributes)
}

func (o *Organisation) brief() { o.Extra, o.UUID = nil, "" }

func (t *Tag) brief() { t.Extra = nil }

// given is an id without the 0 that MISP writes for none.
func given(id ID) ID {
	if id == "0" {
		return ""
	}
	return id
}

// unsaid is an id of an organisation that isn't told beside it.
func unsaid(id ID, o *Organisation) ID {
	if o != nil && o.ID == id {
		return ""
	}
	return id
}

// clusterNames leaves of galaxies the names and ids of their clusters, and none
// of those that a tag names anyway.
func clusterNames(galaxies []json.RawMessage, tags []*Tag) []json.RawMessage {
	type cluster struct {
		ID    ID     `json:"id,omitempty"`
		Value string `json:"value"`
		Tag   string `json:"tag_name,omitempty"`
	}
	type galaxy struct {
		Name     string         `json:"name"`
		Type     string         `json:"type"`
		Clusters List[*cluster] `json:"GalaxyCluster"`
	}
	var list []json.RawMessage
	for _, raw := range galaxies {
		var g galaxy
		if json.Unmarshal(raw, &g) != nil {
			continue
		}
		g.Clusters = slices.DeleteFunc(g.Clusters, func(c *cluster) bool {
			return c == nil || c.Tag != "" && slices.ContainsFunc(tags, func(t *Tag) bool { return t != nil && t.Name == c.Tag })
		})
		if len(g.Clusters) == 0 {
			continue
		}
		if b, err := json.Marshal(g); err == nil {
			list = append(list, b)
		}
	}
	return list
}
