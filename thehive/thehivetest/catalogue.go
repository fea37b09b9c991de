package thehivetest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// catalogueRoutes are those of what an administrator sets up: custom fields,
// types, statuses, templates, profiles.
func (s *Server) catalogueRoutes() {
	s.handle("GET /api/v1/customField", false, func(_ *http.Request, who *caller, _ Object) (int, any, error) {
		found := []any{}
		for _, it := range s.visible("CustomField", who) {
			found = append(found, render(it))
		}
		return 200, found, nil
	})
	s.setUp("CustomField", "customField", "", []attribute{
		{"name", true, "string", 1, 64}, {"displayName", false, "string", 1, 64}, {"group", false, "string", 1, 64}, {"description", false, "text", 0, 1 << 20},
		{"type", true, "string", 1, 16}, {"mandatory", false, "bool", 0, 0}})
	s.setUp("ObservableType", "observable/type", "", []attribute{{"name", true, "string", 1, 64}, {"isAttachment", false, "bool", 0, 0}})
	s.setUp("Profile", "profile", "", []attribute{{"name", true, "string", 1, 64}, {"permissions", false, "strings", 1, 128}})
	status := []attribute{{"value", true, "string", 1, 64}, {"stage", true, "string", 1, 16}, {"order", false, "int", 0, 0}, {"hidden", false, "bool", 0, 0}}
	s.setUp("CaseStatus", "caseStatus", "", status)
	s.setUp("AlertStatus", "alertStatus", "", status)
	s.setUp("CaseTemplate", "caseTemplate", "org", []attribute{
		{"name", true, "string", 1, 128}, {"displayName", false, "string", 1, 128}, {"titlePrefix", false, "string", 1, 128}, {"description", false, "text", 0, 1 << 20},
		{"severity", false, "level", 1, 4}, {"tags", false, "strings", 1, 128}, {"flag", false, "bool", 0, 0}, {"tlp", false, "level", 0, 4}, {"pap", false, "level", 0, 3},
		{"summary", false, "text", 0, 1 << 20}})
	s.setUp("PageTemplate", "pageTemplate", "org", pageAttributes)
	s.manage("PUT /api/v1/caseTemplate/{id}/pageTemplate/link", s.on("CaseTemplate", func(it *item, _ *caller, body Object) (int, any, error) {
		it.obj["pageTemplateIds"] = body["pageTemplateIds"]
		return 204, nil, nil
	}))
	s.setUp("Organisation", "organisation", "", []attribute{{"name", true, "string", 1, 128}, {"description", true, "string", 1, 512}})
}

// setUp adds the routes that make, show, change and delete a kind. org says that
// each organisation has its own.
func (s *Server) setUp(kind, path, org string, attrs []attribute) {
	base := "/api/v1/" + path
	s.manage("POST "+base, func(_ *http.Request, who *caller, body Object) (int, any, error) {
		o, err := take(body, attrs, false)
		if err != nil {
			return 0, nil, err
		}
		if name, ok := o["name"].(string); ok && s.find(kind, name, who) != nil {
			return 0, nil, &refusal{400, "CreateError", kind + " " + name + " already exists", nil}
		}
		for _, more := range []string{"options", "tasks", "customFields"} {
			if l := list(body[more]); l != nil {
				o[more] = l
			}
		}
		owner := ""
		if org != "" {
			owner = who.org
		}
		return 201, render(s.add(kind, nil, owner, who.login, o)), nil
	})
	s.handle("GET "+base+"/{id}", false, s.on(kind, show))
	s.manage("PATCH "+base+"/{id}", s.on(kind, s.patch(attrs, nil)))
	s.manage("DELETE "+base+"/{id}", s.on(kind, s.drop))
}

// mispRoutes are those of the connector to MISP, which is none here.
func (s *Server) mispRoutes() {
	base := "/api/v1/connector/misp/"
	s.handle("GET "+base+"status", false, func(*http.Request, *caller, Object) (int, any, error) {
		return 200, Object{"status": Object{}, "syncInProgress": false}, nil
	})
	s.manage("GET "+base+"_syncAlerts", func(*http.Request, *caller, Object) (int, any, error) { return 204, nil, nil })
	s.handle("POST "+base+"export/{id}/{misp}", true, func(r *http.Request, _ *caller, _ Object) (int, any, error) {
		return 0, nil, notFound("MISP server " + r.PathValue("misp"))
	})
	s.handle("POST "+base+"case/import", true, func(*http.Request, *caller, Object) (int, any, error) {
		return 0, nil, badRequest("Could not convert json to MISP event")
	})
}

// importCase makes a case of an export.
func (s *Server) importCase(r *http.Request, who *caller, _ Object) (int, any, error) {
	f, err := formFile(r, "file")
	if err != nil {
		return 0, nil, err
	}
	var o Object
	if json.Unmarshal(f.content, &o) != nil {
		return 0, nil, badRequest("the archive can't be read")
	}
	fields, err := take(o, caseAttributes, false)
	if err != nil {
		return 0, nil, err
	}
	return 201, Object{"case": render(s.add("Case", nil, who.org, who.login, fields))}, nil
}

func encoded(o Object) []byte {
	b, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("thehivetest: %v", err)) // a field that JSON has no form for
	}
	return b
}

func sortedKeys(o Object) []string { return slices.Sorted(maps.Keys(o)) }

func ref(n int64) string { return "~" + strconv.FormatInt(n, 10) }
