package wazuh_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestWazuh5AnswersFromWhatItHas(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	s.SetVersion("5.0.0")
	c := s.Client()
	ctx := t.Context()

	if p, err := c.ListAgents(ctx, wazuh.ListAgentsInput{IncludeIP: true}); err != nil || p.Total != 13 || p.Agents[0].Manager != "" || p.Agents[1].IP == "" {
		t.Errorf("agents %+v, %v", p, err)
	}
	if p, err := c.GetGroupAgents(ctx, wazuh.GetGroupAgentsInput{GroupID: "fleet"}); err != nil || p.Total != 4 {
		t.Errorf("group %+v, %v", p, err)
	}
	if p, err := c.GetAlerts(ctx, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Level: 12}}); err != nil || p.Total != 4 || !strings.HasPrefix(p.Alerts[0].Index, "wazuh-findings-v5-") || !strings.Contains(p.Incomplete, "Wazuh 5") {
		t.Errorf("alerts %+v, %v", p, err)
	}
	if a, err := c.GetAlert(ctx, wazuh.GetAlertInput{AlertID: wazuhtest.AlertFailThenWin}); err != nil || a.Rule.ID != "40112" {
		t.Errorf("alert %+v, %v", a, err)
	}
	if p, err := c.GetAgentProcesses(ctx, wazuh.GetAgentProcessesInput{AgentID: "7", Search: "KWORKERD", IncludeCommand: true}); err != nil || p.Total != 1 || p.Processes[0].PID != 2317 || p.Processes[0].Arguments == "" {
		t.Errorf("processes %+v, %v", p, err)
	}
	if p, err := c.GetAgentPorts(ctx, wazuh.GetAgentPortsInput{AgentID: "7"}); err != nil || p.Total != 7 || *p.Ports[0].Local.Port != 22 || p.Ports[0].Process == "" {
		t.Errorf("ports %+v, %v", p, err)
	}
	if n, err := c.GetAgentNetwork(ctx, wazuh.GetAgentNetworkInput{AgentID: "7", IncludeIP: true}); err != nil || len(n.Interfaces) != 2 || n.Interfaces[0].Name != "eth0" ||
		len(n.Interfaces[0].Addresses) != 2 || len(n.Interfaces[0].Gateways) != 2 || n.Interfaces[0].RX.Packets != 3638 || n.Failed != nil {
		t.Errorf("network %+v, %v", n, err)
	}
	if p, err := c.GetAgentPackages(ctx, wazuh.GetAgentPackagesInput{AgentID: "7", Search: "xz"}); err != nil || p.Total != 1 || p.Packages[0].Version != "5.6.1-1" {
		t.Errorf("packages %+v, %v", p, err)
	}
	if p, err := c.GetAgentHotfixes(ctx, wazuh.GetAgentHotfixesInput{AgentID: "3"}); err != nil || p.Total != 3 || p.Hotfixes[0] != "KB5012170" {
		t.Errorf("hotfixes %+v, %v", p, err)
	}
	if o, err := c.GetAgentOS(ctx, wazuh.GetAgentOSInput{AgentID: "7"}); err != nil || o.OS.OS.Name != "Ubuntu" || o.OS.Hostname != "fleet-007" {
		t.Errorf("os %+v, %v", o, err)
	}
	if p, err := c.GetSCAPolicies(ctx, wazuh.GetSCAPoliciesInput{AgentID: "7"}); err != nil || p.Total != 1 || p.Policies[0].Fail != 1 || p.Policies[0].Invalid != 1 || p.Policies[0].Score != 50 {
		t.Errorf("policies %+v, %v", p, err)
	}
	if p, err := c.GetSCAChecks(ctx, wazuh.GetSCAChecksInput{AgentID: "7", PolicyID: wazuhtest.PolicyID, Result: "failed"}); err != nil || p.Total != 1 || p.Checks[0].ID != 28500 || p.Checks[0].Remediation == "" {
		t.Errorf("checks %+v, %v", p, err)
	}
	if p, err := c.GetFIMFiles(ctx, wazuh.GetFIMFilesInput{AgentID: "7", IncludeHashes: true}); err != nil || p.Total != 3 || p.Files[0].File != "/etc/ssh/sshd_config" || p.Files[0].MD5 == "" {
		t.Errorf("files %+v, %v", p, err)
	}
	if p, err := c.GetFIMFiles(ctx, wazuh.GetFIMFilesInput{AgentID: "3", Type: "registry_value"}); err != nil || p.Total != 1 || p.Files[0].Value.Name != "Updater" {
		t.Errorf("registry %+v, %v", p, err)
	}
	if p, err := c.ListVulnerabilities(ctx, wazuh.ListVulnerabilitiesInput{}); err != nil || p.Total != 5 {
		t.Errorf("vulnerabilities %+v, %v", p, err)
	}
	if p, err := c.GetManagerLogs(ctx, wazuh.GetManagerLogsInput{Level: "error"}); err != nil || p.Total != 2 || p.Node != wazuhtest.NodeName {
		t.Errorf("logs %+v, %v", p, err)
	}
	if m, err := c.GetManagerConfig(ctx, wazuh.GetManagerConfigInput{}); err != nil || m.Configuration["cluster"] == nil || m.Configuration["integration"] != nil || m.Node == "" {
		t.Errorf("configuration %+v, %v", m, err)
	}
	if st, err := c.GetAgentStats(ctx, wazuh.GetAgentStatsInput{AgentID: "7"}); err != nil || *st.CPU.Cores != 4 || st.Daemon != nil || len(st.Missing) != 1 {
		t.Errorf("stats %+v, %v", st, err)
	}
	if d, err := c.DiagnoseConnection(ctx, wazuh.DiagnoseConnectionInput{}); err != nil || d.Status == wazuh.Broken {
		t.Errorf("diagnosis %+v, %v", d, err)
	}
	for name, err := range map[string]error{
		"rules":     second(c.ListRules(ctx, wazuh.ListRulesInput{})),
		"rule":      second(c.GetRule(ctx, wazuh.GetRuleInput{RuleID: "5710"})),
		"search":    second(c.SearchRules(ctx, wazuh.SearchRulesInput{Description: "sshd"})),
		"decoders":  second(c.ListDecoders(ctx, wazuh.ListDecodersInput{})),
		"rootcheck": second(c.GetRootcheck(ctx, wazuh.GetRootcheckInput{AgentID: "7"})),
		"sort":      second(c.GetFIMFiles(ctx, wazuh.GetFIMFilesInput{AgentID: "7", Sort: "-date"})),
	} {
		if !errors.Is(err, wazuh.ErrUnsupported) || !strings.Contains(err.Error(), "5.0.0") {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := 0
	for _, r := range s.Requests() {
		if r == wazuhtest.ManagerAPI+" GET /" {
			n++
		}
		if strings.Contains(r, "/manager/") || strings.Contains(r, "/syscollector/") || strings.Contains(r, "/rules") {
			t.Errorf("asked for what is gone: %s", r)
		}
	}
	if n != 2 { // once for all, and once for the diagnosis, which asks anew
		t.Errorf("asked for the version %d times", n)
	}
}

func TestTheVersionCanBePinned(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client(func(cfg *wazuh.Config) { cfg.Version = "4.14" })
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{}); err != nil {
		t.Fatal(err)
	}
	for _, r := range s.Requests() {
		if strings.HasSuffix(r, "GET /") {
			t.Errorf("asked for the version: %s", r)
		}
	}
	if v, err := c.GetWazuhVersion(t.Context(), wazuh.GetWazuhVersionInput{}); err != nil || v.APIVersion != "4.14.7" || v.Pinned != "4.14" || v.Hostname == "" {
		t.Errorf("version %+v, %v", v, err)
	}
	if _, err := wazuh.New(wazuh.Config{BaseURL: "https://w.example", Username: "a", Password: "b", Version: "3.9"}); !errors.Is(err, wazuh.ErrUnsupported) {
		t.Errorf("version 3.9: %v", err)
	}
	s.SetVersion("6.0.0")
	if _, err := s.Client().ListAgents(t.Context(), wazuh.ListAgentsInput{}); !errors.Is(err, wazuh.ErrUnsupported) || !strings.Contains(err.Error(), "6.0.0") {
		t.Errorf("version 6: %v", err)
	}
}

func TestAVersionThatCouldNotBeAskedIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client()
	s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 401, Body: `{"title":"Unauthorized","detail":"Invalid credentials"}`})
	if _, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{}); !errors.Is(err, wazuh.ErrUnauthorized) || !strings.Contains(err.Error(), "version is not known") {
		t.Errorf("got %v", err)
	}
	if _, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{}); err != nil {
		t.Error(err)
	}
}

// TestAFindingInOtherWordsIsShownAsItIs has findings that call nothing as
// Wazuh 4 does.
func TestAFindingInOtherWordsIsShownAsItIs(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SetVersion("5.1.0")
	s.AddAlert(time.Now(), "finding", wazuhtest.Object{
		"source": wazuhtest.Object{"ip": "203.0.113.9"}, "user": wazuhtest.Object{"name": "Mallory"}, "event": wazuhtest.Object{"original": "what happened", "action": "login"},
		"threat": wazuhtest.Object{"technique": wazuhtest.Object{"id": []string{"T1110"}}}, "file": wazuhtest.Object{"hash": wazuhtest.Object{"md5": strings.Repeat("a", 32)}},
		"log": wazuhtest.Object{"file": wazuhtest.Object{"path": "/var/log/auth.log"}}, "novelty": "kept",
	})
	c := s.Client()
	for name, in := range map[string]wazuh.GetAlertsInput{
		"all": {}, "source": {AlertFilter: wazuh.AlertFilter{SourceIP: "203.0.113.9"}}, "user": {AlertFilter: wazuh.AlertFilter{User: "mallory"}}, "technique": {AlertFilter: wazuh.AlertFilter{MITREIDs: []string{"T1110"}}}, "hash": {AlertFilter: wazuh.AlertFilter{FileHash: strings.Repeat("A", 32)}},
		"location": {AlertFilter: wazuh.AlertFilter{Location: "/var/log/*"}}, "words": {AlertFilter: wazuh.AlertFilter{Search: "MALLORY 203.0.113.9"}},
	} {
		p, err := c.GetAlerts(t.Context(), in)
		if err != nil || p.Total != 1 || !strings.Contains(p.Incomplete, "Wazuh 5") {
			t.Errorf("%s: %+v, %v", name, p, err)
			continue
		}
		if a := p.Alerts[0]; a.SourceIP != "203.0.113.9" || a.SourceUser != "Mallory" || a.Location != "/var/log/auth.log" || a.FullLog != "" || string(a.Extra["novelty"]) != `"kept"` {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if a, err := c.GetAlert(t.Context(), wazuh.GetAlertInput{AlertID: "finding", IncludeFullLog: true}); err != nil || a.FullLog != "what happened" {
		t.Errorf("whole: %+v, %v", a, err)
	}
	if st, err := c.GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{GroupBy: []wazuh.AlertKey{"source_ip"}}); err != nil || st.Total != 1 || !strings.Contains(st.Incomplete, "Wazuh 5") ||
		len(st.Counts) != 1 || st.Counts[0].Values[0].Value != "203.0.113.9" {
		t.Errorf("counts: %+v, %v", st, err)
	}
}

// TestWhatWazuh5DoesNotOfferNamesTheVersion holds for every operation that
// answers or refuses there: none fails otherwise.
func TestWhatWazuh5DoesNotOfferNamesTheVersion(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	s.SetVersion("5.0.0")
	g := gatetest.New(t)
	c := s.Client(func(cfg *wazuh.Config) { cfg.Guard = g.Guard })
	ops := map[string]gate.Op{}
	for _, op := range c.Ops() {
		ops[op.Name()] = op
	}
	unsupported := map[string]bool{}
	for _, call := range evidence.Wazuh() {
		if len(call.Env) > 0 || strings.Contains(call.Args, `"ruleset"`) || strings.Contains(call.Args, `"integration"`) || strings.Contains(call.Args, `"com/cluster"`) {
			continue // sections and daemons that Wazuh 5 doesn't have are tested on their own
		}
		in := reflect.New(ops[call.Op].In()).Interface()
		if err := json.Unmarshal([]byte(call.Args), in); err != nil {
			t.Fatal(err)
		}
		_, err := ops[call.Op].Do(t.Context(), g.Guard, in)
		switch {
		case err == nil:
		case errors.Is(err, wazuh.ErrUnsupported) && strings.Contains(err.Error(), "5.0.0"):
			unsupported[call.Op] = true
		default:
			t.Errorf("%s: %v", call.Op, err)
		}
	}
	want := map[string]bool{"list_rules": true, "get_rule": true, "search_rules": true, "list_decoders": true, "get_rootcheck": true,
		"wazuh_tune_preview": true, "wazuh_apply_tuning": true, "wazuh_list_tunings": true, "wazuh_revert_tuning": true, "wazuh_active_response": true, "wazuh_undo_response": true}
	if diff := cmp.Diff(want, unsupported); diff != "" {
		t.Errorf("unsupported (-want +got):\n%s", diff)
	}
	for _, section := range []wazuh.ConfigSection{"integration", "ruleset", "syscheck"} {
		if _, err := c.GetManagerConfig(t.Context(), wazuh.GetManagerConfigInput{Section: section}); !errors.Is(err, wazuh.ErrUnsupported) || !strings.Contains(err.Error(), "5.0.0") {
			t.Errorf("section %s: %v", section, err)
		}
	}
}
