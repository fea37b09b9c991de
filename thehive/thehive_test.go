package thehive_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/testing/incident"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

type Object = thehivetest.Object

func TestListCasesPages(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	p, err := c.ListCases(t.Context(), thehive.ListCasesInput{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Cases) != 2 || p.Total != 20 || !p.More {
		t.Errorf("got %d of %d, more %v; want 2 of 20 and more", len(p.Cases), p.Total, p.More)
	}
	if p.Cases[0].ID != thehivetest.PhishingCase || p.Cases[0].CreatedAt.Before(p.Cases[1].CreatedAt) {
		t.Errorf("first is %s: want the newest first", p.Cases[0].ID)
	}
	var ids []string
	for cs, err := range c.Cases(t.Context(), thehive.ListCasesInput{Limit: 7, Offset: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, cs.ID)
	}
	if slices.Sort(ids); len(slices.Compact(ids)) != 19 {
		t.Errorf("walked over %d different cases, want 19", len(ids))
	}
	last, err := c.ListCases(t.Context(), thehive.ListCasesInput{Limit: 5, Offset: 18})
	if err != nil || len(last.Cases) != 2 || last.Total != 20 || last.More {
		t.Errorf("last page: %+v, %v", last, err)
	}
	past, err := c.ListCases(t.Context(), thehive.ListCasesInput{Offset: 100})
	if err != nil || len(past.Cases) != 0 || past.Total != 20 || past.More {
		t.Errorf("behind the end: %+v, %v", past, err)
	}
}

func TestListCasesFilters(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	for _, tt := range []struct {
		in   thehive.ListCasesInput
		want int
	}{
		{thehive.ListCasesInput{Status: "InProgress"}, 2},
		{thehive.ListCasesInput{Severity: thehive.High}, 4},
		{thehive.ListCasesInput{Owner: "analyst@soc.example"}, 2},
		{thehive.ListCasesInput{Tags: []string{"phishing"}}, 2},
		{thehive.ListCasesInput{Tags: []string{"phishing", "mitre:T1566.002"}}, 1},
		{thehive.ListCasesInput{Status: "Indeterminate", Tags: []string{"phishing"}}, 0},
		{thehive.ListCasesInput{Stage: thehive.StageClosed}, 16},
	} {
		p, err := c.ListCases(t.Context(), tt.in)
		if err != nil || p.Total != tt.want || len(p.Cases) != tt.want {
			t.Errorf("%+v: %+v, %v; want %d", tt.in, p, err, tt.want)
		}
	}
}

func TestCreateCase(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	red := thehive.TLPRed
	cs, err := c.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "Brute-force then success", TLP: &red,
		Tags: []string{"wazuh", "auth", "wazuh"}, Owner: "lead@soc.example", Template: "brute-force"})
	if err != nil {
		t.Fatal(err)
	}
	o := hive.Get(cs.ID)
	got := thehivetest.Object{}
	for _, k := range []string{"title", "description", "tlp", "severity", "assignee", "tags", "number"} {
		got[k] = o[k]
	}
	want := thehivetest.Object{"title": "[AUTH] Brute-force then success", "description": "Brute-force then success", "tlp": 4.0, "severity": 2.0,
		"assignee": "lead@soc.example", "tags": []any{"brute-force", "wazuh", "auth"}, "number": 21.0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("case (-want +got):\n%s", diff)
	}
	if cs.TLP != thehive.TLPRed || cs.Assignee != "lead@soc.example" || cs.Stage != thehive.StageNew {
		t.Errorf("answer: %+v", cs)
	}
	tl, err := c.CaseTimelineSummary(t.Context(), thehive.CaseTimelineSummaryInput{CaseID: cs.ID})
	if err != nil || tl.Counts.Tasks != 3 || tl.Counts.OpenTasks != 3 || tl.Total != 4 {
		t.Errorf("timeline right after: %+v, %v", tl, err)
	}
}

