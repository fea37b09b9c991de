// Package untrusted finds text that looks like instructions to an agent, and marks
// what others wrote.
package untrusted

import (
	"slices"
	"strings"
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

type class struct {
	name  string
	words []string
	re    *lazyregexp.Regexp
}

// has reports whether text, which is lower in small letters, is in c.
func (c class) has(text, lower string) bool {
	return slices.ContainsFunc(c.words, func(w string) bool { return strings.Contains(lower, w) }) && c.re.MatchString(text)
}

// classes are tried in this order; each has the words without which its pattern
// can't match, so that most texts cost a search only.
var classes = []class{
	{Override, []string{"ignore", "disregard", "forget", "override", "new instruction"},
		lazyregexp.New(`(?i)\b(ignore|disregard|forget|override)\b.{0,40}\b(previous|prior|above|earlier|all|your|these|system)\b.{0,30}\b(instructions?|prompts?|rules?|guidelines?|context|directions?|policy|policies)\b|\bnew instructions?\s*:`)},
	{Role, []string{"system", "assistant", "[inst]", "<|im_", "you are now", "act as", "developer"},
		lazyregexp.New(`(?i)(^|\n)\s*#*\s*(system|assistant|developer)( prompt| message)?\s*:|</?(system|assistant|developer)[^>]{0,20}>|\[/?INST\]|<\|im_(start|end)\|>|\byou are now\b|\bact as (an?|the)\b.{0,30}\b(admin|administrator|root|assistant|agent|system)\b`)},
	{Approval, []string{"approv", "authori", "permission", "confirm"},
		lazyregexp.New(`(?i)\b(pre-?approved|already (been )?(approved|authori[sz]ed)|has (approved|authori[sz]ed) (this|the|you)|no (approval|confirmation|permission) (is )?(needed|required)|gate approve|approve (this|the|all|every)\b.{0,30}\b(proposals?|requests?|actions?|calls?)|set confirm|confirm(hard)?\s*[=:]\s*true|without (asking|approval|confirmation))`)},
	{Command, []string{"call", "invoke", "execute", "run", "use", "send", "post", "upload", "forward", "curl", "wget"},
		lazyregexp.New(`(?i)\b(call|invoke|execute|run|use) (the )?(tool|function|command|responder|following)\b|\b(call|invoke|execute|run|use) (the )?(thehive|cortex|misp|mitre|wazuh|gate)_[a-z_]+|\b(send|post|upload|forward|exfiltrate)\b.{0,60}\b(https?://|to [\w.+-]+@)|\b(curl|wget)\s+(-\S+\s+)*https?://`)},
	{Secrecy, []string{"tell", "mention", "inform", "reveal", "report", "notify", "secret"},
		lazyregexp.New(`(?i)\b(do not|don't|never|without) (tell|mention|inform|reveal|report|notify|telling|mentioning|informing|notifying)\b.{0,30}\b(user|operator|analyst|human|anyone|this|it)\b|\bkeep (this|it) (a )?secret\b`)},
}

// openings are the first two letters of the words that a pattern of a class can
// begin with.
var openings = func() (table [26 * 26]bool) {
	for _, w := range strings.Fields("ignore disregard forget override new system assistant developer inst im you act pre already has no gate " +
		"approve set confirm without call invoke execute run use send post upload forward exfiltrate curl wget do don never keep") {
		table[int(w[0]-'a')*26+int(w[1]-'a')] = true
	}
	return table
}()

// look tells at a glance whether text may be in a class, whether it may read
// otherwise than its bytes, and whether it is all ASCII. Most text is none of it.
func look(text string) (opens, dressed, ascii bool) {
	ascii = true
	inWord := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= utf8.RuneSelf {
			ascii, dressed, inWord = false, true, false
			continue
		}
		l := c | 0x20
		letter := l >= 'a' && l <= 'z'
		if letter && !inWord && !opens && i+1 < len(text) {
			if m := text[i+1] | 0x20; m >= 'a' && m <= 'z' {
				opens = openings[int(l-'a')*26+int(m-'a')]
			}
		}
		inWord = letter || c == '_' || c >= '0' && c <= '9'
		dressed = dressed || c == '\\' || c == '*' || c == '`' || c == '~' || c == '&'
	}
	return opens, dressed, ascii
}

// Classes returns the classes of flags that text is in, as it is or as it reads.
// The same text is in the same classes.
func Classes(text string) (list []string) {
	opens, dressed, ascii := look(text)
	if len(text) >= 8 && (opens || dressed) {
		var variants [3]string
		n := 0
		add := func(s string) {
			if !slices.Contains(variants[:n], s) {
				variants[n] = s
				n++
			}
		}
		if opens {
			add(text)
		}
		last := text
		if dressed {
			last = fold(text)
			if opens, _, _ := look(last); opens {
				add(last)
			}
		}
		if n > 0 {
			add(strings.Join(strings.Fields(last), " "))
		}
		var lower [3]string
		for i := range n {
			lower[i] = strings.ToLower(variants[i])
		}
		for _, c := range classes {
			for i := range n {
				if c.has(variants[i], lower[i]) {
					list = append(list, c.name)
					break
				}
			}
		}
	}
	if !ascii && strings.ContainsFunc(text, hidden) {
		list = append(list, Hidden)
	}
	return list
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
