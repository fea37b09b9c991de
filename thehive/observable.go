package thehive

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// An Observable is something seen: an address, a name, a hash.
type Observable struct {
	ID               string          `json:"_id"`
	DataType         string          `json:"dataType" jsonschema:"ip, domain, hostname, url, mail, hash, filename, … or a type of this server's own."`
	Data             string          `json:"data,omitempty" untrusted:"true"`
	Attachment       json.RawMessage `json:"attachment,omitempty" untrusted:"true"`
	Message          string          `json:"message,omitempty" untrusted:"true"`
	Tags             []string        `json:"tags,omitempty" untrusted:"true"`
	TLP              TLP             `json:"tlp"`
	PAP              PAP             `json:"pap"`
	IOC              bool            `json:"ioc" jsonschema:"Whether it is an indicator of compromise."`
	Sighted          bool            `json:"sighted"`
	SightedAt        int64           `json:"sightedAt,omitempty" jsonschema:"Milliseconds since 1970."`
	StartDate        int64           `json:"startDate,omitempty" jsonschema:"Milliseconds since 1970."`
	IgnoreSimilarity bool            `json:"ignoreSimilarity,omitempty"`
	Reports          json.RawMessage `json:"reports,omitempty" untrusted:"true"`
	CreatedBy        string          `json:"_createdBy,omitempty"`
	CreatedAt        int64           `json:"_createdAt,omitempty" jsonschema:"Milliseconds since 1970."`
	UpdatedBy        string          `json:"_updatedBy,omitempty"`
	UpdatedAt        int64           `json:"_updatedAt,omitempty" jsonschema:"Milliseconds since 1970."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

func (o *Observable) identity() string { return o.ID }

// value is what o is about, for a person.
func (o *Observable) value() string {
	if o.Data != "" {
		return o.Data
	}
	var a struct {
		Name string `json:"name"`
	}
	if json.Unmarshal(o.Attachment, &a) == nil && a.Name != "" {
		return "the file " + a.Name
	}
	return "a file"
}

// counted is a number of things in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// ListObservablesInput is the input of [Client.ListObservables]. What is left out doesn't filter.
type ListObservablesInput struct {
	CaseID   string `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	DataType string `json:"dataType,omitempty" jsonschema:"Only observables of this type: ip, domain, hostname, url, mail, hash, filename, fqdn, user-agent, regexp, other, or one of the server's own." maxLength:"64"`
	IOC      *bool  `json:"ioc,omitempty" jsonschema:"Only indicators of compromise, or only others."`
	Offset   int    `json:"offset,omitempty" jsonschema:"How many observables to skip." minimum:"0"`
	Limit    int    `json:"limit,omitempty" jsonschema:"How many observables to return." minimum:"1" maximum:"500"`
}

// SetDefaults fills the fields left at zero.
func (in *ListObservablesInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 50
	}
}

// An ObservablePage is one page of observables.
type ObservablePage struct {
	Observables []*Observable `json:"observables"`
	Total       int           `json:"total" jsonschema:"How many observables match in all."`
	Offset      int           `json:"offset"`
	More        bool          `json:"more" jsonschema:"Whether there are observables behind this page."`
}

