package mcpadapter

import (
	"bufio"
	"bytes"
	"fmt"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
)

// maxDepthSDK is how deep a message may be nested that the SDK reads. It ends a session
// at a deeper one.
const maxDepthSDK = 1000

// shallow reads from r without the messages that are nested too deep for the SDK, each of
// which refuse is told.
type shallow struct {
	r      *bufio.Reader
	refuse func(message []byte)
	next   []byte // to be read
	err    error  // behind that
}

func (s *shallow) Read(p []byte) (int, error) {
	for len(s.next) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		var deepest int
		if s.next, deepest, s.err = nextValue(s.r); deepest > maxDepthSDK {
			s.refuse(s.next)
			s.next = nil
		}
	}
	n := copy(p, s.next)
	s.next = s.next[n:]
	return n, nil
}

// nextValue returns the lines of a JSON value, and how deep it is nested. Of one that is
// too long it returns the beginning, and what is no JSON ends with its line.
func nextValue(r *bufio.Reader) (value []byte, deepest int, err error) {
	depth := 0
	for {
		line, err := nextLine(r)
		value = append(value, line...)
		quoted := false
		for i := 0; i < len(line); i++ {
			switch c := line[i]; {
			case c == '"':
				quoted = !quoted
			case c == '\\' && quoted:
				i++
			case quoted:
			case c == '{' || c == '[':
				depth++
				deepest = max(deepest, depth)
			case c == '}' || c == ']':
				depth--
			}
		}
		if err != nil || depth <= 0 || len(value) > maxLine {
			return value, deepest, err
		}
	}
}

// tooDeep is the answer to a message that is nested too deep, by its id, if it has one.
func tooDeep(text []byte) *jsonrpc.Response {
	res := &jsonrpc.Response{Error: &jsonrpc.Error{Code: jsonrpc.CodeInvalidRequest, Message: fmt.Sprintf("nested too deep: want at most %d levels", maxDepthSDK)}}
	if req, ok := message(bytes.TrimSpace(text)).(*jsonrpc.Request); ok {
		res.ID = req.ID
	}
	return res
}
