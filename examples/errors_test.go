package examples_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// faulty stands between a client and a fake: it answers each request but those
// for a token itself, or loses the answer, as the test says.
type faulty struct {
	base   http.RoundTripper
	status int       // 0: the fake's own answer
	header [2]string // of that answer
	lost   bool      // the fake has the request, and its answer never comes
	writes bool      // for writes alone
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	e, _ := connect.EndpointFrom(r.Context())
	if e.ID == "authenticate" || f.writes && e.Tier == gate.TierRead {
		return f.base.RoundTrip(r)
	}
	switch {
	case f.status != 0:
		h := http.Header{"Content-Type": {"application/json"}}
		if f.header[0] != "" {
			h.Set(f.header[0], f.header[1])
		}
		return &http.Response{StatusCode: f.status, Header: h, Body: io.NopCloser(strings.NewReader(`{"message":"because","title":"because","type":"x"}`)), Request: r}, nil
	case f.lost:
		res, err := f.base.RoundTrip(r)
		if err == nil {
			res.Body.Close()
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return f.base.RoundTrip(r)
}

// A speaker is a package's client, with calls that end in each kind of error.
type speaker struct {
	read, unknown, invalid, write, twice func(ctx context.Context) error
	ours                                 map[error]error // the package's own sentinel of each kind
}

// speakers returns one of each platform, all through f, with the right credential
// or another.
func speakers(t *testing.T, f *faulty, wrong bool) map[string]speaker {
	options := connect.Options{Retry: connect.Retry{Off: true}, Wrap: func(base http.RoundTripper) http.RoundTripper {
		through := *f
		through.base = base
		return &through
	}}
	key := func(right string) string {
		if wrong {
			return "another-credential"
		}
		return right
	}
	hive := thehivetest.New(t).Client(func(c *thehive.Config) { c.Options, c.APIKey = options, key(c.APIKey) })
	cx := cortextest.New(t).Client(func(c *cortex.Config) {
		c.Options, c.APIKey, c.SuperadminKey = options, key(c.APIKey), key(cortextest.SuperadminKey)
	})
	fake := misptest.New(t)
	event := misp.EventRef(fake.AddEvent(misptest.Event{Info: "x"}))
	m := fake.Client(func(c *misp.Config) { c.Options, c.APIKey = options, key(c.APIKey) })
	wz := wazuhtest.New(t).Client(func(c *wazuh.Config) {
		c.Options, c.Password, c.Version = options, key(c.Password), "4.14"
		c.Responses = nil
	})
	e := func(_ any, err error) error { return err }
	return map[string]speaker{
		"thehive": {
			read:    func(ctx context.Context) error { return e(hive.GetCase(ctx, thehive.GetCaseInput{CaseID: "2"})) },
			unknown: func(ctx context.Context) error { return e(hive.GetCase(ctx, thehive.GetCaseInput{CaseID: "~404"})) },
			invalid: func(ctx context.Context) error { return e(hive.GetCase(ctx, thehive.GetCaseInput{})) },
			write: func(ctx context.Context) error {
				return e(hive.CreateComment(ctx, thehive.CreateCommentInput{CaseID: "2", Message: "x"}))
			},
			twice: func(ctx context.Context) error {
				in := thehive.CreateObservableInput{CaseID: "2", DataType: "ip", Data: "192.0.2.9"}
				_, err := hive.CreateObservable(ctx, in)
				return errors.Join(err, e(hive.CreateObservable(ctx, in)))
			},
			ours: map[error]error{connect.ErrNotFound: thehive.ErrNotFound, connect.ErrUnauthorized: thehive.ErrUnauthorized, connect.ErrForbidden: thehive.ErrForbidden,
				connect.ErrRateLimited: thehive.ErrRateLimited, connect.ErrInvalid: thehive.ErrInvalid, connect.ErrExists: thehive.ErrExists, connect.ErrConflict: thehive.ErrConflict, connect.ErrUnavailable: thehive.ErrUnavailable},
		},
		"cortex": {
			read:    func(ctx context.Context) error { return e(cx.ListAnalyzers(ctx, cortex.ListAnalyzersInput{})) },
			unknown: func(ctx context.Context) error { return e(cx.GetJob(ctx, cortex.GetJobInput{JobID: "nosuchjob"})) },
			invalid: func(ctx context.Context) error { return e(cx.GetJob(ctx, cortex.GetJobInput{})) },
			write: func(ctx context.Context) error {
				return e(cx.CreateOrganisation(ctx, cortex.CreateOrganisationInput{Name: "one", Description: "x"}))
			},
			twice: func(ctx context.Context) error {
				in := cortex.CreateOrganisationInput{Name: "two", Description: "x"}
				_, err := cx.CreateOrganisation(ctx, in)
				return errors.Join(err, e(cx.CreateOrganisation(ctx, in)))
			},
			ours: map[error]error{connect.ErrNotFound: cortex.ErrNotFound, connect.ErrUnauthorized: cortex.ErrUnauthorized, connect.ErrForbidden: cortex.ErrForbidden,
				connect.ErrRateLimited: cortex.ErrRateLimited, connect.ErrInvalid: cortex.ErrInvalid, connect.ErrExists: cortex.ErrExists, connect.ErrUnavailable: cortex.ErrUnavailable},
		},
		"misp": {
			read:    func(ctx context.Context) error { return e(m.GetEvent(ctx, misp.GetEventInput{EventID: event})) },
			unknown: func(ctx context.Context) error { return e(m.GetEvent(ctx, misp.GetEventInput{EventID: "404404"})) },
			invalid: func(ctx context.Context) error { return e(m.GetEvent(ctx, misp.GetEventInput{})) },
			// An attribute that may be there is looked for; whether an event went out can't be seen.
			write: func(ctx context.Context) error { return e(m.PublishEvent(ctx, misp.PublishEventInput{EventID: event})) },
			ours: map[error]error{connect.ErrNotFound: misp.ErrNotFound, connect.ErrUnauthorized: misp.ErrUnauthorized, connect.ErrForbidden: misp.ErrForbidden,
				connect.ErrRateLimited: misp.ErrRateLimited, connect.ErrInvalid: misp.ErrInvalid, connect.ErrExists: misp.ErrExists, connect.ErrUnavailable: misp.ErrUnavailable},
		},
		"wazuh": {
			read:    func(ctx context.Context) error { return e(wz.ListAgents(ctx, wazuh.ListAgentsInput{})) },
			unknown: func(ctx context.Context) error { return e(wz.GetAgent(ctx, wazuh.GetAgentInput{AgentID: "404"})) },
			invalid: func(ctx context.Context) error { return e(wz.GetAgent(ctx, wazuh.GetAgentInput{})) },
			write:   func(ctx context.Context) error { return e(wz.Do(ctx, "PUT", "/manager/restart", nil)) },
			ours: map[error]error{connect.ErrNotFound: wazuh.ErrNotFound, connect.ErrUnauthorized: wazuh.ErrUnauthorized, connect.ErrForbidden: wazuh.ErrForbidden,
				connect.ErrRateLimited: wazuh.ErrRateLimited, connect.ErrInvalid: wazuh.ErrInvalid, connect.ErrUnavailable: wazuh.ErrUnavailable},
		},
	}
}

// TestEveryPackageSpeaksOneVocabularyOfErrors: what each kind of failure is, at the
// fake of each platform, in general and by the package's own name.
func TestEveryPackageSpeaksOneVocabularyOfErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind  error
		fault faulty
		wrong bool
		call  func(speaker) func(context.Context) error
	}{
		{kind: connect.ErrNotFound, call: func(s speaker) func(context.Context) error { return s.unknown }},
		{kind: connect.ErrUnauthorized, wrong: true, call: func(s speaker) func(context.Context) error { return s.read }},
		{kind: connect.ErrForbidden, fault: faulty{status: 403}, call: func(s speaker) func(context.Context) error { return s.read }},
		{kind: connect.ErrRateLimited, fault: faulty{status: 429, header: [2]string{"Retry-After", "7"}}, call: func(s speaker) func(context.Context) error { return s.read }},
		{kind: connect.ErrInvalid, call: func(s speaker) func(context.Context) error { return s.invalid }},
		{kind: connect.ErrExists, call: func(s speaker) func(context.Context) error { return s.twice }},
		{kind: connect.ErrConflict, fault: faulty{status: 412}, call: func(s speaker) func(context.Context) error { return s.read }},
		{kind: connect.ErrUnavailable, fault: faulty{status: 503}, call: func(s speaker) func(context.Context) error { return s.read }},
		{kind: connect.ErrUnavailable, fault: faulty{lost: true}, call: func(s speaker) func(context.Context) error { return s.read }},
		{kind: connect.ErrOutcomeUnknown, fault: faulty{lost: true, writes: true}, call: func(s speaker) func(context.Context) error { return s.write }},
	} {
		all := speakers(t, &tt.fault, tt.wrong)
		for name, s := range all {
			call := tt.call(s)
			if call == nil {
				continue // Wazuh makes nothing that could be there already, and what MISP has is answered as such
			}
			err := call(t.Context())
			if connect.Kind(err) != tt.kind || !errors.Is(err, tt.kind) {
				t.Errorf("%s, %v: %v is %v", name, tt.kind, err, connect.Kind(err))
			}
			for other, o := range all {
				if own := o.ours[tt.kind]; own != nil && errors.Is(err, own) != (name == other) {
					t.Errorf("%s, %v: %v matches the one of %s: %v", name, tt.kind, err, other, errors.Is(err, own))
				}
			}
			if tt.kind == connect.ErrRateLimited && connect.RetryAfter(err) != 7*time.Second {
				t.Errorf("%s: %v is to be repeated after %v", name, err, connect.RetryAfter(err))
			}
		}
	}
	kb, err := attack.New(attack.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, unknown := kb.GetTechnique(t.Context(), attack.GetTechniqueInput{TechniqueID: "T9999"})
	_, invalid := kb.GetTechnique(t.Context(), attack.GetTechniqueInput{})
	if connect.Kind(unknown) != connect.ErrNotFound || !errors.Is(unknown, attack.ErrNotFound) || errors.Is(unknown, misp.ErrNotFound) {
		t.Errorf("attack: %v is %v", unknown, connect.Kind(unknown))
	}
	if connect.Kind(invalid) != connect.ErrInvalid || !errors.Is(invalid, attack.ErrInvalid) || errors.Is(invalid, misp.ErrInvalid) {
		t.Errorf("attack: %v is %v", invalid, connect.Kind(invalid))
	}
}
