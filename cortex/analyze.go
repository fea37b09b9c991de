package cortex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/progress"
	"github.com/sallyport-soc/sallyport/internal/recovered"
	"github.com/sallyport-soc/sallyport/internal/secret"
	"github.com/sallyport-soc/sallyport/internal/stack"
)

// AnalyzeObservableInput is the input of [Client.AnalyzeObservable]. Name
// analyzers, or set FanOut.
type AnalyzeObservableInput struct {
	// The observable, also defanged.
	Data string `json:"data" alias:"observable,value" minLength:"1" maxLength:"16384"`
	// ip, domain, fqdn, url, mail, hash, filename, registry, regexp, other, user-agent, … or one of the
	// server's own. Default: detected.
	DataType string `json:"dataType,omitempty" pattern:"^([A-Za-z][A-Za-z0-9_.:-]{0,63})?$"`
	// By name, id, or a part of the name that only one has.
	Analyzers []string `json:"analyzers,omitempty" alias:"analyzerNames" maxItems:"100" maxLength:"128"`
	// Run every analyzer that takes the type; needs an approval.
	FanOut bool `json:"fanOut,omitempty"`
	// Refuse to run more.
	MaxAnalyzers int  `json:"maxAnalyzers,omitempty" minimum:"1" maximum:"100"`
	TLP          *TLP `json:"tlp,omitempty"` // how far it may be passed on; nil: the default
	PAP          *PAP `json:"pap,omitempty"` // what may be done with it; nil: the default
	// Seconds for all to end.
	Timeout int `json:"timeout,omitempty" minimum:"1" maximum:"3600"`
	// Although a recent answer is cached.
	Force bool `json:"force,omitempty"`
	// Although it has a query, token or name; a person must approve.
	WholeURL bool   `json:"wholeUrl,omitempty"`
	Message  string `json:"message,omitempty" maxLength:"4096"` // kept with the job
	// Kept with the jobs.
	Label      string                     `json:"label,omitempty" maxLength:"256"`
	Parameters map[string]json.RawMessage `json:"parameters,omitempty"` // parameters of the analyzer's own
}

// SetDefaults fills the fields left at zero.
func (in *AnalyzeObservableInput) SetDefaults() {
	in.TLP, in.PAP = amber(in.TLP, in.PAP)
	if in.Timeout == 0 {
		in.Timeout = defaultWait
	}
}

// Validate checks what a schema can't.
func (in *AnalyzeObservableInput) Validate() error {
	errs := []error{checkWait(in.Timeout)}
	if in.TLP != nil && in.PAP != nil {
		errs = append(errs, checkMarking(*in.TLP, *in.PAP))
	}
	for i, name := range in.Analyzers {
		if strings.TrimSpace(name) == "" {
			errs = append(errs, invalid("analyzers[%d] is blank: it selects nothing", i))
		}
	}
	if in.FanOut && len(in.Analyzers) > 0 {
		errs = append(errs, invalid("analyzers and fanOut exclude each other"))
	}
	if in.MaxAnalyzers < 0 {
		errs = append(errs, invalid("maxAnalyzers %d: want at least 1", in.MaxAnalyzers))
	}
	return errors.Join(errs...)
}

// An AnalyzerRun is what became of one analyzer.
type AnalyzerRun struct {
	Analyzer   string `json:"analyzer"`   // the analyzer
	AnalyzerID string `json:"analyzerId"` // the analyzer's id
	// Absent when there is no job.
	JobID string `json:"jobId,omitempty"`
	// Success, Failure, Deleted, Waiting, InProgress; NotSubmitted: there is no job; Unknown: an answer was
	// lost.
	Status JobStatus `json:"status"`
	// Whether it is the answer of an earlier job.
	FromCache bool `json:"fromCache,omitempty"`
	// When it answered.
	EndDate time.Time `json:"endDate,omitzero,format:unixmilli"`
	// The worst level of the taxonomies; unknown if there are none.
	Level        Level      `json:"level"`
	Taxonomies   []Taxonomy `json:"taxonomies" untrusted:"true"`             // its verdicts, in short
	ErrorMessage string     `json:"errorMessage,omitempty" untrusted:"true"` // why it failed
	Note         string     `json:"note,omitempty"`                          // what to know about the run

	artifacts []Artifact
}

// A Finding is an observable that analyzers found while they looked at another.
type Finding struct {
	DataType string `json:"dataType"`              // the type of the observable
	Data     string `json:"data" untrusted:"true"` // its value
	// Who found it.
	Analyzers []string `json:"analyzers"`
}

// An Analysis is what analyzers say of one observable.
type Analysis struct {
	Observable Observable `json:"observable"` // what was analyzed
	Verdict    Verdict    `json:"verdict"`    // what all jobs say of it together
	// The jobs, for their full reports.
	JobIDs []string `json:"jobIds"`
	// Each analyzer that was selected, by name.
	Results []*AnalyzerRun `json:"results"`
	// Further observables that were found, each once.
	Artifacts []Finding `json:"artifacts"`
	// What analyzers gave as observables though it isn't what its type says, such as a sentence as an
	// address: to read, not to act on.
	Texts []Finding `json:"otherTexts,omitempty"`
	Note  string    `json:"note,omitempty"` // what to know about the answer
}

