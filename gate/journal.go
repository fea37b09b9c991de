package gate

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// An EventKind says what an [Event] records.
type EventKind string

// The kinds of events.
const (
	EventProposed   EventKind = "proposed"
	EventApproved   EventKind = "approved"   // signed by an approver
	EventAuthorised EventKind = "authorised" // by the operator's standing choice: Detail says which
	EventDenied     EventKind = "denied"
	EventStale      EventKind = "stale"
	EventConsumed   EventKind = "consumed" // the approval is spent; the operation starts
	EventExecuted   EventKind = "executed"
	EventFailed     EventKind = "failed"
	EventUnknown    EventKind = "unknown"
	EventFrozen     EventKind = "frozen"
	EventUnfrozen   EventKind = "unfrozen"   // signed by an approver
	EventTripped    EventKind = "tripped"    // the breaker opened: Detail says why
	EventReset      EventKind = "reset"      // the breaker was closed; signed by an approver
	EventResolved   EventKind = "resolved"   // how an unknown outcome was, in Detail; signed by an approver
	EventGranted    EventKind = "granted"    // a standing approval, signed by an approver
	EventRevoked    EventKind = "revoked"    // the end of a standing approval
	EventCheckpoint EventKind = "checkpoint" // an approver vouches for all before it
	EventGenesis    EventKind = "genesis"    // the first event of a new segment
)

var kinds = []EventKind{EventProposed, EventApproved, EventAuthorised, EventDenied, EventStale, EventConsumed,
	EventExecuted, EventFailed, EventUnknown, EventFrozen, EventUnfrozen, EventTripped, EventReset, EventResolved, EventGranted,
	EventRevoked, EventCheckpoint, EventGenesis}

// An Event is one line of the journal. Hash is the SHA-256 of the line without
// it, which holds the hash of the line before: changing one breaks all later.
type Event struct {
	Seq      uint64    `json:"seq"`
	Time     time.Time `json:"time"`
	Prev     string    `json:"prev"`
	Kind     EventKind `json:"kind"`
	ID       string    `json:"id,omitempty"`       // the proposal
	Proposal *Proposal `json:"proposal,omitempty"` // of a proposed event
	Grant    *Grant    `json:"grant,omitempty"`    // of a granted event
	Ref      string    `json:"ref,omitempty"`      // the grant that an authorised event used
	Approver string    `json:"approver,omitempty"`
	Sig      []byte    `json:"sig,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Hash     string    `json:"hash"`
}

// encodeEvent returns e as a line, with its hash, and as whoever reads that
// line sees it: strings that aren't UTF-8 come back changed.
func encodeEvent(e Event) ([]byte, Event, error) {
	e.Hash = ""
	b, err := json.Marshal(e)
	if err != nil {
		return nil, e, err
	}
	sum := sha256.Sum256(b)
	line := append(hex.AppendEncode(bytes.TrimSuffix(b, hashEnd), sum[:]), hashEnd...)
	if len(line) >= maxEvent {
		return nil, e, fmt.Errorf("event of %d bytes, at most %d fit", len(line), maxEvent)
	}
	line = append(line, '\n')
	e, err = decodeEvent(line)
	return line, e, err
}

// The hash is the last field of a line, so that it can be checked on the bytes.
var (
	hashStart = []byte(`"hash":"`)
	hashEnd   = []byte(`"}`)
)

func decodeEvent(line []byte) (Event, error) {
	var e Event
	body, ended := bytes.CutSuffix(line, []byte("\n"))
	body, ended2 := bytes.CutSuffix(body, hashEnd)
	at := len(body) - hex.EncodedLen(sha256.Size)
	if !ended || !ended2 || at < 0 || !bytes.HasSuffix(body[:at], hashStart) {
		return e, errors.New("not an event")
	}
	h := sha256.New()
	h.Write(body[:at])
	h.Write(hashEnd)
	if hex.EncodeToString(h.Sum(nil)) != string(body[at:]) {
		return e, errors.New("the line was changed")
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return e, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return e, errors.New("more than one event in a line")
	}
	if !slices.Contains(kinds, e.Kind) {
		return e, fmt.Errorf("unknown kind of event %q", e.Kind)
	}
	return e, nil
}

const (
	journalFile = "journal.jsonl"
	maxEvent    = 1 << 20 // bytes of one line
	maxTTL      = 24 * time.Hour
	maxSkew     = 5 * time.Minute // by which the clock may be behind the journal
)

