package thehive

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// ObjectType is what a responder acts on, in Cortex's words.
type ObjectType string

// The objects.
const (
	ObjectCase       ObjectType = "case"
	ObjectTask       ObjectType = "case_task"
	ObjectObservable ObjectType = "case_artifact"
	ObjectTaskLog    ObjectType = "case_task_log"
	ObjectAlert      ObjectType = "alert"
)

// Enum lists the values for schemas.
func (ObjectType) Enum() []any {
	return []any{ObjectCase, ObjectTask, ObjectObservable, ObjectTaskLog, ObjectAlert}
}

// An Action is one run of a responder.
type Action struct {
	ID            string `json:"_id"`                     // its id
	ResponderID   string `json:"responderId"`             // the responder
	ResponderName string `json:"responderName,omitempty"` // the responder's name
	ObjectType    string `json:"objectType"`              // of which kind the object is
	ObjectID      string `json:"objectId"`                // on which object
	// Waiting, InProgress, Success, Failure or Deleted.
	Status    JobStatus `json:"status"`
	CortexID  string    `json:"cortexId,omitempty"`                  // which Cortex server
	StartDate time.Time `json:"startDate,omitzero,format:unixmilli"` // when it began
	EndDate   time.Time `json:"endDate,omitzero,format:unixmilli"`   // when it ended
	// What the responder says, as JSON.
	Report    string `json:"report,omitempty" untrusted:"true"`
	CreatedBy string `json:"_createdBy,omitempty"` // the login of who made it

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true" quiet:"_type,newDate"`
}

func (a *Action) identity() string { return a.ID }

// ListRespondersInput is the input of [Client.ListResponders].
type ListRespondersInput struct {
	ObjectType ObjectType `json:"objectType"` // of which kind the object is
	// The id of the object; of a case its number (#12) too, of an alert type;source;sourceRef too.
	ObjectID string `json:"objectId" alias:"id"`
}

// Responders are what can act on an object, and what did.
type Responders struct {
	Responders []*Worker `json:"responders"` // the responders that can act on it
	// What was run on it before, and how that went.
	Actions []*Action `json:"actions"`
}

// ListResponders returns the responders that take an object, and the actions
// that were taken on it.
//
// TheHive: GET /api/v1/connector/cortex/responder/{entityType}/{entityId} and …/action/…
func (c *Client) ListResponders(ctx context.Context, in ListRespondersInput) (*Responders, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := c.objectID(ctx, in.ObjectType, in.ObjectID)
	if err != nil {
		return nil, err
	}
	list, err := workers(c.wire.ListResponders(ctx, string(in.ObjectType), id))
	if err != nil {
		return nil, err
	}
	actions, err := listed[*Action](c.wire.ListActions(ctx, string(in.ObjectType), id))
	if err != nil {
		return nil, err
	}
	return &Responders{Responders: list, Actions: actions}, nil
}

// objectID is the id of what is named: a case by its number too, an alert by
// type;source;sourceRef too.
func (c *Client) objectID(ctx context.Context, kind ObjectType, name string) (string, error) {
	switch {
	case kind == ObjectAlert:
		return c.alertID(ctx, name)
	case kind != ObjectCase || strings.HasPrefix(strings.TrimSpace(name), "~"):
		return strings.TrimSpace(name), nil
	}
	ref, err := caseRef("objectId", name)
	if err != nil {
		return "", err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: ref})
	if err != nil {
		return "", err
	}
	return cs.ID, nil
}

// RunResponderInput is the input of [Client.RunResponder].
type RunResponderInput struct {
	// Or its name.
	ResponderID string `json:"responderId" minLength:"1" maxLength:"128"`
	// Default: any that has it.
	CortexID   string     `json:"cortexId,omitempty" maxLength:"128"`
	ObjectType ObjectType `json:"objectType"` // of which kind the object is
	// The id of the object; of a case its number (#12) too, of an alert type;source;sourceRef too.
	ObjectID string `json:"objectId" alias:"id"`
}

// responder finds the responder that in names among those for its object.
func (c *Client) responder(ctx context.Context, in RunResponderInput) (*Worker, error) {
	got, err := workers(c.wire.ListResponders(ctx, string(in.ObjectType), in.ObjectID))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, w := range got {
		names = append(names, w.ID)
		if w.ID != in.ResponderID && w.Name != in.ResponderID {
			continue
		}
		if in.CortexID != "" && len(w.CortexIDs) > 0 && !slices.Contains(w.CortexIDs, in.CortexID) {
			return nil, fmt.Errorf("%w: cortexId: %q doesn't have %s; %s", ErrInvalid, in.CortexID, w.ID, strings.Join(w.CortexIDs, ", "))
		}
		return w, nil
	}
	return nil, fmt.Errorf("%w: responderId: %q isn't a responder for this %s; there are %s", ErrInvalid, in.ResponderID, in.ObjectType, strings.Join(names, ", "))
}

