package outlet

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

func outletsOpen() (n int) {
	outlets.Range(func(any, any) bool { n++; return true })
	return n
}

func TestARequestHasItsOutletWhileItIsServed(t *testing.T) {
	var o *Outlet
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o = Of(r.Header); o == nil || outletsOpen() != 1 {
			t.Errorf("it has the outlet %v of %d", o, outletsOpen())
		}
		fmt.Fprintf(w, `{"structuredContent":%s}`, o.Put([]byte(`{"a":1}`)))
		o.Put([]byte("of a call that nobody waits for any more"))
	})
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set(named, "another's") // as a client may
	w := httptest.NewRecorder()
	Serve(h, w, r, []byte("{}"))
	if got, want := w.Body.String(), `{"structuredContent":{"a":1}}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if Of(r.Header) != nil || outletsOpen() != 0 {
		t.Errorf("it has an outlet still, of %d", outletsOpen())
	}
}

func TestWhatComesBeforeTheAnswerIsSentAtOnce(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		last       bool // whether the answer is sent by itself
	}{
		{"a call", " {}", false},
		{"a batch, of which others may be under way", "[{},{}]", true},
	} {
		w := httptest.NewRecorder()
		Serve(http.HandlerFunc(func(to http.ResponseWriter, r *http.Request) {
			flushed := func() bool {
				w.Flushed = false
				if err := http.NewResponseController(to).Flush(); err != nil {
					t.Error(err)
				}
				return w.Flushed
			}
			fmt.Fprint(to, "progress")
			if !flushed() {
				t.Errorf("%s: its progress waits for its answer", tt.name)
			}
			fmt.Fprintf(to, `%s`, Of(r.Header).Put([]byte(`{}`)))
			if flushed() != tt.last {
				t.Errorf("%s: the answer is sent by itself: %t, want %t", tt.name, !tt.last, tt.last)
			}
		}), w, httptest.NewRequest(http.MethodPost, "/", nil), []byte(tt.body))
	}
}
