package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/sallyport-soc/sallyport/gate"
)

func initialise(_ *app, fs *flag.FlagSet) func(*call) error {
	name := fs.String("name", "", "the approver's `NAME` (default: the user's)")
	return func(c *call) error {
		signer, err := c.ownKey(*name)
		if err != nil {
			return err
		}
		enrolled, err := gate.Approvers(c.state)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(enrolled, func(a gate.Approver) bool { return a.Name == signer.Name }) {
			return fmt.Errorf("%s is enrolled already in %s: nothing was changed", signer.Name, c.state)
		}
		if _, err := os.Lstat(c.key); errors.Is(err, os.ErrNotExist) {
			if err := signer.Save(c.key); err != nil {
				return err
			}
			c.printf("Made the key of approver %s: %s", signer.Name, c.key)
		} else {
			c.printf("Kept the key of approver %s: %s", signer.Name, c.key)
		}
		if err := gate.AddApprover(c.state, signer.Approver()); err != nil {
			return err
		}
		c.printf("Enrolled its public half in: %s", c.state)
		c.printf("Keep the key where the agent can't read it: whoever has it approves in your name.")
		c.printf("An agent with a shell under your user can read it; run the servers as another user, or move the key and give -key.")
		return nil
	}
}

// ownKey returns the key that is there, or else a new one that isn't saved yet.
func (c *call) ownKey(name string) (*gate.Signer, error) {
	if _, err := os.Lstat(c.key); errors.Is(err, os.ErrNotExist) {
		if name == "" {
			name = osUser()
		}
		return gate.NewSigner(name)
	}
	s, err := gate.LoadSigner(c.key)
	if err != nil {
		return nil, err
	}
	if name != "" && name != s.Name {
		return nil, fmt.Errorf("%s is the key of %s and is not replaced: give -key FILE for another", c.key, s.Name)
	}
	return s, nil
}

// withJournal opens the journal for do.
func (c *call) withJournal(do func(*gate.Journal) error) error {
	j, err := gate.OpenJournal(c.state)
	if err != nil {
		return err
	}
	return errors.Join(do(j), j.Close())
}

func pending(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			list, err := j.Pending()
			if err != nil {
				return err
			}
			for _, p := range list {
				c.printf("%s  %-11s  %s  %s  by %s, until %s", p.ID, p.Tier.String(), p.Op, shown(gate.Shown(p.Plan.Summary)), p.Principal,
					p.Expires.Local().Format(time.TimeOnly))
			}
			if len(list) == 0 {
				c.printf("Nothing is pending.")
			}
			return nil
		})
	}
}

func show(_ *app, fs *flag.FlagSet) func(*call) error {
	input := fs.Bool("input", false, "show the whole input too")
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			p, err := j.Proposal(c.arg)
			if err != nil {
				return err
			}
			fmt.Fprint(c.stdout, gate.Render(p))
			if *input {
				c.printf("\nINPUT        %s", string(p.Input))
			}
			return nil
		})
	}
}

func approve(_ *app, fs *flag.FlagSet) func(*call) error {
	code := fs.String("code", "", "the first six characters of the digest, `HEX6`, where no terminal is at hand")
	target := fs.String("target", "", "the `NAME` or id of the first target, for a destructive operation")
	return func(c *call) error {
		signer, err := gate.LoadSigner(c.key)
		if err != nil {
			return err
		}
		return c.withJournal(func(j *gate.Journal) error {
			p, err := j.Proposal(c.arg)
			if err != nil {
				return err
			}
			fmt.Fprint(c.stdout, gate.Render(p))
			if p.State != gate.StatePending {
				return fmt.Errorf("%s is %s, not pending", p.ID, p.State)
			}
			digest, err := p.ComputeDigest()
			if err != nil {
				return err
			}
			if digest != p.Digest {
				return fmt.Errorf("%s: its digest is not that of its content", p.ID)
			}
			if err := c.prove(p, *code, *target); err != nil {
				return err
			}
			if err := j.Approve(p.ID, digest, signer); err != nil {
				return err
			}
			c.printf("Approved %s as %s. It runs once, when the agent repeats the call before %s.", p.ID, signer.Name,
				p.Expires.Local().Format(time.TimeOnly))
			return nil
		})
	}
}

