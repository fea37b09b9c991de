package witness

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/state"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// vouched returns a journal in a folder that an approver has signed n times, each time
// after some events, and the sizes of the checkpoints.
func vouched(t *testing.T, n int) (dir string, j *gate.Journal, alice *gate.Signer) {
	t.Helper()
	dir = t.TempDir() + "/state"
	alice = must(gate.NewSigner("alice"))
	must(0, gate.AddApprover(dir, alice.Approver()))
	j = must(gate.OpenJournal(dir))
	t.Cleanup(func() { j.Close() })
	for i := range n {
		for range i + 1 {
			must(0, j.Freeze("alice", "drill"))
		}
		must(0, j.Checkpoint(alice))
	}
	return dir, j, alice
}

// A witness as c2sp.org/tlog-witness describes it.
type witnessing struct {
	name string
	key  ed25519.PrivateKey
	log  note.Verifier
	size int64
	root tlog.Hash
}

func (w *witnessing) vkey() string {
	raw := append([]byte{algCosigning}, w.key.Public().(ed25519.PublicKey)...)
	sum := sha256.Sum256(slices.Concat([]byte(w.name), []byte("\n"), raw))
	return fmt.Sprintf("%s+%x+%s", w.name, sum[:4], base64.StdEncoding.EncodeToString(raw))
}

