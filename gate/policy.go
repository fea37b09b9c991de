package gate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
	"github.com/sallyport-soc/sallyport/internal/jsontext"
	"github.com/sallyport-soc/sallyport/internal/jsontree"
	"github.com/sallyport-soc/sallyport/internal/settings"
	"github.com/sallyport-soc/sallyport/internal/trusted"
)

// A Policy says what may run and who approves. The zero Policy lets nothing
// run, not even a read.
type Policy struct {
	// Max is the highest tier that may run.
	Max Tier
	// Approval says who attests. Default: ApprovalOperator.
	Approval Approval
	// Destructive says who attests a destructive operation. Default: as Approval
	// says, and an operator where that is ApprovalClient.
	Destructive Approval
	// Quorum is how many approvers must sign.
	Quorum Quorum
	// Bulk asks for approval, or for more approvers, of a call that is about many things.
	Bulk Bulk
	// Responses are the actions on hosts that the operator allows; none unless named.
	Responses []Response
	// Dir holds the journal and the approvers' public keys: a folder, or the address of
	// a database that OpenStore opens, which may hold a password. Default: DefaultDir.
	Dir string
	// Principal names who asks, as the journal and the approver see it. Default: "agent".
	Principal string
	// Approvers count beside those enrolled in Dir.
	Approvers []Approver
	// TTL is how long a proposal waits, at most a day. Default: 30 minutes.
	TTL time.Duration
	// Budget bounds what a principal does within an hour.
	Budget Budget
	// Breaker stops everybody's writes when too much goes wrong.
	Breaker Breaker
	// Protected lists what no operation may act on, approved or not: addresses,
	// networks in CIDR notation, names and ids. See [ActsOn].
	Protected []string
	// AskEgress asks for approval too where data leaves for a third party and
	// the operation would run without.
	AskEgress bool
	// AskIrreversible asks for approval too where nobody could undo a call that would
	// run without: where its plan has no Undo.
	AskIrreversible bool
	// ClientAfterUntrusted lets a client's word count even within two hours after it
	// was shown text that an attacker can write.
	ClientAfterUntrusted bool
	// OverHTTP lets the word of a client or a host count for those, too, who call over
	// HTTP with a token. See [WithHTTP].
	OverHTTP bool
	// Retention is how long a closed segment of the journal is kept, at least two
	// days. Zero: for ever.
	Retention time.Duration
	// RotateAt is how many bytes the journal may have before a new segment is
	// begun. Default: 64 MiB. On Windows the journal stays one file.
	RotateAt int64
	// OpenStore opens the journal at an address, if Dir is one, such as postgres.Open
	// of package gate/postgres. Default: Dir must be a folder.
	OpenStore func(address string) (Store, error)
	// Getenv reads the operator's switches. Default: os.Getenv.
	Getenv func(string) string
	// Logger receives refusals with the lock that caused them. Default: silent.
	Logger *slog.Logger

	file string // hash of the file that it was read from
	said string // by what it says who attests, if that isn't the file
}

const (
	maxQuorum    = 8
	minRetention = journal.MinRetention
	defaultSize  = 64 << 20
	maxTTL       = state.MaxTTL
	defaultTTL   = journal.DefaultTTL
)

// limits are what the journal decides by.
func (p Policy) limits() journal.Limits {
	return journal.Limits{Budget: p.Budget, Breaker: p.Breaker, TTL: p.TTL, RotateAt: p.RotateAt, Retention: p.Retention}
}

