package soc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/sorting"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// PageForm is how a page is written.
type PageForm string

// The forms of a page.
const (
	NoPage       PageForm = ""
	MarkdownPage PageForm = "markdown"
	HTMLPage     PageForm = "html"
	SectionsPage PageForm = "sections" // as data, for a page of one's own
)

// Enum lists the values for schemas.
func (PageForm) Enum() []any {
	return []any{string(MarkdownPage), string(HTMLPage), string(SectionsPage)}
}

// HandoverInput is the input of [Client.Handover].
type HandoverInput struct {
	// Since when; 12 unless given.
	Hours int `json:"hours,omitempty" minimum:"1" maximum:"336" default:"12"`
	// Also as one page.
	Page PageForm `json:"page,omitempty"`
}

// A HandoverCase is a case in a hand-over.
type HandoverCase struct {
	ID       string `json:"id"`                     // its id
	Number   int    `json:"number"`                 // the number a person calls it by
	Title    string `json:"title" untrusted:"true"` // its title
	Status   string `json:"status"`                 // its status
	Severity string `json:"severity"`               // how severe it is
	Assignee string `json:"assignee,omitempty"`     // the login of whom it is assigned to
	New      bool   `json:"new,omitempty"`          // whether it came in this shift
}

// A HandoverTask is a task that is due.
type HandoverTask struct {
	Case     int       `json:"case"`                   // the number of its case
	Title    string    `json:"title" untrusted:"true"` // its title
	Assignee string    `json:"assignee,omitempty"`     // the login of whom it is assigned to
	Due      time.Time `json:"due"`                    // when it is due
	Overdue  bool      `json:"overdue,omitempty"`      // whether it is too late
}

// An UnusualRule is a rule that raised more alerts than it used to.
type UnusualRule struct {
	Rule string `json:"rule"`                  // the rule
	Name string `json:"name" untrusted:"true"` // what it finds
	// In this time.
	Alerts int `json:"alerts"`
	// In as long a time of the two weeks before, on average.
	Expected float64 `json:"expected"`
}

// A HandoverAct is what was done or waits, as the gate's journal has it.
type HandoverAct struct {
	Proposal string    `json:"proposal"`                          // the proposal's id
	Op       string    `json:"op"`                                // the operation
	Summary  string    `json:"summary" untrusted:"true"`          // what was to happen
	At       time.Time `json:"at"`                                // when
	Until    time.Time `json:"until,omitzero"`                    // when it ends by itself
	Detail   string    `json:"detail,omitempty" untrusted:"true"` // what came of it
	Undo     string    `json:"undo,omitempty"`                    // how to take it back
}

// HandoverOutput is the output of [Client.Handover].
type HandoverOutput struct {
	From      time.Time `json:"from"`      // the start of the time looked at
	Until     time.Time `json:"until"`     // the end of the time looked at
	OpenCases int       `json:"openCases"` // how many cases are open
	// New ones, and the gravest open ones, at most 30.
	Cases []HandoverCase `json:"cases"`
	// Due within a day, or overdue, of these cases.
	Tasks   []HandoverTask `json:"tasks"`
	Unusual []UnusualRule  `json:"unusual"` // rules that fire as they don't usually
	// What is silenced.
	Tunings []*wazuh.TuningInForce `json:"tunings"`
	// Active responses that neither were undone nor ended by themselves, of the newest events of the journal.
	Responses []HandoverAct `json:"responses"`
	// Proposals that wait for an approver.
	Waiting []HandoverAct `json:"waiting"`
	// Outcomes that nobody knows yet.
	Unknown   []HandoverAct    `json:"unknown"`
	Platforms []PlatformStatus `json:"platforms"` // which platforms answered
	// The page.
	Text string `json:"text,omitempty" untrusted:"true"`
	// The page as data.
	Sections []HandoverSection `json:"sections,omitempty"`
}

// A HandoverSection is a part of the page.
type HandoverSection struct {
	Name  string         `json:"name"`  // cases, tasks, alerts, tunings, responses, waiting, unknown or platforms
	Title string         `json:"title"` // its title
	Lines []HandoverLine `json:"lines"` // what is in it
	None  string         `json:"none"`  // what an empty one means
}

// A HandoverLine is one thing that the next shift must know.
type HandoverLine struct {
	Text     string `json:"text" untrusted:"true"` // the line
	Proposal string `json:"proposal,omitempty"`    // the proposal that it comes from
}

