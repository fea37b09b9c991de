package thehive

import (
	"context"
	"fmt"

	"github.com/sallyport-soc/sallyport/gate"
)

// A place is the case or the alert that something is in, or goes into.
type place struct {
	cs *Case
	a  *Alert
}

// place returns what is named: a case or an alert, and not both.
func (c *Client) place(ctx context.Context, caseID, alertID string) (*place, error) {
	var p place
	var err error
	switch {
	case (caseID == "") == (alertID == ""):
		return nil, fmt.Errorf("%w: want either caseId or alertId", ErrInvalid)
	case caseID != "":
		p.cs, err = c.GetCase(ctx, GetCaseInput{CaseID: caseID})
	default:
		p.a, err = c.GetAlert(ctx, GetAlertInput{AlertID: alertID})
	}
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// query begins with what is in the place.
func (p *place) query(hops ...Hop) Query {
	if p.cs != nil {
		return inCase(p.cs.ID, hops...)
	}
	return One(KindAlert, p.a.ID).To(hops...)
}

// id is that of the case or the alert.
func (p *place) id() string {
	if p.cs != nil {
		return p.cs.ID
	}
	return p.a.ID
}

// kind is case or alert.
func (p *place) kind() string {
	if p.cs != nil {
		return "case"
	}
	return "alert"
}

// target is the place as the plan of an addition shows it.
func (p *place) target() gate.Target {
	if p.cs != nil {
		return p.cs.place()
	}
	return p.a.place()
}

// warnings tell that the case is closed, or the alert in one.
func (p *place) warnings() []string {
	if p.cs != nil {
		return p.cs.closedWarnings()
	}
	return p.a.importedWarnings()
}

// one returns the entity of a kind with that id. An unknown one is [ErrNotFound].
func one[T any](ctx context.Context, c *Client, kind Kind, id string) (T, error) {
	got, err := rows[T](ctx, c, "one", One(kind, id).Page(0, 1))
	if err == nil && len(got) == 0 {
		err = missing(string(kind), id)
	}
	if err != nil {
		var none T
		return none, c.explain(ctx, err)
	}
	return got[0], nil
}
