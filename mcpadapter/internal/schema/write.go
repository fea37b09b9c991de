package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/mcpadapter/internal/jsontree"
)

// How much of an output a schema tells: every tool's definition is in the
// context of the agent from the start, and results speak for themselves.
const (
	schemaDepth = 2 // objects in objects whose members are named
	docDepth    = 1 // … and described
)

// schema appends the JSON Schema of an input or of a part of one: unknown
// members are refused and required ones named.
func (s *Type) schema(b []byte, doc string, def []byte) []byte {
	w := schemaWriter{b: append(b, '{')}
	w.kind(s)
	if doc != "" {
		w.text("description", doc)
	}
	w.limits(s)
	if s.format != "" {
		w.text("format", s.format)
	}
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
		w.raw("additionalProperties", []byte("false"))
	}
	return append(w.b, '}')
}

// outline returns the JSON Schema of an output that stands below depth objects.
// It promises only types, and no more the deeper it gets.
func (s *Type) outline(doc string, depth int) []byte {
	w := schemaWriter{b: []byte{'{'}}
	w.kind(s)
	if doc != "" && depth <= docDepth {
		w.text("description", doc)
	}
	switch s.Kind {
	case Array:
		w.raw("items", s.Elem.outline("", depth))
	case Map:
		if s.Elem.Kind != Any {
			w.raw("additionalProperties", s.Elem.outline("", depth))
		}
	case Object:
		if depth < schemaDepth {
			w.raw("properties", append(s.members(depth), '}'))
		}
	}
	return append(w.b, '}')
}

// members returns the open object of the schemas of the fields of s.
func (s *Type) members(depth int) []byte {
	p := schemaWriter{b: []byte{'{'}}
	for _, f := range s.Fields {
		p.raw(f.Name, f.Type.outline(f.Doc, depth+1))
	}
	return p.b
}

// answerSchema returns the schema of a read's answer, an object or a map, which
// has the member _truncated when it was cut.
func (s *Type) AnswerSchema() []byte {
	w := schemaWriter{b: []byte{'{'}}
	w.text("type", "object")
	p := schemaWriter{b: s.members(0)}
	p.raw("_truncated", []byte(TruncatedSchema))
	w.raw("properties", append(p.b, '}'))
	if s.Kind == Map && s.Elem.Kind != Any {
		w.raw("additionalProperties", s.Elem.outline("", 0))
	}
	return append(w.b, '}')
}

type schemaWriter struct{ b []byte }

func (w *schemaWriter) raw(key string, json []byte) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(jsontree.AppendString(w.b, key), ':'), json...)
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

func (w *schemaWriter) text(key, s string) { w.raw(key, jsontree.AppendString(nil, s)) }

func (w *schemaWriter) int(key string, n int64) { w.raw(key, strconv.AppendInt(nil, n, 10)) }

func (w *schemaWriter) limits(s *Type) {
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
	if s.minimum != nil {
		w.int("minimum", *s.minimum)
	}
	if s.maximum != nil {
		w.int("maximum", *s.maximum)
	}
	for _, l := range []struct {
		key string
		n   *int
	}{{"minLength", s.minLength}, {"maxLength", s.maxLength}, {"minItems", s.minItems}, {"maxItems", s.maxItems}} {
		if l.n != nil {
			w.int(l.key, int64(*l.n))
		}
	}
	if s.pattern != nil {
		w.text("pattern", s.pattern.String())
	}
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
		r = jsontree.AppendString(r, f.Name)
	}
	if len(r) > 1 {
		w.raw("required", append(r, ']'))
	}
}

// Schema returns the JSON Schema of an input.
func (s *Type) Schema() []byte { return s.schema(nil, "", nil) }

// Outline returns the JSON Schema of an output that stands in an envelope.
func (s *Type) Outline() []byte { return s.outline("", docDepth+1) }

// Wrapped returns the type of an object whose only member, name, is of type s.
func (s *Type) Wrapped(name string) *Type {
	return &Type{Kind: Object, Fields: []*Field{{Name: name, Type: s}}}
}

// TruncatedSchema describes the member that says what of an answer was cut.
const TruncatedSchema = `{"type":"array","description":"What was left out, and how to get it.","items":{"type":"object"}}`

// PagingHow says how to get what was cut, by the paging arguments of an input.
func (s *Type) PagingHow() string {
	var names []string
	for _, f := range s.Fields {
		switch strings.ToLower(strings.ReplaceAll(f.Name, "_", "")) {
		case "limit", "offset", "page", "cursor", "pagesize", "perpage", "size", "from":
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return "ask for less: this tool has no paging arguments"
	}
	slices.Sort(names)
	return "ask for the rest, in smaller parts, with " + strings.Join(names, ", ")
}
