package pymisp_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/internal/testing/contract/python"
	"github.com/sallyport-soc/sallyport/internal/testing/live"
	"github.com/sallyport-soc/sallyport/misp"
)

// cost is what a task took: the median of its runs, and the most memory of the process.
type cost struct {
	Seconds, MiB float64
	Rows         int
}

// TestLive does the same with PyMISP and with package misp at a MISP of one's own,
// which is there to be thrown away, and prints what each took, for a report.
// MISP_LIVE_ATTRIBUTES is how many are added, 1000 by default; each side is a process
// of its own.
func TestLive(t *testing.T) {
	s := live.Open(t, "MISP")
	if !s.Write {
		t.Skip("skipped: it makes events, and MISP_LIVE_WRITE=throw-away doesn't let it")
	}
	count := 1000
	if n, err := strconv.Atoi(os.Getenv("MISP_LIVE_ATTRIBUTES")); err == nil {
		count = n
	}
	script, err := filepath.Abs("live.py")
	if err != nil {
		t.Fatal(err)
	}
	env := python.Open(t, "pymisp==2.5.34.4")
	c, err := misp.New(misp.Config{BaseURL: s.URL, APIKey: s.Key})
	if err != nil {
		t.Fatal(err)
	}
	made := func(info string, values iter.Seq[misp.NewAttribute]) string {
		out, err := c.CreateEvent(t.Context(), misp.CreateEventInput{Info: info, Distribution: 0, ThreatLevel: 4})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := c.DeleteEvent(context.WithoutCancel(t.Context()), misp.DeleteEventInput{EventID: misp.EventRef(out.Event.ID)}); err != nil {
				t.Error(err)
			}
		})
		for _, err := range c.AddAttributes(t.Context(), misp.EventRef(out.Event.ID), values) {
			if err != nil {
				t.Fatal(err)
			}
		}
		return string(out.Event.ID)
	}
	theirs := func(args ...string) (x cost) {
		out, err := env.Run(3*time.Hour, env.Python, append([]string{script, s.URL, s.Key}, args...)...)
		return read(t, out, err)
	}
	program := filepath.Join(t.TempDir(), "ours")
	if out, err := exec.Command("go", "build", "-o", program, "./ours").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	mine := func(args ...string) (x cost) {
		out, err := exec.CommandContext(t.Context(), program, append([]string{s.URL, s.Key}, args...)...).CombinedOutput()
		return read(t, string(out), err)
	}
	print := func(what string, a, b cost) {
		t.Logf("%-28s PyMISP %7.2f s %6.1f MiB, ours %7.2f s %6.1f MiB: time %.2f, memory %.2f (%d and %d rows)", what, a.Seconds, a.MiB, b.Seconds, b.MiB, b.Seconds/a.Seconds, b.MiB/a.MiB, a.Rows, b.Rows)
	}

	now := time.Now().UTC().Format("15:04:05")
	var event string
	for i := range 20 {
		event = made(fmt.Sprintf("related %d, %s", i, now), related(i))
	}
	// In turn, since others may be at the server: of the rounds the one in the middle.
	rounds := make([][2]cost, 7)
	for i := range rounds {
		rounds[i] = [2]cost{theirs("related", event, "7"), mine("related", event, "7")}
	}
	slices.SortFunc(rounds, func(x, y [2]cost) int { return cmp.Compare(x[1].Seconds/x[0].Seconds, y[1].Seconds/y[0].Seconds) })
	print("related events", rounds[len(rounds)/2][0], rounds[len(rounds)/2][1])

	a, b := made("of PyMISP, "+now, nothing), made("of ours, "+now, nothing)
	n := strconv.Itoa(count)
	print(n+" attributes added", theirs("add", a, n), mine("add", b, n))
	by := mine("read", b)
	print(n+" attributes read", theirs("read", a), by)
	print("the same, by page", theirs("pages", a), by)
	a, b = made("both of PyMISP, "+now, nothing), made("both of ours, "+now, nothing)
	print(n+" added and read back", theirs("both", a, n), mine("both", b, n))
}

// read is the last line of JSON that a side says.
func read(t *testing.T, out string, err error) (x cost) {
	t.Helper()
	for _, line := range slices.Backward(strings.Split(out, "\n")) {
		if strings.HasPrefix(line, "{") && err == nil {
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			return x
		}
	}
	t.Fatalf("%v: %s", err, out)
	return x
}

func nothing(func(misp.NewAttribute) bool) {}

// related are the values of event i: some that others have too, and 60 of its own.
func related(i int) iter.Seq[misp.NewAttribute] {
	return func(yield func(misp.NewAttribute) bool) {
		for j := range 80 {
			a := misp.NewAttribute{Type: "ip-dst", Value: fmt.Sprintf("10.9.%d.%d", i, j)}
			if j < 20 {
				a = misp.NewAttribute{Type: "domain", Value: fmt.Sprintf("shared%d.example", j)}
			}
			if (j >= 20 || (i+j)%3 == 0) && !yield(a) {
				return
			}
		}
	}
}
