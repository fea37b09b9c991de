// Command webhook takes the alerts that Wazuh's integrator posts, looks up in MISP
// what is known of them, and makes an alert of each in TheHive. An alert that it has
// taken is not lost: MISP has a few seconds and is left out while it doesn't answer,
// TheHive is asked until it does, and an end waits for what is under way.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8080", "where to listen; TLS and who may post are for the proxy before it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := newService()
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: *addr, Handler: wazuh.AlertHandler(s.take), ReadTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	s.close()
}

// A service deals with what it was posted.
type service struct {
	hive *thehive.Client
	misp *misp.Client

	patience time.Duration // for MISP, and how long it is left out after that
	retry    time.Duration // between two attempts at TheHive
	away     atomic.Int64  // until when MISP is left out, in nanoseconds since 1970

	queue   chan *wazuh.Alert
	workers sync.WaitGroup
}

func newService() (*service, error) {
	hive, herr := thehive.FromEnv(nil)
	m, merr := misp.FromEnv(nil)
	if err := errors.Join(herr, merr); err != nil {
		return nil, err
	}
	s := &service{hive: hive, misp: m, patience: 3 * time.Second, retry: time.Second, queue: make(chan *wazuh.Alert, 10_000)}
	for range 8 {
		s.workers.Go(func() {
			for a := range s.queue {
				s.handle(context.Background(), a)
			}
		})
	}
	return s, nil
}

// close waits until all that was taken is dealt with.
func (s *service) close() {
	close(s.queue)
	s.workers.Wait()
}

// take queues an alert, or says that it can't now.
func (s *service) take(_ context.Context, a *wazuh.Alert) error {
	select {
	case s.queue <- a:
		return nil
	default:
		return errors.New("too many alerts are waiting")
	}
}

// handle makes an alert in TheHive of a. One that was made before is none again.
func (s *service) handle(ctx context.Context, a *wazuh.Alert) {
	in := thehive.CreateAlertInput{
		Title: fmt.Sprintf("%s on %s", a.Rule.Description, a.Agent.Name), Type: "siem", Source: "wazuh", SourceRef: a.WazuhID,
		Description: s.known(ctx, a.SourceIP), Date: thehive.At(a.Timestamp), Tags: []string{"rule:" + a.Rule.ID},
	}
	if a.SourceIP != "" {
		in.Observables = []thehive.AlertObservable{{DataType: "ip", Data: a.SourceIP}}
	}
	for {
		_, err := s.hive.CreateAlert(ctx, in)
		if err == nil || errors.Is(err, connect.ErrExists) {
			return
		}
		log.Printf("alert %s: %v", a.WazuhID, err)
		if errors.Is(err, connect.ErrInvalid) { // it would be again
			return
		}
		time.Sleep(max(s.retry, connect.RetryAfter(err)))
	}
}

// known says what MISP has of an address, or that it didn't say.
func (s *service) known(ctx context.Context, address string) string {
	if address == "" {
		return "The alert names no address."
	}
	const silent = "MISP did not answer; nobody has looked up the address."
	if time.Now().UnixNano() < s.away.Load() {
		return silent
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	found, err := s.misp.SearchAttributes(ctx, misp.SearchAttributesInput{Value: address})
	switch {
	case err != nil:
		s.away.Store(time.Now().Add(10 * s.patience).UnixNano())
		log.Printf("MISP: %v", err)
		return silent
	case len(found.Attributes) == 0:
		return "MISP knows nothing of " + address + "."
	}
	text := "MISP knows " + address + ":\n"
	for _, a := range found.Attributes {
		text += fmt.Sprintf("- event %s, %s, for detection: %t\n", a.EventID, a.Type, a.ToIDs)
	}
	return text
}
