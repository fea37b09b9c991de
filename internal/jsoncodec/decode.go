package jsoncodec

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"sync"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// Unmarshal reads the JSON text b into v, a pointer. Nothing in v shares memory
// with b. Errors are those of encoding/json; the first ends the reading.
func Unmarshal(b []byte, v any) error { return unmarshal(b, v, false, nil) }

// UnmarshalHeld is [Unmarshal], but for raw values, which are parts of b: they must
// not be changed, nor b.
func UnmarshalHeld(b []byte, v any) error { return unmarshal(b, v, true, nil) }

// unmarshal reads b into v. Where odd isn't nil a member that its field can't hold is told
// there, and is left out.
func unmarshal(b []byte, v any, held bool, odd *oddities) error {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.IsNil() {
		return &json.InvalidUnmarshalError{Type: reflect.TypeOf(v)}
	}
	d := decoders.Get().(*decoder)
	d.Scanner, d.held, d.odd = jsontext.Scanner{Data: b}, held, odd
	err := codecOf(p.Type().Elem()).decode(d, p.Elem())
	if err == nil && d.Next() != 0 {
		err = jsontext.ErrSyntax
	}
	d.Data, d.room, d.odd = nil, nil, nil
	if d.shares {
		clear(d.recent[:])
		d.shares = false
	}
	decoders.Put(d)
	if err == nil {
		return nil
	}
	var text json.RawMessage
	if syntax := json.Unmarshal(b, &text); syntax != nil {
		return syntax
	}
	return err
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

type decoder struct {
	jsontext.Scanner
	held   bool       // raw values may be parts of Data
	odd    *oddities  // where members go that can't be read, if that isn't an error
	shares bool       // there is something in recent
	recent [64]string // short texts that came lately, each in the place that its bytes give
	room   []byte     // for copies of raw values: one piece of memory for many
}

// shared returns b as a string, the one made before if a short one came lately.
func (d *decoder) shared(b []byte) string {
	if len(b) == 0 || len(b) > 32 {
		return string(b)
	}
	at := &d.recent[(int(b[0])*31+int(b[len(b)/2])*7+int(b[len(b)-1])+len(b))%len(d.recent)]
	if *at != string(b) {
		*at, d.shares = string(b), true
	}
	return *at
}

// copy returns a copy of b.
func (d *decoder) copy(b []byte) []byte {
	const piece = 2 << 10
	if d.held {
		return b[:len(b):len(b)]
	}
	if len(b) > piece/4 {
		return bytes.Clone(b)
	}
	if cap(d.room)-len(d.room) < len(b) {
		d.room = make([]byte, 0, min(piece, max(len(b), len(d.Data)-d.Pos)))
	}
	from := len(d.room)
	d.room = append(d.room, b...)
	return d.room[from:len(d.room):len(d.room)]
}

// mismatch steps over the value and says that it can't be a t.
func (d *decoder) mismatch(t reflect.Type) error {
	b, err := d.Skip()
	if err != nil {
		return err
	}
	kind := "number"
	switch b[0] {
	case '{':
		kind = "object"
	case '[':
		kind = "array"
	case '"':
		kind = "string"
	case 't', 'f':
		kind = "bool"
	default:
		if t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64 {
			kind += " " + string(b)
		}
	}
	return &json.UnmarshalTypeError{Value: kind, Type: t, Offset: int64(d.Pos)}
}

// decoderOf returns how values of type t are read. keeps says that t is our own.
func decoderOf(t reflect.Type, s *structType, elem *codec, keeps bool) func(*decoder, reflect.Value) error {
	switch p := reflect.PointerTo(t); {
	case t == rawType:
		return decodeRaw
	case keeps:
		return s.decode
	case t.Kind() != reflect.Pointer && p.Implements(unmarshalerType):
		return decodeByMethod
	case t.Kind() != reflect.Pointer && p.Implements(textUnmarshalerType):
		return foreignDecode
	}
	switch t.Kind() {
	case reflect.String:
		return decodeString
	case reflect.Bool:
		return decodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return decodeUint
	case reflect.Float32, reflect.Float64:
		return decodeFloat
	case reflect.Struct:
		return s.decode
	case reflect.Pointer:
		return func(d *decoder, v reflect.Value) error { return decodePointer(d, v, elem) }
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return func(d *decoder, v reflect.Value) error { return decodeSlice(d, v, elem) }
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String && !reflect.PointerTo(t.Key()).Implements(textUnmarshalerType) {
			return func(d *decoder, v reflect.Value) error { return decodeMap(d, v, elem) }
		}
	}
	return foreignDecode
}

// foreignDecode leaves the value to encoding/json.
func foreignDecode(d *decoder, v reflect.Value) error {
	b, err := d.Skip()
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v.Addr().Interface())
}

