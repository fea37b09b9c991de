package misp_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// autopilot returns a guard that lets every write run unasked. A program for people
// uses gate.ApprovalOperator, the default.
func autopilot() (*gate.Guard, func()) {
	dir, err := os.MkdirTemp("", "misp-example")
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Policy{Max: gate.TierDestructive, Approval: gate.ApprovalHost, Dir: filepath.Join(dir, "state")})
	if err != nil {
		log.Fatal(err)
	}
	return g, func() { _ = errors.Join(g.Close(), os.RemoveAll(dir)) }
}

// connected returns a client of a MISP in memory, behind guard if it isn't nil.
// Programs have the address of a real one.
func connected(guard *gate.Guard) (c *misp.Client, stop func()) {
	server := misptest.NewServer()
	server.SeedIncident()
	s := httptest.NewServer(server)
	c, err := misp.New(misp.Config{BaseURL: s.URL, APIKey: misptest.Key, Guard: guard})
	if err != nil {
		log.Fatal(err)
	}
	return c, s.Close
}

// A page of a list, newest first.
func ExampleClient_SearchEvents() {
	c, stop := connected(nil)
	defer stop()
	p, err := c.SearchEvents(context.Background(), misp.SearchEventsInput{Published: connect.Ptr(true), Paging: misp.Paging{Limit: 1}})
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range p.Events {
		fmt.Println(e.Info, *e.ThreatLevel)
	}
	// Output: Bulletproof hosting undefined
}

// A method is a plain call: without a guard it runs at once. What is left out is the
// zero value: the own organisation, and a threat that nobody has rated.
func ExampleClient_CreateEvent() {
	c, stop := connected(nil)
	defer stop()
	out, err := c.CreateEvent(context.Background(), misp.CreateEventInput{Info: "Brute force on fleet-007"})
	fmt.Println(out.Event.Info, *out.Event.ThreatLevel, err)
	// Output: Brute force on fleet-007 undefined <nil>
}

// With a guard on the wire a plain call that writes isn't sent; the same method as
// an operation waits for an approver, unless the policy says otherwise.
func ExampleClient_Ops() {
	guard, end := autopilot()
	defer end()
	c, stop := connected(guard)
	defer stop()
	ctx := context.Background()

	in := misp.CreateEventInput{Info: "Brute force on fleet-007", ThreatLevel: misp.ThreatHigh}
	_, err := c.CreateEvent(ctx, in)
	fmt.Println(errors.Is(err, gate.ErrRefused))

	create := gate.Wrap(guard, gate.Of(c.Ops(), c.CreateEvent))
	out, err := create(ctx, in)
	fmt.Println(out.Event.Info, err)
	// Output:
	// true
	// Brute force on fleet-007 <nil>
}

// What went wrong is the same question for all platforms.
func ExampleError() {
	c, stop := connected(nil)
	defer stop()
	_, err := c.GetEvent(context.Background(), misp.GetEventInput{EventID: "4711"})
	switch connect.Kind(err) {
	case connect.ErrNotFound:
		fmt.Println("there is no such event, or the key may not see it")
	case connect.ErrRateLimited:
		fmt.Println("again in", connect.RetryAfter(err))
	case connect.ErrOutcomeUnknown:
		fmt.Println("look before you do it again")
	}
	// Output: there is no such event, or the key may not see it
}

// The fake keeps what is sent to it, so a test needs no server.
func TestTheFakeStandsInForMISP(t *testing.T) {
	c := misptest.New(t).Client()
	out, err := c.CreateEvent(t.Context(), misp.CreateEventInput{Info: "Phishing"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misp.EventRef(out.Event.UUID)})
	if err != nil || got.Info != "Phishing" {
		t.Errorf("%+v, %v", got, err)
	}
}
