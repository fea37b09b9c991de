package cortex_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
)

// The points of the list of what is easily got wrong with Cortex, by number.

func TestAllAnalyzersAreListedAndNotTen(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	for i := range 234 {
		s.AddAnalyzer(cortextest.Worker{Name: fmt.Sprintf("Another_%03d_0", i), DataTypes: []string{"another"}})
	}
	c := s.Client()
	list, err := c.ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{})
	if err != nil || list.Total != 250 || len(list.Analyzers) != 250 {
		t.Fatalf("%d of %d analyzers, %v", len(list.Analyzers), list.Total, err)
	}
	if _, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: "Another_233_0", DataType: "another", Data: "x"}); err != nil {
		t.Errorf("the last one by name: %v", err)
	}
	for i := range 20 {
		if _, err := c.CreateUser(t.Context(), cortex.CreateUserInput{Login: fmt.Sprintf("u%d", i), Name: "U", Organisation: "soc", Roles: []cortex.Role{"read"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.CreateOrganisation(t.Context(), cortex.CreateOrganisationInput{Name: fmt.Sprintf("o%d", i), Description: "d"}); err != nil {
			t.Fatal(err)
		}
		s.AddResponder(cortextest.Worker{Name: fmt.Sprintf("R_%d_0", i), DataTypes: []string{"thehive:alert"}})
	}
	users, uerr := c.ListUsers(t.Context(), cortex.ListUsersInput{})
	orgs, oerr := c.ListOrganisations(t.Context(), cortex.ListOrganisationsInput{})
	responders, rerr := c.ListResponders(t.Context(), cortex.ListRespondersInput{})
	if err := errors.Join(uerr, oerr, rerr); err != nil || len(users.Users) != 24 || len(orgs.Organisations) != 22 || len(responders.Responders) != 22 {
		t.Errorf("%d users, %d organisations, %d responders, %v", len(users.Users), len(orgs.Organisations), len(responders.Responders), err)
	}
	finds := func(string, string) (a cortextest.Answer) {
		for i := range 30 {
			a.Artifacts = append(a.Artifacts, cortextest.Artifact{DataType: "ip", Data: fmt.Sprintf("203.0.113.%d", i)})
		}
		return a
	}
	s.AddAnalyzer(cortextest.Worker{Name: "Thorough_1_0", DataTypes: []string{"ip"}, Answer: finds})
	job, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: "Thorough", DataType: "ip", Data: "8.8.8.8"})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := c.GetJobArtifacts(t.Context(), cortex.GetJobArtifactsInput{JobID: job.JobID}); err != nil || found.Total != 30 {
		t.Errorf("artifacts: %+v, %v", found, err)
	}
}

func TestWithoutAFilterAllJobsAreListed(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	var asked struct {
		Query json.RawMessage
		Range string
		Sort  []string
	}
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "_search") {
			b, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(b)))
			if err := json.Unmarshal(b, &asked); err != nil {
				t.Error(err)
			}
		}
		return false
	})
	p, err := s.Client().ListJobs(t.Context(), cortex.ListJobsInput{})
	if err != nil || len(p.Jobs) != 2 {
		t.Errorf("%+v, %v", p, err)
	}
	if string(asked.Query) != `{"_any":"*"}` || asked.Range != "0-50" || !slices.Equal(asked.Sort, []string{"-createdAt"}) {
		t.Errorf("asked %s %s %v", asked.Query, asked.Range, asked.Sort)
	}
}

func TestJobsAreFoundByTheAttributeThatIsStored(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	p, err := s.Client().ListJobs(t.Context(), cortex.ListJobsInput{AnalyzerName: "MaxMind_GeoIP_4_0"})
	if err != nil || len(p.Jobs) != 1 || p.Jobs[0].Worker != "MaxMind_GeoIP_4_0" {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestCleanupFindsTheOldestJobs(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	many(s, 700, time.Now())
	old := s.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "8.8.8.8", Created: time.Now().AddDate(0, 0, -40)})
	c := s.Client()
	out, err := c.CleanupJobs(t.Context(), cortex.CleanupJobsInput{OlderThanDays: 30, Limit: 10})
	if err != nil || len(out.Jobs) != 1 || out.Jobs[0].ID != old[0] || *out.Matching != 1 {
		t.Errorf("%+v, %v", out, err)
	}
	if _, err := c.CleanupJobs(t.Context(), cortex.CleanupJobsInput{Status: "Deleted"}); !errors.Is(err, cortex.ErrInvalid) {
		t.Errorf("a status that can't be found: %v", err)
	}
}

