package facts

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// MaxBundle is the most that [ReadBundle] reads, in bytes of JSON.
const MaxBundle = 512 << 20

// Bundle is a STIX 2.1 (or 2.0) bundle of one domain, as far as ATT&CK uses it.
type Bundle struct {
	Domain  Domains
	Version string // of ATT&CK, empty where the bundle has no x-mitre-collection
	// Relationships counts all relationship objects, including revoked ones.
	Relationships int

	objects   []stixObject
	relations []stixRelation
}

// stixObject has the wanted fields of every wanted STIX type, so that each object is decoded once.
type stixObject struct {
	Type             string          `json:"type"`
	ID               string          `json:"id"`
	Name             string          `json:"name"`
	Description      string          `json:"description"`
	Revoked          bool            `json:"revoked"`
	Deprecated       bool            `json:"x_mitre_deprecated"`
	Version          string          `json:"x_mitre_version"`
	References       []stixReference `json:"external_references"`
	Phases           []stixPhase     `json:"kill_chain_phases"`
	Platforms        []string        `json:"x_mitre_platforms"`
	Aliases          []string        `json:"aliases"`
	MitreAliases     []string        `json:"x_mitre_aliases"`
	Subtechnique     bool            `json:"x_mitre_is_subtechnique"`
	ShortName        string          `json:"x_mitre_shortname"`
	TacticRefs       []string        `json:"tactic_refs"`
	AnalyticRefs     []string        `json:"x_mitre_analytic_refs"`
	LogRefs          []stixLog       `json:"x_mitre_log_source_references"`
	LogSources       []stixLog       `json:"x_mitre_log_sources"`
	RelatedAssets    []stixNamed     `json:"x_mitre_related_assets"`
	FirstSeen        string          `json:"first_seen"`
	LastSeen         string          `json:"last_seen"`
	RelationshipType string          `json:"relationship_type"`
	SourceRef        string          `json:"source_ref"`
	TargetRef        string          `json:"target_ref"`
}

// stixRelation is what matters of a relationship.
type stixRelation struct{ ID, RelationshipType, SourceRef, TargetRef, Description string }

type stixReference struct {
	Source      string `json:"source_name"`
	ExternalID  string `json:"external_id"`
	URL         string `json:"url"`
	Description string `json:"description"`
}

type stixPhase struct {
	Chain string `json:"kill_chain_name"`
	Name  string `json:"phase_name"`
}

type stixLog struct {
	Component string `json:"x_mitre_data_component_ref"`
	Name      string `json:"name"`
	Channel   string `json:"channel"`
}

type stixNamed struct {
	Name string `json:"name"`
}

// kindOf returns the kind of object that a STIX type becomes, if it becomes one.
func kindOf(stixType string) (Kind, bool) {
	switch stixType {
	case "x-mitre-matrix":
		return Matrix, true
	case "x-mitre-tactic":
		return Tactic, true
	case "attack-pattern":
		return Technique, true
	case "intrusion-set":
		return Group, true
	case "malware", "tool":
		return Software, true
	case "campaign":
		return Campaign, true
	case "course-of-action":
		return Mitigation, true
	case "x-mitre-detection-strategy":
		return Strategy, true
	case "x-mitre-analytic":
		return Analytic, true
	case "x-mitre-data-component":
		return Component, true
	case "x-mitre-asset":
		return Asset, true
	}
	return 0, false
}

// killChain returns the name that techniques of a domain use for its phases.
func killChain(d Domains) string {
	switch d {
	case Mobile:
		return "mitre-mobile-attack"
	case ICS:
		return "mitre-ics-attack"
	}
	return "mitre-attack"
}

// ReadBundle decodes the bundle of one domain from JSON. It reads object by object and at most [MaxBundle] bytes. An
// error says at which byte, and in which object, reading stopped.
func ReadBundle(ctx context.Context, r io.Reader, domain Domains) (*Bundle, error) {
	return readBundle(ctx, r, domain, MaxBundle)
}

