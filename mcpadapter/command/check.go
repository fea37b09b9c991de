package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/hindrance"
)

// legSettings and the others are legs that belong to no connection.
const (
	legSettings = connect.Leg("settings")
	legTool     = connect.Leg("tool")
	legApproval = connect.Leg("approval")
)

// marks stand before the lines of a check.
var marks = map[connect.Health]string{connect.Healthy: "ok   ", connect.Warning: "WARN ", connect.Broken: "FAIL "}

// report is what check prints with -json.
type report struct {
	OK       bool              `json:"ok"`
	Findings []connect.Finding `json:"findings"`
}

//go:noinline // its many callers would have a copy each
func (r *report) add(of string, leg connect.Leg, h connect.Health, message, advice string) {
	r.Findings = append(r.Findings, connect.Finding{Of: of, Leg: leg, Status: h, Message: message, Advice: advice})
}

// check proves the configuration: each connection and credential whatever the
// toolsets, and the gate.
func (p *program) check(ctx context.Context, args []string) int {
	asJSON := len(args) == 1 && (args[0] == "-json" || args[0] == "--json")
	if len(args) > 0 && !asJSON {
		return p.misuse(errors.New("want check or check -json"))
	}
	var r report
	odd := &collector{}
	p.logger = slog.New(odd)
	p.dynamic = false // which is about the list of tools
	s, err := p.open()
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			r.add(p.Name, legSettings, connect.Broken, line, "")
		}
		p.tell(&r, asJSON)
		return exitMisuse
	}
	defer s.guard.Close()
	for _, w := range odd.taken() {
		r.add(p.Name, legSettings, connect.Warning, w, "")
	}
	r.add(p.Name, legSettings, connect.Healthy, fmt.Sprintf("%d tools", len(s.ops)+1), "")
	if checkers := s.checkers(); len(checkers) > 0 {
		r.Findings = append(r.Findings, prove(ctx, checkers)...)
	} else {
		p.tryTools(ctx, s, &r)
	}
	r.gate(ctx, s.guard)
	return p.tell(&r, asJSON)
}

// tell prints what was found and returns the exit code.
func (p *program) tell(r *report, asJSON bool) int {
	r.OK = !slices.ContainsFunc(r.Findings, func(f connect.Finding) bool { return f.Status == connect.Broken })
	if asJSON {
		p.print(r)
	} else {
		for _, f := range r.Findings {
			fmt.Fprintf(p.out, "%s %s %s: %s\n", marks[f.Status], f.Of, f.Leg, visible(f.Message))
			if f.Advice != "" {
				fmt.Fprintln(p.out, "      "+visible(f.Advice))
			}
		}
	}
	if r.OK {
		return exitDone
	}
	return exitFailed
}

// checkers returns what proves itself among the clients, each once.
func (s *site) checkers() []connect.Checker {
	var list []connect.Checker
	add := func(c connect.Checker) {
		if !slices.Contains(list, c) {
			list = append(list, c)
		}
	}
	for _, c := range s.clients {
		if c, ok := c.(connect.Checker); ok {
			add(c)
		}
		if c, ok := c.(interface{ Checkers() []connect.Checker }); ok {
			for _, c := range c.Checkers() {
				add(c)
			}
		}
	}
	return list
}

// prove runs all checkers at once and returns their findings in their order.
func prove(ctx context.Context, checkers []connect.Checker) (all []connect.Finding) {
	found := make([][]connect.Finding, len(checkers))
	var wg sync.WaitGroup
	for i, c := range checkers {
		wg.Go(func() { found[i] = c.Check(ctx) })
	}
	wg.Wait()
	return slices.Concat(found...)
}

