package gate

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/spelling"
)

// ActsOn names what a call acts on in the world beyond the plan's targets: the
// address that is blocked, the host that is isolated. What a policy protects is
// refused, approved or not, in whatever spelling and wherever in the text that on
// returns; of a plan's target the name counts if it is no sentence.
func ActsOn[In any](on func(In) []string) Option {
	return func(o *options) {
		o.acts = append(o.acts, func(in any) []string { return on(in.(In)) })
		o.takes = append(o.takes, reflect.TypeFor[In]())
	}
}

// Key names the thing that a call makes or does, whichever operation, server or
// principal asks for it: "case of alert 1763.22". While one call of that key
// waits, runs or has an unknown outcome, and for a day after one was executed,
// no other is taken. An empty key stands for nothing.
func Key[In any](key func(In) string) Option {
	return func(o *options) {
		o.key = func(in any) string { return key(in.(In)) }
		o.takes = append(o.takes, reflect.TypeFor[In]())
	}
}

// About names what a call is about, if that isn't the targets of its plan: the
// observable that an analyzer runs on. One whose outcome is unknown makes a human look
// at the next that is about the same, and at no other.
func About[In any](about func(In) []string) Option {
	return func(o *options) {
		o.about = func(in any) []string { return about(in.(In)) }
		o.takes = append(o.takes, reflect.TypeFor[In]())
	}
}

// protection is a policy's list of what no operation may act on.
type protection struct {
	nets     []netip.Prefix
	names    map[string]bool
	suffixes []string // with their leading dot
}

func newProtection(list []string) (*protection, error) {
	p := &protection{names: map[string]bool{}}
	for _, entry := range list {
		if net, ok := network(entry); ok {
			p.nets = append(p.nets, net)
			continue
		}
		name := fold(entry)
		rest, wild := strings.CutPrefix(name, "*.")
		switch {
		case rest == "" || strings.ContainsAny(rest, "*? \t\r\n"):
			return nil, fmt.Errorf("protected %q: want an address, a network, a name, an id, or *.domain", entry)
		case wild:
			p.names[rest] = true
			p.suffixes = append(p.suffixes, "."+rest)
		case strings.Contains(name, "/"):
			return nil, fmt.Errorf("protected %q: not a network in CIDR notation", entry)
		default:
			p.names[name] = true
		}
	}
	return p, nil
}

// covers reports whether target is protected, in any of its spellings, or any of
// the words in it. What can't be read can't be cleared.
func (p *protection) covers(target string) bool {
	return p.reads(target, func(s string) bool {
		return p.thing(s) || slices.ContainsFunc(strings.FieldsFunc(ranges.Replace(s), separates), p.place)
	})
}

// coversName is covers for the name of a target, which may be the title of
// something: its words count only if it is a list of addresses and names.
func (p *protection) coversName(name string) bool {
	return p.reads(name, func(s string) bool {
		words := strings.FieldsFunc(ranges.Replace(s), separates)
		listed := !strings.ContainsFunc(s, unicode.IsSpace) || !slices.ContainsFunc(words, func(w string) bool { return !strings.ContainsAny(w, ".:") })
		return p.thing(s) || listed && slices.ContainsFunc(words, p.place)
	})
}

func (p *protection) reads(target string, covers func(string) bool) bool {
	if len(p.nets) == 0 && len(p.names) == 0 {
		return false
	}
	list, ok := spelling.Readings(target)
	return !ok || slices.ContainsFunc(list, covers)
}

var ranges = strings.NewReplacer(" - ", "-", " to ", "-", " / ", "/")

// separates reports whether r stands between two things.
func separates(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`,;|<>"'`+"`", r)
}

// place judges what may be a URL, a share or a path. Behind the first thing in it
// only addresses and names with a domain count: 7 and admin are parts of any path.
func (p *protection) place(s string) bool {
	if p.thing(s) {
		return true
	}
	first := true
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(`/\?#&=(){}`, r) }) {
		if scheme := strings.HasSuffix(part, ":"); scheme {
			continue
		}
		if (first || strings.ContainsAny(part, ".:") || strings.HasPrefix(part, "0x")) && p.thing(part) {
			return true
		}
		first = false
	}
	return false
}

// thing judges an address, a network, a range, a name or an identifier, with or
// without a user before it and a port behind it.
func (p *protection) thing(s string) bool {
	s = strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) })
	list := []string{s}
	for part := range strings.SplitSeq(s, "@") {
		list = append(list, part)
		if host, _, err := net.SplitHostPort(part); err == nil {
			list = append(list, host)
		}
		if _, after, ok := strings.Cut(part, ":"); ok && strings.Contains(after, ".") {
			list = append(list, after) // ip:10.0.0.5
		}
	}
	return slices.ContainsFunc(list, p.plain)
}

