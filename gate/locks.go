package gate

import (
	"reflect"
	"strings"
)

// Confirmation is embedded in the inputs of operations that must be confirmed.
// The argument alone opens nothing: an agent can fill it in.
type Confirmation struct {
	Confirm bool `json:"confirm,omitempty"` // whether it is really meant
}

// Confirmed reports whether the call confirms the action.
func (c Confirmation) Confirmed() bool { return c.Confirm }

// A Confirmer is an input that can confirm its action.
type Confirmer interface{ Confirmed() bool }

// An Exempter is a [Confirmer] with a form that its operation's confirmation
// isn't for, such as the addition of what it confirms to remove. A call in that
// form is neither asked to confirm nor authorised by a switch that is for the
// other one: it is decided like any operation without a lock.
type Exempter interface{ ExemptFromConfirmation() bool }

// A HardConfirmer is an input that can ask for something irreversible and must
// then confirm that too.
type HardConfirmer interface {
	// ConfirmedHard reports whether the irreversible form is asked for, and
	// whether that is confirmed.
	ConfirmedHard() (hard, confirmed bool)
}

// verdict is what one lock says of one call; the strictest of all locks wins.
type verdict uint8

const (
	verdictOpen   verdict = iota // nothing against it
	verdictFree                  // the operator has authorised it beforehand
	verdictAsk                   // an approval is needed whatever else says free
	verdictDryRun                // show the plan, change nothing
	verdictClosed                // refuse
)

type lock struct {
	name   string
	asks   bool         // asks the call to confirm a change: no matter for a read
	needs  reflect.Type // what the input must implement
	reason Reason
	check  func(getenv func(string) string, in any) verdict
}

func withLock(l lock) Option { return func(o *options) { o.locks = append(o.locks, l) } }

// on reports whether an operator's switch is on. What isn't clearly on is off.
func on(value string) bool {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "1", "true", "yes", "on":
		return true
	}
	return false
}

// Env locks an operation behind a switch in the operator's environment: 1,
// true, yes or on. Approval is needed all the same.
func Env(name string) Option {
	return withLock(lock{name: "env " + name, reason: ReasonOff, check: func(getenv func(string) string, _ any) verdict {
		if on(getenv(name)) {
			return verdictOpen
		}
		return verdictClosed
	}})
}

// EnvSet locks an operation behind a variable that must hold some value, such
// as a credential, or name_FILE that of a file.
func EnvSet(name string) Option {
	return withLock(lock{name: "env " + name + " set", reason: ReasonNotAvailable, check: func(getenv func(string) string, _ any) verdict {
		if getenv(name) != "" || getenv(name+"_FILE") != "" {
			return verdictOpen
		}
		return verdictClosed
	}})
}

// A Sensitive input asks for something that the operator must have allowed.
type Sensitive interface{ WantsSensitive() bool }

// EnvIfSensitive locks those calls that ask for sensitive data behind a switch
// in the operator's environment. The input must implement [Sensitive].
func EnvIfSensitive(name string) Option {
	return withLock(lock{name: "env " + name + " if sensitive", needs: reflect.TypeFor[Sensitive](), reason: ReasonOff,
		check: func(getenv func(string) string, in any) verdict {
			if !in.(Sensitive).WantsSensitive() || on(getenv(name)) {
				return verdictOpen
			}
			return verdictClosed
		}})
}

// Confirm locks an operation until the call confirms it. The input must
// implement [Confirmer]; embed [Confirmation].
func Confirm() Option {
	return withLock(lock{name: "confirm", asks: true, needs: reflect.TypeFor[Confirmer](), reason: ReasonUnconfirmed,
		check: func(_ func(string) string, in any) verdict {
			if in.(Confirmer).Confirmed() {
				return verdictOpen
			}
			return verdictClosed
		}})
}

// ConfirmOrEnv locks an operation until the call confirms it, or lets it run
// without approval when the operator's switch says so. An input that implements
// [Exempter] has a form to which neither applies.
func ConfirmOrEnv(name string) Option {
	return withLock(lock{name: "confirm or env " + name, asks: true, needs: reflect.TypeFor[Confirmer](), reason: ReasonUnconfirmed,
		check: func(getenv func(string) string, in any) verdict {
			x, partly := in.(Exempter)
			switch {
			case partly && x.ExemptFromConfirmation():
				return verdictOpen
			case on(getenv(name)):
				return verdictFree
			case in.(Confirmer).Confirmed():
				return verdictOpen
			}
			return verdictClosed
		}})
}

// ConfirmHard locks the irreversible form of an operation until the call
// confirms that too, and asks for approval always: no switch replaces it. The
// input must implement [HardConfirmer].
func ConfirmHard() Option {
	return withLock(lock{name: "confirmHard", asks: true, needs: reflect.TypeFor[HardConfirmer](), reason: ReasonUnconfirmed,
		check: func(_ func(string) string, in any) verdict {
			switch hard, confirmed := in.(HardConfirmer).ConfirmedHard(); {
			case !hard:
				return verdictOpen
			case confirmed:
				return verdictAsk
			}
			return verdictClosed
		}})
}

// DryRunUnless makes an operation show its plan and change nothing, unless the
// call confirms it or the operator's switch authorises it beforehand.
func DryRunUnless(name string) Option {
	return withLock(lock{name: "dry run unless confirm or env " + name, asks: true, needs: reflect.TypeFor[Confirmer](),
		check: func(getenv func(string) string, in any) verdict {
			switch {
			case on(getenv(name)):
				return verdictFree
			case in.(Confirmer).Confirmed():
				return verdictOpen
			}
			return verdictDryRun
		}})
}
