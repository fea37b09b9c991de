package facts

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Name returns the name of one domain: enterprise, mobile or ics.
func (d Domains) Name() string {
	switch d {
	case Enterprise:
		return "enterprise"
	case Mobile:
		return "mobile"
	case ICS:
		return "ics"
	}
	return ""
}

// Each returns the domains in d one by one, in the order Enterprise, Mobile, ICS.
func (d Domains) Each() []Domains {
	var out []Domains
	for _, one := range []Domains{Enterprise, Mobile, ICS} {
		if d&one != 0 {
			out = append(out, one)
		}
	}
	return out
}

// Load reads the bundles of the given domains from a folder and merges them.
//
// A bundle is called as MITRE calls it, <domain>-attack.json or <domain>-attack-<version>.json, plain or with .gz. Where
// there are several, the one without a version counts, else the one with the highest. An error names the file.
func Load(ctx context.Context, dir string, domains Domains) (*Set, error) {
	var bundles []*Bundle
	for _, d := range domains.Each() {
		path, err := find(dir, d)
		if err != nil {
			return nil, err
		}
		b, err := readFile(ctx, path, d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		bundles = append(bundles, b)
	}
	return Merge(bundles...)
}

// find returns the path of the bundle of one domain.
func find(dir string, d Domains) (string, error) {
	stem := d.Name() + "-attack"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	best, bestVersion := "", []int(nil)
	for _, e := range entries {
		name, ok := strings.CutSuffix(strings.TrimSuffix(e.Name(), ".gz"), ".json")
		if !ok || e.IsDir() {
			continue
		}
		rest, ok := strings.CutPrefix(name, stem)
		if !ok {
			continue
		}
		v, ok := version(rest)
		if ok && (best == "" || compareVersions(v, bestVersion) > 0) {
			best, bestVersion = e.Name(), v
		}
	}
	if best == "" {
		return "", &fs.PathError{Op: "open", Path: filepath.Join(dir, stem+".json[.gz]"), Err: fs.ErrNotExist}
	}
	return filepath.Join(dir, best), nil
}

// version reads "" or "-18.1". No version is nil.
func version(s string) ([]int, bool) {
	if s == "" {
		return nil, true
	}
	s, ok := strings.CutPrefix(s, "-")
	if !ok {
		return nil, false
	}
	var v []int
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, false
		}
		v = append(v, n)
	}
	return v, true
}

// compareVersions puts no version, which means the current one, above all others.
func compareVersions(a, b []int) int {
	if a == nil || b == nil {
		return cmp.Compare(len(b), len(a))
	}
	return slices.Compare(a, b)
}

// readFile reads one bundle, compressed or not.
func readFile(ctx context.Context, path string, d Domains) (*Bundle, error) {
	f, err := os.Open(path)
	if err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			return nil, pathError.Err
		}
		return nil, err
	}
	defer f.Close()
	var r io.Reader = bufio.NewReaderSize(f, 1<<16)
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(r); err != nil {
			return nil, err
		}
	}
	return ReadBundle(ctx, r, d)
}
