package attack

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
	"sync"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
)

// KB is a knowledge base. It never changes once made and may be used by any number of goroutines; so may the objects it
// hands out, which all callers share and must not modify.
type KB struct {
	source   Source
	license  string
	domains  facts.Domains
	versions [3]string
	bundles  []Bundle
	cache    string
	fallback string // why these are the embedded facts although there is a folder

	matrices    []Matrix
	tactics     []Tactic
	techniques  []Technique
	groups      []Group
	software    []Software
	campaigns   []Campaign
	mitigations []Mitigation
	strategies  []DetectionStrategy
	analytics   []Analytic
	components  []DataComponent
	assets      []Asset

	direct         [facts.Verbs]relation // as ATT&CK states them
	groupUses      relation              // with the techniques of attributed campaigns
	groupRuns      relation              // with the software of attributed campaigns
	tacticOf       relation              // technique → tactic
	analyticOf     relation              // strategy → analytic
	componentFeeds func() relation       // component → technique, through analytics

	names    [facts.Kinds]func() map[string]named
	logNames func() []string
	search   func() *searchIndex
	weights  func() *weights
	cast     func() *cast
	needs    func() [][][]facts.Log
	replaced func() map[string][]string // the ids of revoked techniques, by that of the one that took their place
}

// Source says where a knowledge base comes from, and so whether it has prose.
type Source string

// The sources of a knowledge base.
const (
	FromTable Source = "embedded facts" // facts only: no descriptions, procedures or references
	FromSTIX  Source = "stix bundle"    // everything that MITRE publishes
)

//go:embed data/attack.bin
var table string

//go:embed data/LICENSE.txt
var license string

// embedded opens the table for each set of domains.
var embedded = func() (open [facts.All + 1]func() (*KB, error)) {
	for set := range open {
		open[set] = sync.OnceValues(func() (*KB, error) {
			decoded, err := facts.Decode(table)
			if err != nil {
				return nil, fmt.Errorf("attack: embedded table: %w", err)
			}
			return build(decoded, facts.Domains(set), FromTable), nil
		})
	}
	return open
}()

// Embedded returns the facts that are compiled into the program, of the given domains or else of all three. The first
// call for a choice of domains opens them, which takes milliseconds; further calls return the same knowledge base.
func Embedded(domains ...Domain) (*KB, error) {
	set, err := domainSet(domains)
	if err != nil {
		return nil, err
	}
	return embedded[set]()
}

// Load reads MITRE's STIX bundles from a folder, for the given domains or else all three. That takes about a second and
// memory of a few times the size of the bundles.
//
// The bundle of a domain is <domain>-attack.json, or with a version <domain>-attack-18.1.json, plain or with .gz; the one
// without a version wins, then the highest version, then the plain one. A missing, broken or oversized bundle (512 MiB)
// is an error that names the file and the place in it.
func Load(ctx context.Context, dir string, domains ...Domain) (*KB, error) {
	set, err := domainSet(domains)
	if err != nil {
		return nil, err
	}
	files, err := facts.Find(dir, set, "")
	if err != nil {
		return nil, fmt.Errorf("attack: %w", err)
	}
	return read(ctx, files, set)
}

// read reads bundles into a knowledge base.
func read(ctx context.Context, files []facts.File, set facts.Domains) (*KB, error) {
	loaded, err := facts.Read(ctx, files)
	if err != nil {
		return nil, fmt.Errorf("attack: %w", err)
	}
	kb := build(loaded, set, FromSTIX)
	kb.bundles = bundlesOf(files)
	return kb, nil
}

