package gate

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// ActsOn names what a call acts on in the world beyond the plan's targets: the
// address that is blocked, the host that is isolated. What a policy protects is
// refused, approved or not.
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

// covers reports whether target is protected, in any of its spellings.
func (p *protection) covers(target string) bool {
	if len(p.nets) == 0 && len(p.names) == 0 {
		return false
	}
	for _, s := range spellings(target) {
		if net, ok := network(s); ok {
			for _, own := range p.nets {
				if own.Overlaps(net) {
					return true
				}
			}
		}
		if p.names[s] {
			return true
		}
		for _, suffix := range p.suffixes {
			if strings.HasSuffix(s, suffix) {
				return true
			}
		}
	}
	return false
}

// spellings returns what target may stand for: itself, the host in a URL or
// before a port, and an identifier without the zeros that it is padded with.
func spellings(target string) []string {
	s := fold(target)
	list := []string{s}
	if u, err := url.Parse(s); err == nil && u.Hostname() != "" {
		list = append(list, fold(u.Hostname()))
	}
	if host, _, err := net.SplitHostPort(s); err == nil {
		list = append(list, fold(host))
	}
	if _, host, ok := strings.Cut(s, "@"); ok {
		list = append(list, fold(host))
	}
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		list = append(list, fmt.Sprintf("%03d", n), strconv.FormatUint(n, 10))
		if len(s) > 6 { // an IPv4 address in one number
			list = append(list, netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String())
		}
	}
	return list
}

func fold(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	s = strings.NewReplacer("[.]", ".", "(.)", ".", "[:]", ":").Replace(s)
	return strings.Trim(strings.TrimSuffix(s, "."), "[]")
}

// network returns s, an address or a network, as a network without mapped forms.
func network(s string) (netip.Prefix, bool) {
	s = fold(s)
	addr, err := netip.ParseAddr(s)
	if err == nil {
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

// protects returns a refusal if what the call acts on is protected.
func (g *Guard) protects(op string, targets []string) error {
	for _, t := range targets {
		if g.protection.covers(t) {
			return g.refuse(op, ReasonProtected, "protected "+t, nil)
		}
	}
	return nil
}

// named returns what the plan's targets are called.
func (p Plan) named() []string {
	var list []string
	for _, t := range p.Targets {
		list = append(list, t.ID, t.Name)
	}
	return list
}
