package cortex

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/analysis"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
)

// A Worker is an analyzer or a responder that is enabled in the organisation.
// Its configuration is left out: it holds the keys of third parties.
type Worker struct {
	ID string `json:"id"` // its id
	// Its name with its version, such as Abuse_Finder_3_0.
	Name    string `json:"name"`
	Version string `json:"version"` // its version
	// Which definition it was made from.
	DefinitionID string `json:"workerDefinitionId,omitempty"`
	Description  string `json:"description,omitempty"` // what it does
	// What it takes.
	DataTypes []string `json:"dataTypeList"`
	Author    string   `json:"author,omitempty"` // who wrote it
	// The service whose settings it uses.
	BaseConfig string `json:"baseConfig,omitempty"`
	// How many jobs it may run in each rateUnit; absent: any number.
	Rate     int    `json:"rate,omitempty"`
	RateUnit string `json:"rateUnit,omitempty"` // the time that its rate is counted in
	// For how many minutes an earlier answer is given again; absent: the server's default.
	JobCache *int `json:"jobCache,omitempty"`
	// How many minutes a job may take; absent: the server's default, 30.
	JobTimeout int `json:"jobTimeout,omitempty"`
	// analyzer or responder.
	Type string `json:"type"`
	// The highest TLP it takes, where the key may see that.
	MaxTLP *TLP `json:"maxTlp,omitempty"`
	// The highest PAP it takes, where the key may see that.
	MaxPAP *PAP `json:"maxPap,omitempty"`
	// Whether the operator says that it shows data to nobody outside.
	Local bool `json:"local,omitempty"`
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know, without secrets.
	Extra map[string]json.RawMessage `json:"-"`
}

// own takes from what Cortex sends what is for others to say, and secrets.
func (w *Worker) own() *Worker {
	var limits struct {
		CheckTLP bool `json:"check_tlp"`
		MaxTLP   *TLP `json:"max_tlp"`
		CheckPAP bool `json:"check_pap"`
		MaxPAP   *PAP `json:"max_pap"`
	}
	if json.Unmarshal(w.Extra["configuration"], &limits) == nil {
		if limits.CheckTLP {
			w.MaxTLP = limits.MaxTLP
		}
		if limits.CheckPAP {
			w.MaxPAP = limits.MaxPAP
		}
	}
	w.Local = false // for us to say, not for the server
	delete(w.Extra, "analyzerDefinitionId")
	w.Extra = analysis.Public(w.Extra)
	return w
}

// worker decodes an answer that is one worker.
func worker(res *httpx.Response, err error) (*Worker, error) {
	w, err := httpx.JSON[Worker](res, err)
	if err != nil {
		return nil, err
	}
	return w.own(), nil
}

// workers decodes an answer that lists workers.
func workers(res *httpx.Response, err error) ([]*Worker, error) {
	rows, err := everything[row[Worker]](res, err)
	list := make([]*Worker, len(rows))
	for i, r := range rows {
		list[i] = r.it.own()
		list[i].Unread = r.unread
	}
	return list, err
}

// takes reports whether w takes observables or entities of this type.
func (w *Worker) takes(dataType string) bool { return slices.Contains(w.DataTypes, dataType) }

// unknown reports whether nobody knows what w takes.
func (w *Worker) unknown() bool { return w.Unread != "" && len(w.DataTypes) == 0 }

// is reports whether w is named s: by id, or by name whatever its case.
func (w *Worker) is(s string) bool { return w.ID == s || strings.EqualFold(w.Name, s) }

// service is where w sends to, as well as Cortex can tell.
func (w *Worker) service() string {
	if w.BaseConfig != "" && !strings.EqualFold(w.BaseConfig, w.Name) {
		return fmt.Sprintf("%s (%s)", w.BaseConfig, w.Name)
	}
	return w.Name
}

// target is w as a plan shows it.
func (w *Worker) target() gate.Target {
	name := w.Name
	if w.Local {
		name += " (local)"
	}
	return gate.Target{Kind: w.Type, ID: w.ID, Name: name, Version: w.Version}
}

// ListAnalyzersInput is the input of [Client.ListAnalyzers].
type ListAnalyzersInput struct {
	DataType string `json:"dataType,omitempty" maxLength:"64"` // only those that take this type
}

// An AnalyzerList is a whole list of analyzers, sorted by name.
type AnalyzerList struct {
	Analyzers []*Worker `json:"analyzers"` // the analyzers
	Total     int       `json:"total"`     // how many there are
	// Why the list is empty.
	Note string `json:"note,omitempty"`
}

