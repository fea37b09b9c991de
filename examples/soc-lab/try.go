package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/page"
	"github.com/sallyport-soc/sallyport/internal/testing/lab"
	"github.com/sallyport-soc/sallyport/internal/version"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// try plays an agent's read and its proposal, and ends when that was decided on
// the approval page: by who sits here or, if nobody does, by itself.
func try(ctx context.Context, w io.Writer, somebody bool) error {
	l, err := lab.Start(0)
	if err != nil {
		return err
	}
	defer l.Close()
	dir, err := os.MkdirTemp("", "soc-lab-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	approver, err := gate.NewSigner("newcomer")
	if err != nil {
		return err
	}
	if err := gate.AddApprover(dir, approver.Approver()); err != nil {
		return err
	}
	fmt.Fprintln(w, "Wazuh, TheHive, Cortex and MISP are simulated on this machine, with one incident in them.\nAn approver was made for this run, and is forgotten with it.")
	guard, err := gate.New(gate.Policy{Max: gate.TierWrite, Dir: dir})
	if err != nil {
		return err
	}
	defer guard.Close()
	agent, err := connect(ctx, l, guard)
	if err != nil {
		return err
	}
	defer agent.Close()

	fmt.Fprintln(w, "\n1  A read runs at once.")
	found, err := agent.call(ctx, w, "get_alerts", map[string]any{"level": 10, "limit": 3})
	if err != nil {
		return err
	}
	alerts, _ := found["alerts"].([]any)
	for _, a := range alerts {
		a, _ := a.(map[string]any)
		rule, _ := a["rule"].(map[string]any)
		fmt.Fprintf(w, "     level %v  %v\n", rule["level"], rule["description"])
	}

	fmt.Fprintln(w, "\n2  A write waits. Nothing has left for TheHive yet.")
	write := map[string]any{"title": "Password guessing, then a login that succeeded", "description": "Seen in Wazuh: look at the session first.", "severity": 3}
	const tool = "thehive_create_case"
	proposed, err := agent.call(ctx, w, tool, write)
	if err != nil {
		return err
	}
	id, _ := proposed["proposal"].(string)
	if proposed["status"] != string(gate.StatePending) || id == "" {
		return fmt.Errorf("%s didn't wait: %v", tool, proposed)
	}
	fmt.Fprintf(w, "     pending, as %s\n", id)

	fmt.Fprintln(w, "\n3  A person approves exactly that call, on a page that the agent doesn't have.")
	if err := decide(ctx, w, guard, id, approver, somebody); err != nil {
		return err
	}

	fmt.Fprintln(w, "\n4  The agent makes the same call again, and it runs once.")
	done, err := agent.call(ctx, w, tool, write)
	if err != nil {
		return err
	}
	if done["status"] != string(gate.StateExecuted) {
		return fmt.Errorf("%s didn't run: %v", tool, done)
	}
	result, _ := done["result"].(map[string]any)
	fmt.Fprintf(w, "     executed: case #%v, %v\n", result["number"], result["title"])
	report, err := gate.Verify(dir, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\nThe journal has %d events, and its chain holds. Nothing is left behind.\nNext: the programs themselves, and an agent of your own; README.md, from \"Try it\" on.\n", report.Events)
	return nil
}

// An agent is a client of a server in this process.
type agent struct {
	*mcp.ClientSession
}

// connect serves Wazuh and TheHive of the lab behind guard, to a client.
func connect(ctx context.Context, l *lab.Lab, guard *gate.Guard) (*agent, error) {
	siem, cases, _, _ := l.Configs()
	siem.Guard, cases.Guard = guard, guard
	alerts, err := wazuh.New(siem)
	if err != nil {
		return nil, err
	}
	hive, err := thehive.New(cases)
	if err != nil {
		return nil, err
	}
	server := mcpadapter.New(guard, mcpadapter.Options{Name: "soc-lab"})
	if err := server.Add(append(alerts.Ops(), hive.Ops()...)...); err != nil {
		return nil, err
	}
	near, far := mcp.NewInMemoryTransports()
	if _, err := server.MCP().Connect(ctx, far, nil); err != nil {
		return nil, err
	}
	s, err := mcp.NewClient(&mcp.Implementation{Name: "soc-lab agent", Version: version.Running()}, nil).Connect(ctx, near, nil)
	return &agent{s}, err
}

// call calls a tool, says so, and returns what it answered.
func (a *agent) call(ctx context.Context, w io.Writer, tool string, args map[string]any) (map[string]any, error) {
	var words strings.Builder
	for _, name := range []string{"level", "limit", "title"} {
		if v, ok := args[name]; ok {
			fmt.Fprintf(&words, " %s=%q", name, fmt.Sprint(v))
		}
	}
	fmt.Fprintf(w, "   agent> %s%s\n", tool, words.String())
	res, err := a.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: args})
	if err != nil {
		return nil, err
	}
	answer, _ := res.StructuredContent.(map[string]any)
	if res.IsError {
		return nil, fmt.Errorf("%s: %v", tool, answer["message"])
	}
	return answer, nil
}

