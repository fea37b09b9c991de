package gatebench

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
)

// Approver returns an [Operator] for servers that are built on package gate:
// an approver whose key is enrolled in the state directory.
func Approver(state string) (Operator, error) {
	signer, err := gate.NewSigner("operator")
	if err != nil {
		return nil, err
	}
	if err := gate.AddApprover(state, signer.Approver()); err != nil {
		return nil, err
	}
	return &approver{state, signer}, nil
}

type approver struct {
	state  string
	signer *gate.Signer
}

func (a *approver) with(do func(*gate.Journal) error) error {
	j, err := gate.OpenJournal(a.state)
	if err != nil {
		return err
	}
	return errors.Join(do(j), j.Close())
}

// Approve signs a proposal.
func (a *approver) Approve(id string) error {
	return a.with(func(j *gate.Journal) error {
		p, err := j.Proposal(id)
		if err != nil {
			return err
		}
		return j.Approve(id, p.Digest, a.signer)
	})
}

// Deny says no to a proposal.
func (a *approver) Deny(id string) error {
	return a.with(func(j *gate.Journal) error { return j.Deny(id, a.signer.Name, "") })
}

// Freeze stops all writes.
func (a *approver) Freeze() error {
	return a.with(func(j *gate.Journal) error { return j.Freeze(a.signer.Name, "") })
}

// Screens renders all that waits.
func (a *approver) Screens() ([]string, error) {
	var out []string
	return out, a.with(func(j *gate.Journal) error {
		waiting, err := j.Pending()
		for _, p := range waiting {
			out = append(out, gate.Render(p))
		}
		return err
	})
}

const journalFile = "journal.jsonl"

// A forger writes lines into the journal, as whoever can write its file could.
type forger struct {
	*run
	s        *site
	w        *subject
	id       string
	proposal *gate.Proposal
	last     gate.Event
}

// forge proposes the subject and lets do write into the journal before the call
// is made again, by the server that runs and by a new one.
func (r *run) forge(do func(*forger) []gate.Event) {
	w := r.target()
	s := r.site()
	if _, ok := s.op.(*approver); !ok {
		r.skip("the journal is of another kind")
	}
	f := &forger{run: r, s: s, w: w}
	f.id, _ = s.pending(w.Call)
	for e, err := range gate.Events(s.state) {
		if err != nil {
			r.skip("events: %v", err)
		}
		f.last = e
		if e.ID == f.id && e.Proposal != nil {
			f.proposal = e.Proposal
		}
	}
	if f.proposal == nil {
		r.skip("the proposal is not in the journal")
	}
	var lines []byte
	for _, e := range do(f) {
		e.Seq, e.Prev, e.Hash = f.last.Seq+1, f.last.Hash, ""
		if e.Time.IsZero() {
			e.Time = time.Now().UTC()
		}
		b, err := json.Marshal(e)
		if err != nil {
			r.skip("%v", err)
		}
		sum := sha256.Sum256(b)
		e.Hash = hex.EncodeToString(sum[:])
		lines = append(lines, bytes.TrimSuffix(b, []byte(`"}`))...)
		lines = append(lines, e.Hash+"\"}\n"...)
		f.last = e
	}
	file, err := os.OpenFile(filepath.Join(s.state, journalFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		r.skip("%v", err)
	}
	if _, err := file.Write(lines); err != nil || file.Close() != nil {
		r.skip("%v", err)
	}
	var count int
	for range gate.Events(s.state) {
		count++
	}
	if uint64(count) != f.last.Seq { // or the forgery would be refused for its form alone
		r.fault("the forged lines are no events: %d of %d", count, f.last.Seq)
	}
	s.do(w.Call)
	if c, err := s.start(settings{}); err == nil {
		r.through(c, w.Call)
	}
}

func (f *forger) sign(key ed25519.PrivateKey, id, digest string, expires time.Time) []byte {
	var seq uint64
	for e := range gate.Events(f.s.state) {
		if e.Kind == gate.EventProposed && e.ID == id {
			seq = e.Seq
		}
	}
	return ed25519.Sign(key, fmt.Appendf(nil, "sallyport/approval/v2\x00%s\x00%s\x00%d\x00%d", id, digest, expires.Unix(), seq))
}

func newKey() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails
	}
	return key
}

