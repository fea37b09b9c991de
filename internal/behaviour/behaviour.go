// Package behaviour tells what a platform really does, where a reader of its
// documentation would think otherwise or not think of it. Each fake keeps one
// [Table] of such rows; a test of it holds every row to a test of the fake and
// the table to the page that is generated from it.
package behaviour

import (
	"cmp"
	"fmt"
	"strings"
)

// A Group is what somebody wants to do when a row concerns him.
type Group string

// The groups, in the order of a page.
const (
	List        Group = "List"
	Search      Group = "Search"
	Write       Group = "Write"
	Wait        Group = "Wait"
	Delete      Group = "Delete"
	Permissions Group = "Permissions"
	Limits      Group = "Limits"
	Errors      Group = "Errors"
	Versions    Group = "Versions"
)

var groups = []Group{List, Search, Write, Wait, Delete, Permissions, Limits, Errors, Versions}

// A Witness is how a row is known. Make one with [Running], [Source], [Docs] or [Report].
type Witness string

// Running says that it was seen on a running platform; version says which.
func Running(version string) Witness { return Witness("seen running, " + version) }

// Source says that it stands in the vendor's source; file says where, with the version.
func Source(file string) Witness { return Witness("vendor's source, " + file) }

// Docs says that the vendor documents it; page says where.
func Docs(page string) Witness { return Witness("vendor's documentation, " + page) }

// Report says that a user reports it; number is the issue, such as owner/name#12.
func Report(number string) Witness { return Witness("user's report, " + number) }

// A Row is one behaviour of a platform.
type Row struct {
	Group      Group
	Does       string    // what the platform does, a sentence in our own words
	Versions   string    // on which it was seen, such as "4.1.24, 5.5.13"
	Known      []Witness // at least one
	Disagree   string    // what other witnesses say; empty: none does
	Surprising bool      // whether it surprises a reader of the documentation
	Client     string    // what our client does about it, a sentence
	Test       string    // the test that holds the fake to it: TestName, or TestName/name of a subtest
}

// A Table is what is known of one platform.
type Table struct {
	Platform string // TheHive
	Intro    string // a paragraph above the rows, Markdown
	Ours     string // what of ours a row's Client is of; empty: our client
	Rows     []Row
}

// Page writes t as Markdown, grouped.
func (t Table) Page() string {
	var b strings.Builder
	surprising := 0
	for _, r := range t.Rows {
		if r.Surprising {
			surprising++
		}
	}
	fmt.Fprintf(&b, "# What %s really does\n\n", t.Platform)
	if t.Intro != "" {
		b.WriteString(t.Intro + "\n\n")
	}
	fmt.Fprintf(&b, "%d behaviours, of which %d surprise a reader of the documentation (marked ⚠). Each is held by a test of the fake, whose name stands behind it.\n"+
		"This page is generated from the fake's table: `go test -run TestBehaviourPage -update`.\n", len(t.Rows), surprising)
	for _, g := range groups {
		first := true
		for _, r := range t.Rows {
			if r.Group != g {
				continue
			}
			if first {
				fmt.Fprintf(&b, "\n## %s\n\n", g)
				first = false
			}
			r.write(&b, cmp.Or(t.Ours, "Our client"))
		}
	}
	return b.String()
}

func (r Row) write(b *strings.Builder, ours string) {
	mark := ""
	if r.Surprising {
		mark = "⚠ "
	}
	known := make([]string, len(r.Known))
	for i, w := range r.Known {
		known[i] = string(w)
	}
	fmt.Fprintf(b, "- %s**%s** (%s)\n", mark, r.Does, r.Versions)
	fmt.Fprintf(b, "  - Known by: %s.\n", strings.Join(known, "; "))
	if r.Disagree != "" {
		fmt.Fprintf(b, "  - Witnesses disagree: %s\n", r.Disagree)
	}
	fmt.Fprintf(b, "  - %s: %s\n", ours, r.Client)
	fmt.Fprintf(b, "  - Test: `%s`\n", r.Test)
}
