// Package thehive is a client for TheHive 5.
//
//	c, err := thehive.New(thehive.Config{BaseURL: "https://hive.example.org", APIKey: key})
//	...
//	cs, err := c.GetCase(ctx, thehive.GetCaseInput{CaseID: "~4096"})
//
// Each operation is a method with one input struct and one output.
// [Client.Ops] lists them with their tiers, for a gate or an MCP server. With
// [Config].Guard set, a request that isn't a read leaves only under a permit of
// that guard, whoever calls the method.
//
// TheHive drops what it doesn't know without a word, and some of its failures
// have a status of success. This package sends only fields that exist, reads
// back what it changed, and says of each value in a bulk whether it was taken.
//
// [Query] builds reading pipelines of TheHive's own, which every list here is
// made of. Analyzers and responders of Cortex run through TheHive: what is
// internal, or marked RED, is shown to no third party. TheHive 4 is refused with
// [ErrVersion].
//
// The server's own statuses, types of observables and custom fields are kept for 30
// seconds to check what a call names; what isn't among them is looked up anew, and
// [Client.Do] lets go of them.
//
// A case is named by its id ("~4096") or its number ("12"). Dates are
// milliseconds since 1970, as TheHive has them. TLP goes from 0 (CLEAR) to 4
// (RED), PAP from 0 to 3.
//
// What TheHive really does where one would think otherwise is on the page
// behaviour.md beside this file, and in its fake, package thehivetest.
package thehive

//go:generate go run ../internal/jsoncodec/jsonmethods