// A Journal is the store of proposals and the audit log in one: hash-chained
// JSON lines in a directory that all servers and the gate command of one host
// share. It is safe for concurrent use by goroutines and by processes.
//
// Whatever a method has done is on the disk when it returns, and so before
// anybody can act on it: all that one call appends is flushed once, at its end.
// A power cut can therefore take away only what nobody was told yet: a proposal
// whose id no agent has, a decision that the approver still waits for, the spending of
// an approval whose operation hasn't begun. If it comes while an operation runs, its
// outcome is unknown, and nothing repeats it without a new approval.
type Journal struct {
	dir string
	now func() time.Time

	mu    sync.Mutex // the file lock belongs to the open file: it doesn't exclude goroutines
	f     *os.File
	off   int64
	seq   uint64
	head  string
	props map[string]*record
	calls map[string][]string // ids of the proposals of a call, oldest first
	order []string            // ids of the proposals whose content is held, oldest first
	last  time.Time           // the latest time of an event
	// forgot is when the content of what had ended was let go of last.
	forgot time.Time
	open   map[string]*record  // those that aren't final
	keys   map[string][]string // ids of the proposals of a key
	used   usage
	// granted are the standing approvals, with the signatures that they stand on.
	granted   map[string]*Grant
	grantSigs map[string][]byte
	// frozenBy and trippedBy are the hashes of the events that froze all writes
	// and that opened the breaker, if any.
	frozenBy, trippedBy   string
	frozenSeq, trippedSeq uint64
	frozenWhy, trippedWhy string
	resetAt               time.Time // when the breaker was closed last

	first  uint64    // the first event of the file
	loaded bool      // the closed segments were read
	dirty  EventKind // the last event that was written and not flushed yet
	probe  func(step string)
	wait   time.Duration // for the file lock
	sync   func(*os.File) error
	// broken is set for good when it isn't known what is on the disk.
	broken error

	fixed     []Approver // approvers given by the program
	client    *Signer    // attests for a client, in this process only
	approvers map[string]ed25519.PublicKey
	keysFile  os.FileInfo
}

type record struct {
	Proposal
	seq        uint64
	sigs       []signature // of approvers, one from each
	authorised bool        // by the operator's standing choice or a standing approval
	forgotten  bool        // Input and Plan aren't held any more: see whole
}

type signature struct {
	approver string
	key      string // the public key that it was found to be good under
}

// DefaultDir is where the journal and the approvers' public keys lie:
// $SALLYPORT_STATE, or sallyport below $XDG_STATE_HOME, or below ~/.local/state.
func DefaultDir() (string, error) { return defaultDir(os.Getenv) }

func defaultDir(getenv func(string) string) (string, error) {
	if dir := getenv("SALLYPORT_STATE"); dir != "" {
		return filepath.Abs(dir)
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sallyport"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("gate: no place for the journal: %w", err)
	}
	return filepath.Join(home, ".local", "state", "sallyport"), nil
}

// OpenJournal opens the journal in dir, making both if they aren't there. A
// directory or file that another user could write, or a link, is refused.
func OpenJournal(dir string) (*Journal, error) { return openJournal(dir, nil, nil, time.Now) }

func openJournal(dir string, fixed []Approver, client *Signer, now func() time.Time) (*Journal, error) {
	return openJournalOn(remote, dir, fixed, client, now)
}

func openJournalOn(remote func(string) (string, error), dir string, fixed []Approver, client *Signer, now func() time.Time) (*Journal, error) {
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	if kind, err := remote(dir); err != nil || kind != "" {
		return nil, fmt.Errorf("%w: %w", ErrJournal, cmp.Or(err, fmt.Errorf("%s lies on %s, where a lock may hold nobody out: use a local disk", dir, kind)))
	}
	file := filepath.Join(dir, journalFile)
	if fi, err := os.Lstat(file); err == nil && !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s is not a regular file", ErrJournal, file)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	if err := errors.Join(checkOpened(f, file), syncDir(dir)); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrJournal, err), f.Close())
	}
	return &Journal{dir: dir, now: now, wait: lockWait, f: f, sync: (*os.File).Sync, props: map[string]*record{}, calls: map[string][]string{}, open: map[string]*record{},
		keys: map[string][]string{}, granted: map[string]*Grant{}, grantSigs: map[string][]byte{}, fixed: fixed, client: client}, nil
}

// checkOpened refuses an open file that isn't the one of that name, or that
// another user could have written.
func checkOpened(f *os.File, name string) error {
	have, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if !named.Mode().IsRegular() || !os.SameFile(have, named) {
		return fmt.Errorf("%s is not a regular file", name)
	}
	return checkOwner(name, have)
}

func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	if !fi.IsDir() {
		return fmt.Errorf("%w: %s is not a directory", ErrJournal, dir)
	}
	if err := checkOwner(dir, fi); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return nil
}

// Close closes the file. The journal can't be used afterwards.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.f.Close()
}

