package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

// A Deviation is a difference that is meant, with its reason. At is a regular
// expression over the whole of a difference's location.
type Deviation struct {
	At     string `yaml:"at"`
	Reason string `yaml:"reason"`
}

// A Difference is one place where our description and the vendor's don't agree.
type Difference struct {
	At   string // such as "GET /agents 200.data.affected_items[].id"
	Text string
}

// runLength is how many words in a row make a sentence of ours the vendor's.
const runLength = 5

// Compare lists the differences between our description in ours and the
// vendor's in theirs, sorted by location.
func Compare(ours, theirs []byte) ([]Difference, error) {
	mine, err := load(ours)
	if err != nil {
		return nil, fmt.Errorf("ours: %w", err)
	}
	if err := mine.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("ours: %w", err)
	}
	vendor, err := load(theirs)
	if err != nil {
		return nil, fmt.Errorf("the vendor's: %w", err)
	}
	c := &comparison{found: map[string]string{}}
	c.paths(mine, vendor)
	if err := c.copied(ours, theirs); err != nil {
		return nil, err
	}
	var list []Difference
	for _, at := range slices.Sorted(maps.Keys(c.found)) {
		list = append(list, Difference{At: at, Text: c.found[at]})
	}
	return list, nil
}

// Open returns the differences that no deviation documents, and the deviations
// that document nothing.
func Open(found []Difference, meant []Deviation) (open []Difference, stale []Deviation, err error) {
	used := make([]bool, len(meant))
	for _, d := range found {
		documented := false
		for i, m := range meant {
			ok, err := regexp.MatchString("^(?:"+m.At+")$", d.At)
			if err != nil {
				return nil, nil, err
			}
			if ok && m.Reason != "" {
				documented, used[i] = true, true
			}
		}
		if !documented {
			open = append(open, d)
		}
	}
	for i, m := range meant {
		if !used[i] {
			stale = append(stale, m)
		}
	}
	return open, stale, nil
}

func load(b []byte) (*openapi3.T, error) { return openapi3.NewLoader().LoadFromData(b) }

