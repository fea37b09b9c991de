package gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// An Approval says who attests that a human said yes.
type Approval string

// The ways to approve.
const (
	// ApprovalOperator: an approver signs with the gate command, on a channel
	// that the agent doesn't have. The zero value means this.
	ApprovalOperator Approval = "operator"
	// ApprovalClient: for writes, the MCP client's own form is enough, sealed by
	// us; a client can lie. Destructive operations still need an operator.
	ApprovalClient Approval = "client"
	// ApprovalHost: the agent host's permission prompt is all there is. The gate
	// keeps locks, freeze, journal and the guard on the wire, and asks nobody.
	ApprovalHost Approval = "host"
)

const (
	defaultTTL    = 30 * time.Minute
	receiptWindow = 10 * time.Minute // in which a repeated call gets the first one's answer
	maxExecution  = 30 * time.Minute // after which a silent execution counts as lost
	maxPermit     = maxExecution - time.Minute
	maxInput      = 512 << 10        // bytes of input that fit into a proposal
	maxProposal   = maxEvent - 4<<10 // bytes of a proposal that fit into an event
	leaveGrace    = 5 * time.Second
	maxReceipts   = 256
	maxReceipt    = 256 << 10 // bytes of an answer, encoded, that is kept
)

// A Guard decides what runs. Make one per process with [New] and give it to
// every client and to mcpadapter. It is safe for concurrent use.
type Guard struct {
	policy  Policy
	version string
	client  *Signer
	seal    *sealer

	protection *protection
	memory     *memory
	taint      *taint
	grace      time.Duration // see outlast

	mu       sync.Mutex
	journal  *Journal
	receipts map[string]receipt
}

type receipt struct {
	id  string
	out any
	at  time.Time
}

// New returns a Guard for p. It touches no file: the journal is opened when the
// first write is proposed.
func New(p Policy) (*Guard, error) {
	p, err := p.complete()
	if err != nil {
		return nil, err
	}
	protection, err := newProtection(p.Protected)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	g := &Guard{policy: p, version: p.version(), protection: protection, memory: newMemory(), taint: newTaint(p.Dir), grace: leaveGrace, receipts: map[string]receipt{}}
	if p.Approval == ApprovalClient {
		s, err := newSigner(clientName)
		if err != nil {
			return nil, err
		}
		if g.seal, err = newSealer(); err != nil {
			return nil, err
		}
		g.client = s
	}
	return g, nil
}

// Approval returns who attests a write.
func (g *Guard) Approval() Approval { return g.policy.Approval }

// Principal returns who asks, unless a call says otherwise.
func (g *Guard) Principal() string { return g.policy.Principal }

// Dir returns the directory of the journal.
func (g *Guard) Dir() string { return g.policy.Dir }

// Journal opens the journal, once, and returns it.
func (g *Guard) Journal() (*Journal, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.journal == nil {
		j, err := openJournal(g.policy.Dir, g.policy.Approvers, g.client, time.Now)
		if err != nil {
			return nil, err
		}
		g.journal = j
	}
	return g.journal, nil
}

// Close closes the journal, if it was opened.
func (g *Guard) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.journal == nil {
		return nil
	}
	err := g.journal.Close()
	g.journal = nil
	return err
}

type principalKey struct{}

// WithPrincipal returns a context whose calls are asked for by principal, such
// as the authenticated user of an HTTP session.
func WithPrincipal(ctx context.Context, principal string) context.Context {
	return context.WithValue(ctx, principalKey{}, principal)
}

func (g *Guard) principal(ctx context.Context) string {
	if p, ok := ctx.Value(principalKey{}).(string); ok && p != "" {
		return p
	}
	return g.policy.Principal
}

type claimKey struct{}

// WithClaim returns a context whose proposals carry the agent's own reason. It
// is shown apart from the facts and is not part of the digest.
func WithClaim(ctx context.Context, claim string) context.Context {
	return context.WithValue(ctx, claimKey{}, clip(claim, 500))
}

