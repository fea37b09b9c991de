package gate

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Anchors are hashes of events by sequence number, as a copy outside says: a
// file or a system log on another host, which whoever rewrites or cuts the
// journal can't rewrite too.
type Anchors map[uint64]string

var anchorStart = []byte(`{"seq":`)

// ReadAnchors reads every line of r that holds an exported event, whatever
// stands before it in the line, as in a system log. Two that contradict each
// other are an error.
func ReadAnchors(r io.Reader) (Anchors, error) {
	a := Anchors{}
	b := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := readLine(b)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("gate: anchor: %w", err)
		}
		if at := bytes.Index(line, anchorStart); at >= 0 {
			var e struct {
				Seq  uint64 `json:"seq"`
				Hash string `json:"hash"`
			}
			if json.NewDecoder(bytes.NewReader(line[at:])).Decode(&e) == nil && e.Seq > 0 && e.Hash != "" {
				if had := a[e.Seq]; had != "" && had != e.Hash {
					return nil, fmt.Errorf("gate: anchor: it knows two histories from seq %d on", e.Seq)
				}
				a[e.Seq] = e.Hash
			}
		}
		if err != nil {
			return a, nil
		}
	}
}

// A Report is what [Verify] found.
type Report struct {
	First, Events uint64 // the first event that is kept, the last there is
	Head          string // the hash of the last
	Checkpoints   int    // that an approver who is enrolled signed
	Vouched       uint64 // the last event that such a checkpoint covers
	Anchored      int    // events that an anchor knows too
}

// Verify walks the chain of the journal in dir, checks the checkpoints of those
// who are enrolled, and compares it with what anchors say, if they aren't nil.
func Verify(dir string, anchors Anchors) (*Report, error) {
	list, err := Approvers(dir)
	if err != nil {
		return nil, err
	}
	keys := map[string]ed25519.PublicKey{}
	for _, a := range list {
		keys[a.Name] = a.Key
	}
	r := &Report{}
	for e, err := range Events(dir) {
		if err != nil {
			return r, err
		}
		if r.First == 0 {
			r.First = e.Seq
		}
		r.Events, r.Head = e.Seq, e.Hash
		if want := anchors[e.Seq]; want != "" {
			if want != e.Hash {
				return r, fmt.Errorf("%w: seq %d is not what the anchor knows: the history was rewritten", ErrJournal, e.Seq)
			}
			r.Anchored++
		}
		if key := keys[e.Approver]; e.Kind == EventCheckpoint && key != nil {
			if !ed25519.Verify(key, checkpointMessage(e.Seq-1, e.Prev), e.Sig) {
				return r, fmt.Errorf("%w: seq %d is not a checkpoint that %s signed", ErrJournal, e.Seq, e.Approver)
			}
			r.Checkpoints, r.Vouched = r.Checkpoints+1, e.Seq-1
		}
	}
	if anchors == nil {
		return r, nil
	}
	var last uint64
	for seq := range anchors {
		last = max(last, seq)
	}
	switch {
	case last > r.Events:
		return r, fmt.Errorf("%w: it ends at seq %d, the anchor at %d: it was cut or rolled back", ErrJournal, r.Events, last)
	case r.Anchored == 0:
		return r, fmt.Errorf("%w: the anchor knows none of its events", ErrJournal)
	}
	return r, nil
}
