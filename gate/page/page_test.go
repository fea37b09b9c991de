package page_test

import (
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/page"
)

// A desk is an approver's page beside a guard that proposes into its journal.
type desk struct {
	*testing.T
	guard   *gate.Guard
	journal *gate.Journal
	page    *page.Page
	host    string
	path    string // of the session
	cookie  *http.Cookie
}

func newDesk(t *testing.T, change ...func(*page.Config)) *desk {
	t.Helper()
	dir := t.TempDir()
	signer, err := gate.NewSigner("alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := gate.AddApprover(dir, signer.Approver()); err != nil {
		t.Fatal(err)
	}
	guard, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	j, err := gate.OpenJournal(dir)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := page.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{T: t, guard: guard, journal: j, host: ln.Addr().String()}
	cfg := page.Config{Journal: j, Host: d.host, Signer: signer}
	if testing.Verbose() {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	for _, c := range change {
		c(&cfg)
	}
	if d.page, err = page.New(cfg); err != nil {
		t.Fatal(err)
	}
	server := d.page.Server()
	go server.Serve(ln) //nolint:errcheck // it ends with http.ErrServerClosed
	t.Cleanup(func() { server.Close(); j.Close(); guard.Close() })
	return d
}

func (d *desk) enrol(s *gate.Signer) {
	d.Helper()
	if err := gate.AddApprover(d.guard.Dir(), s.Approver()); err != nil {
		d.Fatal(err)
	}
}

// entered is a desk whose page has been opened.
func entered(t *testing.T, change ...func(*page.Config)) *desk {
	t.Helper()
	d := newDesk(t, change...)
	d.enter()
	return d
}

func (d *desk) enter() {
	d.Helper()
	_, secret, _ := strings.Cut(d.page.Invite(), "#")
	res := d.send(d.request("POST", "/enter", url.Values{"secret": {secret}}))
	if res.StatusCode != http.StatusSeeOther || len(res.Cookies()) != 1 {
		d.Fatalf("enter: %s %v", res.Status, res.Header)
	}
	d.path, d.cookie = res.Header.Get("Location"), res.Cookies()[0]
}

// request returns a request as a browser would send it from a page of this origin.
func (d *desk) request(method, path string, form url.Values) *http.Request {
	d.Helper()
	r, err := http.NewRequestWithContext(d.Context(), method, "http://"+d.host+path, strings.NewReader(form.Encode()))
	if err != nil {
		d.Fatal(err)
	}
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+d.host)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if d.cookie != nil {
		r.AddCookie(&http.Cookie{Name: d.cookie.Name, Value: d.cookie.Value})
	}
	return r
}

type response struct {
	*http.Response
	text string
}

func (d *desk) send(r *http.Request) response {
	d.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		d.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		d.Fatal(err)
	}
	for _, h := range []string{"Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Cross-Origin-Opener-Policy"} {
		if res.Header.Get(h) == "" {
			d.Errorf("%s %s: no %s", r.Method, r.URL.Path, h)
		}
	}
	if res.Header.Get("Cache-Control") != "no-store" {
		d.Errorf("%s %s may be stored", r.Method, r.URL.Path)
	}
	return response{res, string(b)}
}

func (d *desk) get(path string) string {
	d.Helper()
	res := d.send(d.request("GET", d.path+path, nil))
	if res.StatusCode != http.StatusOK {
		d.Fatalf("%s: %s %s", path, res.Status, res.text)
	}
	return res.text
}

// form returns the hidden fields of the form of a page that is sent to action.
func (d *desk) form(path, action string) url.Values {
	d.Helper()
	_, form, ok := strings.Cut(d.get(path), `action="`+d.path+action+`"`)
	if !ok {
		d.Fatalf("%s has no form for %s", path, action)
	}
	form, _, _ = strings.Cut(form, "</form>")
	out := url.Values{}
	for _, m := range regexp.MustCompile(`name="(token|digest)" value="([^"]*)"`).FindAllStringSubmatch(form, -1) {
		out.Set(m[1], html.UnescapeString(m[2]))
	}
	return out
}

func (d *desk) post(path string, form url.Values) response {
	d.Helper()
	return d.send(d.request("POST", d.path+path, form))
}

type target struct {
	ID string `json:"id"`
}

