package thehive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/spelling"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// An Observable is something seen: an address, a name, a hash.
type Observable struct {
	ID string `json:"_id"` // its id
	// ip, domain, hostname, url, mail, hash, filename, … or a type of this server's own.
	DataType         string          `json:"dataType"`
	Data             string          `json:"data,omitempty" untrusted:"true"`       // its value; empty of a file
	Attachment       json.RawMessage `json:"attachment,omitempty" untrusted:"true"` // the file, where it is one
	Message          string          `json:"message,omitempty" untrusted:"true"`    // what was noted on it
	Tags             []string        `json:"tags,omitempty" untrusted:"true"`       // its tags
	TLP              TLP             `json:"tlp"`                                   // how far it may be passed on
	PAP              PAP             `json:"pap"`                                   // what may be done with it
	IOC              bool            `json:"ioc"`                                   // whether it is an indicator of compromise
	Sighted          bool            `json:"sighted"`                               // whether it was seen
	SightedAt        time.Time       `json:"sightedAt,omitzero,format:unixmilli"`   // when it was seen
	StartDate        time.Time       `json:"startDate,omitzero,format:unixmilli"`   // when it began
	IgnoreSimilarity bool            `json:"ignoreSimilarity,omitempty"`            // whether it doesn't make cases similar
	Reports          json.RawMessage `json:"reports,omitempty" untrusted:"true"`    // the verdicts of analyzers, by analyzer
	CreatedBy        string          `json:"_createdBy,omitempty"`                  // the login of who made it
	CreatedAt        time.Time       `json:"_createdAt,omitzero,format:unixmilli"`  // when it was made
	UpdatedBy        string          `json:"_updatedBy,omitempty"`                  // the login of who changed it last
	UpdatedAt        time.Time       `json:"_updatedAt,omitzero,format:unixmilli"`  // when it was changed last
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true" quiet:"_type,newDate,external=false" own:"external,papLabel,tlpLabel"`
}

func (o *Observable) identity() string { return o.ID }

