package paging

import (
	"context"
	"errors"

	"github.com/sallyport-soc/sallyport/internal/recovered"
)

// An ahead has the pages of a walk fetched, one of them while the loop is at the rows of
// the one before. Of the first page it doesn't know yet whether the loop wants more: who
// takes no more rows than it has, or ends at the first of another, asks for no page in
// vain.
type ahead struct {
	fetch func(context.Context) error // the next page
	asked int                         // for how many pages
	under chan error                  // says how the page that is on its way came; nil: none is
	stop  context.CancelFunc
}

// begin has the next page fetched. It is called when the loop wants another row of this
// one.
func (a *ahead) begin(ctx context.Context) {
	if a.asked < 2 || a.under != nil {
		return
	}
	ctx, a.stop = context.WithCancel(ctx)
	under := make(chan error)
	a.under = under
	go func() {
		err := errEnded
		defer func() { under <- err }()
		err = recovered.Do(func() error { return a.fetch(ctx) })
	}()
}

// errEnded is how a page came whose goroutine ended before it, as a transport of a test may
// have it do.
var errEnded = errors.New("the request ended without an answer")

// next fetches the next page, unless that was begun, and returns when it has come.
func (a *ahead) next(ctx context.Context) error {
	if a.asked++; a.under == nil {
		return a.fetch(ctx)
	}
	return a.come()
}

// come waits for the page that is on its way.
func (a *ahead) come() error {
	err := <-a.under
	a.stop()
	a.under = nil
	return err
}

// end calls off what was begun. When it returns nothing is under way.
func (a *ahead) end() {
	if a.under != nil {
		a.stop()
		_ = a.come()
	}
}
