package wazuh

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// ResponseTarget is what an active response is asked for: by whom it is to be done, and on what.
type ResponseTarget struct {
	// In the operator's list, such as block-address.
	Response string `json:"response" pattern:"^[a-z][a-z0-9-]{0,63}$"`
	// By number; there is no all.
	Agents []AgentID `json:"agents" alias:"agent_ids" minItems:"1" maxItems:"1000"`
	// The address or account that it acts on.
	Value string `json:"value,omitempty" refang:"true" alias:"address,user" maxLength:"256"`
	// How long to look for the proof.
	WaitSeconds int `json:"wait_seconds,omitempty" minimum:"1" maximum:"300" default:"60"`
}

// RunActiveResponseInput is the input of [Client.RunActiveResponse].
type RunActiveResponseInput struct {
	ResponseTarget
	// For whoever approves.
	Reason string `json:"reason" minLength:"5" maxLength:"500"`
}

// UndoResponseInput is the input of [Client.UndoResponse].
type UndoResponseInput struct {
	ResponseTarget
	// For whoever approves.
	Reason string `json:"reason,omitempty" maxLength:"500"`
}

// actsOn are the things that a policy can protect.
func (in ResponseTarget) actsOn() []string {
	list := []string{in.Value}
	for _, a := range in.Agents {
		list = append(list, string(a))
	}
	return list
}

// ErrNotAllowed means that the operator's list has no such response.
var ErrNotAllowed = errors.New("wazuh: the operator allows no such active response")

// A HostResponse is what became of an active response on one host.
type HostResponse struct {
	AgentID string `json:"agent_id"`                        // the agent
	Name    string `json:"name,omitempty" untrusted:"true"` // the host's name
	// proven: its log shows that it was done; sent: it was told to, no proof yet; refused: it was not sent.
	State string `json:"state"`
	// The alert that shows it.
	Proof string `json:"proof,omitempty"`
	// Why it was refused.
	Why string `json:"why,omitempty"`
}

// A ResponseDone is an active response that was sent.
type ResponseDone struct {
	Response string          `json:"response"`                         // the response, by its name in the policy
	Command  string          `json:"command"`                          // the command that ran
	Value    string          `json:"value,omitempty" untrusted:"true"` // what it was about
	Hosts    []*HostResponse `json:"hosts"`                            // what became of each host
	// How many hosts were told to.
	Sent int `json:"sent"`
	// How many have shown that they did it.
	Proven int `json:"proven"`
	// How it stands, in words. Sent is not done.
	Note string `json:"note"`
	// When the hosts take it back by themselves.
	EndsAt time.Time `json:"ends_at,omitzero"`
	Undo   string    `json:"undo,omitempty"` // how to take it back
	// The record for the case, in Markdown: give it to thehive_create_comment as it is.
	Record string `json:"record" untrusted:"true"`
	// What to preserve now, before the hosts change further.
	Preserve []string `json:"preserve,omitempty"`
}

