package command

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/jsontree"
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

// text returns what a result says, without the mark that tells an agent which
// words are those of others.
func text(res *mcp.CallToolResult) string {
	for _, c := range res.Content {
		if t, ok := c.(*mcp.TextContent); ok {
			return unmarked(t.Text)
		}
	}
	return ""
}

func unmarked(answer string) string {
	v, err := jsontree.Parse([]byte(answer), jsontree.MaxDepthOut)
	if err != nil || v.Get("_untrusted") == nil {
		return answer
	}
	i := slices.Index(v.Keys, "_untrusted")
	v.Keys, v.Elems = slices.Delete(v.Keys, i, i+1), slices.Delete(v.Elems, i, i+1)
	return string(v.Append(nil))
}

// forAPerson returns answer with the next step of somebody who has a shell, where
// a proposal waits.
func forAPerson(answer string) string {
	v, err := jsontree.Parse([]byte(answer), jsontree.MaxDepthOut)
	if err != nil {
		return answer
	}
	status, next, id := v.Get("status"), v.Get("next"), v.Get("proposal")
	if status == nil || next == nil || id == nil || status.Text != string(gate.StatePending) {
		return answer
	}
	next.Text = "gate approve " + id.Text + ", then the same command again"
	return string(v.Append(nil))
}

// failureOf returns what a result says of a call that failed, in words, and
// whether it was the arguments.
func failureOf(res *mcp.CallToolResult) (words string, invalid bool) {
	m, _ := res.StructuredContent.(map[string]any)
	ours, _ := m["message"].(string)
	theirs, _ := m["error"].(string)
	switch {
	case ours == "":
		return text(res), false
	case theirs != "" && m["status"] == "failed": // ours says no more than that
		return theirs, false
	case theirs != "":
		ours += "\n" + theirs
	}
	return ours, m["status"] == "invalid"
}
