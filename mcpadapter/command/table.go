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
)

// table writes v for a person: lists of objects as tables, the rest as lines.
func table(w io.Writer, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		fmt.Fprintln(w, cell(v, 4096))
		return
	}
	var lists []string
	lines := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, k := range keysOf(m) {
		if len(objects(m[k])) > 0 {
			lists = append(lists, k)
			continue
		}
		if inner, ok := m[k].(map[string]any); ok && len(inner) > 0 {
			fmt.Fprintf(lines, "%s:\n", visible(k))
			for _, ik := range keysOf(inner) {
				fmt.Fprintf(lines, "  %s\t%s\n", visible(ik), cell(inner[ik], 400))
			}
			continue
		}
		fmt.Fprintf(lines, "%s\t%s\n", visible(k), cell(m[k], 400))
	}
	_ = lines.Flush() // a writer that fails has said so already
	for _, k := range lists {
		fmt.Fprintf(w, "\n%s:\n", visible(k))
		rows := objects(m[k])
		columns := columnsOf(rows)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, strings.ToUpper(visible(strings.Join(columns, "\t"))))
		for _, row := range rows {
			cells := make([]string, len(columns))
			for i, c := range columns {
				cells[i] = cell(row[c], maxCell)
			}
			fmt.Fprintln(t, strings.Join(cells, "\t"))
		}
		_ = t.Flush()
	}
}

// objects returns v if it is a list of objects.
func objects(v any) []map[string]any {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	out := make([]map[string]any, 0, len(list))
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return nil
		}
		out = append(out, m)
	}
	return out
}

// columnsOf returns the members that are worth a column: scalars, not empty everywhere.
func columnsOf(rows []map[string]any) []string {
	all := map[string]any{}
	for _, r := range rows {
		for k, v := range r {
			switch v.(type) {
			case string, float64, bool, json.Number:
				if v != "" {
					all[k] = v
				}
			}
		}
	}
	columns := keysOf(all)
	return columns[:min(len(columns), maxColumns)]
}

// cell returns v on one line of at most n runes, of which a terminal shows all.
func cell(v any, n int) string {
	var s string
	switch v := v.(type) {
	case nil:
	case string:
		s = v
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
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
