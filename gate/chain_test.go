package gate

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
)

// hashed returns a line that holds body, which must end before its last field's
// value, and the hash of it.
func hashed(body string) []byte {
	sum := sha256.Sum256([]byte(body + `"}`))
	return []byte(body + hex.EncodeToString(sum[:]) + `"}` + "\n")
}

func TestALineThatIsNotOneWholeEventIsNone(t *testing.T) {
	good := hashed(`{"seq":1,"time":"2026-01-02T03:04:05Z","prev":"","kind":"frozen","hash":"`)
	if _, err := decodeEvent(good); err != nil {
		t.Fatal(err)
	}
	for name, line := range map[string][]byte{
		"without a newline":      good[:len(good)-1],
		"without its end":        append(bytes.TrimSuffix(good, []byte("\"}\n")), '\n'),
		"shorter than a hash":    []byte("{\"hash\":\"\"}\n"),
		"nothing":                []byte("\n"),
		"its hash elsewhere":     hashed(`{"seq":1,"time":"2026-01-02T03:04:05Z","prev":"","kind":"frozen","detail":"`),
		"two events":             hashed(`{"seq":1,"time":"2026-01-02T03:04:05Z","prev":"","kind":"frozen","hash":""}{"hash":"`),
		"a field of no event":    hashed(`{"seq":1,"time":"2026-01-02T03:04:05Z","prev":"","kind":"frozen","x":1,"hash":"`),
		"a kind of none":         hashed(`{"seq":1,"time":"2026-01-02T03:04:05Z","prev":"","kind":"thawed","hash":"`),
		"changed after its hash": bytes.Replace(good, []byte("frozen"), []byte("denied"), 1),
	} {
		if e, err := decodeEvent(line); err == nil {
			t.Errorf("%s is %+v", name, e)
		}
	}
	if _, _, err := encodeEvent(Event{Kind: EventDenied, Detail: strings.Repeat("x", maxEvent)}); err == nil {
		t.Error("an event that no reader takes can be written")
	}
	long := bytes.Repeat([]byte("x"), maxEvent+1)
	w := newWorld(t)
	w.write(append(long, '\n'))
	if _, err := w.journal().Frozen(); !errors.Is(err, ErrJournal) {
		t.Errorf("a line without an end: %v", err)
	}
}

// A segment's first event says where the chain goes on; nowhere else may one.
func TestASegmentBeginsAtItsBeginningOnly(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	w.approve(op.pending(t, w.guard(), one))
	whole := w.read()
	for _, e := range []Event{
		{Kind: EventGenesis, Seq: 40, Prev: strings.Repeat("0", 64)},
		{Kind: EventGenesis, Seq: 3, Prev: ""},
		{Kind: EventGenesis, Seq: 0},
	} {
		e.Time = time.Now()
		line, _, err := encodeEvent(e)
		if err != nil {
			t.Fatal(err)
		}
		w.write(append(bytes.Clone(whole), line...))
		if _, err := w.journal().Frozen(); !errors.Is(err, ErrJournal) {
			t.Errorf("live, a genesis with seq %d: %v", e.Seq, err)
		}
		if _, err := w.verify(); !errors.Is(err, ErrJournal) {
			t.Errorf("offline, a genesis with seq %d: %v", e.Seq, err)
		}
	}
	line, _, _ := encodeEvent(Event{Kind: EventGenesis, Time: time.Now()})
	w.write(line)
	if _, err := w.journal().Frozen(); !errors.Is(err, ErrJournal) {
		t.Errorf("a genesis without a number: %v", err)
	}
	if _, err := w.verify(); !errors.Is(err, ErrJournal) {
		t.Errorf("offline: %v", err)
	}
}

