package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// everyArgument calls see with each argument of each operation of each platform,
// those of lists included, alone in an input.
func everyArgument(t *testing.T, see func(op gate.Op, path string, one *Type, f *Field)) {
	t.Helper()
	var ops []gate.Op
	for _, list := range [][]gate.Op{
		wazuhtest.New(t).Client().Ops(), thehivetest.New(t).Client().Ops(), cortextest.New(t).Client().Ops(), misptest.New(t).Client().Ops(),
	} {
		ops = append(ops, list...)
	}
	for _, op := range ops {
		in, err := Input(op.In(), Leaves{})
		if err != nil {
			t.Fatal(err)
		}
		var walk func(path string, s *Type)
		walk = func(path string, s *Type) {
			for s.Elem != nil {
				s = s.Elem
			}
			for _, f := range s.Fields {
				see(op, path+f.Name, &Type{Kind: Object, Fields: []*Field{f}, Names: map[string]*Field{f.Name: f}, FixedTimes: op.Tier() != gate.TierRead}, f)
				walk(path+f.Name+".", f.Type)
			}
		}
		walk("", in)
	}
}

// bound returns what one argument is bound to when it is given as v.
func (s *Type) bound(v string) (string, error) {
	b, _, err := s.Bind(fmt.Appendf(nil, "{%q:%s}", s.Fields[0].Name, v))
	if err != nil {
		return "", err
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return "", err
	}
	return string(m[s.Fields[0].Name]), nil
}

// decoded is what the operation sees of that.
func (s *Type) decoded(t *testing.T, bound string) string {
	t.Helper()
	v := reflect.New(s.Fields[0].Type.typ)
	if err := json.Unmarshal([]byte(bound), v.Interface()); err != nil {
		t.Errorf("%s doesn't decode: %v", bound, err)
	}
	return fmt.Sprintf("%#v", v.Elem().Interface())
}

// Every argument that is a level is taken by its name, in any spelling, and by its
// number, and both are the same.
func TestEveryLevelOfEveryToolIsTakenByNameAndByNumber(t *testing.T) {
	n := map[string]int{}
	everyArgument(t, func(op gate.Op, path string, one *Type, f *Field) {
		var names map[string][]string // which must mean the same
		switch strings.ToLower(strings.TrimPrefix(f.Name, "max")) {
		case "tlp", "pap", "tlps", "paps":
			names = map[string][]string{"red": {`"RED"`, `"red"`}, "amber": {`"AMBER"`, `"Amber"`, `2`, `"2"`}, "green": {`"GREEN"`, `1`, `"1"`, `1.0`}, "clear": {`"CLEAR"`, `"WHITE"`, `0`}}
		case "severity", "severities":
			if strings.Contains(op.Name(), "vulnerabilit") {
				return // Wazuh's own words, which have no numbers
			}
			names = map[string][]string{"high": {`"high"`, `"HIGH"`, `3`, `"3"`}, "low": {`"low"`, `1`}, "critical": {`"critical"`, `4`}}
		case "threatlevel":
			names = map[string][]string{"high": {`"high"`, `"High"`, `1`, `"1"`}, "low": {`"low"`, `3`}}
		case "analysis":
			names = map[string][]string{"initial": {`"initial"`, `0`}, "complete": {`"complete"`, `2`}}
		default:
			return
		}
		n[f.Name]++
		for name, spellings := range names {
			var first string
			for i, v := range spellings {
				got, err := one.bound(v)
				if i == 0 {
					first = got
				}
				if err != nil {
					t.Errorf("%s: %s of %s: %v", op.Name(), v, path, err)
				} else if v := one.decoded(t, got); v != one.decoded(t, first) {
					t.Errorf("%s: %s of %s is %s in one spelling and %s in another", op.Name(), name, path, one.decoded(t, first), v)
				}
			}
		}
		if got, err := one.bound(`"purple"`); err == nil {
			t.Errorf("%s: a level that isn't one is taken for %s as %s", op.Name(), path, got)
		}
	})
	for _, name := range []string{"tlp", "pap", "severity", "threatLevel", "analysis"} {
		if n[name] == 0 {
			t.Errorf("no argument is called %s: nothing is tested", name)
		}
	}
}
