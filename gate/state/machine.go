// Package state is what the events of a journal add up to: which proposals wait,
// run or are unknown, what was done a moment ago, who may approve, whether writes are
// frozen. It is a pure function of the events, their order and the times written in
// them. It reads no file, no clock and no key from elsewhere, so that every reader,
// whenever it started, holds the same state.
//
// What a program needs of it has a name in package gate, whose documentation of a type
// is here.
//
// Experimental: what has none may still change after v1.
package state

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// MaxTTL is how long a proposal may wait.
	MaxTTL = 24 * time.Hour
	// ReceiptWindow is how long a repeated call gets the first one's answer.
	ReceiptWindow = 10 * time.Minute
	// DuplicateWindow is how long no other call of the same key is taken.
	DuplicateWindow = 24 * time.Hour
	// MaxExecution is after what time a silent execution counts as lost, if it can't
	// be found out whether its process is alive.
	MaxExecution = 30 * time.Minute

	format   = 2    // of a snapshot
	treeless = 1    // the format before it held the tree
	maxPast  = 2048 // calls that have ended and are remembered, the newest
	swept    = time.Minute
)

// LeftDetail begins the detail of an unknown outcome that the caller's leaving
// made. It says nothing about the platform: the breaker doesn't count it, or one
// principal could stop all others.
const LeftDetail = "the caller left: "

// A Machine is the state. The zero Machine is that of an empty journal.
type Machine struct {
	Format   int                  `json:"format"`             // the format of the journal
	Seq      uint64               `json:"seq"`                // the number of the last event
	Head     string               `json:"head"`               // its hash
	Last     time.Time            `json:"last,omitzero"`      // the latest time of an event
	Swept    time.Time            `json:"swept,omitzero"`     // when what is over was let go of last
	Snapped  uint64               `json:"snapped"`            // the last snapshot or genesis
	Place    string               `json:"place"`              // where the journal lies; "" before that was known
	Enrolled map[string]Enrolment `json:"enrolled"`           // approvers by name
	Struck   map[string]Enrolment `json:"struck,omitempty"`   // approvers of a program whose key doesn't count any more
	Frozen   *Stop                `json:"frozen,omitempty"`   // who stopped all writes; nil: nobody
	Tripped  *Stop                `json:"tripped,omitempty"`  // what opened the breaker; nil: nothing
	Open     []*Record            `json:"open"`               // proposals that wait, run or are unknown, oldest first
	Past     []*Past              `json:"past"`               // those that have ended and still matter, in the order in which they ended
	Grants   []*Standing          `json:"grants,omitempty"`   // the standing approvals
	Spent    []Count              `json:"spent,omitempty"`    // things done within the hour
	Asked    []Count              `json:"asked,omitempty"`    // proposals put before an approver within the hour
	Denials  []Count              `json:"denials,omitempty"`  // since the last reset
	Unknowns []Count              `json:"unknowns,omitempty"` // since the last reset
	Tree     *Tree                `json:"tree,omitempty"`     // nil where the journal was cut before it kept one

	byID map[string]*Record
	past pastIndex // of Past
}

// An Enrolment is an approver's key, as of its place in the chain.
type Enrolment struct {
	Key []byte `json:"key"` // the key
	By  string `json:"by"`  // ByFile or ByProgram
}

// Who lists an approver.
const (
	ByFile    = "file"    // the list of the state folder, or gate enrol
	ByProgram = "program" // the policy of a program
)

// A Stop is what stands against all writes.
type Stop struct {
	By  string `json:"by"`  // the hash of the event
	Why string `json:"why"` // why
}

// A Record is an open proposal.
type Record struct {
	Proposal
	Seq        uint64      // the number of its last event
	Sigs       []Signature // of approvers, one from each
	Authorised bool        // by the operator's standing choice or a standing approval
	Exec       string      // the process that runs it
	Ran        uint64      // the event with which it began to run
	Redone     bool        // its outcome is unknown, and the same call was executed since
}

// A Signature is one approver's.
type Signature struct {
	Approver string `json:"approver"`      // who signed
	Key      []byte `json:"key,omitempty"` // under which it was found to be good
	Sig      []byte `json:"sig"`           // the signature
}

