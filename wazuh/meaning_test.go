package wazuh

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/internal/jsontext"
)

// telling are the last words of names of fields that say whom, what or where an
// event is about, so that the table has to know them.
var telling = regexp.MustCompile(`(?i)(^|[._ -])(src_?ip|dst_?ip|source_?ip|dest(ination)?_?ip|ip_?address|client_?ip|remote_?ip|user(_?name|principalname)?|srcuser|dstuser|account_?name|sha(1|256)|md5|imphash|hash(es)?|url|domain|host_?name|file_?path|command_?line|image|process_?name|cve)$`)

// understood are names that end so and tell something else, or nothing.
var understood = regexp.MustCompile(`(?i)(nat_|mapped|subject(Domain|Logon)|targetDomain|^rule\.|^agent\.|^manager\.|^input\.|^cluster\.|^decoder\.|tls\.(subject|issuer)|password\.hash|hash_algorithm|^host\.os|docker\.|certhash|objectHash|MPPE|forward|cloud\.|group|account_domain|context_hash|config_hash)`)

// lines reads a recording of ../shared, or nothing.
func lines(t *testing.T, name string, f func([]byte)) bool {
	t.Helper()
	file, err := os.Open("../../shared/vendor/recordings/" + name)
	if err != nil {
		return false
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(make([]byte, 1<<20), 1<<26)
	for s.Scan() {
		f(s.Bytes())
	}
	return s.Err() == nil
}

func propertiesOf(properties map[string]json.RawMessage, path string, f func(string)) {
	for name, raw := range properties {
		var p struct {
			Type       string
			Properties map[string]json.RawMessage
		}
		if json.Unmarshal(raw, &p) != nil {
			continue
		}
		at := strings.TrimPrefix(path+"."+name, ".")
		if len(p.Properties) == 0 && p.Type != "" {
			f(at)
		}
		propertiesOf(p.Properties, at, f)
	}
}

// named are the places where decoders and rules name fields, and where a pipeline does.
var (
	named   = regexp.MustCompile(`<order>([^<]+)</order>|<field name="([^"]+)"|<(?:same|different)_field>([^<]+)<`)
	treated = regexp.MustCompile(`"(?:geoip|set)": *\{\s*"field": *"([^"]+)"`)
)

// fieldsOfSource adds the fields that a checkout of the vendor's source names, with
// where: its decoders, rules, template and pipeline.
func fieldsOfSource(t *testing.T, dir string, fields map[string]string) {
	t.Helper()
	each := func(pattern string, f func([]byte)) {
		files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
		if err != nil || len(files) == 0 {
			t.Fatalf("WAZUH_SOURCE has no %s: %v", pattern, err)
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f(b)
		}
	}
	for _, part := range []string{"decoders", "rules"} {
		each("ruleset/"+part+"/*.xml", func(b []byte) {
			for _, m := range named.FindAllStringSubmatch(string(b), -1) {
				for f := range strings.SplitSeq(m[1]+m[2]+m[3], ",") {
					f = strings.TrimSpace(f)
					if f == "user" { // the account that was acted on
						f = "dstuser"
					}
					fields["data."+f] = part
				}
			}
		})
	}
	each("extensions/elasticsearch/7.x/wazuh-template.json", func(b []byte) {
		var x struct {
			Mappings struct{ Properties map[string]json.RawMessage }
		}
		if err := json.Unmarshal(b, &x); err != nil {
			t.Fatal(err)
		}
		propertiesOf(x.Mappings.Properties, "", func(path string) { fields[path] = "template" })
	})
	each("extensions/filebeat/7.x/wazuh-module/alerts/ingest/*.json", func(b []byte) {
		for _, m := range treated.FindAllStringSubmatch(string(b), -1) {
			fields[m[1]] = "pipeline"
		}
	})
}

// TestTheTableKnowsTheFieldsOfTheVendor reports the fields of the vendor's
// template, of alerts of all modules and, where WAZUH_SOURCE is a checkout of its
// source, of its decoders, rules, template and pipeline that the table of meanings
// doesn't know. Those
// whose names tell something are faults; text is found in all others too.
func TestTheTableKnowsTheFieldsOfTheVendor(t *testing.T) {
	t.Parallel()
	fields := map[string]string{} // with where each is from
	hasMapping := lines(t, "opensearch-2.19.4-wazuh.ndjson.gz", func(b []byte) {
		var x struct {
			Path string
			Body json.RawMessage
		}
		if json.Unmarshal(b, &x) != nil || !strings.HasPrefix(x.Path, "/wazuh-alerts-") || !strings.HasSuffix(x.Path, "/_mapping") {
			return
		}
		var body map[string]struct {
			Mappings struct{ Properties map[string]json.RawMessage }
		}
		if err := json.Unmarshal(x.Body, &body); err != nil {
			t.Fatal(err)
		}
		for _, index := range body {
			propertiesOf(index.Mappings.Properties, "", func(path string) { fields[path] = "template" })
		}
	})
	hasAlerts := lines(t, "alerts-sample.ndjson.gz", func(b []byte) {
		var x struct {
			Source json.RawMessage `json:"_source"`
		}
		if err := json.Unmarshal(b, &x); err != nil {
			t.Fatal(err)
		}
		if err := jsontext.Leaves(x.Source, func(path, _ []byte) { fields[string(path)] = "alert" }); err != nil {
			t.Fatal(err)
		}
	})
	source := os.Getenv("WAZUH_SOURCE")
	if !hasMapping && !hasAlerts && source == "" {
		t.Skip("neither recordings of the vendor's template and alerts nor WAZUH_SOURCE are at hand")
	}
	if source != "" {
		fieldsOfSource(t, source, fields)
	}
	known := map[string]bool{}
	for _, f := range searched() {
		known[f] = true
	}
	var others []string
	for _, f := range slices.Sorted(maps.Keys(fields)) {
		switch {
		case known[f] || notText()[f] || f == "data.":
		case fields[f] == "pipeline", telling.MatchString(f) && !understood.MatchString(f):
			t.Errorf("%s of the vendor's %s tells something that the table doesn't know", f, fields[f])
		default:
			others = append(others, f)
		}
	}
	t.Logf("%d fields, of which the table doesn't name %d; text is looked for in them after those that it names: %s", len(fields), len(others), strings.Join(others[:min(40, len(others))], " "))
}

// TestNoFieldTellsTheSameTwice holds the table to be one.
func TestNoFieldTellsTheSameTwice(t *testing.T) {
	t.Parallel()
	for _, row := range meanings() {
		seen := map[string]bool{}
		for _, f := range row.fields {
			if seen[f] {
				t.Errorf("%s: %s stands twice", row.tells, f)
			}
			seen[f] = true
			if strings.ContainsAny(f, "*?") || strings.HasPrefix(f, ".") || strings.HasSuffix(f, ".") {
				t.Errorf("%s: %q is no field", row.tells, f)
			}
		}
	}
}

// TestTheInventoryIsSearchedInWhatItsTemplatesHave holds the fields of each kind of
// inventory to the templates of 4.14 and 5.1: each that they have, and no other.
func TestTheInventoryIsSearchedInWhatItsTemplatesHave(t *testing.T) {
	t.Parallel()
	has := map[InventoryKind]map[string]bool{}
	beside := regexp.MustCompile(`^(agent|wazuh|checksum|state)\.|^(message|@timestamp)$`)
	if !lines(t, "opensearch-2.19.4-wazuh.ndjson.gz", func(b []byte) {
		var x struct {
			Path string
			Body json.RawMessage
		}
		if json.Unmarshal(b, &x) != nil || !strings.HasPrefix(x.Path, "/wazuh-states-") || !strings.HasSuffix(x.Path, "/_mapping") {
			return
		}
		var body map[string]struct {
			Mappings struct{ Properties map[string]json.RawMessage }
		}
		if err := json.Unmarshal(x.Body, &body); err != nil {
			t.Fatal(err)
		}
		for index, m := range body {
			for kind, i := range inventories {
				if strings.HasPrefix(index, strings.TrimSuffix(i.index, "*")) {
					propertiesOf(m.Mappings.Properties, "", func(path string) {
						if has[kind] == nil {
							has[kind] = map[string]bool{}
						}
						has[kind][path] = !beside.MatchString(path)
					})
				}
			}
		}
	}) {
		t.Skip("the recorded templates are not at hand")
	}
	for kind, i := range inventories {
		searched := map[string]bool{}
		for _, f := range fieldsOf(i.fields) {
			searched[f.path] = true
			if _, is := has[kind][f.path]; !is {
				t.Errorf("%s: no template has %s", kind, f.path)
			}
		}
		for path, counts := range has[kind] {
			if counts && !searched[path] {
				t.Errorf("%s: %s isn't searched", kind, path)
			}
		}
	}
}
