package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/witness"
)

func list(_ *app, fs *flag.FlagSet) func(*call) error {
	n := fs.Int("n", 20, "show the last `N` events, 0 for all")
	asJSON := fs.Bool("json", false, "one JSON object a line")
	follow := fs.Bool("follow", false, "go on with those that come, until interrupted")
	export := fs.String("export", "", "append all events that aren't there yet to this `FILE`, or send those that are shown to \"syslog\", syslog+udp://HOST:PORT or syslog+tcp://HOST:PORT, or print the last \"checkpoint\", for a witness: an anchor outside")
	old := fs.Uint64("old", 0, "of -export checkpoint: prove that it goes on from the first `N` events, which the witness has cosigned before")
	return func(c *call) error {
		if *export == "checkpoint" {
			return c.exportCheckpoint(*old, given(fs, "old"))
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		h, err := c.history()
		if err != nil {
			return err
		}
		l := &lister{call: c, history: h, n: *n, json: *asJSON, export: *export}
		return errors.Join(l.run(ctx, *follow), h.Close())
	}
}

// given reports whether a flag was.
func given(fs *flag.FlagSet, name string) (is bool) {
	fs.Visit(func(f *flag.Flag) { is = is || f.Name == name })
	return is
}

// exportCheckpoint prints the last checkpoint that an approver signed: as a note, or as
// the request to a witness that has cosigned the first old events.
func (c *call) exportCheckpoint(old uint64, request bool) error {
	h, err := c.history()
	if err != nil {
		return err
	}
	defer h.Close()
	last, err := witness.Latest(h.After(0, ""))
	if err != nil {
		return err
	}
	b, err := last.Note()
	if request {
		b, err = last.Request(old)
	}
	if err == nil {
		_, err = c.stdout.Write(b)
	}
	return err
}

// A lister shows events and copies them to where the journal's host can't
// change them.
type lister struct {
	*call
	history history
	n       int
	json    bool
	export  string
	last    uint64 // the event that was shown last
	hash    string
}

func (l *lister) run(ctx context.Context, follow bool) error {
	emit := l.show
	network, addr, toSyslog := syslogAt(l.export)
	switch {
	case l.export == "":
	case toSyslog:
		log, err := openSyslog(network, addr)
		if err != nil {
			return err
		}
		defer log.Close()
		emit = func(e gate.Event) error { return send(log, e) }
	default:
		f, err := l.openExport()
		if err != nil {
			return err
		}
		defer f.Close()
		emit = func(e gate.Event) error { return copyTo(f, e) }
		l.n = 0
	}
	for {
		if err := l.news(emit); err != nil {
			return err
		}
		l.n = 0 // from here on, all
		if !follow || ctx.Err() != nil {
			return nil
		}
		l.history.Watch(ctx, l.last)
	}
}

// syslogAt reports whether export is a system log, and where it is: nowhere in
// particular is this host's.
func syslogAt(export string) (network, addr string, ok bool) {
	rest, ok := strings.CutPrefix(export, "syslog")
	if !ok || rest == "" {
		return "", "", ok
	}
	if network, addr, ok = strings.Cut(rest, "://"); ok {
		network, ok = strings.CutPrefix(network, "+")
	}
	return network, addr, ok
}

// news hands the events that it hasn't seen to emit, the last n at most.
func (l *lister) news(emit func(gate.Event) error) error {
	take := func(e gate.Event) error {
		err := emit(e)
		if err == nil {
			l.last, l.hash = e.Seq, e.Hash
		}
		return err
	}
	if l.n > 0 {
		list, err := l.history.Tail(l.n)
		for _, e := range slices.Backward(list) {
			if err := take(e); err != nil {
				return err
			}
		}
		return err
	}
	for e, err := range l.history.After(l.last, l.hash) {
		if err == nil {
			err = take(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) show(e gate.Event) error {
	if !l.json {
		l.printf("%s", shown(eventLine(e)))
		return nil
	}
	b, err := json.Marshal(e)
	if err == nil {
		fmt.Fprintln(l.stdout, ascii(b))
	}
	return err
}

// openExport opens the copy, after making sure that the journal is still the one
// it is a copy of, and that its last line is whole.
func (l *lister) openExport() (*os.File, error) {
	f, err := os.OpenFile(l.export, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	err = func() error {
		b, err := io.ReadAll(f)
		if err != nil || len(b) == 0 {
			return err
		}
		if !bytes.HasSuffix(b, []byte("\n")) {
			return fmt.Errorf("%s ends in the middle of a line: mend it first", l.export)
		}
		anchors, err := gate.ReadAnchors(bytes.NewReader(b))
		if err != nil {
			return err
		}
		l.last = anchors.Last()
		l.hash = anchors.Events[l.last]
		_, err = l.history.Verify(anchors, false)
		return err
	}()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func copyTo(f *os.File, e gate.Event) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = f.WriteString(ascii(b) + "\n")
	return errors.Join(err, f.Sync())
}

// send writes what anchors an event, without its content.
func send(w io.Writer, e gate.Event) error {
	b, err := json.Marshal(struct {
		Seq      uint64         `json:"seq"`
		Hash     string         `json:"hash"`
		Kind     gate.EventKind `json:"kind"`
		ID       string         `json:"id,omitempty"`
		Approver string         `json:"approver,omitempty"`
	}{e.Seq, e.Hash, e.Kind, e.ID, e.Approver})
	if err == nil {
		_, err = io.WriteString(w, ascii(b))
	}
	return err
}

func verify(_ *app, fs *flag.FlagSet) func(*call) error {
	replay := fs.Bool("replay", false, "make the state anew from the first event on, and judge every signature and snapshot")
	anchor := fs.String("anchor", "", "compare with what this `FILE` knows: an export, a system log from elsewhere, or a checkpoint that witnesses have cosigned")
	var witnesses []string
	fs.Func("witness", "the `KEY` of a witness that must have cosigned that checkpoint, NAME+HASH+KEY; can be repeated", func(key string) error {
		witnesses = append(witnesses, key)
		return nil
	})
	return func(c *call) error {
		anchors, cosigned, err := readAnchor(*anchor, witnesses)
		if err != nil {
			return err
		}
		h, err := c.history()
		if err != nil {
			return err
		}
		defer h.Close()
		r, err := h.Verify(anchors, *replay)
		if err != nil {
			return err
		}
		c.printf("%d events, the chain holds. Head: %s", r.Events, r.Head)
		if r.First > 1 {
			c.printf("Those before event %d are not kept any more.", r.First)
		}
		if r.Checkpoints > 0 {
			c.printf("%d checkpoints; an approver vouches for all up to event %d.", r.Checkpoints, r.Vouched)
		}
		if r.Replayed {
			c.printf("The state was made anew: all signatures and snapshots are of this history.")
		}
		if anchors != nil {
			if len(anchors.Trees) > 0 {
				c.printf("The first %d events are those of the checkpoint.", anchors.Last())
			} else {
				c.printf("%d events are as the anchor knows them.", r.Anchored)
			}
			for _, by := range cosigned {
				c.printf("Cosigned by %s%s.", by.Witness, map[bool]string{false: " at " + by.At.Local().Format(time.DateTime)}[by.At.IsZero()])
			}
			if len(anchors.Trees) > 0 && len(cosigned) == 0 {
				c.printf("Nobody's cosignature was looked at: -witness KEY names who must have given one.")
			}
		}
		return nil
	}
}

// readAnchor reads an anchor, nil if file is "", and who has cosigned it.
func readAnchor(file string, witnesses []string) (*gate.Anchors, []witness.Cosignature, error) {
	if file == "" {
		if len(witnesses) > 0 {
			return nil, nil, usageError("-witness is about the checkpoint that -anchor names")
		}
		return nil, nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<20)
	if b, _ := r.Peek(1 << 20); witness.Is(b) || len(witnesses) > 0 {
		return witness.Open(b, witnesses)
	}
	a, err := gate.ReadAnchors(r)
	return a, nil, err
}

// frozenBy says who stopped all writes, and what ends it.
func frozenBy(s *gate.Standing) string { return "by " + s.FrozenWhy + "; gate unfreeze ends it" }

// openAfter says why the breaker is open, and what closes it.
func openAfter(s *gate.Standing) string { return "after " + s.TrippedWhy + "; gate reset closes it" }

func status(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		return c.withJournal(func(j *gate.Journal) error {
			s, err := j.Standing()
			if err != nil {
				return err
			}
			c.printf("journal    %s", j)
			c.printf("events     %d", s.Events)
			c.printf("head       %s", s.Head)
			c.printf("approvers  %d %s", len(s.Approvers), strings.Join(s.Approvers, ", "))
			c.printf("pending    %d", s.Pending)
			c.printf("frozen     %s", map[bool]string{true: "true, " + frozenBy(s), false: "false"}[s.Frozen])
			c.printf("breaker    %s", map[bool]string{true: "open, " + openAfter(s), false: "closed"}[s.Tripped])
			c.approvals()
			c.printf("in an hour %d denials, %d unknown outcomes", s.Denials, s.Unknowns)
			for _, u := range s.Used {
				c.printf("           %s: %d writes, %d destructive, %d proposals of which %d wait", u.Principal, u.Writes, u.Destructive, u.Proposals, u.Pending)
			}
			for _, g := range s.Grants {
				c.printf("granted    %s  %s on %s %s for %s, by %s, %d of %d used, until %s", g.ID, g.Op, g.Kind, g.Target, g.Principal, g.Approver,
					g.Used, g.Max, g.Expires.Local().Format(time.DateTime))
			}
			if len(s.Unknown) > 0 {
				c.printf("unknown    %d %s: look at the platform, then gate resolve", len(s.Unknown), strings.Join(s.Unknown, ", "))
			}
			if s.Ahead > 0 {
				c.printf("clock      the journal is %s ahead of this clock, so nothing is written: if this clock is right, gate clock says so", s.Ahead.Round(time.Second))
			}
			if s.Moved != nil {
				c.printf("place      %s", strings.TrimPrefix(s.Moved.Error(), "gate: journal: "))
			}
			if len(s.Approvers) == 0 {
				c.printf("Nobody can approve: run gate init, or start the servers with SALLYPORT_APPROVAL=client or host.")
			}
			return nil
		})
	}
}
