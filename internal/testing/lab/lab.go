// Package lab runs the four platforms, simulated, on the loopback interface,
// with one incident in them that fits together.
package lab

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// A Lab is a set of running platforms.
type Lab struct {
	Wazuh   *wazuhtest.Server
	TheHive *thehivetest.Server
	Cortex  *cortextest.Server
	MISP    *misptest.Server

	urls    []string // manager, indexer, TheHive, Cortex, MISP
	env     []string
	servers []*http.Server
}

// Start starts the platforms, seeded with the incident, each on a free port of
// 127.0.0.1 or, if base isn't 0, on base, base+1 and so on. Close stops them.
func Start(base int) (*Lab, error) {
	l := &Lab{Wazuh: wazuhtest.NewServer(), TheHive: thehivetest.NewServer(), Cortex: cortextest.NewServer(), MISP: misptest.NewServer()}
	l.Wazuh.SeedIncident()
	l.TheHive.SeedIncident()
	l.MISP.SeedIncident()
	for i, p := range []struct {
		handler http.Handler
		env     []string // %s stands for the address
	}{
		{l.Wazuh.Manager(), []string{"WAZUH_URL=%s", "WAZUH_USERNAME=" + wazuhtest.User, "WAZUH_PASSWORD=" + wazuhtest.Password}},
		{l.Wazuh.Indexer(), []string{"WAZUH_INDEXER_URL=%s", "WAZUH_INDEXER_USERNAME=" + wazuhtest.IndexerUser, "WAZUH_INDEXER_PASSWORD=" + wazuhtest.IndexerPassword}},
		{l.TheHive, []string{"THEHIVE_URL=%s", "THEHIVE_API_KEY=" + thehivetest.Key}},
		{l.Cortex, []string{"CORTEX_URL=%s", "CORTEX_API_KEY=" + cortextest.Key}},
		{l.MISP, []string{"MISP_URL=%s", "MISP_API_KEY=" + misptest.AdminKey}},
	} {
		port := 0
		if base != 0 {
			port = base + i
		}
		address, err := l.serve(port, p.handler)
		if err != nil {
			return nil, errors.Join(err, l.Close())
		}
		l.urls = append(l.urls, address)
		for _, e := range p.env {
			l.env = append(l.env, strings.Replace(e, "%s", address, 1))
		}
	}
	return l, nil
}

func (l *Lab) serve(port int, h http.Handler) (string, error) {
	ln, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	l.servers = append(l.servers, s)
	go s.Serve(ln) //nolint:errcheck // it ends with http.ErrServerClosed
	return "http://" + ln.Addr().String(), nil
}

// Configs returns the configurations that connect clients to the lab.
func (l *Lab) Configs() (wazuh.Config, thehive.Config, cortex.Config, misp.Config) {
	return wazuh.Config{
			BaseURL: l.urls[0], Username: wazuhtest.User, Password: wazuhtest.Password,
			Indexer: wazuh.IndexerConfig{BaseURL: l.urls[1], Username: wazuhtest.IndexerUser, Password: wazuhtest.IndexerPassword},
		},
		thehive.Config{BaseURL: l.urls[2], APIKey: thehivetest.Key},
		cortex.Config{BaseURL: l.urls[3], APIKey: cortextest.Key},
		misp.Config{BaseURL: l.urls[4], APIKey: misptest.AdminKey}
}

// Env returns the environment that connects clients to the lab, as NAME=value.
func (l *Lab) Env() []string { return l.env }

// Close stops the platforms at once.
func (l *Lab) Close() error {
	var errs []error
	for _, s := range l.servers {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// ForTest starts a lab for a test of a program that is configured by the
// environment, which it sets, and stops it when the test ends.
func ForTest(tb interface {
	Helper()
	Fatal(args ...any)
	Cleanup(end func())
	Setenv(name, value string)
}) *Lab {
	tb.Helper()
	l, err := Start(0)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	for _, e := range l.Env() {
		name, value, _ := strings.Cut(e, "=")
		tb.Setenv(name, value)
	}
	return l
}
