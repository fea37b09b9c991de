package wazuh

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// ErrUnsupported means that the version of the Wazuh at hand has nothing that
// could answer. The error's text names the version.
var ErrUnsupported = errors.New("wazuh: not supported by this version")

// GetWazuhVersionInput is the input of [Client.GetWazuhVersion].
type GetWazuhVersionInput struct{}

// A Version is what the server API says of itself.
type Version struct {
	Title      string    `json:"title,omitempty"`    // what the API calls itself
	APIVersion string    `json:"api_version"`        // the API's version
	Revision   string    `json:"revision,omitempty"` // the build
	License    string    `json:"license,omitempty"`  // the licence
	Hostname   string    `json:"hostname,omitempty"` // the host's name
	Timestamp  time.Time `json:"timestamp,omitzero"` // the manager's clock
	// The version that the operator's settings say instead.
	Pinned string `json:"pinned,omitempty"`
}

// GetWazuhVersion returns what the server API says of itself.
//
// Wazuh: GET /
func (c *Client) GetWazuhVersion(ctx context.Context, _ GetWazuhVersionInput) (*Version, error) {
	type answer struct { // the server has it below data, the API's description doesn't
		Version
		LicenseName string    `json:"license_name"`
		Clock       string    `json:"timestamp"`
		Data        wire.Info `json:"data"`
	}
	a, err := httpx.JSON[answer](c.wire.GetInfo(withSession(ctx)))
	if err != nil {
		return nil, err
	}
	v := &a.Version
	if d := a.Data; d.APIVersion != "" {
		v = &Version{Title: d.Title, APIVersion: d.APIVersion, Revision: text(d.Revision), Hostname: d.Hostname}
		a.LicenseName, a.Clock = d.LicenseName, d.Timestamp
	}
	if v.APIVersion == "" {
		return nil, errors.New("wazuh: getInfo: the answer names no version")
	}
	v.Timestamp, _ = parseTime(a.Clock)
	v.License, v.Pinned = a.LicenseName, c.pinned
	return v, nil
}

// major returns the first number of a version such as "v4.14.7".
func major(version string) (int, error) {
	first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(first)
	if err != nil || n < 4 || n > 5 {
		return 0, fmt.Errorf("%w: Wazuh %q; 4 and 5 are", ErrUnsupported, clip.Text(version, shownBytes))
	}
	return n, nil
}

// minor returns the second number of a version, or -1 where it has none, as
// when the settings name "4" alone.
func minor(version string) int {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 2 {
		return -1
	}
	n, err := strconv.Atoi(parts[1])
	if err != nil {
		return -1
	}
	return n
}

// before4 reports whether the server is a Wazuh 4 older than 4.n, and which it is.
func (c *Client) before4(ctx context.Context, n int) (string, bool, error) {
	v, err := c.release(ctx)
	if err != nil {
		return v, false, err
	}
	if first, err := major(v); err != nil || first > 4 {
		return v, false, err
	}
	m := minor(v)
	return v, m >= 0 && m < n, nil
}

// What came to the indexer with a version after 4.0, by the beginning of its indices' names.
var cameWith = []struct {
	index string
	minor int
	what  string
}{
	{"wazuh-states-vulnerabilities", 8, "vulnerabilities are"},
	{"wazuh-states-inventory-", 13, "the inventory of the fleet is"},
	{"wazuh-states-fim-", 13, "the files that are watched are"},
}

// incomplete says why hits may be missing from f, or nothing. Where no index
// matches, the server's version may be why.
func (c *Client) incomplete(ctx context.Context, f *indexer.Found, index string) string {
	why := incomplete(f, c.placed(index))
	if f.Shards.Total > 0 || why == "" {
		return why
	}
	for _, w := range cameWith {
		if !strings.HasPrefix(index, w.index) {
			continue
		}
		if v, older, err := c.before4(ctx, w.minor); err == nil && older {
			return fmt.Sprintf("this server is Wazuh %s: %s in the indexer from Wazuh 4.%d on", strings.TrimPrefix(v, "v"), w.what, w.minor)
		}
	}
	return why
}

// release returns the server's version, which is asked for once. Those who
// come while it is being asked wait.
func (c *Client) release(ctx context.Context) (string, error) {
	select {
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	case <-ctx.Done():
		return "", fmt.Errorf("wazuh: version: %w", ctx.Err())
	}
	if c.version == "" {
		v, err := c.GetWazuhVersion(ctx, GetWazuhVersionInput{})
		if err != nil {
			return "", fmt.Errorf("wazuh: the server's version is not known: %w", err)
		}
		c.version = v.APIVersion
	}
	return c.version, nil
}

// five reports whether the server is a Wazuh 5.
func (c *Client) five(ctx context.Context) (bool, error) {
	v, err := c.release(ctx)
	if err != nil {
		return false, err
	}
	n, err := major(v)
	return n == 5, err
}

// only4 returns [ErrUnsupported] for a Wazuh 5, which has no what.
func (c *Client) only4(ctx context.Context, what string) error {
	five, err := c.five(ctx)
	if err != nil || !five {
		return err
	}
	return fmt.Errorf("%w: Wazuh %s serves no %s", ErrUnsupported, c.version, what)
}

// from4 returns [ErrUnsupported] for a Wazuh 4 older than 4.n, which has no what.
func (c *Client) from4(ctx context.Context, n int, what string) error {
	v, older, err := c.before4(ctx, n)
	if err != nil || !older {
		return err
	}
	return fmt.Errorf("%w: Wazuh %s serves no %s; Wazuh 4.%d and later do", ErrUnsupported, strings.TrimPrefix(v, "v"), what, n)
}
