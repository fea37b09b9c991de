package wazuh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// The manager's rule files are checked by logtest alone: an upload that succeeds can hold a
// rule that is ignored, GET /rules can be ten seconds old, and a restart validates nothing. So a
// change goes step by step, looks at the file itself after each write, and puts the old one back
// when a step fails.

// ErrFileChanged means that a rule file isn't what it was when the change was made up.
var ErrFileChanged = errors.New("wazuh: the rule file changed meanwhile")

const codeNoSuchFile = 1415

// ruleFile reads a file of etc/rules as it is on disk.
func (c *Client) ruleFile(ctx context.Context, name string) (text string, there bool, err error) {
	res, err := c.wire.GetRuleFile(withSession(ctx), name, wire.GetRuleFileParams{Raw: true, RelativeDirname: "etc/rules"})
	if err != nil {
		return "", false, err
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		_, err := list[json.RawMessage](res, nil)
		var e *Error
		if errors.As(err, &e) && e.Code == codeNoSuchFile {
			return "", false, nil
		}
		if err == nil {
			err = errors.New("wazuh: getRuleFile: the answer is not the file")
		}
		return "", false, err
	}
	if len(res.Body) > maxTuningFile {
		return "", false, fmt.Errorf("wazuh: the rule file %s has %d bytes, at most %d are handled here", name, len(res.Body), maxTuningFile)
	}
	return string(res.Body), true, nil
}

// A sampleEvent is an event as logtest takes it.
type sampleEvent struct {
	alert                   string // the id of the alert's document
	event, format, location string
	rebuilt                 bool // of what was decoded from it, as the alert holds no line
}

// A verdict is what logtest makes of an event.
type logtestVerdict struct {
	alert bool
	rule  string
	level Int
}

// A logtest is one session: it holds the rules that were on disk when it began.
type logtestRun struct {
	client   *Client
	token    string
	warnings []string // of the loader, when the session began
}

// try runs an event through the session. Rules that can't be loaded are an error that holds
// what the loader said.
func (l *logtestRun) try(ctx context.Context, e sampleEvent) (*logtestVerdict, error) {
	a, err := httpx.JSON[struct {
		Data struct {
			Messages []string `json:"messages"`
			Token    string   `json:"token"`
			Alert    bool     `json:"alert"`
			Code     int      `json:"codemsg"`
			Output   struct {
				Rule struct {
					ID    Text `json:"id"`
					Level Int  `json:"level"`
				} `json:"rule"`
			} `json:"output"`
		} `json:"data"`
	}](l.client.wire.RunLogtest(withSession(ctx), wire.LogtestEvent{Event: e.event, LogFormat: e.format, Location: e.location, Token: l.token}))
	if err != nil {
		return nil, err
	}
	d := a.Data
	if d.Code < 0 {
		return nil, fmt.Errorf("wazuh: logtest can't load the rules: %s", oneLine(strings.Join(d.Messages, " ")))
	}
	for _, m := range d.Messages {
		for _, w := range complaints(m) {
			if !slices.Contains(l.warnings, w) {
				l.warnings = append(l.warnings, w)
			}
		}
	}
	l.token = d.Token
	return &logtestVerdict{d.Alert, string(d.Output.Rule.ID), d.Output.Rule.Level}, nil
}

func (l *logtestRun) close(ctx context.Context) {
	if l.token != "" {
		_, _ = l.client.wire.EndLogtest(withSession(ctx), l.token) // it ends by itself after a while
	}
}

// complaints are the warnings and errors in what the loader says.
func complaints(said string) (list []string) {
	said = strings.Join(strings.Fields(said), " ")
	at := complaint.Compiled().FindAllStringIndex(said, -1)
	for i, a := range at {
		end := len(said)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		list = append(list, strings.TrimRight(said[a[0]:end], ", "))
	}
	return list
}

var complaint = lazyregexp.New(`\b(WARNING|ERROR|CRITICAL)\b`)

// An expectation is what must become of an event.
type expectation struct {
	sampleEvent
	silent bool   // no alert, or one of level, by rule
	rule   string // "": any
	not    string // any rule but this one, alert or not
	level  int
}

// A TuningStep is one step of a change of the manager's rules.
type TuningStep struct {
	Step    string `json:"step"`                     // what was done
	Outcome string `json:"outcome" untrusted:"true"` // what came of it
}

