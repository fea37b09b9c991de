package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/keyring"
	"github.com/sallyport-soc/sallyport/gate/postgres"
	"github.com/sallyport-soc/sallyport/gate/witness"
)

// signed opens the approver's key and the journal for do.
func (c *call) signed(do func(*gate.Journal, *gate.Signer) error) error {
	s, err := c.signer()
	if err != nil {
		return err
	}
	return c.withJournal(func(j *gate.Journal) error { return do(j, s) })
}

func reset(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.signed(func(j *gate.Journal, s *gate.Signer) error {
			if err := j.Reset(s); err != nil {
				return err
			}
			c.printf("The breaker is closed and counts anew.")
			return nil
		})
	}
}

func adopt(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.signed(func(j *gate.Journal, s *gate.Signer) error {
			stands, err := j.Standing()
			if err != nil {
				return err
			}
			if stands.Moved == nil {
				c.printf("This is the journal's place already. Nothing was changed.")
				return nil
			}
			if err := j.Adopt(s); err != nil {
				return err
			}
			c.printf("This is the journal's place from now on. What waited is void.")
			return nil
		})
	}
}

func setClock(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.signed(func(j *gate.Journal, s *gate.Signer) error {
			if err := j.SetClock(s); err != nil {
				return err
			}
			c.printf("The journal goes by this clock: %s. What waited while it was ahead is void.", time.Now().Format(time.DateTime))
			return nil
		})
	}
}

func migrate(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		if journal.IsAddress(c.state) {
			return usageError("migrate moves a folder: name it with -state")
		}
		if !journal.IsAddress(c.arg) {
			return usageError("migrate moves into a database: postgres://USER@HOST:PORT/DATABASE")
		}
		return c.signed(func(from *gate.Journal, s *gate.Signer) error {
			to, err := postgres.Open(c.arg)
			if err != nil {
				return err
			}
			j := journal.New(to, journal.Options{})
			n, err := from.Migrate(j, s)
			if err != nil {
				return errors.Join(err, j.Close())
			}
			c.printf("Moved %d events and the approvers to %s. Servers and this command use it with SALLYPORT_STATE.", n, j)
			c.printf("Writes in the folder are frozen for good: don't end that freeze. What waited is void.")
			return j.Close()
		})
	}
}

func strike(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		if err := c.withRoll(func(r journal.Roll) error { return r.StrikeApprover(c.arg) }); err != nil {
			return err
		}
		return c.withJournal(func(j *gate.Journal) error {
			n, err := j.Approvers()
			if err == nil {
				c.printf("%s is no approver any more. %d are left.", c.arg, n)
			}
			return err
		})
	}
}

// approvals says who approves what. It can only speak of this environment: a server
// may be started in another.
func (c *call) approvals() {
	var environ []string
	for _, name := range []string{"SALLYPORT_APPROVAL", "SALLYPORT_POLICY"} {
		if v := c.env(name); v != "" {
			environ = append(environ, name+"="+v)
		}
	}
	p, err := gate.PolicyFrom(environ)
	if err != nil {
		c.printf("approval   unknown: %s", strings.TrimPrefix(err.Error(), "gate: "))
		return
	}
	c.printf("writes     approved by %s", p.Who(gate.TierWrite))
	c.printf("           destructive ones by %s; as this environment says, servers may be started in another", p.Who(gate.TierDestructive))
}

func checkpoint(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.signed(func(j *gate.Journal, s *gate.Signer) error {
			if _, err := j.Verify(nil, false); err != nil {
				return err
			}
			if err := j.Checkpoint(s); err != nil {
				return err
			}
			c.printf("Vouched for the journal so far as %s.", s.Name)
			last, err := witness.Latest(j.Events())
			if err != nil {
				return nil //nolint:nilerr // it was cut before it kept a tree: no witness takes it
			}
			key, err := last.Key()
			if err != nil {
				return err
			}
			c.printf("A witness is shown it by gate log -export checkpoint, and knows it by this key: %s", key)
			return nil
		})
	}
}

func resolve(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		outcome := gate.State(c.args[1])
		if outcome != gate.StateExecuted && outcome != gate.StateFailed {
			return usageError(fmt.Sprintf("an outcome is executed or failed, not %q", c.args[1]))
		}
		return c.signed(func(j *gate.Journal, s *gate.Signer) error {
			if err := j.Resolve(c.arg, outcome, s); err != nil {
				return err
			}
			c.printf("%s counts as %s.", c.arg, string(outcome))
			p, err := j.Proposal(c.arg)
			if err != nil || outcome != gate.StateExecuted {
				return err
			}
			again, err := j.Again(p)
			for _, q := range again {
				c.printf("But %s, the same call, is %s: gate deny %s, unless it is to be done twice.", q.ID, q.State, q.ID)
			}
			return err
		})
	}
}

func replay(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			p, err := j.Replay(c.arg, 0)
			if err != nil {
				return err
			}
			fmt.Fprint(c.stdout, gate.Render(p))
			c.printf("\nIt waits for approval as %s; nothing that was approved for %s counts for it.", p.ID, c.arg)
			return nil
		})
	}
}

func grant(_ *app, fs *flag.FlagSet) func(*call) error {
	count := fs.Int("count", 5, "at most `N` calls")
	length := fs.Duration("for", 8*time.Hour, "for this `LONG`, at most 24h")
	code := fs.String("code", "", "the first six characters of the digest, `HEX6`, where no terminal is at hand")
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			p, err := j.Shown(c.arg)
			if err != nil {
				return err
			}
			fmt.Fprint(c.stdout, gate.Render(p))
			c.printf("\nThis would approve beforehand at most %d calls of %s by %s on the same target, that set nothing but %s, to any values, for %s.",
				*count, p.Op, p.Principal, cmp.Or(strings.Join(p.Plan.Fields(), ", "), "no field"), length.String())
			if err := c.prove(p, *code, ""); err != nil {
				return err
			}
			s, err := c.signer()
			if err != nil {
				return err
			}
			g, err := j.Grant(p.ID, *count, *length, s)
			if err != nil {
				return err
			}
			c.printf("Granted %s as %s until %s. gate revoke %s ends it. It covers %s too, if that is still to run.", g.ID, s.Name,
				g.Expires.Local().Format(time.DateTime), g.ID, p.ID)
			return nil
		})
	}
}

func revoke(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			if err := j.Revoke(c.arg, c.person()); err != nil {
				return err
			}
			c.printf("Revoked %s.", c.arg)
			return nil
		})
	}
}

func enrol(_ *app, fs *flag.FlagSet) func(*call) error {
	name := fs.String("name", "", "the approver's `NAME` (default: the comment of the key)")
	return func(c *call) error {
		b, err := os.ReadFile(c.arg)
		if err != nil {
			return err
		}
		a, err := keyring.ParseLine(string(b))
		if err != nil {
			return err
		}
		if *name != "" {
			a.Name = *name
		}
		if err := c.withRoll(func(r journal.Roll) error { return r.AddApprover(a) }); err != nil {
			return err
		}
		c.printf("Enrolled %s in: %s", a.Name, c.where())
		return nil
	}
}

func rotate(_ *app, fs *flag.FlagSet) func(*call) error {
	keep := fs.Duration("keep", 0, "delete closed segments that are older than this `LONG` and that nothing needs; 0 keeps all")
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			if err := j.Rotate(*keep); err != nil {
				return err
			}
			c.printf("A new segment was begun.")
			return nil
		})
	}
}
