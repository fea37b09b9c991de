package contract_test

import (
	"io/fs"
	"path"
	"testing"

	"github.com/sallyport-soc/sallyport/api"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/contract"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
)

func TestEveryDescriptionIsValid(t *testing.T) {
	files, err := fs.Glob(api.Specs, "*/openapi.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no descriptions: %v", err)
	}
	for _, f := range files {
		if _, err := contract.Load(path.Dir(f)); err != nil {
			t.Error(err)
		}
	}
}

// check runs every call of a platform through a validating transport and fails
// for each request or answer that isn't as described, and for each described
// endpoint that no call reaches.
func check(t *testing.T, systems []string, calls []evidence.Call, ops func(*gatetest.Gate, *contract.Validator) []gate.Op) {
	t.Helper()
	g, v := gatetest.New(t, func(p *gate.Policy) { p.Responses = evidence.Responses }), contract.NewValidator(nil)
	byName := map[string]gate.Op{}
	for _, op := range ops(g, v) {
		byName[op.Name()] = op
	}
	for _, call := range calls {
		op := byName[call.Op]
		if op == nil {
			t.Errorf("%s: there is no such operation", call.Op)
			continue
		}
		t.Run(call.Op, func(t *testing.T) { evidence.Do(t, g, op, call) })
	}
	for _, found := range v.Found() {
		t.Error(found)
	}
	seen := v.Seen()
	for _, system := range systems {
		doc, err := contract.Load(system)
		if err != nil {
			t.Fatal(err)
		}
		for p, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				if !seen[system+" "+op.OperationID] {
					t.Errorf("%s: no call reaches %s %s (%s)", system, method, p, op.OperationID)
				}
			}
		}
	}
}

// TestEveryOperationStatesItsHarmAndEveryIDItsForm looks at the descriptions
// themselves: a tier on each operation and a pattern on each id in a path.
func TestEveryOperationStatesItsHarmAndEveryIDItsForm(t *testing.T) {
	files, err := fs.Glob(api.Specs, "*/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		system := path.Dir(f)
		doc, err := contract.Load(system)
		if err != nil {
			t.Fatal(err)
		}
		for p, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				var tier gate.Tier
				text, _ := op.Extensions["x-gate-tier"].(string)
				if err := tier.UnmarshalText([]byte(text)); err != nil {
					t.Errorf("%s %s %s: %v", system, method, p, err)
				}
				if len(op.Tags) == 0 || op.Tags[0] != system || op.OperationID == "" || op.Summary == "" {
					t.Errorf("%s %s %s: tags %v, operationId %q, summary %q", system, method, p, op.Tags, op.OperationID, op.Summary)
				}
				for _, param := range op.Parameters {
					if param.Value.In == "path" && param.Value.Schema.Value.Pattern == "" {
						t.Errorf("%s %s %s: %s has no pattern", system, method, p, param.Value.Name)
					}
				}
			}
		}
	}
}
