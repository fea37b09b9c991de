package thehivetest

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/sallyport-soc/sallyport/internal/testing/incident"
)

// CortexID is the one Cortex server.
const CortexID = "cortex-main"

// worker is an analyzer or a responder.
type worker struct {
	id, name, version, description string
	types                          []string
}

func (w worker) object() Object {
	return Object{"id": w.id, "name": w.name, "version": w.version, "description": w.description, "dataTypeList": w.types, "cortexIds": []string{CortexID}}
}

var analyzers = []worker{
	{"a1b2c3", "AbuseIPDB_1_0", "1.0", "Reports on abuse by an address.", []string{"ip"}},
	{"d4e5f6", "VirusTotal_GetReport_3_1", "3.1", "What many scanners say.", []string{"ip", "domain", "url", "hash", "file"}},
	{"0a0b0c", "Yara_3_0", "3.0", "Rules of one's own, on one's own server.", []string{"file", "hostname"}},
	{"bad000", "Unreachable_1_0", "1.0", "Always fails.", []string{"ip", "domain", "hash"}},
}

var responders = []worker{
	{"f00d01", "Mailer_1_0", "1.0", "Mails the title.", []string{"thehive:case", "thehive:case_task", "thehive:alert"}},
	{"f00d02", "Block_IP_1_0", "1.0", "Blocks an address at the perimeter.", []string{"thehive:case_artifact"}},
}

func (s *Server) cortexRoutes() {
	for _, base := range []string{"/api/v1/connector/cortex/", "/api/connector/cortex/"} {
		s.handle("GET "+base+"analyzer", false, func(*http.Request, *caller, Object) (int, any, error) {
			return 200, workers(analyzers, ""), nil
		})
		s.handle("GET "+base+"analyzer/type/{type}", false, func(r *http.Request, _ *caller, _ Object) (int, any, error) {
			return 200, workers(analyzers, r.PathValue("type")), nil
		})
		s.handle("GET "+base+"analyzer/{id}", false, func(r *http.Request, _ *caller, _ Object) (int, any, error) {
			for _, w := range analyzers {
				if w.id == r.PathValue("id") {
					return 200, w.object(), nil
				}
			}
			return 0, nil, notFound("Analyzer")
		})
		s.handle("POST "+base+"job", true, s.createJob)
		s.handle("POST "+base+"job/_bulk", true, func(_ *http.Request, who *caller, body Object) (int, any, error) {
			made := []any{}
			for _, j := range list(body["jobs"]) {
				o, _ := j.(Object)
				_, job, err := s.createJob(nil, who, o)
				if err != nil {
					return 0, nil, err
				}
				made = append(made, job)
			}
			return 201, made, nil
		})
		s.handle("POST "+base+"action", true, s.createAction)
		s.handle("GET "+base+"responder/{type}/{id}", false, func(r *http.Request, who *caller, _ Object) (int, any, error) {
			if s.object(r.PathValue("type"), r.PathValue("id"), who) == nil {
				return 0, nil, notFound("Entity")
			}
			return 200, workers(responders, "thehive:"+r.PathValue("type")), nil
		})
		s.handle("GET "+base+"job/{id}", false, s.on("Job", func(it *item, _ *caller, _ Object) (int, any, error) {
			s.advance(it)
			return 200, render(it), nil
		}))
	}
	base := "/api/v1/connector/cortex/"
	s.handle("GET "+base+"action/{type}/{id}", false, func(r *http.Request, who *caller, _ Object) (int, any, error) {
		list := []any{}
		for _, a := range s.visible("Action", who) {
			if a.obj["objectId"] == r.PathValue("id") {
				a.obj["status"], a.obj["report"] = "Success", `{"message":"done"}`
				list = append(list, render(a))
			}
		}
		return 200, list, nil
	})
}

func workers(all []worker, typ string) []any {
	list := []any{}
	for _, w := range all {
		if typ == "" || slices.Contains(w.types, typ) {
			list = append(list, w.object())
		}
	}
	return list
}

// createJob takes any analyzer: one that isn't there fails later.
func (s *Server) createJob(_ *http.Request, who *caller, body Object) (int, any, error) {
	o, err := take(body, []attribute{{"analyzerId", true, "string", 1, 128}, {"cortexId", true, "string", 1, 128}, {"artifactId", true, "string", 1, 64}}, false)
	if err != nil {
		return 0, nil, err
	}
	it := s.find("Observable", o["artifactId"].(string), who)
	if it == nil || it.parent == nil || it.parent.kind != "Case" {
		return 0, nil, notFound("Observable")
	}
	name := fmt.Sprint(o["analyzerId"])
	for _, w := range analyzers {
		if w.id == name {
			name = w.name
		}
	}
	j := s.add("Job", it, it.org, who.login, Object{"analyzerId": o["analyzerId"], "analyzerName": name, "analyzerDefinition": name,
		"cortexId": o["cortexId"], "cortexJobId": fmt.Sprintf("AY%d", s.next), "case_artifact": render(it)})
	j.obj["id"] = j.id()
	return 201, render(j), nil
}