func TestCloseCaseStatus(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	hive.Add("CaseStatus", "", thehivetest.Object{"value": "Escalated", "stage": "InProgress"})
	hive.Add("CaseStatus", "", thehivetest.Object{"value": "Contained", "stage": "Closed"})

	for _, status := range []string{"Escalated", "NoSuch", "New", ""} {
		hive.Requests()
		_, err := c.CloseCase(t.Context(), thehive.CloseCaseInput{CaseID: "2", Status: status, Summary: "x"})
		if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "Other, Contained") {
			t.Errorf("%q: %v; want it refused with the closed ones", status, err)
		}
		if r := strings.Join(hive.Requests(), ","); strings.Contains(r, "PATCH") {
			t.Errorf("%q: sent %s", status, r)
		}
	}
	cs, err := c.CloseCase(t.Context(), thehive.CloseCaseInput{CaseID: "2", Status: "Contained", ImpactStatus: thehive.WithImpact})
	if err != nil || cs.Stage != thehive.StageClosed || cs.Status != "Contained" || cs.ImpactStatus != "WithImpact" {
		t.Errorf("own status: %+v, %v", cs, err)
	}
}

func TestUpdateThatCannotBeReadBackIsUnknown(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	n := 0
	c := hive.Client(func(cfg *thehive.Config) {
		cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/api/v1/status/public" {
				return http.DefaultTransport.RoundTrip(r)
			}
			if n++; n == 2 {
				hive.FailNext(500, "InternalError", "out of memory")
			}
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	_, err := c.AddCaseTags(t.Context(), thehive.AddCaseTagsInput{CaseID: "2", Tags: []string{"x"}})
	if !errors.Is(err, gate.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("got %v", err)
	}
	if tags := hive.Get(thehivetest.PhishingCase)["tags"]; !slices.Contains(tags.([]any), any("x")) {
		t.Errorf("tags %v: want x added", tags)
	}
}

func TestAClosedCaseIsReallyClosed(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client(func(cfg *thehive.Config) {
		cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
			res, err := http.DefaultTransport.RoundTrip(r)
			if r.Method == http.MethodPatch {
				hive.Set(thehivetest.PhishingCase, Object{"status": "InProgress"}) // somebody reopens it
			}
			return res, err
		})
	})
	_, err := c.CloseCase(t.Context(), thehive.CloseCaseInput{CaseID: "2", Status: "Other", Summary: "x"})
	if !errors.Is(err, gate.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "status is \"InProgress\" afterwards") {
		t.Errorf("got %v", err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCreateObservableBulk(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{false, true} {
		t.Run(fmt.Sprintf("silent=%v", silent), func(t *testing.T) {
			t.Parallel()
			hive := thehivetest.New(t)
			hive.SilentDuplicates = silent
			c := hive.Client()
			in := thehive.CreateObservableBulkInput{CaseID: "2", DataType: "domain", Data: []string{"login-invoice.example", "evil.example", "evil.example"}}

			got, err := c.CreateObservableBulk(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Created) != 1 || got.Created[0].Data != "evil.example" || got.Created[0].ID == "" {
				t.Errorf("created %+v", got.Created)
			}
			if len(got.Failed) != 1 || got.Failed[0].Data != "login-invoice.example" || got.Failed[0].Message == "" {
				t.Errorf("failed %+v", got.Failed)
			}
			_, err = c.CreateObservableBulk(t.Context(), in)
			var e *thehive.Error
			if !errors.As(err, &e) || !strings.Contains(err.Error(), "none of the 2 values") || !strings.Contains(err.Error(), "evil.example: ") {
				t.Errorf("nothing created: %v", err)
			}
			if errors.Is(err, gate.ErrOutcomeUnknown) != silent {
				t.Errorf("outcome unknown only if TheHive gave no reason: %v", err)
			}
		})
	}
}

func TestAnIncidentsIndicatorsAreAddedByOneCall(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	var values []string
	for i := range 501 {
		values = append(values, fmt.Sprintf("203.0.%d.%d", i/250, i%250))
	}
	in := thehive.CreateObservableBulkInput{CaseID: "2", DataType: "ip", Data: values}
	hive.Requests()
	if _, err := c.CreateObservableBulk(t.Context(), in); !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "at most 500") || len(hive.Requests()) != 0 {
		t.Errorf("one more than 500: %v", err)
	}
	in.Data = values[:500]
	got, err := c.CreateObservableBulk(t.Context(), in)
	if err != nil || len(got.Created) != 500 || len(got.Failed) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestUnknownDataTypeIsRefusedWithTheList(t *testing.T) {
	t.Parallel()
	_, err := thehivetest.New(t).Client().CreateObservableBulk(t.Context(), thehive.CreateObservableBulkInput{CaseID: "2", DataType: "imei", Data: []string{"35"}})
	if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), `"imei" isn't one of this server; it has url, other`) {
		t.Errorf("got %v", err)
	}
}