func readBundle(ctx context.Context, r io.Reader, domain Domains, most int64) (*Bundle, error) {
	var text bytes.Buffer
	if f, ok := r.(interface{ Size() int64 }); ok {
		text.Grow(int(min(f.Size(), most)) + bytes.MinRead)
	}
	n, readErr := text.ReadFrom(io.LimitReader(r, most+1))
	if n > most {
		return nil, fmt.Errorf("bundle is larger than %d bytes", most)
	}
	if readErr == nil {
		b := &Bundle{Domain: domain}
		if (&scanner{b: text.Bytes()}).bundle(ctx, b) {
			return b, nil
		}
	}
	b := &Bundle{Domain: domain}
	dec := json.NewDecoder(io.MultiReader(bytes.NewReader(text.Bytes()), broken{readErr}))
	err := b.read(ctx, dec)
	if err == nil {
		// What follows the bundle must be nothing.
		if _, err = dec.Token(); err == io.EOF {
			err = nil
		} else if err == nil {
			err = errors.New("more data after the bundle")
		}
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, fmt.Errorf("at byte %d: %w", dec.InputOffset(), err)
	}
	return b, nil
}

// broken is a reader that fails, or is at its end.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	return 0, io.EOF
}

// read decodes the bundle object that dec stands before.
func (b *Bundle) read(ctx context.Context, dec *json.Decoder) error {
	if err := expect(dec, json.Delim('{')); err != nil {
		return err
	}
	isBundle, hasObjects := false, false
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		switch key {
		case "type":
			var kind string
			if err := dec.Decode(&kind); err != nil {
				return err
			}
			if kind != "bundle" {
				return fmt.Errorf("type is %q, want \"bundle\"", kind)
			}
			isBundle = true
		case "objects":
			if hasObjects {
				return errors.New("objects given twice")
			}
			hasObjects = true
			if err := b.readObjects(ctx, dec); err != nil {
				return err
			}
		default:
			var skipped json.RawMessage
			if err := dec.Decode(&skipped); err != nil {
				return err
			}
		}
	}
	if err := expect(dec, json.Delim('}')); err != nil {
		return err
	}
	if !isBundle || !hasObjects {
		return errors.New("not a STIX bundle: it needs a type and objects")
	}
	return nil
}

// readObjects decodes the array of objects that dec stands before.
func (b *Bundle) readObjects(ctx context.Context, dec *json.Decoder) error {
	if err := expect(dec, json.Delim('[')); err != nil {
		return err
	}
	for n := 0; dec.More(); n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var o stixObject
		if err := dec.Decode(&o); err != nil {
			return fmt.Errorf("object %d %s: %w", n, o.ID, err)
		}
		if err := b.keep(&o); err != nil {
			return fmt.Errorf("object %d %s: %w", n, o.ID, err)
		}
	}
	return expect(dec, json.Delim(']'))
}

// keep takes an object over, if it is of a kind that matters. The version of a
// bundle names files, so that it must be one.
func (b *Bundle) keep(o *stixObject) error {
	switch o.Type {
	case "relationship":
		b.Relationships++
		if !o.Revoked && !o.Deprecated {
			b.relations = append(b.relations, stixRelation{o.ID, o.RelationshipType, o.SourceRef, o.TargetRef, o.Description})
		}
	case "x-mitre-collection":
		if _, ok := version("-" + o.Version); !ok && o.Version != "" {
			return fmt.Errorf("x_mitre_version is %.40q, want numbers with dots between them", o.Version)
		}
		b.Version = o.Version
	default:
		if _, ok := kindOf(o.Type); ok {
			b.objects = append(b.objects, *o)
		}
	}
	return nil
}

// expect consumes one delimiter.
func expect(dec *json.Decoder, want json.Delim) error {
	got, err := dec.Token()
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("found %v, want %v", got, want)
	}
	return nil
}

// Merge joins the bundles of different domains. Objects and relationships that several bundles share count once, and
// know all their domains.
func Merge(bundles ...*Bundle) (*Set, error) {
	m := merger{at: map[string]int32{}, relatedAt: map[string]int{}}
	set := &Set{}
	for _, b := range bundles {
		set.Versions[slices.Index([]Domains{Enterprise, Mobile, ICS}, b.Domain)] = b.Version
		if err := m.add(b); err != nil {
			return nil, err
		}
	}
	m.sort()
	for i := range m.found {
		if err := m.link(&m.found[i]); err != nil {
			return nil, err
		}
	}
	for _, b := range bundles {
		if err := m.relate(b); err != nil {
			return nil, err
		}
	}
	set.Objects = make([]Object, len(m.found))
	for i, f := range m.found {
		set.Objects[i] = f.Object
	}
	sorting.By(m.related, func(a, b related) int {
		return cmp.Or(
			cmp.Compare(a.Verb, b.Verb),
			cmp.Compare(a.Source, b.Source),
			cmp.Compare(a.Target, b.Target),
			cmp.Compare(a.Domains, b.Domains),
			strings.Compare(a.text, b.text),
		)
	})
	for _, r := range m.related {
		set.Relations = append(set.Relations, r.Relation)
		set.Texts = append(set.Texts, r.text)
	}
	return set, nil
}

