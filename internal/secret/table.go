package secret

import "github.com/sallyport-soc/sallyport/internal/lazyregexp"

// words are what a secret is called by all whom we talk to, in the name of a
// member, a variable, a flag or a header.
const words = `passwords?|passwd|passphrase|pwd|secret|token|credentials?|authorization|` +
	`(?:api|auth|access|secret|account|application|shared|private|encryption|graph|la|routing|integration|service|signing|webhook|license|storage)[-_]?key`

// What the members are called under which Cortex's workers have secrets.
const cortexNames = words + `|passw|webhook|clientkey|(?:api|auth|access|private|client|integration|secret)keyid|keyval|certificatebase64|contentbase64|^pw$|zippw$|` +
	`^(?:http|https)?proxy(?:http|https|url)|^https?proxy`

// The judges of what the platforms say.
var (
	// Wazuh judges the configuration of a manager. The words before the last one of
	// a name don't matter: smtp_password is as secret as password.
	Wazuh = &Judge{
		fold:    underscored,
		names:   lazyregexp.New(`(?:^|_)(?:` + words + `|pass|secret_value|secrets|auth|cookie|community|bearer|sas_token|signature|sig)$|^key$`),
		not:     lazyregexp.New(`^use_|_path$|_file$|^ssl_|keystore|certificate|^ca$`),
		content: []string{"item", "#text", "value"}, labels: []string{"labels", "label"},
		keyFiles: []string{"ssl", "https"},
		texts:    true,
	}
	// Cortex judges what analyzers and responders report. That is data, but for the
	// members that are called like a secret.
	Cortex = &Judge{
		fold:  Folded,
		hints: []string{"key", "pass", "secret", "token", "pw", "credential", "webhook", "base64", "authorization", "proxy"},
		names: lazyregexp.New(cortexNames),
		whole: true, worker: workerMembers,
		below: []string{"config", "configuration"}, stricter: CortexSettings,
	}
	// CortexSettings judges the settings of a worker, where shorter names are those
	// of secrets too.
	CortexSettings = &Judge{
		fold:  Folded,
		names: lazyregexp.New(cortexNames + `|pass|key|cert|cred|hook|integration|auth|pw$|base64|conn(?:ection)?(?:string)?$|config|code$|^api$|proxy|login|user`),
		whole: true, worker: workerMembers,
	}
	workerMembers = []string{"check_tlp", "check_pap", "max_tlp", "max_pap", "proxy_http", "proxy_https", "cacerts"}
)

// A pattern is a credential in a text. Its first group, if it has one, stays.
type pattern struct {
	of *lazyregexp.Regexp
	by string
}

func hidden(expr string) pattern { return pattern{lazyregexp.New(expr), Redacted} }
func behind(expr string) pattern { return pattern{lazyregexp.New(expr), "${1}" + Redacted} }

// certain are what is nothing but a credential, in whatever text.
var certain = []pattern{
	behind(`(?i)(\b(?:bearer|basic)\s+)[^\s"'@,;}]{4,}`),
	{lazyregexp.New(`(?i)(\b[a-z][a-z0-9+.-]*://[^\s/@:"']*:)[^\s"'@]+@`), "${1}" + Redacted + "@"},
	hidden(`\beyJ[\w-]+\.[\w-]+\.[\w-]*`), // of a session
}

// likely are what is a credential where somebody wrote down how to reach
// something: a configuration, a command, the message of a program that failed.
var likely = []pattern{
	{lazyregexp.New(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s@"':]+@`), "${1}" + Redacted + "@"}, // a token; a user's password is certain
	// Who has the path of a webhook can write to it.
	behind(`(?i)(https?://[^\s"'<>/]+(?:/[^\s"'<>/]+)*?/(?:[\w-]*hooks?[\w]*|services|incoming|key|workflows)/)[^\s"'<>]+`),
	behind(`(/bot)[0-9]+:[\w-]+`),
	behind(`(?i)([?&](?:[\w-]*(?:password|passwd|token|secret|key|signature|auth|code)|pwd|sig)=)[^&\s"']+`),
	behind(`(?i)\b((?:authorization|cookie|(?:\w+-)*(?:token|api-?key|auth-key|secret))\s*:\s*)(?:(?:bearer|basic|token|apikey)\s+)?[^\s"']+`),
	// Programs, and those that take a secret behind a letter.
	behind(`(?i)((?:^|\s)--?[\w-]*(?:` + words + `|pass)(?:\s*=\s*|\s+))(?:"[^"]*"|'[^']*'|[^\s"']+)`),
	behind(`(\s-{1,2}(?:user\s+|user=|u\s*)['"]?[^\s:'"-][^\s:'"]*:)[^\s'"]+`),
	behind(`(\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|mariadb-admin)\b[^|;]*?\s-p)[^\s]+`),
	behind(`(\b(?:sshpass\s+-p|(?:mongo|mongosh|mongodump)\b[^|;]*?\s-p|redis-cli\b[^|;]*?\s-a|ldap(?:search|modify|add|whoami)\b[^|;]*?\s-w|snmp[a-z]+\b[^|;]*?\s-[cAX]|ipmitool\b[^|;]*?\s-P)\s*)[^\s]+`),
	behind(`(\s-U\s*[^\s%]+%)[^\s]+`), // of Samba
	behind(`(\bpass:)[^\s"']+`),       // of openssl
	// A name and its value, also as JSON or Python print them.
	behind(`(?i)(` + assigned + `\\?["']?\s*[:=]\s*u?\\?["'])[^"'\\]+`),
	behind(`(?i)(` + assigned + `\\?["']?\s*[:=]\s*)[^\s"'&,;}\\\[]+`),
	// Secrets that are known by their form, and keys.
	hidden(`\b(?:xox[abeprs]-[\w-]{8,}|gh[opsur]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|AIza[\w-]{30,}|sk-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,})`),
	hidden(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`),
}

const assigned = `(?:[\w-]*(?:` + words + `|webhook|proxy_https?)|\b(?:key|pass))`
