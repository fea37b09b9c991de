package mcpadapter

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// lines is the connection of stdio: a message a line. It reads each once, where the
// SDK's own does it four times. That takes over at the first line that is something
// else, a batch or no JSON, and knows what becomes of it.
type lines struct {
	in     io.ReadCloser
	out    io.WriteCloser
	come   chan arrival
	close  sync.Once
	closed chan struct{}
	broken error                          // why it was closed, if not by Close
	sdk    atomic.Pointer[mcp.Connection] // that has taken over
}

func newLines(in io.ReadCloser, out io.WriteCloser) *lines {
	return &lines{in: in, out: out, come: make(chan arrival), closed: make(chan struct{})}
}

// An arrival is a message, an error, or all input from a line on that is no message.
type arrival struct {
	msg  jsonrpc.Message
	err  error
	rest io.Reader
}

// scan reads lines until one is no message. What take returns for one is done here, at
// once, while another goroutine reads on: to begin with a call would else wait for one to
// wake up. Messages that it doesn't take are for Read.
func (c *lines) scan(r *bufio.Reader, take func(jsonrpc.Message) (serve func(), taken bool)) {
	for {
		line, err := nextLine(r)
		var a arrival
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			if err == nil {
				continue
			}
			a.err = err
		case err == nil || err == io.EOF:
			a.msg = message(line)
		}
		if a.msg != nil {
			switch serve, taken := take(a.msg); {
			case serve != nil:
				go c.scan(r, take)
				serve()
				return
			case taken:
				continue
			}
		}
		if a.msg == nil && a.err == nil {
			a.rest = io.MultiReader(bytes.NewReader(line), r)
		}
		select {
		case c.come <- a:
		case <-c.closed:
			return
		}
		if a.msg == nil {
			return
		}
	}
}

// nextLine returns a line, or the beginning of one that is too long.
func nextLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if err != bufio.ErrBufferFull || len(line) > maxLine {
			return line, err
		}
	}
}

// The members of a request.
const (
	hasVersion = 1 << iota
	hasMethod
	hasID
	hasParams
)

// message reads a line that is one message; of others it returns nil.
func message(line []byte) jsonrpc.Message {
	var req jsonrpc.Request
	seen, plain := 0, true
	err := jsontext.Members(line, func(name, value []byte) {
		text, quoted, member := value, value[0] == '"', 0
		if quoted {
			text = value[1 : len(value)-1]
		}
		switch string(name) {
		case "jsonrpc":
			member = hasVersion
			plain = plain && string(value) == `"2.0"`
		case "method":
			member = hasMethod
			plain = plain && quoted && bytes.IndexByte(text, '\\') < 0
			req.Method = string(text)
		case "id":
			member = hasID
			var id any = string(text)
			if !quoted {
				n, err := strconv.ParseFloat(string(text), 64)
				plain = plain && err == nil
				id = n
			}
			plain = plain && bytes.IndexByte(text, '\\') < 0
			req.ID, _ = jsonrpc.MakeID(id) //nolint:errcheck // a number or a text always is one
		case "params":
			member = hasParams
			req.Params = value
		}
		plain = plain && member != 0 && seen&member == 0
		seen |= member
	})
	if err != nil {
		return nil
	}
	if plain && seen&^(hasID|hasParams) == hasVersion|hasMethod {
		return &req
	}
	msg, err := jsonrpc.DecodeMessage(line) // an answer, or whatever the SDK takes it for
	if err != nil {
		return nil
	}
	return msg
}

// Read returns the next message.
func (c *lines) Read(ctx context.Context) (jsonrpc.Message, error) {
	if sdk := c.sdk.Load(); sdk != nil {
		return (*sdk).Read(ctx)
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.closed:
		return nil, cmp.Or(c.broken, io.EOF)
	case a := <-c.come:
		if a.rest == nil {
			return a.msg, a.err
		}
		in := struct {
			io.Reader
			io.Closer
		}{&shallow{r: bufio.NewReader(a.rest), refuse: func(text []byte) { _ = c.Write(context.WithoutCancel(ctx), tooDeep(text)) }}, c.in}
		sdk, err := (&mcp.IOTransport{Reader: in, Writer: c.out, MaxLineLength: maxLine}).Connect(ctx)
		if err != nil {
			return nil, err
		}
		c.sdk.Store(&sdk)
		return sdk.Read(ctx)
	}
}

// Write writes a message.
func (c *lines) Write(ctx context.Context, msg jsonrpc.Message) error {
	if sdk := c.sdk.Load(); sdk != nil {
		return (*sdk).Write(ctx, msg)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	line, err := encoded(msg)
	if err == nil {
		_, err = c.out.Write(append(line, '\n'))
	}
	return err
}

// encoded is a message as JSON. The result of an answer is that already.
func encoded(msg jsonrpc.Message) ([]byte, error) {
	res, ok := msg.(*jsonrpc.Response)
	if !ok || res.Error != nil || len(res.Result) == 0 {
		return jsonrpc.EncodeMessage(msg)
	}
	b := append(make([]byte, 0, len(res.Result)+64), `{"jsonrpc":"2.0","id":`...)
	switch id := res.ID.Raw().(type) {
	case int64:
		b = strconv.AppendInt(b, id, 10)
	case string:
		b = jsontext.AppendString(b, id)
	default:
		return jsonrpc.EncodeMessage(msg)
	}
	return append(append(append(b, `,"result":`...), res.Result...), '}'), nil
}

// SessionID returns none.
func (c *lines) SessionID() string { return "" }

// Close closes the input and the output.
func (c *lines) Close() error { return c.end(nil) }

// end closes both since one is broken, if why isn't nil.
func (c *lines) end(why error) (err error) {
	c.close.Do(func() {
		c.broken = why
		close(c.closed)
		err = errors.Join(c.in.Close(), c.out.Close())
	})
	if sdk := c.sdk.Load(); sdk != nil {
		err = errors.Join(err, (*sdk).Close())
	}
	return err
}
