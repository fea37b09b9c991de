package soc

import (
	"context"
	"errors"
	"fmt"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
)

var errNoCortex = connect.Like(ErrNotConfigured, "soc: Cortex is not configured")

// CortexCoverageInput is the input of [Client.CortexCoverage].
type CortexCoverageInput struct{}

// CortexCoverageOutput is the output of [Client.CortexCoverage].
type CortexCoverageOutput struct {
	Analyzers []AnalyzerSources `json:"analyzers"` // the analyzers
	// Where what the analyzers take comes from.
	DataSources     []string                `json:"dataSources"`
	Denominator     string                  `json:"denominator"`     // what the share is of
	Total           int                     `json:"total"`           // how many there are
	Detectable      int                     `json:"detectable"`      // how many can be detected
	CoveragePercent float64                 `json:"coveragePercent"` // the share that is covered, in percent
	TopGaps         []attack.Gap            `json:"topGaps"`         // what most groups use of the rest
	Recommendations []attack.Recommendation `json:"recommendations"` // data that would detect most of the rest
	Note            string                  `json:"note"`            // what to know about the answer
}

// AnalyzerSources is an analyzer and where what it takes comes from.
type AnalyzerSources struct {
	Name        string   `json:"name"`        // its name
	DataTypes   []string `json:"dataTypes"`   // the types of observables it takes
	DataSources []string `json:"dataSources"` // the data they stand for
}

// sourceOf says from which data an observable of a type is taken.
var sourceOf = map[string][]string{
	"file": {"File"}, "filename": {"File"}, "hash": {"File"}, "ip": {"Network Traffic"}, "domain": {"Network Traffic"},
	"fqdn": {"Network Traffic"}, "url": {"Network Traffic"}, "uri_path": {"Network Traffic"}, "user-agent": {"Network Traffic"},
	"mail": {"Application Log"}, "mail_subject": {"Application Log"}, "registry": {"Windows Registry"},
}

// CortexCoverage says which techniques leave observables of the types that the
// enabled analyzers take.
//
// Cortex: GET /api/analyzer
func (c *Client) CortexCoverage(ctx context.Context, _ CortexCoverageInput) (*CortexCoverageOutput, error) {
	if c.cortex == nil {
		return nil, errNoCortex
	}
	list, err := c.cortex.ListAnalyzers(ctx, cortex.ListAnalyzersInput{})
	if err != nil {
		return nil, err
	}
	out := &CortexCoverageOutput{
		Analyzers: []AnalyzerSources{}, DataSources: []string{},
		Note: "Analyzers examine observables and collect none: this is what could be examined if the data were collected.",
	}
	for _, w := range list.Analyzers {
		row := AnalyzerSources{Name: w.Name, DataTypes: append([]string{}, w.DataTypes...), DataSources: []string{}}
		for _, t := range w.DataTypes {
			for _, s := range sourceOf[strings.ToLower(t)] {
				row.DataSources = appendNew(row.DataSources, s)
				out.DataSources = appendNew(out.DataSources, s)
			}
		}
		out.Analyzers = append(out.Analyzers, row)
	}
	if len(list.Analyzers) == 0 {
		out.Note = "No analyzer is enabled."
	}
	coverage, err := c.attack.DetectionCoverage(ctx, attack.DetectionCoverageInput{AvailableDataSources: out.DataSources})
	if err != nil {
		return nil, err
	}
	out.Denominator, out.Total, out.Detectable, out.CoveragePercent = coverage.Denominator, coverage.Total, coverage.Detectable, coverage.CoveragePercent
	out.TopGaps, out.Recommendations = coverage.TopGaps, coverage.Recommendations
	return out, nil
}

// RunAnalyzersInput is the input of [Client.RunAnalyzers].
type RunAnalyzersInput struct {
	// The observable.
	Data     string   `json:"data" minLength:"1" maxLength:"16384"`
	DataType DataType `json:"dataType"` // the type of the observable
	// By name or id, five at most. Without any: names those that take the type.
	Analyzers []string `json:"analyzers,omitempty" maxItems:"5" maxLength:"128"`
	// RED goes to no third party. Default: AMBER.
	TLP *cortex.TLP `json:"tlp,omitempty"`
	gate.Confirmation
}

