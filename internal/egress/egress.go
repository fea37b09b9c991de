// Package egress decides which values may not be shown to a third party:
// internal addresses and names, and URLs that carry credentials or a query.
package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// A Filter knows what is internal. The zero value knows the addresses and
// suffixes that are internal everywhere.
type Filter struct {
	// Suffixes are further domains whose names are internal, such as "example.org".
	Suffixes []string
}

// internalNets are the ranges that no third party can tell anything about but
// that we have them. Those reserved for documentation are left out.
var internalNets = func() (nets []netip.Prefix) {
	for _, s := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
		"192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
		"::/127", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		nets = append(nets, netip.MustParsePrefix(s))
	}
	return nets
}()

// embedding are the IPv6 ranges that hold an IPv4 address, and at which byte.
var embedding = []struct {
	net  netip.Prefix
	at   int
	flip byte // Teredo keeps the address inverted
}{
	{netip.MustParsePrefix("::ffff:0:0/96"), 12, 0},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12, 0}, // translated (SIIT)
	{netip.MustParsePrefix("::/96"), 12, 0},           // compatible, obsolete
	{netip.MustParsePrefix("64:ff9b::/96"), 12, 0},    // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12, 0},  // NAT64, local
	{netip.MustParsePrefix("2002::/16"), 2, 0},        // 6to4
	{netip.MustParsePrefix("2001::/32"), 12, 0xff},    // Teredo client
}

// suffixes end names that exist in no public DNS, or that point inside.
var suffixes = []string{
	"local", "localhost", "localdomain", "internal", "intranet", "lan", "corp", "home", "home.arpa", "private",
	"in-addr.arpa", "ip6.arpa",
}

// Addr says why a can't be shown to a third party, or returns "".
func (Filter) Addr(a netip.Addr) string {
	if a.Zone() != "" {
		return "an address with a zone is of the local link"
	}
	for _, n := range internalNets {
		if n.Contains(a.Unmap()) {
			return "an internal address"
		}
	}
	if a.Is6() {
		b := a.As16()
		for _, e := range embedding {
			if !e.net.Contains(a) {
				continue
			}
			v4 := [4]byte(b[e.at : e.at+4])
			for i := range v4 {
				v4[i] ^= e.flip
			}
			if why := (Filter{}).Addr(netip.AddrFrom4(v4)); why != "" {
				return "an internal address inside an IPv6 one"
			}
		}
	}
	return ""
}

// Prefix says why a network can't be shown to a third party, or returns "".
func (f Filter) Prefix(p netip.Prefix) string {
	p = p.Masked()
	for _, n := range internalNets {
		if n.Overlaps(p) {
			return "a network with internal addresses"
		}
	}
	for _, e := range embedding {
		if p.Addr().Is6() && e.net.Overlaps(p) {
			return "a network that may hold internal addresses"
		}
	}
	return ""
}

// Host says why the name or address h of a host can't be shown to a third
// party, or returns "".
func (f Filter) Host(h string) string {
	h = strings.TrimSuffix(strings.TrimPrefix(fold(h), "["), "]")
	if i := strings.IndexByte(h, '%'); i >= 0 { // an IPv6 zone
		if a, err := netip.ParseAddr(h[:i]); err == nil && a.Is6() {
			return "an address with a zone is of the local link"
		}
	}
	if a, ok := addr(strings.TrimSuffix(h, ".")); ok {
		return f.Addr(a)
	}
	h = strings.Trim(h, ".")
	if h == "" || strings.ContainsAny(h, "/\\@:?#%[] \t\r\n") {
		return "a host name that can't be read can't be judged"
	}
	if !strings.Contains(h, ".") {
		return "a name without a domain is internal"
	}
	for _, list := range [][]string{suffixes, f.Suffixes} {
		for _, s := range list {
			s = strings.Trim(fold(s), ". ")
			if s != "" && (h == s || strings.HasSuffix(h, "."+s)) {
				return fmt.Sprintf("names below .%s are internal", s)
			}
		}
	}
	return ""
}

// URL says why a URL can't be shown to a third party, or returns "". One that
// can't be read can't be shown.
func (f Filter) URL(s string) string {
	s = strings.TrimSpace(s)
	if !schemed.MatchString(s) && !opaque.MatchString(s) {
		s = "//" + strings.TrimLeft(s, "/")
	}
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return "a URL that can't be read can't be judged"
	case u.Opaque != "":
		return f.opaque(u)
	case u.User != nil || strings.Contains(u.Host, "@"):
		return "a URL with a user name or password"
	case u.RawQuery != "" || u.ForceQuery:
		return "a URL with a query, which may hold a token or a name"
	}
	return f.Host(u.Hostname())
}

