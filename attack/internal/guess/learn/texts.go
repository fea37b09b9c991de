package learn

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/attack/internal/guess"
	"github.com/sallyport-soc/sallyport/attack/internal/yaml"
)

// Inputs says where the texts lie. What is empty is left out.
type Inputs struct {
	// STIX is a bundle of Enterprise: its techniques are the labels, and its own texts are learned from.
	STIX string
	// Sigma is a file with titles, descriptions and techniques of SigmaHQ's rules: half of them, so that the other half can
	// tell how good the model is.
	Sigma string
	// Rules is a folder with public repositories of rules and tests, each in a folder of the name in [Sources].
	Rules string
}

// Sources are the repositories that are learned from, as they were then.
var Sources = []Source{
	{"wazuh", "wazuh/wazuh, ruleset/rules, tag v4.14.7", "GPL-2.0", 1, true, wazuhRules},
	{"splunk", "splunk/security_content, detections, commit b13b314a", "Apache-2.0", .5, false, splunkRules},
	{"atomic", "redcanaryco/atomic-red-team, atomics, commit 9f85cf3e", "MIT", .4, false, atomicTests},
	{"panther", "panther-labs/panther-analysis, commit daa10c88", "Apache-2.0", .5, false, pantherRules},
	{"lolbas", "LOLBAS-Project/LOLBAS, yml, commit 3403b338", "GPL-3.0", .3, true, lolbasBinaries},
	{"otrf", "OTRF/Security-Datasets, datasets/atomic/_metadata, commit d9d40ef1", "MIT", .5, false, otrfSets},
	{"car", "mitre-attack/car, analytics, commit 1b922fe1", "Apache-2.0", .5, false, carAnalytics},
	{"mdecrevoisier", "mdecrevoisier/SIGMA-detection-rules, commit 701ece8", "CC0-1.0", .5, false, sigmaRules},
	{"hayabusa", "Yamato-Security/hayabusa-rules, hayabusa, commit be4ff159", "DRL-1.1", .5, false, sigmaRules},
	{"stockpile", "mitre/stockpile, data/abilities, commit 996ec41", "Apache-2.0", .4, false, stockpileAbilities},
	{"bertjan", "Bert-JanP/Hunting-Queries-Detection-Rules, commit 7a0d998", "BSD-3-Clause", .5, false, huntingQueries},
	{"sysmon", "olafhartong/sysmon-modular, commit a507259", "MIT", .15, false, sysmonConditions},
	{"falco", "falcosecurity/rules, rules, commit c72713ee", "Apache-2.0", .5, false, falcoRules},
	{"elastic", "elastic/detection-rules, rules, commit 14cf530f", "Elastic-2.0", .5, false, elasticRules},
	{"protections", "elastic/protections-artifacts, behavior/rules, commit 9c334cf8", "Elastic-2.0", .5, false, elasticRules},
	{"falconfriday", "FalconForceTeam/FalconFriday, commit 06de951", "BSD-3-Clause", .5, false, falconQueries},
}

// Source is a repository of texts with techniques.
type Source struct {
	Name    string
	What    string // repository, folder and version
	Licence string
	weight  float64
	cites   bool // Sigma's rules, without being made from them
	read    func(add func(Example), path string, text string) error
}

// Texts reads all examples, and the labels: the techniques in force. Ids of techniques that were revoked count for those
// that took their place; ids that lead nowhere are left out. Rules that say they were made from SigmaHQ's are, too, since
// they would give away the half that isn't learned from.
func Texts(ctx context.Context, in Inputs) (examples []Example, labels []string, err error) {
	set, err := facts.Read(ctx, []facts.File{{Domain: facts.Enterprise, Path: in.STIX}})
	if err != nil {
		return nil, nil, err
	}
	current := successors(set)
	add := func(source string, weight float64) func(Example) {
		return func(e Example) {
			var about []string
			for _, id := range e.Labels {
				if now := current[strings.ToUpper(id)]; now != "" && !slices.Contains(about, now) {
					about = append(about, now)
				}
			}
			if len(about) == 0 && len(e.Labels) > 0 {
				return
			}
			e.Labels, e.Source = about, source
			if e.Weight == 0 {
				e.Weight = weight
			}
			examples = append(examples, e)
		}
	}
	if in.Sigma != "" {
		if err := sigmaTitles(in.Sigma, add("sigma", 1)); err != nil {
			return nil, nil, err
		}
	}
	if in.Rules != "" {
		for _, s := range Sources {
			if err := s.walk(filepath.Join(in.Rules, s.Name), add(s.Name, s.weight)); err != nil {
				return nil, nil, err
			}
		}
	}
	stixTexts(set, add("attack", .5))
	for id, now := range current {
		if id == now {
			labels = append(labels, id)
		}
	}
	slices.Sort(labels)
	return examples, labels, nil
}

