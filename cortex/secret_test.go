package cortex_test

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

// settingNames are the names of all text settings of the public analyzers and
// responders, a line each; those that a caller may give are marked with a +.
//
//go:embed testdata/settings.txt
var settingNames string

func TestASettingIsSecretUnlessItsNameSaysThatItIsNot(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	var items []cortextest.Item
	var want []string
	for sc := bufio.NewScanner(strings.NewReader(settingNames)); sc.Scan(); {
		name, open := strings.CutPrefix(sc.Text(), "+")
		items = append(items, cortextest.Item{Name: name, Type: "string"})
		if open {
			want = append(want, name)
		}
	}
	s.Define(cortextest.Definition{Name: "All_1_0", Version: "1.0", DataTypes: []string{"ip"}, Items: items})
	list, err := s.Client().ListAnalyzerDefinitions(t.Context(), cortex.ListAnalyzerDefinitionsInput{ListDefinitionsInput: cortex.ListDefinitionsInput{Search: "All"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range list.Definitions {
		if d.ID != "All_1_0" {
			continue
		}
		for _, x := range d.Config {
			if !x.Secret {
				got = append(got, x.Name)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what a caller may give (-want +got):\n%s", diff)
	}
}

func TestASecretByAnyNameIsRefusedAndWrittenNowhere(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	const canary = "EXAMPLE-SECRET-3"
	names := []string{
		"smtp_pwd", "pwd", "Password_PaloAltoNGFW", "slack_token", "github_token", "OktaToken", "n4j_pwd", "tsig_keyval", "certificate_base64",
		"Integration_Key", "client_key", "passwords", "keys", "webhook", "aws_access_key_id", "conn", "zip_pw", "API_as", "nobody_foresaw_this",
	}
	items := []cortextest.Item{{Name: "smtp_host", Type: "string"}, {Name: "url", Type: "string", Description: "URL with the API key in it"}}
	for _, name := range names {
		items = append(items, cortextest.Item{Name: name, Type: "string"})
	}
	s.DefineResponder(cortextest.Definition{Name: "Mailer_2_0", Version: "1.0", DataTypes: []string{"thehive:case"}, Items: items})
	dir := t.TempDir()
	g := gatetest.New(t, func(p *gate.Policy) { p.Dir = dir })
	ops := map[string]gate.Op{}
	for _, op := range s.Client(administrator(""), func(cfg *cortex.Config) { cfg.Guard = g.Guard }).Ops() {
		ops[op.Name()] = op
	}
	for _, name := range append(names, "url") {
		b, err := json.Marshal(map[string]any{"definitionId": "Mailer_2_0", "configuration": map[string]any{"smtp_host": "mail.example.org", name: canary}})
		if err != nil {
			t.Fatal(err)
		}
		res, err := do(t, g, ops["cortex_enable_responder"], string(b))
		if err == nil || !strings.Contains(err.Error(), "configuration."+name) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
	if res, err := do(t, g, ops["cortex_enable_responder"], `{"definitionId":"Mailer_2_0","configuration":{"smtp_host":"mail.example.org"}}`); err != nil || res.Proposal == nil {
		t.Errorf("a plain setting: %+v, %v", res, err)
	}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), canary) {
			t.Errorf("%s holds the secret", filepath.Base(path))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
