package gatebench_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatebench"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcphttp"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// bin builds all servers once and returns the folder they are in.
var bin = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "gatebench-bin-")
	if err != nil {
		return "", err
	}
	ours := []string{"build", "-C", filepath.Join("..", ".."), "-o", dir} // of the module around this one
	for _, s := range servers {
		ours = append(ours, "./examples/"+s)
	}
	for _, args := range [][]string{{"build", "-o", dir, "./testdata/ungated", "./testdata/naive"}, ours} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build: %w\n%s", err, out)
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := bin(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

var servers = []string{"soc-mcp", "wazuh-mcp", "thehive-mcp", "cortex-mcp", "misp-mcp", "mitre-mcp"} // the longest first

func program(t *testing.T, name string) string {
	t.Helper()
	dir, err := bin()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name)
}

// platforms starts the lab and keeps what the named server understands of its environment.
func platforms(server string) func() ([]string, func(), error) {
	return func() ([]string, func(), error) {
		l, err := lab.Start(0)
		if err != nil {
			return nil, nil, err
		}
		var env []string
		for _, kv := range l.Env() {
			platform, _, _ := strings.Cut(strings.ToLower(kv), "_")
			if server == "soc-mcp" || server == "mitre-mcp" && platform != "cortex" || strings.HasPrefix(server, platform) {
				env = append(env, kv)
			}
		}
		return env, func() { l.Close() }, nil
	}
}

// calls returns calls of every operation of a server, and the switches they need.
func calls(server string) (out []gatebench.Call, env []string) {
	lists := map[string][]evidence.Call{"wazuh": evidence.Wazuh(), "thehive": evidence.TheHive(), "cortex": evidence.Cortex(), "misp": evidence.MISP()}
	var all []evidence.Call
	for platform, list := range lists {
		if server == "soc-mcp" || strings.HasPrefix(server, platform) {
			all = append(all, list...)
		}
	}
	if server == "soc-mcp" || server == "mitre-mcp" {
		all = append(all, across...)
	}
	slices.SortStableFunc(all, func(a, b evidence.Call) int { return strings.Compare(a.Op, b.Op) })
	for _, c := range all {
		out = append(out, gatebench.Call{Tool: c.Op, Args: json.RawMessage(c.Args)})
		for name, value := range c.Env {
			// Switches that approve beforehand stay off: they are the operator's yes.
			if name != "MISP_ALLOW_DESTRUCTIVE" && name != "MITRE_SOC_ALLOW_WRITES" && (server == "soc-mcp" || strings.HasPrefix(strings.ToLower(name), strings.TrimSuffix(server, "-mcp"))) {
				if name == "CORTEX_SUPERADMIN_KEY" {
					value = cortextest.SuperadminKey
				}
				env = append(env, name+"="+value)
			}
		}
	}
	return out, env
}

// across are calls of what mitre-mcp does over all platforms.
var across = []evidence.Call{
	{Op: "mitre_get_technique", Args: `{"techniqueId":"T1110"}`},
	{Op: "mitre_thehive_enrich", Args: `{"caseId":"~1","addTags":true}`},
	{Op: "mitre_thehive_enrich", Args: `{"techniqueIds":["T1110"],"caseId":"~40964248","addTags":true}`},
	{Op: "mitre_cross_correlate", Args: `{"techniqueId":"T1110"}`},
	{Op: "mitre_misp_create_event", Args: `{"title":"Brute force","techniques":["T1110"],"confirm":true}`},
	{Op: "mitre_thehive_create_case", Args: `{"title":"Brute force","techniques":["T1110"],"confirm":true}`},
}

