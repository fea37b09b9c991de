package soc

import (
	"context"
	"fmt"
	"slices"
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
	// open, closed, New, InProgress, TruePositive, FalsePositive, Indeterminate, Other, Duplicated or one of
	// the server's own.
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
	if stages := thehive.StagesOf(in.Status); stages != nil {
		out.Note = fmt.Sprintf("TheHive 5 has no status %s: these are all cases of the stage %s, whatever their status", in.Status, strings.Trim(strings.ReplaceAll(fmt.Sprint(stages), " ", " or "), "[]"))
	}
	if in.TechniqueFilter != "" {
		return out, c.casesOf(ctx, kb, in, out)
	}
	page, err := c.hive.ListCases(ctx, thehive.ListCasesInput{Limit: in.Limit, Status: in.Status})
	if err != nil {
		return nil, err
	}
	out.Total, out.More = &page.Total, page.More
	if len(page.Cases) > 0 && strings.EqualFold(page.Cases[0].Status, in.Status) { // one of the server's own
		out.Note = ""
	}
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
	other, note := otherIDs(asked)
	found, err := c.hive.CasesByTechnique(ctx, append(ids(asked), other...), limit)
	if err != nil {
		return err
	}
	out.Note = strings.Trim(out.Note+"; "+note, "; ")
	out.More = found.More
	for _, f := range found.Cases {
		if in.Status != "" && !strings.EqualFold(f.Case.Status, in.Status) && !slices.Contains(thehive.StagesOf(in.Status), f.Case.Stage) {
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