// ListObservables returns one page of a case's observables, newest first. An
// unknown case is [ErrNotFound].
//
// TheHive: POST /api/v1/query, getCase, observables
func (c *Client) ListObservables(ctx context.Context, in ListObservablesInput) (*ObservablePage, error) {
	in.SetDefaults()
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, err
	}
	q := inCase(cs.ID, HopObservables).having("dataType", in.DataType)
	if in.IOC != nil {
		q = q.Where(Eq("ioc", *in.IOC))
	}
	got, total, err := paged[*Observable](ctx, c, "case-observables", order{"_createdAt", Desc}, in.Offset, in.Limit, q)
	if err != nil {
		return nil, err
	}
	return &ObservablePage{Observables: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// Observables returns an iterator over every observable that in matches, from in.Offset on.
func (c *Client) Observables(ctx context.Context, in ListObservablesInput) iter.Seq2[*Observable, error] {
	return paging.All(ctx, func(ctx context.Context, offset int) ([]*Observable, bool, error) {
		next := in
		next.Offset += offset
		p, err := c.ListObservables(ctx, next)
		if err != nil {
			return nil, false, err
		}
		return p.Observables, p.More, nil
	})
}

// CreateObservableBulkInput is the input of [Client.CreateObservableBulk].
type CreateObservableBulkInput struct {
	CaseID   string   `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	DataType string   `json:"dataType" jsonschema:"Type of all of them: ip, domain, hostname, url, mail, hash, filename, fqdn, user-agent, regexp, other, or one of the server's own." minLength:"1" maxLength:"64"`
	Data     []string `json:"data" jsonschema:"The values." alias:"observables" minItems:"1" maxItems:"100" minLength:"1" maxLength:"4096"`
	Message  string   `json:"message,omitempty" jsonschema:"Where they were seen, in Markdown." maxLength:"1048576"`
	Tags     []string `json:"tags,omitempty" jsonschema:"Free-form labels." maxItems:"100" minLength:"1" maxLength:"128"`
	TLP      *TLP     `json:"tlp,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 AMBER+STRICT, 4 RED. Left out: the server's default, AMBER."`
	PAP      *PAP     `json:"pap,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 RED. Left out: the server's default, AMBER."`
	IOC      bool     `json:"ioc,omitempty" jsonschema:"Whether they are indicators of compromise."`
	Sighted  bool     `json:"sighted,omitempty" jsonschema:"Whether they were seen in one's own systems."`
}

// An ObservableBulk says which values became observables and which were refused.
type ObservableBulk struct {
	Created []*Observable       `json:"created"`
	Failed  []ObservableFailure `json:"failed" jsonschema:"Values that were refused. Not an error as long as others were created."`
}

// An ObservableFailure is one value that TheHive refused.
type ObservableFailure struct {
	Data    string `json:"data,omitempty" untrusted:"true"`
	Type    string `json:"type,omitempty" jsonschema:"TheHive's kind of error, such as CreateError."`
	Message string `json:"message" untrusted:"true"`
}

// CreateObservableBulk adds observables of one type to a case. Each value is
// taken or refused by itself; if none was taken, that is an error.
//
// TheHive: POST /api/v1/case/{caseId}/observable
func (c *Client) CreateObservableBulk(ctx context.Context, in CreateObservableBulkInput) (*ObservableBulk, error) {
	return c.createObservables(ctx, newObservables{CreateObservableBulkInput: in})
}

// newObservables is what both creations need.
type newObservables struct {
	CreateObservableBulkInput
	IgnoreSimilarity bool
}

func (c *Client) createObservables(ctx context.Context, in newObservables) (*ObservableBulk, error) {
	data := unique(in.Data)
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: data: want at least one value", ErrInvalid)
	}
	if err := c.checkDataType(ctx, in.DataType); err != nil {
		return nil, err
	}
	res, err := c.wire.CreateObservable(ctx, in.CaseID, wire.CreateObservable{
		DataType: in.DataType, Data: data, Message: in.Message, Tags: unique(in.Tags),
		TLP: (*int)(in.TLP), PAP: (*int)(in.PAP), IOC: in.IOC, Sighted: in.Sighted, IgnoreSimilarity: in.IgnoreSimilarity,
	})
	got, err := httpx.JSON[observableReply](res, err)
	if err != nil {
		return nil, err
	}
	out := &ObservableBulk{Created: got.Success.items, Failed: []ObservableFailure{}}
	for _, f := range append(got.Failure, got.Suberrors...) {
		out.Failed = append(out.Failed, ObservableFailure{Data: f.Object.Data, Type: f.Type, Message: f.Message})
	}
	out.Failed = append(out.Failed, unmentioned(data, out)...)
	if len(out.Created) > 0 {
		return out, nil
	}
	reasons := make([]string, 0, len(out.Failed))
	for _, f := range out.Failed {
		reasons = append(reasons, strings.TrimPrefix(f.Data+": "+f.Message, ": "))
	}
	e := &Error{
		Refusal: connect.Refusal{System: "thehive", Op: res.Endpoint.ID, Status: res.Status, Message: fmt.Sprintf("none of the %d values was taken", len(data))},
		Code:    out.Failed[0].Type, Detail: strings.Join(reasons, "; "),
	}
	if !slices.ContainsFunc(out.Failed, func(f ObservableFailure) bool { return !exists(f.Message) }) {
		e.Kind = ErrExists
	}
	if res.Status != http.StatusMultiStatus { // accepted, yet nothing to show for it
		return nil, fmt.Errorf("%w; %w", e, gate.ErrOutcomeUnknown)
	}
	return nil, e
}

// unmentioned returns the values that the answer says nothing about, if it
// speaks of fewer than were sent.
func unmentioned(data []string, out *ObservableBulk) (list []ObservableFailure) {
	if len(out.Created)+len(out.Failed) >= len(data) {
		return nil
	}
	named := map[string]bool{}
	for _, o := range out.Created {
		named[o.Data] = true
	}
	for _, f := range out.Failed {
		named[f.Data] = true
	}
	for _, d := range data {
		if !named[d] {
			list = append(list, ObservableFailure{Data: d, Message: "TheHive's answer doesn't mention this value"})
		}
	}
	return list
}

// observableReply is TheHive's answer to a creation: 201 with the observables,
// or 207 with those and the failures.
type observableReply struct {
	Success            listing[*Observable]
	Failure, Suberrors []observableFailure
}

type observableFailure struct {
	Type, Message string
	Object        struct{ Data string }
}

// UnmarshalJSON reads both forms.
func (r *observableReply) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("[")) {
		return json.Unmarshal(b, &r.Success)
	}
	type plain observableReply
	return json.Unmarshal(b, (*plain)(r))
}

func (c *Client) planCreateObservableBulk(ctx context.Context, in CreateObservableBulkInput) (gate.Plan, error) {
	return c.planCreateObservables(ctx, newObservables{CreateObservableBulkInput: in})
}

func (c *Client) planCreateObservables(ctx context.Context, in newObservables) (gate.Plan, error) {
	if err := c.checkDataType(ctx, in.DataType); err != nil {
		return gate.Plan{}, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	data := unique(in.Data)
	p := gate.Plan{
		Summary:  fmt.Sprintf("Add %s of type %s to a case in TheHive.", counted(len(data), "observable"), in.DataType),
		Targets:  []gate.Target{cs.place()},
		Changes:  []gate.Change{gate.Set(in.DataType, strings.Join(data, ", "))},
		Undo:     "Delete the observables.",
		Warnings: cs.closedWarnings(),
	}
	p.Changes = appendSet(p.Changes, "message", in.Message)
	p.Changes = appendSet(p.Changes, "tags", strings.Join(unique(in.Tags), ", "))
	if in.TLP != nil {
		p.Changes = append(p.Changes, gate.Set("TLP", *in.TLP))
	}
	if in.PAP != nil {
		p.Changes = append(p.Changes, gate.Set("PAP", *in.PAP))
	}
	p.Changes = appendSet(p.Changes, "IOC", in.IOC)
	p.Changes = appendSet(p.Changes, "sighted", in.Sighted)
	p.Changes = appendSet(p.Changes, "ignore similarity", in.IgnoreSimilarity)
	have, _, err := paged[*Observable](ctx, c, "case-observables", order{"_createdAt", Asc}, 0, len(data),
		inCase(cs.ID, HopObservables).Where(Eq("dataType", in.DataType), In("data", data)))
	if err != nil {
		return p, err
	}
	for _, o := range have {
		p.Warnings = append(p.Warnings, fmt.Sprintf("The case has %s %s already.", o.DataType, o.Data))
	}
	return p, nil
}

// GetObservableInput is the input of [Client.GetObservable].
type GetObservableInput struct {
	ObservableID string `json:"observableId" jsonschema:"Observable id (~12288)." alias:"id"`
}

// GetObservable returns one observable with the reports of its analyzers. An
// unknown one is [ErrNotFound].
//
// TheHive: GET /api/v1/observable/{observableId}
func (c *Client) GetObservable(ctx context.Context, in GetObservableInput) (*Observable, error) {
	return entity[Observable](c.wire.GetObservable(ctx, in.ObservableID))
}

// CreateObservableInput is the input of [Client.CreateObservable].
type CreateObservableInput struct {
	CaseID           string   `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	DataType         string   `json:"dataType" jsonschema:"ip, domain, hostname, url, mail, hash, filename, fqdn, user-agent, regexp, other, or one of the server's own." minLength:"1" maxLength:"64"`
	Data             string   `json:"data" jsonschema:"The value." minLength:"1" maxLength:"4096"`
	Message          string   `json:"message,omitempty" jsonschema:"Where it was seen, in Markdown." maxLength:"1048576"`
	Tags             []string `json:"tags,omitempty" jsonschema:"Free-form labels." maxItems:"100" minLength:"1" maxLength:"128"`
	TLP              *TLP     `json:"tlp,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 AMBER+STRICT, 4 RED. Left out: the server's default, AMBER."`
	PAP              *PAP     `json:"pap,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 RED. Left out: the server's default, AMBER."`
	IOC              bool     `json:"ioc,omitempty" jsonschema:"Whether it is an indicator of compromise."`
	Sighted          bool     `json:"sighted,omitempty" jsonschema:"Whether it was seen in one's own systems."`
	IgnoreSimilarity bool     `json:"ignoreSimilarity,omitempty" jsonschema:"Whether to leave it out when similar cases are looked for."`
}

func (in CreateObservableInput) all() newObservables {
	return newObservables{CreateObservableBulkInput{
		CaseID: in.CaseID, DataType: in.DataType, Data: []string{in.Data}, Message: in.Message, Tags: in.Tags, TLP: in.TLP, PAP: in.PAP, IOC: in.IOC, Sighted: in.Sighted,
	}, in.IgnoreSimilarity}
}

// CreateObservable adds an observable to a case. That it is refused, or there
// already, is an error.
//
// TheHive: POST /api/v1/case/{caseId}/observable
func (c *Client) CreateObservable(ctx context.Context, in CreateObservableInput) (*Observable, error) {
	if in.Data == "" {
		return nil, fmt.Errorf("%w: data: is empty", ErrInvalid)
	}
	out, err := c.createObservables(ctx, in.all())
	if err != nil {
		return nil, err
	}
	return out.Created[0], nil
}

func (c *Client) planCreateObservable(ctx context.Context, in CreateObservableInput) (gate.Plan, error) {
	return c.planCreateObservables(ctx, in.all())
}

// SearchObservablesInput is the input of [Client.SearchObservables]. What is left out doesn't filter.
type SearchObservablesInput struct {
	DataType string   `json:"dataType,omitempty" jsonschema:"Only observables of this type: ip, domain, hostname, url, mail, hash, … or one of the server's own." maxLength:"64"`
	Data     string   `json:"data,omitempty" jsonschema:"Only observables with exactly this value." maxLength:"4096"`
	Tags     []string `json:"tags,omitempty" jsonschema:"Only observables that have all of these tags." maxItems:"20" maxLength:"128"`
	IOC      *bool    `json:"ioc,omitempty" jsonschema:"Only indicators of compromise, or only others."`
	Offset   int      `json:"offset,omitempty" jsonschema:"How many observables to skip." minimum:"0"`
	Limit    int      `json:"limit,omitempty" jsonschema:"How many observables to return." minimum:"1" maximum:"500"`
}

// SetDefaults fills the fields left at zero.
func (in *SearchObservablesInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 50
	}
}

