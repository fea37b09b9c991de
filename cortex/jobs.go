package cortex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/analysis"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/resume"
	"github.com/sallyport-soc/sallyport/internal/secret"
)

// A Job is one run of an analyzer or a responder, without its report.
type Job struct {
	ID     string    `json:"jobId"`  // its id
	Status JobStatus `json:"status"` // its status
	// analyzer or responder.
	Type string `json:"type,omitempty"`
	// The analyzer or responder.
	WorkerID string `json:"analyzerId,omitempty"`
	// The analyzer or responder.
	Worker   string `json:"analyzerName,omitempty"`
	DataType string `json:"dataType,omitempty"` // the type of the observable
	// Absent for files and for responders.
	Data         string          `json:"data,omitempty" untrusted:"true"`
	Attachment   *Attachment     `json:"attachment,omitempty"`                    // the file, where it is one
	TLP          TLP             `json:"tlp"`                                     // how far it may be passed on
	PAP          PAP             `json:"pap"`                                     // what may be done with it
	Message      string          `json:"message,omitempty" untrusted:"true"`      // what was noted with it
	Label        string          `json:"label,omitempty" untrusted:"true"`        // the label it was started with
	Parameters   json.RawMessage `json:"parameters,omitempty" untrusted:"true"`   // what it was started with beside the observable
	Organisation string          `json:"organization,omitempty"`                  // the organization it belongs to
	CreatedBy    string          `json:"createdBy,omitempty"`                     // the login of who made it
	CreatedAt    time.Time       `json:"createdAt,omitzero,format:unixmilli"`     // when it was asked for
	StartDate    time.Time       `json:"startDate,omitzero,format:unixmilli"`     // when it began
	EndDate      time.Time       `json:"endDate,omitzero,format:unixmilli"`       // when it ended
	FromCache    bool            `json:"fromCache,omitempty"`                     // whether an earlier job's answer was taken
	ErrorMessage string          `json:"errorMessage,omitempty" untrusted:"true"` // why it failed
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`
}

// newJob takes over what Cortex says of a job, but neither its input nor the
// entity that a responder got.
func newJob(j *wire.Job) *Job {
	out := &Job{
		ID: j.ID, Status: JobStatus(j.Status), Type: string(j.Type), WorkerID: j.WorkerID, Worker: j.WorkerName, DataType: j.DataType,
		TLP: tlp(j.TLP), PAP: PAP(j.PAP), Message: j.Message, Label: j.Label, Organisation: j.Organization, CreatedBy: j.CreatedBy,
		CreatedAt: jsoncodec.OfMilli(j.CreatedAt), StartDate: jsoncodec.OfMilli(j.StartDate), EndDate: jsoncodec.OfMilli(j.EndDate), FromCache: j.FromCache, ErrorMessage: secret.Text(j.ErrorMessage),
	}
	if json.Unmarshal(j.Data, &out.Data) != nil {
		out.Data = ""
	}
	if a := j.Attachment; a.ID != "" {
		out.Attachment = &Attachment{ID: a.ID, Name: a.Name, Size: a.Size, ContentType: a.ContentType, Hashes: a.Hashes}
	}
	if len(j.Parameters) > 0 {
		if b, err := json.Marshal(j.Parameters); err == nil {
			out.Parameters = analysis.Redact(b)
		}
	}
	return out
}

// what is how a person knows the job.
func (j *Job) what() string {
	data := j.Data
	if j.Attachment != nil {
		data = j.Attachment.Name
	}
	return strings.TrimSpace(fmt.Sprintf("%s on %s %s", j.Worker, j.DataType, clip.Text(data, 100)))
}

// GetJobInput is the input of [Client.GetJob].
type GetJobInput struct {
	JobID string `json:"jobId" alias:"id"` // the job
}

// GetJob returns a job without its report.
//
// Cortex: GET /api/job/{jobId}
func (c *Client) GetJob(ctx context.Context, in GetJobInput) (*Job, error) {
	j, err := httpx.JSON[wire.Job](c.wire.GetJob(ctx, in.JobID))
	if err != nil {
		return nil, err
	}
	return newJob(j), nil
}

// GetJobReportInput is the input of [Client.GetJobReport].
type GetJobReportInput struct {
	JobID string `json:"jobId" alias:"id"` // the job
}

// GetJobReport returns a job with its report as it is, and doesn't wait. See
// [JobReport].Finished.
//
// Cortex: GET /api/job/{jobId}/report
func (c *Client) GetJobReport(ctx context.Context, in GetJobReportInput) (*JobReport, error) {
	j, err := httpx.JSON[wire.JobReport](c.wire.GetJobReport(ctx, in.JobID))
	if err != nil {
		return nil, err
	}
	return c.lifetime().reported(ctx, j), nil
}

// A FindableStatus is a status that a search for jobs can ask for. Cortex finds
// no deleted ones.
type FindableStatus string

// Enum lists the values for schemas.
func (FindableStatus) Enum() []any { return []any{"Waiting", "InProgress", "Success", "Failure"} }

func (s FindableStatus) check() error {
	switch JobStatus(s) {
	case "", StatusWaiting, StatusInProgress, StatusSuccess, StatusFailure:
		return nil
	case StatusDeleted:
		return invalid("status Deleted: Cortex finds no deleted jobs; want Waiting, InProgress, Success or Failure")
	}
	return invalid("status %q: want Waiting, InProgress, Success or Failure", clip.Text(string(s), 80))
}

// ListJobsInput is the input of [Client.ListJobs].
type ListJobsInput struct {
	DataType string `json:"dataType,omitempty" maxLength:"64"` // only of this type
	// Analyzer or responder, exactly; * stands for any text.
	AnalyzerName string         `json:"analyzerName,omitempty" maxLength:"128"`
	Status       FindableStatus `json:"status,omitempty"` // only those with this status
	// Only jobs on this observable or file (name or SHA-256), of 2000 jobs at a time.
	Data   string `json:"data,omitempty" refang:"true" alias:"observable,value" maxLength:"16384"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"500"`      // how many to return at most
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"1000000"` // how many to skip
	// Date: 2026-05-01T10:00:00Z, or 24h.
	After time.Time `json:"after,omitzero,format:unixmilli"`
	// Keep that of the first page, so that new jobs don't shift the next.
	Before time.Time `json:"before,omitzero,format:unixmilli"`
}

