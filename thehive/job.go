package thehive

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/analysis"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/secret"
)

// A JobStatus says how a job stands.
type JobStatus string

// The statuses of a job.
const (
	JobWaiting    JobStatus = "Waiting"
	JobInProgress JobStatus = "InProgress"
	JobSuccess    JobStatus = "Success"
	JobFailure    JobStatus = "Failure"
	JobDeleted    JobStatus = "Deleted"
)

// Ended reports whether nothing more will come of the job.
func (s JobStatus) Ended() bool { return s == JobSuccess || s == JobFailure || s == JobDeleted }

// A Job is one run of an analyzer on an observable.
type Job struct {
	ID           string `json:"_id"`          // its id
	AnalyzerID   string `json:"analyzerId"`   // the analyzer
	AnalyzerName string `json:"analyzerName"` // the analyzer's name
	// Waiting, InProgress, Success, Failure or Deleted.
	Status    JobStatus `json:"status"`
	StartDate time.Time `json:"startDate,omitzero,format:unixmilli"` // when it began
	// Only of a job that has ended.
	EndDate      time.Time `json:"endDate,omitzero,format:unixmilli"`
	CortexID     string    `json:"cortexId,omitempty"`     // which Cortex server
	CortexJobID  string    `json:"cortexJobId,omitempty"`  // the job's id at Cortex
	ObservableID string    `json:"observableId,omitempty"` // the observable
	// Why it failed.
	ErrorMessage string          `json:"errorMessage,omitempty" untrusted:"true"`
	Report       json.RawMessage `json:"report,omitempty" untrusted:"true"` // what the analyzer reported, as it did
	// Whether it was under way before, so that none was started.
	Existing bool `json:"existing,omitempty"`

	looked time.Time // when TheHive asked Cortex last, if it has not ended
}

type plainJob Job // without methods

// jobRow is a job as TheHive writes it.
type jobRow struct {
	plainJob
	Artifact struct {
		ID string `json:"_id"`
	} `json:"case_artifact"`
}

func (r *jobRow) identity() string { return r.ID }

// job returns r as we write it.
func (r *jobRow) job() *Job {
	j := (*Job)(&r.plainJob)
	for _, s := range []JobStatus{JobWaiting, JobInProgress, JobSuccess, JobFailure, JobDeleted} {
		if strings.EqualFold(string(s), string(j.Status)) {
			j.Status = s
		}
	}
	if r.Artifact.ID != "" {
		j.ObservableID = r.Artifact.ID
	}
	if !j.Status.Ended() {
		j.looked, j.EndDate = j.EndDate, time.Time{} // TheHive keeps there when it last looked
	}
	if r := j.report(); j.ErrorMessage == "" {
		j.ErrorMessage = r.ErrorMessage
	}
	j.Report, j.ErrorMessage = analysis.Report(j.Report), secret.Text(j.ErrorMessage)
	return j
}

// job asks for a job, where the newer TheHive has it or where the older has.
func (c *Client) job(newer, older func() (*httpx.Response, error)) (*Job, error) {
	r, err := entity[jobRow](c.connector(newer, older))
	if err != nil {
		return nil, err
	}
	return r.job(), nil
}

// dead says why j won't end any more, or returns "". TheHive doesn't tell how
// long an analyzer may take, so that is Cortex's own time.
func (j *Job) dead() string {
	if j.Status != JobInProgress || j.StartDate.IsZero() || j.looked.IsZero() {
		return ""
	}
	name := j.AnalyzerName
	if name == "" {
		name = "the analyzer"
	}
	why := analysis.Dead(j.looked.Sub(j.StartDate), name, analysis.JobTimeout)
	if why != "" {
		why += ", unless Cortex lets it run longer; run it again"
	}
	return why
}

// jobReport is what TheHive keeps of a report.
type jobReport struct {
	ErrorMessage string            `json:"errorMessage"`
	Artifacts    []json.RawMessage `json:"artifacts"`
	Summary      json.RawMessage   `json:"summary"`
}

func (j *Job) report() (r jobReport) {
	if len(j.Report) > 0 {
		_ = json.Unmarshal(j.Report, &r) // an analyzer's report of another form has none of this
	}
	return r
}

// GetJobInput is the input of [Client.GetJob].
type GetJobInput struct {
	JobID string `json:"jobId" alias:"id"` // the job
}

// GetJob returns one job with its report. An unknown one is [ErrNotFound].
//
// TheHive: GET /api/v1/connector/cortex/job/{jobId}
func (c *Client) GetJob(ctx context.Context, in GetJobInput) (*Job, error) {
	return c.job(
		func() (*httpx.Response, error) { return c.wire.GetJob(ctx, in.JobID) },
		func() (*httpx.Response, error) { return c.wire.GetLegacyJob(ctx, in.JobID) },
	)
}

