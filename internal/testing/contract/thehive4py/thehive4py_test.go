// Package thehive4py_test runs the suite of the vendor's Python client, which it
// was written to pass on TheHive itself, against the fake.
package thehive4py_test

import (
	"context"
	"encoding/xml"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/testing/contract/python"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// The release whose suite is run. Its source distribution holds the tests.
const release = "2.1.0"

// atLeast is how many tests pass.
const atLeast = 165

// fails are the tests that the fake fails, each with the reason.
var fails = map[string]string{
	"test_list_analyzers":  "wants a TheHive without Cortex; the fake has analyzers, which the lab needs",
	"test_list_responders": "wants a TheHive without Cortex; the fake has responders, which the lab needs",
}

// TestTheVendorsSuitePasses needs python3 and PyPI.
func TestTheVendorsSuitePasses(t *testing.T) {
	env := python.Open(t, "thehive4py=="+release, "requests==2.34.2", "pytest==9.1.1")
	env.Pip("download", "--no-deps", "--no-binary", ":all:", "thehive4py=="+release)
	if out, err := env.Run(5*time.Minute, "tar", "xzf", "thehive4py-"+release+".tar.gz"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	suite := filepath.Join(env.Dir, "thehive4py-"+release)
	plugin, err := os.ReadFile("instead_of_docker.py")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(suite, "instead_of_docker.py"), plugin, 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(thehivetest.NewServer())
	defer server.Close()

	end, limited := t.Deadline()
	if !limited {
		end = time.Now().Add(time.Hour)
	}
	ctx, cancel := context.WithDeadline(t.Context(), end.Add(-time.Minute))
	defer cancel()
	cmd := exec.CommandContext(ctx, env.Python, "-m", "pytest", "-q", "-p", "instead_of_docker", "--tb=short", "--junitxml=result.xml", "tests")
	cmd.Dir = suite
	cmd.Env = append(os.Environ(), "HIVE_URL="+server.URL)
	cmd.WaitDelay = 10 * time.Second
	out, _ := cmd.CombinedOutput() // it fails when a test does
	if ctx.Err() != nil {
		t.Skip("skipped: the suite takes longer than a test may here")
	}
	areas, failed := results(t, filepath.Join(suite, "result.xml"))
	passed := 0
	for _, area := range slices.Sorted(maps.Keys(areas)) {
		t.Logf("%-16s %3d passed, %d failed, %d skipped", area, areas[area].passed, areas[area].failed, areas[area].skipped)
		passed += areas[area].passed
	}
	t.Logf("%d passed, %d failed", passed, len(failed))
	if passed < atLeast {
		t.Errorf("%d tests pass, want at least %d", passed, atLeast)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(fails)), failed); diff != "" {
		t.Errorf("tests that fail (-want +got):\n%s\n%s", diff, out)
	}
}

// An area is a file of tests.
type area struct{ passed, failed, skipped int }

// results reads pytest's report: what became of each area, and the tests that fail.
func results(t *testing.T, file string) (areas map[string]area, failed []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var report struct {
		Suites []struct {
			Cases []struct {
				Class   string    `xml:"classname,attr"`
				Name    string    `xml:"name,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(b, &report); err != nil {
		t.Fatal(err)
	}
	areas = map[string]area{}
	for _, s := range report.Suites {
		for _, c := range s.Cases {
			_, name, _ := strings.Cut(c.Class, "test_") // tests.test_alert_endpoint.TestAlertEndpoint
			name, _, _ = strings.Cut(name, ".")
			name = strings.TrimSuffix(name, "_endpoint")
			a := areas[name]
			switch {
			case c.Failure != nil || c.Error != nil:
				failed = append(failed, strings.TrimPrefix(c.Name, "tests."))
				a.failed++
			case c.Skipped != nil:
				a.skipped++
			default:
				a.passed++
			}
			areas[name] = a
		}
	}
	slices.Sort(failed)
	return areas, failed
}
