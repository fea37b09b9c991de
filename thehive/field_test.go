package thehive_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// three stores the cases that the searches below look for.
func three(hive *thehivetest.Server) {
	hive.Add("Case", "", Object{"title": "Big phishing wave", "description": "A fake login page was opened by eleven people", "tags": []string{"mail"}})
	hive.Add("Case", "", Object{"title": "Firewall rule review", "description": "Nothing of note", "tags": []string{"audit"}})
	hive.Add("Case", "", Object{"title": "Again a phishing mail", "description": "Another fake login", "tags": []string{"mitre:T1566.002"}})
	hive.Add("Alert", "", Object{"type": "siem", "source": "x", "sourceRef": "r1", "title": "sshd: Login after many failures", "description": "Seen on web01"})
}

// empty is a server with users and types, and without cases.
func empty(t *testing.T, change ...func(*thehivetest.Server)) *thehivetest.Server {
	t.Helper()
	return thehivetest.NewEmpty(t, change...)
}

func numbers(t *testing.T, p *thehive.CasePage, err error) []int {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	list := []int{}
	for _, cs := range p.Cases {
		list = append(list, cs.Number)
	}
	slices.Sort(list)
	if p.Total != len(list) {
		t.Errorf("total %d for %v", p.Total, list)
	}
	return list
}

// TestSearchFindsUnderEachReadingOfLike holds the search against the three ways
// in which the vendor's texts and servers take _like.
func TestSearchFindsUnderEachReadingOfLike(t *testing.T) {
	t.Parallel()
	for name, reading := range map[string]thehivetest.Reading{"words": thehivetest.LikeWords, "whole": thehivetest.LikeWhole, "substring": thehivetest.LikeSubstring} {
		hive := empty(t, func(s *thehivetest.Server) { s.Like = reading })
		three(hive)
		c := hive.Client()
		for query, want := range map[string][]int{
			"phishing": {1, 3}, "Phishing": {1, 3}, "PHISHING": {1, 3}, "phish": {1, 3}, "fake": {1, 3}, "big wave": {1}, "wave phishing": {1}, "fake phishing": {1, 3},
			"mitre:T1566.002": {3}, "T1566": {3}, "audit": {2}, "2": {2, 3}, "#1": {1, 3}, "phishing nowhere": {}, "PHISHING, fake!": {1, 3}, "(wave) phishing?": {1}, "wave, nowhere": {}, `"phishing mail"`: {3}, `"mail phishing"`: {}, `"fake login page"`: {1},
		} {
			p, err := c.SearchCases(t.Context(), thehive.SearchCasesInput{Query: query})
			if diff := cmp.Diff(want, numbers(t, p, err)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, query, diff)
			}
		}
		for query, want := range map[string]int{"login failures": 1, "web01": 1, "nothing": 0} {
			p, err := c.ListAlerts(t.Context(), thehive.ListAlertsInput{Query: query})
			if err != nil || p.Total != want {
				t.Errorf("%s: alerts %q: %+v, %v", name, query, p, err)
			}
		}
		found, err := c.CasesByTechnique(t.Context(), []string{"T1566"}, 10)
		if err != nil || len(found.Cases) != 1 || found.Cases[0].Case.Number != 3 {
			t.Errorf("%s: technique: %+v, %v", name, found, err)
		}
		n, err := thehive.Count(t.Context(), c, thehive.All(thehive.KindCase).Where(thehive.Words("wave BIG", "title")))
		if err != nil || n != 1 {
			t.Errorf("%s: library: %d, %v", name, n, err)
		}
	}
}

func TestSearchesThatSayNothingAreRefused(t *testing.T) {
	t.Parallel()
	c := empty(t).Client()
	for _, query := range []string{"", "  ", `""`, strings.Repeat("a ", 13)} {
		if _, err := c.SearchCases(t.Context(), thehive.SearchCasesInput{Query: query}); !errors.Is(err, thehive.ErrInvalid) {
			t.Errorf("%q: %v", query, err)
		}
	}
}

// TestAWalkGivesEachOnceWhileRowsComeAndGo changes what it walks.
func TestAWalkGivesEachOnceWhileRowsComeAndGo(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	c := hive.Client()
	first := map[string]bool{}
	for i := range 120 {
		first[hive.Add("Alert", "", Object{"type": "t", "source": "s", "sourceRef": fmt.Sprint(i), "title": "x", "description": "y"})] = true
	}
	seen := map[string]int{}
	fresh := 0
	for a, err := range c.Alerts(t.Context(), thehive.ListAlertsInput{Stage: thehive.StageNew, Limit: 50}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[a.ID]++
		hive.Set(a.ID, Object{"status": "Ignored"})
		if len(seen)%50 == 0 {
			for range 10 {
				fresh++
				hive.Add("Alert", "", Object{"type": "t", "source": "s", "sourceRef": fmt.Sprintf("new%d", fresh), "title": "x", "description": "y"})
			}
		}
	}
	for id := range first {
		if seen[id] != 1 {
			t.Errorf("%s was given %d times", id, seen[id])
		}
	}
	cs := hive.Add("Case", "", Object{"title": "x", "description": "y"})
	at := time.Now().UnixMilli()
	for i := range 70 { // all made in one moment
		hive.Add("Observable", cs, Object{"dataType": "ip", "data": fmt.Sprintf("192.0.2.%d", i), "_createdAt": at})
	}
	n := 0
	for o, err := range c.Observables(t.Context(), thehive.ListObservablesInput{CaseID: cs, Limit: 20}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[o.ID]++; seen[o.ID] == 1 {
			n++
		}
	}
	if n != 70 {
		t.Errorf("%d observables of one moment, want 70", n)
	}
}

func TestBeyondTheWindowIsRefusedWithAdvice(t *testing.T) {
	t.Parallel()
	c := empty(t).Client()
	_, err := c.ListCases(t.Context(), thehive.ListCasesInput{Offset: 9990, Limit: 50})
	if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "createdBefore") {
		t.Errorf("got %v", err)
	}
}

