package misptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parameterList reads a body that is a list of objects.
func parameterList(body []byte) (list []object) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&list) != nil {
		return nil
	}
	return list
}

func integer(v any) int {
	n, err := strconv.Atoi(strings.Trim(string(mustJSON(v)), `"`))
	if err != nil {
		return 0
	}
	return n
}

// routeMore answers what goes beyond events and attributes.
func (s *Server) routeMore(post bool, r *request, parts []string) (answer, bool) {
	id, last := parts[2], parts[3]
	write := r.write
	switch parts[0] + "/" + parts[1] {
	case "events/add":
		return s.gated(r, post && write, func() answer { return s.newEvent(r) })
	case "events/edit":
		return s.gated(r, post && write, func() answer { return s.editEvent(r, id) })
	case "attributes/view":
		return s.viewAttribute(r, id), true
	case "attributes/edit":
		return s.gated(r, post && write, func() answer { return s.editAttribute(r, id) })
	case "attributes/delete":
		return s.gated(r, post && write, func() answer { return s.deleteAttribute(r, id, last == "1") })
	case "attributes/describeTypes":
		return describeTypes(), true
	case "tags/index", "tags/":
		return s.indexTags(r), true
	case "tags/search":
		return s.searchTags(r), true
	case "tags/attachTagToObject":
		return s.gated(r, post && write, func() answer { return s.tag(r, true) })
	case "tags/removeTagFromObject":
		return s.gated(r, post && write, func() answer { return s.tag(r, false) })
	case "objectTemplates/", "objectTemplates/index":
		return s.indexTemplates(), true
	case "objectTemplates/view":
		return s.viewTemplate(r, id), true
	case "objects/view":
		return s.viewObject(r, id), true
	case "objects/add":
		return s.gated(r, post && write, func() answer { return s.addObject(r, id, last) })
	case "objects/delete":
		return s.gated(r, post && write, func() answer { return s.deleteObject(r, id, last == "1") })
	case "galaxies/", "galaxies/index":
		return s.indexGalaxies(), true
	case "galaxies/view":
		return s.viewGalaxy(r, id), true
	case "galaxies/attachCluster":
		return s.gated(r, post && write, func() answer { return s.attachCluster(r, id, last) })
	case "galaxy_clusters/index":
		return s.indexClusters(r, id), true
	case "galaxy_clusters/restSearch":
		return s.findClusters(r), true
	case "galaxy_clusters/view":
		return s.viewCluster(r, id), true
	case "shadow_attributes/index":
		return s.indexProposals(r, id), true
	case "shadow_attributes/view":
		return s.viewProposal(r, id), true
	case "shadow_attributes/add":
		return s.gated(r, post && write, func() answer { return s.propose(r, id) })
	case "shadow_attributes/edit":
		return s.gated(r, post && write, func() answer { return s.proposeEdit(r, id) })
	case "shadow_attributes/accept", "shadow_attributes/discard":
		return s.gated(r, post && write, func() answer { return s.decideProposal(r, id, parts[1] == "accept") })
	case "eventBlocklists/index":
		return s.gated(r, r.admin, func() answer { return s.indexBlocked() })
	case "events/upload_stix":
		return s.gated(r, post && write, func() answer { return s.uploadSTIX(r) })
	case "sightings/add":
		return s.gated(r, post && write, func() answer { return s.addSighting(r) })
	case "organisations/index", "organisations/":
		return s.indexOrganisations(id), true
	case "organisations/view":
		return s.viewOrganisation(r, id), true
	case "sharing_groups/", "sharing_groups/index":
		return s.indexGroups(r, id), true
	case "servers/getVersion":
		return ok(object{"version": "2.5.1", "pymisp_recommended_version": "2.5.1", "perm_sync": r.admin, "perm_sighting": r.write, "perm_galaxy_editor": r.write,
			"perm_analyst_data": r.write, "uuid": "1d876666-0fcb-4ee7-a155-814af6c5e986", "request_encoding": []string{"gzip"}, "filter_sightings": true}), true
	case "servers/serverSettings":
		return s.gated(r, r.admin, func() answer {
			return ok(object{"version": object{"upToDate": "same"}, "gpgStatus": 0, "redisInfo": object{"connection": true}, "workers": object{"default": object{"ok": true}},
				"writeableDirs": object{"/tmp": 0}, "finalSettings": []object{{"setting": "Security.salt", "value": "a secret of the server"}}, "phpSettings": object{}})
		})
	case "users/view":
		return s.viewUser(r, id), true
	case "users/statistics":
		return s.statistics(r), true
	case "taxonomies/", "taxonomies/index":
		return s.indexTaxonomies(), true
	case "feeds/", "feeds/index", "feeds/view", "feeds/enable", "feeds/disable", "feeds/fetchFromFeed", "feeds/cacheFeeds":
		return s.feedAction(post, r, parts[1], id), true
	}
	return answer{}, false
}

