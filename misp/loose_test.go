package misp_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/misp"
)

func TestLooseTypes(t *testing.T) {
	t.Parallel()
	type loose struct {
		Int   misp.Int
		Bool  misp.Bool
		ID    misp.ID
		Map   misp.Map[misp.Int]
		List  misp.List[misp.ID]
		Items misp.List[map[string]string]
		Dist  misp.Distribution
	}
	for in, want := range map[string]loose{
		`{"Int":12,"Bool":true,"ID":3,"Map":{"a":"1"},"List":["1",2],"Dist":"3"}`:                   {Int: 12, Bool: true, ID: "3", Map: misp.Map[misp.Int]{"a": 1}, List: misp.List[misp.ID]{"1", "2"}, Dist: 3},
		`{"Int":"-7","Bool":"1","ID":"3","Map":[],"List":{"0":"a","7":"c","2":"b"},"Dist":3}`:       {Int: -7, Bool: true, ID: "3", List: misp.List[misp.ID]{"a", "b", "c"}, Dist: 3},
		`{"Int":null,"Bool":null,"ID":null,"Map":null,"List":null,"Items":null}`:                    {},
		`{"Int":"","Bool":"","ID":"","Map":{},"List":[],"Items":{}}`:                                {Map: misp.Map[misp.Int]{}, List: misp.List[misp.ID]{}},
		`{"Int":false,"Bool":0,"ID":false,"Items":{"id":"1"}}`:                                      {Items: misp.List[map[string]string]{{"id": "1"}}},
		`{"Int":true,"Bool":1,"ID":"38a47dd0-1fc4-4629-886d-5be502b3c79b","Items":{"3":{"7":"x"}}}`: {Int: 1, Bool: true, ID: "38a47dd0-1fc4-4629-886d-5be502b3c79b", Items: misp.List[map[string]string]{{"7": "x"}}},
		`{"Int":9223372036854775807,"Bool":"false","ID":12345678901234567890,"List":[null]}`:        {Int: 9223372036854775807, ID: "12345678901234567890", List: misp.List[misp.ID]{""}},
	} {
		var got loose
		if err := json.Unmarshal([]byte(in), &got); err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
	for _, in := range []string{`{"Int":"1.5"}`, `{"Int":"x"}`, `{"Int":[]}`, `{"Int":1e3}`, `{"Int":9223372036854775808}`, `{"Bool":2}`, `{"Bool":"no"}`, `{"Bool":{}}`, `{"ID":{}}`, `{"Map":["a"]}`, `{"Map":"a"}`, `{"List":"a"}`} {
		var got loose
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s: no error, %+v", in, got)
		}
	}
}

