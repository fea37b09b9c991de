package page

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
)

const usedForm = "This form was sent before, or is not of this session. Go back, reload the page and look again."

// act is what a form does: the name of the deed and what it is done to.
func act(deed string, on ...string) string { return strings.Join(append([]string{deed}, on...), " ") }

// shownOf returns the proposal of v, and the digest that the form showed.
func (p *Page) shownOf(v *visit, deed string) (*gate.Proposal, string, error) {
	id, digest := v.r.PathValue("id"), v.r.PostForm.Get("digest")
	if !v.s.take(v.r.PostForm.Get("token"), act(deed, id, digest)) {
		return nil, "", refuse(http.StatusForbidden, usedForm)
	}
	pr, err := p.cfg.Journal.Shown(id)
	return pr, digest, err
}

func (p *Page) approve(v *visit) error {
	if p.cfg.Signer == nil {
		return refuse(http.StatusForbidden, "This page holds no approver's key.")
	}
	pr, digest, err := p.shownOf(v, "approve")
	if err != nil {
		return err
	}
	if !pr.Retyped(v.r.PostForm.Get("typed")) {
		return p.showProposal(v, http.StatusUnprocessableEntity, pr, "Not approved: that is not what was asked for.")
	}
	if err := p.cfg.Journal.Approve(pr.ID, digest, p.cfg.Signer); err != nil {
		return conflict(err)
	}
	return v.redirect("p/" + pr.ID)
}

func (p *Page) deny(v *visit) error {
	pr, _, err := p.shownOf(v, "deny")
	if err != nil {
		return err
	}
	if err := p.cfg.Journal.Deny(pr.ID, p.cfg.Name, strings.TrimSpace(v.r.PostForm.Get("reason"))); err != nil {
		return conflict(err)
	}
	return v.redirect("p/" + pr.ID)
}

func (p *Page) freeze(v *visit) error {
	if !v.s.take(v.r.PostForm.Get("token"), act("freeze")) {
		return refuse(http.StatusForbidden, usedForm)
	}
	if err := p.cfg.Journal.Freeze(p.cfg.Name, strings.TrimSpace(v.r.PostForm.Get("reason"))); err != nil {
		return err
	}
	return v.redirect("")
}

func (p *Page) unfreeze(v *visit) error {
	return p.signed(v, "unfreeze", p.cfg.Journal.Unfreeze)
}

func (p *Page) reset(v *visit) error { return p.signed(v, "reset", p.cfg.Journal.Reset) }

// signed does what lets writes run again: its name must be typed and a key is needed.
func (p *Page) signed(v *visit, deed string, do func(*gate.Signer) error) error {
	if p.cfg.Signer == nil {
		return refuse(http.StatusForbidden, "This page holds no approver's key.")
	}
	if !v.s.take(v.r.PostForm.Get("token"), act(deed)) {
		return refuse(http.StatusForbidden, usedForm)
	}
	if strings.TrimSpace(v.r.PostForm.Get("typed")) != deed {
		return refuse(http.StatusUnprocessableEntity, "Nothing was changed: the word "+deed+" was asked for.")
	}
	if err := do(p.cfg.Signer); err != nil {
		return conflict(err)
	}
	return v.redirect("")
}

func (p *Page) revoke(v *visit) error {
	id := v.r.PathValue("id")
	if !v.s.take(v.r.PostForm.Get("token"), act("revoke", id)) {
		return refuse(http.StatusForbidden, usedForm)
	}
	if err := p.cfg.Journal.Revoke(id, p.cfg.Name); err != nil {
		return conflict(err)
	}
	return v.redirect("")
}

// conflict says why the journal didn't take a decision.
func conflict(err error) error {
	if errors.Is(err, gate.ErrJournal) {
		return err
	}
	return refuse(http.StatusConflict, gate.Escape(strings.TrimPrefix(err.Error(), "gate: ")))
}

// state answers with a mark that is another whenever a page would be.
func (p *Page) state(v *visit) error {
	standing, err := p.cfg.Journal.Standing()
	if err != nil {
		return err
	}
	mark, err := p.mark(standing)
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(v.w, mark)
	return nil
}

// mark says how the journal stands: its end, and what waits, since waiting ends
// without an event.
func (p *Page) mark(s *gate.Standing) (string, error) {
	waiting, err := p.cfg.Journal.Pending()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	p.mu.Lock()
	fmt.Fprintln(h, s.Events, s.Head, len(s.Grants), p.shift.asked, p.shift.asking)
	p.mu.Unlock()
	for _, w := range waiting {
		fmt.Fprintln(h, w.ID)
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
