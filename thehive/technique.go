package thehive

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// A TechniqueCase is a case with the techniques that it was found by.
type TechniqueCase struct {
	Case *Case `json:"case"` // the case
	// Which of the techniques asked for it has, itself or as a sub-technique.
	Techniques []string `json:"techniques"`
	// Its tags that say so.
	Tags []string `json:"tags,omitempty" untrusted:"true"`
	// Ids of its procedures that say so.
	Procedures []string `json:"procedures,omitempty"`
}

// TechniqueCases is what [Client.CasesByTechnique] found.
type TechniqueCases struct {
	Cases []*TechniqueCase `json:"cases"` // the cases
	// Whether there may be further cases that weren't looked at.
	More bool `json:"more"`
}

// How far CasesByTechnique looks.
const (
	maxTechniques     = 50
	scannedTags       = 500 // cases whose tags mention a technique
	scannedProcedures = 200 // newest cases, for those that have procedures
)

var techniqueID = lazyregexp.New(`^T[0-9]{4}(\.[0-9]{3})?$`)

// CasesByTechnique returns the newest cases, at most limit, that have one of
// the ATT&CK techniques, or a sub-technique of one, among their tags or their
// procedures. TheHive can't find cases by procedure, so that of these only the
// newest 200 are looked at; More says when that wasn't all. It is for programs:
// no operation.
//
// TheHive: POST /api/v1/query, listCase, listProcedure, getCase with procedures
func (c *Client) CasesByTechnique(ctx context.Context, techniques []string, limit int) (*TechniqueCases, error) {
	if len(techniques) == 0 || len(techniques) > maxTechniques || limit < 1 {
		return nil, fmt.Errorf("%w: want 1 to %d techniques and a limit of at least 1", ErrInvalid, maxTechniques)
	}
	for _, t := range techniques {
		if !techniqueID.MatchString(t) {
			return nil, fmt.Errorf("%w: %q is not the id of an ATT&CK technique", ErrInvalid, t)
		}
	}
	s := &techniqueSearch{techniques: unique(techniques), found: map[string]*TechniqueCase{}}
	if err := s.byTag(ctx, c); err != nil {
		return nil, c.explain(ctx, err)
	}
	if err := s.byProcedure(ctx, c); err != nil {
		return nil, c.explain(ctx, err)
	}
	out := &TechniqueCases{More: s.more}
	for _, f := range s.found {
		slices.Sort(f.Techniques)
		out.Cases = append(out.Cases, f)
	}
	slices.SortFunc(out.Cases, func(a, b *TechniqueCase) int {
		return cmp.Or(b.Case.CreatedAt.Compare(a.Case.CreatedAt), cmp.Compare(b.Case.Number, a.Case.Number))
	})
	if len(out.Cases) > limit {
		out.Cases, out.More = out.Cases[:limit], true
	}
	return out, nil
}

type techniqueSearch struct {
	techniques []string
	found      map[string]*TechniqueCase // by case id
	more       bool
}

// byTag adds the cases with a tag that names a technique, however it is
// written: T1110, mitre:T1110, attack.t1110, …="Brute Force - T1110".
func (s *techniqueSearch) byTag(ctx context.Context, c *Client) error {
	var ps []Filter
	for _, t := range s.techniques {
		ps = append(ps, In("tags", []string{t, "mitre:" + t, "attack." + strings.ToLower(t)}), Words(t, "tags"))
	}
	cases, total, err := paged[*Case](ctx, c, "cases-by-technique", order{"_createdAt", Desc}, 0, scannedTags, All(KindCase).Where(Or(ps...)))
	if err != nil {
		return err
	}
	s.more = s.more || total > len(cases)
	for _, cs := range cases {
		for _, t := range s.techniques {
			for _, tag := range cs.Tags {
				if names(tag, t) {
					f := s.hit(cs, t)
					f.Tags = unique(append(f.Tags, tag))
				}
			}
		}
	}
	return nil
}

// byProcedure adds the cases with a procedure of a technique.
func (s *techniqueSearch) byProcedure(ctx context.Context, c *Client) error {
	ps := []Filter{In("patternId", s.techniques)}
	for _, t := range s.techniques {
		ps = append(ps, StartsWith("patternId", t+"."))
	}
	if n, err := count(ctx, c, "procedures", All(KindProcedure).Where(Or(ps...))); err != nil || n == 0 {
		return err
	}
	type counted struct {
		ExtraData struct {
			ProcedureCount int `json:"procedureCount"`
		} `json:"extraData"`
	}
	raw, err := rows[json.RawMessage](ctx, c, "cases-with-procedures", All(KindCase).Sort("_createdAt", Desc).Page(0, scannedProcedures, "procedureCount"))
	if err != nil {
		return err
	}
	s.more = s.more || len(raw) == scannedProcedures
	for _, b := range raw {
		var n counted
		cs := new(Case)
		if err := json.Unmarshal(b, &n); err != nil {
			return fmt.Errorf("thehive: case: %w", err)
		}
		if n.ExtraData.ProcedureCount == 0 {
			continue
		}
		if err := json.Unmarshal(b, cs); err != nil {
			return fmt.Errorf("thehive: case: %w", err)
		}
		list, err := c.procedures(ctx, cs.ID)
		if err != nil {
			return err
		}
		for _, p := range list {
			for _, t := range s.techniques {
				if p.PatternID == t || strings.HasPrefix(p.PatternID, t+".") {
					f := s.hit(cs, t)
					f.Procedures = unique(append(f.Procedures, p.ID))
				}
			}
		}
	}
	return nil
}

func (s *techniqueSearch) hit(cs *Case, technique string) *TechniqueCase {
	f := s.found[cs.ID]
	if f == nil {
		f = &TechniqueCase{Case: cs}
		s.found[cs.ID] = f
	}
	f.Techniques = unique(append(f.Techniques, technique))
	return f
}

// names reports whether tag holds the technique or one of its sub-techniques
// as a word of its own.
func names(tag, technique string) bool {
	tag, technique = strings.ToUpper(tag), strings.ToUpper(technique)
	word := func(i int) bool {
		return i >= 0 && i < len(tag) && (tag[i] >= '0' && tag[i] <= '9' || tag[i] >= 'A' && tag[i] <= 'Z')
	}
	for from := 0; ; {
		i := strings.Index(tag[from:], technique)
		if i < 0 {
			return false
		}
		i += from
		if !word(i-1) && !word(i+len(technique)) {
			return true
		}
		from = i + 1
	}
}
