package behaviour

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var row = Row{
	Group: Write, Does: "Closing a case ends its tasks for good.", Versions: "4.1.24", Known: []Witness{Running("4.1.24"), Docs("Close a case")},
	Surprising: true, Client: "The plan names the tasks.", Test: "TestThere/with a subtest",
}

func there(t *testing.T) tests {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "a_test.go", `package a
import "testing"
func TestThere(t *testing.T) { t.Run("with a subtest", nil) }`, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := tests{}
	found.read(file)
	return found
}

func TestARowWithoutItsTestFails(t *testing.T) {
	for name, change := range map[string]struct {
		do   func(*Row)
		want string
	}{
		"as it should be":  {func(*Row) {}, ""},
		"the whole test":   {func(r *Row) { r.Test = "TestThere" }, ""},
		"no test":          {func(r *Row) { r.Test = "" }, "Test: want one line"},
		"unknown test":     {func(r *Row) { r.Test = "TestElsewhere" }, `there is no test "TestElsewhere"`},
		"unknown subtest":  {func(r *Row) { r.Test = "TestThere/without" }, `there is no subtest "without" of TestThere`},
		"no witness":       {func(r *Row) { r.Known = nil }, "nobody vouches for it"},
		"no group":         {func(r *Row) { r.Group = "Other" }, `"Other" is none`},
		"no versions":      {func(r *Row) { r.Versions = " " }, "Versions: want one line"},
		"two lines":        {func(r *Row) { r.Client = "a\nb" }, "Client: want one line"},
		"nothing is done ": {func(r *Row) { r.Client = "" }, "Client: want one line"},
	} {
		r := row
		change.do(&r)
		got := strings.Join(Table{Rows: []Row{r}}.faults(there(t)), "\n")
		if change.want == "" && got != "" || !strings.Contains(got, change.want) {
			t.Errorf("%s: faults %q, want %q", name, got, change.want)
		}
	}
	if got := (Table{Rows: []Row{row, row}}).faults(there(t)); len(got) != 1 || !strings.Contains(got[0], "stands twice") {
		t.Errorf("a row twice: %q", got)
	}
}

func TestThePageGroupsTheRows(t *testing.T) {
	other := row
	other.Group, other.Does, other.Surprising, other.Disagree = List, "A page has ten rows.", false, "Some say twenty."
	page := Table{Platform: "TheHive", Intro: "Read it.", Rows: []Row{row, other}}.Page()
	for _, want := range []string{
		"# What TheHive really does\n\nRead it.\n", "2 behaviours, of which 1 surprise", "## List\n\n- **A page has ten rows.** (4.1.24)\n",
		"Witnesses disagree: Some say twenty.", "## Write\n\n- ⚠ **Closing a case ends its tasks for good.**",
		"Known by: seen running, 4.1.24; vendor's documentation, Close a case.", "Our client: The plan names the tasks.", "Test: `TestThere/with a subtest`",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Index(page, "## List") > strings.Index(page, "## Write") {
		t.Error("the groups aren't in their order")
	}
}

func TestCheckReadsTheTestsThatThereAre(t *testing.T) {
	r := row
	r.Test = "TestARowWithoutItsTestFails/unknown subtest"
	table := Table{Platform: "TheHive", Rows: []Row{r}}
	page := filepath.Join(t.TempDir(), "behaviour.md")
	if err := os.WriteFile(page, []byte(table.Page()), 0o600); err != nil {
		t.Fatal(err)
	}
	Check(t, table, page)
}
