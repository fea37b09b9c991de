package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/testing/incident"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/wazuh"
)

// incident carries the incident from its alert to ATT&CK. What can't go on
// because a proposal waits is said, and the rest goes on.
func (l *loop) incident(ctx context.Context, layerFile string) error {
	alert, err := l.triage(ctx)
	if err != nil {
		return err
	}
	techniques, err := l.mapAlert(ctx, alert)
	if err != nil {
		return err
	}
	cs, err := l.openCase(ctx, alert)
	if err != nil && !errors.Is(err, errWaits) {
		return err
	}
	if err := l.enrich(ctx, alert.SourceIP); err != nil {
		return err
	}
	if err := l.correlate(ctx, techniques); err != nil {
		return err
	}
	if cs != nil {
		if err := l.writeBack(ctx, cs, techniques); err != nil && !errors.Is(err, errWaits) {
			return err
		}
		if err := l.contain(ctx, alert, cs); err != nil && !errors.Is(err, errWaits) {
			return err
		}
		if err := l.timeline(ctx, cs); err != nil {
			return err
		}
	}
	if err := l.silence(ctx); err != nil && !errors.Is(err, errWaits) {
		return err
	}
	if err := l.layer(ctx, techniques, layerFile); err != nil {
		return err
	}
	return l.handOver(ctx)
}

func (l *loop) triage(ctx context.Context) (*wazuh.Alert, error) {
	l.stage("TRIAGE: what does Wazuh say?")
	page, err := l.alerts.GetAlerts(ctx, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{Level: 10, Search: "authentication"}, Limit: 5}) // a read can be a plain call
	if err != nil {
		return nil, err
	}
	if len(page.Alerts) == 0 {
		return nil, errors.New("no alert of level 10 or more on authentication")
	}
	for _, a := range page.Alerts {
		l.say("  %s  level %d  rule %s  %s: %s", a.Timestamp.Format(time.TimeOnly), a.Rule.Level, a.Rule.ID, a.Agent.Name, a.Rule.Description)
	}
	alert, err := call[*wazuh.Alert](ctx, l, "get_alert", &wazuh.GetAlertInput{AlertID: page.Alerts[0].ID})
	if err != nil {
		return nil, err
	}
	agent, err := call[*wazuh.Agent](ctx, l, "get_agent", &wazuh.GetAgentInput{AgentID: wazuh.AgentID(alert.Agent.ID)})
	if err != nil {
		return nil, err
	}
	l.say("  host: %s (%s), %s; from %s as %s", agent.Name, agent.ID, agent.Status, alert.SourceIP, alert.DestinationUser)
	processes, err := call[*wazuh.ProcessPage](ctx, l, "get_agent_processes", &wazuh.GetAgentProcessesInput{AgentID: wazuh.AgentID(agent.ID), IncludeCommand: true})
	if err != nil {
		return nil, err
	}
	for _, p := range processes.Processes {
		if p.User == incident.User {
			l.say("  process of %s: %d %s %s", p.User, p.PID, p.Name, p.Command)
		}
	}
	ports, err := call[*wazuh.PortPage](ctx, l, "get_agent_ports", &wazuh.GetAgentPortsInput{AgentID: wazuh.AgentID(agent.ID)})
	if err != nil {
		return nil, err
	}
	for _, p := range ports.Ports {
		if p.Remote.IP == alert.SourceIP {
			l.say("  connection: %s %s from %s %s", p.Protocol, p.Local, p.Remote, p.State)
		}
	}
	return alert, nil
}

func (l *loop) mapAlert(ctx context.Context, alert *wazuh.Alert) ([]string, error) {
	l.stage("MAP: what is it in ATT&CK?")
	mapped, err := call[*soc.MapWazuhAlertOutput](ctx, l, "mitre_map_wazuh_alert", &soc.MapWazuhAlertInput{AlertID: alert.ID})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, t := range mapped.Techniques {
		var tactics []string
		for _, ta := range t.Tactics {
			tactics = append(tactics, ta.Name)
		}
		l.say("  %-10s %s (%s), says the %s", t.ID, t.Name, strings.Join(tactics, ", "), t.Source)
		ids = append(ids, t.ID)
	}
	return ids, nil
}