func TestASeverityThatThereIsntIsNoFilter(t *testing.T) {
	t.Parallel()
	c := empty(t).Client()
	_, cases := c.ListCases(t.Context(), thehive.ListCasesInput{Severity: 9})
	_, alerts := c.ListAlerts(t.Context(), thehive.ListAlertsInput{Severity: -1})
	for _, err := range []error{cases, alerts} {
		if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "severity: want LOW, MEDIUM, HIGH, CRITICAL, or 1 to 4") {
			t.Errorf("got %v", err)
		}
	}
}

// TestClosingTellsOfTheTasks: of the plan and of the answer, by each way of closing.
func TestClosingTellsOfTheTasks(t *testing.T) {
	t.Parallel()
	for op, in := range map[string]any{
		"thehive_close_case":       &thehive.CloseCaseInput{CaseID: "#1", Status: "TruePositive", Summary: "done"},
		"thehive_update_case":      &thehive.UpdateCaseInput{CaseID: "1", ResolutionStatus: "Other"},
		"thehive_bulk_close_cases": &thehive.BulkCloseCasesInput{CaseIDs: []string{"1", "#1"}, Status: "Other", Summary: "done"},
	} {
		hive := empty(t)
		cs := hive.Add("Case", "", Object{"title": "Example", "description": "x", "status": "InProgress"})
		for title, status := range map[string]string{"Reset the passwords": "Waiting", "Block the address": "InProgress", "Read the log": "Completed"} {
			hive.Add("Task", cs, Object{"title": title, "status": status})
		}
		g, c, ops := gated(t, hive)
		p := propose(t, g, ops[op], in)
		warnings := strings.Join(p.Plan.Warnings, "\n")
		for _, want := range []string{"2 open tasks for good", "Reset the passwords", "Block the address"} {
			if !strings.Contains(warnings, want) {
				t.Errorf("%s: warnings lack %q:\n%s", op, want, warnings)
			}
		}
		if strings.Contains(warnings, "Read the log") || !strings.Contains(p.Plan.Undo, "stay ended") {
			t.Errorf("%s: warnings %s\nundo %s", op, warnings, p.Plan.Undo)
		}
		g.Approve(p.ID)
		res, err := ops[op].Do(t.Context(), g.Guard, in)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(res.Out)
		if err != nil || !strings.Contains(string(b), "was Waiting and is Cancel now") || !strings.Contains(string(b), "was InProgress and is Completed now") {
			t.Errorf("%s: the answer tells nothing of the tasks: %s", op, b)
		}
		again := &thehive.UpdateCaseInput{CaseID: "1", Status: "InProgress"}
		if p := propose(t, g, ops["thehive_update_case"], again); !strings.Contains(strings.Join(p.Plan.Warnings, " "), "manageCase/reopen") {
			t.Errorf("reopening: %q", p.Plan.Warnings)
		}
		tasks, err := c.ListTasks(t.Context(), thehive.ListTasksInput{CaseID: "1"})
		if err != nil || tasks.Total != 3 {
			t.Errorf("%+v, %v", tasks, err)
		}
	}
}

func TestWhatIsEmptiedIsSentAsNull(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	cs := hive.Add("Case", "", Object{"title": "A", "description": "x", "assignee": "lead@soc.example", "summary": "s", "impactStatus": "NoImpact"})
	task := hive.Add("Task", cs, Object{"title": "t", "assignee": "lead@soc.example", "dueDate": 1_772_438_400_000, "group": "g"})
	alert := hive.Add("Alert", "", Object{"type": "t", "source": "s", "sourceRef": "r", "title": "x", "description": "y", "assignee": "lead@soc.example", "externalLink": "https://x.example/"})
	c := hive.Client()
	if got, err := c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: "1", Owner: ptr("")}); err != nil || got.Assignee != "" {
		t.Errorf("owner: %+v, %v", got, err)
	}
	if got, err := c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: "1", Clear: []thehive.CaseField{thehive.CaseSummaryField, thehive.CaseImpactStatus}}); err != nil || got.Summary+got.ImpactStatus != "" {
		t.Errorf("clear: %+v, %v", got, err)
	}
	if got, err := c.UpdateTask(t.Context(), thehive.UpdateTaskInput{TaskID: task, Assignee: ptr(""), Group: ptr(""), Clear: []thehive.TaskField{thehive.TaskDueDate}}); err != nil || got.Assignee != "" || !got.DueDate.IsZero() || got.Group != "default" {
		t.Errorf("task: %+v, %v", got, err)
	}
	if got, err := c.UpdateAlert(t.Context(), thehive.UpdateAlertInput{AlertID: alert, Assignee: ptr(""), Clear: []thehive.AlertField{thehive.AlertExternalLink}}); err != nil || got.Assignee+got.ExternalLink != "" {
		t.Errorf("alert: %+v, %v", got, err)
	}
	for name, err := range map[string]error{
		"set and emptied": second(c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: "1", Summary: ptr("x"), Clear: []thehive.CaseField{thehive.CaseSummaryField}})),
		"task":            second(c.UpdateTask(t.Context(), thehive.UpdateTaskInput{TaskID: task, DueDate: 1_772_438_400_000, Clear: []thehive.TaskField{thehive.TaskDueDate}})),
		"alert":           second(c.UpdateAlert(t.Context(), thehive.UpdateAlertInput{AlertID: alert, Assignee: ptr("x"), Clear: []thehive.AlertField{thehive.AlertAssignee}})),
	} {
		if !errors.Is(err, thehive.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// fields are the custom fields of a case as name=value.
func fields(o Object) (list []string) {
	all, _ := o["customFields"].([]any)
	for _, f := range all {
		list = append(list, fmt.Sprintf("%v=%v", f.(Object)["name"], f.(Object)["value"]))
	}
	slices.Sort(list)
	return list
}

func TestACustomFieldHasTheOneValueThatWasSet(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"5.5.13-1", "5.6.2-1", "5.7.1-1", "5.8.0-1"} {
		hive := thehivetest.New(t)
		hive.Version = version
		cs := hive.Add("Case", "", Object{"title": "A", "description": "x", "customFields": []any{
			Object{"name": "site", "type": "string", "value": "north", "order": 0}, Object{"name": "hosts", "type": "integer", "value": 3, "order": 1}}})
		c := hive.Client()
		for range 2 {
			if _, err := c.UpdateCaseCustomFields(t.Context(), thehive.UpdateCaseCustomFieldsInput{CaseID: cs, CustomFields: map[string]json.RawMessage{"site": json.RawMessage(`"south"`)}}); err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			if diff := cmp.Diff([]string{"hosts=3", "site=south"}, fields(hive.Get(cs))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", version, diff)
			}
		}
		if _, err := c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: cs, CustomFields: map[string]json.RawMessage{"site": json.RawMessage(`["a","b"]`), "hosts": json.RawMessage(`null`)}}); err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		if diff := cmp.Diff([]string{"site=a", "site=b"}, fields(hive.Get(cs))); diff != "" {
			t.Errorf("%s: several (-want +got):\n%s", version, diff)
		}
		a, err := c.UpdateAlert(t.Context(), thehive.UpdateAlertInput{AlertID: thehivetest.NewAlert, CustomFields: map[string]json.RawMessage{"loss": json.RawMessage(`2.5`)}})
		if err != nil || len(a.CustomFields) != 1 {
			t.Errorf("%s: alert: %+v, %v", version, a, err)
		}
	}
}

