package misp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/progress"
	"github.com/sallyport-soc/sallyport/internal/resume"
	"github.com/sallyport-soc/sallyport/internal/upload"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// An ExportFormat is a form in which MISP gives away attributes.
type ExportFormat string

// The formats.
const (
	CSV        ExportFormat = "csv"
	JSONExport ExportFormat = "json"
	STIX       ExportFormat = "stix" // the same as STIX2
	STIX2      ExportFormat = "stix2"
	Suricata   ExportFormat = "suricata"
	Snort      ExportFormat = "snort"
	Text       ExportFormat = "text"
	RPZ        ExportFormat = "rpz"
	Hosts      ExportFormat = "hosts"
	Netfilter  ExportFormat = "netfilter"
	YARA       ExportFormat = "yara"
	Hashes     ExportFormat = "hashes"
)

// Enum lists what is allowed.
func (ExportFormat) Enum() []any {
	return []any{CSV, JSONExport, STIX, STIX2, Suricata, Snort, Text, RPZ, Hosts, Netfilter, YARA, Hashes}
}

// restrictive reports whether MISP gives only attributes meant for detection,
// of published events, in that format.
func (f ExportFormat) restrictive() bool {
	return slices.Contains([]ExportFormat{Suricata, Snort, Text, RPZ, Hosts, Hashes}, f)
}

// ExportIOCsInput is the input of [Client.ExportIOCs]. At least one filter is
// needed; those given must all match.
type ExportIOCsInput struct {
	// suricata, snort, text, rpz, hosts and hashes hold only what is for detection, of published events.
	Format  ExportFormat `json:"format"`
	EventID EventRef     `json:"eventId,omitempty"` // only of this event
	// % stands for any text.
	Value string `json:"value,omitempty" refang:"true" maxLength:"4096"`
	// Such as ip-dst.
	Type string `json:"type,omitempty" pattern:"^[A-Za-z0-9][A-Za-z0-9 |/_-]*$" maxLength:"100"`
	// One of these, on the attribute or its event; with ! in front: none. % stands for any text.
	Tags []string `json:"tags,omitempty" maxItems:"50" maxLength:"255"`
	// Every one of these.
	AllTags []string `json:"allTags,omitempty" maxItems:"50" maxLength:"255"`
	// Published within: 7d, 12h, 30m; those never published don't match.
	Last string `json:"last,omitempty" pattern:"^[1-9][0-9]{0,5}[dhms]$"`
	// For detection, or not.
	ToIDs *bool `json:"toIds,omitempty"`
	Page  int   `json:"page,omitempty" minimum:"1" maximum:"100000" default:"1"`   // which page, from 1
	Limit int   `json:"limit,omitempty" minimum:"1" maximum:"10000" default:"250"` // how many to return at most
	// New path below the operator's folder, for this page and all after it. Default: one page, in the answer.
	SaveAs string `json:"saveAs,omitempty" maxLength:"4096"`
}

// Validate refuses an export of everything, and what MISP would silently read
// as nothing.
func (in ExportIOCsInput) Validate() error {
	if in.Format.restrictive() && in.ToIDs != nil && !*in.ToIDs {
		return invalid("toIds: %s holds only attributes meant for detection", in.Format)
	}
	return SearchAttributesInput{Value: in.Value, Type: in.Type, Tags: in.Tags, AllTags: in.AllTags, EventID: in.EventID, Last: in.Last, ToIDs: in.ToIDs, Page: in.Page}.Validate()
}

// An Export is one page of attributes in a format for other tools, or all pages
// in a file: a whole document either way.
type Export struct {
	Format      ExportFormat `json:"format"`                   // the format
	ContentType string       `json:"contentType,omitempty"`    // its media type
	Content     string       `json:"content" untrusted:"true"` // the content
	// How many attributes it covers, where MISP says.
	Attributes *int `json:"attributes,omitempty"`
	// How long the content is. If less is shown, ask for smaller pages with limit.
	Bytes int `json:"bytes"`
	Page  int `json:"page"`  // which page this is, from 1
	Limit int `json:"limit"` // how many were asked for
	// Whether there may be more on the next page.
	More    bool   `json:"more"`
	SavedAs string `json:"savedAs,omitempty"`               // the path of the file, if it was saved
	SHA256  string `json:"sha256,omitempty"`                // of the file
	Note    string `json:"note,omitempty" untrusted:"true"` // what to know about the answer
}

// Document says that the content is a file for other tools.
func (e *Export) Document() (name, mediaType, member string) {
	mediaType = e.ContentType
	if mediaType == "" {
		mediaType = "text/plain"
	}
	return "export." + string(e.Format), mediaType, "content"
}

