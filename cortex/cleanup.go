package cortex

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/recovered"
	"github.com/sallyport-soc/sallyport/internal/secret"
)

// CleanupJobsInput is the input of [Client.CleanupJobs]. Give Status or
// OlderThanDays, or both.
type CleanupJobsInput struct {
	Status        FindableStatus `json:"status,omitempty"`                                    // only those with this status
	OlderThanDays int            `json:"olderThanDays,omitempty" minimum:"1" maximum:"36500"` // made at least so many days ago
	// The oldest first.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500"`
	// Only list them.
	DryRun *bool `json:"dryRun,omitempty"`
	// What the dry run told.
	Selection string `json:"selection,omitempty" pattern:"^([0-9]{1,15}-[0-9a-f]{16})?$"`
	gate.Confirmation
}

// SetDefaults fills the fields left at zero.
func (in *CleanupJobsInput) SetDefaults() {
	if in.DryRun == nil {
		dry := true
		in.DryRun = &dry
	}
	if in.Limit == 0 {
		in.Limit = 100
	}
}

func (in *CleanupJobsInput) dry() bool { return in.DryRun == nil || *in.DryRun }

var selectionForm = lazyregexp.New(`^[0-9]{1,15}-[0-9a-f]{16}$`)

// Validate checks what a schema can't.
func (in *CleanupJobsInput) Validate() error {
	errs := []error{in.Status.check(), checkLimit(in.Limit, maxJobs)}
	if in.Status == "" && in.OlderThanDays == 0 {
		errs = append(errs, invalid("status or olderThanDays is needed: without either all jobs would go"))
	}
	if in.OlderThanDays < 0 {
		errs = append(errs, invalid("olderThanDays %d: want at least 1", in.OlderThanDays))
	}
	switch {
	case in.Selection != "" && !selectionForm.MatchString(in.Selection):
		errs = append(errs, invalid("selection %q: want the one that a dry run told", clip.Text(in.Selection, 80)))
	case in.Selection == "" && !in.dry():
		errs = append(errs, invalid("selection is missing: do a dry run with the same arguments first, look at the jobs, and give its selection"))
	}
	return errors.Join(errs...)
}

// A Cleanup is what a cleanup would delete or has deleted.
type Cleanup struct {
	DryRun bool `json:"dryRun"` // whether nothing was deleted
	// How many jobs match in all, beyond the limit too.
	Matching *int `json:"matchingJobs,omitempty"`
	// Whether there are at least so many: Cortex counts to 10000.
	AtLeast bool `json:"matchingIsAtLeast,omitempty"`
	// Stands for exactly these jobs.
	Selection string `json:"selection"`
	// Exactly the jobs that would be deleted, or what became of each.
	Jobs    []*CleanupJob `json:"jobs"`
	Deleted int           `json:"deleted"` // how many were deleted
	// How many had not ended and come back when they do.
	Returning int    `json:"returning,omitempty"`
	Failed    int    `json:"failed"`  // how many could not be
	Message   string `json:"message"` // what came of it, in a sentence
}

// A CleanupJob is one job of a cleanup.
type CleanupJob struct {
	ID        string    `json:"jobId"`                               // its id
	Status    JobStatus `json:"status"`                              // its status
	Analyzer  string    `json:"analyzerName,omitempty"`              // the analyzer
	DataType  string    `json:"dataType,omitempty"`                  // the type of the observable
	Data      string    `json:"data,omitempty" untrusted:"true"`     // what was analyzed
	CreatedAt time.Time `json:"createdAt,omitzero,format:unixmilli"` // when it was started
	Deleted   bool      `json:"deleted,omitempty"`                   // whether it was deleted
	// Why it was not deleted, or that nobody knows.
	Error string `json:"error,omitempty"`
}

// selected is the jobs that a cleanup is about.
type selected struct {
	jobs  []*Job
	total *int
	until int64  // jobs created later are left alone
	odd   []*Job // that can't be read, and are left alone
}

// left says which jobs are left alone, and why.
func (s *selected) left(before string) string {
	if len(s.odd) == 0 {
		return ""
	}
	list := make([]string, len(s.odd))
	for i, j := range s.odd {
		list[i] = fmt.Sprintf("%s (%s)", j.ID, j.Unread)
	}
	return before + clip.Text("left alone, since they cannot be read: "+strings.Join(list, ", "), 500)
}

// token stands for exactly these jobs.
func (s *selected) token() string {
	h := sha256.New()
	for _, j := range s.jobs {
		fmt.Fprintf(h, "%s\n", j.ID)
	}
	return fmt.Sprintf("%d-%s", s.until, hex.EncodeToString(h.Sum(nil)[:8]))
}

