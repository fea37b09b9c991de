package jsoncodec_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// outputs returns every struct type of ours that an operation of a platform answers with.
func outputs(t *testing.T) map[reflect.Type]bool {
	t.Helper()
	found := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(x reflect.Type) {
		switch x.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
			walk(x.Elem())
		case reflect.Struct:
			if found[x] || !strings.Contains(x.PkgPath(), "sallyport") {
				return
			}
			found[x] = true
			for i := range x.NumField() {
				walk(x.Field(i).Type)
			}
		}
	}
	for _, ops := range [][]gate.Op{
		new(wazuh.Client).Ops(), new(thehive.Client).Ops(), new(cortex.Client).Ops(), new(misp.Client).Ops(),
	} {
		for _, o := range ops {
			walk(o.Out())
		}
	}
	return found
}

// TestEveryOutputTypeKeepsUnknownMembers sends random members through each type
// that has a field for them: names in any case, numbers as they are written.
func TestEveryOutputTypeKeepsUnknownMembers(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	tested := 0
	for x := range outputs(t) {
		f, ok := x.FieldByName("Extra")
		if !ok || len(f.Index) > 1 || !ast.IsExported(x.Name()) { // one that embeds, or is embedded, shows a part of another
			continue
		}
		tested++
		for range 50 {
			want := map[string]json.RawMessage{}
			for range 1 + r.IntN(5) {
				name := []byte(fmt.Sprintf("novel %c%d", 'a'+r.IntN(26), r.IntN(100)))
				for i := range name {
					if 'a' <= name[i] && name[i] <= 'z' && r.IntN(2) == 0 {
						name[i] -= 'a' - 'A'
					}
				}
				want[string(name)] = json.RawMessage([]string{`1.0`, `9007199254740993`, `-1E+400`, `"\u00e9\n"`, `{"a":[null,{}]}`, `true`, `null`, `""`}[r.IntN(8)])
			}
			in, err := json.Marshal(want)
			if err != nil {
				t.Fatal(err)
			}
			v := reflect.New(x)
			if err := json.Unmarshal(in, v.Interface()); err != nil {
				t.Fatalf("%v: %s: %v", x, in, err)
			}
			out, err := json.Marshal(v.Elem().Interface())
			if err != nil {
				t.Fatalf("%v: %v", x, err)
			}
			var got map[string]json.RawMessage
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(got, func(name string, _ json.RawMessage) bool { return !strings.HasPrefix(strings.ToLower(name), "novel") })
			if !maps.EqualFunc(want, got, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
				t.Fatalf("%v: %s came back as %s", x, in, out)
			}
		}
	}
	if tested < 40 {
		t.Errorf("%d types were tested", tested)
	}
}
