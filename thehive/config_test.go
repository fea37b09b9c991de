package thehive_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/thehive"
)

// setenv sets variables for one test.
func setenv(t *testing.T, vars map[string]string) {
	t.Helper()
	for k, v := range vars {
		t.Setenv(k, v)
	}
}

func TestConfigFromEnv(t *testing.T) {
	setenv(t, map[string]string{"THEHIVE_URL": "https://hive.example.org/base/", "THEHIVE_API_KEY": " secret-key-1 ", "THEHIVE_ORGANISATION": "soc",
		"THEHIVE_VERIFY_SSL": "false", "THEHIVE_TIMEOUT": "5", "THEHIVE_LOCAL_ANALYZERS": "Yara_3_0, ,FileInfo_8_0", "THEHIVE_INTERNAL_SUFFIXES": "bank.example", "THEHIVE_ALLOW_DESTRUCTIVE_TOOLS": "true", "THEHIVE_ENABLE_RAW_QUERY": "false"})
	c, err := thehive.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	if c.BaseURL != "https://hive.example.org/base/" || c.APIKey != "secret-key-1" || c.Organisation != "soc" || !c.SkipTLSVerify || c.Timeout != 5*time.Second ||
		strings.Join(c.LocalAnalyzers, "|") != "Yara_3_0|FileInfo_8_0" || strings.Join(c.InternalSuffixes, "|") != "bank.example" {
		t.Errorf("got %+v", c)
	}
}

func TestConfigFromEnvReportsEverythingAtOnce(t *testing.T) {
	setenv(t, map[string]string{"THEHIVE_URL": "", "THEHIVE_API_KEY": "", "THEHIVE_VERIFY_SSL": "maybe", "THEHIVE_TIMEOUT": "0", "THEHIVE_ORGANIZATION": "soc"})
	_, err := thehive.ConfigFromEnv()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"THEHIVE_URL is not set", "THEHIVE_API_KEY is not set", "THEHIVE_VERIFY_SSL is", "THEHIVE_TIMEOUT is", "did you mean THEHIVE_ORGANISATION?"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestASwitchThatIsNeitherOnNorOffIsFoundAtTheStart(t *testing.T) {
	for _, name := range []string{"THEHIVE_ALLOW_DESTRUCTIVE_TOOLS", "THEHIVE_ENABLE_RAW_QUERY"} {
		setenv(t, map[string]string{"THEHIVE_URL": "https://hive.example.org", "THEHIVE_API_KEY": "k", name: "ja"})
		if _, err := thehive.ConfigFromEnv(); err == nil || !strings.Contains(err.Error(), name+` is "ja": want true or false`) {
			t.Errorf("%s=ja: error %v", name, err)
		}
		t.Setenv(name, "on")
	}
}

func TestConfigHidesTheKey(t *testing.T) {
	t.Parallel()
	c := thehive.Config{BaseURL: "https://hive.example.org", APIKey: "secret-key-1"}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "config", c)
	client, err := thehive.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v", c, c), log.String(), client.String()} {
		if strings.Contains(s, "secret-key") || !strings.Contains(s, "hive.example.org") {
			t.Errorf("printed as %s", s)
		}
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	noCA := thehive.Config{BaseURL: "https://hive.example.org", APIKey: "secret-key-1"}
	noCA.CAFile = "/does/not/exist"
	for _, c := range []thehive.Config{
		{},
		{BaseURL: "https://hive.example.org"},
		{APIKey: "secret-key-1"},
		{BaseURL: "hive.example.org", APIKey: "secret-key-1"},
		{BaseURL: "https://user:pass@hive.example.org", APIKey: "secret-key-1"},
		noCA,
	} {
		_, err := thehive.New(c)
		if err == nil || !strings.HasPrefix(err.Error(), "thehive: ") || strings.Contains(err.Error(), "secret-key") || strings.Contains(err.Error(), "pass@") {
			t.Errorf("%v: %v", c, err)
		}
	}
}
