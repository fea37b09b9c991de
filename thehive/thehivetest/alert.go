package thehivetest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

var alertAttributes = []attribute{
	{"type", true, "string", 1, 32}, {"source", true, "string", 1, 32}, {"sourceRef", true, "string", 1, 128},
	{"title", true, "string", 1, 512}, {"description", true, "text", 0, 1 << 20}, {"externalLink", false, "string", 1, 512},
	{"severity", false, "level", 1, 4}, {"date", false, "date", 0, 0}, {"tags", false, "strings", 1, 128}, {"tlp", false, "level", 0, 4},
	{"pap", false, "level", 0, 3}, {"status", false, "string", 1, 64}, {"summary", false, "text", 0, 1 << 20},
	{"assignee", false, "string", 1, 128}, {"caseTemplate", false, "string", 1, 128},
}

// maxMerge is how many alerts one case takes at once, as TheHive is set up.
const maxMerge = 50

func (s *Server) alertRoutes() {
	update := s.patch(append(slices.Clone(alertAttributes), attribute{"follow", false, "bool", 0, 0}), s.checkAlert)
	s.handle("POST /api/v1/alert", true, s.createAlert)
	s.handle("GET /api/v1/alert/{id}", false, s.on("Alert", show))
	s.handle("PATCH /api/v1/alert/_bulk", true, s.bulk("Alert", update))
	s.handle("PATCH /api/v1/alert/{id}", true, s.on("Alert", update))
	s.handle("DELETE /api/v1/alert/{id}", true, s.on("Alert", s.drop))
	s.handle("POST /api/v1/alert/delete/_bulk", true, s.bulk("Alert", s.drop))
	for path, follow := range map[string]bool{"follow": true, "unfollow": false} {
		s.handle("POST /api/v1/alert/{id}/"+path, true, s.on("Alert", func(it *item, who *caller, _ Object) (int, any, error) {
			s.change(it, who, Object{"follow": follow}, nil)
			return 204, nil, nil
		}))
	}
	s.handle("POST /api/v1/alert/{id}/case", true, s.on("Alert", s.promote))
	s.handle("POST /api/v1/alert/{id}/merge/{case}", true, s.intoCase(s.merge))
	s.handle("POST /api/v1/alert/{id}/import/{case}", true, s.intoCase(s.importAlert))
	s.handle("POST /api/v1/alert/merge/_bulk", true, s.bulkMerge)
	s.handle("GET /api/v1/alert/{id}/similar/{other}/observables", false, s.similarObservables("Alert"))
	s.handle("POST /api/v1/alert/{id}/comment", true, s.on("Alert", s.createComment))
}

// checkAlert refuses a status or an assignee that isn't there.
func (s *Server) checkAlert(o Object) error {
	if st, ok := o["status"].(string); ok && s.named("AlertStatus", st) == nil {
		return badRequest("Alert status %s is not valid", st)
	}
	return s.checkAssignee(o)
}

func (s *Server) createAlert(r *http.Request, who *caller, body Object) (int, any, error) {
	o, err := take(body, alertAttributes, false)
	if err == nil {
		err = s.checkAlert(o)
	}
	if err != nil {
		return 0, nil, err
	}
	for _, a := range s.visible("Alert", who) {
		if a.obj["type"] == o["type"] && a.obj["source"] == o["source"] && a.obj["sourceRef"] == o["sourceRef"] {
			return 0, nil, &refusal{400, "CreateError", fmt.Sprintf("Alert %v:%v:%v already exist in organisation %s", o["type"], o["source"], o["sourceRef"], who.org), nil}
		}
	}
	fields, err := s.fieldValues(nil, body["customFields"])
	if err != nil {
		return 0, nil, err
	}
	if fields != nil {
		o["customFields"] = fields
	}
	it := s.add("Alert", nil, who.org, who.login, o)
	if err := s.fillAlert(r, it, who, body); err != nil {
		s.remove(it)
		return 0, nil, err
	}
	answer := render(it)
	if len(list(body["observables"])) > 0 { // the answer is from before they were added
		it.obj["_updatedBy"], it.obj["_updatedAt"] = who.login, float64(s.now())
	}
	return 201, answer, nil
}

// fillAlert adds what an alert is created with.
func (s *Server) fillAlert(r *http.Request, it *item, who *caller, body Object) error {
	for _, x := range list(body["observables"]) {
		f, _ := x.(Object)
		if key, ok := f["attachment"].(string); ok {
			file, err := formFile(r, key)
			if err != nil {
				return err
			}
			f = clone(f)
			f["attachment"] = file
		}
		values, err := s.observables(f)
		if err != nil {
			return err
		}
		for _, v := range values {
			if have := s.sameObservable(it, v); have != nil { // one of them is enough: their tags are united
				have.obj["tags"] = union(have.obj["tags"], v.fields["tags"])
				continue
			}
			s.addObservable(it, who, v)
		}
	}
	for _, p := range list(body["procedures"]) {
		o, _ := p.(Object)
		if _, _, err := s.create("Procedure", procedureAttributes, s.checkPattern)(it, who, o); err != nil {
			return err
		}
	}
	return nil
}

