package wazuh

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/secret"
	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// Errors that [Error] matches with errors.Is. Those that package connect has too
// match it as well.
var (
	ErrNotFound     = connect.In("wazuh", connect.ErrNotFound)
	ErrUnauthorized = connect.In("wazuh", connect.ErrUnauthorized)
	ErrForbidden    = connect.In("wazuh", connect.ErrForbidden)
	ErrRateLimited  = connect.In("wazuh", connect.ErrRateLimited)
	ErrInvalid      = connect.In("wazuh", connect.ErrInvalid)
	ErrUnavailable  = connect.In("wazuh", connect.ErrUnavailable)
	// ErrNoInventory means that the agent has never connected, so that nothing is known of it.
	ErrNoInventory = errors.New("wazuh: no inventory")
)

// Errors of the alerts.
var (
	// ErrNoIndexer means that no indexer is configured.
	ErrNoIndexer = errors.New("wazuh: alerts are in the indexer, and none is configured: set WAZUH_INDEXER_URL, WAZUH_INDEXER_PASSWORD and, unless it is admin, WAZUH_INDEXER_USERNAME (in Go: Config.Indexer)")
	// ErrWindow means that a page lies beyond the first 10,000 hits.
	ErrWindow = connect.Like(ErrInvalid, "wazuh: the page lies beyond what the indexer serves")
	// ErrIncomplete means that part of the indexer didn't answer, so that something may be missing.
	ErrIncomplete = connect.Like(ErrUnavailable, "wazuh: the indexer's answer is incomplete")
)

// Codes of Wazuh that mean more than their HTTP status.
const (
	codeNoSuchField  = 1103 // of the configuration
	codeNoSuchPart   = 1106 // of the configuration
	codeNoSuchRule   = 1208
	codeNoSuchItem   = 1504 // decoder
	codeNoSuchAgent  = 1701
	codeNoSuchGroup  = 1710
	codeNoSuchNode   = 1730
	codeNeverScanned = 2007
	codeDenied       = 4000
	codeLockedOut    = 6000
	codeTooMany      = 6001
)

// An Error is a refusal by Wazuh or its indexer.
type Error struct {
	connect.Refusal
	Code        int               // Wazuh's code, such as 1701; 0 when there is none, as from the indexer
	Type        string            // the indexer's error type, such as "security_exception"
	Detail      string            // the particulars
	Remediation string            // what Wazuh advises
	IDs         []string          // what it is about, such as agent ids
	DAPI        map[string]string // what single nodes of the cluster said
}

// Error returns what was refused and the server's own reason.
func (e *Error) Error() string {
	code := ""
	if e.Code != 0 {
		code = fmt.Sprintf("error %d", e.Code)
	}
	var b strings.Builder
	b.WriteString(e.Text("wazuh", code, e.Type, e.Message, e.Detail))
	if len(e.IDs) > 0 {
		b.WriteString(" (" + strings.Join(e.IDs[:min(len(e.IDs), 10)], ", "))
		if n := len(e.IDs) - 10; n > 0 {
			fmt.Fprintf(&b, " and %d more", n)
		}
		b.WriteString(")")
	}
	for _, node := range slices.Sorted(maps.Keys(e.DAPI)) {
		if m := e.DAPI[node]; m != e.Detail && m != e.Message {
			fmt.Fprintf(&b, "; %s: %s", node, m)
		}
	}
	if e.Remediation != "" {
		b.WriteString("; " + e.Remediation)
	}
	return b.String()
}

// Is matches the sentinel errors, of this package and of connect, by Wazuh's code
// or else by the status.
func (e *Error) Is(target error) bool {
	r := e.Refusal
	switch e.Code {
	case codeNoSuchAgent, codeNoSuchRule, codeNoSuchGroup, codeNoSuchItem, codeNoSuchPart, codeNoSuchField, codeNoSuchNode:
		r.Kind = ErrNotFound
	case codeDenied:
		r.Kind = ErrForbidden
	case codeLockedOut, codeTooMany:
		r.Kind = ErrRateLimited
	case codeNeverScanned:
		r.Kind = ErrNoInventory
	}
	return r.Matches("wazuh", target)
}

