package thehive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// Stage is what a status means. Each server has statuses of its own; the stages are fixed,
// and what isn't StageClosed is open.
type Stage string

// The stages.
const (
	StageNew        Stage = "New"
	StageInProgress Stage = "InProgress"
	StageClosed     Stage = "Closed"
	StageImported   Stage = "Imported" // of alerts alone: it is in a case
)

// A Case is an investigation.
type Case struct {
	ID          string   `json:"_id"`                          // its id
	Number      int      `json:"number"`                       // the number a person calls it by
	Title       string   `json:"title" untrusted:"true"`       // its title
	Description string   `json:"description" untrusted:"true"` // what it is about, in Markdown
	Severity    Severity `json:"severity"`                     // how severe it is
	TLP         TLP      `json:"tlp"`                          // how far it may be passed on
	PAP         PAP      `json:"pap"`                          // what may be done with it
	// New, InProgress, TruePositive, … or a status of this server's own.
	Status string `json:"status"`
	// New, InProgress or Closed.
	Stage        Stage             `json:"stage"`
	Tags         []string          `json:"tags,omitempty" untrusted:"true"`         // its tags
	Flag         bool              `json:"flag,omitempty"`                          // whether it is flagged
	Assignee     string            `json:"assignee,omitempty"`                      // the login of whom it is assigned to
	Summary      string            `json:"summary,omitempty" untrusted:"true"`      // what came of it, of a closed case
	ImpactStatus string            `json:"impactStatus,omitempty"`                  // whether there was an impact, of a closed case
	CustomFields []json.RawMessage `json:"customFields,omitempty" untrusted:"true"` // its custom fields, as TheHive has them
	CreatedBy    string            `json:"_createdBy,omitempty"`                    // the login of who made it
	CreatedAt    time.Time         `json:"_createdAt,omitzero,format:unixmilli"`    // when it was made
	UpdatedBy    string            `json:"_updatedBy,omitempty"`                    // the login of who changed it last
	UpdatedAt    time.Time         `json:"_updatedAt,omitzero,format:unixmilli"`    // when it was changed last
	StartDate    time.Time         `json:"startDate,omitzero,format:unixmilli"`     // when it began
	EndDate      time.Time         `json:"endDate,omitzero,format:unixmilli"`       // when it ended
	// Whether it was there before, so that nothing was created.
	Existing bool `json:"existing,omitempty"`
	// What else the call brought about, or didn't.
	Notes []string `json:"notes,omitempty" untrusted:"true"`
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" quiet:"_type,newDate,timeToDetect=0,access={\"_kind\":\"OrganisationAccessKind\"}"`
}

func (c *Case) identity() string { return c.ID }

func (c *Case) created() time.Time { return c.CreatedAt }

// place is c as the plan of an addition shows it: whatever else happens to the
// case doesn't make the addition a different one.
func (c *Case) place() gate.Target {
	return gate.Target{Kind: "case", ID: c.ID, Name: fmt.Sprintf("#%d %s", c.Number, c.Title)}
}

// target is c as the plan of a change shows it.
func (c *Case) target() gate.Target {
	t := c.place()
	t.Version = fmt.Sprintf("%s, updated %d", c.Status, jsoncodec.Milli(c.UpdatedAt))
	return t
}

// closedWarnings says that c is closed, for plans that add to it.
func (c *Case) closedWarnings() []string {
	if c.Stage != StageClosed {
		return nil
	}
	return []string{fmt.Sprintf("The case is closed: %s.", c.Status)}
}

// GetCaseInput is the input of [Client.GetCase].
type GetCaseInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
}

// GetCase returns one case. An unknown one is [ErrNotFound].
//
// TheHive: GET /api/v1/case/{caseId}
func (c *Client) GetCase(ctx context.Context, in GetCaseInput) (*Case, error) {
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	cs, err := entity[Case](c.wire.GetCase(ctx, id))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	return cs, nil
}

// caseRef reads how a case is named: by its id (~4096), or by its number, with a
// # in front or without.
func caseRef(name, text string) (string, error) {
	id := strings.TrimSpace(text)
	if n, ok := strings.CutPrefix(id, "#"); ok {
		id = strings.TrimSpace(n)
		if _, err := strconv.ParseUint(id, 10, 31); err != nil {
			return "", fmt.Errorf("%w: %s: %q is neither an id (~4096) nor a number (12 or #12)", ErrInvalid, name, clip.Text(text, 80))
		}
	}
	if n, err := strconv.ParseUint(id, 10, 31); err == nil {
		id = strconv.FormatUint(n, 10)
	}
	if id == "" {
		return "", fmt.Errorf("%w: %s: is empty", ErrInvalid, name)
	}
	return id, nil
}

// ListCasesInput is the input of [Client.ListCases]. What is left out doesn't filter.
type ListCasesInput struct {
	// open, closed, New, InProgress, TruePositive, FalsePositive, Indeterminate, Duplicated, Other, or one of
	// the server's own.
	Status   string   `json:"status,omitempty" maxLength:"64"`
	Severity Severity `json:"severity,omitempty"` // this severity
	// All of these.
	Tags  []string `json:"tags,omitempty" maxItems:"20" maxLength:"128"`
	Owner string   `json:"owner,omitempty" alias:"assignee" maxLength:"128"` // only those assigned to this login
	// New, InProgress or Closed, whatever the status.
	Stage  Stage `json:"stage,omitempty" pattern:"^(New|InProgress|Closed)$"`
	After  Date  `json:"createdAfter,omitempty"`                                 // made after this moment
	Before Date  `json:"createdBefore,omitempty"`                                // made before this moment
	Offset int   `json:"offset,omitempty" minimum:"0"`                           // how many to skip
	Limit  int   `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many to return at most
}

// Validate refuses dates that aren't in milliseconds.
func (in *ListCasesInput) Validate() error {
	return errors.Join(in.Severity.check(), in.After.check("createdAfter"), in.Before.check("createdBefore"))
}

// A CasePage is one page of cases.
type CasePage struct {
	Cases []*Case `json:"cases"` // the cases
	// How many cases match in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are cases behind this page.
	More bool `json:"more"`
	// What wasn't looked at.
	Note string `json:"note,omitempty"`

	unread *paging.Rows[*Case]
}

// FirstRows returns the page with its first n cases, for an answer without room for
// all. The next one is had by its offset.
func (p *CasePage) FirstRows(n int) (page any, next map[string]any) {
	short := *p
	short.Cases, short.unread, short.More = p.Cases[:n], nil, true
	return &short, map[string]any{"offset": p.Offset + n}
}

// ListCases returns one page of cases, newest first. [Client.Cases] walks all of them.
//
// TheHive: POST /api/v1/query, listCase
func (c *Client) ListCases(ctx context.Context, in ListCasesInput) (*CasePage, error) {
	return paging.Complete(c.listCases(ctx, in))
}

// listCases is ListCases with rows that aren't read.
func (c *Client) listCases(ctx context.Context, in ListCasesInput) (*CasePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, err := c.caseQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	p, err := c.casePage(ctx, q, in.Offset, in.Limit)
	if err == nil && p.Total == 0 {
		err = c.checkUser(ctx, "owner", in.Owner)
	}
	if err != nil {
		return nil, err
	}
	return p, nil
}

// caseQuery is what lists the cases that in matches.
func (c *Client) caseQuery(ctx context.Context, in ListCasesInput) (Query, error) {
	q, err := c.inStatus(ctx, All(KindCase), KindCaseStatus, in.Status)
	if err != nil {
		return q, err
	}
	if in.Severity != 0 {
		q = q.Where(Eq("severity", in.Severity))
	}
	q = q.having("stage", string(in.Stage)).having("assignee", in.Owner)
	return q.tagged(in.Tags).dated("_createdAt", in.After, in.Before), nil
}

// tagged keeps what has all of tags.
func (q Query) tagged(tags []string) Query {
	for _, t := range tags {
		q = q.Where(Eq("tags", t))
	}
	return q
}

// dated keeps what has a date in field between two; zero is no bound.
func (q Query) dated(field string, after, before Date) Query {
	if after != 0 {
		q = q.Where(Gte(field, after.ms()))
	}
	if before != 0 {
		q = q.Where(Lt(field, before.ms()))
	}
	return q
}

// casePage returns one page of what q gives, newest first, with rows that aren't read.
func (c *Client) casePage(ctx context.Context, q Query, offset, limit int) (*CasePage, error) {
	sent, total, err := paged[json.RawMessage](ctx, c, "cases", order{"_createdAt", Desc}, offset, limit, q)
	if err = c.casesFound(ctx, &found[*Case]{total: total}, err); err != nil {
		return nil, err
	}
	p := &CasePage{Total: total, Offset: offset, More: offset+len(sent) < total}
	paging.Where(func(p *CasePage) *paging.Rows[*Case] { return p.unread })
	p.unread = unread(&p.Cases, sent)
	return p, nil
}

// casesFound explains why there are no cases: err, or that it is the key's fault.
func (c *Client) casesFound(ctx context.Context, f *found[*Case], err error) error {
	if err != nil {
		return c.explain(ctx, err)
	}
	if f.total > 0 {
		return nil
	}
	return c.cannotHaveCases(ctx)
}

// Cases returns an iterator over every case that in matches, newest first, from
// in.Offset on. Each is yielded once, also when cases are opened, changed or
// closed on the way. A page of requests has in.Limit cases; left out: 500.
func (c *Client) Cases(ctx context.Context, in ListCasesInput) iter.Seq2[*Case, error] {
	return everything(ctx, c, "cases", in, all[ListCasesInput, *Case](c.caseQuery))
}

// SearchCasesInput is the input of [Client.SearchCases].
type SearchCasesInput struct {
	// A number, or words or parts of words, all in title, description, summary or tags; "in quotes": as it
	// is.
	Query  string `json:"query" minLength:"1" maxLength:"512"`
	Offset int    `json:"offset,omitempty" minimum:"0"`                           // how many to skip
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many to return at most
}

// SearchCases returns one page of the cases that hold every word of a text, in
// whatever order, in their title, description, summary or tags, or that have it
// for a number; newest first. What stands in quotes must be there as it is.
//
// TheHive: POST /api/v1/query, listCase
func (c *Client) SearchCases(ctx context.Context, in SearchCasesInput) (*CasePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, s, err := caseSearch(in.Query)
	if err != nil {
		return nil, err
	}
	f, err := searched(ctx, c, "cases", s, in.Offset, in.Limit, q, (*Case).texts)
	if err = c.casesFound(ctx, f, err); err != nil {
		return nil, err
	}
	return &CasePage{Cases: f.items, Total: f.total, Offset: in.Offset, More: in.Offset+len(f.items) < f.total, Note: f.note}, nil
}

// CasesMatching returns an iterator over every case that a text is in, as
// [Client.SearchCases] looks for it, newest first, from in.Offset on; each is yielded
// once, also when cases change on the way. A page of requests has in.Limit cases;
// left out: 500.
func (c *Client) CasesMatching(ctx context.Context, in SearchCasesInput) iter.Seq2[*Case, error] {
	return everything(ctx, c, "cases", in, func(_ context.Context, in SearchCasesInput) (Query, func(*Case) bool, error) {
		q, s, err := caseSearch(in.Query)
		return q, func(cs *Case) bool { return s.holds(cs.texts()...) }, err
	})
}

// caseSearch is what finds the cases that may hold a text, and what to hold against
// them.
func caseSearch(text string) (Query, search, error) {
	if n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(text), "#")); err == nil && n > 0 {
		s := search{words: []string{strconv.Itoa(n)}}
		return All(KindCase).Where(Or(Eq("number", n), s.filter(caseTexts...))), s, nil
	}
	s, err := parseSearch("query", text)
	return All(KindCase).Where(s.filter(caseTexts...)), s, err
}

