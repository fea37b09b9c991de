// Package postgres keeps the journal of a gate in a PostgreSQL database, so that
// servers on any number of hosts, the approval page and the gate command share one.
//
// An event is one row. A row is taken only behind the one that it names as its
// predecessor, and the spending of an approval only once, by an index: both in the
// transaction that the event is committed with. Whoever commits holds the journal's
// lock from before it read the state, so nobody decides by what is outdated.
//
// Without the database nothing is written anywhere: a store returns errors, by which
// the gate refuses. Reads of the platforms don't need it.
//
// A program links the driver only if it names this package:
//
//	policy.OpenStore = postgres.Open
package postgres
