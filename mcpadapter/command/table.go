package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"
)

const (
	maxCell    = 48 // runes
	maxColumns = 7
	maxDepth   = 3
)

// table writes v for a person: what an object holds as lines, lists of objects
// as tables, objects in objects below their name.
func table(w io.Writer, v any) {
	o, ok := v.(object)
	if !ok {
		fmt.Fprintln(w, cell(v, 4096))
		return
	}
	section(w, o, "", 0)
}

func section(w io.Writer, o object, indent string, depth int) {
	lines := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var below []member
	for _, m := range ordered(o) {
		inner, isObject := m.value.(object)
		if depth < maxDepth && (isObject && len(inner) > 0 || len(objects(m.value)) > 0) {
			below = append(below, m)
			continue
		}
		fmt.Fprintf(lines, "%s%s\t%s\n", indent, visible(m.key), cell(m.value, 400))
	}
	_ = lines.Flush() // a writer that fails has said so already
	for i, m := range below {
		if depth == 0 && (i > 0 || len(below) < len(o)) {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s%s:\n", indent, visible(m.key))
		inner := indent + "  "
		if depth == 0 && len(objects(m.value)) > 0 {
			inner = "" // as wide as the screen
		}
		if o, ok := m.value.(object); ok {
			section(w, o, inner, depth+1)
		} else {
			rows(w, objects(m.value), inner)
		}
	}
}

// rows writes a table of list.
func rows(w io.Writer, list []object, indent string) {
	columns := columnsOf(list)
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = strings.ToUpper(visible(strings.Join(c, ".")))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, indent+strings.Join(heads, "\t"))
	for _, row := range list {
		cells := make([]string, len(columns))
		for i, c := range columns {
			cells[i] = cell(c.of(row), maxCell)
		}
		fmt.Fprintln(t, indent+strings.Join(cells, "\t"))
	}
	_ = t.Flush()
}

// objects returns v if it is a list of objects.
func objects(v any) []object {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	out := make([]object, 0, len(list))
	for _, e := range list {
		o, ok := e.(object)
		if !ok {
			return nil
		}
		out = append(out, o)
	}
	return out
}

// rank says how soon a member is shown: what says which object it is first.
func rank(key string) int {
	switch strings.ToLower(key) {
	case "id", "_id", "number":
		return 0
	case "name", "title", "info", "summary":
		return 1
	case "type", "value", "status":
		return 2
	}
	return 3
}

// ordered returns the members of o by rank, those of one rank as they came.
func ordered(o object) object {
	o = slices.Clone(o)
	slices.SortStableFunc(o, func(a, b member) int { return rank(a.key) - rank(b.key) })
	return o
}

// A column is the path of a value in a row.
type column []string

func (c column) of(o object) any {
	v := o.get(c[0])
	for _, key := range c[1:] {
		inner, ok := v.(object)
		if !ok {
			return nil
		}
		v = inner.get(key)
	}
	return v
}

// columnsOf returns the members that are worth a column: those that aren't empty
// everywhere, and of an object in a row what says which it is.
func columnsOf(list []object) []column {
	var all object // the members of all rows, each once, with a value that isn't empty
	for _, row := range list {
		for _, m := range row {
			if !empty(m.value) && all.get(m.key) == nil {
				all = append(all, m)
			}
		}
	}
	var columns []column
	for _, m := range ordered(all) {
		inner, ok := m.value.(object)
		if !ok {
			columns = append(columns, column{m.key})
			continue
		}
		before := len(columns)
		for _, in := range ordered(inner) {
			if rank(in.key) < 2 && !empty(in.value) {
				columns = append(columns, column{m.key, in.key})
			}
		}
		if len(columns) == before {
			columns = append(columns, column{m.key})
		}
	}
	return columns[:min(len(columns), maxColumns)]
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case object:
		return len(v) == 0
	}
	return false
}

// label says in a word which object o is.
func label(o object) string {
	var best string
	for _, m := range ordered(o) {
		s, ok := m.value.(string)
		switch key := strings.ToLower(m.key); {
		case !ok || s == "":
		case rank(key) == 1 || key == "value":
			return s
		case best == "":
			best = s
		}
	}
	return best
}

// cell returns v on one line of at most n runes, of which a terminal shows all.
func cell(v any, n int) string {
	var s string
	switch v := v.(type) {
	case nil:
	case string:
		s = v
	case object: // with what says which it is first
		parts := []string{}
		for _, m := range ordered(v) {
			if !empty(m.value) {
				parts = append(parts, m.key+" "+cell(m.value, n))
			}
		}
		s = strings.Join(parts, ", ")
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			if o, ok := e.(object); ok && label(o) != "" {
				e = label(o)
			}
			parts[i] = cell(e, n)
		}
		s = strings.Join(parts, ", ")
	default:
		b, _ := json.Marshal(v) //nolint:errcheck // it came as JSON
		s = string(b)
	}
	s = strings.NewReplacer("\n", " ", "\t", " ", "\r", " ").Replace(s)
	r := []rune(visible(s))
	if len(r) > n {
		r = append(r[:n-1], '…')
	}
	return string(r)
}

// unseen reports whether a terminal would obey r, or not show it.
func unseen(r rune) bool {
	return r != '\n' && r != '\t' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029')
}

// visible makes text safe to print: what a terminal would obey is shown as its code.
func visible(s string) string {
	if !strings.ContainsFunc(s, unseen) {
		return s
	}
	return escaped(s)
}

// escaped writes unseen characters as JSON does.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case !unseen(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// quiet returns a logger for a command of a person, who reads its answer: it
// has warnings only, unless JSON was asked for.
func quiet(format string, l *slog.Logger) *slog.Logger {
	if format != "text" {
		return l
	}
	return slog.New(warnings{l.Handler()})
}

type warnings struct{ slog.Handler }

// Enabled reports whether level is a warning or worse.
func (w warnings) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

var shells = []string{"bash", "zsh", "fish"}

func (p *program) completion(args []string) int {
	if len(args) != 1 || !slices.Contains(shells, args[0]) {
		return p.misuse(fmt.Errorf("want completion %s", strings.Join(shells, "|")))
	}
	script := completions[args[0]]
	fn := "_" + strings.ReplaceAll(p.Name, "-", "_")
	fmt.Fprint(p.out, strings.NewReplacer("PROGRAM", p.Name, "FUNCTION", fn).Replace(script))
	return exitDone
}

// completions offer the commands and, after call, the tools.
var completions = map[string]string{
	"bash": `FUNCTION() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  if [[ ${COMP_WORDS[COMP_CWORD-1]} == call ]]; then
    COMPREPLY=($(compgen -W "$(PROGRAM tools -names 2>/dev/null)" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "tools call check token completion -http -tokens -toolsets -read-only -dynamic -log -version -help" -- "$cur"))
  fi
}
complete -F FUNCTION PROGRAM
`,
	"zsh": `#compdef PROGRAM
FUNCTION() {
  if [[ ${words[CURRENT-1]} == call ]]; then
    compadd -- ${(f)"$(PROGRAM tools -names 2>/dev/null)"}
  else
    compadd -- tools call check token completion -http -tokens -toolsets -read-only -dynamic -log -version -help
  fi
}
compdef FUNCTION PROGRAM
`,
	"fish": `complete -c PROGRAM -f
complete -c PROGRAM -n __fish_use_subcommand -a "tools call check token completion"
complete -c PROGRAM -n "__fish_seen_subcommand_from call" -a "(PROGRAM tools -names 2>/dev/null)"
`,
}
