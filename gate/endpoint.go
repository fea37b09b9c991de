package gate

import (
	"fmt"
	"slices"
	"strings"
)

// An Endpoint is one operation of a platform's API as its OpenAPI file in api/
// describes it. Generated clients carry theirs in the context of each request.
type Endpoint struct {
	System     string // the platform: "thehive", "indexer", …
	ID         string // the operationId
	Method     string // the HTTP method, which says nothing about the tier
	Path       string // the path template
	Tier       Tier   // from x-gate-tier
	Idempotent bool   // whether repeating the request changes nothing further

	// Upstream is the server, and under which credential, as [On] names it. The client
	// says so on the wire; empty where it doesn't.
	Upstream string
}

// String returns the endpoint as "system METHOD path".
func (e Endpoint) String() string { return e.System + " " + e.Method + " " + e.Path }

// A Footprint says for each operation, by name, which endpoints its permits are for:
// platform and operationId, as in "thehive createCase". Reading needs no permit.
//
// An operation [On] a client that has a footprint can do nothing but send such requests. It
// begins to run, and to read, while its approval is spent on the disk; what it sends waits
// for that, and isn't sent if it fails. If it does anything else, such as to write a file, it
// calls [Progress] before, which waits too.
type Footprint map[string][]string

// Limit gives each of ops that isn't a read its endpoints. One that isn't in f can
// send nothing.
func (f Footprint) Limit(ops []Op) []Op {
	for _, op := range ops {
		if op.Tier() > TierRead {
			op.untyped().endpoints = append([]string{}, f[op.Name()]...)
		}
	}
	return ops
}

// outside says why the permit isn't for a request of e, or "". That of an operation
// without a footprint is for the one platform that it writes to first.
func (p *permit) outside(e Endpoint) string {
	switch name := e.System + " " + e.ID; {
	case p.upstream != "" && e.Upstream != "" && p.upstream != e.Upstream:
		return fmt.Sprintf("%s is for %s, not for %s", p.op, p.upstream, e.Upstream)
	case p.endpoints != nil && !slices.Contains(p.endpoints, name):
		return fmt.Sprintf("%s is for [%s], not for %s", p.op, strings.Join(p.endpoints, ", "), name)
	case p.endpoints == nil && !p.system.CompareAndSwap(nil, &e.System) && *p.system.Load() != e.System:
		return fmt.Sprintf("%s has no footprint and writes to %s already, so not to %s", p.op, *p.system.Load(), e.System)
	}
	return ""
}
