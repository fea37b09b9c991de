package gate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/clientword"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/stack"
)

// A permit lets the requests of one execution through.
type permit struct {
	guard     *Guard
	op        string
	tier      Tier
	upstream  string   // what the operation's client talks to; "" if it has none
	endpoints []string // what may be sent; nil: see outside
	until     time.Time
	ended     atomic.Bool
	runs      *Proposal
	frozen    func() (bool, error)   // of the guard, once the approval is spent: a program that opens no gate links no journal
	spent     chan struct{}          // closed when the approval is spent, or is refused to be
	refused   error                  // why it is
	sent      atomic.Int64           // requests let through
	system    atomic.Pointer[string] // the platform that was written to, without endpoints
	settles   bool                   // the operation tells when all that is gated is done

	mu      sync.Mutex
	done    []string     // endpoints that the platform answered well
	settled func() error // waits until the journal has taken note of what Settled told; nil: it told nothing
}

// Answered notes that the platform has done what the request of endpoint e asked for.
// Clients say so on the wire, where they ask [Guard.Admit] before: if a later request of
// the same operation fails, the journal says what was done.
func Answered(ctx context.Context, e Endpoint) {
	p, _ := ctx.Value(permitKey{}).(*permit)
	if p == nil || e.Tier <= TierRead {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, e.ID)
}

// Denied takes back what [Answered] noted last of endpoint e: the answer, good by its
// status, says that the platform hasn't done what it was asked for.
func Denied(ctx context.Context, e Endpoint) {
	p, _ := ctx.Value(permitKey{}).(*permit)
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, id := range slices.Backward(p.done) {
		if id == e.ID {
			p.done = slices.Delete(p.done, i, i+1)
			return
		}
	}
}

// Executing returns the proposal that is being carried out, approved, under ctx; nil
// for a read or a plain call of the library. It is a copy.
func Executing(ctx context.Context) *Proposal {
	p, _ := ctx.Value(permitKey{}).(*permit)
	if p == nil || p.runs == nil {
		return nil
	}
	runs := *p.runs
	return &runs
}

// Progress notes in the journal that an operation of several steps begins the next one,
// named by what it does: "write the file". If the process dies in it, the journal says
// where. What can't be noted must not begin, nor what isn't approved in the end: it waits
// until the approval is spent. Outside of an execution it does nothing.
func Progress(ctx context.Context, step string) error {
	p, _ := ctx.Value(permitKey{}).(*permit)
	if p == nil || p.runs == nil || p.ended.Load() {
		return nil
	}
	err := p.open()
	var j *Journal
	if err == nil {
		j, err = p.guard.Journal()
	}
	if err == nil {
		err = j.Finish(p.runs.ID, EventProgress, step)
	}
	if err != nil {
		return fmt.Errorf("gate: %s: the journal could not note that it begins to %s: %w", p.runs.Op, step, err)
	}
	return nil
}

// Settled notes in the journal that all that the operation does is done, with out, what it
// came to so far: its ids are for those who repeat the call. What follows only reads, such
// as a wait for the reports of jobs that were started: nothing more that is gated may be
// sent, and however it ends, the operation was executed. The caller is answered once the
// disk holds that, too. It does nothing outside of an execution, nor in that of an operation
// that isn't declared to be one that [Settles], which may have more to do.
func Settled(ctx context.Context, out any) {
	p, _ := ctx.Value(permitKey{}).(*permit)
	if p == nil || p.runs == nil || !p.settles || p.open() != nil {
		return
	}
	detail := answerDetail(encoded(json.Marshal, out))
	noted := make(chan error, 1)
	p.mu.Lock()
	ended := p.ended.Swap(true)
	if !ended {
		p.settled = sync.OnceValue(func() error { return <-noted })
	}
	p.mu.Unlock()
	if ended {
		return
	}
	go func() {
		err := ErrJournal
		defer func() {
			_ = recover() // whoever waits is told
			noted <- err
		}()
		j, jerr := p.guard.Journal()
		if jerr == nil {
			jerr = j.Finish(p.runs.ID, EventExecuted, detail)
		}
		err = jerr
	}()
}