// ExportIOCs returns one page of attributes in a format for other tools, or with
// SaveAs writes all pages into a file. [Client.Exports] walks all pages.
//
// MISP: POST /attributes/restSearch
func (c *Client) ExportIOCs(ctx context.Context, in ExportIOCsInput) (*Export, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if in.SaveAs != "" {
		return c.exportFile(ctx, in)
	}
	return c.exportText(ctx, in, wire.AttributeSearch{Type: anyOf(in.Type)})
}

// MaxExportFile is how many bytes an export in a file may have.
const MaxExportFile = 1 << 30

// exportFile is ExportIOCs into a file, which holds one page in memory.
func (c *Client) exportFile(ctx context.Context, in ExportIOCsInput) (*Export, error) {
	f, err := c.newFile(in.SaveAs)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	out, err := c.WriteExport(ctx, io.MultiWriter(f, sum), in, MaxExportFile)
	if err = errors.Join(err, f.Sync()); err != nil {
		f.Remove()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	e := &Export{Format: in.Format, ContentType: out.contentType, Attributes: &out.Attributes, Bytes: int(out.Bytes), Page: in.Page, Limit: out.Limit,
		SavedAs: in.SaveAs, SHA256: hex.EncodeToString(sum.Sum(nil)), Note: out.Note}
	if out.Truncated {
		e.More = true
		e.Note = strings.TrimSpace(fmt.Sprintf("%s The file has all up to its bound of %d bytes: go on into another with page %d and limit %d.", e.Note, int64(MaxExportFile), out.NextPage, out.Limit))
	}
	return e, nil
}

// newFile makes a file below the folder of files that wasn't there.
func (c *Client) newFile(path string) (*upload.Saved, error) {
	if c.files == "" {
		return nil, errNoFolder
	}
	f, err := upload.Save(c.files, path)
	if err != nil {
		return nil, invalid("saveAs: %q %v", clip.Text(path, 200), err)
	}
	return f, nil
}

var errNoFolder = invalid("no folder is open for files (MISP_FILE_BASE_DIR)")

// Exports returns an iterator over the pages of an export, from in.Page on. Each
// is a whole document, but for CSV, whose first line only the first page has. They
// are pages by number: a loop that deletes what is exported shifts them.
// [Client.Attributes] is safe from that.
func (c *Client) Exports(ctx context.Context, in ExportIOCsInput) iter.Seq2[*Export, error] {
	in.Tags, in.AllTags = slices.Clone(in.Tags), slices.Clone(in.AllTags)
	return func(yield func(*Export, error) bool) {
		if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
			yield(nil, err)
			return
		}
		next := in
		for ; ; next.Page++ {
			q := wire.AttributeSearch{Type: anyOf(next.Type)}
			if next.Format == CSV && next.Page > in.Page {
				q.Headerless = 1
			}
			e, err := c.exportText(ctx, next, q)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(e, nil) || !e.More {
				return
			}
		}
	}
}

// exportText is export with the content.
func (c *Client) exportText(ctx context.Context, in ExportIOCsInput, q wire.AttributeSearch) (*Export, error) {
	e, body, err := c.export(ctx, in, q)
	switch {
	case tooLarge(err):
		return c.exportParts(ctx, in, q)
	case err != nil:
		return nil, err
	}
	e.Content = string(body)
	return e, nil
}

// maxParts is how much an export that is fetched in parts may have, in answers
// of the largest size.
const maxParts = 4

// exportParts is exportText of a page that is too large for one answer.
func (c *Client) exportParts(ctx context.Context, in ExportIOCsInput, q wire.AttributeSearch) (*Export, error) {
	most := c.maxBody * maxParts
	var b strings.Builder
	out, err := c.writeExport(ctx, &b, in, q, most, in.Page*in.Limit)
	switch {
	case err != nil:
		return nil, err
	case out.Truncated && (out.NextPage-1)*out.Limit < in.Page*in.Limit:
		return nil, fmt.Errorf("misp: searchAttributes: the export has more than %d bytes: ask for smaller pages with limit, %d at most: %w", most, (out.NextPage-1)*out.Limit-(in.Page-1)*in.Limit, connect.ErrTooLarge)
	}
	e := &Export{Format: in.Format, ContentType: out.contentType, Content: b.String(), Bytes: b.Len(), Page: in.Page, Limit: in.Limit, More: out.Truncated, Note: out.Note}
	if out.Attributes > 0 {
		e.Attributes = &out.Attributes
	}
	return e, nil
}

