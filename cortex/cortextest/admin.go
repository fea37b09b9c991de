package cortextest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// An account is a user with a key.
type account struct {
	user
	key, status string
	updated     time.Time
}

func (a *account) json() object {
	v := stored("user", a.id, nil, seeded, "init")
	maps.Copy(v, object{
		"name": a.name, "roles": a.roles, "status": a.status, "organization": a.organisation, "hasKey": a.key != "", "hasPassword": false,
	})
	if !a.updated.IsZero() {
		v["updatedAt"], v["updatedBy"] = a.updated.UnixMilli(), "super@cortex.example"
	}
	return v
}

type organisation struct {
	name, description, status string
	updated                   time.Time
}

func (o *organisation) json() object {
	v := stored("organization", o.name, nil, seeded, "init")
	maps.Copy(v, object{"name": o.name, "description": o.description, "status": o.status})
	if !o.updated.IsZero() {
		v["updatedAt"], v["updatedBy"] = o.updated.UnixMilli(), "super@cortex.example"
	}
	return v
}

func (s *Server) seedAccounts() {
	s.organisations = []*organisation{
		{name: "cortex", description: "Default organization", status: "Active"},
		{name: Organisation, description: "The SOC", status: "Active"},
	}
	for _, a := range []account{
		{user: user{"analyst@soc.example", "Analyst", Organisation, []string{"read", "analyze"}}, key: Key},
		{user: user{"reader@soc.example", "Reader", Organisation, []string{"read"}}, key: ReadKey},
		{user: user{"admin@soc.example", "Administrator", Organisation, []string{"read", "analyze", "orgadmin"}}, key: AdminKey},
		{user: user{"super@cortex.example", "Superadmin", "cortex", []string{"superadmin"}}, key: SuperadminKey},
	} {
		a.status = "Ok"
		s.accounts = append(s.accounts, &a)
	}
}

// authenticate returns who a key belongs to, or why it isn't taken.
func (s *Server) authenticate(key string) (user, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.accounts {
		if key == "" || a.key != key {
			continue
		}
		if a.status != "Ok" || slices.ContainsFunc(s.organisations, func(o *organisation) bool { return o.name == a.organisation && o.status == "Locked" }) {
			return user{}, "Authentication failure" // it doesn't say which
		}
		return a.user, ""
	}
	return user{}, "Authentication failure"
}

// Authenticates reports whether s takes key, and whose it is.
func (s *Server) Authenticates(key string) (login string, ok bool) {
	u, why := s.authenticate(key)
	return u.id, why == ""
}

func (s *Server) account(id string) *account {
	i := slices.IndexFunc(s.accounts, func(a *account) bool { return a.id == id })
	if i < 0 {
		return nil
	}
	return s.accounts[i]
}

func (s *Server) organisation(name string) *organisation {
	i := slices.IndexFunc(s.organisations, func(o *organisation) bool { return o.name == name })
	if i < 0 {
		return nil
	}
	return s.organisations[i]
}

func (s *Server) listOrganisations(w http.ResponseWriter, r *http.Request, _ user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows(w, r.URL.Query().Get("range"), len(s.organisations), func(i int) object { return s.organisations[i].json() })
}

func (s *Server) getOrganisation(w http.ResponseWriter, r *http.Request, u user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := r.PathValue("id")
	o := s.organisation(id)
	if o == nil || !u.has("superadmin") && u.organisation != id {
		notFound(w, "organization", id)
		return
	}
	answer(w, http.StatusOK, o.json())
}

// attributes answers that those named are missing from in, if any are.
func attributes(w http.ResponseWriter, table string, in map[string]json.RawMessage, names ...string) bool {
	var missing []object
	for _, name := range names {
		if len(in[name]) == 0 {
			if name == "login" || table == "organization" && name == "name" {
				name = "_id"
			}
			missing = append(missing, object{"name": name, "type": "MissingAttributeError", "message": "Attribute " + name + " is missing"})
		}
	}
	if len(missing) > 0 {
		wrongAttributes(w, table, missing...)
	}
	return len(missing) == 0
}

// wrongAttributes answers what is wrong with the members of a request.
func wrongAttributes(w http.ResponseWriter, table string, wrong ...object) {
	answer(w, http.StatusBadRequest, object{"tableName": table, "type": "AttributeCheckingError", "errors": wrong})
}

// badFormat is a member whose value isn't of the format that Cortex wants.
func badFormat(name, format string, value json.RawMessage) object {
	return object{
		"name": name, "format": format, "value": object{"type": "JsonInputValue", "value": value}, "type": "InvalidFormatAttributeError",
		"message": fmt.Sprintf("Invalid format for %s: JsonInputValue(%s), expected %s", name, value, format),
	}
}

// unknownAttribute is a member that Cortex doesn't have.
func unknownAttribute(name string, value json.RawMessage) object {
	return object{
		"name": name, "value": object{"type": "JsonInputValue", "value": value}, "type": "UnknownAttributeError",
		"message": fmt.Sprintf(`Unknown attribute %s: {"type":"JsonInputValue","value":%s}`, name, value),
	}
}

