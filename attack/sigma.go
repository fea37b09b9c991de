package attack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/attack/internal/yaml"
)

// SigmaRule is a Sigma rule, as far as it says what it is about.
type SigmaRule struct {
	File   string   // below the folder
	ID     string   // a UUID
	Title  string   // its title
	Status string   // such as stable, test, experimental or deprecated
	IDs    []string // ids of techniques and tactics in its tags, in their usual form
}

// Bounds of a folder of Sigma rules.
const (
	maxSigmaFiles = 20_000
	maxSigmaFile  = 1 << 20
)

// ReadSigma reads the Sigma rules in a folder and below it: files that end in .yml or .yaml and have a title and a
// detection. It follows no link that leads out of the folder. What looks like a rule and can't be read is in skipped, each
// with the reason.
func ReadSigma(ctx context.Context, dir string) (rules []SigmaRule, skipped []string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("attack: sigma rules: %w", err)
	}
	defer root.Close()
	files := 0
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		ext := strings.ToLower(path.Ext(name))
		if err != nil || d.IsDir() || ext != ".yml" && ext != ".yaml" {
			return err
		}
		if files++; files > maxSigmaFiles {
			return fmt.Errorf("the folder has more than %d files", maxSigmaFiles)
		}
		found, err := readSigmaFile(root, name)
		if err != nil {
			skipped = append(skipped, name+": "+err.Error())
			return nil
		}
		rules = append(rules, found...)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("attack: sigma rules: %w", err)
	}
	return rules, skipped, nil
}

func readSigmaFile(root *os.Root, name string) ([]SigmaRule, error) {
	info, err := root.Stat(name)
	if err != nil {
		return nil, errors.New("can't be opened")
	}
	if info.Size() > maxSigmaFile {
		return nil, fmt.Errorf("larger than %d bytes", maxSigmaFile)
	}
	text, err := root.ReadFile(name)
	if err != nil {
		return nil, errors.New("can't be read")
	}
	docs, err := yaml.Parse(string(text))
	if err != nil {
		return nil, err
	}
	var rules []SigmaRule
	for _, d := range docs {
		m, _ := d.(map[string]any)
		r := SigmaRule{File: name, ID: yaml.Text(d, "id"), Title: yaml.Text(d, "title"), Status: yaml.Text(d, "status")}
		if r.Title == "" || m["detection"] == nil && m["correlation"] == nil {
			continue
		}
		for _, tag := range yaml.Texts(d, "tags") {
			tag, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
			if !ok {
				continue
			}
			ids := idsOf(tag, facts.Technique, facts.Tactic)
			if ids == nil && !slices.ContainsFunc([]string{"g", "s"}, func(p string) bool { return strings.HasPrefix(tag, p) && digits(tag[1:]) }) {
				ids = []string{tag} // a tactic by its name
			}
			r.IDs = append(r.IDs, ids...)
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// SigmaRules reads the Sigma rules in the configured folder, as [ReadSigma] does. Without a folder there are none, and ok is
// false.
func (c *Client) SigmaRules(ctx context.Context) (rules []SigmaRule, skipped []string, ok bool, err error) {
	if c.config.SigmaDir == "" {
		return nil, nil, false, nil
	}
	rules, skipped, err = ReadSigma(ctx, c.config.SigmaDir)
	return rules, skipped, true, err
}
