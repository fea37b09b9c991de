package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
)

// InventoryKind is a kind of thing that the fleet's inventory holds.
type InventoryKind string

// Enum lists the values for schemas.
func (InventoryKind) Enum() []any {
	return []any{"packages", "processes", "ports", "users", "services", "hotfixes", "interfaces", "networks", "system", "hardware", "browser-extensions"}
}

// inventoryFields are where a text is searched for in each kind, and by what it
// is sorted.
var inventoryFields = map[InventoryKind][]string{
	"packages":           {"package.name", "package.version", "package.vendor", "package.description"},
	"processes":          {"process.name", "process.command_line", "process.args"},
	"ports":              {"process.name", "source.ip", "destination.ip", "network.transport", "interface.state"},
	"users":              {"user.name", "user.full_name", "user.groups", "user.shell", "user.home"},
	"services":           {"service.name", "service.description", "process.executable"},
	"hotfixes":           {"package.hotfix.name"},
	"interfaces":         {"interface.name", "interface.alias", "host.mac"},
	"networks":           {"interface.name", "host.ip", "network.ip"},
	"system":             {"host.os.name", "host.os.full", "host.os.version", "host.hostname", "host.os.kernel.release"},
	"hardware":           {"host.cpu.name", "host.serial_number"},
	"browser-extensions": {"package.name", "package.id", "browser.name", "user.name"},
}

// SearchInventoryInput is the input of [Client.SearchInventory].
type SearchInventoryInput struct {
	Kind    InventoryKind `json:"kind" jsonschema:"What to look for."`
	Search  string        `json:"search,omitempty" jsonschema:"Only things in which each of these words is part of a name, version, command line, address or the like, in any case. * stands for anything." alias:"query,name" minLength:"1" maxLength:"256"`
	Port    int           `json:"port,omitempty" jsonschema:"Only sockets with this port at either end; for kind ports." minimum:"1" maximum:"65535"`
	AgentID AgentID       `json:"agent_id,omitempty" jsonschema:"Only on this agent's host, such as 007."`
	Limit   int           `json:"limit,omitempty" jsonschema:"How many things to return." minimum:"1" maximum:"100"`
	Offset  int           `json:"offset,omitempty" jsonschema:"How many things to skip; with limit at most 10000." minimum:"0" maximum:"100000"`
	Cursor  Cursor        `json:"cursor,omitempty" jsonschema:"The next_cursor of the page before."`
}

// SetDefaults fills the fields left at zero.
func (in *SearchInventoryInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 25
	}
}

// A Thing is a part of a host.
type Thing struct {
	AgentID   string          `json:"agent_id"`
	AgentName string          `json:"agent_name,omitempty" untrusted:"true"`
	Item      json.RawMessage `json:"item" jsonschema:"As the inventory has it, in the words of the Elastic Common Schema." untrusted:"true"`
}

// AgentCount is how many things an agent's host has.
type AgentCount struct {
	AgentID string `json:"agent_id"`
	Count   int    `json:"count"`
}

// ThingPage is one page of the fleet's inventory.
type ThingPage struct {
	Kind       InventoryKind `json:"kind"`
	Items      []*Thing      `json:"items"`
	Total      int           `json:"total" jsonschema:"How many things match in all."`
	Agents     []AgentCount  `json:"agents" jsonschema:"On which hosts they are; at most 100."`
	MoreAgents bool          `json:"more_agents,omitempty" jsonschema:"Whether there are more hosts than are listed."`
	Offset     int           `json:"offset"`
	More       bool          `json:"more"`
	NextCursor Cursor        `json:"next_cursor,omitempty" jsonschema:"Give it as cursor for the next page."`
	Incomplete string        `json:"incomplete,omitempty" jsonschema:"Why some may be missing from this answer; absent when none are."`
}

func inventoryIndex(kind InventoryKind) string { return "wazuh-states-inventory-" + string(kind) + "*" }