// A rulesetChange is the replacement of one rule file.
type rulesetChange struct {
	client *Client
	name   string
	old    string
	was    bool // whether the file was there
	new    string
	before []expectation // what holds as yet
	after  []expectation // what must hold then
	wait   time.Duration // for the manager to come back
	anyway bool          // whether to go on though no event shows the change

	steps    []TuningStep
	warnings []string // of the loader before the change
	wrote    bool     // whether the manager was told to store the new file
	lost     bool     // whether its answer to that was lost: what was asked for may still be done
	loaded   bool     // whether it was told to load it
}

// A RulesetError is a change of the manager's rules that a step of it ended.
type RulesetError struct {
	Step string       // what failed
	Back bool         // whether the file is as it was before
	How  string       // what was done to put it back, or why that failed
	Past []TuningStep // what went well before
	Err  error        // what Wazuh says against it
}

// Error says which step failed, why, and how the rules stand now.
func (e *RulesetError) Error() string {
	var past []string
	for _, s := range e.Past {
		past = append(past, s.Step)
	}
	tried := ""
	if len(past) > 0 {
		tried = " (done before: " + strings.Join(past, ", ") + ")"
	}
	return fmt.Sprintf("wazuh: to %s failed%s: %v; %s", e.Step, tried, e.Err, e.How)
}

// Unwrap returns the cause, and [gate.ErrOutcomeUnknown] if nobody knows how the rules stand.
// Once they are seen to be as they were, that the answer to a request was lost, or late, is
// no cause any more.
func (e *RulesetError) Unwrap() error {
	var late interface{ Timeout() bool }
	if e.Back && (errors.Is(e.Err, gate.ErrOutcomeUnknown) || errors.Is(e.Err, context.Canceled) || errors.As(e.Err, &late) && late.Timeout()) {
		return nil
	}
	return e.Err
}

func (s *rulesetChange) did(step, format string, args ...any) {
	s.steps = append(s.steps, TuningStep{step, fmt.Sprintf(format, args...)})
}

const stepWrite = "write the rule file"

// run makes the change. Whatever fails, the manager doesn't stay with half of it: the error is
// a [RulesetError].
func (s *rulesetChange) run(ctx context.Context) error {
	for _, step := range []struct {
		name   string
		do     func(context.Context) error
		writes bool
	}{
		{"try the events with the rules as they are", s.tryBefore, false},
		{stepWrite, s.write, true},
		{"validate the configuration", s.validate, true},
		{"try the events with the new rules", s.tryAfter, true},
		{"load the rules", s.load, true},
		{"wait for the manager", s.await, true},
		{"verify", s.verify, true},
	} {
		if step.name == stepWrite && s.new == s.old {
			continue // only to be loaded
		}
		err := gate.Progress(ctx, step.name)
		if err == nil {
			err = step.do(ctx)
		}
		if err == nil {
			continue
		}
		failed := &RulesetError{Step: step.name, Err: err, Past: s.steps, Back: true, How: "nothing was changed"}
		if step.writes {
			s.putBack(ctx, failed)
		}
		return failed
	}
	return nil
}

// restoreTime is how long putting the old file back may take, though the caller has left.
const restoreTime = 3 * time.Minute

