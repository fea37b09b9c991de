// Command bench measures MCP servers side by side: it starts two commands in turn
// (A B, then B A, and so on), calls the same tools of both over stdio or HTTP
// against the same upstream, and prints p50, p99, calls a second, CPU, memory and
// new connections, with B ÷ A and how far that spreads over the pairs.
//
//	go build -o bin/ ./examples/... && go run ./internal/testing/bench bin/thehive-mcp old/thehive-mcp
//	go run ./internal/testing/bench -http -calls 500 -tool thehive_get_case -args '{"caseId":"1"}' bin/thehive-mcp old/thehive-mcp
//	go run ./internal/testing/bench -large bin
//	go run ./internal/testing/bench -c 1 -delay 5ms -tool cortex_analyze_observable -args '{"data":"185.220.101.7","message":"{n}","analyzers":[…]}' bin/cortex-mcp old/cortex-mcp
//
// {n} in the arguments of a tool is another number at each call; SALLYPORT_POLICY is
// handed on, since a hundred proposals are beyond the usual budget.
//
// A command may have arguments, within quotes; {addr} in them is the address to
// serve HTTP at, which is otherwise appended as -http ADDRESS. The upstream are the
// fakes of the lab, whose answers are kept: the same request, and one that differs only in
// {n}, is answered from memory from its second time on. CPU and memory are read from /proc, on Linux only.
//
// Beside the TypeScript servers of the README (Node, one canned upstream that leaves
// out what _source doesn't ask for, 250 calls after 120, medians of 5 pairs in turn; c=1
// on two idle cores, c=32 on two that others used too), ours ÷ theirs:
//
//	                         CPU, c=1          CPU, c=32         calls/s  p99   memory, MiB
//	list_agents 10           0.46 (0.42–0.50)  0.41 (0.33–0.57)  2.2      0.50  34 and 105
//	get_alerts 100, full     0.53 (0.44–0.62)  0.51 (0.43–0.53)  2.3      0.53  32 and 234
//	get_case                 0.27 (0.23–0.36)  0.23 (0.18–0.26)  6.9      0.12  31 and 128
//	list_cases 10            0.57 (0.55–0.57)  0.44 (0.42–0.49)  2.9      0.27  31 and 139
//	list_cases 100           0.45 (0.43–0.48)  0.38 (0.31–0.43)  2.9      0.38  35 and 260
//	500 attributes           0.20 (0.18–0.22)  0.20 (0.19–0.22)  5.2      0.19  33 and 276
//	get_technique            0.12 (0.06–0.19)  0.07 (0.04–0.09)  15       0.07  34 and 158
//	coverage layer           0.41 (0.36–0.48)  0.55 (0.41–0.71)  2.6      0.29  40 and 264
//
// calls/s, p99 and memory are at c=32, memory as it is. The 32 in flight were served one
// by one, as with -apart; those of the first two rows are of 800 calls in 7 pairs, on idle
// cores. Equal reads that share an answer, as they do now, take 0.15 of the CPU in
// list_agents and 0.08 in get_alerts.
//
// cortex_analyze_observable over 10 named analyzers, 5 ms for each answer, as in the example
// above, idle cores: p50 0.54 (five runs: 0.54, 0.54, 0.54, 0.55, 0.54), and 0.47 of
// a8cb174's.
//
// Over HTTP, -apart, 5 pairs in turn on two cores that others used too: ours ÷ a8cb174,
// and CPU ÷ that of a server on the bare SDK whose tool says what it is told, which asks
// no platform:
//
//	                         CPU, c=1          CPU, c=32         calls/s  p99   memory     ÷ SDK, c=1 and 32
//	list_agents 10           0.39 (0.31–0.48)  0.30 (0.25–0.42)  3.2      0.40  31 and 24  1.28 and 1.18
//	get_alerts 100, full     0.14 (0.09–0.18)  0.13 (0.11–0.16)  7.2      0.13  33 and 41  4.67 and 5.41
//	get_case                 0.53 (0.43–0.71)  0.42 (0.35–0.53)  2.3      0.39  30 and 22  1.10 and 0.95
//	list_cases 100           0.20 (0.16–0.25)  0.22 (0.20–0.23)  4.0      0.27  31 and 23  2.42 and 2.43
//
// From the start of a process to its answer to initialize (idle cores, medians of 21 in
// turn; a server on the bare SDK takes 4.1 ms, a program without it 1.1):
//
//	wazuh-mcp    5.2 ms of 193    0.027
//	thehive-mcp  5.7 ms of 240    0.024
//	mitre-mcp    5.2 ms of 606    0.009
//
// After 10,000 mixed calls of Wazuh's tools, with 105 to 126 MiB for the TypeScript server:
// 36 MiB, and 25.5 two seconds later (0.20–0.24), of which the program's file is 12.5.
//
// tools/list beside servers on the SDK (CPU of a list after 30 others; of the first):
// one tool of ours and one of the SDK's 0.67 and 0.96; the 77 of TheHive 0.60 and 1.63
// where the SDK has their schemas as JSON, 0.08 and 0.21 where it has them as its Schema.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A load is what is asked of a server.
type load struct {
	tool  string
	args  json.RawMessage
	calls int
	idle  time.Duration // until its memory is read
	apart bool          // equal calls share no answer
}

