#!/usr/bin/env bash
# github.com/modelcontextprotocol/go-sdk v1.8.0, on Go 1.26.
# Guess: a server that reads a call of 120 bytes and answers with 10 allocates a few KiB.
# Behaviour: some 160 KiB a call over stdio, 200 over streamable HTTP. The message goes into
# one decoder, and each part that is read from it, the params, the arguments, the _meta
# (which HTTP looks for twice), into one of its own, with a buffer of 32 KiB each, whatever
# the part's size. The work of a handler that does little is lost in it: the collector runs
# after each few dozen calls. Over stdio a server can pass by it with a transport that reads
# lines itself and serves plain calls itself; over HTTP the library reads the requests.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
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
	if len(os.Args) > 1 {
		_ = http.ListenAndServe(os.Args[1], mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s }, nil))
	}
	_ = s.Run(context.Background(), &mcp.StdioTransport{})
}
GO
cat >client.py <<'PY'
import http.client, json, socket, subprocess, sys, time

def stdio():
    p = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    def send(m):
        p.stdin.write(json.dumps(m) + "\n"); p.stdin.flush()
        while "id" in m:
            a = json.loads(p.stdout.readline())
            if a.get("id") == m["id"]:
                return a["result"]
    return p, send

def streamable():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    p = subprocess.Popen([sys.argv[1], f"127.0.0.1:{port}"])
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.02)
    c = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    def send(m):
        c.request("POST", "/", json.dumps(m), headers)
        r = c.getresponse()
        if r.getheader("Mcp-Session-Id"):
            headers["Mcp-Session-Id"] = r.getheader("Mcp-Session-Id")
        for line in r.read().decode().splitlines():
            if line.startswith("data: "):
                return json.loads(line[6:])["result"]
    return p, send

least = 1 << 30
for kind in stdio, streamable:
    p, send = kind()
    send({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}})
    send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    seen = [int(send({"jsonrpc": "2.0", "id": i, "method": "tools/call", "params": {"name": "t", "arguments": {"n": i}}})["content"][0]["text"]) for i in range(1, 202)]
    each = (seen[-1] - seen[0]) / 200 / 1024
    least = min(least, each)
    print(f"{kind.__name__}: {each:.0f} KiB allocated a call")
    p.kill()
sys.exit(0 if least > 64 else 1)
PY
export GOFLAGS=-mod=mod
go mod init example.com/s >/dev/null 2>&1
go mod edit -require github.com/modelcontextprotocol/go-sdk@v1.8.0
go build -o server .
python3 client.py ./server
