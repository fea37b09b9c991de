package command

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// An object is a JSON object with its members in the order that they came in.
type object []member

type member struct {
	key   string
	value any // nil, bool, json.Number, string, []any or object
}

func (o object) get(key string) any {
	for _, m := range o {
		if m.key == key {
			return m.value
		}
	}
	return nil
}

// decode reads JSON without losing the order of members or a digit.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := decodeValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON")
	}
	return v, nil
}

func decodeValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			e, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, e)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		o := object{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := decodeValue(d)
			if err != nil {
				return nil, err
			}
			key, _ := k.(string) // the decoder takes nothing else
			o = append(o, member{key, v})
		}
		_, err = d.Token()
		return o, err
	}
	return t, nil
}

// text returns what a result says, without the lines that mark for an agent
// where the words of others begin and end.
func text(res *mcp.CallToolResult) string {
	var all string
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			all = t.Text
			break
		}
	}
	var lines []string
	end := ""
	for line := range strings.SplitSeq(all, "\n") {
		if mark, _, ok := strings.Cut(strings.TrimPrefix(line, "[untrusted "), "] "); ok && end == "" && strings.HasPrefix(line, "[untrusted ") {
			end = "[end " + mark + "]"
			continue
		}
		if line != end || end == "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
