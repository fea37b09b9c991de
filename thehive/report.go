package thehive

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// ReportFormat is how a report is written.
type ReportFormat string

// The formats.
const (
	ReportMarkdown ReportFormat = "markdown"
	ReportHTML     ReportFormat = "html"
)

// Enum lists the values for schemas.
func (ReportFormat) Enum() []any { return []any{ReportMarkdown, ReportHTML} }

// CaseReportInput is the input of [Client.CaseReport].
type CaseReportInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
	// html: one file that needs nothing else.
	Format ReportFormat `json:"format,omitempty"`
	// New path below the operator's folder. Default: give it.
	SaveAs string `json:"saveAs,omitempty" maxLength:"4096"`
}

// A Report is a case as people read it who weren't there.
type Report struct {
	CaseID string       `json:"caseId"` // the case it is of
	Number int          `json:"number"` // the case's number
	Format ReportFormat `json:"format"` // the format
	// The strictest of the case and of what is shown of it.
	TLP     TLP    `json:"tlp"`
	Text    string `json:"text,omitempty" untrusted:"true"` // the report, unless it was saved
	SavedAs string `json:"savedAs,omitempty"`               // the file it was written to
	// What the report doesn't show; it says so, too.
	LeftOut []string `json:"leftOut,omitempty"`
}

// How much of each a report shows.
const (
	reportTimeline    = 100
	reportTasks       = 200
	reportLogs        = 200
	reportObservables = 500
	reportComments    = 200
	reportAlerts      = 200
)

// report is what is written.
type report struct {
	Case        *Case
	TLP         TLP
	PAP         PAP
	Made        string
	By          string
	Fields      []reportField
	Timeline    []TimelineEvent
	Tasks       []reportTask
	Observables []reportObservable
	Procedures  []*Procedure
	Matrix      matrix
	Comments    []*Comment
	Alerts      []*Alert
	LeftOut     []string
}

type reportField struct{ Name, Value string }

type reportTask struct {
	*Task
	Logs []*TaskLog
}

type reportObservable struct {
	*Observable
	Value   string
	Verdict Level
	Said    []string // by the analyzers
}

// CaseReport writes a case as Markdown or as one HTML file that needs nothing
// else: its facts, timeline, tasks with their logs, observables with the verdicts
// of the analyzers, techniques with a picture of them, alerts and comments. It
// bears the strictest TLP of what it shows. Text that others wrote is shown as
// text: no link, picture or code of theirs does anything.
//
// TheHive: POST /api/v1/query, getCase with tasks, logs, observables, procedures, comments, alerts
func (c *Client) CaseReport(ctx context.Context, in CaseReportInput) (*Report, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	in.Format = cmp.Or(in.Format, ReportMarkdown)
	r, err := c.report(ctx, in.CaseID)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	switch in.Format {
	case ReportMarkdown:
		r.markdown(&b)
	case ReportHTML:
		r.html(&b)
	default:
		return nil, fmt.Errorf("%w: format: want markdown or html", ErrInvalid)
	}
	out := &Report{CaseID: r.Case.ID, Number: r.Case.Number, Format: in.Format, TLP: r.TLP, LeftOut: r.LeftOut}
	if in.SaveAs == "" {
		out.Text = b.String()
		return out, nil
	}
	f, err := c.newFile(in.SaveAs)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := io.Copy(f, &b); err != nil {
		f.Remove()
		return nil, fmt.Errorf("thehive: the report can't be saved: %w", err)
	}
	out.SavedAs = in.SaveAs
	return out, nil
}