// texts are what caseTexts names.
func (cs *Case) texts() []string {
	return append([]string{cs.Title, cs.Description, cs.Summary}, cs.Tags...)
}

// caseTexts are the fields of a case that are searched.
var caseTexts = []string{"title", "description", "summary", "tags"}

// CreateCaseInput is the input of [Client.CreateCase].
type CreateCaseInput struct {
	Title string `json:"title" minLength:"1" maxLength:"512"` // its title
	// Markdown. Empty: the title.
	Description string   `json:"description,omitempty" maxLength:"1048576"`
	Severity    Severity `json:"severity,omitempty"`                                          // how severe it is; default: medium
	TLP         *TLP     `json:"tlp,omitempty"`                                               // how far it may be passed on; nil: the default
	PAP         *PAP     `json:"pap,omitempty"`                                               // what may be done with it; nil: the default
	Tags        []string `json:"tags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"` // its tags
	Flag        bool     `json:"flag,omitempty"`                                              // whether it is flagged
	Owner       string   `json:"owner,omitempty" alias:"assignee" maxLength:"128"`            // the login of whom it is assigned to
	// Its name. What is set here wins over it.
	Template string `json:"template,omitempty" alias:"caseTemplate" maxLength:"128"`
	// By name.
	CustomFields map[string]json.RawMessage `json:"customFields,omitempty"`
	// A word of your own, such as the alert's id. A case that has it is returned instead of a second one.
	Key string `json:"key,omitempty" pattern:"^[0-9A-Za-z_.:-]{1,100}$"`
	// When that case is closed: refuse, reuse it, or create another. Default: refuse.
	IfClosed IfClosed `json:"ifClosed,omitempty"`
}

