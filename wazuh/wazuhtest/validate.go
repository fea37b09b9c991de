package wazuhtest

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A param is a query parameter as the description of the API has it.
type param struct {
	list     bool // values with commas between
	integer  bool
	min, max int // of an integer; a max of 0 is none
	preset   int // its default; -1: none
	boolean  bool
	enum     []string
	format   string // the name of a form …
	form     *regexp.Regexp
	least    int // the least length
}

// checks are the parameters that an endpoint takes.
type checks map[string]param

// word is what the API calls alphanumeric, in any script.
const word = `\pL\pN_`

func integer(lo, hi, preset int) param {
	return param{integer: true, min: lo, max: hi, preset: preset}
}
func oneOf(list ...string) param     { return param{enum: list} }
func formed(name, expr string) param { return param{format: name, form: regexp.MustCompile(expr)} }
func each(p param) param             { p.list = true; return p }

var (
	boolean      = param{boolean: true}
	anything     = param{form: regexp.MustCompile(`(?s)^.*$`)}
	alphanumeric = formed("alphanumeric", `^[`+word+`,\-.+\s:]+$`)
	names        = formed("names", `^[`+word+`\-.%]+$`)
	groupNames   = formed("group_names", `^[\w.\-]+$`)
	agentNumber  = param{format: "numbers", form: regexp.MustCompile(`^\d+$`), least: 3}
)

// refuse says what is wrong with a value, in the API's form, or nothing.
func (p param) refuse(v string) string {
	if !p.list {
		return p.refuseOne(v, "schema", "instance")
	}
	for i, part := range strings.Split(v, ",") {
		if why := p.refuseOne(part, "schema['items']", fmt.Sprintf("instance[%d]", i)); why != "" {
			return why
		}
	}
	return ""
}

func (p param) refuseOne(v, schema, instance string) string {
	value := repr(v)
	why := func(keyword, format string, args ...any) string {
		return fmt.Sprintf(format, args...) + fmt.Sprintf(". Failed validating '%s' in %s: {%s}. On %s: %s", keyword, schema, p.schema(), instance, value)
	}
	switch {
	case p.integer:
		n, err := strconv.Atoi(v)
		if err != nil {
			return why("type", "%s is not of type 'integer'", value)
		}
		value = v
		if n < p.min {
			return why("minimum", "%d is less than the minimum of %d", n, p.min)
		}
		if p.max > 0 && n > p.max {
			return why("maximum", "%d is greater than the maximum of %d", n, p.max)
		}
	case p.boolean:
		if v != "true" && v != "false" {
			return why("type", "%s is not of type 'boolean'", value)
		}
	case p.enum != nil:
		if !slices.ContainsFunc(p.enum, func(e string) bool { return strings.EqualFold(e, v) }) { // Active is active
			return why("enum", "%s is not one of %s", value, reprs(p.enum))
		}
	case p.form != nil && !p.form.MatchString(v):
		return why("format", "%s is not a '%s'", value, p.format)
	case len(v) < p.least:
		return why("minLength", "%s is too short", value)
	}
	return ""
}

// schema is what the API repeats of its description.
func (p param) schema() string {
	var list []string
	switch {
	case p.integer:
		if p.preset >= 0 {
			list = append(list, fmt.Sprintf("'default': %d", p.preset))
		}
		list = append(list, "'format': 'int32'")
		if p.max > 0 {
			list = append(list, fmt.Sprintf("'maximum': %d", p.max))
		}
		list = append(list, fmt.Sprintf("'minimum': %d", p.min), "'type': 'integer'")
	case p.boolean:
		list = append(list, "'type': 'boolean'")
	case p.enum != nil:
		list = append(list, "'enum': "+reprs(p.enum), "'type': 'string'")
	default:
		list = append(list, fmt.Sprintf("'format': '%s'", p.format))
		if p.least > 0 {
			list = append(list, fmt.Sprintf("'minLength': %d", p.least))
		}
		list = append(list, "'type': 'string'")
	}
	return strings.Join(list, ", ")
}

// repr writes a text as Python does.
func repr(s string) string {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return `"` + s + `"`
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`).Replace(s) + "'"
}

func reprs(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = repr(s)
	}
	return "[" + strings.Join(out, ", ") + "]"
}
