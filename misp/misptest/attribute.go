package misptest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// match is an attribute with the event it is in.
type match struct {
	e *event
	a *attribute
}

func (s *Server) searchAttributes(r *request) answer {
	p := parameters(r.body)
	value, typ, category := filterOf(p["value"], false), filterOf(p["type"], true), filterOf(p["category"], true)
	tags, events, uuid, org := filterOf(p["tags"], true), filterOf(p["eventid"], true), filterOf(p["uuid"], true), filterOf(p["org"], true)
	ids, byIDs := flagged(p["to_ids"])
	published, byPublished := flagged(p["published"])
	after, timed := since(p["last"])
	changed, byChange := since(p["attribute_timestamp"])
	first, _ := p["first_seen"].(string)
	last, _ := p["last_seen"].(string)
	deleted := p["deleted"] == "only"
	if format, _ := p["returnFormat"].(string); slices.Contains(restrictive, format) {
		ids, byIDs = true, true
		if p["published"] == nil {
			published, byPublished = true, true
		}
	}
	var found []match
	for _, e := range s.visible(r.user) {
		list := e.all()
		if deleted {
			list = e.deleted()
		}
		for _, a := range list {
			switch {
			case !s.seesAttribute(r.user, e, a):
			case !value.none() && !value.matchesFold(a.parts()...):
			case !typ.none() && !typ.matchesFold(a.Type):
			case !category.none() && !category.matchesFold(a.Category):
			case !tags.none() && !tags.matchesCase(slices.Concat(a.Tags, e.Tags)...):
			case !events.none() && !events.matchesCase(strconv.Itoa(e.id), e.UUID):
			case !uuid.none() && !uuid.matchesCase(a.UUID, e.UUID):
			case !org.none() && !org.matchesCase(strconv.Itoa(e.org), orgNames[e.org], orgUUID(e.org)):
			case byIDs && ids != a.toIDs:
			case byPublished && published != e.Published:
			case timed && (e.publicAt == 0 || e.publicAt < after.Unix()):
			case byChange && a.changed < changed.Unix():
			case first != "" && (a.FirstSeen == "" || a.FirstSeen < first):
			case last != "" && (a.LastSeen == "" || a.LastSeen > last):
			default:
				found = append(found, match{e, a})
			}
		}
	}
	if order, _ := p["order"].(string); strings.EqualFold(order, "Attribute.id DESC") {
		slices.SortFunc(found, func(x, y match) int { return y.a.id - x.a.id })
	}
	page, limited := paged(p, found)
	n := len(page)
	if limited && (n == 0 || n == integer(p["limit"]) || integer(p["limit"]) < 0) {
		n++ // it looks one row ahead, whether there is one or not
	}
	format, _ := p["returnFormat"].(string)
	if format == "count" {
		return answer{http.StatusOK, counted(n), plain{"text/plain", strconv.Itoa(len(page))}}
	}
	if want, given := flagged(p["enforceWarninglist"]); want && given { // after the page was cut
		page = slices.DeleteFunc(slices.Clone(page), func(m match) bool { return len(s.hits(m.a.Value)) > 0 })
	}
	list := []object{}
	for _, m := range page {
		list = append(list, s.found(r.user, m, p))
	}
	if format != "" && format != "json" {
		return s.export(r, format, p, page, n)
	}
	return answer{http.StatusOK, counted(n), object{"response": object{"Attribute": list}}}
}

// found is one row of a search.
func (s *Server) found(u *user, m match, p object) object {
	wants := func(name string) bool { want, given := flagged(p[name]); return want && given }
	o := s.attribute(m.e, m.a)
	ev := object{"org_id": s.num(1), "distribution": s.num(m.e.Distribution), "publish_timestamp": s.num(int(m.e.publicAt)),
		"id": s.num(m.e.id), "info": m.e.Info, "orgc_id": s.num(m.e.org), "uuid": m.e.UUID}
	if wants("includeContext") {
		ev = s.related(m.e)
		ev["publish_timestamp"], ev["sharing_group_id"], ev["extends_uuid"] = s.num(int(m.e.publicAt)), s.num(m.e.SharingGroup), ""
		ev["Orgc"] = s.organisation(m.e.org)
		if len(m.e.Tags) > 0 {
			ev["Tag"] = s.tags(m.e.Tags)
		}
	}
	o["Event"] = ev
	if m.a.objectID != 0 {
		if ob := m.e.object(m.a.objectID); ob != nil {
			o["Object"] = object{"id": s.num(ob.id), "distribution": s.num(ob.distribution), "sharing_group_id": s.num(ob.sharingGroup)}
		}
	}
	if wants("includeEventTags") {
		var list []object
		for _, t := range s.tags(m.e.Tags) {
			t["inherited"] = 1
			list = append(list, t)
		}
		if list = append(s.tags(m.a.Tags), list...); len(list) > 0 {
			o["Tag"] = list
		}
	}
	if wants("includeDecayScore") && m.a.toIDs {
		o["decay_score"] = []object{{"score": 62.5, "base_score": 80, "decayed": false, "DecayingModel": object{"id": s.num(3), "name": "NIDS Simple Decaying Model"}}}
	}
	if wants("includeWarninglistHits") {
		var warnings []object
		for _, h := range s.hits(m.a.Value) {
			warnings = append(warnings, object{"value": m.a.Value, "match": h.matched, "warninglist_id": strconv.Itoa(h.list.ID), "warninglist_name": h.list.Name, "warninglist_category": "false_positive"})
		}
		if warnings != nil {
			o["warnings"] = warnings
		}
	}
	if wants("includeSightings") {
		o["Sighting"] = s.sightings(m.e, m.a)
	}
	if wants("includeCorrelations") {
		related := []object{}
		for _, c := range s.correlations(u, m.e, m.a) {
			x := s.attribute(c.e, c.a)
			delete(x, "deleted")
			x["Event"] = s.related(c.e)
			related = append(related, x)
		}
		if len(related) > 0 || wants("includeContext") {
			o["RelatedAttribute"] = related
		}
	}
	return o
}

