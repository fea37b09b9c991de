package secret_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/internal/secret"
)

func TestASecretIsKnownByItsNameToThePlatformsThatCallItThat(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][3]bool{ // to Wazuh, in a report of Cortex, in the settings of a worker
		"password": {true, true, true}, "smtp-password": {true, true, true}, "API_KEY": {true, true, true}, "apiKey": {true, true, true},
		"credentials": {true, true, true}, "routing_key": {true, true, true}, "Authorization": {true, true, true},
		"token_expiry": {false, true, true}, "webhook": {false, true, true}, "https_proxy": {false, true, true}, // longer names say what they are about
		"community": {true, false, false}, "cookie": {true, false, false}, "key": {true, false, true}, "conn": {false, false, true},
		"use_password": {false, true, true}, "client_secret_path": {false, true, true}, "certificate": {false, false, true},
		"name": {}, "audit_key": {false, false, true}, "monkey": {false, false, true}, "": {},
	} {
		got := [3]bool{secret.Wazuh.Name(name), secret.Cortex.Name(name), secret.CortexSettings.Name(name)}
		if got != want {
			t.Errorf("%s is a secret's: %v, want %v", name, got, want)
		}
	}
}

func TestJSONKeepsItsOrderAndEachDigitWhereSecretsGo(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{"z":1.50e3,"token":"x","a":{"pwd":7,"n":12345678901234567890}}`: `{"z":1.50e3,"token":"[REDACTED]","a":{"pwd":7,"n":12345678901234567890}}`,
		`{"secret":{"a":1},"tokens":["x"],"passwd":null,"pass_token":0}`:  `{"secret":"[REDACTED]","tokens":"[REDACTED]","passwd":null,"pass_token":0}`,
		`{"config":{"login":"x","deep":[{"cert":"y"}]},"login":"x"}`:      `{"config":{"login":"[REDACTED]","deep":[{"cert":"[REDACTED]"}]},"login":"x"}`,
		`[{"check_tlp":true,"url":"x"}]`:                                  `["[REDACTED]"]`,
		` { "a" : "see password: hunter22" } `:                            ` { "a" : "see password: hunter22" } `, // data
	} {
		got, _, err := secret.Cortex.JSON([]byte(in), "", "")
		if err != nil || string(got) != want {
			t.Errorf("%s is %s, %v; want %s", in, got, err, want)
		}
	}
	in := `{"options":"{\"n\": 1, \"token\": \"x\"}","label":{"key":"api_token","value":"x"},"item":["a","b"],"port":9200,"note":"ghp_0123456789abcdefghij"}`
	got, paths, err := secret.Wazuh.JSON([]byte(in), "password", "")
	want := `{"options":"{\"n\":1,\"token\":\"[REDACTED]\"}","label":{"key":"api_token","value":"[REDACTED]"},"item":["[REDACTED]","[REDACTED]"],"port":9200,"note":"[REDACTED]"}`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"password.item[0]", "password.item[1]", "password.label.value", "password.note", "password.options.token"}, paths); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
}

func TestAMessageLosesCredentialsAndNoAddress(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Get https://10.20.0.3:9200/x: refused":  "Get https://10.20.0.3:9200/x: refused",
		"Get https://soc:p4ss/w0rd@10.20.0.3/x":  "Get https://soc:[REDACTED]@10.20.0.3/x",
		"sent Authorization: Bearer abcdef12345": "sent Authorization: Bearer [REDACTED]",
		"the password: must have 12 characters":  "the password: must have 12 characters",
	} {
		if got := secret.Message(in); got != want {
			t.Errorf("%s is shown as %s, want %s", in, got, want)
		}
	}
}

func TestATextLosesWhatLooksLikeACredential(t *testing.T) {
	t.Parallel()
	const canary = "S3cr3tV4lue9876"
	for _, in := range []string{
		"https://%@host/x", "https://u:%@host/x", "HTTP 401 for https://h/?api_key=%&q=keep", `{'api_key': u'%'}`, `{"token":"%"}`, `{\"token\":\"%\"}`, "token=%",
		"Proxy-Authorization: Basic %", "curl -u soc:% keep", "mytool --secret-key % keep", "-----BEGIN PRIVATE KEY-----\n%",
	} {
		got := secret.Text(strings.ReplaceAll(in, "%", canary))
		if strings.Contains(got, canary) || strings.Contains(in, "keep") != strings.Contains(got, "keep") {
			t.Errorf("%s is shown as %s", in, got)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"password":"x","list":[{"key":"token","value":"y"}],"text":"{\"pwd\":\"z\"}"}`))
	f.Add([]byte(`{"config":{"a":"b"},"hook_url":"https://a/b"}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, j := range []*secret.Judge{secret.Wazuh, secret.Cortex, secret.CortexSettings} {
			out, _, err := j.JSON(in, "root", "")
			if err != nil {
				continue
			}
			if !json.Valid(out) {
				t.Fatalf("%s became %s", in, out)
			}
			if again, _, err := j.JSON(out, "root", ""); err != nil || !json.Valid(again) {
				t.Errorf("%s can't be read again: %v", out, err)
			}
		}
	})
}
