package wazuh_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// TestLive calls every reading operation with many combinations of arguments on a
// Wazuh of one's own and compares what can be compared with direct requests. It
// only reads. It needs WAZUH_LIVE_URL and WAZUH_LIVE_INDEXER_URL, both with user
// and password in them; certificates aren't verified. What it prints is a report.
func TestLive(t *testing.T) {
	api, indexer := os.Getenv("WAZUH_LIVE_URL"), os.Getenv("WAZUH_LIVE_INDEXER_URL")
	if api == "" || indexer == "" {
		t.Skip("WAZUH_LIVE_URL and WAZUH_LIVE_INDEXER_URL name no Wazuh to read from")
	}
	newLive(t, api, indexer).all(t)
}

// TestTheLiveScriptReadsTheFake runs what TestLive runs.
func TestTheLiveScriptReadsTheFake(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	liveOf(t, s, s.IndexerURL)
}

// liveOf runs what TestLive runs on a fake and an indexer.
func liveOf(t *testing.T, s *wazuhtest.Server, indexer string) {
	t.Helper()
	with := func(address, user, password string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(user, password)
		return u.String()
	}
	l := newLive(t, with(s.URL, wazuhtest.User, wazuhtest.Password), with(indexer, wazuhtest.IndexerUser, wazuhtest.IndexerPassword))
	if n := l.all(t); n < 120 {
		t.Errorf("%d calls, want at least 120", n)
	}
}

// live is a Wazuh that is only read from.
type live struct {
	c            *wazuh.Client
	api, indexer *url.URL
	token        string
	http         *http.Client
}

func newLive(t *testing.T, api, index string) *live {
	t.Helper()
	l := &live{http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}} //nolint:gosec // of a lab
	var cfg wazuh.Config
	for _, half := range []struct {
		address        string
		at             **url.URL
		base, user, pw *string
	}{{api, &l.api, &cfg.BaseURL, &cfg.Username, &cfg.Password}, {index, &l.indexer, &cfg.Indexer.BaseURL, &cfg.Indexer.Username, &cfg.Indexer.Password}} {
		u, err := url.Parse(half.address)
		if err != nil || u.User == nil {
			t.Fatal("an address with user and password is wanted, as https://user:password@host:port")
		}
		*half.user = u.User.Username()
		*half.pw, _ = u.User.Password()
		plain := *u
		plain.User = nil
		*half.base, *half.at = plain.String(), u
	}
	cfg.SkipTLSVerify, cfg.Indexer.SkipTLSVerify = true, true
	var err error
	if l.c, err = wazuh.New(cfg); err != nil {
		t.Fatal(err)
	}
	var login struct{ Data struct{ Token string } }
	if err := l.ask(t.Context(), http.MethodPost, l.api, "/security/user/authenticate", nil, &login); err != nil {
		t.Fatal(err)
	}
	l.token = login.Data.Token
	return l
}

// ask sends a request of its own.
func (l *live) ask(ctx context.Context, method string, at *url.URL, path string, body, into any) error {
	var b []byte
	if body != nil {
		b, _ = json.Marshal(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(at.String(), "/")+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	if r.Header.Set("Content-Type", "application/json"); at == l.api && l.token != "" {
		r.URL.User = nil
		r.Header.Set("Authorization", "Bearer "+l.token)
	}
	res, err := l.http.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("HTTP %d: %.300s", res.StatusCode, text)
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

// rows is how many rows the server API has at a path.
func (l *live) rows(path string) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		var a struct {
			Data struct {
				Total int `json:"total_affected_items"`
			}
		}
		err := l.ask(ctx, http.MethodGet, l.api, path, nil, &a)
		return a.Data.Total, err
	}
}

// hits is how many documents match a query.
func (l *live) hits(index string, query any) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		var a struct {
			Hits struct{ Total struct{ Value int } }
		}
		err := l.ask(ctx, http.MethodPost, l.indexer, "/"+index+"/_search", map[string]any{"size": 0, "track_total_hits": true, "query": query}, &a)
		return a.Hits.Total.Value, err
	}
}

// A liveCall is a call of an operation and what a direct request says of its total.
type liveCall struct {
	name   string
	run    func(context.Context) (any, error)
	direct func(context.Context) (int, error) // nil: nothing to compare with
}

