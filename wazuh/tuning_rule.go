package wazuh

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

const (
	// TuningFile is the rule file, in etc/rules, that the tunings of this package are in.
	// Its name comes late, so that it can refer to the rules of most other files.
	TuningFile = "sallyport_tuning.xml"

	firstTuning, lastTuning = 119_000, 119_999 // the numbers of tunings
	maxTuningFile           = 1 << 20
	maxConditions           = 8
	maxReason               = 300
)

// A TuningCondition says that a field of an event has exactly a value.
type TuningCondition struct {
	// srcip, user, program_name, url, win.eventdata.image, ….
	Field string `json:"field" pattern:"^[A-Za-z0-9_][A-Za-z0-9_. -]{0,127}$"`
	// All of it.
	Value string `json:"value" minLength:"1" maxLength:"1024" untrusted:"true"`
}

// A Tuning takes the alerts of a rule that meet all conditions to another level.
type Tuning struct {
	// The rule whose alerts are too many.
	RuleID RuleID `json:"rule_id"`
	// Their new level; 0: no alert.
	Level int `json:"level,omitempty" minimum:"0" maximum:"15"`
	// All must hold.
	Conditions []TuningCondition `json:"conditions,omitempty" maxItems:"8"`
}

// fixedOptions are the options of a rule for fields that every decoder may fill, and where
// these stand in an alert. Of several the first that is there counts.
var fixedOptions = map[string][]string{
	"srcip": {"data.srcip"}, "dstip": {"data.dstip"}, "user": {"data.dstuser", "data.srcuser"}, "hostname": {"predecoder.hostname"},
	"program_name": {"predecoder.program_name"}, "url": {"data.url"}, "id": {"data.id"}, "action": {"data.action"}, "status": {"data.status"}, "protocol": {"data.protocol"},
}

// paths are where a condition's field stands in an alert.
func (c TuningCondition) paths() []string {
	if p := fixedOptions[c.Field]; p != nil {
		return p
	}
	return []string{"data." + c.Field}
}

var conditionField = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_. -]{0,127}$`)

// static are fields that a rule can't name as decoded ones.
var static = []string{"srcuser", "dstuser", "srcport", "dstport", "data", "extra_data", "system_name"}

func (c TuningCondition) check() error {
	switch {
	case !conditionField.MatchString(c.Field) || strings.HasSuffix(c.Field, " "):
		return invalid("conditions: the field %q: want srcip, user, hostname and so on, or a decoded field such as win.eventdata.image", clip.Text(c.Field, shownBytes))
	case slices.Contains(static, c.Field):
		return invalid("conditions: the field %q can't be a condition here; use user for accounts", c.Field)
	case c.Value == "" || len(c.Value) > 1024 || strings.ContainsFunc(c.Value, unicode.IsControl):
		return invalid("conditions: %s: want a value of 1 to 1024 bytes in one line", c.Field)
	}
	if c.Field == "srcip" || c.Field == "dstip" {
		a, err := netip.ParseAddr(c.Value)
		if err != nil || a.Zone() != "" || a.Is4In6() {
			return invalid("conditions: %s %q: want an address", c.Field, clip.Text(c.Value, shownBytes))
		}
	}
	return nil
}

// clause is the condition as the indexer asks for it: it holds of the alerts of which the
// rule's own condition holds.
func (c TuningCondition) clause() clause {
	is := func(path string) clause {
		one := backslashes.ReplaceAllString(c.Value, `\`)
		if two := strings.ReplaceAll(one, `\`, `\\`); two != one { // see exactly
			return clause{"terms": clause{path: slices.Compact([]string{one, two, c.Value})}}
		}
		return term(path, one)
	}
	paths := c.paths()
	if len(paths) == 1 {
		return is(paths[0])
	}
	second := clause{"bool": clause{"filter": []clause{is(paths[1])}, "must_not": []clause{{"exists": clause{"field": paths[0]}}}}}
	return anyOf(is(paths[0]), second)
}

var backslashes = lazyregexp.New(`\\+`)

// xml is the condition as an option of a rule.
func (c TuningCondition) xml() string {
	switch {
	case c.Field == "srcip" || c.Field == "dstip":
		return fmt.Sprintf("<%s>%s</%s>", c.Field, c.Value, c.Field)
	case fixedOptions[c.Field] != nil:
		return fmt.Sprintf(`<%s type="pcre2">%s</%s>`, c.Field, exactly(c.Value), c.Field)
	}
	return fmt.Sprintf(`<field name="%s" type="pcre2">%s</field>`, c.Field, exactly(c.Value))
}

// exactly is the pattern of PCRE2 that only s matches. What XML gives a meaning, and what isn't
// plain ASCII, stands there by its number. Backslashes may be doubled: agents of Windows do.
func exactly(s string) string {
	var b strings.Builder
	b.WriteByte('^')
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '\\':
			for i+1 < len(s) && s[i+1] == '\\' {
				i++
			}
			b.WriteString(`\\+`)
		case ch >= '0' && ch <= '9', ch >= 'A' && ch <= 'Z', ch >= 'a' && ch <= 'z', ch == ' ' && i > 0 && i+1 < len(s), ch == '_', ch == ':', ch == ',', ch == '=', ch == '@', ch == '/':
			b.WriteByte(ch)
		case ch > ' ' && ch < 0x7f && !strings.ContainsRune(`<>&"'`, rune(ch)):
			b.WriteByte('\\')
			b.WriteByte(ch)
		default:
			fmt.Fprintf(&b, `\x%02x`, ch)
		}
	}
	b.WriteByte('$')
	return b.String()
}

