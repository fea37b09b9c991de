package mcpadapter

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/edits"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

const (
	maxArguments = 1 << 20 // bytes of the arguments of one call
	maxErrors    = 20      // reported at once
	maxShown     = 60      // bytes of a wrong value in an error
	maxListed    = 40      // names or values in an error
)

// binding turns arguments into the canonical JSON of an input. It collects
// what is wrong with them.
type binding struct {
	out  []byte
	errs []string
	more int // errors beyond those in errs
}

// bind returns the canonical JSON of args. Its error has a line for each
// argument that is wrong.
func (s *shape) bind(args []byte) ([]byte, error) {
	if len(args) > maxArguments {
		return nil, fmt.Errorf("arguments of %d bytes; at most %d are taken", len(args), maxArguments)
	}
	if len(args) == 0 || string(args) == "null" {
		args = []byte("{}")
	}
	v, err := parse(args, maxDepthIn)
	if err != nil {
		return nil, err
	}
	if v.kind != objectKind {
		return nil, fmt.Errorf("want an object of arguments, got %s", v.kind)
	}
	b := &binding{out: make([]byte, 0, len(args)+16)}
	b.object(s, v, "")
	if b.more > 0 {
		b.errs = append(b.errs, fmt.Sprintf("and %d more", b.more))
	}
	if len(b.errs) > 0 {
		return nil, errors.New(strings.Join(b.errs, "\n"))
	}
	return b.out, nil
}

func (b *binding) errorf(path, format string, args ...any) {
	if len(b.errs) >= maxErrors {
		b.more++
		return
	}
	if path != "" {
		path += ": "
	}
	b.errs = append(b.errs, path+fmt.Sprintf(format, args...))
}

// want reports that v isn't what s asks for.
func (b *binding) want(s *shape, v *value, path string) {
	b.errorf(path, "want %s, got %s", s.describe(), shown(v))
}

func shown(v *value) string {
	switch v.kind {
	case nullKind:
		return "null (leave it out instead)"
	case arrayKind, objectKind:
		return v.kind.String()
	case stringKind:
		return string(appendString(nil, clip(v.text, maxShown)))
	}
	return clip(v.text, maxShown)
}

// describe says what s allows, in words.
func (s *shape) describe() string {
	if len(s.enum) > 0 {
		return "one of " + listed(s.enum)
	}
	switch s.what {
	case isInteger:
		switch lo, hi := s.bounds(); {
		case lo != math.MinInt64 && hi != math.MaxInt64:
			return fmt.Sprintf("an integer from %d to %d", lo, hi)
		case lo != math.MinInt64:
			return fmt.Sprintf("an integer of at least %d", lo)
		case hi != math.MaxInt64:
			return fmt.Sprintf("an integer of at most %d", hi)
		}
		return "an integer"
	case isBoolean:
		return "true or false"
	case isArray:
		return "an array of " + s.elem.plural()
	case isString:
		if s.format == "date-time" {
			return "a time such as 2026-01-02T15:04:05Z"
		}
		return "a string"
	}
	return "an object"
}

func (s *shape) plural() string {
	switch s.what {
	case isInteger:
		return "integers"
	case isBoolean:
		return "booleans"
	case isArray:
		return "arrays"
	case isString:
		return "strings"
	}
	return "objects"
}

