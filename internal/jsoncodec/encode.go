package jsoncodec

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// Marshal returns the JSON text of v, which is as short as can be. Unlike that
// of json.Marshal it leaves <, > and & as they are; json.Marshal escapes them
// in what a MarshalJSON method returns, too.
func Marshal(v any) ([]byte, error) {
	room := buffers.Get().(*[]byte)
	b, err := appendAny((*room)[:0], reflect.ValueOf(v))
	if err != nil {
		return nil, err
	}
	if cap(b) > 1<<20 {
		return b, nil
	}
	text := bytes.Clone(b)
	*room = b
	buffers.Put(room)
	return text, nil
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

func appendAny(b []byte, v reflect.Value) ([]byte, error) {
	if !v.IsValid() {
		return append(b, "null"...), nil
	}
	return codecOf(v.Type()).encode(b, v)
}

// encoderOf returns how values of type t are written. keeps says that t is our own.
func encoderOf(t reflect.Type, s *structType, elem *codec, keeps bool) func([]byte, reflect.Value) ([]byte, error) {
	byPointer := t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(marshalerType)
	switch {
	case t == rawType:
		return func(b []byte, v reflect.Value) ([]byte, error) { return appendRaw(b, v.Bytes()) }
	case t == timeType:
		return encodeTime
	case keeps:
		return s.encode
	case t.Implements(marshalerType) && !(t.Kind() == reflect.Pointer && own(t.Elem())):
		return encodeByMethod
	case t.Kind() != reflect.Pointer && t.Implements(textMarshalerType):
		return encodeByText
	case byPointer || t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textMarshalerType):
		return foreignEncode
	}
	switch t.Kind() {
	case reflect.String:
		return func(b []byte, v reflect.Value) ([]byte, error) { return jsontext.AppendString(b, v.String()), nil }
	case reflect.Bool:
		return func(b []byte, v reflect.Value) ([]byte, error) { return strconv.AppendBool(b, v.Bool()), nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(b []byte, v reflect.Value) ([]byte, error) { return strconv.AppendInt(b, v.Int(), 10), nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(b []byte, v reflect.Value) ([]byte, error) { return strconv.AppendUint(b, v.Uint(), 10), nil }
	case reflect.Float32, reflect.Float64:
		return encodeFloat
	case reflect.Struct:
		return s.encode
	case reflect.Interface:
		return func(b []byte, v reflect.Value) ([]byte, error) { return appendAny(b, v.Elem()) }
	case reflect.Pointer:
		return func(b []byte, v reflect.Value) ([]byte, error) {
			if v.IsNil() {
				return append(b, "null"...), nil
			}
			return elem.encode(b, v.Elem())
		}
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return func(b []byte, v reflect.Value) ([]byte, error) { return encodeSlice(b, v, elem) }
		}
	case reflect.Map:
		if t.Key().Kind() == reflect.String && !t.Key().Implements(textMarshalerType) {
			return func(b []byte, v reflect.Value) ([]byte, error) { return encodeMap(b, v, elem) }
		}
	}
	return foreignEncode
}

// foreignEncode leaves the value to encoding/json.
func foreignEncode(b []byte, v reflect.Value) ([]byte, error) {
	if v.CanAddr() {
		v = v.Addr()
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v.Interface()); err != nil {
		return nil, err
	}
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...), nil
}

// encodeFloat writes a number as JavaScript does.
func encodeFloat(b []byte, v reflect.Value) ([]byte, error) {
	f, bits := v.Float(), v.Type().Bits()
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, &json.UnsupportedValueError{Value: v, Str: strconv.FormatFloat(f, 'g', -1, bits)}
	}
	small, large := math.Abs(f) < 1e-6, math.Abs(f) >= 1e21
	if bits == 32 {
		small, large = float32(math.Abs(f)) < 1e-6, float32(math.Abs(f)) >= 1e21
	}
	if f == 0 || !small && !large {
		return strconv.AppendFloat(b, f, 'f', -1, bits), nil
	}
	b = strconv.AppendFloat(b, f, 'e', -1, bits)
	if n := len(b); b[n-4] == 'e' && b[n-2] == '0' { // e-09
		b = append(b[:n-2], b[n-1])
	}
	return b, nil
}