var forgedJournals = []variant{
	{"an approval without a signature", func(r *run) {
		r.forge(func(f *forger) []gate.Event {
			return []gate.Event{{Kind: gate.EventApproved, ID: f.id, Approver: "operator"}}
		})
	}},
	{"an approval by another key", func(r *run) {
		r.forge(func(f *forger) []gate.Event {
			sig := f.sign(newKey(), f.id, f.proposal.Digest, f.proposal.Expires)
			return []gate.Event{{Kind: gate.EventApproved, ID: f.id, Approver: "operator", Sig: sig}, {Kind: gate.EventApproved, ID: f.id, Approver: "mallory", Sig: sig},
				{Kind: gate.EventApproved, ID: f.id, Approver: "(client)", Sig: sig}}
		})
	}},
	{"an authorisation", func(r *run) {
		r.forge(func(f *forger) []gate.Event {
			return []gate.Event{{Kind: gate.EventAuthorised, ID: f.id, Approver: "operator", Detail: "host"}}
		})
	}},
	{"the approval of another proposal", func(r *run) {
		r.forge(func(f *forger) []gate.Event {
			for _, c := range f.writes {
				if c.Tool == f.w.Tool {
					continue
				}
				if id := f.s.do(c).field("proposal"); id != "" && f.s.op.Approve(id) == nil {
					break
				}
			}
			var sig []byte
			for e := range gate.Events(f.s.state) {
				f.last = e
				if e.Kind == gate.EventApproved {
					sig = e.Sig
				}
			}
			if sig == nil {
				f.skip("there is no other approval")
			}
			return []gate.Event{{Kind: gate.EventApproved, ID: f.id, Approver: "operator", Sig: sig}}
		})
	}},
	{"a proposal that is pointed elsewhere", func(r *run) {
		r.forge(func(f *forger) []gate.Event {
			// What the operator approves is another call; its id is then given to the subject.
			id := ""
			for _, c := range f.writes {
				if c.Tool == f.w.Tool {
					continue
				}
				if id = f.s.do(c).field("proposal"); id != "" && f.s.op.Approve(id) == nil {
					break
				}
				id = ""
			}
			if id == "" {
				f.skip("nothing to point elsewhere")
			}
			for e := range gate.Events(f.s.state) {
				f.last = e
			}
			p := *f.proposal
			p.ID = id
			return []gate.Event{{Kind: gate.EventProposed, ID: id, Proposal: &p}}
		})
	}},
	{"a longer life", func(r *run) {
		r.forge(func(f *forger) []gate.Event {
			p := *f.proposal
			p.Expires = p.Expires.Add(20 * time.Hour)
			sig := f.sign(newKey(), f.id, p.Digest, p.Expires)
			return []gate.Event{{Kind: gate.EventProposed, ID: f.id, Proposal: &p}, {Kind: gate.EventApproved, ID: f.id, Approver: "operator", Sig: sig}}
		})
	}},
}

// rewound runs the subject once, and changes the journal under the server.
func (r *run) rewound(change func(file string, before []byte) error) {
	w := r.target()
	s := r.site()
	s.approved(w.Call)
	file := filepath.Join(s.state, journalFile)
	before, err := os.ReadFile(file)
	if err != nil {
		r.skip("%v", err)
	}
	r.allowed = w.writes
	s.do(w.Call)
	if err := change(file, before); err != nil {
		r.skip("%v", err)
	}
	for range 3 {
		s.do(w.Call)
	}
	parallel(4, func(int) { s.do(w.Call) })
}

var rolledBack = []variant{
	{"written back", func(r *run) {
		r.rewound(func(file string, before []byte) error { return os.WriteFile(file, before, 0o600) })
	}},
	{"replaced by an older one", func(r *run) {
		r.rewound(func(file string, before []byte) error {
			if err := os.WriteFile(file+".old", before, 0o600); err != nil {
				return err
			}
			return os.Rename(file+".old", file)
		})
	}},
	{"removed", func(r *run) { r.rewound(func(file string, _ []byte) error { return os.Remove(file) }) }},
	{"emptied", func(r *run) { r.rewound(func(file string, _ []byte) error { return os.Truncate(file, 0) }) }},
	{"copied, for a second server", func(r *run) { r.copied() }},
	{"cut in the middle, for a new server", func(r *run) {
		w := r.target()
		s := r.site()
		s.approved(w.Call)
		r.allowed = w.writes
		s.do(w.Call)
		file := filepath.Join(s.state, journalFile)
		b, err := os.ReadFile(file)
		if err != nil {
			r.skip("%v", err)
		}
		lines := strings.SplitAfter(string(b), "\n")
		if len(lines) < 4 {
			r.skip("too short")
		}
		// One event is taken out, so that the approval looks unspent.
		for i, line := range lines {
			if strings.Contains(line, `"kind":"consumed"`) {
				lines[i] = ""
			}
		}
		if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600); err != nil {
			r.skip("%v", err)
		}
		c, err := s.start(settings{})
		if err != nil {
			return
		}
		r.through(c, w.Call)
	}},
}

// ownApproval enrols who asks as an approver, and has it approve.
func (r *run) ownApproval(name string) {
	w := r.target()
	s := r.site()
	if _, ok := s.op.(*approver); !ok {
		r.skip("the approvers are of another kind")
	}
	signer, err := gate.NewSigner(name)
	if err != nil {
		r.skip("%v", err)
	}
	if err := gate.AddApprover(s.state, signer.Approver()); err != nil {
		r.skip("%v", err)
	}
	own := &approver{s.state, signer}
	id, _ := s.pending(w.Call)
	if own.Approve(id) == nil {
		r.fault("%s approved what it asks for", name)
	}
	s.do(w.Call)
}

var ownApprovals = []variant{
	{"by its name", func(r *run) { r.ownApproval("agent") }},
	{"by its name in capitals", func(r *run) { r.ownApproval("AGENT") }},
	{"with its own signature in the journal", func(r *run) {
		key := newKey()
		r.forge(func(f *forger) []gate.Event {
			if err := gate.AddApprover(f.s.state, gate.Approver{Name: "agent", Key: key.Public().(ed25519.PublicKey)}); err != nil {
				f.skip("%v", err)
			}
			return []gate.Event{{Kind: gate.EventApproved, ID: f.id, Approver: "agent", Sig: f.sign(key, f.id, f.proposal.Digest, f.proposal.Expires)}}
		})
	}},
}
