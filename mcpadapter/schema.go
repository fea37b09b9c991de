package mcpadapter

import (
	"strconv"
)

// How much of an output a schema tells: every tool's definition is in the
// context of the agent from the start, and results speak for themselves.
const (
	schemaDepth = 2 // objects in objects whose members are named
	docDepth    = 1 // … and described
)

// schema appends the JSON Schema of an input or of a part of one: unknown
// members are refused and required ones named.
func (s *shape) schema(b []byte, doc string, def []byte) []byte {
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
	switch s.what {
	case isArray:
		w.raw("items", s.elem.schema(nil, "", nil))
	case isMap:
		if s.elem.what != isAny {
			w.raw("additionalProperties", s.elem.schema(nil, "", nil))
		}
	case isObject:
		p := schemaWriter{b: []byte{'{'}}
		for _, f := range s.fields {
			p.raw(f.name, f.shape.schema(nil, f.doc, f.def))
		}
		w.raw("properties", append(p.b, '}'))
		w.required(s)
		w.raw("additionalProperties", []byte("false"))
	}
	return append(w.b, '}')
}

// outline returns the JSON Schema of an output that stands below depth objects.
// It promises only types, and no more the deeper it gets.
func (s *shape) outline(doc string, depth int) []byte {
	w := schemaWriter{b: []byte{'{'}}
	w.kind(s)
	if doc != "" && depth <= docDepth {
		w.text("description", doc)
	}
	switch s.what {
	case isArray:
		w.raw("items", s.elem.outline("", depth))
	case isMap:
		if s.elem.what != isAny {
			w.raw("additionalProperties", s.elem.outline("", depth))
		}
	case isObject:
		if depth < schemaDepth {
			w.raw("properties", append(s.members(depth), '}'))
		}
	}
	return append(w.b, '}')
}

// members returns the open object of the schemas of the fields of s.
func (s *shape) members(depth int) []byte {
	p := schemaWriter{b: []byte{'{'}}
	for _, f := range s.fields {
		p.raw(f.name, f.shape.outline(f.doc, depth+1))
	}
	return p.b
}

// answerSchema returns the schema of a read's answer, an object or a map, which
// has the member _truncated when it was cut.
func (s *shape) answerSchema() []byte {
	w := schemaWriter{b: []byte{'{'}}
	w.text("type", "object")
	p := schemaWriter{b: s.members(0)}
	p.raw("_truncated", []byte(truncatedSchema))
	w.raw("properties", append(p.b, '}'))
	if s.what == isMap && s.elem.what != isAny {
		w.raw("additionalProperties", s.elem.outline("", 0))
	}
	return append(w.b, '}')
}

type schemaWriter struct{ b []byte }

func (w *schemaWriter) raw(key string, json []byte) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(appendString(w.b, key), ':'), json...)
}

func (w *schemaWriter) kind(s *shape) {
	switch s.what {
	case isString:
		w.text("type", "string")
	case isInteger:
		w.text("type", "integer")
	case isNumber:
		w.text("type", "number")
	case isBoolean:
		w.text("type", "boolean")
	case isArray:
		w.text("type", "array")
	case isObject, isMap, isRaw:
		w.text("type", "object")
	}
}

func (w *schemaWriter) text(key, s string) { w.raw(key, appendString(nil, s)) }

func (w *schemaWriter) int(key string, n int64) { w.raw(key, strconv.AppendInt(nil, n, 10)) }

func (w *schemaWriter) limits(s *shape) {
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

func (w *schemaWriter) required(s *shape) {
	r := []byte{'['}
	for _, f := range s.fields {
		if !f.required {
			continue
		}
		if len(r) > 1 {
			r = append(r, ',')
		}
		r = appendString(r, f.name)
	}
	if len(r) > 1 {
		w.raw("required", append(r, ']'))
	}
}