// tx runs fn with the journal locked against goroutines and processes, after
// taking in what others appended. What fn appends is on the disk when tx returns,
// whether fn succeeds or not.
func (j *Journal) tx(fn func() error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if err := lockFile(j.f, j.wait); err != nil {
		return fmt.Errorf("%w: lock %s: %w", ErrJournal, filepath.Join(j.dir, journalFile), err)
	}
	defer func() { unlockFile(j.f) }() //nolint:errcheck // closing the file unlocks it too; it may be another by then
	if err := j.catchUp(); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, bare{err})
	}
	j.forget()
	err := fn()
	if ferr := j.flush(); ferr != nil {
		return errors.Join(ferr, err)
	}
	return err
}

// afterTampering is what to do about a chain that doesn't hold.
const afterTampering = "nothing is written until this is settled: find out who changed it, keep a copy of the folder, and put back a copy that gate verify accepts"

// bare is an error of this package inside another.
type bare struct{ error }

func (b bare) Error() string { return strings.TrimPrefix(b.error.Error(), "gate: ") }
func (b bare) Unwrap() error { return b.error }

// flush makes the disk hold what was appended. If it doesn't say that it does,
// nobody knows what a restart will find: the journal is done for.
func (j *Journal) flush() error {
	if j.dirty == "" {
		return nil
	}
	if err := j.sync(j.f); err != nil {
		j.broken = fmt.Errorf("%w: %w", ErrJournal, err)
		return j.broken
	}
	j.step("flushed " + string(j.dirty))
	j.dirty = ""
	return nil
}

// catchUp takes in what others appended, after making sure that the file is
// still the one that was read so far.
func (j *Journal) catchUp() error {
	if err := j.sameTail(); err != nil {
		return err
	}
	if err := j.readKeys(); err != nil {
		return err
	}
	var have os.FileInfo
	for {
		var err error
		if have, err = j.f.Stat(); err != nil {
			return err
		}
		want, err := os.Stat(filepath.Join(j.dir, journalFile))
		if err != nil {
			return errors.New("the file was replaced")
		}
		if os.SameFile(have, want) {
			break
		}
		if !j.loaded { // nothing was read yet: begin with the file that is there
			if err := j.reopen(); err != nil {
				return err
			}
			continue
		}
		if err := j.follow(); err != nil {
			return err
		}
	}
	if !j.loaded {
		if err := j.load(); err != nil {
			return err
		}
		j.loaded = true
	}
	if have.Size() == j.off {
		return nil
	}
	return j.replay()
}

// sameTail makes sure that what was read last is still there.
func (j *Journal) sameTail() error {
	if j.off > 0 {
		tail := slices.Concat(hashStart, []byte(j.head), hashEnd, []byte("\n"))
		got := make([]byte, len(tail))
		if _, err := j.f.ReadAt(got, j.off-int64(len(tail))); err != nil || !bytes.Equal(got, tail) {
			return errors.New("the file was cut or rewritten")
		}
	}
	return nil
}

