package cortex

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// RunAnalyzerInput is the input of [Client.RunAnalyzer].
type RunAnalyzerInput struct {
	AnalyzerID string `json:"analyzerId" alias:"id" minLength:"1" maxLength:"128"` // the analyzer
	DataType   string `json:"dataType" pattern:"^[A-Za-z][A-Za-z0-9_.:-]{0,63}$"`  // the type of the observable
	// The observable.
	Data    string `json:"data" alias:"observable,value" minLength:"1" maxLength:"16384"`
	TLP     *TLP   `json:"tlp"`                                // how far it may be passed on; nil: the default
	PAP     *PAP   `json:"pap"`                                // what may be done with it; nil: the default
	Message string `json:"message,omitempty" maxLength:"4096"` // kept with the job
	// Kept with the job.
	Label      string                     `json:"label,omitempty" maxLength:"256"`
	Parameters map[string]json.RawMessage `json:"parameters,omitempty"` // parameters of the analyzer's own
	// Although a recent answer is cached.
	Force bool `json:"force,omitempty"`
	// Although it has a query, token or name; a person must approve.
	WholeURL bool `json:"wholeUrl,omitempty"`
}

// Validate checks what a schema can't.
func (in *RunAnalyzerInput) Validate() error {
	switch {
	case in.TLP == nil:
		return invalid("tlp is missing: want 0 to 3")
	case in.PAP == nil:
		return invalid("pap is missing: want 0 to 3")
	}
	return checkMarking(*in.TLP, *in.PAP)
}

// A StartedJob is an analyzer at work, or its earlier answer.
type StartedJob struct {
	// The job, to wait for.
	JobID  string    `json:"jobId"`
	Status JobStatus `json:"status"` // its status
	// Whether it is an earlier job, whose answer Cortex gives again.
	FromCache  bool   `json:"fromCache,omitempty"`
	AnalyzerID string `json:"analyzerId"`   // the analyzer's id
	Analyzer   string `json:"analyzerName"` // the analyzer
	// What was submitted.
	Observable Observable `json:"observable"`
	Note       string     `json:"note"` // what to know about the answer
}

// RunAnalyzer submits an observable to one analyzer and doesn't wait for it.
//
// Cortex: GET /api/analyzer/{id}, POST /api/analyzer/{id}/run
func (c *Client) RunAnalyzer(ctx context.Context, in RunAnalyzerInput) (*StartedJob, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	s, err := c.submission(ctx, in)
	if err != nil {
		return nil, err
	}
	return c.run(ctx, s)
}

// submission returns what in would submit, judged by the egress guard.
func (c *Client) submission(ctx context.Context, in RunAnalyzerInput) (submission, error) {
	o, err := observe(in.Data, in.DataType)
	if err != nil {
		return submission{}, err
	}
	w, err := c.analyzer(ctx, in.AnalyzerID, o.DataType)
	if err != nil {
		return submission{}, err
	}
	return c.clear(request{
		observable: o, tlp: *in.TLP, pap: *in.PAP, message: in.Message, label: in.Label, parameters: in.Parameters, force: in.Force, whole: in.WholeURL,
	}, w)
}

