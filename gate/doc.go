// Package gate stands between an agent that proposes and an operator who approves.
//
// Every operation has a [Tier]. A read runs at once. A write or a destructive
// operation becomes a [Proposal]: the server renders a [Plan] of what would
// happen, digests it together with the exact typed input, and waits until an
// approver signs that digest on a channel the agent can't reach, such as the
// command in cmd/gate. The approval is spent before the operation can do anything
// but read, once, over all goroutines and processes.
//
// The gate holds at two places. [Wrap] and [Op.Do] stand in front of an
// operation. [Guard.Admit] stands on the wire, inside every client: a request
// whose [Endpoint] isn't a read is sent only under a permit, which exists only
// between the spending of one approval and the end of one execution. Whoever
// forgets the first is stopped by the second.
//
// Any function of the shape
//
//	func(ctx context.Context, in In) (Out, error)
//
// can be gated; neither HTTP nor MCP is needed. The package uses the standard
// library only.
//
// What is shown here as the same as a type of another package, such as [Proposal]
// and [Journal], has its fields and methods documented there: in
// [github.com/sallyport-soc/sallyport/gate/state] and
// [github.com/sallyport-soc/sallyport/gate/journal].
//
// # Promises
//
//   - A request that isn't a declared read is sent under a permit or not at all.
//   - A permit is for one execution of one approved digest, and ends with it.
//   - An approval is spent at most once, over goroutines, processes and restarts.
//   - The plan that is approved was made by the server, and what runs is decoded
//     from the very bytes that the digest covers.
//   - Nothing that a server offers to an agent creates or extends an approval.
//   - A journal that is lost, changed or behind a clock that went back, an unknown
//     tier, an unknown setting: no write.
//   - What may have happened already is repeated only on a new approval.
//   - Proposal, decision, start and outcome are on the disk before they show.
//   - Who asks is never who approves.
//   - Keys and credentials are in no result, error, journal line or screen.
//
// # Limits
//
// A [Policy], in code or from the file in SALLYPORT_POLICY, bounds how much runs
// within an hour and how much an approver is asked, stops everything when too
// much goes wrong until an approver has looked, protects targets whatever is
// approved, and can ask for two approvers. All of it is counted in the journal,
// and so over all servers that share it. A [Grant] lets an approver say yes
// beforehand to a few calls of one write on one target.
//
// The journal is a chain of segments; [Verify] checks it offline, and against a
// copy elsewhere, the only thing that shows a rollback to a new process.
//
// What the gate does not stop: an agent with a shell under the same user can
// read the credentials and call the platform itself, or enrol a key of its own;
// a rolled-back journal is invisible to a new process without an outside anchor;
// a human can approve the wrong thing.
package gate
