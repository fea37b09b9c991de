package examples_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// A walked is a list at a platform, an iterator over it, and how a program
// changes it. What can't be is nil.
type walked struct {
	add   func(n int) (id string)
	walk  func(ctx context.Context, page int) iter.Seq2[string, error]
	leave func(id string) error // so that the filter of the walk no longer matches it
	drop  func(id string) error // deletes it
}

// mapped names the items of a walk.
func mapped[T any](all iter.Seq2[T, error], id func(T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for v, err := range all {
			if err != nil {
				yield("", err)
				return
			}
			if !yield(id(v), nil) {
				return
			}
		}
	}
}

// walks are the iterators of all packages.
func walks(t *testing.T) map[string]walked {
	hive, cx, m, wz := thehivetest.NewEmpty(t), cortextest.New(t), misptest.New(t), wazuhtest.New(t)
	h, c, mc, w := hive.Client(), cx.Client(), m.Client(), wz.Client()
	begin := time.Now().Add(-time.Hour).Truncate(time.Second)
	at := func(n int) time.Time { return begin.Add(time.Duration(n/3) * time.Second) } // three at a time
	milli := func(n int) int64 { return at(n).UnixMilli() }
	cs := hive.Add("Case", "", thehivetest.Object{"title": "of parts", "description": "d", "severity": 1})
	event := m.AddEvent(misptest.Event{Info: "of attributes"})
	list := map[string]walked{
		"thehive.Cases": {
			add: func(n int) string {
				return hive.Add("Case", "", thehivetest.Object{"title": "x", "description": "y", "severity": 2, "_createdAt": milli(n)})
			},
			walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
				return mapped(h.Cases(ctx, thehive.ListCasesInput{Status: "New", Severity: thehive.Medium, Limit: page}), func(c *thehive.Case) string { return c.ID })
			},
			leave: func(id string) error {
				_, err := h.CloseCase(t.Context(), thehive.CloseCaseInput{CaseID: id, Status: "Other", Summary: "done"})
				return err
			},
			drop: func(id string) error {
				_, err := h.DeleteCase(t.Context(), thehive.DeleteCaseInput{CaseID: id})
				return err
			},
		},
		"thehive.Alerts": {
			add: func(n int) string {
				return hive.Add("Alert", "", thehivetest.Object{"type": "t", "source": "s", "sourceRef": fmt.Sprint(n), "title": "x", "description": "y", "_createdAt": milli(n)})
			},
			walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
				return mapped(h.Alerts(ctx, thehive.ListAlertsInput{Stage: thehive.StageNew, Limit: page}), func(a *thehive.Alert) string { return a.ID })
			},
			leave: func(id string) error {
				_, err := h.UpdateAlert(t.Context(), thehive.UpdateAlertInput{AlertID: id, Status: "Ignored"})
				return err
			},
			drop: func(id string) error {
				_, err := h.DeleteAlert(t.Context(), thehive.DeleteAlertInput{AlertID: id})
				return err
			},
		},
		"thehive.Observables": {
			add: func(n int) string {
				return hive.Add("Observable", cs, thehivetest.Object{"dataType": "other", "data": fmt.Sprint("value ", n), "_createdAt": milli(n)})
			},
			walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
				return mapped(h.Observables(ctx, thehive.ListObservablesInput{CaseID: cs, Limit: page}), func(o *thehive.Observable) string { return o.ID })
			},
			drop: func(id string) error {
				_, err := h.DeletePart(t.Context(), thehive.DeletePartInput{Kind: thehive.PartObservable, ID: id})
				return err
			},
		},
		"thehive.Tasks": {
			add: func(n int) string {
				return hive.Add("Task", cs, thehivetest.Object{"title": "x", "status": "Waiting", "_createdAt": milli(n)})
			},
			walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
				return mapped(h.Tasks(ctx, thehive.ListTasksInput{CaseID: cs, Status: thehive.TaskWaiting, Limit: page}), func(t *thehive.Task) string { return t.ID })
			},
			leave: func(id string) error {
				_, err := h.UpdateTask(t.Context(), thehive.UpdateTaskInput{TaskID: id, Status: thehive.TaskCompleted})
				return err
			},
			drop: func(id string) error {
				_, err := h.DeletePart(t.Context(), thehive.DeletePartInput{Kind: thehive.PartTask, ID: id})
				return err
			},
		},
		"cortex.Jobs": {
			add: func(n int) string {
				return cx.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "ip", Data: "203.0.113.7", Created: at(n)})[0]
			},
			walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
				return mapped(c.Jobs(ctx, cortex.ListJobsInput{Limit: page}), func(j *cortex.Job) string { return j.ID })
			},
			drop: func(id string) error {
				_, err := c.DeleteJob(t.Context(), cortex.DeleteJobInput{JobID: id})
				return err
			},
		},
		"misp.Attributes": {
			add: func(n int) string {
				a, err := mc.AddAttribute(t.Context(), misp.AddAttributeInput{EventID: misp.EventRef(event), Type: "comment", Value: fmt.Sprint("value ", n)})
				if err != nil {
					t.Fatal(err)
				}
				return string(a.ID)
			},
			walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
				return mapped(mc.Attributes(ctx, misp.SearchAttributesInput{EventID: misp.EventRef(event), Limit: page}), func(a *misp.Attribute) string { return string(a.ID) })
			},
			drop: func(id string) error {
				_, err := mc.DeleteAttribute(t.Context(), misp.DeleteAttributeInput{AttributeID: misp.Ref(id)})
				return err
			},
		},
		"misp.Events": {
			add: func(n int) string {
				e, err := mc.CreateEvent(t.Context(), misp.CreateEventInput{Info: fmt.Sprint("walked ", n)})
				if err != nil {
					t.Fatal(err)
				}
				return string(e.Event.ID)
			},
			walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
				return mapped(mc.Events(ctx, misp.SearchEventsInput{Info: "walked %", Paging: misp.Paging{Limit: page}}), func(e *misp.EventSummary) string { return string(e.ID) })
			},
			drop: func(id string) error {
				_, err := mc.DeleteEvent(t.Context(), misp.DeleteEventInput{EventID: misp.EventRef(id), Confirmation: gate.Confirmation{Confirm: true}})
				return err
			},
		},
		"wazuh.Agents": {
			add: func(n int) string {
				id := fmt.Sprintf("%03d", 100+n)
				wz.AddAgent(wazuhtest.Object{"id": id, "name": "walked-" + id, "status": "active"})
				return id
			},
			walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
				return mapped(w.Agents(ctx, wazuh.ListAgentsInput{Search: "walked", Limit: page}), func(a *wazuh.Agent) string { return a.ID })
			},
		},
		"wazuh.Rules": {
			add: func(n int) string {
				id := 100200 + n
				wz.AddRule(wazuhtest.Object{"id": id, "level": 7, "description": "x", "status": "enabled", "groups": []string{"walked"}, "filename": "local_rules.xml", "relative_dirname": "etc/rules"})
				return fmt.Sprint(id)
			},
			walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
				return mapped(w.Rules(ctx, wazuh.ListRulesInput{Group: "walked", Limit: page}), func(r *wazuh.Rule) string { return fmt.Sprint(r.ID) })
			},
		},
	}
	alert := func(rule string) func(n int) string {
		return func(n int) string {
			return wz.AddAlert(at(n), "", wazuhtest.Object{"rule": wazuhtest.Object{"id": rule, "level": 3}, "agent": wazuhtest.Object{"id": "001"}})
		}
	}
	list["wazuh.Alerts"] = walked{add: alert("7001"), walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
		return mapped(w.Alerts(ctx, wazuh.GetAlertsInput{RuleID: "7001", Limit: page}), func(a *wazuh.Alert) string { return a.ID })
	}}
	list["wazuh.TailAlerts"] = walked{add: alert("7002"), walk: func(ctx context.Context, page int) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) { // each page by another tail, from the cursor of the last
			in := wazuh.TailAlertsInput{AlertFilter: wazuh.AlertFilter{RuleID: "7002", StartTime: wazuh.At(begin)}, Limit: page}
			for more := true; more; {
				for p, err := range w.TailAlerts(ctx, in) {
					if err != nil {
						yield("", err)
						return
					}
					for _, a := range p.Alerts {
						if !yield(a.ID, nil) {
							return
						}
					}
					in.Cursor, more = p.NextCursor, p.More
					break
				}
			}
		}
	}}
	return list
}

