package attack_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/attack"
)

// guessed returns the ids of the first guesses at an alert.
func guessed(t *testing.T, alert string, n int) []string {
	t.Helper()
	out, err := client(t).MapAlertToTechnique(t.Context(), attack.MapAlertToTechniqueInput{AlertType: alert})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range out.Matches[:min(n, len(out.Matches))] {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestEverydayTitlesLeadToTheTechnique(t *testing.T) {
	t.Parallel()
	for title, want := range map[string][]string{
		"Mimikatz detected":             {"T1003", "T1003.001"},
		"vssadmin delete shadows":       {"T1490"},
		"Windows Defender disabled":     {"T1562.001"},
		"webshell upload":               {"T1505.003"},
		"web shell on the server":       {"T1505.003"},
		"MFA fatigue":                   {"T1621"},
		"RDP login from the internet":   {"T1021.001"},
		"certutil download":             {"T1105", "T1140"},
		"AMSI bypass":                   {"T1562.001"},
		"Port scan":                     {"T1046"},
		"crypto miner":                  {"T1496", "T1496.001"},
		"Impossible travel sign-in":     {"T1078", "T1078.004"},
		"kubectl exec into pod":         {"T1609"},
		"OAuth app consent":             {"T1528"},
		"DCSync from a workstation":     {"T1003.006"},
		"rclone copies files to mega":   {"T1567.002"},
		"brute force attempt over ssh":  {"T1110", "T1110.001", "T1021.004"},
		"scheduled task created":        {"T1053.005", "T1053"},
		"Windows event log was cleared": {"T1070.001"},
	} {
		if got := guessed(t, title, 3); !slices.ContainsFunc(want, func(id string) bool { return slices.Contains(got, id) }) {
			t.Errorf("%q gives %v, want one of %v among the first three", title, got, want)
		}
	}
}

func TestLongerTextDoesNotFindLessThanItsTitle(t *testing.T) {
	t.Parallel()
	title := "Scheduled task created by an office program"
	long := title + ". Detects schtasks.exe started by winword.exe or excel.exe with parameters seen in droppers of the Foobaz family (zaqq.dll, qwopx.tmp) to survive reboots; compare vendor advisory EX-2026-0007."
	for _, alert := range []string{title, long, title + "\n" + strings.Repeat("Vendor advisory zaqq qwopx 0007. ", 40)} {
		if got := guessed(t, alert, 5); !slices.Contains(got, "T1053.005") && !slices.Contains(got, "T1053") {
			t.Errorf("%.80q gives %v, want T1053.005 or T1053", alert, got)
		}
	}
}

func TestGroupsOfARuleDoNotMakeGuessesVanish(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	groups := attack.GroupWords([]string{"syslog", "sshd", "dropbear", "authentication_failures", "pci_dss_10.2.4", "gdpr_IV_35.7.d", "hipaa_164.312.b", "nist_800_53_AU.14", "gpg13_7.1", "tsc_CC6.1"})
	if groups != "syslog sshd dropbear authentication failures" {
		t.Errorf("groups are %q", groups)
	}
	for _, body := range []string{"", groups} {
		guesses := kb.Guess("Dropbear: brute force attempt.", body, 3)
		if !slices.ContainsFunc(guesses, func(g attack.Guess) bool { return g.Technique.ID == "T1110" }) {
			t.Errorf("with %q: %v, want T1110", body, guesses)
		}
	}
}

func TestNoiseIsNoGuessOrAWeakOneWithTheReason(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for _, alert := range [][2]string{
		{"Windows application: message from the service.", "windows windows application"},
		{"Nginx warning message.", "nginx"},
		{"Multiple Sysmon error events.", "sysmon"},
		{"Low on resources", "windows"},
		{"lorem ipsum dolor", ""},
		{"zaqq qwopx", ""},
	} {
		for _, g := range kb.Guess(alert[0], alert[1], 10) {
			if g.Confidence != attack.Weak || g.Reason == "" {
				t.Errorf("%q gives %s with %d, %s: %q", alert[0], g.Technique.ID, g.Score, g.Confidence, g.Reason)
			}
		}
	}
	if guesses := kb.Guess("zaqq qwopx", "lorem", 10); len(guesses) > 0 {
		t.Errorf("words that nobody knows give %v", guesses)
	}
}

func TestSoftwareAndGroupsInATextCountForWhatTheyUse(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for _, text := range []string{"S0002", "S0002 Mimikatz", "OSInfo was found", "activity of Leviathan", "attack.g0016", "alert for APT29"} {
		guesses := kb.Guess(text, "", 50)
		if len(guesses) == 0 {
			t.Errorf("%q gives nothing", text)
		}
	}
	s, _, err := kb.ResolveSoftware("S0002")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range kb.Guess("S0002", "", 5) {
		if !slices.Contains(s.Techniques(), g.Technique) {
			t.Errorf("S0002 gives %s, which Mimikatz doesn't use", g.Technique.ID)
		}
	}
}

func TestTacticsInATextPutTheirTechniquesFirst(t *testing.T) {
	t.Parallel()
	c := client(t)
	ask := func(alert string) *attack.MapAlertToTechniqueOutput {
		return must[*attack.MapAlertToTechniqueOutput](t)(c.MapAlertToTechnique(t.Context(), attack.MapAlertToTechniqueInput{AlertType: alert}))
	}
	for tags, tactic := range map[string]string{
		"TA0040": "impact", "attack.impact": "impact", "attack.persistence": "persistence", "ATTACK.TA0003": "persistence", "attack.privilege_escalation": "privilege-escalation",
	} {
		out := ask("Windows service stopped. " + tags)
		if len(out.Tactics) != 1 || len(out.Matches) == 0 || !slices.Contains(out.Matches[0].Tactics, tactic) {
			t.Errorf("%s: tactics %v, and first %+v", tags, out.Tactics, out.Matches[:min(1, len(out.Matches))])
		}
	}
	if out := ask("Log was cleared. attack.stealth"); len(out.Tactics) != 1 || out.Tactics[0].ID != "TA0005" {
		t.Errorf("stealth is %v", out.Tactics)
	}
	for _, plain := range []string{"attack.exe was started", "an attack. Persistence follows", "attack.t1110"} {
		if out := ask(plain); len(out.Tactics) != 0 {
			t.Errorf("%q names the tactics %v", plain, out.Tactics)
		}
	}
}

func TestSearchFindsCompoundsAndSoftware(t *testing.T) {
	t.Parallel()
	kb := embedded(t, attack.Enterprise)
	for query, want := range map[string]string{"webshell": "T1505.003", "web shell": "T1505.003", "mimikatz": "T1003.001"} {
		hits, _ := kb.Search(query, 100)
		if !slices.ContainsFunc(hits, func(h attack.Hit) bool { return h.Technique.ID == want }) {
			t.Errorf("%q finds %d techniques, and not %s", query, len(hits), want)
		}
	}
}

func TestSigmaRulesOfAFolderAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yml", "title: A rule\nid: 1\nstatus: test\ntags:\n    - attack.execution\n    - attack.t1059.001\n    - cve.2026-1\ndetection:\n    condition: x\n")
	write("below/b.yaml", "title: B\ntags: [attack.T1685]\ndetection: {condition: x}\n")
	write("broken.yml", "title: [\n")
	write("none.yml", "a: b\n")
	write("notes.txt", "title: x\ndetection: y\n")
	outside := filepath.Join(t.TempDir(), "out.yml")
	if err := os.WriteFile(outside, []byte("title: Outside\ndetection: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link.yml")); err != nil {
		t.Fatal(err)
	}
	rules, skipped, err := attack.ReadSigma(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range rules {
		got = append(got, r.File+" "+r.Title+" "+r.Status+" "+strings.Join(r.IDs, ","))
	}
	if want := []string{"a.yml A rule test execution,T1059.001", "below/b.yaml B  T1685"}; !slices.Equal(got, want) {
		t.Errorf("rules %q, want %q", got, want)
	}
	if len(skipped) != 2 || !strings.HasPrefix(skipped[0], "broken.yml: ") || !strings.HasPrefix(skipped[1], "link.yml: ") {
		t.Errorf("skipped %q, want broken.yml and link.yml", skipped)
	}
	if _, _, err := attack.ReadSigma(t.Context(), filepath.Join(dir, "absent")); err == nil {
		t.Error("a folder that isn't there is read")
	}
}
