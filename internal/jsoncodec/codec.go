// Package jsoncodec reads and writes JSON as encoding/json does, in one pass,
// and keeps the members of an object that a struct has no field for, so that
// nothing a platform says is lost.
//
// A struct keeps them if it has a field of type map[string]json.RawMessage
// with the tag json:"-". Its methods UnmarshalJSON and MarshalJSON call
// [Unmarshal] and [Marshal]; inside a larger value they aren't called, as what
// they would do is done on the way. All other methods of that name are called.
//
// A member goes into the field that has exactly its name. If the object has no
// such member, one that differs from the name in case alone goes there, as in
// encoding/json; any further one, and one that the field can't hold, is kept as
// unknown.
//
// In a struct that keeps unknown members, a null in a list of pointers to such
// structs is left out: it is no object.
//
// A time.Time is written as its tag says, in the words of encoding/json/v2:
// format:unixmilli or format:unix for the milliseconds or seconds since 1970,
// which are 0 for the zero time, or a layout of package time in single quotes.
// A struct with such a field needs the two methods, too. A date that can't be
// read is kept as an unknown member, where there is a place for them.
package jsoncodec

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// codec reads and writes the values of one type.
type codec struct {
	decode func(*decoder, reflect.Value) error
	encode func([]byte, reflect.Value) ([]byte, error)
}

var (
	codecs   sync.Map // of reflect.Type to *codec
	building sync.Mutex

	rawType             = reflect.TypeFor[json.RawMessage]()
	membersType         = reflect.TypeFor[map[string]json.RawMessage]()
	timeType            = reflect.TypeFor[time.Time]()
	unmarshalerType     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
	marshalerType       = reflect.TypeFor[json.Marshaler]()
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
)

func codecOf(t reflect.Type) *codec {
	if c, ok := codecs.Load(t); ok {
		return c.(*codec)
	}
	building.Lock()
	defer building.Unlock()
	made := map[reflect.Type]*codec{}
	c := build(t, made)
	for t, c := range made {
		codecs.Store(t, c)
	}
	return c
}

// build makes the codec of t. One of a type that holds itself is in made before
// it is complete.
func build(t reflect.Type, made map[reflect.Type]*codec) *codec {
	if c, ok := codecs.Load(t); ok {
		return c.(*codec)
	}
	if c, ok := made[t]; ok {
		return c
	}
	c := &codec{}
	made[t] = c
	keeps := own(t)
	var s *structType
	if t.Kind() == reflect.Struct && (keeps || !reflect.PointerTo(t).Implements(unmarshalerType) || !t.Implements(marshalerType)) {
		s = structOf(t, made)
	}
	var elem *codec
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		elem = build(t.Elem(), made)
	}
	c.decode = decoderOf(t, s, elem, keeps)
	c.encode = encoderOf(t, s, elem, keeps)
	return c
}

func keepsUnknown(t reflect.Type) bool { return t.Kind() == reflect.Struct && unknownField(t) >= 0 }

// own reports whether only this package knows what t is in JSON, so that the
// methods of t come back to it.
func own(t reflect.Type) bool {
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == timeType && strings.Contains(f.Tag.Get("json"), ",format:") {
			return true
		}
		if f.Anonymous && !f.Type.Implements(marshalerType) && own(f.Type) {
			return true
		}
	}
	return keepsUnknown(t)
}

// unknownField returns the index of the field of t that holds unknown members, or -1.
func unknownField(t reflect.Type) int {
	for i := range t.NumField() {
		if f := t.Field(i); f.Type == membersType && f.IsExported() && f.Tag.Get("json") == "-" {
			return i
		}
	}
	return -1
}

// structType is what the codec knows about a struct.
type structType struct {
	fields  []field
	exact   map[string]int
	folded  map[string]int
	unknown int // index of the field for unknown members, or -1
}

type field struct {
	name      string
	prefix    string // the name as it is written, with the colon
	index     []int
	tagged    bool
	omitEmpty bool
	date      bool
	omitZero  func(reflect.Value) bool // nil: written when zero too
	*codec
}