// decisionTime is how long somebody has to decide.
const decisionTime = 15 * time.Minute

// decide shows the page until the proposal is decided.
func decide(ctx context.Context, w io.Writer, guard *gate.Guard, id string, approver *gate.Signer, somebody bool) error {
	j, err := guard.Journal()
	if err != nil {
		return err
	}
	ln, err := page.Listen("127.0.0.1:0")
	if err != nil {
		return err
	}
	p, err := page.New(page.Config{Journal: j, Host: ln.Addr().String(), Signer: approver, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	s := p.Server()
	defer s.Close()
	go s.Serve(ln) //nolint:errcheck // it ends with http.ErrServerClosed
	proposal, err := j.Proposal(id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, decisionTime)
	defer cancel()
	if somebody {
		fmt.Fprintf(w, "     Open this link, which works once, read what would be done, and approve it with the code %s:\n\n     %s\n\n", proposal.Code(), p.Invite())
	} else {
		fmt.Fprintf(w, "     Nobody is here to: this run opens the page, and types the code %s into it.\n", proposal.Code())
		if err := play(ctx, p.Invite(), proposal); err != nil {
			return err
		}
	}
	proposal, err = guard.Wait(ctx, id)
	if err != nil {
		return fmt.Errorf("nobody decided: %w", err)
	}
	if proposal.State != gate.StateApproved {
		return fmt.Errorf("%s is %s: the agent may not do it", id, proposal.State)
	}
	fmt.Fprintf(w, "     %s is approved\n", id)
	return nil
}

var approval = regexp.MustCompile(`(?s)action="([^"]*/approve)".*?name="token" value="([^"]*)".*?name="digest" value="([^"]*)"`)

// play does on the page what a person would: it opens the link, looks at the
// proposal and approves it.
func play(ctx context.Context, link string, p *gate.Proposal) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}} // a browser ignores proxies for this machine
	origin, secret, _ := strings.Cut(link, "/#")
	send := func(method, address string, form url.Values) (string, *url.URL, error) {
		r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
		if err != nil {
			return "", nil, err
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		res, err := browser.Do(r)
		if err != nil {
			return "", nil, err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("the page answers %s", res.Status)
		}
		return string(b), res.Request.URL, err
	}
	_, overview, err := send(http.MethodPost, origin+"/enter", url.Values{"secret": {secret}})
	if err != nil {
		return err
	}
	shown, _, err := send(http.MethodGet, overview.JoinPath("p", p.ID).String(), nil)
	if err != nil {
		return err
	}
	form := approval.FindStringSubmatch(shown)
	if form == nil || !strings.Contains(shown, html.EscapeString(p.Op)) {
		return errors.New("the page doesn't show the proposal")
	}
	_, _, err = send(http.MethodPost, origin+html.UnescapeString(form[1]), url.Values{"token": {html.UnescapeString(form[2])}, "digest": {html.UnescapeString(form[3])}, "typed": {p.Code()}})
	return err
}