// found is an object and what it was made from.
type found struct {
	Object
	stix *stixObject
}

// merger numbers the objects and relationships of all bundles.
type merger struct {
	found     []found
	at        map[string]int32 // index in found, by STIX id
	related   []related
	relatedAt map[string]int // index in related, by STIX id
}

// related is a relation and what is said of it.
type related struct {
	Relation
	text string
}

// add takes the objects of one bundle.
func (m *merger) add(b *Bundle) error {
	for i := range b.objects {
		o := &b.objects[i]
		if at, ok := m.at[o.ID]; ok {
			m.found[at].Domains |= b.Domain
			continue
		}
		kind, _ := kindOf(o.Type)
		id := externalID(o)
		if id == "" || o.ID == "" {
			return fmt.Errorf("%s %q has no ATT&CK id", o.Type, o.ID)
		}
		m.at[o.ID] = int32(len(m.found))
		m.found = append(m.found, found{stix: o, Object: Object{
			Kind: kind, Domains: b.Domain, ID: id, STIX: UUID(o.ID), Name: o.Name, ShortName: o.ShortName,
			Deprecated: o.Deprecated, Revoked: o.Revoked, Subtechnique: o.Subtechnique, Tool: o.Type == "tool",
			RevokedBy: None, Aliases: aliases(o), Platforms: o.Platforms,
			First: date(o.FirstSeen), Last: date(o.LastSeen),
			Description: o.Description, References: references(o),
		}})
	}
	return nil
}

// sort puts the objects into the order of a [Set] and renumbers them.
func (m *merger) sort() {
	sorting.By(m.found, func(a, b found) int {
		return cmp.Or(
			cmp.Compare(a.Kind, b.Kind),
			strings.Compare(a.ID, b.ID),
			compareBool(a.Revoked || a.Deprecated, b.Revoked || b.Deprecated),
			strings.Compare(a.stix.ID, b.stix.ID),
		)
	})
	for i, f := range m.found {
		m.at[f.stix.ID] = int32(i)
	}
}

// link sets the fields of f that point to other objects.
func (m *merger) link(f *found) error {
	switch f.Kind {
	case Matrix:
		return m.refs(f, f.stix.TacticRefs, Tactic)
	case Strategy:
		return m.refs(f, f.stix.AnalyticRefs, Analytic)
	case Technique:
		for _, p := range f.stix.Phases {
			if at := m.tactic(p, f.Domains); at != None {
				f.Refs = append(f.Refs, at)
			}
		}
	case Analytic:
		for _, l := range f.stix.LogRefs {
			at, ok := m.at[l.Component]
			if !ok || m.found[at].Kind != Component {
				return fmt.Errorf("analytic %s names an unknown data component %q", f.ID, l.Component)
			}
			f.Logs = append(f.Logs, Log{Component: at, Name: l.Name, Channel: l.Channel})
		}
	case Component:
		for _, l := range f.stix.LogSources {
			f.Logs = append(f.Logs, Log{Component: None, Name: l.Name, Channel: l.Channel})
		}
	}
	return nil
}

// refs resolves a list of STIX ids of one kind.
func (m *merger) refs(f *found, ids []string, kind Kind) error {
	for _, id := range ids {
		at, ok := m.at[id]
		if !ok || m.found[at].Kind != kind {
			return fmt.Errorf("%s refers to an unknown object %q", f.ID, id)
		}
		f.Refs = append(f.Refs, at)
	}
	return nil
}

