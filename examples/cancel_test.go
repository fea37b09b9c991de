package examples_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

func TestACancelledCallStopsTheRequestToThePlatform(t *testing.T) {
	t.Parallel()
	started, gone := make(chan struct{}, 10), make(chan struct{}, 10)
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody watches the connection
		started <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	t.Cleanup(up.Close)
	cs := hive(t, up.URL).session("thehive-mcp")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := cs.CallTool(ctx, &mcp.CallToolParams{Name: "thehive_get_case", Arguments: json.RawMessage(`{"caseId":"~1"}`)})
		done <- err
	}()
	<-started
	cancel()
	if err := <-done; err == nil {
		t.Error("a cancelled call has an answer")
	}
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		t.Error("the request to the platform goes on")
	}
	// The server goes on, and nothing tried again.
	if _, err := cs.ListTools(t.Context(), nil); err != nil {
		t.Error(err)
	}
	if len(started) != 0 {
		t.Errorf("%d more requests were sent", len(started))
	}
}
