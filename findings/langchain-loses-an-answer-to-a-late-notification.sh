#!/usr/bin/env bash
# langchain-mcp-adapters 0.3.2 (PyPI) with mcp 1.30.0, on Python 3.11.
# Guess: a notification of a server that comes after the answer to a call is read, or
# thrown away; the call has its answer.
# Behaviour: without a session of the caller's own, the adapter starts the server for each
# call and ends it with the answer. What the server still writes as it ends, such as a
# notifications/resources/list_changed that it owed to the call, meets a closed stream: the
# call raises ExceptionGroup(BrokenResourceError), and its answer is lost. A server has to
# say what it has to say before an answer, not after it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check langchain-mcp-adapters==0.3.2 mcp==1.30.0
cat >"$work/server.py" <<'PY'
import json, sys

late, called = sys.argv[1] == "late", False

def say(**m):
    print(json.dumps({"jsonrpc": "2.0", **m}), flush=True)

for line in sys.stdin:
    m = json.loads(line)
    match m.get("method"):
        case "initialize":
            say(id=m["id"], result={"protocolVersion": "2025-11-25", "capabilities": {"tools": {}, "resources": {"listChanged": True}}, "serverInfo": {"name": "s", "version": "1"}})
        case "tools/list":
            say(id=m["id"], result={"tools": [{"name": "t", "inputSchema": {"type": "object"}}]})
        case "tools/call":
            called = True
            if not late:
                say(method="notifications/resources/list_changed")
            say(id=m["id"], result={"content": [{"type": "text", "text": "the answer"}]})
if late and called:
    say(method="notifications/resources/list_changed")
PY
cat >"$work/client.py" <<'PY'
import asyncio, sys
from langchain_mcp_adapters.client import MultiServerMCPClient

async def lost(when):
    client = MultiServerMCPClient({"s": {"transport": "stdio", "command": sys.executable, "args": [sys.argv[1], when]}})
    (tool,) = await client.get_tools()
    n = 0
    for _ in range(20):
        try:
            await tool.ainvoke({})
        except BaseException as e:
            n += "BrokenResourceError" in repr(e)
    return n

early, late = asyncio.run(lost("early")), asyncio.run(lost("late"))
print(f"answers lost: {early} of 20 with the notification before, {late} of 20 with it behind")
sys.exit(0 if early == 0 and late > 0 else 1)
PY
"$work/venv/bin/python" "$work/client.py" "$work/server.py" 2>/dev/null
