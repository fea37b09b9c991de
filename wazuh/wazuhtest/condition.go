package wazuhtest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A condition of the server API is field, operator and value; a semicolon means
// and, a comma or, of which the semicolon binds tighter, and parentheses group.
var comparison = regexp.MustCompile(`^([\w.]+)(!=|=|<|>|~)((?:[\[\]\w _\-.:?\\/'"=@%<>{}*]|\([^()]*\))+)`)

// condition reads a condition on members that are known. It returns what the
// API answers to one that it doesn't understand.
func condition(q string, known map[string]bool) (func(Object) bool, *reply) {
	p := &conditions{rest: q, known: known}
	match := p.either()
	if p.rest != "" {
		p.refuse()
	}
	return match, p.refusal
}

type conditions struct {
	rest    string
	known   map[string]bool
	refusal *reply
}

func (p *conditions) refuse() {
	if p.refusal == nil {
		if m := operators.FindStringSubmatch(p.rest); m != nil {
			p.refusal = coded(http.StatusBadRequest, "Bad Request", 1409, "Invalid query operator: Valid operators: =, !=, <, >, ~. Used operator: "+m[1], "")
			return
		}
		p.refusal = coded(http.StatusBadRequest, "Bad Request", 1407, "Query does not match expected format: "+p.rest, "")
	}
}

var operators = regexp.MustCompile(`^[\w.]+([=!<>~]{2,})`)

func (p *conditions) took(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *conditions) either() func(Object) bool {
	list := []func(Object) bool{p.all()}
	for p.took(',') {
		list = append(list, p.all())
	}
	return func(o Object) bool {
		return slices.ContainsFunc(list, func(m func(Object) bool) bool { return m(o) })
	}
}

func (p *conditions) all() func(Object) bool {
	list := []func(Object) bool{p.one()}
	for p.took(';') {
		list = append(list, p.one())
	}
	return func(o Object) bool {
		return !slices.ContainsFunc(list, func(m func(Object) bool) bool { return !m(o) })
	}
}

func (p *conditions) one() func(Object) bool {
	if p.took('(') {
		inner := p.either()
		if !p.took(')') {
			p.refuse()
		}
		return inner
	}
	m := comparison.FindStringSubmatch(p.rest)
	if m == nil || operators.MatchString(p.rest) && !strings.HasPrefix(p.rest[len(m[1]):], "!=") {
		p.refuse()
		return func(Object) bool { return false }
	}
	p.rest = p.rest[len(m[0]):]
	field, op, want := m[1], m[2], strings.ToLower(strings.ReplaceAll(m[3], "*", "")) // which means nothing
	if !p.known[field] && p.refusal == nil {
		p.refusal = coded(http.StatusBadRequest, "Bad Request", 1408, "Field does not exist: Available fields: "+allowed(p.known)+". Field: "+field, "")
	}
	like := likeSQL(want)
	return func(o Object) bool {
		have := values(o, field)
		if want == "null" && op == "=" {
			return len(have) == 0
		}
		is := slices.ContainsFunc(have, func(v any) bool {
			s := strings.ToLower(textOf(v))
			switch op {
			case "=", "!=":
				return s == want
			case "~":
				return like.MatchString(s)
			}
			c := strings.Compare(s, want)
			a, err1 := strconv.ParseFloat(s, 64)
			if b, err2 := strconv.ParseFloat(want, 64); err1 == nil && err2 == nil {
				c = order1(a, b)
			}
			return op == "<" && c < 0 || op == ">" && c > 0
		})
		return is != (op == "!=")
	}
}

// likeSQL matches what has a text in it, where % stands for anything and _ for
// one character.
func likeSQL(text string) *regexp.Regexp {
	return regexp.MustCompile("(?s)" + strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(text)))
}
