// Package soc joins ATT&CK with the platforms of a SOC: what an alert, a case
// or a set of techniques means across Wazuh, TheHive, Cortex and MISP.
//
// A platform that isn't configured, or doesn't answer, never makes an answer
// look emptier than it is: every answer says of each platform it asked whether
// it answered, and if not, why.
//
// Experimental: what it exports may still change after v1.
package soc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/recovered"
	"github.com/sallyport-soc/sallyport/internal/settings"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// Config says what to join. ATTACK is required; a nil platform is one that
// isn't configured.
type Config struct {
	ATTACK  *attack.Client  // the facts; required
	Wazuh   *wazuh.Client   // nil: there is none
	TheHive *thehive.Client // nil: there is none
	Cortex  *cortex.Client  // nil: there is none
	MISP    *misp.Client    // nil: there is none
	Guard   *gate.Guard     // the guard of the platforms' clients
}

// envAllowWrites lets the operations that would be dry runs write unasked.
const envAllowWrites = "MITRE_SOC_ALLOW_WRITES"

// ConfigFromEnv makes a client of every platform whose URL is set (WAZUH_URL,
// THEHIVE_URL, CORTEX_URL, MISP_URL), each behind g, and of ATT&CK. It reports all that is
// missing or malformed in any of them at once. What is odd goes to log, which may
// be nil. Responders of Cortex get what they act on from TheHive.
func ConfigFromEnv(g *gate.Guard, log *slog.Logger) (Config, error) {
	c := Config{Guard: g}
	environ := os.Environ()
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var errs []error
	var hive *thehive.Client // once it is made
	kb, err := attack.ConfigFromEnv()
	if err == nil {
		kb.Fetch, kb.Logger = Fetch, log
		c.ATTACK, err = attack.New(kb)
	}
	errs = append(errs, err)
	if settings.Wazuh().Configured(environ) {
		cfg, err := wazuh.ConfigFromEnv()
		if err == nil {
			cfg.Guard, cfg.Logger = g, log
			cfg.Cases.With = casesWith(&hive)
			c.Wazuh, err = wazuh.New(cfg)
		}
		errs = append(errs, err)
	}
	if settings.TheHive().Configured(environ) {
		cfg, err := thehive.ConfigFromEnv()
		if err == nil {
			cfg.Guard, cfg.Logger = g, log
			c.TheHive, err = thehive.New(cfg)
			hive = c.TheHive
		}
		errs = append(errs, err)
	}
	if settings.Cortex().Configured(environ) {
		cfg, err := cortex.ConfigFromEnv()
		if err == nil {
			cfg.Guard, cfg.Logger = g, log
			if c.TheHive != nil {
				cfg.Entity = entities(c.TheHive)
			}
			c.Cortex, err = cortex.New(cfg)
		}
		errs = append(errs, err)
	}
	if settings.MISP().Configured(environ) {
		cfg, err := misp.ConfigFromEnv()
		if err == nil {
			cfg.Guard, cfg.Logger = g, log
			c.MISP, err = misp.New(cfg)
		}
		errs = append(errs, err)
	}
	for _, p := range settings.Platforms() {
		if name := p.Stray(environ); name != "" {
			log.Warn(fmt.Sprintf("%s is set and %s is not: %s is left out", name, p.Settings[0].Name, p.Title))
		}
	}
	return c, errors.Join(errs...)
}

// A Client answers questions that span platforms. It is safe for concurrent use.
type Client struct {
	attack *attack.Client
	wazuh  *wazuh.Client
	hive   *thehive.Client
	cortex *cortex.Client
	misp   *misp.Client
	guard  *gate.Guard
}

// New returns a Client. It doesn't touch the network.
func New(c Config) (*Client, error) {
	if c.ATTACK == nil {
		return nil, errors.New("soc: ATTACK is missing")
	}
	return &Client{attack: c.ATTACK, wazuh: c.Wazuh, hive: c.TheHive, cortex: c.Cortex, misp: c.MISP, guard: c.Guard}, nil
}

