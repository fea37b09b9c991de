package misp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/spelling"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A NewAttribute is a value to add to an event.
type NewAttribute struct {
	// Such as ip-src, domain, sha256.
	Type  string `json:"type" pattern:"^[A-Za-z0-9][A-Za-z0-9 |/_-]*$" maxLength:"100"`
	Value string `json:"value" minLength:"1" maxLength:"65535"` // its value
	// Such as Network activity. Default: the usual one of the type.
	Category string `json:"category,omitempty" pattern:"^[A-Za-z][A-Za-z -]*$" maxLength:"100"`
	// For detection. Default: as is usual for the type.
	ToIDs   *bool  `json:"toIds,omitempty"`
	Comment string `json:"comment,omitempty" maxLength:"65535"` // a comment on it
}

// check refuses what MISP would refuse for its form.
func (a NewAttribute) check(name string) error {
	switch {
	case !typeRegexp.MatchString(a.Type):
		return invalid("%stype: %q is not an attribute type", name, clip.Text(a.Type, 60))
	case strings.TrimSpace(a.Value) == "":
		return invalid("%svalue: is blank", name)
	case a.Category != "" && !categoryRegexp.MatchString(a.Category):
		return invalid("%scategory: %q is not a category", name, clip.Text(a.Category, 60))
	}
	return nil
}

// wire is a as it is sent.
func (a NewAttribute) wire(event string) (wire.NewAttribute, error) {
	uuid, err := attributeUUID(event, a.Type, a.Value)
	return wire.NewAttribute{Type: a.Type, Value: a.Value, Category: a.Category, ToIDs: a.ToIDs, Comment: a.Comment, UUID: uuid}, err
}

// AddAttributesBulkInput is the input of [Client.AddAttributesBulk].
type AddAttributesBulkInput struct {
	EventID    EventRef       `json:"eventId"`                                // the event
	Attributes []NewAttribute `json:"attributes" minItems:"1" maxItems:"100"` // the attributes
}

const maxBulk = 100

// inBatch is how many values of many are added by one request: each costs MISP a hash of the
// key and a change of the event beside them.
const inBatch = 250

// Validate refuses what MISP would refuse for its form, and a value given twice.
func (in AddAttributesBulkInput) Validate() error {
	if err := in.EventID.check(); err != nil {
		return err
	}
	first := map[[3]string]int{}
	for i, a := range in.Attributes {
		key := [3]string{a.Type, a.Category, strings.ToLower(strings.TrimSpace(a.Value))}
		before, twice := first[key]
		if err := a.check(fmt.Sprintf("attributes[%d].", i)); err != nil {
			return err
		}
		if twice {
			return invalid("attributes[%d] is the same as attributes[%d]", i, before)
		}
		first[key] = i
	}
	return nil
}

// AddStatus says what became of one value.
type AddStatus string

// What can become of a value.
const (
	Added    AddStatus = "added"     // it is in the event now
	Existing AddStatus = "existing"  // it was in the event before, and was left as it is
	Refused  AddStatus = "refused"   // MISP didn't take it
	NotTried AddStatus = "not_tried" // the work stopped before it
)

// AddedAttributes says what became of each value.
type AddedAttributes struct {
	EventID   ID     `json:"eventId"`   // the event
	EventUUID string `json:"eventUuid"` // the event's UUID
	Total     int    `json:"total"`     // how many there are
	Added     int    `json:"added"`     // how many are new
	Existing  int    `json:"existing"`  // how many were there before
	// How many were refused or not tried.
	Failed int `json:"failed"`
	// What became of each value, in the order given.
	Results []*AddedAttribute `json:"results"`
	Note    string            `json:"note,omitempty" untrusted:"true"` // what to know about the answer
}

// An AddedAttribute says what became of one value.
type AddedAttribute struct {
	Type  string `json:"type"`                   // its type
	Value string `json:"value" untrusted:"true"` // its value
	// added, existing, refused or not_tried.
	Status AddStatus `json:"status"`
	ID     ID        `json:"id,omitempty"`   // its id
	UUID   string    `json:"uuid,omitempty"` // its UUID
	// The value as MISP keeps it, if that differs.
	Stored string `json:"stored,omitempty" untrusted:"true"`
	// Why it was refused.
	Error string `json:"error,omitempty" untrusted:"true"`

	err error
}

