package rescue_test

import (
	"errors"
	"regexp"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/rescue"
)

func TestAPanicIsAnErrorThatSaysWhereItWas(t *testing.T) {
	var none *struct{ Name string }
	err := rescue.Do(func() error {
		none.Name = "x"
		return nil
	})
	if err == nil || !regexp.MustCompile(`at rescue/rescue_test\.go:\d+: .*nil pointer`).MatchString(err.Error()) {
		t.Errorf("Do = %v, want an error that names this file", err)
	}
	if errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("Do = %v; nothing was written", err)
	}
}

func TestAfterAPanicInAWriteTheOutcomeIsUnknown(t *testing.T) {
	if err := rescue.Write(func() error { panic("boom") }); !errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("Write = %v, want an unknown outcome", err)
	}
}

func TestAnErrorStaysWhatItIs(t *testing.T) {
	want := errors.New("refused")
	if err := rescue.Do(func() error { return want }); err != want {
		t.Errorf("Do = %v, want %v", err, want)
	}
	if err := rescue.Write(func() error { return want }); err != want {
		t.Errorf("Write = %v, want %v", err, want)
	}
	if err := rescue.Write(func() error { return nil }); err != nil {
		t.Errorf("Write = %v, want none", err)
	}
}
