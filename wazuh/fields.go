package wazuh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/sorting"
	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
)

// An index of alerts has the fields of Wazuh's template, some thousand, and
// those that decoders nobody foresaw brought with them. A query of the indexer
// takes 1024 clauses, over all of its parts. So a client asks now and then which
// fields there are, looks for text in the most telling ones first, and tells
// which it had no room for.

// fieldsKept is for how long it is kept which fields the indexer has: so long may words
// be missed in a field that is new.
const fieldsKept = 2 * time.Minute

// fieldCache holds the fields of each index pattern.
type fieldCache struct {
	mu    sync.Mutex
	known map[string]*fieldList
}

// A fieldList is what is known of the fields of an index pattern.
type fieldList struct {
	at     time.Time
	fields []indexField // those in [searched] first
	nested nestings
	filled sync.Map // of the keywords, those that a document was seen to have
	few    bool     // whether the indexer wouldn't tell and only some documents were looked at
}

// kind is how a field is indexed; one that no index has can be anything.
func (l *fieldList) kind(path string) fieldKind {
	if i := slices.IndexFunc(l.fields, func(f indexField) bool { return f.path == path }); i >= 0 {
		return l.fields[i].kind
	}
	return templated()[path]
}

// fields returns the fields of an index pattern in which text can be looked for,
// the most telling first.
func (c *Client) fields(ctx context.Context, index string) *fieldList {
	c.cache.mu.Lock()
	defer c.cache.mu.Unlock()
	if l := c.cache.known[index]; l != nil && time.Since(l.at) < fieldsKept {
		return l
	}
	l := &fieldList{at: time.Now()}
	kinds, nested, err := c.mapped(ctx, index)
	if l.nested = nested; err != nil {
		l.few, l.nested = true, templateNestings
		kinds = c.sampled(ctx, index)
	}
	for _, f := range searched() {
		k, is := kinds[f]
		switch {
		case is:
			delete(kinds, f)
		case l.few:
			k = templated()[f]
		default:
			continue // no index has it
		}
		l.fields = append(l.fields, indexField{f, k})
	}
	rest := make([]indexField, 0, len(kinds))
	for path, k := range kinds {
		if k != otherField {
			rest = append(rest, indexField{path, k})
		}
	}
	sorting.By(rest, func(a, b indexField) int { return strings.Compare(a.path, b.path) })
	l.fields = append(l.fields, rest...)
	if ctx.Err() == nil {
		if c.cache.known == nil {
			c.cache.known = map[string]*fieldList{}
		}
		c.cache.known[index] = l
	}
	return l
}

// mapped asks the indexer which fields some indices have, and which objects are
// documents of their own in all that have them.
func (c *Client) mapped(ctx context.Context, index string) (kinds map[string]fieldKind, nested nestings, err error) {
	type answer struct { // what the members say beside their names is much, and not needed
		Fields map[string]map[string]json.RawMessage `json:"fields"`
	}
	a, err := httpx.JSON[answer](c.indexer.ListFields(ctx, index, indexer.ListFieldsParams{Fields: "*"}))
	if err != nil {
		return nil, nil, err
	}
	if len(a.Fields) == 0 {
		return nil, nil, errors.New("the indexer names no field")
	}
	kinds = make(map[string]fieldKind, len(a.Fields))
	for path, types := range a.Fields {
		if strings.HasPrefix(path, "_") {
			continue
		}
		if types["nested"] != nil && types["object"] == nil {
			nested = append(nested, path)
		}
		kind, first := otherField, true
		for t := range types {
			k := kindOfType(t)
			if t == "unmapped" {
				continue
			}
			if !first && k != kind { // indices differ: what each takes is an exact value
				switch most := max(k, kind); most {
				case textField:
					k = wordsField
				case addressField:
					k = mixedField
				default:
					k = most
				}
			}
			kind, first = k, false
		}
		if kind != otherField {
			kinds[path] = kind
		}
	}
	slices.Sort(nested)
	return kinds, nested, nil
}

