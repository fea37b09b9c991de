package wazuh_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

const attacker = "203.0.113.9"

// allowed are responses as an operator's policy has them.
var allowed = []gate.Response{
	{Name: "block-address", Command: "firewall-drop180", Takes: gate.TakesAddress, Reverse: "!firewall-allow", Proof: "651", Undone: "652", OS: []string{"linux"}, MaxHosts: 3},
	{Name: "block-for-a-while", Command: "firewall-drop180", Takes: gate.TakesAddress, Proof: "651"},
	{Name: "plain-name", Command: "firewall-drop", Takes: gate.TakesAddress, Proof: "651"},
	{Name: "missing-script", Command: "!no-such-script", Takes: gate.TakesAddress, Proof: "651"},
	{Name: "isolate", Command: "!isolate", Takes: gate.TakesNothing},
	{Name: "lock-account", Command: "disable-account300", Takes: gate.TakesUser},
}

// responding is a Wazuh with a client for a gate whose policy allows [allowed].
func responding(t *testing.T, change ...func(*wazuh.Config)) (*wazuhtest.Server, *gatetest.Gate, *wazuh.Client) {
	t.Helper()
	s := wazuhtest.New(t)
	g := gatetest.New(t, func(p *gate.Policy) {
		p.Responses, p.Protected = allowed, []string{"10.20.0.254", "009"}
	})
	c := s.Client(append(change, func(cfg *wazuh.Config) { cfg.Guard = g.Guard })...)
	return s, g, c
}

func block(agents ...wazuh.AgentID) wazuh.RunActiveResponseInput {
	return wazuh.RunActiveResponseInput{Reason: "it guesses passwords", ResponseTarget: wazuh.ResponseTarget{Response: "block-address", Agents: agents, Value: attacker, WaitSeconds: 2}}
}

// approved makes a call, approves it, and makes it again.
func approved[Out, In any](t *testing.T, g *gatetest.Gate, c *wazuh.Client, name string, in In) (Out, error) {
	t.Helper()
	var zero Out
	res, err := do(t, g, c, name, in)
	if err != nil {
		return zero, err
	}
	if res.State != gate.StatePending {
		t.Fatalf("%s is %s before anybody approved it", name, res.State)
	}
	g.Approve(res.Proposal.ID)
	if res, err = do(t, g, c, name, in); err != nil {
		return zero, err
	}
	return res.Out.(Out), nil
}

func TestAHostIsBlockedProvenAndUndone(t *testing.T) {
	t.Parallel()
	s, g, c := responding(t)
	s.SetResponseDelay(150*time.Millisecond, false)
	in := block("007", "12")
	res, err := do(t, g, c, "wazuh_active_response", in)
	if err != nil {
		t.Fatal(err)
	}
	screen := gate.Render(res.Proposal)
	for _, want := range []string{"host 007", "fleet-007", "jump-01", "firewall-drop180", attacker, "rule 651", "wazuh_undo_response", "!firewall-allow", "180 seconds", "Evidence first", "it guesses passwords"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the screen lacks %q:\n%s", want, screen)
		}
	}
	if len(s.Blocked("007")) != 0 {
		t.Fatal("blocked before it was approved")
	}
	done, err := approved[*wazuh.ResponseDone](t, g, c, "wazuh_active_response", in)
	if err != nil {
		t.Fatal(err)
	}
	if done.Sent != 2 || done.Proven != 2 || done.Hosts[0].State != "proven" || done.Hosts[0].Proof == "" || done.EndsAt.IsZero() || len(done.Preserve) == 0 {
		t.Errorf("done: %+v", done)
	}
	if !slices.Contains(s.Blocked("007"), attacker) || !slices.Contains(s.Blocked("012"), attacker) {
		t.Error("the hosts don't block it")
	}
	j, err := g.Journal()
	if err != nil {
		t.Fatal(err)
	}
	force, err := j.InForce()
	if err != nil || len(force) != 1 || force[0].Proposal.Plan.Reverse.Op != "wazuh_undo_response" || force[0].Until.Sub(force[0].Since) != 3*time.Minute {
		t.Errorf("in force: %+v, %v", force, err)
	}
	undone, err := approved[*wazuh.ResponseDone](t, g, c, "wazuh_undo_response", wazuh.UndoResponseInput{ResponseTarget: in.ResponseTarget})
	if force, err := j.InForce(); err != nil || len(force) != 0 {
		t.Errorf("in force after the undo: %+v, %v", force, err)
	}
	if err != nil || undone.Proven != 2 || len(s.Blocked("007")) != 0 {
		t.Errorf("undone: %+v, %v; still blocked %q", undone, err, s.Blocked("007"))
	}
	if !strings.Contains(done.Record, "**Active response: block-address**") || !strings.Contains(done.Record, "host 007 `fleet-007`: proven") || !strings.Contains(undone.Record, "taken back") {
		t.Errorf("the records: %s\n%s", done.Record, undone.Record)
	}
}

