package wazuh

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/wazuh/internal/indexer"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// Health is the outcome of a check of the connection.
type Health = connect.Health

// The outcomes, from good to bad.
const (
	Healthy = connect.Healthy
	Warning = connect.Warning
	Broken  = connect.Broken
)

// DiagnoseConnectionInput is the input of [Client.DiagnoseConnection].
type DiagnoseConnectionInput struct {
	// Try them, not only look at the settings.
	CheckConnectivity *bool `json:"check_connectivity,omitempty"`
}

// SetDefaults fills the fields left out.
func (in *DiagnoseConnectionInput) SetDefaults() {
	if in.CheckConnectivity == nil {
		yes := true
		in.CheckConnectivity = &yes
	}
}

// A ConnectionCheck is one thing that was looked at.
type ConnectionCheck struct {
	Name    string `json:"name"`    // its name
	Status  Health `json:"status"`  // its status
	Message string `json:"message"` // what came of it
	// What to do about it.
	Advice string `json:"advice,omitempty"`
}

// Settings are what a client was configured with, without what is secret.
type Settings struct {
	URL       string `json:"url"`        // where it is
	VerifySSL bool   `json:"verify_ssl"` // whether its certificate is verified
	TimeoutMS int64  `json:"timeout_ms"` // how long an attempt may take, in milliseconds
}

// A Diagnosis says whether Wazuh can be reached and read.
type Diagnosis struct {
	// That of the worst check.
	Status  Health   `json:"status"`
	Manager Settings `json:"manager"` // how the manager is reached
	// Absent when none is configured.
	Indexer *Settings         `json:"indexer,omitempty"`
	Version string            `json:"version,omitempty"` // the manager's version
	Checks  []ConnectionCheck `json:"checks"`            // what was checked
}

//go:noinline // its many callers would have a copy each
func (d *Diagnosis) add(name string, status Health, message, advice string) {
	d.Checks = append(d.Checks, ConnectionCheck{Name: name, Status: status, Message: message, Advice: advice})
	if status == Broken || status == Warning && d.Status == Healthy {
		d.Status = status
	}
}

// DiagnoseConnection proves each leg of the way to Wazuh: settings, TLS,
// credentials, permissions, and whether there is anything in the indices. What
// fails is in the answer with advice; it is no error.
//
// Wazuh: GET / and /agents; indexer: GET / and a search of each kind of index
func (c *Client) DiagnoseConnection(ctx context.Context, in DiagnoseConnectionInput) (*Diagnosis, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	d := &Diagnosis{Status: Healthy, Manager: c.settings[0], Checks: []ConnectionCheck{}}
	d.look("manager", "WAZUH", c.settings[0])
	if c.indexer == nil {
		d.add("indexer settings", Warning, "no indexer is configured: alerts, vulnerabilities and the fleet's inventory cannot be read", "set WAZUH_INDEXER_URL, WAZUH_INDEXER_USERNAME and WAZUH_INDEXER_PASSWORD")
	} else {
		d.Indexer = &c.settings[1]
		d.look("indexer", "WAZUH_INDEXER", c.settings[1])
	}
	if !*in.CheckConnectivity {
		return d, nil
	}
	c.diagnoseManager(ctx, d)
	if c.indexer != nil {
		c.diagnoseIndexer(ctx, d)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wazuh: diagnosis: %w", err)
	}
	return d, nil
}

// look judges settings by themselves.
func (d *Diagnosis) look(name, prefix string, s Settings) {
	switch to, err := url.Parse(s.URL); {
	case err == nil && to.Scheme == "http":
		h, message, advice := httpx.Plain(to, prefix+"_URL")
		d.add(name+" settings", h, message, advice)
	case !s.VerifySSL:
		d.add(name+" settings", Warning, "the certificate is not verified: anybody on the way can pose as the server", "name its authority by a CA file and verify again")
	default:
		d.add(name+" settings", Healthy, "https with a verified certificate", "")
	}
}

func (c *Client) diagnoseManager(ctx context.Context, d *Diagnosis) {
	v, err := c.GetWazuhVersion(ctx, GetWazuhVersionInput{})
	if !d.reached("manager", "WAZUH", d.Manager, err) {
		return
	}
	if err != nil {
		d.add("manager login", Broken, err.Error(), advice(err, "WAZUH", d.Manager))
		return
	}
	d.Version = v.APIVersion
	d.add("manager login", Healthy, "logged in; the server API is "+v.APIVersion, "")
	if _, err := major(v.APIVersion); err != nil {
		d.add("manager version", Broken, err.Error(), "use a Wazuh of version 4 or 5")
	}
	r, err := list[wire.Agent](c.wire.ListAgents(withSession(ctx), wire.ListAgentsParams{Limit: 1, Select: []string{"id"}}))
	switch {
	case err != nil:
		what := "look at the manager's own log"
		if errors.Is(err, ErrForbidden) {
			what = "give the user a role that may read agents"
		}
		d.add("manager permissions", Broken, err.Error(), what)
	case r.total == 0:
		d.add("manager permissions", Warning, "the user sees no agent at all; Wazuh leaves out of lists what a role may not read", "give the user a role that may read agents")
	default:
		d.add("manager permissions", Healthy, fmt.Sprintf("%d agents can be read", r.total), "")
	}
	if c.session.several() {
		d.add("manager nodes", Warning, "several nodes of a cluster share the address, each of which refuses the tokens of the others", "name the master's own address in WAZUH_URL, or have what stands before the nodes send all requests to the master")
	}
}