// Open is [Load] by way of a cache: the bundles are compiled once into a flat file beside them, named attack-….cache, which
// opens in a fraction of the time. A cache that is missing, damaged or was made from other bundles is made anew; where the
// folder can't be written to, [KB.Cache] says so and all else is as with Load.
func Open(ctx context.Context, dir string, domains ...Domain) (*KB, error) {
	set, err := domainSet(domains)
	if err != nil {
		return nil, err
	}
	files, err := facts.Find(dir, set, "")
	if err != nil {
		if info, serr := os.Stat(dir); serr == nil && info.IsDir() && errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", errNoBundle, err)
		}
		return nil, fmt.Errorf("attack: %w", err)
	}
	path := facts.CachePath(dir, set)
	if cached, err := facts.ReadCache(path, files); err == nil {
		kb := build(cached, set, FromSTIX)
		kb.bundles, kb.cache = bundlesOf(files), "read"
		return kb, nil
	}
	loaded, err := facts.Read(ctx, files)
	if err != nil {
		return nil, fmt.Errorf("attack: %w", err)
	}
	state := "written"
	if err := facts.WriteCache(path, loaded, files); err != nil {
		state = "not written: " + err.Error()
	}
	kb := build(loaded, set, FromSTIX)
	kb.bundles, kb.cache = bundlesOf(files), state
	return kb, nil
}

// errNoBundle means that the folder is there and a bundle isn't.
var errNoBundle = errors.New("no bundle")

// note says what the answers lack, if anything.
func (kb *KB) note() string {
	switch {
	case kb.fallback != "":
		return kb.fallback
	case kb.source == FromTable:
		return noProse
	}
	return ""
}

// Bundle is a file that a knowledge base was read from.
type Bundle struct {
	Domain  Domain `json:"domain"`            // the domain of ATT&CK
	File    string `json:"file"`              // the file
	Version string `json:"version,omitempty"` // of ATT&CK
	Size    int64  `json:"size"`              // its size in bytes
	SHA256  string `json:"sha256,omitempty"`  // of the file as it is
}

func bundlesOf(files []facts.File) []Bundle {
	out := make([]Bundle, len(files))
	for i, f := range files {
		out[i] = Bundle{Domain(f.Domain.Name()), f.Name, f.ATTACK, f.Size, f.SHA256}
	}
	return out
}

// Bundles returns the files that the knowledge base was read from; none if from the embedded facts.
func (k *KB) Bundles() []Bundle { return slices.Clone(k.bundles) }

// Cache says what [Open] did with the cache: read, written, or not written and why. Without Open it is empty.
func (k *KB) Cache() string { return k.cache }

// len returns how many objects of a kind there are.
func (k *KB) len(kind facts.Kind) int {
	switch kind {
	case facts.Matrix:
		return len(k.matrices)
	case facts.Tactic:
		return len(k.tactics)
	case facts.Technique:
		return len(k.techniques)
	case facts.Group:
		return len(k.groups)
	case facts.Software:
		return len(k.software)
	case facts.Campaign:
		return len(k.campaigns)
	case facts.Mitigation:
		return len(k.mitigations)
	case facts.Strategy:
		return len(k.strategies)
	case facts.Analytic:
		return len(k.analytics)
	case facts.Component:
		return len(k.components)
	default:
		return len(k.assets)
	}
}

// License returns the licence under which MITRE permits the use of ATT&CK, with its copyright notice. Reproduce it with
// any copy of the data.
func (k *KB) License() string { return k.license }

// Source says where the knowledge base comes from.
func (k *KB) Source() Source { return k.source }

// Domains returns the domains that the knowledge base holds.
func (k *KB) Domains() []Domain { return domains[k.domains] }

// Version returns the version of ATT&CK, such as 18.1, of one domain. It is empty where the domain isn't held or its
// bundle doesn't tell.
func (k *KB) Version(d Domain) string {
	i := slices.Index(domains[facts.All], d)
	if i < 0 || k.domains&(facts.Enterprise<<i) == 0 {
		return ""
	}
	return k.versions[i]
}

// Count is a number of objects: those in force, and those with the revoked and deprecated ones.
type Count struct {
	Active int `json:"active"` // those in use
	Total  int `json:"total"`  // with those that were revoked or deprecated
}

// Stats counts what a knowledge base holds.
type Stats struct {
	Techniques     Count `json:"techniques"`          // techniques
	Subtechniques  Count `json:"subtechniques"`       // subtechniques
	Tactics        Count `json:"tactics"`             // tactics
	Groups         Count `json:"groups"`              // groups
	Malware        Count `json:"malware"`             // malware
	Tools          Count `json:"tools"`               // tools
	Campaigns      Count `json:"campaigns"`           // campaigns
	Mitigations    Count `json:"mitigations"`         // mitigations
	Strategies     Count `json:"detectionStrategies"` // detection strategies
	Analytics      Count `json:"analytics"`           // analytics
	DataComponents Count `json:"dataComponents"`      // data components
	Assets         Count `json:"assets"`              // assets of ICS
	Relations      int   `json:"relations"`           // without sub-technique-of and revoked-by
}

