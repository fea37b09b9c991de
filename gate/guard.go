package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/clientword"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/sorting"
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
	// keeps locks, freeze, journal, the breaker and the guard on the wire, and asks
	// nobody. A breaker that opened, as of three destructive calls in ten seconds, is
	// closed by an enrolled approver even so.
	ApprovalHost Approval = "host"
)

const (
	maxPermit   = state.MaxExecution - time.Minute
	maxInput    = 512 << 10                // bytes of input that fit into a proposal
	maxProposal = journal.MaxEvent - 4<<10 // bytes of a proposal that fit into an event
	leaveGrace  = 5 * time.Second
	maxReceipts = 256
	maxReceipt  = 256 << 10 // bytes of an answer, encoded, that is kept
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

	open func() (*Journal, error)

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
	if journal.IsAddress(p.Dir) && p.OpenStore == nil {
		return nil, fmt.Errorf("gate: this program keeps its journal in a folder only, not at %s", journal.Shown(p.Dir))
	}
	protection, err := newProtection(p.Protected)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	g := &Guard{policy: p, version: p.version(), protection: protection, memory: newMemory(), grace: leaveGrace, receipts: map[string]receipt{}}
	g.taint = newTaint(p.Dir, g.Journal)
	if p.Approval == ApprovalClient {
		s, err := journal.ClientSigner()
		if err != nil {
			return nil, err
		}
		if g.seal, err = newSealer(); err != nil {
			return nil, err
		}
		g.client = s
	}
	g.open = func() (*Journal, error) {
		o := journal.Options{Approvers: p.Approvers, Client: g.client, Logger: p.Logger}
		if journal.IsAddress(p.Dir) {
			store, err := p.OpenStore(p.Dir)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrJournal, err)
			}
			return journal.New(store, o), nil
		}
		return journal.Open(p.Dir, o)
	}
	adapter.Do(func() { clientword.Of = func(guard any) clientword.Guard { return word{guard.(*Guard)} } })
	return g, nil
}

// adapter is done with the first guard rather than at the start: a program without one
// links nothing of it.
var adapter sync.Once

// Responses returns the responses that the operator allows.
func (g *Guard) Responses() []Response { return slices.Clone(g.policy.Responses) }

// Protected returns what the operator has named as not to be acted on.
func (g *Guard) Protected() []string { return slices.Clone(g.policy.Protected) }

// Approval returns who attests a write.
func (g *Guard) Approval() Approval { return g.policy.Approval }

// Principal returns who asks, unless a call says otherwise.
func (g *Guard) Principal() string { return g.policy.Principal }

// Dir returns the folder of the journal, or the address of its database without the
// password.
func (g *Guard) Dir() string { return journal.Shown(g.policy.Dir) }

// Journal opens the journal, once, and returns it.
func (g *Guard) Journal() (*Journal, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.journal == nil {
		j, err := g.open()
		if err != nil {
			return nil, err
		}
		g.journal = j
	}
	return g.journal, nil
}

// Close closes the journal, if it was opened.
func (g *Guard) Close() error {
	g.taint.stop()
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

type clientKey struct{}

// WithClient returns a context whose proposals say through which program the agent
// asks, by that one's own word. It is shown apart from the facts, as the agent's claim
// is, and is not part of the digest.
func WithClient(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, clientKey{}, clip.Bytes(name, 100))
}

type claimKey struct{}

// WithClaim returns a context whose proposals carry the agent's own reason. It
// is shown apart from the facts and is not part of the digest.
func WithClaim(ctx context.Context, claim string) context.Context {
	return context.WithValue(ctx, claimKey{}, clip.Bytes(claim, 500))
}

// Admit says whether a request of endpoint e may be sent. Clients ask on the
// wire, before every attempt. A read may; anything else needs a permit of this
// guard, at least of the endpoint's tier, for this endpoint of this server, whose
// execution hasn't ended, and is stopped by a freeze. An endpoint without a tier may never be sent.
func (g *Guard) Admit(ctx context.Context, e Endpoint) error {
	if g != nil && e.Tier == TierRead && g.policy.Max >= TierRead {
		return nil
	}
	return g.admit(ctx, &e)
}