// complete returns p with its defaults, or says what is wrong with it.
func (p Policy) complete() (Policy, error) {
	switch p.Approval {
	case "":
		if p.said == "" && p.Destructive == "" {
			p.said = "the default"
		}
		p.Approval = ApprovalOperator
	case ApprovalOperator, ApprovalClient, ApprovalHost:
	default:
		return p, fmt.Errorf("gate: approval %q: want operator, client or host", p.Approval)
	}
	p.Destructive = p.approval(TierDestructive)
	if p.Destructive != ApprovalOperator && p.Destructive != ApprovalHost {
		return p, fmt.Errorf("gate: approval %q of destructive operations: want operator or host", p.Destructive)
	}
	if p.Max != 0 && !p.Max.Valid() {
		return p, fmt.Errorf("gate: %s is not a tier", p.Max)
	}
	for _, q := range []struct {
		n  *int
		by Approval
	}{{&p.Quorum.Write, p.Approval}, {&p.Quorum.Destructive, p.Destructive}} {
		switch {
		case *q.n < 0 || *q.n > maxQuorum:
			return p, fmt.Errorf("gate: %d approvers: want 1 to %d", *q.n, maxQuorum)
		case *q.n > 1 && q.by != ApprovalOperator:
			return p, fmt.Errorf("gate: %d approvers can't be had with approval by %s", *q.n, q.by)
		case *q.n == 0:
			*q.n = 1
		}
	}
	if err := p.Bulk.check(p); err != nil {
		return p, err
	}
	if err := checkResponses(p.Responses); err != nil {
		return p, err
	}
	switch {
	case p.TTL <= 0:
		p.TTL = defaultTTL
	case p.TTL > maxTTL:
		return p, fmt.Errorf("gate: ttl: want at most %s, got %s", maxTTL, p.TTL)
	}
	if p.Retention < 0 || p.Retention > 0 && p.Retention < minRetention {
		return p, fmt.Errorf("gate: retention: want at least %s, got %s", minRetention, p.Retention)
	}
	for n, def := range map[*int]int{&p.Budget.Writes: 30, &p.Budget.Destructive: 5, &p.Budget.Proposals: 20, &p.Budget.Pending: 10,
		&p.Breaker.Burst: 3, &p.Breaker.Denials: 3, &p.Breaker.Unknowns: 2} {
		if *n == 0 {
			*n = def
		}
	}
	if p.RotateAt <= 0 {
		p.RotateAt = defaultSize
	}
	if p.Principal == "" {
		p.Principal = "agent"
	}
	if p.Getenv == nil {
		p.Getenv = os.Getenv
	}
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	if p.Dir == "" {
		dir, err := DefaultDir()
		if err != nil {
			return p, err
		}
		p.Dir = dir
	}
	if journal.IsAddress(p.Dir) {
		return p, nil
	}
	dir, err := filepath.Abs(p.Dir)
	if err != nil {
		return p, fmt.Errorf("gate: %w", err)
	}
	p.Dir = dir
	return p, nil
}

// quorumOf says how many approvers a proposal needs.
func (p Policy) quorumOf(pr *Proposal) int {
	n := p.Quorum.Write
	if pr.Tier == TierDestructive {
		n = p.Quorum.Destructive
	}
	if p.Bulk.Approvers > 0 && pr.Things() > p.Bulk.Over {
		n = max(n, p.Bulk.Approvers)
	}
	return n
}

// asks says why a call is a human's to decide, whatever stands for a yes to its
// operation; "" if it isn't.
func (p Policy) asks(pr *Proposal) string {
	switch n := pr.Things(); {
	case p.Bulk.Over > 0 && n > p.Bulk.Over:
		return fmt.Sprintf("it is about %d things at once: a human decides", n)
	case p.AskIrreversible && pr.Plan.Undo == "":
		return "nobody can undo it: a human decides"
	}
	return ""
}

// version identifies the policy in every digest: what it decides and, if it
// was read from a file, that file.
func (p Policy) version() string {
	parts := []string{"sallyport/policy/v2", p.file, p.Max.String(), string(p.Approval), string(p.Destructive),
		strconv.FormatBool(p.AskEgress), strconv.FormatBool(p.ClientAfterUntrusted), strconv.FormatBool(p.OverHTTP), strconv.FormatBool(p.AskIrreversible)}
	for _, n := range []int{p.Quorum.Write, p.Quorum.Destructive, p.Budget.Writes, p.Budget.Destructive, p.Budget.Proposals, p.Budget.Pending,
		p.Breaker.Burst, p.Breaker.Denials, p.Breaker.Unknowns, p.Bulk.Over, p.Bulk.Approvers} {
		parts = append(parts, strconv.Itoa(n))
	}
	for _, r := range p.Responses {
		parts = append(parts, fmt.Sprintf("%+v", r))
	}
	return state.Digest(append(parts, slices.Sorted(slices.Values(p.Protected))...)...)[:16]
}

// PolicyFromEnv returns the policy that the environment asks for: every tier,
// approved as SALLYPORT_APPROVAL says (operator, client or host), with the
// journal in SALLYPORT_STATE, and whatever the file SALLYPORT_POLICY says; see
// [LoadPolicy]. A variable that is nearly one of these is an error: a setting
// that is misspelt must not be one that isn't kept.
func PolicyFromEnv() (Policy, error) { return policyFrom(os.Environ()) }

