package misp

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestConfigFrom(t *testing.T) {
	t.Parallel()
	got, err := configFrom([]string{"MISP_URL=https://misp.example.org/base", "MISP_API_KEY= abc ", "MISP_VERIFY_SSL=false",
		"MISP_CA_FILE=/etc/ca.pem", "MISP_TIMEOUT=5", "MISP_ALLOW_DESTRUCTIVE=true", "OTHER=x"})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{BaseURL: "https://misp.example.org/base", APIKey: "abc"}
	want.SkipTLSVerify, want.CAFile, want.Timeout = true, "/etc/ca.pem", 5*time.Second
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	_, err = configFrom([]string{"MISP_VERIFY_SSL=maybe", "MISP_TIMEOUT=-1", "MISP_ALOW_DESTRUCTIVE=true"})
	for _, part := range []string{"MISP_URL is not set", "MISP_API_KEY is not set", "MISP_VERIFY_SSL", "MISP_TIMEOUT", "did you mean MISP_ALLOW_DESTRUCTIVE"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v lacks %q", err, part)
		}
	}
}

func TestConfigHidesTheKey(t *testing.T) {
	t.Parallel()
	c := Config{BaseURL: "https://misp.example.org", APIKey: "secret-key-of-40-characters"}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), slog.AnyValue(c).Resolve().String()} {
		if strings.Contains(s, c.APIKey) || !strings.Contains(s, c.BaseURL) {
			t.Errorf("printed as %s", s)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []Config{{}, {BaseURL: "https://misp.example.org"}, {APIKey: "k"}, {BaseURL: "misp.example.org", APIKey: "k"}, {BaseURL: "https://misp.example.org", APIKey: " "}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}

// TestAttributeUUID keeps the UUIDs as they are: with others, a repeated call
// would add everything again.
func TestAttributeUUID(t *testing.T) {
	t.Parallel()
	const event = "b2fe32c5-a618-4833-84d9-30f2f35fc273"
	// uuid.uuid5(uuid.UUID(event), "ip-src\0198.51.100.23") in Python.
	const want = "eec60c8e-c3e9-5c51-93ef-1de32b3069af"
	got, err := attributeUUID(event, "ip-src", "198.51.100.23")
	if err != nil || got != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
	if other, err := attributeUUID(event, "ip-dst", "198.51.100.23"); err != nil || other == got {
		t.Errorf("another type: %s, %v", other, err)
	}
	if _, err := attributeUUID("", "ip-src", "x"); err == nil {
		t.Error("no event: no error")
	}
}

func TestFieldErrors(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]FieldError{
		`{"value":["a","b"],"type":["c"]}`:             {{"type", "c"}, {"value", "a"}, {"value", "b"}},
		`{"Event":{"info":["Info cannot be empty."]}}`: {{"Event.info", "Info cannot be empty."}},
		`{"attribute_0":{"value":["x"]}}`:              {{"attribute_0.value", "x"}},
		`"Event was not deleted."`:                     {{"", "Event was not deleted."}},
		`null`:                                         nil,
		`[]`:                                           nil,
		`["x",7]`:                                      {{"", "x"}, {"", "7"}},
		`{"a":{"b":{"c":{"d":{"e":{"f":"deeper than it goes"}}}}}}`: nil,
	} {
		var got []FieldError
		fieldErrors("", []byte(in), 0, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", in, diff)
		}
	}
}

func FuzzProblem(f *testing.F) {
	for _, s := range []string{`{"saved":false,"name":"x","errors":{"value":["no"]}}`, `{"message":{"a":1}}`, `{"errors":"[1]"}`, `[]`, `{"saved":"maybe"}`} {
		f.Add([]byte(s), 403)
	}
	f.Fuzz(func(t *testing.T, b []byte, status int) {
		p := problem{Name: b, Message: b, Errors: b}
		if e := p.error("op", status); len(e.Error()) > 100<<10 {
			t.Errorf("an error of %d bytes", len(e.Error()))
		}
	})
}

func FuzzByAttribute(f *testing.F) {
	for _, s := range []string{`{"attribute_0":{"value":["no"]}}`, `{"value":["no"]}`, `"text"`, `[]`, `{"attribute_99":{}}`, `{"attribute_x":1}`, `null`} {
		f.Add([]byte(s), 2)
	}
	f.Fuzz(func(t *testing.T, raw []byte, n int) {
		n = min(max(n, 0), 100)
		for i := range byAttribute(raw, n) {
			if i != 0 && (i < 0 || i >= n) {
				t.Errorf("an error of attribute %d of %d", i, n)
			}
		}
	})
}

func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"x", "\"\n", "\u2028", "\xff", strings.Repeat("a", 5000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := quoted(s)
		var back string
		if err := json.Unmarshal([]byte(q), &back); err != nil || strings.ContainsAny(q, "\n\r") || len(back) > maxPromptArg+4 {
			t.Errorf("%q: %v", q, err)
		}
		if u := bare(s); strings.Contains(u, "?") && !strings.Contains(s, "%3F") {
			t.Logf("%q", u)
		}
	})
}