// report reads all that a report shows.
func (c *Client) report(ctx context.Context, id string) (*report, error) {
	t, err := c.CaseTimelineSummary(ctx, CaseTimelineSummaryInput{CaseID: id, Limit: reportTimeline})
	if err != nil {
		return nil, err
	}
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: t.Case.ID})
	if err != nil {
		return nil, err
	}
	u, err := c.GetCurrentUser(ctx, GetCurrentUserInput{})
	if err != nil {
		return nil, err
	}
	r := &report{Case: cs, TLP: cs.TLP, PAP: cs.PAP, Made: time.Now().UTC().Format(time.RFC3339), By: cmp.Or(u.Name, u.Login), Timeline: t.Events}
	r.beyond(t.Total, len(t.Events), "older events of the timeline")
	fields := byField(cs.CustomFields)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var values []string
		for _, v := range fields[name] {
			var text string
			if json.Unmarshal([]byte(v), &text) == nil {
				v = text
			}
			values = append(values, v)
		}
		r.Fields = append(r.Fields, reportField{name, strings.Join(values, ", ")})
	}
	for _, read := range []func(context.Context, *report) error{c.reportTasks, c.reportObservables, c.reportRest} {
		if err := read(ctx, r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *report) beyond(total, shown int, what string) {
	if total > shown {
		r.LeftOut = append(r.LeftOut, fmt.Sprintf("%d %s", total-shown, what))
	}
}

func (c *Client) reportTasks(ctx context.Context, r *report) error {
	tasks, total, err := paged[*Task](ctx, c, "report-tasks", order{"order", Asc}, 0, reportTasks, inCase(r.Case.ID, HopTasks))
	if err != nil {
		return err
	}
	r.beyond(total, len(tasks), "tasks")
	left := reportLogs
	for _, t := range tasks {
		logs, total, err := paged[*TaskLog](ctx, c, "report-logs", order{"date", Asc}, 0, max(left, 1), One(KindTask, t.ID).To(HopLogs))
		if err != nil {
			return err
		}
		logs = logs[:min(len(logs), left)]
		left -= len(logs)
		r.beyond(total, len(logs), fmt.Sprintf("log entries of the task %q", clip.Text(t.Title, 80)))
		r.Tasks = append(r.Tasks, reportTask{t, logs})
	}
	return nil
}

func (c *Client) reportObservables(ctx context.Context, r *report) error {
	list, total, err := paged[*Observable](ctx, c, "report-observables", order{"_createdAt", Asc}, 0, reportObservables, inCase(r.Case.ID, HopObservables))
	if err != nil {
		return err
	}
	r.beyond(total, len(list), "observables")
	for _, o := range list {
		r.TLP, r.PAP = max(r.TLP, o.TLP), max(r.PAP, o.PAP)
		s := reportObservable{Observable: o, Value: o.value()}
		var said []Taxonomy
		var reports map[string]struct {
			Taxonomies []Taxonomy `json:"taxonomies"`
		}
		_ = json.Unmarshal(o.Reports, &reports) // none is no verdict
		for _, name := range slices.Sorted(maps.Keys(reports)) {
			for _, t := range reports[name].Taxonomies {
				said = append(said, t)
				s.Said = append(s.Said, fmt.Sprintf("%s: %s=%s (%s)", name, t.Predicate, t.Value, t.Level))
			}
		}
		s.Verdict = worst(said)
		r.Observables = append(r.Observables, s)
	}
	return nil
}

func (c *Client) reportRest(ctx context.Context, r *report) error {
	id := r.Case.ID
	var total int
	var err error
	if r.Procedures, total, err = paged[*Procedure](ctx, c, "report-procedures", order{"occurDate", Asc}, 0, maxProcedures, inCase(id, HopProcedures)); err != nil {
		return err
	}
	r.beyond(total, len(r.Procedures), "techniques")
	r.Matrix = draw(r.Procedures)
	if r.Comments, total, err = paged[*Comment](ctx, c, "report-comments", order{"_createdAt", Asc}, 0, reportComments, inCase(id, HopComments)); err != nil {
		return err
	}
	r.beyond(total, len(r.Comments), "comments")
	if r.Alerts, total, err = paged[*Alert](ctx, c, "report-alerts", order{"_createdAt", Asc}, 0, reportAlerts, inCase(id, HopAlerts)); err != nil {
		return err
	}
	r.beyond(total, len(r.Alerts), "alerts")
	for _, a := range r.Alerts {
		r.TLP, r.PAP = max(r.TLP, a.TLP), max(r.PAP, a.PAP)
	}
	return nil
}

// tactics are those of ATT&CK for enterprises, in the order of its matrix.
var tactics = []string{
	"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation", "stealth", "defense-impairment", "defense-evasion",
	"credential-access", "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact",
}

// A matrix is a picture of techniques by tactic, as ATT&CK's Navigator draws them.
type matrix struct {
	Width, Height int
	Columns       []matrixColumn
}

type matrixColumn struct {
	X     int
	Name  string
	Cells []matrixCell
}

type matrixCell struct {
	Y        int
	ID, Name string
	Count    int
}

// The measures of a matrix.
const (
	cellWidth  = 150
	cellHeight = 44
	headHeight = 30
)

// draw places each technique once under its tactic, with how often it was recorded.
func draw(list []*Procedure) matrix {
	byTactic := map[string][]matrixCell{}
	for _, p := range list {
		tactic := cmp.Or(p.Tactic, "no tactic")
		cells := byTactic[tactic]
		if i := slices.IndexFunc(cells, func(c matrixCell) bool { return c.ID == p.PatternID }); i >= 0 {
			cells[i].Count++
			continue
		}
		byTactic[tactic] = append(cells, matrixCell{ID: p.PatternID, Name: p.PatternName, Count: 1})
	}
	names := slices.SortedFunc(maps.Keys(byTactic), func(a, b string) int {
		rank := func(s string) int {
			if i := slices.Index(tactics, s); i >= 0 {
				return i
			}
			return len(tactics)
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	var m matrix
	for i, name := range names {
		cells := byTactic[name]
		sorting.By(cells, func(a, b matrixCell) int { return cmp.Compare(a.ID, b.ID) })
		for j := range cells {
			cells[j].Y = headHeight + j*cellHeight
		}
		m.Columns = append(m.Columns, matrixColumn{X: i * cellWidth, Name: strings.ReplaceAll(name, "-", " "), Cells: cells})
		m.Height = max(m.Height, headHeight+len(cells)*cellHeight)
	}
	m.Width = len(names) * cellWidth
	return m
}

// plain is s without what changes how the text around it is read: control
// characters but line ends, and marks of direction or of no width.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// inert is s as text in Markdown: nothing in it is a heading, a link, a picture
// or HTML. Line ends become blanks.
func inert(s string) string {
	var b strings.Builder
	for _, r := range strings.Join(strings.Fields(plain(s)), " ") {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// quoted is s as a quotation in Markdown, line by line.
func quoted(s string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(plain(s)), "\n") {
		b.WriteString("> " + inert(line) + "  \n")
	}
	return b.String()
}

// code is s in a span of code in Markdown, in which no address becomes a link.
func code(s string) string {
	s = strings.Join(strings.Fields(plain(s)), " ")
	fence := "`"
	for strings.Contains(s, fence) {
		fence += "`"
	}
	s = strings.ReplaceAll(s, "|", "¦") // it would end a cell of a table
	return fence + " " + s + " " + fence
}

// facts are what stands above all else. Those without a value aren't shown.
func (r *report) facts() []reportField {
	cs := r.Case
	closed := ""
	if !cs.EndDate.IsZero() {
		closed = instant(cs.EndDate)
	}
	status := cs.Status
	if string(cs.Stage) != status {
		status += fmt.Sprintf(" (%s)", cs.Stage)
	}
	list := []reportField{
		{"Status", status}, {"Severity", fmt.Sprint(cs.Severity)}, {"Opened", instant(cs.CreatedAt) + " by " + cs.CreatedBy}, {"Closed", closed},
		{"Assignee", cs.Assignee}, {"Impact", cs.ImpactStatus}, {"Tags", strings.Join(cs.Tags, ", ")},
	}
	return append(append(list, r.Fields...), reportField{"Report", r.Made + " by " + r.By})
}

// inWords is a kind of event as people say it.
func inWords(k EventKind) string {
	var b strings.Builder
	for _, r := range string(k) {
		if unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// markdown writes the report.
func (r *report) markdown(b *bytes.Buffer) {
	p := func(format string, args ...any) { fmt.Fprintf(b, format, args...) }
	cs := r.Case
	mark := fmt.Sprintf("**TLP:%s** · PAP:%s", r.TLP, r.PAP)
	p("%s\n\n# Case #%d: %s\n\n", mark, cs.Number, inert(cs.Title))
	p("| | |\n|---|---|\n")
	for _, f := range r.facts() {
		if f.Value != "" {
			p("| %s | %s |\n", inert(f.Name), inert(f.Value))
		}
	}
	section := func(title string, n int) bool {
		if n > 0 {
			p("\n## %s\n\n", title)
		}
		return n > 0
	}
	if section("Description", len(cs.Description)) {
		p("%s", quoted(cs.Description))
	}
	if section("Summary", len(cs.Summary)) {
		p("%s", quoted(cs.Summary))
	}
	if section("Timeline", len(r.Timeline)) {
		p("| Date | What | By | |\n|---|---|---|---|\n")
		for _, e := range r.Timeline {
			p("| %s | %s | %s | %s |\n", instant(e.Date), inWords(e.Kind), inert(e.By), inert(clip.Text(e.Text, 300)))
		}
	}
	if section("Tasks", len(r.Tasks)) {
		for _, t := range r.Tasks {
			p("### %s\n\n%s", inert(t.Title), t.Status)
			if t.Assignee != "" {
				p(", %s", inert(t.Assignee))
			}
			if !t.DueDate.IsZero() {
				p(", due %s", instant(t.DueDate))
			}
			p("\n\n")
			if t.Description != "" {
				p("%s\n", quoted(t.Description))
			}
			for _, l := range t.Logs {
				p("%s, %s:\n\n%s\n", instant(l.Date), inert(l.Owner), quoted(l.Message))
			}
		}
	}
	if section("Observables", len(r.Observables)) {
		p("| Type | Value | Marks | TLP | Verdict | |\n|---|---|---|---|---|---|\n")
		for _, o := range r.Observables {
			p("| %s | %s | %s | %s | %s | %s |\n", inert(o.DataType), code(o.Value), o.Marks(), o.TLP, o.Verdict, inert(clip.Text(strings.Join(append([]string{o.Message}, o.Said...), " "), 300)))
		}
	}
	if section("Techniques", len(r.Procedures)) {
		p("| Technique | Tactic | On | |\n|---|---|---|---|\n")
		for _, t := range r.Procedures {
			p("| %s %s | %s | %s | %s |\n", inert(t.PatternID), inert(t.PatternName), inert(t.Tactic), instant(t.OccurDate), inert(clip.Text(t.Description, 300)))
		}
	}
	if section("Alerts", len(r.Alerts)) {
		for _, a := range r.Alerts {
			p("- %s %s (%s, %s)\n", instant(a.Date), inert(a.Title), inert(a.Source), code(a.SourceRef))
		}
	}
	if section("Comments", len(r.Comments)) {
		for _, m := range r.Comments {
			p("%s, %s:\n\n%s\n", instant(m.CreatedAt), inert(m.CreatedBy), quoted(m.Message))
		}
	}
	if section("Not shown here", len(r.LeftOut)) {
		for _, l := range r.LeftOut {
			p("- %s\n", inert(l))
		}
	}
	p("\n%s\n", mark)
}

// Marks are those of the observable, in words.
func (o reportObservable) Marks() string {
	var marks []string
	if o.IOC {
		marks = append(marks, "IOC")
	}
	if o.Sighted {
		marks = append(marks, "sighted")
	}
	return strings.Join(marks, ", ")
}