func (s *Server) addAttribute(r *request, id string) answer {
	if !r.write {
		return refuse(http.StatusForbidden, r, noPermission)
	}
	if id == "" {
		return refuse(http.StatusMethodNotAllowed, r, "No event ID set.")
	}
	e := s.lookup(r.user, id)
	switch {
	case e == nil:
		return refuse(http.StatusNotFound, r, "Invalid event")
	case !r.mayChange(e):
		return refuse(http.StatusForbidden, r, "You do not have permission to do that.")
	}
	var sent []object
	if list := parameterList(r.body); list != nil {
		sent = list
	} else if p := parameters(r.body); len(p) > 0 {
		if inner, ok := p["Attribute"].(object); ok {
			p = inner
		}
		sent = []object{p}
	}
	if len(sent) == 0 {
		return refuse(http.StatusMethodNotAllowed, r, "Invalid JSON input. Make sure that the JSON input is a correctly formatted JSON string. This request has been blocked to avoid an unfiltered request.")
	}
	for _, p := range sent {
		if p["distribution"] == nil || integer(p["distribution"]) != 4 {
			continue
		}
		if _, given := p["sharing_group_id"]; !given {
			return refuse(http.StatusInternalServerError, r, "An Internal Error Has Occurred.")
		}
		if id := integer(p["sharing_group_id"]); id != 0 && s.group(id) == nil {
			return refuse(http.StatusForbidden, r, "Invalid Sharing Group or not authorised.")
		}
	}
	added, errors := []object{}, object{}
	for i, p := range sent {
		if v, _ := p["value"].(string); p["type"] == "filename|impfuzzy" && strings.Count(v, "|") == 1 { // whose form it doesn't know
			return refuse(http.StatusInternalServerError, r, "An Internal Error Has Occurred.")
		}
		o, bad := s.addOne(e, p)
		if len(bad) > 0 {
			errors[fmt.Sprintf("attribute_%d", i)] = bad
			continue
		}
		added = append(added, o)
	}
	switch {
	case len(added) == 0 && len(sent) == 1:
		return unsaved("Could not add Attribute", "/attributes/add", errors["attribute_0"])
	case len(added) == 0:
		return unsaved("Could not add Attribute", "/attributes/add", errors)
	}
	body := object{"Attribute": added}
	if len(added) == 1 {
		body = object{"Attribute": added[0], "AttributeTag": []object{}}
	}
	if len(errors) > 0 {
		body["errors"] = errors
	}
	return ok(body)
}

// addOne adds one attribute to e, or says what is wrong with it.
func (s *Server) addOne(e *event, p object) (added, errors object) {
	text := func(name string) string { v, _ := p[name].(string); return v }
	a := Attribute{Type: text("type"), Category: text("category"), Value: text("value"), Comment: text("comment"), UUID: text("uuid"), Distribution: 5}
	if ids, given := flagged(p["to_ids"]); given {
		a.ToIDs = &ids
	} else if p["to_ids"] == false {
		a.ToIDs = new(bool)
	}
	if n, given := p["distribution"]; given {
		a.Distribution = integer(n)
	}
	a.Value = normal(a.Type, a.Value)
	a.FirstSeen, a.LastSeen, a.SharingGroup = text("first_seen"), text("last_seen"), integer(p["sharing_group_id"])
	if errors := s.invalid(e, a); len(errors) > 0 {
		return nil, errors
	}
	n := s.storeAttribute(a, 0, time.Now().Unix())
	e.put(n)
	e.touch(n.changed)
	return s.stored(e, n), nil
}

// stored is an attribute as the answer to its adding has it.
func (s *Server) stored(e *event, a *attribute) object {
	o := s.attribute(e, a)
	delete(o, "Tag")
	o["value1"], o["value2"] = a.Value, ""
	if v := a.parts(); len(v) == 2 {
		o["value1"], o["value2"] = v[0], v[1]
	}
	return o
}

// touch records a change of e, which unpublishes it.
func (e *event) touch(at int64) { e.Published, e.changed = false, max(e.changed+1, at) }

// invalid lists what MISP has against a new attribute, by field.
func (s *Server) invalid(e *event, a Attribute) object {
	errors := object{}
	t, known := types[a.Type]
	switch {
	case a.Type == "":
		errors["type"] = []string{"No type set."}
	case !known:
		errors["type"] = []string{"Invalid type."}
	case a.Category == "" || a.Category == t.category || slices.Contains(t.also, a.Category):
	default:
		if !slices.Contains(categories, a.Category) {
			errors["category"] = []string{"Options : Payload delivery, Antivirus detection, Payload installation, Files dropped ..."}
		}
		errors["type"] = []string{"Options depend on the selected category."}
	}
	if len(errors) > 0 {
		return errors
	}
	if a.FirstSeen != "" && a.LastSeen != "" && a.LastSeen < a.FirstSeen {
		errors["last_seen"] = []string{"Last seen value should be greater than first seen value"}
		return errors
	}
	if why := badValue(a); why != "" {
		errors["value"] = []string{why}
		return errors
	}
	category := a.Category
	if category == "" {
		category = t.category
	}
	if old := e.values[a.key(category)]; old != nil && !old.deleted {
		errors["value"] = []string{"A similar attribute already exists for this event."}
	}
	if a.UUID != "" && s.uuids[a.UUID] { // those deleted softly as well
		errors["uuid"] = []string{"The UUID provided is not unique"}
	}
	return errors
}
