package paging_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/paging"
)

type numbers struct {
	List []int
	rows *paging.Rows[int]
}

func init() { paging.Where(func(n *numbers) *paging.Rows[int] { return n.rows }) }

func numbersOf(sent ...string) *numbers {
	n := &numbers{}
	raw := make([]json.RawMessage, len(sent))
	for i, s := range sent {
		raw[i] = json.RawMessage(s)
	}
	n.rows = paging.NewRows(&n.List, raw, func(_ int, text json.RawMessage) (v int, err error) { return v, json.Unmarshal(text, &v) }, nil)
	n.rows.Each(func(int) {})
	return n
}

func TestRowsAreReadOnceAndFromTheFirst(t *testing.T) {
	t.Parallel()
	n := numbersOf("1", "2", "no number")
	for _, first := range []int{1, 2, 1} {
		if err := paging.UnreadOf(n).Read(first); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{1, 2}, n.List); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := paging.Complete(n, nil); err == nil {
		t.Error("a row that can't be read is no error")
	}
	failed := errors.New("failed")
	if p, err := paging.Complete((*numbers)(nil), failed); p != nil || err != failed {
		t.Errorf("%v, %v", p, err)
	}
	if p, err := paging.Complete(&numbers{List: []int{7}}, nil); err != nil || len(p.List) != 1 {
		t.Errorf("a page that is read already: %v, %v", p, err)
	}
}

func TestAnOperationReadsItsRowsUnlessItsCallerDoes(t *testing.T) {
	t.Parallel()
	op := paging.ByNeed(func(context.Context, struct{}) (*numbers, error) { return numbersOf("1", "2"), nil })
	for ctx, want := range map[context.Context]int{t.Context(): 2, paging.Late(t.Context()): 0} {
		if p, err := op(ctx, struct{}{}); err != nil || len(p.List) != want {
			t.Errorf("%v, %v; want %d rows", p, err, want)
		}
	}
}

func TestRowsThatWereLetGoOfAreTooMany(t *testing.T) {
	t.Parallel()
	n := numbersOf("1", "2")
	n.rows.Sent()[1] = paging.Dropped
	if err := n.rows.Read(1); err != nil || len(n.List) != 1 {
		t.Errorf("%v, %v; want the first row", n.List, err)
	}
	if _, err := paging.Complete(n, nil); !errors.Is(err, connect.ErrTooLarge) {
		t.Errorf("%v, want %v", err, connect.ErrTooLarge)
	}
}

func TestPackedRowsLetGoOfTheirBody(t *testing.T) {
	t.Parallel()
	body := []byte(`[12,"x",null]`)
	rows := []json.RawMessage{body[1:3], body[4:7], nil, paging.Dropped, body[8:12]}
	paging.Pack(rows)
	clear(body)
	if diff := cmp.Diff([]json.RawMessage{json.RawMessage("12"), json.RawMessage(`"x"`), nil, {}, json.RawMessage("null")}, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
