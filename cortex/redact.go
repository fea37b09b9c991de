package cortex

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

const redacted = "[REDACTED]"

// hidden are the members of Cortex's entities that never leave this package:
// those that hold secrets, and the database's own bookkeeping.
var hidden = []string{"configuration", "config", "input", "_id", "_type", "_routing", "_parent", "_seqNo", "_primaryTerm"}

// public removes from rest what must not leave, and redacts what remains.
func public(rest map[string]json.RawMessage) map[string]json.RawMessage {
	for _, name := range hidden {
		delete(rest, name)
	}
	for name, v := range rest {
		if secretKey(name, false) && !harmless(v) {
			delete(rest, name)
			continue
		}
		rest[name] = redact(v)
	}
	if len(rest) == 0 {
		return nil
	}
	return rest
}

// harmless reports whether v is a number, a boolean or null.
func harmless(v json.RawMessage) bool {
	v = bytes.TrimSpace(v)
	return len(v) == 0 || !bytes.ContainsRune([]byte(`"{[`), rune(v[0]))
}

// redact returns raw without what the names of its members give away as a
// secret, at any depth. JSON without any comes back as it is.
func redact(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return json.RawMessage(`"` + redacted + `"`)
	}
	v, changed := redactValue(v, false)
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

// redactValue redacts v in place. strict says that it is in a configuration,
// where shorter names mean secrets too.
func redactValue(v any, strict bool) (_ any, changed bool) {
	switch v := v.(type) {
	case map[string]any:
		if workerConfig(v) {
			return redacted, true
		}
		for name, x := range v {
			switch x.(type) {
			case string, []any, map[string]any:
				if secretKey(name, strict) {
					v[name], changed = redacted, true
					continue
				}
			}
			n := fold(name)
			x, c := redactValue(x, strict || n == "config" || n == "configuration")
			v[name], changed = x, changed || c
		}
		return v, changed
	case []any:
		for i, x := range v {
			x, c := redactValue(x, strict)
			v[i], changed = x, changed || c
		}
		return v, changed
	case string:
		if strings.Contains(v, "check_tlp") || strings.Contains(v, "proxy_http") || strings.Contains(v, "cacerts") {
			s := scrub(v)
			return s, s != v
		}
	}
	return v, false
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

func fold(name string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "", " ", "").Replace(strings.ToLower(name))
}

var secretNames = lazyregexp.New(`(token|pwd|passw|passphrase|secret|apikey|authkey|accesskey|privatekey|clientkey|integrationkey|licensekey|(api|auth|access|private|client|integration|secret)keyid|keyval|credential|webhook|certificatebase64|contentbase64|^authorization|^pw$|zippw$|^(http|https)?proxy(http|https|url)|^https?proxy)`)

// named are the words that make a setting a secret, wherever they stand in its
// folded name.
var named = lazyregexp.New(`token|pwd|pass|secret|key|cert|cred|hook|integration|auth|pw$|base64|conn(ection)?(string)?$|config|code$|^api$|proxy|login|user`)

// secretKey reports whether a member of this name holds a secret. strict says
// that it is in a configuration, where shorter names mean secrets too.
func secretKey(name string, strict bool) bool {
	n := fold(name)
	return secretNames.MatchString(n) || strict && named.MatchString(n)
}

// described are the words that make a setting a secret where its description has them.
var described = lazyregexp.New(`(?i)\b(password|passphrase|token|secret|credentials?|api[ _-]?key|private[ _-]?key|pfx|bearer)\b`)

// plain are the last words of names that hold no secret: where something is, and
// what is looked for. Every other text in a configuration is taken for a secret.
var plain = lazyregexp.New(`(url|uri|host|hostname|fqdn|server|address|service|endpoint|port|region|domain|zone|zonename|subsidiary|cloud|from|to|recipient|recipients|index|queue|project|tenant|` +
	`tag|tags|field|fields|list|category|categories|country|locale|platform|version|mode|action|type|format|level|severity|status|visibility|policy|filter|size|interval|timeout|threshold|limit|path|rules|device|useragent|guid|name|prefix|language)s?$`)

// secret reports whether only the operator may give the setting x: unless it is
// a number or a switch, or of a name that holds none.
func (x ConfigItem) secret() bool {
	switch {
	case x.Type == "number" || x.Type == "boolean":
		return false
	case secretKey(x.Name, true), described.MatchString(x.Description):
		return true
	}
	return !plain.MatchString(fold(x.Name))
}

const secretWords = `(?:[\w-]*(?:api[_-]?key|auth[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|secret|password|passwd|passphrase|token|pwd|webhook|credentials?|authorization|proxy_https?)|\bkey)`

var (
	schemeSecret = lazyregexp.New(`(?i)\b(bearer|basic)\s+[^\s"',;]+`)
	quotedSecret = lazyregexp.New(`(?i)(` + secretWords + `\\?["']?\s*[:=]\s*u?\\?["'])[^"'\\]+`)
	plainSecret  = lazyregexp.New(`(?i)(` + secretWords + `\\?["']?\s*[:=]\s*)[^\s"'&,;}\\\[]+`)
	userSecret   = lazyregexp.New(`(://[^\s/@:"']*:)[^\s/@"']+@`)
)

// scrub cuts what looks like a credential out of a message: the workers of
// Cortex put the URL, or the whole input, of a failed request into theirs.
func scrub(s string) string {
	s = schemeSecret.ReplaceAllString(s, "${1} "+redacted)
	s = quotedSecret.ReplaceAllString(s, "${1}"+redacted)
	s = plainSecret.ReplaceAllString(s, "${1}"+redacted)
	return userSecret.ReplaceAllString(s, "${1}"+redacted+"@")
}