// export fetches one page of an export. The content is apart.
func (c *Client) export(ctx context.Context, in ExportIOCsInput, q wire.AttributeSearch) (*Export, []byte, error) {
	format := in.Format
	if format == STIX {
		format = STIX2
	}
	q.ReturnFormat = wire.AttributeSearchReturnFormat(format)
	q.Tags, q.Last, q.ToIDs = tagQueryOf(in.Tags, in.AllTags).wire(), in.Last, flag(in.ToIDs)
	if in.Value != "" {
		q.Value, _, _ = asked(in.Value, false)
	}
	inEvent(&q, in.EventID)
	q.Page, q.Limit, q.Order = in.Page, in.Limit, "Attribute.id DESC"
	res, err := c.wire.SearchAttributes(ctx, q)
	var refused *Error
	if errors.As(err, &refused) && refused.Status == http.StatusInternalServerError {
		refused.Remediation = "the server may lack what it needs for the format " + string(format)
	}
	if err != nil {
		return nil, nil, err
	}
	switch kind := res.Header.Get("Content-Type"); {
	case strings.HasPrefix(kind, "text/html"):
		return nil, nil, errors.New("misp: searchAttributes: an HTML page instead of an export; the URL may be wrong, or a login page or proxy answers in its place")
	case strings.HasPrefix(kind, "application/json") && format != JSONExport && format != STIX2:
		return nil, nil, fmt.Errorf("misp: searchAttributes: asked for the format %s and was given JSON", format)
	}
	if made := res.Header.Get("X-Export-Module-Used"); made != "" && made != string(format) {
		return nil, nil, fmt.Errorf("misp: searchAttributes: asked for the format %s and was given %s", format, clip.Text(made, 40))
	}
	out := &Export{Format: in.Format, ContentType: res.Header.Get("Content-Type"), Bytes: len(res.Body), Page: in.Page, Limit: in.Limit}
	if n, err := strconv.Atoi(res.Header.Get("X-Result-Count")); err == nil && n >= 0 {
		// One more than there are when the page is full or empty.
		out.More = n > in.Limit
		if n = min(n, in.Limit); n == 1 && empty(format, res.Body) {
			n = 0
		}
		out.Attributes = &n
	}
	if in.Format == STIX {
		out.Note = "STIX 2.1; MISP's STIX 1 is not offered. "
	}
	if format == STIX2 {
		out.Note += stixLosses + ". "
	}
	if format == YARA {
		out.Note += "Only attributes meant for detection (to_ids), of events that aren't published too; rules made of plain values are tagged generated, stored ones as_is. "
	}
	if format.restrictive() {
		out.Note += "Only attributes meant for detection (to_ids), of published events: MISP leaves all others out of this format without a word. "
		if out.Attributes != nil && *out.Attributes == 0 {
			out.Note += "Nothing was left. "
		}
	}
	if in.Page == 1 && (out.Attributes != nil && *out.Attributes == 0 || empty(format, res.Body)) {
		why := append(c.explainEvent(ctx, in.EventID), tagQueryOf(in.Tags, in.AllTags).explain(ctx, c, false)...)
		out.Note += strings.Join(append(why, c.explainTypes(ctx, []string{in.Type}, "")...), "; ")
	}
	out.Note = strings.TrimSpace(out.Note)
	return out, res.Body, nil
}

// empty reports whether content in a format has nothing but what always is there.
func empty(f ExportFormat, content []byte) bool {
	content = bytes.TrimSpace(content)
	switch f {
	case CSV:
		return len(content) == 0 || bytes.HasPrefix(content, []byte("uuid,")) && !bytes.Contains(content, []byte("\n"))
	case JSONExport:
		return bytes.Contains(content, []byte(`"Attribute":[]`)) || bytes.Contains(content, []byte(`"Attribute": []`))
	case STIX2:
		return bytes.Contains(content, []byte(`"objects":[]`)) || bytes.Contains(content, []byte(`"objects": []`))
	}
	for line := range bytes.Lines(content) {
		if line = bytes.TrimRight(line, "\r\n"); len(line) > 0 && !f.header(line) {
			return false
		}
	}
	return true
}

// A HashFormat is a kind of hash.
type HashFormat string

// The kinds of hashes.
const (
	MD5    HashFormat = "md5"
	SHA1   HashFormat = "sha1"
	SHA256 HashFormat = "sha256"
)

// Enum lists what is allowed.
func (HashFormat) Enum() []any { return []any{MD5, SHA1, SHA256} }

