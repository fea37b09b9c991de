package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/secret"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// LogLevel is how grave a line of the manager's log is.
type LogLevel string

// Enum lists the values for schemas.
func (LogLevel) Enum() []any {
	return []any{"info", "warning", "error", "critical", "debug", "debug2"}
}

// A LogLine is a line of the manager's log.
type LogLine struct {
	Timestamp time.Time `json:"timestamp,format:'2006-01-02T15:04:05-07:00'"` // when it was written
	// The daemon, and the module after a colon.
	Tag   string   `json:"tag"`
	Level LogLevel `json:"level"` // its level
	// Absent unless asked for.
	Description string `json:"description,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// GetManagerLogsInput is the input of [Client.GetManagerLogs].
type GetManagerLogsInput struct {
	Level LogLevel `json:"level,omitempty"` // only of this level
	// Such as wazuh-modulesd or syscollector.
	Tag    string `json:"tag,omitempty" minLength:"1" maxLength:"128"`
	Search string `json:"search,omitempty" minLength:"1" maxLength:"256"`         // only those that this is in
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"25"` // how many to return at most
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
	// The messages themselves.
	IncludeDescription bool `json:"include_description,omitempty"`
	// Of this cluster node.
	Node string `json:"node,omitempty" maxLength:"64"`
}

// A LogPage is one page of the manager's log.
type LogPage struct {
	Logs []*LogLine `json:"logs"` // the lines
	// The cluster node whose log it is.
	Node string `json:"node,omitempty"`
	// Whether messages were asked for.
	DescriptionIncluded bool `json:"description_included"`
	Paging
}

var nodeName = lazyregexp.New(`^[A-Za-z0-9_.-]{1,64}$`)

// GetManagerLogs returns one page of the manager's log, or of that of another node
// of its cluster, the newest line first. A node that isn't there is [ErrNotFound].
// Wazuh reads no further back than the last 2000 lines.
//
// Wazuh: GET /manager/logs; of a node, and in Wazuh 5, /cluster/{node_id}/logs
func (c *Client) GetManagerLogs(ctx context.Context, in GetManagerLogsInput) (*LogPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.getManagerLogs(ctx, in)
}

func (c *Client) getManagerLogs(ctx context.Context, in GetManagerLogsInput) (*LogPage, error) {
	if err := checkSearch(in.Search); err != nil {
		return nil, err
	}
	params := wire.ListManagerLogsParams{
		Offset: in.Offset, Limit: in.Limit, Level: string(in.Level), Search: in.Search, Sort: "-timestamp", Select: []string{"timestamp", "tag", "level"},
	}
	if in.Tag != "" {
		if err := checkName("tag", in.Tag); err != nil {
			return nil, err
		}
		params.Q = "tag~" + strings.ToLower(in.Tag) // the parameter tag would ask for the whole of it
	}
	if in.IncludeDescription {
		params.Select = append(params.Select, "description")
	}
	node := in.Node
	if node != "" && !nodeName.MatchString(node) || strings.Trim(node, ".") == "" && node != "" {
		return nil, invalid("node %q: want the name of a cluster node, such as master-node", clip.Text(node, shownBytes))
	}
	if node == "" {
		var err error
		if node, _, err = c.node(ctx); err != nil {
			return nil, err
		}
	}
	if _, older, err := c.before4(ctx, 6); err != nil {
		return nil, err
	} else if older {
		params.Select = nil // isn't known there
	}
	var res *httpx.Response
	var err error
	if node == "" {
		res, err = c.wire.ListManagerLogs(withSession(ctx), params)
	} else {
		res, err = c.wire.ListNodeLogs(withSession(ctx), node, wire.ListNodeLogsParams(params))
	}
	r, err := list[*LogLine](res, err)
	if err != nil {
		return nil, err
	}
	for _, l := range r.items {
		if l.Description = secret.Text(strings.TrimSpace(l.Description)); !in.IncludeDescription {
			l.Description = ""
		}
	}
	return &LogPage{Logs: r.items, Node: node, DescriptionIncluded: in.IncludeDescription, Paging: r.paging(in.Offset)}, nil
}

// ManagerLogs returns an iterator over every line of the manager's log that in
// matches, the newest first, from in.Offset on, each once: all are read before the
// first is handed out, and of lines that are alike to the last letter one is. in.Limit
// is how many it fetches at a time, 500 unless given.
func (c *Client) ManagerLogs(ctx context.Context, in GetManagerLogsInput) iter.Seq2[*LogLine, error] {
	type line struct {
		at               time.Time
		tag, description string
		level            LogLevel
	}
	with := in
	with.IncludeDescription = true // without it most lines of a second are alike
	return func(yield func(*LogLine, error) bool) {
		for l, err := range walkRows(ctx, with, pageRows, c.getManagerLogs, func(p *LogPage) ([]*LogLine, Paging) { return p.Logs, p.Paging },
			func(l *LogLine) line { return line{l.Timestamp, l.Tag, l.Description, l.Level} }) {
			if l != nil && !in.IncludeDescription {
				l.Description = ""
			}
			if !yield(l, err) {
				return
			}
		}
	}
}