// inexactly undoes [exactly].
func inexactly(pattern string) string {
	s := strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), "$")
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\' || i+1 == len(s):
			b.WriteByte(s[i])
		case strings.HasPrefix(s[i:], `\\+`):
			b.WriteByte('\\')
			i += 2
		case s[i+1] == 'x' && i+3 < len(s):
			n, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
			if err != nil {
				return pattern
			}
			b.WriteByte(byte(n))
			i += 3
		default:
			i++
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// check checks a tuning and returns the number of its rule.
func (t *Tuning) check() (string, error) {
	id, err := t.RuleID.number()
	switch {
	case err != nil:
		return "", err
	case t.Level < 0 || t.Level > 15:
		return "", invalid("level %d: want 0 to 15", t.Level)
	case len(t.Conditions) > maxConditions:
		return "", invalid("%d conditions: at most %d are taken", len(t.Conditions), maxConditions)
	}
	seen := map[string]bool{}
	for _, c := range t.Conditions {
		if err := c.check(); err != nil {
			return "", err
		}
		if seen[c.Field] {
			return "", invalid("conditions: %s stands there twice", c.Field)
		}
		seen[c.Field] = true
	}
	return id, nil
}

// clauses are what the alerts must match that a tuning hides.
func (t *Tuning) clauses() []clause {
	var list []clause
	for _, c := range t.Conditions {
		list = append(list, c.clause())
	}
	return list
}

// A tuningNote is what the comment of a tuning says of it.
type tuningNote struct {
	id               int
	proposal, by, on string
	until, reason    string
}

const (
	proposalBlank = "{proposal}"
	approverBlank = "{approver}"
	dayBlank      = "{day}"
	reasonBlank   = "{reason}"
)

// inert makes a text harmless within a comment of XML, and within one line of it: two hyphens
// end it, and the server API refuses a raw ampersand.
func inert(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '&':
			return '+'
		case r == '<':
			return '('
		case r == '>':
			return ')'
		case r == ';':
			return ','
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r >= 0xfffd && r <= 0xffff: // what XML can't hold, too
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "- -")
	}
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "")
	}
	return s
}

// block is the part of the file that a tuning is: no line of it begins with a blank, so
// that an approver reads it as it is.
func (n tuningNote) block(t *Tuning, rule *Rule) []string {
	groups := "sallyport,tuning,"
	if t.Level > 0 {
		for _, g := range rule.Groups {
			if conditionField.MatchString(g) && !strings.Contains(g, " ") {
				groups += g + ","
			}
		}
	}
	lines := []string{
		fmt.Sprintf("<!-- sallyport tuning %d; rule %d; proposal %s; approved by %s; on %s; until %s; reason: %s -->", n.id, rule.ID, n.proposal, n.by, n.on, n.until, inert(n.reason)),
		fmt.Sprintf(`<group name="%s">`, groups),
		fmt.Sprintf(`<rule id="%d" level="%d">`, n.id, t.Level),
		fmt.Sprintf("<if_sid>%d</if_sid>", rule.ID),
	}
	for _, c := range t.Conditions {
		lines = append(lines, c.xml())
	}
	lines = append(lines, fmt.Sprintf("<description>Tuned: rule %d, for the reason in the comment</description>", rule.ID))
	if t.Level > 0 {
		var ids []string
		for _, id := range rule.MITRE {
			if techniqueID.MatchString(id) {
				ids = append(ids, "<id>"+id+"</id>")
			}
		}
		if len(ids) > 0 {
			lines = append(lines, "<mitre>"+strings.Join(ids, "")+"</mitre>")
		}
	}
	return append(lines, "</rule>", "</group>")
}

const tuningHead = "<!-- Each rule in this file takes alerts of another one away; sallyport writes it -->\n"

// with adds lines to a file.
func withBlock(file string, lines []string) string {
	if file == "" {
		file = tuningHead
	}
	if !strings.HasSuffix(file, "\n") {
		file += "\n"
	}
	return file + strings.Join(lines, "\n") + "\n"
}

var tuningComment = lazyregexp.New(`(?m)^<!-- sallyport tuning ([0-9]{6}); rule ([0-9]{1,9}); proposal ([^;\n]*); approved by ([^;\n]*); on ([^;\n]*); until ([^;\n]*); reason: ([^\n]*) -->$`)

// A fileTuning is a tuning as it stands in the file.
type fileTuning struct {
	tuningNote
	Tuning
	from, to int // its bytes
}

var ruleTag = lazyregexp.New(`<rule\s[^>]*\bid\s*=\s*["']([0-9]{1,9})["']`)