func (c *Client) planRunAnalyzer(ctx context.Context, in RunAnalyzerInput) (gate.Plan, error) {
	s, err := c.submission(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	return planSubmissions([]submission{s}, in.Data)
}

// RunAnalyzerByNameInput is the input of [Client.RunAnalyzerByName].
type RunAnalyzerByNameInput struct {
	// Whole, or a part that only one analyzer for the type has.
	AnalyzerName string `json:"analyzerName" alias:"name,analyzer" minLength:"1" maxLength:"128"`
	DataType     string `json:"dataType" pattern:"^[A-Za-z][A-Za-z0-9_.:-]{0,63}$"` // the type of the observable
	// The observable.
	Data    string `json:"data" alias:"observable,value" minLength:"1" maxLength:"16384"`
	TLP     *TLP   `json:"tlp,omitempty"`                      // how far it may be passed on; nil: the default
	PAP     *PAP   `json:"pap,omitempty"`                      // what may be done with it; nil: the default
	Message string `json:"message,omitempty" maxLength:"4096"` // kept with the job
	// Kept with the job.
	Label      string                     `json:"label,omitempty" maxLength:"256"`
	Parameters map[string]json.RawMessage `json:"parameters,omitempty"` // parameters of the analyzer's own
	// Although a recent answer is cached.
	Force bool `json:"force,omitempty"`
	// Although it has a query, token or name; a person must approve.
	WholeURL bool `json:"wholeUrl,omitempty"`
}

// SetDefaults fills the fields left at zero.
func (in *RunAnalyzerByNameInput) SetDefaults() { in.TLP, in.PAP = amber(in.TLP, in.PAP) }

// Validate checks what a schema can't.
func (in *RunAnalyzerByNameInput) Validate() error {
	switch {
	case strings.TrimSpace(in.AnalyzerName) == "":
		return invalid("analyzerName is blank: it selects nothing")
	case strings.TrimSpace(in.DataType) == "":
		return invalid("dataType is missing: want a word such as ip, domain or user-agent")
	}
	if in.TLP == nil || in.PAP == nil {
		return nil
	}
	return checkMarking(*in.TLP, *in.PAP)
}

// amber fills in the marking that an observable has unless it is said otherwise.
func amber(t *TLP, p *PAP) (*TLP, *PAP) {
	if t == nil {
		a := TLPAmber
		t = &a
	}
	if p == nil {
		a := PAPAmber
		p = &a
	}
	return t, p
}

// RunAnalyzerByName submits an observable to the analyzer of that name and
// doesn't wait for it. A name that can mean two is an [ErrSelection]. It is looked
// up in a list that may be half a minute old.
//
// Cortex: GET /api/analyzer, POST /api/analyzer/{id}/run
func (c *Client) RunAnalyzerByName(ctx context.Context, in RunAnalyzerByNameInput) (*StartedJob, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	s, err := c.submissionByName(ctx, in)
	if err != nil {
		return nil, err
	}
	return c.run(ctx, s)
}

func (c *Client) submissionByName(ctx context.Context, in RunAnalyzerByNameInput) (submission, error) {
	o, err := observe(in.Data, in.DataType)
	if err != nil {
		return submission{}, err
	}
	to, err := c.selectAnalyzers(ctx, o.DataType, []string{in.AnalyzerName}, false, 1)
	if err != nil {
		return submission{}, err
	}
	return c.clear(request{
		observable: o, tlp: *in.TLP, pap: *in.PAP, message: in.Message, label: in.Label, parameters: in.Parameters, force: in.Force, whole: in.WholeURL,
	}, to[0])
}

func (c *Client) planRunAnalyzerByName(ctx context.Context, in RunAnalyzerByNameInput) (gate.Plan, error) {
	s, err := c.submissionByName(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	return planSubmissions([]submission{s}, in.Data)
}

// run submits s and says what was started.
func (c *Client) run(ctx context.Context, s submission) (*StartedJob, error) {
	j, err := c.submit(ctx, s)
	if err != nil {
		return nil, err
	}
	out := &StartedJob{
		JobID: j.ID, Status: JobStatus(j.Status), FromCache: j.FromCache, AnalyzerID: s.to.ID, Analyzer: s.to.Name, Observable: s.observable,
		Note: "the analyzer was started: wait for the job to have its report",
	}
	switch why := c.lifetime().dead(ctx, &wire.JobReport{Status: wire.JobReportStatus(j.Status), StartDate: j.StartDate, WorkerID: s.to.ID, WorkerName: s.to.Name}); {
	case why != "":
		out.Note = "an earlier job that Cortex gives again: " + why
	case j.FromCache && !out.Status.Ended():
		out.Note = "an earlier job that Cortex gives again, still at work: wait for it, or set force to run anew"
	case j.FromCache:
		out.Note = "an earlier job that Cortex gives again: fetch its report, or set force to run anew"
	}
	return out, nil
}

// analyzer returns the enabled analyzer of this id, if it takes the type.
func (c *Client) analyzer(ctx context.Context, id, dataType string) (*Worker, error) {
	w, err := c.GetAnalyzer(ctx, GetAnalyzerInput{AnalyzerID: id})
	switch {
	case err == nil && w.takes(dataType):
		return w, nil
	case err == nil:
		return nil, &SelectionError{Reason: fmt.Sprintf("%s takes %s and not %s", w.Name, some(w.DataTypes), dataType), DataType: dataType}
	case errors.Is(err, ErrNotFound):
		return nil, fmt.Errorf("%w; analyzerId is the id from the list of analyzers, not a name", err)
	}
	return nil, err
}

// submitData sends s as JSON.
func (c *Client) submitData(ctx context.Context, s submission) (*httpx.Response, error) {
	b, err := encode(wire.RunAnalyzer{
		Data: s.observable.Data, DataType: s.observable.DataType, TLP: s.tlp.number(), PAP: int(s.pap),
		Message: s.message, Label: s.label, Parameters: s.parameters,
	})
	if err != nil {
		return nil, err
	}
	return c.wire.RunAnalyzer(ctx, s.to.ID, wire.RunAnalyzerParams{Force: s.force}, "application/json", b)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, invalid("%s", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// planSubmissions renders what goes where. given is the observable as the
// caller wrote it.
func planSubmissions(list []submission, given string) (gate.Plan, error) {
	r := list[0].request
	what := r.observable.DataType + " " + r.observable.Data
	p := gate.Plan{
		Summary: fmt.Sprintf("Submit an observable (%s) to %s in Cortex.", r.observable.DataType, count(len(list), "analyzer")),
		Changes: []gate.Change{gate.Set(r.observable.DataType, r.observable.Data), gate.Set("marking", marked(r.tlp, r.pap))},
	}
	if r.file != nil {
		what = fmt.Sprintf("%s, %d bytes, SHA-256 %s", what, r.file.Size, r.file.SHA256)
		p.Summary = fmt.Sprintf("Submit a file to %s in Cortex.", count(len(list), "analyzer"))
		p.Changes = append(p.Changes, r.file.changes()...)
	}
	if r.observable.Note != "" && r.file == nil {
		p.Warnings = append(p.Warnings, "the observable as it was given: "+given+" ("+r.observable.Note+")")
	}
	var err error
	if p.Changes, err = remarks(p.Changes, r.message, r.label, r.parameters); err != nil {
		return p, err
	}
	if r.whole {
		p.Warnings = append(p.Warnings, "a URL leaves as it is, with its query and whatever token or name is in it")
	}
	if r.force {
		p.Changes = append(p.Changes, gate.Set("job cache", "not used"))
	}
	for _, s := range list {
		p.Targets = append(p.Targets, s.to.target())
		if !s.to.Local {
			p.Egress = append(p.Egress, gate.Egress{To: s.to.service(), What: what, TLP: marked(r.tlp, r.pap)})
		}
	}
	if len(p.Egress) == 0 {
		p.Undo = "Delete the jobs (cortex_delete_job)."
	}
	return p, nil
}

// GetAnalyzerInput is the input of [Client.GetAnalyzer].
type GetAnalyzerInput struct {
	AnalyzerID string `json:"analyzerId" alias:"id" minLength:"1" maxLength:"128"` // the analyzer
}

// GetAnalyzer returns one enabled analyzer, without its configuration.
//
// Cortex: GET /api/analyzer/{id}
func (c *Client) GetAnalyzer(ctx context.Context, in GetAnalyzerInput) (*Worker, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	w, err := worker(c.wire.GetAnalyzer(ctx, in.AnalyzerID))
	if err != nil {
		return nil, err
	}
	c.mark(w)
	return w, nil
}

// mark says of w whether the operator calls it local.
func (c *Client) mark(w *Worker) {
	w.Local = w.Type != "responder" && (c.local[strings.ToLower(w.Name)] || c.local[strings.ToLower(w.ID)])
}
