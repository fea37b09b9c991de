package wazuh

import "slices"

// An Availability says with which versions of Wazuh a reading operation works.
type Availability struct {
	Operation string // its name in [Client.Ops]
	From      int    // the first Wazuh 4 that it works with, by its second number: 8 for 4.8; 0: all
	Five      bool   // whether it works with Wazuh 5
	Note      string // what differs from version to version, if anything
}

// In reports whether the operation works with a version, such as 4.14.7.
func (a Availability) In(version string) bool {
	if n, err := major(version); err != nil || n == 5 {
		return err == nil && a.Five
	}
	return minor(version) < 0 || minor(version) >= a.From
}

// different are the operations that don't work alike with all versions.
var different = []Availability{
	{"get_alerts", 0, true, "findings of Wazuh 5"},
	{"get_alert", 0, true, "findings of Wazuh 5"},
	{"search_alerts", 0, true, "findings of Wazuh 5"},
	{"wazuh_alert_stats", 0, true, "findings of Wazuh 5"},
	{"wazuh_alert_context", 0, true, "findings of Wazuh 5"},
	{"get_agent_stats", 0, true, "no counters of the agent's daemon with Wazuh 5"},
	{"list_rules", 0, false, ""},
	{"get_rule", 0, false, ""},
	{"search_rules", 0, false, ""},
	{"list_decoders", 0, false, ""},
	{"get_rootcheck", 0, false, ""},
	{"wazuh_search_inventory", 0, true, "agent by agent before 4.13, which have no users, groups, services and browser extensions"},
	{"list_vulnerabilities", 8, true, ""},
	{"search_vulnerabilities", 8, true, ""},
	{"wazuh_tune_preview", 6, false, ""},
	{"wazuh_list_tunings", 6, false, ""},
	{"get_manager_logs", 0, true, "of the node that answers with Wazuh 5"},
	{"get_manager_config", 0, true, "of the node that answers with Wazuh 5; fewer sections and daemons there"},
}

// AvailabilityOf says with which versions an operation works. One that isn't
// available in the version at hand is [ErrUnsupported].
func AvailabilityOf(operation string) Availability {
	i := slices.IndexFunc(different, func(a Availability) bool { return a.Operation == operation })
	if i < 0 {
		return Availability{Operation: operation, Five: true}
	}
	return different[i]
}
