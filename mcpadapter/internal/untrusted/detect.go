// Package untrusted finds text that looks like instructions to an agent, and marks
// what others wrote.
package untrusted

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// A Flag says that the text at a path looks like instructions to an agent. It
// is a hint for whoever reads: text without one isn't safer. Nothing is removed.
type Flag struct {
	Path  string `json:"path"`
	Class string `json:"class"`
}

// The classes of a [Flag].
const (
	Override = "override" // asks to set earlier instructions aside
	Role     = "role"     // poses as another speaker, such as the system
	Approval = "approval" // claims that something is approved, or asks to approve it
	Command  = "command"  // asks to call a tool, run a command or send data away
	Secrecy  = "secrecy"  // asks to keep something from the user
	Hidden   = "hidden"   // has characters that a reader doesn't see
)

// A pattern is one way of saying what a class is for. It begins with one of words, or
// with a bracket; in a text only what begins so is held against it.
type pattern struct {
	class     string
	words     string
	re        *lazyregexp.Regexp
	lineStart bool // only at the beginning of a line
}

func begins(class, words, re string) *pattern {
	return &pattern{class: class, words: words, re: lazyregexp.New(`^(?i:` + re + `)`)}
}

// order is that of the classes of a text.
var order = []string{Override, Role, Approval, Command, Secrecy}

var patterns = []*pattern{
	begins(Override, "ignore disregard forget override", `\w+\b.{0,40}\b(previous|prior|above|earlier|all|your|these|system)\b.{0,30}\b(instructions?|prompts?|rules?|guidelines?|context|directions?|policy|policies)\b`),
	begins(Override, "new", `new instructions?\s*:`),
	{Role, "system assistant developer", lazyregexp.New(`^(?i:\w+( prompt| message)?\s*:)`), true},
	begins(Role, "you", `you are now\b`),
	begins(Role, "act", `act as (an?|the)\b.{0,30}\b(admin|administrator|root|assistant|agent|system)\b`),
	begins(Approval, "pre preapproved", `pre-?approved`),
	begins(Approval, "already", `already (been )?(approved|authori[sz]ed)`),
	begins(Approval, "has", `has (approved|authori[sz]ed) (this|the|you)`),
	begins(Approval, "no", `no (approval|confirmation|permission) (is )?(needed|required)`),
	begins(Approval, "gate", `gate approve`),
	begins(Approval, "approve", `approve (this|the|all|every)\b.{0,30}\b(proposals?|requests?|actions?|calls?)`),
	begins(Approval, "set", `set confirm`),
	begins(Approval, "confirm confirmhard", `\w+\s*[=:]\s*true`),
	begins(Approval, "without", `without (asking|approval|confirmation)`),
	begins(Command, "call invoke execute run use", `\w+ (the )?(tool|function|command|responder|following)\b|\w+ (the )?(thehive|cortex|misp|mitre|wazuh|gate)_[a-z_]+`),
	begins(Command, "send post upload forward exfiltrate", `\w+\b.{0,60}\b(https?://|to [\w.+-]+@)`),
	begins(Command, "curl wget", `\w+\s+(-\S+\s+)*https?://`),
	begins(Secrecy, "do don never without", `(do not|don't|never|without) (tell|mention|inform|reveal|report|notify|telling|mentioning|informing|notifying)\b.{0,30}\b(user|operator|analyst|human|anyone|this|it)\b`),
	begins(Secrecy, "keep", `keep (this|it) (a )?secret\b`),
}

// bracketed begins with a bracket.
var bracketed = begins(Role, "", `</?(system|assistant|developer)[^>]{0,20}>|\[/?INST\]|<\|im_(start|end)\|>`)

// An opening is a word, and the patterns that begin with it.
type opening struct {
	word     string
	patterns []*pattern
}