// tuningsIn finds the tunings in a file. odd says what else is in it, as rules that
// somebody wrote there by hand: these stay there.
func tuningsIn(file string) (list []fileTuning, odd []string) {
	defer func() {
		for _, m := range ruleTag.Compiled().FindAllStringSubmatch(file, -1) {
			id, _ := strconv.Atoi(m[1])
			if !slices.ContainsFunc(list, func(t fileTuning) bool { return t.id == id }) {
				odd = append(odd, fmt.Sprintf("the rule %d is no tuning that can be read: somebody wrote or changed it by hand", id))
			}
		}
	}()
	marks := tuningComment.Compiled().FindAllStringSubmatchIndex(file, -1)
	for i, m := range marks {
		end := len(file)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		close := strings.Index(file[m[0]:end], "</group>\n")
		part := func(k int) string { return file[m[2*k]:m[2*k+1]] }
		if close < 0 {
			odd = append(odd, fmt.Sprintf("the tuning %s has no end", part(1)))
			continue
		}
		t := fileTuning{from: m[0], to: m[0] + close + len("</group>\n")}
		t.id, _ = strconv.Atoi(part(1))
		t.RuleID = RuleID(part(2))
		t.proposal, t.by, t.on, t.until, t.reason = part(3), part(4), part(5), part(6), part(7)
		if err := t.read(file[m[1]:t.to]); err != nil {
			odd = append(odd, fmt.Sprintf("the tuning %d can't be read: %v", t.id, err))
			continue
		}
		if slices.ContainsFunc(list, func(other fileTuning) bool { return other.id == t.id }) {
			odd = append(odd, fmt.Sprintf("the tuning %d stands there twice", t.id))
			continue
		}
		list = append(list, t)
	}
	return list, odd
}

// read takes the rule itself in.
func (t *fileTuning) read(block string) error {
	var group struct {
		Rules []struct {
			ID      string `xml:"id,attr"`
			Level   int    `xml:"level,attr"`
			Options []struct {
				XMLName xml.Name
				Name    string `xml:"name,attr"`
				Text    string `xml:",chardata"`
			} `xml:",any"`
		} `xml:"rule"`
	}
	if err := xml.Unmarshal([]byte(block), &group); err != nil {
		return err
	}
	switch {
	case t.id < firstTuning || t.id > lastTuning:
		return fmt.Errorf("tunings have the numbers %d to %d", firstTuning, lastTuning)
	case len(group.Rules) != 1 || group.Rules[0].ID != strconv.Itoa(t.id):
		return fmt.Errorf("its rule isn't number %d", t.id)
	}
	t.Level = group.Rules[0].Level
	for _, o := range group.Rules[0].Options {
		name := o.XMLName.Local
		switch {
		case name == "if_sid" && o.Text != string(t.RuleID):
			return fmt.Errorf("it is about rule %s, and its comment says %s", clip.Text(o.Text, shownBytes), t.RuleID)
		case name == "if_sid", name == "description", name == "mitre":
		case name == "srcip" || name == "dstip":
			t.Conditions = append(t.Conditions, TuningCondition{name, o.Text})
		case name == "field":
			t.Conditions = append(t.Conditions, TuningCondition{o.Name, inexactly(o.Text)})
		case fixedOptions[name] != nil:
			t.Conditions = append(t.Conditions, TuningCondition{name, inexactly(o.Text)})
		default:
			return fmt.Errorf("it has the option %s, which tunings don't", clip.Text(name, shownBytes))
		}
	}
	return nil
}

// without takes one tuning out of a file; "" if nothing of ours is left, and nothing else.
func (t *fileTuning) without(file string) string {
	rest := file[:t.from] + file[t.to:]
	if strings.TrimSpace(strings.TrimPrefix(rest, tuningHead)) == "" {
		return ""
	}
	return rest
}

// expired reports whether the day until which a tuning was meant to be is over.
func (n tuningNote) expired(now time.Time) bool {
	day, err := time.Parse(time.DateOnly, n.until)
	return err == nil && now.After(day.AddDate(0, 0, 1))
}

func textHash(text string, there bool) string {
	if !there {
		return "absent"
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// unified is the unified diff of a file, line by line: one hunk, since what changes is in
// one place.
func unified(name, before, after string) []string {
	a, b := linesOf(before), linesOf(after)
	same := 0
	for same < len(a) && same < len(b) && a[same] == b[same] {
		same++
	}
	tail := 0
	for tail < len(a)-same && tail < len(b)-same && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	const around = 3
	from, context := max(0, same-around), min(around, tail)
	endA, endB := len(a)-tail, len(b)-tail
	out := []string{"--- " + name, "+++ " + name, fmt.Sprintf("@@ -%s +%s @@", span(from, endA+context), span(from, endB+context))}
	add := func(sign string, lines []string) {
		for _, l := range lines {
			out = append(out, sign+l)
		}
	}
	add(" ", a[from:same])
	add("-", a[same:endA])
	add("+", b[same:endB])
	add(" ", a[endA:endA+context])
	return out
}

func span(from, to int) string {
	if to == from {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

func linesOf(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}
