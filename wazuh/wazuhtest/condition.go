package wazuhtest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A condition of the server API is field, operator and value; a semicolon means
// and, a comma or, of which the semicolon binds tighter, and parentheses group.
var comparison = regexp.MustCompile(`^([\w.]+)(!=|=|<|>|~)((?:[\[\]\w _\-.:?\\/'"=@%<>{}*]|\([^()]*\))+)`)

// condition reads a condition on members that are known. It returns what the
// API answers to one that it doesn't understand.
//
// Rules, decoders and logs are in files, which the API reads itself: there a
// condition minds case, knows no wildcard, and a member that isn't there is no error.
// All else is in a database.
func condition(q string, known map[string]bool) (func(Object) bool, *reply) {
	p := &conditions{rest: q, known: known, files: known["relative_dirname"] || known["tag"]}
	match := p.either()
	if p.rest != "" {
		p.refuse()
	}
	return match, p.refusal
}

type conditions struct {
	rest    string
	known   map[string]bool
	files   bool
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
	field, op, want := m[1], m[2], strings.ReplaceAll(m[3], "*", "") // which means nothing
	if p.files {
		return inFile(field, op, want)
	}
	if !p.known[field] && p.refusal == nil {
		p.refusal = coded(http.StatusBadRequest, "Bad Request", 1408, "Field does not exist: Available fields: "+allowed(p.known)+". Field: "+field, "")
	}
	agent := p.known["dateAdd"]
	if agent && (field == "lastKeepAlive" || field == "dateAdd") {
		return p.date(field, op, want)
	}
	want = strings.ToLower(want)
	like := likeSQL(want)
	return func(o Object) bool {
		have := values(o, field)
		if want == "null" { // whatever the operator
			return len(have) == 0
		}
		if len(have) == 0 { // NULL is neither equal nor different
			return false
		}
		is := slices.ContainsFunc(have, func(v any) bool {
			s := strings.ToLower(textOf(v))
			if agent && field == "id" { // a number in the database
				s = strconv.Itoa(number(s, 0))
			}
			a, err1 := strconv.ParseFloat(s, 64)
			b, err2 := strconv.ParseFloat(want, 64)
			numbers := err1 == nil && err2 == nil
			switch op {
			case "=", "!=":
				return s == want || agent && field == "id" && numbers && a == b
			case "~":
				return like.MatchString(s)
			}
			c := strings.Compare(s, want)
			if numbers {
				c = order1(a, b)
			}
			return op == "<" && c < 0 || op == ">" && c > 0
		})
		return is != (op == "!=")
	}
}

// inFile compares a member of what is in a file.
func inFile(field, op, want string) func(Object) bool {
	wanted, err := strconv.ParseFloat(want, 64)
	return func(o Object) bool {
		return slices.ContainsFunc(values(o, field), func(v any) bool {
			c := strings.Compare(textOf(v), want)
			if have, bad := strconv.ParseFloat(textOf(v), 64); bad == nil && err == nil {
				if _, text := v.(string); !text {
					c = order1(have, wanted)
				}
			}
			switch op {
			case "~":
				return strings.Contains(textOf(v), want)
			case "=":
				return c == 0
			case "!=":
				return c != 0
			case "<":
				return c < 0
			}
			return c > 0
		})
	}
}

var (
	timeframe = regexp.MustCompile(`^\d+[dhms]?$`)
	day       = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}`)
)

// date compares a time of an agent with a date, or with how long ago, where more is earlier. The manager has none.
func (p *conditions) date(field, op, want string) func(Object) bool {
	var at time.Time
	var err error
	switch {
	case timeframe.MatchString(want):
		at = time.Now().Add(-timespan(want))
		op = map[string]string{"<": ">", "=": ">"}[op]
		if op == "" {
			op = "<"
		}
	case day.MatchString(want):
		for _, layout := range []string{time.DateOnly, time.DateTime, "2006-01-02T15:04:05Z"} {
			if at, err = time.Parse(layout, want); err == nil {
				break
			}
		}
	}
	if at.IsZero() && p.refusal == nil {
		p.refusal = coded(http.StatusBadRequest, "Bad Request", 1412, "Date filter not valid. Valid formats are timeframe or YYYY-MM-DD HH:mm:ss: "+want, "")
	}
	return func(o Object) bool {
		t, err := time.Parse("2006-01-02T15:04:05-07:00", textOf(first(o, field)))
		if err != nil || o["id"] == "000" {
			return false
		}
		c := t.Compare(at)
		return op == "<" && c < 0 || op == ">" && c > 0 || op == "=" && c == 0 || op == "!=" && c != 0
	}
}

// timespan is how long 7d or 90 is.
func timespan(age string) time.Duration {
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute}[age[len(age)-1]]
	if unit == 0 {
		unit = time.Second
	}
	return time.Duration(number(strings.TrimRight(age, "dhms"), 0)) * unit
}

// likeSQL matches what has a text in it, where % stands for anything and _ for
// one character.
func likeSQL(text string) *regexp.Regexp {
	return regexp.MustCompile("(?s)" + strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(text)))
}
