package gatebench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The protocol versions that the suite speaks. In the first a session is
// initialised and the server may ask the client; in the second every request
// stands for itself and a question is part of an answer.
const (
	EraSession   = "2025-11-25"
	EraStateless = "2026-07-28"
)

const meta = "io.modelcontextprotocol/"

// An answer is what came back for one request.
type answer struct {
	text       string // of the content, or of the error
	failed     bool
	structured map[string]any
	questions  map[string]json.RawMessage // inputRequests
	state      string                     // requestState
	raw        []byte
}

func (a answer) field(name string) string { s, _ := a.structured[name].(string); return s }

// A client speaks JSON-RPC without an SDK, so that it can lie.
type client struct {
	era      string
	form     bool // it says that it can show a form
	sends    func(ctx context.Context, msg []byte, id string) ([]byte, error)
	on       func(method string, params json.RawMessage) any // answers questions of the server
	nextID   atomic.Int64
	name     string
	base     string       // host and port, over HTTP
	token    atomic.Value // bearer token, over HTTP
	shutdown func()
}

// bearer sets the token of all requests to come.
func (c *client) bearer(token string) { c.token.Store(token) }

var errGone = errors.New("the server has ended")

func (c *client) capabilities() map[string]any {
	if c.form {
		return map[string]any{"elicitation": map[string]any{"form": map[string]any{}}}
	}
	return map[string]any{}
}

// request sends one request. params may be changed by it.
func (c *client) request(ctx context.Context, method string, params map[string]any) ([]byte, error) {
	if c.era == EraStateless {
		m, _ := params["_meta"].(map[string]any)
		if m == nil {
			m = map[string]any{}
		}
		m[meta+"protocolVersion"] = c.era
		m[meta+"clientInfo"] = map[string]any{"name": c.name, "version": "1"}
		m[meta+"clientCapabilities"] = c.capabilities()
		params["_meta"] = m
	}
	id := fmt.Sprint(c.nextID.Add(1))
	msg, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	if err != nil {
		return nil, err
	}
	return c.sends(ctx, msg, id)
}

