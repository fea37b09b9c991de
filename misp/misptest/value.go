package misptest

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/spelling"
)

// normal is a value as MISP keeps it: some ways to defang it are undone, of some
// types only, and then each type is brought into a form of its own.
func normal(typ, v string) string {
	v = narrow(refanged(typ, strings.Trim(v, " \t\n\r\x00\x0b")))
	switch {
	case is(lower, typ):
		return small(v)
	case is(addresses, typ):
		return address(v)
	case is(composites, typ):
		i := strings.IndexByte(v, '|')
		return v[:max(i, 0)] + small(v[max(i, 0):])
	}
	switch typ {
	case "domain":
		return domain(v)
	case "domain|ip":
		v = small(v)
		if parts := strings.Split(v, "|"); len(parts) > 1 {
			return domain(parts[0]) + "|" + address(parts[1])
		}
	case "ip-src|port", "ip-dst|port":
		return addressAndPort(v)
	case "hostname|port":
		return strings.ReplaceAll(small(v), ":", "|")
	case "http-method", "hex":
		return strings.ToUpper(v)
	case "vulnerability", "weakness":
		return strings.ToUpper(strings.ReplaceAll(v, "–", "-"))
	case "bin", "cc-number":
		return only("0123456789", v)
	case "iban", "bic":
		return only("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", strings.ToUpper(v))
	case "prtn", "phone-number", "whois-registrant-phone":
		if rest, ok := strings.CutPrefix(v, "00"); ok {
			v = "+" + rest
		}
		return only("+0123456789", strings.ReplaceAll(v, "(0)", ""))
	case "x509-fingerprint-md5", "x509-fingerprint-sha1", "x509-fingerprint-sha256":
		return small(strings.ReplaceAll(v, ":", ""))
	case "boolean": // whatever is neither is true
		if v = small(v); v == "" || v == "0" || v == "false" {
			return "0"
		}
		return "1"
	case "datetime": // nothing is now
		if v == "" {
			v = time.Now().UTC().Format(time.RFC3339Nano)
		}
		if at, ok := moment(v); ok {
			return at.Format("2006-01-02T15:04:05.000000-0700")
		}
	case "AS":
		if len(v) > 1 && strings.EqualFold(v[:2], "AS") {
			v = v[2:]
		}
		if high, low, ok := strings.Cut(v, "."); ok && positive(high) >= 0 && positive(low) >= 0 {
			return strconv.Itoa(positive(high)<<16 + positive(low))
		}
	case "mac-address", "mac-eui-64":
		v = strings.NewReplacer(".", "", ":", "", "-", "", " ", "").Replace(small(v))
		var pairs []string
		for c := range slices.Chunk([]byte(v), 2) {
			pairs = append(pairs, string(c))
		}
		return strings.Join(pairs, ":")
	}
	return v
}

// narrow is v with a question mark for each character beyond the basic plane of
// Unicode, which MISP's database doesn't hold.
func narrow(v string) string {
	return strings.Map(func(r rune) rune {
		if r > 0xffff {
			return '?'
		}
		return r
	}, v)
}

// only is what of v is among chars.
func only(chars, v string) string {
	return strings.Map(func(r rune) rune {
		if !strings.ContainsRune(chars, r) {
			return -1
		}
		return r
	}, v)
}

// moment reads a time in the forms that people give; MISP takes others, too.
func moment(v string) (time.Time, bool) {
	if n, err := strconv.ParseInt(strings.TrimPrefix(v, "@"), 10, 64); err == nil && strings.HasPrefix(v, "@") {
		return time.Unix(n, 0).UTC(), true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999-0700", "2006-01-02T15:04:05.999999", "2006-01-02T15:04", "2006-01-02 15:04:05.999999", "2006-01-02 15:04", time.DateOnly, "20060102"} {
		if at, err := time.Parse(layout, v); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}

// small is v with its Latin letters in small ones, as PHP has it.
func small(v string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, v)
}