// AddAttributesBulk adds values to an event and says what became of each. It is
// an error only if nothing was added and nothing was there already. Adding to a
// published event unpublishes it.
//
// Each value has a UUID that follows from the event, the type and the value, so
// that a repeated call adds nothing twice. If the answer is lost and none of the
// values can be found in the event, the error is [gate.ErrOutcomeUnknown].
//
// MISP: POST /events/restSearch, /attributes/restSearch, POST /attributes/add/{eventId}
func (c *Client) AddAttributesBulk(ctx context.Context, in AddAttributesBulkInput) (*AddedAttributes, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	e, err := c.summary(ctx, in.EventID)
	if err == nil {
		err = c.repeated(ctx, e, in.Attributes...)
	}
	if err != nil {
		return nil, err
	}
	out := &AddedAttributes{EventID: e.ID, EventUUID: e.UUID, Total: len(in.Attributes)}
	var rest []NewAttribute
	var restAt []*AddedAttribute
	for _, a := range in.Attributes {
		r := &AddedAttribute{Type: a.Type, Value: a.Value, Status: NotTried}
		out.Results = append(out.Results, r)
		uuid, err := attributeUUID(e.UUID, a.Type, a.Value)
		if err != nil {
			return nil, err
		}
		if old := e.find(a, uuid); old != nil {
			r.from(old, Existing)
			continue
		}
		rest, restAt = append(rest, a), append(restAt, r)
	}
	var stopped error
	if len(rest) > 0 {
		stopped = c.addBatch(ctx, e.ID, e.UUID, rest, restAt)
	}
	errs := []error{stopped}
	for _, r := range out.Results {
		switch r.Status {
		case Added:
			out.Added++
		case Existing:
			out.Existing++
		default:
			out.Failed++
			if r.err != nil {
				errs = append(errs, fmt.Errorf("%s %s: %w", r.Type, clip.Text(r.Value, 80), r.err))
			}
		}
	}
	switch {
	case errors.Is(stopped, gate.ErrOutcomeUnknown):
		return nil, fmt.Errorf("misp: %d of %d attributes were added, then: %w", out.Added, out.Total, stopped)
	case out.Added+out.Existing == 0:
		return nil, fmt.Errorf("misp: none of %d attributes was added: %w", out.Total, errors.Join(errs...))
	case stopped != nil:
		out.Note = "stopped before the end: " + reason(stopped)
	}
	return out, nil
}

// AddAttributes adds any number of values to an event, up to 250 in a request,
// and yields what became of each in the order given. It holds one batch in
// memory. After an error, which it yields once, nothing more is sent; the values
// of the batch that failed come before it.
//
// MISP: POST /events/restSearch, POST /attributes/add/{eventId}
func (c *Client) AddAttributes(ctx context.Context, event EventRef, values iter.Seq[NewAttribute]) iter.Seq2[*AddedAttribute, error] {
	return func(yield func(*AddedAttribute, error) bool) {
		if err := event.check(); err != nil {
			yield(nil, err)
			return
		}
		e, err := c.summary(ctx, event)
		if err != nil {
			yield(nil, err)
			return
		}
		batch := make([]NewAttribute, 0, inBatch)
		flush := func() bool {
			results := make([]*AddedAttribute, len(batch))
			var good []NewAttribute
			var at []*AddedAttribute
			for i, a := range batch {
				results[i] = &AddedAttribute{Type: a.Type, Value: a.Value, Status: NotTried}
				if err := a.check(""); err != nil {
					results[i].refuse(err)
					continue
				}
				good, at = append(good, a), append(at, results[i])
			}
			batch = batch[:0]
			var err error
			if len(good) > 0 {
				err = c.addBatch(ctx, e.ID, e.UUID, good, at)
			}
			for _, r := range results {
				if !yield(r, nil) {
					return false
				}
			}
			if err != nil {
				yield(nil, err)
			}
			return err == nil
		}
		for a := range values {
			if batch = append(batch, a); len(batch) == inBatch && !flush() {
				return
			}
		}
		if len(batch) > 0 {
			flush()
		}
	}
}

