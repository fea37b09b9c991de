package wazuh_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestAnAddressIsFoundWhereATemplateOfOnesOwnMapsItAsIP(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SeedIncident()
	s.MapFields("data.srcip:ip")
	for _, f := range []wazuh.GetAlertsInput{{AlertFilter: wazuh.AlertFilter{SourceIP: "198.51.100.23"}}, {AlertFilter: wazuh.AlertFilter{IP: "::FFFF:198.51.100.23"}}, {AlertFilter: wazuh.AlertFilter{SourceIP: "198.51.100.0/24"}}, {AlertFilter: wazuh.AlertFilter{Search: "198.51.100.0/24"}}} {
		found, err := s.Client().GetAlerts(t.Context(), f)
		if err != nil || len(found.Alerts) == 0 {
			t.Errorf("%+v: %+v, %v", f, found, err)
		}
	}
}

// TestANetworkIsFoundInKeywordsAndAddresses has the same addresses where templates
// map them as keyword, as the vendor's does data.srcip, and as ip.
func TestANetworkIsFoundInKeywordsAndAddresses(t *testing.T) {
	t.Parallel()
	addresses := []string{"10.0.0.1", "10.255.1.2", "::ffff:10.20.30.40", "::FFFF:10.20.31.41", "11.0.0.1", "110.0.0.1", "10.200.0.1.example", "172.16.9.9", "172.31.255.255", "172.32.0.1", "192.0.2.77",
		"2001:db8::1", "2001:DB8:5::1", "2001:0db8:0005:0000::7", "2001:db9::1", "fe80::1", "febf::2", "fec0::1", "fd00::8", "-"}
	for _, mapped := range []string{"", "data.srcip:ip"} {
		s := wazuhtest.New(t)
		if mapped != "" {
			s.MapFields(mapped)
		}
		for i, a := range addresses {
			s.AddAlert(time.Now().Add(-time.Duration(i)*time.Second), a, at("data.srcip", a))
		}
		for network, want := range map[string][]string{
			"10.0.0.0/8": {"10.0.0.1", "10.255.1.2", "::FFFF:10.20.31.41", "::ffff:10.20.30.40"}, "10.*": {"10.0.0.1", "10.255.1.2", "::FFFF:10.20.31.41", "::ffff:10.20.30.40"},
			"10.20.30.0/23": {"::FFFF:10.20.31.41", "::ffff:10.20.30.40"}, "10.20.30.40/32": {"::ffff:10.20.30.40"}, "10.20.": {"::FFFF:10.20.31.41", "::ffff:10.20.30.40"}, "172.16.0.0/12": {"172.16.9.9", "172.31.255.255"}, "192.0.2.64/26": {"192.0.2.77"}, "192.0.2.128/25": {},
			"2001:db8::/32": {"2001:0db8:0005:0000::7", "2001:DB8:5::1", "2001:db8::1"}, "2001:db8:5::/48": {"2001:0db8:0005:0000::7", "2001:DB8:5::1"}, "fe80::/10": {"fe80::1", "febf::2"}, "fc00::/7": {"fd00::8"},
		} {
			for name, in := range map[string]wazuh.GetAlertsInput{"source": {AlertFilter: wazuh.AlertFilter{SourceIP: network}, Limit: 50}, "any": {AlertFilter: wazuh.AlertFilter{IP: network}, Limit: 50}} {
				p, err := s.Client().GetAlerts(t.Context(), in)
				if err != nil {
					t.Fatalf("%s %s: %v", name, network, err)
				}
				if diff := cmp.Diff(want, ids(p.Alerts)); diff != "" || p.Note != "" {
					t.Errorf("%s %s, mapped %q (-want +got):\n%s%s", name, network, mapped, diff, p.Note)
				}
			}
		}
	}
}

func TestADestinationNetworkIsCountedToo(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	for i, path := range []string{"data.dstip", "data.win.eventdata.destinationIp", "data.aws.dstaddr", "destination.ip"} {
		s.AddAlert(time.Now(), path, at(path, fmt.Sprintf("203.0.113.%d", 64+i)))
	}
	s.AddAlert(time.Now(), "answers", at("data.win.eventdata.queryResults", "type: 5 x.example;::ffff:203.0.113.65;::ffff:198.51.100.1;"))
	s.AddAlert(time.Now(), "outside", at("data.dstip", "203.0.113.63"))
	st, err := s.Client().GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{AlertFilter: wazuh.AlertFilter{DestinationIP: "203.0.113.64/26"}})
	if err != nil || st.Total != 4 {
		t.Errorf("%+v, %v", st, err)
	}
	if st, err = s.Client().GetAlertStats(t.Context(), wazuh.GetAlertStatsInput{AlertFilter: wazuh.AlertFilter{IP: "203.0.113.64/26"}}); err != nil || st.Total != 5 {
		t.Errorf("with what DNS answered: %+v, %v", st, err)
	}
}

func TestANetworkThatCannotBeLookedForInTextIsSaid(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.AddAlert(time.Now(), "one", at("data.aws.srcaddr", "2001:db8:0:5::1"))
	s.AddAlert(time.Now(), "other", at("data.srcip", "2001:db8:0:5::1"))
	p, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: "2001:db8:0:5::/64"}})
	if err != nil || !strings.Contains(p.Note, "data.srcip") {
		t.Fatalf("%+v, %v", p, err)
	}
	if diff := cmp.Diff([]string{"one"}, ids(p.Alerts)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, in := range []wazuh.GetAlertsInput{{AlertFilter: wazuh.AlertFilter{SourceIP: "10.0.0.0/33"}}, {AlertFilter: wazuh.AlertFilter{DestinationIP: "10.0.0/8"}}, {AlertFilter: wazuh.AlertFilter{IP: "corp.example/8"}}, {AlertFilter: wazuh.AlertFilter{IP: "*"}}, {AlertFilter: wazuh.AlertFilter{SourceIP: "10.2*"}}} {
		if _, err := s.Client().GetAlerts(t.Context(), in); !errors.Is(err, wazuh.ErrInvalid) || !strings.Contains(err.Error(), "10.0.0.0/8") {
			t.Errorf("%+v: %v", in, err)
		}
	}
}

func TestAnAddressIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	for id, address := range map[string]string{"short": "2001:db8::1", "capitals": "2001:DB8::1", "zeros": "2001:0db8:0000:0000:0000:0000:0000:0001", "each zero once": "2001:db8:0:0:0:0:0:1", "CAPITALS": "2001:DB8:0:0:0:0:0:1", "other": "2001:db8::11"} {
		s.AddAlert(time.Now(), id, at("data.srcip", address))
	}
	for _, typed := range []string{"2001:db8::1", "2001:DB8:0::1", "2001:0db8:0000:0000:0000:0000:0000:0001"} {
		p, err := s.Client().GetAlerts(t.Context(), wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{SourceIP: typed}})
		if err != nil || p.Total != 5 {
			t.Errorf("%s: %+v, %v", typed, p, err)
		}
	}
}
