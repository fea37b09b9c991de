package misp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/fielddoc"
	"github.com/sallyport-soc/sallyport/internal/testing/incident"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// A rule is something that was recorded of a real MISP. Its number is the
// section of the record and which row, point or paragraph of it it is.
type rule struct {
	number, says string
	test         func(t *testing.T)
}

// exempt are the rules that no tool can meet, and why.
var exempt = map[string]string{
	"1.12": "no tool restores an attribute or updates the templates; that a redirect is an error is rule 1.13",
	"4.2":  "no tool lists events by events/index: searches go through restSearch",
	"4.5":  "no tool searches objects, sightings or clusters by restSearch",
	"7.6":  "no tool sends e-mails: publishing goes without",
}

var rules = []rule{
	{"1.1", "a wrong key is a 403, and is told from a missing permission", func(t *testing.T) {
		m, _ := seeded(t)
		c := m.Client(func(cfg *misp.Config) { cfg.APIKey = "no-such-key" })
		if _, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: "1"}); !errors.Is(err, misp.ErrUnauthorized) || errors.Is(err, misp.ErrForbidden) {
			t.Error(err)
		}
	}},
	{"1.2", "a disabled user isn't authorised", refusal(403, "Authentication failed. Your user account has been disabled.", misp.ErrUnauthorized)},
	{"1.3", "a key bound to other addresses isn't authorised", refusal(403, "It is not possible to use this Auth key from your IP address", misp.ErrUnauthorized)},
	{"1.4", "a good key without the permission is forbidden, with MISP's reason", func(t *testing.T) {
		m, _ := seeded(t)
		for _, key := range []string{misptest.ReadOnlyKey, misptest.UserKey} {
			c := m.Client(func(cfg *misp.Config) { cfg.APIKey = key })
			if _, err := c.PublishEvent(t.Context(), misp.PublishEventInput{EventID: misptest.DraftEvent}); !errors.Is(err, misp.ErrForbidden) || !strings.Contains(err.Error(), "You do not have permission to use this functionality.") {
				t.Errorf("%s: %v", key, err)
			}
		}
	}},
	{"1.5", "the event of another organisation is forbidden, be it as 403 or as 405", func(t *testing.T) {
		m, c := seeded(t)
		ctx := t.Context()
		_, attribute := c.AddAttribute(ctx, misp.AddAttributeInput{EventID: misptest.BruteForceEvent, Type: "ip-dst", Value: "192.0.2.1"})
		_, edit := c.UpdateEvent(ctx, misp.UpdateEventInput{EventID: misptest.BruteForceEvent, Info: "x"})
		_, publish := m.Client(func(cfg *misp.Config) { cfg.APIKey = misptest.OtherKey }).PublishEvent(ctx, misp.PublishEventInput{EventID: misptest.DraftEvent})
		for status, err := range map[string]error{"HTTP 403: You do not have permission": attribute, "HTTP 403: You are not authorised": edit, "HTTP 405: You do not have the permission": publish} {
			if !errors.Is(err, misp.ErrForbidden) || !strings.Contains(err.Error(), status) {
				t.Errorf("%s: %v", status, err)
			}
		}
	}},
	{"1.6", "an event that the key may not see isn't found", func(t *testing.T) {
		_, c := seeded(t)
		if _, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misptest.HiddenEvent}); !errors.Is(err, misp.ErrNotFound) {
			t.Error(err)
		}
	}},
	{"1.7", "every request accepts JSON: without that MISP sends to its login page", func(t *testing.T) {
		for header, path := range headersSent(t) {
			if header != "application/json" {
				t.Errorf("%s accepts %q", path, header)
			}
		}
	}},
	{"1.8", "with it, even exports that are no JSON are answered", func(t *testing.T) {
		_, c := seeded(t)
		for _, f := range []misp.ExportFormat{misp.CSV, misp.Text, misp.STIX2} {
			if x, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: f, EventID: "1"}); err != nil || x.Bytes == 0 {
				t.Errorf("%s: %+v, %v", f, x, err)
			}
		}
	}},
	{"1.9", "a key with space around it works", func(t *testing.T) {
		m, _ := seeded(t)
		c := m.Client(func(cfg *misp.Config) { cfg.APIKey = "  " + misptest.Key + "\n" })
		if _, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: "1"}); err != nil {
			t.Error(err)
		}
	}},
	{"1.10", "a server that isn't live is an error, also for a search", func(t *testing.T) {
		c := replying(t, 302, `<html>`, "Location", "/users/login")
		for _, err := range failures(t, c) {
			if err == nil || !strings.Contains(err.Error(), "redirects are not followed") {
				t.Error(err)
			}
		}
	}},
	{"1.11", "too many searches say when to go on", func(t *testing.T) {
		c := replying(t, 429, `{"name":"Rate limit exceeded.","message":"Rate limit exceeded.","url":"/attributes/restSearch"}`, "X-Rate-Limit-Limit", "2", "X-Rate-Limit-Remaining", "0", "X-Rate-Limit-Reset", "731")
		if _, err := c.Correlate(t.Context(), misp.CorrelateInput{Value: "x"}); !errors.Is(err, misp.ErrRateLimited) || !strings.Contains(err.Error(), "again in 731 seconds") {
			t.Error(err)
		}
	}},
	{"1.13", "a redirect and an HTML page are errors, whatever was asked for", func(t *testing.T) {
		for _, c := range []*misp.Client{replying(t, 302, ``, "Location", "/events"), replying(t, 200, `<!DOCTYPE html><title>Login</title>`, "Content-Type", "text/html; charset=UTF-8")} {
			for _, err := range failures(t, c) {
				if err == nil {
					t.Error("taken for an answer")
				}
			}
		}
	}},

	{"2.1", "exceptions keep status and message", func(t *testing.T) {
		for status, want := range map[int]error{400: misp.ErrInvalid, 403: misp.ErrForbidden, 404: misp.ErrNotFound, 405: misp.ErrInvalid, 500: nil} {
			c := replying(t, status, `{"name":"Some reason.","message":"Some reason.","url":"/x"}`)
			_, err := c.PublishEvent(t.Context(), misp.PublishEventInput{EventID: "1"})
			var e *misp.Error
			if !errors.As(err, &e) || e.Status != status || e.Message != "Some reason." || want != nil && !errors.Is(err, want) {
				t.Errorf("%d: %v", status, err)
			}
		}
	}},
	{"2.2", "what can't be saved says which field and why, in every form of errors", func(t *testing.T) {
		for raw, want := range map[string]string{
			`{"value":["IP address has an invalid format."]}`: "value: IP address has an invalid format.", `{"attribute_0":{"value":["x"]},"attribute_1":{"type":["y"]}}`: "attribute_1.type: y",
			`{"Event":{"info":["Info cannot be empty."]}}`: "Event.info: Info cannot be empty.", `{"Event":"Received a published event that was empty."}`: "Event: Received a published event",
			`{"analysis":["Options : 0, 1, 2"]}`: "analysis: Options", `"Event could not be saved: not newer than the local copy."`: "not newer than the local copy",
			`"Failed to attach 1 tags. Reasons: {\"0\":\"Tag not found\"}"`: `{"0":"Tag not found"}`,
		} {
			c := replying(t, 403, `{"saved":false,"name":"Could not","message":"Could not","url":"/x","errors":`+raw+`}`)
			if _, err := c.UpdateEvent(t.Context(), misp.UpdateEventInput{EventID: "1", Info: "x"}); !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v; want %q", raw, err, want)
			}
		}
	}},
	{"2.3", "a 200 that is a failure is an error", func(t *testing.T) {
		c := replying(t, 200, `{"saved":false,"errors":"Invalid Tag."}`)
		if _, err := c.UpdateEvent(t.Context(), misp.UpdateEventInput{EventID: "1", Info: "x"}); err == nil || !strings.Contains(err.Error(), "Invalid Tag.") {
			t.Error(err)
		}
		s := answering(t, map[string]string{"/attributes/view/1": `{"Attribute":{"id":"1","type":"ip-src","value":"x"}}`, "/sightings/add": `{"message":"Could not add the Sighting. Reason: Invalid type."}`})
		if _, err := s.AddSighting(t.Context(), misp.AddSightingInput{AttributeID: "1"}); err == nil || !strings.Contains(err.Error(), "Reason: Invalid type.") {
			t.Error(err)
		}
	}},
	{"2.4", "status codes that surprise mean what they mean", func(t *testing.T) {
		m, c := seeded(t)
		ctx := t.Context()
		_, view := c.AddSighting(ctx, misp.AddSightingInput{AttributeID: "99999"})
		_, gone := c.DeleteEvent(ctx, misp.DeleteEventInput{EventID: "99999"})
		_, others := c.DeleteEvent(ctx, misp.DeleteEventInput{EventID: misptest.BruteForceEvent})
		_, group := c.CreateEvent(ctx, misp.CreateEventInput{Info: "x", Distribution: 4, SharingGroupID: "77", ThreatLevel: 1})
		in := misp.CreateEventInput{Info: "twice", ThreatLevel: 1, Date: "2026-01-31"}
		made, err := c.CreateEvent(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := c.CreateEvent(ctx, in) // MISP: 404 with a Location
		if err != nil || !again.Existing || again.Event.ID != made.Event.ID {
			t.Errorf("an event that exists: %+v, %v", again, err)
		}
		if _, err := c.DeleteEvent(ctx, misp.DeleteEventInput{EventID: misp.EventRef(made.Event.ID)}); err != nil {
			t.Error(err)
		}
		_, blocked := c.CreateEvent(ctx, in)
		m.FailNext(404, "Invalid output format.")
		_, format := c.ExportIOCs(ctx, misp.ExportIOCsInput{Format: misp.CSV, EventID: "1"})
		for _, x := range []struct {
			name      string
			err, want error
		}{
			{"a missing attribute, 405", view, misp.ErrNotFound}, {"a missing event deleted, 403", gone, misp.ErrNotFound}, {"one of others deleted, 403", others, misp.ErrForbidden},
			{"a group that isn't, 405", group, misp.ErrForbidden}, {"one that was deleted, 403, is made under another UUID", blocked, nil}, {"a format that isn't, 404", format, misp.ErrInvalid},
		} {
			if !errors.Is(x.err, x.want) {
				t.Errorf("%s: %v, want %v", x.name, x.err, x.want)
			}
		}
		m.Requests()
		if _, err := c.TagEvent(ctx, misp.TagEventInput{EventID: misptest.DraftEvent, Tag: "tlp:green"}); err != nil || !strings.Contains(strings.Join(m.Requests(), " "), "POST /events/restSearch") {
			t.Errorf("tags go by UUID, which must be read first: %v", err)
		}
	}},
	{"2.5", "the description of an endpoint is no success", func(t *testing.T) {
		c := replying(t, 200, `{"name":"/attributes/add API description","description":"POST a MISP Attribute JSON","mandatory_fields":["value","type"]}`)
		if _, err := c.UpdateEvent(t.Context(), misp.UpdateEventInput{EventID: "1", Info: "x"}); err == nil {
			t.Error("taken for an event")
		}
	}},

	{"3.1", "strings for integers are read", styles(false)},
	{"3.2", "numbers for integers are read just so", styles(true)},
	{"3.3", "both on one server are read", func(t *testing.T) {
		c := answering(t, map[string]string{"/attributes/restSearch": `{"response":{"Attribute":[{"id":"1","type":"ip-dst","value":"x","warnings":[{"warninglist_id":"58"},{"warninglist_id":58}],"Tag":[{"id":"7","name":"tlp:red","inherited":1}]}]}}`,
			"/tags": `{"Tag":[{"id":"6","name":"tlp:amber","count":3,"attribute_count":"4"}]}`})
		p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: "x"})
		if err != nil || p.Attributes[0].Warnings[0].ListID != "58" || p.Attributes[0].Warnings[1].ListID != "58" || p.Attributes[0].Tags[0].Name != "tlp:red" {
			t.Errorf("%+v, %v", p, err)
		}
		if l, err := c.ListTags(t.Context(), misp.ListTagsInput{}); err != nil || *l.Tags[0].Events != 3 || *l.Tags[0].Attributes != 4 {
			t.Errorf("%+v, %v", l, err)
		}
	}},
	{"3.4", "[] is an empty map", func(t *testing.T) {
		c := answering(t, map[string]string{"/warninglists/checkValue": `[]`, "/warninglists/index": `{"Warninglists":[]}`,
			"/objectTemplates/view/1": `{"ObjectTemplate":{"id":"1","uuid":"x","name":"y","meta-category":"z","version":"1","requirements":[]},"ObjectTemplateElement":[]}`})
		if x, err := c.CheckWarninglists(t.Context(), misp.CheckWarninglistsInput{Value: "x"}); err != nil || x.Listed {
			t.Errorf("%+v, %v", x, err)
		}
		if x, err := c.GetObjectTemplate(t.Context(), misp.GetObjectTemplateInput{TemplateID: "1"}); err != nil || len(x.Requirements) != 0 {
			t.Errorf("%+v, %v", x, err)
		}
	}},
	{"3.5", "null is nothing, and times are kept as they are", func(t *testing.T) {
		var a misp.Attribute
		if err := json.Unmarshal([]byte(`{"id":"1","type":"x","value":"y","object_relation":null,"first_seen":"2026-01-01T00:00:00.000000+00:00","last_seen":null,"Tag":[{"id":"1","name":"z","numerical_value":null,"relationship_type":null}]}`), &a); err != nil || a.ObjectRelation != "" || !a.FirstSeen.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) || !a.LastSeen.IsZero() {
			t.Errorf("%+v, %v", a, err)
		}
	}},
	{"3.6", "an attribute as its adding answers it has its whole value", func(t *testing.T) {
		c := answering(t, map[string]string{"/events/view/4": bareEvent, "/attributes/add/4": `{"Attribute":{"id":"64","type":"filename|sha256","value1":"a.exe","value2":"ff","value":"a.exe|ff","uuid":"87cd9783-d30d-4a94-b8df-cc1b18b583a3"},"AttributeTag":[]}`})
		if x, err := c.AddAttribute(t.Context(), misp.AddAttributeInput{EventID: "4", Type: "filename|sha256", Value: "a.exe|ff"}); err != nil || x.ID != "64" || x.Stored != "" {
			t.Errorf("%+v, %v", x, err)
		}
	}},
	{"3.7", "what an answer adds to an attribute isn't lost", func(t *testing.T) {
		const in = `{"id":"1","type":"x","value":"y","to_ids":true,"distribution":5,"event_uuid":"u","data":"aGVsbG8="}`
		var a misp.Attribute
		if err := json.Unmarshal([]byte(in), &a); err != nil || string(a.Extra["event_uuid"]) != `"u"` || string(a.Extra["data"]) != `"aGVsbG8="` {
			t.Errorf("%+v, %v", a, err)
		}
		if out, err := json.Marshal(a); err != nil || !strings.Contains(string(out), `"data":"aGVsbG8="`) {
			t.Errorf("%s, %v", out, err)
		}
	}},

	{"4.1", "an event is in its envelope, with no Tag when it has none", func(t *testing.T) {
		m, c := seeded(t)
		id := misp.EventRef(m.AddEvent(misptest.Event{Info: "bare"}))
		if e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: id}); err != nil || e.Tags != nil || e.Info != "bare" {
			t.Errorf("%+v, %v", e, err)
		}
	}},
	{"4.3", "attributes are in an object, and none is none", func(t *testing.T) {
		_, c := seeded(t)
		if p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: "nothing-like-this"}); err != nil || p.Attributes == nil || len(p.Attributes) != 0 || *p.Total != 0 {
			t.Errorf("%+v, %v", p, err)
		}
	}},
	{"4.4", "events are in a list, each in its envelope, and none is none", func(t *testing.T) {
		_, c := seeded(t)
		if p, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{Info: "nothing like this"}); err != nil || p.Events == nil || len(p.Events) != 0 || *p.Total != 0 {
			t.Errorf("%+v, %v", p, err)
		}
		if p, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{EventID: "3"}); err != nil || len(p.Events) != 1 || p.Events[0].ID != "3" {
			t.Errorf("%+v, %v", p, err)
		}
	}},
	{"4.6", "one attribute added comes alone", added(`{"Attribute":{"id":"9","type":"ip-src","value":"192.0.2.1"},"AttributeTag":[]}`, []string{"192.0.2.1"}, "added")},
	{"4.7", "several come in a list, one of several alone, beside what is wrong with the rest", func(t *testing.T) {
		added(`{"Attribute":[{"id":"8","type":"ip-src","value":"192.0.2.1"},{"id":"9","type":"ip-src","value":"192.0.2.2"}]}`, []string{"192.0.2.1", "192.0.2.2"}, "added", "added")(t)
		added(`{"Attribute":{"id":"9","type":"ip-src","value":"192.0.2.1"},"AttributeTag":[],"errors":{"attribute_1":{"value":["no"]}}}`, []string{"192.0.2.1", "bad"}, "added", "refused")(t)
	}},
	{"4.8", "only MISP's own words confirm that an attribute is deleted", func(t *testing.T) {
		for body, ok := range map[string]bool{`{"message":"Attribute deleted."}`: true, `{"message":"Attribute was not deleted."}`: false, `{}`: false} {
			if _, err := replying(t, 200, body).DeleteAttribute(t.Context(), misp.DeleteAttributeInput{AttributeID: "1"}); (err == nil) != ok {
				t.Errorf("%s: %v", body, err)
			}
		}
	}},
	{"4.9", "publishing, deleting and tagging say that they saved", func(t *testing.T) {
		for body, ok := range map[string]bool{`{"saved":true,"success":true,"name":"Event deleted.","message":"Event deleted.","url":"/events/delete/3","id":"3"}`: true, `{"saved":false,"message":"x"}`: false, `{"message":"x"}`: false} {
			if _, err := replying(t, 200, body).DeleteEvent(t.Context(), misp.DeleteEventInput{EventID: "3"}); (err == nil) != ok {
				t.Errorf("%s: %v", body, err)
			}
		}
	}},
	{"4.10", "warninglists are in an envelope within an envelope", func(t *testing.T) {
		_, c := seeded(t)
		if x, err := c.CheckWarninglists(t.Context(), misp.CheckWarninglistsInput{Value: "8.8.8.8"}); err != nil || *x.ListsEnabled != 2 || x.Hits[0].Category != "false_positive" {
			t.Errorf("%+v, %v", x, err)
		}
	}},
	{"4.11", "a look-up is a list of values, and only what was asked for is believed", func(t *testing.T) {
		var sent []byte
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "checkValue") {
				sent, _ = io.ReadAll(r.Body)
				fmt.Fprint(w, `{"8.8.8.8":[{"id":"58","name":"resolvers","matched":"8.8.8.8/32"}]}`)
				return
			}
			fmt.Fprint(w, `{"Warninglists":[]}`)
		}))
		t.Cleanup(h.Close)
		c, err := misp.New(misp.Config{BaseURL: h.URL, APIKey: misptest.Key})
		if err != nil {
			t.Fatal(err)
		}
		x, err := c.CheckWarninglists(t.Context(), misp.CheckWarninglistsInput{Value: " 8.8.8.8 "})
		if err != nil || !x.Listed || x.Hits[0].ID != "58" || string(sent) != `["8.8.8.8"]` {
			t.Errorf("%+v, %v; sent %s", x, err, sent)
		}
		if _, err := c.CheckWarninglists(t.Context(), misp.CheckWarninglistsInput{Value: "9.9.9.9"}); err == nil {
			t.Error("an answer about another value was believed")
		}
	}},
	{"4.12", "tags come in two envelopes, by list and by search", func(t *testing.T) {
		_, c := seeded(t)
		for _, search := range []string{"", "tlp:"} {
			if p, err := c.ListTags(t.Context(), misp.ListTagsInput{Search: search}); err != nil || p.Total < 5 || p.Tags[0].ID == "" {
				t.Errorf("%q: %+v, %v", search, p, err)
			}
		}
		_, g, ops := gated(t)
		if text := shown(plan(t, g, ops["misp_tag_event"], input(t, ops["misp_tag_event"], `{"eventId":"4","tag":"tlp:green"}`))); strings.Contains(text, "doesn't have the tag") {
			t.Errorf("a tag that exists, by search:\n%s", text)
		}
	}},
	{"4.13", "galaxies, templates, taxonomies and clusters are bare lists", func(t *testing.T) {
		_, c := seeded(t)
		g, err := c.ListGalaxies(t.Context(), misp.ListGalaxiesInput{})
		if err != nil || g.Total != 3 {
			t.Errorf("%+v, %v", g, err)
		}
		tp, err := c.ListObjectTemplates(t.Context(), misp.ListObjectTemplatesInput{})
		if err != nil || tp.Total != 4 {
			t.Errorf("%+v, %v", tp, err)
		}
		cl, err := c.SearchGalaxyClusters(t.Context(), misp.SearchGalaxyClustersInput{Search: "T1110"})
		if err != nil || cl.Total != 2 {
			t.Errorf("%+v, %v", cl, err)
		}
		wrapped := replying(t, 200, `{"response":[{"Galaxy":{"id":"1"}}]}`)
		if _, err := wrapped.ListGalaxies(t.Context(), misp.ListGalaxiesInput{}); err == nil {
			t.Error("a list in an envelope was taken for a list")
		}
	}},
	{"4.14", "sightings of a value are added at once and all counted: MISP tells of the last", func(t *testing.T) {
		m, c := seeded(t)
		m.Requests()
		out, err := c.AddSighting(t.Context(), misp.AddSightingInput{Value: incident.AttackerIP})
		if err != nil || out.Added != 2 || len(out.Sightings) != 2 || (out.Sightings[0].ID == "") == (out.Sightings[1].ID == "") {
			t.Errorf("%+v, %v", out, err)
		}
		if diff := cmp.Diff([]string{"POST /attributes/restSearch", "POST /attributes/restSearch", "POST /sightings/add"}, m.Requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}},

	{"4.15", "whose the key is comes with the user's role and organisation", func(t *testing.T) {
		m, g, ops := gated(t)
		m.Requests()
		op := ops["misp_update_event"]
		_, err := op.Do(t.Context(), g.Guard, input(t, op, `{"eventId":"`+misptest.BruteForceEvent+`","analysis":1}`))
		if !errors.Is(err, misp.ErrForbidden) || !strings.Contains(err.Error(), "the key is of SOC") {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"POST /events/restSearch", "GET /users/view/me"}, m.Requests()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}},

	{"5.1", "a page never goes without a limit, and both begin at one", func(t *testing.T) {
		m, c := seeded(t)
		sent := bodies(t, m)
		_ = searches(t, sent.client)
		for _, b := range sent.of("/restSearch") {
			limit, page := b["limit"], b["page"]
			if l, ok := limit.(float64); !ok || l < 1 {
				t.Errorf("limit %v", limit)
			}
			if p, ok := page.(float64); !ok || p < 1 {
				t.Errorf("page %v", page)
			}
		}
		for _, in := range []misp.SearchAttributesInput{{Value: "x", Page: -1}, {Value: "x", Limit: -1}, {Value: "x", Limit: 501}} {
			if _, err := c.SearchAttributes(t.Context(), in); !errors.Is(err, misp.ErrInvalid) {
				t.Errorf("%+v: %v", in, err)
			}
		}
		if p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: incident.AttackerIP, Page: 99}); err != nil || len(p.Attributes) != 0 || p.More {
			t.Errorf("beyond the end: %+v, %v", p, err)
		}
	}},
	{"5.2", "a total is one of events only: of attributes MISP counts the page, and one more if it is full", func(t *testing.T) {
		_, c := seeded(t)
		e, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{Tags: []string{"tlp:%"}, Paging: misp.Paging{Limit: 2}})
		if err != nil || e.Total == nil || *e.Total != 6 || !e.More {
			t.Errorf("events: %+v, %v", e, err)
		}
		a, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Tags: []string{"tlp:%"}, Limit: 2})
		if err != nil || a.Total != nil || !a.More {
			t.Errorf("attributes: %+v, %v", a, err)
		}
		x, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.CSV, Tags: []string{"tlp:%"}, Limit: 2})
		if err != nil || *x.Attributes != 2 || !x.More {
			t.Errorf("export: %+v, %v", x, err)
		}
		if x, err = c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.CSV, Tags: []string{"tlp:%"}, Limit: 2, Page: 999}); err != nil || *x.Attributes != 0 || x.More {
			t.Errorf("export beyond the end: %+v, %v", x, err)
		}
	}},
	{"5.3", "a search is sent with a filter that filters, or not at all", func(t *testing.T) {
		m, c := seeded(t)
		m.Requests()
		for _, in := range []misp.SearchAttributesInput{{}, {Value: " "}, {Value: "0"}, {Value: "%"}, {Tags: []string{}}, {Tags: []string{"0"}}, {Tags: []string{""}}} {
			if _, err := c.SearchAttributes(t.Context(), in); !errors.Is(err, misp.ErrInvalid) {
				t.Errorf("%+v: %v", in, err)
			}
		}
		for _, in := range []misp.SearchEventsInput{{}, {Info: "%"}, {Info: "x||%"}, {Org: "x||y"}, {Org: "a&&b"}, {Value: "0"}} {
			if _, err := c.SearchEvents(t.Context(), in); !errors.Is(err, misp.ErrInvalid) {
				t.Errorf("%+v: %v", in, err)
			}
		}
		for _, f := range []misp.ExportFormat{misp.CSV, misp.Hashes} {
			if _, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: f}); !errors.Is(err, misp.ErrInvalid) {
				t.Errorf("%s of everything: %v", f, err)
			}
		}
		if r := m.Requests(); r != nil {
			t.Errorf("sent %q", r)
		}
		sent := bodies(t, m)
		_ = searches(t, sent.client)
		known := map[string]bool{"returnFormat": true, "value": true, "type": true, "category": true, "tags": true, "eventid": true, "uuid": true, "to_ids": true, "last": true, "published": true, "org": true, "eventinfo": true, "from": true, "to": true,
			"limit": true, "page": true, "order": true, "metadata": true, "headerless": true, "includeCorrelations": true, "includeContext": true, "includeSightings": true, "includeDecayScore": true, "includeWarninglistHits": true}
		for _, b := range sent.of("/restSearch") {
			for k := range b {
				if !known[k] {
					t.Errorf("%s is no filter of MISP", k)
				}
			}
		}
	}},
	{"5.4", "false is sent as 0", func(t *testing.T) {
		m, _ := seeded(t)
		sent := bodies(t, m)
		no := false
		if _, err := sent.client.SearchAttributes(t.Context(), misp.SearchAttributesInput{ToIDs: &no}); err != nil {
			t.Error(err)
		}
		e, err := sent.client.SearchEvents(t.Context(), misp.SearchEventsInput{Published: &no})
		if err != nil || e.Total != nil || len(e.Events) != 2 {
			t.Errorf("%+v, %v; want those not published, without the total that MISP gets wrong", e, err)
		}
		if b := sent.of("/restSearch"); b[0]["to_ids"] != 0.0 || b[1]["published"] != 0.0 {
			t.Errorf("sent %v", b)
		}
	}},
	{"5.5", "values go in a list, where operators are text, and a composite is found by its parts", func(t *testing.T) {
		m, _ := seeded(t)
		m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "filename|md5", Value: "bad.exe|bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}, {Type: "domain", Value: "a.example"}, {Type: "domain", Value: "b.example"}}})
		sent := bodies(t, m)
		for value, want := range map[string]int{"BAD.exe": 1, "bad.exe|bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb": 1, "other.exe|bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb": 0, "a.example||b.example": 0, "a.example&&b.example": 0, "%.example": 5} {
			p, err := sent.client.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: value})
			if err != nil || value != "%.example" && len(p.Attributes) != want {
				t.Errorf("%s: %+v, %v; want %d", value, p, err, want)
			}
		}
		if got, err := sent.client.Correlate(t.Context(), misp.CorrelateInput{Value: "bad.exe|bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}); err != nil || got.TotalAttributes != 1 {
			t.Errorf("a whole composite: %+v, %v", got, err)
		}
		if _, err := sent.client.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: "!a.example"}); !errors.Is(err, misp.ErrInvalid) {
			t.Errorf("not: %v", err)
		}
		for _, b := range sent.of("/restSearch") {
			if _, ok := b["value"].([]any); !ok {
				t.Errorf("value %v", b["value"])
			}
		}
	}},
	{"5.6", "a title is whole unless it says otherwise, and no tag is negated", func(t *testing.T) {
		_, c := seeded(t)
		for info, want := range map[string]int{"Bulletproof": 0, "Bulletproof hosting": 1, "%hosting%": 1} {
			if p, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{Info: info}); err != nil || len(p.Events) != want {
				t.Errorf("%s: %+v, %v; want %d", info, p, err, want)
			}
		}
		if _, err := c.SearchByTag(t.Context(), misp.SearchByTagInput{Tag: "!tlp:red"}); !errors.Is(err, misp.ErrInvalid) {
			t.Error(err)
		}
		if p, err := c.SearchByTag(t.Context(), misp.SearchByTagInput{Tag: "tlp:cl%", Type: misp.TaggedAttributes}); err != nil || len(p.Attributes) != 4 {
			t.Errorf("attributes of a tagged event: %+v, %v", p, err)
		}
	}},
	{"5.7", "a UUID is sent in lower case, as uuid in searches", func(t *testing.T) {
		m, c := seeded(t)
		e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misptest.BruteForceEvent})
		if err != nil {
			t.Fatal(err)
		}
		up := misp.EventRef(strings.ToUpper(e.UUID))
		if same, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: up}); err != nil || same.ID != e.ID {
			t.Errorf("%+v, %v", same, err)
		}
		sent := bodies(t, m)
		p, err := sent.client.SearchAttributes(t.Context(), misp.SearchAttributesInput{EventID: up})
		if err != nil || len(p.Attributes) != 4 {
			t.Errorf("attributes: %+v, %v", p, err)
		}
		if s, err := sent.client.SearchEvents(t.Context(), misp.SearchEventsInput{EventID: up}); err != nil || len(s.Events) != 1 {
			t.Errorf("events: %+v, %v", s, err)
		}
		for _, b := range sent.of("/restSearch") {
			if b["uuid"] != e.UUID || b["eventid"] != nil {
				t.Errorf("sent %v", b)
			}
		}
	}},
	{"5.8", "only times that MISP understands are sent, and it is said what they leave out", func(t *testing.T) {
		_, c := seeded(t)
		for _, last := range []string{"5x", "junk", "0d", "6M", "1w", "-1d", "7"} {
			if _, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: "x", Last: last}); !errors.Is(err, misp.ErrInvalid) {
				t.Errorf("%s: %v", last, err)
			}
		}
		if p, err := c.SearchEvents(t.Context(), misp.SearchEventsInput{EventID: misptest.DraftEvent, Last: "30d"}); err != nil || len(p.Events) != 0 {
			t.Errorf("never published: %+v, %v", p, err)
		}
		for _, op := range c.Ops() {
			if f, ok := op.In().FieldByName("Last"); ok && op.Name() == "misp_search_attributes" && !strings.Contains(fielddoc.Of(op.In(), f.Name), "never published") {
				t.Errorf("%s: %s", op.Name(), f.Tag)
			}
		}
	}},
	{"5.9", "what was deleted is not there", func(t *testing.T) {
		m, c := seeded(t)
		m.SoftDelete(misptest.BruteForceEvent, incident.AttackerIP)
		if p, err := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: incident.AttackerIP}); err != nil || len(p.Attributes) != 1 {
			t.Errorf("%+v, %v", p, err)
		}
		if e, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: misptest.BruteForceEvent}); err != nil || len(e.Attributes) != 3 {
			t.Errorf("%+v, %v", e, err)
		}
	}},
	{"5.10", "warnings are shown, not used to drop rows, and the newest come first", func(t *testing.T) {
		m, _ := seeded(t)
		m.AddEvent(misptest.Event{Info: "resolver", Attributes: []misptest.Attribute{{Type: "ip-dst", Value: misptest.PublicResolver}, {Type: "ip-dst", Value: "8.8.8.9"}}})
		sent := bodies(t, m)
		p, err := sent.client.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: "8.8.8.%", IncludeWarnings: true})
		if err != nil || len(p.Attributes) != 2 || *p.Total != 2 || p.Attributes[1].Warnings == nil || p.Attributes[0].Warnings != nil {
			t.Errorf("%+v, %v", p, err)
		}
		if b := sent.of("/restSearch")[0]; b["enforceWarninglist"] != nil || b["order"] != "Attribute.id DESC" {
			t.Errorf("sent %v", b)
		}
	}},
	{"5.11", "formats for detection leave out what isn't published, and say so", func(t *testing.T) {
		_, c := seeded(t)
		for _, f := range []misp.ExportFormat{misp.Text, misp.Hashes, misp.Hosts, misp.RPZ, misp.Suricata, misp.Snort} {
			x, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: f, EventID: misptest.DraftEvent})
			if err != nil || *x.Attributes != 0 || !strings.Contains(x.Note, "of published events") || !strings.HasSuffix(x.Note, "Nothing was left.") {
				t.Errorf("%s: %+v, %v", f, x, err)
			}
			no := false
			if _, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: f, EventID: "1", ToIDs: &no}); !errors.Is(err, misp.ErrInvalid) {
				t.Errorf("%s of what isn't for detection: %v", f, err)
			}
		}
		for _, f := range []misp.ExportFormat{misp.CSV, misp.JSONExport, misp.STIX2} {
			if x, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: f, EventID: misptest.DraftEvent}); err != nil || *x.Attributes != 2 || strings.Contains(x.Note, "detection (to_ids)") {
				t.Errorf("%s: %+v, %v", f, x, err)
			}
		}
	}},
	{"5.12", "the type of the content is checked, and an empty CSV counts none", func(t *testing.T) {
		_, c := seeded(t)
		x, err := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.CSV, Value: "nothing-like-this"})
		if err != nil || *x.Attributes != 0 || x.More || !strings.HasPrefix(x.ContentType, "text/csv") || strings.Count(x.Content, "uuid,event_id") != 1 {
			t.Errorf("%+v, %v", x, err)
		}
		for _, wrong := range []*misp.Client{replying(t, 200, `{"response":[]}`, "Content-Type", "application/json"), replying(t, 200, "x", "Content-Type", "text/csv", "X-Export-Module-Used", "text")} {
			if x, err := wrong.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.CSV, Value: "x"}); err == nil {
				t.Errorf("another format was taken for CSV: %+v", x)
			}
		}
	}},
	{"5.13", "STIX is 2.1, whatever it is called, and says so", func(t *testing.T) {
		m, _ := seeded(t)
		sent := bodies(t, m)
		for _, f := range []misp.ExportFormat{misp.STIX, misp.STIX2} {
			if x, err := sent.client.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: f, EventID: "1"}); err != nil || !strings.Contains(x.Content, `"2.1"`) || !strings.Contains(x.Note, "STIX 2.1 and back loses") {
				t.Errorf("%s: %+v, %v", f, x, err)
			}
		}
		for _, b := range sent.of("/restSearch") {
			if b["returnFormat"] != "stix2" || b["stix-version"] != nil {
				t.Errorf("sent %v", b)
			}
		}
		if x, err := sent.client.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.STIX2, Value: "nothing-like-this"}); err != nil || *x.Attributes != 0 {
			t.Errorf("none: %+v, %v", x, err)
		}
	}},

	{"6.1", "lists that MISP gives whole are cut here, and tags are found by text, colons and all", func(t *testing.T) {
		_, c := seeded(t)
		one := misp.Paging{Limit: 1}
		tags, err := c.ListTags(t.Context(), misp.ListTagsInput{Search: "LP:A", Paging: one})
		if err != nil || len(tags.Tags) != 1 || tags.Total != 2 || !tags.More {
			t.Errorf("tags: %+v, %v", tags, err)
		}
		galaxies, err := c.ListGalaxies(t.Context(), misp.ListGalaxiesInput{Paging: one})
		if err != nil || len(galaxies.Galaxies) != 1 || galaxies.Total != 3 || !galaxies.More {
			t.Errorf("galaxies: %+v, %v", galaxies, err)
		}
		templates, err := c.ListObjectTemplates(t.Context(), misp.ListObjectTemplatesInput{Paging: one})
		if err != nil || len(templates.Templates) != 1 || templates.Total != 4 || !templates.More {
			t.Errorf("templates: %+v, %v", templates, err)
		}
		galaxy, err := c.GetGalaxy(t.Context(), misp.GetGalaxyInput{GalaxyID: misptest.AttackGalaxy, Paging: one})
		if err != nil || len(galaxy.Clusters) != 1 || galaxy.ClusterCount != 5 || !galaxy.More {
			t.Errorf("clusters: %+v, %v", galaxy, err)
		}
	}},

	{"7.1", "what MISP drops without a word is noticed", func(t *testing.T) {
		added(`{"Attribute":[{"id":"9","type":"ip-src","value":"192.0.2.2"}]}`, []string{"192.0.2.1", "192.0.2.2"}, "refused", "added")(t)
		c := answering(t, map[string]string{"/events/view/4": bareEvent, "/objectTemplates": `[{"ObjectTemplate":{"id":"70","uuid":"43b3b146-77eb-4931-b4cc-b66c60f28734","name":"domain-ip","meta-category":"network","version":"11"}}]`,
			"/objectTemplates/view/70":  `{"ObjectTemplate":{"id":"70","uuid":"43b3b146-77eb-4931-b4cc-b66c60f28734","name":"domain-ip","meta-category":"network","version":"11","requirements":[]},"ObjectTemplateElement":[{"object_relation":"domain","type":"domain"},{"object_relation":"ip","type":"ip-dst"}]}`,
			"/attributes/describeTypes": `{"result":{"sane_defaults":{"domain":{"to_ids":1}},"types":["domain"]}}`,
			"/objects/add/4/70":         `{"Object":{"id":"2","name":"domain-ip","Attribute":[{"id":"5","type":"domain","object_relation":"domain","value":"x.example"}]}}`})
		out, err := c.AddObject(t.Context(), misp.AddObjectInput{EventID: "4", TemplateName: "domain-ip", Attributes: []misp.NewObjectAttribute{{Relation: "domain", Value: "x.example"}, {Relation: "ip", Value: "192.0.2.1"}}})
		if err != nil || !cmp.Equal(out.Dropped, []string{"ip"}) {
			t.Errorf("%+v, %v", out, err)
		}
	}},
	{"7.2", "an event is made unpublished, and 0 is no event", func(t *testing.T) {
		m, _ := seeded(t)
		sent := bodies(t, m)
		out, err := sent.client.CreateEvent(t.Context(), misp.CreateEventInput{Info: "x", ThreatLevel: 4})
		if err != nil || bool(*out.Event.Published) {
			t.Errorf("%+v, %v", out, err)
		}
		if b := sent.of("/events/add")[0]; b["published"] != nil || b["info"] != "x" {
			t.Errorf("sent %v", b)
		}
		m.Requests()
		if _, err := sent.client.GetEvent(t.Context(), misp.GetEventInput{EventID: "0"}); !errors.Is(err, misp.ErrInvalid) || m.Requests() != nil {
			t.Errorf("event 0: %v", err)
		}
	}},
	{"7.3", "the event goes into the path, what MISP made of a value is shown, and one that is there isn't added", func(t *testing.T) {
		m, _ := seeded(t)
		sent := bodies(t, m)
		in := misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "domain", Value: "Evil[.]Example[.]org"}
		out, err := sent.client.AddAttribute(t.Context(), in)
		if err != nil || out.Status != misp.Added || out.Stored != "evil.example.org" {
			t.Errorf("%+v, %v", out, err)
		}
		if b := sent.of("/attributes/add/4"); len(b) != 1 || b[0]["event_id"] != nil {
			t.Errorf("sent %v", b)
		}
		in.Value = "EVIL.example.org"
		if out, err = sent.client.AddAttribute(t.Context(), in); err != nil || out.Status != misp.Existing || out.ID == "" {
			t.Errorf("in another case: %+v, %v", out, err)
		}
	}},
	{"7.4", "an edit carries no timestamp, and a published event is unpublished, which the plan says", func(t *testing.T) {
		m, g, ops := gated(t)
		if text := shown(plan(t, g, ops["misp_update_event"], input(t, ops["misp_update_event"], `{"eventId":"2","info":"x"}`))); !strings.Contains(text, "published: yes -> no") {
			t.Error(text)
		}
		sent := bodies(t, m)
		if _, err := sent.client.AddSighting(t.Context(), misp.AddSightingInput{Value: incident.AttackerIP}); err != nil || !m.Published(misptest.ScanEvent) {
			t.Errorf("a sighting: %v, published %t", err, m.Published(misptest.ScanEvent))
		}
		if _, err := sent.client.UpdateEvent(t.Context(), misp.UpdateEventInput{EventID: misptest.ScanEvent, Info: "x"}); err != nil || m.Published(misptest.ScanEvent) {
			t.Errorf("an edit: %v", err)
		}
		if b := sent.of("/events/edit")[0]; b["timestamp"] != nil || b["analysis"] != nil {
			t.Errorf("sent %v", b)
		}
	}},
	{"7.5", "publishing is done, or queued and not done yet", func(t *testing.T) {
		for jobs, want := range map[bool]misp.PublishState{false: misp.Published, true: misp.Queued} {
			m := misptest.New(t)
			m.BackgroundJobs = jobs
			m.SeedIncident()
			out, err := m.Client().PublishEvent(t.Context(), misp.PublishEventInput{EventID: misptest.DraftEvent})
			if err != nil || out.State != want || m.Published(misptest.DraftEvent) == jobs {
				t.Errorf("jobs %t: %+v, %v", jobs, out, err)
			}
			for _, r := range m.Requests() {
				if r == "GET /events/publish/4" {
					t.Error("published by GET, which is a 500")
				}
			}
		}
	}},
	{"7.7", "a deletion is soft unless it says hard, and what is deleted softly may be added again", func(t *testing.T) {
		m, c := seeded(t)
		ctx := t.Context()
		soft := misp.DeleteAttributeInput{AttributeID: "11"}
		if _, err := c.DeleteAttribute(ctx, soft); err != nil {
			t.Fatal(err)
		}
		if _, err := c.DeleteAttribute(ctx, soft); !errors.Is(err, misp.ErrNotFound) {
			t.Errorf("softly again: %v", err)
		}
		soft.Hard = true
		if out, err := c.DeleteAttribute(ctx, soft); err != nil || !out.Hard {
			t.Errorf("hard then: %+v, %v", out, err)
		}
		value := misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "ip-dst", Value: "192.0.2.1"}
		first, err := c.AddAttribute(ctx, value)
		if err != nil {
			t.Fatal(err)
		}
		m.SoftDelete(misptest.DraftEvent, "192.0.2.1")
		if again, err := c.AddAttribute(ctx, value); err != nil || again.Status != misp.Added || again.ID == first.ID {
			t.Errorf("added again: %+v, %v", again, err)
		}
	}},
	{"7.8", "a tag that is there already says so, one that can't be made is refused, and a number is no name", func(t *testing.T) {
		m, c := seeded(t)
		ctx := t.Context()
		in := misp.TagEventInput{EventID: misptest.DraftEvent, Tag: "tlp:amber"}
		out, err := c.TagEvent(ctx, in)
		if err != nil || out.Status != misp.TagExisting || !strings.Contains(out.Message, "already has the requested tag") {
			t.Errorf("there already: %+v, %v", out, err)
		}
		in.Tag = "made:up"
		if _, err := c.TagEvent(ctx, in); !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), "insufficient privileges to create it") {
			t.Errorf("unknown: %v", err)
		}
		in.Remove = true
		if _, err := c.TagEvent(ctx, in); !errors.Is(err, misp.ErrNotFound) {
			t.Errorf("unknown, removed: %v", err)
		}
		if in.Tag = "tlp:green"; true {
			if _, err := c.TagEvent(ctx, in); !errors.Is(err, misp.ErrNotFound) {
				t.Errorf("not attached, removed: %v", err)
			}
		}
		m.Requests()
		for _, number := range []string{"7", " 12 "} { // MISP would take it for an id
			if _, err := c.TagEvent(ctx, misp.TagEventInput{EventID: misptest.DraftEvent, Tag: number}); !errors.Is(err, misp.ErrInvalid) {
				t.Errorf("%q: %v", number, err)
			}
			if _, err := c.AddAttribute(ctx, misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "ip-dst", Value: "192.0.2.1", Tags: []string{number}}); !errors.Is(err, misp.ErrInvalid) {
				t.Errorf("%q: %v", number, err)
			}
		}
		if r := m.Requests(); r != nil {
			t.Errorf("sent %q", r)
		}
	}},
	{"7.9", "a sighting by value goes to what isn't deleted only", func(t *testing.T) {
		m, _ := seeded(t)
		sent := bodies(t, m)
		if _, err := sent.client.AddSighting(t.Context(), misp.AddSightingInput{Value: incident.AttackerIP}); err != nil {
			t.Error(err)
		}
		m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "ip-dst", Value: incident.AttackerIP}}})
		m.SoftDelete("8", incident.AttackerIP)
		if _, err := sent.client.AddSighting(t.Context(), misp.AddSightingInput{Value: incident.AttackerIP}); err != nil {
			t.Error(err)
		}
		b := sent.of("/sightings/add")
		if len(b) != 3 || b[0]["id"] != nil || b[1]["values"] != nil || b[2]["values"] != nil {
			t.Errorf("sent %v, want one by value, and two by id once a deleted attribute has it", b)
		}
		if _, err := sent.client.AddSighting(t.Context(), misp.AddSightingInput{Value: "not-in-misp.example"}); !errors.Is(err, misp.ErrNotFound) {
			t.Errorf("of a value that nobody has: %v", err)
		}
	}},
}

