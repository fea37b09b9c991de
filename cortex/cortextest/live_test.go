package cortextest_test

import (
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/live"
)

// anywhere are the behaviours that one request which only reads shows at any Cortex.
var anywhere = []string{
	"a large page with an offset is a 500", "a page beyond the window is refused", "data is not searchable", "a sort by an unknown field is refused",
	"an unknown field finds nothing", "analyzerName is not searchable", "a star in an exact comparison", "like compares the whole",
	"an unknown operator is a 500", "artifacts of no job", "a file that is not there", "no route for one definition",
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
	rows = live.Rows(t, s, "Authorization", "Bearer ", list)

	side := func(cfg cortex.Config) (live.Side, *cortex.Client) {
		g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
		cfg.Guard, cfg.KeyDir = g.Guard, t.TempDir()
		c, err := cortex.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return live.Side{Gate: g, Ops: c.Ops()}, c
	}
	there := cortex.Config{BaseURL: s.URL, APIKey: s.Key}
	if s.Key == cortextest.AdminKey {
		there.SuperadminKey = cortextest.SuperadminKey
	}
	real, c := side(there)
	fake := cortextest.New(t).Config()
	fake.APIKey = cortextest.AdminKey
	theirs, _ := side(fake)
	return rows, live.Tools(t, s, evidence.Cortex(), real, theirs, substitute(t, c, s.Key == cortextest.AdminKey), nil)
}

// substitute puts the ids of a server into arguments that have those of the fake:
// its first analyzer of the same type, and its newest job.
func substitute(t *testing.T, c *cortex.Client, same bool) func(string) string {
	t.Helper()
	if same {
		return func(args string) string { return args }
	}
	var pairs []string
	for name, dataType := range map[string]string{"Abuse_Finder_3_0": "domain", "FileInfo_8_0": "file", "VirusTotal_Scan_3_1": "hash"} {
		if l, err := c.ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{DataType: dataType}); err == nil && len(l.Analyzers) > 0 {
			pairs = append(pairs, cortextest.AnalyzerID(name), l.Analyzers[0].ID)
		}
	}
	if l, err := c.ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{DataType: "ip"}); err == nil && len(l.Analyzers) > 0 {
		pairs = append(pairs, `["Abuse_Finder_3_0","MaxMind_GeoIP_4_0"]`, `["`+l.Analyzers[0].ID+`"]`, `["MaxMind"]`, `["`+l.Analyzers[0].ID+`"]`)
	}
	if p, err := c.ListJobs(t.Context(), cortex.ListJobsInput{Limit: 1}); err == nil && len(p.Jobs) > 0 {
		pairs = append(pairs, cortextest.SeededJob, p.Jobs[0].ID, cortextest.SeededEmptyJob, p.Jobs[0].ID)
	}
	return strings.NewReplacer(pairs...).Replace
}

// TestLive prints what holds at a Cortex of one's own, for a report.
func TestLive(t *testing.T) { report(t, live.Open(t, "CORTEX")) }

func TestTheReportOnACortexDrivesEveryTool(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	rows, tools := report(t, live.Server{URL: s.URL, Key: cortextest.AdminKey, Write: true})
	if rows != len(anywhere) || tools != len(evidence.Cortex()) {
		t.Errorf("%d of %d rows, %d of %d calls", rows, len(anywhere), tools, len(evidence.Cortex()))
	}
	other := cortextest.New(t)
	if _, read := report(t, live.Server{URL: other.URL, Key: cortextest.AdminKey}); read >= tools || len(other.Submissions()) > 0 {
		t.Errorf("%d calls of which some write, unasked: %+v", read, other.Submissions())
	}
}