func calling[In, Out any](list *[]liveCall, op func(context.Context, In) (*Out, error), direct func(context.Context) (int, error), inputs ...In) {
	for _, in := range inputs {
		*list = append(*list, liveCall{fmt.Sprintf("%T %s", in, must(json.Marshal(in))), func(ctx context.Context) (any, error) { return op(ctx, in) }, direct})
	}
}

// all makes the calls and returns how many it made.
func (l *live) all(t *testing.T) int {
	ctx := t.Context()
	v, err := l.c.GetWazuhVersion(ctx, wazuh.GetWazuhVersionInput{})
	if err != nil {
		t.Fatal(err)
	}
	list, held, unsupported, differ := l.calls(t), 0, 0, 0
	for _, call := range list {
		before, compare := 0, call.direct != nil
		if compare {
			if before, err = call.direct(ctx); err != nil {
				t.Logf("%s: the direct request: %v", call.name, err)
				compare = false
			}
		}
		out, err := call.run(ctx)
		switch {
		case errors.Is(err, wazuh.ErrUnsupported):
			unsupported++
			t.Logf("%s: %v", call.name, err)
			continue
		case errors.Is(err, wazuh.ErrNoInventory):
			t.Logf("%s: %v", call.name, err)
			continue
		case err != nil:
			t.Errorf("%s: %v", call.name, err)
			continue
		}
		held++
		if !compare {
			continue
		}
		var total struct{ Total int }
		if err := json.Unmarshal(must(json.Marshal(out)), &total); err != nil {
			t.Fatal(err)
		}
		after, err := call.direct(ctx) // what arrives meanwhile may be in one and not in the other
		if err == nil && (total.Total < min(before, after) || total.Total > max(before, after)) {
			differ++
			t.Errorf("%s: total %d, and a direct request says %d", call.name, total.Total, after)
		}
	}
	t.Logf("Wazuh %s: %d calls, %d answered, %d not supported by this version, %d totals that differ", v.APIVersion, len(list), held, unsupported, differ)
	return len(list)
}