func ours(t *testing.T, name string) gatebench.Server {
	c, env := calls(name)
	tokens := func(file string, users map[string]string) ([]string, error) {
		var lines strings.Builder
		for user, token := range users {
			fmt.Fprintln(&lines, mcphttp.TokenLine(token, user))
		}
		return []string{"SALLYPORT_HTTP_TOKENS=" + file}, os.WriteFile(file, []byte(lines.String()), 0o600)
	}
	policy := filepath.Join(t.TempDir(), "policy.json") // without it no active response could be asked for
	if err := os.WriteFile(policy, []byte("{"+evidence.ResponsesJSON+"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	env = append(env, "SALLYPORT_POLICY="+policy)
	return gatebench.Server{Name: name, Tokens: tokens, Command: []string{program(t, name)}, Env: env, Upstream: platforms(name), Calls: c, Operator: gatebench.Approver}
}

// TestNoServerWritesWithoutAnApproval runs the whole suite against our servers.
func TestNoServerWritesWithoutAnApproval(t *testing.T) {
	full := os.Getenv("GATEBENCH") == "all"
	if !full {
		t.Log("the whole suite takes long: only some threats are tried, set GATEBENCH=all for the others")
	}
	for _, name := range servers {
		for _, era := range []string{gatebench.EraSession, gatebench.EraStateless} {
			for _, transport := range []string{"stdio", "http"} {
				t.Run(name+"/"+era+"/"+transport, func(t *testing.T) {
					s := ours(t, name)
					if !full {
						s.Threats = sample
						if name != "thehive-mcp" || transport == "http" && era == gatebench.EraSession {
							t.Skip("without GATEBENCH=all")
						}
					}
					if only := os.Getenv("GATEBENCH_THREATS"); only != "" {
						s.Threats = strings.Split(only, ",")
					}
					t.Parallel()
					if transport == "http" && !servesHTTP(s.Command[0]) {
						t.Skipf("%s has no flag -http", name)
					}
					s.HTTP = func(addr string) []string { return append(slices.Clone(s.Command), "-http", addr) }
					results, err := gatebench.Run(t.Context(), s, era, transport, t.TempDir())
					if err != nil {
						t.Fatal(err)
					}
					judge(t, results)
				})
			}
		}
	}
}

// sample are the threats that are tried when the whole suite isn't asked for.
var sample = []string{"T1", "T2", "T5", "T9", "T24", "T26"}

// servesHTTP reports whether a program has the flag -http.
func servesHTTP(program string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5e9)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-h")
	out, _ := cmd.CombinedOutput()
	return strings.Contains(string(out), "-http")
}

func judge(t *testing.T, results []gatebench.Result) {
	t.Helper()
	var b bytes.Buffer
	gatebench.Report(&b, results)
	if n := gatebench.Score(results); n > 0 {
		t.Errorf("%d writes without an approval", n)
	}
	for _, r := range results {
		for _, f := range r.Faults {
			t.Errorf("%s, %s: %s", r.Threat, r.Variant, f)
		}
		for _, w := range r.What {
			t.Errorf("%s, %s: %s", r.Threat, r.Variant, w)
		}
		if r.Skipped != "" {
			t.Logf("%s, %s: skipped: %s", r.Threat, r.Variant, r.Skipped)
		}
	}
	slices.SortFunc(results, func(a, b gatebench.Result) int { return cmp.Compare(b.Took, a.Took) })
	for _, r := range results[:min(5, len(results))] {
		t.Logf("%s, %s took %s", r.Threat, r.Variant, r.Took.Round(time.Millisecond))
	}
	t.Logf("\n%s", b.String())
}

// TestTheSuiteCanFail runs the suite against servers whose gates don't hold: one
// has none, the other takes anything for an approval. Every threat finds something
// on one of them.
func TestTheSuiteCanFail(t *testing.T) {
	ungated := gatebench.Server{Name: "ungated", Command: []string{program(t, "ungated")}, Upstream: platforms("thehive-mcp"), Calls: []gatebench.Call{
		{Tool: "get_case", Args: json.RawMessage(`{"caseId":"~1"}`)},
		{Tool: "create_case", Args: json.RawMessage(`{"title":"x"}`)},
		{Tool: "delete_case", Args: json.RawMessage(`{"caseId":"~1"}`)},
		{Tool: "close_case", Args: json.RawMessage(`{"caseId":"~1"}`)},
	}}
	naive := gatebench.Server{Name: "naive", Command: []string{program(t, "naive")}, Upstream: platforms("soc-mcp"), Operator: gatebench.Approver, Calls: []gatebench.Call{
		{Tool: "get_case", Args: json.RawMessage(`{"caseId":"` + thehivetest.OldestCase + `"}`)},
		{Tool: "close_case", Args: json.RawMessage(`{"caseId":"` + thehivetest.OldestCase + `"}`)},
		{Tool: "delete_case", Args: json.RawMessage(`{"caseId":"` + thehivetest.OldestCase + `"}`)},
		{Tool: "run_analyzer", Args: json.RawMessage(`{"data":"198.51.100.23"}`)},
	}}
	naive.HTTP = func(addr string) []string { return append(slices.Clone(naive.Command), "-http", addr) }
	naive.Tokens = func(string, map[string]string) ([]string, error) { return nil, nil }
	shown := naive
	shown.Operator = func(state string) (gatebench.Operator, error) {
		o, err := gatebench.Approver(state)
		return rawScreens{o, state}, err
	}
	failed := map[string]bool{}
	for _, leg := range []struct {
		server         gatebench.Server
		era, transport string
		writes         []string // threats that find writes
		faults         []string // threats that find faults
	}{
		{ungated, gatebench.EraSession, "stdio", []string{"T1", "T2", "T3", "T9", "T29"}, []string{"T11", "T12", "T13", "T21", "T22"}},
		{ungated, gatebench.EraStateless, "stdio", []string{"T1", "T2", "T3", "T9", "T29"}, []string{"T11", "T12", "T13", "T21", "T22"}},
		{naive, gatebench.EraStateless, "stdio", []string{"T4", "T5", "T6", "T7", "T8", "T10", "T17", "T18", "T19", "T23", "T26", "T28"}, []string{"T16", "T21"}},
		{naive, gatebench.EraSession, "http", []string{"T25"}, []string{"T20", "T24"}},
		{shown, gatebench.EraSession, "stdio", nil, []string{"T14", "T15"}},
	} {
		t.Run(leg.server.Name+"/"+leg.era+"/"+leg.transport, func(t *testing.T) {
			t.Parallel()
			leg.server.Threats = append(leg.writes, leg.faults...)
			results, err := gatebench.Run(t.Context(), leg.server, leg.era, leg.transport, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			found, faults := map[string]int{}, map[string]int{}
			for _, r := range results {
				found[r.Threat] += r.Writes
				faults[r.Threat] += len(r.Faults)
			}
			for _, threat := range leg.writes {
				if found[threat] == 0 {
					t.Errorf("%s found no write", threat)
				}
			}
			for _, threat := range leg.faults {
				if faults[threat] == 0 {
					t.Errorf("%s found no fault", threat)
				}
			}
			if len(leg.writes) > 0 && gatebench.Score(results) == 0 {
				t.Error("nothing was found")
			}
		})
		for _, threat := range append(leg.writes, leg.faults...) {
			failed[threat] = true
		}
	}
	for threat := range gatebench.Threats() {
		if !failed[threat] {
			t.Errorf("no server here makes %s find something", threat)
		}
	}
}

// rawScreens shows what the agent sent as it came.
type rawScreens struct {
	gatebench.Operator
	state string
}

func (s rawScreens) Screens() ([]string, error) {
	j, err := gate.OpenJournal(s.state)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	waiting, err := j.Pending()
	var out []string
	for _, p := range waiting {
		var in struct{ Text string }
		if err := json.Unmarshal(p.Input, &in); err != nil {
			return nil, err
		}
		out = append(out, p.Op+" "+in.Text)
	}
	return out, err
}

// TestEveryThreatHasThreeVariants holds the suite against the list of threats.
func TestEveryThreatHasThreeVariants(t *testing.T) {
	have := gatebench.Threats()
	for i := 1; i <= 29; i++ {
		threat := fmt.Sprint("T", i)
		if i == 27 { // no test can: an agent with a shell needs no server
			continue
		}
		if n := have[threat]; n < 3 {
			t.Errorf("%s has %d variants, want three", threat, n)
		}
	}
}
