package spelling

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// written are the data types whose values are written in several ways; "" is any.
var written = []string{"", "ip", "domain", "fqdn", "hostname", "url", "mail", "hash", "filename"}

// Written returns the ways in which people and programs write a value of a data type,
// the likeliest first and each once, at most n of them: as it is, plain, so that nobody
// clicks on it, in small and in capital letters, with the dot of the root and without.
// All of them mean the same. A value that is no address, name or hash has itself only.
func Written(dataType, value string, n int) []string {
	value = strings.TrimSpace(value)
	list := []string{value}
	if !slices.Contains(written, dataType) || strings.ContainsFunc(value, unicode.IsSpace) {
		return list[:min(n, 1)]
	}
	add := func(forms ...string) {
		for _, f := range forms {
			if !slices.Contains(list, f) {
				list = append(list, f)
			}
		}
	}
	plain := Plain(value)
	add(plain)
	scheme, rest, isURL := strings.Cut(plain, "://")
	user, domain, isMail := strings.Cut(plain, "@")
	switch {
	case isURL:
		addURL(add, strings.ToLower(scheme), rest)
	case isMail:
		for _, at := range []string{"@", "[@]", "[at]"} {
			for _, u := range []string{user, strings.ToLower(user)} {
				for _, d := range defanged(domain)[:3] {
					add(u + at + d)
				}
			}
		}
	default:
		name := strings.TrimSuffix(plain, ".")
		add(defanged(name)...)
		add(strings.ToUpper(name))
		if a, err := netip.ParseAddr(name); err == nil && a.Is6() {
			add(a.String(), a.StringExpanded(), strings.ReplaceAll(a.String(), ":", "[:]"))
		} else if err != nil && strings.Contains(name, ".") && !strings.Contains(name, "/") {
			add(strings.ToLower(name)+".", ASCII(name))
		}
	}
	return list[:min(n, len(list))]
}

// addURL adds the ways to write what lies behind the scheme of a URL.
func addURL(add func(...string), scheme, rest string) {
	host, path := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	ends := []string{path}
	switch path {
	case "":
		ends = append(ends, "/")
	case "/":
		ends = append(ends, "")
	}
	hosts := defanged(host)[:3]
	before := []string{scheme + "://"}
	if tail, ok := strings.CutPrefix(scheme, "http"); ok && (tail == "" || tail == "s") {
		before = []string{scheme + "://", "hxxp" + tail + "://", "hXXp" + tail + "://", "hxxp" + tail + "[:]//"}
	}
	for _, end := range ends {
		for _, h := range hosts {
			for _, b := range before {
				add(b + h + end)
			}
		}
	}
	add(before[0] + host + path)
}

// defanged returns a host in small letters, with one dot or each so that nobody clicks
// on it, in this way and in others, and as it is.
func defanged(host string) []string {
	small := strings.ToLower(host)
	all := func(dot string) string { return strings.ReplaceAll(small, ".", dot) }
	last := small
	if i := strings.LastIndexByte(small, '.'); i >= 0 {
		last = small[:i] + "[.]" + small[i+1:]
	}
	return []string{small, all("[.]"), last, all("(.)"), all("[dot]"), host}
}