// IfClosed says what becomes of a creation when the case that has its key is closed.
type IfClosed string

// What to do with a closed case.
const (
	ClosedRefuse IfClosed = "refuse"
	ClosedReuse  IfClosed = "reuse"
	ClosedCreate IfClosed = "create"
)

// Enum lists the values for schemas.
func (IfClosed) Enum() []any { return []any{ClosedRefuse, ClosedReuse, ClosedCreate} }

// keyTag is the tag by which a case with a key is found again.
func keyTag(key string) string { return "key:" + key }

// keyed are the newest cases with a key, at most 50.
func (c *Client) keyed(ctx context.Context, key string) ([]*Case, error) {
	p, err := paging.Complete(c.casePage(ctx, All(KindCase).Where(Eq("tags", keyTag(key))), 0, 50))
	if err != nil {
		return nil, err
	}
	return p.Cases, nil
}

// byKey returns the case with the key of in, or nil if one shall be made: of
// those that are open the oldest, so that all who ask get the same.
func (c *Client) byKey(ctx context.Context, in CreateCaseInput) (*Case, error) {
	if in.Key == "" {
		return nil, nil
	}
	cases, err := c.keyed(ctx, in.Key)
	if err != nil {
		return nil, err
	}
	if first := oldestOpen(cases); first != nil {
		return first, nil
	}
	switch {
	case len(cases) == 0 || in.IfClosed == ClosedCreate:
		return nil, nil
	case in.IfClosed == ClosedReuse:
		return cases[0], nil
	}
	cs := cases[0]
	return nil, fmt.Errorf("%w: case #%d (%s) has the key %q and is closed as %s; say by ifClosed whether to reuse it or to create another", ErrInvalid, cs.Number, cs.ID, in.Key, cs.Status)
}

