package misp_test

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// numbered yields n different addresses.
func numbered(n int) iter.Seq[misp.NewAttribute] {
	return func(yield func(misp.NewAttribute) bool) {
		for i := range n {
			if !yield(misp.NewAttribute{Type: "ip-dst", Value: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)}) {
				return
			}
		}
	}
}

// TestTenThousandAttributes adds as many in batches, with one bad value in every
// thousand, and reads them back a page at a time.
func TestTenThousandAttributes(t *testing.T) {
	t.Parallel()
	const n = 10000
	m := misptest.New(t)
	id := misp.EventRef(m.AddEvent(misptest.Event{Info: "many"}))
	c := m.Client()
	values := func(yield func(misp.NewAttribute) bool) {
		i := 0
		for a := range numbered(n) {
			if i++; i%1000 == 0 {
				a.Value = fmt.Sprintf("not an address %d", i)
			}
			if !yield(a) {
				return
			}
		}
	}
	m.Requests()
	status := map[misp.AddStatus]int{}
	for r, err := range c.AddAttributes(t.Context(), id, values) {
		if err != nil {
			t.Fatal(err)
		}
		if status[r.Status]++; r.Status == misp.Refused && r.Error != "value: IP address has an invalid format." {
			t.Errorf("refused without MISP's reason: %+v", r)
		}
	}
	if diff := cmp.Diff(map[misp.AddStatus]int{misp.Added: n - n/1000, misp.Refused: n / 1000}, status); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if sent := len(m.Requests()); sent != 1+n/250 {
		t.Errorf("%d requests, want one for the event and one for each 250 values", sent)
	}

	seen, requests := map[string]bool{}, 0
	for a, err := range c.Attributes(t.Context(), misp.SearchAttributesInput{EventID: id, Limit: 500}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[a.Value] {
			t.Fatalf("%s twice", a.Value)
		}
		seen[a.Value] = true
		requests += len(m.Requests())
		if most := (len(seen)-1)/450 + 2; requests > most { // never more than the page in hand, which begins with some of the one before, and the next
			t.Fatalf("%d requests after %d attributes", requests, len(seen))
		}
	}
	if len(seen) != n-n/1000 {
		t.Errorf("%d were read back", len(seen))
	}
	rows := 0
	for _, err := range c.Attributes(t.Context(), misp.SearchAttributesInput{EventID: id}) {
		if rows++; err != nil {
			t.Fatal(err)
		}
	}
	if sent := len(m.Requests()); rows != len(seen) || sent != 6 { // 500, 500, 1000, 2000 and twice 4000
		t.Errorf("%d were read back by %d requests, which are to grow on the way", rows, sent)
	}
}

// TestAddingTakesConstantMemory adds ten times as many values and measures the
// heap: each has its result, and it must not grow along.
func TestAddingTakesConstantMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures the heap many times")
	}
	most := func(n int) int64 {
		c := served(t, 0)
		w := &peak{every: 500}
		w.start = heap()
		added := 0
		for r, err := range c.AddAttributes(t.Context(), "1", numbered(n)) {
			if err != nil || r.Status != misp.Added || r.ID == "" {
				t.Fatal(r, err)
			}
			added++
			w.look()
		}
		if added != n {
			t.Errorf("%d results of %d", added, n)
		}
		return w.most
	}
	small, large := most(1000), most(10000)
	t.Logf("heap above the start: %d KiB, then %d", small>>10, large>>10)
	if large > small+1<<20 {
		t.Errorf("it grows: from %d to %d bytes", small, large)
	}
}

func TestAddAttributesAgain(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	id := misp.EventRef(m.AddEvent(misptest.Event{Info: "some", Attributes: []misptest.Attribute{{Type: "ip-dst", Value: "10.0.0.7"}}}))
	other := misp.EventRef(m.AddEvent(misptest.Event{Info: "other"}))
	c := m.Client()
	for round, want := range []map[misp.AddStatus]int{{misp.Added: 149, misp.Existing: 1}, {misp.Existing: 150}} {
		got := map[misp.AddStatus]int{}
		for r, err := range c.AddAttributes(t.Context(), id, numbered(150)) {
			if err != nil || r.ID == "" {
				t.Fatal(r, err)
			}
			got[r.Status]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("round %d (-want +got):\n%s", round+1, diff)
		}
	}
	for r, err := range c.AddAttributes(t.Context(), other, numbered(3)) {
		if err != nil || r.Status != misp.Added {
			t.Errorf("in another event: %+v, %v", r, err)
		}
	}
}

