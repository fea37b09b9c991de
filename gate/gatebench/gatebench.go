package gatebench

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Call is a call that would succeed if it were approved.
type Call struct {
	Tool string          `json:"tool"`
	Args json.RawMessage `json:"args"`
}

// An Operator decides as the person does who has the approver's key.
type Operator interface {
	Approve(proposal string) error
	Deny(proposal string) error
	Freeze() error
	// Screens returns what the operator is shown of all that waits.
	Screens() ([]string, error)
}

// A Server is a server under test and what is around it.
type Server struct {
	Name    string
	Command []string
	// HTTP returns the command that serves MCP at http://addr/mcp. Nil: it can't.
	HTTP func(addr string) []string
	// Env opens every lock that an operator can open short of approving beforehand.
	Env []string
	// Threats limits the suite to some threats. Nil: all.
	Threats []string
	// Tokens writes a file of bearer tokens by user, and returns the environment
	// that has the server ask for them over HTTP. Nil: it knows none.
	Tokens func(file string, tokens map[string]string) (env []string, err error)
	// Upstream starts fresh platforms and returns the environment that leads the
	// server to them; every address in it is put behind a recorder.
	Upstream func() (env []string, stop func(), err error)
	// Reads matches what changes nothing, as "METHOD /path", at a platform that the
	// suite doesn't know. Nil: every request to it is a write.
	Reads *regexp.Regexp
	// Calls are tried without approval; those that write are also approved. Nil: one
	// of each tool is made up from its schema.
	Calls []Call
	// Operator enrols an approver in a fresh state directory, which the server
	// finds in SALLYPORT_STATE. Nil: the server knows no approval, and what needs
	// one is skipped.
	Operator func(state string) (Operator, error)
}

// A Result is the outcome of one variant of a case.
type Result struct {
	Server, Era, Transport string
	Threat, Variant        string
	Writes                 int      // without approval
	What                   []string // which
	Faults                 []string
	Skipped                string // why, if it didn't run
	Took                   time.Duration
}

// Score returns how many writes there were without approval.
func Score(results []Result) int {
	n := 0
	for _, r := range results {
		n += r.Writes
	}
	return n
}

// A leg is one way to speak to one server.
type leg struct {
	Server
	era, transport string
	writes         []Call // calls above the read tier, as far as the server says
	all            []tool
	secrets        []secret
	// subject is a call that writes when it is approved, takes writes of them, and
	// is destructive if the server has such a one.
	subject, plain *subject
	destructive    map[string]bool // tools, as far as the server says
	plans          []planned       // nil: not asked yet
}

// A secret is one that a platform is sent.
type secret struct{ platform, value string }

type subject struct {
	Call
	writes      int
	destructive bool
}

// Run tries every case on s in one era over "stdio" or "http". dir is for its files.
func Run(ctx context.Context, s Server, era, transport, dir string) ([]Result, error) {
	l := &leg{Server: s, era: era, transport: transport}
	if transport == "http" && s.HTTP == nil {
		return nil, fmt.Errorf("%s does not serve HTTP", s.Name)
	}
	if err := l.survey(ctx, dir); err != nil {
		return nil, fmt.Errorf("%s, %s over %s: %w", s.Name, era, transport, err)
	}
	var results []Result
	for _, c := range cases {
		if len(s.Threats) > 0 && !slices.Contains(s.Threats, c.threat) {
			continue
		}
		for _, v := range c.variants {
			if err := ctx.Err(); err != nil {
				return results, err
			}
			results = append(results, l.try(ctx, c.threat, v, dir))
		}
	}
	return results, nil
}

// A run is one variant under way.
type run struct {
	*leg
	ctx      context.Context
	dir      string
	sites    []*site
	allowed  int
	counting kind // the least that counts
	faults   []string
}

// relative names a file of the run's folder from the working directory, so that a server
// that takes the name leaves nothing behind.
func (r *run) relative(name string) string {
	here, err := os.Getwd()
	if err != nil {
		panic(skip(err.Error()))
	}
	path, err := filepath.Rel(here, filepath.Join(r.dir, name))
	if err != nil { // another volume
		panic(skip(err.Error()))
	}
	return path
}

type skip string

