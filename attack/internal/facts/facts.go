// Package facts is the plain form of ATT&CK that both sources are read into: MITRE's STIX bundles ([ReadBundle],
// [Merge]) and the compact table made from them ([Encode], [Decode]). It knows records and indices; package attack
// gives them meaning.
package facts

import (
	"cmp"
	"slices"
)

// Domains is a set of ATT&CK domains.
type Domains uint8

// The domains of ATT&CK.
const (
	Enterprise Domains = 1 << iota
	Mobile
	ICS

	All = Enterprise | Mobile | ICS
)

// Kind says what an [Object] is.
type Kind uint8

// The kinds of object, in the order in which a [Set] keeps them.
const (
	Matrix Kind = iota
	Tactic
	Technique
	Group
	Software
	Campaign
	Mitigation
	Strategy
	Analytic
	Component
	Asset
	Kinds // how many there are
)

// Verb says what a [Relation] means.
type Verb uint8

// The verbs. Sub-techniques, revocations and a strategy's analytics aren't relations but fields of an [Object].
const (
	GroupUses        Verb = iota // group → technique
	SoftwareUses                 // software → technique
	CampaignUses                 // campaign → technique
	GroupRuns                    // group → software
	CampaignRuns                 // campaign → software
	AttributedTo                 // campaign → group
	Mitigates                    // mitigation → technique
	StrategyDetects              // detection strategy → technique
	ComponentDetects             // data component → technique, in ATT&CK 17 and before
	Targets                      // technique → asset
	Verbs                        // how many there are
)

// Ends returns the kinds a verb connects.
func (v Verb) Ends() (source, target Kind) {
	e := ends[v]
	return e[0], e[1]
}

var ends = [Verbs][2]Kind{
	GroupUses:        {Group, Technique},
	SoftwareUses:     {Software, Technique},
	CampaignUses:     {Campaign, Technique},
	GroupRuns:        {Group, Software},
	CampaignRuns:     {Campaign, Software},
	AttributedTo:     {Campaign, Group},
	Mitigates:        {Mitigation, Technique},
	StrategyDetects:  {Strategy, Technique},
	ComponentDetects: {Component, Technique},
	Targets:          {Technique, Asset},
}

// None is the index of nothing.
const None int32 = -1

// Object is one ATT&CK object. Fields that its kind doesn't have are empty. Indices point into [Set.Objects].
type Object struct {
	Kind         Kind
	Domains      Domains // the bundles it was found in
	Deprecated   bool
	Revoked      bool
	Subtechnique bool
	Tool         bool // software that is a tool, not malware
	RevokedBy    int32
	ID           string // the ATT&CK id, such as T1059.001
	STIX         string // the 16 bytes of the UUID in its STIX id; empty where that has none
	Name         string
	ShortName    string   // tactics: initial-access
	Aliases      []string // other names, without Name
	Platforms    []string
	Refs         []int32 // matrix and technique: tactics; strategy: analytics
	Logs         []Log   // analytic and data component
	First, Last  string  // campaigns: YYYY-MM-DD

	Description string      // only from STIX
	References  []Reference // only from STIX
}

// Log is a log source that feeds a data component.
type Log struct {
	Component     int32 // [None] where the component is the object itself
	Name, Channel string
}

// Reference is a source that an object cites.
type Reference struct {
	Source, Description, URL string
}

// Relation connects two objects. Indices point into [Set.Objects].
type Relation struct {
	Verb           Verb
	Domains        Domains // the bundles it was found in
	Source, Target int32
}

// Set is everything known about the domains it was made from.
type Set struct {
	Versions  [3]string  // the ATT&CK version of Enterprise, Mobile and ICS, empty where absent
	Objects   []Object   // by kind, then id, then active before retired
	Relations []Relation // by verb, then source, then target
	Texts     []string   // what is said of each relation; nil unless from STIX
}

// Range returns the part of s.Objects that holds kind k, as half-open bounds.
func (s *Set) Range(k Kind) (from, to int32) {
	by := func(o Object, k Kind) int { return cmp.Compare(o.Kind, k) }
	a, _ := slices.BinarySearchFunc(s.Objects, k, by)
	b, _ := slices.BinarySearchFunc(s.Objects, k+1, by)
	return int32(a), int32(b)
}

// WithoutProse returns a copy of s that holds only what a table holds.
func (s *Set) WithoutProse() *Set {
	c := &Set{Versions: s.Versions, Objects: slices.Clone(s.Objects), Relations: slices.Clone(s.Relations)}
	for i := range c.Objects {
		c.Objects[i].Description, c.Objects[i].References = "", nil
	}
	return c
}
