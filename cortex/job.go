package cortex

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/analysis"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/secret"
)

// A JobStatus says how a job stands.
type JobStatus string

// The statuses of a job. The last two are ours, for analyzers without one.
const (
	StatusWaiting      JobStatus = "Waiting"
	StatusInProgress   JobStatus = "InProgress"
	StatusSuccess      JobStatus = "Success"
	StatusFailure      JobStatus = "Failure"
	StatusDeleted      JobStatus = "Deleted"
	StatusNotSubmitted JobStatus = "NotSubmitted" // nothing was sent, or Cortex refused it
	StatusUnknown      JobStatus = "Unknown"      // an answer was lost: there may be a job
)

// Ended reports whether nothing more will come of the job.
func (s JobStatus) Ended() bool {
	return s == StatusSuccess || s == StatusFailure || s == StatusDeleted
}

// An Artifact is an observable that a job found.
type Artifact struct {
	DataType   string      `json:"dataType"`                           // the type of the observable
	Data       string      `json:"data,omitempty" untrusted:"true"`    // its value; empty of a file
	Attachment *Attachment `json:"attachment,omitempty"`               // the file, where it is one
	TLP        *TLP        `json:"tlp,omitempty"`                      // how far it may be passed on
	Tags       []string    `json:"tags,omitempty" untrusted:"true"`    // its tags
	Message    string      `json:"message,omitempty" untrusted:"true"` // what was noted on it
}

// An Attachment is a file that Cortex keeps.
type Attachment struct {
	// SHA-256 of the content.
	ID   string `json:"id"`
	Name string `json:"name,omitempty" untrusted:"true"` // its file name
	// Bytes.
	Size        int64    `json:"size,omitempty"`
	ContentType string   `json:"contentType,omitempty" untrusted:"true"` // its media type
	Hashes      []string `json:"hashes,omitempty"`                       // its digests, in hex
}

// A JobReport is a job with what came of it.
type JobReport struct {
	JobID string `json:"jobId"` // the job
	// Waiting, InProgress, Success, Failure or Deleted.
	Status JobStatus `json:"status"`
	// Whether the job has ended. If not, ask again, unless it is dead.
	Finished bool `json:"finished"`
	// Whether it runs longer than its analyzer may, so that it will not end any more.
	Dead bool `json:"dead,omitempty"`
	// What is missing from the report, and why.
	Note string `json:"note,omitempty"`
	// The analyzer or responder.
	Analyzer string `json:"analyzerName,omitempty"`
	DataType string `json:"dataType,omitempty"`              // the type of the observable
	Data     string `json:"data,omitempty" untrusted:"true"` // what was analyzed
	TLP      TLP    `json:"tlp"`                             // how far it may be passed on
	PAP      PAP    `json:"pap"`                             // what may be done with it
	// Whether it is the answer of an earlier job.
	FromCache bool      `json:"fromCache,omitempty"`
	CreatedAt time.Time `json:"createdAt,omitzero,format:unixmilli"` // when it was asked for
	StartDate time.Time `json:"startDate,omitzero,format:unixmilli"` // when it began
	EndDate   time.Time `json:"endDate,omitzero,format:unixmilli"`   // when it ended
	// The worst level of the taxonomies; unknown if there are none.
	Level        Level      `json:"level"`
	Taxonomies   []Taxonomy `json:"taxonomies" untrusted:"true"`             // its verdicts, in short
	ErrorMessage string     `json:"errorMessage,omitempty" untrusted:"true"` // why it failed
	Artifacts    []Artifact `json:"artifacts,omitempty" untrusted:"true"`    // observables that were found
	// What a responder asks TheHive to do.
	Operations []json.RawMessage `json:"operations,omitempty" untrusted:"true"`
	// The whole report, as the analyzer wrote it, without secrets.
	Full json.RawMessage `json:"fullReport,omitempty" untrusted:"true"`
}

