package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/sorting"
)

const (
	minCell    = 8 // runes
	maxCell    = 48
	maxColumns = 7
	maxDepth   = 3
)

// A screen is where an answer is shown to a person.
type screen struct {
	io.Writer
	width int // in columns; 0: as wide as need be
}

// width returns how wide w is: what COLUMNS says, or else the terminal; 0 if it
// is none.
func width(w io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 0
}

// table writes v for a person: what an object holds as lines, lists of objects
// as tables, objects in objects below their name.
func (w screen) table(v *jsontree.Value) {
	if v.Kind != jsontree.Object {
		fmt.Fprintln(w, cell(v, 4096))
		return
	}
	w.section(v, "", 0)
}

func (w screen) section(v *jsontree.Value, indent string, depth int) {
	var lines [][]string
	var below []member
	for _, m := range members(v) {
		if depth < maxDepth && (m.value.Kind == jsontree.Object && len(m.value.Elems) > 0 || len(objects(m.value)) > 0) {
			below = append(below, m)
			continue
		}
		key := visible(m.key)
		for _, v := range sentences(m.value) {
			lines = append(lines, []string{key, cell(v, 400)})
			key = ""
		}
	}
	w.texts(lines, indent)
	for i, m := range below {
		if depth == 0 && (i > 0 || len(below) < len(v.Elems)) {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s%s:\n", indent, visible(m.key))
		inner := indent + "  "
		if depth == 0 && len(objects(m.value)) > 0 {
			inner = "" // as wide as the screen
		}
		if m.value.Kind == jsontree.Object {
			w.section(m.value, inner, depth+1)
		} else {
			w.rows(objects(m.value), inner)
		}
	}
}

// sentences returns what is written of v a line each: the sentences of a short list, as the
// warnings of a plan, else v as a whole.
func sentences(v *jsontree.Value) []*jsontree.Value {
	sentence := func(e *jsontree.Value) bool {
		return e.Kind == jsontree.String && len(e.Text) > 40 && strings.Contains(e.Text, " ")
	}
	if v.Kind != jsontree.Array || len(v.Elems) > 20 || !slices.ContainsFunc(v.Elems, sentence) {
		return []*jsontree.Value{v}
	}
	return v.Elems
}

// texts writes rows as columns, of which the last is a text: what is longer than
// the line goes on below its beginning.
func (w screen) texts(rows [][]string, indent string) {
	if len(rows) == 0 {
		return
	}
	last := len(rows[0]) - 1
	widths := make([]int, last)
	room := w.width - utf8.RuneCountInString(indent)
	for i := range widths {
		for _, r := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(r[i]))
		}
		room -= widths[i] + 2
	}
	for _, r := range rows {
		for n, part := range folded(r[last], room) {
			line := indent
			for i, c := range r[:last] {
				if n > 0 {
					c = ""
				}
				line += fmt.Sprintf("%-*s  ", widths[i], c)
			}
			fmt.Fprintln(w, line+part)
		}
	}
}

const minFold = 20 // runes; in less nobody can read

// folded cuts s between words into lines of n runes.
func folded(s string, n int) (list []string) {
	r := []rune(s)
	for n >= minFold && len(r) > n {
		cut := n
		for cut > n/2 && r[cut] != ' ' {
			cut--
		}
		if r[cut] != ' ' {
			cut = n
		}
		list = append(list, strings.TrimRight(string(r[:cut]), " "))
		r = []rune(strings.TrimLeft(string(r[cut:]), " "))
	}
	return append(list, string(r))
}

// fitted returns how wide each column of a table may be. It leaves out the last
// columns where there is no room for all, and narrows the others, but those that are
// whole.
func fitted(widths []int, whole []bool, room int) []int {
	const gap, least = 2, 12
	narrowest := -gap
	for i, w := range widths {
		if !whole[i] {
			w = min(w, least)
		}
		if narrowest += w + gap; narrowest > room && i > 0 {
			widths = widths[:i]
			break
		}
	}
	wide := -gap
	for _, w := range widths {
		wide += w + gap
	}
	for ; wide > room; wide-- {
		at := 0
		for i, w := range widths {
			if !whole[i] && w >= widths[at] || whole[at] {
				at = i
			}
		}
		if widths[at] <= minCell {
			break
		}
		widths[at]--
	}
	return widths
}

// rows writes a table of list.
func (w screen) rows(list []*jsontree.Value, indent string) {
	columns := columnsOf(list)
	heads := make([]string, len(columns))
	for i, c := range columns {
		heads[i] = strings.ToUpper(visible(strings.Join(c, ".")))
	}
	grid := [][]string{heads}
	whole := make([]bool, len(columns))
	for _, row := range list {
		cells := make([]string, len(columns))
		for i, c := range columns {
			v := c.of(row)
			cells[i] = cell(v, maxCell)
			whole[i] = whole[i] || v != nil && v.Kind == jsontree.String && local(v.Text) != v.Text // half a time is none
		}
		grid = append(grid, cells)
	}
	w.grid(grid, whole, indent)
}

