package wazuh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// AgentStatus is whether an agent is connected.
type AgentStatus string

// The states of an agent.
const (
	Active         AgentStatus = "active"
	Disconnected   AgentStatus = "disconnected"
	NeverConnected AgentStatus = "never_connected"
	Pending        AgentStatus = "pending"
)

// Enum lists the values for schemas.
func (AgentStatus) Enum() []any { return []any{Active, Disconnected, NeverConnected, Pending} }

// AgentSort is an order of agents: ascending, or descending with - in front.
type AgentSort string

// Enum lists the values for schemas.
func (AgentSort) Enum() []any {
	return []any{"name", "-name", "+name", "id", "-id", "+id", "status", "-status", "+status"}
}

// An Agent is a host that Wazuh watches; 000 is the manager itself.
type Agent struct {
	ID     string      `json:"id"`                    // its id
	Name   string      `json:"name" untrusted:"true"` // its name
	Status AgentStatus `json:"status"`                // its status
	Groups []string    `json:"group,omitempty"`       // its groups
	// Absent for an agent that never connected.
	OS *AgentOS `json:"os,omitempty"`
	// Of the agent's own software.
	Version string `json:"version,omitempty"`
	Manager string `json:"manager,omitempty"` // the node it reports to
	// The cluster node it reports to.
	NodeName string `json:"node_name,omitempty"`
	// When it was enrolled.
	DateAdd time.Time `json:"date_add,omitzero,format:'2006-01-02T15:04:05-07:00'"`
	// When it was last heard of; the manager's own is in the year 9999.
	LastKeepAlive     time.Time `json:"last_keepalive,omitzero,format:'2006-01-02T15:04:05-07:00'"`
	DisconnectionTime time.Time `json:"disconnection_time,omitzero,format:'2006-01-02T15:04:05-07:00'"` // when it was lost
	// Whether it has its groups' present configuration: synced or not synced.
	GroupConfigStatus string `json:"group_config_status,omitempty"`
	// Why it isn't connected; absent when there is no reason to tell.
	StatusCode int    `json:"status_code,omitempty"`
	ConfigSum  string `json:"config_sum,omitempty"` // the digest of its configuration
	MergedSum  string `json:"merged_sum,omitempty"` // the digest of its shared files
	IP         string `json:"ip,omitempty"`         // its address, where addresses were asked for
	// The address it was enrolled with, or any.
	RegisterIP string `json:"register_ip,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An AgentOS is the operating system of an agent.
type AgentOS struct {
	Name     string `json:"name,omitempty" untrusted:"true"`     // its name
	Version  string `json:"version,omitempty" untrusted:"true"`  // its version
	Platform string `json:"platform,omitempty" untrusted:"true"` // such as ubuntu, windows
	Arch     string `json:"arch,omitempty"`                      // its architecture
	Codename string `json:"codename,omitempty" untrusted:"true"` // the name of the version
	Major    string `json:"major,omitempty"`                     // the first part of the version
	Minor    string `json:"minor,omitempty"`                     // the second part of the version
	Uname    string `json:"uname,omitempty" untrusted:"true"`    // what uname says

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// agentNumber reads an agent's id, which the endpoint for the agents of a group
// can write as a bare number.
func agentNumber(b json.RawMessage) string {
	if id, err := AgentID(bytes.Trim(b, `"`)).padded(); err == nil {
		return id
	}
	s := text(b)
	if id, err := AgentID(s).padded(); err == nil {
		return id
	}
	return s
}

func agentOf(w wire.Agent, ip bool) *Agent {
	a := &Agent{
		ID: agentNumber(w.ID), Name: w.Name, Status: AgentStatus(w.Status), Groups: w.Group, Version: w.Version,
		Manager: w.Manager, NodeName: w.NodeName, GroupConfigStatus: w.GroupConfigStatus, StatusCode: w.StatusCode,
		ConfigSum: w.ConfigSum, MergedSum: w.MergedSum, Extra: w.AdditionalProperties,
	}
	a.date("date_add", w.DateAdd, &a.DateAdd)
	a.date("last_keepalive", w.LastKeepAlive, &a.LastKeepAlive)
	a.date("disconnection_time", w.DisconnectionTime, &a.DisconnectionTime)
	if !reflect.ValueOf(w.OS).IsZero() {
		a.OS = &AgentOS{
			Name: w.OS.Name, Version: w.OS.Version, Platform: w.OS.Platform, Arch: w.OS.Arch, Codename: w.OS.Codename,
			Major: w.OS.Major, Minor: w.OS.Minor, Uname: w.OS.Uname, Extra: w.OS.AdditionalProperties,
		}
	}
	if ip {
		a.IP, a.RegisterIP = w.IP, w.RegisterIP
	}
	return a
}

