package misp

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/jsoncodec"
	"github.com/sallyport-soc/sallyport/internal/paging"
	"github.com/sallyport-soc/sallyport/internal/resume"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A BlocklistKind says what a blocklist is of.
type BlocklistKind string

// The kinds of blocklists.
const (
	BlockAddresses BlocklistKind = "ip"
	BlockDomains   BlocklistKind = "domain"
	BlockURLs      BlocklistKind = "url"
	BlockHashes    BlocklistKind = "hash"
)

// Enum lists what is allowed.
func (BlocklistKind) Enum() []any {
	return []any{BlockAddresses, BlockDomains, BlockURLs, BlockHashes}
}

// blockTypes are the attribute types of each kind, with the types of the parts
// of a composite that count.
var blockTypes = map[BlocklistKind]struct{ types, parts []string }{
	BlockAddresses: {[]string{"ip-src", "ip-dst", "ip-src|port", "ip-dst|port", "domain|ip"}, []string{"ip-src", "ip-dst", "ip"}},
	BlockDomains:   {[]string{"domain", "hostname", "domain|ip", "hostname|port"}, []string{"domain", "hostname"}},
	BlockURLs:      {[]string{"url", "uri"}, []string{"url", "uri"}},
	BlockHashes: {[]string{"md5", "sha1", "sha256", "filename|md5", "filename|sha1", "filename|sha256", "malware-sample"},
		[]string{"md5", "sha1", "sha256"}},
}

// BlocklistInput is the input of [Client.Blocklist].
type BlocklistInput struct {
	Kind BlocklistKind `json:"kind"` // of which kind
	// One of these, itself or its event; with ! in front: none.
	Tags []string `json:"tags,omitempty" maxItems:"50" maxLength:"255"`
	// Every one of these.
	AllTags []string `json:"allTags,omitempty" maxItems:"50" maxLength:"255"`
	// Also what came and went since: 1d, 12h.
	Since string `json:"since,omitempty" pattern:"^[1-9][0-9]{0,5}[dhms]$"`
	Page  int    `json:"page,omitempty" minimum:"1" maximum:"100000"` // which page, from 1
	Limit int    `json:"limit,omitempty" minimum:"1" maximum:"10000"` // how many to return at most
}

// SetDefaults fills the fields left at zero.
func (in *BlocklistInput) SetDefaults() {
	in.Page = cmp.Or(in.Page, 1)
	in.Limit = cmp.Or(in.Limit, blockedAtOnce)
}

const (
	blockedAtOnce = 200    // values on a page
	maxBlocked    = 50_000 // attributes that are looked at
)

func (in *BlocklistInput) Bound() {
	if in.Limit == 0 || in.Limit > blockedAtOnce {
		in.Limit = blockedAtOnce
	}
}

// Validate refuses tags that are none.
func (in BlocklistInput) Validate() error {
	return tagQueryOf(in.Tags, in.AllTags).check()
}

// A Blocklist holds what is meant for detection, of published events, without
// what is on a warninglist.
type Blocklist struct {
	Kind BlocklistKind `json:"kind"` // of which kind it is
	// The values of this page, in the order of the alphabet.
	Values []string `json:"values" untrusted:"true"`
	Total  int      `json:"total"` // how many there are
	Page   int      `json:"page"`  // which page this is, from 1
	More   bool     `json:"more"`  // whether there are more behind these
	// With since: values that came within that time, the first 200.
	Added []string `json:"added,omitempty" untrusted:"true"`
	// With since: values that were deleted or are no longer for detection, the first 200.
	Removed []string `json:"removed,omitempty" untrusted:"true"`
	// Values left out because a warninglist has them, the first 20.
	Dropped []string `json:"dropped,omitempty" untrusted:"true"`
	Note    string   `json:"note"` // what to know about the answer
}

// Blocklist returns one page of the values of a kind that are meant for detection,
// of published events, each once and in the same order every time. What is on a
// warninglist is left out and named.
//
// MISP: POST /attributes/restSearch
func (c *Client) Blocklist(ctx context.Context, in BlocklistInput) (*Blocklist, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	out, _, err := c.blocklist(ctx, in)
	return out, err
}

// Blocked returns an iterator over every value of a blocklist, in the order of the
// alphabet, from in.Page on, as it was when it began: all is read at once. Where the
// list is cut, since it has more attributes than are looked at, the last yield is
// [connect.ErrTooLarge].
func (c *Client) Blocked(ctx context.Context, in BlocklistInput) iter.Seq2[string, error] {
	if err := input.PrepareWalk(&in, &in.Limit, blockedAtOnce, ErrInvalid); err != nil {
		return paging.Failed[string](err)
	}
	skipped := (in.Page - 1) * in.Limit
	in.Page, in.Limit, in.Since = 1, math.MaxInt, ""
	if _, from := resume.Asked(ctx); from {
		skipped = 0
	}
	return func(yield func(string, error) bool) {
		cut := false
		for v, err := range paging.AtOnce(ctx, func(v string) string { return v }, func(ctx context.Context) ([]string, error) {
			list, more, err := c.blocklist(ctx, in)
			if err != nil {
				return nil, err
			}
			cut = more
			return list.Values[min(skipped, len(list.Values)):], nil
		}) {
			if !yield(v, err) || err != nil {
				return
			}
		}
		if cut {
			yield("", fmt.Errorf("misp: blocklist: only the newest %d attributes were looked at, narrow the list with tags: %w", maxBlocked, connect.ErrTooLarge))
		}
	}
}