func FuzzEvent(f *testing.F) {
	for _, s := range []string{`{"id":"1","published":0,"Tag":[],"Attribute":{"3":{"id":7,"value":"x","to_ids":"1"}},"x":{"y":[1]}}`, `{"Object":[{"Attribute":null}],"RelatedEvent":{"Event":{"id":1}}}`, `{"id":[]}`, `[]`, `null`, `{"Attribute":[null]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e misp.Event
		if json.Unmarshal(b, &e) != nil {
			return
		}
		once, err := json.Marshal(e)
		if err != nil {
			t.Fatalf("decoded, but doesn't encode: %v", err)
		}
		var again misp.Event
		if err := json.Unmarshal(once, &again); err != nil {
			t.Fatalf("its own encoding doesn't decode: %v\n%s", err, once)
		}
		twice, err := json.Marshal(again)
		if err != nil || string(twice) != string(once) {
			t.Fatalf("not stable: %v\n%s\n%s", err, once, twice)
		}
	})
}

const recordings = "../../shared/vendor/misp-recordings"

var fence = regexp.MustCompile("(?s)Response: \\*\\*200\\*\\*\n(?:- [^\n]*\n)*```\n(.*?)\n```")

// TestRecordings decodes what a real MISP 2.5.1 answered, and checks that
// nothing is lost on the way: events, attributes, warninglists and hits, one by
// one or in lists, with strings for integers and without.
func TestRecordings(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(recordings + ".md")
	if err != nil {
		t.Skip("the recordings are not at hand: ", err)
	}
	bodies := map[string][]byte{}
	for i, m := range fence.FindAllSubmatch(text, -1) {
		bodies[fmt.Sprintf("answer %d of the record", i+1)] = m[1]
	}
	files, err := filepath.Glob(recordings + "/*.body")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if bodies[f], err = os.ReadFile(f); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for name, body := range bodies {
		var whole any
		if json.Unmarshal(body, &whole) != nil {
			continue // an export, or cut off in the record
		}
		walk(whole, func(kind string, v any) {
			seen[kind]++
			roundTrip(t, name, kind, v)
		})
	}
	for kind, least := range map[string]int{"Event": 100, "Attribute": 500, "Warninglist": 200, "hits": 5, "Tag": 100, "Galaxy": 100, "GalaxyCluster": 5, "ObjectTemplate": 3, "ObjectTemplateElement": 20, "Object": 20, "Sighting": 20, "Organisation": 20} {
		if seen[kind] < least {
			t.Errorf("%d of %s were found, want at least %d", seen[kind], kind, least)
		}
	}
	t.Log(seen)
}

// walk finds what a type of ours stands for.
func walk(v any, found func(kind string, v any)) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			walk(x, found)
		}
	case map[string]any:
		for k, x := range v {
			list, isList := x.([]any)
			o, isObject := x.(map[string]any)
			switch {
			case isObject && slices.Contains([]string{"Event", "Warninglist", "Attribute", "Tag", "SharingGroup", "Galaxy", "GalaxyCluster", "ObjectTemplate", "Object", "Sighting", "Organisation"}, k) && o["id"] != nil:
				found(k, x)
			case isList && slices.Contains([]string{"Attribute", "Tag", "Object", "Sighting", "GalaxyCluster", "ObjectTemplateElement"}, k):
				for _, y := range list {
					found(k, y)
				}
			case isList && len(list) > 0:
				if h, ok := list[0].(map[string]any); ok && h["matched"] != nil {
					found("hits", v)
				}
			}
			walk(x, found)
		}
	}
}

func roundTrip(t *testing.T, name, kind string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var into any
	switch kind {
	case "Event":
		into = new(misp.Event)
		if o := v.(map[string]any); o["Attribute"] == nil { // as it stands within something else
			into = new(misp.EventSummary)
		}
	case "Attribute":
		into = new(misp.Attribute)
		if o := v.(map[string]any); o["to_ids"] == nil || o["type"] == nil {
			into = new(misp.RelatedAttribute)
		}
	case "Warninglist":
		into = new(misp.Warninglist)
	case "hits":
		into = new(misp.Map[misp.List[*misp.WarninglistHit]])
	case "Tag":
		into = new(misp.Tag)
		if v.(map[string]any)["count"] != nil {
			into = new(misp.TagUse)
		}
	case "SharingGroup":
		into = new(misp.SharingGroup)
	case "Galaxy":
		into = new(misp.Galaxy)
	case "GalaxyCluster":
		into = new(misp.Cluster)
	case "ObjectTemplate":
		into = new(misp.ObjectTemplate)
	case "ObjectTemplateElement":
		into = new(misp.TemplateElement)
	case "Object":
		into = new(misp.Object)
	case "Sighting":
		into = new(misp.Sighting)
	case "Organisation":
		into = new(misp.OrganisationDetail)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Errorf("%s: %s: %v", name, kind, err)
		return
	}
	out, err := json.Marshal(into)
	if err != nil {
		t.Errorf("%s: %s: %v", name, kind, err)
		return
	}
	var back any
	if err := json.Unmarshal(out, &back); err != nil {
		t.Fatal(err)
	}
	for _, l := range lost(v, back, kind) {
		t.Errorf("%s: %s", name, l)
	}
}

// lost lists what is in a and not in b, or differs but for how it is written.
func lost(a, b any, path string) (list []string) {
	switch a := a.(type) {
	case map[string]any:
		o, ok := b.(map[string]any)
		if !ok && len(a) > 0 {
			return []string{path}
		}
		for k, v := range a {
			w, ok := o[k]
			switch {
			case ok:
				list = append(list, lost(v, w, path+"."+k)...)
			case !slices.Contains([]string{"<nil>", "", "0", "false", "[]", "map[]"}, fmt.Sprint(v)):
				list = append(list, path+"."+k)
			}
		}
	case []any:
		l, ok := b.([]any)
		if !ok || len(l) != len(a) {
			return []string{path}
		}
		for i := range a {
			list = append(list, lost(a[i], l[i], fmt.Sprintf("%s[%d]", path, i))...)
		}
	default:
		text := func(v any) string {
			if f, ok := v.(float64); ok {
				v = int64(f)
			}
			return strings.NewReplacer("<nil>", "").Replace(fmt.Sprint(v))
		}
		x, y := text(a), text(b)
		same := x == y || x == "1" && y == "true" || (x == "0" || x == "") && (y == "false" || y == "0" || y == "")
		if !same {
			list = append(list, fmt.Sprintf("%s: %s became %s", path, x, y))
		}
	}
	return list
}
