package cortex_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
)

// autopilot returns a guard that lets every write run unasked. A program for people
// uses gate.ApprovalOperator, the default.
func autopilot() (*gate.Guard, func()) {
	dir, err := os.MkdirTemp("", "cortex-example")
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Policy{Max: gate.TierDestructive, Approval: gate.ApprovalHost, Dir: filepath.Join(dir, "state")})
	if err != nil {
		log.Fatal(err)
	}
	return g, func() { _ = errors.Join(g.Close(), os.RemoveAll(dir)) }
}

// connected returns a client of a Cortex in memory, behind guard if it isn't nil.
// Programs have the address of a real one.
func connected(guard *gate.Guard) (c *cortex.Client, stop func()) {
	server := cortextest.NewServer()
	s := httptest.NewServer(server)
	c, err := cortex.New(cortex.Config{BaseURL: s.URL, APIKey: cortextest.Key, Guard: guard})
	if err != nil {
		log.Fatal(err)
	}
	return c, s.Close
}

// The analyzers that take a type.
func ExampleClient_ListAnalyzers() {
	c, stop := connected(nil)
	defer stop()
	p, err := c.ListAnalyzers(context.Background(), cortex.ListAnalyzersInput{DataType: "hash"})
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range p.Analyzers {
		fmt.Println(a.Name)
	}
	// Output:
	// HashDD_Status_2_0
	// MISP_2_1
	// OTXQuery_2_0
	// Urlscan_io_Search_0_1_1
	// VirusTotal_GetReport_3_1
}

// An iterator over all jobs, newest first, however many there are.
func ExampleClient_Jobs() {
	c, stop := connected(nil)
	defer stop()
	ctx := context.Background()
	for j, err := range c.Jobs(ctx, cortex.ListJobsInput{DataType: "ip"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(j.Worker, j.Data, j.Status, j.TLP)
	}
	// Output:
	// MaxMind_GeoIP_4_0 198.51.100.23 Success AMBER
	// Abuse_Finder_3_0 198.51.100.23 Success AMBER
}

// With a guard on the wire a plain call that writes isn't sent; the same method as
// an operation waits for an approver, unless the policy says otherwise.
func ExampleClient_Ops() {
	guard, end := autopilot()
	defer end()
	c, stop := connected(guard)
	defer stop()
	ctx := context.Background()

	in := cortex.AnalyzeObservableInput{Data: "198.51.100.23", Analyzers: []string{"MaxMind"}}
	_, err := c.AnalyzeObservable(ctx, in)
	fmt.Println(errors.Is(err, gate.ErrRefused))

	analyze := gate.Wrap(guard, gate.Of(c.Ops(), c.AnalyzeObservable))
	a, err := analyze(ctx, in)
	fmt.Println(a.Verdict.Level, err)
	// Output:
	// true
	// info <nil>
}

// What went wrong is the same question for all platforms.
func ExampleError() {
	c, stop := connected(nil)
	defer stop()
	_, err := c.GetJob(context.Background(), cortex.GetJobInput{JobID: "4711"})
	switch connect.Kind(err) {
	case connect.ErrNotFound:
		fmt.Println("there is no such job")
	case connect.ErrRateLimited:
		fmt.Println("again in", connect.RetryAfter(err))
	case connect.ErrOutcomeUnknown:
		fmt.Println("look before you do it again")
	}
	// Output: there is no such job
}

// The fake keeps what is sent to it, so a test needs no server.
func TestTheFakeStandsInForCortex(t *testing.T) {
	c := cortextest.New(t).Client()
	a, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: "198.51.100.23", Analyzers: []string{"MaxMind"}})
	if err != nil || len(a.JobIDs) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}
