package keyring_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
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

func TestWhyAKeyDoesNotOpenIsSaid(t *testing.T) {
	file, _ := create(t, "alice", []byte(passphrase))
	gone := errors.New("no terminal")
	if _, err := keyring.Open(file, func() ([]byte, error) { return nil, gone }); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	if _, err := keyring.Open(t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := keyring.Dial(""); err == nil || !strings.Contains(err.Error(), "SSH_AUTH_SOCK") {
		t.Errorf("no agent: %v", err)
	}
}

func TestAKeyOfAnotherKindIsRefused(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "alice")
	if err != nil {
		t.Fatal(err)
	}
	file, _ := create(t, "alice", nil) // whose public half stays
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Open(file, nil); err == nil || !strings.Contains(err.Error(), "not an Ed25519 key") {
		t.Errorf("%v", err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if a, err := keyring.ParseLine(string(ssh.MarshalAuthorizedKey(public))); err == nil {
		t.Errorf("%v", a)
	}
}

// renaming is an agent that says that its signatures are of another form.
type renaming struct{ agent.Agent }

func (r renaming) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	sig, err := r.Agent.Sign(key, data)
	if err == nil {
		sig.Format = ssh.KeyAlgoSKED25519
	}
	return sig, err
}

func TestASignatureOfAnotherFormIsNone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the agent is asked over a socket of Unix")
	}
	file, alice := create(t, "alice", nil)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := ssh.ParseRawPrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: raw}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(t.TempDir(), "agent")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			agent.ServeAgent(renaming{ring}, conn) //nolint:errcheck // ends with the connection
		}
	}()
	a, err := keyring.Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	s, err := a.Signer(nil)
	if err == nil {
		t.Errorf("a key of nobody: %v", s)
	}
	if s, err = a.Signer([]gate.Approver{alice.Approver()}); err != nil {
		t.Fatal(err)
	}
	if err := approves(t, s, alice.Approver()); err == nil || !strings.Contains(err.Error(), "signs in the form") {
		t.Errorf("%v", err)
	}
}
