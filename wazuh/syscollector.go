package wazuh

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// Before 4.13, or without an indexer, the fleet's inventory is what the server API
// tells of each agent: it is asked agent by agent, so many at a time and so many
// in one call, and what they tell is searched here.

const (
	maxHosts    = 100  // agents that are asked in one call
	hostsAtOnce = 4    // of them, at the same time
	maxOfHost   = 5000 // rows of one agent that are searched
)

// A hostReader reads a page of what an inventory scan of an agent saw.
type hostReader func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error)

// hostReaders are the kinds of things that the server API tells of an agent.
var hostReaders = map[InventoryKind]hostReader{
	"packages": func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error) {
		return list[json.RawMessage](c.wire.ListPackages(ctx, agent, wire.ListPackagesParams{Offset: offset, Limit: limit, Search: search, Sort: "+name,version"}))
	},
	"processes": func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error) {
		return list[json.RawMessage](c.wire.ListProcesses(ctx, agent, wire.ListProcessesParams{Offset: offset, Limit: limit, Search: search, Sort: "+pid"}))
	},
	"ports": func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error) {
		return list[json.RawMessage](c.wire.ListPorts(ctx, agent, wire.ListPortsParams{Offset: offset, Limit: limit, Search: search, Sort: "+local.port,inode"}))
	},
	"hotfixes": func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error) {
		return list[json.RawMessage](c.wire.ListHotfixes(ctx, agent, wire.ListHotfixesParams{Offset: offset, Limit: limit, Search: search, Sort: "+hotfix"}))
	},
	"interfaces": func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error) {
		return list[json.RawMessage](c.wire.ListInterfaces(ctx, agent, wire.ListInterfacesParams{Offset: offset, Limit: limit, Search: search, Sort: "+name"}))
	},
	"networks": func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error) {
		return list[json.RawMessage](c.wire.ListAddresses(ctx, agent, wire.ListAddressesParams{Offset: offset, Limit: limit, Search: search, Sort: "+iface,address"}))
	},
	"protocols": func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error) {
		return list[json.RawMessage](c.wire.ListProtocols(ctx, agent, wire.ListProtocolsParams{Offset: offset, Limit: limit, Search: search, Sort: "+iface,type"}))
	},
	"system": func(ctx context.Context, c *Client, agent string, offset, _ int, _ string) (*rows[json.RawMessage], error) {
		return onlyRow(offset)(list[json.RawMessage](c.wire.GetOS(ctx, agent, wire.GetOSParams{})))
	},
	"hardware": func(ctx context.Context, c *Client, agent string, offset, _ int, _ string) (*rows[json.RawMessage], error) {
		return onlyRow(offset)(list[json.RawMessage](c.wire.GetHardware(ctx, agent, wire.GetHardwareParams{})))
	},
	"fim-files": func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error) {
		return list[json.RawMessage](c.wire.ListFiles(ctx, agent, wire.ListFilesParams{Offset: offset, Limit: limit, Search: search, Type: "file", Sort: "+file"}))
	},
	"fim-registry": func(ctx context.Context, c *Client, agent string, offset, limit int, search string) (*rows[json.RawMessage], error) {
		return list[json.RawMessage](c.wire.ListFiles(ctx, agent, wire.ListFilesParams{Offset: offset, Limit: limit, Search: search, Q: "type~registry", Sort: "+file"}))
	},
}

// onlyRow is for what is one row without pages: behind it there is none.
func onlyRow(offset int) func(*rows[json.RawMessage], error) (*rows[json.RawMessage], error) {
	return func(r *rows[json.RawMessage], err error) (*rows[json.RawMessage], error) {
		if err == nil && offset > 0 {
			r.items, r.sent = nil, 0
		}
		return r, err
	}
}

// hostPlace is where a page of such a search ended: before a row of an agent, and
// behind how many rows that matched.
type hostPlace struct {
	Search string `json:"s"`
	Agent  string `json:"a"`
	Row    int    `json:"r"`
	Before int    `json:"b"`
}

// ofHost is what one agent has that matches.
type ofHost struct {
	rows  []json.RawMessage // from where the page begins on
	first int               // which of the matching rows rows[0] is
	total int
	cut   bool // whether not all of its rows were searched
	err   error
}

