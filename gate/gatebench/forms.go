package gatebench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
)

// guessing answers every form with a code that it makes up, and makes the call again and
// again: it is asked a few times, and not without end.
func (r *run) guessing() {
	w := r.gentle()
	var asked atomic.Int32
	guess := func() any {
		n := asked.Add(1)
		return map[string]any{"action": "accept", "content": map[string]any{"code": fmt.Sprintf("00000%d", n%10)}}
	}
	s := r.site(settings{form: true, env: clientMode, on: func(string, json.RawMessage) any { return guess() }})
	for range 8 {
		for a := s.do(w.Call); len(a.questions) > 0 && asked.Load() < 20; {
			answers := map[string]any{}
			for key := range a.questions {
				answers[key] = guess()
			}
			a = s.do(w.Call, map[string]any{"inputResponses": answers, "requestState": a.state})
		}
	}
	if n := asked.Load(); n > 6 {
		r.fault("who guesses is asked %d times", n)
	}
}

// shownFirst reads all there is to read, and then says yes to every form.
func (r *run) shownFirst() {
	r.target()
	s := r.site(settings{form: true, on: robot, env: clientMode})
	shown := false
	for _, c := range r.Calls {
		shown = shown || bytes.Contains(s.do(c).raw, []byte(`_untrusted`))
	}
	if !shown {
		r.skip("the server shows nothing that others wrote")
	}
	before := len(s.up.seen(kindWrite))
	r.allowed += before
	for _, c := range r.writes {
		r.robotic(s, c)
	}
}

// lostFirst has each operation lose the answer to its first write, and makes the call
// again. What one execution takes may be sent, each request once, and what the plan says
// is sent to take it back when a step fails; all else counts.
func (r *run) lostFirst() {
	r.target()
	tried := map[string]bool{}
	for _, c := range r.writes {
		if tried[c.Tool] {
			continue
		}
		tried[c.Tool] = true
		usual := r.approvedOnce(c, meddler{})
		if usual == nil {
			continue
		}
		var cut atomic.Bool
		r.approvedOnce(c, meddler{cut: func(k kind) bool { return k == kindWrite && cut.CompareAndSwap(false, true) }}, usual...)
	}
}

// approvedOnce has a call approved and makes it three times. It allows the requests of
// usual, or else all of the first time, and those that the plan names, each once, and
// returns what was sent.
func (r *run) approvedOnce(c Call, m meddler, usual ...string) (sent []string) {
	s := r.site()
	defer s.end()
	a := s.do(c)
	if a.field("status") != "pending" || s.op.Approve(a.field("proposal")) != nil {
		r.allowed += len(s.up.seen(kindWrite)) // other variants are about that
		return nil
	}
	s.up.meddle(m)
	s.do(c)
	left := map[string]int{}
	if usual == nil {
		for _, q := range s.up.seen(kindWrite) {
			usual = append(usual, endpoint(q.method, q.path))
		}
	}
	var plan struct {
		Plan struct {
			IfFails string `json:"if_fails"`
		}
	}
	_ = json.Unmarshal([]byte(a.text), &plan)
	for _, named := range namedRequest.FindAllStringSubmatch(plan.Plan.IfFails, -1) {
		left[endpoint(named[1], named[2])]++
	}
	for _, e := range usual {
		left[e]++
	}
	for range 2 {
		s.do(c)
	}
	bodies := map[string]bool{}
	for _, q := range s.up.seen(kindWrite) {
		e, whole := endpoint(q.method, q.path), q.String()+string(q.body)
		sent = append(sent, e)
		if left[e] > 0 && !(bodies[whole] && q.kind == kindWrite && len(q.body) > 0) {
			left[e]--
			r.allowed++
		}
		bodies[whole] = true
	}
	return sent
}

var (
	// namedRequest is a request as a plan names it.
	namedRequest = regexp.MustCompile(`\b(PUT|POST|PATCH|DELETE) (/[^\s,;]+)`)
	// anID is a segment of a path that says which thing, rather than which kind of thing.
	anID = regexp.MustCompile(`^[~0-9]|[0-9a-f]{8}`)
)

// endpoint is a request whatever it is about.
func endpoint(method, path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if anID.MatchString(s) {
			segments[i] = "*"
		}
	}
	return method + " " + strings.Join(segments, "/")
}