func (l *loop) openCase(ctx context.Context, alert *wazuh.Alert) (*thehive.Case, error) {
	l.stage("CASE: open one in TheHive (gated)")
	cs, err := call[*thehive.Case](ctx, l, "thehive_create_case", &thehive.CreateCaseInput{
		Title:       fmt.Sprintf("Brute force, then success on %s", alert.Agent.Name),
		Description: fmt.Sprintf("Wazuh rule %s on %s: %s", alert.Rule.ID, alert.Agent.Name, alert.Rule.Description),
		Severity:    thehive.High, Tags: []string{"wazuh", "auth"},
	})
	if err != nil {
		return nil, err
	}
	l.say("  case #%d is open", cs.Number)
	if _, err := call[*thehive.Task](ctx, l, "thehive_create_task", &thehive.CreateTaskInput{CaseID: cs.ID, Title: "Confirm source IP reputation"}); err != nil {
		return cs, err
	}
	_, err = call[*thehive.ObservableBulk](ctx, l, "thehive_create_observable_bulk", &thehive.CreateObservableBulkInput{
		CaseID: cs.ID, DataType: "ip", Data: []string{alert.SourceIP}, IOC: true,
	})
	return cs, err
}

func (l *loop) enrich(ctx context.Context, address string) error {
	l.stage("ANALYZE and ENRICH: who is " + address + "?")
	a, err := call[*cortex.Analysis](ctx, l, "cortex_analyze_observable", &cortex.AnalyzeObservableInput{
		Data: address, Analyzers: []string{"Abuse_Finder_3_0", "MaxMind_GeoIP_4_0", "AbuseIPDB_1_0"},
	})
	if err != nil {
		return err
	}
	for _, r := range a.Results {
		for _, t := range r.Taxonomies {
			l.say("  Cortex %-18s %s: %s %s", r.Analyzer, t.Level, t.Predicate, t.Value)
		}
	}
	l.say("  Cortex verdict: %s (%d analyzers answered)", a.Verdict.Level, a.Verdict.Answered)
	known, err := call[*misp.Correlation](ctx, l, "misp_correlate", &misp.CorrelateInput{Value: address})
	if err != nil {
		return err
	}
	for _, e := range known.Events {
		l.say("  MISP event %s: %s", e.Event.ID, e.Event.Info)
	}
	w, err := call[*misp.WarninglistCheck](ctx, l, "misp_check_warninglists", &misp.CheckWarninglistsInput{Value: address})
	if err != nil {
		return err
	}
	l.say("  MISP warninglists that have it: %d", len(w.Hits))
	return nil
}

func (l *loop) correlate(ctx context.Context, techniques []string) error {
	l.stage("CORRELATE: what else is there on these techniques?")
	c, err := call[*soc.CrossCorrelateOutput](ctx, l, "mitre_cross_correlate", &soc.CrossCorrelateInput{Techniques: techniques})
	if err != nil {
		return err
	}
	for _, p := range c.Platforms {
		l.say("  %s: %s %s", p.Platform, p.Status, p.Error)
	}
	l.say("  %d alerts, %d cases, %d events", c.Wazuh.Total, len(c.TheHive.Cases), len(c.MISP.Events))
	for _, g := range c.Groups {
		l.say("  used also by %s (%s): %s", g.Name, g.ID, strings.Join(g.Shared, ", "))
	}
	return nil
}

func (l *loop) writeBack(ctx context.Context, cs *thehive.Case, techniques []string) error {
	l.stage("WRITE BACK: what was found goes into the case (gated)")
	if _, err := call[*soc.EnrichCaseOutput](ctx, l, "mitre_thehive_enrich", &soc.EnrichCaseInput{CaseID: cs.ID, Techniques: techniques, AddTags: true}); err != nil {
		return err
	}
	if _, err := call[*thehive.Comment](ctx, l, "thehive_create_comment", &thehive.CreateCommentInput{
		CaseID: cs.ID, Message: "The source is known for brute force; disable the account and look for lateral movement.",
	}); err != nil {
		return err
	}
	l.stage("AND WHAT THE GATE DOESN'T EVEN ASK ABOUT")
	_, err := call[*thehive.Deleted](ctx, l, "thehive_delete_case", &thehive.DeleteCaseInput{CaseID: cs.ID})
	if !errors.Is(err, gate.ErrRefused) {
		return fmt.Errorf("thehive_delete_case was not refused: %w", err)
	}
	l.say("  %v", err)
	return nil
}

func (l *loop) timeline(ctx context.Context, cs *thehive.Case) error {
	l.stage("THE CASE")
	t, err := call[*thehive.CaseTimeline](ctx, l, "thehive_case_timeline_summary", &thehive.CaseTimelineSummaryInput{CaseID: cs.ID})
	if err != nil {
		return err
	}
	l.say("  #%d %s: %s, %d tasks, %d observables, %d comments, tags %s", t.Case.Number, t.Case.Title, t.Case.Status,
		t.Counts.Tasks, t.Counts.Observables, t.Counts.Comments, strings.Join(t.Case.Tags, " "))
	for _, e := range t.Events {
		l.say("  %s  %-16s %s", e.Date.Format(time.TimeOnly), e.Kind, e.Text)
	}
	return nil
}

