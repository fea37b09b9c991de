package mcphttp

import "sync"

// shares counts what there may be a limited number of, by user.
type shares struct {
	mu    sync.Mutex
	most  int // of all users
	each  int // of one
	taken map[string]int
}

func newShares(most, users int) *shares {
	return &shares{most: most, each: max(1, most/min(max(users, 1), 4)), taken: map[string]int{}}
}

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
