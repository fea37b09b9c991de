package wazuh

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/httpx"
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
	Timestamp   string   `json:"timestamp"`
	Tag         string   `json:"tag" jsonschema:"The daemon, and the module after a colon."`
	Level       LogLevel `json:"level"`
	Description string   `json:"description,omitempty" jsonschema:"Absent unless asked for." untrusted:"true"`
}

// GetManagerLogsInput is the input of [Client.GetManagerLogs].
type GetManagerLogsInput struct {
	Level              LogLevel `json:"level,omitempty" jsonschema:"Only lines of this level."`
	Tag                string   `json:"tag,omitempty" jsonschema:"Only lines whose tag has this text, such as wazuh-modulesd or syscollector." minLength:"1" maxLength:"128"`
	Search             string   `json:"search,omitempty" jsonschema:"Only lines that have this text, in any case." minLength:"1" maxLength:"256"`
	Limit              int      `json:"limit,omitempty" jsonschema:"How many lines to return." minimum:"1" maximum:"100"`
	Offset             int      `json:"offset,omitempty" jsonschema:"How many lines to skip." minimum:"0" maximum:"100000"`
	IncludeDescription bool     `json:"include_description,omitempty" jsonschema:"Whether to return the messages themselves."`
}

// SetDefaults fills the fields left at zero.
func (in *GetManagerLogsInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 25
	}
}

// A LogPage is one page of the manager's log.
type LogPage struct {
	Logs                []*LogLine `json:"logs"`
	Node                string     `json:"node,omitempty" jsonschema:"The cluster node whose log it is."`
	DescriptionIncluded bool       `json:"description_included" jsonschema:"Whether messages were asked for."`
	Paging
}

// GetManagerLogs returns one page of the manager's log, the newest line first.
// Wazuh reads no further back than the last 2000 lines.
//
// Wazuh: GET /manager/logs, in Wazuh 5 /cluster/{node_id}/logs
func (c *Client) GetManagerLogs(ctx context.Context, in GetManagerLogsInput) (*LogPage, error) {
	in.SetDefaults()
	if err := checkPage(in.Limit, in.Offset); err != nil {
		return nil, err
	}
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
	node, err := c.node(ctx)
	if err != nil {
		return nil, err
	}
	var res *httpx.Response
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
		l.Description = strings.TrimSpace(l.Description)
	}
	return &LogPage{Logs: r.items, Node: node, DescriptionIncluded: in.IncludeDescription, Paging: r.paging(in.Offset)}, nil
}

// node returns the name of the node that answers, of a Wazuh 5, where logs and
// configuration are a node's. For a Wazuh 4 it is empty.
func (c *Client) node(ctx context.Context) (string, error) {
	five, err := c.five(ctx)
	if err != nil || !five {
		return "", err
	}
	n, err := one[wire.Node](c.wire.GetLocalNode(withSession(ctx)))
	if err != nil {
		return "", fmt.Errorf("wazuh: which node answers is not known: %w", err)
	}
	return n.Node, nil
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

// GetManagerConfigInput is the input of [Client.GetManagerConfig].
type GetManagerConfigInput struct {
	Section                ConfigSection `json:"section,omitempty" jsonschema:"Only this part; analysis, which Wazuh has no part of that name for, means alerts, global and ruleset."`
	IncludeSensitiveConfig bool          `json:"include_sensitive_config,omitempty" jsonschema:"Whether to return secrets too. The operator must have allowed it."`
}

// WantsSensitive reports whether the call asks for secrets.
func (in GetManagerConfigInput) WantsSensitive() bool { return in.IncludeSensitiveConfig }

// A ManagerConfig is what stands in the manager's configuration file.
type ManagerConfig struct {
	Section           ConfigSection              `json:"section,omitempty"`
	Node              string                     `json:"node,omitempty" jsonschema:"The cluster node whose file it is."`
	Configuration     map[string]json.RawMessage `json:"configuration" jsonschema:"By section, as the file has it, which is not always what runs." untrusted:"true"`
	Redacted          []string                   `json:"redacted,omitempty" jsonschema:"The paths at which secrets were cut out."`
	SensitiveIncluded bool                       `json:"sensitive_config_included"`
	Failed            []Failure                  `json:"failed,omitempty" jsonschema:"What Wazuh would not tell."`
}

// GetManagerConfig returns the manager's configuration file or a part of it.
// Secrets are cut out unless in.IncludeSensitiveConfig is set, which as an
// operation needs the operator's switch WAZUH_ALLOW_SENSITIVE_CONFIG.
//
// Wazuh: GET /manager/configuration, in Wazuh 5 /cluster/{node_id}/configuration
func (c *Client) GetManagerConfig(ctx context.Context, in GetManagerConfigInput) (*ManagerConfig, error) {
	sections := []string{string(in.Section)}
	if in.Section == "analysis" {
		sections = []string{"alerts", "global", "ruleset"}
	}
	node, err := c.node(ctx)
	if err != nil {
		return nil, err
	}
	m := &ManagerConfig{Section: in.Section, Node: node, Configuration: map[string]json.RawMessage{}, SensitiveIncluded: in.IncludeSensitiveConfig}
	for _, section := range sections {
		var res *httpx.Response
		if node == "" {
			res, err = c.wire.GetManagerConfiguration(withSession(ctx), wire.GetManagerConfigurationParams{Section: section})
		} else {
			res, err = c.wire.GetNodeConfiguration(withSession(ctx), node, wire.GetNodeConfigurationParams{Section: section})
		}
		r, err := list[map[string]json.RawMessage](res, err)
		if err != nil {
			if len(sections) > 1 && section == "ruleset" && node != "" {
				continue // Wazuh 5 has no such part
			}
			return nil, err
		}
		m.Failed = append(m.Failed, r.failed...)
		for _, parts := range r.items {
			for name, value := range parts {
				if !in.IncludeSensitiveConfig {
					if value, err = m.redact(name, value); err != nil {
						return nil, err
					}
				}
				m.Configuration[name] = value
			}
		}
	}
	return m, nil
}