type recordJSON struct {
	Proposal   *Proposal   `json:"proposal"`
	State      State       `json:"state"`
	Approver   string      `json:"approver,omitempty"`
	Detail     string      `json:"detail,omitempty"`
	Changed    time.Time   `json:"changed"`
	Seq        uint64      `json:"seq"`
	Sigs       []Signature `json:"sigs,omitempty"`
	Authorised bool        `json:"authorised,omitempty"`
	Exec       string      `json:"exec,omitempty"`
	Ran        uint64      `json:"ran,omitempty"`
	Redone     bool        `json:"redone,omitempty"`
}

// MarshalJSON writes all of r.
func (r *Record) MarshalJSON() ([]byte, error) {
	return json.Marshal(recordJSON{&r.Proposal, r.State, r.Approver, r.Detail, r.Changed, r.Seq, r.Sigs, r.Authorised, r.Exec, r.Ran, r.Redone})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *Record) UnmarshalJSON(b []byte) error {
	var p Proposal
	j := recordJSON{Proposal: &p}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	p.State, p.Approver, p.Detail, p.Changed = j.State, j.Approver, j.Detail, j.Changed
	*r = Record{p, j.Seq, j.Sigs, j.Authorised, j.Exec, j.Ran, j.Redone}
	return nil
}

// A Standing is a grant as far as it was used.
type Standing struct {
	Grant    `json:"grant"`
	Approver string `json:"approver"`          // who granted it
	Key      []byte `json:"key"`               // the public key of that signature
	Sig      []byte `json:"sig"`               // the signature
	Used     int    `json:"used"`              // how many calls it has covered
	Revoked  bool   `json:"revoked,omitempty"` // whether it was taken back
}

// New returns the state of an empty journal.
func New() *Machine {
	return &Machine{Format: format, Enrolled: map[string]Enrolment{}, Tree: &Tree{}, byID: map[string]*Record{}}
}

// Load returns the state that [Machine.Snapshot] wrote.
func Load(snapshot []byte) (*Machine, error) {
	m := New()
	m.Tree = nil
	if err := json.Unmarshal(snapshot, m); err != nil {
		return nil, fmt.Errorf("snapshot: %w", err)
	}
	switch m.Format {
	case format:
	case treeless:
		m.Format, m.Tree = format, nil
	default:
		return nil, fmt.Errorf("snapshot: format %d, want %d", m.Format, format)
	}
	if m.Tree != nil && !m.Tree.whole(m.Seq) {
		return nil, fmt.Errorf("snapshot: its tree is not one of %d events", m.Seq)
	}
	for _, r := range m.Open {
		if r == nil {
			return nil, fmt.Errorf("snapshot: an empty record")
		}
		m.byID[r.ID] = r
	}
	for _, p := range m.Past {
		if p == nil {
			return nil, fmt.Errorf("snapshot: an empty record")
		}
		m.past.add(p)
	}
	if slices.Contains(m.Grants, nil) || m.Enrolled == nil {
		return nil, fmt.Errorf("snapshot: an empty record")
	}
	return m, nil
}

// Snapshot returns the state as bytes, the same for every reader.
func (m *Machine) Snapshot() ([]byte, error) { return json.Marshal(m) }

// SnapshotDigest returns what a snapshot event says of the bytes of a snapshot.
func SnapshotDigest(snapshot []byte) string {
	sum := sha256.Sum256(snapshot)
	return fmt.Sprintf("v%d sha256:%s", format, hex.EncodeToString(sum[:]))
}

// Record returns the open proposal of that id, or nil.
func (m *Machine) Record(id string) *Record { return m.byID[id] }

// Legacy reports whether the journal was begun before it held its approvers.
// Until it does, the signatures in it count for nothing that could be spent.
func (m *Machine) Legacy() bool { return m.Place == "" }

// steps says from where to where an event takes a proposal. What isn't here has
// no effect.
var steps = map[EventKind]map[State]State{
	EventApproved:   {StatePending: StateApproved}, // once enough have signed
	EventAuthorised: {StatePending: StatePending},
	EventDenied:     {StatePending: StateDenied, StateApproved: StateDenied},
	EventStale:      {StatePending: StateStale, StateApproved: StateStale},
	EventConsumed:   {StatePending: StateRunning, StateApproved: StateRunning},
	EventProgress:   {StateRunning: StateRunning},
	EventExecuted:   {StateRunning: StateExecuted},
	EventPartly:     {StateRunning: StatePartly},
	EventFailed:     {StateRunning: StateFailed},
	EventUnknown:    {StateRunning: StateUnknown},
	EventResolved:   {StateUnknown: "", StateRunning: ""}, // to what its detail says
}

