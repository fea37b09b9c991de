package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A server is a started command that is spoken to. Messages are made and read by
// hand, so that the client takes as little of the machine as can be.
type server struct {
	cmd    *exec.Cmd
	stderr bytes.Buffer
	send   func(ctx context.Context, id int64, message []byte) ([]byte, error)
	last   atomic.Int64
}

// start starts a command with an environment, and shakes hands.
func start(ctx context.Context, command string, env []string, overHTTP bool) (*server, error) {
	words := strings.Fields(command)
	s := &server{}
	address := ""
	if overHTTP {
		ln, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		address = ln.Addr().String()
		ln.Close()
		if strings.Contains(command, "{addr}") {
			for i := range words {
				words[i] = strings.ReplaceAll(words[i], "{addr}", address)
			}
		} else {
			words = append(words, "-http", address)
		}
	}
	s.cmd = exec.CommandContext(ctx, words[0], words[1:]...)
	s.cmd.Env, s.cmd.Stderr = env, &s.stderr
	s.cmd.WaitDelay = 3 * time.Second
	var in io.WriteCloser
	var out io.ReadCloser
	var err error
	if !overHTTP {
		if in, err = s.cmd.StdinPipe(); err == nil {
			out, err = s.cmd.StdoutPipe()
		}
		if err != nil {
			return nil, err
		}
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if overHTTP {
		s.send = posts("http://" + address + "/mcp")
	} else {
		s.send = lines(in, out)
	}
	const hello = `{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"bench","version":"1"}}`
	for range 200 { // until it listens
		if _, err = s.ask(ctx, "initialize", json.RawMessage(hello)); err == nil || !overHTTP {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err == nil {
		_, err = s.send(ctx, 0, []byte(`{"jsonrpc":"2.0","method":"notifications/initialized"}`))
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("%w\n%s", err, s.stderr.String())
	}
	return s, nil
}

// stop ends the command.
func (s *server) stop() {
	_ = s.cmd.Process.Kill() // it may have ended
	_ = s.cmd.Wait()
}

// ask sends a request and returns its result.
func (s *server) ask(ctx context.Context, method string, params json.RawMessage) ([]byte, error) {
	id := s.last.Add(1)
	return s.send(ctx, id, fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":%q,"params":%s}`, id, method, params))
}

// call calls a tool, or lists them, and returns the whole message of its answer.
func (s *server) call(ctx context.Context, l load) ([]byte, error) {
	if l.tool == "tools/list" {
		return s.ask(ctx, l.tool, json.RawMessage("{}"))
	}
	n := s.last.Load()
	args := bytes.ReplaceAll(l.args, []byte("{n}"), strconv.AppendInt(nil, firstNumber+n, 10))
	if l.apart {
		args = slices.Insert(args, 1, bytes.Repeat([]byte(" "), int(n%256))...)
	}
	answer, err := s.ask(ctx, "tools/call", fmt.Appendf(nil, `{"name":%q,"arguments":%s}`, l.tool, args))
	if err == nil && bytes.Contains(answer, []byte(`"isError":true`)) {
		err = fmt.Errorf("the tool failed: %.300s", answer)
	}
	return answer, err
}

// check refuses the answer to a request that failed.
func check(message []byte) ([]byte, error) {
	if head := message[:min(len(message), 400)]; bytes.Contains(head, []byte(`"error":{"code"`)) || bytes.Contains(head, []byte(`"error":{"message"`)) {
		return nil, fmt.Errorf("refused: %s", head)
	}
	return message, nil
}

// lines speaks over standard input and output.
func lines(in io.Writer, out io.Reader) func(context.Context, int64, []byte) ([]byte, error) {
	var mu sync.Mutex
	waiting := map[int64]chan []byte{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r := bufio.NewReaderSize(out, 1<<20)
		for {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return
			}
			mu.Lock()
			id := idOf(line)
			if c := waiting[id]; c != nil {
				delete(waiting, id)
				c <- line
			}
			mu.Unlock()
		}
	}()
	return func(ctx context.Context, id int64, message []byte) ([]byte, error) {
		c := make(chan []byte, 1)
		mu.Lock()
		if id > 0 {
			waiting[id] = c
		}
		_, err := in.Write(append(message, '\n'))
		mu.Unlock()
		if err != nil || id == 0 {
			return nil, err
		}
		select {
		case line := <-c:
			return check(line)
		case <-ended:
			return nil, errors.New("the server has ended")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// idOf reads the id of a message, which stands at its beginning or its end.
func idOf(line []byte) int64 {
	for _, at := range []int{bytes.Index(line, []byte(`"id":`)), bytes.LastIndex(line, []byte(`"id":`))} {
		if at < 0 {
			continue
		}
		rest := line[at+len(`"id":`):]
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if id, err := strconv.ParseInt(string(rest[:n]), 10, 64); err == nil {
			return id
		}
	}
	return -1
}

// posts speaks streamable HTTP.
func posts(url string) func(context.Context, int64, []byte) ([]byte, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	var session atomic.Value
	return func(ctx context.Context, id int64, message []byte) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(message))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Accept", "application/json, text/event-stream")
		if s, ok := session.Load().(string); ok {
			r.Header.Set("Mcp-Session-Id", s)
			r.Header.Set("MCP-Protocol-Version", "2025-06-18")
		}
		res, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		if s := res.Header.Get("Mcp-Session-Id"); s != "" {
			session.Store(s)
		}
		b, err := io.ReadAll(res.Body)
		switch {
		case err != nil:
			return nil, err
		case res.StatusCode/100 != 2:
			return nil, fmt.Errorf("HTTP %s: %.300s", res.Status, b)
		case id == 0:
			return nil, nil
		}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
			for line := range bytes.Lines(b) {
				if data, ok := bytes.CutPrefix(line, []byte("data: ")); ok && idOf(data) == id {
					return check(data)
				}
			}
			return nil, errors.New("no answer among the events")
		}
		return check(b)
	}
}

// measure runs a load on a fresh server with c calls in flight.
func measure(ctx context.Context, up *platforms, command string, overHTTP bool, l load, c int) (sample, error) {
	state, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return sample{}, err
	}
	defer os.RemoveAll(state)
	began := time.Now()
	s, err := start(ctx, command, append(slices.Clone(up.env), "PATH="+os.Getenv("PATH"), "HOME="+state, "SALLYPORT_STATE="+state, "SALLYPORT_POLICY="+os.Getenv("SALLYPORT_POLICY")), overHTTP)
	if err != nil {
		return sample{}, err
	}
	defer s.stop()
	out := sample{start: milliseconds(time.Since(began))}
	for range 5 {
		answer, err := s.call(ctx, l)
		if err != nil {
			return sample{}, err
		}
		out.bytes = float64(len(answer))
	}
	pid := s.cmd.Process.Pid
	cpu, conns := cpuOf(pid), up.conns.Load()
	took := make([]float64, l.calls)
	errs := make([]error, c)
	var next atomic.Int64
	var wg sync.WaitGroup
	began = time.Now()
	for w := range c {
		wg.Go(func() {
			for {
				i := next.Add(1) - 1
				if i >= int64(l.calls) || errs[w] != nil {
					return
				}
				at := time.Now()
				_, errs[w] = s.call(ctx, l)
				took[i] = milliseconds(time.Since(at))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return sample{}, err
	}
	out.perSecond = float64(l.calls) / time.Since(began).Seconds()
	out.cpu = (cpuOf(pid) - cpu) * 1000 / float64(l.calls)
	out.conns = float64(up.conns.Load() - conns)
	time.Sleep(l.idle)
	out.rss = memoryOf(pid, "VmRSS:")
	slices.Sort(took)
	out.p50, out.p99 = took[len(took)/2], took[len(took)*99/100]
	return out, nil
}

// cpuOf returns the milliseconds that a process has used, 0 where that can't be
// known.
func cpuOf(pid int) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseFloat(string(f[11]), 64)
	system, _ := strconv.ParseFloat(string(f[12]), 64)
	const tick = 10 // ms
	return (user + system) * tick
}

// memoryOf returns a figure of a process's memory in MiB: VmRSS:, which it has, or
// VmHWM:, which it had at most.
func memoryOf(pid int, figure string) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte(figure)); ok {
			if f := bytes.Fields(rest); len(f) > 0 {
				kib, _ := strconv.ParseFloat(string(f[0]), 64)
				return kib / 1024
			}
		}
	}
	return 0
}
