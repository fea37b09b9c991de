package httpx_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/paging"
)

// found is an answer with a list.
type found struct {
	Total int `json:"total"`
	Hits  struct {
		Rows []thing `json:"rows"`
	} `json:"hits"`
}

func list(ctx context.Context, c *httpx.Client) (*found, error) {
	return httpx.Listed(ctx, "hits.rows", func(f *found) *[]thing { return &f.Hits.Rows }, nil, func(ctx context.Context) (*httpx.Response, error) {
		return c.Send(ctx, httpx.NewRequest(query))
	})
}

// text is an answer with so many rows of about a KiB.
func text(rows int) []byte {
	b := []byte(`{"hits":{"rows":[`)
	for i := range rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"name":"row %d of %s %s"}`, i, secret, strings.Repeat("x", 1000))
	}
	return append(b, `]},"total":7}`...)
}

func TestALongListIsWhatItWouldBeAsAWhole(t *testing.T) {
	t.Parallel()
	for _, rows := range []int{0, 3, 255, 1000} {
		for _, chunked := range []bool{false, true} {
			body := text(rows)
			url, requests := serve(t, func(n int, w http.ResponseWriter, _ *http.Request) {
				switch {
				case n == 1 && rows > 500: // is lost on its way, and asked for again
					w.Header().Set("Content-Length", fmt.Sprint(len(body)))
					_, _ = w.Write(body[:len(body)/2])
					cut(w)
				case chunked:
					_, _ = io.Copy(struct{ io.Writer }{w}, bytes.NewReader(body))
					w.(http.Flusher).Flush()
				default:
					w.Header().Set("Content-Length", fmt.Sprint(len(body)))
					_, _ = w.Write(body)
				}
			})
			got, err := list(t.Context(), client(t, url))
			if err != nil {
				t.Fatal(err)
			}
			want := &found{Total: 7}
			want.Hits.Rows = []thing{}
			for i := range rows {
				want.Hits.Rows = append(want.Hits.Rows, thing{fmt.Sprintf("row %d of [REDACTED] %s", i, strings.Repeat("x", 1000))})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%d rows, chunked %v (-want +got):\n%.2000s", rows, chunked, diff)
			}
			if n := requests.Load(); n > 1 && rows < 500 {
				t.Errorf("%d rows: %d requests", rows, n)
			}
		}
	}
}

func TestALongListThatIsWrongSaysSoAtOnce(t *testing.T) {
	t.Parallel()
	whole := text(1000)
	for name, tt := range map[string]struct {
		body []byte
		want string
	}{
		"its end is missing":               {whole[:len(whole)-20], "cannot be read"},
		"a row isn't of its kind":          {bytes.Replace(whole, []byte(`"row 900`), []byte(`7,"x":"`), 1), "cannot be read"},
		"something comes behind":           {append(bytes.Clone(whole), '}'), "cannot be read"},
		"it is a page of a proxy":          {[]byte("<!DOCTYPE html><title>Sign in</title>" + strings.Repeat("x", 400_000)), "HTML page instead of JSON"},
		"it is over the limit":             {text(11_000), "more than 10485760 bytes"},
		"it is over, in what isn't a list": {[]byte(`{"total":"` + strings.Repeat("x", 11<<20) + `"}`), "more than 10485760 bytes"},
	} {
		for _, chunked := range []bool{false, true} {
			url, requests := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
				if !chunked {
					w.Header().Set("Content-Length", fmt.Sprint(len(tt.body)))
				}
				_, _ = w.Write(tt.body)
			})
			_, err := list(t.Context(), client(t, url))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secret) || requests.Load() != 1 {
				t.Errorf("%s, chunked %v: %v after %d requests; want one, and %q", name, chunked, err, requests.Load(), tt.want)
			}
			if large := strings.Contains(tt.want, "more than"); large != errors.Is(err, connect.ErrTooLarge) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// rowsOf reads a list whose rows stay text and are read by need, as a tool's are.
func rowsOf(t *testing.T, c *httpx.Client) []json.RawMessage {
	t.Helper()
	sent, err := rowsIn(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

func rowsIn(ctx context.Context, c *httpx.Client) (sent []json.RawMessage, err error) {
	type found struct {
		Hits struct {
			Rows []json.RawMessage `json:"rows"`
		} `json:"hits"`
	}
	op := paging.ByNeed(func(ctx context.Context, _ struct{}) (page, error) {
		f, err := httpx.Listed(ctx, "hits.rows", func(f *found) *[]json.RawMessage { return &f.Hits.Rows }, func(row *json.RawMessage) *json.RawMessage { return row },
			func(ctx context.Context) (*httpx.Response, error) { return c.Send(ctx, httpx.NewRequest(query)) })
		if err == nil {
			sent = f.Hits.Rows
		}
		return page{}, err
	})
	_, err = op(paging.Late(ctx), struct{}{})
	return sent, err
}

type page struct{}

// TestMemoryGrowsWithTheAnswerAndNotWithTheBody reads a body of 100 MB.
func TestMemoryGrowsWithTheAnswerAndNotWithTheBody(t *testing.T) {
	row := `{"name":"` + strings.Repeat("x", 10_000) + `"}`
	var most uint64
	url, _ := serve(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"hits":{"rows":[`+row)
		for i := range 10_000 {
			if _, err := io.WriteString(w, ","+row); err != nil {
				t.Error(err)
			}
			if i%500 == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
		_, _ = io.WriteString(w, `]}}`)
	})
	c := client(t, url, func(o *httpx.Options) { o.Connect.MaxBody, o.Connect.Timeout = 200<<20, 5*time.Minute })
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	rows := rowsOf(t, c)
	held := 0
	for _, r := range rows {
		held += len(r)
	}
	if len(rows) != 10_001 || held < paging.MaxHeld || held > paging.MaxHeld+2*len(row) {
		t.Errorf("%d rows with %d bytes of text, want 10001 with about %d", len(rows), held, paging.MaxHeld)
	}
	if above := most - min(before.HeapAlloc, most); above > 32<<20 {
		t.Errorf("%d MiB of heap beside a body of 100", above>>20)
	}
}