// tactic finds the tactic a kill chain phase means. Short names repeat between domains, and between a domain's current
// and deprecated tactics.
func (m *merger) tactic(p stixPhase, of Domains) int32 {
	best := None
	for i, f := range m.found {
		if f.Kind > Tactic {
			break
		}
		if f.Kind == Tactic && f.ShortName == p.Name && f.Domains&of != 0 && p.Chain == killChain(f.Domains&of) {
			if !f.Deprecated && !f.Revoked {
				return int32(i)
			}
			best = int32(i)
		}
	}
	return best
}

// relate takes the relationships of one bundle.
func (m *merger) relate(b *Bundle) error {
	for i := range b.relations {
		r := &b.relations[i]
		if at, ok := m.relatedAt[r.ID]; ok {
			m.related[at].Domains |= b.Domain
			continue
		}
		source, ok := m.at[r.SourceRef]
		target, ok2 := m.at[r.TargetRef]
		if !ok || !ok2 {
			if known(r.SourceRef) && known(r.TargetRef) {
				return fmt.Errorf("%s connects %s with %s, of which one is missing", r.ID, r.SourceRef, r.TargetRef)
			}
			continue
		}
		from, to := m.found[source].Kind, m.found[target].Kind
		if r.RelationshipType == "revoked-by" && from == to {
			m.found[source].RevokedBy = target
			continue
		}
		verb, ok := verbOf(r.RelationshipType, from, to)
		if !ok {
			continue
		}
		m.relatedAt[r.ID] = len(m.related)
		m.related = append(m.related, related{
			Relation{Verb: verb, Domains: b.Domain, Source: source, Target: target}, r.Description,
		})
	}
	return nil
}

// uuidSize is the length of an [Object.STIX].
const uuidSize = 16

// UUID returns the 16 bytes of the UUID that a STIX id such as attack-pattern--970a3432-3237-47ad-bcca-7d8cbb217736 ends
// in, or nothing.
func UUID(id string) string {
	_, digits, ok := strings.Cut(id, "--")
	if !ok || len(digits) != 36 || digits[8] != '-' || digits[13] != '-' || digits[18] != '-' || digits[23] != '-' {
		return ""
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(digits, "-", ""))
	if err != nil || len(raw) != uuidSize {
		return ""
	}
	return string(raw)
}

// known reports whether a STIX id is of a type that becomes an object.
func known(id string) bool {
	kind, _, _ := strings.Cut(id, "--")
	_, ok := kindOf(kind)
	return ok
}

// verbOf returns the verb for a relationship type between two kinds.
func verbOf(relationship string, source, target Kind) (Verb, bool) {
	words := [Verbs]string{
		GroupUses: "uses", SoftwareUses: "uses", CampaignUses: "uses", GroupRuns: "uses", CampaignRuns: "uses",
		AttributedTo: "attributed-to", Mitigates: "mitigates", StrategyDetects: "detects", ComponentDetects: "detects",
		Targets: "targets",
	}
	for v, e := range ends {
		if words[v] == relationship && e == [2]Kind{source, target} {
			return Verb(v), true
		}
	}
	return 0, false
}

// externalID returns the ATT&CK id, which is in the first reference to one of MITRE's own sources.
func externalID(o *stixObject) string {
	for _, r := range o.References {
		if isMITRE(r) {
			return r.ExternalID
		}
	}
	return ""
}

func isMITRE(r stixReference) bool {
	switch r.Source {
	case "mitre-attack", "mitre-mobile-attack", "mitre-ics-attack":
		return r.ExternalID != ""
	}
	return false
}

// aliases returns the other names of an object, without its own.
func aliases(o *stixObject) []string {
	var out []string
	add := func(name string) {
		if name != "" && name != o.Name && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, a := range o.Aliases {
		add(a)
	}
	for _, a := range o.MitreAliases {
		add(a)
	}
	for _, a := range o.RelatedAssets {
		add(a.Name)
	}
	return out
}

// references returns what an object cites: references with an address, without MITRE's own.
func references(o *stixObject) []Reference {
	var out []Reference
	for _, r := range o.References {
		if !isMITRE(r) && r.URL != "" {
			out = append(out, Reference{Source: r.Source, Description: r.Description, URL: r.URL})
		}
	}
	return out
}

// date cuts a timestamp to its day.
func date(timestamp string) string {
	if len(timestamp) > len("2006-01-02") {
		return timestamp[:len("2006-01-02")]
	}
	return timestamp
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
