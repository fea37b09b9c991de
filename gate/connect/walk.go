package connect

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/resume"
)

// A Cursor says how far a [Walk] has come. It is text, to be kept wherever a program
// keeps such things, and holds nothing at the platform, so that it doesn't age.
type Cursor string

// A Walk goes over a list and knows where it is, so that another one, in another
// process or after a year, can go on from there:
//
//	w := connect.NewWalk(hive.Cases, thehive.ListCasesInput{Status: "New"}, cursor)
//	for c, err := range w.Rows(ctx) {
//		if err != nil {
//			return err
//		}
//		// what is to be done for c
//		if err := save(w.Cursor()); err != nil {
//			return err
//		}
//	}
//	return save(w.Cursor())
//
// Who saves the cursor with what was made of each row sees each row once: none comes
// twice and none is skipped, whatever is added, changed or taken away between the walks.
//
// A walk from the cursor of one that came to its end gives what is new. Where a list is
// sorted by when its rows were made, the newest first, as those of TheHive, the jobs of
// Cortex, and the events and attributes of MISP, that is what was made since. What
// begins to match later than it was made isn't, nor what shows in the list more than a
// minute after something newer. In any other list it is what lies behind the last row, in
// the list's order or, where the platform gives a list as a whole, in that of the rows'
// ids, which is the order of the walk then. For alerts of Wazuh there is
// wazuh.Client.TailAlerts.
//
// Every iterator of the clients that yields rows can be walked so. Those that read pages
// ask for the next one while the loop is at the rows of this one, from the second on: who
// breaks off there has asked for one page more, and two are in memory. A Walk isn't safe for
// concurrent use.
type Walk[T any] struct {
	list  func(context.Context) iter.Seq2[T, error]
	print string // of what is walked
	from  Cursor
	under *resume.Walk // since it has yielded a row or come to its end
}

// NewWalk returns a walk over what list, a method such as thehive.Client.Cases, gives
// for in, from a cursor of an earlier walk, or from the beginning for "". What in says
// but its Limit must be as it was for that walk; its Offset or Page is where the first
// walk begins. A time like "7d" counts back from when the walk goes on.
func NewWalk[In, T any](list func(context.Context, In) iter.Seq2[T, error], in In, from Cursor) *Walk[T] {
	w := &Walk[T]{list: func(ctx context.Context) iter.Seq2[T, error] { return list(ctx, in) }, from: from}
	asked := in
	if reflect.TypeFor[In]().Kind() == reflect.Struct {
		if limit, _ := input.Place(&asked); limit != nil {
			*limit = 0
		}
	}
	b, err := json.Marshal(asked)
	if err != nil {
		w.list = func(context.Context) iter.Seq2[T, error] {
			return func(yield func(T, error) bool) { var none T; yield(none, err) }
		}
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s", reflect.TypeFor[In](), b))
	w.print = base64.RawURLEncoding.EncodeToString(sum[:9])
	return w
}

// cursor is what a [Cursor] holds.
type cursor struct {
	Walk  string          `json:"w"` // which it is of
	Place json.RawMessage `json:"p"`
}

// Rows returns an iterator over the rows from where the walk is; ranging again goes on.
func (w *Walk[T]) Rows(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		var from cursor
		if w.from != "" {
			b, err := base64.RawURLEncoding.DecodeString(string(w.from))
			switch {
			case err != nil || json.Unmarshal(b, &from) != nil:
				yield(none, Like(ErrInvalid, "cursor: it isn't one that a walk gave"))
				return
			case from.Walk != w.print:
				yield(none, Like(ErrInvalid, "cursor: it belongs to another walk; ask for the same list with the same filters"))
				return
			}
		}
		ctx, under := resume.With(ctx, from.Place)
		defer func() { w.from, w.under = w.Cursor(), nil }()
		var failed error
		for row, err := range w.list(ctx) {
			if failed = err; err == nil && under.Taken() {
				w.under = under
			} else if err == nil {
				break
			}
			if !yield(row, err) {
				return
			}
		}
		switch {
		case failed != nil:
		case !under.Taken():
			yield(none, Like(ErrInvalid, "this can't be walked from a cursor"))
		default:
			w.under = under
		}
	}
}

// Cursor returns how far the walk has come: behind the row that was yielded last, or at
// the end.
func (w *Walk[T]) Cursor() Cursor {
	if w.under == nil {
		return w.from
	}
	place, err := w.under.Place()
	if err != nil {
		return w.from // places are texts and numbers
	}
	b, err := json.Marshal(cursor{w.print, place})
	if err != nil {
		return w.from
	}
	return Cursor(base64.RawURLEncoding.EncodeToString(b))
}
