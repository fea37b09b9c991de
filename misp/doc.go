// Package misp is a client for MISP 2.5.
//
//	c, err := misp.New(misp.Config{BaseURL: "https://misp.example.org", APIKey: key})
//	...
//	found, err := c.Correlate(ctx, misp.CorrelateInput{Value: "198.51.100.23"})
//
// Each operation is a method with one input struct and one output.
// [Client.Ops] lists them with their tiers, for a gate or an MCP server. With
// [Config].Guard set, a request that isn't a read leaves only under a permit of
// that guard, whoever calls the method.
//
// MISP writes integers as numbers or as strings, flags as booleans or as 0 and
// 1, and an empty map as a list: [Int], [Bool], [ID], [Map] and [List] read all
// of these. What an answer holds beyond the fields of a type is kept in Extra.
//
// A filter that MISP doesn't know, or that is empty, filters nothing, so that
// the answer is everything. Such filters are refused here before they are sent,
// every search is bounded, and an answer with "saved": false is an error
// whatever its status.
//
// A change is checked: "saved" and "errors" are read on every answer, what came
// back is compared with what was sent, values are reported one by one, and UUIDs
// follow from the content, so that a repeated call doesn't make things twice.
// [Client.AddAttributes], [Client.Attributes], [Client.Events] and
// [Client.Exports] work through any number of values in constant memory.
//
// The server's types of attributes, and that it has a tag, are kept for 30 seconds to
// complete and check what a call names, the latter until this client changes something.
//
// What MISP really does where one would think otherwise is on the page
// behaviour.md beside this file, and in its fake, package misptest.
package misp

//go:generate go run ../internal/jsoncodec/jsonmethods
