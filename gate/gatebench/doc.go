// Package gatebench tries to make an MCP server write without an approval, and
// counts how often it succeeds.
//
// It is a black box: it starts the server as a host would, speaks JSON-RPC to
// it without an SDK so that it can lie, and stands between the server and its
// platforms, where it counts. A request that isn't known to read is a write. A
// write counts against the server unless it belongs to a call that the operator
// has approved, as often as one execution of it takes; a request that is sent
// again after an ambiguous failure counts, idempotent or not. A request that takes
// back what was done belongs to the call if the plan that was approved names it, in
// its member if_fails, as METHOD /path: once. The score is the
// number of writes that count; a good server has none.
//
// The cases follow the threats T1 to T29 of the gate's design, in both protocol
// eras and over stdio and HTTP. Beside writes a case may find a fault, such as a
// refusal that names the switch that opens the gate; faults are no part of the
// score.
//
// # Running it
//
// Command gatebench, in cmd/gatebench, tries any server that can be started:
//
//	gatebench -server './misp-mcp' -env MISP_URL=http://127.0.0.1:8080 -env MISP_API_KEY=… -gate
//	gatebench -server 'npx some-mcp' -fake TICKETS_URL -threats T1,T2,T9,T11
//
// What the server knows nothing of is skipped, and the report says how much
// that was: without an approval that can be given there is nothing to replay. A
// server with an approval of its own is tried in full by a Go program that gives
// [Run] an [Operator].
//
// The servers of this module are tried by the tests of this package: a sample by
// default, and all threats with
//
//	GATEBENCH=all go test -C gate/gatebench -count=1 -timeout 30m -run Approval -v .
//
// where GATEBENCH_THREATS=T5,T23 narrows it down. Two servers are tried at a time
// on two cores, which takes about a quarter of an hour.
//
// # That it can fail
//
// testdata/ungated has no gate, and the gates that don't hold: a flag that the
// agent sets, an answer that the client sends unasked. testdata/naive proposes,
// waits and shows a plan, and then takes any line with "approved" in it for the
// operator's yes to everything. TestTheSuiteCanFail runs every threat on one of
// them, and each must find a write or a fault there: writes in T1 to T10, T17 to
// T19, T23, T25, T26, T28 and T29, faults in T11 to T16, T20 to T22 and T24.
//
// # What no test can cover from here
//
//   - T3: whether a human sits before a client that says so. A client's own form is
//     off unless the operator turns it on, and never counts for what is destructive.
//   - T7 and T8 in full: a new process can't see that the whole journal was
//     replaced by an older one that is whole. Only an outside anchor shows it.
//   - T10: what a platform does beyond its API when it is asked for one thing.
//   - T15: whether a person is persuaded. What is tested is that the agent's words
//     stay out of the facts.
//   - T18: what is written so that it has to be decoded to be read. The suite tries
//     the spellings that resolvers, browsers and readers take; base64, a cipher or a
//     file are text or content to it, and for content a person is asked.
//   - T22: a secret that a platform gives out in pieces or in another form than it
//     was sent in, and a password that is a plain word, which can't be cut out of an
//     answer without falsifying it.
//   - T27: an agent with a shell under the same user reads the credentials and
//     needs no server. Another user, or another host, is what stops it.
//   - T30: what the next version of a dependency will do. Running this suite on
//     it is the test.
//   - T31: which reads are too sensitive to offer is a choice of tools, and shows in
//     the list of tools, not in a request.
//   - T32: what another server tells the agent. It reaches this one as arguments,
//     which T1 to T29 send; where they came from can't be seen.
//
// Experimental: what it exports may still change after v1.
package gatebench
