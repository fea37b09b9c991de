package thehive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/egress"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A Worker is an analyzer or a responder of a Cortex server behind TheHive.
type Worker struct {
	ID          string `json:"id"`                    // its id
	Name        string `json:"name"`                  // its name, with its version
	Version     string `json:"version,omitempty"`     // its version
	Description string `json:"description,omitempty"` // what it does
	// The types that it takes.
	DataTypeList []string `json:"dataTypeList,omitempty"`
	// The Cortex servers that have it.
	CortexIDs []string `json:"cortexIds,omitempty"`
	// Whether the operator says that it shows data to nobody outside.
	Local bool `json:"local,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" quiet:"_type,newDate"`
}

// workers decodes an answer that lists workers.
func workers(res *httpx.Response, err error) ([]*Worker, error) {
	list, err := listed[*Worker](res, err)
	for _, w := range list {
		w.Local = false // for the operator to say, not for the server
	}
	return list, err
}

// connector calls Cortex by the path of TheHive 5, or by the older one if the
// server doesn't have that.
func (c *Client) connector(v1, old func() (*httpx.Response, error)) (*httpx.Response, error) {
	if c.legacy.Load() {
		return old()
	}
	res, err := v1()
	if !noRoute(err) {
		return res, err
	}
	oldRes, oldErr := old()
	if noRoute(oldErr) {
		return nil, fmt.Errorf("thehive: this server isn't connected to Cortex, or doesn't offer it: %w", err)
	}
	c.legacy.Store(true)
	return oldRes, oldErr
}

// noRoute reports whether the server doesn't have the path at all: it gives the
// path for a message then.
func noRoute(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound && strings.Contains(e.Message, "/connector/")
}

// ListAnalyzersInput is the input of [Client.ListAnalyzers].
type ListAnalyzersInput struct {
	// Such as ip.
	DataType string `json:"dataType,omitempty" maxLength:"64"`
}

// Analyzers are the analyzers that TheHive offers.
type Analyzers struct {
	Analyzers []*Worker `json:"analyzers"` // the analyzers
	Total     int       `json:"total"`     // how many there are
}

// ListAnalyzers returns all analyzers, or those for one type, by name.
//
// TheHive: GET /api/v1/connector/cortex/analyzer, or …/analyzer/type/{dataType}
func (c *Client) ListAnalyzers(ctx context.Context, in ListAnalyzersInput) (*Analyzers, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	res, err := c.connector(func() (*httpx.Response, error) {
		if in.DataType == "" {
			return c.wire.ListAnalyzers(ctx, wire.ListAnalyzersParams{Range: "all"})
		}
		return c.wire.ListAnalyzersFor(ctx, in.DataType)
	}, func() (*httpx.Response, error) {
		if in.DataType == "" {
			return c.wire.ListLegacyAnalyzers(ctx, wire.ListLegacyAnalyzersParams{Range: "all"})
		}
		return c.wire.ListLegacyAnalyzersFor(ctx, in.DataType)
	})
	got, err := workers(res, err)
	if err != nil {
		return nil, err
	}
	for _, w := range got {
		w.Local = c.local[strings.ToLower(w.Name)] || c.local[strings.ToLower(w.ID)]
	}
	slices.SortStableFunc(got, func(a, b *Worker) int { return strings.Compare(a.Name, b.Name) })
	return &Analyzers{Analyzers: got, Total: len(got)}, nil
}

// GetObservableEnrichmentOptionsInput is the input of [Client.GetObservableEnrichmentOptions].
type GetObservableEnrichmentOptionsInput struct {
	ObservableID string `json:"observableId" alias:"id"` // the observable
}

// EnrichmentOptions are the analyzers that take an observable.
type EnrichmentOptions struct {
	Observable *Observable `json:"observable"` // the observable
	Analyzers  []*Worker   `json:"analyzers"`  // the analyzers
	// Why the observable may go to no third party, so that only local analyzers can run.
	Stays string `json:"stays,omitempty"`
}

