package cortextest

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// A Worker is an analyzer, or a responder, that is enabled on a [Server].
type Worker struct {
	Name          string                             // its name
	Version       string                             // its version
	Description   string                             // what it does
	Service       string                             // whose settings it uses
	DataTypes     []string                           // the types of observables it takes
	Rate          int                                // jobs in each RateUnit; 0: any number
	RateUnit      string                             // the time that its rate is counted in
	JobCache      *int                               // minutes; nil: the server's own, ten
	JobTimeout    int                                // minutes; 0: the server's own, thirty
	Configuration map[string]any                     // its settings
	Delay         time.Duration                      // how long a job takes; 0: as Server.SetDelay says
	Answer        func(dataType, data string) Answer // answers each job; nil: with nothing

	kind string
}

// An Answer is what a worker makes of an observable.
type Answer struct {
	Taxonomies []Taxonomy       // its verdicts, in short
	Full       any              // the full report
	Artifacts  []Artifact       // observables that were found
	Operations []map[string]any // what was done at the platform
	Error      string           // the worker failed; cortexutils then hands over its whole input, which Cortex keeps
	Silent     bool             // it failed without cortexutils, and handed over nothing
}

// A Taxonomy is a line of a summary. Value is a string or a number.
type Taxonomy struct {
	Level     string `json:"level"`     // info, safe, suspicious or malicious
	Namespace string `json:"namespace"` // its namespace
	Predicate string `json:"predicate"` // of which of its services
	Value     any    `json:"value"`     // its value
}

// An Artifact is an observable that a worker found.
type Artifact struct {
	DataType, Data, Message string   // the type of the observable
	Tags                    []string // its tags
	File                    *File    // instead of Data
}

func (a Artifact) json() object {
	v := object{"dataType": a.DataType, "message": a.Message, "tags": append([]string{}, a.Tags...), "tlp": 2}
	if a.File != nil {
		v["attachment"] = a.File.json()
	} else {
		v["data"] = a.Data
	}
	return v
}

// AddAnalyzer enables an analyzer and returns its id.
func (s *Server) AddAnalyzer(k Worker) string { return s.enable(k, "analyzer") }

// AddResponder enables a responder and returns its id.
func (s *Server) AddResponder(k Worker) string { return s.enable(k, "responder") }

func (s *Server) enable(k Worker, kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	k.kind = kind
	if k.Version == "" {
		k.Version = "1.0"
	}
	config := object{
		"key": Secret, "proxy_https": "http://proxy:" + Secret + "@10.20.0.2:3128", "cacerts": "", "auto_extract_artifacts": false,
		"check_tlp": true, "max_tlp": 2, "check_pap": true, "max_pap": 2,
	}
	maps.Copy(config, k.Configuration)
	k.Configuration = config
	s.workers = append(s.workers, &k)
	if !slices.ContainsFunc(s.definitions, func(d *Definition) bool { return d.kind == kind && d.Name == k.Name }) {
		d := &Definition{Name: k.Name, Version: k.Version, Description: k.Description, Service: k.Service, DataTypes: k.DataTypes, kind: kind}
		if k.Service != "" {
			d.Items = []Item{{Name: "key", Type: "string", Required: true}}
		}
		s.definitions = append(s.definitions, d)
	}
	return k.id()
}

func (k *Worker) id() string { return workerID(k.Name, k.kind) }

// workerID is made as Cortex makes it.
func workerID(name, kind string) string {
	sum := md5.Sum([]byte(Organisation + "_" + name + "_" + kind))
	return hex.EncodeToString(sum[:])
}

// AnalyzerID returns the id of the enabled analyzer of this name.
func AnalyzerID(name string) string { return workerID(name, "analyzer") }

// ResponderID returns the id of the enabled responder of this name.
func ResponderID(name string) string { return workerID(name, "responder") }

func (k *Worker) json(u user) object {
	v := stored("worker", k.id(), Organisation, seeded, "admin@soc.example")
	maps.Copy(v, object{
		"name": k.Name, "version": k.Version, "workerDefinitionId": k.Name, "description": k.Description, "author": "CERT of the fake",
		"url": "https://github.com/TheHive-Project/Cortex-Analyzers", "license": "AGPL-V3", "dockerImage": "cortexneurons/fake:" + k.Version,
		"dataTypeList": k.DataTypes, "baseConfig": k.Service, "type": k.kind,
	})
	if k.JobCache != nil {
		v["jobCache"] = *k.JobCache
	}
	if k.JobTimeout > 0 {
		v["jobTimeout"] = k.JobTimeout
	}
	if k.kind == "analyzer" {
		v["analyzerDefinitionId"] = k.Name
	}
	if k.Rate > 0 {
		v["rate"], v["rateUnit"] = k.Rate, k.RateUnit
	}
	for _, role := range u.roles {
		if role == "orgadmin" {
			v["configuration"] = k.Configuration
		}
	}
	return v
}

