package learn_test

import (
	"bytes"
	"testing"

	"github.com/sallyport-soc/sallyport/attack/internal/guess"
	"github.com/sallyport-soc/sallyport/attack/internal/guess/learn"
)

func examples() []learn.Example {
	var all []learn.Example
	for _, e := range []struct{ text, label string }{
		{"shadow copies deleted", "T1"}, {"shadow copies removed with vssadmin", "T1"}, {"deletion of shadow copies", "T1"},
		{"failed login from abroad", "T2"}, {"login failed many times", "T2"}, {"failed login of root", "T2"}, {"service started", ""}, {"service stopped", ""},
	} {
		x := learn.Example{Text: guess.Text{Title: e.text}, Source: "sigma", Weight: 1}
		if e.label != "" {
			x.Labels = []string{e.label}
		}
		all = append(all, x)
	}
	return all
}

func TestTrainingLearnsAndIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	labels := []string{"T1", "T2"}
	table := func() []byte { return learn.Train(examples(), labels, learn.Defaults).Encode() }
	first := table()
	if !bytes.Equal(first, table()) {
		t.Error("the same texts give two tables")
	}
	m, err := guess.Decode(string(first))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{"shadow copies gone": "T1", "a login failed": "T2"} {
		if got := m.Rank(guess.Text{Title: text}, 1); len(got) != 1 || got[0].ID != want {
			t.Errorf("%q is %+v, want %s", text, got, want)
		}
	}
}

func TestHigherScoresAreNotRightLessOften(t *testing.T) {
	t.Parallel()
	var guesses []learn.Guess
	for i := range 2000 {
		guesses = append(guesses, learn.Guess{Score: float64(i) / 2000, Right: i*7919%2000 < i})
	}
	points := learn.Calibrate(guesses)
	if len(points) < 3 {
		t.Fatalf("%d points", len(points))
	}
	for i := 1; i < len(points); i++ {
		if points[i].Score <= points[i-1].Score || points[i].Right < points[i-1].Right {
			t.Errorf("point %v comes after %v", points[i], points[i-1])
		}
	}
}