// AnalyzeObservable submits an observable to analyzers, waits for them and sums
// up what they say. They run at the same time, and one that fails takes nothing
// from the others. It is an error only when no analyzer was started.
//
// When in.Timeout is over, or ctx ends, it returns what there is, with the jobs
// that are still at work: [Client.WaitAndGetReport] waits for each.
//
// Names of analyzers are looked up in a list that may be half a minute old.
//
// Cortex: GET /api/analyzer, POST /api/analyzer/{id}/run, GET /api/job/{id}/waitreport
func (c *Client) AnalyzeObservable(ctx context.Context, in AnalyzeObservableInput) (*Analysis, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	list, err := c.submissions(ctx, &in)
	if err != nil {
		return nil, err
	}
	a := &Analysis{Observable: list[0].observable, Artifacts: []Finding{}}
	runs := make([]*AnalyzerRun, len(list))
	for i, s := range list {
		runs[i] = &AnalyzerRun{Analyzer: s.to.Name, AnalyzerID: s.to.ID, Level: LevelUnknown, Taxonomies: []Taxonomy{}}
	}
	// A job is waited for as soon as it is started, while others are still submitted.
	errs, lost := make([]error, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	var started, ended atomic.Int32
	submitting, waiting := make(chan struct{}, concurrent), make(chan struct{}, concurrent)
	for i, r := range runs {
		submitting <- struct{}{}
		all.Go(func() {
			stack.Deepen()
			if err := recovered.Write(func() error { return c.start(ctx, list[i], r) }); err != nil {
				errs[i] = r.notStarted(err)
			}
			<-submitting
			if int(started.Add(1)) == len(runs) {
				a.JobIDs = jobIDs(runs)
				settled(ctx, runs)
			}
			waiting <- struct{}{}
			lost[i] = recovered.Do(func() error { return c.finish(ctx, r, until(ctx, in.Timeout)) })
			progress.Report(ctx, int(ended.Add(1)), len(runs), "analyzers are done with")
			<-waiting
		})
	}
	all.Wait()
	for i, r := range runs {
		if lost[i] != nil {
			r.notFetched(lost[i])
		}
	}
	if len(a.JobIDs) == 0 {
		return nil, fmt.Errorf("cortex: no analyzer was started: %w", errors.Join(errs...))
	}
	a.Results, a.Verdict = runs, judge(runs)
	for _, f := range findings(runs) {
		if f.is() {
			a.Artifacts = append(a.Artifacts, f)
		} else {
			a.Texts = append(a.Texts, f)
		}
	}
	if missing := unfinished(runs); len(missing) > 0 {
		a.Note = "not ended: " + some(missing) + "; wait for each by its job id, unless its note says that it will not end"
	}
	return a, nil
}

// jobIDs returns those of the jobs that were started.
func jobIDs(runs []*AnalyzerRun) []string {
	ids := []string{}
	for _, r := range runs {
		if r.JobID != "" {
			ids = append(ids, r.JobID)
		}
	}
	return ids
}

// settled tells the gate that the jobs are started, and of which nobody knows it: their
// reports are only read.
func settled(ctx context.Context, runs []*AnalyzerRun) {
	var out struct {
		JobIDs  []string `json:"jobIds"`
		Unknown []string `json:"unknownAnalyzerIds,omitempty"`
	}
	if out.JobIDs = jobIDs(runs); len(out.JobIDs) == 0 {
		return // it fails
	}
	for _, r := range runs {
		if r.JobID == "" && r.Status == StatusUnknown {
			out.Unknown = append(out.Unknown, r.AnalyzerID)
		}
	}
	gate.Settled(ctx, out)
}

// unfinished names the analyzers that have not answered.
func unfinished(runs []*AnalyzerRun) (names []string) {
	for _, r := range runs {
		if r.JobID != "" && !r.Status.Ended() {
			names = append(names, r.Analyzer)
		}
	}
	return names
}

// submissions returns what the call would submit, judged by the egress guard. A
// plan and its execution both come from here.
func (c *Client) submissions(ctx context.Context, in *AnalyzeObservableInput) ([]submission, error) {
	o, err := observe(in.Data, in.DataType)
	if err != nil {
		return nil, err
	}
	to, err := c.selectAnalyzers(ctx, o.DataType, in.Analyzers, in.FanOut, in.MaxAnalyzers)
	if err != nil {
		return nil, err
	}
	return c.clearAll(request{
		observable: o, tlp: *in.TLP, pap: *in.PAP, message: in.Message, label: in.Label, parameters: in.Parameters, force: in.Force, whole: in.WholeURL,
	}, to)
}

// concurrent is how many requests one call has under way at most.
const concurrent = 16

// each calls f for 0 to n-1, several at a time, and returns its errors when all
// are done. A panic is the error of that one.
func each(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	slots := make(chan struct{}, concurrent)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			errs[i] = recovered.Do(func() error { return f(i) })
		})
	}
	wg.Wait()
	return errs
}

