package attack

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// DetectionStrategy is a way to detect a technique. It is carried out by analytics.
type DetectionStrategy struct{ Object }

// URL returns where MITRE describes the strategy.
func (s *DetectionStrategy) URL() string { return site + "detectionstrategies/" + s.ID }

// Analytics returns the analytics of the strategy.
func (s *DetectionStrategy) Analytics() []*Analytic {
	return pick(s.kb.analytics, s.kb.analyticOf.targets(s.n))
}

// Techniques returns the techniques that the strategy detects.
func (s *DetectionStrategy) Techniques() []*Technique {
	return pick(s.kb.techniques, s.kb.direct[facts.StrategyDetects].targets(s.n))
}

// Analytic is detection logic for some platforms. It needs log sources.
type Analytic struct {
	Object
	Platforms []string // the platforms it runs on
	logs      []facts.Log
}

// Strategy returns the detection strategy that the analytic belongs to, or nil.
func (a *Analytic) Strategy() *DetectionStrategy {
	for _, s := range sources(a.kb.strategies, &a.kb.analyticOf, a.n) {
		return s
	}
	return nil
}

// URL returns where MITRE describes the analytic.
func (a *Analytic) URL() string {
	if s := a.Strategy(); s != nil {
		return s.URL() + "#" + a.ID
	}
	return ""
}

// LogSources returns the log sources that the analytic needs.
func (a *Analytic) LogSources() []LogSource {
	out := make([]LogSource, len(a.logs))
	for i, l := range a.logs {
		out[i] = LogSource{Name: l.Name, Channel: l.Channel, Component: &a.kb.components[l.Component]}
	}
	return out
}

// LogSource is a log in which a data component can be seen.
type LogSource struct {
	Name      string         // such as WinEventLog:Sysmon
	Channel   string         // such as EventCode=1
	Component *DataComponent // the data component it gives
}

// DataComponent is a kind of event that can be observed, such as Process Creation.
type DataComponent struct {
	Object
	logs []facts.Log
}

// URL returns where MITRE describes the data component.
func (c *DataComponent) URL() string { return site + "datacomponents/" + c.ID }

// LogSources returns the log sources in which the component can be seen.
func (c *DataComponent) LogSources() []LogSource {
	out := make([]LogSource, len(c.logs))
	for i, l := range c.logs {
		out[i] = LogSource{Name: l.Name, Channel: l.Channel, Component: c}
	}
	return out
}

// Techniques returns the techniques of which an analytic needs the component.
func (c *DataComponent) Techniques() []*Technique {
	r := c.kb.componentFeeds()
	return pick(c.kb.techniques, r.targets(c.n))
}

// DataSources returns the names of the data sources that the component belonged to in ATT&CK 17 and before.
func (c *DataComponent) DataSources() []string {
	var out []string
	for _, s := range legacy() {
		if slices.Contains(s.Components, c.Name) {
			out = append(out, s.Name)
		}
	}
	slices.Sort(out)
	return out
}

// Detection is all that ATT&CK says on how to detect a technique. Each list is without repetition.
type Detection struct {
	Strategies []*DetectionStrategy // how it can be detected
	Analytics  []*Analytic          // the analytics that detect it
	LogSources []LogSource          // where it is logged
	Components []*DataComponent     // the data components
}

// Detection returns how to detect the technique: its strategies, their analytics, and what those need. In bundles of
// ATT&CK 17 and before there are only components.
func (t *Technique) Detection() Detection {
	var d Detection
	d.Strategies = sources(t.kb.strategies, &t.kb.direct[facts.StrategyDetects], t.n)
	seen := map[facts.Log]bool{}
	numbers := []int32{}
	for _, s := range d.Strategies {
		for _, a := range s.Analytics() {
			d.Analytics = append(d.Analytics, a)
			for _, l := range a.logs {
				if !seen[l] {
					seen[l] = true
					numbers = append(numbers, l.Component)
					c := &t.kb.components[l.Component]
					d.LogSources = append(d.LogSources, LogSource{Name: l.Name, Channel: l.Channel, Component: c})
				}
			}
		}
	}
	r := &t.kb.direct[facts.ComponentDetects]
	for _, e := range r.edgesTo(t.n) {
		numbers = append(numbers, r.source[e])
	}
	slices.Sort(numbers)
	d.Components = pick(t.kb.components, numbers)
	sorting.By(d.LogSources, func(a, b LogSource) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Channel, b.Channel),
			strings.Compare(a.Component.ID, b.Component.ID))
	})
	return d
}

//go:embed data/datasources-17.1.json
var legacyJSON []byte

// legacySource is a data source of ATT&CK 17.1, the last version that had them.
type legacySource struct {
	Name       string   `json:"name"`
	Components []string `json:"components"`
}

// legacy returns the data sources by id, such as DS0009.
var legacy = sync.OnceValue(func() map[string]legacySource {
	var all map[string]legacySource
	if err := json.Unmarshal(legacyJSON, &all); err != nil {
		panic(err) // the table is part of the program and a test reads it
	}
	return all
})

// Sensors is what a site can see, as [KB.Sensors] makes it. The zero Sensors see nothing.
type Sensors struct {
	components []bool
	logs       map[string]bool
}

func (s Sensors) sees(l facts.Log) bool {
	return s.shows(l.Component) || len(s.logs) > 0 && s.logs[l.Name]
}

func (s Sensors) shows(component int32) bool {
	return int(component) < len(s.components) && s.components[component]
}

