package misp_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// input decodes arguments into a fresh input of op.
func input(t *testing.T, op gate.Op, args string) any {
	t.Helper()
	in := reflect.New(op.In())
	if err := json.Unmarshal([]byte(args), in.Interface()); err != nil {
		t.Fatalf("%s: %s: %v", op.Name(), args, err)
	}
	return in.Interface()
}

// changing returns those of requests that aren't known to read.
func changing(requests []string) []string {
	return slices.DeleteFunc(requests, func(r string) bool {
		return strings.HasPrefix(r, "GET ") || slices.ContainsFunc([]string{"/restSearch", "/warninglists/", "/tags/search", "/tags/index", "/galaxy_clusters/index"}, func(p string) bool { return strings.Contains(r, p) })
	})
}

// TestNothingIsChangedBeforeApproval makes every call of a write: it must leave
// a plan and nothing else, run once approved, and not run again.
func TestNothingIsChangedBeforeApproval(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t, siteAdmin)
	for _, call := range evidence.MISP() {
		op := ops[call.Op]
		if op.Tier() == gate.TierRead {
			continue
		}
		m.Requests()
		res, err := op.Do(t.Context(), g.Guard, input(t, op, call.Args))
		if err != nil || res.State != gate.StatePending {
			t.Fatalf("%s(%s): %+v, %v; want it to wait", call.Op, call.Args, res, err)
		}
		if c := changing(m.Requests()); len(c) > 0 {
			t.Errorf("%s(%s) sent %q before it was approved", call.Op, call.Args, c)
		}
		p := res.Proposal.Plan
		if p.Summary == "" || len(p.Targets) == 0 && call.Op != "misp_create_event" {
			t.Errorf("%s: a plan without a summary or a target: %+v", call.Op, p)
		}
		for _, target := range p.Targets {
			if target.Name == "" && !strings.Contains(call.Args, `"hard":true`) {
				t.Errorf("%s: a target without a name: %+v", call.Op, target)
			}
		}
		g.Approve(res.Proposal.ID)
		if res, err = op.Do(t.Context(), g.Guard, input(t, op, call.Args)); err != nil || res.State != gate.StateExecuted {
			t.Fatalf("%s(%s), approved: %+v, %v", call.Op, call.Args, res, err)
		}
		if c := changing(m.Requests()); len(c) == 0 {
			t.Errorf("%s(%s) sent nothing once approved", call.Op, call.Args)
		}
		if _, err := op.Do(t.Context(), g.Guard, input(t, op, call.Args)); err == nil || !errors.Is(err, gate.ErrRefused) {
			if c := changing(m.Requests()); len(c) > 0 {
				t.Errorf("%s(%s) ran twice on one approval: %q", call.Op, call.Args, c)
			}
		}
	}
}

func TestLocksOfDestructiveCalls(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	m.Requests()
	for _, tc := range []struct{ op, args string }{
		{"misp_delete_attribute", `{"attributeId":"13"}`},
		{"misp_delete_attribute", `{"attributeId":"13","hard":true,"confirm":true}`},
		{"misp_delete_attribute", `{"attributeId":"13","hard":true,"confirmHard":true}`},
		{"misp_delete_object", `{"objectId":"1"}`},
		{"misp_delete_object", `{"objectId":"1","hard":true,"confirm":true}`},
		{"misp_tag_event", `{"eventId":"4","tag":"tlp:amber","remove":true}`},
		{"misp_add_sighting", `{"value":"198.51.100.23","type":1}`},
		{"misp_add_sighting", `{"value":"198.51.100.23","type":2}`},
		{"misp_publish_event", `{"eventId":"4"}`},
		{"misp_delete_event", `{"eventId":"4"}`},
	} {
		if _, err := ops[tc.op].Do(t.Context(), g.Guard, input(t, ops[tc.op], tc.args)); !errors.Is(err, gate.ErrRefused) {
			t.Errorf("%s(%s): %v, want a refusal", tc.op, tc.args, err)
		}
	}
	if r := m.Requests(); r != nil {
		t.Errorf("sent %q", r)
	}
}