// date reads a date that Wazuh says of a. What isn't one stays in Extra.
func (a *Agent) date(name, said string, to *time.Time) {
	t, ok := parseTime(said)
	if *to = t; ok || said == "" {
		return
	}
	if b, err := json.Marshal(said); err == nil {
		a.Extra = maps.Clone(a.Extra)
		if a.Extra == nil {
			a.Extra = map[string]json.RawMessage{}
		}
		a.Extra[name] = b
	}
}

// ListAgentsInput is the input of [Client.ListAgents]. What is left out doesn't filter.
type ListAgentsInput struct {
	Status AgentStatus `json:"status,omitempty"` // only those with this status
	// Exactly.
	Name  string  `json:"name,omitempty" minLength:"1" maxLength:"128"`
	Group GroupID `json:"group,omitempty"` // only of this group
	// Such as ubuntu, windows or darwin; linux stands for all of Linux.
	Platform string `json:"os_platform,omitempty" pattern:"^[A-Za-z0-9_.-]{1,64}$"`
	// Only agents not heard of for as long, as 7d or 12h, or since enrolment if never.
	OlderThan string `json:"older_than,omitempty" pattern:"^[0-9]{1,9}[dhms]$"`
	// In name, address, id, system, version or group.
	Search string `json:"search,omitempty" minLength:"1" maxLength:"256"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"` // how many to return at most
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
	// - in front: descending. Default: by id.
	Sort      AgentSort `json:"sort,omitempty"`
	IncludeIP bool      `json:"include_ip,omitempty"` // with the addresses of agents
}

// An AgentPage is one page of agents.
type AgentPage struct {
	Agents []*Agent `json:"agents"` // the agents
	// How many agents match in all, of those this user may see.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are agents behind this page.
	More bool `json:"more"`
	// Whether addresses were asked for.
	IPIncluded bool `json:"ip_included"`
	// What Wazuh would not tell.
	Failed []Failure `json:"failed,omitempty"`
}

// ListAgents returns one page of agents, among them 000, the manager.
// [Client.Agents] walks all of them.
//
// Wazuh: GET /agents
func (c *Client) ListAgents(ctx context.Context, in ListAgentsInput) (*AgentPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listAgents(ctx, in)
}

