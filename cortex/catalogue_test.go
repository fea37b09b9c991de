package cortex_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

// TestTheCatalogueIsServed holds each tool against the owner's catalogue: its
// arguments by name and type, which are required, bounds and defaults.
func TestTheCatalogueIsServed(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("..", "..", "shared", "catalogue", "cortex.json"))
	if err != nil {
		t.Skip("the catalogue is not here")
	}
	var catalogue []struct {
		Name string
		Tier string
		Args []struct {
			Name, Type string
			Required   bool
			Min, Max   *int
			Default    any
			Enum       []any
		}
	}
	if err := json.Unmarshal(b, &catalogue); err != nil || len(catalogue) != 31 {
		t.Fatalf("%d tools, %v", len(catalogue), err)
	}
	// What is meant to differ: a server has data types and rate units of its own,
	// and finds no deleted jobs.
	wider := []string{"dataType", "rateUnit", "status"}
	listed, err := session(t, cortextest.New(t)).ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	schemas := map[string]map[string]any{}
	for _, tool := range listed.Tools {
		schemas[tool.Name], _ = tool.InputSchema.(map[string]any)
	}
	if len(schemas) < len(catalogue) {
		t.Errorf("%d tools of %d", len(schemas), len(catalogue))
	}
	for _, tool := range catalogue {
		schema := schemas[tool.Name]
		if schema == nil {
			t.Errorf("%s is missing", tool.Name)
			continue
		}
		properties, _ := schema["properties"].(map[string]any)
		required, _ := schema["required"].([]any)
		for _, arg := range tool.Args {
			p, ok := properties[arg.Name].(map[string]any)
			if !ok || p["type"] != arg.Type || slices.Contains(required, any(arg.Name)) != arg.Required {
				t.Errorf("%s: %s is %v", tool.Name, arg.Name, p)
				continue
			}
			enum, _ := p["enum"].([]any)
			for name, bound := range map[string]*int{"maximum": arg.Max} { // a minimum of 0 or 1 is held, and not said
				if bound != nil && p[name] != float64(*bound) && len(enum) == 0 {
					t.Errorf("%s: %s: %s is %v, want %d", tool.Name, arg.Name, name, p[name], *bound)
				}
			}
			if zero := arg.Default == nil || arg.Default == false || reflect.DeepEqual(arg.Default, map[string]any{}); !zero && p["default"] != arg.Default {
				t.Errorf("%s: the default of %s is %v, want %v", tool.Name, arg.Name, p["default"], arg.Default)
			}
			if len(arg.Enum) > 0 && !slices.Contains(wider, arg.Name) && !reflect.DeepEqual(arg.Enum, enum) {
				t.Errorf("%s: %s takes %v, want %v", tool.Name, arg.Name, enum, arg.Enum)
			}
		}
	}
	tiers := map[string]string{}
	for _, op := range new(cortex.Client).Ops() {
		tiers[op.Name()] = op.Tier().String()
	}
	for _, tool := range catalogue {
		stricter := map[string]string{"cortex_get_user_key": "write"} // it hands out a credential
		if want := stricter[tool.Name]; tiers[tool.Name] != tool.Tier && tiers[tool.Name] != want {
			t.Errorf("%s is %s, want %s", tool.Name, tiers[tool.Name], tool.Tier)
		}
	}
}