// Apply takes e, which follows the last event, into the state. What isn't a legal
// step from where things stand, or isn't signed where it must be, has no effect. It is
// an error only if e says what the state was and it wasn't.
func (m *Machine) Apply(e Event) error {
	if err := m.compare(e); err != nil {
		return err
	}
	m.Seq, m.Head = e.Seq, e.Hash
	if m.Tree != nil {
		m.Tree.Add(e.Hash)
	}
	if e.Time.After(m.Last) {
		m.Last = e.Time
	}
	m.sweep(m.Last)
	switch e.Kind {
	case EventFrozen:
		m.Frozen = &Stop{e.Hash, because(e)}
	case EventUnfrozen:
		if m.Frozen != nil && m.Verify(e.Approver, UnfreezeMessage(m.Frozen.By), e.Sig) == nil {
			m.Frozen = nil
		}
	case EventTripped:
		if m.Tripped == nil {
			m.Tripped = &Stop{e.Hash, e.Detail}
		}
	case EventReset:
		if m.Tripped != nil && m.Verify(e.Approver, ResetMessage(m.Tripped.By), e.Sig) == nil {
			m.Tripped, m.Denials, m.Unknowns = nil, nil, nil
			for i := range m.Spent {
				m.Spent[i].Settled = true
			}
		}
	case EventGranted:
		if m.Grantable(e) == nil {
			m.Grants = append(m.Grants, &Standing{Grant: *e.Grant, Approver: e.Approver, Key: m.Enrolled[e.Approver].Key, Sig: e.Sig})
		}
	case EventRevoked:
		if g := m.Granted(e.ID); g != nil {
			g.Revoked = true
		}
	case EventEnrolled:
		m.enrol(e)
	case EventStruck:
		if had, ok := m.Enrolled[e.Approver]; ok {
			if had.By == ByProgram {
				m.Struck = set(m.Struck, e.Approver, had)
			}
			delete(m.Enrolled, e.Approver)
			m.recount()
		}
	case EventBound:
		m.bind(e)
	case EventClock:
		m.setClock(e)
	case EventSnapshot, EventGenesis:
		m.Snapped = e.Seq
	case EventProposed:
		m.propose(e)
	default:
		m.step(e)
	}
	return nil
}

func because(e Event) string {
	if e.Detail == "" {
		return e.Approver
	}
	return e.Approver + ": " + e.Detail
}

func set(m map[string]Enrolment, name string, e Enrolment) map[string]Enrolment {
	if m == nil {
		m = map[string]Enrolment{}
	}
	m[name] = e
	return m
}

// compare makes sure that the state is what e says that it was, and begins with
// that if nothing was read before.
func (m *Machine) compare(e Event) error {
	said, ofNow := e.Detail, e.Kind == EventSnapshot
	if e.Kind == EventGenesis && e.State != nil {
		if m.Seq == 0 {
			first, err := Load(e.State)
			if err != nil {
				return err
			}
			*m = *first
			return nil
		}
		said, ofNow = SnapshotDigest(e.State), true
	}
	if !ofNow || !strings.HasPrefix(said, fmt.Sprintf("v%d ", format)) {
		return nil // written by another version: it can't be compared
	}
	b, err := m.Snapshot()
	if err == nil && said != SnapshotDigest(b) {
		err = fmt.Errorf("the snapshot is not of this history")
	}
	return err
}

