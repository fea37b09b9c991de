// Package hindrance tells what keeps an operator from approving what waits, with the
// command that mends it, to whoever asks: check, a pending answer, a refusal.
package hindrance

import (
	"fmt"
	"os"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
)

// A Hindrance is what stands in the way, and what an operator does about it.
type Hindrance struct {
	Of   string // of which part of the gate, such as "approvers"
	What string
	Mend string
}

// String is both in one sentence.
func (h Hindrance) String() string { return h.What + ": " + h.Mend }

// Command is a command of the gate on the state folder dir, as it is typed. The address
// of a database, which is shown in part only, isn't.
func Command(dir, command string) string {
	text := "gate " + command
	if journal.IsAddress(dir) {
		return text + ", with the same SALLYPORT_STATE,"
	}
	if usual, err := gate.DefaultDir(); err != nil || usual != dir || os.Getenv("SALLYPORT_STATE") != "" {
		text += " -state " + dir
	}
	return text
}

// Of returns what stands in the way at the state folder dir, where so many approvers are
// enrolled and so many proposals wait; full says that no more may.
func Of(dir string, approvers, waiting int, full bool) (all []Hindrance) {
	if approvers == 0 {
		all = append(all, Hindrance{"approvers", "no approver is enrolled in " + dir + ", so nothing that waits can be approved", enrol(dir)})
	}
	if full {
		all = append(all, Hindrance{"proposals", fmt.Sprintf("%d proposals wait, which is as many as may, so each further one is refused", waiting), Room(dir)})
	}
	return all
}

// Room is how an operator makes room for another proposal.
func Room(dir string) string {
	return Command(dir, "pending") + " lists them; approve or deny some"
}

// enrol says what to do about the state folder dir without an approver: where others
// are enrolled, it is the wrong one.
func enrol(dir string) string {
	elsewhere, err := journal.DirFrom(func(name string) string {
		if name == "SALLYPORT_STATE" {
			return ""
		}
		return os.Getenv(name)
	})
	if err == nil && elsewhere != dir {
		if list, err := gate.Approvers(elsewhere); err == nil && len(list) > 0 {
			return fmt.Sprintf("there are approvers in %s: if that is the folder, leave SALLYPORT_STATE out here or set it to that; otherwise run %s", elsewhere, Command(dir, "init"))
		}
	}
	advice := "run " + Command(dir, "init")
	if os.Getenv("SALLYPORT_STATE") == "" {
		advice += "; if that was done, set SALLYPORT_STATE here to the folder that it used"
	}
	return advice
}