func (l *loop) layer(ctx context.Context, techniques []string, file string) error {
	layer, err := call[*attack.Layer](ctx, l, "mitre_navigator_layer", &attack.NavigatorLayerInput{
		Mode: attack.LayerTechniques, Name: "Brute force, then success", Techniques: techniques,
	})
	if err != nil {
		return err
	}
	if err := l.saveLayer(layer, file); err != nil {
		return err
	}
	l.say("\n  ATT&CK Navigator layer: %s", file)
	return nil
}

// contain blocks the attacker on the host and, once that is proven, takes it back.
func (l *loop) contain(ctx context.Context, alert *wazuh.Alert, cs *thehive.Case) error {
	l.stage("CONTAIN: evidence first, then a block with proof and a way back (gated)")
	kept, err := call[*soc.EvidenceBundleOutput](ctx, l, "soc_evidence_bundle", &soc.EvidenceBundleInput{AlertID: alert.ID, CaseID: cs.ID})
	if err != nil {
		return err
	}
	l.say("  kept: %s, %d files, SHA-256 %s", kept.Name, len(kept.Files), kept.SHA256)
	for _, m := range kept.Missing {
		l.say("  not kept: %s, %s", m.Path, m.Why)
	}
	on := wazuh.ResponseTarget{Response: blockAddress.Name, Agents: []wazuh.AgentID{wazuh.AgentID(alert.Agent.ID)}, Value: alert.SourceIP, WaitSeconds: 10}
	done, err := call[*wazuh.ResponseDone](ctx, l, "wazuh_active_response", &wazuh.RunActiveResponseInput{ResponseTarget: on, Reason: "It guessed a password and is in."})
	if err != nil {
		return err
	}
	l.say("  blocked: %s", done.Note)
	if _, err := call[*thehive.Comment](ctx, l, "thehive_create_comment", &thehive.CreateCommentInput{CaseID: cs.ID, Message: done.Record}); err != nil {
		return err
	}
	undone, err := call[*wazuh.ResponseDone](ctx, l, "wazuh_undo_response", &wazuh.UndoResponseInput{ResponseTarget: on, Reason: "The account is locked and the host rebuilt."})
	if err != nil {
		return err
	}
	l.say("  taken back: %s", undone.Note)
	return nil
}

// silence takes a scanner of one's own out of the alerts, looks at that, and takes it back.
func (l *loop) silence(ctx context.Context) error {
	l.stage("SILENCE: what drowns such an incident in noise (gated)")
	l.platforms.Wazuh.SeedNoise(time.Now(), 60, 12, 20)
	p, err := call[*wazuh.TunePreview](ctx, l, "wazuh_tune_preview", &wazuh.TunePreviewInput{RuleID: "5710"})
	if err != nil {
		return err
	}
	l.say("  rule %d: %d alerts in %d days, of which this hides %d:", p.Rule.ID, p.Total, 30, p.Silenced.Alerts)
	for _, c := range p.Tuning.Conditions {
		l.say("    %s is %s", c.Field, c.Value)
	}
	for _, w := range p.Warnings {
		l.say("  warning: %s", w)
	}
	in := *p.Apply
	in.Reason = "Our own vulnerability scanner, agreed with the team of the web servers."
	done, err := call[*wazuh.TuningDone](ctx, l, "wazuh_apply_tuning", &in)
	if err != nil {
		return err
	}
	for _, s := range done.Steps {
		l.say("  %s: %s", s.Step, s.Outcome)
	}
	list, err := call[*wazuh.TuningList](ctx, l, "wazuh_list_tunings", &wazuh.ListTuningsInput{})
	if err != nil {
		return err
	}
	for _, t := range list.Tunings {
		l.say("  in force: %d on rule %s, approved by %s as %s, until %s, %.1f alerts a day before: %s", t.TuningID, string(t.RuleID), t.Approved, t.Proposal, t.Expires, t.PerDayBefore, t.Reason)
	}
	undone, err := call[*wazuh.TuningDone](ctx, l, "wazuh_revert_tuning", &wazuh.RevertTuningInput{TuningID: done.TuningID, Reason: "The scanner was moved."})
	if err != nil {
		return err
	}
	l.say("  reverted, proven by %d events; the rule file is %s", undone.Proven, undone.SHA256)
	return nil
}

// handOver says what the next shift must know, what still waits among it.
func (l *loop) handOver(ctx context.Context) error {
	l.stage("HAND-OVER")
	h, err := call[*soc.HandoverOutput](ctx, l, "soc_handover", &soc.HandoverInput{Hours: 12})
	if err != nil {
		return err
	}
	l.say("  %d open cases, %d tunings and %d responses in force, %d outcomes that nobody knows", h.OpenCases, len(h.Tunings), len(h.Responses), len(h.Unknown))
	for _, p := range h.Waiting {
		l.say("  still waiting: %s, %s", p.Proposal, p.Summary)
	}
	return nil
}