// Patience says how long to wait for a job.
type Patience struct {
	// Looks at most.
	MaxAttempts int `json:"maxAttempts,omitempty" minimum:"1" maximum:"60" default:"20"`
	// Between two looks.
	IntervalMs int `json:"intervalMs,omitempty" minimum:"100" maximum:"10000" default:"2000"`
}

// WaitForJobInput is the input of [Client.WaitForJob].
type WaitForJobInput struct {
	JobID string `json:"jobId" alias:"id"` // the job
	Patience
}

// A JobWait is a job after some waiting.
type JobWait struct {
	// Whether the job has ended. If not, wait again.
	Finished bool `json:"finished"`
	// How often it was looked at.
	Attempts int  `json:"attempts"`
	Job      *Job `json:"job"` // the job, ended or not
	// Why it will not end any more, and isn't waited for.
	Note string `json:"note,omitempty"`
}

// WaitForJob waits for a job to end. That it hasn't ended in time is no error.
//
// TheHive: GET /api/v1/connector/cortex/job/{jobId}
func (c *Client) WaitForJob(ctx context.Context, in WaitForJobInput) (*JobWait, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		j, err := c.GetJob(ctx, GetJobInput{JobID: in.JobID})
		if err != nil {
			return nil, err
		}
		if why := j.dead(); j.Status.Ended() || why != "" || n >= in.MaxAttempts {
			return &JobWait{Finished: j.Status.Ended(), Attempts: n, Job: j, Note: why}, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("thehive: waiting for job %s, which goes on: %w", in.JobID, ctx.Err())
		case <-time.After(time.Duration(in.IntervalMs) * time.Millisecond):
		}
	}
}

// RunAnalyzerAndWaitInput is the input of [Client.RunAnalyzerAndWait].
type RunAnalyzerAndWaitInput struct {
	RunAnalyzerInput
	Patience
}

// An Analysis is a job that was started and what came of it so far.
type Analysis struct {
	// The job as it was when it began.
	Started *Job `json:"started"`
	// Whether the job has ended. If not, wait for it with thehive_wait_for_job.
	Finished bool        `json:"finished"`
	Summary  *JobSummary `json:"summary,omitempty"` // what came of the job
	// What went wrong after the job was started.
	Note string `json:"note,omitempty"`
}

// RunAnalyzerAndWait starts a job and waits for its end. Once it is started no
// failure loses it: the note tells.
//
// TheHive: POST /api/v1/connector/cortex/job; GET /api/v1/connector/cortex/job/{jobId}
func (c *Client) RunAnalyzerAndWait(ctx context.Context, in RunAnalyzerAndWaitInput) (*Analysis, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	j, err := c.RunAnalyzer(ctx, in.RunAnalyzerInput)
	if err != nil {
		return nil, err
	}
	out := &Analysis{Started: j}
	waited, err := c.WaitForJob(ctx, WaitForJobInput{JobID: j.ID, Patience: in.Patience})
	if err != nil {
		out.Note = fmt.Sprintf("Job %s was started, but can't be followed: %v", j.ID, err)
		return out, nil
	}
	out.Finished = waited.Finished
	if out.Summary, err = c.summarize(ctx, waited.Job, in.ObservableID); err != nil {
		out.Note = fmt.Sprintf("Job %s was started and is %s, but can't be summed up: %v", j.ID, waited.Job.Status, err)
	}
	return out, nil
}

func (c *Client) planRunAnalyzerAndWait(ctx context.Context, in RunAnalyzerAndWaitInput) (gate.Plan, error) {
	return c.planRunAnalyzer(ctx, in.RunAnalyzerInput)
}

// A Level is an analyzer's judgement.
type Level string

// The levels, from least to most alarming.
const (
	LevelInfo       Level = "info"
	LevelSafe       Level = "safe"
	LevelSuspicious Level = "suspicious"
	LevelMalicious  Level = "malicious"
	LevelUnknown    Level = analysis.Unknown // there is no taxonomy
)

// A Taxonomy is one short statement of an analyzer.
type Taxonomy struct {
	// info, safe, suspicious or malicious.
	Level     Level  `json:"level"`
	Namespace string `json:"namespace"`              // who says so
	Predicate string `json:"predicate"`              // of which of its services
	Value     string `json:"value" untrusted:"true"` // what it says
}

// UnmarshalJSON takes a value of any kind, as analyzers write numbers too. A level
// that Cortex doesn't know counts as info.
func (t *Taxonomy) UnmarshalJSON(b []byte) error {
	var x analysis.Taxonomy
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	*t = newTaxonomy(x)
	return nil
}

func newTaxonomy(x analysis.Taxonomy) Taxonomy {
	return Taxonomy{Level(x.Level), x.Namespace, x.Predicate, x.Value}
}

