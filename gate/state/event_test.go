package state_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/state"
)

// What the machine of the writer applies, the machines of all others read.
func TestAnEventIsEncodedAsItsReadersSeeIt(t *testing.T) {
	texts := []string{"", "plain", `"quoted" \ and`, "<b>&amp;</b>", "line\u2028end\x00\x1f", "\xff broken", "\ufffd", `\ufffd`, "日本"}
	zone := time.FixedZone("", 7200)
	for _, kind := range state.Kinds() {
		if kind == state.EventProposed {
			continue // Proposal.Canonical prepares those
		}
		for _, text := range texts {
			for _, at := range []time.Time{time.Now().UTC(), time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC), time.Date(2026, 11, 30, 12, 0, 0, 5000, zone)} {
				for _, e := range []state.Event{
					{},
					{Sig: []byte{}, Key: []byte{}},
					{Sig: []byte("s"), Key: []byte("k")},
					{Grant: &state.Grant{Op: text}},
					{State: []byte(`{"a": 1}`)},
				} {
					e.Seq, e.Prev, e.Kind, e.Time = 7, "p", kind, at
					e.ID, e.Ref, e.Approver, e.Exec, e.Detail = text, text, text, text, text
					line, got, err := state.Encode(e)
					if err != nil {
						t.Fatal(err)
					}
					link, err := state.Format.Parse(line)
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(state.Decode(link), got); d != "" {
						t.Errorf("%s %q: (-read +written)\n%s", kind, text, d)
					}
				}
			}
		}
	}
}
