// Command observe lists the new cases of a TheHive and shows what its client does: a
// span of OpenTelemetry and a counter of Prometheus for each request, by the
// name of the operation and not by a path with ids in it, and a line of log for each
// at Debug. It is a module of its own, so that none of that comes with the library.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/thehive"
)

// An observer watches the requests of a client.
type observer struct {
	tracer   trace.Tracer
	requests *prometheus.CounterVec
}

func newObserver(r prometheus.Registerer, p trace.TracerProvider) (*observer, error) {
	o := &observer{tracer: p.Tracer("soc"), requests: prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "soc_requests_total", Help: "Requests to the platforms, each attempt one."}, []string{"system", "operation", "status"})}
	return o, r.Register(o.requests)
}

// wrap is for connect.Options: it is asked for each attempt, retries too.
func (o *observer) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		e, _ := connect.EndpointFrom(r.Context())
		ctx, span := o.tracer.Start(r.Context(), e.System+" "+e.ID, trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(attribute.String("http.request.method", r.Method), attribute.String("url.template", e.Path)))
		defer span.End()
		res, err := next.RoundTrip(r.WithContext(ctx))
		status := "none"
		if err != nil {
			span.SetStatus(codes.Error, "no answer")
		} else {
			status = strconv.Itoa(res.StatusCode)
			span.SetAttributes(attribute.Int("http.response.status_code", res.StatusCode))
		}
		o.requests.WithLabelValues(e.System, e.ID, status).Inc()
		return res, err
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func main() {
	metrics := prometheus.NewRegistry()
	o, err := newObserver(metrics, otel.GetTracerProvider()) // set it to your exporter's
	if err != nil {
		log.Fatal(err)
	}
	cfg, err := thehive.ConfigFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	cfg.Wrap = o.wrap
	cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	hive, err := thehive.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	for c, err := range hive.Cases(context.Background(), thehive.ListCasesInput{Status: "New"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c.Number, c.Title)
	}
	families, err := metrics.Gather()
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range families {
		fmt.Println(f)
	}
}
