package misp

import (
	"fmt"
	"slices"
	"strings"
)

// tlp returns the TLP and PAP tags among names.
func tlp(names []string) string {
	var list []string
	for _, n := range names {
		if n = strings.ToLower(strings.TrimSpace(n)); strings.HasPrefix(n, "tlp:") || strings.HasPrefix(n, "pap:") {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ", ")
}

// tlpDoubts are the contradictions between TLP tags and a distribution.
func tlpDoubts(tlp string, d Distribution) []string {
	switch {
	case d > OrganisationOnly && strings.Contains(tlp, "tlp:red"):
		return []string{"the event is TLP:RED, which is not to be passed on, and its distribution is " + d.String()}
	case d == AllCommunities && strings.Contains(tlp, "tlp:amber"):
		return []string{"the event is TLP:AMBER and goes to all communities"}
	case (d == ConnectedCommunities || d == AllCommunities) && strings.Contains(tlp, "tlp:amber+strict"):
		return []string{"the event is TLP:AMBER+STRICT and goes beyond this MISP"}
	}
	return nil
}

// severalTLP warns of TLP tags that contradict each other. MISP doesn't mind.
func severalTLP(names []string) []string {
	var list []string
	for _, n := range strings.Split(tlp(names), ", ") {
		if strings.HasPrefix(n, "tlp:") {
			list = append(list, n)
		}
	}
	if len(list) < 2 {
		return nil
	}
	return []string{"the event would have several TLP tags: " + strings.Join(list, ", ")}
}

// wider warns of something in an event that is to be shared with more than the
// event itself: MISP shares neither with more than the narrower of them allows.
func wider(what string, event Distribution, given *int) []string {
	if given == nil {
		return nil
	}
	switch own := Distribution(*given); {
	case own == Inherit || own == event:
		return nil
	case own == SharingGroupOnly || event == SharingGroupOnly:
		return []string{fmt.Sprintf("%s has another audience (%s) than the event (%s): only who is in both gets it", what, own, event)}
	case own > event:
		return []string{fmt.Sprintf("%s is to be shared with %s, wider than the event, which goes to %s: the event's limit holds until somebody widens it", what, own, event)}
	}
	return nil
}

// checkOwn checks the distribution of something in an event.
func checkOwn(name string, d *int) error {
	if d != nil && (*d < int(OrganisationOnly) || *d > int(Inherit) || *d == int(SharingGroupOnly)) {
		return invalid("%s: %d: want 0 own organisation, 1 this community, 2 connected communities, 3 all communities or 5 as the event", name, *d)
	}
	return nil
}
