package cortex

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/marking"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// An ObjectType is what a responder acts on in TheHive.
type ObjectType string

// The object types.
const (
	ObjectCase     ObjectType = "case"
	ObjectTask     ObjectType = "case_task"
	ObjectArtifact ObjectType = "case_artifact" // an observable
	ObjectAlert    ObjectType = "alert"
)

// Enum lists the values for schemas.
func (ObjectType) Enum() []any { return []any{"case", "case_task", "case_artifact", "alert"} }

// types are the names that TheHive itself gives such an entity.
var types = map[ObjectType][]string{
	ObjectCase:     {"case"},
	ObjectTask:     {"case_task", "task"},
	ObjectArtifact: {"case_artifact", "observable", "artifact"},
	ObjectAlert:    {"alert"},
}

// dataType is what Cortex calls t.
func (t ObjectType) dataType() string { return "thehive:" + string(t) }

// RunResponderInput is the input of [Client.RunResponder].
type RunResponderInput struct {
	// Or its whole name.
	ResponderID string     `json:"responderId" minLength:"1" maxLength:"128"`
	ObjectType  ObjectType `json:"objectType"` // of which kind the object is
	// Its id in TheHive.
	ObjectID string `json:"objectId" minLength:"1" maxLength:"128"`
	// The entity as TheHive describes it, where this server can't fetch it.
	Data       json.RawMessage            `json:"data,omitempty"`
	Parameters map[string]json.RawMessage `json:"parameters,omitempty"` // parameters of the responder's own
	// Not below that of the entity, the default.
	TLP *TLP `json:"tlp,omitempty"`
	// Not below that of the entity, the default.
	PAP     *PAP   `json:"pap,omitempty"`
	Message string `json:"message,omitempty" maxLength:"4096"` // kept with the job
	// Default: the name of the entity.
	Label string `json:"label,omitempty" maxLength:"256"`
	gate.Confirmation
}

// Validate checks what a schema can't.
func (in *RunResponderInput) Validate() error {
	switch {
	case types[in.ObjectType] == nil:
		return invalid("objectType %q: want case, case_task, case_artifact or alert", clip.Text(string(in.ObjectType), 80))
	case strings.TrimSpace(in.ResponderID) == "":
		return invalid("responderId is empty")
	case httpx.CheckSegment(in.ObjectID) != nil:
		return invalid("objectId %q is not an id", clip.Text(in.ObjectID, 80))
	}
	if in.TLP != nil {
		if err := checkMarking(*in.TLP, 0); err != nil {
			return err
		}
	}
	if in.PAP != nil {
		return checkMarking(0, *in.PAP)
	}
	return nil
}

// An ActionJob is a responder at work.
type ActionJob struct {
	// The job, to wait for.
	JobID         string     `json:"jobId"`
	Status        JobStatus  `json:"status"`        // how far it is
	ResponderID   string     `json:"responderId"`   // the responder
	ResponderName string     `json:"responderName"` // the responder's name
	ObjectType    ObjectType `json:"objectType"`    // of which kind the object is
	ObjectID      string     `json:"objectId"`      // on which object
	Note          string     `json:"note"`          // what to know about the answer
}

// RunResponder runs a responder on an entity of TheHive and doesn't wait for
// it. Cortex needs the entity itself: it is fetched by [Config].Entity, or else
// given as in.Data, and must be the one that in names.
//
// Cortex: GET /api/responder, POST /api/responder/{id}/run
func (c *Client) RunResponder(ctx context.Context, in RunResponderInput) (*ActionJob, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	a, err := c.action(ctx, in)
	if err != nil {
		return nil, err
	}
	j, err := httpx.JSON[wire.Job](c.wire.RunResponder(ctx, a.responder.ID, a.request(in)))
	if err != nil {
		return nil, err
	}
	if j.ID == "" {
		return nil, fmt.Errorf("cortex: %s was started and names no job; %w", a.responder.Name, gate.ErrOutcomeUnknown)
	}
	return &ActionJob{
		JobID: j.ID, Status: JobStatus(j.Status), ResponderID: a.responder.ID, ResponderName: a.responder.Name,
		ObjectType: in.ObjectType, ObjectID: in.ObjectID, Note: "the responder was started; wait for the job to learn what came of it",
	}, nil
}

// action is a responder with all that it gets.
type action struct {
	responder *Worker
	entity    *entity
	tlp       TLP
	pap       PAP
	label     string
}

