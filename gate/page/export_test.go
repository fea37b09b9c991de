package page

import "time"

// SetClock makes p take the time from now.
func SetClock(p *Page, now func() time.Time) { p.now = now }
