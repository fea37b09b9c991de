package cortex

import (
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/secret"
)

// described are the words that make a setting a secret where its description has them.
var described = lazyregexp.New(`(?i)\b(password|passphrase|token|secret|credentials?|api[ _-]?key|private[ _-]?key|pfx|bearer)\b`)

// plain are the last words of names that hold no secret: where something is, and
// what is looked for. Every other text in a configuration is taken for a secret.
var plain = lazyregexp.New(`(url|uri|host|hostname|fqdn|server|address|service|endpoint|port|region|domain|zone|zonename|subsidiary|cloud|from|to|recipient|recipients|index|queue|project|tenant|` +
	`tag|tags|field|fields|list|category|categories|country|locale|platform|version|mode|action|type|format|level|severity|status|visibility|policy|filter|size|interval|timeout|threshold|limit|path|rules|device|useragent|guid|name|prefix|language)s?$`)

// secret reports whether only the operator may give the setting x: unless it is
// a number or a switch, or of a name that holds none.
func (x ConfigItem) secret() bool {
	switch {
	case x.Type == "number" || x.Type == "boolean":
		return false
	case secret.CortexSettings.Name(x.Name), described.MatchString(x.Description):
		return true
	}
	return !plain.MatchString(secret.Folded(x.Name))
}
