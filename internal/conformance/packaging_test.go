package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var packaging = filepath.Join("..", "..", "examples", "packaging")

func decode(t *testing.T, file string, into any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestBundleAndRegistryEntryAgree reads both for each server: the same settings,
// the same secrets, the same required ones.
func TestBundleAndRegistryEntryAgree(t *testing.T) {
	mains, err := filepath.Glob(filepath.Join("..", "..", "examples", "*-mcp"))
	if err != nil || len(mains) == 0 {
		t.Fatal("no servers", err)
	}
	for _, dir := range mains {
		name := filepath.Base(dir)
		var bundle struct {
			Name, Version string
			Server        struct {
				Config struct{ Env map[string]string } `json:"mcp_config"`
			}
			Settings map[string]struct {
				Type                string
				Required, Sensitive bool
			} `json:"user_config"`
		}
		decode(t, filepath.Join(packaging, "mcpb", name+".json"), &bundle)
		var entry struct {
			Name, Version, Description string
			Packages                   []struct {
				Identifier string
				Variables  []struct {
					Name                 string
					IsRequired, IsSecret bool
				} `json:"environmentVariables"`
			}
		}
		decode(t, filepath.Join(packaging, "registry", name+".json"), &entry)
		if bundle.Name != name || !strings.HasSuffix(entry.Name, "/"+name) || bundle.Version != "0.0.0" || entry.Version != "0.0.0" || len(entry.Description) > 100 {
			t.Errorf("%s: %s %s, %s %s, a description of %d bytes", name, bundle.Name, bundle.Version, entry.Name, entry.Version, len(entry.Description))
		}
		var a, b []string
		for variable, value := range bundle.Server.Config.Env {
			key := strings.ToLower(variable)
			if value != "${user_config."+key+"}" {
				t.Errorf("%s: %s is %s", name, variable, value)
			}
			s := bundle.Settings[key]
			a = append(a, describe(variable, s.Required, s.Sensitive))
		}
		for _, v := range entry.Packages[0].Variables {
			b = append(b, describe(v.Name, v.IsRequired, v.IsSecret))
		}
		slices.Sort(a)
		slices.Sort(b)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: settings (-bundle +registry):\n%s", name, diff)
		}
		for _, s := range a {
			if secret := strings.Contains(s, "KEY") || strings.Contains(s, "PASSWORD"); secret != strings.Contains(s, "secret") {
				t.Errorf("%s: %s", name, s)
			}
		}
	}
}

func describe(name string, required, secret bool) string {
	if required {
		name += " required"
	}
	if secret {
		name += " secret"
	}
	return name
}
