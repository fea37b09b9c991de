package soc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/spelling"
	"github.com/sallyport-soc/sallyport/thehive"
)

// tagPrefix begins the tags that say which technique a case is about.
const tagPrefix = "mitre:"

// EnrichCaseInput is the input of [Client.EnrichCase].
type EnrichCaseInput struct {
	CaseID string `json:"caseId"` // the case, by its id or number
	// Beside those it names itself.
	Techniques []string `json:"techniques,omitempty" maxItems:"50"`
	// Tag the case with them (mitre:T1110): a write, needs approval.
	AddTags bool `json:"addTags,omitempty"`
}

// EnrichCaseOutput is the output of [Client.EnrichCase].
type EnrichCaseOutput struct {
	Case *thehive.Case `json:"case"` // the case
	// The techniques of the case, the surest first.
	Techniques []Technique `json:"techniques"`
	// Ids that the case names and this ATT&CK doesn't have.
	Unknown []string `json:"unknown,omitempty"`
	// Groups known to use most of the techniques. A lead, not an attribution.
	Groups []GroupOverlap `json:"groups"`
	// Tags that were added by this call.
	TagsAdded []string         `json:"tagsAdded"`
	Note      string           `json:"note,omitempty"` // what to know about the answer
	Platforms []PlatformStatus `json:"platforms"`      // which platforms answered
}

// EnrichCase sets a case beside ATT&CK. Techniques come from the caller, from
// the case's tags and procedures and from ids in its text; a guess from words
// is made only if there are none, and is never written. With AddTags the case
// gets a tag for each technique that it lacks.
//
// TheHive: GET and PATCH /api/v1/case/{caseId}
func (c *Client) EnrichCase(ctx context.Context, in EnrichCaseInput) (*EnrichCaseOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	out, tags, err := c.enrich(ctx, in)
	if err != nil || !in.AddTags || len(tags) == 0 {
		return out, err
	}
	cs, err := c.hive.AddCaseTags(ctx, thehive.AddCaseTagsInput{CaseID: in.CaseID, Tags: tags})
	if err != nil {
		return nil, err
	}
	out.Case, out.TagsAdded = cs, tags
	return out, nil
}

func (c *Client) planEnrichCase(ctx context.Context, in EnrichCaseInput) (gate.Plan, error) {
	out, tags, err := c.enrich(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: "Tag a case in TheHive with its ATT&CK techniques.",
		Targets: []gate.Target{{
			Kind: "case", ID: out.Case.ID, Name: fmt.Sprintf("#%d %s", out.Case.Number, out.Case.Title),
			Version: strings.Join(out.Case.Tags, ", "),
		}},
		Undo: "Remove the tags (thehive_remove_case_tags).",
	}
	for _, tag := range tags {
		p.Changes = append(p.Changes, gate.Set("add tag", tag))
	}
	if len(tags) == 0 {
		p.Warnings = append(p.Warnings, "The case has all of these tags; nothing would change.")
	}
	return p, nil
}

