// Command cron opens a case in TheHive for what Wazuh raised since its last run. It
// is for a timer: each alert is seen once, whenever and wherever the next run is, and
// alerts of the same rule and host go into the case that is open for them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"strings"

	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

func main() {
	state := flag.String("state", "cron.cursor", "where the place of the last run is kept")
	level := flag.Int("level", 10, "the least level of an alert that needs a case")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	n, err := run(ctx, *state, *level)
	log.Printf("%d alerts went into cases", n)
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, state string, level int) (alerts int, err error) {
	wz, werr := wazuh.FromEnv(nil)
	hive, herr := thehive.FromEnv(nil)
	if err := errors.Join(werr, herr); err != nil {
		return 0, err
	}
	at, err := os.ReadFile(state)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	in := wazuh.TailAlertsInput{AlertFilter: wazuh.AlertFilter{Level: level, StartTime: "24h"}, Cursor: wazuh.Cursor(strings.TrimSpace(string(at)))}
	for page, err := range wz.TailAlerts(ctx, in) {
		if err != nil {
			return alerts, err
		}
		for _, a := range page.Alerts {
			if err := open(ctx, hive, a); err != nil {
				return alerts, err
			}
			alerts++
		}
		if err := os.WriteFile(state, []byte(page.NextCursor), 0o600); err != nil {
			return alerts, err
		}
	}
	return alerts, nil
}

// open puts an alert into the case of its rule and host. What is there already, as
// after a run that broke off, stays as it is.
func open(ctx context.Context, hive *thehive.Client, a *wazuh.Alert) error {
	severity := thehive.High
	if a.Rule.Level >= 14 {
		severity = thehive.Critical
	}
	c, err := hive.CreateCase(ctx, thehive.CreateCaseInput{
		Title:       fmt.Sprintf("%s on %s", a.Rule.Description, a.Agent.Name),
		Description: fmt.Sprintf("Rule %s, level %d. First alert %s at %s.", a.Rule.ID, a.Rule.Level, a.WazuhID, a.Timestamp),
		Severity:    severity, Tags: []string{"wazuh"}, Key: "wazuh:" + a.Rule.ID + ":" + a.Agent.ID, IfClosed: thehive.ClosedCreate,
	})
	if err != nil || a.SourceIP == "" {
		return err
	}
	_, err = hive.CreateObservable(ctx, thehive.CreateObservableInput{CaseID: c.ID, DataType: "ip", Data: a.SourceIP, Message: "Source of alert " + a.WazuhID})
	if errors.Is(err, thehive.ErrExists) {
		return nil
	}
	return err
}
