// Command incident-loop carries one incident from alert to ATT&CK with the
// library alone: no MCP, nothing installed. It simulates the four platforms on
// the loopback interface, narrates what it does, and stops at every gate. On a
// terminal it asks you; -approve answers for you; otherwise what needs approval
// is left pending and the rest goes on. It ends with the case's timeline and a
// layer file for the ATT&CK Navigator.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
)

func main() {
	approve := flag.Bool("approve", false, "answer every gate with yes")
	layer := flag.String("layer", filepath.Join(os.TempDir(), "incident-layer.json"), "where to write the Navigator layer")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, operator(*approve), *layer); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// operator returns who decides: nobody, a terminal, or a yes to everything.
func operator(approve bool) func(*gate.Proposal) bool {
	fi, err := os.Stdin.Stat()
	terminal := err == nil && fi.Mode()&os.ModeCharDevice != 0
	in := bufio.NewReader(os.Stdin)
	return func(p *gate.Proposal) bool {
		switch {
		case approve:
			fmt.Println("  -approve answers: yes")
			return true
		case !terminal:
			fmt.Println("  nobody is here to decide; it stays pending (run on a terminal, or with -approve)")
			return false
		}
		fmt.Printf("  type %s to approve, anything else to leave it: ", p.Code())
		answer, err := in.ReadString('\n')
		if err != nil {
			fmt.Println("\n  nobody answers; it stays pending")
			return false
		}
		return strings.TrimSpace(answer) == p.Code()
	}
}
