package facts

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/sorting"
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

// A File is a bundle in a folder.
type File struct {
	Domain   Domains
	Path     string
	Name     string
	Version  string // that its name has; empty means the current one
	Size     int64
	Modified int64 // nanoseconds since 1970

	// Known only once it was read:
	SHA256 string // of the file as it is, in hexadecimal
	ATTACK string // the version that the bundle tells
}

// Load reads the bundles of the given domains from a folder and merges them.
//
// A bundle is called as MITRE calls it, <domain>-attack.json or <domain>-attack-<version>.json, plain or with .gz. Where
// there are several, the one without a version counts, else the one with the highest. An error names the file.
func Load(ctx context.Context, dir string, domains Domains) (*Set, error) {
	files, err := Find(dir, domains, "")
	if err != nil {
		return nil, err
	}
	return Read(ctx, files)
}

// Read reads bundles and merges them. It completes what is known of the files. Where a file <bundle>.sha256 lies beside
// the bundle, the bundle must have that sum.
func Read(ctx context.Context, files []File) (*Set, error) {
	var bundles []*Bundle
	for i := range files {
		b, err := readFile(ctx, &files[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", files[i].Path, err)
		}
		bundles = append(bundles, b)
	}
	return Merge(bundles...)
}

// Find returns the bundle of each domain: the current one, or that of the version if one is given.
func Find(dir string, domains Domains, version string) ([]File, error) {
	var files []File
	for _, d := range domains.Each() {
		all, err := List(dir, d)
		if err != nil {
			return nil, err
		}
		if version != "" {
			all = slices.DeleteFunc(all, func(f File) bool { return f.Version != version })
		}
		if len(all) == 0 {
			name := d.Name() + "-attack.json[.gz]"
			if version != "" {
				name = d.Name() + "-attack-" + version + ".json[.gz]"
			}
			return nil, &fs.PathError{Op: "open", Path: filepath.Join(dir, name), Err: fs.ErrNotExist}
		}
		files = append(files, all[0])
	}
	return files, nil
}

// List returns the bundles of one domain in a folder, the current one first, then from the highest version to the lowest.
func List(dir string, d Domains) ([]File, error) {
	stem := d.Name() + "-attack"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []File
	versions := map[string][]int{}
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
		if !ok {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		versions[e.Name()] = v
		files = append(files, File{
			Domain: d, Path: path, Name: e.Name(), Version: strings.TrimPrefix(rest, "-"), Size: info.Size(),
			Modified: info.ModTime().UnixNano(),
		})
	}
	sorting.Stable(files, func(a, b File) int {
		return cmp.Or(compareVersions(versions[b.Name], versions[a.Name]), strings.Compare(a.Name, b.Name))
	})
	return files, nil
}

// version reads "" or "-18.1", of up to four numbers. No version is nil.
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
		n, err := strconv.ParseUint(part, 10, 31) // takes no sign
		if err != nil || len(v) == 4 {
			return nil, false
		}
		v = append(v, int(n))
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
func readFile(ctx context.Context, file *File) (*Bundle, error) {
	want, err := sumBeside(file.Path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(file.Path)
	if err != nil {
		var pathError *fs.PathError
		if errors.As(err, &pathError) {
			return nil, pathError.Err
		}
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	raw := io.TeeReader(f, sum)
	var r io.Reader = sized{raw, file.Size}
	if strings.HasSuffix(file.Path, ".gz") {
		if r, err = gzip.NewReader(bufio.NewReaderSize(raw, 1<<16)); err != nil {
			return nil, err
		}
	}
	b, err := ReadBundle(ctx, r, file.Domain)
	if err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, raw); err != nil {
		return nil, err
	}
	file.SHA256, file.ATTACK = hex.EncodeToString(sum.Sum(nil)), b.Version
	if want != "" && want != file.SHA256 {
		return nil, fmt.Errorf("its SHA-256 is %s, and %s says %s", file.SHA256, filepath.Base(file.Path)+sumSuffix, want)
	}
	return b, nil
}

// sized is a reader that knows how much it has.
type sized struct {
	io.Reader
	size int64
}

// Size returns how many bytes there are.
func (s sized) Size() int64 { return s.size }

const sumSuffix = ".sha256"

// sumBeside returns the sum that lies beside a bundle as sha256sum writes it, or nothing if none does.
func sumBeside(path string) (string, error) {
	text, err := os.ReadFile(path + sumSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	sum, _, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	sum = strings.ToLower(sum)
	if b, err := hex.DecodeString(sum); err != nil || len(b) != sha256.Size {
		return "", fmt.Errorf("%s has no SHA-256", filepath.Base(path)+sumSuffix)
	}
	return sum, nil
}

// stamp describes files so that a change of any shows.
func stamp(files []File) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%s\t%d\t%d\t", f.Name, f.Size, f.Modified)
		if sum, err := sumBeside(f.Path); err == nil {
			b.WriteString(sum)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// told is what reading the files told of them.
func told(files []File) string {
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "%s\t%s\n", f.SHA256, f.ATTACK)
	}
	return b.String()
}

// CachePath returns the name of the cache of some domains in a folder.
func CachePath(dir string, domains Domains) string {
	var names []string
	for _, d := range domains.Each() {
		names = append(names, d.Name())
	}
	return filepath.Join(dir, "attack-"+strings.Join(names, "+")+".cache")
}

// ReadCache reads the cache of files, if there is one that was made from just these. It completes what is known of them.
func ReadCache(path string, files []File) (*Set, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > MaxBundle {
		return nil, fmt.Errorf("%w: larger than %d bytes", ErrCorrupt, MaxBundle)
	}
	var text strings.Builder
	text.Grow(int(info.Size()))
	if _, err := io.Copy(&text, f); err != nil {
		return nil, err
	}
	set, made, err := DecodeCache(text.String())
	if err != nil {
		return nil, err
	}
	lines, ok := strings.CutPrefix(made, stamp(files))
	told := strings.Split(lines, "\n")
	if !ok || len(told) != len(files)+1 {
		return nil, ErrStale
	}
	for i := range files {
		files[i].SHA256, files[i].ATTACK, _ = strings.Cut(told[i], "\t")
	}
	return set, nil
}

// ErrStale is what [ReadCache] returns for a cache of other files.
var ErrStale = errors.New("the cache was made from other bundles")

// WriteCache writes the cache of files, whole or not at all.
func WriteCache(path string, set *Set, files []File) error {
	return WriteFile(path, EncodeCache(set, stamp(files)+told(files)))
}

// WriteFile writes a file whole or not at all: beside it first, then in its place.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err := errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