// Stats counts the objects of all domains held.
func (k *KB) Stats() Stats {
	s := Stats{
		Techniques:    count(k.techniques, nil),
		Subtechniques: count(k.techniques, func(t *Technique) bool { return t.Subtechnique }),
		Tactics:       count(k.tactics, nil),
		Groups:        count(k.groups, nil),
		Malware:       count(k.software, func(s *Software) bool { return s.Type == Malware }),
		Tools:         count(k.software, func(s *Software) bool { return s.Type == Tool }),
		Campaigns:     count(k.campaigns, nil),
		Mitigations:   count(k.mitigations, nil),
		Strategies:    count(k.strategies, nil),
		Analytics:     count(k.analytics, nil),

		DataComponents: count(k.components, nil),
		Assets:         count(k.assets, nil),
	}
	for _, r := range k.direct {
		s.Relations += len(r.source)
	}
	return s
}

// count counts the objects that match.
func count[T any, P object[T]](all []T, match func(P) bool) (n Count) {
	for i := range all {
		p := P(&all[i])
		if match != nil && !match(p) {
			continue
		}
		n.Total++
		if p.base().Active() {
			n.Active++
		}
	}
	return n
}

// active yields the objects that are in force, in order of their ids.
func active[T any, P object[T]](all []T) iter.Seq[P] {
	return func(yield func(P) bool) {
		for i := range all {
			if p := P(&all[i]); p.base().Active() && !yield(p) {
				return
			}
		}
	}
}

// Matrices yields the matrices in force, one per domain.
func (k *KB) Matrices() iter.Seq[*Matrix] { return active(k.matrices) }

// Tactics returns the tactics in force: by domain, and within a domain in the order of its matrix.
func (k *KB) Tactics() []*Tactic {
	all := slices.Collect(active(k.tactics))
	slices.SortStableFunc(all, func(a, b *Tactic) int {
		if a.domains != b.domains {
			return int(a.domains) - int(b.domains)
		}
		return a.order - b.order
	})
	return all
}

// Techniques yields the techniques and sub-techniques in force, in order of their ids.
func (k *KB) Techniques() iter.Seq[*Technique] { return active(k.techniques) }

// Groups yields the groups in force, in order of their ids.
func (k *KB) Groups() iter.Seq[*Group] { return active(k.groups) }

// Software yields the malware and tools in force, in order of their ids.
func (k *KB) Software() iter.Seq[*Software] { return active(k.software) }

// Campaigns yields the campaigns in force, in order of their ids.
func (k *KB) Campaigns() iter.Seq[*Campaign] { return active(k.campaigns) }

// Mitigations yields the mitigations in force, in order of their ids.
func (k *KB) Mitigations() iter.Seq[*Mitigation] { return active(k.mitigations) }

// DetectionStrategies yields the detection strategies in force, in order of their ids.
func (k *KB) DetectionStrategies() iter.Seq[*DetectionStrategy] { return active(k.strategies) }

// Analytics yields the analytics in force, in order of their ids.
func (k *KB) Analytics() iter.Seq[*Analytic] { return active(k.analytics) }

// DataComponents yields the data components in force, in order of their ids.
func (k *KB) DataComponents() iter.Seq[*DataComponent] { return active(k.components) }

// Assets yields the assets in force, in order of their ids. Only ICS has any.
func (k *KB) Assets() iter.Seq[*Asset] { return active(k.assets) }

// LogSources returns the names of the log sources that analytics in force need, sorted.
func (k *KB) LogSources() []string { return slices.Clone(k.logNames()) }

func (k *KB) sortLogNames() []string {
	var names []string
	for a := range k.Analytics() {
		for _, l := range a.logs {
			names = append(names, l.Name)
		}
	}
	slices.Sort(names)
	return slices.Clip(slices.Compact(names))
}