// FromEnv makes a Guard of what [PolicyFromEnv] reads.
func FromEnv() (*Guard, error) {
	p, err := PolicyFromEnv()
	if err != nil {
		return nil, err
	}
	return New(p)
}

// PolicyFrom is [PolicyFromEnv] with the variables of environ, as "NAME=value".
func PolicyFrom(environ []string) (Policy, error) { return policyFrom(environ) }

func policyFrom(environ []string) (Policy, error) {
	if _, err := settings.Gate().Check(environ); err != nil { // the warnings are for who has a log: mcpadapter/command
		return Policy{}, fmt.Errorf("gate: %w", err)
	}
	set := map[string]string{}
	for _, kv := range environ {
		if name, value, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "SALLYPORT_") {
			set[name] = value
		}
	}
	p := Policy{Max: TierDestructive}
	if file := set["SALLYPORT_POLICY"]; file != "" {
		var err error
		if p, err = LoadPolicy(file); err != nil {
			return Policy{}, err
		}
	}
	if a := set["SALLYPORT_APPROVAL"]; a != "" {
		if p.Approval != "" {
			return Policy{}, errors.New("gate: both SALLYPORT_APPROVAL and the file SALLYPORT_POLICY say who approves: keep one")
		}
		p.Approval, p.said = Approval(a), "SALLYPORT_APPROVAL"
	}
	if set["SALLYPORT_STATE"] != "" || set["SALLYPORT_STATE_FILE"] != "" {
		var err error
		if p.Dir, err = journal.DirFrom(func(name string) string { return set[name] }); err != nil {
			return Policy{}, err
		}
	}
	return p, nil
}

// policyFile is the file as it is written. What is absent is the default.
type policyFile struct {
	MaxTier   Tier              `json:"max_tier"`
	Approval  map[Tier]Approval `json:"approval"`
	Approvers map[Tier]int      `json:"approvers"`
	TTL       duration          `json:"ttl"`
	Budgets   struct {
		Writes      count `json:"writes_per_hour"`
		Destructive count `json:"destructive_per_hour"`
		Proposals   count `json:"proposals_per_hour"`
		Pending     count `json:"pending"`
	} `json:"budgets"`
	Breaker struct {
		Burst    count `json:"destructive_in_10s"`
		Denials  count `json:"denials"`
		Unknowns count `json:"unknown_outcomes"`
	} `json:"breaker"`
	Bulk struct {
		Over      count `json:"over"`
		Approvers count `json:"approvers"`
	} `json:"bulk"`
	Responses            []Response `json:"responses"`
	Protected            []string   `json:"protected"`
	AskEgress            bool       `json:"ask_egress"`
	AskIrreversible      bool       `json:"ask_irreversible"`
	ClientAfterUntrusted bool       `json:"client_after_untrusted"`
	OverHTTP             bool       `json:"approval_over_http"`
	Retention            duration   `json:"retention"`
	RotateMB             count      `json:"rotate_mb"`
}

// A duration is written as "30m" or "24h".
type duration time.Duration

const aDuration = `a time such as "30m" or "720h"`

func (d *duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil || v <= 0 {
		return fmt.Errorf("want %s, got %q", aDuration, b)
	}
	*d = duration(v)
	return nil
}

// A count is a bound in the file: a file can't take one away.
type count int

func (n *count) UnmarshalJSON(b []byte) error {
	v, err := strconv.Atoi(string(b))
	if err != nil || v < 1 || v > 100_000 {
		return fmt.Errorf("want a whole number from 1 to 100000, got %s", b)
	}
	*n = count(v)
	return nil
}

// decode reads a policy file into f.
func (f *policyFile) decode(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(f)
	var e *json.UnmarshalTypeError
	if !errors.As(err, &e) {
		return err
	}
	want := "a whole number"
	switch {
	case e.Type == reflect.TypeFor[duration]():
		want = aDuration
	case e.Type.Kind() == reflect.Bool:
		want = "true or false"
	case e.Type.Kind() == reflect.String:
		want = "a text"
	case e.Type.Kind() == reflect.Slice:
		want = "a list"
	case e.Type.Kind() == reflect.Map, e.Type.Kind() == reflect.Struct:
		want = "an object"
	}
	return fmt.Errorf("want %s, got %s", want, e.Value)
}

