package analysis

import (
	"fmt"
	"time"
)

// JobTimeout is how long a worker may take unless its configuration says.
const JobTimeout = 30 * time.Minute

// Youngest is how old a job is at least that can't end any more: no time-out is
// shorter.
const Youngest = time.Minute

// Dead says why a job of worker that has been InProgress for age won't end any
// more, or returns "": Cortex stops a worker after its time-out, and a job that is
// InProgress still was lost, by a restart of Cortex or by a report that it
// couldn't read.
func Dead(age time.Duration, worker string, may time.Duration) string {
	if age < may+time.Minute {
		return ""
	}
	return fmt.Sprintf("started %s ago, and %s may take %s: it will not end any more", span(age), worker, span(may))
}

// span is a time as a person says it.
func span(d time.Duration) string {
	n, unit := int(d/time.Minute), "minute"
	if d >= 2*time.Hour {
		n, unit = int(d/time.Hour), "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
