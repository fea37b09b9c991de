package wazuh

import (
	"strconv"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// When is a time: RFC 3339 as 2025-01-02T03:04:05Z, a date, now, or how long
// ago, as 24h or now-7d. The units are s, m, h, d and w. A date means the whole
// of that day, as a beginning and as an end. What names no zone is in that of
// the client's configuration. Seconds or milliseconds since 1970 are a time too.
type When string

// At returns the When of a time; the zero time gives the empty one.
func At(t time.Time) When {
	if t.IsZero() {
		return ""
	}
	return When(t.UTC().Format(time.RFC3339Nano))
}

// Pattern is the form of a time, for schemas.
func (When) Pattern() string {
	return `^(now|(now)?-?[0-9]{1,9}[smhdw]|[0-9]{9,10}|[0-9]{12,13}|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]{5,18}(Z|[+-][0-9]{2}:?[0-9]{2})?)?)$`
}

var ago = lazyregexp.New(`^(?:now)?-?([0-9]{1,9})([smhdw])$`)

// time returns the time that w means at now; the empty one means the zero time.
// What names no zone is in zone, and a date alone is its first instant.
func (w When) time(field string, now time.Time, zone *time.Location) (time.Time, error) {
	t, _, err := w.read(field, now, zone)
	return t, err
}

// end is time for the end of a span: a date alone is its last instant.
func (w When) end(field string, now time.Time, zone *time.Location) (time.Time, error) {
	t, date, err := w.read(field, now, zone)
	if err != nil || !date {
		return t, err
	}
	return t.In(zone).AddDate(0, 0, 1).Add(-time.Millisecond).UTC(), nil
}

// read also says whether w is a date alone.
func (w When) read(field string, now time.Time, zone *time.Location) (t time.Time, date bool, err error) {
	switch w {
	case "":
		return time.Time{}, false, nil
	case "now":
		return now, false, nil
	}
	if m := ago.FindStringSubmatch(string(w)); m != nil {
		n, err := strconv.Atoi(m[1])
		unit := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]
		if err != nil || n > int(100*365*24*time.Hour/unit) {
			return time.Time{}, false, invalid("%s %q is longer ago than a hundred years", field, clip.Text(string(w), shownBytes))
		}
		return now.Add(-time.Duration(n) * unit), false, nil
	}
	if n, err := strconv.ParseInt(string(w), 10, 64); err == nil && n >= 1e8 && n < 1e13 { // since 1970, in seconds or milliseconds
		if n < 1e11 {
			n *= 1000
		}
		return time.UnixMilli(n).UTC(), false, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, string(w), zone); err == nil {
			return t.UTC(), layout == time.DateOnly, nil
		}
	}
	return time.Time{}, false, invalid("%s %q: want a time such as 2025-01-02T03:04:05Z, or how long ago, such as 24h or now-7d", field, clip.Text(string(w), shownBytes))
}
