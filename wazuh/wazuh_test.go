package wazuh_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client()
	get := func() {
		t.Helper()
		if _, err := c.GetAgent(t.Context(), wazuh.GetAgentInput{AgentID: "007"}); err != nil {
			t.Error(err)
		}
	}
	get()
	get()
	if n := s.Logins(); n != 1 {
		t.Errorf("%d logins for two requests, want 1", n)
	}
	s.ExpireTokens()
	get()
	s.RevokeTokens()
	get()
	if n := s.Logins(); n != 3 {
		t.Errorf("%d logins after two refusals, want 3", n)
	}
	s.ExpireTokens()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(get)
	}
	wg.Wait()
	if n := s.Logins(); n != 4 {
		t.Errorf("%d logins after twenty refusals at once, want 4", n)
	}
}

func TestAShortLivedTokenIsRenewedInTime(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.TokenLifetime(400 * time.Millisecond)
	c := s.Client()
	for range 5 {
		if _, err := c.GetAgent(t.Context(), wazuh.GetAgentInput{AgentID: "007"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(120 * time.Millisecond)
	}
	n := 0
	for _, r := range s.Requests() {
		if strings.Contains(r, "/agents") {
			n++
		}
	}
	if n != 5 || s.Logins() < 2 {
		t.Errorf("%d requests and %d logins, want 5 (none refused) and more than one", n, s.Logins())
	}
}

func TestAWrongPasswordIsTriedOnce(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client(func(cfg *wazuh.Config) { cfg.Password = "wrong-password" })
	_, err := c.GetAgent(t.Context(), wazuh.GetAgentInput{AgentID: "007"})
	if !errors.Is(err, wazuh.ErrUnauthorized) || !strings.Contains(err.Error(), "Invalid credentials") {
		t.Errorf("got %v", err)
	}
	if r := s.Requests(); len(r) != 1 {
		t.Errorf("requests %q, want one", r)
	}
}

func TestNoSecretInAnyText(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	c := s.Client()
	pair := base64.StdEncoding.EncodeToString([]byte(wazuhtest.User + ":" + wazuhtest.Password))
	token := "eyJhbGciOiJFUzUxMiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"
	echo := wazuhtest.Fault{Status: 400, Body: `{"title":"Bad Request","detail":"` + wazuhtest.Password + ` Basic ` + pair + ` Bearer ` + token + ` ` + token + `"}`}
	s.FailNext(wazuhtest.ManagerAPI, echo)
	_, login := c.ListAgents(t.Context(), wazuh.ListAgentsInput{})
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{}); err != nil {
		t.Fatal(err)
	}
	s.FailNext(wazuhtest.ManagerAPI, echo)
	_, list := c.ListAgents(t.Context(), wazuh.ListAgentsInput{})
	s.FailNext(wazuhtest.IndexerAPI, wazuhtest.Fault{Status: 500, Body: "no: " + wazuhtest.IndexerPassword})
	_, search := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{})
	for _, err := range []error{login, list, search} {
		if err == nil {
			t.Fatal("no error")
		}
		for _, secret := range []string{wazuhtest.Password, wazuhtest.IndexerPassword, pair, token} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q holds a secret", err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	s := seeded(t)
	s.Deny("005", "006")
	c := s.Client()
	ctx := t.Context()
	call := func(f func() error) error { return f() }
	for _, tt := range []struct {
		name  string
		do    func() error
		want  error
		code  int
		texts []string
	}{
		{"unknown agent", func() error { _, err := c.GetAgent(ctx, wazuh.GetAgentInput{AgentID: "999"}); return err }, wazuh.ErrNotFound, 1701, []string{"999", "Agent does not exist", "List the agents"}},
		{"unknown agent's ports", func() error { _, err := c.GetAgentPorts(ctx, wazuh.GetAgentPortsInput{AgentID: "999"}); return err }, wazuh.ErrNotFound, 1701, []string{"999"}},
		{"unknown agent's network", func() error {
			_, err := c.GetAgentNetwork(ctx, wazuh.GetAgentNetworkInput{AgentID: "999"})
			return err
		}, wazuh.ErrNotFound, 1701, nil},
		{"unknown rule", func() error { _, err := c.GetRule(ctx, wazuh.GetRuleInput{RuleID: "999999"}); return err }, wazuh.ErrNotFound, 1208, nil},
		{"denied agent", func() error { _, err := c.GetAgent(ctx, wazuh.GetAgentInput{AgentID: "005"}); return err }, wazuh.ErrForbidden, 4000, []string{"agent:id", "Ask for a role"}},
		{"denied agent's processes", func() error {
			_, err := c.GetAgentProcesses(ctx, wazuh.GetAgentProcessesInput{AgentID: "005"})
			return err
		}, wazuh.ErrForbidden, 4000, nil},
		{"never connected", func() error {
			_, err := c.GetAgentProcesses(ctx, wazuh.GetAgentProcessesInput{AgentID: wazuhtest.AgentNeverConnected})
			return err
		}, wazuh.ErrNoInventory, 2007, []string{"011"}},
		{"unknown alert", func() error { _, err := c.GetAlert(ctx, wazuh.GetAlertInput{AlertID: "nope"}); return err }, wazuh.ErrNotFound, 0, []string{"nope"}},
	} {
		err := call(tt.do)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			continue
		}
		var e *wazuh.Error
		if tt.code != 0 && (!errors.As(err, &e) || e.Code != tt.code) {
			t.Errorf("%s: %v, want code %d", tt.name, err, tt.code)
		}
		for _, text := range tt.texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q lacks %q", tt.name, err, text)
			}
		}
	}
}