// tryTools calls the tools that Check of the server names.
func (p *program) tryTools(ctx context.Context, s *site, r *report) {
	p.client(ctx, s, func(cs *mcp.ClientSession) int {
		for _, name := range p.Check {
			if !slices.ContainsFunc(s.ops, func(op gate.Op) bool { return op.Name() == name }) {
				continue // not in the chosen toolsets
			}
			res, err := cs.CallTool(ctx, &mcp.CallToolParams{Name: name, Arguments: map[string]any{}})
			switch {
			case err != nil:
				r.add(name, legTool, connect.Broken, err.Error(), "")
			case res.IsError:
				words, _ := failureOf(res)
				r.add(name, legTool, connect.Broken, words, "")
			default:
				r.add(name, legTool, connect.Healthy, "answered", "")
			}
		}
		return exitDone
	})
}

// gate says whether writes can be approved here.
func (r *report) gate(ctx context.Context, g *gate.Guard) {
	const of = "gate"
	st, err := g.Status(ctx)
	if err != nil {
		r.add(of, "journal", connect.Broken, err.Error(), unusable(g.Dir()))
		return
	}
	switch st.Approval {
	case gate.ApprovalHost:
		r.add(of, legApproval, connect.Warning, "host approves; nobody is asked here: whatever the host lets through is executed", "SALLYPORT_APPROVAL=operator asks an operator")
	case gate.ApprovalClient:
		r.add(of, legApproval, connect.Healthy, "client approves, by a form for what can be undone; none is shown within two hours after text of others was read, unless the policy has client_after_untrusted", "")
	default:
		r.add(of, legApproval, connect.Healthy, fmt.Sprintf("%s approves", st.Approval), "")
	}
	j, err := g.Journal()
	if err != nil {
		return // Status has said so
	}
	now, err := j.Standing()
	if err != nil {
		r.add(of, "journal", connect.Broken, err.Error(), unusable(g.Dir()))
		return
	}
	if st.Approval != gate.ApprovalHost || st.Destructive != gate.ApprovalHost {
		for _, h := range hindrance.Of(g.Dir(), st.Approvers, st.Waiting, st.Full) {
			r.add(of, connect.Leg(h.Of), connect.Warning, h.What, h.Mend)
		}
	}
	if now.Frozen {
		r.add(of, "freeze", connect.Warning, "all writes are frozen, by "+now.FrozenWhy, hindrance.Command(g.Dir(), "unfreeze")+" ends that")
	}
	if now.Tripped {
		r.add(of, "breaker", connect.Warning, "the breaker stops all writes, after "+now.TrippedWhy, hindrance.Command(g.Dir(), "reset")+" closes it")
	}
	if n := len(now.Unknown); n > 0 {
		r.add(of, "outcomes", connect.Warning, fmt.Sprintf("of %d writes it isn't known whether they took effect: %s", n, strings.Join(now.Unknown[:min(n, maxShown)], ", ")), "look at the platform, then say so with "+hindrance.Command(g.Dir(), "resolve P executed|failed"))
	}
	if now.Ahead > 0 {
		r.add(of, "clock", connect.Warning, fmt.Sprintf("the clock is %s behind the journal, so nothing is written", now.Ahead.Round(time.Second)), "set the clock of this machine right; if it is, "+hindrance.Command(g.Dir(), "clock")+" says so")
	}
	if now.Moved != nil {
		r.add(of, "folder", connect.Warning, now.Moved.Error(), "if it is meant to be used here, "+hindrance.Command(g.Dir(), "adopt")+" takes it over")
	}
}

const maxShown = 5

// unusable is what to do about a journal that can't be used.
func unusable(dir string) string {
	if journal.IsAddress(dir) {
		return "until the database answers, writes are refused and reads run; " + hindrance.Command(dir, "verify") + " tries it alone"
	}
	return hindrance.Command(dir, "verify") + " says what is wrong with it"
}

// collector is a log that keeps what is said as a warning.
type collector struct {
	mu   sync.Mutex
	said []string
}

func (c *collector) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (c *collector) WithAttrs([]slog.Attr) slog.Handler           { return c }
func (c *collector) WithGroup(string) slog.Handler                { return c }

func (c *collector) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "url" {
			text += ": " + a.Value.String()
		}
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Contains(c.said, text) {
		c.said = append(c.said, text)
	}
	return nil
}

func (c *collector) taken() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.said)
}
