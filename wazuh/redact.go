package wazuh

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

const redactedText = "[REDACTED]"

// secretKeys are the last words of the names under which secrets stand. The
// words before them don't matter: smtp_password is as secret as password.
var secretKeys = []string{
	"password", "passwd", "pass", "passphrase", "secret", "token", "api_key", "apikey", "access_key", "secret_key", "account_key",
	"application_key", "shared_key", "client_secret", "community", "credential", "credentials", "authorization", "secret_value", "private_key", "sas_token", "encryption_key", "auth",
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
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
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
		if s := cleanText(key, v); s != v {
			m.Redacted = append(m.Redacted, path)
			return s
		}
	}
	return v
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

var (
	userinfo  = lazyregexp.New(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s@"']+@`)
	parameter = lazyregexp.New(`(?i)([?&](?:[\w-]*(?:password|passwd|token|secret|key|signature|auth|code)|pwd|sig)=)[^&\s"']+`)
	flag      = lazyregexp.New(`(?i)(--?[\w-]*(?:password|passwd|pass|token|secret|api[-_]?key|access[-_]?key|credentials?)(?:\s*=\s*|\s+))(?:"[^"]*"|'[^']*'|[^\s"']+)`)
	short     = lazyregexp.New(`(\s-(?:u|user)\s+[^\s:]+:)\S+`)
	assign    = lazyregexp.New(`(?i)(\b[\w-]*(?:password|passwd|token|secret|api[-_]?key|access[-_]?key)\s*[=:]\s*)(?:"[^"]*"|'[^']*'|[^\s"'&,;]+)`)
	header    = lazyregexp.New(`(?i)\b((?:authorization|x-api-key|x-auth-token)\s*:\s*)(?:(?:bearer|basic|token)\s+)?[^\s"']+`)
	mysql     = lazyregexp.New(`(\b(?:mysql|mysqldump|mysqladmin|sshpass)\b[^|;]*?\s-p)[^\s]+`)
)

// cleanText returns a text without the secrets that stand in it.
func cleanText(key, s string) string {
	if strings.EqualFold(key, "hook_url") { // who has the path of a webhook can write to it
		if i := strings.Index(s, "://"); i >= 0 {
			if j := strings.IndexByte(s[i+3:], '/'); j >= 0 && i+3+j+1 < len(s) {
				s = s[:i+3+j+1] + redactedText
			}
		}
	}
	s = userinfo.ReplaceAllString(s, "${1}"+redactedText+"@")
	s = parameter.ReplaceAllString(s, "${1}"+redactedText)
	for _, re := range []*lazyregexp.Regexp{header, flag, short, mysql, assign} {
		s = re.ReplaceAllString(s, "${1}"+redactedText)
	}
	return jwt.ReplaceAllString(s, redactedText)
}