func listed(names []string) string {
	if len(names) > maxListed {
		return strings.Join(names[:maxListed], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// value appends the canonical form of v.
func (b *binding) value(s *shape, v *value, path string) {
	switch s.what {
	case isString:
		b.string(s, v, path)
	case isInteger:
		b.integer(s, v, path)
	case isBoolean:
		if v.kind != boolKind && (v.kind != stringKind || v.text != "true" && v.text != "false") {
			b.want(s, v, path)
			return
		}
		b.out = append(b.out, v.text...)
	case isArray:
		b.array(s, v, path)
	case isObject:
		if v.kind != objectKind {
			b.want(s, v, path)
			return
		}
		b.object(s, v, path)
	case isMap:
		b.members(s, v, path)
	default:
		b.raw(s, v, path)
	}
}

var integerText = lazyregexp.New(`^-?(0|[1-9][0-9]*)$`)

func (b *binding) integer(s *shape, v *value, path string) {
	if v.kind != numberKind && v.kind != stringKind || !integerText.MatchString(v.text) {
		b.want(s, v, path)
		return
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if lo, hi := s.bounds(); err != nil || n < lo || n > hi {
		b.want(s, v, path)
		return
	}
	j := strconv.FormatInt(n, 10)
	if len(s.enum) > 0 && !contains(s.enum, j) {
		b.want(s, v, path)
		return
	}
	b.out = append(b.out, j...)
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func (b *binding) string(s *shape, v *value, path string) {
	if v.kind != stringKind && (v.kind != numberKind || !integerText.MatchString(v.text)) {
		b.want(s, v, path)
		return
	}
	text := v.text
	if len(s.enum) > 0 {
		var ok bool
		if text, ok = s.enumerated(text); !ok {
			b.want(s, v, path)
			return
		}
	}
	n := utf8.RuneCountInString(text)
	switch {
	case s.minLength != nil && n < *s.minLength:
		b.errorf(path, "want at least %s, got %s", count(*s.minLength, "character"), shown(v))
		return
	case s.maxLength != nil && n > *s.maxLength:
		b.errorf(path, "want at most %s, got %d: %s", count(*s.maxLength, "character"), n, shown(v))
		return
	case s.pattern != nil && !s.pattern.MatchString(text):
		b.errorf(path, "want a string that matches %s, got %s", s.pattern, shown(v))
		return
	}
	if s.bytes {
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			b.errorf(path, "want standard base64, got %s", shown(v))
			return
		}
	}
	j := appendString(nil, text)
	if s.text {
		if err := json.Unmarshal(j, reflect.New(s.typ).Interface()); err != nil {
			b.errorf(path, "want %s, got %s: %s", s.describe(), shown(v), clip(err.Error(), 200))
			return
		}
	}
	b.out = append(b.out, j...)
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// enumerated returns the one allowed value that text means: exactly, or but for
// surrounding space and case.
func (s *shape) enumerated(text string) (string, bool) {
	var match string
	found := 0
	for _, e := range s.enum {
		var v string
		if json.Unmarshal([]byte(e), &v) != nil {
			continue
		}
		if v == text {
			return v, true
		}
		if strings.EqualFold(v, strings.TrimSpace(text)) {
			match = v
			found++
		}
	}
	return match, found == 1
}

func (b *binding) array(s *shape, v *value, path string) {
	elems := v.elems
	if v.kind != arrayKind {
		var ok bool
		if elems, ok = s.loose(v); !ok {
			b.want(s, v, path)
			return
		}
	}
	switch n := len(elems); {
	case s.minItems != nil && n < *s.minItems:
		b.errorf(path, "want at least %s, got %d", count(*s.minItems, "element"), n)
		return
	case s.maxItems != nil && n > *s.maxItems:
		b.errorf(path, "want at most %s, got %d", count(*s.maxItems, "element"), n)
		return
	}
	b.out = append(b.out, '[')
	for i, e := range elems {
		if i > 0 {
			b.out = append(b.out, ',')
		}
		b.value(s.elem, e, path+"["+strconv.Itoa(i)+"]")
	}
	b.out = append(b.out, ']')
}

// loose returns the elements that v means where an array is wanted: those of a
// JSON array in a string, or v itself where the elements are scalars.
func (s *shape) loose(v *value) ([]*value, bool) {
	if v.kind == stringKind && strings.HasPrefix(strings.TrimSpace(v.text), "[") {
		if inner, err := parse([]byte(v.text), maxDepthIn); err == nil && inner.kind == arrayKind {
			return inner.elems, true
		}
	}
	switch s.elem.what {
	case isString, isInteger, isBoolean:
		return []*value{v}, v.kind == stringKind || v.kind == numberKind || v.kind == boolKind
	}
	return nil, false
}

// raw appends an object, or below a map any value, as it came.
func (b *binding) raw(s *shape, v *value, path string) {
	if s.what == isRaw && v.kind != objectKind {
		b.want(s, v, path)
		return
	}
	if k, ok := v.duplicate(); ok {
		b.errorf(path, "%s is given twice", shown(&value{kind: stringKind, text: k}))
		return
	}
	b.out = v.append(b.out)
}

// members appends a map.
func (b *binding) members(s *shape, v *value, path string) {
	if v.kind != objectKind {
		b.want(s, v, path)
		return
	}
	seen := map[string]bool{}
	b.out = append(b.out, '{')
	for i, k := range v.keys {
		at := path + "." + clip(k, maxShown)
		if seen[k] {
			b.errorf(at, "given twice")
			continue
		}
		seen[k] = true
		if i > 0 {
			b.out = append(b.out, ',')
		}
		b.out = append(appendString(b.out, k), ':')
		b.value(s.elem, v.elems[i], at)
	}
	b.out = append(b.out, '}')
}

// object appends a struct: its fields in their order, by their own names.
func (b *binding) object(s *shape, v *value, path string) {
	if path != "" {
		path += "."
	}
	type given struct {
		key string
		v   *value
	}
	args := make(map[*field][]given, len(v.keys))
	seen := make(map[string]bool, len(v.keys))
	for i, k := range v.keys {
		f := s.names[k]
		switch {
		case seen[k]:
			b.errorf(path+label(k), "given twice")
		case f == nil:
			b.unknown(s, path+label(k), k)
		default:
			args[f] = append(args[f], given{k, v.elems[i]})
		}
		seen[k] = true
	}
	b.out = append(b.out, '{')
	for _, f := range s.fields {
		list := args[f]
		if len(list) == 0 {
			if f.required {
				b.errorf(path+f.name, "missing; want %s", f.shape.describe())
			}
			continue
		}
		if b.out[len(b.out)-1] != '{' {
			b.out = append(b.out, ',')
		}
		b.out = append(appendString(b.out, f.name), ':')
		start := len(b.out)
		b.value(f.shape, list[0].v, path+list[0].key)
		first := string(b.out[start:])
		for _, other := range list[1:] {
			again := binding{}
			again.value(f.shape, other.v, path+other.key)
			for _, e := range again.errs {
				b.errorf("", "%s", e)
			}
			if len(again.errs) == 0 && string(again.out) != first {
				b.errorf(path+other.key, "means the same as %s, which has another value", list[0].key)
			}
		}
	}
	b.out = append(b.out, '}')
}

// label returns a name that came from outside as it may stand in an error.
func label(k string) string {
	q := string(appendString(nil, clip(k, maxShown)))
	if plain := q[1 : len(q)-1]; plain == k && k != "" && !strings.ContainsAny(k, " :") {
		return k
	}
	return q
}

func (b *binding) unknown(s *shape, path, key string) {
	if len(s.fields) == 0 {
		b.errorf(path, "unknown argument; none is allowed")
		return
	}
	names := make([]string, len(s.fields))
	for i, f := range s.fields {
		names[i] = f.name
	}
	if len(b.errs) >= maxErrors {
		b.more++
		return
	}
	hint := ""
	if near := s.nearest(key); near != "" {
		hint = "did you mean " + near + "? "
	}
	b.errorf(path, "unknown argument; %sallowed: %s", hint, listed(names))
}

// nearest returns the name of the field whose name or alias is most like key,
// if one is like it at all.
func (s *shape) nearest(key string) string {
	if len(key) > 64 {
		return ""
	}
	fold := func(n string) string { return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(n)) }
	key = fold(key)
	best, name := 2+len(key)/4, ""
	for _, f := range s.fields {
		for _, n := range append([]string{f.name}, f.aliases...) {
			n = fold(n)
			d := edits.Distance(key, n)
			if d >= best && len(key) >= 3 && (strings.HasPrefix(n, key) || strings.HasSuffix(n, key)) {
				d = best - 1
			}
			if d < best {
				best, name = d, f.name
			}
		}
	}
	return name
}
