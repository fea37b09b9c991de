package wazuh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// InventoryKind is a kind of thing that the fleet's inventory holds.
type InventoryKind string

// Enum lists the values for schemas.
func (InventoryKind) Enum() []any {
	return []any{"packages", "processes", "ports", "users", "groups", "services", "hotfixes", "interfaces", "networks", "protocols", "system", "hardware", "browser-extensions", "fim-files", "fim-registry"}
}

// An inventory is a kind of thing that the indexer keeps of every host: in which
// indices, by what it is sorted, and all the fields that it has in the templates
// of 4.14 and 5, each of which is searched.
type inventory struct{ index, by, fields string }

// ofEveryHost are the fields of every kind that say which host it is.
const ofEveryHost = "agent.name wazuh.agent.name "

var inventories = map[InventoryKind]inventory{
	"packages": {"wazuh-states-inventory-packages*", "package.name package.version", `package.architecture package.category package.description package.installed:date package.multiarch package.name package.path package.priority
		package.size:long package.source package.type package.vendor package.version`},
	"processes": {"wazuh-states-inventory-processes*", "process.pid:long", `process.args process.args_count:long process.command_line process.name process.parent.pid:long process.pid:long process.start:date process.state
		process.stime:long process.utime:long`},
	"ports": {"wazuh-states-inventory-ports*", "source.port:long destination.port:long", `destination.ip:ip destination.port:long file.inode host.network.egress.queue:long host.network.ingress.queue:long interface.state network.transport
		process.name process.pid:long source.ip:ip source.port:long`},
	"users": {"wazuh-states-inventory-users*", "user.name", `host.ip:ip login.status:boolean login.tty login.type process.pid:long user.auth_failures.count:integer user.auth_failures.timestamp:date
		user.created:date user.full_name user.group.id:unsigned_long user.group.id_signed:long user.groups user.home user.id user.is_hidden:boolean
		user.is_remote:boolean user.last_login:date user.name user.password.expiration_date:date user.password.hash_algorithm
		user.password.inactive_days:integer user.password.last_change:date user.password.last_set_time:date user.password.max_days_between_changes:integer
		user.password.min_days_between_changes:integer user.password.status user.password.warning_days_before_expiration:integer user.roles user.shell
		user.type user.uid_signed:long user.uuid`},
	"groups": {"wazuh-states-inventory-groups*", "group.name", `group.description:match_only_text group.id:unsigned_long group.id_signed:long group.is_hidden:boolean group.name group.users group.uuid`},
	"services": {"wazuh-states-inventory-services*", "service.name", `error.log.file.path file.path log.file.path process.args process.executable process.group.name process.pid:long process.root_directory
		process.user.name process.working_directory service.address service.description service.enabled service.exit_code:integer service.following
		service.frequency:long service.id service.inetd_compatibility:boolean service.name service.object_path service.restart service.start_type
		service.starts.on_mount:boolean service.starts.on_not_empty_directory service.starts.on_path_modified service.state service.sub_state
		service.target.address service.target.ephemeral_id service.target.type service.type service.win32_exit_code:integer`},
	"hotfixes": {"wazuh-states-inventory-hotfixes*", "package.hotfix.name", `package.hotfix.name`},
	"interfaces": {"wazuh-states-inventory-interfaces*", "interface.name", `host.mac host.network.egress.bytes:long host.network.egress.drops:long host.network.egress.errors:long host.network.egress.packets:long
		host.network.ingress.bytes:long host.network.ingress.drops:long host.network.ingress.errors:long host.network.ingress.packets:long interface.alias
		interface.mtu:long interface.name interface.state interface.type`},
	"networks":  {"wazuh-states-inventory-networks*", "interface.name", `interface.name network.broadcast:ip network.dhcp:boolean network.ip:ip network.metric:long network.netmask:ip network.type`},
	"protocols": {"wazuh-states-inventory-protocols*", "interface.name", `interface.name network.dhcp:boolean network.gateway:ip network.metric:long network.type`},
	"system": {"wazuh-states-inventory-system*", "host.hostname", `host.architecture host.hostname host.os.build host.os.codename host.os.distribution.release host.os.full host.os.kernel.name host.os.kernel.release
		host.os.kernel.version host.os.major host.os.minor host.os.name host.os.patch host.os.platform host.os.type host.os.version`},
	"hardware": {"wazuh-states-inventory-hardware*", "host.cpu.name", `host.cpu.cores:short host.cpu.name host.cpu.speed:long host.memory.free:long host.memory.total:long host.memory.usage:scaled_float
		host.memory.used:long host.serial_number`},
	"browser-extensions": {"wazuh-states-inventory-browser-extensions*", "package.name user.id", `browser.name browser.profile.name browser.profile.path browser.profile.referenced:boolean file.hash.sha256 package.autoupdate:boolean
		package.build_version package.description package.enabled:boolean package.from_webstore:boolean package.id package.installed:date package.name
		package.path package.permissions package.persistent:boolean package.reference package.type package.vendor package.version package.visible:boolean
		user.id`},
	"fim-files": {"wazuh-states-fim-files*", "file.path", `file.attributes file.device file.gid file.group file.hash.md5 file.hash.sha1 file.hash.sha256 file.inode file.mtime:date file.owner file.path
		file.permissions file.size:long file.uid`},
	"fim-registry": {"wazuh-states-fim-registr*", "registry.path registry.value", `event.action event.category registry.architecture registry.data.hash.md5 registry.data.hash.sha1 registry.data.hash.sha256 registry.data.type
		registry.gid registry.group registry.hive registry.key registry.mtime:date registry.owner registry.path registry.permissions registry.size:long
		registry.uid registry.value`},
}

