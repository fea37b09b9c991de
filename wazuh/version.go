package wazuh

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// ErrUnsupported means that the version of the Wazuh at hand has nothing that
// could answer. The error's text names the version.
var ErrUnsupported = errors.New("wazuh: not supported by this version")

// GetWazuhVersionInput is the input of [Client.GetWazuhVersion].
type GetWazuhVersionInput struct{}

// A Version is what the server API says of itself.
type Version struct {
	Title      string `json:"title,omitempty"`
	APIVersion string `json:"api_version"`
	Revision   string `json:"revision,omitempty"`
	License    string `json:"license,omitempty"`
	Hostname   string `json:"hostname,omitempty"`
	Timestamp  string `json:"timestamp,omitempty"`
	Pinned     string `json:"pinned,omitempty" jsonschema:"The version that the operator's settings say instead."`
}

// GetWazuhVersion returns what the server API says of itself.
//
// Wazuh: GET /
func (c *Client) GetWazuhVersion(ctx context.Context, _ GetWazuhVersionInput) (*Version, error) {
	type answer struct { // the server has it below data, the API's description doesn't
		Version
		LicenseName string    `json:"license_name"`
		Data        wire.Info `json:"data"`
	}
	a, err := httpx.JSON[answer](c.wire.GetInfo(withSession(ctx)))
	if err != nil {
		return nil, err
	}
	v := &a.Version
	if d := a.Data; d.APIVersion != "" {
		v = &Version{Title: d.Title, APIVersion: d.APIVersion, Revision: d.Revision, Hostname: d.Hostname, Timestamp: d.Timestamp}
		a.LicenseName = d.LicenseName
	}
	if v.APIVersion == "" {
		return nil, errors.New("wazuh: getInfo: the answer names no version")
	}
	v.License, v.Pinned = a.LicenseName, c.pinned
	return v, nil
}

// major returns the first number of a version such as "v4.14.7".
func major(version string) (int, error) {
	first, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(first)
	if err != nil || n < 4 || n > 5 {
		return 0, fmt.Errorf("%w: Wazuh %q; 4 and 5 are", ErrUnsupported, clip(version))
	}
	return n, nil
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
