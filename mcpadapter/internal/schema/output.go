package schema

import (
	"reflect"

	"github.com/sallyport-soc/sallyport/mcpadapter/internal/jsontree"
)

// Output returns the type of an output. There is one for every type: what
// can't be known is any value.
func Output(t reflect.Type) *Type {
	return (&outputBuilder{stack: map[reflect.Type]bool{}}).typeOf(t)
}

type outputBuilder struct{ stack map[reflect.Type]bool }

func (b *outputBuilder) typeOf(t reflect.Type) *Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := &Type{typ: t}
	switch {
	case t == timeType:
		s.Kind, s.format = String, "date-time"
		return s
	case t == numberType:
		s.Kind = Number
		return s
	case t == rawType || b.stack[t]:
		return s
	case implements(t, marshaler):
		if _, ok := extra(t); !ok {
			return s
		}
	case implements(t, textMarshaler):
		s.Kind = String
		return s
	}
	switch t.Kind() {
	case reflect.String:
		s.Kind = String
	case reflect.Bool:
		s.Kind = Boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		s.Kind = Integer
	case reflect.Float32, reflect.Float64:
		s.Kind = Number
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			s.Kind = String
			break
		}
		b.stack[t] = t.Name() != ""
		s.Kind, s.Elem = Array, b.elem(t.Elem())
		delete(b.stack, t)
	case reflect.Map:
		b.stack[t] = t.Name() != ""
		s.Kind, s.Elem = Map, b.elem(t.Elem())
		delete(b.stack, t)
	case reflect.Struct:
		b.stack[t] = true
		s.Kind = Object
		for _, jf := range jsonFields(t) {
			if jf.ambiguous {
				continue
			}
			f := jf.field()
			f.Type = b.typeOf(jf.sf.Type)
			if jf.asString {
				f.Type = &Type{Kind: String}
			}
			s.Fields = append(s.Fields, f)
		}
		if x, ok := extra(t); ok && x.Tag.Get("untrusted") == "true" {
			s.open = true
		}
		delete(b.stack, t)
	}
	return s
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

// Untrusted lists the paths of the values below s that others can write.
func (s *Type) Untrusted(path string) []string {
	join := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	switch s.Kind {
	case Array:
		return s.Elem.Untrusted(path + "[]")
	case Map:
		return s.Elem.Untrusted(join("*"))
	case Object:
		var list []string
		for _, f := range s.Fields {
			if f.untrusted || !f.trusted && f.Type.foreign() {
				list = append(list, join(f.Name))
				continue
			}
			list = append(list, f.Type.Untrusted(join(f.Name))...)
		}
		if s.open {
			list = append(list, join("*"))
		}
		return list
	}
	return nil
}

// Texts yields the strings in v, a value of shape s, that others can write.
func (s *Type) Texts(v *jsontree.Value, yield func(string)) {
	switch s.Kind {
	case Array, Map:
		for _, e := range v.Elems {
			s.Elem.Texts(e, yield)
		}
	case Object:
		for i, e := range v.Elems {
			if i >= len(v.Keys) {
				return
			}
			switch f := s.field(v.Keys[i]); {
			case f == nil && s.open:
				yield(v.Keys[i])
				e.Strings(yield)
			case f == nil:
			case f.untrusted || !f.trusted && f.Type.foreign():
				e.Strings(yield)
			default:
				f.Type.Texts(e, yield)
			}
		}
	}
}

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

// WithoutNull makes v, the encoding of a value of shape s, fit the schema: a
// nil list is an empty one, a nil map an empty object, a nil pointer is absent.
func (s *Type) WithoutNull(v *jsontree.Value) {
	switch {
	case v.Kind == jsontree.Null && s.Kind == Array:
		v.Kind = jsontree.Array
	case v.Kind == jsontree.Null && (s.Kind == Map || s.Kind == Object):
		v.Kind = jsontree.Object
	case v.Kind == jsontree.Array && s.Kind == Array, v.Kind == jsontree.Object && s.Kind == Map:
		for _, e := range v.Elems {
			s.Elem.WithoutNull(e)
		}
	case v.Kind == jsontree.Object && s.Kind == Object:
		var keys []string
		var elems []*jsontree.Value
		for i, e := range v.Elems {
			if f := s.field(v.Keys[i]); f != nil {
				if e.Kind == jsontree.Null && f.Type.Kind != Array && f.Type.Kind != Map && f.Type.Kind != Any {
					continue
				}
				f.Type.WithoutNull(e)
			}
			keys, elems = append(keys, v.Keys[i]), append(elems, e)
		}
		v.Keys, v.Elems = keys, elems
	}
}

// AddKeys adds the names of all fields of s and below to names.
func (s *Type) AddKeys(names map[string]bool) {
	if s.Elem != nil {
		s.Elem.AddKeys(names)
	}
	for _, f := range s.Fields {
		names[f.Name] = true
		f.Type.AddKeys(names)
	}
}

func (s *Type) field(name string) *Field {
	for _, f := range s.Fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}