// successors returns the technique in force of each id.
func successors(set *facts.Set) map[string]string {
	out := map[string]string{}
	from, end := set.Range(facts.Technique)
	for i := from; i < end; i++ {
		o := &set.Objects[i]
		for range 8 {
			if !o.Revoked || o.RevokedBy == facts.None {
				break
			}
			o = &set.Objects[o.RevokedBy]
		}
		if id := set.Objects[i].ID; !o.Revoked && !o.Deprecated && out[id] == "" {
			out[id] = o.ID
		}
	}
	return out
}

// stixTexts adds what ATT&CK itself says of each technique: its name twice over, its description, and how it was used.
func stixTexts(set *facts.Set, add func(Example)) {
	first, end := set.Range(facts.Technique)
	names, used := map[string]string{}, map[int32]*strings.Builder{}
	for i := first; i < end; i++ {
		if o := &set.Objects[i]; !o.Revoked && !o.Deprecated {
			names[o.ID] = o.Name
			used[i] = &strings.Builder{}
		}
	}
	for i, r := range set.Relations {
		if b := used[r.Target]; b != nil && b.Len() < maxProse && (r.Verb == facts.GroupUses || r.Verb == facts.SoftwareUses || r.Verb == facts.CampaignUses) {
			b.WriteString(facts.Plain(set.Texts[i]) + " ")
		}
	}
	for i := first; i < end; i++ {
		o := &set.Objects[i]
		if used[i] == nil {
			continue
		}
		name := o.Name
		if parent, _, sub := strings.Cut(o.ID, "."); sub {
			name = names[parent] + ": " + name
		}
		add(Example{Text: guess.Text{Title: name}, Labels: []string{o.ID}})
		add(Example{Text: guess.Text{Title: name, Body: clip(facts.Plain(o.Description), 3000)}, Labels: []string{o.ID}})
		if used[i].Len() > 0 {
			add(Example{Text: guess.Text{Body: used[i].String()}, Labels: []string{o.ID}, Weight: .1})
		}
	}
}

// maxProse bounds what is read of how a technique was used.
const maxProse = 20_000

func clip(s string, n int) string { return s[:min(n, len(s))] }

func sigmaTitles(path string, add func(Example)) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var file struct {
		Rules []struct {
			Title, Description string
			Techniques         []string
		}
	}
	if err := json.NewDecoder(unzipped).Decode(&file); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, r := range file.Rules {
		add(Example{Text: guess.Text{Title: r.Title, Body: r.Description}, Labels: r.Techniques})
	}
	return nil
}

// walk reads all files of a source, in order.
func (s Source) walk(dir string, add func(Example)) error {
	root := os.DirFS(dir)
	return fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		if fromSigma.Match(data) && !s.cites {
			return nil
		}
		if err := s.read(add, name, string(data)); err != nil {
			return fmt.Errorf("%s/%s: %w", s.Name, name, err)
		}
		return nil
	})
}

var (
	fromSigma = regexp.MustCompile(`(?i)sigmahq|neo23x0/sigma|sigma rule|sigma/blob`)
	technique = regexp.MustCompile(`\bT[0-9]{4}(?:\.[0-9]{3})?\b`)
	wazuhRule = regexp.MustCompile(`(?s)<rule\s+([^>]*)>(.*?)</rule>`)
	wazuhFile = regexp.MustCompile(`(?s)<group\s+name="([^"]*)"\s*>`)
	comment   = regexp.MustCompile(`(?s)<!--.*?-->`)
	levelOf   = regexp.MustCompile(`level="([0-9]+)"`)
	variable  = regexp.MustCompile(`\$\([^)]*\)`)
	entities  = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")
)

func tags(name, text string) []string {
	var out []string
	for rest := text; ; {
		_, after, ok := strings.Cut(rest, "<"+name+">")
		if !ok {
			return out
		}
		inner, tail, _ := strings.Cut(after, "</"+name+">")
		out = append(out, strings.TrimSpace(inner))
		rest = tail
	}
}

// wazuhRules reads a file of Wazuh's rules: descriptions as titles, groups as bodies. Rules without techniques say what is
// no attack, though not surely, so they count for little.
func wazuhRules(add func(Example), name, text string) error {
	if path.Ext(name) != ".xml" {
		return nil
	}
	text = comment.ReplaceAllString(text, "")
	heads := wazuhFile.FindAllStringSubmatchIndex(text, -1)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		groups := text[h[2]:h[3]]
		for _, m := range wazuhRule.FindAllStringSubmatch(text[h[1]:end], -1) {
			description := entities.Replace(strings.Join(tags("description", m[2]), " "))
			e := Example{
				Text:  guess.Text{Title: variable.ReplaceAllString(description, " "), Body: Groups(strings.Split(groups+","+strings.Join(tags("group", m[2]), ","), ","))},
				Group: path.Base(name),
			}
			for _, ids := range tags("mitre", m[2]) {
				e.Labels = append(e.Labels, technique.FindAllString(ids, -1)...)
			}
			if e.Labels == nil {
				level := levelOf.FindStringSubmatch(m[1])
				if n, err := strconv.Atoi(append(level, "", "0")[1]); err != nil || n < 2 || description == "" || strings.Contains(m[2], "<mitre>") {
					continue
				}
				e.Weight = .1
			}
			add(e)
		}
	}
	return nil
}