// oldestOpen returns the case with the lowest number of those that aren't closed, or nil.
func oldestOpen(cases []*Case) *Case {
	var first *Case
	for _, cs := range cases {
		if cs.Stage != StageClosed && (first == nil || cs.Number < first.Number) {
			first = cs
		}
	}
	return first
}

// fill completes in with what TheHive wants, and with what it takes from a
// template only if nothing else is given: its tags.
func (in *CreateCaseInput) fill(ctx context.Context, c *Client) error {
	if in.Description == "" {
		in.Description = in.Title
	}
	in.Severity = cmp.Or(in.Severity, Medium)
	if in.Key != "" {
		in.Tags = append(slices.Clone(in.Tags), keyTag(in.Key))
	}
	tags, err := c.withTemplateTags(ctx, in.Template, in.Tags)
	in.Tags = tags
	return err
}

// withTemplateTags unites tags with those of a template: since 5.7.1 TheHive
// takes the template's only where no others are given.
func (c *Client) withTemplateTags(ctx context.Context, template string, tags []string) ([]string, error) {
	if template == "" {
		return unique(tags), nil
	}
	t, err := c.template(ctx, template)
	if err != nil {
		return nil, err
	}
	if len(tags) == 0 {
		return nil, nil
	}
	return unique(slices.Concat(t.Tags, tags)), nil
}

