package misp

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// Errors that [Error] matches with errors.Is. MISP answers 403 to a wrong key,
// to a missing permission and to an invalid value; these tell them apart. Each
// matches that of package connect as well.
var (
	ErrNotFound     = connect.In("misp", connect.ErrNotFound)
	ErrUnauthorized = connect.In("misp", connect.ErrUnauthorized)
	ErrForbidden    = connect.In("misp", connect.ErrForbidden)
	ErrRateLimited  = connect.In("misp", connect.ErrRateLimited)
	ErrInvalid      = connect.In("misp", connect.ErrInvalid)
	ErrExists       = connect.In("misp", connect.ErrExists) // also matches ErrInvalid
	ErrUnavailable  = connect.In("misp", connect.ErrUnavailable)
)

// An Error is a refusal by MISP itself.
type Error struct {
	connect.Refusal
	Fields      []FieldError // which values it refused, and why
	Remediation string       // what may help, if anything is known

	raw json.RawMessage // what MISP has against each value, whole
}

// A FieldError is what MISP says of one value of a request.
type FieldError struct {
	Field   string // such as "value"; empty if MISP doesn't say
	Message string // what MISP says against it
}

// String returns "field: message".
func (f FieldError) String() string {
	if f.Field == "" {
		return f.Message
	}
	return f.Field + ": " + f.Message
}

// Error returns what MISP refused and its reasons.
func (e *Error) Error() string {
	text := e.Text("misp", e.Message, e.reasons())
	if e.Remediation != "" {
		text += " (" + e.Remediation + ")"
	}
	return text
}

func (e *Error) reasons() string {
	parts := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		parts[i] = f.String()
	}
	return strings.Join(parts, "; ")
}

// Is matches the sentinel errors, of this package and of connect.
func (e *Error) Is(target error) bool { return e.Matches("misp", target) }

// problem is the form in which MISP refuses.
type problem struct {
	Saved   *Bool           `json:"saved"`
	Name    json.RawMessage `json:"name"`
	Message json.RawMessage `json:"message"`
	Errors  json.RawMessage `json:"errors"`
}

// error returns the refusal that p describes.
func (p *problem) error(op string, status int) *Error {
	e := &Error{Refusal: refusal(op, status, words(p.Message), nil)}
	if e.Message == "" {
		e.Message = words(p.Name)
	}
	e.raw = p.Errors
	fieldErrors("", p.Errors, 0, &e.Fields)
	if len(e.Fields) == 1 && e.Fields[0].Field == "" && e.Fields[0].Message == e.Message {
		e.Fields = nil
	}
	e.Kind = e.sort(p.Saved != nil && !bool(*p.Saved))
	return e
}

// words returns the text of a JSON string, or else the JSON itself.
func words(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	return clip.Text(strings.TrimSpace(strings.ToValidUTF8(s, "")), 500)
}

const maxFieldErrors = 20

// fieldErrors collects the messages in raw, which is a text, a list of them, or
// an object of either by field; a text may be JSON once more.
func fieldErrors(field string, raw json.RawMessage, depth int, to *[]FieldError) {
	if len(raw) == 0 || string(raw) == "null" || depth > 4 || len(*to) >= maxFieldErrors {
		return
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil {
		for _, k := range slices.Sorted(maps.Keys(object)) {
			name := k
			if field != "" {
				name = field + "." + k
			}
			fieldErrors(name, object[k], depth+1, to)
		}
		return
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, x := range list {
			fieldErrors(field, x, depth+1, to)
		}
		return
	}
	*to = append(*to, FieldError{Field: clip.Text(field, 80), Message: words(raw)})
}

// sort says which of the sentinel errors e is.
func (e *Error) sort(unsaved bool) error {
	text := strings.ToLower(e.Message + " " + e.reasons())
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case e.Status == http.StatusTooManyRequests:
		return ErrRateLimited
	case has("a similar attribute already exists", "uuid provided is not unique", "event already exists"):
		return ErrExists
	case e.Status == http.StatusUnauthorized, has("authentication failed", "not possible to use this auth key"):
		return ErrUnauthorized
	case has("do not have permission", "do not have the permission", "not authorised", "not allowed to", "was not deleted", "blocklist"):
		return ErrForbidden
	case e.Status == http.StatusNotFound:
		if has("no valid data", "invalid output format") {
			return ErrInvalid
		}
		return ErrNotFound
	case e.Status == http.StatusMethodNotAllowed && has("invalid attribute", "invalid object", "invalid event", "invalid tag"):
		return ErrNotFound
	case unsaved, e.Status == http.StatusBadRequest, e.Status == http.StatusMethodNotAllowed:
		return ErrInvalid
	case e.Status == http.StatusForbidden:
		return ErrForbidden
	}
	return connect.OfStatus(e.Status)
}

// refusal is what the errors of all platforms have in common.
func refusal(op string, status int, message string, kind error) connect.Refusal {
	return connect.Refusal{System: "misp", Op: op, Status: status, Message: message, Kind: kind}
}

func fail(f *httpx.Failure) error {
	var p problem
	if json.Unmarshal(f.Body, &p) != nil {
		p = problem{}
	}
	e := p.error(f.Op, f.Status)
	if e.Message == "" {
		e.Message = f.Text
	}
	if e.Message == "" {
		e.Message = http.StatusText(f.Status)
	}
	common := f.Refusal()
	e.RequestID, e.RetryAfter = common.RequestID, common.RetryAfter
	if e.Status == http.StatusGatewayTimeout { // MISP itself works on
		e.Remediation = "the gateway in front of MISP gave up after its own time, while MISP may still be at it; narrow the search with last, changed, eventId or a smaller limit"
	}
	return e
}

// has returns a filter of answers: it lets a 2xx answer pass unless that says it
// failed, or lacks the member in which MISP puts what was asked for.
func (c *Client) has(member string) func(*httpx.Response, error) (*httpx.Response, error) {
	return func(res *httpx.Response, err error) (*httpx.Response, error) {
		if err == nil {
			err = c.refused(res, member)
		}
		if err != nil {
			return nil, err
		}
		return res, nil
	}
}

func (c *Client) refused(res *httpx.Response, member string) error {
	members := map[string]json.RawMessage{}
	if jsontext.Members(res.Body, func(name, value []byte) { members[string(name)] = value }) != nil {
		return nil // for the decoder to judge
	}
	said := func(name string) json.RawMessage { // and nothing of what is asked for, which is long
		if v := members[name]; v != nil {
			return json.RawMessage(c.wire.HTTP.Redact(string(v)))
		}
		return nil
	}
	p := problem{Name: said("name"), Message: said("message"), Errors: said("errors")}
	if saved, ok := members["saved"]; ok {
		p.Saved = new(Bool)
		if p.Saved.UnmarshalJSON(saved) != nil {
			*p.Saved = false // whatever it says, it doesn't say yes
		}
	}
	saved := p.Saved == nil || bool(*p.Saved)
	if _, ok := members[member]; ok && saved {
		return nil
	}
	if !saved || p.Saved == nil && (p.Name != nil || p.Message != nil || p.Errors != nil) {
		res.Deny()
		e := p.error(res.Endpoint.ID, res.Status)
		if e.Kind == nil {
			e.Kind = ErrInvalid
		}
		return e
	}
	err := fmt.Errorf("misp: %s: HTTP %d with an answer that has no %s", res.Endpoint.ID, res.Status, member)
	if res.Endpoint.Tier > gate.TierRead {
		err = fmt.Errorf("%w; %w", err, gate.ErrOutcomeUnknown)
	}
	return err
}

// invalid returns an error of the caller's making: nothing was sent.
func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
