package page

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/screen"
)

// Tools are those of a server, as a person at a terminal calls them. The page has no
// client of a platform: it asks them for the hand-over, and has them propose what takes
// back what is in force. They go through the server's own gate, so that what they propose
// waits for an approver like the proposal of an agent, on whose account it is.
type Tools interface {
	// Call calls a tool and returns its answer, a JSON object.
	Call(ctx context.Context, c gate.Call) ([]byte, error)
	// Line is the line that makes the call at a terminal.
	Line(c gate.Call) string
}

const (
	undoTime     = 25 * time.Second // less than a page may take
	handoverTime = 2 * time.Minute
	handoverAge  = 5 * time.Minute // until a look at the page asks again
	maxLines     = 200             // of a section
)

// handover is the tool that is asked for what isn't in the journal.
var handover = gate.Call{Op: "soc_handover", Input: json.RawMessage(`{"page":"sections"}`)}

// A shift is what the platforms said last, for the hand-over.
type shift struct {
	asked    time.Time // when the answer, or the failure, was there; zero: never
	asking   bool
	sections []section
	failure  string
}

type section struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Lines []line `json:"lines"`
	None  string `json:"none"`
}

type line struct {
	Text     string `json:"text"`
	Proposal string `json:"proposal"`
}

// handedOver returns what the platforms said last, and asks them anew, in the background,
// if that is long ago or again is set.
func (p *Page) handedOver(again bool) shift {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cfg.Tools != nil && !p.shift.asking && (again || p.now().Sub(p.shift.asked) > handoverAge) {
		p.shift.asking = true
		go p.askHandover()
	}
	return p.shift
}

func (p *Page) askHandover() {
	ctx, cancel := context.WithTimeout(context.Background(), handoverTime)
	defer cancel()
	var answer struct {
		Sections []section `json:"sections"`
	}
	b, err := p.cfg.Tools.Call(ctx, handover)
	if err == nil {
		err = json.Unmarshal(b, &answer)
	}
	if err == nil && len(answer.Sections) == 0 {
		err = fmt.Errorf("the answer of %s has no sections", handover.Op)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shift = shift{asked: p.now(), sections: answer.Sections}
	if err != nil {
		p.cfg.Logger.Warn("hand-over", "err", gate.Escape(err.Error()))
		p.shift = shift{asked: p.now(), failure: err.Error()}
	}
}

type sectionView struct {
	Title, None string
	Lines       []value
	Left        int // lines that aren't shown
}

// forceView is something that stays until it is taken back, with the call for that.
type forceView struct {
	ID, Since, Until string
	Summary, Stands  value // Stands: what its platform says of it
	Targets          []targetView
	Undo             value
	Token            string
	Undoing          *proposalView // the proposal of the undo, if there is one that isn't over
}

// handover fills in what the next shift must know beside what waits: what is in force,
// and what the platforms said.
func (p *Page) handover(v *visit, view *overviewView) error {
	now := p.handedOver(false)
	view.HasTools, view.Asking, view.HandoverToken, view.HandoverFailure = p.cfg.Tools != nil, now.asking, v.s.token(act("handover")), show(now.failure)
	if !now.asked.IsZero() {
		view.HandoverAt = moment(now.asked)
	}
	stands, older := map[string]string{}, []string{} // by the proposal that it comes from
	for _, s := range now.sections {
		for _, l := range s.Lines {
			if s.Name == "tunings" && l.Proposal != "" {
				stands[l.Proposal], older = l.Text, append(older, l.Proposal)
			}
		}
	}
	force, err := p.cfg.Journal.InForce(older...)
	if err != nil {
		return err
	}
	told := map[string]bool{}
	for _, f := range force {
		told[f.Proposal.ID] = true
		view.InForce = append(view.InForce, p.forceViewOf(v, f, stands[f.Proposal.ID]))
	}
	for _, s := range now.sections {
		if s.Name == "waiting" || s.Name == "responses" || s.Name == "unknown" {
			continue // the journal tells it better
		}
		lines := slices.DeleteFunc(slices.Clone(s.Lines), func(l line) bool { return told[l.Proposal] })
		if len(lines) == 0 && len(s.Lines) > 0 {
			continue // all of it is in force
		}
		shown := sectionView{Title: screen.Shown(s.Title), None: screen.Shown(s.None), Left: max(0, len(lines)-maxLines)}
		for _, l := range lines[:min(len(lines), maxLines)] {
			shown.Lines = append(shown.Lines, show(l.Text))
		}
		view.Sections = append(view.Sections, shown)
	}
	return nil
}

func (p *Page) forceViewOf(v *visit, f gate.InForce, stands string) forceView {
	shown, reverse := p.viewOf(f.Proposal), *f.Proposal.Plan.Reverse
	one := forceView{ID: shown.ID, Since: moment(f.Since), Summary: shown.Summary, Stands: show(stands), Targets: shown.Targets,
		Undo: show(reverse.Op + " " + string(reverse.Input)), Token: v.s.token(act("undo", f.Proposal.ID))}
	if p.cfg.Tools != nil {
		one.Undo = show(p.cfg.Tools.Line(reverse))
	}
	if !f.Until.IsZero() {
		one.Until = moment(f.Until)
	}
	if f.Undo != nil {
		undoing := p.viewOf(f.Undo)
		one.Undoing = &undoing
	}
	return one
}

// again asks the platforms for the hand-over now.
func (p *Page) again(v *visit) error {
	if !v.s.take(v.r.PostForm.Get("token"), act("handover")) {
		return refuse(http.StatusForbidden, usedForm)
	}
	p.handedOver(true)
	return v.redirect("")
}

// undo has the call proposed that takes back what was done. It comes from the plan that
// was approved then, and nothing of it from the form.
func (p *Page) undo(v *visit) error {
	if p.cfg.Tools == nil {
		return refuse(http.StatusForbidden, "This page has no tools that could propose it.")
	}
	id := v.r.PathValue("id")
	if !v.s.take(v.r.PostForm.Get("token"), act("undo", id)) {
		return refuse(http.StatusForbidden, usedForm)
	}
	force, err := p.cfg.Journal.InForce(id)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(force, func(f gate.InForce) bool { return f.Proposal.ID == id })
	if i < 0 {
		return refuse(http.StatusConflict, "There is nothing of it to be taken back.")
	}
	if undo := force[i].Undo; undo != nil {
		// Made again, the call would be carried out if it is approved.
		return v.redirect("p/" + undo.ID)
	}
	reverse := force[i].Proposal.Plan.Reverse
	ctx, cancel := context.WithTimeout(v.r.Context(), undoTime)
	defer cancel()
	b, err := p.cfg.Tools.Call(ctx, *reverse)
	if err != nil {
		return refuse(http.StatusBadGateway, "Not proposed: "+gate.Escape(strings.TrimSpace(err.Error())))
	}
	var answer struct {
		Proposal string `json:"proposal"`
	}
	if err := json.Unmarshal(b, &answer); err != nil || answer.Proposal == "" {
		return refuse(http.StatusBadGateway, "Not proposed: the answer names no proposal: "+screen.Shown(string(b)))
	}
	proposed, err := p.cfg.Journal.Proposal(answer.Proposal)
	if err != nil || !reverse.Is(proposed) {
		return refuse(http.StatusBadGateway, "What was proposed isn't in this journal, or is another call: "+screen.Shown(answer.Proposal))
	}
	return v.redirect("p/" + proposed.ID)
}