// TestRecordedRules checks each rule of the record that a tool can meet.
func TestRecordedRules(t *testing.T) {
	t.Parallel()
	for _, r := range rules {
		t.Run("rule "+r.number+": "+r.says, func(t *testing.T) {
			t.Parallel()
			r.test(t)
		})
	}
}

// TestEveryRecordedRuleIsTestedOrExempt reads the record and counts its rules.
func TestEveryRecordedRuleIsTestedOrExempt(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, r := range rules {
		if known[r.number] || exempt[r.number] != "" {
			t.Errorf("rule %s is there twice", r.number)
		}
		known[r.number] = true
	}
	text, err := os.ReadFile(filepath.FromSlash(recordings + ".md"))
	if err != nil {
		t.Skip("the recordings are not at hand: ", err)
	}
	recorded := recordedRules(string(text))
	if len(recorded) < 60 {
		t.Fatalf("only %d rules were found in the record", len(recorded))
	}
	for number, says := range recorded {
		if !known[number] && exempt[number] == "" {
			t.Errorf("rule %s is neither tested nor exempt: %.100s", number, says)
		}
		delete(known, number)
	}
	for number := range exempt {
		if recorded[number] == "" {
			t.Errorf("rule %s is exempt and isn't in the record", number)
		}
	}
	for number := range known {
		t.Errorf("rule %s is tested and isn't in the record", number)
	}
}

