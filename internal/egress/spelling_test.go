package egress

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode"
)

// odd are internal addresses and names that are spelt so that a plain look
// misses them, and that a resolver, a browser or a reader understands.
var odd = []string{
	// Numbers.
	"0x0a000001", "0X0A000001", "167772161", "2130706433", "3232235777", "0x0a.0.0.1", "0xa.0x0.0x0.0x1", "012.0.0.1", "0300.0250.01.01",
	"010.020.000.007", "0000012.0.0.1", "10.1", "127.1", "192.168.257", "10.0.1", "0x7f.1", "017700000001",
	"http://167772161/", "http://0x7f000001/x", "http:167772161", "http:/10.1", `http:\\10.1\x`, "ftp://0300.0250.1.1/a", "10.1:8080", "//10.1/x",
	"10.20.0.*", "192.168.1.x", "1.2.10.0.0.1", "error at 0x0a140007",
	// Dots and digits of other scripts.
	"１０.０.０.１", "10。0。0。1", "10․0․0․1", "10·0·0·1", "①⓪.⓪.⓪.①", "𝟏𝟎.𝟎.𝟎.𝟏", "١٠.٠.٠.١", "1\u200b0.0.0.1", "10\u2060.0.0.1", "1\ufe0f0.0.0.1",
	"\u202e10.0.0.1", "¹⁰.⁰.⁰.¹", "fd００::1", "：：1",
	// Defanged.
	"10[.]0[.]0[.]1", "10(.)0(.)0(.)1", "10{.}0{.}0{.}1", "10[dot]0[dot]0[dot]1", "10 dot 0 dot 0 dot 1", "10 . 0 . 0 . 1", "10[.0[.0[.1", "10.]0.]0.]1",
	"10<.>0<.>0<.>1", "10[,]0[,]0[,]1", `10\.0\.0\.1`, "hxxp://10[.]1/x", "hxxps://intranet/x", "h**p://dc01[.]corp", "hxxp[:]//dc01.corp/x", "svc[@]dc01[.]corp",
	"svc[at]dc01[dot]corp", "fd00[:]:1", "dc01 [dot] corp",
	// Encoded.
	"%31%30.0.0.1", "10%2E0%2e0%2E1", "10%252E0.0.1", "http%3A%2F%2F10.0.0.1%2Fx", "10&#46;0&#46;0&#46;1", "&#49;&#48;.0.0.1", "10&period;0&period;0&period;1",
	`\u0031\u0030.0.0.1`, `\x31\x30.0.0.1`, `10\u{2e}0.0.1`, "%5Cu0031\\u0030.0.0.1", "dc01%2Ecorp", "%ef%bc%91%ef%bc%90.0.0.1",
	// Punycode.
	"dc01.xn--corp-", "dc01.xn--lan-", "host.xn--bcher-kva.example",
	// Inside others.
	"::ffff:10.0.0.1", "::ffff:a00:1", "[::ffff:7f00:1]:80", "0:0:0:0:0:ffff:0a00:0001", "64:ff9b::a00:1", "2002:a00:1::", "10.0.0.1.nip.io",
	"ip-10-20-0-7.example.com", "10-0-0-1.sslip.io", "app.192-168-1-1.example.com", "fe80--1.ipv6-literal.net", "1.0.0.10.in-addr.arpa", "10.0.0.1/24", "http://example.com/10.0.0.1/x",
	"host:dc01.corp", "key=dc01.corp.local;x", "http://example.com/go/dc01.corp.local", "srv_01.corp.local", "dc01.corp:445", "dc01.corp#x",
	// Names and credentials.
	"intranet", "INTRANET", "localhost", "localhost:3000", "intranet/wiki", "intranet.", "ｉｎｔｒａｎｅｔ", "dc01.ⓒⓞⓡⓟ", "dc01.𝐜𝐨𝐫𝐩", "dc01.corp.", "(dc01.corp)", "corp", "svc@fleet-007",
	"user:pass@10.0.0.1", "user:pass@198.51.100.23", "root:toor@example.com", "http://user:pass@example.com", "FLEET-007", "alert on fleet-007 at noon",
	"*.bücher.example", "db~1.bücher.example", "$dc.bücher.example", "dc01.bücher.example%00", "dc01.bücher.example+x", "srv_dc01.bücher.example did it",
	"10,0,0,1", "10-0-0-1", "ip-10-0-0-1",
	`\\fileserver\share`, `\\\\fileserver\\share`, `"\\fileserver\share\x"`, "x\n167772161\ny",
}

