package schema

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/nearest"
	"github.com/sallyport-soc/sallyport/internal/spelling"
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
	out   []byte
	errs  []string
	more  int // errors beyond those in errs
	notes []string
	now   time.Time
	fixed bool // a time must say the same whenever the call is made
}

// Hosts add arguments of their own to every tool and send them along. These are
// dropped, unless the tool has one of that name.
var hostArguments = []string{
	"wait_for_previous", // Gemini CLI
}

// Bind returns the canonical JSON of args, in which an optional argument that is
// null, or empty where that can't be, is left out; and, for whoever gave them,
// which values were read as others. Its error has a line for each argument that
// is wrong.
func (s *Type) Bind(args []byte) (canonical []byte, understood []string, err error) {
	if len(args) > maxArguments {
		return nil, nil, fmt.Errorf("arguments of %d bytes; at most %d are taken", len(args), maxArguments)
	}
	if len(args) == 0 || string(args) == "null" {
		args = []byte("{}")
	}
	v, err := jsontree.Parse(args, jsontree.MaxDepthIn)
	if err != nil {
		return nil, nil, err
	}
	if v.Kind != jsontree.Object {
		return nil, nil, fmt.Errorf("want an object of arguments, got %s", v.Kind)
	}
	for _, name := range hostArguments {
		if i := slices.Index(v.Keys, name); i >= 0 && s.Names[name] == nil {
			v.Keys, v.Elems = slices.Delete(v.Keys, i, i+1), slices.Delete(v.Elems, i, i+1)
		}
	}
	b := &binding{out: make([]byte, 0, len(args)+16), now: time.Now(), fixed: s.FixedTimes}
	b.object(s, v, "")
	if b.more > 0 {
		b.errs = append(b.errs, fmt.Sprintf("and %d more", b.more))
	}
	if len(b.errs) > 0 {
		return nil, nil, errors.New(strings.Join(b.errs, "\n"))
	}
	return b.out, b.notes, nil
}

// note says that v, at path, was read as another value.
func (b *binding) note(path string, v *jsontree.Value, as string) {
	if len(b.notes) < maxErrors {
		b.notes = append(b.notes, path+": "+Shown(v)+" read as "+jsontree.Clip(as, maxShown))
	}
}

