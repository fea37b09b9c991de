package wazuh

import (
	"context"
	"encoding/json"
	"iter"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A RulesetDecoder is a decoder of the manager's ruleset.
type RulesetDecoder struct {
	Name     string `json:"name"`                       // its name
	Filename string `json:"filename,omitempty"`         // the file it stands in
	Dirname  string `json:"relative_dirname,omitempty"` // the folder of that file
	Status   string `json:"status,omitempty"`           // its status
	// Its place in the file, from 0.
	Position int `json:"position"`
	// How it takes events apart: parent, prematch, regex, order.
	Details json.RawMessage `json:"details,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-"`
}

// DecoderSort is an order of decoders: ascending, or descending with - in front.
type DecoderSort string

// Enum lists the values for schemas.
func (DecoderSort) Enum() []any {
	return []any{"name", "-name", "+name", "filename", "-filename", "+filename"}
}

// ListDecodersInput is the input of [Client.ListDecoders].
type ListDecodersInput struct {
	// Part of it.
	Name   string `json:"name,omitempty" minLength:"1" maxLength:"128"`
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"100" default:"10"` // how many to return at most
	Offset int    `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
	// - in front: descending. Default: by file and position.
	Sort DecoderSort `json:"sort,omitempty"`
}

// A DecoderPage is one page of decoders.
type DecoderPage struct {
	Decoders []*RulesetDecoder `json:"decoders"` // the decoders
	// Why there may be none.
	Note string `json:"note,omitempty"`
	Paging
}

// ListDecoders returns one page of the manager's decoders.
//
// Wazuh: GET /decoders
func (c *Client) ListDecoders(ctx context.Context, in ListDecodersInput) (*DecoderPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listDecoders(ctx, in)
}

func (c *Client) listDecoders(ctx context.Context, in ListDecodersInput) (*DecoderPage, error) {
	params := wire.ListDecodersParams{Offset: in.Offset, Limit: in.Limit, Sort: string(in.Sort)}
	if in.Name != "" {
		if err := checkName("name", in.Name); err != nil {
			return nil, err
		}
		// A condition on what is in files minds case. A search doesn't, and looks at
		// every member, so that the names are left to look at.
		params.Search, params.Offset, params.Limit = strings.TrimLeft(in.Name, "-"), 0, maxRows
	}
	if err := c.only4(ctx, "decoders"); err != nil {
		return nil, err
	}
	r, err := list[*RulesetDecoder](c.wire.ListDecoders(withSession(ctx), params))
	if err != nil {
		return nil, err
	}
	if in.Name != "" {
		r.keep(func(d *RulesetDecoder) bool {
			return strings.Contains(strings.ToLower(d.Name), strings.ToLower(in.Name))
		}, in.Offset, in.Limit)
	}
	p := &DecoderPage{Decoders: r.items, Paging: r.paging(in.Offset)}
	if r.total == 0 {
		p.Note = "decoders that are built into Wazuh, such as windows_eventchannel and json, are in no list"
	}
	return p, nil
}

// Decoders returns an iterator over every decoder that in matches, from in.Offset
// on, each once: all are read before the first is handed out. in.Limit is how many
// it fetches at a time, 500 unless given.
func (c *Client) Decoders(ctx context.Context, in ListDecodersInput) iter.Seq2[*RulesetDecoder, error] {
	type place struct {
		file     string
		position int
		name     string
	}
	return walkRows(ctx, in, pageRows, c.listDecoders, func(p *DecoderPage) ([]*RulesetDecoder, Paging) { return p.Decoders, p.Paging },
		func(d *RulesetDecoder) place { return place{d.Dirname + "/" + d.Filename, d.Position, d.Name} })
}

const maxRows = 100_000 // in a page of the server API

// plainName is what can stand in a condition of the server API without being
// taken for a part of its grammar.
var plainName = lazyregexp.New(`^[\pL\pN_.:/@+-][\pL\pN_ .:/@+-]*$`)

func checkName(field, s string) error {
	if !plainName.MatchString(s) {
		return invalid("%s %q: want letters, digits, spaces and _ . : / @ + -", field, clip.Text(s, shownBytes))
	}
	return nil
}
