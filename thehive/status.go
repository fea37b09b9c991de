package thehive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// oldest is the first major version that this package speaks to.
const oldest = 5

// StatusInput is the input of [Client.Status].
type StatusInput struct{}

// A Status says how a TheHive is.
type Status struct {
	Version string `json:"version"` // the version of TheHive
	// Whether this client speaks to that version.
	Supported bool `json:"supported"`
	// The other systems that it is connected to.
	Connectors []Connector `json:"connectors,omitempty"`
	// What is missing here, and why.
	Note string `json:"note,omitempty"`
}

// A Connector is TheHive's connection to another system.
type Connector struct {
	// cortex, misp, …
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"` // whether it is switched on
	// OK, WARNING or ERROR.
	Status  string      `json:"status,omitempty"`
	Servers []Connected `json:"servers,omitempty"` // the servers behind it
}

// Connected is one server behind a [Connector].
type Connected struct {
	// The cortexId or MISP name that calls refer to.
	Name    string `json:"name"`
	Version string `json:"version,omitempty"` // the server's version
	Status  string `json:"status,omitempty"`  // how it is: OK, AUTH_ERROR, …
}

// Status says which version TheHive has and how its connectors are. The
// server's configuration, which holds secrets, stays out of it.
//
// TheHive: GET /api/v1/status/public, GET /api/v1/status
func (c *Client) Status(ctx context.Context, _ StatusInput) (*Status, error) {
	version, err := c.readVersion(ctx)
	if err != nil {
		return nil, err
	}
	s := &Status{Version: version, Supported: major(version) >= oldest}
	if !s.Supported {
		s.Note = (&VersionError{Version: version}).Error()
		return s, nil
	}
	got, err := httpx.JSON[wire.Status](c.wire.GetStatus(ctx))
	var e *Error
	switch {
	case errors.As(err, &e):
		s.Note = "The connectors can't be told: " + e.Error()
		return s, nil
	case err != nil:
		return nil, err
	}
	s.Connectors = connectors(got.Connectors)
	return s, nil
}

// connectors reads what the server says of its connectors and nothing else.
func connectors(b json.RawMessage) []Connector {
	var byName map[string]struct {
		Enabled bool        `json:"enabled"`
		Status  string      `json:"status"`
		Servers []Connected `json:"servers"`
	}
	if json.Unmarshal(b, &byName) != nil {
		return nil
	}
	var list []Connector
	for _, name := range sortedKeys(byName) {
		v := byName[name]
		list = append(list, Connector{Name: name, Enabled: v.Enabled, Status: v.Status, Servers: v.Servers})
	}
	return list
}

// A VersionError says that a server is one that this package doesn't speak to.
// It matches [ErrVersion].
type VersionError struct {
	Version string // what the server says it is
}

// Error returns which version it is and why that won't do.
func (e *VersionError) Error() string {
	return fmt.Sprintf("thehive: the server is TheHive %s; this client needs %d.0 or newer, since older ones drop fields of its requests without a word", e.Version, oldest)
}

// Is reports whether target is [ErrVersion].
func (e *VersionError) Is(target error) bool { return target == ErrVersion }

// readVersion asks the server for its version, which needs no key. TheHive 4
// answers under an older path only.
func (c *Client) readVersion(ctx context.Context) (string, error) {
	s, err := httpx.JSON[wire.PublicStatus](c.wire.GetPublicStatus(ctx))
	if err == nil && s.Version != "" {
		return s.Version, nil
	}
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return "", err
	}
	old, lerr := httpx.JSON[wire.LegacyStatus](c.wire.GetLegacyStatus(ctx))
	switch {
	case lerr == nil && old.Versions.TheHive != "":
		return old.Versions.TheHive, nil
	case err != nil:
		return "", err
	}
	return "", fmt.Errorf("thehive: the server doesn't tell its version")
}

// checkVersion refuses a server that is too old. It asks once; a server, or a
// proxy in front of it, that tells nobody its version is taken for a new one.
func (c *Client) checkVersion(ctx context.Context) error {
	if known := c.version.Load(); known != nil {
		return versionError(*known)
	}
	version, err := c.readVersion(ctx)
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return err
	}
	if e != nil && (e.Status == 429 || e.Status >= 500) {
		return err // passing: ask again next time
	}
	c.version.Store(&version)
	return versionError(version)
}

func versionError(version string) error {
	if m := major(version); m > 0 && m < oldest {
		return &VersionError{Version: version}
	}
	return nil
}

// major is the first number of a version, 0 if it has none.
func major(version string) int {
	first, _, _ := strings.Cut(strings.TrimSpace(version), ".")
	n, _ := strconv.Atoi(first) // what isn't a number is no version that we know
	return n
}
