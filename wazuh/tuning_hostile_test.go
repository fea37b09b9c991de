package wazuh_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

const byHand = "<group name=\"local,\">\n<rule id=\"100300\" level=\"12\">\n<if_sid>5710</if_sid>\n<user type=\"pcre2\">^root$</user>\n<description>It tries root</description>\n</rule>\n</group>\n"

func withFile(t *testing.T, s *wazuhtest.Server, name, text string) {
	t.Helper()
	s.SetRuleFile(name, text)
	s.LoadRules()
}

func TestAPreviewCountsWhatWouldFallSilentBelowTheRuleToo(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	withFile(t, s, "aaa.xml", byHand)
	for i := range 3 {
		s.Raise(time.Now().Add(-time.Duration(i+2)*time.Hour), 5710, "001", sshdEvent(wazuhtest.NoiseIP, "root"))
	}
	conditions := []wazuh.TuningCondition{{Field: "srcip", Value: wazuhtest.NoiseIP}}
	p := preview(t, s.Client(), wazuh.TunePreviewInput{RuleID: "5710", Conditions: conditions})
	want := []wazuh.RelatedRule{{ID: 100300, Level: 12, Description: "It tries root", By: "if_sid", Alerts: 3}}
	if diff := cmp.Diff(want, p.Unreached); diff != "" {
		t.Errorf("unreached (-want +got):\n%s", diff)
	}
	if !strings.Contains(strings.Join(p.Warnings, "\n"), "Rule 100300 (level 12) stands below this one (if_sid) and would no longer be reached by events that meet the conditions: 3 alerts of it are silenced too") {
		t.Errorf("warnings %q", p.Warnings)
	}
	lower := preview(t, s.Client(), wazuh.TunePreviewInput{RuleID: "5710", Level: 3, Conditions: conditions})
	if len(lower.Unreached) != 0 {
		t.Errorf("a rule of level 3 is tried after one of level 12, and %+v is unreached", lower.Unreached)
	}
	// It is so: on the manager the rule of level 0 comes first.
	in := *p.Apply
	in.Reason, in.WaitSeconds = "our own scanner", 2
	if _, err := s.Client().ApplyTuning(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if id := s.Raise(time.Now(), 5710, "001", sshdEvent(wazuhtest.NoiseIP, "root")); id != "" {
		t.Errorf("it alerts: %v", s.Alert(id)["rule"])
	}
}

func TestARuleThatIsDefinedTwiceHasTheHigherLevel(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	withFile(t, s, "aaa.xml", "<group name=\"local,\"><rule id=\"5710\" level=\"13\" overwrite=\"yes\"><if_sid>5700</if_sid><description>Taken for grave here</description></rule></group>")
	p := preview(t, s.Client(), wazuh.TunePreviewInput{RuleID: "5710", WholeRule: true})
	if p.Rule.Level != 13 || !strings.Contains(strings.Join(p.Warnings, "\n"), "level 13") || !strings.Contains(strings.Join(p.Warnings, "\n"), "etc/rules/aaa.xml") {
		t.Errorf("level %d, warnings %q", p.Rule.Level, p.Warnings)
	}
}

func windowsEvent(image string) wazuhtest.Object {
	return wazuhtest.Object{
		"decoder": wazuhtest.Object{"name": "windows_eventchannel"}, "location": "EventChannel",
		"data": wazuhtest.Object{"win": wazuhtest.Object{"eventdata": wazuhtest.Object{"image": image}}},
	}
}

func TestATuningByAPathOfWindowsIsCountedAndRevertedByWhatItHid(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	image := `C:\\Program Files\\Backup\\run.exe` // agents double them
	for i := range 20 {
		s.Raise(time.Now().Add(-time.Duration(i+30)*time.Hour), 60106, "003", windowsEvent(image))
	}
	s.Raise(time.Now().Add(-40*time.Hour), 60106, "003", windowsEvent(`C:\\Program Files\\Other\\run.exe`))
	c := s.Client()
	p := preview(t, c, wazuh.TunePreviewInput{RuleID: "60106", Conditions: []wazuh.TuningCondition{{Field: "win.eventdata.image", Value: `C:\Program Files\Backup\run.exe`}}})
	if p.Silenced.Alerts != 20 {
		t.Fatalf("silenced %d, want 20", p.Silenced.Alerts)
	}
	in := *p.Apply
	in.Reason, in.WaitSeconds = "the nightly backup", 2
	if _, err := c.ApplyTuning(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	l, err := c.ListTunings(t.Context(), wazuh.ListTuningsInput{})
	if err != nil || len(l.Tunings) != 1 || l.Tunings[0].PerDayBefore == 0 {
		t.Errorf("listed %+v, %v", l, err)
	}
	done, err := c.RevertTuning(t.Context(), wazuh.RevertTuningInput{TuningID: 119000, WaitSeconds: 2})
	if err != nil || done.Proven == 0 || done.NotProven != "" {
		t.Errorf("%+v, %v; want it proven", done, err)
	}
}

func TestTwoTuningsOfTheSameEventsAreRevertedOneByOne(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	c := s.Client()
	for _, field := range []string{"user", "srcip"} {
		value := map[string]string{"user": "nessus", "srcip": wazuhtest.NoiseIP}[field]
		in := *preview(t, c, wazuh.TunePreviewInput{RuleID: "5710", Conditions: []wazuh.TuningCondition{{Field: field, Value: value}}}).Apply
		in.Reason, in.WaitSeconds = "our own scanner", 2
		if field == "srcip" { // the first hides them already: there is nothing left to show it by
			if _, err := c.ApplyTuning(t.Context(), in); err == nil || !strings.Contains(err.Error(), "is silent") {
				t.Fatalf("the second: %v", err)
			}
			text, _ := s.RuleFile(wazuh.TuningFile)
			block := text[strings.Index(text, "<!-- sallyport tuning"):]
			block = strings.ReplaceAll(strings.ReplaceAll(block, "119000", "119001"), `<user type="pcre2">^nessus$</user>`, "<srcip>"+value+"</srcip>")
			withFile(t, s, wazuh.TuningFile, text+block) // as two operators at once would
			continue
		}
		if _, err := c.ApplyTuning(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	for id := 119000; id <= 119001; id++ {
		if _, err := c.RevertTuning(t.Context(), wazuh.RevertTuningInput{TuningID: id, WaitSeconds: 2}); err != nil {
			t.Errorf("%d: %v", id, err)
		}
	}
	if s.Raise(time.Now(), 5710, "001", sshdEvent(wazuhtest.NoiseIP, "nessus")) == "" {
		t.Error("both are gone, and it is still silent")
	}
}

// What is approved is the diff that was shown: a file that changes in the moment between the
// last look at the plan and the writing is never overwritten with another one.
func TestAFileThatChangesBetweenPlanAndWritingIsLeftAlone(t *testing.T) {
	t.Parallel()
	theirs := "<group name=\"theirs,\"></group>\n"
	const read = "wazuh GET /rules/files/" + wazuh.TuningFile
	reads := func(at int) int { // how often the file is read from the second call on, until it is carried out
		s := noisy(t)
		g, c, in, _ := approvedTuning(t, s, true)
		n := 0
		s.OnRequest(func(r string) {
			if strings.HasPrefix(r, read) {
				if n++; n == at {
					s.SetRuleFile(wazuh.TuningFile, theirs)
				}
			}
		})
		_, err := do(t, g, c, "wazuh_apply_tuning", in)
		s.OnRequest(nil)
		if at == 0 {
			return n
		}
		text, _ := s.RuleFile(wazuh.TuningFile)
		if text != theirs {
			t.Errorf("their change before reading %d of %d: %v\n%s", at, n, err, text)
		}
		return n
	}
	n := reads(0)
	if n < 3 {
		t.Fatalf("the file is read %d times", n)
	}
	for at := 1; at <= 3; at++ { // the plan, the execution, before the writing
		reads(at)
	}
}

func TestWhatIsChangedByHandInTheFileIsSaid(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	c := s.Client()
	if _, err := c.ApplyTuning(t.Context(), apply(t, c)); err != nil {
		t.Fatal(err)
	}
	good, _ := s.RuleFile(wazuh.TuningFile)
	block := good[strings.Index(good, "<!-- sallyport tuning"):]
	for name, tt := range map[string]struct {
		file string
		says string
	}{
		"another system's ends of lines": {strings.ReplaceAll(good, "\n", "\r\n"), "rule 119000 is no tuning"},
		"a rule of one's own":            {good + byHand, "rule 100300 is no tuning"},
		"an option more":                 {strings.Replace(good, "</if_sid>\n", "</if_sid>\n<match>x</match>\n", 1), "option match"},
		"another rule":                   {strings.Replace(good, "<if_sid>5710", "<if_sid>5715", 1), "about rule 5715"},
		"a number that isn't ours":       {strings.ReplaceAll(good, "119000", "118999"), "119000 to 119999"},
		"twice":                          {good + block, "119000 stands there twice"},
		"cut":                            {strings.TrimSuffix(good, "</group>\n"), "119000 has no end"},
	} {
		s.SetRuleFile(wazuh.TuningFile, tt.file)
		l, err := c.ListTunings(t.Context(), wazuh.ListTuningsInput{})
		if err != nil || !strings.Contains(strings.Join(l.Odd, "\n"), tt.says) {
			t.Errorf("%s: %+v, %v; want %q", name, l.Odd, err, tt.says)
		}
		if name == "a rule of one's own" {
			continue
		}
		if _, err := c.RevertTuning(t.Context(), wazuh.RevertTuningInput{TuningID: 119000, WaitSeconds: 1}); err == nil {
			t.Errorf("%s: reverted", name)
		}
		if text, _ := s.RuleFile(wazuh.TuningFile); text != tt.file {
			t.Errorf("%s: the file was touched", name)
		}
	}
}

func TestAnEmptyFileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	in := apply(t, s.Client())
	in.FileSHA256 = ""
	s.SetRuleFile(wazuh.TuningFile, "")
	if _, err := s.Client().ApplyTuning(t.Context(), in); !errors.Is(err, wazuh.ErrInvalid) || !strings.Contains(err.Error(), "delete it first") {
		t.Errorf("error %v", err)
	}
}

// Whatever an alert or an agent says, the file stays XML that the server API takes, with one
// rule for one tuning, and is read as what was written.
func TestForeignTextMakesNoMarkupInTheRuleFile(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{
		`</field></rule><rule id="100001" level="0">`, `--><rule id="1"/><!--`, `a--b---c`, `x & y &amp; &#x41;`, `<?xml version="1.0"?>`, `<![CDATA[x]]>`, `=cmd|"x"!A1`, `]]>`,
		`C:\Users\"x"\\y`, "\u202eevil\u200b", "ünï\U0001f600", ` two  blanks `, `$^.*+?()[]{}|\`, `'; until 2099-01-01; reason: x`, "\ufffe\uffffx", strings.Repeat("-", 400),
	} {
		s := noisy(t)
		for i := range 3 {
			s.Raise(time.Now().Add(-time.Duration(i+1)*time.Hour), 31101, "001", wazuhtest.Object{
				"decoder": wazuhtest.Object{"name": "web-accesslog"}, "location": "/var/log/nginx/access.log",
				"data": wazuhtest.Object{"url": evil, "srcip": "203.0.113.8"}, "full_log": fmt.Sprint("GET ", evil, i)})
		}
		c := s.Client()
		in := *preview(t, c, wazuh.TunePreviewInput{RuleID: "31101", Conditions: []wazuh.TuningCondition{{Field: "url", Value: evil}}}).Apply
		in.Reason, in.WaitSeconds = "noise "+evil, 2
		if len(in.Reason) > 300 {
			in.Reason = in.Reason[:300]
		}
		if _, err := c.ApplyTuning(t.Context(), in); err != nil {
			t.Errorf("%q: %v", evil, err)
			continue
		}
		text, _ := s.RuleFile(wazuh.TuningFile)
		comments := strings.ReplaceAll(strings.ReplaceAll(text, "<!--", ""), "-->", "")
		if n := strings.Count(text, "<rule "); n != 1 || strings.ContainsAny(text, "&\u202e") || strings.Contains(comments, "--") || strings.Contains(text, "<?xml") {
			t.Errorf("%q: the file\n%s", evil, text)
		}
		l, err := c.ListTunings(t.Context(), wazuh.ListTuningsInput{})
		if err != nil || len(l.Tunings) != 1 || len(l.Odd) > 0 || l.Tunings[0].Expires != in.Expires {
			t.Errorf("%q: listed %+v, %v", evil, l, err)
			continue
		}
		if got := l.Tunings[0].Conditions; len(got) != 1 || strings.ReplaceAll(got[0].Value, `\`, "") != strings.ReplaceAll(evil, `\`, "") {
			t.Errorf("%q is read as %+v", evil, got)
		}
	}
}

func TestAKeptEventThatLogtestSeesOtherwiseIsNoProof(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SeedNoise(time.Now(), 60, 0, 20)
	for i := range 5 { // of another rule by now
		s.Raise(time.Now().Add(-time.Duration(i+1)*time.Hour), 5710, "001", wazuhtest.Object{
			"decoder": wazuhtest.Object{"name": "sshd"}, "location": "/var/log/auth.log", "data": wazuhtest.Object{"srcip": "198.51.100.9", "srcuser": "x"},
			"predecoder": wazuhtest.Object{"program_name": "sshd", "hostname": "web-01"}, "full_log": fmt.Sprint("old format ", i)})
	}
	c := s.Client()
	in := apply(t, c)
	withFile(t, s, "aaa.xml", "<group name=\"local,\"><rule id=\"100301\" level=\"5\"><if_sid>5710</if_sid><match>old format</match><description>now apart</description></rule></group>")
	done, err := c.ApplyTuning(t.Context(), in)
	if err != nil || !strings.Contains(done.NotProven, "still alert") {
		t.Errorf("%+v, %v; want it said that nothing kept was tried", done, err)
	}
}

func TestALoaderThatComplainedBeforeMayComplainAfter(t *testing.T) {
	t.Parallel()
	s := noisy(t)
	long := strings.Repeat("a", 700)
	withFile(t, s, "aaa.xml", "<group name=\"local,\"><rule id=\"100301\" level=\"5\"><if_sid>99999,99998</if_sid><description>"+long+"</description></rule></group>")
	c := s.Client()
	if _, err := c.ApplyTuning(t.Context(), apply(t, c)); err != nil {
		t.Error(err)
	}
}

func TestAnAnswerThatIsLostIsNoUnknownOutcomeOnceTheFileIsBack(t *testing.T) {
	t.Parallel()
	for _, request := range []string{"PUT /rules/files/", "PUT /manager/analysisd/reload"} {
		s := noisy(t)
		g, c, in, _ := approvedTuning(t, s, false)
		lost := false
		s.OnAnswer(func(r string) {
			if !lost && strings.Contains(r, request) {
				lost = true
				panic(http.ErrAbortHandler)
			}
		})
		_, err := do(t, g, c, "wazuh_apply_tuning", in)
		var failed *wazuh.RulesetError
		if !errors.As(err, &failed) || !failed.Back || errors.Is(err, gate.ErrOutcomeUnknown) {
			t.Errorf("%s: %v", request, err)
		}
		if kinds := g.Kinds(); kinds[len(kinds)-1] != gate.EventFailed {
			t.Errorf("%s: the journal says %s", request, kinds[len(kinds)-1])
		}
		if _, there := s.RuleFile(wazuh.TuningFile); there || !slices.Equal(s.RulesInForce(), []int{100001}) {
			t.Errorf("%s: the file is there, or in force", request)
		}
	}
}

func TestANodeThatFailsStopsTheChangeAndTheOthersGoBack(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.14.7", "4.9.2"} {
		s := noisy(t)
		s.SetVersion(version)
		s.SetCluster(0, "master", "worker-1", "worker-2")
		c := s.Client()
		in := apply(t, c)
		in.WaitSeconds = 1
		s.OnRequest(func(r string) { // it dies when it is told to load
			if strings.Contains(r, "nodes_list=worker-1") {
				s.StopNode("worker-1", true)
			}
		})
		_, err := c.ApplyTuning(t.Context(), in)
		var failed *wazuh.RulesetError
		if !errors.As(err, &failed) || failed.Back || !errors.Is(err, gate.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "node worker-1") || !strings.Contains(err.Error(), "the old file is back") && !strings.Contains(err.Error(), "the new file is gone again") {
			t.Errorf("%s: %v", version, err)
		}
		for _, n := range []string{"master", "worker-2"} {
			if got := s.RulesInForce(n); !slices.Equal(got, []int{100001}) {
				t.Errorf("%s: %s runs with %v", version, n, got)
			}
		}
	}
}
