package cortextest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// An exchange is one line of a recording.
type exchange struct {
	N       int               `json:"n"`
	As      string            `json:"as"`
	Why     string            `json:"why"`
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Request json.RawMessage   `json:"request"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

// unlike are the exchanges in which the fake differs knowingly, by what they are for.
var unlike = map[string]string{
	"health": "the fake has no page that says TODO",
	"file artifact zipped (password malware)":                            "our client downloads no files",
	"PATCH an enabled analyzer: its settings":                            "our client changes none",
	"PATCH unknown field":                                                "our client changes none",
	"PATCH as analyst":                                                   "our client changes none",
	"run: parameters a string":                                           "our client sends an object",
	"twice at once, second: the first is Waiting: a second job":          "a job of the fake ends at once unless it is told otherwise",
	"role matrix: GET /api/job/AlGBKaIBEo_JlNXAhGT9/report as read only": "the job is older than the recording",
	"waitreport, form ?atMost=1second":                                   "it would take a second",
	"waitreport, form ?atMost=500ms":                                     "it would take half a second",
	"waitreport, form ?atMost=1s":                                        "it would take a second",
	"run: body of 120 KB":                                                "the recording cuts it",
	"responder, entity above 100 KB: 413":                                "the recording cuts it",
	"life of a job: at the end":                                          "it would take seconds",
	"full is a list: InProgress for ever":                                "it would take half a minute",
}

// optional are members that depend on what runs a worker, on how it was enabled and on what a job is about.
var optional = []string{"command", "dockerImage", "jobCache", "jobTimeout", "rate", "rateUnit", "label", "data", "attachment"}

// passing are members that depend on which row comes first.
var passing = []string{"errorMessage", "input", "startDate", "endDate", "updatedAt", "updatedBy"}

func recorded(t *testing.T, name string) (list []exchange) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "vendor", "recordings", name))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no recording beside the project")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var x exchange
		if err := json.Unmarshal(lines.Bytes(), &x); err != nil {
			t.Fatal(err)
		}
		list = append(list, x)
	}
	if err := lines.Err(); err != nil || len(list) < 100 {
		t.Fatalf("%d lines, %v", len(list), err)
	}
	return list
}

// members returns the names in an object, or in the first of a list.
func members(b []byte) []string {
	var list []map[string]json.RawMessage
	var one map[string]json.RawMessage
	if json.Unmarshal(b, &list) == nil && len(list) > 0 {
		one = list[0]
	} else if json.Unmarshal(b, &one) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(one))
}

// stage gives s what the recorded server had: its analyzers, responders,
// definitions and users.
func stage(s *Server, list []exchange) {
	have := map[string]bool{}
	worker := func(v map[string]any) {
		id, _ := v["workerId"].(string)
		name, _ := v["workerName"].(string)
		kind, _ := v["type"].(string)
		if have[id] || id != workerID(name, kind) || strings.HasPrefix(name, "rec") {
			return
		}
		have[id] = true
		k := Worker{Name: name, DataTypes: []string{"ip"}, Service: "Lab"}
		switch name {
		case "Lab_Fail_1_0", "Lab_Tlp_1_0", "Lab_Stdout_1_0", "Lab_Crash_1_0", "Lab_Exit1_1_0":
			k.Answer = func(string, string) Answer {
				return Answer{Error: "no", Silent: name != "Lab_Fail_1_0" && name != "Lab_Tlp_1_0"}
			}
		case "Lab_ListFull_1_0":
			k.Answer = func(string, string) Answer { return Answer{Full: []any{"x"}} }
		case "Lab_Slow_1_0":
			k.Delay = 2 * time.Second
		case "Lab_Artifacts_1_0":
			k.Answer = func(string, string) Answer {
				list := []Artifact{{DataType: "file", File: &File{Name: "sample.bin", Content: []byte("x")}}}
				for range 29 {
					list = append(list, Artifact{DataType: "ip", Data: "198.51.100.5", Tags: []string{"t"}, Message: "m"})
				}
				return Answer{Artifacts: list}
			}
		}
		s.enable(k, kind)
	}
	for _, x := range list {
		var one map[string]any
		var many []map[string]any
		if json.Unmarshal(x.Body, &one) == nil {
			worker(one)
		} else if json.Unmarshal(x.Body, &many) == nil {
			for _, v := range many {
				worker(v)
			}
		}
	}
	s.Define(Definition{Name: "Lab_OneReq_1_0", Service: "Lab", Items: []Item{{Name: "key", Type: "string", Required: true}}})
	s.Define(Definition{Name: "Lab_Config_1_0", Service: "Lab_Config"})
	s.DefineResponder(Definition{Name: "Test_1_0", Service: "Test"})
	for _, d := range s.definitions {
		if d.Name == "Lab_Config_1_0" {
			d.Items = []Item{{Name: "key", Type: "string", Required: true}, {Name: "url", Type: "string", Required: true}, {Name: "n", Type: "number"}}
		} else if strings.HasPrefix(d.Name, "Lab_") && d.Name != "Lab_OneReq_1_0" {
			d.Items = nil
		}
	}
	for _, a := range []account{
		{user: user{"onlyanalyze@lab", "a", Organisation, []string{"analyze"}}, key: "analyze only"},
		{user: user{"onlyadmin@lab", "o", Organisation, []string{"orgadmin"}}, key: "orgadmin only"},
		{user: user{"other@lab", "o", "cortex", []string{"read", "orgadmin"}}, key: "orgadmin of another organisation"},
		{user: user{"reader@lab", "r", Organisation, []string{"read"}}, key: "read only"},
		{user: user{"super@lab", "s", "cortex", []string{"superadmin"}}, key: "superadmin"},
		{user: user{"analyst@lab", "s", Organisation, []string{"read", "analyze"}}, key: "read+analyze"},
	} {
		a.status = "Ok"
		s.accounts = append(s.accounts, &a)
	}
}

// Every request that was recorded at a real Cortex is answered by the fake with
// the same status, the same error and the same members.
func TestTheFakeAnswersRecordedRequestsAsCortexDid(t *testing.T) {
	t.Parallel()
	list := recorded(t, "cortex-4.1.0.ndjson.gz")
	s := NewServer()
	stage(s, list)
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	ids := map[string]string{} // of jobs, as recorded, to those of the fake
	here := func(text string) string {
		for old, now := range ids {
			text = strings.ReplaceAll(text, old, now)
		}
		return text
	}
	keys := map[string]string{"read+analyze+orgadmin": AdminKey, "no key": "", "unknown key": "nobody's"}
	alike := 0
	for _, x := range list {
		if x.Method == "" || x.Status == 0 || unlike[x.Why] != "" || bytes.Contains(x.Request, []byte("multipart, _json")) {
			continue
		}
		body := []byte(x.Request)
		var text string
		if json.Unmarshal(body, &text) == nil {
			body = []byte(text)
		}
		if string(body) == "null" {
			body = nil
		}
		req, err := http.NewRequestWithContext(t.Context(), x.Method, h.URL+here(x.Path), strings.NewReader(here(string(body))))
		if err != nil {
			t.Fatal(err)
		}
		key, ok := keys[x.As]
		if !ok {
			key = x.As
		}
		req.Header.Set("Authorization", "Bearer "+key)
		switch {
		case bytes.HasPrefix(body, []byte("------")):
			boundary, _, _ := bytes.Cut(body[2:], []byte("\r"))
			req.Header.Set("Content-Type", "multipart/form-data; boundary="+string(boundary))
		case x.Why == "run as a form":
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		case body != nil:
			req.Header.Set("Content-Type", "application/json")
		}
		if x.Why == "waitreport, form ?atMost=2" { // the job is at work by then
			time.Sleep(550 * time.Millisecond)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%d (%s): %v", x.N, x.Why, err)
		}
		var b bytes.Buffer
		_, err = b.ReadFrom(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if x.Why == "renew the key: the key as text" {
			keys["the new user"] = b.String()
		}
		var was, is struct{ ID, Type, Message string }
		_ = json.Unmarshal(x.Body, &was) // lists and texts have none
		_ = json.Unmarshal(b.Bytes(), &is)
		if strings.HasSuffix(strings.Split(x.Path, "?")[0], "/run") && was.ID != "" && is.ID != "" {
			ids[was.ID] = is.ID
		}
		var lacks, adds []string
		theirs, ours := members([]byte(here(string(x.Body)))), members(b.Bytes())
		free := optional
		if bytes.HasPrefix(x.Body, []byte("[")) || strings.Contains(x.Path, "/user") {
			free = slices.Concat(optional, passing)
		}
		if len(theirs) > 0 && len(ours) > 0 {
			for _, m := range theirs {
				if !slices.Contains(ours, m) && !slices.Contains(free, m) {
					lacks = append(lacks, m)
				}
			}
			for _, m := range ours {
				if !slices.Contains(theirs, m) && !slices.Contains(free, m) {
					adds = append(adds, m)
				}
			}
		}
		switch {
		case res.StatusCode != x.Status, x.Status >= 400 && is.Type != was.Type:
			t.Errorf("%d (%s as %s): %s %s: %d %.150s; Cortex %d %.150s", x.N, x.Why, x.As, x.Method, x.Path, res.StatusCode, b.String(), x.Status, x.Body)
		case len(lacks)+len(adds) > 0:
			t.Errorf("%d (%s as %s): %s %s: lacks %q, adds %q", x.N, x.Why, x.As, x.Method, x.Path, lacks, adds)
		default:
			alike++
		}
	}
	t.Logf("%d of %d exchanges are alike", alike, len(list))
}