var hexRegexp = lazyregexp.New(`^[0-9a-fA-F]+$`)

// length is how many hexadecimal digits a hash has.
func (f HashFormat) length() int { return map[HashFormat]int{MD5: 32, SHA1: 40, SHA256: 64}[f] }

// ExportHashesInput is the input of [Client.ExportHashes].
type ExportHashesInput struct {
	Format  HashFormat `json:"format"`            // the format
	EventID EventRef   `json:"eventId,omitempty"` // only of this event
	// One of these, on the attribute or its event; with ! in front: none. % stands for any text.
	Tags []string `json:"tags,omitempty" maxItems:"50" maxLength:"255"`
	// Every one of these.
	AllTags []string `json:"allTags,omitempty" maxItems:"50" maxLength:"255"`
	// Published within: 7d, 12h, 30m; those never published don't match.
	Last  string `json:"last,omitempty" pattern:"^[1-9][0-9]{0,5}[dhms]$"`
	Page  int    `json:"page,omitempty" minimum:"1" maximum:"100000" default:"1"`   // which page, from 1
	Limit int    `json:"limit,omitempty" minimum:"1" maximum:"10000" default:"500"` // how many to return at most
}

// iocs is in as an export of hashes of any kind.
func (in ExportHashesInput) iocs() ExportIOCsInput {
	return ExportIOCsInput{Format: Hashes, EventID: in.EventID, Tags: in.Tags, AllTags: in.AllTags, Last: in.Last, Page: in.Page, Limit: in.Limit}
}

// Validate refuses another kind of hash and what MISP would silently read as
// nothing.
func (in ExportHashesInput) Validate() error {
	if in.Format.length() == 0 {
		return invalid("format: %q: want md5, sha1 or sha256", clip.Text(string(in.Format), 60))
	}
	x := in.iocs()
	x.Type = string(in.Format)
	return x.Validate()
}

// ExportedHashes is one page of hashes.
type ExportedHashes struct {
	Format HashFormat `json:"format"`                  // the format
	Hashes []string   `json:"hashes" untrusted:"true"` // the hashes, each once
	// How many are on this page.
	Count int `json:"count"`
	Page  int `json:"page"` // which page this is, from 1
	// Whether there may be more on the next page.
	More bool   `json:"more"`
	Note string `json:"note" untrusted:"true"` // what to know about the answer
}

// ExportHashes returns the hashes of one kind that are meant for detection, of
// published events, those of composite types included.
//
// MISP: POST /attributes/restSearch
func (c *Client) ExportHashes(ctx context.Context, in ExportHashesInput) (*ExportedHashes, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	types := []string{string(in.Format), "filename|" + string(in.Format)}
	if in.Format == MD5 {
		types = append(types, "malware-sample")
	}
	e, body, err := c.export(ctx, in.iocs(), wire.AttributeSearch{Type: anyOf(types...)})
	if err != nil {
		return nil, err
	}
	out := &ExportedHashes{Format: in.Format, Hashes: []string{}, Page: in.Page, More: e.More, Note: e.Note}
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) == in.Format.length() && hexRegexp.MatchString(string(line)) {
			out.Hashes = append(out.Hashes, string(line))
		}
	}
	out.Count = len(out.Hashes)
	return out, nil
}

// Hashes returns an iterator over every hash that [Client.ExportHashes] gives, from
// in.Page on, each once: all pages are read before the first hash is handed out.
// Without in.Limit it reads 10,000 at once.
func (c *Client) Hashes(ctx context.Context, in ExportHashesInput) iter.Seq2[string, error] {
	if err := input.PrepareWalk(&in, &in.Limit, maxHashes, ErrInvalid); err != nil {
		return paging.Failed[string](err)
	}
	in.Tags, in.AllTags = slices.Clone(in.Tags), slices.Clone(in.AllTags)
	if _, from := resume.Asked(ctx); from {
		in.Page = 1
	}
	return paging.AtOnce(ctx, func(hash string) string { return hash }, func(ctx context.Context) (all []string, err error) {
		seen := map[string]bool{}
		for next := in; ; next.Page++ {
			p, err := c.ExportHashes(ctx, next)
			if err != nil {
				return nil, err
			}
			for _, hash := range p.Hashes {
				if !seen[hash] {
					seen[hash] = true
					all = append(all, hash)
				}
			}
			if progress.Report(ctx, len(all), 0, "rows have come"); !p.More {
				return all, nil
			}
		}
	})
}

// maxHashes is the largest page of hashes.
const maxHashes = 10_000
