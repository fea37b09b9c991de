package thehive_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/testing/chromium"
	"github.com/sallyport-soc/sallyport/thehive"
)

// A report is looked at as people look at it: nothing that an attacker wrote acts
// or loads anything, no word pushes the page off the screen or its neighbours
// together, and all can be read by day and by night.
func TestAReportInChromium(t *testing.T) {
	hive := empty(t)
	cs := attacked(hive)
	word := strings.Repeat("averylongword", 40)
	hive.Add("Observable", cs, Object{"dataType": "url", "data": "https://evil.example/" + word, "message": word, "ioc": true, "sighted": true})
	hive.Add("Task", cs, Object{"title": word, "description": word})
	hive.Add("Comment", cs, Object{"message": word})
	for i, tactic := range []string{"execution", "persistence", "discovery", "exfiltration", "impact"} {
		hive.Add("Procedure", cs, Object{"patternId": "T110" + string(rune('1'+i)), "patternName": word, "tactic": tactic})
	}
	r, err := hive.Client().CaseReport(t.Context(), thehive.CaseReportInput{CaseID: cs, Format: thehive.ReportHTML})
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var asked []string
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.URL.Path)
	}))
	t.Cleanup(web.Close)
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if q.URL.Path == "/" {
			_, _ = w.Write([]byte(strings.ReplaceAll(r.Text, "https://evil.example", web.URL)))
		}
	}))
	t.Cleanup(page.Close)

	b := chromium.New(t)
	b.Do("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": "window.alert = s => { window.acted = s }"}, nil)
	b.Open(page.URL + "/")
	b.Shows("<script>alert(1)</script><img src=x onerror=alert(2)>")
	if got := b.JS("window.acted"); got != "undefined" {
		t.Errorf("what the attacker wrote ran: alert(%s)", got)
	}
	if n := b.JS("document.querySelectorAll('script,img,a,iframe,object,form,b,i').length"); n != "0" {
		t.Errorf("%s elements are the attacker's", n)
	}
	b.Looks("case-report", func(where string) {
		t.Helper()
		// Every cell has room for the shortest of its words.
		if thin := b.JS("[...document.querySelectorAll('td,th')].filter(e => e.offsetParent && e.innerText.trim().length > 3 && e.clientWidth < 40).length"); thin != "0" {
			t.Errorf("%s: %s cells of a letter or two", where, thin)
		}
		// What is written can be told from what is behind it (WCAG's 4.5 to 1).
		if faint := b.JS(contrast); faint != "" {
			t.Errorf("%s: hard to read: %s", where, faint)
		}
	})
	mu.Lock()
	defer mu.Unlock()
	if len(asked) > 0 {
		t.Errorf("the page asked the attacker's server for %q", asked)
	}
}

// contrast names the texts that stand out too little from their ground.
const contrast = `(() => {
	const light = c => { const [r, g, b] = c.match(/[\d.]+/g).map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b };
	const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/^rgba.*, 0\)$/.test(c)) return c } return 'rgb(255, 255, 255)' };
	const faint = new Set();
	for (const e of document.body.querySelectorAll('*')) {
		if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) continue;
		const style = getComputedStyle(e), svg = e.namespaceURI.endsWith('svg');
		const behind = svg && e.previousElementSibling?.tagName == 'rect' ? getComputedStyle(e.previousElementSibling).fill : ground(e);
		const [a, b] = [light(svg ? style.fill : style.color), light(behind)].sort((x, y) => y - x);
		if ((a + .05) / (b + .05) < 4.5) faint.add(e.tagName + '.' + (e.className.baseVal ?? e.className));
	}
	return [...faint].join(' ');
})()`
