package spelling_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/spelling"
)

func TestWhatLooksAlikeIsFoldedToOneSpelling(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"DC01.Corp": "dc01.corp", "１０.０.０.１": "10.0.0.1", "10。0。0。1": "10.0.0.1", "①⓪.⓪.⓪.❶": "10.0.0.1", "⑩.㉑.㊱.1": "10.21.36.1", "⒑⒛⒈1": "10.20.1.1",
		"𝟏𝟎.𝟎.𝟎.𝟏": "10.0.0.1", "١٠.٠.٠.١": "10.0.0.1", "1\u200b0.0.0.1": "10.0.0.1", "\u202e10.0.0.1": "10.0.0.1", "¹⁰.⁰.⁰.¹": "10.0.0.1", "fd００：：1": "fd00::1",
		"ｄc01.𝐜𝐨𝐫𝐩": "dc01.corp", "ℂⓞⓡ🅟": "corp", "ﬁles.㎞": "files.km", "Ⅻ": "xii", "dc01\u00a0x": "dc01 x", "xn--bcher-kva.example": "bücher.example", "dc01.xn--corp-": "dc01.corp",
		"Grüße": "grüße", "пример": "пример",
	} {
		if got := spelling.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestADigitOfAnyScriptIsThatDigit(t *testing.T) {
	t.Parallel()
	for want, r := range []rune("٠١२३௪௫๖༧៨᠙") {
		if got := spelling.Fold(string(r)); got != fmt.Sprint(want) {
			t.Errorf("%c is read as %s", r, got)
		}
	}
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if unicode.Is(unicode.Nd, r) {
			if d := spelling.Fold(string(r)); d < "0" || d > "9" {
				t.Errorf("%c is read as %s", r, d)
			}
		}
	}
}

