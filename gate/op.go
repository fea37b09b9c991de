package gate

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/sallyport-soc/sallyport/internal/input"
)

// An Op is an operation with a name, a tier and locks: an [Operation] whose
// input and output types are known only by reflection.
type Op interface {
	// Name is the operation's name, which is its MCP tool name too.
	Name() string
	// Doc says in a sentence or two what the operation does.
	Doc() string
	// Tier is the highest tier that a call of it can have.
	Tier() Tier
	// Facets are the properties beside the tier.
	Facets() Facets
	// In is the input type, a struct.
	In() reflect.Type
	// Out is the output type.
	Out() reflect.Type
	// Planned reports whether the operation renders its own [Plan].
	Planned() bool
	// Endpoints are what a permit of it is for, as a [Footprint] has them; nil: it
	// has none.
	Endpoints() []string
	// Locks names what must be open before it is proposed or run.
	Locks() []string
	// Guard is the guard on the wire of the client behind the operation, and
	// whether there is such a client. See [On].
	Guard() (g *Guard, wired bool)
	// Do runs the operation behind g. in is a pointer to a value of type In.
	Do(ctx context.Context, g *Guard, in any) (*Result, error)

	untyped() *operation // the operation itself, to be set up
}

// Facets are properties of an operation beside its tier.
type Facets struct {
	Idempotent bool // a second execution changes nothing further
	Egress     bool // data leaves for a third party
	OpenWorld  bool // reaches beyond the platforms: data that others write is in the answer

	// InParts says by what a caller has an answer in parts that is too large, beside
	// arguments for pages: by its arguments or other operations.
	InParts string
}

// An Operation is one gated function. Make it with [Read], [Write] or
// [Destructive]. Its methods beside Plan, ReadWhen, RunWhen and Op are those of [Op].
type Operation[In, Out any] struct{ *operation }

// An operation is an [Operation] without its types, so that what the gate does is
// compiled once and not for each function. Where it says in, it is a pointer to a
// value of the input type.
type operation struct {
	name, doc string
	tier      Tier
	facets    Facets
	locks     []lock
	acts      []func(any) []string // of the input itself, as key and about
	key       func(any) string
	about     func(any) []string
	invalid   error // what an input that is refused matches
	prepares  bool  // fn prepares its input itself
	settles   bool  // fn tells Settled when all that is gated is done

	in, out  reflect.Type
	pointer  reflect.Type       // to an input
	input    func() *input.Plan // what the tags of the input say
	fn       func(ctx context.Context, in any) (any, error)
	plan     func(ctx context.Context, in any) (Plan, error)
	readWhen func(in any) bool
	runWhen  func(in any) bool

	wired     bool
	guard     *Guard
	upstream  string
	endpoints []string
}

// An Option states a fixed fact about an operation, such as a lock.
type Option func(*options)

type options struct {
	facets  Facets
	locks   []lock
	acts    []func(any) []string
	key     func(any) string
	about   func(any) []string
	settles bool
	takes   []reflect.Type // inputs of acts and key
}

// Idempotent states that a second execution changes nothing further.
func Idempotent(o *options) { o.facets.Idempotent = true }

// Leaves states that data leaves for a third party.
func Leaves(o *options) { o.facets.Egress = true }

// Settles states that the operation, or what it calls, tells [Settled] when all that it does
// is done. One that calls several such methods isn't done when the first of them is.
func Settles(o *options) { o.settles = true }

// InParts states by which arguments, or which other operations, a caller has in parts
// what is too large for one answer. It is read after "with", such as "dataType" or
// "thehive_list_observables of the alertId". Arguments for pages go without saying.
func InParts(with string) Option { return func(o *options) { o.facets.InParts = with } }

// Read declares an operation that changes nothing.
func Read[In, Out any](name string, fn func(context.Context, In) (Out, error), doc string, opts ...Option) *Operation[In, Out] {
	return &Operation[In, Out]{newOperation(TierRead, name, fn, doc, append(opts, Idempotent))}
}

