package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// tools are those of a server's program, called as a person calls them: the program reads
// its own settings, and its own gate decides. It inherits this program's environment, and
// not its key, which only this process has opened.
type tools struct {
	command []string // the program and the arguments before call
	state   string   // of the journal that it shares with this program
	ends    context.Context
}

const maxAnswer = 4 << 20

// newTools returns the tools of a program, which is given with its arguments, separated
// by blanks.
func newTools(ctx context.Context, command, state string) (*tools, error) {
	t := &tools{command: strings.Fields(command), state: state, ends: ctx}
	if len(t.command) == 0 {
		return nil, usageError("-with: want the program of a server, such as soc-mcp")
	}
	if _, err := exec.LookPath(t.command[0]); err != nil {
		return nil, fmt.Errorf("-with: %w", err)
	}
	return t, nil
}

// plain is a value that a shell, a program and a reader take for what it is.
var plain = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._:/@-]*$`)

// arguments are those of a call: text that is plain as it is, anything else as JSON of
// ASCII alone, without what would end the quotes of a shell.
func (t *tools) arguments(c gate.Call) ([]string, error) {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return nil, fmt.Errorf("the input of %s: %w", c.Op, err)
	}
	args := slices.Concat(t.command[1:], []string{"call", c.Op})
	for _, name := range slices.Sorted(maps.Keys(in)) {
		var text string
		if json.Unmarshal(in[name], &text) == nil && plain.MatchString(text) {
			args = append(args, name+"="+text)
			continue
		}
		var b bytes.Buffer
		if err := json.Compact(&b, in[name]); err != nil {
			return nil, err
		}
		args = append(args, name+":="+strings.ReplaceAll(ascii(b.Bytes()), "'", `\u0027`))
	}
	return args, nil
}

// Line is the line that makes the call at a terminal.
func (t *tools) Line(c gate.Call) string {
	args, err := t.arguments(c)
	if err != nil {
		return c.Op + " " + string(c.Input)
	}
	for i, a := range args {
		if name, value, ok := strings.Cut(a, ":="); ok {
			args[i] = name + ":='" + value + "'"
		}
	}
	return strings.Join(append(t.command[:1:1], args...), " ")
}

// Call calls a tool and returns its answer.
func (t *tools) Call(ctx context.Context, c gate.Call) ([]byte, error) {
	args, err := t.arguments(c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.ends, cancel)()
	cmd := exec.CommandContext(ctx, t.command[0], append(args, "-json")...)
	cmd.Env = append(os.Environ(), "SALLYPORT_STATE="+t.state)
	cmd.WaitDelay = time.Second
	var out, errs bounded
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	switch {
	case out.cut:
		return nil, fmt.Errorf("%s answered more than %d bytes", c.Op, maxAnswer)
	case json.Valid(out.held.Bytes()): // also of a call that waits, with which the program exits as one that failed
		return out.held.Bytes(), nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: no answer in time", c.Op)
	case err == nil:
		return nil, fmt.Errorf("%s: the answer of %s isn't JSON", c.Op, t.command[0])
	}
	return nil, errors.New(clip.Text(strings.TrimSpace(errs.held.String()), 500) + " (" + t.command[0] + ": " + err.Error() + ")")
}

// bounded holds what is written to it, and takes no more than fits.
type bounded struct {
	held bytes.Buffer // not embedded: its ReadFrom knows no bound
	cut  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.held.Len()+len(p) > maxAnswer {
		b.cut = true
		return 0, io.ErrShortWrite
	}
	return b.held.Write(p)
}
