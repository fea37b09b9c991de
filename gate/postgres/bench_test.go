package postgres

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func BenchmarkLook(b *testing.B) {
	s := opened(b, database.Server(b).State(""))
	for b.Loop() {
		must(0, add(s))
	}
}

func BenchmarkAppend(b *testing.B) {
	s := opened(b, database.Server(b).State(""))
	var took []time.Duration
	for b.Loop() {
		l := chain(b, s.at, 1)
		begun := time.Now()
		must(0, add(s, l...))
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
}

func BenchmarkPing(b *testing.B) {
	s := opened(b, database.Server(b).State(""))
	must(0, s.with(func(ctx context.Context, c *pgconn.PgConn) error {
		for b.Loop() {
			must(0, c.Ping(ctx))
		}
		return nil
	}))
}