// openings are by the first two letters of their words.
var openings = sync.OnceValue(func() *[26 * 26][]opening {
	var table [26 * 26][]opening
	for _, p := range patterns {
		for _, w := range strings.Fields(p.words) {
			at := &table[place(w[0], w[1])]
			i := slices.IndexFunc(*at, func(o opening) bool { return o.word == w })
			if i < 0 {
				i = len(*at)
				*at = append(*at, opening{word: w})
			}
			(*at)[i].patterns = append((*at)[i].patterns, p)
		}
	}
	return &table
})

func place(a, b byte) int { return int(a-'a')*26 + int(b-'a') }

// letter reports whether c, with the bit of small letters set, is one.
func letter(c byte) bool { return 'a' <= c && c <= 'z' }

func wordByte(c byte) bool { return letter(c|0x20) || c == '_' || '0' <= c && c <= '9' }

// A look is what is seen of a text at once: most is in no class.
type look struct {
	classes []string
	dressed bool // may read otherwise than its bytes
	ascii   bool
	spaced  bool // has other space than a blank here and there
}

const reach = 512 // bytes that a pattern looks at: more than it takes, but for what may be repeated

// read takes in text.
func (l *look) read(text string) {
	l.ascii = true
	table := openings()
	inWord := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		small := c | 0x20
		switch {
		case letter(small):
			if !inWord && i+1 < len(text) && letter(text[i+1]|0x20) {
				for _, o := range table[place(small, text[i+1]|0x20)] {
					if end := i + len(o.word); end <= len(text) && strings.EqualFold(text[i:end], o.word) && (end == len(text) || !wordByte(text[end])) {
						l.try(text, i, o.patterns...)
					}
				}
			}
			inWord = true
			continue
		case c >= utf8.RuneSelf:
			l.ascii, l.dressed = false, true
		case c == '_' || '0' <= c && c <= '9':
			inWord = true
			continue
		case c == '\\', c == '*', c == '`', c == '~', c == '&':
			l.dressed = true
		case c == '\t', c == '\n', c == '\v', c == '\f', c == '\r', c == ' ' && (i == 0 || i+1 == len(text) || text[i+1] == ' '):
			l.spaced = true
		case (c == '<' || c == '[') && i+1 < len(text) && strings.IndexByte("/|sSaAdDiI", text[i+1]) >= 0:
			l.try(text, i, bracketed)
		}
		inWord = false
	}
}

// try holds what begins at byte i against patterns.
func (l *look) try(text string, i int, patterns ...*pattern) {
	for _, p := range patterns {
		if slices.Contains(l.classes, p.class) || p.lineStart && !beginsLine(text[:i]) {
			continue
		}
		if p.re.MatchString(text[i:min(len(text), i+reach)]) {
			l.classes = append(l.classes, p.class)
		}
	}
}

// beginsLine reports whether what follows before begins a line, as a heading perhaps.
func beginsLine(before string) bool {
	const space = "\t\n\f\r "
	rest := strings.TrimRight(strings.TrimRight(strings.TrimRight(before, space), "#"), space)
	return rest == "" || strings.Contains(before[len(rest):], "\n")
}

// Classes returns the classes of flags that text is in, as it is or as it reads.
// The same text is in the same classes.
func Classes(text string) []string {
	var l look
	l.read(text)
	unseen := !l.ascii && strings.ContainsFunc(text, hidden)
	if l.dressed {
		if plain := fold(text); plain != text {
			text, l.spaced = plain, false
			l.read(text)
		}
	}
	if l.spaced {
		l.read(strings.Join(strings.Fields(text), " "))
	}
	if len(l.classes) > 1 {
		slices.SortFunc(l.classes, func(a, b string) int { return slices.Index(order, a) - slices.Index(order, b) })
	}
	if unseen {
		l.classes = append(l.classes, Hidden)
	}
	return l.classes
}

// hidden reports whether r is a character that changes how text reads without
// being seen: directions, zero widths, tags, soft hyphens.
func hidden(r rune) bool {
	switch {
	case r == 0xad, r == 0x61c, r == 0x180e, r == 0xfeff:
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x2069:
		return true
	}
	return r >= 0xe0000 && r <= 0xe007f
}