// calls are the calls, made of what the platform holds.
func (l *live) calls(t *testing.T) (list []liveCall) {
	ctx, c := t.Context(), l.c
	agents, err := c.ListAgents(ctx, wazuh.ListAgentsInput{Limit: 100, Status: "active"})
	if err != nil || len(agents.Agents) == 0 {
		t.Fatalf("no active agent: %v", err)
	}
	version, err := c.GetWazuhVersion(ctx, wazuh.GetWazuhVersionInput{})
	if err != nil {
		t.Fatal(err)
	}
	calling(&list, c.GetWazuhVersion, nil, wazuh.GetWazuhVersionInput{})
	calling(&list, c.DiagnoseConnection, nil, wazuh.DiagnoseConnectionInput{})
	for _, s := range []wazuh.AgentStatus{"active", "disconnected", "never_connected", "pending"} {
		calling(&list, c.ListAgents, l.rows("/agents?limit=1&status="+string(s)), wazuh.ListAgentsInput{Status: s}, wazuh.ListAgentsInput{Status: s, Limit: 3, Sort: "-name", IncludeIP: true})
	}
	for _, s := range []wazuh.AgentSort{"id", "-id", "name", "-name"} {
		calling(&list, c.ListAgents, l.rows("/agents?limit=1"), wazuh.ListAgentsInput{Sort: s, Limit: 2, Offset: 1})
	}
	calling(&list, c.ListAgents, l.rows("/agents?limit=1&older_than=1d"), wazuh.ListAgentsInput{OlderThan: "1d"})
	last := agents.Agents[len(agents.Agents)-1]
	calling(&list, c.ListAgents, l.rows("/agents?limit=1&q="+url.QueryEscape("name="+last.Name)), wazuh.ListAgentsInput{Name: last.Name})
	calling(&list, c.ListGroups, l.rows("/groups?limit=1"), wazuh.ListGroupsInput{}, wazuh.ListGroupsInput{Limit: 2})
	for _, g := range last.Groups {
		calling(&list, c.ListAgents, l.rows("/agents?limit=1&group="+url.QueryEscape(g)), wazuh.ListAgentsInput{Group: wazuh.GroupID(g)})
		calling(&list, c.GetGroupAgents, l.rows("/groups/"+url.PathEscape(g)+"/agents?limit=1"), wazuh.GetGroupAgentsInput{GroupID: wazuh.GroupID(g)}, wazuh.GetGroupAgentsInput{GroupID: wazuh.GroupID(g), Limit: 2, IncludeIP: true})
	}
	five := strings.HasPrefix(strings.TrimPrefix(version.APIVersion, "v"), "5")
	for _, id := range []string{"000", last.ID} {
		a := wazuh.AgentID(id)
		of := func(path string) func(context.Context) (int, error) {
			if five {
				return nil
			}
			return l.rows(strings.ReplaceAll(path, "{}", id))
		}
		calling(&list, c.GetAgent, nil, wazuh.GetAgentInput{AgentID: a}, wazuh.GetAgentInput{AgentID: a, IncludeIP: true})
		calling(&list, c.GetAgentStats, nil, wazuh.GetAgentStatsInput{AgentID: a})
		calling(&list, c.GetAgentOS, nil, wazuh.GetAgentOSInput{AgentID: a})
		calling(&list, c.GetAgentNetwork, nil, wazuh.GetAgentNetworkInput{AgentID: a}, wazuh.GetAgentNetworkInput{AgentID: a, IncludeIP: true})
		calling(&list, c.GetAgentProcesses, of("/syscollector/{}/processes?limit=1"), wazuh.GetAgentProcessesInput{AgentID: a}, wazuh.GetAgentProcessesInput{AgentID: a, Limit: 3, Offset: 2, IncludeCommand: true})
		calling(&list, c.GetAgentProcesses, of("/syscollector/{}/processes?limit=1&search=ssh"), wazuh.GetAgentProcessesInput{AgentID: a, Search: "ssh"})
		calling(&list, c.GetAgentPorts, of("/syscollector/{}/ports?limit=1"), wazuh.GetAgentPortsInput{AgentID: a}, wazuh.GetAgentPortsInput{AgentID: a, Limit: 2, Offset: 1})
		calling(&list, c.GetAgentPackages, of("/syscollector/{}/packages?limit=1"), wazuh.GetAgentPackagesInput{AgentID: a}, wazuh.GetAgentPackagesInput{AgentID: a, Limit: 2, Offset: 1})
		calling(&list, c.GetAgentPackages, of("/syscollector/{}/packages?limit=1&search=ssl"), wazuh.GetAgentPackagesInput{AgentID: a, Search: "ssl"})
		calling(&list, c.GetAgentHotfixes, of("/syscollector/{}/hotfixes?limit=1"), wazuh.GetAgentHotfixesInput{AgentID: a})
		calling(&list, c.GetSCAPolicies, of("/sca/{}?limit=1"), wazuh.GetSCAPoliciesInput{AgentID: a})
		if p, err := c.GetSCAPolicies(ctx, wazuh.GetSCAPoliciesInput{AgentID: a}); err == nil && len(p.Policies) > 0 {
			policy := p.Policies[0].PolicyID
			at := "/sca/{}/checks/" + url.PathEscape(policy) + "?limit=1"
			calling(&list, c.GetSCAChecks, of(at), wazuh.GetSCAChecksInput{AgentID: a, PolicyID: policy}, wazuh.GetSCAChecksInput{AgentID: a, PolicyID: policy, Limit: 1, Offset: 1})
			for _, r := range []wazuh.CheckResult{"failed", "passed"} {
				calling(&list, c.GetSCAChecks, of(at+"&result="+string(r)), wazuh.GetSCAChecksInput{AgentID: a, PolicyID: policy, Result: r})
			}
		}
		calling(&list, c.GetRootcheck, of("/rootcheck/{}?limit=1"), wazuh.GetRootcheckInput{AgentID: a})
		calling(&list, c.GetRootcheck, of("/rootcheck/{}?limit=1&status=outstanding"), wazuh.GetRootcheckInput{AgentID: a, Status: "outstanding"})
		calling(&list, c.GetFIMFiles, of("/syscheck/{}?limit=1"), wazuh.GetFIMFilesInput{AgentID: a, Limit: 2})
		calling(&list, c.GetFIMFiles, of("/syscheck/{}?limit=1&type=file"), wazuh.GetFIMFilesInput{AgentID: a, Type: "file", IncludeHashes: true})
		calling(&list, c.GetFIMFiles, of("/syscheck/{}?limit=1&search=etc"), wazuh.GetFIMFilesInput{AgentID: a, Search: "etc"})
	}
	calling(&list, c.ListRules, l.rows("/rules?limit=1"), wazuh.ListRulesInput{}, wazuh.ListRulesInput{Limit: 2, Offset: 3, Sort: "-level"})
	calling(&list, c.ListRules, l.rows("/rules?limit=1&level=10-16"), wazuh.ListRulesInput{Level: 10})
	calling(&list, c.ListRules, l.rows("/rules?limit=1&group=sshd"), wazuh.ListRulesInput{Group: "sshd"})
	calling(&list, c.GetRule, nil, wazuh.GetRuleInput{RuleID: "5710"})
	calling(&list, c.SearchRules, l.rows("/rules?limit=1&search=sshd"), wazuh.SearchRulesInput{Description: "sshd"})
	calling(&list, c.ListDecoders, l.rows("/decoders?limit=1"), wazuh.ListDecodersInput{}, wazuh.ListDecodersInput{Limit: 2, Sort: "-name"})
	calling(&list, c.ListDecoders, l.rows("/decoders?limit=1&q=name~ssh"), wazuh.ListDecodersInput{Name: "ssh"})
	calling(&list, c.GetManagerLogs, nil, wazuh.GetManagerLogsInput{}, wazuh.GetManagerLogsInput{Level: "error", IncludeDescription: true}, wazuh.GetManagerLogsInput{Tag: "wazuh", Limit: 2}, wazuh.GetManagerLogsInput{Search: "a"})
	calling(&list, c.GetManagerConfig, nil, wazuh.GetManagerConfigInput{}, wazuh.GetManagerConfigInput{Section: "global"}, wazuh.GetManagerConfigInput{Section: "auth"})
	for _, k := range wazuh.InventoryKind("").Enum() {
		kind := wazuh.InventoryKind(fmt.Sprint(k))
		calling(&list, c.SearchInventory, l.hits("wazuh-states-"+strings.Replace("inventory-"+string(kind), "inventory-fim-registry", "fim-registr", 1)+"*", all()), wazuh.SearchInventoryInput{Kind: kind})
		if strings.HasPrefix(string(kind), "fim-files") {
			list[len(list)-1].direct = l.hits("wazuh-states-fim-files*", all())
		}
	}
	calling(&list, c.SearchInventory, nil, wazuh.SearchInventoryInput{Kind: "packages", Search: "ssl", Limit: 3}, wazuh.SearchInventoryInput{Kind: "ports", Port: 22}, wazuh.SearchInventoryInput{Kind: "processes", AgentID: wazuh.AgentID(last.ID)})
	states := "wazuh-states-vulnerabilities*"
	calling(&list, c.ListVulnerabilities, l.hits(states, all()), wazuh.ListVulnerabilitiesInput{}, wazuh.ListVulnerabilitiesInput{Limit: 3, Offset: 1, IncludeDescription: true})
	for _, s := range []wazuh.Severity{"Critical", "High", "Medium", "Low"} {
		calling(&list, c.ListVulnerabilities, l.hits(states, is("vulnerability.severity", s)), wazuh.ListVulnerabilitiesInput{Severity: s})
		calling(&list, c.SearchVulnerabilities, nil, wazuh.SearchVulnerabilitiesInput{Severity: s, Query: "remote"})
	}
	return append(list, l.alertCalls(t, five)...)
}

