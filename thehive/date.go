package thehive

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// A Date is a moment as TheHive has it: milliseconds since 1970. A negative one
// is relative: so many milliseconds before it is used. Zero is none. A caller
// may write it as the number, in seconds too, as RFC 3339 ("2026-03-02T08:00:00Z",
// or the day alone in UTC), as "24h", "7d", "2w" for that long ago, or as "now".
type Date int64

// At returns t as a Date; the zero time is none.
func At(t time.Time) Date { return Date(jsoncodec.Milli(t)) }

// firstDate is a day in 1973: what lies before it was meant as a flag, or in
// seconds, of which firstSecond is the first.
const (
	firstDate   = 100_000_000_000
	firstSecond = firstDate / 1000
)

// ago is how a relative date is written.
var ago = lazyregexp.New(`^(?:now ?)?-? ?([0-9]{1,5})\s*(s|m|min|h|d|w)( ago)?$`)

var agoUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// dateForms are those of RFC 3339, and what people leave out of them.
var dateForms = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly}

// UnmarshalText reads each of the forms.
func (d *Date) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n >= firstSecond && n < firstDate {
			n *= 1000
		}
		*d = Date(n)
		return nil
	}
	if strings.EqualFold(text, "now") {
		*d = -1
		return nil
	}
	if m := ago.FindStringSubmatch(strings.ToLower(text)); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64) // five digits
		*d = Date(-n * agoUnits[m[2]].Milliseconds())
		return nil
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, text); err == nil && t.Year() >= 1973 {
			*d = At(t)
			return nil
		}
	}
	return fmt.Errorf("%w: %q is no date: want 2026-03-02T08:00:00Z, 2026-03-02, 24h for that long ago, or seconds or milliseconds since 1970", ErrInvalid, clip.Text(text, 80))
}

// UnmarshalJSON reads a number or a text.
func (d *Date) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var text string
		if err := json.Unmarshal(b, &text); err != nil {
			return err
		}
		return d.UnmarshalText([]byte(text))
	}
	return json.Unmarshal(b, (*int64)(d))
}

// String returns d as a person reads it.
func (d Date) String() string {
	switch {
	case d == 0:
		return ""
	case d < 0:
		return (time.Duration(-d) * time.Millisecond).String() + " before it runs"
	}
	return time.UnixMilli(int64(d)).UTC().Format(time.RFC3339)
}

// ms returns d in milliseconds since 1970, 0 if it is none.
func (d Date) ms() int64 {
	if d < 0 {
		return time.Now().UnixMilli() + int64(d)
	}
	return int64(d)
}

// check refuses what isn't a date in milliseconds.
func (d Date) check(name string) error {
	if d <= 0 || d >= firstDate {
		return nil
	}
	return fmt.Errorf("%w: %s is a date, such as 2026-01-01T00:00:00Z or 1767225600000 in milliseconds since 1970, and %d isn't one; it is neither a flag nor in seconds", ErrInvalid, name, int64(d))
}

// checkFixed refuses a relative date, too: where one is set, it must be the same
// whenever the call is run.
func (d Date) checkFixed(name string) error {
	if d < 0 {
		return fmt.Errorf("%w: %s: say the moment, such as 2026-01-01T00:00:00Z; a relative date would be another one when the call is approved", ErrInvalid, name)
	}
	return d.check(name)
}

// instant is a date of TheHive as a person reads it; none is "".
func instant(t time.Time) string { return At(t).String() }