// blame returns why a policy file, in which object stands where within puts it, can't
// be decoded, with the first key that can't be even alone.
func blame(object []byte, within func([]byte) []byte) error {
	var members map[string]json.RawMessage
	if json.Unmarshal(object, &members) != nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		alone := func(value []byte) []byte {
			return within(fmt.Appendf(nil, "{%s:%s}", jsontext.AppendString(nil, key), value))
		}
		err := new(policyFile).decode(alone(members[key]))
		if err == nil {
			continue
		}
		return fmt.Errorf("%s: %w", key, cmp.Or(blame(members[key], alone), err))
	}
	return nil
}

const maxPolicy = 1 << 20

// LoadPolicy reads a policy from a JSON file that no other user can write.
// What it doesn't say is as in the policy without a file; a key that it may not
// hold, or holds twice, is an error. The keys, all optional:
//
//	{
//	  "max_tier": "destructive",
//	  "approval": {"write": "client", "destructive": "operator"},
//	  "approvers": {"write": 1, "destructive": 2},
//	  "bulk": {"over": 3, "approvers": 2},
//	  "responses": [{"name": "block-address", "command": "firewall-drop180", "takes": "address", "proof": "651", "undone": "652", "os": ["linux"], "max_hosts": 5}],
//	  "ttl": "30m",
//	  "budgets": {"writes_per_hour": 30, "destructive_per_hour": 5, "proposals_per_hour": 20, "pending": 10},
//	  "breaker": {"destructive_in_10s": 3, "denials": 3, "unknown_outcomes": 2},
//	  "protected": ["10.0.0.0/24", "dc01.corp.example", "*.core.example", "000"],
//	  "ask_egress": false,
//	  "ask_irreversible": false,
//	  "client_after_untrusted": false,
//	  "approval_over_http": false,
//	  "retention": "2160h",
//	  "rotate_mb": 64
//	}
func LoadPolicy(file string) (Policy, error) {
	b, err := trusted.Read(file, maxPolicy)
	if err == nil {
		var p Policy
		if p, err = parsePolicy(b); err == nil {
			return p, nil
		}
	}
	if shown := settings.FileError(file, err); shown != err {
		return Policy{}, fmt.Errorf("gate: policy: %w", shown)
	}
	return Policy{}, fmt.Errorf("gate: policy %s: %w", file, err)
}

func parsePolicy(b []byte) (Policy, error) {
	v, err := jsontree.Parse(b, jsontree.MaxDepthIn)
	if err != nil {
		return Policy{}, err
	}
	if v.Kind != jsontree.Object {
		return Policy{}, errors.New("want a JSON object")
	}
	if key, twice := v.Duplicate(strings.ToLower); twice { // encoding/json would take the last
		return Policy{}, fmt.Errorf("%q stands there twice", key)
	}
	var f policyFile
	if err := f.decode(b); err != nil {
		return Policy{}, cmp.Or(blame(b, func(file []byte) []byte { return file }), err)
	}
	if f.Approval[TierRead] != "" || f.Approvers[TierRead] != 0 {
		return Policy{}, errors.New("a read is nobody's to approve")
	}
	sum := sha256.Sum256(bytes.TrimSpace(b))
	p := Policy{
		Max: TierDestructive, Approval: f.Approval[TierWrite], Destructive: f.Approval[TierDestructive],
		Quorum:    Quorum{Write: f.Approvers[TierWrite], Destructive: f.Approvers[TierDestructive]},
		Bulk:      Bulk{Over: int(f.Bulk.Over), Approvers: int(f.Bulk.Approvers)},
		Responses: f.Responses,
		TTL:       time.Duration(f.TTL),
		Budget:    Budget{Writes: int(f.Budgets.Writes), Destructive: int(f.Budgets.Destructive), Proposals: int(f.Budgets.Proposals), Pending: int(f.Budgets.Pending)},
		Breaker:   Breaker{Burst: int(f.Breaker.Burst), Denials: int(f.Breaker.Denials), Unknowns: int(f.Breaker.Unknowns)},
		Protected: f.Protected, AskEgress: f.AskEgress, AskIrreversible: f.AskIrreversible, ClientAfterUntrusted: f.ClientAfterUntrusted, OverHTTP: f.OverHTTP,
		Retention: time.Duration(f.Retention), RotateAt: int64(f.RotateMB) << 20, file: hex.EncodeToString(sum[:]),
	}
	if f.MaxTier != 0 {
		p.Max = f.MaxTier
	}
	if p.Destructive == "" && p.Approval != "" { // a file changes what it names
		p.Destructive = ApprovalOperator
	}
	if _, err := newProtection(p.Protected); err != nil {
		return Policy{}, err
	}
	_, err = p.complete()
	return p, err
}
