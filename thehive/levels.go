package thehive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Severity is the impact of a case or an alert. In JSON it is its number; a text
// with the number or the name, such as "high", is taken too.
type Severity int

// The severities, from least to most severe.
const (
	Low Severity = iota + 1
	Medium
	High
	Critical
)

var severityLabels = []string{"", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

// String returns TheHive's label.
func (s Severity) String() string { return label(severityLabels, int(s)) }

// UnmarshalText reads the label, in any case, or the number.
func (s *Severity) UnmarshalText(b []byte) error {
	return level("severity", severityLabels, b, (*int)(s))
}

// UnmarshalJSON reads the number, or what UnmarshalText does.
func (s *Severity) UnmarshalJSON(b []byte) error { return levelJSON(s, (*int)(s), b) }

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

// String returns TheHive's label.
func (t TLP) String() string { return label(tlpLabels, int(t)) }

// UnmarshalText reads the label, in any case, or the number.
func (t *TLP) UnmarshalText(b []byte) error { return level("TLP", tlpLabels, b, (*int)(t)) }

// UnmarshalJSON reads the number, or what UnmarshalText does.
func (t *TLP) UnmarshalJSON(b []byte) error { return levelJSON(t, (*int)(t), b) }

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

// String returns TheHive's label.
func (p PAP) String() string { return label(papLabels, int(p)) }

// UnmarshalText reads the label, in any case, or the number.
func (p *PAP) UnmarshalText(b []byte) error { return level("PAP", papLabels, b, (*int)(p)) }

// UnmarshalJSON reads the number, or what UnmarshalText does.
func (p *PAP) UnmarshalJSON(b []byte) error { return levelJSON(p, (*int)(p), b) }

func label(labels []string, i int) string {
	if i < 0 || i >= len(labels) || labels[i] == "" {
		return "level " + strconv.Itoa(i)
	}
	return labels[i]
}

// level reads a level of the scale called name by its label or its number. WHITE
// is what CLEAR was called before.
func level(name string, labels []string, b []byte, to *int) error {
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
		return fmt.Errorf("%w: %s: %q: want %s, or %d to %d", ErrInvalid, name, b, strings.Join(labels[first:], ", "), first, len(labels)-1)
	}
	*to = i
	return nil
}

// levelJSON reads what a server answers, which is a number, of whatever scale it
// has, or what a caller writes.
func levelJSON(v interface{ UnmarshalText([]byte) error }, to *int, b []byte) error {
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