func TestDatesAreNotFlags(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	hive.Requests()
	for _, ms := range []thehive.Date{1, 5, 1767225600} {
		_, err := c.CreateTaskLog(t.Context(), thehive.CreateTaskLogInput{TaskID: thehivetest.PhishingTask, Message: "x", IncludeInTimeline: ms})
		if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "milliseconds") {
			t.Errorf("includeInTimeline %d: %v", ms, err)
		}
	}
	if _, err := c.CreateTask(t.Context(), thehive.CreateTaskInput{CaseID: "2", Title: "x", DueDate: 1767225600}); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("dueDate in seconds: %v", err)
	}
	if r := hive.Requests(); len(r) > 0 {
		t.Errorf("sent %q", r)
	}
	l, err := c.CreateTaskLog(t.Context(), thehive.CreateTaskLogInput{TaskID: thehivetest.PhishingTask, Message: "x", IncludeInTimeline: 1767225600000})
	if err != nil || l.IncludeInTimeline.UnixMilli() != 1767225600000 || l.Owner != "analyst@soc.example" {
		t.Errorf("got %+v, %v", l, err)
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	tl, err := c.CaseTimelineSummary(t.Context(), thehive.CaseTimelineSummaryInput{CaseID: "2"})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []thehive.EventKind
	for _, e := range tl.Events {
		kinds = append(kinds, e.Kind)
	}
	want := []thehive.EventKind{thehive.EventCaseCreated, thehive.EventTask, thehive.EventTask, thehive.EventObservable, thehive.EventObservable,
		thehive.EventObservable, thehive.EventObservable, thehive.EventTaskLog, thehive.EventTaskEnded, thehive.EventComment}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	if want := (thehive.CaseCounts{Tasks: 2, OpenTasks: 1, TaskLogs: 1, Observables: 4, Comments: 1}); tl.Counts != want {
		t.Errorf("counts %+v, want %+v", tl.Counts, want)
	}
	if tl.Total != 10 || tl.LeftOut != 0 || tl.Case.Assignee != "analyst@soc.example" || tl.Case.Number != 2 {
		t.Errorf("got %d events, %d left out, %+v", tl.Total, tl.LeftOut, tl.Case)
	}
	if e := tl.Events[9]; e.By != "analyst@soc.example" || e.Date.IsZero() || e.Text != "Both accounts show no login from outside so far." {
		t.Errorf("comment: %+v", e)
	}
	short, err := c.CaseTimelineSummary(t.Context(), thehive.CaseTimelineSummaryInput{CaseID: "2", Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tl.Events[7:], short.Events); diff != "" || short.Total != 10 || short.LeftOut != 7 || short.Counts != tl.Counts {
		t.Errorf("cut to 3: total %d, left out %d, counts %+v (-want +got):\n%s", short.Total, short.LeftOut, short.Counts, diff)
	}
	closed, err := c.CaseTimelineSummary(t.Context(), thehive.CaseTimelineSummaryInput{CaseID: "1"})
	if err != nil || closed.Events[len(closed.Events)-1].Kind != thehive.EventCaseClosed {
		t.Errorf("closed case: %+v, %v", closed, err)
	}
}

func TestTimelineCutsTexts(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	hive.Add("Comment", thehivetest.PhishingCase, thehivetest.Object{"message": strings.Repeat("ü", 5000)})
	tl, err := hive.Client().CaseTimelineSummary(t.Context(), thehive.CaseTimelineSummaryInput{CaseID: "2", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if e := tl.Events[0]; !e.Cut || e.Text != strings.Repeat("ü", 500) {
		t.Errorf("cut %v, %d bytes", e.Cut, len(e.Text))
	}
}

func TestListObservables(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	yes := true
	p, err := c.ListObservables(t.Context(), thehive.ListObservablesInput{CaseID: "2", IOC: &yes, Limit: 1})
	if err != nil || len(p.Observables) != 1 || p.Total != 2 || !p.More {
		t.Errorf("got %+v, %v", p, err)
	}
	n := 0
	for o, err := range c.Observables(t.Context(), thehive.ListObservablesInput{CaseID: "2", Limit: 3}) {
		if err != nil || o.Data == "" {
			t.Fatalf("%+v, %v", o, err)
		}
		n++
	}
	if n != 4 {
		t.Errorf("walked over %d, want 4", n)
	}
	if _, err := c.ListObservables(t.Context(), thehive.ListObservablesInput{CaseID: "999"}); !errors.Is(err, thehive.ErrNotFound) {
		t.Errorf("unknown case: %v, want it not found", err)
	}
}

func TestCasesByTechnique(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	added := hive.Add("Procedure", thehivetest.OldestCase, thehivetest.Object{"patternId": "T1110.001", "tactic": "credential-access"})
	hive.Add("Case", "", thehivetest.Object{"title": "a", "description": "a", "tags": []string{incident.AccountsTag, "attack.t1110.003", "T11105", "xT1110"}})

	got, err := c.CasesByTechnique(t.Context(), []string{"T1110", "T1078"}, 10)
	if err != nil {
		t.Fatal(err)
	}
	type hit struct {
		Number                       int
		Techniques, Tags, Procedures []string
	}
	var hits []hit
	for _, f := range got.Cases {
		hits = append(hits, hit{f.Case.Number, f.Techniques, f.Tags, f.Procedures})
	}
	want := []hit{
		{21, []string{"T1078", "T1110"}, []string{"attack.t1110.003", incident.AccountsTag}, nil},
		{1, []string{"T1110"}, []string{"T1110", "mitre:T1110"}, []string{"~28672"}},
		{3, []string{"T1110"}, nil, []string{added}},
	}
	if diff := cmp.Diff(want, hits); diff != "" || got.More {
		t.Errorf("hits, more %v (-want +got):\n%s", got.More, diff)
	}
	if one, err := c.CasesByTechnique(t.Context(), []string{"T1110"}, 1); err != nil || len(one.Cases) != 1 || !one.More {
		t.Errorf("limit 1: %+v, %v", one, err)
	}
	if none, err := c.CasesByTechnique(t.Context(), []string{"T1110.002"}, 5); err != nil || len(none.Cases) != 0 || none.More {
		t.Errorf("none: %+v, %v", none, err)
	}
	for _, bad := range [][]string{nil, {"T1110*"}, {"1110"}} {
		if _, err := c.CasesByTechnique(t.Context(), bad, 5); !errors.Is(err, thehive.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	list, err := c.ListProcedures(t.Context(), thehive.ListProceduresInput{CaseID: "1"})
	if err != nil || len(list.Procedures) != 1 || list.Procedures[0].PatternID != "T1110" || list.Procedures[0].Tactic != "credential-access" {
		t.Errorf("procedures: %+v, %v", list, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	with := func(f func(*thehive.Config)) *thehive.Client { return hive.Client(f) }

	_, err := c.GetCase(t.Context(), thehive.GetCaseInput{CaseID: "999"})
	if !errors.Is(err, thehive.ErrNotFound) || err.Error() != "thehive: getCase: HTTP 404: NotFoundError: Case not found" {
		t.Errorf("unknown case: %v", err)
	}
	_, err = with(func(cfg *thehive.Config) { cfg.APIKey = "wrong-key-0001" }).GetCase(t.Context(), thehive.GetCaseInput{CaseID: "1"})
	if !errors.Is(err, thehive.ErrUnauthorized) || strings.Contains(err.Error(), "wrong-key") {
		t.Errorf("wrong key: %v", err)
	}
	_, err = with(func(cfg *thehive.Config) { cfg.APIKey = thehivetest.ReadOnlyKey }).CreateCase(t.Context(), thehive.CreateCaseInput{Title: "x"})
	if !errors.Is(err, thehive.ErrForbidden) || strings.Contains(err.Error(), "admin") {
		t.Errorf("read-only key: %v", err)
	}
	hive.FailNext(400, "AttributeCheckingError", "[Attribute description is missing]")
	_, err = c.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "x"})
	if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "description is missing") {
		t.Errorf("refused case: %v", err)
	}
	hive.FailNext(207, "MultiError", "Multiple errors")
	_, err = c.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "x"})
	if !errors.Is(err, gate.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "Multiple errors") {
		t.Errorf("207: %v", err)
	}
}

func TestAdminOrganisation(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client(func(cfg *thehive.Config) { cfg.APIKey = thehivetest.AdminKey })
	_, list := c.ListCases(t.Context(), thehive.ListCasesInput{})
	_, get := c.GetCase(t.Context(), thehive.GetCaseInput{CaseID: "1"})
	_, create := c.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "x"})
	for _, err := range []error{list, get, create} {
		if !errors.Is(err, thehive.ErrForbidden) || !strings.Contains(err.Error(), `organisation "admin", which has no cases`) {
			t.Errorf("got %v", err)
		}
	}
	u, err := c.GetCurrentUser(t.Context(), thehive.GetCurrentUserInput{})
	if err != nil || u.Organisation != "admin" || u.Login != "admin@thehive.local" {
		t.Errorf("user: %+v, %v", u, err)
	}
}

