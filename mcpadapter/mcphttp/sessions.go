package mcphttp

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// sessions are those that clients have opened. Many clients leave without a word, so
// that whoever comes when there are as many as may be takes the place of the one that was
// idle for the longest.
type sessions struct {
	server *mcp.Server
	places *shares // of those that are being opened

	mu   sync.Mutex
	open map[string]*session // by id
}

type session struct {
	id, user string
	opened   bool      // whether the answer that opened it is through: the next request may be faster
	used     time.Time // when its last request came or ended
	calls    int       // in flight
	streams  int       // of notifications, which a client that is there may hold
}

func newSessions(s *mcp.Server, most, users int) *sessions {
	return &sessions{server: s, places: newShares(most, users), open: map[string]*session{}}
}

// take makes room for another session of user, and reports whether there is. give
// follows once it is open, or wasn't opened.
func (s *sessions) take(user string) bool {
	for {
		if s.places.take(user, s.count()) {
			return true
		}
		if !s.evict(user) {
			return false
		}
	}
}

// give takes note of the session of that id which user has opened; none if it is "".
func (s *sessions) give(id, user string) {
	if id != "" {
		s.mu.Lock()
		one := s.of(id)
		one.user, one.opened, one.used = user, true, time.Now()
		s.mu.Unlock()
	}
	s.places.give(user)
}

// of returns what is known of the session of that id.
func (s *sessions) of(id string) *session {
	if s.open[id] == nil {
		s.open[id] = &session{id: id}
	}
	return s.open[id]
}

// count returns how many sessions each user has, after it has forgotten those that
// have ended.
func (s *sessions) count() map[string]int {
	live, n := map[string]*session{}, map[string]int{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for ss := range s.server.Sessions() {
		if one := s.open[ss.ID()]; one != nil {
			live[one.id] = one
			if one.opened { // else it is counted among those that are being opened
				n[one.user]++
			}
		}
	}
	s.open = live
	return n
}

// evict ends the session without a call in flight that was idle for the longest, and
// reports whether there was one: of user, or if there is none of theirs, of whoever has
// the most. One whose client listens goes after those whose client doesn't.
func (s *sessions) evict(user string) bool {
	n := s.count()
	if n[user] == 0 {
		for other := range n {
			if n[other] > n[user] || n[other] == n[user] && other < user {
				user = other
			}
		}
	}
	s.mu.Lock()
	var idle []*session
	for _, one := range s.open {
		if one.opened && one.user == user && one.calls == 0 {
			idle = append(idle, one)
		}
	}
	if len(idle) == 0 {
		s.mu.Unlock()
		return false
	}
	oldest := slices.MinFunc(idle, func(a, b *session) int {
		return cmp.Or(cmp.Compare(min(a.streams, 1), min(b.streams, 1)), a.used.Compare(b.used))
	})
	delete(s.open, oldest.id)
	s.mu.Unlock()
	for ss := range s.server.Sessions() {
		if ss.ID() == oldest.id {
			end(ss)
		}
	}
	return true
}

// end closes a session. A call that has just come may hold it up: then it is closed
// behind that.
func end(ss *mcp.ServerSession) {
	closed := make(chan bool)
	go func() {
		ss.Close() //nolint:errcheck // it is forgotten either way
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(time.Second):
	}
}

// use takes note that a request of the session of that id has come, and returns what
// is to be called once it has ended.
func (s *sessions) use(id string, stream bool) (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.of(id)
	counted := &one.calls
	if stream {
		counted = &one.streams
	}
	*counted++
	one.used = time.Now()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		*counted--
		one.used = time.Now()
		if !one.opened && one.calls+one.streams == 0 { // there may be no such session
			delete(s.open, id)
		}
	}
}
