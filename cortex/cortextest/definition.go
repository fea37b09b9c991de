package cortextest

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// A Definition is an analyzer or a responder that a [Server] has, enabled or not.
type Definition struct {
	Name        string   // with its version, as in Abuse_Finder_3_0
	Version     string   // its version
	Description string   // what it does
	Service     string   // whether it is an analyzer or a responder
	DataTypes   []string // the types of observables it takes
	Items       []Item   // what can be set

	kind string
}

// An Item is a setting of a [Definition]. Default may be nil.
type Item struct {
	Name, Type      string // its name
	Description     string // empty: "The NAME to use"
	Multi, Required bool   // whether it is a list
	Default         any    // its own value
}

// Define adds an analyzer that isn't enabled.
func (s *Server) Define(d Definition) { s.define(d, "analyzer") }

// DefineResponder adds a responder that isn't enabled.
func (s *Server) DefineResponder(d Definition) { s.define(d, "responder") }

func (s *Server) define(d Definition, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.kind = kind
	s.definitions = append(s.definitions, &d)
}

func (d *Definition) json() object {
	items := []object{}
	for _, x := range d.Items {
		if x.Description == "" {
			x.Description = "The " + x.Name + " to use"
		}
		v := object{"name": x.Name, "description": x.Description, "type": x.Type, "multi": x.Multi, "required": x.Required}
		if x.Default != nil {
			v["defaultValue"] = x.Default
		}
		items = append(items, v)
	}
	v := object{
		"id": d.Name, "name": strings.TrimSuffix(d.Name, "_"+strings.ReplaceAll(d.Version, ".", "_")), "version": d.Version, "description": d.Description,
		"dataTypeList": d.DataTypes, "author": "CERT of the fake", "url": "https://github.com/TheHive-Project/Cortex-Analyzers", "license": "AGPL-V3",
		"baseConfig": nil, "configurationItems": items, "dockerImage": "cortexneurons/fake:" + d.Version, "command": nil,
	}
	if d.Service != "" {
		v["baseConfig"] = d.Service
	}
	return v
}

// listDefinitions isn't paged.
func (s *Server) listDefinitions(kind string) func(http.ResponseWriter, *http.Request, user) {
	return func(w http.ResponseWriter, _ *http.Request, _ user) {
		s.mu.Lock()
		defer s.mu.Unlock()
		list := []object{}
		for _, d := range s.definitions {
			if d.kind == kind {
				list = append(list, d.json())
			}
		}
		answer(w, http.StatusOK, list)
	}
}

// everyWorker are the settings that each analyzer and responder has.
var everyWorker = []string{"proxy_http", "proxy_https", "cacerts", "jobTimeout", "check_tlp", "max_tlp", "check_pap", "max_pap"}

// everyAnalyzer are those that each analyzer has beside them.
var everyAnalyzer = []string{"auto_extract_artifacts", "jobCache"}

// ofWorker are the members of a request that enables one.
var ofWorker = []string{"name", "configuration", "rate", "rateUnit", "jobCache", "jobTimeout", "dataTypeList"}