func (s *Server) gated(r *request, allowed bool, do func() answer) (answer, bool) {
	if !allowed {
		return refuse(http.StatusForbidden, r, noPermission), true
	}
	return do(), true
}

func (s *Server) newEvent(r *request) answer {
	p := parameters(r.body)
	if inner, ok := p["Event"].(object); ok {
		p = inner
	}
	text := func(name string) string { v, _ := p[name].(string); return v }
	e := Event{Info: text("info"), UUID: text("uuid"), ThreatLevel: 4, Org: orgNames[r.org], Distribution: 1}
	errors := object{}
	if strings.TrimSpace(e.Info) == "" {
		errors["info"] = []string{"Info cannot be empty."}
	}
	if v, given := p["threat_level_id"]; given {
		if e.ThreatLevel = integer(v); e.ThreatLevel < 1 || e.ThreatLevel > 4 {
			errors["threat_level_id"] = []string{"Options : 1, 2, 3, 4 (for High, Medium, Low, Undefined)"}
		}
	}
	if v, given := p["analysis"]; given {
		if e.Analysis = integer(v); e.Analysis < 0 || e.Analysis > 2 {
			errors["analysis"] = []string{"Options : 0, 1, 2 (for Initial, Ongoing, Completed)"}
		}
	}
	if v, given := p["distribution"]; given {
		e.Distribution = integer(v)
	}
	e.SharingGroup = integer(p["sharing_group_id"])
	if d := text("date"); d != "" {
		t, err := time.Parse(time.DateOnly, d)
		if err != nil {
			errors["date"] = []string{"Expected date format: YYYY-MM-DD"}
		}
		e.Date = t
	}
	old := s.find(e.UUID)
	g := s.group(e.SharingGroup)
	switch {
	case e.UUID != "" && s.blocked[e.UUID]:
		return refuse(http.StatusForbidden, r, "Event blocked by event blocklist.")
	case e.UUID != "" && old != nil:
		a := refuse(http.StatusNotFound, r, "Event already exists, if you would like to edit it, use the url in the location header.")
		a.header = http.Header{"Location": {fmt.Sprintf("/events/%d", old.id)}}
		return a
	case e.Distribution == 4 && (g == nil || !slices.Contains(g.orgs, r.org)):
		return refuse(http.StatusMethodNotAllowed, r, "Invalid Sharing Group or not authorised.")
	case len(errors) > 0:
		return unsaved("Could not add Event", "/events/add", object{"Event": errors})
	}
	attributes, _ := p["Attribute"].([]any)
	for _, x := range attributes { // in the same request, as the vendor's client sends them
		q, _ := x.(object)
		of := func(name string) string { v, _ := q[name].(string); return v }
		a := Attribute{Type: of("type"), Category: of("category"), Comment: of("comment"), UUID: of("uuid"), Value: normal(of("type"), of("value"))}
		if ids, given := flagged(q["to_ids"]); given {
			a.ToIDs = &ids
		}
		e.Attributes = append(e.Attributes, a)
	}
	tags, _ := p["Tag"].([]any)
	for _, x := range tags {
		q, _ := x.(object)
		if name, ok := q["name"].(string); ok {
			e.Tags = append(e.Tags, name)
		}
	}
	n := s.addEvent(e)
	n.changed = time.Now().Unix()
	return ok(object{"Event": s.full(r.user, n)})
}

func (s *Server) editEvent(r *request, id string) answer {
	e := s.lookup(r.user, id)
	switch {
	case e == nil:
		return refuse(http.StatusNotFound, r, "Invalid event")
	case !r.mayChange(e):
		return refuse(http.StatusForbidden, r, "You are not authorised to do that.")
	}
	p := parameters(r.body)
	if inner, ok := p["Event"].(object); ok {
		p = inner
	}
	if v, given := p["analysis"]; given {
		n := integer(v)
		if n < 0 || n > 2 {
			return unsaved("Could not edit Event", "/events/edit/"+id, object{"analysis": []string{"Options : 0, 1, 2 (for Initial, Ongoing, Completed)"}})
		}
		e.Analysis = n
	}
	if v, given := p["threat_level_id"]; given {
		e.ThreatLevel = integer(v)
	}
	if v, ok := p["info"].(string); ok {
		e.Info = v
	}
	e.touch(time.Now().Unix())
	return ok(object{"Event": s.full(r.user, e)})
}

