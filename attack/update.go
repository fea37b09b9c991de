package attack

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// UpdateDataInput says what an update must bring.
type UpdateDataInput struct {
	// Of each new bundle, in hexadecimal; else nothing is replaced.
	SHA256 []string `json:"sha256,omitempty" maxItems:"3"`
}

// Validate wants whole sums.
func (in UpdateDataInput) Validate() error {
	for _, s := range in.SHA256 {
		if b, err := hex.DecodeString(s); err != nil || len(b) != sha256.Size {
			return invalid("sha256 %q, want 64 hexadecimal digits", clip.Text(s, 80))
		}
	}
	return nil
}

// UpdateDataOutput says what an update brought.
type UpdateDataOutput struct {
	Before  []DomainVersion `json:"before"`          // the versions so far
	After   []DomainVersion `json:"after"`           // the versions now
	Files   []Bundle        `json:"files"`           // now in use
	Stored  []Bundle        `json:"stored"`          // as they came
	Cache   string          `json:"cache,omitempty"` // the folder of the files
	Changes map[string]int  `json:"changes"`         // how many objects of ATT&CK were added, changed, revoked, …
	Note    string          `json:"note,omitempty"`  // what to know about the answer
}

// Published is the address below which MITRE publishes the bundles. Updates come from there unless another source is
// configured, and only when somebody calls for one.
const Published = "https://raw.githubusercontent.com/mitre-attack/attack-stix-data/master"

// noUpdates as the source means that there are none.
const noUpdates = "off"

// origin is where the bundle of a domain comes from.
type origin struct {
	domain facts.Domains
	at     string // path or address
	name   string
	path   bool
}

// origins returns where the bundles of the client's domains come from, and reads nothing but the folder's list.
func (c *Client) origins() ([]origin, error) {
	switch {
	case c.config.DataDir == "":
		return nil, invalid("there is no data folder to keep bundles in")
	case c.config.UpdateFrom == noUpdates:
		return nil, invalid("there is no source to update from")
	}
	source := cmp.Or(c.config.UpdateFrom, Published)
	set, err := domainSet(c.config.Domains)
	if err != nil {
		return nil, err
	}
	var list []origin
	if strings.Contains(source, "://") {
		if c.config.Fetch == nil {
			return nil, invalid("the source is an address, and this program can't fetch")
		}
		for _, d := range set.Each() {
			stem := d.Name() + "-attack"
			list = append(list, origin{d, strings.TrimSuffix(source, "/") + "/" + stem + "/" + stem + ".json", stem + ".json", false})
		}
		return list, nil
	}
	files, err := facts.Find(source, set, "")
	if err != nil {
		return nil, fmt.Errorf("attack: update: %w", err)
	}
	for _, f := range files {
		list = append(list, origin{f.Domain, f.Path, f.Name, true})
	}
	return list, nil
}

// planUpdateData says what would be replaced by what. The sums of files in a folder are in the plan, so that an approval
// covers just these.
func (c *Client) planUpdateData(ctx context.Context, in UpdateDataInput) (gate.Plan, error) {
	from, err := c.origins()
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary:  "Replace the ATT&CK bundles that this server uses.",
		Warnings: []string{"No tool here goes back to an earlier version: they stay in the data folder, from which the new ones would have to be moved away."},
	}
	kb, err := c.KB(ctx)
	if err != nil {
		kb = nil
		p.Warnings = append(p.Warnings, "What is in use now can't be read: "+err.Error())
	}
	for _, o := range from {
		d := Domain(o.domain.Name())
		target := gate.Target{Kind: "ATT&CK bundle", ID: d.STIX(), Name: "none"}
		if kb != nil {
			target.Name, target.Version = string(kb.Source())+" "+kb.Version(d), kb.sum(d)
		}
		p.Targets = append(p.Targets, target)
		after := o.at
		if o.path {
			sum, err := fileSum(ctx, o.at)
			if err != nil {
				return gate.Plan{}, fmt.Errorf("attack: update: %w", err)
			}
			after = o.name + " with SHA-256 " + sum
		}
		p.Changes = append(p.Changes, gate.Set(d.STIX(), after))
	}
	if len(in.SHA256) > 0 {
		p.Changes = append(p.Changes, gate.Set("required SHA-256", strings.Join(in.SHA256, ", ")))
	}
	return p, nil
}

// sum returns the checksum of the bundle of a domain.
func (k *KB) sum(d Domain) string {
	for _, b := range k.bundles {
		if b.Domain == d {
			return b.SHA256
		}
	}
	return ""
}

func fileSum(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(ender{ctx, f}, facts.MaxBundle)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// ender is a reader that ends with its context.
type ender struct {
	ctx context.Context
	r   io.Reader
}

func (e ender) Read(b []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, context.Cause(e.ctx)
	}
	return e.r.Read(b)
}