// TestAWalkGivesEachRowOnceWhateverTheProgramDoesMeanwhile: each iterator of each
// package, while the loop changes, deletes and adds what it walks.
func TestAWalkGivesEachRowOnceWhateverTheProgramDoesMeanwhile(t *testing.T) {
	t.Parallel()
	for name, w := range walks(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := 0
			left := map[string]bool{} // what a walk must give
			for seed := range uint64(3) {
				r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // the same each time
				for range 15 + r.IntN(20) {
					left[w.add(made)] = true
					made++
				}
				seen, gone := map[string]bool{}, map[string]bool{}
				for id, err := range w.walk(t.Context(), 2+r.IntN(9)) {
					if err != nil {
						t.Fatal(err)
					}
					if seen[id] {
						t.Errorf("seed %d: %s came twice", seed, id)
					}
					seen[id] = true
					if gone[id] { // it was read before it was deleted
						continue
					}
					change := r.IntN(5)
					switch {
					case change == 0 && len(seen) < 100:
						w.add(made) // before, behind or at the place where the walk is
						made++
					case change == 1 && w.leave != nil:
						err = w.leave(id)
					case change == 2 && w.drop != nil:
						err = w.drop(id)
					case change == 3 && w.drop != nil && len(left) > 0: // another
						all := slices.Sorted(maps.Keys(left))
						other := all[r.IntN(len(all))]
						delete(left, other)
						gone[other] = true
						err = w.drop(other)
					default:
						continue
					}
					if change == 1 || change == 2 {
						delete(left, id)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				for id := range left {
					if !seen[id] {
						t.Errorf("seed %d: %s was skipped", seed, id)
					}
				}
				clear(left)
				for id, err := range w.walk(t.Context(), 0) { // what is there by now, for the next
					if err != nil {
						t.Fatal(err)
					}
					left[id] = true
				}
			}
		})
	}
}
