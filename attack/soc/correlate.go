package soc

import (
	"context"
	"fmt"
	"slices"
	"strings"

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
	// Why alerts may be missing; absent when none are.
	Incomplete string `json:"incomplete,omitempty"`
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
	other, note := otherIDs(asked)
	out.Note = strings.Trim(out.Note+"; "+note, "; ")
	named := append(ids(asked), other...)
	out.Platforms, _ = together(
		part{"wazuh", c.wazuh != nil, func() error { return c.wazuhHits(ctx, named, in.Limit, &out.Wazuh) }},
		part{"thehive", c.hive != nil, func() error { return c.hiveHits(ctx, named, in.Limit, &out.TheHive) }},
		part{"misp", c.misp != nil, func() error {
			return c.mispHits(ctx, append(ids(withSubtechniques(asked)), other...), in.Limit, &out.MISP)
		}},
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

// maxIDs is how many ids are looked for at once.
const maxIDs = 50

// otherIDs returns the ids under which other versions of ATT&CK have the techniques and
// their sub-techniques, as far as there is room for them beside the techniques' own, and
// what is to be said of them.
func otherIDs(techniques []*attack.Technique) (other []string, note string) {
	all := withSubtechniques(techniques)
	own := ids(all)
	for _, t := range all {
		for _, id := range t.OtherIDs() {
			if !slices.Contains(own, id) && !slices.Contains(other, id) {
				other = append(other, id)
			}
		}
	}
	if len(other) == 0 {
		return nil, ""
	}
	if room := max(0, maxIDs-len(own)); len(other) > room {
		left := strings.Join(other[room:min(len(other), room+4)], ", ")
		return other[:room], fmt.Sprintf("not looked for under %d ids that other versions of ATT&CK have for these techniques, such as %s: ask for fewer", len(other)-room, left)
	}
	return other, "looked for under the ids of other versions of ATT&CK too: " + strings.Join(other, ", ")
}

func ids(list []*attack.Technique) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = t.ID
	}
	return out
}

func (c *Client) wazuhHits(ctx context.Context, ids []string, limit int, hits *WazuhHits) error {
	page, err := c.wazuh.GetAlerts(ctx, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{MITREIDs: ids}, Limit: limit})
	if err != nil {
		return err
	}
	hits.Total, hits.Alerts, hits.Incomplete = page.Total, page.Alerts, page.Incomplete
	return nil
}

func (c *Client) hiveHits(ctx context.Context, ids []string, limit int, hits *TheHiveHits) error {
	found, err := c.hive.CasesByTechnique(ctx, ids, limit)
	if err != nil {
		return err
	}
	hits.Cases, hits.More = append(hits.Cases, found.Cases...), found.More
	return nil
}

func (c *Client) mispHits(ctx context.Context, ids []string, limit int, hits *MISPHits) error {
	page, err := c.misp.EventsByTags(ctx, techniqueTags(ids), limit)
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
func techniqueTags(ids []string) []string {
	tags := make([]string, len(ids))
	for i, id := range ids {
		tags[i] = `misp-galaxy:%- ` + id + `"`
	}
	return tags
}
