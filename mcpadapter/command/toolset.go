package command

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// otherTools is the toolset of the tools that no declared one matches.
const otherTools = "other"

func (p *program) toolsetNames() []string {
	names := make([]string, 0, len(p.Toolsets)+1)
	for _, t := range p.Toolsets {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return append(names, otherTools)
}

// toolset returns the name of the toolset that a tool is in.
func (p *program) toolset(tool string) string {
	for _, t := range p.Toolsets {
		if ok, err := regexp.MatchString(t.Match, tool); ok && err == nil {
			return t.Name
		}
	}
	return otherTools
}

// chosen returns the toolsets that -toolsets names; nil means all.
func (p *program) chosen() (map[string]bool, error) {
	if p.toolsets == "" {
		return nil, nil
	}
	known := p.toolsetNames()
	chosen := map[string]bool{}
	for name := range strings.SplitSeq(p.toolsets, ",") {
		name = strings.TrimSpace(name)
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("-toolsets: there is no %q: want some of %s", name, strings.Join(known, ", "))
		}
		chosen[name] = true
	}
	return chosen, nil
}
