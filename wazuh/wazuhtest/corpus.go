package wazuhtest

import (
	"fmt"
	"sort"
	"time"
)

// corpus is a great many alerts that are made when they are looked at.
type corpus struct {
	n     int
	start time.Time
	step  time.Duration
	index string
}

// Generate makes the alerts of the server n, the same ones each time, a second
// apart from start on, whatever else was added. They take no memory: each is
// made when it is looked at.
func (s *Server) Generate(n int, start time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	start = start.UTC().Truncate(time.Second)
	s.corpus = &corpus{n: n, start: start, step: time.Second, index: s.alertIndex(start)}
}

func (c *corpus) at(i int) *alert {
	at := c.start.Add(time.Duration(i) * c.step)
	r := stock[i*7919%len(stock)]
	h := hosts[1+i*31%(len(hosts)-3)]
	return &alert{index: c.index, id: fmt.Sprintf("generated%09d", i), source: Object{
		"timestamp": at.Format(stamp), "@timestamp": at.Format("2006-01-02T15:04:05.000Z"), "id": fmt.Sprintf("%d.%d", at.Unix(), i),
		"rule":     Object{"id": fmt.Sprint(r.id), "level": float64(r.level), "description": r.description, "firedtimes": float64(i)},
		"agent":    Object{"id": h.id, "name": h.name, "ip": h.ip},
		"manager":  Object{"name": managerName},
		"location": "generated", "decoder": Object{"name": "generated"},
		"data": Object{"srcip": fmt.Sprintf("203.0.113.%d", i%250), "srcuser": fmt.Sprintf("user%d", i%1000)},
	}}
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
		begin = sort.Search(c.n, func(i int) bool { return compareKeys(keys, keyValues(keys, c.at(place(i))), q.SearchAfter) > 0 })
	}
	var hits []*alert
	skipped := 0
	for i := begin; i < c.n && len(hits) < size; i++ {
		a := c.at(place(i))
		switch {
		case !match(a):
		case skipped < q.From:
			skipped++
		default:
			hits = append(hits, a)
		}
	}
	total := 0
	var counted []*alert
	if string(q.Track) == "true" || len(q.Aggs) > 0 {
		for i := range c.n {
			if a := c.at(i); match(a) {
				total++
				if len(q.Aggs) > 0 {
					counted = append(counted, a)
				}
			}
		}
	} else {
		q.Track = []byte("false")
	}
	out := s.found(hits, total, 1, keys, q)
	if len(q.Aggs) > 0 {
		aggs, err := aggregate(q.Aggs, counted)
		if err != nil {
			return nil, err
		}
		out["aggregations"] = aggs
	}
	return out, nil
}
