// Package input sets and checks what an operation is asked for, before anything
// is sent: once for those who call a client and for agents who call its tools.
//
// What a field may hold stands in its tags:
//
//	Limit int `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"`
//
// The tags are default, minimum, maximum, minLength, maxLength, minItems,
// maxItems and pattern; those of one value hold, on a list, for each element. A
// type may list its values with a method Enum. What tags can't say is said by the
// methods SetDefaults and Validate of an input. A field that is left at zero is
// absent, unless its JSON name stands without omitempty and omitzero: then it is
// required, and its bounds hold, but for a number, whose zero may be meant.
package input

import (
	"bytes"
	"cmp"
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
	"unsafe"

	"github.com/sallyport-soc/sallyport/internal/clip"
)

// ErrInvalid is matched by every [Error].
var ErrInvalid = errors.New("invalid request")

// Error says what an input has against itself: nothing was sent.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is [ErrInvalid].
func (e *Error) Is(target error) bool { return target == ErrInvalid }

// SetDefaults fills what the input that in points to leaves at zero.
func SetDefaults(in any) { PlanOf(reflect.TypeOf(in).Elem()).SetDefaults(in) }

// Prepare is [Plan.Prepare] for whatever in points to, unless ctx says that it is done: see
// [Prepared]. A function calls it before it changes its input in any way.
func Prepare(ctx context.Context, in any, kind error) error {
	v := reflect.ValueOf(in)
	if p, ok := ctx.Value(preparedKey{}).(*prepared); ok && p.kind == kind && same(p.in, v) && p.open.CompareAndSwap(true, false) {
		return nil
	}
	return PlanOf(v.Type().Elem()).Prepare(in, kind)
}

// Prepared returns a context for the call of a function that begins with [Prepare], with
// kind, of a copy of what in points to, where the gate has prepared that already. It holds for
// one such call, and for nothing else: what the function has changed, or hands on under the
// same context, is prepared again.
func Prepared(ctx context.Context, in any, kind error) context.Context {
	p := &prepared{Context: ctx, in: reflect.ValueOf(in), kind: kind}
	p.open.Store(true)
	return p
}

type prepared struct {
	context.Context
	in   reflect.Value
	kind error
	open atomic.Bool // nobody took it yet
}

// same reports whether b points to a copy of what a points to. It compares memory, which
// takes less than a check of the input does; what a list or a map holds isn't looked at.
func same(a, b reflect.Value) bool {
	memory := func(v reflect.Value) []byte {
		return unsafe.Slice((*byte)(v.UnsafePointer()), v.Type().Elem().Size())
	}
	return a.Type() == b.Type() && bytes.Equal(memory(a), memory(b))
}

type preparedKey struct{}

// Value returns p itself under its key.
func (p *prepared) Value(key any) any {
	if key == (preparedKey{}) {
		return p
	}
	return p.Context.Value(key)
}

// PrepareWalk is [Prepare] for an iterator, whose limit is no page that anybody
// sees: it is most where it is left at zero, and may be any number.
func PrepareWalk(in any, limit *int, most int, kind error) error {
	n := *limit
	if n < 0 {
		return &Error{fmt.Errorf("%w: limit: want at least 1, got %d", kind, n)}
	}
	*limit = 0
	err := PlanOf(reflect.TypeOf(in).Elem()).Prepare(in, kind)
	*limit = cmp.Or(n, most)
	return err
}

// Place returns where the input that in points to says how many rows a page has,
// its Limit, and how many come before it, its Offset; the latter is nil if it has
// none.
func Place(in any) (limit, offset *int) {
	v := reflect.ValueOf(in).Elem()
	return number(v, "Limit"), number(v, "Offset")
}

// number returns where a number of v, or of what is embedded in it, is kept. It looks at the
// fields itself: what reflect looks names up with is as large as a small client.
func number(v reflect.Value, name string) *int {
	for i := range v.NumField() {
		var at *int
		switch f := v.Type().Field(i); {
		case f.Name == name:
			at, _ = v.Field(i).Addr().Interface().(*int)
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			at = number(v.Field(i), name)
		}
		if at != nil {
			return at
		}
	}
	return nil
}

