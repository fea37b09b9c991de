// Command soc-lab simulates Wazuh, TheHive, Cortex and MISP on the loopback
// interface, with one incident in them: password guessing over SSH against host
// 007, then a login that succeeds; and with a scanner of its own that makes noise. It prints the environment that connects the
// servers to it and runs until it is interrupted. What is written is forgotten
// when it ends. With -try it shows in a minute what the gate does, and ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/sallyport-soc/sallyport/internal/completion"
	"github.com/sallyport-soc/sallyport/internal/testing/lab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

const usage = `soc-lab simulates Wazuh, TheHive, Cortex and MISP on this machine, with one incident in them.

  soc-lab                    print the variables that lead to it, and run until interrupted
  soc-lab -port 9100         on five ports from this one on
  soc-lab -try               show the gate at work: a read, a proposal, its approval on a page; then end
  soc-lab -try -yes          without a person: it approves what it proposed, as it does where there is no terminal
  soc-lab -completion bash   print a completion script; also for zsh and fish

Exit codes: 0 done; 1 failed; 2 wrong use.

Flags:
`

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("soc-lab", flag.ContinueOnError)
	f.SetOutput(stderr)
	port := f.Int("port", 0, "first of five `ports` to listen on; 0 takes free ones")
	trying := f.Bool("try", false, "show the gate at work, and end")
	yes := f.Bool("yes", false, "with -try: approve without a person")
	shell := f.String("completion", "", "print a completion script for this `shell`")
	f.Usage = func() {
		fmt.Fprint(f.Output(), usage)
		f.PrintDefaults()
	}
	for _, a := range args {
		if a == "-h" || a == "-help" || a == "--help" {
			f.SetOutput(stdout)
		}
	}
	switch err := f.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		if meant := completion.Meant(f, err); meant != "" {
			fmt.Fprintln(stderr, meant)
		}
		return 2
	case f.NArg() > 0 || *yes && !*trying:
		fmt.Fprintln(stderr, "soc-lab: want no arguments, and -yes with -try only; soc-lab -help tells what there is")
		return 2
	case *shell != "":
		p := completion.Program{Name: "soc-lab", Flags: completion.Flags(f)}
		if !slices.Contains(completion.Shells, *shell) {
			fmt.Fprintf(stderr, "soc-lab: -completion: want one of %s\n", strings.Join(completion.Shells, ", "))
			return 2
		}
		fmt.Fprint(stdout, p.Script(*shell))
		return 0
	}
	var err error
	if *trying {
		in, ok := stdin.(*os.File)
		err = try(ctx, stdout, !*yes && ok && term.IsTerminal(int(in.Fd())))
	} else {
		err = serve(ctx, *port, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "soc-lab:", err)
		return 1
	}
	return 0
}

// serve runs the lab until ctx ends.
func serve(ctx context.Context, port int, stdout, stderr io.Writer) error {
	l, err := lab.Start(port)
	if err != nil {
		return err
	}
	l.Wazuh.SeedNoise(time.Now(), 60, 12, 20)
	for _, e := range l.Env() {
		fmt.Fprintln(stdout, "export", e)
	}
	fmt.Fprintln(stderr, "soc-lab: ready; interrupt to stop")
	<-ctx.Done()
	return l.Close()
}
