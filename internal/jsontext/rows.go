package jsontext

import "io"

// Rows reads a JSON text while it arrives. begin is called where the list at path
// begins, the names of members one within the other; what it returns is called for each
// element, with bytes that are good until it returns. What there is beside the elements
// is returned, with an empty list in their place. Of the elements no more is in memory
// than one and what has arrived behind it.
//
// Errors are those of r and of what is called, and [ErrSyntax].
func Rows(r io.Reader, path []string, begin func() func(row []byte) error) (rest []byte, err error) {
	a := arrival{r: r, begin: begin}
	if rest, err = a.walk(path, nil); err != nil {
		return nil, err
	}
	if c, err := a.next(); err != nil || c != 0 {
		return nil, errOr(err)
	}
	return rest, nil
}

func errOr(err error) error {
	if err != nil {
		return err
	}
	return ErrSyntax
}

// An arrival is a text of which a part has come.
type arrival struct {
	Scanner
	r     io.Reader
	begin func() func([]byte) error
	all   bool // it has come to its end
}

const firstPiece = 32 << 10

// fill reads until there is at least as much again as is unread, or the end.
func (a *arrival) fill() error {
	unread := copy(a.Data, a.Data[a.Pos:])
	a.Data, a.Pos = a.Data[:unread], 0
	want := max(firstPiece, 2*unread)
	if cap(a.Data) < want {
		a.Data = append(make([]byte, 0, want), a.Data...)
	}
	for len(a.Data) < want {
		n, err := a.r.Read(a.Data[len(a.Data):cap(a.Data)])
		a.Data = a.Data[:len(a.Data)+n]
		if err == io.EOF {
			a.all = true
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// next is [Scanner.Next].
func (a *arrival) next() (byte, error) {
	for {
		c := a.Next()
		if c != 0 || a.all {
			return c, nil
		}
		if err := a.fill(); err != nil {
			return 0, err
		}
	}
}

// more is [Scanner.More].
func (a *arrival) more(first bool, end byte) (bool, error) {
	c, err := a.next()
	switch {
	case err != nil:
		return false, err
	case c == end:
		a.Pos++
		a.Depth--
		return false, nil
	case first:
		return true, nil
	case c != ',':
		return false, ErrSyntax
	}
	a.Pos++
	if c, err = a.next(); err != nil || c == end {
		return false, errOr(err)
	}
	return true, nil
}

// value steps over a value that has come whole, and returns it.
func (a *arrival) value() ([]byte, error) {
	if _, err := a.next(); err != nil {
		return nil, err
	}
	for {
		pos, depth := a.Pos, a.Depth
		b, err := a.Skip()
		if a.all || err == nil && a.Pos < len(a.Data) { // a number at the end may go on
			return b, err
		}
		a.Pos, a.Depth = pos, depth
		if err := a.fill(); err != nil {
			return nil, err
		}
	}
}

// walk steps over a value on the way to the list and appends it without that to out.
func (a *arrival) walk(path []string, out []byte) ([]byte, error) {
	c, err := a.next()
	open, end := byte('{'), byte('}')
	if len(path) == 0 {
		open, end = '[', ']'
	}
	if err != nil {
		return nil, err
	}
	if c != open {
		v, err := a.value()
		return append(out, v...), err
	}
	if err := a.Enter(); err != nil {
		return nil, err
	}
	out = append(out, open)
	var each func([]byte) error
	if len(path) == 0 {
		each = a.begin()
	}
	for first := true; ; first = false {
		more, err := a.more(first, end)
		switch {
		case err != nil:
			return nil, err
		case !more:
			return append(out, end), nil
		}
		v, err := a.value()
		if err != nil {
			return nil, err
		}
		if each != nil {
			if err := each(v); err != nil {
				return nil, err
			}
			continue
		}
		if v[0] != '"' {
			return nil, ErrSyntax
		}
		if !first {
			out = append(out, ',')
		}
		out = append(append(out, v...), ':')
		here := string(v[1:len(v)-1]) == path[0]
		if c, err := a.next(); err != nil || c != ':' {
			return nil, errOr(err)
		}
		a.Pos++
		if here {
			if out, err = a.walk(path[1:], out); err != nil {
				return nil, err
			}
			continue
		}
		if v, err = a.value(); err != nil {
			return nil, err
		}
		out = append(out, v...)
	}
}