// sampled looks at the newest documents for the fields that they hold.
func (c *Client) sampled(ctx context.Context, index string) map[string]fieldKind {
	kinds := map[string]fieldKind{}
	s, err := newSearch(nil, 200, 0, []order{{timeField, "desc", "date"}})
	if err != nil {
		return kinds
	}
	f, err := c.searchAlerts(ctx, index, *s)
	if err != nil {
		return kinds
	}
	for _, h := range f.Hits.Hits {
		_ = jsontext.Leaves(h.Source, func(path, _ []byte) { // what can't be read tells of no further field
			if p := string(path); !notText()[p] {
				if _, known := kinds[p]; !known {
					kinds[p] = templated()[p]
				}
			}
		})
	}
	return kinds
}

// notText are members of a document that the template maps as what no text is
// looked for in, when the indexer doesn't tell.
var notText = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, f := range strings.Fields(`timestamp @timestamp rule.firedtimes rule.frequency rule.mail GeoLocation.location.lat GeoLocation.location.lon
		GeoLocation.latitude GeoLocation.longitude GeoLocation.coordinates data.timestamp syscheck.mtime_after syscheck.mtime_before syscheck.size_after syscheck.size_before
		data.aws.createdAt data.aws.updatedAt data.aws.start data.aws.end data.aws.bytes data.aws.service.count data.aws.service.eventFirstSeen data.aws.service.eventLastSeen
		data.aws.resource.instanceDetails.launchTime data.vulnerability.published data.vulnerability.updated data.sca.score data.sca.failed data.sca.passed`) {
		m[f] = true
	}
	return m
})

// someFields are so many that it is worth finding out first which of them can hold a
// word: each in which it is looked for costs each shard time.
const someFields = 300

// A textSearch is a search for words, made to fit into one query.
type textSearch struct {
	words   []word
	clauses []clause
	missed  string // what wasn't searched, if anything
}

// textIn makes the clauses that find each of the words of s, the argument name,
// in any field of an index pattern. Documents match others too.
func (c *Client) textIn(ctx context.Context, index, name, s string, others []clause) (*textSearch, error) {
	list, err := wordsOf(name, s)
	if err != nil {
		return nil, err
	}
	known := c.fields(ctx, index)
	t := &textSearch{words: list}
	fields := known.fields
	if len(fields) > someFields {
		fields = c.filled(ctx, index, known, others)
	}
	held, cost := make([][]indexField, len(list)), 0
	for i, w := range list {
		if held[i] = fields; len(known.fields) > someFields {
			held[i] = c.scout(ctx, index, w, fields, others)
		}
		cost += w.cost(held[i])
	}
	room := max(minClauses, maxClauses-sizeOf(others))
	if cost > room {
		c.narrow(ctx, index, list, held, others, room)
	}
	var missed []string
	for i, w := range list {
		in, left := w.fitting(held[i], room/(len(list)-i))
		for _, f := range left {
			missed = append(missed, f.path)
		}
		room -= w.cost(in)
		t.clauses = append(t.clauses, w.anywhere(in))
	}
	t.clauses = known.nested.in(t.clauses)
	if len(missed) > 0 {
		missed = unique(missed)
		t.missed = fmt.Sprintf("a query of the indexer takes no more than 1024 clauses, so that not each word was looked for in each field; left out for at least one word: %d of %d fields, such as %s. Give fewer words, or a phrase in double quotes",
			len(missed), len(fields), strings.Join(missed[:min(8, len(missed))], ", "))
	} else if known.few {
		t.missed = fmt.Sprintf("the indexer didn't tell which fields there are, so that text was looked for in %d that are known or stand in the newest alerts", len(fields))
	}
	for _, w := range list {
		if w.cut {
			t.missed = strings.TrimPrefix(fmt.Sprintf("%s; only the first %d characters of a long word were looked for", t.missed, maxPattern), "; ")
			break
		}
	}
	return t, nil
}

// sizeOf counts the clauses that look at a field.
func sizeOf(clauses []clause) (n int) {
	for _, c := range clauses {
		if b, is := c["nested"].(clause); is {
			inner, _ := b["query"].(clause)
			n += sizeOf([]clause{inner})
			continue
		}
		b, is := c["bool"].(clause)
		if !is {
			n++
			continue
		}
		for _, part := range b {
			if inner, is := part.([]clause); is {
				n += sizeOf(inner)
			}
		}
	}
	return n
}

