package command

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/term"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcphttp"
)

func (p *program) serve(ctx context.Context) int {
	var opts mcphttp.Options
	if p.http != "" {
		var err error
		if opts, err = p.httpOptions(); err != nil {
			return p.misuse(err)
		}
	} else if p.cert != "" || p.key != "" || p.hosts != "" || p.origins != "" {
		return p.misuse(errors.New("-tls-cert, -tls-key, -hosts and -origins go with -http"))
	}
	tune() // before the tools are made, which is most of what a short session does
	idle := newIdler(giver(debug.FreeOSMemory))
	defer idle.timer.Stop()
	p.trace = idle.trace
	s, err := p.open()
	if err != nil {
		return p.misuse(err)
	}
	defer s.guard.Close()
	if s.guard.Approval() == gate.ApprovalHost {
		p.logger.Warn("nobody is asked here before a write: whatever the host lets through is executed")
	}
	if p.http != "" {
		if by, why := s.guard.Who(gate.WithHTTP(ctx, opts.Tokens != nil), gate.TierWrite); by == gate.ApprovalOperator && s.guard.Approval() != by {
			p.logger.Warn("writes wait for an operator here: " + why + "; a policy file with approval_over_http, and -tokens, would change that")
		}
	}
	if p.http != "" {
		err = mcphttp.Serve(ctx, s.server, opts)
		if out := (*mcphttp.ExposedError)(nil); errors.As(err, &out) {
			err = fmt.Errorf("%s is not on the loopback interface: to listen there, tokens (-tokens or %s) and a TLS certificate (-tls-cert with -tls-key) are needed", out.Addr, tokensVariable)
		}
	} else {
		if f, ok := p.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			fmt.Fprintf(p.err, "%s speaks MCP on standard input and output, for an agent's host; %[1]s -help tells what else it does\n", p.Name)
		}
		err = s.server.Serve(ctx)
	}
	if err != nil && ctx.Err() == nil {
		fmt.Fprintf(p.err, "%s: %v\n", p.Name, err)
		return exitFailed
	}
	return exitDone
}

func (p *program) httpOptions() (mcphttp.Options, error) {
	opts := mcphttp.Options{Addr: p.http, Hosts: list(p.hosts), Origins: list(p.origins), Logger: p.logger}
	if p.tokens != "" {
		t, err := mcphttp.LoadTokens(p.tokens)
		if err != nil {
			return opts, err
		}
		opts.Tokens = t
	}
	if (p.cert == "") != (p.key == "") {
		return opts, errors.New("-tls-cert and -tls-key go together")
	}
	if p.cert != "" {
		pair, err := tls.LoadX509KeyPair(p.cert, p.key)
		if err != nil {
			return opts, fmt.Errorf("-tls-cert: %w", err)
		}
		opts.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	}
	if opts.Tokens == nil {
		opts.Listening = func(url string) { p.logger.Warn("no tokens: whoever reaches the address may call", "url", url) }
	}
	return opts, nil
}

func list(s string) []string {
	var names []string
	for n := range strings.SplitSeq(s, ",") {
		if n = strings.TrimSpace(n); n != "" {
			names = append(names, n)
		}
	}
	return names
}

// token makes a token. It goes to whoever is to have it; the line goes into the
// file of tokens.
func (p *program) token(args []string) int {
	if len(args) != 1 {
		return p.misuse(errors.New("want token USER"))
	}
	var b [32]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand never fails
	token := base64.RawURLEncoding.EncodeToString(b[:])
	line := mcphttp.TokenLine(token, args[0])
	if _, err := mcphttp.ParseTokens(line); err != nil {
		return p.misuse(err)
	}
	fmt.Fprintf(p.out, "%s\n", token)
	fmt.Fprintf(p.err, "Give the token to %s, once. This line lets it in; add it to the file that -tokens names:\n%s\n", args[0], line)
	return exitDone
}
