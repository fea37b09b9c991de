package wazuhtest_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// TestLiveBehaviours asks a Wazuh of one's own what doesn't depend on what it
// holds, and reports which of the behaviours hold there. It only reads. It needs
// WAZUH_LIVE_URL and, for the indexer's, WAZUH_LIVE_INDEXER_URL, both with user and
// password in them; certificates aren't verified.
func TestLiveBehaviours(t *testing.T) {
	api, indexer := os.Getenv("WAZUH_LIVE_URL"), os.Getenv("WAZUH_LIVE_INDEXER_URL")
	if api == "" && indexer == "" {
		t.Skip("WAZUH_LIVE_URL and WAZUH_LIVE_INDEXER_URL name no Wazuh to ask")
	}
	held, differ := report(t, api, indexer)
	t.Logf("%d behaviours hold, %d do not", held, differ)
}

// TestTheReportOfBehavioursHoldsOfTheFake makes the report of the fake.
func TestTheReportOfBehavioursHoldsOfTheFake(t *testing.T) {
	t.Parallel()
	s := wazuhtest.New(t)
	s.SeedIncident()
	with := func(address, user, password string) string {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(user, password)
		return u.String()
	}
	held, differ := report(t, with(s.URL, wazuhtest.User, wazuhtest.Password), with(s.IndexerURL, wazuhtest.IndexerUser, wazuhtest.IndexerPassword))
	if held < 40 || differ > 0 {
		t.Errorf("%d hold, %d do not", held, differ)
	}
}

// ofItsOwn are answers that depend on what a platform holds.
var ofItsOwn = regexp.MustCompile(`"total_affected_items":[1-9]|"id":"0`)

func report(t *testing.T, api, indexer string) (held, differ int) {
	t.Helper()
	hc := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // of a lab
	token := ""
	send := func(base, method, path, body string) (int, string) {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		user := u.User
		u.User = nil
		r, err := http.NewRequestWithContext(t.Context(), method, strings.TrimSuffix(u.String(), "/")+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if password, _ := user.Password(); token == "" || base == indexer {
			r.SetBasicAuth(user.Username(), password)
		} else {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := hc.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	judge := func(name string, status int, body string, wantStatus int, want string) {
		if answered(status, body, wantStatus, want) {
			held++
			t.Logf("holds: %s", name)
			return
		}
		differ++
		t.Logf("DOES NOT HOLD: %s: HTTP %d %.300s, and not %d with %s", name, status, body, wantStatus, want)
	}
	if api != "" {
		var a struct{ Data struct{ Token string } }
		if status, body := send(api, http.MethodPost, "/security/user/authenticate", ""); status != 200 || json.Unmarshal([]byte(body), &a) != nil {
			t.Fatalf("login: HTTP %d %.300s", status, body)
		}
		token = a.Data.Token
		for name, x := range ofServer {
			if x.setup == nil && !ofItsOwn.MatchString(x.want) && !strings.Contains(x.path, "/011") && !strings.Contains(x.path, "section=sca") {
				status, body := send(api, http.MethodGet, x.path, "")
				judge(name, status, body, x.status, x.want)
			}
		}
	}
	if indexer != "" {
		for name, x := range ofIndexer {
			method, path, _ := strings.Cut(x.request, " ")
			refused := x.status == http.StatusBadRequest && x.request == search
			if refused || slices.Contains([]string{"it says that it is another", "a pattern that matches nothing", "a name that isn't there", "a name that isn't there beside a pattern", "a state that is no longer kept"}, name) {
				status, body := send(indexer, method, path, x.body)
				judge(name, status, body, x.status, x.want)
			}
		}
	}
	return held, differ
}