// addBatch adds attrs to an event with one request and fills results. Values
// that MISP refuses are no error; one says that the rest wasn't done.
func (c *Client) addBatch(ctx context.Context, id ID, uuid string, attrs []NewAttribute, results []*AddedAttribute) error {
	bodies := make([]wire.NewAttribute, len(attrs))
	for i, a := range attrs {
		var err error
		if bodies[i], err = a.wire(uuid); err != nil {
			return err
		}
	}
	err := c.sendAttributes(ctx, id, bodies, results)
	if errors.Is(err, gate.ErrOutcomeUnknown) {
		return c.recover(ctx, id, bodies, results, err)
	}
	if err != nil {
		return err
	}
	return c.settle(ctx, id, bodies, results)
}

// sendAttributes sends bodies and fills results with what MISP says of each.
func (c *Client) sendAttributes(ctx context.Context, id ID, bodies []wire.NewAttribute, results []*AddedAttribute) error {
	type answer struct {
		Attribute List[*Attribute] `json:"Attribute"`
		Errors    json.RawMessage  `json:"errors"`
	}
	var body any = bodies
	if len(bodies) == 1 {
		body = bodies[0]
	}
	a, err := httpx.JSON[answer](c.has("Attribute")(c.wire.AddAttributes(ctx, string(id), body)))
	var refused *Error
	switch {
	case errors.As(err, &refused) && errors.Is(err, ErrInvalid) && refused.raw != nil:
		a = &answer{Errors: refused.raw}
	case err != nil:
		return err
	default:
		refused = &Error{Refusal: refusal("addAttributes", 200, "Could not add Attribute", nil)}
	}
	for i, fields := range byAttribute(a.Errors, len(bodies)) {
		if i < len(results) {
			e := &Error{Refusal: refusal(refused.Op, refused.Status, refused.Message, nil), Fields: fields}
			e.Kind = e.sort(true)
			results[i].refuse(e)
		}
	}
	for _, got := range a.Attribute {
		if got == nil || got.ID == "" {
			continue
		}
		if at := place(got, bodies, results); at >= 0 {
			results[at].from(got, Added)
		}
	}
	for _, r := range results {
		if r.Status == NotTried { // neither taken nor refused
			r.refuse(invalid("MISP dropped it without a word"))
		}
	}
	return nil
}

// place returns which of bodies became got: by its UUID, by its value, or the
// next one for which MISP chose the UUID. It is -1 if that isn't known.
func place(got *Attribute, bodies []wire.NewAttribute, results []*AddedAttribute) int {
	for _, same := range []func(wire.NewAttribute) bool{
		func(b wire.NewAttribute) bool { return b.UUID != "" && strings.EqualFold(b.UUID, got.UUID) },
		func(b wire.NewAttribute) bool {
			return b.Type == got.Type && strings.EqualFold(strings.TrimSpace(b.Value), got.Value)
		},
		func(b wire.NewAttribute) bool { return b.Type == got.Type && (b.UUID == "" || got.UUID == "") },
	} {
		for i, b := range bodies {
			if results[i].Status == NotTried && same(b) {
				return i
			}
		}
	}
	return -1
}

// byAttribute sorts MISP's errors by the index of the attribute they are about.
func byAttribute(raw json.RawMessage, n int) map[int][]FieldError {
	out := map[int][]FieldError{}
	var members map[string]json.RawMessage
	if len(raw) > 0 && string(raw) != "null" && json.Unmarshal(raw, &members) != nil {
		members = map[string]json.RawMessage{"": raw}
	}
	for k, v := range members {
		i := 0
		digits, indexed := strings.CutPrefix(k, "attribute_")
		if indexed {
			var err error
			if i, err = strconv.Atoi(digits); err != nil || i < 0 || i >= n {
				continue
			}
			k = ""
		} else if n > 1 {
			for i := range n { // of all of them
				var list []FieldError
				fieldErrors(k, v, 0, &list)
				out[i] = append(out[i], list...)
			}
			continue
		}
		list := out[i]
		fieldErrors(k, v, 0, &list)
		out[i] = list
	}
	return out
}