// fitting splits fields into those that w can be looked for in within a number
// of clauses and the rest, without those that can't hold it.
func (w word) fitting(fields []indexField, room int) (in, left []indexField) {
	for _, f := range fields {
		switch n := w.cost([]indexField{f}); {
		case n == 0:
		case n <= room:
			in, room = append(in, f), room-n
		default:
			left = append(left, f)
		}
	}
	return in, left
}

// filled returns the fields of l without the keywords that no document that matches
// has. Those that one was seen to have aren't asked for again.
func (c *Client) filled(ctx context.Context, index string, l *fieldList, match []clause) []indexField {
	has := func(f indexField) bool { _, is := l.filled.Load(f.path); return is || f.kind != keywordField }
	unknown := slices.DeleteFunc(slices.Clone(l.fields), has)
	for _, f := range c.keywordsWhere(ctx, index, unknown, match, func(f indexField) []clause { return []clause{{"exists": clause{"field": f.path}}} }) {
		l.filled.Store(f.path, true)
	}
	return slices.DeleteFunc(slices.Clone(l.fields), func(f indexField) bool { return !has(f) })
}

// scout leaves of fields those in which documents that match hold a piece of w. The
// indexer makes an expression of each pattern for each field in each shard, which
// takes it the longer, the longer the pattern is: a piece is looked for in many
// fields in less time than the whole word.
func (c *Client) scout(ctx context.Context, index string, w word, fields []indexField, match []clause) []indexField {
	if w.piece == "" {
		return fields
	}
	piece := inAnyCase("wildcard", "*"+escaped(w.piece)+"*")
	if m := piece[0]; m.kind == "wildcard" && m.fold { // an expression takes the indexer less time
		piece = matchers{{"regexp", expressionOf(m.kind, m.value), true}}
	}
	return c.keywordsWhere(ctx, index, fields, match, func(f indexField) []clause {
		if w.cost([]indexField{f}) == 0 {
			return nil
		}
		return []clause{piece.in(f.path)}
	})
}

