package thehive

import (
	"bytes"
	_ "embed"
	"fmt"
	"html"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
)

//go:embed report.css
var reportStyle string

// html writes the report as a page. It needs no package of templates, which keeps
// the linker from leaving out methods that nobody calls.
func (r *report) html(b *bytes.Buffer) {
	// All that is put into a format is text, whoever wrote it.
	p := func(format string, args ...any) {
		for i, a := range args {
			args[i] = html.EscapeString(plain(fmt.Sprint(a)))
		}
		fmt.Fprintf(b, format, args...)
	}
	cs := r.Case
	class := strings.ToLower(strings.ReplaceAll(r.TLP.String(), "+", "-"))
	p(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TLP:%v Case #%v: %v</title>
<style>
`, r.TLP, cs.Number, cs.Title)
	b.WriteString(reportStyle)
	p("</style>\n</head>\n<body>\n<div><span class=\"tlp %v\">TLP:%v</span> <span class=\"tlp clear\">PAP:%v</span></div>\n", class, r.TLP, r.PAP)
	p("<h1>Case #%v: %v</h1>\n<table class=\"facts\">\n", cs.Number, cs.Title)
	for _, f := range r.facts() {
		if f.Value != "" {
			p("<tr><th>%v</th><td>%v</td></tr>\n", f.Name, f.Value)
		}
	}
	p("</table>\n")
	section := func(title string, n int) bool {
		if n > 0 {
			p("<h2>%v</h2>\n", title)
		}
		return n > 0
	}
	table := func(heads ...string) {
		p("<table><tr>")
		for _, h := range heads {
			p("<th>%v</th>", h)
		}
		p("</tr>\n")
	}
	text := func(s string) {
		if s != "" {
			p("<div class=\"text\">%v</div>\n", s)
		}
	}
	if section("Description", len(cs.Description)) {
		text(cs.Description)
	}
	if section("Summary", len(cs.Summary)) {
		text(cs.Summary)
	}
	if section("Timeline", len(r.Timeline)) {
		table("Date", "What", "By", "")
		for _, e := range r.Timeline {
			more := ""
			if e.Cut {
				more = " …"
			}
			p("<tr><td class=\"date\">%v</td><td>%v</td><td class=\"who\">%v</td><td>%v%v</td></tr>\n", instant(e.Date), inWords(e.Kind), e.By, e.Text, more)
		}
		p("</table>\n")
	}
	if section("Tasks", len(r.Tasks)) {
		for _, t := range r.Tasks {
			p("<h3>%v</h3>\n<div class=\"note\">%v", t.Title, t.Status)
			if t.Assignee != "" {
				p(", %v", t.Assignee)
			}
			if !t.DueDate.IsZero() {
				p(", due %v", instant(t.DueDate))
			}
			p("</div>\n")
			text(t.Description)
			for _, l := range t.Logs {
				p("<div class=\"note\">%v, %v</div>\n", instant(l.Date), l.Owner)
				text(l.Message)
			}
		}
	}
	if section("Observables", len(r.Observables)) {
		table("Type", "Value", "Marks", "TLP", "Verdict", "")
		for _, o := range r.Observables {
			p("<tr><td>%v</td><td class=\"value\">%v</td><td>%v</td><td>%v</td><td class=\"%v\">%v</td><td>%v", o.DataType, o.Value, o.Marks(), o.TLP, o.Verdict, o.Verdict, o.Message)
			for _, s := range o.Said {
				p("<div class=\"note\">%v</div>", s)
			}
			p("</td></tr>\n")
		}
		p("</table>\n")
	}
	if section("Techniques", len(r.Procedures)) {
		short := func(s string) string { return clip.Text(plain(s), 24) }
		m := r.Matrix
		p(`<div class="matrix"><svg xmlns="http://www.w3.org/2000/svg" width="%v" height="%v" viewBox="0 0 %v %v" role="img" aria-label="The techniques by tactic" font-family="sans-serif">`+"\n",
			m.Width, m.Height, m.Width, m.Height)
		for _, c := range m.Columns {
			p(`<text x="%v" y="20" font-size="12" font-weight="bold">%v</text>`+"\n", c.X+6, short(c.Name))
			for _, e := range c.Cells {
				times := ""
				if e.Count > 1 {
					times = fmt.Sprintf(" ×%d", e.Count)
				}
				p(`<rect x="%v" y="%v" width="146" height="40"></rect><text x="%v" y="%v" font-size="12">%v%v</text><text x="%v" y="%v" font-size="10">%v</text>`+"\n",
					c.X+2, e.Y+2, c.X+8, e.Y+18, short(e.ID), times, c.X+8, e.Y+34, short(e.Name))
			}
		}
		p("</svg></div>\n")
		table("Technique", "Tactic", "On", "")
		for _, t := range r.Procedures {
			p("<tr><td>%v %v</td><td>%v</td><td class=\"date\">%v</td><td>%v</td></tr>\n", t.PatternID, t.PatternName, t.Tactic, instant(t.OccurDate), t.Description)
		}
		p("</table>\n")
	}
	if section("Alerts", len(r.Alerts)) {
		table("Date", "Title", "Source", "Reference")
		for _, a := range r.Alerts {
			p("<tr><td class=\"date\">%v</td><td>%v</td><td>%v</td><td class=\"value\">%v</td></tr>\n", instant(a.Date), a.Title, a.Source, a.SourceRef)
		}
		p("</table>\n")
	}
	if section("Comments", len(r.Comments)) {
		for _, m := range r.Comments {
			p("<div class=\"note\">%v, %v</div>\n", instant(m.CreatedAt), m.CreatedBy)
			text(m.Message)
		}
	}
	if section("Not shown here", len(r.LeftOut)) {
		p("<ul>")
		for _, l := range r.LeftOut {
			p("<li>%v</li>", l)
		}
		p("</ul>\n")
	}
	p("<p><span class=\"tlp %v\">TLP:%v</span></p>\n</body>\n</html>\n", class, r.TLP)
}