// worst returns the worst level of a list.
func worst(list []Taxonomy) Level {
	var all []Level
	for _, t := range list {
		all = append(all, t.Level)
	}
	return analysis.Worst(all)
}

// SummarizeJobReportInput is the input of [Client.SummarizeJobReport].
type SummarizeJobReportInput struct {
	JobID            string `json:"jobId" alias:"id"`           // the job
	IncludeRawReport bool   `json:"includeRawReport,omitempty"` // with the report as it came
}

// A JobSummary is what matters of a job.
type JobSummary struct {
	JobID        string `json:"jobId"`        // the job
	AnalyzerID   string `json:"analyzerId"`   // the analyzer
	AnalyzerName string `json:"analyzerName"` // the analyzer's name
	// Waiting, InProgress, Success, Failure or Deleted.
	Status   JobStatus `json:"status"`
	Finished bool      `json:"finished"` // whether it has ended
	// The worst level of the taxonomies: info, safe, suspicious or malicious; unknown if there are none.
	Verdict Level `json:"verdict"`
	// The taxonomies in a line.
	Summary    string     `json:"summary,omitempty" untrusted:"true"`
	Taxonomies []Taxonomy `json:"taxonomies"` // its verdicts, in short
	// Why it failed.
	ErrorMessage string `json:"errorMessage,omitempty" untrusted:"true"`
	HasArtifacts bool   `json:"hasArtifacts"` // whether it found other observables
	// How many further observables it found.
	ArtifactCount int             `json:"artifactCount"`
	RawReport     json.RawMessage `json:"rawReport,omitempty" untrusted:"true"` // the report as it came, where asked for
	// What is missing here, and why.
	Note string `json:"note,omitempty"`
}

// SummarizeJobReport returns what matters of a job's report. The verdict comes
// from the taxonomies that TheHive keeps with the observable.
//
// TheHive: GET /api/v1/connector/cortex/job/{jobId}, GET /api/v1/observable/{observableId}
func (c *Client) SummarizeJobReport(ctx context.Context, in SummarizeJobReportInput) (*JobSummary, error) {
	j, err := c.GetJob(ctx, GetJobInput{JobID: in.JobID})
	if err != nil {
		return nil, err
	}
	s, err := c.summarize(ctx, j, "")
	if err != nil {
		return nil, err
	}
	if in.IncludeRawReport {
		s.RawReport = j.Report
	}
	return s, nil
}

// summarize sums j up. observableID is what it ran on, if that is known.
func (c *Client) summarize(ctx context.Context, j *Job, observableID string) (*JobSummary, error) {
	report := j.report()
	s := &JobSummary{
		JobID: j.ID, AnalyzerID: j.AnalyzerID, AnalyzerName: j.AnalyzerName, Status: j.Status, Finished: j.Status.Ended(), Verdict: LevelUnknown,
		Taxonomies: []Taxonomy{}, ErrorMessage: j.ErrorMessage, ArtifactCount: len(report.Artifacts), HasArtifacts: len(report.Artifacts) > 0,
	}
	switch {
	case j.Status == JobFailure && s.ErrorMessage == "":
		s.Note = "The job failed and gives no reason."
	case j.Status != JobSuccess:
		s.Note = j.dead()
		return s, nil
	}
	if observableID == "" {
		observableID = j.ObservableID
	}
	read, ok := analysis.Taxonomies(report.Summary)
	if !ok {
		s.Note = "A part of the summary can't be read."
	}
	for _, x := range read {
		s.Taxonomies = append(s.Taxonomies, newTaxonomy(x))
	}
	if observableID != "" && j.Status == JobSuccess {
		o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: observableID})
		if err != nil {
			return nil, err
		}
		if list := o.taxonomies(j); len(list) > 0 {
			s.Taxonomies = list
		}
	}
	if len(s.Taxonomies) == 0 && s.Note == "" {
		s.Note = "The analyzer left no taxonomies; the raw report tells more."
	}
	var parts []string
	for _, t := range s.Taxonomies {
		parts = append(parts, fmt.Sprintf("%s:%s=%s (%s)", t.Namespace, t.Predicate, t.Value, t.Level))
	}
	s.Verdict, s.Summary = worst(s.Taxonomies), strings.Join(parts, "; ")
	return s, nil
}

// taxonomies are what the analyzer of j said of o last.
func (o *Observable) taxonomies(j *Job) []Taxonomy {
	var reports map[string]struct {
		Taxonomies []Taxonomy `json:"taxonomies"`
	}
	if len(o.Reports) == 0 || json.Unmarshal(o.Reports, &reports) != nil {
		return nil
	}
	for _, name := range []string{j.AnalyzerName, j.AnalyzerID} {
		for key, r := range reports {
			if strings.EqualFold(key, name) {
				return r.Taxonomies
			}
		}
	}
	return nil
}
