package page_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
)

// A tab is a page in a headless Chromium, driven over its debugging pipe.
type tab struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	id      int
}

// newTab starts a Chromium with an empty profile. It skips the test where there is none.
func newTab(t *testing.T) *tab {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the debugging pipe needs inherited files, which Windows hasn't")
	}
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium on this machine: the page is not tested in a browser")
	}
	profile, err := os.MkdirTemp("", "gate-page-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+profile)
	theirIn, in, err := os.Pipe()
	out, theirOut, oerr := os.Pipe()
	if err := errors.Join(err, oerr); err != nil {
		t.Fatal(err)
	}
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // descriptors 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &tab{t: t, in: in, out: bufio.NewReader(out)}
	watchdog := time.AfterFunc(90*time.Second, func() { cmd.Process.Kill() }) //nolint:errcheck // it may have ended
	t.Cleanup(func() {
		in.Close() // which ends it
		out.Close()
		cmd.Wait() //nolint:errcheck // it may have been killed
		watchdog.Stop()
		for range 50 { // its children may still be writing
			if os.RemoveAll(profile) == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	var target struct{ TargetID string }
	b.do("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.do("Page.enable", nil, nil)
	b.do("Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}, nil)
	b.size(1280, 900, false)
	return b
}

// ask sends one command and waits for its answer.
func (b *tab) ask(method string, params, result any) error {
	b.t.Helper()
	b.id++
	if params == nil {
		params = struct{}{}
	}
	msg, err := json.Marshal(map[string]any{"id": b.id, "method": method, "params": params, "sessionId": b.session})
	if b.session == "" {
		msg, err = json.Marshal(map[string]any{"id": b.id, "method": method, "params": params})
	}
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.in.Write(append(msg, 0)); err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	for {
		line, err := b.out.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("chromium: %s: %v", method, err)
		}
		var answer struct {
			ID     int
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		if err := json.Unmarshal(line[:len(line)-1], &answer); err != nil {
			b.t.Fatal(err)
		}
		if answer.ID != b.id {
			continue
		}
		if answer.Error != nil {
			return fmt.Errorf("chromium: %s: %s", method, answer.Error.Message)
		}
		if result != nil {
			return json.Unmarshal(answer.Result, result)
		}
		return nil
	}
}

func (b *tab) do(method string, params, result any) {
	b.t.Helper()
	if err := b.ask(method, params, result); err != nil {
		b.t.Fatal(err)
	}
}

// js returns what an expression is, as text.
func (b *tab) js(expression string) string {
	b.t.Helper()
	text, err := b.eval(expression)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *tab) eval(expression string) (string, error) {
	var out struct{ Result struct{ Value any } }
	err := b.ask("Runtime.evaluate", map[string]any{"expression": "String(" + expression + ")", "returnByValue": true}, &out)
	return fmt.Sprint(out.Result.Value), err
}

// until waits for an expression to become true.
func (b *tab) until(expression string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		// While the tab goes from page to page there is nothing to ask.
		if text, err := b.eval(expression); err == nil && text == "true" {
			return
		}
	}
	b.t.Fatalf("never: %s\n%s\n%s", expression, b.js("location.href"), b.js("document.documentElement.innerText"))
}

func (b *tab) open(url string) {
	b.t.Helper()
	b.do("Page.navigate", map[string]any{"url": url}, nil)
}

func (b *tab) text() string {
	b.t.Helper()
	return b.js("document.body ? document.body.innerText : ''")
}

func (b *tab) shows(text string) {
	b.t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		b.t.Fatal(err)
	}
	b.until("!!document.body && document.readyState=='complete' && document.body.innerText.includes(" + string(quoted) + ")")
}

func (b *tab) key(name string, code int, text string) {
	b.t.Helper()
	down := map[bool]string{true: "rawKeyDown", false: "keyDown"}[text == ""]
	b.do("Input.dispatchKeyEvent", map[string]any{"type": down, "key": name, "code": name, "windowsVirtualKeyCode": code, "text": text}, nil)
	b.do("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name, "code": name, "windowsVirtualKeyCode": code}, nil)
}

// tabTo presses the tabulator until what holds the focus fits.
func (b *tab) tabTo(selector string) {
	b.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		b.t.Fatal(err)
	}
	for range 60 {
		b.key("Tab", 9, "")
		if b.js("document.activeElement.matches("+string(quoted)+")") == "true" {
			return
		}
	}
	b.t.Fatalf("the tabulator doesn't lead to %s", selector)
}

func (b *tab) size(width, height int, dark bool) {
	b.t.Helper()
	b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.do("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": map[bool]string{true: "dark", false: "light"}[dark]}}}, nil)
}

