package misp

import "strconv"

// Distribution says to whom MISP passes something on once it is published.
type Distribution int

// The distributions.
const (
	OrganisationOnly     Distribution = iota // only the owning organisation
	CommunityOnly                            // every organisation on this MISP
	ConnectedCommunities                     // and those on MISPs connected to it
	AllCommunities                           // and on wherever those pass it on to
	SharingGroupOnly                         // the members of one sharing group
	Inherit                                  // for attributes and objects: as what they are in
)

// UnmarshalJSON reads a number or a string.
func (d *Distribution) UnmarshalJSON(b []byte) error { return level(b, (*int)(d)) }

// Enum lists the values for schemas.
func (Distribution) Enum() []any {
	return []any{OrganisationOnly, CommunityOnly, ConnectedCommunities, AllCommunities, SharingGroupOnly, Inherit}
}

// String returns MISP's label.
func (d Distribution) String() string {
	return label(int(d), 0, "your organisation only", "this community only", "connected communities", "all communities", "sharing group", "inherit event")
}

// ThreatLevel is how dangerous an event is.
type ThreatLevel int

// The threat levels, from most to least dangerous.
const (
	ThreatHigh ThreatLevel = iota + 1
	ThreatMedium
	ThreatLow
	ThreatUndefined
)

// UnmarshalJSON reads a number or a string.
func (t *ThreatLevel) UnmarshalJSON(b []byte) error { return level(b, (*int)(t)) }

// Enum lists the values for schemas.
func (ThreatLevel) Enum() []any {
	return []any{ThreatHigh, ThreatMedium, ThreatLow, ThreatUndefined}
}

// String returns MISP's label.
func (t ThreatLevel) String() string {
	return label(int(t), 1, "high", "medium", "low", "undefined")
}

// Analysis is how far the analysis of an event has come.
type Analysis int

// The stages of an analysis.
const (
	AnalysisInitial Analysis = iota
	AnalysisOngoing
	AnalysisComplete
)

// UnmarshalJSON reads a number or a string.
func (a *Analysis) UnmarshalJSON(b []byte) error { return level(b, (*int)(a)) }

// Enum lists the values for schemas.
func (Analysis) Enum() []any { return []any{AnalysisInitial, AnalysisOngoing, AnalysisComplete} }

// String returns MISP's label.
func (a Analysis) String() string { return label(int(a), 0, "initial", "ongoing", "complete") }

func level(b []byte, to *int) error {
	var n Int
	if err := n.UnmarshalJSON(b); err != nil {
		return err
	}
	*to = int(n)
	return nil
}

func label(i, first int, names ...string) string {
	if i < first || i-first >= len(names) {
		return "level " + strconv.Itoa(i)
	}
	return names[i-first]
}
