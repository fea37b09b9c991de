package gate

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
)

func needsRotation(t testing.TB) {
	t.Helper()
	if onDatabase {
		t.Skip("it is about files")
	}
	if runtime.GOOS == "windows" {
		t.Skip("an open file can't be renamed here, so the journal isn't rotated")
	}
}

func TestARotatedJournalGoesOn(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	op := newCounted()
	live, other := w.guard(), w.journal() // both have the first file open
	must(other.Frozen())
	p, q := op.pending(t, live, one), op.pending(t, live, comment{Case: "2"})
	w.approve(p)
	for range 3 {
		must(0, w.journal().Rotate(0))
	}
	late := must(openJournal(w.folder(), nil, nil, w.now)) // opened now, used later
	t.Cleanup(func() { late.Close() })
	must(0, w.journal().Rotate(0))
	if list := must(closed(w.folder())); len(list) != 4 || list[0].First != 1 {
		t.Fatalf("%+v", list)
	}
	for name, j := range map[string]*Journal{"before": must(live.Journal()), "idle": other, "late": late, "new": w.journal()} {
		if got := must(j.Proposal(p.ID)); got.State != StateApproved {
			t.Errorf("%s: %s", name, got.State)
		}
		if n := len(must(j.Pending())); n != 1 {
			t.Errorf("%s: %d pending", name, n)
		}
	}
	op.do(t, live, one)
	op.ran(t, 1)
	if res := op.do(t, w.guard(), one); !res.Repeated {
		t.Errorf("a new process: %s", res.State)
	}
	must(0, other.Approve(q.ID, q.Digest, w.signer))
	op.do(t, w.guard(), comment{Case: "2"})
	op.ran(t, 2)
	if r := must(w.verify()); r.First != 1 || r.Events < 10 {
		t.Errorf("%+v", r)
	}
	for _, s := range must(closed(w.folder())) {
		if fi := must(os.Stat(s.Name)); fi.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s", s.Name, fi.Mode())
		}
	}
}

func TestALargeJournalRotatesByItself(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	op := newCounted()
	for i := range 12 {
		op.do(t, w.guard(host, func(p *Policy) { p.RotateAt = 4096 }), comment{Case: fmt.Sprint(i)})
	}
	if n := len(must(closed(w.folder()))); n < 2 {
		t.Errorf("%d closed segments", n)
	}
	must(w.verify())
	op.ran(t, 12)
}

func TestTheSegmentsAreOneChain(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	op := newCounted()
	for i := range 3 {
		op.do(t, w.guard(host), comment{Case: fmt.Sprint(i)})
		must(0, w.journal().Rotate(0))
	}
	list := must(closed(w.folder()))
	for name, attack := range map[string]func(){
		"changed": func() {
			b := must(os.ReadFile(list[1].Name))
			must(0, os.WriteFile(list[1].Name, bytes.Replace(b, []byte("comment"), []byte("cOmment"), 1), 0o600))
		},
		"cut": func() {
			b := must(os.ReadFile(list[1].Name))
			must(0, os.WriteFile(list[1].Name, b[:bytes.LastIndexByte(b[:len(b)-1], '\n')+1], 0o600))
		},
		"torn": func() {
			b := must(os.ReadFile(list[1].Name))
			must(0, os.WriteFile(list[1].Name, b[:len(b)-9], 0o600))
		},
		"missing": func() { must(0, os.Remove(list[1].Name)) },
		"swapped": func() {
			b := must(os.ReadFile(list[0].Name))
			must(0, os.WriteFile(list[1].Name, b, 0o600))
		},
		"a strange name": func() {
			must(0, os.WriteFile(filepath.Join(w.folder(), "journal-x.jsonl"), nil, 0o600))
		},
	} {
		before := must(os.ReadFile(list[1].Name))
		attack()
		if _, err := w.verify(); !errors.Is(err, ErrJournal) {
			t.Errorf("%s: offline: %v", name, err)
		}
		if _, err := w.journal().Frozen(); !errors.Is(err, ErrJournal) {
			t.Errorf("%s: a new process: %v", name, err)
		}
		must(0, os.WriteFile(list[1].Name, before, 0o600))
		os.Remove(filepath.Join(w.folder(), "journal-x.jsonl")) //nolint:errcheck // mostly not there
	}
	must(w.verify())
}

