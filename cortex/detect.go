package cortex

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/spelling"
)

// An Observable is a value with what kind of value it is.
type Observable struct {
	// ip, domain, fqdn, url, mail, hash, … or a type of the server's own.
	DataType string `json:"dataType"`
	Data     string `json:"data" untrusted:"true"` // its value
	// What was changed or assumed to come to this.
	Note string `json:"note,omitempty"`
}

// The data types that Cortex's own analyzers use. A server can have others.
const (
	typeIP       = "ip"
	typeDomain   = "domain"
	typeFQDN     = "fqdn"
	typeURL      = "url"
	typeMail     = "mail"
	typeHash     = "hash"
	typeFile     = "file"
	typeFilename = "filename"
	typeAgent    = "user-agent"
	typeRegistry = "registry"
	typeAS       = "autonomous-system"
	typeOther    = "other"
)

const maxData = 16 << 10 // bytes of an observable

var (
	dataTypeForm = lazyregexp.New(`^[A-Za-z][A-Za-z0-9_.:-]{0,63}$`)
	macForm      = lazyregexp.New(`^(?i:[0-9a-f]{2}([:-][0-9a-f]{2}){5}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4})$`)
	cveForm      = lazyregexp.New(`^(?i:CVE-[0-9]{4}-[0-9]{4,})$`)
	asForm       = lazyregexp.New(`^(?i:ASN?[0-9]{1,10})$`)
	hexForm      = lazyregexp.New(`^[0-9A-Fa-f]+$`)
	schemeForm   = lazyregexp.New(`^[A-Za-z][A-Za-z0-9+.-]*://`)
	registryForm = lazyregexp.New(`^(?i:HKEY_[A-Z_]+|HKLM|HKCU|HKCR|HKU|HKCC)(\\|$)`)
	numbersForm  = lazyregexp.New(`^[0-9.]+$`)
	ssdeepForm   = lazyregexp.New(`^[0-9]{1,10}:[A-Za-z0-9/+]{6,148}:[A-Za-z0-9/+]{3,148}$`)
	tlshForm     = lazyregexp.New(`^(?i:(T1)?[0-9a-f]{70})$`)
	pathForm     = lazyregexp.New(`^([A-Za-z]:\\|\\\\)[^/:*?"<>|]+$`)
	fileForm     = lazyregexp.New(`^[^/\\:*?"<>|@]+\.[A-Za-z0-9]+$`)
	agentForm    = lazyregexp.New(`^(?i:Mozilla|Opera|Dalvik|curl|Wget|Go-http-client|python-requests|Python-urllib|python-httpx|aiohttp|okhttp|Java|axios|node-fetch|libwww-perl|Apache-HttpClient|PostmanRuntime|sqlmap|Nmap|masscan|zgrab|WindowsPowerShell|Microsoft-CryptoAPI)/[0-9]\S*( .*)?$`)
)

// hashes are the families by their hex digits.
var hashes = map[int]string{32: "MD5", 40: "SHA-1", 56: "SHA-224", 64: "SHA-256", 96: "SHA-384", 128: "SHA-512"}

