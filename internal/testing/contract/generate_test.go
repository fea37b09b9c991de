package contract_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnOperationWithoutATierDoesNotCompile(t *testing.T) {
	for name, tier := range map[string]string{"missing": "", "misspelt": "x-gate-tier: raed"} {
		dir := t.TempDir()
		spec, out := filepath.Join(dir, "openapi.yaml"), filepath.Join(dir, "wire.gen.go")
		text := "openapi: 3.0.3\ninfo: {title: T, version: '1'}\npaths:\n  /x:\n    get:\n      tags: [demo]\n      operationId: getX\n      summary: Get.\n      " +
			tier + "\n      responses: {'200': {description: ok}}\n"
		if err := os.WriteFile(spec, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("go", "tool", "-modfile=tools.mod", "oapi-codegen", "-config", "oapi-codegen.yaml", "-o", out, spec)
		cmd.Dir = filepath.Join("..", "..", "..", "api")
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, msg)
		}
		code, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(code), "Tier: gate.MISSING_x_gate_tier_ON_GetX") {
			t.Errorf("%s: the generated code names a tier:\n%s", name, code)
		}
	}
}
