// Command ours does with package misp what live.py beside it does with PyMISP, and prints
// what it took as JSON.
//
//	ours URL KEY related EVENT TIMES | add EVENT COUNT | read EVENT | both EVENT COUNT
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/misp"
)

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "ours: want URL KEY TASK EVENT [NUMBER]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], misp.EventRef(os.Args[4]), os.Args[5:]); err != nil {
		fmt.Fprintln(os.Stderr, "ours:", err)
		os.Exit(1)
	}
}

func run(url, key, task string, event misp.EventRef, rest []string) error {
	c, err := misp.New(misp.Config{BaseURL: url, APIKey: key})
	if err != nil {
		return err
	}
	n := 1
	if len(rest) > 0 {
		if n, err = strconv.Atoi(rest[0]); err != nil {
			return err
		}
	}
	ctx, rows := context.Background(), 0
	var do []func() error
	switch task {
	case "related":
		do = slices.Repeat([]func() error{func() error {
			out, err := c.GetRelatedEvents(ctx, misp.GetRelatedEventsInput{EventID: event})
			if err == nil {
				rows = out.Total
			}
			return err
		}}, n)
	case "add":
		do = append(do, func() (err error) { rows, err = add(ctx, c, event, n); return err })
	case "read":
		do = append(do, func() (err error) { rows, err = read(ctx, c, event); return err })
	case "both":
		do = append(do, func() error {
			if _, err := add(ctx, c, event, n); err != nil {
				return err
			}
			rows, err = read(ctx, c, event)
			return err
		})
	default:
		return fmt.Errorf("%q is no task", task)
	}
	var took []float64
	for _, once := range do {
		begun := time.Now()
		if err := once(); err != nil {
			return err
		}
		took = append(took, time.Since(begun).Seconds())
	}
	slices.Sort(took)
	peak, err := peak()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"Seconds": took[len(took)/2], "MiB": peak, "Rows": rows})
}

func add(ctx context.Context, c *misp.Client, event misp.EventRef, n int) (rows int, err error) {
	numbered := func(yield func(misp.NewAttribute) bool) {
		for i := range n {
			if !yield(misp.NewAttribute{Type: "domain", Value: fmt.Sprintf("%d.ours.example", i)}) {
				return
			}
		}
	}
	for a, err := range c.AddAttributes(ctx, event, numbered) {
		if err != nil {
			return rows, err
		}
		if a.Status != misp.Added {
			return rows, fmt.Errorf("%+v", a)
		}
		rows++
	}
	return rows, nil
}

func read(ctx context.Context, c *misp.Client, event misp.EventRef) (rows int, err error) {
	for _, err := range c.Attributes(ctx, misp.SearchAttributesInput{EventID: event}) {
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, nil
}

// peak is the most memory that this process had, in MiB, on Linux.
func peak() (float64, error) {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(b), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil || !ok {
		return 0, errors.Join(err, errors.New("no VmHWM"))
	}
	return kib / 1024, nil
}