// grid writes rows of cells as columns that fit the width.
func (w screen) grid(rows [][]string, whole []bool, indent string) {
	widths := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	if w.width > 0 {
		widths = fitted(widths, whole, w.width-utf8.RuneCountInString(indent))
	}
	for _, cells := range rows {
		line := indent
		for i, n := range widths {
			if line += clipped(cells[i], n); i < len(widths)-1 {
				line += strings.Repeat(" ", n-utf8.RuneCountInString(clipped(cells[i], n))+2)
			}
		}
		fmt.Fprintln(w, line)
	}
}

// clipped returns s in at most n runes.
func clipped(s string, n int) string {
	r := []rune(s)
	if len(r) > n {
		r = append(r[:max(0, n-1)], '…')
	}
	return string(r)
}

// objects returns the elements of v if it is a list of objects.
func objects(v *jsontree.Value) []*jsontree.Value {
	if v.Kind != jsontree.Array || slices.ContainsFunc(v.Elems, func(e *jsontree.Value) bool { return e.Kind != jsontree.Object }) {
		return nil
	}
	return v.Elems
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

type member struct {
	key   string
	value *jsontree.Value
}

// members returns those of v by rank, those of one rank as they came.
func members(v *jsontree.Value) []member {
	list := make([]member, len(v.Keys))
	for i, k := range v.Keys {
		list[i] = member{k, v.Elems[i]}
	}
	sorting.Stable(list, func(a, b member) int { return rank(a.key) - rank(b.key) })
	return list
}

// A column is the path of a value in a row.
type column []string

// of returns the value in v, or nil.
func (c column) of(v *jsontree.Value) *jsontree.Value {
	for _, key := range c {
		if v = v.Get(key); v == nil {
			break
		}
	}
	return v
}

// columnsOf returns the members that are worth a column: those that aren't empty
// everywhere, and of an object in a row what says which it is.
func columnsOf(list []*jsontree.Value) []column {
	all := new(jsontree.Value) // the members of all rows, each once, with a value that isn't empty
	for _, row := range list {
		for i, k := range row.Keys {
			if !empty(row.Elems[i]) && all.Get(k) == nil {
				all.Keys, all.Elems = append(all.Keys, k), append(all.Elems, row.Elems[i])
			}
		}
	}
	var columns []column
	for _, m := range members(all) {
		before := len(columns)
		named := slices.ContainsFunc(m.value.Keys, func(key string) bool { return rank(key) == 1 })
		for _, in := range members(m.value) {
			if tells := rank(in.key) < 2 || !named && (in.key == "level" || in.key == "description"); tells && !empty(in.value) {
				columns = append(columns, column{m.key, in.key})
			}
		}
		if len(columns) == before {
			columns = append(columns, column{m.key})
		}
	}
	return columns[:min(len(columns), maxColumns)]
}

func empty(v *jsontree.Value) bool { return v.Text == "" && len(v.Elems) == 0 }

// label says in a word which object v is.
func label(v *jsontree.Value) string {
	var best string
	for _, m := range members(v) {
		switch key := strings.ToLower(m.key); {
		case m.value.Kind != jsontree.String || m.value.Text == "":
		case rank(key) == 1 || key == "value":
			return m.value.Text
		case best == "":
			best = m.value.Text
		}
	}
	return best
}

// cell returns v, which may be nil, on one line of at most n runes, of which a
// terminal shows all.
func cell(v *jsontree.Value, n int) string {
	if v == nil {
		return ""
	}
	s := v.Text
	var parts []string
	switch v.Kind {
	case jsontree.String:
		s = local(s)
	case jsontree.Object: // with what says which it is first
		for _, m := range members(v) {
			if !empty(m.value) {
				parts = append(parts, m.key+" "+cell(m.value, n))
			}
		}
		s = strings.Join(parts, ", ")
	case jsontree.Array:
		for _, e := range v.Elems {
			if l := label(e); l != "" {
				e = jsontree.StringValue(l)
			}
			parts = append(parts, cell(e, n))
		}
		s = strings.Join(parts, ", ")
	}
	s = strings.NewReplacer("\n", " ", "\t", " ", "\r", " ").Replace(s)
	return clipped(visible(s), n)
}

// local returns a time as a clock here shows it, and any other text as it is.
func local(s string) string {
	if len(s) < len("2006-01-02T15:04:05Z") || len(s) > len(time.RFC3339Nano) || s[4] != '-' || s[10] != 'T' {
		return s
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	return t.Local().Format(time.DateTime)
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