// refusal is what an answer has in common with the errors of all platforms.
func refusal(res *httpx.Response, message string) connect.Refusal {
	return connect.Refusal{System: "wazuh", Op: res.Endpoint.ID, Status: res.Status, Message: oneLine(message)}
}

// fail reads an error of the server API.
func fail(f *httpx.Failure) error {
	e := &Error{Refusal: f.Refusal()}
	e.Message = oneLine(f.Text)
	var p wire.Problem
	if json.Unmarshal(f.Body, &p) == nil && (p.Title != "" || p.Error != 0) {
		e.Code, e.Message, e.Detail, e.Remediation = p.Error, oneLine(p.Title), text(p.Detail), oneLine(p.Remediation)
		for node, said := range p.DapiErrors {
			var says struct {
				Error json.RawMessage `json:"error"`
			}
			if json.Unmarshal(said, &says) == nil && len(says.Error) > 0 {
				said = says.Error
			}
			if e.DAPI == nil {
				e.DAPI = map[string]string{}
			}
			e.DAPI[oneLine(node)] = text(said)
		}
		// The description of the API calls the code so; the server of some versions too.
		if code := p.AdditionalProperties["code"]; e.Code == 0 && code != nil {
			_ = json.Unmarshal(code, &e.Code) // a code that isn't a number is no code
		}
	}
	if e.Code == codeTooMany {
		e.Remediation = strings.TrimPrefix(e.Remediation+"; it counts by the minute, logins too: ask again in a minute", "; ")
	}
	if e.Message == "" {
		e.Message = http.StatusText(f.Status)
	}
	return e
}

// ofAWS are the words in which Amazon's service refuses what isn't signed.
var ofAWS = lazyregexp.New(`^User: \S+ is not authorized to perform: es:|in Authorization header: 'Basic|Authorization header requires 'Credential'|security token included in the request is invalid`)

// failIndexer reads an error of the indexer, whose true reason is at its root.
func failIndexer(f *httpx.Failure) error {
	e := &Error{Refusal: f.Refusal()}
	e.Message = oneLine(f.Text)
	var b indexer.Failure
	if json.Unmarshal(f.Body, &b) == nil && (b.Error.Type != "" || b.Error.Reason != "" || len(b.Error.RootCause) > 0) {
		e.Type, e.Message = oneLine(b.Error.Type), oneLine(b.Error.Reason)
		if len(b.Error.RootCause) > 0 {
			root := b.Error.RootCause[0]
			if root.Type != "" {
				e.Type = oneLine(root.Type)
			}
			if root.Reason != "" && root.Reason != b.Error.Reason {
				e.Message, e.Detail = oneLine(root.Reason), oneLine(b.Error.Reason)
			}
		}
	} else if s := (struct{ Error, Message string }{}); json.Unmarshal(f.Body, &s) == nil && s.Error+s.Message != "" {
		e.Message = oneLine(cmp.Or(s.Error, s.Message))
	}
	if ofAWS.MatchString(e.Message) { // a domain of Amazon OpenSearch without users of its own
		e.Remediation = "this domain takes requests signed with AWS credentials (SigV4), which this client doesn't make: give the domain fine-grained access control with a user of its internal database, or put a proxy that signs in front of it"
	}
	if e.Message == "" {
		e.Message = http.StatusText(f.Status)
	}
	return e
}

// text returns a JSON string's text, or other JSON as it is.
func text(b json.RawMessage) string {
	var s string
	if json.Unmarshal(b, &s) != nil {
		s = string(b)
	}
	return oneLine(s)
}

// oneLine bounds a text of the server's and takes tokens out of it.
func oneLine(s string) string {
	s = secret.Message(strings.Join(strings.Fields(s), " "))
	if len(s) > 600 {
		s = strings.ToValidUTF8(s[:600], "") + "…"
	}
	return s
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