func TestAFileIsSubmittedAsAFormWithAPlainField(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	var fields []string
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if kind != "multipart/form-data" {
			return false
		}
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(b)))
		for parts := multipart.NewReader(strings.NewReader(string(b)), params["boundary"]); ; {
			p, err := parts.NextPart()
			if err != nil {
				return false
			}
			content, _ := io.ReadAll(p)
			fields = append(fields, p.FormName()+"|"+p.FileName()+"|"+p.Header.Get("Content-Type")+"|"+string(content))
		}
	})
	_, err := s.Client().RunAnalyzerFile(t.Context(), cortex.RunAnalyzerFileInput{AnalyzerID: fileInfo, FileBase64: []byte(sample), Filename: "a.pdf"})
	want := []string{`_json|||{"dataType":"file","tlp":2,"pap":2}`, "attachment|a.pdf|application/octet-stream|" + sample}
	if diff := cmp.Diff(want, fields); err != nil || diff != "" {
		t.Errorf("%v, parts (-want +got):\n%s", err, diff)
	}
}

func TestAResponderGetsTheEntity(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	job, err := s.Client().RunResponder(t.Context(), cortex.RunResponderInput{
		ResponderID: "Mailer_1_0", ObjectType: cortex.ObjectCase, ObjectID: "~4096", Data: json.RawMessage(thecase),
	})
	if err != nil || job.ResponderName != "Mailer_1_0" || job.ResponderID == "" {
		t.Fatalf("%+v, %v", job, err)
	}
	got := s.Submissions()
	var entity map[string]any
	if len(got) != 1 || got[0].DataType != "thehive:case" || json.Unmarshal([]byte(got[0].Data), &entity) != nil || entity["title"] != "Brute force" {
		t.Errorf("submitted %+v", got)
	}
}

