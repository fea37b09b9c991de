package attack

import (
	"context"
	"slices"
	"strings"
)

// TacticSummary is a tactic in a list.
type TacticSummary struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	ShortName     string `json:"shortName"`
	Domain        Domain `json:"domain"`
	Techniques    int    `json:"techniques"`
	Subtechniques int    `json:"subtechniques"`
	Description   string `json:"description,omitempty"`
}

// ListTacticsInput says whose tactics to list.
type ListTacticsInput struct {
	Matrix Domain `json:"matrix,omitempty" alias:"domain" jsonschema:"Only the tactics of this domain. By default those of all that are loaded."`
}

// ListTacticsOutput is tactics in the order of their matrices.
type ListTacticsOutput struct {
	Total   int             `json:"total"`
	Tactics []TacticSummary `json:"tactics"`
}

// ListTactics lists the tactics in force, in the order of their matrix. Tactics of different domains stay apart though
// they may have the same name.
func (c *Client) ListTactics(ctx context.Context, in ListTacticsInput) (*ListTacticsOutput, error) {
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	if err := kb.holds("matrix", in.Matrix); err != nil {
		return nil, err
	}
	out := &ListTacticsOutput{Tactics: []TacticSummary{}}
	for _, t := range kb.Tactics() {
		if in.Matrix == "" || t.Domain() == in.Matrix {
			out.Tactics = append(out.Tactics, summariseTactic(t))
		}
	}
	out.Total = len(out.Tactics)
	return out, nil
}

func summariseTactic(t *Tactic) TacticSummary {
	s := TacticSummary{ID: t.ID, Name: t.Name, ShortName: t.ShortName, Domain: t.Domain(), Description: excerpt(t.Description)}
	for _, technique := range t.Techniques() {
		if technique.Subtechnique {
			s.Subtechniques++
		} else {
			s.Techniques++
		}
	}
	return s
}

// holds refuses a domain that isn't loaded. The empty domain means all.
func (k *KB) holds(argument string, d Domain) error {
	if d != "" && !slices.Contains(k.Domains(), d) {
		return invalid("%s %q isn't loaded: choose from %s", argument, clip(string(d), 40), join(k.Domains()))
	}
	return nil
}

// GetTacticInput says which tactic to describe.
type GetTacticInput struct {
	TacticID string `json:"tacticId" alias:"id" jsonschema:"Id (TA0006), short name (credential-access) or name."`
	Matrix   Domain `json:"matrix,omitempty" alias:"domain" jsonschema:"The domain, where several have a tactic of that name."`
	Limit    int    `json:"limit,omitempty" jsonschema:"How many techniques to return." minimum:"1" maximum:"500"`
}

// SetDefaults sets the limit to 100.
func (in *GetTacticInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 100
	}
}

// GetTacticOutput describes a tactic.
type GetTacticOutput struct {
	TacticSummary
	URL  string              `json:"url"`
	List List[TechniqueLine] `json:"techniqueList"`
}

// TechniqueLine is a technique in a list.
type TechniqueLine struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Tactics      []string `json:"tactics"` // short names
	Platforms    []string `json:"platforms"`
	Subtechnique bool     `json:"isSubtechnique"`
}

func line(t *Technique) TechniqueLine {
	l := TechniqueLine{t.ID, t.Name, []string{}, nonNil(t.Platforms), t.Subtechnique}
	for _, ta := range t.Tactics() {
		l.Tactics = append(l.Tactics, ta.ShortName)
	}
	return l
}

