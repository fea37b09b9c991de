package thehive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/progress"
	"github.com/sallyport-soc/sallyport/internal/upload"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

const (
	// MaxAttachment is the largest file, in bytes, that goes in or out.
	MaxAttachment = 512 << 20
	// maxInline is the largest file that goes in or out as base64.
	maxInline = 8 << 20
)

// An Attachment is a file that TheHive keeps.
type Attachment struct {
	ID   string `json:"_id"`                   // its id
	Name string `json:"name" untrusted:"true"` // its file name
	// Bytes.
	Size        int64  `json:"size"`
	ContentType string `json:"contentType" untrusted:"true"` // its media type
	// SHA-256, SHA-1, MD5.
	Hashes []string `json:"hashes"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true" quiet:"_type,newDate,external=false" own:"_createdBy,_createdAt,_updatedBy,_updatedAt,external"`
}

// A FileSource is where a file comes from: a path below the folder of files, or
// its content.
type FileSource struct {
	// Below the operator's folder. This or fileBase64.
	FilePath string `json:"filePath,omitempty" alias:"path" maxLength:"4096"`
	// Needs filename.
	FileBase64 []byte `json:"fileBase64,omitempty"`
	// Default: that of filePath.
	Filename string `json:"filename,omitempty" maxLength:"255"`
	// Refuse other content.
	SHA256 string `json:"sha256,omitempty" pattern:"^([0-9A-Fa-f]{64})?$"`
}

// file is one that is about to be sent.
type file struct{ *upload.File }

// changes is f as a plan shows it.
func (f file) changes() []gate.Change {
	return []gate.Change{gate.Set("file", f.Name), gate.Set("size", fmt.Sprintf("%d bytes", f.Size)), gate.Set("SHA-256", f.SHA256), gate.Set("looks like", f.LooksLike)}
}

// file looks at what s names: its size and its hash.
func (c *Client) file(s FileSource) (f file, err error) {
	switch {
	case (s.FilePath == "") == (len(s.FileBase64) == 0):
		return f, fmt.Errorf("%w: want either filePath or fileBase64, with a file that isn't empty", ErrInvalid)
	case s.FilePath != "" && c.files == "":
		return f, errNoFolder
	case s.FilePath != "":
		f.File = upload.At(c.files, s.FilePath, s.Filename)
	case len(s.FileBase64) > maxInline:
		return f, fmt.Errorf("%w: fileBase64: has %d bytes; at most %d are taken so, a larger file by filePath", ErrInvalid, len(s.FileBase64), maxInline)
	default:
		f.File = upload.Content(s.Filename, s.FileBase64)
	}
	if err := checkFilename(f.Name); err != nil {
		return f, err
	}
	switch err := f.Look(MaxAttachment); {
	case err != nil:
		return f, fmt.Errorf("%w: filePath: %q %w", ErrInvalid, clip.Text(s.FilePath, 200), err)
	case f.Size == 0 || f.Size > MaxAttachment:
		return f, fmt.Errorf("%w: the file has %d bytes; want 1 to %d", ErrInvalid, f.Size, MaxAttachment)
	case s.SHA256 != "" && !strings.EqualFold(s.SHA256, f.SHA256):
		return f, fmt.Errorf("%w: sha256: that of the file is %s", ErrConflict, f.SHA256)
	}
	return f, nil
}

// checkFilename lets through what is a name and no path.
func checkFilename(s string) error {
	if err := upload.CheckName(s); err != nil {
		return fmt.Errorf("%w: filename: %q: %w", ErrInvalid, clip.Text(s, 80), err)
	}
	return nil
}

// newFile makes a file below the folder of files that wasn't there.
func (c *Client) newFile(path string) (*upload.Saved, error) {
	if c.files == "" {
		return nil, errNoFolder
	}
	f, err := upload.Save(c.files, path)
	if err != nil {
		return nil, fmt.Errorf("%w: saveAs: %q %w", ErrInvalid, clip.Text(path, 200), err)
	}
	return f, nil
}