// RFC 3492, section 7.1, and labels of the wild.
func TestPunycodeIsDecoded(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"xn--bcher-kva": "bücher", "xn--egbpdaj6bu4bxfgehfvwxn": "ليهمابتكلموشعربي؟", "xn--ihqwcrb4cv8a8dqg056pqjye": "他们为什么不说中文", "xn--grn-ioa": "grün", "xn--80ak6aa92e": "аррӏе",
		"xn--999999999": "xn--999999999",
	} {
		if got := spelling.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAHostIsWrittenInPunycode(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"BÜCHER.example": "xn--bcher-kva.example", "пример.рф": "xn--e1afmkfd.xn--p1ai", "他们为什么不说中文": "xn--ihqwcrb4cv8a8dqg056pqjye", "ليهمابتكلموشعربي؟": "xn--egbpdaj6bu4bxfgehfvwxn",
		"straße.example": "strasse.example", "Plain.Example": "Plain.Example", "": "", "\xff.example": "\xff.example",
	} {
		if got := spelling.ASCII(in); got != want {
			t.Errorf("ASCII(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTheLastReadingIsThePlainOne(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"10[.]0(.)0{.}1": "10.0.0.1", "10[dot]0 dot 0(dot)1": "10.0.0.1", "hxxps[:]//evil[.]example/x": "https://evil.example/x", "svc[@]dc01[.]corp": "svc@dc01.corp", "svc[at]dc01[dot]corp": "svc@dc01.corp",
		"10%2E0%2e0%252E1": "10.0.0.1", "10&#46;0.0.1": "10.0.0.1", `\u0031\u0030.0.0.1`: "10.0.0.1", `10\.0\.0\.1`: "10.0.0.1",
	} {
		got, ok := spelling.Readings(in)
		if !ok || got[len(got)-1] != want {
			t.Errorf("Readings(%q) = %q, %v, want %q last", in, got, ok, want)
		}
	}
	if _, ok := spelling.Readings("%2525252525252e"); ok {
		t.Error("there is an end to what is encoded seven times")
	}
}

func TestAnAddressIsReadInEverySpelling(t *testing.T) {
	t.Parallel()
	ten := netip.MustParseAddr("10.0.0.5")
	for _, s := range []string{"10.0.0.5", "10.0.0.5.", "10.0.0.5..", "010.0.0.5", "10.0.0.05", "012.0.0.5", "10.0.5", "10.5", "0xa000005", "0XA000005", "0x0a.0.0.5", "167772165", "01200000005"} {
		if got := spelling.Addrs(s); !slices.Contains(got, ten) {
			t.Errorf("Addrs(%q) = %v", s, got)
		}
	}
	if d := cmp.Diff([]netip.Addr{netip.MustParseAddr("8.0.0.1"), netip.MustParseAddr("10.0.0.1")}, spelling.Addrs("010.0.0.1"), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Error("a number with a zero before it (-want +got):\n", d)
	}
	for _, s := range []string{"", ".", "10.0.0.0.5", "10.0.0.256", "+10.5", "1_0.5", "0x", "dc01", "10..5", "4294967296", "-1"} {
		if got := spelling.Addrs(s); got != nil {
			t.Errorf("Addrs(%q) = %v", s, got)
		}
	}
}

func TestAnIPv6AddressLeadsToTheIPv4OneInIt(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"::ffff:10.0.0.5", "::ffff:0:a00:5", "::10.0.0.5", "64:ff9b::10.0.0.5", "64:ff9b:1::a00:5", "2002:a00:5::", "2001:0:1:2:3:4:f5ff:fffa", "::ffff:10.0.0.5%eth0"} {
		if got, ok := spelling.Embedded(netip.MustParseAddr(s)); !ok || got.String() != "10.0.0.5" {
			t.Errorf("Embedded(%s) = %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"2001:db8::1", "10.0.0.5", "fe80::1"} {
		if got, ok := spelling.Embedded(netip.MustParseAddr(s)); ok {
			t.Errorf("Embedded(%s) = %v", s, got)
		}
	}
}

func TestAnIPv6NetworkLeadsToTheIPv4OneInIt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"64:ff9b::a00:0/104": "10.0.0.0/8", "::ffff:10.0.0.0/120": "10.0.0.0/24", "2002:a00::/24": "10.0.0.0/8", "2000::/3": "0.0.0.0/0", "::/0": "0.0.0.0/0", "64:ff9b:1::/64": "0.0.0.0/0",
		"2001:0:1:2:3:4:f5ff:0/112": "10.0.0.0/16",
	} {
		if got, ok := spelling.EmbeddedNet(netip.MustParsePrefix(in)); !ok || got.String() != want {
			t.Errorf("EmbeddedNet(%s) = %v, %v, want %s", in, got, ok, want)
		}
	}
	if got, ok := spelling.EmbeddedNet(netip.MustParsePrefix("2001:db8::/32")); ok {
		t.Error(got)
	}
}

func TestPlainIsTheValueThatIsMeant(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"198[.]51[.]100[.]40": "198.51.100.40", "198(.)51(.)100(.)40": "198.51.100.40", "198{.}51.100.40": "198.51.100.40", "bad[dot]example": "bad.example", "bad(DOT)Example": "bad.Example",
		"hxxp://bad[.]example/X": "http://bad.example/X", "hXXps://bad.example": "https://bad.example", "htxp://x.example": "http://x.example", "hxtps://x.example": "https://x.example",
		"meow://bad.example/x": "http://bad.example/x", "h[tt]p://x.example": "http://x.example", "h**p://x.example": "http://x.example", "hxxp[://]x[.]example": "http://x.example", "a[at]bad.example": "a@bad.example", "a[@]bad(dot)example": "a@bad.example",
		"[2001[:]db8::1]": "[2001:db8::1]", "198.51.100.40[:]80": "198.51.100.40:80",
		// What is no disguise stays as it is.
		"HTTP://Example.org/A": "HTTP://Example.org/A", "https://x.example/?u=hxxp://y": "https://x.example/?u=hxxp://y", "C:\\(x86)\\a.exe": "C:\\(x86)\\a.exe", "meow": "meow", "a (see at) b": "a (see at) b", "x[1]": "x[1]", "": "",
	} {
		if got := spelling.Plain(in); got != want {
			t.Errorf("Plain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAValueIsWrittenInTheWaysInWhichPeopleKeepIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		dataType, value string
		want            []string
	}{
		{"domain", "Evil.example.", []string{"Evil.example.", "evil.example", "evil[.]example", "evil(.)example", "evil[dot]example", "Evil.example", "EVIL.EXAMPLE", "evil.example."}},
		{"ip", "10.0.0[.]1", []string{"10.0.0[.]1", "10.0.0.1", "10[.]0[.]0[.]1", "10(.)0(.)0(.)1", "10[dot]0[dot]0[dot]1"}},
		{"ip", "2001:DB8::1", []string{"2001:DB8::1", "2001:db8::1", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001[:]db8[:][:]1"}},
		{"mail", "a@evil.example", []string{"a@evil.example", "a@evil[.]example", "a[@]evil.example", "a[@]evil[.]example", "a[at]evil.example", "a[at]evil[.]example"}},
		{"url", "hxxps://Evil[.]example/a.php", []string{"hxxps://Evil[.]example/a.php", "https://Evil.example/a.php", "https://evil.example/a.php", "hxxps://evil.example/a.php", "hXXps://evil.example/a.php",
			"hxxps[:]//evil.example/a.php", "https://evil[.]example/a.php", "hxxps://evil[.]example/a.php", "hXXps://evil[.]example/a.php", "hxxps[:]//evil[.]example/a.php"}},
		{"hash", " AbCd ", []string{"AbCd", "abcd", "ABCD"}},
		{"", "DC01", []string{"DC01", "dc01"}},
		{"domain", "bücher.example", []string{"bücher.example", "bücher[.]example", "bücher(.)example", "bücher[dot]example", "BÜCHER.EXAMPLE", "bücher.example.", "xn--bcher-kva.example"}},
		{"regexp", "evil[.]example", []string{"evil[.]example"}},
		{"", "two Words.example", []string{"two Words.example"}},
	} {
		if diff := cmp.Diff(tt.want, spelling.Written(tt.dataType, tt.value, 24)); diff != "" {
			t.Errorf("%s %q (-want +got):\n%s", tt.dataType, tt.value, diff)
		}
	}
	if got := spelling.Written("url", "http://a.b.example", 5); len(got) != 5 {
		t.Errorf("%d of at most 5", len(got))
	}
}

// TestEachWayToWriteAValueFindsTheOthers holds that it doesn't matter which of them
// somebody keeps and which of them somebody asks for.
func TestEachWayToWriteAValueFindsTheOthers(t *testing.T) {
	t.Parallel()
	for dataType, value := range map[string]string{"domain": "www.evil.example", "ip": "198.51.100.7", "mail": "a@mail.evil.example", "url": "https://www.evil.example/", "hash": "abcd12", "hostname": "dc01"} {
		all := spelling.Written(dataType, value, 99)
		for _, asked := range all {
			got := spelling.Written(dataType, asked, 99)
			for _, kept := range all {
				if !slices.Contains(got, kept) {
					t.Errorf("%s %s isn't found by %s", dataType, kept, asked)
				}
			}
		}
	}
}
