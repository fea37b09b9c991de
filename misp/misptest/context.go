package misptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a [Server] has by id, beside events.
const (
	DomainIPTemplate = "70"
	AttackGalaxy     = "36"   // the techniques of ATT&CK
	BruteForce       = "9001" // the cluster Brute Force - T1110
	OSINTFeed        = "1"    // switched off
	BlocklistFeed    = "2"    // switched on, with a credential in its address
)

// element is an attribute that an object can have.
type element struct {
	relation, typ string
	multiple      bool
	values        []string
	alone         bool // not correlated
}

type template struct {
	id                     int
	uuid, name, meta, what string
	version                int
	required, oneOf        []string
	elements               []element
}

var templates = []*template{
	{id: 70, uuid: "43b3b146-77eb-4931-b4cc-b66c60f28734", name: "domain-ip", meta: "network", version: 11, oneOf: []string{"ip", "domain", "hostname"},
		what: "A domain and an address as a tuple.", elements: []element{{"domain", "domain", true, nil, false}, {"hostname", "hostname", false, nil, false}, {"ip", "ip-dst", true, nil, false},
			{"port", "port", true, nil, false}, {"text", "text", false, nil, true}}},
	{id: 89, uuid: "688c46fb-5edb-40a3-8273-1af7923e2215", name: "file", meta: "file", version: 25, oneOf: []string{"filename", "md5", "sha1", "sha256"},
		what: "A file with its hashes.", elements: []element{{"filename", "filename", true, nil, true}, {"md5", "md5", false, nil, false}, {"sha1", "sha1", false, nil, false}, {"sha256", "sha256", false, nil, false},
			{"state", "text", true, []string{"Malicious", "Harmless"}, true}}},
	{id: 1, uuid: "07a7f4cf-e738-47ad-b045-34c3b382f3b4", name: "ADS", meta: "misc", version: 2, required: []string{"date", "goal"},
		what: "An alerting and detection strategy.", elements: []element{{"date", "datetime", false, nil, false}, {"goal", "text", false, nil, false}}},
	{id: 2, uuid: "cccdaaf6-c140-461c-8d1c-aa79bbd029e0", name: "abuseipdb", meta: "network", version: 3, what: "What a blocklist says of an address.",
		elements: []element{{"abuse-confidence-score", "counter", false, nil, false}}},
}

func (s *Server) templateOf(id string) *template {
	for _, t := range templates {
		if strconv.Itoa(t.id) == id || t.uuid == id {
			return t
		}
	}
	return nil
}

func (s *Server) template(t *template) object {
	var requirements any = []string{} // PHP for an empty map
	switch {
	case t.required != nil:
		requirements = object{"required": t.required}
	case t.oneOf != nil:
		requirements = object{"requiredOneOf": t.oneOf}
	}
	return object{"id": s.num(t.id), "user_id": s.num(1), "org_id": s.num(1), "uuid": t.uuid, "name": t.name, "meta-category": t.meta, "description": t.what,
		"version": s.num(t.version), "requirements": requirements, "fixed": true, "active": true}
}

func (s *Server) indexTemplates() answer {
	list := []object{}
	for _, t := range templates {
		list = append(list, object{"ObjectTemplate": s.template(t), "Organisation": s.named(1)})
	}
	return ok(list)
}

func (s *Server) viewTemplate(r *request, id string) answer {
	t := s.templateOf(id)
	if t == nil {
		return refuse(http.StatusNotFound, r, "Invalid object template")
	}
	elements := []object{}
	for i, e := range t.elements {
		values := e.values
		if values == nil {
			values = []string{}
		}
		var alone any // null where it isn't so
		if e.alone {
			alone = true
		}
		elements = append(elements, object{"id": s.num(700 + i), "object_template_id": s.num(t.id), "object_relation": e.relation, "type": e.typ, "ui-priority": s.num(1),
			"categories": []string{}, "sane_default": []string{}, "values_list": values, "description": "", "disable_correlation": alone, "multiple": e.multiple})
	}
	return ok(object{"ObjectTemplate": s.template(t), "User": object{"id": s.num(1), "email": "analyst@soc.example"}, "Organisation": s.named(1), "ObjectTemplateElement": elements})
}