func TestWaitingEndsWithTheJobDespiteTheRace(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.SetWaitRace(true)
	s.SetDelay(300 * time.Millisecond)
	c := s.Client()
	job, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: "MaxMind", DataType: "ip", Data: "8.8.8.8"})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r, err := c.WaitAndGetReport(t.Context(), cortex.WaitAndGetReportInput{JobID: job.JobID, Timeout: 300})
	if err != nil || !r.Finished {
		t.Fatalf("%+v, %v", r, err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
	for _, asked := range s.Requests() {
		if u, err := url.Parse(strings.TrimPrefix(asked, "GET ")); err == nil && u.Query().Get("atMost") == "300second" {
			t.Errorf("asked %s", asked)
		}
	}
}

func TestNoSecretComesOutOfAnyRead(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client(administrator(t.TempDir()))
	a, err := c.AnalyzeObservable(t.Context(), cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{cortextest.AlwaysFails}})
	if err != nil {
		t.Fatal(err)
	}
	var out []any
	keep := func(v any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	keep(c.GetAnalyzer(t.Context(), cortex.GetAnalyzerInput{AnalyzerID: cortextest.AnalyzerID("VirusTotal_Scan_3_1")}))
	keep(c.ListResponders(t.Context(), cortex.ListRespondersInput{}))
	keep(c.GetJob(t.Context(), cortex.GetJobInput{JobID: a.JobIDs[0]}))
	keep(c.GetJobReport(t.Context(), cortex.GetJobReportInput{JobID: a.JobIDs[0]}))
	keep(c.ListJobs(t.Context(), cortex.ListJobsInput{Status: "Failure"}))
	keep(c.CleanupJobs(t.Context(), cortex.CleanupJobsInput{Status: "Failure"}))
	keep(c.ListAnalyzerDefinitions(t.Context(), cortex.ListAnalyzerDefinitionsInput{}))
	keep(c.EnableAnalyzer(t.Context(), cortex.EnableAnalyzerInput{EnableInput: cortex.EnableInput{DefinitionID: cortextest.FreeDefinition}}))
	keep(c.ListUsers(t.Context(), cortex.ListUsersInput{}))
	keep(c.GetUserKey(t.Context(), cortex.GetUserKeyInput{UserID: "reader@soc.example"}))
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{cortextest.Secret, cortextest.Key, cortextest.AdminKey, cortextest.ReadKey, cortextest.SuperadminKey} {
		if i := strings.Index(string(b), secret); i >= 0 {
			t.Errorf("a secret came out: …%s…", b[max(0, i-200):i+10])
		}
	}
	if !strings.Contains(string(b), "Max retries exceeded") {
		t.Error("the reason of the failure was lost")
	}
}

func TestWhatDestroysIsLocked(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s, administrator(t.TempDir()))
	g.Setenv("CORTEX_SUPERADMIN_KEY", "set")
	g.Setenv("CORTEX_ALLOW_DESTRUCTIVE", "1")
	want := map[string]gate.Tier{}
	for name, args := range map[string]string{
		"cortex_disable_analyzer":    `{"analyzerId":"` + cortextest.AnalyzerID("MISP_2_1") + `","confirm":true}`,
		"cortex_disable_responder":   `{"responderId":"` + cortextest.ResponderID("Mailer_1_0") + `","confirm":true}`,
		"cortex_delete_job":          `{"jobId":"` + cortextest.SeededJob + `","confirm":true}`,
		"cortex_renew_user_key":      `{"userId":"reader@soc.example"}`,
		"cortex_get_user_key":        `{"userId":"reader@soc.example"}`,
		"cortex_update_organization": `{"orgId":"soc","status":"Locked"}`,
		"cortex_create_user":         `{"login":"x","name":"X","organization":"cortex","roles":["superadmin"]}`,
		"cortex_create_organization": `{"name":"x","description":"X"}`,
		"cortex_enable_analyzer":     `{"definitionId":"` + cortextest.FreeDefinition + `"}`,
		"cortex_enable_responder":    `{"definitionId":"` + cortextest.ResponderDefinition + `","configuration":{"zone":"z"}}`,
		"cortex_run_analyzer_file":   `{"analyzerId":"` + fileInfo + `","fileBase64":"TVo=","filename":"x"}`,
		"cortex_run_responder":       `{"responderId":"Mailer_1_0","objectType":"case","objectId":"~4096","data":` + thecase + `,"confirm":true}`,
	} {
		s.Requests()
		res, err := do(t, g, ops[name], args)
		if err != nil || res.State != gate.StatePending {
			t.Errorf("%s: %+v, %v", name, res, err)
			continue
		}
		for _, r := range s.Requests() {
			if !strings.HasPrefix(r, "GET ") {
				t.Errorf("%s sent %s before the approval", name, r)
			}
		}
		want[name] = ops[name].Tier()
	}
	for name, op := range ops {
		if _, asked := want[name]; op.Tier() == gate.TierDestructive && !asked && name != "cortex_cleanup_jobs" {
			t.Errorf("%s destroys and is not tried here", name)
		}
	}
}

func TestADataTypeOfTheServersOwnIsTaken(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.AddAnalyzer(cortextest.Worker{Name: "Own_1_0", DataTypes: []string{"asn", "uri_path", "mail_subject"}})
	c := s.Client()
	for dataType, data := range map[string]string{"asn": "64500", "uri_path": "/index.php", "mail_subject": "You have won"} {
		if _, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: "Own", DataType: dataType, Data: data}); err != nil {
			t.Errorf("%s: %v", dataType, err)
		}
	}
}

