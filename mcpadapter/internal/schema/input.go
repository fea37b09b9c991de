package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// Check reports what keeps t from being the input of a tool.
func Check(t reflect.Type) error {
	_, err := Input(t, Leaves{})
	return err
}

// Leaves are the types of scalar types, which many inputs share.
type Leaves map[reflect.Type]Type

// Input returns the type of a tool's input with its defaults.
func Input(t reflect.Type, known Leaves) (*Type, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("mcpadapter: input %s: want a struct", t)
	}
	b := &inputBuilder{leaves: known, stack: map[reflect.Type]bool{}}
	s := b.typeOf(t, t.String())
	if len(b.errs) == 0 {
		b.defaults(s, t)
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	return s, nil
}

type inputBuilder struct {
	leaves Leaves
	stack  map[reflect.Type]bool
	errs   []error
}

func (b *inputBuilder) errorf(at, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("mcpadapter: %s: %s", at, fmt.Sprintf(format, args...)))
}

// typeOf returns the type of t, which is found at the Go path at.
func (b *inputBuilder) typeOf(t reflect.Type, at string) *Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if leaf, ok := b.leaves[t]; ok {
		return &leaf
	}
	s := &Type{typ: t}
	if t == rawType {
		s.Kind = Raw
		return s
	}
	failed := len(b.errs)
	defer func() {
		if s.Kind <= Boolean && len(b.errs) == failed {
			b.leaves[t] = *s
		}
	}()
	if t.PkgPath() != "" {
		b.fromMethods(s, t, at)
	}
	switch {
	case t == timeType:
		s.Kind, s.text, s.format, s.moment = String, true, "date-time", anInstant
		return s
	case implements(t, textUnmarshaler):
		s.Kind, s.text = String, true
		return s
	case implements(t, unmarshaler) && t.Kind() != reflect.String && !numbered(t) && !dated(t) || t == numberType:
		b.errorf(at, "%s decodes itself, so its schema can't be known", t)
		return s
	}
	switch t.Kind() {
	case reflect.String:
		s.Kind = String
	case reflect.Bool:
		s.Kind = Boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.Kind = Integer
		s.minimum, s.maximum = kindBounds(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			s.Kind, s.bytes = String, true
			break
		}
		s.Kind, s.Elem = Array, b.typeOf(t.Elem(), at+"[]")
	case reflect.Map:
		if t.Key().Kind() != reflect.String || implements(t.Key(), textUnmarshaler) {
			b.errorf(at, "map with %s keys: only strings are allowed", t.Key())
			break
		}
		s.Kind = Map
		if s.Elem = b.typeOf(t.Elem(), at+"{}"); s.Elem.Kind == Raw {
			s.Elem = &Type{Kind: Any}
		}
	case reflect.Struct:
		s.Kind = Object
		if b.stack[t] {
			b.errorf(at, "%s contains itself", t)
			break
		}
		b.stack[t] = true
		b.fields(s, t, at)
		delete(b.stack, t)
	default:
		b.errorf(at, "%s is not allowed in an input", t)
	}
	return s
}

// enumerated is a type that lists its values.
type enumerated interface{ Enum() []any }

// numbered reports whether t is an integer type that lists its values, so that
// its JSON is known even if it encodes itself.
func numbered(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Int64 && implements(t, reflect.TypeFor[enumerated]())
}

// kindBounds returns the bounds of an integer type that isn't 64 bits wide and signed.
func kindBounds(t reflect.Type) (lo, hi *int64) {
	if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
		lo = new(int64)
		if t.Bits() < 64 {
			n := int64(1)<<t.Bits() - 1
			hi = &n
		}
		return lo, hi
	}
	if t.Bits() < 64 {
		l, h := int64(-1)<<(t.Bits()-1), int64(1)<<(t.Bits()-1)-1
		return &l, &h
	}
	return nil, nil
}

