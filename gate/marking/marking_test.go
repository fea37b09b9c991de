package marking_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/gate/marking"
	"github.com/sallyport-soc/sallyport/thehive"
)

// RED is 4 at TheHive and 3 at Cortex, and 3 is AMBER+STRICT at TheHive.
func TestALevelMeansTheSameWhicheverPlatformItCameFrom(t *testing.T) {
	var hive thehive.TLP
	var job cortex.TLP
	if err := errors.Join(json.Unmarshal([]byte("4"), &hive), json.Unmarshal([]byte("3"), &job)); err != nil {
		t.Fatal(err)
	}
	if hive != marking.TLPRed || thehive.TLP(job) != hive || cortex.TLP(hive) != job || job != cortex.TLPRed {
		t.Errorf("RED is %s at TheHive and %s at Cortex", hive, job)
	}
	for number, want := range map[string]cortex.TLP{"0": cortex.TLPClear, "1": cortex.TLPGreen, "2": cortex.TLPAmber, "3": cortex.TLPRed, "4": 5, "-1": -1} {
		var got cortex.TLP
		if err := json.Unmarshal([]byte(number), &got); err != nil || got != want {
			t.Errorf("Cortex's %s is %d, %v", number, got, err)
		}
		if b, err := json.Marshal(got); err != nil || string(b) != number {
			t.Errorf("Cortex's %s is written as %s, %v", number, b, err)
		}
	}
	if s := cortex.TLP(5).String(); s != "level 4" {
		t.Errorf("a level that Cortex hasn't is shown as %s", s)
	}
}

func TestALevelThatCortexHasNotIsRefusedOrRaisedAndNeverLowered(t *testing.T) {
	if b, err := json.Marshal(cortex.TLP(marking.TLPAmberStrict)); !errors.Is(err, cortex.ErrInvalid) {
		t.Errorf("AMBER+STRICT was written as %s, %v", b, err)
	}
	for tlp, want := range map[marking.TLP]cortex.TLP{
		marking.TLPClear: cortex.TLPClear, marking.TLPAmber: cortex.TLPAmber, marking.TLPAmberStrict: cortex.TLPRed, marking.TLPRed: cortex.TLPRed,
	} {
		if got := cortex.TLPOf(tlp); got != want {
			t.Errorf("%s is kept as close as %s", tlp, got)
		}
	}
}

func TestALevelIsReadAsPeopleWriteIt(t *testing.T) {
	for text, want := range map[string]marking.TLP{"TLP:AMBER+STRICT": 3, "white": 0, " red ": 4, "2": 2} {
		var got marking.TLP
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %s, %v", text, got, err)
		}
	}
	var p marking.PAP
	if err := p.UnmarshalText([]byte("4")); !errors.Is(err, connect.ErrInvalid) {
		t.Errorf("PAP 4 is %s, %v", p, err)
	}
}

func ExampleTLP() {
	var observable thehive.Observable
	observable.TLP = thehive.TLPAmberStrict
	fmt.Println(observable.TLP, observable.TLP.Tag(), cortex.TLPOf(observable.TLP))
	// Output: AMBER+STRICT tlp:amber+strict RED
}