var (
	ruleSection = regexp.MustCompile(`^## ([1-9][0-9]*)\. `)
	ruleItem    = regexp.MustCompile(`^(- |[0-9]+\. |\| |[A-Za-z])`)
)

// recordedRules are the rows, points and paragraphs of the numbered sections.
func recordedRules(text string) map[string]string {
	out := map[string]string{}
	section, n, table := "", 0, false
	for line := range strings.Lines(text) {
		switch m := ruleSection.FindStringSubmatch(line); {
		case m != nil:
			section, n, table = m[1], 0, false
			continue
		case strings.HasPrefix(line, "## "), strings.HasPrefix(line, "-----"):
			section = ""
		}
		if section == "" || !ruleItem.MatchString(line) {
			continue
		}
		if strings.HasPrefix(line, "| ") && !table { // its head
			table = true
			continue
		}
		n++
		out[section+"."+strconv.Itoa(n)] = strings.TrimSpace(line)
	}
	return out
}

// refusal is a test that a message of MISP means an error.
func refusal(status int, message string, want error) func(*testing.T) {
	return func(t *testing.T) {
		m, c := seeded(t)
		m.FailNext(status, message)
		if _, err := c.GetEvent(t.Context(), misp.GetEventInput{EventID: "1"}); !errors.Is(err, want) || !strings.Contains(err.Error(), message) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// styles is a test that a server with one style of integers is understood.
func styles(native bool) func(*testing.T) {
	return func(t *testing.T) {
		m := misptest.New(t)
		m.NativeInts = native
		m.SeedIncident()
		e, err := m.Client().GetEvent(t.Context(), misp.GetEventInput{EventID: "1"})
		if err != nil || e.ID != "1" || e.ThreatLevel != misp.ThreatMedium || e.AttributeCount != 4 || e.Timestamp.IsZero() || !bool(e.Published) || e.Distribution != misp.AllCommunities || !bool(e.Attributes[0].ToIDs) {
			t.Errorf("%+v, %v", e, err)
		}
	}
}

// added is a test of what an answer to the adding of values is understood as.
func added(body string, values []string, want ...string) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		c := answering(t, map[string]string{"/events/view/4": bareEvent, "/attributes/add/4": body})
		out, err := c.AddAttributesBulk(t.Context(), misp.AddAttributesBulkInput{EventID: "4", Attributes: ip(values...)})
		if err != nil || !cmp.Equal(statuses(out), want) {
			t.Errorf("%s: %+v, %v; want %q", body, out, err, want)
		}
	}
}

