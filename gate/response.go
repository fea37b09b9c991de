package gate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// Bulk asks for approval, by more approvers if it says so, of a call that is about many
// things: cases that are closed, hosts that are acted on. No standing choice of the
// operator replaces that. The zero value asks for no more.
type Bulk struct {
	Over      int // a call about more things than this
	Approvers int // needs this many; 0 means 1
}

func (b Bulk) check(p Policy) error {
	switch {
	case b == (Bulk{}):
		return nil
	case b.Over < 1 || b.Approvers < 0 || b.Approvers > maxQuorum:
		return fmt.Errorf("gate: bulk: over %d things %d approvers: want over at least 1, and 1 to %d approvers", b.Over, b.Approvers, maxQuorum)
	case b.Approvers < 2:
		return nil
	case p.Approval != ApprovalOperator || p.Destructive != ApprovalOperator:
		return fmt.Errorf("gate: bulk: %d approvers can't be had unless the operator approves both writes and destructive operations", b.Approvers)
	}
	return nil
}

// A Response is an action on hosts that the operator allows, such as blocking an
// address. Who proposes one names it and what it acts on; the command comes from here.
type Response struct {
	Name     string   `json:"name"`                // how it is asked for: block-address
	Command  string   `json:"command"`             // as the platform calls it: firewall-drop180, or !script
	Takes    string   `json:"takes"`               // what it acts on beside the host: address, user or nothing
	Reverse  string   `json:"reverse,omitempty"`   // the command that takes it back; empty: it ends by itself, or never
	Proof    string   `json:"proof,omitempty"`     // the rule of the alert that shows that a host has done it
	Undone   string   `json:"undone,omitempty"`    // the rule of the alert that shows that a host has taken it back
	OS       []string `json:"os,omitempty"`        // linux, windows, darwin: which hosts have the command; empty: all
	MaxHosts int      `json:"max_hosts,omitempty"` // how many hosts one call may name; 1 unless set

	Arguments []string `json:"arguments,omitempty"` // what the command is given beside, back and forth; nothing of it comes from who proposes
}

// What a [Response] acts on beside the host.
const (
	TakesAddress = "address"
	TakesUser    = "user"
	TakesNothing = "nothing"
)

const maxHosts = 1000

var (
	responseName    = lazyregexp.New(`^[a-z][a-z0-9-]{0,63}$`)
	responseCommand = lazyregexp.New(`^!?[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	ruleNumber      = lazyregexp.New(`^[1-9][0-9]{0,8}$`)
)

func checkResponses(list []Response) error {
	seen := map[string]bool{}
	for _, r := range list {
		refuse := func(format string, args ...any) error {
			return fmt.Errorf("gate: response %q: %s", r.Name, fmt.Sprintf(format, args...))
		}
		switch {
		case !responseName.MatchString(r.Name):
			return refuse("want a name of small letters, digits and hyphens")
		case seen[r.Name]:
			return refuse("stands there twice")
		case !responseCommand.MatchString(r.Command):
			return refuse("command %q: want a name with its time-out, as firewall-drop180, or !script", r.Command)
		case r.Reverse != "" && !responseCommand.MatchString(r.Reverse):
			return refuse("reverse %q: want a name with its time-out, or !script", r.Reverse)
		case r.Takes != TakesAddress && r.Takes != TakesUser && r.Takes != TakesNothing:
			return refuse("takes %q: want address, user or nothing", r.Takes)
		case r.Proof != "" && !ruleNumber.MatchString(r.Proof), r.Undone != "" && !ruleNumber.MatchString(r.Undone):
			return refuse("proof %q and undone %q: want the numbers of rules, as 651", r.Proof, r.Undone)
		case r.MaxHosts < 0 || r.MaxHosts > maxHosts:
			return refuse("max_hosts %d: want 1 to %d", r.MaxHosts, maxHosts)
		}
		if len(r.Arguments) > 16 || slices.ContainsFunc(r.Arguments, func(a string) bool { return a == "" || len(a) > 256 || strings.ContainsFunc(a, unicode.IsControl) }) {
			return refuse("arguments: want at most 16, of 1 to 256 bytes in one line")
		}
		for _, os := range r.OS {
			if os != "linux" && os != "windows" && os != "darwin" {
				return refuse("os %q: want linux, windows or darwin", os)
			}
		}
		seen[r.Name] = true
	}
	return nil
}

// Hosts is how many hosts one call may name.
func (r Response) Hosts() int { return max(1, r.MaxHosts) }

// Ends is after what time hosts take the response back by themselves, which stands
// at the end of its command as a number of seconds; 0: they don't.
func (r Response) Ends() time.Duration {
	if strings.HasPrefix(r.Command, "!") {
		return 0
	}
	n, err := strconv.Atoi(r.Command[len(strings.TrimRight(r.Command, "0123456789")):])
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}
