package unzip_test

import (
	"encoding/base64"
	"errors"
	"io"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/upload"
	"github.com/sallyport-soc/sallyport/internal/upload/unzip"
)

// Zips with sample.exe in them, under the password infected: by PKWARE's
// encryption, by WinZip's AES, with a second file, and unprotected.
const (
	classicZip = "UEsDBBQACQAIAKwpfl2gDaodJwAAAD4AAAAKABwAc2FtcGxlLmV4ZVVUCQAD9AUNa/QFDWt1eAsAAQQAAAAABAAAAAAO9d/fb6hrz6R6FIsE6bxRP6MLZA6MRO4tveYwM3GeupTjt/cLWYpQSwcIoA2qHScAAAA+AAAAUEsBAh4DFAAJAAgArCl+XaANqh0nAAAAPgAAAAoAGAAAAAAAAQAAAKSBAAAAAHNhbXBsZS5leGVVVAUAA/QFDWt1eAsAAQQAAAAABAAAAABQSwUGAAAAAAEAAQBQAAAAewAAAAAA"
	aesZip     = "UEsDBBQAAQBjAK8pfl2gDaodNwAAAD4AAAAOAAsAZGlyL3NhbXBsZS5leGUBmQcAAQBBRQMIAJU/4mJBjAbm4TqYBHzHhQmwH16GVc4G1L3AIq0GfgffMarVRrd50uOkQsiOfBpBs0aoaHdrhEFQSwECFAMUAAEAYwCvKX5doA2qHTcAAAA+AAAADgALAAAAAAAAAAAAgAEAAAAAZGlyL3NhbXBsZS5leGUBmQcAAQBBRQMIAFBLBQYAAAAAAQABAEcAAABuAAAAAAA="
	twoZip     = "UEsDBBQACQAIAKwpfl2gDaodJwAAAD4AAAAKABwAc2FtcGxlLmV4ZVVUCQAD9AUNa/QFDWt1eAsAAQQAAAAABAAAAADiL+iyTA0Y70VOA45aQa5NuPFuDLGxtUl7LedXSZTpNeSVFtXB+ARQSwcIoA2qHScAAAA+AAAAUEsDBAoACQAAAKwpfl2DFtyMDQAAAAEAAAABABwAYlVUCQAD9AUNa/QFDWt1eAsAAQQAAAAABAAAAADICh7g+CRu3TH5wbIlUEsHCIMW3IwNAAAAAQAAAFBLAQIeAxQACQAIAKwpfl2gDaodJwAAAD4AAAAKABgAAAAAAAEAAACkgQAAAABzYW1wbGUuZXhlVVQFAAP0BQ1rdXgLAAEEAAAAAAQAAAAAUEsBAh4DCgAJAAAArCl+XYMW3IwNAAAAAQAAAAEAGAAAAAAAAQAAAKSBewAAAGJVVAUAA/QFDWt1eAsAAQQAAAAABAAAAABQSwUGAAAAAAIAAgCXAAAA0wAAAAAA"
	plainZip   = "UEsDBBQAAAAIAKwpfl2gDaodGwAAAD4AAAAKABwAc2FtcGxlLmV4ZVVUCQAD9AUNa/QFDWt1eAsAAQQAAAAABAAAAADzjVLIyy9RKEpNzMmpVMhNzClPLErVIVKMCwBQSwECHgMUAAAACACsKX5doA2qHRsAAAA+AAAACgAYAAAAAAABAAAApIEAAAAAc2FtcGxlLmV4ZVVUBQAD9AUNa3V4CwABBAAAAAAEAAAAAFBLBQYAAAAAAQABAFAAAABfAAAAAAA="
)

func zipped(t *testing.T, s string) *upload.File {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return upload.Content("sample.zip", b)
}

func TestTheFileInAProtectedZipIsRead(t *testing.T) {
	t.Parallel()
	const want = "MZ not really malware, not really malware, not really malware\n"
	for name, z := range map[string]string{"PKWARE": classicZip, "AES": aesZip, "none": plainZip} {
		f, err := unzip.Open(zipped(t, z), "infected")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := f.Look(100); err != nil || f.Name != "sample.exe" || f.Size != int64(len(want)) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v", name, b, err)
		}
		if f, err = unzip.Open(zipped(t, z), "infected"); err != nil || f.Look(10) != nil || f.Size != 11 {
			t.Errorf("%s: more than the bound is read: %+v, %v", name, f, err)
		}
	}
}

func TestAZipThatCannotBeReadIsSaidSo(t *testing.T) {
	t.Parallel()
	for name, z := range map[string]string{"PKWARE": classicZip, "AES": aesZip} {
		f, err := unzip.Open(zipped(t, z), "another")
		if err != nil || !errors.Is(f.Look(100), unzip.ErrPassword) {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	for name, f := range map[string]*upload.File{"two files": zipped(t, twoZip), "no zip": upload.Content("x", []byte("PK no zip"))} {
		if _, err := unzip.Open(f, "infected"); !errors.Is(err, unzip.ErrZip) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzUnzip(f *testing.F) {
	for _, s := range []string{classicZip, aesZip, plainZip} {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if z, err := unzip.Open(upload.Content("x", b), "infected"); err == nil {
			if z.Look(1000) == nil && z.Size > 1001 {
				t.Errorf("%d bytes were read", z.Size)
			}
		}
	})
}