// Document says that the page, if one was asked for, is a file of its own.
func (out *HandoverOutput) Document() (name, mediaType, member string) {
	if strings.HasPrefix(out.Text, "<") {
		return "handover.html", "text/html", "text"
	}
	return "handover.md", "text/markdown", "text"
}

const (
	handoverCases = 30
	handoverTasks = 500 // that are looked at
	usualDays     = 14
)

// Handover says what the next shift must know: new and open cases, tasks due, alerts that are
// unusual against the two weeks before, tunings and responses in force, proposals that wait,
// outcomes that nobody knows, and which platform didn't answer. On request also as a page.
//
// TheHive: POST /api/v1/query. Indexer: POST wazuh-alerts-*/_search. Wazuh: GET /rules/files/{filename}
func (c *Client) Handover(ctx context.Context, in HandoverInput) (*HandoverOutput, error) {
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Second)
	out := &HandoverOutput{From: now.Add(-time.Duration(in.Hours) * time.Hour), Until: now, Cases: []HandoverCase{}, Tasks: []HandoverTask{}, Unusual: []UnusualRule{},
		Tunings: []*wazuh.TuningInForce{}, Responses: []HandoverAct{}, Waiting: []HandoverAct{}, Unknown: []HandoverAct{}}
	out.Platforms, _ = together(
		part{"thehive", c.hive != nil, func() error { return c.handoverCases(ctx, out) }},
		part{"wazuh", c.wazuh != nil, func() error { return c.handoverAlerts(ctx, out) }},
		part{"wazuh", c.wazuh != nil, func() error { return c.handoverTunings(ctx, out) }},
		part{"gate", c.guard != nil, func() error { return c.handoverJournal(out) }},
	)
	switch in.Page {
	case MarkdownPage:
		out.Text = out.markdown()
	case HTMLPage:
		out.Text = out.html()
	case SectionsPage:
		out.Sections = out.sections()
	}
	return out, nil
}