// Detect tells what kind of observable s is. Defanged values (hxxp, [.]) are
// put right. A value that could be two things, such as setup.zip, is an
// [ErrInvalid] that says which: the caller knows and we don't.
func Detect(s string) (Observable, error) {
	if agent := strings.TrimSpace(s); strings.Contains(agent, "/") && agentForm.MatchString(agent) {
		if err := checkText(agent, unicode.IsControl); err != nil {
			return Observable{}, err
		}
		return Observable{DataType: typeAgent, Data: agent}, nil
	}
	data, note, err := clean(s)
	if err != nil {
		return Observable{}, err
	}
	o := Observable{Data: data, Note: note}
	unclear := func(format string, args ...any) (Observable, error) {
		return Observable{}, invalid("%q %s; give dataType", clip.Text(data, 80), fmt.Sprintf(format, args...))
	}
	if a, err := netip.ParseAddr(strings.Trim(data, "[]")); err == nil {
		o.DataType, o.Data = typeIP, a.WithZone("").Unmap().String()
		switch {
		case a.Is4In6():
			o.add("an IPv4 address written as IPv6")
		case a.Zone() != "":
			o.add("the zone was cut off")
		}
		return o, nil
	}
	if p, err := netip.ParsePrefix(data); err == nil {
		if !p.IsSingleIP() {
			return unclear("is a network, not an address")
		}
		o.DataType, o.Data = typeIP, p.Addr().Unmap().String()
		o.add("the prefix length was cut off")
		return o, nil
	}
	switch {
	case macForm.MatchString(data):
		o.DataType = typeOther
		o.add("a MAC address")
		return o, nil
	case strings.Contains(data, ".") && !strings.ContainsAny(data, `:/\@`): // none of the forms below has a dot and no such sign
		return o.name(unclear)
	case cveForm.MatchString(data):
		o.DataType = typeOther
		o.add("a CVE id")
		return o, nil
	case asForm.MatchString(data):
		o.DataType = typeAS
		return o, nil
	case registryForm.MatchString(data):
		o.DataType = typeRegistry
		return o, nil
	case hexForm.MatchString(data) && hashes[len(data)] != "":
		o.DataType = typeHash
		o.add("of the length of " + hashes[len(data)])
		return o, nil
	case ssdeepForm.MatchString(data):
		o.DataType = typeHash
		o.add("ssdeep")
		return o, nil
	case tlshForm.MatchString(data):
		o.DataType = typeHash
		o.add("TLSH")
		return o, nil
	case pathForm.MatchString(data):
		o.DataType = typeFilename
		o.add("a path")
		return o, nil
	case schemeForm.MatchString(data):
		if err := checkURL(data); err != nil {
			return unclear("looks like a URL but %s", err)
		}
		o.DataType = typeURL
		return o, nil
	}
	if rest, ok := cutPrefixFold(data, "mailto:"); ok && mailDomain(rest) != "" {
		o.DataType, o.Data = typeMail, rest
		o.add("mailto: was cut off")
		return o, nil
	}
	if strings.Contains(data, "@") {
		if mailDomain(data) == "" {
			return unclear("is no mail address")
		}
		o.DataType = typeMail
		return o, nil
	}
	return o.name(unclear)
}

// name tells the names of hosts and domains apart from those of files.
func (o Observable) name(unclear func(string, ...any) (Observable, error)) (Observable, error) {
	n := strings.TrimSuffix(o.Data, ".")
	labels := strings.Split(n, ".")
	last := strings.ToLower(labels[len(labels)-1])
	switch {
	case numbersForm.MatchString(n) && len(labels) == 4:
		return unclear("is no IP address: its numbers go from 0 to 255")
	case fileForm.MatchString(o.Data) && slices.Contains(fileExtensions, last):
		o.DataType = typeFilename
		return o, nil
	case !isName(n):
		return unclear("is of no kind that can be told")
	case len(labels) == 2 && slices.Contains(fileOrDomain, last):
		return unclear("can be a file name or a domain")
	}
	if n != o.Data {
		o.add("the dot at the end was cut off")
	}
	o.Data, o.DataType = n, typeFQDN
	if len(labels) == registrable(labels) {
		o.DataType = typeDomain
	}
	return o, nil
}

// registrable returns how many labels the domain has that somebody registered:
// two, or three below the likes of co.uk.
func registrable(labels []string) int {
	if n := len(labels); n > 2 && len(labels[n-1]) == 2 && slices.Contains(secondLevels, strings.ToLower(labels[n-2])) {
		return 3
	}
	return 2
}

var secondLevels = []string{"ac", "co", "com", "edu", "go", "gob", "gov", "mil", "ne", "net", "or", "org"}

// fileExtensions end the names of files and of no domain; fileOrDomain are top
// level domains as well.
var (
	fileExtensions = strings.Fields(`7z apk asp aspx bak bat bin bmp bz2 cab cfg chm class cmd conf cpl csv dat deb dll dmg doc
		docm docx dot dotm elf eml exe gif gz hta htm html ico img ini ipa iso jar jpeg jpg js json jse jsp lnk log msg msi msp
		ocx odt pdf php pif png ppt pptm pptx ps1 psm1 rar reg rpm rtf scr swf sys tar tgz tmp txt vbe vbs vhd vhdx wsf xls
		xlsb xlsm xlsx xml xz yaml yml`)
	fileOrDomain = strings.Fields(`app md mov pl py rs sh zip`)
)

func (o *Observable) add(note string) {
	if o.Note != "" {
		note = o.Note + "; " + note
	}
	o.Note = note
}