func (c *Client) diagnoseIndexer(ctx context.Context, d *Diagnosis) {
	if isPattern(d.Indexer.URL) {
		d.add("indexer settings", Broken, "WAZUH_INDEXER_URL is the address alone, and this one has an index behind it: "+d.Indexer.URL, "cut what stands behind the port; WAZUH_ALERT_INDEX says which indices hold the alerts")
		return
	}
	i, err := httpx.JSON[indexer.Info](c.indexer.GetInfo(ctx))
	if !d.reached("indexer", "WAZUH_INDEXER", *d.Indexer, err) {
		return
	}
	switch {
	case errors.Is(err, ErrForbidden): // a reader of some indices need not have this permission
		d.add("indexer login", Healthy, "logged in; the user may not ask for the version, which is not needed", "")
	case err != nil:
		d.add("indexer login", Broken, err.Error(), advice(err, "WAZUH_INDEXER", *d.Indexer))
		return
	case i.Version.Distribution == "": // Wazuh has its indexer say that it is an older product
		d.add("indexer login", Healthy, fmt.Sprintf("logged in; it says that its version is %s, which Wazuh has it say whatever it is", i.Version.Number), "")
	default:
		d.add("indexer login", Healthy, fmt.Sprintf("logged in; %s %s", i.Version.Distribution, i.Version.Number), "")
	}
	alerts, sender := alertIndex, "Filebeat runs on the manager and sends to this indexer"
	if index, five, err := c.alertIndex(ctx); err == nil {
		if alerts = index; five {
			sender = "the manager's connection to this indexer works"
		}
	}
	for _, index := range []struct{ name, pattern, empty string }{
		{"alerts", alerts, "check that " + sender},
		{"vulnerabilities", vulnerabilityIndex, "check that vulnerability detection is enabled and its indexer connector works"},
		{"inventory", inventoryIndex("packages"), "the fleet's inventory needs Wazuh 4.13 or later and the indexer connector"},
	} {
		s, err := newSearch(nil, 0, 0, nil)
		if err != nil {
			d.add("indexer "+index.name, Broken, err.Error(), "")
			continue
		}
		f, err := c.searchAlerts(ctx, index.pattern, *s)
		pattern := c.placed(index.pattern)
		switch {
		case err != nil:
			what := "look at the health of the indexer's cluster"
			if errors.Is(err, ErrForbidden) {
				what = "give the user a role that may read " + pattern
			}
			d.add("indexer "+index.name, Broken, err.Error(), what)
		case f.Shards.Total == 0:
			d.add("indexer "+index.name, Warning, incomplete(f, pattern), index.empty+", or give the user a role that may read "+pattern)
		case incomplete(f, pattern) != "":
			d.add("indexer "+index.name, Warning, incomplete(f, pattern), "look at the health of the indexer's cluster")
		default:
			n := 0
			if f.Hits.Total != nil {
				n = f.Hits.Total.Value
			}
			d.add("indexer "+index.name, Healthy, fmt.Sprintf("%d documents can be read", n), "")
		}
	}
}

// reached tells, by the outcome of the first request, how far it came: whether
// there is a connection, and whether TLS stands. It reports whether an answer came.
func (d *Diagnosis) reached(name, prefix string, s Settings, err error) bool {
	secure := strings.HasPrefix(s.URL, "https://")
	switch connect.LegOf(err) {
	case connect.LegTLS:
		d.add(name+" connection", Healthy, "something answers at "+s.URL, "")
		d.add(name+" TLS", Broken, err.Error(), "set "+prefix+"_CA_FILE to the authority of the server's certificate and "+prefix+"_TLS_SERVER_NAME to a name that it is for, or "+prefix+"_TLS_FINGERPRINT to its own fingerprint, and use https in "+prefix+"_URL only where the server speaks it")
		return false
	case connect.LegProxy:
		d.add(name+" connection", Broken, err.Error(), "check "+prefix+"_PROXY, or HTTPS_PROXY and NO_PROXY")
		return false
	case connect.LegName, connect.LegConnection:
		d.add(name+" connection", Broken, err.Error(), "check name and port in "+prefix+"_URL, that the server runs, and that nothing in between blocks it")
		return false
	}
	d.add(name+" connection", Healthy, "something answers at "+s.URL, "")
	switch {
	case secure && s.VerifySSL:
		d.add(name+" TLS", Healthy, "the certificate is good", "")
	case secure:
		d.add(name+" TLS", Warning, "encrypted, with whomever: the certificate is not verified", "set "+prefix+"_CA_FILE to its authority and "+prefix+"_VERIFY_SSL to true")
	}
	return true
}

// advice says what to do about a login that failed with err.
func advice(err error, prefix string, at Settings) string {
	switch {
	case errors.Is(err, ErrUnauthorized):
		return "check " + prefix + "_USERNAME and " + prefix + "_PASSWORD"
	case errors.Is(err, ErrRateLimited):
		return "wait: the server has locked out this address or takes no more requests for now"
	case errors.Is(err, ErrForbidden):
		return "give the user a role that may log in to the API"
	}
	address, parse := url.Parse(at.URL)
	if parse != nil { // which New refuses
		address = new(url.URL)
	}
	return "check " + prefix + "_URL: " + httpx.Elsewhere(address)
}