func (c *Client) handoverCases(ctx context.Context, out *HandoverOutput) error {
	var list []*thehive.Case
	for _, stage := range thehive.StagesOf("open") {
		p, err := c.hive.ListCases(ctx, thehive.ListCasesInput{Stage: stage, Limit: 100})
		if err != nil {
			return err
		}
		out.OpenCases += p.Total
		list = append(list, p.Cases...)
	}
	slices.SortStableFunc(list, func(a, b *thehive.Case) int {
		return cmp.Or(-cmp.Compare(b2i(a.CreatedAt.After(out.From)), b2i(b.CreatedAt.After(out.From))), -cmp.Compare(a.Severity, b.Severity), b.CreatedAt.Compare(a.CreatedAt))
	})
	list = list[:min(len(list), handoverCases)]
	listed := map[string]bool{}
	for _, cs := range list {
		out.Cases = append(out.Cases, HandoverCase{cs.ID, cs.Number, cs.Title, cs.Status, fmt.Sprint(cs.Severity), cs.Assignee, cs.CreatedAt.After(out.From)})
		listed[cs.ID] = true
	}
	due, err := c.hive.ListOpenTasks(ctx, thehive.ListOpenTasksInput{Whose: thehive.Everybody, DueBefore: thehive.At(out.Until.Add(24 * time.Hour)), Limit: handoverTasks})
	if err != nil {
		return err
	}
	for _, t := range due.Tasks {
		if listed[t.CaseID] {
			out.Tasks = append(out.Tasks, HandoverTask{t.CaseNumber, t.Task.Title, t.Task.Assignee, t.Task.DueDate, t.Task.DueDate.Before(out.Until)})
		}
	}
	sorting.Stable(out.Tasks, func(a, b HandoverTask) int { return a.Due.Compare(b.Due) })
	if due.More {
		return fmt.Errorf("%d tasks are due, and only the %d newest were looked at", due.Total, handoverTasks)
	}
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// handoverAlerts compares each rule's alerts with as long a time of the two weeks before.
func (c *Client) handoverAlerts(ctx context.Context, out *HandoverOutput) error {
	count := func(from, until time.Time) (map[string]wazuh.Count, error) {
		s, err := c.wazuh.GetAlertStats(ctx, wazuh.GetAlertStatsInput{GroupBy: []wazuh.AlertKey{"rule"}, Top: 100, AlertFilter: wazuh.AlertFilter{StartTime: wazuh.At(from), EndTime: wazuh.At(until)}})
		if err != nil {
			return nil, err
		}
		m := map[string]wazuh.Count{}
		for _, by := range s.Counts { // one, or none in an answer that isn't one
			for _, x := range by.Values {
				m[x.Value] = x
			}
		}
		return m, nil
	}
	now, err := count(out.From, out.Until)
	if err != nil {
		return err
	}
	before, err := count(out.From.AddDate(0, 0, -usualDays), out.From)
	if err != nil {
		return err
	}
	share := out.Until.Sub(out.From).Hours() / (usualDays * 24)
	for id, x := range now {
		expected := float64(int(float64(before[id].Count)*share*10)) / 10
		if x.Count >= 5 && float64(x.Count) > 3*expected {
			out.Unusual = append(out.Unusual, UnusualRule{id, x.Name, x.Count, expected})
		}
	}
	sorting.By(out.Unusual, func(a, b UnusualRule) int {
		return cmp.Or(-cmp.Compare(a.Alerts, b.Alerts), strings.Compare(a.Rule, b.Rule))
	})
	out.Unusual = out.Unusual[:min(len(out.Unusual), 20)]
	return nil
}

func (c *Client) handoverTunings(ctx context.Context, out *HandoverOutput) error {
	l, err := c.wazuh.ListTunings(ctx, wazuh.ListTuningsInput{})
	switch {
	case errors.Is(err, wazuh.ErrUnsupported): // a Wazuh 5 has none
		return nil
	case err != nil:
		return err
	}
	out.Tunings = l.Tunings
	return nil
}

// handoverJournal reads what the gate knows: nothing of it is asked of a platform.
func (c *Client) handoverJournal(out *HandoverOutput) error {
	j, err := c.guard.Journal()
	if err != nil {
		return err
	}
	waiting, err := j.Pending()
	if err != nil {
		return err
	}
	for _, p := range waiting {
		out.Waiting = append(out.Waiting, HandoverAct{Proposal: p.ID, Op: p.Op, Summary: p.Plan.Summary, At: p.Created})
	}
	force, err := j.InForce()
	if err != nil {
		return err
	}
	for _, f := range force {
		if p := f.Proposal; p.Op == "wazuh_active_response" {
			out.Responses = append(out.Responses, HandoverAct{Proposal: p.ID, Op: p.Op, Summary: p.Plan.Summary, At: f.Since, Until: f.Until, Detail: responseOf(p), Undo: p.Plan.Undo})
		}
	}
	unknown, err := j.Unsettled()
	if err != nil {
		return err
	}
	for _, p := range unknown {
		if p.State == gate.StateUnknown {
			out.Unknown = append(out.Unknown, HandoverAct{Proposal: p.ID, Op: p.Op, Summary: p.Plan.Summary, At: p.Changed, Detail: p.Detail})
		}
	}
	return nil
}

// responseOf is what a response is about, in words.
func responseOf(p *gate.Proposal) string {
	var in struct {
		Response string   `json:"response"`
		Agents   []string `json:"agents"`
		Value    string   `json:"value"`
	}
	if json.Unmarshal(p.Input, &in) != nil {
		return ""
	}
	slices.Sort(in.Agents)
	return strings.TrimSpace(in.Response + " " + in.Value + " on " + strings.Join(in.Agents, ", "))
}

func (out *HandoverOutput) sections() []HandoverSection {
	at := func(t time.Time) string { return t.UTC().Format("2 Jan 15:04") }
	s := []HandoverSection{
		{Name: "cases", Title: fmt.Sprintf("Cases: %d open", out.OpenCases), None: "None are open."},
		{Name: "tasks", Title: "Tasks due", None: "None within a day."},
		{Name: "alerts", Title: "Unusual alerts", None: "No rule raised much more than it used to."},
		{Name: "tunings", Title: "Silenced", None: "Nothing is."},
		{Name: "responses", Title: "Responses in force", None: "None that were not undone."},
		{Name: "waiting", Title: "Waiting for an approver", None: "Nothing."},
		{Name: "unknown", Title: "Outcomes that nobody knows", None: "None."},
		{Name: "platforms", Title: "Platforms that didn't answer", None: "All did."},
	}
	for i, of := range []string{"thehive", "thehive", "wazuh", "wazuh", "gate", "gate", "gate", ""} {
		s[i].Lines = []HandoverLine{}
		j := slices.IndexFunc(out.Platforms, func(p PlatformStatus) bool { return p.Platform == of })
		if j >= 0 && out.Platforms[j].Status != Answered {
			s[i].None = fmt.Sprintf("Not known: %s, %s.", of, out.Platforms[j].Status)
		}
	}
	if out.Platforms[0].Status != Answered {
		s[0].Title = "Cases"
	}
	from := func(proposal string, i int, format string, args ...any) {
		s[i].Lines = append(s[i].Lines, HandoverLine{fmt.Sprintf(format, args...), proposal})
	}
	add := func(i int, format string, args ...any) { from("", i, format, args...) }
	for _, x := range out.Cases {
		fresh := ""
		if x.New {
			fresh = "NEW "
		}
		add(0, "%s#%d %s (%s, %s, %s)", fresh, x.Number, x.Title, x.Severity, x.Status, cmp.Or(x.Assignee, "nobody"))
	}
	for _, x := range out.Tasks {
		late := ""
		if x.Overdue {
			late = "OVERDUE "
		}
		add(1, "%s#%d %s, due %s (%s)", late, x.Case, x.Title, at(x.Due), cmp.Or(x.Assignee, "nobody"))
	}
	for _, x := range out.Unusual {
		add(2, "rule %s %s: %d alerts, %.1f expected", x.Rule, x.Name, x.Alerts, x.Expected)
	}
	for _, x := range out.Tunings {
		late := ""
		if x.Expired {
			late = "EXPIRED "
		}
		from(x.Proposal, 3, "%s%d hides rule %s since %s until %s: %s", late, x.TuningID, x.RuleID, x.Since, x.Expires, x.Reason)
	}
	for _, x := range out.Responses {
		from(x.Proposal, 4, "%s since %s (%s). %s", x.Detail, at(x.At), x.Proposal, x.Undo)
	}
	for _, x := range out.Waiting {
		from(x.Proposal, 5, "%s %s", x.Proposal, x.Summary)
	}
	for _, x := range out.Unknown {
		from(x.Proposal, 6, "%s %s: %s", x.Proposal, x.Summary, x.Detail)
	}
	for _, x := range out.Platforms {
		if x.Status == Failed {
			add(7, "%s: %s", x.Platform, x.Error)
		}
	}
	return s
}

func (out *HandoverOutput) title() string {
	return fmt.Sprintf("Hand-over, %s to %s UTC", out.From.Format("2 Jan 15:04"), out.Until.Format("2 Jan 15:04"))
}

// markdown is the page; what others wrote can't make marks, links or lines in it.
func (out *HandoverOutput) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", out.title())
	for _, s := range out.sections() {
		fmt.Fprintf(&b, "\n## %s\n\n", s.Title)
		for _, l := range s.Lines {
			fmt.Fprintf(&b, "- %s\n", plainMarkdown(l.Text))
		}
		if len(s.Lines) == 0 {
			fmt.Fprintln(&b, s.None)
		}
	}
	return b.String()
}