// RunResponder runs a responder on an object. TheHive itself hands the object
// to Cortex. The responder acts on the real world; nobody can undo it here.
//
// TheHive: POST /api/v1/connector/cortex/action
func (c *Client) RunResponder(ctx context.Context, in RunResponderInput) (*Action, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	var err error
	if in.ObjectID, err = c.objectID(ctx, in.ObjectType, in.ObjectID); err != nil {
		return nil, err
	}
	w, err := c.responder(ctx, in)
	if err != nil {
		return nil, err
	}
	return entity[Action](c.wire.CreateAction(ctx, wire.CreateAction{
		ResponderID: w.ID, CortexID: in.CortexID, ObjectType: string(in.ObjectType), ObjectID: in.ObjectID,
	}))
}

func (c *Client) planRunResponder(ctx context.Context, in RunResponderInput) (gate.Plan, error) {
	var err error
	if in.ObjectID, err = c.objectID(ctx, in.ObjectType, in.ObjectID); err != nil {
		return gate.Plan{}, err
	}
	w, err := c.responder(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	o, err := c.object(ctx, in.ObjectType, in.ObjectID)
	if err != nil {
		return gate.Plan{}, err
	}
	kind := o.targets[0].Kind
	return gate.Plan{
		Summary:  fmt.Sprintf("Run the responder %s of Cortex on the %s %s in TheHive. It acts on the real world.", w.Name, kind, in.ObjectID),
		Targets:  o.targets,
		Changes:  []gate.Change{gate.Set("responder", strings.TrimSuffix(w.Name+": "+w.Description, ": "))},
		Egress:   []gate.Egress{{To: strings.TrimSpace(w.Name + " on Cortex " + in.CortexID), What: "the whole " + kind, TLP: o.marking}},
		Warnings: o.warnings,
	}, nil
}

// An acted is what a responder would act on: the object and, as far as they are
// known, the observables in it, so that what a policy protects is recognised.
type acted struct {
	targets  []gate.Target
	marking  string
	warnings []string
}

// maxActed is how many observables of a case or an alert a plan names.
const maxActed = 100

func (c *Client) object(ctx context.Context, kind ObjectType, id string) (*acted, error) {
	marking := func(t TLP, p PAP) string { return fmt.Sprintf("TLP:%s PAP:%s", t, p) }
	switch kind {
	case ObjectCase:
		cs, err := c.GetCase(ctx, GetCaseInput{CaseID: id})
		if err != nil {
			return nil, err
		}
		return c.within(ctx, &acted{targets: []gate.Target{cs.target()}, marking: marking(cs.TLP, cs.PAP)}, inCase(cs.ID, HopObservables))
	case ObjectAlert:
		a, err := c.GetAlert(ctx, GetAlertInput{AlertID: id})
		if err != nil {
			return nil, err
		}
		return c.within(ctx, &acted{targets: []gate.Target{a.target()}, marking: marking(a.TLP, a.PAP)}, One(KindAlert, a.ID).To(HopObservables))
	case ObjectObservable:
		o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: id})
		if err != nil {
			return nil, err
		}
		return &acted{targets: []gate.Target{o.acted()}, marking: marking(o.TLP, o.PAP)}, nil
	case ObjectTask:
		task, err := c.task(ctx, id)
		if err != nil {
			return nil, err
		}
		return &acted{targets: []gate.Target{task.target()}, warnings: []string{uncompared}}, nil
	case ObjectTaskLog:
		return &acted{targets: []gate.Target{{Kind: "task log", ID: id}}, warnings: []string{uncompared}}, nil
	}
	return nil, fmt.Errorf("%w: objectType: %q is none", ErrInvalid, kind)
}

const uncompared = "what the responder reads in the case was not compared with what the policy protects"

// within adds the observables that q finds to what is acted on.
func (c *Client) within(ctx context.Context, a *acted, q Query) (*acted, error) {
	got, total, err := paged[*Observable](ctx, c, "acted-observables", order{"_createdAt", Desc}, 0, maxActed, q)
	if err == nil {
		err = whole(got)
	}
	if err != nil {
		return nil, err
	}
	for _, o := range got {
		a.targets = append(a.targets, o.acted())
	}
	if rest := total - len(got); rest > 0 {
		a.warnings = append(a.warnings, counted(rest, "further observable")+" can't be shown here and were not compared with what the policy protects")
	}
	return a, nil
}

// acted is o as a target: named by its value alone, as a policy names it.
func (o *Observable) acted() gate.Target {
	return gate.Target{Kind: o.DataType + " observable", ID: o.ID, Name: o.value()}
}