// DataType is a type of observable.
type DataType string

// Enum lists the types.
func (DataType) Enum() []any {
	return []any{"ip", "domain", "url", "fqdn", "hash", "file", "filename", "mail"}
}

// RunAnalyzersOutput is the output of [Client.RunAnalyzers].
type RunAnalyzersOutput struct {
	Analysis *cortex.Analysis `json:"analysis"` // how far its analysis is
	// What an observable of this type is often part of. A hint from its type alone, not a finding.
	Techniques []Technique `json:"techniques"`
}

// typical has the techniques in which observables of a type often occur.
var typical = map[DataType][]string{
	"ip": {"T1071", "T1573", "T1041", "T1090"}, "domain": {"T1071", "T1568", "T1583.001"}, "fqdn": {"T1071", "T1568", "T1583.001"},
	"url": {"T1071.001", "T1566.002", "T1189"}, "hash": {"T1204", "T1059"}, "filename": {"T1204", "T1059"}, "mail": {"T1566.001", "T1566.002"},
}

// runs is what one RunAnalyzers has Cortex do. Plan and execution are both made
// from it.
func (c *Client) runs(ctx context.Context, in RunAnalyzersInput) (cortex.AnalyzeObservableInput, error) {
	r := cortex.AnalyzeObservableInput{Data: in.Data, DataType: string(in.DataType), TLP: in.TLP, Message: "ATT&CK enrichment"}
	switch {
	case c.cortex == nil:
		return r, errNoCortex
	case in.DataType == "file":
		return r, errors.New("soc: dataType file: a file isn't text; cortex_run_analyzer_file takes its content")
	case len(in.Analyzers) > 5:
		return r, fmt.Errorf("soc: analyzers: %d, want 5 at most", len(in.Analyzers))
	case strings.TrimSpace(in.Data) == "":
		return r, errors.New("soc: data is empty")
	}
	list, err := c.cortex.ListAnalyzers(ctx, cortex.ListAnalyzersInput{DataType: string(in.DataType)})
	if err != nil {
		return r, err
	}
	var names []string
	for _, w := range list.Analyzers {
		names = append(names, w.Name)
	}
	for _, wanted := range in.Analyzers {
		i := slices.IndexFunc(list.Analyzers, func(w *cortex.Worker) bool {
			return w.ID == wanted || strings.EqualFold(w.Name, strings.TrimSpace(wanted))
		})
		if i < 0 {
			return r, fmt.Errorf("soc: analyzers: no enabled analyzer %q takes %s; there are %s", wanted, in.DataType, strings.Join(names, ", "))
		}
		r.Analyzers = appendNew(r.Analyzers, list.Analyzers[i].ID)
	}
	if len(r.Analyzers) == 0 {
		return r, fmt.Errorf("soc: analyzers: name those to run; for %s there are %s", in.DataType, strings.Join(names, ", "))
	}
	return r, nil
}

func (c *Client) planRunAnalyzers(ctx context.Context, in RunAnalyzersInput) (gate.Plan, error) {
	r, err := c.runs(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	return c.cortex.PlanAnalyzeObservable(ctx, r)
}

// RunAnalyzers submits an observable to the named analyzers, waits, and says
// what they found. Nothing internal, and nothing RED, goes to a third party.
//
// Cortex: GET /api/analyzer, POST /api/analyzer/{id}/run, GET /api/job/{id}/waitreport
func (c *Client) RunAnalyzers(ctx context.Context, in RunAnalyzersInput) (*RunAnalyzersOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	r, err := c.runs(ctx, in)
	if err != nil {
		return nil, err
	}
	a, err := c.cortex.AnalyzeObservable(ctx, r)
	if err != nil {
		return nil, err
	}
	out := &RunAnalyzersOutput{Analysis: a, Techniques: []Technique{}}
	if kb, err := c.kb(ctx); err == nil {
		out.Techniques = append(out.Techniques, lookup(kb, typical[in.DataType], FromGuess).techniques...)
	}
	return out, nil
}
