package settings_test

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/settings"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

var needed = []string{"THEHIVE_URL=https://hive.example.org", "THEHIVE_API_KEY=k"}

func read(t *testing.T, vars ...string) (thehive.Config, []string, error) {
	t.Helper()
	var c thehive.Config
	warnings, err := settings.TheHive().Read(append(slices.Clone(needed), vars...), &c)
	return c, warnings, err
}

func TestEverySettingOfTheConnectionIsReadForEveryServer(t *testing.T) {
	t.Parallel()
	want := connect.Options{
		CAFile: "/ca.pem", SkipTLSVerify: true, TLSServerName: "localhost", TLSFingerprint: "aa:bb", ClientCertFile: "/c.pem", ClientKeyFile: "/k.pem",
		HeadersFile: "/h", Proxy: "http://proxy:3128", Timeout: 7 * time.Second, MaxBody: 64 << 20, MaxInFlight: 4,
		Retry: connect.Retry{Off: true, MaxWait: 9 * time.Second},
	}
	environ := func(prefix string) (list []string) {
		for _, v := range []string{"CA_FILE=/ca.pem", "VERIFY_SSL=no", "TLS_SERVER_NAME=localhost", "TLS_FINGERPRINT=aa:bb", "CLIENT_CERT_FILE=/c.pem", "CLIENT_KEY_FILE=/k.pem",
			"HEADERS_FILE=/h", "PROXY=http://proxy:3128", "TIMEOUT=7", "MAX_ANSWER=64MiB", "MAX_IN_FLIGHT=4", "RETRY=false", "RETRY_WAIT=9"} {
			list = append(list, prefix+v)
		}
		return list
	}
	for _, g := range settings.Platforms() {
		var c struct {
			BaseURL, APIKey, Username, Password, Version string
			connect.Options
			Indexer struct {
				BaseURL, Username, Password string
				connect.Options
			}
		}
		vars := append(environ(g.Prefix), g.Prefix+"URL=https://x.example", g.Prefix+"API_KEY=k", g.Prefix+"PASSWORD=k", g.Prefix+"USERNAME=u")
		if g.System == "wazuh" {
			vars = append(vars, environ("WAZUH_INDEXER_")...)
			vars = slices.DeleteFunc(vars, func(v string) bool { return strings.HasPrefix(v, "WAZUH_API_KEY") })
		} else {
			vars = slices.DeleteFunc(vars, func(v string) bool { return strings.Contains(v, "_PASSWORD") || strings.Contains(v, "_USERNAME") })
		}
		warnings, err := g.Read(vars, &c)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %v, %v", g.System, err, warnings)
		}
		if diff := cmp.Diff(want, c.Options); diff != "" {
			t.Errorf("%s (-want +got):\n%s", g.System, diff)
		}
		if g.System == "wazuh" {
			if diff := cmp.Diff(want, c.Indexer.Options); diff != "" {
				t.Errorf("the indexer (-want +got):\n%s", diff)
			}
		}
	}
}

func TestEachSettingIsNamedOnceAndHasAField(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, g := range append(settings.Platforms(), settings.ATTACK(), settings.Gate()) {
		for _, s := range g.Settings {
			if seen[s.Name] || !strings.HasPrefix(s.Name, g.Prefix) || s.Doc == "" || s.Title == "" && s.Kind != settings.Unneeded {
				t.Errorf("%s: twice, with another prefix, or without a text", s.Name)
			}
			seen[s.Name] = true
		}
	}
	// Whatever of the connection a file or a variable can hold is in the table.
	for _, f := range reflect.VisibleFields(reflect.TypeFor[connect.Options]()) {
		in := slices.ContainsFunc(settings.TheHive().Settings, func(s settings.Setting) bool { return strings.Split(s.Field, ".")[0] == f.Name })
		code := slices.Contains([]string{"TLS", "Transport", "Wrap", "UserAgent", "Logger", "Warnings"}, f.Name)
		if in == code {
			t.Errorf("%s: in the table is %t", f.Name, in)
		}
	}
}

