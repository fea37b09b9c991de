package attack

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
)

// Domain is one of the three parts of ATT&CK.
type Domain string

// The domains of ATT&CK.
const (
	Enterprise Domain = "enterprise"
	Mobile     Domain = "mobile"
	ICS        Domain = "ics"
)

// Enum lists the domains.
func (Domain) Enum() []any { return []any{Enterprise, Mobile, ICS} }

// STIX returns the name that bundles and Navigator layers use, such as enterprise-attack.
func (d Domain) STIX() string { return string(d) + "-attack" }

// domains has the lists for each set of domains, so that asking for them allocates nothing.
var domains = func() (lists [facts.All + 1][]Domain) {
	for set := range lists {
		for _, d := range facts.Domains(set).Each() {
			lists[set] = append(lists[set], Domain(d.Name()))
		}
		lists[set] = slices.Clip(lists[set])
	}
	return lists
}()

// domainSet turns a list into a set. An empty list is all domains.
func domainSet(list []Domain) (facts.Domains, error) {
	if len(list) == 0 {
		return facts.All, nil
	}
	var set facts.Domains
	for _, d := range list {
		i := slices.Index(domains[facts.All], d)
		if i < 0 {
			return 0, fmt.Errorf("attack: no domain %q: choose from %s", d, join(domains[facts.All]))
		}
		set |= facts.Enterprise << i
	}
	return set, nil
}

// join lists words for an error text.
func join[S ~string](words []S) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
