package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
)

type approver = state.Approver

func approvers(rows [][][]byte) []approver {
	list := []approver{}
	for _, row := range rows {
		list = append(list, approver{Name: string(row[0]), Key: row[1]})
	}
	return list
}

// Approvers returns who is listed as an approver, as the transaction that is under way
// has read it, or else as of now.
func (s *store) Approvers() ([]state.Approver, error) {
	s.mu.Lock()
	listed := s.listed
	s.mu.Unlock()
	if listed != nil {
		return listed, nil
	}
	err := s.with(func(ctx context.Context, c *pgconn.PgConn) error {
		r := c.ExecPrepared(ctx, stmtList, nil, nil, []int16{textual, binary_}).Read()
		listed = approvers(r.Rows)
		return r.Err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s, err)
	}
	return listed, nil
}

// AddApprover lists an approver. A name can be listed once.
func (s *store) AddApprover(a state.Approver) error {
	if err := journal.CheckApprover(a); err != nil {
		return err
	}
	n, err := s.change(`INSERT INTO %[1]s.approver (name, key) VALUES ($1, $2) ON CONFLICT DO NOTHING`, []byte(a.Name), a.Key)
	if err == nil && n == 0 {
		err = fmt.Errorf("gate: approver %s is enrolled already", a.Name)
	}
	return err
}

// StrikeApprover takes an approver off the list.
func (s *store) StrikeApprover(name string) error {
	n, err := s.change(`DELETE FROM %[1]s.approver WHERE name = $1`, []byte(name))
	if err == nil && n == 0 {
		err = fmt.Errorf("gate: approver %s is not enrolled in %s", name, s)
	}
	return err
}

// change runs one statement, of binary parameters, and returns how many rows it changed.
func (s *store) change(sql string, params ...[]byte) (n int64, err error) {
	formats := make([]int16, len(params))
	for i := range formats {
		formats[i] = binary_
	}
	err = s.with(func(ctx context.Context, c *pgconn.PgConn) error {
		tag, err := c.ExecParams(ctx, s.sql(sql), params, nil, formats, nil).Close()
		n = tag.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s, err)
	}
	return n, nil
}