// Whoever can write the file can copy lines of it, signed ones too. From where
// a proposal stands, only the steps that lead on from there have an effect.
func TestAStepFromTheWrongStateHasNoEffect(t *testing.T) {
	newWorld(t).folder() // of a database there would be hundreds
	states := map[State]func(*world, *counted, *Guard, *Proposal){
		StatePending:  func(*world, *counted, *Guard, *Proposal) {},
		StateApproved: func(w *world, _ *counted, _ *Guard, p *Proposal) { w.approve(p) },
		StateDenied: func(w *world, _ *counted, _ *Guard, p *Proposal) {
			w.approve(p)
			must(0, w.journal().Deny(p.ID, "alice", ""))
		},
		StateStale: func(w *world, _ *counted, _ *Guard, p *Proposal) {
			w.approve(p)
			w.forge(Event{Kind: EventStale, ID: p.ID})
		},
		StateExecuted: func(w *world, op *counted, g *Guard, p *Proposal) { w.approve(p); op.do(w.t, g, one) },
		StateFailed: func(w *world, op *counted, g *Guard, p *Proposal) {
			w.approve(p)
			op.fail = errors.New("no")
			in := one
			op.Do(w.t.Context(), g, &in)
		},
		StateUnknown: func(w *world, op *counted, g *Guard, p *Proposal) {
			w.approve(p)
			op.fail = ErrOutcomeUnknown
			in := one
			op.Do(w.t.Context(), g, &in)
		},
		StateRunning: func(w *world, _ *counted, _ *Guard, p *Proposal) {
			w.approve(p)
			w.forge(Event{Kind: EventConsumed, ID: p.ID})
		},
	}
	// What leads on from a state without anybody's signature: it only takes away.
	leads := map[State]map[EventKind]State{
		StatePending:  {EventApproved: StateApproved, EventDenied: StateDenied, EventStale: StateStale, EventConsumed: StateRunning},
		StateApproved: {EventDenied: StateDenied, EventStale: StateStale, EventConsumed: StateRunning},
		StateRunning:  {EventExecuted: StateExecuted, EventPartly: StatePartly, EventFailed: StateFailed, EventUnknown: StateUnknown},
		StateUnknown:  {EventResolved: StateFailed},
	}
	for from, prepare := range states {
		for _, kind := range kinds {
			w := newWorld(t)
			op := newCounted()
			g := w.guard()
			p := op.pending(t, g, one)
			prepare(w, op, g, p)
			e := Event{Kind: kind, ID: p.ID, Approver: "alice", Proposal: p}
			switch kind {
			case EventApproved:
				e.Sig = must(w.signer.Sign(state.ApprovalMessage(p, w.place(p))))
			case EventResolved:
				e.Detail, e.Sig = string(StateFailed), must(w.signer.Sign(state.ResolveMessage(p, string(StateFailed))))
			case EventGenesis:
				continue
			}
			w.forge(e)
			want, ok := leads[from][kind]
			if !ok {
				want = from
			}
			if got := must(w.journal().Proposal(p.ID)); got.State != want {
				t.Errorf("%s and %s is %s, want %s", from, kind, got.State, want)
			}
		}
	}
}

func TestAForgedProposalOrApprovalIsIgnored(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	p := op.pending(t, w.guard(), one)
	forged := func(change func(*Event)) *Journal {
		q := *p
		q.ID = newID()
		e := Event{Kind: EventProposed, ID: q.ID, Proposal: &q}
		change(&e)
		w.forge(e)
		return w.journal()
	}
	count := func(j *Journal) int { return len(must(j.Pending())) }
	if n := count(forged(func(*Event) {})); n != 2 {
		t.Fatalf("a well-formed one isn't taken: %d", n)
	}
	for name, change := range map[string]func(*Event){
		"nothing":        func(e *Event) { e.Proposal = nil },
		"another id":     func(e *Event) { e.Proposal.ID = newID() },
		"another call":   func(e *Event) { e.Proposal.Call = strings.Repeat("0", 64) },
		"another digest": func(e *Event) { e.Proposal.Digest = strings.Repeat("0", 64) },
		"another input":  func(e *Event) { e.Proposal.Input = json.RawMessage(`{"case":"2"}`) },
		"a read":         func(e *Event) { e.Proposal.Tier = TierRead },
		"two days": func(e *Event) {
			e.Proposal.Expires = e.Proposal.Expires.Add(48 * time.Hour)
		},
	} {
		if n := count(forged(change)); n != 2 {
			t.Errorf("a proposal with %s was taken", name)
		}
	}
	late := Event{Kind: EventApproved, ID: p.ID, Approver: "alice", Time: p.Expires, Sig: must(w.signer.Sign(state.ApprovalMessage(p, w.place(p))))}
	w.forge(late)
	if got := must(w.journal().Proposal(p.ID)); got.State == StateApproved {
		t.Errorf("approved after it had expired: %s", got.State)
	}
}

