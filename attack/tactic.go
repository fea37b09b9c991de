package attack

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// TacticSummary is a tactic in a list.
type TacticSummary struct {
	ID            string `json:"id"`                    // its id
	Name          string `json:"name"`                  // its name
	ShortName     string `json:"shortName"`             // its name in data
	Domain        Domain `json:"domain"`                // the domain of ATT&CK
	Deprecated    bool   `json:"deprecated,omitempty"`  // whether MITRE has deprecated it
	Techniques    int    `json:"techniques"`            // how many techniques it has
	Subtechniques int    `json:"subtechniques"`         // how many subtechniques they have
	Description   string `json:"description,omitempty"` // what it is, in words of the platform
}

// ListTacticsInput says whose tactics to list.
type ListTacticsInput struct {
	// Default: all.
	Matrix Domain `json:"matrix,omitempty" alias:"domain"`
}

// ListTacticsOutput is tactics in the order of their matrices.
type ListTacticsOutput struct {
	Total   int             `json:"total"`   // how many there are
	Tactics []TacticSummary `json:"tactics"` // its tactics
}

// ListTactics lists the tactics in force, in the order of their matrix. Tactics of different domains stay apart though
// they may have the same name.
func (c *Client) ListTactics(ctx context.Context, in ListTacticsInput) (*ListTacticsOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
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
	s := TacticSummary{
		ID: t.ID, Name: t.Name, ShortName: t.ShortName, Domain: t.Domain(), Deprecated: t.Deprecated,
		Description: excerpt(t.Description),
	}
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
		return invalid("%s %q isn't loaded: choose from %s", argument, clip.Text(string(d), 40), join(k.Domains()))
	}
	return nil
}

// GetTacticInput says which tactic to describe.
type GetTacticInput struct {
	// TA0006, credential-access or name.
	TacticID string `json:"tacticId" alias:"id"`
	// Where several have such a tactic.
	Matrix Domain `json:"matrix,omitempty" alias:"domain"`
	// Techniques.
	Limit int `json:"limit,omitempty" minimum:"1" maximum:"500" default:"100"`
}

// GetTacticOutput describes a tactic.
type GetTacticOutput struct {
	TacticSummary
	URL  string              `json:"url"`            // its page at MITRE
	Note string              `json:"note,omitempty"` // such as that the name asked for is an earlier one
	List List[TechniqueLine] `json:"techniqueList"`  // its techniques
}

// TechniqueLine is a technique in a list.
type TechniqueLine struct {
	ID           string   `json:"id"`             // its id
	Name         string   `json:"name"`           // its name
	Tactics      []string `json:"tactics"`        // short names
	Platforms    []string `json:"platforms"`      // the platforms it runs on
	Subtechnique bool     `json:"isSubtechnique"` // whether it is a subtechnique
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
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
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
	t, note, err := kb.tactic(in.TacticID, in.Matrix)
	if err != nil {
		return nil, err
	}
	if t.Deprecated {
		note = strings.TrimSpace(note + " This tactic is deprecated: no technique in force is in it.")
	}
	return &GetTacticOutput{TacticSummary: summariseTactic(t), URL: t.URL(), Note: note, List: first(t.Techniques(), in.Limit, line)}, nil
}

// tactic resolves a tactic of a domain, or of any if that leaves no choice, and says if the key is a name of another
// version of ATT&CK.
func (k *KB) tactic(key string, d Domain) (*Tactic, string, error) {
	if d == "" || d == Enterprise {
		if t, note := k.former(key); note != "" {
			return t, note, nil
		}
	}
	if d != "" {
		for _, t := range k.tacticsNamed(key) {
			if t.Domain() == d {
				return t, "", nil
			}
		}
		return nil, "", &NotFoundError{Kind: "tactic", Keys: []string{key}, Why: k.why(facts.Tactic, key), Domains: []Domain{d}}
	}
	t, _, err := k.ResolveTactic(key)
	return t, "", err
}

// tacticsNamed returns the tactics in force of an id, short name or name, one per domain at most.
func (k *KB) tacticsNamed(key string) []*Tactic {
	id, name := canonical(key), tacticKey(key)
	return slices.DeleteFunc(k.Tactics(), func(t *Tactic) bool {
		return t.ID != id && t.ShortName != name && tacticKey(t.Name) != name
	})
}

