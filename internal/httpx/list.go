package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/paging"
)

// longList is from how many bytes on the rows of an answer are read as they arrive: a
// shorter one is read faster as a whole.
const longList = 256 << 10

// Listed is [JSON] for an answer with a list, which may be long. send sends for it, path
// are the names of the members that lead to the list, with dots between, and rows says
// where that is in T. Each row of a long one is decoded as it arrives, so that the text
// of all is never in memory. A row with values that it can't hold is read as
// [jsoncodec.UnmarshalRow] does, which tells them in it. Where raw isn't nil it returns
// what stays text of a row, which may be a part of the body: for rows that are read by
// need ([paging.ByNeed]) that is let go of where the rows before have as much as is kept
// of an answer.
func Listed[T, E any](ctx context.Context, path string, rows func(*T) *[]E, raw func(*E) *json.RawMessage, send func(context.Context) (*Response, error)) (*T, error) {
	var come []E
	l := &list{begin: func() func([]byte) error {
		come = []E{}
		held := 0
		return func(text []byte) error {
			var row E
			if err := jsoncodec.UnmarshalRow(text, &row); err != nil {
				return err
			}
			if raw != nil && paging.Needed(ctx) {
				if held > paging.MaxHeld {
					*raw(&row) = paging.Dropped
				}
				held += len(text)
			}
			come = append(come, row)
			return nil
		}
	}}
	if path != "" {
		l.path = strings.Split(path, ".")
	}
	res, err := send(context.WithValue(ctx, listKey{}, l))
	read := jsoncodec.Unmarshal
	if raw != nil {
		read = jsoncodec.UnmarshalHeld
	}
	v := new(T)
	whole := res.decode(v, err, read)
	if whole != nil && err == nil && !res.listed { // row by row one may be shown without what is odd in it
		v = new(T)
		rest, err := jsontext.Rows(bytes.NewReader(res.Body), l.path, l.begin)
		if err != nil || come == nil || read(rest, v) != nil {
			return nil, whole
		}
		*rows(v) = come
		return v, nil
	}
	if whole != nil {
		return nil, whole
	}
	if res.listed {
		*rows(v) = come
	}
	return v, nil
}

type listKey struct{}

// A list is where the rows of an answer go that arrive.
type list struct {
	path  []string
	begin func() func(row []byte) error
}

// read reads the body of an answer, which is said to have length bytes, or less than none.
func (l *list) read(out *Response, body io.Reader, length, limit int64, k *credentials) (err error) {
	if length >= 0 && length < longList || length > limit {
		out.Body, err = readBody(body, length, limit)
		return err
	}
	if length < 0 {
		first, err := readBody(io.LimitReader(body, longList), length, limit)
		if err != nil || len(first) < longList {
			out.Body = first
			return err
		}
		body = io.MultiReader(bytes.NewReader(first), body)
	}
	text := &beginning{r: body}
	var row error
	out.listed = true
	out.Body, err = jsontext.Rows(&capped{text, limit, limit}, l.path, func() func([]byte) error {
		each := l.begin()
		return func(b []byte) error {
			row = each(k.without(b))
			return row
		}
	})
	if err != nil && (err == row || errors.Is(err, jsontext.ErrSyntax)) { // to ask again would bring the same
		out.Body, out.broken = text.seen, err
		return nil
	}
	return err
}

// A beginning keeps what comes first, for whoever says why it isn't what it should be.
type beginning struct {
	r    io.Reader
	seen []byte
}

func (b *beginning) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.seen = append(b.seen, p[:min(n, 512-len(b.seen))]...)
	return n, err
}

// A capped reader fails where there are more than limit bytes.
type capped struct {
	r           io.Reader
	left, limit int64
}

func (c *capped) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, &tooLarge{c.limit}
	}
	return n, err
}
