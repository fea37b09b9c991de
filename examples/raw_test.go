package examples_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

type doer interface {
	Do(ctx context.Context, method, path string, body any) (json.RawMessage, error)
}

// rawClients returns a client of each fake behind g, and the fakes' requests.
func rawClients(t *testing.T, g *gatetest.Gate) (clients map[string]doer, sent func() []string) {
	hive, cx, m, wz := thehivetest.New(t), cortextest.New(t), misptest.New(t), wazuhtest.New(t)
	clients = map[string]doer{
		"thehive": hive.Client(func(cfg *thehive.Config) { cfg.Guard = g.Guard }),
		"cortex":  cx.Client(func(cfg *cortex.Config) { cfg.Guard = g.Guard }),
		"misp":    m.Client(func(cfg *misp.Config) { cfg.Guard = g.Guard }),
		"wazuh":   wz.Client(func(cfg *wazuh.Config) { cfg.Guard = g.Guard }),
	}
	return clients, func() (list []string) {
		for _, l := range [][]string{hive.Requests(), m.Requests()} {
			list = append(list, l...)
		}
		return list
	}
}

func TestARawReadThatIsKnownIsSentAndAnythingElseNeedsAPermit(t *testing.T) {
	t.Parallel()
	clients, sent := rawClients(t, gatetest.New(t))
	for name, call := range map[string]struct {
		method, path string
		body         any
	}{
		"thehive": {"POST", "/api/v1/query", map[string]any{"query": []any{map[string]any{"_name": "listCase"}}}},
		"cortex":  {"GET", "/api/analyzer?range=0-1", nil},
		"misp":    {"POST", "/attributes/restSearch", map[string]any{"limit": 1, "page": 1, "returnFormat": "json"}},
		"wazuh":   {"GET", "/agents?limit=1", nil},
	} {
		if out, err := clients[name].Do(t.Context(), call.method, call.path, call.body); err != nil || !json.Valid(out) {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
	sent() // forget them
	for name, c := range clients {
		for _, call := range [][2]string{{"GET", "/api/unknown"}, {"POST", "/api/unknown"}, {"DELETE", "/agents"}, {"GET", "/events/publish/1"}, {"GET", "/api/v1/case/_export"}} {
			var refused *gate.RefusedError
			if out, err := c.Do(t.Context(), call[0], call[1], nil); !errors.As(err, &refused) || refused.Reason != gate.ReasonNoPermit {
				t.Errorf("%s %s of %s without a permit: %s, %v", call[0], call[1], name, out, err)
			}
		}
		for _, path := range []string{"", "api/v1/case", "https://evil.example/api", "//evil.example/", "/api/../x", "/api/%2e%2e/x", "/api/v1/case/a b", "/x?_method=DELETE", "/x?a=%zz"} {
			if out, err := c.Do(t.Context(), "GET", path, nil); !errors.Is(err, connect.ErrInvalid) {
				t.Errorf("%s: the path %q: %s, %v", name, path, out, err)
			}
		}
		if out, err := c.Do(t.Context(), "TRACE", "/agents", nil); !errors.Is(err, connect.ErrInvalid) {
			t.Errorf("%s: TRACE: %s, %v", name, out, err)
		}
	}
	if list := sent(); len(list) > 0 {
		t.Errorf("sent %q", list)
	}
}

type renameField struct {
	Name string `json:"name"`
}

func TestARawWriteRunsInAnOperationOfTheProgram(t *testing.T) {
	t.Parallel()
	g := gatetest.New(t)
	clients, sent := rawClients(t, g)
	write := func(ctx context.Context, in renameField) (json.RawMessage, error) {
		return clients["thehive"].Do(ctx, http.MethodPut, "/api/v1/customField/"+in.Name, map[string]any{"displayName": "x"})
	}
	destructive := gate.Wrap(g.Guard, gate.Destructive("own_rename", write, "Rename a field."))
	_, err := gatetest.Approved(g, func() (json.RawMessage, error) { return destructive(t.Context(), renameField{"severity"}) })
	var refusal *connect.Refusal
	if list := strings.Join(sent(), "\n"); !errors.As(err, &refusal) || !strings.Contains(list, "PUT /api/v1/customField/severity") {
		t.Errorf("the fake has no such endpoint, and was to be asked: %v; sent %s", err, list)
	}
	lower := gate.Wrap(g.Guard, gate.Write("own_rename_lower", write, "Rename a field."))
	_, err = gatetest.Approved(g, func() (json.RawMessage, error) { return lower(t.Context(), renameField{"severity"}) })
	var refused *gate.RefusedError
	if !errors.As(err, &refused) || refused.Reason != gate.ReasonNoPermit {
		t.Errorf("a permit to write let through what nobody knows: %v", err)
	}
}
