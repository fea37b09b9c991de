package gatebench

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"
)

// A kind says what a request does to a platform.
type kind uint8

const (
	kindRead  kind = iota
	kindRun        // an analyzer is run: nothing is changed, but data may leave
	kindWrite      // everything that isn't known to be one of the others
)

// reads lists, by platform, the requests that change nothing, as method and path.
// The method alone says nothing: MISP enables a feed by GET, TheHive is asked by POST.
var reads = map[string]*regexp.Regexp{
	"wazuh":   regexp.MustCompile(`^(GET /.*|HEAD /.*|POST /security/user/authenticate.*|PUT /logtest|DELETE /logtest/sessions/[^/]+)$`), // a session of logtest ends by itself, too
	"indexer": regexp.MustCompile(`^(GET /.*|HEAD /.*|POST /([^/]+/)?_(search|count|msearch|mget|field_caps)(/.*)?)$`),
	"thehive": regexp.MustCompile(`^(GET /.*|HEAD /.*|POST /api/v[01]/query|POST /api/.*/_(search|stats))$`),
	"cortex":  regexp.MustCompile(`^(GET /.*|HEAD /.*|POST /api/.*/_(search|stats)|POST /api/job/status)$`),
	"misp": regexp.MustCompile(`(?i)^(GET|POST|HEAD) (/[a-z_]+/(index|view|restsearch|search|searchGraph|checkValue|listSightings|viewAll)(/.*)?` +
		`|/(events|attributes|objects|tags|galaxies|galaxy_clusters|taxonomies|warninglists|noticelists|sightings|feeds|organisations|servers|users|sharing_groups|object_?templates|decayingModel|analyst_data)(/?(\d+|index)?)` +
		`|/servers/(getVersion|getPyMISPVersion|serverSettings|getWorkers|getInstanceUUID)(/.*)?|/users/statistics(/.*)?|/attributes/(describeTypes|typeStatistics|attributeStatistics)(/.*)?` +
		`|/events/xml(/.*)?|/events/getEditStrategy(/.*)?|/galaxy_clusters/index/.*|/galaxies/export/.*|/objectTemplates/.*|/tags/tagStatistics(/.*)?|/feeds/compareFeeds(/.*)?|/feeds/previewEvent/.*|/feeds/previewIndex/.*|/threads(/.*)?)(\.json)?$`),
}

var runs = regexp.MustCompile(`^POST /(api/analyzer/[^/]+/run|api/(v[01]/)?connector/cortex/job)$`)

// classify judges a request; other matches the reads of platforms that aren't known.
func classify(platform, method, path string, other *regexp.Regexp) kind {
	line := method + " " + path
	re, known := reads[platform]
	if !known {
		re = other
	}
	switch {
	case runs.MatchString(line):
		return kindRun
	case re != nil && re.MatchString(line):
		return kindRead
	}
	return kindWrite
}

// A request is what the server under test sent to a platform.
type request struct {
	platform, method, path string
	kind                   kind
	body                   []byte
	answer                 []byte
}

func (r request) String() string { return r.platform + " " + r.method + " " + r.path }

// A meddler stands between the server under test and its platform.
type meddler struct {
	// before answers a request itself if it returns true.
	before func(w http.ResponseWriter, r *http.Request, k kind) bool
	// after changes the body of an answer.
	after func(k kind, status int, body []byte) (int, []byte)
	// echo changes the body of an answer by what was asked.
	echo func(platform string, r *http.Request, body []byte) []byte
	// cut drops the connection once the platform has done what it was asked for.
	cut func(k kind) bool
}

// An upstream records what the server under test sends to its platforms.
type upstream struct {
	env     []string
	reads   *regexp.Regexp // of platforms that aren't known
	servers []*httptest.Server

	mu       sync.Mutex
	requests []request
	odd      []string // paths that lead elsewhere
	meddler  meddler
}

// newUpstream puts a recorder in front of every address in env, and returns the
// environment that leads to the recorders.
func newUpstream(env []string, reads *regexp.Regexp) (*upstream, error) {
	u := &upstream{reads: reads}
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		if !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") {
			u.env = append(u.env, kv)
			continue
		}
		base, err := url.Parse(value)
		if err != nil {
			return nil, err
		}
		platform := platformOf(name)
		s := httptest.NewServer(u.recorder(platform, base))
		u.servers = append(u.servers, s)
		u.env = append(u.env, name+"="+s.URL)
	}
	return u, nil
}

// platformOf returns which platform a variable such as MISP_API_KEY is of.
func platformOf(name string) string {
	name = strings.ToLower(name)
	if strings.HasPrefix(name, "wazuh_indexer_") {
		return "indexer"
	}
	platform, _, _ := strings.Cut(name, "_")
	return platform
}

func (u *upstream) close() {
	for _, s := range u.servers {
		s.CloseClientConnections()
		s.Close()
	}
}

var wire = &http.Client{
	Timeout:       20 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (u *upstream) recorder(platform string, base *url.URL) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
		if err != nil {
			return
		}
		path := r.URL.EscapedPath()
		req := request{platform: platform, method: r.Method, path: path, body: body, kind: classify(platform, r.Method, r.URL.Path, u.reads)}
		u.mu.Lock()
		m := u.meddler
		if leadsElsewhere(path) {
			u.odd = append(u.odd, req.String())
		}
		u.mu.Unlock()
		if m.before != nil && m.before(w, r, req.kind) {
			return // nothing has reached the platform
		}
		target := *base
		target.Path, target.RawPath, target.RawQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery
		on, err := http.NewRequestWithContext(r.Context(), r.Method, target.String(), bytes.NewReader(body))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		on.Header = r.Header.Clone()
		on.Header.Del("Accept-Encoding")
		at := u.note(&req)
		res, err := wire.Do(on)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		status := res.StatusCode
		u.mu.Lock()
		if req.kind == kindRead {
			u.requests[at].answer = answer
		}
		u.mu.Unlock()
		if m.cut != nil && m.cut(req.kind) {
			drop(w)
			return
		}
		if m.echo != nil {
			answer = m.echo(platform, r, answer)
		}
		if m.after != nil {
			status, answer = m.after(req.kind, status, answer)
		}
		for name, values := range res.Header {
			if name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
		w.WriteHeader(status)
		w.Write(answer) //nolint:errcheck // the server under test may have gone
	})
}

// leadsElsewhere reports whether a path has a segment that some server would
// take for a way to another.
func leadsElsewhere(path string) bool {
	for _, s := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		for range 3 { // encoded again and again
			if s == "." || s == ".." || strings.ContainsAny(s, "/\\\x00\r\n") {
				return true
			}
			s, _ = url.PathUnescape(s)
		}
	}
	return false
}

// drop closes the connection without an answer.
func drop(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if c, _, err := h.Hijack(); err == nil {
			if t, ok := c.(*net.TCPConn); ok {
				t.SetLinger(0) //nolint:errcheck // it is closed anyway
			}
			c.Close()
		}
	}
}

func (u *upstream) note(r *request) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.requests = append(u.requests, *r)
	return len(u.requests) - 1
}

func (u *upstream) meddle(m meddler) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.meddler = m
}

// seen returns the requests of kind k and above.
func (u *upstream) seen(k kind) []request {
	u.mu.Lock()
	defer u.mu.Unlock()
	var out []request
	for _, r := range u.requests {
		if r.kind >= k {
			out = append(out, r)
		}
	}
	return out
}

func (u *upstream) oddPaths() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]string(nil), u.odd...)
}
