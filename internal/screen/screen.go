package screen

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/escape"
)

const (
	// maxShown is how many bytes of a value stand in a list before it gives head,
	// tail, length and hash instead.
	maxShown = 600
	// width is how many characters of a value stand on one line of the screen.
	width = 100
)

// Render returns the text that an approver decides on: what speaks against it first,
// that nobody can undo it, who outside gets what, what it is warned of and what happened
// before; then the facts in a fixed order, all of each, and the agent's own claim apart
// and last. Every value is escaped and only continued under a bar, so none can look like
// a part of the screen.
func Render(p *state.Proposal) string {
	var b strings.Builder
	line := func(label, value string) { field(&b, label, value) }
	quoted := func(s string) string { return `"` + strings.ReplaceAll(Escape(s), `"`, `\"`) + `"` }

	line("PROPOSAL", fmt.Sprintf("%s (%s)", Escape(p.ID), p.State))
	line("WHAT", Escape(p.Plan.Summary))
	if p.Plan.Undo == "" {
		line("UNDO", "NOT POSSIBLE")
	}
	for _, e := range p.Plan.Egress {
		to := Escape(e.To) + ": " + Escape(e.What)
		if e.TLP != "" {
			to += " (" + Escape(e.TLP) + ")"
		}
		line("LEAVES TO", to)
	}
	for _, w := range p.Plan.Warnings {
		line("WARNING", Escape(w))
	}
	for _, h := range p.History {
		line("BEFORE", Escape(h))
	}
	line("OPERATION", fmt.Sprintf("%s, tier %s", Escape(p.Op), strings.ToUpper(p.Tier.String())))
	line("WHERE", Escape(p.Upstream))
	for i, t := range p.Plan.Targets {
		target := Escape(t.Kind) + " " + Escape(t.ID)
		if t.Name != "" {
			target += " " + quoted(t.Name)
		}
		if t.Version != "" {
			target += " as of " + quoted(t.Version)
		}
		line(fmt.Sprintf("TARGET %d/%d", i+1, len(p.Plan.Targets)), target)
	}
	for _, c := range p.Plan.Changes {
		if c.Before != "" {
			line("CHANGE", fmt.Sprintf("%s: %s -> %s", Escape(c.Field), quoted(c.Before), quoted(c.After)))
			continue
		}
		line("SET", fmt.Sprintf("%s: %s", Escape(c.Field), quoted(c.After)))
	}
	if p.Plan.IfFails != "" {
		line("IF IT FAILS", Escape(p.Plan.IfFails))
	}
	if p.Plan.Undo != "" {
		line("UNDO", Escape(p.Plan.Undo))
	}
	for _, arg := range p.Untrusted {
		line("UNTRUSTED", "the value of "+quoted(arg)+" was in text that an attacker can write")
	}
	if p.Needs > 1 {
		line("APPROVERS", fmt.Sprintf("%d must sign; so far: %s", p.Needs, cmp.Or(Escape(p.Approver), "nobody")))
	}
	if p.Budget != "" {
		line("BUDGET", Escape(p.Budget))
	}
	if p.Replays != "" {
		line("REPLAYS", Escape(p.Replays)+", put up again by an operator")
	}
	line("ASKED BY", fmt.Sprintf("%s at %s", Escape(p.Principal), p.Created.UTC().Format(time.RFC3339)))
	line("EXPIRES", p.Expires.UTC().Format(time.RFC3339))
	line("DIGEST", Escape(p.Digest))
	if p.Claim != "" || p.Client != "" || len(p.Plan.Claims) > 0 {
		b.WriteString("\nagent's claim, unverified:\n")
	}
	if p.Client != "" {
		line("           |", "asked through "+quoted(p.Client))
	}
	for _, c := range p.Plan.Claims {
		line("           |", fmt.Sprintf("%s: %s", Escape(c.Field), quoted(c.After)))
	}
	if p.Claim != "" {
		line("           |", Escape(p.Claim))
	}
	return b.String()
}

// field writes a value beside its label, in as many lines as it takes, cut behind a
// word where there is one near the end.
func field(b *strings.Builder, label, value string) {
	for first := true; first || value != ""; first = false {
		n := 0
		cut := len(value)
		for i := range value {
			if n++; n > width {
				cut = i
				break
			}
		}
		if word := strings.LastIndexByte(value[:cut], ' ') + 1; cut < len(value) && word > cut*3/4 {
			cut = word
		}
		if !first {
			label = "           |"
		}
		fmt.Fprintf(b, "%-12s %s\n", label, value[:cut])
		value = value[cut:]
	}
}

// Shown returns s escaped, and cut to head, tail, length and hash when it is long.
func Shown(s string) string {
	if len(s) <= maxShown {
		return Escape(s)
	}
	h := sha256.Sum256([]byte(s))
	tail := len(s) - 100
	for tail < len(s) && s[tail]&0xc0 == 0x80 {
		tail++
	}
	return fmt.Sprintf("%s … %s [%d bytes, sha256 %s]", Escape(clip.Bytes(s, maxShown-100)), Escape(s[tail:]), len(s), hex.EncodeToString(h[:8]))
}

// Escape makes every character that a person can't see, or that moves others
// about, visible: controls, line breaks, bidirectional marks, zero-width and
// tag characters, variation selectors, blanks that aren't a space, a space
// after a space, broken UTF-8. What can be seen stays as it is: letters of two
// scripts that look alike, and an accent that is part of a letter or follows it,
// aren't told apart, so that a name may still pass for another.
func Escape(s string) string { return escape.Text(s) }
