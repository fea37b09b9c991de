package mcpadapter

import (
	"context"
	"errors"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/sallyport-soc/sallyport/gate"
)

type principalKey struct{}

// withPrincipal makes the authenticated user, if the transport knows one, the
// principal of the call, and tells the gate of one that came over HTTP.
func withPrincipal(ctx context.Context, extra *mcp.RequestExtra) (context.Context, error) {
	if extra == nil || extra.TokenInfo == nil && extra.Header == nil {
		return ctx, nil
	}
	ctx = gate.WithHTTP(ctx, extra.TokenInfo != nil)
	if extra.TokenInfo == nil {
		return ctx, nil
	}
	user := extra.TokenInfo.UserID
	if user == "" {
		return ctx, errors.New("the access token names no user, so nobody could be held to this call")
	}
	return gate.WithPrincipal(context.WithValue(ctx, principalKey{}, user), user), nil
}

// principalOf returns the authenticated user, or "".
func principalOf(ctx context.Context) string {
	user, _ := ctx.Value(principalKey{}).(string)
	return user
}