const (
	defaultJobs = 50
	maxJobs     = 500

	// pageJobs is the most that Cortex is asked for at once: for more it scrolls
	// through its database, which takes no offset.
	pageJobs = 100
	// windowJobs is how far the database pages, and how far it counts.
	windowJobs = 10_000
	// lookJobs is how many jobs one call looks through for an observable.
	lookJobs = 2000
)

// SetDefaults fills the fields left at zero.
func (in *ListJobsInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = defaultJobs
	}
}

// Validate checks what a schema can't.
func (in *ListJobsInput) Validate() error {
	errs := []error{in.Status.check(), checkLimit(in.Limit, maxJobs)}
	if in.Offset < 0 {
		errs = append(errs, invalid("offset %d: want at least 0", in.Offset))
	}
	if in.Offset+max(in.Limit, 1) > windowJobs {
		errs = append(errs, invalid("offset %d with limit %d: Cortex pages no further than %d jobs; to go on, give before= the createdAt of the last job that you have, and offset 0", in.Offset, in.Limit, windowJobs))
	}
	if !in.After.IsZero() && !in.Before.IsZero() && in.Before.Before(in.After) {
		errs = append(errs, invalid("before, %s, is earlier than after, %s", in.Before.UTC().Format(time.RFC3339), in.After.UTC().Format(time.RFC3339)))
	}
	if in.Data != "" && in.Offset > 0 {
		errs = append(errs, invalid("offset %d with data: the jobs of one observable go on with before", in.Offset))
	}
	return errors.Join(errs...)
}

func checkLimit(n, most int) error {
	if n < 0 || n > most {
		return invalid("limit %d: want 1 to %d", n, most)
	}
	return nil
}

