package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/page"
)

// serveCommand is the subcommand that shows the approval page.
func serveCommand() command {
	return command{"serve", "", "show the approval page on this host and print a link that opens it once", serve, "On another machine, forward the port: ssh -L 8080:127.0.0.1:8080 HOST.\nWith the program of a server it also shows what the platforms know, and has undos proposed; that program has the settings of the platforms, and this one the key.\n\n  gate serve\n  gate serve -addr 127.0.0.1:8080\n  gate serve -with soc-mcp"}
}

func serve(_ *app, fset *flag.FlagSet) func(*call) error {
	addr := fset.String("addr", "127.0.0.1:0", "listen on this `ADDRESS` of the loopback interface; port 0 is a free one")
	with := fset.String("with", "", "the `PROGRAM` of a server, with its arguments, whose tools make the hand-over and propose undos")
	return func(c *call) error {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return c.withJournal(func(j *gate.Journal) error { return c.servePage(ctx, j, *addr, *with) })
	}
}

// servePage serves the page until ctx ends.
func (c *call) servePage(ctx context.Context, j *gate.Journal, addr, with string) error {
	config := page.Config{Journal: j, Logger: slog.New(slog.NewTextHandler(c.stderr, nil))}
	if with != "" {
		t, err := newTools(ctx, with, c.state)
		if err != nil {
			return err
		}
		config.Tools = t
	}
	signer, err := c.signer()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.printf("There is no key: %s. The page can deny and freeze; run gate init to approve.", c.key)
	case err != nil:
		return err
	}
	ln, err := page.Listen(addr)
	if err != nil {
		return err
	}
	config.Host, config.Signer, config.Name = ln.Addr().String(), signer, c.person()
	p, err := page.New(config)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	c.invite(p)
	if c.terminal {
		c.printf("Enter prints a new link, Ctrl-C ends.")
		go func() {
			in := c.lines // a passphrase may have been read from it
			if in == nil {
				in = bufio.NewReader(c.stdin)
			}
			for {
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
				c.invite(p)
			}
		}()
	}
	s := p.Server()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	select {
	case err = <-done:
	case <-ctx.Done():
		end, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		err = s.Shutdown(end)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (c *call) invite(p *page.Page) {
	fmt.Fprintf(c.stdout, "%s\n", p.Invite())
}