func (o *Observable) created() time.Time { return o.CreatedAt }

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
	// This or alertId.
	CaseID string `json:"caseId,omitempty" alias:"id"`
	// This or caseId.
	AlertID  string `json:"alertId,omitempty"`
	DataType string `json:"dataType,omitempty" maxLength:"64"`                      // the type of the observable
	IOC      *bool  `json:"ioc,omitempty"`                                          // indicators or not; nil: both
	Offset   int    `json:"offset,omitempty" minimum:"0"`                           // how many to skip
	Limit    int    `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many to return at most
}

// An ObservablePage is one page of observables.
type ObservablePage struct {
	Observables []*Observable `json:"observables"` // the observables
	// How many observables match in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are observables behind this page.
	More bool `json:"more"`
	// The values that TheHive was asked for, if not just the one given.
	Searched []string `json:"searched,omitempty" untrusted:"true"`
	// What wasn't looked at.
	Note string `json:"note,omitempty"`
}

// ListObservables returns one page of the observables of a case or an alert,
// newest first. An unknown one is [ErrNotFound].
//
// TheHive: POST /api/v1/query, getCase or getAlert, observables
func (c *Client) ListObservables(ctx context.Context, in ListObservablesInput) (*ObservablePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, err := c.observableQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	got, total, err := paged[*Observable](ctx, c, "case-observables", order{"_createdAt", Desc}, in.Offset, in.Limit, q)
	if err == nil && total == 0 {
		err = c.knownType(ctx, in.DataType)
	}
	if err != nil {
		return nil, err
	}
	return &ObservablePage{Observables: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

func (c *Client) observableQuery(ctx context.Context, in ListObservablesInput) (Query, error) {
	at, err := c.place(ctx, in.CaseID, in.AlertID)
	if err != nil {
		return Query{}, err
	}
	q := at.query(HopObservables).having("dataType", in.DataType)
	if in.IOC != nil {
		q = q.Where(Eq("ioc", *in.IOC))
	}
	return q, nil
}

// Observables returns an iterator over every observable that in matches, newest
// first, from in.Offset on. Each is yielded once, also when observables are added,
// changed or deleted on the way. A page of requests has in.Limit observables;
// left out: 500.
func (c *Client) Observables(ctx context.Context, in ListObservablesInput) iter.Seq2[*Observable, error] {
	return everything(ctx, c, "case-observables", in, all[ListObservablesInput, *Observable](c.observableQuery))
}

// CreateObservableBulkInput is the input of [Client.CreateObservableBulk].
type CreateObservableBulkInput struct {
	// This or alertId.
	CaseID string `json:"caseId,omitempty" alias:"id"`
	// This or caseId.
	AlertID  string `json:"alertId,omitempty"`
	DataType string `json:"dataType" minLength:"1" maxLength:"64"` // the type of the observable
	// The values.
	Data []string `json:"data" alias:"observables" minItems:"1" maxItems:"500" minLength:"1" maxLength:"4096"`
	// Where they were seen, in Markdown.
	Message string   `json:"message,omitempty" maxLength:"1048576"`
	Tags    []string `json:"tags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"` // its tags
	TLP     *TLP     `json:"tlp,omitempty"`                                               // how far it may be passed on; nil: the default
	PAP     *PAP     `json:"pap,omitempty"`                                               // what may be done with it; nil: the default
	IOC     bool     `json:"ioc,omitempty"`                                               // whether it is an indicator of compromise
	Sighted bool     `json:"sighted,omitempty"`                                           // in one's own systems
}

// An ObservableBulk says which values became observables and which were refused.
type ObservableBulk struct {
	Created []*Observable `json:"created"` // those that are new
	// Values that were refused. Not an error as long as others were created.
	Failed []ObservableFailure `json:"failed"`
}

// An ObservableFailure is one value that TheHive refused.
type ObservableFailure struct {
	Data string `json:"data,omitempty" untrusted:"true"` // its value
	// TheHive's kind of error, such as CreateError.
	Type    string `json:"type,omitempty"`
	Message string `json:"message" untrusted:"true"` // why it wasn't made
}

// CreateObservableBulk adds observables of one type to a case. Each value is
// taken or refused by itself; if none was taken, that is an error beside the reasons:
// [ErrExists] where all were there already.
//
// TheHive: POST /api/v1/case/{caseId}/observable
func (c *Client) CreateObservableBulk(ctx context.Context, in CreateObservableBulkInput) (*ObservableBulk, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.createObservables(ctx, newObservables{CreateObservableBulkInput: in})
}

// newObservables is what both creations need.
type newObservables struct {
	CreateObservableBulkInput
	IgnoreSimilarity bool
}

func (c *Client) createObservables(ctx context.Context, in newObservables) (*ObservableBulk, error) {
	data := meant(in.DataType, in.Data)
	if len(data) == 0 {
		return nil, fmt.Errorf("%w: data: want at least one value", ErrInvalid)
	}
	if err := c.CheckDataType(ctx, in.DataType); err != nil {
		return nil, err
	}
	body := wire.CreateObservable{
		DataType: in.DataType, Data: data, Message: in.Message, Tags: unique(in.Tags),
		TLP: (*int)(in.TLP), PAP: (*int)(in.PAP), IOC: in.IOC, Sighted: in.Sighted, IgnoreSimilarity: in.IgnoreSimilarity,
	}
	switch {
	case (in.CaseID == "") == (in.AlertID == ""):
		return nil, fmt.Errorf("%w: want either caseId or alertId", ErrInvalid)
	case in.AlertID != "":
		id, err := c.alertID(ctx, in.AlertID)
		if err != nil {
			return nil, err
		}
		res, err := c.wire.CreateAlertObservable(ctx, id, body)
		return reply(data, res, err)
	}
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	res, err := c.wire.CreateObservable(ctx, id, body)
	return reply(data, res, err)
}

// meant returns the values that are meant by those of a data type, each once.
func meant(dataType string, values []string) []string {
	list := make([]string, len(values))
	for i, v := range values {
		if list[i] = spelling.PlainOf(dataType, strings.TrimSpace(v)); list[i] == "" {
			list[i] = v // which is told as it was given
		}
	}
	return unique(list)
}

// reply reads TheHive's answer to a creation of observables with those values.
func reply(data []string, res *httpx.Response, err error) (*ObservableBulk, error) {
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
		return out, fmt.Errorf("%w; %w", e, gate.ErrOutcomeUnknown)
	}
	res.Deny()
	return out, e
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
	if err := c.CheckDataType(ctx, in.DataType); err != nil {
		return gate.Plan{}, err
	}
	at, err := c.place(ctx, in.CaseID, in.AlertID)
	if err != nil {
		return gate.Plan{}, err
	}
	data := meant(in.DataType, in.Data)
	p := gate.Plan{
		Summary:  fmt.Sprintf("Add %s of type %s to %s in TheHive.", counted(len(data), "observable"), in.DataType, article(at.kind())),
		Targets:  []gate.Target{at.target()},
		Changes:  []gate.Change{gate.Set(in.DataType, strings.Join(data, ", "))},
		Undo:     "Delete the observables (thehive_delete_part).",
		Warnings: at.warnings(),
		Count:    len(data),
	}
	for _, v := range unique(in.Data) {
		if !slices.Contains(data, v) {
			p.Warnings = append(p.Warnings, clip.Text(v, 100)+" is understood as "+clip.Text(spelling.PlainOf(in.DataType, v), 100)+".")
		}
	}
	p.Changes = appendSet(p.Changes, "message", in.Message)
	p.Changes = appendSet(p.Changes, "tags", strings.Join(unique(in.Tags), ", "))
	p.Changes = appendMarking(p.Changes, in.TLP, in.PAP)
	p.Changes = appendSet(p.Changes, "IOC", in.IOC)
	p.Changes = appendSet(p.Changes, "sighted", in.Sighted)
	p.Changes = appendSet(p.Changes, "ignore similarity", in.IgnoreSimilarity)
	wanted := make([]valued, len(data))
	for i, d := range data {
		wanted[i] = valued{in.DataType, d}
	}
	have, err := c.sameObservables(ctx, at.query(HopObservables), wanted)
	if err != nil {
		return p, err
	}
	for _, o := range have {
		p.Warnings = append(p.Warnings, fmt.Sprintf("The %s has %s %s already.", at.kind(), o.DataType, o.Data))
	}
	return p, nil
}

// GetObservableInput is the input of [Client.GetObservable].
type GetObservableInput struct {
	ObservableID string `json:"observableId" alias:"id"` // the observable
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
	// This or alertId.
	CaseID string `json:"caseId,omitempty" alias:"id"`
	// This or caseId.
	AlertID  string `json:"alertId,omitempty"`
	DataType string `json:"dataType" minLength:"1" maxLength:"64"` // the type of the observable
	// The value.
	Data string `json:"data" minLength:"1" maxLength:"4096"`
	// Where it was seen.
	Message          string   `json:"message,omitempty" maxLength:"1048576"`
	Tags             []string `json:"tags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"` // its tags
	TLP              *TLP     `json:"tlp,omitempty"`                                               // how far it may be passed on; nil: the default
	PAP              *PAP     `json:"pap,omitempty"`                                               // what may be done with it; nil: the default
	IOC              bool     `json:"ioc,omitempty"`                                               // whether it is an indicator of compromise
	Sighted          bool     `json:"sighted,omitempty"`                                           // in one's own systems
	IgnoreSimilarity bool     `json:"ignoreSimilarity,omitempty"`                                  // whether it shall not make cases similar
}

func (in CreateObservableInput) all() newObservables {
	return newObservables{CreateObservableBulkInput{
		CaseID: in.CaseID, AlertID: in.AlertID, DataType: in.DataType, Data: []string{in.Data}, Message: in.Message, Tags: in.Tags, TLP: in.TLP, PAP: in.PAP, IOC: in.IOC, Sighted: in.Sighted,
	}, in.IgnoreSimilarity}
}

// CreateObservable adds an observable to a case. That it is refused, or there
// already, is an error.
//
// TheHive: POST /api/v1/case/{caseId}/observable
func (c *Client) CreateObservable(ctx context.Context, in CreateObservableInput) (*Observable, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
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
	DataType string `json:"dataType,omitempty" maxLength:"64"` // the type of the observable
	// The whole value, however it is written.
	Data string `json:"data,omitempty" maxLength:"4096"`
	// Words or parts of words, all in value or message; "in quotes": as it is.
	Part   string `json:"part,omitempty" maxLength:"512"`
	CaseID string `json:"caseId,omitempty"` // only in this case
	// All of these.
	Tags    []string `json:"tags,omitempty" maxItems:"20" maxLength:"128"`
	IOC     *bool    `json:"ioc,omitempty"`                                          // indicators or not; nil: both
	Sighted *bool    `json:"sighted,omitempty"`                                      // in one's own systems
	After   Date     `json:"createdAfter,omitempty"`                                 // made after this moment
	Before  Date     `json:"createdBefore,omitempty"`                                // made before this moment
	Offset  int      `json:"offset,omitempty" minimum:"0"`                           // how many to skip
	Limit   int      `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many to return at most
}

