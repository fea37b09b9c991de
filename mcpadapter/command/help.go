package command

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/internal/settings"
	"github.com/sallyport-soc/sallyport/mcpadapter"
	"github.com/sallyport-soc/sallyport/mcpadapter/internal/schema"
)

const callUsage = `Call a tool, behind the same gate as an agent's call.

  %[1]s [flags] call NAME key=value ...  and print the answer as text
  %[1]s [flags] call NAME '{"key": …}'    the same, with the arguments as one JSON object
  %[1]s [flags] call NAME -json ...      and print it as JSON
  %[1]s [flags] call NAME -o FILE ...    and write what it made into a file that isn't there yet
  %[1]s call NAME -help                  say what the tool does and which arguments it takes

A list is key=a key=b, or key:=["a","b"]; whatever isn't text is key:=JSON.
%[1]s tools lists the names; %[1]s -help lists the flags, which come before call.
`

// An argument is what the schema of a tool says of one.
type argument struct {
	Type        string
	Description string
	Enum        []any
	Default     any
	Minimum     json.Number
	Maximum     json.Number
	Pattern     string
	Items       *argument
}

type inputSchema struct {
	Properties map[string]argument
	Required   []string
}

// find returns a tool as its clients are told of it.
func (p *program) find(ctx context.Context, s *site, name string) (tool *mcp.Tool, takes inputSchema, err error) {
	p.client(ctx, s, func(cs *mcp.ClientSession) int {
		for t, e := range cs.Tools(ctx, nil) {
			if e != nil {
				err = e
				return exitFailed
			}
			if t.Name == name {
				tool = t
			}
		}
		return exitDone
	})
	if err != nil || tool == nil {
		return nil, takes, errors.Join(err, fmt.Errorf("%s isn't listed", name))
	}
	b, err := json.Marshal(tool.InputSchema)
	if err == nil {
		err = json.Unmarshal(b, &takes)
	}
	return tool, takes, err
}

// kind says in a word or two what an argument is.
func (a argument) kind() string {
	switch {
	case a.Type == "array" && a.Items != nil && a.Items.Type != "":
		return "list of " + a.Items.kind()
	case a.Type == "array":
		return "list"
	case a.Type == "string":
		return "text"
	}
	return a.Type
}

// about says what else there is to know of an argument.
func (a argument) about() string {
	var parts []string
	if a.Description != "" {
		parts = append(parts, a.Description)
	}
	one := a
	if a.Items != nil {
		one = *a.Items
	}
	if len(one.Enum) > 0 {
		list := make([]string, len(one.Enum))
		for i, e := range one.Enum {
			list[i] = fmt.Sprint(e)
		}
		parts = append(parts, "One of "+strings.Join(list, ", ")+".")
	}
	switch {
	case one.Minimum != "" && one.Maximum != "":
		parts = append(parts, fmt.Sprintf("From %s to %s.", one.Minimum, one.Maximum))
	case one.Minimum != "":
		parts = append(parts, fmt.Sprintf("At least %s.", one.Minimum))
	case one.Maximum != "":
		parts = append(parts, fmt.Sprintf("At most %s.", one.Maximum))
	}
	if a.Default != nil {
		b, _ := json.Marshal(a.Default) //nolint:errcheck // it came as JSON
		parts = append(parts, "Default: "+string(b)+".")
	}
	return strings.Join(parts, " ")
}

// describe prints what a tool does and which arguments it takes.
func (p *program) describe(tool *mcp.Tool, in inputSchema) int {
	fmt.Fprintf(p.out, "%s (%v)\n%s\n\n  %s call %s", tool.Name, tool.Meta[mcpadapter.MetaTier], tool.Description, p.Name, tool.Name)
	names := slices.SortedFunc(maps.Keys(in.Properties), func(a, b string) int {
		if x, y := slices.Contains(in.Required, a), slices.Contains(in.Required, b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, n := range in.Required {
		if k := in.Properties[n].Type; k == "string" {
			fmt.Fprintf(p.out, " %s=…", n)
		} else {
			fmt.Fprintf(p.out, " %s:=…", n)
		}
	}
	fmt.Fprintln(p.out)
	if len(names) == 0 {
		fmt.Fprintln(p.out, "\nIt takes no arguments.")
		return exitDone
	}
	fmt.Fprintln(p.out)
	rows := [][]string{{"ARGUMENT", "TYPE", "NEEDED", "WHAT IT IS"}}
	for _, n := range names {
		a := in.Properties[n]
		if a.Description == "" {
			a.Description = schema.Common(n)
		}
		needed := ""
		if slices.Contains(in.Required, n) {
			needed = "yes"
		}
		rows = append(rows, []string{n, a.kind(), needed, a.about()})
	}
	p.screen().texts(rows, "")
	return exitDone
}

// manual prints all that there is to know: how the program is used, and what can be
// set in its environment.
func (p *program) manual(flags *flag.FlagSet) {
	p.usage(p.out, flags)
	for _, g := range settings.Of(strings.TrimSuffix(p.Name, "-mcp")) {
		fmt.Fprintf(p.out, "\nSettings of %s, in the environment:\n", g.Title)
		var rows [][]string
		for _, s := range g.Settings {
			name := s.Name
			if f := s.File(); f != "" {
				name += ", " + f
			}
			rows = append(rows, []string{name, s.Help()})
		}
		p.screen().texts(rows, "  ")
	}
}

// ambiguous refuses one text with commas where a list is wanted: it may be
// meant as several.
func ambiguous(in map[string]any, takes inputSchema) error {
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if !commas(in[key]) {
			continue
		}
		value := fmt.Sprint(in[key])
		for name, a := range takes.Properties {
			if a.Type != "array" || plain(name) != plain(key) {
				continue
			}
			each := strings.Split(value, ",")
			for i, e := range each {
				each[i] = strings.TrimSpace(e)
			}
			many, _ := json.Marshal(each)           //nolint:errcheck // strings always encode
			one, _ := json.Marshal([]string{value}) //nolint:errcheck // strings always encode
			return fmt.Errorf("%[1]s: a list is wanted, and %[2]q is one text: give %[1]s:=%[3]s, or %[1]s=… once for each, or %[1]s:=%[4]s if the commas belong to it", key, value, many, one)
		}
	}
	return nil
}

// commas reports whether v is a text that may be meant as several.
func commas(v any) bool {
	s, ok := v.(string)
	return ok && strings.Contains(s, ",") && !strings.HasPrefix(strings.TrimSpace(s), "[")
}

// plain is what the spellings of an argument's name have in common.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