// A JobPage is a part of a list of jobs, newest first.
type JobPage struct {
	Jobs []*Job `json:"jobs"` // the jobs
	// How many jobs match in all; absent when Cortex doesn't say.
	Total *int `json:"total,omitempty"`
	// Whether there are at least so many: Cortex counts to 10000.
	AtLeast bool `json:"totalIsAtLeast,omitempty"`
	// How many came before these.
	Offset int `json:"offset"`
	// The offset to go on with; absent at the end, and where note says how to go on.
	Next *int `json:"next,omitempty"`
	// To be given with next, or as note says.
	Before time.Time `json:"before,omitzero,format:unixmilli"`
	// Why the list is empty, or how to go on.
	Note string `json:"note,omitempty"`
}

// FirstRows returns the page with its first n jobs, or a few less, for an answer
// without room for all.
func (p *JobPage) FirstRows(n int) (page any, next map[string]any) {
	short := *p
	if p.Offset > 0 || p.Next != nil {
		to := p.Offset + n
		if short.Jobs, short.Next = p.Jobs[:n], &to; p.Before.IsZero() {
			return nil, nil
		}
		return &short, map[string]any{"offset": to, "before": p.Before}
	}
	for n > 0 && !p.Jobs[n].CreatedAt.Before(p.Jobs[n-1].CreatedAt) { // by date one goes on from a new millisecond
		n--
	}
	if n == 0 {
		return nil, nil
	}
	short.Jobs, short.Before = p.Jobs[:n], p.Jobs[n].CreatedAt
	return &short, map[string]any{"before": short.Before}
}

// ListJobs returns the jobs of the organisation that match, newest first, a page
// at a time. Those on one observable are looked for in 2,000 jobs at most; the
// note tells how to go on.
//
// Cortex: POST /api/job/_search
func (c *Client) ListJobs(ctx context.Context, in ListJobsInput) (*JobPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if in.Data != "" {
		return c.history(ctx, in)
	}
	jobs, total, err := c.search(ctx, in.query(), in.Offset, in.Limit, newestFirst)
	if err != nil {
		return nil, err
	}
	p := &JobPage{Jobs: jobs, Total: total, AtLeast: total != nil && *total >= windowJobs, Offset: in.Offset}
	next := in.Offset + len(jobs)
	switch more := total != nil && next < *total || (total == nil || p.AtLeast) && len(jobs) == in.Limit; {
	case len(jobs) == 0 && in.Offset > 0:
		p.Note = "there are no jobs beyond this offset"
	case len(jobs) == 0 && in.AnalyzerName != "" && !strings.Contains(in.AnalyzerName, "*"):
		p.Note = "no job matches; the name is compared as a whole, with its version and case: use * for the rest"
	case len(jobs) == 0:
		p.Note = "no job matches"
	case more && next+1 > windowJobs:
		p.Before = jobs[len(jobs)-1].CreatedAt
		p.Note = fmt.Sprintf("there may be more: Cortex pages no further than %d jobs. Go on with before=%d and offset 0; the jobs created in that millisecond come again", windowJobs, jsoncodec.Milli(p.Before))
	case more:
		p.Next, p.Before = &next, in.Before
		if p.Before.IsZero() {
			p.Before = jobs[0].CreatedAt
		}
	}
	return p, nil
}

// history returns the jobs on one observable. Cortex keeps that in a form that
// its database can't search: the jobs are looked through, newest first. A page
// ends where a millisecond does, so that the next one begins after it.
func (c *Client) history(ctx context.Context, in ListJobsInput) (*JobPage, error) {
	p := &JobPage{Jobs: []*Job{}}
	looked, last, is := 0, time.Time{}, in.on()
	all := in
	all.Limit = pageJobs
	for j, err := range c.walk(ctx, all) {
		if err != nil {
			return nil, err
		}
		if (len(p.Jobs) >= in.Limit || looked >= lookJobs) && j.CreatedAt.Before(last) {
			p.Before = j.CreatedAt
			p.Note = fmt.Sprintf("the %s since %s were looked through: go on with before=%d, or narrow by dataType, analyzerName or after",
				count(looked, "job"), last.UTC().Format(time.RFC3339), p.Before.UnixMilli())
			return p, nil
		}
		looked, last = looked+1, j.CreatedAt
		if is(j) {
			p.Jobs = append(p.Jobs, j)
		}
	}
	total := len(p.Jobs)
	p.Total = &total
	if total == 0 {
		p.Note = fmt.Sprintf("no job is on this observable, of %s that match otherwise", count(looked, "job"))
	}
	return p, nil
}