func TestACustomFieldThatIsNotThereIsRefusedBeforeAnybodyIsAsked(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, c, ops := gated(t, hive)
	for field, want := range map[string]string{`{"sight":"x"}`: "site", `{"hosts":"many"}`: "integer", `{"business-unit":"legal"}`: "finance", `{"reported":1}`: "boolean"} {
		var set map[string]json.RawMessage
		if err := json.Unmarshal([]byte(field), &set); err != nil {
			t.Fatal(err)
		}
		_, err := ops["thehive_update_case_custom_fields"].Do(t.Context(), g.Guard, &thehive.UpdateCaseCustomFieldsInput{CaseID: "2", CustomFields: set})
		if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", field, err)
		}
	}
	all, err := c.GetCatalogue(t.Context(), thehive.GetCatalogueInput{})
	if err != nil || len(all.CustomFields) != 6 || len(all.CaseStatuses) != 7 || len(all.AlertStatuses) != 7 || len(all.ObservableTypes) != 16 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestATemplateKeepsItsTagsBesideAKey(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"5.6.2-1", "5.7.1-1"} {
		hive := thehivetest.New(t)
		hive.Version = version
		hive.Add("CaseTemplate", "", Object{"name": "Mail", "tags": []string{"phishing", "mail"}})
		c := hive.Client()
		cs, err := c.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "A", Template: "Mail", Key: "siem-77"})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(cs.Tags)
		if diff := cmp.Diff([]string{"key:siem-77", "mail", "phishing"}, cs.Tags); diff != "" {
			t.Errorf("%s (-want +got):\n%s", version, diff)
		}
		cs, err = c.PromoteAlert(t.Context(), thehive.PromoteAlertInput{AlertID: "siem;wazuh;1700000000.4711", CaseTemplate: "Mail", Tags: []string{"x"}})
		if err != nil || !slices.Contains(cs.Tags, "mail") || !slices.Contains(cs.Tags, "x") {
			t.Errorf("%s: %+v, %v", version, cs, err)
		}
		if _, err := c.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "A", Template: "Male"}); !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "Mail") {
			t.Errorf("a slip: %v", err)
		}
	}
}

func TestAKeyIsUsedOnceByManyAtOnce(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	c := hive.Client()
	var all sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]bool{}
	for range 8 {
		all.Go(func() {
			cs, err := c.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "A", Key: "k"})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			ids[cs.ID] = true
		})
	}
	all.Wait()
	if len(ids) != 1 {
		t.Errorf("%d cases for one key", len(ids))
	}
	other := hive.Client(func(cfg *thehive.Config) { // another process opens one in between
		cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost && r.URL.Path == "/api/v1/case" {
				hive.Add("Case", "", Object{"title": "Theirs", "description": "x", "tags": []string{"key:k2"}})
			}
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	cs, err := other.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "Ours", Key: "k2"})
	if err != nil || cs.Title != "Theirs" || !cs.Existing || !strings.Contains(strings.Join(cs.Notes, ""), "isn't needed") {
		t.Errorf("got %+v, %v", cs, err)
	}
	if _, err := c.CreateCase(t.Context(), thehive.CreateCaseInput{Title: "A", Key: "has space"}); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("no key: %v", err)
	}
}

func TestMergingAnAlertTellsAllThatItChanges(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	alert := hive.Add("Alert", "", Object{"type": "t", "source": "s", "sourceRef": "r1", "title": "Alert of the mail gateway", "description": "alert text", "tags": []string{"mail"}})
	hive.Add("Observable", alert, Object{"dataType": "ip", "data": "203.0.113.5"})
	hive.Add("Procedure", alert, Object{"patternId": "T1566"})
	hive.Add("Comment", alert, Object{"message": "checked"})
	cs := hive.Add("Case", "", Object{"title": "Target", "description": "target text", "tags": []string{"x"}})
	g, c, ops := gated(t, hive)
	g.Setenv("THEHIVE_ALLOW_DESTRUCTIVE_TOOLS", "true")
	in := &thehive.MergeAlertInput{AlertID: "t;s;r1", CaseID: "#1"}
	p := propose(t, g, ops["thehive_merge_alert"], in)
	b, err := json.Marshal(p.Plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 observable is added", `"x"`, "mail, x", "alert text", "1 technique, 1 comment", "thehive_unlink_alert"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("the plan lacks %q: %s", want, b)
		}
	}
	g.Approve(p.ID)
	if _, err := ops["thehive_merge_alert"].Do(t.Context(), g.Guard, in); err != nil {
		t.Fatal(err)
	}
	o := hive.Get(cs)
	if want := "target text\n  \n#### Merged with alert #r1 Alert of the mail gateway\n\nalert text"; o["description"] != want {
		t.Errorf("description %q", o["description"])
	}
	procedures, err := c.ListProcedures(t.Context(), thehive.ListProceduresInput{CaseID: "1"})
	if err != nil || procedures.Total != 1 {
		t.Errorf("%+v, %v", procedures, err)
	}
	unlink := &thehive.UnlinkAlertInput{AlertID: alert}
	g.Approve(propose(t, g, ops["thehive_unlink_alert"], unlink).ID)
	if _, err := ops["thehive_unlink_alert"].Do(t.Context(), g.Guard, unlink); err != nil || hive.Get(alert)["caseId"] != nil {
		t.Errorf("unlinked: %v, %v", hive.Get(alert), err)
	}
}