// Validate refuses dates that aren't in milliseconds.
func (in *SearchObservablesInput) Validate() error {
	return errors.Join(in.After.check("createdAfter"), in.Before.check("createdBefore"))
}

// SearchObservables returns one page of the observables of all cases and
// alerts, or of one case, newest first.
//
// TheHive: POST /api/v1/query, listObservable or getCase, observables
func (c *Client) SearchObservables(ctx context.Context, in SearchObservablesInput) (*ObservablePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, s, err := c.observableSearch(ctx, in)
	if err != nil {
		return nil, err
	}
	f, err := searched(ctx, c, "observables", s, in.Offset, in.Limit, q, (*Observable).texts)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if f.total == 0 {
		if err := errors.Join(c.cannotHaveCases(ctx), c.knownType(ctx, in.DataType)); err != nil {
			return nil, err
		}
	}
	return &ObservablePage{Observables: f.items, Total: f.total, Offset: in.Offset, More: in.Offset+len(f.items) < f.total, Searched: in.searched(), Note: f.note}, nil
}

// ObservablesMatching returns an iterator over every observable that in matches, of
// all cases and alerts or of one case, newest first, from in.Offset on; each is
// yielded once, also when observables are added, changed or deleted on the way. A page
// of requests has in.Limit observables; left out: 500.
func (c *Client) ObservablesMatching(ctx context.Context, in SearchObservablesInput) iter.Seq2[*Observable, error] {
	return everything(ctx, c, "observables", in, func(ctx context.Context, in SearchObservablesInput) (Query, func(*Observable) bool, error) {
		q, s, err := c.observableSearch(ctx, in)
		return q, func(o *Observable) bool { return s.holds(o.texts()...) }, err
	})
}