func TestManyHostsNeedTwoApprovers(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	second, err := gate.NewSigner("second")
	if err != nil {
		t.Fatal(err)
	}
	g := gatetest.New(t, func(p *gate.Policy) {
		p.Responses, p.Bulk, p.Approvers = allowed, gate.Bulk{Over: 1, Approvers: 2}, []gate.Approver{second.Approver()}
	})
	c := s.Client(func(cfg *wazuh.Config) { cfg.Guard = g.Guard })
	in := block("007", "012")
	pending := func() *gate.Proposal {
		t.Helper()
		res, err := do(t, g, c, "wazuh_active_response", in)
		if err != nil || res.State != gate.StatePending || len(s.Blocked("007")) != 0 {
			t.Fatalf("%+v, %v", res, err)
		}
		return res.Proposal
	}
	p := pending()
	if p.Needs != 2 {
		t.Errorf("two hosts need %d approvers", p.Needs)
	}
	g.Approve(p.ID)
	pending()
	j, err := g.Journal()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Approve(p.ID, p.Digest, second); err != nil {
		t.Fatal(err)
	}
	if res, err := do(t, g, c, "wazuh_active_response", in); err != nil || res.State != gate.StateExecuted || !slices.Contains(s.Blocked("012"), attacker) {
		t.Errorf("signed by both: %+v, %v", res, err)
	}
	// Its undo is about as many hosts; one host alone is one approver's.
	if res, err := do(t, g, c, "wazuh_undo_response", wazuh.UndoResponseInput{ResponseTarget: in.ResponseTarget}); err != nil || res.Proposal.Needs != 2 {
		t.Errorf("the undo: %+v, %v", res, err)
	}
	if res, err := do(t, g, c, "wazuh_active_response", block("001")); err != nil || res.Proposal.Needs > 1 {
		t.Errorf("one host: %+v, %v", res, err)
	}
}

func TestSentIsNotDone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		response string
		prepare  func(s *wazuhtest.Server)
	}{
		"the log arrives too late":       {"block-address", func(s *wazuhtest.Server) { s.SetResponseDelay(time.Hour, false) }},
		"the log never arrives":          {"block-address", func(s *wazuhtest.Server) { s.SetResponseDelay(0, true) }},
		"a script that the host hasn't":  {"missing-script", func(*wazuhtest.Server) {}},
		"the indexer doesn't answer now": {"block-address", func(s *wazuhtest.Server) { s.SetResponseDelay(time.Hour, false); s.FailShards(1, "gone") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, g, c := responding(t)
			tt.prepare(s)
			in := block("007")
			in.Response, in.WaitSeconds = tt.response, 1
			done, err := approved[*wazuh.ResponseDone](t, g, c, "wazuh_active_response", in)
			if err != nil {
				t.Fatal(err)
			}
			if done.Sent != 1 || done.Proven != 0 || done.Hosts[0].State != "sent" || !strings.Contains(done.Note, "no proof yet") {
				t.Errorf("done: %+v %+v", done, done.Hosts[0])
			}
		})
	}
}

// A server that ends while it looks for the proof leaves no outcome that nobody knows.
func TestTheJournalSaysThatAResponseWasSentWhileItsProofIsLookedFor(t *testing.T) {
	t.Parallel()
	s, g, c := responding(t)
	executed := func() bool { return slices.Contains(g.Kinds(), gate.EventExecuted) }
	var mu sync.Mutex
	var sent bool
	var meanwhile []bool
	s.OnRequest(func(request string) {
		mu.Lock()
		defer mu.Unlock()
		if sent && strings.Contains(request, "_search") {
			for end := time.Now().Add(time.Minute); !executed() && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
			meanwhile = append(meanwhile, executed())
		}
		sent = sent || strings.Contains(request, "/active-response")
	})
	if done, err := approved[*wazuh.ResponseDone](t, g, c, "wazuh_active_response", block("007")); err != nil || done.Proven != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if len(meanwhile) == 0 || !meanwhile[0] {
		t.Errorf("executed, by the journal, at each look for the proof: %v", meanwhile)
	}
}