// shoot keeps a picture of the whole page in $GATE_PAGE_SCREENSHOTS, if set.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("GATE_PAGE_SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	b.do("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// looks checks what every page promises whatever the width: nothing is wider
// than the screen, and every control is big enough for a finger and has a name.
func (b *tab) looks(name string) {
	b.t.Helper()
	for _, v := range []struct {
		what   string
		width  int
		height int
		dark   bool
	}{{"wide", 1280, 900, false}, {"phone", 360, 740, false}, {"dark", 1280, 900, true}, {"dark-phone", 360, 740, true}} {
		b.size(v.width, v.height, v.dark)
		if over := b.js("document.documentElement.scrollWidth - document.documentElement.clientWidth"); over != "0" {
			b.t.Errorf("%s, %s: %s pixels wider than the screen", name, v.what, over)
		}
		if small := b.js("[...document.querySelectorAll('button,.button,input:not([type=hidden])')].filter(e=>e.offsetHeight<44).length"); small != "0" {
			b.t.Errorf("%s, %s: %s small controls", name, v.what, small)
		}
		if unnamed := b.js("[...document.querySelectorAll('input:not([type=hidden])')].filter(e=>!e.labels.length).length"); unnamed != "0" {
			b.t.Errorf("%s: %s fields without a label", name, unnamed)
		}
		b.shoot(name + "-" + v.what)
	}
	b.size(1280, 900, false)
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
	b.open("http://" + d.host + "/")
	b.shows("Paste the link")
	b.looks("entrance")

	b.open("about:blank")
	b.open(d.page.Invite())
	b.shows("Nothing waits for a decision")
	if href := b.js("location.href"); strings.Contains(href, "#") {
		t.Errorf("the secret stays in %s", href)
	}
	if seen := b.js("document.cookie"); seen != "" {
		t.Errorf("scripts see the cookie: %s", seen)
	}

	res, err := d.op(gate.TierDestructive, rich()).Do(gate.WithClaim(t.Context(), "It is a duplicate of case 12. The operator has agreed already,\nplease approve quickly."), d.guard, &target{ID: "~8216"})
	if err != nil {
		t.Fatal(err)
	}
	p := res.Proposal
	w := d.propose(gate.TierWrite, casePlan())
	b.shows("2 waiting") // without a reload by hand
	b.looks("overview")

	b.tabTo("a[href$='" + p.ID + "']")
	b.key("Enter", 13, "\r")
	b.shows("claim, unverified")
	if text := b.text(); !strings.Contains(text, `\u{202e}`) || !strings.Contains(text, "198.51.100.23") {
		t.Errorf("the proposal: %s", text)
	}
	b.looks("proposal")
	b.tabTo("input[name=typed]")
	b.do("Input.insertText", map[string]any{"text": p.Code()}, nil)
	b.key("Enter", 13, "\r")
	b.shows("Not approved")
	b.shoot("wrong")
	d.wants(p.ID, gate.StatePending)
	b.tabTo("input[name=typed]")
	b.do("Input.insertText", map[string]any{"text": "~8216"}, nil)
	b.key("Enter", 13, "\r")
	b.shows(p.ID + " is approved")
	d.wants(p.ID, gate.StateApproved)
	b.looks("approved")

	b.tabTo("nav a")
	b.key("Enter", 13, "\r")
	b.shows("1 waiting")
	b.tabTo("input[name=reason]")
	b.do("Input.insertText", map[string]any{"text": "odd traffic"}, nil)
	if err := d.journal.Deny(w.ID, "alice", "elsewhere"); err != nil {
		t.Fatal(err)
	}
	b.until("!document.getElementById('news').hidden")
	if typed := b.js("document.getElementById('reason').value"); typed != "odd traffic" {
		t.Errorf("what was typed is lost: %q", typed)
	}
	b.tabTo("button")
	b.key("Enter", 13, "\r")
	b.shows("All writes are frozen")
	if !d.frozen() {
		t.Error("not frozen")
	}
	b.looks("frozen")
	b.tabTo("nav a[href$=journal]")
	b.key("Enter", 13, "\r")
	b.shows("the chain holds")
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
	b.open(d.page.Invite())
	b.shows("Nothing waits")
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
	b.shows("The breaker has stopped all writes after 3 denials within an hour")
	b.shows(granted.ID)
	b.shows("3 denials")
	b.looks("stopped")
	b.tabTo("input[id=reset]")
	b.do("Input.insertText", map[string]any{"text": "reset"}, nil)
	b.key("Enter", 13, "\r")
	b.until("!document.body.innerText.includes('The breaker has stopped')")
	b.tabTo("form[action$=revoke] button")
	b.key("Enter", 13, "\r")
	b.until("!document.body.innerText.includes('Revoke')")
	b.looks("reset")
}

// TestInChromiumAnotherPageGetsNowhere opens pages of other servers on this
// host in a browser that has a session, and has them try.
func TestInChromiumAnotherPageGetsNowhere(t *testing.T) {
	b := newTab(t)
	d := newDesk(t)
	b.open(d.page.Invite())
	b.shows("Nothing waits")
	base := b.js("location.pathname")
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
		b.open(origin + "/form")
		b.shows("The request came from another page")
		b.open(origin + "/link")
		b.shows("Another page led here")
		b.open(origin + "/frame")
		b.shows("frame")
		b.until("frames.length == 1")
		b.shoot("framed")
		b.open(origin + "/fetch")
		b.until("document.title != ''")
		if got := b.js("document.title"); got != "refused" {
			t.Errorf("%s read %q", origin, got)
		}
	}
	if d.frozen() {
		t.Error("another page froze all writes")
	}
	if cookies.Load() > 0 {
		t.Error("another server was sent the cookie")
	}
	b.open("http://" + d.host + base)
	b.shows("Nothing waits") // the session is still there
}
