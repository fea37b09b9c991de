package cortex

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport-soc/sallyport/internal/clip"
)

// A SelectionError says why a call selects no analyzers that can be run, and
// which there are. It matches [ErrSelection].
type SelectionError struct {
	Reason     string   // why none can be taken
	DataType   string   // the type of the observable
	Candidates []string // names that would do, sorted
}

// Error gives the reason and the names.
func (e *SelectionError) Error() string {
	text := "cortex: " + e.Reason
	if len(e.Candidates) > 0 {
		text += "; for " + e.DataType + " there are " + some(e.Candidates)
	}
	return text
}

// Is reports whether target is [ErrSelection].
func (e *SelectionError) Is(target error) bool { return target == ErrSelection }

const maxListed = 30 // names in a text

// some lists names, not too many.
func some(names []string) string {
	if len(names) > maxListed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxListed], ", "), len(names)-maxListed)
	}
	return strings.Join(names, ", ")
}

func sortedKeys(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }

func names(list []*Worker) []string {
	n := make([]string, len(list))
	for i, w := range list {
		n[i] = w.Name
	}
	return n
}

// selectAnalyzers returns the analyzers that a call names, or, with fanOut, all
// that take the type. The same call selects the same, in the same order, as
// long as the server has the same analyzers: by name. Names may be looked up in a
// list that is kept; what isn't found there, and all with fanOut, is asked for.
func (c *Client) selectAnalyzers(ctx context.Context, dataType string, wanted []string, fanOut bool, limit int) (chosen []*Worker, err error) {
	if fanOut {
		c.kept.Drop()
	}
	err = c.kept.Look(ctx, struct{}{}, c.analyzers, func(list []*Worker) (err error) {
		chosen, err = c.among(list, dataType, wanted, fanOut, limit)
		return err
	})
	return chosen, err
}

// among returns those of all that a call names, or, with fanOut, all that take the
// type.
func (c *Client) among(all []*Worker, dataType string, wanted []string, fanOut bool, limit int) ([]*Worker, error) {
	var odd []*Worker // are not run
	if slices.ContainsFunc(all, (*Worker).odd) {
		odd = matching(all, (*Worker).odd)
		all = matching(all, func(w *Worker) bool { return !w.odd() })
	}
	fit := sync.OnceValue(func() []*Worker { // whole names are found without it
		return matching(all, func(w *Worker) bool { return w.takes(dataType) })
	})
	no := func(format string, args ...any) ([]*Worker, error) {
		return nil, &SelectionError{Reason: fmt.Sprintf(format, args...), DataType: dataType, Candidates: names(fit())}
	}
	var chosen []*Worker
	switch {
	case len(wanted) > 0:
		for _, name := range wanted {
			w, err := pick(name, dataType, all, fit)
			meant := func(o *Worker) bool { return o.means(name) && (w == nil || !w.is(strings.TrimSpace(name))) }
			if i := slices.IndexFunc(odd, meant); i >= 0 {
				return no("%q can mean %s, which cannot be read and is not run: %s", clip.Text(name, 80), cmp.Or(odd[i].Name, odd[i].ID), odd[i].Unread)
			}
			if err != nil {
				return nil, err
			}
			if !slices.Contains(chosen, w) {
				chosen = append(chosen, w)
			}
		}
		sortWorkers(chosen)
	case fanOut && slices.ContainsFunc(odd, func(o *Worker) bool { return o.unknown() || o.takes(dataType) }):
		return no("these cannot be read, and are not run: %s; name the analyzers to run", some(told(odd)))
	case len(fit()) == 0:
		return no(noneTakes, dataType)
	case !fanOut:
		return no("name the analyzers to run")
	default:
		chosen = fit()
	}
	if limit < 1 || limit > c.fanout {
		limit = c.fanout
	}
	if len(chosen) > limit {
		return no("%d analyzers are selected and at most %d may run in one call", len(chosen), limit)
	}
	return chosen, nil
}

// told says of each what can't be read.
func told(odd []*Worker) []string {
	list := make([]string, len(odd))
	for i, w := range odd {
		list[i] = fmt.Sprintf("%s (%s)", cmp.Or(w.Name, w.ID), w.Unread)
	}
	return list
}

// odd reports whether w can't be read whole.
func (w *Worker) odd() bool { return w.Unread != "" }

// means reports whether name is the id of w, its name or a part of that.
func (w *Worker) means(name string) bool {
	name = strings.TrimSpace(name)
	return w.is(name) || strings.Contains(strings.ToLower(w.Name), strings.ToLower(name))
}

const noneTakes = "no enabled analyzer takes %s"

func matching(list []*Worker, match func(*Worker) bool) (m []*Worker) {
	for _, w := range list {
		if match(w) {
			m = append(m, w)
		}
	}
	return m
}

// pick returns the analyzer that name means: by its id or whole name, else the
// only one among those that fit, which take the type, that has name as a part of its own.
func pick(name, dataType string, all []*Worker, fit func() []*Worker) (*Worker, error) {
	name = strings.TrimSpace(name)
	no := func(candidates []*Worker, format string, args ...any) (*Worker, error) {
		return nil, &SelectionError{Reason: fmt.Sprintf(format, args...), DataType: dataType, Candidates: names(candidates)}
	}
	exact := matching(all, func(w *Worker) bool { return w.is(name) })
	switch {
	case len(exact) == 1 && exact[0].takes(dataType):
		return exact[0], nil
	case len(fit()) == 0:
		return no(nil, noneTakes, dataType)
	case len(exact) == 1:
		return no(fit(), "%s takes %s and not %s", exact[0].Name, some(exact[0].DataTypes), dataType)
	case len(exact) > 1:
		return no(exact, "%q is the name of %d analyzers; give the id", clip.Text(name, 80), len(exact))
	}
	lower := strings.ToLower(name)
	part := func(w *Worker) bool { return strings.Contains(strings.ToLower(w.Name), lower) }
	switch loose := matching(fit(), part); {
	case len(loose) == 1:
		return loose[0], nil
	case len(loose) > 1:
		return no(loose, "%q can mean %d analyzers", clip.Text(name, 80), len(loose))
	}
	if other := matching(all, part); len(other) > 0 {
		return no(fit(), "%q can mean %s, which take no %s", clip.Text(name, 80), some(names(other)), dataType)
	}
	return no(fit(), "no enabled analyzer is called %q", clip.Text(name, 80))
}
