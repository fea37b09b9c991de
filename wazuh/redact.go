package wazuh

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

const redactedText = "[REDACTED]"

// secretKeys are the last words of the names under which secrets stand: those of
// the options of every module of Wazuh, and those by which the services that
// integrations talk to call theirs. The words before them don't matter:
// smtp_password is as secret as password.
var secretKeys = []string{
	"password", "passwd", "pass", "pwd", "passphrase", "secret", "secret_value", "secrets", "token", "credential", "credentials", "authorization", "auth", "cookie", "community", "bearer",
	"api_key", "apikey", "access_key", "secret_key", "account_key", "application_key", "shared_key", "private_key", "encryption_key", "graph_key", "la_key",
	"routing_key", "integration_key", "service_key", "signing_key", "webhook_key", "license_key", "storage_key", "sas_token", "signature", "sig",
}

// paths are names that end like a secret's and hold where one is, or whether
// there is one.
var paths = lazyregexp.New(`(?i)(^use_|_path$|_file$|^ssl_|keystore|certificate|^ca$)`)

// redact returns a section of the configuration, found within another or
// none, without its secrets and notes where they were.
func (m *ManagerConfig) redact(section, within string, value json.RawMessage) (json.RawMessage, error) {
	var v any
	d := json.NewDecoder(strings.NewReader(string(value)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("wazuh: configuration: section %s: %w", section, err)
	}
	v = m.clean(section, section, within, v)
	slices.Sort(m.Redacted)
	m.Redacted = slices.Compact(m.Redacted)
	return json.Marshal(v)
}

// clean returns v, found at path under key within the object parent, without secrets.
func (m *ManagerConfig) clean(path, key, parent string, v any) any {
	labelled := key == "labels" || key == "label" // names and values of one's own
	switch v := v.(type) {
	case map[string]any:
		named, _ := v["key"].(string)
		for k, e := range v {
			switch {
			case k == "item" || k == "#text" || k == "value":
				if secretKey(key, parent) || labelled && secretKey(named, "") { // of an element, or of a label
					v[k] = m.clean(path+"."+k, secretName, key, e)
					continue
				}
			case k == "key" && labelled:
				continue
			}
			v[k] = m.clean(path+"."+k, k, key, e)
		}
		return v
	case []any:
		for i, e := range v {
			v[i] = m.clean(fmt.Sprintf("%s[%d]", path, i), key, parent, e)
		}
		return v
	case json.Number:
		if secretKey(key, parent) {
			m.Redacted = append(m.Redacted, path)
			return redactedText
		}
	case string:
		if secretKey(key, parent) && v != "" && v != "yes" && v != "no" {
			m.Redacted = append(m.Redacted, path)
			return redactedText
		}
		if inner, ok := m.cleanJSON(path, v); ok {
			return inner
		}
		if s := cleanText(key, v); s != v {
			m.Redacted = append(m.Redacted, path)
			return s
		}
	}
	return v
}

// secretName is a name under which a secret stands.
const secretName = "secret"

// cleanJSON is a text that is JSON, as the options of an integration, without
// secrets, or not ok.
func (m *ManagerConfig) cleanJSON(path, s string) (string, bool) {
	t := strings.TrimSpace(s)
	if !strings.HasPrefix(t, "{") && !strings.HasPrefix(t, "[") {
		return "", false
	}
	var v any
	d := json.NewDecoder(strings.NewReader(t))
	d.UseNumber()
	if d.Decode(&v) != nil || d.More() {
		return "", false
	}
	before := len(m.Redacted)
	v = m.clean(path, "", "", v)
	if len(m.Redacted) == before { // as it was written
		return s, true
	}
	b, err := json.Marshal(v)
	if err != nil {
		return redactedText, true
	}
	return string(b), true
}

// secretKey reports whether what stands under key is a secret. A bare key is
// one except where it is a file's, below ssl or https.
func secretKey(key, parent string) bool {
	k := strings.ToLower(strings.ReplaceAll(key, "-", "_"))
	if paths.MatchString(k) {
		return false
	}
	if k == "key" {
		return parent != "ssl" && parent != "https"
	}
	return slices.ContainsFunc(secretKeys, func(s string) bool { return k == s || strings.HasSuffix(k, "_"+s) })
}

// The words that make the name of a variable, a flag or a header a secret's.
const secretWords = `(?:password|passwd|passphrase|pass|pwd|token|secret|api[-_]?key|(?:access|secret|account|application|shared|private|encryption|graph|la)[-_]key)`

var (
	userinfo  = lazyregexp.New(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s@"']+@`)
	parameter = lazyregexp.New(`(?i)([?&](?:[\w-]*(?:password|passwd|token|secret|key|signature|auth|code)|pwd|sig)=)[^&\s"']+`)
	flag      = lazyregexp.New(`(?i)((?:^|\s)--?[\w-]*(?:` + secretWords + `|credentials?)(?:\s*=\s*|\s+))(?:"[^"]*"|'[^']*'|[^\s"']+)`)
	short     = lazyregexp.New(`(\s-{1,2}(?:user\s+|user=|u\s*)['"]?[^\s:'"-][^\s:'"]*:)[^\s'"]+`)
	assign    = lazyregexp.New(`(?i)(\b[\w-]*` + secretWords + `["']?\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"'&,;]+)`)
	header    = lazyregexp.New(`(?i)\b((?:authorization|cookie|(?:\w+-)*(?:token|api-?key|auth-key|secret))\s*:\s*)(?:(?:bearer|basic|token|apikey)\s+)?[^\s"']+`)
	scheme    = lazyregexp.New(`(?i)\b((?:bearer|basic)\s+)[A-Za-z0-9+/_.~=-]{12,}`)

	// Programs that take a secret behind a letter.
	mysql  = lazyregexp.New(`(\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mariadb-admin)\b[^|;]*?\s-p)[^\s]+`)
	letter = lazyregexp.New(`(\b(?:sshpass\s+-p|(?:mongo|mongosh|mongodump)\b[^|;]*?\s-p|redis-cli\b[^|;]*?\s-a|ldap(?:search|modify|add|whoami)\b[^|;]*?\s-w|snmp[a-z]+\b[^|;]*?\s-[cAX]|ipmitool\b[^|;]*?\s-P)\s*)[^\s]+`)
	samba  = lazyregexp.New(`(\s-U\s*[^\s%]+%)[^\s]+`)
	passed = lazyregexp.New(`(\bpass:)[^\s"']+`) // of openssl

	// Who has the path of a webhook can write to it.
	hook = lazyregexp.New(`(?i)(https?://[^\s"'<>/]+(?:/[^\s"'<>/]+)*?/(?:[\w-]*hooks?[\w]*|services|incoming|key|workflows)/)[^\s"'<>]+`)
	bot  = lazyregexp.New(`(/bot)[0-9]+:[\w-]+`)

	// Secrets that are known by their form, and keys.
	known = lazyregexp.New(`\b(?:xox[abeprs]-[\w-]{8,}|gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|AIza[\w-]{30,}|sk-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})`)
	pem   = lazyregexp.New(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`)
)

// cleanText returns a text, which stands under key, without the secrets in it.
func cleanText(key, s string) string {
	if k := strings.ToLower(key); strings.HasSuffix(k, "hook_url") || strings.HasSuffix(k, "hook") { // whatever its path is
		if i := strings.Index(s, "://"); i >= 0 {
			if j := strings.IndexByte(s[i+3:], '/'); j >= 0 && i+3+j+1 < len(s) {
				s = s[:i+3+j+1] + redactedText
			}
		}
	}
	s = userinfo.ReplaceAllString(s, "${1}"+redactedText+"@")
	for _, re := range []*lazyregexp.Regexp{hook, bot, parameter, header, scheme, flag, short, mysql, letter, samba, passed, assign} {
		s = re.ReplaceAllString(s, "${1}"+redactedText)
	}
	for _, re := range []*lazyregexp.Regexp{known, pem, jwt} {
		s = re.ReplaceAllString(s, redactedText)
	}
	return s
}
