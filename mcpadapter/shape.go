package mcpadapter

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// what a value of a Go type looks like in JSON.
type what uint8

const (
	isAny what = iota // outputs only
	isString
	isInteger
	isNumber // outputs only
	isBoolean
	isArray
	isObject
	isMap
	isRaw // an object that is passed on as it is
)

// shape is the JSON form of a Go type: the schema is written from it and
// arguments are bound by it, so that the two can't differ.
type shape struct {
	what  what
	typ   reflect.Type
	text  bool     // decoded by UnmarshalText
	bytes bool     // base64
	enum  []string // the JSON of the values that are allowed, if only some are

	minimum, maximum     *int64
	minLength, maxLength *int
	minItems, maxItems   *int
	pattern              *regexp.Regexp
	format               string

	elem   *shape   // of an array or a map
	fields []*field // of an object
	names  map[string]*field
	open   bool // unknown members are kept
}

// field is a member of an object.
type field struct {
	name, doc string
	required  bool
	untrusted bool
	trusted   bool // a tag says that nobody else wrote it
	index     []int
	shape     *shape
	def       []byte // JSON
	aliases   []string
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

// CheckInput reports whether t can be the input of a tool: a struct of strings,
// integers, booleans, structs, and lists and string-keyed maps of them, with
// tags that make sense. Floats, interfaces and other maps are errors: the
// digest of a call must not depend on how a value happens to be encoded.
func CheckInput(t reflect.Type) error {
	_, err := inputShape(t, leaves{})
	return err
}

// leaves are the shapes of scalar types, which many inputs share.
type leaves map[reflect.Type]shape

// inputShape returns the shape of a tool's input with its defaults.
func inputShape(t reflect.Type, known leaves) (*shape, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("mcpadapter: input %s: want a struct", t)
	}
	b := &inputBuilder{leaves: known, stack: map[reflect.Type]bool{}}
	s := b.shape(t, t.String())
	if len(b.errs) == 0 {
		b.defaults(s, t)
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	return s, nil
}

type inputBuilder struct {
	leaves leaves
	stack  map[reflect.Type]bool
	errs   []error
}

func (b *inputBuilder) errorf(at, format string, args ...any) {
	b.errs = append(b.errs, fmt.Errorf("mcpadapter: %s: %s", at, fmt.Sprintf(format, args...)))
}

// shape returns the shape of t, which is found at the Go path at.
func (b *inputBuilder) shape(t reflect.Type, at string) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if leaf, ok := b.leaves[t]; ok {
		return &leaf
	}
	s := &shape{typ: t}
	if t == rawType {
		s.what = isRaw
		return s
	}
	failed := len(b.errs)
	defer func() {
		if s.what <= isBoolean && len(b.errs) == failed {
			b.leaves[t] = *s
		}
	}()
	if t.PkgPath() != "" {
		b.method(s, t, at)
	}
	switch {
	case t == timeType:
		s.what, s.text, s.format = isString, true, "date-time"
		return s
	case implements(t, textUnmarshaler):
		s.what, s.text = isString, true
		return s
	case implements(t, unmarshaler) && t.Kind() != reflect.String || t == numberType:
		b.errorf(at, "%s decodes itself, so its schema can't be known", t)
		return s
	}
	switch t.Kind() {
	case reflect.String:
		s.what = isString
	case reflect.Bool:
		s.what = isBoolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		s.what = isInteger
		s.minimum, s.maximum = kindBounds(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			s.what, s.bytes = isString, true
			break
		}
		s.what, s.elem = isArray, b.shape(t.Elem(), at+"[]")
	case reflect.Map:
		if t.Key().Kind() != reflect.String || implements(t.Key(), textUnmarshaler) {
			b.errorf(at, "map with %s keys: only strings are allowed", t.Key())
			break
		}
		s.what = isMap
		if s.elem = b.shape(t.Elem(), at+"{}"); s.elem.what == isRaw {
			s.elem = &shape{what: isAny}
		}
	case reflect.Struct:
		s.what = isObject
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

// method takes in what the methods Enum and Pattern of t say.
func (b *inputBuilder) method(s *shape, t reflect.Type, at string) {
	v := reflect.New(t).Interface()
	if e, ok := v.(interface{ Enum() []any }); ok {
		for _, x := range e.Enum() {
			j, err := json.Marshal(x)
			if err != nil {
				b.errorf(at, "Enum: %v", err)
				continue
			}
			s.enum = append(s.enum, string(j))
		}
	}
	if p, ok := v.(interface{ Pattern() string }); ok {
		b.setPattern(s, p.Pattern(), at)
	}
}

func (b *inputBuilder) setPattern(s *shape, expr, at string) {
	re, err := regexp.Compile(expr)
	if err != nil {
		b.errorf(at, "pattern: %v", err)
		return
	}
	s.pattern = re
}

// fields adds the fields of the struct t to s.
func (b *inputBuilder) fields(s *shape, t reflect.Type, at string) {
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
		f.shape = b.shape(jf.sf.Type, where)
		b.tags(f.shape, jf.sf.Tag, where)
		if a := jf.sf.Tag.Get("alias"); a != "" {
			f.aliases = strings.Split(a, ",")
		}
		s.fields = append(s.fields, f)
	}
	b.names(s, at)
}

// tags takes in the bounds of a field. Those of one value hold, on a list, for
// each element.
func (b *inputBuilder) tags(s *shape, tag reflect.StructTag, at string) {
	if t := string(tag); !strings.Contains(t, "min") && !strings.Contains(t, "max") && !strings.Contains(t, "pattern") {
		return
	}
	one := s
	for one.what == isArray {
		one = one.elem
	}
	for _, t := range []struct {
		name string
		fits bool
		set  func(n int64)
	}{
		{"minimum", one.what == isInteger, func(n int64) { one.minimum = &n }},
		{"maximum", one.what == isInteger, func(n int64) { one.maximum = &n }},
		{"minLength", one.what == isString, func(n int64) { m := int(n); one.minLength = &m }},
		{"maxLength", one.what == isString, func(n int64) { m := int(n); one.maxLength = &m }},
		{"minItems", s.what == isArray, func(n int64) { m := int(n); s.minItems = &m }},
		{"maxItems", s.what == isArray, func(n int64) { m := int(n); s.maxItems = &m }},
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
	if p, ok := tag.Lookup("pattern"); ok {
		if one.what != isString {
			b.errorf(at, "tag pattern does not fit the type")
			return
		}
		b.setPattern(one, p, at)
	}
}

// names fills in which spelling means which field: the name itself and its
// aliases first, then each of them in the other case style.
func (b *inputBuilder) names(s *shape, at string) {
	s.names = map[string]*field{}
	for _, f := range s.fields {
		for _, n := range slices.Concat([]string{f.name}, f.aliases) {
			if n = strings.TrimSpace(n); n == "" || s.names[n] != nil && s.names[n] != f {
				b.errorf(at, "the name %q means two fields", n)
				continue
			}
			s.names[n] = f
		}
	}
	styled := map[string]*field{}
	for _, f := range s.fields {
		for _, n := range slices.Concat([]string{f.name}, f.aliases) {
			for _, v := range []string{snake(n), camel(n)} {
				if s.names[v] != nil {
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
		s.names[n] = f
	}
}

// snake turns caseId and excludeIDs into case_id and exclude_ids.
func snake(name string) string {
	r := []rune(name)
	var b strings.Builder
	for i, c := range r {
		if unicode.IsUpper(c) {
			if i > 0 && r[i-1] != '_' && (!unicode.IsUpper(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1]) && string(r[i+1:]) != "s") {
				b.WriteByte('_')
			}
			c = unicode.ToLower(c)
		}
		b.WriteRune(c)
	}
	return b.String()
}

// camel turns case_id into caseId.
func camel(name string) string {
	var b strings.Builder
	up := false
	for i, c := range name {
		if c == '_' && i > 0 {
			up = true
			continue
		}
		if up {
			c = unicode.ToUpper(c)
		}
		up = false
		b.WriteRune(c)
	}
	return b.String()
}

// defaults takes in what SetDefaults makes of the zero value of t, and checks
// that it would be accepted as an argument.
func (b *inputBuilder) defaults(s *shape, t reflect.Type) {
	v := reflect.New(t)
	d, ok := v.Interface().(interface{ SetDefaults() })
	if !ok {
		return
	}
	d.SetDefaults()
	for _, f := range s.fields {
		fv, err := v.Elem().FieldByIndexErr(f.index)
		if err != nil || fv.IsZero() || f.shape.what == isObject {
			continue
		}
		j, err := json.Marshal(fv.Interface())
		if err != nil {
			b.errorf(t.String(), "default of %s: %v", f.name, err)
			continue
		}
		pv, err := parse(j, maxDepthIn)
		if err != nil {
			b.errorf(t.String(), "default of %s: %v", f.name, err)
			continue
		}
		var check binding
		check.value(f.shape, pv, f.name)
		if len(check.errs) > 0 {
			b.errorf(t.String(), "default of %s", strings.Join(check.errs, "; "))
			continue
		}
		f.def = j
	}
}

// jsonField is a field as encoding/json sees it.
type jsonField struct {
	sf        reflect.StructField
	name      string
	index     []int
	omit      bool // omitempty or omitzero
	asString  bool
	ambiguous bool
}

func (jf jsonField) field() *field {
	return &field{name: jf.name, doc: jf.sf.Tag.Get("jsonschema"), index: jf.index,
		required:  !jf.omit,
		untrusted: jf.sf.Tag.Get("untrusted") == "true", trusted: jf.sf.Tag.Get("untrusted") == "false"}
}

// jsonFields returns the members that encoding/json gives t, in order: embedded
// structs are flattened, and of two fields with the same name the outer wins.
func jsonFields(t reflect.Type) []jsonField {
	var all []jsonField
	var walk func(t reflect.Type, index []int, seen []reflect.Type)
	walk = func(t reflect.Type, index []int, seen []reflect.Type) {
		if slices.Contains(seen, t) {
			return
		}
		seen = append(slices.Clone(seen), t)
		for i := range t.NumField() {
			sf := t.Field(i)
			at := append(slices.Clone(index), i)
			tag := sf.Tag.Get("json")
			if tag == "-" {
				continue
			}
			name, opts, _ := strings.Cut(tag, ",")
			ft := sf.Type
			if ft.Kind() == reflect.Pointer {
				ft = ft.Elem()
			}
			if sf.Anonymous && name == "" && ft.Kind() == reflect.Struct {
				walk(ft, at, seen)
				continue
			}
			if !sf.IsExported() {
				continue
			}
			jf := jsonField{sf: sf, name: name, index: at}
			if jf.name == "" {
				jf.name = sf.Name
			}
			for o := range strings.SplitSeq(opts, ",") {
				jf.omit = jf.omit || o == "omitempty" || o == "omitzero"
				jf.asString = jf.asString || o == "string"
			}
			all = append(all, jf)
		}
	}
	walk(t, nil, nil)
	var list []jsonField
	for i, jf := range all {
		hidden := false
		for j, o := range all {
			if i != j && o.name == jf.name {
				hidden = hidden || len(o.index) < len(jf.index)
				jf.ambiguous = jf.ambiguous || len(o.index) == len(jf.index)
			}
		}
		if !hidden {
			list = append(list, jf)
		}
	}
	return list
}

// outputShape returns the shape of an output. There is one for every type: what
// can't be known is any value.
func outputShape(t reflect.Type) *shape {
	return (&outputBuilder{stack: map[reflect.Type]bool{}}).shape(t)
}

type outputBuilder struct{ stack map[reflect.Type]bool }

func (b *outputBuilder) shape(t reflect.Type) *shape {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	s := &shape{typ: t}
	switch {
	case t == timeType:
		s.what, s.format = isString, "date-time"
		return s
	case t == numberType:
		s.what = isNumber
		return s
	case t == rawType || b.stack[t]:
		return s
	case implements(t, marshaler):
		if _, ok := extra(t); !ok {
			return s
		}
	case implements(t, textMarshaler):
		s.what = isString
		return s
	}
	switch t.Kind() {
	case reflect.String:
		s.what = isString
	case reflect.Bool:
		s.what = isBoolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		s.what = isInteger
	case reflect.Float32, reflect.Float64:
		s.what = isNumber
	case reflect.Slice, reflect.Array:
		if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
			s.what = isString
			break
		}
		b.stack[t] = t.Name() != ""
		s.what, s.elem = isArray, b.elem(t.Elem())
		delete(b.stack, t)
	case reflect.Map:
		b.stack[t] = t.Name() != ""
		s.what, s.elem = isMap, b.elem(t.Elem())
		delete(b.stack, t)
	case reflect.Struct:
		b.stack[t] = true
		s.what = isObject
		for _, jf := range jsonFields(t) {
			if jf.ambiguous {
				continue
			}
			f := jf.field()
			f.shape = b.shape(jf.sf.Type)
			if jf.asString {
				f.shape = &shape{what: isString}
			}
			s.fields = append(s.fields, f)
		}
		if x, ok := extra(t); ok && x.Tag.Get("untrusted") == "true" {
			s.open = true
		}
		delete(b.stack, t)
	}
	return s
}

// elem returns the shape of an element. One that may be null, and can be
// neither left out nor made empty, is any value.
func (b *outputBuilder) elem(t reflect.Type) *shape {
	s := b.shape(t)
	if t.Kind() == reflect.Pointer && s.what != isObject && s.what != isArray && s.what != isMap {
		return &shape{}
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

// untrusted lists the paths of the values below s that others can write.
func (s *shape) untrusted(path string) []string {
	join := func(name string) string {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	switch s.what {
	case isArray:
		return s.elem.untrusted(path + "[]")
	case isMap:
		return s.elem.untrusted(join("*"))
	case isObject:
		var list []string
		for _, f := range s.fields {
			if f.untrusted || !f.trusted && f.shape.foreign() {
				list = append(list, join(f.name))
				continue
			}
			list = append(list, f.shape.untrusted(join(f.name))...)
		}
		if s.open {
			list = append(list, join("*"))
		}
		return list
	}
	return nil
}

// texts yields the strings in v, a value of shape s, that others can write.
func (s *shape) texts(v *value, yield func(string)) {
	switch s.what {
	case isArray, isMap:
		for _, e := range v.elems {
			s.elem.texts(e, yield)
		}
	case isObject:
		for i, e := range v.elems {
			if i >= len(v.keys) {
				return
			}
			switch f := s.field(v.keys[i]); {
			case f == nil && s.open:
				yield(v.keys[i])
				e.texts(yield)
			case f == nil:
			case f.untrusted || !f.trusted && f.shape.foreign():
				e.texts(yield)
			default:
				f.shape.texts(e, yield)
			}
		}
	}
}

// texts yields every string in v, keys too.
func (v *value) texts(yield func(string)) {
	if v.kind == stringKind {
		yield(v.text)
	}
	for _, k := range v.keys {
		yield(k)
	}
	for _, e := range v.elems {
		e.texts(yield)
	}
}

// foreign reports whether s is JSON that is passed on as it came, which others
// wrote unless a tag untrusted:"false" says that they didn't.
func (s *shape) foreign() bool {
	switch s.what {
	case isArray, isMap:
		return s.elem.foreign()
	case isAny:
		return s.typ == rawType
	}
	return false
}

// withoutNull makes v, the encoding of a value of shape s, fit the schema: a
// nil list is an empty one, a nil map an empty object, a nil pointer is absent.
func (s *shape) withoutNull(v *value) {
	switch {
	case v.kind == nullKind && s.what == isArray:
		v.kind = arrayKind
	case v.kind == nullKind && (s.what == isMap || s.what == isObject):
		v.kind = objectKind
	case v.kind == arrayKind && s.what == isArray, v.kind == objectKind && s.what == isMap:
		for _, e := range v.elems {
			s.elem.withoutNull(e)
		}
	case v.kind == objectKind && s.what == isObject:
		var keys []string
		var elems []*value
		for i, e := range v.elems {
			if f := s.field(v.keys[i]); f != nil {
				if e.kind == nullKind && f.shape.what != isArray && f.shape.what != isMap && f.shape.what != isAny {
					continue
				}
				f.shape.withoutNull(e)
			}
			keys, elems = append(keys, v.keys[i]), append(elems, e)
		}
		v.keys, v.elems = keys, elems
	}
}

// keys adds the names of all fields of s and below to names.
func (s *shape) keys(names map[string]bool) {
	if s.elem != nil {
		s.elem.keys(names)
	}
	for _, f := range s.fields {
		names[f.name] = true
		f.shape.keys(names)
	}
}

func (s *shape) field(name string) *field {
	for _, f := range s.fields {
		if f.name == name {
			return f
		}
	}
	return nil
}

// bounds returns the range of an integer.
func (s *shape) bounds() (lo, hi int64) {
	lo, hi = math.MinInt64, math.MaxInt64
	if s.minimum != nil {
		lo = *s.minimum
	}
	if s.maximum != nil {
		hi = *s.maximum
	}
	return lo, hi
}
