// Package settings is the table of what an operator can set, and reads it from
// the environment into the clients' configurations.
package settings

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Kind says what the value of a setting is.
type Kind int

// A Setting is one thing that an operator can set.
type Setting struct {
	Name     string   // the variable
	Aliases  []string // other names of it
	Field    string   // where it goes in the client's Config, such as "Indexer.BaseURL"; empty: somebody else reads it
	Kind     Kind
	Title    string // of a form's field
	Doc      string // a sentence
	Default  string // as a form shows it
	Fallback string // what it is when it isn't set
	Min, Max int    // of Seconds and Int
	Needs    string // which other one must be set as well
	Or       string // which one does instead of that
	Required bool
	Secret   bool // Name_FILE names a file that holds it
	Form     bool // the form of a bundle asks for it
}

// File returns the variable that names a file with the value, or nothing.
func (s Setting) File() string {
	if !s.Secret {
		return ""
	}
	return s.Name + fileSuffix
}

// Help is a sentence on s.
func (s Setting) Help() string {
	switch {
	case s.Kind == Unneeded:
		return "Not needed: " + s.Doc + "."
	case s.Required:
		return "Required. " + s.Doc
	}
	return s.Doc
}

// Of returns the groups that a program of a system reads: its own and the gate's,
// or for one that joins the platforms all of them. The gate's are for every program.
func Of(system string) (list []Group) {
	for _, g := range append(Platforms(), ATTACK()) {
		if g.System == system || system == "soc" || system == "mitre" {
			list = append(list, g)
		}
	}
	return append(list, Gate())
}

const fileSuffix = "_FILE"

// names returns all variables that set s.
func (s Setting) names() []string {
	list := append([]string{s.Name}, s.Aliases...)
	if s.Secret {
		list = append(list, s.File())
	}
	return list
}

// A Group are the settings of one platform.
type Group struct {
	System   string // the Go package
	Title    string
	Prefix   string // of all its variables
	Settings []Setting
}

// Configured reports whether environ, which has the form of os.Environ, has the
// platform's address.
func (g Group) Configured(environ []string) bool {
	vars := g.variables(environ)
	return slices.ContainsFunc(g.Settings[0].names(), func(n string) bool { return vars[n] != "" })
}

// Stray names a setting that has a value although the platform's address has
// none: the platform is left out, which may not be what is meant.
func (g Group) Stray(environ []string) string {
	if g.Configured(environ) {
		return ""
	}
	vars := g.variables(environ)
	for _, s := range g.Settings {
		for _, n := range s.names() {
			if vars[n] != "" && (s.Secret || s.Required) {
				return n
			}
		}
	}
	return ""
}

// Read sets the fields of to, which points to a client's Config, and returns
// what is odd about environ. It reports all that is missing or malformed at once.
func (g Group) Read(environ []string, to any) (warnings []string, err error) {
	r := &reader{vars: g.variables(environ), values: map[string]string{}, bad: map[string]bool{}}
	for _, s := range g.Settings {
		r.look(s)
	}
	for _, s := range g.Settings {
		r.set(s, reflect.ValueOf(to).Elem())
	}
	unknown, misspelt := g.unknown(r.vars)
	r.errs = append(r.errs, misspelt...)
	if len(r.errs) > 0 {
		return nil, errors.Join(append(r.errs, unknown.errs()...)...)
	}
	return append(r.warnings, unknown.warnings()...), nil
}

// Check returns what is wrong with the names in environ, for settings that
// somebody else reads, and what is odd about them.
func (g Group) Check(environ []string) (warnings []string, err error) {
	unknown, misspelt := g.unknown(g.variables(environ))
	return unknown.warnings(), errors.Join(misspelt...)
}

// variables returns what has the prefix, in any case of letters.
func (g Group) variables(environ []string) map[string]string {
	vars := map[string]string{}
	for _, kv := range environ {
		name, value, ok := strings.Cut(kv, "=")
		if ok && len(name) > len(g.Prefix) && strings.EqualFold(name[:len(g.Prefix)], g.Prefix) {
			vars[name] = strings.TrimSpace(value)
		}
	}
	return vars
}

// reader collects the values of one group and what is wrong with them.
type reader struct {
	vars     map[string]string
	values   map[string]string // by the setting's name
	bad      map[string]bool   // settings that an error was reported for
	warnings []string
	errs     []error
}

func (r *reader) fail(s Setting, format string, args ...any) {
	r.bad[s.Name] = true
	r.errs = append(r.errs, fmt.Errorf(format, args...))
}

