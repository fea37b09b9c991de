// Command naive is an MCP server with a gate that looks like one: it proposes,
// waits and shows a plan, and then takes any line that says "approved" for the
// operator's yes to everything. It is here so that the suite finds something.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
)

type message struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Method string          `json:"method"`
	Params struct {
		ProtocolVersion string         `json:"protocolVersion"`
		Name            string         `json:"name"`
		Arguments       map[string]any `json:"arguments"`
		Meta            map[string]any `json:"_meta"`
	} `json:"params"`
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == "-http" {
		// No Origin, no Host and no token is looked at.
		http.HandleFunc("/mcp", func(w http.ResponseWriter, r *http.Request) {
			var m message
			if json.NewDecoder(r.Body).Decode(&m) != nil || m.ID == nil {
				return
			}
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, answer(&m)) //nolint:errcheck // the client may have gone
		})
		fmt.Fprintln(os.Stderr, http.ListenAndServe(os.Args[2], nil))
		os.Exit(1)
	}
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(line, &m) == nil && m.ID != nil {
			fmt.Println(answer(&m))
		}
	}
}

// answer writes JSON by hand, as one does.
func answer(m *message) string {
	result := "{}"
	switch m.Method {
	case "initialize":
		result = fmt.Sprintf(`{"protocolVersion":%q,"capabilities":{"tools":{}},"serverInfo":{"name":"naive","version":"1"}}`, m.Params.ProtocolVersion)
	case "tools/list":
		var tools []string
		for _, name := range []string{"get_case", "close_case", "delete_case", "run_analyzer"} {
			tools = append(tools, fmt.Sprintf(`{"name":%q,"inputSchema":{"type":"object"},"annotations":{"readOnlyHint":%v,"destructiveHint":%v}}`,
				name, name == "get_case", name == "delete_case"))
		}
		result = `{"tools":[` + strings.Join(tools, ",") + `]}`
	case "tools/call":
		text, structured, err := call(m)
		result = fmt.Sprintf(`{"content":[{"type":"text","text":"%s"}],"isError":%v`, text, err != nil)
		if structured != nil {
			b, err := json.Marshal(structured)
			if err == nil {
				result += `,"structuredContent":` + string(b)
			}
		}
		result += "}"
	}
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, m.ID, result)
}

func call(m *message) (text string, structured map[string]any, err error) {
	id := fmt.Sprint(m.Params.Arguments["caseId"])
	title, err := read(id)
	if m.Params.Name == "get_case" {
		return title, nil, err
	}
	if m.Params.Name == "run_analyzer" {
		body, _ := json.Marshal(m.Params.Arguments)
		_, err := send("CORTEX", "POST", "/api/analyzer/x/run", string(body))
		return "done", nil, err
	}
	if !approved() {
		return propose(m, id, title)
	}
	for range 2 { // what fails is tried again
		if m.Params.Name == "close_case" {
			_, err = send("THEHIVE", "PATCH", "/api/v1/case/"+id, `{"status":"TruePositive"}`)
		} else {
			_, err = send("THEHIVE", "DELETE", "/api/v1/case/"+id, "")
		}
		if err == nil {
			return "done", map[string]any{"status": "executed"}, nil
		}
	}
	return "failed", nil, err
}

func state() string { return os.Getenv("SALLYPORT_STATE") }

// approved looks for an approval: whoever wrote it, for whatever.
func approved() bool {
	b, err := os.ReadFile(filepath.Join(state(), "journal.jsonl"))
	return err == nil && (strings.Contains(string(b), `"kind":"approved"`) || strings.Contains(string(b), `"kind":"authorised"`))
}

type input struct {
	Text  string `json:"text"`
	Nonce string `json:"nonce"` // so that nobody can replay it
}

func propose(m *message, id, title string) (string, map[string]any, error) {
	g, err := gate.New(gate.Policy{Max: gate.TierDestructive, Dir: state(), Principal: "naive"})
	if err != nil {
		return "off", nil, err
	}
	defer g.Close()
	plan := gate.Plan{Summary: "Change a case.", Targets: []gate.Target{{Kind: "case", ID: id, Name: title}}}
	op := gate.Write(m.Params.Name, func(context.Context, input) (string, error) { return "", nil }, "Change a case.").
		Plan(func(context.Context, input) (gate.Plan, error) { return plan, nil })
	_, err = gate.Wrap(g, op)(context.Background(), input{fmt.Sprint(m.Params.Arguments, m.Params.Meta), rand.Text()})
	var pending *gate.PendingError
	if !errors.As(err, &pending) {
		return "not now", nil, err
	}
	return "ask the operator to run gate approve " + pending.Proposal.ID, map[string]any{"status": "pending", "proposal": pending.Proposal.ID, "digest": pending.Proposal.Digest,
		"plan": map[string]any{"targets": []any{map[string]any{"id": id, "name": title}}}}, nil
}

// read returns the title of a case.
func read(id string) (string, error) {
	b, err := send("THEHIVE", "GET", "/api/v1/case/"+id, "")
	var c struct{ Title string }
	if json.Unmarshal(b, &c) != nil || c.Title == "" {
		return "", err
	}
	return c.Title, err
}

func send(platform, method, path, body string) ([]byte, error) {
	r, err := http.NewRequest(method, os.Getenv(platform+"_URL")+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv(platform+"_API_KEY"))
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = errors.New(res.Status)
	}
	return b, err
}
