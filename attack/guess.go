package attack

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/attack/internal/guess"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// Confidence says how far a guess may be trusted.
type Confidence string

// The degrees of confidence. Where nothing is known that would be right more often, there is no guess at all.
const (
	Strong Confidence = "strong" // right in most cases
	Weak   Confidence = "weak"   // wrong more often than right, or not measured
)

// Enum lists the degrees.
func (Confidence) Enum() []any { return []any{Strong, Weak} }

// The shares of right guesses, in percent, from which one is strong, and from which the best of a text is worth showing.
const (
	strongFrom = 60
	shownFrom  = 12
)

// Guess is a technique that a text may mean.
type Guess struct {
	Technique  *Technique // the technique
	Score      int        // how many of 100 guesses like this were right, on rules that it wasn't learned from
	Confidence Confidence // how sure it is
	Reason     string     // what to know of a weak one
	Words      []string   // of the text, those that speak for it, the strongest first
}

// Guess ranks the techniques that a text may mean by what was learned from public detection rules and from ATT&CK's own
// texts, best first, and at most so many. The title of an alert counts more than the rest, and more text never makes what
// the title says vanish. Software and groups that the text names count for the techniques that they use, and techniques of
// a tactic that it names come before others. Where nothing fits well enough there are no guesses. What was learned is of Enterprise; without it, names of techniques are what counts.
func (k *KB) Guess(title, body string, limit int) []Guess {
	if k.domains&facts.Enterprise == 0 {
		return k.guessByName(withoutIDs(title+"\n"+body), limit)
	}
	users := k.mentioned(title + "\n" + body)
	text := guess.Text{Title: withoutIDs(title), Body: strings.TrimSpace(withoutIDs(body))}
	if text.Body == "" {
		text = guess.Split(text.Title)
	}
	all := k.learned(text, users)
	if len(all) == 0 || all[0].Score < shownFrom {
		all = k.learned(guess.Text{Title: text.Title}, users) // more text never gives less
	}
	for _, u := range users {
		all = append(all, k.usedBy(u, all)...)
	}
	tactics, _ := k.tacticsIn(title + "\n" + body)
	meant := func(g Guess) int { // that a tactic is named doesn't make a guess of noise
		if g.Score >= shownFrom && slices.ContainsFunc(g.Technique.Tactics(), func(t *Tactic) bool { return slices.Contains(tactics, t) }) {
			return 1
		}
		return 0
	}
	sorting.Stable(all, func(a, b Guess) int {
		return cmp.Or(cmp.Compare(meant(b), meant(a)), cmp.Compare(b.Score, a.Score))
	})
	if len(all) == 0 || all[0].Score < shownFrom {
		return nil
	}
	all = all[:min(limit, len(all))]
	for i := range all {
		if g := &all[i]; g.Score < strongFrom {
			g.Confidence = Weak
			if g.Reason == "" {
				g.Reason = fmt.Sprintf("of such guesses from words %d in 100 were right", g.Score)
			}
		}
	}
	return all
}

// learned guesses by what was learned, and by who uses what.
func (k *KB) learned(text guess.Text, users []user) []Guess {
	ranked := guess.Embedded().Rank(text, maxRanked)
	all := make([]Guess, 0, len(ranked))
	for _, r := range ranked {
		t := k.current(r.ID)
		if t == nil || slices.ContainsFunc(all, func(g Guess) bool { return g.Technique == t }) {
			continue
		}
		g := Guess{Technique: t, Score: int(math.Round(100 * r.Right)), Confidence: Strong, Words: r.Words}
		for _, u := range users {
			if slices.Contains(u.techniques, t) && g.Score < shownFrom {
				g.Score, g.Reason = shownFrom, u.name+" uses it, and few words of the text speak for it"
			}
		}
		all = append(all, g)
	}
	return all
}

// GroupWords returns what the groups of a Wazuh rule say of what it finds. Those that name a paragraph of a standard, such as
// pci_dss_10.2.4, say nothing of that.
func GroupWords(groups []string) string { return guess.Groups(groups) }

// maxRanked is how many guesses are looked at.
const maxRanked = 60

// current returns the technique that an id of the newest ATT&CK means here: itself, or the one whose place it took. Of
// several, that is the one of the same name.
func (k *KB) current(id string) *Technique {
	if t, ok := byID(k.techniques, id); ok && t.Active() {
		return t
	}
	var best *Technique
	for _, t := range k.Earlier(id) {
		if best == nil || t.Name == later().added[id].Name {
			best = t
		}
	}
	return best
}

// user is software or a group that a text names.
type user struct {
	name       string
	techniques []*Technique
}

// maxUsed is how many techniques of software or a group are guessed at that no word speaks for.
const maxUsed = 5

