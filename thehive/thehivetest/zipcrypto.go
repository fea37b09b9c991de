package thehivetest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
)

// zipKeys are the three keys of the traditional encryption of zip files, which
// TheHive gives files out in and takes them in.
type zipKeys [3]uint32

func newZipKeys(password string) *zipKeys {
	k := &zipKeys{0x12345678, 0x23456789, 0x34567890}
	for i := range len(password) {
		k.update(password[i])
	}
	return k
}

func (k *zipKeys) update(b byte) {
	k[0] = crc32.IEEETable[byte(k[0])^b] ^ k[0]>>8
	k[1] = (k[1]+k[0]&0xff)*134775813 + 1
	k[2] = crc32.IEEETable[byte(k[2])^byte(k[1]>>24)] ^ k[2]>>8
}

func (k *zipKeys) next() byte {
	t := uint16(k[2]) | 2
	return byte(uint32(t) * uint32(t^1) >> 8)
}

const zipHeader = 12 // bytes in front of an encrypted entry; the last tells whether the password fits

// writeEncrypted adds an entry.
func writeEncrypted(w *zip.Writer, name string, content []byte, password string) error {
	sum, k := crc32.ChecksumIEEE(content), newZipKeys(password)
	body := append(make([]byte, zipHeader), content...)
	body[zipHeader-1] = byte(sum >> 24)
	for i, b := range body {
		body[i] = b ^ k.next()
		k.update(b)
	}
	e, err := w.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Store, Flags: 1, CRC32: sum,
		CompressedSize64: uint64(len(body)), UncompressedSize64: uint64(len(content))})
	if err == nil {
		_, err = e.Write(body)
	}
	return err
}

// readEncrypted reads an entry, encrypted or not.
func readEncrypted(e *zip.File, password string) ([]byte, error) {
	if e.Flags&1 == 0 {
		r, err := e.Open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	raw, err := e.OpenRaw()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(raw)
	if err != nil || len(body) < zipHeader {
		return nil, errors.New("short entry")
	}
	k := newZipKeys(password)
	for i, b := range body {
		body[i] = b ^ k.next()
		k.update(body[i])
	}
	body = body[zipHeader:]
	if e.Method == zip.Deflate {
		if body, err = io.ReadAll(flate.NewReader(bytes.NewReader(body))); err != nil {
			return nil, err
		}
	}
	if crc32.ChecksumIEEE(body) != e.CRC32 {
		return nil, errors.New("wrong password")
	}
	return body, nil
}
