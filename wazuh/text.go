package wazuh

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// A fieldKind is how a field is indexed, which decides how a text is looked for in it.
type fieldKind uint8

const (
	keywordField fieldKind = iota // matched whole or by a wildcard
	textField                     // analysed: matched by its words
	wordsField                    // analysed in some indices, a keyword in others
	addressField                  // matched by an address or a network
	mixedField                    // an address in some indices, a keyword in others: matched by an address
	numberField
	booleanField
	dateField
	otherField // not searched, such as a place on the map
)

// kindOfType reads the name of a type of the indexer.
func kindOfType(name string) fieldKind {
	switch name {
	case "", "keyword", "constant_keyword", "wildcard":
		return keywordField
	case "text", "match_only_text":
		return textField
	case "ip":
		return addressField
	case "long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long":
		return numberField
	case "boolean":
		return booleanField
	case "date", "date_nanos":
		return dateField
	}
	return otherField
}

// An indexField is a field of an index.
type indexField struct {
	path string
	kind fieldKind
}

// fieldsOf reads a list such as "package.name package.size:long"; without a
// type a field is a keyword.
func fieldsOf(list string) []indexField {
	var out []indexField
	for f := range strings.FieldsSeq(list) {
		path, kind, _ := strings.Cut(f, ":")
		out = append(out, indexField{path, kindOfType(kind)})
	}
	return out
}

// templated are the fields of [searched] that Wazuh's templates map as anything
// but keywords, for when the indexer doesn't tell.
var templated = sync.OnceValue(func() map[string]fieldKind {
	m := map[string]fieldKind{}
	for _, f := range fieldsOf(`full_log:text previous_log:text message:text data.ms-graph.description:text
		data.aws.dstaddr:ip data.aws.srcaddr:ip data.aws.source_ip_address:ip data.port.local_ip:ip data.port.remote_ip:ip
		data.aws.resource.instanceDetails.networkInterfaces.privateIpAddress:ip data.aws.resource.instanceDetails.networkInterfaces.publicIp:ip
		data.aws.service.action.networkConnectionAction.remoteIpDetails.ipAddressV4:ip
		source.ip:ip destination.ip:ip client.ip:ip server.ip:ip host.ip:ip related.ip:ip wazuh.agent.host.ip:ip dns.resolved_ip:ip network.ip:ip network.gateway:ip network.netmask:ip network.broadcast:ip agent.host.ip:ip
		rule.level:long process.pid:long`) {
		m[f.path] = f.kind
	}
	return m
})

// A word is a part of what is searched for.
type word struct {
	typed string
	// escaped are how it can stand where backslashes and quotes are escaped, either
	// how it can stand elsewhere: descriptions of rules quote such fields.
	escaped, either patterns
	phrase          string // for a field that is analysed
	net             string // the regular expression of the addresses of a network
	piece           string // a few characters that stand wherever it does, see [pieceOf]; empty: none
	cut             bool   // whether only its beginning is looked for, see maxPattern
}

// patterns are the forms of a word, and how the indexer is asked for a text that has one.
type patterns struct {
	forms []string
	ask   matchers
}

func patternsOf(forms ...string) patterns {
	p := patterns{forms: unique(forms)}
	for _, f := range p.forms {
		p.ask = append(p.ask, inAnyCase("wildcard", "*"+escaped(f)+"*")...)
	}
	return p
}

// maxPattern is how many characters of a word are looked for: the indexer gives
// up on longer patterns.
const maxPattern = 250

