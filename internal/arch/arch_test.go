// Package arch_test keeps the direction of dependencies.
package arch_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/sallyport-soc/sallyport/"
	sdk    = "github.com/modelcontextprotocol/"
)

var platforms = []string{"wazuh", "thehive", "cortex", "misp"}

// imports returns what the packages below dir import, tests and testdata apart,
// each with a file that imports it.
func imports(t *testing.T, dir string) map[string]string {
	t.Helper()
	found, files := map[string]string{}, 0
	root := filepath.Join("..", "..", filepath.FromSlash(dir))
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasSuffix(d.Name(), "test") && file != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		files++
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			found[p] = file
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatalf("%s has no file: is it there?", dir)
	}
	return found
}

func forbid(t *testing.T, dir string, bad func(path string) bool) {
	t.Helper()
	for path, file := range imports(t, dir) {
		if bad(path) {
			t.Errorf("%s imports %s", file, path)
		}
	}
}

func platform(path string) string {
	for _, p := range platforms {
		if path == module+p || strings.HasPrefix(path, module+p+"/") {
			return p
		}
	}
	return ""
}

// ground are the packages that the gate shares with others. They import nothing
// but the standard library and each other.
var ground = []string{"clientword", "clip", "completion", "escape", "input", "jsontext", "jsontree", "lazyregexp", "nearest", "resume", "screen", "settings", "sorting", "spelling", "stack", "trusted"}

func isGround(path string) bool {
	name, ours := strings.CutPrefix(path, module+"internal/")
	return ours && slices.Contains(ground, name)
}

func isStandard(path string) bool { return !strings.Contains(strings.Split(path, "/")[0], ".") }

// The key of an approver is the operator's: its passphrase and ssh-agent may
// need more than the standard library, which nothing that a server links does, but the
// driver of the database that a journal can be in. What speaks to witnesses is the
// operator's too.
// gate has a test of its own that says which package may import what.
func TestTheGateImportsOnlyTheStandardLibrary(t *testing.T) {
	forbid(t, "gate", func(path string) bool {
		operators := strings.HasPrefix(path, "golang.org/x/crypto/ssh") || path == "golang.org/x/term" || path == module+"gate/keyring"
		database := path == "github.com/jackc/pgx/v5/pgconn" || strings.HasPrefix(path, "golang.org/x/mod/sumdb/") // of gate/postgres and gate/witness
		return !isStandard(path) && !isGround(path) && !operators && !database && !strings.HasPrefix(path, module+"gate/") && path != module+"gate"
	})
}

func TestWhatTheGateImportsOfOursIsStandardLibraryToo(t *testing.T) {
	for _, name := range ground {
		forbid(t, "internal/"+name, func(path string) bool { return !isStandard(path) && !isGround(path) && path != module+"gate/state" })
	}
}

func TestAPlatformKnowsNoOtherAndNoMCP(t *testing.T) {
	for _, p := range platforms {
		forbid(t, p, func(path string) bool {
			other := platform(path)
			return strings.HasPrefix(path, sdk) || path == module+"mcpadapter" || strings.HasPrefix(path, module+"attack") || other != "" && other != p
		})
	}
}

func TestATTACKKnowsNoPlatformAndNoNetwork(t *testing.T) {
	for path, file := range imports(t, "attack") {
		if strings.Contains(filepath.ToSlash(file), "/attack/soc/") {
			continue
		}
		if platform(path) != "" || path == "net/http" || strings.HasPrefix(path, sdk) {
			t.Errorf("%s imports %s", file, path)
		}
	}
	forbid(t, "attack/soc", func(path string) bool { return strings.HasPrefix(path, sdk) || path == module+"mcpadapter" })
}

func TestTheAdapterKnowsNoPlatform(t *testing.T) {
	forbid(t, "mcpadapter", func(path string) bool { return platform(path) != "" || strings.HasPrefix(path, module+"attack") })
}

func TestOnlyHTTPXSendsHTTP(t *testing.T) {
	for _, p := range platforms {
		forbid(t, p+"/internal", func(path string) bool { return path == "net/http" })
	}
}

// adapterFloors are the packages of the adapter from the ground up. Each imports
// only those before it.
var adapterFloors = []string{
	"mcpadapter/internal/schema",
	"mcpadapter/internal/untrusted",
	"mcpadapter/internal/answer",
	"mcpadapter/internal/inflight",
	"mcpadapter/internal/hindrance",
	"mcpadapter/internal/outlet",
	"mcpadapter",
	"mcpadapter/mcphttp",
	"mcpadapter/command",
}

func TestTheAdapterImportsDownwardsOnly(t *testing.T) {
	for i, floor := range adapterFloors {
		for _, path := range importsOf(t, floor) {
			if above := slices.Index(adapterFloors, strings.TrimPrefix(path, module)); above >= i {
				t.Errorf("%s imports %s, which stands above it", floor, path)
			}
			if strings.HasPrefix(path, sdk) && strings.HasPrefix(floor, "mcpadapter/internal/") {
				t.Errorf("%s imports %s: the protocol is the business of mcpadapter", floor, path)
			}
		}
	}
	dirs, err := os.ReadDir(filepath.Join("..", "..", "mcpadapter", "internal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if !slices.Contains(adapterFloors, "mcpadapter/internal/"+d.Name()) {
			t.Errorf("mcpadapter/internal/%s has no floor", d.Name())
		}
	}
}

// importsOf returns what the package in dir alone imports, its tests apart.
func importsOf(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(dir), "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no Go files: %v", dir, err)
	}
	var list []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, p)
		}
	}
	return list
}

// Whoever uses a client, or a gate whose journal is in a folder, links no driver of a
// database: only who names gate/postgres does.
func TestTheDriverOfTheDatabaseIsLinkedOnlyWhereItIsUsed(t *testing.T) {
	links := func(pkg string) bool {
		t.Helper()
		cmd := exec.Command("go", "list", "-deps", "./"+pkg)
		cmd.Dir = filepath.Join("..", "..")
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, said.String())
		}
		return strings.Contains(string(out), "github.com/jackc/")
	}
	for _, pkg := range []string{"thehive", "cortex", "misp", "wazuh", "attack", "gate", "gate/page", "gate/keyring", "gate/witness", "mcpadapter", "mcpadapter/mcphttp"} {
		if links(pkg) {
			t.Errorf("%s links it", pkg)
		}
	}
	for _, pkg := range []string{"gate/cmd/gate", "examples/thehive-mcp"} {
		if !links(pkg) {
			t.Errorf("%s doesn't link it, and so can't reach the database", pkg)
		}
	}
}

// What is read from top to bottom stays as short as that takes.
func TestTheReadmeAndTheSurfaceOfTheAdapterAreShort(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(readme), "\n"); n > 250 {
		t.Errorf("README.md has %d lines, want at most 250", n)
	}
	cmd := exec.Command("go", "doc", "./mcpadapter")
	cmd.Dir = filepath.Join("..", "..")
	page, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(page), "\n"); n > 70 {
		t.Errorf("go doc ./mcpadapter has %d lines, want a page of at most 70", n)
	}
}

// The name of a test says what it tests: no key to a list elsewhere.
func TestTestsAreNamedByWhatTheyTest(t *testing.T) {
	key := regexp.MustCompile(`(?m)^func (Test(?:[A-Z]|Bug|Point|Case)\d+\w*)\(`)
	if err := filepath.WalkDir(filepath.Join("..", ".."), func(name string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := os.ReadFile(name)
		for _, m := range key.FindAllSubmatch(b, -1) {
			t.Errorf("%s: %s", name, m[1])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}