// report makes a JobReport of what Cortex says of a job. Neither the input of
// the job nor the entity that a responder got is taken over.
func report(j *wire.JobReport) *JobReport {
	r := summary(j)
	var body struct {
		Full       json.RawMessage   `json:"full"`
		Operations []json.RawMessage `json:"operations"`
	}
	if json.Unmarshal(j.Report, &body) != nil {
		r.Note = cmp.Or(r.Note, "a part of the report can't be read")
		return r
	}
	for _, o := range body.Operations {
		r.Operations = append(r.Operations, analysis.Redact(o))
	}
	if string(body.Full) != "null" {
		r.Full = analysis.Redact(body.Full)
	}
	return r
}

// summary is [report] without what an analyzer wrote at length.
func summary(j *wire.JobReport) *JobReport {
	r := &JobReport{
		JobID: j.ID, Status: JobStatus(j.Status), Finished: JobStatus(j.Status).Ended(), Analyzer: j.WorkerName, DataType: j.DataType,
		TLP: tlp(j.TLP), PAP: PAP(j.PAP), FromCache: j.FromCache, CreatedAt: jsoncodec.OfMilli(j.CreatedAt), StartDate: jsoncodec.OfMilli(j.StartDate), EndDate: jsoncodec.OfMilli(j.EndDate),
		Level: LevelUnknown, Taxonomies: []Taxonomy{}, ErrorMessage: secret.Text(j.ErrorMessage),
	}
	if jsoncodec.Unmarshal(j.Data, &r.Data) != nil {
		r.Data = ""
	}
	var body struct {
		Summary      json.RawMessage `json:"summary"`
		Artifacts    json.RawMessage `json:"artifacts"`
		ErrorMessage json.RawMessage `json:"errorMessage"`
	}
	if err := jsoncodec.UnmarshalHeld(j.Report, &body); err != nil {
		switch {
		case !r.Finished:
			r.Note = "the job has not ended: ask again with this job id"
		case r.Status == StatusDeleted:
			r.Note = "the job was deleted, and its report with it"
		default:
			r.Note = "the report can't be read"
		}
		return r
	}
	var notes []string
	var ok bool
	if r.Taxonomies, ok = taxonomies(body.Summary); !ok {
		notes = append(notes, "a part of the summary can't be read")
	}
	r.Level = worst(r.Taxonomies)
	if len(body.Artifacts) > 0 && jsoncodec.Unmarshal(body.Artifacts, &r.Artifacts) != nil {
		r.Artifacts = nil
		notes = append(notes, "the artifacts in the report can't be read; list them")
	}
	if r.ErrorMessage == "" && len(body.ErrorMessage) > 0 {
		if json.Unmarshal(body.ErrorMessage, &r.ErrorMessage) != nil {
			r.ErrorMessage = string(analysis.Redact(body.ErrorMessage))
		}
		r.ErrorMessage = secret.Text(r.ErrorMessage)
	}
	if r.Status == StatusFailure && r.ErrorMessage == "" {
		r.ErrorMessage = "the job failed and Cortex says no more"
	}
	r.Note = strings.Join(notes, "; ")
	return r
}

// WaitAndGetReportInput is the input of [Client.WaitAndGetReport].
type WaitAndGetReportInput struct {
	JobID string `json:"jobId" alias:"id"` // the job
	// Seconds for it to end.
	Timeout int `json:"timeout,omitempty" minimum:"1" maximum:"3600"`
}

const (
	defaultWait = 300  // seconds
	maxWait     = 3600 // seconds
)

// SetDefaults fills the fields left at zero.
func (in *WaitAndGetReportInput) SetDefaults() {
	if in.Timeout == 0 {
		in.Timeout = defaultWait
	}
}

// Validate checks what a schema can't.
func (in *WaitAndGetReportInput) Validate() error { return checkWait(in.Timeout) }

func checkWait(seconds int) error {
	if seconds < 1 || seconds > maxWait {
		return invalid("timeout %d: want 1 to %d seconds", seconds, maxWait)
	}
	return nil
}

