package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
)

const (
	minWait     = 200 * time.Millisecond // before the first retry; each further one is twice as long
	gatewayWait = 500 * time.Millisecond // the same, after a gateway's 502 and 503
	timeoutWait = 2 * time.Second        // and after its 504: the platform may still be at work
)

// checkRetry repeats reads after 429, 502, 503, 504 and lost connections, and
// writes only where they can't have begun: after 429 and when nobody was reached.
// That a write is idempotent doesn't matter: after an ambiguous failure nothing is
// repeated without a probe. A second DELETE would find nothing and make an
// executed call look failed, and a second PATCH would undo what someone else
// changed in between. It rather keeps an answer than sleep past the deadline, or
// longer than the policy allows.
func (c *Client) checkRetry(ctx context.Context, res *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	e, _ := connect.EndpointFrom(ctx)
	again, status := false, 0
	if err != nil {
		again = retryError(ctx, e, err)
	} else {
		status = res.StatusCode
		again = repeatable(e, res)
		wait := retryAfter(res.Header)
		if deadline, ok := ctx.Deadline(); ok {
			again = again && time.Until(deadline) > max(wait, minWait)
		}
		again = again && wait <= c.o.Connect.Retry.MaxWait
	}
	if again && c.o.Connect.Retry.Attempts > 1 {
		c.o.Connect.Logger.DebugContext(ctx, "retry", "system", c.o.System, "op", e.ID, "status", status, "answered", err == nil)
	}
	return again, nil
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

func retryError(ctx context.Context, e gate.Endpoint, err error) bool {
	var refused *gate.RefusedError
	var large *tooLarge
	var proxy *connect.ProxyError
	var pin *connect.FingerprintError
	if errors.As(err, &refused) || errors.As(err, &large) || errors.As(err, &proxy) || errors.As(err, &pin) {
		return false
	}
	if readsAgain(e) {
		again, _ := retryablehttp.DefaultRetryPolicy(ctx, nil, err) // not after a bad certificate or URL
		return again && !isTimeout(err) && !isTLSAlert(err)
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

// backoff is what the server asks for, or else twice as long each time.
func backoff(lo, hi time.Duration, attempt int, res *http.Response) time.Duration {
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
	return min(hi, lo<<attempt)
}
