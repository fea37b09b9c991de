package wazuh

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

// clause is a part of a query in OpenSearch's language.
type clause map[string]any

func anyOf(clauses ...clause) clause {
	return clause{"bool": clause{"should": clauses, "minimum_should_match": 1}}
}

func term(field, value string) clause { return clause{"term": clause{field: clause{"value": value}}} }

// termFold is term in any case.
func termFold(field, value string) clause {
	return folded("term", field, value)
}

// folded is a clause about a keyword in any case. The indexer itself takes only
// A to Z for a to z, so that a value with other letters is asked for in each case.
func folded(kind, field, value string) clause {
	var some []clause
	for _, v := range cases(value) {
		some = append(some, clause{kind: clause{field: clause{"value": v, "case_insensitive": true}}})
	}
	if len(some) == 1 {
		return some[0]
	}
	return anyOf(some...)
}

func cases(s string) []string {
	list := []string{s}
	if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		list = append(list, strings.ToLower(s), strings.ToUpper(s))
		slices.Sort(list)
	}
	return slices.Compact(list)
}

// searched are the fields that [GetAlertsInput].Search looks into. In Wazuh's
// indices all of them but full_log are keywords: they are matched whole or not
// at all, except by a wildcard. Many alerts, those of Windows among them, have
// no full_log.
var searched = []string{
	"rule.description", "rule.groups", "rule.id", "rule.mitre.id", "rule.mitre.technique", "rule.mitre.tactic",
	"agent.name", "agent.id", "agent.ip", "manager.name", "location", "decoder.name", "predecoder.program_name", "predecoder.hostname",
	"data.srcip", "data.dstip", "data.srcuser", "data.dstuser", "data.url", "data.command", "data.file",
	"data.win.system.eventID", "data.win.system.computer", "data.win.eventdata.targetUserName", "data.win.eventdata.ipAddress",
	"data.win.eventdata.image", "data.win.eventdata.commandLine", "data.win.eventdata.parentImage",
	"data.vulnerability.cve", "data.sca.check.title", "data.virustotal.source.file",
	"syscheck.path", "syscheck.md5_after", "syscheck.sha1_after", "syscheck.sha256_after",
	"rule.name", "host.name", "user.name", "source.ip", "destination.ip", "process.command_line", "file.path", "url.original",
}

// Of these fields it is known what they can hold. A word that has anything else
// isn't looked for there, since each field costs the indexer time.
var (
	digits   = lazyregexp.New(`^[0-9*]+$`)
	hexOnly  = lazyregexp.New(`^[0-9A-Fa-f*]+$`)
	attackID = lazyregexp.New(`^[Tt0-9.*]+$`)
	cve      = lazyregexp.New(`^[CVEcve0-9*-]+$`)

	holds = map[string]*lazyregexp.Regexp{
		"rule.id": digits, "agent.id": digits, "data.win.system.eventID": digits, "rule.mitre.id": attackID, "data.vulnerability.cve": cve,
		"syscheck.md5_after": hexOnly, "syscheck.sha1_after": hexOnly, "syscheck.sha256_after": hexOnly,
	}
)

func canHold(field, word string) bool { return holds[field] == nil || holds[field].MatchString(word) }

const maxWords = 10

var plainWord = lazyregexp.New(`^[\pL\pN_*]+$`)

// wordClauses returns one clause for each word of s, the argument name. A word
// is found as part of any of fields, which are keywords, or within text, a field
// that is analysed, if there is one; in any case.
func wordClauses(name, s string, fields []string, text string) ([]clause, error) {
	list := words(s)
	switch {
	case len(list) == 0:
		return nil, invalid("%s %q holds nothing to search for", name, clip(s))
	case len(list) > maxWords:
		return nil, invalid("%s has %d words, at most %d are taken; put a phrase into double quotes", name, len(list), maxWords)
	}
	clauses := make([]clause, len(list))
	for i, w := range list {
		pattern := "*" + escaped(w) + "*"
		var some []clause
		address, isAddress := network(w)
		for _, f := range fields {
			switch {
			case !addresses[f] && canHold(f, w):
				some = append(some, wildcard(f, pattern))
			case !addresses[f]:
			case isAddress:
				some = append(some, term(f, address))
			}
		}
		if text != "" {
			some = append(some, clause{"match_phrase": clause{text: strings.ReplaceAll(w, "*", " ")}})
			if plainWord.MatchString(w) { // then it can be part of a single token
				some = append(some, wildcard(text, pattern))
			}
		}
		clauses[i] = anyOf(some...)
	}
	return clauses, nil
}

