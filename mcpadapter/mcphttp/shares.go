package mcphttp

import (
	"slices"
	"sync"
)

// shares counts what there may be a limited number of, by user.
type shares struct {
	mu    sync.Mutex
	most  int // of all users
	each  int // of one
	taken map[string]int
}

func newShares(most, users int) *shares {
	return &shares{most: most, each: share(most, users), taken: map[string]int{}}
}

// share is how many of most one user may have.
func share(most, users int) int { return max(1, most/min(max(users, 1), 4)) }

// take takes one for user, unless there are too many, with those besides that
// aren't counted here.
func (s *shares) take(user string, besides map[string]int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := 0
	for _, n := range s.taken {
		all += n
	}
	for _, n := range besides {
		all += n
	}
	if all >= s.most || s.taken[user]+besides[user] >= s.each {
		return false
	}
	s.taken[user]++
	return true
}

func (s *shares) give(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken[user]--; s.taken[user] == 0 {
		delete(s.taken, user)
	}
}

// reading are the requests whose bodies are being read, those first that were begun first.
type reading struct {
	mu         sync.Mutex
	most, each int // of all users, of one
	list       []*reader
}

// A reader is one of them.
type reader struct {
	user   string
	giveUp func()
	given  bool // up
}

func newReading(most, users int) *reading { return &reading{most: most, each: share(most, users)} }

// begin begins to read a body for user. If there are as many as may be, of the user or of
// all, the one of them that was begun first is given up. end says whether this one was.
func (r *reading) begin(user string, giveUp func()) (end func() bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := 0
	for _, o := range r.list {
		if o.user == user {
			own++
		}
	}
	if full := len(r.list) >= r.most; full || own >= r.each {
		first := slices.IndexFunc(r.list, func(o *reader) bool { return own < r.each || o.user == user })
		o := r.list[first]
		o.given = true
		o.giveUp()
		r.list = slices.Delete(r.list, first, first+1)
	}
	one := &reader{user: user, giveUp: giveUp}
	r.list = append(r.list, one)
	return func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.list = slices.DeleteFunc(r.list, func(o *reader) bool { return o == one })
		return one.given
	}
}
