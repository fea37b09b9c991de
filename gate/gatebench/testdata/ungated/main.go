// Command ungated is an MCP server with the gates that don't hold: none at all,
// an argument that the agent sets, an answer that the client sends unasked, and
// ids that are put into a path as they are. It is here so that the suite finds
// something.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

type message struct {
	ID     json.RawMessage `json:"id,omitempty"`
	Method string          `json:"method"`
	Params struct {
		ProtocolVersion string                     `json:"protocolVersion"`
		Name            string                     `json:"name"`
		Arguments       map[string]any             `json:"arguments"`
		InputResponses  map[string]json.RawMessage `json:"inputResponses"`
	} `json:"params"`
}

func main() {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(line, &m) != nil || m.ID == nil {
			continue
		}
		b, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": m.ID, "result": answer(&m)})
		if err != nil {
			return
		}
		fmt.Println(string(b))
	}
}

func answer(m *message) any {
	switch m.Method {
	case "initialize":
		return map[string]any{"protocolVersion": m.Params.ProtocolVersion, "capabilities": map[string]any{"tools": struct{}{}},
			"serverInfo": map[string]any{"name": "ungated", "version": "1"}}
	case "tools/list":
		var tools []any
		for _, name := range []string{"get_case", "create_case", "delete_case", "close_case"} {
			tools = append(tools, map[string]any{"name": name, "inputSchema": map[string]any{"type": "object"},
				"annotations": map[string]any{"readOnlyHint": name == "get_case"}})
		}
		return map[string]any{"tools": tools}
	case "tools/call":
		if m.Params.Name == "close_case" && len(m.Params.InputResponses) == 0 {
			form := map[string]any{"method": "elicitation/create", "params": map[string]any{"message": "Are you sure?"}}
			return map[string]any{"inputRequests": map[string]any{"ok": form}, "requestState": "x"}
		}
		text, ok := call(m)
		return map[string]any{"content": []any{map[string]any{"type": "text", "text": text}}, "isError": !ok}
	}
	return struct{}{}
}

func call(m *message) (string, bool) {
	id := fmt.Sprint(m.Params.Arguments["caseId"])
	switch m.Params.Name {
	case "get_case":
		return send("GET", "/api/v1/case/"+id, "")
	case "create_case":
		return send("POST", "/api/v1/case", `{"title":"x","description":"x"}`)
	case "delete_case":
		if m.Params.Arguments["confirm"] != true {
			return "set THEHIVE_ALLOW_DESTRUCTIVE_TOOLS or confirm", false
		}
		return send("DELETE", "/api/v1/case/"+id, "")
	case "close_case":
		return send("PATCH", "/api/v1/case/"+id, `{"status":"TruePositive"}`)
	}
	return "no such tool", false
}

func send(method, path, body string) (string, bool) {
	r, err := http.NewRequest(method, os.Getenv("THEHIVE_URL")+path, strings.NewReader(body))
	if err != nil {
		return err.Error(), false
	}
	r.Header.Set("Authorization", "Bearer "+os.Getenv("THEHIVE_API_KEY"))
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error(), false
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return string(b), err == nil && res.StatusCode < 300
}
