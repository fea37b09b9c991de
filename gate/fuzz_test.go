package gate

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate/journal"
)

// No text that a client sends back opens anything but the state itself.
func FuzzSealedState(f *testing.F) {
	w := newWorld(f)
	g := w.guard(client)
	op := newUndoable()
	p := op.pending(f, g, one)
	state, _ := asAdapter(g).Seal(p)
	other, _ := asAdapter(g).Seal(op.pending(f, g, comment{Case: "2"}))
	raw := must(base64.RawURLEncoding.DecodeString(state))
	raw[len(raw)-1] ^= 1
	for _, s := range []string{"", state[:len(state)-1], state + "A", other, base64.RawURLEncoding.EncodeToString(raw), strings.ToUpper(state)} {
		f.Add(s, p.Code())
	}
	f.Add(state, "")
	f.Add(state, p.Code()+"0")
	f.Fuzz(func(t *testing.T, s, code string) {
		if s == state && strings.EqualFold(strings.TrimSpace(code), p.Code()) {
			return
		}
		if err := asAdapter(g).Attest(t.Context(), p, s, code); err == nil {
			t.Fatalf("%q with %q was taken", s, code)
		}
	})
}

// A proposal's id is never mistaken for another, and what isn't one finds none.
func FuzzProposalID(f *testing.F) {
	w := newWorld(f)
	j := w.journal()
	p := newCounted().pending(f, w.guard(), one)
	for _, s := range []string{p.ID, "", "P-", strings.ToLower(p.ID), p.ID + "\x00", " " + p.ID, "..", "P-0000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, id string) {
		if id == p.ID {
			return
		}
		if got, err := j.Proposal(id); err == nil {
			t.Fatalf("%q is %s", id, got.ID)
		}
		if err := j.Approve(id, p.Digest, w.signer); err == nil {
			t.Fatalf("%q was approved", id)
		}
		if _, err := j.Grant(id, 1, maxGrant, w.signer); err == nil {
			t.Fatalf("%q was granted", id)
		}
	})
}

// A policy that is taken is complete, and no file opens more than it says.
func FuzzPolicyFile(f *testing.F) {
	for _, s := range []string{`{}`, `{"max_tier":"read"}`, `{"approval":{"write":"host"}}`, `{"budgets":{"pending":3}}`, `{"protected":["10.0.0.0/8","*.x"]}`, `{"ttl":"1h","TTL":"2h"}`, `[`, `{"ttl":"1h"}{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePolicy(b)
		if err != nil {
			return
		}
		if !bytes.Contains(bytes.ToLower(b), []byte("host")) && !bytes.Contains(b, []byte(`\u`)) && (p.Approval == ApprovalHost || p.Destructive == ApprovalHost) {
			t.Error("nobody asked for host")
		}
		if p.Budget.Writes < 0 || p.Budget.Destructive < 0 || p.Budget.Proposals < 0 || p.Budget.Pending < 0 || p.Breaker.Burst < 0 || p.TTL > maxTTL {
			t.Errorf("no bound: %+v", p)
		}
		p.Dir = t.TempDir()
		if _, err := New(p); err != nil {
			t.Error(err)
		}
	})
}

// However it is spelt, an address in a protected network is protected.
func FuzzProtected(f *testing.F) {
	p := must(newProtection([]string{"10.0.0.0/8", "fd00::/8", "dc01.corp.example"}))
	for _, s := range []string{"10.1.2.3", "::ffff:10.1.2.3", "http://10.0.0.1:80/", "dc01.corp.example.", "\x00", "[::1]:80", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p.covers(s)
		if net, ok := network(s); ok && net.Addr().Is4() && net.Addr().As4()[0] == 10 && !p.covers(s) {
			t.Errorf("%q isn't protected", s)
		}
	})
}

// Whatever lies beside the journal as a segment, offline and live reading agree.
func FuzzReadSegment(f *testing.F) {
	w := newWorld(f)
	op := newCounted()
	op.pending(f, w.guard(), one)
	first := w.read()
	if err := w.journal().Rotate(0); err != nil {
		f.Skip(err)
	}
	live := w.read()
	f.Add(first)
	f.Add([]byte{})
	f.Add(first[:len(first)-1])
	f.Add(live)
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := filepath.Join(t.TempDir(), "state")
		must(0, os.Mkdir(dir, 0o700))
		must(0, os.WriteFile(filepath.Join(dir, segmentName(1)), b, 0o600))
		must(0, os.WriteFile(filepath.Join(dir, journalFile), live, 0o600))
		_, offline := Verify(dir, nil)
		j := must(OpenJournal(dir))
		defer j.Close()
		if _, err := j.Frozen(); (err == nil) != (offline == nil) {
			t.Errorf("offline %v, live %v", offline, err)
		}
	})
}

func FuzzReadAnchors(f *testing.F) {
	f.Add([]byte(`x {"seq":1,"hash":"a"}` + "\n"))
	f.Add([]byte(`{"seq":`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ReadAnchors(bytes.NewReader(b))
		if err == nil && (a.Events[0] != "" || len(a.Events) > len(b)) {
			t.Errorf("%v", a)
		}
	})
}

// Whatever the list of approvers holds, each of them has a name that can be
// enrolled, a key of the right size, and stands there once.
func FuzzApprovers(f *testing.F) {
	key := "ed25519 " + strings.Repeat("A", 43) + "= "
	for _, s := range []string{"", "# nobody\n", key + "alice\n", key + "alice\n" + key + "bob", key + "(client)", "ed25519 AAAA alice", key + "a\u202eb"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := journal.ParseApprovers("f", b)
		if err != nil {
			return
		}
		names := map[string]bool{}
		for _, a := range list {
			if checkName(a.Name) != nil || len(a.Key) != ed25519.PublicKeySize || names[a.Name] || a.Name == clientName {
				t.Errorf("%q", a.Name)
			}
			names[a.Name] = true
		}
	})
}
