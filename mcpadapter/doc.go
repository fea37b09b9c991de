// Package mcpadapter serves gated operations as MCP tools.
//
// [New] makes a server behind a guard, and [Server.Add] adds every [gate.Op] of a
// list to it. All that an MCP client sees of an operation is derived from its Go
// types and from its tier:
//
//   - The input schema comes from the input struct: names and optionality from
//     json tags, descriptions from jsonschema tags, bounds from the tags minimum,
//     maximum, minLength, maxLength, minItems, maxItems and pattern, enums from
//     types with an Enum() []any method, patterns from types with a
//     Pattern() string method, defaults from the tag default and
//     SetDefaults(). Bounds of one value on a list hold for each element. A
//     string with the tag time:"instant" is a time, with "day" a day, with
//     "until" a day to come.
//   - Arguments are accepted in the canonical spelling, in the other case style
//     (case_id for caseId), under the names in an alias tag, and with the slips
//     that models make, such as "5710" for 5710. Anything else is an error that
//     names the argument and what is allowed; it never reaches the gate.
//   - The hints come from the tier, in one function.
//   - A read answers with its output. Every other tool answers with an envelope
//     that says what became of the call: executed, pending, dry_run or read.
//   - Lists are cut by whole elements to a budget, and the answer says so. The
//     whole is kept for a while as a resource, to be fetched in pieces.
//   - The times of an answer are RFC 3339, however the output encodes them, and
//     members that a platform added are left out where they are empty or the tag
//     quiet of the field that keeps them names them, alone or with the value
//     that says nothing: quiet:"_type,external=false".
//   - Output fields with the tag untrusted:"true" hold text that an attacker can
//     write. Their paths are listed in the mark that the answer begins with. On a struct, a list or
//     a map the tag covers all that is in it. JSON that is passed on as it came
//     counts as such unless its tag says untrusted:"false".
//   - Text that looks like instructions to an agent is flagged, with its path and
//     a class, whoever wrote it. Nothing is removed.
//
// [Server.AddResources] and [Server.AddPrompts] add reads under fixed addresses
// and texts to start with. [Options.Dynamic] lists four tools instead of all.
// [Server.Serve] serves over standard input and output, package mcphttp over
// HTTP; package command makes a program of it all.
//
// A tool of each server, usually gate_status, tells how the gate stands and waits
// for decisions. Nothing in this package can approve an operation except an MCP
// client's own form, where the policy lets a client's word count.
//
// The packages below internal are its floors, each built on those before it:
// schema (what Go types look like, and binding of
// arguments), untrusted (finding and marking what others wrote), answer (making
// an answer fit, keeping what was cut), inflight (the calls being served).
package mcpadapter