func TestServerErrors(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client()
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{}); err != nil { // log in first
		t.Fatal(err)
	}
	for _, tt := range []struct {
		fault wazuhtest.Fault
		want  error
		text  string
	}{
		{wazuhtest.Fault{Status: 400, Body: `{"title":"Bad Request","detail":"no","error":1403,"dapi_errors":{"node02":{"error":"node says no"}}}`}, wazuh.ErrInvalid, "error 1403: Bad Request: no; node02: node says no"},
		{wazuhtest.Fault{Status: 400, Body: `{"title":"Bad Request","detail":{"field":"no"},"code":1403}`}, wazuh.ErrInvalid, `error 1403: Bad Request: {"field":"no"}`},
		{wazuhtest.Fault{Status: 404, Body: "<!DOCTYPE html><title>Login</title>"}, wazuh.ErrNotFound, `"Login"`},
		{wazuhtest.Fault{Status: 200, Body: "<html></html>"}, nil, "HTML page"},
		{wazuhtest.Fault{Status: 200, Body: "{}"}, nil, "without data"},
		{wazuhtest.Fault{Status: 200, Body: `{"data":{"affected_items":[],"total_affected_items":0,"failed_items":[]},"message":"all wrong","error":1}`}, nil, "all wrong"},
		{wazuhtest.Fault{Status: 200, Body: `{"data":{"affected_items":[],"failed_items":[{"error":{"code":4000,"message":"denied"},"id":["001"]},{"error":{"code":1701,"message":"none"},"id":["999"]}]},"error":1}`},
			wazuh.ErrForbidden, "error 4000: denied: error 1701: none (999) (001)"},
		{wazuhtest.Fault{Status: 302, Header: map[string]string{"Location": "/login"}}, nil, "redirects are not followed"},
	} {
		s.FailNext(wazuhtest.ManagerAPI, tt.fault)
		_, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{})
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %v with %q", tt.fault.Body, err, tt.want, tt.text)
		}
	}
}

func TestAPartialFailureIsVisible(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client()
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{}); err != nil {
		t.Fatal(err)
	}
	s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 200, Body: `{"data":{"affected_items":[{"id":"001","name":"a","status":"active","new_in_5":true}],"total_affected_items":1,
		"total_failed_items":1,"failed_items":[{"error":{"code":4000,"message":"denied","remediation":"ask"},"id":["002"]}]},"message":"some","error":2}`})
	p, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{})
	if err != nil {
		t.Fatal(err)
	}
	want := []wazuh.Failure{{Code: 4000, Message: "denied", Remediation: "ask", IDs: []string{"002"}}}
	if diff := cmp.Diff(want, p.Failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if string(p.Agents[0].Extra["new_in_5"]) != "true" {
		t.Errorf("an unknown member is lost: %v", p.Agents[0].Extra)
	}
}

