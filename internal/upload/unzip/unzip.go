// Package unzip opens zips that a password protects, as samples of malware are handed
// on. It stands apart from package upload, since what reads zips links what writes them.
package unzip

import (
	"archive/zip"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/upload"
	"github.com/sallyport-soc/sallyport/internal/zipcrypto"
)

// Errors of [Open].
var (
	ErrZip      = errors.New("is no zip with one file in it that can be read")
	ErrPassword = errors.New("isn't opened by this zipPassword")
)

// Open returns the one file in f, which is a zip that password protects. It is unpacked
// while it is read.
func Open(f *upload.File, password string) (*upload.File, error) {
	entry, _, done, err := entryOf(f)
	if err != nil {
		return nil, err
	}
	defer done()
	name := path.Base(strings.ReplaceAll(entry.Name, `\`, "/"))
	return &upload.File{Name: name, Open: func() (io.ReadCloser, error) {
		entry, raw, done, err := entryOf(f)
		if err != nil {
			return nil, err
		}
		r, err := decrypt(entry, raw, password)
		if err != nil {
			done()
			return nil, err
		}
		return unpacked{r, done}, nil
	}}, nil
}

type unpacked struct {
	io.Reader
	done func()
}

func (u unpacked) Close() error { u.done(); return nil }

// entryOf opens f and the one file in it. done closes f.
func entryOf(f *upload.File) (entry *zip.File, raw io.Reader, done func(), err error) {
	r, err := f.Open()
	if err != nil {
		return nil, nil, nil, err
	}
	done = func() { r.Close() }
	at, size, ok := random(r)
	if !ok {
		done()
		return nil, nil, nil, ErrZip
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		done()
		return nil, nil, nil, ErrZip
	}
	for _, e := range z.File {
		switch {
		case e.FileInfo().IsDir():
		case entry != nil:
			done()
			return nil, nil, nil, ErrZip
		default:
			entry = e
		}
	}
	if entry != nil {
		raw, err = entry.OpenRaw()
	}
	if entry == nil || err != nil {
		done()
		return nil, nil, nil, ErrZip
	}
	return entry, raw, done, nil
}

// random returns what can be read at any place of r, and its size.
func random(r io.Reader) (at io.ReaderAt, size int64, ok bool) {
	s, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return nil, 0, false
	}
	size, err := s.Seek(0, io.SeekEnd)
	return s, size, err == nil
}

const (
	encrypted = 1  // flag of an entry
	streamed  = 8  // flag: what is known afterwards stands behind it
	isAES     = 99 // method of an entry that WinZip's AES protects
	extraAES  = 0x9901
)

// decrypt returns what is in an entry.
func decrypt(e *zip.File, raw io.Reader, password string) (io.Reader, error) {
	method := e.Method
	switch {
	case e.Flags&encrypted == 0:
	case method == isAES:
		var err error
		if raw, method, err = decryptAES(e, raw, password); err != nil {
			return nil, err
		}
	default:
		keys := zipcrypto.New(password)
		var head [zipcrypto.HeaderSize]byte
		if _, err := io.ReadFull(raw, head[:]); err != nil {
			return nil, ErrZip
		}
		keys.Decrypt(head[:])
		check := byte(e.CRC32 >> 24)
		if e.Flags&streamed != 0 {
			check = byte(e.ModifiedTime >> 8) // of the time as it is stored
		}
		if head[zipcrypto.HeaderSize-1] != check {
			return nil, ErrPassword
		}
		raw = &classic{raw, keys}
	}
	switch method {
	case zip.Store:
		return raw, nil
	case zip.Deflate:
		return flate.NewReader(raw), nil
	}
	return nil, ErrZip
}

// decryptAES undoes WinZip's AES: counter mode, whose counter begins at 1 and is
// little-endian, under a key from the password.
func decryptAES(e *zip.File, raw io.Reader, password string) (io.Reader, uint16, error) {
	for extra := e.Extra; len(extra) >= 4; {
		id, n := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			break
		}
		if id != extraAES || n < 7 || extra[4] < 1 || extra[4] > 3 {
			extra = extra[n:]
			continue
		}
		length := 8 + 8*int(extra[4]) // of the key; the salt has half of that
		head := make([]byte, length/2+2)
		if _, err := io.ReadFull(raw, head); err != nil {
			return nil, 0, ErrZip
		}
		keys, err := pbkdf2.Key(sha1.New, password, head[:length/2], 1000, 2*length+2)
		if err != nil {
			return nil, 0, ErrZip
		}
		if string(keys[2*length:]) != string(head[length/2:]) {
			return nil, 0, ErrPassword
		}
		block, err := aes.NewCipher(keys[:length])
		if err != nil {
			return nil, 0, ErrZip
		}
		size := int64(e.CompressedSize64) - int64(len(head)) - 10 // its authentication stands at the end
		return &counting{r: io.LimitReader(raw, max(size, 0)), block: block, left: aes.BlockSize}, binary.LittleEndian.Uint16(extra[5:]), nil
	}
	return nil, 0, ErrZip
}

type counting struct {
	r     io.Reader
	block cipher.Block
	n     uint64
	pad   [aes.BlockSize]byte
	left  int // how much of pad is used up
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	for i := range n {
		if c.left == aes.BlockSize {
			var counter [aes.BlockSize]byte
			c.n++
			binary.LittleEndian.PutUint64(counter[:], c.n)
			c.block.Encrypt(c.pad[:], counter[:])
			c.left = 0
		}
		b[i] ^= c.pad[c.left]
		c.left++
	}
	return n, err
}

// classic undoes PKWARE's own encryption.
type classic struct {
	r    io.Reader
	keys *zipcrypto.Keys
}

func (c *classic) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.keys.Decrypt(b[:n])
	return n, err
}