func TestAnInternalValueIsRefusedInEverySpelling(t *testing.T) {
	t.Parallel()
	f := Filter{Suffixes: []string{"bücher.example", "Fleet-007"}}
	for _, s := range odd {
		if f.Text(s) == "" {
			t.Errorf("Text(%q) may leave", s)
		}
	}
}

func TestAHostThatIsInternalButForAnOddCharacterIsRefused(t *testing.T) {
	t.Parallel()
	f := Filter{Suffixes: []string{"corp.example"}}
	for _, odd := range []string{",", "|x", "\u00a0", "*", "~", "_", "..", "!", ";", "\x00", "\u2800", "·"} {
		for _, internal := range []string{"10.0.0.1", "dc01.corp.example"} {
			h := internal + odd
			if h != internal+"_" && f.Host(h) == "" {
				t.Errorf("Host(%q) may leave", h)
			}
			if f.URL("http://"+h+"/") == "" && h != internal+"_" {
				t.Errorf("URL(http://%q/) may leave", h)
			}
		}
	}
}

func TestAnInternalNameBehindAPublicHostStays(t *testing.T) {
	t.Parallel()
	f := Filter{Suffixes: []string{"corp.example"}}
	for _, u := range []string{"http://x.com/#10.0.0.1", "http://x.com/dc01.corp.example", "https://x/%31%30.20.0.7", "http://x.com/a/10.0.0.1/b", "http://x.com/a;h=dc01.corp.example"} {
		if f.URL(u) == "" {
			t.Errorf("URL(%q) may leave", u)
		}
	}
	for _, u := range []string{"http://x.com/intranet", "http://x.com/v10.1/a", "http://x.com/2026-11-22", "http://x.com/#top"} {
		if why := f.URL(u); why != "" {
			t.Errorf("URL(%q) = %q", u, why)
		}
	}
}

func TestPublicIndicatorsAndOrdinaryTextLeave(t *testing.T) {
	t.Parallel()
	f := Filter{Suffixes: []string{"bücher.example", "Fleet-007"}}
	for _, s := range []string{
		"198.51.100.23", "198[.]51[.]100[.]23", "hxxp://evil[.]example/x", "hxxps[:]//evil[.]example/gate.php", "evil[dot]example", "http://3325256727/", "0xc6336417",
		"2001:db8::1", "::ffff:198.51.100.23", "xn--bcher-kva.test", "пример.испытание", "ec2-198-51-100-23.example.com", "mail.example.com:8443", "a@example.com",
		"invoice.pdf", "Invoice_2026-11-22 (final) [v10.1].pdf", "setup 10.1.exe", "my_file.docx", ".bashrc", "/usr/local/bin/x", `C:\Users\Public\x86\a.exe`,
		"Your invoice 167772161 is due", "Intranet login: your P@ssw0rd expires", "Welcome home, private offer for local people", "Re: 10% off, 50%off & more", "100%",
		"Fwd:alice@example.com", "From:alice@example.com", "mailto:alice@example.com", "smtp:alice@example.com", "version 10.1", "Version 10.1.2", "1.3.6.1.4.1.311.20.2.3",
		"0xc0000005", "error 0x80070005", "AS64500", "CVE-2021-44228", "T1110.001", "12345678", "2024", "1700000000", "0", "10", "d41d8cd98f00b204e9800998ecf8427e",
		"44d88612fea8a8f36de82e1278abb02f", "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f", "aa:bb:cc:dd:ee:ff", "GET //etc/passwd HTTP/1.1", "//cdn.example.com/x.js",
		`^\d+\.\w+\.(php|asp)$`, `\d{1,3}\.\d{1,3}`, "[a-z]{10,12}", "{{user.name}}", "Emotet", "mimikatz", "admin", "python-requests/2.31", "curl/8.5.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36", "http://evil.example/a%20b", "http://evil.example/%7Euser/x",
		"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "tweet by @alice", "C:\\Windows\\System32\\cmd.exe /c whoami", `HKLM\Software\x64\Run`, "1.2.3.4.5.6", "a.b.c", "std::vector", "Grüße", "",
	} {
		if why := f.Text(s); why != "" {
			t.Errorf("Text(%q) = %q", s, why)
		}
	}
}

