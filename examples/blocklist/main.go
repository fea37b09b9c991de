// Command blocklist writes the addresses and domains of MISP that are meant for
// detection into a file, one on a line, for a firewall or a resolver to fetch. What a
// warninglist has, such as a public resolver, stays out of it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/misp"
)

func main() {
	file := flag.String("file", "blocklist.txt", "where to write the list")
	changed := flag.String("changed", "30d", "only what changed within this time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	n, err := run(ctx, *file, *changed)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("%s has %d values", *file, n)
}

func run(ctx context.Context, file, changed string) (int, error) {
	client, err := misp.FromEnv(nil)
	if err != nil {
		return 0, err
	}
	values := map[string]bool{}
	for a, err := range client.Attributes(ctx, misp.SearchAttributesInput{
		Types: []string{"ip-src", "ip-dst", "ip-src|port", "ip-dst|port", "domain", "hostname", "domain|ip"},
		ToIDs: connect.Ptr(true), Published: connect.Ptr(true), Tags: []string{"!tlp:red"}, Changed: changed, DropListed: true,
	}) {
		if err != nil {
			return 0, err
		}
		if a.Unread != "" {
			return 0, fmt.Errorf("attribute %s cannot be read: %s", a.ID, a.Unread)
		}
		value, _, _ := strings.Cut(a.Value, "|")
		values[value] = true
	}
	return len(values), replace(file, slices.Sorted(maps.Keys(values)))
}

// replace writes lines to a file that is whole at every moment.
func replace(file string, lines []string) error {
	next := file + ".new"
	if err := os.WriteFile(next, []byte(strings.Join(append(lines, ""), "\n")), 0o644); err != nil {
		return err
	}
	return os.Rename(next, file)
}
