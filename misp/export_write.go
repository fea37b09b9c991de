package misp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/progress"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A WrittenExport says what [Client.WriteExport] wrote.
type WrittenExport struct {
	Pages      int    // how many requests it took
	Attributes int    // how many attributes those covered, where MISP says
	Bytes      int64  // how much was written
	Truncated  bool   // there was more than the bound allowed; what was written is whole in itself
	NextPage   int    // where to go on, if Truncated, with Limit
	Limit      int    // how many attributes a page had: fewer than asked for, where an answer would have been over the client's limit of bytes
	Note       string // what the format leaves out, as [Export] has it

	contentType string
}

// WriteExport writes an export to w, all pages from in.Page on, as one document:
// lines one after another with a single header, or one JSON array or STIX
// bundle. It holds one page of in.Limit attributes in memory and writes at most
// most bytes, whole pages only.
//
// An error leaves w with the pages before it, unfinished. Attributes that are
// added meanwhile move the others on, so that one may come twice.
//
// MISP: POST /attributes/restSearch for each page
func (c *Client) WriteExport(ctx context.Context, w io.Writer, in ExportIOCsInput, most int64) (*WrittenExport, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	if most <= 0 {
		return nil, invalid("most: %d: want a bound in bytes", most)
	}
	return c.writeExport(ctx, w, in, wire.AttributeSearch{Type: anyOf(in.Type)}, most, math.MaxInt)
}

// writeExport is WriteExport of q up to an attribute, by its number in the list.
func (c *Client) writeExport(ctx context.Context, w io.Writer, in ExportIOCsInput, q wire.AttributeSearch, most int64, until int) (*WrittenExport, error) {
	j := &joiner{format: in.Format, seen: map[string]bool{}}
	out := &WrittenExport{}
	write := func(b []byte) error {
		n, err := w.Write(b)
		out.Bytes += int64(n)
		return err
	}
	for (in.Page-1)*in.Limit < until {
		if in.Format == CSV && out.Pages > 0 {
			q.Headerless = 1
		}
		e, body, err := c.export(ctx, in, q)
		if n := divisor(in.Limit); tooLarge(err) && n > 0 {
			in.Page, in.Limit = (in.Page-1)*n+1, in.Limit/n
			continue
		}
		if err != nil {
			return nil, err
		}
		out.Pages++
		out.Note, out.contentType, out.Limit = e.Note, e.ContentType, in.Limit
		text, err := j.page(body, out.Pages == 1)
		if err != nil {
			return nil, fmt.Errorf("misp: searchAttributes: page %d of the export: %w", in.Page, err)
		}
		if out.Bytes+int64(len(text)+len(j.end())) > most {
			if out.Pages == 1 {
				return nil, invalid("most: %d bytes are not enough for one page of %d attributes; ask for smaller pages with limit", most, in.Limit)
			}
			out.Truncated, out.NextPage = true, in.Page
			break
		}
		if err := write(text); err != nil {
			return nil, err
		}
		if e.Attributes != nil {
			out.Attributes += *e.Attributes
		}
		progress.Report(ctx, out.Pages, 0, "pages are written")
		in.Page++
		if out.Truncated, out.NextPage = e.More, in.Page; !e.More {
			out.NextPage = 0
			break
		}
	}
	return out, write(j.end())
}

// divisor is the smallest of n, or 0 if there is none but n itself.
func divisor(n int) int {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return d
		}
	}
	return 0
}

// A joiner makes one document of the pages of an export.
type joiner struct {
	format ExportFormat
	rows   int             // how many elements were written
	seen   map[string]bool // by STIX id: pages share identities and markings
}

// page is body as it goes on from the pages before.
func (j *joiner) page(body []byte, first bool) ([]byte, error) {
	switch j.format {
	case JSONExport:
		var doc struct {
			Response struct {
				Attributes List[json.RawMessage] `json:"Attribute"`
			} `json:"response"`
		}
		if err := json.Unmarshal(body, &doc); err != nil {
			return nil, err
		}
		return j.array(first, `{"response":{"Attribute":[`, doc.Response.Attributes), nil
	case STIX, STIX2:
		var doc struct {
			Type    string            `json:"type"`
			ID      string            `json:"id"`
			Objects []json.RawMessage `json:"objects"`
		}
		if err := json.Unmarshal(body, &doc); err != nil {
			return nil, err
		}
		if doc.Type != "bundle" {
			return nil, errors.New("the answer is no STIX bundle")
		}
		fresh := doc.Objects[:0]
		for _, o := range doc.Objects {
			var head struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(o, &head); err != nil {
				return nil, err
			}
			if head.ID == "" || !j.seen[head.ID] {
				fresh = append(fresh, o)
			}
			j.seen[head.ID] = true
		}
		id, err := json.Marshal(doc.ID)
		return j.array(first, `{"type":"bundle","id":`+string(id)+`,"objects":[`, fresh), err
	}
	body = bytes.Trim(body, "\n")
	for !first { // the header was there before
		line, rest, more := bytes.Cut(body, []byte("\n"))
		if !j.format.header(line) {
			break
		}
		if body = rest; !more {
			break
		}
	}
	if body = bytes.Trim(body, "\n"); len(body) == 0 {
		return nil, nil
	}
	return append(body, '\n'), nil
}

// array continues a JSON array with rows.
func (j *joiner) array(first bool, open string, rows []json.RawMessage) []byte {
	var b bytes.Buffer
	if first {
		b.WriteString(open)
	}
	for _, r := range rows {
		if j.rows++; j.rows > 1 {
			b.WriteByte(',')
		}
		b.Write(r)
	}
	return b.Bytes()
}

// header reports whether line belongs to what every page of the format begins with.
func (f ExportFormat) header(line []byte) bool {
	switch line = bytes.TrimRight(line, "\r"); f {
	case Suricata, Snort, Hosts:
		return len(line) == 0 || line[0] == '#'
	case YARA:
		return len(line) == 0 || bytes.HasPrefix(line, []byte("// ==="))
	case RPZ:
		return len(bytes.TrimSpace(line)) == 0 || bytes.HasPrefix(line, []byte("$TTL")) || line[0] == '@' || line[0] == ' ' || line[0] == '\t'
	}
	return false
}

// end is what closes the document.
func (j *joiner) end() []byte {
	switch j.format {
	case JSONExport:
		return []byte("]}}\n")
	case STIX, STIX2:
		return []byte("]}\n")
	}
	return nil
}
