package cortex_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
)

const sample = "%PDF-1.7 not really"

// folder returns a directory for files, with one in it, and a secret beside it.
func folder(t *testing.T) string {
	t.Helper()
	outside := t.TempDir()
	dir := filepath.Join(outside, "files")
	for _, d := range []string{dir, filepath.Join(dir, "sub"), outside + "/files-not"} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, content := range map[string]string{"files/invoice.pdf": sample, "files/sub/deep.bin": "x", "files/empty": "", "secret": "no", "files-not/x": "no"} {
		if err := os.WriteFile(filepath.Join(outside, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"out": "../secret", "absolute": filepath.Join(outside, "secret"), "in": "invoice.pdf", "up": ".."} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here")
		}
	}
	return dir
}

var fileInfo = cortextest.AnalyzerID("FileInfo_8_0")

func TestRunAnalyzerFileShowsWhatLeavesAndWaits(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	dir := folder(t)
	g, ops := guarded(t, s, func(cfg *cortex.Config) { cfg.FileBaseDir = dir })
	op := ops["cortex_run_analyzer_file"]
	args := `{"analyzerId":"` + fileInfo + `","filePath":"invoice.pdf","message":"from the mail","label":"l","tlp":1}`
	res, err := do(t, g, op, args)
	if err != nil || res.State != gate.StatePending {
		t.Fatalf("%+v, %v", res, err)
	}
	screen := gate.Render(res.Proposal)
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(sample)))
	for _, want := range []string{"FileInfo_8_0", "invoice.pdf", "19 bytes", sum, "application/pdf", "TLP:GREEN PAP:AMBER", "from the mail"} {
		if !strings.Contains(screen, want) {
			t.Errorf("the screen lacks %q:\n%s", want, screen)
		}
	}
	if len(s.Submissions()) != 0 {
		t.Fatal("submitted before the approval")
	}
	g.Approve(res.Proposal.ID)
	for range 2 {
		if res, err = do(t, g, op, args); err != nil || res.State != gate.StateExecuted {
			t.Fatalf("%+v, %v", res, err)
		}
	}
	got := s.Submissions()
	if len(got) != 1 || got[0].File == nil || string(got[0].File.Content) != sample || got[0].File.Name != "invoice.pdf" ||
		got[0].DataType != "file" || got[0].TLP != 1 || got[0].Message != "from the mail" || got[0].Label != "l" {
		t.Errorf("submitted %+v", got)
	}
	if out := res.Out.(*cortex.StartedFile); out.Size != 19 || len(out.SHA256) != 64 || out.Analyzer != "FileInfo_8_0" {
		t.Errorf("%+v", out)
	}
}