func TestAHostThatRefusesIsNamed(t *testing.T) {
	t.Parallel()
	s, g, c := responding(t)
	s.RefuseResponses("012", 1750)
	done, err := approved[*wazuh.ResponseDone](t, g, c, "wazuh_active_response", block("007", "012"))
	if err != nil || done.Sent != 1 || done.Hosts[1].State != "refused" || !strings.Contains(done.Hosts[1].Why, "1750") || !strings.Contains(done.Note, "1 refused") {
		t.Errorf("done: %+v, %v", done, err)
	}
	s.RefuseResponses("007", 1117)
	if _, err := approved[*wazuh.ResponseDone](t, g, c, "wazuh_active_response", block("007")); err == nil || !strings.Contains(err.Error(), "1117") {
		t.Errorf("all refused: %v", err)
	}
	in := block("007")
	in.Response = "plain-name"
	s.RefuseResponses("007", 0)
	if _, err := approved[*wazuh.ResponseDone](t, g, c, "wazuh_active_response", in); err == nil || !strings.Contains(err.Error(), "1652") {
		t.Errorf("a command without its time-out: %v", err)
	}
	s.Forbid("active-response:command")
	if _, err := approved[*wazuh.ResponseDone](t, g, c, "wazuh_active_response", block("008")); !errors.Is(err, wazuh.ErrForbidden) {
		t.Errorf("without the permission: %v", err)
	}
}

func TestAResponseIsRefusedBeforeAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	s, g, c := responding(t)
	change := func(f func(in *wazuh.RunActiveResponseInput)) wazuh.RunActiveResponseInput {
		in := block("007")
		f(&in)
		return in
	}
	for name, tt := range map[string]struct {
		in   wazuh.RunActiveResponseInput
		want error
		says string
	}{
		"not in the policy":       {change(func(in *wazuh.RunActiveResponseInput) { in.Response = "wipe-disk" }), wazuh.ErrNotAllowed, "block-address"},
		"no hosts":                {block(), wazuh.ErrInvalid, "agents"},
		"too many hosts":          {block("001", "005", "006", "007"), wazuh.ErrInvalid, "allows 3"},
		"the manager":             {block("000"), wazuh.ErrInvalid, "manager itself"},
		"a host that there isn't": {block("999"), wazuh.ErrNotFound, "999"},
		"disconnected":            {block(wazuhtest.AgentDisconnected), wazuh.ErrInvalid, "disconnected"},
		"never connected":         {block(wazuhtest.AgentNeverConnected), wazuh.ErrInvalid, "never_connected"},
		"another system":          {block(wazuhtest.AgentWindows), wazuh.ErrInvalid, "windows"},
		"protected host":          {block("009"), gate.ErrRefused, "protected"},
		"protected address":       {change(func(in *wazuh.RunActiveResponseInput) { in.Value = "10.20.0.254" }), gate.ErrRefused, "protected"},
		"protected, mapped":       {change(func(in *wazuh.RunActiveResponseInput) { in.Value = "::ffff:10.20.0.254" }), gate.ErrRefused, "protected"},
		"a network":               {change(func(in *wazuh.RunActiveResponseInput) { in.Value = "203.0.113.0/24" }), wazuh.ErrInvalid, "acts on an address"},
		"the host itself":         {change(func(in *wazuh.RunActiveResponseInput) { in.Value = "127.0.0.1" }), wazuh.ErrInvalid, "another host"},
		"no address":              {change(func(in *wazuh.RunActiveResponseInput) { in.Value = "" }), wazuh.ErrInvalid, "acts on an address"},
		"an account with a shell": {change(func(in *wazuh.RunActiveResponseInput) { in.Response, in.Value = "lock-account", "a;reboot" }), wazuh.ErrInvalid, "account"},
		"a value for nothing":     {change(func(in *wazuh.RunActiveResponseInput) { in.Response = "isolate" }), wazuh.ErrInvalid, "host alone"},
		"a long wait":             {change(func(in *wazuh.RunActiveResponseInput) { in.WaitSeconds = 301 }), wazuh.ErrInvalid, "wait_seconds"},
	} {
		if _, err := do(t, g, c, "wazuh_active_response", tt.in); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v; want %v and %q", name, err, tt.want, tt.says)
		}
	}
	for _, r := range s.Requests() {
		if strings.Contains(r, "PUT /active-response") {
			t.Errorf("sent %s", r)
		}
	}
}

