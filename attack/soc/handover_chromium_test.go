package soc_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/internal/testing/chromium"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// The page of a hand-over is looked at as people look at it: what others wrote neither acts
// nor pushes it off the screen, wide and on a phone, by day and by night.
func TestAHandoverInChromium(t *testing.T) {
	s := newSite(t)
	word := strings.Repeat("averylongword", 40)
	s.hive.Add("Case", "", thehivetest.Object{"title": "<img src=x onerror=alert(1)>" + word, "severity": 4, "status": "New"})
	s.hive.Add("Task", thehivetest.PhishingCase, thehivetest.Object{"title": "<script>alert(1)</script>" + word, "status": "Waiting", "dueDate": time.Now().UnixMilli()})
	out, err := s.soc.Handover(t.Context(), soc.HandoverInput{Page: soc.HTMLPage})
	if err != nil {
		t.Fatal(err)
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/" {
			_, _ = w.Write([]byte(out.Text))
		}
	}))
	t.Cleanup(page.Close)
	b := chromium.New(t)
	b.Do("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": "window.alert = s => { window.acted = s }"}, nil)
	b.Open(page.URL + "/")
	b.Shows("<script>alert(1)</script>averylongword")
	if n := b.JS("document.querySelectorAll('script,img,a,iframe').length"); n != "0" || b.JS("window.acted") != "undefined" {
		t.Errorf("%s elements are the attacker's, or acted", n)
	}
	b.Looks("handover-page", nil)
}