// attributeOf returns the attribute with that id or UUID and its event.
func (s *Server) attributeOf(id string) (*event, *attribute) {
	for _, e := range s.events {
		for _, a := range e.attributes {
			if strconv.Itoa(a.id) == id || a.UUID == id {
				return e, a
			}
		}
		for _, o := range e.objects {
			for _, a := range o.attributes {
				if strconv.Itoa(a.id) == id || a.UUID == id {
					return e, a
				}
			}
		}
	}
	return nil, nil
}

func (s *Server) viewAttribute(r *request, id string) answer {
	e, a := s.attributeOf(id)
	if a == nil || a.deleted || !s.sees(r.user, e) {
		return refuse(http.StatusMethodNotAllowed, r, "Invalid attribute")
	}
	o := s.attribute(e, a)
	delete(o, "Tag")
	o["event_uuid"] = e.UUID
	return ok(object{"Attribute": o})
}

// editAttribute changes what is said of a value, and not the value.
func (s *Server) editAttribute(r *request, id string) answer {
	e, a := s.attributeOf(id)
	switch {
	case a == nil || !s.sees(r.user, e):
		return refuse(http.StatusNotFound, r, "Invalid attribute.")
	case !r.mayChange(e):
		return refuse(http.StatusForbidden, r, "You do not have permission to do that.")
	}
	p := parameters(r.body)
	if v, ok := p["comment"].(string); ok {
		a.Comment = v
	}
	if v, given := p["to_ids"]; given {
		a.toIDs = v == true || integer(v) == 1
	}
	e.touch(time.Now().Unix())
	a.changed = e.changed
	return ok(object{"Attribute": s.attribute(e, a)})
}

func (s *Server) deleteAttribute(r *request, id string, hard bool) answer {
	e, a := s.attributeOf(id)
	if p := parameters(r.body); integer(p["hard"]) == 1 {
		hard = true
	}
	switch {
	case a == nil || a.deleted && !hard:
		return refuse(http.StatusNotFound, r, "Invalid attribute")
	case !r.mayChange(e):
		return refuse(http.StatusForbidden, r, "You do not have permission to do that.")
	}
	a.deleted = true
	if hard {
		drop := func(x *attribute) bool { return x == a }
		e.attributes = slices.DeleteFunc(e.attributes, drop)
		for _, o := range e.objects {
			o.attributes = slices.DeleteFunc(o.attributes, drop)
		}
		delete(s.uuids, a.UUID)
	}
	e.touch(time.Now().Unix())
	return ok(object{"message": "Attribute deleted."})
}

func describeTypes() answer {
	defaults, mappings := object{}, object{}
	names := []string{}
	in := map[string][]string{}
	for t, u := range types {
		names = append(names, t)
		ids := 0
		if u.toIDs {
			ids = 1
		}
		defaults[t] = object{"default_category": u.category, "to_ids": ids}
		for _, c := range append([]string{u.category}, u.also...) {
			if !slices.Contains(in[c], t) {
				in[c] = append(in[c], t)
			}
		}
	}
	slices.Sort(names)
	for c, list := range in {
		slices.Sort(list)
		mappings[c] = list
	}
	return ok(object{"result": object{"sane_defaults": defaults, "types": names, "categories": categories, "category_type_mappings": mappings}})
}

// tagID returns the id of a tag, which is made if it doesn't exist.
func (s *Server) tagID(name string) int {
	if i := slices.Index(s.tagNames, name); i >= 0 {
		return i + 1
	}
	s.tagNames = append(s.tagNames, name)
	return len(s.tagNames)
}

