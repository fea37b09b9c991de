package keyring_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/keyring"
)

const passphrase = "correct horse"

func typed(s string) func() ([]byte, error) { return func() ([]byte, error) { return []byte(s), nil } }

func create(t *testing.T, name string, secret []byte) (file string, s *gate.Signer) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "deep", "approver.key")
	s, err := keyring.Create(file, name, secret)
	if err != nil {
		t.Fatal(err)
	}
	return file, s
}

// approves reports what comes of approving a proposal with s, where a is enrolled.
func approves(t *testing.T, s *gate.Signer, a gate.Approver) error {
	t.Helper()
	g, err := gate.New(gate.Policy{Max: gate.TierWrite, Dir: filepath.Join(t.TempDir(), "state"), Approvers: []gate.Approver{a}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	type note struct{ Text string }
	op := gate.Write("note", func(context.Context, note) (string, error) { return "", nil }, "Note.")
	res, err := op.Do(t.Context(), g, &note{"x"})
	if err != nil {
		t.Fatal(err)
	}
	j, err := g.Journal()
	if err != nil {
		t.Fatal(err)
	}
	return j.Approve(res.Proposal.ID, res.Proposal.Digest, s)
}

func TestAKeyIsEncryptedAndOpensWithItsPassphrase(t *testing.T) {
	file, made := create(t, "alice", []byte(passphrase))
	b, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(b, []byte("-----BEGIN OPENSSH PRIVATE KEY-----")) {
		t.Fatalf("%.40s, %v", b, err)
	}
	if fi, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	opened, err := keyring.Open(file, typed(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	if opened.Name != "alice" || !opened.Approver().Key.Equal(made.Approver().Key) {
		t.Error("another key came back")
	}
	if err := approves(t, opened, made.Approver()); err != nil {
		t.Error(err)
	}
	gone := errors.New("no terminal")
	for name, ask := range map[string]func() ([]byte, error){
		"a wrong passphrase": typed("correct hearse"), "none": typed(""), "nobody": nil,
		"a failure": func() ([]byte, error) { return nil, gone },
	} {
		if s, err := keyring.Open(file, ask); err == nil || s != nil {
			t.Errorf("%s opened it", name)
		}
	}
	if _, err := keyring.Create(file, "alice", []byte(passphrase)); err == nil {
		t.Error("a key was replaced")
	}
}

func TestAKeyWithoutAPassphraseAsksForNone(t *testing.T) {
	file, _ := create(t, "alice", nil)
	if _, err := keyring.Open(file, func() ([]byte, error) { t.Error("asked"); return nil, nil }); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeAKeyIsRefused(t *testing.T) {
	for _, secret := range []string{"", "short"} {
		if _, err := keyring.Create(filepath.Join(t.TempDir(), "k"), "alice", []byte(secret)); err == nil {
			t.Errorf("a key with the passphrase %q", secret)
		}
	}
	for _, name := range []string{"", "(client)", "two words"} {
		if _, err := keyring.Create(filepath.Join(t.TempDir(), "k"), name, nil); err == nil {
			t.Errorf("a key for %q", name)
		}
	}
	file, _ := create(t, "alice", nil)
	other, _ := create(t, "alice", nil)
	public, err := os.ReadFile(other + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	mine, err := os.ReadFile(file + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	put := func(name string, b []byte, mode os.FileMode) {
		t.Helper()
		if err := errors.Join(os.WriteFile(name, b, mode), os.Chmod(name, mode)); err != nil {
			t.Fatal(err)
		}
	}
	put(file+".pub", public, 0o600)
	if _, err := keyring.Open(file, nil); err == nil {
		t.Error("the public half of another key")
	}
	put(file+".pub", mine, 0o600)
	if runtime.GOOS != "windows" {
		put(file+".pub", mine, 0o666)
		if _, err := keyring.Open(file, nil); err == nil {
			t.Error("a public half that others can write")
		}
		put(file+".pub", mine, 0o644)
		if err := os.Chmod(file, 0o640); err != nil {
			t.Fatal(err)
		}
		if _, err := keyring.Open(file, nil); err == nil {
			t.Error("a key that others can read")
		}
	}
	for _, text := range []string{"", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"} {
		put(file, []byte(text), 0o600)
		if _, err := keyring.Open(file, typed(passphrase)); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
	if _, err := keyring.Open(t.TempDir(), nil); err == nil {
		t.Error("a directory is a key")
	}
}

// There is one form of keys, that of OpenSSH; what earlier versions saved is read still.
func TestAKeyThatTheLibrarySavedOpensAndOneOfBeforeStillDoes(t *testing.T) {
	saved, err := gate.NewSigner("alice")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "k")
	if err := saved.Save(file); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ssh.ParseRawPrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	if key, ok := raw.(*ed25519.PrivateKey); !ok || !saved.Approver().Key.Equal(key.Public()) {
		t.Errorf("OpenSSH reads %T", raw)
	}
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	before := filepath.Join(t.TempDir(), "k")
	if err := os.WriteFile(before, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Headers: map[string]string{"Approver": "alice"}, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]ed25519.PublicKey{file: saved.Approver().Key, before: pub} {
		got, err := keyring.Open(file, nil)
		if err != nil || got.Name != "alice" || !got.Approver().Key.Equal(want) {
			t.Errorf("%v, %v", got, err)
		}
		if a, err := keyring.Public(file); err != nil || a.Name != "alice" || !a.Key.Equal(want) {
			t.Errorf("%v, %v", a, err)
		}
	}
	made, s := create(t, "bob", nil)
	if got, err := gate.LoadSigner(made); err != nil || got.Name != "bob" || !got.Approver().Key.Equal(s.Approver().Key) {
		t.Errorf("one of the command: %v, %v", got, err)
	}
	locked, _ := create(t, "carol", []byte("a passphrase"))
	if got, err := gate.LoadSigner(locked); err == nil || !strings.Contains(err.Error(), "gate/keyring") {
		t.Errorf("one with a passphrase: %v, %v", got, err)
	}
}

func TestPublicKeysAreLinesOfOpenSSH(t *testing.T) {
	_, s := create(t, "alice", nil)
	line, err := keyring.Line(s.Approver())
	if err != nil || !strings.HasPrefix(line, "ssh-ed25519 AAAA") || !strings.HasSuffix(line, " alice") {
		t.Fatalf("%q, %v", line, err)
	}
	if a, err := keyring.ParseLine(line + "\n"); err != nil || a.Name != "alice" || !a.Key.Equal(s.Approver().Key) {
		t.Errorf("%v, %v", a, err)
	}
	const hardware = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABHNzaDo= bob"
	for _, bad := range []string{"", "ssh-ed25519", line + "\n" + line, `command="x" ` + line, hardware} {
		if a, err := keyring.ParseLine(bad); err == nil {
			t.Errorf("%q is %v", bad, a)
		}
	}
}

func TestAnAgentsKeyApproves(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the agent is asked over a socket of Unix")
	}
	ring := agent.NewKeyring()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Add(agent.AddedKey{PrivateKey: &key, Comment: "whatever"}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go agent.ServeAgent(ring, conn) //nolint:errcheck // ends with the connection
		}
	}()
	a, err := keyring.Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	alice := gate.Approver{Name: "alice", Key: pub}
	_, stranger := create(t, "bob", nil)
	s, err := a.Signer([]gate.Approver{stranger.Approver(), alice})
	if err != nil || s.Name != "alice" {
		t.Fatalf("%v, %v", s, err)
	}
	if err := approves(t, s, alice); err != nil {
		t.Error(err)
	}
	if _, err := a.Signer([]gate.Approver{stranger.Approver()}); err == nil {
		t.Error("a key that isn't enrolled")
	}
	if err := ring.RemoveAll(); err != nil {
		t.Fatal(err)
	}
	if err := approves(t, s, alice); err == nil {
		t.Error("the agent signed with a key that it no longer holds")
	}
	for _, bad := range []string{"", socket + ".x"} {
		if _, err := keyring.Dial(bad); err == nil {
			t.Errorf("%q is an agent", bad)
		}
	}
}
