package cortex_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"198.51.100.23":                          "ip 198.51.100.23",
		" 198.51.100.23\n":                       "ip 198.51.100.23",
		"198[.]51.100(.)23":                      "ip 198.51.100.23",
		"198.51.100.23/32":                       "ip 198.51.100.23",
		"2001:DB8::1":                            "ip 2001:db8::1",
		"[2001:db8::1]":                          "ip 2001:db8::1",
		"::ffff:198.51.100.23":                   "ip 198.51.100.23",
		"fe80::1%eth0":                           "ip fe80::1",
		"ab:cd:ef:01:02:03":                      "other ab:cd:ef:01:02:03",
		"AB-CD-EF-01-02-03":                      "other AB-CD-EF-01-02-03",
		"CVE-2021-44228":                         "other CVE-2021-44228",
		"AS64500":                                "autonomous-system AS64500",
		`HKLM\Software\Run`:                      `registry HKLM\Software\Run`,
		"user@example.com":                       "mail user@example.com",
		"user[@]example[.]com":                   "mail user@example.com",
		"mailto:user@example.com":                "mail user@example.com",
		"https://example.com/a?b=c":              "url https://example.com/a?b=c",
		"hxxps://example[.]com/a":                "url https://example.com/a",
		"hXXp[:]//example[.]com":                 "url http://example.com",
		"ftp://example.com/x":                    "url ftp://example.com/x",
		"http://[2001:db8::1]:8080/":             "url http://[2001:db8::1]:8080/",
		"git+ssh://example.com/x":                "url git+ssh://example.com/x",
		"example.com":                            "domain example.com",
		"example.com.":                           "domain example.com",
		"mail.example.com":                       "fqdn mail.example.com",
		"example.co.uk":                          "domain example.co.uk",
		"www.example.co.uk":                      "fqdn www.example.co.uk",
		"bücher.example":                         "domain bücher.example",
		"xn--bcher-kva.xn--p1ai":                 "domain xn--bcher-kva.xn--p1ai",
		"_dmarc.example.com":                     "fqdn _dmarc.example.com",
		strings.Repeat("a", 32):                  "hash " + strings.Repeat("a", 32),
		strings.Repeat("A", 40):                  "hash " + strings.Repeat("A", 40),
		strings.Repeat("0", 56):                  "hash " + strings.Repeat("0", 56),
		strings.Repeat("1", 64):                  "hash " + strings.Repeat("1", 64),
		strings.Repeat("f", 96):                  "hash " + strings.Repeat("f", 96),
		strings.Repeat("9", 128):                 "hash " + strings.Repeat("9", 128),
		"invoice.exe":                            "filename invoice.exe",
		"a.b.dll":                                "filename a.b.dll",
		"backup.7z":                              "filename backup.7z",
		`C:\Windows\Temp\a.exe`:                  `filename C:\Windows\Temp\a.exe`,
		"curl/8.5.0":                             "user-agent curl/8.5.0",
		"96:ZBV8Ryt0dLpKzXj1aQ:ZBV8RytLpK":       "hash 96:ZBV8Ryt0dLpKzXj1aQ:ZBV8RytLpK",
		"T1" + strings.Repeat("A", 70):           "hash T1" + strings.Repeat("A", 70),
		"curl/8.5.0\x00":                         "",
		"12:30:45":                               "",
		"install.sh":                             "",
		"setup.zip":                              "",
		"999.999.999.999":                        "",
		"1.2.3":                                  "",
		"1.2.3.4.5":                              "",
		"198.51.100.0/24":                        "",
		"2001:db8::/32":                          "",
		"198.51.100.23:80":                       "",
		"":                                       "",
		"   ":                                    "",
		"two words.com":                          "",
		"example.com/path":                       "",
		"http://":                                "",
		"user@":                                  "",
		"@example.com":                           "",
		"a@b@example.com":                        "",
		"-x.com":                                 "",
		"fleet-007":                              "",
		strings.Repeat("a", 33):                  "",
		"\x00":                                   "",
		"\xff":                                   "",
		"exam\u202eple.com":                      "",
		strings.Repeat("a.", 130) + "com":        "",
		"https://example.com/" + "\u0000":        "",
		strings.Repeat("x", 20<<10):              "",
		"Mozilla/5.0 (X11; Linux x86_64) Gecko/": "user-agent Mozilla/5.0 (X11; Linux x86_64) Gecko/",
	} {
		o, err := cortex.Detect(in)
		got := ""
		if err == nil {
			got = o.DataType + " " + o.Data
		} else if !errors.Is(err, cortex.ErrInvalid) {
			t.Errorf("Detect(%.80q): %v is no ErrInvalid", in, err)
		}
		if got != want {
			t.Errorf("Detect(%.80q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

func FuzzDetect(f *testing.F) {
	for _, s := range []string{
		"198.51.100.23", "hxxp://example[.]com", "::ffff:1.2.3.4", "fe80::1%x", "a@b.example", "CVE-2021-44228", "file.exe", "HKLM\\x",
		"[.]", "mailto:a@b.example", "1.2.3.4/32", "hxxp[:]//[::1]/", "xn--.xn--",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := cortex.Detect(s)
		if err != nil {
			if !errors.Is(err, cortex.ErrInvalid) || o != (cortex.Observable{}) {
				t.Errorf("%+v, %v", o, err)
			}
			return
		}
		if _, err := netip.ParseAddr(o.Data); o.DataType == "ip" && err != nil {
			t.Error(err)
		}
		if again, err := cortex.Detect(o.Data); err != nil || again.DataType != o.DataType {
			t.Errorf("Detect(%q) = %+v, but Detect(%q) = %+v, %v", s, o, o.Data, again, err)
		}
	})
}