func (s *Server) objectOf(id string) (*event, *composite) {
	for _, e := range s.events {
		for _, o := range e.objects {
			if strconv.Itoa(o.id) == id || o.uuid == id {
				return e, o
			}
		}
	}
	return nil, nil
}

// object is o as the endpoints of objects give it.
func (s *Server) object(e *event, o *composite) object {
	list := []object{}
	for _, a := range o.attributes {
		list = append(list, s.stored(e, a))
	}
	t := o.template
	if t == nil {
		t = &template{uuid: "9f8cea74-16fe-4968-a2b4-026676949ac6", version: 9}
	}
	return object{"id": s.num(o.id), "name": o.Name, "meta-category": o.MetaCategory, "description": t.what, "template_uuid": t.uuid, "template_version": s.num(t.version),
		"event_id": s.num(e.id), "uuid": o.uuid, "timestamp": s.num(int(e.changed)), "distribution": s.num(o.distribution), "sharing_group_id": s.num(o.sharingGroup),
		"comment": o.Comment, "deleted": o.deleted, "first_seen": nil, "last_seen": nil, "Attribute": list}
}

func (s *Server) viewObject(r *request, id string) answer {
	e, o := s.objectOf(id)
	if o == nil || !s.sees(r.user, e) {
		return refuse(http.StatusNotFound, r, "Invalid object.")
	}
	x := s.object(e, o)
	x["Event"] = object{"id": s.num(e.id), "info": e.Info, "org_id": s.num(1), "orgc_id": s.num(e.org)}
	return ok(object{"Object": x})
}

func (s *Server) addObject(r *request, event, templateID string) answer {
	url := "/objects/add/" + event + "/" + templateID
	fail := func(errors any) answer {
		a := unsaved("Could not add object", url, errors)
		a.body.(object)["id"] = event + "/" + templateID
		return a
	}
	e := s.lookup(r.user, event)
	switch {
	case e == nil:
		return refuse(http.StatusNotFound, r, "Invalid event.")
	case !r.mayChange(e):
		return refuse(http.StatusForbidden, r, "You do not have permission to do that.")
	}
	p := parameters(r.body)
	if inner, ok := p["Object"].(object); ok {
		p = inner
	}
	if uuid, ok := p["template_uuid"].(string); ok && templateID == "" {
		templateID = uuid
	}
	t := s.templateOf(templateID)
	list, _ := p["Attribute"].([]any)
	switch {
	case t == nil:
		return fail("No valid template found to edit the object.")
	case len(list) == 0:
		return fail("Could not save the object as no attributes were set.")
	}
	text := func(p object, name string) string { v, _ := p[name].(string); return v }
	var attributes []Attribute
	have := map[string]bool{}
	for _, x := range list {
		q, _ := x.(object)
		a := Attribute{Type: text(q, "type"), Category: text(q, "category"), Relation: text(q, "object_relation"), Comment: text(q, "comment"), Distribution: 5}
		a.Value = normal(a.Type, text(q, "value"))
		ids, given := flagged(q["to_ids"])
		if !given {
			ids = q["to_ids"] != false // whatever is usual for the type
		}
		a.ToIDs = &ids
		a.DisableCorrelation = q["disable_correlation"] == true // whatever the template says
		why := object{}
		if a.Type == "" {
			why["type"] = []string{"No type set."}
		} else if bad := badValue(a); bad != "" {
			why["value"] = []string{bad}
		}
		if len(why) > 0 {
			return fail(fmt.Sprintf("Could not save object as at least one attribute has failed validation (%s). %s", a.Relation, mustJSON(why)))
		}
		attributes, have[a.Relation] = append(attributes, a), true
	}
	uuid := text(p, "uuid")
	if uuid != "" && s.uuids[uuid] { // those of deleted objects as well, for ever
		return unsaved("Could not add Object", "/objects/add", "Object could not be saved.\nuuid: The UUID provided is not unique")
	}
	group := integer(p["sharing_group_id"])
	if integer(p["distribution"]) == 4 && s.group(group) == nil {
		return refuse(http.StatusForbidden, r, "Invalid Sharing Group or not authorised.")
	}
	if len(t.oneOf) > 0 && !slices.ContainsFunc(t.oneOf, func(r string) bool { return have[r] }) {
		return unsaved("Could not add Object", "/objects/add", "Could not save the object as it requires at least one of the following attributes to be set: "+strings.Join(t.oneOf, ", "))
	}
	s.next.object++
	o := &composite{Object: Object{Name: t.name, MetaCategory: t.meta, Comment: text(p, "comment")}, id: s.next.object, uuid: uuid, template: t, distribution: integer(p["distribution"]), sharingGroup: group}
	if p["distribution"] == nil {
		o.distribution = 0
	}
	if o.uuid == "" {
		o.uuid = s.newUUID()
	}
	s.uuids[o.uuid] = true
	now := time.Now().Unix()
	for _, a := range attributes {
		o.attributes = append(o.attributes, s.storeAttribute(a, o.id, now))
	}
	e.objects = append(e.objects, o)
	e.touch(now)
	return ok(object{"Object": s.object(e, o)})
}

