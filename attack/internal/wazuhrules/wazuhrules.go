// Package wazuhrules knows which ATT&CK ids Wazuh's stock rules declare. It holds facts of the ruleset of Wazuh 4.14.7,
// rule numbers and ids, and none of its text.
package wazuhrules

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
)

//go:embed rules.bin
var table []byte

var stock = sync.OnceValue(func() map[int][]string {
	rules, err := Decode(table)
	if err != nil {
		panic(err) // the table is part of the program and a test decodes it
	}
	return rules
})

// IDs returns what a stock rule declares, in the rule's own order: ids of techniques, of tactics (TA0011), or a variable
// that Wazuh should have filled in ($(threat.software.id)). It reports false for a number that isn't in the stock
// ruleset; a stock rule that declares nothing has none, and is true. Callers share the slice and must not change it.
func IDs(ruleID int) (ids []string, ok bool) {
	ids, ok = stock()[ruleID]
	return ids, ok
}

// Len returns how many stock rules there are, and how many of them declare anything.
func Len() (rules, mapped int) {
	for _, ids := range stock() {
		if len(ids) > 0 {
			mapped++
		}
	}
	return len(stock()), mapped
}

// A table is a list of varints: the number of ids, each as its length and text; then for each rule, in order
// of their numbers, the difference to the number before, how many ids it has, and which.

// Encode writes rules as a table for [Decode]. The same rules give the same bytes.
func Encode(rules map[int][]string) []byte {
	var ids []string
	var numbers []int
	for n, techniques := range rules {
		numbers = append(numbers, n)
		ids = append(ids, techniques...)
	}
	slices.Sort(numbers)
	slices.Sort(ids)
	ids = slices.Compact(ids)

	var out []byte
	uint := func(n int) { out = binary.AppendUvarint(out, uint64(n)) }
	uint(len(ids))
	for _, id := range ids {
		uint(len(id))
		out = append(out, id...)
	}
	previous := 0
	for _, n := range numbers {
		uint(n - previous)
		previous = n
		uint(len(rules[n]))
		for _, id := range rules[n] {
			at, _ := slices.BinarySearch(ids, id)
			uint(at)
		}
	}
	return out
}

// errCorrupt is what [Decode] returns for anything but a whole table.
var errCorrupt = errors.New("wazuhrules: table is corrupt")

// Decode reads a table.
func Decode(table []byte) (map[int][]string, error) {
	bad := false
	uint := func() int {
		n, width := binary.Uvarint(table)
		if width <= 0 || n > 1<<31 {
			bad, table = true, nil
			return 0
		}
		table = table[width:]
		return int(n)
	}
	count := func() int {
		n := uint()
		if n > len(table) {
			bad, table = true, nil
			return 0
		}
		return n
	}
	ids := make([]string, count())
	for i := range ids {
		n := count()
		ids[i], table = string(table[:n]), table[n:]
	}
	rules := make(map[int][]string)
	number := 0
	for len(table) > 0 {
		number += uint()
		techniques := make([]string, count())
		for i := range techniques {
			at := uint()
			if at >= len(ids) {
				return nil, errCorrupt
			}
			techniques[i] = ids[at]
		}
		rules[number] = techniques
	}
	if bad {
		return nil, errCorrupt
	}
	return rules, nil
}
