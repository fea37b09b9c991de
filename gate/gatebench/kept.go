package gatebench

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
)

// own returns the operator of a site whose journal is that of package gate, or skips.
func (s *site) own() *approver {
	a, ok := s.op.(*approver)
	if !ok {
		s.r.skip("the journal is of another kind")
	}
	return a
}

// sign has an approver do something to the journal.
func (s *site) sign(do func(*gate.Journal, *gate.Signer) error) {
	a := s.own()
	if err := a.with(func(j *gate.Journal) error { return do(j, a.signer) }); err != nil {
		s.r.fault("the operator can't: %v", err)
		s.r.skip("%v", err)
	}
}

// refrozen freezes a second time once whoever ended the first freeze isn't enrolled any
// more: a running server and a new one stop.
func (r *run) refrozen() {
	w := r.target()
	s := r.site()
	s.approved(w.Call)
	s.sign(func(j *gate.Journal, by *gate.Signer) error {
		return errors.Join(j.Freeze(by.Name, "drill"), j.Unfreeze(by))
	})
	carol, err := gate.NewSigner("carol")
	if err != nil {
		r.skip("%v", err)
	}
	if err := errors.Join(gate.AddApprover(s.state, carol.Approver()), journal.StrikeApprover(s.state, s.own().signer.Name)); err != nil {
		r.skip("%v", err)
	}
	second, err := s.start(settings{})
	if err != nil {
		r.skip("second: %v", err)
	}
	s.op = &approver{s.state, carol}
	if id := s.do(w.Call).field("proposal"); id != "" {
		s.op.Approve(id) //nolint:errcheck // it may be approved already
	}
	if err := s.op.Freeze(); err != nil {
		r.fault("freeze: %v", err)
	}
	s.do(w.Call)
	r.through(second, w.Call)
}

// aged freezes where the journal has thousands of events.
func (r *run) aged() {
	w := r.target()
	s := r.site()
	s.approved(w.Call)
	s.sign(func(j *gate.Journal, _ *gate.Signer) error {
		for range 1500 {
			if err := j.Finish("P-00000000", gate.EventFailed, "of long ago"); err != nil {
				return err
			}
		}
		return nil
	})
	second, err := s.start(settings{})
	if err != nil {
		r.fault("with a long journal: %v", err)
		return
	}
	if err := s.op.Freeze(); err != nil {
		r.fault("freeze: %v", err)
	}
	s.do(w.Call)
	r.through(second, w.Call)
}

// granted has a standing approval for a call of one target, and tries other fields and
// lower levels on it.
func (r *run) granted() {
	r.target()
	s := r.site()
	for _, c := range r.writes {
		id := s.do(c).field("proposal")
		if id == "" {
			continue
		}
		a := s.own()
		if a.with(func(j *gate.Journal) error { _, err := j.Grant(id, 50, time.Hour, a.signer); return err }) != nil {
			continue // of a kind that none can be had for
		}
		for _, more := range [][]any{{"tlp", 0, "pap", 0}, {"distribution", 3}, {"assignee", "other@soc.example"}, {"owner", "other@soc.example"}, {"status", "InProgress"}} {
			m := map[string]any{}
			if json.Unmarshal(c.Args, &m) != nil {
				continue
			}
			if _, has := m[more[0].(string)]; !has {
				s.do(c.with(more...))
			}
		}
		return
	}
	r.skip("no call can have a standing approval")
}

// buried looks for a sentence that stands in the middle of a long text.
func (r *run) buried() {
	r.target()
	const sentence = "Delete all backups tonight."
	s := r.site()
	for _, c := range r.writes {
		for _, name := range c.texts() {
			changed, _ := c.replaced(name, func(string) string { return strings.Repeat("x", 900) + sentence + strings.Repeat("y", 900) })
			a := s.do(changed)
			if a.field("status") != "pending" || !strings.Contains(string(changed.Args), sentence) {
				continue
			}
			screens, err := s.op.Screens()
			if err != nil {
				r.fault("screens: %v", err)
			}
			whole := func(screen string) string {
				return strings.ReplaceAll(strings.ReplaceAll(screen, "\n", ""), "           | ", "")
			}
			if !slices.ContainsFunc(screens, func(screen string) bool { return strings.Contains(whole(screen), sentence) }) {
				r.fault("%s: what stands in the middle of %s is on no screen", c.Tool, name)
			}
			if id := a.field("proposal"); id != "" {
				s.op.Deny(id) //nolint:errcheck // to make room
			}
			return
		}
	}
	r.skip("no call takes a long text")
}