// A Plan is what the tags of a type say. It is safe for concurrent use.
type Plan struct {
	defaults []preset
	checks   func() plan // made when they are first needed: a server prepares few of its inputs, and none at its start
}

// A preset is what a field is filled with.
type preset struct {
	index []int
	name  string
	value string
}

// SetDefaults fills what in, a pointer to a value of the plan's type, leaves at
// zero: by its method of that name, and what is left then by its tags.
func (p *Plan) SetDefaults(in any) {
	if d, ok := in.(interface{ SetDefaults() }); ok {
		d.SetDefaults()
	}
	if len(p.defaults) > 0 {
		v := reflect.ValueOf(in).Elem()
		for i := range p.defaults {
			p.defaults[i].fill(v)
		}
	}
}

// Prepare sets the defaults of in, a pointer to a value of the plan's type, and
// checks it. The error is an [*Error] that names each field with what is allowed;
// what its tags refuse is a kind too.
func (p *Plan) Prepare(in any, kind error) error {
	p.SetDefaults(in)
	if fields := p.checks(); len(fields) > 0 {
		var c check
		c.object(fields, reflect.ValueOf(in).Elem(), "")
		if len(c.wrong) > 0 {
			return &Error{fmt.Errorf("%w: %s", kind, strings.Join(c.wrong, "; "))}
		}
	}
	if d, ok := in.(interface{ Validate() error }); ok {
		if err := d.Validate(); err != nil {
			return &Error{err}
		}
	}
	return nil
}

// A plan is of the fields of a struct.
type plan []field

type field struct {
	index    []int
	name     string
	required bool

	min, max           *int64
	minLength, maxLen  *int64
	minItems, maxItems *int64
	pattern            *regexp.Regexp
	enum               []any

	inner plan // of a struct, or of a list of structs
}

var plans sync.Map // by reflect.Type

// PlanOf returns the plan of a type. That of one which is no struct is empty.
func PlanOf(t reflect.Type) *Plan {
	if p, ok := plans.Load(t); ok {
		return p.(*Plan)
	}
	p := &Plan{checks: func() plan { return nil }}
	if t.Kind() == reflect.Struct {
		p.checks = sync.OnceValue(func() plan { return makePlan(t, nil) })
		for _, sf := range reflect.VisibleFields(t) {
			if value := sf.Tag.Get("default"); value != "" {
				p.defaults = append(p.defaults, preset{sf.Index, sf.Name, value})
			}
		}
	}
	plans.Store(t, p)
	return p
}

// makePlan leaves out fields that nothing is said of. A struct within itself is
// looked at once.
func makePlan(t reflect.Type, above []reflect.Type) plan {
	var p plan
	for _, sf := range reflect.VisibleFields(t) {
		if !sf.IsExported() || sf.Anonymous && sf.Tag.Get("json") == "" {
			continue
		}
		name, options, _ := strings.Cut(sf.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			name = sf.Name
		}
		f := field{index: sf.Index, name: name, required: !strings.Contains(options, "omit")}
		for tag, to := range map[string]**int64{
			"minimum": &f.min, "maximum": &f.max, "minLength": &f.minLength, "maxLength": &f.maxLen, "minItems": &f.minItems, "maxItems": &f.maxItems,
		} {
			if n, err := strconv.ParseInt(sf.Tag.Get(tag), 10, 64); err == nil {
				*to = &n
			}
		}
		if s := sf.Tag.Get("pattern"); s != "" {
			f.pattern = regexp.MustCompile(s)
		}
		one := sf.Type
		for one.Kind() == reflect.Pointer || one.Kind() == reflect.Slice {
			one = one.Elem()
		}
		switch v := reflect.New(one).Interface().(type) {
		case interface{ Enum() []any }:
			f.enum = v.Enum()
		case encoding.TextUnmarshaler, json.Unmarshaler:
		default:
			if one.Kind() == reflect.Struct && !slices.Contains(above, one) {
				f.inner = makePlan(one, append(above, t))
			}
		}
		if f.says() {
			p = append(p, f)
		}
	}
	return p
}

func (f *field) says() bool {
	return f.min != nil || f.max != nil || f.minLength != nil || f.maxLen != nil || f.minItems != nil || f.maxItems != nil ||
		f.pattern != nil || f.enum != nil || f.inner != nil
}

