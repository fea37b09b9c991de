package egress

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
)

func TestWhatReadsAsATokenOrNamesAPersonStaysInEveryPartOfAURL(t *testing.T) {
	t.Parallel()
	var f Filter
	std, url := base64.StdEncoding.EncodeToString, base64.RawURLEncoding.EncodeToString
	victim := []byte("jane.doe@example.org")
	for u, part := range map[string]string{
		"http://evil.example/verify/" + std(victim):                                "a mail address, encoded, in its path",
		"http://evil.example/verify/" + url(victim):                                "a mail address, encoded, in its path",
		"http://evil.example/verify/" + hex.EncodeToString(victim):                 "a mail address, encoded, in its path",
		"http://evil.example/#" + std(victim):                                      "a mail address, encoded, in its fragment",
		"http://evil.example/v/" + url([]byte(std(victim))):                        "a mail address, encoded, in its path",
		"http://evil.example/login#jane@example.org":                               "a mail address in its fragment",
		"http://evil.example/jane%40example.org/login":                             "a mail address in its path",
		"http://evil.example/jane%2540example.org/login":                           "a mail address in its path",
		"http://evil.example/e/" + std([]byte("user=jane@example.org&x=1")):        "a mail address, encoded, in its path",
		"http://evil.example/r/" + url([]byte("http://10.1.2.3/owa")):              "an internal address, encoded, in its path",
		"http://evil.example/r/" + url([]byte("srv01.corp")):                       "names below .corp are internal, encoded, in its path",
		"https://login.example/cb#access_token=abc&state=1":                        "access_token= in its fragment",
		"https://login.example/cb#id_token=abc":                                    "id_token= in its fragment",
		"https://shop.example/cart;jsessionid=12AB":                                "jsessionid= in its path",
		"https://login.example/reset/eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln":     "a token in its path",
		"https://git.example/x/ghp_abcdefghijklmnopqrstuvwxyz0123456789":           "a token in its path",
		"https://docs.example/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/edit": "what reads as a token in its path",
		"https://site.example/unsubscribe/5f4dcc3b5aa765d61d8327deb882cf99":        "what reads as a token in its path",
		"https://site.example/r/6ba7b810-9dad-11d1-80b4-00c04fd430c8":              "what reads as a token in its path",
		"https://site.example/r/a8f3k2m9q7z1x5c4v6b0n.html":                        "what reads as a token in its path",
	} {
		if why := f.URL(u); !strings.Contains(why, part) {
			t.Errorf("URL(%q) = %q, want %q", u, why, part)
		}
		whole := Filter{Whole: true}
		if why := whole.URL(u); why != "" {
			t.Errorf("with a person's approval URL(%q) = %q", u, why)
		}
	}
	for _, u := range []string{
		"http://evil.example/wp-content/uploads/2024/05/invoice-2024-05-17-final.html", "http://evil.example/a/b/c.php", "https://x.example/@handle/status/1790000000000000000",
		"http://evil.example/images/logo@2x.png", "https://cdn.example/npm/react@18.2.0/index.js", "http://evil.example/watch/dQw4w9WgXcQ",
		"http://evil.example/Office365-Login-Verification-Microsoft/index.html", "https://en.example/wiki/Pneumonoultramicroscopicsilicovolcanoconiosis",
		"http://evil.example/secure/login/#/signin", "http://evil.example/CVE-2024-12345/exploit_v2", "http://198.51.100.7:8080/arm7", "http://evil.example/download",
		"http://evil.example/a-very-long-path-with-many-words-and-the-number-2024-in-it/",
	} {
		if why := f.URL(u); why != "" {
			t.Errorf("URL(%q) = %q", u, why)
		}
	}
}

func TestAnApprovedURLKeepsWhatIsInternalInside(t *testing.T) {
	t.Parallel()
	f := Filter{Whole: true, Suffixes: []string{"example.org"}}
	if why := f.URL("https://evil.example/r?e=jane%40example.net&t=abc"); why != "" {
		t.Errorf("a query is refused: %s", why)
	}
	for _, u := range []string{
		"https://evil.example/r?to=http://10.0.0.1/", "https://evil.example/r?to=http%3A%2F%2F10.0.0.1", "https://evil.example/r?h=intranet.corp", "https://evil.example/r#10.0.0.1",
		"https://jane:pw@evil.example/", "http://10.0.0.1/?x=1", "https://evil.example/r?next=https://www.example.org/",
	} {
		if f.URL(u) == "" {
			t.Errorf("URL(%q) may leave", u)
		}
	}
}

func TestARefusedURLNamesItsWayOut(t *testing.T) {
	t.Parallel()
	var f Filter
	way := f.WayOut("url", "https://evil.example/?x=1", "LOCAL", "wholeUrl")
	for _, want := range []string{"up to its path", "LOCAL", "wholeUrl"} {
		if !strings.Contains(way, want) {
			t.Errorf("%q lacks %q", way, want)
		}
	}
	if way := f.WayOut("url", "http://10.0.0.1/?x=1", "LOCAL", "wholeUrl"); strings.Contains(way, "wholeUrl") {
		t.Errorf("an internal URL may leave by approval: %q", way)
	}
	if way := f.WayOut("ip", "10.0.0.1", "LOCAL", "wholeUrl"); strings.Contains(way, "URL") || !strings.Contains(way, "LOCAL") {
		t.Errorf("an address: %q", way)
	}
}
