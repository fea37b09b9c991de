package thehive_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/incident"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
)

func responding(t *testing.T, hive *thehivetest.Server, protected ...string) (*gatetest.Gate, gate.Op) {
	t.Helper()
	g := gatetest.New(t, func(p *gate.Policy) { p.Protected = protected })
	g.Setenv("THEHIVE_ALLOW_DESTRUCTIVE_TOOLS", "1")
	c := hive.Client(func(cfg *thehive.Config) { cfg.Guard = g.Guard })
	for _, op := range c.Ops() {
		if op.Name() == "thehive_run_responder" {
			return g, op
		}
	}
	t.Fatal("there is no thehive_run_responder")
	return nil, nil
}

func TestAResponderIsRefusedOnWhatThePolicyProtects(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	for _, in := range []thehive.RunResponderInput{
		{ResponderID: "Mailer_1_0", ObjectType: thehive.ObjectCase, ObjectID: thehivetest.BruteForceCase},
		{ResponderID: "Mailer_1_0", ObjectType: thehive.ObjectAlert, ObjectID: thehivetest.NewAlert},
		{ResponderID: "Block_IP_1_0", ObjectType: thehive.ObjectObservable, ObjectID: thehivetest.AttackerObservable},
	} {
		g, op := responding(t, hive, incident.AttackerIP+"/32")
		_, err := op.Do(t.Context(), g.Guard, &in)
		if refused := new(gate.RefusedError); !errors.As(err, &refused) || refused.Reason != gate.ReasonProtected {
			t.Errorf("%s with the protected address in it: %v", in.ObjectType, err)
		}
		g, op = responding(t, hive, "203.0.113.250")
		p := propose(t, g, op, &in)
		if got := fmt.Sprint(p.Plan.Targets); !strings.Contains(got, incident.AttackerIP) {
			t.Errorf("%s: the targets don't name the address: %s", in.ObjectType, got)
		}
	}
}

func TestAPlanSaysWhichObservablesItDoesntName(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	c := hive.Client()
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("198.51.100.%d", i))
	}
	if _, err := c.CreateObservableBulk(t.Context(), thehive.CreateObservableBulkInput{CaseID: thehivetest.PhishingCase, DataType: "ip", Data: many}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		on   thehive.ObjectType
		id   string
		want string
	}{
		{thehive.ObjectCase, thehivetest.PhishingCase, "further observable"},
		{thehive.ObjectTask, thehivetest.PhishingTask, "was not compared"},
	} {
		g, op := responding(t, hive)
		p := propose(t, g, op, &thehive.RunResponderInput{ResponderID: "Mailer_1_0", ObjectType: test.on, ObjectID: test.id})
		if len(p.Plan.Warnings) != 1 || !strings.Contains(p.Plan.Warnings[0], test.want) {
			t.Errorf("%s: warnings %q, want one with %q", test.on, p.Plan.Warnings, test.want)
		}
	}
}

// An address that can't be read may be one that the policy protects.
func TestAResponderIsRefusedOnWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	hive := thehivetest.New(t)
	hive.Add("Observable", thehivetest.PhishingCase, Object{"dataType": "ip", "data": []string{incident.AttackerIP}})
	g, op := responding(t, hive, incident.AttackerIP+"/32")
	_, err := op.Do(t.Context(), g.Guard, &thehive.RunResponderInput{ResponderID: "Mailer_1_0", ObjectType: thehive.ObjectCase, ObjectID: thehivetest.PhishingCase})
	if err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("%v", err)
	}
}