// fromMethods takes in what the methods Enum and Pattern of t say.
func (b *inputBuilder) fromMethods(s *Type, t reflect.Type, at string) {
	v := reflect.New(t).Interface()
	if e, ok := v.(enumerated); ok {
		for _, x := range e.Enum() {
			j, err := json.Marshal(x)
			if err != nil {
				b.errorf(at, "Enum: %v", err)
				continue
			}
			s.enum = append(s.enum, string(j))
			if numbered(t) && reflect.TypeOf(x).ConvertibleTo(t) {
				s.label(string(j), reflect.ValueOf(x).Convert(t).Interface())
			}
		}
	}
	if p, ok := v.(interface{ Pattern() string }); ok {
		b.setPattern(s, p.Pattern(), at)
	}
}

// label takes in the name of a value of an integer type that has few: by their
// names people know the levels. j is its JSON, which need not be its number in Go.
func (s *Type) label(j string, x any) {
	name, ok := x.(fmt.Stringer)
	if !ok {
		return
	}
	if s.labels == nil {
		s.labels = map[string]string{}
	}
	if key := foldLabel(name.String()); key != "" {
		s.labels[key] = j
		s.named = append(s.named, j+" "+name.String())
	}
}

// labelled returns the values that are allowed, with their names.
func (s *Type) labelled() []string {
	if len(s.named) == len(s.enum) {
		return s.named
	}
	return s.enum
}

// foldLabel returns what the spellings of a level's name have in common:
// AMBER+STRICT, amber_strict, TLP:AMBER+STRICT.
func foldLabel(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	name = strings.TrimPrefix(strings.TrimPrefix(name, "tlp"), "pap")
	if name == "white" { // CLEAR until 2022
		name = "clear"
	}
	if _, err := strconv.Atoi(name); err == nil {
		return "" // no name
	}
	return name
}

func (b *inputBuilder) setPattern(s *Type, expr, at string) {
	re, err := lazyregexp.Parse(expr)
	if err != nil {
		b.errorf(at, "pattern: %v", err)
		return
	}
	s.pattern = re
}

// fields adds the fields of the struct t to s.
func (b *inputBuilder) fields(s *Type, t reflect.Type, at string) {
	for _, jf := range jsonFields(t) {
		where := at + "." + jf.sf.Name
		if jf.asString {
			b.errorf(where, "the json option string is not supported")
		}
		if jf.ambiguous {
			b.errorf(where, "another field has the name %q too", jf.name)
			continue
		}
		f := jf.field()
		f.Type = b.typeOf(jf.sf.Type, where) // a time that the input's own JSON has as a number is taken as a text, too
		b.tags(f.Type, jf.sf.Tag, where)
		if a := jf.sf.Tag.Get("alias"); a != "" {
			f.aliases = strings.Split(a, ",")
		}
		s.Fields = append(s.Fields, f)
	}
	b.names(s, at)
}

