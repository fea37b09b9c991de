package schema

import (
	"strconv"
	"time"
)

// timeForms are how people write a time, beside RFC 3339. Without an offset it is UTC.
var timeForms = []string{"2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
	"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

// rfc3339 returns the time that text means: a date, a date and time, or seconds
// or milliseconds since 1970. What it doesn't know it returns as it is.
func rfc3339(text string) string {
	if _, err := time.Parse(time.RFC3339, text); err == nil {
		return text
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 1e8 && n < 1e13 {
		if n < 1e11 {
			n *= 1000
		}
		return time.UnixMilli(n).UTC().Format(time.RFC3339Nano)
	}
	return text
}
