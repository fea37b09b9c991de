package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
)

// largeAnswers calls what reads large things, of servers in a folder, and prints how
// much memory each takes at most above the idle process.
func largeAnswers(ctx context.Context, folder string) error {
	up := httptest.NewServer(http.HandlerFunc(big))
	defer up.Close()
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	state, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	env := []string{"HOME=" + state, "SALLYPORT_STATE=" + state, "MISP_URL=" + up.URL, "MISP_API_KEY=key", "MISP_FILE_BASE_DIR=" + state, "THEHIVE_URL=" + up.URL, "THEHIVE_API_KEY=key"}
	for _, l := range []struct{ what, server, tool, args string }{
		{"an event of 100 MB", "misp-mcp", "misp_get_event", `{"eventId":"1"}`},
		{"10,000 attributes as STIX", "misp-mcp", "misp_export_iocs", `{"format":"stix2","limit":10000,"type":"ip-src"}`},
		{"100,000 of them into a file", "misp-mcp", "misp_export_iocs", `{"format":"stix2","limit":10000,"type":"ip-src","saveAs":"all.json"}`},
		{"500 long cases", "thehive-mcp", "thehive_list_cases", `{"limit":500}`},
	} {
		s, err := start(ctx, filepath.Join(folder, l.server), env, false)
		if err != nil {
			return err
		}
		idle := memoryOf(s.cmd.Process.Pid, "VmRSS:")
		answer, err := s.call(ctx, load{tool: l.tool, args: json.RawMessage(l.args)})
		most := memoryOf(s.cmd.Process.Pid, "VmHWM:")
		s.stop()
		if err != nil {
			return fmt.Errorf("%s: %w", l.what, err)
		}
		fmt.Printf("%-28s %6.1f MiB above the idle %.1f; an answer of %d bytes\n", l.what, most-idle, idle, len(answer))
	}
	return nil
}

// big answers as MISP and TheHive do that have too much of everything.
func big(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	out := bufio.NewWriter(w)
	defer out.Flush()
	kib := strings.Repeat("0123456789abcdef", 64)
	row := func(i int) {
		fmt.Fprintf(out, `{"id":"%d","event_id":"1","type":"ip-src","category":"Network activity","value":"198.51.100.%d","to_ids":true,"comment":%q}`, i+1, i%250, kib)
	}
	list := func(open, end string, from, to int, one func(i int)) {
		io.WriteString(out, open)
		for i := from; i < to; i++ {
			if i > from {
				out.WriteByte(',')
			}
			one(i)
		}
		io.WriteString(out, end)
	}
	switch r.URL.Path {
	case "/events/restSearch":
		w.Header().Set("X-Result-Count", "1")
		io.WriteString(out, `{"response":[{"Event":{"id":"1","uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","info":"large","attribute_count":"100000"}}]}`)
	case "/events/view/1":
		list(`{"Event":{"id":"1","uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","info":"large","attribute_count":"100000","Attribute":[`, "]}}", 0, 100_000, row)
	case "/attributes/restSearch":
		var q struct {
			Page, Limit  int
			ReturnFormat string
		}
		_ = json.Unmarshal(b, &q) // a page of nothing says so
		from, to := min(max(q.Page-1, 0)*q.Limit, 100_000), min(max(q.Page, 1)*q.Limit, 100_000)
		w.Header().Set("X-Result-Count", fmt.Sprint(to-from+1))
		if q.ReturnFormat != "stix2" {
			list(`{"response":{"Attribute":[`, "]}}", from, to, row)
			return
		}
		w.Header().Set("X-Export-Module-Used", "stix2")
		list(`{"type":"bundle","id":"bundle--1","objects":[`, "]}", from, to, func(i int) {
			fmt.Fprintf(out, `{"type":"indicator","spec_version":"2.1","id":"indicator--%d","pattern":"[ipv4-addr:value = '198.51.100.%d']","description":%q}`, i, i%250, kib)
		})
	case "/api/v1/query":
		var q struct{ Query []map[string]any }
		_ = json.Unmarshal(b, &q) // likewise
		from, to := 0, 0
		for _, step := range q.Query {
			switch step["_name"] {
			case "page":
				f, _ := step["from"].(float64)
				t, _ := step["to"].(float64)
				from, to = int(f), int(t)
			case "count":
				io.WriteString(out, "1000")
				return
			}
		}
		list("[", "]", from, to, func(i int) {
			fmt.Fprintf(out, `{"_id":"~%d","_type":"Case","number":%d,"title":"long","description":%q,"severity":2,"tlp":2,"pap":2,"status":"New","stage":"New","_createdAt":%d}`, i+1, i+1, strings.Repeat(kib, 30), 1772000000000-i)
		})
	case "/api/v1/status/public", "/api/v1/status", "/api/status":
		io.WriteString(out, `{"version":"5.6.3","versions":{"TheHive":"5.6.3","Scalligraph":"5.6.3"},"config":{}}`)
	default:
		io.WriteString(out, "{}")
	}
}