var errNoFolder = fmt.Errorf("%w: no folder is open for files (THEHIVE_FILE_BASE_DIR); use base64", ErrInvalid)

// sendForm sends f in part of a form, beside fields as JSON if there are any, to
// an endpoint. name is that of the path's parameter, id its value.
func (c *Client) sendForm(ctx context.Context, e gate.Endpoint, name, id string, f file, part string, fields any) (*httpx.Response, error) {
	form, err := f.Form(part, "application/octet-stream", fields)
	if err != nil {
		return nil, fmt.Errorf("thehive: %w", err)
	}
	r := httpx.NewRequest(e)
	r.Path(name, id, `^~[0-9A-Za-z_-]{1,64}$`)
	r.Stream(form.ContentType, form.Size, progress.Sent(ctx, form.Size, form.Open))
	res, err := c.wire.HTTP.Send(ctx, r)
	if errors.Is(err, upload.ErrChanged) {
		err = fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return res, err
}

// ListAttachmentsInput is the input of [Client.ListAttachments].
type ListAttachmentsInput struct {
	// This or alertId.
	CaseID string `json:"caseId,omitempty"`
	// This or caseId.
	AlertID string `json:"alertId,omitempty"`
}

// Attachments are the files of a case or an alert.
type Attachments struct {
	Attachments []*Attachment `json:"attachments"` // the files
	// How many there are in all; at most 500 are listed.
	Total int `json:"total"`
}

// ListAttachments returns the files of a case or an alert, at most 500.
//
// TheHive: POST /api/v1/query, getCase or getAlert, attachments
func (c *Client) ListAttachments(ctx context.Context, in ListAttachmentsInput) (*Attachments, error) {
	at, err := c.place(ctx, in.CaseID, in.AlertID)
	if err != nil {
		return nil, err
	}
	list, total, err := paged[*Attachment](ctx, c, "attachments", order{"_createdAt", Desc}, 0, maxPage, at.query(HopAttachments))
	if err != nil {
		return nil, err
	}
	return &Attachments{Attachments: list, Total: total}, nil
}

// AddAttachmentInput is the input of [Client.AddAttachment].
type AddAttachmentInput struct {
	// This or alertId.
	CaseID string `json:"caseId,omitempty"`
	// This or caseId.
	AlertID string `json:"alertId,omitempty"`
	FileSource
}

// AddAttachment attaches a file to a case or an alert. What TheHive says of its
// size and hash is held against the file.
//
// TheHive: POST /api/v1/case/{caseId}/attachments, POST /api/v1/alert/{alertId}/attachments
func (c *Client) AddAttachment(ctx context.Context, in AddAttachmentInput) (*Attachment, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	f, err := c.file(in.FileSource)
	if err != nil {
		return nil, err
	}
	at, err := c.place(ctx, in.CaseID, in.AlertID)
	if err != nil {
		return nil, err
	}
	endpoint := wire.AddCaseAttachmentsEndpoint
	if at.a != nil {
		endpoint = wire.AddAlertAttachmentsEndpoint
	}
	got, err := httpx.JSON[struct {
		Attachments listing[*Attachment] `json:"attachments"`
	}](c.sendForm(ctx, endpoint, at.kind()+"Id", at.id(), f, "attachments", nil))
	if err != nil {
		return nil, err
	}
	all := got.Attachments.items
	if len(all) != 1 {
		return nil, fmt.Errorf("thehive: one file was sent and the answer has %d; %w", len(all), gate.ErrOutcomeUnknown)
	}
	return all[0], all[0].check(f.Size, f.SHA256)
}

func (c *Client) planAddAttachment(ctx context.Context, in AddAttachmentInput) (gate.Plan, error) {
	f, err := c.file(in.FileSource)
	if err != nil {
		return gate.Plan{}, err
	}
	at, err := c.place(ctx, in.CaseID, in.AlertID)
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{Summary: fmt.Sprintf("Attach a file to %s in TheHive.", article(at.kind())), Targets: []gate.Target{at.target()}, Changes: f.changes(),
		Undo: "Delete the attachment (thehive_delete_part).", Warnings: at.warnings()}, nil
}

// check holds what was sent or received against what TheHive says of it.
func (a *Attachment) check(size int64, sum string) error {
	if size != a.Size {
		return fmt.Errorf("thehive: attachment %s has %d bytes, and TheHive says %d; %w", a.ID, size, a.Size, gate.ErrOutcomeUnknown)
	}
	for _, h := range a.Hashes {
		if len(h) == 2*sha256.Size && !strings.EqualFold(h, sum) {
			return fmt.Errorf("thehive: attachment %s isn't the content that TheHive has the hash of; %w", a.ID, gate.ErrOutcomeUnknown)
		}
	}
	return nil
}

// CreateFileObservableInput is the input of [Client.CreateFileObservable].
type CreateFileObservableInput struct {
	// This or alertId.
	CaseID string `json:"caseId,omitempty"`
	// This or caseId.
	AlertID string `json:"alertId,omitempty"`
	// Default: file.
	DataType string `json:"dataType,omitempty" maxLength:"64"`
	// Each file in it becomes an observable.
	IsZip       bool   `json:"isZip,omitempty"`
	ZipPassword string `json:"zipPassword,omitempty" maxLength:"512"` // opens the zip, where it is locked
	// Where it was seen.
	Message          string   `json:"message,omitempty" maxLength:"1048576"`
	Tags             []string `json:"tags,omitempty" maxItems:"100" minLength:"1" maxLength:"128"` // its tags
	TLP              *TLP     `json:"tlp,omitempty"`                                               // how far it may be passed on; nil: the default
	PAP              *PAP     `json:"pap,omitempty"`                                               // what may be done with it; nil: the default
	IOC              bool     `json:"ioc,omitempty"`                                               // whether it is an indicator of compromise
	Sighted          bool     `json:"sighted,omitempty"`                                           // in one's own systems
	IgnoreSimilarity bool     `json:"ignoreSimilarity,omitempty"`                                  // whether it shall not make cases similar
	FileSource
}

// check returns the file and where it goes.
func (in *CreateFileObservableInput) check(ctx context.Context, c *Client) (file, *place, error) {
	if in.ZipPassword != "" && !in.IsZip {
		return file{}, nil, fmt.Errorf("%w: zipPassword: is given, and isZip isn't", ErrInvalid)
	}
	if in.DataType == "" {
		in.DataType = "file"
	}
	if in.DataType != "file" {
		if err := c.knownTypes(ctx, func(types []observableType) error {
			var files []string
			for _, t := range types {
				if t.IsAttachment {
					files = append(files, t.Name)
				}
			}
			if slices.Contains(files, in.DataType) {
				return nil
			}
			return fmt.Errorf("%w: dataType: observables of type %q aren't files; those of these are: %s", ErrInvalid, in.DataType, orNone(files))
		}); err != nil {
			return file{}, nil, err
		}
	}
	f, err := c.file(in.FileSource)
	if err != nil {
		return file{}, nil, err
	}
	at, err := c.place(ctx, in.CaseID, in.AlertID)
	return f, at, err
}

// fileFields are those of an observable that is a file.
type fileFields struct {
	DataType         string   `json:"dataType"`
	Message          string   `json:"message,omitempty"`
	Tags             []string `json:"tags,omitempty"`
	TLP              *TLP     `json:"tlp,omitempty"`
	PAP              *PAP     `json:"pap,omitempty"`
	IOC              bool     `json:"ioc,omitempty"`
	Sighted          bool     `json:"sighted,omitempty"`
	IgnoreSimilarity bool     `json:"ignoreSimilarity,omitempty"`
	IsZip            bool     `json:"isZip,omitempty"`
	ZipPassword      string   `json:"zipPassword,omitempty"`
}

// CreateFileObservable adds a file, or each file of a zip, to a case or an alert
// as an observable.
//
// TheHive: POST /api/v1/case/{caseId}/observable, POST /api/v1/alert/{alertId}/observable
func (c *Client) CreateFileObservable(ctx context.Context, in CreateFileObservableInput) (*ObservableBulk, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	f, at, err := in.check(ctx, c)
	if err != nil {
		return nil, err
	}
	fields := fileFields{
		DataType: in.DataType, Message: in.Message, Tags: unique(in.Tags), TLP: in.TLP, PAP: in.PAP, IOC: in.IOC, Sighted: in.Sighted,
		IgnoreSimilarity: in.IgnoreSimilarity, IsZip: in.IsZip, ZipPassword: in.ZipPassword,
	}
	endpoint := wire.CreateObservableEndpoint
	if at.a != nil {
		endpoint = wire.CreateAlertObservableEndpoint
	}
	res, err := c.sendForm(ctx, endpoint, at.kind()+"Id", at.id(), f, "attachment", fields)
	out, err := reply([]string{f.Name}, res, err)
	if err != nil {
		return nil, err
	}
	if a := out.Created[0].attachment(); a != nil && !in.IsZip {
		return out, a.check(f.Size, f.SHA256)
	}
	return out, nil
}

func (c *Client) planCreateFileObservable(ctx context.Context, in CreateFileObservableInput) (gate.Plan, error) {
	f, at, err := in.check(ctx, c)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: fmt.Sprintf("Add a file to %s in TheHive as an observable.", article(at.kind())), Targets: []gate.Target{at.target()}, Changes: f.changes(),
		Undo: "Delete the observable (thehive_delete_part).", Warnings: at.warnings()}
	if in.IsZip {
		p.Summary = fmt.Sprintf("Add each file of a zip to %s in TheHive as an observable.", article(at.kind()))
	}
	p.Changes = append(p.Changes, gate.Set("type", in.DataType))
	p.Changes = appendSet(p.Changes, "message", in.Message)
	p.Changes = appendSet(p.Changes, "tags", strings.Join(unique(in.Tags), ", "))
	p.Changes = appendMarking(p.Changes, in.TLP, in.PAP)
	p.Changes = appendSet(p.Changes, "IOC", in.IOC)
	p.Changes = appendSet(p.Changes, "sighted", in.Sighted)
	p.Changes = appendSet(p.Changes, "ignore similarity", in.IgnoreSimilarity)
	return p, nil
}

