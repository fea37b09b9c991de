package wazuhtest

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// corpus is a great many alerts that are made when they are looked at.
type corpus struct {
	n     int
	start time.Time
	index string
}

// Generate makes n alerts be in the indexer, the same ones each time, a second
// apart from start on. They stand in place of all others, those that are added
// later included, and all are in the index of the first one's day. They take no
// memory: each is made when it is looked at.
func (s *Server) Generate(n int, start time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start = start.UTC().Truncate(time.Second)
	s.corpus = &corpus{n: n, start: start, index: s.alertIndex(start)}
}

// A member is one of a generated alert's, by its path.
type member struct {
	path string
	of   func(c *corpus, i int) any
}

// generated are the members of a generated alert; those of one object stand
// together.
var generated = []member{
	{"timestamp", func(c *corpus, i int) any { return c.time(i).Format(stamp) }},
	{"@timestamp", func(c *corpus, i int) any { return c.time(i).Format("2006-01-02T15:04:05.000Z") }},
	{"id", func(c *corpus, i int) any { return fmt.Sprintf("%d.%d", c.time(i).Unix(), i) }},
	{"rule.id", func(_ *corpus, i int) any { return fmt.Sprint(rule(i).id) }},
	{"rule.level", func(_ *corpus, i int) any { return float64(rule(i).level) }},
	{"rule.description", func(_ *corpus, i int) any { return rule(i).description }},
	{"rule.firedtimes", func(_ *corpus, i int) any { return float64(i) }},
	{"agent.id", func(_ *corpus, i int) any { return hostOf(i).id }},
	{"agent.name", func(_ *corpus, i int) any { return hostOf(i).name }},
	{"agent.ip", func(_ *corpus, i int) any { return hostOf(i).ip }},
	{"manager.name", func(*corpus, int) any { return managerName }},
	{"location", func(*corpus, int) any { return "generated" }},
	{"decoder.name", func(*corpus, int) any { return "generated" }},
	{"data.srcip", func(_ *corpus, i int) any { return fmt.Sprintf("203.0.113.%d", i%250) }},
	{"data.srcuser", func(_ *corpus, i int) any { return fmt.Sprintf("user%d", i%1000) }},
}

func (c *corpus) time(i int) time.Time { return c.start.Add(time.Duration(i) * time.Second) }

func rule(i int) *stockRule { return &stock[i*7919%len(stock)] }

func hostOf(i int) *host { return &hosts[1+i*31%(len(hosts)-3)] }

// at makes one alert.
func (c *corpus) at(i int) *alert {
	o := Object{}
	for _, m := range generated {
		in, name := o, m.path
		if outer, inner, nested := strings.Cut(m.path, "."); nested {
			if o[outer] == nil {
				o[outer] = Object{}
			}
			in, name = o[outer].(Object), inner
		}
		in[name] = m.of(c, i)
	}
	return &alert{index: c.index, id: fmt.Sprintf("generated%09d", i), source: o}
}

// keys are the sort values of one alert, which need not be made for them.
func (c *corpus) keys(keys []sortKey, i int) []any {
	out := make([]any, len(keys))
	for n, k := range keys {
		for _, m := range generated {
			if m.path == k.field {
				out[n] = types{}.sortable(k.field, m.of(c, i))
			}
		}
	}
	return out
}

// write writes the members of one alert that are kept, as a document.
func (c *corpus) write(i int, kept []member) json.RawMessage {
	b, open := []byte{'{'}, ""
	for n, m := range kept {
		outer, name, nested := strings.Cut(m.path, ".")
		if !nested {
			outer, name = "", m.path
		}
		if open != outer && open != "" {
			b = append(b, '}')
		}
		if n > 0 && (open != outer || outer == "" || b[len(b)-1] != '{') {
			b = append(b, ',')
		}
		if open != outer && outer != "" {
			b = append(b, '"')
			b = append(append(b, outer...), `":{`...)
		}
		open = outer
		b = append(b, '"')
		b = append(append(b, name...), `":`...)
		switch v := m.of(c, i).(type) {
		case float64:
			b = fmt.Appendf(b, "%.0f", v)
		case string: // none needs more than quotes
			b = append(append(append(b, '"'), v...), '"')
		}
	}
	if open != "" {
		b = append(b, '}')
	}
	return append(b, '}')
}

// searchCorpus is a search of generated alerts. Where they are sorted by time it
// looks at no more of them than it must.
func (s *Server) searchCorpus(q request, match predicate, keys []sortKey, size int) (Object, error) {
	c := s.corpus
	down := len(keys) > 0 && keys[0].down
	place := func(i int) int {
		if down {
			return c.n - 1 - i
		}
		return i
	}
	begin := 0
	if q.SearchAfter != nil {
		begin = sort.Search(c.n, func(i int) bool { return compareKeys(keys, c.keys(keys, place(i)), q.SearchAfter) > 0 })
	}
	wanted := filterOf(q.Source)
	var kept []member
	for _, m := range generated {
		if wanted.keeps(m.path) {
			kept = append(kept, m)
		}
	}
	hits, skipped := []Object{}, 0
	for i := begin; i < c.n && len(hits) < size; i++ {
		n := place(i)
		switch {
		case match != nil && !match(c.at(n)):
		case skipped < q.From:
			skipped++
		default:
			h := Object{"_index": c.index, "_id": fmt.Sprintf("generated%09d", n), "_score": nil}
			if len(keys) > 0 {
				h["sort"] = c.keys(keys, n)
			}
			if !wanted.none {
				h["_source"] = c.write(n, kept)
			}
			hits = append(hits, h)
		}
	}
	total := 0
	var counted []*alert
	switch {
	case len(q.Aggs) > 0 || match != nil && string(q.Track) != "false":
		for i := range c.n {
			if a := c.at(i); match == nil || match(a) {
				total++
				if len(q.Aggs) > 0 {
					counted = append(counted, a)
				}
			}
		}
	default:
		total = c.n
	}
	out := s.found(hits, total, 1, q)
	if len(q.Aggs) > 0 {
		aggs, err := s.types().aggregate(q.Aggs, counted)
		if err != nil {
			return nil, err
		}
		out["aggregations"] = aggs
	}
	return out, nil
}