// observableSearch is what finds the observables that in may match, and what to hold
// against them.
func (c *Client) observableSearch(ctx context.Context, in SearchObservablesInput) (q Query, s search, err error) {
	q = All(KindObservable)
	if in.CaseID != "" {
		cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
		if err != nil {
			return q, s, err
		}
		q = inCase(cs.ID, HopObservables)
	}
	q = q.having("dataType", in.DataType).tagged(in.Tags).dated("_createdAt", in.After, in.Before)
	if in.Data != "" {
		q = q.Where(In("data", in.asked()))
	}
	for field, is := range map[string]*bool{"ioc": in.IOC, "sighted": in.Sighted} {
		if is != nil {
			q = q.Where(Eq(field, *is))
		}
	}
	if strings.TrimSpace(in.Part) != "" {
		if s, err = parseSearch("part", in.Part); err != nil {
			return q, s, err
		}
		q = q.Where(s.filter("data", "message"))
	}
	return q, s, nil
}

// How many spellings TheHive is asked for: of one value, and of all in a call.
const (
	maxSpellings = 24
	maxAsked     = 1000
)

// asked are the spellings of in.Data under which TheHive may keep it: it keeps a value
// as it was given, and finds that alone.
func (in *SearchObservablesInput) asked() []string {
	return spelling.Written(in.DataType, in.Data, maxSpellings)
}

// searched is what an answer says of [SearchObservablesInput.asked].
func (in *SearchObservablesInput) searched() []string {
	list := in.asked()
	if in.Data == "" || len(list) == 1 && list[0] == in.Data {
		return nil
	}
	for i, v := range list {
		list[i] = clip.Text(v, 200)
	}
	return list
}

// A valued is a value of a type.
type valued struct{ dataType, data string }

func (o *Observable) valued() valued { return valued{o.DataType, o.Data} }

// spelled returns under which spellings each of list may be kept, those that come first
// in fewer if there are very many, and the values of all these.
func spelled(list []valued) (is map[valued]bool, values []string) {
	is = map[valued]bool{}
	for _, v := range list {
		for _, data := range spelling.Written(v.dataType, v.data, max(2, min(maxSpellings, maxAsked/len(list)))) {
			is[valued{v.dataType, data}] = true
			values = append(values, data)
		}
	}
	return is, unique(values)
}

// texts are what is searched.
func (o *Observable) texts() []string { return []string{o.Data, o.Message} }