func (d *desk) op(tier gate.Tier, plan gate.Plan) *gate.Operation[target, string] {
	run := func(_ context.Context, in target) (string, error) { return "did " + in.ID, nil }
	planned := func(context.Context, target) (gate.Plan, error) { return plan, nil }
	if tier == gate.TierWrite {
		return gate.Write("hive_update", run, "Update.").Plan(planned)
	}
	return gate.Destructive("hive_delete", run, "Delete.").Plan(planned)
}

func casePlan() gate.Plan {
	return gate.Plan{Summary: "Touch a case in TheHive.", Targets: []gate.Target{{Kind: "case", ID: "~1", Name: "Phishing at ACME"}}}
}

func (d *desk) propose(tier gate.Tier, plan gate.Plan) *gate.Proposal {
	d.Helper()
	return d.proposeOf(tier, plan, "~1")
}

func (d *desk) proposeOf(tier gate.Tier, plan gate.Plan, id string) *gate.Proposal {
	d.Helper()
	res, err := d.op(tier, plan).Do(d.Context(), d.guard, &target{ID: id})
	if err != nil {
		d.Fatal(err)
	}
	return res.Proposal
}

func (d *desk) wants(id string, state gate.State) {
	d.Helper()
	p, err := d.journal.Proposal(id)
	if err != nil {
		d.Fatal(err)
	}
	if p.State != state {
		d.Errorf("%s is %s, want %s", id, p.State, state)
	}
}

func (d *desk) frozen() bool {
	d.Helper()
	f, err := d.journal.Frozen()
	if err != nil {
		d.Fatal(err)
	}
	return f
}

func with(v url.Values, kv ...string) url.Values {
	for i := 0; i < len(kv); i += 2 {
		v.Set(kv[i], kv[i+1])
	}
	return v
}

func TestAWriteIsApprovedByItsCode(t *testing.T) {
	d := entered(t)
	p := d.propose(gate.TierWrite, casePlan())
	if text := d.get(""); !strings.Contains(text, p.ID) || !strings.Contains(text, "1 waiting") {
		t.Errorf("the overview lacks it: %s", text)
	}
	action := "p/" + p.ID + "/approve"
	for _, typed := range []string{"", "yes", "~1", p.ID, "Phishing at ACME", p.Code()[:5], p.Digest} {
		if res := d.post(action, with(d.form("p/"+p.ID, action), "typed", typed)); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%q: %s", typed, res.Status)
		}
	}
	d.wants(p.ID, gate.StatePending)
	res := d.post(action, with(d.form("p/"+p.ID, action), "typed", " "+strings.ToUpper(p.Code())+" "))
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s %s", res.Status, res.text)
	}
	d.wants(p.ID, gate.StateApproved)
	if text := d.get("p/" + p.ID); !strings.Contains(text, "is approved") || strings.Contains(text, "/approve") {
		t.Errorf("after: %s", text)
	}
}

func TestADestructiveOperationIsApprovedByItsTarget(t *testing.T) {
	for _, right := range []string{"~1", "Phishing at ACME"} {
		d := entered(t)
		p := d.propose(gate.TierDestructive, casePlan())
		action := "p/" + p.ID + "/approve"
		for _, typed := range []string{"", "yes", p.Code(), p.ID, "~2", "phishing at acme", "case"} {
			if res := d.post(action, with(d.form("p/"+p.ID, action), "typed", typed)); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.text, "Not approved") {
				t.Errorf("%q: %s", typed, res.Status)
			}
		}
		d.wants(p.ID, gate.StatePending)
		if res := d.post(action, with(d.form("p/"+p.ID, action), "typed", right)); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s %s", res.Status, res.text)
		}
		d.wants(p.ID, gate.StateApproved)
	}
}

func TestWithoutATargetTheCodeIsAskedFor(t *testing.T) {
	for _, plan := range []gate.Plan{{Summary: "Empty the bin."}, {Summary: "Empty the bin.", Targets: []gate.Target{{Kind: "bin"}}}} {
		d := entered(t)
		p := d.propose(gate.TierDestructive, plan)
		action := "p/" + p.ID + "/approve"
		if res := d.post(action, with(d.form("p/"+p.ID, action), "typed", "")); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("nothing typed: %s", res.Status)
		}
		d.post(action, with(d.form("p/"+p.ID, action), "typed", p.Code()))
		d.wants(p.ID, gate.StateApproved)
	}
}

