package cortex

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/sallyport-soc/sallyport/gate/marking"
)

// TLP says to whom information may be passed on, on the scale of the package
// marking: TLP(x) of a level of TheHive's is that level. Cortex has four of the
// five and numbers them otherwise, so RED is 3 in JSON; it has no AMBER+STRICT,
// which calls refuse. See [TLPOf].
type TLP marking.TLP

// The TLP levels that Cortex knows, from open to closed.
const (
	TLPClear = TLP(marking.TLPClear)
	TLPGreen = TLP(marking.TLPGreen)
	TLPAmber = TLP(marking.TLPAmber)
	TLPRed   = TLP(marking.TLPRed)
)

// TLPOf returns the level of Cortex that keeps information as close as t does:
// RED for AMBER+STRICT.
func TLPOf(t marking.TLP) TLP {
	if t == marking.TLPAmberStrict {
		return TLPRed
	}
	return TLP(t)
}

// Enum lists the values for schemas.
func (TLP) Enum() []any { return []any{TLPClear, TLPGreen, TLPAmber, TLPRed} }

// String returns the level's name.
func (t TLP) String() string {
	if t > TLPRed {
		return "level " + strconv.Itoa(t.number())
	}
	return marking.TLP(t).String()
}

// number is t on Cortex's own scale.
func (t TLP) number() int {
	if t >= TLPRed {
		return int(t) - 1
	}
	return int(t)
}

// MarshalJSON writes Cortex's number. Of AMBER+STRICT it has none.
func (t TLP) MarshalJSON() ([]byte, error) {
	if marking.TLP(t) == marking.TLPAmberStrict {
		return nil, checkMarking(t, 0)
	}
	return strconv.AppendInt(nil, int64(t.number()), 10), nil
}

// UnmarshalJSON reads Cortex's number.
func (t *TLP) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	var n int
	if err := json.Unmarshal(b, &n); err != nil {
		return err
	}
	*t = tlp(n)
	return nil
}

// tlp is the level that Cortex numbers n.
func tlp(n int) TLP {
	if n >= TLPRed.number() {
		n++
	}
	return TLP(n)
}

// PAP says what may be done with information, on the scale of the package marking.
type PAP marking.PAP

// The PAP levels, from open to closed.
const (
	PAPClear = PAP(marking.PAPClear)
	PAPGreen = PAP(marking.PAPGreen)
	PAPAmber = PAP(marking.PAPAmber)
	PAPRed   = PAP(marking.PAPRed)
)

// Enum lists the values for schemas.
func (PAP) Enum() []any { return []any{PAPClear, PAPGreen, PAPAmber, PAPRed} }

// String returns the level's name.
func (p PAP) String() string { return marking.PAP(p).String() }

// marked is how a plan shows TLP and PAP.
func marked(t TLP, p PAP) string { return fmt.Sprintf("TLP:%s PAP:%s", t, p) }

func checkMarking(t TLP, p PAP) error {
	switch {
	case marking.TLP(t) == marking.TLPAmberStrict:
		return invalid("tlp: Cortex has no AMBER+STRICT: want AMBER, or RED, which goes to no third party")
	case t < TLPClear || t > TLPRed || p < PAPClear || p > PAPRed:
		return invalid("tlp %d, pap %d: want 0 to 3", t.number(), p)
	}
	return nil
}