// putBack makes the rules be as they were, and says whether they are.
func (s *rulesetChange) putBack(ctx context.Context, failed *RulesetError) {
	if !s.wrote && !s.loaded {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreTime)
	defer cancel()
	note := gate.Progress(ctx, "put the old rule file back")
	var text string
	var there bool
	err := s.until(ctx, "the manager must answer", func(ctx context.Context) (ok bool, err error) {
		text, there, err = s.client.ruleFile(ctx, s.name)
		return err == nil, err
	})
	ours := !there || text == s.new
	if err == nil && there == s.was && text == s.old && s.lost {
		failed.Back = false
		failed.How = fmt.Sprintf("the old file is there, BUT WHETHER THE NEW ONE STILL COMES IS NOT KNOWN: the answer to the request was lost; look at etc/rules/%s on the manager", s.name)
		return
	}
	if err == nil && ours && (there != s.was || text != s.old) {
		if err = s.store(ctx, s.old, s.was); err == nil {
			text, there, err = s.client.ruleFile(ctx, s.name)
		}
	}
	switch {
	case err == nil && there == s.was && text == s.old:
		failed.How = "the old file is back"
		if !s.was {
			failed.How = "the new file is gone again"
		}
	case err != nil:
		failed.Back = false
		failed.How = fmt.Sprintf("THE OLD FILE MAY NOT BE BACK: look at etc/rules/%s on the manager (%v)", s.name, err)
		failed.Err = fmt.Errorf("%w; %w", failed.Err, gate.ErrOutcomeUnknown)
		return
	default:
		failed.Back = false
		failed.How = fmt.Sprintf("THE OLD FILE IS NOT BACK: etc/rules/%s on the manager is neither it nor the new one, and was left alone", s.name)
		failed.Err = fmt.Errorf("%w; %w", failed.Err, gate.ErrOutcomeUnknown)
		return
	}
	if s.loaded {
		if err := errors.Join(s.reload(ctx, true), s.await(ctx)); err != nil {
			failed.Back = false
			failed.How += fmt.Sprintf(", but WHETHER THE MANAGER RUNS WITH IT IS NOT KNOWN: %v", err)
			failed.Err = fmt.Errorf("%w; %w", failed.Err, gate.ErrOutcomeUnknown)
			return
		}
		failed.How += " and loaded"
	}
	if note == nil {
		gate.Undone(ctx)
	}
}

// tryBefore makes sure that the events show what they are to show, and notes what the
// loader has against the rules as they are.
func (s *rulesetChange) tryBefore(ctx context.Context) error {
	l := &logtestRun{client: s.client}
	defer l.close(ctx)
	if len(s.before) == 0 { // for what the loader says
		if _, err := l.try(ctx, sampleEvent{event: "sallyport", format: "syslog", location: "sallyport"}); err != nil {
			return err
		}
	}
	var kept []expectation
	var why error
	changes := 0
	for i, want := range s.before {
		err := want.holds(ctx, l)
		switch {
		case err == nil:
			kept = append(kept, s.after[i])
			if s.after[i].silent != want.silent || s.after[i].rule != want.rule || s.after[i].not != "" {
				changes++
			}
		case errors.As(err, new(*notSo)):
			why = err // an event that logtest sees otherwise than analysisd did shows nothing
		default:
			return err
		}
	}
	if len(s.before) > 0 && changes == 0 && !s.anyway {
		return why
	}
	s.warnings = l.warnings
	s.did("tried before", "%d of %d events are as they should be", len(kept), len(s.before))
	s.after = kept
	return nil
}

// notSo means that an event isn't what it should be.
type notSo struct{ text string }

func (e *notSo) Error() string { return e.text }

func (want expectation) holds(ctx context.Context, l *logtestRun) error {
	v, err := l.try(ctx, want.sampleEvent)
	if err != nil {
		return err
	}
	if want.not != "" {
		if v.rule == want.not {
			return &notSo{fmt.Sprintf("wazuh: logtest: the event of alert %s still ends at rule %s", want.alert, v.rule)}
		}
		return nil
	}
	silent := !v.alert || want.level > 0 && int(v.level) == want.level
	if silent == want.silent && (want.rule == "" || v.rule == want.rule) {
		return nil
	}
	now := map[bool]string{true: "alerts", false: "is silent"}
	by := ""
	if want.rule != "" {
		by = " by rule " + want.rule
	}
	return &notSo{fmt.Sprintf("wazuh: logtest: the event of alert %s %s by rule %s at level %d, and must be one that %s%s", want.alert, now[v.alert], orNone(v.rule), v.level, now[!want.silent], by)}
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}

// write stores the new file and looks at what is on disk then.
func (s *rulesetChange) write(ctx context.Context) error {
	text, there, err := s.client.ruleFile(ctx, s.name)
	if err != nil {
		return err
	}
	if there != s.was || text != s.old {
		return ErrFileChanged
	}
	s.wrote = true
	if err := s.store(ctx, s.new, s.new != ""); err != nil {
		s.lost = errors.Is(err, gate.ErrOutcomeUnknown)
		return err
	}
	text, there, err = s.client.ruleFile(ctx, s.name)
	if err != nil {
		return err
	}
	if text != s.new || there != (s.new != "") {
		return errors.New("wazuh: the file on the manager is not the one that was written")
	}
	s.did("wrote the file", "etc/rules/%s is on disk as it should be", s.name)
	return nil
}