// tags takes in the bounds of a field. Those of one value hold, on a list, for
// each element.
func (b *inputBuilder) tags(s *Type, tag reflect.StructTag, at string) {
	if tag.Get("refang") == "true" {
		value := s
		for value.Kind == Array {
			value = value.Elem
		}
		if value.Kind != String {
			b.errorf(at, "tag refang does not fit the type")
		}
		value.refang = true
	}
	if m := tag.Get("time"); m != "" {
		switch {
		case s.Kind != String || m != "instant" && m != "day" && m != "until":
			b.errorf(at, "tag time: want instant, day or until, on a string")
		case m == "day":
			s.moment = aDay
		case m == "until":
			s.moment = aDayToCome
		default:
			s.moment = anInstant
		}
	}
	if t := string(tag); !strings.Contains(t, "min") && !strings.Contains(t, "max") && !strings.Contains(t, "pattern") {
		return
	}
	one := s
	for one.Kind == Array {
		one = one.Elem
	}
	for _, t := range []struct {
		name string
		fits bool
		set  func(n int64)
	}{
		{"minimum", one.Kind == Integer, func(n int64) { one.minimum = &n }},
		{"maximum", one.Kind == Integer, func(n int64) { one.maximum = &n }},
		{"minLength", one.Kind == String, func(n int64) { m := int(n); one.minLength = &m }},
		{"maxLength", one.Kind == String, func(n int64) { m := int(n); one.maxLength = &m }},
		{"minItems", s.Kind == Array, func(n int64) { m := int(n); s.minItems = &m }},
		{"maxItems", s.Kind == Array, func(n int64) { m := int(n); s.maxItems = &m }},
	} {
		v, ok := tag.Lookup(t.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(v, 10, 64)
		switch {
		case err != nil:
			b.errorf(at, "tag %s: %q is not an integer", t.name, v)
		case !t.fits:
			b.errorf(at, "tag %s does not fit the type", t.name)
		default:
			t.set(n)
		}
	}
	one.narrow()
	if p, ok := tag.Lookup("pattern"); ok {
		if one.Kind != String {
			b.errorf(at, "tag pattern does not fit the type")
			return
		}
		b.setPattern(one, p, at)
	}
}

// narrow leaves of the values of an enum of integers those within the bounds of s.
func (s *Type) narrow() {
	lo, hi := s.bounds()
	out := func(e string) bool {
		e, _, _ = strings.Cut(e, " ")
		n, err := strconv.ParseInt(e, 10, 64)
		return err == nil && (n < lo || n > hi)
	}
	if s.Kind != Integer || !slices.ContainsFunc(s.enum, out) {
		return
	}
	s.enum = slices.DeleteFunc(slices.Clone(s.enum), out)
	s.named = slices.DeleteFunc(slices.Clone(s.named), out)
	s.labels = maps.Clone(s.labels)
	maps.DeleteFunc(s.labels, func(_, e string) bool { return out(e) })
}

// names fills in which spelling means which field: the name itself and its
// aliases first, then each of them in the other case style.
func (b *inputBuilder) names(s *Type, at string) {
	s.Names = map[string]*Field{}
	for _, f := range s.Fields {
		for _, n := range slices.Concat([]string{f.Name}, f.aliases) {
			if n = strings.TrimSpace(n); n == "" || s.Names[n] != nil && s.Names[n] != f {
				b.errorf(at, "the name %q means two fields", n)
				continue
			}
			s.Names[n] = f
		}
	}
	styled := map[string]*Field{}
	for _, f := range s.Fields {
		for _, n := range slices.Concat([]string{f.Name}, f.aliases) {
			for _, v := range []string{Snake(n), Camel(n)} {
				if s.Names[v] != nil {
					continue
				}
				if other := styled[v]; other != nil && other != f {
					b.errorf(at, "the spelling %q means two fields", v)
				}
				styled[v] = f
			}
		}
	}
	for n, f := range styled {
		s.Names[n] = f
	}
}

// defaults takes in what the zero value of t is filled with, and checks
// that it would be accepted as an argument.
func (b *inputBuilder) defaults(s *Type, t reflect.Type) {
	v := reflect.New(t)
	input.SetDefaults(v.Interface())
	for _, f := range s.Fields {
		fv, err := v.Elem().FieldByIndexErr(f.index)
		if err != nil || fv.IsZero() || f.Type.Kind == Object {
			continue
		}
		j, err := json.Marshal(fv.Interface())
		if err != nil {
			b.errorf(t.String(), "default of %s: %v", f.Name, err)
			continue
		}
		pv, err := jsontree.Parse(j, jsontree.MaxDepthIn)
		if err != nil {
			b.errorf(t.String(), "default of %s: %v", f.Name, err)
			continue
		}
		var check binding
		check.value(f.Type, pv, f.Name)
		if len(check.errs) > 0 {
			b.errorf(t.String(), "default of %s", strings.Join(check.errs, "; "))
			continue
		}
		f.Default = j
	}
}

// TextField returns an optional member for a text of at most n characters.
func TextField(name string, n int) *Field {
	return &Field{Name: name, Type: &Type{Kind: String, maxLength: &n}}
}