// SearchInventory says which hosts of the whole fleet have a package, a port, a
// process and so on. Wazuh keeps this in the indexer from 4.13 on.
//
// Wazuh indexer: POST /wazuh-states-inventory-{kind}*/_search
func (c *Client) SearchInventory(ctx context.Context, in SearchInventoryInput) (*ThingPage, error) {
	in.SetDefaults()
	fields, ok := inventoryFields[in.Kind]
	if !ok {
		return nil, invalid("kind %q: want one of %v", clip(string(in.Kind)), InventoryKind("").Enum())
	}
	var filter []clause
	if in.AgentID != "" {
		id, err := in.AgentID.padded()
		if err != nil {
			return nil, err
		}
		filter = append(filter, term("agent.id", id))
	}
	if in.Port != 0 {
		if in.Kind != "ports" {
			return nil, invalid("port: only kind ports has one")
		}
		p := strconv.Itoa(in.Port)
		filter = append(filter, anyOf(term("source.port", p), term("destination.port", p)))
	}
	if in.Search != "" {
		text, err := wordClauses("search", in.Search, fields, "")
		if err != nil {
			return nil, err
		}
		filter = append(filter, text...)
	}
	by := []order{{"agent.id", "asc", "keyword"}}
	for _, f := range fields {
		by = append(by, order{f, "asc", "keyword"})
	}
	switch in.Kind {
	case "processes":
		by = append(by, order{"process.pid", "asc", "long"})
	case "ports":
		by = append(by, order{"source.port", "asc", "long"}, order{"destination.port", "asc", "long"}, order{"file.inode", "asc", "keyword"})
	}
	if in.Kind == "packages" {
		by = append(by, ascending("package.architecture", "package.path")...)
	}
	s, err := newSearch(filter, in.Limit, in.Offset, append(by, tie))
	if err != nil {
		return nil, err
	}
	if s.Aggs, err = raw(clause{"agents": clause{"terms": clause{"field": "agent.id", "size": 100}}}); err != nil {
		return nil, err
	}
	index := inventoryIndex(in.Kind)
	if err := resume(in.Cursor, in.Offset, index, s); err != nil {
		return nil, err
	}
	f, err := c.searchIndex(ctx, index, *s)
	if err != nil {
		return nil, err
	}
	return in.page(index, s, f)
}

func (in *SearchInventoryInput) page(index string, s *indexer.Search, f *indexer.Found) (*ThingPage, error) {
	p := &ThingPage{Kind: in.Kind, Items: make([]*Thing, len(f.Hits.Hits)), Agents: []AgentCount{}, Offset: in.Offset, Incomplete: incomplete(f, index)}
	for i, h := range f.Hits.Hits {
		var d map[string]json.RawMessage
		var agent HostRef
		err := json.Unmarshal(h.Source, &d)
		if err == nil && d["agent"] != nil {
			err = json.Unmarshal(d["agent"], &agent)
		}
		if err != nil {
			return nil, fmt.Errorf("wazuh: %s in %s cannot be read: %w", h.ID, h.Index, err)
		}
		for _, k := range []string{"agent", "wazuh", "state", "checksum"} {
			delete(d, k)
		}
		item, err := raw(d)
		if err != nil {
			return nil, err
		}
		p.Items[i] = &Thing{AgentID: agent.ID, AgentName: agent.Name, Item: item}
	}
	if f.Hits.Total != nil {
		p.Total = f.Hits.Total.Value
	}
	var counted struct {
		Agents buckets `json:"agents"`
	}
	if len(f.Aggregations) > 0 {
		if err := json.Unmarshal(f.Aggregations, &counted); err != nil {
			return nil, fmt.Errorf("wazuh: the indexer's counts cannot be read: %w", err)
		}
	}
	for _, b := range counted.Agents.Buckets {
		p.Agents = append(p.Agents, AgentCount{AgentID: string(b.Key), Count: b.Count})
	}
	p.MoreAgents = counted.Agents.Others > 0
	cursor := next(index, s, f, time.Time{})
	if p.More = cursor != "" && (in.Cursor != "" || more(in.Offset, len(p.Items), p.Total)); p.More {
		p.NextCursor = cursor
	}
	return p, nil
}
