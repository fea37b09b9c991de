package httpx

import (
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
)

// Findings says of each leg on the way to a platform whether it stands, by the
// outcome of the first request that carried a credential: up to credentials.
func (c *Client) Findings(of string, err error) []connect.Finding {
	var list []connect.Finding
	add := func(leg connect.Leg, h connect.Health, message, advice string) {
		list = append(list, connect.Finding{Of: of, Leg: leg, Status: h, Message: message, Advice: advice})
	}
	setting := func(names ...string) string {
		for i := range names {
			names[i] = c.o.Prefix + names[i]
		}
		return strings.Join(names, " and ")
	}
	failed := connect.LegOf(err)
	switch failed {
	case connect.LegName, connect.LegConnection:
		add(failed, connect.Broken, err.Error(), "check name and port in "+setting("URL")+", that the server runs, and that nothing in between blocks it")
		return list
	case connect.LegProxy:
		add(failed, connect.Broken, err.Error(), "check "+setting("PROXY")+", or HTTPS_PROXY and NO_PROXY")
		return list
	}
	add(connect.LegConnection, connect.Healthy, "something answers at "+c.base.Redacted(), "")
	switch {
	case failed == connect.LegTLS:
		add(failed, connect.Broken, err.Error(), "set "+setting("CA_FILE")+" to the authority of the server's certificate, "+setting("TLS_SERVER_NAME")+" to a name that it is for, or "+
			setting("TLS_FINGERPRINT")+" to its own fingerprint; and "+setting("CLIENT_CERT_FILE", "CLIENT_KEY_FILE")+" if it asks for ours")
		return list
	case c.base.Scheme == "http":
		h, message, advice := Plain(c.base, setting("URL"))
		add(connect.LegTLS, h, message, advice)
	case c.o.Connect.SkipTLSVerify:
		add(connect.LegTLS, connect.Warning, "encrypted, with whomever: the certificate is not verified", "set "+setting("CA_FILE")+" to its authority, or "+setting("TLS_FINGERPRINT")+", and "+setting("VERIFY_SSL")+" to true")
	case c.o.Connect.TLSFingerprint != "":
		add(connect.LegTLS, connect.Healthy, "the certificate is the one whose fingerprint is set", "")
	default:
		add(connect.LegTLS, connect.Healthy, "the certificate is good", "")
	}
	switch {
	case err == nil, errors.Is(err, connect.ErrForbidden):
		add(connect.LegCredentials, connect.Healthy, "accepted", "")
	case failed == connect.LegCredentials:
		add(failed, connect.Broken, err.Error(), "check "+setting(c.o.Credentials...))
	case errors.Is(err, connect.ErrRateLimited):
		add(connect.LegAnswer, connect.Broken, err.Error(), "wait: the server takes no more requests for now, or has locked this address out")
	default:
		add(connect.LegAnswer, connect.Broken, err.Error(), "check "+setting("URL")+": "+Elsewhere(c.base)+"; or the server isn't ready")
	}
	return list
}

// Plain judges a connection without TLS, whose address a setting holds.
func Plain(to *url.URL, setting string) (h connect.Health, message, advice string) {
	if isLoopback(to.Hostname()) {
		return connect.Healthy, "not encrypted, within this machine", ""
	}
	return connect.Warning, "not encrypted: credentials and data travel in the clear", "use an https address in " + setting
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
