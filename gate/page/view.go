package page

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/screen"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed enter.js
	enterJS string
	//go:embed live.js
	liveJS string
)

// policy lets a page use its own style and scripts, send forms to its own
// server, and nothing else.
var policy = fmt.Sprintf("default-src 'none'; style-src %s; script-src %s %s; connect-src 'self'; form-action 'self'; "+
	"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
	hash(pageCSS), hash(enterJS), hash(liveJS))

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var pages = template.Must(template.New("page").Funcs(template.FuncMap{
	"css":   func() template.CSS { return template.CSS(pageCSS) },
	"enter": func() template.JS { return template.JS(enterJS) },
	"live":  func() template.JS { return template.JS(liveJS) },
}).Parse(pageHTML))

// A value is text from outside, escaped. Whole is set when Text is cut.
type value struct{ Text, Whole string }

func show(s string) value {
	v := value{Text: screen.Shown(s)}
	if whole := gate.Escape(s); whole != v.Text {
		v.Whole = whole
	}
	return v
}

func showAll(list []string) []value {
	var out []value
	for _, s := range list {
		out = append(out, show(s))
	}
	return out
}

type message struct{ Title, Text string }

// frame is what all pages of a session share.
type frame struct {
	Title  string
	Base   string // path of the session
	Self   string // where a newer version of this page is, if not at its own address
	Mark   string
	Name   string
	CanAct bool // there is a key
	Frozen bool
	// Tripped means that the breaker stopped all writes.
	Tripped               bool
	FrozenWhy, TrippedWhy value
	At                    string
	stand                 *gate.Standing
}

func (p *Page) frame(v *visit, title string) (frame, error) {
	standing, err := p.cfg.Journal.Standing()
	if err != nil {
		return frame{}, err
	}
	mark, err := p.mark(standing)
	return frame{Title: title, Base: "/" + v.s.path + "/", Mark: mark, Name: screen.Shown(p.cfg.Name),
		CanAct: p.cfg.Signer != nil, Frozen: standing.Frozen, Tripped: standing.Tripped,
		FrozenWhy: show(standing.FrozenWhy), TrippedWhy: show(standing.TrippedWhy), At: clock(p.now()), stand: standing}, err
}

func clock(t time.Time) string { return t.Local().Format("15:04:05 MST") }

func moment(t time.Time) string { return t.Local().Format("2 Jan 2006 15:04:05 MST") }

type overviewView struct {
	frame
	Pending       []proposalView
	Events        []eventView
	FreezeToken   string
	UnfreezeToken string
	ResetToken    string
	Approvers     int
	Denials       int
	Unknowns      int
	Used          []gate.Used
	Grants        []grantView
	InForce       []forceView
	Unknown       []proposalView

	Sections        []sectionView // what the platforms said for the hand-over
	HasTools        bool
	Asking          bool // they are being asked
	HandoverAt      string
	HandoverFailure value
	HandoverToken   string
}

type grantView struct {
	ID, Expires, Approver   string
	Op, Upstream, Principal value
	Kind, Target            value
	Used, Max               int
	Token                   string
}

func (p *Page) overview(v *visit) error {
	f, err := p.frame(v, "Hand-over")
	if err != nil {
		return err
	}
	view := overviewView{frame: f, FreezeToken: v.s.token(act("freeze")), UnfreezeToken: v.s.token(act("unfreeze")),
		ResetToken: v.s.token(act("reset")), Approvers: len(f.stand.Approvers), Denials: f.stand.Denials, Unknowns: f.stand.Unknowns}
	waiting, err := p.cfg.Journal.Pending()
	if err != nil {
		return err
	}
	if n := len(waiting); n > 0 {
		view.Title = fmt.Sprintf("Hand-over: %d waiting", n)
	}
	for _, pr := range waiting {
		view.Pending = append(view.Pending, p.viewOf(pr))
	}
	if view.Events, err = p.events(lastSeen); err != nil {
		return err
	}
	for _, u := range f.stand.Used {
		u.Principal = screen.Shown(u.Principal)
		view.Used = append(view.Used, u)
	}
	for _, g := range f.stand.Grants {
		view.Grants = append(view.Grants, grantView{ID: screen.Shown(g.ID), Expires: moment(g.Expires), Approver: screen.Shown(g.Approver), Op: show(g.Op), Upstream: show(g.Upstream),
			Principal: show(g.Principal), Kind: show(g.Kind), Target: show(g.Target), Used: g.Used, Max: g.Max, Token: v.s.token(act("revoke", g.ID))})
	}
	if err := p.handover(v, &view); err != nil {
		return err
	}
	unsettled, err := p.cfg.Journal.Unsettled()
	if err != nil {
		return err
	}
	for _, pr := range unsettled {
		if pr.State == gate.StateUnknown {
			view.Unknown = append(view.Unknown, p.viewOf(pr))
		}
	}
	p.write(v.w, http.StatusOK, "overview", &view)
	return nil
}

type eventView struct {
	Seq                         uint64
	Linked                      bool // ID is a proposal
	Time, Kind, ID, Who, Detail string
}

