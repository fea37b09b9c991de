package wazuh

import (
	"context"
	"encoding/json"
	"iter"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A Scan is the inventory scan in which Wazuh saw something.
type Scan struct {
	Time time.Time `json:"time,omitzero,format:'2006-01-02T15:04:05-07:00'"` // when, as the host said

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Process is a process of an agent's host.
type Process struct {
	PID  Int    `json:"pid"`                   // the process's number
	PPID Int    `json:"ppid"`                  // its parent's number
	Name string `json:"name" untrusted:"true"` // its name
	// S sleeping, R running, Z zombie, …
	State string `json:"state,omitempty"`
	// The effective user.
	User string `json:"euser,omitempty" untrusted:"true"`
	// Virtual memory in kB.
	VMSize Int `json:"vm_size,omitempty"`
	// Seconds since 1970 or, on some systems, since boot.
	StartTime Int    `json:"start_time,omitempty"`
	Command   string `json:"cmd,omitempty" untrusted:"true"`   // the command
	Arguments string `json:"argvs,omitempty" untrusted:"true"` // its arguments
	Scan      Scan   `json:"scan,omitzero"`                    // when it was seen last

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetAgentProcessesInput is the input of [Client.GetAgentProcesses].
type GetAgentProcessesInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"`                                    // the agent
	Limit   int     `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"` // how many to return at most
	Offset  int     `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
	// In any field, the command line too.
	Search string `json:"search,omitempty" minLength:"1" maxLength:"256"`
	// They can hold passwords.
	IncludeCommand bool `json:"include_command,omitempty"`
}

// A ProcessPage is one page of processes.
type ProcessPage struct {
	AgentID   string     `json:"agent_id"`  // the agent
	Processes []*Process `json:"processes"` // the processes
	// How many processes match in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are processes behind this page.
	More bool `json:"more"`
	// Whether command lines were asked for.
	CommandIncluded bool `json:"command_included"`
	// What Wazuh would not tell.
	Failed []Failure `json:"failed,omitempty"`
}

// GetAgentProcesses returns the processes that the agent's last inventory scan
// saw; scan.time says when that was. An agent that never connected is
// [ErrNoInventory].
//
// Wazuh: GET /syscollector/{agent_id}/processes
func (c *Client) GetAgentProcesses(ctx context.Context, in GetAgentProcessesInput) (*ProcessPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := checkRows(in.AgentID, in.Search)
	if err != nil {
		return nil, err
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if five {
		return c.stateProcesses(ctx, id, in)
	}
	params := wire.ListProcessesParams{
		Offset: in.Offset, Limit: in.Limit, Search: in.Search, Sort: "+pid",
		Select: []string{"pid", "ppid", "name", "state", "euser", "vm_size", "start_time", "scan.time"},
	}
	if in.IncludeCommand {
		params.Select = append(params.Select, "cmd", "argvs")
	}
	r, err := list[*Process](c.wire.ListProcesses(withSession(ctx), id, params))
	if err != nil {
		return nil, err
	}
	return &ProcessPage{
		AgentID: id, Processes: r.items, Total: r.total, Offset: in.Offset, More: more(in.Offset, r.sent, r.total),
		CommandIncluded: in.IncludeCommand, Failed: r.failed,
	}, nil
}

// Processes returns an iterator over every process that the agent's last inventory
// scan saw and in matches, by number, from in.Offset on, each once: all are read
// before the first is handed out. in.Limit is how many it fetches at a time, 500
// unless given.
func (c *Client) Processes(ctx context.Context, in GetAgentProcessesInput) iter.Seq2[*Process, error] {
	return walkRows(ctx, in, pageRows, c.GetAgentProcesses, func(p *ProcessPage) ([]*Process, Paging) {
		return p.Processes, Paging{More: p.More, Failed: p.Failed}
	}, func(p *Process) Int { return p.PID })
}

// checkSearch refuses what the server API's search would refuse or, worse,
// understand otherwise.
func checkSearch(s string) error {
	switch {
	case strings.HasPrefix(s, "-"):
		return invalid("search %q: in front, a - would ask Wazuh for what does not match; leave it away", clip.Text(s, shownBytes))
	case strings.ContainsAny(s, ";|&^*>"):
		return invalid("search %q: Wazuh's API takes none of ; | & ^ * >", clip.Text(s, shownBytes))
	}
	return nil
}

// An Endpoint is one end of a connection, as far as it is known.
type Endpoint struct {
	IP   string `json:"ip,omitempty"`   // its address
	Port *Int   `json:"port,omitempty"` // its port; nil: none
}

// String is address:port, as far as they are known.
func (e Endpoint) String() string {
	port := ""
	if e.Port != nil {
		port = strconv.FormatInt(int64(*e.Port), 10)
	}
	return net.JoinHostPort(e.IP, port)
}

// A Port is a socket of an agent's host: one that listens or one that is connected.
type Port struct {
	// tcp, udp, tcp6 or udp6.
	Protocol string   `json:"protocol"`
	Local    Endpoint `json:"local"` // the ends of the connection
	// Absent: none is known. Port 0: nobody is connected.
	Remote Endpoint `json:"remote,omitzero"`
	// listening, established, …; absent for UDP.
	State   string `json:"state,omitempty"`
	PID     Int    `json:"pid,omitempty"`                      // the process's number
	Process string `json:"process,omitempty" untrusted:"true"` // the process's name
	Inode   Int    `json:"inode,omitempty"`                    // its inode
	Scan    Scan   `json:"scan,omitzero"`                      // when it was seen last

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetAgentPortsInput is the input of [Client.GetAgentPorts].
type GetAgentPortsInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"`                                    // the agent
	Limit   int     `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"` // how many to return at most
	Offset  int     `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
}

// A PortPage is one page of ports.
type PortPage struct {
	AgentID string  `json:"agent_id"` // the agent
	Ports   []*Port `json:"ports"`    // the ports
	// How many ports there are in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are ports behind this page.
	More bool `json:"more"`
	// What Wazuh would not tell.
	Failed []Failure `json:"failed,omitempty"`
}

// GetAgentPorts returns the ports that the agent's last inventory scan saw, by
// local port; scan.time says when that was. An agent that never connected is
// [ErrNoInventory].
//
// Wazuh: GET /syscollector/{agent_id}/ports
func (c *Client) GetAgentPorts(ctx context.Context, in GetAgentPortsInput) (*PortPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := in.AgentID.padded()
	if err != nil {
		return nil, err
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if five {
		return c.statePorts(ctx, id, in)
	}
	r, err := list[*Port](c.wire.ListPorts(withSession(ctx), id, wire.ListPortsParams{
		Offset: in.Offset, Limit: in.Limit, Sort: "+local.port,inode",
		Select: []string{"protocol", "local.ip", "local.port", "remote.ip", "remote.port", "state", "pid", "process", "inode", "scan.time"},
	}))
	if err != nil {
		return nil, err
	}
	return &PortPage{
		AgentID: id, Ports: r.items, Total: r.total, Offset: in.Offset, More: more(in.Offset, r.sent, r.total), Failed: r.failed,
	}, nil
}

// Ports returns an iterator over every port that the agent's last inventory scan
// saw, by local port, from in.Offset on, each once: all are read before the first is
// handed out. in.Limit is how many it fetches at a time, 500 unless given.
func (c *Client) Ports(ctx context.Context, in GetAgentPortsInput) iter.Seq2[*Port, error] {
	type socket struct {
		protocol, local, remote string
		inode, pid              Int
	}
	return walkRows(ctx, in, pageRows, c.GetAgentPorts, func(p *PortPage) ([]*Port, Paging) {
		return p.Ports, Paging{More: p.More, Failed: p.Failed}
	}, func(p *Port) socket { return socket{p.Protocol, p.Local.String(), p.Remote.String(), p.Inode, p.PID} })
}

// Counters count what went through an interface.
type Counters struct {
	Bytes   Int `json:"bytes"`   // bytes
	Packets Int `json:"packets"` // packets
	Errors  Int `json:"errors"`  // packets with errors
	Dropped Int `json:"dropped"` // packets that were dropped

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// An Address is one that an interface has.
type Address struct {
	// ipv4 or ipv6.
	Family    string `json:"family"`
	Address   string `json:"address"`             // the address
	Netmask   string `json:"netmask,omitempty"`   // its mask
	Broadcast string `json:"broadcast,omitempty"` // where to reach all
}

// A Gateway is the next hop behind an interface.
type Gateway struct {
	// ipv4 or ipv6.
	Family string `json:"family"`
	// Absent when there is none.
	Address string `json:"address,omitempty"`
	// enabled, disabled, unknown or BOOTP.
	DHCP string `json:"dhcp,omitempty"`
}

// An Interface is a network interface of an agent's host.
type Interface struct {
	Name    string `json:"name" untrusted:"true"`              // its name
	Adapter string `json:"adapter,omitempty" untrusted:"true"` // the adapter's name, on Windows
	Type    string `json:"type,omitempty"`                     // its type
	State   string `json:"state,omitempty"`                    // whether it is up
	MTU     Int    `json:"mtu,omitempty"`                      // the longest packet, in bytes
	MAC     string `json:"mac,omitempty"`                      // its hardware address
	// Received.
	RX Counters `json:"rx"`
	// Sent.
	TX        Counters   `json:"tx"`
	Addresses []*Address `json:"addresses,omitempty"` // its addresses
	Gateways  []*Gateway `json:"gateways,omitempty"`  // where it leads to
	Scan      Scan       `json:"scan,omitzero"`       // when it was seen last

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetAgentNetworkInput is the input of [Client.GetAgentNetwork].
type GetAgentNetworkInput struct {
	AgentID   AgentID `json:"agent_id" alias:"id"`  // the agent
	IncludeIP bool    `json:"include_ip,omitempty"` // with the addresses of agents
}

// A Network is what an agent's host is connected by.
type Network struct {
	AgentID    string       `json:"agent_id"`   // the agent
	Interfaces []*Interface `json:"interfaces"` // the interfaces
	// Whether addresses and gateways were asked for.
	IPIncluded bool `json:"ip_included"`
	// What Wazuh would not tell.
	Failed []Failure `json:"failed,omitempty"`
}

// GetAgentNetwork returns the network interfaces that the agent's last
// inventory scan saw, with their addresses and gateways if in.IncludeIP is set.
// An agent that never connected is [ErrNoInventory].
//
// Wazuh: GET /syscollector/{agent_id}/netiface, netaddr and netproto
func (c *Client) GetAgentNetwork(ctx context.Context, in GetAgentNetworkInput) (*Network, error) {
	id, err := in.AgentID.padded()
	if err != nil {
		return nil, err
	}
	n := &Network{AgentID: id, IPIncluded: in.IncludeIP}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if five {
		return c.stateNetwork(ctx, n)
	}
	interfaces, err := every(&n.Failed, func(offset int) (*rows[*Interface], error) {
		return list[*Interface](c.wire.ListInterfaces(withSession(ctx), id, wire.ListInterfacesParams{
			Offset: offset, Limit: chunk, Sort: "+name",
			Select: []string{"name", "adapter", "type", "state", "mtu", "mac", "rx.bytes", "rx.packets", "rx.errors", "rx.dropped",
				"tx.bytes", "tx.packets", "tx.errors", "tx.dropped", "scan.time"},
		}))
	})
	if err != nil {
		return nil, err
	}
	n.Interfaces = interfaces
	for _, i := range interfaces {
		delete(i.Extra, "agent_id") // it is that of the list
	}
	if !in.IncludeIP {
		return n, nil
	}
	addresses, err := every(&n.Failed, func(offset int) (*rows[wire.Address], error) {
		return list[wire.Address](c.wire.ListAddresses(withSession(ctx), id, wire.ListAddressesParams{
			Offset: offset, Limit: chunk, Sort: "+iface,address", Select: []string{"iface", "proto", "address", "netmask", "broadcast"},
		}))
	})
	if err != nil {
		return nil, err
	}
	protocols, err := every(&n.Failed, func(offset int) (*rows[wire.Protocol], error) {
		return list[wire.Protocol](c.wire.ListProtocols(withSession(ctx), id, wire.ListProtocolsParams{
			Offset: offset, Limit: chunk, Sort: "+iface,type", Select: []string{"iface", "type", "gateway", "dhcp"},
		}))
	})
	if err != nil {
		return nil, err
	}
	n.join(addresses, protocols)
	return n, nil
}

// named returns the interface of a name. One that is known by its addresses
// alone is listed too.
func (n *Network) named(name string) *Interface {
	for _, i := range n.Interfaces {
		if i.Name == name {
			return i
		}
	}
	i := &Interface{Name: name}
	n.Interfaces = append(n.Interfaces, i)
	return i
}

// join puts addresses and gateways to their interfaces.
func (n *Network) join(addresses []wire.Address, protocols []wire.Protocol) {
	for _, a := range addresses {
		i := n.named(a.Iface)
		i.Addresses = append(i.Addresses, &Address{Family: a.Proto, Address: a.Address, Netmask: a.Netmask, Broadcast: a.Broadcast})
	}
	for _, p := range protocols {
		i := n.named(p.Iface)
		i.Gateways = append(i.Gateways, &Gateway{Family: p.Type, Address: strings.TrimSpace(p.Gateway), DHCP: p.Dhcp})
	}
}

const chunk = 1000 // rows fetched at a time where all are wanted

// every fetches all rows there are. What Wazuh would not tell goes to failed.
func every[T any](failed *[]Failure, fetch func(offset int) (*rows[T], error)) ([]T, error) {
	all := []T{}
	for offset := 0; ; {
		r, err := fetch(offset)
		if err != nil {
			return nil, err
		}
		*failed = append(*failed, r.failed...)
		all = append(all, r.items...)
		offset += r.sent
		if r.sent == 0 || offset >= r.total {
			return all, nil
		}
	}
}