// attachment is the file that o is, or nil.
func (o *Observable) attachment() *Attachment {
	var a Attachment
	if len(o.Attachment) == 0 || json.Unmarshal(o.Attachment, &a) != nil || a.ID == "" {
		return nil
	}
	return &a
}

// GetFileInput is the input of [Client.GetFile].
type GetFileInput struct {
	CaseID  string `json:"caseId,omitempty"`  // the case it is in
	AlertID string `json:"alertId,omitempty"` // the alert it is in
	// The observable that it is; without attachmentId.
	ObservableID string `json:"observableId,omitempty"`
	// Or its name.
	AttachmentID string `json:"attachmentId,omitempty"`
	// Not in a zip with the server's password.
	Plain bool `json:"plain,omitempty"`
	// New path below the operator's folder. Default: as base64, up to 8 MiB.
	SaveAs string `json:"saveAs,omitempty" maxLength:"4096"`
}

// A File is one that was fetched.
type File struct {
	Name string `json:"name" untrusted:"true"` // its file name
	// Bytes.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // the SHA-256 of the content, in hex
	// It is in a zip; size and sha256 are those of the zip.
	Zip bool `json:"zip,omitempty"`
	// Base64.
	Content []byte `json:"content,omitempty" untrusted:"true"`
	SavedAs string `json:"savedAs,omitempty"` // the file it was written to
}

