package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/sallyport-soc/sallyport/gate"
)

// checkRetry repeats reads after 429, 502, 503, 504 and lost connections, and
// writes only where they can't have begun: after 429 and when nobody was reached.
// That a write is idempotent doesn't matter: after an ambiguous failure nothing is
// repeated without a probe. A second DELETE would find nothing and make an
// executed call look failed, and a second PATCH would undo what someone else
// changed in between. It rather keeps an answer than sleep past the deadline.
func checkRetry(ctx context.Context, res *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	e, _ := ctx.Value(endpointKey{}).(gate.Endpoint)
	if err != nil {
		return retryError(ctx, e, err), nil
	}
	again := false
	switch res.StatusCode {
	case http.StatusTooManyRequests:
		again = true
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = repeatable(e)
	}
	if deadline, ok := ctx.Deadline(); again && ok {
		again = time.Until(deadline) > max(retryAfter(res), minWait)
	}
	return again, nil
}

func repeatable(e gate.Endpoint) bool { return e.Idempotent && e.Tier == gate.TierRead }

func retryError(ctx context.Context, e gate.Endpoint, err error) bool {
	var refused *gate.RefusedError
	var large *tooLarge
	if errors.As(err, &refused) || errors.As(err, &large) {
		return false
	}
	if repeatable(e) {
		again, _ := retryablehttp.DefaultRetryPolicy(ctx, nil, err) // not after a bad certificate or URL
		return again && !isTimeout(err)
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// retryAfter is what the server asks us to wait, at most maxWait.
func retryAfter(res *http.Response) time.Duration {
	return backoff(minWait, maxWait, 0, res)
}

// backoff is the library's, with a cap on what a server can ask for.
func backoff(lo, hi time.Duration, attempt int, res *http.Response) time.Duration {
	d := retryablehttp.DefaultBackoff(lo, hi, attempt, res)
	if d < 0 || d > hi {
		return hi
	}
	return d
}