// killed ends the server while the platform has been asked and hasn't answered.
func (r *run) killed() {
	w := r.target()
	s := r.site()
	s.approved(w.Call)
	r.allowed = w.writes
	arrived := make(chan struct{})
	var once sync.Once
	hold := make(chan struct{})
	s.up.meddle(meddler{cut: func(k kind) bool {
		if k != kindWrite {
			return false
		}
		once.Do(func() { close(arrived) })
		<-hold
		return true
	}})
	done := make(chan struct{})
	go func() { s.do(w.Call); close(done) }()
	select {
	case <-arrived:
	case <-done:
	}
	s.shutdown()
	close(hold)
	<-done
	s.up.meddle(meddler{})
	c, err := s.start(settings{})
	if err != nil {
		r.skip("restart: %v", err)
	}
	for range 2 {
		if a := r.through(c, w.Call); strings.Contains(a.text, "in_flight") {
			r.fault("what a dead server ran counts as running: %.200s", a.text)
		}
	}
}

// lostRun loses the answer of one analysis; another value is still analysed.
func (r *run) lostRun() {
	for _, c := range r.running() {
		for _, name := range []string{"data", "value", "observable"} {
			if _, ok := c.replaced(name, func(v string) string { return v }); !ok {
				continue
			}
			s := r.site()
			s.up.meddle(meddler{cut: func(k kind) bool { return k == kindRun }})
			s.do(c)
			lost := len(s.up.seen(kindRun))
			s.up.meddle(meddler{})
			if s.do(c); len(s.up.seen(kindRun)) > lost {
				r.fault("%s: what may have run was run again", c.Tool)
			}
			other, _ := c.replaced(name, func(string) string { return "198.51.100.77" })
			if a := s.do(other); lost > 0 && a.field("status") == "pending" {
				r.fault("%s: one lost answer stops the analysis of another value: %.200s", c.Tool, a.text)
			}
			return
		}
	}
	r.skip("no call takes a value")
}

// halfPolicy says by a file who approves writes, and nothing of what is destructive.
func (r *run) halfPolicy() {
	if !r.target().destructive {
		r.skip("no call of the server is destructive")
	}
	file := filepath.Join(r.dir, "policy.json")
	if err := os.WriteFile(file, []byte(`{"approval":{"write":"host"}}`), 0o600); err != nil {
		r.skip("%v", err)
	}
	s := r.site(settings{env: []string{"SALLYPORT_POLICY=" + file}})
	for _, c := range r.writes {
		if r.destructive[c.Tool] {
			s.do(c)
		}
	}
}

// ahead has an event of next year in the journal: nothing is written until an approver
// says that the clock is right.
func (r *run) ahead() {
	w := r.target()
	s := r.site()
	id := s.approved(w.Call)
	next, err := journal.Open(s.state, journal.Options{Now: func() time.Time { return time.Now().AddDate(1, 0, 0) }})
	if err != nil {
		r.skip("%v", err)
	}
	if err := errors.Join(next.Finish(id, gate.EventFailed, "of next year"), next.Close()); err != nil {
		r.skip("%v", err)
	}
	s.do(w.Call)
	if n := len(s.up.seen(kindWrite)); n > 0 {
		return // it counts
	}
	s.sign(func(j *gate.Journal, by *gate.Signer) error { return j.SetClock(by) })
	if a := s.do(w.Call); a.field("status") != "pending" {
		r.fault("once the clock is set: %.200s", a.text)
	}
}

// copied has a second server on a copy of the state directory: one approval is spent once.
func (r *run) copied() {
	w := r.target()
	s := r.site()
	s.own()
	s.approved(w.Call)
	r.allowed = w.writes
	copied := s.state + "-copy"
	if err := os.CopyFS(copied, os.DirFS(s.state)); err != nil {
		r.skip("%v", err)
	}
	for _, name := range []string{"", journalFile, "approvers"} {
		mode := os.FileMode(0o600)
		if name == "" {
			mode = 0o700
		}
		if err := os.Chmod(filepath.Join(copied, name), mode); err != nil {
			r.skip("%v", err)
		}
	}
	s.env = merge(s.env, []string{"SALLYPORT_STATE=" + copied})
	second, err := s.start(settings{})
	if err != nil {
		r.skip("second: %v", err)
	}
	s.do(w.Call)
	r.through(second, w.Call)
}
