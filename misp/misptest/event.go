package misptest

import (
	"cmp"
	"crypto/sha1" //nolint:gosec // names, not secrets
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An Event is what [Server.AddEvent] stores. What is left out gets MISP's defaults.
type Event struct {
	Info         string      // what the event is about
	UUID         string      // its UUID
	Date         time.Time   // default: today
	Org          string      // default: Organisation
	ThreatLevel  int         // default: 4, undefined
	Analysis     int         // how far its analysis is
	Distribution int         // who may see it
	SharingGroup int         // its sharing group, by id
	Published    bool        // whether it is published
	Tags         []string    // its tags, by name
	Attributes   []Attribute // the attributes
	Objects      []Object    // its objects
}

// An Attribute is a value in an [Event]. Its category and whether it is meant
// for detection default to what is usual for the type.
type Attribute struct {
	Type, Category, Value, Comment string   // its type
	UUID                           string   // its UUID
	ToIDs                          *bool    // whether it is for detection; nil: as the type is
	Distribution                   int      // default: 5, as the event
	SharingGroup                   int      // with distribution 4
	Tags                           []string // its tags, by name
	Relation                       string   // in an object
	Sighted                        int      // how often
	FirstSeen, LastSeen            string   // as MISP keeps them, in UTC
	DisableCorrelation             bool     // whether it is correlated with nothing
}

// An Object is several attributes of an [Event] that belong together.
type Object struct {
	Name, MetaCategory, Comment string      // its name
	Distribution, SharingGroup  int         // default: 5, as the event
	Attributes                  []Attribute // the attributes
}

type event struct {
	Event
	id, org           int
	changed, publicAt int64
	attributes        []*attribute
	objects           []*composite
	values            map[string]*attribute // outside objects, by key

	index     map[string][]*attribute // see byValue
	indexed   int
	indexedAt int64
}

// put stores an attribute outside of objects.
func (e *event) put(a *attribute) {
	if e.values == nil {
		e.values = map[string]*attribute{}
	}
	e.values[a.key(a.Category)] = a
	e.attributes = append(e.attributes, a)
}

// key is what MISP takes for the same of two attributes of an event.
func (a *Attribute) key(category string) string {
	return a.Type + "\x00" + category + "\x00" + strings.ToLower(a.Value)
}

type attribute struct {
	Attribute
	id, objectID int
	toIDs        bool
	changed      int64
	deleted      bool
	sightings    []*sighting
}

type composite struct {
	Object
	id, distribution, sharingGroup int
	uuid                           string
	deleted                        bool
	template                       *template
	attributes                     []*attribute
}

// all returns every attribute that isn't deleted, those in objects included.
func (e *event) all() (list []*attribute) {
	for _, a := range e.attributes {
		if !a.deleted {
			list = append(list, a)
		}
	}
	for _, o := range e.objects {
		for _, a := range o.attributes {
			if !o.deleted && !a.deleted {
				list = append(list, a)
			}
		}
	}
	return list
}

// deleted returns the attributes that were deleted softly.
func (e *event) deleted() (list []*attribute) {
	for _, a := range e.attributes {
		if a.deleted {
			list = append(list, a)
		}
	}
	for _, o := range e.objects {
		for _, a := range o.attributes {
			if o.deleted || a.deleted {
				list = append(list, a)
			}
		}
	}
	return list
}

// object returns the object of that id.
func (e *event) object(id int) *composite {
	for _, o := range e.objects {
		if o.id == id {
			return o
		}
	}
	return nil
}

func (e *event) publish() {
	e.Published, e.publicAt = true, time.Now().Unix()
}

// newUUID returns a UUID that is the same in every run.
func (s *Server) newUUID() string {
	s.next.uuid++
	h := sha1.Sum([]byte("misptest " + strconv.Itoa(s.next.uuid))) //nolint:gosec // see above
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// AddEvent stores an event and returns its id.
func (s *Server) AddEvent(e Event) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strconv.Itoa(s.addEvent(e).id)
}

func (s *Server) addEvent(e Event) *event {
	s.next.event++
	if e.UUID == "" {
		e.UUID = s.newUUID()
	}
	if e.Date.IsZero() {
		e.Date = time.Now()
	}
	if e.ThreatLevel == 0 {
		e.ThreatLevel = 4
	}
	ev := &event{Event: e, id: s.next.event, org: 1, changed: e.Date.Unix()}
	if e.Org == OtherOrganisation {
		ev.org = 2
	}
	if e.Published {
		ev.publicAt = e.Date.Unix()
	}
	for _, a := range e.Attributes {
		ev.put(s.newAttribute(a, 0, e.Date.Unix()))
	}
	for _, o := range e.Objects {
		s.next.object++
		ob := &composite{Object: o, id: s.next.object, uuid: s.newUUID(), distribution: 5}
		if o.Distribution != 0 {
			ob.distribution, ob.sharingGroup = o.Distribution, o.SharingGroup
		}
		for _, a := range o.Attributes {
			ob.attributes = append(ob.attributes, s.newAttribute(a, ob.id, e.Date.Unix()))
		}
		ev.objects = append(ev.objects, ob)
	}
	s.events = append(s.events, ev)
	return ev
}

func (s *Server) newAttribute(a Attribute, objectID int, at int64) *attribute {
	if a.Distribution == 0 {
		a.Distribution = 5
	}
	return s.storeAttribute(a, objectID, at)
}

// storeAttribute is newAttribute with the distribution as it is.
func (s *Server) storeAttribute(a Attribute, objectID int, at int64) *attribute {
	s.next.attribute++
	if a.UUID == "" {
		a.UUID = s.newUUID()
	}
	s.uuids[a.UUID] = true
	t := types[a.Type]
	if a.Category == "" {
		a.Category = t.category
	}
	n := &attribute{Attribute: a, id: s.next.attribute, objectID: objectID, toIDs: t.toIDs, changed: at}
	if a.ToIDs != nil {
		n.toIDs = *a.ToIDs
	}
	return n
}

// Published reports whether the event with that id is published.
func (s *Server) Published(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(id)
	return e != nil && e.Published
}

// Values returns the values of the event with that id, those in objects
// included, as "type value".
func (s *Server) Values(id string) (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.find(id); e != nil {
		for _, a := range e.all() {
			list = append(list, a.Type+" "+a.Value)
		}
	}
	return list
}

// SoftDelete deletes an attribute as MISP does by default: it is kept, unseen.
func (s *Server) SoftDelete(event, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.find(event); e != nil {
		for _, a := range e.all() {
			a.deleted = a.deleted || a.Value == value
		}
	}
}

// find returns the event with that id or UUID. Those are compared with their case.
func (s *Server) find(id string) *event {
	for _, e := range s.events {
		if strconv.Itoa(e.id) == id || e.UUID == id {
			return e
		}
	}
	return nil
}

// sees reports whether u may see e.
func (s *Server) sees(u *user, e *event) bool {
	if e.Distribution == 4 {
		g := s.group(e.SharingGroup)
		return e.org == u.org || g != nil && slices.Contains(g.orgs, u.org)
	}
	return u.admin || e.org == u.org || e.Distribution > 0
}

// seesAttribute reports whether u may see a, which is in an event that u sees.
func (s *Server) seesAttribute(u *user, e *event, a *attribute) bool {
	within := func(distribution, group int) bool {
		switch distribution {
		case 0:
			return e.org == u.org || u.admin
		case 4:
			g := s.group(group)
			return e.org == u.org || u.admin || g != nil && slices.Contains(g.orgs, u.org)
		}
		return true
	}
	if o := e.object(a.objectID); o != nil && !within(o.distribution, o.sharingGroup) {
		return false
	}
	return within(a.Distribution, a.SharingGroup)
}

func (s *Server) visible(u *user) (list []*event) {
	for _, e := range s.events {
		if s.sees(u, e) {
			list = append(list, e)
		}
	}
	return list
}

// lookup returns the event that u asks for by id or UUID, if u may see it.
func (s *Server) lookup(u *user, id string) *event {
	if e := s.find(id); e != nil && s.sees(u, e) {
		return e
	}
	return nil
}

var orgNames = map[int]string{1: Organisation, 2: OtherOrganisation}

func orgUUID(id int) string { return fmt.Sprintf("55f6ea5e-0000-4000-8000-%012d", id) }

func (s *Server) organisation(id int) object {
	o := s.named(id)
	o["local"] = id == 1
	return o
}

// named is an organisation beside something else.
func (s *Server) named(id int) object {
	return object{"id": s.num(id), "name": orgNames[id], "uuid": orgUUID(id)}
}

func (s *Server) tags(names []string) (list []object) {
	for _, n := range names {
		list = append(list, object{"id": s.num(s.tagID(n)), "name": n, "colour": "#ffc000", "exportable": true, "user_id": s.num(0), "hide_tag": false,
			"numerical_value": nil, "is_galaxy": strings.HasPrefix(n, "misp-galaxy:"), "is_custom_galaxy": false, "local_only": false, "local": false, "relationship_type": nil})
	}
	return list
}

// metadata is e without what is in it, as u sees it.
func (s *Server) metadata(u *user, e *event) object {
	o := object{
		"id": s.num(e.id), "orgc_id": s.num(e.org), "org_id": s.num(1), "date": e.Date.Format(time.DateOnly), "threat_level_id": s.num(e.ThreatLevel),
		"info": e.Info, "published": e.Published, "uuid": e.UUID, "attribute_count": s.num(len(e.all())), "analysis": s.num(e.Analysis),
		"timestamp": s.num(int(e.changed)), "distribution": s.num(e.Distribution), "proposal_email_lock": false, "locked": false,
		"publish_timestamp": s.num(int(e.publicAt)), "sharing_group_id": s.num(e.SharingGroup), "disable_correlation": false, "extends_uuid": "",
		"protected": nil, "event_creator_email": "analyst@soc.example", "Org": s.organisation(1), "Orgc": s.organisation(e.org),
		"RelatedEvent": s.correlated(u, e), "Galaxy": s.described(e.Tags), "CryptographicKey": []object{}, "EventReport": []object{},
	}
	if len(e.Tags) > 0 { // absent without
		o["Tag"] = s.tags(e.Tags)
	}
	return o
}

// correlated are the events that share a value with e, as far as u sees them.
func (s *Server) correlated(u *user, e *event) []object {
	related := []object{}
	seen := map[*event]bool{}
	for _, a := range e.all() {
		for _, c := range s.correlations(u, e, a) {
			if seen[c.e] {
				continue
			}
			seen[c.e] = true
			r := s.related(c.e)
			r["Org"], r["Orgc"] = s.named(1), s.named(c.e.org)
			related = append(related, object{"Event": r, "RelationshipInbound": []object{}})
		}
	}
	return related
}

// related is e as it appears with an event or an attribute that it correlates with.
func (s *Server) related(e *event) object {
	return object{"id": s.num(e.id), "date": e.Date.Format(time.DateOnly), "threat_level_id": s.num(e.ThreatLevel), "info": e.Info, "published": e.Published,
		"uuid": e.UUID, "analysis": s.num(e.Analysis), "timestamp": s.num(int(e.changed)), "distribution": s.num(e.Distribution),
		"org_id": s.num(1), "orgc_id": s.num(e.org)}
}

func (s *Server) attribute(e *event, a *attribute) object {
	o := object{
		"id": s.num(a.id), "type": a.Type, "category": a.Category, "to_ids": a.toIDs, "uuid": a.UUID, "event_id": s.num(e.id),
		"distribution": s.num(a.Distribution), "timestamp": s.num(int(a.changed)), "comment": a.Comment, "sharing_group_id": s.num(a.SharingGroup),
		"deleted": a.deleted, "disable_correlation": a.DisableCorrelation, "object_id": s.num(a.objectID), "object_relation": nil,
		"first_seen": nil, "last_seen": nil, "value": a.Value,
	}
	if a.FirstSeen != "" {
		o["first_seen"] = micro(a.FirstSeen)
	}
	if a.LastSeen != "" {
		o["last_seen"] = micro(a.LastSeen)
	}
	if a.Relation != "" {
		o["object_relation"] = a.Relation
	}
	if len(a.Tags) > 0 {
		o["Tag"] = s.tags(a.Tags)
	}
	return o
}

// micro is a time in UTC as MISP writes it.
func micro(t string) string { return strings.TrimSuffix(t, "Z") + ".000000+00:00" }

func (s *Server) sightings(e *event, a *attribute) []object {
	list := []object{}
	for _, x := range a.sightings {
		o := s.sighting(e, a, x)
		o["attribute_uuid"], o["Organisation"] = a.UUID, s.named(1)
		list = append(list, o)
	}
	for i := range a.Sighted {
		list = append(list, object{"id": s.num(100*a.id + i), "attribute_id": s.num(a.id), "event_id": s.num(e.id), "org_id": s.num(1),
			"date_sighting": s.num(int(a.changed)), "uuid": fmt.Sprintf("53fa57f7-0000-4000-8000-%012d", 100*a.id+i), "source": "", "type": s.num(0),
			"attribute_uuid": a.UUID, "Organisation": s.named(1)})
	}
	return list
}

// full is e with all that is in it, as events/view gives it.
func (s *Server) full(u *user, e *event) object {
	o := s.metadata(u, e)
	in := func(list []*attribute) []object {
		out := []object{}
		for _, a := range list {
			if a.deleted {
				continue
			}
			x := s.attribute(e, a)
			x["Galaxy"], x["ShadowAttribute"] = s.described(a.Tags), []object{}
			if a.Sighted+len(a.sightings) > 0 {
				x["Sighting"] = s.sightings(e, a)
			}
			var warnings []object
			for _, h := range s.hits(a.Value) {
				warnings = append(warnings, object{"value": a.Value, "match": h.matched, "warninglist_id": h.list.ID, "warninglist_name": h.list.Name, "warninglist_category": "false_positive"})
			}
			if warnings != nil {
				x["warnings"] = warnings
			}
			out = append(out, x)
		}
		return out
	}
	objects := []object{}
	for _, ob := range e.objects {
		if ob.deleted {
			continue
		}
		objects = append(objects, object{"id": s.num(ob.id), "name": ob.Name, "meta-category": ob.MetaCategory, "description": "", "template_uuid": "9f8cea74-16fe-4968-a2b4-026676949ac6",
			"template_version": s.num(9), "event_id": s.num(e.id), "uuid": ob.uuid, "timestamp": s.num(int(e.changed)), "distribution": s.num(ob.distribution),
			"sharing_group_id": s.num(ob.sharingGroup), "comment": ob.Comment, "deleted": false, "first_seen": nil, "last_seen": nil, "ObjectReference": []object{},
			"Attribute": in(ob.attributes)})
	}
	proposals := []object{}
	for _, p := range s.proposals {
		if p.e == e && p.a == nil && !p.decided {
			proposals = append(proposals, s.proposal(p))
		}
	}
	o["Attribute"], o["ShadowAttribute"], o["Object"] = in(e.attributes), proposals, objects
	return o
}

// leaner is e, whole, as a search gives it that asks for less in p.
func leaner(e, p object) object {
	asked := func(name string) bool { want, given := flagged(p[name]); return want && given }
	attributes, objects := e["Attribute"].([]object), e["Object"].([]object)
	if asked("flatten") {
		for _, ob := range objects {
			attributes = append(attributes, ob["Attribute"].([]object)...)
		}
		e["Attribute"] = attributes
		delete(e, "Object")
	}
	if asked("excludeGalaxy") {
		e["Galaxy"] = []object{}
		for _, a := range attributes {
			a["Galaxy"] = []object{}
		}
	}
	for name, member := range map[string]string{"noEventReports": "EventReport", "noShadowAttributes": "ShadowAttribute"} {
		if asked(name) {
			delete(e, member)
		}
	}
	return e
}

// parts are what MISP compares of a value: both parts of a composite one.
func (a *Attribute) parts() []string {
	if strings.Contains(a.Type, "|") {
		if v1, v2, ok := strings.Cut(a.Value, "|"); ok {
			return []string{v1, v2}
		}
	}
	return []string{a.Value}
}

// correlationLimit is in how many events a value correlates by default: a
// further one that has it gets no correlations, and nothing in it says so.
const correlationLimit = 20

// correlations are the attributes that MISP links with a: those of the same
// value in another event, text with text. An address and its network aren't
// linked, since advanced correlations are off by default.
func (s *Server) correlations(u *user, e *event, a *attribute) (list []match) {
	if a.DisableCorrelation || a.Type == "text" || a.Type == "comment" || a.Type == "port" {
		return nil
	}
	var same []match // by event, as they were saved
	events := 0
	for _, other := range s.events {
		before := len(same)
		for _, v := range a.parts() {
			for _, b := range other.byValue()[strings.ToLower(v)] {
				if !b.DisableCorrelation && a.correlates(b) && !slices.ContainsFunc(same[before:], func(m match) bool { return m.a == b }) {
					same = append(same, match{other, b})
				}
			}
		}
		if len(same) == before {
			continue
		}
		if events++; events > correlationLimit+1 {
			if !slices.ContainsFunc(same[:before], func(m match) bool { return m.e == e }) {
				return nil
			}
			same = same[:before]
			break
		}
	}
	for _, m := range same {
		if m.e != e && s.sees(u, m.e) && s.seesAttribute(u, m.e, m.a) {
			list = append(list, m)
		}
	}
	return list
}

// byValue returns the attributes of e by their values, and by the parts of
// composite ones, in small letters.
func (e *event) byValue() map[string][]*attribute {
	if n := len(e.attributes) + len(e.objects); e.index == nil || e.indexed != n || e.indexedAt != e.changed { // what changes an event touches it
		e.index, e.indexed, e.indexedAt = map[string][]*attribute{}, n, e.changed
		for _, a := range e.all() {
			for _, v := range a.parts() {
				v = strings.ToLower(v)
				e.index[v] = append(e.index[v], a)
			}
		}
	}
	return e.index
}

// correlates reports whether a and b have a value, or a part of one, in common.
func (a *attribute) correlates(b *attribute) bool {
	for _, v := range a.parts() {
		for _, w := range b.parts() {
			if a.Type != "port" && a.Type != "text" && a.Type != "comment" && strings.EqualFold(v, w) {
				return true
			}
		}
	}
	return false
}

func within(network, address string) bool {
	p, err := netip.ParsePrefix(network)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(address)
	return err == nil && p.Contains(a)
}

func (s *Server) viewEvent(r *request, id string) answer {
	e := s.lookup(r.user, id)
	if list := s.visible(r.user); id == "0" && len(list) > 0 {
		e = list[0]
	}
	if e == nil {
		return refuse(http.StatusNotFound, r, "Invalid event")
	}
	return ok(object{"Event": s.full(r.user, e)})
}

func (s *Server) publishEvent(r *request, id string) answer {
	if !r.publish {
		return refuse(http.StatusForbidden, r, noPermission)
	}
	e := s.lookup(r.user, id)
	switch {
	case e == nil:
		return refuse(http.StatusNotFound, r, "Invalid event.")
	case !r.mayChange(e):
		return refuse(http.StatusMethodNotAllowed, r, "You do not have the permission to do that.")
	case s.BackgroundJobs:
		s.jobs = append(s.jobs, e)
		return s.saved("Job queued", fmt.Sprintf("/events/publish/%d", e.id), s.num(e.id))
	}
	e.publish()
	return s.saved("Event published without alerts", fmt.Sprintf("/events/publish/%d", e.id), s.num(e.id))
}

const noPermission = "You do not have permission to use this functionality."

func (s *Server) deleteEvent(r *request, id string) answer {
	if !r.write {
		return refuse(http.StatusForbidden, r, noPermission)
	}
	e := s.lookup(r.user, id)
	if e == nil || !r.mayChange(e) {
		return unsaved("Could not delete Event", "/events/delete", "Event was not deleted.")
	}
	s.blocked[e.UUID] = true
	s.events = slices.DeleteFunc(s.events, func(x *event) bool { return x == e })
	return s.saved("Event deleted.", "/events/delete/"+id, id)
}

func (s *Server) searchEvents(r *request) answer {
	p := parameters(r.body)
	tags, ids, value := filterOf(p["tags"], true), filterOf(p["eventid"], true), filterOf(p["value"], false)
	var found []*event
	uuid, info, org, typ, category := filterOf(p["uuid"], true), filterOf(p["eventinfo"], true), filterOf(p["org"], true), filterOf(p["type"], true), filterOf(p["category"], true)
	from, _ := p["from"].(string)
	to, _ := p["to"].(string)
	some := func(e *event, f filter, of func(*attribute) string) bool {
		return f.none() || slices.ContainsFunc(e.all(), func(a *attribute) bool { return f.matchesFold(of(a)) })
	}
	date, _ := p["date"].(string)
	published, filtered := flagged(p["published"])
	after, timed := since(p["last"])
	changed, byChange := since(p["timestamp"])
	for _, e := range s.visible(r.user) {
		have := slices.Clone(e.Tags)
		hasValue := value.none()
		for _, a := range e.all() {
			have = append(have, a.Tags...)
			hasValue = hasValue || value.matchesFold(a.parts()...)
		}
		switch {
		case !tags.none() && !tags.matchesCase(have...):
		case !ids.none() && !ids.matchesCase(strconv.Itoa(e.id), e.UUID):
		case !hasValue:
		case !uuid.none() && !uuid.matchesCase(e.UUID):
		case !info.none() && !info.matchesCase(e.Info):
		case !org.none() && !org.matchesCase(strconv.Itoa(e.org), orgNames[e.org], orgUUID(e.org)):
		case !some(e, typ, func(a *attribute) string { return a.Type }), !some(e, category, func(a *attribute) string { return a.Category }):
		case from != "" && e.Date.Format(time.DateOnly) < from, to != "" && e.Date.Format(time.DateOnly) > to:
		case date != "" && e.Date.Format(time.DateOnly) < date:
		case filtered && published != e.Published:
		case timed && (e.publicAt == 0 || e.publicAt < after.Unix()):
		case byChange && e.changed < changed.Unix():
		default:
			found = append(found, e)
		}
	}
	switch order, _ := p["order"].(string); strings.ToLower(order) {
	case "event.timestamp desc": // ties come in any order, another for each page
		turn := integer(p["page"])
		slices.SortFunc(found, func(a, b *event) int {
			return cmp.Or(cmp.Compare(b.changed, a.changed), cmp.Compare((a.id*7+turn*3)%11, (b.id*7+turn*3)%11), cmp.Compare(a.id, b.id))
		})
	case "event.id desc":
		slices.SortFunc(found, func(a, b *event) int { return b.id - a.id })
	}
	if p["returnFormat"] == "count" {
		return answer{http.StatusOK, counted(len(found)), plain{"text/plain", strconv.Itoa(len(found))}}
	}
	page, _ := paged(p, found)
	list := []object{}
	_, metadata := flagged(p["metadata"])
	for _, e := range page {
		if metadata {
			list = append(list, object{"Event": s.metadata(r.user, e)})
			continue
		}
		list = append(list, object{"Event": leaner(s.full(r.user, e), p)})
	}
	return answer{http.StatusOK, counted(len(found)), object{"response": list}}
}

func counted(n int) http.Header {
	return http.Header{"X-Result-Count": {strconv.Itoa(n)}, "X-Export-Module-Used": {"json"}, "X-Response-Format": {"json"}, "X-Skipped-Elements-Count": {"0"}}
}