// Groups makes a body of a rule's groups.
func Groups(groups []string) string { return guess.Groups(groups) }

func each(text string, read func(doc any)) error {
	docs, err := yaml.Parse(text)
	for _, d := range docs {
		read(d)
	}
	return err
}

func isYAML(name string) bool { return path.Ext(name) == ".yml" || path.Ext(name) == ".yaml" }

func splunkRules(add func(Example), name, text string) error {
	if !isYAML(name) {
		return nil
	}
	return each(text, func(d any) {
		if ids := yaml.Texts(d, "tags", "mitre_attack_id"); ids != nil {
			add(Example{Text: guess.Text{Title: yaml.Text(d, "name"), Body: yaml.Text(d, "description")}, Labels: ids})
		}
	})
}

func atomicTests(add func(Example), name, text string) error {
	if base := path.Base(name); !strings.HasPrefix(base, "T") || !isYAML(name) {
		return nil
	}
	return each(text, func(d any) {
		id := yaml.Text(d, "attack_technique")
		for _, t := range yaml.List(d, "atomic_tests") {
			body := yaml.Text(t, "description") + " " + clip(yaml.Text(t, "executor", "command"), 400)
			add(Example{Text: guess.Text{Title: yaml.Text(t, "name"), Body: body}, Labels: []string{id}})
		}
	})
}

func pantherRules(add func(Example), name, text string) error {
	if !isYAML(name) || !strings.Contains(text, "MITRE ATT&CK") {
		return nil
	}
	return each(text, func(d any) {
		var ids []string
		for _, r := range yaml.Texts(d, "Reports", "MITRE ATT&CK") {
			ids = append(ids, technique.FindAllString(r, -1)...)
		}
		if title := yaml.Text(d, "DisplayName"); ids != nil && title != "" {
			add(Example{Text: guess.Text{Title: title, Body: yaml.Text(d, "Description")}, Labels: ids})
		}
	})
}

func lolbasBinaries(add func(Example), name, text string) error {
	if !isYAML(name) {
		return nil
	}
	return each(text, func(d any) {
		for _, c := range yaml.List(d, "Commands") {
			if id := yaml.Text(c, "MitreID"); id != "" {
				body := yaml.Text(c, "Description") + " " + yaml.Text(c, "Command")
				add(Example{Text: guess.Text{Title: yaml.Text(d, "Name"), Body: body}, Labels: []string{id}})
			}
		}
	})
}

func otrfSets(add func(Example), name, text string) error {
	if !isYAML(name) {
		return nil
	}
	return each(text, func(d any) {
		var ids []string
		for _, m := range yaml.List(d, "attack_mappings") {
			id := yaml.Text(m, "technique")
			if sub := yaml.Text(m, "sub-technique"); sub != "" {
				id += "." + sub
			}
			ids = append(ids, id)
		}
		if ids != nil {
			add(Example{Text: guess.Text{Title: yaml.Text(d, "title"), Body: yaml.Text(d, "description")}, Labels: ids})
		}
	})
}

func carAnalytics(add func(Example), name, text string) error {
	if !isYAML(name) {
		return nil
	}
	return each(text, func(d any) {
		var ids []string
		for _, c := range yaml.List(d, "coverage") {
			subs := yaml.Texts(c, "subtechniques")
			if subs == nil {
				subs = []string{yaml.Text(c, "technique")}
			}
			ids = append(ids, subs...)
		}
		if ids != nil {
			add(Example{Text: guess.Text{Title: yaml.Text(d, "title"), Body: yaml.Text(d, "description")}, Labels: ids})
		}
	})
}

func falcoRules(add func(Example), name, text string) error {
	if !isYAML(name) {
		return nil
	}
	return each(text, func(d any) {
		list, _ := d.([]any)
		for _, r := range list {
			var ids []string
			for _, tag := range yaml.Texts(r, "tags") {
				ids = append(ids, technique.FindAllString(tag, -1)...)
			}
			if rule := yaml.Text(r, "rule"); rule != "" && ids != nil {
				add(Example{Text: guess.Text{Title: rule, Body: yaml.Text(r, "desc")}, Labels: ids})
			}
		}
	})
}

