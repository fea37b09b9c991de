package misp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// An ObjectTemplate says which attributes an object of its kind can have.
type ObjectTemplate struct {
	ID           ID     `json:"id"`                    // its id
	UUID         string `json:"uuid"`                  // its UUID
	Name         string `json:"name"`                  // its name
	MetaCategory string `json:"meta-category"`         // the group of templates it belongs to
	Description  string `json:"description,omitempty"` // what it is, in words of the platform
	Version      Int    `json:"version"`               // its version
	// required: all of these relations; requiredOneOf: one of these.
	Requirements Map[List[string]] `json:"requirements,omitempty"`
	Active       *Bool             `json:"active,omitempty"` // whether it is in use
	// The relations an object can have.
	Elements []*TemplateElement `json:"elements,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A TemplateElement is an attribute that an object can have.
type TemplateElement struct {
	Relation string `json:"object_relation"` // its name in the object
	// The attribute type.
	Type        string       `json:"type"`
	Description string       `json:"description,omitempty"` // what it is, in words of the platform
	Categories  List[string] `json:"categories,omitempty"`  // the categories it may have
	// Suggested values.
	Defaults List[string] `json:"sane_default,omitempty"`
	// The values there are to choose from.
	Values List[string] `json:"values_list,omitempty"`
	// Whether an object can have several.
	Multiple Bool `json:"multiple,omitempty"`
	// Whether MISP isn't to correlate it: a file's name, or free text.
	DisableCorrelation Bool `json:"disable_correlation,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// ListObjectTemplatesInput is the input of [Client.ListObjectTemplates].
type ListObjectTemplatesInput struct {
	// In name or description.
	Search string `json:"search,omitempty" maxLength:"255"`
	Paging
}

// A TemplatePage is one page of object templates.
type TemplatePage struct {
	// The templates, by name.
	Templates []*TemplateHead `json:"templates"`
	// How many match in all.
	Total int  `json:"total"`
	Page  int  `json:"page"` // which page this is, from 1
	More  bool `json:"more"` // whether there are more behind these
}

// A TemplateHead is an object template without its elements.
type TemplateHead struct {
	ID           ID     `json:"id"`                    // its id
	UUID         string `json:"uuid"`                  // its UUID
	Name         string `json:"name"`                  // its name
	MetaCategory string `json:"metaCategory"`          // the group of templates it belongs to
	Description  string `json:"description,omitempty"` // what it is, in words of the platform
	Version      Int    `json:"version"`               // its version
}

// ListObjectTemplates returns one page of the object templates, by name.
//
// MISP: GET /objectTemplates
func (c *Client) ListObjectTemplates(ctx context.Context, in ListObjectTemplatesInput) (*TemplatePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listObjectTemplates(ctx, in)
}

// ObjectTemplates returns an iterator over every object template that in matches, by name, from in.Page
// on, as they were when it began: MISP gives all in one answer.
func (c *Client) ObjectTemplates(ctx context.Context, in ListObjectTemplatesInput) iter.Seq2[*TemplateHead, error] {
	return walkWhole(ctx, in, c.listObjectTemplates, func(p *TemplatePage) []*TemplateHead { return p.Templates }, func(t *TemplateHead) ID { return t.ID })
}

func (c *Client) listObjectTemplates(ctx context.Context, in ListObjectTemplatesInput) (*TemplatePage, error) {
	list, err := c.templates(ctx)
	if err != nil {
		return nil, err
	}
	var heads []*TemplateHead
	for _, t := range list {
		if mentions(in.Search, t.Name, t.Description) {
			heads = append(heads, &TemplateHead{ID: t.ID, UUID: t.UUID, Name: t.Name, MetaCategory: t.MetaCategory, Description: t.Description, Version: t.Version})
		}
	}
	slices.SortStableFunc(heads, func(a, b *TemplateHead) int { return strings.Compare(a.Name, b.Name) })
	out := &TemplatePage{Total: len(heads), Page: in.Page}
	out.Templates, out.More = cut(in.Paging, heads)
	return out, nil
}

func (c *Client) templates(ctx context.Context) ([]*ObjectTemplate, error) {
	res, err := c.wire.ListObjectTemplates(ctx)
	return rows[ObjectTemplate](c, "ObjectTemplate", res, err)
}

// GetObjectTemplateInput is the input of [Client.GetObjectTemplate].
type GetObjectTemplateInput struct {
	TemplateID Ref `json:"templateId" alias:"id,uuid"` // the template, by its id or UUID
}

// Validate refuses what isn't the name of a template.
func (in GetObjectTemplateInput) Validate() error { return in.TemplateID.check("templateId") }

// GetObjectTemplate returns an object template with its elements.
//
// MISP: GET /objectTemplates/view/{templateId}
func (c *Client) GetObjectTemplate(ctx context.Context, in GetObjectTemplateInput) (*ObjectTemplate, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	type answer struct {
		Template *ObjectTemplate        `json:"ObjectTemplate"`
		Elements List[*TemplateElement] `json:"ObjectTemplateElement"`
	}
	a, err := httpx.JSON[answer](c.has("ObjectTemplate")(c.wire.GetObjectTemplate(ctx, in.TemplateID.path())))
	if err != nil {
		return nil, err
	}
	if t := a.Template; t == nil || !in.TemplateID.is(t.ID, t.UUID) {
		return nil, fmt.Errorf("misp: getObjectTemplate: asked for template %s and was given another", in.TemplateID)
	}
	a.Template.Elements = slices.DeleteFunc(a.Elements, func(e *TemplateElement) bool { return e == nil })
	return a.Template, nil
}

// template returns the template of that name with its elements.
func (c *Client) template(ctx context.Context, name string) (*ObjectTemplate, error) {
	list, err := c.templates(ctx)
	if err != nil {
		return nil, err
	}
	var found *ObjectTemplate
	var near []string
	for _, t := range list {
		switch {
		case t.Active != nil && !bool(*t.Active):
		case strings.EqualFold(t.Name, name) && (found == nil || t.Version > found.Version):
			found = t
		case mentions(name, t.Name) && len(near) < 10:
			near = append(near, t.Name)
		}
	}
	switch {
	case found != nil:
		return c.GetObjectTemplate(ctx, GetObjectTemplateInput{TemplateID: Ref(found.ID)})
	case len(near) > 0:
		return nil, invalid("templateName: there is no template %q; there are %s", clip.Text(name, 60), strings.Join(near, ", "))
	}
	return nil, invalid("templateName: there is no template %q; misp_list_object_templates has them", clip.Text(name, 60))
}

// A NewObjectAttribute is an attribute of a new object.
type NewObjectAttribute struct {
	// As the template names it.
	Relation string `json:"object_relation" minLength:"1" maxLength:"255"`
	// Default: as in the template.
	Type  string `json:"type,omitempty" maxLength:"100"`
	Value string `json:"value" minLength:"1" maxLength:"65535"` // its value
	// For detection. Default: as is usual for the type.
	ToIDs   *bool  `json:"to_ids,omitempty"`
	Comment string `json:"comment,omitempty" maxLength:"65535"` // a comment on it
}

// AddObjectInput is the input of [Client.AddObject].
type AddObjectInput struct {
	EventID EventRef `json:"eventId"` // the event
	// Such as file, domain-ip, email.
	TemplateName string               `json:"templateName" alias:"template" minLength:"1" maxLength:"255"`
	Attributes   []NewObjectAttribute `json:"attributes" minItems:"1" maxItems:"100"` // the attributes
	Comment      string               `json:"comment,omitempty" maxLength:"65535"`    // a comment on it
	// 0 own organisation, 1 this community, 2 connected, 3 all, 4 a sharing group, 5 as the event.
	Distribution *Distribution `json:"distribution,omitempty" minimum:"0" maximum:"5"`
	// For distribution 4.
	SharingGroupID NumericID `json:"sharingGroupId,omitempty"`
}

// Validate refuses what no template can take.
func (in AddObjectInput) Validate() error {
	if err := errors.Join(in.EventID.check(), checkText("templateName", in.TemplateName, 255), checkOwn("distribution", in.Distribution), checkGroup(in.Distribution, in.SharingGroupID)); err != nil {
		return err
	}
	for i, a := range in.Attributes {
		switch {
		case strings.TrimSpace(a.Relation) == "":
			return invalid("attributes[%d].object_relation: is blank", i)
		case strings.TrimSpace(a.Value) == "":
			return invalid("attributes[%d].value: is blank", i)
		case a.Type != "" && !typeRegexp.MatchString(a.Type):
			return invalid("attributes[%d].type: %q is not an attribute type", i, clip.Text(a.Type, 60))
		}
	}
	return nil
}

// AddedObject says what became of a new object.
type AddedObject struct {
	EventID ID      `json:"eventId"` // the event
	Object  *Object `json:"object"`  // the object
	// Whether the event had this very object before. It was left as it is.
	Existing bool `json:"existing,omitempty"`
	// The relations that MISP left out without a word.
	Dropped []string `json:"dropped,omitempty" untrusted:"true"`
}

// AddObject adds an object to an event by a template, against which it is
// checked first. Adding to a published event unpublishes it. An object that the
// event has already isn't added again.
//
// MISP: POST /events/restSearch, /attributes/restSearch, GET /attributes/describeTypes, /objects/view/{objectId}, /objectTemplates, /objectTemplates/view/{templateId}, POST /objects/add/{eventId}/{templateId}
func (c *Client) AddObject(ctx context.Context, in AddObjectInput) (*AddedObject, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := c.checkGroupGiven(ctx, in.Distribution, in.SharingGroupID); err != nil {
		return nil, err
	}
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return nil, err
	}
	t, err := c.template(ctx, in.TemplateName)
	if err != nil {
		return nil, err
	}
	body, err := in.object(e, t)
	if err != nil {
		return nil, err
	}
	if err := c.detect(ctx, body); err != nil {
		return nil, err
	}
	out := &AddedObject{EventID: e.ID}
	var taken bool
	if out.Object, taken, err = c.sameObject(ctx, e, body); err != nil {
		return nil, err
	}
	if out.Object != nil {
		out.Existing = true
		return out, nil
	}
	if taken { // by one that was deleted: MISP never frees a UUID
		body.UUID = ""
	}
	type answer struct {
		Object *Object `json:"Object"`
	}
	send := func() (*answer, error) {
		return httpx.JSON[answer](c.has("Object")(c.wire.AddObject(ctx, string(e.ID), string(t.ID), wire.ObjectBody{Object: *body})))
	}
	a, err := send()
	if errors.Is(err, ErrExists) && body.UUID != "" {
		body.UUID = ""
		a, err = send()
	}
	if errors.Is(err, gate.ErrOutcomeUnknown) {
		if o, _, gerr := c.sameObject(ctx, e, body); gerr == nil && o != nil {
			a, err = &answer{Object: o}, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if a.Object == nil || a.Object.ID == "" {
		return nil, fmt.Errorf("misp: addObject: the answer has no object; %w", gate.ErrOutcomeUnknown)
	}
	out.Object = a.Object
	left := map[string]int{}
	for _, x := range a.Object.Attributes {
		if x != nil {
			left[x.ObjectRelation]++
		}
	}
	for _, x := range body.Attributes {
		if left[x.ObjectRelation]--; left[x.ObjectRelation] < 0 {
			out.Dropped = append(out.Dropped, x.ObjectRelation)
		}
	}
	return out, nil
}

// object is in as t wants it, under UUIDs that follow from the event and what
// is in it.
func (in AddObjectInput) object(e *Event, t *ObjectTemplate) (*wire.NewObject, error) {
	o := &wire.NewObject{
		Name: t.Name, MetaCategory: t.MetaCategory, TemplateUUID: t.UUID, TemplateVersion: fmt.Sprint(int64(t.Version)),
		Comment: in.Comment, Distribution: int(Inherit),
	}
	if in.Distribution != nil {
		o.Distribution, o.SharingGroupID = int(*in.Distribution), string(in.SharingGroupID)
	}
	var content []string
	given := map[string]int{}
	for i, a := range in.Attributes {
		at := slices.IndexFunc(t.Elements, func(x *TemplateElement) bool { return x.Relation == a.Relation })
		if at < 0 {
			var names []string
			for _, x := range t.Elements {
				names = append(names, x.Relation)
			}
			return nil, invalid("attributes[%d].object_relation: the template %s has no %q; it has %s", i, t.Name, clip.Text(a.Relation, 60), clip.Text(strings.Join(names, ", "), 500))
		}
		x := t.Elements[at]
		if given[a.Relation]++; given[a.Relation] > 1 && !bool(x.Multiple) {
			return nil, invalid("attributes[%d].object_relation: the template %s takes one %s only", i, t.Name, a.Relation)
		}
		if a.Type != "" && a.Type != x.Type {
			return nil, invalid("attributes[%d].type: in the template %s a %s is of type %s, not %s", i, t.Name, a.Relation, x.Type, a.Type)
		}
		content = append(content, a.Relation+"\x00"+strings.TrimSpace(a.Value))
		o.Attributes = append(o.Attributes, wire.NewAttribute{
			Type: x.Type, Value: a.Value, ObjectRelation: a.Relation, ToIDs: a.ToIDs, Comment: a.Comment,
			DisableCorrelation: bool(x.DisableCorrelation), // MISP itself reads that of the template on its pages only
		})
	}
	for _, r := range t.Requirements["required"] {
		if given[r] == 0 {
			return nil, invalid("attributes: the template %s requires a %s", t.Name, r)
		}
	}
	if one := t.Requirements["requiredOneOf"]; len(one) > 0 && !slices.ContainsFunc(one, func(r string) bool { return given[r] > 0 }) {
		return nil, invalid("attributes: the template %s requires one of %s", t.Name, clip.Text(strings.Join(one, ", "), 500))
	}
	slices.Sort(content)
	var err error
	o.UUID, err = attributeUUID(e.UUID, "object "+t.UUID, strings.Join(content, "\x00"))
	return o, err
}

// detect says of each attribute of o whether it is for detection, as is usual for
// its type: MISP takes everything in an object for detection unless it is told.
func (c *Client) detect(ctx context.Context, o *wire.NewObject) error {
	if !slices.ContainsFunc(o.Attributes, func(a wire.NewAttribute) bool { return a.ToIDs == nil }) {
		return nil
	}
	return c.lookTypes(ctx, func(t *attributeTypes) error {
		for i := range o.Attributes {
			if a := &o.Attributes[i]; a.ToIDs == nil {
				ids := bool(t.Defaults[a.Type].ToIDs)
				a.ToIDs = &ids
			}
		}
		return nil
	})
}

// maxAlike bounds the objects that are compared with a new one.
const maxAlike = 20

// sameObject returns the object of e that o would repeat: of its UUID, or of its
// template and with the same values. taken says that one with its UUID was there
// and is deleted.
func (c *Client) sameObject(ctx context.Context, e *Event, o *wire.NewObject) (same *Object, taken bool, err error) {
	if o.UUID != "" {
		old, err := c.object(ctx, Ref(o.UUID))
		switch {
		case errors.Is(err, ErrNotFound):
		case err != nil:
			return nil, false, err
		case old.EventID == e.ID && !bool(old.Deleted):
			return old, false, nil
		default:
			taken = true
		}
	}
	var asks []string
	for _, a := range o.Attributes {
		for _, v := range find(a.Value).ask {
			if !slices.Contains(asks, v) {
				asks = append(asks, v)
			}
		}
	}
	p, err := c.searchAttributes(ctx, wire.AttributeSearch{EventID: string(e.ID), Value: asks, Page: 1, Limit: maxLimit})
	if err != nil {
		return nil, false, err
	}
	held := map[ID]int{} // how many of the values each object has
	for _, a := range p.Attributes {
		if a != nil && a.EventID == e.ID && idNumber(a.ObjectID) != 0 {
			held[a.ObjectID]++
		}
	}
	looked := 0
	for _, id := range slices.Sorted(maps.Keys(held)) {
		if held[id] < len(o.Attributes) {
			continue
		}
		if looked++; looked > maxAlike {
			break
		}
		old, err := c.object(ctx, Ref(id))
		if err != nil {
			return nil, false, err
		}
		if old.repeats(o) {
			return old, false, nil
		}
	}
	return nil, taken, nil
}

// repeats reports whether old is what o would be.
func (old *Object) repeats(o *wire.NewObject) bool {
	if bool(old.Deleted) || old.Name != o.Name || len(old.Attributes) != len(o.Attributes) {
		return false
	}
	return !slices.ContainsFunc(o.Attributes, func(a wire.NewAttribute) bool {
		same := spellings(a.Value)
		return !slices.ContainsFunc(old.Attributes, func(b *Attribute) bool {
			return b != nil && b.ObjectRelation == a.ObjectRelation && slices.ContainsFunc(same, func(v string) bool { return strings.EqualFold(b.Value, v) })
		})
	})
}

func (c *Client) planAddObject(ctx context.Context, in AddObjectInput) (gate.Plan, error) {
	if err := c.checkGroupGiven(ctx, in.Distribution, in.SharingGroupID); err != nil {
		return gate.Plan{}, err
	}
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, e, mayAdd); err != nil {
		return gate.Plan{}, err
	}
	t, err := c.template(ctx, in.TemplateName)
	if err != nil {
		return gate.Plan{}, err
	}
	body, err := in.object(e, t)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.detect(ctx, body); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Add an object to an event in MISP.",
		Targets: []gate.Target{e.target()},
		Changes: []gate.Change{gate.Set("object", fmt.Sprintf("%s (template version %s), distribution %s", t.Name, body.TemplateVersion, Distribution(body.Distribution)))},
		Undo:    "Delete the object from the event (misp_delete_object).",
	}
	if in.Comment != "" {
		p.Changes = append(p.Changes, gate.Set("comment", in.Comment))
	}
	var sent []*Attribute
	for i, a := range in.Attributes {
		typ := body.Attributes[i].Type
		p.Changes = append(p.Changes, gate.Set(a.Relation, NewAttribute{Type: typ, Value: a.Value, ToIDs: body.Attributes[i].ToIDs, Comment: a.Comment}.describe()))
		sent = append(sent, &Attribute{Type: typ, Value: strings.TrimSpace(a.Value)})
		x := t.Elements[slices.IndexFunc(t.Elements, func(x *TemplateElement) bool { return x.Relation == a.Relation })]
		if len(x.Values) > 0 && !slices.Contains(x.Values, a.Value) {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s is not among the values that the template has for %s", clip.Text(a.Value, 80), a.Relation))
		}
	}
	old, taken, err := c.sameObject(ctx, e, body)
	switch {
	case err != nil:
		return gate.Plan{}, err
	case old != nil:
		p.Warnings = append(p.Warnings, fmt.Sprintf("the event has this object already, as object %s: it is left as it is", old.ID))
	case taken:
		p.Warnings = append(p.Warnings, "this object was in the event and was deleted: MISP keeps its UUID, so that the new one gets another")
	}
	if in.SharingGroupID != "" {
		if err := c.toGroup(ctx, in.SharingGroupID, &p); err != nil {
			return gate.Plan{}, err
		}
	}
	p.Warnings = append(p.Warnings, wider("the object", e.Distribution, in.Distribution)...)
	e.unpublishes(&p)
	return p, c.warn(ctx, &p, indicators(sent...)...)
}

