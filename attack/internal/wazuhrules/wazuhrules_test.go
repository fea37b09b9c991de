package wazuhrules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack/internal/wazuhrules"
)

func TestStockRulesDeclareTheirIDs(t *testing.T) {
	t.Parallel()
	for rule, want := range map[int][]string{
		5710:  {"T1110.001", "T1021.004"},
		60106: {"T1078"},
		5501:  {"T1078"},
		99522: {"TA0011"},
		99701: {"$(threat.software.id)"},
		1:     {},
	} {
		got, ok := wazuhrules.IDs(rule)
		if !ok {
			t.Errorf("rule %d isn't a stock rule", rule)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("rule %d (-want +got):\n%s", rule, diff)
		}
	}
}

func TestLocalRulesAreNotStockRules(t *testing.T) {
	t.Parallel()
	for _, rule := range []int{0, -1, 100001, 1 << 40} {
		if ids, ok := wazuhrules.IDs(rule); ok || ids != nil {
			t.Errorf("rule %d is a stock rule with %v", rule, ids)
		}
	}
}

func TestAllStockRulesAreThere(t *testing.T) {
	t.Parallel()
	rules, mapped := wazuhrules.Len()
	if rules != 4512 || mapped != 1060 {
		t.Errorf("%d rules, %d with ids; want 4512 and 1060", rules, mapped)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(wazuhrules.Encode(map[int][]string{5710: {"T1110.001", "T1021.004"}, 60106: {"T1078"}, 1: nil}))
	f.Fuzz(func(t *testing.T, table []byte) {
		rules, err := wazuhrules.Decode(table)
		if err != nil {
			return
		}
		if _, err := wazuhrules.Decode(wazuhrules.Encode(rules)); err != nil {
			t.Error(err)
		}
	})
}