func (s *Server) enableDefinition(kind string) func(http.ResponseWriter, *http.Request, user) {
	return func(w http.ResponseWriter, r *http.Request, u user) {
		in, ok := body(w, r)
		if !ok {
			return
		}
		s.mu.Lock()
		i := slices.IndexFunc(s.definitions, func(d *Definition) bool { return d.kind == kind && d.Name == r.PathValue("id") })
		var d *Definition
		if i >= 0 {
			d = s.definitions[i]
		}
		s.mu.Unlock()
		if d == nil {
			notFound(w, "Worker", r.PathValue("id"))
			return
		}
		config := map[string]any{}
		if len(in["configuration"]) > 0 && json.Unmarshal(in["configuration"], &config) != nil {
			refuse(w, http.StatusBadRequest, "BadRequest", "configuration is not an object")
			return
		}
		name := text(in["name"])
		if name == "" {
			attributes(w, "worker", in, "name")
			return
		}
		for member, v := range in {
			if !slices.Contains(ofWorker, member) {
				wrongAttributes(w, "worker", unknownAttribute("worker."+member, v))
				return
			}
		}
		if v, ok := in["rateUnit"]; ok && !slices.Contains([]string{"Second", "Minute", "Hour", "Day", "Month"}, text(v)) {
			wrongAttributes(w, "worker", badFormat("worker.rateUnit", "enumeration", v))
			return
		}
		if wrong := d.check(config); len(wrong) == 1 { // one alone isn't caught
			answer(w, http.StatusInternalServerError, object{"type": "org.elastic4play." + wrong[0]["type"].(string), "message": wrong[0]["message"]})
			return
		} else if len(wrong) > 1 {
			wrongAttributes(w, "worker("+strings.TrimSuffix(d.Name, "_"+strings.ReplaceAll(d.Version, ".", "_"))+").configuration", wrong...)
			return
		}
		k := Worker{
			Name: name, Version: d.Version, Description: d.Description, Service: d.Service, DataTypes: d.DataTypes,
			Rate: number(in["rate"], 0), RateUnit: text(in["rateUnit"]), Configuration: config,
		}
		s.mu.Lock()
		taken := slices.ContainsFunc(s.workers, func(x *Worker) bool { return x.kind == kind && x.Name == name })
		s.mu.Unlock()
		if taken {
			conflict(w, workerID(name, kind))
			return
		}
		s.enable(k, kind)
		s.mu.Lock()
		defer s.mu.Unlock()
		added := s.workers[len(s.workers)-1]
		if _, ok := in["jobCache"]; ok {
			minutes := number(in["jobCache"], 10)
			added.JobCache = &minutes
		}
		v := added.json(u)
		delete(v, "configuration") // it has just been given
		if kind == "responder" {
			v["maxTlp"], v["maxPap"] = nil, nil
		}
		answer(w, http.StatusCreated, v)
	}
}

// check returns what is wrong with a configuration, and fills in defaults.
func (d *Definition) check(config map[string]any) (wrong []object) {
	fail := func(name, kind, message string) {
		wrong = append(wrong, object{"name": name, "type": kind, "message": message})
	}
	known := slices.Clone(everyWorker)
	if d.kind == "analyzer" {
		known = append(known, everyAnalyzer...)
	}
	for _, x := range d.Items {
		known = append(known, x.Name)
		switch v, ok := config[x.Name]; {
		case ok && !x.takes(v):
			b, _ := json.Marshal(v) // it came from JSON
			wrong = append(wrong, badFormat(x.Name+"[]", x.Type, b))
		case ok:
		case x.Default != nil:
			config[x.Name] = x.Default
		case x.Required:
			fail(x.Name, "MissingAttributeError", "Attribute "+x.Name+" is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config)) {
		if !slices.Contains(known, name) {
			fail(name, "UnknownAttributeError", "Unknown attribute worker.config: \""+name+"\"")
		}
	}
	return wrong
}

// takes reports whether v is of the type of x.
func (x Item) takes(v any) bool {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	return !slices.ContainsFunc(list, func(v any) bool {
		var is bool
		switch x.Type {
		case "number":
			_, is = v.(float64)
		case "boolean":
			_, is = v.(bool)
		case "string":
			_, is = v.(string)
		}
		return v != nil && !is
	})
}

func (s *Server) getWorker(kind string) func(http.ResponseWriter, *http.Request, user) {
	return func(w http.ResponseWriter, r *http.Request, u user) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if k := s.worker(r.PathValue("id"), kind, u); k != nil {
			answer(w, http.StatusOK, k.json(u))
			return
		}
		notFound(w, "worker", r.PathValue("id"))
	}
}

func (s *Server) deleteWorker(kind string) func(http.ResponseWriter, *http.Request, user) {
	return func(w http.ResponseWriter, r *http.Request, u user) {
		s.mu.Lock()
		defer s.mu.Unlock()
		k := s.worker(r.PathValue("id"), kind, u)
		if k == nil {
			notFound(w, "worker", r.PathValue("id"))
			return
		}
		s.workers = slices.DeleteFunc(s.workers, func(x *Worker) bool { return x == k })
		w.WriteHeader(http.StatusNoContent)
	}
}

// worker returns the enabled one of this id.
func (s *Server) worker(id, kind string, u user) *Worker {
	for _, k := range s.workers {
		if k.kind == kind && k.id() == id && u.organisation == Organisation {
			return k
		}
	}
	return nil
}
