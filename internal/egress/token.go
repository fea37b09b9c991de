package egress

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// The parts of a URL in which a token or a name is looked for.
const (
	inPath     = "path"
	inFragment = "fragment"
)

const (
	nested  = 3 // how often something may be encoded
	encoded = ", encoded,"
)

var (
	jwt    = lazyregexp.New(`^eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)*$`)
	issued = lazyregexp.New(`^(?:gh[opsur]_|github_pat_|glpat-|sk-|xox[abeoprs]-|AKIA|ASIA|AIza|ya29\.|SG\.)[A-Za-z0-9._-]{12,}$`)
	uuid   = lazyregexp.New(`^(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)
	mailed = lazyregexp.New(`[A-Za-z0-9._%+'-]+@(?:[A-Za-z0-9-]+\.)+([A-Za-z]{2,24})\b`)
	naming = lazyregexp.New(`(?i:token|secret|passw|pwd|passcode|auth|session|sess?id|jwt|signature|credential|api_?key|access_?key|otp|e-?mail|user)`)
	ending = lazyregexp.New(`^(?i:png|jpe?g|gif|svg|webp|ico|css|js|mjs|map|html?|php|aspx?|json|xml|woff2?|pdf|zip)$`)
)

// token says what in one part of a URL is a secret or names a person, or
// returns "". Whoever may follow a link that was made for one person is that
// person; and a link that names somebody tells who was aimed at.
func (f Filter) token(part, where string) string {
	if part == "" {
		return ""
	}
	for _, piece := range strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune("/;&?!#,|", r) }) {
		if name, value, ok := strings.Cut(piece, "="); ok && strings.Trim(value, "=") != "" {
			if naming.MatchString(name) {
				return "a URL with " + strings.ToLower(name) + "= in its " + where + ", which may hold a token or a name"
			}
			if why := f.one(value, nested); why != "" {
				return "a URL with " + why + " in its " + where
			}
		}
		if why := f.one(piece, nested); why != "" {
			return "a URL with " + why + " in its " + where
		}
	}
	return ""
}

// one says what one word of a URL is, if that isn't for others.
func (f Filter) one(s string, depth int) string {
	if m := mailed.Compiled().FindStringSubmatch(s); m != nil && !ending.MatchString(m[1]) {
		return "a mail address"
	}
	switch {
	case jwt.MatchString(s), issued.MatchString(s):
		return "a token"
	case uuid.MatchString(s):
		return "what reads as a token"
	}
	for _, plain := range decoded(s) {
		var why string
		if depth > 0 {
			why = f.one(plain, depth-1)
		}
		if why == "" {
			why = f.text(strings.ToLower(plain))
		}
		if why != "" {
			return strings.TrimSuffix(why, encoded) + encoded
		}
	}
	for _, run := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(".-_~:@()*+ ", r) }) {
		if random(strings.TrimRight(run, "=")) {
			return "what reads as a token"
		}
	}
	return ""
}

// decoded returns the texts that s may stand for.
func decoded(s string) (list []string) {
	bare := strings.TrimRight(s, "=")
	if len(bare) >= 8 {
		for _, enc := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
			if b, err := enc.DecodeString(bare); err == nil && readable(b) {
				list = append(list, string(b))
			}
		}
	}
	if len(s) >= 12 {
		if b, err := hex.DecodeString(s); err == nil && readable(b) {
			list = append(list, string(b))
		}
	}
	return list
}

// readable reports whether b is a text.
func readable(b []byte) bool {
	return utf8.Valid(b) && !strings.ContainsFunc(string(b), func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) })
}

// random reports whether a word was drawn rather than written: the digits of a
// hash, or letters of both cases and digits mixed.
func random(s string) bool {
	if len(s) < 20 {
		return false
	}
	var lower, upper, digits, hexed, changes int
	last := 0
	for _, r := range s {
		kind := 0
		switch {
		case r >= '0' && r <= '9':
			kind = 1
			digits++
		case r >= 'a' && r <= 'z':
			kind = 2
			lower++
		case r >= 'A' && r <= 'Z':
			kind = 3
			upper++
		default:
			return false
		}
		if kind == 1 || (r|0x20) <= 'f' {
			hexed++
		}
		if last != 0 && kind != last {
			changes++
		}
		last = kind
	}
	switch {
	case hexed == len(s):
		return len(s) >= 32 && digits > 0 && lower+upper > 0
	case digits > 0 && lower > 0 && upper > 0:
		return changes >= len(s)/4
	}
	return digits >= 3 && changes >= len(s)/4
}
