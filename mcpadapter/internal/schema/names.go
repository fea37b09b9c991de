package schema

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/fielddoc"
)

// Snake turns caseId and excludeIDs into case_id and exclude_ids.
func Snake(name string) string {
	if strings.ToLower(name) == name {
		return name
	}
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

// Camel turns case_id into caseId.
func Camel(name string) string {
	if strings.LastIndexByte(name, '_') < 1 {
		return name
	}
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

// jsonField is a field as encoding/json sees it.
type jsonField struct {
	in        reflect.Type // the struct that declares it
	sf        reflect.StructField
	name      string
	index     []int
	omit      bool // omitempty or omitzero
	asString  bool
	format    string // of a time, if it isn't that of RFC 3339
	ambiguous bool   // another has the name, at the same depth
	hidden    bool   // another has the name, further out
}

func (jf jsonField) field() *Field {
	return &Field{Name: jf.name, Doc: cmp.Or(jf.sf.Tag.Get("jsonschema"), fielddoc.Of(jf.in, jf.sf.Name)), index: jf.index,
		Required:  !jf.omit,
		untrusted: jf.sf.Tag.Get("untrusted") == "true", trusted: jf.sf.Tag.Get("untrusted") == "false"}
}

// jsonFields returns the members that encoding/json gives t, in order: embedded
// structs are flattened, and of two fields with the same name the outer wins.
func jsonFields(t reflect.Type) []jsonField {
	if list, ok := fieldsOf.Load(t); ok {
		return list.([]jsonField)
	}
	list := readFields(t)
	fieldsOf.Store(t, list)
	return list
}

var fieldsOf sync.Map // of reflect.Type to []jsonField: many outputs share their parts

func readFields(t reflect.Type) []jsonField {
	all := make([]jsonField, 0, t.NumField())
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
			jf := jsonField{in: t, sf: sf, name: name, index: at}
			if jf.name == "" {
				jf.name = sf.Name
			}
			for o := range strings.SplitSeq(opts, ",") {
				jf.omit = jf.omit || o == "omitempty" || o == "omitzero"
				jf.asString = jf.asString || o == "string"
				if form, ok := strings.CutPrefix(o, "format:"); ok && sf.Type == timeType {
					jf.format = form
				}
			}
			all = append(all, jf)
		}
	}
	walk(t, nil, nil)
	for i := range all {
		jf := &all[i]
		for j, o := range all {
			if i != j && o.name == jf.name {
				jf.hidden = jf.hidden || len(o.index) < len(jf.index)
				jf.ambiguous = jf.ambiguous || len(o.index) == len(jf.index)
			}
		}
	}
	return slices.DeleteFunc(all, func(jf jsonField) bool { return jf.hidden })
}
