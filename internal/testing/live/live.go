// Package live holds the fakes against servers of one's own: which behaviours of
// a table hold there, and in what a tool is answered otherwise than by the fake.
// It prints a report to send in, and changes nothing unless it is told to.
package live

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
)

// A Server is a platform that the environment names.
type Server struct {
	URL, Key string
	Write    bool // it is there to be thrown away: writes are tried too
}

// Open returns the server that PLATFORM_LIVE_URL and PLATFORM_LIVE_KEY name, and
// skips the test without them. PLATFORM_LIVE_WRITE=throw-away lets writes through.
func Open(t *testing.T, platform string) Server {
	t.Helper()
	s := Server{os.Getenv(platform + "_LIVE_URL"), os.Getenv(platform + "_LIVE_KEY"), os.Getenv(platform+"_LIVE_WRITE") == "throw-away"}
	if s.URL == "" || s.Key == "" {
		t.Skipf("skipped: %s_LIVE_URL and %s_LIVE_KEY name no server to look at", platform, platform)
	}
	return s
}

// A Row is a behaviour that one request which only reads shows.
type Row struct {
	Name, Method, Path, Body string
	Header                   map[string]string
	Status                   int
	Want                     string // in the body; rows=0: nothing is listed
}

// Rows asks s and reports which rows hold there. auth is the header that holds
// the key, and how.
func Rows(t *testing.T, s Server, header, scheme string, rows []Row) (hold int) {
	t.Helper()
	for _, row := range rows {
		r, err := http.NewRequestWithContext(t.Context(), row.Method, strings.TrimRight(s.URL, "/")+row.Path, strings.NewReader(row.Body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(header, scheme+s.Key)
		r.Header.Set("Accept", "application/json")
		r.Header.Set("Content-Type", "application/json")
		for name, value := range row.Header {
			r.Header.Set(name, value)
		}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		switch body := string(b); {
		case res.StatusCode == row.Status && (row.Want == "rows=0" && empty(b) || row.Want != "rows=0" && strings.Contains(body, row.Want)):
			hold++
			t.Logf("holds    %s", row.Name)
		default:
			t.Logf("DIFFERS  %s: HTTP %d %.200q; the fake: %d %q", row.Name, res.StatusCode, body, row.Status, row.Want)
		}
	}
	t.Logf("%d of %d rows hold at %s", hold, len(rows), s.URL)
	return hold
}

// empty reports whether an answer lists nothing, bare or in an envelope.
func empty(b []byte) bool {
	text := strings.Join(strings.Fields(string(b)), "")
	return text == "[]" || strings.HasSuffix(text, `:[]}`) || strings.HasSuffix(text, `:[]}}`)
}

// A Side is a client's operations behind a gate that lets all of them run once
// its approver agrees.
type Side struct {
	Gate *gatetest.Gate
	Ops  []gate.Op
}

// Tools makes calls at both sides and reports what is answered otherwise: an
// error at one of them, and members that only one has. here puts the server's
// own ids into arguments that have the fake's. own, if it isn't nil, says why a member
// comes of what a server holds and not of how it behaves, or "". Calls that write are made
// when s is there to be thrown away. It returns how many were answered alike.
func Tools(t *testing.T, s Server, calls []evidence.Call, live, fake Side, here func(string) string, own func(op, member string) string) (alike int) {
	t.Helper()
	driven, differ := 0, 0
	for _, c := range calls {
		theirs, state, err := fake.do(t, c, c.Args)
		if err != nil {
			t.Fatalf("%s at the fake: %v", c.Op, err)
		}
		if state != gate.StateRead && !s.Write {
			t.Logf("left out %s: it writes", c.Op)
			continue
		}
		driven++
		args := here(c.Args)
		ours, _, err := live.do(t, c, args)
		only, lacks := without(ours, theirs), without(theirs, ours)
		reasons := map[string]bool{}
		explained := func(member string) bool {
			why := ""
			if own != nil {
				why = own(c.Op, member)
			}
			reasons[why] = true
			return why != ""
		}
		only, lacks = slices.DeleteFunc(only, explained), slices.DeleteFunc(lacks, explained)
		delete(reasons, "")
		switch {
		case err != nil:
			differ++
			t.Logf("DIFFERS  %s %s: %v", c.Op, args, err)
		case len(only)+len(lacks) > 0:
			differ++
			t.Logf("DIFFERS  %s %s: has %q, and lacks %q", c.Op, args, only, lacks)
		case len(reasons) > 0:
			t.Logf("its own  %s: %s", c.Op, strings.Join(slices.Sorted(maps.Keys(reasons)), "; "))
		default:
			alike++
			t.Logf("alike    %s", c.Op)
		}
	}
	t.Logf("%d of %d calls are answered alike by %s and by the fake, %d otherwise but for what the server holds", alike, driven, s.URL, differ)
	return alike
}

// do makes one call, approved where it must be, and returns the paths of the
// members of its answer.
func (side Side) do(t *testing.T, c evidence.Call, args string) (map[string]bool, gate.State, error) {
	t.Helper()
	i := slices.IndexFunc(side.Ops, func(op gate.Op) bool { return op.Name() == c.Op })
	if i < 0 {
		return nil, "", fmt.Errorf("there is no %s", c.Op)
	}
	for name, value := range c.Env {
		side.Gate.Setenv(name, value)
	}
	in := reflect.New(side.Ops[i].In())
	if err := json.Unmarshal([]byte(args), in.Interface()); err != nil {
		return nil, "", err
	}
	res, err := side.Ops[i].Do(t.Context(), side.Gate.Guard, in.Interface())
	if err == nil && res.State == gate.StatePending {
		side.Gate.Approve(res.Proposal.ID)
		res, err = side.Ops[i].Do(t.Context(), side.Gate.Guard, in.Interface())
	}
	if err != nil {
		return nil, "", err
	}
	b, err := json.Marshal(res.Out)
	if err != nil {
		return nil, "", err
	}
	var v any
	found := map[string]bool{}
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, "", err
	}
	paths(v, "", found)
	return found, res.State, nil
}

// paths adds the path of each member of v.
func paths(v any, path string, found map[string]bool) {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			p := strings.TrimPrefix(path+"."+name, ".")
			found[p] = true
			paths(x, p, found)
		}
	case []any:
		for _, x := range v {
			paths(x, path+"[]", found)
		}
	}
}

// without returns what a has and b has not, down to the first member that differs.
func without(a, b map[string]bool) (list []string) {
	for _, p := range slices.Sorted(maps.Keys(a)) {
		i := strings.LastIndexByte(p, '.')
		if above := strings.TrimSuffix(p[:max(i, 0)], "[]"); !b[p] && (above == "" || b[above]) {
			list = append(list, p)
		}
	}
	return list
}
