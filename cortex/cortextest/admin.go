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
}

func (a *account) json() object {
	v := stored("user", a.id, nil, seeded, "init")
	maps.Copy(v, object{
		"name": a.name, "roles": a.roles, "status": a.status, "organization": a.organisation, "hasKey": a.key != "", "hasPassword": false,
	})
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
			return user{}, "Your account is locked"
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
			missing = append(missing, object{"name": name, "type": "MissingAttributeError", "message": "Attribute " + name + " is missing"})
		}
	}
	if len(missing) > 0 {
		answer(w, http.StatusBadRequest, object{"tableName": table, "type": "AttributeCheckingError", "errors": missing})
	}
	return len(missing) == 0
}

func (s *Server) createOrganisation(w http.ResponseWriter, r *http.Request, _ user) {
	in, err := fields(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", "Invalid Json: "+err.Error())
		return
	}
	if !attributes(w, "organization", in, "name", "description") {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := text(in["name"])
	if s.organisation(name) != nil {
		refuse(w, http.StatusBadRequest, "ConflictError", "["+name+"]: version conflict, document already exists")
		return
	}
	o := &organisation{name: name, description: text(in["description"]), status: "Active"}
	s.organisations = append(s.organisations, o)
	answer(w, http.StatusCreated, o.json())
}

func (s *Server) updateOrganisation(w http.ResponseWriter, r *http.Request, _ user) {
	in, err := fields(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", "Invalid Json: "+err.Error())
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
	in, err := fields(r)
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequest", "Invalid Json: "+err.Error())
		return
	}
	if !attributes(w, "user", in, "login", "name", "roles", "organization") {
		return
	}
	var roles []string
	_ = json.Unmarshal(in["roles"], &roles) // checked by the length below
	s.mu.Lock()
	defer s.mu.Unlock()
	login, org := text(in["login"]), text(in["organization"])
	switch {
	case len(roles) == 0:
		refuse(w, http.StatusBadRequest, "AttributeCheckingError", "roles")
		return
	case s.organisation(org) == nil || !u.has("superadmin") && org != u.organisation:
		notFound(w, "organization", org)
		return
	case s.account(login) != nil:
		refuse(w, http.StatusBadRequest, "ConflictError", "["+login+"]: version conflict, document already exists")
		return
	}
	a := &account{user: user{login, text(in["name"]), org, roles}, status: "Ok"}
	s.accounts = append(s.accounts, a)
	answer(w, http.StatusCreated, a.json())
}

// keyOf answers with the key of a user, after f.
func (s *Server) keyOf(f func(*account)) func(http.ResponseWriter, *http.Request, user) {
	return func(w http.ResponseWriter, r *http.Request, u user) {
		s.mu.Lock()
		defer s.mu.Unlock()
		a := s.account(r.PathValue("id"))
		if a == nil || !u.has("superadmin") && a.organisation != u.organisation {
			notFound(w, "user", r.PathValue("id"))
			return
		}
		f(a)
		if a.key == "" {
			refuse(w, http.StatusBadRequest, "BadRequest", "User "+a.id+" hasn't key")
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
