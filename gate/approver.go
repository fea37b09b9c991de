package gate

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// An Approver is a person whose signature counts, by name and public key.
type Approver struct {
	Name string
	Key  ed25519.PublicKey
}

// A Signer is an approver's private key. Servers never hold one.
type Signer struct {
	Name string
	key  ed25519.PrivateKey
	held crypto.Signer // a key that is held elsewhere, such as by ssh-agent
}

// SignerFrom returns a signer whose Ed25519 key is held elsewhere: in memory, or
// by an agent that signs what it is given.
func SignerFrom(name string, key crypto.Signer) (*Signer, error) {
	if err := checkName(name); err != nil {
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

// able reports whether s can sign.
func (s *Signer) able() bool {
	return s != nil && (s.held != nil || len(s.key) == ed25519.PrivateKeySize)
}

func (s *Signer) sign(message []byte) ([]byte, error) {
	if s.held == nil {
		return ed25519.Sign(s.key, message), nil
	}
	sig, err := s.held.Sign(rand.Reader, message, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("gate: the key of %s: %w", s.Name, err)
	}
	return sig, nil
}

// clientName stands for a client's word in the journal. It can't be enrolled.
const clientName = "(client)"

// checkName returns an error unless name can be an approver's.
func checkName(name string) error {
	odd := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._@+-", r)
	}
	if name == "" || len(name) > 64 || strings.ContainsFunc(name, odd) {
		return fmt.Errorf("gate: approver name %q: want one word of at most 64 letters, digits and any of ._@+-", name)
	}
	return nil
}

// samePerson reports whether an approver is who asks, however they're spelt.
func samePerson(approver, principal string) bool {
	return strings.EqualFold(strings.TrimSpace(approver), strings.TrimSpace(principal))
}

// NewSigner makes a new key for an approver. The name is one word of letters,
// digits and any of ._@+-.
func NewSigner(name string) (*Signer, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return newSigner(name)
}

func newSigner(name string) (*Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	return &Signer{Name: name, key: key}, nil
}

// Approver returns the public half.
func (s *Signer) Approver() Approver {
	if s.held != nil {
		return Approver{Name: s.Name, Key: s.held.Public().(ed25519.PublicKey)}
	}
	return Approver{Name: s.Name, Key: s.key.Public().(ed25519.PublicKey)}
}

// String hides the key.
func (s *Signer) String() string { return "gate.Signer(" + s.Name + ")" }

// GoString hides the key.
func (s *Signer) GoString() string { return s.String() }

const pemType = "PRIVATE KEY"

// Save writes the key to a new file that only its owner can read. It refuses
// to replace a file.
func (s *Signer) Save(file string) error {
	if s.held != nil {
		return fmt.Errorf("gate: the key of %s is held elsewhere", s.Name)
	}
	der, err := x509.MarshalPKCS8PrivateKey(s.key)
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	block := &pem.Block{Type: pemType, Headers: map[string]string{"Approver": s.Name}, Bytes: der}
	if err := errors.Join(pem.Encode(f, block), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("gate: %s: %w", file, err)
	}
	return nil
}

// LoadSigner reads a key written by [Signer.Save]. A key that others could
// read is refused.
func LoadSigner(file string) (*Signer, error) {
	fi, err := os.Lstat(file)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("gate: %s is not a regular file", file)
	}
	if err := checkPrivate(file, fi); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("gate: %s holds no private key", file)
	}
	k, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("gate: %s: %w", file, err)
	}
	key, ok := k.(ed25519.PrivateKey)
	name := block.Headers["Approver"]
	if !ok || checkName(name) != nil {
		return nil, fmt.Errorf("gate: %s is not an approver's Ed25519 key", file)
	}
	return &Signer{Name: name, key: key}, nil
}

// approversFile holds the public keys, a line each: "ed25519 <base64> <name>".
const approversFile = "approvers"

// AddApprover enrols an approver in the state directory dir. A name can be
// enrolled once.
func AddApprover(dir string, a Approver) error {
	if err := checkName(a.Name); err != nil {
		return err
	}
	if len(a.Key) != ed25519.PublicKeySize {
		return fmt.Errorf("gate: approver %s: not an Ed25519 public key", a.Name)
	}
	have, err := Approvers(dir)
	if err != nil {
		return err
	}
	for _, h := range have {
		if h.Name == a.Name {
			return fmt.Errorf("gate: approver %s is enrolled already", a.Name)
		}
	}
	if err := prepareDir(dir); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, approversFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	_, err = fmt.Fprintf(f, "ed25519 %s %s\n", base64.StdEncoding.EncodeToString(a.Key), a.Name)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	return nil
}

// Approvers reads who is enrolled in the state directory dir; nobody, if the
// file isn't there.
func Approvers(dir string) ([]Approver, error) {
	file := filepath.Join(dir, approversFile)
	fi, err := os.Lstat(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("gate: %s is not a regular file", file)
	}
	if err := checkOwner(file, fi); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	return parseApprovers(file, b)
}

func parseApprovers(file string, b []byte) ([]Approver, error) {
	var list []Approver
	for i, line := range bytes.Split(b, []byte("\n")) {
		f := strings.Fields(string(line))
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 3 || f[0] != "ed25519" {
			return nil, fmt.Errorf("gate: %s line %d: want \"ed25519 KEY NAME\"", file, i+1)
		}
		key, err := base64.StdEncoding.DecodeString(f[1])
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("gate: %s line %d: not an Ed25519 public key", file, i+1)
		}
		if err := checkName(f[2]); err != nil {
			return nil, fmt.Errorf("gate: %s line %d: %w", file, i+1, err)
		}
		if slices.ContainsFunc(list, func(a Approver) bool { return a.Name == f[2] }) {
			return nil, fmt.Errorf("gate: %s line %d: %s is listed twice", file, i+1, f[2])
		}
		list = append(list, Approver{Name: f[2], Key: key})
	}
	return list, nil
}

// approvalMessage is what an approver signs: this proposal, this digest, this expiry.
func approvalMessage(id, digest string, expires int64) []byte {
	return fmt.Appendf(nil, "sallyport/approval/v1\x00%s\x00%s\x00%d", id, digest, expires)
}

// resetMessage is what an approver signs to close one particular opening of the breaker.
func resetMessage(trippedBy string) []byte {
	return fmt.Appendf(nil, "sallyport/reset/v1\x00%s", trippedBy)
}

// resolveMessage is what an approver signs who has looked how an execution ended.
func resolveMessage(id, digest, outcome string) []byte {
	return fmt.Appendf(nil, "sallyport/resolve/v1\x00%s\x00%s\x00%s", id, digest, outcome)
}

// checkpointMessage is what an approver signs who vouches for the journal so far.
func checkpointMessage(seq uint64, head string) []byte {
	return fmt.Appendf(nil, "sallyport/checkpoint/v1\x00%d\x00%s", seq, head)
}

// unfreezeMessage is what an approver signs to end one particular freeze.
func unfreezeMessage(frozenBy string) []byte {
	return fmt.Appendf(nil, "sallyport/unfreeze/v1\x00%s", frozenBy)
}
