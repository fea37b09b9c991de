package misptest_test

import (
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/live"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// anywhere are the behaviours that one request which only reads shows at any MISP.
var anywhere = []string{
	"a time that isn't one", "a limit that is a word", "warninglists take a bare list", "an unknown format", "date of events is a beginning",
	"a whole composite finds nothing", "a defanged value finds nothing", "a title with its case", "an organisation with its case",
}

// report compares the server s with the fake: all behaviours that can be seen, and
// all tools.
func report(t *testing.T, s live.Server) (rows, tools int) {
	t.Helper()
	var list []live.Row
	all := traits()
	for _, name := range anywhere {
		x := all[name].steps[0]
		list = append(list, live.Row{Name: name, Method: x.method, Path: x.path, Body: x.body, Status: all[name].status, Want: all[name].want})
	}
	rows = live.Rows(t, s, "Authorization", "", list)

	side := func(cfg misp.Config) live.Side {
		g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
		cfg.Guard = g.Guard
		c, err := misp.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return live.Side{Gate: g, Ops: c.Ops()}
	}
	m := misptest.New(t)
	m.SeedIncident()
	// Events, attributes and feeds have small numbers everywhere.
	same := func(args string) string { return args }
	return rows, live.Tools(t, s, evidence.MISP(), side(misp.Config{BaseURL: s.URL, APIKey: s.Key}), side(misp.Config{BaseURL: m.URL, APIKey: misptest.AdminKey}), same)
}

// TestLive prints what holds at a MISP of one's own, for a report.
func TestLive(t *testing.T) { report(t, live.Open(t, "MISP")) }

func TestTheReportOnAMISPDrivesEveryTool(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	rows, tools := report(t, live.Server{URL: m.URL, Key: misptest.AdminKey, Write: true})
	if rows != len(anywhere) || tools != len(evidence.MISP()) {
		t.Errorf("%d of %d rows, %d of %d calls", rows, len(anywhere), tools, len(evidence.MISP()))
	}
}
