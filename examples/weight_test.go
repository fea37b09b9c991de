package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAProgramOfOnePlatformLinksNeitherTheSDKNorOthers(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "./testdata/weight/thehive").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 50 {
		t.Fatalf("only %d packages: %q", len(deps), deps)
	}
	for _, p := range deps {
		own, ours := strings.CutPrefix(p, "github.com/sallyport-soc/sallyport/")
		switch {
		case strings.Contains(p, "modelcontextprotocol"), strings.Contains(p, "jackc"), strings.Contains(p, "jsonschema"):
			t.Errorf("links %s", p)
		case ours && (strings.HasPrefix(own, "attack") || strings.HasPrefix(own, "mcpadapter") || strings.HasPrefix(own, "wazuh") || strings.HasPrefix(own, "misp") || strings.HasPrefix(own, "cortex") || strings.HasSuffix(own, "test")):
			t.Errorf("links %s", p)
		}
	}
}

func TestAProgramOfOnePlatformIsLittleLargerThanABareOne(t *testing.T) {
	t.Parallel()
	const most = 1_242_000
	size := map[string]int64{}
	for _, name := range []string{"bare", "thehive"} {
		file := filepath.Join(t.TempDir(), name)
		if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, "./testdata/weight/"+name).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		fi, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		size[name] = fi.Size()
	}
	if more := size["thehive"] - size["bare"]; more > most {
		t.Errorf("the program is %d bytes larger than the bare one's %d, want at most %d", more, size["bare"], most)
	}
}
