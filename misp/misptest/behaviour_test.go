package misptest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/misp/misptest"
)

type step struct{ key, method, path, body string } // a method with ! accepts no JSON

// A trait is what a real MISP was seen to do. Each step is one request to a server
// with the incident; the last one's answer is compared.
type trait struct {
	setup  func(*misptest.Server)
	steps  []step
	status int
	want   string // in the body; rows=N and count=N, header Name=value, not TEXT
}

func traits() map[string]trait {
	return map[string]trait{
		"a limit of tags is ignored": {nil, []step{{misptest.Key, "POST", "/tags/index", `{"limit":1}`}}, 200, `tlp:green`},
		"sixty sharing groups at a time": {func(m *misptest.Server) {
			for range 70 {
				m.AddSharingGroup("Partners", true)
			}
		}, []step{{misptest.Key, "GET", "/sharing_groups", ""}}, 200, `rows=60`},
		"a page of sharing groups too far": {func(m *misptest.Server) {
			for range 70 {
				m.AddSharingGroup("Partners", true)
			}
		}, []step{{misptest.Key, "GET", "/sharing_groups/index/page:3", ""}}, 404, `Not Found`},
		"an unknown member of a sharing group": {func(m *misptest.Server) { m.AddSharingGroup("Partners", true, 99) }, []step{{misptest.Key, "GET", "/sharing_groups", ""}}, 200, `"Organisation":[]`},
		"an inactive group is in no list":      {func(m *misptest.Server) { m.AddSharingGroup("Old partners", false) }, []step{{misptest.Key, "GET", "/sharing_groups", ""}}, 200, `rows=1`},
		"feeds of a plain user":                {nil, []step{{misptest.UserKey, "GET", "/feeds", ""}}, 200, `rows=0`},
		"an empty map is a list":               {nil, []step{{misptest.Key, "GET", "/objectTemplates/view/2", ""}}, 200, `"requirements":[]`},
		"integers are strings":                 {nil, []step{{misptest.Key, "GET", "/events/view/1", ""}}, 200, `"orgc_id":"2"`},
		"a decided proposal stays in the list": {nil, []step{{misptest.OtherKey, "POST", "/shadow_attributes/add/4", `{"type":"domain","category":"Network activity","value":"p.example"}`}, {misptest.Key, "POST", "/shadow_attributes/accept/1", `{}`}, {misptest.Key, "GET", "/shadow_attributes/index/4", ""}}, 200, `"deleted":true`},
		"metadata names what correlates":       {nil, []step{{misptest.Key, "POST", "/events/restSearch", `{"returnFormat":"json","eventid":"` + misptest.BruteForceEvent + `","metadata":true}`}}, 200, `"RelatedEvent":[{`},
		"a flattened event has no objects":     {nil, []step{{misptest.Key, "POST", "/objects/add/4/70", `{"Attribute":[{"object_relation":"domain","type":"domain","value":"one.example"}]}`}, {misptest.Key, "POST", "/events/restSearch", `{"returnFormat":"json","eventid":"4","flatten":1}`}}, 200, `not "Object":`},
		"no tags, no member":                   {func(m *misptest.Server) { m.AddEvent(misptest.Event{Info: "bare"}) }, []step{{misptest.Key, "POST", "/events/restSearch", `{"returnFormat":"json","eventid":"8","metadata":true}`}}, 200, `not "Tag"`},
		"an unknown filter finds everything":   {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","comment":"nothing"}`}}, 200, `rows=16`},
		"an empty value finds everything":      {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":""}`}}, 200, `rows=16`},
		"a value is not excluded":              {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"!198.51.100.23"}`}}, 200, `rows=16`},
		"false is no filter":                   {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","to_ids":false}`}}, 200, `rows=16`},
		"zero is a filter":                     {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","to_ids":0}`}}, 200, `rows=7`},
		"published false is no filter":         {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","published":false}`}}, 200, `rows=16`},
		"values in any case":                   {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"PARCEL-NOTICE.EXAMPLE"}`}}, 200, `rows=1`},
		"a whole composite finds nothing":      {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"notice.iso|9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}`}}, 200, `rows=0`},
		"half a composite is found":            {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"NOTICE.iso"}`}}, 200, `rows=1`},
		"a defanged value finds nothing":       {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"parcel-notice[.]example"}`}}, 200, `rows=0`},
		"a backslash escapes": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "regkey", Value: `HKCU\Run\updater`}}})
		}, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"HKCU\\Run\\%"}`}}, 200, `rows=0`},
		"a doubled backslash is one": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "regkey", Value: `HKCU\Run\updater`}}})
		}, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"HKCU\\\\Run\\\\%"}`}}, 200, `rows=1`},
		"an underscore is a wildcard beside a percent": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "filename", Value: "setup_a.exe"}, {Type: "filename", Value: "setupXa.exe"}}})
		}, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"setup_a%"}`}}, 200, `rows=2`},
		"an underscore alone is itself": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "filename", Value: "setup_a.exe"}, {Type: "filename", Value: "setupXa.exe"}}})
		}, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"setup_a.exe"}`}}, 200, `rows=1`},
		"a network is text":                         {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"198.51.100.0/24"}`}}, 200, `rows=1`},
		"an address finds no network":               {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"198.51.100.99"}`}}, 200, `rows=0`},
		"tags with their case":                      {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","tags":["TLP:AMBER"]}`}}, 200, `rows=0`},
		"excluding an unknown tag finds everything": {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","tags":["!no:such"]}`}}, 200, `rows=16`},
		"a tag with a percent":                      {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","tags":["misp-galaxy:%- T1566\""]}`}}, 200, `rows=4`},
		"tags of event and attribute together": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Tags: []string{"a:event"}, Attributes: []misptest.Attribute{{Type: "domain", Value: "one.example", Tags: []string{"a:value"}}, {Type: "domain", Value: "two.example"}}})
		}, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","tags":{"AND":["a:event","a:value"]}}`}}, 200, `rows=1`},
		"an event is excluded by its attribute's tag": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "domain", Value: "one.example", Tags: []string{"a:value"}}}})
		}, []step{{misptest.Key, "POST", "/events/restSearch", `{"returnFormat":"json","eventid":"8","tags":{"NOT":["a:value"]}}`}}, 200, `rows=0`},
		"a title with its case":            {nil, []step{{misptest.Key, "POST", "/events/restSearch", `{"returnFormat":"json","metadata":true,"eventinfo":"phishing with parcel notices"}`}}, 200, `rows=0`},
		"an organisation with its case":    {nil, []step{{misptest.Key, "POST", "/events/restSearch", `{"returnFormat":"json","metadata":true,"org":"cert-example"}`}}, 200, `rows=0`},
		"last needs publication":           {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","eventid":"4","last":"7d"}`}}, 200, `rows=0`},
		"changed doesn't need publication": {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","eventid":"4","attribute_timestamp":"7d"}`}}, 200, `rows=2`},
		"a time that isn't one":            {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","last":"5x"}`}}, 200, `rows=0`},
		"date of events is a beginning":    {nil, []step{{misptest.Key, "POST", "/events/restSearch", `{"returnFormat":"json","metadata":true,"date":"1999-01-01","limit":1}`}}, 200, `"orgc_id"`},
		"date of attributes is ignored":    {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","date":"1999-01-01"}`}}, 200, `rows=16`},
		"first seen then or later": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "domain", Value: "one.example", FirstSeen: "2024-04-01T08:00:00Z"}, {Type: "domain", Value: "two.example", FirstSeen: "2024-05-01T00:00:00Z"}}})
		}, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","first_seen":"2024-04-15T00:00:00Z"}`}}, 200, `rows=1`},
		"listed values are dropped after the page": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "ip-dst", Value: misptest.PublicResolver}, {Type: "ip-dst", Value: "203.0.113.9"}}})
		}, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","eventid":"8","enforceWarninglist":1,"limit":2}`}}, 200, `rows=1 count=3`},
		"a proposed value isn't found":  {nil, []step{{misptest.OtherKey, "POST", "/shadow_attributes/add/4", `{"type":"domain","category":"Network activity","value":"p.example"}`}, {misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","value":"p.example"}`}}, 200, `rows=0`},
		"deleted attributes on request": {func(m *misptest.Server) { m.SoftDelete("4", "svc-backup") }, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","deleted":"only"}`}}, 200, `rows=1`},
		"correlations stop": {func(m *misptest.Server) {
			for range 25 {
				m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "domain", Value: "busy.example"}}})
			}
		}, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","eventid":"32","includeCorrelations":1}`}}, 200, `not "RelatedAttribute":[{`},
		"no correlation of networks": {nil, []step{{misptest.Key, "GET", "/events/view/5", ""}}, 200, `"RelatedEvent":[]`},
		"the order of equal timestamps": {func(m *misptest.Server) {
			for range 12 {
				m.AddEvent(misptest.Event{Info: "wave", Date: time.Unix(1772438400, 0)})
			}
		}, []step{{misptest.Key, "POST", "/events/restSearch", `{"returnFormat":"json","metadata":true,"limit":3,"page":2,"order":"Event.timestamp DESC","eventinfo":"wave"}`}}, 200, `not "id":"15"`},
		"warninglists with their case":         {nil, []step{{misptest.Key, "POST", "/warninglists/checkValue", `["WWW.GOOGLE.COM"]`}}, 200, `rows=0`},
		"warninglists take a bare list":        {nil, []step{{misptest.Key, "POST", "/warninglists/checkValue", `{"value":["www.google.com"]}`}}, 500, `Internal Error`},
		"an unpublished event exports nothing": {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"text","eventid":"4"}`}}, 200, `not svc-backup`},
		"a text export keeps listed values": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Published: true, Attributes: []misptest.Attribute{{Type: "ip-dst", Value: misptest.PublicResolver}}})
		}, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"text","eventid":"8"}`}}, 200, `8.8.8.8`},
		"a UUID in capitals": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", UUID: "38a47dd0-1fc4-4629-886d-5be502b3c79b"})
		}, []step{{misptest.Key, "GET", "/events/view/38A47DD0-1FC4-4629-886D-5BE502B3C79B", ""}}, 404, `Invalid event`},
		"event zero":                       {nil, []step{{misptest.Key, "GET", "/events/view/0", ""}}, 200, `SSH password guessing`},
		"limit zero is everything":         {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","limit":0}`}}, 200, `rows=16 count=16`},
		"a page without a limit":           {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","page":2}`}}, 200, `rows=16`},
		"a full page counts one more":      {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","limit":4}`}}, 200, `rows=4 count=5`},
		"an empty page counts one":         {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","limit":4,"page":9}`}}, 200, `rows=0 count=1`},
		"events count all":                 {nil, []step{{misptest.Key, "POST", "/events/restSearch", `{"returnFormat":"json","metadata":true,"limit":2}`}}, 200, `rows=2 count=6`},
		"a limit that is a word":           {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","limit":"abc"}`}}, 500, `Internal Error`},
		"a negative limit":                 {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","limit":-1}`}}, 200, `rows=16 count=17`},
		"a count of a page":                {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"count","limit":1}`}}, 200, `1`},
		"too many searches":                {func(m *misptest.Server) { m.RateLimit = 2 }, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","limit":1}`}, {misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","limit":1}`}, {misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","limit":1}`}}, 429, `header X-Rate-Limit-Reset=900`},
		"a value is brought into form":     {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"domain","value":" EVIL[.]Example[.]ORG "}`}}, 200, `"value":"evil.example.org"`},
		"only the hash in small letters":   {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"filename|md5","value":"A.EXE|ABABABABABABABABABABABABABABABAB"}`}}, 200, `"value":"A.EXE|abababababababababababababababab"`},
		"a port behind a bar":              {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"ip-dst|port","value":"198.51.100.9:8080"}`}}, 200, `"value":"198.51.100.9|8080"`},
		"halves are brought into form":     {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"domain|ip","value":"Bücher.Example|2001:DB8::0:1"}`}}, 200, `"value":"xn--bcher-kva.example|2001:db8::1"`},
		"a defanged address with a port":   {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"ip-dst|port","value":"198[.]51[.]100[.]9:80"}`}}, 403, `IP address has an invalid format.`},
		"a domain beyond ASCII":            {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"domain","value":"BÜCHER[.]example"}`}}, 200, `"value":"xn--bcher-kva.example"`},
		"a network of one address":         {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"ip-dst","value":"198.51.100.8/32"}`}}, 200, `"value":"198.51.100.8"`},
		"an autonomous system is a number": {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"AS","value":"AS1.10"}`}}, 200, `"value":"65546"`},
		"a value that isn't of its type":   {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"domain","value":"http://evil.example/x"}`}}, 403, `Domain has an invalid format.`},
		"a duplicate in other case":        {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"target-user","value":"SVC-BACKUP"}`}}, 403, `A similar attribute already exists`},
		"the UUID of a deleted attribute is taken": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", Attributes: []misptest.Attribute{{Type: "domain", Value: "one.example", UUID: "38a47dd0-1fc4-4629-886d-5be502b3c79b"}}})
			m.SoftDelete("8", "one.example")
		}, []step{{misptest.Key, "POST", "/attributes/add/8", `{"type":"domain","value":"two.example","uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b"}`}}, 403, `The UUID provided is not unique`},
		"the UUID of a deleted object is taken":  {nil, []step{{misptest.Key, "POST", "/objects/add/4/70", `{"uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","Attribute":[{"object_relation":"domain","type":"domain","value":"one.example"}]}`}, {misptest.Key, "POST", "/objects/delete/2", ""}, {misptest.Key, "POST", "/objects/add/4/70", `{"uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","Attribute":[{"object_relation":"domain","type":"domain","value":"one.example"}]}`}}, 403, `The UUID provided is not unique`},
		"a template's correlation isn't applied": {nil, []step{{misptest.Key, "POST", "/objects/add/4/70", `{"Attribute":[{"object_relation":"domain","type":"domain","value":"one.example"},{"object_relation":"text","type":"text","value":"as seen"}]}`}}, 200, `not "disable_correlation":true`},
		"a feed that can't be read":              {func(m *misptest.Server) { m.AddFeed(misptest.Feed{Name: "x", Enabled: true, Gone: true}) }, []step{{misptest.AdminKey, "POST", "/feeds/fetchFromFeed/3", ""}}, 200, `"result":"Fetching the feed has failed."`},
		"the number of fetched events is none": {func(m *misptest.Server) {
			m.AddFeed(misptest.Feed{Name: "x", Enabled: true, Events: []misptest.Event{{Info: "one"}, {Info: "two"}, {Info: "three"}}})
		}, []step{{misptest.AdminKey, "POST", "/feeds/fetchFromFeed/3", ""}}, 200, `Downloaded 1 new event(s).`},
		"caching what isn't cached":               {nil, []step{{misptest.AdminKey, "POST", "/feeds/cacheFeeds/99", ""}}, 200, `Caching the feeds has successfully completed.`},
		"caching a feed that can't be read":       {func(m *misptest.Server) { m.AddFeed(misptest.Feed{Name: "x", Caching: true, Gone: true}) }, []step{{misptest.AdminKey, "POST", "/feeds/cacheFeeds/3", ""}}, 302, ``},
		"one of several values":                   {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `[{"type":"ip-src","value":"192.0.2.1"},{"type":"ip-src","value":"nonsense"}]`}}, 200, `"attribute_1":{"value":["IP address has an invalid format."]}`},
		"last seen before first seen":             {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"domain","value":"x.example","first_seen":"2024-05-01T00:00:00Z","last_seen":"2024-04-01T00:00:00Z"}`}}, 403, `Last seen value should be greater`},
		"an attribute for no sharing group":       {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"domain","value":"x.example","distribution":4}`}}, 500, `Internal Error`},
		"an attribute for the sharing group zero": {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"domain","value":"x.example","distribution":4,"sharing_group_id":"0"}`}}, 200, `"distribution":"4"`},
		"an event for no sharing group":           {nil, []step{{misptest.Key, "POST", "/events/add", `{"info":"x","distribution":4}`}}, 405, `Invalid Sharing Group`},
		"an event that exists is not found": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", UUID: "38a47dd0-1fc4-4629-886d-5be502b3c79b"})
		}, []step{{misptest.Key, "POST", "/events/add", `{"info":"x","uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b"}`}}, 404, `header Location=/events/8`},
		"a change unpublishes":         {nil, []step{{misptest.Key, "POST", "/attributes/add/2", `{"type":"domain","value":"x.example"}`}, {misptest.Key, "GET", "/events/view/2", ""}}, 200, `"published":false`},
		"a sighting doesn't unpublish": {nil, []step{{misptest.Key, "POST", "/sightings/add", `{"values":["198.51.100.23"]}`}, {misptest.Key, "GET", "/events/view/2", ""}}, 200, `"published":true`},
		"a tag in other case is new": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", UUID: "38a47dd0-1fc4-4629-886d-5be502b3c79b", Tags: []string{"tlp:amber"}})
		}, []step{{misptest.AdminKey, "POST", "/tags/attachTagToObject", `{"uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","tag":"TLP:AMBER"}`}, {misptest.Key, "GET", "/events/view/8", ""}}, 200, `"name":"TLP:AMBER"`},
		"a number is the id of a tag": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", UUID: "38a47dd0-1fc4-4629-886d-5be502b3c79b"})
		}, []step{{misptest.Key, "POST", "/tags/attachTagToObject", `{"uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","tag":"1"}`}}, 200, `Global tag tlp:red(1)`},
		"a tag that is there": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", UUID: "38a47dd0-1fc4-4629-886d-5be502b3c79b", Tags: []string{"tlp:amber"}})
		}, []step{{misptest.Key, "POST", "/tags/attachTagToObject", `{"uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","tag":"tlp:amber"}`}}, 200, `already has the requested tag`},
		"a sighting of nothing":                      {nil, []step{{misptest.Key, "POST", "/sightings/add", `{"values":["nowhere.example"]}`}}, 200, `No valid attributes found that match the criteria.`},
		"sightings of deleted attributes":            {func(m *misptest.Server) { m.SoftDelete("4", "svc-backup") }, []step{{misptest.Key, "POST", "/sightings/add", `{"values":["svc-backup"]}`}}, 200, `"Sighting":{`},
		"all in an object is for detection":          {nil, []step{{misptest.Key, "POST", "/objects/add/4/43b3b146-77eb-4931-b4cc-b66c60f28734", `{"Attribute":[{"object_relation":"text","type":"text","value":"as seen"},{"object_relation":"domain","type":"domain","value":"one.example"}]}`}, {misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"json","eventid":"4","to_ids":1}`}}, 200, `rows=2`},
		"a proposal is for detection":                {nil, []step{{misptest.OtherKey, "POST", "/shadow_attributes/add/4", `{"type":"text","category":"Other","value":"as seen"}`}}, 200, `"to_ids":true`},
		"the same proposal twice":                    {nil, []step{{misptest.OtherKey, "POST", "/shadow_attributes/add/4", `{"type":"domain","category":"Network activity","value":"p.example"}`}, {misptest.OtherKey, "POST", "/shadow_attributes/add/4", `{"type":"domain","category":"Network activity","value":"p.example"}`}}, 200, `"id":"2"`},
		"a proposal of a bad value":                  {nil, []step{{misptest.OtherKey, "POST", "/shadow_attributes/add/4", `{"type":"ip-dst","category":"Network activity","value":"nope"}`}}, 404, `IP address has an invalid format.`},
		"a proposal for one's own event":             {nil, []step{{misptest.Key, "POST", "/shadow_attributes/add/4", `{"type":"domain","category":"Network activity","value":"p.example"}`}}, 200, `"ShadowAttribute":{`},
		"discarding twice":                           {nil, []step{{misptest.OtherKey, "POST", "/shadow_attributes/add/4", `{"type":"domain","category":"Network activity","value":"p.example"}`}, {misptest.Key, "POST", "/shadow_attributes/discard/1", `{}`}, {misptest.Key, "POST", "/shadow_attributes/discard/1", `{}`}}, 500, `Internal Error`},
		"an import answers with its parts beside it": {nil, []step{{misptest.Key, "POST", "/events/upload_stix/2", `{"type":"bundle","id":"bundle--38a47dd0-1fc4-4629-886d-5be502b3c79b","objects":[{"type":"indicator","id":"indicator--1","pattern":"[domain-name:value = 'x.example']"}]}`}}, 200, `},"EventReport":[`},
		"an import is for detection":                 {nil, []step{{misptest.Key, "POST", "/events/upload_stix/2", `{"type":"bundle","id":"bundle--38a47dd0-1fc4-4629-886d-5be502b3c79b","objects":[{"type":"indicator","id":"indicator--1","pattern":"[domain-name:value = 'x.example']"}]}`}}, 200, `"threat_level_id":"4"`},
		"an import of what exists": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", UUID: "38a47dd0-1fc4-4629-886d-5be502b3c79b"})
		}, []step{{misptest.Key, "POST", "/events/upload_stix/2", `{"type":"bundle","id":"bundle--38a47dd0-1fc4-4629-886d-5be502b3c79b","objects":[]}`}}, 403, `Event with the same UUID already exists.`},
		"publishing waits for a worker": {func(m *misptest.Server) { m.BackgroundJobs = true }, []step{{misptest.Key, "POST", "/events/publish/4", ""}, {misptest.Key, "GET", "/events/view/4", ""}}, 200, `"published":false`},
		"publishing twice":              {nil, []step{{misptest.Key, "POST", "/events/publish/4", ""}, {misptest.Key, "POST", "/events/publish/4", ""}}, 200, `Event published without alerts`},
		"a deleted event is blocked": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", UUID: "38a47dd0-1fc4-4629-886d-5be502b3c79b"})
		}, []step{{misptest.Key, "POST", "/events/delete/8", ""}, {misptest.Key, "POST", "/events/add", `{"info":"x","uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b"}`}}, 403, `Event blocked by event blocklist.`},
		"deleting no event":              {nil, []step{{misptest.Key, "POST", "/events/delete/999", ""}}, 403, `Event was not deleted.`},
		"deleting softly twice":          {nil, []step{{misptest.Key, "POST", "/attributes/delete/11", ""}, {misptest.Key, "POST", "/attributes/delete/11", ""}}, 404, `Invalid attribute`},
		"looking at a deleted attribute": {nil, []step{{misptest.Key, "POST", "/attributes/delete/11", ""}, {misptest.Key, "GET", "/attributes/view/11", ""}}, 405, `Invalid attribute`},
		"the list of blocked events":     {nil, []step{{misptest.Key, "GET", "/eventBlocklists/index", ""}}, 403, `You do not have permission`},
		"a wrong key":                    {nil, []step{{"no-such-key", "GET", "/servers/getVersion", ""}}, 403, `Authentication failed.`},
		"a foreign event isn't changed":  {nil, []step{{misptest.OtherKey, "POST", "/attributes/add/4", `{"type":"domain","value":"x.example"}`}}, 403, `You do not have permission to do that.`},
		"publishing a foreign event":     {nil, []step{{misptest.OtherKey, "POST", "/events/publish/4", ""}}, 405, `You do not have the permission to do that.`},
		"an event of others only":        {nil, []step{{misptest.Key, "GET", "/events/view/6", ""}}, 404, `Invalid event`},
		"a new tag needs a permission": {func(m *misptest.Server) {
			m.AddEvent(misptest.Event{Info: "x", UUID: "38a47dd0-1fc4-4629-886d-5be502b3c79b"})
		}, []step{{misptest.Key, "POST", "/tags/attachTagToObject", `{"uuid":"38a47dd0-1fc4-4629-886d-5be502b3c79b","tag":"made:up"}`}}, 403, `insufficient privileges to create it`},
		"accepting one's own change":   {nil, []step{{misptest.OtherKey, "POST", "/shadow_attributes/edit/11", `{"type":"target-user","category":"Targeting data","value":"svc-copy"}`}, {misptest.OtherKey, "POST", "/shadow_attributes/accept/1", `{}`}}, 405, `Proposal not found`},
		"accepting one's own proposal": {nil, []step{{misptest.OtherKey, "POST", "/shadow_attributes/add/4", `{"type":"domain","category":"Network activity","value":"p.example"}`}, {misptest.OtherKey, "POST", "/shadow_attributes/accept/1", `{}`}}, 302, ``},
		"feeds of a publisher":         {nil, []step{{misptest.Key, "POST", "/feeds/enable/1", ""}}, 403, `You do not have permission to use this functionality.`},
		"the role of a key":            {nil, []step{{misptest.ReadOnlyKey, "GET", "/users/view/me", ""}}, 200, `"perm_add":false`},
		"without accepting JSON":       {nil, []step{{misptest.Key, "GET!", "/servers/getVersion", ""}}, 302, `header Location=/users/login`},
		"broken JSON":                  {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{`}}, 405, `Invalid JSON input`},
		"an unknown format":            {nil, []step{{misptest.Key, "POST", "/attributes/restSearch", `{"returnFormat":"nonsense"}`}}, 404, `Invalid output format.`},
		"what is refused by field":     {nil, []step{{misptest.Key, "POST", "/attributes/add/4", `{"type":"ip-src","value":"nonsense"}`}}, 403, `"errors":{"value":["IP address has an invalid format."]}`},
		"publishing by GET":            {nil, []step{{misptest.Key, "GET", "/events/publish/4", ""}}, 500, `Internal Error`},
		"the version":                  {nil, []step{{misptest.ReadOnlyKey, "GET", "/servers/getVersion", ""}}, 200, `"perm_sighting":false`},
	}
}