func (s *Server) deleteObject(r *request, id string, hard bool) answer {
	e, o := s.objectOf(id)
	switch {
	case o == nil || !s.sees(r.user, e):
		return refuse(http.StatusNotFound, r, "Invalid object.")
	case !r.mayChange(e):
		return refuse(http.StatusForbidden, r, "You do not have permission to do that.")
	}
	o.deleted = true
	if hard {
		e.objects = slices.DeleteFunc(e.objects, func(x *composite) bool { return x == o })
	}
	e.touch(time.Now().Unix())
	return s.saved("Object deleted", "/objects/delete/"+id, id)
}

type cluster struct {
	id          int
	uuid, value string
}

type galaxy struct {
	id                          int
	uuid, name, kind, namespace string
	clusters                    []cluster
}

var galaxies = []*galaxy{
	{36, "c4e851fa-775f-11e7-8163-b774922098cd", "Attack Pattern", "mitre-attack-pattern", "mitre-attack", []cluster{
		{9001, "a93494bb-4b80-4ea1-8695-3236a49916fd", "Brute Force - T1110"}, {9002, "a62a8db3-f23a-4d8f-afd6-9dbc77e7813b", "Phishing - T1566"},
		{9003, "b17a1a56-e99c-403c-8948-561df0cffe81", "Valid Accounts - T1078"}, {9004, "d4bdbdea-eaec-4071-b4f9-5105e12ea4b6", "Password Guessing - T1110.001"},
		{9005, "4061e78c-1284-44b4-9116-73e4ac3912f7", "Remote Access Software - T1219"}}}, // as it was called in October 2024
	{34, "1023f364-7831-11e7-8318-43b5531983ab", "Intrusion Set", "mitre-intrusion-set", "mitre-attack", []cluster{{9101, "bef4c620-0787-42a8-a96d-b7eb6e85917c", "APT28 - G0007"}}},
	{2, "e7394838-65a9-4b8a-b484-b8c4c7cf49c3", "Ammunitions", "ammunitions", "misp", []cluster{{9201, "11111111-1111-4111-8111-111111111111", "7.62"}}},
}

func (s *Server) galaxyOf(id string) *galaxy {
	for _, g := range galaxies {
		if strconv.Itoa(g.id) == id || g.uuid == id {
			return g
		}
	}
	return nil
}

func (s *Server) galaxy(g *galaxy) object {
	return object{"id": s.num(g.id), "uuid": g.uuid, "name": g.name, "type": g.kind, "description": "The galaxy " + g.name + ".", "version": s.num(10), "icon": "map",
		"namespace": g.namespace, "enabled": true, "local_only": false}
}

func (g *galaxy) tag(c cluster) string { return fmt.Sprintf("misp-galaxy:%s=%q", g.kind, c.value) }

// described is what the galaxy tags among names stand for: whole clusters, which
// are far longer than what they describe.
func (s *Server) described(names []string) []object {
	list := []object{}
	for _, g := range galaxies {
		clusters := []object{}
		for _, c := range g.clusters {
			if slices.Contains(names, g.tag(c)) {
				o := s.cluster(g, c)
				o["description"] = strings.Repeat("What is known of "+c.value+". ", 500)
				clusters = append(clusters, o)
			}
		}
		if len(clusters) > 0 {
			o := s.galaxy(g)
			o["GalaxyCluster"] = clusters
			list = append(list, o)
		}
	}
	return list
}