// prove makes sure that somebody has read p: by what is typed on the terminal
// or, without one, by the flags.
func (c *call) prove(p *gate.Proposal, code, target string) error {
	byTarget := p.Tier == gate.TierDestructive && len(p.Plan.Targets) > 0
	if c.terminal && code == "" {
		fmt.Fprintln(c.stdout)
		if byTarget {
			typed, err := c.ask("Type the name or the id of the first target to approve: ")
			return errors.Join(err, provedTarget(p, typed))
		}
		typed, err := c.ask("Type the first six characters of the digest to approve: ")
		return errors.Join(err, provedCode(p, typed))
	}
	switch {
	case code == "":
		return fmt.Errorf("%s is not approved: without a terminal give -code", p.ID)
	case byTarget && target == "":
		return fmt.Errorf("%s is not approved: it is destructive, give -target too", p.ID)
	case byTarget:
		return errors.Join(provedCode(p, code), provedTarget(p, target))
	}
	return provedCode(p, code)
}

func provedCode(p *gate.Proposal, typed string) error {
	if !strings.EqualFold(typed, p.Code()) {
		return fmt.Errorf("%s is not approved: that is not the beginning of its digest", p.ID)
	}
	return nil
}

func provedTarget(p *gate.Proposal, typed string) error {
	t := p.Plan.Targets[0]
	names := []string{t.ID, t.Name, gate.Escape(t.ID), gate.Escape(t.Name)}
	if typed == "" || !slices.Contains(names, typed) {
		return fmt.Errorf("%s is not approved: that is not its first target", p.ID)
	}
	return nil
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
		signer, err := gate.LoadSigner(c.key)
		if err != nil {
			return err
		}
		return c.withJournal(func(j *gate.Journal) error {
			if err := j.Unfreeze(signer); err != nil {
				return err
			}
			c.printf("Writes are no longer frozen.")
			return nil
		})
	}
}

func list(_ *app, fs *flag.FlagSet) func(*call) error {
	n := fs.Int("n", 20, "show the last `N` events, 0 for all")
	asJSON := fs.Bool("json", false, "one JSON object a line")
	return func(c *call) error {
		var last []gate.Event
		for e, err := range gate.Events(c.state) {
			if err != nil {
				return err
			}
			if last = append(last, e); *n > 0 && len(last) > *n {
				last = last[1:]
			}
		}
		for _, e := range last {
			if !*asJSON {
				c.printf("%s", shown(eventLine(e)))
				continue
			}
			b, err := json.Marshal(e)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.stdout, ascii(b))
		}
		return nil
	}
}

func eventLine(e gate.Event) string {
	parts := []string{fmt.Sprintf("%6d  %s  %-10s", e.Seq, e.Time.UTC().Format(time.RFC3339), e.Kind)}
	add := func(label, value string) {
		if value != "" {
			parts = append(parts, label+gate.Shown(value))
		}
	}
	add("", e.ID)
	if p := e.Proposal; p != nil {
		add("", p.Op)
		add("asked by ", p.Principal)
		add("", p.Plan.Summary)
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

func verify(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		count, head, err := walk(c.state)
		if err != nil {
			return err
		}
		c.printf("%d events, the chain holds. Head: %s", count, head)
		return nil
	}
}

// walk returns how many events the journal holds and the hash of the last one.
func walk(dir string) (count uint64, head string, err error) {
	for e, err := range gate.Events(dir) {
		if err != nil {
			return count, head, err
		}
		count, head = e.Seq, e.Hash
	}
	return count, head, nil
}

func status(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			waiting, err := j.Pending()
			if err != nil {
				return err
			}
			frozen, err := j.Frozen()
			if err != nil {
				return err
			}
			approvers, err := gate.Approvers(c.state)
			if err != nil {
				return err
			}
			count, head, err := walk(c.state)
			if err != nil {
				return err
			}
			var names []string
			for _, a := range approvers {
				names = append(names, a.Name)
			}
			c.printf("journal    %s", filepath.Join(c.state, "journal.jsonl"))
			c.printf("events     %d", count)
			c.printf("head       %s", head)
			c.printf("approvers  %d %s", len(names), strings.Join(names, ", "))
			c.printf("pending    %d", len(waiting))
			c.printf("frozen     %t", frozen)
			if len(names) == 0 {
				c.printf("Nobody can approve: run gate init, or start the servers with SALLYPORT_APPROVAL=client or host.")
			}
			return nil
		})
	}
}
