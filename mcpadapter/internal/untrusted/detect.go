// Package untrusted finds text that looks like instructions to an agent, and marks
// what others wrote.
package untrusted

import (
	"bytes"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/jsontree"
)

// A Flag says that the text at a path looks like instructions to an agent. It
// is a hint for whoever reads: text without one isn't safer. Nothing is removed.
type Flag struct {
	Path  string `json:"path"`
	Class string `json:"class"`
}

// The classes of a [Flag].
const (
	FlagOverride = "override" // asks to set earlier instructions aside
	FlagRole     = "role"     // poses as another speaker, such as the system
	FlagApproval = "approval" // claims that something is approved, or asks to approve it
	FlagCommand  = "command"  // asks to call a tool, run a command or send data away
	FlagSecrecy  = "secrecy"  // asks to keep something from the user
	FlagHidden   = "hidden"   // has characters that a reader doesn't see
)

const (
	maxFlags = 20
	maxPath  = 200 // bytes of a path
)

type class struct {
	name  string
	words []string
	re    *lazyregexp.Regexp
}

func (c class) has(text string) bool {
	lower := strings.ToLower(text)
	return slices.ContainsFunc(c.words, func(w string) bool { return strings.Contains(lower, w) }) && c.re.MatchString(text)
}

// classes are tried in this order; each has the words without which its pattern
// can't match, so that most texts cost a search only.
var classes = []class{
	{FlagOverride, []string{"ignore", "disregard", "forget", "override", "new instruction"},
		lazyregexp.New(`(?i)\b(ignore|disregard|forget|override)\b.{0,40}\b(previous|prior|above|earlier|all|your|these|system)\b.{0,30}\b(instructions?|prompts?|rules?|guidelines?|context|directions?|policy|policies)\b|\bnew instructions?\s*:`)},
	{FlagRole, []string{"system", "assistant", "[inst]", "<|im_", "you are now", "act as", "developer"},
		lazyregexp.New(`(?i)(^|\n)\s*#*\s*(system|assistant|developer)( prompt| message)?\s*:|</?(system|assistant|developer)[^>]{0,20}>|\[/?INST\]|<\|im_(start|end)\|>|\byou are now\b|\bact as (an?|the)\b.{0,30}\b(admin|administrator|root|assistant|agent|system)\b`)},
	{FlagApproval, []string{"approv", "authori", "permission", "confirm"},
		lazyregexp.New(`(?i)\b(pre-?approved|already (been )?(approved|authori[sz]ed)|has (approved|authori[sz]ed) (this|the|you)|no (approval|confirmation|permission) (is )?(needed|required)|gate approve|approve (this|the|all|every)\b.{0,30}\b(proposals?|requests?|actions?|calls?)|set confirm|confirm(hard)?\s*[=:]\s*true|without (asking|approval|confirmation))`)},
	{FlagCommand, []string{"call", "invoke", "execute", "run", "use", "send", "post", "upload", "forward", "curl", "wget"},
		lazyregexp.New(`(?i)\b(call|invoke|execute|run|use) (the )?(tool|function|command|responder|following)\b|\b(call|invoke|execute|run|use) (the )?(thehive|cortex|misp|mitre|wazuh|gate)_[a-z_]+|\b(send|post|upload|forward|exfiltrate)\b.{0,60}\b(https?://|to [\w.+-]+@)|\b(curl|wget)\s+(-\S+\s+)*https?://`)},
	{FlagSecrecy, []string{"tell", "mention", "inform", "reveal", "report", "notify", "secret"},
		lazyregexp.New(`(?i)\b(do not|don't|never|without) (tell|mention|inform|reveal|report|notify|telling|mentioning|informing|notifying)\b.{0,30}\b(user|operator|analyst|human|anyone|this|it)\b|\bkeep (this|it) (a )?secret\b`)},
}

// Suspicious lists, in order, the texts in raw that look like instructions to
// an agent: values and the keys of objects. The same answer has the same flags.
// A path has only keys that are in ours, since the paths are told to the agent
// outside of the data: any other key may be a text of others.
func Suspicious(raw []byte, ours map[string]bool) []Flag {
	lower := bytes.ToLower(raw)
	plain := !bytes.ContainsFunc(raw, dressed)
	if plain && !slices.ContainsFunc(classes, func(c class) bool {
		return slices.ContainsFunc(c.words, func(w string) bool { return bytes.Contains(lower, []byte(w)) })
	}) {
		return nil
	}
	root, err := jsontree.Parse(raw, jsontree.MaxDepthOut)
	if err != nil {
		return nil
	}
	var flags []Flag
	look := func(text, path string) {
		for _, f := range FlagsOf(text, path) {
			if len(flags) < maxFlags && !slices.Contains(flags, f) {
				flags = append(flags, f)
			}
		}
	}
	name := func(key string) string {
		if ours[key] {
			return key
		}
		return "*"
	}
	root.Walk("", name, func(v *jsontree.Value, path string) {
		if v.Kind == jsontree.String {
			look(v.Text, path)
		}
		for _, k := range v.Keys {
			look(k, strings.TrimPrefix(path+".*", "."))
		}
	})
	return flags
}

// FlagsOf returns the flags of text, which stands at path.
func FlagsOf(text, path string) (flags []Flag) {
	path = jsontree.Clip(path, maxPath)
	for _, class := range classesOf(text) {
		flags = append(flags, Flag{path, class})
	}
	if strings.ContainsFunc(text, hidden) {
		flags = append(flags, Flag{path, FlagHidden})
	}
	return flags
}

// dressed reports whether text with r in it may read otherwise than its bytes.
func dressed(r rune) bool {
	return r >= 0x80 || r == '\\' || r == '*' || r == '`' || r == '~' || r == '&'
}

// classesOf returns the classes that text is in, as it is or as it reads.
func classesOf(text string) []string {
	if len(text) < 8 {
		return nil
	}
	variants := []string{text}
	if strings.ContainsFunc(text, dressed) {
		variants = append(variants, fold(text))
	}
	last := variants[len(variants)-1]
	if flat := strings.Join(strings.Fields(last), " "); flat != last {
		variants = append(variants, flat)
	}
	var list []string
	for _, c := range classes {
		if slices.ContainsFunc(variants, c.has) {
			list = append(list, c.name)
		}
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
