// Package api holds the OpenAPI descriptions of the platforms, in our own
// words, from which the clients are generated.
//
// Each operation carries x-gate-tier: read, write or destructive. That is the
// one place where the harm of an endpoint is stated; the HTTP method says
// nothing about it. x-gate-idempotent is stated where it doesn't follow from
// the tier: reads may be repeated, writes may not. x-bare marks an endpoint
// that is called without the client's credential. Each id in a path has a
// pattern, which is enforced before anything is sent.
//
// After a change run go generate ./api; what is generated is committed.
package api

import "embed"

// Specs holds the descriptions, as <platform>/openapi.yaml.
//
//go:embed */openapi.yaml
var Specs embed.FS