func TestWhatKubernetesAndComposeFilesSetStopsNobody(t *testing.T) {
	t.Parallel()
	for _, g := range append(settings.Platforms(), settings.ATTACK(), settings.Gate()) {
		var links []string
		for _, service := range []string{"", "INDEXER_", "API_SERVER_", "HTTP_"} {
			p := g.Prefix + service
			links = append(links, p+"SERVICE_HOST=192.0.2.20", p+"SERVICE_PORT=55000", p+"SERVICE_PORT_API=55000", p+"SERVICE_PORT_HTTPS_ALT=8443", p+"PORT=tcp://192.0.2.20:55000",
				p+"PORT_55000_TCP=tcp://192.0.2.20:55000", p+"PORT_55000_TCP_PROTO=tcp", p+"PORT_55000_TCP_PORT=55000", p+"PORT_55000_TCP_ADDR=192.0.2.20",
				p+"PORT_514_UDP=udp://192.0.2.20:514", p+"PORT_514_UDP_ADDR=192.0.2.20")
		}
		if warnings, err := g.Check(links); err != nil || len(warnings) > 0 {
			t.Errorf("%s: service links: %v, %v", g.Prefix, warnings, err)
		}
		others := []string{"IMAGE_VERSION=4.14.7", "REGISTRY=registry.example.org", "TAG_REVISION=1", "TAG=2.5", "BASEURL_OF_OLD=https://m", "MANAGER=10.0.0.1", "PORT=443", "HOST=x", "FQDN=misp.example"}
		for i := range others {
			others[i] = g.Prefix + others[i]
		}
		warnings, err := g.Check(others)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], g.Prefix+"REGISTRY") {
			t.Errorf("%s: %v, %v", g.Prefix, warnings, err)
		}
	}
}

func TestANameThatIsNearlyASettingIsAnErrorThatNamesIt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"THEHIVE_API_KEI": "THEHIVE_API_KEY", "THEHIVE_APIKEY": "THEHIVE_API_KEY", "THEHIVE_ULR": "THEHIVE_URL", "THEHIVE_ORGANIZATION": "THEHIVE_ORGANISATION",
		"THEHIVE_SSL_VERIFY": "THEHIVE_VERIFY_SSL", "thehive_url": "THEHIVE_URL", "THEHIVE_API_KEY_FIEL": "THEHIVE_API_KEY_FILE", "THEHIVE_TIMEOUTS": "THEHIVE_TIMEOUT",
		"THEHIVE_MAXANSWER": "THEHIVE_MAX_ANSWER", "THEHIVE_CLIENT_CRT_FILE": "THEHIVE_CLIENT_CERT_FILE",
	} {
		if _, _, err := read(t, name+"=x"); err == nil || !strings.Contains(err.Error(), name+" is not a known setting; did you mean "+want+"?") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := settings.Gate().Check([]string{"SALLYPORT_APROVAL=host"}); err == nil || !strings.Contains(err.Error(), "SALLYPORT_APPROVAL") {
		t.Errorf("the gate's: %v", err)
	}
}

func TestWhatIsStillAPlaceholderIsNamed(t *testing.T) {
	t.Parallel()
	for _, v := range []string{"${THEHIVE_URL}", "${user_config.thehive_url}", "https://${HIVE_HOST}:9000", "{{ hive.url }}", "$(HIVE_URL)", "%HIVE_URL%", "$HIVE_URL"} {
		var c thehive.Config
		_, err := settings.TheHive().Read([]string{"THEHIVE_URL=" + v, "THEHIVE_API_KEY=k"}, &c)
		if err == nil || !strings.Contains(err.Error(), `THEHIVE_URL is "`+v+`": your host didn't fill it in`) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", v, err)
		}
	}
	if _, _, err := read(t, "THEHIVE_ORGANISATION=${ORG}", "THEHIVE_CA_FILE=${CA}"); err == nil || strings.Count(err.Error(), "your host") != 2 {
		t.Errorf("two others: %v", err)
	}
	var c thehive.Config
	for _, key := range []string{"pa${ss}word", "$ecret", "100%", "%a%", "<angle>", "$A$B"} {
		if _, err := settings.TheHive().Read([]string{"THEHIVE_URL=https://h", "THEHIVE_API_KEY=" + key}, &c); err != nil || c.APIKey != key {
			t.Errorf("a key of odd letters: %v, %q", err, c.APIKey)
		}
	}
}

