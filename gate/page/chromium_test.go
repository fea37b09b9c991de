package page_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/testing/chromium"
)

// A tab shows pages of which every control must be usable.
type tab struct {
	*chromium.Tab
	t *testing.T
}

func newTab(t *testing.T) tab {
	t.Helper()
	return tab{chromium.New(t), t}
}

// looks checks what every page promises whatever the width: nothing is wider
// than the screen, and every control is big enough for a finger and has a name.
func (b tab) looks(name string) {
	b.t.Helper()
	b.Looks(name, func(where string) {
		if small := b.JS("[...document.querySelectorAll('button,.button,input:not([type=hidden])')].filter(e=>e.offsetHeight<44).length"); small != "0" {
			b.t.Errorf("%s: %s small controls", where, small)
		}
		if unnamed := b.JS("[...document.querySelectorAll('input:not([type=hidden])')].filter(e=>!e.labels.length).length"); unnamed != "0" {
			b.t.Errorf("%s: %s fields without a label", where, unnamed)
		}
	})
}

func rich() gate.Plan {
	return gate.Plan{
		Summary:  "Delete a case in TheHive, with all that is in it.",
		Targets:  []gate.Target{{Kind: "case", ID: "~8216", Name: "Brute force on web-01 \u202e fdp.exe", Version: "1763820012345"}},
		Changes:  []gate.Change{gate.Changed("status", "InProgress", "Deleted"), gate.Set("observables", "14 are deleted with it"), gate.Set("notes", strings.Repeat("Lorem ipsum dolor sit amet. ", 40))},
		Egress:   []gate.Egress{{To: "VirusTotal_GetReport_3_1", What: "ip 198.51.100.23", TLP: "TLP:AMBER, PAP:GREEN"}},
		Warnings: []string{"198.51.100.23 is on the warninglist \"List of known public resolvers\""},
	}
}

func TestInChromiumWithTheKeyboardAlone(t *testing.T) {
	b := newTab(t)
	d := newDesk(t)
	b.Open("http://" + d.host + "/")
	b.Shows("Paste the link")
	b.looks("entrance")

	b.Open("about:blank")
	b.Open(d.page.Invite())
	b.Shows("Nothing waits for a decision")
	if href := b.JS("location.href"); strings.Contains(href, "#") {
		t.Errorf("the secret stays in %s", href)
	}
	if seen := b.JS("document.cookie"); seen != "" {
		t.Errorf("scripts see the cookie: %s", seen)
	}

	res, err := d.op(gate.TierDestructive, rich()).Do(gate.WithClaim(t.Context(), "It is a duplicate of case 12. The operator has agreed already,\nplease approve quickly."), d.guard, &target{ID: "~8216"})
	if err != nil {
		t.Fatal(err)
	}
	p := res.Proposal
	w := d.propose(gate.TierWrite, casePlan())
	b.Shows("2 waiting") // without a reload by hand
	b.looks("overview")

	b.TabTo("a[href$='" + p.ID + "']")
	b.Key("Enter", 13, "\r")
	b.Shows("claim, unverified")
	if text := b.Text(); !strings.Contains(text, `\u{202e}`) || !strings.Contains(text, "198.51.100.23") {
		t.Errorf("the proposal: %s", text)
	}
	b.looks("proposal")
	b.TabTo("input[name=typed]")
	b.Do("Input.insertText", map[string]any{"text": p.Code()}, nil)
	b.Key("Enter", 13, "\r")
	b.Shows("Not approved")
	b.Shoot("wrong")
	d.wants(p.ID, gate.StatePending)
	b.TabTo("input[name=typed]")
	b.Do("Input.insertText", map[string]any{"text": "~8216"}, nil)
	b.Key("Enter", 13, "\r")
	b.Shows(p.ID + " is approved")
	d.wants(p.ID, gate.StateApproved)
	b.looks("approved")

	b.TabTo("nav a")
	b.Key("Enter", 13, "\r")
	b.Shows("1 waiting")
	b.TabTo("input[name=reason]")
	b.Do("Input.insertText", map[string]any{"text": "odd traffic"}, nil)
	if err := d.journal.Deny(w.ID, "alice", "elsewhere"); err != nil {
		t.Fatal(err)
	}
	b.Until("!document.getElementById('news').hidden")
	if typed := b.JS("document.getElementById('reason').value"); typed != "odd traffic" {
		t.Errorf("what was typed is lost: %q", typed)
	}
	b.TabTo("button.danger")
	b.Key("Enter", 13, "\r")
	b.Shows("All writes are frozen")
	if !d.frozen() {
		t.Error("not frozen")
	}
	b.looks("frozen")
	b.TabTo("nav a[href$=journal]")
	b.Key("Enter", 13, "\r")
	b.Shows("the chain holds")
	b.looks("journal")
}

