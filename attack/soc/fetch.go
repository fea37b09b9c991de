package soc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Fetch gets what lies at an address, for [attack.Config]. It takes https only,
// or http on the machine itself, follows redirects to the same host only, and
// sends no credentials. Whoever reads bounds the size.
func Fetch(ctx context.Context, address string) (io.ReadCloser, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("soc: the address is malformed")
	}
	if u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, fmt.Errorf("soc: %s: want https, without credentials in the address", u.Redacted())
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		cancel()
		return nil, err
	}
	client := &http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= 5 || r.URL.Host != u.Host || r.URL.Scheme != u.Scheme {
			return errors.New("redirected elsewhere")
		}
		return nil
	}}
	res, err := client.Do(req)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("soc: fetch: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		res.Body.Close()
		cancel()
		return nil, fmt.Errorf("soc: fetch: %s answered %s", u.Host, res.Status)
	}
	return body{res.Body, cancel}, nil
}

// fetchTimeout bounds a whole download.
const fetchTimeout = 15 * time.Minute

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// body ends the context of its request when it is closed.
type body struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