// admit is Admit for what isn't a read that may be sent.
func (g *Guard) admit(ctx context.Context, e *Endpoint) error {
	if g == nil {
		return &RefusedError{Op: e.String(), Reason: ReasonUnguarded}
	}
	if !e.Tier.Valid() || e.Tier == TierRead {
		return g.refuse(e.String(), ReasonTier, "", nil)
	}
	p, _ := ctx.Value(permitKey{}).(*permit)
	if !p.covers(g, e.Tier) {
		return g.refuse(e.String(), ReasonNoPermit, "", nil)
	}
	if why := p.outside(*e); why != "" {
		return g.logged(&RefusedError{Op: e.String(), Reason: ReasonFootprint, Detail: why})
	}
	frozen, err := p.frozen()
	switch {
	case err != nil:
		return g.refuse(e.String(), ReasonJournal, "", err)
	case frozen:
		return g.refuse(e.String(), ReasonFrozen, "", nil)
	case !p.covers(g, e.Tier): // the journal may have kept us waiting
		return g.refuse(e.String(), ReasonNoPermit, "", nil)
	case ctx.Err() != nil: // for longer than the request may take: it isn't sent
		return ctx.Err()
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
		about := []any{"op", r.Op, "reason", string(r.Reason)}
		if r.Lock != "" {
			about = append(about, "lock", r.Lock)
		}
		if r.Err != nil {
			about = append(about, "err", r.Err)
		}
		g.policy.Logger.Warn("refused", about...)
	}
	return err
}