// noted waits until the journal has taken note of what [Settled] told, and reports whether
// it told anything.
func (p *permit) noted() (bool, error) {
	p.mu.Lock()
	settled := p.settled
	p.mu.Unlock()
	if settled == nil {
		return false, nil
	}
	return true, settled()
}

// Undone notes that all that was done so far was taken back, and seen to be. An operation
// that fails then has failed, and hasn't been done in part.
func Undone(ctx context.Context) {
	if p, _ := ctx.Value(permitKey{}).(*permit); p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.done = nil
	}
}

// did returns what was done so far.
func (p *permit) did() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.done, ", ")
}

func (p *permit) covers(g *Guard, t Tier) bool {
	return p != nil && p.guard == g && p.tier >= t && !p.ended.Load() && time.Now().Before(p.until)
}

// open waits until the approval is spent, or returns why it isn't.
func (p *permit) open() error {
	<-p.spent
	return p.refused
}

// AwaitSpending waits until the approval that ctx runs under is spent, or isn't to be, or
// ctx ends. Clients wait here before they take what reads wait for, too; whether a request
// may then be sent [Guard.Admit] says.
func AwaitSpending(ctx context.Context) {
	if p, _ := ctx.Value(permitKey{}).(*permit); p != nil {
		select {
		case <-p.spent:
		case <-ctx.Done():
		}
	}
}

type permitKey struct{}

func withoutPermit(ctx context.Context) context.Context {
	if ctx.Value(permitKey{}) == nil {
		return ctx
	}
	return context.WithValue(ctx, permitKey{}, (*permit)(nil))
}

// An execution is one run of an operation under a permit, on what a proposal says.
type execution struct {
	op      *operation
	journal *Journal
	permit  *permit
	ctx     context.Context
	cancel  context.CancelFunc

	ran bool // to its end; then it came to
	out any
	err error

	ahead  chan struct{} // closed when it has ended, if it runs beside the caller
	failed any           // what it panicked with there
}

// execution returns one for p, that hasn't begun. Its permit lets nothing through before
// it is to finish, or is refused.
func (o *operation) execution(ctx context.Context, g *Guard, j *Journal, p *Proposal) *execution {
	pm := &permit{guard: g, op: o.name, tier: o.tier, upstream: o.upstream, endpoints: o.endpoints, until: time.Now().Add(maxPermit), runs: p, settles: o.settles, spent: make(chan struct{})}
	pm.frozen = shared(pm.open, j.Frozen)
	x := &execution{op: o, journal: j, permit: pm}
	x.ctx, x.cancel = g.outlast(context.WithValue(ctx, permitKey{}, pm), pm.until)
	return x
}

func (x *execution) run() {
	defer x.permit.ended.Store(true)
	in := reflect.New(x.op.in).Interface()
	if x.err = json.Unmarshal(x.permit.runs.Input, in); x.err == nil {
		x.out, x.err = x.op.run(x.ctx, in)
	}
	x.ran = true
}

// begin runs the execution beside the caller.
func (x *execution) begin() {
	x.ahead = make(chan struct{})
	go func() {
		defer close(x.ahead)
		defer func() {
			if v := recover(); v != nil {
				x.failed = fmt.Sprintf("%v\n\n%s", v, debug.Stack())
			}
		}()
		x.failed = "it ended its goroutine"
		stack.Deepen()
		x.run()
		x.failed = nil
	}()
}

// refuse has an execution end whose approval isn't spent, because of err, for all that is known.
func (x *execution) refuse(err error) {
	x.permit.refused = cmp.Or(err, ErrJournal)
	close(x.permit.spent)
	x.cancel()
	<-x.ahead
}

