package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/nearest"
)

// serviceLink matches what Kubernetes puts into every container for each
// Service, and Docker for each link.
var serviceLink = lazyregexp.New(`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)

func isServiceLink(name, value string) bool {
	if strings.HasSuffix(name, "_PORT") && (strings.HasPrefix(value, "tcp://") || strings.HasPrefix(value, "udp://") || strings.HasPrefix(value, "sctp://")) {
		return true
	}
	return serviceLink.MatchString(name)
}

// names are variables that have the prefix and are no settings.
type names []string

func (n names) warnings() []string {
	switch len(n) {
	case 0:
		return nil
	case 1:
		return []string{n[0] + " is not a setting of ours and is ignored"}
	}
	return []string{strings.Join(n, ", ") + " are not settings of ours and are ignored"}
}

// errs is the warning as an error, beside errors that it may explain.
func (n names) errs() (errs []error) {
	for _, w := range n.warnings() {
		errs = append(errs, fmt.Errorf("%s", w))
	}
	return errs
}

// unknown sorts the variables that are no settings into those that are
// somebody else's and those that are near to one: to ignore a setting that is
// misspelt would be not to keep to it.
func (g Group) unknown(vars map[string]string) (others names, misspelt []error) {
	known := map[string]bool{}
	for _, s := range g.Settings {
		for _, n := range s.names() {
			known[n] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		if known[name] || isServiceLink(name, vars[name]) {
			continue
		}
		if near := g.near(name, known); near != "" {
			misspelt = append(misspelt, fmt.Errorf("%s is not a known setting; did you mean %s?", name, near))
		} else {
			others = append(others, name)
		}
	}
	return others, misspelt
}

// near returns the setting that name is probably meant to be.
func (g Group) near(name string, known map[string]bool) string {
	upper := strings.ToUpper(name)
	best, least := "", 100
	for _, k := range slices.Sorted(maps.Keys(known)) {
		tail := k[len(g.Prefix):]
		allowed := 2
		if len(tail) <= 4 {
			allowed = 1
		}
		d := nearest.Distance(upper[len(g.Prefix):], tail)
		if words(upper) == words(k) || letters(upper) == letters(k) {
			d = min(d, 1)
		}
		if d <= allowed && d < least {
			best, least = k, d
		}
	}
	return best
}

// words returns the words of a name in a fixed order.
func words(name string) string {
	list := strings.Split(name, "_")
	slices.Sort(list)
	return strings.Join(list, "_")
}

// letters returns a name without what separates its words.
func letters(name string) string { return strings.NewReplacer("_", "", "-", "", ".", "").Replace(name) }
