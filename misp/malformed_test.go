package misp_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/misp"
)

func TestARowThatCannotBeReadIsShownWithTheOthers(t *testing.T) {
	t.Parallel()
	attributes, err := answering(t, map[string]string{"/attributes/restSearch": `{"response":{"Attribute":[{"id":"2","type":"domain","value":"a.example"},{"id":"1","type":"domain","value":{}}]}}`}).
		SearchAttributes(t.Context(), misp.SearchAttributesInput{Types: []string{"domain"}})
	if err != nil {
		t.Fatal(err)
	}
	events, err := answering(t, map[string]string{"/events/restSearch": `{"response":[{"Event":{"id":"2","info":"a"}},{"Event":{"id":"1","info":7}}]}`}).SearchEvents(t.Context(), misp.SearchEventsInput{Info: "a"})
	if err != nil {
		t.Fatal(err)
	}
	told := []string{attributes.Attributes[0].Unread, attributes.Attributes[1].Unread, events.Events[0].Unread, events.Events[1].Unread}
	if diff := cmp.Diff([]string{"", "value: want a string, got object", "", "Event.info: want a string, got number"}, told); diff != "" {
		t.Errorf("what can't be read (-want +got):\n%s", diff)
	}
}

// Who walks over all must not take a part for it.
func TestAWalkSaysWhereARowHasNoNumberToGoOnFrom(t *testing.T) {
	t.Parallel()
	c := answering(t, map[string]string{
		"/attributes/restSearch": `{"response":{"Attribute":[{"id":"3"},{"id":{}},{"id":"1"}]}}`,
		"/events/restSearch":     `{"response":[{"Event":{"id":"3"}},{"Event":{"id":[]}},{"Event":{"id":"1"}}]}`,
	})
	failed := map[string]error{}
	for _, err := range c.Attributes(t.Context(), misp.SearchAttributesInput{EventID: "4"}) {
		failed["attributes"] = err
	}
	for _, err := range c.Events(t.Context(), misp.SearchEventsInput{Info: "a"}) {
		failed["events"] = err
	}
	for _, what := range []string{"attributes", "events"} {
		if failed[what] == nil {
			t.Errorf("the walk over the %s ends at one without a number, and says nothing", what)
		}
	}
}