func TestManyAlertsGoIntoACase(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	hive.Add("Case", "", Object{"title": "Target", "description": "x"})
	var ids []string
	for i := range 120 {
		ids = append(ids, hive.Add("Alert", "", Object{"type": "t", "source": "s", "sourceRef": fmt.Sprint(i), "title": "x", "description": "y"}))
	}
	c := hive.Client()
	out, err := c.BulkMergeAlerts(t.Context(), thehive.BulkMergeAlertsInput{AlertIDs: ids, CaseID: "#1"})
	if err != nil || out.Succeeded != 120 || out.Results[119].Status != "Imported" {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = c.BulkMergeAlerts(t.Context(), thehive.BulkMergeAlertsInput{AlertIDs: ids[:1], CaseID: "1"})
	if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "already") {
		t.Errorf("again: %v", err)
	}
}

func TestATemplatesTasksAreCounted(t *testing.T) {
	t.Parallel()
	hive := empty(t, func(s *thehivetest.Server) { s.TasksByTitle = true })
	hive.Add("Case", "", Object{"title": "A", "description": "x"})
	hive.Add("CaseTemplate", "", Object{"name": "Phishing", "tasks": []any{Object{"_id": "~99", "title": "Call the user"}}})
	hive.Add("CaseTemplate", "", Object{"name": "Bare"})
	c := hive.Client()
	cs, err := c.ApplyCaseTemplate(t.Context(), thehive.ApplyCaseTemplateInput{CaseID: "1", Template: "Phishing"})
	if err != nil || !strings.Contains(strings.Join(cs.Notes, ""), "1 of the template's 1 task: Call the user") {
		t.Errorf("%+v, %v", cs, err)
	}
	deaf := hive.Client(func(cfg *thehive.Config) {
		cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/caseTemplate") { // takes it and does nothing
				return &http.Response{StatusCode: 204, Body: http.NoBody, Request: r, Header: http.Header{}}, nil
			}
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	if _, err := deaf.ApplyCaseTemplate(t.Context(), thehive.ApplyCaseTemplateInput{CaseID: "1", Template: "Phishing"}); !errors.Is(err, gate.ErrOutcomeUnknown) || !strings.Contains(err.Error(), "none of its tasks") {
		t.Errorf("none: %v", err)
	}
	if _, err := c.ApplyCaseTemplate(t.Context(), thehive.ApplyCaseTemplateInput{CaseID: "1", Template: "Bare"}); err != nil {
		t.Errorf("a template without tasks: %v", err)
	}
}

// TestAnUndoIsOneThatATool does: each plan's undo names a tool that is there.
func TestAnUndoNamesAToolThatIsThere(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, _, ops := gated(t, hive)
	for op, in := range map[string]any{
		"thehive_create_observable": &thehive.CreateObservableInput{CaseID: "2", DataType: "ip", Data: "203.0.113.6"},
		"thehive_create_comment":    &thehive.CreateCommentInput{CaseID: "2", Message: "m"},
		"thehive_add_procedure":     &thehive.AddProcedureInput{CaseID: "2", PatternID: "T1566", OccurDate: 1772438400000},
		"thehive_create_task_log":   &thehive.CreateTaskLogInput{TaskID: thehivetest.PhishingTask, Message: "m"},
		"thehive_create_task":       &thehive.CreateTaskInput{CaseID: "2", Title: "t"},
		"thehive_add_attachment":    &thehive.AddAttachmentInput{CaseID: "2", FileSource: thehive.FileSource{FileBase64: []byte("x"), Filename: "a"}},
	} {
		p := propose(t, g, ops[op], in)
		_, name, _ := strings.Cut(p.Plan.Undo, "(")
		name, _, _ = strings.Cut(name, ")")
		if ops[name] == nil {
			t.Errorf("%s: undo %q", op, p.Plan.Undo)
		}
	}
}

func TestAnAlertCarriesItsTimeAndLink(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	_, call := session(t, hive)
	res := call("thehive_create_alert", `{"title":"A","type":"wazuh","source":"siem","sourceRef":"A-9","date":"2026-03-02T08:00:00Z","externalLink":"https://siem.example.org/a/9",
		"customFields":{"site":"north"},"assignee":"lead@soc.example","summary":"s","status":"InProgress",
		"observables":[{"dataType":"ip","data":"203.0.113.9","tlp":"red","pap":"PAP:AMBER","sighted":true,"ignoreSimilarity":true,"tags":["a"]},{"dataType":"ip","data":"203.0.113.9","tags":["b"]}],
		"procedures":[{"patternId":"T1110"}]}`)
	if res.IsError {
		t.Fatal(res.Content)
	}
	c := hive.Client()
	a, err := c.GetAlert(t.Context(), thehive.GetAlertInput{AlertID: "wazuh;siem;A-9"})
	if err != nil || a.Date.UnixMilli() != 1772438400000 || a.ExternalLink != "https://siem.example.org/a/9" || a.ObservableCount != 1 || a.Status != "InProgress" || len(a.CustomFields) != 1 {
		t.Fatalf("%+v, %v", a, err)
	}
	o, err := c.ListObservables(t.Context(), thehive.ListObservablesInput{AlertID: a.ID})
	if err != nil || o.Total != 1 || o.Observables[0].TLP != thehive.TLPRed || o.Observables[0].PAP != thehive.PAPAmber || !slices.Equal(o.Observables[0].Tags, []string{"a", "b"}) {
		t.Errorf("%+v, %v", o, err)
	}
	for _, link := range []string{"javascript:alert(1)", "siem.example.org", "file:///etc/passwd"} {
		if _, err := c.CreateAlert(t.Context(), thehive.CreateAlertInput{Title: "A", Type: "t", Source: "s", SourceRef: link, ExternalLink: link}); !errors.Is(err, thehive.ErrInvalid) {
			t.Errorf("%s: %v", link, err)
		}
	}
}

func TestDatesAndLevelsAreTakenAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]thehive.Date{
		"2026-03-01": 1772323200000, "2026-03-01T00:00:00Z": 1772323200000, "2026-03-01T01:00:00+01:00": 1772323200000, "2026-03-01 00:00": 1772323200000,
		"1772323200000": 1772323200000, "24h": -86400000, "7d": -604800000, "2 w ago": -1209600000, "30 min": -1800000, "1772323200": 1772323200000, "now": -1, "now-90s": -90000,
	} {
		var d thehive.Date
		if err := d.UnmarshalText([]byte(text)); err != nil || d != want {
			t.Errorf("%s: %d, %v", text, d, err)
		}
	}
	for _, text := range []string{"yesterday", "24", "2026-13-01", "", "1971-01-01"} {
		var d thehive.Date
		if err := d.UnmarshalText([]byte(text)); err == nil && text != "24" {
			t.Errorf("%q is taken as %d", text, d)
		}
	}
	for text, want := range map[string]thehive.TLP{"RED": 4, "amber+strict": 3, "TLP:AMBER": 2, "4": 4, "white": 0, " clear ": 0} {
		var l thehive.TLP
		if err := l.UnmarshalText([]byte(text)); err != nil || l != want {
			t.Errorf("%s: %d, %v", text, l, err)
		}
	}
	var s thehive.Severity
	for text, ok := range map[string]bool{"high": true, "3": true, "0": false, "5": false, "": false, "severe": false} {
		if err := s.UnmarshalText([]byte(text)); (err == nil) != ok {
			t.Errorf("severity %q: %v", text, err)
		}
	}
	if got := thehive.Severity(9).String() + " " + thehive.TLP(7).String(); got != "level 9 level 7" {
		t.Errorf("unknown levels are shown as %s", got)
	}
}

