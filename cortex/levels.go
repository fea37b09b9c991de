package cortex

import "strconv"

// TLP says to whom information may be passed on: the Traffic Light Protocol,
// in the four levels that Cortex knows.
type TLP int

// The TLP levels, from open to closed.
const (
	TLPClear TLP = iota
	TLPGreen
	TLPAmber
	TLPRed
)

// Enum lists the values for schemas.
func (TLP) Enum() []any { return []any{0, 1, 2, 3} }

// String returns the level's name.
func (t TLP) String() string { return label(int(t)) }

// PAP says what may be done with information: the Permissible Actions Protocol.
type PAP int

// The PAP levels, from open to closed.
const (
	PAPClear PAP = iota
	PAPGreen
	PAPAmber
	PAPRed
)

// Enum lists the values for schemas.
func (PAP) Enum() []any { return []any{0, 1, 2, 3} }

// String returns the level's name.
func (p PAP) String() string { return label(int(p)) }

func label(i int) string {
	if names := [...]string{"CLEAR", "GREEN", "AMBER", "RED"}; i >= 0 && i < len(names) {
		return names[i]
	}
	return "level " + strconv.Itoa(i)
}

// marking is how a plan shows TLP and PAP.
func marking(t TLP, p PAP) string { return "TLP:" + t.String() + " PAP:" + p.String() }

func checkMarking(t TLP, p PAP) error {
	if t < TLPClear || t > TLPRed || p < PAPClear || p > PAPRed {
		return invalid("tlp %d, pap %d: want 0 to 3", t, p)
	}
	return nil
}