type job struct {
	id             string
	worker         *Worker
	dataType       string
	data           json.RawMessage
	tlp, pap       int
	message, label string
	parameters     json.RawMessage
	by             string
	created        time.Time
	delay          time.Duration
	file           *File
	deleted        time.Time // zero: it isn't
	dead           bool      // it never ends
	seeded         bool
}

// hash tells files apart.
func (j *job) hash() string {
	if j.file == nil {
		return ""
	}
	return j.file.id()
}

// text returns the observable, the name of the file, or the JSON of the entity.
func (j *job) text() string {
	if j.file != nil {
		return j.file.Name
	}
	var s string
	if json.Unmarshal(j.data, &s) == nil {
		return s
	}
	return string(j.data)
}

func (j *job) answer() Answer {
	for limit, level := range map[string]int{"tlp": j.tlp, "pap": j.pap} {
		if highest, ok := j.worker.Configuration["max_"+limit].(int); ok && j.worker.Configuration["check_"+limit] == true && level > highest {
			return Answer{Error: map[string]string{"tlp": "TLP", "pap": "PAP"}[limit] + " is higher than allowed."}
		}
	}
	if j.worker.Answer == nil {
		return Answer{}
	}
	return j.worker.Answer(j.dataType, j.text())
}

// ended reports whether the worker of j has ended, whatever became of the job.
func (j *job) ended() bool { return !j.dead && time.Since(j.created) >= j.delay }

// status is how j stands. One that was deleted while it ran comes back when its
// worker ends, which writes the status over.
func (j *job) status() string {
	back := j.deleted.Before(j.created.Add(j.delay)) && j.ended()
	switch age := time.Since(j.created); {
	case !j.deleted.IsZero() && !back:
		return "Deleted"
	case j.dead:
		return "InProgress"
	case j.ended() && j.answer().Error != "":
		return "Failure"
	case j.ended():
		return "Success"
	case age >= j.delay/4:
		return "InProgress"
	}
	return "Waiting"
}

// input is what Cortex handed to the worker, secrets included.
func (j *job) input() string {
	b, _ := json.Marshal(object{"data": j.data, "dataType": j.dataType, "tlp": j.tlp, "pap": j.pap, "config": j.worker.Configuration}) // plain values
	return string(b)
}

func (j *job) json() object {
	v := stored("job", j.id, nil, j.created, j.by)
	maps.Copy(v, object{
		"workerDefinitionId": j.worker.Name, "workerId": j.worker.id(), "workerName": j.worker.Name, "organization": Organisation,
		"analyzerDefinitionId": j.worker.Name, "analyzerId": j.worker.id(), "analyzerName": j.worker.Name,
		"status": j.status(), "date": j.created.UnixMilli(), "dataType": j.dataType, "data": j.data, "tlp": j.tlp, "pap": j.pap,
		"message": j.message, "parameters": j.parameters, "type": j.worker.kind, "cacheTag": "0123456789abcdef",
	})
	if v["status"] != "Waiting" {
		v["updatedAt"], v["updatedBy"] = j.created.UnixMilli(), j.by
	}
	if j.file != nil {
		v["attachment"] = j.file.json()
		delete(v, "data")
	}
	if j.label != "" {
		v["label"] = j.label
	}
	switch a := j.answer(); v["status"] {
	case "InProgress":
		v["startDate"] = j.created.UnixMilli()
	case "Failure":
		v["errorMessage"] = a.Error
		if !a.Silent {
			v["input"] = j.input()
		}
		fallthrough
	case "Success":
		v["startDate"], v["endDate"] = j.created.UnixMilli(), j.created.Add(j.delay).UnixMilli()
	case "Deleted": // it keeps what it had
		v["startDate"] = j.created.UnixMilli()
		if j.ended() {
			v["endDate"] = j.created.Add(j.delay).UnixMilli()
		}
	}
	return v
}

func (j *job) withReport() object {
	v := j.json()
	a := j.answer()
	switch v["status"] {
	case "Success":
		artifacts := []object{}
		for _, x := range a.Artifacts {
			artifacts = append(artifacts, x.json())
		}
		summary := object{}
		if len(a.Taxonomies) > 0 {
			summary["taxonomies"] = a.Taxonomies
		}
		full := a.Full
		if full == nil {
			full = object{}
		}
		v["report"] = object{"summary": summary, "full": full, "success": true, "artifacts": artifacts, "operations": append([]map[string]any{}, a.Operations...)}
	case "Failure":
		r := object{"errorMessage": a.Error, "success": false, "input": nil}
		if !a.Silent {
			r["input"] = j.input()
		}
		v["report"] = r
	case "InProgress":
		v["report"] = "Running"
	default:
		v["report"] = v["status"]
	}
	return v
}
