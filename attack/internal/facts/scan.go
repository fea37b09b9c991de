package facts

import (
	"context"
	"encoding/json"
	"unicode/utf8"
)

// scanner takes JSON apart that is in memory as a whole, and decodes of it only what a bundle needs: that is several times
// as fast as reflection. It knows no errors but only that the text isn't what was expected; encoding/json then says why.
// Names of members are case-sensitive, as STIX has it.
type scanner struct {
	b   []byte
	at  int
	bad bool
}

func (s *scanner) fail() { s.bad, s.at = true, len(s.b) }

// next returns the next byte that isn't a space, without taking it; 0 at the end.
func (s *scanner) next() byte {
	for s.at < len(s.b) {
		switch c := s.b[s.at]; c {
		case ' ', '\n', '\t', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// take takes one byte, if it is the next.
func (s *scanner) take(c byte) bool {
	if s.next() != c || s.at >= len(s.b) {
		return false
	}
	s.at++
	return true
}

func (s *scanner) expect(c byte) {
	if !s.take(c) {
		s.fail()
	}
}

// word takes a literal such as null.
func (s *scanner) word(w string) {
	if len(s.b)-s.at < len(w) || string(s.b[s.at:s.at+len(w)]) != w {
		s.fail()
		return
	}
	s.at += len(w)
}

// null takes a null, if it is the next. It stands for a member that is absent.
func (s *scanner) null() bool {
	if s.next() != 'n' {
		return false
	}
	s.word("null")
	return true
}

// raw takes a string and returns what is between its quotes, and whether that is all plain.
func (s *scanner) raw() (text []byte, plain bool) {
	s.expect('"')
	start, ascii := s.at, true
	plain = true
	for s.at < len(s.b) {
		switch c := s.b[s.at]; {
		case c == '"':
			text = s.b[start:s.at]
			s.at++
			return text, plain && (ascii || utf8.Valid(text))
		case c == '\\':
			plain = false
			s.escape()
		case c < 0x20:
			s.fail()
		default:
			ascii = ascii && c < utf8.RuneSelf
			s.at++
		}
	}
	s.fail()
	return nil, true
}

// escape takes one escaped character.
func (s *scanner) escape() {
	if s.at+1 >= len(s.b) {
		s.fail()
		return
	}
	switch s.b[s.at+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.at += 2
	case 'u':
		if len(s.b)-s.at < 6 {
			s.fail()
			return
		}
		for _, c := range s.b[s.at+2 : s.at+6] {
			if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
				s.fail()
				return
			}
		}
		s.at += 6
	default:
		s.fail()
	}
}

// text takes a string, or a null for an empty one.
func (s *scanner) text() string {
	if s.null() {
		return ""
	}
	s.next()
	start := s.at
	raw, plain := s.raw()
	if plain {
		return string(raw)
	}
	var out string
	if s.bad || json.Unmarshal(s.b[start:s.at], &out) != nil {
		s.fail()
	}
	return out
}

// flag takes a boolean.
func (s *scanner) flag() bool {
	switch s.next() {
	case 't':
		s.word("true")
		return true
	case 'f':
		s.word("false")
	case 'n':
		s.word("null")
	default:
		s.fail()
	}
	return false
}

// members calls f with the name of each member of an object; f must take its value.
func (s *scanner) members(f func(name []byte)) {
	if s.null() {
		return
	}
	s.expect('{')
	if s.take('}') {
		return
	}
	for !s.bad {
		s.next()
		name, plain := s.raw()
		if !plain {
			s.fail() // no name in STIX needs an escape
		}
		s.expect(':')
		f(name)
		if s.take('}') {
			return
		}
		s.expect(',')
	}
}

// elements calls f before each element of an array; f must take it.
func (s *scanner) elements(f func()) {
	if s.null() {
		return
	}
	s.expect('[')
	if s.take(']') {
		return
	}
	for !s.bad {
		f()
		if s.take(']') {
			return
		}
		s.expect(',')
	}
}

// maxDepth is how deep values may be nested.
const maxDepth = 1000

// skip takes any value.
func (s *scanner) skip(depth int) {
	if depth > maxDepth {
		s.fail()
		return
	}
	switch c := s.next(); {
	case c == '"':
		s.raw()
	case c == '{':
		s.members(func([]byte) { s.skip(depth + 1) })
	case c == '[':
		s.elements(func() { s.skip(depth + 1) })
	case c == 't':
		s.word("true")
	case c == 'f':
		s.word("false")
	case c == 'n':
		s.word("null")
	default:
		s.number()
	}
}

func (s *scanner) number() {
	digits := func() {
		from := s.at
		for s.at < len(s.b) && '0' <= s.b[s.at] && s.b[s.at] <= '9' {
			s.at++
		}
		if s.at == from {
			s.fail()
		}
	}
	is := func(c byte) bool { return s.at < len(s.b) && s.b[s.at] == c }
	if is('-') {
		s.at++
	}
	if is('0') {
		s.at++
	} else {
		digits()
	}
	if is('.') {
		s.at++
		digits()
	}
	if is('e') || is('E') {
		s.at++
		if is('+') || is('-') {
			s.at++
		}
		digits()
	}
}

func (s *scanner) strings() (out []string) {
	s.elements(func() { out = append(out, s.text()) })
	return out
}

// bundle takes a whole bundle, and reports whether it is one and nothing follows it.
func (s *scanner) bundle(ctx context.Context, b *Bundle) bool {
	isBundle, hasObjects := false, false
	if s.next() != '{' {
		return false
	}
	s.members(func(name []byte) {
		switch string(name) {
		case "type":
			isBundle = s.text() == "bundle"
			if !isBundle {
				s.fail()
			}
		case "objects":
			if hasObjects || s.next() != '[' {
				s.fail()
				return
			}
			hasObjects = true
			n := 0
			s.elements(func() {
				if n%1024 == 0 && ctx.Err() != nil {
					s.fail()
					return
				}
				n++
				var o stixObject
				s.object(&o)
				if b.keep(&o) != nil {
					s.fail()
				}
			})
		default:
			s.skip(0)
		}
	})
	return !s.bad && isBundle && hasObjects && s.next() == 0 && s.at == len(s.b)
}

// object takes one STIX object.
func (s *scanner) object(o *stixObject) {
	if s.next() != '{' {
		s.fail()
		return
	}
	s.members(func(name []byte) {
		switch string(name) {
		case "type":
			o.Type = s.text()
		case "id":
			o.ID = s.text()
		case "name":
			o.Name = s.text()
		case "description":
			o.Description = s.text()
		case "revoked":
			o.Revoked = s.flag()
		case "x_mitre_deprecated":
			o.Deprecated = s.flag()
		case "x_mitre_version":
			o.Version = s.text()
		case "external_references":
			o.References = nil
			s.elements(func() { o.References = append(o.References, s.reference()) })
		case "kill_chain_phases":
			o.Phases = nil
			s.elements(func() { o.Phases = append(o.Phases, s.phase()) })
		case "x_mitre_platforms":
			o.Platforms = s.strings()
		case "aliases":
			o.Aliases = s.strings()
		case "x_mitre_aliases":
			o.MitreAliases = s.strings()
		case "x_mitre_is_subtechnique":
			o.Subtechnique = s.flag()
		case "x_mitre_shortname":
			o.ShortName = s.text()
		case "tactic_refs":
			o.TacticRefs = s.strings()
		case "x_mitre_analytic_refs":
			o.AnalyticRefs = s.strings()
		case "x_mitre_log_source_references":
			o.LogRefs = nil
			s.elements(func() { o.LogRefs = append(o.LogRefs, s.log()) })
		case "x_mitre_log_sources":
			o.LogSources = nil
			s.elements(func() { o.LogSources = append(o.LogSources, s.log()) })
		case "x_mitre_related_assets":
			o.RelatedAssets = nil
			s.elements(func() { o.RelatedAssets = append(o.RelatedAssets, s.named()) })
		case "first_seen":
			o.FirstSeen = s.text()
		case "last_seen":
			o.LastSeen = s.text()
		case "relationship_type":
			o.RelationshipType = s.text()
		case "source_ref":
			o.SourceRef = s.text()
		case "target_ref":
			o.TargetRef = s.text()
		default:
			s.skip(0)
		}
	})
}

func (s *scanner) reference() (r stixReference) {
	s.members(func(name []byte) {
		switch string(name) {
		case "source_name":
			r.Source = s.text()
		case "external_id":
			r.ExternalID = s.text()
		case "url":
			r.URL = s.text()
		case "description":
			r.Description = s.text()
		default:
			s.skip(0)
		}
	})
	return r
}

func (s *scanner) phase() (p stixPhase) {
	s.members(func(name []byte) {
		switch string(name) {
		case "kill_chain_name":
			p.Chain = s.text()
		case "phase_name":
			p.Name = s.text()
		default:
			s.skip(0)
		}
	})
	return p
}

func (s *scanner) log() (l stixLog) {
	s.members(func(name []byte) {
		switch string(name) {
		case "x_mitre_data_component_ref":
			l.Component = s.text()
		case "name":
			l.Name = s.text()
		case "channel":
			l.Channel = s.text()
		default:
			s.skip(0)
		}
	})
	return l
}

func (s *scanner) named() (n stixNamed) {
	s.members(func(name []byte) {
		if string(name) == "name" {
			n.Name = s.text()
		} else {
			s.skip(0)
		}
	})
	return n
}
