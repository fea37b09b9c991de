package journal

import (
	"bytes"
	"crypto/ed25519"
	"testing"
)

func FuzzOpenSSH(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	whole := opensshKey("alice", key).Bytes
	f.Add(whole)
	f.Add(whole[:len(whole)-9])
	f.Add([]byte(opensshMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		name, key, err := parseOpenSSH(b)
		if err != nil {
			return
		}
		again, same, err := parseOpenSSH(opensshKey(name, key).Bytes)
		if err != nil || again != name || !bytes.Equal(same, key) {
			t.Errorf("%q, %v", again, err)
		}
	})
}