// node returns the name of the node whose logs and configuration are meant: of a Wazuh
// 5 the one that answers. For a Wazuh 4 it is empty, unless several nodes share the
// address: then it is the master, since another may answer each time.
func (c *Client) node(ctx context.Context) (name string, five bool, err error) {
	five, err = c.five(ctx)
	switch {
	case err != nil || !five && !c.session.several():
		return "", five, err
	case !five:
		names, err := c.nodes(ctx)
		if err != nil {
			return "", five, fmt.Errorf("wazuh: several nodes share the address, and which is the master is not known: %w", err)
		}
		return strings.Join(names[:min(len(names), 1)], ""), five, nil
	}
	n, err := one[wire.Node](c.wire.GetLocalNode(withSession(ctx)))
	if err != nil {
		return "", five, fmt.Errorf("wazuh: which node answers is not known: %w", err)
	}
	return n.Node, five, nil
}

// ConfigSection is a part of the manager's configuration file.
type ConfigSection string

// Enum lists the values for schemas.
func (ConfigSection) Enum() []any {
	return []any{
		"active-response", "agentless", "alerts", "analysis", "auth", "aws-s3", "azure-logs", "cis-cat", "client", "client_buffer", "cluster", "command",
		"docker-listener", "email_alerts", "global", "indexer", "integration", "labels", "localfile", "logging", "open-scap", "osquery", "remote",
		"reports", "rootcheck", "ruleset", "sca", "socket", "syscheck", "syscollector", "syslog_output", "vulnerability-detection",
	}
}

// sections5 are the parts that the configuration file of Wazuh 5 still has.
var sections5 = []ConfigSection{
	"active-response", "alerts", "auth", "client", "client_buffer", "cluster", "command", "global", "indexer", "logging", "remote", "reports", "socket",
	"syscollector", "vulnerability-detection",
}

// RunningConfig is a part of what a daemon of the manager runs with: the
// daemon, a slash, and the part.
type RunningConfig string

// Enum lists the values for schemas.
func (RunningConfig) Enum() []any {
	return []any{
		"analysis/active_response", "analysis/alerts", "analysis/command", "analysis/global", "analysis/internal", "analysis/rule_test",
		"auth/auth", "agentless/agentless", "com/active-response", "com/cluster", "com/internal", "com/logging", "csyslog/csyslog", "integrator/integration",
		"logcollector/internal", "logcollector/localfile", "logcollector/socket", "mail/alerts", "mail/global", "mail/internal",
		"monitor/global", "monitor/internal", "monitor/reports", "request/global", "request/internal", "request/remote",
		"syscheck/internal", "syscheck/rootcheck", "syscheck/syscheck", "wazuh-db/internal", "wazuh-db/wdb", "wmodules/wmodules",
	}
}

// running5 are the daemons of Wazuh 4 that Wazuh 5 still has, by what it calls them.
var running5 = map[string]string{"auth": "auth", "monitor": "monitor", "request": "request", "wazuh-db": "wazuh-manager-db", "wmodules": "wmodules"}

// parts returns the daemon and its part, as this version calls them.
func (r RunningConfig) parts(version string, five bool) (daemon, part string, err error) {
	if !slices.Contains(r.Enum(), any(string(r))) {
		return "", "", invalid("running %q: want one of %v", clip.Text(string(r), shownBytes), r.Enum())
	}
	daemon, part, _ = strings.Cut(string(r), "/")
	if !five {
		return daemon, part, nil
	}
	if daemon = running5[daemon]; daemon == "" || part == "reports" {
		return "", "", fmt.Errorf("%w: Wazuh %s has no %s that runs", ErrUnsupported, version, r)
	}
	return daemon, part, nil
}

// GetManagerConfigInput is the input of [Client.GetManagerConfig].
type GetManagerConfigInput struct {
	// Part of the file; analysis: alerts, global and ruleset.
	Section ConfigSection `json:"section,omitempty"`
	// Of the section, such as rule_dir of ruleset.
	Field string `json:"field,omitempty" pattern:"^[A-Za-z0-9_.%-]{1,64}$"`
	// Instead of the file: what a daemon runs with now.
	Running RunningConfig `json:"running,omitempty"`
	// With secrets, if the operator allows.
	IncludeSensitiveConfig bool `json:"include_sensitive_config,omitempty"`
}

var fieldName = lazyregexp.New(`^[A-Za-z0-9_.%-]{1,64}$`)

