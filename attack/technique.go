package attack

import (
	"context"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/input"
)

// GetTechniqueInput says which technique to describe.
type GetTechniqueInput struct {
	// T1110, T1059.001 or exact name.
	TechniqueID string `json:"techniqueId" alias:"id"`
	// Of each list.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"20"`
}

// Ref names an ATT&CK object.
type Ref struct {
	ID   string `json:"id"`   // its id
	Name string `json:"name"` // its name
}

// List is the beginning of a list, with how long the whole is.
type List[T any] struct {
	Total int `json:"total"` // how many there are
	Items []T `json:"items"` // these of them
}

// GetTechniqueOutput describes a technique.
type GetTechniqueOutput struct {
	ID             string               `json:"id"`                       // its id
	Name           string               `json:"name"`                     // its name
	Domain         Domain               `json:"domain"`                   // the domain of ATT&CK
	AttackVersion  string               `json:"attackVersion,omitempty"`  // the version of ATT&CK behind the answer
	URL            string               `json:"url"`                      // its page at MITRE
	Source         Source               `json:"source"`                   // "embedded facts" have no descriptions, procedures or references
	Note           string               `json:"note,omitempty"`           // what to know about the answer
	RedirectedFrom string               `json:"redirectedFrom,omitempty"` // the id that was asked for, where another took its place
	Later          *Later               `json:"later,omitempty"`          // in a later version of ATT&CK, where that has it otherwise
	Revoked        bool                 `json:"revoked"`                  // whether another took its place
	Deprecated     bool                 `json:"deprecated"`               // whether MITRE has deprecated it
	Subtechnique   bool                 `json:"isSubtechnique"`           // whether it is a subtechnique
	Description    string               `json:"description,omitempty"`    // what it is, in words of the platform
	Tactics        []Ref                `json:"tactics"`                  // its tactics
	Platforms      []string             `json:"platforms"`                // the platforms it runs on
	Parent         *Ref                 `json:"parent,omitempty"`         // the technique it is part of
	Subtechniques  []Ref                `json:"subtechniques"`            // its subtechniques
	Mitigations    []MitigationRef      `json:"mitigations"`              // what mitigates it
	Detection      TechniqueDetection   `json:"detection"`                // how it can be detected
	Groups         List[Ref]            `json:"groups"`                   // including those to which a campaign that used it is attributed
	Software       List[Ref]            `json:"software"`                 // the software that uses it
	Campaigns      List[Ref]            `json:"campaigns"`                // its campaigns
	Assets         []Ref                `json:"assets,omitempty"`         // what it aims at, in ICS
	Procedures     *List[ProcedureText] `json:"procedures,omitempty"`     // how it was done
	References     *List[Reference]     `json:"references,omitempty"`     // where it is written about
}

// MitigationRef names a mitigation and says how it applies.
type MitigationRef struct {
	ID       string `json:"id"`                 // its id
	Name     string `json:"name"`               // its name
	Guidance string `json:"guidance,omitempty"` // how it helps here
}

// TechniqueDetection is how to detect a technique.
type TechniqueDetection struct {
	Strategies     []Ref                `json:"strategies"`     // how it can be detected
	Analytics      List[AnalyticRef]    `json:"analytics"`      // the analytics that detect it
	DataComponents List[Ref]            `json:"dataComponents"` // the data that shows it
	LogSources     List[LogSourceEntry] `json:"logSources"`     // where it is logged
}

// AnalyticRef names an analytic and its platforms.
type AnalyticRef struct {
	ID          string   `json:"id"`                    // its id
	Name        string   `json:"name"`                  // its name
	Platforms   []string `json:"platforms"`             // the platforms it runs on
	Description string   `json:"description,omitempty"` // what it is, in words of the platform
}

// LogSourceEntry is a log source and what can be seen in it.
type LogSourceEntry struct {
	Name      string `json:"name"`              // its name
	Channel   string `json:"channel,omitempty"` // the channel or event
	Component Ref    `json:"dataComponent"`     // the data component it gives
}