func TestDenyAndTakeBack(t *testing.T) {
	d := entered(t)
	p := d.propose(gate.TierWrite, casePlan())
	deny, approve := "p/"+p.ID+"/deny", "p/"+p.ID+"/approve"
	d.post(approve, with(d.form("p/"+p.ID, approve), "typed", p.Code()))
	d.wants(p.ID, gate.StateApproved)
	if res := d.post(deny, with(d.form("p/"+p.ID, deny), "reason", "not now")); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%s %s", res.Status, res.text)
	}
	d.wants(p.ID, gate.StateDenied)
	if text := d.get("p/" + p.ID); !strings.Contains(text, "not now") || strings.Contains(text, "<form") {
		t.Errorf("after: %s", text)
	}
}

func TestFreezeAndUnfreeze(t *testing.T) {
	d := entered(t)
	if res := d.post("freeze", with(d.form("", "freeze"), "reason", "odd traffic")); res.StatusCode != http.StatusSeeOther || !d.frozen() {
		t.Fatalf("%s %s", res.Status, res.text)
	}
	if text := d.get(""); !strings.Contains(text, "All writes are frozen") || !strings.Contains(text, "odd traffic") {
		t.Errorf("the overview doesn't say so: %s", text)
	}
	if res := d.post("unfreeze", with(d.form("", "unfreeze"), "typed", "yes")); res.StatusCode != http.StatusUnprocessableEntity || !d.frozen() {
		t.Errorf("unfrozen by another word: %s", res.Status)
	}
	form := with(d.form("", "unfreeze"), "typed", "unfreeze")
	if res := d.post("unfreeze", form); res.StatusCode != http.StatusSeeOther || d.frozen() {
		t.Errorf("%s %s", res.Status, res.text)
	}
	d.post("freeze", d.form("", "freeze"))
	if res := d.post("unfreeze", form); res.StatusCode != http.StatusForbidden || !d.frozen() {
		t.Errorf("an old form ended a new freeze: %s", res.Status)
	}
}

func TestTheBreakerIsResetByItsWord(t *testing.T) {
	d := entered(t)
	for i := range 3 {
		plan := casePlan()
		plan.Targets[0].Name = string(rune('a' + i))
		p := d.propose(gate.TierWrite, plan)
		d.post("p/"+p.ID+"/deny", d.form("p/"+p.ID, "p/"+p.ID+"/deny"))
	}
	op := d.op(gate.TierWrite, casePlan())
	if _, err := op.Do(t.Context(), d.guard, &target{ID: "~1"}); err == nil {
		t.Fatal("three denials stop nothing")
	}
	if text := d.get(""); !strings.Contains(text, "The breaker has stopped all writes") || !strings.Contains(text, "3 denials") {
		t.Errorf("the overview doesn't say so: %s", text)
	}
	tripped := func() bool {
		s, err := d.journal.Standing()
		if err != nil {
			t.Fatal(err)
		}
		return s.Tripped
	}
	if res := d.post("reset", with(d.form("", "reset"), "typed", "")); res.StatusCode != http.StatusUnprocessableEntity || !tripped() {
		t.Errorf("reset without the word: %s", res.Status)
	}
	if res := d.post("reset", with(d.form("", "freeze"), "typed", "reset")); res.StatusCode != http.StatusForbidden || !tripped() {
		t.Errorf("reset by another form: %s", res.Status)
	}
	if res := d.post("reset", with(d.form("", "reset"), "typed", "reset")); res.StatusCode != http.StatusSeeOther || tripped() {
		t.Errorf("%s %s", res.Status, res.text)
	}
}

func TestAStandingApprovalIsShownAndRevoked(t *testing.T) {
	signer, err := gate.NewSigner("bob")
	if err != nil {
		t.Fatal(err)
	}
	d := entered(t)
	d.enrol(signer)
	plan := casePlan()
	plan.Undo = "Change it back."
	p := d.propose(gate.TierWrite, plan)
	g, err := d.journal.Grant(p.ID, 5, time.Hour, signer)
	if err != nil {
		t.Fatal(err)
	}
	if text := d.get(""); !strings.Contains(text, g.ID) || !strings.Contains(text, "of 5 times") {
		t.Errorf("the overview lacks it: %s", text)
	}
	action := "g/" + g.ID + "/revoke"
	if res := d.post(action, d.form("", "freeze")); res.StatusCode != http.StatusForbidden {
		t.Errorf("revoked by another form: %s", res.Status)
	}
	if res := d.post(action, d.form("", action)); res.StatusCode != http.StatusSeeOther || strings.Contains(d.get(""), g.ID+"/revoke") {
		t.Errorf("%s %s", res.Status, res.text)
	}
}