// fileRequest is the request for a file, and what TheHive says of it.
func (c *Client) fileRequest(ctx context.Context, in GetFileInput) (*httpx.Request, *Attachment, error) {
	if in.ObservableID != "" {
		if in.CaseID+in.AlertID+in.AttachmentID != "" {
			return nil, nil, fmt.Errorf("%w: observableId stands alone", ErrInvalid)
		}
		o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: in.ObservableID})
		if err != nil {
			return nil, nil, err
		}
		a := o.attachment()
		if a == nil {
			return nil, nil, fmt.Errorf("%w: observableId: %s is no file but %s %s", ErrInvalid, o.ID, o.DataType, clip.Text(o.Data, 80))
		}
		r := httpx.NewRequest(wire.DownloadObservableEndpoint)
		r.Path("observableId", o.ID, "")
		r.Path("attachmentId", a.ID, "")
		if !in.Plain {
			r.Query("asZip", true, false)
		}
		return r, a, nil
	}
	at, err := c.place(ctx, in.CaseID, in.AlertID)
	if err != nil {
		return nil, nil, err
	}
	which := Eq("name", in.AttachmentID)
	if strings.HasPrefix(in.AttachmentID, "~") {
		which = ID(in.AttachmentID)
	}
	list, err := rows[*Attachment](ctx, c, "attachment", at.query(HopAttachments).Where(which).Page(0, 2))
	switch {
	case err == nil && len(list) == 0:
		err = missing("Attachment", in.AttachmentID)
	case len(list) > 1:
		err = fmt.Errorf("%w: attachmentId: several have the name %q; give the id", ErrInvalid, clip.Text(in.AttachmentID, 80))
	}
	if err != nil {
		return nil, nil, err
	}
	e := wire.DownloadCaseAttachmentEndpoint
	if at.a != nil {
		e = wire.DownloadAlertAttachmentEndpoint
	}
	r := httpx.NewRequest(e)
	r.Path(at.kind()+"Id", at.id(), "")
	r.Path("attachmentId", list[0].ID, "")
	return r, list[0], nil
}

