package cortex

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// Errors that [Error] and the other errors of this package match with errors.Is.
var (
	ErrNotFound     = errors.New("cortex: not found")
	ErrUnauthorized = errors.New("cortex: unauthorized")
	ErrForbidden    = errors.New("cortex: forbidden")
	ErrRateLimited  = errors.New("cortex: rate limited")
	ErrInvalid      = errors.New("cortex: invalid request")
	// ErrEgress means that something would have left that must stay inside. It didn't.
	ErrEgress = errors.New("cortex: kept inside")
	// ErrSelection means that the call doesn't name analyzers that can be run.
	ErrSelection = errors.New("cortex: no such selection")
	// ErrNotConfigured means that the operator has not set up what the call needs.
	// Nothing was sent.
	ErrNotConfigured = errors.New("cortex: not configured")
	// ErrChanged means that what was previewed is no longer what there is. Nothing
	// was changed.
	ErrChanged = errors.New("cortex: changed since the preview")
)

// An Error is a refusal by Cortex itself.
type Error struct {
	Op        string // the endpoint, such as "runAnalyzer"
	Status    int    // HTTP status code
	Code      string // Cortex's error type, such as "NotFoundError"
	Message   string // Cortex's own reason
	Detail    string // which attributes, and why
	RequestID string // the server's id of the request, if it gave one
}

// Error returns what Cortex refused and its reason.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cortex: %s: HTTP %d", e.Op, e.Status)
	for _, s := range []string{e.Code, e.Message, e.Detail} {
		if s != "" {
			b.WriteString(": " + s)
		}
	}
	return b.String()
}

// Is maps the status to the package's sentinel errors.
func (e *Error) Is(target error) bool {
	switch e.Status {
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusUnauthorized:
		return target == ErrUnauthorized
	case http.StatusForbidden:
		return target == ErrForbidden
	case http.StatusTooManyRequests:
		return target == ErrRateLimited
	case http.StatusBadRequest:
		return target == ErrInvalid
	case http.StatusInternalServerError: // how Cortex reports one wrong item of a configuration; several are a 400
		return target == ErrInvalid && strings.HasSuffix(e.Code, "AttributeError")
	}
	return false
}

// statusUninitialised is what Cortex answers while its index isn't there.
const statusUninitialised = 520

func fail(f *httpx.Failure) error {
	e := &Error{Op: f.Op, Status: f.Status, Message: f.Text, RequestID: f.RequestID()}
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
		e.Code, e.Message = body.Type, scrub(body.Message)
		var attributes []string
		for _, x := range body.Errors {
			if strings.HasPrefix(x.Type, "Missing") {
				x.Type = "is missing"
			}
			attributes = append(attributes, strings.TrimSpace(x.Name+" "+x.Type))
		}
		e.Detail = strings.Join(attributes, ", ")
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

// clip shortens a text to n bytes for an error.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