// CleanupJobs deletes jobs that match, the oldest first. A dry run lists them
// and tells a selection; the call that deletes must give that, and deletes those
// jobs or, when they are no longer what matches, none: [ErrChanged].
//
// Cortex: POST /api/job/_search, DELETE /api/job/{jobId}
func (c *Client) CleanupJobs(ctx context.Context, in CleanupJobsInput) (*Cleanup, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	s, err := c.choose(ctx, &in)
	if err != nil {
		return nil, err
	}
	out := &Cleanup{DryRun: in.dry(), Matching: s.total, AtLeast: s.total != nil && *s.total >= windowJobs, Selection: s.token(), Jobs: make([]*CleanupJob, len(s.jobs))}
	for i, j := range s.jobs {
		out.Jobs[i] = &CleanupJob{ID: j.ID, Status: j.Status, Analyzer: j.Worker, DataType: j.DataType, Data: clip.Text(j.Data, 200), CreatedAt: j.CreatedAt}
	}
	if in.dry() {
		out.Message = fmt.Sprintf("nothing was deleted; with dryRun false, confirm true and this selection exactly %s would be", count(len(s.jobs), "job")) + s.left("; ")
		return out, nil
	}
	errs := each(len(s.jobs), func(i int) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return recovered.Write(func() error { return httpx.Done(c.wire.DeleteJob(ctx, s.jobs[i].ID)) })
	})
	var lost error
	for i, err := range errs {
		switch j := out.Jobs[i]; {
		case (err == nil || errors.Is(err, ErrNotFound)) && !j.Status.Ended():
			j.Error = comesBack
			out.Returning++
		case err == nil || errors.Is(err, ErrNotFound): // gone is gone
			j.Deleted = true
			out.Deleted++
		default:
			j.Error = clip.Text(secret.Text(err.Error()), 300)
			out.Failed++
			lost = err
		}
	}
	if out.Deleted+out.Returning == 0 && lost != nil {
		return nil, fmt.Errorf("cortex: none of %s was deleted: %w", count(len(s.jobs), "job"), lost)
	}
	out.Message = fmt.Sprintf("%d of %s deleted", out.Deleted, count(len(s.jobs), "job"))
	if out.Returning > 0 {
		out.Message += fmt.Sprintf("; %d had not ended and come back when they do", out.Returning)
	}
	out.Message += s.left("; ")
	return out, nil
}

// choose returns the jobs that in is about. A dry run, a plan and its execution
// all come from here.
func (c *Client) choose(ctx context.Context, in *CleanupJobsInput) (*selected, error) {
	s := &selected{until: time.Now().UnixMilli()}
	if in.OlderThanDays > 0 {
		s.until = time.Now().AddDate(0, 0, -in.OlderThanDays).UnixMilli()
	}
	if in.Selection != "" {
		at, _, _ := strings.Cut(in.Selection, "-")
		until, err := strconv.ParseInt(at, 10, 64)
		if err != nil || until > s.until {
			return nil, invalid("selection %q is not of a dry run with these arguments", in.Selection)
		}
		s.until = until
	}
	var err error
	s.jobs, s.total, err = c.search(ctx, query{field("status", string(in.Status)), compared("_lt", "createdAt", s.until)}, 0, in.Limit, "+createdAt")
	if err != nil {
		return nil, err
	}
	s.jobs = slices.DeleteFunc(s.jobs, func(j *Job) bool {
		if j.Unread != "" {
			s.odd = append(s.odd, j)
		}
		return j.Unread != ""
	})
	if in.Selection != "" && s.token() != in.Selection {
		return nil, fmt.Errorf("%w: the jobs that match are no longer those of the dry run, and none was deleted; do another", ErrChanged)
	}
	if len(s.jobs) == 0 && !in.dry() {
		return nil, fmt.Errorf("%w: no job matches", ErrNotFound)
	}
	return s, nil
}

func (c *Client) planCleanupJobs(ctx context.Context, in CleanupJobsInput) (gate.Plan, error) {
	s, err := c.choose(ctx, &in)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: fmt.Sprintf("Delete %s and their reports in Cortex.", count(len(s.jobs), "job"))}
	running := 0
	for _, j := range s.jobs {
		p.Targets = append(p.Targets, j.target())
		if !j.Status.Ended() {
			running++
		}
	}
	if left := s.left(""); left != "" {
		p.Warnings = append(p.Warnings, left)
	}
	if running > 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%d of them have not ended: Cortex doesn't stop their workers, and they are back with their reports when those end", running))
	}
	return p, nil
}