func (s *Server) cluster(g *galaxy, c cluster) object {
	return object{"id": s.num(c.id), "uuid": c.uuid, "collection_uuid": g.uuid, "type": g.kind, "value": c.value, "tag_name": g.tag(c), "description": "About " + c.value + ".",
		"galaxy_id": s.num(g.id), "source": "", "authors": []string{"MITRE"}, "version": s.num(30), "distribution": s.num(3), "sharing_group_id": nil, "org_id": s.num(0),
		"orgc_id": s.num(0), "default": true, "locked": false, "extends_uuid": "", "extends_version": s.num(0), "published": false, "deleted": false,
		"GalaxyElement": []object{{"id": s.num(1), "galaxy_cluster_id": s.num(c.id), "key": "external_id", "value": c.value}}}
}

func (s *Server) indexGalaxies() answer {
	list := []object{}
	for _, g := range galaxies {
		list = append(list, object{"Galaxy": s.galaxy(g)})
	}
	return ok(list)
}

func (s *Server) viewGalaxy(r *request, id string) answer {
	g := s.galaxyOf(id)
	if g == nil {
		return refuse(http.StatusNotFound, r, "Invalid Galaxy.")
	}
	list := []object{}
	for _, c := range g.clusters {
		list = append(list, s.cluster(g, c))
	}
	return ok(object{"Galaxy": s.galaxy(g), "GalaxyCluster": list})
}

func (s *Server) indexClusters(r *request, id string) answer {
	g := s.galaxyOf(id)
	if g == nil {
		return refuse(http.StatusNotFound, r, "Invalid Galaxy.")
	}
	text, _ := parameters(r.body)["searchall"].(string)
	list := []object{}
	for _, c := range g.clusters {
		if strings.Contains(strings.ToLower(c.value), strings.ToLower(text)) {
			list = append(list, object{"GalaxyCluster": s.cluster(g, c)})
		}
	}
	return ok(list)
}

// findClusters finds by the tag alone; any other filter finds everything.
func (s *Server) findClusters(r *request) answer {
	p := parameters(r.body)
	tag, _ := p["tag_name"].(string)
	list := []object{}
	for _, g := range galaxies {
		for _, c := range g.clusters {
			if tag == "" || g.tag(c) == tag {
				list = append(list, object{"GalaxyCluster": s.cluster(g, c)})
			}
		}
	}
	page, _ := paged(p, list)
	return ok(object{"response": page})
}

func (s *Server) viewCluster(r *request, id string) answer {
	for _, g := range galaxies {
		for _, c := range g.clusters {
			if strconv.Itoa(c.id) == id || c.uuid == id {
				o := s.cluster(g, c)
				o["Galaxy"] = s.galaxy(g)
				return ok(object{"GalaxyCluster": o})
			}
		}
	}
	return refuse(http.StatusNotFound, r, "Invalid galaxy cluster")
}

func (s *Server) attachCluster(r *request, id, kind string) answer {
	said := func(m string) answer { return ok(object{"saved": true, "success": m, "check_publish": true}) }
	var p struct {
		Galaxy struct {
			ID json.RawMessage `json:"target_id"`
		}
	}
	if json.Unmarshal(r.body, &p) != nil {
		return refuse(http.StatusMethodNotAllowed, r, "Invalid JSON input.")
	}
	want := strings.Trim(string(p.Galaxy.ID), `"`)
	e := s.lookup(r.user, id)
	var tags *[]string
	if kind == "attribute" {
		owner, a := s.attributeOf(id)
		if a != nil {
			e, tags = owner, &a.Tags
		}
	} else if e != nil {
		tags = &e.Tags
	}
	switch {
	case tags == nil || !s.sees(r.user, e):
		return refuse(http.StatusNotFound, r, "Invalid "+kind+".")
	case !r.mayChange(e):
		return refuse(http.StatusForbidden, r, "No permission to attach this cluster to given target.")
	}
	for _, g := range galaxies {
		for _, c := range g.clusters {
			if strconv.Itoa(c.id) != want {
				continue
			}
			name := g.tag(c)
			if slices.Contains(*tags, name) {
				return said("Cluster already attached.")
			}
			s.tagID(name)
			*tags = append(slices.Clone(*tags), name)
			e.touch(time.Now().Unix())
			return said("Cluster attached.")
		}
	}
	return refuse(http.StatusNotFound, r, "Invalid Galaxy cluster.")
}