// enrich reads what EnrichCase answers, and which tags the case lacks.
func (c *Client) enrich(ctx context.Context, in EnrichCaseInput) (*EnrichCaseOutput, []string, error) {
	if c.hive == nil {
		return nil, nil, errNoHive
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, nil, err
	}
	if _, err := known(kb, in.Techniques); err != nil && in.AddTags {
		return nil, nil, err
	}
	began := time.Now()
	cs, err := c.hive.GetCase(ctx, thehive.GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return nil, nil, err
	}
	procedures, perr := c.procedures(ctx, cs.ID)
	out := &EnrichCaseOutput{
		Case: cs, Techniques: []Technique{}, TagsAdded: []string{},
		Platforms: []PlatformStatus{standing("thehive", true, perr, time.Since(began))},
	}
	if perr != nil {
		out.Note = "the procedures of the case could not be read; "
	}
	named := mapped{kb: kb}
	named.add(in.Techniques, FromInput)
	for _, p := range procedures {
		named.add([]string{p.PatternID}, FromProcedure)
	}
	for _, tag := range cs.Tags {
		named.add(attack.IDs(tag), FromTag)
	}
	named.add(attack.IDs(cs.Title+"\n"+cs.Description), FromText)
	out.Techniques, out.Unknown = append(out.Techniques, named.techniques...), named.unknown

	var sure []*attack.Technique
	var tags []string
	for _, t := range out.Techniques {
		if tech, ok := kb.Technique(t.ID); ok {
			sure = append(sure, tech)
		}
		if tag := tagPrefix + t.ID; !slices.ContainsFunc(cs.Tags, func(s string) bool { return strings.EqualFold(s, tag) }) {
			tags = append(tags, tag)
		}
	}
	out.Groups = overlap(kb, sure)
	if len(out.Techniques) == 0 {
		out.Techniques = append(out.Techniques, guess(kb, MapWazuhAlertInput{RuleDescription: cs.Title}, nil)...)
		out.Note += "the case names no technique; what is listed are guesses from its title, not facts, and none is written"
	}
	out.Note = named.note(out.Note)
	return out, tags, nil
}

// procedures are the techniques recorded with a case, the last 500 used.
func (c *Client) procedures(ctx context.Context, caseID string) ([]*thehive.Procedure, error) {
	p, err := c.hive.ListProcedures(ctx, thehive.ListProceduresInput{CaseID: caseID, Limit: 500})
	if err != nil {
		return nil, err
	}
	return p.Procedures, nil
}

// Observable is a value to put into a new case.
type Observable struct {
	DataType string `json:"dataType" minLength:"1" maxLength:"64"` // the type of the observable
	// The value.
	Data    string `json:"data" minLength:"1" maxLength:"4096"`
	IOC     bool   `json:"ioc,omitempty"`                       // whether it is an indicator of compromise
	Message string `json:"message,omitempty" maxLength:"10000"` // what was noted on it
}

// CreateCaseInput is the input of [Client.CreateCase].
type CreateCaseInput struct {
	Title string `json:"title" minLength:"1" maxLength:"512"` // its title
	// Such as T1110.
	Techniques []string `json:"techniques" minItems:"1" maxItems:"50"`
	// Markdown; the techniques are listed below it.
	Description string           `json:"description,omitempty" maxLength:"100000"`
	Severity    thehive.Severity `json:"severity,omitempty"`                   // this severity
	TLP         *thehive.TLP     `json:"tlp,omitempty"`                        // how far it may be passed on; nil: the default
	Observables []Observable     `json:"observables,omitempty" maxItems:"100"` // the observables
	gate.Confirmation
}

// CreateCaseOutput is the output of [Client.CreateCase].
type CreateCaseOutput struct {
	Case        *thehive.Case         `json:"case"`        // the case
	Observables []*thehive.Observable `json:"observables"` // the observables
	Tasks       []*thehive.Task       `json:"tasks"`       // the tasks
	// What could not be put into the case, and why.
	Failed []string `json:"failed"`
}

// caseParts are the writes of one CreateCase, in order. Plan and execution are
// both made from them.
type caseParts struct {
	open        thehive.CreateCaseInput
	observables []thehive.CreateObservableBulkInput
	tasks       []string
}

