// Package zipcrypto is the traditional encryption of the files in a zip archive,
// PKWARE's APPNOTE 6.1. It keeps nobody out; malware samples are handed on in it
// so that no scanner acts on them.
package zipcrypto

import "hash/crc32"

// HeaderSize is how many bytes stand in front of an encrypted file. The last of
// them, decrypted, tells whether the password fits.
const HeaderSize = 12

// Keys is the state of a password: each byte that goes through changes it.
type Keys [3]uint32

// New returns the keys at the beginning of a file.
func New(password string) *Keys {
	k := &Keys{0x12345678, 0x23456789, 0x34567890}
	for i := range len(password) {
		k.update(password[i])
	}
	return k
}

// Encrypt encrypts the next bytes of the file in place.
func (k *Keys) Encrypt(b []byte) {
	for i, plain := range b {
		b[i] = plain ^ k.mask()
		k.update(plain)
	}
}

// Decrypt decrypts the next bytes of the file in place.
func (k *Keys) Decrypt(b []byte) {
	for i := range b {
		b[i] ^= k.mask()
		k.update(b[i])
	}
}

// update takes a byte of the plain file into the keys.
func (k *Keys) update(plain byte) {
	k[0] = crc(k[0], plain)
	k[1] = (k[1]+k[0]&0xff)*134775813 + 1
	k[2] = crc(k[2], byte(k[1]>>24))
}

func crc(sum uint32, b byte) uint32 { return crc32.IEEETable[byte(sum)^b] ^ sum>>8 }

// mask is what the next byte is mixed with.
func (k *Keys) mask() byte {
	t := uint16(k[2]) | 2
	return byte(t * (t ^ 1) >> 8)
}