// findResponse returns the response that a call names, with its hosts in the form of Wazuh.
func (c *Client) findResponse(ctx context.Context, in *ResponseTarget) (*gate.Response, []string, error) {
	if err := c.only4(ctx, "active response through its API: responses are part of another engine there"); err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(c.allows, func(r gate.Response) bool { return r.Name == in.Response })
	if i < 0 {
		names := []string{"none at all: its policy has no responses"}
		if len(c.allows) > 0 {
			names = nil
			for _, r := range c.allows {
				names = append(names, r.Name)
			}
		}
		return nil, nil, fmt.Errorf("%w as %q; it allows %s", ErrNotAllowed, clip.Text(in.Response, shownBytes), strings.Join(names, ", "))
	}
	r := &c.allows[i]
	if n := len(in.Agents); n > r.Hosts() {
		return nil, nil, invalid("agents: %d hosts, and the operator allows %d at once for %s", n, r.Hosts(), r.Name)
	}
	var ids []string
	for _, a := range in.Agents {
		id, err := a.padded()
		if err != nil {
			return nil, nil, err
		}
		if id == "000" {
			return nil, nil, invalid("agents: 000 is the manager itself, which active responses through the API never reach; Wazuh says nothing of that")
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return r, ids, checkResponseValue(r, in.Value)
}

// accountName is an account that no script takes for an option.
var accountName = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_.@$\\-]{0,127}$`)

func checkResponseValue(r *gate.Response, value string) error {
	switch r.Takes {
	case gate.TakesAddress:
		a, err := netip.ParseAddr(value)
		switch {
		case err != nil || a.Zone() != "" || a.Is4In6():
			return invalid("value %q: %s acts on an address", clip.Text(value, shownBytes), r.Name)
		case a.IsUnspecified() || a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast():
			return invalid("value %s: it isn't the address of another host", a)
		}
	case gate.TakesUser:
		if !accountName.MatchString(value) {
			return invalid("value %q: %s acts on an account", clip.Text(value, shownBytes), r.Name)
		}
	default:
		if value != "" {
			return invalid("value: %s acts on the host alone", r.Name)
		}
	}
	return nil
}

// notOurs refuses the address by which this client reaches Wazuh: hosts that block it
// can't be told anything any more.
func (c *Client) notOurs(value string) error {
	for _, s := range c.settings {
		if u, err := url.Parse(s.URL); err == nil && value != "" && u.Hostname() == value {
			return invalid("value %s: Wazuh itself is there, and a host that blocks it can't be reached any more", value)
		}
	}
	return nil
}

// osOf is linux, windows or darwin.
func osOf(a *Agent) string {
	if a.OS == nil {
		return ""
	}
	switch strings.ToLower(a.OS.Platform) {
	case "":
		return ""
	case "windows", "darwin":
		return strings.ToLower(a.OS.Platform)
	}
	return "linux"
}

// responseHosts reads the hosts of a response and refuses those on which it can't be done.
func (c *Client) responseHosts(ctx context.Context, r *gate.Response, ids []string) ([]*Agent, error) {
	list, err := c.agentsByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, a := range list {
		os := osOf(a)
		switch {
		case a.Status != "active":
			problems = append(problems, fmt.Sprintf("agent %s (%s) is %s", a.ID, a.Name, a.Status))
		case len(r.OS) > 0 && os != "" && !slices.Contains(r.OS, os):
			problems = append(problems, fmt.Sprintf("agent %s (%s) runs %s, and %s is for %s", a.ID, a.Name, os, r.Name, strings.Join(r.OS, ", ")))
		}
	}
	if problems != nil {
		return nil, invalid("agents: %s", strings.Join(problems, "; "))
	}
	return list, nil
}

func (c *Client) agentsByID(ctx context.Context, ids []string) ([]*Agent, error) {
	r, err := list[*Agent](c.wire.ListAgents(withSession(ctx), wire.ListAgentsParams{AgentsList: ids, Limit: len(ids)}))
	if err != nil {
		return nil, err
	}
	if len(r.failed) > 0 {
		f := r.failed[0]
		return nil, fmt.Errorf("%w: agents %s: %s", ErrNotFound, strings.Join(f.IDs, ", "), f.Message)
	}
	byID := map[string]*Agent{}
	for _, a := range r.items {
		if a != nil {
			byID[a.ID] = a
		}
	}
	var out []*Agent
	for _, id := range ids {
		if byID[id] == nil {
			return nil, fmt.Errorf("%w: there is no agent %s", ErrNotFound, id)
		}
		out = append(out, byID[id])
	}
	return out, nil
}

// preserve is what is lost when a host is changed.
func preserve(ids []string) []string {
	return []string{
		fmt.Sprintf("before a host changes: soc_evidence_bundle with the alert and agents %s keeps processes, ports, users and what happened around it", strings.Join(ids, ", ")),
		"memory and open connections are in no inventory: if they matter, take them on the host first",
	}
}

func (c *Client) planResponse(ctx context.Context, in ResponseTarget, reason string, undo bool) (gate.Plan, error) {
	r, ids, err := c.findResponse(ctx, &in)
	if err != nil {
		return gate.Plan{}, err
	}
	command := r.Command
	if err := c.notOurs(in.Value); err != nil && !undo {
		return gate.Plan{}, err
	}
	if undo {
		if command, err = reverseOf(r); err != nil {
			return gate.Plan{}, err
		}
	}
	hosts, err := c.responseHosts(ctx, r, ids)
	if err != nil {
		return gate.Plan{}, err
	}
	plan := gate.Plan{Summary: fmt.Sprintf("Run the active response %s on %d host(s) of Wazuh.", r.Name, len(hosts))}
	if undo {
		plan.Summary = fmt.Sprintf("Take the active response %s back on %d host(s) of Wazuh.", r.Name, len(hosts))
	}
	op := map[bool]string{false: "wazuh_active_response", true: "wazuh_undo_response"}[undo]
	for _, a := range hosts {
		if c.guard != nil {
			if err := c.guard.Protects(op, a.IP, a.RegisterIP); err != nil {
				return gate.Plan{}, err
			}
		}
		plan.Targets = append(plan.Targets, gate.Target{Kind: "host", ID: a.ID, Name: a.Name, Version: strings.TrimSpace(string(a.Status) + ", " + a.Version + ", " + cmp.Or(osOf(a), "system unknown"))})
	}
	plan.Changes = append(plan.Changes, gate.Set("command", command))
	if in.Value != "" {
		plan.Changes = append(plan.Changes, gate.Set(r.Takes, in.Value))
	}
	if len(r.Arguments) > 0 {
		plan.Changes = append(plan.Changes, gate.Set("arguments", strings.Join(r.Arguments, " ")))
	}
	rule := r.Proof
	switch n := int(r.Ends().Seconds()); {
	case undo:
		rule = r.Undone
		plan.Undo = "wazuh_active_response with the same arguments does it again."
	case r.Reverse != "":
		back, err := json.Marshal(ResponseTarget{Response: in.Response, Agents: in.Agents, Value: in.Value})
		if err != nil {
			return gate.Plan{}, err
		}
		plan.Reverse, plan.Lasts = &gate.Call{Op: "wazuh_undo_response", Input: back}, n
		plan.Undo = fmt.Sprintf("wazuh_undo_response with the same arguments runs %s.", r.Reverse)
		if n > 0 {
			plan.Undo += fmt.Sprintf(" Each host takes it back by itself after %d seconds.", n)
		}
		plan.Changes = append(plan.Changes, gate.Set("reverse", r.Reverse))
	case n > 0:
		plan.Undo = fmt.Sprintf("Each host takes it back by itself after %d seconds; there is no way to do it sooner through Wazuh.", n)
	default:
		plan.Warnings = append(plan.Warnings, "The operator's list names no way back, and it doesn't end by itself.")
	}
	if n := int(r.Ends().Seconds()); n > 0 && !undo {
		plan.Changes = append(plan.Changes, gate.Set("time-out", fmt.Sprintf("%d seconds", n)))
	}
	if c.guard != nil {
		kept := cmp.Or(strings.Join(c.guard.Protected(), ", "), "nothing: the operator's policy names none")
		plan.Changes = append(plan.Changes, gate.Set("protected, and not among them", clip.Text(kept, 500)))
	}
	if rule != "" {
		plan.Changes = append(plan.Changes, gate.Set("proof", fmt.Sprintf("an alert of rule %s from each host, looked for during %d seconds", rule, in.WaitSeconds)))
	} else {
		plan.Warnings = append(plan.Warnings, "The operator's list names no rule that would show that it was done: what is sent stays without proof.")
	}
	if strings.HasPrefix(command, "!") {
		plan.Warnings = append(plan.Warnings, "Wazuh doesn't check whether a host has the script: one that hasn't takes it, and does nothing.")
	}
	if r.Takes == gate.TakesAddress && !undo {
		owners, err := c.agentsAt(ctx, in.Value)
		if err != nil {
			return gate.Plan{}, err
		}
		if len(owners) > 0 {
			plan.Warnings = append(plan.Warnings, fmt.Sprintf("%s is a host of your own: %s.", in.Value, strings.Join(owners, ", ")))
		}
	}
	if !undo {
		plan.Warnings = append(plan.Warnings, "Evidence first: "+preserve(ids)[0]+".")
	}
	if reason != "" {
		plan.Claims = []gate.Change{gate.Set("reason", reason)}
	}
	return plan, nil
}

// agentsAt names the agents that have an address.
func (c *Client) agentsAt(ctx context.Context, address string) ([]string, error) {
	r, err := list[*Agent](c.wire.ListAgents(withSession(ctx), wire.ListAgentsParams{Q: "ip=" + address, Limit: 10}))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, a := range r.items {
		if a != nil {
			names = append(names, a.ID+" "+a.Name)
		}
	}
	return names, nil
}

func reverseOf(r *gate.Response) (string, error) {
	if r.Reverse != "" {
		return r.Reverse, nil
	}
	if n := r.Ends(); n > 0 {
		return "", fmt.Errorf("%w: %s has no reverse in the operator's list; each host takes it back by itself %.0f seconds after it was done", ErrNotAllowed, r.Name, n.Seconds())
	}
	return "", fmt.Errorf("%w: %s has no reverse in the operator's list; it must be taken back on the host", ErrNotAllowed, r.Name)
}

func (c *Client) planRunResponse(ctx context.Context, in RunActiveResponseInput) (gate.Plan, error) {
	return c.planResponse(ctx, in.ResponseTarget, in.Reason, false)
}

func (c *Client) planUndoResponse(ctx context.Context, in UndoResponseInput) (gate.Plan, error) {
	return c.planResponse(ctx, in.ResponseTarget, in.Reason, true)
}

// RunActiveResponse has hosts run a command of the operator's list, and looks in their own logs,
// as they arrive in the indexer, for the proof that it was done. Without a list of hosts the call
// can't be made. What Wazuh calls sent is not done: a host without proof after the time is
// "sent".
//
// Wazuh: PUT /active-response. Wazuh indexer: POST /wazuh-alerts-*/_search
func (c *Client) RunActiveResponse(ctx context.Context, in RunActiveResponseInput) (*ResponseDone, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	r, ids, err := c.findResponse(ctx, &in.ResponseTarget)
	if err != nil {
		return nil, err
	}
	if err := c.notOurs(in.Value); err != nil {
		return nil, err
	}
	out, err := c.respond(ctx, &in.ResponseTarget, r, ids, r.Command, r.Proof, in.Reason, "Active response")
	if err != nil {
		return nil, err
	}
	if n := r.Ends(); n > 0 {
		out.EndsAt = time.Now().UTC().Add(n).Truncate(time.Second)
	}
	switch {
	case r.Reverse != "":
		out.Undo = "wazuh_undo_response with the same response, agents and value"
	case r.Ends() > 0:
		out.Undo = "it ends by itself; there is no way to do it sooner through Wazuh"
	}
	out.Preserve = preserve(ids)
	return out, nil
}

// UndoResponse has hosts run the reverse of a response, as the operator's list names it, and
// looks for the proof of that.
//
// Wazuh: PUT /active-response. Wazuh indexer: POST /wazuh-alerts-*/_search
func (c *Client) UndoResponse(ctx context.Context, in UndoResponseInput) (*ResponseDone, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	r, ids, err := c.findResponse(ctx, &in.ResponseTarget)
	if err != nil {
		return nil, err
	}
	command, err := reverseOf(r)
	if err != nil {
		return nil, err
	}
	return c.respond(ctx, &in.ResponseTarget, r, ids, command, r.Undone, in.Reason, "Active response taken back")
}

// respond sends a command and looks for the proof.
func (c *Client) respond(ctx context.Context, in *ResponseTarget, r *gate.Response, ids []string, command, proof, reason, title string) (*ResponseDone, error) {
	hosts, err := c.responseHosts(ctx, r, ids)
	if err != nil {
		return nil, err
	}
	body := wire.ActiveResponse{Command: command, Arguments: r.Arguments, Alert: &wire.ResponseAlert{Data: &wire.ResponseData{}}}
	switch r.Takes {
	case gate.TakesAddress:
		body.Alert.Data.Srcip = in.Value
	case gate.TakesUser:
		body.Alert.Data.Dstuser = in.Value
	}
	if err := gate.Progress(ctx, "send the command"); err != nil {
		return nil, err
	}
	began := time.Now().Add(-time.Second)
	sent, err := list[string](c.wire.RunActiveResponse(withSession(ctx), wire.RunActiveResponseParams{AgentsList: ids}, body))
	if err != nil {
		return nil, err
	}
	out := &ResponseDone{Response: r.Name, Command: command, Value: in.Value}
	for _, a := range hosts {
		h := &HostResponse{AgentID: a.ID, Name: a.Name, State: "refused", Why: "Wazuh named it neither among the sent nor among the failed: it wasn't reached"}
		if slices.Contains(sent.items, a.ID) {
			h.State, h.Why = "sent", ""
			out.Sent++
		}
		for _, f := range sent.failed {
			if slices.Contains(f.IDs, a.ID) {
				h.Why = fmt.Sprintf("error %d: %s", f.Code, f.Message)
			}
		}
		out.Hosts = append(out.Hosts, h)
	}
	if out.Sent == 0 {
		return nil, fmt.Errorf("wazuh: %s was sent to no host: %s", command, out.Hosts[0].Why)
	}
	gate.Settled(ctx, out) // the proof is only read
	why := c.prove(ctx, out, proof, began, time.Duration(in.WaitSeconds)*time.Second, r.Takes)
	out.say(why)
	out.Record = out.record(title, reason)
	return out, nil
}

// prove looks for the hosts' own word that they did it, and says why it stopped to.
func (c *Client) prove(ctx context.Context, out *ResponseDone, rule string, since time.Time, wait time.Duration, takes string) string {
	if rule == "" {
		return "the operator's list names no rule that would show it"
	}
	if c.indexer == nil {
		return "no indexer is configured, where the proof would arrive"
	}
	end := time.Now().Add(wait)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := c.lookForProof(ctx, out, rule, since, takes)
		switch {
		case out.Proven == out.Sent:
			return ""
		case ctx.Err() != nil:
			return "whoever asked left"
		case time.Now().Add(pause).After(end):
			if err != nil {
				return "the indexer could not be asked: " + oneLine(err.Error())
			}
			return fmt.Sprintf("no alert of rule %s arrived within %s", rule, wait)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// responseLog is the log of an agent in which its own active responses stand.
const responseLog = "active-responses.log"

func (c *Client) lookForProof(ctx context.Context, out *ResponseDone, rule string, since time.Time, takes string) error {
	when, err := between(since, time.Time{})
	if err != nil {
		return err
	}
	var open []clause
	for _, h := range out.Hosts {
		if h.State == "sent" {
			open = append(open, term("agent.id", h.AgentID))
		}
	}
	filter := []clause{term("rule.id", rule), when, anyOf(open...)}
	switch takes {
	case gate.TakesAddress:
		filter = append(filter, anyOf(term("data.srcip", out.Value), term("data.parameters.alert.data.srcip", out.Value)))
	case gate.TakesUser:
		filter = append(filter, anyOf(term("data.dstuser", out.Value), term("data.parameters.alert.data.dstuser", out.Value)))
	}
	f, err := c.tuningSearch(ctx, filter, 100, []string{"agent.id", "location"}, nil)
	if err != nil {
		return err
	}
	for _, hit := range f.Hits.Hits {
		var d struct {
			Agent    HostRef `json:"agent"`
			Location string  `json:"location"`
		}
		if json.Unmarshal(hit.Source, &d) != nil || !strings.HasSuffix(d.Location, responseLog) {
			continue // a line of another log that looks like it shows nothing
		}
		for _, h := range out.Hosts {
			if h.AgentID == d.Agent.ID && h.State == "sent" {
				h.State, h.Proof = "proven", hit.ID
				out.Proven++
			}
		}
	}
	return nil
}

// say puts into words how it stands.
func (out *ResponseDone) say(why string) {
	refused := len(out.Hosts) - out.Sent
	switch {
	case out.Proven == out.Sent && out.Proven > 0:
		out.Note = fmt.Sprintf("%d of %d hosts have shown in their own log that it was done", out.Proven, len(out.Hosts))
	default:
		out.Note = fmt.Sprintf("sent to %d host(s), proven by %d; for the others there is no proof yet: %s. Sent is not done", out.Sent, out.Proven, why)
	}
	if refused > 0 {
		out.Note += fmt.Sprintf("; %d refused", refused)
	}
}

// record is what the case gets. What others wrote stands in it as code, so that it is inert.
func (out *ResponseDone) record(title, reason string) string {
	code := func(s string) string { return "`" + strings.ReplaceAll(oneLine(s), "`", "'") + "`" }
	var b strings.Builder
	fmt.Fprintf(&b, "**%s: %s**\n\n- command: %s\n", title, out.Response, code(out.Command))
	if out.Value != "" {
		fmt.Fprintf(&b, "- on: %s\n", code(out.Value))
	}
	for _, h := range out.Hosts {
		fmt.Fprintf(&b, "- host %s %s: %s", h.AgentID, code(h.Name), h.State)
		if h.Proof != "" {
			fmt.Fprintf(&b, ", shown by alert %s", code(h.Proof))
		}
		if h.Why != "" {
			fmt.Fprintf(&b, " (%s)", code(h.Why))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "- %s\n", out.Note)
	if reason != "" {
		fmt.Fprintf(&b, "- reason given: %s\n", code(reason))
	}
	return b.String()
}
