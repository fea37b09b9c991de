package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

func alert(id, address string) string {
	return fmt.Sprintf(`{"timestamp":"2026-03-02T08:00:00.123+0000","rule":{"id":"5763","level":10,"description":"sshd: brute force"},
		"agent":{"id":"007","name":"fleet-007"},"manager":{"name":"wazuh"},"id":%q,"data":{"srcip":%q},"location":"/var/log/auth.log"}`, id, address)
}

func post(tb testing.TB, s *service, body string) int {
	tb.Helper()
	w := httptest.NewRecorder()
	wazuh.AlertHandler(s.take).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
	return w.Code
}

// made returns the descriptions of the alerts that TheHive has of Wazuh, by their reference.
func made(tb testing.TB, hive *thehive.Client) map[string]string {
	tb.Helper()
	got := map[string]string{}
	for a, err := range hive.Alerts(tb.Context(), thehive.ListAlertsInput{Source: "wazuh"}) {
		if err != nil {
			tb.Fatal(err)
		}
		if strings.HasPrefix(a.SourceRef, "t.") {
			got[a.SourceRef] = a.Description
		}
	}
	return got
}

// stalled answers nothing until it is closed.
func stalled(tb testing.TB) string {
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}))
	tb.Cleanup(func() { close(done); s.Close() })
	return s.URL
}

func TestAnAlertIsLookedUpAndMadeOnce(t *testing.T) {
	lab.ForTest(t)
	s, err := newService()
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{alert("t.1", "198.51.100.23"), alert("t.2", "192.0.2.200"), alert("t.1", "198.51.100.23")} {
		if code := post(t, s, body); code != http.StatusAccepted {
			t.Errorf("answered %d", code)
		}
	}
	for body, want := range map[string]int{"{}": 400, "[": 400, strings.Repeat("x", 2<<20): 413} {
		if code := post(t, s, body); code != want {
			t.Errorf("%.20q was answered with %d, want %d", body, code, want)
		}
	}
	s.close()
	got := made(t, s.hive)
	if len(got) != 2 || !strings.Contains(got["t.1"], "MISP knows 198.51.100.23") || !strings.Contains(got["t.2"], "knows nothing") {
		t.Errorf("TheHive has %q", got)
	}
}

func TestNoAlertIsLostWhileMISPStallsAndTheHiveIsAway(t *testing.T) {
	l := lab.ForTest(t)
	t.Setenv("MISP_URL", stalled(t))
	var mu sync.Mutex
	down := 5 // answers of a gateway before TheHive is there
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		away := down > 0
		down--
		mu.Unlock()
		if away && r.Method == http.MethodPost {
			http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
			return
		}
		l.TheHive.ServeHTTP(w, r)
	}))
	defer gateway.Close()
	t.Setenv("THEHIVE_URL", gateway.URL)
	s, err := newService()
	if err != nil {
		t.Fatal(err)
	}
	s.patience, s.retry = 50*time.Millisecond, 10*time.Millisecond
	const n = 100
	for i := range n {
		if code := post(t, s, alert(fmt.Sprintf("t.%d", i), "198.51.100.23")); code != http.StatusAccepted {
			t.Fatalf("alert %d was answered with %d", i, code)
		}
	}
	s.close()
	got := made(t, s.hive)
	if len(got) != n || !strings.Contains(got["t.50"], "did not answer") {
		t.Errorf("of %d alerts %d are in TheHive, as %q", n, len(got), got["t.50"])
	}
}

// An operation is a minute of alerts, 500 of them, while MISP doesn't answer.
func BenchmarkAMinuteOfAlertsWithAStalledMISP(b *testing.B) {
	lab.ForTest(b)
	b.Setenv("MISP_URL", stalled(b))
	for i := range b.N {
		s, err := newService()
		if err != nil {
			b.Fatal(err)
		}
		before := len(made(b, s.hive))
		for j := range 500 {
			if code := post(b, s, alert(fmt.Sprintf("t.%d.%d", i, j), "198.51.100.23")); code != http.StatusAccepted {
				b.Fatalf("answered %d", code)
			}
		}
		s.close()
		if n := len(made(b, s.hive)) - before; n != 500 {
			b.Fatalf("%d of 500 alerts are in TheHive", n)
		}
	}
	b.ReportMetric(float64(500*b.N)/b.Elapsed().Minutes(), "alerts/min")
}