// What is written down must be the same when the call is approved and repeated.
func TestADateThatIsWrittenIsNotRelative(t *testing.T) {
	t.Parallel()
	const day = thehive.Date(-86400000)
	ago := day
	for name, in := range map[string]interface{ Validate() error }{
		"date of an alert":              &thehive.CreateAlertInput{Title: "t", Type: "t", Source: "s", SourceRef: "1", Date: day},
		"technique of an alert":         &thehive.CreateAlertInput{Title: "t", Type: "t", Source: "s", SourceRef: "1", Procedures: []thehive.AlertProcedure{{PatternID: "T1110", OccurDate: day}}},
		"date of an alert, changed":     &thehive.UpdateAlertInput{AlertID: "~1", Date: day},
		"version of an alert":           &thehive.UpdateAlertInput{AlertID: "~1", Date: 1767225600000, IfUpdatedAt: &ago},
		"version of a case":             &thehive.UpdateCaseInput{CaseID: "2", Title: "t", IfUpdatedAt: &ago},
		"due date of a task":            &thehive.CreateTaskInput{CaseID: "2", Title: "t", DueDate: day},
		"due date of a task, changed":   &thehive.UpdateTaskInput{TaskID: "~1", DueDate: day},
		"task log in the timeline":      &thehive.CreateTaskLogInput{TaskID: "~1", Message: "m", IncludeInTimeline: day},
		"technique":                     &thehive.AddProcedureInput{CaseID: "2", PatternID: "T1110", OccurDate: day},
		"technique, changed":            &thehive.UpdateProcedureInput{ProcedureID: "~1", OccurDate: day},
		"beginning in the timeline":     &thehive.AddTimelineEventInput{CaseID: "2", Title: "t", Date: day},
		"end of an event of a timeline": &thehive.AddTimelineEventInput{CaseID: "2", Title: "t", Date: 1767225600000, EndDate: day},
	} {
		if err := in.Validate(); !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "a relative date would be another one when the call is approved") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"24h", "2026-03-01", "1772323200000", "2026-03-01T00:00:00Z", "-5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var d thehive.Date
		if d.UnmarshalText([]byte(s)) == nil {
			_ = d.String()
		}
	})
}

func TestWhatAFilterNamesMustBeThere(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	for want, err := range map[string]error{
		"lead@soc.example": second(c.ListCases(t.Context(), thehive.ListCasesInput{Owner: "led@soc.example"})),
		"InProgress":       second(c.ListCases(t.Context(), thehive.ListCasesInput{Status: "Closd"})),
		"hostname":         second(c.ListObservables(t.Context(), thehive.ListObservablesInput{CaseID: "2", DataType: "hostnam"})),
		"Ignored":          second(c.ListAlerts(t.Context(), thehive.ListAlertsInput{Status: "Ignord"})),
		"analyst@soc":      second(c.ListAlerts(t.Context(), thehive.ListAlertsInput{Assignee: "nobody"})),
		"observer@soc":     second(c.ListTasks(t.Context(), thehive.ListTasksInput{CaseID: "2", Assignee: "nobody"})),
	} {
		if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("want the list with %s: %v", want, err)
		}
	}
	if p, err := c.ListCases(t.Context(), thehive.ListCasesInput{Owner: "observer@soc.example"}); err != nil || p.Total != 0 {
		t.Errorf("a user without cases: %+v, %v", p, err)
	}
}

