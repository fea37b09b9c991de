package postgres

import (
	"fmt"
	"os"
	"testing"

	"github.com/sallyport-soc/sallyport/gate/internal/pgtest"
)

var database pgtest.Shared

func TestMain(m *testing.M) {
	if state := os.Getenv(childState); state != "" {
		spendAll(state)
		return
	}
	code := m.Run()
	if err := database.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// opened opens a journal as another process would.
func opened(t testing.TB, state string) *store {
	t.Helper()
	s, err := open(state)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
