package journal

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
	"github.com/sallyport-soc/sallyport/gate/state"
)

// A Signer is an approver's private key. Servers never hold one.
type Signer struct {
	Name string // the approver's name
	key  ed25519.PrivateKey
	held crypto.Signer // a key that is held elsewhere, such as by ssh-agent
}

// SignerFrom returns a signer whose Ed25519 key is held elsewhere: in memory, or
// by an agent that signs what it is given.
func SignerFrom(name string, key crypto.Signer) (*Signer, error) {
	if err := state.CheckName(name); err != nil {
		return nil, err
	}
	if key == nil {
		return nil, errors.New("gate: no key")
	}
	if pub, _ := key.Public().(ed25519.PublicKey); len(pub) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("gate: the key of %s is not an Ed25519 key", name)
	}
	return &Signer{Name: name, held: key}, nil
}

// Able reports whether s can sign.
func (s *Signer) Able() bool {
	return s != nil && (s.held != nil || len(s.key) == ed25519.PrivateKeySize)
}

// Sign signs a message.
func (s *Signer) Sign(message []byte) ([]byte, error) {
	if s.held == nil {
		return ed25519.Sign(s.key, message), nil
	}
	sig, err := s.held.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("gate: the key of %s: %w", s.Name, err)
	}
	return sig, nil
}

// NewSigner makes a new key for an approver. The name is one word of letters,
// digits and any of ._@+-.
func NewSigner(name string) (*Signer, error) {
	if err := state.CheckName(name); err != nil {
		return nil, err
	}
	return newSigner(name)
}

// ClientSigner makes the key by which a process attests a client's word.
func ClientSigner() (*Signer, error) { return newSigner(state.ClientName) }

func newSigner(name string) (*Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	return &Signer{Name: name, key: key}, nil
}

// Approver returns the public half.
func (s *Signer) Approver() state.Approver {
	if s.held != nil {
		return state.Approver{Name: s.Name, Key: s.held.Public().(ed25519.PublicKey)}
	}
	return state.Approver{Name: s.Name, Key: s.key.Public().(ed25519.PublicKey)}
}

// String hides the key.
func (s *Signer) String() string { return "gate.Signer(" + s.Name + ")" }

// GoString hides the key.
func (s *Signer) GoString() string { return s.String() }

// pemType is that of keys which earlier versions wrote, in PKCS #8.
const pemType = "PRIVATE KEY"

// Save writes the key, in the form of OpenSSH and without a passphrase, to a new file
// that only its owner can read. It refuses to replace a file.
func (s *Signer) Save(file string) error {
	if s.held != nil {
		return fmt.Errorf("gate: the key of %s is held elsewhere", s.Name)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	if err := errors.Join(pem.Encode(f, opensshKey(s.Name, s.key)), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("gate: %s: %w", file, err)
	}
	return nil
}

// LoadSigner reads a key written by [Signer.Save], of this version or an earlier one, or
// by ssh-keygen with the approver's name for a comment and without a passphrase. A key
// that others could read is refused.
func LoadSigner(file string) (*Signer, error) {
	fi, err := os.Lstat(file)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("gate: %s is not a regular file", file)
	}
	if err := filestore.CheckPrivate(file, fi); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	var name string
	var key ed25519.PrivateKey
	block, _ := pem.Decode(b)
	switch {
	case block != nil && block.Type == opensshType:
		name, key, err = parseOpenSSH(block.Bytes)
	case block != nil && block.Type == pemType:
		var k any
		k, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		key, _ = k.(ed25519.PrivateKey)
		name = block.Headers["Approver"]
	default:
		err = errors.New("it holds no private key")
	}
	if err != nil {
		return nil, fmt.Errorf("gate: %s: %w", file, err)
	}
	if key == nil || state.CheckName(name) != nil {
		return nil, fmt.Errorf("gate: %s is not an approver's Ed25519 key", file)
	}
	return &Signer{Name: name, key: key}, nil
}
