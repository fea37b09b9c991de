package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/keyring"
	"github.com/sallyport-soc/sallyport/internal/screen"
)

func initialise(_ *app, fs *flag.FlagSet) func(*call) error {
	name := fs.String("name", "", "the approver's `NAME` (default: the user's)")
	bare := fs.Bool("no-passphrase", false, "leave the key unencrypted: every program that runs as you can then approve")
	return func(c *call) error {
		if c.noKey != nil {
			return c.noKey
		}
		own, err := c.ownKey(*name)
		if err != nil {
			return err
		}
		var enrolled []gate.Approver
		if err := c.withRoll(func(r journal.Roll) error { enrolled, err = r.Approvers(); return err }); err != nil {
			return err
		}
		if slices.ContainsFunc(enrolled, func(a gate.Approver) bool { return a.Name == own.Name }) {
			return fmt.Errorf("%s is enrolled already in %s: nothing was changed", own.Name, c.where())
		}
		if _, err := os.Lstat(c.key); errors.Is(err, os.ErrNotExist) {
			passphrase, err := c.newPassphrase(*bare)
			if err != nil {
				return err
			}
			signer, err := keyring.Create(c.key, own.Name, passphrase)
			clear(passphrase)
			if err != nil {
				return err
			}
			own = signer.Approver()
			c.printf("Made the key of approver %s: %s", own.Name, c.key)
			if *bare {
				c.printf("It has no passphrase: every program that runs as you can read it and approve in your name.")
			}
		} else {
			c.printf("Kept the key of approver %s: %s", own.Name, c.key)
		}
		if err := c.withRoll(func(r journal.Roll) error { return r.AddApprover(own) }); err != nil {
			return err
		}
		c.printf("Enrolled its public half in: %s", c.where())
		c.printf("Keep the key where the agent can't read it: whoever can use it approves in your name.")
		c.printf("An agent with a shell under your user can read the file, and enrol a key of its own; run the servers as another user.")
		return nil
	}
}

// ownKey returns the public half of the key that is there, or else who the new
// one is to be for.
func (c *call) ownKey(name string) (gate.Approver, error) {
	if _, err := os.Lstat(c.key); errors.Is(err, os.ErrNotExist) {
		if name == "" {
			name = osUser()
		}
		_, err := gate.NewSigner(name) // whether the name can be one
		return gate.Approver{Name: name}, err
	}
	a, err := keyring.Public(c.key)
	if err != nil {
		return gate.Approver{}, err
	}
	if name != "" && name != a.Name {
		return gate.Approver{}, fmt.Errorf("%s is the key of %s and is not replaced: give -key FILE for another", c.key, a.Name)
	}
	return a, nil
}

// newPassphrase asks twice for the passphrase of a new key; nil if it is to have none.
func (c *call) newPassphrase(bare bool) ([]byte, error) {
	if bare {
		return nil, nil
	}
	if !c.terminal {
		return nil, errors.New("no key was made: its passphrase is asked for on a terminal, and there is none (init -h names the way without)")
	}
	first, err := c.secret(fmt.Sprintf("Passphrase for the new key, at least %d characters: ", keyring.MinPassphrase))
	if err != nil {
		return nil, err
	}
	second, err := c.secret("Once more: ")
	if err != nil {
		return nil, err
	}
	defer clear(second)
	if !bytes.Equal(first, second) {
		return nil, errors.New("no key was made: the passphrases differ")
	}
	return first, nil
}

func pending(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			list, err := j.Pending()
			if err != nil {
				return err
			}
			for _, p := range list {
				by := p.Principal
				if p.Client != "" {
					by += " (by its own word " + screen.Shown(p.Client) + ")"
				}
				c.printf("%s  %-11s  %s  %s  %s  by %s, until %s", p.ID, p.Tier.String(), p.Op, shown(screen.Shown(p.Plan.Summary)), shown(screen.Shown(p.Object())),
					shown(by), p.Expires.Local().Format(time.TimeOnly))
			}
			if len(list) == 0 {
				c.printf("Nothing is pending in %s.", c.where())
			}
			return nil
		})
	}
}

func show(_ *app, fs *flag.FlagSet) func(*call) error {
	input := fs.Bool("input", false, "show the whole input too")
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			p, err := j.Shown(c.arg)
			if err != nil {
				return err
			}
			fmt.Fprint(c.stdout, gate.Render(p))
			if p.State != gate.StatePending {
				c.printf("\n%s", became(p))
			}
			if *input {
				c.printf("\nINPUT        %s", string(p.Input))
			}
			return nil
		})
	}
}

// became says since when p stands as it does, by whom and why, and what there is to do.
func became(p *gate.Proposal) string {
	since := p.Changed
	if p.State == gate.StateExpired {
		since = p.Expires
	}
	line := fmt.Sprintf("It is %s since %s", p.State, since.Local().Format(time.DateTime))
	if p.Approver != "" {
		line += ", by " + screen.Shown(p.Approver)
	}
	if p.Detail != "" {
		line += ": " + screen.Shown(p.Detail)
	}
	switch p.State {
	case gate.StateExpired:
		line += "; " + again(p)
	case gate.StateUnknown:
		line += fmt.Sprintf("; look at the platform, then gate resolve %s executed, or failed", p.ID)
	}
	return line
}