func TestAQueryTakesEachDocumentedStepAndSaysWhichItTakes(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	for query, rows := range map[string]int{
		`[{"_name":"myTasks"}]`: 1, `[{"_name":"currentUser"}]`: 1, `[{"_name":"listCustomField"}]`: 6, `[{"_name":"getAny","idOrName":"~4096"}]`: 1,
		`[{"_name":"listCase"},{"_name":"filter","_eq":{"_field":"title","_value":"none of these"}}]`: 0,
	} {
		got, err := c.RawQuery(t.Context(), thehive.QueryInput{Query: query})
		if err != nil || got.Rows == nil || len(got.Rows) != rows {
			t.Errorf("%s: %+v, %v", query, got, err)
			continue
		}
		if b, err := json.Marshal(got); err != nil || !strings.Contains(string(b), `"rows":[`) {
			t.Errorf("%s: %s, %v", query, b, err)
		}
	}
	if got, err := c.RawQuery(t.Context(), thehive.QueryInput{Query: `[{"_name":"waitingTasks"},{"_name":"count"}]`}); err != nil || got.Count == nil {
		t.Errorf("%+v, %v", got, err)
	}
	got, err := c.RawQuery(t.Context(), thehive.QueryInput{Query: `[{"_name":"listCase"}]`, Exclude: []string{"description"}, Range: "0-1"})
	if err != nil || strings.Contains(string(got.Rows[0]), `"description"`) {
		t.Errorf("%s, %v", got.Rows, err)
	}
	for query, want := range map[string]string{`[{"_name":"deleteCase"}]`: "myTasks", `[{"_name":"listCase"},{"_name":"delete"}]`: "similarCasesLight"} {
		if _, err := c.RawQuery(t.Context(), thehive.QueryInput{Query: query}); !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", query, err)
		}
	}
}

func TestOpenTasksOfAllCases(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	p, err := c.ListOpenTasks(t.Context(), thehive.ListOpenTasksInput{})
	if err != nil || p.Total != 1 || p.Tasks[0].CaseNumber != 2 || p.Tasks[0].Task.ID != thehivetest.PhishingTask {
		t.Fatalf("mine: %+v, %v", p, err)
	}
	hive.Add("Task", thehivetest.PhishingCase, Object{"title": "Free", "status": "Waiting"})
	if p, err := c.ListOpenTasks(t.Context(), thehive.ListOpenTasksInput{Whose: thehive.Nobodys}); err != nil || p.Total != 1 || p.Tasks[0].Task.Title != "Free" {
		t.Errorf("nobody's: %+v, %v", p, err)
	}
	if _, err := c.ListOpenTasks(t.Context(), thehive.ListOpenTasksInput{Whose: "theirs"}); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("whose: %v", err)
	}
}

func TestFilesStayBelowTheirFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hive := thehivetest.New(t)
	c := hive.Client(func(cfg *thehive.Config) { cfg.FileBaseDir = filepath.Join(dir, "files") })
	for name, text := range map[string]string{"files/mail.eml": "Subject: Invoice", "secret": "canary"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, "files", "link")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../secret", "link", filepath.Join(dir, "secret"), "nothing", "."} {
		_, err := c.AddAttachment(t.Context(), thehive.AddAttachmentInput{CaseID: "2", FileSource: thehive.FileSource{FilePath: path}})
		if !errors.Is(err, thehive.ErrInvalid) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", path, err)
		}
	}
	out, err := c.CreateFileObservable(t.Context(), thehive.CreateFileObservableInput{CaseID: "2", IOC: true, FileSource: thehive.FileSource{FilePath: "mail.eml"}})
	if err != nil || len(out.Created) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	id := out.Created[0].ID
	f, err := c.GetFile(t.Context(), thehive.GetFileInput{ObservableID: id})
	if err != nil || !f.Zip || strings.Contains(string(f.Content), "Invoice") {
		t.Errorf("in a zip: %+v, %v", f, err)
	}
	if f, err = c.GetFile(t.Context(), thehive.GetFileInput{ObservableID: id, Plain: true, SaveAs: "copy.eml"}); err != nil || f.SavedAs != "copy.eml" {
		t.Fatalf("%+v, %v", f, err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "files", "copy.eml")); err != nil || string(b) != "Subject: Invoice" {
		t.Errorf("%q, %v", b, err)
	}
	for _, path := range []string{"copy.eml", "../x", "no/such/folder"} {
		if _, err := c.GetFile(t.Context(), thehive.GetFileInput{ObservableID: id, Plain: true, SaveAs: path}); !errors.Is(err, thehive.ErrInvalid) {
			t.Errorf("saved as %s: %v", path, err)
		}
	}
	sum := strings.Repeat("0", 64)
	if _, err := c.AddAttachment(t.Context(), thehive.AddAttachmentInput{CaseID: "2", FileSource: thehive.FileSource{FilePath: "mail.eml", SHA256: sum}}); !errors.Is(err, thehive.ErrConflict) {
		t.Errorf("another content: %v", err)
	}
	g, _, ops := gated(t, hive)
	p := propose(t, g, ops["thehive_add_attachment"], &thehive.AddAttachmentInput{CaseID: "2", FileSource: thehive.FileSource{FileBase64: []byte("x"), Filename: "a.txt"}})
	if b, err := json.Marshal(p.Plan); err != nil || !strings.Contains(string(b), "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881") {
		t.Errorf("the plan lacks the hash: %s, %v", b, err)
	}
}

func TestPartsAreEditedAndDeleted(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	m, err := c.UpdateMessage(t.Context(), thehive.UpdateMessageInput{Kind: "comment", ID: thehivetest.BruteForceComment, Message: "Better."})
	if err != nil || m.Message != "Better." {
		t.Errorf("%+v, %v", m, err)
	}
	for _, part := range []thehive.DeletePartInput{{Kind: thehive.PartComment, ID: thehivetest.BruteForceComment}, {Kind: thehive.PartTaskLog, ID: thehivetest.BruteForceLog},
		{Kind: thehive.PartProcedure, ID: thehivetest.BruteForceProcedure}, {Kind: thehive.PartObservable, ID: thehivetest.HostObservable}, {Kind: thehive.PartTask, ID: thehivetest.BruteForceTask}} {
		kind, id := part.Kind, part.ID
		if _, err := c.DeletePart(t.Context(), thehive.DeletePartInput{Kind: kind, ID: id}); err != nil || hive.Get(id) != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := c.DeletePart(t.Context(), thehive.DeletePartInput{Kind: kind, ID: id}); !errors.Is(err, thehive.ErrNotFound) {
			t.Errorf("%s again: %v", kind, err)
		}
	}
	if _, err := c.DeletePart(t.Context(), thehive.DeletePartInput{Kind: "case", ID: "~4096", CaseID: "1"}); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("no part: %v", err)
	}
	linked, err := c.ListLinkedCases(t.Context(), thehive.ListLinkedCasesInput{CaseID: "1"})
	if err != nil || linked.Total != len(linked.Cases) {
		t.Errorf("%+v, %v", linked, err)
	}
	jobs, err := c.ListJobs(t.Context(), thehive.ListJobsInput{CaseID: "#1"})
	if err != nil || jobs.Total != 1 || jobs.Jobs[0].AnalyzerName == "" {
		t.Errorf("%+v, %v", jobs, err)
	}
}

