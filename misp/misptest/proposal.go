package misptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A proposal is an attribute that an organisation proposes for an event of
// another, or a change of one.
type proposal struct {
	id, org int
	e       *event
	a       *attribute // that it changes; nil for a new one
	value   Attribute
	toIDs   bool
	uuid    string
	at      int64
	decided bool
}

func (s *Server) proposal(p *proposal) object {
	o := object{"id": s.num(p.id), "old_id": s.num(0), "event_id": s.num(p.e.id), "type": p.value.Type, "category": p.value.Category, "uuid": p.uuid, "to_ids": p.toIDs,
		"comment": p.value.Comment, "org_id": s.num(p.org), "timestamp": s.num(int(p.at)), "first_seen": nil, "last_seen": nil, "deleted": p.decided, "proposal_to_delete": false,
		"disable_correlation": false, "value": p.value.Value, "org_uuid": orgUUID(p.org), "event_uuid": p.e.UUID,
		"Org": object{"name": orgNames[p.org], "uuid": orgUUID(p.org), "id": s.num(p.org)}}
	if p.a != nil {
		o["old_id"], o["old_uuid"] = s.num(p.a.id), p.a.UUID
	}
	return o
}

// indexProposals lists those for the organisation's events and those it made, the
// decided ones among them.
func (s *Server) indexProposals(r *request, id string) answer {
	list := []object{}
	for _, p := range s.proposals {
		if id != "" && id != "all:1" && strconv.Itoa(p.e.id) != id && p.e.UUID != id {
			continue
		}
		if r.admin || p.e.org == r.org || p.org == r.org {
			list = append(list, object{"ShadowAttribute": s.proposal(p)})
		}
	}
	return ok(list)
}

func (s *Server) proposalOf(r *request, id string) *proposal {
	for _, p := range s.proposals {
		if strconv.Itoa(p.id) == id && (r.admin || p.e.org == r.org || p.org == r.org) {
			return p
		}
	}
	return nil
}

func (s *Server) viewProposal(r *request, id string) answer {
	p := s.proposalOf(r, id)
	if p == nil {
		return refuse(http.StatusNotFound, r, "Invalid proposal.")
	}
	return ok(object{"ShadowAttribute": s.proposal(p)})
}

// propose makes a proposal for a new attribute, and a second one of the same.
func (s *Server) propose(r *request, event string) answer {
	e := s.lookup(r.user, event)
	if e == nil {
		return refuse(http.StatusNotFound, r, "Invalid Event")
	}
	return s.newProposal(r, e, nil)
}

func (s *Server) proposeEdit(r *request, id string) answer {
	e, a := s.attributeOf(id)
	if a == nil || a.deleted || !s.sees(r.user, e) {
		return refuse(http.StatusNotFound, r, "Invalid Attribute.")
	}
	return s.newProposal(r, e, a)
}

func (s *Server) newProposal(r *request, e *event, old *attribute) answer {
	b := parameters(r.body)
	if inner, wrapped := b["ShadowAttribute"].(object); wrapped {
		b = inner
	}
	text := func(name string) string { v, _ := b[name].(string); return v }
	p := &proposal{org: r.org, e: e, a: old, at: time.Now().Unix(), uuid: s.newUUID(),
		value: Attribute{Type: text("type"), Category: text("category"), Value: text("value"), Comment: text("comment")}}
	if old != nil {
		p.toIDs, p.uuid = old.toIDs, old.UUID
		if p.value.Type == "" {
			p.value.Type = old.Type
		}
		if p.value.Category == "" {
			p.value.Category = old.Category
		}
	} else {
		p.toIDs = true // whatever is usual for the type
	}
	if ids, given := flagged(b["to_ids"]); given {
		p.toIDs = ids
	} else if b["to_ids"] == false {
		p.toIDs = false
	}
	p.value.Value = normal(p.value.Type, p.value.Value)
	if why := badValue(p.value); why != "" {
		return refuse(http.StatusNotFound, r, fmt.Sprintf("Could not save the proposal. Errors: [value]: %s\n", why))
	}
	s.next.proposal++
	p.id = s.next.proposal
	s.proposals = append(s.proposals, p)
	o := s.proposal(p)
	for _, k := range []string{"org_id", "proposal_to_delete", "disable_correlation", "org_uuid", "event_uuid", "old_uuid", "Org"} {
		delete(o, k)
	}
	o["event_org_id"], o["email"] = s.num(e.org), "analyst@soc.example"
	return ok(object{"ShadowAttribute": o})
}