func (p *protection) plain(s string) bool {
	s = fold(s)
	for _, n := range networks(s) {
		if p.overlaps(n) {
			return true
		}
	}
	if from, to, ok := strings.Cut(s, "-"); ok && p.between(from, to) {
		return true
	}
	if p.names[s] || slices.ContainsFunc(p.suffixes, func(suffix string) bool { return strings.HasSuffix(s, suffix) }) {
		return true
	}
	n, err := strconv.ParseUint(s, 10, 32) // an identifier, without the zeros that it is padded with
	return err == nil && (p.names[fmt.Sprintf("%03d", n)] || p.names[strconv.FormatUint(n, 10)])
}

func (p *protection) overlaps(n netip.Prefix) bool {
	v4, embeds := spelling.EmbeddedNet(n)
	return slices.ContainsFunc(p.nets, func(own netip.Prefix) bool { return own.Overlaps(n) || embeds && own.Overlaps(v4) })
}

// between reports whether a protected address lies in the range of addresses, of
// whose end the last number may be all there is.
func (p *protection) between(from, to string) bool {
	if at := strings.LastIndexByte(from, '.'); !strings.ContainsAny(to, ".:") {
		to = from[:at+1] + to
	}
	for _, a := range addresses(from) {
		for _, b := range addresses(to) {
			for _, own := range p.nets {
				if own.Contains(a) || own.Contains(b) || a.Compare(own.Addr()) <= 0 && own.Addr().Compare(b) <= 0 && a.BitLen() == own.Addr().BitLen() {
					return true
				}
			}
		}
	}
	return false
}

func fold(s string) string {
	return strings.Trim(strings.Trim(strings.TrimSpace(spelling.Fold(s)), "."), "[]")
}

// addresses reads s as an address in all of its spellings. A short number is one
// to a resolver alone; here it is an identifier or a port.
func addresses(s string) []netip.Addr {
	if _, err := strconv.ParseUint(s, 10, 64); err == nil && len(s) <= 6 {
		return nil
	}
	list := spelling.Addrs(s)
	for i, a := range list {
		list[i] = a.Unmap().WithZone("")
	}
	return list
}

// networks returns s, an address or a network in whatever spelling, as networks:
// also 10.0.0.*, 10.0.0.0/255.255.255.0 and ::ffff:10.0.0.0/120.
func networks(s string) []netip.Prefix {
	base, bits, sized := strings.Cut(s, "/")
	stars := strings.Count(base, ".*")
	base = strings.ReplaceAll(base, ".*", ".0")
	var list []netip.Prefix
	for _, a := range addresses(base) {
		size := a.BitLen() - 8*stars
		if sized {
			size = length(bits)
			if a.Is4() && strings.Contains(base, ":") {
				size = max(0, size-96)
			}
		}
		if n, err := a.Prefix(size); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// length returns how many bits a network's size stands for, or -1.
func length(s string) int {
	if mask, err := netip.ParseAddr(s); err == nil && mask.Is4() {
		if ones, bits := net.IPMask(mask.AsSlice()).Size(); bits > 0 {
			return ones
		}
		return -1
	}
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return -1
}

// network returns s, an address or a network, as a network without mapped forms.
func network(s string) (netip.Prefix, bool) {
	s = fold(s)
	if addr, err := netip.ParseAddr(s); err == nil {
		addr = addr.Unmap().WithZone("")
		return netip.PrefixFrom(addr, addr.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Masked(), true
}

// Protects returns a refusal if one of the things that op is to act on is protected,
// for what an operation finds out while it plans: the address of a host.
func (g *Guard) Protects(op string, things ...string) error { return g.protects(op, things) }

// protects returns a refusal if what the call acts on is protected.
func (g *Guard) protects(op string, targets []string) error {
	for _, t := range targets {
		if g.protection.covers(t) {
			return g.refuse(op, ReasonProtected, "protected "+t, nil)
		}
	}
	return nil
}

// protectsIn returns a refusal if one of the plan's targets is protected.
func (g *Guard) protectsIn(op string, p Plan) error {
	for _, t := range p.Targets {
		if g.protection.coversName(t.Name) {
			return g.refuse(op, ReasonProtected, "protected "+t.Name, nil)
		}
		if err := g.protects(op, []string{t.ID}); err != nil {
			return err
		}
	}
	return nil
}