func TestTwoPeopleAreNamedWhereTwoMustSign(t *testing.T) {
	bob, err := gate.NewSigner("bob")
	if err != nil {
		t.Fatal(err)
	}
	d := entered(t)
	d.enrol(bob)
	guard, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: d.guard.Dir(), Quorum: gate.Quorum{Destructive: 2}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { guard.Close() })
	d.guard = guard
	p := d.propose(gate.TierDestructive, casePlan())
	action := "p/" + p.ID + "/approve"
	if text := d.get("p/" + p.ID); !strings.Contains(text, "2 must sign") || !strings.Contains(text, "nobody") {
		t.Errorf("before: %s", text)
	}
	d.post(action, with(d.form("p/"+p.ID, action), "typed", "~1"))
	d.wants(p.ID, gate.StatePending)
	if text := d.get("p/" + p.ID); !strings.Contains(text, "So far: <bdi>alice</bdi>") {
		t.Errorf("after one: %s", text)
	}
	if res := d.post(action, with(d.form("p/"+p.ID, action), "typed", "~1")); res.StatusCode != http.StatusConflict {
		t.Errorf("twice by one: %s", res.Status)
	}
	if err := d.journal.Approve(p.ID, p.Digest, bob); err != nil {
		t.Fatal(err)
	}
	d.wants(p.ID, gate.StateApproved)
}

func TestWithoutAKeyThePageOnlyDeniesAndFreezes(t *testing.T) {
	d := entered(t, func(c *page.Config) { c.Signer, c.Name = nil, "bob" })
	p := d.propose(gate.TierWrite, casePlan())
	if strings.Contains(d.get("p/"+p.ID), "/approve") {
		t.Error("it offers to approve")
	}
	if res := d.post("p/"+p.ID+"/approve", with(d.form("p/"+p.ID, "p/"+p.ID+"/deny"), "typed", p.Code())); res.StatusCode != http.StatusForbidden {
		t.Errorf("approve: %s", res.Status)
	}
	d.post("freeze", d.form("", "freeze"))
	if res := d.post("unfreeze", with(url.Values{}, "typed", "unfreeze")); res.StatusCode != http.StatusForbidden || !d.frozen() {
		t.Errorf("unfreeze: %s", res.Status)
	}
	d.post("p/"+p.ID+"/deny", d.form("p/"+p.ID, "p/"+p.ID+"/deny"))
	d.wants(p.ID, gate.StateDenied)
}

func TestAForeignKeyApprovesNothing(t *testing.T) {
	mallory, err := gate.NewSigner("alice")
	if err != nil {
		t.Fatal(err)
	}
	d := entered(t, func(c *page.Config) { c.Signer = mallory })
	p := d.propose(gate.TierWrite, casePlan())
	action := "p/" + p.ID + "/approve"
	if res := d.post(action, with(d.form("p/"+p.ID, action), "typed", p.Code())); res.StatusCode != http.StatusConflict {
		t.Errorf("%s %s", res.Status, res.text)
	}
	d.wants(p.ID, gate.StatePending)
}

