package thehive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/httpx"
)

// MaxAttachment is the largest file, in bytes, that goes in or out.
const MaxAttachment = 8 << 20

// An Attachment is a file that TheHive keeps.
type Attachment struct {
	ID          string   `json:"_id"`
	Name        string   `json:"name" untrusted:"true"`
	Size        int64    `json:"size" jsonschema:"Bytes."`
	ContentType string   `json:"contentType" untrusted:"true"`
	Hashes      []string `json:"hashes" jsonschema:"SHA-256, SHA-1, MD5."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// Attachments returns the files of a case, at most 500. An unknown case is
// [ErrNotFound]. It is for programs: no operation.
//
// TheHive: POST /api/v1/query, getCase, attachments
func (c *Client) Attachments(ctx context.Context, caseID string) ([]*Attachment, error) {
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: caseID})
	if err != nil {
		return nil, err
	}
	return rows[*Attachment](ctx, c, "case-attachments", inCase(cs.ID, HopAttachments).Page(0, 500))
}

// AddAttachment attaches a file to a case. What TheHive says of its size and
// hash is held against the content. It is for programs: no operation.
//
// TheHive: POST /api/v1/case/{caseId}/attachments
func (c *Client) AddAttachment(ctx context.Context, caseID, name string, content []byte) (*Attachment, error) {
	switch {
	case name == "" || strings.ContainsAny(name, "/\\\r\n\x00"):
		return nil, fmt.Errorf("%w: name: %q is no file name", ErrInvalid, name)
	case len(content) == 0 || len(content) > MaxAttachment:
		return nil, fmt.Errorf("%w: content: has %d bytes; want 1 to %d", ErrInvalid, len(content), MaxAttachment)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("attachments", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("thehive: attachment: %w", err)
	}
	got, err := httpx.JSON[struct {
		Attachments listing[*Attachment] `json:"attachments"`
	}](c.wire.AddCaseAttachments(ctx, caseID, form.FormDataContentType(), body.Bytes()))
	if err != nil {
		return nil, err
	}
	all := got.Attachments.items
	if len(all) != 1 {
		return nil, fmt.Errorf("thehive: one file was sent and the answer has %d", len(all))
	}
	return all[0], all[0].check(content)
}

// AttachmentContent returns the content of a file of a case, checked against
// the hash that TheHive has of it. It is for programs: no operation.
//
// TheHive: GET /api/v1/case/{caseId}/attachment/{attachmentId}/download
func (c *Client) AttachmentContent(ctx context.Context, caseID string, a *Attachment) ([]byte, error) {
	if a.Size > MaxAttachment {
		return nil, fmt.Errorf("%w: attachment %s has %d bytes; at most %d are fetched", ErrInvalid, a.ID, a.Size, MaxAttachment)
	}
	res, err := c.wire.DownloadCaseAttachment(ctx, caseID, a.ID)
	if err != nil {
		return nil, err
	}
	return res.Body, a.check(res.Body)
}

// check holds content against what TheHive says of it.
func (a *Attachment) check(content []byte) error {
	if int64(len(content)) != a.Size {
		return fmt.Errorf("thehive: attachment %s has %d bytes, and TheHive says %d", a.ID, len(content), a.Size)
	}
	sum := sha256.Sum256(content)
	for _, h := range a.Hashes {
		if len(h) == 2*sha256.Size && !strings.EqualFold(h, hex.EncodeToString(sum[:])) {
			return fmt.Errorf("thehive: attachment %s isn't the content that TheHive has the hash of", a.ID)
		}
	}
	return nil
}