func readDeviations(file string) ([]Deviation, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var list []Deviation
	if err := yaml.Unmarshal(b, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return list, nil
}

type comparison struct{ found map[string]string }

func (c *comparison) add(at, format string, args ...any) {
	if _, ok := c.found[at]; !ok {
		c.found[at] = fmt.Sprintf(format, args...)
	}
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

func (c *comparison) paths(mine, vendor *openapi3.T) {
	theirs := map[string]*openapi3.PathItem{}
	for p, item := range vendor.Paths.Map() {
		theirs[parameter.ReplaceAllString(p, "{}")] = item
	}
	for p, item := range mine.Paths.Map() {
		other := theirs[parameter.ReplaceAllString(p, "{}")]
		for method, op := range item.Operations() {
			at := method + " " + p
			if other == nil || other.GetOperation(method) == nil {
				c.add(at, "the vendor has no such operation")
				continue
			}
			c.operation(at, item, op, other, other.GetOperation(method))
		}
	}
}

func (c *comparison) operation(at string, item *openapi3.PathItem, op *openapi3.Operation, otherItem *openapi3.PathItem, other *openapi3.Operation) {
	mine, theirs := parameters(item, op), parameters(otherItem, other)
	for k, p := range mine {
		q := theirs[k]
		if q == nil {
			c.add(at+" ?"+k, "the vendor doesn't know the parameter")
			continue
		}
		c.schema(at+" ?"+k, p.Schema.Value, q.Schema.Value, true, 0)
	}
	for k, q := range theirs {
		if p := mine[k]; q.Required && (p == nil || !p.Required) {
			c.add(at+" ?"+k, "the vendor requires the parameter")
		}
	}
	switch {
	case op.RequestBody == nil:
	case other.RequestBody == nil:
		c.add(at+" body", "the vendor takes no body")
	default:
		c.schema(at+" body", jsonBody(op.RequestBody.Value.Content), jsonBody(other.RequestBody.Value.Content), true, 0)
	}
	for status, r := range op.Responses.Map() {
		if status == "default" {
			continue
		}
		v := other.Responses.Value(status)
		if v == nil {
			c.add(at+" "+status, "the vendor doesn't list this status")
			continue
		}
		if s := jsonBody(r.Value.Content); s != nil {
			c.schema(at+" "+status, s, jsonBody(v.Value.Content), false, 0)
		}
	}
	c.rights(at, op, other)
}

// rights compares the tier with the RBAC actions that Wazuh names.
func (c *comparison) rights(at string, op, other *openapi3.Operation) {
	actions, _ := other.Extensions["x-rbac-actions"].([]any)
	tier := op.Extensions["x-gate-tier"]
	for _, a := range actions {
		m, _ := a.(map[string]any)
		ref, _ := m["$ref"].(string)
		name := ref[strings.LastIndex(ref, "/")+1:]
		if tier == "read" && !strings.HasSuffix(name, ":read") || tier != "destructive" && strings.HasSuffix(name, ":delete") {
			c.add(at+" tier", "the tier is %v, the vendor asks for %s", tier, name)
		}
	}
}

// flat is one schema with allOf, oneOf and anyOf folded in.
type flat struct {
	types    []string
	enum     []any
	props    map[string]*openapi3.Schema
	required map[string]bool
	items    *openapi3.Schema
	open     bool
}

func flatten(s *openapi3.Schema) *flat {
	f := &flat{props: map[string]*openapi3.Schema{}, required: map[string]bool{}}
	f.fold(s, map[*openapi3.Schema]bool{})
	if len(f.types) == 0 && len(f.props) > 0 {
		f.types = []string{"object"}
	}
	return f
}

func (f *flat) fold(s *openapi3.Schema, seen map[*openapi3.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	if s.Type != nil {
		f.types = append(f.types, s.Type.Slice()...)
	}
	f.enum = append(f.enum, s.Enum...)
	for k, p := range s.Properties {
		f.props[k] = p.Value
	}
	for _, r := range s.Required {
		f.required[r] = true
	}
	if s.Items != nil {
		f.items = s.Items.Value
	}
	if a := s.AdditionalProperties; a.Schema != nil || a.Has != nil && *a.Has {
		f.open = true
	}
	for _, refs := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
		for _, r := range refs {
			f.fold(r.Value, seen)
		}
	}
}

const maxDepth = 12

func (c *comparison) schema(at string, mine, theirs *openapi3.Schema, request bool, depth int) {
	if mine == nil || depth > maxDepth || mine.Extensions["x-go-type"] == "json.RawMessage" {
		return
	}
	if theirs == nil {
		c.add(at, "the vendor has no schema here")
		return
	}
	a, b := flatten(mine), flatten(theirs)
	if len(a.types) > 0 && len(b.types) > 0 && !slices.ContainsFunc(a.types, func(t string) bool {
		return slices.Contains(b.types, t) || t == "integer" && slices.Contains(b.types, "number")
	}) {
		c.add(at, "type %v, the vendor's is %v", a.types, b.types)
		return
	}
	for _, e := range a.enum {
		same := func(x any) bool { return fmt.Sprint(x) == fmt.Sprint(e) }
		if len(b.enum) > 0 && !slices.ContainsFunc(b.enum, same) {
			c.add(fmt.Sprintf("%s=%v", at, e), "the vendor's enum is %v", b.enum)
		}
	}
	for k, p := range a.props {
		q, ok := b.props[k]
		switch {
		case ok:
			c.schema(at+"."+k, p, q, request, depth+1)
		case b.open:
			c.add(at+"."+k, "the vendor has it only as an additional property")
		default:
			c.add(at+"."+k, "the vendor doesn't know the field")
		}
	}
	c.required(at, a, b, request)
	if a.items != nil {
		c.schema(at+"[]", a.items, b.items, request, depth+1)
	}
}

func (c *comparison) required(at string, a, b *flat, request bool) {
	if !request {
		for k := range a.required {
			if _, ok := b.props[k]; ok && !b.required[k] {
				c.add(at+"."+k+"!", "we promise the field, the vendor has it optional")
			}
		}
		return
	}
	for k := range b.required {
		if _, ok := a.props[k]; !ok {
			c.add(at+"."+k, "the vendor requires the field")
		} else if !a.required[k] {
			c.add(at+"."+k+"?", "the vendor requires the field, we have it optional")
		}
	}
}

// parameters returns an operation's parameters by place and name; those in the
// path go by their position alone.
func parameters(item *openapi3.PathItem, op *openapi3.Operation) map[string]*openapi3.Parameter {
	m := map[string]*openapi3.Parameter{}
	for _, list := range []openapi3.Parameters{item.Parameters, op.Parameters} {
		for _, p := range list {
			k := p.Value.In + ":" + p.Value.Name
			if p.Value.In == "path" {
				k = "path:*"
			}
			for m[k] != nil {
				k += "'"
			}
			m[k] = p.Value
		}
	}
	return m
}

func jsonBody(content openapi3.Content) *openapi3.Schema {
	for _, k := range slices.Sorted(maps.Keys(content)) {
		if m := content[k]; strings.Contains(k, "json") && m.Schema != nil {
			return m.Schema.Value
		}
	}
	return nil
}

// copied finds sentences that share a run of words with the vendor's text.
func (c *comparison) copied(ours, theirs []byte) error {
	var mine, vendor yaml.Node
	if err := yaml.Unmarshal(ours, &mine); err != nil {
		return err
	}
	if err := yaml.Unmarshal(theirs, &vendor); err != nil {
		return err
	}
	known := map[string]bool{}
	sentences(&vendor, func(s string) {
		for _, r := range runs(s) {
			known[r] = true
		}
	})
	sentences(&mine, func(s string) {
		for _, r := range runs(s) {
			if known[r] {
				c.add("prose "+s, "shares %q with the vendor", r)
			}
		}
	})
	return nil
}

var word = regexp.MustCompile(`[\p{L}\p{N}]+`)

func runs(s string) []string {
	w := word.FindAllString(strings.ToLower(s), -1)
	var list []string
	for i := 0; i+runLength <= len(w); i++ {
		list = append(list, strings.Join(w[i:i+runLength], " "))
	}
	return list
}

func sentences(n *yaml.Node, f func(string)) {
	if n.Kind == yaml.AliasNode {
		return
	}
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			switch k, v := n.Content[i].Value, n.Content[i+1]; k {
			case "description", "summary", "title":
				if v.Kind == yaml.ScalarNode {
					f(v.Value)
				}
			}
		}
	}
	for _, child := range n.Content {
		sentences(child, f)
	}
}