func TestTheSecretWorksOnceAndInTime(t *testing.T) {
	d := newDesk(t)
	link := d.page.Invite()
	_, secret, _ := strings.Cut(link, "#")
	enter := func(secret string) response {
		return d.send(d.request("POST", "/enter", url.Values{"secret": {secret}}))
	}
	for _, wrong := range []string{"", " ", "x", secret + "x", secret[1:], strings.ToUpper(secret), "#"} {
		if res := enter(wrong); res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 {
			t.Errorf("%q: %s", wrong, res.Status)
		}
	}
	res := enter(link)
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the link: %s", res.Status)
	}
	c := res.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != res.Header.Get("Location") || len(c.Path) < 20 || len(c.Value) < 20 {
		t.Errorf("cookie: %+v", c)
	}
	if res := enter(secret); res.StatusCode != http.StatusForbidden {
		t.Errorf("used again: %s", res.Status)
	}
	_, older, _ := strings.Cut(d.page.Invite(), "#")
	d.page.Invite()
	if res := enter(older); res.StatusCode != http.StatusForbidden {
		t.Errorf("replaced: %s", res.Status)
	}
	for name, path := range map[string]string{"in the query": "/enter?secret=" + secret, "by GET": "/enter"} {
		method := map[bool]string{true: "POST", false: "GET"}[name == "in the query"]
		if res := d.send(d.request(method, path, url.Values{})); res.StatusCode == http.StatusSeeOther || len(res.Cookies()) > 0 {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
}

func TestASecretAndASessionEnd(t *testing.T) {
	now := time.Now()
	d := newDesk(t)
	page.SetClock(d.page, func() time.Time { return now })
	_, secret, _ := strings.Cut(d.page.Invite(), "#")
	now = now.Add(16 * time.Minute)
	if res := d.send(d.request("POST", "/enter", url.Values{"secret": {secret}})); res.StatusCode != http.StatusForbidden {
		t.Errorf("an old secret: %s", res.Status)
	}
	d.enter()
	d.get("")
	now = now.Add(13 * time.Hour)
	if res := d.send(d.request("GET", d.path, nil)); res.StatusCode != http.StatusForbidden {
		t.Errorf("an old session: %s", res.Status)
	}
}

func TestANewSessionEndsTheOneBefore(t *testing.T) {
	d := entered(t)
	older := *d
	d.enter()
	d.get("")
	if res := older.send(older.request("GET", older.path, nil)); res.StatusCode != http.StatusForbidden {
		t.Error(res.Status)
	}
}

func TestNothingIsShownWithoutTheSession(t *testing.T) {
	d := entered(t)
	p := d.propose(gate.TierWrite, casePlan())
	other := newDesk(t)
	other.enter()
	for name, change := range map[string]func(*http.Request){
		"no cookie":    func(r *http.Request) { r.Header.Del("Cookie") },
		"empty cookie": func(r *http.Request) { r.Header.Set("Cookie", "gate=") },
		"wrong cookie": func(r *http.Request) { r.Header.Set("Cookie", "gate="+strings.Repeat("A", 22)) },
		"two cookies":  func(r *http.Request) { r.Header.Add("Cookie", "gate=x") },
		"another's":    func(r *http.Request) { r.Header.Set("Cookie", "gate="+other.cookie.Value) },
		"wrong path":   func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, d.path, other.path, 1) },
	} {
		for _, path := range []string{"", "state", "journal", "p/" + p.ID} {
			r := d.request("GET", d.path+path, nil)
			change(r)
			if res := d.send(r); res.StatusCode != http.StatusForbidden || strings.Contains(res.text, "TheHive") {
				t.Errorf("%s, %q: %s %s", name, path, res.Status, res.text)
			}
		}
	}
}

// TestWhatDoesNotComeFromThePageIsRefused sends a form that would be taken, but
// for one thing each.
func TestWhatDoesNotComeFromThePageIsRefused(t *testing.T) {
	d := entered(t)
	p := d.propose(gate.TierWrite, casePlan())
	action := "p/" + p.ID + "/approve"
	name := strings.Replace(d.host, "127.0.0.1", "localhost", 1)
	for what, change := range map[string]func(*http.Request){
		"rebound host":              func(r *http.Request) { r.Host = "evil.example" },
		"rebound host and port":     func(r *http.Request) { r.Host = strings.Replace(d.host, "127.0.0.1", "evil.example", 1) },
		"name of the host":          func(r *http.Request) { r.Host = name },
		"host without port":         func(r *http.Request) { r.Host = "127.0.0.1" },
		"another origin":            func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"another port":              func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"another scheme":            func(r *http.Request) { r.Header.Set("Origin", "https://"+d.host) },
		"the origin null":           func(r *http.Request) { r.Header.Set("Origin", "null") },
		"no origin":                 func(r *http.Request) { r.Header.Del("Origin") },
		"two origins":               func(r *http.Request) { r.Header.Add("Origin", "https://evil.example") },
		"a longer origin":           func(r *http.Request) { r.Header.Set("Origin", "http://"+d.host+".evil.example") },
		"cross-site":                func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-site":                 func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"the address bar":           func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "none") },
		"JSON":                      func(r *http.Request) { r.Header.Set("Content-Type", "application/json") },
		"text":                      func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"no type":                   func(r *http.Request) { r.Header.Del("Content-Type") },
		"by PUT":                    func(r *http.Request) { r.Method = "PUT" },
		"by GET":                    func(r *http.Request) { r.Method = "GET" },
		"by HEAD":                   func(r *http.Request) { r.Method = "HEAD" },
		"no session":                func(r *http.Request) { r.Header.Del("Cookie") },
		"fields in the query alone": func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0 },
	} {
		form := with(d.form("p/"+p.ID, action), "typed", p.Code())
		r := d.request("POST", d.path+action, form)
		r.URL.RawQuery = form.Encode()
		change(r)
		if res := d.send(r); res.StatusCode < 400 {
			t.Errorf("%s: %s", what, res.Status)
		}
		d.wants(p.ID, gate.StatePending)
	}
	if res := d.post(action, with(d.form("p/"+p.ID, action), "typed", p.Code())); res.StatusCode != http.StatusSeeOther {
		t.Errorf("unchanged: %s", res.Status)
	}
}