// settle finds what MISP refused because it is there already, and adds once more,
// under a UUID of MISP's choice, what it refused only for its UUID: another event
// or a deleted attribute has that.
func (c *Client) settle(ctx context.Context, id ID, bodies []wire.NewAttribute, results []*AddedAttribute) error {
	var uuids, values []string
	for i, r := range results {
		if errors.Is(r.err, ErrExists) {
			uuids = append(uuids, bodies[i].UUID)
			values = append(values, r.Value)
		}
	}
	if len(uuids) == 0 {
		return nil
	}
	old, err := c.stored(ctx, id, uuids, values)
	if err != nil {
		return err
	}
	e := &Event{Attributes: old}
	var again []wire.NewAttribute
	var at []*AddedAttribute
	for i, r := range results {
		if !errors.Is(r.err, ErrExists) {
			continue
		}
		b := bodies[i]
		found := e.find(NewAttribute{Type: b.Type, Value: b.Value, Category: b.Category}, b.UUID)
		switch {
		case found != nil:
			r.from(found, Existing)
		case !r.onlyUUID(): // in a form that MISP made of it
			r.Status, r.Error, r.err = Existing, "", nil
		default:
			b.UUID = ""
			r.Status, r.Error, r.err = NotTried, "", nil
			again, at = append(again, b), append(at, r)
		}
	}
	if len(again) == 0 {
		return nil
	}
	if err := c.sendAttributes(ctx, id, again, at); err != nil {
		return err
	}
	for _, r := range at {
		if errors.Is(r.err, ErrExists) {
			r.Status, r.Error, r.err = Existing, "", nil
		}
	}
	return nil
}

// stored returns the attributes of an event, outside of its objects, that have
// one of uuids or one of values, which are compared in every spelling.
func (c *Client) stored(ctx context.Context, id ID, uuids, values []string) ([]*Attribute, error) {
	var ask []string
	for _, v := range values {
		for _, x := range find(v).ask {
			if !slices.Contains(ask, x) {
				ask = append(ask, x)
			}
		}
	}
	var list []*Attribute
	for _, q := range []wire.AttributeSearch{{UUID: uuids}, {Value: ask}} {
		if q.Value == nil && len(uuids) == 0 || q.UUID == nil && len(ask) == 0 {
			continue
		}
		q.EventID, q.Page, q.Limit = string(id), 1, maxLimit
		p, err := c.searchAttributes(ctx, q)
		if err != nil {
			return nil, err
		}
		list = append(list, p.Attributes...)
	}
	return slices.DeleteFunc(list, func(a *Attribute) bool { return a == nil || a.EventID != id || idNumber(a.ObjectID) != 0 }), nil
}

// repeated puts into e, which is without what is in it, the attributes that
// adding attrs would repeat.
func (c *Client) repeated(ctx context.Context, e *Event, attrs ...NewAttribute) error {
	var uuids, values []string
	for _, a := range attrs {
		uuid, err := attributeUUID(e.UUID, a.Type, a.Value)
		if err != nil {
			return err
		}
		uuids, values = append(uuids, uuid), append(values, a.Value)
	}
	if len(attrs) == 0 {
		return nil
	}
	old, err := c.stored(ctx, e.ID, uuids, values)
	e.Attributes = old
	return err
}

// recover looks for attributes whose adding wasn't answered. If one is there
// MISP has worked on all of them, and what isn't there was refused.
func (c *Client) recover(ctx context.Context, id ID, bodies []wire.NewAttribute, results []*AddedAttribute, lost error) error {
	uuids := make([]string, len(bodies))
	for i, b := range bodies {
		uuids[i] = b.UUID
	}
	p, err := c.searchAttributes(ctx, wire.AttributeSearch{EventID: string(id), UUID: uuids, Page: 1, Limit: maxLimit})
	if err != nil || len(p.Attributes) == 0 {
		return lost
	}
	for i, b := range bodies {
		at := slices.IndexFunc(p.Attributes, func(a *Attribute) bool { return a != nil && a.EventID == id && strings.EqualFold(a.UUID, b.UUID) })
		if at < 0 {
			results[i].refuse(invalid("it isn't in the event; MISP's reason was lost"))
			continue
		}
		results[i].from(p.Attributes[at], Added)
	}
	return nil
}

func (r *AddedAttribute) refuse(err error) { r.Status, r.Error, r.err = Refused, reason(err), err }

// onlyUUID reports whether MISP has nothing against a value but its UUID.
func (r *AddedAttribute) onlyUUID() bool {
	var e *Error
	return errors.As(r.err, &e) && !slices.ContainsFunc(e.Fields, func(f FieldError) bool { return f.Field != "uuid" })
}