func TestRateLimitIsRetried(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client()
	s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: 429, Body: `{"title":"Wazuh Error","detail":"too many","error":6001}`})
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{}); err != nil {
		t.Error(err)
	}
	s.LimitRequests(1)
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{}); err != nil {
		t.Error(err)
	}
	if _, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{}); !errors.Is(err, wazuh.ErrRateLimited) || !strings.Contains(err.Error(), "in a minute") {
		t.Errorf("over the rate: %v", err)
	}
	for range 4 {
		s.FailNext(wazuhtest.IndexerAPI, wazuhtest.Fault{Status: 429, Header: map[string]string{"Retry-After": "0"}, Body: `{"error":{"root_cause":[{"type":"rejected_execution_exception","reason":"queue is full"}],"type":"x","reason":"all shards failed"},"status":429}`})
	}
	_, err := c.GetAlerts(t.Context(), wazuh.GetAlertsInput{})
	if !errors.Is(err, wazuh.ErrRateLimited) || !strings.Contains(err.Error(), "queue is full") {
		t.Errorf("got %v", err)
	}
}

func TestAgents(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client()
	p, err := c.ListAgents(t.Context(), wazuh.ListAgentsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Agents) != 10 || p.Total != 13 || !p.More || p.Agents[0].ID != "000" || p.Agents[0].IP != "" || p.Agents[7].OS.Platform != "ubuntu" {
		t.Errorf("page %+v", p)
	}
	for _, r := range s.Requests() {
		if strings.Contains(r, "/agents?") && (!strings.Contains(r, "select=") || strings.Contains(r, "registerIP")) {
			t.Errorf("%s: want only the fields that are needed", r)
		}
	}
	p, err = c.ListAgents(t.Context(), wazuh.ListAgentsInput{Sort: "-name", Status: wazuh.Active, Limit: 3, Offset: 9, IncludeIP: true})
	if err != nil || p.Total != 11 || p.More || len(p.Agents) != 2 || p.Agents[0].IP == "" || !p.IPIncluded {
		t.Errorf("page %+v, %v", p, err)
	}
	var ids []string
	for a, err := range c.Agents(t.Context(), wazuh.ListAgentsInput{Limit: 4}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, a.ID)
	}
	if len(ids) != 13 || !slices.IsSorted(ids) {
		t.Errorf("agents %q", ids)
	}
	a, err := c.GetAgent(t.Context(), wazuh.GetAgentInput{AgentID: wazuhtest.AgentNeverConnected})
	if err != nil || a.OS != nil || a.Status != wazuh.NeverConnected {
		t.Errorf("agent %+v, %v", a, err)
	}
	a, err = c.GetAgent(t.Context(), wazuh.GetAgentInput{AgentID: "007", IncludeIP: true})
	if err != nil || a.IP != "10.20.0.7" || a.RegisterIP != "any" || a.MergedSum == "" {
		t.Errorf("agent %+v, %v", a, err)
	}
}

