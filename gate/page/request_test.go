package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/page"
)

// A form that was meant for something else, or that nobody was given, does nothing.
func TestEveryActNeedsATokenOfItsOwn(t *testing.T) {
	d, tools := inForce(t)
	d.enter()
	bob, err := gate.NewSigner("bob")
	if err != nil {
		t.Fatal(err)
	}
	d.enrol(bob)
	plan := casePlan()
	plan.Undo = "Change it back."
	p := d.propose(gate.TierWrite, plan)
	g, err := d.journal.Grant(p.ID, 5, time.Hour, bob)
	if err != nil {
		t.Fatal(err)
	}
	d.post("freeze", d.form("", "freeze"))
	stand := func() string {
		s, err := d.journal.Standing()
		if err != nil {
			t.Fatal(err)
		}
		return s.Head
	}
	tools.answered(1)
	before := stand()
	other := d.form("", "g/"+g.ID+"/revoke")
	for act, form := range map[string]url.Values{
		"freeze": other, "unfreeze": with(other, "typed", "unfreeze"), "reset": with(other, "typed", "reset"),
		"p/" + p.ID + "/deny": with(other, "digest", p.Digest), "p/" + p.ID + "/approve": with(other, "digest", p.Digest, "typed", p.Code()),
		"g/" + g.ID + "/revoke": d.form("", "unfreeze"), "p/" + tools.blocked + "/undo": other, "handover": other,
	} {
		for what, form := range map[string]url.Values{"another token": form, "no token": with(form, "token", "")} {
			if res := d.post(act, form); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s with %s: %s", act, what, res.Status)
			}
		}
	}
	if stand() != before || tools.calls() != 1 {
		t.Error("something was done")
	}
	if res := d.post("unfreeze", with(d.form("", "unfreeze"), "typed", "yes")); res.StatusCode != http.StatusUnprocessableEntity || !d.frozen() {
		t.Errorf("the wrong word: %s", res.Status)
	}
}

func TestARefusalSaysWhichCheckItIs(t *testing.T) {
	d := entered(t, func(c *page.Config) { c.Signer = nil })
	p := d.propose(gate.TierWrite, casePlan())
	deny := d.form("p/"+p.ID, "p/"+p.ID+"/deny")
	for path, form := range map[string]url.Values{"p/" + p.ID + "/approve": with(deny, "typed", p.Code()), "unfreeze": {"typed": {"unfreeze"}}, "reset": {"typed": {"reset"}}} {
		if res := d.post(path, form); res.StatusCode != http.StatusForbidden || !strings.Contains(res.text, "no approver&#39;s key") {
			t.Errorf("%s without a key: %s %s", path, res.Status, res.text)
		}
	}
	r := d.request("POST", d.path+"p/"+p.ID+"/deny", deny)
	r.Header.Set("Content-Type", "text/plain")
	if res := d.send(r); res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a form as text: %s", res.Status)
	}
	d.journal.Close()
	if res := d.post("freeze", url.Values{"token": deny["token"]}); res.StatusCode != http.StatusForbidden {
		t.Errorf("freeze: %s", res.Status)
	}
	if res := d.post("p/"+p.ID+"/deny", deny); res.StatusCode != http.StatusInternalServerError {
		t.Errorf("a journal that is gone: %s", res.Status)
	}
}

func TestBeforeItIsOpenedThePageShowsNothing(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/x/", "/x/state", "//"} {
		if res := d.send(d.request("GET", path, nil)); res.StatusCode != http.StatusForbidden && res.StatusCode < 300 {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	if res := d.send(d.request("GET", "/x/", nil)); res.StatusCode != http.StatusForbidden {
		t.Errorf("without a session: %s", res.Status)
	}
	for _, secret := range []string{"", "#", " "} {
		if res := d.send(d.request("POST", "/enter", url.Values{"secret": {secret}})); res.StatusCode != http.StatusForbidden {
			t.Errorf("the secret %q: %s", secret, res.Status)
		}
	}
}

// What the browser is allowed is what the page holds, and nothing else.
func TestTheContentSecurityPolicyAllowsThePagesOwnScriptsOnly(t *testing.T) {
	d := entered(t)
	res := d.send(d.request("GET", d.path, nil))
	got := map[string]string{}
	for _, directive := range strings.Split(res.Header.Get("Content-Security-Policy"), "; ") {
		name, value, _ := strings.Cut(directive, " ")
		got[name] = value
	}
	scripts, styles := strings.Fields(got["script-src"]), strings.Fields(got["style-src"])
	delete(got, "script-src")
	delete(got, "style-src")
	want := map[string]string{"default-src": "'none'", "connect-src": "'self'", "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'",
		"require-trusted-types-for": "'script'", "trusted-types": "'none'"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	entrance := d.send(d.request("GET", "/", nil)).text
	var hashes []string
	for _, text := range []string{entrance, res.text} {
		for _, m := range regexp.MustCompile(`(?s)<(script|style)>(.*?)</`).FindAllStringSubmatch(text, -1) {
			sum := sha256.Sum256([]byte(m[2]))
			hash := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
			if list := map[string][]string{"script": scripts, "style": styles}[m[1]]; !slices.Contains(list, hash) {
				t.Errorf("a %s that the policy stops: %.40s", m[1], m[2])
			}
			hashes = append(hashes, hash)
		}
	}
	for _, allowed := range slices.Concat(scripts, styles) {
		if !slices.Contains(hashes, allowed) {
			t.Errorf("%s is allowed and is in no page", allowed)
		}
	}
}