// usual are the loads of each server, by the name that its program begins with.
var usual = map[string][]load{
	"wazuh-mcp":   {{tool: "list_agents", args: json.RawMessage(`{"limit":10}`)}, {tool: "get_alerts", args: json.RawMessage(`{"limit":100,"include_full_log":true}`)}},
	"thehive-mcp": {{tool: "thehive_get_case", args: json.RawMessage(`{"caseId":"1"}`)}, {tool: "thehive_list_cases", args: json.RawMessage(`{"limit":10}`)}, {tool: "thehive_list_cases", args: json.RawMessage(`{"limit":100}`)}},
	"cortex-mcp":  {{tool: "cortex_list_analyzers", args: json.RawMessage(`{}`)}, {tool: "cortex_list_jobs", args: json.RawMessage(`{"limit":50}`)}},
	"misp-mcp":    {{tool: "misp_search_attributes", args: json.RawMessage(`{"type":"ip-src","limit":50}`)}, {tool: "misp_search_events", args: json.RawMessage(`{"limit":20}`)}},
	"mitre-mcp":   {{tool: "mitre_get_technique", args: json.RawMessage(`{"techniqueId":"T1110"}`)}, {tool: "mitre_search_techniques", args: json.RawMessage(`{"query":"brute"}`)}},
}

func run(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	overHTTP := f.Bool("http", false, "call over HTTP instead of stdio")
	calls := f.Int("calls", 200, "`calls` of a measurement")
	pairs := f.Int("pairs", 5, "how many `pairs` of runs")
	at := f.String("c", "1,32", "comma-separated numbers of `calls` in flight")
	tool := f.String("tool", "", "`tool` to call, or tools/list; default: some of the server's own")
	params := f.String("args", "{}", "its arguments as `JSON`")
	toolB := f.String("tool-b", "", "what the `tool` is called in B, if not the same")
	paramsB := f.String("args-b", "", "its arguments in B as `JSON`, if not the same")
	apart := f.Bool("apart", false, "tell equal calls apart by blanks, so that those in flight at once share no answer")
	idle := f.Duration("idle", 0, "read the memory so `long` after the last call")
	delay := f.Duration("delay", 0, "how `long` the upstream takes for each answer, such as 5ms")
	large := f.Bool("large", false, "measure the memory that large answers take instead, of the servers in the folder that is named")
	if err := f.Parse(args); err != nil {
		return err
	}
	if *large && f.NArg() == 1 {
		return largeAnswers(ctx, f.Arg(0))
	}
	if f.NArg() != 2 {
		return errors.New("want two commands; bench -help tells what there is")
	}
	commands := f.Args()
	var in []int
	for s := range strings.SplitSeq(*at, ",") {
		var n int
		if _, err := fmt.Sscan(s, &n); err != nil || n < 1 {
			return fmt.Errorf("-c: %q is not a number of calls", s)
		}
		in = append(in, n)
	}
	loads := [2][]load{}
	for i := range loads {
		loads[i] = usual[filepath.Base(strings.Fields(commands[0] + " .")[0])]
		if *tool != "" {
			loads[i] = []load{{tool: *tool, args: json.RawMessage(*params)}}
		}
	}
	if len(loads[0]) == 0 {
		return errors.New("want -tool: there are no usual calls for this server")
	}
	if *toolB != "" {
		loads[1] = []load{{tool: *toolB, args: loads[1][0].args}}
	}
	if *paramsB != "" {
		loads[1] = []load{{tool: loads[1][0].tool, args: json.RawMessage(*paramsB)}}
	}
	up, err := upstream(*delay)
	if err != nil {
		return err
	}
	defer up.Close()
	for i := range loads[0] {
		for _, c := range in {
			var got [2][]sample
			for p := range *pairs {
				order := []int{0, 1}
				if p%2 == 1 {
					order = []int{1, 0}
				}
				for _, which := range order {
					l := loads[which][i]
					l.calls, l.idle, l.apart = *calls, *idle, *apart
					s, err := measure(ctx, up, commands[which], *overHTTP, l, c)
					if err != nil {
						return fmt.Errorf("%s: %s: %w", commands[which], l.tool, err)
					}
					got[which] = append(got[which], s)
				}
			}
			show(loads[0][i], c, got)
		}
	}
	return nil
}

// sample is what one run of one server gave.
type sample struct {
	start, p50, p99, perSecond, cpu, rss, conns, bytes float64
}

// figures are the columns.
var figures = []struct {
	name, unit string
	of         func(sample) float64
}{
	{"start", "ms", func(s sample) float64 { return s.start }},
	{"p50", "ms", func(s sample) float64 { return s.p50 }},
	{"p99", "ms", func(s sample) float64 { return s.p99 }},
	{"calls", "/s", func(s sample) float64 { return s.perSecond }},
	{"CPU of 1,000", "ms", func(s sample) float64 { return s.cpu }},
	{"memory", "MiB", func(s sample) float64 { return s.rss }},
	{"connections", "new", func(s sample) float64 { return s.conns }},
	{"answer", "bytes", func(s sample) float64 { return s.bytes }},
}

func show(l load, c int, got [2][]sample) {
	fmt.Printf("\n%s %s, %d in flight\n", l.tool, l.args, c)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tA\tB\tB ÷ A\tspread\t")
	for _, f := range figures {
		var a, b, ratio []float64
		for i := range got[0] {
			x, y := f.of(got[0][i]), f.of(got[1][i])
			if a, b = append(a, x), append(b, y); x > 0 {
				ratio = append(ratio, y/x)
			}
		}
		if len(ratio) == 0 {
			continue
		}
		fmt.Fprintf(w, "%s (%s)\t%.4g\t%.4g\t%.2f\t%.2f–%.2f\t\n", f.name, f.unit, median(a), median(b), median(ratio), slices.Min(ratio), slices.Max(ratio))
	}
	_ = w.Flush() // standard output
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	if n := len(list); n%2 == 0 {
		return (list[n/2-1] + list[n/2]) / 2
	}
	return list[len(list)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