// promote opens a case from an alert. One that is in a case already gives that one.
func (s *Server) promote(it *item, who *caller, body Object) (int, any, error) {
	if id, ok := it.obj["caseId"].(string); ok {
		return 201, render(s.ids[id]), nil
	}
	fields := Object{}
	for _, f := range []string{"title", "description", "severity", "tags", "tlp", "pap"} {
		fields[f] = it.obj[f]
	}
	maps.Copy(fields, body)
	if body["caseTemplate"] == nil && it.obj["caseTemplate"] != nil {
		fields["caseTemplate"] = it.obj["caseTemplate"]
	}
	cs, err := s.newCase(who, fields)
	if err != nil {
		return 0, nil, err
	}
	s.include(it, cs, who)
	return 201, render(cs), nil
}

// intoCase finds the alert and the case of a path.
func (s *Server) intoCase(h func(a, cs *item, who *caller) error) handler {
	return func(r *http.Request, who *caller, _ Object) (int, any, error) {
		a, cs := s.find("Alert", r.PathValue("id"), who), s.find("Case", r.PathValue("case"), who)
		switch {
		case a == nil:
			return 0, nil, notFound("Alert")
		case cs == nil:
			return 0, nil, notFound("Case")
		}
		if err := h(a, cs, who); err != nil {
			return 0, nil, err
		}
		return 200, render(cs), nil
	}
}

// merge adds an alert to a case, and tells so in the case's description.
func (s *Server) merge(a, cs *item, who *caller) error {
	if a.obj["caseId"] != nil {
		return badRequest("Alert is already imported")
	}
	text := fmt.Sprintf("%v\n  \n#### Merged with alert #%v %v\n\n%v", cs.obj["description"], a.obj["sourceRef"], a.obj["title"], a.obj["description"])
	s.change(cs, who, Object{"description": text, "tags": union(a.obj["tags"], cs.obj["tags"])}, nil)
	s.include(a, cs, who)
	return nil
}

func (s *Server) bulkMerge(_ *http.Request, who *caller, body Object) (int, any, error) {
	alerts, err := s.all("Alert", list(body["alertIds"]), who)
	if err != nil {
		return 0, nil, err
	}
	cs := s.find("Case", fmt.Sprint(body["caseId"]), who)
	switch {
	case cs == nil:
		return 0, nil, notFound("Case")
	case len(alerts) > maxMerge:
		return 0, nil, badRequest("Too many alerts to merge: %d, the maximum is %d", len(alerts), maxMerge)
	case slices.ContainsFunc(alerts, func(a *item) bool { return a.obj["caseId"] != nil }):
		return 0, nil, badRequest("Alert is already imported")
	}
	for _, a := range alerts {
		if err := s.merge(a, cs, who); err != nil {
			return 0, nil, err
		}
	}
	return 200, render(cs), nil
}

// importAlert takes the observables and the procedures of an alert, and nothing else.
func (s *Server) importAlert(a, cs *item, who *caller) error {
	if a.obj["caseId"] != nil {
		return badRequest("Alert is already imported")
	}
	s.copyInto(a, cs, who, "Observable", "Procedure")
	s.imported(a, cs, who)
	return nil
}

// include puts an alert into a case, with all that is in it.
func (s *Server) include(a, cs *item, who *caller) {
	s.copyInto(a, cs, who, "Observable", "Procedure", "Comment", "Attachment")
	have := list(cs.obj["customFields"])
	for _, f := range list(a.obj["customFields"]) {
		if !slices.ContainsFunc(have, func(h any) bool { return h.(Object)["name"] == f.(Object)["name"] }) {
			have = append(have, f)
		}
	}
	cs.obj["customFields"] = have
	s.imported(a, cs, who)
}

func (s *Server) imported(a, cs *item, who *caller) {
	s.change(a, who, Object{"status": "Imported", "caseId": cs.id(), "importedDate": float64(s.now())}, nil)
}

// copyInto copies what is in an alert into a case. Of an observable that is
// there already the tags are united.
func (s *Server) copyInto(a, cs *item, who *caller, kinds ...string) {
	for _, kind := range kinds {
		for _, x := range s.children(kind, a) {
			f := clone(x.obj)
			delete(f, "_id")
			if kind == "Observable" {
				if have := s.sameObservable(cs, newObservable{fields: f}); have != nil {
					have.obj["tags"] = union(have.obj["tags"], f["tags"])
					continue
				}
			}
			s.add(kind, cs, cs.org, who.login, f).content = x.content
		}
	}
}
