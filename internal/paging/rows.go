package paging

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/sallyport-soc/sallyport/gate/connect"
)

// Rows are the rows of a page as the platform sent them. They are read when somebody
// wants them, from the first on: an answer has room for few.
type Rows[T any] struct {
	into *[]T // those that are read
	sent []json.RawMessage
	read func(i int, text json.RawMessage) (T, error)
	gone func()
}

// NewRows returns rows that read reads one by one into a list of a page, which is
// empty before. gone, if it isn't nil, is called when nothing but reading all of them
// may follow.
func NewRows[T any](into *[]T, sent []json.RawMessage, read func(i int, text json.RawMessage) (T, error), gone func()) *Rows[T] {
	*into = make([]T, 0, len(sent))
	return &Rows[T]{into, sent, read, gone}
}

// Pack moves rows that are parts of a body into memory of their own, and lets that go.
func Pack(rows []json.RawMessage) {
	size := 0
	for _, row := range rows {
		size += len(row)
	}
	block := make([]byte, 0, size)
	for i, row := range rows {
		if len(row) > 0 {
			from := len(block)
			block = append(block, row...)
			rows[i] = block[from:len(block):len(block)]
		}
	}
}

// MaxHeld is how many bytes of the rows of one answer are kept for whoever reads the rest
// of them later. Of a longer one what comes behind is [Dropped].
const MaxHeld = 4 << 20

// Dropped stands for a row that was let go of.
var Dropped = json.RawMessage{}

// Sent are all rows as they were sent.
func (r *Rows[T]) Sent() []json.RawMessage { return r.sent }

// Read reads as many of the first rows as aren't read yet.
func (r *Rows[T]) Read(first int) error {
	for i := len(*r.into); i < first; i++ {
		if r.sent[i] != nil && len(r.sent[i]) == 0 {
			return errDropped
		}
		row, err := r.read(i, r.sent[i])
		if err != nil {
			return err
		}
		*r.into = append(*r.into, row)
	}
	return nil
}

// Forget drops what is read: it takes several times the memory of what was sent.
func (r *Rows[T]) Forget() {
	if *r.into = []T{}; r.gone != nil {
		r.gone()
	}
}

// Each calls f for each row, whenever it is read. No row is read yet.
func (r *Rows[T]) Each(f func(T)) {
	read := r.read
	r.read = func(i int, text json.RawMessage) (T, error) {
		row, err := read(i, text)
		if err == nil {
			f(row)
		}
		return row, err
	}
}

// Unread are [Rows] of any type.
type Unread interface {
	Sent() []json.RawMessage
	Read(first int) error
	Forget()
}

// pages say where the unread rows of a page are, by its type: a func(any) Unread.
var pages sync.Map

// Where says where the unread rows of pages of type P are; nil if all are read. Who makes
// such a page calls it: what lists nothing links nothing of it.
func Where[P, T any](rows func(P) *Rows[T]) {
	pages.LoadOrStore(reflect.TypeFor[P](), func(page any) Unread {
		if r := rows(page.(P)); r != nil {
			return r
		}
		return nil
	})
}

// UnreadOf returns the rows of a page that aren't read, or nil.
func UnreadOf(page any) Unread {
	if where, ok := pages.Load(reflect.TypeOf(page)); ok {
		return where.(func(any) Unread)(page)
	}
	return nil
}

var errDropped = fmt.Errorf("%w: its rows have more than %d bytes: ask for fewer of them", connect.ErrTooLarge, MaxHeld)

type lateKey struct{}

// Late returns a context for an operation whose caller reads the rows of its page
// himself, if that has unread ones.
func Late(ctx context.Context) context.Context { return context.WithValue(ctx, lateKey{}, true) }

type neededKey struct{}

// Needed reports whether ctx is that of a list in [ByNeed] whose rows are read by need.
func Needed(ctx context.Context) bool {
	needed, _ := ctx.Value(neededKey{}).(bool)
	return needed
}

// ByNeed returns list, whose pages have unread rows, as an operation: it reads them,
// unless its caller does that himself.
func ByNeed[In, P any](list func(context.Context, In) (P, error)) func(context.Context, In) (P, error) {
	return func(ctx context.Context, in In) (P, error) {
		if late, _ := ctx.Value(lateKey{}).(bool); late {
			return list(context.WithValue(ctx, neededKey{}, true), in)
		}
		return Complete(list(ctx, in))
	}
}

// Complete returns p with all its rows.
func Complete[P any](p P, err error) (P, error) {
	if err == nil {
		if u := UnreadOf(p); u != nil {
			err = u.Read(len(u.Sent()))
		}
	}
	if err != nil {
		var none P
		return none, err
	}
	return p, nil
}
