package mcpadapter

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
)

type touched struct {
	ID string `json:"id"`
}

// A touching server has a write that waits, as its plan does, until it is let go.
type touching struct {
	*dialogue
	gate         *gatetest.Gate
	server       *Server
	begun, letGo chan struct{} // of what waits
	heard        string        // all answers
}

func newTouching(t *testing.T, planWaits bool) *touching {
	t.Helper()
	d := &touching{gate: gatetest.New(t), begun: make(chan struct{}, 9), letGo: make(chan struct{})}
	wait := func() { d.begun <- struct{}{}; <-d.letGo }
	run := func(_ context.Context, in touched) (string, error) {
		if !planWaits {
			wait()
		}
		return "touched " + in.ID, nil
	}
	plan := func(_ context.Context, in touched) (gate.Plan, error) {
		if planWaits {
			wait()
		}
		return gate.Plan{Summary: "Touch it.", Targets: []gate.Target{{Kind: "thing", ID: in.ID}}}, nil
	}
	quick := func(context.Context, struct{}) (string, error) { return "quick", nil }
	d.server = New(d.gate.Guard, Options{Name: "test"})
	if err := d.server.Add(gate.Write("touch", run, "Touch.").Plan(plan), gate.Read("quick", quick, "Be quick.")); err != nil {
		t.Fatal(err)
	}
	d.dialogue = greet(t, t.Context(), d.server)
	return d
}

func (d *touching) call(id int, tool, args string) {
	d.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":%q,"arguments":%s}}`, id, tool, args))
}

func (d *touching) touch(id int) { d.call(id, "touch", `{"id":"x"}`) }

// cancel cancels a call, and returns when the server has heard of it.
func (d *touching) cancel(id int) {
	d.send(fmt.Sprintf(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":%d}}`, id))
	d.call(90+id, "quick", "{}")
	d.until(90 + id)
}

// until returns the answer to a call.
func (d *touching) until(id int) string {
	for {
		a := d.answer()
		d.heard += a + "\n"
		if strings.Contains(a, fmt.Sprintf(`"id":%d,`, id)) {
			return a
		}
	}
}

// end ends the session, when all calls have ended.
func (d *touching) end() {
	_ = d.w.Close()
	for d.sc.Scan() {
		d.heard += d.sc.Text() + "\n"
	}
	if err := <-d.done; err != nil {
		d.t.Error(err)
	}
}

func (d *touching) unanswered(id int) {
	d.t.Helper()
	if strings.Contains(d.heard, fmt.Sprintf(`"id":%d,`, id)) {
		d.t.Errorf("the cancelled call %d was answered:\n%s", id, d.heard)
	}
}

var proposalID = regexp.MustCompile(`P-[0-9A-Z]{8}`)

// stands returns how the proposals of the journal stand, in their order.
func (d *touching) stands() (states []gate.State) {
	d.t.Helper()
	j, err := d.gate.Journal()
	if err != nil {
		d.t.Fatal(err)
	}
	for e, err := range j.Events() {
		if err != nil {
			d.t.Fatal(err)
		}
		if e.Kind != gate.EventProposed {
			continue
		}
		p, err := j.Proposal(e.ID)
		if err != nil {
			d.t.Fatal(err)
		}
		states = append(states, p.State)
	}
	return states
}

func TestACallThatIsCancelledWhileItIsPlannedProposesAndSpendsNothing(t *testing.T) {
	for _, approved := range []bool{false, true} {
		d, want := newTouching(t, true), "[]"
		if approved {
			d.touch(1)
			<-d.begun
			d.letGo <- struct{}{}
			d.gate.Approve(proposalID.FindString(d.until(1)))
			want = "[approved]"
		}
		d.touch(2)
		<-d.begun
		d.cancel(2)
		close(d.letGo)
		d.end()
		d.unanswered(2)
		if got := fmt.Sprint(d.stands()); got != want {
			t.Errorf("proposals stand as %s, want %s", got, want)
		}
	}
}

func TestAnApprovedCallThatIsCancelledIsDoneOnceAndItsAnswerKept(t *testing.T) {
	d := newTouching(t, false)
	d.touch(2)
	d.gate.Approve(proposalID.FindString(d.until(2)))
	d.touch(3)
	<-d.begun
	d.cancel(3)
	close(d.letGo)
	d.end()
	d.unanswered(3)
	if got := fmt.Sprint(d.stands()); got != "[executed]" {
		t.Errorf("proposals stand as %s", got)
	}
	d.dialogue = greet(t, t.Context(), d.server)
	d.touch(4)
	if a := d.until(4); !strings.Contains(a, "touched x") || len(d.begun) > 0 {
		t.Errorf("to ask again brings\n%s", a)
	}
	d.end()
}

func TestOfTwoEqualCallsOneCanBeCancelled(t *testing.T) {
	for _, cancelled := range []int{3, 4} {
		d := newTouching(t, false)
		d.touch(2)
		d.gate.Approve(proposalID.FindString(d.until(2)))
		d.touch(3)
		<-d.begun
		d.touch(4)
		if cancelled == 3 {
			if a := d.until(4); !strings.Contains(a, "in_flight") {
				t.Errorf("while the first is executed the second is answered %s", a)
			}
		}
		d.cancel(cancelled)
		close(d.letGo)
		if cancelled == 4 {
			if a := d.until(3); !strings.Contains(a, "touched x") {
				t.Errorf("the second is cancelled, and the first answered %s", a)
			}
		}
		d.end()
		if cancelled == 3 {
			d.unanswered(3)
		}
		if got := fmt.Sprint(d.stands()); got != "[executed]" || len(d.begun) > 0 {
			t.Errorf("%d is cancelled: proposals stand as %s, %d calls more were made", cancelled, got, len(d.begun))
		}
	}
}
