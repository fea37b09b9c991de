package misp_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/progress"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
)

// exported returns a client of a server with one published event of n addresses.
func exported(t *testing.T, n int) (*misptest.Server, *misp.Client, misp.EventRef) {
	t.Helper()
	m := misptest.New(t)
	e := misptest.Event{Info: "many", Published: true}
	for i := range n {
		e.Attributes = append(e.Attributes, misptest.Attribute{Type: "ip-dst", Value: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), Comment: strings.Repeat("x", 100)})
	}
	return m, m.Client(), misp.EventRef(m.AddEvent(e))
}

// TestWrittenExportIsOneDocument writes several pages in each format: what is
// written must be what one page with all of it would be.
func TestWrittenExportIsOneDocument(t *testing.T) {
	t.Parallel()
	m, c, id := exported(t, 25)
	for f, want := range map[misp.ExportFormat]struct{ lines, headers int }{
		misp.CSV: {26, 1}, misp.YARA: {0, 0}, misp.Text: {25, 0}, misp.Suricata: {27, 2}, misp.Snort: {27, 2}, misp.RPZ: {0, 3}, misp.Hosts: {27, 2}, misp.Netfilter: {25, 0}, misp.JSONExport: {1, 0}, misp.STIX: {1, 0}, misp.STIX2: {1, 0},
	} {
		m.Requests()
		var b bytes.Buffer
		out, err := c.WriteExport(t.Context(), &b, misp.ExportIOCsInput{Format: f, EventID: id, Limit: 10}, 1<<20)
		if err != nil || out.Pages != 3 || out.Attributes != 25 || out.Truncated || out.Bytes != int64(b.Len()) || len(m.Requests()) != 3 {
			t.Errorf("%s: %+v, %v", f, out, err)
		}
		headers := 0
		for line := range strings.Lines(b.String()) {
			if strings.HasPrefix(line, "uuid,") || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "$TTL") || strings.HasPrefix(line, "@") || strings.Contains(line, "NS localhost.") {
				headers++
			}
		}
		if n := strings.Count(b.String(), "\n"); want.lines > 0 && n != want.lines || headers != want.headers {
			t.Errorf("%s: %d lines with %d of a header, want %d with %d:\n%s", f, n, headers, want.lines, want.headers, b.String())
		}
		for _, v := range []string{"10.0.0.0", "10.0.0.9", "10.0.0.10", "10.0.0.24"} {
			if !strings.Contains(b.String(), v) {
				t.Errorf("%s lacks %s", f, v)
			}
		}
		switch f {
		case misp.JSONExport, misp.STIX, misp.STIX2:
			var doc struct {
				Response struct{ Attribute []any }
				Objects  []any
			}
			if err := json.Unmarshal(b.Bytes(), &doc); err != nil || len(doc.Response.Attribute)+len(doc.Objects) != 25 {
				t.Errorf("%s: %v, %d and %d elements", f, err, len(doc.Response.Attribute), len(doc.Objects))
			}
		}
	}
}

