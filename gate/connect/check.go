package connect

import "context"

// Health is what a check says of a leg.
type Health string

// The healths, from good to bad.
const (
	Healthy Health = "ok"
	Warning Health = "warning"
	Broken  Health = "error"
)

// A Finding is what a check found of one leg of the way to a platform.
type Finding struct {
	Of      string `json:"of"`               // such as "TheHive" or "Wazuh indexer"
	Leg     Leg    `json:"leg"`              // which part of the way
	Status  Health `json:"status"`           // how it is
	Message string `json:"message"`          // what was found
	Advice  string `json:"advice,omitempty"` // what to do about it, with the setting that helps
}

// A Checker proves each connection and credential that it is configured with.
// What fails is a finding and no error.
type Checker interface {
	Check(ctx context.Context) []Finding
}
