package cortex_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

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
