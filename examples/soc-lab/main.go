// Command soc-lab simulates Wazuh, TheHive, Cortex and MISP on the loopback
// interface, with one incident in them: password guessing over SSH against host
// 007, then a login that succeeds. It prints the environment that connects the
// servers to it and runs until it is interrupted. What is written is forgotten
// when it ends.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/sallyport-soc/sallyport/internal/testing/lab"
)

func main() {
	port := flag.Int("port", 0, "first of five ports to listen on; 0 takes free ones")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *port); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, port int) error {
	l, err := lab.Start(port)
	if err != nil {
		return err
	}
	for _, e := range l.Env() {
		fmt.Println("export", e)
	}
	fmt.Fprintln(os.Stderr, "soc-lab: ready; interrupt to stop")
	<-ctx.Done()
	return l.Close()
}