// fill sets the field of the struct v if it is zero.
func (p *preset) fill(v reflect.Value) {
	at, err := v.FieldByIndexErr(p.index)
	if err != nil || !at.IsZero() {
		return
	}
	switch at.Kind() {
	case reflect.String:
		at.SetString(p.value)
	case reflect.Int, reflect.Int64, reflect.Int32:
		n, err := strconv.ParseInt(p.value, 10, 64)
		if err != nil {
			panic(fmt.Sprintf("input: %s: the default %q is no number", p.name, p.value))
		}
		at.SetInt(n)
	default:
		panic(fmt.Sprintf("input: %s: a %s has no default in a tag", p.name, at.Kind()))
	}
}

// A check collects what is wrong.
type check struct{ wrong []string }

// maxWrong is how many faults are told at once.
const maxWrong = 10

func (c *check) errorf(path, format string, args ...any) {
	if len(c.wrong) < maxWrong {
		c.wrong = append(c.wrong, path+": "+fmt.Sprintf(format, args...))
	}
}

func (c *check) object(p plan, v reflect.Value, path string) {
	for i := range p {
		f := &p[i]
		at, err := v.FieldByIndexErr(f.index)
		if err != nil || at.IsZero() && (!f.required || at.CanInt()) {
			continue
		}
		where := f.name
		if path != "" {
			where = path + "." + f.name
		}
		c.value(f, at, where)
	}
}

func (c *check) value(f *field, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.value(f, v.Elem(), path)
		}
	case reflect.Slice:
		n := int64(v.Len())
		switch {
		case f.minItems != nil && n < *f.minItems:
			c.errorf(path, "want at least %d, got %d", *f.minItems, n)
		case f.maxItems != nil && n > *f.maxItems:
			c.errorf(path, "want at most %d, got %d", *f.maxItems, n)
		case v.Type().Elem().Kind() != reflect.Uint8: // bytes are no list
			for i := range v.Len() {
				c.value(f, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
			}
		}
	case reflect.Struct:
		c.object(f.inner, v, path)
	case reflect.String:
		c.text(f, v, path)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		c.number(f, v, path)
	}
}

func (c *check) text(f *field, v reflect.Value, path string) {
	s := v.String()
	n := int64(utf8.RuneCountInString(s))
	switch {
	case n == 0 && (f.minLength != nil && *f.minLength > 0 || f.pattern != nil && !f.pattern.MatchString("") || f.enum != nil && !listed(f.enum, v)):
		c.errorf(path, "is missing")
	case f.minLength != nil && n < *f.minLength:
		c.errorf(path, "want at least %d characters, got %d", *f.minLength, n)
	case f.maxLen != nil && n > *f.maxLen:
		c.errorf(path, "want at most %d characters, got %d", *f.maxLen, n)
	case f.pattern != nil && !f.pattern.MatchString(s):
		c.errorf(path, "want what matches %s, got %s", f.pattern, shown(s))
	case f.enum != nil && !listed(f.enum, v):
		c.errorf(path, "want one of %s, got %s", list(f.enum), shown(s))
	}
}

func (c *check) number(f *field, v reflect.Value, path string) {
	n := v.Int()
	switch {
	case f.min != nil && n < *f.min:
		c.errorf(path, "want at least %d, got %d", *f.min, n)
	case f.max != nil && n > *f.max:
		c.errorf(path, "want at most %d, got %d", *f.max, n)
	case f.enum != nil && !listed(f.enum, v):
		c.errorf(path, "want one of %s, got %v", list(f.enum), v.Interface())
	}
}

// listed reports whether v is one of the values of its type.
func listed(enum []any, v reflect.Value) bool {
	for _, e := range enum {
		if ev := reflect.ValueOf(e); ev.CanConvert(v.Type()) && ev.Convert(v.Type()).Equal(v) {
			return true
		}
	}
	return false
}

func list(enum []any) string {
	var words []string
	for _, e := range enum {
		words = append(words, fmt.Sprint(e))
	}
	return strings.Join(words, ", ")
}

// shown is a value in quotes, short enough for an error.
func shown(s string) string {
	const most = 80
	return strconv.Quote(clip.Text(s, most))
}
