package soc_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
)

// bundle99 is a bundle of a version to come.
const bundle99 = `{"type":"bundle","objects":[
{"type":"x-mitre-collection","id":"x-mitre-collection--1","x_mitre_version":"99.0"},
{"type":"x-mitre-tactic","id":"x-mitre-tactic--1","name":"Impact","x_mitre_shortname":"impact","external_references":[{"source_name":"mitre-attack","external_id":"TA0105"}]},
{"type":"attack-pattern","id":"attack-pattern--1","name":"Damage","kill_chain_phases":[{"kill_chain_name":"mitre-ics-attack","phase_name":"impact"}],"external_references":[{"source_name":"mitre-attack","external_id":"T0879"}]}]}`

func TestUpdateFromAServerReplacesAndKeepsTheCache(t *testing.T) {
	t.Parallel()
	answer := bundle99
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ics-attack/ics-attack.json" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	c, err := attack.New(attack.Config{DataDir: dir, UpdateFrom: server.URL, Domains: []attack.Domain{attack.ICS}, Fetch: soc.Fetch})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.UpdateData(t.Context(), attack.UpdateDataInput{})
	if err != nil {
		t.Fatal(err)
	}
	if out.After[0].Version != "99.0" || out.Cache != "written" || len(out.Stored[0].SHA256) != 64 {
		t.Errorf("update %+v", out)
	}
	// What is broken, or has another sum than wanted, changes nothing.
	for _, bad := range []struct{ answer, sum string }{{answer[:200], ""}, {answer, strings.Repeat("0", 64)}} {
		answer = bad.answer
		var in attack.UpdateDataInput
		if bad.sum != "" {
			in.SHA256 = []string{bad.sum}
		}
		if _, err := c.UpdateData(t.Context(), in); err == nil {
			t.Errorf("%.20q with the sum %q is taken", bad.answer, bad.sum)
		}
		answer = bundle99
	}
	kb, err := c.KB(t.Context())
	if err != nil || kb.Version(attack.ICS) != "99.0" {
		t.Errorf("in use is %v: %v", kb, err)
	}
	if held, err := os.ReadFile(filepath.Join(dir, "ics-attack-99.0.json")); err != nil || string(held) != bundle99 {
		t.Errorf("held is %.20q: %v", held, err)
	}
}
