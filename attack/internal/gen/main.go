// Command gen makes the tables that are compiled into package attack.
//
//	gen attack -in <folder with STIX bundles> -out data/attack.bin
//	gen later -in <folder with STIX bundles> -out data/later.json
//	gen wazuh -in <rules.json> -out internal/wazuhrules/rules.bin
//
// The folder holds the enterprise, mobile and ICS bundles that MITRE publishes, as .json or .json.gz. The rules are a JSON
// array of {"id": 5710, "mitre": ["T1110.001"]}. Without -in, gen leaves the table as it is: few machines have the
// sources, and a table that is already there needs none.
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
	"strings"

	"github.com/sallyport-soc/sallyport/attack/internal/facts"
	"github.com/sallyport-soc/sallyport/attack/internal/wazuhrules"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say what to make: attack, later or wazuh")
	}
	makers := map[string]func(context.Context, string) ([]byte, error){
		"attack": attackTable, "later": laterTable, "wazuh": wazuhTable,
	}
	maker, ok := makers[args[0]]
	if !ok {
		return fmt.Errorf("can't make %q, only attack, later or wazuh", args[0])
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	in := flags.String("in", "", "where the facts come from")
	out := flags.String("out", "", "the table to write")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *out == "" || flags.NArg() > 0 {
		return errors.New("-out is missing, or there are too many arguments")
	}
	if *in == "" {
		fmt.Fprintf(os.Stderr, "gen: no source given, %s stays as it is\n", *out)
		return nil
	}
	table, err := maker(ctx, *in)
	if err != nil {
		return err
	}
	return os.WriteFile(*out, table, 0o644)
}

// attackTable makes the fact table from the bundles in a folder.
func attackTable(ctx context.Context, dir string) ([]byte, error) {
	set, err := facts.Load(ctx, dir, facts.All)
	if err != nil {
		return nil, err
	}
	return facts.Encode(set), nil
}

// laterBundle is the Enterprise bundle of the later version. Its name keeps it from being taken for one of MITRE's own.
const laterBundle = "enterprise-attack-19.0-rebuilt.json.gz"

// laterTable makes the table of what a later version of Enterprise has beyond the one in the same folder.
func laterTable(ctx context.Context, dir string) ([]byte, error) {
	before, err := facts.Load(ctx, dir, facts.Enterprise)
	if err != nil {
		return nil, err
	}
	after, err := facts.Read(ctx, []facts.File{{Domain: facts.Enterprise, Path: filepath.Join(dir, laterBundle)}})
	if err != nil {
		return nil, err
	}
	out, err := json.MarshalIndent(facts.Since(before, after, facts.Enterprise), "", " ")
	return append(out, '\n'), err
}

// wazuhTable makes the table of stock rules, with all that each declares: techniques, tactics, and what is no id.
func wazuhTable(_ context.Context, path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rules []struct {
		ID    int      `json:"id"`
		MITRE []string `json:"mitre"`
	}
	if err := json.Unmarshal(data, &rules); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	table := make(map[int][]string, len(rules))
	for _, r := range rules {
		if _, twice := table[r.ID]; twice {
			return nil, fmt.Errorf("%s: rule %d occurs twice", path, r.ID)
		}
		table[r.ID] = nil
		for _, m := range r.MITRE {
			table[r.ID] = append(table[r.ID], strings.TrimSpace(m))
		}
	}
	return wazuhrules.Encode(table), nil
}
