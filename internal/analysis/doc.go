// Package analysis knows what Cortex and its analyzers answer, whoever asked for
// it: a client of Cortex itself, or one of TheHive, which hands it through. It
// judges taxonomies, artifacts and jobs that can't end, and takes out the secrets
// that analyzers put into their reports.
package analysis
