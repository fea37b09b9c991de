package schema

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Output returns the type of an output. There is one for every type: what
// can't be known is any value.
func Output(t reflect.Type) *Type {
	return (&outputBuilder{stack: map[reflect.Type]bool{}, depth: math.MaxInt}).typeOf(t)
}

// Members returns as much of the type of an output as [Type.AnswerSchema] writes: its
// members and of what kind they are.
func Members(t reflect.Type) *Type {
	return (&outputBuilder{stack: map[reflect.Type]bool{}, depth: 1}).typeOf(t)
}

type outputBuilder struct {
	stack map[reflect.Type]bool // what is being read
	depth int                   // of what is read of lists, maps and structs
}

func (b *outputBuilder) typeOf(t reflect.Type) *Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := scalars.Load(t); ok {
		return s.(*Type)
	}
	if s := scalar(t); s != nil {
		scalars.Store(t, s)
		return s
	}
	s := &Type{typ: t}
	if b.stack[t] {
		return s
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		s.Kind = Array
	case reflect.Map:
		s.Kind = Map
	case reflect.Struct:
		s.Kind = Object
	}
	if b.depth == 0 {
		return s
	}
	b.depth--
	defer func() { b.depth++ }()
	switch s.Kind {
	case Array, Map:
		b.stack[t] = t.Name() != ""
		s.Elem = b.elem(t.Elem())
		delete(b.stack, t)
	case Object:
		b.stack[t] = true
		fields := jsonFields(t)
		s.Fields = make([]*Field, 0, len(fields))
		for _, jf := range fields {
			if jf.ambiguous {
				continue
			}
			f := jf.field()
			f.Type = b.typeOf(jf.sf.Type)
			switch {
			case jf.asString || strings.HasPrefix(jf.format, "'"):
				f.Type = &Type{Kind: String}
			case jf.format != "":
				f.Type = &Type{Kind: String, counted: map[string]time.Duration{"unix": time.Second, "unixmilli": time.Millisecond}[jf.format]}
			}
			s.Fields = append(s.Fields, f)
		}
		if x, ok := extra(t); ok {
			s.Open = x.Tag.Get("untrusted") == "true"
			comma := func(r rune) bool { return r == ',' }
			s.Quiet, s.Own = strings.FieldsFunc(x.Tag.Get("quiet"), comma), strings.FieldsFunc(x.Tag.Get("own"), comma)
		}
		delete(b.stack, t)
	}
	if s.Elem != nil && (s.Elem.Kind == String || s.Elem.Kind == Integer) {
		scalars.Store(t, s)
	}
	return s
}

var scalars sync.Map // of reflect.Type to *Type, and of lists and maps of them: outputs share them, and nobody changes them

// scalar returns the type of what is one value in JSON, or any value; of all else nil.
func scalar(t reflect.Type) *Type {
	switch {
	case t == timeType:
		return &Type{typ: t, Kind: String, format: "date-time"}
	case t == numberType:
		return &Type{typ: t, Kind: Number}
	case t == rawType:
		return &Type{typ: t}
	case implements(t, marshaler) && !numbered(t):
		if _, ok := extra(t); ok || dated(t) {
			return nil
		}
		return &Type{typ: t}
	case implements(t, textMarshaler):
		return &Type{typ: t, Kind: String}
	}
	switch t.Kind() {
	case reflect.String:
		return &Type{typ: t, Kind: String}
	case reflect.Bool:
		return &Type{typ: t, Kind: Boolean}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return &Type{typ: t, Kind: Integer}
	case reflect.Float32, reflect.Float64:
		return &Type{typ: t, Kind: Number}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return &Type{typ: t, Kind: String, bytes: true}
		}
	}
	return nil
}

// InBase64 reports whether the member of t with that name holds bytes.
func (t *Type) InBase64(member string) bool {
	return slices.ContainsFunc(t.Fields, func(f *Field) bool { return f.Name == member && f.Type.bytes })
}

// elem returns the type of an element. One that may be null, and can be
// neither left out nor made empty, is any value.
func (b *outputBuilder) elem(t reflect.Type) *Type {
	s := b.typeOf(t)
	if t.Kind() == reflect.Pointer && s.Kind != Object && s.Kind != Array && s.Kind != Map {
		return &Type{}
	}
	return s
}

// extra returns the field that keeps the members which t doesn't know, of a
// type whose MarshalJSON merges them with the others.
func extra(t reflect.Type) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct || !implements(t, marshaler) {
		return reflect.StructField{}, false
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Type == extraType && f.Tag.Get("json") == "-" {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// dated reports whether t has a time in a form that a tag names, as package
// jsoncodec writes it, so that t is written as its fields say.
func dated(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && slices.ContainsFunc(jsonFields(t), func(f jsonField) bool { return f.format != "" })
}

// SetUntrusted says that others can write what f holds.
func (f *Field) SetUntrusted() { f.untrusted = true }

// Untrusted reports whether others can write something in s.
func (s *Type) Untrusted() bool {
	switch s.Kind {
	case Array, Map:
		return s.Elem.Untrusted()
	case Object:
		return s.Open || slices.ContainsFunc(s.Fields, func(f *Field) bool { return f.Untrusted() || f.Type.Untrusted() })
	}
	return s.foreign()
}

// Untrusted reports whether f holds what others can write: a tag says so, or it
// is JSON that is passed on as it came.
func (f *Field) Untrusted() bool { return f.untrusted || !f.trusted && f.Type.foreign() }

// foreign reports whether s is JSON that is passed on as it came, which others
// wrote unless a tag untrusted:"false" says that they didn't.
func (s *Type) foreign() bool {
	switch s.Kind {
	case Array, Map:
		return s.Elem.foreign()
	case Any:
		return s.typ == rawType
	}
	return false
}

// Field returns the member of that name, or nil.
func (s *Type) Field(name string) *Field {
	for _, f := range s.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}
