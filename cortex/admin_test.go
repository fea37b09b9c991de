package cortex_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
)

// administrator lets a client enable analyzers and store keys in dir.
func administrator(dir string) func(*cortex.Config) {
	return func(cfg *cortex.Config) { cfg.APIKey, cfg.KeyDir = cortextest.AdminKey, dir }
}

func TestOrganisationsAndUsersNeedTheSuperadminKey(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	calls := map[string]string{
		"cortex_list_organizations":  `{}`,
		"cortex_get_organization":    `{"orgId":"soc"}`,
		"cortex_create_organization": `{"name":"x","description":"y"}`,
		"cortex_update_organization": `{"orgId":"soc","status":"Locked"}`,
		"cortex_list_users":          `{}`,
		"cortex_get_user":            `{"userId":"reader@soc.example"}`,
		"cortex_create_user":         `{"login":"a","name":"b","organization":"soc","roles":["read"]}`,
		"cortex_renew_user_key":      `{"userId":"reader@soc.example"}`,
		"cortex_get_user_key":        `{"userId":"reader@soc.example"}`,
	}
	for name, args := range calls {
		if _, err := do(t, g, ops[name], args); refusal(err) != gate.ReasonNotAvailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	without, bare := guarded(t, s, func(cfg *cortex.Config) { cfg.SuperadminKey = "" })
	without.Setenv("CORTEX_SUPERADMIN_KEY", "set elsewhere")
	for name, args := range calls {
		if _, err := do(t, without, bare[name], args); !errors.Is(err, cortex.ErrNotConfigured) {
			t.Errorf("%s without a key in the client: %v", name, err)
		}
	}
	if got := s.Requests(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
}

func TestOrganisations(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	g.Setenv("CORTEX_SUPERADMIN_KEY", "set")
	approved := func(op, args string) *gate.Result {
		t.Helper()
		res, err := do(t, g, ops[op], args)
		if err != nil || res.State != gate.StatePending {
			t.Fatalf("%s: %+v, %v", op, res, err)
		}
		g.Approve(res.Proposal.ID)
		if res, err = do(t, g, ops[op], args); err != nil || res.State != gate.StateExecuted {
			t.Fatalf("%s: %+v, %v", op, res, err)
		}
		return res
	}
	approved("cortex_create_organization", `{"name":"The lab","description":"For trying"}`)
	res := approved("cortex_update_organization", `{"orgId":"The lab","status":"Locked"}`)
	if o := res.Out.(*cortex.Organisation); o.Status != cortex.OrganisationLocked || o.Description != "For trying" {
		t.Errorf("what was left out changed: %+v", o)
	}
	if p := res.Proposal.Plan; len(p.Changes) != 1 || p.Changes[0].Before != "Active" || len(p.Warnings) != 1 {
		t.Errorf("plan %+v", p)
	}
	if !strings.Contains(res.Proposal.Upstream, "key") {
		t.Errorf("upstream %q", res.Proposal.Upstream)
	}
	list, err := s.Client().ListOrganisations(t.Context(), cortex.ListOrganisationsInput{})
	if err != nil || list.Total != 3 || list.Organisations[2].Name != "The lab" {
		t.Errorf("%+v, %v", list, err)
	}
	for args, want := range map[string]string{
		`{"orgId":"soc"}`:                       "description or status is needed",
		`{"orgId":"soc","status":"Closed"}`:     "want one of Active, Locked",
		`{"orgId":"soc","description":" "}`:     "description is empty",
		`{"orgId":"cortex","status":"Locked"}`:  "its own organisation",
		`{"orgId":"nothing","status":"Locked"}`: "organization nothing not found",
		`{"orgId":"../user","status":"Locked"}`: "separator",
	} {
		if _, err := do(t, g, ops["cortex_update_organization"], args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	for args, want := range map[string]string{
		`{"name":"soc","description":"x"}`: "already", `{"name":"a/b","description":"x"}`: "separators", `{"name":"a","description":""}`: "description",
	} {
		if _, err := do(t, g, ops["cortex_create_organization"], args); !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

func TestAnOrganisationThatChangedMakesTheApprovalStale(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	g.Setenv("CORTEX_SUPERADMIN_KEY", "set")
	op, args := ops["cortex_update_organization"], `{"orgId":"soc","description":"mine"}`
	res, err := do(t, g, op, args)
	if err != nil {
		t.Fatal(err)
	}
	g.Approve(res.Proposal.ID)
	if _, err := s.Client().UpdateOrganisation(t.Context(), cortex.UpdateOrganisationInput{OrgID: "soc", Description: ptr("somebody else's")}); err != nil {
		t.Fatal(err)
	}
	if res, err = do(t, g, op, args); err != nil || res.State != gate.StatePending {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestCreateUser(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	g.Setenv("CORTEX_SUPERADMIN_KEY", "set")
	op, args := ops["cortex_create_user"], `{"login":"bot@soc.example","name":"Bot","organization":"soc","roles":["read","orgadmin"]}`
	res, err := do(t, g, op, args)
	if err != nil || res.State != gate.StatePending || len(res.Proposal.Plan.Warnings) != 2 || res.Proposal.Plan.Undo != "" {
		t.Fatalf("%+v, %v", res, err)
	}
	g.Approve(res.Proposal.ID)
	if res, err = do(t, g, op, args); err != nil || res.State != gate.StateExecuted {
		t.Fatalf("%+v, %v", res, err)
	}
	got, err := s.Client().GetUser(t.Context(), cortex.GetUserInput{UserID: "bot@soc.example"})
	want := &cortex.User{ID: "bot@soc.example", Name: "Bot", Organisation: "soc", Roles: []cortex.Role{"read", "orgadmin"}, Status: "Ok"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v, user (-want +got):\n%s", err, diff)
	}
	list, err := s.Client().ListUsers(t.Context(), cortex.ListUsersInput{})
	if err != nil || list.Total != 5 {
		t.Errorf("%+v, %v", list, err)
	}
	s.Requests()
	for args, want := range map[string]string{
		`{"login":"x","name":"X","organization":"soc","roles":["read"],"password":"hunter2hunter2"}`: "password is not taken",
		`{"login":"x y","name":"X","organization":"soc","roles":["read"]}`:                           "login",
		`{"login":"x","name":"X","organization":"soc","roles":[]}`:                                   "roles: want at least 1",
		`{"login":"x","name":"X","organization":"soc","roles":["root"]}`:                             "roles[0]",
		`{"login":"x","name":" ","organization":"soc","roles":["read"]}`:                             "name is empty",
		`{"login":"x","name":"X","organization":"a/b","roles":["read"]}`:                             "organization",
	} {
		_, err := do(t, g, op, args)
		if !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	if r := s.Requests(); len(r) != 0 {
		t.Errorf("sent %v", r)
	}
	for args, want := range map[string]string{
		`{"login":"bot@soc.example","name":"X","organization":"soc","roles":["read"]}`: "already",
		`{"login":"x","name":"X","organization":"nowhere","roles":["read"]}`:           "organization nowhere not found",
	} {
		if _, err := do(t, g, op, args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
	if b := journal(t, g.Dir()); strings.Contains(b, "hunter2") {
		t.Error("a password is in the journal")
	}
}

// journal is all that a gate has written.
func journal(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestKeysAreWrittenToAFileAndReturnedNowhere(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	dir := t.TempDir()
	g, ops := guarded(t, s, administrator(dir))
	g.Setenv("CORTEX_SUPERADMIN_KEY", "set")
	var said strings.Builder
	run := func(op string) {
		t.Helper()
		args := `{"userId":"reader@soc.example"}`
		res, err := do(t, g, ops[op], args)
		if err != nil || res.State != gate.StatePending {
			t.Fatalf("%s: %+v, %v", op, res, err)
		}
		said.WriteString(gate.Render(res.Proposal))
		g.Approve(res.Proposal.ID)
		if res, err = do(t, g, ops[op], args); err != nil || res.State != gate.StateExecuted {
			t.Fatalf("%s: %+v, %v", op, res, err)
		}
		b, err := json.Marshal(res)
		if err != nil {
			t.Fatal(err)
		}
		said.Write(b)
	}
	stored := func() string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, "reader@soc.example.key"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(b))
	}
	run("cortex_get_user_key")
	first := stored()
	if first != cortextest.ReadKey {
		t.Errorf("the file holds %q", first)
	}
	run("cortex_renew_user_key")
	second := stored()
	if login, ok := s.Authenticates(second); !ok || login != "reader@soc.example" {
		t.Errorf("the new key is not taken: %q", second)
	}
	if _, ok := s.Authenticates(first); ok {
		t.Error("the old key is still taken")
	}
	info, err := os.Stat(filepath.Join(dir, "reader@soc.example.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	said.WriteString(journal(t, g.Dir()))
	if n := strings.Count(said.String(), "make a file for the key"); n != 2 {
		t.Errorf("the journal says %d times that a file is made, which waits for the approval to be spent, want 2", n)
	}
	for _, key := range []string{first, second} {
		if strings.Contains(said.String(), key) {
			t.Error("a key was told")
		}
	}
}

func TestNoKeyIsAskedForThatCannotBeKept(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"none": "", "missing": filepath.Join(t.TempDir(), "nothing"), "no directory": blocked} {
		c := s.Client(administrator(dir))
		_, one := c.RenewUserKey(t.Context(), cortex.RenewUserKeyInput{UserID: "reader@soc.example"})
		_, two := c.GetUserKey(t.Context(), cortex.GetUserKeyInput{UserID: "reader@soc.example"})
		if !errors.Is(one, cortex.ErrNotConfigured) || !errors.Is(two, cortex.ErrNotConfigured) {
			t.Errorf("%s: %v, %v", name, one, two)
		}
	}
	if r := s.Requests(); len(r) != 0 {
		t.Errorf("sent %v", r)
	}
	if _, ok := s.Authenticates(cortextest.ReadKey); !ok {
		t.Error("the key was renewed")
	}
	c := s.Client(administrator(t.TempDir()))
	for _, login := range []string{"", "..", "a/b", "nobody"} {
		if _, err := c.GetUserKey(t.Context(), cortex.GetUserKeyInput{UserID: login}); err == nil {
			t.Errorf("login %q is taken", login)
		}
	}
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/renew") {
			fmt.Fprint(w, "<html>please log in</html>")
			return true
		}
		return false
	})
	if _, err := c.RenewUserKey(t.Context(), cortex.RenewUserKeyInput{UserID: "reader@soc.example"}); !errors.Is(err, gate.ErrOutcomeUnknown) {
		t.Errorf("an answer that is no key: %v", err)
	}
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	list := func(in cortex.ListDefinitionsInput) *cortex.DefinitionPage {
		t.Helper()
		p, err := c.ListAnalyzerDefinitions(t.Context(), cortex.ListAnalyzerDefinitionsInput{ListDefinitionsInput: in})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	all := list(cortex.ListDefinitionsInput{})
	if all.Total != 18 || len(all.Definitions) != 18 || all.Next != nil {
		t.Errorf("%d of %d", len(all.Definitions), all.Total)
	}
	if p := list(cortex.ListDefinitionsInput{Limit: 5, Offset: 15}); len(p.Definitions) != 3 || p.Total != 18 || p.Next != nil {
		t.Errorf("the end: %+v", p)
	}
	if p := list(cortex.ListDefinitionsInput{Limit: 5}); len(p.Definitions) != 5 || p.Next == nil || *p.Next != 5 {
		t.Errorf("the beginning: %+v", p)
	}
	if p := list(cortex.ListDefinitionsInput{DataType: "IP", FreeOnly: true, Search: "without an account"}); p.Total != 1 || p.Definitions[0].ID != cortextest.FreeDefinition || p.Definitions[0].RequiresConfig {
		t.Errorf("%+v", p)
	}
	if p := list(cortex.ListDefinitionsInput{DataType: "nonsense"}); p.Total != 0 || !strings.Contains(p.Note, "none of 18") {
		t.Errorf("%+v", p)
	}
	p := list(cortex.ListDefinitionsInput{Search: "censys"})
	if len(p.Definitions) != 1 {
		t.Fatalf("%+v", p)
	}
	want := []cortex.ConfigItem{
		{Name: "uid", Type: "string", Required: true, Secret: true, Description: "The uid to use"},
		{Name: "key", Type: "string", Required: true, Secret: true, Description: "The key to use"},
		{Name: "token", Type: "string", HasDefault: true, Secret: true, Description: "The token to use"},
	}
	if diff := cmp.Diff(want, p.Definitions[0].Config); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	b, err := json.Marshal(all)
	if err != nil || strings.Contains(string(b), cortextest.Secret) {
		t.Errorf("a default came out: %v", err)
	}
	for _, in := range []string{"case_artifact", "thehive:case_artifact", "THEHIVE:case_artifact"} {
		p, err := c.ListResponderDefinitions(t.Context(), cortex.ListResponderDefinitionsInput{ListDefinitionsInput: cortex.ListDefinitionsInput{DataType: in}})
		if err != nil || p.Total != 2 {
			t.Errorf("%s: %+v, %v", in, p, err)
		}
	}
	plain := s.Client(func(cfg *cortex.Config) { cfg.SuperadminKey = "" })
	if _, err := plain.ListAnalyzerDefinitions(t.Context(), cortex.ListAnalyzerDefinitionsInput{}); !errors.Is(err, cortex.ErrForbidden) {
		t.Errorf("an analyst's key: %v", err)
	}
}

func TestEnableAndDisable(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"Censys.json": `{"uid":"u-1","other":"x"}`, cortextest.PaidDefinition + ".json": `{"key":"kept-by-the-operator"}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g, ops := guarded(t, s, administrator(""), func(cfg *cortex.Config) { cfg.SecretsDir = dir })
	var said strings.Builder
	approved := func(op, args string) any {
		t.Helper()
		res, err := do(t, g, ops[op], args)
		if err != nil || res.State != gate.StatePending {
			t.Fatalf("%s: %+v, %v", op, res, err)
		}
		said.WriteString(gate.Render(res.Proposal))
		g.Approve(res.Proposal.ID)
		if res, err = do(t, g, ops[op], args); err != nil || res.State != gate.StateExecuted {
			t.Fatalf("%s: %+v, %v", op, res, err)
		}
		return res.Out
	}
	w := approved("cortex_enable_analyzer", `{"definitionId":"`+cortextest.PaidDefinition+`","configuration":{"max_tlp":1,"check_tlp":true},"jobCache":0,"rate":5,"rateUnit":"Second"}`).(*cortex.EnabledWorker)
	got, err := s.Client(administrator("")).GetAnalyzer(t.Context(), cortex.GetAnalyzerInput{AnalyzerID: w.ID})
	if err != nil || got.Rate != 5 || got.RateUnit != "Second" || got.JobCache == nil || *got.JobCache != 0 || got.MaxTLP == nil || *got.MaxTLP != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	approved("cortex_disable_analyzer", `{"analyzerId":"`+w.ID+`","confirm":true}`)
	if _, err := s.Client().GetAnalyzer(t.Context(), cortex.GetAnalyzerInput{AnalyzerID: w.ID}); !errors.Is(err, cortex.ErrNotFound) {
		t.Errorf("after it was disabled: %v", err)
	}
	r := approved("cortex_enable_responder", `{"definitionId":"`+cortextest.ResponderDefinition+`","configuration":{"zone":"rpz.example"}}`).(*cortex.EnabledWorker)
	approved("cortex_disable_responder", `{"responderId":"`+r.ID+`","confirm":true}`)
	said.WriteString(journal(t, g.Dir()))
	if strings.Contains(said.String(), "kept-by-the-operator") || !strings.Contains(said.String(), "as the operator keeps it") {
		t.Errorf("the screen:\n%.2000s", said.String())
	}
	for op, args := range map[string]string{
		"cortex_disable_analyzer": `{"analyzerId":"` + cortextest.AnalyzerID("MISP_2_1") + `"}`, "cortex_disable_responder": `{"responderId":"` + cortextest.ResponderID("Mailer_1_0") + `"}`,
	} {
		s.Requests()
		if _, err := do(t, g, ops[op], args); refusal(err) != gate.ReasonUnconfirmed || len(s.Requests()) != 0 {
			t.Errorf("%s unconfirmed: %v", op, err)
		}
	}
}

func TestEnableRefusesWhatIsWrongBeforeItIsProposed(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s, administrator(""))
	for args, want := range map[string]string{
		`{"definitionId":"` + cortextest.PaidDefinition + `","configuration":{"uid":"u","key":"s3cr3t-value"}}`: "configuration.key may hold a secret",
		`{"definitionId":"` + cortextest.FreeDefinition + `","configuration":{"proxy_https":"http://a:b@c:1"}}`: "configuration.proxy_https may hold a secret",
		`{"definitionId":"` + cortextest.PaidDefinition + `","configuration":{"polling":1}}`:                    "has no such setting",
		`{"definitionId":"` + cortextest.FreeDefinition + `","configuration":{"poling":1}}`:                     "no such setting",
		`{"definitionId":"` + cortextest.FreeDefinition + `","configuration":{"polling":"often"}}`:              "want a number",
		`{"definitionId":"` + cortextest.FreeDefinition + `","configuration":{"zones":"a"}}`:                    "want a list of strings",
		`{"definitionId":"` + cortextest.FreeDefinition + `","rateUnit":"Year"}`:                                "rateUnit",
		`{"definitionId":"` + cortextest.FreeDefinition + `","rate":-1}`:                                        "rate: want at least 0",
		`{"definitionId":"` + cortextest.FreeDefinition + `","jobCache":-1}`:                                    "jobCache: want at least 0",
		`{"definitionId":"Nothing_1_0"}`: "Nothing_1_0",
	} {
		res, err := do(t, g, ops["cortex_enable_analyzer"], args)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %+v, %v; want %q", args, res, err, want)
		}
	}
	if _, err := do(t, g, ops["cortex_enable_responder"], `{"definitionId":"`+cortextest.ResponderDefinition+`"}`); !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), "configuration.zone is missing") {
		t.Errorf("a missing setting: %v", err)
	}
	if r := s.Requests(); slices.ContainsFunc(r, func(r string) bool { return strings.HasPrefix(r, "POST") }) {
		t.Errorf("sent %v", r)
	}
	if strings.Contains(journal(t, g.Dir()), "s3cr3t") {
		t.Error("a secret is in the journal")
	}
	if _, err := s.Client().EnableAnalyzer(t.Context(), cortex.EnableAnalyzerInput{EnableInput: cortex.EnableInput{DefinitionID: cortextest.FreeDefinition}}); !errors.Is(err, cortex.ErrForbidden) {
		t.Errorf("an analyst's key: %v", err)
	}
}