// ObservableMarks are what can be changed of observables. What is left out stays.
type ObservableMarks struct {
	// Where it was seen.
	Message          *string  `json:"message,omitempty" maxLength:"1048576"`
	TLP              *TLP     `json:"tlp,omitempty"`                                                     // how far it may be passed on; nil stays
	PAP              *PAP     `json:"pap,omitempty"`                                                     // what may be done with it; nil stays
	IOC              *bool    `json:"ioc,omitempty"`                                                     // whether it is an indicator of compromise; nil stays
	Sighted          *bool    `json:"sighted,omitempty"`                                                 // in one's own systems
	IgnoreSimilarity *bool    `json:"ignoreSimilarity,omitempty"`                                        // whether it doesn't make cases similar; nil stays
	AddTags          []string `json:"addTags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"`    // tags to add to those it has
	RemoveTags       []string `json:"removeTags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"` // tags to take away
}

// check refuses a change of nothing.
func (m *ObservableMarks) check() error {
	if m.Message == nil && m.TLP == nil && m.PAP == nil && m.IOC == nil && m.Sighted == nil && m.IgnoreSimilarity == nil && len(m.AddTags)+len(m.RemoveTags) == 0 {
		return fmt.Errorf("%w: nothing to change is given", ErrInvalid)
	}
	return nil
}

func (m *ObservableMarks) body() wire.UpdateObservable {
	return wire.UpdateObservable{Message: m.Message, TLP: (*int)(m.TLP), PAP: (*int)(m.PAP), IOC: m.IOC, Sighted: m.Sighted, IgnoreSimilarity: m.IgnoreSimilarity,
		AddTags: unique(m.AddTags), RemoveTags: unique(m.RemoveTags)}
}

// changes are those that m makes of o.
func (m *ObservableMarks) changes(o *Observable) []gate.Change {
	var list []gate.Change
	d := diff{&list}
	d.optional("message", o.Message, m.Message)
	if m.TLP != nil {
		d.add("TLP", o.TLP, *m.TLP)
	}
	if m.PAP != nil {
		d.add("PAP", o.PAP, *m.PAP)
	}
	for _, f := range []struct {
		name string
		want *bool
		have bool
	}{{"IOC", m.IOC, o.IOC}, {"sighted", m.Sighted, o.Sighted}, {"ignore similarity", m.IgnoreSimilarity, o.IgnoreSimilarity}} {
		if f.want != nil {
			d.add(f.name, f.have, *f.want)
		}
	}
	if len(m.AddTags) > 0 {
		d.add("tags added", strings.Join(o.Tags, ", "), strings.Join(unique(m.AddTags), ", "))
	}
	if len(m.RemoveTags) > 0 {
		d.add("tags removed", strings.Join(o.Tags, ", "), strings.Join(unique(m.RemoveTags), ", "))
	}
	return list
}

// target is o as the plan of a change shows it.
func (o *Observable) target() gate.Target {
	return gate.Target{Kind: "observable", ID: o.ID, Name: o.DataType + " " + o.value(), Version: fmt.Sprintf("updated %d", jsoncodec.Milli(o.UpdatedAt))}
}

// UpdateObservableInput is the input of [Client.UpdateObservable]. What is left out stays.
type UpdateObservableInput struct {
	ObservableID string `json:"observableId" alias:"id"` // the observable
	ObservableMarks
}

// Validate refuses an update of nothing.
func (in *UpdateObservableInput) Validate() error { return in.check() }

// UpdateObservable changes fields of an observable.
//
// TheHive: PATCH /api/v1/observable/{observableId}
func (c *Client) UpdateObservable(ctx context.Context, in UpdateObservableInput) (*Observable, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	body := in.body()
	if err := httpx.Done(c.wire.UpdateObservable(ctx, in.ObservableID, body)); err != nil {
		return nil, err
	}
	o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: in.ObservableID})
	if err != nil {
		return nil, fmt.Errorf("thehive: the observable was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	return o, o.differs(body)
}

// differs says what of o isn't as it was sent.
func (o *Observable) differs(body wire.UpdateObservable) error {
	var check readBack
	check.pointer("message", body.Message, o.Message)
	check.level("TLP", body.TLP, int(o.TLP))
	check.level("PAP", body.PAP, int(o.PAP))
	check.flag("IOC", body.IOC, o.IOC)
	check.flag("sighted", body.Sighted, o.Sighted)
	check.flag("ignoreSimilarity", body.IgnoreSimilarity, o.IgnoreSimilarity)
	check.tags(nil, body.AddTags, body.RemoveTags, o.Tags)
	return check.err("observable " + o.ID)
}

func (c *Client) planUpdateObservable(ctx context.Context, in UpdateObservableInput) (gate.Plan, error) {
	o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: in.ObservableID})
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{Summary: "Change an observable in TheHive.", Targets: []gate.Target{o.target()}, Changes: in.changes(o), Undo: "Set the fields back (thehive_update_observable)."}, nil
}