// A permit lets the requests of one execution through.
type permit struct {
	guard *Guard
	tier  Tier
	until time.Time
	ended atomic.Bool
	sent  atomic.Int64 // requests let through
}

func (p *permit) covers(g *Guard, t Tier) bool {
	return p != nil && p.guard == g && p.tier >= t && !p.ended.Load() && time.Now().Before(p.until)
}

type permitKey struct{}

func withoutPermit(ctx context.Context) context.Context {
	if ctx.Value(permitKey{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, permitKey{}, (*permit)(nil))
}

// Admit says whether a request of endpoint e may be sent. Clients ask on the
// wire, before every attempt. A read may; anything else needs a permit of this
// guard, at least of the endpoint's tier, whose execution hasn't ended, and is
// stopped by a freeze. An endpoint without a tier may never be sent.
func (g *Guard) Admit(ctx context.Context, e Endpoint) error {
	if g == nil {
		return &RefusedError{Op: e.String(), Reason: ReasonUnguarded}
	}
	if !e.Tier.Valid() || e.Tier == TierRead && g.policy.Max < TierRead {
		return g.refuse(e.String(), ReasonTier, "", nil)
	}
	if e.Tier == TierRead {
		return nil
	}
	p, _ := ctx.Value(permitKey{}).(*permit)
	if !p.covers(g, e.Tier) {
		return g.refuse(e.String(), ReasonNoPermit, "", nil)
	}
	j, err := g.Journal()
	if err != nil {
		return g.refuse(e.String(), ReasonJournal, "", err)
	}
	frozen, err := j.Frozen()
	switch {
	case err != nil:
		return g.refuse(e.String(), ReasonJournal, "", err)
	case frozen:
		return g.refuse(e.String(), ReasonFrozen, "", nil)
	case !p.covers(g, e.Tier): // the journal may have kept us waiting
		return g.refuse(e.String(), ReasonNoPermit, "", nil)
	}
	p.sent.Add(1)
	return nil
}

func (g *Guard) refuse(op string, why Reason, lock string, err error) error {
	return g.logged(&RefusedError{Op: op, Reason: why, Lock: lock, Err: err})
}

// logged tells the operator's log about err if it is a refusal, and returns it.
func (g *Guard) logged(err error) error {
	if r := (*RefusedError)(nil); g.policy.Logger != nil && errors.As(err, &r) {
		g.policy.Logger.Warn("refused", "op", r.Op, "reason", string(r.Reason), "lock", r.Lock, "err", r.Err)
	}
	return err
}

// read prepares in and reports whether the call is a read that may run now. If
// it reports false without an error, the call is to be proposed.
func (o *Operation[In, Out]) read(ctx context.Context, g *Guard, in *In) (context.Context, bool, error) {
	if g == nil || o.wired && o.guard != g {
		return ctx, false, &RefusedError{Op: o.name, Reason: ReasonUnguarded}
	}
	if d, ok := any(in).(interface{ SetDefaults() }); ok {
		d.SetDefaults()
	}
	if v, ok := any(in).(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return ctx, false, err
		}
	}
	tier := o.tier
	if o.readWhen != nil && o.readWhen(*in) {
		tier = TierRead
	}
	if tier > g.policy.Max {
		return ctx, false, g.refuse(o.name, ReasonTier, "", nil)
	}
	if tier > TierRead {
		return ctx, false, nil
	}
	for _, l := range o.locks {
		if l.asks && o.tier > TierRead {
			continue
		}
		if l.check(g.policy.Getenv, *in) == verdictClosed {
			return ctx, false, g.refuse(o.name, l.reason, l.name, nil)
		}
	}
	return withoutPermit(ctx), true, nil
}

