package connect_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// A slowStore is on a disk that keeps a spending waiting until it is let go.
type slowStore struct {
	*filestore.Store
	spending, letGo chan struct{}
}

func (s *slowStore) Begin() (journal.Tx, error) {
	tx, err := s.Store.Begin()
	return &slowTx{Tx: tx, s: s}, err
}

type slowTx struct {
	journal.Tx
	s      *slowStore
	spends bool
}

func (t *slowTx) Append(line []byte, kind, id string) error {
	t.spends = t.spends || kind == string(gate.EventConsumed)
	return t.Tx.Append(line, kind, id)
}

func (t *slowTx) Commit() error {
	if t.spends {
		t.s.spending <- struct{}{}
		<-t.s.letGo
	}
	return t.Tx.Commit()
}

func TestAReadDoesNotWaitForTheSpendingOfAnApproval(t *testing.T) {
	t.Parallel()
	slow := &slowStore{spending: make(chan struct{}, 1), letGo: make(chan struct{})}
	dir := t.TempDir()
	g, err := gate.New(gate.Policy{Max: gate.TierWrite, Approval: gate.ApprovalHost, Dir: "slow://disk", Getenv: func(string) string { return "" },
		OpenStore: func(string) (gate.Store, error) {
			files, err := filestore.Open(dir, filestore.Owners{})
			slow.Store = files
			return slow, err
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	c := thehivetest.New(t).Client(func(cfg *thehive.Config) { cfg.Guard, cfg.Options.MaxInFlight = g, 1 })
	var create gate.Op
	for _, op := range c.Ops() {
		if op.Name() == "thehive_create_case" {
			create = op
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if res, err := create.Do(t.Context(), g, &thehive.CreateCaseInput{Title: "A case", Description: "Of a slow disk."}); err != nil || res.State != gate.StateExecuted {
			t.Errorf("%+v, %v", res, err)
		}
	})
	<-slow.spending
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 50 { // of which the first may come before the write wants to be sent
		if _, err := c.ListCases(ctx, thehive.ListCasesInput{}); err != nil {
			t.Error(err)
			break
		}
	}
	close(slow.letGo)
	wg.Wait()
}
