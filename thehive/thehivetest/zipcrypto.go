package thehivetest

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"

	"github.com/sallyport-soc/sallyport/internal/zipcrypto"
)

// writeEncrypted adds an entry.
func writeEncrypted(w *zip.Writer, name string, content []byte, password string) error {
	sum := crc32.ChecksumIEEE(content)
	body := append(make([]byte, zipcrypto.HeaderSize), content...)
	body[zipcrypto.HeaderSize-1] = byte(sum >> 24)
	zipcrypto.New(password).Encrypt(body)
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
	if err != nil || len(body) < zipcrypto.HeaderSize {
		return nil, errors.New("short entry")
	}
	zipcrypto.New(password).Decrypt(body)
	body = body[zipcrypto.HeaderSize:]
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
