package wazuh_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// setenv sets variables for one test.
func setenv(t *testing.T, vars ...string) {
	t.Helper()
	for _, of := range os.Environ() { // those of whoever runs the tests
		if name, value, _ := strings.Cut(of, "="); strings.HasPrefix(name, "WAZUH_") {
			t.Setenv(name, value) // which puts it back
			os.Unsetenv(name)     //nolint:errcheck // it was there
		}
	}
	for _, kv := range vars {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
}

func TestConfigFromEnv(t *testing.T) {
	setenv(t, "WAZUH_URL=https://w.example:55000/base", "WAZUH_USERNAME=soc", "WAZUH_PASSWORD=secret-one", "WAZUH_VERIFY_SSL=off", "WAZUH_CA_FILE=/ca.pem",
		"WAZUH_TIMEOUT=7", "WAZUH_INDEXER_URL=https://i.example:9200", "WAZUH_INDEXER_PASSWORD=secret-two", "WAZUH_INDEXER_TIMEOUT=9",
		"WAZUH_INDEXER_CA_FILE=/ica.pem", "WAZUH_ALLOW_SENSITIVE_CONFIG=true")
	got, err := wazuh.ConfigFromEnv()
	if err != nil {
		t.Fatal(err)
	}
	want := wazuh.Config{
		BaseURL: "https://w.example:55000/base", Username: "soc", Password: "secret-one",
		Options: connect.Options{CAFile: "/ca.pem", SkipTLSVerify: true, Timeout: 7 * time.Second},
		Indexer: wazuh.IndexerConfig{
			BaseURL: "https://i.example:9200", Username: "admin", Password: "secret-two",
			Options: connect.Options{CAFile: "/ica.pem", Timeout: 9 * time.Second},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestConfigFromEnvTakesTheOtherNames(t *testing.T) {
	setenv(t, "WAZUH_BASE_URL=https://w.example", "WAZUH_USER=soc", "WAZUH_PASSWORD=secret-one")
	c, err := wazuh.ConfigFromEnv()
	if err != nil || c.BaseURL != "https://w.example" || c.Username != "soc" || c.Indexer.BaseURL != "" || c.SkipTLSVerify {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestConfigFromEnvReportsEverythingAtOnce(t *testing.T) {
	setenv(t, "WAZUH_USERNAME=a", "WAZUH_USER=b", "WAZUH_INDEXER_URL=https://i.example", "WAZUH_VERIFY_SSL=maybe", "WAZUH_INDEXER_TIMEOUT=0", "WAZUH_INDEXER_PASWORD=x")
	_, err := wazuh.ConfigFromEnv()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"WAZUH_URL is not set", "WAZUH_PASSWORD is not set", "WAZUH_USERNAME and WAZUH_USER", "WAZUH_INDEXER_PASSWORD is not set", "WAZUH_VERIFY_SSL is",
		"WAZUH_INDEXER_TIMEOUT is", "did you mean WAZUH_INDEXER_PASSWORD?",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestAnIndexerPasswordWithoutURL(t *testing.T) {
	setenv(t, "WAZUH_URL=https://w.example", "WAZUH_USERNAME=a", "WAZUH_PASSWORD=secret-one", "WAZUH_INDEXER_PASSWORD=x")
	if _, err := wazuh.ConfigFromEnv(); err == nil || !strings.Contains(err.Error(), "WAZUH_INDEXER_URL is not") {
		t.Errorf("got %v", err)
	}
}

func TestNewReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, err := wazuh.New(wazuh.Config{BaseURL: "w.example", Indexer: wazuh.IndexerConfig{BaseURL: "https://u:secret-two@i.example"}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"user name is empty", "the password is empty", "not an absolute", "indexer's password is empty", "holds credentials"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "secret-two") {
		t.Errorf("%q holds the password", err)
	}
}

func TestConfigHidesThePasswords(t *testing.T) {
	t.Parallel()
	c := wazuh.Config{BaseURL: "https://w.example", Username: "soc", Password: "secret-one", Indexer: wazuh.IndexerConfig{BaseURL: "https://i.example", Password: "secret-two"}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("start", "config", c, "indexer", c.Indexer)
	client, err := wazuh.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		fmt.Sprint(c), fmt.Sprintf("%+v %#v %+v %#v", c, c, c.Indexer, &c), log.String(), client.String(), fmt.Sprintf("%+v %#v", client, client),
	} {
		if strings.Contains(s, "secret-") || !strings.Contains(s, "w.example") {
			t.Errorf("printed as %s", s)
		}
	}
}

func TestEachHalfHasItsOwnTLS(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	_, err := wazuh.New(wazuh.Config{
		BaseURL: "https://w.example", Username: "soc", Password: "secret-one", Options: connect.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))},
		Indexer: wazuh.IndexerConfig{BaseURL: "https://i.example", Password: "secret-two", Options: connect.Options{SkipTLSVerify: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "verification is off"); n != 1 || !strings.Contains(log.String(), "i.example") {
		t.Errorf("the log: %s", log.String())
	}
}
