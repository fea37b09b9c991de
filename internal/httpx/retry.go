package httpx

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
)

const (
	minWait     = 200 * time.Millisecond // before the first retry; each further one is twice as long
	gatewayWait = 500 * time.Millisecond // the same, after a gateway's 502 and 503
	timeoutWait = 2 * time.Second        // and after its 504: the platform may still be at work
)

// exchange sends req, as often as [Client.again] wants it and the policy allows, and has
// read take the answer: all of it, or, of the last one of those that should have been
// another, no more than says why.
func (c *Client) exchange(req *http.Request, read func(res *http.Response, whole bool) error) error {
	ctx, policy := req.Context(), c.o.Connect.Retry
	for attempt := 0; ; attempt++ {
		if req.GetBody != nil {
			var err error
			if req.Body, err = req.GetBody(); err != nil {
				return err
			}
		}
		last := attempt+1 >= policy.Attempts
		res, again, err := c.try(req, last, read)
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if !again || last {
			return err
		}
		e, _ := connect.EndpointFrom(ctx)
		status := 0
		if res != nil {
			status = res.StatusCode
		}
		c.o.Connect.Logger.DebugContext(ctx, "retry", "system", c.o.System, "op", e.ID, "status", status, "answered", err == nil)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(backoff(policy.MaxWait, attempt, res)):
		}
		next := *req // the transport may still look at the one before
		req = &next
	}
}

// try sends req once, within the time-out of an attempt, and has read take the answer unless
// there should be another and this try isn't the last; then res is it, without its body. again
// is whether there should be another.
func (c *Client) try(req *http.Request, last bool, read func(res *http.Response, whole bool) error) (res *http.Response, again bool, err error) {
	ctx := req.Context()
	within, cancel := context.WithTimeout(ctx, c.o.Connect.Timeout) // that of http.Client costs a goroutine
	defer cancel()
	res, err = c.http.Do(req.WithContext(within))
	again = c.again(ctx, res, err)
	switch {
	case res == nil:
	case again && !last:
		_, _ = io.CopyN(io.Discard, res.Body, maxErrorBody) // read, the connection is good for the next
		_ = res.Body.Close()
	default:
		err = read(res, !again)
		_ = res.Body.Close() // it is read, or can't be
		again = err != nil && c.again(ctx, nil, err)
		res = nil
	}
	return res, again, err
}

// again repeats reads after 429, 502, 503, 504 and lost connections, and
// writes only where they can't have begun: after 429, when nobody was reached and when
// the gate kept them for too long.
// That a write is idempotent doesn't matter: after an ambiguous failure nothing is
// repeated without a probe. A second DELETE would find nothing and make an
// executed call look failed, and a second PATCH would undo what someone else
// changed in between. It rather keeps an answer than sleep past the deadline, or
// longer than the policy allows.
func (c *Client) again(ctx context.Context, res *http.Response, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	e, _ := connect.EndpointFrom(ctx)
	if err != nil {
		return retryError(e, err)
	}
	if !repeatable(e, res) {
		return false
	}
	wait := retryAfter(res.Header)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= max(wait, minWait) {
		return false
	}
	return wait <= c.o.Connect.Retry.MaxWait
}

// repeatable reports whether a request that was answered so may be sent again. A
// search that a gateway gave up on may still run, and would only be started twice.
func repeatable(e gate.Endpoint, res *http.Response) bool {
	switch res.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return readsAgain(e)
	case http.StatusGatewayTimeout:
		return readsAgain(e) && (e.Method == http.MethodGet || res.Header.Get("Retry-After") != "")
	}
	return false
}

func readsAgain(e gate.Endpoint) bool { return e.Idempotent && e.Tier == gate.TierRead }

func retryError(e gate.Endpoint, err error) bool {
	var unsent *kept
	if errors.As(err, &unsent) {
		return true
	}
	var refused *gate.RefusedError
	var large *tooLarge
	var proxy *connect.ProxyError
	var pin *connect.FingerprintError
	var cert *tls.CertificateVerificationError
	if errors.As(err, &refused) || errors.As(err, &large) || errors.As(err, &proxy) || errors.As(err, &pin) || errors.As(err, &cert) {
		return false
	}
	if readsAgain(e) {
		return !isTimeout(err) && !isTLSAlert(err) && !strings.Contains(err.Error(), "invalid header")
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// isTLSAlert reports whether the other side ended the handshake: it will again.
func isTLSAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// retryAfter is what a server asks us to wait, or 0.
func retryAfter(h http.Header) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		v = h.Get("X-Rate-Limit-Reset")
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && n > 0 {
		return time.Duration(min(n, maxRetryAfter)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(at).Round(time.Second))
	}
	return 0
}

const maxRetryAfter = 7 * 24 * 3600 // seconds; more is nonsense

// backoff is what the server asks for, or else twice as long each time, up to most.
func backoff(most time.Duration, attempt int, res *http.Response) time.Duration {
	lo := minWait
	if res != nil {
		if d := retryAfter(res.Header); d > 0 {
			return d
		}
		switch res.StatusCode {
		case http.StatusBadGateway, http.StatusServiceUnavailable:
			lo = gatewayWait
		case http.StatusGatewayTimeout:
			lo = timeoutWait
		}
		if res.Header.Get("Retry-After") == "0" {
			lo = minWait
		}
	}
	return min(most, lo<<attempt)
}
