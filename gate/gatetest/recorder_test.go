package gatetest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

func TestARecorderNotesWhatLeaves(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body) //nolint:errcheck // the test looks at what arrives
	}))
	defer server.Close()
	rec := &gatetest.Recorder{Next: server.Client().Transport}
	client := &http.Client{Transport: rec}
	res, err := client.Post(server.URL+"/case?x=1", "text/plain", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err != nil || string(b) != "hello" {
		t.Errorf("%q, %v", b, err)
	}
	if diff := cmp.Diff([]gatetest.Request{{Method: "POST", Path: "/case?x=1", Body: "hello"}}, rec.Sent()); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	var r recorder
	rec.Silent(&r)
	r.has(t, "POST /case?x=1 was sent")
	rec.Silent(t, "POST /case?x=1")
	rec.Forget()
	rec.Silent(t)

	rec.Next = nil // nobody is there
	empty, err := client.Get("http://nowhere.example/")
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Body.Close()
	if b, err := io.ReadAll(empty.Body); err != nil || string(b) != "{}" || len(rec.Sent()) != 1 {
		t.Errorf("%q, %v", b, err)
	}
}

func TestTheJournalTellsWhatHappened(t *testing.T) {
	g := gatetest.New(t)
	if kinds := g.Kinds(); kinds != nil {
		t.Errorf("before anything: %v", kinds)
	}
	add := gate.Wrap(g.Guard, gate.Write("add_note", client{}.AddNote, "Add a note."))
	if _, err := gatetest.Approved(g, func() (string, error) { return add(t.Context(), note{"x"}) }); err != nil {
		t.Fatal(err)
	}
	want := []gate.EventKind{gate.EventProposed, gate.EventApproved, gate.EventConsumed, gate.EventExecuted}
	if diff := cmp.Diff(want, g.Kinds()); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}
