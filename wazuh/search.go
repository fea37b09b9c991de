package wazuh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// clause is a part of a query in OpenSearch's language.
type clause map[string]any

//go:noinline // its many callers would have a copy each
func anyOf(clauses ...clause) clause {
	return clause{"bool": clause{"should": clauses, "minimum_should_match": 1}}
}

//go:noinline // its many callers would have a copy each
func term(field, value string) clause { return clause{"term": clause{field: clause{"value": value}}} }

// termFold is term in any case.
func termFold(field, value string) clause { return inAnyCase("term", value).in(field) }

func wildcard(field, pattern string) clause { return inAnyCase("wildcard", pattern).in(field) }

// A matching is how a value of a filter is compared with a field.
type matching func(field, value string) clause

// alike is the matching of what a person gives: in any case, * stands for anything.
func alike(field, value string) clause {
	if strings.Contains(value, "*") {
		return wildcard(field, escaped(value))
	}
	return termFold(field, value)
}

// A matcher is how the indexer is asked for a value of a keyword.
type matcher struct {
	kind, value string // term, wildcard or regexp, and its value
	fold        bool   // whether the indexer is to take A to Z for a to z
}

func (m matcher) in(field string) clause {
	how := clause{"value": m.value}
	if m.fold { // which takes the indexer longer
		how["case_insensitive"] = true
	}
	return clause{m.kind: clause{field: how}}
}

// matchers are ways to ask for the same.
type matchers []matcher

// clauses are those ways, of which one is enough.
func (list matchers) clauses(field string) []clause {
	some := make([]clause, len(list))
	for i, m := range list {
		some[i] = m.in(field)
	}
	return some
}

func (list matchers) in(field string) clause {
	some := list.clauses(field)
	if len(some) == 1 {
		return some[0]
	}
	return anyOf(some...)
}

// maxExpression is how long a regular expression the indexer takes, in UTF-16.
const maxExpression = 1000

// inAnyCase asks for a term or a wildcard in any case. The indexer itself takes only
// A to Z for a to z: a value with other letters becomes an expression that names each
// in all its cases or, where that would be too long, is asked for in small letters and
// in capitals.
func inAnyCase(kind, value string) matchers {
	if !strings.ContainsFunc(value, func(r rune) bool { return len(casesOf(r)) > 1 }) {
		return matchers{{kind, value, hasCase(value)}}
	}
	if e := expressionOf(kind, value); len(utf16.Encode([]rune(e))) <= maxExpression {
		return matchers{{"regexp", e, hasCase(value)}}
	}
	var list matchers
	for _, v := range unique([]string{value, strings.ToLower(value), strings.ToUpper(value)}) {
		list = append(list, matcher{kind, v, hasCase(v)})
	}
	return list
}

