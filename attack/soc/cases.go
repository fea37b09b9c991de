package soc

import (
	"context"
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/thehive"
)

// ListCasesInput is the input of [Client.ListCases].
type ListCasesInput struct {
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"` // how many to return at most
	// With its sub-techniques, as a tag or procedure.
	TechniqueFilter string `json:"techniqueFilter,omitempty" maxLength:"100"`
	// New, InProgress, TruePositive, FalsePositive, Indeterminate, Other, Duplicated or one of the server's
	// own. Resolved, Closed: all that are closed.
	Status string `json:"status,omitempty" maxLength:"64"`
}

// ListCasesOutput is the output of [Client.ListCases].
type ListCasesOutput struct {
	// How many match in all, where that is known.
	Total *int `json:"total,omitempty"`
	// Whether there may be further cases.
	More bool `json:"more"`
	// Newest first.
	Cases []CaseInATTACK `json:"cases"`
	Note  string         `json:"note,omitempty"` // what to know about the answer
}

// CaseInATTACK is a case and what its tags, or the filter, say that it is about.
type CaseInATTACK struct {
	Case       *thehive.Case `json:"case"`       // the case
	Techniques []attack.Ref  `json:"techniques"` // the techniques
	// Ids in its tags that this ATT&CK doesn't have.
	Unknown []string `json:"unknown,omitempty"`
}

// closed reports whether a status is a name that TheHive before version 5 had
// for cases that are closed.
func closed(status string) bool {
	return strings.EqualFold(status, "Resolved") || strings.EqualFold(status, "Closed")
}

// scannedCases is how many cases of a technique are looked at for their status.
const scannedCases = 200

// ListCases lists cases, newest first, with the techniques of their tags. The
// filters are the server's, before it pages.
//
// TheHive: POST /api/v1/query
func (c *Client) ListCases(ctx context.Context, in ListCasesInput) (*ListCasesOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	if c.hive == nil {
		return nil, errNoHive
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	out := &ListCasesOutput{Cases: []CaseInATTACK{}}
	if closed(in.Status) {
		out.Note = fmt.Sprintf("TheHive 5 has no status %s: these are all cases that are closed, whatever their status", in.Status)
	}
	if in.TechniqueFilter != "" {
		return out, c.casesOf(ctx, kb, in, out)
	}
	filter := thehive.ListCasesInput{Limit: in.Limit, Status: in.Status}
	if closed(in.Status) {
		filter.Status, filter.Stage = "", "Closed"
	}
	page, err := c.hive.ListCases(ctx, filter)
	if err != nil {
		return nil, err
	}
	out.Total, out.More = &page.Total, page.More
	for _, cs := range page.Cases {
		out.add(kb, cs, nil)
	}
	return out, nil
}

// casesOf adds the cases of one technique.
func (c *Client) casesOf(ctx context.Context, kb *attack.KB, in ListCasesInput, out *ListCasesOutput) error {
	asked, err := known(kb, []string{in.TechniqueFilter})
	if err != nil {
		return err
	}
	limit := in.Limit
	if in.Status != "" {
		limit = scannedCases
	}
	found, err := c.hive.CasesByTechnique(ctx, ids(asked), limit)
	if err != nil {
		return err
	}
	out.More = found.More
	for _, f := range found.Cases {
		if in.Status != "" && !strings.EqualFold(f.Case.Status, in.Status) && !(closed(in.Status) && f.Case.Stage == "Closed") {
			continue
		}
		if len(out.Cases) == in.Limit {
			out.More = true
			break
		}
		out.add(kb, f.Case, f.Techniques)
	}
	return nil
}

func (out *ListCasesOutput) add(kb *attack.KB, cs *thehive.Case, more []string) {
	row := CaseInATTACK{Case: cs, Techniques: []attack.Ref{}}
	var named []string
	for _, tag := range cs.Tags {
		named = append(named, attack.IDs(tag)...)
	}
	found := lookup(kb, append(named, more...), FromTag)
	row.Techniques, row.Unknown = append(row.Techniques, found.refs()...), found.unknown
	out.Cases = append(out.Cases, row)
}