// step takes a proposal from one state to the next.
func (m *Machine) step(e Event) {
	p := m.byID[e.ID]
	if p == nil {
		return
	}
	to, ok := steps[e.Kind][p.State]
	if !ok {
		return
	}
	switch e.Kind {
	case EventApproved:
		if m.Signed(p, e) != nil {
			return
		}
		p.Sigs = append(p.Sigs, Signature{e.Approver, m.Enrolled[e.Approver].Key, e.Sig})
		if m.count(p); !m.enough(p) {
			return
		}
	case EventAuthorised:
		// A note for the audit. It grants nothing: only the process whose
		// operator authorised the call spends it, in the same transaction.
		if !p.Authorised && p.Replays == "" {
			m.Asked = take(m.Asked, p.Created.Unix(), p.Principal)
		}
		p.Approver, p.Authorised = e.Approver, true
		if g := m.Granted(e.Ref); g != nil {
			g.Used++
		}
	case EventDenied:
		p.Approver, p.Detail = e.Approver, e.Detail
		m.Denials = add(m.Denials, Count{At: m.Last.Unix(), N: 1})
	case EventConsumed:
		p.Exec, p.Ran = e.Exec, e.Seq
		m.Spent = add(m.Spent, Count{At: m.Last.Unix(), Principal: p.Principal, Tier: p.Tier, N: p.Things(), Calls: 1})
	case EventUnknown:
		if !strings.HasPrefix(e.Detail, LeftDetail) {
			m.Unknowns = add(m.Unknowns, Count{At: m.Last.Unix(), N: 1})
		}
		p.Detail = e.Detail
	case EventProgress:
		p.Detail = e.Detail
		return
	case EventExecuted, EventFailed, EventPartly:
		p.Detail = e.Detail
	case EventResolved:
		if m.Resolves(p, e) != nil {
			return
		}
		if n := len(m.Unknowns); n > 0 && p.State == StateUnknown && !strings.HasPrefix(p.Detail, LeftDetail) {
			if m.Unknowns[n-1].N--; m.Unknowns[n-1].N == 0 {
				m.Unknowns = m.Unknowns[:n-1]
			}
		}
		to, p.Approver, p.Detail = State(e.Detail), e.Approver, "resolved by "+e.Approver
	}
	p.State, p.Changed = to, m.Last
	if to.ended() {
		m.end(p)
	}
}

// ended reports whether nothing follows s.
func (s State) ended() bool {
	return s != StatePending && s != StateApproved && s != StateRunning && s != StateUnknown
}

