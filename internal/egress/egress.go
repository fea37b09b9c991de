// Package egress decides which values may not be shown to a third party:
// internal addresses and names, and URLs that carry credentials or a query.
//
// A value is judged in every spelling that a resolver, a browser or a reader
// takes for the same thing: 0x0a000001, 10[.]0[.]0[.]1, 10%2E0.0.1, full-width
// digits, punycode. What has to be decoded to be read at all, such as base64, is
// looked at as the text that it is.
package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/spelling"
)

// A Filter knows what is internal. The zero value knows the addresses and
// suffixes that are internal everywhere.
type Filter struct {
	// Suffixes are further domains whose names are internal, such as "example.org".
	Suffixes []string
	// Whole lets a URL leave with its query, and with what reads as a token or
	// names a person, since a person has approved just that. What is internal
	// stays inside all the same.
	Whole bool
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

// suffixes end names that exist in no public DNS, or that point inside.
var suffixes = []string{
	"local", "localhost", "localdomain", "internal", "intranet", "lan", "corp", "home", "home.arpa", "private",
	"in-addr.arpa", "ip6.arpa",
}

const (
	unreadable    = "a host name that can't be read can't be judged"
	unreadableURL = "a URL that can't be read can't be judged"
)

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
	if v4, ok := spelling.Embedded(a); ok && (Filter{}).Addr(v4) != "" {
		return "an internal address inside an IPv6 one"
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
	if _, ok := spelling.EmbeddedNet(p); ok {
		return "a network that may hold internal addresses"
	}
	return ""
}

// Host says why the name or address h of a host can't be shown to a third
// party, or returns "".
func (f Filter) Host(h string) string {
	h = strings.TrimSuffix(strings.TrimPrefix(spelling.Fold(h), "["), "]")
	if i := strings.IndexByte(h, '%'); i >= 0 { // an IPv6 zone
		if a, err := netip.ParseAddr(h[:i]); err == nil && a.Is6() {
			return "an address with a zone is of the local link"
		}
	}
	if list := spelling.Addrs(strings.TrimSuffix(h, ".")); len(list) > 0 {
		return f.first(list)
	}
	h = strings.Trim(h, ".")
	if h == "" || strings.ContainsFunc(h, func(r rune) bool { return !inName(r) }) {
		return unreadable
	}
	if !strings.Contains(h, ".") {
		return "a name without a domain is internal"
	}
	if why := f.within(h); why != "" {
		return why
	}
	return f.name(h)
}

// inName reports whether r can stand in the name of a host.
func inName(r rune) bool {
	return r == '.' || r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// first says why one of several readings of an address can't be shown.
func (f Filter) first(list []netip.Addr) string {
	for _, a := range list {
		if why := f.Addr(a); why != "" {
			return why
		}
	}
	return ""
}

// name says why a name with a domain, folded, is internal, or returns "".
func (f Filter) name(h string) string {
	for _, list := range [][]string{suffixes, f.Suffixes} {
		for _, s := range list {
			s = strings.Trim(spelling.Fold(s), ". ")
			if s != "" && (h == s || strings.HasSuffix(h, "."+s)) {
				return fmt.Sprintf("names below .%s are internal", s)
			}
		}
	}
	return ""
}

// within looks for an internal address in a name, such as 10.0.0.1.nip.io and
// ip-10-0-0-1.example.org.
func (f Filter) within(h string) string {
	for _, re := range []*lazyregexp.Regexp{quads, dashed} {
		for _, m := range re.FindAllString(h, -1) {
			m = strings.TrimFunc(m, func(r rune) bool { return r < '0' || r > '9' })
			m = strings.ReplaceAll(m, "-", ".")
			for _, a := range spelling.Addrs(m) {
				if house(a) {
					return "a name with an internal address in it"
				}
			}
		}
	}
	if rest, ok := strings.CutSuffix(h, ".ipv6-literal.net"); ok {
		address, _, _ := strings.Cut(rest, "s") // the zone
		if a, err := netip.ParseAddr(strings.ReplaceAll(address, "-", ":")); err != nil || f.Addr(a) != "" {
			return "a name with an internal address in it"
		}
	}
	return ""
}

// house reports whether a is of a range that houses number their own hosts
// with. Of an odd spelling only those are taken for an address.
func house(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || shared.Contains(a)
}

var shared = netip.MustParsePrefix("100.64.0.0/10")

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
		return unreadableURL
	case u.Opaque != "":
		return f.opaque(u)
	case u.User != nil || strings.Contains(u.Host, "@"):
		return "a URL with a user name or password"
	case f.queried(u):
		return query
	}
	if why := f.Host(u.Hostname()); why != "" {
		return why
	}
	list, _ := spelling.Readings(strings.NewReplacer("/", " ", "?", " ", "&", " ").Replace(u.Path + " " + u.Fragment + " " + u.RawQuery))
	for _, s := range list {
		if why := f.text(s); why != "" {
			return why
		}
	}
	if f.Whole {
		return ""
	}
	if why := f.token(spelling.Unescape(u.Path), inPath); why != "" {
		return why
	}
	return f.token(spelling.Unescape(u.Fragment), inFragment)
}

