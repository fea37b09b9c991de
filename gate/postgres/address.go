package postgres

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
)

const (
	defaultSchema = "sallyport"
	// The database is asked for something that takes milliseconds.
	dialWait = 5 * time.Second
	// maxMessage is how large an answer may be: a snapshot is the largest.
	maxMessage = 65 << 20
)

// parameters are those of an address that may be set.
var parameters = []string{"host", "pool", "schema", "sslcert", "sslkey", "sslmode", "sslrootcert", "unverified"}

var isSchema = lazyregexp.New(`^[a-z_][a-z0-9_]{0,62}$`)

// address is where a journal is.
type address struct {
	config *pgconn.Config
	schema string
	shown  string // without secrets
	pooled bool   // through a pool that keeps a session for each client
}

// parse reads an address. Its errors never hold what was read, which may be a secret.
func parse(raw string) (*address, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" || strings.Contains(u.Path+u.Fragment, "@") {
		return nil, errors.New("the address of the database can't be read: want postgres://USER@HOST:PORT/DATABASE, with @, /, : and % in a password written as %40, %2F, %3A and %25")
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("the parameters in the address of the database can't be read")
	}
	for name, values := range q {
		if !slices.Contains(parameters, name) || len(values) != 1 {
			return nil, fmt.Errorf("the address of the database may have the parameters %s, each once", strings.Join(parameters, ", "))
		}
	}
	a := &address{schema: defaultSchema, shown: journal.Shown(raw)}
	if q.Has("schema") {
		a.schema = q.Get("schema")
	}
	if !isSchema.MatchString(a.schema) {
		return nil, errors.New("the schema in the address of the database: want small letters, digits and _")
	}
	anyhow := q.Get("unverified")
	if anyhow != "" && anyhow != "allow" {
		return nil, errors.New("unverified in the address of the database: want allow, or leave it out")
	}
	if pool := q.Get("pool"); pool != "" && pool != "session" {
		return nil, errors.New("pool in the address of the database: want session, or leave it out; a pool that shares sessions won't do")
	}
	a.pooled = q.Get("pool") == "session"
	host := u.Hostname()
	if q.Has("host") {
		host = q.Get("host")
	}
	if strings.Contains(host, ",") || q.Has("host") && u.Hostname() != "" {
		return nil, errors.New("the address of the database names more than one host: a journal is in one database, under one name")
	}
	if host == "" {
		return nil, errors.New("the address of the database names no host: want postgres://USER@HOST:PORT/DATABASE, or host=/run/postgresql for a socket")
	}
	mode := q.Get("sslmode")
	switch {
	case mode == "" && near(host):
		mode = "prefer"
	case mode == "":
		mode = "verify-full"
	case !near(host) && mode != "verify-full" && mode != "verify-ca" && anyhow == "":
		return nil, fmt.Errorf("sslmode=%s: nobody would make sure that %s is the database, which then could show any state: use verify-full, with sslrootcert=FILE if its authority isn't a public one, or add unverified=allow if the network to it is yours alone", mode, host)
	}
	q.Del("schema")
	q.Del("unverified")
	q.Del("pool")
	q.Set("sslmode", mode)
	u.RawQuery = q.Encode()
	if a.config, err = pgconn.ParseConfig(u.String()); err != nil {
		return nil, fmt.Errorf("the address of the database: %w", cause(err))
	}
	dialer := net.Dialer{Timeout: dialWait, KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 3 * time.Second, Interval: time.Second, Count: 3}, Control: impatient}
	a.config.DialFunc = dialer.DialContext
	a.config.ConnectTimeout = dialWait
	a.config.MaxProtocolMessageBodyLen = maxMessage
	a.config.RuntimeParams["application_name"] = "sallyport"
	return a, nil
}

// cause is an error of the driver about an address without the address, of which it
// may show more than it should.
func cause(err error) error {
	var p *pgconn.ParseConfigError
	if !errors.As(err, &p) {
		return err
	}
	if inner := errors.Unwrap(p); inner != nil {
		return inner
	}
	return errors.New("it can't be read")
}

// near reports whether what is sent to host stays on this machine.
func near(host string) bool {
	if strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}