func structOf(t reflect.Type, made map[reflect.Type]*codec) *structType {
	s := &structType{exact: map[string]int{}, folded: map[string]int{}, unknown: unknownField(t)}
	all := collect(t, nil, made)
	for _, f := range all {
		if dominant(f, all) {
			s.fields = append(s.fields, f)
		}
	}
	for i, f := range s.fields {
		if l := t.FieldByIndex(f.index).Type; s.unknown >= 0 && l.Kind() == reflect.Slice && l.Elem().Kind() == reflect.Pointer && keepsUnknown(l.Elem().Elem()) {
			s.fields[i].codec = withoutNull(f.codec)
		}
		s.exact[f.name] = i
		if key := string(fold(nil, []byte(f.name))); !has(s.folded, key) {
			s.folded[key] = i
		}
	}
	return s
}

func has(m map[string]int, key string) bool { _, ok := m[key]; return ok }

// collect returns the fields of t, those of embedded structs included, in order.
func collect(t reflect.Type, at []int, made map[reflect.Type]*codec) []field {
	var all []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, options, _ := strings.Cut(tag, ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		index := append(slices.Clone(at), i)
		switch {
		case tag == "-":
			continue
		case f.Anonymous && name == "" && inner.Kind() == reflect.Struct:
			if f.IsExported() || f.Type == inner {
				all = append(all, collect(inner, index, made)...)
			}
			continue
		case !f.IsExported():
			continue
		}
		x := field{name: name, index: index, tagged: name != "", codec: build(f.Type, made)}
		if name == "" {
			x.name = f.Name
		}
		x.prefix = string(jsontext.AppendString(nil, x.name)) + ":"
		for o := range strings.SplitSeq(options, ",") {
			switch o {
			case "omitempty":
				x.omitEmpty = true
			case "omitzero":
				x.omitZero = zeroOf(f.Type)
			case "string":
				x.codec = quoted(x.codec)
			}
			if form, ok := strings.CutPrefix(o, "format:"); ok && f.Type == timeType {
				x.codec, x.date = dated(form), true
			}
		}
		all = append(all, x)
	}
	return all
}

// withoutNull is the codec of a list without the nulls that are read.
func withoutNull(c *codec) *codec {
	return &codec{encode: c.encode, decode: func(d *decoder, v reflect.Value) error {
		if err := c.decode(d, v); err != nil {
			return err
		}
		n := 0
		for i := range v.Len() {
			if x := v.Index(i); !x.IsNil() {
				v.Index(n).Set(x)
				n++
			}
		}
		if n < v.Len() {
			v.SetLen(n)
		}
		return nil
	}}
}

// quoted is the codec of a value that is written within a text.
func quoted(c *codec) *codec {
	return &codec{
		decode: func(d *decoder, v reflect.Value) error {
			switch d.Next() {
			case '"':
				s, err := d.Text()
				if err != nil {
					return err
				}
				return c.decode(&decoder{Scanner: jsontext.Scanner{Data: s}}, v)
			case 'n':
				return d.Literal("null")
			}
			return d.mismatch(v.Type())
		},
		encode: func(b []byte, v reflect.Value) ([]byte, error) {
			inner, err := c.encode(nil, v)
			return jsontext.AppendString(b, string(inner)), err
		},
	}
}

// dominant reports whether f is the field that its name stands for: the one
// least deep, and of those the one whose tag says so, if it is one alone.
func dominant(f field, all []field) bool {
	for _, o := range all {
		if o.name != f.name || slices.Equal(o.index, f.index) {
			continue
		}
		switch a, b := len(o.index), len(f.index); {
		case a < b, a == b && (o.tagged || !f.tagged):
			return false
		}
	}
	return true
}

// zeroOf returns how omitzero tells that a value of type t is left out.
func zeroOf(t reflect.Type) func(reflect.Value) bool {
	type zeroer interface{ IsZero() bool }
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && t.Implements(reflect.TypeFor[zeroer]()) {
		return func(v reflect.Value) bool { return v.Interface().(zeroer).IsZero() }
	}
	return reflect.Value.IsZero
}

// fold appends name with each letter as the least of those that differ from it
// in case alone, as encoding/json compares names.
func fold(to, name []byte) []byte {
	for i := 0; i < len(name); {
		if c := name[i]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			to = append(to, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(name[i:])
		for next := unicode.SimpleFold(r); ; next = unicode.SimpleFold(r) {
			if r, next = next, r; r <= next {
				break
			}
		}
		to = utf8.AppendRune(to, r)
		i += n
	}
	return to
}
