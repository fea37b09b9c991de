package misp_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
)

// serve starts a server that makes up each page of a search over n attributes
// and takes whatever is added, holding nothing. It returns its address.
func serve(t *testing.T, n int) string {
	t.Helper()
	comment := strings.Repeat("x", 1000)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		var b bytes.Buffer
		switch {
		case r.URL.Path == "/attributes/restSearch":
			var q struct{ Page, Limit int }
			if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
				t.Error(err)
			}
			from, to := min((q.Page-1)*q.Limit, n), min(q.Page*q.Limit, n)
			count := to - from
			if count == q.Limit {
				count++
			}
			w.Header().Set("X-Result-Count", strconv.Itoa(count))
			b.WriteString(`{"response":{"Attribute":[`)
			for i := from; i < to; i++ {
				if i > from {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, `{"id":"%d","type":"text","value":"value %d","to_ids":false,"comment":%q}`, n-i, i, comment)
			}
			b.WriteString(`]}}`)
		case r.URL.Path == "/events/restSearch":
			w.Header().Set("X-Result-Count", "1")
			b.WriteString(`{"response":[{"Event":{"id":"1","uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","info":"x"}}]}`)
		case strings.HasPrefix(r.URL.Path, "/attributes/add/"):
			var sent []map[string]any
			if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || len(sent) > 250 {
				t.Errorf("%d at once, %v", len(sent), err)
			}
			for i, a := range sent {
				a["id"] = strconv.Itoa(i + 1)
			}
			if err := json.NewEncoder(&b).Encode(map[string]any{"Attribute": sent}); err != nil {
				t.Error(err)
			}
		default:
			t.Errorf("unexpected %s %s", r.Method, r.URL.Path)
		}
		if _, err := w.Write(b.Bytes()); err != nil {
			return // the client is gone
		}
	}))
	t.Cleanup(h.Close)
	return h.URL
}