// opaque judges a URL without a host, such as mailto:user@example.org.
func (f Filter) opaque(u *url.URL) string {
	if u.RawQuery != "" || u.ForceQuery {
		return "a URL with a query, which may hold a token or a name"
	}
	if u.Scheme == "urn" {
		return f.Text(u.Opaque)
	}
	return f.Mail(u.Opaque)
}

// Mail says why a mail address can't be shown to a third party, or returns "".
func (f Filter) Mail(s string) string {
	i := strings.LastIndexByte(s, '@')
	if i < 0 {
		return "a mail address without a domain is internal"
	}
	return f.Host(strings.Trim(s[i+1:], "<>[] "))
}

var (
	schemed = lazyregexp.New(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	opaque  = lazyregexp.New(`^(?i:mailto|sips?|xmpp|urn):[^/]`)
	urls    = lazyregexp.New(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>]+`)
	words   = lazyregexp.New(`[^\s"'<>,;|()={}\\]+`)
	v6words = lazyregexp.New(`[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*`)
	dotted  = lazyregexp.New(`\d{1,3}(?:\.\d{1,3}){3}`)
)

// Text says why free text can't be shown to a third party, or returns "": it
// holds an internal address, a name that is internal, or a URL that is refused.
func (f Filter) Text(s string) string {
	s = fold(s)
	for _, u := range urls.FindAllString(s, -1) {
		if why := f.URL(u); why != "" {
			return why
		}
	}
	for _, w := range append(dotted.FindAllString(s, -1), v6words.FindAllString(s, -1)...) {
		if a, err := netip.ParseAddr(strings.Trim(w, ".")); err == nil {
			if why := f.Addr(a); why != "" {
				return why
			}
		}
	}
	for _, w := range words.FindAllString(s, -1) {
		w = strings.Trim(w, ".:!?[]")
		if p, err := netip.ParsePrefix(w); err == nil {
			if why := f.Prefix(p); why != "" {
				return why
			}
			continue
		}
		if a, err := netip.ParseAddr(w); err == nil {
			if why := f.Addr(a); why != "" {
				return why
			}
			continue
		}
		host := w
		if i := strings.LastIndexByte(host, '@'); i >= 0 {
			host = host[i+1:]
		}
		host, _, _ = strings.Cut(host, "/")
		host, _, _ = strings.Cut(host, ":")
		if strings.Contains(strings.Trim(host, "."), ".") && strings.ContainsFunc(host, unicode.IsLetter) && !pattern(host) {
			if why := f.Host(host); why != "" {
				return why
			}
		}
	}
	return ""
}

// pattern reports whether a word is a file name or an expression and no host.
func pattern(w string) bool { return strings.ContainsAny(w, "_~$%*+[]^") }

// fold brings what a resolver treats alike to one spelling: case, the dots of
// other scripts, full-width letters and digits; what can't be seen goes.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '。' || r == '．' || r == '｡':
			return '.'
		case r >= '！' && r <= '～':
			return unicode.ToLower(r - '！' + '!')
		case r == '\u00ad' || r == '\ufeff' || r >= '\u200b' && r <= '\u200f' || r >= '\u2060' && r <= '\u2064':
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// addr reads an address in every spelling that a browser or a resolver takes:
// also 2130706433, 0x7f.1 and 0177.0.0.1.
func addr(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a, true
	}
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var v uint64
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 0, 32)
		if err != nil && len(p) > 1 && p[0] == '0' { // 08 and 09 are decimal to some
			n, err = strconv.ParseUint(strings.TrimLeft(p, "0"), 10, 32)
		}
		if err != nil || strings.ContainsAny(p, "_+-ob") && !strings.HasPrefix(p, "0x") {
			return netip.Addr{}, false
		}
		if last := i == len(parts)-1; last {
			if n >= 1<<(8*uint(5-len(parts))) {
				return netip.Addr{}, false
			}
			v = v<<(8*uint(5-len(parts))) | n
		} else {
			if n > 255 {
				return netip.Addr{}, false
			}
			v = v<<8 | n
		}
	}
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}), true
}
