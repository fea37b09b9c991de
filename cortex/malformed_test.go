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
	return changedAt(s, "/job/_search", edit)
}

// changedAt is a client of s whose lists of a path come as edit makes them.
func changedAt(s *cortextest.Server, path string, edit func(list []map[string]any)) *cortex.Client {
	return s.Client(func(c *cortex.Config) {
		c.Transport = transport(func(r *http.Request) (*http.Response, error) {
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil || !strings.HasSuffix(r.URL.Path, path) {
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

func TestAnAnalyzerThatCannotBeReadIsShownAndNotRun(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.AddAnalyzer(cortextest.Worker{Name: "Whole_1_0", DataTypes: []string{"mail"}})
	odd := s.AddAnalyzer(cortextest.Worker{Name: "Odd_1_0", DataTypes: []string{"mail"}})
	c := changedAt(s, "/api/analyzer", func(list []map[string]any) {
		for _, w := range list {
			if w["id"] == odd {
				w["rate"] = "often"
			}
		}
	})
	const why = "rate: want an integer, got string"
	got, err := c.ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{DataType: "mail"})
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, w := range got.Analyzers {
		told[w.Name] = w.Unread
	}
	if diff := cmp.Diff(map[string]string{"Whole_1_0": "", "Odd_1_0": why}, told, cmpopts.IgnoreMapEntries(func(name, why string) bool { return why == "" && name != "Whole_1_0" })); diff != "" {
		t.Errorf("what of the analyzers can't be read (-want +got):\n%s", diff)
	}
	in := cortex.AnalyzeObservableInput{Data: "mallory@example.org", DataType: "mail", Force: true}
	for what, analyzers := range map[string][]string{"by name": {"Odd_1_0"}, "by id": {odd}, "by a part": {"_1_"}, "all": nil} {
		in := in
		in.Analyzers, in.FanOut = analyzers, analyzers == nil
		_, err := c.AnalyzeObservable(t.Context(), in)
		if !errors.Is(err, cortex.ErrSelection) || !strings.Contains(err.Error(), "Odd_1_0") || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want that Odd_1_0 cannot be read", what, err)
		}
	}
	in.Analyzers = []string{"Whole_1_0"}
	if out, err := c.AnalyzeObservable(t.Context(), in); err != nil || len(out.Results) != 1 {
		t.Errorf("the one that can be read: %v, %v", out, err)
	}
}

func TestARowOfCortexThatCannotBeReadIsShownWithTheOthers(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	spoiled := func(path string) *cortex.Client {
		return changedAt(s, path, func(list []map[string]any) { list[0]["name"] = 7 })
	}
	const why = "name: want a string, got number"
	check := func(what string, n int, unread func(i int) string) {
		t.Helper()
		var told []string
		for i := range n {
			if u := unread(i); u != "" {
				told = append(told, u)
			}
		}
		if diff := cmp.Diff([]string{why}, told); diff != "" {
			t.Errorf("what of the %s can't be read (-want +got):\n%s", what, diff)
		}
	}
	if users, err := spoiled("/api/user").ListUsers(t.Context(), cortex.ListUsersInput{}); err != nil {
		t.Error(err)
	} else {
		check("users", len(users.Users), func(i int) string { return users.Users[i].Unread })
	}
	if orgs, err := spoiled("/api/organization").ListOrganisations(t.Context(), cortex.ListOrganisationsInput{}); err != nil {
		t.Error(err)
	} else {
		check("organisations", len(orgs.Organisations), func(i int) string { return orgs.Organisations[i].Unread })
	}
	c := spoiled("/api/analyzerdefinition")
	page, err := c.ListAnalyzerDefinitions(t.Context(), cortex.ListAnalyzerDefinitionsInput{})
	if err != nil {
		t.Fatal(err)
	}
	check("definitions", len(page.Definitions), func(i int) string { return page.Definitions[i].Unread })
	odd := page.Definitions[slices.IndexFunc(page.Definitions, func(d *cortex.Definition) bool { return d.Unread != "" })]
	var in cortex.EnableAnalyzerInput
	in.DefinitionID = odd.ID
	if _, err := c.EnableAnalyzer(t.Context(), in); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("what can't be read is enabled: %v", err)
	}
}

func TestAResponderThatCannotBeReadIsNotRun(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.AddResponder(cortextest.Worker{Name: "Block_1_0", DataTypes: []string{"thehive:case"}})
	c := changedAt(s, "/api/responder", func(list []map[string]any) {
		for _, w := range list {
			w["rate"] = "often"
		}
	})
	in := cortex.RunResponderInput{ResponderID: "Block_1_0", ObjectType: "case", ObjectID: "~1", Data: json.RawMessage(`{"_id":"~1","title":"a","tlp":2,"pap":2}`)}
	if _, err := c.RunResponder(t.Context(), in); !errors.Is(err, cortex.ErrSelection) || !strings.Contains(err.Error(), "rate: want an integer, got string") {
		t.Errorf("%v, want that it cannot be read", err)
	}
}