// find returns the attribute of e, outside its objects, that a would repeat: one
// of the same value, or the one that was made of it, under uuid, in MISP's form.
func (e *Event) find(a NewAttribute, uuid string) *Attribute {
	same := spellings(a.Value)
	for _, old := range e.Attributes {
		if old != nil && !bool(old.Deleted) && old.Type == a.Type && (a.Category == "" || old.Category == a.Category) &&
			(old.UUID == uuid || slices.ContainsFunc(same, func(v string) bool { return strings.EqualFold(old.Value, v) })) {
			return old
		}
	}
	return nil
}

func (r *AddedAttribute) from(a *Attribute, s AddStatus) {
	r.Status, r.ID, r.UUID, r.Error, r.err = s, a.ID, a.UUID, "", nil
	if a.Value != r.Value {
		r.Stored = a.Value
	}
}

func (c *Client) planAddAttributesBulk(ctx context.Context, in AddAttributesBulkInput) (gate.Plan, error) {
	e, err := c.summary(ctx, in.EventID)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, e, mayAdd); err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkTypes(ctx, in.Attributes...); err != nil {
		return gate.Plan{}, err
	}
	if err := c.repeated(ctx, e, in.Attributes...); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: fmt.Sprintf("Add %s to an event in MISP.", count(len(in.Attributes), "attribute")),
		Targets: []gate.Target{e.target()},
		Undo:    "Delete the attributes from the event (misp_delete_attribute).",
		Count:   len(in.Attributes),
	}
	var sent []*Attribute
	for i, a := range in.Attributes {
		p.Changes = append(p.Changes, gate.Set(fmt.Sprintf("attribute %d", i+1), a.describe()))
		sent = append(sent, a.asAttribute())
		uuid, err := attributeUUID(e.UUID, a.Type, a.Value)
		if err != nil {
			return gate.Plan{}, err
		}
		if old := e.find(a, uuid); old != nil {
			p.Warnings = append(p.Warnings, fmt.Sprintf("attribute %d is in the event already, as attribute %s: it is left as it is", i+1, old.ID))
		}
	}
	e.unpublishes(&p)
	return p, c.warn(ctx, &p, indicators(sent...)...)
}

// warn puts into p which warninglists values are on.
func (c *Client) warn(ctx context.Context, p *gate.Plan, values ...string) error {
	if len(values) == 0 {
		return nil
	}
	var forms []string
	for _, v := range values {
		for _, f := range listed(v) {
			if !slices.Contains(forms, f) {
				forms = append(forms, f)
			}
		}
	}
	hits, err := c.warninglistHits(ctx, forms...)
	if err != nil {
		return fmt.Errorf("misp: the warninglists must be asked first: %w", err)
	}
	for _, v := range slices.Sorted(maps.Keys(hits)) {
		for _, h := range hits[v] {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s is on the warninglist %q (%s): it may be no indicator", v, h.Name, h.Matched))
		}
	}
	return nil
}

// indicators returns the values of as that a warninglist can have, each once:
// those of composite types whole and in parts, without ports.
func indicators(as ...*Attribute) (values []string) {
	for _, a := range as {
		for _, part := range a.parts() {
			if part.value != "" && part.typ != "port" && !slices.Contains(values, part.value) {
				values = append(values, part.value)
			}
		}
	}
	return values
}

// asAttribute is a as it will be in the event.
func (a NewAttribute) asAttribute() *Attribute {
	return &Attribute{Type: a.Type, Value: strings.TrimSpace(a.Value)}
}

// refanged are the types of which MISP keeps a defanged value as what it means.
var refanged = []string{"url", "domain", "hostname", "ip-src", "ip-dst", "ip-src|port", "ip-dst|port", "email-src", "email-dst"}

// describe is a as a plan shows it.
func (a NewAttribute) describe() string {
	category, ids := "the type's usual category", "detection as is usual for the type"
	if a.Category != "" {
		category = a.Category
	}
	if a.ToIDs != nil {
		ids = "not for detection"
		if *a.ToIDs {
			ids = "for detection"
		}
	}
	value := a.Value
	if plain := spelling.Plain(value); plain != value && slices.Contains(refanged, a.Type) {
		value += ", which is kept as " + plain
	}
	s := fmt.Sprintf("%s %s (%s, %s)", a.Type, value, category, ids)
	if a.Comment != "" {
		s += ", comment: " + a.Comment
	}
	return s
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
