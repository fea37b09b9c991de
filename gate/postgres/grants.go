package postgres

// Grants are the statements by which an owner of the schema "sallyport" gives a role,
// written ROLE, what a server needs: it proposes, spends and records, and can neither take
// back an event nor say who approves. Whoever approves on a host of their own needs the
// same; whoever enrols needs INSERT and DELETE on the table approver besides.
const Grants = `GRANT USAGE ON SCHEMA %[1]s TO ROLE;
GRANT SELECT ON %[1]s.approver TO ROLE;
GRANT SELECT, INSERT ON %[1]s.event TO ROLE;
GRANT SELECT, INSERT, UPDATE ON %[1]s.snapshot TO ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON %[1]s.gone, %[1]s.noted TO ROLE;`
