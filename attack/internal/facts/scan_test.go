package facts

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// slow reads a bundle with encoding/json alone.
func slow(t *testing.T, text string) (*Bundle, error) {
	t.Helper()
	b := &Bundle{Domain: Enterprise}
	dec := json.NewDecoder(strings.NewReader(text))
	err := b.read(t.Context(), dec)
	if err == nil {
		if _, err = dec.Token(); err == nil {
			err = errors.New("more data")
		} else if err == io.EOF {
			err = nil
		}
	}
	return b, err
}

// FuzzScannerAgreesWithEncodingJSON checks that what the scanner takes, encoding/json takes too, and finds the same in it.
func FuzzScannerAgreesWithEncodingJSON(f *testing.F) {
	for _, text := range []string{
		`{"type":"bundle","objects":[]}`,
		`{"type":"bundle","x":[1,-0.5e+3,true,null,{"a":"\u00e9\n"}],"objects":[{"type":"tool","id":"tool--1","name":"a\"b","aliases":["x",null],"revoked":null}]}`,
		`{"type":"bundle","objects":[{"type":"relationship","id":"r","relationship_type":"uses","source_ref":"a","target_ref":"b","description":"d"},{"type":"attack-pattern","kill_chain_phases":[{"kill_chain_name":"k","phase_name":"p"}],"external_references":[{"source_name":"s","url":"u"}],"external_references":null}]} `,
		`{"type":"bundle","objects":[01]}`, `{"type":"bundle","objects":[{"type":"tool","name":"` + "\xff\x01" + `"}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text != strings.ToLower(text) {
			return // encoding/json doesn't mind the case of names
		}
		fast := &Bundle{Domain: Enterprise}
		if !(&scanner{b: []byte(text)}).bundle(t.Context(), fast) {
			return
		}
		want, err := slow(t, text)
		if err != nil {
			t.Fatalf("encoding/json: %v", err)
		}
		// A null leaves alone what an earlier member of the same name said, or clears it: names aren't given twice in STIX.
		if strings.Contains(text, "null") {
			return
		}
		if diff := cmp.Diff(want, fast, cmp.AllowUnexported(Bundle{}, stixObject{}, stixRelation{}), cmp.Comparer(func(a, b []string) bool {
			return len(a) == len(b) && strings.Join(a, "\x00") == strings.Join(b, "\x00")
		})); diff != "" && !twice(text) {
			t.Errorf("bundle (-encoding/json +scanner):\n%s", diff)
		}
	})
}

// twice reports whether an object of the text has a member twice.
func twice(text string) bool {
	var walk func(dec *json.Decoder) bool
	walk = func(dec *json.Decoder) bool {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'):
			seen := map[string]bool{}
			for dec.More() {
				name, err := dec.Token()
				if err != nil {
					return false
				}
				if key, ok := name.(string); ok {
					if seen[key] {
						return true
					}
					seen[key] = true
				}
				if walk(dec) {
					return true
				}
			}
			_, _ = dec.Token()
		case json.Delim('['):
			for dec.More() {
				if walk(dec) {
					return true
				}
			}
			_, _ = dec.Token()
		}
		return false
	}
	return walk(json.NewDecoder(strings.NewReader(text)))
}

func TestTheScannerTakesWholeBundles(t *testing.T) {
	t.Parallel()
	const text = `{"type":"bundle","id":"b","objects":[{"type":"tool","id":"tool--1","name":"caf\u00e9 \ud83d\ude00"}]}`
	b := &Bundle{}
	if !(&scanner{b: []byte(text)}).bundle(t.Context(), b) || b.objects[0].Name != "café 😀" {
		t.Errorf("bundle %+v", b)
	}
	for i := range len(text) {
		if (&scanner{b: []byte(text[:i])}).bundle(t.Context(), &Bundle{}) {
			t.Errorf("the first %d bytes are taken for a whole", i)
		}
	}
}

func TestACacheHoldsTheWholeSet(t *testing.T) {
	t.Parallel()
	const text = `{"type":"bundle","objects":[
{"type":"tool","id":"tool--1","name":"x","description":"prose","external_references":[{"source_name":"mitre-attack","external_id":"S1"},{"source_name":"a","url":"u","description":"d"}]},
{"type":"attack-pattern","id":"attack-pattern--1","name":"y","external_references":[{"source_name":"mitre-attack","external_id":"T1"}]},
{"type":"relationship","id":"r","relationship_type":"uses","source_ref":"tool--1","target_ref":"attack-pattern--1","description":"how"}]}`
	b, err := ReadBundle(t.Context(), strings.NewReader(text), Enterprise)
	if err != nil {
		t.Fatal(err)
	}
	set, err := Merge(b)
	if err != nil {
		t.Fatal(err)
	}
	file := EncodeCache(set, "stamp")
	again, stamp, err := DecodeCache(string(file))
	if err != nil || stamp != "stamp" {
		t.Fatalf("stamp %q, %v", stamp, err)
	}
	if diff := cmp.Diff(set, again, cmp.Comparer(func(a, b []string) bool { return strings.Join(a, "\x00") == strings.Join(b, "\x00") })); diff != "" {
		t.Errorf("set (-encoded +decoded):\n%s", diff)
	}
	if !bytes.Equal(EncodeCache(again, stamp), file) {
		t.Error("decoding and encoding changes the cache")
	}
	for i := range file {
		damaged := bytes.Clone(file)
		damaged[i] ^= 0x40
		if _, _, err := DecodeCache(string(damaged)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("byte %d changed: %v, want ErrCorrupt", i, err)
		}
		if _, _, err := DecodeCache(string(file[:i])); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes: %v, want ErrCorrupt", i, err)
		}
	}
}

func FuzzDecodeCache(f *testing.F) {
	f.Add([]byte("ATT&CK cache 1\n\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, body []byte) {
		// With a right checksum, so that what follows is read.
		file := append([]byte(cacheMagic), 0, 0, 0, 0)
		file = append(file, body...)
		sum := checksum(string(body))
		for i := range 4 {
			file[len(cacheMagic)+i] = byte(sum >> (8 * i))
		}
		if _, _, err := DecodeCache(string(file)); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Error(err)
		}
	})
}
