package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

func TestTheListHasWhatIsForDetectionAndNothingElse(t *testing.T) {
	l := lab.ForTest(t)
	l.MISP.AddEvent(misptest.Event{Info: "published", Published: true, Attributes: []misptest.Attribute{
		{Type: "ip-dst|port", Value: "192.0.2.77|443", ToIDs: connect.Ptr(true)}, {Type: "domain", Value: "evil.example", ToIDs: connect.Ptr(true)},
		{Type: "ip-dst", Value: "8.8.8.8", ToIDs: connect.Ptr(true)}, {Type: "ip-dst", Value: "192.0.2.78", ToIDs: connect.Ptr(false)},
		{Type: "ip-dst", Value: "192.0.2.79", ToIDs: connect.Ptr(true), Tags: []string{"tlp:red"}},
	}})
	l.MISP.AddEvent(misptest.Event{Info: "a draft", Attributes: []misptest.Attribute{{Type: "ip-dst", Value: "192.0.2.80", ToIDs: connect.Ptr(true)}}})
	file := filepath.Join(t.TempDir(), "list.txt")
	n, err := run(t.Context(), file, "30d")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(string(b))
	if n != len(lines) || !slices.IsSorted(lines) || !slices.Contains(lines, "192.0.2.77") || !slices.Contains(lines, "evil.example") {
		t.Errorf("%d values: %q", n, lines)
	}
	for _, never := range []string{"8.8.8.8", "192.0.2.78", "192.0.2.79", "192.0.2.80"} {
		if slices.Contains(lines, never) {
			t.Errorf("%s is on the list", never)
		}
	}
	if _, err := run(t.Context(), file, "30d"); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(file)
	if diff := cmp.Diff(string(b), string(again)); err != nil || diff != "" {
		t.Errorf("the same list again: %v (-want +got):\n%s", err, diff)
	}
}

func TestAListWithAValueThatCannotBeReadIsNotWritten(t *testing.T) {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"response":{"Attribute":[{"id":"7","type":"domain","value":{}}]}}`)
	}))
	t.Cleanup(h.Close)
	t.Setenv("MISP_URL", h.URL)
	t.Setenv("MISP_API_KEY", misptest.AdminKey)
	file := filepath.Join(t.TempDir(), "list.txt")
	if _, err := run(t.Context(), file, "30d"); err == nil || !strings.Contains(err.Error(), "attribute 7 cannot be read") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Error("there is a list")
	}
}
