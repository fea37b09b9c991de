package cortex_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
)

func TestAFileIsWaitedForLongerThanAnythingElse(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/run") {
			time.Sleep(700 * time.Millisecond) // Cortex stores a file in small chunks
		}
		return false
	})
	c := s.Client(func(cfg *cortex.Config) { cfg.Timeout = 300 * time.Millisecond })
	j, err := c.RunAnalyzerFile(t.Context(), cortex.RunAnalyzerFileInput{
		AnalyzerID: cortextest.AnalyzerID("VirusTotal_GetReport_3_1"), FileBase64: []byte("content"), Filename: "a.bin",
	})
	if err != nil || j.JobID == "" {
		t.Errorf("%+v, %v", j, err)
	}
	if _, err := c.RunAnalyzerByName(t.Context(), cortex.RunAnalyzerByNameInput{AnalyzerName: "MaxMind", DataType: "ip", Data: attacker}); err == nil {
		t.Error("an address is waited for as long")
	}
}

func TestAFileIsReadWhileItIsSent(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "large.bin")
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	c := s.Client(func(cfg *cortex.Config) { cfg.FileBaseDir = dir })
	in := cortex.RunAnalyzerFileInput{AnalyzerID: cortextest.AnalyzerID("FileInfo_8_0"), FilePath: "large.bin"}
	out, err := c.RunAnalyzerFile(t.Context(), in)
	if got := s.Submissions(); err != nil || out.Size != 3<<20 || len(got) != 1 || len(got[0].File.Content) != 3<<20 {
		t.Fatalf("%+v, %v", out, err)
	}
	// What was looked at is what is sent, or nothing is taken.
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet { // after it was looked at
			if err := os.WriteFile(path, bytes.Repeat([]byte("y"), 3<<20), 0o600); err != nil {
				t.Error(err)
			}
		}
		return false
	})
	if out, err := c.RunAnalyzerFile(t.Context(), in); err == nil || len(s.Submissions()) != 1 {
		t.Errorf("a file that changed on the way was taken: %+v", out)
	}
}

func TestTheSampleInAProtectedZipIsSubmitted(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client()
	const z = "UEsDBBQACQAIAKwpfl2gDaodJwAAAD4AAAAKABwAc2FtcGxlLmV4ZVVUCQAD9AUNa/QFDWt1eAsAAQQAAAAABAAAAAAO9d/fb6hrz6R6FIsE6bxRP6MLZA6MRO4tveYwM3GeupTjt/cLWYpQSwcIoA2qHScAAAA+AAAAUEsBAh4DFAAJAAgArCl+XaANqh0nAAAAPgAAAAoAGAAAAAAAAQAAAKSBAAAAAHNhbXBsZS5leGVVVAUAA/QFDWt1eAsAAQQAAAAABAAAAABQSwUGAAAAAAEAAQBQAAAAewAAAAAA" // sample.exe, under the password infected
	content, err := base64.StdEncoding.DecodeString(z)
	if err != nil {
		t.Fatal(err)
	}
	in := cortex.RunAnalyzerFileInput{AnalyzerID: cortextest.AnalyzerID("FileInfo_8_0"), FileBase64: content, Filename: "sample.zip", ZipPassword: "infected"}
	out, err := c.RunAnalyzerFile(t.Context(), in)
	if got := s.Submissions(); err != nil || out.Filename != "sample.exe" || out.Size != 62 || len(got) != 1 || !strings.HasPrefix(string(got[0].File.Content), "MZ not really") {
		t.Errorf("%+v, %v", out, err)
	}
	in.ZipPassword = "another"
	if _, err := c.RunAnalyzerFile(t.Context(), in); !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), "zipPassword") || len(s.Submissions()) != 1 {
		t.Errorf("a wrong password: %v", err)
	}
}
