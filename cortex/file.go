package cortex

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-soc/sallyport/gate"
)

// RunAnalyzerFileInput is the input of [Client.RunAnalyzerFile]. Give FilePath
// or FileBase64.
type RunAnalyzerFileInput struct {
	AnalyzerID  string                     `json:"analyzerId" alias:"id" minLength:"1" maxLength:"128"`
	FilePath    string                     `json:"filePath,omitempty" jsonschema:"Below the operator's folder." alias:"path" maxLength:"4096"`
	FileBase64  []byte                     `json:"fileBase64,omitempty" jsonschema:"Needs filename."`
	Filename    string                     `json:"filename,omitempty" jsonschema:"Default: that of filePath." alias:"name" maxLength:"255"`
	ContentType string                     `json:"contentType,omitempty" jsonschema:"Media type." maxLength:"128"`
	SHA256      string                     `json:"sha256,omitempty" jsonschema:"Refuse other content." pattern:"^([0-9A-Fa-f]{64})?$"`
	TLP         *TLP                       `json:"tlp,omitempty"`
	PAP         *PAP                       `json:"pap,omitempty"`
	Message     string                     `json:"message,omitempty" jsonschema:"Kept with the job." maxLength:"4096"`
	Label       string                     `json:"label,omitempty" jsonschema:"Kept with the job." maxLength:"256"`
	Parameters  map[string]json.RawMessage `json:"parameters,omitempty"`
	Force       bool                       `json:"force,omitempty" jsonschema:"Although a recent answer is cached."`
}

// SetDefaults fills the fields left at zero.
func (in *RunAnalyzerFileInput) SetDefaults() {
	in.TLP, in.PAP = amber(in.TLP, in.PAP)
	if in.ContentType == "" {
		in.ContentType = "application/octet-stream"
	}
}

// Validate checks what a schema can't.
func (in *RunAnalyzerFileInput) Validate() error {
	var errs []error
	switch {
	case in.FilePath == "" && len(in.FileBase64) == 0:
		errs = append(errs, invalid("filePath or fileBase64 is needed: which file to submit"))
	case in.FilePath != "" && len(in.FileBase64) > 0:
		errs = append(errs, invalid("filePath and fileBase64 exclude each other"))
	case in.FilePath == "" && in.Filename == "":
		errs = append(errs, invalid("filename is needed with fileBase64"))
	}
	if in.Filename != "" {
		errs = append(errs, checkFilename(in.Filename))
	}
	if in.ContentType != "" {
		if _, _, err := mime.ParseMediaType(in.ContentType); err != nil || strings.ContainsFunc(in.ContentType, unicode.IsControl) {
			errs = append(errs, invalid("contentType %q is no media type: want one such as application/pdf", clip(in.ContentType, 80)))
		}
	}
	if in.SHA256 != "" && (len(in.SHA256) != 64 || !hexForm.MatchString(in.SHA256)) {
		errs = append(errs, invalid("sha256 %q: want 64 hex digits", clip(in.SHA256, 80)))
	}
	if in.TLP != nil && in.PAP != nil {
		errs = append(errs, checkMarking(*in.TLP, *in.PAP))
	}
	return errors.Join(errs...)
}

// checkFilename lets through what is a name and no path.
func checkFilename(s string) error {
	odd := func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '/' || r == '\\' }
	if s == "" || s == "." || s == ".." || len(s) > 255 || !utf8.ValidString(s) || strings.ContainsFunc(s, odd) {
		return invalid("filename %q: want a name without a path or control characters, of at most 255 bytes", clip(s, 80))
	}
	return nil
}

// A file is what is submitted to an analyzer of files.
type file struct {
	name, contentType string
	content           []byte
}

func (f *file) sha256() string {
	sum := sha256.Sum256(f.content)
	return hex.EncodeToString(sum[:])
}

// changes is f as a plan shows it.
func (f *file) changes() []gate.Change {
	return []gate.Change{
		gate.Set("size", fmt.Sprintf("%d bytes", len(f.content))), gate.Set("SHA-256", f.sha256()),
		gate.Set("content type", f.contentType), gate.Set("looks like", http.DetectContentType(f.content)),
	}
}

// RunAnalyzerFile submits a file to one analyzer and doesn't wait for it.
//
// Cortex: GET /api/analyzer/{id}, POST /api/analyzer/{id}/run
func (c *Client) RunAnalyzerFile(ctx context.Context, in RunAnalyzerFileInput) (*StartedFile, error) {
	s, err := c.submissionFile(ctx, in)
	if err != nil {
		return nil, err
	}
	j, err := c.run(ctx, s)
	if err != nil {
		return nil, err
	}
	return &StartedFile{
		JobID: j.JobID, Status: j.Status, FromCache: j.FromCache, AnalyzerID: j.AnalyzerID, Analyzer: j.Analyzer,
		Filename: s.file.name, Size: int64(len(s.file.content)), SHA256: s.file.sha256(), Note: j.Note,
	}, nil
}