// Ops lists every operation of the client with its tier and locks.
func (c *Client) Ops() []gate.Op {
	return gate.InvalidAs(gate.ErrInvalid, footprint.Limit(slices.Concat(
		gate.On(c.guard, upstream("Wazuh", c.wazuh),
			gate.Read("mitre_wazuh_status", c.WazuhStatus,
				"How Wazuh is: version, agents by state, rules loaded, alerts of the last day.").Op(),
			gate.Read("mitre_map_wazuh_alert", c.MapWazuhAlert,
				"Map a Wazuh rule or alert to ATT&CK techniques: the rule's own ids, those of the stock ruleset, else a labelled guess.").Op(),
			gate.Read("mitre_wazuh_rule_coverage", c.WazuhRuleCoverage,
				"Detection coverage of the rules that Wazuh has loaded: techniques and gaps; on request also what alerts and cases named.").Op(),
			gate.Read("mitre_wazuh_alerts", c.WazuhAlerts,
				"List the newest Wazuh alerts with the ATT&CK techniques that they name.").Op(),
		),
		gate.On(c.guard, upstream("TheHive", c.hive),
			gate.Write("mitre_thehive_enrich", c.EnrichCase,
				"Set a case in TheHive beside ATT&CK: its techniques, tactics, mitigations, groups that share them. Writes only with addTags.").
				Plan(c.planEnrichCase).ReadWhen(func(in EnrichCaseInput) bool { return !in.AddTags }).Op(),
			gate.Write("mitre_thehive_create_case", c.CreateCase,
				"Open a case in TheHive for ATT&CK techniques, with observables and a task per tactic.",
				gate.DryRunUnless(envAllowWrites)).Plan(c.planCreateCase).Op(),
			gate.Read("mitre_thehive_list_cases", c.ListCases,
				"List cases of TheHive with the ATT&CK techniques of their tags, by technique or status.").Op(),
		),
		gate.On(c.guard, upstream("Cortex", c.cortex),
			gate.Read("mitre_cortex_analyzer_coverage", c.CortexCoverage,
				"Tell which techniques leave observables of the types that the enabled Cortex analyzers take.").Op(),
			gate.Write("mitre_cortex_run_analyzers", c.RunAnalyzers,
				"Submit an observable to named Cortex analyzers and wait for what they find.",
				gate.Leaves, gate.Settles, gate.DryRunUnless(envAllowWrites)).Plan(c.planRunAnalyzers).Op(),
		),
		gate.On(c.guard, upstream("MISP", c.misp),
			gate.Read("mitre_misp_event_to_attack", c.EventToAttack,
				"What a MISP event means in ATT&CK: techniques and groups of its tags, indicators.").Op(),
			gate.Read("mitre_misp_search_indicators", c.SearchIndicators,
				"Find indicators in MISP that are tagged with an ATT&CK technique or group, or of a type.").Op(),
			gate.Write("mitre_misp_create_event", c.CreateEvent,
				"Make a MISP event for ATT&CK techniques, with values, not published.",
				gate.DryRunUnless(envAllowWrites), gate.ActsOn(CreateEventInput.actsOn)).Plan(c.planCreateEvent).Op(),
			gate.Read("mitre_misp_list_events", c.ListEvents,
				"List MISP events with the ATT&CK techniques of their tags.").Op(),
		),
		gate.On(c.guard, "the SOC",
			gate.Read("mitre_soc_coverage", c.Coverage,
				"Detection coverage: which techniques your Wazuh and Sigma rules cover, which fired lately or are silent, gaps (blind spots) in what named groups use; as table, layer or picture.").Op(),
			gate.Read("soc_evidence_bundle", c.EvidenceBundle,
				"Preserve evidence of an alert in one archive with SHA-256: context, host inventory, files, case, MISP, Cortex, journal.", gate.InParts("fewer agents, or without the caseId")).Op(),
			gate.Read("soc_handover", c.Handover,
				"Shift hand-over: cases, tasks due, unusual alerts, tunings and responses in force, what waits or is unknown.").Op(),
			gate.Read("mitre_soc_status", c.Status,
				"Are all platforms up: whether Wazuh, TheHive, Cortex and MISP answer, if not why, and which ATT&CK is loaded.").Op(),
			gate.Read("mitre_cross_correlate", c.crossCorrelate,
				"Find what Wazuh, TheHive and MISP have on ATT&CK techniques, asked at once; says of each platform whether it answered.").Op(),
		),
	))...)
}

// upstream names what calls go to, and as whom where the client tells.
func upstream[T any](platform string, client *T) string {
	if client == nil {
		return platform + " (not configured)"
	}
	if s, ok := any(client).(fmt.Stringer); ok {
		return s.String()
	}
	return platform
}