// casesOf are the cases of a letter that the indexer doesn't fold; of any other
// character it is that alone.
func casesOf(r rune) []rune {
	if r <= unicode.MaxASCII {
		return []rune{r}
	}
	list := []rune{r, unicode.ToLower(r), unicode.ToUpper(r)}
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		list = append(list, f)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// expressionOf is the regular expression of a term, or of a wildcard in which only *
// has a meaning, with each letter in all its cases.
func expressionOf(kind, value string) string {
	var b strings.Builder
	literal := func(r rune) {
		if list := casesOf(r); len(list) > 1 {
			b.WriteString("[" + string(list) + "]")
			return
		}
		if r < utf8.RuneSelf && r > ' ' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	taken := false // whether a backslash takes the next character as it is
	for _, r := range value {
		switch {
		case kind == "wildcard" && !taken && r == '\\':
			taken = true
			continue
		case kind == "wildcard" && !taken && r == '*':
			b.WriteString(".*")
		default:
			literal(r)
		}
		taken = false
	}
	return b.String()
}

// hasCase reports whether s has a letter that the indexer folds.
func hasCase(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' })
}

// Of these fields it is known what they can hold. A word that has anything else
// isn't looked for there, since each field costs the indexer time.
var (
	digits   = lazyregexp.New(`^[0-9*]+$`)
	hexOnly  = lazyregexp.New(`^[0-9A-Fa-f*]+$`)
	attackID = lazyregexp.New(`^[Tt0-9.*]+$`)
	cve      = lazyregexp.New(`^[CVEcve0-9*-]+$`)

	holds = map[string]*lazyregexp.Regexp{
		"rule.id": digits, "agent.id": digits, "data.win.system.eventID": digits, "rule.mitre.id": attackID, "data.vulnerability.cve": cve,
		"syscheck.md5_after": hexOnly, "syscheck.sha1_after": hexOnly, "syscheck.sha256_after": hexOnly,
		"syscheck.md5_before": hexOnly, "syscheck.sha1_before": hexOnly, "syscheck.sha256_before": hexOnly,
	}
)

func canHold(field, word string) bool { return holds[field] == nil || holds[field].MatchString(word) }

// escaped returns w as a pattern in which only * has a meaning.
func escaped(w string) string { return literally.Replace(w) }

var literally = strings.NewReplacer(`\`, `\\`, `?`, `\?`)

var octets = lazyregexp.New(`^([0-9]{1,3}\.){1,3}[0-9]{0,3}\*?$`)

// network returns the address or the network that a word means: 10.20.0.7,
// 10.20.0.0/16, or 10.20. and 10.20.*, which mean that too.
func network(word string) (string, bool) {
	if a, err := netip.ParseAddr(word); err == nil {
		return a.String(), a.Zone() == ""
	}
	if p, err := netip.ParsePrefix(word); err == nil {
		return p.Masked().String(), true
	}
	if !octets.MatchString(word) {
		return "", false
	}
	parts := strings.Split(strings.TrimRight(word, ".*"), ".")
	if len(parts) > 3 || !strings.HasSuffix(strings.TrimRight(word, "*"), ".") && strings.HasSuffix(word, "*") {
		return "", false // 10.2* is no network
	}
	p, err := netip.ParsePrefix(strings.Join(parts, ".") + strings.Repeat(".0", 4-len(parts)) + "/" + strconv.Itoa(8*len(parts)))
	return p.String(), err == nil
}

// words splits s at spaces, except within double quotes.
func words(s string) []string {
	var list []string
	add := func(w string) {
		if strings.Trim(w, "* ") != "" {
			list = append(list, w)
		}
	}
	for {
		s = strings.TrimSpace(s)
		if s == "" {
			return list
		}
		if s[0] == '"' {
			if end := strings.IndexByte(s[1:], '"'); end >= 0 {
				add(strings.TrimSpace(s[1 : 1+end]))
				s = s[end+2:]
				continue
			}
		}
		end := strings.IndexFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' })
		if end < 0 {
			end = len(s)
		}
		add(s[:end])
		s = s[end:]
	}
}

var techniqueID = lazyregexp.New(`^T[0-9]{4}(\.[0-9]{3})?$`)

// techniques returns the clause for alerts that carry any of ids, or a
// sub-technique of one.
func techniques(ids []string) (clause, error) {
	some := make([]clause, 0, 2*len(ids))
	for _, id := range ids {
		t := strings.ToUpper(strings.TrimSpace(id))
		if !techniqueID.MatchString(t) {
			return nil, invalid("mitre_ids: %q is not a technique's id, such as T1110 or T1110.001", clip.Text(id, shownBytes))
		}
		for _, f := range []string{"rule.mitre.id", "threat.technique.id", "threat.technique.subtechnique.id", "wazuh.rule.mitre.technique", "wazuh.rule.mitre.technique.id", "wazuh.rule.mitre.subtechnique", "wazuh.rule.mitre.subtechnique.id"} {
			some = append(some, term(f, t))
		}
		if !strings.Contains(t, ".") {
			for _, f := range []string{"rule.mitre.id", "wazuh.rule.mitre.subtechnique", "wazuh.rule.mitre.subtechnique.id"} {
				some = append(some, clause{"prefix": clause{f: clause{"value": t + "."}}})
			}
		}
	}
	return anyOf(some...), nil
}

// An AlertFilter says which alerts are meant: those that pass all that is given.
type AlertFilter struct {
	// At least.
	Level int `json:"level,omitempty" minimum:"0" maximum:"16" alias:"min_level"`
	// At most.
	MaxLevel int `json:"max_level,omitempty" minimum:"1" maximum:"16"`
	// Such as 007.
	AgentID AgentID `json:"agent_id,omitempty"`
	// In any case; in every name here * stands for anything.
	AgentName string `json:"agent_name,omitempty" minLength:"1" maxLength:"128"`
	// Such as 5710; of Wazuh 5 also net-006.
	RuleID RuleID `json:"rule_id,omitempty"`
	// Such as authentication_failed.
	RuleGroup string `json:"rule_group,omitempty" alias:"group" minLength:"1" maxLength:"128"`
	// Any of these; T1110 stands for its sub-techniques too.
	MITREIDs []string `json:"mitre_ids,omitempty" alias:"mitre_id,techniques" maxItems:"50"`
	// Such as Credential Access.
	MITRETactic string `json:"mitre_tactic,omitempty" alias:"tactic" minLength:"1" maxLength:"64"`
	// Such as sshd.
	Decoder       string `json:"decoder,omitempty" minLength:"1" maxLength:"128"`
	SourceIP      string `json:"source_ip,omitempty" refang:"true" alias:"srcip,src_ip" minLength:"1" maxLength:"64"`      // from this address or network, as 10.0.0.0/8
	DestinationIP string `json:"destination_ip,omitempty" refang:"true" alias:"dstip,dst_ip" minLength:"1" maxLength:"64"` // to this address or network
	// Account that acts or is acted on.
	User string `json:"user,omitempty" alias:"username" minLength:"1" maxLength:"256"`
	// MD5, SHA-1, SHA-256 or IMPHASH=….
	FileHash string `json:"file_hash,omitempty" alias:"hash" pattern:"^([A-Za-z0-9]{3,7}=)?[0-9A-Fa-f]{32}([0-9A-Fa-f]{8}([0-9A-Fa-f]{24})?)?$"`
	// Address or network, as source, destination or otherwise.
	IP string `json:"ip,omitempty" refang:"true" alias:"address" minLength:"1" maxLength:"64"`
	// Path, or the end of it.
	Process string `json:"process,omitempty" minLength:"1" maxLength:"512"`
	// Asked for or connected to, or one below it.
	Domain string `json:"domain,omitempty" refang:"true" alias:"hostname" minLength:"1" maxLength:"253"`
	// Such as customer=acme.
	Label string `json:"label,omitempty" pattern:"^[A-Za-z0-9_.-]{1,64}=.{1,128}$"`
	// Such as /var/log/auth.log; * stands for anything.
	Location string `json:"location,omitempty" minLength:"1" maxLength:"256"`
	// Words that must all be in it, in any field; * stands for anything, "quotes" keep words together.
	Search    string `json:"search,omitempty" refang:"true" alias:"query" minLength:"1" maxLength:"4096"`
	StartTime When   `json:"start_time,omitempty"` // from this time on
	EndTime   When   `json:"end_time,omitempty"`   // until this time
}

// keywords are the filters that are compared with keywords of the index.
var keywords = []struct {
	name   string
	value  func(f *AlertFilter) string
	fields []string
}{
	{"agent_name", func(f *AlertFilter) string { return f.AgentName }, []string{"agent.name", "wazuh.agent.name"}},
	{"rule_group", func(f *AlertFilter) string { return f.RuleGroup }, []string{"rule.groups", "wazuh.rule.tags"}},
	{"mitre_tactic", func(f *AlertFilter) string { return tacticSpelling.Replace(f.MITRETactic) }, []string{"rule.mitre.tactic", "threat.tactic.name", "wazuh.rule.mitre.tactic", "wazuh.rule.mitre.tactic.name"}},
	{"decoder", func(f *AlertFilter) string { return f.Decoder }, []string{"decoder.name", "wazuh.integration.decoders"}},
	{"location", func(f *AlertFilter) string { return f.Location }, []string{"location", "log.file.path"}},
}

// tacticSpelling makes the name of a tactic of its short name, such as credential-access.
var tacticSpelling = strings.NewReplacer("-", " ", "_", " ")

var tacticID = lazyregexp.New(`^(?i)\s*TA[0-9]{4}\s*$`)

// check says what is wrong with filters that no alert can pass.
func (f *AlertFilter) check() error {
	switch {
	case strings.Contains(f.RuleGroup, ","):
		return invalid("rule_group %q: want one group, such as authentication_failed", clip.Text(f.RuleGroup, shownBytes))
	case tacticID.MatchString(f.MITRETactic):
		return invalid("mitre_tactic %q: want a tactic's name, such as Credential Access", clip.Text(f.MITRETactic, shownBytes))
	}
	patterns := [][2]string{{"user", f.User}, {"process", f.Process}, {"domain", f.Domain}}
	for _, k := range keywords {
		patterns = append(patterns, [2]string{k.name, k.value(f)})
	}
	for _, p := range patterns {
		if p[1] != "" && strings.Trim(p[1], "* ") == "" {
			return invalid("%s %q holds nothing to search for", p[0], clip.Text(p[1], shownBytes))
		}
	}
	return nil
}

// explain adds to a note which rule, group of rules or agent this Wazuh doesn't have, or that
// the agent never connected, where f, which names it, finds nothing. What it can't find out
// it doesn't say.
func (c *Client) explain(ctx context.Context, f *AlertFilter, note string) string {
	var missing []string
	if f.RuleID != "" {
		if _, err := c.GetRule(ctx, GetRuleInput{RuleID: f.RuleID}); errors.Is(err, ErrNotFound) {
			missing = append(missing, "rule "+string(f.RuleID))
		}
	}
	if group := strings.TrimSpace(f.RuleGroup); group != "" && !strings.Contains(group, "*") {
		if _, err := c.ListRules(ctx, ListRulesInput{Group: group, Limit: 1}); errors.Is(err, ErrNotFound) {
			missing = append(missing, "rule of the group "+group)
		}
	}
	why, err := c.unheard(ctx, f.AgentID, 0, note)
	if err != nil {
		missing, why = append(missing, "agent "+string(f.AgentID)), note
	}
	if len(missing) == 0 {
		return why
	}
	return strings.TrimPrefix(why+"; this Wazuh has no "+strings.Join(missing, " and no "), "; ")
}

// asked is what an [AlertFilter] asks of the indexer.
type asked struct {
	clauses     []clause
	from, until time.Time // zero: not bounded
	note        string    // what was taken for what, if that must be said
}

// ask returns what an alert must match, as of now, but for the words of
// f.Search. five says that it is a finding of Wazuh 5, kind how a field is indexed,
// match how names are compared.
func (f *AlertFilter) ask(now time.Time, zone *time.Location, five bool, kind func(string) fieldKind, match matching) (*asked, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	q := &asked{}
	add := func(c clause, err error) error {
		if err == nil && c != nil {
			q.clauses = append(q.clauses, c)
		}
		return err
	}
	level, err := f.levels(five)
	if err := add(level, err); err != nil {
		return nil, err
	}
	if level != nil && five {
		q.note = "Wazuh 5 has words for levels: informational stands for 0 to 3, low for 4 to 6, medium for 7 to 9, high for 10 to 12, critical for 13 and more"
	}
	if f.AgentID != "" {
		id, err := f.AgentID.padded()
		if err != nil {
			return nil, err
		}
		q.clauses = append(q.clauses, ofAgent(id))
	}
	if f.RuleID != "" {
		id, err := f.RuleID.text(five)
		if err != nil {
			return nil, err
		}
		q.clauses = append(q.clauses, anyOf(term("rule.id", id), term("wazuh.rule.id", id)))
	}
	for _, k := range keywords {
		if v := strings.TrimSpace(k.value(f)); v != "" {
			var some []clause
			for _, field := range k.fields {
				some = append(some, match(field, v))
			}
			q.clauses = append(q.clauses, anyOf(some...))
		}
	}
	if f.User != "" {
		q.clauses = append(q.clauses, userIn(f.User, users(), match))
	}
	if f.Process != "" {
		q.clauses = append(q.clauses, processIn(f.Process, processes(), match))
	}
	if f.Domain != "" {
		q.clauses = append(q.clauses, domainIn(f.Domain, domains(), match))
	}
	if f.Label != "" {
		if err := add(labelled(f.Label, match)); err != nil {
			return nil, err
		}
	}
	if f.FileHash != "" {
		if err := add(hashIn(f.FileHash)); err != nil {
			return nil, err
		}
	}
	if len(f.MITREIDs) > 0 {
		if err := add(techniques(f.MITREIDs)); err != nil {
			return nil, err
		}
	}
	for _, a := range []struct {
		name, value string
		fields      []string
	}{{"source_ip", f.SourceIP, sources()}, {"destination_ip", f.DestinationIP, destinations()}, {"ip", f.IP, addressFields()}} {
		if a.value == "" {
			continue
		}
		some, left, err := addressesIn(a.name, a.value, a.fields, kind)
		if err != nil {
			return nil, err
		}
		q.clauses = append(q.clauses, some)
		if len(left) > 0 {
			q.note = strings.TrimPrefix(fmt.Sprintf("%s; %s: a network can't be looked for in fields that hold addresses as text in some index, so that alerts can be missing; left out are %d fields, such as %s",
				q.note, a.name, len(left), strings.Join(left[:min(4, len(left))], ", ")), "; ")
		}
	}
	if q.from, err = f.StartTime.time("start_time", now, zone); err != nil {
		return nil, err
	}
	if q.until, err = f.EndTime.end("end_time", now, zone); err != nil {
		return nil, err
	}
	return q, add(between(q.from, q.until))
}

// between is the clause for what happened from one time until another.
func between(from, until time.Time) (clause, error) {
	bounds := clause{}
	if !from.IsZero() {
		bounds["gte"] = from.UTC().Format(time.RFC3339Nano)
	}
	if !until.IsZero() {
		bounds["lte"] = until.UTC().Format(time.RFC3339Nano)
	}
	switch {
	case len(bounds) == 0:
		return nil, nil
	case len(bounds) == 2 && until.Before(from):
		return nil, invalid("end_time is before start_time")
	}
	return clause{"range": clause{timeField: bounds}}, nil
}

// levelWords are Wazuh 5's words for levels, each with the first level of
// Wazuh 4 that it stands for here.
var levelWords = []struct {
	word string
	from int
}{{"informational", 0}, {"low", 4}, {"medium", 7}, {"high", 10}, {"critical", 13}}

// levels is the clause for alerts within the bounds of their level, or nil.
func (f *AlertFilter) levels(five bool) (clause, error) {
	if err := checkLevels(f.Level, f.MaxLevel); err != nil {
		return nil, err
	}
	if f.Level == 0 && f.MaxLevel == 0 {
		return nil, nil
	}
	bounds := clause{"gte": f.Level}
	if f.MaxLevel > 0 {
		bounds["lte"] = f.MaxLevel
	}
	number := clause{"range": clause{"rule.level": bounds}}
	if !five {
		return number, nil
	}
	some := []clause{number}
	for i, w := range levelWords {
		last := maxLevel
		if i+1 < len(levelWords) {
			last = levelWords[i+1].from - 1
		}
		if f.Level <= last && (f.MaxLevel == 0 || w.from <= f.MaxLevel) {
			some = append(some, termFold("wazuh.rule.level", w.word))
		}
	}
	return anyOf(some...), nil
}

// ofAgent matches what is of an agent, by the names of Wazuh 4 and 5.
func ofAgent(id string) clause { return anyOf(term("agent.id", id), term("wazuh.agent.id", id)) }

// timeField is the one time that alerts of Wazuh 4 and findings of Wazuh 5 both have.
const timeField = "@timestamp"

// Which fields the filters of [AlertFilter] look at.
var (
	sources      = lazily(MeaningSourceAddress)
	destinations = lazily(MeaningDestinationAddress)
	users        = lazily(MeaningActingUser, MeaningTargetUser)
	hashes       = lazily(MeaningHash)
	processes    = lazily(MeaningProcess)
	domains      = lazily(MeaningDomain, MeaningDNSQuery)

	addressFields = lazily(MeaningSourceAddress, MeaningDestinationAddress, MeaningOtherAddress)
)

// lazily is [tellers], asked once and not before it is needed: most servers start, serve a few calls and end.
func lazily(of ...Meaning) func() []string {
	return sync.OnceValue(func() []string { return tellers(of...) })
}

// hasNetwork reports whether an address that f names is a network.
func (f *AlertFilter) hasNetwork() bool {
	return slices.ContainsFunc([]string{f.SourceIP, f.DestinationIP, f.IP}, func(s string) bool {
		_, err := netip.ParseAddr(strings.TrimSpace(s))
		return s != "" && err != nil
	})
}

// addressesIn is the clause for what s, the argument name, means in any of fields:
// an address or a network. left are the fields in which a network can't be looked for.
func addressesIn(name, s string, fields []string, kind func(string) fieldKind) (c clause, left []string, err error) {
	s = strings.TrimSpace(s)
	if addr, err := netip.ParseAddr(s); err == nil {
		return anyOf(addressIn(addr, fields)...), nil, nil
	}
	text, is := network(s)
	net, err := netip.ParsePrefix(text)
	if !is || err != nil {
		return nil, nil, invalid("%s %q is neither an address nor a network such as 10.0.0.0/8", name, clip.Text(s, shownBytes))
	}
	pattern, written := writtenAs(net)
	var some []clause
	for _, f := range fields {
		switch k := kind(f); {
		case k == addressField:
			some = append(some, term(f, net.String()))
		case k == mixedField:
			some, left = append(some, term(f, net.String())), append(left, f)
		case k != keywordField:
		case !written:
			left = append(left, f)
		case strings.HasSuffix(f, ".queryResults"):
			some = append(some, clause{"regexp": clause{f: clause{"value": "(.*;)?" + pattern + "(;.*)?"}}})
		default:
			some = append(some, clause{"regexp": clause{f: clause{"value": pattern}}})
		}
	}
	if len(some) == 0 {
		return clause{"match_none": clause{}}, left, nil
	}
	return anyOf(some...), left, nil
}

// writtenAs returns the regular expression of the texts that addresses of a network
// are written as, IPv4 also in its IPv6 form. Of an IPv6 network with a zero in
// front of its end there is none: which zeros are left out differs.
func writtenAs(net netip.Prefix) (string, bool) {
	var b strings.Builder
	bits := net.Bits()
	if net.Addr().Is4() {
		octets := net.Addr().As4()
		b.WriteString("(::[fF]{4}:)?")
		for i, o := range octets {
			if i > 0 {
				b.WriteString(`\.`)
			}
			switch left := bits - 8*i; {
			case left <= 0:
				b.WriteString("[0-9]{1,3}")
			case left >= 8:
				b.WriteString(strconv.Itoa(int(o)))
			default:
				var values []string
				for v := int(o); v < int(o)+1<<(8-left); v++ {
					values = append(values, strconv.Itoa(v))
				}
				b.WriteString("(" + strings.Join(values, "|") + ")")
			}
		}
		return b.String(), true
	}
	const hex = "0123456789abcdef"
	digits := fmt.Sprintf("%x", net.Addr().As16())
	for i := 0; i < bits; i += 16 {
		if i > 0 {
			b.WriteByte(':')
		}
		said := false // whether the part can't be nothing but zeros, which can be left out
		for j := i; j < i+16; j += 4 {
			from := strings.IndexByte(hex, digits[j/4])
			last := from
			if left := bits - j; left < 4 {
				last = from + 1<<(4-max(left, 0)) - 1
			}
			switch said = said || from > 0; {
			case said:
				fmt.Fprintf(&b, "[%s%s]", hex[from:last+1], strings.ToUpper(hex[from:last+1]))
			case last > 0:
				return "", false
			default:
				b.WriteString("0?")
			}
		}
		if !said {
			return "", false
		}
	}
	return b.String() + ":.*", bits > 0
}

// addressIn matches the address in any of fields as it is usually written, and
// an IPv4 address in its IPv6 form too, which Windows and sshd sometimes write.
func addressIn(addr netip.Addr, fields []string) []clause {
	addr = addr.Unmap()
	forms := []string{addr.String(), addr.StringExpanded()}
	if addr.Is6() { // some write each zero once
		var parts []string
		for b := addr.As16(); len(parts) < 8; {
			i := 2 * len(parts)
			parts = append(parts, strconv.FormatUint(uint64(b[i])<<8|uint64(b[i+1]), 16))
		}
		forms = append(forms, strings.Join(parts, ":"))
	}
	for _, f := range forms[:len(forms):len(forms)] {
		forms = append(forms, strings.ToUpper(f))
	}
	if addr.Is4() {
		forms = []string{addr.String(), "::ffff:" + addr.String(), "::FFFF:" + addr.String()}
	}
	var some []clause
	for _, f := range fields { // terms do for keywords and for fields that a template of one's own maps as ip, which take no case_insensitive
		some = append(some, clause{"terms": clause{f: forms}})
		if addr.Is4() && strings.HasSuffix(f, ".queryResults") { // a list: ::ffff:192.0.2.1;::ffff:192.0.2.2;
			some = append(some, wildcard(f, "*:"+addr.String()+";*"), wildcard(f, addr.String()+";*"))
		}
	}
	return some
}

// userIn matches an account in any of fields, in any case: by its name, also
// where the domain stands before it, or by DOMAIN\user, which the event channel
// of Windows also has in two fields.
func userIn(user string, fields []string, match matching) clause {
	plain := unescape(strings.TrimSpace(user))
	doubled := strings.ReplaceAll(plain, `\`, `\\`)
	domain, name, qualified := strings.Cut(plain, `\`)
	var some []clause
	for _, f := range fields {
		switch {
		case escapes(f) && qualified:
			some = append(some, match(f, doubled), match(f, plain))
		case escapes(f):
			some = append(some, match(f, plain), wildcard(f, `*\\`+escaped(plain)))
		default:
			some = append(some, match(f, plain))
		}
	}
	for _, f := range []string{"data.srcuser", "data.dstuser"} {
		if !qualified { // sshd and su: root(uid=0); agents of Windows: DOMAIN\user
			some = append(some, wildcard(f, escaped(plain)+"(uid=*"), wildcard(f, `*\\`+escaped(plain)))
		}
	}
	if qualified && domain != "" && name != "" {
		for _, who := range []string{"target", "subject"} {
			at := "data.win.eventdata." + who
			some = append(some, clause{"bool": clause{"filter": []clause{match(at+"UserName", name), match(at+"DomainName", domain)}}})
		}
	}
	return anyOf(some...)
}

var label = lazyregexp.New(`^([A-Za-z0-9_.-]{1,64})=(.{1,128})$`)

// labelled matches alerts of agents with a label, name=value.
func labelled(s string, match matching) (clause, error) {
	m := label.FindStringSubmatch(s)
	if m == nil {
		return nil, invalid("label %q: want name=value, as customer=acme", clip.Text(s, shownBytes))
	}
	return anyOf(match("agent.labels."+m[1], m[2]), match("wazuh.agent.labels."+m[1], m[2])), nil
}

// indexPatterns are the forms of the alerts' indices that settings can name.
var indexPatterns = lazyregexp.New(`^[A-Za-z0-9*][A-Za-z0-9_.*:,-]{0,254}$`)

// processIn matches a process in any of fields by its path, or by the end of it.
func processIn(path string, fields []string, match matching) clause {
	plain := unescape(strings.TrimSpace(path))
	var some []clause
	for _, f := range fields {
		forms, between := []string{plain}, "/"
		if escapes(f) {
			forms, between = unique([]string{strings.ReplaceAll(plain, `\`, `\\`), plain}), `\`
		}
		for _, v := range forms {
			some = append(some, match(f, v), wildcard(f, "*"+escaped(between+v)))
		}
	}
	return anyOf(some...)
}

// domainIn matches a name in any of fields, or one below it; some write a dot
// at its end.
func domainIn(name string, fields []string, match matching) clause {
	name = strings.TrimSuffix(strings.TrimSpace(name), ".")
	var some []clause
	for _, f := range fields {
		some = append(some, match(f, name), wildcard(f, "*."+escaped(name)))
		if strings.Contains(f, "gcp") || strings.Contains(f, "dns") || strings.Contains(f, "query") {
			some = append(some, match(f, name+"."), wildcard(f, "*."+escaped(name)+"."))
		}
	}
	return anyOf(some...)
}

var namedHash = lazyregexp.New(`^(?:(?i:MD5|SHA1|SHA256|IMPHASH)=)?([0-9A-Fa-f]{32}(?:[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{24})?)?)$`)

// hashIn matches a hash, in any case: alone, or in a list such as
// SHA1=…,MD5=…,IMPHASH=…, there by its name if it has one in front.
func hashIn(s string) (clause, error) {
	m := namedHash.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return nil, invalid("file_hash %q: want an MD5, SHA-1 or SHA-256 in hex, as it is or as MD5=…, SHA1=…, SHA256=…, IMPHASH=…", clip.Text(s, shownBytes))
	}
	name, _, named := strings.Cut(strings.TrimSpace(s), "=")
	in := "*="
	if named {
		in = "*" + name + "="
	}
	var some []clause
	for _, f := range hashes() {
		if !strings.HasSuffix(f, ".imphash") || !named || strings.EqualFold(name, "imphash") {
			some = append(some, termFold(f, m[1]))
		}
		if strings.HasSuffix(f, ".hashes") || strings.HasSuffix(f, "eventdata.hash") {
			some = append(some, wildcard(f, in+m[1]), wildcard(f, in+m[1]+",*"))
		}
	}
	return anyOf(some...), nil
}

func raw(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("wazuh: query: %w", err)
	}
	return b, nil
}
