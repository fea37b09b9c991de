package examples_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

type rule struct {
	Address string `json:"address" jsonschema:"The address to block." maxLength:"45"`
}

func block(context.Context, rule) (string, error) { return "blocked", nil }

// The functions that the README shows.

func respond(ctx context.Context, url, key string) error {
	guard, err := gate.New(gate.Policy{Max: gate.TierDestructive})
	if err != nil {
		return err
	}
	hive, err := thehive.New(thehive.Config{BaseURL: url, APIKey: key, Guard: guard})
	if err != nil {
		return err
	}
	for c, err := range hive.Cases(ctx, thehive.ListCasesInput{Status: "New"}) { // a read is a plain call
		if err != nil {
			return err
		}
		fmt.Println(c.Number, c.Title)
	}
	gated := gate.Wrap(guard, gate.Destructive("fw_block", block, "Block an address.")) // your own function
	_, err = gated(ctx, rule{Address: "198.51.100.23"})
	var pending *gate.PendingError
	if errors.As(err, &pending) {
		fmt.Println("waits for gate approve", pending.Proposal.ID)
		return nil
	}
	return err
}

func serve(ctx context.Context, guard *gate.Guard, hive *thehive.Client) error {
	server := mcpadapter.New(guard, mcpadapter.Options{Name: "my-soc", Instructions: "Cases, and the firewall."})
	ops := append(hive.Ops(), gate.Destructive("fw_block", block, "Block an address."))
	if err := server.Add(ops...); err != nil {
		return err
	}
	return server.Serve(ctx) // standard input and output
}

func TestTheREADMEsLibraryExampleRuns(t *testing.T) {
	t.Setenv("SALLYPORT_STATE", t.TempDir())
	hive := thehivetest.NewServer()
	hive.SeedIncident()
	s := httptest.NewServer(hive)
	defer s.Close()
	if err := respond(t.Context(), s.URL, thehivetest.Key); err != nil {
		t.Error(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	guard, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Close()
	c, err := thehive.New(thehive.Config{BaseURL: s.URL, APIKey: thehivetest.Key, Guard: guard})
	if err != nil {
		t.Fatal(err)
	}
	if err := serve(stopped, guard, c); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestTheREADMEShowsCodeThatCompiles finds each Go snippet of the README in this file.
func TestTheREADMEShowsCodeThatCompiles(t *testing.T) {
	source, err := os.ReadFile("library_test.go")
	if err != nil {
		t.Fatal(err)
	}
	snippets := blocks(t, readme, "go")
	if len(snippets) == 0 {
		t.Error("the README shows no Go")
	}
	for _, s := range snippets {
		if !strings.Contains(string(source), s) {
			t.Errorf("this isn't in library_test.go:\n%s", s)
		}
	}
}
