package wazuh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A CPU is the processor of an agent's host.
type CPU struct {
	Name  string  `json:"name,omitempty"`  // its name
	Cores *Int    `json:"cores,omitempty"` // how many cores; nil: it was not told
	MHz   float64 `json:"mhz,omitempty"`   // their clock rate
}

// Memory is the main memory of an agent's host, as of the last inventory scan.
type Memory struct {
	TotalKB      *Int `json:"total_kb,omitempty"`      // all of it, in KiB; nil: it was not told
	FreeKB       *Int `json:"free_kb,omitempty"`       // what is free, in KiB; nil: it was not told
	UsagePercent *Int `json:"usage_percent,omitempty"` // what is in use, in percent; nil: it was not told
}

// AgentCounters are what an agent's daemon counts since it was started.
type AgentCounters struct {
	// Of its connection to the manager.
	Status        string    `json:"status,omitempty"`
	LastKeepAlive time.Time `json:"last_keepalive,omitzero"` // when the agent last said that it lives
	LastAck       time.Time `json:"last_ack,omitzero"`       // when the manager last answered
	// Events it took in.
	Messages *Int `json:"msg_count,omitempty"`
	Sent     *Int `json:"msg_sent,omitempty"` // how many messages it sent
	// Events that wait to be sent.
	Buffered      *Int  `json:"msg_buffer,omitempty"`
	BufferEnabled *bool `json:"buffer_enabled,omitempty"` // whether messages are buffered

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// AgentStats is what is known of the load and health of an agent.
type AgentStats struct {
	AgentID     string      `json:"agent_id"`                    // the agent
	AgentName   string      `json:"agent_name" untrusted:"true"` // the agent's name
	AgentStatus AgentStatus `json:"agent_status"`                // whether it is connected
	CPU         *CPU        `json:"cpu,omitempty"`               // the processor; nil: it was not told
	Memory      *Memory     `json:"memory,omitempty"`            // the memory; nil: it was not told
	// Wazuh collects nothing about disks; this says so.
	Disk   string         `json:"disk"`
	Daemon *AgentCounters `json:"agent_daemon,omitempty"` // what the agent counts; nil: it was not told
	// When cpu and memory were seen.
	ScanTime time.Time `json:"scan_time,omitzero,format:'2006-01-02T15:04:05-07:00'"`
	// What could not be read, and why.
	Missing []string `json:"missing,omitempty"`
}

// GetAgentStatsInput is the input of [Client.GetAgentStats].
type GetAgentStatsInput struct {
	AgentID AgentID `json:"agent_id" alias:"id"` // the agent
}

// GetAgentStats returns processor, memory and message counters of an agent.
// What one of its sources refuses is listed as missing; an unknown agent is
// [ErrNotFound].
//
// Wazuh: GET /agents, /agents/{agent_id}/stats/agent and /syscollector/{agent_id}/hardware
func (c *Client) GetAgentStats(ctx context.Context, in GetAgentStatsInput) (*AgentStats, error) {
	agent, err := c.GetAgent(ctx, GetAgentInput{AgentID: in.AgentID})
	if err != nil {
		return nil, err
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	s := &AgentStats{AgentID: agent.ID, AgentName: agent.Name, AgentStatus: agent.Status, Disk: "not collected by Wazuh"}
	missing := func(what string, err error) { s.Missing = append(s.Missing, fmt.Sprintf("%s: %v", what, err)) }
	var hw *hardware
	if five {
		missing("agent_daemon", c.only4(ctx, "counters of an agent's daemon"))
		hw, err = c.stateHardware(ctx, agent.ID)
	} else {
		if d, err := one[AgentCounters](c.wire.GetAgentStats(withSession(ctx), agent.ID, "agent")); err != nil {
			missing("agent_daemon", err)
		} else {
			s.Daemon = d
		}
		hw, err = one[hardware](c.wire.GetHardware(withSession(ctx), agent.ID, wire.GetHardwareParams{}))
	}
	if err != nil {
		missing("cpu and memory", err)
	} else {
		s.ScanTime = hw.Scan.Time
		if hw.CPU != (CPU{}) {
			s.CPU = &hw.CPU
		}
		if m := (Memory{TotalKB: hw.RAM.Total, FreeKB: hw.RAM.Free, UsagePercent: hw.RAM.Usage}); m != (Memory{}) {
			s.Memory = &m
		}
	}
	if s.Daemon == nil && s.CPU == nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return s, nil
}

// hardware is what an inventory scan saw of a host.
type hardware struct {
	CPU CPU `json:"cpu"`
	RAM struct {
		Total *Int `json:"total"`
		Free  *Int `json:"free"`
		Usage *Int `json:"usage"`
	} `json:"ram"`
	Scan Scan `json:"scan"`
}

var errNoRow = errors.New("nothing has been reported yet")

// one reads the answer to a question about one thing.
func one[T any](res *httpx.Response, err error) (*T, error) {
	r, err := list[T](res, err)
	if err != nil {
		return nil, err
	}
	if len(r.items) == 0 {
		return nil, errNoRow
	}
	return &r.items[0], nil
}