// A Feed is a source of events.
type Feed struct {
	Name, Provider, URL string  // what it is called, who offers it, and where it is
	Enabled, Caching    bool    // whether it is switched on, and whether it is cached
	FreeText            bool    // whether it is a list of values instead of events
	Gone                bool    // whether it can't be read
	Events              []Event // what it has that can be brought in
	Broken              int     // how many more it has, that can't be
}

type feed struct {
	Feed
	id, fetched int
}

// AddFeed adds a feed and returns its id.
func (s *Server) AddFeed(f Feed) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feeds = append(s.feeds, &feed{Feed: f, id: len(s.feeds) + 1})
	return strconv.Itoa(len(s.feeds))
}

// Fetched says how often the feed with that id was brought in.
func (s *Server) Fetched(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.feeds {
		if strconv.Itoa(f.id) == id {
			return f.fetched
		}
	}
	return 0
}

func (s *Server) feedObject(f *feed) object {
	format := "misp"
	if f.FreeText {
		format = "freetext"
	}
	return object{"id": s.num(f.id), "name": f.Name, "provider": f.Provider, "url": f.URL, "rules": nil, "enabled": f.Enabled, "distribution": s.num(3), "sharing_group_id": s.num(0),
		"tag_id": s.num(0), "default": true, "source_format": format, "fixed_event": false, "delta_merge": false, "event_id": s.num(0), "publish": false, "override_ids": false,
		"settings": nil, "input_source": "network", "delete_local_file": false, "lookup_visible": false, "headers": "X-Token: of-the-feed", "caching_enabled": f.Caching,
		"force_to_ids": false, "orgc_id": s.num(0)}
}

func (s *Server) feedAction(post bool, r *request, action, id string) answer {
	if action == "" || action == "index" {
		list := []object{}
		if !r.admin { // the others see none, and aren't told
			return ok(list)
		}
		for _, f := range s.feeds {
			list = append(list, object{"Feed": s.feedObject(f)})
		}
		return ok(list)
	}
	said := func(m string) answer {
		return ok(object{"name": m, "message": m, "url": "/feeds/" + action + "/" + id})
	}
	i := slices.IndexFunc(s.feeds, func(f *feed) bool { return strconv.Itoa(f.id) == id })
	switch {
	case !r.admin:
		return refuse(http.StatusForbidden, r, noPermission)
	case action == "cacheFeeds" && s.BackgroundJobs:
		return said("Feed caching job initiated.")
	case action == "cacheFeeds" && (i < 0 || !s.feeds[i].Caching || !s.feeds[i].Gone): // of none, and of one that isn't cached, too
		return said("Caching the feeds has successfully completed.")
	case action == "cacheFeeds":
		return answer{http.StatusFound, http.Header{"Location": {s.URL + "/feeds"}}, plain{"application/json", ""}}
	case i < 0:
		return refuse(http.StatusNotFound, r, "Invalid feed.")
	}
	f := s.feeds[i]
	switch {
	case action == "view":
		return ok(object{"Feed": s.feedObject(f)})
	case action == "enable" && post:
		f.Enabled = true
		return said("Feed enabled.")
	case action == "disable" && post:
		f.Enabled = false
		return said("Feed disabled.")
	case !f.Enabled:
		return ok(object{"result": "Feed is currently not enabled. Make sure you enable it."})
	}
	f.fetched++
	if s.BackgroundJobs {
		return ok(object{"result": "Pull queued for background execution."})
	}
	if f.Gone {
		return ok(object{"result": "Fetching the feed has failed."})
	}
	kinds := 0 // what MISP counts
	if len(f.Events) > 0 {
		kinds++
	}
	if f.Broken > 0 {
		kinds++
	}
	for _, e := range f.Events {
		s.addEvent(e)
	}
	f.Events = nil
	m := "Fetching the feed has successfully completed."
	if kinds > 0 && !f.FreeText {
		m += fmt.Sprintf(" Downloaded %d new event(s).", kinds)
	}
	return ok(object{"result": m})
}

// restrictive are the formats for which MISP adds filters of its own.
var restrictive = []string{"text", "hashes", "hosts", "rpz", "suricata", "snort"}