func (s *Server) indexTags(r *request) answer {
	p := parameters(r.body)
	text, _ := p["searchall"].(string)
	list := []object{}
	for i, n := range s.tagNames {
		if !strings.Contains(strings.ToLower(n), strings.ToLower(text)) {
			continue
		}
		events, attributes := 0, 0
		for _, e := range s.visible(r.user) {
			if slices.Contains(e.Tags, n) {
				events++
			}
			for _, a := range e.all() {
				if slices.Contains(a.Tags, n) {
					attributes++
				}
			}
		}
		o := s.tagObject(i + 1)
		o["count"], o["attribute_count"], o["favourite"] = events, attributes, false
		list = append(list, o)
	}
	return ok(object{"Tag": list})
}

func (s *Server) tagObject(id int) object {
	o := s.tags([]string{s.tagNames[id-1]})[0]
	delete(o, "local")
	delete(o, "relationship_type")
	o["org_id"] = s.num(0)
	return o
}

func (s *Server) searchTags(r *request) answer {
	f := filterOf(parameters(r.body)["tag"], false)
	list := []object{}
	for i, n := range s.tagNames {
		if !f.none() && f.matchesFold(n) {
			list = append(list, object{"Tag": s.tagObject(i + 1), "Taxonomy": object{"namespace": "tlp"}, "TaxonomyPredicate": object{}})
		}
	}
	return ok(list)
}

func (s *Server) tag(r *request, attach bool) answer {
	p := parameters(r.body)
	uuid, _ := p["uuid"].(string)
	name, _ := p["tag"].(string)
	if len(uuid) != 36 {
		return refuse(http.StatusInternalServerError, r, "An Internal Error Has Occurred.")
	}
	e, kind := s.find(uuid), "Event"
	var tags *[]string
	id := 0
	if e != nil {
		tags, id = &e.Tags, e.id
	} else if owner, a := s.attributeOf(uuid); a != nil {
		e, kind, tags, id = owner, "Attribute", &a.Tags, a.id
	}
	if e == nil || !s.sees(r.user, e) {
		return refuse(http.StatusNotFound, r, "Invalid Target.")
	}
	if n, err := strconv.Atoi(name); err == nil && n > 0 && n <= len(s.tagNames) { // an id, be it in a string
		name = s.tagNames[n-1]
	}
	known := slices.Contains(s.tagNames, name)
	url := "/tags/attachTagToObject"
	if !attach {
		url = "/tags/removeTagFromObject"
	}
	done := func(m string) answer {
		return ok(object{"saved": true, "success": true, "name": m, "message": m, "url": url})
	}
	if attach && !known && !r.tagger {
		return unsaved("Failed to attach tags", url, `Failed to attach 1 tags. Reasons: {"0":"Tag not found and insufficient privileges to create it."}`)
	}
	if !attach && !known {
		return refuse(http.StatusMethodNotAllowed, r, "Invalid Tag.")
	}
	if !r.mayChange(e) {
		return refuse(http.StatusForbidden, r, "Cannot alter the tags of this data, only the organisation that has created the data (orgc) can modify global tags.")
	}
	has := slices.Contains(*tags, name)
	switch {
	case attach && has:
		return done(kind + " already has the requested tag attached, no changes had to be made for tag " + name + ".")
	case attach:
		*tags = append(slices.Clone(*tags), name)
		e.touch(time.Now().Unix())
		return done(fmt.Sprintf("Global tag %s(%d) successfully attached to %s(%d).", name, s.tagID(name), kind, id))
	case !has:
		return refuse(http.StatusNotFound, r, "Could not remove tag as it is not attached to the target "+kind)
	}
	*tags = slices.DeleteFunc(slices.Clone(*tags), func(t string) bool { return t == name })
	e.touch(time.Now().Unix())
	return done(fmt.Sprintf("Global tag %s (%d) successfully removed from %s(%d).", name, s.tagID(name), kind, id))
}

type sighting struct {
	id, kind int
	at       int64
	uuid     string
	source   string
}

func (s *Server) sighting(e *event, a *attribute, x *sighting) object {
	return object{"id": s.num(x.id), "attribute_id": s.num(a.id), "event_id": s.num(e.id), "org_id": s.num(1), "date_sighting": s.num(int(x.at)),
		"uuid": x.uuid, "source": x.source, "type": s.num(x.kind)}
}

