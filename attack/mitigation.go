package attack

import (
	"context"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/input"
)

// SearchMitigationsInput says which mitigations to find.
type SearchMitigationsInput struct {
	// Words, name or id.
	Query string `json:"query" minLength:"1" maxLength:"1000"`
	Paging
}

// SearchMitigations finds mitigations by words. Those whose name fits come first.
func (c *Client) SearchMitigations(ctx context.Context, in SearchMitigationsInput) (*Page[Summary], error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.Query) == "" {
		return nil, invalid("query is empty")
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	all := ranked(kb.Mitigations(), in.Query, func(*Mitigation) []string { return nil })
	out := page(all, in.Paging, func(m *Mitigation) Summary {
		return Summary{m.ID, m.Name, []string{}, len(m.Techniques()), excerpt(m.Description)}
	})
	out.Note = kb.namesOnly(in.Query)
	return out, nil
}

// GetMitigationInput says which mitigation to describe.
type GetMitigationInput struct {
	// Such as M1032, or name.
	MitigationID string `json:"mitigationId" alias:"id"`
	// Techniques.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"`
}

// MitigationOutput describes a mitigation.
type MitigationOutput struct {
	ID             string                   `json:"id"`                       // its id
	Name           string                   `json:"name"`                     // its name
	Domains        []Domain                 `json:"domains"`                  // the domains of ATT&CK that have it
	URL            string                   `json:"url"`                      // its page at MITRE
	RedirectedFrom string                   `json:"redirectedFrom,omitempty"` // the id that was asked for, where another took its place
	Deprecated     bool                     `json:"deprecated"`               // whether MITRE has deprecated it
	Description    string                   `json:"description,omitempty"`    // what it is, in words of the platform
	Techniques     List[MitigatedTechnique] `json:"techniques"`               // the techniques
	References     *List[Reference]         `json:"references,omitempty"`     // where it is written about
}

// MitigatedTechnique is a technique that a mitigation prevents, and how.
type MitigatedTechnique struct {
	ID       string `json:"id"`                 // its id
	Name     string `json:"name"`               // its name
	Guidance string `json:"guidance,omitempty"` // how it helps here
}

// GetMitigation describes a mitigation and what it prevents.
func (c *Client) GetMitigation(ctx context.Context, in GetMitigationInput) (*MitigationOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.MitigationID) == "" {
		return nil, invalid("mitigationId is empty")
	}
	kb, key, err := c.open1(ctx, "mitigationId", in.MitigationID, "")
	if err != nil {
		return nil, err
	}
	m, from, err := kb.ResolveMitigation(key)
	if err != nil {
		return nil, err
	}
	return &MitigationOutput{
		ID: m.ID, Name: m.Name, Domains: m.Domains(), URL: m.URL(), RedirectedFrom: from, Deprecated: m.Deprecated,
		Description: plain(m.Description),
		Techniques: first(m.Techniques(), in.Limit, func(t *Technique) MitigatedTechnique {
			return MitigatedTechnique{t.ID, t.Name, plain(m.Guidance(t))}
		}),
		References: references(kb, &m.Object, in.Limit),
	}, nil
}

// MitigationsForTechniqueInput says which technique to prevent.
type MitigationsForTechniqueInput struct {
	// Such as T1110, or exact name.
	TechniqueID string `json:"techniqueId" alias:"id"`
}

// MitigationsForTechniqueOutput is what prevents a technique.
type MitigationsForTechniqueOutput struct {
	Technique      Ref                 `json:"technique"`                // the technique
	RedirectedFrom string              `json:"redirectedFrom,omitempty"` // the id that was asked for, where another took its place
	Total          int                 `json:"total"`                    // how many there are
	Mitigations    []MitigationSummary `json:"mitigations"`              // what mitigates it
	Parent         *Ref                `json:"parent,omitempty"`         // whose mitigations may apply where a sub-technique has none
	Note           string              `json:"note,omitempty"`           // what to know about the answer
}

// MitigationSummary is a mitigation, and how it applies to the technique.
type MitigationSummary struct {
	ID          string `json:"id"`                    // its id
	Name        string `json:"name"`                  // its name
	Description string `json:"description,omitempty"` // what it is, in words of the platform
	Guidance    string `json:"guidance,omitempty"`    // how it helps here
}

// MitigationsForTechnique lists what prevents a technique.
func (c *Client) MitigationsForTechnique(ctx context.Context, in MitigationsForTechniqueInput) (*MitigationsForTechniqueOutput, error) {
	if strings.TrimSpace(in.TechniqueID) == "" {
		return nil, invalid("techniqueId is empty")
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	t, from, err := kb.Resolve(in.TechniqueID)
	if err != nil {
		return nil, err
	}
	out := &MitigationsForTechniqueOutput{Technique: ref(&t.Object), RedirectedFrom: from, Mitigations: []MitigationSummary{}}
	for _, m := range t.Mitigations() {
		out.Mitigations = append(out.Mitigations, MitigationSummary{m.ID, m.Name, excerpt(m.Description), plain(m.Guidance(t))})
	}
	out.Total = len(out.Mitigations)
	if p := t.Parent(); p != nil {
		parent := ref(&p.Object)
		out.Parent = &parent
	}
	switch {
	case out.Total == 0:
		out.Note = "ATT&CK names no mitigation for this technique."
	case kb.source == FromTable:
		out.Note = kb.note()
	}
	return out, nil
}