// check asks every lock. It returns the strictest verdict and which lock gave it.
func (g *Guard) check(op string, locks []lock, in any) (verdict, string, error) {
	strictest, by := verdictOpen, ""
	for _, l := range locks {
		v := l.check(g.policy.Getenv, in)
		if v == verdictClosed {
			return v, l.name, g.refuse(op, l.reason, l.name, nil)
		}
		if v > strictest {
			strictest, by = v, l.name
		}
	}
	return strictest, by, nil
}

// Do runs the operation behind g, as [Op] describes.
func (o *Operation[In, Out]) Do(ctx context.Context, g *Guard, in any) (*Result, error) {
	p, _ := in.(*In)
	if p == nil {
		return nil, fmt.Errorf("gate: %s: input is %T, want %T", o.name, in, p)
	}
	ctx, isRead, err := o.read(ctx, g, p)
	if err != nil {
		return nil, err
	}
	if isRead {
		out, err := o.fn(ctx, *p)
		if err != nil {
			return nil, err
		}
		return &Result{State: StateRead, Out: out}, nil
	}
	return o.propose(ctx, g, *p)
}

// propose takes a call that isn't a read from its locks to its outcome.
func (o *Operation[In, Out]) propose(ctx context.Context, g *Guard, in In) (*Result, error) {
	ctx = withoutPermit(ctx)
	// From here on the call is what its encoding says, since nothing else is
	// covered by the digest: in is not looked at again.
	input, planned, err := o.encode(in)
	if err != nil {
		return nil, err
	}
	if len(input) > maxInput {
		return nil, g.refuse(o.name, ReasonTooLarge, "", nil)
	}
	v, lock, err := g.check(o.name, o.locks, planned)
	if err != nil {
		return nil, err
	}
	if err := g.protects(o.name, o.actsOn(planned)); err != nil {
		return nil, err
	}
	p := &Proposal{Op: o.name, Tier: o.tier, Upstream: o.upstream, Policy: g.version, Input: input}
	p.Principal = strings.ToValidUTF8(g.principal(ctx), "\ufffd")
	p.Claim, _ = ctx.Value(claimKey{}).(string)
	p.Call = p.callKey()
	if o.key != nil {
		p.Key = o.key(planned)
	}
	if n := g.policy.quorum(o.tier); n > 1 {
		p.Needs = n
	}
	p.Untrusted = g.memory.marks(p.Principal, input)
	by := authority{lock: o.authority(g, v, lock, planned), grantable: v != verdictAsk && !o.facets.Egress}

	if v == verdictDryRun {
		if p.Plan, err = o.makePlan(ctx, planned); err != nil {
			return nil, err
		}
		if err := g.protectsIn(o.name, p.Plan); err != nil {
			return nil, err
		}
		return &Result{State: StateDryRun, Proposal: p}, nil
	}
	j, err := g.Journal()
	if err != nil {
		return nil, g.refuse(o.name, ReasonJournal, "", err)
	}
	if res, err := g.before(j, p); res != nil || err != nil {
		return res, err
	}
	if p.Plan, err = o.makePlan(ctx, planned); err != nil {
		return nil, err
	}
	if err := g.protectsIn(o.name, p.Plan); err != nil {
		return nil, err
	}
	if p, err = p.canonical(); err != nil {
		return nil, err
	}
	if size, err := json.Marshal(p); err != nil || len(size) > maxProposal {
		return nil, g.refuse(o.name, ReasonTooLarge, "", err)
	}
	again, run, err := o.encode(planned)
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(again, input):
		return nil, fmt.Errorf("gate: %s: the input changed while it was planned, or does not survive its encoding", o.name)
	}
	res, err := g.decide(j, p, by)
	if err != nil || res.State != StateRunning {
		return res, err
	}
	return o.execute(ctx, g, j, res, run)
}

// encode returns the encoding of in, and what that stands for, which shares no
// memory with in.
func (o *Operation[In, Out]) encode(in In) ([]byte, In, error) {
	var out In
	b, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err == nil { // once more: text that isn't UTF-8 has just been mended
		b, err = json.Marshal(out)
	}
	if err != nil {
		return nil, out, fmt.Errorf("gate: %s: input: %w", o.name, err)
	}
	return b, out, nil
}

