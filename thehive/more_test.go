package thehive_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

func TestTheHive4IsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	hive.Version = "4.1.24-1"
	c := hive.Client()
	_, err := c.UpdateTask(t.Context(), thehive.UpdateTaskInput{TaskID: thehivetest.PhishingTask, Title: "x"})
	var v *thehive.VersionError
	if !errors.As(err, &v) || !errors.Is(err, thehive.ErrVersion) || v.Version != "4.1.24-1" || !strings.Contains(err.Error(), "5.0 or newer") {
		t.Errorf("got %v", err)
	}
	if _, err := c.ListCases(t.Context(), thehive.ListCasesInput{}); !errors.Is(err, thehive.ErrVersion) {
		t.Errorf("list: %v", err)
	}
	for _, r := range hive.Requests() {
		if !strings.Contains(r, "/status") {
			t.Errorf("sent %s", r)
		}
	}
	s, err := c.Status(t.Context(), thehive.StatusInput{})
	if err != nil || s.Supported || s.Note == "" {
		t.Errorf("status: %+v, %v", s, err)
	}
}

func TestTheVersionIsAskedForOnce(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	for range 3 {
		if _, err := c.GetCase(t.Context(), thehive.GetCaseInput{CaseID: "2"}); err != nil {
			t.Fatal(err)
		}
	}
	if r := hive.Requests(); len(r) != 4 {
		t.Errorf("sent %q", r)
	}
}

func TestAnAlertIsRaisedOnce(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, c, ops := gated(t, hive)
	in := &thehive.CreateAlertInput{Title: "Web shell", Type: "siem", Source: "wazuh", SourceRef: "9", Follow: ptr(false)}
	op := ops["thehive_create_alert"]
	p := propose(t, g, op, in)
	hive.Requests()
	g.Approve(p.ID)
	res, err := op.Do(t.Context(), g.Guard, in)
	if err != nil {
		t.Fatal(err)
	}
	first := res.Out.(*thehive.Alert)
	if first.Follow || first.Existing {
		t.Errorf("got %+v", first)
	}
	plain := hive.Client()
	again, err := plain.CreateAlert(t.Context(), *in)
	if err != nil || again.ID != first.ID || !again.Existing {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := c.CreateAlert(t.Context(), thehive.CreateAlertInput{Title: "x", Type: "siem", Source: "wazuh", SourceRef: "10"}); !errors.Is(err, gate.ErrRefused) {
		t.Errorf("without a permit: %v", err)
	}
	if _, err := plain.CreateAlert(t.Context(), thehive.CreateAlertInput{Title: "x", Type: "siem", Source: "wazuh", SourceRef: "11", Observables: []thehive.AlertObservable{{DataType: "imei", Data: "1"}}}); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("an unknown type: %v", err)
	}
}

