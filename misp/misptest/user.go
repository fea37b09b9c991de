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
		"Role": object{"id": role, "perm_add": r.write, "perm_modify": r.write, "perm_modify_org": r.publish, "perm_publish": r.publish,
			"perm_site_admin": r.admin, "perm_tagger": r.tagger, "perm_sighting": r.write},
		"UserSetting": []object{}, "Organisation": s.organisation(r.org),
	})
}