// observe returns the observable that data and dataType stand for; dataType may
// be empty. A type that is given is believed, unless the value can't be one.
func observe(data, dataType string) (Observable, error) {
	if dataType == "" {
		o, err := Detect(data)
		if err == nil {
			o.add("the type was detected")
		}
		return o, err
	}
	if !dataTypeForm.MatchString(dataType) {
		return Observable{}, invalid("dataType %q: want a word such as ip, domain or user-agent", clip.Text(dataType, 80))
	}
	o := Observable{DataType: typeNamed(dataType), Data: data}
	wrong := func(what string) (Observable, error) {
		return Observable{}, invalid("%q is no %s", clip.Text(o.Data, 80), what)
	}
	switch o.DataType {
	case typeFile:
		return Observable{}, invalid("a file is submitted by its content, not by a string")
	case typeIP, typeDomain, typeFQDN, typeURL, typeMail:
		var err error
		if o.Data, o.Note, err = clean(data); err != nil {
			return Observable{}, err
		}
	default:
		o.Data = strings.TrimSpace(data)
		odd := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
		if err := checkText(o.Data, odd); err != nil {
			return Observable{}, err
		}
	}
	switch o.DataType {
	case typeIP:
		if _, err := netip.ParseAddr(o.Data); err != nil {
			if _, err := netip.ParsePrefix(o.Data); err != nil {
				return wrong("IP address")
			}
		}
	case typeDomain, typeFQDN:
		o.Data = strings.TrimSuffix(o.Data, ".")
		if !isLabels(o.Data) {
			return wrong(o.DataType)
		}
	case typeURL:
		if strings.ContainsFunc(o.Data, unicode.IsSpace) {
			return wrong("URL")
		}
	case typeMail:
		if !strings.Contains(o.Data, "@") {
			return wrong("mail address")
		}
	case typeHash:
		if strings.ContainsFunc(o.Data, unicode.IsSpace) {
			return wrong("hash")
		}
	}
	return o, nil
}

var fakedFTP = lazyregexp.New(`^(?i:fxp)(s?)://`)

// clean trims and refangs s, and says so.
func clean(s string) (data, note string, err error) {
	data = strings.TrimSpace(s)
	if err := checkText(data, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }); err != nil {
		return "", "", err
	}
	plain := fakedFTP.Compiled().ReplaceAllString(spelling.Plain(data), "ftp$1://")
	if plain != data {
		note = "refanged"
	}
	return plain, note, nil
}

func checkText(s string, odd func(rune) bool) error {
	switch {
	case s == "":
		return invalid("data is empty")
	case len(s) > maxData:
		return invalid("data has %d bytes, at most %d are taken", len(s), maxData)
	case !utf8.ValidString(s):
		return invalid("data is not UTF-8")
	case strings.ContainsFunc(s, odd):
		return invalid("%q holds a space or a control character: give one observable, and its dataType if it isn't plain", clip.Text(s, 80))
	}
	return nil
}

func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return fmt.Errorf("can't be read")
	case u.Host == "" && u.Scheme != "file":
		return fmt.Errorf("has no host")
	}
	return nil
}

// mailDomain returns the domain of a mail address, or "".
func mailDomain(s string) string {
	i := strings.LastIndexByte(s, '@')
	if i < 1 || strings.ContainsAny(s[:i], "@/:,;<>()[]\\\"") {
		return ""
	}
	if domain := s[i+1:]; isName(domain) {
		return domain
	}
	return ""
}

// isName reports whether s is a name below a top level domain.
func isName(s string) bool {
	i := strings.LastIndexByte(s, '.')
	if i < 0 || !isLabels(s) {
		return false
	}
	tld := s[i+1:]
	if rest, ok := cutPrefixFold(tld, "xn--"); ok {
		return rest != ""
	}
	return utf8.RuneCountInString(tld) > 1 && !strings.ContainsFunc(tld, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
}

// isLabels reports whether s is made of labels as DNS has them.
func isLabels(s string) bool {
	if len(s) > 253 {
		return false
	}
	for l := range strings.SplitSeq(s, ".") {
		odd := func(r rune) bool {
			return r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r)
		}
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' || strings.ContainsFunc(l, odd) {
			return false
		}
	}
	return true
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// typeNamed is the type of observables that a name stands for: Cortex minds case, and the
// types that it comes with are in small letters.
func typeNamed(s string) string {
	if lower := strings.ToLower(s); slices.Contains([]string{typeIP, typeDomain, typeFQDN, typeURL, typeMail, typeHash, typeFile}, lower) {
		return lower
	}
	return s
}
