// Package schema knows what Go types look like in JSON: it writes their JSON
// Schema, and binds arguments to an input by the same knowledge.
package schema

import (
	"encoding"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// Kind is the JSON kind of a Go type.
type Kind uint8

// The kinds.
const (
	Any Kind = iota // outputs only
	String
	Integer
	Number // outputs only
	Boolean
	Array
	Object
	Map
	Raw // an object that is passed on as it is
)

// Type is the JSON form of a Go type: the schema is written from it and
// arguments are bound by it, so that the two can't differ.
type Type struct {
	Kind  Kind
	typ   reflect.Type
	text  bool     // decoded by UnmarshalText
	bytes bool     // base64
	enum  []string // the JSON of the values that are allowed, if only some are

	labels  map[string]string // the numbers that names stand for, by the name without case and signs
	named   []string          // the values of enum with their names
	moment  moment            // says when
	counted time.Duration     // of an output: a time that is written as how many of these passed since 1970
	refang  bool              // a value of an indicator, which may be written so that nobody clicks on it

	minimum, maximum     *int64
	minLength, maxLength *int
	minItems, maxItems   *int
	pattern              *lazyregexp.Regexp
	format               string

	Elem   *Type             // of an array or a map
	Fields []*Field          // of an object
	Names  map[string]*Field // of an input: each spelling that is taken
	// FixedTimes says that the input is of a call that is repeated once it is
	// approved, so that no time in it may depend on when it is made.
	FixedTimes bool
	Quiet      []string // of the members that the type doesn't know, those that say nothing to a model: name, or name=value
	Open       bool     // members that the type doesn't know are kept, and others wrote them
	Own        []string // of those, what the platform says itself
}

// Field is a member of an object.
type Field struct {
	Name, Doc string
	Required  bool
	Type      *Type
	Default   []byte // JSON

	untrusted bool
	trusted   bool // a tag says that nobody else wrote it
	index     []int
	aliases   []string
}

// In returns what v, a pointer to a struct of the field's type, has for it.
func (f *Field) In(v any) reflect.Value { return reflect.ValueOf(v).Elem().FieldByIndex(f.index) }

// Int returns what in, a pointer to the input, has for an integer, or 0.
func (f *Field) Int(in any) int {
	if v := f.In(in); v.CanInt() {
		return int(v.Int())
	}
	return 0
}

var (
	rawType         = reflect.TypeFor[json.RawMessage]()
	timeType        = reflect.TypeFor[time.Time]()
	numberType      = reflect.TypeFor[json.Number]()
	extraType       = reflect.TypeFor[map[string]json.RawMessage]()
	marshaler       = reflect.TypeFor[json.Marshaler]()
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func implements(t, iface reflect.Type) bool {
	return t.Implements(iface) || t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(iface)
}

// bounds returns the range of an integer.
func (s *Type) bounds() (lo, hi int64) {
	lo, hi = math.MinInt64, math.MaxInt64
	if s.minimum != nil {
		lo = *s.minimum
	}
	if s.maximum != nil {
		hi = *s.maximum
	}
	return lo, hi
}

// Words returns the names and descriptions of all arguments below s.
func (s *Type) Words() string {
	if s.Elem != nil {
		return s.Elem.Words()
	}
	var b strings.Builder
	for _, f := range s.Fields {
		b.WriteString(f.Name + " " + f.Doc + " " + f.Type.Words() + " ")
	}
	return b.String()
}
