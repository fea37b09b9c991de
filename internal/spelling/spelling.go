// Package spelling brings what a resolver, a browser or a reader takes for the
// same thing to one spelling: 0x0a000001, 10[.]0[.]0[.]1, 10%2E0.0.1, full-width
// digits, punycode. It judges nothing; packages gate and egress do.
package spelling

import (
	"html"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// Readings returns s, folded, and what it says once it is decoded, and that
// decoded again. ok is false if there is no end to it.
func Readings(s string) (list []string, ok bool) {
	for range 5 {
		s = Fold(s)
		list = append(list, s)
		if i := strings.IndexAny(s, "%&\\[({<>})]\t\r\n *xX"); i < 0 && !strings.Contains(s, " dot ") {
			return list, true // nothing in it stands for something else
		}
		plain := Refang(Unescape(s))
		if Fold(plain) == s {
			return list, true
		}
		s = plain
	}
	return list, false
}

var (
	percent = lazyregexp.New(`(?:%[0-9A-Fa-f]{2})+`)
	slashed = lazyregexp.New(`\\(?:u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2})`)
)

// Unescape undoes what is escaped in the manner of URLs, HTML, JSON and regular
// expressions.
func Unescape(s string) string {
	if strings.Contains(s, "%") {
		s = percent.Compiled().ReplaceAllStringFunc(s, func(m string) string {
			plain, err := url.PathUnescape(m)
			if err != nil {
				return m
			}
			return strings.ToValidUTF8(plain, "")
		})
	}
	if strings.Contains(s, "&") {
		s = html.UnescapeString(s)
	}
	if strings.Contains(s, `\`) {
		s = slashed.Compiled().ReplaceAllStringFunc(s, func(m string) string {
			n, err := strconv.ParseUint(strings.Trim(m[2:], "{}"), 16, 32)
			if err != nil || n > unicode.MaxRune {
				return m
			}
			return string(rune(n))
		})
		s = strings.ReplaceAll(s, `\.`, ".")
	}
	return s
}

var (
	fanged = lazyregexp.New(`(?i)\s*(?:[\[({<]\s*(\.|,|dot|punkt|:|://|@|at)\s*[\])}>]|[\[({]\s*(\.|:)|(\.|:)\s*[\])}])\s*`)
	spaced = lazyregexp.New(`(?i)(\b(?:0x[0-9a-f]+|\d+))(?:\s*\.\s+|\s+\.\s*|\s+dot\s+)`)
	faked  = lazyregexp.New(`(?i)\b(?:h[xt*]{2}p|fxp|meow|h\[tt\]p)(s?)(:|\[:)`)
	dotted = lazyregexp.New(`(?i)[\[({](?:\.|,|dot|punkt|:|://|@|at)[\])}]`)
	scheme = lazyregexp.New(`(?i)^(?:h[xt*]{2}p|meow|h\[tt\]p)(s?)://`)
)

// Plain returns the value that is meant by one written so that nobody clicks on
// it, and otherwise value itself: evil[.]example, a[at]b(dot)example,
// hxxps://x.example, meow://x.example. Its letters keep their case.
func Plain(value string) string {
	if strings.ContainsAny(value, "[({") {
		value = dotted.Compiled().ReplaceAllStringFunc(value, mark)
	}
	return scheme.Compiled().ReplaceAllStringFunc(value, func(m string) string {
		if strings.EqualFold(m, "http://") || strings.EqualFold(m, "https://") {
			return m
		}
		if strings.HasSuffix(strings.ToLower(m), "s://") {
			return "https://"
		}
		return "http://"
	})
}

// PlainOf is Plain of a value of a data type, as TheHive and Cortex name them. One
// that is no address stays as it is: in a regular expression brackets mean themselves.
func PlainOf(dataType, value string) string {
	if slices.Contains([]string{"ip", "domain", "fqdn", "hostname", "url", "mail"}, dataType) {
		return Plain(value)
	}
	return value
}

// mark is the character that a bracketed one, or a bracketed word, stands for.
func mark(m string) string {
	switch m = strings.ToLower(strings.Trim(m, "[](){}<> \t\r\n")); m {
	case ",", "dot", "punkt":
		return "."
	case "at":
		return "@"
	}
	return m
}

// Refang undoes the usual ways to write an address so that nobody clicks on it.
func Refang(s string) string {
	if strings.ContainsAny(s, "[({<])}>") {
		s = fanged.Compiled().ReplaceAllStringFunc(s, mark)
	}
	if strings.ContainsAny(s, " \t\r\n") {
		s = spaced.Compiled().ReplaceAllString(s, "$1.")
	}
	return faked.Compiled().ReplaceAllString(s, "http$1$2")
}

// Fold brings what a resolver treats alike to one spelling: case, the dots of
// other scripts, full-width, circled and mathematical letters and digits, and
// punycode; what can't be seen goes.
func Fold(s string) string {
	ascii := true
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		s = strings.ToLower(s)
	} else {
		s = folded(s)
	}
	if strings.Contains(s, "xn--") {
		s = labels.Compiled().ReplaceAllStringFunc(s, func(m string) string {
			if u, ok := punycode(m[len("xn--"):]); ok {
				return folded(u)
			}
			return m
		})
	}
	return s
}

var labels = lazyregexp.New(`xn--[0-9a-z-]+`)

// alike is what Unicode's compatibility forms, resolvers or readers take for the
// ASCII character that each group begins with, apart from what plain computes.
const alike = `
0⁰₀⓪⓿ 1¹₁①❶➀➊⓵ 2²₂②❷➁➋⓶ 3³₃③❸➂➌⓷ 4⁴₄④❹➃➍⓸ 5⁵₅⑤❺➄➎⓹ 6⁶₆⑥❻➅➏⓺ 7⁷₇⑦❼➆➐⓻ 8⁸₈⑧❽➇➑⓼ 9⁹₉⑨❾➈➒⓽ aªᴬᵃₐⒶⓐ🄰🅐🅰 bᴮᵇℬⒷⓑ🄱🅑🅱
cᶜℂℭⅭⅽⒸⓒꟲ🄫🄲🅒🅲 dᴰᵈⅅⅆⅮⅾⒹⓓ🄳🅓🅳 eᴱᵉₑℯℰⅇⒺⓔ🄴🅔🅴 fᶠℱⒻⓕꟳ🄵🅕🅵 gᴳᵍℊⒼⓖ🄶🅖🅶 hʰᴴₕℋℌℍℎⒽⓗ🄷🅗🅷 iᴵᵢⁱℐℑℹⅈⅠⅰⒾⓘ🄸🅘🅸 jʲᴶⅉⒿⓙⱼ🄹🅙🅹
kᴷᵏₖKⓀⓚ🄺🅚🅺 lˡᴸₗℒℓⅬⅼⓁⓛ🄻🅛🅻 mᴹᵐₘℳⅯⅿⓂⓜ🄼🅜🅼 nᴺⁿₙℕⓃⓝ🄽🅝🅽 oºᴼᵒₒℴⓄⓞ🄾🅞🅾 pᴾᵖₚℙⓅⓟ🄿🅟🅿 qℚⓆⓠꟴ𐞥🅀🅠🆀 rʳᴿᵣℛℜℝⓇⓡ🄬🅁🅡🆁 sſˢₛⓈⓢ🅂🅢🆂
tᵀᵗₜⓉⓣ🅃🅣🆃 uᵁᵘᵤⓊⓤ🅄🅤🆄 vᵛᵥⅤⅴⓋⓥⱽ🅅🅥🆅 wʷᵂⓌⓦ🅆🅦🆆 xˣₓⅩⅹⓍⓧ🅇🅧🆇 yʸⓎⓨ🅈🅨🆈 zᶻℤℨⓏⓩ🅉🅩🆉 .․﹒。｡·‧•∙⋅・ :︓﹕∶꞉ː /⁄∕ \﹨ -﹣‐‑‒–—−
_︳︴﹍﹎﹏ @﹫ %﹪ &﹠ #﹟ ?︖﹖ (⁽₍︵﹙ )⁾₎︶﹚ [﹇ ]﹈ {︷﹛ }︸﹜ <﹤ >﹥ ,︐﹐ ;;︔﹔ *﹡
`

// longer are the single characters that stand for several of ASCII, which follow.
const longer = `
Ĳij ĳij Ǉlj ǈlj ǉlj Ǌnj ǋnj ǌnj Ǳdz ǲdz ǳdz ₨rs ℀a/c ℁a/s ℅c/o ℆c/u №no ℠sm ℡tel ™tm ℻fax Ⅱii Ⅲiii Ⅳiv Ⅵvi
Ⅶvii Ⅷviii Ⅸix Ⅺxi Ⅻxii ⅱii ⅲiii ⅳiv ⅵvi ⅶvii ⅷviii ⅸix ⅺxi ⅻxii ⑩10 ⑪11 ⑫12 ⑬13 ⑭14 ⑮15 ⑯16 ⑰17 ⑱18 ⑲19 ⑳20
⒈1. ⒉2. ⒊3. ⒋4. ⒌5. ⒍6. ⒎7. ⒏8. ⒐9. ⒑10. ⒒11. ⒓12. ⒔13. ⒕14. ⒖15. ⒗16. ⒘17. ⒙18. ⒚19. ⒛20. ㉐pte ㉑21 ㉒22 ㉓23
㉔24 ㉕25 ㉖26 ㉗27 ㉘28 ㉙29 ㉚30 ㉛31 ㉜32 ㉝33 ㉞34 ㉟35 ㊱36 ㊲37 ㊳38 ㊴39 ㊵40 ㊶41 ㊷42 ㊸43 ㊹44 ㊺45 ㊻46 ㊼47 ㊽48 ㊾49 ㊿50
㋌hg ㋍erg ㋎ev ㋏ltd ㍱hpa ㍲da ㍳au ㍴bar ㍵ov ㍶pc ㍷dm ㍸dm2 ㍹dm3 ㍺iu ㎀pa ㎁na ㎃ma ㎄ka ㎅kb ㎆mb ㎇gb ㎈cal ㎉kcal ㎊pf ㎋nf
㎎mg ㎏kg ㎐hz ㎑khz ㎒mhz ㎓ghz ㎔thz ㎖ml ㎗dl ㎘kl ㎙fm ㎚nm ㎜mm ㎝cm ㎞km ㎟mm2 ㎠cm2 ㎡m2 ㎢km2 ㎣mm3 ㎤cm3 ㎥m3 ㎦km3 ㎩pa ㎪kpa
㎫mpa ㎬gpa ㎭rad ㎰ps ㎱ns ㎳ms ㎴pv ㎵nv ㎷mv ㎸kv ㎹mv ㎺pw ㎻nw ㎽mw ㎾kw ㎿mw ㏂a.m. ㏃bq ㏄cc ㏅cd ㏇co. ㏈db ㏉gy ㏊ha ㏋hp ㏌in
㏍kk ㏎km ㏏kt ㏐lm ㏑ln ㏒log ㏓lx ㏔mb ㏕mil ㏖mol ㏗ph ㏘p.m. ㏙ppm ㏚pr ㏛sr ㏜sv ㏝wb ㏿gal ﬀff ﬁfi ﬂfl ﬃffi ﬄffl ﬅst ﬆst
🄀0. 🄭cd 🄮wz 🅊hv 🅋mv 🅌sd 🅍ss 🅎ppv 🅏wc 🅪mc 🅫md 🅬mr 🆐dj
`

// stands returns what each character of alike and longer stands for.
var stands = sync.OnceValue(func() map[rune]string {
	m := map[rune]string{}
	for group := range strings.FieldsSeq(alike) {
		for _, r := range group[1:] {
			m[r] = group[:1]
		}
	}
	for pair := range strings.FieldsSeq(longer) {
		r, n := utf8.DecodeRuneInString(pair)
		m[r] = pair[n:]
	}
	return m
})

// plain returns what r stands for.
func plain(r rune) string {
	switch {
	case r < utf8.RuneSelf:
		return string(unicode.ToLower(r))
	case r >= '！' && r <= '～':
		return string(unicode.ToLower(r - '！' + '!'))
	case unicode.Is(unicode.Zs, r):
		return " "
	case unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return ""
	case r >= 0x1d400 && r <= 0x1d6a3: // mathematical letters, 26 capitals and 26 small ones again and again
		return string('a' + (r-0x1d400)%26)
	}
	if n, ok := digit(r); ok {
		return string(n)
	}
	if s, ok := stands()[r]; ok {
		return s
	}
	return string(unicode.ToLower(r))
}

// folded returns s with each character as plain has it.
func folded(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		b.WriteString(plain(r))
	}
	return b.String()
}

// digit returns the decimal digit that r is in its script. Unicode keeps the ten
// of each together, from zero on.
func digit(r rune) (rune, bool) {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10, true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + (r-rune(t.Lo))%10, true
		}
	}
	return 0, false
}

// The parameters of punycode (RFC 3492, section 5).
const base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700

// adapted is the bias of punycode after delta, of count characters.
func adapted(delta, count int, first bool) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / count
	k := 0
	for ; delta > (base-tmin)*tmax/2; k += base {
		delta /= base - tmin
	}
	return k + (base-tmin+1)*delta/(delta+skew)
}

// ASCII writes the labels of a host that have letters beyond ASCII in punycode,
// in small letters, as the domain name system has them: xn--bcher-kva.example.
func ASCII(host string) string {
	beyond := func(s string) bool {
		return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0
	}
	if !beyond(host) || !utf8.ValidString(host) {
		return host
	}
	labels := strings.Split(strings.ReplaceAll(strings.ToLower(host), "ß", "ss"), ".")
	for i, label := range labels {
		if beyond(label) {
			labels[i] = "xn--" + encoded([]rune(label))
		}
	}
	return strings.Join(labels, ".")
}

// encoded is label in punycode (RFC 3492, section 6.3).
func encoded(label []rune) string {
	var out []byte
	for _, r := range label {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	n, delta, bias := rune(utf8.RuneSelf), 0, 72
	for done := basic; done < len(label); {
		next := rune(unicode.MaxRune)
		for _, r := range label {
			if r >= n {
				next = min(next, r)
			}
		}
		delta += int(next-n) * (done + 1)
		n = next
		for _, r := range label {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				out = append(out, digits[t+(q-t)%(base-t)])
				q = (q - t) / (base - t)
			}
			out = append(out, digits[q])
			bias = adapted(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return string(out)
}

const digits = "abcdefghijklmnopqrstuvwxyz0123456789"

// punycode decodes the part of a label behind "xn--" (RFC 3492).
func punycode(s string) (string, bool) {
	var out []rune
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		out = []rune(s[:i])
		s = s[i+1:]
	}
	n, i, bias := rune(128), 0, 72
	for first := true; s != ""; first = false {
		before, w := i, 1
		for k := base; ; k += base {
			if s == "" {
				return "", false
			}
			var d int
			switch c := s[0]; {
			case c >= 'a' && c <= 'z':
				d = int(c - 'a')
			case c >= '0' && c <= '9':
				d = int(c-'0') + 26
			default:
				return "", false
			}
			s = s[1:]
			if i += d * w; i > 1<<30 {
				return "", false
			}
			t := min(max(k-bias, tmin), tmax)
			if d < t {
				break
			}
			if w *= base - t; w > 1<<30 {
				return "", false
			}
		}
		bias = adapted(i-before, len(out)+1, first)
		n += rune(i / (len(out) + 1))
		i %= len(out) + 1
		if !utf8.ValidRune(n) || len(out) > 255 {
			return "", false
		}
		out = slices.Insert(out, i, n)
		i++
	}
	return string(out), true
}

// Addrs reads an address in every spelling that a browser or a resolver takes:
// also 167772161, 0x7f.1, 0177.0.0.1 and 10.0.0.1 with a dot behind it. A number
// with a zero before it is octal to some and decimal to others, so that there
// may be two.
func Addrs(s string) []netip.Addr {
	s = strings.TrimRight(s, ".")
	if a, err := netip.ParseAddr(s); err == nil {
		return []netip.Addr{a}
	}
	var list []netip.Addr
	for _, octal := range []bool{true, false} {
		if a, ok := v4(s, octal); ok && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

type embedded struct {
	net  netip.Prefix
	at   int
	flip byte // Teredo keeps the address inverted
}

// embedding are the IPv6 ranges that hold an IPv4 address, and at which byte.
var embedding = []embedded{
	{netip.MustParsePrefix("::ffff:0:0/96"), 12, 0},
	{netip.MustParsePrefix("::ffff:0:0:0/96"), 12, 0}, // translated (SIIT)
	{netip.MustParsePrefix("::/96"), 12, 0},           // compatible, obsolete
	{netip.MustParsePrefix("64:ff9b::/96"), 12, 0},    // NAT64
	{netip.MustParsePrefix("64:ff9b:1::/48"), 12, 0},  // NAT64, local
	{netip.MustParsePrefix("2002::/16"), 2, 0},        // 6to4
	{netip.MustParsePrefix("2001::/32"), 12, 0xff},    // Teredo client
}

// Embedded returns the IPv4 address that an IPv6 address leads to, if it is of
// a range that holds one.
func Embedded(a netip.Addr) (netip.Addr, bool) {
	a = a.WithZone("")
	n, ok := EmbeddedNet(netip.PrefixFrom(a, a.BitLen()))
	return n.Addr(), ok
}

// EmbeddedNet returns the network of the IPv4 addresses that those in an IPv6
// network lead to, if any do.
func EmbeddedNet(p netip.Prefix) (netip.Prefix, bool) {
	if !p.Addr().Is6() {
		return netip.Prefix{}, false
	}
	b := p.Addr().As16()
	for _, e := range embedding {
		if !e.net.Overlaps(p) {
			continue
		}
		v4 := [4]byte(b[e.at : e.at+4])
		for i := range v4 {
			v4[i] ^= e.flip
		}
		return netip.PrefixFrom(netip.AddrFrom4(v4), min(max(0, p.Bits()-8*e.at), 32)).Masked(), true
	}
	return netip.Prefix{}, false
}

func v4(s string, octal bool) (netip.Addr, bool) {
	parts := strings.Split(s, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var v uint64
	for i, p := range parts {
		n, ok := number(p, octal)
		if !ok {
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

func number(p string, octal bool) (uint64, bool) {
	base := 10
	if hex, ok := strings.CutPrefix(strings.ToLower(p), "0x"); ok {
		p, base = hex, 16
	} else if octal && len(p) > 1 && p[0] == '0' && !strings.ContainsAny(p, "89") {
		base = 8
	}
	if p == "" || strings.ContainsAny(p, "+-_") {
		return 0, false
	}
	n, err := strconv.ParseUint(p, base, 32)
	return n, err == nil
}
