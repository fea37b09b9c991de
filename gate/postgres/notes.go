package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// keepNotes is for how long a note is kept.
const keepNotes = 24 * time.Hour

// Note has all processes know when something was last so.
func (s *store) Note(name string, at time.Time) error {
	_, err := s.change(`INSERT INTO %[1]s.noted (name, at) VALUES ($1, to_timestamp(($2::bigint)::float8 / 1000))
		ON CONFLICT (name) DO UPDATE SET at = greatest(noted.at, excluded.at)`, []byte(name), binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli())))
	if err == nil {
		_, err = s.change(`DELETE FROM %[1]s.noted WHERE at < to_timestamp(($1::bigint)::float8 / 1000)`,
			binary.BigEndian.AppendUint64(nil, uint64(at.Add(-keepNotes).UnixMilli())))
	}
	return err
}

// Noted returns the time that Note was told last.
func (s *store) Noted(name string) (at time.Time, err error) {
	err = s.with(func(ctx context.Context, c *pgconn.PgConn) error {
		r := c.ExecParams(ctx, s.sql(`SELECT (extract(epoch FROM at) * 1000)::bigint FROM %[1]s.noted WHERE name = $1`),
			[][]byte{[]byte(name)}, nil, nil, []int16{binary_}).Read()
		if r.Err == nil && len(r.Rows) == 1 {
			at = time.UnixMilli(int64(binary.BigEndian.Uint64(r.Rows[0][0])))
		}
		return r.Err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: %w", s, err)
	}
	return at, nil
}