// Write declares an operation that a person can undo.
//
// It is planned and run on what the JSON of its input encodes, since that is
// what an approver sees and signs. A field that isn't in the JSON is a mistake
// and panics; one that omitempty leaves out is absent, empty or not.
func Write[In, Out any](name string, fn func(context.Context, In) (Out, error), doc string, opts ...Option) *Operation[In, Out] {
	return &Operation[In, Out]{newOperation(TierWrite, name, fn, doc, opts)}
}

// Destructive declares an operation that deletes, merges, publishes outside or
// acts on the real world.
func Destructive[In, Out any](name string, fn func(context.Context, In) (Out, error), doc string, opts ...Option) *Operation[In, Out] {
	return &Operation[In, Out]{newOperation(TierDestructive, name, fn, doc, opts)}
}

func newOperation[In, Out any](t Tier, name string, fn func(context.Context, In) (Out, error), doc string, opts []Option) *operation {
	var untyped func(context.Context, any) (any, error)
	if fn != nil {
		untyped = func(ctx context.Context, in any) (any, error) { return fn(ctx, *in.(*In)) }
	}
	return declare(t, name, doc, reflect.TypeFor[*In](), reflect.TypeFor[Out](), untyped, opts)
}

// declare panics on a mistake in a table of operations, as regexp.MustCompile
// does on a mistake in a pattern: it is a bug in the program, not in its input.
func declare(t Tier, name, doc string, pointer, out reflect.Type, fn func(context.Context, any) (any, error), opts []Option) *operation {
	in := pointer.Elem()
	switch {
	case name == "" || doc == "" || fn == nil:
		panic("gate: an operation needs a name, a function and a doc")
	case in.Kind() != reflect.Struct:
		panic(fmt.Sprintf("gate: %s: input is %s, want a struct", name, in))
	}
	var set options
	for _, opt := range opts {
		opt(&set)
	}
	if t > TierRead {
		if field := unencoded(in, nil); field != "" {
			panic(fmt.Sprintf("gate: %s: input field %s is not in its JSON, so no approver would see it", name, field))
		}
	}
	for _, l := range set.locks {
		if l.needs != nil && !in.Implements(l.needs) {
			panic(fmt.Sprintf("gate: %s: lock %s needs an input that implements %s", name, l.name, l.needs))
		}
	}
	for _, takes := range set.takes {
		if takes != in {
			panic(fmt.Sprintf("gate: %s: an option is for input %s, want %s", name, takes, in))
		}
	}
	return &operation{
		name: name, doc: doc, tier: t, facets: set.facets, locks: set.locks, acts: set.acts, key: set.key, about: set.about, settles: set.settles, invalid: ErrInvalid,
		in: in, out: out, pointer: pointer, fn: fn, input: sync.OnceValue(func() *input.Plan { return input.PlanOf(in) }),
	}
}

// takes reports whether in points to an input.
func (o *operation) takes(in any) bool {
	return reflect.TypeOf(in) == o.pointer && !reflect.ValueOf(in).IsNil()
}

// value returns what in points to.
func (o *operation) value(in any) any { return reflect.ValueOf(in).Elem().Interface() }

// run calls the function. One that prepares its input is told that the gate has done so.
func (o *operation) run(ctx context.Context, in any) (any, error) {
	if o.prepares {
		ctx = input.Prepared(ctx, in, o.invalid)
	}
	return o.fn(ctx, in)
}

// actsOn returns what the operation acts on beside its plan's targets.
func (o *operation) actsOn(in any) (list []string) {
	for _, acts := range o.acts {
		list = append(list, acts(in)...)
	}
	return list
}

var encoders = []reflect.Type{reflect.TypeFor[json.Marshaler](), reflect.TypeFor[encoding.TextMarshaler]()}

// unencoded returns the path of a field of t that its JSON leaves out, or "".
func unencoded(t reflect.Type, above []reflect.Type) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		if encodes(t) {
			return ""
		}
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || encodes(t) || slices.Contains(above, t) {
		return ""
	}
	for i := range t.NumField() {
		f := t.Field(i)
		embedded := f.Anonymous && f.Type.Kind() == reflect.Struct
		switch {
		case f.Name == "_":
			continue
		case f.Tag.Get("json") == "-" || !f.IsExported() && !embedded:
			return t.String() + "." + f.Name
		}
		if path := unencoded(f.Type, append(above, t)); path != "" {
			return path
		}
	}
	return ""
}

