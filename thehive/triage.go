package thehive

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
)

// How much of an alert's surroundings a triage shows.
const (
	triageObservables = 100
	triageRest        = 20
	triageLinks       = 500 // observables elsewhere that are looked at
)

// TriageAlertInput is the input of [Client.TriageAlert].
type TriageAlertInput struct {
	// Or type;source;sourceRef.
	AlertID string `json:"alertId" alias:"id"`
}

// A Triage is an alert with what is needed to judge it.
type Triage struct {
	Alert *Alert `json:"alert"` // the alert
	// At most 100, newest first; observableCount of the alert is how many there are.
	Observables []*Observable `json:"observables"`
	// The newest 20.
	Comments   []*Comment   `json:"comments"`
	Procedures []*Procedure `json:"procedures"` // the techniques recorded with it
	// The 20 cases and alerts that share most observables with it.
	Similar []*Similar `json:"similar"`
	// What isn't shown here.
	LeftOut []string `json:"leftOut,omitempty"`
}

// Similar is a case or an alert that shares observables with another one.
type Similar struct {
	// case or alert.
	Kind   string `json:"kind"`
	ID     string `json:"id"`                     // its id
	Number int    `json:"number,omitempty"`       // the number a person calls it by
	Title  string `json:"title" untrusted:"true"` // its title
	Status string `json:"status"`                 // its status
	Stage  Stage  `json:"stage,omitempty"`        // how far it is
	// How many observables they share.
	Shared int `json:"shared"`
	// Some of these.
	Examples []string `json:"examples" untrusted:"true"`
}

// TriageAlert returns an alert with its observables, comments and procedures,
// and with the cases and alerts that share observables with it.
//
// TheHive: GET /api/v1/alert/{alertId}; POST /api/v1/query, getAlert with observables, comments, procedures; listObservable
func (c *Client) TriageAlert(ctx context.Context, in TriageAlertInput) (*Triage, error) {
	a, err := c.GetAlert(ctx, GetAlertInput(in))
	if err != nil {
		return nil, err
	}
	t := &Triage{Alert: a, Similar: []*Similar{}}
	alert := One(KindAlert, a.ID)
	var total int
	if t.Observables, total, err = paged[*Observable](ctx, c, "alert-observables", order{"_createdAt", Desc}, 0, triageObservables, alert.To(HopObservables)); err != nil {
		return nil, err
	}
	t.beyond(total, len(t.Observables), "observables")
	if t.Comments, total, err = paged[*Comment](ctx, c, "alert-comments", order{"_createdAt", Desc}, 0, triageRest, alert.To(HopComments)); err != nil {
		return nil, err
	}
	t.beyond(total, len(t.Comments), "comments")
	if t.Procedures, total, err = paged[*Procedure](ctx, c, "alert-procedures", order{"occurDate", Desc}, 0, triageRest, alert.To(HopProcedures)); err != nil {
		return nil, err
	}
	t.beyond(total, len(t.Procedures), "procedures")
	return t, c.addSimilar(ctx, t)
}

func (t *Triage) beyond(total, shown int, what string) {
	if total > shown {
		t.LeftOut = append(t.LeftOut, fmt.Sprintf("%d more %s", total-shown, what))
	}
}

// linked is an observable with what it belongs to.
type linked struct {
	Observable
	owner
}

type owner struct {
	Case, Alert *ownerFacts
}

type ownerFacts struct {
	ID     string `json:"_id"`
	Number int    `json:"number"`
	Title  string `json:"title"`
	Status string `json:"status"`
	Stage  Stage  `json:"stage"`
}

// UnmarshalJSON reads the observable and its links.
func (l *linked) UnmarshalJSON(b []byte) error {
	if err := jsoncodec.Unmarshal(b, &l.Observable); err != nil {
		return err
	}
	var v struct {
		ExtraData struct {
			Links owner `json:"links"`
		} `json:"extraData"`
	}
	if err := jsoncodec.Unmarshal(b, &v); err != nil {
		return err
	}
	l.owner = v.ExtraData.Links
	return nil
}

// addSimilar looks where else the values of t's observables are. An alert that
// is in a case isn't counted beside it.
func (c *Client) addSimilar(ctx context.Context, t *Triage) error {
	own := valuesOf(slices.DeleteFunc(slices.Clone(t.Observables), func(o *Observable) bool { return o.IgnoreSimilarity }))
	if len(own) == 0 {
		return nil
	}
	is, values := spelled(own)
	got, err := rows[*linked](ctx, c, "similar", All(KindObservable).Where(In("data", values)).
		Sort("_createdAt", Desc).Page(0, triageLinks, "links"))
	if err != nil {
		return err
	}
	if len(got) == triageLinks {
		t.LeftOut = append(t.LeftOut, fmt.Sprintf("what is similar by observables beyond the newest %d", triageLinks))
	}
	byID := map[string]*Similar{}
	for _, l := range got {
		kind, of := "case", l.Case
		if of == nil {
			kind, of = "alert", l.Alert
		}
		if of == nil || of.ID == "" || of.ID == t.Alert.ID || kind == "alert" && of.Stage == StageImported || l.IgnoreSimilarity || !is[l.valued()] {
			continue
		}
		s := byID[of.ID]
		if s == nil {
			s = &Similar{Kind: kind, ID: of.ID, Number: of.Number, Title: of.Title, Status: of.Status, Stage: of.Stage}
			byID[of.ID] = s
			t.Similar = append(t.Similar, s)
		}
		if s.Shared++; s.Shared <= 5 {
			s.Examples = append(s.Examples, l.DataType+" "+l.Data)
		}
	}
	slices.SortStableFunc(t.Similar, func(a, b *Similar) int { return cmp.Compare(b.Shared, a.Shared) })
	if more := len(t.Similar) - triageRest; more > 0 {
		t.Similar = t.Similar[:triageRest]
		t.LeftOut = append(t.LeftOut, fmt.Sprintf("%d more similar cases and alerts", more))
	}
	return nil
}