// replying returns a client of a server that answers everything the same.
func replying(t *testing.T, status int, body string, header ...string) *misp.Client {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(h.Close)
	c, err := misp.New(misp.Config{BaseURL: h.URL, APIKey: misptest.Key})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// failures makes a read, a search, an export and a write that are to fail.
func failures(t *testing.T, c *misp.Client) map[string]error {
	t.Helper()
	_, read := c.GetEvent(t.Context(), misp.GetEventInput{EventID: "1"})
	_, search := c.SearchAttributes(t.Context(), misp.SearchAttributesInput{Value: "x"})
	_, export := c.ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.CSV, Value: "x"})
	_, write := c.UpdateEvent(t.Context(), misp.UpdateEventInput{EventID: "1", Info: "x"})
	return map[string]error{"read": read, "search": search, "export": export, "write": write}
}

// sentBodies are the bodies that a client sends.
type sentBodies struct {
	client *misp.Client
	paths  []string
	list   []map[string]any
}

func (s *sentBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	var o map[string]any
	if json.Unmarshal(body, &o) == nil && o != nil {
		s.paths, s.list = append(s.paths, r.URL.Path), append(s.list, o)
	}
	return http.DefaultTransport.RoundTrip(r)
}

// of returns the bodies that went to paths with a text in them.
func (s *sentBodies) of(path string) (list []map[string]any) {
	for i, p := range s.paths {
		if strings.Contains(p, path) {
			list = append(list, s.list[i])
		}
	}
	return list
}