// export is a page in another format than JSON.
func (s *Server) export(r *request, format string, p object, page []match, n int) answer {
	var b strings.Builder
	kind := "text/plain"
	switch format {
	case "csv":
		kind = "text/csv"
		if integer(p["headerless"]) != 1 {
			b.WriteString("uuid,event_id,category,type,value,comment,to_ids,date,object_relation,attribute_tag,object_uuid,object_name,object_meta_category\n")
		}
		for _, m := range page {
			ids := 0
			if m.a.toIDs {
				ids = 1
			}
			fmt.Fprintf(&b, "%q,%d,%q,%q,%q,%q,%d,%d,%q,%q,\"\",\"\",\"\"\n", m.a.UUID, m.e.id, m.a.Category, m.a.Type, m.a.Value, m.a.Comment, ids, m.a.changed, m.a.Relation, strings.Join(m.a.Tags, ","))
		}
		b.WriteString("\n")
	case "text":
		for _, m := range page {
			b.WriteString(m.a.Value + "\n")
		}
		b.WriteString("\n")
	case "hashes":
		for _, m := range page {
			if v := m.a.parts(); strings.Contains(m.a.Type, "md5") || strings.Contains(m.a.Type, "sha") {
				b.WriteString(v[len(v)-1] + "\n")
			}
		}
		b.WriteString("\n")
	case "suricata", "snort":
		fmt.Fprintf(&b, "# MISP export of IDS rules - optimized for %s\n#\n", format)
		for _, m := range page {
			fmt.Fprintf(&b, "alert ip $HOME_NET any -> %s any (msg: \"MISP e%d [] Outgoing To IP: %s\"; sid:%d;)\n", m.a.Value, m.e.id, m.a.Value, 4000000+m.a.id)
		}
	case "rpz":
		b.WriteString("$TTL 1w;\n@               SOA localhost. root.localhost (2026112200 2h 30m 30d 1h)\n                NS localhost.\n\n")
		if len(page) > 0 {
			b.WriteString("; The following names will return NXDOMAIN.\n")
		}
		for _, m := range page {
			b.WriteString(m.a.Value + " CNAME .\n")
		}
		b.WriteString("\n")
	case "hosts":
		b.WriteString("# Blocklist in the HOSTS format\n# Generated: 2026-01-31 13:39:01 +0000\n")
		for _, m := range page {
			b.WriteString("0.0.0.0 " + m.a.Value + "\n")
		}
		b.WriteString("\n")
	case "netfilter":
		for _, m := range page {
			b.WriteString("iptables -A INPUT -s " + m.a.Value + " -j DROP\n")
		}
		b.WriteString("\n")
	case "stix2":
		objects := []object{}
		for _, m := range page {
			objects = append(objects, object{"type": "indicator", "spec_version": "2.1", "id": "indicator--" + m.a.UUID, "name": m.a.Value})
		}
		a := answer{http.StatusOK, counted(n), object{"type": "bundle", "id": "bundle--9a56d518-92b7-4c65-8fe3-e4835d5bf8e2", "objects": objects}}
		a.header["X-Export-Module-Used"] = []string{format}
		return a
	case "yara": // of what is for detection, published or not
		var generated, asIs string
		for _, m := range page {
			switch rule := strings.ReplaceAll(m.a.UUID, "-", "_"); {
			case !m.a.toIDs:
			case m.a.Type == "yara":
				asIs += "\n\n" + m.a.Value
			default:
				generated += fmt.Sprintf("\n\nrule MISP_ATTRIBUTE_%s : generated\n{\n\tstrings:\n\t\t$ = %q ascii wide\n\tcondition:\n\t\tany of them\n}", rule, m.a.Value)
			}
		}
		bar := strings.Repeat("=", 36)
		fmt.Fprintf(&b, "// %s GENERATED %s\n%s\n// %s   AS-IS  %s\n%s", bar, bar, generated, bar, bar, asIs)
	default:
		return refuse(http.StatusNotFound, r, "Invalid output format.")
	}
	a := answer{http.StatusOK, counted(n), plain{kind, b.String()}}
	a.header["X-Export-Module-Used"], a.header["X-Response-Format"] = []string{format}, []string{map[string]string{"text/csv": "csv", "text/plain": "txt"}[kind]}
	return a
}
