package thehive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/sorting"
)

// statuses are the values that every server begins with, by kind. Each server
// can have others.
var statuses = map[Kind]map[string]Stage{
	KindCaseStatus: {
		"New": StageNew, "InProgress": StageInProgress, "TruePositive": StageClosed, "FalsePositive": StageClosed,
		"Indeterminate": StageClosed, "Duplicated": StageClosed, "Other": StageClosed,
	},
	KindAlertStatus: {
		"New": StageNew, "InProgress": StageInProgress, "Pending": StageInProgress, "Imported": StageImported,
		"Duplicate": StageClosed, "FalsePositive": StageClosed, "Ignored": StageClosed,
	},
}

// dataTypes are the types of observables that every server begins with and
// that aren't files.
var dataTypes = []string{
	"autonomous-system", "domain", "filename", "fqdn", "hash", "hostname", "ip", "mail", "mail-subject", "other",
	"regexp", "registry", "uri_path", "url", "user-agent",
}

// maxValues bounds the statuses and types of a server.
const maxValues = 500

// stage returns the stage of a status. It asks the server about those that not
// every server has; one that isn't there is refused with those that are.
func (c *Client) stage(ctx context.Context, kind Kind, status string) (stage Stage, err error) {
	if s, ok := statuses[kind][status]; ok {
		return s, nil
	}
	err = c.knownStatuses(ctx, kind, func(known []serverStatus) error {
		var names []string
		for _, s := range known {
			if s.Value == status {
				stage = s.Stage
				return nil
			}
			if s.Stage != StageImported {
				names = append(names, s.Value)
			}
		}
		return fmt.Errorf("%w: status: %q isn't one of this server; it has %s", ErrInvalid, status, strings.Join(names, ", "))
	})
	return stage, err
}

// StagesOf returns the stages that a word for a status stands for which people use and
// TheHive 5 doesn't have: open, and closed or, as TheHive 4 had it, resolved. Of other
// words there are none.
func StagesOf(status string) []Stage {
	switch strings.ToLower(status) {
	case "open":
		return openStages
	case "closed", "resolved":
		return closedStages
	}
	return nil
}

var openStages, closedStages = []Stage{StageNew, StageInProgress}, []Stage{StageClosed}

// inStatus keeps what has a status of the server, or else is in a stage that the word
// stands for. One that is neither is refused, as nothing would be found.
func (c *Client) inStatus(ctx context.Context, q Query, kind Kind, status string) (Query, error) {
	if status == "" {
		return q, nil
	}
	_, err := c.stage(ctx, kind, status)
	switch stages := StagesOf(status); {
	case err == nil:
		q = q.having("status", status)
	case stages != nil:
		return q.Where(In("stage", stages)), nil
	}
	return q, c.explain(ctx, err)
}

// knownStatuses looks among the statuses of a kind.
func (c *Client) knownStatuses(ctx context.Context, kind Kind, look func([]serverStatus) error) error {
	return c.statuses.Look(ctx, kind, func(ctx context.Context) ([]serverStatus, error) { return c.serverStatuses(ctx, kind) }, look)
}

type serverStatus struct {
	Value string `json:"value"`
	Stage Stage  `json:"stage"`
}

// serverStatuses reads the statuses of a kind. A server that can't list those
// of alerts has the ones that all begin with.
func (c *Client) serverStatuses(ctx context.Context, kind Kind) ([]serverStatus, error) {
	got, err := run[[]serverStatus](ctx, c, "statuses", All(kind).Page(0, maxValues))
	if kind == KindAlertStatus && errors.Is(err, ErrInvalid) {
		var list []serverStatus
		for value, stage := range statuses[kind] {
			list = append(list, serverStatus{value, stage})
		}
		sorting.By(list, func(a, b serverStatus) int { return strings.Compare(a.Value, b.Value) })
		return list, nil
	}
	if err != nil {
		return nil, err
	}
	return *got, nil
}

// settable refuses a status that isn't there, or that only TheHive sets.
func (c *Client) settable(ctx context.Context, kind Kind, status string) error {
	if status == "" {
		return nil
	}
	stage, err := c.stage(ctx, kind, status)
	if err != nil {
		return err
	}
	if stage == StageImported {
		return fmt.Errorf("%w: status: TheHive sets %q by itself when an alert becomes a case or joins one", ErrInvalid, status)
	}
	return nil
}

// CheckDataType returns [ErrInvalid] for a type of observables that the server doesn't have, or
// whose observables are files.
func (c *Client) CheckDataType(ctx context.Context, name string) error {
	if slices.Contains(dataTypes, name) {
		return nil
	}
	return c.knownTypes(ctx, func(types []observableType) error {
		var names []string
		for _, t := range types {
			switch {
			case t.Name == name && t.IsAttachment:
				return fmt.Errorf("%w: dataType: observables of type %q are files and have no value to give here", ErrInvalid, name)
			case t.Name == name:
				return nil
			case !t.IsAttachment:
				names = append(names, t.Name)
			}
		}
		return fmt.Errorf("%w: dataType: %q isn't one of this server; it has %s", ErrInvalid, name, strings.Join(names, ", "))
	})
}

// knownType refuses a type of observables that the server doesn't have.
func (c *Client) knownType(ctx context.Context, name string) error {
	if name == "" || name == "file" || slices.Contains(dataTypes, name) {
		return nil
	}
	return c.knownTypes(ctx, func(types []observableType) error {
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.Name
		}
		if slices.Contains(names, name) {
			return nil
		}
		return fmt.Errorf("%w: dataType: %q isn't one of this server; it has %s", ErrInvalid, name, strings.Join(names, ", "))
	})
}

// An observableType is one of the server's own types.
type observableType struct {
	Name         string `json:"name"`
	IsAttachment bool   `json:"isAttachment"`
}

// knownTypes looks among the types of observables.
func (c *Client) knownTypes(ctx context.Context, look func([]observableType) error) error {
	return c.types.Look(ctx, struct{}{}, c.observableTypes, look)
}

func (c *Client) observableTypes(ctx context.Context) ([]observableType, error) {
	return rows[observableType](ctx, c, "observable-types", All(KindObservableType).Page(0, maxValues))
}

// deref is the text at p, or none.
func deref(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// checkUser refuses a login that no user has whom the key may see: as a filter it
// would find nothing, without a word, and as an assignee TheHive would refuse it once
// a human has approved. Where users aren't told it is let through.
func (c *Client) checkUser(ctx context.Context, name, login string) error {
	if login == "" {
		return nil
	}
	users, err := rows[*Colleague](ctx, c, "users", All(KindUser).Page(0, maxValues))
	var e *Error
	if errors.As(err, &e) && e.Status < 500 || err == nil && (len(users) == 0 || len(users) == maxValues) {
		return nil
	}
	if err != nil {
		return err
	}
	logins := make([]string, len(users))
	for i, u := range users {
		logins[i] = u.Login
	}
	if slices.Contains(logins, login) {
		return nil
	}
	return fmt.Errorf("%w: %s: %q is the login of no user here; these are: %s", ErrInvalid, name, login, strings.Join(logins, ", "))
}
