package thehive_test

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

// peak reports how much the heap grew above what it was, while f ran.
func peak(b *testing.B, f func()) {
	b.Helper()
	var now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&now)
	before, most := now.HeapAlloc, atomic.Uint64{}
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				most.Store(max(most.Load(), m.HeapAlloc))
			}
		}
	}()
	f()
	close(done)
	<-ended
	b.ReportMetric(float64(max(most.Load(), before)-before)/(1<<20), "peak-MB")
}

func BenchmarkAThousandAlertsMerged(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		hive := thehivetest.New(b)
		var ids []string
		for i := range 1000 {
			ids = append(ids, hive.Add("Alert", "", Object{"type": "siem", "source": "wazuh", "sourceRef": fmt.Sprintf("bulk-%d", i), "title": "Noise", "description": "x"}))
		}
		c := hive.Client()
		b.StartTimer()
		out, err := c.BulkMergeAlerts(b.Context(), thehive.BulkMergeAlertsInput{AlertIDs: ids, CaseID: "1"})
		if err != nil {
			b.Fatal(out, err)
		}
	}
}

func BenchmarkTenThousandObservablesListed(b *testing.B) {
	hive := thehivetest.New(b)
	for i := range 10_000 {
		hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "ip", "data": fmt.Sprintf("203.0.%d.%d", i/250, i%250)})
	}
	c := hive.Client()
	for b.Loop() {
		n := 0
		for _, err := range c.Observables(b.Context(), thehive.ListObservablesInput{CaseID: thehivetest.PhishingCase}) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n < 10_000 {
			b.Fatal(n)
		}
	}
}

// The fake holds what it gets: what the client needs is the peak above that.
func BenchmarkALargeAttachment(b *testing.B) {
	const size = 200 << 20
	dir := b.TempDir()
	f, err := os.Create(filepath.Join(dir, "disk.img"))
	if err == nil {
		_, err = io.CopyN(f, rand.Reader, size)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	sink := swallowing(b)
	c, err := thehive.New(thehive.Config{BaseURL: sink, APIKey: thehivetest.Key, FileBaseDir: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(size)
	for b.Loop() {
		peak(b, func() {
			if _, err := c.AddAttachment(b.Context(), thehive.AddAttachmentInput{CaseID: "~4096", FileSource: thehive.FileSource{FilePath: "disk.img"}}); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// swallowing is a TheHive that reads an attachment without keeping it.
func swallowing(b *testing.B) string {
	hive := thehivetest.New(b)
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/attachments") {
			hive.ServeHTTP(w, r)
			return
		}
		parts, err := r.MultipartReader()
		if err != nil {
			b.Error(err)
			return
		}
		part, err := parts.NextPart()
		if err != nil {
			b.Error(err)
			return
		}
		sum := sha256.New()
		n, _ := io.Copy(sum, part)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"attachments":[{"_id":"~1","name":"disk.img","size":%d,"contentType":"application/octet-stream","hashes":["%x"]}]}`, n, sum.Sum(nil))
	}))
	b.Cleanup(h.Close)
	return h.URL
}
