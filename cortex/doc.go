// Package cortex is a client for Cortex 4.
//
//	c, err := cortex.New(cortex.Config{BaseURL: "https://cortex.example.org", APIKey: key})
//	...
//	a, err := c.AnalyzeObservable(ctx, cortex.AnalyzeObservableInput{
//		Data: "198.51.100.23", Analyzers: []string{"Abuse_Finder_3_0"},
//	})
//
// Each operation is a method with one input struct and one output.
// [Client.Ops] lists them with their tiers, for a gate or an MCP server. With
// [Config].Guard set, a request that isn't a read leaves only under a permit of
// that guard, whoever calls the method.
//
// An analyzer is a third party unless [Config].LocalAnalyzers names it. What is
// internal, holds a credential, or is marked RED goes to no third party: the
// call fails with [ErrEgress] and nothing is sent, with or without a guard.
//
// What Cortex knows of an analyzer's configuration, and what a failed job ran
// on, holds the keys of third parties. Neither is in any output of this package,
// nor is the key of a user: it goes to a file in [Config].KeyDir. What a
// configuration needs of that kind comes from [Config].SecretsDir and not from a
// caller.
//
// The enabled analyzers are kept for 30 seconds to look up those that a call names,
// until this client enables or disables one; what isn't among them is looked up anew.
//
// Organisations and users are for the superadmin, whose key is [Config].SuperadminKey.
//
// What Cortex really does where one would think otherwise is on the page
// behaviour.md beside this file, and in its fake, package cortextest.
//
// In JSON, dates are milliseconds since 1970 and TLP and PAP go from 0 (CLEAR)
// to 3 (RED), as Cortex has them.
package cortex

//go:generate go run ../internal/jsoncodec/jsonmethods