// Types by what MISP does with their values.
const (
	lower = "md5 sha1 sha224 sha256 sha384 sha512 sha512/224 sha512/256 sha3-224 sha3-256 sha3-384 sha3-512 ja3-fingerprint-md5 jarm-fingerprint hassh-md5 " +
		"hasshserver-md5 hostname pehash authentihash vhash imphash telfhash tlsh anonymised cdhash email email-src email-dst target-email whois-registrant-email dom-hash onion-address"
	addresses  = "ip-src ip-dst"
	composites = "filename|md5 filename|sha1 filename|imphash filename|sha224 filename|sha256 filename|sha384 filename|sha512 filename|sha512/224 filename|sha512/256 " +
		"filename|sha3-224 filename|sha3-256 filename|sha3-384 filename|sha3-512 filename|authentihash filename|vhash filename|pehash filename|tlsh"
	mails   = "email email-src eppn email-dst target-email whois-registrant-email dns-soa-email jabber-id"
	numbers = "bin cc-number bank-account-nr aba-rtn prtn phone-number whois-registrant-phone float"
	codes   = "iban bic btc dash xmr"
	texts   = "mutex process-state snort bro zeek community-id anonymised pattern-in-file pattern-in-traffic pattern-in-memory filename-pattern pgp-public-key pgp-private-key " +
		"yara stix2-pattern sigma gene kusto-query mime-type identity-card-number cookie attachment malware-sample comment text other cpe email-attachment email-body " +
		"email-header first-name middle-name last-name full-name boolean"
)

// is reports whether a type is in a list.
func is(list, typ string) bool { return slices.Contains(strings.Fields(list), typ) }

var (
	fakeScheme = regexp.MustCompile(`(?i)^(hxxp|hxtp|htxp|meow|h\[tt\]p)`)
	fakeDot    = strings.NewReplacer("[.]", ".", "[dot]", ".", "(dot)", ".")
	fakeAt     = strings.NewReplacer("[@]", "@", "[at]", "@")
)

func refanged(typ, v string) string {
	switch typ {
	case "url", "link":
		return strings.ReplaceAll(strings.ReplaceAll(fakeDot.Replace(fakeScheme.ReplaceAllString(v, "http")), "[hxxp://]", "http://"), "[:]", ":")
	case "email", "email-src", "email-dst":
		return fakeAt.Replace(fakeDot.Replace(v))
	case "ip-src", "ip-dst", "domain", "hostname", "domain|ip":
		return fakeDot.Replace(v)
	}
	return v
}

// domain is a domain as MISP keeps it: with Latin letters only, if it is one.
func domain(v string) string {
	v = strings.Trim(strings.ToLower(v), ".")
	if isDomain.MatchString(v) {
		return v
	}
	return spelling.ASCII(v)
}

// address is an address or a network as MISP keeps it: short, unless it begins
// with a colon, and a network of one address as that.
func address(v string) string {
	ip, bits, network := strings.Cut(v, "/")
	if a, err := netip.ParseAddr(ip); err == nil && a.Is6() && a.Zone() == "" && !strings.HasPrefix(ip, ":") {
		ip = a.String()
	}
	if network && !(bits == "32" && strings.Index(v, ".") > 0 || bits == "128" && strings.Index(v, ":") > 0) {
		return ip + "/" + bits
	}
	return ip
}

// addressAndPort splits an address from its port at whichever of the usual marks is there.
func addressAndPort(v string) string {
	cut := func(sep string) string {
		parts := strings.Split(v, sep)
		return address(parts[0]) + "|" + parts[1]
	}
	if strings.Count(v, ":") < 2 {
		for _, sep := range []string{":", "|"} {
			if strings.Index(v, sep) > 0 {
				return cut(sep)
			}
		}
		return v
	}
	if strings.Index(v, "|") > 0 {
		return cut("|")
	}
	if inner, rest, ok := strings.Cut(v, "]"); ok && strings.HasPrefix(v, "[") {
		_, port, _ := strings.Cut(rest, ":")
		return address(inner[1:]) + "|" + port
	}
	for _, sep := range []string{".", " port ", "p", "#"} {
		if strings.Index(v, sep) > 0 {
			return cut(sep)
		}
	}
	i := strings.LastIndexByte(v, ':') // of an address of IPv6 that could be a part of it
	return address(v[:i]) + "|" + v[i+1:]
}