// finish lets the requests of the execution through, now that the approval is spent, and
// records how it went.
func (x *execution) finish(note string, listener *clientword.Listener) (*Result, error) {
	p := x.permit.runs
	defer x.cancel()
	defer func() {
		if settled, _ := x.permit.noted(); !settled && !x.ran { // a panic: nobody knows how far it got
			_ = x.journal.Finish(p.ID, EventUnknown, "the operation panicked")
		}
	}()
	close(x.permit.spent)
	if x.ahead == nil {
		x.run()
	} else if <-x.ahead; x.failed != nil {
		panic(x.failed)
	}
	err := x.err
	settled, jerr := x.permit.noted()
	kind, detail := EventExecuted, ""
	var text []byte // of what it put out
	switch {
	case err == nil:
		encode := json.Marshal
		if listener != nil {
			encode = listener.Encode
		}
		if text = encoded(encode, x.out); !settled {
			detail = answerDetail(text)
		}
		if len(text) <= maxReceipt {
			x.permit.guard.keepReceipt(p.Call, p.ID, x.out)
		}
	case settled:
		err = fmt.Errorf("executed, then: %w", err)
	case ambiguous(err, x.op.wired && x.permit.sent.Load() == 0, x.permit.sent.Load() > 0):
		kind, detail = EventUnknown, clip.Bytes(err.Error(), 500)
		if did := x.permit.did(); did != "" {
			detail = clip.Bytes("done: "+did+"; then: "+detail, 500)
			err = &PartlyError{Done: did, Err: err}
		}
		if errors.Is(context.Cause(x.ctx), errLeft) {
			detail = clip.Bytes(state.LeftDetail+detail, 500)
		}
		if !errors.Is(err, ErrOutcomeUnknown) {
			err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
		}
	case x.permit.did() != "":
		kind, detail = EventPartly, clip.Bytes("done: "+x.permit.did()+"; then: "+err.Error(), 500)
		err = &PartlyError{Done: x.permit.did(), Err: err}
	default:
		if late(err) { // it isn't ambiguous
			err = fmt.Errorf("nothing was sent: %w", err)
		}
		kind, detail = EventFailed, clip.Bytes(err.Error(), 500)
	}
	done := &Result{State: StateExecuted, Proposal: p, Out: x.out, Note: note}
	var telling sync.WaitGroup
	switch {
	case listener == nil || err != nil:
	case settled:
		listener.Executed(done, text)
	default:
		telling.Go(func() { listener.Executed(done, text) })
	}
	if !settled {
		jerr = x.journal.Finish(p.ID, kind, detail)
	}
	telling.Wait()
	if jerr != nil {
		return nil, errors.Join(fmt.Errorf("gate: %s (%s): %s, but the journal could not record it", x.op.name, p.ID, kind), jerr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s (%s, approval spent): %w", x.op.name, p.ID, err)
	}
	p.State, p.Changed = StateExecuted, time.Now().UTC()
	return done, nil
}

// shared returns check for those who ask it at the same time, such as the requests of one
// execution: who asks while it runs, and may have begun too late to be told the present by
// it, shares its next run with all others who ask meanwhile. It first runs once it may.
func shared(may func() error, check func() (bool, error)) func() (bool, error) {
	type run struct {
		over chan struct{} // closed at its end; then it came to
		is   bool
		err  error
	}
	var running sync.Mutex // held by the run under way
	var mu sync.Mutex
	var next *run // who asks now shares it; nil: nobody has asked since one began
	return func() (bool, error) {
		mu.Lock()
		r := next
		if r != nil {
			mu.Unlock()
			<-r.over
			return r.is, r.err
		}
		r = &run{over: make(chan struct{}), err: ErrJournal}
		next = r
		mu.Unlock()
		running.Lock()
		defer close(r.over)
		defer running.Unlock()
		if r.err = may(); r.err != nil {
			return false, r.err
		}
		mu.Lock()
		next = nil // who asks from here on may know more than this run will see
		mu.Unlock()
		r.err = ErrJournal // should check panic
		r.is, r.err = check()
		return r.is, r.err
	}
}

// errLeft ends an execution that goes on for long after whoever asked for it left.
var errLeft = errors.New("gate: the caller left")

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
	return late(err) && !silent || sent && errors.Is(err, ErrRefused)
}