// CreateCase opens a case, or returns the one that has in.Key already. The key
// is kept as a tag, key:…, of the case. Who asks with the same key at the same
// time gets the same case: within one Client no second one is opened; if another
// process opened one meanwhile, the older of the two is returned and Notes names
// the other.
//
// TheHive: POST /api/v1/query, listCase, listCaseTemplate; POST /api/v1/case
func (c *Client) CreateCase(ctx context.Context, in CreateCaseInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if in.Key == "" {
		return c.createCase(ctx, in)
	}
	defer c.keys.lock(in.Key)()
	switch have, err := c.byKey(ctx, in); {
	case err != nil:
		return nil, err
	case have != nil:
		have.Existing = true
		return have, nil
	}
	made, err := c.createCase(ctx, in)
	if err != nil {
		return nil, err
	}
	cases, err := c.keyed(ctx, in.Key)
	if err != nil {
		made.Notes = append(made.Notes, "Whether another case was opened with this key at the same time can't be told: "+err.Error())
		return made, nil
	}
	if first := oldestOpen(cases); first != nil && first.Number < made.Number {
		first.Existing = true
		first.Notes = append(first.Notes, fmt.Sprintf("Case #%d (%s) was opened with the same key at the same time and isn't needed.", made.Number, made.ID))
		return first, nil
	}
	return made, nil
}

// createCase opens a case.
func (c *Client) createCase(ctx context.Context, in CreateCaseInput) (*Case, error) {
	if err := in.fill(ctx, c); err != nil {
		return nil, err
	}
	fields, err := c.withFields(ctx, nil, in.CustomFields)
	if err != nil {
		return nil, err
	}
	body := wire.CreateCase{
		Title: in.Title, Description: in.Description, Severity: int(in.Severity), TLP: (*int)(in.TLP), PAP: (*int)(in.PAP),
		Tags: in.Tags, Flag: in.Flag, Assignee: in.Owner, CaseTemplate: in.Template,
	}
	if fields != nil {
		body.CustomFields = *fields
	}
	cs, err := entity[Case](c.wire.CreateCase(ctx, body))
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if cs.Stage == "" { // cases have stages since TheHive 5
		return nil, fmt.Errorf("%w; case %s was opened, and what its server doesn't know is missing from it; %w", &VersionError{Version: "4 or older"}, cs.ID, gate.ErrOutcomeUnknown)
	}
	for _, t := range in.Tags {
		if !slices.Contains(cs.Tags, t) {
			cs.Notes = append(cs.Notes, fmt.Sprintf("The case was opened without the tag %q.", t))
		}
	}
	return cs, nil
}

// keyLocks let one caller at a time look for a key and use it.
type keyLocks struct {
	mu    sync.Mutex
	locks map[string]*keyLock
}

type keyLock struct {
	mu   sync.Mutex
	uses int
}

// lock waits for key and returns what gives it back.
func (k *keyLocks) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*keyLock{}
	}
	l := k.locks[key]
	if l == nil {
		l = &keyLock{}
		k.locks[key] = l
	}
	l.uses++
	k.mu.Unlock()
	l.mu.Lock()
	return func() {
		l.mu.Unlock()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.uses--; l.uses == 0 {
			delete(k.locks, key)
		}
	}
}

func (c *Client) planCreateCase(ctx context.Context, in CreateCaseInput) (gate.Plan, error) {
	switch have, err := c.byKey(ctx, in); {
	case err != nil:
		return gate.Plan{}, err
	case have != nil:
		return gate.Plan{
			Summary: "Open no case in TheHive: there is one with this key.", Targets: []gate.Target{have.place()},
			Undo: "Nothing is changed.", Warnings: have.closedWarnings(),
		}, nil
	}
	described := in.Description != ""
	if err := in.fill(ctx, c); err != nil {
		return gate.Plan{}, err
	}
	if _, err := c.withFields(ctx, nil, in.CustomFields); err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkUser(ctx, "owner", in.Owner); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Open a case in TheHive.",
		Changes: []gate.Change{gate.Set("title", in.Title), gate.Set("severity", in.Severity)},
		Undo:    "Close the case (thehive_close_case), or delete it (thehive_delete_case).",
	}
	if described {
		p.Changes = append(p.Changes, gate.Set("description", in.Description))
	}
	p.Changes = appendMarking(p.Changes, in.TLP, in.PAP)
	p.Changes = appendSet(p.Changes, "tags", strings.Join(in.Tags, ", "))
	p.Changes = appendSet(p.Changes, "flag", in.Flag)
	p.Changes = appendSet(p.Changes, "key", in.Key)
	p.Changes = appendSet(p.Changes, "assignee", in.Owner)
	p.Changes = appendSet(p.Changes, "template", in.Template)
	diff{&p.Changes}.custom(nil, in.CustomFields)
	return p, nil
}

