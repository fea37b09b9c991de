package examples_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-soc/sallyport/attack"
	"github.com/sallyport-soc/sallyport/attack/soc"
	"github.com/sallyport-soc/sallyport/cortex"
	"github.com/sallyport-soc/sallyport/cortex/cortextest"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/misp"
	"github.com/sallyport-soc/sallyport/misp/misptest"
	"github.com/sallyport-soc/sallyport/thehive"
	"github.com/sallyport-soc/sallyport/thehive/thehivetest"
	"github.com/sallyport-soc/sallyport/wazuh"
	"github.com/sallyport-soc/sallyport/wazuh/wazuhtest"
)

// An iterated list is an iterator that asks for so many rows at a time, and names them. If at isn't
// nil, it goes on from that cursor, and leaves there how far it has come.
type iterated func(ctx context.Context, page int, at *connect.Cursor) iter.Seq2[string, error]

// A walked is a list at a platform, an iterator over it, and how a program
// changes it. What can't be is nil.
type walked struct {
	have  []string // what is there from the beginning
	add   func(n int) (id string)
	walk  iterated
	leave func(id string) error // so that the filter of the walk no longer matches it
	drop  func(id string) error // deletes it
}

// over walks what in asks for, a number of rows at a time, and names the rows.
func over[In, T any](list func(context.Context, In) iter.Seq2[T, error], in In, id func(T) string) iterated {
	return func(ctx context.Context, page int, at *connect.Cursor) iter.Seq2[string, error] {
		in := in
		limit, _ := input.Place(&in)
		*limit = page
		return func(yield func(string, error) bool) {
			rows := list(ctx, in)
			if at != nil {
				w := connect.NewWalk(list, in, *at)
				defer func() { *at = w.Cursor() }()
				rows = w.Rows(ctx)
			}
			for v, err := range rows {
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
}

// fixed is a list that a program can't change: all of it is on the first page.
func fixed[In, Page, T any](t *testing.T, in In, list func(context.Context, In) (*Page, error), rows func(*Page) []T, iterate func(context.Context, In) iter.Seq2[T, error], id func(T) string) walked {
	t.Helper()
	p, err := list(t.Context(), in)
	if err != nil || len(rows(p)) == 0 {
		t.Fatalf("%T: %d rows, %v", in, len(rows(p)), err)
	}
	w := walked{walk: over(iterate, in, id)}
	for _, row := range rows(p) {
		w.have = append(w.have, id(row))
	}
	return w
}

// walks are the iterators of all packages.
func walks(t *testing.T) map[string]walked {
	hive, cx, m, wz := thehivetest.NewEmpty(t), cortextest.New(t), misptest.New(t), wazuhtest.New(t)
	h, c, w := hive.Client(), cx.Client(), wz.Client()
	mc := m.Client(func(c *misp.Config) { c.APIKey = misptest.AdminKey })
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
			walk: over(h.Cases, thehive.ListCasesInput{Status: "New", Severity: thehive.Medium}, func(c *thehive.Case) string { return c.ID }),
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
			walk: over(h.Alerts, thehive.ListAlertsInput{Stage: thehive.StageNew}, func(a *thehive.Alert) string { return a.ID }),
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
			walk: over(h.Observables, thehive.ListObservablesInput{CaseID: cs}, func(o *thehive.Observable) string { return o.ID }),
			drop: func(id string) error {
				_, err := h.DeletePart(t.Context(), thehive.DeletePartInput{Kind: thehive.PartObservable, ID: id})
				return err
			},
		},
		"thehive.Tasks": {
			add: func(n int) string {
				return hive.Add("Task", cs, thehivetest.Object{"title": "x", "status": "Waiting", "_createdAt": milli(n)})
			},
			walk: over(h.Tasks, thehive.ListTasksInput{CaseID: cs, Status: thehive.TaskWaiting}, func(t *thehive.Task) string { return t.ID }),
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
				return cx.AddJobs(cortextest.Job{Analyzer: "MaxMind_GeoIP_4_0", DataType: "other", Data: "walked", Created: at(n)})[0]
			},
			walk: over(c.Jobs, cortex.ListJobsInput{DataType: "other"}, func(j *cortex.Job) string { return j.ID }),
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
			walk: over(mc.Attributes, misp.SearchAttributesInput{EventID: misp.EventRef(event)}, func(a *misp.Attribute) string { return string(a.ID) }),
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
			walk: over(mc.Events, misp.SearchEventsInput{Info: "walked %"}, func(e *misp.EventSummary) string { return string(e.ID) }),
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
			walk: over(w.Agents, wazuh.ListAgentsInput{Search: "walked"}, func(a *wazuh.Agent) string { return a.ID }),
		},
		"wazuh.Rules": {
			add: func(n int) string {
				id := 100200 + n
				wz.AddRule(wazuhtest.Object{"id": id, "level": 7, "description": "x", "status": "enabled", "groups": []string{"walked"}, "filename": "local_rules.xml", "relative_dirname": "etc/rules"})
				return fmt.Sprint(id)
			},
			walk: over(w.Rules, wazuh.ListRulesInput{Group: "walked"}, func(r *wazuh.Rule) string { return fmt.Sprint(r.ID) }),
		},
	}
	other := hive.Add("Case", "", thehivetest.Object{"title": "of more parts", "description": "d", "severity": 1})
	task := hive.Add("Task", other, thehivetest.Object{"title": "of entries"})
	observable := hive.Add("Observable", other, thehivetest.Object{"dataType": "ip", "data": "203.0.113.7"})
	below := func(kind, parent string, fields func(n int) thehivetest.Object) func(n int) string {
		return func(n int) string {
			o := fields(n)
			o["_createdAt"] = milli(n)
			return hive.Add(kind, parent, o)
		}
	}
	dropPart := func(kind thehive.PartKind) func(id string) error {
		return func(id string) error {
			_, err := h.DeletePart(t.Context(), thehive.DeletePartInput{Kind: kind, ID: id})
			return err
		}
	}
	list["thehive.CasesMatching"] = walked{
		add: below("Case", "", func(int) thehivetest.Object {
			return thehivetest.Object{"title": "needle in hay", "description": "y", "severity": 1}
		}),
		walk:  over(h.CasesMatching, thehive.SearchCasesInput{Query: `"needle in"`}, func(c *thehive.Case) string { return c.ID }),
		leave: func(id string) error { hive.Set(id, thehivetest.Object{"title": "hay"}); return nil },
		drop:  list["thehive.Cases"].drop,
	}
	list["thehive.ObservablesMatching"] = walked{
		add: below("Observable", other, func(n int) thehivetest.Object {
			return thehivetest.Object{"dataType": "url", "data": fmt.Sprint("http://needle.example/", n)}
		}),
		walk: over(h.ObservablesMatching, thehive.SearchObservablesInput{Part: "needle.example"}, func(o *thehive.Observable) string { return o.ID }),
		drop: list["thehive.Observables"].drop,
	}
	list["thehive.Comments"] = walked{
		add:  below("Comment", cs, func(int) thehivetest.Object { return thehivetest.Object{"message": "x"} }),
		walk: over(h.Comments, thehive.ListCommentsInput{CaseID: cs}, func(c *thehive.Comment) string { return c.ID }),
		drop: dropPart(thehive.PartComment),
	}
	list["thehive.TaskLogs"] = walked{
		add:  below("Log", task, func(int) thehivetest.Object { return thehivetest.Object{"message": "x"} }),
		walk: over(h.TaskLogs, thehive.ListTaskLogsInput{TaskID: task}, func(l *thehive.TaskLog) string { return l.ID }),
		drop: dropPart(thehive.PartTaskLog),
	}
	list["thehive.Procedures"] = walked{
		add: below("Procedure", cs, func(n int) thehivetest.Object {
			return thehivetest.Object{"patternId": "T1110", "occurDate": -milli(n)}
		}),
		walk: over(h.Procedures, thehive.ListProceduresInput{CaseID: cs}, func(p *thehive.Procedure) string { return p.ID }),
		drop: dropPart(thehive.PartProcedure),
	}
	list["thehive.Jobs"] = walked{
		add:  below("Job", observable, func(int) thehivetest.Object { return thehivetest.Object{"analyzerName": "x", "status": "Success"} }),
		walk: over(h.Jobs, thehive.ListJobsInput{ObservableID: observable}, func(j *thehive.JobFacts) string { return j.ID }),
	}
	open := hive.Add("Case", "", thehivetest.Object{"title": "of open tasks", "description": "d", "severity": 1})
	list["thehive.OpenTasks"] = walked{
		add: below("Task", open, func(int) thehivetest.Object {
			return thehivetest.Object{"title": "x", "status": "InProgress", "assignee": "nobody@walked.example"}
		}),
		walk: func(ctx context.Context, page int, at *connect.Cursor) iter.Seq2[string, error] { // those of this case alone
			all := over(h.OpenTasks, thehive.ListOpenTasksInput{Whose: thehive.Everybody}, func(o *thehive.OpenTask) string { return o.CaseID + " " + o.Task.ID })
			return func(yield func(string, error) bool) {
				for id, err := range all(ctx, page, at) {
					of, id, _ := strings.Cut(id, " ")
					if (err != nil || of == open) && !yield(id, err) {
						return
					}
				}
			}
		},
		leave: list["thehive.Tasks"].leave,
		drop:  list["thehive.Tasks"].drop,
	}
	list["thehive.Users"] = walked{
		add: below("User", "", func(n int) thehivetest.Object {
			return thehivetest.Object{"login": fmt.Sprintf("u%d@walked.example", n), "name": "x", "organisations": []thehivetest.Object{{"organisation": thehivetest.Organisation}}}
		}),
		walk: over(h.Users, thehive.ListUsersInput{}, func(u *thehive.Colleague) string { return u.ID }),
	}
	list["thehive.CaseTemplates"] = walked{
		add:  below("CaseTemplate", "", func(n int) thehivetest.Object { return thehivetest.Object{"name": fmt.Sprint("walked ", n)} }),
		walk: over(h.CaseTemplates, thehive.ListCaseTemplatesInput{}, func(c *thehive.CaseTemplate) string { return c.ID }),
	}
	list["cortex.AnalyzerDefinitions"] = walked{
		add: func(n int) string {
			d := cortextest.Definition{Name: fmt.Sprintf("Walked_%d_1_0", n), Version: "1.0", DataTypes: []string{"ip"}}
			cx.Define(d)
			return d.Name
		},
		walk: over(c.AnalyzerDefinitions, cortex.ListAnalyzerDefinitionsInput{ListDefinitionsInput: cortex.ListDefinitionsInput{Search: "Walked_"}}, func(d *cortex.Definition) string { return d.ID }),
	}
	list["cortex.ResponderDefinitions"] = walked{
		add: func(n int) string {
			d := cortextest.Definition{Name: fmt.Sprintf("Walked_%d_1_0", n), Version: "1.0", DataTypes: []string{"thehive:case"}}
			cx.DefineResponder(d)
			return d.Name
		},
		walk: over(c.ResponderDefinitions, cortex.ListResponderDefinitionsInput{ListDefinitionsInput: cortex.ListDefinitionsInput{Search: "Walked_"}}, func(d *cortex.Definition) string { return d.ID }),
	}
	list["misp.Tags"] = walked{
		add: func(n int) string {
			name := fmt.Sprintf("walked:n=%d", n)
			if _, err := mc.TagEvent(t.Context(), misp.TagEventInput{EventID: misp.EventRef(event), Tag: name}); err != nil {
				t.Fatal(err)
			}
			return name
		},
		walk: over(mc.Tags, misp.ListTagsInput{Search: "walked:n"}, func(x *misp.TagUse) string { return x.Name }),
	}
	list["misp.Feeds"] = walked{
		add: func(n int) string {
			return m.AddFeed(misptest.Feed{Name: "walked", Provider: "x", URL: fmt.Sprintf("https://feeds.example/%d", n), Enabled: true})
		},
		walk: over(mc.Feeds, misp.ListFeedsInput{Enabled: connect.Ptr(true), Search: "walked"}, func(f *misp.Feed) string { return string(f.ID) }),
		leave: func(id string) error {
			_, err := mc.ToggleFeed(t.Context(), misp.ToggleFeedInput{FeedID: misp.NumericID(id)})
			return err
		},
	}
	list["misp.SharingGroups"] = walked{
		add:  func(n int) string { return fmt.Sprint(m.AddSharingGroup(fmt.Sprint("walked ", n), true)) },
		walk: over(mc.SharingGroups, misp.ListSharingGroupsInput{Search: "walked"}, func(g *misp.SharingGroupDetail) string { return string(g.ID) }),
	}
	list["misp.Proposals"] = walked{
		add: func(n int) string {
			p, err := mc.ProposeAttribute(t.Context(), misp.ProposeAttributeInput{EventID: misp.EventRef(event), Type: "domain", Value: fmt.Sprintf("walked%d.example", n)})
			if err != nil {
				t.Fatal(err)
			}
			return string(p.Proposal.ID)
		},
		walk: over(mc.Proposals, misp.ListProposalsInput{EventID: misp.EventRef(event)}, func(p *misp.Proposal) string { return string(p.ID) }),
		leave: func(id string) error {
			_, err := mc.DiscardProposal(t.Context(), misp.DecideProposalInput{ProposalID: misp.NumericID(id)})
			return err
		},
	}
	hash := func(n int) string { return fmt.Sprintf("%032x", n+1) }
	list["misp.Hashes"] = walked{
		add: func(n int) string {
			m.AddEvent(misptest.Event{Info: "hashes", Published: true, Attributes: []misptest.Attribute{{Type: "md5", Value: hash(n)}}})
			return hash(n)
		},
		walk: over(mc.Hashes, misp.ExportHashesInput{Format: misp.MD5}, func(h string) string { return h }),
	}
	list["misp.Blocked"] = walked{
		add: func(n int) string {
			v := fmt.Sprintf("blocked%d.example", n)
			m.AddEvent(misptest.Event{Info: "domains", Published: true, Tags: []string{"walked:blocked"}, Attributes: []misptest.Attribute{{Type: "domain", Value: v}}})
			return v
		},
		walk: over(mc.Blocked, misp.BlocklistInput{Kind: misp.BlockDomains, Tags: []string{"walked:blocked"}}, func(v string) string { return v }),
	}
	list["misp.Organisations"] = fixed(t, misp.ListOrganisationsInput{}, mc.ListOrganisations,
		func(p *misp.OrganisationPage) []*misp.OrganisationDetail { return p.Organisations }, mc.Organisations, func(o *misp.OrganisationDetail) string { return string(o.ID) })
	list["misp.Galaxies"] = fixed(t, misp.ListGalaxiesInput{}, mc.ListGalaxies,
		func(p *misp.GalaxyPage) []*misp.GalaxyHead { return p.Galaxies }, mc.Galaxies, func(g *misp.GalaxyHead) string { return string(g.ID) })
	list["misp.GalaxyClusters"] = fixed(t, misp.GetGalaxyInput{GalaxyID: "36"}, mc.GetGalaxy,
		func(p *misp.GalaxyClusters) []*misp.ClusterHead { return p.Clusters }, mc.GalaxyClusters, func(x *misp.ClusterHead) string { return string(x.ID) })
	list["misp.GalaxyClustersMatching"] = fixed(t, misp.SearchGalaxyClustersInput{Search: "T1"}, mc.SearchGalaxyClusters,
		func(p *misp.FoundClusters) []*misp.ClusterHead { return p.Clusters }, mc.GalaxyClustersMatching, func(x *misp.ClusterHead) string { return string(x.ID) })
	list["misp.ObjectTemplates"] = fixed(t, misp.ListObjectTemplatesInput{}, mc.ListObjectTemplates,
		func(p *misp.TemplatePage) []*misp.TemplateHead { return p.Templates }, mc.ObjectTemplates, func(o *misp.TemplateHead) string { return string(o.ID) })

	// What an agent reported: the fake takes a whole list.
	reported := func(kind string, row func(n int) wazuhtest.Object, id string) (add func(n int) string, drop func(id string) error) {
		var rows []wazuhtest.Object
		set := func() { wz.SetInventory("001", kind, rows...) }
		add = func(n int) string {
			rows = append(rows, row(n))
			set()
			return fmt.Sprint(row(n)[id])
		}
		drop = func(gone string) error {
			rows = slices.DeleteFunc(slices.Clone(rows), func(o wazuhtest.Object) bool { return fmt.Sprint(o[id]) == gone })
			set()
			return nil
		}
		return add, drop
	}
	seen := at(0).UTC().Format("2006-01-02T15:04:05Z")
	for name, x := range map[string]struct {
		kind, id string
		row      func(n int) wazuhtest.Object
		walk     iterated
	}{
		"Packages": {"packages", "name", func(n int) wazuhtest.Object { return wazuhtest.Object{"name": fmt.Sprint("p", n), "version": "1"} },
			over(w.Packages, wazuh.GetAgentPackagesInput{AgentID: "001"}, func(p *wazuh.Package) string { return p.Name })},
		"Hotfixes": {"hotfixes", "hotfix", func(n int) wazuhtest.Object { return wazuhtest.Object{"hotfix": fmt.Sprint("KB", n)} },
			over(w.Hotfixes, wazuh.GetAgentHotfixesInput{AgentID: "001"}, func(number string) string { return number })},
		"Processes": {"processes", "pid", func(n int) wazuhtest.Object { return wazuhtest.Object{"pid": fmt.Sprint(n + 1), "name": "x"} },
			over(w.Processes, wazuh.GetAgentProcessesInput{AgentID: "001"}, func(p *wazuh.Process) string { return fmt.Sprint(p.PID) })},
		"Ports": {"ports", "inode", func(n int) wazuhtest.Object {
			return wazuhtest.Object{"protocol": "tcp", "inode": n, "local": wazuhtest.Object{"ip": "0.0.0.0", "port": 443}, "state": "established"}
		}, over(w.Ports, wazuh.GetAgentPortsInput{AgentID: "001"}, func(p *wazuh.Port) string { return fmt.Sprint(p.Inode) })},
		"Files": {"syscheck", "file", func(n int) wazuhtest.Object {
			return wazuhtest.Object{"file": fmt.Sprint("/f", n), "type": "file", "mtime": seen, "date": seen}
		}, over(w.Files, wazuh.GetFIMFilesInput{AgentID: "001"}, func(f *wazuh.FileEntry) string { return f.File })},
		"Findings": {"rootcheck", "log", func(n int) wazuhtest.Object {
			return wazuhtest.Object{"status": "outstanding", "log": fmt.Sprint("finding ", n), "date_first": seen, "date_last": seen}
		}, over(w.Findings, wazuh.GetRootcheckInput{AgentID: "001"}, func(f *wazuh.Finding) string { return f.Log })},
		"Checks": {"checks/walked", "id", func(n int) wazuhtest.Object {
			return wazuhtest.Object{"id": n + 1, "title": "x", "policy_id": "walked", "result": "passed"}
		}, over(w.Checks, wazuh.GetSCAChecksInput{AgentID: "001", PolicyID: "walked"}, func(x *wazuh.Check) string { return fmt.Sprint(x.ID) })},
	} {
		add, drop := reported(x.kind, x.row, x.id)
		list["wazuh."+name] = walked{add: add, drop: drop, walk: x.walk}
	}
	wz.SetInventory("001", "sca", wazuhtest.Object{"policy_id": "walked", "name": "walked"})
	list["wazuh.RulesMatching"] = walked{
		add: func(n int) string {
			id := 110200 + n
			wz.AddRule(wazuhtest.Object{"id": id, "level": 7, "description": "a needle of the walk", "status": "enabled", "groups": []string{"x"}, "filename": "local_rules.xml", "relative_dirname": "etc/rules"})
			return fmt.Sprint(id)
		},
		walk: over(w.RulesMatching, wazuh.SearchRulesInput{Description: "needle of the walk"}, func(r *wazuh.Rule) string { return fmt.Sprint(r.ID) }),
	}
	vulnerability := func(name string) func(n int) string {
		return func(n int) string {
			id := fmt.Sprintf("%s-%04d", name, n)
			wz.AddState("wazuh-states-vulnerabilities-x", id, wazuhtest.Object{"agent": wazuhtest.Object{"id": "001"}, "package": wazuhtest.Object{"name": name},
				"vulnerability": wazuhtest.Object{"id": "CVE-2026-1000", "severity": "High", "detected_at": at(n).UTC().Format(time.RFC3339)}})
			return id
		}
	}
	list["wazuh.Vulnerabilities"] = walked{
		add:  vulnerability("walked"),
		walk: over(w.Vulnerabilities, wazuh.ListVulnerabilitiesInput{PackageName: "walked"}, func(v *wazuh.Vulnerability) string { return v.ID }),
	}
	list["wazuh.VulnerabilitiesMatching"] = walked{
		add:  vulnerability("needle"),
		walk: over(w.VulnerabilitiesMatching, wazuh.SearchVulnerabilitiesInput{Query: "needle"}, func(v *wazuh.Vulnerability) string { return v.ID }),
	}
	list["wazuh.Inventory"] = walked{
		add: func(n int) string {
			user := fmt.Sprint("walked", n)
			wz.AddState("wazuh-states-inventory-users-x", user, wazuhtest.Object{"agent": wazuhtest.Object{"id": "001"}, "user": wazuhtest.Object{"name": user}})
			return user
		},
		walk: over(w.Inventory, wazuh.SearchInventoryInput{Kind: "users", Search: "walked*"}, func(x *wazuh.Thing) string {
			var of struct {
				User struct {
					Name string `json:"name"`
				} `json:"user"`
			}
			if err := json.Unmarshal(x.Item, &of); err != nil {
				t.Fatal(err)
			}
			return of.User.Name
		}),
	}
	list["wazuh.Groups"] = fixed(t, wazuh.ListGroupsInput{}, w.ListGroups,
		func(p *wazuh.GroupPage) []*wazuh.Group { return p.Groups }, w.Groups, func(g *wazuh.Group) string { return g.Name })
	list["wazuh.Decoders"] = fixed(t, wazuh.ListDecodersInput{}, w.ListDecoders,
		func(p *wazuh.DecoderPage) []*wazuh.RulesetDecoder { return p.Decoders }, w.Decoders, func(d *wazuh.RulesetDecoder) string { return d.Name })
	list["wazuh.ManagerLogs"] = fixed(t, wazuh.GetManagerLogsInput{}, w.GetManagerLogs,
		func(p *wazuh.LogPage) []*wazuh.LogLine { return p.Logs }, w.ManagerLogs, func(l *wazuh.LogLine) string { return l.Tag + l.Timestamp.String() })
	alert := func(rule string) func(n int) string {
		return func(n int) string {
			return wz.AddAlert(at(n), "", wazuhtest.Object{"rule": wazuhtest.Object{"id": rule, "level": 3}, "agent": wazuhtest.Object{"id": "001"}})
		}
	}
	list["wazuh.Alerts"] = walked{add: alert("7001"), walk: over(w.Alerts, wazuh.GetAlertsInput{AlertFilter: wazuh.AlertFilter{RuleID: "7001"}}, func(a *wazuh.Alert) string { return a.ID })}
	list["wazuh.TailAlerts"] = walked{add: alert("7002"), walk: func(ctx context.Context, page int, _ *connect.Cursor) iter.Seq2[string, error] {
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
			for _, id := range w.have {
				left[id] = true
			}
			for seed := range uint64(3) {
				r := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // the same each time
				for range 15 + r.IntN(20) {
					if w.add == nil {
						break
					}
					left[w.add(made)] = true
					made++
				}
				seen, gone := map[string]bool{}, map[string]bool{}
				for id, err := range w.walk(t.Context(), 2+r.IntN(9), nil) {
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
					case change == 0 && w.add != nil && len(seen) < 100:
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
				for id, err := range w.walk(t.Context(), 0, nil) { // what is there by now, for the next
					if err != nil {
						t.Fatal(err)
					}
					left[id] = true
				}
			}
		})
	}
}