func plainMarkdown(s string) string {
	var b strings.Builder
	for _, r := range gate.Escape(s) {
		if strings.ContainsRune("\\`*_{}[]<>#|!~&@", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return addresses.Replace(b.String())
}

// addresses would be links in many a reader of Markdown, without any marks.
var addresses = strings.NewReplacer("://", "\\://", "www.", "www\\.", "WWW.", "WWW\\.")

// handoverCSS lets the page be read on a screen of any size, by day and by night.
const handoverCSS = "body{max-width:60rem;margin:0 auto;padding:0 1rem 2rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere}" +
	"h1{font-size:1.4rem}h2{font-size:1.1rem;margin:1.5rem 0 .4rem}p{margin:0}ul{margin:0;padding-left:1.2rem}"

// html is the page without scripts, with a style of its own and nothing that is fetched.
func (out *HandoverOutput) html() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light dark\"><title>%s</title>\n<style>%s</style>\n<h1>%[1]s</h1>\n", html.EscapeString(out.title()), handoverCSS)
	for _, s := range out.sections() {
		fmt.Fprintf(&b, "<h2>%s</h2>\n", html.EscapeString(s.Title))
		if len(s.Lines) == 0 {
			fmt.Fprintf(&b, "<p>%s</p>\n", html.EscapeString(s.None))
			continue
		}
		b.WriteString("<ul>\n")
		for _, l := range s.Lines {
			fmt.Fprintf(&b, "<li>%s</li>\n", html.EscapeString(gate.Escape(l.Text)))
		}
		b.WriteString("</ul>\n")
	}
	b.WriteString("</html>\n")
	return b.String()
}