// WaitAndGetReport waits until a job has ended, until in.Timeout, or until
// shortly before the deadline of ctx, and returns the job as it then is. A job
// that hasn't ended is no error: see [JobReport].Finished.
//
// Cortex: GET /api/job/{jobId}/waitreport in slices, POST /api/job/status, GET /api/job/{jobId}/report
func (c *Client) WaitAndGetReport(ctx context.Context, in WaitAndGetReportInput) (*JobReport, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	l := c.lifetime()
	j, err := l.wait(ctx, in.JobID, StatusUnknown, until(ctx, in.Timeout))
	if err != nil && (j == nil || !errors.Is(err, context.DeadlineExceeded)) {
		return nil, err
	}
	return l.reported(ctx, j), nil
}

// reported is the report of j, which says so when j can't end any more.
func (l *lifetime) reported(ctx context.Context, j *wire.JobReport) *JobReport {
	r := report(j)
	if why := l.dead(ctx, j); why != "" {
		r.Dead, r.Note = true, why
	}
	return r
}

// A lifetime is how long the worker of one job may take. It is asked for once,
// and not before the job is old enough to make that matter.
type lifetime struct {
	c   *Client
	may time.Duration // 0: not asked yet
}

func (c *Client) lifetime() *lifetime { return &lifetime{c: c} }

// dead says why a job won't end any more, or returns "".
func (l *lifetime) dead(ctx context.Context, j *wire.JobReport) string {
	age := time.Since(time.UnixMilli(j.StartDate))
	if JobStatus(j.Status) != StatusInProgress || j.StartDate == 0 || age < analysis.Youngest {
		return ""
	}
	if l.may == 0 {
		ask := l.c.wire.GetAnalyzer
		if j.Type == wire.JobReportTypeResponder {
			ask = l.c.wire.GetResponder
		}
		may := analysis.JobTimeout
		switch w, err := httpx.JSON[Worker](ask(ctx, j.WorkerID)); {
		case err == nil && w.JobTimeout > 0:
			may = time.Duration(w.JobTimeout) * time.Minute
		case err != nil && !errors.Is(err, ErrNotFound):
			return "" // whoever can't tell how long it may take, waits
		}
		l.may = may
	}
	why := analysis.Dead(age, j.WorkerName, l.may)
	if why != "" {
		why += "; run it again with force"
	}
	return why
}

// until returns when to stop waiting: early enough before the deadline of ctx
// that the answer still reaches who asked.
func until(ctx context.Context, seconds int) time.Time {
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	if deadline, ok := ctx.Deadline(); ok {
		spare := min(time.Until(deadline)/10, time.Second)
		if d := deadline.Add(-spare); d.Before(end) {
			end = d
		}
	}
	return end
}

const (
	firstSlice = 2 * time.Second
	maxSlice   = 20 * time.Second
	slack      = 5 * time.Second // beyond a slice, for the answer to come
	interval   = time.Second     // between questions to a server that doesn't wait
	patience   = 3               // questions that may fail in a row
)

// wait waits for a job, in slices: a proxy cuts long requests, and Cortex waits
// for all of one when the job ends just before it starts to listen. One whose
// status is known to have ended is not waited for.
func (l *lifetime) wait(ctx context.Context, id string, status JobStatus, end time.Time) (*wire.JobReport, error) {
	c := l.c
	if status.Ended() {
		return httpx.JSON[wire.JobReport](c.wire.GetJobReport(ctx, id))
	}
	var last *wire.JobReport
	slice, failures := min(firstSlice, c.slice), 0
	for {
		began := time.Now()
		left := time.Until(end)
		j, err := c.ask(ctx, id, min(slice, left))
		switch {
		case err == nil:
			last, failures = j, 0
		case ctx.Err() != nil || !passing(err):
			return last, err
		default:
			// Whatever broke may have been the waiting: look without.
			status, serr := c.jobStatus(ctx, id)
			switch {
			case serr == nil && status.Ended():
				return httpx.JSON[wire.JobReport](c.wire.GetJobReport(ctx, id))
			case serr == nil:
				failures = 0
				if last == nil {
					last = &wire.JobReport{ID: id}
				}
				last.Status = wire.JobReportStatus(status)
			case !passing(serr):
				return last, serr
			default:
				if failures++; failures >= patience {
					return last, err
				}
			}
		}
		if last != nil && (JobStatus(last.Status).Ended() || time.Until(end) <= 0 || l.dead(ctx, last) != "") {
			return last, nil
		}
		if time.Until(end) <= 0 {
			return nil, err
		}
		if err := pause(ctx, min(interval-time.Since(began), time.Until(end))); err != nil {
			return last, fmt.Errorf("cortex: waiting for job %s: %w", id, err)
		}
		slice = min(2*slice, c.slice)
	}
}