func TestADifferenceAfterAWriteIsSaid(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client(func(cfg *thehive.Config) {
		cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPatch { // takes it and does nothing
				return &http.Response{StatusCode: 204, Body: http.NoBody, Request: r, Header: http.Header{}}, nil
			}
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	for name, err := range map[string]error{
		"title":    second(c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: "2", Title: "x"})),
		"TLP":      second(c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: "2", TLP: ptr(thehive.TLPRed)})),
		"assignee": second(c.AssignCase(t.Context(), thehive.AssignCaseInput{CaseID: "2", Owner: "lead@soc.example"})),
		"tag":      second(c.AddCaseTags(t.Context(), thehive.AddCaseTagsInput{CaseID: "2", Tags: []string{"new"}})),
		"custom":   second(c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: "2", CustomFields: map[string]json.RawMessage{"hosts": json.RawMessage(`1`)}})),
		"status":   second(c.UpdateTask(t.Context(), thehive.UpdateTaskInput{TaskID: thehivetest.PhishingTask, Status: thehive.TaskCompleted})),
		"follow":   second(c.UpdateAlert(t.Context(), thehive.UpdateAlertInput{AlertID: thehivetest.NewAlert, Follow: ptr(false)})),
		"sighted":  second(c.UpdateObservable(t.Context(), thehive.UpdateObservableInput{ObservableID: thehivetest.DomainObservable, ObservableMarks: thehive.ObservableMarks{Sighted: ptr(true)}})),
		"message":  second(c.UpdateMessage(t.Context(), thehive.UpdateMessageInput{Kind: "comment", ID: thehivetest.BruteForceComment, Message: "x"})),
	} {
		if !errors.Is(err, gate.ErrOutcomeUnknown) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	out, err := c.BulkUpdateObservables(t.Context(), thehive.BulkUpdateObservablesInput{ObservableIDs: []string{thehivetest.DomainObservable, thehivetest.AttackerObservable},
		ObservableMarks: thehive.ObservableMarks{AddTags: []string{"new"}}})
	if err != nil || out.Failed != 2 || !out.Results[0].Unknown {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestAnObservableIsFoundHoweverItIsWritten keeps the same things as people write them.
func TestAnObservableIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	cs := hive.Add("Case", "", Object{"title": "x", "description": "y"})
	sha := strings.Repeat("ab", 32)
	kept := map[string][]string{
		"url":    {"http://evil.example/a", "hxxp://evil[.]example/a", "hXXp://evil.example/a"},
		"domain": {"evil.example", "EVIL.example", "evil[.]example", "evil.example."},
		"ip":     {"198.51.100.7", "198[.]51[.]100[.]7", "198.51.100[.]7"},
		"mail":   {"a@evil.example", "a[at]evil[.]example"},
		"hash":   {sha, strings.ToUpper(sha)},
		"regexp": {"evil[.]example"},
	}
	for dataType, values := range kept {
		for _, v := range values {
			hive.Add("Observable", cs, Object{"dataType": dataType, "data": v})
		}
	}
	_, call := session(t, hive)
	for dataType, values := range kept {
		for _, v := range values {
			if v == "EVIL.example" {
				v = "Evil.EXAMPLE" // only the usual ones are asked for
			}
			var got thehive.ObservablePage
			args := fmt.Sprintf(`{"dataType":%q,"data":%q}`, dataType, v)
			mcptest.Structured(t, call("thehive_search_observables", args), &got)
			want := len(values)
			if dataType == "domain" {
				want-- // in those letters
			}
			if got.Total != want || (len(got.Searched) > 1) != (dataType != "regexp") {
				t.Errorf("%s: %d, searched %q; want %d", args, got.Total, got.Searched, want)
			}
		}
	}
	c := hive.Client()
	n := 0
	for _, err := range c.ObservablesMatching(t.Context(), thehive.SearchObservablesInput{Data: "hxxp://evil.example/a"}) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 3 {
		t.Errorf("walked over %d of 3", n)
	}
	for part, want := range map[string]int{"evil.example": 10, "evil[.]example": 10, "hxxp://evil.example": 3, "http://evil[.]example/a": 3, "198.51.100.7": 3, `"evil.example/a"`: 3} {
		p, err := c.SearchObservables(t.Context(), thehive.SearchObservablesInput{Part: part})
		if err != nil || p.Total != want {
			t.Errorf("part %s: %+v, %v; want %d", part, p, err, want)
		}
	}
	long := "http://" + strings.Repeat("a.", 1500) + "example"
	p, err := c.SearchObservables(t.Context(), thehive.SearchObservablesInput{Data: long})
	if b, _ := json.Marshal(p); err != nil || p.Total != 0 || len(b) > 8<<10 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// TestWhatIsThereAlreadyIsSeenHoweverItIsWritten looks at the plans and the triage, which
// look an observable up by its value too.
func TestWhatIsThereAlreadyIsSeenHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	cs := hive.Add("Case", "", Object{"title": "x", "description": "y"})
	hive.Add("Observable", cs, Object{"dataType": "domain", "data": "evil[.]example"})
	alert := hive.Add("Alert", "", Object{"type": "t", "source": "s", "sourceRef": "1", "title": "x", "description": "y"})
	hive.Add("Observable", alert, Object{"dataType": "domain", "data": "Evil.example"})
	g, c, ops := gated(t, hive)
	g.Setenv("THEHIVE_ALLOW_DESTRUCTIVE_TOOLS", "1")
	for op, in := range map[string]any{
		"thehive_create_observable":      &thehive.CreateObservableInput{CaseID: cs, DataType: "domain", Data: "EVIL.example"},
		"thehive_create_observable_bulk": &thehive.CreateObservableBulkInput{CaseID: cs, DataType: "domain", Data: []string{"a.example", "Evil.example"}},
		"thehive_merge_alert":            &thehive.MergeAlertInput{AlertID: alert, CaseID: cs},
	} {
		p := propose(t, g, ops[op], in)
		if w := strings.Join(p.Plan.Warnings, " "); !strings.Contains(w, "has domain evil[.]example already") {
			t.Errorf("%s: %q", op, w)
		}
	}
	got, err := c.TriageAlert(t.Context(), thehive.TriageAlertInput{AlertID: alert})
	if err != nil || len(got.Similar) != 1 || got.Similar[0].ID != cs || got.Similar[0].Shared != 1 {
		t.Errorf("similar %+v, %v", got, err)
	}
}

// TestOpenAndClosedAreStages asks for cases and alerts in words that are the status of none.
func TestOpenAndClosedAreStages(t *testing.T) {
	t.Parallel()
	hive := empty(t)
	for i, status := range []string{"New", "InProgress", "TruePositive", "Duplicated"} {
		hive.Add("Case", "", Object{"title": "x", "description": "y", "status": status})
		hive.Add("Alert", "", Object{"type": "t", "source": "s", "sourceRef": fmt.Sprint(i), "title": "x", "description": "y", "status": []string{"New", "Pending", "Ignored", "Imported"}[i]})
	}
	_, call := session(t, hive)
	for status, want := range map[string][2]int{"open": {2, 2}, "Open": {2, 2}, "closed": {2, 1}, "Resolved": {2, 1}, "New": {1, 1}} {
		var cases thehive.CasePage
		mcptest.Structured(t, call("thehive_list_cases", fmt.Sprintf(`{"status":%q}`, status)), &cases)
		var alerts thehive.AlertPage
		mcptest.Structured(t, call("thehive_list_alerts", fmt.Sprintf(`{"status":%q}`, status)), &alerts)
		if got := [2]int{cases.Total, alerts.Total}; got != want {
			t.Errorf("%s: %d cases and alerts, want %d", status, got, want)
		}
	}
	c := hive.Client()
	n := 0
	for cs, err := range c.Cases(t.Context(), thehive.ListCasesInput{Status: "open"}) {
		if n++; err != nil || cs.Stage == thehive.StageClosed {
			t.Errorf("%+v, %v", cs, err)
		}
	}
	if n != 2 {
		t.Errorf("walked over %d of 2", n)
	}
	if _, err := c.ListCases(t.Context(), thehive.ListCasesInput{Status: "opened"}); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("neither a status nor such a word: %v", err)
	}
	if _, err := c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: "1", Status: "open"}); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("set as a status: %v", err)
	}
	hive.Add("CaseStatus", "", Object{"value": "open", "stage": "InProgress", "order": 9})
	hive.Set(hive.Add("Case", "", Object{"title": "x", "description": "y"}), Object{"status": "open", "stage": "InProgress"})
	if p, err := hive.Client().ListCases(t.Context(), thehive.ListCasesInput{Status: "open"}); err != nil || p.Total != 1 {
		t.Errorf("a status of that name: %+v, %v", p, err)
	}
}

