package cortex

import (
	"encoding/json"
	"errors"
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

// A submission is an observable that may go to one analyzer. Only clear makes
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
	if err := checkMarking(r.tlp, r.pap); err != nil {
		return submission{}, err
	}
	if !w.Local {
		if why := c.internal(r); why != "" {
			way := c.filter.WayOut(r.observable.DataType, r.observable.Data, "CORTEX_LOCAL_ANALYZERS", "wholeUrl")
			return submission{}, &EgressError{Analyzers: []string{w.Name}, DataType: r.observable.DataType, Reason: why, WayOut: way}
		}
	}
	return submission{request: r, to: w}, nil
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

// clearAll decides for each of the analyzers. One refusal refuses the call: a
// call does what it says or nothing.
func (c *Client) clearAll(r request, to []*Worker) ([]submission, error) {
	var refused *EgressError
	var list []submission
	for _, w := range to {
		s, err := c.clear(r, w)
		var e *EgressError
		switch {
		case err == nil:
			list = append(list, s)
		case errors.As(err, &e) && refused == nil:
			refused = e
		case e != nil:
			refused.Analyzers = append(refused.Analyzers, e.Analyzers...)
		default:
			return nil, err
		}
	}
	if refused != nil {
		return nil, refused
	}
	return list, nil
}