// escaped returns w as a pattern in which only * has a meaning.
func escaped(w string) string { return strings.NewReplacer(`\`, `\\`, `?`, `\?`).Replace(w) }

func wildcard(field, pattern string) clause { return folded("wildcard", field, pattern) }

// addresses are the fields that the inventories map as addresses, in which no
// part of one can be looked for, but a network.
var addresses = map[string]bool{"source.ip": true, "destination.ip": true, "network.ip": true, "host.ip": true}

var octets = lazyregexp.New(`^([0-9]{1,3}\.){1,3}[0-9]{0,3}\*?$`)

// network returns the address or the network that a word means: 10.20.0.7,
// 10.20.0.0/16, or 10.20. and 10.20.*, which mean that too.
func network(word string) (string, bool) {
	if a, err := netip.ParseAddr(word); err == nil {
		return a.String(), a.Zone() == ""
	}
	if p, err := netip.ParsePrefix(word); err == nil {
		return p.Masked().String(), true
	}
	if !octets.MatchString(word) {
		return "", false
	}
	parts := strings.Split(strings.TrimRight(word, ".*"), ".")
	if len(parts) > 3 || !strings.HasSuffix(strings.TrimRight(word, "*"), ".") && strings.HasSuffix(word, "*") {
		return "", false // 10.2* is no network
	}
	p, err := netip.ParsePrefix(strings.Join(parts, ".") + strings.Repeat(".0", 4-len(parts)) + "/" + strconv.Itoa(8*len(parts)))
	return p.String(), err == nil
}

// words splits s at spaces, except within double quotes.
func words(s string) []string {
	var list []string
	add := func(w string) {
		if strings.Trim(w, "* ") != "" {
			list = append(list, w)
		}
	}
	for {
		s = strings.TrimSpace(s)
		if s == "" {
			return list
		}
		if s[0] == '"' {
			if end := strings.IndexByte(s[1:], '"'); end >= 0 {
				add(strings.TrimSpace(s[1 : 1+end]))
				s = s[end+2:]
				continue
			}
		}
		end := strings.IndexFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' })
		if end < 0 {
			end = len(s)
		}
		add(s[:end])
		s = s[end:]
	}
}

var techniqueID = lazyregexp.New(`^T[0-9]{4}(\.[0-9]{3})?$`)

// techniques returns the clause for alerts that carry any of ids, or a
// sub-technique of one.
func techniques(ids []string) (clause, error) {
	some := make([]clause, 0, 2*len(ids))
	for _, id := range ids {
		t := strings.ToUpper(strings.TrimSpace(id))
		if !techniqueID.MatchString(t) {
			return nil, invalid("mitre_ids: %q is not a technique's id, such as T1110 or T1110.001", clip(id))
		}
		some = append(some, term("rule.mitre.id", t), term("threat.technique.id", t), term("threat.technique.subtechnique.id", t))
		if !strings.Contains(t, ".") {
			some = append(some, clause{"prefix": clause{"rule.mitre.id": clause{"value": t + "."}}})
		}
	}
	return anyOf(some...), nil
}

// An AlertFilter says which alerts are meant: those that pass all that is given.
type AlertFilter struct {
	Level         int      `json:"level,omitempty" jsonschema:"Only alerts of at least this level." minimum:"0" maximum:"16" alias:"min_level"`
	MaxLevel      int      `json:"max_level,omitempty" jsonschema:"Only alerts of at most this level." minimum:"1" maximum:"16"`
	AgentID       AgentID  `json:"agent_id,omitempty" jsonschema:"Only alerts of this agent, such as 007."`
	AgentName     string   `json:"agent_name,omitempty" jsonschema:"Only alerts of the agent with this name, in any case." minLength:"1" maxLength:"128"`
	RuleID        RuleID   `json:"rule_id,omitempty" jsonschema:"Only alerts of this rule, such as 5710."`
	RuleGroup     string   `json:"rule_group,omitempty" jsonschema:"Only alerts of rules in this group, such as authentication_failed." alias:"group" minLength:"1" maxLength:"128"`
	MITREIDs      []string `json:"mitre_ids,omitempty" jsonschema:"Only alerts of any of these ATT&CK techniques; T1110 stands for its sub-techniques too." alias:"mitre_id,techniques" maxItems:"50"`
	MITRETactic   string   `json:"mitre_tactic,omitempty" jsonschema:"Only alerts of this ATT&CK tactic, such as Credential Access." alias:"tactic" minLength:"1" maxLength:"64"`
	Decoder       string   `json:"decoder,omitempty" jsonschema:"Only alerts of events that this decoder took apart, such as sshd." minLength:"1" maxLength:"128"`
	SourceIP      string   `json:"source_ip,omitempty" jsonschema:"Only alerts of events that came from this address." alias:"srcip,src_ip" minLength:"1" maxLength:"64"`
	DestinationIP string   `json:"destination_ip,omitempty" jsonschema:"Only alerts of events that went to this address." alias:"dstip,dst_ip" minLength:"1" maxLength:"64"`
	User          string   `json:"user,omitempty" jsonschema:"Only alerts of events in which this account acts or is acted on, in any case." alias:"username" minLength:"1" maxLength:"256"`
	FileHash      string   `json:"file_hash,omitempty" jsonschema:"Only alerts of a file with this MD5, SHA-1 or SHA-256." alias:"hash" pattern:"^[0-9A-Fa-f]{32}([0-9A-Fa-f]{8}([0-9A-Fa-f]{24})?)?$"`
	Location      string   `json:"location,omitempty" jsonschema:"Only alerts of events from here, such as /var/log/auth.log, in any case; * stands for anything." minLength:"1" maxLength:"256"`
	Search        string   `json:"search,omitempty" jsonschema:"Only alerts in which each of these words is part of the rule's description, groups, id or techniques, of agent, location, decoder, addresses, users, paths, hashes, commands or the log line, in any case. * stands for anything, \"double quotes\" keep words together." alias:"query" minLength:"1" maxLength:"256"`
	StartTime     When     `json:"start_time,omitempty" jsonschema:"Only alerts from this time on: 2025-01-02T03:04:05Z, or how long ago, such as 24h or now-7d."`
	EndTime       When     `json:"end_time,omitempty" jsonschema:"Only alerts up to this time, as start_time."`
}

// equalFold are the filters that a keyword of the index must equal in any case.
var equalFold = []struct {
	value  func(f *AlertFilter) string
	fields []string
}{
	{func(f *AlertFilter) string { return f.AgentName }, []string{"agent.name"}},
	{func(f *AlertFilter) string { return f.RuleGroup }, []string{"rule.groups"}},
	{func(f *AlertFilter) string { return f.MITRETactic }, []string{"rule.mitre.tactic", "threat.tactic.name"}},
	{func(f *AlertFilter) string { return f.Decoder }, []string{"decoder.name"}},
	{func(f *AlertFilter) string { return f.User }, users},
	{func(f *AlertFilter) string { return f.FileHash }, hashes},
}

// clauses returns what an alert must match, as of now.
func (f *AlertFilter) clauses(now time.Time) ([]clause, error) {
	var filter []clause
	if err := checkLevels(f.Level, f.MaxLevel); err != nil {
		return nil, err
	}
	if f.Level > 0 || f.MaxLevel > 0 {
		bounds := clause{"gte": f.Level}
		if f.MaxLevel > 0 {
			bounds["lte"] = f.MaxLevel
		}
		filter = append(filter, clause{"range": clause{"rule.level": bounds}})
	}
	if f.AgentID != "" {
		id, err := f.AgentID.padded()
		if err != nil {
			return nil, err
		}
		filter = append(filter, term("agent.id", id))
	}
	if f.RuleID != "" {
		id, err := f.RuleID.number()
		if err != nil {
			return nil, err
		}
		filter = append(filter, term("rule.id", id))
	}
	if f.FileHash != "" && !fileHash.MatchString(f.FileHash) {
		return nil, invalid("file_hash %q: want an MD5, SHA-1 or SHA-256 in hex", clip(f.FileHash))
	}
	for _, e := range equalFold {
		if v := e.value(f); v != "" {
			var some []clause
			for _, field := range e.fields {
				some = append(some, termFold(field, v))
			}
			filter = append(filter, anyOf(some...))
		}
	}
	if len(f.MITREIDs) > 0 {
		c, err := techniques(f.MITREIDs)
		if err != nil {
			return nil, err
		}
		filter = append(filter, c)
	}
	for _, a := range []struct {
		name, value string
		fields      []string
	}{{"source_ip", f.SourceIP, sources}, {"destination_ip", f.DestinationIP, destinations}} {
		if a.value == "" {
			continue
		}
		addr, err := netip.ParseAddr(strings.TrimSpace(a.value))
		if err != nil {
			return nil, invalid("%s %q is not an address", a.name, clip(a.value))
		}
		filter = append(filter, anyOf(addressIn(addr, a.fields)...))
	}
	if f.Location != "" {
		if strings.Trim(f.Location, "* ") == "" {
			return nil, invalid("location %q holds nothing to search for", clip(f.Location))
		}
		filter = append(filter, anyOf(wildcard("location", escaped(f.Location)), wildcard("log.file.path", escaped(f.Location))))
	}
	start, err := f.StartTime.time("start_time", now)
	if err != nil {
		return nil, err
	}
	end, err := f.EndTime.time("end_time", now)
	if err != nil {
		return nil, err
	}
	if !start.IsZero() || !end.IsZero() {
		bounds := clause{}
		if !start.IsZero() {
			bounds["gte"] = start.UTC().Format(time.RFC3339Nano)
		}
		if !end.IsZero() {
			bounds["lte"] = end.UTC().Format(time.RFC3339Nano)
		}
		if !start.IsZero() && !end.IsZero() && end.Before(start) {
			return nil, invalid("end_time is before start_time")
		}
		filter = append(filter, clause{"range": clause{timeField: bounds}})
	}
	if f.Search != "" {
		c, err := wordClauses("search", f.Search, searched, "full_log")
		if err != nil {
			return nil, err
		}
		filter = append(filter, c...)
	}
	return filter, nil
}

// timeField is the one time that alerts of Wazuh 4 and findings of Wazuh 5 both have.
const timeField = "@timestamp"

// Where the decoders put what an event is about, and last where the Elastic
// Common Schema does, whose words the findings of Wazuh 5 are in.
var (
	sources      = []string{"data.srcip", "data.src_ip", "data.win.eventdata.ipAddress", "source.ip"}
	destinations = []string{"data.dstip", "data.dest_ip", "data.win.eventdata.destinationIp", "destination.ip"}
	users        = []string{
		"data.srcuser", "data.dstuser", "data.win.eventdata.subjectUserName", "data.win.eventdata.targetUserName", "data.win.eventdata.user", "syscheck.audit.login_user.name",
		"user.name", "user.target.name",
	}
	hashes = []string{
		"syscheck.md5_after", "syscheck.sha1_after", "syscheck.sha256_after", "syscheck.md5_before", "syscheck.sha1_before", "syscheck.sha256_before",
		"data.virustotal.source.md5", "data.virustotal.source.sha1", "data.md5", "data.sha1", "data.sha256",
		"file.hash.md5", "file.hash.sha1", "file.hash.sha256",
	}
)

// addressIn matches the address in any of fields as it is usually written, and
// an IPv4 address in its IPv6 form too, which Windows and sshd sometimes write.
func addressIn(addr netip.Addr, fields []string) []clause {
	addr = addr.Unmap()
	forms := []string{addr.String()}
	if addr.Is4() {
		forms = append(forms, "::ffff:"+addr.String())
	}
	var some []clause
	for _, f := range fields {
		if addresses[f] {
			some = append(some, term(f, addr.String()))
			continue
		}
		for _, form := range forms {
			some = append(some, termFold(f, form))
		}
	}
	return some
}

func raw(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("wazuh: query: %w", err)
	}
	return b, nil
}