func (l *leg) try(ctx context.Context, threat string, v variant, dir string) (res Result) {
	res = Result{Server: l.Name, Era: l.era, Transport: l.transport, Threat: threat, Variant: v.name}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute) // a hundred servers may be started in it, on a busy machine
	defer cancel()
	began := time.Now()
	defer func() { res.Took = time.Since(began) }()
	tmp, err := os.MkdirTemp(dir, "run-")
	if err != nil {
		res.Faults = append(res.Faults, err.Error())
		return res
	}
	r := &run{leg: l, ctx: ctx, dir: tmp, counting: kindWrite}
	defer func() {
		for _, s := range r.sites {
			for _, c := range s.clients {
				c.shutdown()
			}
		}
		var seen []string
		for _, s := range r.sites {
			for _, q := range s.up.seen(r.counting) {
				seen = append(seen, fmt.Sprintf("%s %.200s", q, q.body))
			}
			s.up.close()
			s.stop()
		}
		if p := recover(); p != nil {
			why, ok := p.(skip)
			if !ok {
				panic(p)
			}
			res.Skipped = string(why)
		}
		res.Writes, res.Faults = max(0, len(seen)-r.allowed), append(res.Faults, r.faults...)
		if res.Writes > 0 {
			res.What = seen
		}
		os.RemoveAll(tmp)
	}()
	v.run(r)
	return res
}

// skip ends a variant that can't be tried here.
func (r *run) skip(format string, args ...any) { panic(skip(fmt.Sprintf(format, args...))) }

func (r *run) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Sprintf(format, args...))
}

// A site is fresh platforms, a fresh state directory and servers before them.
type site struct {
	r       *run
	up      *upstream
	stop    func()
	state   string
	env     []string
	op      Operator
	clients []*client
	last    *process // of the HTTP server that was started last
	*client          // the first
}

// settings change a site.
type settings struct {
	env   []string // added; a later one of a name wins
	form  bool     // the client can show forms
	token string   // over HTTP
	on    func(string, json.RawMessage) any
	state func(dir string) error // prepares the state directory
	ready bool                   // the server need not start
}

// site builds a site and starts the server.
func (r *run) site(change ...settings) *site {
	var set settings
	if len(change) > 0 {
		set = change[0]
	}
	env, stop, err := r.Upstream()
	if err != nil {
		r.skip("upstream: %v", err)
	}
	up, err := newUpstream(env, r.Reads)
	if err != nil {
		stop()
		r.skip("upstream: %v", err)
	}
	home := filepath.Join(r.dir, fmt.Sprint("site", len(r.sites)))
	s := &site{r: r, up: up, stop: stop, state: filepath.Join(home, "state")}
	r.sites = append(r.sites, s)
	if err := os.MkdirAll(home, 0o700); err != nil {
		r.skip("%v", err)
	}
	if r.Operator != nil {
		if s.op, err = r.Operator(s.state); err != nil {
			r.skip("operator: %v", err)
		}
	}
	if set.state != nil {
		if err := set.state(s.state); err != nil {
			r.skip("state: %v", err)
		}
	}
	base := []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "SYSTEMROOT=" + os.Getenv("SYSTEMROOT")}
	if r.Operator != nil {
		base = append(base, "SALLYPORT_STATE="+s.state)
	}
	s.env = merge(base, r.Env, up.env, set.env)
	s.client, err = s.start(set)
	if err != nil && !set.ready {
		r.fault("it doesn't start: %v", err)
		r.skip("it doesn't start: %v", err)
	}
	return s
}

// end stops the servers of a site before the variant ends, to make room.
func (s *site) end() {
	for _, c := range s.clients {
		c.shutdown()
	}
}

// merge joins environments; of each name the last value counts.
func merge(lists ...[]string) []string {
	m := map[string]string{}
	for _, kv := range slices.Concat(lists...) {
		name, value, _ := strings.Cut(kv, "=")
		m[name] = value
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, name+"="+m[name])
	}
	return out
}

// start starts one more server in front of the same platforms and state. Over
// HTTP somebody else may take the port before it does: then it takes another.
func (s *site) start(set settings) (*client, error) {
	for range 3 {
		c, err := s.startOnce(set)
		if err == nil || !s.taken() {
			return c, err
		}
	}
	return s.startOnce(set)
}

// taken reports whether the server that was started last found its port taken.
func (s *site) taken() bool {
	if s.last == nil {
		return false
	}
	select {
	case <-s.last.done:
		return strings.Contains(fmt.Sprint(s.last.stderr), "address already in use")
	case <-time.After(10 * time.Second): // a busy machine takes a while to start one
		return false
	}
}

