package thehive_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// attack is what an attacker would like a reader's program to act on.
const attack = "<script>alert(1)</script><img src=x onerror=alert(2)> ![p](https://evil.example/p.png) [click](javascript:alert(3)) https://evil.example/\n# heading\n| a | b |\n\u202egnp.exe `x` &lt; \x1b[31m"

// attacked is a case into which the attacker wrote wherever others can.
func attacked(hive *thehivetest.Server) string {
	cs := hive.Add("Case", "", Object{"title": attack, "description": attack, "summary": attack, "tags": []string{"<b>tag</b>"}, "tlp": 2,
		"customFields": []any{Object{"name": "site", "type": "string", "value": attack, "order": 0}}})
	task := hive.Add("Task", cs, Object{"title": "<i>task</i>", "description": attack, "assignee": "lead@soc.example", "dueDate": 1772438400000})
	hive.Add("Log", task, Object{"message": attack})
	hive.Add("Observable", cs, Object{"dataType": "url", "data": "https://evil.example/`|x", "message": attack, "ioc": true, "tlp": 4,
		"reports": Object{"VirusTotal_3_1": Object{"taxonomies": []any{Object{"level": "malicious", "namespace": "VT", "predicate": "Score", "value": "<b>42</b>"}}}}})
	hive.Add("Procedure", cs, Object{"patternId": "T1566.002", "patternName": "</text></svg><script>alert(4)</script>", "tactic": "initial-access", "description": attack})
	hive.Add("Procedure", cs, Object{"patternId": "T1110", "tactic": "credential-access"})
	hive.Add("Comment", cs, Object{"message": attack})
	return cs
}

func TestAReportIsMarkedAndInert(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	cs := attacked(hive)
	c := hive.Client()
	page, err := c.CaseReport(t.Context(), thehive.CaseReportInput{CaseID: cs, Format: thehive.ReportHTML})
	if err != nil {
		t.Fatal(err)
	}
	if page.TLP != thehive.TLPRed || strings.Count(page.Text, "TLP:RED") < 2 {
		t.Errorf("marked %s, though an observable in it is RED", page.TLP)
	}
	for _, bad := range []string{"<script", "<img", "<a ", "<b>", "<i>", "\u202e", "\x1b"} {
		if strings.Contains(page.Text, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	for _, want := range []string{"&lt;script&gt;", "default-src 'none'", "malicious", "T1566.002", "initial access", "evil.example"} {
		if !strings.Contains(page.Text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	d := xml.NewDecoder(strings.NewReader(page.Text[strings.Index(page.Text, "<svg") : strings.Index(page.Text, "</svg>")+6]))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
	}
	text, err := c.CaseReport(t.Context(), thehive.CaseReportInput{CaseID: cs})
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<img", "](javascript", "![p](", "\n# heading", "\u202e", "\x1b", " https://evil.example/ "} {
		if strings.Contains(text.Text, bad) {
			t.Errorf("the Markdown holds %q:\n%s", bad, text.Text)
		}
	}
	for _, want := range []string{"**TLP:RED**", "## Timeline", "## Tasks", "## Observables", "## Techniques", "## Comments", "| malicious |"} {
		if !strings.Contains(text.Text, want) {
			t.Errorf("the Markdown lacks %q", want)
		}
	}
	if _, err := c.CaseReport(t.Context(), thehive.CaseReportInput{CaseID: cs, Format: "pdf"}); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("a format that is none: %v", err)
	}
	if _, err := c.CaseReport(t.Context(), thehive.CaseReportInput{CaseID: cs, SaveAs: "x.html"}); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("saved without a folder: %v", err)
	}
}

func TestAReportHasNoRowForWhatACaseLacks(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	cs := hive.Add("Case", "", Object{"title": "Open", "description": "x"})
	for _, format := range []thehive.ReportFormat{thehive.ReportHTML, thehive.ReportMarkdown} {
		r, err := hive.Client().CaseReport(t.Context(), thehive.CaseReportInput{CaseID: cs, Format: format})
		if err != nil || strings.Contains(r.Text, "Closed") || strings.Contains(r.Text, "Impact") || !strings.Contains(r.Text, "Severity") {
			t.Errorf("%s: %v, %s", format, err, r.Text)
		}
	}
}

func TestAReportSaysWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	cs := hive.Add("Case", "", Object{"title": "Long", "description": "x"})
	for range 210 {
		hive.Add("Comment", cs, Object{"message": "m"})
	}
	r, err := hive.Client().CaseReport(t.Context(), thehive.CaseReportInput{CaseID: "#1"})
	if err != nil || !strings.Contains(strings.Join(r.LeftOut, " "), "10 comments") || !strings.Contains(r.Text, "Not shown here") {
		t.Errorf("%v, %v", r.LeftOut, err)
	}
}

func FuzzReport(f *testing.F) {
	f.Add(attack)
	f.Add("`` ` |")
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{thehive.Inert(s), thehive.Code(s)} {
			if strings.ContainsAny(out, "\n\r\x1b\u202e|") && !strings.Contains(out, `\|`) {
				t.Errorf("%q became %q", s, out)
			}
		}
		if strings.Contains(thehive.Inert(s), "<") {
			t.Errorf("%q holds a tag", thehive.Inert(s))
		}
	})
}