// absent reports whether v, for an optional argument of type s, means that it was
// left out.
func (s *Type) absent(v *jsontree.Value) bool {
	switch {
	case v.Kind == jsontree.Null:
		return true
	case v.Kind != jsontree.String || strings.TrimSpace(v.Text) != "":
		return false
	case s.Kind != String:
		return true
	case v.Text != "":
		return false
	}
	var try binding
	try.string(s, v, "")
	return len(try.errs) > 0
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
func (b *binding) want(s *Type, v *jsontree.Value, path string) {
	b.errorf(path, "want %s, got %s", s.describe(), Shown(v))
}

// Shown returns v as it may stand in an error.
func Shown(v *jsontree.Value) string {
	switch v.Kind {
	case jsontree.Null:
		return "null"
	case jsontree.Array, jsontree.Object:
		return v.Kind.String()
	case jsontree.String:
		return string(jsontext.AppendString(nil, jsontree.Clip(v.Text, maxShown)))
	}
	return jsontree.Clip(v.Text, maxShown)
}

// describe says what s allows, in words.
func (s *Type) describe() string {
	if len(s.enum) > 0 {
		return "one of " + Listed(s.labelled())
	}
	switch s.Kind {
	case Integer:
		switch lo, hi := s.bounds(); {
		case lo != math.MinInt64 && hi != math.MaxInt64:
			return fmt.Sprintf("an integer from %d to %d", lo, hi)
		case lo != math.MinInt64:
			return fmt.Sprintf("an integer of at least %d", lo)
		case hi != math.MaxInt64:
			return fmt.Sprintf("an integer of at most %d", hi)
		}
		return "an integer"
	case Boolean:
		return "true or false"
	case Array:
		return "an array of " + s.Elem.plural()
	case String:
		if s.moment == anInstant {
			return "a time such as 2026-01-02T15:04:05Z"
		}
		if s.moment != noMoment {
			return "a day such as 2026-01-02"
		}
		return "a string"
	}
	return "an object"
}

func (s *Type) plural() string {
	switch s.Kind {
	case Integer:
		return "integers"
	case Boolean:
		return "booleans"
	case Array:
		return "arrays"
	case String:
		return "strings"
	}
	return "objects"
}

// Listed joins names, of which an error names so many.
func Listed(names []string) string {
	if len(names) > maxListed {
		return strings.Join(names[:maxListed], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// value appends the canonical form of v.
func (b *binding) value(s *Type, v *jsontree.Value, path string) {
	switch s.Kind {
	case String:
		b.string(s, v, path)
	case Integer:
		b.integer(s, v, path)
	case Boolean:
		if v.Kind != jsontree.Bool && (v.Kind != jsontree.String || v.Text != "true" && v.Text != "false") {
			b.want(s, v, path)
			return
		}
		b.out = append(b.out, v.Text...)
	case Array:
		b.array(s, v, path)
	case Object:
		if v.Kind != jsontree.Object {
			b.want(s, v, path)
			return
		}
		b.object(s, v, path)
	case Map:
		b.members(s, v, path)
	default:
		b.raw(s, v, path)
	}
}

var integerText = lazyregexp.New(`^-?(0|[1-9][0-9]*)$`)

// whole returns the digits of a number that is written as a whole one, or with a
// fraction of nothing, such as 5.0 or 1e3.
func whole(text string) (string, bool) {
	if integerText.MatchString(text) {
		return text, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<53 || !strings.ContainsAny(text, ".eE") || strings.ContainsAny(text, "xX_nN") {
		return "", false
	}
	return strconv.FormatInt(int64(f), 10), true
}

func (b *binding) integer(s *Type, v *jsontree.Value, path string) {
	if v.Kind == jsontree.String {
		if n, ok := s.labels[foldLabel(v.Text)]; ok {
			b.note(path, v, n)
			b.out = append(b.out, n...)
			return
		}
	}
	text, ok := whole(strings.TrimSpace(v.Text))
	if v.Kind != jsontree.Number && v.Kind != jsontree.String || !ok {
		b.want(s, v, path)
		return
	}
	n, err := strconv.ParseInt(text, 10, 64)
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

func (b *binding) string(s *Type, v *jsontree.Value, path string) {
	text := v.Text
	if v.Kind != jsontree.String {
		var ok bool
		if text, ok = whole(v.Text); !ok || v.Kind != jsontree.Number {
			b.want(s, v, path)
			return
		}
	}
	if s.moment != noMoment {
		at, relative, ok := s.moment.understood(text, b.now)
		if !ok {
			b.want(s, v, path)
			return
		}
		if relative && b.fixed {
			b.errorf(path, "say the time itself, such as %s: %s is another one when the call is approved and repeated", at, Shown(v))
			return
		}
		if at != text {
			b.note(path, v, at)
			text = at
		}
	}
	if s.refang {
		if plain := spelling.Plain(text); plain != text {
			b.note(path, v, plain)
			text = plain
		}
	}
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
		b.errorf(path, "want at least %s, got %s", count(*s.minLength, "character"), Shown(v))
		return
	case s.maxLength != nil && n > *s.maxLength:
		b.errorf(path, "want at most %s, got %d: %s", count(*s.maxLength, "character"), n, Shown(v))
		return
	case s.pattern != nil && !s.pattern.MatchString(text):
		b.errorf(path, "want a string that matches %s, got %s", s.pattern, Shown(v))
		return
	}
	if s.bytes {
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			b.errorf(path, "want standard base64, got %s", Shown(v))
			return
		}
	}
	j := jsontext.AppendString(nil, text)
	if s.text {
		if err := json.Unmarshal(j, reflect.New(s.typ).Interface()); err != nil {
			why := err.Error()
			if _, ours, ok := strings.Cut(why, input.ErrInvalid.Error()+": "); ok && errors.Is(err, input.ErrInvalid) {
				b.errorf(path, "%s", jsontree.Clip(ours, 200)) // it says what it has and wants
				return
			}
			b.errorf(path, "want %s, got %s: %s", s.describe(), Shown(v), jsontree.Clip(why, 200))
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
func (s *Type) enumerated(text string) (string, bool) {
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

func (b *binding) array(s *Type, v *jsontree.Value, path string) {
	elems := v.Elems
	if v.Kind != jsontree.Array {
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
		b.value(s.Elem, e, path+"["+strconv.Itoa(i)+"]")
	}
	b.out = append(b.out, ']')
}

// loose returns the elements that v means where an array is wanted: those of a
// JSON array in a string, or v itself where the elements are scalars.
func (s *Type) loose(v *jsontree.Value) ([]*jsontree.Value, bool) {
	if v.Kind == jsontree.String && strings.HasPrefix(strings.TrimSpace(v.Text), "[") {
		if inner, err := jsontree.Parse([]byte(v.Text), jsontree.MaxDepthIn); err == nil && inner.Kind == jsontree.Array {
			return inner.Elems, true
		}
	}
	switch s.Elem.Kind {
	case String, Integer, Boolean:
		return []*jsontree.Value{v}, v.Kind == jsontree.String || v.Kind == jsontree.Number || v.Kind == jsontree.Bool
	}
	return nil, false
}

// raw appends an object, or below a map any value, as it came.
func (b *binding) raw(s *Type, v *jsontree.Value, path string) {
	if s.Kind == Raw && v.Kind != jsontree.Object {
		b.want(s, v, path)
		return
	}
	if k, ok := v.Duplicate(jsontree.Exactly); ok {
		b.errorf(path, "%s is given twice", Shown(jsontree.StringValue(k)))
		return
	}
	b.out = v.Append(b.out)
}

// members appends a map.
func (b *binding) members(s *Type, v *jsontree.Value, path string) {
	if v.Kind != jsontree.Object {
		b.want(s, v, path)
		return
	}
	seen := map[string]bool{}
	b.out = append(b.out, '{')
	for i, k := range v.Keys {
		at := path + "." + jsontree.Clip(k, maxShown)
		if seen[k] {
			b.errorf(at, "given twice")
			continue
		}
		seen[k] = true
		if i > 0 {
			b.out = append(b.out, ',')
		}
		b.out = append(jsontext.AppendString(b.out, k), ':')
		b.value(s.Elem, v.Elems[i], at)
	}
	b.out = append(b.out, '}')
}

// object appends a struct: its fields in their order, by their own names.
func (b *binding) object(s *Type, v *jsontree.Value, path string) {
	if path != "" {
		path += "."
	}
	type given struct {
		key string
		v   *jsontree.Value
	}
	args := make(map[*Field][]given, len(v.Keys))
	seen := make(map[string]bool, len(v.Keys))
	for i, k := range v.Keys {
		f := s.Names[k]
		switch {
		case seen[k]:
			b.errorf(path+jsontree.Label(k), "given twice")
		case f == nil:
			b.unknown(s, path+jsontree.Label(k), k)
		default:
			args[f] = append(args[f], given{k, v.Elems[i]})
		}
		seen[k] = true
	}
	b.out = append(b.out, '{')
	for _, f := range s.Fields {
		list := args[f]
		if !f.Required {
			list = slices.DeleteFunc(list, func(g given) bool { return f.Type.absent(g.v) })
		}
		if len(list) == 0 {
			if f.Required {
				b.errorf(path+f.Name, "missing; want %s", f.Type.describe())
			}
			continue
		}
		if b.out[len(b.out)-1] != '{' {
			b.out = append(b.out, ',')
		}
		b.out = append(jsontext.AppendString(b.out, f.Name), ':')
		start := len(b.out)
		b.value(f.Type, list[0].v, path+list[0].key)
		first := string(b.out[start:])
		for _, other := range list[1:] {
			again := binding{now: b.now, fixed: b.fixed}
			again.value(f.Type, other.v, path+other.key)
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

func (b *binding) unknown(s *Type, path, key string) {
	if len(s.Fields) == 0 {
		b.errorf(path, "unknown argument; none is allowed")
		return
	}
	names := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		names[i] = f.Name
	}
	if len(b.errs) >= maxErrors {
		b.more++
		return
	}
	hint := ""
	if near := s.nearest(key); near != "" {
		hint = "did you mean " + near + "? "
	}
	b.errorf(path, "unknown argument; %sallowed: %s", hint, Listed(names))
}

// nearest returns the name of the field whose name or alias is most like key,
// if one is like it at all.
func (s *Type) nearest(key string) string {
	names := map[string]string{} // by each of its spellings
	var spellings []string
	for _, f := range s.Fields {
		for _, n := range append([]string{f.Name}, f.aliases...) {
			names[n] = f.Name
			spellings = append(spellings, n)
		}
	}
	return names[nearest.Word(key, 1+len(key)/4, slices.Values(spellings))]
}