func TestHostsInOtherSpellings(t *testing.T) {
	t.Parallel()
	f := Filter{Suffixes: []string{"bücher.example", "xn--grn-ioa.example"}}
	for _, h := range []string{
		"010.020.000.007", "10.0.0.1.nip.io", "ip-10-20-0-7.example.com", "fe80--1.ipv6-literal.net", "dc01.xn--corp-", "www.xn--bcher-kva.example", "www.grün.example",
		"dc01.ⓒⓞⓡⓟ", "10․0․0․1", "𝟏𝟎.𝟎.𝟎.𝟏", "%31%30.0.0.1", "10[.]0.0.1", "167772161",
	} {
		if f.Host(h) == "" {
			t.Errorf("Host(%q) may leave", h)
		}
	}
	for _, h := range []string{"ec2-198-51-100-23.example.com", "198.51.100.23.nip.io", "xn--bcher-kva.test", "xn--80ak6aa92e.example", "a-1-2-3.example", "2606-4700--1111.ipv6-literal.net"} {
		if why := f.Host(h); why != "" {
			t.Errorf("Host(%q) = %q", h, why)
		}
	}
}

func TestWhatIsEncodedAgainAndAgainStays(t *testing.T) {
	t.Parallel()
	s := "10.0.0.1"
	for range 10 {
		s = strings.ReplaceAll(url.QueryEscape(s), ".", "%2E")
		if (Filter{}).Text(s) == "" {
			t.Fatalf("Text(%q) may leave", s)
		}
	}
}

// RFC 3492, section 7.1, and labels of the wild.

// FuzzNoSpellingOfAnInternalAddressLeaves writes an address of a house in the
// ways that a resolver takes, and then as readers do.
func FuzzNoSpellingOfAnInternalAddressLeaves(f *testing.F) {
	f.Add(uint32(0x0a000001), uint16(0), uint8(0), "", "")
	f.Add(uint32(0xc0a80101), uint16(0x5555), uint8(3), "seen on ", " today")
	f.Add(uint32(0x7f000001), uint16(0xffff), uint8(7), "http://", "/x")
	f.Fuzz(func(t *testing.T, n uint32, how uint16, dress uint8, before, after string) {
		a := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
		if !house(a) {
			return
		}
		b := a.As4()
		var parts []string
		for i, v := range b {
			parts = append(parts, fmt.Sprintf([]string{"%d", "0x%x", "0%o", "0x%02X"}[how>>(2*i)&3], v))
		}
		s := strings.Join(parts, ".")
		switch dress & 7 {
		case 1:
			s = strings.ReplaceAll(s, ".", "[.]")
		case 2:
			s = strings.ReplaceAll(s, ".", "%2e")
		case 3:
			s = strings.ReplaceAll(s, ".", "。")
		case 4:
			s = strings.ReplaceAll(s, ".", "&#46;")
		case 5:
			s = strings.ReplaceAll(s, ".", " dot ")
		case 6:
			s = fmt.Sprint(n)
		case 7:
			s = fmt.Sprintf("0x%08x", n)
		}
		var x Filter
		for _, s := range []string{s, s + ".", " " + s, s + ":8080", "http://" + s + "/"} {
			if x.Text(s) == "" {
				t.Errorf("Text(%q) may leave", s)
			}
		}
		// Nothing before or after it that ends the word makes it another.
		if dress&7 < 6 && !strings.ContainsFunc(before+after, func(r rune) bool {
			return r != ' ' && !unicode.IsLetter(r) || unicode.Is(unicode.Hex_Digit, r) || r == 'x' || r == 'X'
		}) {
			if text := before + " " + s + " " + after; x.Text(text) == "" {
				t.Errorf("Text(%q) may leave", text)
			}
		}
	})
}

func BenchmarkText(b *testing.B) {
	for name, s := range map[string]string{
		"address": "198.51.100.23", "url": "hxxps://evil[.]example/gate.php",
		"agent":  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
		"16 KiB": strings.Repeat("Failed password for root from 198.51.100.23 port 22 (ssh2) ", 16<<10/60),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if why := (Filter{}).Text(s); why != "" {
					b.Fatal(why)
				}
			}
		})
	}
}