func TestWrittenExportIsBounded(t *testing.T) {
	t.Parallel()
	_, c, id := exported(t, 25)
	for _, f := range []misp.ExportFormat{misp.Text, misp.CSV, misp.JSONExport, misp.STIX2, misp.Suricata, misp.RPZ, misp.Hosts, misp.Netfilter} {
		in := misp.ExportIOCsInput{Format: f, EventID: id, Limit: 5}
		var whole, part bytes.Buffer
		if _, err := c.WriteExport(t.Context(), &whole, in, 1<<20); err != nil {
			t.Fatal(err)
		}
		most := int64(whole.Len()) * 7 / 10
		out, err := c.WriteExport(t.Context(), &part, in, most)
		if err != nil || !out.Truncated || out.NextPage < 2 || int64(part.Len()) > most || out.Attributes != 5*(out.NextPage-1) {
			t.Errorf("%s: %+v, %v; %d bytes of at most %d", f, out, err, part.Len(), most)
		}
		if f == misp.JSONExport || f == misp.STIX2 {
			if !json.Valid(part.Bytes()) {
				t.Errorf("%s, cut: no JSON: …%s", f, part.Bytes()[max(0, part.Len()-80):])
			}
		}
		in.Page = out.NextPage
		rest, err := c.WriteExport(t.Context(), io.Discard, in, 1<<20)
		if err != nil || rest.Attributes+out.Attributes != 25 {
			t.Errorf("%s: the rest: %+v, %v", f, rest, err)
		}
		if _, err := c.WriteExport(t.Context(), io.Discard, in, 10); !errors.Is(err, misp.ErrInvalid) {
			t.Errorf("%s in ten bytes: %v, want ErrInvalid", f, err)
		}
	}
	if _, err := c.WriteExport(t.Context(), io.Discard, misp.ExportIOCsInput{Format: misp.CSV, EventID: id}, 0); !errors.Is(err, misp.ErrInvalid) {
		t.Errorf("without a bound: %v, want ErrInvalid", err)
	}
	if _, err := c.WriteExport(t.Context(), io.Discard, misp.ExportIOCsInput{Format: misp.CSV}, 1); !errors.Is(err, misp.ErrInvalid) {
		t.Errorf("of everything: %v, want ErrInvalid", err)
	}
	broken := errors.New("disk full")
	if _, err := c.WriteExport(t.Context(), failing{broken}, misp.ExportIOCsInput{Format: misp.CSV, EventID: id}, 1<<20); !errors.Is(err, broken) {
		t.Errorf("a writer that fails: %v", err)
	}
	for _, body := range []string{`{"type":"bundle","objects":[7]}`, `{"type":"report"}`, `nonsense`} {
		wrong := answering(t, map[string]string{"/attributes/restSearch": body})
		if _, err := wrong.WriteExport(t.Context(), io.Discard, misp.ExportIOCsInput{Format: misp.STIX2, EventID: "1"}, 1<<20); err == nil {
			t.Errorf("%s was taken for a bundle", body)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestBundlesShareWhatTheyHaveInCommon checks that an identity that each page
// brings is in the joined bundle once.
func TestBundlesShareWhatTheyHaveInCommon(t *testing.T) {
	t.Parallel()
	c := answering(t, map[string]string{"/attributes/restSearch": `{"type":"bundle","id":"bundle--1","objects":[{"id":"identity--1"},{"id":"identity--1"},{"id":"indicator--1"}]}`})
	var b bytes.Buffer
	if _, err := c.WriteExport(t.Context(), &b, misp.ExportIOCsInput{Format: misp.STIX2, EventID: "1"}, 1<<20); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != `{"type":"bundle","id":"bundle--1","objects":[{"id":"identity--1"},{"id":"indicator--1"}]}`+"\n" {
		t.Error(got)
	}
}

// heap is what is in use once garbage is gone.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// peak is a writer, or any step of a walk, that watches the heap grow.
type peak struct{ start, most, every, n int64 }

func (p *peak) look() {
	if p.n++; p.n%p.every == 0 {
		p.most = max(p.most, heap()-p.start)
	}
}

func (p *peak) Write(b []byte) (int, error) { p.look(); return len(b), nil }

// served answers searches with pages of a walk over n attributes, without
// holding them: what grows is the client.
func served(t *testing.T, n int) *misp.Client {
	t.Helper()
	c, err := misp.New(misp.Config{BaseURL: serve(t, n), APIKey: misptest.Key})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestExportAndWalkTakeConstantMemory exports and walks ten times as many
// attributes and measures the heap: it must not grow along.
func TestExportAndWalkTakeConstantMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it measures the heap many times")
	}
	most := func(n int) (walk, export int64) {
		c := served(t, n)
		w := &peak{every: 500}
		w.start = heap()
		seen := 0
		for a, err := range c.Attributes(t.Context(), misp.SearchAttributesInput{EventID: "1", Limit: 500}) {
			if err != nil || a.Value == "" {
				t.Fatal(a, err)
			}
			seen++
			w.look()
		}
		x := &peak{every: 1}
		x.start = heap()
		out, err := c.WriteExport(t.Context(), x, misp.ExportIOCsInput{Format: misp.JSONExport, EventID: "1", Limit: 500}, 1<<30)
		if err != nil || seen != n || out.Attributes != n {
			t.Fatalf("%d walked, %+v, %v; want %d", seen, out, err, n)
		}
		return w.most, x.most
	}
	smallWalk, smallExport := most(1000)
	walk, export := most(10000)
	t.Logf("heap above the start: walk %d KiB, then %d; export %d KiB, then %d", smallWalk>>10, walk>>10, smallExport>>10, export>>10)
	const slack = 6 << 20 // of the page ahead, which may be on its way from a server in this process; all pages have 14 MiB
	if walk > smallWalk+slack || export > smallExport+slack {
		t.Errorf("it grows: walk %d to %d bytes, export %d to %d", smallWalk, walk, smallExport, export)
	}
}

// TestAnExportSaysHowFarItIs counts the pages, of which nobody knows how many come.
func TestAnExportSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	m, _, id := exported(t, 1200)
	dir := t.TempDir()
	var steps []string
	ctx := progress.With(t.Context(), func(s progress.Step) { steps = append(steps, s.String()) })
	c := m.Client(func(cfg *misp.Config) { cfg.FileBaseDir = dir })
	if _, err := c.ExportIOCs(ctx, misp.ExportIOCsInput{Format: misp.CSV, EventID: misp.EventRef(id), Limit: 500, SaveAs: "iocs.csv"}); err != nil {
		t.Fatal(err)
	}
	want := []string{"1 pages are written", "2 pages are written", "3 pages are written"}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

// TestAnExportGoesWholeIntoAFile saves all pages below the folder of files, and
// leaves nothing there of what fails.
func TestAnExportGoesWholeIntoAFile(t *testing.T) {
	t.Parallel()
	m, _, id := exported(t, 1200)
	dir := t.TempDir()
	call := byHost(t, m, func(cfg *misp.Config) { cfg.FileBaseDir = dir })
	res, err := call("misp_export_iocs", fmt.Sprintf(`{"format":"csv","eventId":%q,"limit":500,"saveAs":"iocs.csv"}`, id))
	out := answerOf(t, res, err)
	content, err := os.ReadFile(filepath.Join(dir, "iocs.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(content, []byte("\n")); n != 1201 || out["attributes"] != 1200.0 || out["more"] != false || out["content"] != "" {
		t.Errorf("%d lines in the file; %v", n, out)
	}
	if want := fmt.Sprintf("%x", sha256.Sum256(content)); out["sha256"] != want || out["savedAs"] != "iocs.csv" || out["bytes"] != float64(len(content)) {
		t.Errorf("%v, want the hash %s", out, want)
	}
	for path, why := range map[string]string{"iocs.csv": "is there already", "../iocs.csv": "below the folder of files", "no/such/folder.csv": "below the folder of files"} {
		if _, err := call("misp_export_iocs", fmt.Sprintf(`{"format":"csv","eventId":%q,"saveAs":%q}`, id, path)); !errors.Is(err, misp.ErrInvalid) || !strings.Contains(err.Error(), why) {
			t.Errorf("saveAs %s: %v", path, err)
		}
	}
	m.FailNext(http.StatusForbidden, "no")
	if _, err := call("misp_export_iocs", fmt.Sprintf(`{"format":"text","eventId":%q,"saveAs":"failed.txt"}`, id)); err == nil {
		t.Error("an export that is refused is saved")
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("in the folder: %v, %v; want the one export that succeeded", list, err)
	}
	if _, err := m.Client().ExportIOCs(t.Context(), misp.ExportIOCsInput{Format: misp.Text, EventID: id, SaveAs: "x.txt"}); !errors.Is(err, misp.ErrInvalid) {
		t.Errorf("without a folder: %v", err)
	}
}

// TestASTIXFileIsImportedAsItWasPlanned reads a bundle below the folder of files.
func TestASTIXFileIsImportedAsItWasPlanned(t *testing.T) {
	t.Parallel()
	m := misptest.New(t)
	dir := t.TempDir()
	g := gatetest.New(t)
	c := m.Client(func(cfg *misp.Config) { cfg.FileBaseDir, cfg.Guard = dir, g.Guard })
	write := func(value string) {
		text := fmt.Sprintf(`{"type":"bundle","id":"bundle--275f869e-b769-44de-8bf8-7122a79714b7","objects":[{"type":"indicator","id":"indicator--7bd6d25f-5c48-4d46-ba72-341c317cdeda","pattern":"[domain-name:value = '%s']"}],"x":%q}`,
			value, strings.Repeat("x", 300_000))
		if err := os.WriteFile(filepath.Join(dir, "bundle.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one.example")
	ops := c.Ops()
	op := ops[slices.IndexFunc(ops, func(o gate.Op) bool { return o.Name() == "misp_import_stix" })]
	in := input(t, op, `{"filePath":"bundle.json"}`)
	res, err := op.Do(t.Context(), g.Guard, in)
	if err != nil || res.State != gate.StatePending || !strings.Contains(shown(res.Proposal.Plan), "one.example") || !strings.Contains(shown(res.Proposal.Plan), "loses") {
		t.Fatalf("%+v, %v", res, err)
	}
	g.Approve(res.Proposal.ID)
	write("two.example")
	if res, err := op.Do(t.Context(), g.Guard, in); err == nil && res.State == gate.StateExecuted {
		t.Errorf("a file that was changed after the approval is imported: %+v", res)
	}
	write("one.example")
	if res, err = op.Do(t.Context(), g.Guard, in); err == nil && res.State == gate.StatePending {
		g.Approve(res.Proposal.ID)
		res, err = op.Do(t.Context(), g.Guard, in)
	}
	if err != nil || res.State != gate.StateExecuted {
		t.Errorf("the file as it was: %+v, %v", res, err)
	}
	for _, path := range []string{"../bundle.json", "missing.json", "."} {
		if _, err := c.ImportSTIX(t.Context(), misp.ImportSTIXInput{FilePath: path}); !errors.Is(err, misp.ErrInvalid) {
			t.Errorf("filePath %s: %v", path, err)
		}
	}
}