// blocklist says too whether there were more attributes than are looked at.
func (c *Client) blocklist(ctx context.Context, in BlocklistInput) (_ *Blocklist, cut bool, _ error) {
	q := wire.AttributeSearch{Type: anyOf(blockTypes[in.Kind].types...), Tags: tagQueryOf(in.Tags, in.AllTags).wire(), IncludeWarninglistHits: 1}
	on := 1
	q.ToIDs, q.Published = &on, &on
	first := map[string]int64{} // of each value when the oldest attribute was changed
	listed := map[string]string{}
	cut, err := c.eachBlocked(ctx, q, in.Kind, func(v string, a *Attribute) {
		if at, ok := first[v]; !ok || jsoncodec.Unix(a.Timestamp) < at {
			first[v] = jsoncodec.Unix(a.Timestamp)
		}
		for _, w := range a.Warnings {
			if w != nil && w.Category != "known" {
				listed[v] = w.ListName
			}
		}
	})
	if err != nil {
		return nil, false, err
	}
	out := &Blocklist{Kind: in.Kind, Page: in.Page}
	var notes []string
	for _, v := range slices.Sorted(maps.Keys(listed)) {
		delete(first, v)
		if len(out.Dropped) < maxListed {
			out.Dropped = append(out.Dropped, v+" ("+listed[v]+")")
		}
	}
	all := slices.Sorted(maps.Keys(first))
	out.Total = len(all)
	from := min((in.Page-1)*in.Limit, len(all))
	to := min(from+in.Limit, len(all))
	out.Values, out.More = append([]string{}, all[from:to]...), to < len(all)
	notes = append(notes, fmt.Sprintf("values for detection of published events; %d left out because a warninglist has them", len(listed)))
	if cut {
		notes = append(notes, fmt.Sprintf("only the newest %d attributes were looked at: narrow the list with tags", maxBlocked))
	}
	if in.Since != "" {
		after := time.Now().Add(-span(in.Since)).Unix()
		for _, v := range all {
			if first[v] >= after && len(out.Added) < blockedAtOnce {
				out.Added = append(out.Added, v)
			}
		}
		gone := map[string]bool{}
		off := 0
		for _, q := range []wire.AttributeSearch{{Deleted: wire.AttributeSearchDeletedOnly}, {ToIDs: &off}} {
			q.Type, q.Tags, q.AttributeTimestamp = anyOf(blockTypes[in.Kind].types...), tagQueryOf(in.Tags, in.AllTags).wire(), in.Since
			if _, err := c.eachBlocked(ctx, q, in.Kind, func(v string, _ *Attribute) {
				if _, still := first[v]; !still {
					gone[v] = true
				}
			}); err != nil {
				return nil, false, err
			}
		}
		out.Removed = slices.Sorted(maps.Keys(gone))
		out.Removed = out.Removed[:min(len(out.Removed), blockedAtOnce)]
		notes = append(notes, "what was removed may never have been on the list")
	}
	out.Note = strings.Join(notes, "; ")
	return out, cut, nil
}

// eachBlocked calls f with each value of a kind that q finds, and says whether
// there were more than are looked at.
func (c *Client) eachBlocked(ctx context.Context, q wire.AttributeSearch, kind BlocklistKind, f func(string, *Attribute)) (cut bool, err error) {
	for page, n := 1, 0; ; page++ {
		q.Page, q.Limit = page, atOnce
		p, err := c.searchAttributes(ctx, q)
		if err != nil {
			return false, err
		}
		for _, a := range p.Attributes {
			if a == nil {
				continue
			}
			parts := a.parts()
			if len(parts) > 1 {
				parts = parts[1:]
			}
			for _, part := range parts {
				if slices.Contains(blockTypes[kind].parts, part.typ) && part.value != "" {
					v := part.value
					if kind != BlockURLs {
						v = strings.ToLower(v)
					}
					f(v, a)
				}
			}
		}
		if n += len(p.Attributes); !p.More {
			return false, nil
		}
		if n >= maxBlocked {
			return true, nil
		}
	}
}

// span is a time such as 1d, which was checked.
func span(s string) time.Duration {
	n, err := strconv.Atoi(s[:len(s)-1])
	if err != nil {
		return 0
	}
	return time.Duration(n) * map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}[s[len(s)-1]]
}
