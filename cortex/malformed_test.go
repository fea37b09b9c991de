package cortex_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

// transport answers instead of Cortex.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Analyzers are started and waited for in goroutines, in which a panic would end
// the process.
func TestAPanicOverOneAnalyzerTakesNothingFromTheOthers(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.AddAnalyzer(cortextest.Worker{Name: "First_1_0", DataTypes: []string{"ip"}})
	second := s.AddAnalyzer(cortextest.Worker{Name: "Second_1_0", DataTypes: []string{"ip"}})
	var once sync.Once
	for what, panics := range map[string]func(*http.Request) bool{
		"a submission": func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, second+"/run") },
		"waiting for a job": func(r *http.Request) (first bool) {
			if strings.HasSuffix(r.URL.Path, "/waitreport") {
				once.Do(func() { first = true })
			}
			return first
		},
	} {
		c := s.Client(func(c *cortex.Config) {
			c.Transport = transport(func(r *http.Request) (*http.Response, error) {
				if panics(r) {
					panic("boom")
				}
				return http.DefaultTransport.RoundTrip(r)
			})
		})
		in := cortex.AnalyzeObservableInput{Data: "198.51.100.23", Analyzers: []string{"First_1_0", "Second_1_0"}, Force: true}
		out, err := c.AnalyzeObservable(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		lost, done := 0, 0
		for _, r := range out.Results {
			switch {
			case strings.Contains(r.ErrorMessage+r.Note, "boom") && r.Status != cortex.StatusSuccess:
				lost++
				if r.JobID == "" && r.Status != cortex.StatusUnknown {
					t.Errorf("a panic in %s: %s, want unknown whether there is a job", what, r.Status)
				}
			case r.Status == cortex.StatusSuccess:
				done++
			}
		}
		if lost != 1 || done != 1 {
			t.Errorf("a panic in %s: results %+v and %+v, want one lost and one done", what, out.Results[0], out.Results[1])
		}
	}
}

// changed is a client of s whose answers to a search for jobs come as edit makes them.
func changed(s *cortextest.Server, edit func(list []map[string]any)) *cortex.Client {
	return s.Client(func(c *cortex.Config) {
		c.Transport = transport(func(r *http.Request) (*http.Response, error) {
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil || !strings.HasSuffix(r.URL.Path, "/job/_search") {
				return res, err
			}
			var list []map[string]any
			if err := errors.Join(json.NewDecoder(res.Body).Decode(&list), res.Body.Close()); err != nil {
				return nil, err
			}
			edit(list)
			b, err := json.Marshal(list)
			res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			res.Header.Del("Content-Length")
			return res, err
		})
	})
}

func TestAJobThatCannotBeReadIsShownWithTheOthersAndIsNotCleanedUp(t *testing.T) {
	t.Parallel()
	for size, filling := range map[string]string{"a short list": "", "a long one": strings.Repeat("x", 300<<10)} {
		s := cortextest.New(t)
		jobs := many(s, 3, time.Now().AddDate(0, 0, -2))
		odd := jobs[1]
		c := changed(s, func(list []map[string]any) {
			for _, j := range list {
				if j["message"] = filling; j["id"] == odd {
					j["dataType"], j["label"] = 7, []any{}
				}
			}
		})
		page, err := c.ListJobs(t.Context(), cortex.ListJobsInput{})
		if err != nil {
			t.Fatalf("%s: %v", size, err)
		}
		told := map[string]string{}
		for _, j := range page.Jobs {
			told[j.ID] = j.Unread
		}
		why := "dataType: want a string, got number; label: want a string, got array"
		if diff := cmp.Diff(map[string]string{jobs[0]: "", odd: why, jobs[2]: ""}, told, cmpopts.IgnoreMapEntries(func(id, why string) bool { return why == "" && !slices.Contains(jobs, id) })); diff != "" {
			t.Errorf("%s: what of the jobs can't be read (-want +got):\n%s", size, diff)
		}
		walked := 0
		for _, err := range c.Jobs(t.Context(), cortex.ListJobsInput{}) {
			if err != nil {
				t.Fatalf("%s: %v", size, err)
			}
			walked++
		}
		if walked != len(page.Jobs) {
			t.Errorf("%s: the walk has %d jobs, the list %d", size, walked, len(page.Jobs))
		}
		dry, err := c.CleanupJobs(t.Context(), cortex.CleanupJobsInput{OlderThanDays: 1})
		if err != nil {
			t.Fatalf("%s: %v", size, err)
		}
		if want := "left alone, since they cannot be read: " + odd + " (" + why + ")"; len(dry.Jobs) != 2 || !strings.Contains(dry.Message, want) {
			t.Errorf("%s: the cleanup is about %d jobs, want the 2 that can be read: %s", size, len(dry.Jobs), dry.Message)
		}
	}
}