// read prepares in and reports whether the call is a read that may run now. If
// it reports false without an error, the call is to be proposed.
func (o *operation) read(ctx context.Context, g *Guard, in any) (context.Context, bool, error) {
	if g == nil || o.wired && o.guard != g {
		return ctx, false, &RefusedError{Op: o.name, Reason: ReasonUnguarded}
	}
	if err := o.input().Prepare(in, o.invalid); err != nil {
		return ctx, false, err
	}
	tier := o.tier
	if o.readWhen != nil && o.readWhen(in) {
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
		if l.check(g.policy.Getenv, o.value(in)) == verdictClosed {
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
func (o *operation) Do(ctx context.Context, g *Guard, in any) (*Result, error) {
	if !o.takes(in) {
		return nil, fmt.Errorf("gate: %s: input is %T, want %s", o.name, in, o.pointer)
	}
	ctx, listener := clientword.ListenerOf(ctx)
	ctx, isRead, err := o.read(ctx, g, in)
	if err != nil {
		return nil, err
	}
	if isRead {
		out, err := o.run(ctx, in)
		if err != nil {
			return nil, err
		}
		return &Result{State: StateRead, Out: out}, nil
	}
	return o.propose(ctx, g, in, listener)
}

// propose takes a call that isn't a read from its locks to its outcome, of which listener,
// if that isn't nil, hears while it is noted.
func (o *operation) propose(ctx context.Context, g *Guard, in any, listener *clientword.Listener) (*Result, error) {
	if above, _ := ctx.Value(permitKey{}).(*permit); above != nil {
		if err := above.open(); err != nil { // what isn't to be carried out calls for nothing further
			return nil, g.refuse(o.name, ReasonJournal, "", err)
		}
	}
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
	asked := o.value(planned)
	v, lock, err := g.check(o.name, o.locks, asked)
	if err != nil {
		return nil, err
	}
	if err := g.protects(o.name, o.actsOn(asked)); err != nil {
		return nil, err
	}
	p := &Proposal{Op: o.name, Tier: o.tier, Upstream: o.upstream, Policy: g.version, Input: input}
	p.Principal = strings.ToValidUTF8(g.principal(ctx), "\ufffd")
	p.Claim, _ = ctx.Value(claimKey{}).(string)
	p.Client, _ = ctx.Value(clientKey{}).(string)
	p.Call = p.CallKey()
	if o.key != nil {
		p.Key = o.key(asked)
	}
	if o.about != nil {
		p.About = o.about(asked)
	}
	p.Untrusted = g.memory.marks(p.Principal, input)
	by := journal.Authority{Choice: o.authority(ctx, g, v, lock, planned), Grantable: v != verdictAsk && !o.facets.Egress, Left: ctx.Err}

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
	if d, err := j.Before(p, g.policy.limits()); d != nil || err != nil {
		return g.answer(p, d, err)
	}
	if p.Plan, err = o.makePlan(ctx, planned); err != nil {
		return nil, err
	}
	if err := g.protectsIn(o.name, p.Plan); err != nil {
		return nil, err
	}
	if n := g.policy.quorumOf(p); n > 1 {
		p.Needs = n
	}
	by.Asks = g.policy.asks(p)
	p, size, err := p.Canonical()
	if err != nil {
		return nil, err
	}
	if size > maxProposal {
		return nil, g.refuse(o.name, ReasonTooLarge, "", nil)
	}
	if again, err := json.Marshal(planned); err != nil || !bytes.Equal(again, input) {
		return nil, errors.Join(fmt.Errorf("gate: %s: the input changed while it was planned, or does not survive its encoding", o.name), err)
	}
	var x *execution
	spent := false
	defer func() {
		if x != nil && !spent { // even if the store panicked
			x.refuse(err)
		}
	}()
	d, err := j.Decide(p, g.policy.limits(), by, func(d *journal.Decision) {
		if o.wired && o.endpoints != nil { // all that it can do before its permit is open is to read
			x = o.execution(ctx, g, j, d.Proposal)
			x.begin()
		}
	})
	if err != nil || d.State != StateRunning {
		return g.answer(p, d, err)
	}
	if spent = true; x == nil {
		x = o.execution(ctx, g, j, d.Proposal)
	}
	return x.finish(d.Note, listener)
}

// mended is what stands in an encoding for a text that isn't UTF-8, which is another once
// it was read.
var mended = []byte(`\ufffd`)

// encode returns the encoding of in, and what that stands for, which shares no
// memory with in.
func (o *operation) encode(in any) ([]byte, any, error) {
	out := reflect.New(o.in).Interface()
	b, err := json.Marshal(in)
	if err == nil {
		err = json.Unmarshal(b, out)
	}
	if err == nil && bytes.Contains(b, mended) {
		b, err = json.Marshal(out)
	}
	if err != nil {
		return nil, out, fmt.Errorf("gate: %s: input: %w", o.name, err)
	}
	return b, out, nil
}

// authority says by which standing choice of the operator the call runs
// without being asked for, if by any.
func (o *operation) authority(ctx context.Context, g *Guard, v verdict, lock string, in any) string {
	switch who, _ := g.Who(ctx, o.tier); {
	case v == verdictAsk:
		return ""
	case v == verdictFree:
		return lock
	case o.runWhen != nil && o.runWhen(in) && !(g.policy.AskEgress && o.facets.Egress):
		return "runs unasked"
	case who == ApprovalHost:
		return "host"
	}
	return ""
}

func (o *operation) makePlan(ctx context.Context, in any) (Plan, error) {
	if o.plan != nil {
		plan, err := o.plan(ctx, in)
		return plan.Warned(), err
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
	sorting.By(plan.Changes, func(a, b Change) int { return strings.Compare(a.Field, b.Field) })
	return plan, nil
}

// answer is what a decision means for whoever called: a repeated call gets the
// first one's answer, and a failure of the journal is a refusal.
func (g *Guard) answer(p *Proposal, d *journal.Decision, err error) (*Result, error) {
	if errors.Is(err, ErrJournal) {
		err = &RefusedError{Op: p.Op, Reason: ReasonJournal, Err: err}
	}
	if err != nil {
		return nil, g.logged(err)
	}
	res := &Result{State: d.State, Proposal: d.Proposal, Repeated: d.Repeated, Note: d.Note,
		Approvers: d.Approvers, Waiting: d.Waiting, Full: d.Full}
	if d.Repeated {
		if res.Out = g.receipt(p.Call, d.Proposal.ID); res.Out == nil {
			res.Kept = kept(d.Proposal.Detail)
		}
	}
	return res, nil
}
