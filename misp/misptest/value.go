package misptest

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/spelling"
)

// normal is a value as MISP keeps it: some ways to defang it are undone, of some
// types only, and then each type is brought into a form of its own.
func normal(typ, v string) string {
	v = refanged(typ, strings.TrimSpace(v))
	switch typ {
	case "md5", "sha1", "sha256", "sha512", "imphash", "hostname", "email", "email-src", "email-dst":
		return strings.ToLower(v)
	case "domain":
		return domain(v)
	case "domain|ip":
		if name, ip, ok := strings.Cut(strings.ToLower(v), "|"); ok {
			return domain(name) + "|" + address(ip)
		}
		return strings.ToLower(v)
	case "ip-src", "ip-dst":
		return address(v)
	case "ip-src|port", "ip-dst|port":
		return addressAndPort(v)
	case "hostname|port":
		return strings.ReplaceAll(strings.ToLower(v), ":", "|")
	case "filename|md5", "filename|sha1", "filename|sha256", "filename|sha512":
		if name, hash, ok := strings.Cut(v, "|"); ok {
			return name + "|" + strings.ToLower(hash)
		}
	case "AS":
		if len(v) > 1 && strings.EqualFold(v[:2], "AS") {
			v = v[2:]
		}
		if high, low, ok := strings.Cut(v, "."); ok && positive(high) >= 0 && positive(low) >= 0 {
			return strconv.Itoa(positive(high)<<16 + positive(low))
		}
		return v
	case "vulnerability", "weakness":
		return strings.ToUpper(strings.ReplaceAll(v, "–", "-"))
	case "mac-address":
		v = strings.NewReplacer(".", "", ":", "", "-", "", " ", "").Replace(strings.ToLower(v))
		var pairs []string
		for c := range slices.Chunk([]byte(v), 2) {
			pairs = append(pairs, string(c))
		}
		return strings.Join(pairs, ":")
	}
	return v
}

var (
	fakeScheme = regexp.MustCompile(`(?i)^(hxxp|hxtp|htxp|meow|h\[tt\]p)`)
	fakeDot    = strings.NewReplacer("[.]", ".", "[dot]", ".", "(dot)", ".")
	fakeAt     = strings.NewReplacer("[@]", "@", "[at]", "@")
)

func refanged(typ, v string) string {
	switch typ {
	case "url", "link":
		return strings.ReplaceAll(fakeDot.Replace(fakeScheme.ReplaceAllString(v, "http")), "[:]", ":")
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

func addressAndPort(v string) string {
	ip, port, ok := strings.Cut(v, "|")
	switch inner, rest, bracketed := strings.Cut(v, "]:"); {
	case ok:
	case bracketed && strings.HasPrefix(inner, "["):
		ip, port = inner[1:], rest
	case strings.Contains(v, ":"): // of an IPv6 address the last colon is taken
		i := strings.LastIndexByte(v, ':')
		ip, port = v[:i], v[i+1:]
	default:
		return v
	}
	return address(ip) + "|" + port
}

var (
	isDomain = regexp.MustCompile(`^(?i:[A-Z0-9.\-_]+\.[A-Z0-9\-]{2,})$`)
	isMail   = regexp.MustCompile(`(?s)^.\S*@.*\..*$`)
	isCVE    = regexp.MustCompile(`^CVE-[0-9]{4}-[0-9]{4,}$`)
	isCWE    = regexp.MustCompile(`^CWE-[0-9]+$`)
	isMAC    = regexp.MustCompile(`^([a-f0-9]{2}:?){6}$`)
	isHash   = regexp.MustCompile(`^[0-9a-f]+$`)
	hexChars = map[string]int{"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128, "imphash": 32}
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
	orOther    = " Please double check the value or select type \"other\"."
)

// badValue is what MISP has against a value that is in its form already.
func badValue(a Attribute) string {
	isAddress := func(v string) bool { x, err := netip.ParseAddr(v); return err == nil && x.Zone() == "" }
	isPort := func(v string) bool { n := positive(v); return n >= 1 && n <= 65535 }
	left, right, composite := strings.Cut(a.Value, "|")
	switch {
	case a.Value == "":
		return "Value cannot be empty."
	case strings.Contains(a.Type, "|") && strings.Count(a.Value, "|") != 1:
		return "Composite type found but the value not in the composite (value1|value2) format."
	}
	switch a.Type {
	case "ip-src", "ip-dst":
		ip, bits, network := strings.Cut(a.Value, "/")
		x, err := netip.ParseAddr(ip)
		switch n := positive(bits); {
		case network && n < 0:
			return "Invalid CIDR notation value found."
		case err != nil || x.Zone() != "":
			return badAddress
		case network && n > x.BitLen():
			return fmt.Sprintf("Invalid CIDR notation value found, for IPv%d must be lower or equal %d.", map[int]int{32: 4, 128: 6}[x.BitLen()], x.BitLen())
		}
	case "port":
		if !isPort(a.Value) {
			return badPort
		}
	case "ip-src|port", "ip-dst|port":
		switch {
		case !isAddress(left):
			return badAddress
		case !isPort(right):
			return badPort
		}
	case "domain", "hostname":
		if !isDomain.MatchString(a.Value) {
			return strings.ToUpper(a.Type[:1]) + a.Type[1:] + " has an invalid format." + orOther
		}
	case "hostname|port":
		switch {
		case !isDomain.MatchString(left):
			return "Hostname has an invalid format."
		case !isPort(right):
			return badPort
		}
	case "domain|ip":
		switch {
		case !isDomain.MatchString(left):
			return "Domain has an invalid format."
		case !isAddress(right):
			return badAddress
		}
	case "email", "email-src", "email-dst":
		if !isMail.MatchString(a.Value) {
			return "Email address has an invalid format." + orOther
		}
	case "vulnerability":
		if !isCVE.MatchString(a.Value) {
			return "Invalid format. Expected: CVE-xxxx-xxxx..."
		}
	case "weakness":
		if !isCWE.MatchString(a.Value) {
			return "Invalid format. Expected: CWE-x..."
		}
	case "AS":
		if positive(a.Value) < 0 {
			return "AS number have to be integer between 1 and 4294967295"
		}
	case "mac-address":
		if !isMAC.MatchString(a.Value) {
			return badFormat + orOther
		}
	case "link":
		if u, err := url.Parse(a.Value); err != nil || u.Scheme == "" || u.Host == "" || strings.Contains(a.Value, " ") {
			return badFormat + orOther
		}
	case "email-subject", "filename", "user-agent", "regkey", "url", "uri", "target-user", "target-machine":
		if strings.Contains(a.Value, "\n") {
			return "Value must not contain new line character."
		}
	default:
		kind, name := a.Type, ""
		if composite {
			kind, name = strings.TrimPrefix(a.Type, "filename|"), "filename|"
		} else {
			right = a.Value
		}
		if n := hexChars[kind]; n > 0 && (len(right) != n || !isHash.MatchString(right)) {
			return fmt.Sprintf("Checksum has an invalid length or format (expected: %s%d hexadecimal characters).%s", name, n, orOther)
		}
	}
	return ""
}