func TestOrganisation(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	in := func(org string) *thehive.Client {
		return hive.Client(func(cfg *thehive.Config) { cfg.Organisation = org })
	}
	p, err := in(thehivetest.OtherOrganisation).ListCases(t.Context(), thehive.ListCasesInput{})
	if err != nil || p.Total != 0 {
		t.Errorf("another organisation: %+v, %v", p, err)
	}
	if _, err := in("elsewhere").ListCases(t.Context(), thehive.ListCasesInput{}); !errors.Is(err, thehive.ErrForbidden) {
		t.Errorf("not a member: %v", err)
	}
}

func TestEmptyIDsAreNotSent(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	hive.Requests()
	ctx := t.Context()
	for _, id := range []string{"", ".", "..", "1/2", "~1/../2", "a b", "~1?x=1", strings.Repeat("1", 70)} {
		_, e1 := c.GetCase(ctx, thehive.GetCaseInput{CaseID: id})
		_, e2 := c.DeleteCase(ctx, thehive.DeleteCaseInput{CaseID: id})
		_, e3 := c.CloseCase(ctx, thehive.CloseCaseInput{CaseID: id, Status: "Other"})
		_, e4 := c.CreateTask(ctx, thehive.CreateTaskInput{CaseID: id, Title: "x"})
		_, e5 := c.CreateTaskLog(ctx, thehive.CreateTaskLogInput{TaskID: id, Message: "x"})
		_, e6 := c.CreateComment(ctx, thehive.CreateCommentInput{CaseID: id, Message: "x"})
		_, e7 := c.CreateObservableBulk(ctx, thehive.CreateObservableBulkInput{CaseID: id, DataType: "ip", Data: []string{"192.0.2.1"}})
		_, e8 := c.ListObservables(ctx, thehive.ListObservablesInput{CaseID: id})
		_, e9 := c.CaseTimelineSummary(ctx, thehive.CaseTimelineSummaryInput{CaseID: id})
		_, e10 := c.AddCaseTags(ctx, thehive.AddCaseTagsInput{CaseID: id, Tags: []string{"x"}})
		_, e11 := c.ListProcedures(ctx, thehive.ListProceduresInput{CaseID: id})
		for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11} {
			if err == nil {
				t.Errorf("id %q, method %d: no error", id, i+1)
			}
		}
	}
	if r := hive.Requests(); len(r) > 0 {
		t.Errorf("sent %q", r)
	}
}

func TestCaseKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	id := hive.Add("Case", "", thehivetest.Object{"title": "a", "description": "b", "novelty": Object{"x": 1}})
	cs, err := hive.Client().GetCase(t.Context(), thehive.GetCaseInput{CaseID: id})
	if err != nil || string(cs.Extra["novelty"]) != `{"x":1}` {
		t.Errorf("got %s, %v", cs.Extra, err)
	}
}

func TestUserHoldsNoPicture(t *testing.T) {
	t.Parallel()
	u, err := thehivetest.New(t).Client().GetCurrentUser(t.Context(), thehive.GetCurrentUserInput{})
	if err != nil || u.Login != "analyst@soc.example" || u.Organisation != thehivetest.Organisation || len(u.Organisations) != 2 {
		t.Errorf("got %+v, %v", u, err)
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	p, err := thehivetest.New(t).Client().ListCaseTemplates(t.Context(), thehive.ListCaseTemplatesInput{})
	if err != nil || p.Total != 3 || p.More || p.Templates[0].Name != "brute-force" || len(p.Templates[0].Tasks) != 3 {
		t.Errorf("got %+v, %v", p, err)
	}
}
