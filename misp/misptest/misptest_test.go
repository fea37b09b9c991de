package misptest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// TestLikeTheRecordings checks the quirks that a recorded MISP 2.5.1 showed.
func TestLikeTheRecordings(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	noRedirect := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, tc := range []struct {
		name, method, path, key, accept, body string
		status                                int
		count                                 string // X-Result-Count
		want                                  string // in the body
	}{
		{"wrong key", "GET", "/events/view/1", "x", "", "", 403, "", "Authentication failed."},
		{"no Accept", "GET", "/events/view/1", misptest.Key, "*/*", "", 302, "", ""},
		{"no Accept, but .json", "GET", "/events/view/1.json", misptest.Key, "*/*", "", 200, "", `"id":"1"`},
		{"event 0 is the first", "GET", "/events/view/0", misptest.Key, "", "", 200, "", `"id":"1"`},
		{"event of others alone", "GET", "/events/view/6", misptest.Key, "", "", 404, "", "Invalid event"},
		{"publish by GET", "GET", "/events/publish/4", misptest.Key, "", "", 500, "", "Internal Error"},
		{"publish without permission", "POST", "/events/publish/4", misptest.UserKey, "", "", 403, "", "You do not have permission to use"},
		{"publish what is of others", "POST", "/events/publish/1", misptest.Key, "", "", 405, "", "You do not have the permission to do that."},
		{"delete what isn't there", "POST", "/events/delete/999", misptest.Key, "", "", 403, "", `"errors":"Event was not deleted."`},
		{"search without a filter", "POST", "/attributes/restSearch", misptest.Key, "", "", 200, "16", ""},
		{"unknown filter", "POST", "/attributes/restSearch", misptest.Key, "", `{"comment":"x"}`, 200, "16", ""},
		{"empty filter", "POST", "/attributes/restSearch", misptest.Key, "", `{"value":""}`, 200, "16", ""},
		{"negated value", "POST", "/attributes/restSearch", misptest.Key, "", `{"value":"!198.51.100.23"}`, 200, "16", ""},
		{"to_ids false", "POST", "/attributes/restSearch", misptest.Key, "", `{"to_ids":false}`, 200, "16", ""},
		{"to_ids 0", "POST", "/attributes/restSearch", misptest.Key, "", `{"to_ids":0}`, 200, "7", ""},
		{"page without limit", "POST", "/attributes/restSearch", misptest.Key, "", `{"page":3}`, 200, "16", ""},
		{"full page", "POST", "/attributes/restSearch", misptest.Key, "", `{"limit":2}`, 200, "3", ""},
		{"beyond the end", "POST", "/attributes/restSearch", misptest.Key, "", `{"limit":2,"page":99}`, 200, "1", `{"response":{"Attribute":[]}}`},
		{"whole composite", "POST", "/attributes/restSearch", misptest.Key, "", `{"value":"notice.iso|9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}`, 200, "0", ""},
		{"bad unit of last", "POST", "/attributes/restSearch", misptest.Key, "", `{"last":"5x"}`, 200, "0", ""},
		{"two values", "POST", "/attributes/restSearch", misptest.Key, "", `{"value":"198.51.100.23&&203.0.113.77"}`, 200, "3", ""},
		{"events have a total", "POST", "/events/restSearch", misptest.Key, "", `{"limit":2,"metadata":true}`, 200, "6", ""},
		{"no such event tag", "POST", "/events/restSearch", misptest.Key, "", `{"tags":["nosuch:tag"]}`, 200, "0", `{"response":[]}`},
		{"warninglist hit", "POST", "/warninglists/checkValue", misptest.ReadOnlyKey, "", `["8.8.8.8","198.51.100.23"]`, 200, "", `{"8.8.8.8":[{"id":"58","matched":"8.8.8.8/32","name":"List of known IPv4 public DNS resolvers"}]}`},
		{"warninglist miss", "POST", "/warninglists/checkValue", misptest.Key, "", `["198.51.100.23","10.1.2.3"]`, 200, "", `[]`},
		{"no value to check", "POST", "/warninglists/checkValue", misptest.Key, "", `[]`, 404, "", "No valid data received."},
		{"wrapped list of values", "POST", "/warninglists/checkValue", misptest.Key, "", `{"value":["a"]}`, 500, "", "Internal Error"},
		{"attribute without an event", "POST", "/attributes/add", misptest.Key, "", `{"type":"ip-dst","value":"1.2.3.4"}`, 405, "", "No event ID set."},
		{"invalid attribute", "POST", "/attributes/add/4", misptest.Key, "", `{"type":"nosuch","value":"x"}`, 403, "", `"errors":{"type":["Invalid type."]}`},
		{"new attribute", "POST", "/attributes/add/4", misptest.Key, "", `{"Attribute":{"type":"url","value":"hxxp://a.example/x"}}`, 200, "", `"value1":"http://a.example/x"`},
		{"a list, one bad", "POST", "/attributes/add/4", misptest.Key, "", `[{"type":"ip-dst","value":"192.0.2.3"},{"type":"ip-dst","value":"bad"}]`, 200, "", `"errors":{"attribute_1":{"value":["IP address has an invalid format."]}}`},
		{"a list, all bad", "POST", "/attributes/add/4", misptest.Key, "", `[{"type":"ip-dst","value":"bad1"},{"type":"ip-dst","value":"bad"}]`, 403, "", `"attribute_0"`},
		{"deleted softly", "POST", "/attributes/delete/12", misptest.Key, "", "", 200, "", `{"message":"Attribute deleted."}`},
		{"deleted softly again", "POST", "/attributes/delete/12", misptest.Key, "", "", 404, "", "Invalid attribute"},
		{"view what is deleted", "GET", "/attributes/view/12", misptest.Key, "", "", 405, "", "Invalid attribute"},
		{"deleted for good", "POST", "/attributes/delete/12/1", misptest.Key, "", "", 200, "", `{"message":"Attribute deleted."}`},
		{"deleted for good again", "POST", "/attributes/delete/12/1", misptest.Key, "", "", 404, "", "Invalid attribute"},
		{"tag by id", "POST", "/tags/attachTagToObject", misptest.Key, "", `{"uuid":"4","tag":"tlp:red"}`, 500, "", "Internal Error"},
		{"tag nothing", "POST", "/tags/attachTagToObject", misptest.Key, "", `{"uuid":"5f5a1f2e-0000-4000-8000-000000000000","tag":"tlp:red"}`, 404, "", "Invalid Target."},
		{"tags by exact name", "POST", "/tags/search", misptest.Key, "", `{"tag":"tlp"}`, 200, "", "[]"},
		{"tags by exact name in another case", "POST", "/tags/search", misptest.Key, "", `{"tag":"TLP:RED"}`, 200, "", `"name":"tlp:red"`},
		{"sighting of nothing", "POST", "/sightings/add", misptest.Key, "", `{"value":"not-in-misp.example"}`, 200, "", "No valid attributes found that match the criteria."},
		{"sighting of a bad type", "POST", "/sightings/add", misptest.Key, "", `{"id":"1","type":9}`, 200, "", "Invalid type"},
		{"another format, whatever it accepts", "POST", "/attributes/restSearch", misptest.Key, "*/*", `{"returnFormat":"stix2","eventid":"999"}`, 200, "0", `"objects":[]`},
		{"unknown format", "POST", "/attributes/restSearch", misptest.Key, "", `{"returnFormat":"nosuch"}`, 404, "", "Invalid output format."},
		{"object without its template", "POST", "/objects/add/4/999", misptest.Key, "", `{"Object":{"Attribute":[{"type":"text","value":"x"}]}}`, 403, "", "No valid template found"},
		{"object without a type", "POST", "/objects/add/4/70", misptest.Key, "", `{"Object":{"Attribute":[{"object_relation":"domain","value":"x.example"}]}}`, 403, "", `No type set.`},
		{"object without distribution is one's own", "POST", "/objects/add/4/70", misptest.Key, "", `{"Object":{"Attribute":[{"object_relation":"domain","type":"domain","value":"x.example"}]}}`, 200, "", `"distribution":"0"`},
		{"object deleted twice", "POST", "/objects/delete/1", misptest.Key, "", "", 200, "", "Object deleted"},
		{"object deleted twice, again", "POST", "/objects/delete/1", misptest.Key, "", "", 200, "", "Object deleted"},
		{"template without requirements", "GET", "/objectTemplates/view/2", misptest.Key, "", "", 200, "", `"requirements":[]`},
		{"feed that is off", "POST", "/feeds/fetchFromFeed/1", misptest.AdminKey, "", "", 200, "", "Feed is currently not enabled"},
		{"settings for others", "GET", "/servers/serverSettings", misptest.Key, "", "", 403, "", "You do not have permission"},
		{"event without a title", "POST", "/events/add", misptest.Key, "", `{"info":""}`, 403, "", `"errors":{"Event":{"info":["Info cannot be empty."]}}`},
		{"event for a group that isn't", "POST", "/events/add", misptest.Key, "", `{"info":"x","distribution":4}`, 405, "", "Invalid Sharing Group or not authorised."},
		{"the same again", "POST", "/attributes/add/4", misptest.Key, "", `{"type":"url","value":"http://A.example/x"}`, 403, "", `"errors":{"value":["A similar attribute already exists for this event."]}`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, m.URL+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", tc.key)
		if r.Header.Set("Accept", tc.accept); tc.accept == "" {
			r.Header.Set("Accept", "application/json")
		}
		res, err := noRedirect.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != tc.status || res.Header.Get("X-Result-Count") != tc.count || !strings.Contains(string(body), tc.want) {
			t.Errorf("%s: %d, count %q, %s, %v; want %d, %q, %s", tc.name, res.StatusCode, res.Header.Get("X-Result-Count"), body, err, tc.status, tc.count, tc.want)
		}
		if tc.status != http.StatusFound && !json.Valid(body) {
			t.Errorf("%s: not JSON: %s", tc.name, body)
		}
	}
}
