// Package yaml reads the part of YAML that detection rules are written in: mappings, sequences, plain, quoted and block
// scalars, flow collections, comments and several documents in a file. Scalars stay text. Anchors, aliases, tags and complex
// keys are not read; what isn't understood is an error that names the line.
package yaml

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxDepth is how deep a document may be nested.
const MaxDepth = 100

// Parse reads all documents of a file. A value is a map[string]any, a []any or a string; an absent one is the empty string.
func Parse(text string) (docs []any, err error) {
	p := &parser{}
	for i, line := range strings.Split(text, "\n") {
		p.lines = append(p.lines, source{i + 1, strings.TrimRight(line, " \t\r")})
	}
	defer func() {
		if bad := recover(); bad != nil {
			fault, ok := bad.(fault)
			if !ok {
				panic(bad)
			}
			docs, err = nil, fmt.Errorf("yaml: line %d: %s", fault.line, fault.text)
		}
	}()
	for p.skip(); p.at < len(p.lines); p.skip() {
		if strings.HasPrefix(p.line(), "---") {
			rest := strings.TrimSpace(p.line()[3:])
			p.lines[p.at].text = strings.Repeat(" ", 3) + rest
			if rest == "" {
				p.at++
				if p.skip(); p.at == len(p.lines) {
					break
				}
				if strings.HasPrefix(p.line(), "---") || p.line() == "..." {
					continue
				}
			}
		}
		if p.line() == "..." {
			p.at++
			continue
		}
		docs = append(docs, p.value(0, 0))
	}
	return docs, nil
}

// Text returns the text at a path of keys in a value, or nothing.
func Text(v any, path ...string) string {
	s, _ := at(v, path).(string)
	return s
}

// List returns the list at a path of keys in a value. A single text is a list of one.
func List(v any, path ...string) []any {
	switch x := at(v, path).(type) {
	case []any:
		return x
	case string:
		if x != "" {
			return []any{x}
		}
	case map[string]any:
		return []any{x}
	}
	return nil
}

