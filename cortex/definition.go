package cortex

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/analysis"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/resume"
	"github.com/sallyport-soc/sallyport/internal/secret"
)

// A Definition is an analyzer or a responder that the server has, enabled or not.
type Definition struct {
	// To enable it by.
	ID          string `json:"id"`
	Name        string `json:"name"`                  // its name
	Version     string `json:"version"`               // its version
	Description string `json:"description,omitempty"` // what it does
	// What it takes.
	DataTypes []string `json:"dataTypeList"`
	Author    string   `json:"author,omitempty"`  // who wrote it
	License   string   `json:"license,omitempty"` // the licence it comes under
	// The service whose settings it uses.
	BaseConfig  string `json:"baseConfig,omitempty"`
	DockerImage string `json:"dockerImage,omitempty"` // the image it runs in
	// Whether it has a setting that must be given.
	RequiresConfig bool         `json:"requiresConfig"`
	Config         []ConfigItem `json:"configFields"` // what can be set
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`
}

// A ConfigItem is a setting of a [Definition]. Its default is left out: it can
// be a secret.
type ConfigItem struct {
	Name string `json:"name"` // its name
	// string, text, number or boolean.
	Type string `json:"type"`
	// Whether it is a list.
	Multi      bool `json:"multi,omitempty"`
	Required   bool `json:"required,omitempty"`   // whether it must be set
	HasDefault bool `json:"hasDefault,omitempty"` // whether it has a value of its own
	// Whether only the operator can give it.
	Secret      bool   `json:"secret,omitempty"`
	Description string `json:"description,omitempty"` // what it is for
}

// ListDefinitionsInput says which definitions to list.
type ListDefinitionsInput struct {
	// For responders thehive:case or case, and so on.
	DataType string `json:"dataType,omitempty" maxLength:"64"`
	// Those that need no setting.
	FreeOnly bool `json:"freeOnly,omitempty"`
	// In name or description.
	Search string `json:"search,omitempty" alias:"query" maxLength:"128"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many to return at most
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"1000000"`         // how many to skip
}

// ListAnalyzerDefinitionsInput is the input of [Client.ListAnalyzerDefinitions].
type ListAnalyzerDefinitionsInput struct{ ListDefinitionsInput }

// ListResponderDefinitionsInput is the input of [Client.ListResponderDefinitions].
type ListResponderDefinitionsInput struct{ ListDefinitionsInput }

// Validate checks what a schema can't.
func (in *ListDefinitionsInput) Validate() error {
	err := checkLimit(in.Limit, 500)
	if in.Offset < 0 {
		err = errors.Join(err, invalid("offset %d: want at least 0", in.Offset))
	}
	return err
}

// A DefinitionPage is a part of a list of definitions, sorted by name.
type DefinitionPage struct {
	Definitions []*Definition `json:"definitions"` // the definitions
	// How many match in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// The offset to go on with; absent at the end.
	Next *int `json:"next,omitempty"`
	// Why the list is empty.
	Note string `json:"note,omitempty"`
}

// ListAnalyzerDefinitions returns the analyzers that the server has, enabled or
// not. It is asked as the superadmin, if there is such a key.
//
// Cortex: GET /api/analyzerdefinition
func (c *Client) ListAnalyzerDefinitions(ctx context.Context, in ListAnalyzerDefinitionsInput) (*DefinitionPage, error) {
	return c.listDefinitions(ctx, analyzers, in.ListDefinitionsInput)
}

// ListResponderDefinitions returns the responders that the server has, enabled
// or not. It is asked as the superadmin, if there is such a key.
//
// Cortex: GET /api/responderdefinition
func (c *Client) ListResponderDefinitions(ctx context.Context, in ListResponderDefinitionsInput) (*DefinitionPage, error) {
	return c.listDefinitions(ctx, responders, in.ListDefinitionsInput)
}

// A kind of worker.
type kind string

const (
	analyzers  kind = "analyzer"
	responders kind = "responder"
)

func (c *Client) listDefinitions(ctx context.Context, k kind, in ListDefinitionsInput) (*DefinitionPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	all, match, err := c.matchingDefinitions(ctx, k, in)
	if err != nil {
		return nil, err
	}
	p := &DefinitionPage{Definitions: []*Definition{}, Total: len(match), Offset: in.Offset}
	from := min(in.Offset, len(match))
	to := min(from+in.Limit, len(match))
	p.Definitions = append(p.Definitions, match[from:to]...)
	if to < len(match) {
		p.Next = &to
	}
	switch {
	case all == 0:
		p.Note = fmt.Sprintf("the server has no %s at all: its catalogues may not be set up", k)
	case len(match) == 0:
		p.Note = fmt.Sprintf("none of %s matches", count(all, string(k)))
	}
	return p, nil
}

// AnalyzerDefinitions returns an iterator over every analyzer that the server has and
// in matches, by name, from in.Offset on. Cortex gives all in one answer, so that
// in.Limit doesn't count.
func (c *Client) AnalyzerDefinitions(ctx context.Context, in ListAnalyzerDefinitionsInput) iter.Seq2[*Definition, error] {
	return c.everyDefinition(ctx, analyzers, in.ListDefinitionsInput)
}

// ResponderDefinitions returns an iterator over every responder that the server has
// and in matches, by name, from in.Offset on. Cortex gives all in one answer, so that
// in.Limit doesn't count.
func (c *Client) ResponderDefinitions(ctx context.Context, in ListResponderDefinitionsInput) iter.Seq2[*Definition, error] {
	return c.everyDefinition(ctx, responders, in.ListDefinitionsInput)
}

func (c *Client) everyDefinition(ctx context.Context, k kind, in ListDefinitionsInput) iter.Seq2[*Definition, error] {
	if err := input.PrepareWalk(&in, &in.Limit, 500, ErrInvalid); err != nil {
		return paging.Failed[*Definition](err)
	}
	_, resumed := resume.Asked(ctx)
	return paging.AtOnce(ctx, func(d *Definition) string { return d.ID }, func(ctx context.Context) ([]*Definition, error) {
		_, match, err := c.matchingDefinitions(ctx, k, in)
		if resumed {
			return match, err
		}
		return match[min(in.Offset, len(match)):], err
	})
}

// matchingDefinitions returns the definitions that in matches, of how many.
func (c *Client) matchingDefinitions(ctx context.Context, k kind, in ListDefinitionsInput) (of int, match []*Definition, err error) {
	all, err := c.definitions(ctx, k)
	if err != nil {
		return 0, nil, err
	}
	search := strings.ToLower(strings.TrimSpace(in.Search))
	for _, d := range all {
		switch {
		case !takesType(d.DataTypes, in.DataType) && (d.Unread == "" || len(d.DataTypes) > 0), in.FreeOnly && d.RequiresConfig,
			!strings.Contains(strings.ToLower(d.Name+"\n"+d.Description), search):
		default:
			match = append(match, d)
		}
	}
	return len(all), match, nil
}

// takesType reports whether a worker with these types takes t, or t of TheHive.
// An empty t asks for nothing.
func takesType(types []string, t string) bool {
	t = strings.TrimSpace(t)
	return t == "" || slices.ContainsFunc(types, func(x string) bool { return strings.EqualFold(x, t) || strings.EqualFold(x, "thehive:"+t) })
}

// definitions returns every definition, sorted by name.
func (c *Client) definitions(ctx context.Context, k kind) ([]*Definition, error) {
	w := c.wire
	if c.super != nil {
		w = c.super
	}
	ask := w.ListAnalyzerDefinitions
	if k == responders {
		ask = w.ListResponderDefinitions
	}
	got, err := httpx.JSON[listing[row[wire.Definition]]](ask(ctx))
	if err != nil {
		return nil, err
	}
	list := make([]*Definition, len(got.rows))
	for i, d := range got.rows {
		list[i] = newDefinition(d.it)
		list[i].Unread = d.unread
	}
	slices.SortFunc(list, func(a, b *Definition) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return list, nil
}

func newDefinition(d wire.Definition) *Definition {
	out := &Definition{
		ID: d.ID, Name: d.Name, Version: d.Version, Description: d.Description, DataTypes: append([]string{}, d.DataTypeList...),
		Author: d.Author, License: d.License, BaseConfig: d.BaseConfig, DockerImage: d.DockerImage, Config: []ConfigItem{},
	}
	for _, x := range d.ConfigurationItems {
		item := ConfigItem{
			Name: x.Name, Type: string(x.Type), Multi: x.Multi, Required: x.Required, Description: x.Description,
			HasDefault: len(x.DefaultValue) > 0 && string(x.DefaultValue) != "null",
		}
		item.Secret = item.secret()
		out.Config = append(out.Config, item)
		out.RequiresConfig = out.RequiresConfig || x.Required
	}
	return out
}

// global are the settings that every worker has beside its own, and every
// analyzer beside those.
var global = map[kind][]ConfigItem{
	analyzers:  append([]ConfigItem{{Name: "auto_extract_artifacts", Type: "boolean"}, {Name: "jobCache", Type: "number"}}, shared...),
	responders: shared,
}

var shared = []ConfigItem{
	{Name: "proxy_http", Type: "string", Secret: true}, {Name: "proxy_https", Type: "string", Secret: true}, {Name: "cacerts", Type: "text", Secret: true},
	{Name: "jobTimeout", Type: "number"},
	{Name: "check_tlp", Type: "boolean"}, {Name: "max_tlp", Type: "number"}, {Name: "check_pap", Type: "boolean"}, {Name: "max_pap", Type: "number"},
}

// item returns the setting of this name.
func (d *Definition) item(k kind, name string) (ConfigItem, bool) {
	for _, x := range append(slices.Clone(d.Config), global[k]...) {
		if x.Name == name {
			return x, true
		}
	}
	return ConfigItem{}, false
}

// settings are the names of all that d can be configured with.
func (d *Definition) settings(k kind) (names []string) {
	for _, x := range append(slices.Clone(d.Config), global[k]...) {
		names = append(names, x.Name)
	}
	return names
}

// A RateUnit is the time in which a worker may run a number of jobs.
type RateUnit string

// Enum lists the values for schemas.
func (RateUnit) Enum() []any { return []any{"Second", "Minute", "Hour", "Day", "Month"} }

// EnableInput says how to enable an analyzer or a responder.
type EnableInput struct {
	DefinitionID string `json:"definitionId" alias:"id" pattern:"^[0-9A-Za-z][0-9A-Za-z_.-]{0,127}$"` // what to enable
	// Its settings, but no secrets: the operator has them in a file.
	Configuration map[string]json.RawMessage `json:"configuration,omitempty"`
	// Jobs in each rateUnit; 0: no limit.
	Rate     *int     `json:"rate,omitempty" minimum:"0"`
	RateUnit RateUnit `json:"rateUnit,omitempty"` // the time that the rate is counted in
}

// EnableAnalyzerInput is the input of [Client.EnableAnalyzer].
type EnableAnalyzerInput struct {
	EnableInput
	// Minutes that an answer is given again.
	JobCache *int `json:"jobCache,omitempty" minimum:"0"`
}

// EnableResponderInput is the input of [Client.EnableResponder].
type EnableResponderInput struct{ EnableInput }

// SetDefaults fills the fields left at zero.
func (in *EnableInput) SetDefaults() {
	if in.Rate == nil {
		rate := 100
		in.Rate = &rate
	}
	if in.RateUnit == "" {
		in.RateUnit = "Day"
	}
}

// SetDefaults fills the fields left at zero.
func (in *EnableAnalyzerInput) SetDefaults() {
	in.EnableInput.SetDefaults()
	if in.JobCache == nil {
		cache := 10
		in.JobCache = &cache
	}
}

// Validate checks what a schema can't.
func (in *EnableInput) Validate() error {
	var errs []error
	if in.DefinitionID == "" {
		errs = append(errs, invalid("definitionId is empty"))
	}
	for _, name := range slices.Sorted(maps.Keys(in.Configuration)) {
		v := in.Configuration[name]
		if secret.CortexSettings.Name(name) && !analysis.Harmless(v) || string(analysis.Redact(v)) != string(v) || strings.Contains(string(v), "://") && secret.Text(string(v)) != string(v) {
			errs = append(errs, onlyOperator(name))
		}
	}
	if in.Rate != nil && *in.Rate < 0 {
		errs = append(errs, invalid("rate %d: want at least 0", *in.Rate))
	}
	if in.RateUnit != "" && !slices.Contains(RateUnit("").Enum(), any(string(in.RateUnit))) {
		errs = append(errs, invalid("rateUnit %q: want Second, Minute, Hour, Day or Month", clip.Text(string(in.RateUnit), 80)))
	}
	return errors.Join(errs...)
}

// Validate checks what a schema can't.
func (in *EnableAnalyzerInput) Validate() error {
	err := in.EnableInput.Validate()
	if in.JobCache != nil && *in.JobCache < 0 {
		err = errors.Join(err, invalid("jobCache %d: want at least 0 minutes", *in.JobCache))
	}
	return err
}

// onlyOperator refuses a setting that may be a secret.
func onlyOperator(name string) error {
	return invalid("configuration.%s may hold a secret: whoever approves would see it and the journal would keep it. The operator puts it into a file of CORTEX_SECRETS_DIR; leave it out", clip.Text(name, 80))
}

// notEnabled is the error that a worker of this name is enabled already, which
// Cortex would refuse with a conflict.
func (c *Client) notEnabled(ctx context.Context, k kind, name string) error {
	ask := c.analyzers
	if k == responders {
		ask = c.responders
	}
	all, err := ask(ctx)
	switch {
	case errors.Is(err, ErrForbidden): // an orgadmin without the role read can enable and not list
		return nil
	case err != nil:
		return err
	}
	for _, w := range all {
		if w.Name == "" && w.Unread != "" {
			return fmt.Errorf("cortex: the %s %s cannot be read, which may be %s: %s", k, w.ID, name, w.Unread)
		}
		if w.Name == name {
			return fmt.Errorf("%w: the %s %s is enabled already, with the id %s; disable it first to configure it anew", ErrExists, k, name, w.ID)
		}
	}
	return nil
}

// An EnabledWorker is an analyzer or responder that was enabled or disabled.
type EnabledWorker struct {
	ID        string   `json:"id"`                     // its id
	Name      string   `json:"name"`                   // its name
	Version   string   `json:"version,omitempty"`      // its version
	DataTypes []string `json:"dataTypeList,omitempty"` // the types of observables it takes
	Message   string   `json:"message"`                // what is said of it
}

// EnableAnalyzer enables an analyzer in the organisation of the key. What its
// configuration needs and no caller may know is read from [Config].SecretsDir.
//
// Cortex: GET /api/analyzerdefinition, POST /api/organization/analyzer/{definitionId}
func (c *Client) EnableAnalyzer(ctx context.Context, in EnableAnalyzerInput) (*EnabledWorker, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	s, err := c.setting(ctx, analyzers, in.EnableInput)
	if err != nil {
		return nil, err
	}
	defer c.kept.Drop()
	return enabled(worker(c.wire.EnableAnalyzer(ctx, s.definition.ID, wire.EnableAnalyzer{
		Name: s.definition.ID, Configuration: s.values, Rate: *in.Rate, RateUnit: string(in.RateUnit), JobCache: *in.JobCache,
	})))
}

// EnableResponder enables a responder in the organisation of the key. What its
// configuration needs and no caller may know is read from [Config].SecretsDir.
//
// Cortex: GET /api/responderdefinition, POST /api/organization/responder/{definitionId}
func (c *Client) EnableResponder(ctx context.Context, in EnableResponderInput) (*EnabledWorker, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	s, err := c.setting(ctx, responders, in.EnableInput)
	if err != nil {
		return nil, err
	}
	return enabled(worker(c.wire.EnableResponder(ctx, s.definition.ID, wire.EnableResponder{
		Name: s.definition.ID, Configuration: s.values, Rate: *in.Rate, RateUnit: string(in.RateUnit),
	})))
}

func enabled(w *Worker, err error) (*EnabledWorker, error) {
	if err != nil {
		return nil, err
	}
	return &EnabledWorker{ID: w.ID, Name: w.Name, Version: w.Version, DataTypes: w.DataTypes, Message: w.Name + " is enabled"}, nil
}

// setting is a definition with the configuration that it would get.
type setting struct {
	definition *Definition
	values     map[string]json.RawMessage
	kept       []string // the names of those that the operator keeps
}

// setting puts together what in asks for. A plan and its execution both come
// from here.
func (c *Client) setting(ctx context.Context, k kind, in EnableInput) (*setting, error) {
	all, err := c.definitions(ctx, k)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(d *Definition) bool { return d.ID == in.DefinitionID })
	if i < 0 {
		return nil, fmt.Errorf("%w: %s definition %q", ErrNotFound, k, clip.Text(in.DefinitionID, 80))
	}
	if why := all[i].Unread; why != "" {
		return nil, fmt.Errorf("cortex: the %s definition %s cannot be read: %s", k, in.DefinitionID, why)
	}
	s := &setting{definition: all[i], values: map[string]json.RawMessage{}}
	if err := c.notEnabled(ctx, k, s.definition.ID); err != nil {
		return nil, err
	}
	kept, err := c.secrets(k, s.definition)
	if err != nil {
		return nil, err
	}
	s.kept = slices.Sorted(maps.Keys(kept))
	maps.Copy(s.values, in.Configuration)
	maps.Copy(s.values, kept)
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		x, ok := s.definition.item(k, name)
		_, operator := kept[name]
		switch {
		case !ok:
			errs = append(errs, invalid("configuration.%s: %s has no such setting; it has %s", clip.Text(name, 80), s.definition.ID, some(s.definition.settings(k))))
		case !operator && x.Secret && !analysis.Harmless(s.values[name]):
			errs = append(errs, onlyOperator(name))
		case string(bytes.TrimSpace(s.values[name])) == "null" && !x.Required: // not given
			delete(s.values, name)
		case !x.fits(s.values[name]):
			errs = append(errs, invalid("configuration.%s: want %s", name, x.describe()))
		}
	}
	for _, x := range s.definition.Config {
		_, given := s.values[x.Name]
		switch {
		case given || !x.Required || x.HasDefault:
		case x.Secret:
			errs = append(errs, fmt.Errorf("%w: %s needs %s, which only the operator can give", ErrNotConfigured, s.definition.ID, x.Name))
		default:
			errs = append(errs, invalid("configuration.%s is missing", x.Name))
		}
	}
	return s, errors.Join(errs...)
}

// fits reports whether v can be a value of x.
func (x ConfigItem) fits(v json.RawMessage) bool {
	if x.Multi {
		var list []json.RawMessage
		if json.Unmarshal(v, &list) != nil {
			return false
		}
		one := x
		one.Multi = false
		return !slices.ContainsFunc(list, func(v json.RawMessage) bool { return !one.fits(v) })
	}
	var got any
	if json.Unmarshal(v, &got) != nil {
		return false
	}
	switch got.(type) {
	case string:
		return x.Type == "string" || x.Type == "text"
	case float64:
		return x.Type == "number"
	case bool:
		return x.Type == "boolean"
	}
	return false
}

func (x ConfigItem) describe() string {
	what := x.Type
	if what == "text" {
		what = "string"
	}
	if x.Multi {
		return "a list of " + what + "s"
	}
	return "a " + what
}

// secrets reads what the operator keeps for d: for its service, then for itself.
// An error names the file's purpose and nothing of its content.
func (c *Client) secrets(k kind, d *Definition) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	if c.secretsDir == "" {
		return all, nil
	}
	root, err := os.OpenRoot(c.secretsDir)
	if err != nil {
		return nil, fmt.Errorf("%w: the directory for the secrets of workers can't be opened", ErrNotConfigured)
	}
	defer root.Close()
	for _, name := range []string{d.BaseConfig, d.ID} {
		if name == "" || httpx.CheckSegment(name) != nil {
			continue
		}
		b, err := fs.ReadFile(root.FS(), name+".json")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var values map[string]json.RawMessage
		if err != nil || json.Unmarshal(b, &values) != nil {
			return nil, fmt.Errorf("%w: the secrets for %s can't be read as a JSON object", ErrNotConfigured, name)
		}
		for item, v := range values {
			if _, ok := d.item(k, item); ok || name == d.ID { // a service has settings that not every worker knows
				all[item] = v
			}
		}
	}
	return all, nil
}

func (c *Client) planEnableAnalyzer(ctx context.Context, in EnableAnalyzerInput) (gate.Plan, error) {
	p, err := c.planEnable(ctx, analyzers, in.EnableInput)
	if err == nil {
		p.Changes = append(p.Changes, gate.Set("job cache", fmt.Sprintf("%d minutes", *in.JobCache)))
	}
	return p, err
}

func (c *Client) planEnableResponder(ctx context.Context, in EnableResponderInput) (gate.Plan, error) {
	return c.planEnable(ctx, responders, in.EnableInput)
}

func (c *Client) planEnable(ctx context.Context, k kind, in EnableInput) (gate.Plan, error) {
	s, err := c.setting(ctx, k, in)
	if err != nil {
		return gate.Plan{}, err
	}
	d := s.definition
	p := gate.Plan{
		Summary: fmt.Sprintf("Enable the %s %s in Cortex.", k, d.Name),
		Targets: []gate.Target{{Kind: string(k), ID: d.ID, Name: d.Name, Version: d.Version}},
		Changes: []gate.Change{gate.Set("what it does", d.Description), gate.Set("takes", some(d.DataTypes))},
		Undo:    fmt.Sprintf("Disable it (cortex_disable_%s).", k),
	}
	if d.DockerImage != "" {
		p.Changes = append(p.Changes, gate.Set("image", d.DockerImage))
	}
	for _, name := range slices.Sorted(maps.Keys(in.Configuration)) {
		if !slices.Contains(s.kept, name) {
			p.Changes = append(p.Changes, gate.Set("configuration."+name, string(in.Configuration[name])))
		}
	}
	for _, name := range s.kept {
		p.Changes = append(p.Changes, gate.Set("configuration."+name, "as the operator keeps it"))
	}
	p.Changes = append(p.Changes, gate.Set("rate", fmt.Sprintf("%d per %s", *in.Rate, in.RateUnit)))
	if *in.Rate == 0 {
		p.Warnings = append(p.Warnings, "with a rate of 0 it runs nothing")
	}
	return p, nil
}

// DisableAnalyzerInput is the input of [Client.DisableAnalyzer].
type DisableAnalyzerInput struct {
	AnalyzerID string `json:"analyzerId" alias:"id"` // the analyzer
	gate.Confirmation
}

// DisableResponderInput is the input of [Client.DisableResponder].
type DisableResponderInput struct {
	ResponderID string `json:"responderId" alias:"id"` // the responder
	gate.Confirmation
}

// DisableAnalyzer disables an analyzer in the organisation. Its configuration
// is lost.
//
// Cortex: GET /api/analyzer/{id}, DELETE /api/analyzer/{id}
func (c *Client) DisableAnalyzer(ctx context.Context, in DisableAnalyzerInput) (*EnabledWorker, error) {
	w, err := worker(c.wire.GetAnalyzer(ctx, in.AnalyzerID))
	if err != nil {
		return nil, err
	}
	defer c.kept.Drop()
	return disabled(w, httpx.Done(c.wire.DisableAnalyzer(ctx, w.ID)))
}

// DisableResponder disables a responder in the organisation. Its configuration
// is lost.
//
// Cortex: GET /api/responder/{id}, DELETE /api/responder/{id}
func (c *Client) DisableResponder(ctx context.Context, in DisableResponderInput) (*EnabledWorker, error) {
	w, err := worker(c.wire.GetResponder(ctx, in.ResponderID))
	if err != nil {
		return nil, err
	}
	return disabled(w, httpx.Done(c.wire.DisableResponder(ctx, w.ID)))
}

func disabled(w *Worker, err error) (*EnabledWorker, error) {
	if err != nil {
		return nil, err
	}
	return &EnabledWorker{ID: w.ID, Name: w.Name, Version: w.Version, Message: w.Name + " is disabled and its configuration deleted"}, nil
}

func (c *Client) planDisableAnalyzer(ctx context.Context, in DisableAnalyzerInput) (gate.Plan, error) {
	w, err := worker(c.wire.GetAnalyzer(ctx, in.AnalyzerID))
	return planDisable(w, err)
}

func (c *Client) planDisableResponder(ctx context.Context, in DisableResponderInput) (gate.Plan, error) {
	w, err := worker(c.wire.GetResponder(ctx, in.ResponderID))
	return planDisable(w, err)
}

func planDisable(w *Worker, err error) (gate.Plan, error) {
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary:  fmt.Sprintf("Disable the %s %s in Cortex.", w.Type, w.Name),
		Targets:  []gate.Target{w.target()},
		Warnings: []string{"its configuration is deleted, with the keys in it"},
	}, nil
}
