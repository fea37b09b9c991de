package thehive

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// Errors that [Error] matches with errors.Is.
var (
	ErrNotFound     = errors.New("thehive: not found")
	ErrUnauthorized = errors.New("thehive: unauthorized")
	ErrForbidden    = errors.New("thehive: forbidden")
	ErrRateLimited  = errors.New("thehive: rate limited")
	ErrInvalid      = errors.New("thehive: invalid request")
	ErrConflict     = errors.New("thehive: changed by somebody else")
	ErrEgress       = errors.New("thehive: may not leave")
	ErrVersion      = errors.New("thehive: unsupported version")
)

// An Error is a refusal by TheHive itself.
type Error struct {
	Op        string // the endpoint, such as "createCase"
	Status    int    // HTTP status code
	Code      string // TheHive's error type, such as "NotFoundError"
	Message   string // TheHive's own reason
	Detail    string // which fields, and why
	RequestID string // the server's id of the request, if it gave one
}

// Error returns what TheHive refused and its reason.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "thehive: %s: HTTP %d", e.Op, e.Status)
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
	case http.StatusUnauthorized, http.StatusPaymentRequired: // the latter: a second factor is missing
		return target == ErrUnauthorized
	case http.StatusForbidden:
		return target == ErrForbidden
	case http.StatusTooManyRequests:
		return target == ErrRateLimited
	case http.StatusBadRequest, http.StatusMultiStatus:
		return target == ErrInvalid
	}
	return false
}

func fail(f *httpx.Failure) error {
	e := &Error{Op: f.Op, Status: f.Status, Message: f.Text, RequestID: f.RequestID()}
	var body struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Errors  []struct {
			Name, Type, Message string
		} `json:"errors"`
	}
	if json.Unmarshal(f.Body, &body) == nil && (body.Type != "" || body.Message != "") {
		e.Code, e.Message = body.Type, body.Message
		var fields []string
		for _, x := range body.Errors {
			fields = append(fields, strings.TrimSpace(x.Name+" "+x.Type))
		}
		e.Detail = strings.Join(fields, ", ")
	}
	if e.Message == "" {
		e.Message = http.StatusText(f.Status)
	}
	return e
}