// askHosts searches the fleet through the server API; why says why not in the
// indexer.
func (c *Client) askHosts(ctx context.Context, in SearchInventoryInput, why string) (*ThingPage, error) {
	read := hostReaders[in.Kind]
	if read == nil {
		return nil, fmt.Errorf("%w: %s, and its server API tells no %s of an agent", ErrUnsupported, why, in.Kind)
	}
	if in.Offset > 0 {
		return nil, invalid("offset: %s, so that agents are asked one by one; go on by cursor", why)
	}
	var words []word
	if in.Search != "" {
		var err error
		if words, err = wordsOf("search", in.Search); err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d\n%s", in.Kind, in.Search, in.Port, in.AgentID))
	at := hostPlace{Search: hex.EncodeToString(sum[:8])}
	if in.Cursor != "" {
		var p hostPlace
		if err := in.Cursor.decode(&p); err != nil || p.Agent == "" || p.Row < 0 || p.Before < 0 {
			return nil, invalid("cursor: want the next_cursor of the page before")
		}
		if p.Search != at.Search {
			return nil, invalid("cursor: it belongs to another search; repeat all other arguments as they were")
		}
		at = p
	}
	agents, err := c.scannedHosts(ctx, in.AgentID)
	if err != nil {
		return nil, err
	}
	if at.Agent != "" {
		from := len(agents)
		for i, a := range agents {
			if idNumber(a.ID) >= idNumber(at.Agent) {
				from = i
				break
			}
		}
		if from == len(agents) || agents[from].ID != at.Agent {
			at.Row = 0
		}
		agents = agents[from:]
	}
	asked := agents[:min(len(agents), maxHosts)]
	found := make([]ofHost, len(asked))
	var wait sync.WaitGroup
	turn := make(chan struct{}, hostsAtOnce)
	for i, a := range asked {
		wait.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			first := 0
			if i == 0 {
				first = at.Row
			}
			found[i] = c.askHost(ctx, read, a, words, in.Port, first, in.Limit)
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wazuh: inventory: %w", err)
	}
	return in.gather(at, agents, found, why)
}

// gather makes a page of what the first of agents have. What doesn't fit is only
// counted.
func (in *SearchInventoryInput) gather(at hostPlace, agents []HostRef, found []ofHost, why string) (*ThingPage, error) {
	p := &ThingPage{Kind: in.Kind, Items: []*Thing{}, Agents: []AgentCount{}, Total: at.Before, Note: why + ", so that the server API was asked agent by agent; items are in its words"}
	var missing []string
	var refused []error
	next := hostPlace{Search: at.Search}
	for i, f := range found {
		a := agents[i]
		switch {
		case errors.Is(f.err, ErrNoInventory) || errors.Is(f.err, ErrNotFound): // it has none, or has gone
			continue
		case f.err != nil:
			refused = append(refused, f.err)
			continue
		}
		if f.cut {
			missing = append(missing, fmt.Sprintf("of agent %s only the first %d rows were searched", a.ID, maxOfHost))
		}
		if f.total > 0 {
			p.Agents = append(p.Agents, AgentCount{AgentID: a.ID, Count: f.total})
		}
		p.Total += f.total - f.first
		take := min(len(f.rows), in.Limit-len(p.Items))
		for j, row := range f.rows[:take] {
			item, err := thingOf(row)
			if err != nil {
				return nil, err
			}
			p.places = append(p.places, hostPlace{Search: at.Search, Agent: a.ID, Row: f.first + j, Before: at.Before + len(p.Items)})
			p.Items = append(p.Items, &Thing{AgentID: a.ID, AgentName: a.Name, Item: item})
		}
		if row := f.first + take; next.Agent == "" && row < f.total {
			next.Agent, next.Row = a.ID, row
		}
	}
	if len(refused) > 0 && len(refused) == len(found) {
		return nil, refused[0]
	}
	if len(refused) > 0 {
		missing = append(missing, fmt.Sprintf("%d agents could not be asked: %s", len(refused), oneLine(refused[0].Error())))
	}
	p.missed = strings.Join(missing, "; ")
	if n := len(found); n < len(agents) {
		if next.Agent == "" {
			next.Agent = agents[n].ID
		}
		p.MoreAgents = true
		missing = append(missing, fmt.Sprintf("%d of %d agents were asked, and the total is theirs; go on by next_cursor", n, len(agents)))
	}
	if p.More = next.Agent != ""; p.More {
		next.Before = at.Before + len(p.Items)
		var err error
		if p.NextCursor, err = encodeCursor(next); err != nil {
			return nil, err
		}
	}
	p.Incomplete = strings.Join(missing, "; ")
	return p, nil
}

// askHost returns up to limit of an agent's rows that match, from the first'th on.
func (c *Client) askHost(ctx context.Context, read hostReader, agent HostRef, words []word, port, first, limit int) ofHost {
	var open []word // those that the agent's name doesn't answer
	for _, w := range words {
		if !standsIn([]word{w}, "agent.name", agent.Name) {
			open = append(open, w)
		}
	}
	if len(open) == 0 && port == 0 {
		r, err := read(withSession(ctx), c, agent.ID, first, limit, "")
		if err != nil {
			return ofHost{err: err}
		}
		return ofHost{rows: r.items, first: first, total: max(r.total, first)}
	}
	out := ofHost{first: first}
	search := searchFor(open)
	for offset := 0; ; {
		r, err := read(withSession(ctx), c, agent.ID, offset, chunk, search)
		if err != nil {
			return ofHost{err: err}
		}
		for _, row := range r.items {
			if !rowMatches(row, open, port) {
				continue
			}
			if out.total++; out.total > first && len(out.rows) < limit {
				out.rows = append(out.rows, row)
			}
		}
		offset += r.sent
		switch {
		case r.sent == 0 || offset >= r.total:
			out.first = min(first, out.total)
			return out
		case offset >= maxOfHost:
			out.cut, out.first = true, min(first, out.total)
			return out
		}
	}
}

// plainSearch is what the server API finds as it is: no time, which it has in
// another form.
var plainSearch = lazyregexp.New(`^[A-Za-z0-9./ +@~-]*[A-Za-z][A-Za-z0-9./ +@~-]*$`)

// searchFor is the longest of words that the server API's own search can look for,
// or nothing.
func searchFor(words []word) string {
	longest := ""
	for _, w := range words {
		if s := w.typed; len(s) > len(longest) && checkSearch(s) == nil && plainSearch.MatchString(s) {
			longest = s
		}
	}
	return longest
}

// rowMatches reports whether each of words stands in a row, and the port at either end.
func rowMatches(row json.RawMessage, words []word, port int) bool {
	hit := make([]bool, len(words))
	atPort := port == 0
	err := jsontext.Leaves(row, func(path, text []byte) {
		p, t := string(path), string(text)
		if p == "agent_id" || strings.HasPrefix(p, "scan.") {
			return
		}
		for i, w := range words {
			hit[i] = hit[i] || standsIn([]word{w}, p, t)
		}
		if p == "local.port" || p == "remote.port" {
			atPort = atPort || t == strconv.Itoa(port)
		}
	})
	for _, h := range hit {
		if !h {
			return false
		}
	}
	return err == nil && atPort
}

// thingOf is a row without what is said beside it.
func thingOf(row json.RawMessage) (json.RawMessage, error) {
	var d map[string]json.RawMessage
	if err := json.Unmarshal(row, &d); err != nil {
		return nil, fmt.Errorf("wazuh: a row of the inventory cannot be read: %w", err)
	}
	delete(d, "agent_id")
	delete(d, "scan")
	return raw(d)
}

// scannedHosts lists the agents that have connected once, or the one of an id.
func (c *Client) scannedHosts(ctx context.Context, id AgentID) ([]HostRef, error) {
	if id != "" {
		a, err := c.GetAgent(ctx, GetAgentInput{AgentID: id})
		if err != nil {
			return nil, err
		}
		return []HostRef{{ID: a.ID, Name: a.Name}}, nil
	}
	var failed []Failure
	all, err := every(&failed, func(offset int) (*rows[wire.Agent], error) {
		return list[wire.Agent](c.wire.ListAgents(withSession(ctx), wire.ListAgentsParams{Offset: offset, Limit: chunk, Sort: "+id", Q: "status!=never_connected", Select: []string{"id", "name"}}))
	})
	if err != nil {
		return nil, err
	}
	hosts := make([]HostRef, len(all))
	for i, a := range all {
		hosts[i] = HostRef{ID: text(a.ID), Name: a.Name}
	}
	return hosts, nil
}

// idNumber is an agent's id as a number, by which they are in order.
func idNumber(id string) int {
	n, err := strconv.Atoi(id)
	if err != nil {
		return 0
	}
	return n
}