func encodes(t reflect.Type) bool {
	return slices.ContainsFunc(encoders, func(e reflect.Type) bool {
		return t.Implements(e) || reflect.PointerTo(t).Implements(e)
	})
}

// Plan sets how the operation renders what it would do. The function gets the input as
// it is signed, set and checked. It may read at the platform; it can't write. An operation
// without one shows its input.
func (o *Operation[In, Out]) Plan(plan func(context.Context, In) (Plan, error)) *Operation[In, Out] {
	o.plan = planOf(plan)
	return o
}

// ReadWhen names the inputs for which the operation only reads. Such a call
// runs at once and, having no permit, can't write even by mistake.
func (o *Operation[In, Out]) ReadWhen(only func(In) bool) *Operation[In, Out] {
	o.readWhen = whether(only)
	return o
}

// RunWhen names the inputs for which the operation runs without an approval.
// It is planned, locked and journalled all the same.
func (o *Operation[In, Out]) RunWhen(unasked func(In) bool) *Operation[In, Out] {
	o.runWhen = whether(unasked)
	return o
}

func planOf[In any](plan func(context.Context, In) (Plan, error)) func(context.Context, any) (Plan, error) {
	return func(ctx context.Context, in any) (Plan, error) { return plan(ctx, *in.(*In)) }
}

func whether[In any](f func(In) bool) func(any) bool {
	return func(in any) bool { return f(*in.(*In)) }
}

// Op returns the operation without its types. Whoever lists hundreds of operations lists
// these: the methods of [Op] are compiled for each pair of types that is one itself.
func (o *Operation[In, Out]) Op() Op { return o.operation }

// Name returns the operation's name.
func (o *operation) Name() string { return o.name }

// Doc returns the operation's description.
func (o *operation) Doc() string { return o.doc }

// Tier returns the highest tier a call of the operation can have.
func (o *operation) Tier() Tier { return o.tier }

// Facets returns the operation's properties beside the tier.
func (o *operation) Facets() Facets { return o.facets }

// In returns the input type.
func (o *operation) In() reflect.Type { return o.in }

// Out returns the output type.
func (o *operation) Out() reflect.Type { return o.out }

// Planned reports whether the operation renders its own plan.
func (o *operation) Planned() bool { return o.plan != nil }

// Endpoints returns what a permit of the operation is for.
func (o *operation) Endpoints() []string { return slices.Clone(o.endpoints) }

// Locks names what must be open before the operation is proposed or run.
func (o *operation) Locks() []string {
	names := make([]string, len(o.locks))
	for i, l := range o.locks {
		names[i] = l.name
	}
	return names
}

// Guard returns the guard on the wire of the client behind the operation.
func (o *operation) Guard() (*Guard, bool) { return o.guard, o.wired }

func (o *operation) untyped() *operation { return o }

// InvalidAs declares that ops are the methods of a client, which check their input
// themselves, and that an input which one of them refuses matches kind beside
// [ErrInvalid], such as the ErrInvalid of the client's package. A method that gets an input
// as the gate has checked it doesn't check it again.
func InvalidAs(kind error, ops ...Op) []Op {
	for _, op := range ops {
		o := op.untyped()
		o.invalid, o.prepares = kind, true
	}
	return ops
}

// On declares that ops belong to a client which has g on its wire, and which
// upstream the client talks to under which credential ("https://hive.example.org
// as key 1f9a33c2"). The digest covers upstream. A nil g says that the client
// has no guard; such operations run for nobody but a plain caller of the client.
func On(g *Guard, upstream string, ops ...Op) []Op {
	for _, op := range ops {
		o := op.untyped()
		o.wired, o.guard, o.upstream = true, g, upstream
	}
	return ops
}
