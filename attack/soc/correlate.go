package soc

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// CrossCorrelateInput is the input of [Client.CrossCorrelate].
type CrossCorrelateInput struct {
	// With their sub-techniques.
	Techniques []string `json:"techniques" minItems:"1" maxItems:"50"`
	// Of each platform.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"`
}

// CrossCorrelateOutput is the output of [Client.CrossCorrelate].
type CrossCorrelateOutput struct {
	Techniques []Technique `json:"techniques"` // the techniques
	// What was given and this ATT&CK doesn't have.
	Unknown []string `json:"unknown,omitempty"`
	Note    string   `json:"note,omitempty"` // what to know about the answer
	// How each platform took part. Only one that answered without hits has none.
	Platforms []PlatformStatus `json:"platforms"`
	Wazuh     WazuhHits        `json:"wazuh"`   // what Wazuh has of them
	TheHive   TheHiveHits      `json:"thehive"` // what TheHive has of them
	MISP      MISPHits         `json:"misp"`    // what MISP has of them
	// Groups known to use most of the techniques. A lead, not an attribution.
	Groups []GroupOverlap `json:"groups"`
}

// WazuhHits are the alerts whose rules name one of the techniques, newest first.
type WazuhHits struct {
	// How many alerts there are in all.
	Total  int            `json:"total"`
	Alerts []*wazuh.Alert `json:"alerts"` // the alerts
}

// TheHiveHits are the cases that have one of the techniques as a tag or a procedure.
type TheHiveHits struct {
	// Whether there may be further cases.
	More  bool                     `json:"more"`
	Cases []*thehive.TechniqueCase `json:"cases"` // the cases
}

// MISPHits are the events tagged with one of the techniques.
type MISPHits struct {
	// Whether there may be further events.
	More   bool          `json:"more"`
	Events []*misp.Event `json:"events"` // the events
}

// CrossCorrelate asks all platforms at once what they have on techniques. A
// platform that fails is named with its reason; the others' hits stand.
func (c *Client) CrossCorrelate(ctx context.Context, in CrossCorrelateInput) (*CrossCorrelateOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	kb, err := c.kb(ctx)
	if err != nil {
		return nil, err
	}
	r, err := kb.ResolveAll(in.Techniques)
	if err != nil {
		return nil, fmt.Errorf("techniques: %w", err)
	}
	asked := r.Techniques
	out := &CrossCorrelateOutput{
		Wazuh: WazuhHits{Alerts: []*wazuh.Alert{}}, TheHive: TheHiveHits{Cases: []*thehive.TechniqueCase{}}, MISP: MISPHits{Events: []*misp.Event{}},
		Groups: overlap(kb, asked), Unknown: r.Unknown, Note: r.Note,
	}
	for _, t := range asked {
		out.Techniques = append(out.Techniques, describe(t, "", FromInput))
	}
	out.Platforms, _ = together(
		part{"wazuh", c.wazuh != nil, func() error { return c.wazuhHits(ctx, asked, in.Limit, &out.Wazuh) }},
		part{"thehive", c.hive != nil, func() error { return c.hiveHits(ctx, asked, in.Limit, &out.TheHive) }},
		part{"misp", c.misp != nil, func() error { return c.mispHits(ctx, withSubtechniques(asked), in.Limit, &out.MISP) }},
	)
	return out, nil
}

// crossCorrelate is [Client.CrossCorrelate] as an agent reads it.
func (c *Client) crossCorrelate(ctx context.Context, in CrossCorrelateInput) (*CrossCorrelateOutput, error) {
	out, err := c.CrossCorrelate(ctx, in)
	if err != nil {
		return nil, err
	}
	for _, a := range out.Wazuh.Alerts {
		a.Brief()
	}
	return out, nil
}

// withSubtechniques adds to each technique its sub-techniques.
func withSubtechniques(list []*attack.Technique) []*attack.Technique {
	var all []*attack.Technique
	for _, t := range list {
		all = append(all, t)
		all = append(all, t.Subtechniques()...)
	}
	slices.SortFunc(all, func(a, b *attack.Technique) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return slices.CompactFunc(all, func(a, b *attack.Technique) bool { return a.ID == b.ID })
}

func ids(list []*attack.Technique) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.ID
	}
	return out
}

func (c *Client) wazuhHits(ctx context.Context, techniques []*attack.Technique, limit int, hits *WazuhHits) error {
	page, err := c.wazuh.GetAlerts(ctx, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{MITREIDs: ids(techniques)}, Limit: limit})
	if err != nil {
		return err
	}
	hits.Total, hits.Alerts = page.Total, page.Alerts
	return nil
}

func (c *Client) hiveHits(ctx context.Context, techniques []*attack.Technique, limit int, hits *TheHiveHits) error {
	found, err := c.hive.CasesByTechnique(ctx, ids(techniques), limit)
	if err != nil {
		return err
	}
	hits.Cases, hits.More = append(hits.Cases, found.Cases...), found.More
	return nil
}

func (c *Client) mispHits(ctx context.Context, techniques []*attack.Technique, limit int, hits *MISPHits) error {
	page, err := c.misp.EventsByTags(ctx, techniqueTags(techniques), limit)
	if err != nil {
		return err
	}
	hits.Events, hits.More = misp.InBrief(page.Events), page.More
	for _, e := range hits.Events {
		if e != nil {
			e.Correlated = nil // misp_get_related_events has them
		}
	}
	return nil
}

// techniqueTags are the tags under which the galaxies of MISP know techniques,
// whatever they were called when the galaxy was made: by the id at their end.
func techniqueTags(techniques []*attack.Technique) []string {
	tags := make([]string, len(techniques))
	for i, t := range techniques {
		tags[i] = `misp-galaxy:%- ` + t.ID + `"`
	}
	return tags
}
