package misp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/marking"
	"github.com/sallyport-soc/sallyport/internal/clip"
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

// redTag is the tag of what never leaves, in the case that MISP's taxonomy has.
const redTag = "tlp:red"

// checkRed refuses to publish e if it, or a value in it, is TLP:RED and would
// reach others.
func (c *Client) checkRed(ctx context.Context, e *Event) error {
	if e.Distribution == OrganisationOnly {
		return nil
	}
	if red(e.tagNames()) {
		return keptInside("the event", e.Distribution)
	}
	names, known, err := c.nearTags(ctx, redTag)
	switch {
	case err != nil: // ask for it as it is written most
		names = []string{redTag, strings.ToUpper(redTag)}
	case known:
		names = append(names, redTag)
	}
	if names = slices.DeleteFunc(names, func(n string) bool { return !red([]string{n}) }); len(names) == 0 {
		return nil // nothing on this server has it
	}
	for a, err := range c.contents(ctx, e, anyTag(names...)) {
		if err != nil {
			return err
		}
		if to := e.reaches(a); to > OrganisationOnly {
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

// reaches is who gets a, which is in e, once e is published.
func (e *Event) reaches(a *Attribute) Distribution {
	to := e.Distribution
	if a.Object != nil {
		to = a.Object.Distribution.within(to)
	}
	return a.Distribution.within(to)
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

// markings are the tags of each scale, from open to closed.
var markings = sync.OnceValue(func() map[string][]string {
	m := map[string][]string{}
	for l := marking.TLPClear; l <= marking.TLPRed; l++ {
		m["TLP"] = append(m["TLP"], l.Tag())
	}
	for l := marking.PAPClear; l <= marking.PAPRed; l++ {
		m["PAP"] = append(m["PAP"], l.Tag())
	}
	return m
})

// loweredMarking warns where the highest TLP or PAP among tags would be lower than it
// was, or gone.
func loweredMarking(before, after []string) (warnings []string) {
	highest := func(scale string, tags []string) (at int, name string) {
		for _, t := range tags {
			t = strings.Replace(strings.ToLower(strings.TrimSpace(t)), ":white", ":clear", 1)
			if i := slices.Index(markings()[scale], t) + 1; i > at {
				at, name = i, t
			}
		}
		return at, cmp.Or(name, "none")
	}
	for _, scale := range []string{"TLP", "PAP"} {
		had, was := highest(scale, before)
		if has, is := highest(scale, after); has < had {
			warnings = append(warnings, fmt.Sprintf("%s is lowered: %s -> %s", scale, was, is))
		}
	}
	return warnings
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
func (e *Event) effective(own *Distribution) Distribution {
	if own == nil {
		return e.Distribution
	}
	return own.within(e.Distribution)
}

// wider warns of something in an event that is to be shared with more than the
// event itself: MISP shares neither with more than the narrower of them allows.
func wider(what string, event Distribution, given *Distribution) []string {
	if given == nil {
		return nil
	}
	switch own := *given; {
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
func checkOwn(name string, d *Distribution) error {
	if d != nil && (*d < OrganisationOnly || *d > Inherit) {
		return invalid("%s: %d: want 0 own organisation, 1 this community, 2 connected communities, 3 all communities, 4 a sharing group or 5 as the event", name, *d)
	}
	return nil
}

// checkGroup checks the sharing group of something in an event.
func checkGroup(d *Distribution, group NumericID) error {
	switch {
	case group == "":
		return nil
	case d == nil || *d != SharingGroupOnly:
		return invalid("sharingGroupId: only distribution 4 takes it")
	case !numberRegexp.MatchString(string(group)):
		return invalid("sharingGroupId: %q is not the id of a sharing group", clip.Text(string(group), 60))
	}
	return nil
}

// checkGroupGiven refuses the distribution of a sharing group without one: MISP
// answers with an internal error. It names those that the key may use.
func (c *Client) checkGroupGiven(ctx context.Context, d *Distribution, group NumericID) error {
	if d == nil || *d != SharingGroupOnly || group != "" {
		return nil
	}
	list, err := c.sharingGroups(ctx)
	if err != nil {
		return invalid("sharingGroupId: distribution 4 needs it; misp_list_sharing_groups has the groups")
	}
	names := make([]string, 0, len(list))
	for _, g := range list {
		names = append(names, fmt.Sprintf("%s %q", g.ID, g.Name))
	}
	if len(names) == 0 {
		return invalid("sharingGroupId: distribution 4 needs it, and the key may use no sharing group")
	}
	return invalid("sharingGroupId: distribution 4 needs it; the key may use %s", clip.Text(strings.Join(names, ", "), 500))
}

// toGroup puts into p who is in the sharing group that something goes to.
func (c *Client) toGroup(ctx context.Context, group NumericID, p *gate.Plan) error {
	to, active, err := c.groupMembers(ctx, ID(group))
	if err != nil {
		return err
	}
	if !active {
		p.Warnings = append(p.Warnings, inactiveGroup)
	}
	p.Changes = append(p.Changes, gate.Set("shared with, once published", to))
	return nil
}