func (s *site) startOnce(set settings) (*client, error) {
	r := s.r
	ctx, cancel := context.WithTimeout(r.ctx, 5*time.Minute)
	defer cancel()
	var c *client
	if r.transport == "http" {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		addr := ln.Addr().String()
		ln.Close()
		_, p, err := overStdio(r.era, false, r.HTTP(addr), s.env)
		if err != nil {
			return nil, err
		}
		s.last = p
		c = overHTTP(r.era, set.form, "http://"+addr+"/mcp", nil)
		c.bearer(set.token)
		c.shutdown = p.stop
		c.base = addr
		for {
			conn, err := net.Dial("tcp", addr)
			if err == nil {
				conn.Close()
				break
			}
			select {
			case <-p.done:
				return nil, fmt.Errorf("%w: %s", errGone, p.stderr)
			case <-ctx.Done():
				p.stop()
				return nil, ctx.Err()
			case <-time.After(20 * time.Millisecond):
			}
		}
	} else {
		var p *process
		var err error
		if c, p, err = overStdio(r.era, set.form, r.Command, s.env); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				p.stop()
			}
		}()
	}
	c.on = set.on
	s.clients = append(s.clients, c)
	if err := c.hello(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// do makes a call with a time limit.
func (s *site) do(c Call, extra ...map[string]any) answer {
	return s.r.through(s.client, c, extra...)
}

func (r *run) through(c *client, call Call, extra ...map[string]any) answer {
	if c == nil {
		return answer{text: errGone.Error(), failed: true}
	}
	ctx, cancel := context.WithTimeout(r.ctx, 45*time.Second)
	defer cancel()
	var args any = call.Args
	if len(call.Args) == 0 {
		args = struct{}{}
	}
	var x map[string]any
	if len(extra) > 0 {
		x = maps.Clone(extra[0])
	}
	return c.call(ctx, call.Tool, args, x)
}

// pending makes a call that must wait, and returns its proposal.
func (s *site) pending(c Call) (id, digest string) {
	a := s.do(c)
	if a.field("status") != "pending" || a.field("proposal") == "" {
		s.r.fault("%s does not wait: %.300s", c.Tool, a.text)
		s.r.skip("%s does not wait", c.Tool)
	}
	return a.field("proposal"), a.field("digest")
}

// approved proposes c and has the operator approve it.
func (s *site) approved(c Call) string {
	id, _ := s.pending(c)
	if err := s.op.Approve(id); err != nil {
		s.r.skip("approve: %v", err)
	}
	return id
}

// target returns a call that writes once it is approved, or skips.
func (r *run) target() *subject {
	if r.Operator == nil {
		r.skip("the server knows no approval")
	}
	if r.subject == nil {
		r.skip("no call of the server writes")
	}
	return r.subject
}

// gentle returns a call of the write tier, or skips.
func (r *run) gentle() *subject {
	r.target()
	if r.plain == nil {
		r.skip("no call of the server is a plain write")
	}
	return r.plain
}

// survey finds out what the server offers and which calls write when approved.
func (l *leg) survey(ctx context.Context, dir string) error {
	tmp, err := os.MkdirTemp(dir, "survey-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	res := l.try(ctx, "survey", variant{"tools", func(r *run) {
		s := r.site()
		for _, kv := range s.env {
			name, value, _ := strings.Cut(kv, "=")
			if (strings.HasSuffix(name, "_KEY") || strings.HasSuffix(name, "PASSWORD")) && len(value) >= 6 {
				l.secrets = append(l.secrets, secret{platformOf(name), value})
			}
		}
		if l.all, err = s.tools(r.ctx); err != nil {
			r.fault("%v", err)
			return
		}
		if l.Calls == nil {
			l.Calls = madeUp(l.all)
		}
		readOnly := map[string]bool{}
		destructive := map[string]bool{}
		l.destructive = destructive
		for _, t := range l.all {
			readOnly[t.Name] = t.Annotations.ReadOnlyHint
			destructive[t.Name] = t.Annotations.DestructiveHint == nil || *t.Annotations.DestructiveHint
		}
		for _, c := range l.Calls {
			if ro, listed := readOnly[c.Tool]; listed && !ro {
				l.writes = append(l.writes, c)
			}
		}
		for _, c := range l.writes {
			if l.Operator == nil || l.subject != nil && l.plain != nil && l.subject.destructive {
				break
			}
			s := r.site()
			a := s.do(c)
			if a.field("status") != "pending" || s.op.Approve(a.field("proposal")) != nil {
				continue
			}
			before := len(s.up.seen(kindWrite))
			if a = s.do(c); a.failed || a.field("status") != "executed" {
				continue
			}
			n := len(s.up.seen(kindWrite)) - before
			if n == 0 {
				continue
			}
			r.allowed += n
			found := &subject{c, n, destructive[c.Tool]}
			if l.subject == nil || found.destructive && !l.subject.destructive {
				l.subject = found
			}
			if l.plain == nil && !found.destructive {
				l.plain = found
			}
		}
	}}, tmp)
	if len(l.all) == 0 {
		return errors.New(cmp.Or(strings.Join(res.Faults, "; "), "it lists no tools"))
	}
	return nil
}

