package wazuh

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A Finding is what the rootkit detection found on a host.
type Finding struct {
	Status FindingStatus `json:"status"` // its status
	// What was found.
	Log       string    `json:"log" untrusted:"true"`
	DateFirst time.Time `json:"date_first,omitzero"` // when it was first seen
	DateLast  time.Time `json:"date_last,omitzero"`  // when it was last seen
	CIS       string    `json:"cis,omitempty"`       // the requirement of the CIS benchmark
	PCIDSS    string    `json:"pci_dss,omitempty"`   // requirements of PCI DSS

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// FindingStatus is whether a finding still stands.
type FindingStatus string

// Enum lists the values for schemas.
func (FindingStatus) Enum() []any { return []any{"outstanding", "solved"} }

// GetRootcheckInput is the input of [Client.GetRootcheck].
type GetRootcheckInput struct {
	AgentID AgentID       `json:"agent_id" alias:"id"`                                    // the agent
	Status  FindingStatus `json:"status,omitempty"`                                       // only those with this status
	Search  string        `json:"search,omitempty" minLength:"1" maxLength:"256"`         // only those that this is in
	Limit   int           `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25"` // how many to return at most
	Offset  int           `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
}

// A FindingPage is one page of findings.
type FindingPage struct {
	AgentID  string     `json:"agent_id"` // the agent
	Findings []*Finding `json:"findings"` // the findings
	Paging
}

// GetRootcheck returns one page of what the rootkit detection found on an
// agent, the latest first.
//
// Wazuh: GET /rootcheck/{agent_id}
func (c *Client) GetRootcheck(ctx context.Context, in GetRootcheckInput) (*FindingPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.getRootcheck(ctx, in)
}

func (c *Client) getRootcheck(ctx context.Context, in GetRootcheckInput) (*FindingPage, error) {
	id, err := checkRows(in.AgentID, in.Search)
	if err != nil {
		return nil, err
	}
	if err := c.only4(ctx, "findings of the rootkit detection"); err != nil {
		return nil, err
	}
	r, err := list[*Finding](c.wire.ListRootcheck(withSession(ctx), id, wire.ListRootcheckParams{
		Offset: in.Offset, Limit: in.Limit, Search: in.Search, Status: string(in.Status), Sort: "-date_last",
	}))
	if err != nil {
		return nil, err
	}
	return &FindingPage{AgentID: id, Findings: r.items, Paging: r.paging(in.Offset)}, nil
}

// Findings returns an iterator over every finding of the rootkit detection on an
// agent, the latest first, from in.Offset on, each once: all are read before the
// first is handed out. in.Limit is how many it fetches at a time, 500 unless given.
func (c *Client) Findings(ctx context.Context, in GetRootcheckInput) iter.Seq2[*Finding, error] {
	type which struct{ log, cis, pci string }
	return walkRows(ctx, in, pageRows, c.getRootcheck, func(p *FindingPage) ([]*Finding, Paging) { return p.Findings, p.Paging },
		func(f *Finding) which { return which{f.Log, f.CIS, f.PCIDSS} })
}
