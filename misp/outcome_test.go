package misp_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// losing is a transport that loses the answers for a path.
type losing string

func (path losing) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.URL.Path != string(path) {
		return res, err
	}
	res.Body.Close()
	return nil, io.ErrUnexpectedEOF
}

func TestATagWhoseAnswerIsLostIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	m, _ := seeded(t)
	c := m.Client(func(cfg *misp.Config) { cfg.Transport = losing("/tags/attachTagToObject") })
	_, err := c.CreateEvent(t.Context(), misp.CreateEventInput{Info: "x", ThreatLevel: 1, Tags: []string{"tlp:green", "tlp:amber"}})
	if !errors.Is(err, gate.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "was made, then") {
		t.Errorf("an event: %v", err)
	}
	_, err = c.AddAttribute(t.Context(), misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "ip-dst", Value: "192.0.2.1", Tags: []string{"tlp:green"}})
	if !errors.Is(err, gate.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "is in the event, then") {
		t.Errorf("an attribute: %v", err)
	}
}

func TestWhatBecameOfTheTagsOfAnAttributeIsSaid(t *testing.T) {
	t.Parallel()
	_, c := seeded(t)
	in := misp.AddAttributeInput{EventID: misptest.DraftEvent, Type: "domain", Value: "one.example", Tags: []string{"tlp:green", "made:up"}}
	out, err := c.AddAttribute(t.Context(), in)
	if err != nil || out.Status != misp.Added || out.Note != "the attribute is there; 1 tag refused" || len(out.Tags) != 2 {
		t.Errorf("%+v, %v", out, err)
	}
	in.Tags = in.Tags[:1]
	if out, err = c.AddAttribute(t.Context(), in); err != nil || out.Status != misp.Existing || out.Note != "" || out.Tags[0].Status != misp.TagExisting {
		t.Errorf("again: %+v, %v", out, err)
	}
	in.Value = "One[.]example"
	if out, err = c.AddAttribute(t.Context(), in); err != nil || out.Status != misp.Existing || len(out.Tags) != 1 || out.Stored != "one.example" {
		t.Errorf("in another form: %+v, %v", out, err)
	}
}

// TestAnAnswerAboutAnotherThingIsAnError asks for one thing and is given another.
func TestAnAnswerAboutAnotherThingIsAnError(t *testing.T) {
	t.Parallel()
	m, _ := seeded(t)
	for _, tc := range []struct{ op, args, path, body string }{
		{"misp_delete_attribute", `{"attributeId":"13","confirm":true}`, "/attributes/view/13", `{"Attribute":{"id":"14","event_id":"4"}}`},
		{"misp_get_organisation", `{"orgId":"2"}`, "/organisations/view/2", `{"Organisation":{"id":"1","name":"x"}}`},
		{"misp_delete_object", `{"objectId":"1","confirm":true}`, "/objects/view/1", `{"Object":{"id":"2","event_id":"2"}}`},
		{"misp_get_object_template", `{"templateId":"70"}`, "/objectTemplates/view/70", `{"ObjectTemplate":{"id":"71","name":"x"}}`},
		{"misp_get_galaxy", `{"galaxyId":"36"}`, "/galaxies/view/36", `{"Galaxy":{"id":"37","name":"x"},"GalaxyCluster":[]}`},
		{"misp_attach_galaxy_cluster", `{"targetType":"event","targetId":"4","galaxyClusterId":"9001"}`, "/galaxy_clusters/view/9001", `{"GalaxyCluster":{"id":"9002","value":"x","tag_name":"y"}}`},
		{"misp_toggle_feed", `{"feedId":"1","enable":true}`, "/feeds/view/1", `{"Feed":{"id":"2","name":"x"}}`},
		{"misp_create_event", `{"info":"x","distribution":4,"sharingGroupId":"1","threatLevel":1,"analysis":0}`, "/sharing_groups/view/1", `{"SharingGroup":{"id":"2","name":"x"}}`},
	} {
		g := gatetest.New(t)
		c := m.Client(siteAdmin, func(cfg *misp.Config) { cfg.Guard, cfg.Transport = g.Guard, answersFor{tc.path, 200, tc.body} })
		for _, op := range c.Ops() {
			if op.Name() != tc.op {
				continue
			}
			if res, err := op.Do(t.Context(), g.Guard, input(t, op, tc.args)); err == nil || errors.Is(err, gate.ErrRefused) {
				t.Errorf("%s(%s) given another: %+v, %v", tc.op, tc.args, res, err)
			}
		}
	}

	add := misp.AddSightingInput{AttributeID: "13"}
	other := m.Client(func(cfg *misp.Config) {
		cfg.Transport = answersFor{"/sightings/add", 200, `{"Sighting":{"id":"1","attribute_id":"14","date_sighting":"1"}}`}
	})
	if _, err := other.AddSighting(t.Context(), add); !errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("a sighting of another attribute: %v", err)
	}
	other = m.Client(func(cfg *misp.Config) {
		cfg.Transport = answersFor{"/events/restSearch", 200, `{"response":[{"Event":{"id":"1","uuid":"x"}}]}`}
	})
	for a, err := range other.AddAttributes(t.Context(), misptest.DraftEvent, func(yield func(misp.NewAttribute) bool) { yield(misp.NewAttribute{Type: "ip-dst", Value: "192.0.2.1"}) }) {
		if !errors.Is(err, misp.ErrNotFound) {
			t.Errorf("another event was found: %+v, %v", a, err)
		}
	}
	none := m.Client(func(cfg *misp.Config) { cfg.Transport = answersFor{"/events/add", 200, `{"Event":{}}`} })
	if _, err := none.CreateEvent(t.Context(), misp.CreateEventInput{Info: "x", ThreatLevel: 1}); !errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("an event without an id: %v", err)
	}
}

