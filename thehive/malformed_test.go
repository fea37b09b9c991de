package thehive_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// answering is a client of a TheHive that gives answers to queries, one after
// the other.
func answering(t *testing.T, answers ...string) *thehive.Client {
	t.Helper()
	return thehivetest.New(t).Client(func(c *thehive.Config) {
		c.Transport = transport(func(r *http.Request) (*http.Response, error) {
			res, err := http.DefaultTransport.RoundTrip(r)
			if err != nil || !strings.HasSuffix(r.URL.Path, "/query") {
				return res, err
			}
			body := answers[0]
			answers = answers[1:]
			res.Header.Del("Content-Length")
			res.ContentLength = int64(len(body))
			return res, replace(res, body)
		})
	})
}

func replace(res *http.Response, body string) error {
	err := res.Body.Close()
	res.Body = io.NopCloser(strings.NewReader(body))
	return err
}

func TestANullInAListIsNoRowAndCountsForThePage(t *testing.T) {
	t.Parallel()
	c := answering(t, `[null,{"_id":"~1","number":1},null,{"_id":"~2","number":2}]`, `7`)
	got, err := c.ListCases(t.Context(), thehive.ListCasesInput{Limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, cs := range got.Cases {
		ids = append(ids, cs.ID)
	}
	if diff := cmp.Diff([]string{"~1", "~2"}, ids); diff != "" || got.Total != 7 || !got.More {
		t.Errorf("total %d, more %t, cases (-want +got):\n%s", got.Total, got.More, diff)
	}
	rows, err := thehive.Fetch[*thehive.Case](t.Context(), answering(t, `[null,{"_id":"~1"}]`, ``), thehive.All(thehive.KindCase).Page(0, 5))
	if err != nil || len(rows) != 1 || rows[0].ID != "~1" {
		t.Errorf("Fetch = %v, %v, want the one case", rows, err)
	}
	var template thehive.CaseTemplate
	if err := json.Unmarshal([]byte(`{"name":"phishing","tasks":[null,{"_id":"~3"}]}`), &template); err != nil || len(template.Tasks) != 1 {
		t.Errorf("tasks %v, %v, want one", template.Tasks, err)
	}
}

func TestARowThatCannotBeReadIsShownWithTheOthers(t *testing.T) {
	t.Parallel()
	rows, want := `[{"_id":"~1","title":"a"},{"_id":"~2","title":7,"message":[],"number":3}]`, []string{"", "title: want a string, got number"}
	got, err := answering(t, rows).ListCases(t.Context(), thehive.ListCasesInput{Limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, cs := range got.Cases {
		told = append(told, cs.Unread)
	}
	if diff := cmp.Diff(want, told); diff != "" || got.Cases[1].Number != 3 {
		t.Errorf("what of the cases can't be read (-want +got):\n%s", diff)
	}
	alerts, err := answering(t, `[{"_id":"~1"},{"_id":"~2","title":{}}]`).ListAlerts(t.Context(), thehive.ListAlertsInput{Limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"", "title: want a string, got object"}, []string{alerts.Alerts[0].Unread, alerts.Alerts[1].Unread}); diff != "" {
		t.Errorf("what of the alerts can't be read (-want +got):\n%s", diff)
	}
	if _, err := answering(t, `[{"_id":"~1","title":7}]`).GetCase(t.Context(), thehive.GetCaseInput{CaseID: "~1"}); err == nil {
		t.Error("a case of its own is shown in part")
	}
}

// Four changes of a bulk are under way at a time, each in a goroutine: a panic
// there would end the process.
func TestAPanicInABulkIsAnUnknownOutcomeOfThatItem(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client(func(c *thehive.Config) {
		c.Transport = transport(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/"+thehivetest.NewAlert) {
				panic("boom")
			}
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	out, err := c.BulkUpdateAlerts(t.Context(), thehive.BulkUpdateAlertsInput{
		AlertIDs: []string{thehivetest.NewAlert, thehivetest.OldAlert}, AddTags: []string{"seen"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := out.Results; r[0].OK || !r[0].Unknown || !strings.Contains(r[0].Error, "boom") || !r[1].OK {
		t.Errorf("results %+v, want the first unknown and the second done", r)
	}
}

// What people write so that nobody clicks on it is read as what it means before
// it goes to a third party.
func TestADefangedInternalValueStaysInside(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	for _, data := range []string{"10[.]20[.]0[.]7", "10[dot]20[dot]0[dot]7", "10(dot)20(dot)0(dot)7", "10{.}20.0.7", "hxxp://10[.]20[.]0[.]7/", "db_01.corp.local"} {
		for _, kind := range []string{"ip", "domain", "url"} {
			id := hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": kind, "data": data})
			in := thehive.RunAnalyzerInput{AnalyzerID: "d4e5f6", CortexID: thehivetest.CortexID, ObservableID: id}
			if _, err := c.RunAnalyzer(t.Context(), in); !errors.Is(err, thehive.ErrEgress) {
				t.Errorf("%s %q: %v, want ErrEgress", kind, data, err)
			}
		}
	}
}