// ProcedureText is one observed use of a technique, and whose.
type ProcedureText struct {
	Actor Ref    `json:"actor"` // who did it
	Text  string `json:"text"`  // how
}

// noProse is the note of answers from the embedded facts.
const noProse = "The embedded facts have no descriptions, procedures or references; set MITRE_DATA_DIR to a folder with " +
	"MITRE's STIX bundles for those."

// GetTechnique describes one technique: where it stands, who used it, how to prevent and how to detect it.
//
// Long lists are cut to in.Limit entries and say how long they are. The error is [ErrNotFound] or, for a name that several
// techniques have, [ErrAmbiguous].
func (c *Client) GetTechnique(ctx context.Context, in GetTechniqueInput) (*GetTechniqueOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
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
	d := t.Detection()
	out := &GetTechniqueOutput{
		ID: t.ID, Name: t.Name, Domain: t.Domain(), AttackVersion: kb.Version(t.Domain()), URL: t.URL(),
		Source: kb.Source(), RedirectedFrom: from, Later: t.later(), Revoked: t.Revoked, Deprecated: t.Deprecated,
		Subtechnique: t.Subtechnique, Description: plain(t.Description),
		Tactics: refs(t.Tactics()), Platforms: nonNil(t.Platforms), Subtechniques: refs(t.Subtechniques()),
		Mitigations: []MitigationRef{},
		Groups:      firstRefs(t.Groups(), in.Limit),
		Software:    firstRefs(t.Software(), in.Limit),
		Campaigns:   firstRefs(t.Campaigns(), in.Limit),
		Assets:      refs(t.Assets()),
		Detection: TechniqueDetection{
			Strategies:     refs(d.Strategies),
			DataComponents: firstRefs(d.Components, in.Limit),
			Analytics: first(d.Analytics, in.Limit, func(a *Analytic) AnalyticRef {
				return AnalyticRef{a.ID, a.Name, nonNil(a.Platforms), plain(a.Description)}
			}),
			LogSources: first(d.LogSources, in.Limit, func(l LogSource) LogSourceEntry {
				return LogSourceEntry{l.Name, l.Channel, ref(&l.Component.Object)}
			}),
		},
	}
	if p := t.Parent(); p != nil {
		parent := ref(&p.Object)
		out.Parent = &parent
	}
	for _, m := range t.Mitigations() {
		out.Mitigations = append(out.Mitigations, MitigationRef{m.ID, m.Name, plain(m.Guidance(t))})
	}
	if kb.Source() == FromTable {
		out.Note = kb.note()
		return out, nil
	}
	procedures := first(t.Procedures(), in.Limit, func(p Procedure) ProcedureText {
		return ProcedureText{ref(&p.Actor), plain(p.Text)}
	})
	references := first(t.References, in.Limit, func(r Reference) Reference { return r })
	out.Procedures, out.References = &procedures, &references
	return out, nil
}

func ref(o *Object) Ref { return Ref{o.ID, o.Name} }

// refs names all objects of a list.
func refs[T any, P object[T]](all []P) []Ref { return firstRefs[T](all, len(all)).Items }

// firstRefs names the first objects of a list.
func firstRefs[T any, P object[T]](all []P, limit int) List[Ref] {
	return first(all, limit, func(p P) Ref { return ref(p.base()) })
}

// first converts the beginning of a list.
//
//go:noinline // its many callers would have a copy each
func first[From, To any](all []From, limit int, convert func(From) To) List[To] {
	l := List[To]{Total: len(all), Items: make([]To, 0, min(limit, len(all)))}
	for _, from := range all[:min(limit, len(all))] {
		l.Items = append(l.Items, convert(from))
	}
	return l
}

// nonNil makes an absent list an empty one, which JSON shows as [].
func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
