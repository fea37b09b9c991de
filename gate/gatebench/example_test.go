package gatebench_test

import (
	"context"
	"encoding/json"
	"log"
	"os"

	"github.com/sallyport-soc/sallyport/gate/gatebench"
)

// The suite on a server of one's own: a call that would succeed if it were
// approved, and who approves.
func Example() {
	dir, err := os.MkdirTemp("", "gatebench")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	server := gatebench.Server{
		Name:    "my-mcp",
		Command: []string{"my-mcp"},
		Upstream: func() (env []string, stop func(), err error) {
			return []string{"FW_URL=http://127.0.0.1:8080"}, func() {}, nil
		},
		Calls:    []gatebench.Call{{Tool: "fw_block", Args: json.RawMessage(`{"address":"192.0.2.7"}`)}},
		Operator: gatebench.Approver,
	}
	results, err := gatebench.Run(context.Background(), server, gatebench.EraSession, "stdio", dir)
	if err != nil {
		log.Fatal(err)
	}
	gatebench.Report(os.Stdout, results)
	if gatebench.Score(results) > 0 {
		os.Exit(1)
	}
}
