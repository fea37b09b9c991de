// Package packaging_test makes the manifests of the bundles and the entries for
// the registry from one table, and checks those that are there.
package packaging_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/jsonschema-go/jsonschema"

	"github.com/sallyport-soc/sallyport/internal/settings"
)

var update = flag.Bool("update", false, "rewrite the manifests and the entries")

const (
	repository = "https://github.com/sallyport-soc/sallyport"
	more       = "Reads run at once. Whatever changes something waits until a human approves exactly that with the gate command, on a channel that the agent doesn't have."
)

// A setting is a variable that a server reads.
type setting struct {
	name, title, doc string
	kind             string // string unless it says file or directory
	value            string // the default
	required, secret bool
	form             bool // a bundle asks for it
}

// of returns the settings of a group, locks and pre-authorisations apart: those
// belong to whoever runs the gate.
func of(g settings.Group) (out []setting) {
	kinds := map[settings.Kind]string{settings.File: "file", settings.Folder: "directory"}
	for _, s := range g.Settings {
		if s.Kind != settings.Switch && s.Kind != settings.Unneeded {
			out = append(out, setting{s.Name, s.Title, s.Doc, kinds[s.Kind], s.Default, s.Required, s.Secret, s.Form})
		}
	}
	return out
}

var (
	wazuh, thehive, cortex, misp = of(settings.Wazuh()), of(settings.TheHive()), of(settings.Cortex()), of(settings.MISP())
	mitre, gates                 = of(settings.ATTACK()), of(settings.Gate())
)

// optional returns settings of which none must be set.
func optional(lists ...[]setting) (out []setting) {
	for _, s := range all(lists...) {
		s.required = false
		out = append(out, s)
	}
	return out
}

func all(lists ...[]setting) (out []setting) {
	for _, list := range lists {
		out = append(out, list...)
	}
	return out
}

var servers = []struct {
	name, title, doc string
	settings         []setting
}{
	{"wazuh", "Wazuh", "Wazuh alerts, agents, rules and inventory for an AI agent; read only.", wazuh},
	{"thehive", "TheHive", "TheHive cases, alerts, tasks and observables; every write waits for a human.", thehive},
	{"cortex", "Cortex", "Cortex analyzers and responders; a responder waits for a human.", cortex},
	{"misp", "MISP", "MISP events, attributes and correlation; every write waits for a human.", misp},
	{"mitre", "MITRE ATT&CK", "MITRE ATT&CK offline, and what the SOC's platforms have on it.", all(mitre, optional(wazuh, thehive, cortex, misp))},
	{"soc", "SOC", "Wazuh, TheHive, Cortex, MISP and ATT&CK behind one gate that a human opens.", all(optional(wazuh, thehive, cortex, misp), mitre)},
}

// An object is a JSON object that keeps the order of its members.
type object []member

type member struct {
	name  string
	value any
}