// ListAnalyzers returns every analyzer that is enabled in the organisation and
// takes in.DataType, if that is given.
//
// Cortex: GET /api/analyzer
func (c *Client) ListAnalyzers(ctx context.Context, in ListAnalyzersInput) (*AnalyzerList, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	all, err := c.analyzers(ctx)
	if err != nil {
		return nil, err
	}
	in.DataType = strings.TrimSpace(in.DataType)
	list := &AnalyzerList{Analyzers: []*Worker{}}
	known := map[string]bool{}
	for _, w := range all {
		if in.DataType == "" || w.unknown() || slices.ContainsFunc(w.DataTypes, func(t string) bool { return strings.EqualFold(t, in.DataType) }) {
			list.Analyzers = append(list.Analyzers, w)
		}
		for _, t := range w.DataTypes {
			known[t] = true
		}
	}
	list.Total = len(list.Analyzers)
	switch {
	case len(all) == 0:
		list.Note = "no analyzer is enabled in the organisation of this key"
	case list.Total == 0:
		list.Note = fmt.Sprintf("no analyzer takes that type; there are analyzers for %s", some(sortedKeys(known)))
	}
	return list, nil
}

// ListRespondersInput is the input of [Client.ListResponders].
type ListRespondersInput struct {
	// case, case_task, case_artifact or alert.
	DataType string `json:"dataType,omitempty" maxLength:"64"`
}

// A ResponderList is a whole list of responders, sorted by name.
type ResponderList struct {
	Responders []*Worker `json:"responders"` // the responders
	Total      int       `json:"total"`      // how many there are
	// Why the list is empty.
	Note string `json:"note,omitempty"`
}

// ListResponders returns every responder that is enabled in the organisation and
// acts on in.DataType, if that is given.
//
// Cortex: GET /api/responder
func (c *Client) ListResponders(ctx context.Context, in ListRespondersInput) (*ResponderList, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	all, err := c.responders(ctx)
	if err != nil {
		return nil, err
	}
	list := &ResponderList{Responders: []*Worker{}}
	known := map[string]bool{}
	for _, w := range all {
		if w.unknown() || takesType(w.DataTypes, in.DataType) {
			list.Responders = append(list.Responders, w)
		}
		for _, t := range w.DataTypes {
			known[t] = true
		}
	}
	list.Total = len(list.Responders)
	switch {
	case len(all) == 0:
		list.Note = "no responder is enabled in the organisation of this key"
	case list.Total == 0:
		list.Note = fmt.Sprintf("no responder acts on that; there are responders for %s", some(sortedKeys(known)))
	}
	return list, nil
}

// analyzers returns every enabled analyzer, sorted by name.
func (c *Client) analyzers(ctx context.Context) ([]*Worker, error) {
	list, err := workers(c.wire.ListAnalyzers(ctx, wire.ListAnalyzersParams{Range: allRows}))
	if err != nil {
		return nil, err
	}
	for _, w := range list {
		c.mark(w)
	}
	sortWorkers(list)
	return list, nil
}

// responders returns every enabled responder, sorted by name.
func (c *Client) responders(ctx context.Context) ([]*Worker, error) {
	list, err := workers(c.wire.ListResponders(ctx, wire.ListRespondersParams{Range: allRows}))
	if err != nil {
		return nil, err
	}
	sortWorkers(list)
	return list, nil
}

func sortWorkers(list []*Worker) {
	slices.SortFunc(list, func(a, b *Worker) int {
		return slices.Compare([]string{a.Name, a.ID}, []string{b.Name, b.ID})
	})
}

// allRows asks for a whole list: without a range Cortex gives the first ten rows.
const allRows = "all"

// everything decodes a list that was asked for whole. One that is shorter than
// the server says it is, is an error.
func everything[T any](res *httpx.Response, err error) ([]*T, error) {
	got, err := httpx.JSON[listing[T]](res, err)
	if err != nil {
		return nil, err
	}
	if total, err := strconv.Atoi(res.Header.Get("X-Total")); err == nil && total > got.sent {
		return nil, fmt.Errorf("cortex: %s: %d of %d rows came", res.Endpoint.ID, got.sent, total)
	}
	return got.rows, nil
}

// A listing is what an answer lists. A null, which is no row, is left out.
type listing[T any] struct {
	rows []*T
	sent int // with the nulls
}

// UnmarshalJSON reads a list.
func (l *listing[T]) UnmarshalJSON(b []byte) error {
	if err := jsoncodec.Unmarshal(b, &l.rows); err != nil {
		return err
	}
	l.sent = len(l.rows)
	l.rows = slices.DeleteFunc(l.rows, func(row *T) bool { return row == nil })
	return nil
}