// add takes a request to cosign, and returns the checkpoint with the cosignature.
func (w *witnessing) add(body []byte) ([]byte, error) {
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	var old int64
	if _, err := fmt.Sscanf(lines[0], "old %d", &old); err != nil || !ok || old != w.size {
		return nil, fmt.Errorf("%q, %v: this witness is at %d", lines[0], err, w.size)
	}
	n, err := note.Open(signed, note.VerifierList(w.log))
	if err != nil {
		return nil, err
	}
	var origin, root string
	var size int64
	if _, err := fmt.Sscanf(n.Text, "%s\n%d\n%s\n", &origin, &size, &root); err != nil || origin != w.log.Name() {
		return nil, fmt.Errorf("%q: %v", n.Text, err)
	}
	now, err := tlog.ParseHash(root)
	if err != nil {
		return nil, err
	}
	if old > 0 && old < size {
		var proof tlog.TreeProof
		for _, l := range lines[1:] {
			proof = append(proof, must(tlog.ParseHash(l)))
		}
		if err := tlog.CheckTree(proof, size, now, old, w.root); err != nil {
			return nil, err
		}
	}
	w.size, w.root = size, now
	at := uint64(time.Now().Unix())
	sig := ed25519.Sign(w.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", at, n.Text))
	raw := must(base64.StdEncoding.DecodeString(strings.SplitN(w.vkey(), "+", 3)[2]))
	sum := sha256.Sum256(slices.Concat([]byte(w.name), []byte("\n"), raw))
	line := base64.StdEncoding.EncodeToString(slices.Concat(sum[:4], binary.BigEndian.AppendUint64(nil, at), sig))
	return fmt.Appendf(signed, "\u2014 %s %s\n", w.name, line), nil
}

func newWitness(t *testing.T, c *Checkpoint) *witnessing {
	t.Helper()
	_, key := must2(ed25519.GenerateKey(rand.Reader))
	return &witnessing{name: "witness.example/one", key: key, log: must(note.NewVerifier(must(c.Key())))}
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

func TestAWitnessCosignsEachCheckpointAndVerifyHoldsTheJournalToIt(t *testing.T) {
	_, j, alice := vouched(t, 1)
	w := newWitness(t, must(Latest(j.Events())))
	var cosigned []byte
	for i := range 9 {
		c := must(Latest(j.Events()))
		body := must(c.Request(uint64(w.size)))
		var err error
		if cosigned, err = w.add(body); err != nil {
			t.Fatalf("checkpoint %d: %v\n%s", i, err, body)
		}
		anchors, by, err := Open(cosigned, []string{w.vkey()})
		if err != nil || len(by) != 1 || by[0].Witness != w.name || time.Since(by[0].At) > time.Minute {
			t.Fatalf("%v, %v", by, err)
		}
		if r, err := j.Verify(anchors, true); err != nil || r.Anchored != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		for range i {
			must(0, j.Freeze("alice", "again"))
		}
		must(0, j.Checkpoint(alice))
	}
	_, other, _ := vouched(t, 20)
	anchors, _, _ := Open(cosigned, nil)
	if _, err := other.Verify(anchors, false); !errors.Is(err, gate.ErrJournal) || !strings.Contains(err.Error(), "another journal") {
		t.Errorf("another journal: %v", err)
	}
	_, short, _ := vouched(t, 1)
	if _, err := short.Verify(anchors, false); !errors.Is(err, gate.ErrJournal) || !strings.Contains(err.Error(), "cut or rolled back") {
		t.Errorf("a journal that was cut: %v", err)
	}
}

func TestWhatIsNotCosignedIsNoAnchor(t *testing.T) {
	_, j, _ := vouched(t, 1)
	c := must(Latest(j.Events()))
	w, other := newWitness(t, c), newWitness(t, c)
	other.name = "witness.example/two"
	cosigned := must(w.add(must(c.Request(0))))
	for name, err := range map[string]error{
		"by another":       third(Open(cosigned, []string{w.vkey(), other.vkey()})),
		"by nobody":        third(Open(must(c.Note()), []string{w.vkey()})),
		"what was changed": third(Open(bytes.Replace(cosigned, []byte("\n3\n"), []byte("\n4\n"), 1), []string{w.vkey()})),
		"not a key":        third(Open(cosigned, []string{"witness.example"})),
		"a broken key":     third(Open(cosigned, []string{strings.Replace(w.vkey(), "+", "+0", 1)})),
		"no checkpoint":    third(Open([]byte("hello\n\n\u2014 x AAAAAAA=\n"), nil)),
		"nothing":          third(Open(nil, nil)),
	} {
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := c.Request(c.Size + 1); err == nil {
		t.Error("a proof from more events than there are")
	}
}

// Another's program cosigned this (c2sp.org/tlog-cosignature).
func TestWhatAWitnessOfAnotherMakeCosignedIsRead(t *testing.T) {
	const (
		witness = "witness.example/w1+d8962f99+BE2mt8Q+O3MY0irSAGHi4bpsDSwOi3+QqePuWIb5cMgu"
		noted   = "sallyport/journal/1e965bd19da0bbef631ad0e2eaf0dd8a\n" +
			"52\n" +
			"lU4AWDsu1w0skNJctvbd99Remp47xZ2NR3Skyem64a8=\n" +
			"\n" +
			"\u2014 sallyport/journal/1e965bd19da0bbef631ad0e2eaf0dd8a 4aqmjbKbWVwm1N1UACQphq8arSBteJ1CdGT1omkKUGel6uFTMFwIt8QaWxIKPYPBiuVlhNYGjK68NhAyqyO3kWEVrwQ=\n" +
			"\u2014 witness.example/w1 2JYvmQAAAABrDXTuQrSL7PbjCyU46eijEI6dyT9Kyyp9wqITiPZJZvnZiLiYhxRGvoR7xCOlI1Muj82tQnYZL/0apjs3n1abEWU8Dw==\n"
	)
	anchors, by, err := Open([]byte(noted), []string{witness})
	if err != nil || len(by) != 1 || by[0].Witness != "witness.example/w1" || by[0].At.Unix() != 1796044014 {
		t.Fatalf("%+v, %v", by, err)
	}
	if tree := anchors.Trees[52]; tree.Text != noted[:strings.Index(noted, "\n\n")+1] || len(tree.Sigs) != 1 {
		t.Errorf("%+v", anchors)
	}
}

func TestAnAnchorThatWasChangedInAnyLineIsRefused(t *testing.T) {
	_, j, _ := vouched(t, 3)
	c := must(Latest(j.Events()))
	w := newWitness(t, c)
	cosigned := string(must(w.add(must(c.Request(0)))))
	verify := func(note string) error {
		anchors, _, err := Open([]byte(note), []string{w.vkey()})
		if err != nil {
			return err
		}
		return second(j.Verify(anchors, false))
	}
	if err := verify(cosigned); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(cosigned, "\n"), "\n")
	for i, line := range lines {
		rest := func(with string) string {
			return strings.Join(slices.Concat(lines[:i], []string{with}, lines[i+1:]), "") + "\n"
		}
		if err := verify(rest("")); err == nil {
			t.Errorf("without %q: taken", line)
		}
		for at := range line {
			for _, with := range []string{"A", "B", "3", "\n"} {
				if changed := line[:at] + with + line[at+1:]; !bytes.Equal(meaning(changed), meaning(line)) && verify(rest(changed)) == nil {
					t.Errorf("%q for %q: taken", changed, line)
				}
			}
		}
	}
	if err := verify(strings.Replace(cosigned, "\n\n", "\nmore\n\n", 1)); err == nil {
		t.Error("with a line more: taken")
	}
}

// Whoever cuts off the event of a checkpoint, or shows one that no approver signed in the
// journal, is found.
func TestACheckpointIsAnAnchorOnlyWithTheEventInWhichItWasSigned(t *testing.T) {
	dir, j, alice := vouched(t, 1)
	mine := must(Latest(j.Events()))
	tree := &state.Tree{}
	for e, err := range j.Events() {
		tree.Add(must(e, err).Hash)
	}
	elsewhere := &Checkpoint{Origin: tree.Origin, Size: tree.Size, Text: string(tree.Checkpoint()), key: alice.Approver().Key, sig: must(alice.Sign(tree.Checkpoint()))}
	must(0, j.Freeze("alice", "more"))
	anchors, _, err := Open(must(elsewhere.Note()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Verify(anchors, false); !errors.Is(err, gate.ErrJournal) || !strings.Contains(err.Error(), "signature") {
		t.Errorf("signed elsewhere: %v", err)
	}
	anchors, _, _ = Open(must(mine.Note()), nil)
	must(j.Verify(anchors, false))
	file := filepath.Join(dir, "journal.jsonl")
	lines := bytes.SplitAfter(must(os.ReadFile(file)), []byte("\n"))
	must(0, os.WriteFile(file, bytes.Join(lines[:mine.Size], nil), 0o600))
	if _, err := gate.Verify(dir, anchors); !errors.Is(err, gate.ErrJournal) || !strings.Contains(err.Error(), "cut or rolled back") {
		t.Errorf("without the event of the checkpoint: %v", err)
	}
}

// meaning is what a line says: the last letter of a base64 text may have bits of none.
func meaning(line string) []byte {
	name, sig, ok := strings.Cut(strings.TrimPrefix(line, "\u2014 "), " ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(sig, "\n"))
	if !ok || err != nil || !strings.HasPrefix(line, "\u2014 ") {
		return []byte(line)
	}
	return append([]byte(name), raw...)
}

func second[A any](_ A, err error) error { return err }

func third[A, B any](_ A, _ B, err error) error { return err }

func TestNobodyHasVouchedYet(t *testing.T) {
	_, j, _ := vouched(t, 0)
	if _, err := Latest(j.Events()); !errors.Is(err, ErrNone) {
		t.Errorf("%v", err)
	}
}

// A journal whose beginning isn't kept goes on proving what it goes on from.
func TestTheTreeGoesOnWhereTheBeginningIsNotKept(t *testing.T) {
	for cut := range 20 {
		var hashes []string
		whole, edge := &state.Tree{}, &state.Tree{}
		var all tree
		for i := range 33 {
			h := fmt.Sprintf("%064x", i)
			hashes = append(hashes, h)
			whole.Add(h)
			all.leaves = append(all.leaves, tlog.Hash(state.Leaf(h)))
			if i < cut {
				edge.Add(h)
			}
		}
		var kept tree
		kept.before(edge)
		for _, h := range hashes[cut:] {
			kept.leaves = append(kept.leaves, tlog.Hash(state.Leaf(h)))
		}
		if want := must(tlog.TreeHash(33, &kept)); !bytes.Equal(want[:], whole.Root()) {
			t.Errorf("cut at %d: another root", cut)
		}
		for old := max(1, cut); old < 33; old++ {
			got, want := must(tlog.ProveTree(33, int64(old), &kept)), must(tlog.ProveTree(33, int64(old), &all))
			if !slices.Equal(got, want) {
				t.Errorf("cut at %d, from %d on: another proof", cut, old)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("sallyport/journal/x\n3\nAAAA\n\n\u2014 x AAAAAAA=\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, _, err := Open(b, nil); err == nil && len(a.Trees) != 1 {
			t.Errorf("%+v", a)
		}
	})
}
