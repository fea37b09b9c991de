package cortex

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"strings"
	"time"
	"unicode"

	"github.com/sallyport-soc/sallyport/cortex/internal/wire"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/progress"
	"github.com/sallyport-soc/sallyport/internal/upload"
	"github.com/sallyport-soc/sallyport/internal/upload/unzip"
)

// RunAnalyzerFileInput is the input of [Client.RunAnalyzerFile]. Give FilePath
// or FileBase64.
type RunAnalyzerFileInput struct {
	AnalyzerID string `json:"analyzerId" alias:"id" minLength:"1" maxLength:"128"` // the analyzer
	// Below the operator's folder.
	FilePath string `json:"filePath,omitempty" alias:"path" maxLength:"4096"`
	// Needs filename.
	FileBase64 []byte `json:"fileBase64,omitempty"`
	// Default: that of filePath.
	Filename string `json:"filename,omitempty" alias:"name" maxLength:"255"`
	// Media type.
	ContentType string `json:"contentType,omitempty" maxLength:"128"`
	// Refuse other content.
	SHA256 string `json:"sha256,omitempty" pattern:"^([0-9A-Fa-f]{64})?$"`
	// Opens a zip, whose one file is submitted.
	ZipPassword string `json:"zipPassword,omitempty" maxLength:"256"`
	TLP         *TLP   `json:"tlp,omitempty"`                      // how far it may be passed on; nil: the default
	PAP         *PAP   `json:"pap,omitempty"`                      // what may be done with it; nil: the default
	Message     string `json:"message,omitempty" maxLength:"4096"` // kept with the job
	// Kept with the job.
	Label      string                     `json:"label,omitempty" maxLength:"256"`
	Parameters map[string]json.RawMessage `json:"parameters,omitempty"` // parameters of the analyzer's own
	// Although a recent answer is cached.
	Force bool `json:"force,omitempty"`
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
			errs = append(errs, invalid("contentType %q is no media type: want one such as application/pdf", clip.Text(in.ContentType, 80)))
		}
	}
	if in.SHA256 != "" && (len(in.SHA256) != 64 || !hexForm.MatchString(in.SHA256)) {
		errs = append(errs, invalid("sha256 %q: want 64 hex digits", clip.Text(in.SHA256, 80)))
	}
	if in.TLP != nil && in.PAP != nil {
		errs = append(errs, checkMarking(*in.TLP, *in.PAP))
	}
	return errors.Join(errs...)
}

// checkFilename lets through what is a name and no path.
func checkFilename(s string) error {
	if err := upload.CheckName(s); err != nil {
		return invalid("filename %q: %s", clip.Text(s, 80), err)
	}
	return nil
}

// A file is what is submitted to an analyzer of files. It is read anew for each
// attempt, and is never in memory as a whole unless it came as base64.
type file struct {
	*upload.File
	contentType string
}

// changes is f as a plan shows it.
func (f *file) changes() []gate.Change {
	return []gate.Change{
		gate.Set("size", fmt.Sprintf("%d bytes", f.Size)), gate.Set("SHA-256", f.SHA256),
		gate.Set("content type", f.contentType), gate.Set("looks like", f.LooksLike),
	}
}

// RunAnalyzerFile submits a file to one analyzer and doesn't wait for it.
//
// Cortex: GET /api/analyzer/{id}, POST /api/analyzer/{id}/run
func (c *Client) RunAnalyzerFile(ctx context.Context, in RunAnalyzerFileInput) (*StartedFile, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
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
		Filename: s.file.Name, Size: s.file.Size, SHA256: s.file.SHA256, Note: j.Note,
	}, nil
}

