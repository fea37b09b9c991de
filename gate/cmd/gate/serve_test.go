package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
)

// served starts the page and returns its link and what ends it.
func (d *desk) served(t *testing.T) (link string, end func() error) {
	t.Helper()
	j, err := gate.OpenJournal(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	out, in := io.Pipe()
	c := &call{app: &app{stdin: strings.NewReader(""), stdout: in, stderr: io.Discard, env: func(string) string { return "" }}, state: d.dir, key: d.key}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.servePage(ctx, j, "127.0.0.1:0", "") }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); j.Close() })
	return strings.TrimSpace(line), func() error { cancel(); return <-done }
}

func TestServeApprovesInABrowser(t *testing.T) {
	d := newDesk(t)
	op := d.op(gate.TierWrite, "Phishing")
	p := d.call(op).Proposal
	link, end := d.served(t)
	u, err := url.Parse(link)
	if err != nil || u.Hostname() != "127.0.0.1" || u.Port() == "0" || u.RawQuery != "" || len(u.Fragment) < 20 {
		t.Fatalf("%q, %v", link, err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	send := func(path string, form url.Values) (string, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+u.Host+path, nil)
		if form != nil {
			r, err = http.NewRequestWithContext(t.Context(), "POST", "http://"+u.Host+path, strings.NewReader(form.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "http://"+u.Host)
		}
		if err != nil {
			t.Fatal(err)
		}
		res, err := browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s, %v\n%s", r.Method, path, res.Status, err, b)
		}
		return string(b), res.Request.URL.Path
	}
	_, base := send("/enter", url.Values{"secret": {link}})
	one, _ := send(base+"p/"+p.ID, nil)
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(one)
	if token == nil {
		t.Fatalf("no form in %s", one)
	}
	send(base+"p/"+p.ID+"/approve", url.Values{"token": {token[1]}, "digest": {p.Digest}, "typed": {p.Code()}})
	d.wants(t, gate.StateApproved, p.ID)
	if res := d.call(op); res.Out != "did ~1" {
		t.Errorf("%+v", res)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestServeListensOnTheLoopbackInterfaceOnly(t *testing.T) {
	d := newDesk(t)
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "localhost:0", "[::]:0", "example.com:80", ""} {
		if code, stdout, stderr := d.gate("serve", "-addr", addr); code != exitFailed || stdout != "" || !strings.Contains(stderr, "loopback") {
			t.Errorf("%q: %d %q %q", addr, code, stdout, stderr)
		}
	}
}

func TestServeWithoutAKeySaysSo(t *testing.T) {
	d := newDesk(t)
	d.key += ".none"
	j, err := gate.OpenJournal(d.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	c := &call{app: &app{stdin: strings.NewReader(""), stdout: &out, stderr: io.Discard}, state: d.dir, key: d.key}
	if err := c.servePage(ctx, j, "127.0.0.1:0", ""); err != nil || !strings.Contains(out.String(), "There is no key") {
		t.Errorf("%v %q", err, out.String())
	}
}