func TestRule(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddRule(wazuhtest.Object{"id": 5710, "level": 7, "description": "ours", "filename": "local_rules.xml", "relative_dirname": "etc/rules"})
	r, err := s.Client().GetRule(t.Context(), wazuh.GetRuleInput{RuleID: "05710"})
	if err != nil {
		t.Fatal(err)
	}
	if r.ID != 5710 || r.Level != 5 || !slices.Contains(r.Groups, "authentication_failed") || len(r.PCIDSS) == 0 || len(r.Details) == 0 {
		t.Errorf("rule %+v", r)
	}
	if diff := cmp.Diff([]string{"T1110.001", "T1021.004"}, []string(r.MITRE)); diff != "" {
		t.Errorf("techniques (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"etc/rules/local_rules.xml"}, r.AlsoIn); diff != "" {
		t.Errorf("also in (-want +got):\n%s", diff)
	}
}

func TestInventory(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	c := s.Client()
	p, err := c.GetAgentProcesses(t.Context(), wazuh.GetAgentProcessesInput{AgentID: "007", Limit: 3})
	if err != nil || len(p.Processes) != 3 || p.Total != 13 || !p.More || p.Processes[0].Command != "" || p.Processes[0].PID != 1 || p.Processes[0].Scan.Time.IsZero() {
		t.Errorf("page %+v, %v", p, err)
	}
	for _, r := range s.Requests() {
		if strings.Contains(r, "cmd") {
			t.Errorf("%s: the command line travels unasked", r)
		}
	}
	p, err = c.GetAgentProcesses(t.Context(), wazuh.GetAgentProcessesInput{AgentID: "7", Search: "KWORKERD", IncludeCommand: true})
	if err != nil || len(p.Processes) != 1 || p.Processes[0].Arguments != "-c 203.0.113.77:8443 -q" || p.Processes[0].User != "svc-backup" {
		t.Errorf("page %+v, %v", p, err)
	}
	for _, search := range []string{"-sshd", "a|b", "a*", "a>b"} {
		if _, err := c.GetAgentProcesses(t.Context(), wazuh.GetAgentProcessesInput{AgentID: "007", Search: search}); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("search %q: %v", search, err)
		}
	}
	ports, err := c.GetAgentPorts(t.Context(), wazuh.GetAgentPortsInput{AgentID: "007"})
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(ports.Ports, func(p *wazuh.Port) bool { return p.Remote.IP == "198.51.100.23" })
	if i < 0 || ports.Ports[i].Local.String() != "10.20.0.7:22" || ports.Ports[i].State != "established" || ports.Ports[i].Process != "sshd" {
		t.Errorf("ports %+v", ports)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SetInventory("008", "netaddr", wazuhtest.Object{"iface": "tun0", "proto": "ipv4", "address": "10.9.0.1", "netmask": "255.255.255.0"})
	c := s.Client()
	n, err := c.GetAgentNetwork(t.Context(), wazuh.GetAgentNetworkInput{AgentID: "007", IncludeIP: true})
	if err != nil {
		t.Fatal(err)
	}
	eth := n.Interfaces[0]
	if eth.Name != "eth0" || len(eth.Addresses) != 2 || len(eth.Gateways) != 2 || eth.RX.Packets != 3638 || eth.TX.Bytes == 0 || eth.MTU != 1500 {
		t.Errorf("eth0: %+v", eth)
	}
	if diff := cmp.Diff(&wazuh.Address{Family: "ipv4", Address: "10.20.0.7", Netmask: "255.255.0.0", Broadcast: "10.20.255.255"}, eth.Addresses[0]); diff != "" {
		t.Errorf("address (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(&wazuh.Gateway{Family: "ipv4", Address: "10.20.0.1", DHCP: "disabled"}, eth.Gateways[0]); diff != "" {
		t.Errorf("gateway (-want +got):\n%s", diff)
	}
	s.Requests()
	n, err = c.GetAgentNetwork(t.Context(), wazuh.GetAgentNetworkInput{AgentID: "007"})
	if r := s.Requests(); err != nil || len(r) != 1 || n.IPIncluded || len(n.Interfaces) != 2 || n.Interfaces[0].Addresses != nil {
		t.Errorf("without addresses: %+v, %v, requests %q", n, err, r)
	}
	n, err = c.GetAgentNetwork(t.Context(), wazuh.GetAgentNetworkInput{AgentID: "008", IncludeIP: true})
	if err != nil || !slices.ContainsFunc(n.Interfaces, func(i *wazuh.Interface) bool { return i.Name == "tun0" && len(i.Addresses) == 1 }) {
		t.Errorf("an address of an unlisted interface is lost: %+v, %v", n, err)
	}
}

func TestRedirectedLoginPage(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.FailNext(wazuhtest.ManagerAPI, wazuhtest.Fault{Status: http.StatusOK, Body: `{"data":{},"error":0}`})
	if _, err := s.Client().ListAgents(t.Context(), wazuh.ListAgentsInput{}); err == nil || !strings.Contains(err.Error(), "no token") {
		t.Errorf("got %v", err)
	}
}
