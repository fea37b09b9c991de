package jsoncodec

import (
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// dated is the codec of a time.Time in the form that a tag names.
func dated(form string) *codec {
	switch form {
	case "unixmilli":
		return counted(OfMilli, Milli)
	case "unix":
		return counted(OfUnix, Unix)
	}
	return written(strings.Trim(form, "'"))
}

// Milli returns t in milliseconds since 1970, 0 for the zero time.
func Milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// OfMilli returns the time of so many milliseconds since 1970, the zero time for 0.
func OfMilli(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

// Unix returns t in seconds since 1970, 0 for the zero time.
func Unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// OfUnix returns the time of so many seconds since 1970, the zero time for 0.
func OfUnix(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// counted is the codec of a time that is a number, or a text with one. Any of
// RFC 3339 is read as well. 0, the empty text, null, and false, which is none in
// PHP, are the zero time.
func counted(from func(int64) time.Time, to func(time.Time) int64) *codec {
	return &codec{
		decode: func(d *decoder, v reflect.Value) error {
			b, err := d.Skip()
			if err != nil {
				return err
			}
			s := strings.Trim(string(b), `"`)
			if s == "null" || s == "" || s == "false" {
				v.SetZero()
				return nil
			}
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				v.Set(reflect.ValueOf(from(n)))
				return nil
			}
			t, err := time.Parse(time.RFC3339Nano, s)
			if err != nil {
				d.Pos -= len(b)
				return d.mismatch(timeType)
			}
			v.Set(reflect.ValueOf(t.UTC()))
			return nil
		},
		encode: func(b []byte, v reflect.Value) ([]byte, error) {
			return strconv.AppendInt(b, to(v.Interface().(time.Time)), 10), nil
		},
	}
}

// written is the codec of a time that is a text of the layout. Any of RFC 3339 is
// read as well; the empty text and null are the zero time.
func written(layout string) *codec {
	return &codec{
		decode: func(d *decoder, v reflect.Value) error {
			from := d.Pos
			var s string
			if err := decodeString(d, reflect.ValueOf(&s).Elem()); err != nil {
				return err
			}
			if s == "" {
				v.SetZero()
				return nil
			}
			t, err := time.Parse(layout, s)
			if err != nil {
				t, err = time.Parse(time.RFC3339Nano, s)
			}
			if err != nil {
				d.Pos = from
				return d.mismatch(timeType)
			}
			v.Set(reflect.ValueOf(t))
			return nil
		},
		encode: func(b []byte, v reflect.Value) ([]byte, error) {
			if t := v.Interface().(time.Time); !t.IsZero() {
				return jsontext.AppendString(b, t.Format(layout)), nil
			}
			return append(b, `""`...), nil
		},
	}
}
