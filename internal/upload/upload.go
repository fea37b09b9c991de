// Package upload sends files without holding them in memory: what is sent is
// looked at first, read anew while it is sent, and must then be the same. What is
// received is saved below the same folder.
package upload

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrChanged means that a file was changed between being looked at and being sent.
var ErrChanged = errors.New("the file was changed since it was looked at")

// ErrUnreadable is said of a path whatever is wrong with it: more would tell which
// files there are.
var ErrUnreadable = errors.New("is no file that can be read below the folder of files")

// CheckName lets through what is a name and no path.
func CheckName(s string) error {
	odd := func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '/' || r == '\\' || r == utf8.RuneError
	}
	if s == "" || s == "." || s == ".." || len(s) > 255 || strings.ContainsFunc(s, odd) {
		return errors.New("want a name without a path or control characters, of at most 255 bytes")
	}
	return nil
}

// folder opens a folder of files. path is made relative to it.
func folder(dir, path string) (*os.Root, string, error) {
	name := filepath.FromSlash(path)
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return nil, "", ErrUnreadable
		}
		name = rel
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, "", errors.New("the folder of files can't be opened")
	}
	return root, name, nil
}

// A Saved is a new file below a folder, while it is written.
type Saved struct {
	*os.File
	root *os.Root
	name string
}

// Save makes a file below dir that wasn't there. No link leads out of there.
func Save(dir, path string) (*Saved, error) {
	root, name, err := folder(dir, path)
	if err != nil {
		return nil, err
	}
	if err := CheckName(filepath.Base(name)); err != nil {
		root.Close()
		return nil, err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		root.Close()
		return nil, errors.New("can't be made below the folder of files, or is there already")
	}
	return &Saved{f, root, name}, nil
}

// Again empties the file for another attempt.
func (s *Saved) Again() (io.Writer, error) {
	if err := s.Truncate(0); err != nil {
		return nil, err
	}
	_, err := s.Seek(0, io.SeekStart)
	return s.File, err
}

// Remove takes the file away again, as far as that is possible.
func (s *Saved) Remove() { _ = s.root.Remove(s.name) }

// Close closes the file and the folder.
func (s *Saved) Close() error { return errors.Join(s.File.Close(), s.root.Close()) }

// Open opens a file below dir. No link leads out of there.
func Open(dir, path string) (*os.File, error) {
	root, name, err := folder(dir, path)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() { // a pipe would block
		return nil, ErrUnreadable
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, ErrUnreadable
	}
	if info, err := f.Stat(); err != nil || info.Mode()&fs.ModeType != 0 {
		f.Close()
		return nil, ErrUnreadable
	}
	return f, nil
}

// A File is one that is about to be sent. Open gives its content, anew for each
// attempt.
type File struct {
	Name, SHA256, LooksLike string
	Size                    int64
	Open                    func() (io.ReadCloser, error)
}

// Content returns a file that is in memory.
func Content(name string, b []byte) *File {
	return &File{Name: name, Size: int64(len(b)), Open: func() (io.ReadCloser, error) { return inMemory{bytes.NewReader(b)}, nil }}
}

// inMemory is content in memory as a file is.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// At returns the file at path below dir, which has name there or its own.
func At(dir, path, name string) *File {
	if name == "" {
		name = filepath.Base(filepath.FromSlash(path))
	}
	return &File{Name: name, Open: func() (io.ReadCloser, error) { return Open(dir, path) }}
}

// Look reads f once for its size, its hash and its looks. Of a file of more than
// most bytes only the size is found out.
func (f *File) Look(most int64) error {
	if f.Size > most { // it is in memory
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if s, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		info, err := s.Stat()
		if err != nil {
			return ErrUnreadable
		}
		if f.Size = info.Size(); f.Size > most {
			return nil
		}
	}
	head := make([]byte, 512)
	bounded := io.LimitReader(r, most+1)
	n, err := io.ReadFull(bounded, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the file can't be read: %w", err)
	}
	f.LooksLike = http.DetectContentType(head[:n])
	sum := sha256.New()
	sum.Write(head[:n])
	rest, err := io.Copy(sum, bounded)
	if err != nil {
		return fmt.Errorf("the file can't be read: %w", err)
	}
	f.Size, f.SHA256 = int64(n)+rest, hex.EncodeToString(sum.Sum(nil))
	return nil
}

// A Form is a multipart form whose one file is read while it is sent.
type Form struct {
	ContentType string
	Size        int64
	Open        func() (io.Reader, error)
}

// Form makes a form of f in part, and of JSON in the part _json if there is any.
// contentType is that of the file.
func (f *File) Form(part, contentType string, fields any) (*Form, error) {
	var head bytes.Buffer
	w := multipart.NewWriter(&head)
	if fields != nil { // without a file name: a part that has one is a file
		b, err := marshal(fields)
		if err == nil {
			err = w.WriteField("_json", b)
		}
		if err != nil {
			return nil, fmt.Errorf("form: %w", err)
		}
	}
	if _, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {multipart.FileContentDisposition(part, f.Name)},
		"Content-Type":        {contentType},
	}); err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	begin := head.Len()
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("form: %w", err)
	}
	all := head.Bytes()
	return &Form{ContentType: w.FormDataContentType(), Size: int64(len(all)) + f.Size, Open: func() (io.Reader, error) {
		content, err := f.Open()
		if err != nil {
			return nil, err
		}
		sum := sha256.New()
		same := &held{r: io.TeeReader(io.LimitReader(content, f.Size), sum), done: func() error {
			if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
				return ErrChanged
			}
			return nil
		}}
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(all[:begin]), same, bytes.NewReader(all[begin:])), content}, nil
	}}, nil
}

// marshal encodes v without escaping what only HTML needs escaped.
func marshal(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// held reads r and asks done whether what was read is right.
type held struct {
	r    io.Reader
	done func() error
}

func (h *held) Read(b []byte) (int, error) {
	n, err := h.r.Read(b)
	if err == io.EOF {
		if wrong := h.done(); wrong != nil {
			return n, wrong
		}
	}
	return n, err
}
