package recovered_test

import (
	"errors"
	"regexp"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/recovered"
)

func TestAPanicIsAnErrorThatSaysWhereItWas(t *testing.T) {
	var none *struct{ Name string }
	err := recovered.Do(func() error {
		none.Name = "x"
		return nil
	})
	if err == nil || !regexp.MustCompile(`at recovered/recovered_test\.go:\d+: .*nil pointer`).MatchString(err.Error()) {
		t.Errorf("Do = %v, want an error that names this file", err)
	}
	if errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("Do = %v; nothing was written", err)
	}
}

func TestAfterAPanicInAWriteTheOutcomeIsUnknown(t *testing.T) {
	if err := recovered.Write(func() error { panic("boom") }); !errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("Write = %v, want an unknown outcome", err)
	}
}

func TestAnErrorStaysWhatItIs(t *testing.T) {
	want := errors.New("refused")
	if err := recovered.Do(func() error { return want }); err != want {
		t.Errorf("Do = %v, want %v", err, want)
	}
	if err := recovered.Write(func() error { return want }); err != want {
		t.Errorf("Write = %v, want %v", err, want)
	}
	if err := recovered.Write(func() error { return nil }); err != nil {
		t.Errorf("Write = %v, want none", err)
	}
}
