package misp

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// ErrEgress means that something would have gone further than its TLP tag
// allows anybody to decide here. Nothing was changed.
var ErrEgress = errors.New("misp: kept inside")

// red reports whether TLP:RED is among names: what has it never leaves.
func red(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(strings.TrimSpace(n), "tlp:red") })
}

// keptInside refuses to let something that is TLP:RED go to others.
func keptInside(what string, to Distribution) error {
	return fmt.Errorf("%w: %s is TLP:RED and its distribution is %s; TLP:RED never leaves your organisation: its distribution must be 0", ErrEgress, what, to)
}

// checkRed refuses to publish e if it, or a value in it, is TLP:RED and would
// reach others.
func (e *Event) checkRed() error {
	if e.Distribution > OrganisationOnly && red(e.tagNames()) {
		return keptInside("the event", e.Distribution)
	}
	for to, a := range e.reach() {
		if to > OrganisationOnly && slices.ContainsFunc(a.Tags, func(t *Tag) bool { return t != nil && red([]string{t.Name}) }) {
			return keptInside(fmt.Sprintf("attribute %s (%s)", a.ID, a.Type), to)
		}
	}
	return nil
}

// within is who gets something that is in what goes to outer: MISP shares it
// with those only whom both allow.
func (d Distribution) within(outer Distribution) Distribution {
	switch {
	case d == Inherit:
		return outer
	case d == OrganisationOnly || outer == OrganisationOnly:
		return OrganisationOnly
	case d == SharingGroupOnly || outer == SharingGroupOnly:
		return SharingGroupOnly
	}
	return min(d, outer)
}

// reach yields every attribute of e with who gets it, once e is published.
func (e *Event) reach() iter.Seq2[Distribution, *Attribute] {
	return func(yield func(Distribution, *Attribute) bool) {
		each := func(outer Distribution, list []*Attribute) bool {
			for _, a := range list {
				if a != nil && !bool(a.Deleted) && !yield(a.Distribution.within(outer), a) {
					return false
				}
			}
			return true
		}
		if !each(e.Distribution, e.Attributes) {
			return
		}
		for _, o := range e.Objects {
			if o != nil && !bool(o.Deleted) && !each(o.Distribution.within(e.Distribution), o.Attributes) {
				return
			}
		}
	}
}

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

// effective is who gets something in e that has its own distribution, or none.
func (e *Event) effective(own *int) Distribution {
	if own == nil {
		return e.Distribution
	}
	return Distribution(*own).within(e.Distribution)
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
