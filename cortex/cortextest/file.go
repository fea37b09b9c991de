package cortextest

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// A File is what a worker gets, or finds.
type File struct {
	Name, ContentType string // its name
	Content           []byte // its bytes
}

func (f *File) id() string {
	sum := sha256.Sum256(f.Content)
	return hex.EncodeToString(sum[:])
}

func (f *File) json() object {
	one, five := sha1.Sum(f.Content), md5.Sum(f.Content)
	return object{
		"name": f.Name, "hashes": []string{f.id(), hex.EncodeToString(one[:]), hex.EncodeToString(five[:])},
		"size": len(f.Content), "contentType": f.ContentType, "id": f.id(),
	}
}

//lint:ignore ST1005 it is the vendor's own text
var errUnderscore = errors.New("Field starting with '_' is forbidden")

// errJSONPart is a part _json that can't be read.
var errJSONPart = errors.New("unexpected character in the part _json")

// form returns the members of a request that may be a form. Cortex takes every
// part with a file name for a file.
func form(w http.ResponseWriter, r *http.Request) (map[string]json.RawMessage, *File, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	most := int64(maxJSON)
	if kind == "multipart/form-data" {
		most = maxForm
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	switch kind {
	case "multipart/form-data":
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, nil, err
		}
		m := map[string]json.RawMessage{}
		for name := range r.Form {
			m[name], _ = json.Marshal(r.Form.Get(name)) // a string always encodes
		}
		return m, nil, nil
	default:
		m, err := fields(r)
		return m, nil, err
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, err
	}
	m := map[string]json.RawMessage{}
	var f *File
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return nil, nil, err
		}
		_, disposition, _ := mime.ParseMediaType(p.Header.Get("Content-Disposition"))
		name, isFile := disposition["filename"]
		switch {
		case isFile && strings.HasPrefix(p.FormName(), "_"):
			return nil, nil, errUnderscore
		case isFile && (p.FormName() == "attachment" || p.FormName() == "data"):
			f = &File{Name: name, ContentType: p.Header.Get("Content-Type"), Content: content}
		case p.FormName() == "_json":
			if json.Unmarshal(content, &m) != nil {
				return nil, nil, errJSONPart
			}
		}
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	for name := range q {
		b, _ := json.Marshal(q.Get(name)) // a string always encodes
		m[name] = b
	}
	return m, f, err
}

func (s *Server) download(w http.ResponseWriter, r *http.Request, _ user) {
	s.mu.Lock()
	f := s.files[r.PathValue("id")]
	s.mu.Unlock()
	if f == nil { // the real one answers so, too
		f = &File{Name: r.PathValue("id")}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	_, _ = w.Write(f.Content) // whoever asked may be gone
}