// keywordsWhere leaves of fields the keywords of which documents that match pass what is
// asked of the field, and all that are no keywords. What can't be counted leaves them all.
func (c *Client) keywordsWhere(ctx context.Context, index string, fields []indexField, match []clause, ask func(indexField) []clause) []indexField {
	var keywords []indexField
	for _, f := range fields {
		if f.kind == keywordField && len(ask(f)) > 0 {
			keywords = append(keywords, f)
		}
	}
	holds := map[string]bool{}
	for part := range slices.Chunk(keywords, maxClauses) {
		counted, err := c.count(ctx, index, match, ask, part)
		if err != nil {
			return fields
		}
		for _, f := range counted {
			holds[f.path] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(fields), func(f indexField) bool { return f.kind == keywordField && !holds[f.path] })
}

// narrow finds out in which of the fields held that are known for each word it
// stands, by counting the documents that hold it there. The longest word, the
// rarest by guess, is looked for first, the others only among the documents that
// have it. What the indexer refuses leaves held as it is.
func (c *Client) narrow(ctx context.Context, index string, list []word, held [][]indexField, others []clause, room int) {
	longest := 0
	for i, w := range list {
		if len(w.typed) > len(list[longest].typed) {
			longest = i
		}
	}
	if list[longest].cost(held[longest]) > room {
		var in []indexField
		for rest := held[longest]; len(rest) > 0; {
			var part []indexField
			part, rest = list[longest].fitting(rest, room)
			if len(part) == 0 {
				break
			}
			counted, err := c.where(ctx, index, append(slices.Clone(others), list[longest].anywhere(part)), list[longest:longest+1], [][]indexField{part})
			if err != nil {
				return
			}
			in = append(in, counted[0]...)
		}
		held[longest] = in
	}
	if len(list) == 1 {
		return
	}
	among, _ := list[longest].fitting(held[longest], room)
	match := append(slices.Clone(others), list[longest].anywhere(among))
	counted, err := c.where(ctx, index, match, list, held)
	if err != nil {
		return
	}
	for i := range list {
		if i != longest || len(counted[i]) > 0 {
			held[i] = counted[i]
		}
	}
}

// fewHits are so many documents that they are looked through here, which costs
// the indexer less than to count.
const fewHits = 200

var errMany = errors.New("too many to look through")

// where returns in which of its fields documents that match hold each word: read off
// the documents where these are few, else counted word by word, since each field of
// each word takes each shard memory.
func (c *Client) where(ctx context.Context, index string, match []clause, list []word, fields [][]indexField) ([][]indexField, error) {
	out, err := c.seen(ctx, index, match, list, fields)
	if !errors.Is(err, errMany) {
		return out, err
	}
	out = make([][]indexField, len(list))
	for i := range list {
		for rest := fields[i]; len(rest) > 0; {
			var part []indexField
			if part, rest = list[i].fitting(rest, maxClauses); len(part) == 0 {
				break
			}
			counted, err := c.count(ctx, index, match, list[i].clauses, part)
			if err != nil {
				return nil, err
			}
			out[i] = append(out[i], counted...)
		}
		if out[i] == nil { // found nowhere, which isn't the same as not looked for
			out[i] = []indexField{}
		}
	}
	return out, nil
}

// seen returns in which of its fields the few documents that match hold each word, as
// far as that can be told from them: a field that isn't a keyword may hold it.
func (c *Client) seen(ctx context.Context, index string, match []clause, list []word, fields [][]indexField) ([][]indexField, error) {
	s, err := newSearch(c.fields(ctx, index).nested.in(match), fewHits, 0, nil)
	if err != nil {
		return nil, err
	}
	s.TrackTotalHits = true
	f, err := c.searchAlerts(ctx, index, *s)
	if err != nil {
		return nil, err
	}
	if t := f.Hits.Total; t == nil || t.Value != len(f.Hits.Hits) || f.Shards.Failed > 0 || f.TimedOut {
		return nil, errMany
	}
	holds := make([]map[string]bool, len(list))
	for i := range holds {
		holds[i] = map[string]bool{}
	}
	for _, h := range f.Hits.Hits {
		err := jsontext.Leaves(h.Source, func(path, text []byte) {
			for i, w := range list {
				if !holds[i][string(path)] && standsIn([]word{w}, string(path), string(text)) {
					holds[i][string(path)] = true
				}
			}
		})
		if err != nil {
			return nil, err
		}
	}
	out := make([][]indexField, len(list))
	for i, w := range list {
		out[i] = []indexField{}
		for _, field := range fields[i] {
			if field.kind != keywordField && w.cost([]indexField{field}) > 0 || holds[i][field.path] {
				out[i] = append(out[i], field)
			}
		}
	}
	return out, nil
}

// count returns of which of fields documents that match pass what is asked.
func (c *Client) count(ctx context.Context, index string, match []clause, ask func(indexField) []clause, fields []indexField) ([]indexField, error) {
	filters, nested := clause{}, c.fields(ctx, index).nested
	for _, f := range fields {
		if some := ask(f); len(some) > 0 {
			filters[f.path] = nested.within(anyOf(some...))
		}
	}
	s, err := newSearch(nested.in(match), 0, 0, nil)
	if err != nil {
		return nil, err
	}
	s.TrackTotalHits = false
	if s.Aggs, err = raw(clause{"fields": clause{"filters": clause{"filters": filters}}}); err != nil {
		return nil, err
	}
	f, err := c.searchAlerts(ctx, index, *s)
	if err != nil {
		return nil, err
	}
	var counted struct {
		Fields struct {
			Buckets map[string]struct {
				Count int `json:"doc_count"`
			} `json:"buckets"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(f.Aggregations, &counted); err != nil || f.Shards.Failed > 0 || f.TimedOut {
		return nil, errors.Join(err, errors.New("not counted"))
	}
	return slices.DeleteFunc(slices.Clone(fields), func(f indexField) bool { return counted.Fields.Buckets[f.path].Count == 0 }), nil
}
