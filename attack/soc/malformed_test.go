package soc_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/thehive"
)

// transport answers instead of a platform.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// nulls puts nothing but a null into every list that is an answer.
func nulls(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, errors.Join(err, res.Body.Close())
	}
	if bytes.HasPrefix(b, []byte("[")) {
		b = []byte("[null]")
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	res.Header.Del("Content-Length")
	return res, nil
}

func TestANullAmongTheCasesIsNoCase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	client, err := soc.New(soc.Config{ATTACK: kb(t), Guard: s.gate.Guard, TheHive: s.hive.Client(func(c *thehive.Config) {
		c.Guard, c.Transport = s.gate.Guard, transport(nulls)
	})})
	if err != nil {
		t.Fatal(err)
	}
	s.soc = client
	res, err := s.op(t, "mitre_thehive_list_cases").Do(t.Context(), s.gate.Guard, &soc.ListCasesInput{TechniqueFilter: "T1110"})
	if err != nil {
		t.Fatal(err)
	}
	if out := res.Out.(*soc.ListCasesOutput); len(out.Cases) != 0 {
		t.Errorf("cases %+v, want none", out.Cases)
	}
}

func TestAPanicOfOnePlatformIsThatPlatformsError(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(c *soc.Config) {
		var err error
		c.TheHive, err = thehive.New(thehive.Config{BaseURL: "http://127.0.0.1:1", APIKey: "key-of-the-hive", Guard: c.Guard,
			Options: connect.Options{Transport: transport(func(*http.Request) (*http.Response, error) { panic("boom") })}})
		if err != nil {
			t.Fatal(err)
		}
	})
	out, err := s.soc.CrossCorrelate(t.Context(), soc.CrossCorrelateInput{Techniques: []string{"T1110"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"wazuh answered", "thehive failed", "misp answered"}, statuses(out.Platforms)); diff != "" {
		t.Errorf("platforms (-want +got):\n%s", diff)
	}
	if !strings.Contains(out.Platforms[1].Error, "boom") || len(out.Wazuh.Alerts) == 0 {
		t.Errorf("TheHive says %q, Wazuh has %d alerts; want a reason and the others' hits", out.Platforms[1].Error, len(out.Wazuh.Alerts))
	}
	status, err := s.soc.Status(t.Context(), soc.StatusInput{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"wazuh answered", "thehive failed", "cortex answered", "misp answered"}, statuses(status.Platforms)); diff != "" {
		t.Errorf("status of the platforms (-want +got):\n%s", diff)
	}
}

// What the operator's own suffixes keep inside is refused by the plan, so that
// no approval is spent on it.
func TestAPlanToRunAnalyzersPromisesNothingThatIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	client, err := soc.New(soc.Config{ATTACK: kb(t), Guard: s.gate.Guard, Cortex: s.cortex.Client(func(c *cortex.Config) {
		c.Guard, c.InternalSuffixes = s.gate.Guard, []string{"bank.example"}
	})})
	if err != nil {
		t.Fatal(err)
	}
	s.soc = client
	list, err := s.cortex.Client().ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{DataType: "fqdn"})
	if err != nil || len(list.Analyzers) == 0 {
		t.Fatalf("%d analyzers, %v", len(list.Analyzers), err)
	}
	in := &soc.RunAnalyzersInput{Data: "www.bank.example", DataType: "fqdn", Analyzers: []string{list.Analyzers[0].ID}}
	if res, err := s.op(t, "mitre_cortex_run_analyzers").Do(t.Context(), s.gate.Guard, in); !errors.Is(err, cortex.ErrEgress) {
		t.Errorf("a dry run: %+v, %v; want ErrEgress", res, err)
	}
	in.Confirm = true
	if res, err := s.op(t, "mitre_cortex_run_analyzers").Do(t.Context(), s.gate.Guard, in); !errors.Is(err, cortex.ErrEgress) {
		t.Errorf("confirmed: %+v, %v; want ErrEgress", res, err)
	}
}