func TestTheSwitchAuthorisesRemovalsAndNothingElse(t *testing.T) {
	t.Parallel()
	_, g, ops := gated(t, siteAdmin)
	g.Setenv("MISP_ALLOW_DESTRUCTIVE", "true")
	for _, tc := range []struct {
		op, args string
		want     gate.State
	}{
		{"misp_tag_event", `{"eventId":"4","tag":"tlp:amber","remove":true}`, gate.StateExecuted},
		{"misp_tag_event", `{"eventId":"4","tag":"tlp:amber"}`, gate.StatePending},
		{"misp_add_sighting", `{"value":"198.51.100.23","type":1,"confirm":true}`, gate.StatePending},
		{"misp_delete_attribute", `{"attributeId":"11"}`, gate.StateExecuted},
		{"misp_delete_attribute", `{"attributeId":"12","hard":true,"confirmHard":true}`, gate.StatePending},
		{"misp_delete_object", `{"objectId":"1"}`, gate.StateExecuted},
		{"misp_delete_object", `{"objectId":"1","hard":true,"confirmHard":true}`, gate.StatePending},
		{"misp_create_event", `{"info":"x","distribution":0,"threatLevel":4,"analysis":0}`, gate.StatePending},
		{"misp_toggle_feed", `{"feedId":"1","enable":true}`, gate.StatePending},
	} {
		res, err := ops[tc.op].Do(t.Context(), g.Guard, input(t, ops[tc.op], tc.args))
		if err != nil || res.State != tc.want {
			t.Errorf("%s(%s): %+v, %v; want %s", tc.op, tc.args, res, err, tc.want)
		}
	}
}

// TestBadInput checks that what can't be meant is refused, naming the field,
// before anything is sent.
func TestBadInput(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	m.Requests()
	for _, tc := range []struct{ op, args, want string }{
		{"misp_search_events", `{}`, "at least one of"}, {"misp_search_events", `{"limit":10}`, "at least one of"}, {"misp_search_events", `{"value":"%"}`, "value"},
		{"misp_search_events", `{"org":"!x"}`, "org"}, {"misp_search_events", `{"dateFrom":"yesterday"}`, "dateFrom"}, {"misp_search_events", `{"last":"6M"}`, "last"},
		{"misp_search_events", `{"dateFrom":"2026-02-01","dateTo":"2026-01-01"}`, "dateFrom"}, {"misp_search_events", `{"info":"%%"}`, "info"},
		{"misp_search_events", `{"org":"x","limit":501}`, "limit"}, {"misp_search_events", `{"org":"x","page":-1}`, "page"},
		{"misp_search_by_tag", `{"tag":"%"}`, "tag"}, {"misp_search_by_tag", `{"tag":"!tlp:red"}`, "tag"}, {"misp_search_by_tag", `{"tag":"x","type":"galaxy"}`, "type"},
		{"misp_create_event", `{"info":" ","distribution":0,"threatLevel":4,"analysis":0}`, "info"}, {"misp_create_event", `{"info":"x","distribution":5,"threatLevel":4,"analysis":0}`, "distribution"},
		{"misp_create_event", `{"info":"x","distribution":4,"threatLevel":4,"analysis":0}`, "sharingGroupId"}, {"misp_create_event", `{"info":"x","distribution":1,"threatLevel":4,"analysis":0,"sharingGroupId":"1"}`, "sharingGroupId"},
		{"misp_create_event", `{"info":"x","distribution":0,"threatLevel":5,"analysis":0}`, "threatLevel"}, {"misp_create_event", `{"info":"x","distribution":0,"threatLevel":1,"analysis":3}`, "analysis"},
		{"misp_create_event", `{"info":"x","distribution":0,"threatLevel":1,"analysis":0,"date":"2026-02-30"}`, "date"}, {"misp_create_event", `{"info":"x","distribution":0,"threatLevel":1,"analysis":0,"tags":[" "]}`, "tags[0]"},
		{"misp_update_event", `{"eventId":"4"}`, "at least one of"}, {"misp_update_event", `{"eventId":"0","info":"x"}`, "eventId"}, {"misp_update_event", `{"eventId":"4","threatLevel":5}`, "threatLevel"},
		{"misp_tag_event", `{"eventId":"4","tag":" "}`, "tag"}, {"misp_tag_event", `{"eventId":"4","tag":"a\u0000b"}`, "tag"},
		{"misp_add_attribute", `{"eventId":"4","type":"ip-src","value":" "}`, "value"}, {"misp_add_attribute", `{"eventId":"4","type":"!","value":"x"}`, "type"},
		{"misp_add_attribute", `{"eventId":"4","type":"ip-src","value":"x","distribution":4}`, "distribution"}, {"misp_add_attribute", `{"eventId":"4","type":"ip-src","value":"x","distribution":6}`, "distribution"},
		{"misp_delete_attribute", `{"attributeId":"0","confirm":true}`, "attributeId"}, {"misp_delete_object", `{"objectId":"../1","confirm":true}`, "objectId"},
		{"misp_export_iocs", `{"format":"xml","eventId":"1"}`, "format"}, {"misp_export_iocs", `{"format":"csv"}`, "at least one of"}, {"misp_export_iocs", `{"format":"text","eventId":"1","toIds":false}`, "toIds"},
		{"misp_export_iocs", `{"format":"csv","eventId":"1","limit":10001}`, "limit"}, {"misp_export_hashes", `{"format":"sha512"}`, "format"}, {"misp_export_hashes", `{"format":"md5","last":"1y"}`, "last"},
		{"misp_add_sighting", `{"type":0}`, "either attributeId or value"}, {"misp_add_sighting", `{"type":0,"value":"x","attributeId":"1"}`, "either attributeId or value"},
		{"misp_add_sighting", `{"type":3,"value":"x","confirm":true}`, "type"}, {"misp_add_sighting", `{"type":0,"value":"%"}`, "value"}, {"misp_add_sighting", `{"type":0,"value":"x","timestamp":"soon"}`, "timestamp"},
		{"misp_get_object_template", `{"templateId":"file"}`, "templateId"}, {"misp_add_object", `{"eventId":"4","templateName":"file","attributes":[]}`, "attributes"},
		{"misp_add_object", `{"eventId":"4","templateName":"file","attributes":[{"object_relation":"","value":"x"}]}`, "object_relation"},
		{"misp_get_galaxy", `{"galaxyId":"mitre"}`, "galaxyId"}, {"misp_search_galaxy_clusters", `{"search":"%"}`, "search"},
		{"misp_attach_galaxy_cluster", `{"targetType":"object","targetId":"1","galaxyClusterId":"1"}`, "targetType"}, {"misp_attach_galaxy_cluster", `{"targetType":"event","targetId":"1","galaxyClusterId":"T1110"}`, "galaxyClusterId"},
		{"misp_toggle_feed", `{"feedId":"0","enable":true}`, "feedId"}, {"misp_fetch_feed", `{"feedId":"all"}`, "feedId"}, {"misp_cache_feed", `{"feedId":"csv"}`, "feedId"},
		{"misp_list_organisations", `{"scope":"mine"}`, "scope"}, {"misp_get_organisation", `{"orgId":"SOC"}`, "orgId"}, {"misp_list_tags", `{"limit":501}`, "limit"},
		{"misp_list_feeds", `{"page":-2}`, "page"}, {"misp_list_galaxies", `{"limit":-1}`, "limit"}, {"misp_list_object_templates", `{"limit":501}`, "limit"}, {"misp_list_sharing_groups", `{"limit":501}`, "limit"},
	} {
		_, err := ops[tc.op].Do(t.Context(), g.Guard, input(t, ops[tc.op], tc.args))
		if !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s(%s): %v; want ErrInvalid naming %q", tc.op, tc.args, err, tc.want)
		}
	}
	// Which groups the key may use stands in the refusal of distribution 4 without one.
	if r := slices.DeleteFunc(m.Requests(), func(r string) bool { return r == "GET /sharing_groups" }); len(r) > 0 {
		t.Errorf("sent %q", r)
	}
}

