package misp

import (
	"slices"
	"strings"
)

// atWork are the types that can name a host and that MISP means for detection
// unless it is told otherwise.
var atWork = []string{"ip-src", "ip-dst", "ip-src|port", "ip-dst|port", "hostname", "hostname|port", "domain", "domain|ip", "url", "uri",
	"email", "email-src", "email-dst", "eppn", "snort", "bro", "zeek", "sigma", "yara", "stix2-pattern", "pattern-in-traffic"}

// PutToWork returns those values that become indicators, on which others block
// or alert: what a policy protects must not be among them. It is for [gate.ActsOn].
func PutToWork(attributes ...NewAttribute) (values []string) {
	for _, a := range attributes {
		if a.ToIDs != nil && !*a.ToIDs || a.ToIDs == nil && !slices.Contains(atWork, a.Type) {
			continue
		}
		for _, v := range indicators(a.asAttribute()) {
			if !smallNumber(v) && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	return values
}

// smallNumber reports whether v is a number too small to be an address: on it
// nobody blocks a host, even if it reads like the id of one.
func smallNumber(v string) bool { return len(v) < 7 && strings.Trim(v, "0123456789") == "" }

func (in AddAttributeInput) actsOn() []string { return PutToWork(in.attribute()) }

func (in AddAttributesBulkInput) actsOn() []string { return PutToWork(in.Attributes...) }

func (in ProposeAttributeInput) actsOn() []string { return PutToWork(in.attribute()) }

// actsOn takes every value that isn't said to be no indicator: the template,
// which isn't at hand, decides on the others.
func (in AddObjectInput) actsOn() []string {
	var list []NewAttribute
	for _, a := range in.Attributes {
		yes := a.ToIDs == nil || *a.ToIDs
		list = append(list, NewAttribute{Type: a.Type, Value: a.Value, ToIDs: &yes})
	}
	return PutToWork(list...)
}