// TestWhatMISPDoes holds the fake to what a real MISP was seen to do.
func TestWhatMISPDoes(t *testing.T) {
	t.Parallel()
	for name, tt := range traits() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := misptest.New(t)
			m.SeedIncident()
			if tt.setup != nil {
				tt.setup(m)
			}
			var res *http.Response
			var body string
			for _, x := range tt.steps {
				res, body = ask(t, m, x.key, x.method, x.path, x.body)
			}
			if res.StatusCode != tt.status {
				t.Fatalf("%d, want %d: %s", res.StatusCode, tt.status, body)
			}
			switch kind, rest, _ := strings.Cut(tt.want, " "); {
			case strings.HasPrefix(kind, "rows="):
				got := "rows=" + strconv.Itoa(rows(t, body))
				if rest != "" {
					got += " count=" + res.Header.Get("X-Result-Count")
				}
				if got != tt.want {
					t.Errorf("%s, want %s: %s", got, tt.want, body)
				}
			case kind == "header":
				if name, value, _ := strings.Cut(rest, "="); res.Header.Get(name) != value || res.Header.Get("Retry-After") != "" {
					t.Errorf("%v, want %s", res.Header, rest)
				}
			case kind == "not":
				if strings.Contains(body, rest) {
					t.Errorf("%q in %s", rest, body)
				}
			case !strings.Contains(body, tt.want):
				t.Errorf("%q isn't in %s", tt.want, body)
			}
		})
	}
}