func TestAFileThatChangedMakesTheApprovalStale(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	dir := folder(t)
	g, ops := guarded(t, s, func(cfg *cortex.Config) { cfg.FileBaseDir = dir })
	op, args := ops["cortex_run_analyzer_file"], `{"analyzerId":"`+fileInfo+`","filePath":"invoice.pdf"}`
	res, err := do(t, g, op, args)
	if err != nil {
		t.Fatal(err)
	}
	g.Approve(res.Proposal.ID)
	if err := os.WriteFile(filepath.Join(dir, "invoice.pdf"), []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if res, err = do(t, g, op, args); err != nil || res.State != gate.StatePending || len(s.Submissions()) != 0 {
		t.Errorf("%+v, %v", res, err)
	}
	c := s.Client(func(cfg *cortex.Config) { cfg.FileBaseDir = dir })
	if _, err := c.RunAnalyzerFile(t.Context(), cortex.RunAnalyzerFileInput{AnalyzerID: fileInfo, FilePath: "invoice.pdf", SHA256: strings.Repeat("0", 64)}); !errors.Is(err, cortex.ErrChanged) {
		t.Errorf("another SHA-256: %v", err)
	}
}

func TestFilesStayInTheirDirectory(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	dir := folder(t)
	c := s.Client(func(cfg *cortex.Config) { cfg.FileBaseDir, cfg.MaxFile = dir, 64 })
	run := func(path string) error {
		_, err := c.RunAnalyzerFile(t.Context(), cortex.RunAnalyzerFileInput{AnalyzerID: fileInfo, FilePath: path})
		return err
	}
	for _, path := range []string{
		"../secret", "sub/../../secret", "out", "absolute", "up/secret", "/etc/passwd", filepath.Join(dir, "..", "secret"), dir + "-not/x",
		".", "sub", dir, "nothing", "\x00", "empty",
	} {
		err := run(path)
		if !errors.Is(err, cortex.ErrInvalid) {
			t.Errorf("%q: %v", path, err)
		} else if strings.Contains(err.Error(), "no such file") || strings.Contains(err.Error(), "escapes") {
			t.Errorf("%q tells what is there: %v", path, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, 65), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run("large"); !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), "at most 64") {
		t.Errorf("a large file: %v", err)
	}
	if got := s.Requests(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
	for _, path := range []string{"invoice.pdf", "sub/deep.bin", "in", "./sub/../invoice.pdf", filepath.Join(dir, "invoice.pdf")} {
		if err := run(path); err != nil {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := s.Client().RunAnalyzerFile(t.Context(), cortex.RunAnalyzerFileInput{AnalyzerID: fileInfo, FilePath: "invoice.pdf"}); !errors.Is(err, cortex.ErrNotConfigured) {
		t.Errorf("without a directory: %v", err)
	}
}

func TestRunAnalyzerFileInput(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	c := s.Client(func(cfg *cortex.Config) { cfg.MaxFile = 32 })
	ok := cortex.RunAnalyzerFileInput{AnalyzerID: fileInfo, FileBase64: []byte(sample), Filename: `a "quoted" näme.pdf`, ContentType: "application/pdf"}
	for want, change := range map[string]func(*cortex.RunAnalyzerFileInput){
		"filePath or fileBase64": func(in *cortex.RunAnalyzerFileInput) { in.FileBase64 = nil },
		"exclude":                func(in *cortex.RunAnalyzerFileInput) { in.FilePath = "x" },
		"filename is needed":     func(in *cortex.RunAnalyzerFileInput) { in.Filename = "" },
		"without a path":         func(in *cortex.RunAnalyzerFileInput) { in.Filename = "../x" },
		"control characters":     func(in *cortex.RunAnalyzerFileInput) { in.Filename = "x\r\nContent-Type: y" },
		"media type":             func(in *cortex.RunAnalyzerFileInput) { in.ContentType = "a\r\nb: c" },
		"sha256: want":           func(in *cortex.RunAnalyzerFileInput) { in.SHA256 = "abc" },
		"at most 32":             func(in *cortex.RunAnalyzerFileInput) { in.FileBase64 = make([]byte, 33) },
		"pap: want one of CLEAR, GREEN, AMBER, RED": func(in *cortex.RunAnalyzerFileInput) { in.PAP = ptr(cortex.PAP(7)) },
	} {
		in := ok
		change(&in)
		if _, err := c.RunAnalyzerFile(t.Context(), in); !errors.Is(err, cortex.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if got := s.Requests(); len(got) != 0 {
		t.Errorf("sent %v", got)
	}
	for want, change := range map[error]func(*cortex.RunAnalyzerFileInput){
		cortex.ErrSelection: func(in *cortex.RunAnalyzerFileInput) { in.AnalyzerID = cortextest.AnalyzerID("MaxMind_GeoIP_4_0") },
		cortex.ErrNotFound:  func(in *cortex.RunAnalyzerFileInput) { in.AnalyzerID = "nothing" },
		cortex.ErrEgress:    func(in *cortex.RunAnalyzerFileInput) { in.TLP = ptr(cortex.TLPRed) },
	} {
		in := ok
		change(&in)
		if _, err := c.RunAnalyzerFile(t.Context(), in); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	in := ok
	in.Message = "found on 10.20.0.7"
	if _, err := c.RunAnalyzerFile(t.Context(), in); !errors.Is(err, cortex.ErrEgress) {
		t.Errorf("an internal address beside the file: %v", err)
	}
	if got := s.Submissions(); len(got) != 0 {
		t.Errorf("submitted %v", got)
	}
	if _, err := c.RunAnalyzerFile(t.Context(), ok); err != nil {
		t.Fatal(err)
	}
	if f := s.Submissions()[0].File; f.Name != ok.Filename || f.ContentType != "application/pdf" || string(f.Content) != sample {
		t.Errorf("submitted %+v", f)
	}
	again, err := c.RunAnalyzerFile(t.Context(), ok)
	if err != nil || !again.FromCache {
		t.Errorf("the same file again: %+v, %v", again, err)
	}
}

func TestALargeFileByContentIsRefusedByTheGate(t *testing.T) {
	t.Parallel()
	s := cortextest.New(t)
	g, ops := guarded(t, s)
	content := base64.StdEncoding.EncodeToString(make([]byte, 600<<10))
	_, err := do(t, g, ops["cortex_run_analyzer_file"], `{"analyzerId":"`+fileInfo+`","filename":"x","fileBase64":"`+content+`"}`)
	if refusal(err) != gate.ReasonTooLarge || len(s.Requests()) != 0 {
		t.Errorf("%v", err)
	}
}

func FuzzFilePath(f *testing.F) {
	outside := f.TempDir()
	dir := filepath.Join(outside, "files")
	if err := os.Mkdir(dir, 0o700); err != nil {
		f.Fatal(err)
	}
	for name, content := range map[string]string{"files/ok": "inside", "secret": "outside"} {
		if err := os.WriteFile(filepath.Join(outside, name), []byte(content), 0o600); err != nil {
			f.Fatal(err)
		}
	}
	for _, s := range []string{"ok", "../secret", "./ok", "/etc/passwd", "", "ok/..", "%2e%2e/secret", `..\secret`, outside + "/secret"} {
		f.Add(s)
	}
	s := cortextest.NewServer()
	client := serve(f, s, func(cfg *cortex.Config) { cfg.FileBaseDir = dir })
	f.Fuzz(func(t *testing.T, path string) {
		before := len(s.Submissions())
		_, err := client.RunAnalyzerFile(t.Context(), cortex.RunAnalyzerFileInput{AnalyzerID: fileInfo, FilePath: path, Filename: "f", Force: true})
		for _, sub := range s.Submissions()[before:] {
			if string(sub.File.Content) != "inside" {
				t.Errorf("%q submitted %q, %v", path, sub.File.Content, err)
			}
		}
	})
}