// GetTactic describes a tactic with its techniques, of its own domain only. A short name that several of the loaded
// domains have is [ErrAmbiguous] unless in.Matrix says which.
func (c *Client) GetTactic(ctx context.Context, in GetTacticInput) (*GetTacticOutput, error) {
	in.SetDefaults()
	if err := (&Paging{Limit: in.Limit}).check(); err != nil {
		return nil, err
	}
	if strings.TrimSpace(in.TacticID) == "" {
		return nil, invalid("tacticId is empty")
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	if err := kb.holds("matrix", in.Matrix); err != nil {
		return nil, err
	}
	t, err := kb.tactic(in.TacticID, in.Matrix)
	if err != nil {
		return nil, err
	}
	return &GetTacticOutput{TacticSummary: summariseTactic(t), URL: t.URL(), List: first(t.Techniques(), in.Limit, line)}, nil
}

// tactic resolves a tactic of a domain, or of any if that leaves no choice.
func (k *KB) tactic(key string, d Domain) (*Tactic, error) {
	if d != "" {
		for _, t := range k.tacticsNamed(key) {
			if t.Domain() == d {
				return t, nil
			}
		}
		return nil, &NotFoundError{Kind: "tactic", Keys: []string{key}, Domains: []Domain{d}}
	}
	t, _, err := k.ResolveTactic(key)
	return t, err
}

// tacticsNamed returns the tactics in force of an id, short name or name, one per domain at most.
func (k *KB) tacticsNamed(key string) []*Tactic {
	key = strings.TrimSpace(key)
	return slices.DeleteFunc(k.Tactics(), func(t *Tactic) bool {
		return !strings.EqualFold(t.ID, key) && !strings.EqualFold(t.ShortName, key) && !strings.EqualFold(t.Name, key)
	})
}

// SearchTechniquesInput says which techniques to find. All that is given must hold.
type SearchTechniquesInput struct {
	Query          string `json:"query,omitempty" jsonschema:"Words or an id. Techniques with the words in their name come first." maxLength:"1000"`
	Tactic         string `json:"tactic,omitempty" jsonschema:"Id (TA0006), short name (credential-access) or name of a tactic."`
	Platform       string `json:"platform,omitempty" jsonschema:"Platform such as Windows, in any case."`
	DataSource     string `json:"dataSource,omitempty" jsonschema:"What shows the technique: a data component (Process Creation), a log source (WinEventLog:Sysmon) or a data source of ATT&CK 17 and before (Process)."`
	IsSubtechnique *bool  `json:"isSubtechnique,omitempty" jsonschema:"Only sub-techniques, or only techniques. By default both."`
	Domain         Domain `json:"domain,omitempty" jsonschema:"Only this domain. By default all that are loaded."`
	Paging
}

// SearchTechniques finds techniques by words and by what is known of them. Without a query they are in order of their ids,
// with one the best come first. A filter that no technique could pass, such as an unknown platform, is an error.
func (c *Client) SearchTechniques(ctx context.Context, in SearchTechniquesInput) (*Page[TechniqueLine], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	pass, err := kb.techniqueFilter(in)
	if err != nil {
		return nil, err
	}
	var found []*Technique
	if strings.TrimSpace(in.Query) == "" {
		found = slices.Collect(filter(kb.Techniques(), pass))
	} else {
		hits, _ := kb.Search(in.Query, len(kb.techniques))
		for _, h := range hits {
			if pass(h.Technique) {
				found = append(found, h.Technique)
			}
		}
	}
	return page(found, in.Paging, line), nil
}

func (k *KB) techniqueFilter(in SearchTechniquesInput) (func(*Technique) bool, error) {
	if err := k.holds("domain", in.Domain); err != nil {
		return nil, err
	}
	var tactics []*Tactic
	if in.Tactic != "" {
		if tactics = k.tacticsNamed(in.Tactic); len(tactics) == 0 {
			_, _, err := k.ResolveTactic(in.Tactic)
			if err == nil {
				err = &NotFoundError{Kind: "tactic", Keys: []string{in.Tactic}, Domains: k.Domains()}
			}
			return nil, err
		}
	}
	if err := k.checkPlatform(in.Platform); err != nil {
		return nil, err
	}
	var sensors Sensors
	if in.DataSource != "" {
		var err error
		if sensors, err = k.Sensors(in.DataSource); err != nil {
			return nil, err
		}
	}
	return func(t *Technique) bool {
		return (in.Domain == "" || t.Domain() == in.Domain) &&
			(in.IsSubtechnique == nil || t.Subtechnique == *in.IsSubtechnique) &&
			(in.Platform == "" || t.On(in.Platform)) &&
			(tactics == nil || slices.ContainsFunc(t.Tactics(), func(ta *Tactic) bool { return slices.Contains(tactics, ta) })) &&
			(in.DataSource == "" || t.Coverage(sensors) >= Partial)
	}, nil
}

// On reports whether the technique works on a platform. Case doesn't matter.
func (t *Technique) On(platform string) bool {
	return slices.ContainsFunc(t.Platforms, func(p string) bool { return strings.EqualFold(p, platform) })
}

// Platforms returns the platforms that techniques in force work on, sorted.
func (k *KB) Platforms() []string {
	var all []string
	for t := range k.Techniques() {
		all = append(all, t.Platforms...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// checkPlatform refuses a platform that no technique works on. The empty one means any.
func (k *KB) checkPlatform(platform string) error {
	all := k.Platforms()
	if platform == "" || slices.ContainsFunc(all, func(p string) bool { return strings.EqualFold(p, platform) }) {
		return nil
	}
	return invalid("platform %q: choose from %s", clip(platform, 40), strings.Join(all, ", "))
}