func decodeByMethod(d *decoder, v reflect.Value) error {
	b, err := d.Skip()
	if err != nil {
		return err
	}
	return v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(b)
}

func decodeRaw(d *decoder, v reflect.Value) error {
	b, err := d.Skip()
	if err != nil {
		return err
	}
	v.SetBytes(d.copy(b))
	return nil
}

func decodeString(d *decoder, v reflect.Value) error {
	switch d.Next() {
	case '"':
		s, err := d.Text()
		if err != nil {
			return err
		}
		v.SetString(d.shared(s))
		return nil
	case 'n':
		return d.Literal("null")
	}
	return d.mismatch(v.Type())
}

func decodeBool(d *decoder, v reflect.Value) error {
	switch d.Next() {
	case 't':
		v.SetBool(true)
		return d.Literal("true")
	case 'f':
		v.SetBool(false)
		return d.Literal("false")
	case 'n':
		return d.Literal("null")
	}
	return d.mismatch(v.Type())
}

// numeric reads a number for v with set, which says whether v can hold it.
func numeric(d *decoder, v reflect.Value, set func(s string) bool) error {
	switch c := d.Next(); {
	case c == 'n':
		return d.Literal("null")
	case c == '-' || '0' <= c && c <= '9':
		from := d.Pos
		b, err := d.Number()
		if err != nil {
			return err
		}
		if set(string(b)) {
			return nil
		}
		d.Pos = from
	}
	return d.mismatch(v.Type())
}

func decodeInt(d *decoder, v reflect.Value) error {
	return numeric(d, v, func(s string) bool {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || v.OverflowInt(n) {
			return false
		}
		v.SetInt(n)
		return true
	})
}

func decodeUint(d *decoder, v reflect.Value) error {
	return numeric(d, v, func(s string) bool {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil || v.OverflowUint(n) {
			return false
		}
		v.SetUint(n)
		return true
	})
}

func decodeFloat(d *decoder, v reflect.Value) error {
	return numeric(d, v, func(s string) bool {
		n, err := strconv.ParseFloat(s, v.Type().Bits())
		if err != nil || v.OverflowFloat(n) {
			return false
		}
		v.SetFloat(n)
		return true
	})
}

