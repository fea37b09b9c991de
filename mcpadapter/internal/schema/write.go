package schema

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// schema appends the JSON Schema of an input or of a part of one. It stands in the
// context of the agent from the start, so it tells what helps to make a call: not
// the lengths of texts and lists, patterns, the one form of a time, or that numbers aren't negative and
// unknown members are refused. Who gets that wrong is told then.
func (s *Type) schema(b []byte, doc string, def []byte) []byte {
	w := schemaWriter{b: append(b, '{')}
	w.kind(s)
	if doc != "" {
		w.text("description", doc)
	}
	w.limits(s)
	if s.bytes {
		w.text("contentEncoding", "base64")
	}
	if def != nil {
		w.raw("default", def)
	}
	switch s.Kind {
	case Array:
		w.raw("items", s.Elem.schema(nil, "", nil))
	case Map:
		if s.Elem.Kind != Any {
			w.raw("additionalProperties", s.Elem.schema(nil, "", nil))
		}
	case Object:
		p := schemaWriter{b: []byte{'{'}}
		for _, f := range s.Fields {
			p.raw(f.Name, f.Type.schema(nil, f.Doc, f.Default))
		}
		w.raw("properties", append(p.b, '}'))
		w.required(s)
	}
	return append(w.b, '}')
}

// AnswerSchema returns the JSON Schema of an answer of type s, an object or a
// map: the members that any answer may have, which common is, and the names of its
// own, of lists and objects with the type. A success and an error both keep to it.
// No host shows it to a model, so it is short. A name that stands in both may have
// any value, and so may those that an error has too.
func (s *Type) AnswerSchema(common string, shared ...string) []byte {
	w := schemaWriter{b: []byte{'{'}}
	w.text("type", "object")
	p := schemaWriter{b: []byte("{" + common)}
	for _, f := range s.Fields {
		if name := string(jsontext.AppendString(nil, f.Name)); strings.Contains(common, name+":") {
			continue
		}
		k := schemaWriter{b: []byte{'{'}}
		if !slices.Contains(shared, f.Name) && f.Type.Kind >= Array {
			k.kind(f.Type)
		}
		p.raw(f.Name, append(k.b, '}'))
	}
	w.raw("properties", append(p.b, '}'))
	return append(w.b, '}')
}

type schemaWriter struct{ b []byte }

func (w *schemaWriter) raw(key string, json []byte) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(jsontext.AppendString(w.b, key), ':'), json...)
}

func (w *schemaWriter) kind(s *Type) {
	switch s.Kind {
	case String:
		w.text("type", "string")
	case Integer:
		w.text("type", "integer")
	case Number:
		w.text("type", "number")
	case Boolean:
		w.text("type", "boolean")
	case Array:
		w.text("type", "array")
	case Object, Map, Raw:
		w.text("type", "object")
	}
}

func (w *schemaWriter) text(key, s string) { w.raw(key, jsontext.AppendString(nil, s)) }

func (w *schemaWriter) int(key string, n int64) { w.raw(key, strconv.AppendInt(nil, n, 10)) }

// unsaid is a bound that no caller comes near: that of pages and offsets.
const unsaid = 100_000

func (w *schemaWriter) limits(s *Type) {
	if len(s.enum) > 0 && s.Kind == Integer {
		lo, hi := s.span() // Gemini's API refuses a request with an enum of integers
		if lo != 0 && lo != 1 {
			w.int("minimum", lo)
		}
		w.int("maximum", hi)
		return
	}
	if len(s.enum) > 0 {
		e := []byte{'['}
		for i, v := range s.enum {
			if i > 0 {
				e = append(e, ',')
			}
			e = append(e, v...)
		}
		w.raw("enum", append(e, ']'))
	}
	if s.minimum != nil && *s.minimum != 0 && *s.minimum != 1 {
		w.int("minimum", *s.minimum)
	}
	if s.maximum != nil && *s.maximum < unsaid {
		w.int("maximum", *s.maximum)
	}
}

// span returns the least and the greatest value of an enum of integers.
func (s *Type) span() (lo, hi int64) {
	lo, hi = math.MaxInt64, math.MinInt64
	for _, e := range s.enum {
		if n, err := strconv.ParseInt(e, 10, 64); err == nil {
			lo, hi = min(lo, n), max(hi, n)
		}
	}
	return lo, hi
}

func (w *schemaWriter) required(s *Type) {
	r := []byte{'['}
	for _, f := range s.Fields {
		if !f.Required {
			continue
		}
		if len(r) > 1 {
			r = append(r, ',')
		}
		r = jsontext.AppendString(r, f.Name)
	}
	if len(r) > 1 {
		w.raw("required", append(r, ']'))
	}
}

// Schema returns the JSON Schema of an input, an object even if it is empty.
func (s *Type) Schema() []byte { return s.schema(nil, "", nil) }

// Paging returns the arguments of an input that fetch a list in parts.
func (s *Type) Paging() []string {
	var names []string
	for _, f := range s.Fields {
		switch strings.ToLower(strings.ReplaceAll(f.Name, "_", "")) {
		case "limit", "offset", "page", "cursor", "pagesize", "perpage", "size", "from":
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	return names
}