// A StartedFile is an analyzer at work on a file, or its earlier answer.
type StartedFile struct {
	JobID      string    `json:"jobId" jsonschema:"The job, to wait for."`
	Status     JobStatus `json:"status"`
	FromCache  bool      `json:"fromCache,omitempty" jsonschema:"Whether it is an earlier job, whose answer Cortex gives again."`
	AnalyzerID string    `json:"analyzerId"`
	Analyzer   string    `json:"analyzerName"`
	Filename   string    `json:"filename" untrusted:"true"`
	Size       int64     `json:"fileSize" jsonschema:"Bytes."`
	SHA256     string    `json:"sha256"`
	Note       string    `json:"note"`
}

// submissionFile reads the file and returns what would be submitted.
func (c *Client) submissionFile(ctx context.Context, in RunAnalyzerFileInput) (submission, error) {
	in.SetDefaults()
	if err := in.Validate(); err != nil {
		return submission{}, err
	}
	f := &file{name: in.Filename, contentType: in.ContentType, content: in.FileBase64}
	if in.FilePath != "" {
		var err error
		if f.content, err = c.read(in.FilePath); err != nil {
			return submission{}, err
		}
		if f.name == "" {
			f.name = filepath.Base(filepath.FromSlash(in.FilePath))
		}
	}
	switch {
	case int64(len(f.content)) > c.maxFile:
		return submission{}, c.tooLarge(int64(len(f.content)))
	case in.SHA256 != "" && !strings.EqualFold(in.SHA256, f.sha256()):
		return submission{}, fmt.Errorf("%w: the SHA-256 of the file is %s", ErrChanged, f.sha256())
	}
	if err := checkFilename(f.name); err != nil {
		return submission{}, err
	}
	w, err := c.analyzer(ctx, in.AnalyzerID, typeFile)
	if err != nil {
		return submission{}, err
	}
	return c.clear(request{
		observable: Observable{DataType: typeFile, Data: f.name}, file: f, tlp: *in.TLP, pap: *in.PAP,
		message: in.Message, label: in.Label, parameters: in.Parameters, force: in.Force,
	}, w)
}

func (c *Client) planRunAnalyzerFile(ctx context.Context, in RunAnalyzerFileInput) (gate.Plan, error) {
	s, err := c.submissionFile(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	p, err := planSubmissions([]submission{s}, in.Filename)
	if in.FilePath != "" {
		p.Changes = append(p.Changes, gate.Set("path", in.FilePath))
	}
	return p, err
}

// read returns the content of a file below the directory that the operator
// allows. No link leads out of there. What is wrong with a path that leads
// nowhere isn't told: that would tell which files there are.
func (c *Client) read(path string) ([]byte, error) {
	if c.fileDir == "" {
		return nil, fmt.Errorf("%w: no directory is open for files; give the content as fileBase64", ErrNotConfigured)
	}
	unreadable := invalid("filePath %q is no file that can be read below the directory for files", clip(path, 200))
	name := filepath.FromSlash(path)
	if filepath.IsAbs(name) {
		rel, err := filepath.Rel(c.fileDir, name)
		if err != nil {
			return nil, unreadable
		}
		name = rel
	}
	root, err := os.OpenRoot(c.fileDir)
	if err != nil {
		return nil, fmt.Errorf("%w: the directory for files can't be opened", ErrNotConfigured)
	}
	defer root.Close()
	if info, err := root.Stat(name); err != nil || !info.Mode().IsRegular() { // a pipe would block
		return nil, unreadable
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, unreadable
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.Mode()&fs.ModeType != 0 {
		return nil, unreadable
	}
	if info.Size() > c.maxFile {
		return nil, c.tooLarge(info.Size())
	}
	content, err := io.ReadAll(io.LimitReader(f, c.maxFile+1))
	if err != nil {
		return nil, unreadable
	}
	if len(content) == 0 {
		return nil, invalid("filePath %q is empty: there is nothing to submit", clip(path, 200))
	}
	return content, nil
}

// tooLarge refuses a file of n bytes.
func (c *Client) tooLarge(n int64) error {
	return invalid("the file has %d bytes, at most %d are taken: by default Cortex takes 10 MB (play.http.parser.maxDiskBuffer); where yours takes more, the operator raises CORTEX_MAX_FILE too", n, c.maxFile)
}

// storing is how long Cortex may take to store a file of n bytes: it writes small
// chunks one after another and waits for each.
func storing(n int64) time.Duration {
	return time.Duration(n) * 10 * time.Second >> 20
}

// form returns s as a form. Cortex takes a part with a file name for a file, so
// _json has none.
func (s submission) form() (contentType string, body []byte, err error) {
	fields, err := encode(struct {
		DataType   string                     `json:"dataType"`
		TLP        int                        `json:"tlp"`
		PAP        int                        `json:"pap"`
		Message    string                     `json:"message,omitempty"`
		Label      string                     `json:"label,omitempty"`
		Parameters map[string]json.RawMessage `json:"parameters,omitempty"`
	}{s.observable.DataType, int(s.tlp), int(s.pap), s.message, s.label, s.parameters})
	if err != nil {
		return "", nil, err
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("_json", string(fields)); err != nil {
		return "", nil, err
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="attachment"; filename="` + quoted.Replace(s.file.name) + `"`},
		"Content-Type":        {s.file.contentType},
	})
	if err == nil {
		_, err = part.Write(s.file.content)
	}
	if err == nil {
		err = w.Close()
	}
	return w.FormDataContentType(), b.Bytes(), err
}

var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)
