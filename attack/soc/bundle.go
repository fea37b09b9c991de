package soc

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/screen"
	"github.com/sallyport-soc/sallyport/internal/sorting"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// EvidenceBundleInput is the input of [Client.EvidenceBundle].
type EvidenceBundleInput struct {
	AlertID string `json:"alertId" maxLength:"256"` // the alert at Wazuh
	// Hosts to preserve; default: the alert's.
	Agents []wazuh.AgentID `json:"agents,omitempty" maxItems:"5"`
	CaseID string          `json:"caseId,omitempty" maxLength:"64"` // the case, by its id or number
}

// A BundledFile is one file of a bundle.
type BundledFile struct {
	Path   string `json:"path"`   // its path in the bundle
	Bytes  int    `json:"bytes"`  // its size
	SHA256 string `json:"sha256"` // the SHA-256 of the content, in hex
	// When the content was there: read from its platform, or made.
	At time.Time `json:"at"`
}

// A MissingPart is what could not be preserved.
type MissingPart struct {
	Path string `json:"path"`                 // its path in the bundle
	Why  string `json:"why" untrusted:"true"` // why it isn't there
}

// EvidenceBundleOutput is the output of [Client.EvidenceBundle].
type EvidenceBundleOutput struct {
	Name string `json:"name"` // the bundle's file name
	// Of the archive.
	SHA256 string        `json:"sha256"`
	Bytes  int           `json:"bytes"` // its size
	Files  []BundledFile `json:"files"` // what is in it
	// What could not be preserved, and why.
	Missing []MissingPart `json:"missing"`
	// The command that checks the archive and every file in it, and names what was changed, is missing or was added.
	Verify    string           `json:"verify"`
	Platforms []PlatformStatus `json:"platforms"` // which platforms answered
	// A .tar.gz in base64.
	Archive []byte `json:"archive" untrusted:"true"`
}

// Document says that the archive is a file of its own.
func (out *EvidenceBundleOutput) Document() (name, mediaType, member string) {
	return out.Name, "application/gzip", "archive"
}

// Bounds of a bundle.
const (
	bundleRows   = 100
	bundleEvents = 200
	maxBundle    = 24 << 20 // bytes of all files before they are packed
)

// bundled is a file of a bundle and when it was there.
type bundled struct {
	text []byte
	at   time.Time
}

func newBundled(text []byte) bundled { return bundled{text, time.Now().UTC().Truncate(time.Second)} }

// bundle collects files.
type bundle struct {
	mu      sync.Mutex
	files   map[string]bundled
	missing []MissingPart
	size    int
	failed  map[string]error // by platform
}

// put keeps what get returns as a file; what fails is missing.
func (b *bundle) put(platform, path string, get func() (any, error)) {
	v, err := get()
	var text []byte
	if err == nil {
		text, err = inertJSON(v)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil && b.size+len(text) > maxBundle {
		err = fmt.Errorf("the bundle would have more than %d bytes", maxBundle)
	}
	if err != nil {
		b.missing = append(b.missing, MissingPart{path, err.Error()})
		if b.failed[platform] == nil {
			b.failed[platform] = err
		}
		return
	}
	b.files[path], b.size = newBundled(text), b.size+len(text)
}

// why says why a part of the platform is missing first, if one is.
func (b *bundle) why(platform string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failed[platform]
}

// inertJSON is v as JSON of ASCII alone: no character in it can act on a terminal, reorder a
// line or begin a tag.
func inertJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out) // it escapes <, > and &
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return ascii(out.Bytes()), nil
}