func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, m := range o {
		b.WriteByte("{,"[min(i, 1)])
		for _, v := range []any{m.name, m.value} {
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				return nil, err
			}
			b.WriteByte(':')
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func keywords(name string) []string {
	if name == "soc" {
		return []string{"security", "soc"}
	}
	return []string{"security", "soc", name}
}

// bundle is the manifest of a bundle. The optional settings have a default, for
// what has neither a value nor a default reaches the server as its placeholder.
func bundle(name, title, doc string, settings []setting) object {
	env, config := object{}, object{}
	for _, s := range settings {
		if !s.form {
			continue
		}
		key := strings.ToLower(s.name)
		env = append(env, member{s.name, "${user_config." + key + "}"})
		kind := s.kind
		if kind == "" {
			kind = "string"
		}
		c := object{{"type", kind}, {"title", s.title}, {"description", s.doc}, {"required", s.required}}
		if s.secret {
			c = append(c, member{"sensitive", true})
		}
		if !s.required {
			c = append(c, member{"default", s.value})
		}
		config = append(config, member{key, c})
	}
	program := "server/" + name + "-mcp-"
	return object{
		{"manifest_version", "0.3"}, {"name", name + "-mcp"}, {"display_name", title + " (sallyport)"}, {"version", "0.0.0"},
		{"description", doc}, {"long_description", more},
		{"author", object{{"name", "sallyport"}, {"url", repository}}},
		{"repository", object{{"type", "git"}, {"url", repository}}},
		{"license", "Apache-2.0"}, {"keywords", keywords(name)},
		{"server", object{{"type", "binary"}, {"entry_point", program + "linux"}, {"mcp_config", object{
			{"command", "${__dirname}/" + program + "linux"}, {"args", []string{}}, {"env", env},
			{"platform_overrides", object{
				{"darwin", object{{"command", "${__dirname}/" + program + "darwin"}}},
				{"win32", object{{"command", "${__dirname}/" + program + "windows.exe"}}},
			}},
		}}}},
		{"tools_generated", true}, {"prompts_generated", true}, {"user_config", config},
		{"compatibility", object{{"platforms", []string{"darwin", "linux", "win32"}}}},
	}
}

// entry is the server.json for the registry.
func entry(name, title, doc string, settings []setting) object {
	var variables []object
	for _, s := range settings {
		v := object{{"name", s.name}, {"description", s.doc}}
		if s.kind != "" {
			v = append(v, member{"format", "filepath"})
		}
		if s.required {
			v = append(v, member{"isRequired", true})
		}
		if s.secret {
			v = append(v, member{"isSecret", true})
		}
		if s.value != "" {
			v = append(v, member{"default", s.value})
		}
		variables = append(variables, v)
	}
	return object{
		{"$schema", "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"},
		{"name", "io.github.sallyport-soc/" + name + "-mcp"}, {"title", title}, {"description", doc},
		{"repository", object{{"url", repository}, {"source", "github"}}}, {"version", "0.0.0"},
		{"packages", []object{{
			{"registryType", "mcpb"}, {"identifier", repository + "/releases/download/v0.0.0/" + name + "-mcp-0.0.0.mcpb"},
			{"fileSha256", strings.Repeat("0", 64)}, {"transport", object{{"type", "stdio"}}}, {"environmentVariables", variables},
		}}},
	}
}

func TestManifestsAndEntriesAreThoseOfTheTable(t *testing.T) {
	for _, s := range servers {
		settings := all(s.settings, gates)
		for folder, want := range map[string]object{
			"mcpb": bundle(s.name, s.title, s.doc, settings), "registry": entry(s.name, s.title, s.doc, settings),
		} {
			var b bytes.Buffer
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			if err := e.Encode(want); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(folder, s.name+"-mcp.json")
			if *update {
				if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(b.String(), strings.ReplaceAll(string(got), "\r\n", "\n")); diff != "" {
				t.Errorf("%s; run go test ./examples/packaging -update (-want +got):\n%s", file, diff)
			}
		}
	}
	for _, folder := range []string{"mcpb", "registry"} {
		if files, err := filepath.Glob(filepath.Join(folder, "*")); err != nil || len(files) != len(servers) {
			t.Errorf("%s: %d files for %d servers %v", folder, len(files), len(servers), err)
		}
	}
}

func TestEveryServerIsPackagedAndItsSecretsAreMarked(t *testing.T) {
	mains, err := filepath.Glob(filepath.Join("..", "*-mcp"))
	if err != nil || len(mains) != len(servers) {
		t.Errorf("%d servers, %d in the table, %v", len(mains), len(servers), err)
	}
	for _, s := range servers {
		if len(s.doc) > 100 {
			t.Errorf("%s: a description of %d bytes, where the registry takes 100", s.name, len(s.doc))
		}
		for _, v := range s.settings {
			if named := strings.Contains(v.name, "KEY") || strings.Contains(v.name, "PASSWORD"); named && v.kind == "" && !v.secret {
				t.Errorf("%s isn't marked as a secret", v.name)
			}
		}
	}
}

// TestTheRegistrysSchemaAcceptsTheEntries needs the schema, which isn't ours, in
// the file that MCP_SERVER_SCHEMA names; .ci/conformance fetches it.
func TestTheRegistrysSchemaAcceptsTheEntries(t *testing.T) {
	validates(t, "MCP_SERVER_SCHEMA", "registry", "version")
}

// TestTheBundlesSchemaAcceptsTheManifests is the same for MCPB_SCHEMA.
func TestTheBundlesSchemaAcceptsTheManifests(t *testing.T) {
	validates(t, "MCPB_SCHEMA", "mcpb", "server")
}

func validates(t *testing.T, variable, folder, needed string) {
	file := os.Getenv(variable)
	if file == "" {
		t.Skip("no " + variable)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var schema jsonschema.Schema
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	resolved, err := schema.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("nothing to validate", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		if err := resolved.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		delete(v, needed)
		if resolved.Validate(v) == nil {
			t.Errorf("%s: the schema doesn't miss %s", file, needed)
		}
	}
}