func TestAnotherPageCanNeitherLinkHereNorFrameIt(t *testing.T) {
	d := entered(t)
	for what, change := range map[string]func(*http.Request){
		"cross-site link": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-site link":  func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"a frame":         func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "iframe") },
		"an object":       func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "object") },
		"an image":        func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "image") },
		"a script":        func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "script") },
		"rebound host":    func(r *http.Request) { r.Host = "evil.example" },
	} {
		for _, path := range []string{d.path, "/"} {
			r := d.request("GET", path, nil)
			change(r)
			if res := d.send(r); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s, %s: %s", what, path, res.Status)
			}
		}
	}
}

func TestARemoteClientIsRefused(t *testing.T) {
	d := entered(t)
	for from, want := range map[string]int{"192.0.2.7:4242": 403, "": 403, "[2001:db8::1]:80": 403, "127.0.0.1:4242": 200, "[::ffff:127.0.0.1]:80": 200} {
		r := d.request("GET", d.path, nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		d.page.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", from, w.Code, want)
		}
	}
}

func TestAFormWorksOnceAndForItsOwnActOnly(t *testing.T) {
	d := entered(t)
	p := d.propose(gate.TierWrite, casePlan())
	approve, deny := "p/"+p.ID+"/approve", "p/"+p.ID+"/deny"
	wrong := with(d.form("p/"+p.ID, approve), "typed", "no")
	d.post(approve, wrong)
	for what, form := range map[string]url.Values{
		"sent before":       with(wrong, "typed", p.Code()),
		"of the denial":     with(d.form("p/"+p.ID, deny), "typed", p.Code()),
		"of the freeze":     with(d.form("", "freeze"), "typed", p.Code(), "digest", p.Digest),
		"without a token":   with(d.form("p/"+p.ID, approve), "typed", p.Code(), "token", ""),
		"made up":           with(d.form("p/"+p.ID, approve), "typed", p.Code(), "token", "abc.def"),
		"of another digest": with(d.form("p/"+p.ID, approve), "typed", p.Code(), "digest", strings.Repeat("0", 64)),
	} {
		if res := d.post(approve, form); res.StatusCode != http.StatusForbidden {
			t.Errorf("a form %s: %s", what, res.Status)
		}
	}
	d.wants(p.ID, gate.StatePending)

	before := with(d.form("p/"+p.ID, approve), "typed", p.Code())
	d.enter()
	if res := d.post(approve, before); res.StatusCode != http.StatusForbidden {
		t.Errorf("a form of another session: %s", res.Status)
	}
	d.wants(p.ID, gate.StatePending)

	again := with(d.form("p/"+p.ID, approve), "typed", p.Code())
	form := with(d.form("p/"+p.ID, approve), "typed", p.Code())
	d.post(approve, form)
	d.wants(p.ID, gate.StateApproved)
	if res := d.post(approve, form); res.StatusCode != http.StatusForbidden {
		t.Errorf("replayed: %s", res.Status)
	}
	if res := d.post(approve, again); res.StatusCode != http.StatusConflict {
		t.Errorf("from a second tab: %s", res.Status)
	}
}