func TestAReplacedFileIsNoRotation(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	op := newCounted()
	g := w.guard()
	op.pending(t, g, one)
	last := must(must(g.Journal()).Tail(1))[0]
	for _, e := range map[string]Event{
		"not a genesis":      {Kind: EventFrozen, Seq: last.Seq + 1, Prev: last.Hash},
		"of another chain":   {Kind: EventGenesis, Seq: last.Seq + 1, Prev: strings.Repeat("0", 64)},
		"from another place": {Kind: EventGenesis, Seq: last.Seq + 2, Prev: last.Hash},
	} {
		line, _, err := encodeEvent(e)
		must(0, err)
		must(0, os.WriteFile(w.file()+".x", line, 0o600))
		must(0, os.Rename(w.file(), w.file()+".old"))
		must(0, os.Rename(w.file()+".x", w.file()))
		op.refused(t, g, one, ReasonJournal)
		must(0, os.Rename(w.file()+".old", w.file()))
		op.pending(t, g, one)
	}
}

func TestSegmentsThatNothingNeedsAreDeletedInTime(t *testing.T) {
	needsRotation(t)
	w := newWorld(t)
	op := newCounted()
	j := w.journal()
	op.do(t, w.guard(host), comment{Case: "old"})
	must(0, j.Rotate(minRetention))
	op.pending(t, w.guard(), comment{Case: "x"})
	must(0, j.Freeze("anybody", "")) // which stands until it is ended
	must(0, j.Rotate(minRetention))
	if n := len(must(closed(w.folder()))); n != 2 {
		t.Fatalf("%d segments", n)
	}
	w.sleep(minRetention + time.Hour)
	must(0, j.Rotate(time.Nanosecond)) // no retention is shorter than two days
	if list := must(closed(w.folder())); len(list) > 0 && list[0].First == 1 {
		t.Errorf("%+v", list)
	}
	for _, fresh := range []*Journal{j, w.journal()} {
		if !must(fresh.Frozen()) {
			t.Error("the freeze was forgotten")
		}
	}
	must(0, w.journal().Unfreeze(w.signer))
	must(0, j.Rotate(minRetention))
	if r := must(w.verify()); r.First < 5 {
		t.Errorf("%+v", r)
	}
	op.pending(t, w.guard(), comment{Case: "y"}) // on what is left
}

func TestAnAnchorShowsARollbackAndARewrite(t *testing.T) {
	w := newWorld(t)
	op := newCounted()
	g := w.guard(host)
	op.do(t, g, one)
	before := w.read()
	op.do(t, g, comment{Case: "2"})
	anchor := "Nov 22 host sallyport[1]: " + strings.ReplaceAll(strings.TrimSpace(string(w.read())), "\n", "\nNov 22 host sallyport[1]: ") + "\nother line\n{\"seq\":"
	anchors := must(ReadAnchors(strings.NewReader(anchor)))
	if r := must(w.journal().Verify(anchors, false)); r.Anchored != 10 || r.Events != 10 {
		t.Errorf("%+v", r)
	}
	op.do(t, g, comment{Case: "3"})
	must(w.journal().Verify(anchors, false)) // it may have grown since

	w.write(before)
	must(w.verify()) // the chain alone can't tell
	if _, err := w.journal().Verify(anchors, false); !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), "rolled back") {
		t.Errorf("rolled back: %v", err)
	}
	for i := range 3 { // another history of the same length and more
		op.do(t, w.guard(host), comment{Case: fmt.Sprint("other", i)})
	}
	if _, err := w.journal().Verify(anchors, false); !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), "rewritten") {
		t.Errorf("rewritten: %v", err)
	}
	if _, err := w.journal().Verify(&Anchors{}, false); err == nil {
		t.Error("an empty anchor proves nothing")
	}
	if _, err := ReadAnchors(strings.NewReader(`{"seq":1,"hash":"a"}` + "\n" + `{"seq":1,"hash":"b"}`)); err == nil {
		t.Error("an anchor with two histories was taken")
	}
}

func TestAJournalOnANetworkFileSystemIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, remote := range map[string]func(string) (string, error){
		"NFS":     func(string) (string, error) { return "NFS", nil },
		"no idea": func(string) (string, error) { return "", errors.New("no idea") },
	} {
		if _, err := filestore.OpenOn(remote, w.folder(), filestore.Owners{}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.journal()
}
