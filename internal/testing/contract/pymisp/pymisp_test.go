// Package pymisp_test walks through the fake of MISP with the vendor's Python
// client, as through a MISP.
package pymisp_test

import (
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/testing/contract/python"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// want is what a MISP 2.5 with the incident answers to the walk.
var want = map[string]any{
	"search by value":               []any{"ip-src 198.51.100.23", "ip-src 198.51.100.23", "ip-src 198.51.100.23"},
	"search by part":                []any{"domain parcel-notice.example"},
	"search in other case":          []any{"domain parcel-notice.example"},
	"search by half of a composite": []any{"filename|sha256 notice.iso|9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
	"search by type":                []any{"domain carrier-login.example", "domain carrier-portal.example", "domain parcel-notice.example"},
	"search by tag":                 []any{"ip-src 198.51.100.23", "ip-src 203.0.113.77", "target-machine fleet-007", "target-user svc-backup", "text accounts tried: root, admin, svc-backup", "user-agent SSH-2.0-libssh2_1.10.0"},
	"search without a tag":          []any{"domain carrier-login.example", "domain carrier-portal.example", "domain parcel-notice.example"},
	"search for detection":          []any{"AS 64500", "email-subject Your parcel is waiting", "port 22", "target-machine fleet-007", "target-user svc-backup", "text accounts tried: root, admin, svc-backup", "user-agent SSH-2.0-libssh2_1.10.0"},
	"search events":                 []any{"Phishing with parcel notices"},
	"page of a search":              4.,
	"event":                         []any{"Made by PyMISP", []any{"made.example"}, []any{"tlp:green"}},
	"event, changed":                "Changed by PyMISP",
	"attribute":                     []any{"ip-dst", "203.0.113.77", "Network activity"},
	"attribute, again":              403.,
	"attribute, changed":            "seen twice",
	"attribute, tagged":             []any{"tlp:amber"},
	"attribute, untagged":           []any{},
	"sightings":                     []any{[]any{"proxy", "0"}, []any{"proxy", "0"}}, // of both attributes with the value
	"object":                        []any{"domain-ip", []any{"203.0.113.78", "object.example"}},
	"warninglist":                   []any{"8.8.8.8"},
	"published":                     true,
	"attribute, deleted":            []any{"ip-src 203.0.113.77"}, // that of another event
	"event, deleted":                false,
}

// TestPyMISPFindsAtTheFakeWhatItFindsAtAMISP needs python3 and PyPI.
func TestPyMISPFindsAtTheFakeWhatItFindsAtAMISP(t *testing.T) {
	script, err := filepath.Abs("walk.py")
	if err != nil {
		t.Fatal(err)
	}
	env := python.Open(t, "pymisp==2.5.34.4")
	m := misptest.NewServer()
	m.SeedIncident()
	server := httptest.NewServer(m)
	defer server.Close()
	out, err := env.Run(2*time.Minute, env.Python, script, server.URL, misptest.AdminKey)
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got map[string]any
	lines := strings.Split(strings.TrimSpace(out), "\n") // what it was refused comes first
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what PyMISP found (-want +got):\n%s", diff)
	}
}