func TestEveryRateUnitOfCortexIsTaken(t *testing.T) {
	t.Parallel()
	c := cortextest.New(t).Client(administrator(""))
	for _, unit := range []cortex.RateUnit{"Second", "Minute", "Hour", "Day", "Month"} {
		w, err := c.EnableAnalyzer(t.Context(), cortex.EnableAnalyzerInput{EnableInput: cortex.EnableInput{DefinitionID: cortextest.FreeDefinition, RateUnit: unit}})
		if err != nil {
			t.Fatalf("%s: %v", unit, err)
		}
		got, err := c.GetAnalyzer(t.Context(), cortex.GetAnalyzerInput{AnalyzerID: w.ID})
		if err != nil || got.RateUnit != string(unit) || got.Rate != 100 {
			t.Errorf("%s: %+v, %v", unit, got, err)
		}
		if _, err := c.DisableAnalyzer(t.Context(), cortex.DisableAnalyzerInput{AnalyzerID: w.ID}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForceParametersLabelAndCacheHits(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	in := cortex.RunAnalyzerByNameInput{
		AnalyzerName: "MaxMind", DataType: "ip", Data: "8.8.8.8", Label: "l", Parameters: map[string]json.RawMessage{"deep": json.RawMessage("true")},
	}
	first, err := c.RunAnalyzerByName(t.Context(), in)
	if err != nil || first.FromCache {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := c.RunAnalyzerByName(t.Context(), in)
	if err != nil || !again.FromCache || again.JobID != first.JobID || again.Status != cortex.StatusSuccess || !strings.Contains(again.Note, "force") {
		t.Errorf("%+v, %v", again, err)
	}
	in.Force = true
	if forced, err := c.RunAnalyzerByName(t.Context(), in); err != nil || forced.FromCache || forced.JobID == first.JobID {
		t.Errorf("%+v, %v", forced, err)
	}
	if got := s.Submissions(); got[0].Label != "l" || got[0].Parameters != `{"deep":true}` {
		t.Errorf("submitted %+v", got)
	}
	w, err := s.Client(administrator("")).GetAnalyzer(t.Context(), cortex.GetAnalyzerInput{AnalyzerID: cortextest.AnalyzerID("MISP_2_1")})
	if err != nil || w.MaxTLP == nil || *w.MaxTLP != cortex.TLPAmber || w.MaxPAP == nil {
		t.Errorf("the limits out of the configuration: %+v, %v", w, err)
	}
}

func TestADefinitionIsFoundInTheListAndNotAtARouteOfItsOwn(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s, administrator(""))
	if _, err := do(t, g, ops["cortex_enable_analyzer"], `{"definitionId":"`+cortextest.FreeDefinition+`"}`); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GET /api/analyzerdefinition", "GET /api/analyzer?range=all"}, s.Requests()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestAnAnalysisTellsItsJobsAndWhenTheyAnswered(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	in := cortex.AnalyzeObservableInput{Data: attacker, Analyzers: []string{"AbuseIPDB", "MaxMind"}}
	for _, cached := range []bool{false, true} {
		a, err := c.AnalyzeObservable(t.Context(), in)
		if err != nil || len(a.JobIDs) != 2 {
			t.Fatalf("%+v, %v", a, err)
		}
		for _, r := range a.Results {
			if r.JobID == "" || r.EndDate.IsZero() || r.FromCache != cached {
				t.Errorf("%+v", r)
			}
		}
	}
}

func TestALockedAccountIsTold(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	if _, err := c.UpdateOrganisation(t.Context(), cortex.UpdateOrganisationInput{OrgID: "soc", Status: cortex.OrganisationLocked}); err != nil {
		t.Fatal(err)
	}
	st, err := c.GetStatus(t.Context(), cortex.GetStatusInput{})
	if err != nil || st.Healthy || st.Problem == "" {
		t.Errorf("%+v, %v", st, err)
	}
	if _, err := c.ListAnalyzers(t.Context(), cortex.ListAnalyzersInput{}); !errors.Is(err, cortex.ErrUnauthorized) || !strings.Contains(err.Error(), "locked") {
		t.Errorf("%v", err)
	}
}

func TestOneWrongSettingIsInvalidThoughCortexSays500(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, `{"type":"org.elastic4play.MissingAttributeError","message":"Attribute key is missing"}`)
		return true
	})
	_, err := s.Client(administrator("")).EnableAnalyzer(t.Context(), cortex.EnableAnalyzerInput{EnableInput: cortex.EnableInput{DefinitionID: cortextest.FreeDefinition}})
	if !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), "Attribute key is missing") {
		t.Errorf("%v", err)
	}
}