// UpdateData gets the bundles of all domains from the configured source, checks that they are whole and fit together, and
// only then puts them in the place of those in use, each in one step. The bundles before stay beside them under their
// version. What runs already goes on with what it has.
func (c *Client) UpdateData(ctx context.Context, in UpdateDataInput) (*UpdateDataOutput, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	from, err := c.origins()
	if err != nil {
		return nil, err
	}
	before, oldErr := c.KB(ctx)
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("attack: %w", context.Cause(ctx))
	}
	staging, err := os.MkdirTemp(c.config.DataDir, ".update-*")
	if err != nil {
		return nil, fmt.Errorf("attack: update: %w", err)
	}
	defer os.RemoveAll(staging)
	var files []facts.File
	for _, o := range from {
		f, err := c.stage(ctx, o, staging)
		if err != nil {
			return nil, fmt.Errorf("attack: update: %s: %w", o.at, err)
		}
		files = append(files, f)
	}
	if _, err := facts.Read(ctx, files); err != nil {
		return nil, fmt.Errorf("attack: update: %w", err)
	}
	for _, f := range files {
		if len(in.SHA256) > 0 && !slices.ContainsFunc(in.SHA256, func(s string) bool { return strings.EqualFold(s, f.SHA256) }) {
			return nil, invalid("%s has the SHA-256 %s, which is none of those given; nothing was replaced", f.Name, f.SHA256)
		}
		if f.ATTACK == "" {
			return nil, invalid("%s doesn't tell its version of ATT&CK, so it can't be kept beside others; nothing was replaced", f.Name)
		}
	}
	out := &UpdateDataOutput{Before: []DomainVersion{}, Stored: bundlesOf(files), Changes: map[string]int{}}
	for i, f := range files {
		name, err := c.install(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("attack: update: %d of %d bundles were replaced: %w", i, len(files), err)
		}
		out.Stored[i].File = name
	}
	after, err := Open(ctx, c.config.DataDir, c.config.Domains...)
	if err != nil {
		return nil, err
	}
	c.kb.Store(after)
	out.After, out.Files, out.Cache = after.versionList(), after.Bundles(), after.cache
	if oldErr != nil {
		out.Note = "What was in use before couldn't be read."
		return out, nil
	}
	out.Before = before.versionList()
	d := Compare(before, after, 0)
	for name, n := range map[string]int{
		"added": d.Added.Total, "changed": d.Changed.Total, "revoked": d.Revoked.Total, "deprecated": d.Deprecated.Total,
		"removed": d.Removed.Total, "renamedTactics": d.RenamedTactics.Total,
	} {
		out.Changes[name] = n
	}
	for i, f := range out.Files {
		if f.SHA256 != out.Stored[i].SHA256 {
			out.Note += fmt.Sprintf("%s is kept, but %s is of a higher version and stays in use. ", out.Stored[i].File, f.File)
		}
	}
	return out, nil
}

// stage copies a bundle into the staging folder.
func (c *Client) stage(ctx context.Context, o origin, staging string) (f facts.File, err error) {
	var r io.ReadCloser
	if o.path {
		r, err = os.Open(o.at)
	} else {
		r, err = c.config.Fetch(ctx, o.at)
	}
	if err != nil {
		return f, err
	}
	defer r.Close()
	f = facts.File{Domain: o.domain, Name: o.name, Path: filepath.Join(staging, o.name)}
	w, err := os.OpenFile(f.Path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return f, err
	}
	f.Size, err = io.Copy(w, io.LimitReader(ender{ctx, r}, facts.MaxBundle+1))
	if err = errors.Join(err, w.Sync(), w.Close()); err != nil {
		return f, err
	}
	if f.Size > facts.MaxBundle {
		return f, fmt.Errorf("bundle is larger than %d bytes", facts.MaxBundle)
	}
	if !o.path {
		return f, nil
	}
	// A sum that lies beside the source must be right, too.
	sum, err := os.ReadFile(o.at + ".sha256")
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	return f, os.WriteFile(f.Path+".sha256", sum, 0o644)
}

// install puts a staged bundle into the data folder under its version, with its sum beside it, and moves one without a
// version out of its way. It touches nothing outside of the folder, and returns the name of the bundle.
func (c *Client) install(ctx context.Context, f facts.File) (string, error) {
	dir := c.config.DataDir
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	suffix := ".json"
	if strings.HasSuffix(f.Name, ".gz") {
		suffix = ".json.gz"
	}
	stem := f.Domain.Name() + "-attack"
	name := stem + "-" + f.ATTACK + suffix
	held, err := facts.List(dir, f.Domain)
	if err != nil {
		return "", err
	}
	// Whenever this stops, what lies there is a whole bundle without a sum, or with the right one.
	if err := root.Remove(name + ".sha256"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	staging := filepath.Base(filepath.Dir(f.Path))
	if err := root.Rename(filepath.Join(staging, f.Name), name); err != nil {
		return "", err
	}
	if err := facts.WriteFile(f.Path+".sha256", []byte(f.SHA256+"  "+name+"\n")); err != nil {
		return "", err
	}
	if err := root.Rename(filepath.Join(staging, f.Name+".sha256"), name+".sha256"); err != nil {
		return "", err
	}
	for _, old := range held {
		aside := ""
		switch {
		case old.Version == "":
			aside = c.aside(ctx, old, f.ATTACK)
		case old.Version == f.ATTACK && old.Name != name: // the same version, compressed or not
			aside = old.Name + ".old"
		default:
			continue
		}
		if err := root.Rename(old.Name, aside); err != nil {
			return "", err
		}
	}
	return name, nil
}

// aside returns the name under which a bundle without a version is kept.
func (c *Client) aside(ctx context.Context, old facts.File, newer string) string {
	files := []facts.File{old}
	if _, err := facts.Read(ctx, files); err == nil && files[0].ATTACK != "" && files[0].ATTACK != newer {
		suffix := strings.TrimPrefix(old.Name, old.Domain.Name()+"-attack")
		name := old.Domain.Name() + "-attack-" + files[0].ATTACK + suffix
		if _, err := os.Stat(filepath.Join(c.config.DataDir, name)); errors.Is(err, os.ErrNotExist) {
			return name
		}
	}
	return old.Name + ".old"
}
