package thehive

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// Errors that [Error] and the other errors of this package match with errors.Is.
// Each matches that of package connect as well.
var (
	ErrNotFound     = connect.In("thehive", connect.ErrNotFound)
	ErrUnauthorized = connect.In("thehive", connect.ErrUnauthorized)
	ErrForbidden    = connect.In("thehive", connect.ErrForbidden)
	ErrRateLimited  = connect.In("thehive", connect.ErrRateLimited)
	ErrInvalid      = connect.In("thehive", connect.ErrInvalid)
	ErrExists       = connect.In("thehive", connect.ErrExists) // also matches ErrInvalid
	ErrConflict     = connect.In("thehive", connect.ErrConflict)
	ErrUnavailable  = connect.In("thehive", connect.ErrUnavailable)
	ErrEgress       = errors.New("thehive: may not leave")
	ErrVersion      = errors.New("thehive: unsupported version")
)

// An Error is a refusal by TheHive itself.
type Error struct {
	connect.Refusal
	Code   string // TheHive's error type, such as "NotFoundError"
	Detail string // which fields, and why
}

// Error returns what TheHive refused and its reason.
func (e *Error) Error() string { return e.Text("thehive", e.Code, e.Message, e.Detail) }

// Is matches the sentinel errors, of this package and of connect.
func (e *Error) Is(target error) bool { return e.Matches("thehive", target) }

func fail(f *httpx.Failure) error {
	e := &Error{Refusal: f.Refusal()}
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
		if exists(body.Message) {
			e.Kind = ErrExists
		}
	}
	if e.Message == "" {
		e.Message = http.StatusText(f.Status)
	}
	return e
}

// missing is the refusal of what a query should have given and didn't.
func missing(what, which string) *Error {
	return &Error{Refusal: connect.Refusal{System: "thehive", Op: "query", Status: http.StatusNotFound, Message: what + " not found"}, Code: "NotFoundError", Detail: clip.Text(which, 200)}
}

// exists reports whether TheHive's reason is that there is such a thing already,
// which it sends with the status and the type of any other mistake.
func exists(message string) bool {
	m := strings.ToLower(message)
	return strings.Contains(m, "already exist")
}