// advance brings a job one step further: it is looked at, so time has passed.
func (s *Server) advance(it *item) {
	switch it.obj["status"] {
	case "Waiting":
		it.obj["status"], it.obj["endDate"] = "InProgress", float64(s.now()) // when it was last looked at
		return
	case "InProgress":
		if it.lost { // TheHive asks for it for ever
			it.obj["endDate"] = float64(s.now())
			return
		}
	default:
		return
	}
	it.obj["endDate"] = float64(s.now())
	name := fmt.Sprint(it.obj["analyzerName"])
	if !slices.ContainsFunc(analyzers, func(w worker) bool { return w.name == name && w.id != "bad000" }) {
		it.obj["status"] = "Failure"
		it.obj["report"] = Object{"success": false, "errorMessage": "the analyzer can't reach its service"}
		return
	}
	level, value := "safe", "0/70"
	if it.parent.obj["data"] == incident.AttackerIP {
		level, value = "malicious", "42/70"
	}
	it.obj["status"] = "Success"
	it.obj["report"] = Object{"success": true, "full": Object{"results": []any{Object{"status": "listed", "verdict": "n/a"}}},
		"artifacts": []any{Object{"dataType": "autonomous-system", "data": "AS64500"}}}
	reports, _ := it.parent.obj["reports"].(Object)
	if reports == nil {
		reports = Object{}
	}
	reports[name] = Object{"taxonomies": []any{
		Object{"level": "info", "namespace": name, "predicate": "Country", "value": "ZZ"},
		Object{"level": level, "namespace": name, "predicate": "Score", "value": value},
	}}
	it.parent.obj["reports"] = reports
}

// object finds what a responder acts on.
func (s *Server) object(typ, id string, who *caller) *item {
	return s.find(map[string]string{"case": "Case", "case_task": "Task", "case_artifact": "Observable", "case_task_log": "Log", "alert": "Alert"}[typ], id, who)
}

func (s *Server) createAction(_ *http.Request, who *caller, body Object) (int, any, error) {
	o, err := take(body, []attribute{{"responderId", true, "string", 1, 128}, {"objectType", true, "string", 1, 32}, {"objectId", true, "string", 1, 64}, {"cortexId", false, "string", 0, 128}}, false)
	if err != nil {
		return 0, nil, err
	}
	if s.object(o["objectType"].(string), o["objectId"].(string), who) == nil {
		return 0, nil, notFound("Entity")
	}
	i := slices.IndexFunc(responders, func(w worker) bool { return w.id == o["responderId"] })
	if i < 0 {
		return 0, nil, notFound("Responder")
	}
	o["responderName"], o["responderDefinition"], o["cortexId"] = responders[i].name, responders[i].name, CortexID
	return 200, render(s.add("Action", nil, who.org, who.login, o)), nil
}

// statusRoutes tell the version: in the form of TheHive 5 to one of 5.
func (s *Server) statusRoutes() {
	connectors := Object{"cortex": Object{"enabled": true, "status": "OK", "servers": []any{Object{"name": CortexID, "version": "3.1.8-1", "status": "OK"}}},
		"misp": Object{"enabled": false, "status": "OK", "servers": []any{}}}
	config := Object{"protectDownloadsWith": "malware", "authType": []string{"local", "key"}}
	s.mux.HandleFunc("GET /api/v1/status/public", func(w http.ResponseWriter, r *http.Request) {
		if s.old() {
			writeError(w, &refusal{404, "NotFoundError", r.URL.Path, nil})
			return
		}
		write(w, 200, Object{"sso": false, "version": s.Version, "imports": Object{}})
	})
	s.mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, Object{"versions": Object{"Scalligraph": "0.1.0-SNAPSHOT", "TheHive": s.Version, "Play": "2.8.13"}, "connectors": connectors, "config": config, "schemaStatus": []any{}})
	})
	s.handle("GET /api/v1/status", false, func(*http.Request, *caller, Object) (int, any, error) {
		return 200, Object{"version": s.Version, "gitDescription": "v" + s.Version, "connectors": connectors, "config": config, "license": Object{}, "features": []string{}}, nil
	})
}

func (s *Server) old() bool { return len(s.Version) > 1 && s.Version[0] < '5' && s.Version[1] == '.' }
