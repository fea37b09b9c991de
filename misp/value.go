package misp

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/spelling"
)

// meant returns the value that a person means, in the form in which MISP keeps
// it where that is one of several: defanged, with the dot of the root behind it,
// with letters beyond ASCII in a domain, an address of IPv6 in full, a network of
// one address, a hardware address with hyphens, with dots or without anything.
func meant(value string) string {
	value = strings.TrimSpace(spelling.Plain(strings.TrimSpace(value)))
	if a, err := netip.ParseAddr(strings.Trim(value, "[]")); err == nil {
		return a.WithZone("").String()
	}
	if p, err := netip.ParsePrefix(value); err == nil {
		if p.IsSingleIP() {
			return p.Addr().String()
		}
		return p.String()
	}
	if otherMAC.MatchString(value) {
		d := strings.NewReplacer("-", "", ".", "").Replace(strings.ToLower(value))
		return strings.Join([]string{d[:2], d[2:4], d[4:6], d[6:8], d[8:10], d[10:]}, ":")
	}
	value = idn(value)
	if name, ok := strings.CutSuffix(value, "."); ok && hostName.MatchString(name) {
		return name
	}
	return value
}

// idn returns a domain with letters beyond ASCII as the domain name system has
// it, which is how MISP keeps it, and anything else as it is.
func idn(value string) string {
	if name := spelling.ASCII(value); hostName.MatchString(strings.TrimSuffix(name, ".")) {
		return name
	}
	return value
}

