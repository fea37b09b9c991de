package mcpadapter

import (
	"strconv"
)

// schema appends the JSON Schema of s. strict is for inputs: unknown members
// are refused and required ones named. An output promises only types.
func (s *shape) schema(b []byte, doc string, def []byte, strict bool) []byte {
	w := schemaWriter{b: append(b, '{')}
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
	if doc != "" {
		w.text("description", doc)
	}
	if strict {
		w.limits(s)
	}
	if s.format != "" {
		w.text("format", s.format)
	}
	if s.bytes && strict {
		w.text("contentEncoding", "base64")
	}
	if def != nil {
		w.raw("default", def)
	}
	switch s.what {
	case isArray:
		w.raw("items", s.elem.schema(nil, "", nil, strict))
	case isMap:
		if s.elem.what != isAny {
			w.raw("additionalProperties", s.elem.schema(nil, "", nil, strict))
		}
	case isObject:
		w.raw("properties", s.properties(strict))
		if strict {
			w.required(s)
			w.raw("additionalProperties", []byte("false"))
		}
	}
	return append(w.b, '}')
}

func (s *shape) properties(strict bool) []byte {
	p := schemaWriter{b: []byte{'{'}}
	for _, f := range s.fields {
		doc := f.doc
		if f.untrusted {
			if doc != "" {
				doc += " "
			}
			doc += "Untrusted text."
		}
		p.raw(f.name, f.shape.schema(nil, doc, f.def, strict))
	}
	return append(p.b, '}')
}

// answerSchema returns the schema of a read's answer, an object or a map, which
// has the member _truncated when it was cut.
func (s *shape) answerSchema() []byte {
	w := schemaWriter{b: []byte{'{'}}
	w.text("type", "object")
	p := schemaWriter{b: s.properties(false)}
	p.b = p.b[:len(p.b)-1]
	p.raw("_truncated", []byte(truncatedSchema))
	w.raw("properties", append(p.b, '}'))
	if s.what == isMap && s.elem.what != isAny {
		w.raw("additionalProperties", s.elem.schema(nil, "", nil, false))
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
