package thehive_test

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
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// autopilot returns a guard that lets every write run unasked. A program for people
// uses gate.ApprovalOperator, the default.
func autopilot() (*gate.Guard, func()) {
	dir, err := os.MkdirTemp("", "thehive-example")
	if err != nil {
		log.Fatal(err)
	}
	g, err := gate.New(gate.Policy{Max: gate.TierDestructive, Approval: gate.ApprovalHost, Dir: filepath.Join(dir, "state")})
	if err != nil {
		log.Fatal(err)
	}
	return g, func() { _ = errors.Join(g.Close(), os.RemoveAll(dir)) }
}

// connected returns a client of a TheHive in memory, behind guard if it isn't nil.
// Programs have the address of a real one.
func connected(guard *gate.Guard) (c *thehive.Client, stop func()) {
	server := thehivetest.NewServer()
	server.SeedIncident()
	s := httptest.NewServer(server)
	c, err := thehive.New(thehive.Config{BaseURL: s.URL, APIKey: thehivetest.Key, Guard: guard})
	if err != nil {
		log.Fatal(err)
	}
	return c, s.Close
}

// A method is a plain call: without a guard it runs at once.
func ExampleClient_CreateCase() {
	c, stop := connected(nil)
	defer stop()
	cs, err := c.CreateCase(context.Background(), thehive.CreateCaseInput{Title: "Brute force on fleet-007", Severity: thehive.High, TLP: connect.Ptr(thehive.TLPRed)})
	fmt.Println(cs.Title, cs.Severity, cs.TLP, err)
	// Output: Brute force on fleet-007 HIGH RED <nil>
}

// With a guard on the wire a plain call that writes isn't sent; the same method as
// an operation waits for an approver, unless the policy says otherwise.
func ExampleClient_Ops() {
	guard, end := autopilot()
	defer end()
	c, stop := connected(guard)
	defer stop()
	ctx := context.Background()

	in := thehive.CreateCommentInput{CaseID: "2", Message: "Looked into it."}
	_, err := c.CreateComment(ctx, in)
	fmt.Println(errors.Is(err, gate.ErrRefused))

	comment := gate.Wrap(guard, gate.Of(c.Ops(), c.CreateComment))
	m, err := comment(ctx, in)
	fmt.Println(m.Message, err)
	// Output:
	// true
	// Looked into it. <nil>
}

// What went wrong is the same question for all platforms.
func ExampleError() {
	c, stop := connected(nil)
	defer stop()
	_, err := c.GetCase(context.Background(), thehive.GetCaseInput{CaseID: "4711"})
	switch connect.Kind(err) {
	case connect.ErrNotFound:
		fmt.Println("there is no such case")
	case connect.ErrRateLimited:
		fmt.Println("again in", connect.RetryAfter(err))
	case connect.ErrOutcomeUnknown:
		fmt.Println("look before you do it again")
	}
	// Output: there is no such case
}

// The fake keeps what is sent to it, so a test needs no server.
func TestTheFakeStandsInForTheHive(t *testing.T) {
	hive := thehivetest.New(t)
	c := hive.Client()
	cs, err := c.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "Phishing"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.GetCase(t.Context(), thehive.GetCaseInput{CaseID: cs.ID})
	if err != nil || got.Title != "Phishing" {
		t.Errorf("%+v, %v", got, err)
	}
}
