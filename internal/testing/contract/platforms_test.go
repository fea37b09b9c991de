package contract_test

import (
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/gatetest"
	"github.com/sallyport-soc/sallyport/internal/testing/contract"
	"github.com/sallyport-soc/sallyport/internal/testing/evidence"
	"github.com/sallyport-soc/sallyport/internal/testing/incident"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

func TestWazuh(t *testing.T) {
	s := wazuhtest.New(t)
	s.SeedIncident()
	next := wazuhtest.New(t)
	next.SeedIncident()
	next.SetVersion("5.0.0")
	check(t, []string{"wazuh", "indexer"}, evidence.Wazuh(), func(g *gatetest.Gate, v *contract.Validator) []gate.Op {
		guarded := func(c *wazuh.Config) { c.Guard, c.Transport, c.Indexer.Transport = g.Guard, v, v }
		c := s.Client(guarded)
		for _, err := range c.Alerts(t.Context(), wazuh.GetAlertsInput{Limit: 10}) { // over several pages
			if err != nil {
				t.Fatal(err)
			}
		}
		five := next.Client(guarded)
		if _, err := five.GetManagerLogs(t.Context(), wazuh.GetManagerLogsInput{}); err != nil {
			t.Error(err)
		}
		for _, in := range []wazuh.GetManagerConfigInput{{}, {Running: "wazuh-db/wdb"}} {
			if _, err := five.GetManagerConfig(t.Context(), in); err != nil {
				t.Error(err)
			}
		}
		tune(t, v)
		return c.Ops()
	})
}

// tune makes and reverts a tuning on each kind of Wazuh, behind no gate.
func tune(t *testing.T, v *contract.Validator) {
	t.Helper()
	for _, kind := range []struct {
		version string
		nodes   []string
	}{{"4.9.2", nil}, {"4.14.7", []string{"master", "worker"}}, {"4.9.2", []string{"master", "worker"}}} {
		s := wazuhtest.New(t)
		s.SeedNoise(time.Now(), 5, 5, 5)
		s.SetVersion(kind.version)
		if kind.nodes != nil {
			s.SetCluster(1, kind.nodes...)
		}
		c := s.Client(func(c *wazuh.Config) { c.Transport, c.Indexer.Transport = v, v })
		p, err := c.TunePreview(t.Context(), wazuh.TunePreviewInput{RuleID: "5710"})
		if err != nil {
			t.Fatal(err)
		}
		in := *p.Apply
		in.Reason, in.WaitSeconds = "our own scanner", 1
		done, err := c.ApplyTuning(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.RevertTuning(t.Context(), wazuh.RevertTuningInput{TuningID: done.TuningID, WaitSeconds: 1}); err != nil {
			t.Error(err)
		}
	}
}

func TestTheHive(t *testing.T) {
	s := thehivetest.New(t)
	s.SeedIncident()
	check(t, []string{"thehive"}, evidence.TheHive(), func(g *gatetest.Gate, v *contract.Validator) []gate.Op {
		c := s.Client(func(c *thehive.Config) { c.Transport = v }) // what programs call, behind no gate
		theHiveParts(t, c)
		elsewhere := thehivetest.New(t)
		elsewhere.LegacyCortex = true
		old := elsewhere.Client(func(c *thehive.Config) { c.Transport = v })
		if _, err := old.ListAnalyzers(t.Context(), thehive.ListAnalyzersInput{}); err != nil {
			t.Error(err)
		}
		run := thehive.RunAnalyzerInput{AnalyzerID: "a1b2c3", CortexID: thehivetest.CortexID, ObservableID: thehivetest.AttackerObservable}
		if _, err := old.RunAnalyzerAndWait(t.Context(), thehive.RunAnalyzerAndWaitInput{RunAnalyzerInput: run, Patience: thehive.Patience{MaxAttempts: 1}}); err != nil {
			t.Error(err)
		}
		ancient := thehivetest.New(t)
		ancient.Version = "4.1.24-1"
		if _, err := ancient.Client(func(c *thehive.Config) { c.Transport = v }).Status(t.Context(), thehive.StatusInput{}); err != nil {
			t.Error(err)
		}
		return s.Client(func(c *thehive.Config) { c.Guard, c.Transport = g.Guard, v }).Ops()
	})
}

// theHiveParts makes what no id is known of before, and deletes it.
func theHiveParts(t *testing.T, c *thehive.Client) {
	t.Helper()
	file := thehive.FileSource{FileBase64: []byte("Subject: Invoice"), Filename: "mail.eml"}
	remove := func(kind thehive.PartKind, id, caseID, alertID string) {
		t.Helper()
		if _, err := c.DeletePart(t.Context(), thehive.DeletePartInput{Kind: kind, ID: id, CaseID: caseID, AlertID: alertID}); err != nil {
			t.Error(err)
		}
	}
	for _, at := range []thehive.AddAttachmentInput{{CaseID: thehivetest.PhishingCase, FileSource: file}, {AlertID: thehivetest.NewAlert, FileSource: file}} {
		a, err := c.AddAttachment(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.GetFile(t.Context(), thehive.GetFileInput{CaseID: at.CaseID, AlertID: at.AlertID, AttachmentID: a.ID}); err != nil {
			t.Error(err)
		}
		remove(thehive.PartAttachment, a.ID, at.CaseID, at.AlertID)
		o, err := c.CreateFileObservable(t.Context(), thehive.CreateFileObservableInput{CaseID: at.CaseID, AlertID: at.AlertID, FileSource: file})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.GetFile(t.Context(), thehive.GetFileInput{ObservableID: o.Created[0].ID}); err != nil {
			t.Error(err)
		}
		remove(thehive.PartObservable, o.Created[0].ID, "", "")
	}
	text := "What we know."
	p, err := c.WritePage(t.Context(), thehive.WritePageInput{CaseID: "2", Title: "Notes", Category: "work", Content: &text})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.WritePage(t.Context(), thehive.WritePageInput{CaseID: "2", PageID: p.ID, Title: "More notes"}); err != nil {
		t.Error(err)
	}
	remove(thehive.PartPage, p.ID, "2", "")
	e, err := c.AddTimelineEvent(t.Context(), thehive.AddTimelineEventInput{CaseID: "2", Title: "It began", Date: 1767225600000})
	if err != nil {
		t.Fatal(err)
	}
	remove(thehive.PartCustomEvent, e.ID, "2", "")
	task, err := c.CreateTask(t.Context(), thehive.CreateTaskInput{CaseID: "2", Title: "Ask"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := c.CreateTaskLog(t.Context(), thehive.CreateTaskLogInput{TaskID: task.ID, Message: "Asked."})
	if err != nil {
		t.Fatal(err)
	}
	remove(thehive.PartTaskLog, l.ID, "", "")
	remove(thehive.PartTask, task.ID, "", "")
	t1, err := c.AddProcedure(t.Context(), thehive.AddProcedureInput{CaseID: "2", PatternID: "T1566", OccurDate: 1767225600000})
	if err != nil {
		t.Fatal(err)
	}
	remove(thehive.PartProcedure, t1.ID, "", "")
}

func TestCortex(t *testing.T) {
	s := cortextest.New(t)
	check(t, []string{"cortex"}, evidence.Cortex(), func(g *gatetest.Gate, v *contract.Validator) []gate.Op {
		return s.Client(func(c *cortex.Config) {
			c.Guard, c.Transport, c.APIKey, c.KeyDir = g.Guard, v, cortextest.AdminKey, t.TempDir()
		}).Ops()
	})
}

func TestMISP(t *testing.T) {
	s := misptest.New(t)
	s.SeedIncident()
	for range 60 { // more than a page of them
		s.AddSharingGroup("Partners", true)
	}
	check(t, []string{"misp"}, evidence.MISP(), func(g *gatetest.Gate, v *contract.Validator) []gate.Op {
		// Only a site administrator may manage feeds, and ask which events are blocked.
		c := s.Client(func(c *misp.Config) { c.Guard, c.Transport, c.APIKey = g.Guard, v, misptest.AdminKey })
		if _, err := c.EventsByTags(t.Context(), []string{incident.CampaignTag}, 5); err != nil {
			t.Error(err)
		}
		if _, err := c.PlanCreateEvent(t.Context(), misp.CreateEventInput{Info: "x", ThreatLevel: 4}); err != nil {
			t.Error(err)
		}
		if _, err := c.TechniqueTags(t.Context(), map[string]string{"T1110": "Brute Force"}); err != nil {
			t.Error(err)
		}
		for _, r := range c.Resources() {
			if _, err := r.Op.Do(t.Context(), g.Guard, r.In); err != nil {
				t.Errorf("%s: %v", r.URI, err)
			}
		}
		return c.Ops()
	})
}
