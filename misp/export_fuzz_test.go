package misp

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzJoiner joins a page of anything with itself: what comes out of documents
// must be one document still.
func FuzzJoiner(f *testing.F) {
	for i, s := range []string{"uuid,x\n\"1\",2\n\n", "a\n\n", "# x\nalert\n", "$TTL 1w;\n@ SOA x\n  NS y\n\n; z\na CNAME .\n", `{"response":{"Attribute":[{"id":1}]}}`, `{"type":"bundle","id":"b","objects":[{"id":"x"},{}]}`} {
		f.Add(i, []byte(s))
	}
	formats := []ExportFormat{CSV, Text, Suricata, RPZ, JSONExport, STIX2, Hosts, YARA}
	f.Fuzz(func(t *testing.T, n int, body []byte) {
		j := &joiner{format: formats[(n%len(formats)+len(formats))%len(formats)], seen: map[string]bool{}}
		_ = empty(j.format, body)
		first, err := j.page(bytes.Clone(body), true)
		if err != nil {
			return
		}
		first = bytes.Clone(first)
		second, err := j.page(bytes.Clone(body), false)
		if err != nil {
			t.Fatalf("the same page, again: %v", err)
		}
		whole := append(append(first, second...), j.end()...)
		if (j.format == JSONExport || j.format == STIX2) && !json.Valid(whole) {
			t.Fatalf("%s: no JSON: %s", j.format, whole)
		}
		if j.format == RPZ && bytes.HasPrefix(second, []byte("$TTL")) {
			t.Fatalf("a second header: %s", second)
		}
	})
}