func TestACaseWithAKeyIsOpenedOnce(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	in := thehive.CreateCaseInput{Title: "Brute force on 007", Key: "wazuh:1700000000.4711"}
	first, err := c.CreateCase(t.Context(), in)
	if err != nil || first.Existing {
		t.Fatalf("got %+v, %v", first, err)
	}
	again, err := c.CreateCase(t.Context(), in)
	if err != nil || again.ID != first.ID || !again.Existing {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := c.CloseCase(t.Context(), thehive.CloseCaseInput{CaseID: first.ID, Status: "Other", Summary: "x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateCase(t.Context(), in); !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), "ifClosed") {
		t.Errorf("closed: %v", err)
	}
	in.IfClosed = thehive.ClosedReuse
	if reused, err := c.CreateCase(t.Context(), in); err != nil || reused.ID != first.ID {
		t.Errorf("reuse: %+v, %v", reused, err)
	}
	in.IfClosed = thehive.ClosedCreate
	if made, err := c.CreateCase(t.Context(), in); err != nil || made.ID == first.ID || made.Existing {
		t.Errorf("create: %+v, %v", made, err)
	}
}

func TestAnAnalystsEditMakesTheProposalStale(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, c, ops := gated(t, hive)
	for _, tt := range []struct {
		op, id string
		in     any
	}{
		{"thehive_update_case", thehivetest.PhishingCase, &thehive.UpdateCaseInput{CaseID: "2", Title: "x"}},
		{"thehive_update_alert", thehivetest.NewAlert, &thehive.UpdateAlertInput{AlertID: thehivetest.NewAlert, Title: "x"}},
		{"thehive_update_task", thehivetest.PhishingTask, &thehive.UpdateTaskInput{TaskID: thehivetest.PhishingTask, Title: "x"}},
		{"thehive_bulk_close_cases", thehivetest.PhishingCase, &thehive.BulkCloseCasesInput{CaseIDs: []string{"2", "18"}, Status: "Other", Summary: "x"}},
		{"thehive_bulk_update_alerts", thehivetest.NewAlert, &thehive.BulkUpdateAlertsInput{AlertIDs: []string{thehivetest.NewAlert}, Status: "Ignored"}},
		{"thehive_update_observable", thehivetest.DomainObservable, &thehive.UpdateObservableInput{ObservableID: thehivetest.DomainObservable, ObservableMarks: thehive.ObservableMarks{Sighted: ptr(true)}}},
	} {
		p := propose(t, g, ops[tt.op], tt.in)
		g.Approve(p.ID)
		hive.Set(tt.id, Object{"description": "An analyst wrote this meanwhile."})
		if again := propose(t, g, ops[tt.op], tt.in); again.ID == p.ID {
			t.Errorf("%s: the approval still counts", tt.op)
		}
	}
	cs, err := c.GetCase(t.Context(), thehive.GetCaseInput{CaseID: "2"})
	if err != nil {
		t.Fatal(err)
	}
	seen := thehive.At(cs.UpdatedAt)
	hive.Set(thehivetest.PhishingCase, Object{"title": "Theirs"})
	_, err = ops["thehive_update_case"].Do(t.Context(), g.Guard, &thehive.UpdateCaseInput{CaseID: "2", Title: "Ours", IfUpdatedAt: &seen})
	if !errors.Is(err, thehive.ErrConflict) {
		t.Errorf("a view from before: %v", err)
	}
}

func TestInternalObservablesStayInside(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	red := hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "ip", "data": "203.0.113.7", "tlp": 4})
	for id, want := range map[string]string{
		red: "TLP:RED",
		hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "ip", "data": "203.0.113.8", "pap": 3}):                                        "PAP:RED",
		hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "ip", "data": "10.1.2.3"}):                                                     "internal address",
		hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "domain", "data": "dc01.corp"}):                                                "internal",
		hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "url", "data": "hxxps://u:p@evil.example/"}):                                   "user name",
		hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "hash", "data": "d41d8cd98f00b204e9800998ecf8427e", "message": "on 10.0.0.9"}): "in the message",
	} {
		hive.Requests()
		_, err := c.RunAnalyzer(t.Context(), thehive.RunAnalyzerInput{AnalyzerID: "d4e5f6", CortexID: thehivetest.CortexID, ObservableID: id})
		if !errors.Is(err, thehive.ErrEgress) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v; want it refused: %s", hive.Get(id)["data"], err, want)
		}
		if r := strings.Join(hive.Requests(), ","); strings.Contains(r, "POST /api/v1/connector") {
			t.Errorf("sent %s", r)
		}
	}
	local := hive.Client(func(cfg *thehive.Config) { cfg.LocalAnalyzers = []string{"Yara_3_0"} })
	if _, err := local.RunAnalyzer(t.Context(), thehive.RunAnalyzerInput{AnalyzerID: "Yara_3_0", CortexID: thehivetest.CortexID, ObservableID: thehivetest.HostObservable}); err != nil {
		t.Errorf("a local analyzer: %v", err)
	}
	opts, err := c.GetObservableEnrichmentOptions(t.Context(), thehive.GetObservableEnrichmentOptionsInput{ObservableID: thehivetest.HostObservable})
	if err != nil || opts.Stays == "" || len(opts.Analyzers) != 1 {
		t.Errorf("options: %+v, %v", opts, err)
	}
}

