package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
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

var dateName = regexp.MustCompile(`(?i)(date|time|after|before|seen|sightedAt|updatedAt|timestamp|expires|until|timeline)$`)

// when is what an operation takes a date for that was bound as bound; own says
// that it reads the text itself.
func (s *Type) when(t *testing.T, bound string) (at time.Time, own bool) {
	t.Helper()
	in := reflect.New(s.Fields[0].Type.typ)
	if err := json.Unmarshal([]byte(bound), in.Interface()); err != nil {
		t.Errorf("%s doesn't decode: %v", bound, err)
		return at, false
	}
	switch v := in.Elem().Interface().(type) {
	case time.Time:
		return v, false
	case *thehive.Date:
		return time.UnixMilli(int64(*v)), false
	case wazuh.When:
		return at, true
	case thehive.Date:
		if v < 0 {
			return time.Now().Add(time.Duration(v) * time.Millisecond), false
		}
		return time.UnixMilli(int64(v)), false
	default:
		text := reflect.ValueOf(v).String()
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, text)
		}
		if err != nil {
			t.Errorf("%s is no date: %v", bound, err)
		}
		return at, false
	}
}

// Every argument that is a date is taken in each way that people and programs write
// one; what depends on when it is said is not taken by a call that is repeated later.
func TestEveryDateOfEveryToolIsTakenAsPeopleAndProgramsWriteIt(t *testing.T) {
	n := 0
	everyArgument(t, func(op gate.Op, path string, one *Type, f *Field) {
		if f.Type.Kind != String || !dateName.MatchString(f.Name) {
			return
		}
		n++
		const day = 24 * time.Hour
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		for _, v := range []string{`"2026-01-02T03:04:05Z"`, `"2026-01-02T04:04:05+01:00"`, `"2026-01-02 03:04:05"`, `"2026-01-02"`, `1767323045`, `"1767323045"`, `1767323045000`, `"1767323045000"`} {
			b, err := one.bound(v)
			if err != nil {
				t.Errorf("%s: %s of %s: %v", op.Name(), v, path, err)
				continue
			}
			got, own := one.when(t, b)
			if midnight := at.Truncate(day); !own && !got.Equal(at) && !(got.Equal(midnight) && (v == `"2026-01-02"` || len(b) == len(`"2026-01-02"`))) {
				t.Errorf("%s: %s of %s is %s", op.Name(), v, path, got)
			}
		}
		for v, ago := range map[string]time.Duration{`"24h"`: day, `"now-7d"`: 7 * day, `"now"`: 0} {
			b, err := one.bound(v)
			if one.FixedTimes && f.Type.moment == noMoment { // its operation refuses it
				continue
			}
			if one.FixedTimes {
				if err == nil || !strings.Contains(err.Error(), "say the time itself") {
					t.Errorf("%s: %s of %s, of a call that is repeated, is bound as %s, %v", op.Name(), v, path, b, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %s of %s: %v", op.Name(), v, path, err)
				continue
			}
			got, own := one.when(t, b)
			if off := time.Since(got) - ago; !own && (off < -time.Minute || off > day+time.Hour) {
				t.Errorf("%s: %s of %s is %s", op.Name(), v, path, got)
			}
		}
		for _, v := range []string{`"yesterday"`, `true`} {
			if b, err := one.bound(v); err == nil {
				t.Errorf("%s: %s, which is no date, is taken for %s as %s", op.Name(), v, path, b)
			}
		}
	})
	if n < 25 {
		t.Errorf("%d arguments are dates: the test looks at too few", n)
	}
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

func TestATextThatIsRefusedIsNotToldThatATextIsWanted(t *testing.T) {
	seen := map[string]string{}
	everyArgument(t, func(op gate.Op, path string, one *Type, _ *Field) {
		_, err := one.bound(`"no such thing"`)
		if err == nil {
			return
		}
		if strings.Contains(err.Error(), "want a string, got") {
			t.Errorf("%s %s: %v", op.Name(), path, err)
		}
		seen[op.Name()+" "+path] = err.Error()
	})
	for path, want := range map[string]string{
		"thehive_create_case severity":    `severity: "no such thing" is no severity: want LOW, MEDIUM, HIGH, CRITICAL, or 1 to 4`,
		"thehive_create_case tlp":         `tlp: "no such thing" is no TLP: want CLEAR, GREEN, AMBER, AMBER+STRICT, RED, or 0 to 4`,
		"thehive_list_cases createdAfter": `createdAfter: "no such thing" is no date: want 2026-03-02T08:00:00Z, 2026-03-02, 24h for that long ago, or seconds or milliseconds since 1970`,
	} {
		if diff := cmp.Diff(want, seen[path]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}