// action resolves what in names. A plan and its execution both come from here.
func (c *Client) action(ctx context.Context, in RunResponderInput) (*action, error) {
	e, err := c.fetch(ctx, in)
	if err != nil {
		return nil, err
	}
	w, err := c.responder(ctx, in.ResponderID, in.ObjectType)
	if err != nil {
		return nil, err
	}
	a := &action{responder: w, entity: e, tlp: TLPAmber, pap: PAPAmber, label: in.Label}
	if e.TLP != nil {
		// The entity is TheHive's, and so is its number.
		a.tlp = TLPOf(min(max(marking.TLP(*e.TLP), marking.TLPClear), marking.TLPRed))
	}
	if e.PAP != nil {
		a.pap = min(max(PAP(*e.PAP), PAPClear), PAPRed)
	}
	if in.TLP != nil {
		if e.TLP != nil && *in.TLP < a.tlp {
			return nil, invalid("tlp %s is lower than that of the entity, %s", *in.TLP, a.tlp)
		}
		a.tlp = *in.TLP
	}
	if in.PAP != nil {
		if e.PAP != nil && *in.PAP < a.pap {
			return nil, invalid("pap %s is lower than that of the entity, %s", *in.PAP, a.pap)
		}
		a.pap = *in.PAP
	}
	if a.label == "" {
		a.label = clip.Text(e.name(), 200)
	}
	if b, err := encode(a.request(in)); err != nil {
		return nil, err
	} else if len(b) > maxJSON {
		return nil, invalid("the %s is a request of %d bytes, and Cortex takes 100 KB by default (play.http.parser.maxMemoryBuffer): the responder can't be run on it", in.ObjectType, len(b))
	}
	return a, nil
}

// maxJSON is how many bytes Cortex takes of a request without a file.
const maxJSON = 100 << 10

// request is what Cortex is sent.
func (a *action) request(in RunResponderInput) wire.RunResponder {
	return wire.RunResponder{
		Label: a.label, Data: a.entity.raw, DataType: in.ObjectType.dataType(), TLP: a.tlp.number(), PAP: int(a.pap),
		Message: in.Message, Parameters: in.Parameters,
	}
}

// responder returns the responder that is called s and takes t. A part of a
// name is not enough for what acts on the real world.
func (c *Client) responder(ctx context.Context, s string, t ObjectType) (*Worker, error) {
	all, err := c.responders(ctx)
	if err != nil {
		return nil, err
	}
	var fit, found []*Worker
	for _, w := range all {
		if w.takes(t.dataType()) {
			fit = append(fit, w)
		}
		if w.is(strings.TrimSpace(s)) {
			found = append(found, w)
		}
	}
	no := func(format string, args ...any) error {
		return &SelectionError{Reason: fmt.Sprintf(format, args...), DataType: t.dataType(), Candidates: names(fit)}
	}
	switch {
	case len(found) == 0:
		return nil, no("no enabled responder is called %q", clip.Text(s, 80))
	case len(found) > 1:
		return nil, no("%q is the name of %d responders; give the id", clip.Text(s, 80), len(found))
	case found[0].Unread != "":
		return nil, no("%s cannot be read, and is not run: %s", found[0].Name, found[0].Unread)
	case !found[0].takes(t.dataType()):
		return nil, no("%s takes %s and not %s", found[0].Name, some(found[0].DataTypes), t.dataType())
	}
	return found[0], nil
}

// entity is what a responder acts on, and what we look at in it.
type entity struct {
	ids     []string
	kind    string
	number  string
	title   string
	TLP     *int
	PAP     *int
	version string
	raw     json.RawMessage

	observables []gate.Target // those in it, or itself if it is one
}

// parseEntity reads the members of an entity by their exact names, as whoever
// gets it will.
func parseEntity(raw json.RawMessage) (*entity, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("want an object: %w", err)
	}
	if len(m) == 0 {
		return nil, errors.New("want an object that isn't empty")
	}
	once, err := json.Marshal(m) // a member that was there twice would mean different things to different readers
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(once)
	e := &entity{raw: once, version: "sha256:" + hex.EncodeToString(sum[:8])}
	text := func(name string) (s string) {
		if json.Unmarshal(m[name], &s) != nil {
			return ""
		}
		return s
	}
	for _, name := range []string{"_id", "id"} {
		if _, ok := m[name]; ok {
			e.ids = append(e.ids, text(name))
		}
	}
	e.kind = strings.ToLower(text("_type"))
	for _, name := range []string{"title", "data", "sourceRef"} {
		if e.title == "" {
			e.title = text(name)
		}
	}
	for _, name := range []string{"number", "caseId"} {
		var n int
		if e.number == "" && json.Unmarshal(m[name], &n) == nil {
			e.number = strconv.Itoa(n)
		}
	}
	e.observables = observables(decoded(once), nil)
	for name, level := range map[string]**int{"tlp": &e.TLP, "pap": &e.PAP} {
		if v, ok := m[name]; ok && json.Unmarshal(v, level) != nil {
			return nil, fmt.Errorf("%s is not a number", name)
		}
	}
	return e, nil
}

// observables appends to list what is an observable in v: an object with a
// value and the type of it, such as those that TheHive puts into an alert.
func observables(v any, list []gate.Target) []gate.Target {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			list = observables(one, list)
		}
	case map[string]any:
		kind, _ := v["dataType"].(string)
		if value, _ := v["data"].(string); kind != "" && value != "" {
			list = append(list, gate.Target{Kind: kind + " observable", ID: value})
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			list = observables(v[name], list)
		}
	}
	return list
}

