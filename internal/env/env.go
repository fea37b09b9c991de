// Package env reads a platform's settings from the environment and reports all
// that is wrong with them at once.
package env

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/edits"
)

// A Reader reads the variables that begin with one prefix.
type Reader struct {
	prefix string
	vars   map[string]string
	known  map[string]bool
	errs   []error
}

// New returns a Reader of the variables in environ, which has the form of
// os.Environ, that begin with prefix.
func New(prefix string, environ []string) *Reader {
	r := &Reader{prefix: prefix, vars: map[string]string{}, known: map[string]bool{}}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok && strings.HasPrefix(name, prefix) {
			r.vars[name] = strings.TrimSpace(value)
		}
	}
	return r
}

// String returns the value of name, or the empty string.
func (r *Reader) String(name string) string {
	r.known[name] = true
	return r.vars[name]
}

// Required returns the value of name, which must not be empty.
func (r *Reader) Required(name string) string {
	v := r.String(name)
	if v == "" {
		r.errs = append(r.errs, fmt.Errorf("%s is not set", name))
	}
	return v
}

// Bool returns the value of name, or otherwise when it is empty.
func (r *Reader) Bool(name string, otherwise bool) bool {
	switch v := strings.ToLower(r.String(name)); v {
	case "":
		return otherwise
	case "1", "true", "yes", "on":
		return true
	case "0", "false", "no", "off":
		return false
	default:
		r.errs = append(r.errs, fmt.Errorf("%s is %q: want true or false", name, v))
		return otherwise
	}
}

// Int returns the value of name, or otherwise when it is empty. It must lie
// between lo and hi.
func (r *Reader) Int(name string, otherwise, lo, hi int) int {
	v := r.String(name)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < lo || n > hi {
		r.errs = append(r.errs, fmt.Errorf("%s is %q: want a whole number from %d to %d", name, v, lo, hi))
		return otherwise
	}
	return n
}

// Seconds returns the value of name, whole seconds from 1 to 3600, as a
// duration, or 0 when it is empty.
func (r *Reader) Seconds(name string) time.Duration {
	return time.Duration(r.Int(name, 0, 1, 3600)) * time.Second
}

// Known names switches that others read: the gate, at each call. What is meant to
// be on and isn't clearly so is found at the start.
func (r *Reader) Known(names ...string) {
	for _, n := range names {
		r.Bool(n, false)
	}
}

// Err returns all that was missing or malformed, and every variable with the
// prefix that nobody knows, with the nearest that somebody does. Call it last.
func (r *Reader) Err() error {
	errs := r.errs
	for _, name := range slices.Sorted(maps.Keys(r.vars)) {
		if !r.known[name] {
			errs = append(errs, fmt.Errorf("%s is not a known setting%s", name, r.nearest(name)))
		}
	}
	return errors.Join(errs...)
}

func (r *Reader) nearest(name string) string {
	best, at := "", len(name)/2+1
	for k := range r.known {
		if d := edits.Distance(name, k); d < at || d == at && k < best {
			best, at = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}
