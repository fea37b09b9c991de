package misp_test

import (
	"fmt"
	"testing"

	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// MISP leaves out what is on a warninglist after it has cut a page, so that a page with
// few rows, or none, isn't the last.
func TestAWalkGoesOnWhereWhatIsListedWasLeftOut(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	var values []misptest.Attribute
	var listed []string
	for i := range 400 {
		v := fmt.Sprintf("h%d.example", i)
		values = append(values, misptest.Attribute{Type: "domain", Value: v})
		if i%9 == 0 || i > 100 && i < 200 {
			listed = append(listed, v)
		}
	}
	m.AddWarninglist(misptest.Warninglist{Name: "of the walk", Type: "string", Enabled: true, Entries: listed})
	event := m.AddEvent(misptest.Event{Info: "listed", Attributes: values})
	for _, limit := range []int{10, 40, 500} {
		n := 0
		for a, err := range m.Client().Attributes(t.Context(), misp.SearchAttributesInput{EventID: misp.EventRef(event), DropListed: true, Limit: limit}) {
			if n++; err != nil {
				t.Fatal(limit, a, err)
			}
		}
		if n != len(values)-len(listed) {
			t.Errorf("limit %d: %d of %d attributes came", limit, n, len(values)-len(listed))
		}
	}
}

func TestAWalkSkipsNothingWhenSomebodyElseDeletes(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	var values []misptest.Attribute
	for i := range 300 {
		values = append(values, misptest.Attribute{Type: "comment", Value: fmt.Sprint("value ", i)})
	}
	event := misp.EventRef(m.AddEvent(misptest.Event{Info: "of two", Attributes: values}))
	mine, theirs := m.Client(), m.Client()
	n := 0
	for a, err := range mine.Attributes(t.Context(), misp.SearchAttributesInput{EventID: event, Limit: 20}) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%2 == 0 {
			if _, err := theirs.DeleteAttribute(t.Context(), misp.DeleteAttributeInput{AttributeID: misp.Ref(a.ID)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != 300 {
		t.Errorf("%d of 300 attributes came", n)
	}
}