// A StartedFile is an analyzer at work on a file, or its earlier answer.
type StartedFile struct {
	// The job, to wait for.
	JobID  string    `json:"jobId"`
	Status JobStatus `json:"status"` // its status
	// Whether it is an earlier job, whose answer Cortex gives again.
	FromCache  bool   `json:"fromCache,omitempty"`
	AnalyzerID string `json:"analyzerId"`                // the analyzer's id
	Analyzer   string `json:"analyzerName"`              // the analyzer
	Filename   string `json:"filename" untrusted:"true"` // its file name
	// Bytes.
	Size   int64  `json:"fileSize"`
	SHA256 string `json:"sha256"` // the SHA-256 of the content, in hex
	Note   string `json:"note"`   // what to know about the answer
}

// submissionFile reads the file and returns what would be submitted.
func (c *Client) submissionFile(ctx context.Context, in RunAnalyzerFileInput) (submission, error) {
	f := &file{contentType: in.ContentType}
	if in.FilePath == "" {
		f.File = upload.Content(in.Filename, in.FileBase64)
	} else {
		if c.fileDir == "" {
			return submission{}, fmt.Errorf("%w: no directory is open for files; give the content as fileBase64", ErrNotConfigured)
		}
		f.File = upload.At(c.fileDir, in.FilePath, in.Filename)
	}
	if in.ZipPassword != "" {
		var err error
		if f.File, err = unzip.Open(f.File, in.ZipPassword); err != nil {
			return submission{}, invalid("the file %s", err)
		}
		if in.Filename != "" && in.FilePath != "" {
			f.Name = in.Filename
		}
	}
	switch err := f.Look(c.maxFile); {
	case errors.Is(err, unzip.ErrPassword):
		return submission{}, invalid("the zip %s", err)
	case err != nil:
		return submission{}, invalid("filePath %q %s", clip.Text(in.FilePath, 200), err)
	case f.Size > c.maxFile:
		return submission{}, c.tooLarge(f.Size)
	case f.Size == 0:
		return submission{}, invalid("filePath %q is empty: there is nothing to submit", clip.Text(in.FilePath, 200))
	case in.SHA256 != "" && !strings.EqualFold(in.SHA256, f.SHA256):
		return submission{}, fmt.Errorf("%w: the SHA-256 of the file is %s", ErrChanged, f.SHA256)
	}
	if err := checkFilename(f.Name); err != nil {
		return submission{}, err
	}
	w, err := c.analyzer(ctx, in.AnalyzerID, typeFile)
	if err != nil {
		return submission{}, err
	}
	return c.clear(request{
		observable: Observable{DataType: typeFile, Data: f.Name}, file: f, tlp: *in.TLP, pap: *in.PAP,
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

// tooLarge refuses a file of n bytes.
func (c *Client) tooLarge(n int64) error {
	return invalid("the file has %d bytes, at most %d are taken: by default Cortex takes 10 MB (play.http.parser.maxDiskBuffer); where yours takes more, the operator raises CORTEX_MAX_FILE too", n, c.maxFile)
}

// storing is how long Cortex may take to store a file of n bytes: it writes small
// chunks one after another and waits for each.
func storing(n int64) time.Duration {
	return time.Duration(n) * 10 * time.Second >> 20
}

// submitFile sends s as a form, whose file is read while it is sent.
func (c *Client) submitFile(ctx context.Context, s submission) (*httpx.Response, error) {
	form, err := s.file.Form("attachment", s.file.contentType, struct {
		DataType   string                     `json:"dataType"`
		TLP        TLP                        `json:"tlp"`
		PAP        PAP                        `json:"pap"`
		Message    string                     `json:"message,omitempty"`
		Label      string                     `json:"label,omitempty"`
		Parameters map[string]json.RawMessage `json:"parameters,omitempty"`
	}{s.observable.DataType, s.tlp, s.pap, s.message, s.label, s.parameters})
	if err != nil {
		return nil, invalid("%s", err)
	}
	r := httpx.NewRequest(wire.RunAnalyzerEndpoint)
	r.Path("workerId", s.to.ID, `^[0-9A-Za-z_-]{1,128}$`)
	r.Query("force", s.force, true)
	r.Stream(form.ContentType, form.Size, progress.Sent(ctx, form.Size, form.Open))
	return c.files.HTTP.Send(ctx, r)
}
