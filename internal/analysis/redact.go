package analysis

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

const redacted = "[REDACTED]"

// hidden are the members of Cortex's entities that are never shown:
// those that hold secrets, and the database's own bookkeeping.
var hidden = []string{"configuration", "config", "input", "_id", "_type", "_routing", "_parent", "_seqNo", "_primaryTerm"}

// Public removes from rest what must not leave, and redacts what remains.
func Public(rest map[string]json.RawMessage) map[string]json.RawMessage {
	for _, name := range hidden {
		delete(rest, name)
	}
	for name, v := range rest {
		if SecretKey(name, false) && !Harmless(v) {
			delete(rest, name)
			continue
		}
		rest[name] = Redact(v)
	}
	if len(rest) == 0 {
		return nil
	}
	return rest
}

// Harmless reports whether v is a number, a boolean or null.
func Harmless(v json.RawMessage) bool {
	v = bytes.TrimSpace(v)
	return len(v) == 0 || !bytes.ContainsRune([]byte(`"{[`), rune(v[0]))
}

// Redact returns raw without what the names of its members give away as a
// secret, at any depth. JSON without any comes back as it is.
func Redact(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	if !bytes.ContainsAny(raw, `{\`) && !mayTell(string(raw)) && json.Valid(raw) { // most: a text, a number, a list of them
		return raw
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return json.RawMessage(`"` + redacted + `"`)
	}
	v, changed := value(v, false)
	if !changed {
		return raw
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return json.RawMessage(`"` + redacted + `"`)
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// Report is [Redact] for a whole report, of whose error message what looks like a
// credential is cut out too.
func Report(raw json.RawMessage) json.RawMessage {
	raw = Redact(raw)
	var members map[string]json.RawMessage
	var message string
	if json.Unmarshal(raw, &members) != nil || json.Unmarshal(members["errorMessage"], &message) != nil || Scrub(message) == message {
		return raw
	}
	var err error
	if members["errorMessage"], err = json.Marshal(Scrub(message)); err != nil {
		return json.RawMessage(`"` + redacted + `"`)
	}
	b, err := json.Marshal(members)
	if err != nil {
		return json.RawMessage(`"` + redacted + `"`)
	}
	return b
}

// value redacts v in place. strict says that it is in a configuration,
// where shorter names mean secrets too.
func value(v any, strict bool) (_ any, changed bool) {
	switch v := v.(type) {
	case map[string]any:
		if workerConfig(v) {
			return redacted, true
		}
		for name, x := range v {
			switch x.(type) {
			case string, []any, map[string]any:
				if SecretKey(name, strict) {
					v[name], changed = redacted, true
					continue
				}
			}
			n := Fold(name)
			x, c := value(x, strict || n == "config" || n == "configuration")
			v[name], changed = x, changed || c
		}
		return v, changed
	case []any:
		for i, x := range v {
			x, c := value(x, strict)
			v[i], changed = x, changed || c
		}
		return v, changed
	case string:
		if mayTell(v) {
			s := Scrub(v)
			return s, s != v
		}
	}
	return v, false
}

// mayTell reports whether a text may quote the configuration of a worker.
func mayTell(s string) bool {
	return strings.Contains(s, "check_tlp") || strings.Contains(s, "proxy_http") || strings.Contains(s, "cacerts")
}

// workerConfig reports whether m is the configuration that Cortex hands to an
// analyzer or responder, by the members that it adds to each.
func workerConfig(m map[string]any) bool {
	for _, name := range []string{"check_tlp", "check_pap", "max_tlp", "max_pap", "proxy_http", "proxy_https", "cacerts"} {
		if _, ok := m[name]; ok {
			return true
		}
	}
	return false
}

// Fold returns a name without case and what stands between its words.
func Fold(name string) string { return between.Replace(strings.ToLower(name)) }

var between = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")

var secretNames = lazyregexp.New(`(token|pwd|passw|passphrase|secret|apikey|authkey|accesskey|privatekey|clientkey|integrationkey|licensekey|(api|auth|access|private|client|integration|secret)keyid|keyval|credential|webhook|certificatebase64|contentbase64|^authorization|^pw$|zippw$|^(http|https)?proxy(http|https|url)|^https?proxy)`)

// named are the words that make a setting a secret, wherever they stand in its
// folded name.
var named = lazyregexp.New(`token|pwd|pass|secret|key|cert|cred|hook|integration|auth|pw$|base64|conn(ection)?(string)?$|config|code$|^api$|proxy|login|user`)

// SecretKey reports whether a member of this name holds a secret. strict says
// that it is in a configuration, where shorter names mean secrets too.
func SecretKey(name string, strict bool) bool {
	n := Fold(name)
	hinted := slices.ContainsFunc(hints, func(h string) bool { return strings.Contains(n, h) })
	return hinted && secretNames.MatchString(n) || strict && named.MatchString(n)
}

// hints are what a name has in it that secretNames may match.
var hints = []string{"key", "pass", "secret", "token", "pw", "credential", "webhook", "base64", "authorization", "proxy"}

const secretWords = `(?:[\w-]*(?:api[_-]?key|auth[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|secret|password|passwd|passphrase|token|pwd|webhook|credentials?|authorization|proxy_https?)|\bkey)`

var (
	schemeSecret = lazyregexp.New(`(?i)\b(bearer|basic)\s+[^\s"',;]+`)
	quotedSecret = lazyregexp.New(`(?i)(` + secretWords + `\\?["']?\s*[:=]\s*u?\\?["'])[^"'\\]+`)
	plainSecret  = lazyregexp.New(`(?i)(` + secretWords + `\\?["']?\s*[:=]\s*)[^\s"'&,;}\\\[]+`)
	userSecret   = lazyregexp.New(`(://[^\s/@:"']*:)[^\s/@"']+@`)
)

// Scrub cuts what looks like a credential out of a message: the workers of
// Cortex put the URL, or the whole input, of a failed request into theirs.
func Scrub(s string) string {
	s = schemeSecret.ReplaceAllString(s, "${1} "+redacted)
	s = quotedSecret.ReplaceAllString(s, "${1}"+redacted)
	s = plainSecret.ReplaceAllString(s, "${1}"+redacted)
	return userSecret.ReplaceAllString(s, "${1}"+redacted+"@")
}