func TestWhatTheJournalDoesNotTakeIsNotProposed(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	p := op.pending(t, w.guard(), one)
	for name, change := range map[string]func(*Proposal){
		"another digest": func(q *Proposal) { q.Digest = strings.Repeat("0", 64) },
		"a read":         func(q *Proposal) { q.Tier = TierRead },
	} {
		q := *p
		change(&q)
		j := newWorld(t).journal() // where nothing is open that it could join
		if _, err := j.Decide(&q, w.guard().policy.limits(), journal.Authority{}, nil); !errors.Is(err, ErrJournal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A rotation that doesn't know what is on the disk ends the write that caused it.
func TestAWriteDoesNotGoOnAfterARotationThatFailed(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	op := newCounted()
	op.pending(t, w.guard(), comment{Case: "0"})
	g := w.guard(host, func(p *Policy) { p.RotateAt = 1 })
	j := must(g.Journal())
	failed := false
	w.files(j).Sync = func(f *os.File) error {
		if !failed {
			failed = true
			return errors.New("input/output error")
		}
		return f.Sync()
	}
	op.refused(t, g, one, ReasonJournal)
	op.ran(t, 0)
}

// A link may lead anywhere, and a file that took the place of another isn't it.
func TestOnlyTheFileOfItsNameIsOpened(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights that few have")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "a")
	must(0, os.WriteFile(file, nil, 0o600))
	f := must(os.Open(file))
	defer f.Close()
	owners := filestore.Owners{}
	must(0, owners.CheckOpened(f, file))
	must(0, os.WriteFile(filepath.Join(dir, "b"), nil, 0o600))
	if err := owners.CheckOpened(f, filepath.Join(dir, "b")); err == nil {
		t.Error("another file")
	}
	folder := must(os.Open(dir))
	defer folder.Close()
	if err := owners.CheckOpened(folder, dir); err == nil {
		t.Error("a directory")
	}
	state := filepath.Join(dir, "state")
	must(0, os.Mkdir(state, 0o700))
	must(0, os.Symlink(filepath.Join(dir, "made"), filepath.Join(state, journalFile)))
	if _, err := OpenJournal(state); !errors.Is(err, ErrJournal) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "made")); err == nil {
		t.Error("a file was made where a link led")
	}
	must(0, os.Symlink(dir, filepath.Join(dir, "link")))
	if _, err := OpenJournal(filepath.Join(dir, "link")); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("%v", err)
	}
}

func TestNothingIsDecidedByAClockThatWentBack(t *testing.T) {
	w := newWorld(t)
	op := onCase(Write[comment, string])
	p := op.pending(t, w.guard(), one)
	w.sleep(time.Hour)
	q := op.pending(t, w.guard(), said("later"))
	must(0, w.journal().Deny(q.ID, "alice", ""))
	w.sleep(-time.Hour)
	j := w.journal()
	before := w.read()
	for name, err := range map[string]error{
		"approved": j.Approve(p.ID, p.Digest, w.signer), "granted": second(j.Grant(p.ID, 1, time.Hour, w.signer)), "replayed": second(j.Replay(q.ID, 0)),
	} {
		if !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), "clock") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !bytes.Equal(before, w.read()) {
		t.Error("something was written")
	}
}

func TestASegmentThatOthersCanWriteIsRefused(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	newCounted().pending(t, w.guard(), one)
	live, late := w.journal(), w.journal() // one has read the first file, one has only opened it
	must(live.Frozen())
	must(0, w.journal().Rotate(0))
	must(0, os.Chmod(w.file(), 0o666))
	for name, j := range map[string]*Journal{"following": live, "opened before": late} {
		if _, err := j.Frozen(); !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), "writable") {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(0, os.Chmod(w.file(), 0o600))
	must(w.journal().Frozen())
	must(0, os.Chmod(must(closed(w.folder()))[0].Name, 0o666))
	if _, err := w.journal().Frozen(); !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), "writable") {
		t.Errorf("a closed one: %v", err)
	}
	must(0, os.Chmod(w.folder(), 0o777))
	if err := w.enrol(must(NewSigner("bob")).Approver()); err == nil {
		t.Error("enrolled in a directory that others can write")
	}
}