// again says how p, which has lapsed, can wait anew.
func again(p *gate.Proposal) string {
	return fmt.Sprintf("the same call again waits anew, or gate replay %s", p.ID)
}

func approve(_ *app, fs *flag.FlagSet) func(*call) error {
	code := fs.String("code", "", "the first six characters of the digest, `HEX6`, where no terminal is at hand")
	target := fs.String("target", "", "the `NAME` or id of the first target, for a destructive operation")
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			p, err := j.Shown(c.arg)
			if err != nil {
				return err
			}
			fmt.Fprint(c.stdout, gate.Render(p))
			switch p.State {
			case gate.StatePending:
			case gate.StateExpired:
				return fmt.Errorf("%s is %s, not pending: %s", p.ID, p.State, again(p))
			default:
				return fmt.Errorf("%s is %s, not pending", p.ID, p.State)
			}
			digest, err := p.ComputeDigest()
			if err != nil {
				return err
			}
			if err := c.prove(p, *code, *target); err != nil {
				return err
			}
			signer, err := c.signer()
			if err != nil {
				return err
			}
			if err := j.Approve(p.ID, digest, signer); err != nil {
				return err
			}
			if p, err = j.Proposal(p.ID); err != nil {
				return err
			}
			if p.State == gate.StatePending {
				c.printf("Signed %s as %s. %d approvers must sign; so far: %s.", p.ID, signer.Name, p.Needs, p.Approver)
				return nil
			}
			c.printf("Approved %s as %s. It runs once, when the agent repeats the call before %s.", p.ID, signer.Name,
				p.Expires.Local().Format(time.TimeOnly))
			s, err := j.Standing()
			if err != nil {
				return err
			}
			if s.Frozen {
				c.printf("But not while all writes are frozen, %s.", frozenBy(s))
			}
			if s.Tripped {
				c.printf("But not while the breaker is open, %s.", openAfter(s))
			}
			return nil
		})
	}
}

// prove makes sure that somebody has read p: by what is typed on the terminal
// or, without one, by the flags.
func (c *call) prove(p *gate.Proposal, code, target string) error {
	if c.terminal && code == "" {
		question := "Type the first six characters of the digest to approve: "
		if p.ByTarget() {
			question = "Type the name or the id of the first target to approve: "
		}
		fmt.Fprintln(c.stdout)
		typed, err := c.ask(question)
		return errors.Join(err, retyped(p, typed))
	}
	switch {
	case code == "":
		return fmt.Errorf("%s is not approved: without a terminal give -code", p.ID)
	case !strings.EqualFold(code, p.Code()):
		return fmt.Errorf("%s is not approved: that is not the beginning of its digest", p.ID)
	case !p.ByTarget():
		return nil
	case target == "":
		return fmt.Errorf("%s is not approved: it is destructive, give -target too", p.ID)
	}
	return retyped(p, target)
}

// retyped refuses what isn't what p is approved by.
func retyped(p *gate.Proposal, typed string) error {
	switch {
	case p.Retyped(typed):
		return nil
	case p.ByTarget():
		return fmt.Errorf("%s is not approved: that is not its first target", p.ID)
	}
	return fmt.Errorf("%s is not approved: that is not the beginning of its digest", p.ID)
}

func deny(_ *app, fs *flag.FlagSet) func(*call) error {
	reason := fs.String("reason", "", "why, for the agent to read: `TEXT`")
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			if err := j.Deny(c.arg, c.person(), *reason); err != nil {
				return err
			}
			c.printf("Denied %s.", c.arg)
			return nil
		})
	}
}

func freeze(_ *app, fs *flag.FlagSet) func(*call) error {
	reason := fs.String("reason", "", "why, for the journal: `TEXT`")
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			if err := j.Freeze(c.person(), *reason); err != nil {
				return err
			}
			c.printf("All writes are frozen. gate unfreeze ends it.")
			return nil
		})
	}
}

func unfreeze(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.signed(func(j *gate.Journal, s *gate.Signer) error {
			if err := j.Unfreeze(s); err != nil {
				return err
			}
			c.printf("Writes are no longer frozen.")
			return nil
		})
	}
}

func eventLine(e gate.Event) string {
	parts := []string{fmt.Sprintf("%6d  %s  %-10s", e.Seq, e.Time.Local().Format(time.DateTime), e.Kind)}
	add := func(label, value string) {
		if value != "" {
			parts = append(parts, label+screen.Shown(value))
		}
	}
	add("", e.ID)
	if p := e.Proposal; p != nil {
		add("", p.Op)
		add("asked by ", p.Principal)
		add("", p.Plan.Summary)
		add("", p.Object())
	}
	if g := e.Grant; g != nil {
		add("", fmt.Sprintf("%s on %s %s, %d calls until %s, for", g.Op, g.Kind, g.Target, g.Max, g.Expires.Local().Format(time.DateTime)))
		add("", g.Principal)
	}
	add("by ", e.Approver)
	add("- ", e.Detail)
	return strings.Join(parts, " ")
}

// ascii writes JSON with every character beyond ASCII as an escape.
func ascii(b []byte) string {
	var out strings.Builder
	for _, r := range string(b) {
		switch {
		case r < 0x7f:
			out.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&out, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}