// readKeys reads the approvers' public keys when their file has changed.
func (j *Journal) readKeys() error {
	fi, err := os.Lstat(filepath.Join(j.dir, approversFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if j.approvers != nil && sameFile(fi, j.keysFile) {
		return nil
	}
	list, err := Approvers(j.dir)
	if err != nil {
		return err
	}
	keys := map[string]ed25519.PublicKey{}
	for _, a := range slices.Concat(list, j.fixed) {
		keys[a.Name] = a.Key
	}
	j.approvers, j.keysFile = keys, fi
	return nil
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode()
}

// replay applies the events behind the offset. The tail of a writer that died
// in the middle of a line is cut: the lock is ours, so nobody is writing it.
func (j *Journal) replay() error {
	fi, err := j.f.Stat()
	if err != nil {
		return err
	}
	r := bufio.NewReaderSize(io.NewSectionReader(j.f, j.off, math.MaxInt64-j.off), int(min(max(0, fi.Size()-j.off), 64<<10)))
	for {
		line, err := readLine(r)
		if errors.Is(err, io.EOF) {
			if len(line) == 0 {
				return nil
			}
			if err := j.f.Truncate(j.off); err != nil {
				return fmt.Errorf("torn tail: %w", err)
			}
			return nil
		}
		var e Event
		if err == nil {
			e, err = decodeEvent(line)
		}
		if err == nil && j.seq == 0 && e.Kind == EventGenesis && e.Seq > 0 { // what was before isn't kept
			j.seq, j.head, j.first = e.Seq-1, e.Prev, e.Seq
		}
		if err == nil && (e.Seq != j.seq+1 || e.Prev != j.head) {
			err = errors.New("the chain is broken")
		}
		if err != nil {
			return fmt.Errorf("%s: seq %d: %w: %s", filepath.Join(j.dir, journalFile), j.seq+1, err, afterTampering)
		}
		j.apply(e)
		j.off += int64(len(line))
	}
}

// readLine reads up to and with the next newline, at most maxEvent bytes.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxEvent {
			return nil, fmt.Errorf("line of more than %d bytes", maxEvent)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// apply takes e into the state. What isn't a legal step from where the proposal
// stands, or isn't signed where it must be, has no effect.
func (j *Journal) apply(e Event) {
	j.seq, j.head = e.Seq, e.Hash
	if e.Time.After(j.last) {
		j.last = e.Time
	}
	switch e.Kind {
	case EventFrozen:
		j.frozenBy, j.frozenSeq, j.frozenWhy = e.Hash, e.Seq, e.Approver
		if e.Detail != "" {
			j.frozenWhy += ": " + e.Detail
		}
		return
	case EventUnfrozen:
		if j.frozenBy != "" && j.verify(e.Approver, unfreezeMessage(j.frozenBy), e.Sig) == nil {
			j.frozenBy, j.frozenSeq = "", 0
		}
		return
	case EventTripped:
		if j.trippedBy == "" {
			j.trippedBy, j.trippedSeq, j.trippedWhy = e.Hash, e.Seq, e.Detail
		}
		return
	case EventReset:
		if j.trippedBy != "" && j.verify(e.Approver, resetMessage(j.trippedBy), e.Sig) == nil {
			j.trippedBy, j.trippedSeq, j.resetAt = "", 0, e.Time
			j.used.denials, j.used.unknowns = nil, nil
		}
		return
	case EventGranted:
		j.applyGranted(e)
		return
	case EventRevoked:
		if g := j.granted[e.ID]; g != nil {
			g.Revoked = true
		}
		return
	case EventProposed:
		j.applyProposed(e)
		return
	}
	p := j.props[e.ID]
	if p == nil {
		return
	}
	open := p.State == StatePending || p.State == StateApproved
	running := p.State == StateRunning
	switch {
	case e.Kind == EventApproved && p.State == StatePending && j.signed(p, e) == nil:
		p.sigs = append(p.sigs, signature{e.Approver, j.key(e.Approver)})
		if j.counted(p) < max(1, p.Needs) {
			return
		}
		p.State = StateApproved
	case e.Kind == EventAuthorised && p.State == StatePending:
		// A note for the audit. It grants nothing: only the process whose
		// operator authorised the call spends it, in the same transaction.
		p.Approver, p.authorised = e.Approver, true
		if g := j.granted[e.Ref]; g != nil {
			g.Used++
		}
	case e.Kind == EventDenied && open:
		p.State, p.Approver, p.Detail = StateDenied, e.Approver, e.Detail
		j.used.denials = append(j.used.denials, e.Time)
	case e.Kind == EventStale && open:
		p.State = StateStale
	case e.Kind == EventConsumed && open:
		p.State = StateRunning
		j.used.prune(e.Time)
		j.used.spent = append(j.used.spent, spend{e.Time, p.Principal, p.Tier})
	case e.Kind == EventExecuted && running:
		p.State, p.Detail = StateExecuted, e.Detail
	case e.Kind == EventFailed && running:
		p.State, p.Detail = StateFailed, e.Detail
	case e.Kind == EventUnknown && running:
		p.State, p.Detail = StateUnknown, e.Detail
		if !strings.HasPrefix(e.Detail, leftDetail) {
			j.used.unknowns = append(j.used.unknowns, e.Time)
		}
	case e.Kind == EventResolved && j.resolves(p, e) == nil:
		if n := len(j.used.unknowns); n > 0 && p.State == StateUnknown && !strings.HasPrefix(p.Detail, leftDetail) {
			j.used.unknowns = j.used.unknowns[:n-1]
		}
		p.State, p.Approver, p.Detail = State(e.Detail), e.Approver, "resolved by "+e.Approver
	default:
		return
	}
	p.Changed = e.Time
	switch p.State {
	case StatePending, StateApproved, StateRunning, StateUnknown:
	default:
		delete(j.open, p.ID)
	}
}

// applyProposed takes in a proposal. The first one of an id wins: a later line
// can't point an approved id at something else. One whose digest isn't that of
// its own content, or that would wait longer than any may, is ignored.
func (j *Journal) applyProposed(e Event) {
	if e.Proposal == nil || e.Proposal.ID != e.ID || j.props[e.ID] != nil ||
		e.Proposal.Tier < TierWrite || e.Proposal.Expires.Sub(e.Time) > maxTTL {
		return
	}
	p := &record{Proposal: *e.Proposal}
	if d, err := p.ComputeDigest(); err != nil || d != p.Digest || p.callKey() != p.Call {
		return
	}
	p.State, p.Changed, p.seq = StatePending, e.Time, e.Seq
	j.props[e.ID], j.open[e.ID] = p, p
	j.used.prune(e.Time)
	j.used.asked = append(j.used.asked, p)
	if p.Key != "" {
		j.keys[p.Key] = append(j.keys[p.Key], e.ID)
	}
	j.calls[p.Call] = append(j.calls[p.Call], e.ID)
	j.order = append(j.order, e.ID)
}

// signed returns nil if the approval e of p counts: by a known key, over this
// very proposal, in time, and not by the one who asks.
func (j *Journal) signed(p *record, e Event) error {
	switch {
	case samePerson(e.Approver, p.Principal):
		return fmt.Errorf("gate: %s: %s asks for it and can't approve it", p.ID, e.Approver)
	case !e.Time.Before(p.Expires):
		return fmt.Errorf("gate: %s has expired", p.ID)
	}
	message := approvalMessage(p.ID, p.Digest, p.Expires.Unix())
	if e.Approver == clientName {
		if j.client == nil || p.Tier != TierWrite || p.Needs > 1 || !ed25519.Verify(j.client.Approver().Key, message, e.Sig) {
			return fmt.Errorf("gate: %s is not an approver of this here", e.Approver)
		}
		return nil
	}
	return j.verify(e.Approver, message, e.Sig)
}

// verify returns nil if sig is an enrolled approver's under message.
func (j *Journal) verify(approver string, message, sig []byte) error {
	key, ok := j.approvers[approver]
	if !ok {
		return fmt.Errorf("gate: %s is not an approver here", approver)
	}
	if !ed25519.Verify(key, message, sig) {
		return fmt.Errorf("gate: the signature is not that of the enrolled %s", approver)
	}
	return nil
}

// key returns the public key of an approver as it is now, "" if there is none.
func (j *Journal) key(approver string) string {
	if approver == clientName && j.client != nil {
		return string(j.client.Approver().Key)
	}
	return string(j.approvers[approver])
}

// counted returns how many different approvers have signed p who still count,
// and names them in p. A key that is enrolled under two names counts once.
func (j *Journal) counted(p *record) int {
	var names []string
	keys := map[string]bool{}
	for _, s := range p.sigs {
		if !keys[s.key] && s.key == j.key(s.approver) {
			keys[s.key] = true
			names = append(names, s.approver)
		}
	}
	p.Approver = strings.Join(names, ", ")
	return len(names)
}

// resolves returns nil if e settles how p, whose outcome is unknown, ended.
func (j *Journal) resolves(p *record, e Event) error {
	unknown := p.State == StateUnknown || p.State == StateRunning && e.Time.Sub(p.Changed) > maxExecution
	switch {
	case !unknown:
		return fmt.Errorf("gate: %s is %s: its outcome is not unknown", p.ID, p.State)
	case e.Detail != string(StateExecuted) && e.Detail != string(StateFailed):
		return fmt.Errorf("gate: %s: an outcome is executed or failed, not %q", p.ID, e.Detail)
	case samePerson(e.Approver, p.Principal):
		return fmt.Errorf("gate: %s: %s asked for it and can't resolve it", p.ID, e.Approver)
	}
	return j.verify(e.Approver, resolveMessage(p.ID, p.Digest, e.Detail), e.Sig)
}

// approved reports whether p has an approval that still counts: an approver
// who was struck off since doesn't.
func (j *Journal) approved(p *record) bool {
	return j.state(p) == StateApproved && j.counted(p) >= max(1, p.Needs)
}

// clock refuses to go on when the clock is behind what the journal has seen:
// nothing that expires could be trusted to do so.
func (j *Journal) clock() error {
	if behind := j.last.Sub(j.now()); behind > maxSkew {
		return fmt.Errorf("%w: the clock is %s behind the journal", ErrJournal, behind.Round(time.Second))
	}
	return nil
}

// append writes e and applies it; the transaction flushes it. What couldn't be
// written whole is cut again, and if that fails, the journal is done for.
func (j *Journal) append(e Event) error {
	e.Seq, e.Prev, e.Time = j.seq+1, j.head, j.now().UTC()
	line, e, err := encodeEvent(e)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	j.step("write " + string(e.Kind))
	_, werr := j.f.WriteAt(line, j.off)
	j.step("written " + string(e.Kind))
	if werr != nil {
		err := fmt.Errorf("%w: %w", ErrJournal, werr)
		if terr := j.f.Truncate(j.off); terr != nil {
			err = fmt.Errorf("%w: %w", ErrJournal, errors.Join(werr, terr))
			j.broken = err
		}
		return err
	}
	j.apply(e)
	j.off += int64(len(line))
	j.dirty = e.Kind
	return nil
}

// step is where a test stops the process.
func (j *Journal) step(name string) {
	if j.probe != nil {
		j.probe(name)
	}
}

// state returns where p stands at this moment: an undecided or unspent proposal
// expires, and an execution that never reported is one whose outcome is unknown.
func (j *Journal) state(p *record) State {
	switch {
	case (p.State == StatePending || p.State == StateApproved) && !j.now().Before(p.Expires):
		return StateExpired
	case p.State == StateRunning && j.now().Sub(p.Changed) > maxExecution:
		return StateUnknown
	}
	return p.State
}

func (j *Journal) snapshot(p *record) *Proposal {
	c := p.Proposal
	c.State = j.state(p)
	c.Input = slices.Clone(c.Input)
	c.Plan.Targets = slices.Clone(c.Plan.Targets)
	c.Plan.Changes = slices.Clone(c.Plan.Changes)
	c.Plan.Egress = slices.Clone(c.Plan.Egress)
	c.Plan.Warnings = slices.Clone(c.Plan.Warnings)
	return &c
}

// forget lets go of what was asked for by proposals that have ended and would
// have expired by now: nothing compares with them any more, and a process that
// runs for months would hold it all.
func (j *Journal) forget() {
	now := j.now()
	if now.Sub(j.forgot) < time.Minute {
		return
	}
	j.forgot = now
	j.order = slices.DeleteFunc(j.order, func(id string) bool {
		p := j.props[id]
		s := j.state(p)
		if s == StateRunning || s == StateUnknown || j.now().Before(p.Expires) {
			return false
		}
		p.Input, p.Plan, p.forgotten = nil, Plan{}, true
		delete(j.open, id)
		return true
	})
}

// whole returns a copy of p with what it asked for, which is read again if it
// isn't held any more.
func (j *Journal) whole(p *record) (*Proposal, error) {
	c := j.snapshot(p)
	if !p.forgotten {
		return c, nil
	}
	for e, err := range Events(j.dir) {
		if err != nil {
			return nil, err
		}
		if e.Seq == p.seq && e.Proposal != nil {
			c.Input, c.Plan = e.Proposal.Input, e.Proposal.Plan
			return c, nil
		}
	}
	return nil, fmt.Errorf("gate: %s: what it asked for isn't kept any more", p.ID)
}

// Pending returns the proposals that wait for an approver, oldest first.
func (j *Journal) Pending() ([]*Proposal, error) {
	var list []*Proposal
	err := j.tx(func() error {
		for _, p := range j.open {
			if j.state(p) == StatePending {
				list = append(list, j.snapshot(p))
			}
		}
		slices.SortFunc(list, func(a, b *Proposal) int { return cmp.Compare(j.props[a.ID].seq, j.props[b.ID].seq) })
		return nil
	})
	return list, err
}

// ErrNoProposal means that there is no proposal of that id.
var ErrNoProposal = errors.New("gate: no such proposal")

// Proposal returns the proposal of that id.
func (j *Journal) Proposal(id string) (*Proposal, error) {
	var out *Proposal
	err := j.tx(func() error {
		p := j.props[id]
		if p == nil {
			return fmt.Errorf("%w: %q", ErrNoProposal, id)
		}
		var err error
		out, err = j.whole(p)
		return err
	})
	return out, err
}

// Approve signs the proposal id with s. digest is what the approver saw; it
// must be that of the stored proposal, which is computed again.
func (j *Journal) Approve(id, digest string, s *Signer) error {
	if !s.able() {
		return errors.New("gate: approve: no key")
	}
	if s != j.client {
		if err := checkName(s.Name); err != nil {
			return err
		}
	}
	return j.tx(func() error {
		if err := j.clock(); err != nil {
			return err
		}
		p, err := j.in(id, StatePending)
		if err != nil {
			return err
		}
		if d, err := p.ComputeDigest(); err != nil || d != digest {
			return fmt.Errorf("gate: %s: the digest is not that of the stored proposal", id)
		}
		for _, have := range p.sigs {
			if have.key == string(s.Approver().Key) && have.key == j.key(have.approver) {
				return fmt.Errorf("gate: %s: %s has signed it already; %d must", id, s.Name, p.Needs)
			}
		}
		sig, err := s.sign(approvalMessage(p.ID, p.Digest, p.Expires.Unix()))
		if err != nil {
			return err
		}
		e := Event{Kind: EventApproved, ID: id, Approver: s.Name, Time: j.now(), Sig: sig}
		if err := j.signed(p, e); err != nil {
			return err
		}
		return j.append(e)
	})
}

// Deny records that approver said no, with a reason for the agent to read. It
// holds for exactly this call until the proposal would have expired. An
// approval that isn't spent yet is taken back.
func (j *Journal) Deny(id, approver, reason string) error {
	return j.tx(func() error {
		if _, err := j.in(id, StatePending, StateApproved); err != nil {
			return err
		}
		return j.append(Event{Kind: EventDenied, ID: id, Approver: approver, Detail: clip(reason, 500)})
	})
}

// in returns the proposal id if it stands in one of states.
func (j *Journal) in(id string, states ...State) (*record, error) {
	p := j.props[id]
	if p == nil {
		return nil, fmt.Errorf("%w: %q", ErrNoProposal, id)
	}
	if s := j.state(p); !slices.Contains(states, s) {
		return nil, fmt.Errorf("gate: %s is %s, not %s", id, s, states[0])
	}
	return p, nil
}

// Freeze stops all writes of all servers that share the journal. Anybody may.
func (j *Journal) Freeze(by, reason string) error {
	return j.tx(func() error {
		if j.frozenBy != "" {
			return nil
		}
		return j.append(Event{Kind: EventFrozen, Approver: by, Detail: clip(reason, 500)})
	})
}

// Unfreeze ends the freeze. Only an approver can.
func (j *Journal) Unfreeze(s *Signer) error {
	return j.signedEvent(s, func() (Event, []byte, error) {
		if j.frozenBy == "" {
			return Event{}, nil, nil
		}
		return Event{Kind: EventUnfrozen}, unfreezeMessage(j.frozenBy), nil
	})
}

// Reset closes the breaker and counts anew. Only an approver can.
func (j *Journal) Reset(s *Signer) error {
	return j.signedEvent(s, func() (Event, []byte, error) {
		if j.trippedBy == "" {
			return Event{}, nil, nil
		}
		return Event{Kind: EventReset}, resetMessage(j.trippedBy), nil
	})
}

// Resolve records how the execution of id, whose outcome is unknown, ended:
// StateExecuted or StateFailed. Only an approver can, who has looked at the platform.
func (j *Journal) Resolve(id string, outcome State, s *Signer) error {
	return j.signedEvent(s, func() (Event, []byte, error) {
		p := j.props[id]
		if p == nil {
			return Event{}, nil, fmt.Errorf("%w: %q", ErrNoProposal, id)
		}
		message := resolveMessage(id, p.Digest, string(outcome))
		sig, err := s.sign(message)
		e := Event{Kind: EventResolved, ID: id, Approver: s.Name, Detail: string(outcome), Time: j.now(), Sig: sig}
		return e, message, errors.Join(err, j.resolves(p, e))
	})
}

// Checkpoint signs the hash of the last event: from there on, nobody without
// the key of an approver can write another history up to it.
func (j *Journal) Checkpoint(s *Signer) error {
	return j.signedEvent(s, func() (Event, []byte, error) {
		if j.seq == 0 {
			return Event{}, nil, errors.New("gate: checkpoint: the journal is empty")
		}
		return Event{Kind: EventCheckpoint}, checkpointMessage(j.seq, j.head), nil
	})
}

// signedEvent appends the event that make returns, signed by s over the message
// that goes with it. An event without a kind stands for nothing to do.
func (j *Journal) signedEvent(s *Signer, make func() (Event, []byte, error)) error {
	if !s.able() {
		return errors.New("gate: no key")
	}
	return j.tx(func() error {
		e, message, err := make()
		if err != nil || e.Kind == "" {
			return err
		}
		e.Approver = s.Name
		if e.Sig, err = s.sign(message); err != nil {
			return err
		}
		if err := j.verify(s.Name, message, e.Sig); err != nil {
			return err
		}
		return j.append(e)
	})
}

// Replay puts a proposal up again as a new one, with the content of the old,
// for ttl or 30 minutes. It needs approvals of its own; what was approved for
// the old one is worth nothing for it. If the target has changed since, it goes
// stale when the agent makes the call.
func (j *Journal) Replay(id string, ttl time.Duration) (*Proposal, error) {
	if ttl <= 0 || ttl > maxTTL {
		ttl = defaultTTL
	}
	var out *Proposal
	err := j.tx(func() error {
		if err := j.clock(); err != nil {
			return err
		}
		old := j.props[id]
		if old == nil {
			return fmt.Errorf("%w: %q", ErrNoProposal, id)
		}
		for _, other := range j.calls[old.Call] {
			switch s := j.state(j.props[other]); s {
			case StatePending, StateApproved, StateRunning:
				return fmt.Errorf("gate: %s: the same call is %s as %s", id, s, other)
			}
		}
		p, err := j.whole(old)
		if err != nil {
			return err
		}
		p.Replays = id
		r, err := j.propose(p, ttl)
		if err != nil {
			return err
		}
		out = j.snapshot(r)
		return nil
	})
	return out, err
}

// A Standing is how the gate stands for everybody who shares the journal.
type Standing struct {
	Events     uint64 // how many there were
	Head       string // the hash of the last
	Frozen     bool
	FrozenWhy  string // who froze all writes, and the reason that was given
	Tripped    bool   // the breaker is open
	TrippedWhy string
	Approvers  []string // by name
	Pending    int      // proposals that wait for an approver
	Denials    int      // within the hour, since the breaker was last reset
	Unknowns   int      // unknown outcomes, likewise
	Used       []Used   // by principal
	Grants     []Grant  // standing approvals that can still be used
}

// Used is what one principal has done and asked for within the hour.
type Used struct {
	Principal                               string
	Writes, Destructive, Proposals, Pending int
}

// Standing returns how the gate stands.
func (j *Journal) Standing() (*Standing, error) {
	grants, err := j.Grants()
	if err != nil {
		return nil, err
	}
	s := &Standing{Grants: grants}
	err = j.tx(func() error {
		j.used.prune(j.now())
		s.Events, s.Head, s.Frozen, s.Tripped = j.seq, j.head, j.frozenBy != "", j.trippedBy != ""
		if s.Frozen {
			s.FrozenWhy = j.frozenWhy
		}
		if s.Tripped {
			s.TrippedWhy = j.trippedWhy
		}
		s.Approvers = slices.Sorted(maps.Keys(j.approvers))
		s.Denials, s.Unknowns = len(j.used.denials), len(j.used.unknowns)+j.lost()
		who := map[string]bool{}
		for _, r := range j.used.asked {
			who[r.Principal] = true
		}
		for _, r := range j.open {
			if j.state(r) == StatePending {
				s.Pending++
				who[r.Principal] = true
			}
		}
		for _, p := range slices.Sorted(maps.Keys(who)) {
			u := Used{Principal: p, Writes: j.executions(p, TierWrite), Destructive: j.executions(p, TierDestructive)}
			u.Pending, u.Proposals = j.waiting(p)
			s.Used = append(s.Used, u)
		}
		return nil
	})
	return s, err
}

// Frozen reports whether all writes are stopped.
func (j *Journal) Frozen() (bool, error) {
	var frozen bool
	err := j.tx(func() error { frozen = j.frozenBy != ""; return nil })
	return frozen, err
}

// Events returns the events of the journal in dir, oldest first, checking the
// chain on the way, over all segments that are kept; it needs no lock and writes
// nothing. It ends after one error. An unfinished last line is not an event.
func Events(dir string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		fail := func(err error) { yield(Event{}, fmt.Errorf("%w: %w", ErrJournal, err)) }
		live, err := os.Open(filepath.Join(dir, journalFile))
		if err != nil {
			fail(err)
			return
		}
		defer live.Close()
		fi, err := live.Stat()
		if err != nil {
			fail(err)
			return
		}
		list, err := closed(dir)
		if err != nil {
			fail(err)
			return
		}
		c := chain{yield: yield}
		for _, s := range list {
			if had, err := os.Stat(s.name); err == nil && os.SameFile(had, fi) {
				break // rotated since we opened it
			}
			if c.seq > 0 && c.seq+1 != s.first {
				fail(fmt.Errorf("%s is missing", segmentName(c.seq+1)))
				return
			}
			f, err := os.Open(s.name)
			if err != nil {
				fail(err)
				return
			}
			more := c.read(s.name, f, math.MaxInt64, true)
			f.Close()
			if !more {
				return
			}
		}
		// What is appended from here on is for the next reader: a torn tail may
		// be cut and written over while we read.
		c.read(live.Name(), live, fi.Size(), false)
	}
}

// A chain hands out events and checks that each follows the one before.
type chain struct {
	yield func(Event, error) bool
	seq   uint64
	head  string
}

// read hands out the events in the first size bytes of r. It reports whether to go on.
func (c *chain) read(name string, r io.Reader, size int64, whole bool) bool {
	b := bufio.NewReaderSize(io.LimitReader(r, size), 64<<10)
	for {
		line, err := readLine(b)
		if errors.Is(err, io.EOF) && (!whole || len(line) == 0) {
			return true
		}
		var e Event
		if err == nil {
			e, err = decodeEvent(line)
		}
		if err == nil && c.seq == 0 && e.Kind == EventGenesis && e.Seq > 0 { // what was before isn't kept
			c.seq, c.head = e.Seq-1, e.Prev
		}
		if err == nil && (e.Seq != c.seq+1 || e.Prev != c.head) {
			err = errors.New("the chain is broken")
		}
		if err != nil {
			c.yield(Event{}, fmt.Errorf("%w: %s: seq %d: %w: %s", ErrJournal, name, c.seq+1, err, afterTampering))
			return false
		}
		c.seq, c.head = e.Seq, e.Hash
		if !c.yield(e, nil) {
			return false
		}
	}
}

// newID returns an identifier that is short enough to be read aloud.
func newID() string {
	var b [5]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand never fails
	return "P-" + base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(b[:])
}

// clip cuts s to at most n bytes at a rune's edge.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}