func (s *Server) addSighting(r *request) answer {
	p := parameters(r.body)
	fail := func(why string) answer { return ok(object{"message": "Could not add the Sighting. Reason: " + why}) }
	kind := integer(p["type"])
	if kind < 0 || kind > 2 {
		return fail("Invalid type, please change it before you POST 1000000 sightings.")
	}
	id := strings.Trim(string(mustJSON(p["id"])), `"`)
	if p["id"] == nil {
		id, _ = p["uuid"].(string)
	}
	var found []match
	value := filterOf(p["value"], false)
	if p["values"] != nil {
		value = filterOf(p["values"], false)
	}
	for _, e := range s.visible(r.user) {
		for _, a := range e.all() {
			if id != "" && (strconv.Itoa(a.id) == id || a.UUID == id) || !value.none() && value.matchesFold(a.parts()...) {
				found = append(found, match{e, a})
			}
		}
		for _, a := range e.deleted() { // by value also what was deleted softly
			if !value.none() && value.matchesFold(a.parts()...) {
				found = append(found, match{e, a})
			}
		}
	}
	if len(found) == 0 {
		if id == "" && value.none() {
			return fail("No valid attributes found.")
		}
		return fail("No valid attributes found that match the criteria.")
	}
	var last object
	for _, f := range found {
		s.next.sighting++
		source, _ := p["source"].(string)
		x := &sighting{id: s.next.sighting, kind: kind, at: time.Now().Unix(), uuid: s.newUUID(), source: source}
		if at := integer(p["timestamp"]); at > 0 {
			x.at = int64(at)
		}
		f.a.sightings = append(f.a.sightings, x)
		last = s.sighting(f.e, f.a, x)
	}
	return ok(object{"Sighting": last})
}

func (s *Server) organisationDetail(id int) object {
	o := s.organisation(id)
	more := object{"date_created": "2026-01-01 10:00:00", "date_modified": "2026-01-01 10:00:00", "description": nil, "type": "", "nationality": "",
		"sector": "", "created_by": s.num(0), "contacts": nil, "restricted_to_domain": nil, "landingpage": nil, "user_count": s.num(2)}
	maps.Copy(o, more)
	return o
}

func (s *Server) indexOrganisations(scope string) answer {
	list := []object{}
	for _, id := range []int{2, 1} {
		local := id == 1
		if scope == "scope:all" || local == (scope != "scope:external") {
			o := s.organisationDetail(id)
			o["created_by_email"] = "Unknown"
			list = append(list, object{"Organisation": o})
		}
	}
	return ok(list)
}

func (s *Server) viewOrganisation(r *request, id string) answer {
	for _, n := range []int{1, 2} {
		if o := s.organisationDetail(n); strconv.Itoa(n) == id || o["uuid"] == any(id) {
			return ok(object{"Organisation": o})
		}
	}
	return refuse(http.StatusNotFound, r, "Invalid organisation")
}

// groupsPerPage is how many sharing groups MISP lists at once.
const groupsPerPage = 60

func (s *Server) indexGroups(r *request, page string) answer {
	list := []object{}
	for _, g := range s.groups {
		if !g.inactive && (slices.Contains(g.orgs, r.org) || r.admin) {
			v := s.viewGroup(&request{user: &user{org: g.orgs[0]}, path: r.path}, strconv.Itoa(g.id)).body.(object)
			v["SharingGroup"].(object)["org_count"] = len(g.orgs)
			v["editable"], v["deletable"] = false, false
			list = append(list, v)
		}
	}
	n, err := strconv.Atoi(strings.TrimPrefix(page, "page:"))
	if err != nil {
		n = 1
	}
	from := (n - 1) * groupsPerPage
	if from > 0 && from >= len(list) {
		return refuse(http.StatusNotFound, r, "Not Found")
	}
	return ok(object{"response": list[from:min(from+groupsPerPage, len(list))]})
}

func (s *Server) statistics(r *request) answer {
	attributes := 0
	events := s.visible(r.user)
	for _, e := range events {
		attributes += len(e.all())
	}
	text := strconv.Itoa
	return ok(object{"stats": object{"event_count": text(len(events)), "attribute_count": text(attributes), "correlation_count": "1", "user_count": text(len(users)),
		"org_count": "2", "average_user_per_org": "2.5"}})
}

func (s *Server) indexTaxonomies() answer {
	list := []object{}
	for i, n := range []string{"CERT-XLM", "PAP", "tlp", "workflow"} {
		list = append(list, object{"Taxonomy": object{"id": s.num(i + 1), "namespace": n, "description": "The vocabulary " + n + ".", "version": s.num(3), "enabled": n == "tlp",
			"exclusive": n == "tlp", "required": false, "highlighted": false}, "total_count": 4, "current_count": 0})
	}
	return ok(list)
}