func TestOnlyAHardDeletionOfWhatIsGoneIsPlanned(t *testing.T) {
	t.Parallel()
	_, g, ops := gated(t)
	op := ops["misp_delete_attribute"]
	if _, err := op.Do(t.Context(), g.Guard, input(t, op, `{"attributeId":"999","confirm":true}`)); !errors.Is(err, misp.ErrNotFound) {
		t.Errorf("one that isn't there: %v, want ErrNotFound", err)
	}
	p := plan(t, g, op, input(t, op, `{"attributeId":"999","hard":true,"confirm":true,"confirmHard":true}`))
	if p.Undo != "" || !strings.Contains(shown(p), "what it holds isn't known") {
		t.Errorf("for good:\n%s", shown(p))
	}
}

func TestFeedsThatPublishOrReadFilesAreWarnedOf(t *testing.T) {
	t.Parallel()
	m, _ := seeded(t)
	for body, want := range map[string]string{
		`{"Feed":{"id":"1","name":"x","publish":true,"enabled":true}}`:         "is published at once",
		`{"Feed":{"id":"1","name":"x","input_source":"local","enabled":true}}`: "reads a file on the server",
	} {
		g := gatetest.New(t)
		c := m.Client(siteAdmin, func(cfg *misp.Config) { cfg.Guard, cfg.Transport = g.Guard, answersFor{"/feeds/view/1", 200, body} })
		for _, op := range c.Ops() {
			if op.Name() == "misp_fetch_feed" {
				if text := shown(plan(t, g, op, input(t, op, `{"feedId":"1"}`))); !strings.Contains(text, want) {
					t.Errorf("%s: the plan lacks %q:\n%s", body, want, text)
				}
			}
		}
	}
}

func TestTooManyGalaxiesAreNotSearched(t *testing.T) {
	t.Parallel()
	m, _ := seeded(t)
	list := []string{}
	for i := range 26 {
		list = append(list, fmt.Sprintf(`{"Galaxy":{"id":"%d","name":"g%d","type":"t%d","namespace":"many"}}`, i+1, i, i))
	}
	for n, refused := range map[int]bool{25: false, 26: true} {
		c := m.Client(func(cfg *misp.Config) {
			cfg.Transport = answersFor{"/galaxies", 200, "[" + strings.Join(list[:n], ",") + "]"}
		})
		_, err := c.SearchGalaxyClusters(t.Context(), misp.SearchGalaxyClustersInput{Search: "T1110", GalaxyType: "many"})
		if errors.Is(err, misp.ErrInvalid) != refused {
			t.Errorf("%d galaxies: %v", n, err)
		}
	}
}

func TestTheSharingGroupsOfAPlanAreBounded(t *testing.T) {
	t.Parallel()
	m, g, ops := gated(t)
	e := misptest.Event{Info: "many", Distribution: 1, Tags: []string{"tlp:green"}}
	for i := range 13 {
		id := m.AddSharingGroup(fmt.Sprintf("Group %d", i), true)
		e.Attributes = append(e.Attributes, misptest.Attribute{Type: "ip-dst", Value: fmt.Sprintf("192.0.2.%d", i), Distribution: 4, SharingGroup: id})
	}
	op := ops["misp_publish_event"]
	p := plan(t, g, op, input(t, op, `{"eventId":"`+m.AddEvent(e)+`","confirm":true}`))
	if len(p.Egress) != 11 || !strings.Contains(shown(p), "3 sharing groups more have attributes for them alone") {
		t.Errorf("%d parties:\n%s", len(p.Egress), shown(p))
	}
}

// TestARefusalInAGoodAnswerIsNotDoneInPart has MISP say with 200 that it hasn't done
// what it was asked for.
func TestARefusalInAGoodAnswerIsNotDoneInPart(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	m.SeedIncident()
	g := gatetest.New(t, func(p *gate.Policy) { p.Approval = gate.ApprovalHost })
	c := m.Client(func(cfg *misp.Config) {
		cfg.Guard, cfg.Transport = g.Guard, answersFor{"/tags/attachTagToObject", 200, `{"saved":false,"errors":"Tag could not be added."}`}
	})
	for _, o := range c.Ops() {
		if o.Name() != "misp_tag_event" {
			continue
		}
		_, err := o.Do(t.Context(), g.Guard, input(t, o, `{"eventId":"`+misptest.DraftEvent+`","tag":"tlp:green"}`))
		if partly := (*gate.PartlyError)(nil); err == nil || errors.As(err, &partly) || !strings.Contains(err.Error(), "Tag could not be added.") {
			t.Errorf("%v", err)
		}
	}
}