// store makes the file have a text, or not be there.
func (s *rulesetChange) store(ctx context.Context, text string, there bool) error {
	if !there {
		_, now, err := s.client.ruleFile(ctx, s.name)
		if err != nil || !now {
			return err
		}
		_, err = list[json.RawMessage](s.client.wire.DeleteRuleFile(withSession(ctx), s.name))
		return err
	}
	_, err := list[json.RawMessage](s.client.wire.PutRuleFile(withSession(ctx), s.name, wire.PutRuleFileParams{Overwrite: true}, "application/octet-stream", []byte(text)))
	var e *Error
	if errors.As(err, &e) && e.Code == 1113 {
		// The answer is the same for XML that is wrong and for rules that can't be loaded.
		err = fmt.Errorf("%w: Wazuh says no more than that, even of good XML that it can't load as rules", err)
	}
	return err
}

// nodes are the names of a cluster's nodes, the master's first; none where there is no cluster.
func (c *Client) nodes(ctx context.Context) ([]string, error) {
	status, err := httpx.JSON[struct {
		Data struct {
			Enabled string `json:"enabled"`
			Running string `json:"running"`
		} `json:"data"`
	}](c.wire.GetClusterStatus(withSession(ctx)))
	if err != nil || status.Data.Enabled != "yes" || status.Data.Running != "yes" {
		return nil, err
	}
	r, err := list[struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}](c.wire.ListNodes(withSession(ctx)))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, n := range r.items {
		if n.Type == "master" {
			names = append([]string{n.Name}, names...)
		} else {
			names = append(names, n.Name)
		}
	}
	return names, nil
}

// validate has the daemons check the configuration with the file in it.
func (s *rulesetChange) validate(ctx context.Context) error {
	nodes, err := s.client.nodes(ctx)
	if err != nil {
		return err
	}
	if nodes == nil {
		_, err = list[json.RawMessage](s.client.wire.ValidateConfiguration(withSession(ctx)))
	} else {
		_, err = list[json.RawMessage](s.client.wire.ValidateNodes(withSession(ctx)))
	}
	if err == nil {
		s.did("validated", "the manager's daemons take the configuration")
	}
	return err
}

func (s *rulesetChange) tryAfter(ctx context.Context) error {
	l := &logtestRun{client: s.client}
	defer l.close(ctx)
	if len(s.after) == 0 {
		if _, err := l.try(ctx, sampleEvent{event: "sallyport", format: "syslog", location: "sallyport"}); err != nil {
			return err
		}
	}
	var err error
	for _, want := range s.after {
		if err = want.holds(ctx, l); err != nil {
			break
		}
	}
	for _, w := range l.warnings { // a rule that is ignored is no error to the upload
		if !slices.Contains(s.warnings, w) {
			return fmt.Errorf("wazuh: the loader says: %s", oneLine(w))
		}
	}
	if err != nil {
		return err
	}
	s.did("tried after", "%d events are as they should be", len(s.after))
	return nil
}

// load takes the rules on disk into use.
func (s *rulesetChange) load(ctx context.Context) error {
	s.loaded = true
	return s.reload(ctx, false)
}

// reload asks for what this version has: a reload of the rules, or a restart. In a cluster it goes
// node by node, the master first, each once it has the file. all says not to stop at a node
// that fails.
func (s *rulesetChange) reload(ctx context.Context, all bool) error {
	nodes, err := s.client.nodes(ctx)
	if err != nil {
		return err
	}
	_, older, err := s.client.before4(ctx, 14)
	if err != nil {
		return err
	}
	if nodes == nil {
		return s.loadOn(ctx, older, "")
	}
	var failed error
	for i, n := range nodes {
		var err error
		if i > 0 {
			err = s.synced(ctx, n)
		}
		if err == nil {
			err = s.loadOn(ctx, older, n)
		}
		if err == nil {
			err = s.running(ctx, n)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("node %s: %w", n, err))
		}
		if failed != nil && !all {
			break
		}
	}
	return failed
}

