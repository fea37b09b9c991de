package wazuh

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// clause is a part of a query in OpenSearch's language.
type clause map[string]any

func anyOf(clauses ...clause) clause {
	return clause{"bool": clause{"should": clauses, "minimum_should_match": 1}}
}

func term(field, value string) clause { return clause{"term": clause{field: clause{"value": value}}} }

// termFold is term in any case.
func termFold(field, value string) clause {
	return clause{"term": clause{field: clause{"value": value, "case_insensitive": true}}}
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
}

const maxWords = 10

var plainWord = regexp.MustCompile(`^[\pL\pN_*]+$`)

// textClauses returns one clause for each word of s. A word is found as part
// of any of the searched fields, in any case.
func textClauses(s string) ([]clause, error) {
	list := words(s)
	switch {
	case len(list) == 0:
		return nil, invalid("search %q holds nothing to search for", clip(s))
	case len(list) > maxWords:
		return nil, invalid("search has %d words, at most %d are taken; put a phrase into double quotes", len(list), maxWords)
	}
	clauses := make([]clause, len(list))
	for i, w := range list {
		pattern := "*" + strings.NewReplacer(`\`, `\\`, `?`, `\?`).Replace(w) + "*"
		var some []clause
		for _, f := range searched {
			some = append(some, wildcard(f, pattern))
		}
		some = append(some, clause{"match_phrase": clause{"full_log": strings.ReplaceAll(w, "*", " ")}})
		if plainWord.MatchString(w) { // then it can be part of a single token
			some = append(some, wildcard("full_log", pattern))
		}
		clauses[i] = anyOf(some...)
	}
	return clauses, nil
}

func wildcard(field, pattern string) clause {
	return clause{"wildcard": clause{field: clause{"value": pattern, "case_insensitive": true}}}
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

var techniqueID = regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`)

// techniques returns the clause for alerts that carry any of ids, or a
// sub-technique of one.
func techniques(ids []string) (clause, error) {
	some := make([]clause, 0, 2*len(ids))
	for _, id := range ids {
		t := strings.ToUpper(strings.TrimSpace(id))
		if !techniqueID.MatchString(t) {
			return nil, invalid("mitre_ids: %q is not a technique's id, such as T1110 or T1110.001", clip(id))
		}
		some = append(some, term("rule.mitre.id", t))
		if !strings.Contains(t, ".") {
			some = append(some, clause{"prefix": clause{"rule.mitre.id": clause{"value": t + "."}}})
		}
	}
	return anyOf(some...), nil
}

// query returns the query for what in asks for.
func (in *GetAlertsInput) query() (json.RawMessage, error) {
	var filter []clause
	if in.Level < 0 || in.MaxLevel < 0 || in.MaxLevel != 0 && in.MaxLevel < in.Level {
		return nil, invalid("level %d to max_level %d: want 0 to 16, the lower first", in.Level, in.MaxLevel)
	}
	if in.Level > 0 || in.MaxLevel > 0 {
		bounds := clause{"gte": in.Level}
		if in.MaxLevel > 0 {
			bounds["lte"] = in.MaxLevel
		}
		filter = append(filter, clause{"range": clause{"rule.level": bounds}})
	}
	if in.AgentID != "" {
		id, err := in.AgentID.padded()
		if err != nil {
			return nil, err
		}
		filter = append(filter, term("agent.id", id))
	}
	if in.AgentName != "" {
		filter = append(filter, termFold("agent.name", in.AgentName))
	}
	if in.RuleID != "" {
		id, err := in.RuleID.number()
		if err != nil {
			return nil, err
		}
		filter = append(filter, term("rule.id", id))
	}
	if in.RuleGroup != "" {
		filter = append(filter, termFold("rule.groups", in.RuleGroup))
	}
	if len(in.MITREIDs) > 0 {
		c, err := techniques(in.MITREIDs)
		if err != nil {
			return nil, err
		}
		filter = append(filter, c)
	}
	if in.SourceIP != "" {
		addr, err := netip.ParseAddr(strings.TrimSpace(in.SourceIP))
		if err != nil {
			return nil, invalid("source_ip %q is not an address", clip(in.SourceIP))
		}
		filter = append(filter, anyOf(sourceIs(addr)...))
	}
	if !in.StartTime.IsZero() || !in.EndTime.IsZero() {
		bounds := clause{}
		if !in.StartTime.IsZero() {
			bounds["gte"] = in.StartTime.UTC().Format(time.RFC3339Nano)
		}
		if !in.EndTime.IsZero() {
			bounds["lte"] = in.EndTime.UTC().Format(time.RFC3339Nano)
		}
		if !in.StartTime.IsZero() && !in.EndTime.IsZero() && in.EndTime.Before(in.StartTime) {
			return nil, invalid("end_time is before start_time")
		}
		filter = append(filter, clause{"range": clause{"timestamp": bounds}})
	}
	if in.Search != "" {
		c, err := textClauses(in.Search)
		if err != nil {
			return nil, err
		}
		filter = append(filter, c...)
	}
	if len(filter) == 0 {
		return raw(clause{"match_all": clause{}})
	}
	return raw(clause{"bool": clause{"filter": filter}})
}

// sources are where the decoders put the address that something came from.
var sources = []string{"data.srcip", "data.src_ip", "data.win.eventdata.ipAddress"}

// sourceIs matches the address as it is usually written, and an IPv4 address
// in its IPv6 form too, which Windows and sshd sometimes write.
func sourceIs(addr netip.Addr) []clause {
	addr = addr.Unmap()
	forms := []string{addr.String()}
	if addr.Is4() {
		forms = append(forms, "::ffff:"+addr.String())
	}
	var some []clause
	for _, f := range sources {
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