var (
	otherMAC    = lazyregexp.New(`^(?i:[0-9a-f]{2}(-[0-9a-f]{2}){5}|[0-9a-f]{4}(\.[0-9a-f]{4}){2}|[0-9a-f]{12})$`)
	hostName    = lazyregexp.New(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$`)
	fingerprint = lazyregexp.New(`^(?i:[0-9a-f]{2}(:[0-9a-f]{2}){15,31})$`)
	account     = lazyregexp.New(`^(?i:[A-Z]{2}[0-9]{2}([ -]?[0-9A-Z]{1,4}){3,8})$`)
	phone       = lazyregexp.New(`^[+(]?[0-9][0-9()/. -]*[ ()/-][0-9()/. -]*[0-9]$`)
	day         = lazyregexp.New(`^[0-9]{4}-[0-9]{2}-[0-9]{2}|^[0-9.]+/[0-9]+$`)
	asNumber    = lazyregexp.New(`^(?i:AS)([0-9]{1,10})(?:\.([0-9]{1,5}))?$`)
)

// autonomousSystem returns the number of AS64500 or AS1.10, as which MISP keeps
// it, and "" for anything else.
func autonomousSystem(value string) string {
	m := asNumber.FindStringSubmatch(value)
	if m == nil {
		return ""
	}
	n, _ := strconv.ParseUint(m[1], 10, 64)
	if m[2] != "" {
		low, _ := strconv.ParseUint(m[2], 10, 64)
		n = n<<16 + low
	}
	return strconv.FormatUint(n, 10)
}

// digits returns a telephone, account or card number or the fingerprint of a certificate
// as MISP keeps it, without what is between its digits, and "" for anything else.
func digits(value string) string {
	switch {
	case fingerprint.MatchString(value):
		return strings.ReplaceAll(value, ":", "")
	case account.MatchString(value):
		return strings.NewReplacer(" ", "", "-", "").Replace(value)
	case phone.MatchString(value) && !day.MatchString(value):
		value = strings.NewReplacer("(0)", "", " ", "", "(", "", ")", "", "-", "", "/", "", ".", "").Replace(value)
		if rest, ok := strings.CutPrefix(value, "00"); ok {
			return "+" + rest
		}
		return value
	}
	return ""
}

// hostAndPort splits what names a port of a host: 198.51.100.9:8080,
// bad.example:443, [2001:db8::1]:53.
func hostAndPort(value string) (host, port string, ok bool) {
	host, port, err := net.SplitHostPort(value)
	if err != nil || port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "" {
		return "", "", false
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a.String(), port, true
	}
	return host, port, hostName.MatchString(host)
}

// spellings returns value and the forms in which MISP may keep what it means,
// each once.
func spellings(value string) []string {
	value = strings.TrimSpace(value)
	list := []string{value}
	add := func(v string) {
		if v != "" && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	plain := meant(value)
	add(spelling.Plain(value))
	add(plain)
	if host, port, ok := hostAndPort(plain); ok {
		add(host + "|" + port)
	}
	if l, r, ok := strings.Cut(plain, "|"); ok {
		add(meant(l) + "|" + meant(r))
	}
	add(autonomousSystem(plain))
	add(digits(plain))
	return list
}

// A lookup is what MISP is asked to find a value, and which rows have it.
type lookup struct {
	ask  []string // values, of which MISP finds those that have any
	want []string // the spellings of the value; a row has it whole or as a part
	host string   // what is asked for in place of a port of that host
	as   string   // the number of an autonomous system, which may be that of something else
}

// find returns how to find value, which has no wildcard. MISP compares each half
// of a composite value, never both at once, and no other spelling than its own.
func find(value string) lookup {
	l := lookup{want: spellings(value), as: autonomousSystem(meant(value))}
	add := func(v string) {
		if v = like(v); checkFilter("value", v) == nil && !slices.Contains(l.ask, v) {
			l.ask = append(l.ask, v)
		}
	}
	for _, v := range l.want {
		left, right, composite := strings.Cut(v, "|")
		if !composite {
			add(v)
			continue
		}
		// The half that says more; a port or a short name is in much else.
		if len(right) > len(left) {
			left = right
		}
		add(left)
		if v == l.want[0] { // a pipe may be text
			add(v)
		}
	}
	if host, _, ok := hostAndPort(meant(value)); ok {
		l.host = host
		l.want = append(l.want, host)
		add(host)
	}
	return l
}

// has reports whether a has the value that was looked for.
func (l lookup) has(a *Attribute) bool {
	return a.is(l.want) && (l.as == "" || a.Value != l.as || a.Type == "AS")
}

// like is a pattern in which only % is a wildcard, as MISP must get it: it
// compares with SQL's LIKE, in which _ is any letter and a backslash takes the
// next letter as it is.
func like(pattern string) string {
	if !strings.Contains(pattern, "%") {
		return pattern
	}
	return strings.NewReplacer(`\`, `\\`, `_`, `\_`).Replace(pattern)
}

// patterns returns what to ask for a value with wildcards: as given, and plain.
func patterns(value string) []string {
	list := []string{like(strings.TrimSpace(value))}
	if p := like(spelling.Plain(strings.TrimSpace(value))); p != list[0] {
		list = append(list, p)
	}
	return list
}

// networksOf returns the networks that an address is in as MISP writes them, the
// smallest first: it keeps networks as text and finds them by that only.
func networksOf(a netip.Addr) (list []string) {
	smallest, step, largest := 31, 1, 8
	if a.Is6() && !a.Is4In6() {
		smallest, step, largest = 124, 4, 16
	}
	for bits := smallest; bits >= largest; bits -= step {
		if p, err := a.Prefix(bits); err == nil {
			list = append(list, p.String())
		}
	}
	return list
}

// addressesOf returns a pattern for the text of every address in p, which finds
// others too. It is empty for a network so large that it would find everything.
func addressesOf(p netip.Prefix) string {
	p = p.Masked()
	if p.Addr().Is4() {
		whole := p.Bits() / 8
		if whole == 0 {
			return ""
		}
		return strings.Join(strings.Split(p.Addr().String(), ".")[:min(whole, 3)], ".") + ".%"
	}
	whole := min(p.Bits()/16, 7)
	if whole == 0 {
		return ""
	}
	var groups []string
	for _, g := range strings.Split(p.Addr().StringExpanded(), ":")[:whole] {
		if g = strings.TrimLeft(g, "0"); g == "" { // written short, in one of several ways
			break
		}
		groups = append(groups, g)
	}
	if len(groups) == 0 {
		return ""
	}
	return strings.Join(groups, ":") + ":%"
}

// network reads an address or a network, however it is spelled.
func network(value string) (a netip.Addr, p netip.Prefix, ok bool) {
	value = meant(value)
	if host, _, ok := hostAndPort(value); ok {
		value = host
	}
	if a, err := netip.ParseAddr(value); err == nil {
		return a, netip.Prefix{}, true
	}
	p, err := netip.ParsePrefix(value)
	return netip.Addr{}, p, err == nil
}

// asked returns what to ask MISP for to find value, which of the rows that this
// finds to keep, nil for all, and what to know about it.
func asked(value string, networks bool) (ask []string, keep func(*Attribute) bool, notes []string) {
	if strings.Contains(value, "%") {
		return patterns(value), nil, nil
	}
	l := find(value)
	ask = l.ask
	if l.host != "" {
		notes = append(notes, "the host was looked for on any port, since MISP keeps host and port apart")
	}
	if l.as != "" {
		keep = l.has
		notes = append(notes, "MISP keeps an autonomous system as its number alone: what has that number and is none was left out afterwards, so that a page may have fewer rows")
	}
	if slices.ContainsFunc(l.ask, func(v string) bool { return !slices.Contains(l.want, v) }) {
		keep = l.has
		notes = append(notes, "MISP compares the parts of a composite value one by one: what has one part only was left out afterwards, so that a page may have fewer rows")
	}
	if !networks {
		return ask, keep, notes
	}
	a, p, ok := network(value)
	switch {
	case !ok:
	case a.IsValid():
		ask = append(ask, networksOf(a)...)
		notes = append(notes, "MISP compares networks as text: those that the address is in were asked for by name")
	default:
		pattern := addressesOf(p)
		if pattern == "" {
			notes = append(notes, "the network is too large to look for its addresses")
			break
		}
		ask = append(ask, like(pattern))
		keep = func(x *Attribute) bool { return l.has(x) || x.within(p) }
		notes = append(notes, "MISP compares networks as text: addresses were looked for by their beginning, and those outside left out afterwards, so that a page may have fewer rows")
	}
	return ask, keep, notes
}

// within reports whether a, or a part of it, is an address or a network in p.
func (a *Attribute) within(p netip.Prefix) bool {
	for _, part := range a.parts() {
		if x, err := netip.ParseAddr(part.value); err == nil && p.Contains(x) {
			return true
		}
		if n, err := netip.ParsePrefix(part.value); err == nil && n.Bits() >= p.Bits() && p.Contains(n.Addr()) {
			return true
		}
	}
	return false
}