func (s *rulesetChange) loadOn(ctx context.Context, restart bool, node string) error {
	var res *httpx.Response
	var err error
	w, where := s.client.wire, node
	switch {
	case node == "" && restart:
		res, err = w.RestartManager(withSession(ctx))
	case node == "":
		res, err = w.ReloadRuleset(withSession(ctx))
	case restart:
		res, err = w.RestartNodes(withSession(ctx), wire.RestartNodesParams{NodesList: []string{node}})
	default:
		res, err = w.ReloadNodes(withSession(ctx), wire.ReloadNodesParams{NodesList: []string{node}})
	}
	if where == "" {
		where = "the manager"
	}
	if restart {
		if _, err = list[json.RawMessage](res, err); err != nil {
			return err
		}
		s.did("restarted", "%s was asked to", where)
		return s.gone(ctx, node)
	}
	r, err := list[struct {
		Msg string `json:"msg"`
	}](res, err)
	if err != nil {
		return err
	}
	for _, item := range r.items {
		for _, w := range complaints(item.Msg) {
			if !slices.Contains(s.warnings, w) {
				return fmt.Errorf("wazuh: the loader of %s says: %s", where, oneLine(w))
			}
		}
	}
	s.did("loaded", "%s took the rules into use", where)
	return nil
}

// Between two looks at a manager that isn't ready yet.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second
)

// until asks again and again until it is so, or the time for that is over.
func (s *rulesetChange) until(ctx context.Context, what string, is func(context.Context) (bool, error)) error {
	end := time.Now().Add(s.wait)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		yes, err := is(ctx)
		switch {
		case yes:
			return nil
		case errors.Is(err, ErrForbidden), errors.Is(err, ErrInvalid), ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case time.Now().Add(pause).After(end):
			return fmt.Errorf("wazuh: %s within %s: %w", what, s.wait, errors.Join(errors.New("it is not so yet"), err))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *rulesetChange) synced(ctx context.Context, node string) error {
	return s.until(ctx, "node "+node+" must have the master's files", func(ctx context.Context) (bool, error) {
		r, err := list[struct {
			Name   string `json:"name"`
			Synced bool   `json:"synced"`
		}](s.client.wire.ListSynchronized(withSession(ctx)))
		if err != nil {
			return false, err
		}
		return slices.ContainsFunc(r.items, func(n struct {
			Name   string `json:"name"`
			Synced bool   `json:"synced"`
		}) bool {
			return n.Name == node && n.Synced
		}), nil
	})
}

// gone waits for a restart to begin, which is only asked for: what runs before that is the old
// one. Not having seen it after a while is no failure, as it may have been quick.
func (s *rulesetChange) gone(ctx context.Context, node string) error {
	end := time.Now().Add(min(10*time.Second, s.wait/10))
	for time.Now().Before(end) {
		if up, err := s.runs(ctx, node); err != nil || !up {
			return ctx.Err()
		}
		select {
		case <-time.After(firstPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// runs reports whether analysisd runs.
func (s *rulesetChange) runs(ctx context.Context, node string) (bool, error) {
	var res *httpx.Response
	var err error
	if node == "" {
		res, err = s.client.wire.GetManagerStatus(withSession(ctx))
	} else {
		res, err = s.client.wire.GetNodeStatus(withSession(ctx), node)
	}
	r, err := list[map[string]string](res, err)
	if err != nil {
		return false, err
	}
	return len(r.items) > 0 && r.items[0]["wazuh-analysisd"] == "running", nil
}

func (s *rulesetChange) running(ctx context.Context, node string) error {
	return s.until(ctx, "analysisd must run", func(ctx context.Context) (bool, error) { return s.runs(ctx, node) })
}

// await waits until every node runs again.
func (s *rulesetChange) await(ctx context.Context) error {
	if err := s.running(ctx, ""); err != nil {
		return err
	}
	s.did("waited", "analysisd runs")
	return nil
}

// verify looks once more at what is on disk, and tries the events with that.
func (s *rulesetChange) verify(ctx context.Context) error {
	text, there, err := s.client.ruleFile(ctx, s.name)
	if err != nil {
		return err
	}
	if text != s.new || there != (s.new != "") {
		return ErrFileChanged
	}
	l := &logtestRun{client: s.client}
	defer l.close(ctx)
	for _, want := range s.after {
		if err := want.holds(ctx, l); err != nil {
			return err
		}
	}
	s.did("verified", "the file and the events are as they should be")
	return nil
}