// Lists that are sorted by when their rows were made, the newest first, and have none that
// is newer than what is added here.
var newestFirst = []string{
	"thehive.Cases", "thehive.CasesMatching", "thehive.Alerts", "thehive.Observables", "thehive.ObservablesMatching", "thehive.Tasks",
	"thehive.Comments", "thehive.TaskLogs", "thehive.Procedures", "thehive.Jobs", "cortex.Jobs", "misp.Events", "misp.Attributes",
}

// TestAWalkGoesOnFromAnyRow: each iterator of each package is left at some row, or at each,
// and another goes on from the cursor, while rows are added, changed and deleted.
func TestAWalkGoesOnFromAnyRow(t *testing.T) {
	t.Parallel()
	lists := walks(t)
	delete(lists, "wazuh.TailAlerts") // which has pages with cursors
	for name, w := range lists {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var at connect.Cursor
			seen, due, gone := map[string]bool{}, map[string]bool{}, map[string]bool{}
			for _, id := range w.have {
				due[id] = true
			}
			r := rand.New(rand.NewPCG(uint64(len(name)), 0)) //nolint:gosec // the same each time
			made := 0
			for w.add != nil && made < 25 {
				due[w.add(made)] = true
				made++
			}
			// left walks on, now and then from a new cursor, until there is no more.
			left := func(each func(id string)) {
				t.Helper()
				for ended := false; !ended; {
					ended = true
					for id, err := range w.walk(t.Context(), 2+r.IntN(9), &at) {
						if err != nil {
							t.Fatal(err)
						}
						if seen[id] {
							t.Errorf("%s came twice", id)
						}
						seen[id] = true
						each(id)
						if len(seen) < 12 || r.IntN(3) == 0 {
							ended = false
							break
						}
					}
				}
			}
			left(func(id string) {
				var err error
				switch change := r.IntN(6); {
				case gone[id]: // it was read before it was deleted
				case change == 0 && w.add != nil && made < 60:
					w.add(made)
					made++
				case change == 1 && w.leave != nil:
					err = w.leave(id)
				case change == 2 && w.drop != nil:
					err = w.drop(id)
				case change == 3 && w.drop != nil:
					for _, other := range slices.Sorted(maps.Keys(due)) {
						if !seen[other] {
							delete(due, other)
							gone[other] = true
							err = w.drop(other)
							break
						}
					}
				}
				if err != nil {
					t.Fatal(err)
				}
			})
			for id := range due {
				if !seen[id] {
					t.Errorf("%s was skipped", id)
				}
			}
			if !slices.Contains(newestFirst, name) {
				return
			}
			left(func(string) {}) // what came meanwhile
			for range 2 {
				var want, got []string
				for range 5 {
					want = append(want, w.add(made))
					made++
				}
				left(func(id string) { got = append(got, id) })
				slices.Sort(want)
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("what was made since (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// Lists without an iterator of their own, by what walks the same or why a page is
// all there is.
var walkedOtherwise = map[string]string{
	"wazuh.SearchAlerts":          "Alerts, with the text as Search",
	"wazuh.GetGroupAgents":        "Agents, with the group as Group",
	"wazuh.GetAlertContext":       "the alerts around one, so many of each pivot, each of which says how many there are",
	"thehive.CaseTimelineSummary": "the latest of what happened, and it says how many there are",
	"thehive.ListLinkedCases":     "the closest, and it says how many there are",
	"cortex.CleanupJobs":          "what one call may delete",
	"misp.Correlate":              "the newest, and it says where it was cut; Attributes has all with a value",
	"misp.SearchByTag":            "Events and Attributes, with the tag among Tags",
	"misp.ShowEvent":              "GetEvent has all of an event",
	"attack.AttackPath":           "a suggestion",
	"attack.CampaignProfile":      "the closest groups",
	"attack.DataVersion":          "the domains of the data",
	"attack.DetectionCoverage":    "the widest gaps, and it says how many there are",
	"attack.GetCampaign":          "KB: its lists are complete",
	"attack.GetDatasource":        "KB: its lists are complete",
	"attack.GetGroup":             "KB: its lists are complete",
	"attack.GetMitigation":        "KB: its lists are complete",
	"attack.GetSoftware":          "KB: its lists are complete",
	"attack.GetTactic":            "KB: its lists are complete",
	"attack.GetTechnique":         "KB: its lists are complete",
	"attack.ListCampaigns":        "KB.Campaigns",
	"attack.ListGroups":           "KB.Groups",
	"attack.SearchCampaigns":      "KB.Search",
	"attack.SearchGroups":         "KB.Search",
	"attack.SearchMitigations":    "KB.Search",
	"attack.SearchSoftware":       "KB.Search",
	"attack.SearchTechniques":     "KB.Search",
	"attack.MapAlertToTechnique":  "the closest",
	"attack.TechniqueOverlap":     "the closest",
	"soc.Coverage":                "the widest gaps, and it says how many there are",
	"soc.CrossCorrelate":          "the newest of each platform",
	"soc.EventToAttack":           "the closest",
	"soc.ListCases":               "thehive.Client.Cases",
	"soc.ListEvents":              "misp.Client.Events",
	"soc.SearchIndicators":        "misp.Client.Attributes",
	"soc.WazuhAlerts":             "wazuh.Client.Alerts",
	"soc.WazuhRuleCoverage":       "wazuh.Client.Rules",
	"soc.Handover":                "a page of a printed list; each section says how many there are",
}

// TestEveryListHasAnIterator: a method that takes a limit has an iterator beside it,
// with the same input, that is among those that are tested above.
func TestEveryListHasAnIterator(t *testing.T) {
	t.Parallel()
	tested, left := walks(t), maps.Clone(walkedOtherwise)
	for _, client := range []any{(*wazuh.Client)(nil), (*thehive.Client)(nil), (*cortex.Client)(nil), (*misp.Client)(nil), (*attack.Client)(nil), (*soc.Client)(nil)} {
		of := reflect.TypeOf(client)
		name := func(m reflect.Method) string { return path.Base(of.Elem().PkgPath()) + "." + m.Name }
		iterators := map[reflect.Type]bool{}
		var lists []reflect.Method
		for i := range of.NumMethod() {
			m := of.Method(i)
			if m.Type.NumIn() < 3 {
				continue
			}
			in, out := m.Type.In(2), m.Type.Out(0)
			switch {
			case out.Kind() == reflect.Func && out.CanSeq2() && m.Type.NumIn() == 3:
				iterators[in] = true
				if _, ok := tested[name(m)]; !ok && name(m) != "misp.Exports" { // which yields documents
					t.Errorf("%s is an iterator that no walk tests", name(m))
				}
			case in.Kind() == reflect.Struct:
				_, limit := in.FieldByName("Limit")
				_, page := in.FieldByName("Page")
				if limit || page {
					lists = append(lists, m)
				}
			}
		}
		for _, m := range lists {
			why, otherwise := left[name(m)]
			delete(left, name(m))
			switch has := iterators[m.Type.In(2)]; {
			case has && otherwise:
				t.Errorf("%s has an iterator, and isn't walked by %s alone", name(m), why)
			case !has && !otherwise:
				t.Errorf("%s is a list without an iterator", name(m))
			}
		}
	}
	for name := range left {
		t.Errorf("%s is no list", name)
	}
}