// conflict answers that there is such a document already.
func conflict(w http.ResponseWriter, id string) {
	answer(w, http.StatusBadRequest, object{
		"type": "ConflictError", "message": "[" + id + "]: version conflict, document already exists (current version [1])", "object": object{},
	})
}

func (s *Server) createOrganisation(w http.ResponseWriter, r *http.Request, _ user) {
	in, ok := body(w, r)
	if !ok {
		return
	}
	if !attributes(w, "organization", in, "name", "description") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := text(in["name"])
	if s.organisation(name) != nil {
		conflict(w, name)
		return
	}
	o := &organisation{name: name, description: text(in["description"]), status: "Active"}
	s.organisations = append(s.organisations, o)
	answer(w, http.StatusCreated, o.json())
}

func (s *Server) updateOrganisation(w http.ResponseWriter, r *http.Request, _ user) {
	in, ok := body(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.organisation(r.PathValue("id"))
	switch {
	case r.PathValue("id") == "cortex":
		refuse(w, http.StatusBadRequest, "BadRequest", "Cortex organization can't be updated")
		return
	case o == nil:
		notFound(w, "organization", r.PathValue("id"))
		return
	}
	for name, v := range in {
		switch {
		case name == "name":
			wrongAttributes(w, "organization", object{"name": name, "value": v, "type": "UnknownAttributeError", "message": fmt.Sprintf("Unknown attribute name: %s", v)})
			return
		case name == "status" && text(v) != "Active" && text(v) != "Locked":
			wrongAttributes(w, "organization", badFormat("organization.status", "enumeration", v))
			return
		case name != "status" && name != "description":
			wrongAttributes(w, "organization", unknownAttribute("organization."+name, v))
			return
		}
	}
	if v, ok := in["description"]; ok {
		o.description = text(v)
	}
	if v, ok := in["status"]; ok {
		o.status = text(v)
	}
	o.updated = time.Now()
	answer(w, http.StatusOK, o.json())
}

func (s *Server) listUsers(w http.ResponseWriter, r *http.Request, _ user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows(w, r.URL.Query().Get("range"), len(s.accounts), func(i int) object { return s.accounts[i].json() })
}

func (s *Server) getUser(w http.ResponseWriter, r *http.Request, u user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(r.PathValue("id"))
	if a == nil || !u.has("superadmin") && a.organisation != u.organisation {
		notFound(w, "user", r.PathValue("id"))
		return
	}
	answer(w, http.StatusOK, a.json())
}

func (s *Server) createUser(w http.ResponseWriter, r *http.Request, u user) {
	in, ok := body(w, r)
	if !ok {
		return
	}
	if !attributes(w, "user", in, "name", "login") {
		return
	}
	var roles []string
	_ = json.Unmarshal(in["roles"], &roles) // without any is allowed
	s.mu.Lock()
	defer s.mu.Unlock()
	login, org := text(in["login"]), text(in["organization"])
	if len(in["organization"]) == 0 {
		org = u.organisation
	}
	unknown := slices.IndexFunc(roles, func(r string) bool { return !slices.Contains(allRoles, r) })
	switch {
	case !u.has("superadmin") && (org != u.organisation || slices.Contains(roles, "superadmin")):
		refuse(w, http.StatusForbidden, "AuthorizationError", "You are not authorized to perform this action")
		return
	case s.organisation(org) == nil:
		notFound(w, "organization", org)
		return
	case unknown >= 0:
		role, _ := json.Marshal(roles[unknown]) // a string always encodes
		wrongAttributes(w, "user", badFormat("user.roles", "role", role))
		return
	case s.account(login) != nil:
		conflict(w, login)
		return
	}
	a := &account{user: user{login, text(in["name"]), org, roles}, status: "Ok"}
	s.accounts = append(s.accounts, a)
	answer(w, http.StatusCreated, a.json())
}

var allRoles = []string{"read", "analyze", "orgadmin", "superadmin"}

// keyOf answers with the key of a user, after f.
func (s *Server) keyOf(f func(*account)) func(http.ResponseWriter, *http.Request, user) {
	return func(w http.ResponseWriter, r *http.Request, u user) {
		s.mu.Lock()
		defer s.mu.Unlock()
		a := s.account(r.PathValue("id"))
		administers := u.has("superadmin") || u.has("orgadmin") && a != nil && a.organisation == u.organisation
		switch {
		case (a == nil || a.organisation != u.organisation) && !u.has("superadmin"):
			notFound(w, "user", r.PathValue("id"))
			return
		case !administers && a.id != u.id:
			refuse(w, http.StatusForbidden, "AuthorizationError", "Insufficient rights to perform this action")
			return
		}
		if a != nil {
			f(a)
		}
		if a == nil && r.Method == http.MethodPost {
			notFound(w, "user", r.PathValue("id"))
			return
		}
		if a == nil || a.key == "" {
			refuse(w, http.StatusForbidden, "AuthorizationError", "Get API key is not supported")
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, a.key)
	}
}

// renew gives a a new key, which is 24 bytes as Cortex makes them, but not
// random.
func renew(a *account) {
	sum := sha256.Sum256([]byte(a.id + a.key))
	a.key = base64.StdEncoding.EncodeToString(sum[:24])
}

// updateUser changes what an administrator may change.
func (s *Server) updateUser(w http.ResponseWriter, r *http.Request, u user) {
	in, ok := body(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(r.PathValue("id"))
	switch {
	case a == nil || !u.has("superadmin") && a.organisation != u.organisation:
		notFound(w, "user", r.PathValue("id"))
		return
	case s.organisation(a.organisation).status == "Locked":
		refuse(w, http.StatusBadRequest, "BadRequest", "Organization "+a.organisation+" is locked")
		return
	}
	if v, ok := in["status"]; ok {
		a.status = text(v)
	}
	if v, ok := in["name"]; ok {
		a.name = text(v)
	}
	a.updated = time.Now()
	answer(w, http.StatusOK, a.json())
}

// more are the routes that our client doesn't use and others do.
func (s *Server) more() {
	s.route("GET /api/alert", func(w http.ResponseWriter, _ *http.Request, _ user) { answer(w, http.StatusOK, []object{}) }, "read")
	s.route("GET /api/job", func(w http.ResponseWriter, r *http.Request, u user) { // deleted ones too
		s.mu.Lock()
		defer s.mu.Unlock()
		n := len(s.jobs)
		rows(w, r.URL.Query().Get("range"), n, func(i int) object { return s.jobs[n-1-i].json() })
	}, "read")
	s.route("PATCH /api/user/{id}", s.updateUser, "superadmin", "orgadmin")
	s.route("DELETE /api/user/{id}", func(w http.ResponseWriter, _ *http.Request, _ user) {
		refuse(w, http.StatusInternalServerError, "InternalError", "user can't be removed")
	}, "superadmin", "orgadmin")
	s.route("DELETE /api/organization/{id}", func(w http.ResponseWriter, r *http.Request, _ user) { // it is locked
		s.mu.Lock()
		defer s.mu.Unlock()
		o := s.organisation(r.PathValue("id"))
		if o == nil {
			notFound(w, "organization", r.PathValue("id"))
			return
		}
		o.status = "Locked"
		w.WriteHeader(http.StatusNoContent)
	}, "superadmin")
	s.route("GET /api/organization/{id}/user", func(w http.ResponseWriter, r *http.Request, u user) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var list []*account
		for _, a := range s.accounts {
			if a.organisation == r.PathValue("id") && (u.has("superadmin") || u.organisation == a.organisation) {
				list = append(list, a)
			}
		}
		rows(w, r.URL.Query().Get("range"), len(list), func(i int) object { return list[i].json() })
	}, "superadmin", "orgadmin")
	s.route("GET /api/analyzer/type/{type}", func(w http.ResponseWriter, r *http.Request, u user) {
		s.mu.Lock()
		defer s.mu.Unlock()
		all := []object{}
		for _, k := range s.workers {
			if k.kind == "analyzer" && u.organisation == Organisation && slices.Contains(k.DataTypes, r.PathValue("type")) {
				all = append(all, k.json(u))
			}
		}
		answer(w, http.StatusOK, all)
	}, "read")
	s.route("GET /api/analyzerconfig", s.sharedConfigurations, "orgadmin")
	for _, kind := range []string{"analyzer", "responder"} {
		s.route("POST /api/"+kind+"/_search", s.searchWorkers(kind), "read")
	}
}

// sharedConfigurations lists the settings that analyzers of one service have in
// common. Nobody has set any here.
func (s *Server) sharedConfigurations(w http.ResponseWriter, _ *http.Request, _ user) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []object{{"name": "global", "workers": []string{}, "configurationItems": []any{}, "config": object{}}}
	for _, d := range s.definitions {
		if d.kind == "analyzer" && d.Service != "" {
			list = append(list, object{"name": d.Service, "workers": []string{d.Name}, "configurationItems": d.json()["configurationItems"], "config": object{}})
		}
	}
	answer(w, http.StatusOK, list)
}

// searchWorkers finds by the name alone.
func (s *Server) searchWorkers(kind string) func(http.ResponseWriter, *http.Request, user) {
	return func(w http.ResponseWriter, r *http.Request, u user) {
		in, ok := body(w, r)
		if !ok {
			return
		}
		found, ok := asked(w, in["query"])
		if !ok {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		var list []object
		for _, k := range s.workers {
			if k.kind == kind && u.organisation == Organisation && found(object{"id": k.id(), "name": k.Name, "workerDefinitionId": k.Name, "type": kind}) {
				list = append(list, k.json(u))
			}
		}
		rows(w, text(in["range"]), len(list), func(i int) object { return list[i] })
	}
}