func TestAddAttributesStops(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	id := misp.EventRef(m.AddEvent(misptest.Event{Info: "some"}))
	c := m.Client(func(cfg *misp.Config) { cfg.APIKey = misptest.ReadOnlyKey })
	var got []string
	var last error
	for r, err := range c.AddAttributes(t.Context(), id, numbered(600)) {
		if err != nil {
			last = err
			continue
		}
		got = append(got, string(r.Status))
	}
	if !errors.Is(last, misp.ErrForbidden) || len(got) != 250 || strings.Join(got, "") != strings.Repeat("not_tried", 250) {
		t.Errorf("%d results, then %v; want the first batch untried and no further", len(got), last)
	}
	for range c.AddAttributes(t.Context(), id, numbered(250)) {
		break // and no panic
	}
	for r, err := range m.Client().AddAttributes(t.Context(), id, func(yield func(misp.NewAttribute) bool) { yield(misp.NewAttribute{Type: "!", Value: "x"}) }) {
		if err != nil || r.Status != misp.Refused {
			t.Errorf("a value that is no value: %+v, %v", r, err)
		}
	}
	for r, err := range m.Client().AddAttributes(t.Context(), "999", numbered(1)) {
		if !errors.Is(err, misp.ErrNotFound) {
			t.Errorf("no such event: %+v, %v", r, err)
		}
	}
}

// TestDroppedAttributes checks that what MISP leaves out of its answer isn't
// taken for added, and that its errors are matched by index.
func TestDroppedAttributes(t *testing.T) {
	t.Parallel()
	c := answering(t, map[string]string{"/events/view/4": bareEvent,
		"/attributes/add/4": `{"Attribute":{"id":"9","type":"ip-src","value":"192.0.2.3"},"AttributeTag":[],"errors":{"attribute_1":{"value":["IP address has an invalid format."]},"attribute_77":{}}}`})
	out, err := c.AddAttributesBulk(t.Context(), misp.AddAttributesBulkInput{EventID: "4", Attributes: ip("192.0.2.1", "bad", "192.0.2.3")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"refused", "refused", "added"}, statuses(out)); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if !strings.Contains(out.Results[0].Error, "dropped it without a word") || out.Results[1].Error != "value: IP address has an invalid format." || out.Results[2].ID != "9" {
		t.Errorf("results: %+v %+v %+v", out.Results[0], out.Results[1], out.Results[2])
	}
}

func BenchmarkAddAttributes(b *testing.B) {
	m := misptest.New(b)
	c := m.Client()
	b.ReportAllocs()
	for b.Loop() {
		id := misp.EventRef(m.AddEvent(misptest.Event{Info: "many"}))
		for _, err := range c.AddAttributes(b.Context(), id, numbered(1000)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkAttributes(b *testing.B) {
	m := misptest.New(b)
	c := m.Client()
	id := misp.EventRef(m.AddEvent(misptest.Event{Info: "many"}))
	for _, err := range c.AddAttributes(b.Context(), id, numbered(2000)) {
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range c.Attributes(b.Context(), misp.SearchAttributesInput{EventID: id, Limit: 500}) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkAHundredThousandAttributes adds them in batches and reads them back,
// and tells how much more memory is in use on the way than before.
func BenchmarkAHundredThousandAttributes(b *testing.B) {
	const n = 100_000
	m := misptest.New(b)
	c := m.Client(func(cfg *misp.Config) { cfg.MaxBody = 4 << 20 })
	for b.Loop() {
		id := misp.EventRef(m.AddEvent(misptest.Event{Info: "many"}))
		added, read := 0, 0
		for a, err := range c.AddAttributes(b.Context(), id, numbered(n)) {
			if err != nil || a.Status != misp.Added {
				b.Fatal(a, err)
			}
			added++
		}
		for _, err := range c.Attributes(b.Context(), misp.SearchAttributesInput{EventID: id, Limit: 500}) {
			if err != nil {
				b.Fatal(err)
			}
			read++
		}
		if added != n || read != n {
			b.Fatal(added, read)
		}
	}
}