func (c *Client) parts(ctx context.Context, in CreateCaseInput) (*caseParts, error) {
	if c.hive == nil {
		return nil, errNoHive
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	techniques, err := known(kb, in.Techniques)
	if err != nil {
		return nil, err
	}
	p := &caseParts{open: thehive.CreateCaseInput{Title: in.Title, Severity: cmp.Or(in.Severity, thehive.Medium), TLP: in.TLP}}
	var text strings.Builder
	if in.Description != "" {
		text.WriteString(in.Description + "\n\n")
	}
	text.WriteString("## ATT&CK\n\n")
	for _, t := range techniques {
		var names []string
		for _, ta := range t.Tactics() {
			names = append(names, ta.Name)
			p.open.Tags = appendNew(p.open.Tags, "attack."+ta.ShortName)
			p.tasks = appendNew(p.tasks, "Investigate: "+ta.Name)
		}
		p.open.Tags = appendNew(p.open.Tags, tagPrefix+t.ID)
		fmt.Fprintf(&text, "- [%s](%s) %s (%s)\n", t.ID, t.URL(), t.Name, strings.Join(names, ", "))
	}
	p.open.Description = text.String()
	for _, o := range in.Observables {
		p.observables = append(p.observables, thehive.CreateObservableBulkInput{
			DataType: o.DataType, Data: []string{spelling.PlainOf(o.DataType, o.Data)}, IOC: o.IOC, Message: o.Message,
		})
	}
	return p, nil
}

func appendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (c *Client) planCreateCase(ctx context.Context, in CreateCaseInput) (gate.Plan, error) {
	parts, err := c.parts(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: fmt.Sprintf("Open a case in TheHive with %d observables and %d tasks.", len(parts.observables), len(parts.tasks)),
		Changes: []gate.Change{
			gate.Set("title", parts.open.Title), gate.Set("severity", parts.open.Severity),
			gate.Set("description", parts.open.Description), gate.Set("tags", strings.Join(parts.open.Tags, ", ")),
		},
		Undo: "Close the case (thehive_close_case), or delete it (thehive_delete_case).",
	}
	if parts.open.TLP != nil {
		p.Changes = append(p.Changes, gate.Set("TLP", *parts.open.TLP))
	}
	for i, o := range parts.observables {
		if err := c.hive.CheckDataType(ctx, o.DataType); err != nil {
			return gate.Plan{}, fmt.Errorf("observables[%d]: %w", i, err)
		}
		value := o.DataType + " " + o.Data[0]
		if o.IOC {
			value += ", IOC"
		}
		if o.Message != "" {
			value += ": " + o.Message
		}
		p.Changes = append(p.Changes, gate.Set("observable", value))
	}
	for _, t := range parts.tasks {
		p.Changes = append(p.Changes, gate.Set("task", t))
	}
	return p, nil
}

// CreateCase opens a case for techniques. Once the case is there, what can't be
// put into it is listed and doesn't undo the rest.
//
// TheHive: POST /api/v1/case, then .../observable and .../task
func (c *Client) CreateCase(ctx context.Context, in CreateCaseInput) (*CreateCaseOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	parts, err := c.parts(ctx, in)
	if err != nil {
		return nil, err
	}
	cs, err := c.hive.CreateCase(ctx, parts.open)
	if err != nil {
		return nil, err
	}
	out := &CreateCaseOutput{Case: cs, Observables: []*thehive.Observable{}, Tasks: []*thehive.Task{}, Failed: []string{}}
	for _, o := range parts.observables {
		o.CaseID = cs.ID
		made, err := c.hive.CreateObservableBulk(ctx, o)
		if err != nil {
			out.Failed = append(out.Failed, fmt.Sprintf("observable %s: %s", o.Data[0], because(err)))
			continue
		}
		out.Observables = append(out.Observables, made.Created...)
		for _, f := range made.Failed {
			out.Failed = append(out.Failed, fmt.Sprintf("observable %s: %s", f.Data, f.Message))
		}
	}
	for _, title := range parts.tasks {
		task, err := c.hive.CreateTask(ctx, thehive.CreateTaskInput{CaseID: cs.ID, Title: title})
		if err != nil {
			out.Failed = append(out.Failed, fmt.Sprintf("task %q: %s", title, because(err)))
			continue
		}
		out.Tasks = append(out.Tasks, task)
	}
	return out, nil
}

func because(err error) string {
	if errors.Is(err, gate.ErrOutcomeUnknown) {
		return "it is not known whether it was made: " + err.Error()
	}
	return err.Error()
}