// actsOn returns every text that the caller hands to a responder: any of them
// may be the address that it blocks.
func (in RunResponderInput) actsOn() []string {
	list := texts(decoded(in.Data), nil)
	for _, v := range in.Parameters {
		list = texts(decoded(v), list)
	}
	return list
}

// texts appends to list all strings in v.
func texts(v any, list []string) []string {
	switch v := v.(type) {
	case string:
		list = append(list, v)
	case []any:
		for _, one := range v {
			list = texts(one, list)
		}
	case map[string]any:
		for _, one := range v {
			list = texts(one, list)
		}
	}
	return list
}

// decoded returns raw as generic values, nil if it is no JSON.
func decoded(raw json.RawMessage) (v any) {
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	return v
}

// fetch returns the entity that in names.
func (c *Client) fetch(ctx context.Context, in RunResponderInput) (*entity, error) {
	raw := in.Data
	switch {
	case c.entity == nil && len(raw) == 0:
		return nil, invalid("data is needed: the %s %s as TheHive describes it. Cortex hands it to the responder and can't fetch it", in.ObjectType, in.ObjectID)
	case c.entity != nil && len(raw) > 0:
		return nil, invalid("data is not taken here: the %s is fetched from TheHive. Leave data out", in.ObjectType)
	case c.entity != nil:
		var err error
		if raw, err = c.entity(ctx, string(in.ObjectType), in.ObjectID); err != nil {
			return nil, fmt.Errorf("cortex: %s %s: %w", in.ObjectType, in.ObjectID, err)
		}
	}
	e, err := parseEntity(raw)
	if err != nil {
		return nil, invalid("data is no %s of TheHive: %s", in.ObjectType, err)
	}
	if !e.named(in.ObjectType, in.ObjectID) {
		return nil, invalid("data is not the %s %s: its id is %q", in.ObjectType, in.ObjectID, clip.Text(strings.Join(e.ids, ", "), 80))
	}
	if e.kind != "" && !slices.Contains(types[in.ObjectType], e.kind) {
		return nil, invalid("data is not of type %s: its _type is %q", in.ObjectType, clip.Text(e.kind, 80))
	}
	return e, nil
}

// named reports whether e is the entity of this id. A case has a number too.
func (e *entity) named(t ObjectType, id string) bool {
	if len(e.ids) == 0 {
		return false
	}
	all := true
	for _, have := range e.ids {
		all = all && have == id
	}
	return all || t == ObjectCase && e.number == id
}

// name is what a person knows e by.
func (e *entity) name() string {
	if e.number != "" {
		return "#" + e.number + " " + e.title
	}
	return e.title
}

// maxActed is how many observables of an entity a plan names.
const maxActed = 100

func (c *Client) planRunResponder(ctx context.Context, in RunResponderInput) (gate.Plan, error) {
	a, err := c.action(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary: fmt.Sprintf("Run the responder %s on a %s of TheHive.", a.responder.Name, in.ObjectType),
		Targets: []gate.Target{
			a.responder.target(),
			{Kind: string(in.ObjectType), ID: in.ObjectID, Name: a.entity.name(), Version: a.entity.version},
		},
		Changes: []gate.Change{gate.Set("marking", marked(a.tlp, a.pap))},
		Egress: []gate.Egress{{
			To: a.responder.service(), What: fmt.Sprintf("the whole %s, %d bytes", in.ObjectType, len(a.entity.raw)), TLP: marked(a.tlp, a.pap),
		}},
	}
	shown := a.entity.observables[:min(len(a.entity.observables), maxActed)]
	p.Targets = append(p.Targets, shown...)
	switch rest := len(a.entity.observables) - len(shown); {
	case len(shown) == 0:
		p.Warnings = append(p.Warnings, "no observable is in what the responder gets: what it reads in TheHive was not compared with what the policy protects")
	case rest > 0:
		p.Warnings = append(p.Warnings, count(rest, "further observable")+" can't be shown here and were not compared with what the policy protects")
	}
	if a.responder.Description != "" {
		p.Changes = append(p.Changes, gate.Set("what it does", a.responder.Description))
	}
	if p.Changes, err = remarks(p.Changes, in.Message, a.label, in.Parameters); err != nil {
		return p, err
	}
	if c.entity == nil {
		p.Changes = append(p.Changes, gate.Set("entity", string(a.entity.raw)))
		p.Warnings = append(p.Warnings, "the entity comes from the caller and was not compared with TheHive")
	}
	if a.tlp == TLPRed || a.pap == PAPRed {
		p.Warnings = append(p.Warnings, "the entity is marked "+marked(a.tlp, a.pap))
	}
	return p, nil
}