// ask asks for a report and lets Cortex wait for it, in whole seconds.
func (c *Client) ask(ctx context.Context, id string, atMost time.Duration) (*wire.JobReport, error) {
	seconds := int(atMost / time.Second)
	if seconds < 1 {
		return httpx.JSON[wire.JobReport](c.wire.GetJobReport(ctx, id))
	}
	ctx, cancel := context.WithTimeout(ctx, atMost+slack)
	defer cancel()
	return httpx.JSON[wire.JobReport](c.wire.WaitJobReport(ctx, id, wire.WaitJobReportParams{AtMost: fmt.Sprintf("%dsecond", seconds)}))
}

// passing reports whether asking again can help: Cortex itself didn't refuse.
func passing(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Status >= 500 || errors.Is(e, ErrRateLimited)
	}
	var net interface{ Timeout() bool }
	return errors.As(err, &net) || errors.Is(err, context.DeadlineExceeded)
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// jobStatus asks how one job stands. An unknown one is [ErrNotFound].
func (c *Client) jobStatus(ctx context.Context, id string) (JobStatus, error) {
	m, err := httpx.JSON[map[string]string](c.wire.GetJobStatuses(ctx, wire.JobIDs{JobIds: []string{id}}))
	if err != nil {
		return "", err
	}
	status, ok := (*m)[id]
	if !ok || status == "NotFound" {
		return "", fmt.Errorf("%w: job %q", ErrNotFound, clip.Text(id, 80))
	}
	return JobStatus(status), nil
}

// GetJobArtifactsInput is the input of [Client.GetJobArtifacts].
type GetJobArtifactsInput struct {
	JobID string `json:"jobId" alias:"id"` // the job
}

// An ArtifactList is what a job found.
type ArtifactList struct {
	JobID string `json:"jobId"` // the job
	// How the job stands; only told when the list is empty.
	Status    JobStatus  `json:"status,omitempty"`
	Artifacts []Artifact `json:"artifacts"` // observables that were found
	Total     int        `json:"total"`     // how many there are
	// Why the list is empty.
	Note string `json:"note,omitempty"`
}

// GetJobArtifacts returns every observable that a job found.
//
// Cortex: GET /api/job/{jobId}/artifacts, and POST /api/job/status if there are none
func (c *Client) GetJobArtifacts(ctx context.Context, in GetJobArtifactsInput) (*ArtifactList, error) {
	list, err := everything[Artifact](c.wire.ListJobArtifacts(ctx, in.JobID, wire.ListJobArtifactsParams{Range: allRows}))
	if err != nil {
		return nil, err
	}
	out := &ArtifactList{JobID: in.JobID, Artifacts: make([]Artifact, len(list)), Total: len(list)}
	for i, a := range list {
		out.Artifacts[i] = *a
	}
	if len(list) > 0 {
		return out, nil
	}
	if out.Status, err = c.jobStatus(ctx, in.JobID); err != nil {
		return nil, err
	}
	out.Note = "the job found none"
	if !out.Status.Ended() {
		out.Note = "the job has not ended: ask again"
	}
	return out, nil
}

// submit sends one submission and returns its job, which Cortex may have taken
// out of its cache. It is the only way to an analyzer.
func (c *Client) submit(ctx context.Context, s submission) (*wire.Job, error) {
	if s.to == nil {
		return nil, invalid("nothing to submit")
	}
	send := c.submitFile
	if s.file == nil {
		send = c.submitData
	}
	j, err := httpx.JSON[wire.Job](send(ctx, s))
	if errors.Is(err, ErrNotFound) {
		c.kept.Drop() // somebody disabled it
	}
	if err == nil && j.ID == "" {
		err = fmt.Errorf("cortex: %s took the %s and names no job; %w", s.to.Name, s.observable.DataType, gate.ErrOutcomeUnknown)
	}
	return j, err
}