// look finds the value of s under one of its names.
func (r *reader) look(s Setting) {
	from := ""
	for _, name := range s.names() {
		v := r.vars[name]
		if v == "" {
			continue
		}
		if p := placeholder(v, s); p != "" {
			r.fail(s, "%s is %q: your host didn't fill it in; leave it out or write ${%s:-}", name, p, name)
			return
		}
		if s.Secret && name == s.File() {
			if from != "" {
				r.fail(s, "%s and %s are both set: keep one", from, name)
				return
			}
			value, warning, err := ReadSecret(v)
			if err != nil {
				r.fail(s, "%s: %w", name, err)
				return
			}
			if warning != "" {
				r.warnings = append(r.warnings, name+": "+warning)
			}
			v = value
		}
		if had := r.values[s.Name]; had != "" && had != v {
			r.fail(s, "%s and %s, which mean the same, differ", from, name)
			return
		}
		r.values[s.Name], from = v, name
	}
}

// placeholder returns what of v a host should have replaced, or nothing. Of a
// secret only the whole value can be one.
func placeholder(v string, s Setting) string {
	for _, p := range [][2]string{{"${", "}"}, {"{{", "}}"}, {"$(", ")"}} {
		if strings.HasPrefix(v, p[0]) && strings.HasSuffix(v, p[1]) {
			return v
		}
		if i := strings.Index(v, p[0]); i >= 0 && s.Kind == URL && strings.Contains(v[i:], p[1]) {
			return v
		}
	}
	if name, ok := strings.CutPrefix(v, "$"); ok && isName(name) {
		return v
	}
	if name := strings.Trim(v, "%"); len(v) == len(name)+2 && v[0] == '%' && isName(name) {
		return v
	}
	return ""
}

// isName reports whether s is a name as variables have.
func isName(s string) bool {
	return s != "" && strings.Contains(s, "_") && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	})
}

// set puts the value of s into its field.
func (r *reader) set(s Setting, config reflect.Value) {
	v := r.values[s.Name]
	if r.bad[s.Name] {
		return
	}
	if v == "" {
		v = s.Fallback
		if s.Required {
			r.fail(s, "%s is not set", s.Name)
		}
	} else if s.Needs != "" && r.values[s.Needs] == "" && !r.bad[s.Needs] && (s.Or == "" || r.values[s.Or] == "") {
		r.fail(s, "%s is not set, which %s needs", s.Needs, s.Name)
	}
	if v == "" {
		return
	}
	if s.Kind == Unneeded {
		r.warnings = append(r.warnings, fmt.Sprintf("%s is not needed here: %s", s.Name, s.Doc))
		return
	}
	value, err := s.parse(v)
	if err != nil {
		r.fail(s, "%s is %w", s.Name, err)
		return
	}
	if s.Field == "" {
		return
	}
	field := config
	for name := range strings.SplitSeq(s.Field, ".") {
		field = field.FieldByName(name)
	}
	field.Set(reflect.ValueOf(value).Convert(field.Type()))
}

// parse returns the value of v, of the type that the kind has.
func (s Setting) parse(v string) (any, error) {
	switch s.Kind {
	case On, Not, Switch:
		on, err := truth(v)
		return on != (s.Kind == Not), err
	case Int, Seconds:
		n, err := strconv.Atoi(v)
		if err != nil || n < s.Min || n > s.Max {
			return nil, fmt.Errorf("%q: want a whole number from %d to %d", v, s.Min, s.Max)
		}
		if s.Kind == Seconds {
			return time.Duration(n) * time.Second, nil
		}
		return n, nil
	case Bytes:
		return size(v)
	case List:
		var list []string
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		return list, nil
	}
	return v, nil
}

func truth(v string) (bool, error) {
	switch strings.ToLower(v) {
	case "1", "true", "yes", "on":
		return true, nil
	case "0", "false", "no", "off":
		return false, nil
	}
	return false, fmt.Errorf("%q: want true or false", v)
}

const (
	minSize = 64 << 10
	maxSize = 4 << 30
)

func size(v string) (int64, error) {
	number, unit := v, int64(1)
	for suffix, n := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if head, ok := strings.CutSuffix(v, suffix); ok {
			number, unit = strings.TrimSpace(head), n
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > maxSize/unit || n*unit < minSize {
		return 0, fmt.Errorf("%q: want a number of bytes, or one of KiB, MiB or GiB, from 64KiB to 4GiB", v)
	}
	return n * unit, nil
}
