package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// A Plan is what an approver sees before saying yes. The server computes it
// from the typed input and from what it reads at the platform at that moment;
// no word of it comes from the agent except as a value that is shown as such.
// The digest covers it, so a target that changes makes the approval stale.
type Plan struct {
	// Summary is one line: verb, object, platform. "Delete a case in TheHive."
	Summary string `json:"summary"`
	// Targets are the things that would be changed, with the names a person knows them by.
	Targets []Target `json:"targets,omitempty"`
	// Changes are the values that would be set.
	Changes []Change `json:"changes,omitempty"`
	// Egress lists where data would leave to.
	Egress []Egress `json:"egress,omitempty"`
	// Undo says how a person can take it back; empty means that nobody can.
	Undo string `json:"undo,omitempty"`
	// IfFails says what is done to take back what was done when a step of it fails, with
	// each request as METHOD /path: it is approved together with the rest. Empty: what was
	// done stays.
	IfFails string `json:"if_fails,omitempty"`
	// Claims are what the caller says of it in its own words, such as a reason, where
	// that is a part of the input. They are shown apart from the facts.
	Claims []Change `json:"claims,omitempty"`
	// Warnings are facts that speak against it.
	Warnings []string `json:"warnings,omitempty"`
	// Count is how many things would be changed or made, where the targets don't
	// say it: budgets count things.
	Count int `json:"count,omitempty"`
	// Reverse is the call that takes it back, of what stays in force until then: a host
	// that is blocked, a rule that is silenced.
	Reverse *Call `json:"reverse,omitempty"`
	// Lasts is after how many seconds it ends by itself; 0: it doesn't.
	Lasts int `json:"lasts,omitempty"`
}

// A Call is an operation with its input.
type Call struct {
	Op    string          `json:"op"`    // its name
	Input json.RawMessage `json:"input"` // as JSON
}

// Same reports whether c and d are the same call.
func (c *Call) Same(d *Call) bool { return d != nil && c.Op == d.Op && bytes.Equal(c.Input, d.Input) }

// Is reports whether p makes the call, whatever else its input says.
func (c *Call) Is(p *Proposal) bool {
	var want, have map[string]json.RawMessage
	if p.Op != c.Op || json.Unmarshal(c.Input, &want) != nil || json.Unmarshal(p.Input, &have) != nil {
		return false
	}
	for name, v := range want {
		if !bytes.Equal(v, have[name]) {
			return false
		}
	}
	return true
}

// A Target is one thing a plan touches.
type Target struct {
	// What it is: case, event, analyzer.
	Kind string `json:"kind"`
	// Its id at the platform.
	ID string `json:"id"`
	// The name a person knows it by.
	Name string `json:"name,omitempty"`
	// Its state when the plan was made; a later state makes the approval stale.
	Version string `json:"version,omitempty"`
}

// A Change is one value a plan sets.
type Change struct {
	// The field.
	Field string `json:"field"`
	// Its value now.
	Before string `json:"before,omitempty"`
	// Its value afterwards.
	After string `json:"after"`
}

// An Egress is one outside party that a plan sends data to.
type Egress struct {
	// Who receives it.
	To string `json:"to"`
	// What is sent.
	What string `json:"what"`
	// Under which TLP and PAP.
	TLP string `json:"tlp,omitempty"`
}

// Set returns the change that sets field to after, formatted by fmt.Sprint.
func Set(field string, after any) Change { return Change{Field: field, After: fmt.Sprint(after)} }

// Changed returns the change of field from before to after, formatted by fmt.Sprint.
func Changed(field string, before, after any) Change {
	return Change{Field: field, Before: fmt.Sprint(before), After: fmt.Sprint(after)}
}

// Digest returns the SHA-256 of the parts, each prefixed with its length so
// that no two different lists of parts give the same bytes.
func Digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(strconv.AppendInt(nil, int64(len(p)), 10))
		h.Write([]byte{':'})
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

const digestFormat = "sallyport/gate/v1"

// CallKey identifies a call whatever the state of its target and the policy it
// runs under: operation, upstream, principal and typed input.
func (p *Proposal) CallKey() string {
	return Digest(digestFormat+"/call", p.Op, p.Tier.String(), p.Upstream, p.Principal, string(p.Input))
}

// ComputeDigest recomputes the digest that an approval of p must cover.
func (p *Proposal) ComputeDigest() (string, error) {
	plan, err := json.Marshal(p.Plan)
	if err != nil {
		return "", fmt.Errorf("gate: digest: %w", err)
	}
	parts := []string{digestFormat, p.Op, p.Tier.String(), p.Upstream, p.Policy, p.Principal, string(p.Input), string(plan)}
	if p.Key != "" || p.Needs != 0 {
		parts = append(parts, p.Key, strconv.Itoa(p.Needs))
	}
	return Digest(parts...), nil
}

// mended is what stands in an encoding for a text that isn't UTF-8: only then, or if JSON
// in it was written in another way, does it come back as something else.
var mended = []byte(`\ufffd`)

// Canonical returns p as every reader of the journal will see it, with its digest,
// and how many bytes it has.
func (p *Proposal) Canonical() (*Proposal, int, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, 0, fmt.Errorf("gate: %s: %w", p.Op, err)
	}
	q := *p
	if p.Plan.Reverse != nil || bytes.Contains(b, mended) || !bytes.Contains(b, slices.Concat([]byte(`"input":`), p.Input, []byte(`,"plan":`))) {
		q = Proposal{}
		if err := json.Unmarshal(b, &q); err != nil {
			return nil, 0, fmt.Errorf("gate: %s: %w", p.Op, err)
		}
	}
	q.Call = q.CallKey()
	q.Digest, err = q.ComputeDigest()
	return &q, len(b) + len(q.Call) + len(q.Digest), err
}