// hello opens the session, where there is one.
func (c *client) hello(ctx context.Context) error {
	if c.era == EraStateless {
		return nil
	}
	raw, err := c.request(ctx, "initialize", map[string]any{"protocolVersion": c.era, "capabilities": c.capabilities(),
		"clientInfo": map[string]any{"name": c.name, "version": "1"}})
	if err != nil {
		return err
	}
	var got struct {
		Result struct{ ProtocolVersion string }
	}
	if err := json.Unmarshal(raw, &got); err != nil || got.Result.ProtocolVersion != c.era {
		return fmt.Errorf("initialize: %s, want protocol %s", raw, c.era)
	}
	_, err = c.sends(ctx, []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`), "")
	return err
}

// A tool is one entry of tools/list.
type tool struct {
	Name        string
	Annotations struct {
		ReadOnlyHint    bool
		DestructiveHint *bool
	}
	InputSchema json.RawMessage
}

func (c *client) tools(ctx context.Context) ([]tool, error) {
	var all []tool
	cursor := ""
	for range 50 {
		params := map[string]any{}
		if cursor != "" {
			params["cursor"] = cursor
		}
		raw, err := c.request(ctx, "tools/list", params)
		if err != nil {
			return nil, err
		}
		var got struct {
			Result struct {
				Tools      []tool
				NextCursor string
			}
			Error json.RawMessage
		}
		if err := json.Unmarshal(raw, &got); err != nil || got.Error != nil {
			return nil, fmt.Errorf("tools/list: %v %s", err, got.Error)
		}
		all = append(all, got.Result.Tools...)
		if cursor = got.Result.NextCursor; cursor == "" {
			break
		}
	}
	return all, nil
}

// call calls a tool. extra is merged into the parameters beside name and arguments.
func (c *client) call(ctx context.Context, name string, args any, extra map[string]any) answer {
	params := map[string]any{"name": name, "arguments": args}
	for k, v := range extra {
		params[k] = v
	}
	raw, err := c.request(ctx, "tools/call", params)
	if err != nil {
		return answer{text: err.Error(), failed: true}
	}
	return parse(raw)
}

func parse(raw []byte) answer {
	var got struct {
		Result *struct {
			Content           []struct{ Text string }
			StructuredContent map[string]any
			IsError           bool
			InputRequests     map[string]json.RawMessage
			RequestState      string
		}
		Error *struct {
			Message string
			Data    json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		return answer{text: "not an answer: " + err.Error(), failed: true, raw: raw}
	}
	if got.Error != nil {
		return answer{text: got.Error.Message + " " + string(got.Error.Data), failed: true, raw: raw}
	}
	a := answer{raw: raw}
	if r := got.Result; r != nil {
		a.failed, a.structured, a.questions, a.state = r.IsError, r.StructuredContent, r.InputRequests, r.RequestState
		for _, c := range r.Content {
			a.text += c.Text
		}
	}
	return a
}

// A process is a server under test that runs.
type process struct {
	cmd    *exec.Cmd
	stderr *bytes.Buffer
	done   chan struct{}
}

func (p *process) stop() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	<-p.done
}

// overStdio starts a command and speaks to it over its standard streams.
func overStdio(era string, form bool, command, env []string) (*client, *process, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = env
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	p := &process{cmd: cmd, stderr: &bytes.Buffer{}, done: make(chan struct{})}
	cmd.Stderr = p.stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	c := &client{era: era, form: form, name: "gatebench", shutdown: p.stop}
	var mu sync.Mutex
	waiting := map[string]chan []byte{}
	write := func(msg []byte) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := in.Write(append(msg, '\n'))
		return err
	}
	go func() {
		defer close(p.done)
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadBytes('\n')
			if err != nil {
				break
			}
			var msg struct {
				ID     json.RawMessage
				Method string
				Params json.RawMessage
			}
			if json.Unmarshal(line, &msg) != nil {
				continue
			}
			if msg.Method != "" && msg.ID != nil {
				go func() {
					b, err := json.Marshal(c.reply(msg.ID, msg.Method, msg.Params))
					if err == nil {
						write(b) //nolint:errcheck // the server may have ended
					}
				}()
				continue
			}
			id := strings.Trim(string(msg.ID), `"`)
			mu.Lock()
			if ch := waiting[id]; ch != nil {
				ch <- line
				delete(waiting, id)
			}
			mu.Unlock()
		}
		mu.Lock()
		for _, ch := range waiting {
			close(ch)
		}
		waiting = nil
		mu.Unlock()
		cmd.Wait() //nolint:errcheck // how it ended is no matter
	}()
	c.sends = func(ctx context.Context, msg []byte, id string) ([]byte, error) {
		ch := make(chan []byte, 1)
		if id != "" {
			mu.Lock()
			if waiting == nil {
				mu.Unlock()
				return nil, errGone
			}
			waiting[id] = ch
			mu.Unlock()
		}
		if err := write(msg); err != nil {
			return nil, errGone
		}
		if id == "" {
			return nil, nil
		}
		select {
		case b, ok := <-ch:
			if !ok {
				return nil, errGone
			}
			return b, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c, p, nil
}

// reply answers a question of the server.
func (c *client) reply(id json.RawMessage, method string, params json.RawMessage) any {
	if c.on != nil && method == "elicitation/create" {
		if result := c.on(method, params); result != nil {
			return map[string]any{"jsonrpc": "2.0", "id": id, "result": result}
		}
	}
	return map[string]any{"jsonrpc": "2.0", "id": id, "error": map[string]any{"code": -32601, "message": "not here"}}
}

// overHTTP speaks to a server at url. header, if not nil, changes every request.
func overHTTP(era string, form bool, url string, header func(*http.Request)) *client {
	c := &client{era: era, form: form, name: "gatebench", shutdown: func() {}}
	var session atomic.Value
	web := &http.Client{Timeout: 30 * time.Second}
	c.sends = func(ctx context.Context, msg []byte, id string) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(msg))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		var m struct {
			Method string
			Params struct{ Name string }
		}
		_ = json.Unmarshal(msg, &m)
		if m.Method != "initialize" {
			r.Header.Set("Mcp-Protocol-Version", era)
		}
		if era == EraStateless {
			r.Header.Set("Mcp-Method", m.Method)
			if m.Params.Name != "" {
				r.Header.Set("Mcp-Name", m.Params.Name)
			}
		}
		if s, _ := session.Load().(string); s != "" {
			r.Header.Set("Mcp-Session-Id", s)
		}
		if t, _ := c.token.Load().(string); t != "" {
			r.Header.Set("Authorization", "Bearer "+t)
		}
		if header != nil {
			header(r)
		}
		res, err := web.Do(r)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		if s := res.Header.Get("Mcp-Session-Id"); s != "" {
			session.Store(s)
		}
		b, err := io.ReadAll(io.LimitReader(res.Body, 32<<20))
		if err != nil || id == "" {
			return nil, err
		}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
			for line := range strings.Lines(string(b)) {
				data, ok := strings.CutPrefix(strings.TrimSpace(line), "data:")
				if ok && strings.Contains(data, `"id":"`+id+`"`) {
					return []byte(data), nil
				}
			}
			return nil, fmt.Errorf("no answer in %.200s", b)
		}
		if res.StatusCode >= 400 && !json.Valid(b) {
			return nil, fmt.Errorf("%s: %.200s", res.Status, b)
		}
		return b, nil
	}
	return c
}
