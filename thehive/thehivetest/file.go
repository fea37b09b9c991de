package thehivetest

import (
	"archive/zip"
	"bytes"
	"crypto/md5"  //nolint:gosec // TheHive lists it among the hashes of a file
	"crypto/sha1" //nolint:gosec // likewise
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
)

// file is one that was sent.
type file struct {
	name, contentType string
	content           []byte
}

// fileRoutes are those of attachments: of cases, alerts, logs, observables and
// of the organisation.
func (s *Server) fileRoutes() {
	for _, kind := range []string{"Case", "Alert"} {
		base := "/api/v1/" + strings.ToLower(kind) + "/{id}/"
		s.handle("POST "+base+"attachments", true, s.attach(kind))
		s.handle("GET "+base+"attachment/{attachment}", false, s.onFile(kind, show))
		s.handle("GET "+base+"attachment/{attachment}/download", false, s.onFile(kind, content))
		s.handle("DELETE "+base+"attachment/{attachment}", true, s.onFile(kind, s.drop))
	}
	s.handle("POST /api/v1/log/{id}/attachments", true, func(r *http.Request, who *caller, _ Object) (int, any, error) {
		l := s.find("Log", r.PathValue("id"), who)
		if l == nil {
			return 0, nil, notFound("Log")
		}
		return 204, nil, s.attachToLog(r, l, who)
	})
	s.handle("DELETE /api/v1/log/{id}/attachments/{attachment}", true, s.onFile("Log", func(it *item, _ *caller, _ Object) (int, any, error) {
		l := it.parent
		l.obj["attachments"] = slices.DeleteFunc(list(l.obj["attachments"]), func(a any) bool { return a.(Object)["_id"] == it.id() })
		s.remove(it)
		return 204, nil, nil
	}))
	s.handle("GET /api/v1/log/{id}/attachment/{attachment}/download", false, s.onFile("Log", content))
	s.handle("GET /api/v1/observable/{id}/attachment/{attachment}/download", false, func(r *http.Request, who *caller, _ Object) (int, any, error) {
		it := s.find("Observable", r.PathValue("id"), who)
		if it == nil || it.content == nil || it.obj["attachment"].(Object)["_id"] != r.PathValue("attachment") {
			return 0, nil, notFound("Attachment")
		}
		if strings.EqualFold(r.URL.Query().Get("asZip"), "true") {
			b, err := zipped(it.obj["attachment"].(Object)["name"].(string), it.content)
			return 200, b, err
		}
		return 200, it.content, nil
	})
	s.manage("POST /api/v1/attachment", func(r *http.Request, who *caller, _ Object) (int, any, error) {
		org := s.find("Organisation", who.org, who)
		if org == nil {
			return 0, nil, notFound("Organisation")
		}
		made, err := s.storeFiles(r, org, who)
		return 201, Object{"attachments": made}, err
	})
	s.handle("GET /api/v1/attachment/{id}/download", false, s.on("Attachment", content))
	s.manage("DELETE /api/v1/attachment/{id}", s.on("Attachment", s.drop))
}

func content(it *item, _ *caller, _ Object) (int, any, error) { return 200, it.content, nil }

// onFile finds the attachment that the path names in what it names.
func (s *Server) onFile(kind string, h entityHandler) handler {
	return func(r *http.Request, who *caller, body Object) (int, any, error) {
		parent, it := s.find(kind, r.PathValue("id"), who), s.ids[r.PathValue("attachment")]
		if parent == nil || it == nil || it.kind != "Attachment" || it.parent != parent {
			return 0, nil, notFound("Attachment")
		}
		return h(it, who, body)
	}
}

func (s *Server) attach(kind string) handler {
	return func(r *http.Request, who *caller, _ Object) (int, any, error) {
		it := s.find(kind, r.PathValue("id"), who)
		if it == nil {
			return 0, nil, notFound(kind)
		}
		made, err := s.storeFiles(r, it, who)
		if err == nil && len(made) == 0 {
			err = missing("attachments")
		}
		return 201, Object{"attachments": made}, err
	}
}

// storeFiles keeps the files of a form and returns them as they are answered.
func (s *Server) storeFiles(r *http.Request, it *item, who *caller) ([]any, error) {
	made := []any{}
	if r.MultipartForm == nil {
		return made, nil
	}
	for _, h := range r.MultipartForm.File["attachments"] {
		f, err := read(h)
		if err != nil {
			return nil, err
		}
		a := s.add("Attachment", it, it.org, who.login, f.facts())
		a.obj["path"] = strings.ToLower(it.kind) + "/" + it.id() + "/attachment/" + a.id()
		a.content = f.content
		made = append(made, render(a))
	}
	return made, nil
}

// facts are what TheHive tells of a file.
func (f *file) facts() Object {
	s256, s1, m5 := sha256.Sum256(f.content), sha1.Sum(f.content), md5.Sum(f.content) //nolint:gosec // see the imports
	return Object{"name": f.name, "size": len(f.content), "contentType": f.contentType, "external": false,
		"hashes": []string{hex.EncodeToString(s256[:]), hex.EncodeToString(s1[:]), hex.EncodeToString(m5[:])}, "id": hex.EncodeToString(s256[:])}
}

// attachment is f as it stands in an observable.
func (f *file) attachment(s *Server) Object {
	o := f.facts()
	s.next += 4096
	o["_id"], o["_type"], o["_createdAt"], o["_createdBy"], o["extraData"] = ref(s.next), "Attachment", s.now(), "system@thehive.local", Object{}
	o["path"] = "attachment/" + ref(s.next)
	return o
}

// formBody is the object in the part _json of a form.
func formBody(form *multipart.Form) (Object, error) {
	var text string
	if v := form.Value["_json"]; len(v) > 0 {
		text = v[0]
	} else if h := form.File["_json"]; len(h) > 0 {
		f, err := read(h[0])
		if err != nil {
			return nil, err
		}
		text = string(f.content)
	}
	body := Object{}
	if text != "" && json.Unmarshal([]byte(text), &body) != nil {
		return nil, badRequest("Invalid Json")
	}
	return body, nil
}

// formFile reads the first file of a part.
func formFile(r *http.Request, part string) (*file, error) {
	if r.MultipartForm == nil || len(r.MultipartForm.File[part]) == 0 {
		return nil, missing(part)
	}
	return read(r.MultipartForm.File[part][0])
}

func read(h *multipart.FileHeader) (*file, error) {
	f, err := h.Open()
	if err != nil {
		return nil, badRequest("the file can't be read")
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, badRequest("the file can't be read")
	}
	typ := h.Header.Get("Content-Type")
	if typ == "" {
		typ = "application/octet-stream"
	}
	return &file{name: h.Filename, contentType: typ, content: b}, nil
}

// zipPassword is what TheHive protects what it gives out with, by default.
const zipPassword = "malware"

// zipped is a file in a zip with the password.
func zipped(name string, content []byte) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := writeEncrypted(w, name, content, zipPassword); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// unzip returns the files of a zip, whose entries may be encrypted.
func unzip(f *file, password string) ([]*file, error) {
	z, err := zip.NewReader(bytes.NewReader(f.content), int64(len(f.content)))
	if err != nil {
		return nil, badRequest("the zip can't be read")
	}
	var files []*file
	for _, e := range z.File {
		if e.FileInfo().IsDir() {
			continue
		}
		b, err := readEncrypted(e, password)
		if err != nil {
			return nil, badRequest("Wrong Password")
		}
		files = append(files, &file{name: e.Name, contentType: "application/octet-stream", content: b})
	}
	return files, nil
}