func TestAnalyzersOfTheHiveFollowTheRulesOfCortex(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, _, ops := gated(t, hive)
	id := hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "url", "data": "https://evil.example/v?e=amFuZUBleGFtcGxlLm9yZw"})
	in := &thehive.RunAnalyzerInput{AnalyzerID: "d4e5f6", CortexID: thehivetest.CortexID, ObservableID: id}
	op := ops["thehive_run_analyzer"]
	_, err := op.Do(t.Context(), g.Guard, in)
	for _, want := range []string{"a query", "up to its path", "THEHIVE_LOCAL_ANALYZERS", "wholeUrl"} {
		if !errors.Is(err, thehive.ErrEgress) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
	in.WholeURL = true
	if p := propose(t, g, op, in); !strings.Contains(strings.Join(p.Plan.Warnings, " "), "as it is") {
		t.Errorf("plan %+v", p.Plan)
	}

	// A job that was lost isn't waited for, nor given in the place of a new one.
	run := thehive.RunAnalyzerInput{AnalyzerID: "d4e5f6", CortexID: thehivetest.CortexID, ObservableID: thehivetest.AttackerObservable}
	c := hive.Client()
	lost, err := c.RunAnalyzer(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	hive.LoseJob(lost.ID, 3*time.Hour)
	w, err := c.WaitForJob(t.Context(), thehive.WaitForJobInput{JobID: lost.ID})
	if err != nil || w.Finished || w.Attempts != 1 || !strings.Contains(w.Note, "started 3 hours ago") || !strings.Contains(w.Note, "30 minutes") {
		t.Errorf("%+v, %v", w, err)
	}
	if again, err := c.RunAnalyzer(t.Context(), run); err != nil || again.Existing || again.ID == lost.ID {
		t.Errorf("%+v, %v", again, err)
	}

	// What analyzers hand over of their configuration goes no further.
	hive.Set(lost.ID, Object{"status": "Failure", "report": Object{"success": false, "errorMessage": "GET https://x.example/?apikey=" + canary,
		"input": Object{"config": Object{"key": canary, "check_tlp": true}}, "summary": Object{"taxonomies": []any{Object{"level": "Odd", "namespace": "n", "predicate": "p", "value": 3}, "no taxonomy"}}}})
	j, err := c.GetJob(t.Context(), thehive.GetJobInput{JobID: lost.ID})
	if b, _ := json.Marshal(j); err != nil || strings.Contains(string(b), canary) || !strings.Contains(string(b), "REDACTED") {
		t.Errorf("%s, %v", b, err)
	}
	hive.Set(lost.ID, Object{"status": "Success"})
	sum, err := c.SummarizeJobReport(t.Context(), thehive.SummarizeJobReportInput{JobID: lost.ID})
	if err != nil || sum.Verdict != thehive.LevelInfo || len(sum.Taxonomies) != 1 || sum.Note == "" {
		t.Errorf("%+v, %v", sum, err)
	}
}

const canary = "canary-71be0c55"

func TestAnUnknownAnalyzerIsRefusedWithTheList(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	for _, tt := range []struct{ analyzer, cortex, want string }{
		{"nope", thehivetest.CortexID, "a1b2c3, bad000, d4e5f6"}, // sorted by name
		{"a1b2c3", "elsewhere", thehivetest.CortexID},
	} {
		_, err := c.RunAnalyzer(t.Context(), thehive.RunAnalyzerInput{AnalyzerID: tt.analyzer, CortexID: tt.cortex, ObservableID: thehivetest.AttackerObservable})
		if !errors.Is(err, thehive.ErrInvalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v", tt, err)
		}
	}
}

func TestAFileIsSentOnlyWhenAPersonSaysSo(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, _, ops := gated(t, hive)
	id := hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "file", "attachment": Object{"name": "x.exe", "size": 3, "hashes": []string{"ab"}}})
	op := ops["thehive_run_analyzer"]
	in := &thehive.RunAnalyzerInput{AnalyzerID: "d4e5f6", CortexID: thehivetest.CortexID, ObservableID: id}
	if _, err := op.Do(t.Context(), g.Guard, in); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("unasked: %v", err)
	}
	in.SendFile = true
	p := propose(t, g, op, in)
	if e := p.Plan.Egress; len(e) != 1 || !strings.Contains(e[0].What, "x.exe, 3 bytes, ab") {
		t.Errorf("egress %+v", e)
	}
	res, err := op.Do(t.Context(), g.Guard, &thehive.RunAnalyzerInput{AnalyzerID: "d4e5f6", CortexID: thehivetest.CortexID, ObservableID: thehivetest.AttackerObservable})
	if err != nil || res.State != gate.StateExecuted {
		t.Errorf("an address: %+v, %v", res, err)
	}
}