func all() any { return map[string]any{"match_all": map[string]any{}} }

func is(field string, value any) any { return map[string]any{"term": map[string]any{field: value}} }

// alertCalls ask for alerts, by what the newest of them hold.
func (l *live) alertCalls(t *testing.T, five bool) (list []liveCall) {
	c, index := l.c, "wazuh-alerts-*"
	if five {
		index = "wazuh-findings-v5-*"
	}
	newest, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{Limit: 50, IncludeRawData: true, IncludeFullLog: true})
	if err != nil {
		t.Errorf("the newest alerts: %v", err)
		return nil
	}
	count := func(field string, value any) func(context.Context) (int, error) {
		if five {
			return nil
		}
		return l.hits(index, is(field, value))
	}
	calling(&list, c.GetAlerts, l.hits(index, all()), wazuh.GetAlertsInput{}, wazuh.GetAlertsInput{Limit: 100}, wazuh.GetAlertsInput{Sort: "+timestamp", Limit: 3}, wazuh.GetAlertsInput{Offset: 3, Limit: 2, IncludeFullLog: true}, wazuh.GetAlertsInput{Limit: 2, IncludeRawData: true})
	for level := 3; level <= 15; level += 4 {
		var direct func(context.Context) (int, error)
		if !five {
			direct = l.hits(index, map[string]any{"range": map[string]any{"rule.level": map[string]any{"gte": level}}})
		}
		calling(&list, c.GetAlerts, direct, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Level: level}})
	}
	calling(&list, c.GetAlertStats, nil, wazuh.GetAlertStatsInput{}, wazuh.GetAlertStatsInput{Interval: "1h"}, wazuh.GetAlertStatsInput{Interval: "1d", AlertFilter: wazuh.AlertFilter{StartTime: "7d"}}, wazuh.GetAlertStatsInput{GroupBy: []wazuh.AlertKey{"source_ip", "user", "agent"}})
	seen := map[string]bool{}
	once := func(kind, value string) bool {
		first := value != "" && !seen[kind+value] && len(seen) < 60
		seen[kind+value] = seen[kind+value] || first
		return first
	}
	for _, a := range newest.Alerts {
		if once("rule", a.Rule.ID) {
			calling(&list, c.GetAlerts, count("rule.id", a.Rule.ID), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{RuleID: wazuh.RuleID(a.Rule.ID)}})
			calling(&list, c.GetAlert, nil, wazuh.GetAlertInput{AlertID: a.ID, IncludeFullLog: true, IncludeRawData: true})
		}
		if once("agent", a.Agent.ID) {
			calling(&list, c.GetAlerts, count("agent.id", a.Agent.ID), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{AgentID: wazuh.AgentID(a.Agent.ID)}})
			calling(&list, c.GetAlertContext, nil, wazuh.GetAlertContextInput{AlertID: a.ID})
		}
		if a.Decoder != nil && once("decoder", a.Decoder.Name) {
			calling(&list, c.GetAlerts, count("decoder.name", a.Decoder.Name), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Decoder: a.Decoder.Name}})
		}
		for _, g := range a.Rule.Groups {
			if once("group", g) {
				calling(&list, c.GetAlerts, count("rule.groups", g), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{RuleGroup: g}})
			}
		}
		for _, ip := range []string{a.SourceIP, a.DestinationIP} {
			if once("ip", ip) {
				calling(&list, c.SearchAlerts, nil, wazuh.SearchAlertsInput{Query: ip})
				calling(&list, c.GetAlerts, nil, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{IP: ip}})
			}
		}
		for _, v := range []string{cmp.Or(a.SourceUser, a.DestinationUser), a.Event[wazuh.MeaningProcess], a.Event[wazuh.MeaningHash], a.Event[wazuh.MeaningCommand]} {
			if once("word", v) && strings.Trim(v, " *-") != "" && len(v) < 200 {
				id := a.ID
				list = append(list, liveCall{fmt.Sprintf("the search for %.80q finds its alert", v), func(ctx context.Context) (any, error) {
					p, err := c.SearchAlerts(ctx, wazuh.SearchAlertsInput{Query: `"` + strings.ReplaceAll(v, `"`, " ") + `"`, Limit: 100})
					if err == nil && p.Total <= 100 && !strings.Contains(v, `"`) && !slices.ContainsFunc(p.Alerts, func(x *wazuh.Alert) bool { return x.ID == id }) {
						err = fmt.Errorf("alert %s isn't among %d", id, p.Total)
					}
					return p, err
				}, nil})
			}
		}
	}
	return list
}
