package cortex

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// An EgressError says what would have left, to whom, and why it stays inside.
// It matches [ErrEgress].
type EgressError struct {
	Analyzers []string // the third parties, by name
	DataType  string
	Reason    string
}

// Error gives the analyzers and the reason, and not the value.
func (e *EgressError) Error() string {
	return fmt.Sprintf("cortex: the %s is not sent to a third party (%s): %s; %s", e.DataType, some(e.Analyzers), e.Reason, e.wayOut())
}

// wayOut says what can be done instead.
func (e *EgressError) wayOut() string {
	local := "use an analyzer that the operator lists in CORTEX_LOCAL_ANALYZERS because it shows data to nobody outside"
	if e.DataType == typeURL {
		return "submit the URL up to its path, without query, user and token, or the domain alone; or " + local
	}
	return local
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
	file       *file // the content; the observable is then its name
}

// clear decides whether r may go to w.
func (c *Client) clear(r request, w *Worker) (submission, error) {
	if err := checkMarking(r.tlp, r.pap); err != nil {
		return submission{}, err
	}
	if !w.Local {
		if why := c.internal(r); why != "" {
			return submission{}, &EgressError{Analyzers: []string{w.Name}, DataType: r.observable.DataType, Reason: why}
		}
	}
	return submission{request: r, to: w}, nil
}

// internal says why r may be shown to no third party, or returns "". Whatever
// the type says, the value is looked at as what it looks like.
func (c *Client) internal(r request) string {
	switch {
	case r.tlp == TLPRed:
		return "TLP:RED leaves for nobody"
	case r.pap == PAPRed:
		return "PAP:RED allows no query outside"
	}
	var why string
	switch o := r.observable; o.DataType {
	case typeDomain, typeFQDN, "hostname":
		why = c.filter.Host(o.Data)
	case typeURL, "uri":
		why = c.filter.URL(o.Data)
	case typeMail:
		why = c.filter.Mail(o.Data)
	}
	if rest, ok := strings.CutPrefix(r.observable.Data, `\\`); ok && why == "" { // a path on a file server
		host, _, _ := strings.Cut(rest, `\`)
		why = c.filter.Host(host)
	}
	if why != "" {
		return why
	}
	if why := c.filter.Text(r.observable.Data); why != "" {
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