func TestTheRawQueryReadsAndIsLocked(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, c, ops := gated(t, hive)
	op := ops["thehive_query"]
	in := &thehive.QueryInput{Query: `[{"_name":"listCase"}]`, Range: "0-2", Sort: []string{"-number"}}
	if _, err := op.Do(t.Context(), g.Guard, in); !errors.Is(err, gate.ErrRefused) {
		t.Errorf("with the switch off: %v", err)
	}
	g.Setenv("THEHIVE_ENABLE_RAW_QUERY", "true")
	res, err := op.Do(t.Context(), g.Guard, in)
	if err != nil {
		t.Fatal(err)
	}
	if rows := res.Out.(*thehive.QueryResult).Rows; len(rows) != 2 || !strings.Contains(string(rows[0]), `"number":20`) {
		t.Errorf("rows %s", rows)
	}
	hive.Requests()
	for _, bad := range []thehive.QueryInput{
		{Query: `{"_name":"listCase"}`},
		{Query: `[]`},
		{Query: `[{"_name":"deleteCase"}]`},
		{Query: `[{"_name":"listCase"},{"_name":"update"}]`},
		{Query: `[{"_name":"filter"}]`},
		{Query: `[{"_name":"listCase","_NAME":"delete"}]`},
		{Query: `[{"_name":"listCase","_name":"delete"}]`},
		{Query: `[{"_name":"listCase"},{"_name":"page","from":0,"to":501}]`},
		{Query: `[{"_name":"listCase"}]`, Range: "0-501"},
		{Query: `[{"_name":"listCase"}]`, Range: "5-5"},
		{Query: `[{"_name":"listCase"}]`, Sort: []string{"a b"}},
		{Query: `[{"_name":"listCase"},{"_name":"count"}]`, Sort: []string{"a"}},
	} {
		if _, err := c.RawQuery(t.Context(), bad); !errors.Is(err, thehive.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if r := hive.Requests(); len(r) > 0 {
		t.Errorf("sent %q", r)
	}
	n, err := c.RawQuery(t.Context(), thehive.QueryInput{Query: `[{"_name":"listCase"},{"_name":"count"}]`})
	if err != nil || n.Count == nil || *n.Count != 20 {
		t.Errorf("count: %+v, %v", n, err)
	}
}

func FuzzRawQuery(f *testing.F) {
	f.Add(`[{"_name":"listCase"},{"_name":"filter","_eq":{"_field":"a","_value":1}}]`)
	f.Add(`[{"_name":"listCase","x":[{"_name":"deleteCase"}]}]`)
	f.Fuzz(func(t *testing.T, query string) {
		in := thehive.QueryInput{Query: query}
		if in.Validate() != nil {
			return
		}
		var steps []map[string]any
		if err := json.Unmarshal([]byte(query), &steps); err != nil {
			t.Fatalf("taken, and isn't a list of steps: %q", query)
		}
		name, _ := steps[0]["_name"].(string)
		if !regexp.MustCompile(`^(list|get)[A-Z]|^(countFreetags|currentUser|freetags|myTasks|tagAutoComplete|waitingTasks)$`).MatchString(name) {
			t.Errorf("%q begins with %q", query, name)
		}
	})
}

func TestQueriesAreBuiltAndRun(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	q := thehive.All(thehive.KindCase).Where(
		thehive.Or(thehive.StartsWith("title", "antivirus"), thehive.EndsWith("title", "intranet")),
		thehive.And(thehive.Gte("severity", 1), thehive.Lt("severity", thehive.High), thehive.Not(thehive.Eq("flag", true))),
		thehive.In("status", []string{"TruePositive", "Duplicated", "Other"}), thehive.Ne("tags", "none"), thehive.Has("summary"),
		thehive.Between("number", 1, 100), thehive.Lte("number", 100), thehive.Gt("number", 0), thehive.Like("title", "*a*"))
	n, err := thehive.Count(t.Context(), c, q)
	if err != nil || n != 3 {
		t.Errorf("count %d, %v", n, err)
	}
	cases, err := thehive.Fetch[*thehive.Case](t.Context(), c, q.Sort("number", thehive.Desc).Page(1, 1))
	if err != nil || len(cases) != 1 {
		t.Fatalf("got %+v, %v", cases, err)
	}
	if _, err := thehive.Fetch[*thehive.Case](t.Context(), c, q); !errors.Is(err, thehive.ErrInvalid) {
		t.Errorf("without a page: %v", err)
	}
	one, err := thehive.Fetch[*thehive.Task](t.Context(), c, thehive.One(thehive.KindCase, "2").To(thehive.HopTasks).Page(0, 9))
	if err != nil || len(one) != 2 {
		t.Errorf("tasks %+v, %v", one, err)
	}
}

func TestTriageShowsWhereElseTheObservablesAre(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	got, err := c.TriageAlert(t.Context(), thehive.TriageAlertInput{AlertID: thehivetest.NewAlert})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Observables) != 2 || got.Alert.ObservableCount != 2 || len(got.LeftOut) != 0 {
		t.Errorf("got %+v", got)
	}
	if len(got.Similar) != 1 || got.Similar[0].ID != thehivetest.BruteForceCase || got.Similar[0].Kind != "case" || got.Similar[0].Shared != 1 {
		t.Errorf("similar %+v", got.Similar)
	}
}

func TestMergingAnAlertIsLocked(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, _, ops := gated(t, hive)
	for op, in := range map[string]any{
		"thehive_merge_alert":   &thehive.MergeAlertInput{AlertID: thehivetest.NewAlert, CaseID: "1"},
		"thehive_promote_alert": &thehive.PromoteAlertInput{AlertID: thehivetest.NewAlert},
		"thehive_delete_alert":  &thehive.DeleteAlertInput{AlertID: thehivetest.NewAlert},
		"thehive_run_responder": &thehive.RunResponderInput{ResponderID: "f00d01", ObjectType: "alert", ObjectID: thehivetest.NewAlert},
	} {
		hive.Requests()
		if _, err := ops[op].Do(t.Context(), g.Guard, in); !errors.Is(err, gate.ErrRefused) {
			t.Errorf("%s with the switch off: %v", op, err)
		}
		if r := hive.Requests(); len(r) > 0 {
			t.Errorf("%s sent %q", op, r)
		}
	}
	g.Setenv("THEHIVE_ALLOW_DESTRUCTIVE_TOOLS", "1")
	in := &thehive.MergeAlertInput{AlertID: thehivetest.NewAlert, CaseID: "1"}
	p := propose(t, g, ops["thehive_merge_alert"], in)
	if w := strings.Join(p.Plan.Warnings, " "); !strings.Contains(w, "closed") || len(p.Plan.Targets) != 2 {
		t.Errorf("plan %+v", p.Plan)
	}
	g.Approve(p.ID)
	if _, err := ops["thehive_merge_alert"].Do(t.Context(), g.Guard, in); err != nil {
		t.Fatal(err)
	}
	if hive.Get(thehivetest.NewAlert)["caseId"] != thehivetest.BruteForceCase {
		t.Error("the alert isn't in the case")
	}
}

// TestNoWriteLeavesUnasked proposes each operation that changes something and
// sees that nothing but reads was sent.
func TestNoWriteLeavesUnasked(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	_, c, _ := gated(t, hive)
	hive.Requests()
	for name, err := range map[string]error{
		"update_case":    second(c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: "2", Title: "x"})),
		"assign":         second(c.AssignCase(t.Context(), thehive.AssignCaseInput{CaseID: "2", Owner: "lead@soc.example"})),
		"fields":         second(c.UpdateCaseCustomFields(t.Context(), thehive.UpdateCaseCustomFieldsInput{CaseID: "2", CustomFields: map[string]json.RawMessage{"hosts": json.RawMessage(`1`)}})),
		"tags":           second(c.RemoveCaseTags(t.Context(), thehive.RemoveCaseTagsInput{CaseID: "2", Tags: []string{"phishing"}})),
		"flag":           second(c.SetCaseFlag(t.Context(), thehive.SetCaseFlagInput{CaseID: "2", Flag: true})),
		"bulk_assign":    second(c.BulkAssignCases(t.Context(), thehive.BulkAssignCasesInput{CaseIDs: []string{"2"}, Owner: "lead@soc.example"})),
		"merge":          second(c.MergeCases(t.Context(), thehive.MergeCasesInput{CaseIDs: []string{"2", "3"}})),
		"update_alert":   second(c.UpdateAlert(t.Context(), thehive.UpdateAlertInput{AlertID: thehivetest.NewAlert, Title: "x"})),
		"promote":        second(c.PromoteAlert(t.Context(), thehive.PromoteAlertInput{AlertID: thehivetest.NewAlert})),
		"delete_alert":   second(c.DeleteAlert(t.Context(), thehive.DeleteAlertInput{AlertID: thehivetest.NewAlert})),
		"merge_alert":    second(c.MergeAlert(t.Context(), thehive.MergeAlertInput{AlertID: thehivetest.NewAlert, CaseID: "2"})),
		"alert_comment":  second(c.CreateAlertComment(t.Context(), thehive.CreateAlertCommentInput{AlertID: thehivetest.NewAlert, Message: "x"})),
		"procedure":      second(c.AddProcedure(t.Context(), thehive.AddProcedureInput{CaseID: "2", PatternID: "T1110", OccurDate: 1767225600000})),
		"template":       second(c.ApplyCaseTemplate(t.Context(), thehive.ApplyCaseTemplateInput{CaseID: "2", Template: "phishing"})),
		"update_task":    second(c.UpdateTask(t.Context(), thehive.UpdateTaskInput{TaskID: thehivetest.PhishingTask, Title: "x"})),
		"observable":     second(c.CreateObservable(t.Context(), thehive.CreateObservableInput{CaseID: "2", DataType: "ip", Data: "203.0.113.1"})),
		"update_observe": second(c.UpdateObservable(t.Context(), thehive.UpdateObservableInput{ObservableID: thehivetest.DomainObservable, ObservableMarks: thehive.ObservableMarks{IOC: ptr(false)}})),
		"analyzer":       second(c.RunAnalyzer(t.Context(), thehive.RunAnalyzerInput{AnalyzerID: "a1b2c3", CortexID: thehivetest.CortexID, ObservableID: thehivetest.AttackerObservable})),
		"responder":      second(c.RunResponder(t.Context(), thehive.RunResponderInput{ResponderID: "f00d01", ObjectType: "alert", ObjectID: thehivetest.NewAlert})),
		"attachment":     second(c.AddAttachment(t.Context(), thehive.AddAttachmentInput{CaseID: "2", FileSource: thehive.FileSource{FileBase64: []byte("x"), Filename: "a"}})),
	} {
		if !errors.Is(err, gate.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, r := range hive.Requests() {
		if !strings.HasPrefix(r, "GET ") && r != "POST /api/v1/query" {
			t.Errorf("sent %s", r)
		}
	}
}

func TestInputsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	for name, err := range map[string]error{
		"task":            second(c.UpdateTask(t.Context(), thehive.UpdateTaskInput{TaskID: thehivetest.PhishingTask})),
		"due":             second(c.UpdateTask(t.Context(), thehive.UpdateTaskInput{TaskID: thehivetest.PhishingTask, DueDate: 5})),
		"alert":           second(c.UpdateAlert(t.Context(), thehive.UpdateAlertInput{AlertID: thehivetest.NewAlert})),
		"alert tags":      second(c.UpdateAlert(t.Context(), thehive.UpdateAlertInput{AlertID: thehivetest.NewAlert, Tags: &[]string{"a"}, AddTags: []string{"b"}})),
		"alerts":          second(c.BulkUpdateAlerts(t.Context(), thehive.BulkUpdateAlertsInput{AlertIDs: []string{"~1"}})),
		"observable":      second(c.UpdateObservable(t.Context(), thehive.UpdateObservableInput{ObservableID: "~1"})),
		"fields":          second(c.UpdateCaseCustomFields(t.Context(), thehive.UpdateCaseCustomFieldsInput{CaseID: "2"})),
		"bulk twice":      second(c.BulkAssignCases(t.Context(), thehive.BulkAssignCasesInput{CaseIDs: []string{"2", "2"}, Owner: "x"})),
		"bulk none":       second(c.BulkAssignCases(t.Context(), thehive.BulkAssignCasesInput{Owner: "x"})),
		"bulk no summary": second(c.BulkCloseCases(t.Context(), thehive.BulkCloseCasesInput{CaseIDs: []string{"2"}, Status: "Other", Summary: " "})),
		"bulk no close":   second(c.BulkCloseCases(t.Context(), thehive.BulkCloseCasesInput{CaseIDs: []string{"2"}, Status: "InProgress", Summary: "x"})),
		"procedure":       second(c.AddProcedure(t.Context(), thehive.AddProcedureInput{CaseID: "2", AlertID: "~1", PatternID: "T1110", OccurDate: 1767225600000})),
		"technique":       second(c.AddProcedure(t.Context(), thehive.AddProcedureInput{CaseID: "2", PatternID: "brute force", OccurDate: 1767225600000})),
		"template":        second(c.ApplyCaseTemplate(t.Context(), thehive.ApplyCaseTemplateInput{CaseID: "2", Template: "nope"})),
		"dates":           second(c.ListAlerts(t.Context(), thehive.ListAlertsInput{After: 5})),
		"case dates":      second(c.ListCases(t.Context(), thehive.ListCasesInput{Before: 5})),
		"responder":       second(c.RunResponder(t.Context(), thehive.RunResponderInput{ResponderID: "nope", ObjectType: "case", ObjectID: thehivetest.PhishingCase})),
	} {
		if !errors.Is(err, thehive.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUpdatesChangeWhatTheySay(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	cs, err := c.UpdateCase(t.Context(), thehive.UpdateCaseInput{CaseID: "2", Description: ptr(""), Tags: &[]string{}, Flag: ptr(true), CustomFields: map[string]json.RawMessage{"hosts": json.RawMessage(`1`)}})
	if err != nil || cs.Description != "" || len(cs.Tags) != 0 || !cs.Flag || cs.Title == "" {
		t.Errorf("case %+v, %v", cs, err)
	}
	cs, err = c.UpdateCaseCustomFields(t.Context(), thehive.UpdateCaseCustomFieldsInput{CaseID: "2", CustomFields: map[string]json.RawMessage{"site": json.RawMessage(`"x"`)}})
	if err != nil || len(cs.CustomFields) != 2 {
		t.Errorf("the other field is gone: %s, %v", cs.CustomFields, err)
	}
	task, err := c.UpdateTask(t.Context(), thehive.UpdateTaskInput{TaskID: thehivetest.PhishingTask, Status: thehive.TaskCompleted, Order: ptr(0), Flag: ptr(false)})
	if err != nil || task.Status != thehive.TaskCompleted {
		t.Errorf("task %+v, %v", task, err)
	}
	o, err := c.UpdateObservable(t.Context(), thehive.UpdateObservableInput{ObservableID: thehivetest.DomainObservable, ObservableMarks: thehive.ObservableMarks{IOC: ptr(false), Sighted: ptr(true), AddTags: []string{"seen"}}})
	if err != nil || o.IOC || !o.Sighted || len(o.Tags) != 1 {
		t.Errorf("observable %+v, %v", o, err)
	}
	after, err := c.ApplyCaseTemplate(t.Context(), thehive.ApplyCaseTemplateInput{CaseID: "2", Template: "phishing", UpdateTags: true})
	if err != nil || len(after.Tags) != 1 {
		t.Errorf("template %+v, %v", after, err)
	}
	if p, err := c.ListTasks(t.Context(), thehive.ListTasksInput{CaseID: "2", Status: thehive.TaskWaiting}); err != nil || p.Total != 2 {
		t.Errorf("tasks %+v, %v", p, err)
	}
	for _, in := range []thehive.AddProcedureInput{{CaseID: "2", PatternID: "T1566", OccurDate: 1767225600000}, {AlertID: thehivetest.NewAlert, PatternID: "T1110", OccurDate: 1767225600000}} {
		if p, err := c.AddProcedure(t.Context(), in); err != nil || p.PatternID != in.PatternID {
			t.Errorf("procedure %+v, %v", p, err)
		}
	}
	list, err := c.ListResponders(t.Context(), thehive.ListRespondersInput{ObjectType: thehive.ObjectAlert, ObjectID: thehivetest.NewAlert})
	if err != nil || len(list.Responders) != 1 {
		t.Fatalf("responders %+v, %v", list, err)
	}
	a, err := c.RunResponder(t.Context(), thehive.RunResponderInput{ResponderID: "Mailer_1_0", ObjectType: thehive.ObjectAlert, ObjectID: thehivetest.NewAlert})
	if err != nil || a.ObjectID != thehivetest.NewAlert {
		t.Errorf("action %+v, %v", a, err)
	}
	list, err = c.ListResponders(t.Context(), thehive.ListRespondersInput{ObjectType: thehive.ObjectAlert, ObjectID: thehivetest.NewAlert})
	if err != nil || len(list.Actions) != 1 || list.Actions[0].Status != thehive.JobSuccess {
		t.Errorf("actions %+v, %v", list, err)
	}
}

func TestACancelledBulkSaysWhatWasNotSent(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := hive.Client(func(cfg *thehive.Config) {
		cfg.Transport = transport(func(r *http.Request) (*http.Response, error) {
			res, err := http.DefaultTransport.RoundTrip(r)
			if r.Method == http.MethodPatch {
				cancel()
			}
			return res, err
		})
	})
	ids := []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}
	out, err := c.BulkAssignCases(ctx, thehive.BulkAssignCasesInput{CaseIDs: ids, Owner: "lead@soc.example"})
	if err != nil {
		t.Fatalf("what was done is lost: %v", err)
	}
	unsent := 0
	for _, r := range out.Results {
		if strings.Contains(r.Error, "not sent") {
			unsent++
		}
	}
	if len(out.Results) != 10 || unsent == 0 || out.Succeeded+out.Failed != 10 {
		t.Errorf("got %+v", out)
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	hive.Add("CaseStatus", "", Object{"value": "Escalated", "stage": "InProgress"})
	hive.Set(thehivetest.PhishingCase, Object{"status": "Escalated"})
	g, c, _ := gated(t, hive)
	want := map[string]func(any) bool{
		"thehive://cases/open":   func(v any) bool { return v.(*thehive.CasePage).Total == 4 },
		"thehive://alerts/new":   func(v any) bool { return v.(*thehive.AlertPage).Total == 1 },
		"thehive://user/current": func(v any) bool { return v.(*thehive.User).Login == "analyst@soc.example" },
	}
	for _, r := range c.Resources() {
		res, err := r.Op.Do(t.Context(), g.Guard, r.In)
		if err != nil || r.Op.Tier() != gate.TierRead || want[r.URI] == nil || !want[r.URI](res.Out) {
			t.Errorf("%s: %+v, %v", r.URI, res, err)
		}
		delete(want, r.URI)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

func TestPrompts(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, p := range thehivetest.New(t).Client().Prompts() {
		names[p.Name] = true
		if p.Name != "incident-response" {
			continue
		}
		text, err := p.Text(map[string]string{"title": "Ransom note", "severity": "critical"})
		if err != nil || !strings.Contains(text, `"Ransom note"`) || strings.Count(text, "severity 4") != 2 {
			t.Errorf("%v:\n%s", err, text)
		}
		if _, err := p.Text(map[string]string{"title": "x", "severity": "huge"}); !errors.Is(err, thehive.ErrInvalid) {
			t.Errorf("severity: %v", err)
		}
	}
	for _, n := range []string{"case-summary", "alert-triage", "incident-response"} {
		if !names[n] {
			t.Errorf("no prompt %s", n)
		}
	}
}

func TestClosingNamesMandatoryTasks(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g, _, ops := gated(t, hive)
	hive.Set(thehivetest.PhishingTask, Object{"mandatory": true})
	p := propose(t, g, ops["thehive_close_case"], &thehive.CloseCaseInput{CaseID: "2", Status: "Other", Summary: "x"})
	if w := strings.Join(p.Plan.Warnings, " "); !strings.Contains(w, "(Waiting, mandatory)") {
		t.Errorf("warnings %q", w)
	}
}

func TestTheTimelineMarksWhatWasOurs(t *testing.T) {
	t.Parallel()
	c := thehivetest.New(t).Client()
	tl, err := c.CaseTimelineSummary(t.Context(), thehive.CaseTimelineSummaryInput{CaseID: "2"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range tl.Events {
		if e.Ours != (e.By == "analyst@soc.example") {
			t.Errorf("%s by %s: ours=%v", e.Kind, e.By, e.Ours)
		}
	}
}

func TestAgentsReachResourcesAndPrompts(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	g := mcptest.Guard(t)
	c := hive.Client(func(cfg *thehive.Config) { cfg.Guard = g })
	s := mcpadapter.New(g, mcpadapter.Options{Name: "thehive"})
	if err := s.AddResources(c.Resources()...); err != nil {
		t.Error(err)
	}
	if err := s.AddPrompts(c.Prompts()...); err != nil {
		t.Error(err)
	}
}

func BenchmarkListCases(b *testing.B) {
	hive := thehivetest.New(b)
	hive.AddCases(500, Object{"title": "Noise", "description": strings.Repeat("x", 500), "tags": []string{"a", "b"}})
	c := hive.Client()
	for b.Loop() {
		if p, err := c.ListCases(b.Context(), thehive.ListCasesInput{Limit: 500}); err != nil || len(p.Cases) != 500 {
			b.Fatal(err)
		}
	}
}

func TestStatusesAreKeptForSecondsAndNewOnesFound(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	list := func(status string) (requests int, err error) {
		hive.Requests()
		_, err = c.ListCases(t.Context(), thehive.ListCasesInput{Status: status})
		return len(hive.Requests()), err
	}
	if _, err := list("Ours"); !errors.Is(err, thehive.ErrInvalid) {
		t.Fatalf("a status that isn't there: %v", err)
	}
	hive.Add("CaseStatus", "", Object{"value": "Ours", "stage": "InProgress"})
	if _, err := list("Ours"); err != nil {
		t.Fatalf("a status that is new: %v", err)
	}
	if kept, err := list("Ours"); err != nil || kept != 1 {
		t.Errorf("%d requests, %v; want the list's alone", kept, err)
	}
	if _, err := c.Do(t.Context(), "GET", "/api/v1/user/current", nil); err != nil {
		t.Fatal(err)
	}
	if again, err := list("Ours"); err != nil || again != 2 {
		t.Errorf("%d requests behind one that nobody here knows, %v; want one for the statuses too", again, err)
	}
}