// BulkUpdateObservablesInput is the input of [Client.BulkUpdateObservables].
type BulkUpdateObservablesInput struct {
	ObservableIDs []string `json:"observableIds" alias:"ids" minItems:"1" maxItems:"500"` // the observables
	ObservableMarks
}

// Validate refuses repeated ids and an update of nothing.
func (in *BulkUpdateObservablesInput) Validate() error {
	if n := len(in.ObservableIDs); n == 0 || n > maxPage || len(unique(in.ObservableIDs)) != n {
		return fmt.Errorf("%w: observableIds: want 1 to %d, and none twice", ErrInvalid, maxPage)
	}
	return in.check()
}

// observablesByID returns the observables with those ids, in their order. All must be there.
func (c *Client) observablesByID(ctx context.Context, ids []string) ([]*Observable, error) {
	which := make([]Filter, len(ids))
	for i, id := range ids {
		which[i] = ID(id)
	}
	got, err := rows[*Observable](ctx, c, "observables-by-id", All(KindObservable).Where(Or(which...)).Page(0, len(ids)))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	list := make([]*Observable, len(ids))
	for _, o := range got {
		if i := slices.Index(ids, o.ID); i >= 0 {
			list[i] = o
		}
	}
	if i := slices.Index(list, nil); i >= 0 {
		return nil, missing("Observable", ids[i])
	}
	return list, nil
}

// BulkUpdateObservables changes observables in the same way, and looks at each
// afterwards. What became of each is in the outcome.
//
// TheHive: POST /api/v1/query, listObservable; PATCH /api/v1/observable/_bulk
func (c *Client) BulkUpdateObservables(ctx context.Context, in BulkUpdateObservablesInput) (*BulkOutcome, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	list, err := c.observablesByID(ctx, in.ObservableIDs)
	if err != nil {
		return nil, err
	}
	b := in.body()
	err = httpx.Done(c.wire.UpdateObservables(ctx, wire.UpdateObservables{Ids: in.ObservableIDs, Message: b.Message, TLP: b.TLP, PAP: b.PAP,
		IOC: b.IOC, Sighted: b.Sighted, IgnoreSimilarity: b.IgnoreSimilarity, AddTags: b.AddTags, RemoveTags: b.RemoveTags}))
	if err != nil {
		return nil, err
	}
	results, errs := make([]BulkResult, len(list)), make([]error, len(list))
	after, err := c.observablesByID(context.WithoutCancel(ctx), in.ObservableIDs)
	for i, o := range list {
		results[i] = BulkResult{ID: o.ID, Title: o.DataType + " " + o.value()}
		if err != nil {
			errs[i] = fmt.Errorf("thehive: it was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
			continue
		}
		errs[i] = after[i].differs(b)
	}
	return outcome(results, errs)
}

func (c *Client) planBulkUpdateObservables(ctx context.Context, in BulkUpdateObservablesInput) (gate.Plan, error) {
	list, err := c.observablesByID(ctx, in.ObservableIDs)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: fmt.Sprintf("Change %s in TheHive.", counted(len(list), "observable")), Undo: "Set each of them back (thehive_update_observable)."}
	for _, o := range list {
		p.Targets = append(p.Targets, o.target())
	}
	for _, change := range in.changes(&Observable{}) {
		change.Before = "" // each has its own
		if change.Field != "TLP" && change.Field != "PAP" {
			p.Changes = append(p.Changes, change)
		}
	}
	for _, o := range list {
		p.Changes = appendRemarking(p.Changes, o.TLP, o.PAP, in.TLP, in.PAP)
	}
	return p, nil
}

// article is "a case" or "an alert".
func article(kind string) string {
	if kind == "alert" {
		return "an alert"
	}
	return "a " + kind
}
