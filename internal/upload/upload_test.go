package upload

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"os"
	"path/filepath"
	"testing"
)

func TestAFileIsSentAsItWasLookedAtOrNotAtAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.bin")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := At(dir, "a.bin", "")
	if err := f.Look(100); err != nil || f.Size != 7 || f.Name != "a.bin" || len(f.SHA256) != 64 {
		t.Fatalf("%+v, %v", f, err)
	}
	form, err := f.Form("attachment", "text/plain", map[string]string{"a": "<b>"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // each attempt reads it anew
		r, err := form.Open()
		if err != nil {
			t.Fatal(err)
		}
		counted := &counter{r: r}
		_, params, _ := mime.ParseMediaType(form.ContentType)
		parts := multipart.NewReader(counted, params["boundary"])
		for _, want := range []string{`{"a":"<b>"}`, "content"} {
			p, err := parts.NextPart()
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(p); err != nil || string(b) != want {
				t.Errorf("%q, %v; want %q", b, err, want)
			}
		}
		if _, err := io.Copy(io.Discard, counted); err != nil || counted.n != form.Size {
			t.Errorf("%d bytes were announced and %d sent, %v", form.Size, counted.n, err)
		}
	}
	if err := os.WriteFile(path, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := form.Open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, ErrChanged) {
		t.Errorf("a changed file: %v", err)
	}
}

func TestOfAFileThatIsTooLargeOnlyTheSizeIsFoundOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "large"), make([]byte, 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	f := At(dir, "large", "x")
	if err := f.Look(1000); err != nil || f.Size != 5000 || f.SHA256 != "" {
		t.Errorf("%+v, %v", f, err)
	}
	if f := Content("x", make([]byte, 5000)); f.Look(1000) != nil || f.Size != 5000 {
		t.Errorf("in memory: %+v", f)
	}
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
