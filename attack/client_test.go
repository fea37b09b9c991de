package attack_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

// client makes a client of the embedded facts.
func client(t testing.TB, domains ...attack.Domain) *attack.Client {
	t.Helper()
	c, err := attack.New(attack.Config{Domains: domains})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestGetTechniqueDescribesBruteForce(t *testing.T) {
	t.Parallel()
	got, err := client(t).GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: "t1110", Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := &attack.GetTechniqueOutput{
		ID: "T1110", Name: "Brute Force", Domain: attack.Enterprise, AttackVersion: "18.1",
		URL: "https://attack.mitre.org/techniques/T1110", Source: attack.FromTable,
		Tactics: []attack.Ref{{ID: "TA0006", Name: "Credential Access"}},
		Subtechniques: []attack.Ref{
			{ID: "T1110.001", Name: "Password Guessing"}, {ID: "T1110.002", Name: "Password Cracking"},
			{ID: "T1110.003", Name: "Password Spraying"}, {ID: "T1110.004", Name: "Credential Stuffing"},
		},
		Mitigations: []attack.MitigationRef{
			{ID: "M1018", Name: "User Account Management"}, {ID: "M1027", Name: "Password Policies"},
			{ID: "M1032", Name: "Multi-factor Authentication"}, {ID: "M1036", Name: "Account Use Policies"},
		},
	}
	rest := *got
	rest.Platforms, rest.Detection, rest.Note, rest.Assets = nil, attack.TechniqueDetection{}, "", nil
	rest.Groups, rest.Software, rest.Campaigns = attack.List[attack.Ref]{}, attack.List[attack.Ref]{}, attack.List[attack.Ref]{}
	if diff := cmp.Diff(want, &rest); diff != "" {
		t.Errorf("technique (-want +got):\n%s", diff)
	}
	if !strings.Contains(got.Note, "MITRE_DATA_DIR") || got.Procedures != nil || got.References != nil {
		t.Errorf("note is %q: the answer must say that it has no prose", got.Note)
	}
	if !slices.Contains(got.Platforms, "Linux") {
		t.Errorf("platforms are %v", got.Platforms)
	}
	if len(got.Groups.Items) != 2 || got.Groups.Total < 10 {
		t.Errorf("%d of %d groups, want 2 of many", len(got.Groups.Items), got.Groups.Total)
	}
	if d := got.Detection; len(d.Strategies) != 1 || d.Analytics.Total == 0 || len(d.LogSources.Items) != 2 || d.LogSources.Total < 3 {
		t.Errorf("detection is %+v", d)
	}
}

func TestGetTechniqueSaysThatItRedirected(t *testing.T) {
	t.Parallel()
	got, err := client(t).GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: "T1086"})
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "T1059.001" || got.RedirectedFrom != "T1086" || got.Revoked || got.Parent == nil || got.Parent.ID != "T1059" {
		t.Errorf("T1086 gives %s from %q, revoked %v, parent %v", got.ID, got.RedirectedFrom, got.Revoked, got.Parent)
	}
}

func TestGetTechniqueRefusesWhatItCannotAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		in   attack.GetTechniqueInput
		want error
	}{
		{attack.GetTechniqueInput{}, attack.ErrInvalid},
		{attack.GetTechniqueInput{TechniqueID: "T1110", Limit: -1}, attack.ErrInvalid},
		{attack.GetTechniqueInput{TechniqueID: "T1110", Limit: 501}, attack.ErrInvalid},
		{attack.GetTechniqueInput{TechniqueID: "T9999"}, attack.ErrNotFound},
		{attack.GetTechniqueInput{TechniqueID: "T0800"}, attack.ErrNotFound}, // of ICS, which isn't configured
	} {
		if _, err := client(t).GetTechnique(t.Context(), test.in); !errors.Is(err, test.want) {
			t.Errorf("%+v: error is %v, want %v", test.in, err, test.want)
		}
	}
}

func TestEmptyListsAreListsInJSON(t *testing.T) {
	t.Parallel()
	c := client(t, attack.Enterprise, attack.ICS, attack.Mobile)
	kb, err := c.KB(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for technique := range kb.Techniques() {
		out, err := c.GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: technique.ID})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "null") {
			t.Fatalf("%s has a null: %s", technique.ID, text)
		}
	}
}

func TestNewTouchesNoDisk(t *testing.T) {
	t.Parallel()
	c, err := attack.New(attack.Config{DataDir: filepath.Join(t.TempDir(), "absent")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: "T1110"})
	if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "attack: ") {
		t.Errorf("error is %v, want one that the folder is missing", err)
	}
}

func TestMissingBundleIsNamed(t *testing.T) {
	t.Parallel()
	_, err := attack.Load(t.Context(), t.TempDir(), attack.ICS)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "ics-attack.json") {
		t.Errorf("error is %v, want one that names ics-attack.json", err)
	}
}

func TestConcurrentCallsShareOneKnowledgeBase(t *testing.T) {
	t.Parallel()
	c := client(t)
	var seen sync.Map
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			kb, err := c.KB(t.Context())
			if err != nil {
				t.Error(err)
			}
			seen.Store(kb, true)
			kb.Search("powershell", 1)
			if _, err := c.NavigatorLayer(t.Context(), attack.NavigatorLayerInput{Mode: attack.LayerGroup, GroupID: "APT29"}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	n := 0
	seen.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d knowledge bases, want 1", n)
	}
}

func TestCancelledLoadStops(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "enterprise-attack.json", `{"type":"bundle","objects":[{"type":"identity","id":"identity--1"}]}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := attack.Load(ctx, dir, attack.Enterprise); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
}

func TestConfigFromEnv(t *testing.T) {
	t.Setenv("MITRE_DATA_DIR", "stix")
	t.Setenv("MITRE_MATRICES", "ICS, enterprise,ics")
	got, err := attack.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	want := attack.Config{DataDir: "stix", Domains: []attack.Domain{attack.ICS, attack.Enterprise}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	t.Setenv("MITRE_MATRICES", "enterprise,cloud,pre")
	t.Setenv("MITRE_SOC_ALLOW_WRITES", "ja")
	_, err = attack.ConfigFromEnv()
	for _, want := range []string{`MITRE_SOC_ALLOW_WRITES is "ja": want true or false`, "MITRE_MATRICES", `"cloud"`, `"pre"`, "choose from enterprise, mobile, ics"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %s", err, want)
		}
	}
}

func TestTheTableHasAll24ToolsAndIsTrue(t *testing.T) {
	t.Parallel()
	c := client(t)
	gatetest.Complete(t, c, c.Ops(), "Matrix")
	gatetest.Lint(t, c.Ops())
	if n := len(c.Ops()); n != 24 {
		t.Errorf("%d operations, want 24", n)
	}
	for _, op := range c.Ops() {
		want := gate.TierRead
		if op.Name() == "mitre_update_data" {
			want = gate.TierWrite
		}
		if op.Tier() != want {
			t.Errorf("%s is %s, want %s", op.Name(), op.Tier(), want)
		}
	}
}

// write makes a file.
func write(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