// SearchObservables returns one page of the observables of all cases and
// alerts, newest first.
//
// TheHive: POST /api/v1/query, listObservable
func (c *Client) SearchObservables(ctx context.Context, in SearchObservablesInput) (*ObservablePage, error) {
	in.SetDefaults()
	if in.DataType != "" && in.DataType != "file" {
		if err := c.checkDataType(ctx, in.DataType); err != nil {
			return nil, err
		}
	}
	q := All(KindObservable).having("dataType", in.DataType).having("data", in.Data).tagged(in.Tags)
	if in.IOC != nil {
		q = q.Where(Eq("ioc", *in.IOC))
	}
	got, total, err := paged[*Observable](ctx, c, "observables", order{"_createdAt", Desc}, in.Offset, in.Limit, q)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if total == 0 {
		if err := c.cannotHaveCases(ctx); err != nil {
			return nil, err
		}
	}
	return &ObservablePage{Observables: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// UpdateObservableInput is the input of [Client.UpdateObservable]. What is left out stays.
type UpdateObservableInput struct {
	ObservableID     string   `json:"observableId" jsonschema:"Observable id (~12288)." alias:"id"`
	Message          *string  `json:"message,omitempty" jsonschema:"Where it was seen, in Markdown." maxLength:"1048576"`
	TLP              *TLP     `json:"tlp,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 AMBER+STRICT, 4 RED."`
	PAP              *PAP     `json:"pap,omitempty" jsonschema:"0 CLEAR, 1 GREEN, 2 AMBER, 3 RED."`
	IOC              *bool    `json:"ioc,omitempty" jsonschema:"Whether it is an indicator of compromise."`
	Sighted          *bool    `json:"sighted,omitempty" jsonschema:"Whether it was seen in one's own systems."`
	IgnoreSimilarity *bool    `json:"ignoreSimilarity,omitempty" jsonschema:"Whether to leave it out when similar cases are looked for."`
	AddTags          []string `json:"addTags,omitempty" jsonschema:"Tags to add. The others stay." maxItems:"100" minLength:"1" maxLength:"128"`
	RemoveTags       []string `json:"removeTags,omitempty" jsonschema:"Tags to remove. The others stay." maxItems:"100" minLength:"1" maxLength:"128"`
}

// Validate refuses an update of nothing.
func (in *UpdateObservableInput) Validate() error {
	if in.Message == nil && in.TLP == nil && in.PAP == nil && in.IOC == nil && in.Sighted == nil && in.IgnoreSimilarity == nil && len(in.AddTags)+len(in.RemoveTags) == 0 {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	return nil
}

// UpdateObservable changes fields of an observable.
//
// TheHive: PATCH /api/v1/observable/{observableId}
func (c *Client) UpdateObservable(ctx context.Context, in UpdateObservableInput) (*Observable, error) {
	if err := in.Validate(); err != nil {
		return nil, err
	}
	err := httpx.Done(c.wire.UpdateObservable(ctx, in.ObservableID, wire.UpdateObservable{
		Message: in.Message, TLP: (*int)(in.TLP), PAP: (*int)(in.PAP), IOC: in.IOC, Sighted: in.Sighted, IgnoreSimilarity: in.IgnoreSimilarity,
		AddTags: unique(in.AddTags), RemoveTags: unique(in.RemoveTags),
	}))
	if err != nil {
		return nil, err
	}
	o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: in.ObservableID})
	if err != nil {
		return nil, fmt.Errorf("thehive: the observable was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	return o, nil
}

func (c *Client) planUpdateObservable(ctx context.Context, in UpdateObservableInput) (gate.Plan, error) {
	if err := in.Validate(); err != nil {
		return gate.Plan{}, err
	}
	o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: in.ObservableID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Change an observable in TheHive.",
		Targets: []gate.Target{{Kind: "observable", ID: o.ID, Name: o.DataType + " " + o.value(), Version: fmt.Sprintf("updated %d", o.UpdatedAt)}},
		Undo:    "Set the fields back.",
	}
	d := diff{&p.Changes}
	d.optional("message", o.Message, in.Message)
	if in.TLP != nil {
		d.add("TLP", o.TLP, *in.TLP)
	}
	if in.PAP != nil {
		d.add("PAP", o.PAP, *in.PAP)
	}
	if in.IOC != nil {
		d.add("IOC", o.IOC, *in.IOC)
	}
	if in.Sighted != nil {
		d.add("sighted", o.Sighted, *in.Sighted)
	}
	if in.IgnoreSimilarity != nil {
		d.add("ignore similarity", o.IgnoreSimilarity, *in.IgnoreSimilarity)
	}
	if len(in.AddTags) > 0 {
		d.add("tags added", strings.Join(o.Tags, ", "), strings.Join(unique(in.AddTags), ", "))
	}
	if len(in.RemoveTags) > 0 {
		d.add("tags removed", strings.Join(o.Tags, ", "), strings.Join(unique(in.RemoveTags), ", "))
	}
	return p, nil
}
