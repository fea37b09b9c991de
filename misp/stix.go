package misp

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/upload"
)

// stixLosses is what doesn't survive the way out of MISP as STIX 2.1 and back.
const stixLosses = "STIX 2.1 and back loses: threat level, analysis and date of the event; comments of what becomes an indicator or observable; " +
	"to_ids, which is set anew by type (an observable of a domain comes back for detection); reports become objects; deleted attributes are left out; " +
	"yara, sigma and snort rules come back in square brackets"

// How large a bundle may be, in bytes: in the call, and in a file.
const (
	maxBundle     = 200_000
	MaxBundleFile = 16 << 20
)

// ImportSTIXInput is the input of [Client.ImportSTIX].
type ImportSTIXInput struct {
	// JSON text. This or filePath.
	Bundle string `json:"bundle,omitempty" maxLength:"200000"`
	// Below the operator's folder.
	FilePath string `json:"filePath,omitempty" maxLength:"4096"`
}

// stixBundle is what is read of a bundle before it is sent.
type stixBundle struct {
	Type    string `json:"type"`
	ID      string `json:"id"`
	Objects []struct {
		Type    string `json:"type"`
		ID      string `json:"id"`
		Name    string `json:"name"`
		Pattern string `json:"pattern"`
	} `json:"objects"`

	size   int
	sha256 string
}

// readBundle reads what is told of a bundle before it is sent.
func readBundle(text []byte) (*stixBundle, error) {
	b := stixBundle{size: len(text), sha256: fmt.Sprintf("%x", sha256.Sum256(text))}
	switch err := json.Unmarshal(text, &b); {
	case err != nil:
		return nil, invalid("bundle: isn't JSON: %s", clip.Text(err.Error(), 200))
	case b.Type != "bundle":
		return nil, invalid("bundle: its type is %q, want bundle", clip.Text(b.Type, 60))
	case len(b.Objects) == 0:
		return nil, invalid("bundle: has no objects")
	}
	return &b, nil
}

// Validate refuses what is no STIX bundle.
func (in ImportSTIXInput) Validate() error {
	switch {
	case (in.Bundle == "") == (in.FilePath == ""):
		return invalid("give either bundle or filePath")
	case in.FilePath != "":
		return nil
	case len(in.Bundle) > maxBundle:
		return invalid("bundle: has %d bytes, at most %d are allowed; give a larger one by filePath", len(in.Bundle), maxBundle)
	}
	_, err := readBundle([]byte(in.Bundle))
	return err
}

// bundle is the text that in names.
func (c *Client) bundle(in ImportSTIXInput) ([]byte, error) {
	switch {
	case in.FilePath == "":
		return []byte(in.Bundle), nil
	case c.files == "":
		return nil, errNoFolder
	}
	f, err := upload.Open(c.files, in.FilePath)
	if err != nil {
		return nil, invalid("filePath: %q %v", clip.Text(in.FilePath, 200), err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxBundleFile+1))
	switch {
	case err != nil:
		return nil, invalid("filePath: the file can't be read")
	case len(text) > MaxBundleFile:
		return nil, invalid("filePath: the file has more than %d bytes", MaxBundleFile)
	}
	return text, nil
}

var patternValue = lazyregexp.New(`'((?:[^'\\]|\\.)*)'`)

// imported returns what in would make indicators of. What can't be read is refused
// by the plan.
func (c *Client) imported(in ImportSTIXInput) []string {
	text, err := c.bundle(in)
	if err != nil {
		return nil
	}
	b, err := readBundle(text)
	if err != nil {
		return nil
	}
	return b.values()
}

// values returns those in the patterns of a bundle, which become indicators.
func (b *stixBundle) values() (values []string) {
	for _, o := range b.Objects {
		for _, m := range patternValue.Compiled().FindAllStringSubmatch(o.Pattern, -1) {
			if v := strings.ReplaceAll(m[1], `\`, ""); !smallNumber(v) && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	return values
}

// contents counts the objects of a bundle by type.
func (b *stixBundle) contents() string {
	counts := map[string]int{}
	for _, o := range b.Objects {
		counts[o.Type]++
	}
	var parts []string
	for _, t := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%d %s", counts[t], t))
	}
	return clip.Text(strings.Join(parts, ", "), 500)
}

// An ImportedEvent is the event that MISP made of a bundle.
type ImportedEvent struct {
	Event *EventSummary `json:"event"` // the event that it became
	// What the conversion loses.
	Note string `json:"note"`
}

func (e *ImportedEvent) brief() {
	if e.Event != nil {
		e.Event.brief()
	}
}

// ImportSTIX makes an event of a STIX 2 bundle, unpublished, for this community.
// A bundle that MISP exported has the UUID of its event: if that exists it is
// refused with [ErrExists]. Much is lost on the way; Note says what.
//
// MISP: POST /events/upload_stix/2
func (c *Client) ImportSTIX(ctx context.Context, in ImportSTIXInput) (*ImportedEvent, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	text, err := c.bundle(in)
	if err != nil {
		return nil, err
	}
	if _, err := readBundle(text); err != nil {
		return nil, err
	}
	type answer struct {
		Event *Event        `json:"Event"`
		Orgc  *Organisation `json:"Orgc"` // beside it, as all that is in other answers in the event
	}
	a, err := httpx.JSON[answer](c.has("Event")(c.wire.ImportSTIX(ctx, json.RawMessage(text))))
	if err != nil {
		return nil, err
	}
	if a.Event == nil || a.Event.ID == "" {
		return nil, fmt.Errorf("misp: importSTIX: the answer has no event; %w", gate.ErrOutcomeUnknown)
	}
	a.Event.Orgc = a.Orgc
	return &ImportedEvent{Event: a.Event.summary(), Note: stixLosses}, nil
}

func (c *Client) planImportSTIX(ctx context.Context, in ImportSTIXInput) (gate.Plan, error) {
	text, err := c.bundle(in)
	if err != nil {
		return gate.Plan{}, err
	}
	b, err := readBundle(text)
	if err != nil {
		return gate.Plan{}, err
	}
	if err := c.checkMay(ctx, nil, mayAdd); err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{
		Summary:  "Make an event in MISP of a STIX bundle. It is not published.",
		Targets:  []gate.Target{{Kind: "bundle", ID: clip.Text(b.ID, 60), Name: b.contents()}},
		Changes:  []gate.Change{gate.Set("objects", b.contents()), gate.Set("distribution", CommunityOnly), gate.Set("size", fmt.Sprintf("%d bytes", b.size)), gate.Set("SHA-256", b.sha256)},
		Undo:     "Delete the event (misp_delete_event).",
		Warnings: []string{stixLosses},
	}
	values := b.values()
	p.Count = len(values)
	for i, v := range values {
		p.Changes = append(p.Changes, gate.Set(fmt.Sprintf("value %d", i+1), v))
	}
	return p, c.warn(ctx, &p, values[:min(len(values), maxBulk)]...)
}