func TestNoGETChangesAnything(t *testing.T) {
	d := entered(t)
	p := d.propose(gate.TierWrite, casePlan())
	before := d.get("state")
	for _, path := range []string{"", "state", "journal", "p/" + p.ID} {
		d.get(path)
	}
	for _, path := range []string{"p/" + p.ID + "/approve", "p/" + p.ID + "/deny", "freeze", "unfreeze"} {
		if res := d.send(d.request("GET", d.path+path, nil)); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if d.get("state") != before {
		t.Error("the journal changed")
	}
}

func TestTheStateChangesWithTheJournal(t *testing.T) {
	d := entered(t)
	before := d.get("state")
	d.propose(gate.TierWrite, casePlan())
	after := d.get("state")
	if before == after || after != d.get("state") {
		t.Errorf("%s, then %s", before, after)
	}
}

func TestALargeFormIsRefused(t *testing.T) {
	d := entered(t)
	if res := d.post("freeze", with(d.form("", "freeze"), "reason", strings.Repeat("x", 1<<20))); res.StatusCode != http.StatusBadRequest || d.frozen() {
		t.Error(res.Status)
	}
}

const hostile = "\x1b[2J\u202eevil\u2066\u200b\u00ad\U000e0041\u2028\r\n\t  \"><script>alert(1)</script><img src=x onerror=alert(1)>' onfocus=alert(1) javascript:alert(1) {{.}}\x00\xff"

func TestEveryValueIsEscaped(t *testing.T) {
	d := entered(t)
	plan := gate.Plan{
		Summary:  hostile,
		Targets:  []gate.Target{{Kind: hostile, ID: hostile, Name: hostile, Version: hostile}},
		Changes:  []gate.Change{{Field: hostile, Before: hostile, After: hostile}, {Field: "long", After: strings.Repeat(hostile, 20)}},
		Egress:   []gate.Egress{{To: hostile, What: hostile, TLP: hostile}},
		Undo:     hostile,
		Warnings: []string{hostile},
	}
	ctx := gate.WithPrincipal(gate.WithClaim(t.Context(), hostile), hostile)
	op := d.op(gate.TierDestructive, plan)
	res, err := op.Do(ctx, d.guard, &target{ID: hostile})
	if err != nil {
		t.Fatal(err)
	}
	id := res.Proposal.ID
	action := "p/" + id + "/deny"
	pages := map[string]string{"overview": d.get(""), "proposal": d.get("p/" + id), "journal": d.get("journal")}
	d.post(action, with(d.form("p/"+id, action), "reason", hostile))
	pages["denied"], pages["journal after"] = d.get("p/"+id), d.get("journal")
	pages["no such proposal"] = d.send(d.request("GET", d.path+"p/"+url.PathEscape(hostile), nil)).text
	d.post("freeze", with(d.form("", "freeze"), "reason", hostile))
	pages["frozen"] = d.get("")
	for name, text := range pages {
		for _, r := range text {
			if r != '\n' && (!unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar) {
				t.Fatalf("%s holds %U", name, r)
			}
		}
		for _, tag := range []string{"<img", "<script>alert", `" onfocus`, `' onfocus=alert(1) javascript:alert(1) {{.}}"`} {
			if strings.Contains(text, tag) {
				t.Errorf("%s holds %s", name, tag)
			}
		}
		if name != "no such proposal" && !strings.Contains(text, `\u{202e}`) {
			t.Errorf("%s doesn't show what is hidden", name)
		}
	}
}

func TestWhatWaitsIsToldApartCountedAndByWhom(t *testing.T) {
	d := entered(t)
	for _, title := range []string{"Phishing at the front desk", "Printer on fire"} {
		plan := gate.Plan{Summary: "Open a case.", Changes: []gate.Change{gate.Set("title", title)}}
		if _, err := d.op(gate.TierWrite, plan).Do(gate.WithClient(t.Context(), "claude-code 2.1"), d.guard, &target{ID: title}); err != nil {
			t.Fatal(err)
		}
	}
	d.proposeOf(gate.TierDestructive, casePlan(), "~1")
	text := d.get("")
	for _, want := range []string{"title: Phishing at the front desk", "title: Printer on fire", "Phishing at ACME", "3 waiting"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	if n := strings.Count(text, "claude-code 2.1"); n < 2 {
		t.Errorf("it names the host %d times:\n%s", n, text)
	}
}

func TestTheFactsComeFirstAndTheClaimApart(t *testing.T) {
	d := entered(t)
	plan := casePlan()
	plan.Warnings, plan.Changes = []string{"on a warninglist"}, []gate.Change{gate.Changed("status", "New", "Closed"), gate.Set("tags", "x")}
	plan.Egress = []gate.Egress{{To: "VirusTotal", What: "an address", TLP: "TLP:AMBER"}}
	res, err := d.op(gate.TierDestructive, plan).Do(gate.WithClaim(t.Context(), "the chief approved it"), d.guard, &target{ID: "~1"})
	if err != nil {
		t.Fatal(err)
	}
	text := d.get("p/" + res.Proposal.ID)
	at := 0
	for _, want := range []string{"DESTRUCTIVE", "Touch a case", "NOT POSSIBLE", "VirusTotal", "TLP:AMBER", "on a warninglist", "Phishing at ACME", "hive_delete", "New", "Closed",
		"agent", "Expires", res.Proposal.Code(), "claim, unverified", "the chief approved it", "Approve"} {
		i := strings.Index(text[at:], want)
		if i < 0 {
			t.Fatalf("%q is missing, or not after what comes before it, in %s", want, text)
		}
		at += i
	}
	if strings.Contains(d.get(""), "the chief approved it") {
		t.Error("the overview repeats the claim")
	}
}

// Whoever decides on the page is told what happened before, as on the terminal.
func TestAnEarlierAttemptIsOnThePage(t *testing.T) {
	d := entered(t)
	lost := gate.Write("hive_lose", func(context.Context, target) (string, error) { return "", gate.ErrOutcomeUnknown }, "Lose it.")
	in := target{ID: "~1"}
	do := func() *gate.Result {
		t.Helper()
		res, err := lost.Do(t.Context(), d.guard, &in)
		if err != nil && !errors.Is(err, gate.ErrOutcomeUnknown) {
			t.Fatal(err)
		}
		return res
	}
	first := do().Proposal
	action := "p/" + first.ID + "/approve"
	d.post(action, with(d.form("p/"+first.ID, action), "typed", first.Code()))
	do()
	again := do().Proposal
	for _, page := range []string{"", "p/" + again.ID} {
		text := d.get(page)
		if at := strings.Index(text, "an earlier attempt, "+first.ID); at < 0 || page != "" && at > strings.Index(text, "hive_lose") {
			t.Errorf("what happened before isn't said first:\n%s", text)
		}
	}
}

func TestNewWantsALoopbackPort(t *testing.T) {
	d := newDesk(t)
	for _, host := range []string{"", "127.0.0.1", "127.0.0.1:0", "0.0.0.0:80", "192.0.2.1:80", "localhost:80", "evil.example:80"} {
		if _, err := page.New(page.Config{Journal: d.journal, Host: host}); err == nil {
			t.Errorf("%q was taken", host)
		}
	}
	if _, err := page.New(page.Config{Host: "127.0.0.1:80"}); err == nil {
		t.Error("no journal was taken")
	}
	for _, addr := range []string{"0.0.0.0:0", ":0", "localhost:0", "192.0.2.1:0"} {
		if ln, err := page.Listen(addr); err == nil {
			ln.Close()
			t.Errorf("listens on %q", addr)
		}
	}
	if ln, err := page.Listen("[::1]:0"); err == nil {
		if _, err := page.New(page.Config{Journal: d.journal, Host: ln.Addr().String()}); err != nil {
			t.Error(err)
		}
		ln.Close()
	}
}

func TestABrokenJournalIsSaidSo(t *testing.T) {
	d := entered(t)
	d.journal.Close()
	if res := d.send(d.request("GET", d.path, nil)); res.StatusCode != http.StatusInternalServerError || !strings.Contains(res.text, "journal") {
		t.Errorf("%s %s", res.Status, res.text)
	}
}

func TestWhatIsInForceIsShownWithTheCallThatTakesItBack(t *testing.T) {
	d := entered(t)
	evil := "<script>alert(1)</script>\u202e"
	plan := gate.Plan{Summary: "Block " + evil, Targets: []gate.Target{{Kind: "host", ID: "007", Name: evil}}, Reverse: &gate.Call{Op: "unblock", Input: []byte(`{"host":"007"}`)}, Lasts: 600}
	op := d.op(gate.TierWrite, plan)
	p := d.propose(gate.TierWrite, plan)
	d.post("p/"+p.ID+"/approve", with(d.form("p/"+p.ID, "p/"+p.ID+"/approve"), "typed", p.Code()))
	d.wants(p.ID, gate.StateApproved)
	if _, err := op.Do(t.Context(), d.guard, &target{ID: "~1"}); err != nil {
		t.Fatal(err)
	}
	shown := d.get("")
	for _, want := range []string{"In force", p.ID, "ends by itself", "unblock {&#34;host&#34;:&#34;007&#34;}", "&lt;script&gt;"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(shown, "<script>alert") || strings.Contains(shown, "\u202e") {
		t.Error("it holds what was written by others as it is")
	}
}