// start submits s, to be r.
func (c *Client) start(ctx context.Context, s submission, r *AnalyzerRun) error {
	j, err := c.submit(ctx, s)
	if err != nil {
		return err
	}
	r.JobID, r.Status, r.FromCache = j.ID, JobStatus(j.Status), j.FromCache
	return nil
}

// notStarted notes why there is no job of r, and returns that with its name.
func (r *AnalyzerRun) notStarted(err error) error {
	r.Status, r.ErrorMessage = StatusNotSubmitted, secret.Text(err.Error())
	if errors.Is(err, gate.ErrOutcomeUnknown) {
		r.Status = StatusUnknown
	}
	return fmt.Errorf("%s: %w", r.Analyzer, err)
}

// finish waits for the job of r.
func (c *Client) finish(ctx context.Context, r *AnalyzerRun, end time.Time) error {
	if r.JobID == "" {
		return nil
	}
	l := c.lifetime()
	j, err := l.wait(ctx, r.JobID, r.Status, end)
	if j != nil {
		rep := summary(j)
		if why := l.dead(ctx, j); why != "" {
			rep.Note = why
		}
		r.Status, r.Taxonomies, r.Level, r.ErrorMessage, r.Note, r.artifacts = rep.Status, rep.Taxonomies, rep.Level, rep.ErrorMessage, rep.Note, rep.Artifacts
		r.FromCache, r.EndDate = r.FromCache || rep.FromCache, rep.EndDate
	}
	return err
}

// notFetched notes why there is no report of r.
func (r *AnalyzerRun) notFetched(err error) {
	r.Note = "the report could not be fetched: " + secret.Text(err.Error())
	if r.Status.Ended() {
		r.Status = StatusUnknown
	}
}

// is reports whether f is what its type says. Analyzers extract by patterns that
// take a sentence with an address in it for an address, and a file for a domain.
func (f Finding) is() bool {
	switch f.DataType {
	case typeIP, typeDomain, typeFQDN, typeURL, typeMail, typeHash:
	default:
		return true
	}
	o, err := Detect(f.Data)
	name := f.DataType == typeDomain || f.DataType == typeFQDN
	switch {
	case err != nil || strings.ContainsAny(f.Data, " \t\r\n"):
		return false
	case name:
		return (o.DataType == typeDomain || o.DataType == typeFQDN) && !fileEnding.MatchString(f.Data)
	}
	return o.DataType == f.DataType
}

// fileEnding ends names that are of files far more often than of hosts.
var fileEnding = lazyregexp.New(`(?i)\.(exe|dll|sys|pdf|docx?|xlsx?|pptx?|rtf|txt|log|csv|js|vbs|ps1|bat|cmd|sh|py|php|aspx?|jsp|html?|xml|json|ya?ml|zip|rar|7z|gz|tgz|tar|iso|img|lnk|msi|jar|apk|png|jpe?g|gif|eml|msg|dat|bin|tmp|ini|cfg|conf)$`)

const maxFindings = 500

// findings returns what the analyzers found, each observable once.
func findings(runs []*AnalyzerRun) []Finding {
	list := []Finding{}
	at := map[[2]string]int{}
	for _, r := range runs {
		for _, x := range r.artifacts {
			if x.Data == "" {
				continue
			}
			key := [2]string{x.DataType, x.Data}
			i, ok := at[key]
			if !ok {
				if len(list) == maxFindings {
					r.Note = "it found more than is listed here: see its artifacts"
					break
				}
				i = len(list)
				at[key] = i
				list = append(list, Finding{DataType: x.DataType, Data: x.Data})
			}
			if by := list[i].Analyzers; len(by) == 0 || by[len(by)-1] != r.Analyzer {
				list[i].Analyzers = append(by, r.Analyzer)
			}
		}
	}
	return list
}

// PlanAnalyzeObservable returns what [Client.AnalyzeObservable] would submit, and
// to whom, or the error that it would give before it submits anything, such as
// [ErrEgress]. It is for operations of others that analyze too.
//
// Cortex: GET /api/analyzer
func (c *Client) PlanAnalyzeObservable(ctx context.Context, in AnalyzeObservableInput) (gate.Plan, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return gate.Plan{}, err
	}
	list, err := c.submissions(ctx, &in)
	if err != nil {
		return gate.Plan{}, err
	}
	return planSubmissions(list, in.Data)
}

// remarks adds what is sent beside an observable or an entity.
func remarks(list []gate.Change, message, label string, parameters map[string]json.RawMessage) ([]gate.Change, error) {
	if message != "" {
		list = append(list, gate.Set("message", message))
	}
	if label != "" {
		list = append(list, gate.Set("label", label))
	}
	if len(parameters) > 0 {
		b, err := json.Marshal(parameters)
		if err != nil {
			return nil, invalid("parameters: %s", err)
		}
		list = append(list, gate.Set("parameters", string(b)))
	}
	return list, nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
