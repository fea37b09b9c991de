package misptest

import "net/http"

// viewUser answers users/view, for the user who asks only.
func (s *Server) viewUser(r *request, id string) answer {
	if id != "me" {
		return refuse(http.StatusNotFound, r, "Invalid user")
	}
	role := s.num(3)
	if r.admin {
		role = s.num(1)
	}
	return ok(object{
		"User": object{"id": s.num(1), "password": "*****", "org_id": s.num(r.org), "email": "analyst@soc.example", "autoalert": false, "role_id": role,
			"gpgkey": nil, "termsaccepted": true, "disabled": false, "totp": "*****"},
		"Role": object{"id": role, "perm_add": r.write, "perm_modify": r.write, "perm_modify_org": r.write, "perm_publish": r.publish,
			"perm_site_admin": r.admin, "perm_tagger": r.write, "perm_tag_editor": r.tagger, "perm_sighting": r.write, "perm_sharing_group": r.admin, "perm_galaxy_editor": r.write,
			"name": r.role()},
		"UserSetting": []object{}, "Organisation": s.organisation(r.org),
	})
}

// role is the name of the role that MISP ships for what u may do.
func (u *user) role() string {
	switch {
	case u.admin:
		return "admin"
	case u.publish:
		return "Publisher"
	case u.write:
		return "User"
	}
	return "Read Only"
}

// mayChange reports whether a user may change e: one of the own organisation's,
// and a site administrator every one.
func (u *user) mayChange(e *event) bool { return u.admin || e.org == u.org }
