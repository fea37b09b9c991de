package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
)

// In Wazuh 5 the server no longer answers for what is on a host: it keeps that
// in the indexer, in the words of the Elastic Common Schema.

// doc is an indexed document.
type doc map[string]any

// at returns what stands at a dotted path, or nil.
func (d doc) at(path string) any {
	var v any = map[string]any(d)
	for key := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// text returns the first of paths that holds something, as a text.
func (d doc) text(paths ...string) string {
	for _, p := range paths {
		switch v := d.at(p).(type) {
		case nil:
		case string:
			if v != "" {
				return v
			}
		case []any:
			var all []string
			for _, e := range v {
				all = append(all, fmt.Sprint(e))
			}
			if len(all) > 0 {
				return strings.Join(all, " ")
			}
		case map[string]any:
		default:
			return fmt.Sprint(v)
		}
	}
	return ""
}

// known is int, or nil where there is none.
func (d doc) known(path string) *Int {
	if d.text(path) == "" {
		return nil
	}
	n := d.int(path)
	return &n
}

func (d doc) int(paths ...string) Int {
	n, err := strconv.ParseFloat(d.text(paths...), 64)
	if err != nil {
		return 0
	}
	return Int(n)
}

// seconds is int for what can be a date, which it counts since 1970.
func (d doc) seconds(path string) Int {
	if t, ok := parseTime(d.text(path)); ok {
		return Int(t.Unix())
	}
	return d.int(path)
}

// tie is what no two rows of a state have in common, in the indices of every
// version: the order of rows that are alike otherwise may change from page to page.
var tie = []order{{"_id", "asc", "keyword"}, {"_index", "asc", "keyword"}}

// states asks the indexer for what is on an agent's host. What may be missing
// from the answer stands under Failed.
func states[T any](ctx context.Context, c *Client, index, agent string, filter []clause, by []order, limit, offset int, read func(doc) T) ([]T, *Paging, error) {
	s, err := newSearch(append([]clause{ofAgent(agent)}, filter...), limit, offset, slices.Concat(by, tie))
	if err != nil {
		return nil, nil, err
	}
	f, err := c.searchIndex(ctx, index, *s)
	if err != nil {
		return nil, nil, err
	}
	p := &Paging{Offset: offset}
	if f.Hits.Total != nil {
		p.Total = f.Hits.Total.Value
	}
	if why := c.incomplete(ctx, f, index); why != "" {
		p.Failed = append(p.Failed, Failure{Message: why})
	}
	list := make([]T, len(f.Hits.Hits))
	for i, h := range f.Hits.Hits {
		d, err := docOf(h)
		if err != nil {
			return nil, nil, err
		}
		list[i] = read(d)
	}
	p.More = more(offset, len(list), p.Total)
	return list, p, nil
}

func docOf(h indexer.Hit) (doc, error) {
	var d doc
	dec := json.NewDecoder(strings.NewReader(string(h.Source)))
	dec.UseNumber()
	if err := dec.Decode(&d); err != nil {
		return nil, fmt.Errorf("wazuh: %s in %s cannot be read: %w", h.ID, h.Index, err)
	}
	return d, nil
}

func ascending(fields ...string) []order {
	list := make([]order, len(fields))
	for i, f := range fields {
		list[i] = order{f, "asc", "keyword"}
	}
	return list
}

// orders reads a list of fields to sort by, rising, such as "user.name process.pid:long".
func orders(list string) []order {
	var out []order
	for f := range strings.FieldsSeq(list) {
		path, kind, typed := strings.Cut(f, ":")
		if !typed {
			kind = "keyword"
		}
		out = append(out, order{path, "asc", kind})
	}
	return out
}

func searchStates(kind InventoryKind, search string) ([]clause, error) {
	if search == "" {
		return nil, nil
	}
	return wordClauses("search", search, fieldsOf(inventories[kind].fields))
}

func (c *Client) stateProcesses(ctx context.Context, id string, in GetAgentProcessesInput) (*ProcessPage, error) {
	filter, err := searchStates("processes", in.Search)
	if err != nil {
		return nil, err
	}
	list, p, err := states(ctx, c, inventoryIndex("processes"), id, filter, []order{{"process.pid", "asc", "long"}}, in.Limit, in.Offset, func(d doc) *Process {
		x := &Process{PID: d.int("process.pid"), PPID: d.int("process.parent.pid"), Name: d.text("process.name"), State: d.text("process.state"), User: d.text("process.user.name", "user.name"), StartTime: d.seconds("process.start")}
		if in.IncludeCommand {
			x.Command, x.Arguments = d.text("process.command_line"), d.text("process.args")
		}
		return x
	})
	if err != nil {
		return nil, err
	}
	return &ProcessPage{AgentID: id, Processes: list, Total: p.Total, Offset: p.Offset, More: p.More, Failed: p.Failed, CommandIncluded: in.IncludeCommand}, nil
}

func (c *Client) statePorts(ctx context.Context, id string, in GetAgentPortsInput) (*PortPage, error) {
	list, p, err := states(ctx, c, inventoryIndex("ports"), id, nil, []order{{"source.port", "asc", "long"}, {"file.inode", "asc", "keyword"}, {"destination.port", "asc", "long"}, {"network.transport", "asc", "keyword"}, {"process.pid", "asc", "long"}}, in.Limit, in.Offset, func(d doc) *Port {
		return &Port{
			Protocol: d.text("network.transport"), State: d.text("interface.state"), PID: d.int("process.pid"), Process: d.text("process.name"), Inode: d.int("file.inode"),
			Local: Endpoint{IP: d.text("source.ip"), Port: d.known("source.port")}, Remote: Endpoint{IP: d.text("destination.ip"), Port: d.known("destination.port")},
		}
	})
	if err != nil {
		return nil, err
	}
	return &PortPage{AgentID: id, Ports: list, Total: p.Total, Offset: p.Offset, More: p.More, Failed: p.Failed}, nil
}

func (c *Client) statePackages(ctx context.Context, id string, in GetAgentPackagesInput) (*PackagePage, error) {
	filter, err := searchStates("packages", in.Search)
	if err != nil {
		return nil, err
	}
	list, p, err := states(ctx, c, inventoryIndex("packages"), id, filter, ascending("package.name", "package.version", "package.architecture", "package.path"), in.Limit, in.Offset, func(d doc) *Package {
		return &Package{
			Name: d.text("package.name"), Version: d.text("package.version"), Architecture: d.text("package.architecture"), Format: d.text("package.type"),
			Vendor: d.text("package.vendor"), Description: d.text("package.description"), InstallTime: d.text("package.installed"),
			Size: d.int("package.size"), Location: d.text("package.path"),
		}
	})
	if err != nil {
		return nil, err
	}
	return &PackagePage{AgentID: id, Packages: list, Paging: *p}, nil
}

func (c *Client) stateHotfixes(ctx context.Context, id string, in GetAgentHotfixesInput) (*HotfixPage, error) {
	list, p, err := states(ctx, c, inventoryIndex("hotfixes"), id, nil, ascending("package.hotfix.name"), in.Limit, in.Offset, func(d doc) string { return d.text("package.hotfix.name") })
	if err != nil {
		return nil, err
	}
	return &HotfixPage{AgentID: id, Hotfixes: list, Paging: *p}, nil
}

func (c *Client) stateOS(ctx context.Context, id string) (*AgentHostOS, error) {
	list, p, err := states(ctx, c, inventoryIndex("system"), id, nil, nil, 1, 0, func(d doc) *HostOS {
		return &HostOS{
			Hostname: d.text("host.hostname"), Architecture: d.text("host.architecture"), Sysname: d.text("host.os.kernel.name"),
			Release: d.text("host.os.kernel.release"), Version: d.text("host.os.kernel.version"),
			OS: &AgentOS{
				Name: d.text("host.os.name"), Version: d.text("host.os.version"), Platform: d.text("host.os.platform"), Codename: d.text("host.os.codename"),
				Major: d.text("host.os.major"), Minor: d.text("host.os.minor"),
			},
		}
	})
	if err != nil {
		return nil, err
	}
	o := &AgentHostOS{AgentID: id}
	switch {
	case len(list) > 0:
		o.OS = list[0]
	case len(p.Failed) > 0:
		return nil, fmt.Errorf("%w: %s", ErrIncomplete, p.Failed[0].Message)
	}
	return o, nil
}

func (c *Client) stateHardware(ctx context.Context, id string) (*hardware, error) {
	list, p, err := states(ctx, c, inventoryIndex("hardware"), id, nil, nil, 1, 0, func(d doc) *hardware {
		h := &hardware{CPU: CPU{Name: d.text("host.cpu.name"), Cores: d.known("host.cpu.cores"), MHz: float64(d.int("host.cpu.speed"))}}
		h.RAM.Total, h.RAM.Free, h.RAM.Usage = d.known("host.memory.total"), d.known("host.memory.free"), d.known("host.memory.usage")
		return h
	})
	switch {
	case err != nil:
		return nil, err
	case len(list) > 0:
		return list[0], nil
	case len(p.Failed) > 0:
		return nil, fmt.Errorf("%w: %s", ErrIncomplete, p.Failed[0].Message)
	}
	return nil, errNoRow
}

func (c *Client) stateNetwork(ctx context.Context, n *Network) (*Network, error) {
	type row struct {
		iface   *Interface
		address *Address
		gateway *Gateway
	}
	fetch := func(kind InventoryKind, read func(doc) row) error {
		by := ascending("interface.name", "network.ip", "network.type", "network.gateway")
		list, p, err := states(ctx, c, inventoryIndex(kind), n.AgentID, nil, by, chunk, 0, read)
		if err != nil {
			return err
		}
		n.Failed = append(n.Failed, p.Failed...)
		if p.More {
			n.Failed = append(n.Failed, Failure{Message: fmt.Sprintf("%d of %d %s are left out", p.Total-len(list), p.Total, kind)})
		}
		for _, r := range list {
			i := n.named(r.iface.Name)
			switch {
			case r.address != nil:
				i.Addresses = append(i.Addresses, r.address)
			case r.gateway != nil:
				i.Gateways = append(i.Gateways, r.gateway)
			default:
				*i = *r.iface
			}
		}
		return nil
	}
	counters := func(d doc, at string) Counters {
		return Counters{Bytes: d.int(at + ".bytes"), Packets: d.int(at + ".packets"), Errors: d.int(at + ".errors"), Dropped: d.int(at + ".drops")}
	}
	n.Interfaces = []*Interface{}
	err := fetch("interfaces", func(d doc) row {
		return row{iface: &Interface{
			Name: d.text("interface.name"), Adapter: d.text("interface.alias"), Type: d.text("interface.type"), State: d.text("interface.state"),
			MTU: d.int("interface.mtu"), MAC: d.text("host.mac"), RX: counters(d, "host.network.ingress"), TX: counters(d, "host.network.egress"),
		}}
	})
	if err != nil || !n.IPIncluded {
		return n, err
	}
	err = fetch("networks", func(d doc) row {
		return row{iface: &Interface{Name: d.text("interface.name")}, address: &Address{
			Family: d.text("network.type", "network.protocol"), Address: d.text("network.ip", "host.ip"), Netmask: d.text("network.netmask"), Broadcast: d.text("network.broadcast"),
		}}
	})
	if err != nil {
		return nil, err
	}
	err = fetch("protocols", func(d doc) row {
		return row{iface: &Interface{Name: d.text("interface.name")}, gateway: &Gateway{Family: d.text("network.type"), Address: d.text("network.gateway"), DHCP: d.text("network.dhcp")}}
	})
	return n, err
}

const (
	policyIndex = "wazuh-states-sca*"
	fileIndex   = "wazuh-states-fim-files*"
	keyIndex    = "wazuh-states-fim-registry-keys*"
	valueIndex  = "wazuh-states-fim-registry-values*"
)

// statePolicies counts the checks of each policy, since only they are indexed.
func (c *Client) statePolicies(ctx context.Context, id string) (*PolicyList, error) {
	s, err := newSearch([]clause{ofAgent(id)}, 0, 0, nil)
	if err != nil {
		return nil, err
	}
	s.Aggs, err = raw(clause{"policies": clause{"terms": clause{"field": "policy.id", "size": 500}, "aggs": clause{
		"name": clause{"terms": clause{"field": "policy.name", "size": 1}}, "result": clause{"terms": clause{"field": "check.result", "size": 10}},
	}}})
	if err != nil {
		return nil, err
	}
	f, err := c.searchIndex(ctx, policyIndex, *s)
	if err != nil {
		return nil, err
	}
	var counted struct {
		Policies struct {
			Buckets []struct {
				Key    string  `json:"key"`
				Count  int     `json:"doc_count"`
				Name   buckets `json:"name"`
				Result buckets `json:"result"`
			} `json:"buckets"`
		} `json:"policies"`
	}
	if len(f.Aggregations) > 0 {
		if err := json.Unmarshal(f.Aggregations, &counted); err != nil {
			return nil, fmt.Errorf("wazuh: the indexer's counts cannot be read: %w", err)
		}
	}
	l := &PolicyList{AgentID: id, Policies: []*Policy{}}
	if why := c.incomplete(ctx, f, policyIndex); why != "" {
		l.Failed = append(l.Failed, Failure{Message: why})
	}
	for _, b := range counted.Policies.Buckets {
		p := &Policy{PolicyID: b.Key, TotalChecks: Int(b.Count)}
		if len(b.Name.Buckets) > 0 {
			p.Name = string(b.Name.Buckets[0].Key)
		}
		for _, r := range b.Result.Buckets {
			switch strings.ToLower(string(r.Key)) {
			case "passed":
				p.Pass += Int(r.Count)
			case "failed":
				p.Fail += Int(r.Count)
			default:
				p.Invalid += Int(r.Count)
			}
		}
		if made := p.Pass + p.Fail; made > 0 {
			p.Score = p.Pass * 100 / made
		}
		l.Policies = append(l.Policies, p)
	}
	l.Total = len(l.Policies)
	return l, nil
}

func (c *Client) stateChecks(ctx context.Context, id string, in GetSCAChecksInput) (*CheckPage, error) {
	filter := []clause{term("policy.id", in.PolicyID)}
	if in.Result != "" {
		filter = append(filter, termFold("check.result", string(in.Result)))
	}
	if in.Search != "" {
		text, err := wordClauses("search", in.Search, fieldsOf(`check.id check.name check.description check.rationale check.remediation check.reason check.condition check.references check.rules check.result
			check.compliance.cmmc check.compliance.fedramp check.compliance.gdpr check.compliance.hipaa check.compliance.iso_27001 check.compliance.nis2 check.compliance.nist_800_171 check.compliance.nist_800_53 check.compliance.pci_dss check.compliance.tsc
			check.mitre.technique.id check.mitre.technique.name check.mitre.subtechnique.id check.mitre.tactic.name`))
		if err != nil {
			return nil, err
		}
		filter = append(filter, text...)
	}
	list, p, err := states(ctx, c, policyIndex, id, filter, ascending("check.id"), in.Limit, in.Offset, func(d doc) *Check {
		k := &Check{
			ID: d.int("check.id"), Title: d.text("check.name"), Result: CheckResult(strings.ToLower(d.text("check.result"))), Reason: d.text("check.reason"),
			Description: d.text("check.description"), Rationale: d.text("check.rationale"), Remediation: d.text("check.remediation"),
			Condition: d.text("check.condition"), References: d.text("check.references"),
		}
		if rules, ok := d.at("check.rules").([]any); ok {
			for _, r := range rules {
				k.Rules = append(k.Rules, CheckRule{Rule: fmt.Sprint(r)})
			}
		}
		switch list := d.at("check.compliance").(type) {
		case []any:
			for _, r := range list {
				key, value, _ := strings.Cut(fmt.Sprint(r), ":")
				k.Compliance = append(k.Compliance, Requirement{Key: key, Value: value})
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(list)) {
				k.Compliance = append(k.Compliance, Requirement{Key: key, Value: d.text("check.compliance." + key)})
			}
		}
		return k
	})
	if err != nil {
		return nil, err
	}
	return &CheckPage{AgentID: id, PolicyID: in.PolicyID, Checks: list, Paging: *p}, nil
}

func (c *Client) stateFiles(ctx context.Context, id string, in GetFIMFilesInput) (*FilePage, error) {
	index, path := fileIndex, "file"
	switch in.Type {
	case "registry_key":
		index, path = keyIndex, "registry"
	case "registry_value":
		index, path = valueIndex, "registry"
	case "":
		in.Type = "file"
	}
	var filter []clause
	if in.Search != "" {
		text, err := wordClauses("search", in.Search, fieldsOf(inventories[InventoryKind("fim-"+map[string]string{"file": "files", "registry": "registry"}[path])].fields))
		if err != nil {
			return nil, err
		}
		filter = append(filter, text...)
	}
	if in.Hash != "" {
		var some []clause
		for _, h := range []string{"md5", "sha1", "sha256"} {
			some = append(some, termFold("file.hash."+h, in.Hash), termFold("registry.data.hash."+h, in.Hash))
		}
		filter = append(filter, anyOf(some...))
	}
	by := ascending(path + ".path")
	switch in.Sort {
	case "-mtime", "+mtime":
		direction := map[bool]string{true: "desc", false: "asc"}[in.Sort[0] == '-']
		by = append([]order{{path + ".mtime", direction, "date"}}, by...)
	case "-date", "+date", "-changes":
		return nil, fmt.Errorf("%w: Wazuh %s keeps neither dates of reports nor counts of changes; sort by mtime or file", ErrUnsupported, c.version)
	}
	list, p, err := states(ctx, c, index, id, filter, by, in.Limit, in.Offset, func(d doc) *FileEntry {
		changed, _ := parseTime(d.text(path + ".mtime"))
		f := &FileEntry{
			File: d.text(path + ".path"), Type: in.Type, MTime: changed, Size: d.int(path + ".size"), Perm: Text(d.text(path + ".permissions")),
			User: d.text(path + ".owner"), Group: d.text(path + ".group"), UID: d.text(path + ".uid"), GID: d.text(path + ".gid"), Inode: d.int(path + ".inode"),
			Attributes: d.text(path + ".attributes"), Arch: d.text("registry.architecture"),
		}
		if v := d.text("registry.value"); v != "" {
			f.Value = &RegistryValue{Name: v, Type: d.text("registry.data.type")}
		}
		if in.IncludeHashes {
			f.MD5, f.SHA1, f.SHA256 = d.text("file.hash.md5", "registry.data.hash.md5"), d.text("file.hash.sha1", "registry.data.hash.sha1"), d.text("file.hash.sha256", "registry.data.hash.sha256")
		}
		return f
	})
	if err != nil {
		return nil, err
	}
	return &FilePage{AgentID: id, Files: list, HashesIncluded: in.IncludeHashes, Paging: *p}, nil
}