// TestAnAssigneeThatThereIsntIsNotProposed holds that nobody is asked about what TheHive
// would refuse.
func TestAnAssigneeThatThereIsntIsNotProposed(t *testing.T) {
	t.Parallel()
	g, _, ops := gated(t, thehivetest.New(t))
	g.Setenv("THEHIVE_ALLOW_DESTRUCTIVE_TOOLS", "1")
	nobody := "nobody@soc.example"
	for op, in := range map[string]any{
		"thehive_create_case":        &thehive.CreateCaseInput{Title: "x", Owner: nobody},
		"thehive_update_case":        &thehive.UpdateCaseInput{CaseID: "2", Owner: &nobody},
		"thehive_assign_case":        &thehive.AssignCaseInput{CaseID: "2", Owner: nobody},
		"thehive_bulk_assign_cases":  &thehive.BulkAssignCasesInput{CaseIDs: []string{"1", "2"}, Owner: nobody},
		"thehive_create_task":        &thehive.CreateTaskInput{CaseID: "2", Title: "x", Assignee: nobody},
		"thehive_update_task":        &thehive.UpdateTaskInput{TaskID: thehivetest.PhishingTask, Assignee: &nobody},
		"thehive_create_alert":       &thehive.CreateAlertInput{Type: "t", Source: "s", SourceRef: "r", Title: "x", Description: "y", Assignee: nobody},
		"thehive_update_alert":       &thehive.UpdateAlertInput{AlertID: thehivetest.NewAlert, Assignee: &nobody},
		"thehive_bulk_update_alerts": &thehive.BulkUpdateAlertsInput{AlertIDs: []string{thehivetest.NewAlert}, Assignee: &nobody},
		"thehive_promote_alert":      &thehive.PromoteAlertInput{AlertID: thehivetest.NewAlert, Assignee: nobody},
	} {
		_, err := ops[op].Do(t.Context(), g.Guard, in)
		if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), `"nobody@soc.example" is the login of no user here`) {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// TestAnObservableThatIsThereAlreadyIsNothingDone holds what a human and an agent are told
// of an answer that is good by its status alone.
func TestAnObservableThatIsThereAlreadyIsNothingDone(t *testing.T) {
	t.Parallel()
	_, call := session(t, thehivetest.New(t))
	for _, c := range [][2]string{
		{"thehive_create_observable", `{"caseId":"1","dataType":"ip","data":"198.51.100.23"}`},
		{"thehive_create_observable_bulk", `{"caseId":"1","dataType":"ip","data":["198.51.100.23"]}`},
	} {
		res := call(c[0], c[1])
		if text := mcptest.Text(res); !res.IsError || strings.Contains(text, "done in part") || !strings.Contains(text, "Observable already exists") {
			t.Errorf("%s: %s", c[0], text)
		}
	}
}
