// Package marking has the levels by which analysts say who may see information
// and what may be done with it: the Traffic Light Protocol (TLP) and the
// Permissible Actions Protocol (PAP). The clients of all platforms use these
// scales, so that a level means the same in each: TLP:RED is 4 at TheHive and 3
// at Cortex, and [TLPRed] in Go whichever it came from.
package marking

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
)

// TLP says to whom information may be passed on: the Traffic Light Protocol 2.0.
// In JSON it is its number; a text with the number or the name, such as
// "TLP:AMBER+STRICT", is taken too.
type TLP int

// The TLP levels, from open to closed.
const (
	TLPClear TLP = iota
	TLPGreen
	TLPAmber
	TLPAmberStrict
	TLPRed
)

var tlpLabels = []string{"CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"}

// String returns the level's name, such as "AMBER+STRICT".
func (t TLP) String() string { return Label(tlpLabels, int(t)) }

// Tag returns the level as a tag of MISP's taxonomy, such as "tlp:amber+strict",
// or "" if there is no such level.
func (t TLP) Tag() string { return tag("tlp", tlpLabels, int(t)) }

// UnmarshalText reads the name, in any case, or the number.
func (t *TLP) UnmarshalText(b []byte) error { return Read("TLP", tlpLabels, b, (*int)(t)) }

// UnmarshalJSON reads the number, or what UnmarshalText does.
func (t *TLP) UnmarshalJSON(b []byte) error { return ReadJSON(t, (*int)(t), b) }

// PAP says what may be done with information: the Permissible Actions Protocol.
// In JSON it is its number; a text with the number or the name, such as
// "PAP:RED", is taken too.
type PAP int

// The PAP levels, from open to closed.
const (
	PAPClear PAP = iota
	PAPGreen
	PAPAmber
	PAPRed
)

var papLabels = []string{"CLEAR", "GREEN", "AMBER", "RED"}

// String returns the level's name, such as "AMBER".
func (p PAP) String() string { return Label(papLabels, int(p)) }

// Tag returns the level as a tag of MISP's taxonomy, such as "pap:red", or "" if
// there is no such level.
func (p PAP) Tag() string { return tag("pap", papLabels, int(p)) }

// UnmarshalText reads the name, in any case, or the number.
func (p *PAP) UnmarshalText(b []byte) error { return Read("PAP", papLabels, b, (*int)(p)) }

// UnmarshalJSON reads the number, or what UnmarshalText does.
func (p *PAP) UnmarshalJSON(b []byte) error { return ReadJSON(p, (*int)(p), b) }

func tag(scale string, labels []string, i int) string {
	if i < 0 || i >= len(labels) {
		return ""
	}
	return scale + ":" + strings.ToLower(labels[i])
}

// Label returns the name of level i of a scale whose names are labels, an empty
// one for a number that isn't used. A level that the scale doesn't have is shown
// by its number.
func Label(labels []string, i int) string {
	if i < 0 || i >= len(labels) || labels[i] == "" {
		return "level " + strconv.Itoa(i)
	}
	return labels[i]
}

// Read reads a level of the scale called name by its label or its number. WHITE
// is what CLEAR was called before. The error matches connect.ErrInvalid.
func Read(name string, labels []string, b []byte, to *int) error {
	text := strings.ToUpper(strings.TrimSpace(string(b)))
	text = strings.TrimSpace(strings.TrimPrefix(text, strings.ToUpper(name)+":"))
	if text == "WHITE" {
		text = "CLEAR"
	}
	i := slices.Index(labels, text)
	if n, err := strconv.Atoi(text); err == nil {
		i = n
	}
	if i < 0 || i >= len(labels) || labels[i] == "" || text == "" {
		first := slices.IndexFunc(labels, func(l string) bool { return l != "" })
		return fmt.Errorf("%w: %q is no %s: want %s, or %d to %d", connect.ErrInvalid, b, name, strings.Join(labels[first:], ", "), first, len(labels)-1)
	}
	*to = i
	return nil
}

// ReadJSON reads what a server answers, which is a number, of whatever scale it
// has, or what a caller writes, which v reads.
func ReadJSON(v interface{ UnmarshalText([]byte) error }, to *int, b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		return v.UnmarshalText([]byte(text))
	}
	if n, err := strconv.Atoi(string(b)); err == nil {
		*to = n
		return nil
	}
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, to)
}
