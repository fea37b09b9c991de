package wazuh_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/mcpadapter/mcptest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// An endpoint of a description of the server API: its path as an expression, and
// the query parameters that it takes.
type endpoint struct {
	path   *regexp.Regexp
	params map[string]bool
}

// described reads from the vendor's description of a version of the server API
// what GET takes, or skips. Of YAML it needs no more than the indentation.
func described(tb testing.TB, version string) (list []endpoint) {
	tb.Helper()
	f, err := os.Open("../../shared/vendor/specs/wazuh-" + version + ".yaml")
	if err != nil {
		tb.Skip("the description of Wazuh's API is not at hand:", err)
	}
	defer f.Close()
	type operation struct {
		path string
		refs []string
	}
	var operations []*operation
	names := map[string]string{} // of the query parameters by the names of their definitions
	var section, path, method, definition, part string
	s := bufio.NewScanner(f)
	s.Buffer(make([]byte, 1<<16), 1<<20)
	for s.Scan() {
		line := s.Text()
		text := strings.TrimSpace(line)
		indent := len(line) - len(strings.TrimLeft(line, " "))
		key, value, _ := strings.Cut(text, ":")
		value = strings.Trim(strings.TrimSpace(value), `'"`)
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
		case indent == 0:
			section, path, definition = key, "", ""
		case section == "paths" && indent == 2:
			path, method = strings.Trim(key, `'"`), ""
		case section == "paths" && indent == 4:
			if method, part = key, ""; method == "get" {
				operations = append(operations, &operation{path: path})
			}
		case section == "paths" && indent == 6 && !strings.HasPrefix(text, "- "):
			part = key
		case section == "paths" && method == "get" && part == "parameters" && strings.Contains(text, "$ref"):
			o := operations[len(operations)-1]
			o.refs = append(o.refs, strings.Trim(text[strings.LastIndex(text, "/")+1:], `'"`))
		case section == "components" && indent == 2:
			part = key
		case section == "components" && part == "parameters" && indent == 4:
			definition = strings.Trim(key, `'"`)
		case section == "components" && part == "parameters" && indent == 6 && key == "in" && value != "query":
			names[definition] = "-"
		case section == "components" && part == "parameters" && indent == 6 && key == "name" && names[definition] == "":
			names[definition] = value
		}
	}
	if err := s.Err(); err != nil {
		tb.Fatal(err)
	}
	for _, o := range operations {
		expr := regexp.MustCompile(`\\\{[^}]*\\\}`).ReplaceAllString(regexp.QuoteMeta(o.path), `[^/]+`)
		e := endpoint{regexp.MustCompile("^" + expr + "$"), map[string]bool{}}
		for _, r := range o.refs {
			if n := names[r]; n != "" && n != "-" {
				e.params[n] = true
			}
		}
		list = append(list, e)
	}
	slices.SortStableFunc(list, func(a, b endpoint) int { // the more particular first
		return strings.Count(a.path.String(), "[^/]+") - strings.Count(b.path.String(), "[^/]+")
	})
	return list
}

// strict refuses what isn't in a description, as the server does, and passes on
// the rest.
func strict(list []endpoint, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, detail string) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"title":%q,"detail":%q}`, http.StatusText(status), detail)
		}
		i := slices.IndexFunc(list, func(e endpoint) bool { return e.path.MatchString(r.URL.Path) })
		if i < 0 && r.URL.Path != "/security/user/authenticate" {
			refuse(http.StatusNotFound, "404: Not Found")
			return
		}
		for name := range r.URL.Query() {
			if !list[i].params[name] {
				refuse(http.StatusBadRequest, "Extra query parameter(s) "+name+" not in spec")
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// TestEachVersionIsAskedForWhatItHas calls every reading operation on a server of
// each version that takes what the vendor describes of it and nothing else. Those
// that a version hasn't got are refused by its name.
func TestEachVersionIsAskedForWhatItHas(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4.2.7", "4.3.11", "4.5.4", "4.7.5", "4.9.2", "4.11.2", "4.12.0", "4.14.7", "5.1-dev"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			list := described(t, version)
			s := seeded(t)
			release := strings.Replace(version, "-dev", ".0", 1)
			s.SetVersion(release)
			front := httptest.NewServer(strict(list, s.Manager()))
			t.Cleanup(front.Close)
			g := mcptest.Guard(t)
			c := s.Client(func(cfg *wazuh.Config) { cfg.Guard, cfg.BaseURL = g, front.URL })
			cs := mcptest.Connect(t, g, c.Ops()...)
			called, reads := map[string]bool{}, map[string]bool{}
			for _, op := range c.Ops() {
				reads[op.Name()] = op.Tier() == gate.TierRead
			}
			for _, call := range evidence.Wazuh() {
				op := call.Op
				if len(call.Env) > 0 || !reads[op] {
					continue
				}
				if op == "get_manager_config" && strings.HasPrefix(release, "5") { // has other parts
					call.Args = `{}`
				}
				called[op] = true
				r := mcptest.Call(t, cs, op, call.Args)
				text := mcptest.Text(r)
				switch a := wazuh.AvailabilityOf(op); {
				case a.In(release) && r.IsError:
					t.Errorf("%s%s: %.400s", op, call.Args, text)
				case !a.In(release) && (!r.IsError || !strings.Contains(text, release) || !strings.Contains(text, wazuh.ErrUnsupported.Error())):
					t.Errorf("%s%s isn't there, and the answer is %.400s", op, call.Args, text)
				}
			}
			for op, is := range reads {
				if is && !called[op] {
					t.Errorf("%s has no call", op)
				}
			}
		})
	}
}

// TestAVersionThatLacksAnOperationIsNamed is the same with the fake alone.
func TestAVersionThatLacksAnOperationIsNamed(t *testing.T) {
	t.Parallel()
	for op, has := range map[string][]bool{"list_agents": {true, true, true}, "list_vulnerabilities": {false, true, true}, "list_rules": {true, true, false}} {
		for i, version := range []string{"4.7.5", "4.8.0", "5.0.0"} {
			if got := wazuh.AvailabilityOf(op).In(version); got != has[i] {
				t.Errorf("%s in %s: %v", op, version, got)
			}
		}
	}
	if wazuh.AvailabilityOf("list_agents").In("3.13") || wazuh.AvailabilityOf("list_agents").In("") {
		t.Error("a version that isn't supported has it")
	}
	s := wazuhtest.New(t)
	s.SetVersion("5.0.0")
	if _, err := s.Client().ListRules(t.Context(), wazuh.ListRulesInput{}); err == nil || !strings.Contains(err.Error(), "5.0.0") {
		t.Errorf("rules of Wazuh 5: %v", err)
	}
}