var escaping = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func newWord(s string) word {
	w := word{typed: s}
	if r := []rune(s); len(r) > maxPattern {
		s, w.cut = string(r[:maxPattern]), true
	}
	plain := unescape(s)
	passedOn := escaping.Replace(plain)
	w.escaped, w.either = patternsOf(passedOn, plain), patternsOf(plain, s, passedOn)
	if p, err := netip.ParsePrefix(s); err == nil {
		w.net, _ = writtenAs(p.Masked())
	}
	w.phrase, w.piece = strings.ReplaceAll(s, "*", " "), pieceOf(s)
	if w.cut { // at the end of a word
		w.phrase = strings.TrimRightFunc(w.phrase, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' })
	}
	return w
}

const (
	pieceLength = 3
	// often are characters by how often they stand in alerts, the most frequent first.
	often = "e taoinsr/.1lhd0c2u-m3fp45g6w789yb:v_kxjqz"
)

// pieceOf returns the [pieceLength] characters of a longer text that are the rarest
// by guess, of those that are the same in each form in which the text can stand.
func pieceOf(s string) (piece string) {
	text, best := []rune(s), -1
	if len(text) <= pieceLength {
		return ""
	}
	for i := range len(text) - pieceLength + 1 {
		part, rare := text[i:i+pieceLength], 0
		for _, r := range part {
			if r < ' ' || r == utf8.RuneError || strings.ContainsRune(`*?\"`, r) {
				rare = -1
				break
			}
			if n := strings.IndexRune(often, unicode.ToLower(r)); n >= 0 {
				rare += n
			} else {
				rare += len(often)
			}
		}
		if rare > best {
			piece, best = string(part), rare
		}
	}
	return piece
}

// unescape undoes the doubling of backslashes, if each in s is doubled or stands
// before a quote.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if i+1 == len(s) || s[i+1] != '\\' && s[i+1] != '"' {
				return s
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// in are the forms that w can have in a field.
func (w word) in(field string) patterns {
	if escapes(field) {
		return w.escaped
	}
	return w.either
}

var (
	smallNumber = lazyregexp.New(`^-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?$`) // to the indexer 008 is 8
	plainWord   = lazyregexp.New(`^[\pL\pN_*]+$`)
)

// clauses are those that find w in a field; none where it can't be.
func (w word) clauses(f indexField) []clause {
	switch f.kind {
	case wordsField:
		return append(w.clauses(indexField{f.path, textField}), w.clauses(indexField{f.path, keywordField})...)
	case addressField, mixedField:
		if a, ok := network(w.typed); ok {
			return []clause{term(f.path, a)}
		}
	case numberField:
		if smallNumber.MatchString(w.typed) {
			return []clause{term(f.path, w.typed)}
		}
	case booleanField:
		if v := strings.ToLower(w.typed); v == "true" || v == "false" {
			return []clause{term(f.path, v)}
		}
	case dateField:
		if at, date, err := When(w.typed).read("", time.Now(), time.UTC); err == nil && w.typed[0] >= '1' && strings.Contains(w.typed, "-") {
			until := at
			if date {
				until = at.AddDate(0, 0, 1).Add(-time.Millisecond)
			}
			const layout = "2006-01-02T15:04:05.000Z"
			return []clause{{"range": clause{f.path: clause{"gte": at.Format(layout), "lte": until.Format(layout)}}}}
		}
	case textField:
		some := []clause{{"match_phrase": clause{f.path: w.phrase}}}
		if part := w.partOf(f.path); part != nil {
			some = append(some, part)
		}
		return some
	case keywordField:
		if !canHold(f.path, w.typed) {
			return nil
		}
		return append(w.in(f.path).ask.clauses(f.path), w.network(f.path)...)
	}
	return nil
}

// network are the clauses that find the addresses of a network in a field that has them
// as text.
func (w word) network(field string) []clause {
	if w.net == "" || !slices.Contains(addressFields(), field) {
		return nil
	}
	return []clause{{"regexp": clause{field: clause{"value": w.net}}}}
}

// An extent is where a part of a text begins and ends.
type extent struct{ first, after int }

// tokensOf takes a text apart as the indexer does: into what is between other characters
// than letters, digits and _, where a dot or the like between two letters or two digits is
// none of these.
func tokensOf(s []rune) (list []extent) {
	is := func(i int, class func(rune) bool) bool { return i >= 0 && i < len(s) && class(s[i]) }
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_' }
	begun := -1
	for i := 0; i <= len(s); i++ {
		joins := i < len(s) && (strings.ContainsRune(".'’:·", s[i]) && is(i-1, unicode.IsLetter) && is(i+1, unicode.IsLetter) ||
			strings.ContainsRune(".'’,;", s[i]) && is(i-1, unicode.IsDigit) && is(i+1, unicode.IsDigit))
		switch {
		case is(i, part) || joins:
			if begun < 0 {
				begun = i
			}
		case begun >= 0:
			list, begun = append(list, extent{begun, i}), -1
		}
	}
	return list
}

// partOf finds, in a field whose text is taken apart, a text that w is part of: the first
// of w's own tokens can be the end of one there, the last the beginning of one, which a
// phrase doesn't find. It is nil for what only a phrase finds.
func (w word) partOf(field string) clause {
	typed := w.typed
	if w.cut {
		typed = string([]rune(typed)[:maxPattern])
	}
	if plainWord.MatchString(typed) { // it can be part of a single token
		return wildcard(field, "*"+escaped(typed)+"*")
	}
	if strings.ContainsFunc(typed, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
	}) {
		return nil
	}
	_, err := netip.ParseAddr(typed)
	isAddress := err == nil && strings.Contains(typed, ":")
	var all []clause
	open, total := false, 0 // whether anything isn't as the phrase has it; characters of tokens
	for _, t := range tokensOf([]rune(typed)) {
		total += t.after - t.first
	}
	for part := range strings.SplitSeq(typed, "*") {
		text := []rune(part)
		list := tokensOf(text)
		if len(list) == 0 {
			continue
		}
		// What stands in front of the first token or behind the last in a longer one, unless
		// they are so short that nearly every text would do, and the others say little.
		first, last := list[0], list[len(list)-1]
		long := func(t extent, enough int) bool { return t.after-t.first >= enough || total-(t.after-t.first) > 3 }
		begins, ends := []string{""}, []string{""}
		switch {
		case isAddress, strings.HasPrefix(string(text[first.after:]), `:\`): // or a drive
		case first.first == 0 && long(first, 3):
			begins[0] = "*"
		case first.first == 1 && strings.ContainsRune(joining, text[0]):
			begins = append(begins, "*"+string(text[0]))
		}
		switch {
		case isAddress: // of which a part may have been typed
			ends = append(ends, ":*")
		case last.after == len(text) && long(last, 2):
			ends[0] = "*"
		case last.after == len(text)-1 && strings.ContainsRune(joining, text[last.after]):
			ends = append(ends, string(text[last.after])+"*")
		}
		edge := func(t extent, begins, ends []string) {
			var some []clause
			for _, b := range begins {
				for _, e := range ends {
					if b+e == "" {
						some = append(some, clause{"match_phrase": clause{field: string(text[t.first:t.after])}})
						continue
					}
					some, open = append(some, wildcard(field, b+escaped(string(text[t.first:t.after]))+e)), true
				}
			}
			if len(some) > 1 {
				some = []clause{anyOf(some...)}
			}
			all = append(all, some...)
		}
		if len(list) == 1 {
			edge(first, begins, ends)
			continue
		}
		exact := list // those that are whole
		if len(begins) > 1 || begins[0] != "" {
			edge(first, begins, []string{""})
			exact = exact[1:]
		}
		if len(ends) > 1 || ends[0] != "" {
			edge(last, []string{""}, ends)
			exact = exact[:len(exact)-1]
		}
		if len(exact) > 0 {
			all = append(all, clause{"match_phrase": clause{field: string(text[exact[0].first:exact[len(exact)-1].after])}})
		}
	}
	if !open {
		return nil
	}
	return clause{"bool": clause{"filter": all}}
}

// joining are characters that hold letters or digits together.
const joining = ".'’:·,;"

// standsIn reports whether any of words stands in a field's text.
func standsIn(words []word, path, text string) bool {
	text = strings.ToLower(text)
	for _, w := range words {
		for _, form := range w.in(path).forms {
			if within(text, strings.ToLower(form)) {
				return true
			}
		}
	}
	return false
}

// within reports whether value holds a pattern in which * stands for anything.
func within(value, pattern string) bool {
	for part := range strings.SplitSeq(pattern, "*") {
		i := strings.Index(value, part)
		if i < 0 {
			return false
		}
		value = value[i+len(part):]
	}
	return true
}

const (
	maxWords   = 10
	maxClauses = 950 // of the 1024 that the indexer takes in one query
	minClauses = 100 // for words, whatever the filters take
)

// wordsOf splits what a person searches for, the argument name. More than
// [maxWords] words are one: a text that was taken from somewhere.
func wordsOf(name, s string) ([]word, error) {
	list := words(s)
	if len(list) > 1 {
		said := slices.DeleteFunc(slices.Clone(list), func(w string) bool { // a lone dash or bracket says nothing
			return !strings.ContainsFunc(w, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
		})
		if len(said) > 0 {
			list = said
		}
	}
	switch {
	case len(list) == 0:
		return nil, invalid("%s %q holds nothing to search for", name, clip.Text(s, shownBytes))
	case len(list) > maxWords:
		list = []string{strings.TrimSpace(s)}
	}
	out := make([]word, len(list))
	for i, w := range list {
		if !utf8.ValidString(w) {
			return nil, invalid("%s: not UTF-8", name)
		}
		out[i] = newWord(w)
	}
	return out, nil
}

var fieldInFront = lazyregexp.New(`^(rule|agent|data|decoder|manager|syscheck|predecoder|cluster|input|wazuh|location|full_log|@?timestamp)(\.[\w@-]+)*:.`)

// notOperators says of words that elsewhere are operators, or name a field, that they
// were looked for as they stand. It is empty if none is.
func notOperators(list []word) string {
	for _, w := range list {
		switch typed := clip.Text(w.typed, shownBytes); {
		case slices.Contains([]string{"AND", "OR", "NOT", "&&", "||"}, w.typed):
			return fmt.Sprintf("search: %s is no operator but a word that the alerts must have, as all words are; for either of two, search twice", typed)
		case fieldInFront.MatchString(w.typed):
			return fmt.Sprintf("search: %q was looked for as it stands, since a search names no fields; there are filters for these, such as rule_id, agent_name and source_ip", typed)
		}
	}
	return ""
}

// wordClauses returns one clause for each word of s, the argument name: it is
// found as part of any of fields, in any case.
func wordClauses(name, s string, fields []indexField) ([]clause, error) {
	list, err := wordsOf(name, s)
	if err != nil {
		return nil, err
	}
	out := make([]clause, len(list))
	for i, w := range list {
		out[i] = w.anywhere(fields)
	}
	return out, nil
}

// anywhere finds w in any of fields.
func (w word) anywhere(fields []indexField) clause {
	some := make([]clause, 0, len(fields))
	for _, f := range fields {
		some = append(some, w.clauses(f)...)
	}
	if len(some) == 0 {
		return clause{"match_none": clause{}}
	}
	return anyOf(some...)
}

// cost is how many clauses it takes to look for w in fields.
func (w word) cost(fields []indexField) int {
	n := 0
	for _, f := range fields {
		switch {
		case f.kind == textField || f.kind == wordsField: // each word of a phrase counts
			n += len(tokensOf([]rune(w.phrase))) + sizeOf(w.clauses(f))
		case f.kind != keywordField:
			n += len(w.clauses(f))
		case !canHold(f.path, w.typed):
		default:
			n += len(w.in(f.path).ask) + len(w.network(f.path))
		}
	}
	return n
}