// The boxes that show only when something is up: the open breaker, budgets and
// standing approvals.
func TestInChromiumWhatStopsAndWhatIsGranted(t *testing.T) {
	b := newTab(t)
	d := newDesk(t)
	bob, err := gate.NewSigner("bob")
	if err != nil {
		t.Fatal(err)
	}
	d.enrol(bob)
	b.Open(d.page.Invite())
	b.Shows("Nothing waits")
	plan := casePlan()
	plan.Undo = "Change it back."
	granted, err := d.journal.Grant(d.propose(gate.TierWrite, plan).ID, 5, 8*time.Hour, bob)
	if err != nil {
		t.Fatal(err)
	}
	d.propose(gate.TierWrite, plan) // uses it
	for i := range 3 {
		plan.Targets = []gate.Target{{Kind: "case", ID: fmt.Sprint("~", 40+i), Name: "Something else"}}
		p := d.proposeOf(gate.TierDestructive, plan, fmt.Sprint("~", 40+i))
		if err := d.journal.Deny(p.ID, "alice", "no"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.op(gate.TierWrite, casePlan()).Do(t.Context(), d.guard, &target{ID: "~9"}); !errors.Is(err, gate.ErrRefused) {
		t.Fatal(err)
	}
	b.Shows("The breaker has stopped all writes after 3 denials within an hour")
	b.Shows(granted.ID)
	b.Shows("3 denials")
	b.looks("stopped")
	b.TabTo("input[id=reset]")
	b.Do("Input.insertText", map[string]any{"text": "reset"}, nil)
	b.Key("Enter", 13, "\r")
	b.Until("!document.body.innerText.includes('The breaker has stopped')")
	b.TabTo("form[action$=revoke] button")
	b.Key("Enter", 13, "\r")
	b.Until("!document.body.innerText.includes('Revoke')")
	b.looks("reset")
}

// What the next shift must know, and an undo from the click to its approval.
func TestInChromiumTheHandoverAndAnUndo(t *testing.T) {
	b := newTab(t)
	d, tools := inForce(t)
	tools.say(shiftOf(tools.blocked))
	b.Open(d.page.Invite())
	b.Shows("Phishing mail with a fake invoice")
	b.Shows("EXPIRED 119000")
	b.looks("handover")
	b.TabTo("form[action$=undo] button")
	b.Key("Enter", 13, "\r")
	b.Shows("Take the active response back")
	b.looks("undo")
	b.TabTo("input[name=typed]")
	b.Do("Input.insertText", map[string]any{"text": "007"}, nil)
	b.Key("Enter", 13, "\r")
	b.Shows("or a person does: soc-mcp call unblock host=007")
	b.looks("undo-approved")
}

// TestInChromiumAnotherPageGetsNowhere opens pages of other servers on this
// host in a browser that has a session, and has them try.
func TestInChromiumAnotherPageGetsNowhere(t *testing.T) {
	b := newTab(t)
	d := newDesk(t)
	b.Open(d.page.Invite())
	b.Shows("Nothing waits")
	base := b.JS("location.pathname")
	var cookies atomic.Int32
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Cookies()) > 0 {
			cookies.Add(1)
		}
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/form":
			fmt.Fprintf(w, `<form method=post action="http://%s%sfreeze"><input name=token value=x></form><script>document.forms[0].submit()</script>`, d.host, base)
		case "/frame":
			fmt.Fprintf(w, `<body>frame<iframe src="http://%s%s"></iframe>`, d.host, base)
		case "/link":
			fmt.Fprintf(w, `<script>location="http://%s%s"</script>`, d.host, base)
		case "/fetch":
			fmt.Fprintf(w, `<body><script>fetch("http://%s%sstate",{credentials:"include"}).then(r=>r.text()).then(t=>document.title="READ "+t,()=>document.title="refused")</script>`, d.host, base)
		}
	}))
	t.Cleanup(evil.Close)
	for _, origin := range []string{evil.URL, strings.Replace(evil.URL, "127.0.0.1", "localhost", 1)} {
		b.Open(origin + "/form")
		b.Shows("The request came from another page")
		b.Open(origin + "/link")
		b.Shows("Another page led here")
		b.Open(origin + "/frame")
		b.Shows("frame")
		b.Until("frames.length == 1")
		b.Shoot("framed")
		b.Open(origin + "/fetch")
		b.Until("document.title != ''")
		if got := b.JS("document.title"); got != "refused" {
			t.Errorf("%s read %q", origin, got)
		}
	}
	if d.frozen() {
		t.Error("another page froze all writes")
	}
	if cookies.Load() > 0 {
		t.Error("another server was sent the cookie")
	}
	b.Open("http://" + d.host + base)
	b.Shows("Nothing waits") // the session is still there
}