// authority says by which standing choice of the operator the call runs
// without being asked for, if by any.
func (o *Operation[In, Out]) authority(g *Guard, v verdict, lock string, in In) string {
	switch {
	case v == verdictAsk:
		return ""
	case v == verdictFree:
		return lock
	case o.runWhen != nil && o.runWhen(in) && !(g.policy.AskEgress && o.facets.Egress):
		return "runs unasked"
	case g.policy.approval(o.tier) == ApprovalHost:
		return "host"
	}
	return ""
}

func (o *Operation[In, Out]) makePlan(ctx context.Context, in In) (Plan, error) {
	if o.plan != nil {
		return o.plan(ctx, in)
	}
	b, err := json.Marshal(in)
	if err != nil {
		return Plan{}, fmt.Errorf("gate: %s: input: %w", o.name, err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return Plan{}, fmt.Errorf("gate: %s: input: %w", o.name, err)
	}
	plan := Plan{Summary: o.doc}
	for name, value := range fields {
		after := string(value)
		if value[0] == '"' {
			if err := json.Unmarshal(value, &after); err != nil {
				return Plan{}, fmt.Errorf("gate: %s: input: %w", o.name, err)
			}
		}
		plan.Changes = append(plan.Changes, Change{Field: name, After: after})
	}
	slices.SortFunc(plan.Changes, func(a, b Change) int { return strings.Compare(a.Field, b.Field) })
	return plan, nil
}

// before spares a call its plan if it can be answered without one.
func (g *Guard) before(j *Journal, p *Proposal) (*Result, error) {
	var res *Result
	err := j.tx(func() (err error) {
		if res, err = j.earlier(p); res != nil || err != nil {
			return err
		}
		return j.within(p, &g.policy)
	})
	return g.answer(p, res, err)
}

// answer gives a repeated call the first one's answer, and makes a refusal of
// a failure of the journal.
func (g *Guard) answer(p *Proposal, res *Result, err error) (*Result, error) {
	if errors.Is(err, ErrJournal) {
		err = &RefusedError{Op: p.Op, Reason: ReasonJournal, Err: err}
	}
	if err != nil {
		return nil, g.logged(err)
	}
	if res != nil && res.Repeated {
		res.Out = g.receipt(p.Call, res.Proposal.ID)
	}
	return res, nil
}

// earlier answers a call that was executed a moment ago, refuses one that is
// running, and stops all others while writes are frozen.
func (j *Journal) earlier(p *Proposal) (res *Result, err error) {
	for _, id := range j.calls[p.Call] {
		r := j.props[id]
		switch s := j.state(r); {
		case s == StateRunning:
			return nil, &RefusedError{Op: p.Op, Reason: ReasonInFlight}
		case s == StateExecuted && j.now().Sub(r.Changed) < receiptWindow:
			res = &Result{State: StateExecuted, Proposal: j.snapshot(r), Repeated: true,
				Note: "this exact call was executed before and is not repeated"}
		}
	}
	if res == nil && j.frozenBy != "" {
		return nil, &RefusedError{Op: p.Op, Reason: ReasonFrozen}
	}
	if res == nil {
		return nil, j.twin(p)
	}
	return res, nil
}

// authority is what may stand for an approver's yes to a call.
type authority struct {
	lock      string // the operator's standing choice, if any
	grantable bool   // whether a standing approval may
}

// decide proposes p, or joins the open proposal of the same digest, and spends
// its approval if there is one, or what stands for it.
func (g *Guard) decide(j *Journal, p *Proposal, by authority) (*Result, error) {
	var res *Result
	err := j.tx(func() (err error) {
		if err := j.clock(); err != nil {
			return err
		}
		if rotates && j.off >= g.policy.RotateAt {
			if err := errors.Join(j.rotate(), j.discard(g.policy.Retention)); err != nil {
				g.policy.Logger.Warn("journal: rotate", "err", err)
			}
			if j.broken != nil {
				return j.broken
			}
		}
		// Again, since the plan was made without the lock.
		if res, err = j.earlier(p); res != nil || err != nil {
			return err
		}
		if err := j.within(p, &g.policy); err != nil {
			return err
		}
		open, note, err := j.find(p)
		if err != nil {
			return err
		}
		if r := j.maybeDone(p); r != nil && !note.unknown {
			note.unknown = true
			note.text = fmt.Sprintf("%s, on the same target, ended with an unknown outcome; check the platform before approving", r.ID)
		}
		var grant *Grant
		switch {
		case note.unknown:
			by.lock = "" // what may have happened already is for a human to repeat
		case by.lock == "" && by.grantable:
			grant = j.standing(p)
		}
		if open == nil {
			if by.lock == "" && grant == nil {
				if err := j.asks(p, g.policy.Budget); err != nil {
					return err
				}
			}
			p.Budget = j.left(p, g.policy.Budget)
			if open, err = j.propose(p, g.policy.TTL); err != nil {
				return err
			}
		}
		switch {
		case j.approved(open):
		case by.lock != "":
			if err := j.append(Event{Kind: EventAuthorised, ID: open.ID, Approver: "operator", Detail: by.lock}); err != nil {
				return err
			}
		case grant != nil:
			if err := j.append(Event{Kind: EventAuthorised, ID: open.ID, Approver: grant.Approver, Ref: grant.ID, Detail: "standing approval " + grant.ID}); err != nil {
				return err
			}
			note.text = fmt.Sprintf("ran under standing approval %s of %s: %d of %d calls used", grant.ID, grant.Approver, grant.Used, grant.Max)
			g.policy.Logger.Info("standing approval used", "op", p.Op, "grant", grant.ID, "approver", grant.Approver, "used", grant.Used, "max", grant.Max)
		default:
			res = &Result{State: StatePending, Proposal: j.snapshot(open), Note: note.text}
			return nil
		}
		if err := j.append(Event{Kind: EventConsumed, ID: open.ID}); err != nil {
			return err
		}
		res = &Result{State: StateRunning, Proposal: j.snapshot(open), Note: note.text}
		return nil
	})
	return g.answer(p, res, err)
}

// propose adds p to the journal under a new id.
func (j *Journal) propose(p *Proposal, ttl time.Duration) (*record, error) {
	for p.ID = newID(); j.props[p.ID] != nil; p.ID = newID() {
	}
	p.Created = j.now().UTC().Truncate(time.Second)
	p.Expires = p.Created.Add(ttl)
	if err := j.append(Event{Kind: EventProposed, ID: p.ID, Proposal: p}); err != nil {
		return nil, err
	}
	r := j.props[p.ID]
	if r == nil {
		return nil, fmt.Errorf("%w: the proposal was not taken", ErrJournal)
	}
	return r, nil
}

type history struct {
	text    string
	unknown bool // an earlier execution may have happened
}

// find returns the open proposal of p's call. One whose target has changed since,
// or that was approved before an execution whose outcome is unknown, is marked
// stale and not used. A denial of the same content refuses, whatever policy it
// was proposed under; an open proposal of another policy is left to whoever
// runs under that.
func (j *Journal) find(p *Proposal) (*record, history, error) {
	var h history
	var found *record
	var denied error
	var lost, done time.Time
	for _, id := range j.calls[p.Call] {
		r := j.props[id]
		switch j.state(r) {
		case StateDenied:
			if j.now().Before(r.Expires) && r.sameContent(p) {
				denied = &RefusedError{Op: p.Op, Reason: ReasonDenied, Err: deniedBecause(r.Detail)}
			}
		case StatePending, StateApproved:
			if r.Digest == p.Digest {
				if found = r; !j.approved(r) {
					r.State = StatePending
				}
				if r.Replays != "" {
					denied = nil // the operator has put it up again
				}
				continue
			}
			if r.Policy != p.Policy {
				continue
			}
			if err := j.append(Event{Kind: EventStale, ID: id}); err != nil {
				return nil, h, err
			}
			h.text = fmt.Sprintf("the target changed since %s was proposed; that proposal is stale", id)
		case StateUnknown:
			lost = later(lost, r.Changed)
			h.text = fmt.Sprintf("an earlier attempt, %s, ended with an unknown outcome; check the platform before approving again", id)
		case StateExecuted:
			done = later(done, r.Changed)
		}
	}
	if denied != nil {
		return nil, h, denied
	}
	h.unknown = lost.After(done)
	if h.unknown && found != nil && j.approved(found) && !found.Changed.After(lost) {
		if err := j.append(Event{Kind: EventStale, ID: found.ID}); err != nil {
			return nil, h, err
		}
		found = nil
	}
	return found, h, nil
}

// maybeDone returns a call of p's operation on one of p's targets whose outcome
// is unknown: p may be the same in other words.
func (j *Journal) maybeDone(p *Proposal) *record {
	for _, r := range j.open {
		if r.Op != p.Op || r.Call == p.Call || j.state(r) != StateUnknown {
			continue
		}
		for _, t := range p.Plan.Targets {
			if slices.ContainsFunc(r.Plan.Targets, func(u Target) bool { return t.Kind == u.Kind && t.ID == u.ID }) {
				return r
			}
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sameContent reports whether the digests of r and p differ by the policy at most.
func (r *record) sameContent(p *Proposal) bool {
	q := *p
	q.Policy = r.Policy
	d, err := q.ComputeDigest()
	return err == nil && d == r.Digest
}

type deniedBecause string

func (d deniedBecause) Error() string { return "reason given: " + string(d) }

// execute runs the operation under a permit and records how it went. The
// approval is spent already.
func (o *Operation[In, Out]) execute(ctx context.Context, g *Guard, j *Journal, res *Result, in In) (_ *Result, err error) {
	p := res.Proposal
	pm := &permit{guard: g, tier: o.tier, until: time.Now().Add(maxPermit)}
	finished := false
	defer func() {
		pm.ended.Store(true)
		if !finished { // a panic: nobody knows how far it got
			_ = j.record(p.ID, EventUnknown, "the operation panicked")
		}
	}()
	ctx, cancel := g.outlast(context.WithValue(ctx, permitKey{}, pm), pm.until)
	defer cancel()
	out, err := o.fn(ctx, in)
	finished = true
	pm.ended.Store(true)

	kind, detail := EventExecuted, ""
	switch {
	case err == nil:
		sum, size := answerDigest(out)
		detail = "answer " + sum
		if size <= maxReceipt {
			g.keepReceipt(p.Call, p.ID, out)
		}
	case ambiguous(err, o.wired && pm.sent.Load() == 0, pm.sent.Load() > 0):
		kind, detail = EventUnknown, clip(err.Error(), 500)
		if errors.Is(context.Cause(ctx), errLeft) {
			detail = clip(leftDetail+detail, 500)
		}
		if !errors.Is(err, ErrOutcomeUnknown) {
			err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
		}
	default:
		kind, detail = EventFailed, clip(err.Error(), 500)
	}
	if jerr := j.record(p.ID, kind, detail); jerr != nil {
		return nil, errors.Join(fmt.Errorf("gate: %s (%s): %s, but the journal could not record it", o.name, p.ID, kind), jerr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s (%s, approval spent): %w", o.name, p.ID, err)
	}
	p.State, p.Changed = StateExecuted, time.Now().UTC()
	return &Result{State: StateExecuted, Proposal: p, Out: out, Note: res.Note}, nil
}

// errLeft ends an execution that goes on for long after whoever asked for it left.
var errLeft = errors.New("gate: the caller left")

// leftDetail begins the detail of an unknown outcome that the caller's leaving
// made. It says nothing about the platform: the breaker doesn't count it, or one
// principal could stop all others.
const leftDetail = "the caller left: "

// outlast returns a context that ends at until or at the deadline of ctx, and
// that outlasts the cancellation of ctx for a while: the approval is spent, what is cut off
// half-way nobody knows the outcome of, and whoever asked gets the answer by asking again.
func (g *Guard) outlast(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	staying, leave := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return
		}
		select {
		case <-time.After(g.grace):
			leave(errLeft)
		case <-staying.Done():
		}
	})
	run, cancel := context.WithDeadline(staying, until)
	return run, func() { stop(); cancel(); leave(nil) }
}

// ambiguous reports whether an operation that failed with err may have taken
// effect: it says so, it ran out of time, or it was stopped after its first
// request. What provably sent nothing changed nothing.
func ambiguous(err error, silent, sent bool) bool {
	if errors.Is(err, ErrOutcomeUnknown) {
		return true
	}
	var t interface{ Timeout() bool }
	late := errors.Is(err, context.Canceled) || errors.As(err, &t) && t.Timeout()
	return late && !silent || sent && errors.Is(err, ErrRefused)
}

func (j *Journal) record(id string, kind EventKind, detail string) error {
	return j.tx(func() error { return j.append(Event{Kind: kind, ID: id, Detail: detail}) })
}

func answerDigest(out any) (sum string, size int) {
	b, err := json.Marshal(out)
	if err != nil {
		return "not encodable", 0
	}
	h := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(h[:8]), len(b)
}

// keepReceipt keeps the answer of a call for those who repeat it, unless many
// are kept already.
func (g *Guard) keepReceipt(call, id string, out any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	maps.DeleteFunc(g.receipts, func(_ string, r receipt) bool { return time.Since(r.at) > receiptWindow })
	if len(g.receipts) < maxReceipts {
		g.receipts[call] = receipt{id: id, out: out, at: time.Now()}
	}
}

func (g *Guard) receipt(call, id string) any {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r, ok := g.receipts[call]; ok && r.id == id {
		return r.out
	}
	return nil
}

// A Status is what an agent may know of the gate.
type Status struct {
	Approval  Approval    // who attests
	Max       Tier        // the highest tier that may run
	Frozen    bool        // whether all writes are stopped
	Approvers int         // how many approvers are enrolled
	Pending   []*Proposal // what the principal waits for, oldest first
}

// Status returns how the gate stands for the principal in ctx.
func (g *Guard) Status(ctx context.Context) (*Status, error) {
	s := &Status{Approval: g.policy.Approval, Max: g.policy.Max}
	j, err := g.Journal()
	if err != nil {
		return nil, err
	}
	pending, err := j.Pending()
	if err != nil {
		return nil, err
	}
	who := g.principal(ctx)
	for _, p := range pending {
		if p.Principal == who {
			s.Pending = append(s.Pending, p)
		}
	}
	err = j.tx(func() error {
		s.Frozen, s.Approvers = j.frozenBy != "", len(j.approvers)
		return nil
	})
	return s, err
}

// Proposal returns a proposal of the principal in ctx. That of another is
// [ErrNoProposal].
func (g *Guard) Proposal(ctx context.Context, id string) (*Proposal, error) {
	j, err := g.Journal()
	if err != nil {
		return nil, err
	}
	p, err := j.Proposal(id)
	if err != nil {
		return nil, err
	}
	if p.Principal != g.principal(ctx) {
		return nil, fmt.Errorf("%w: %q", ErrNoProposal, id)
	}
	return p, nil
}

// Wait returns the proposal once it is no longer pending, or as it is when ctx ends.
func (g *Guard) Wait(ctx context.Context, id string) (*Proposal, error) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		p, err := g.Proposal(ctx, id)
		if err != nil || p.State != StatePending {
			return p, err
		}
		select {
		case <-ctx.Done():
			return p, nil
		case <-tick.C:
		}
	}
}