// end lets go of a proposal, and remembers what of it still matters.
func (m *Machine) end(r *Record) {
	m.drop(r)
	past := &Past{ID: r.ID, Op: r.Op, Made: r.Seq, Seq: m.Seq, Call: r.Call, Key: r.Key, State: r.State, Changed: r.Changed, Until: r.Expires}
	switch r.State {
	case StateExecuted:
		m.redone(r.Call)
		past.On = r.On()
		window := ReceiptWindow
		if r.Key != "" {
			window = DuplicateWindow
		}
		past.Until = latest(past.Until, r.Changed.Add(window))
	case StatePartly:
		past.On, past.Until, past.Detail = r.On(), r.Changed.Add(DuplicateWindow), r.Detail
	case StateDenied:
		past.Content, past.Detail = r.Content(), r.Detail
	}
	m.past.add(past)
	if m.Past = append(m.Past, past); len(m.Past) > maxPast {
		m.past.remove(m.Past[0])
		m.Past = slices.Delete(m.Past, 0, 1)
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// redone takes note that a call was executed some attempts of which may have been.
func (m *Machine) redone(call string) {
	for _, r := range m.Open {
		r.Redone = r.Redone || r.State == StateUnknown && r.Call == call
	}
	for _, p := range m.past.byCall[call] {
		p.Redone = p.Redone || p.State == StatePartly
	}
}

func (m *Machine) drop(r *Record) {
	delete(m.byID, r.ID)
	if i, ok := slices.BinarySearchFunc(m.Open, r.Seq, func(r *Record, seq uint64) int { return int(r.Seq) - int(seq) }); ok {
		m.Open = slices.Delete(m.Open, i, i+1)
	}
}

// sweep lets go of what has expired by now.
func (m *Machine) sweep(now time.Time) {
	m.forget(now)
	if now.Sub(m.Swept) < swept {
		return
	}
	m.Swept = now
	m.Open = slices.DeleteFunc(m.Open, func(r *Record) bool {
		over := (r.State == StatePending || r.State == StateApproved) && !now.Before(r.Expires)
		if over {
			delete(m.byID, r.ID)
		}
		return over
	})
	m.Past = slices.DeleteFunc(m.Past, func(p *Past) bool {
		over := !now.Before(p.Until)
		if over {
			m.past.remove(p)
		}
		return over
	})
	m.Grants = slices.DeleteFunc(m.Grants, func(g *Standing) bool { return !now.Before(g.Expires) })
}

// propose takes in a proposal. The first one of an id wins: a later line can't
// point an id at something else. One whose digest isn't that of its own content, that has
// expired, or would wait longer than any may is ignored.
func (m *Machine) propose(e Event) {
	p := e.Proposal
	if p == nil || p.ID != e.ID || m.byID[e.ID] != nil || m.Ended(e.ID) != nil || p.Tier < TierWrite ||
		p.Expires.Sub(m.Last) > MaxTTL || !m.Last.Before(p.Expires) {
		return
	}
	if d, err := p.ComputeDigest(); err != nil || d != p.Digest || p.CallKey() != p.Call {
		return
	}
	r := &Record{Proposal: *p, Seq: e.Seq}
	r.State, r.Approver, r.Detail, r.Changed = StatePending, "", "", m.Last
	m.byID[e.ID] = r
	m.Open = append(m.Open, r)
	if p.Replays == "" {
		m.Asked = add(m.Asked, Count{At: p.Created.Unix(), Principal: p.Principal, N: 1})
	}
}

// Signed returns nil if the approval e of p counts: by an enrolled key, over this
// very proposal, in time, and not by the one who asks. A client's word counts for its
// own process only, which holds the key.
func (m *Machine) Signed(p *Record, e Event) error {
	at := m.Last
	if e.Time.After(at) {
		at = e.Time
	}
	switch {
	case SamePerson(e.Approver, p.Principal):
		return fmt.Errorf("gate: %s: %s asks for it and can't approve it", p.ID, e.Approver)
	case !at.Before(p.Expires):
		return fmt.Errorf("gate: %s has expired", p.ID)
	case e.Approver == ClientName && (p.Tier != TierWrite || p.Needs > 1):
		return fmt.Errorf("gate: %s is not an approver of this here", e.Approver)
	case e.Approver == ClientName:
		return nil
	}
	return m.Verify(e.Approver, ApprovalMessage(&p.Proposal, p.Seq), e.Sig)
}

// Verify returns nil if sig is an enrolled approver's under message.
func (m *Machine) Verify(approver string, message, sig []byte) error {
	if m.Legacy() && approver != "" {
		return nil
	}
	a, ok := m.Enrolled[approver]
	if !ok {
		return fmt.Errorf("gate: %s is not an approver here", approver)
	}
	if !ed25519.Verify(a.Key, message, sig) {
		return fmt.Errorf("gate: the signature is not that of the enrolled %s", approver)
	}
	return nil
}

// Resolves returns nil if e settles how p, whose outcome is unknown, ended.
func (m *Machine) Resolves(p *Record, e Event) error {
	unknown := p.State == StateUnknown || p.State == StateRunning && m.Last.Sub(p.Changed) > MaxExecution
	switch {
	case !unknown:
		return fmt.Errorf("gate: %s is %s: its outcome is not unknown", p.ID, p.State)
	case e.Detail != string(StateExecuted) && e.Detail != string(StateFailed):
		return fmt.Errorf("gate: %s: an outcome is executed or failed, not %q", p.ID, e.Detail)
	case SamePerson(e.Approver, p.Principal):
		return fmt.Errorf("gate: %s: %s asked for it and can't resolve it", p.ID, e.Approver)
	}
	return m.Verify(e.Approver, ResolveMessage(&p.Proposal, e.Detail), e.Sig)
}

// count names in p the approvers who have signed it and still count, and returns
// how many. A key that is enrolled under two names counts once.
func (m *Machine) count(p *Record) int {
	var names []string
	keys := map[string]bool{}
	for _, s := range p.Sigs {
		a, ok := m.Enrolled[s.Approver]
		if s.Approver == ClientName || !m.Legacy() && (!ok || !a.is(s.Key)) || keys[string(s.Key)] && len(s.Key) > 0 {
			continue
		}
		keys[string(s.Key)] = true
		names = append(names, s.Approver)
	}
	p.Approver = strings.Join(names, ", ")
	return len(names)
}

func (a Enrolment) is(key []byte) bool { return len(key) > 0 && string(a.Key) == string(key) }

// enough reports whether all have signed p who must.
func (m *Machine) enough(p *Record) bool { return m.count(p) >= max(1, p.Needs) }

// recount judges all that is signed and not spent by who is enrolled now.
func (m *Machine) recount() {
	for _, p := range m.Open {
		if p.State != StatePending && p.State != StateApproved || p.Authorised {
			continue
		}
		if p.State = StatePending; m.enough(p) {
			p.State = StateApproved
		}
	}
}

func (m *Machine) enrol(e Event) {
	if CheckName(e.Approver) != nil || len(e.Key) != ed25519.PublicKeySize {
		return
	}
	by := e.Detail
	if by != ByProgram {
		by = ByFile
	}
	m.Enrolled[e.Approver] = Enrolment{e.Key, by}
	delete(m.Struck, e.Approver)
	m.recount()
}

// bind takes note of where the journal lies. Once that is known, an approver must
// sign for another place, and what waited at the old one is void: it may be
// approved and spent there.
func (m *Machine) bind(e Event) {
	if m.Place != "" {
		if m.Verify(e.Approver, BindMessage(e.Prev, e.Detail), e.Sig) != nil {
			return
		}
		m.void()
	}
	if e.Detail != "" {
		m.Place = e.Detail
		m.recount()
	}
}

// void lets go of all that waits.
func (m *Machine) void() {
	m.Open = slices.DeleteFunc(m.Open, func(r *Record) bool {
		waits := r.State == StatePending || r.State == StateApproved
		if waits {
			delete(m.byID, r.ID)
		}
		return waits
	})
}

// setClock takes the time of e for the present although later events came before.
// What they count is forgotten, and what waits is void: it could wait for too long.
func (m *Machine) setClock(e Event) {
	if m.Verify(e.Approver, ClockMessage(e.Prev, e.Time), e.Sig) != nil {
		return
	}
	m.Last, m.Swept = e.Time, e.Time
	m.void()
	future := func(c Count) bool { return c.At > e.Time.Unix() }
	m.Spent, m.Asked = slices.DeleteFunc(m.Spent, future), slices.DeleteFunc(m.Asked, future)
	m.Denials, m.Unknowns = slices.DeleteFunc(m.Denials, future), slices.DeleteFunc(m.Unknowns, future)
	m.Grants = slices.DeleteFunc(m.Grants, func(g *Standing) bool { return g.Expires.Sub(e.Time) > MaxGrant })
	for _, p := range m.Past {
		if p.Changed.After(e.Time) {
			p.Changed = e.Time
		}
		if end := e.Time.Add(DuplicateWindow); p.Until.After(end) {
			p.Until = end
		}
	}
	for _, r := range m.Open {
		if r.Changed.After(e.Time) {
			r.Changed = e.Time
		}
	}
}

// Grantable returns nil if e is a grant that counts.
func (m *Machine) Grantable(e Event) error {
	g := e.Grant
	switch {
	case g == nil || g.ID != e.ID || m.Granted(g.ID) != nil:
		return fmt.Errorf("gate: not a new grant")
	case g.Max < 1 || g.Max > MaxGrantCalls || g.Expires.Sub(e.Time) > MaxGrant || g.Op == "" || g.Target == "":
		return fmt.Errorf("gate: a grant beyond its limits")
	case SamePerson(e.Approver, g.Principal):
		return fmt.Errorf("gate: %s asks and can't approve", e.Approver)
	}
	return m.Verify(e.Approver, g.Message(), e.Sig)
}

// Granted returns the grant of that id, or nil.
func (m *Machine) Granted(id string) *Standing {
	for _, g := range m.Grants {
		if g.ID == id && id != "" {
			return g
		}
	}
	return nil
}

// Live reports whether g can be used at that moment.
func (m *Machine) Live(g *Standing, now time.Time) bool {
	return !g.Revoked && g.Used < g.Max && now.Before(g.Expires) && m.Enrolled[g.Approver].is(g.Key)
}

// Covering returns the grant that covers p, the one that ends first, or nil.
func (m *Machine) Covering(p *Proposal, now time.Time) *Standing {
	if Coverable(p) != nil {
		return nil
	}
	var found *Standing
	for _, g := range m.Grants {
		if g.covers(p) && m.Live(g, now) && (found == nil || g.Expires.Before(found.Expires)) {
			found = g
		}
	}
	return found
}
