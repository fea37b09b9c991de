package cortex

import (
	"encoding/json"
	"fmt"

	"github.com/sallyport-soc/sallyport/gate/marking"
	"github.com/sallyport-soc/sallyport/internal/egress"
)

// An EgressError says what would have left, to whom, and why it stays inside.
// It matches [ErrEgress].
type EgressError struct {
	Analyzers []string // the third parties, by name
	DataType  string   // the type of the observable
	Reason    string   // why it may not leave
	WayOut    string   // what can be done instead
}

// Error gives the analyzers and the reason, and not the value.
func (e *EgressError) Error() string {
	return fmt.Sprintf("cortex: the %s is not sent to a third party (%s): %s; %s", e.DataType, some(e.Analyzers), e.Reason, e.WayOut)
}

// Is reports whether target is [ErrEgress].
func (e *EgressError) Is(target error) bool { return target == ErrEgress }

// A submission is an observable that may go to one analyzer. Only clearAll makes
// one and only submit sends one, so that nothing is submitted unjudged.
type submission struct {
	request
	to *Worker
}

// A request is what is submitted, to whomever.
type request struct {
	observable Observable
	tlp        TLP
	pap        PAP
	message    string
	label      string
	parameters map[string]json.RawMessage
	force      bool
	whole      bool  // a URL may leave with its query: a person approved that
	file       *file // the content; the observable is then its name
}

// clear decides whether r may go to w.
func (c *Client) clear(r request, w *Worker) (submission, error) {
	list, err := c.clearAll(r, []*Worker{w})
	if err != nil {
		return submission{}, err
	}
	return list[0], nil
}

// clearAll decides whether r may go to all of the analyzers. One refusal refuses the
// call: a call does what it says or nothing.
func (c *Client) clearAll(r request, to []*Worker) ([]submission, error) {
	if err := checkMarking(r.tlp, r.pap); err != nil {
		return nil, err
	}
	var outside []string
	list := make([]submission, len(to))
	for i, w := range to {
		list[i] = submission{request: r, to: w}
		if !w.Local {
			outside = append(outside, w.Name)
		}
	}
	if len(outside) > 0 {
		if why := c.internal(r); why != "" {
			way := c.filter.WayOut(r.observable.DataType, r.observable.Data, "CORTEX_LOCAL_ANALYZERS", "wholeUrl")
			return nil, &EgressError{Analyzers: outside, DataType: r.observable.DataType, Reason: why, WayOut: way}
		}
	}
	return list, nil
}

// internal says why r may be shown to no third party, or returns "".
func (c *Client) internal(r request) string {
	if why := egress.Marking(marking.TLP(r.tlp), marking.PAP(r.pap)); why != "" {
		return why
	}
	filter := c.filter
	filter.Whole = r.whole
	if why := filter.Observable(r.observable.DataType, r.observable.Data); why != "" {
		return why
	}
	beside := []string{r.message, r.label}
	for name, v := range r.parameters {
		beside = append(beside, name, string(v))
	}
	for _, text := range beside {
		if why := c.filter.Text(text); why != "" {
			return why + ", in what is sent beside the observable"
		}
	}
	return ""
}