const query = "a URL with a query, which may hold a token or a name"

// queried reports whether u has a query that nobody said may leave.
func (f Filter) queried(u *url.URL) bool { return !f.Whole && (u.RawQuery != "" || u.ForceQuery) }

// opaque judges a URL without a host, such as mailto:user@example.org.
func (f Filter) opaque(u *url.URL) string {
	if f.queried(u) {
		return query
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
	quads   = lazyregexp.New(`(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+)){3,}`)
	wild    = lazyregexp.New(`\d{1,3}(?:\.(?:\d{1,3}|[*x])){3}`)
	dashed  = lazyregexp.New(`(?:^|[.a-z-])\d{1,3}(?:-\d{1,3}){3}(?:$|[.a-z])`)
	hexed   = lazyregexp.New(`\b0x[0-9a-f]{7,8}\b`)
	shares  = lazyregexp.New(`(?:^|[\s"'=(<,;|])(?:\\\\){1,2}([^\s"'<>/\\?*+[\](){}|.$^][^\s"'<>/\\?*+[\](){}|$^]*)\\{1,2}[^\s/\\]`)
	login   = lazyregexp.New(`^([^:@/\s]+):([^@/\s]+)@[^@\s]+$`)
	prefix  = lazyregexp.New(`^(?:mailto|e?-?mail|sips?|xmpp|acct|smtp|from|to|cc|bcc|sender|reply-to|return-path|re|fwd?|aw|wg)$`)
	web     = lazyregexp.New(`^(?:https?|ftp|wss?):[/\\\\]*`)
)

// Text says why free text can't be shown to a third party, or returns "": it
// holds an internal address, a name that is internal, or a URL that is refused,
// in whatever spelling; or it is nothing but the name of a host of the house.
func (f Filter) Text(s string) string {
	list, ok := spelling.Readings(s)
	if !ok {
		return "text that is encoded again and again can't be judged"
	}
	for i, s := range list {
		// What can't be read yet may be read once it is decoded.
		if why := f.text(s); why != "" && (i == len(list)-1 || why != unreadable && why != unreadableURL) {
			return why
		}
		for line := range strings.Lines(s) {
			if why := f.whole(strings.Trim(line, " \t\r\n\"'`<>()[]{},;!?")); why != "" {
				return why
			}
		}
	}
	return ""
}

// whole judges a line that is one word as the address or the name that it may
// be. Within a sentence 10.1 is a version and intranet a subject.
func (f Filter) whole(s string) string {
	if s == "" || strings.ContainsAny(s, " \t") {
		return ""
	}
	host := strings.TrimLeft(web.ReplaceAllString(s, ""), `/\`)
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		if host = host[i+1:]; !strings.ContainsAny(host, ".:/") && strings.ContainsFunc(host, unicode.IsLetter) {
			return "a name without a domain is internal"
		}
	}
	bare, rest := host, ""
	if i := strings.IndexAny(host, `:/\?#`); i >= 0 {
		bare, rest = host[:i], host[i:]
	}
	bare = strings.Trim(bare, ".")
	for _, a := range spelling.Addrs(bare) {
		if house(a) {
			return "an internal address"
		}
	}
	if why := f.within(strings.ReplaceAll(bare, ",", "-")); why != "" {
		return why
	}
	switch {
	case strings.Contains(bare, "."):
	case rest == "":
		return f.name(bare)
	case bare == "localhost" || bare == "localdomain" || bare == "intranet":
		return f.name(bare)
	}
	return ""
}

// text judges one reading of a text.
func (f Filter) text(s string) string {
	for _, u := range urls.FindAllString(s, -1) {
		if why := f.URL(u); why != "" {
			return why
		}
	}
	for _, m := range shares.Compiled().FindAllStringSubmatch(s, -1) {
		if why := f.Host(m[1]); why != "" {
			return why
		}
	}
	for _, w := range v6words.FindAllString(s, -1) {
		if a, err := netip.ParseAddr(strings.Trim(w, ".")); err == nil {
			if why := f.Addr(a); why != "" {
				return why
			}
		}
	}
	for _, w := range wild.FindAllString(s, -1) {
		if !strings.ContainsAny(w, "*x") {
			continue
		}
		if a, err := netip.ParseAddr(strings.NewReplacer("*", "0", "x", "0").Replace(w)); err == nil && house(a) {
			return "an internal address"
		}
	}
	for _, w := range quads.FindAllString(s, -1) {
		if why := f.quad(w); why != "" {
			return why
		}
	}
	for _, w := range hexed.FindAllString(s, -1) {
		if list := spelling.Addrs(w); len(list) > 0 && house(list[0]) {
			return "an internal address"
		}
	}
	for _, w := range words.FindAllString(s, -1) {
		if why := f.word(strings.Trim(w, ".:!?[]`")); why != "" {
			return why
		}
	}
	return ""
}

// quad judges numbers with dots between them. In more than four, which may be an
// object identifier, each four in a row may be an address.
func (f Filter) quad(w string) string {
	parts := strings.Split(w, ".")
	if len(parts) == 4 {
		if a, err := netip.ParseAddr(w); err == nil {
			return f.Addr(a)
		}
	}
	for i := range len(parts) - 3 {
		for _, a := range spelling.Addrs(strings.Join(parts[i:i+4], ".")) {
			if house(a) {
				return "an internal address"
			}
		}
	}
	return ""
}

// word judges one word of a text.
func (f Filter) word(w string) string {
	if p, err := netip.ParsePrefix(w); err == nil {
		return f.Prefix(p)
	}
	if a, err := netip.ParseAddr(w); err == nil {
		return f.Addr(a)
	}
	if m := login.Compiled().FindStringSubmatch(w); m != nil && !prefix.MatchString(m[1]) {
		return "a user name with a password"
	}
	for part := range strings.FieldsFuncSeq(w, func(r rune) bool { return !inName(r) }) {
		part = strings.Trim(part, ".-_")
		if !strings.ContainsFunc(part, unicode.IsLetter) {
			continue
		}
		if strings.Contains(part, ".") {
			if why := f.name(part); why != "" {
				return why
			}
			if why := f.within(part); why != "" {
				return why
			}
		} else if why := (f.own(part)); why != "" {
			return why
		}
	}
	return ""
}

// own says that a word is a name that the operator listed, wherever it stands.
func (f Filter) own(w string) string {
	for _, s := range f.Suffixes {
		if s = strings.Trim(spelling.Fold(s), ". "); s == w && s != "" {
			return fmt.Sprintf("names below .%s are internal", s)
		}
	}
	return ""
}