// DeleteObjectInput is the input of [Client.DeleteObject].
type DeleteObjectInput struct {
	ObjectID Ref `json:"objectId" alias:"id"` // the object, by its id or UUID
	HardDeletion
}

// Validate refuses what isn't the name of an object.
func (in DeleteObjectInput) Validate() error { return in.ObjectID.check("objectId") }

// DeleteObject deletes an object with its attributes: so that it can be
// restored, or for good. Either unpublishes the event.
//
// MISP: GET /objects/view/{objectId} for a UUID, POST /objects/delete/{objectId}, with /1 for good
func (c *Client) DeleteObject(ctx context.Context, in DeleteObjectInput) (*Deletion, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id := in.ObjectID.path()
	if !numberRegexp.MatchString(id) { // deletions are by id
		o, err := c.object(ctx, in.ObjectID)
		if err != nil {
			return nil, err
		}
		id = string(o.ID)
	}
	send := c.wire.DeleteObject
	if in.Hard {
		send = c.wire.HardDeleteObject
	}
	d, err := httpx.JSON[done](c.has("saved")(send(ctx, id)))
	if err != nil {
		return nil, err
	}
	return &Deletion{ID: ID(id), Deleted: true, Hard: in.Hard, Message: d.Message}, nil
}

// object returns one object with its attributes.
func (c *Client) object(ctx context.Context, ref Ref) (*Object, error) {
	type answer struct {
		Object *Object `json:"Object"`
	}
	a, err := httpx.JSON[answer](c.has("Object")(c.wire.GetObject(ctx, ref.path())))
	if err != nil {
		return nil, err
	}
	if a.Object == nil || !ref.is(a.Object.ID, a.Object.UUID) {
		return nil, fmt.Errorf("misp: getObject: asked for object %s and was given another", ref)
	}
	return a.Object, nil
}