func sigmaRules(add func(Example), name, text string) error {
	if !isYAML(name) {
		return nil
	}
	return each(text, func(d any) {
		var ids []string
		for _, tag := range yaml.Texts(d, "tags") {
			ids = append(ids, technique.FindAllString(strings.ToUpper(tag), -1)...)
		}
		if title := yaml.Text(d, "title"); title != "" && ids != nil {
			add(Example{Text: guess.Text{Title: title, Body: yaml.Text(d, "description")}, Labels: ids})
		}
	})
}

func stockpileAbilities(add func(Example), name, text string) error {
	if !isYAML(name) {
		return nil
	}
	return each(text, func(d any) {
		list, _ := d.([]any)
		for _, a := range list {
			if id := yaml.Text(a, "technique", "attack_id"); id != "" {
				add(Example{Text: guess.Text{Title: yaml.Text(a, "name"), Body: yaml.Text(a, "description")}, Labels: []string{id}})
			}
		}
	})
}

var (
	heading     = regexp.MustCompile(`(?m)^#\s+(.+)$`)
	description = regexp.MustCompile(`(?s)#### Description\n(.*?)\n#`)
	sysmonRule  = regexp.MustCompile(`<(\w+)\s[^>]*technique_id=(T[0-9.]+)[^>]*>([^<]*)<`)
)

func huntingQueries(add func(Example), name, text string) error {
	if path.Ext(name) != ".md" {
		return nil
	}
	title, ids := heading.FindStringSubmatch(text), technique.FindAllString(text, -1)
	if title == nil || ids == nil || len(ids) > 8 {
		return nil
	}
	e := Example{Text: guess.Text{Title: title[1]}, Labels: ids}
	if m := description.FindStringSubmatch(text); m != nil {
		e.Body = clip(m[1], 2000)
	}
	add(e)
	return nil
}

func sysmonConditions(add func(Example), name, text string) error {
	if path.Ext(name) != ".xml" || !strings.Contains(name, "/") {
		return nil
	}
	for _, m := range sysmonRule.FindAllStringSubmatch(comment.ReplaceAllString(text, ""), -1) {
		add(Example{Text: guess.Text{Body: entities.Replace(m[3])}, Labels: []string{m[2]}})
	}
	return nil
}

// The parts of Elastic's rules, which are TOML of one shape.
var (
	elasticName  = regexp.MustCompile(`(?m)^name = (?:"(.*)"|'(.*)')$`)
	elasticAbout = regexp.MustCompile(`(?sm)^description = (?:"""(.*?)"""|\'\'\'(.*?)\'\'\'|"(.*?)"$)`)
	elasticID    = regexp.MustCompile(`(?m)^id = "(T[0-9.]+)"$`)
)

func elasticRules(add func(Example), name, text string) error {
	title := elasticName.FindStringSubmatch(text)
	if path.Ext(name) != ".toml" || title == nil {
		return nil
	}
	var ids []string
	for _, m := range elasticID.FindAllStringSubmatch(text, -1) {
		ids = append(ids, m[1])
	}
	if ids = narrowest(ids); ids == nil {
		return nil
	}
	e := Example{Text: guess.Text{Title: strings.TrimPrefix(title[1]+title[2], "Deprecated - ")}, Labels: ids}
	if m := elasticAbout.FindStringSubmatch(text); m != nil {
		e.Body = m[1] + m[2] + m[3]
	}
	add(e)
	return nil
}

// narrowest leaves out techniques of which a sub-technique is there too.
func narrowest(ids []string) []string {
	return slices.DeleteFunc(ids, func(id string) bool {
		return slices.ContainsFunc(ids, func(other string) bool { return strings.HasPrefix(other, id+".") })
	})
}

var (
	falconTag   = regexp.MustCompile(`(?m)^\|[^|]*\| *(T[0-9]{4}) *\| *([0-9]{3})? *\|`)
	falconAbout = regexp.MustCompile(`(?s)## Detection description\n(.*?)\n## Permission.*## Description of the attack\n(.*?)\n##`)
)

func falconQueries(add func(Example), name, text string) error {
	title := heading.FindStringSubmatch(text)
	if path.Ext(name) != ".md" || title == nil {
		return nil
	}
	var ids []string
	for _, m := range falconTag.FindAllStringSubmatch(text, -1) {
		ids = append(ids, strings.TrimSuffix(m[1]+"."+m[2], "."))
	}
	if ids == nil {
		return nil
	}
	e := Example{Text: guess.Text{Title: title[1]}, Labels: ids}
	if m := falconAbout.FindStringSubmatch(text); m != nil {
		e.Body = clip(m[1]+" "+m[2], 2000)
	}
	add(e)
	return nil
}