var (
	isDomain = regexp.MustCompile(`^(?i:[A-Z0-9.\-_]+\.[A-Z0-9\-]{2,})$`)
	isMail   = regexp.MustCompile(`^.\S*@.*\..*$`)
	isCVE    = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,}$`)
	isCWE    = regexp.MustCompile(`^CWE-[0-9]+$`)
	isMAC    = regexp.MustCompile(`^([a-f0-9]{2}:?)+$`)
	isHex    = regexp.MustCompile(`^[0-9A-Fa-f]+$`)
	isSmall  = regexp.MustCompile(`^[0-9a-f]+$`)
	isCode   = regexp.MustCompile(`^[a-zA-Z0-9]+$`)
	isNumber = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	isFuzzy  = regexp.MustCompile(`^[0-9]+:[0-9a-zA-Z/+]*:[0-9a-zA-Z/+]*$`)
	isOnion  = regexp.MustCompile(`^([a-z2-7]{16}|[a-z2-7]\{56)\.onion$`) // which no address of today is
	isMethod = regexp.MustCompile(`OPTIONS|GET|HEAD|POST|PUT|DELETE|TRACE|CONNECT|PROPFIND|PROPPATCH|MKCOL|COPY|MOVE|LOCK|VERSION-CONTROL|REPORT|CHECKOUT|CHECKIN|MKWORKSPACE|UPDATE|LABEL|MERGE|BASELINE-CONTROL|MKACTIVITY|ORDERPATCH|ACL|PATCH|SEARCH`)
	isLink   = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*://[!-"$-.0->@-~]+|(mailto|news|file):)[!-~]*$`)

	hexChars = map[string]int{"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "imphash": 32, "authentihash": 64, "git-commit-id": 40, "x509-fingerprint-md5": 32,
		"x509-fingerprint-sha1": 40, "x509-fingerprint-sha256": 64, "ja3-fingerprint-md5": 32, "jarm-fingerprint": 62, "hassh-md5": 32, "hasshserver-md5": 32, "pehash": 40,
		"sha224": 56, "sha384": 96, "sha512/224": 56, "sha512/256": 64, "sha3-224": 56, "sha3-256": 64, "sha3-384": 96, "sha3-512": 128, "dom-hash": 32}
)

// positive is the whole number that v is, or -1.
func positive(v string) int {
	if n, err := strconv.ParseUint(v, 10, 32); err == nil {
		return int(n)
	}
	return -1
}

const (
	badAddress = "IP address has an invalid format."
	badPort    = "Port numbers have to be integers between 1 and 65535."
	badFormat  = "Value not in the right type/format."
	badHash    = "Checksum has an invalid length or format"
	newLine    = "must not contain new line character."
	orOther    = " Please double check the value or select type \"other\"."
)

// hasParts reports whether the values of a type have two parts.
func hasParts(typ string) bool { return strings.Contains(typ, "|") || typ == "malware-sample" }

