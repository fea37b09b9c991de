// Speccheck holds one of our descriptions in api/ against the vendor's own file.
//
//	go run ./speccheck -vendor vendor.yaml -deviations deviations.yaml ours.yaml
//
// It lists every difference that isn't documented, with its place, and every
// documented one that has gone; it exits with 1 if there are any.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	vendor := flag.String("vendor", "", "the vendor's OpenAPI file")
	meant := flag.String("deviations", "", "YAML list of {at, reason}: the differences that are meant")
	flag.Parse()
	if flag.NArg() != 1 || *vendor == "" {
		flag.Usage()
		os.Exit(2)
	}
	open, err := run(flag.Arg(0), *vendor, *meant)
	if err != nil {
		fmt.Fprintln(os.Stderr, "speccheck:", err)
		os.Exit(1)
	}
	for _, line := range open {
		fmt.Println(line)
	}
	if len(open) > 0 {
		os.Exit(1)
	}
}

// run returns a line for each open difference and each stale deviation.
func run(ours, vendor, deviations string) ([]string, error) {
	mine, err := os.ReadFile(ours)
	if err != nil {
		return nil, err
	}
	theirs, err := os.ReadFile(vendor)
	if err != nil {
		return nil, err
	}
	var meant []Deviation
	if deviations != "" {
		if meant, err = readDeviations(deviations); err != nil {
			return nil, err
		}
	}
	found, err := Compare(mine, theirs)
	if err != nil {
		return nil, err
	}
	open, stale, err := Open(found, meant)
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, d := range open {
		lines = append(lines, fmt.Sprintf("%-60s %s", d.At, d.Text))
	}
	for _, d := range stale {
		lines = append(lines, fmt.Sprintf("%-60s documented, but there is no such difference", d.At))
	}
	return lines, nil
}
