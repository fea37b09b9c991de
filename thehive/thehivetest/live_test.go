package thehivetest_test

import (
	"slices"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/live"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// anywhere are the behaviours that one request which only reads shows at any TheHive.
var anywhere = []string{
	"wrong key", "unknown route", "not a member", "wrong content type", "unknown case in a query", "beyond the window", "unknown step", "unknown start",
	"unknown filter", "unknown property",
}

// report compares the server s with the fake: all behaviours that can be seen, and
// all tools.
func report(t *testing.T, s live.Server) (rows, tools int) {
	t.Helper()
	var list []live.Row
	for _, x := range traits() {
		if !slices.Contains(anywhere, x.name) {
			continue
		}
		header := map[string]string{}
		for i := 0; i+1 < len(x.header); i += 2 {
			header[x.header[i]] = x.header[i+1]
		}
		list = append(list, live.Row{Name: x.name, Method: x.method, Path: x.path, Body: x.body, Header: header, Status: x.status, Want: x.want})
	}
	rows = live.Rows(t, s, "Authorization", "Bearer ", list)

	side := func(cfg thehive.Config) live.Side {
		g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
		cfg.Guard, cfg.FileBaseDir = g.Guard, t.TempDir()
		c, err := thehive.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return live.Side{Gate: g, Ops: c.Ops()}
	}
	// Cases are named by their numbers, which are small everywhere.
	same := func(args string) string { return args }
	fake := thehivetest.New(t)
	return rows, live.Tools(t, s, evidence.TheHive(), side(thehive.Config{BaseURL: s.URL, APIKey: s.Key}), side(thehive.Config{BaseURL: fake.URL, APIKey: thehivetest.Key}), same, nil)
}

// TestLive prints what holds at a TheHive of one's own, for a report.
func TestLive(t *testing.T) { report(t, live.Open(t, "THEHIVE")) }

func TestTheReportOnATheHiveDrivesEveryTool(t *testing.T) {
	t.Parallel()
	s := thehivetest.New(t)
	rows, tools := report(t, live.Server{URL: s.URL, Key: thehivetest.Key, Write: true})
	if rows != len(anywhere) || tools != len(evidence.TheHive()) {
		t.Errorf("%d of %d rows, %d of %d calls", rows, len(anywhere), tools, len(evidence.TheHive()))
	}
}