// GetObservableEnrichmentOptions returns an observable and the analyzers that
// take it.
//
// TheHive: GET /api/v1/observable/{observableId}, GET …/analyzer/type/{dataType}
func (c *Client) GetObservableEnrichmentOptions(ctx context.Context, in GetObservableEnrichmentOptionsInput) (*EnrichmentOptions, error) {
	o, err := c.GetObservable(ctx, GetObservableInput(in))
	if err != nil {
		return nil, err
	}
	list, err := c.ListAnalyzers(ctx, ListAnalyzersInput{DataType: o.DataType})
	if err != nil {
		return nil, err
	}
	return &EnrichmentOptions{Observable: o, Analyzers: list.Analyzers, Stays: c.stays(o, false)}, nil
}

// An EgressError says what would have left, to whom, and why it stays inside.
// It matches [ErrEgress].
type EgressError struct {
	Analyzer string // the analyzer that would have got it
	DataType string // the type of the observable
	Reason   string // why
	WayOut   string // what can be done instead
}

// Error gives the analyzer and the reason, and not the value.
func (e *EgressError) Error() string {
	return fmt.Sprintf("thehive: the %s is not sent to a third party (%s): %s; %s", e.DataType, e.Analyzer, e.Reason, e.WayOut)
}

// Is reports whether target is [ErrEgress].
func (e *EgressError) Is(target error) bool { return target == ErrEgress }

// stays says why o may be shown to no third party, or returns "". whole says that
// a person approved that a URL leaves as it is.
func (c *Client) stays(o *Observable, whole bool) string {
	if why := egress.Marking(o.TLP, o.PAP); why != "" {
		return why
	}
	filter := c.filter
	filter.Whole = whole
	if why := filter.Observable(o.DataType, o.Data); why != "" {
		return why
	}
	if why := filter.Text(o.Message); why != "" {
		return why + ", in the message that goes with it"
	}
	return ""
}

// RunAnalyzerInput is the input of [Client.RunAnalyzer].
type RunAnalyzerInput struct {
	// Or its name.
	AnalyzerID string `json:"analyzerId" minLength:"1" maxLength:"128"`
	// The Cortex server: one of the analyzer's cortexIds.
	CortexID string `json:"cortexId" minLength:"1" maxLength:"128"`
	// Of a case.
	ObservableID string `json:"observableId" minLength:"1" maxLength:"64"`
	// Although it is a file; a person must approve.
	SendFile bool `json:"sendFile,omitempty"`
	// Send a URL with its query, token or name; a person approves.
	WholeURL bool `json:"wholeUrl,omitempty"`
}

// asks reports whether a person must approve the run.
func (in RunAnalyzerInput) asks() bool { return in.SendFile || in.WholeURL }

// about is what a run is about: the observable, and by which analyzer.
func (in RunAnalyzerInput) about() []string { return []string{in.AnalyzerID + " " + in.ObservableID} }

// submission is an observable that may go to an analyzer. Only clear makes one,
// so that nothing is sent unjudged.
type submission struct {
	observable *Observable
	analyzer   *Worker
	cortexID   string
	running    *Job // the same, under way
	lost       *Job // the same, which can't end any more
	last       *Job // the same, ended
}

