package thehivetest

import (
	"fmt"
	"net/http"
	"slices"
)

var userAttributes = []attribute{{"login", true, "string", 1, 128}, {"name", true, "string", 1, 128}, {"profile", true, "string", 1, 64},
	{"email", false, "string", 1, 128}, {"organisation", false, "string", 1, 128}, {"type", false, "string", 1, 16}, {"locked", false, "bool", 0, 0}}

func (s *Server) userRoutes() {
	s.handle("GET /api/v1/user/current", false, func(_ *http.Request, who *caller, _ Object) (int, any, error) { return 200, who.user, nil })
	s.manage("POST /api/v1/user", s.createUser)
	s.handle("GET /api/v1/user/{id}", false, s.on("User", show))
	s.manage("PATCH /api/v1/user/{id}", s.on("User", func(it *item, who *caller, body Object) (int, any, error) {
		status, answer, err := s.patch(userAttributes, nil)(it, who, body)
		if err == nil && (body["profile"] != nil || body["organisation"] != nil) {
			it.obj["organisations"] = []any{Object{"organisation": it.obj["organisation"], "organisationId": "~" + fmt.Sprint(it.obj["organisation"]), "profile": it.obj["profile"], "default": true}}
		}
		return status, answer, err
	}))
	s.manage("DELETE /api/v1/user/{id}/force", s.on("User", s.drop))
	s.manage("DELETE /api/v1/user/{id}", s.on("User", s.drop))
	s.manage("PUT /api/v1/user/{id}/organisations", s.on("User", func(it *item, _ *caller, body Object) (int, any, error) {
		organisations := list(body["organisations"])
		if len(organisations) == 0 {
			return 0, nil, missing("organisations")
		}
		it.obj["organisations"] = organisations
		for _, o := range organisations {
			if o := o.(Object); o["default"] == true || len(organisations) == 1 {
				it.obj["defaultOrganisation"], it.obj["organisation"], it.obj["profile"] = o["organisation"], o["organisation"], o["profile"]
			}
		}
		return 200, Object{"organisations": organisations}, nil
	}))
	s.manage("POST /api/v1/user/{id}/password/set", s.on("User", func(it *item, _ *caller, body Object) (int, any, error) {
		it.secret["password"], it.obj["hasPassword"] = fmt.Sprint(body["password"]), true
		return 204, nil, nil
	}))
	s.handle("POST /api/v1/user/{id}/password/change", false, s.on("User", func(it *item, who *caller, body Object) (int, any, error) {
		if it.obj["login"] != who.login || it.secret["password"] != body["currentPassword"] {
			return 0, nil, errForbidden
		}
		it.secret["password"] = fmt.Sprint(body["password"])
		return 204, nil, nil
	}))
	s.manage("GET /api/v1/user/{id}/key", s.on("User", func(it *item, _ *caller, _ Object) (int, any, error) {
		if it.secret["key"] == "" {
			return 0, nil, notFound("User")
		}
		return 200, []byte(it.secret["key"]), nil
	}))
	s.manage("POST /api/v1/user/{id}/key/renew", s.on("User", func(it *item, _ *caller, _ Object) (int, any, error) {
		it.secret["key"], it.obj["hasKey"] = fmt.Sprintf("key-%d-%d", s.now(), len(s.items)), true
		return 200, []byte(it.secret["key"]), nil
	}))
	s.manage("DELETE /api/v1/user/{id}/key", s.on("User", func(it *item, _ *caller, _ Object) (int, any, error) {
		it.secret["key"], it.obj["hasKey"] = "", false
		return 204, nil, nil
	}))
	s.handle("GET /api/v1/license/current", false, func(*http.Request, *caller, Object) (int, any, error) {
		return 200, Object{"fallback": Object{"expiresAt": s.now() + 365*24*3600*1000}}, nil
	})
}

// createUser makes a user, or returns the one with that login.
func (s *Server) createUser(_ *http.Request, who *caller, body Object) (int, any, error) {
	o, err := take(body, userAttributes, false)
	if err != nil {
		return 0, nil, err
	}
	org, ok := o["organisation"].(string)
	if !ok {
		org = who.org
	}
	if have := s.named("User", o["login"].(string)); have != nil {
		if !have.seenBy(who) {
			have.obj["organisations"] = append(list(have.obj["organisations"]), Object{"organisation": org, "profile": o["profile"], "default": false})
		}
		return 201, render(have), nil
	}
	o["organisation"], o["defaultOrganisation"], o["hasKey"], o["hasPassword"] = org, org, false, false
	o["organisations"] = []any{Object{"organisation": org, "organisationId": "~" + org, "profile": o["profile"], "default": true}}
	o["permissions"] = permissions(fmt.Sprint(o["profile"]))
	it := s.add("User", nil, "", who.login, o)
	it.secret = map[string]string{}
	return 201, render(it), nil
}

// permissions are those of a profile that every server has.
func permissions(profile string) []string {
	analyst := []string{"manageCase/create", "manageCase/update", "manageCase/delete", "manageCase/merge", "manageCase/reopen", "manageAlert/create", "manageAlert/update",
		"manageAlert/delete", "manageAlert/import", "manageAlert/reopen", "manageObservable", "manageTask", "manageProcedure", "manageAnalyse", "manageAction",
		"manageComment", "managePage", "manageTag", "manageCustomEvent"}
	switch profile {
	case "analyst":
		return analyst
	case "org-admin":
		return append(slices.Clone(analyst), "manageUser", "manageOrganisation", "manageCaseTemplate", "managePageTemplate")
	case "admin":
		return []string{"managePlatform", "manageUser", "manageOrganisation", "manageProfile", "manageCustomField", "manageObservableTemplate"}
	}
	return []string{}
}
