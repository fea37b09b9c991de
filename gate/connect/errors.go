package connect

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
)

// What can go wrong with a call, whatever the platform. Each package has its own
// of most of these, which match these.
var (
	ErrNotFound     = gate.ErrNotFound                           // the platform has nothing of that id
	ErrUnauthorized = errors.New("unauthorized")                 // the credential is refused
	ErrForbidden    = errors.New("forbidden")                    // the credential is good and doesn't suffice
	ErrRateLimited  = errors.New("rate limited")                 // see [RetryAfter]
	ErrInvalid      = gate.ErrInvalid                            // refused, by us before sending or by the platform
	ErrExists       = Like(ErrInvalid, "exists already")         // so it is also an ErrInvalid
	ErrConflict     = errors.New("changed by somebody else")     // nothing was written
	ErrUnavailable  = errors.New("unavailable")                  // no answer, or that of a gateway: later perhaps
	ErrTooLarge     = errors.New("the answer is over the limit") // MaxBody of [Options]
	// ErrOutcomeUnknown means that a write may or may not have been done.
	ErrOutcomeUnknown = gate.ErrOutcomeUnknown
)

// kinds are the sentinels, the more special first.
var kinds = []error{ErrOutcomeUnknown, ErrExists, ErrConflict, ErrNotFound, ErrUnauthorized, ErrForbidden, ErrRateLimited, ErrTooLarge, ErrInvalid, ErrUnavailable}

// Kind returns which of this package's sentinels err is, or nil if it is none.
func Kind(err error) error {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return k
		}
	}
	return nil
}

// RetryAfter returns how long the platform asked to wait before the next
// request, or 0 if it didn't say.
func RetryAfter(err error) time.Duration {
	var r *Refusal
	if errors.As(err, &r) {
		return r.RetryAfter
	}
	return 0
}

// In returns the sentinel of a system, such as "thehive: not found": it matches
// kind and every other that In makes of the same two.
func In(system string, kind error) error {
	return &sentinel{system, kind, system + ": " + kind.Error()}
}

// Like returns an error with a text of its own that matches kind.
func Like(kind error, text string) error { return &sentinel{"", kind, text} }

type sentinel struct {
	system string // empty: of no kind in general
	kind   error
	text   string
}

func (s *sentinel) Error() string { return s.text }
func (s *sentinel) Unwrap() error { return s.kind }

func (s *sentinel) Is(target error) bool {
	t, ok := target.(*sentinel)
	return ok && s.system != "" && s.system == t.system && errors.Is(s.kind, t.kind)
}

// A Refusal is what the errors of all platforms have in common. errors.As finds
// it in each of them.
type Refusal struct {
	System     string        // the package, such as "thehive"
	Op         string        // the endpoint, such as "createCase"
	Status     int           // HTTP status code; 200 for a failure that is sent as a success
	Message    string        // the platform's own reason
	RequestID  string        // the server's id of the request, if it gave one
	RetryAfter time.Duration // what it asked to wait; 0: it didn't say
	Kind       error         // a sentinel; nil: what the status says
}

// Error says what was refused and why.
func (r *Refusal) Error() string { return r.Text(r.System, r.Message) }

// As lets errors.As find a Refusal in the error that has it.
func (r *Refusal) As(target any) bool {
	t, ok := target.(**Refusal)
	if ok {
		*t = r
	}
	return ok
}

// Matches reports whether target is the refusal's kind, in general or of the
// system: the Is of an error that has a Refusal.
func (r *Refusal) Matches(system string, target error) bool {
	kind := r.Kind
	if kind == nil {
		kind = OfStatus(r.Status)
	}
	return kind != nil && (errors.Is(kind, target) || errors.Is(In(system, kind), target))
}

// Text joins what was refused and why, and how long to wait, for the Error of an error that
// has a Refusal.
func (r *Refusal) Text(system string, reasons ...string) string {
	parts := []string{system + ": " + r.Op + ": HTTP " + strconv.Itoa(r.Status)}
	for _, s := range reasons {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if n := int(r.RetryAfter.Seconds()); n > 0 {
		parts = append(parts, "again in "+strconv.Itoa(n)+" seconds")
	}
	return strings.Join(parts, ": ")
}

// OfStatus returns the sentinel that an HTTP status stands for, or nil.
func OfStatus(status int) error {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusMultiStatus:
		return ErrInvalid
	case http.StatusUnauthorized, http.StatusPaymentRequired: // the latter: a second factor is missing
		return ErrUnauthorized
	case http.StatusForbidden:
		return ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		return ErrNotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return ErrConflict
	case http.StatusTooManyRequests:
		return ErrRateLimited
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusProxyAuthRequired:
		return ErrUnavailable
	}
	return nil
}

// A Leg is a part of the way to a platform that can fail by itself.
type Leg string

// The legs, in the order in which they are gone.
const (
	LegName        Leg = "name"        // it must be resolved
	LegConnection  Leg = "connection"  // something must answer there
	LegProxy       Leg = "proxy"       // it must let through
	LegTLS         Leg = "TLS"         // both sides must accept each other
	LegAnswer      Leg = "answer"      // it must be the platform that answers
	LegCredentials Leg = "credentials" // they must be accepted
	LegPermissions Leg = "permissions" // they must suffice
)

// LegOf returns the leg on which err happened, or nothing if it is no matter of
// the way.
func LegOf(err error) Leg {
	var lost interface{ Leg() Leg }
	if errors.As(err, &lost) {
		return lost.Leg()
	}
	switch Kind(err) {
	case ErrUnauthorized:
		return LegCredentials
	case ErrForbidden:
		return LegPermissions
	}
	var r *Refusal
	switch {
	case !errors.As(err, &r):
		return ""
	case r.Status == http.StatusProxyAuthRequired:
		return LegProxy
	}
	return LegAnswer
}