func decodePointer(d *decoder, v reflect.Value, elem *codec) error {
	if d.Next() == 'n' {
		v.SetZero()
		return d.Literal("null")
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return elem.decode(d, v.Elem())
}

func decodeSlice(d *decoder, v reflect.Value, elem *codec) error {
	switch d.Next() {
	case 'n':
		v.SetZero()
		return d.Literal("null")
	case '[':
	default:
		return d.mismatch(v.Type())
	}
	if err := d.Enter(); err != nil {
		return err
	}
	v.SetZero()
	for n := 0; ; n++ {
		ok, err := d.More(n == 0, ']')
		if err != nil {
			return err
		}
		if !ok {
			if n == 0 {
				v.Set(reflect.MakeSlice(v.Type(), 0, 0))
			}
			return nil
		}
		if n == v.Cap() {
			v.Grow(max(1, n))
		}
		v.SetLen(n + 1)
		if err := elem.decode(d, v.Index(n)); err != nil {
			return err
		}
	}
}

func decodeMap(d *decoder, v reflect.Value, elem *codec) error {
	switch d.Next() {
	case 'n':
		v.SetZero()
		return d.Literal("null")
	case '{':
	default:
		return d.mismatch(v.Type())
	}
	if err := d.Enter(); err != nil {
		return err
	}
	t := v.Type()
	if v.IsNil() {
		v.Set(reflect.MakeMap(t))
	}
	for first := true; ; first = false {
		if ok, err := d.More(first, '}'); !ok {
			return err
		}
		name, err := d.Name()
		if err != nil {
			return err
		}
		key := reflect.ValueOf(string(name)).Convert(t.Key())
		item := reflect.New(t.Elem()).Elem()
		if err := elem.decode(d, item); err != nil {
			return err
		}
		v.SetMapIndex(key, item)
	}
}

// in returns the field of the struct v, in embedded structs that it makes if need be.
func (f *field) in(v reflect.Value) reflect.Value {
	for n, i := range f.index {
		if n > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

// inField says in which field a value of the wrong type was found.
func inField(err error, t reflect.Type, name string) error {
	var e *json.UnmarshalTypeError
	if errors.As(err, &e) {
		if e.Field == "" {
			e.Struct, e.Field = t.Name(), name
		} else {
			e.Field = name + "." + e.Field
		}
	}
	return err
}

// An object is what has been read of an object of the type s.
type object struct {
	*structType
	unknown map[string]json.RawMessage
	exact   [4]uint64 // the fields that came by their own name, one bit each
	other   []otherCase
}

// otherCase is a member in a field whose name differs from its own in case.
type otherCase struct {
	at    int
	name  []byte
	value []byte
}

// place returns the field for the member called name, or -1, and whether that
// is the field's name exactly. next is a guess.
func (o *object) place(name []byte, next int) (at int, exact bool) {
	if next < len(o.fields) && o.fields[next].name == string(name) {
		return next, true
	}
	if at, ok := o.structType.exact[string(name)]; ok {
		return at, true
	}
	var buf [64]byte
	at, ok := o.folded[string(fold(buf[:0], name))]
	switch {
	case !ok || o.structType.unknown >= 0 && o.exact[at/64%4]&(1<<(at%64)) != 0:
		return -1, false
	case o.structType.unknown < 0: // the last one counts, as there is no place for the others
		return at, false
	}
	for _, m := range o.other {
		if m.at == at {
			return -1, false
		}
	}
	return at, false
}

// own notes that the field at came by its own name, and gives up what came
// there before by another, if anything.
func (o *object) own(d *decoder, at int, v reflect.Value) {
	o.exact[at/64%4] |= 1 << (at % 64)
	for i, m := range o.other {
		if m.at == at {
			v.SetZero()
			o.keep(d, m.name, m.value)
			o.other[i].at = -1
		}
	}
}

func (o *object) keep(d *decoder, name, value []byte) {
	if o.unknown == nil {
		o.unknown = map[string]json.RawMessage{}
	}
	o.unknown[d.shared(name)] = d.copy(value)
}

func (s *structType) decode(d *decoder, v reflect.Value) error {
	switch d.Next() {
	case 'n':
		return d.Literal("null")
	case '{':
	default:
		return d.mismatch(v.Type())
	}
	if err := d.Enter(); err != nil {
		return err
	}
	o := object{structType: s}
	depth := d.Depth
	next := 0 // the field that comes if members come in their order
	for first := true; ; first = false {
		ok, err := d.More(first, '}')
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		name, err := d.Name()
		if err != nil {
			return err
		}
		at, exact := o.place(name, next)
		if at < 0 {
			value, err := d.Skip()
			if err != nil {
				return err
			}
			if s.unknown >= 0 {
				o.keep(d, name, value)
			}
			continue
		}
		f := &s.fields[at]
		target := f.in(v)
		if next = at + 1; exact {
			o.own(d, at, target)
		}
		d.Next()
		from := d.Pos
		if d.odd != nil {
			d.odd.path = append(d.odd.path, f.name)
		}
		err = f.decode(d, target)
		if d.odd != nil {
			d.odd.path = d.odd.path[:len(d.odd.path)-1]
		}
		switch {
		case err == nil && !exact && s.unknown >= 0:
			o.other = append(o.other, otherCase{at, name, d.Data[from:d.Pos]})
		case err != nil && err != jsontext.ErrSyntax && (f.date || !exact) && s.unknown >= 0: // a member of its own, then
			d.Pos, d.Depth = from, depth
			value, err := d.Skip()
			if err != nil {
				return err
			}
			target.SetZero()
			o.keep(d, name, value)
		case err != nil && err != jsontext.ErrSyntax && d.odd != nil:
			d.Pos, d.Depth = from, depth
			if _, err := d.Skip(); err != nil {
				return err
			}
			target.SetZero()
			d.odd.add(f.name, err)
		case err != nil:
			return inField(err, v.Type(), f.name)
		}
	}
	if s.unknown >= 0 {
		v.Field(s.unknown).Set(reflect.ValueOf(o.unknown))
	}
	return nil
}
