package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

func TestEachRequestIsASpanACountAndALine(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
	metrics := prometheus.NewRegistry()
	o, err := newObserver(metrics, provider)
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	hive := thehivetest.New(t)
	c := hive.Client(func(cfg *thehive.Config) {
		cfg.Wrap = o.wrap
		cfg.Logger = slog.New(slog.NewJSONHandler(&lines, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	if _, err := c.GetCase(t.Context(), thehive.GetCaseInput{CaseID: "2"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetCase(t.Context(), thehive.GetCaseInput{CaseID: "4711"}); err == nil {
		t.Fatal("an unknown case was there")
	}
	var names []string
	for _, s := range spans.GetSpans() {
		names = append(names, s.Name)
	}
	if got := strings.Join(names, ", "); strings.Count(got, "thehive getCase") != 2 {
		t.Errorf("spans: %s", got)
	}
	for status, want := range map[string]float64{"200": 1, "404": 1} {
		if n := testutil.ToFloat64(o.requests.WithLabelValues("thehive", "getCase", status)); n != want {
			t.Errorf("%g requests were answered with %s, want %g", n, status, want)
		}
	}
	if n := strings.Count(lines.String(), `"op":"getCase"`); n != 2 {
		t.Errorf("%d lines of log:\n%s", n, &lines)
	}
}