// on tells which jobs are on in.Data: every one if that is empty.
func (in *ListJobsInput) on() func(*Job) bool {
	if in.Data == "" {
		return func(*Job) bool { return true }
	}
	want := plainly(in.Data)
	return func(j *Job) bool {
		have := []string{j.Data}
		if a := j.Attachment; a != nil {
			have = append(have, a.Name, a.ID)
		}
		return slices.ContainsFunc(have, func(h string) bool { return h != "" && plainly(h) == want })
	}
}

// plainly is the one spelling of data by which it is compared.
func plainly(data string) string {
	data = strings.TrimSpace(data)
	if plain, _, err := clean(data); err == nil {
		data = plain
	}
	return strings.ToLower(strings.TrimSuffix(data, "."))
}

// query is what in asks Cortex for.
func (in *ListJobsInput) query() query {
	q := query{field("dataType", typeNamed(strings.TrimSpace(in.DataType))), field("workerName", in.AnalyzerName), field("status", string(in.Status))}
	if !in.After.IsZero() {
		q = append(q, compared("_gte", "createdAt", in.After.UnixMilli()))
	}
	if !in.Before.IsZero() {
		q = append(q, compared("_lte", "createdAt", in.Before.UnixMilli()))
	}
	return q
}

// Jobs yields every job that matches, newest first, from in.Offset on. Jobs created
// meanwhile are left out, none is skipped or comes twice when some are deleted on
// the way, and there may be more of them than Cortex pages through: it goes on by the
// date of the last job. A page of requests has in.Limit jobs; left out: 100.
func (c *Client) Jobs(ctx context.Context, in ListJobsInput) iter.Seq2[*Job, error] {
	if err := input.PrepareWalk(&in, &in.Limit, pageJobs, ErrInvalid); err != nil {
		return paging.Failed[*Job](err)
	}
	return func(yield func(*Job, error) bool) {
		is := in.on()
		for j, err := range c.walk(ctx, in) {
			if (err != nil || is(j)) && !yield(j, err) {
				return
			}
		}
	}
}

// walk is [Client.Jobs] whatever observable the jobs are on.
func (c *Client) walk(ctx context.Context, in ListJobsInput) iter.Seq2[*Job, error] {
	_, resumed := resume.Asked(ctx)
	return paging.ByKey(ctx, func(j *Job) (made int64, id string) { return jsoncodec.Milli(j.CreatedAt), j.ID }, func(ctx context.Context, from *int64, offset int) ([]*Job, bool, error) {
		next := in
		switch {
		case from != nil:
			next.Before = jsoncodec.OfMilli(*from)
		case !resumed:
			offset += in.Offset
		}
		jobs, _, err := c.search(ctx, next.query(), offset, next.Limit, newestFirst)
		if n := len(jobs); n == next.Limit && jobs[n-1].CreatedAt.IsZero() {
			return nil, false, fmt.Errorf("cortex: job %s cannot be read, and nobody knows where to go on: %s", jobs[n-1].ID, jobs[n-1].Unread)
		}
		return jobs, len(jobs) == next.Limit, err
	})
}

const newestFirst = "-createdAt"

// query is a conjunction in Cortex's query language. Nil members don't count.
type query []map[string]any

// field asks for the jobs whose field has the value; * stands for any text.
func field(name, value string) map[string]any {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return nil
	case strings.Contains(value, "*"):
		return map[string]any{"_wildcard": map[string]any{"_field": name, "_value": value}}
	}
	return map[string]any{"_field": name, "_value": value}
}

// compared asks for the jobs whose date lies before or after the value.
func compared(how, name string, value int64) map[string]any {
	return map[string]any{how: map[string]any{name: value}}
}

func (q query) encode() ([]byte, error) {
	var all []map[string]any
	for _, x := range q {
		if x != nil {
			all = append(all, x)
		}
	}
	switch len(all) {
	case 0: // an exact comparison with * would find nothing
		return []byte(`{"_any":"*"}`), nil
	case 1:
		return json.Marshal(all[0])
	}
	return json.Marshal(map[string]any{"_and": all})
}

// A row is a thing in a list, which isn't to be lost with the list for one odd value.
type row[T any] struct {
	it     T
	unread string
}