func TestSecretsComeFromFilesWhoseModeIsChecked(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
	}
	key := func() (string, []string, error) {
		var c thehive.Config
		w, err := settings.TheHive().Read([]string{"THEHIVE_URL=https://h", "THEHIVE_API_KEY_FILE=" + file}, &c)
		return c.APIKey, w, err
	}
	write("canary-key\n", 0o600)
	if k, w, err := key(); k != "canary-key" || len(w) > 0 || err != nil {
		t.Errorf("%q, %v, %v", k, w, err)
	}
	if _, _, err := read(t, "THEHIVE_API_KEY_FILE="+file); err == nil || !strings.Contains(err.Error(), "THEHIVE_API_KEY and THEHIVE_API_KEY_FILE are both set") {
		t.Errorf("both: %v", err)
	}
	for text, want := range map[string]string{"": "is empty", "a\nb": "more than one line", strings.Repeat("x", 70_000): "more than"} {
		write(text, 0o600)
		if _, _, err := key(); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "THEHIVE_API_KEY_FILE") {
			t.Errorf("%.5q: %v", text, err)
		}
	}
	var c thehive.Config
	_, err := settings.TheHive().Read([]string{"THEHIVE_URL=https://h", "THEHIVE_API_KEY_FILE=canary-key-itself"}, &c)
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("a key in place of its file: %v", err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	write("canary-key", 0o644)
	if k, w, err := key(); k == "" || err != nil || len(w) != 1 || !strings.Contains(w[0], "can be read by others") {
		t.Errorf("readable by others: %v, %v", w, err)
	}
	write("canary-key", 0o666)
	if _, _, err := key(); err == nil || !strings.Contains(err.Error(), "can be written by everybody") {
		t.Errorf("writable by everybody: %v", err)
	}
}

func TestAllThatIsWrongIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	var c wazuh.Config
	_, err := settings.Wazuh().Read([]string{"WAZUH_USERNAME=a", "WAZUH_USER=b", "WAZUH_INDEXER_URL=https://i", "WAZUH_VERIFY_SSL=maybe", "WAZUH_TIMEOUT=0", "WAZUH_MAX_ANSWER=lots",
		"WAZUH_CLIENT_CERT_FILE=/c", "WAZUH_PASS=x"}, &c)
	want := []string{
		"WAZUH_USERNAME and WAZUH_USER, which mean the same, differ",
		"WAZUH_URL is not set",
		"WAZUH_PASSWORD is not set",
		`WAZUH_VERIFY_SSL is "maybe": want true or false`,
		"WAZUH_CLIENT_KEY_FILE is not set, which WAZUH_CLIENT_CERT_FILE needs",
		`WAZUH_TIMEOUT is "0": want a whole number from 1 to 3600`,
		`WAZUH_MAX_ANSWER is "lots": want a number of bytes, or one of KiB, MiB or GiB, from 64KiB to 4GiB`,
		"WAZUH_INDEXER_PASSWORD is not set, which WAZUH_INDEXER_URL needs",
		"WAZUH_PASS is not a setting of ours and is ignored",
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestTheVariablesOfOtherServersAreSaidToBeUnneeded(t *testing.T) {
	t.Parallel()
	var c wazuh.Config
	w, err := settings.Wazuh().Read([]string{"WAZUH_URL=https://w", "WAZUH_USERNAME=u", "WAZUH_PASSWORD=p", "WAZUH_MCP_MAX_RESPONSE_BYTES=250000"}, &c)
	if err != nil || len(w) != 1 || !strings.Contains(w[0], "WAZUH_MCP_MAX_RESPONSE_BYTES is not needed here: -max-response") {
		t.Errorf("%v, %v", w, err)
	}
	var a struct{ DataDir string }
	if w, err := settings.ATTACK().Read([]string{"MITRE_UPDATE_INTERVAL=86400"}, &a); err != nil || len(w) != 1 {
		t.Errorf("%v, %v", w, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("THEHIVE_URL", "https://h")
	f.Add("THEHIVE_PORT", "tcp://1.2.3.4:1")
	f.Add("THEHIVE_MAX_ANSWER", "9223372036854775807GiB")
	f.Add("THEHIVE_", "")
	f.Fuzz(func(t *testing.T, name, value string) {
		var c thehive.Config
		_, _ = settings.TheHive().Read([]string{name + "=" + value}, &c)
		if c.MaxBody < 0 || c.Timeout < 0 {
			t.Errorf("%s=%s: %d, %s", name, value, c.MaxBody, c.Timeout)
		}
	})
}