// Meaning is what a name of something that a site collects stands for.
type Meaning struct {
	Given      string `json:"given"`        // what was given
	As         string `json:"as"`           // data component, log source, or data source of ATT&CK 17
	ID         string `json:"id,omitempty"` // its id
	Name       string `json:"name"`         // its name
	Components []Ref  `json:"components"`   // the data components that are meant, or can be seen in the log source
}

// What a [Meaning] can be.
const (
	AsComponent = "data component"
	AsLogSource = "log source"
	AsLegacy    = "data source of ATT&CK 17"
)

// Sensors finds what a site can see from the names of what it collects. A name is that of a data component ("Process
// Creation", DC0032), of a log source ("WinEventLog:Sysmon"), or of a data source of ATT&CK 17 and before ("Process",
// DS0009), which stands for its components; "Process: Process Creation" means the component. Case doesn't matter. Names
// that mean none of these are all in the error, which is [ErrNotFound].
func (k *KB) Sensors(names ...string) (Sensors, error) {
	s, _, err := k.Understand(names...)
	return s, err
}

// Understand is [KB.Sensors] and says what each name was taken for. A name may mean several things.
func (k *KB) Understand(names ...string) (Sensors, []Meaning, error) {
	s := Sensors{components: make([]bool, len(k.components)), logs: map[string]bool{}}
	var unknown []string
	var meanings []Meaning
	for _, name := range names {
		found := k.see(s, strings.TrimSpace(name))
		if found == nil {
			unknown = append(unknown, name)
		}
		meanings = append(meanings, found...)
	}
	if unknown == nil {
		return s, meanings, nil
	}
	known := k.LogSources()
	for c := range k.DataComponents() {
		known = append(known, c.Name)
	}
	for _, l := range legacy() {
		known = append(known, l.Name)
	}
	return Sensors{}, nil, &NotFoundError{Kind: "data source", Keys: unknown, Nearest: closest(unknown, slices.Values(known))}
}

// see adds what a name means to s, and returns it.
func (k *KB) see(s Sensors, name string) (found []Meaning) {
	component := func(key string) *DataComponent {
		c, _, err := find(k, facts.Component, k.components, key)
		if err != nil {
			return nil
		}
		s.components[c.n] = true
		return c
	}
	c := component(name)
	if _, rest, ok := strings.Cut(name, ": "); ok && c == nil {
		c = component(rest)
	}
	if c != nil {
		found = append(found, Meaning{name, AsComponent, c.ID, c.Name, []Ref{ref(&c.Object)}})
	}
	for _, id := range slices.Sorted(maps.Keys(legacy())) {
		l := legacy()[id]
		if !strings.EqualFold(l.Name, name) && !strings.EqualFold(id, name) {
			continue
		}
		m := Meaning{name, AsLegacy, id, l.Name, []Ref{}}
		for _, key := range l.Components {
			if c := component(key); c != nil {
				m.Components = append(m.Components, ref(&c.Object))
			}
		}
		found = append(found, m)
	}
	for _, l := range k.logNames() {
		if strings.EqualFold(strings.TrimSpace(l), name) {
			s.logs[l] = true
			found = append(found, Meaning{name, AsLogSource, "", l, k.seenIn(l)})
		}
	}
	return found
}

// seenIn returns the data components that analytics look for in a log source.
func (k *KB) seenIn(log string) []Ref {
	var numbers []int32
	for a := range k.Analytics() {
		for _, l := range a.logs {
			if l.Name == log {
				numbers = append(numbers, l.Component)
			}
		}
	}
	slices.Sort(numbers)
	return refs(pick(k.components, numbers))
}

// Coverage says how well a technique can be detected with what a site sees.
type Coverage int

// The degrees of coverage, from none to full.
const (
	Unobservable Coverage = iota // ATT&CK names no log source that would show it
	Uncovered                    // there are log sources, and the site has none of them
	Partial                      // the site has some of what an analytic needs
	Covered                      // the site has all that at least one analytic needs
)

// String returns the name of the degree.
func (c Coverage) String() string {
	names := [...]string{"unobservable", "uncovered", "partial", "covered"}
	if c < 0 || int(c) >= len(names) {
		return fmt.Sprintf("Coverage(%d)", int(c))
	}
	return names[c]
}

// Coverage tells how well the technique can be detected with the given sensors.
func (t *Technique) Coverage(s Sensors) Coverage {
	best := Unobservable
	for _, logs := range t.kb.needs()[t.n] {
		have := 0
		for _, l := range logs {
			if s.sees(l) {
				have++
			}
		}
		switch have {
		case len(logs):
			return Covered
		case 0:
			best = max(best, Uncovered)
		default:
			best = max(best, Partial)
		}
	}
	r := &t.kb.direct[facts.ComponentDetects]
	for _, e := range r.edgesTo(t.n) {
		if s.shows(r.source[e]) {
			return Covered
		}
		best = max(best, Uncovered)
	}
	return best
}

// listNeeds returns what each analytic of each technique needs, without those that need nothing.
func (k *KB) listNeeds() [][][]facts.Log {
	all := make([][][]facts.Log, len(k.techniques))
	for i := range k.techniques {
		for _, strategy := range sources(k.strategies, &k.direct[facts.StrategyDetects], int32(i)) {
			for _, a := range strategy.Analytics() {
				if len(a.logs) > 0 {
					all[i] = append(all[i], a.logs)
				}
			}
		}
	}
	return all
}

// DataSources returns the names of the data sources of ATT&CK 17, which [KB.Sensors] still understands, sorted.
func DataSources() []string {
	names := map[string]bool{}
	for _, l := range legacy() {
		names[l.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}