func (c *Client) planDeleteObject(ctx context.Context, in DeleteObjectInput) (gate.Plan, error) {
	o, err := c.object(ctx, in.ObjectID)
	if err != nil {
		return gate.Plan{}, err
	}
	e, err := c.summary(ctx, EventRef(o.EventID))
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, e, mayModify); err != nil {
		return gate.Plan{}, err
	}
	var values []string
	for _, x := range o.Attributes {
		if x != nil {
			values = append(values, x.ObjectRelation+" "+x.Value)
		}
	}
	p := gate.Plan{
		Summary: "Delete an object in MISP, with its attributes; it can be restored.",
		Targets: []gate.Target{{Kind: "object", ID: string(o.ID), Name: o.Name, Version: fmt.Sprintf("changed %d", jsoncodec.Unix(o.Timestamp))}, e.target()},
		Changes: []gate.Change{gate.Changed("content", strings.Join(values, ", "), "nothing")},
		Undo:    "Add the object again (misp_add_object): it gets another UUID.",
	}
	if in.Hard {
		p.Summary, p.Undo = "Delete an object in MISP for good, with its attributes.", ""
	}
	if bool(o.Deleted) {
		p.Warnings = append(p.Warnings, "the object was deleted before, so that it could be restored")
	}
	e.unpublishes(&p)
	return p, nil
}
