package httpx

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/secret"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// Redact cuts the client's secrets, and what looks like a credential, out of s.
func (c *Client) Redact(s string) string {
	return secret.Message(c.redact.Replace(s))
}

// redactor replaces secrets of at least six bytes: shorter ones would mangle
// every message.
func redactor(secrets []string) *strings.Replacer {
	var pairs []string
	for _, s := range secrets {
		if len(s) < 6 {
			continue
		}
		for _, form := range spellings(s) {
			pairs = append(pairs, form, secret.Redacted)
		}
	}
	return strings.NewReplacer(pairs...)
}

// spellings returns s and how it stands in JSON, also with the slashes that PHP
// escapes, in URLs and in HTML.
func spellings(s string) []string {
	list := []string{s, strings.ReplaceAll(s, "/", `\/`), url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s)}
	if b, err := json.Marshal(s); err == nil {
		list = append(list, string(b[1:len(b)-1]))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// credentials are what is cut out of answers: the client's secrets and the
// Authorization header that went with the request, in all their spellings.
type credentials struct {
	header string
	forms  [][]byte
	text   *strings.Replacer // of the same forms
}

// credentials returns those of a request with the given Authorization header.
// They're made anew only when the header changes, as that of a token does.
func (c *Client) credentials(header string) *credentials {
	if last := c.last.Load(); last != nil && last.header == header {
		return last
	}
	secrets := slices.Clone(c.o.Secrets)
	scheme, value, ok := strings.Cut(header, " ")
	if !ok {
		scheme, value = "", header
	}
	secrets = append(secrets, value)
	if strings.EqualFold(scheme, "basic") {
		if pair, err := base64.StdEncoding.DecodeString(value); err == nil {
			_, password, _ := strings.Cut(string(pair), ":")
			secrets = append(secrets, password, base64.URLEncoding.EncodeToString(pair), strings.TrimRight(value, "="))
		}
	}
	k := &credentials{header: header}
	for _, s := range secrets {
		if !distinctive(s) {
			continue
		}
		for _, form := range spellings(s) {
			k.forms = append(k.forms, []byte(form))
		}
	}
	// A form that holds another goes first, or its rest would stay.
	sorting.By(k.forms, func(a, b []byte) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return bytes.Compare(a, b)
	})
	k.forms = slices.CompactFunc(k.forms, bytes.Equal)
	var pairs []string
	for _, form := range k.forms {
		pairs = append(pairs, string(form), secret.Redacted)
	}
	k.text = strings.NewReplacer(pairs...)
	c.last.Store(k)
	return k
}

// distinctive reports whether s can't be taken for a word or a number of the
// data: to cut those out of an answer would falsify it.
func distinctive(s string) bool {
	var lower, upper, digit, other bool
	for _, c := range s {
		switch {
		case unicode.IsLower(c):
			lower = true
		case unicode.IsUpper(c):
			upper = true
		case c >= '0' && c <= '9':
			digit = true
		case c != '-' && c != '_' && c != '.':
			other = true
		}
	}
	kinds := 0
	for _, is := range []bool{lower, upper, digit, other} {
		if is {
			kinds++
		}
	}
	return len(s) >= 8 && kinds >= 2 || len(s) >= 16 && (lower || upper || other)
}

// cut takes the credentials out of an answer. A write that is answered by nothing but
// a credential was asked for it, and is left alone: it hands out the key of an account.
func (k *credentials) cut(res *Response) {
	if res.Endpoint.Tier == gate.TierRead || !k.are(bytes.TrimSpace(res.Body)) {
		res.Body = k.without(res.Body)
	}
	for _, values := range res.Header {
		for i := range values {
			values[i] = k.text.Replace(values[i])
		}
	}
}

// are reports whether b is a credential.
func (k *credentials) are(b []byte) bool {
	return slices.ContainsFunc(k.forms, func(form []byte) bool { return bytes.Equal(form, b) })
}

// without returns b without credentials: a copy only if it has one.
func (k *credentials) without(b []byte) []byte {
	for _, form := range k.forms {
		// The end of a long one is found faster, and tokens begin alike.
		if bytes.Contains(b, form[max(0, len(form)-32):]) {
			b = bytes.ReplaceAll(b, form, []byte(secret.Redacted))
		}
	}
	return b
}