// UnmarshalJSON reads what it can.
func (r *row[T]) UnmarshalJSON(b []byte) (err error) {
	r.unread, err = jsoncodec.UnmarshalPartly(b, &r.it)
	return err
}

// search returns up to limit jobs that match, and how many there are in all as
// far as Cortex counts, in pages that Cortex can answer.
func (c *Client) search(ctx context.Context, q query, offset, limit int, sort string) (jobs []*Job, total *int, err error) {
	jobs = []*Job{}
	atOnce := pageJobs
	for len(jobs) < limit {
		b, err := q.encode()
		if err != nil {
			return nil, nil, invalid("%s", err)
		}
		from := offset + len(jobs)
		most := min(limit-len(jobs), atOnce)
		res, err := c.wire.SearchJobs(ctx, wire.JobSearch{Query: b, Range: fmt.Sprintf("%d-%d", from, from+most), Sort: []string{sort}})
		list, err := httpx.JSON[listing[row[wire.Job]]](res, err)
		if errors.Is(err, connect.ErrTooLarge) && most > 1 {
			atOnce = most / 2
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		if from == 0 && sort == newestFirst && len(list.rows) > 0 && list.rows[0].it.CreatedAt > 0 { // what comes meanwhile doesn't shift the next page
			q = append(slices.Clip(q), compared("_lte", "createdAt", list.rows[0].it.CreatedAt))
		}
		for _, row := range list.rows {
			j := newJob(&row.it)
			j.Unread = row.unread
			jobs = append(jobs, j)
		}
		if n, err := strconv.Atoi(res.Header.Get("X-Total")); err == nil {
			total = &n
		}
		if list.sent < most {
			break
		}
	}
	return jobs, total, nil
}

// DeleteJobInput is the input of [Client.DeleteJob].
type DeleteJobInput struct {
	JobID string `json:"jobId" alias:"id"` // the job
	gate.Confirmation
}

// A DeletedJob is a job that is gone, or will be back.
type DeletedJob struct {
	JobID string `json:"jobId"` // the job
	// Whether it is gone for good.
	Deleted bool `json:"deleted"`
	// How it stood when it was deleted, if it had not ended.
	Status JobStatus `json:"status,omitempty"`
	// Why it is not gone for good.
	Note string `json:"note,omitempty"`
}

// comesBack is said of a job that is deleted before it has ended.
const comesBack = "the job has not ended: Cortex doesn't stop its worker, and when that ends the job is back with its report. Wait for it, and delete it then"

// DeleteJob deletes a job and its report. One that hasn't ended comes back when
// its worker ends, which the answer says.
//
// Cortex: GET /api/job/{jobId}, DELETE /api/job/{jobId}
func (c *Client) DeleteJob(ctx context.Context, in DeleteJobInput) (*DeletedJob, error) {
	j, err := c.GetJob(ctx, GetJobInput{JobID: in.JobID})
	if err != nil {
		return nil, err
	}
	if err := httpx.Done(c.wire.DeleteJob(ctx, in.JobID)); err != nil {
		return nil, err
	}
	out := &DeletedJob{JobID: in.JobID, Deleted: j.Status.Ended()}
	if !out.Deleted {
		out.Status, out.Note = j.Status, comesBack
	}
	return out, nil
}

func (c *Client) planDeleteJob(ctx context.Context, in DeleteJobInput) (gate.Plan, error) {
	j, err := c.GetJob(ctx, GetJobInput{JobID: in.JobID})
	if err != nil {
		return gate.Plan{}, err
	}
	if j.Status == StatusDeleted {
		return gate.Plan{}, fmt.Errorf("%w: job %s is deleted already", ErrNotFound, in.JobID)
	}
	p := gate.Plan{Summary: "Delete a job and its report in Cortex.", Targets: []gate.Target{j.target()}}
	if !j.Status.Ended() {
		p.Warnings = append(p.Warnings, comesBack)
	}
	return p, nil
}

func (j *Job) target() gate.Target {
	return gate.Target{Kind: "job", ID: j.ID, Name: j.what(), Version: fmt.Sprintf("%s, created %s", j.Status, date(j.CreatedAt))}
}

// date is how a plan shows a time.
func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }
