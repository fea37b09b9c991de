package gate

import (
	"encoding/json"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/sallyport-soc/sallyport/internal/spelling"
)

const (
	sawFor    = 2 * time.Hour // how long a value that was shown is remembered
	maxSaw    = 200_000       // hashes of one generation, of which a principal has two
	minSaw    = 4             // bytes of a value that is worth remembering
	maxMarked = 32            // marks on one proposal
)

// memory remembers which strings of untrusted text a principal was shown, as
// hashes under a key of this process: a help for the approver's eye, never a
// reason to let something pass.
type memory struct {
	seed maphash.Seed
	mu   sync.Mutex
	who  map[string]*seen
}

type seen struct {
	last time.Time
	old  map[uint64]struct{} // of the half of the window before, or of the first part of a flood
	new  map[uint64]struct{}
	turn time.Time // when new was begun
}

func newMemory() *memory { return &memory{seed: maphash.MakeSeed(), who: map[string]*seen{}} }

// Saw notes that principal, or the guard's own if that is empty, was shown
// values, strings that an attacker can write. For two hours a proposal whose
// arguments hold one of them, or a word of one, says so to the approver; and a
// client's word is no longer enough for a write, unless the policy says so.
func (g word) Saw(principal string, values []string) {
	if len(values) == 0 {
		return
	}
	if principal == "" {
		principal = g.policy.Principal
	}
	m, now := g.memory, time.Now()
	if err := g.taint.touch(principal, now); err != nil {
		g.policy.Logger.Warn("other servers are not told that untrusted text was shown", "principal", principal, "err", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.who[principal]
	if s == nil {
		s = &seen{turn: now}
		m.who[principal] = s
	}
	s.last = now
	s.age(now)
	if s.new == nil {
		s.new = map[uint64]struct{}{}
	}
	for _, v := range values {
		if _, known := s.new[maphash.String(m.seed, v)]; known { // and so are its forms
			continue
		}
		for _, form := range forms(v) {
			if len(s.new) >= maxSaw { // a flood: what is newest counts most
				s.old, s.new, s.turn = s.new, map[uint64]struct{}{}, now
			}
			s.new[maphash.String(m.seed, form)] = struct{}{}
		}
	}
}

func (s *seen) age(now time.Time) {
	switch half := now.Sub(s.turn); {
	case half >= sawFor:
		s.old, s.new, s.turn = nil, nil, now
	case half >= sawFor/2:
		s.old, s.new, s.turn = s.new, nil, now
	}
}

// Tainted reports whether principal was shown untrusted text within two hours,
// by any server of the state directory. If that can't be found out, it was.
func (g word) Tainted(principal string) bool { return !g.taintedUntil(principal).IsZero() }

// taintedUntil returns until when that counts; zero: it doesn't.
func (g *Guard) taintedUntil(principal string) time.Time {
	now := time.Now()
	until := g.taint.of(principal, now)
	g.memory.mu.Lock()
	defer g.memory.mu.Unlock()
	if s := g.memory.who[principal]; s != nil && s.last.Add(sawFor).After(until) {
		until = s.last.Add(sawFor)
	}
	if !now.Before(until) {
		return time.Time{}
	}
	return until
}

// marks returns the paths of those arguments in input that principal may have
// from untrusted text.
func (m *memory) marks(principal string, input []byte) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.who[principal]
	if s == nil {
		return nil
	}
	s.age(time.Now())
	var v any
	if json.Unmarshal(input, &v) != nil {
		return nil
	}
	var list []string
	eachString(v, "", func(path, value string) {
		for _, form := range exact(value) {
			h := maphash.String(m.seed, form)
			_, a := s.new[h]
			_, b := s.old[h]
			if (a || b) && len(list) < maxMarked && !slices.Contains(list, path) {
				list = append(list, path)
			}
		}
	})
	slices.Sort(list)
	return list
}

// eachString calls yield for every string in v that is long enough.
func eachString(v any, path string, yield func(path, value string)) {
	switch v := v.(type) {
	case string:
		if len(v) >= minSaw {
			yield(path, v)
		}
	case []any:
		for i, e := range v {
			eachString(e, path+"["+strconv.Itoa(i)+"]", yield)
		}
	case map[string]any:
		for k, e := range v {
			eachString(e, strings.TrimPrefix(path+"."+k, "."), yield)
			if len(k) >= minSaw {
				yield(strings.TrimPrefix(path+"."+k, "."), k)
			}
		}
	}
}

// exact returns v as it is and in normal form.
func exact(v string) []string { return []string{v, normal(v)} }

// normal takes away what changes the look of a value and not what it means.
func normal(v string) string {
	v = spelling.Fold(strings.Join(strings.Fields(v), " "))
	if strings.ContainsAny(v, "[({<") || strings.HasPrefix(v, "hxx") {
		v = spelling.Refang(v)
	}
	return strings.TrimRight(v, "./")
}

// forms returns v, its normal form, and the words in it that may be copied.
func forms(v string) []string {
	if len(v) < minSaw {
		return nil
	}
	list := exact(v)
	words := strings.FieldsFunc(v, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`"'<>(){}|,;=`+"`", r)
	})
	for _, w := range words {
		if len(w) >= minSaw && w != v && notable(w) {
			list = append(list, normal(w))
		}
	}
	return list
}

// notable reports whether a word can tell where it comes from: an address, a
// name, a hash, rather than a word of the language.
func notable(w string) bool {
	return len(w) >= 16 || strings.ContainsAny(w, "0123456789.@/\\:_-")
}
