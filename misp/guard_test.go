package misp

import (
	"slices"
	"strings"
	"testing"
)

// TestWhoGetsWhatIsWithin keeps what MISP does with a distribution within
// another: only whom both allow gets it.
func TestWhoGetsWhatIsWithin(t *testing.T) {
	t.Parallel()
	const own, community, connected, all, group = OrganisationOnly, CommunityOnly, ConnectedCommunities, AllCommunities, SharingGroupOnly
	for _, outer := range []Distribution{own, community, connected, all, group} {
		want := map[Distribution]Distribution{Inherit: outer, own: own}
		for _, d := range []Distribution{community, connected, all} {
			want[d] = min(d, outer)
			if outer == group {
				want[d] = group
			}
		}
		if want[group] = group; outer == own {
			want[group] = own
		}
		for d, want := range want {
			if got := d.within(outer); got != want {
				t.Errorf("%s within %s: %s, want %s", d, outer, got, want)
			}
			if got := (&Event{Distribution: outer}).effective(&d); got != want {
				t.Errorf("effective of %s in an event for %s: %s, want %s", d, outer, got, want)
			}
		}
		if got := (&Event{Distribution: outer}).effective(nil); got != outer {
			t.Errorf("effective without one in an event for %s: %s", outer, got)
		}
	}
}

func TestReachPassesDownThroughObjects(t *testing.T) {
	t.Parallel()
	e := &Event{Distribution: AllCommunities}
	in := &ObjectHead{Distribution: ConnectedCommunities}
	for want, list := range map[Distribution][]*Attribute{
		AllCommunities: {{Distribution: Inherit}}, CommunityOnly: {{Distribution: CommunityOnly}},
		ConnectedCommunities: {{Distribution: Inherit, Object: in}, {Distribution: AllCommunities, Object: in}}, OrganisationOnly: {{Distribution: OrganisationOnly, Object: in}},
	} {
		for _, a := range list {
			if got := e.reaches(a); got != want {
				t.Errorf("%+v reaches %s, want %s", a, got, want)
			}
		}
	}
}

func TestWhatIsSaidOfWiderSharing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		event Distribution
		own   Distribution
		want  string
	}{
		{CommunityOnly, 0, ""}, {CommunityOnly, 1, ""}, {CommunityOnly, 5, ""}, {AllCommunities, 2, ""},
		{CommunityOnly, 2, "wider than the event"}, {OrganisationOnly, 3, "wider than the event"},
		{SharingGroupOnly, 1, "another audience"}, {CommunityOnly, 4, "another audience"}, {SharingGroupOnly, 4, ""}, {SharingGroupOnly, 5, ""},
	} {
		got := strings.Join(wider("it", tc.event, &tc.own), "\n")
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%d in %s: %q, want %q", tc.own, tc.event, got, tc.want)
		}
	}
	if got := wider("it", CommunityOnly, nil); got != nil {
		t.Errorf("nothing given: %q", got)
	}
}

func TestWhatTLPSaysOfADistribution(t *testing.T) {
	t.Parallel()
	doubt := func(tags string, d Distribution) string {
		return strings.Join(tlpDoubts(tlp(strings.Split(tags, " ")), d), "\n")
	}
	for _, tc := range []struct {
		tags string
		said []Distribution // where there is a doubt
	}{
		{"tlp:clear", nil}, {"tlp:green pap:white", nil}, {"tlp:amber", []Distribution{AllCommunities}},
		{"TLP:AMBER+STRICT", []Distribution{ConnectedCommunities, AllCommunities}},
		{"tlp:red", []Distribution{CommunityOnly, ConnectedCommunities, AllCommunities, SharingGroupOnly}},
	} {
		for d := OrganisationOnly; d <= SharingGroupOnly; d++ {
			if got := doubt(tc.tags, d); (got != "") != slices.Contains(tc.said, d) {
				t.Errorf("%s for %s: %q", tc.tags, d, got)
			}
		}
	}
	if got := tlp([]string{"x", " TLP:Amber", "tlp:amber", "PAP:RED"}); got != "pap:red, tlp:amber" {
		t.Errorf("the tags that count: %q", got)
	}
}

func TestOwnDistributions(t *testing.T) {
	t.Parallel()
	for d, ok := range map[Distribution]bool{-1: false, 0: true, 1: true, 2: true, 3: true, 4: true, 5: true, 6: false} {
		if err := checkOwn("distribution", &d); (err == nil) != ok {
			t.Errorf("%d: %v", d, err)
		}
	}
	if err := checkOwn("distribution", nil); err != nil {
		t.Error(err)
	}
}
