package misptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Warninglist is a list of values that make poor indicators.
type Warninglist struct {
	ID      int      // its id
	Name    string   // its name
	Type    string   // cidr, or string
	Enabled bool     // whether it is switched on
	Entries []string // what is on it
}

type group struct {
	id       int
	name     string
	orgs     []int
	inactive bool
}

// AddSharingGroup stores a sharing group of both organisations, and of others by
// their ids, which the server doesn't know, and returns its id. One that isn't
// active is in no list.
func (s *Server) AddSharingGroup(name string, active bool, others ...int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := len(s.groups) + 1
	s.groups = append(s.groups, &group{id: id, name: name, orgs: append([]int{1, 2}, others...), inactive: !active})
	return id
}

type hit struct {
	list    *Warninglist
	matched string
}

// AddWarninglist stores a warninglist.
func (s *Server) AddWarninglist(l Warninglist) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists = append(s.lists, &l)
}

// hits returns the entries of the lists that are enabled which v matches.
func (s *Server) hits(v string) (list []hit) {
	for _, l := range s.lists {
		for _, entry := range l.Entries {
			if l.Enabled && (entry == v || l.Type == "cidr" && within(entry, v)) {
				list = append(list, hit{l, entry})
			}
		}
	}
	return list
}

func (s *Server) checkValue(r *request) answer {
	var values []string
	var one string
	var wrapped struct {
		Value string `json:"value"`
	}
	switch {
	case json.Unmarshal(r.body, &values) == nil:
	case json.Unmarshal(r.body, &one) == nil:
		values = []string{one}
	case json.Unmarshal(r.body, &wrapped) == nil && wrapped.Value != "":
		values = []string{wrapped.Value}
	case len(r.body) > 0:
		return refuse(http.StatusInternalServerError, r, "An Internal Error Has Occurred.")
	}
	if len(values) == 0 {
		return refuse(http.StatusNotFound, r, "No valid data received.")
	}
	out := object{}
	for _, v := range values {
		var list []object
		for _, h := range s.hits(strings.TrimSpace(v)) {
			list = append(list, object{"id": strconv.Itoa(h.list.ID), "name": h.list.Name, "matched": h.matched})
		}
		if list != nil {
			out[strings.TrimSpace(v)] = list
		}
	}
	if len(out) == 0 {
		return ok([]object{})
	}
	return ok(out)
}

func (s *Server) indexWarninglists(r *request) answer {
	enabled, filtered := flagged(parameters(r.body)["enabled"])
	list := []object{}
	for _, l := range s.lists {
		if filtered && enabled != l.Enabled {
			continue
		}
		list = append(list, object{"Warninglist": object{"id": s.num(l.ID), "name": l.Name, "type": l.Type, "description": l.Name, "version": s.num(20241017),
			"enabled": l.Enabled, "default": true, "category": "false_positive", "warninglist_entry_count": s.num(len(l.Entries)),
			"valid_attributes": "ip-src, ip-dst, domain|ip, ip-src|port, ip-dst|port"}})
	}
	return ok(object{"Warninglists": list})
}

func (s *Server) group(id int) *group {
	for _, g := range s.groups {
		if g.id == id {
			return g
		}
	}
	return nil
}

func (s *Server) viewGroup(r *request, id string) answer {
	n, err := strconv.Atoi(id)
	g := s.group(n)
	if err != nil || g == nil || !slices.Contains(g.orgs, r.org) {
		return refuse(http.StatusNotFound, r, "Invalid sharing group.")
	}
	orgs := []object{}
	for _, o := range g.orgs {
		var org any = s.organisation(o)
		if orgNames[o] == "" {
			org = []object{}
		}
		orgs = append(orgs, object{"id": s.num(o), "sharing_group_id": s.num(g.id), "org_id": s.num(o), "extend": false, "Organisation": org})
	}
	return ok(object{
		"SharingGroup":       object{"id": s.num(g.id), "name": g.name, "releasability": "partners", "description": "", "uuid": fmt.Sprintf("3e8f9a5c-0000-4000-8000-%012d", g.id), "active": !g.inactive, "local": true, "roaming": false},
		"Organisation":       s.organisation(1),
		"SharingGroupOrg":    orgs,
		"SharingGroupServer": []object{},
	})
}