// badValue is what MISP has against a value that is in its form already.
func badValue(a Attribute) string {
	control := func(v string) bool {
		return v != "" && strings.Trim(v, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\x0b\x0c\r\x0e\x0f\x1b\x7f") == ""
	}
	parts := []string{a.Value}
	if hasParts(a.Type) {
		parts = append(parts, strings.Split(a.Value, "|")...)[:min(3, 2+strings.Count(a.Value, "|"))]
	}
	switch {
	case a.Value == "":
		return "Value cannot be empty."
	case slices.ContainsFunc(parts, control):
		return "Value provided consists purely of control characters and is therefore considered to be empty."
	case hasParts(a.Type) && strings.Count(a.Value, "|") != 1:
		return "Composite type found but the value not in the composite (value1|value2) format."
	}
	if why := badOfType(a.Type, a.Value); why != "" {
		return why
	}
	if len(a.Value) > 65535 {
		return "The entered string is too long and would get truncated. Please consider adding the data as an attachment instead"
	}
	return ""
}

// badOfType is what MISP has against a value because of its type.
func badOfType(typ, v string) string {
	isAddress := func(v string) bool { x, err := netip.ParseAddr(v); return err == nil && x.Zone() == "" }
	isPort := func(v string) bool { n := positive(v); return n >= 1 && n <= 65535 }
	isTLSH := func(v string) bool { v = strings.TrimPrefix(v, "t"); return len(v) > 35 && isHex.MatchString(v) }
	isHash := func(v string, n int) bool { return len(v) == n && isHex.MatchString(v) }
	left, right, _ := strings.Cut(v, "|")
	wrong := func(ok bool, why string) string {
		if ok {
			return ""
		}
		return why
	}
	switch {
	case is(texts, typ):
		return ""
	case is(addresses, typ):
		ip, bits, network := strings.Cut(v, "/")
		x, err := netip.ParseAddr(ip)
		switch n := positive(bits); {
		case network && n < 0:
			return "Invalid CIDR notation value found."
		case err != nil || x.Zone() != "":
			return badAddress
		case network && n > x.BitLen():
			return fmt.Sprintf("Invalid CIDR notation value found, for IPv%d must be lower or equal %d.", map[int]int{32: 4, 128: 6}[x.BitLen()], x.BitLen())
		}
		return ""
	case is(mails, typ):
		return wrong(isMail.MatchString(v), "Email address has an invalid format."+orOther)
	case is(numbers, typ):
		return wrong(isNumber.MatchString(v), badFormat+orOther)
	case is(codes, typ):
		return wrong(isCode.MatchString(v), badFormat+orOther)
	}
	switch typ {
	case "port":
		return wrong(isPort(v), badPort)
	case "ip-src|port", "ip-dst|port":
		return cmp.Or(wrong(isAddress(left), badAddress), wrong(isPort(right), badPort))
	case "domain", "hostname":
		return wrong(isDomain.MatchString(v), strings.ToUpper(typ[:1])+typ[1:]+" has an invalid format."+orOther)
	case "hostname|port":
		return cmp.Or(wrong(isDomain.MatchString(left), "Hostname has an invalid format."), wrong(isPort(right), badPort))
	case "domain|ip":
		return cmp.Or(wrong(isDomain.MatchString(left), "Domain has an invalid format."), wrong(isAddress(right), badAddress))
	case "onion-address":
		return wrong(isOnion.MatchString(v), "Onion address has an invalid format.")
	case "vulnerability":
		return wrong(isCVE.MatchString(v), "Invalid format. Expected: CVE-xxxx-xxxx...")
	case "weakness":
		return wrong(isCWE.MatchString(v), "Invalid format. Expected: CWE-x...")
	case "AS":
		return wrong(positive(v) >= 0, "AS number have to be integer between 1 and 4294967295")
	case "mac-address", "mac-eui-64":
		return wrong(isMAC.MatchString(v) && len(strings.ReplaceAll(v, ":", "")) == map[string]int{"mac-address": 12, "mac-eui-64": 16}[typ], badFormat+orOther)
	case "link":
		return wrong(isLink.MatchString(v), badFormat+orOther)
	case "hex":
		return wrong(isHex.MatchString(v), badFormat+orOther)
	case "vhash":
		return wrong(!strings.Contains(v, "\n"), badFormat+orOther)
	case "cortex":
		return wrong(json.Valid([]byte(v)), badFormat+orOther)
	case "integer": // it wants a number that is none in JSON's text, which nobody can send
		return "The value has to be an integer value."
	case "size-in-bytes", "counter":
		return wrong(strings.Trim(v, "0123456789") == "", "The value has to be a whole number greater or equal 0.")
	case "datetime":
		_, ok := moment(v)
		return wrong(ok, "Datetime has to be in the ISO 8601 format.")
	case "http-method":
		return wrong(isMethod.MatchString(v), "Unknown HTTP method.")
	case "windows-service-name", "windows-service-displayname":
		return wrong(len(v) <= 256 && !strings.ContainsAny(v, `/\`), "Invalid format. Only values shorter than 256 characters that don't include any forward or backward slashes are allowed.")
	case "ssh-fingerprint":
		if sum, ok := strings.CutPrefix(v, "SHA256:"); ok {
			raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(sum, "="))
			return wrong(err == nil && len(raw) == 32, "SSH fingerprint must be in MD5 or SHA256 format.")
		}
		return wrong(isHash(strings.ReplaceAll(strings.TrimPrefix(v, "MD5:"), ":", ""), 32), "SSH fingerprint must be in MD5 or SHA256 format.")
	case "ssdeep":
		return wrong(isFuzzy.MatchString(v), "Invalid SSDeep hash. The format has to be blocksize:hash:hash")
	case "impfuzzy":
		first, _, _ := strings.Cut(v, ":")
		return wrong(strings.Count(v, ":") == 2 && first != "" && strings.Trim(first, "0123456789") == "", "Invalid impfuzzy format. The format has to be imports:hash:hash")
	case "tlsh":
		return wrong(isTLSH(v), badHash+" (expected: at least 35 hexadecimal characters, optionally starting with t1 instead of hexadecimal characters)."+orOther)
	case "telfhash":
		return wrong(len(v) == 70 || len(v) == 72, badHash+" (expected: 70 or 72 hexadecimal characters)."+orOther)
	case "cdhash":
		return wrong(len(v) >= 40 && isSmall.MatchString(v), "The input doesn't match the expected format (expected: 40 or more hexadecimal characters)")
	case "pehash":
		return wrong(isHash(v, 40), "The input doesn't match the expected sha1 format (expected: 40 hexadecimal characters).")
	case "filename|pehash":
		return wrong(left != "" && !strings.Contains(left, "\n") && len(right) == 40 && isSmall.MatchString(right), "The input doesn't match the expected filename|sha1 format (expected: filename|40 hexadecimal characters).")
	case "filename|ssdeep":
		return cmp.Or(wrong(!strings.Contains(left, "\n"), "Filename "+newLine), wrong(isFuzzy.MatchString(right), "Invalid ssdeep hash (expected: blocksize:hash:hash)."))
	case "filename|tlsh":
		return cmp.Or(wrong(!strings.Contains(left, "\n"), "Filename "+newLine), wrong(isTLSH(right), "TLSH hash has an invalid length or format (expected: filename|at least 35 hexadecimal characters, optionally starting with t1 instead of hexadecimal characters)."+orOther))
	case "filename|vhash":
		return wrong(left != "" && right != "" && !strings.Contains(v, "\n"), badHash+" (expected: filename|string characters)."+orOther)
	}
	if n := hexChars[typ]; n > 0 {
		return wrong(isHash(v, n), fmt.Sprintf("%s (expected: %d hexadecimal characters).%s", badHash, n, orOther))
	}
	if n := hexChars[strings.TrimPrefix(typ, "filename|")]; n > 0 {
		return wrong(left != "" && !strings.Contains(left, "\n") && len(right) == n && isSmall.MatchString(right), fmt.Sprintf("%s (expected: filename|%d hexadecimal characters).%s", badHash, n, orOther))
	}
	return wrong(!strings.Contains(v, "\n"), "Value "+newLine)
}
