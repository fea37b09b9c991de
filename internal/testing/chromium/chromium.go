// Package chromium drives a headless Chromium over its debugging pipe, so that
// what people get to see is tested as they see it.
package chromium

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// A Tab is a page in a headless Chromium, driven over its debugging pipe.
type Tab struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	id      int
}

// New starts a Chromium with an empty profile. It skips the test where there is none.
func New(t *testing.T) *Tab {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the debugging pipe needs inherited files, which Windows hasn't")
	}
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium on this machine: the page is not looked at in a browser")
	}
	profile, err := os.MkdirTemp("", "chromium-")
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
	b := &Tab{t: t, in: in, out: bufio.NewReader(out)}
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
	b.Do("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.Do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.Do("Page.enable", nil, nil)
	b.Do("Emulation.setFocusEmulationEnabled", map[string]any{"enabled": true}, nil)
	b.size(1280, 900, false)
	return b
}

// ask sends one command and waits for its answer.
func (b *Tab) ask(method string, params, result any) error {
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

// Do sends one command of the DevTools protocol, and reads its answer into result.
func (b *Tab) Do(method string, params, result any) {
	b.t.Helper()
	if err := b.ask(method, params, result); err != nil {
		b.t.Fatal(err)
	}
}

// JS returns what an expression is, as text.
func (b *Tab) JS(expression string) string {
	b.t.Helper()
	text, err := b.eval(expression)
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

func (b *Tab) eval(expression string) (string, error) {
	var out struct{ Result struct{ Value any } }
	err := b.ask("Runtime.evaluate", map[string]any{"expression": "String(" + expression + ")", "returnByValue": true}, &out)
	return fmt.Sprint(out.Result.Value), err
}

// Until waits for an expression to become true.
func (b *Tab) Until(expression string) {
	b.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		// While the tab goes from page to page there is nothing to ask.
		if text, err := b.eval(expression); err == nil && text == "true" {
			return
		}
	}
	b.t.Fatalf("never: %s\n%s\n%s", expression, b.JS("location.href"), b.JS("document.documentElement.innerText"))
}

// Open goes to a page.
func (b *Tab) Open(url string) {
	b.t.Helper()
	b.Do("Page.navigate", map[string]any{"url": url}, nil)
}

// Text is what the page shows, as text.
func (b *Tab) Text() string {
	b.t.Helper()
	return b.JS("document.body ? document.body.innerText : ''")
}

// Shows waits until the page is there and shows text.
func (b *Tab) Shows(text string) {
	b.t.Helper()
	quoted, err := json.Marshal(text)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Until("!!document.body && document.readyState=='complete' && document.body.innerText.includes(" + string(quoted) + ")")
}

// Key presses one key.
func (b *Tab) Key(name string, code int, text string) {
	b.t.Helper()
	down := map[bool]string{true: "rawKeyDown", false: "keyDown"}[text == ""]
	b.Do("Input.dispatchKeyEvent", map[string]any{"type": down, "key": name, "code": name, "windowsVirtualKeyCode": code, "text": text}, nil)
	b.Do("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": name, "code": name, "windowsVirtualKeyCode": code}, nil)
}

// TabTo presses the tabulator until what holds the focus fits.
func (b *Tab) TabTo(selector string) {
	b.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		b.t.Fatal(err)
	}
	for range 60 {
		b.Key("Tab", 9, "")
		if b.JS("document.activeElement.matches("+string(quoted)+")") == "true" {
			return
		}
	}
	b.t.Fatalf("the tabulator doesn't lead to %s", selector)
}

func (b *Tab) size(width, height int, dark bool) {
	b.t.Helper()
	b.Do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}, nil)
	b.Do("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": map[bool]string{true: "dark", false: "light"}[dark]}}}, nil)
}

// Shoot keeps a picture of the whole page in $SCREENSHOTS, if set.
func (b *Tab) Shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	b.Do("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// Looks checks what every page promises, wide and on a phone, light and dark:
// nothing is wider than the screen. also checks more, if it isn't nil.
func (b *Tab) Looks(name string, also func(where string)) {
	b.t.Helper()
	for _, v := range []struct {
		what   string
		width  int
		height int
		dark   bool
	}{{"wide", 1280, 900, false}, {"phone", 360, 740, false}, {"dark", 1280, 900, true}, {"dark-phone", 360, 740, true}} {
		b.size(v.width, v.height, v.dark)
		where := name + ", " + v.what
		if over := b.JS("document.documentElement.scrollWidth - document.documentElement.clientWidth"); over != "0" {
			b.t.Errorf("%s: %s pixels wider than the screen", where, over)
		}
		if also != nil {
			also(where)
		}
		b.Shoot(name + "-" + v.what)
	}
	b.size(1280, 900, false)
}