// clear decides whether what in names may be sent.
func (c *Client) clear(ctx context.Context, in RunAnalyzerInput) (*submission, error) {
	o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: in.ObservableID})
	if err != nil {
		return nil, err
	}
	list, err := c.ListAnalyzers(ctx, ListAnalyzersInput{DataType: o.DataType})
	if err != nil {
		return nil, err
	}
	s := &submission{observable: o, cortexID: in.CortexID}
	var names []string
	for _, w := range list.Analyzers {
		names = append(names, w.ID)
		if w.ID == in.AnalyzerID || s.analyzer == nil && w.Name == in.AnalyzerID {
			s.analyzer = w
		}
	}
	switch {
	case s.analyzer == nil:
		return nil, fmt.Errorf("%w: analyzerId: %q isn't an analyzer for observables of type %s; there are %s", ErrInvalid, in.AnalyzerID, o.DataType, strings.Join(names, ", "))
	case len(s.analyzer.CortexIDs) > 0 && !slices.Contains(s.analyzer.CortexIDs, in.CortexID):
		return nil, fmt.Errorf("%w: cortexId: %q doesn't have %s; %s", ErrInvalid, in.CortexID, s.analyzer.ID, strings.Join(s.analyzer.CortexIDs, ", "))
	case len(o.Attachment) > 0 && !in.SendFile:
		return nil, fmt.Errorf("%w: the observable is a file; set sendFile to ask for its being sent", ErrInvalid)
	}
	if !s.analyzer.Local {
		if why := c.stays(o, in.WholeURL); why != "" {
			way := c.filter.WayOut(o.DataType, o.Data, "THEHIVE_LOCAL_ANALYZERS", "wholeUrl")
			return nil, &EgressError{Analyzer: s.analyzer.Name, DataType: o.DataType, Reason: why, WayOut: way}
		}
	}
	jobs, err := rows[*jobRow](ctx, c, "observable-jobs", One(KindObservable, o.ID).To(HopJobs).Sort("_createdAt", Desc).Page(0, 50))
	if err != nil {
		return nil, err
	}
	for _, r := range jobs {
		j := r.job()
		switch {
		case j.AnalyzerID != s.analyzer.ID:
		case j.dead() != "":
			s.lost = j
		case !j.Status.Ended() && s.running == nil:
			s.running = j
		case j.Status.Ended() && s.last == nil:
			s.last = j
		}
	}
	return s, nil
}

// RunAnalyzer starts a job of one analyzer on an observable and doesn't wait for
// it. A job of the same that is under way, and can end, is returned instead. What is internal
// goes to no third party.
//
// TheHive: GET /api/v1/observable/{observableId}; POST /api/v1/connector/cortex/job
func (c *Client) RunAnalyzer(ctx context.Context, in RunAnalyzerInput) (*Job, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	s, err := c.clear(ctx, in)
	if err != nil {
		return nil, err
	}
	if s.running != nil {
		s.running.Existing = true
		return s.running, nil
	}
	return c.submit(ctx, s)
}

func (c *Client) submit(ctx context.Context, s *submission) (*Job, error) {
	body := wire.CreateJob{AnalyzerID: s.analyzer.ID, CortexID: s.cortexID, ArtifactID: s.observable.ID}
	return c.job(
		func() (*httpx.Response, error) { return c.wire.CreateJob(ctx, body) },
		func() (*httpx.Response, error) { return c.wire.CreateLegacyJob(ctx, body) },
	)
}

func (c *Client) planRunAnalyzer(ctx context.Context, in RunAnalyzerInput) (gate.Plan, error) {
	s, err := c.clear(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	o := s.observable
	p := gate.Plan{
		Summary: "Run an analyzer of Cortex on an observable in TheHive.",
		Targets: []gate.Target{{Kind: "observable", ID: o.ID, Name: o.DataType + " " + o.value()}},
	}
	what := o.DataType
	if len(o.Attachment) > 0 {
		what += " " + fileFacts(o.Attachment)
	}
	if s.analyzer.Local {
		p.Changes = append(p.Changes, gate.Set("run", s.analyzer.Name+", which is local"))
	} else {
		p.Egress = []gate.Egress{{To: s.analyzer.Name + " on " + s.cortexID, What: what, TLP: fmt.Sprintf("TLP:%s PAP:%s", o.TLP, o.PAP)}}
	}
	if s.running != nil {
		p.Warnings = append(p.Warnings, "The same job is under way; no second one is started.")
	}
	if in.WholeURL {
		p.Warnings = append(p.Warnings, "A URL leaves as it is, with its query and whatever token or name is in it.")
	}
	if s.lost != nil {
		p.Warnings = append(p.Warnings, fmt.Sprintf("Job %s of the same is no answer to wait for: %s.", s.lost.ID, s.lost.dead()))
	}
	if s.last != nil {
		p.Warnings = append(p.Warnings, fmt.Sprintf("The analyzer ran on it before: job %s, %s.", s.last.ID, s.last.Status))
	}
	return p, nil
}

// fileFacts is what is known of a file without its content.
func fileFacts(attachment json.RawMessage) string {
	var a Attachment
	if json.Unmarshal(attachment, &a) != nil {
		return "of unknown content"
	}
	return fmt.Sprintf("%s, %d bytes, %s", a.Name, a.Size, strings.Join(a.Hashes, " "))
}