// SearchTechniquesInput says which techniques to find. All that is given must hold.
type SearchTechniquesInput struct {
	// Words or an id.
	Query string `json:"query,omitempty" maxLength:"1000"`
	// TA0006, credential-access or name.
	Tactic string `json:"tactic,omitempty"`
	// Such as Windows.
	Platform string `json:"platform,omitempty"`
	// What shows it: data component (Process Creation), log source (WinEventLog:Sysmon) or data source
	// (Process).
	DataSource string `json:"dataSource,omitempty"`
	// Default: both.
	IsSubtechnique *bool `json:"isSubtechnique,omitempty"`
	// Default: all.
	Domain Domain `json:"domain,omitempty"`
	Paging
}

// SearchTechniques finds techniques by words and by what is known of them. Without a query they are in order of their ids,
// with one the best come first. A filter that no technique could pass, such as an unknown platform, is an error.
func (c *Client) SearchTechniques(ctx context.Context, in SearchTechniquesInput) (*Page[TechniqueLine], error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	kb, err := c.KB(ctx)
	if err != nil {
		return nil, err
	}
	pass, note, err := kb.techniqueFilter(in)
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
	out := page(found, in.Paging, line)
	if out.Note = note; len(found) == 0 {
		out.Note = strings.TrimSpace(note + " " + kb.namesOnly(in.Query))
	}
	return out, nil
}

// techniqueFilter returns what the input lets pass, and what is to say of it.
func (k *KB) techniqueFilter(in SearchTechniquesInput) (func(*Technique) bool, string, error) {
	if err := k.holds("domain", in.Domain); err != nil {
		return nil, "", err
	}
	tactics, note, err := k.tacticsMeant(in.Tactic, in.Domain)
	if err != nil {
		return nil, "", err
	}
	platform, translated, err := k.platform(in.Platform)
	if err != nil {
		return nil, "", err
	}
	in.Platform, note = platform, strings.TrimSpace(note+" "+translated)
	var sensors Sensors
	if in.DataSource != "" {
		var err error
		if sensors, err = k.Sensors(in.DataSource); err != nil {
			return nil, "", err
		}
	}
	return func(t *Technique) bool {
		return (in.Domain == "" || t.Domain() == in.Domain) &&
			(in.IsSubtechnique == nil || t.Subtechnique == *in.IsSubtechnique) &&
			(in.Platform == "" || t.On(in.Platform)) &&
			(tactics == nil || slices.ContainsFunc(t.Tactics(), func(ta *Tactic) bool { return slices.Contains(tactics, ta) })) &&
			(in.DataSource == "" || t.Coverage(sensors) >= Partial)
	}, note, nil
}

// tacticsMeant returns the tactics that a filter means, one per domain at most; none where it is empty.
func (k *KB) tacticsMeant(key string, d Domain) ([]*Tactic, string, error) {
	if key == "" {
		return nil, "", nil
	}
	if d == "" || d == Enterprise {
		if t, note := k.former(key); note != "" {
			return []*Tactic{t}, note, nil
		}
	}
	if tactics := k.tacticsNamed(key); len(tactics) > 0 {
		return tactics, "", nil
	}
	t, _, err := k.ResolveTactic(key)
	if err == nil && !t.Active() {
		err = &NotFoundError{Kind: "tactic", Keys: []string{key}, Why: t.ID + " " + t.Name + " is deprecated", Domains: k.Domains()}
	}
	return []*Tactic{t}, "", err
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

// formerPlatforms has the platforms of earlier versions of ATT&CK, lower-case, and what took their place.
var formerPlatforms = map[string]string{
	"azure ad": "Identity Provider", "entra id": "Identity Provider", "office 365": "Office Suite", "google workspace": "Office Suite",
	"aws": "IaaS", "azure": "IaaS", "gcp": "IaaS", "network": "Network Devices",
}

// platform returns a platform as ATT&CK spells it, and a note where the name is that of an earlier version. A platform that
// no technique works on is refused. The empty one means any.
func (k *KB) platform(name string) (platform, note string, err error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", "", nil
	}
	all := k.Platforms()
	spelt := func(name string) string {
		if i := slices.IndexFunc(all, func(p string) bool { return strings.EqualFold(p, name) }); i >= 0 {
			return all[i]
		}
		return ""
	}
	if p := spelt(name); p != "" {
		return p, "", nil
	}
	if p := spelt(formerPlatforms[strings.ToLower(name)]); p != "" {
		return p, fmt.Sprintf("The platform %s is %s in %s.", name, p, k.has()), nil
	}
	return "", "", invalid("platform %q: choose from %s", clip.Text(name, 40), strings.Join(all, ", "))
}