// SearchInventoryInput is the input of [Client.SearchInventory].
type SearchInventoryInput struct {
	Kind InventoryKind `json:"kind"` // of which kind
	// Words that must all be in it or the agent's name; * stands for anything.
	Search string `json:"search,omitempty" alias:"query,name" minLength:"1" maxLength:"256"`
	// At either end; for kind ports.
	Port int `json:"port,omitempty" minimum:"1" maximum:"65535"`
	// Such as 007.
	AgentID AgentID `json:"agent_id,omitempty"`
	Limit   int     `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25"` // how many to return at most
	// At most 10000 with limit.
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"100000"`
	Cursor Cursor `json:"cursor,omitempty"` // where the page before ended
}

// A Thing is a part of a host.
type Thing struct {
	AgentID   string `json:"agent_id"`                              // the agent
	AgentName string `json:"agent_name,omitempty" untrusted:"true"` // the agent's name
	// As the inventory has it, in the words of the Elastic Common Schema, or as note says.
	Item json.RawMessage `json:"item" untrusted:"true"`
}

// AgentCount is how many things an agent's host has.
type AgentCount struct {
	AgentID string `json:"agent_id"` // the agent
	Count   int    `json:"count"`    // how many
}

// ThingPage is one page of the fleet's inventory.
type ThingPage struct {
	Kind  InventoryKind `json:"kind"`  // of which kind it is
	Items []*Thing      `json:"items"` // what was found
	// How many things match in all.
	Total int `json:"total"`
	// On which hosts they are; at most 100.
	Agents []AgentCount `json:"agents"`
	// Whether there are more hosts than are listed.
	MoreAgents bool `json:"more_agents,omitempty"`
	Offset     int  `json:"offset"` // how many were skipped
	More       bool `json:"more"`   // whether there are more behind these
	// Give it as cursor for the next page.
	NextCursor Cursor `json:"next_cursor,omitempty"`
	// Where this comes from, if not from the indexer.
	Note string `json:"note,omitempty"`
	// Why some may be missing from this answer; absent when none are.
	Incomplete string `json:"incomplete,omitempty"`

	ends   *turning
	places []hostPlace // of each item, where hosts were asked
	missed string      // Incomplete without what the next page has
}

func inventoryIndex(kind InventoryKind) string { return inventories[kind].index }

// SearchInventory says which hosts of the whole fleet have a package, a port, a
// process and so on. Wazuh keeps this in the indexer from 4.13 on; before, and
// without an indexer, its server API is asked agent by agent, a hundred in one
// call, and what that tells of no agent is [ErrUnsupported].
//
// Wazuh indexer: POST /wazuh-states-inventory-{kind}*/_search; server: GET /agents and /syscollector/{agent_id}/{kind}
func (c *Client) SearchInventory(ctx context.Context, in SearchInventoryInput) (*ThingPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.searchInventory(ctx, in)
}

func (c *Client) searchInventory(ctx context.Context, in SearchInventoryInput) (*ThingPage, error) {
	kind, ok := inventories[in.Kind]
	if !ok {
		return nil, invalid("kind %q: want one of %v", clip.Text(string(in.Kind), shownBytes), InventoryKind("").Enum())
	}
	var filter []clause
	if in.AgentID != "" {
		id, err := in.AgentID.padded()
		if err != nil {
			return nil, err
		}
		filter = append(filter, ofAgent(id))
	}
	if in.Port != 0 {
		if in.Kind != "ports" {
			return nil, invalid("port: only kind ports has one")
		}
		p := strconv.Itoa(in.Port)
		filter = append(filter, anyOf(term("source.port", p), term("destination.port", p)))
	}
	if in.Search != "" {
		text, err := wordClauses("search", in.Search, fieldsOf(ofEveryHost+kind.fields))
		if err != nil {
			return nil, err
		}
		filter = append(filter, text...)
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if v, older, err := c.before4(ctx, 13); err != nil {
		return nil, err
	} else if older {
		return c.askHosts(ctx, in, fmt.Sprintf("this server is Wazuh %s, and the inventory of the fleet is in the indexer from Wazuh 4.13 on", strings.TrimPrefix(v, "v")))
	}
	if c.indexer == nil && !five {
		return c.askHosts(ctx, in, "no indexer is configured")
	}
	agent := map[bool]string{false: "agent.id", true: "wazuh.agent.id"}[five]
	s, err := newSearch(filter, in.Limit, in.Offset, slices.Concat(orders(agent+" "+kind.by), tie))
	if err != nil {
		return nil, err
	}
	if s.Aggs, err = raw(clause{"agents": clause{"terms": clause{"field": agent, "size": 100}}}); err != nil {
		return nil, err
	}
	index := inventoryIndex(in.Kind)
	if err := goOn(in.Cursor, in.Offset, fingerprint(index, s), s); err != nil {
		return nil, err
	}
	f, err := c.searchIndex(ctx, index, *s)
	if err != nil {
		return nil, err
	}
	p, err := in.page(&turning{fingerprint(index, s), s, f, time.Time{}})
	if err != nil {
		return nil, err
	}
	p.Incomplete = c.incomplete(ctx, f, index)
	if p.Incomplete, err = c.unheard(ctx, in.AgentID, p.Total, p.Incomplete); err != nil {
		return nil, err
	}
	p.missed = p.Incomplete
	return p, nil
}

// Inventory returns an iterator over everything of a kind that the hosts of the
// fleet have and in matches, host by host, from in.Offset on, however much there is,
// in constant memory. What comes or goes meanwhile shifts nothing, unless agents are
// asked one by one: then a scan between two pages can shift the rows of its agent.
// in.Limit is how many it fetches at a time, 500 unless given. When part of the
// indexer or an agent didn't answer, its last yield is [ErrIncomplete].
func (c *Client) Inventory(ctx context.Context, in SearchInventoryInput) iter.Seq2[*Thing, error] {
	return walkCursor(ctx, in, func(in *SearchInventoryInput, at Cursor) { in.Cursor = at }, c.searchInventory, func(p *ThingPage) ([]*Thing, Cursor, func(int) Cursor, string) {
		return p.Items, p.NextCursor, p.behind, p.missed
	})
}

func (in *SearchInventoryInput) page(ends *turning) (*ThingPage, error) {
	f := ends.f
	p := &ThingPage{Kind: in.Kind, ends: ends, Items: make([]*Thing, len(f.Hits.Hits)), Agents: []AgentCount{}, Offset: in.Offset}
	for i, h := range f.Hits.Hits {
		var d map[string]json.RawMessage
		var of struct {
			Agent HostRef `json:"agent"`
			Wazuh struct {
				Agent HostRef `json:"agent"`
			} `json:"wazuh"`
		}
		err := errors.Join(json.Unmarshal(h.Source, &d), json.Unmarshal(h.Source, &of))
		agent := of.Agent
		if agent.ID == "" {
			agent = of.Wazuh.Agent
		}
		if err != nil {
			return nil, fmt.Errorf("wazuh: %s in %s cannot be read: %w", h.ID, h.Index, err)
		}
		for _, k := range []string{"agent", "wazuh", "state", "checksum", "message"} {
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
	cursor := ends.next()
	if p.More = cursor != "" && (in.Cursor != "" || more(in.Offset, len(p.Items), p.Total)); p.More {
		p.NextCursor = cursor
	}
	return p, nil
}