// briefAgents lets list return agents as an agent reads a list of them: which
// manager an agent reports to, since when it is known and the digests of its
// configuration are told of the one that get_agent returns.
func briefAgents[In any](list func(context.Context, In) (*AgentPage, error)) func(context.Context, In) (*AgentPage, error) {
	return func(ctx context.Context, in In) (*AgentPage, error) {
		p, err := list(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, a := range p.Agents {
			a.Manager, a.DateAdd, a.ConfigSum, a.MergedSum = "", time.Time{}, "", ""
		}
		return p, nil
	}
}

func (c *Client) listAgents(ctx context.Context, in ListAgentsInput) (*AgentPage, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	members, err := c.agentSelect(ctx, in.IncludeIP)
	if err != nil {
		return nil, err
	}
	params := wire.ListAgentsParams{
		Offset: in.Offset, Limit: in.Limit, Sort: string(in.Sort), Select: members,
		Name: in.Name, Group: string(in.Group), OSPlatform: in.Platform, OlderThan: in.OlderThan,
	}
	if in.Status != "" {
		params.Status = []string{string(in.Status)}
	}
	if in.Search != "" {
		params.Q = shownWith(in.Search)
	}
	if in.Name != "" && !agentName.MatchString(in.Name) { // a condition takes more than the parameter
		params.Name, params.Q = "", and("name="+in.Name, params.Q)
	}
	switch { // of Linux, Wazuh knows the distribution as the platform
	case strings.EqualFold(in.Platform, "linux"):
		params.OSPlatform = ""
		params.Q = and("os.uname~linux;os.platform!=windows;os.platform!=darwin", params.Q)
	case strings.EqualFold(in.Platform, "macos"):
		params.OSPlatform = "darwin"
	}
	r, err := list[wire.Agent](c.wire.ListAgents(withSession(ctx), params))
	if err != nil {
		return nil, err
	}
	if in.Group != "" && r.total == 0 { // Wazuh says the same of a group that isn't there
		g, err := list[wire.Group](c.wire.ListGroups(withSession(ctx), wire.ListGroupsParams{Search: string(in.Group), Limit: 500}))
		if err != nil && !errors.Is(err, ErrForbidden) {
			return nil, err
		}
		if err == nil && g.total > 0 || err == nil && c.seesGroups(ctx) {
			if !slices.ContainsFunc(g.items, func(x wire.Group) bool { return x.Name == string(in.Group) }) {
				return nil, fmt.Errorf("%w: there is no group %s, or this user may not see it", ErrNotFound, in.Group)
			}
		}
	}
	return agentPage(r, in.Offset, in.IncludeIP), nil
}

// seesGroups reports whether the user may see any group: one who may not gets an
// empty list and no refusal.
func (c *Client) seesGroups(ctx context.Context) bool {
	r, err := list[wire.Group](c.wire.ListGroups(withSession(ctx), wire.ListGroupsParams{Limit: 1}))
	return err == nil && r.total > 0
}

// and is a condition with a further one, if that isn't empty.
func and(condition, further string) string {
	if further == "" {
		return condition
	}
	return condition + ";(" + further + ")"
}

// unheard adds to why, which may be empty, the reason for an answer of the indexer
// without a row of an agent's host, if there is one: it never connected. No such agent
// is [ErrNotFound].
func (c *Client) unheard(ctx context.Context, agent AgentID, total int, why string) (string, error) {
	if agent == "" || total > 0 {
		return why, nil
	}
	id, err := agent.padded()
	if err != nil {
		return "", err
	}
	r, err := list[wire.Agent](c.wire.ListAgents(withSession(ctx), wire.ListAgentsParams{AgentsList: []string{id}, Select: []string{"id", "status"}}))
	var refused *Error
	switch {
	case errors.As(err, &refused) && refused.Code == codeNoSuchAgent:
		return "", err
	case err != nil: // who may see the indexer needn't see agents
		return why, nil
	}
	for _, a := range r.items {
		if a.Status == string(NeverConnected) {
			why = strings.TrimPrefix(fmt.Sprintf("%s; agent %s has never connected, so that nothing is known of its host", why, id), "; ")
		}
	}
	return why, nil
}

// shownFields are the members of an agent that a list shows.
var shownFields = []string{"name", "ip", "id", "os.name", "os.platform", "os.version", "version", "group"}

// shownWith is the condition for agents that have a text in what a list shows.
// Wazuh's own search also looks at what it never shows, such as the agent's key.
func shownWith(text string) string {
	some := make([]string, len(shownFields))
	for i, f := range shownFields {
		some[i] = f + "~" + text
	}
	if strings.Trim(text, "0123456789") == "" {
		some = append(some, "id="+text) // which Wazuh keeps as a number: no text 007 is in it
	}
	return strings.Join(some, ",")
}

// condition are the texts that a condition of Wazuh's API can hold.
var condition = lazyregexp.New(`^[\[\]\w \-.:?\\/'"=@%<{}]+$`)

var (
	agentName = lazyregexp.New(`^[\pL\pN_,\-.+\s:]{1,128}$`)
	platform  = lazyregexp.New(`^[A-Za-z0-9_.-]{1,64}$`)
	age       = lazyregexp.New(`^[0-9]{1,9}[dhms]$`)
)

func (in *ListAgentsInput) check() error {
	switch {
	case in.Name != "" && !agentName.MatchString(in.Name) && !condition.MatchString(in.Name):
		return invalid("name %q: Wazuh's API takes letters, digits, spaces and , _ - . + :, or without accents also [ ] ? \\ / ' \" = @ %% < { }", clip.Text(in.Name, shownBytes))
	case in.Platform != "" && !platform.MatchString(in.Platform):
		return invalid("os_platform %q: want a platform, such as ubuntu", clip.Text(in.Platform, shownBytes))
	case in.OlderThan != "" && !age.MatchString(in.OlderThan):
		return invalid("older_than %q: want a number and d, h, m or s, such as 7d", clip.Text(in.OlderThan, shownBytes))
	case in.OlderThan != "" && strings.Trim(in.OlderThan, "0dhms") == "":
		return invalid("older_than %q: want more than nothing, which Wazuh takes for no filter", clip.Text(in.OlderThan, shownBytes))
	}
	if in.Group != "" {
		if err := in.Group.check(); err != nil {
			return err
		}
	}
	if in.Search != "" && !condition.MatchString(in.Search) {
		return invalid("search %q: Wazuh's API takes letters without accents, digits, spaces and [ ] _ - . : ? \\ / ' \" = @ %% < { }", clip.Text(in.Search, shownBytes))
	}
	return nil
}

// agentMembers are the members of an agent that not every version has, with the
// second numbers of the first Wazuh 4 that has each; none is in Wazuh 5 but the code.
var agentMembers = []struct {
	name string
	from int
	five bool
}{{"manager", 0, false}, {"node_name", 0, false}, {"disconnection_time", 3, false}, {"group_config_status", 4, false}, {"status_code", 7, true}}

// agentSelect are the members of an agent that a list returns. A version refuses
// the list for one that it doesn't have.
func (c *Client) agentSelect(ctx context.Context, ip bool) ([]string, error) {
	v, err := c.release(ctx)
	if err != nil {
		return nil, err
	}
	first, err := major(v)
	if err != nil {
		return nil, err
	}
	s := []string{"id", "name", "status", "group", "os.name", "os.version", "os.platform", "os.arch", "version", "dateAdd", "lastKeepAlive"}
	for _, m := range agentMembers {
		if first == 5 && m.five || first == 4 && (minor(v) < 0 || minor(v) >= m.from) {
			s = append(s, m.name)
		}
	}
	if ip {
		s = append(s, "ip", "registerIP")
	}
	return s, nil
}

func agentPage(r *rows[wire.Agent], offset int, ip bool) *AgentPage {
	p := &AgentPage{
		Agents: make([]*Agent, len(r.items)), Total: r.total, Offset: offset, More: more(offset, r.sent, r.total),
		IPIncluded: ip, Failed: r.failed,
	}
	for i, a := range r.items {
		p.Agents[i] = agentOf(a, ip)
	}
	return p
}

// Agents returns an iterator over every agent that in matches, from in.Offset
// on, each once: all are read before the first is handed out, so that the loop may
// change them. in.Limit is how many it fetches at a time, 500 unless given.
func (c *Client) Agents(ctx context.Context, in ListAgentsInput) iter.Seq2[*Agent, error] {
	return walkRows(ctx, in, pageRows, c.listAgents, func(p *AgentPage) ([]*Agent, Paging) {
		return p.Agents, Paging{More: p.More, Failed: p.Failed}
	}, func(a *Agent) string { return a.ID })
}

// GetAgentInput is the input of [Client.GetAgent].
type GetAgentInput struct {
	AgentID   AgentID `json:"agent_id" alias:"id"`  // the agent
	IncludeIP bool    `json:"include_ip,omitempty"` // with the addresses of agents
}

// GetAgent returns one agent. An unknown one is [ErrNotFound].
//
// Wazuh: GET /agents
func (c *Client) GetAgent(ctx context.Context, in GetAgentInput) (*Agent, error) {
	id, err := in.AgentID.padded()
	if err != nil {
		return nil, err
	}
	r, err := list[wire.Agent](c.wire.ListAgents(withSession(ctx), wire.ListAgentsParams{AgentsList: []string{id}}))
	if err != nil {
		return nil, err
	}
	for _, a := range r.items {
		if agentNumber(a.ID) == id {
			return agentOf(a, in.IncludeIP), nil
		}
	}
	return nil, fmt.Errorf("%w: there is no agent %s, or this user may not see it", ErrNotFound, id)
}