// late reports whether an operation ended because its time was over or its caller left.
func late(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.Canceled) || errors.As(err, &t) && t.Timeout()
}

// encoded returns the encoding of an answer; none, and no panic, if it has none: what was
// done is to be noted.
func encoded(encode func(any) ([]byte, error), out any) (text []byte) {
	defer func() {
		if recover() != nil {
			text = nil
		}
	}()
	text, _ = encode(out)
	return text
}

// answerDetail is what the journal says of an answer: its digest, and its ids
// for those who repeat the call where the answer isn't at hand. An answer that
// can't be encoded is empty.
func answerDetail(answer []byte) string {
	if len(answer) == 0 {
		return answered + "not encodable"
	}
	h := sha256.Sum256(answer)
	return strings.TrimSuffix(answered+"sha256:"+hex.EncodeToString(h[:8])+" "+string(ids(answer)), " ")
}

const answered = "answer "

// kept returns the ids that the detail of an executed proposal holds, or nil.
func kept(detail string) json.RawMessage {
	rest, ok := strings.CutPrefix(detail, answered)
	i := strings.IndexByte(rest, '{')
	if !ok || i < 0 || !json.Valid([]byte(rest[i:])) {
		return nil
	}
	return json.RawMessage(rest[i:])
}

const maxIDs = 400 // bytes of the ids of an answer

// namesID reports whether a member of this name holds an id.
func namesID(name string) bool {
	name = strings.TrimSuffix(name, "s")
	return slices.Contains([]string{"id", "_id", "uuid", "number"}, name) ||
		slices.ContainsFunc([]string{"Id", "ID", "_id", "UUID"}, func(end string) bool { return strings.HasSuffix(name, end) })
}

// isID reports whether v is a number or a word of the kind that ids are.
func isID(v json.RawMessage) bool {
	s := strings.Trim(string(v), `"`)
	return s != "" && len(s) <= 100 && s != "null" && s != "true" && s != "false" && !strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("~_.:-", r)
	})
}

// ids returns the members of an answer that say which objects it is about, as an
// object with as many of them as fit, or nil. They are looked for in the answer
// itself, or else in the one object that it holds.
func ids(answer []byte) []byte {
	found, several := idsOf(answer), false
	if len(found) == 0 {
		_ = jsontext.Members(answer, func(name, inner []byte) {
			if of := idsOf(inner); len(of) > 0 {
				b, err := json.Marshal(of)
				several = several || len(found) > 0 || err != nil // which is meant can't be told
				found = map[string]json.RawMessage{string(name): b}
			}
		})
	}
	b, err := json.Marshal(found)
	if err != nil || several || len(found) == 0 || len(b) > maxIDs {
		return nil
	}
	return b
}

// idsOf returns the members of an object that are ids, or lists of ids; none of what is no
// object.
func idsOf(object []byte) map[string]json.RawMessage {
	found := map[string]json.RawMessage{}
	_ = jsontext.Members(object, func(name, v []byte) {
		if !namesID(string(name)) {
			return
		}
		var list []json.RawMessage
		if json.Unmarshal(v, &list) != nil {
			list = []json.RawMessage{v}
		}
		if len(list) > 0 && !slices.ContainsFunc(list, func(id json.RawMessage) bool { return !isID(id) }) {
			found[string(name)] = v
		}
	})
	return found
}

// keepReceipt keeps the answer of a call for those who repeat it, unless many
// are kept already.
func (g *Guard) keepReceipt(call, id string, out any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(g.receipts, func(_ string, r receipt) bool { return now.Sub(r.at) > state.ReceiptWindow })
	if len(g.receipts) < maxReceipts {
		g.receipts[call] = receipt{id: id, out: out, at: now}
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