func bodies(t *testing.T, m *misptest.Server) *sentBodies {
	t.Helper()
	s := &sentBodies{}
	s.client = m.Client(func(cfg *misp.Config) { cfg.Transport = s })
	return s
}

// searches makes every kind of search.
func searches(t *testing.T, c *misp.Client) (errs []error) {
	t.Helper()
	ctx := t.Context()
	do := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		errs = append(errs, err)
	}
	do(c.SearchAttributes(ctx, misp.SearchAttributesInput{Value: "x", IncludeCorrelations: true, IncludeDecay: true, IncludeSightings: true, IncludeWarnings: true}))
	do(c.SearchEvents(ctx, misp.SearchEventsInput{Info: "x", DateFrom: "2026-01-01"}))
	do(c.SearchByTag(ctx, misp.SearchByTagInput{Tag: "x"}))
	do(c.SearchByTag(ctx, misp.SearchByTagInput{Tag: "x", Type: misp.TaggedAttributes}))
	do(c.EventsByTags(ctx, []string{"x"}, 0))
	do(c.Correlate(ctx, misp.CorrelateInput{Value: "x"}))
	do(c.GetRelatedEvents(ctx, misp.GetRelatedEventsInput{Value: "x"}))
	do(c.ExportIOCs(ctx, misp.ExportIOCsInput{Format: misp.CSV, Value: "x"}))
	do(c.ExportHashes(ctx, misp.ExportHashesInput{Format: misp.MD5}))
	return errs
}

// headersSent returns which Accept headers are sent, each with a path.
func headersSent(t *testing.T) map[string]string {
	t.Helper()
	seen := map[string]string{}
	m, _ := seeded(t)
	c := m.Client(func(cfg *misp.Config) {
		cfg.Transport = tripper(func(r *http.Request) (*http.Response, error) {
			seen[r.Header.Get("Accept")] = r.URL.Path
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	_ = searches(t, c)
	for _, err := range failures(t, c) {
		if errors.Is(err, gate.ErrOutcomeUnknown) {
			t.Error(err)
		}
	}
	if _, err := c.PublishEvent(t.Context(), misp.PublishEventInput{EventID: misptest.DraftEvent}); err != nil {
		t.Error(err)
	}
	return seen
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
