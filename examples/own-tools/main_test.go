package main

import (
	"context"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
)

// A screen is a terminal that can be read while it is written to.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *screen) shows(text string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), text)
}

func TestTheAgentProposesAndTheFirewallActsOnceItIsApproved(t *testing.T) {
	lab.ForTest(t)
	t.Setenv("SALLYPORT_STATE", t.TempDir())
	fw := &firewall{}
	server, guard, err := newServer(fw)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = guard.Close() })
	ctx, stop := context.WithCancel(t.Context())
	terminal := &screen{}
	var watching sync.WaitGroup
	watching.Go(func() { notify(ctx, guard, terminal) })
	defer watching.Wait()
	defer stop()

	cs := mcptest.Dial(t, server, nil, nil)
	tools, err := cs.ListTools(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
	}
	want := []string{"fw_block", "gate_status", "thehive_create_comment", "thehive_get_case", "thehive_list_cases"}
	if diff := cmp.Diff(want, names, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	var read struct{ Total int }
	if mcptest.Structured(t, mcptest.Call(t, cs, "thehive_list_cases", nil), &read); read.Total == 0 {
		t.Error("a read gave no case")
	}
	args := map[string]any{"address": "198.51.100.23", "reason": "brute force"}
	var waits struct {
		Proposal string `json:"proposal"`
	}
	res := mcptest.Call(t, cs, "fw_block", args)
	mcptest.Structured(t, res, &waits)
	if waits.Proposal == "" || len(fw.blocked) != 0 {
		t.Fatalf("the first call: %s; blocked %v", mcptest.Text(res), fw.blocked)
	}
	for end := time.Now().Add(10 * time.Second); !terminal.shows("gate approve " + waits.Proposal); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nobody was told")
		}
	}
	mcptest.Approve(t, guard, waits.Proposal)
	res = mcptest.Call(t, cs, "fw_block", args)
	if diff := cmp.Diff([]netip.Addr{netip.MustParseAddr("198.51.100.23")}, fw.blocked, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Errorf("blocked (-want +got):\n%s\n%s", diff, mcptest.Text(res))
	}
}
