package attack

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/nearest"
)

// Errors that operations and lookups return, wrapped.
var (
	ErrNotFound  = gate.ErrNotFound        // ATT&CK has nothing of that id or name, in the domains held
	ErrAmbiguous = errors.New("ambiguous") // several objects in force have that name
	ErrInvalid   = gate.ErrInvalid         // an argument is missing, or makes no sense with the others
)

// NotFoundError says what wasn't found. It is [ErrNotFound].
type NotFoundError struct {
	Kind    string   // such as "technique"
	Keys    []string // the ids or names asked for
	Why     string   // what is known of it: that a later version has it, or another domain; or nothing
	Nearest string   // the known name most like the first key, or nothing; an id has none
	Domains []Domain // where was looked, if it matters
}

// Error names what wasn't found and what may have been meant.
func (e *NotFoundError) Error() string {
	const most = 20
	var quoted []string
	for _, k := range e.Keys[:min(most, len(e.Keys))] {
		quoted = append(quoted, fmt.Sprintf("%q", clip.Text(k, 80)))
	}
	text := fmt.Sprintf("attack: no %s %s", e.Kind, strings.Join(quoted, ", "))
	if more := len(e.Keys) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if len(e.Domains) > 0 && len(e.Domains) < len(domains[len(domains)-1]) {
		text += " in " + join(e.Domains)
	}
	if e.Why != "" {
		text += ": " + e.Why
	}
	if e.Nearest != "" {
		text += fmt.Sprintf(" (nearest: %s)", e.Nearest)
	}
	return text
}

// hint says what is known of the missing, or what may have been meant.
func (e *NotFoundError) hint() string {
	if e.Why != "" || e.Nearest == "" {
		return e.Why
	}
	return fmt.Sprintf("there is no %q (nearest: %s)", clip.Text(e.Keys[0], 80), e.Nearest)
}

// Is reports whether target is [ErrNotFound].
func (e *NotFoundError) Is(target error) bool { return target == ErrNotFound }

// invalid makes an [ErrInvalid].
func invalid(format string, args ...any) error {
	return fmt.Errorf("attack: %w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// closest returns the known word that is most like the first key, or nothing if none is alike.
func closest(keys []string, known iter.Seq[string]) string {
	if len(keys) == 0 {
		return ""
	}
	return nearest.Word(keys[0], len(keys[0])/3, known)
}