// Report writes a table of results, and what was found, to w.
func Report(w io.Writer, results []Result) {
	type cell struct{ tried, skipped, writes, faults int }
	rows := map[string]*cell{}
	var order []string
	for _, r := range results {
		if rows[r.Threat] == nil {
			rows[r.Threat] = &cell{}
			order = append(order, r.Threat)
		}
		c := rows[r.Threat]
		if r.Skipped != "" {
			c.skipped++
		} else {
			c.tried++
		}
		c.writes += r.Writes
		c.faults += len(r.Faults)
	}
	fmt.Fprintf(w, "%-5s %6s %8s %7s %7s\n", "", "tried", "skipped", "writes", "faults")
	for _, t := range order {
		c := rows[t]
		fmt.Fprintf(w, "%-5s %6d %8d %7d %7d\n", t, c.tried, c.skipped, c.writes, c.faults)
	}
	fmt.Fprintf(w, "score %d\n", Score(results))
	for _, r := range results {
		if r.Writes > 0 || len(r.Faults) > 0 {
			fmt.Fprintf(w, "%s %s %s: %s %s: %d writes %v, faults %q\n", r.Server, r.Era, r.Transport, r.Threat, r.Variant, r.Writes, r.What, r.Faults)
		}
	}
}

// mcpURL is where a server over HTTP is asked.
func (c *client) mcpURL() string { return "http://" + c.base + "/mcp" }

// madeUp returns a call of each tool with as little as its schema asks for.
func madeUp(tools []tool) []Call {
	var calls []Call
	for _, t := range tools {
		var s schema
		if json.Unmarshal(t.InputSchema, &s) != nil {
			s = schema{}
		}
		s.Type = json.RawMessage(`"object"`)
		b, err := json.Marshal(s.example(0))
		if err != nil {
			b = []byte("{}")
		}
		calls = append(calls, Call{Tool: t.Name, Args: b})
	}
	return calls
}

// A schema is as much of a JSON schema as it takes to make up a value.
type schema struct {
	Type       json.RawMessage // a name, or several
	Const      any
	Default    any
	Enum       []any
	Examples   []any
	Minimum    *float64
	MinLength  int
	MinItems   int
	Properties map[string]schema
	Required   []string
	Items      *schema
}

func (s schema) example(depth int) any {
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Default != nil:
		return s.Default
	}
	switch is := func(name string) bool { return strings.Contains(string(s.Type), `"`+name+`"`) }; {
	case is("object"):
		m := map[string]any{}
		for _, name := range s.Required {
			if depth < 8 {
				m[name] = s.Properties[name].example(depth + 1)
			}
		}
		return m
	case is("array"):
		list := []any{}
		for range min(s.MinItems, 8) {
			if s.Items != nil && depth < 8 {
				list = append(list, s.Items.example(depth+1))
			}
		}
		return list
	case is("boolean"):
		return false
	case is("integer"), is("number"):
		if s.Minimum != nil {
			return *s.Minimum
		}
		return 1
	}
	return strings.Repeat("1", min(max(s.MinLength, 1), 1000))
}

// Threats returns the threats that are tried, each with the number of its variants.
func Threats() map[string]int {
	m := map[string]int{}
	for _, c := range cases {
		m[c.threat] += len(c.variants)
	}
	return m
}
