package cortex

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/secret"
)

// Errors that [Error] and the other errors of this package match with errors.Is.
// Those that package connect has too match it as well.
var (
	ErrNotFound     = connect.In("cortex", connect.ErrNotFound)
	ErrUnauthorized = connect.In("cortex", connect.ErrUnauthorized)
	ErrForbidden    = connect.In("cortex", connect.ErrForbidden)
	ErrRateLimited  = connect.In("cortex", connect.ErrRateLimited)
	ErrInvalid      = connect.In("cortex", connect.ErrInvalid)
	ErrExists       = connect.In("cortex", connect.ErrExists) // also matches ErrInvalid
	ErrUnavailable  = connect.In("cortex", connect.ErrUnavailable)
	// ErrEgress means that something would have left that must stay inside. It didn't.
	ErrEgress = errors.New("cortex: kept inside")
	// ErrSelection means that the call doesn't name analyzers that can be run.
	ErrSelection = connect.Like(ErrInvalid, "cortex: no such selection")
	// ErrNotConfigured means that the operator has not set up what the call needs.
	// Nothing was sent.
	ErrNotConfigured = errors.New("cortex: not configured")
	// ErrChanged means that what was previewed is no longer what there is. Nothing
	// was changed.
	ErrChanged = connect.Like(connect.ErrConflict, "cortex: changed since the preview")
)

// An Error is a refusal by Cortex itself.
type Error struct {
	connect.Refusal
	Code   string // Cortex's error type, such as "NotFoundError"
	Detail string // which attributes, and why
}

// Error returns what Cortex refused and its reason.
func (e *Error) Error() string { return e.Text("cortex", e.Code, e.Message, e.Detail) }

// Is matches the sentinel errors, of this package and of connect.
func (e *Error) Is(target error) bool { return e.Matches("cortex", target) }

// sizes are what Play takes unless Cortex's configuration says otherwise.
const sizes = "10 MB of a file (play.http.parser.maxDiskBuffer) and 100 KB of anything else (play.http.parser.maxMemoryBuffer)"

// statusUninitialised is what Cortex answers while its index isn't there.
const statusUninitialised = 520

func fail(f *httpx.Failure) error {
	e := &Error{Refusal: f.Refusal()}
	// The values that Cortex quotes are left out: one may be a key.
	var body struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Errors  []struct {
			Name    string `json:"name"`
			Type    string `json:"type"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(f.Body, &body) == nil && (body.Type != "" || body.Message != "") {
		e.Code, e.Message = body.Type, secret.Text(body.Message)
		var attributes []string
		for _, x := range body.Errors {
			if strings.HasPrefix(x.Type, "Missing") {
				x.Type = "is missing"
			}
			attributes = append(attributes, strings.TrimSpace(x.Name+" "+x.Type))
		}
		e.Detail = strings.Join(attributes, ", ")
	}
	if f.Status == http.StatusRequestEntityTooLarge {
		e.Message, e.Detail = "Cortex doesn't take so much in one request", "by default "+sizes
	}
	if f.Status == http.StatusUnauthorized && e.Detail == "" { // Cortex doesn't say which
		e.Detail = "the key is wrong, or its user or organisation is locked"
	}
	switch {
	case f.Status == http.StatusInternalServerError && strings.HasSuffix(e.Code, "AttributeError"): // one wrong item of a configuration; several are a 400
		e.Kind = ErrInvalid
	case f.Status == statusUninitialised:
		e.Kind = ErrUnavailable
	case strings.Contains(e.Message, "already exist"):
		e.Kind = ErrExists
	}
	switch {
	case e.Message != "" || e.Detail != "":
	case f.Status == statusUninitialised:
		e.Message = "Cortex isn't initialised: its database must be created or migrated first"
	default:
		e.Message = http.StatusText(f.Status)
	}
	return e
}

// invalid makes an [ErrInvalid].
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
