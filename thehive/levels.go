package thehive

import (
	"fmt"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/marking"
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
func (s Severity) String() string { return marking.Label(severityLabels, int(s)) }

// UnmarshalText reads the label, in any case, or the number.
func (s *Severity) UnmarshalText(b []byte) error {
	return marking.Read("severity", severityLabels, b, (*int)(s))
}

// check refuses a severity that there isn't; zero is none.
func (s Severity) check() error {
	if s < 0 || s > Critical {
		return fmt.Errorf("%w: severity: want %s, or %d to %d, got %d", ErrInvalid, strings.Join(severityLabels[Low:], ", "), int(Low), int(Critical), int(s))
	}
	return nil
}

// UnmarshalJSON reads the number, or what UnmarshalText does.
func (s *Severity) UnmarshalJSON(b []byte) error { return marking.ReadJSON(s, (*int)(s), b) }

// TLP says to whom information may be passed on. TheHive's numbers are those of
// the package marking.
type TLP = marking.TLP

// The TLP levels, from open to closed.
const (
	TLPClear       = marking.TLPClear
	TLPGreen       = marking.TLPGreen
	TLPAmber       = marking.TLPAmber
	TLPAmberStrict = marking.TLPAmberStrict
	TLPRed         = marking.TLPRed
)

// PAP says what may be done with information.
type PAP = marking.PAP

// The PAP levels, from open to closed.
const (
	PAPClear = marking.PAPClear
	PAPGreen = marking.PAPGreen
	PAPAmber = marking.PAPAmber
	PAPRed   = marking.PAPRed
)
