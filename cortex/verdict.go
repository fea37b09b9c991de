package cortex

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/analysis"
)

// A Level is what an analyzer thinks of an observable.
type Level string

// The levels, from worst to none.
const (
	LevelMalicious  Level = "malicious"
	LevelSuspicious Level = "suspicious"
	LevelSafe       Level = "safe"
	LevelInfo       Level = "info"
	LevelUnknown    Level = analysis.Unknown // no analyzer said anything
)

// A Taxonomy is one line of an analyzer's summary: what it found and how bad it is.
type Taxonomy struct {
	// malicious, suspicious, safe or info.
	Level Level `json:"level"`
	// Who says it.
	Namespace string `json:"namespace"`
	// What is said.
	Predicate string `json:"predicate"`
	Value     string `json:"value"` // what is said
}

// String returns "[level] namespace:predicate = value".
func (t Taxonomy) String() string {
	return fmt.Sprintf("[%s] %s:%s = %s", t.Level, t.Namespace, t.Predicate, t.Value)
}

// UnmarshalJSON accepts a value of any type, and a level of any case. A level
// that Cortex doesn't know counts as info.
func (t *Taxonomy) UnmarshalJSON(b []byte) error {
	var x analysis.Taxonomy
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	*t = newTaxonomy(x)
	return nil
}

func newTaxonomy(x analysis.Taxonomy) Taxonomy {
	return Taxonomy{Level(x.Level), x.Namespace, x.Predicate, x.Value}
}

// taxonomies reads the summary of a report, and reports whether it could all be read.
func taxonomies(summary json.RawMessage) ([]Taxonomy, bool) {
	list := []Taxonomy{}
	read, ok := analysis.Taxonomies(summary)
	for _, x := range read {
		list = append(list, newTaxonomy(x))
	}
	return list, ok
}

// worst returns the worst level of a list.
func worst(list []Taxonomy) Level {
	var all []Level
	for _, t := range list {
		all = append(all, t.Level)
	}
	return analysis.Worst(all)
}

// A Verdict sums up what the analyzers say of one observable.
type Verdict struct {
	// The worst level that any analyzer gave: malicious, suspicious, safe or info; unknown if none gave one.
	Level Level `json:"level"`
	// Whether every analyzer answered. If not, the level can get worse.
	Complete bool `json:"complete"`
	// Whether it is called both safe and malicious.
	Contradiction bool `json:"contradiction"`
	// How many taxonomies say malicious.
	Malicious  int `json:"malicious"`
	Suspicious int `json:"suspicious"` // how many say suspicious
	Safe       int `json:"safe"`       // how many say safe
	Info       int `json:"info"`       // how many say neither
	// How many analyzers answered.
	Answered int `json:"answered"`
	// How many failed or weren't reached.
	Failed int `json:"failed"`
	// How many are still at work.
	Unfinished int `json:"unfinished"`
	// What to keep in mind about the level.
	Note string `json:"note,omitempty"`
}

// judge sums up runs.
func judge(runs []*AnalyzerRun) Verdict {
	var all []Taxonomy
	var v Verdict
	silent := 0
	for _, r := range runs {
		all = append(all, r.Taxonomies...)
		switch {
		case r.Status == StatusSuccess:
			v.Answered++
			if len(r.Taxonomies) == 0 {
				silent++
			}
		case r.Status == StatusWaiting || r.Status == StatusInProgress:
			v.Unfinished++
		default:
			v.Failed++
		}
	}
	for _, t := range all {
		switch t.Level {
		case LevelMalicious:
			v.Malicious++
		case LevelSuspicious:
			v.Suspicious++
		case LevelSafe:
			v.Safe++
		default:
			v.Info++
		}
	}
	v.Level, v.Complete = worst(all), v.Answered == len(runs)
	v.Contradiction = v.Safe > 0 && v.Malicious > 0
	var notes []string
	if v.Contradiction {
		notes = append(notes, "the analyzers contradict each other")
	}
	if !v.Complete {
		notes = append(notes, fmt.Sprintf("%d of %d analyzers answered", v.Answered, len(runs)))
	}
	if silent > 0 {
		notes = append(notes, fmt.Sprintf("%d answered without a summary: see the report", silent))
	}
	v.Note = strings.Join(notes, "; ")
	return v
}