func TestBlockingAHostOfOnesOwnIsSaidToTheApprover(t *testing.T) {
	t.Parallel()
	_, g, c := responding(t)
	in := block("007")
	in.Value = "10.20.1.31"
	res, err := do(t, g, c, "wazuh_active_response", in)
	if err != nil || !strings.Contains(strings.Join(res.Proposal.Plan.Warnings, " "), "005 mail-01") {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestAResponseWithoutReverseSaysWhenItEnds(t *testing.T) {
	t.Parallel()
	_, g, c := responding(t)
	in := wazuh.UndoResponseInput{ResponseTarget: block("007").ResponseTarget}
	in.Response = "block-for-a-while"
	if _, err := do(t, g, c, "wazuh_undo_response", in); !errors.Is(err, wazuh.ErrNotAllowed) || !strings.Contains(err.Error(), "180 seconds") {
		t.Errorf("error %v", err)
	}
	in.Response, in.Value = "isolate", ""
	if _, err := do(t, g, c, "wazuh_undo_response", in); !errors.Is(err, wazuh.ErrNotAllowed) {
		t.Errorf("error %v", err)
	}
}

func TestWithoutAGateTheListIsThatOfTheProgram(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	if _, err := s.Client().RunActiveResponse(t.Context(), block("007")); !errors.Is(err, wazuh.ErrNotAllowed) {
		t.Errorf("no list: %v", err)
	}
	done, err := s.Client(func(cfg *wazuh.Config) { cfg.Responses = allowed }).RunActiveResponse(t.Context(), block("007"))
	if err != nil || done.Proven != 1 {
		t.Errorf("done: %+v, %v", done, err)
	}
}

func TestAHostWhoseAddressIsProtectedIsNotActedOn(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	g := gatetest.New(t, func(p *gate.Policy) { p.Responses, p.Protected = allowed, []string{"10.20.1.0/24"} }) // of mail-01
	c := s.Client(func(cfg *wazuh.Config) { cfg.Guard = g.Guard })
	in := block("005")
	in.Response, in.Value = "isolate", ""
	if _, err := do(t, g, c, "wazuh_active_response", in); !errors.Is(err, gate.ErrRefused) || !strings.Contains(err.Error(), "protected") {
		t.Errorf("error %v", err)
	}
}

func TestWhatAScriptCouldTakeForAnOptionIsRefused(t *testing.T) {
	t.Parallel()
	_, g, c := responding(t)
	in := block("007")
	in.Response = "lock-account"
	for _, value := range []string{"-rf", "--all", ".", "$HOME", `\\host\x`, "@x", "a b", "a`b", ""} {
		in.Value = value
		if _, err := do(t, g, c, "wazuh_active_response", in); !errors.Is(err, wazuh.ErrInvalid) {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestWazuhsOwnAddressIsNotBlocked(t *testing.T) {
	t.Parallel()
	c, err := wazuh.New(wazuh.Config{BaseURL: "https://203.0.113.9:55000", Username: "u", Password: "p", Version: "4.14", Responses: allowed})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.RunActiveResponse(t.Context(), block("007")); !errors.Is(err, wazuh.ErrInvalid) || !strings.Contains(err.Error(), "Wazuh itself") {
		t.Errorf("error %v", err)
	}
}

func TestThePlanNamesArgumentsTimeOutReverseAndWhoIsProtected(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	with := slices.Clone(allowed)
	with[0].Arguments = []string{"-c", "forward"}
	g := gatetest.New(t, func(p *gate.Policy) { p.Responses, p.Protected = with, []string{"10.20.0.254", "*.corp.example"} })
	c := s.Client(func(cfg *wazuh.Config) { cfg.Guard = g.Guard })
	res, err := do(t, g, c, "wazuh_active_response", block("007"))
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]string{}
	for _, ch := range res.Proposal.Plan.Changes {
		fields[ch.Field] = ch.After
	}
	for field, want := range map[string]string{"command": "firewall-drop180", "address": attacker, "arguments": "-c forward", "time-out": "180 seconds", "reverse": "!firewall-allow",
		"protected, and not among them": "10.20.0.254, *.corp.example", "proof": "an alert of rule 651 from each host, looked for during 2 seconds"} {
		if fields[field] != want {
			t.Errorf("%s: %q, want %q", field, fields[field], want)
		}
	}
	if v := res.Proposal.Plan.Targets[0].Version; !strings.Contains(v, "active, ") || !strings.Contains(v, "linux") {
		t.Errorf("the host is %q: want whether it is connected, its version and system", v)
	}
}

// A line in another log that looks like a proof is none: only the agent's own log counts.
func TestOnlyTheAgentsOwnLogIsProof(t *testing.T) {
	t.Parallel()
	s, g, c := responding(t)
	s.SetResponseDelay(0, true)
	in := block("007")
	in.WaitSeconds = 1
	s.OnAnswer(func(r string) {
		if strings.Contains(r, "PUT /active-response") {
			s.AddAlert(time.Now(), "", wazuhtest.Object{"rule": wazuhtest.Object{"id": "651", "level": 3}, "agent": wazuhtest.Object{"id": "007"}, "decoder": wazuhtest.Object{"name": "ar_log_json"}, "location": "/var/log/nginx/error.log", "data": wazuhtest.Object{"srcip": attacker, "command": "add"}})
		}
	})
	done, err := approved[*wazuh.ResponseDone](t, g, c, "wazuh_active_response", in)
	if err != nil || done.Proven != 0 || done.Hosts[0].State != "sent" {
		t.Errorf("%+v, %v", done, err)
	}
}
