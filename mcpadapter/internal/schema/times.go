package schema

import (
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// timeForms are how people write a time, beside RFC 3339. Without an offset it is UTC.
var timeForms = []string{"2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
	"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// ago is how people write a time by how long ago it was: 24h, now-7d, 15 min ago.
var ago = lazyregexp.New(`^(?:now ?)?-? ?([0-9]{1,5}) ?(s|m|min|h|d|w)(?: ago)?$`)

var agoUnits = map[string]time.Duration{"s": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}

// rfc3339 returns the time that text means at now, and whether it depends on now: a
// date, a date and time, seconds or milliseconds since 1970, or how long ago; how
// long from now, if it is to come. What it doesn't know it returns as it is.
func rfc3339(text string, now time.Time, toCome bool) (at string, relative bool) {
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return text, false
	}
	written := func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return written(t), false
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 1e8 && n < 1e13 {
		if n < 1e11 {
			n *= 1000
		}
		return written(time.UnixMilli(n)), false
	}
	short := strings.ToLower(strings.TrimSpace(text))
	if short == "now" {
		return written(now.Truncate(time.Second)), true
	}
	if m := ago.FindStringSubmatch(short); m != nil {
		n, _ := strconv.Atoi(m[1]) //nolint:errcheck // five digits
		if !toCome {
			n = -n
		}
		return written(now.Add(time.Duration(n) * agoUnits[m[2]]).Truncate(time.Second)), true
	}
	return text, false
}

// Counted reports whether a number of s is a time.
func (s *Type) Counted() bool { return s.counted != 0 }

// Time returns the time that a number of an output stands for, as people and
// models read it, or "" for the zero time; ok says whether s is such a time.
func (s *Type) Time(number string) (text string, ok bool) {
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case s.counted == 0 || err != nil:
		return "", false
	case n == 0:
		return "", true
	case s.counted == time.Second:
		return time.Unix(n, 0).UTC().Format(time.RFC3339), true
	}
	return time.UnixMilli(n).UTC().Format(time.RFC3339Nano), true
}

// Milliseconds returns the time in this century that number counts in milliseconds since
// 1970, as people and models read it, or "" if it isn't one.
func Milliseconds(number string) string {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 978_307_200_000 || n >= 4_102_444_800_000 {
		return ""
	}
	return time.UnixMilli(n).UTC().Format(time.RFC3339Nano)
}

// A moment is a text that says when: a time, or a day.
type moment uint8

const (
	noMoment moment = iota
	anInstant
	aDay
	aDayToCome
)

// understood returns the time or the day that text means at now, and whether it
// depends on now; ok says that it means one.
func (m moment) understood(text string, now time.Time) (at string, relative, ok bool) {
	at, relative = rfc3339(text, now, m == aDayToCome)
	t, err := time.Parse(time.RFC3339, at)
	if m != anInstant && err == nil {
		at = t.UTC().Format(time.DateOnly)
	}
	return at, relative, err == nil
}