func (in *GetManagerConfigInput) check() error {
	switch {
	case in.Section != "" && !slices.Contains(in.Section.Enum(), any(string(in.Section))):
		return invalid("section %q: want one of %v", clip.Text(string(in.Section), shownBytes), in.Section.Enum())
	case in.Running != "" && (in.Section != "" || in.Field != ""):
		return invalid("running: goes with neither section nor field, which are the file's")
	case in.Field != "" && (in.Section == "" || in.Section == "analysis"):
		return invalid("field: give the one section that it is in")
	case in.Field != "" && !fieldName.MatchString(in.Field):
		return invalid("field %q: want the name of a member of the section", clip.Text(in.Field, shownBytes))
	}
	return nil
}

// WantsSensitive reports whether the call asks for secrets.
func (in GetManagerConfigInput) WantsSensitive() bool { return in.IncludeSensitiveConfig }

// A ManagerConfig is what stands in the manager's configuration file, or what a
// daemon runs with.
type ManagerConfig struct {
	Section ConfigSection `json:"section,omitempty"` // which part of the configuration
	Running RunningConfig `json:"running,omitempty"` // the configuration in force
	// The cluster node whose file it is.
	Node string `json:"node,omitempty"`
	// By section, as the file has it, which is not always what runs; or what runs, if that was asked for.
	Configuration map[string]json.RawMessage `json:"configuration" untrusted:"true"`
	// The paths at which secrets were cut out.
	Redacted          []string `json:"redacted,omitempty"`
	SensitiveIncluded bool     `json:"sensitive_config_included"` // whether secrets were left in
	// What Wazuh would not tell.
	Failed []Failure `json:"failed,omitempty"`
}

// GetManagerConfig returns the manager's configuration file or a part of it, or
// what a daemon runs with. Secrets are cut out unless in.IncludeSensitiveConfig
// is set, which as an operation needs the operator's switch
// WAZUH_ALLOW_SENSITIVE_CONFIG. A section that the file doesn't have is
// [ErrNotFound].
//
// Wazuh: GET /manager/configuration, in Wazuh 5 /cluster/{node_id}/configuration, and /{component}/{configuration} behind either
func (c *Client) GetManagerConfig(ctx context.Context, in GetManagerConfigInput) (*ManagerConfig, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	node, five, err := c.node(ctx)
	if err != nil {
		return nil, err
	}
	m := &ManagerConfig{Section: in.Section, Running: in.Running, Node: node, Configuration: map[string]json.RawMessage{}, SensitiveIncluded: in.IncludeSensitiveConfig}
	if in.Running != "" {
		return m, m.add(c.running(ctx, node, five, in.Running))
	}
	if five && in.Section != "" && in.Section != "analysis" && !slices.Contains(sections5, in.Section) {
		return nil, fmt.Errorf("%w: the configuration of Wazuh %s has no section %s; it has %v", ErrUnsupported, c.version, in.Section, sections5)
	}
	sections := []string{string(in.Section)}
	if in.Section == "analysis" {
		sections = []string{"alerts", "global", "ruleset"}
		if five {
			sections = sections[:2] // Wazuh 5 has no ruleset
		}
	}
	for _, section := range sections {
		var res *httpx.Response
		if node == "" {
			res, err = c.wire.GetManagerConfiguration(withSession(ctx), wire.GetManagerConfigurationParams{Section: section, Field: in.Field})
		} else {
			res, err = c.wire.GetNodeConfiguration(withSession(ctx), node, wire.GetNodeConfigurationParams{Section: section, Field: in.Field})
		}
		if err := m.add(res, err); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// running asks for what a daemon runs with.
func (c *Client) running(ctx context.Context, node string, five bool, what RunningConfig) (*httpx.Response, error) {
	daemon, part, err := what.parts(c.version, five)
	switch {
	case err != nil:
		return nil, err
	case node == "":
		return c.wire.GetRunningConfiguration(withSession(ctx), daemon, part)
	}
	return c.wire.GetNodeRunningConfiguration(withSession(ctx), node, daemon, part)
}

// add takes in an answer about the configuration.
func (m *ManagerConfig) add(res *httpx.Response, err error) error {
	r, err := list[map[string]json.RawMessage](res, err)
	if err != nil {
		return err
	}
	m.Failed = append(m.Failed, r.failed...)
	_, section, _ := strings.Cut(string(m.Running), "/")
	for _, parts := range r.items {
		for name, value := range parts {
			if !m.SensitiveIncluded {
				if value, err = m.redact(name, section, value); err != nil {
					return err
				}
			}
			m.Configuration[name] = value
		}
	}
	return nil
}

// redact returns a section of the configuration, found within another or
// none, without its secrets and notes where they were.
func (m *ManagerConfig) redact(section, within string, value json.RawMessage) (json.RawMessage, error) {
	clean, paths, err := secret.Wazuh.JSON(value, section, within)
	if err != nil {
		return nil, fmt.Errorf("wazuh: configuration: section %s: %w", section, err)
	}
	m.Redacted = append(m.Redacted, paths...)
	slices.Sort(m.Redacted)
	return clean, nil
}