// A Standing says how a platform took part in an answer.
type Standing string

// The standings.
const (
	Answered      Standing = "answered"
	Failed        Standing = "failed"
	NotConfigured Standing = "not configured"
)

// Enum lists the values for schemas.
func (Standing) Enum() []any {
	return []any{string(Answered), string(Failed), string(NotConfigured)}
}

// A PlatformStatus says how one platform took part in an answer.
type PlatformStatus struct {
	Platform string   `json:"platform"` // the platform
	Status   Standing `json:"status"`   // whether it answered
	// Why the platform didn't answer.
	Error  string `json:"error,omitempty"`
	Detail string `json:"detail,omitempty"` // why it didn't
	// Milliseconds until all that was asked of it had come; platforms are asked at once.
	TookMS int64 `json:"tookMs,omitempty"`
}

// standing says how a platform took part that was asked for so long.
func standing(platform string, configured bool, err error, asked time.Duration) PlatformStatus {
	s := PlatformStatus{Platform: platform, Status: Answered, TookMS: max(1, asked.Milliseconds())}
	switch {
	case !configured:
		return PlatformStatus{Platform: platform, Status: NotConfigured}
	case err != nil:
		s.Status, s.Error = Failed, err.Error()
	}
	return s
}

// A part is what an answer asks of a platform, if that is configured.
type part struct {
	platform   string
	configured bool
	ask        func() error
}

// together asks for all parts at once. It returns the error of each, and of each platform,
// in the order of its first part, how it took part.
func together(parts ...part) (platforms []PlatformStatus, errs []error) {
	asks := make([]func() error, len(parts))
	took := make([]time.Duration, len(parts))
	for i, p := range parts {
		asks[i] = func() error {
			if !p.configured {
				return nil
			}
			began := time.Now()
			defer func() { took[i] = time.Since(began) }()
			return p.ask()
		}
	}
	errs = recovered.Together(asks...)
	for i, p := range parts {
		if slices.ContainsFunc(platforms, func(s PlatformStatus) bool { return s.Platform == p.platform }) {
			continue
		}
		var failed []error
		longest := took[i]
		for j, other := range parts {
			if other.platform == p.platform {
				failed, longest = append(failed, errs[j]), max(longest, took[j])
			}
		}
		platforms = append(platforms, standing(p.platform, p.configured, errors.Join(failed...), longest))
	}
	return platforms, errs
}

// ErrNotConfigured means that an operation needs a platform of which the [Config] has
// no client. The error names it.
var ErrNotConfigured = errors.New("soc: the platform is not configured")

// errNoHive means that an operation needs TheHive.
var errNoHive = connect.Like(ErrNotConfigured, "soc: TheHive is not configured")

// A Technique is an ATT&CK technique in an answer.
type Technique struct {
	ID      string       `json:"id"`      // its id
	Name    string       `json:"name"`    // its name
	Tactics []attack.Ref `json:"tactics"` // its tactics
	// Where the mapping comes from.
	Source Source `json:"source"`
	// The revoked id that was asked for.
	RedirectedFrom string `json:"redirectedFrom,omitempty"`
	// Of a guess: how many of 100 guesses like it were right, on rules not learned from.
	Score int `json:"score,omitempty"`
	// Of a guess.
	Confidence attack.Confidence `json:"confidence,omitempty"`
	// Of a weak guess: what to know of it.
	Reason string `json:"reason,omitempty"`
	// Of a guess: which words led to it.
	Words []string `json:"words,omitempty"`
	// Up to three.
	Mitigations []attack.Ref `json:"mitigations"`
}

// A Source says where the mapping to a technique comes from.
type Source string

// The sources, from the surest to the least sure.
const (
	FromInput     Source = "input"         // the caller named it
	FromRule      Source = "rule"          // the rule, as this Wazuh has it
	FromAlert     Source = "alert"         // the alert itself
	FromTag       Source = "tag"           // a tag of the case
	FromProcedure Source = "procedure"     // a procedure recorded in the case
	FromText      Source = "text"          // an id in the case's title or description
	FromStock     Source = "stock ruleset" // the rule, as Wazuh ships it
	FromGuess     Source = "guess"         // words that fit; no fact
)

// Enum lists the values for schemas.
func (Source) Enum() []any {
	return []any{string(FromInput), string(FromRule), string(FromAlert), string(FromTag), string(FromProcedure), string(FromText), string(FromStock), string(FromGuess)}
}