// ask sends one request and doesn't follow redirects.
func ask(t *testing.T, m *misptest.Server, key, method, path, body string) (*http.Response, string) {
	t.Helper()
	method, bare := strings.CutSuffix(method, "!")
	r, err := http.NewRequestWithContext(t.Context(), method, m.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", key)
	if !bare {
		r.Header.Set("Accept", "application/json")
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

// rows counts what an answer lists, bare or in an envelope.
func rows(t *testing.T, body string) int {
	t.Helper()
	var list []json.RawMessage
	if json.Unmarshal([]byte(body), &list) == nil {
		return len(list)
	}
	var wrapped struct {
		Response json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal([]byte(body), &wrapped); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if json.Unmarshal(wrapped.Response, &list) == nil {
		return len(list)
	}
	var attributes struct {
		Attribute []json.RawMessage `json:"Attribute"`
	}
	if err := json.Unmarshal(wrapped.Response, &attributes); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return len(attributes.Attribute)
}

// Values, and what MISP 2.5.1 makes of them: "" for one that it refuses.
func TestValuesAreKeptAsMISPKeepsThem(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	for _, v := range [][3]string{
		{"ip-src", "198.51.100.1/33", ""}, {"ip-src", "2001:DB8::/32", "2001:db8::/32"}, {"ip-src", "::FFFF:198.51.100.9", "::FFFF:198.51.100.9"}, {"ip-src", "fe80::1%eth0", ""}, {"ip-src", "198.51.100.010", ""},
		{"ip-src|port", "[2001:DB8::5]:443", "2001:db8::5|443"}, {"ip-src|port", "2001:db8::6:443", "2001:db8::6|443"}, {"ip-dst|port", "198.51.100.9|0", ""}, {"ip-dst|port", "198.51.100.9", ""},
		{"hostname", "HOST_1.Example.ORG", "host_1.example.org"}, {"hostname", "host.example.org.", ""}, {"hostname", "bücher.example", ""}, {"hostname|port", "Host.example.org:8080", "host.example.org|8080"},
		{"domain", "localhost", ""}, {"domain", "example.net.", "example.net"}, {"domain", "straße.example", "strasse.example"}, {"domain", "exa mple.org", ""}, {"domain|ip", "a.example|b.example", ""},
		{"email-src", "not-a-mail", ""}, {"email-src", "A[@]B[dot]example", "a@b.example"}, {"url", "HXXP://a[.]b/C(dot)d", "http://a.b/C.d"}, {"url", "http[:]//e.example/", "http://e.example/"},
		{"link", "hxxps://x[.]example/Y", "https://x.example/Y"}, {"link", "x.example/y", ""}, {"AS", "AS4294967296", ""}, {"AS", "as0", "0"}, {"vulnerability", "cve–2024–12345", "CVE-2024-12345"}, {"vulnerability", "CVE-24-1", ""},
		{"weakness", "cwe-79", "CWE-79"}, {"mac-address", "0011.2233.4455", "00:11:22:33:44:55"}, {"mac-address", "aa bb", ""}, {"port", "65536", ""}, {"port", "080", "080"}, {"email-subject", "a\nb", ""}, {"comment", "a\nb", "a\nb"},
		{"filename|sha1", "A.exe|DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "A.exe|da39a3ee5e6b4b0d3255bfef95601890afd80709"}, {"filename|md5", "a.exe|abcd", ""}, {"filename|md5", "a|b|d41d8cd98f00b204e9800998ecf8427e", ""}, {"imphash", "xyz", ""},
	} {
		id := m.AddEvent(misptest.Event{Info: "x"})
		sent, err := json.Marshal(map[string]string{"type": v[0], "value": v[1]})
		if err != nil {
			t.Fatal(err)
		}
		res, body := ask(t, m, misptest.Key, "POST", "/attributes/add/"+id, string(sent))
		kept := res.StatusCode == http.StatusOK && strings.Contains(body, `"value":`+strconv.Quote(v[2])+`,`)
		if refused := res.StatusCode == http.StatusForbidden; v[2] == "" && !refused || v[2] != "" && !kept {
			t.Errorf("%s %q: %d %s, want %q", v[0], v[1], res.StatusCode, body, v[2])
		}
	}
}

// TestEachTypeTakesWhatMISPTakes holds each type that there is against one value that
// MISP 2.5.1 takes, and how it keeps that, and one that it refuses, where it does. Held
// against its own AttributeValidationTool were 247 values of each.
func TestEachTypeTakesWhatMISPTakes(t *testing.T) {
	t.Parallel()
	const never = "\x00"
	hash := func(n int) string { return strings.Repeat("Ab", n/2) }
	type row struct{ types, value, kept, refused string }
	rows := []row{
		{"ip-src ip-dst", "198.51.100.8/32", "198.51.100.8", "nope"},
		{"ip-src|port ip-dst|port", "2001:DB8::5 port 80", "2001:db8::5|80", "198.51.100.8|x"},
		{"domain hostname", "Evil.example", "evil.example", "evil"},
		{"domain|ip", "Evil.example.|2001:DB8::1", "evil.example|2001:db8::1", "evil.example|x"},
		{"hostname|port", "Evil.example:80", "evil.example|80", "evil.example|0"},
		{"email email-src email-dst target-email whois-registrant-email", "A@Evil.example", "a@evil.example", "a"},
		{"eppn dns-soa-email jabber-id", "A@Evil.example", "A@Evil.example", "a"},
		{"port", "443", "443", "0"}, {"AS", "AS1.10", "65546", "x"}, {"mac-eui-64", "AABB.CCDD.EEFF.0011", "aa:bb:cc:dd:ee:ff:00:11", "aa:bb:cc:dd:ee:ff"}, {"mac-address", "AABB.CCDD.EEFF", "aa:bb:cc:dd:ee:ff", "aa"},
		{"vulnerability", "cve-2024-12345", "CVE-2024-12345", "CVE-1"}, {"weakness", "cwe-79", "CWE-79", "79"}, {"link", "hxxps://x[.]example/", "https://x.example/", "x.example"},
		{"onion-address", "EXPYUZZ4WQQYQHJN.onion", "expyuzz4wqqyqhjn.onion", "vww6ybal4bd7szmgncyruucpgfkqahzddi37ktceo3ah7ngmcopnpyyd.onion"},
		{"btc dash xmr", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "bc1q-x"},
		{"iban", "de89 3704-0044 0532 0130 00", "DE89370400440532013000", "--"}, {"bic", "deut-de-ff", "DEUTDEFF", "--"}, {"bin cc-number", "4111 1111-1111", "411111111111", "x"},
		{"aba-rtn bank-account-nr float", "-1.5e3", "-1.5e3", "1,5"}, {"prtn phone-number whois-registrant-phone", "0049 (0)30 555-1234", "+49305551234", "x"},
		{"datetime", "2024-01-02 03:04:05", "2024-01-02T03:04:05.000000+0000", "2024-13-45"}, {"boolean", "no", "1", never}, {"integer", "", "", "5"},
		{"size-in-bytes counter", "12", "12", "1.5"}, {"hex", "cafe", "CAFE", "xyz"}, {"http-method", "get", "GET", "FETCH"}, {"cortex", `{"a":1}`, `{"a":1}`, "{a:1}"},
		{"ssdeep", "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C", "3:AX"}, {"impfuzzy", "24:x+y:z", "24:x+y:z", "x:y:z"},
		{"filename|ssdeep", "A.exe|3:aB:cD", "A.exe|3:aB:cD", "a.exe|abc"}, {"filename|impfuzzy", "", "", "a"},
		{"tlsh", "T1" + hash(70), "t1" + strings.ToLower(hash(70)), hash(34)}, {"filename|tlsh", "A.exe|T1" + hash(70), "A.exe|t1" + strings.ToLower(hash(70)), "a.exe|abc"}, {"telfhash", "T1" + hash(70), "t1" + strings.ToLower(hash(70)), hash(64)},
		{"vhash", "016Z!x", "016z!x", "a\nb"}, {"filename|vhash", "A.exe|016Z!x", "A.exe|016z!x", "a.exe|"}, {"cdhash", hash(44), strings.ToLower(hash(44)), hash(32)},
		{"ssh-fingerprint", "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8", "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8", "SHA256:short"},
		{"windows-service-name windows-service-displayname", "Evil Service", "Evil Service", `a\b`}, {"malware-sample", "A.exe|x", "A.exe|x", "A.exe"}, {"regkey|value", `HKLM\X|1`, `HKLM\X|1`, `HKLM\X`},
		{"anonymised", "Two\nLines", "two\nlines", never},
		{"mutex process-state snort bro zeek community-id pattern-in-file pattern-in-traffic pattern-in-memory filename-pattern pgp-public-key pgp-private-key yara stix2-pattern " +
			"sigma gene kusto-query mime-type identity-card-number cookie attachment comment text other cpe email-attachment email-body email-header first-name middle-name last-name full-name",
			"Two\nLines \U0001f600", "Two\nLines ?", never},
		{"url", "hxxp://Evil[.]example/(dot)x", "http://Evil.example/.x", "a\nb"},
		{"uri user-agent regkey filename pdb windows-scheduled-task target-user campaign-name campaign-id threat-actor target-machine target-org target-location target-external email-subject malware-type " +
			"whois-registrant-name whois-registrant-org whois-registrar whois-creation-date date-of-birth place-of-birth gender passport-number passport-country passport-expiration redress-number nationality " +
			"visa-number issue-date-of-the-visa primary-residence country-of-residence special-service-request frequent-flyer-number travel-details payment-details place-port-of-original-embarkation " +
			"place-port-of-clearance place-port-of-onward-foreign-destination passenger-name-record-locator-number email-dst-display-name email-src-display-name email-reply-to email-x-mailer email-mime-boundary " +
			"email-thread-index email-message-id github-username github-repository github-organisation twitter-id dkim dkim-signature favicon-mmh3 chrome-extension-id mobile-application-id azure-application-id named_pipe",
			"Two Words|x", "Two Words|x", "a\nb"},
	}
	for n, types := range map[int]string{32: "md5 imphash ja3-fingerprint-md5 hassh-md5 hasshserver-md5 dom-hash", 40: "sha1 pehash", 56: "sha224 sha512/224 sha3-224", 62: "jarm-fingerprint",
		64: "sha256 authentihash sha512/256 sha3-256", 96: "sha384 sha3-384", 128: "sha512 sha3-512"} {
		rows = append(rows, row{types, hash(n), strings.ToLower(hash(n)), hash(n)[1:]})
	}
	for n, types := range map[int]string{32: "md5 imphash", 40: "sha1 pehash", 56: "sha224 sha512/224 sha3-224", 64: "sha256 authentihash sha512/256 sha3-256", 96: "sha384 sha3-384", 128: "sha512 sha3-512"} {
		for typ := range strings.FieldsSeq(types) {
			rows = append(rows, row{"filename|" + typ, "A.exe|" + hash(n), "A.exe|" + strings.ToLower(hash(n)), "|" + hash(n)})
		}
	}
	for typ, n := range map[string]int{"x509-fingerprint-md5": 32, "x509-fingerprint-sha1": 40, "x509-fingerprint-sha256": 64} {
		rows = append(rows, row{typ, strings.TrimSuffix(strings.Repeat("Ab:", n/2), ":"), strings.ToLower(hash(n)), "ab"})
	}
	rows = append(rows, row{"git-commit-id", hash(40), hash(40), hash(38)})

	m := misptest.New(t)
	id := m.AddEvent(misptest.Event{Info: "x"})
	add := func(typ, value string) (status int, body string) {
		sent, err := json.Marshal(map[string]string{"type": typ, "value": value})
		if err != nil {
			t.Fatal(err)
		}
		res, body := ask(t, m, misptest.Key, "POST", "/attributes/add/"+id, string(sent))
		return res.StatusCode, body
	}
	seen := map[string]bool{}
	for _, r := range rows {
		for typ := range strings.FieldsSeq(r.types) {
			typ = strings.ReplaceAll(typ, "named_pipe", "named pipe")
			seen[typ] = true
			want, err := json.Marshal(r.kept)
			if err != nil {
				t.Fatal(err)
			}
			if status, body := add(typ, r.value); r.value != "" && (status != http.StatusOK || !strings.Contains(body, `"value":`+string(want)+`,`)) {
				t.Errorf("%s %q: %d %s, want %s", typ, r.value, status, body, want)
			}
			if status, body := add(typ, r.refused); r.refused != never && (status != http.StatusForbidden || !strings.Contains(body, `"errors":{"value":[`)) {
				t.Errorf("%s %q: %d %s, want a refusal", typ, r.refused, status, body)
			}
		}
	}
	_, body := ask(t, m, misptest.Key, "GET", "/attributes/describeTypes", "")
	var described struct{ Result struct{ Types []string } }
	if err := json.Unmarshal([]byte(body), &described); err != nil {
		t.Fatal(err)
	}
	for _, typ := range described.Result.Types {
		if !seen[typ] {
			t.Errorf("no value of type %s is held against MISP", typ)
		}
	}
	if len(seen) != len(described.Result.Types) {
		t.Errorf("%d types, MISP has %d", len(seen), len(described.Result.Types))
	}
	if status, body := add("filename|impfuzzy", "a.exe|3:a:b"); status != http.StatusInternalServerError {
		t.Errorf("the type of which MISP doesn't know the form: %d %s", status, body)
	}
}

func TestASiteAdministratorChangesEveryEvent(t *testing.T) {
	t.Parallel()
	for _, x := range [][2]string{
		{"/attributes/add/1", `{"type":"domain","value":"x.example"}`}, {"/events/edit/1", `{"threat_level_id":1}`}, {"/tags/attachTagToObject", `{"uuid":"EVENT","tag":"tlp:amber"}`},
		{"/objects/add/1/70", `{"Attribute":[{"object_relation":"domain","type":"domain","value":"one.example"}]}`}, {"/events/publish/1", ""}, {"/events/delete/1", ""},
	} {
		m := misptest.New(t)
		m.SeedIncident()
		_, event := ask(t, m, misptest.AdminKey, "GET", "/events/view/1", "")
		var view struct{ Event struct{ UUID string } }
		if err := json.Unmarshal([]byte(event), &view); err != nil {
			t.Fatal(err)
		}
		body := strings.ReplaceAll(x[1], "EVENT", view.Event.UUID)
		if res, text := ask(t, m, misptest.Key, "POST", x[0], body); res.StatusCode < 400 && !strings.Contains(text, `"saved":false`) {
			t.Errorf("%s by another organisation: %d %s", x[0], res.StatusCode, text)
		}
		if res, text := ask(t, m, misptest.AdminKey, "POST", x[0], body); res.StatusCode != http.StatusOK || strings.Contains(text, `"saved":false`) {
			t.Errorf("%s by the site administrator: %d %s", x[0], res.StatusCode, text)
		}
	}
}
