package gate

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Only what holds an approver's key, or speaks to a database, imports more than the
// standard library.
// TestOnlyTheStandardLibraryIsImported reads the files rather than asking the
// go command, so that files of every operating system are looked at.
func TestOnlyTheStandardLibraryIsImported(t *testing.T) {
	const module = "github.com/sallyport-soc/sallyport/"
	const ssh, term = "golang.org/x/crypto/ssh", "golang.org/x/term"
	for dir, own := range map[string][]string{
		".":                  {module + "internal/clientword", module + "internal/clip", module + "internal/input", module + "internal/spelling", module + "internal/trusted", module + "internal/settings", module + "internal/sorting", module + "internal/stack", module + "internal/jsontree", module + "internal/jsontext", module + "internal/lazyregexp", module + "gate/state", module + "gate/journal", module + "internal/screen"},
		"journal":            {module + "internal/clip", module + "internal/lazyregexp", module + "gate/state", module + "gate/internal/chain", module + "gate/internal/filestore", module + "internal/settings", module + "internal/sorting"},
		"postgres":           {module + "internal/lazyregexp", module + "gate/journal", module + "gate/state", "github.com/jackc/pgx/v5/pgconn"},
		"witness":            {module + "gate/journal", module + "gate/state", "golang.org/x/mod/sumdb/note", "golang.org/x/mod/sumdb/tlog"},
		"state":              {module + "internal/clip", module + "gate/internal/chain", module + "internal/escape"},
		"../internal/screen": {module + "internal/clip", module + "gate/state", module + "internal/escape"},
		"internal/filestore": {module + "gate/internal/chain", module + "internal/sorting"}, "../internal/sorting": nil, "../internal/stack": nil, "internal/chain": nil, "../internal/escape": nil,
		"gatetest": {module + "gate"}, "page": {module + "gate", module + "internal/screen"},
		"connect": {module + "gate", module + "internal/settings", module + "internal/input", module + "internal/resume"}, "../internal/resume": nil, "../internal/clientword": {module + "gate/state"},
		"../internal/settings": {module + "internal/nearest", module + "internal/lazyregexp"},
		"../internal/spelling": {module + "internal/lazyregexp"}, "../internal/lazyregexp": nil, "../internal/trusted": nil, "../internal/nearest": nil, "../internal/input": {module + "internal/clip"}, "../internal/clip": nil,
		"../internal/jsontree": {module + "internal/clip", module + "internal/jsontext"}, "../internal/jsontext": nil,
		"keyring":  {module + "gate", ssh, ssh + "/agent"},
		"cmd/gate": {module + "gate", module + "internal/screen", module + "gate/journal", module + "gate/postgres", module + "gate/witness", module + "gate/page", module + "gate/keyring", module + "internal/clip", module + "internal/lazyregexp", module + "internal/nearest", module + "internal/completion", module + "internal/settings", term}, "../internal/completion": {module + "internal/nearest"},
	} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", dir, len(files), err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range f.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				first, _, _ := strings.Cut(path, "/")
				allowed := !strings.Contains(first, ".")
				for _, o := range own {
					allowed = allowed || path == o
				}
				if !allowed {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
}