// usedBy guesses at what software or a group uses beyond what was guessed: what few others use comes first.
func (k *KB) usedBy(u user, all []Guess) []Guess {
	rest := slices.DeleteFunc(slices.Clone(u.techniques), func(t *Technique) bool {
		return t.domains&facts.Enterprise == 0 || slices.ContainsFunc(all, func(g Guess) bool { return g.Technique == t && g.Score >= shownFrom })
	})
	w := k.weights()
	slices.SortStableFunc(rest, func(a, b *Technique) int { return cmp.Compare(w.weight[b.n], w.weight[a.n]) })
	var out []Guess
	for _, t := range rest[:min(maxUsed, len(rest))] {
		out = append(out, Guess{
			Technique: t, Score: shownFrom, Words: []string{u.name},
			Reason: u.name + " uses it; nothing else in the text speaks for it",
		})
	}
	return out
}

// mentioned returns the software and groups that a text names, by name, alias or id.
func (k *KB) mentioned(text string) []user {
	var users []user
	add := func(name string, techniques []*Technique) {
		if len(techniques) > 0 && !slices.ContainsFunc(users, func(u user) bool { return u.name == name }) {
			users = append(users, user{name, techniques})
		}
	}
	for _, id := range idsOf(text, facts.Software, facts.Group, facts.Campaign) {
		if s, _, err := find(k, facts.Software, k.software, id); err == nil {
			add(s.Name, s.Techniques())
		} else if g, _, err := find(k, facts.Group, k.groups, id); err == nil {
			add(g.Name, g.Techniques())
		} else if c, _, err := find(k, facts.Campaign, k.campaigns, id); err == nil {
			add(c.Name, c.Techniques())
		}
	}
	software, groups := k.names[facts.Software](), k.names[facts.Group]()
	words := wordsOf(text)
	for i := 0; i < len(words); i++ {
		for n := min(maxNameWords, len(words)-i); n > 0; n-- {
			name := text[words[i].from:words[i+n-1].end]
			key := strings.ToLower(strings.TrimSuffix(name, ".exe"))
			if n == 1 && !telling(name, key) {
				continue
			}
			if entry, ok := software[key]; ok && len(entry.numbers) == 1 {
				at, _ := common(k.software).follow(int(entry.numbers[0]))
				add(k.software[at].Name, k.software[at].Techniques())
			} else if entry, ok := groups[key]; ok && len(entry.numbers) == 1 {
				at, _ := common(k.groups).follow(int(entry.numbers[0]))
				add(k.groups[at].Name, k.groups[at].Techniques())
			} else {
				continue
			}
			i += n - 1
			break
		}
	}
	return users
}

// maxNameWords is how many words the name of software or a group has at most.
const maxNameWords = 4

// telling reports whether a word that is the name of something can be meant as one: short names and those that are words
// of every day, such as Net and Page, aren't.
func telling(name, key string) bool {
	if len(key) < 4 || commonNames()[key] {
		return false
	}
	return len(key) > 4 || !strings.EqualFold(name, strings.ToLower(name)) || name != strings.ToLower(name)
}

// commonNames are names and aliases of software and groups that are words of every day, or programs that each host runs.
var commonNames = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq("action agent anchor carbon chaos clop comnie conficker connect cookie dragonfly " +
		"drive dropper dust elise empire epic explosive expand flame forfiles ftp gold havoc hunter ipconfig kiwi kobalos lightning " +
		"link linux machete mask mirage monsoon netsh netstat nltest page ping play poison power proxy psexec rclone reaver " +
		"responder route schtasks shark silence sliver snake spark spider stealth strider summit systeminfo tasklist tick turian " +
		"unknown vulture wiper wizard worm zeus certutil esentutl bitsadmin dsquery regsvr32 rundll32 nbtstat fsutil winexe") {
		m[w] = true
	}
	return m
})

// span is a word in a text.
type span struct{ from, end int }

// wordsOf returns the words of a text, as names have them: with what stands inside of APT-C-36 or njRAT.exe.
func wordsOf(text string) []span {
	var words []span
	from := -1
	for i, c := range text + " " {
		inside := unicode.IsLetter(c) || unicode.IsDigit(c) || c == '-' || c == '_' || c == '.' || c == '\''
		switch {
		case inside && from < 0:
			from = i
		case !inside && from >= 0:
			word := strings.TrimRight(text[from:i], "-_.'")
			if word != "" {
				words = append(words, span{from, from + len(word)})
			}
			from = -1
		}
	}
	return words
}

// guessByName guesses by the names of techniques alone. It isn't measured, and so always weak.
func (k *KB) guessByName(text string, limit int) []Guess {
	var all []Guess
	hits, _ := k.Search(text, len(k.techniques))
	for _, h := range hits {
		if h.Fit >= minFit && len(all) < limit {
			all = append(all, Guess{h.Technique, h.Fit, Weak, "its name has words of the text; how often that is right wasn't measured", h.Words})
		}
	}
	return all
}

// minFit is the least [Hit.Fit] that is worth calling a guess: below it no name of a technique has the words.
const minFit = 20