// TestVendorRefusals checks that a key that may only read is refused before a
// human is asked, or else that MISP's own reason comes through, from every kind
// of write.
func TestVendorRefusals(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	g := gatetest.New(t)
	readOnly := map[string]gate.Op{}
	for _, op := range m.Client(func(cfg *misp.Config) { cfg.Guard, cfg.APIKey = g.Guard, misptest.ReadOnlyKey }).Ops() {
		readOnly[op.Name()] = op
	}
	on := misp.ToggleFeedInput{FeedID: misptest.OSINTFeed, Enable: true}
	if _, err := m.Client(siteAdmin).ToggleFeed(t.Context(), on); err != nil { // what is off isn't fetched by anybody
		t.Fatal(err)
	}
	for _, call := range evidence.MISP() {
		op := readOnly[call.Op]
		if op.Tier() == gate.TierRead || call.Op == "misp_delete_attribute" || call.Op == "misp_delete_object" || strings.Contains(call.Args, `"16"`) || strings.Contains(call.Args, "203.0.113.77") {
			continue
		}
		do := func() (*gate.Result, error) { return op.Do(t.Context(), g.Guard, input(t, op, call.Args)) }
		res, err := do()
		if err == nil && res.State == gate.StatePending {
			g.Approve(res.Proposal.ID)
			_, err = do()
		}
		var e *misp.Error
		switch {
		case call.Op == "misp_create_event" || call.Op == "misp_tag_event" && strings.Contains(call.Args, "remove"):
			if err == nil {
				t.Errorf("%s: a key that may only read was obeyed", call.Op)
			}
		case strings.HasSuffix(call.Op, "_proposal"): // it sees none
			if err == nil {
				t.Errorf("%s: a key that may only read was obeyed", call.Op)
			}
		case !errors.Is(err, misp.ErrForbidden) || !strings.Contains(err.Error(), "lacks perm_") && (!errors.As(err, &e) || !strings.Contains(e.Message, "You do not have permission")):
			t.Errorf("%s(%s): %v; want what the role lacks, or MISP's reason", call.Op, call.Args, err)
		}
	}
}
