package soc_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
)

// withSigma gives the site a folder with Sigma rules.
func withSigma(t *testing.T) func(*soc.Config) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.yml"), []byte("title: A\ntags: [attack.t1218.011, attack.t1685]\ndetection: {condition: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *soc.Config) {
		var err error
		if c.ATTACK, err = attack.New(attack.Config{SigmaDir: dir}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCoverageTellsWhatIsTestedSilentWrittenAndOpen(t *testing.T) {
	t.Parallel()
	s := newSite(t, withSigma(t))
	out, err := s.soc.Coverage(t.Context(), soc.CoverageInput{Groups: []string{"APT29", "G1999"}, Days: 365, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	states := map[soc.CoverageState]int{}
	for _, r := range out.Techniques.Items {
		states[r.State]++
		switch r.ID {
		case "T1218.011", "T1562.001": // T1685 is of a later ATT&CK and took the place of the latter
			if r.Sigma != 1 {
				t.Errorf("%s is named by %d Sigma rules, want 1", r.ID, r.Sigma)
			}
		}
		if r.State == soc.Silent && (r.Wazuh == 0 || r.Alerts > 0) {
			t.Errorf("%+v is silent", r)
		}
	}
	if out.Tested == 0 || states[soc.Tested] != out.Tested || states[soc.Silent] != out.Silent || states[soc.Written] != out.Written ||
		out.Total != 691 || out.Covered != out.Tested+out.Silent+out.Written || out.Techniques.Total != out.Total {
		t.Errorf("states %v of %+v", states, out)
	}
	if len(out.Gaps) != 10 || len(out.Groups) != 1 || !slices.Contains(out.Unknown, "G1999") || !slices.Contains(out.Unknown, "T1685") {
		t.Errorf("%d gaps of %v, unknown %v", len(out.Gaps), out.Groups, out.Unknown)
	}
	for _, g := range out.Gaps {
		if g.Users != 1 || !slices.Equal(g.Groups, []string{"G0016 APT29"}) {
			t.Errorf("gap %+v isn't APT29's", g)
		}
	}
}

func TestCoverageIsAlsoALayerAndAPicture(t *testing.T) {
	t.Parallel()
	s := newSite(t, withSigma(t))
	out, err := s.soc.Coverage(t.Context(), soc.CoverageInput{Form: soc.AsLayer})
	if err != nil {
		t.Fatal(err)
	}
	if out.Layer == nil || len(out.Layer.Techniques) != out.Total || len(out.Techniques.Items) != 0 {
		t.Errorf("layer %v", out.Layer)
	}
	out, err = s.soc.Coverage(t.Context(), soc.CoverageInput{Form: soc.AsPicture})
	if err != nil || !strings.HasPrefix(out.Picture, "<svg") || !strings.Contains(out.Picture, "silent: a rule of Wazuh did not fire") {
		t.Errorf("picture %.60q: %v", out.Picture, err)
	}
}

func TestCoverageOfSigmaRulesNeedsNoWazuh(t *testing.T) {
	t.Parallel()
	s := newSite(t, withSigma(t), func(c *soc.Config) { c.Wazuh = nil })
	out, err := s.soc.Coverage(t.Context(), soc.CoverageInput{})
	if err != nil || out.Written == 0 || out.Tested+out.Silent != 0 || out.SigmaRules != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	absent, err := attack.New(attack.Config{SigmaDir: filepath.Join(t.TempDir(), "absent")})
	if err != nil {
		t.Fatal(err)
	}
	s = newSite(t, func(c *soc.Config) { c.ATTACK, c.Wazuh = absent, nil })
	if _, err := s.soc.Coverage(t.Context(), soc.CoverageInput{}); err == nil || !strings.Contains(err.Error(), "sigma rules") {
		t.Errorf("of a folder that isn't there: %v", err)
	}
	s = newSite(t, func(c *soc.Config) { c.ATTACK = absent })
	if out, err := s.soc.Coverage(t.Context(), soc.CoverageInput{}); err != nil || out.Covered == 0 || !strings.Contains(out.Note, "Sigma rules were not read") {
		t.Errorf("of Wazuh beside a folder that isn't there: %+v, %v", out, err)
	}
	s = newSite(t, func(c *soc.Config) { c.Wazuh = nil })
	if _, err := s.soc.Coverage(t.Context(), soc.CoverageInput{}); err == nil || !strings.Contains(err.Error(), "MITRE_SIGMA_DIR") {
		t.Errorf("without any rules: %v", err)
	}
}

func TestCoverageSaysWhenWazuhDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, down(t), withSigma(t))
	out, err := s.soc.Coverage(t.Context(), soc.CoverageInput{})
	if err != nil || out.Platforms[0].Status != soc.Failed || !strings.Contains(out.Note, "not read to the end") {
		t.Errorf("%+v, %v", out, err)
	}
}
