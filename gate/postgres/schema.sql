CREATE SCHEMA IF NOT EXISTS %[1]s;
CREATE TABLE IF NOT EXISTS %[1]s.event (
	seq  bigint PRIMARY KEY CHECK (seq > 0),
	prev text NOT NULL,
	hash text NOT NULL,
	kind text NOT NULL,
	id   text NOT NULL,
	line bytea NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS event_spent ON %[1]s.event (id) WHERE kind = 'consumed';
CREATE TABLE IF NOT EXISTS %[1]s.approver (
	name text PRIMARY KEY,
	key  bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS %[1]s.snapshot (
	one   boolean PRIMARY KEY DEFAULT true CHECK (one),
	seq   bigint NOT NULL,
	hash  text NOT NULL,
	state bytea NOT NULL
);
CREATE TABLE IF NOT EXISTS %[1]s.gone (
	process text PRIMARY KEY,
	since   timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TABLE IF NOT EXISTS %[1]s.noted (
	name text PRIMARY KEY,
	at   timestamptz NOT NULL
);