// events returns the last n events, newest first.
func (p *Page) events(n int) ([]eventView, error) {
	last, err := p.cfg.Journal.Tail(n)
	if err != nil {
		return nil, err
	}
	var out []eventView
	for _, e := range last {
		v := eventView{Seq: e.Seq, Time: moment(e.Time), Kind: screen.Shown(string(e.Kind)), ID: screen.Shown(e.ID),
			Linked: e.Kind != gate.EventGranted && e.Kind != gate.EventRevoked, Who: screen.Shown(e.Approver), Detail: screen.Shown(e.Detail)}
		if e.Proposal != nil {
			v.Who = screen.Shown(e.Proposal.Principal)
			v.Detail = screen.Shown(e.Proposal.Op) + ": " + screen.Shown(e.Proposal.Plan.Summary) + " " + screen.Shown(e.Proposal.Object())
		}
		if g := e.Grant; g != nil {
			v.Detail = fmt.Sprintf("%d calls of %s on %s %s for %s until %s", g.Max, screen.Shown(g.Op), screen.Shown(g.Kind), screen.Shown(g.Target), screen.Shown(g.Principal), moment(g.Expires))
		}
		out = append(out, v)
	}
	return out, nil
}

type journalView struct {
	frame
	Events []eventView
	Count  uint64
	Head   string
	Limit  int
}

func (p *Page) journal(v *visit) error {
	f, err := p.frame(v, "Journal")
	if err != nil {
		return err
	}
	view := journalView{frame: f, Count: f.stand.Events, Head: f.stand.Head, Limit: maxSeen}
	if view.Events, err = p.events(maxSeen); err != nil {
		return err
	}
	p.write(v.w, http.StatusOK, "journal", &view)
	return nil
}

// proposalView is a proposal as it is shown: nothing in it is unescaped.
type proposalView struct {
	ID, State, Code, Rest, Digest, Created, Expires, Changed string
	Tier                                                     string
	Destructive, Pending, Revocable, ByTarget                bool
	Op, Upstream, Principal, Client, Object, Summary         value
	Targets                                                  []targetView
	Changes                                                  []changeView
	Egress                                                   []egressView
	Warnings, History                                        []value
	Undo, IfFails                                            value
	Claims                                                   []changeView
	Claim                                                    *value
	Input                                                    string
	Approver, Detail                                         value
	Untrusted                                                []value
	Budget, Replays                                          value
	Needs                                                    int
}

type targetView struct{ Kind, ID, Name, Version value }

type changeView struct {
	Field  value
	Before *value
	After  value
}

type egressView struct{ To, What, TLP value }

func changes(of []gate.Change) (list []changeView) {
	for _, c := range of {
		change := changeView{Field: show(c.Field), After: show(c.After)}
		if c.Before != "" {
			before := show(c.Before)
			change.Before = &before
		}
		list = append(list, change)
	}
	return list
}

func (p *Page) viewOf(pr *gate.Proposal) proposalView {
	v := proposalView{
		ID: screen.Shown(pr.ID), State: string(pr.State), Code: screen.Shown(pr.Code()), Rest: screen.Shown(strings.TrimPrefix(pr.Digest, pr.Code())), Digest: screen.Shown(pr.Digest),
		Created: moment(pr.Created), Expires: moment(pr.Expires), Changed: moment(pr.Changed), Tier: pr.Tier.String(),
		Destructive: pr.Tier == gate.TierDestructive, Pending: pr.State == gate.StatePending, Revocable: pr.State == gate.StateApproved,
		ByTarget: pr.ByTarget(), Op: show(pr.Op), Upstream: show(pr.Upstream), Principal: show(pr.Principal), Client: show(pr.Client), Object: show(pr.Object()), Summary: show(pr.Plan.Summary),
		Warnings: showAll(pr.Plan.Warnings), History: showAll(pr.History), Undo: show(pr.Plan.Undo), IfFails: show(pr.Plan.IfFails), Input: gate.Escape(string(pr.Input)),
		Approver: show(pr.Approver), Detail: show(pr.Detail),
		Untrusted: showAll(pr.Untrusted), Budget: show(pr.Budget), Replays: show(pr.Replays), Needs: pr.Needs,
	}
	for _, t := range pr.Plan.Targets {
		v.Targets = append(v.Targets, targetView{show(t.Kind), show(t.ID), show(t.Name), show(t.Version)})
	}
	v.Changes, v.Claims = changes(pr.Plan.Changes), changes(pr.Plan.Claims)
	for _, e := range pr.Plan.Egress {
		v.Egress = append(v.Egress, egressView{show(e.To), show(e.What), show(e.TLP)})
	}
	if strings.TrimSpace(pr.Claim) != "" {
		claim := show(pr.Claim)
		v.Claim = &claim
	}
	return v
}

type oneView struct {
	frame
	P                       proposalView
	Line                    value // with which a person makes the call, once it is approved
	ApproveToken, DenyToken string
	Problem                 string
}

func (p *Page) proposal(v *visit) error {
	pr, err := p.cfg.Journal.Shown(v.r.PathValue("id"))
	if err != nil {
		return err
	}
	return p.showProposal(v, http.StatusOK, pr, "")
}

func (p *Page) showProposal(v *visit, status int, pr *gate.Proposal, problem string) error {
	f, err := p.frame(v, "Proposal "+screen.Shown(pr.ID))
	if err != nil {
		return err
	}
	f.Self = f.Base + "p/" + screen.Shown(pr.ID)
	var line value
	if p.cfg.Tools != nil && pr.State == gate.StateApproved {
		line = show(p.cfg.Tools.Line(gate.Call{Op: pr.Op, Input: pr.Input}))
	}
	p.write(v.w, status, "proposal", &oneView{frame: f, P: p.viewOf(pr), Line: line, Problem: problem,
		ApproveToken: v.s.token(act("approve", pr.ID, pr.Digest)), DenyToken: v.s.token(act("deny", pr.ID, pr.Digest))})
	return nil
}
