#!/usr/bin/env bash
# github.com/modelcontextprotocol/go-sdk v1.8.0, on Go 1.26.
# Guess: a server that reads a call of 120 bytes and answers with 10 allocates a few KiB.
# Behaviour: some 160 KiB a call over stdio. The line goes into one decoder, and each part that
# is read from it, the message, the params, the arguments, into one of its own, with a
# buffer of 32 KiB each, whatever the part's size. The work of a handler that does little
# is lost in it: the collector runs after each few dozen calls. A server can only pass by
# it with a transport that reads lines itself and serves plain calls itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The tool answers how many bytes were allocated since the server began.
func main() {
	s := mcp.NewServer(&mcp.Implementation{Name: "s", Version: "1"}, nil)
	s.AddTool(&mcp.Tool{Name: "t", InputSchema: map[string]any{"type": "object"}}, func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: fmt.Sprint(m.TotalAlloc)}}}, nil
	})
	_ = s.Run(context.Background(), &mcp.StdioTransport{})
}
GO
cat >client.py <<'PY'
import json, subprocess, sys
p = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
def send(**m):
    p.stdin.write(json.dumps({"jsonrpc": "2.0", **m}) + "\n"); p.stdin.flush()
    while "id" in m:
        a = json.loads(p.stdout.readline())
        if a.get("id") == m["id"]:
            return a["result"]
send(id=0, method="initialize", params={"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}})
send(method="notifications/initialized")
seen = [int(send(id=i, method="tools/call", params={"name": "t", "arguments": {"n": i}})["content"][0]["text"]) for i in range(1, 202)]
each = (seen[-1] - seen[0]) / 200 / 1024
print(f"{each:.0f} KiB allocated a call")
p.stdin.close()
sys.exit(0 if each > 64 else 1)
PY
export GOFLAGS=-mod=mod
go mod init example.com/s >/dev/null 2>&1
go mod edit -require github.com/modelcontextprotocol/go-sdk@v1.8.0
go build -o server .
python3 client.py ./server