// appendMarking adds the TLP and the PAP that are given.
func appendMarking(changes []gate.Change, tlp *TLP, pap *PAP) []gate.Change {
	if tlp != nil {
		changes = append(changes, gate.Set("TLP", *tlp))
	}
	if pap != nil {
		changes = append(changes, gate.Set("PAP", *pap))
	}
	return changes
}

// appendRemarking adds changes of the markings that one of several things has, each
// once, so that a lowered one is seen.
func appendRemarking(changes []gate.Change, hadTLP TLP, hadPAP PAP, tlp *TLP, pap *PAP) []gate.Change {
	add := func(c gate.Change) {
		if !slices.Contains(changes, c) {
			changes = append(changes, c)
		}
	}
	if tlp != nil {
		add(gate.Changed("TLP", hadTLP, *tlp))
	}
	if pap != nil {
		add(gate.Changed("PAP", hadPAP, *pap))
	}
	return changes
}

// DeleteCaseInput is the input of [Client.DeleteCase].
type DeleteCaseInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
	// Changes nothing.
	Force bool `json:"force,omitempty"`
}

// Deleted confirms a deletion.
type Deleted struct {
	ID      string `json:"id"`      // what was deleted
	Deleted bool   `json:"deleted"` // whether it was deleted
}

// DeleteCase deletes a case with its tasks, observables and comments. Nobody
// can undo it.
//
// TheHive: DELETE /api/v1/case/{caseId}
func (c *Client) DeleteCase(ctx context.Context, in DeleteCaseInput) (*Deleted, error) {
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	if err := httpx.Done(c.wire.DeleteCase(ctx, id)); err != nil {
		return nil, err
	}
	return &Deleted{ID: in.CaseID, Deleted: true}, nil
}

func (c *Client) planDeleteCase(ctx context.Context, in DeleteCaseInput) (gate.Plan, error) {
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: "Delete a case in TheHive, with all that is in it.", Targets: []gate.Target{cs.target()}}
	at := place{cs: cs}
	for _, part := range []struct {
		what string
		hops []Hop
	}{
		{"tasks", []Hop{HopTasks}}, {"log entries", []Hop{HopTasks, HopLogs}}, {"observables", []Hop{HopObservables}}, {"comments", []Hop{HopComments}},
		{"procedures", []Hop{HopProcedures}}, {"attachments", []Hop{HopAttachments}}, {"pages", []Hop{HopPages}},
	} {
		if err := c.planLoss(ctx, &p, part.what, at.query(part.hops...)); err != nil {
			return p, err
		}
	}
	timeline, err := c.GetCaseTimeline(ctx, GetCaseTimelineInput{CaseID: cs.ID})
	if err != nil {
		return p, err
	}
	events := 0
	for _, e := range timeline.Events {
		if e.Entity == "CustomEvent" {
			events++
		}
	}
	if events > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d events of its timeline are deleted with it.", events))
	}
	n, err := count(ctx, c, "case-alerts", inCase(cs.ID, HopAlerts))
	if err != nil {
		return p, err
	}
	if n > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d alerts are taken out of it and stay.", n))
	}
	return p, nil
}

// planLoss tells in a plan of a deletion how many things of a kind go with it, and of
// when the newest is: one that is added later makes an approval stale.
func (c *Client) planLoss(ctx context.Context, p *gate.Plan, what string, q Query) error {
	newest, n, err := paged[*dated](ctx, c, "lost-"+strings.ReplaceAll(what, " ", "-"), order{"_createdAt", Desc}, 0, 1, q)
	if err == nil && n > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d %s are deleted with it, the newest of %s.", n, what, instant(newest[0].at())))
	}
	return err
}

// dated is anything that was made at some time.
type dated struct {
	CreatedAt time.Time `json:"_createdAt,format:unixmilli"`
	Comment   time.Time `json:"createdAt,format:unixmilli"` // of a comment
}

func (d *dated) at() time.Time {
	if d.CreatedAt.IsZero() {
		return d.Comment
	}
	return d.CreatedAt
}