func ascii(text []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(text) {
		switch {
		case r < 0x7f && (r >= ' ' || r == '\n'):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

// EvidenceBundle preserves what is known of an alert in one archive before hosts are changed: the
// alert, what happened around it, inventory and watched files of its hosts, what MISP and
// Cortex know of its values, the case, and an extract of the gate's journal, with a manifest of
// SHA-256 and times. What could not be read is named in it. It changes nothing.
//
// Wazuh: GET /agents, /syscollector/…, /syscheck/…. Indexer: POST wazuh-alerts-*/_search. TheHive: POST /api/v1/query.
// MISP: POST /attributes/restSearch. Cortex: POST /api/job/_search
func (c *Client) EvidenceBundle(ctx context.Context, in EvidenceBundleInput) (*EvidenceBundleOutput, error) {
	if c.wazuh == nil {
		return nil, errNoWazuh
	}
	if err := input.Prepare(ctx, &in, gate.ErrInvalid); err != nil {
		return nil, err
	}
	alert, err := c.wazuh.GetAlert(ctx, wazuh.GetAlertInput{AlertID: in.AlertID, IncludeFullLog: true, IncludeRawData: true})
	if err != nil {
		return nil, err
	}
	b := &bundle{files: map[string]bundled{}, failed: map[string]error{}}
	b.put("wazuh", "alert.json", func() (any, error) { return alert, nil })
	agents := in.Agents
	if len(agents) == 0 && alert.Agent.ID != "" {
		agents = []wazuh.AgentID{wazuh.AgentID(alert.Agent.ID)}
	}
	values := valuesOf(alert)
	platforms, _ := together(
		part{"wazuh", true, func() error {
			b.put("wazuh", "context.json", func() (any, error) {
				return c.wazuh.GetAlertContext(ctx, wazuh.GetAlertContextInput{AlertID: in.AlertID, Minutes: 60, Limit: 50})
			})
			for _, a := range agents {
				c.bundleHost(ctx, b, a)
			}
			return b.why("wazuh")
		}},
		part{"thehive", c.hive != nil, func() error { c.bundleCase(ctx, b, in.CaseID); return b.why("thehive") }},
		part{"misp", c.misp != nil, func() error {
			for _, v := range values {
				b.put("misp", "misp/"+safeName(v)+".json", func() (any, error) { return c.misp.Correlate(ctx, misp.CorrelateInput{Value: v, Limit: bundleRows}) })
			}
			return b.why("misp")
		}},
		part{"cortex", c.cortex != nil, func() error {
			for _, v := range values {
				b.put("cortex", "cortex/"+safeName(v)+".json", func() (any, error) { return c.cortex.ListJobs(ctx, cortex.ListJobsInput{Data: v, Limit: bundleRows}) })
			}
			return b.why("cortex")
		}},
	)
	if c.guard != nil {
		b.put("gate", "journal.json", func() (any, error) {
			j, err := c.guard.Journal()
			if err != nil {
				return nil, err
			}
			return j.Tail(bundleEvents)
		})
	}
	out := &EvidenceBundleOutput{Name: "evidence-" + safeName(alert.ID) + ".tar.gz", Platforms: platforms}
	return out, b.pack(out, alert.ID)
}

func (c *Client) bundleHost(ctx context.Context, b *bundle, a wazuh.AgentID) {
	at := "host-" + safeName(string(a)) + "/"
	w := c.wazuh
	parts := map[string]func() (any, error){
		"agent": func() (any, error) { return w.GetAgent(ctx, wazuh.GetAgentInput{AgentID: a, IncludeIP: true}) },
		"os":    func() (any, error) { return w.GetAgentOS(ctx, wazuh.GetAgentOSInput{AgentID: a}) },
		"processes": func() (any, error) {
			return w.GetAgentProcesses(ctx, wazuh.GetAgentProcessesInput{AgentID: a, IncludeCommand: true, Limit: bundleRows})
		},
		"ports": func() (any, error) {
			return w.GetAgentPorts(ctx, wazuh.GetAgentPortsInput{AgentID: a, Limit: bundleRows})
		},
		"packages": func() (any, error) {
			return w.GetAgentPackages(ctx, wazuh.GetAgentPackagesInput{AgentID: a, Limit: bundleRows})
		},
		"network": func() (any, error) {
			return w.GetAgentNetwork(ctx, wazuh.GetAgentNetworkInput{AgentID: a, IncludeIP: true})
		},
		"files": func() (any, error) {
			return w.GetFIMFiles(ctx, wazuh.GetFIMFilesInput{AgentID: a, IncludeHashes: true, Limit: bundleRows})
		},
		"users": func() (any, error) {
			return w.SearchInventory(ctx, wazuh.SearchInventoryInput{Kind: "users", AgentID: a, Limit: bundleRows})
		},
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		b.put("wazuh", at+name+".json", parts[name])
	}
}

func (c *Client) bundleCase(ctx context.Context, b *bundle, id string) {
	if id == "" {
		return
	}
	b.put("thehive", "case/case.json", func() (any, error) { return c.hive.GetCase(ctx, thehive.GetCaseInput{CaseID: id}) })
	b.put("thehive", "case/observables.json", func() (any, error) {
		return c.hive.ListObservables(ctx, thehive.ListObservablesInput{CaseID: id, Limit: bundleRows})
	})
	b.put("thehive", "case/tasks.json", func() (any, error) {
		return c.hive.ListTasks(ctx, thehive.ListTasksInput{CaseID: id, Limit: bundleRows})
	})
	b.put("thehive", "case/comments.json", func() (any, error) {
		return c.hive.ListComments(ctx, thehive.ListCommentsInput{CaseID: id})
	})
}

// valuesOf returns the alert's addresses, its hash and its domain.
func valuesOf(a *wazuh.Alert) (values []string) {
	for _, v := range []string{a.SourceIP, a.DestinationIP, a.Event[wazuh.MeaningHash], a.Event[wazuh.MeaningDomain]} {
		if v != "" && !strings.ContainsAny(v, ",=") && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	return values
}

// safeName is s as part of a path; values that read alike there are told apart by a digest.
func safeName(s string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' || r == '.' {
			return r
		}
		return '_'
	}, s)
	if safe = strings.TrimLeft(safe[:min(len(safe), 80)], "."); safe != s {
		sum := sha256.Sum256([]byte(s))
		safe += "-" + hex.EncodeToString(sum[:4])
	}
	return safe
}

// pack writes the archive: files in the order of their names, each of its time, with a manifest
// and a list that sha256sum checks.
func (b *bundle) pack(out *EvidenceBundleOutput, alert string) error {
	names := slices.Sorted(maps.Keys(b.files))
	sorting.By(b.missing, func(x, y MissingPart) int { return cmp.Compare(x.Path, y.Path) })
	out.Files, out.Missing = []BundledFile{}, append([]MissingPart{}, b.missing...)
	var sums strings.Builder
	add := func(name string) {
		f := b.files[name]
		sum := sha256.Sum256(f.text)
		out.Files = append(out.Files, BundledFile{name, len(f.text), hex.EncodeToString(sum[:]), f.at})
		fmt.Fprintf(&sums, "%x  %s\n", sum, name)
	}
	for _, name := range names {
		add(name)
	}
	manifest, err := inertJSON(map[string]any{"alert": alert, "files": out.Files, "missing": out.Missing, "platforms": out.Platforms})
	if err != nil {
		return err
	}
	b.files["MANIFEST.json"] = newBundled(manifest)
	add("MANIFEST.json")
	b.files["SHA256SUMS"] = newBundled([]byte(sums.String()))
	folder := strings.TrimSuffix(out.Name, ".tar.gz") + "/"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	t := tar.NewWriter(z)
	for _, name := range append([]string{"MANIFEST.json", "SHA256SUMS"}, names...) {
		f := b.files[name]
		h := &tar.Header{Name: folder + name, Mode: 0o600, Size: int64(len(f.text)), ModTime: f.at, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.text); err != nil {
			return err
		}
	}
	if err := errors.Join(t.Close(), z.Close()); err != nil {
		return err
	}
	sum := sha256.Sum256(packed.Bytes())
	out.Archive, out.Bytes, out.SHA256 = packed.Bytes(), packed.Len(), hex.EncodeToString(sum[:])
	out.Verify = fmt.Sprintf("echo '%s  %s' | sha256sum -c && tar xzf %[2]s && cd %[3]s && sha256sum -c SHA256SUMS && "+
		"! { cut -c67- SHA256SUMS; find . ! -type d ! -path ./SHA256SUMS | cut -c3-; } | sort | uniq -u | grep .", out.SHA256, out.Name, strings.TrimSuffix(folder, "/"))
	return nil
}

// casesWith names TheHive's cases that mention any of the values, once TheHive is connected.
func casesWith(connected **thehive.Client) func(context.Context, []string) ([]string, error) {
	return func(ctx context.Context, values []string) ([]string, error) {
		hive := *connected
		if hive == nil {
			return nil, nil
		}
		var lines []string
		for _, v := range values[:min(len(values), 8)] {
			if strings.ContainsAny(v, "\"\\") {
				continue
			}
			p, err := hive.SearchCases(ctx, thehive.SearchCasesInput{Query: `"` + v + `"`, Limit: 5})
			if err != nil {
				return lines, err
			}
			for _, cs := range p.Cases {
				line := fmt.Sprintf("#%d %s (%s) mentions %s", cs.Number, screen.Shown(cs.Title), cs.Status, screen.Shown(v))
				if len(lines) < 10 {
					lines = append(lines, line)
				}
			}
		}
		return lines, nil
	}
}
