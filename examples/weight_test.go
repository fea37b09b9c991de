package examples_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
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
	const most = 5 << 20 / 4
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

func TestManyCallersShareFewConnections(t *testing.T) {
	t.Parallel()
	hive := thehivetest.NewServer()
	hive.SeedIncident()
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(hive)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	const inFlight = 8
	c, err := thehive.New(thehive.Config{BaseURL: server.URL, APIKey: thehivetest.Key, Options: connect.Options{MaxInFlight: inFlight}})
	if err != nil {
		t.Fatal(err)
	}
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			for range 5 {
				if _, err := c.GetCase(t.Context(), thehive.GetCaseInput{CaseID: "2"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if n := opened.Load(); n > 2*inFlight {
		t.Errorf("64 callers opened %d connections, want at most %d", n, 2*inFlight)
	}
}