// Texts returns the texts of the list at a path of keys.
func Texts(v any, path ...string) []string {
	var out []string
	for _, x := range List(v, path...) {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func at(v any, path []string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

type source struct {
	number int
	text   string
}

type fault struct {
	line int
	text string
}

type parser struct {
	lines []source
	at    int
}

func (p *parser) line() string { return p.lines[p.at].text }

func (p *parser) fail(format string, args ...any) {
	n := len(p.lines)
	if p.at < n {
		n = p.lines[p.at].number
	}
	panic(fault{n, fmt.Sprintf(format, args...)})
}

// skip goes to the next line that has something.
func (p *parser) skip() {
	for p.at < len(p.lines) {
		if s := strings.TrimLeft(p.line(), " \t"); s != "" && s[0] != '#' && s[0] != '%' {
			return
		}
		p.at++
	}
}

func indent(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

// ends reports whether a document ends before the current line.
func (p *parser) ends() bool {
	return p.at == len(p.lines) || strings.HasPrefix(p.line(), "---") || p.line() == "..."
}

// value reads the node that begins at the current line, which must be indented by at least least.
func (p *parser) value(least, depth int) any {
	if depth > MaxDepth {
		p.fail("nested deeper than %d", MaxDepth)
	}
	p.skip()
	if p.ends() || indent(p.line()) < least {
		return ""
	}
	s := strings.TrimLeft(p.line(), " ")
	if s[0] == '\t' {
		p.fail("a tab indents")
	}
	in := indent(p.line())
	switch {
	case s == "-" || strings.HasPrefix(s, "- "):
		return p.sequence(in, depth)
	case s[0] != '[' && s[0] != '{' && keyEnd(s) >= 0:
		return p.mapping(in, depth)
	}
	p.at++
	return p.inline(s, least, depth)
}

func (p *parser) sequence(in, depth int) any {
	list := []any{}
	for p.skip(); !p.ends() && indent(p.line()) == in; p.skip() {
		s := p.line()[in:]
		if s != "-" && !strings.HasPrefix(s, "- ") {
			break
		}
		if item := strings.TrimLeft(s[1:], " "); item == "" || item[0] == '#' {
			p.at++
			list = append(list, p.value(in+1, depth+1))
			continue
		} else if item[0] == '|' || item[0] == '>' {
			p.at++
			list = append(list, p.inline(item, in+1, depth+1))
			continue
		}
		p.lines[p.at].text = strings.Repeat(" ", in+1) + s[1:] // the item as if it stood alone
		list = append(list, p.value(in+1, depth+1))
	}
	return list
}

func (p *parser) mapping(in, depth int) any {
	m := map[string]any{}
	for p.skip(); !p.ends() && indent(p.line()) == in; p.skip() {
		s := p.line()[in:]
		end := keyEnd(s)
		if end < 0 {
			p.fail("%.40q is no key", s)
		}
		key := unquote(strings.TrimSpace(s[:end]))
		rest := strings.TrimSpace(s[end+1:])
		p.at++
		if rest == "" || rest[0] == '#' {
			p.skip()
			least := in + 1
			if !p.ends() && indent(p.line()) == in && strings.HasPrefix(p.line()[in:], "-") {
				least = in // a sequence may stand as far left as its key
			}
			m[key] = p.value(least, depth+1)
			continue
		}
		m[key] = p.inline(rest, in+1, depth+1)
	}
	if !p.ends() && indent(p.line()) > in {
		p.fail("indented further than what stands above")
	}
	return m
}

// keyEnd returns where the colon behind a key is, or -1.
func keyEnd(s string) int {
	if s[0] == '"' || s[0] == '\'' {
		end := quoteEnd(s)
		if end < 0 || end+1 >= len(s) || s[end+1] != ':' || end+2 < len(s) && s[end+2] != ' ' {
			return -1
		}
		return end + 1
	}
	for i := range len(s) {
		switch {
		case s[i] == ':' && (i+1 == len(s) || s[i+1] == ' ' || s[i+1] == '\t'):
			return i
		case s[i] == '#' && i > 0 && s[i-1] == ' ':
			return -1
		}
	}
	return -1
}

// quoteEnd returns where the quote ends that s begins with, or -1.
func quoteEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && s[0] == '"':
			i++
		case s[i] != s[0]:
		case s[0] == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		default:
			return i
		}
	}
	return -1
}

// inline reads a value that begins behind a key or a dash, and goes on in lines that are indented by at least least.
func (p *parser) inline(s string, least, depth int) any {
	switch s[0] {
	case '|', '>':
		return p.block(s, least)
	case '"', '\'':
		for quoteEnd(s) < 0 {
			if p.at == len(p.lines) {
				p.fail("a quote doesn't end")
			}
			if next := strings.TrimSpace(p.line()); next == "" {
				s += "\n"
			} else {
				s += " " + next
			}
			p.at++
		}
		return unquote(s[:quoteEnd(s)+1])
	case '[', '{':
		f := &flow{p: p, s: s}
		return f.value(depth)
	case '&', '*', '!':
		p.fail("anchors, aliases and tags are not read")
	}
	s = plain(s)
	for p.skip(); !p.ends() && indent(p.line()) >= least; p.skip() {
		s += " " + plain(strings.TrimSpace(p.line()))
		p.at++
	}
	return s
}

// plain cuts a comment off.
func plain(s string) string {
	if i := strings.Index(s, " #"); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}

func (p *parser) block(head string, least int) string {
	in := -1
	var lines []string
	for ; p.at < len(p.lines); p.at++ {
		s := p.line()
		if s == "" {
			lines = append(lines, "")
			continue
		}
		if in < 0 {
			in = indent(s)
		}
		if indent(s) < in || in < least {
			break
		}
		lines = append(lines, s[in:])
	}
	joint := "\n"
	if head[0] == '>' {
		joint = " "
	}
	return strings.TrimSpace(strings.Join(lines, joint))
}

func unquote(s string) string {
	if len(s) < 2 || s[len(s)-1] != s[0] {
		return s
	}
	switch s[0] {
	case '\'':
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	case '"':
		var out strings.Builder
		for rest := s[1 : len(s)-1]; rest != ""; {
			if r, _, tail, err := strconv.UnquoteChar(rest, '"'); err == nil {
				out.WriteRune(r)
				rest = tail
				continue
			}
			rest = strings.TrimPrefix(rest, `\`) // an escape of YAML's own
			if rest != "" {
				out.WriteByte(rest[0])
				rest = rest[1:]
			}
		}
		return out.String()
	}
	return s
}

// flow reads a collection in brackets, which may go on over lines.
type flow struct {
	p *parser
	s string
}

func (f *flow) space() {
	for {
		f.s = strings.TrimLeft(f.s, " \t\n")
		if f.s != "" && f.s[0] != '#' {
			return
		}
		if f.p.at == len(f.p.lines) {
			f.p.fail("a bracket isn't closed")
		}
		f.s = f.p.line()
		f.p.at++
	}
}

func (f *flow) value(depth int) any {
	if depth > MaxDepth {
		f.p.fail("nested deeper than %d", MaxDepth)
	}
	f.space()
	switch f.s[0] {
	case '[':
		list := []any{}
		for first := true; f.more(']', first); first = false {
			list = append(list, f.value(depth+1))
		}
		return list
	case '{':
		m := map[string]any{}
		for first := true; f.more('}', first); first = false {
			key, _ := f.value(depth + 1).(string)
			f.space()
			m[key] = ""
			if f.s[0] == ':' {
				f.s = f.s[1:]
				if f.space(); f.s[0] != ',' && f.s[0] != '}' {
					m[key] = f.value(depth + 1)
				}
			}
		}
		return m
	case '"', '\'':
		end := quoteEnd(f.s)
		for end < 0 {
			if f.p.at == len(f.p.lines) {
				f.p.fail("a quote doesn't end")
			}
			f.s += " " + strings.TrimSpace(f.p.line())
			f.p.at++
			end = quoteEnd(f.s)
		}
		text := unquote(f.s[:end+1])
		f.s = f.s[end+1:]
		return text
	}
	end := strings.IndexAny(f.s, ",]}\n")
	if i := strings.Index(f.s, ": "); i >= 0 && (end < 0 || i < end) {
		end = i
	}
	if end < 0 {
		end = len(strings.TrimSuffix(f.s, ":")) // a key whose value is in the next line
	}
	if end == 0 {
		f.p.fail("%.20q isn't expected in brackets", f.s)
	}
	text := strings.TrimSpace(f.s[:end])
	f.s = f.s[end:]
	return text
}

// more goes to the next element, the first behind the opening bracket, and reports false at the closing one, which it takes.
func (f *flow) more(end byte, first bool) bool {
	if first {
		f.s = f.s[1:]
	}
	f.space()
	if !first && f.s[0] == ',' {
		f.s = f.s[1:]
		f.space()
	} else if !first && f.s[0] != end {
		f.p.fail("%.20q isn't expected in brackets", f.s)
	}
	if f.s[0] == end {
		f.s = f.s[1:]
		return false
	}
	return true
}
