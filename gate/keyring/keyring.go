// Package keyring keeps the keys of approvers: Ed25519 keys in OpenSSH's own
// format, encrypted with a passphrase, or held by an ssh-agent. Servers need
// none of it; they know the public halves only.
package keyring

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/sallyport-soc/sallyport/gate"
)

// MinPassphrase is how many bytes a passphrase must have.
const MinPassphrase = 8

// Create makes a new key for the approver name in file, which must not be there,
// and its public half beside it, with ".pub" at the end. The key is encrypted
// with passphrase; nil leaves it as it is, readable for every program of the user.
func Create(file, name string, passphrase []byte) (*gate.Signer, error) {
	if passphrase != nil && len(passphrase) < MinPassphrase {
		return nil, fmt.Errorf("keyring: a passphrase of %d characters: want at least %d", len(passphrase), MinPassphrase)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	signer, err := gate.SignerFrom(name, key)
	if err != nil {
		return nil, err
	}
	var block *pem.Block
	if passphrase == nil {
		block, err = ssh.MarshalPrivateKey(key, name)
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, name, passphrase)
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	public, err := Line(signer.Approver())
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	if err := writeNew(file, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	if err := writeNew(file+".pub", []byte(public+"\n"), 0o644); err != nil {
		return nil, errors.Join(err, os.Remove(file))
	}
	return signer, nil
}

func writeNew(file string, b []byte, mode os.FileMode) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return fmt.Errorf("keyring: %w", err)
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("keyring: %s: %w", file, err)
	}
	return nil
}

const maxKey = 64 << 10

// Open returns the key in file, which no other user may read. ask is called for
// the passphrase of a key that is encrypted.
func Open(file string, ask func() ([]byte, error)) (*gate.Signer, error) {
	b, err := read(file, 0o077)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	switch {
	case block == nil:
		return nil, fmt.Errorf("keyring: %s holds no private key", file)
	case block.Type == "PRIVATE KEY": // as gate.Signer.Save wrote it before
		return gate.LoadSigner(file)
	}
	raw, err := ssh.ParseRawPrivateKey(b)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		if ask == nil {
			return nil, fmt.Errorf("keyring: %s is encrypted and nobody is there to type its passphrase", file)
		}
		passphrase, aerr := ask()
		if aerr != nil {
			return nil, fmt.Errorf("keyring: %s: %w", file, aerr)
		}
		raw, err = ssh.ParseRawPrivateKeyWithPassphrase(b, passphrase)
		clear(passphrase)
	}
	if err != nil {
		return nil, fmt.Errorf("keyring: %s: %w", file, err)
	}
	key, ok := raw.(*ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("keyring: %s is not an Ed25519 key", file)
	}
	public, err := Public(file)
	if err != nil {
		return nil, err
	}
	if !public.Key.Equal(key.Public()) {
		return nil, fmt.Errorf("keyring: %s.pub is not the public half of %s", file, file)
	}
	return gate.SignerFrom(public.Name, *key)
}

// Public returns the public half of the key in file, without opening it.
func Public(file string) (gate.Approver, error) {
	b, err := read(file+".pub", 0o022)
	if errors.Is(err, fs.ErrNotExist) {
		if s, err := gate.LoadSigner(file); err == nil {
			return s.Approver(), nil
		}
	}
	if err != nil {
		return gate.Approver{}, err
	}
	return ParseLine(string(b))
}

func read(file string, forbidden os.FileMode) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	defer f.Close()
	fi, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("keyring: %w", err)
	case !fi.Mode().IsRegular():
		return nil, fmt.Errorf("keyring: %s is not a regular file", file)
	case runtime.GOOS != "windows" && fi.Mode().Perm()&forbidden != 0:
		return nil, fmt.Errorf("keyring: %s is open to group or others (%s)", file, fi.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, fmt.Errorf("keyring: %w", err)
	}
	return b, nil
}

// Line returns an approver's public key as a line of OpenSSH: "ssh-ed25519 KEY NAME".
func Line(a gate.Approver) (string, error) {
	key, err := ssh.NewPublicKey(a.Key)
	if err != nil {
		return "", fmt.Errorf("keyring: %w", err)
	}
	return string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(key))) + " " + a.Name, nil
}

// ParseLine reads what [Line] returns, or a line of a public key of ssh-keygen.
func ParseLine(line string) (gate.Approver, error) {
	key, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	if err != nil {
		return gate.Approver{}, fmt.Errorf("keyring: public key: %w", err)
	}
	if len(options) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return gate.Approver{}, errors.New("keyring: public key: want one line without options")
	}
	pub, err := plain(key)
	if err != nil {
		return gate.Approver{}, err
	}
	return gate.Approver{Name: strings.TrimSpace(comment), Key: pub}, nil
}

// plain returns the Ed25519 key in key. One that lives in hardware signs more
// than the message, in a form that the gate doesn't check.
func plain(key ssh.PublicKey) (ed25519.PublicKey, error) {
	c, ok := key.(ssh.CryptoPublicKey)
	if ok && key.Type() == ssh.KeyAlgoED25519 {
		if pub, ok := c.CryptoPublicKey().(ed25519.PublicKey); ok {
			return pub, nil
		}
	}
	return nil, fmt.Errorf("keyring: a key of type %s: want %s", key.Type(), ssh.KeyAlgoED25519)
}

// An Agent is an ssh-agent that holds keys.
type Agent struct {
	conn net.Conn
	keys agent.ExtendedAgent
}

// Dial connects to the agent at socket, which is what SSH_AUTH_SOCK holds.
func Dial(socket string) (*Agent, error) {
	if socket == "" {
		return nil, errors.New("keyring: there is no ssh-agent: SSH_AUTH_SOCK is not set")
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("keyring: ssh-agent: %w", err)
	}
	return &Agent{conn, agent.NewClient(conn)}, nil
}

// Close ends the connection.
func (a *Agent) Close() error { return a.conn.Close() }

// Signer returns the first of approvers whose key the agent holds. The agent may
// ask for a confirmation each time it signs, as "ssh-add -c" has it.
func (a *Agent) Signer(approvers []gate.Approver) (*gate.Signer, error) {
	held, err := a.keys.List()
	if err != nil {
		return nil, fmt.Errorf("keyring: ssh-agent: %w", err)
	}
	for _, approver := range approvers {
		for _, k := range held {
			key, err := ssh.ParsePublicKey(k.Blob)
			if err != nil {
				continue
			}
			if pub, err := plain(key); err == nil && pub.Equal(approver.Key) {
				return gate.SignerFrom(approver.Name, &agentKey{a.keys, key, pub})
			}
		}
	}
	return nil, errors.New("keyring: the ssh-agent holds no key of an approver who is enrolled here")
}

// agentKey is a key in an agent, as crypto.Signer.
type agentKey struct {
	agent agent.ExtendedAgent
	key   ssh.PublicKey
	pub   ed25519.PublicKey
}

// Public returns the ed25519.PublicKey.
func (k *agentKey) Public() crypto.PublicKey { return k.pub }

// Sign lets the agent sign message itself.
func (k *agentKey) Sign(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts.HashFunc() != 0 {
		return nil, errors.New("keyring: an Ed25519 key signs no hashes")
	}
	sig, err := k.agent.Sign(k.key, message)
	if err != nil {
		return nil, err
	}
	if sig.Format != ssh.KeyAlgoED25519 {
		return nil, fmt.Errorf("keyring: the ssh-agent signs in the form %s", sig.Format)
	}
	return sig.Blob, nil
}