func encodeByMethod(b []byte, v reflect.Value) ([]byte, error) {
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return append(b, "null"...), nil
	}
	text, err := v.Interface().(json.Marshaler).MarshalJSON()
	if err == nil {
		b, err = appendRaw(b, text)
	}
	if err != nil {
		return nil, &json.MarshalerError{Type: v.Type(), Err: err}
	}
	return b, nil
}

func encodeByText(b []byte, v reflect.Value) ([]byte, error) {
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return nil, &json.MarshalerError{Type: v.Type(), Err: err}
	}
	return jsontext.AppendString(b, string(text)), nil
}

func encodeTime(b []byte, v reflect.Value) ([]byte, error) {
	b, err := v.Interface().(time.Time).AppendText(append(b, '"'))
	if err != nil {
		return nil, &json.MarshalerError{Type: v.Type(), Err: err}
	}
	return append(b, '"'), nil
}

// appendRaw appends the JSON text raw without its white space. Nothing is null.
func appendRaw(b, raw []byte) ([]byte, error) {
	if raw == nil {
		return append(b, "null"...), nil
	}
	s := jsontext.Scanner{Data: raw}
	if _, err := s.Skip(); err != nil || s.Next() != 0 {
		var text json.RawMessage
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("jsoncodec: %.40q isn't JSON", raw)
	}
	from, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\':
			i++
		case c <= ' ' && !quoted:
			b = append(b, raw[from:i]...)
			from = i + 1
		}
	}
	return append(b, raw[from:]...), nil
}

func encodeSlice(b []byte, v reflect.Value, elem *codec) ([]byte, error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	b = append(b, '[')
	from, n := len(b), v.Len()
	for i := range n {
		if i > 0 {
			b = append(b, ',')
			if each := (len(b) - from) / i; cap(b)-len(b) < each { // room for all that follow if they are like those before, and not step by step
				b = slices.Grow(b, min((n-i)*(each+each/16), 4*len(b)))
			}
		}
		var err error
		if b, err = elem.encode(b, v.Index(i)); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func encodeMap(b []byte, v reflect.Value, elem *codec) ([]byte, error) {
	if v.IsNil() {
		return append(b, "null"...), nil
	}
	names := make([]string, 0, v.Len())
	key := reflect.New(v.Type().Key()).Elem()
	for entry := v.MapRange(); entry.Next(); {
		key.SetIterKey(entry)
		names = append(names, key.String())
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(jsontext.AppendString(b, name), ':')
		key.SetString(name)
		var err error
		if b, err = elem.encode(b, v.MapIndex(key)); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// of returns the field of the struct v; none if the embedded struct it is in is absent.
func (f *field) of(v reflect.Value) (reflect.Value, bool) {
	for n, i := range f.index {
		if n > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

func (s *structType) encode(b []byte, v reflect.Value) ([]byte, error) {
	var unknown map[string]json.RawMessage
	if s.unknown >= 0 {
		unknown = v.Field(s.unknown).Interface().(map[string]json.RawMessage)
	}
	var err error
	b = append(b, '{')
	from := len(b)
	mistaken := s.mistaken(unknown)
	for i := range s.fields {
		f := &s.fields[i]
		x, ok := f.of(v)
		var unread json.RawMessage // a date
		if f.date && ok && x.IsZero() {
			unread = unknown[f.name]
		}
		if !ok || unread == nil && (f.omitEmpty && isEmpty(x) || f.omitZero != nil && f.omitZero(x)) && !slices.Contains(mistaken, i) {
			continue
		}
		if len(b) > from {
			b = append(b, ',')
		}
		if b = append(b, f.prefix...); unread != nil {
			b, err = appendRaw(b, unread)
		} else {
			b, err = f.encode(b, x)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(unknown) == 0 {
		return append(b, '}'), nil
	}
	var few [8]string
	names := slices.AppendSeq(few[:0], maps.Keys(unknown))
	slices.Sort(names)
	for _, name := range names {
		if has(s.exact, name) {
			continue
		}
		if len(b) > from {
			b = append(b, ',')
		}
		if b, err = appendRaw(append(jsontext.AppendString(b, name), ':'), unknown[name]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// mistaken returns the fields as which unknown members would be read if those were
// left out, as their names differ in case alone.
func (s *structType) mistaken(unknown map[string]json.RawMessage) (fields []int) {
	for name := range unknown {
		var buf [64]byte
		if at, ok := s.folded[string(fold(buf[:0], []byte(name)))]; ok && !has(s.exact, name) {
			fields = append(fields, at)
		}
	}
	return fields
}