// GetFile fetches a file of a case or an alert, or one that is an observable, and
// holds it against the hash that TheHive has of it. An observable, which may be
// malware, comes in a zip with the server's password unless in.Plain.
//
// TheHive: GET /api/v1/{case,alert,observable}/{id}/attachment/{attachmentId}/download
func (c *Client) GetFile(ctx context.Context, in GetFileInput) (*File, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	r, a, err := c.fileRequest(ctx, in)
	if err != nil {
		return nil, err
	}
	out := &File{Name: a.Name, Zip: in.ObservableID != "" && !in.Plain}
	var buf bytes.Buffer
	limit := int64(maxInline)
	open := func() (io.Writer, error) { buf.Reset(); return &buf, nil }
	if in.SaveAs != "" {
		f, err := c.newFile(in.SaveAs)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		limit = MaxAttachment + 1<<20 // a zip adds to it
		open = f.Again
		out.SavedAs = in.SaveAs
		defer func() {
			if err != nil {
				f.Remove()
			}
		}()
	} else if a.Size > limit {
		return nil, fmt.Errorf("%w: the file has %d bytes; at most %d are given as base64. Save it (saveAs)", ErrInvalid, a.Size, limit)
	}
	sum := sha256.New()
	var size counter
	r.Into(limit, func() (io.Writer, error) {
		w, err := open()
		sum.Reset()
		size = 0
		return io.MultiWriter(w, sum, &size), err
	})
	if _, err = c.wire.HTTP.Send(ctx, r); err != nil {
		return nil, err
	}
	out.Size, out.SHA256, out.Content = int64(size), hex.EncodeToString(sum.Sum(nil)), buf.Bytes()
	if !out.Zip {
		if err = a.check(out.Size, out.SHA256); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// counter counts what is written.
type counter int64

func (n *counter) Write(b []byte) (int, error) {
	*n += counter(len(b))
	return len(b), nil
}