// decideProposal accepts or discards. Discarding one that is decided is an
// internal error; accepting it is refused.
func (s *Server) decideProposal(r *request, id string, accept bool) answer {
	p := s.proposalOf(r, id)
	said := func(m string) answer {
		return ok(object{"name": m, "message": m, "url": s.URL + r.path})
	}
	switch {
	case accept && p != nil && !p.decided && p.a == nil && p.e.org != r.org && !r.admin: // of a new attribute
		return answer{http.StatusFound, http.Header{"Location": {s.URL + "/"}}, plain{"application/json", ""}}
	case accept && (p == nil || p.decided || p.e.org != r.org && !r.admin):
		return refuse(http.StatusMethodNotAllowed, r, "Proposal not found or you are not authorised to accept it.")
	case p == nil, p.decided:
		return refuse(http.StatusInternalServerError, r, "An Internal Error Has Occurred.")
	case p.e.org != r.org && p.org != r.org && !r.admin:
		return refuse(http.StatusForbidden, r, "You don't have permission to do that.")
	}
	p.decided = true
	if !accept {
		return said("Proposal discarded.")
	}
	defer p.e.touch(time.Now().Unix())
	if p.a != nil {
		p.a.Type, p.a.Category, p.a.Value, p.a.toIDs = p.value.Type, p.value.Category, p.value.Value, p.toIDs
		if p.value.Comment != "" {
			p.a.Comment = p.value.Comment
		}
		return said("Proposed change accepted.")
	}
	a := p.value
	a.ToIDs, a.Distribution = &p.toIDs, 5
	p.e.put(s.storeAttribute(a, 0, time.Now().Unix()))
	return said("Proposal accepted.")
}

// indexBlocked lists the UUIDs of events that were deleted.
func (s *Server) indexBlocked() answer {
	list := []object{}
	i := 0
	for uuid := range s.blocked {
		i++
		list = append(list, object{"id": s.num(i), "event_uuid": uuid, "created": "2026-11-29 22:44:49", "event_info": "", "comment": "Automatically blocked by deleting event", "event_orgc": Organisation})
	}
	return ok(list)
}

// uploadSTIX makes an event of the indicators of a bundle, each of one value. What
// it had of threat level and analysis is lost, and every value is for detection.
func (s *Server) uploadSTIX(r *request) answer {
	fail := func(why string) answer { return unsaved("Could not upload_stix Event", "/events/upload_stix", why) }
	var b struct {
		Type    string `json:"type"`
		ID      string `json:"id"`
		Objects []struct {
			Type    string `json:"type"`
			ID      string `json:"id"`
			Pattern string `json:"pattern"`
		} `json:"objects"`
	}
	if json.Unmarshal(r.body, &b) != nil || b.Type != "bundle" {
		return fail("AttributeError: 'dict' object has no attribute 'objects' Please check whether the dependencies for STIX are met via the diagnostic tool.")
	}
	uuid := after(b.ID, "bundle--")
	for _, o := range b.Objects { // of an export of MISP
		if o.Type == "grouping" || o.Type == "report" {
			uuid = after(o.ID, o.Type+"--")
		}
	}
	switch {
	case s.blocked[uuid]:
		return refuse(http.StatusForbidden, r, "Event blocked by event blocklist.")
	case s.find(uuid) != nil:
		return fail("Event with the same UUID already exists.")
	}
	e := s.addEvent(Event{Info: "STIX 2.1 Bundle (" + b.ID + ") and converted with the MISP-STIX import feature.", UUID: uuid, ThreatLevel: 4, Org: orgNames[r.org], Distribution: 1})
	for _, o := range b.Objects {
		for _, f := range stixPatterns {
			if m := f.re.FindStringSubmatch(o.Pattern); m != nil && o.Type == "indicator" {
				yes := true
				e.put(s.storeAttribute(Attribute{Type: f.typ, Value: m[1], ToIDs: &yes, Distribution: 5}, 0, time.Now().Unix()))
			}
		}
	}
	full := s.full(r.user, e)
	o := object{"Event": full, "ThreatLevel": object{"id": full["threat_level_id"], "name": "Undefined"}, "EventTag": []object{}, "Sighting": []object{}}
	for _, beside := range []string{"Org", "Orgc", "Attribute", "Object", "ShadowAttribute", "EventReport", "CryptographicKey", "Galaxy", "RelatedEvent"} {
		o[beside] = full[beside]
		delete(full, beside)
	}
	return ok(o)
}

// after is what follows a prefix, or s without it.
func after(s, prefix string) string { return strings.TrimPrefix(s, prefix) }

// stixPatterns are the patterns of indicators of one value.
var stixPatterns = []struct {
	typ string
	re  *regexp.Regexp
}{
	{"domain", regexp.MustCompile(`domain-name:value = '([^']+)'`)},
	{"ip-dst", regexp.MustCompile(`ipv[46]-addr:value = '([^']+)'`)},
	{"url", regexp.MustCompile(`url:value = '([^']+)'`)},
	{"sha256", regexp.MustCompile(`(?i)file:hashes.*SHA-?256'? = '([^']+)'`)},
}
