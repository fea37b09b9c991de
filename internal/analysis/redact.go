package analysis

import (
	"bytes"
	"encoding/json"

	"github.com/sallyport-soc/sallyport/internal/secret"
)

// hidden are the members of Cortex's entities that are never shown:
// those that hold secrets, and the database's own bookkeeping.
var hidden = []string{"configuration", "config", "input", "_id", "_type", "_routing", "_parent", "_seqNo", "_primaryTerm"}

// Public removes from rest what must not leave, and redacts what remains.
func Public(rest map[string]json.RawMessage) map[string]json.RawMessage {
	for _, name := range hidden {
		delete(rest, name)
	}
	for name, v := range rest {
		if secret.Cortex.Name(name) && !Harmless(v) {
			delete(rest, name)
			continue
		}
		rest[name] = Redact(v)
	}
	if len(rest) == 0 {
		return nil
	}
	return rest
}

// Harmless reports whether v is a number, a boolean or null.
func Harmless(v json.RawMessage) bool {
	v = bytes.TrimSpace(v)
	return len(v) == 0 || !bytes.ContainsRune([]byte(`"{[`), rune(v[0]))
}

// Redact returns raw without what the names of its members give away as a
// secret, at any depth. JSON without any comes back as it is.
func Redact(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	clean, _, err := secret.Cortex.JSON(raw, "", "")
	if err != nil {
		return json.RawMessage(`"` + secret.Redacted + `"`)
	}
	return clean
}

// Report is [Redact] for a whole report, of whose error message what looks like a
// credential is cut out too.
func Report(raw json.RawMessage) json.RawMessage {
	raw = Redact(raw)
	var members map[string]json.RawMessage
	var message string
	if json.Unmarshal(raw, &members) != nil || json.Unmarshal(members["errorMessage"], &message) != nil || secret.Text(message) == message {
		return raw
	}
	var err error
	if members["errorMessage"], err = json.Marshal(secret.Text(message)); err != nil {
		return json.RawMessage(`"` + secret.Redacted + `"`)
	}
	b, err := json.Marshal(members)
	if err != nil {
		return json.RawMessage(`"` + secret.Redacted + `"`)
	}
	return b
}
