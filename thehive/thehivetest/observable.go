package thehivetest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

var observableAttributes = []attribute{
	{"dataType", true, "string", 1, 64}, {"message", false, "text", 0, 1 << 20}, {"startDate", false, "date", 0, 0},
	{"tlp", false, "level", 0, 4}, {"pap", false, "level", 0, 3}, {"tags", false, "strings", 1, 128},
	{"ioc", false, "bool", 0, 0}, {"sighted", false, "bool", 0, 0}, {"sightedAt", false, "date", 0, 0},
	{"ignoreSimilarity", false, "bool", 0, 0},
}

func (s *Server) observableRoutes() {
	update := s.patch(observableAttributes, s.checkType)
	for _, kind := range []string{"Case", "Alert"} {
		s.handle("POST /api/v1/"+strings.ToLower(kind)+"/{id}/observable", true, s.createObservable(kind))
	}
	s.handle("GET /api/v1/observable/{id}", false, s.on("Observable", show))
	s.handle("PATCH /api/v1/observable/_bulk", true, s.bulk("Observable", update))
	s.handle("PATCH /api/v1/observable/{id}", true, s.on("Observable", update))
	s.handle("DELETE /api/v1/observable/{id}", true, s.on("Observable", s.drop))
	s.handle("POST /api/v1/observable/{id}/shares", true, s.on("Observable", func(*item, *caller, Object) (int, any, error) { return 204, nil, nil }))
	s.handle("POST /api/v1/case/{id}/observable/_merge", true, s.on("Case", func(it *item, _ *caller, _ Object) (int, any, error) {
		return 200, Object{"deleted": 0, "untouched": len(s.children("Observable", it)), "updated": 0}, nil // one that is there already is never added again
	}))
}

func (s *Server) checkType(o Object) error {
	if t, ok := o["dataType"].(string); ok && s.named("ObservableType", t) == nil {
		return notFound("ObservableType " + t)
	}
	return nil
}

// newObservable is one that is about to be made: a value or a file.
type newObservable struct {
	fields  Object
	content []byte
}

// createObservable takes each value by itself. One in what the caller doesn't
// see is forbidden, not unknown.
func (s *Server) createObservable(kind string) handler {
	return func(r *http.Request, who *caller, body Object) (int, any, error) {
		it := s.find(kind, r.PathValue("id"), who)
		if it == nil {
			return 0, nil, errNotYours
		}
		if r.MultipartForm != nil && len(r.MultipartForm.File["attachment"]) > 0 {
			file, err := formFile(r, "attachment")
			if err != nil {
				return 0, nil, err
			}
			body["attachment"] = file
		}
		values, err := s.observables(body)
		if err != nil {
			return 0, nil, err
		}
		created, failed := []any{}, []any{}
		for _, v := range values {
			if s.sameObservable(it, v) != nil {
				failed = append(failed, Object{"type": "CreateError", "message": "Observable already exists",
					"object": Object{"data": v.fields["data"], "dataType": v.fields["dataType"]}})
				continue
			}
			created = append(created, render(s.addObservable(it, who, v)))
		}
		if len(failed) == 0 || s.SilentDuplicates {
			return 201, created, nil
		}
		return 207, Object{"success": created, "failure": failed}, nil
	}
}

// observables reads what is to be made: values, a file, or the files of a zip.
// A value of blanks alone is dropped without a word.
func (s *Server) observables(body Object) ([]newObservable, error) {
	o, err := take(body, observableAttributes, false)
	if err == nil {
		err = s.checkType(o)
	}
	if err != nil {
		return nil, err
	}
	isFile := s.named("ObservableType", o["dataType"].(string)).obj["isAttachment"] == true
	if f, ok := body["attachment"].(*file); ok {
		if !isFile {
			return nil, badRequest("Observable type %v doesn't accept attachment", o["dataType"])
		}
		files := []*file{f}
		if body["isZip"] == true {
			if files, err = unzip(f, fmt.Sprint(body["zipPassword"])); err != nil {
				return nil, err
			}
		}
		var made []newObservable
		for _, f := range files {
			fields := clone(o)
			fields["attachment"] = f.attachment(s)
			made = append(made, newObservable{fields, f.content})
		}
		return made, nil
	}
	if isFile {
		return nil, badRequest("Observable type %v requires an attachment", o["dataType"])
	}
	var values []any
	switch d := body["data"].(type) {
	case nil:
		return nil, missing("data")
	case string:
		values = []any{d}
	case []any:
		values = d
	default:
		return nil, malformed("data", "string", d)
	}
	var made []newObservable
	for _, v := range values {
		text, ok := v.(string)
		if !ok || len(text) > 4096 {
			return nil, malformed("data", "string", v)
		}
		if strings.TrimSpace(text) == "" {
			continue
		}
		fields := clone(o)
		fields["data"] = text
		made = append(made, newObservable{fields: fields})
	}
	return made, nil
}

func (s *Server) addObservable(it *item, who *caller, v newObservable) *item {
	if v.fields["sighted"] == true && v.fields["sightedAt"] == nil {
		v.fields["sightedAt"] = s.now()
	}
	made := s.add("Observable", it, it.org, who.login, v.fields)
	made.content = v.content
	return made
}

// sameObservable finds the one in it with the same type and value, or file.
func (s *Server) sameObservable(it *item, v newObservable) *item {
	all := s.children("Observable", it)
	i := slices.IndexFunc(all, func(o *item) bool {
		if o.obj["dataType"] != v.fields["dataType"] {
			return false
		}
		if v.fields["data"] != nil {
			return o.obj["data"] == v.fields["data"]
		}
		have, _ := o.obj["attachment"].(Object)
		want, _ := v.fields["attachment"].(Object)
		return have != nil && want != nil && have["id"] == want["id"]
	})
	if i < 0 {
		return nil
	}
	return all[i]
}
