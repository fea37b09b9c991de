package journal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/pem"
	"errors"
)

// The form of OpenSSH's own keys, as far as one Ed25519 key without a passphrase needs
// it; package keyring has the rest. The name of the approver is the key's comment.
const (
	opensshType  = "OPENSSH PRIVATE KEY"
	opensshMagic = "openssh-key-v1\x00"
	opensshAlgo  = "ssh-ed25519"
	opensshBlock = 8 // bytes that what is not encrypted is padded to
)

var errEncrypted = errors.New("it is encrypted: open it with package gate/keyring")

func opensshKey(name string, key ed25519.PrivateKey) *pem.Block {
	public := key.Public().(ed25519.PublicKey)
	check := make([]byte, 4)
	rand.Read(check) //nolint:errcheck // crypto/rand never fails
	secret := opensshStrings(append(check, check...), opensshAlgo, string(public), string(key), name)
	for i := byte(1); len(secret)%opensshBlock > 0; i++ {
		secret = append(secret, i)
	}
	b := opensshStrings([]byte(opensshMagic), "none", "none", "")
	b = binary.BigEndian.AppendUint32(b, 1)
	b = opensshStrings(b, string(opensshStrings(nil, opensshAlgo, string(public))), string(secret))
	return &pem.Block{Type: opensshType, Bytes: b}
}

func opensshStrings(b []byte, list ...string) []byte {
	for _, s := range list {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	return b
}

// parseOpenSSH is the way back from opensshKey.
func parseOpenSSH(b []byte) (name string, key ed25519.PrivateKey, err error) {
	damaged := errors.New("it isn't one Ed25519 key in OpenSSH's form")
	next := func(from *[]byte) string {
		if len(*from) < 4 || uint64(len(*from)-4) < uint64(binary.BigEndian.Uint32(*from)) {
			err = damaged
			return ""
		}
		n := binary.BigEndian.Uint32(*from)
		s := string((*from)[4 : 4+n])
		*from = (*from)[4+n:]
		return s
	}
	rest, ok := bytes.CutPrefix(b, []byte(opensshMagic))
	if !ok {
		return "", nil, damaged
	}
	if cipher, kdf := next(&rest), next(&rest); err == nil && (cipher != "none" || kdf != "none") {
		return "", nil, errEncrypted
	}
	next(&rest) // no options of no derivation
	if err != nil || len(rest) < 4 || binary.BigEndian.Uint32(rest) != 1 {
		return "", nil, damaged
	}
	rest = rest[4:]
	public, secret := next(&rest), []byte(next(&rest))
	if err != nil || len(rest) > 0 || len(secret) < 8 || !bytes.Equal(secret[:4], secret[4:8]) {
		return "", nil, damaged
	}
	secret = secret[8:]
	algo, again, private := next(&secret), next(&secret), next(&secret)
	if name = next(&secret); err != nil || algo != opensshAlgo || len(private) != ed25519.PrivateKeySize || len(secret) >= opensshBlock {
		return "", nil, damaged
	}
	key = ed25519.PrivateKey(private)
	have := ed25519.NewKeyFromSeed(key.Seed())
	if !have.Equal(key) || string(have.Public().(ed25519.PublicKey)) != again || public != string(opensshStrings(nil, opensshAlgo, again)) {
		return "", nil, damaged
	}
	return name, key, nil
}