const maxMitigations = 3

func describe(t *attack.Technique, from string, source Source) Technique {
	out := Technique{ID: t.ID, Name: t.Name, Source: source, RedirectedFrom: from, Tactics: []attack.Ref{}, Mitigations: []attack.Ref{}}
	for _, ta := range t.Tactics() {
		out.Tactics = append(out.Tactics, attack.Ref{ID: ta.ID, Name: ta.Name})
	}
	for i, m := range t.Mitigations() {
		if i == maxMitigations {
			break
		}
		out.Mitigations = append(out.Mitigations, attack.Ref{ID: m.ID, Name: m.Name})
	}
	return out
}

// mapped is what ids mean, over all sources.
type mapped struct {
	kb         *attack.KB
	techniques []Technique
	tactics    []attack.Ref
	unknown    []string
	why        []string // what is known of the unknown ones
	variables  []string // ids such as $(threat.id), which the platform left as they are
}

// lookup is what ids of one source mean.
func lookup(kb *attack.KB, ids []string, source Source) mapped {
	m := mapped{kb: kb}
	m.add(ids, source)
	return m
}

// add looks up ids of one source. What was there before stays as it is.
func (m *mapped) add(ids []string, source Source) {
	for _, id := range ids {
		if strings.HasPrefix(id, "$(") {
			m.variables = appendNew(m.variables, id)
			continue
		}
		t, from, err := m.kb.Resolve(id)
		if err == nil {
			if !slices.ContainsFunc(m.techniques, func(have Technique) bool { return have.ID == t.ID }) {
				m.techniques = append(m.techniques, describe(t, from, source))
			}
			continue
		}
		if ta, _, err := m.kb.ResolveTactic(id); err == nil {
			if r := (attack.Ref{ID: ta.ID, Name: ta.Name}); !slices.Contains(m.tactics, r) {
				m.tactics = append(m.tactics, r)
			}
			continue
		}
		m.unknown = appendNew(m.unknown, id)
		var missing *attack.NotFoundError
		if errors.As(err, &missing) && missing.Why != "" {
			m.why = appendNew(m.why, missing.Why)
		}
	}
}

// refs names the techniques.
func (m *mapped) refs() []attack.Ref {
	out := make([]attack.Ref, len(m.techniques))
	for i, t := range m.techniques {
		out[i] = attack.Ref{ID: t.ID, Name: t.Name}
	}
	return out
}

// note says what is known of the unknown ids and of variables, behind what is said already.
func (m *mapped) note(text string) string {
	said := slices.Clone(m.why)
	for _, v := range m.variables {
		said = append(said, v+" is a variable that the rule was to fill in, not an id")
	}
	if text != "" {
		said = append([]string{text}, said...)
	}
	return strings.Join(said, "; ")
}

// known looks up the ids of a write, or of one thing to look for. Any that ATT&CK doesn't have is an error.
func known(kb *attack.KB, ids []string) ([]*attack.Technique, error) {
	r, err := kb.ResolveAll(ids)
	if err == nil {
		err = r.Missing(kb)
	}
	if err != nil {
		return nil, fmt.Errorf("techniques: %w", err)
	}
	return r.Techniques, nil
}

// A GroupOverlap is a group that is known to use some of the techniques asked about.
type GroupOverlap struct {
	ID   string `json:"id"`   // its id
	Name string `json:"name"` // its name
	// The techniques that the group is known to use.
	Shared []string `json:"shared"`
	// How many techniques the group is known to use in all.
	Uses int `json:"uses"`
	// How well it fits, 0 to 100; sizes count.
	Score int `json:"score"`
}

const maxGroups = 5

// overlap returns the groups that fit the techniques best. It is a lead, not an
// attribution.
func overlap(kb *attack.KB, techniques []*attack.Technique) []GroupOverlap {
	list := []GroupOverlap{}
	for _, m := range kb.GroupsLike(techniques, maxGroups).Items {
		g := GroupOverlap{ID: m.ID, Name: m.Name, Uses: m.Uses, Score: m.Score}
		for _, r := range m.Shared {
			g.Shared = append(g.Shared, r.ID)
		}
		list = append(list, g)
	}
	return list
}

// kb returns the knowledge base.
func (c *Client) kb(ctx context.Context) (*attack.KB, error) { return c.attack.KB(ctx) }
