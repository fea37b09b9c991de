package contract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/sallyport-soc/sallyport/api"
	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/connect"
)

// Load reads and validates the description of one system.
func Load(system string) (*openapi3.T, error) {
	b, err := api.Specs.ReadFile(system + "/openapi.yaml")
	if err != nil {
		return nil, err
	}
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", system, err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("%s: %w", system, err)
	}
	seen := map[*openapi3.Schema]bool{}
	for _, s := range doc.Components.Schemas {
		untypedTakesNull(s, seen)
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, r := range op.Responses.Map() {
				for _, m := range r.Value.Content {
					untypedTakesNull(m.Schema, seen)
				}
			}
		}
	}
	return doc, nil
}

// untypedTakesNull lets schemas without a type allow null, as OpenAPI has it;
// the validator takes them to forbid it.
func untypedTakesNull(ref *openapi3.SchemaRef, seen map[*openapi3.Schema]bool) {
	if ref == nil || ref.Value == nil || seen[ref.Value] {
		return
	}
	s := ref.Value
	seen[s] = true
	if s.Type == nil && len(s.OneOf) == 0 && len(s.AnyOf) == 0 && len(s.AllOf) == 0 {
		s.Nullable = true
	}
	untypedTakesNull(s.Items, seen)
	untypedTakesNull(s.AdditionalProperties.Schema, seen)
	for _, p := range s.Properties {
		untypedTakesNull(p, seen)
	}
	for _, refs := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf, s.AllOf} {
		for _, r := range refs {
			untypedTakesNull(r, seen)
		}
	}
}

// A Validator is a transport that holds each request and its answer against
// the description of the endpoint that the request says it calls.
type Validator struct {
	base http.RoundTripper

	mu    sync.Mutex
	docs  map[string]*openapi3.T
	found []string
	seen  map[string]bool
}

// Rule files of Wazuh are answered as they are.
var readFiles = sync.OnceFunc(func() { openapi3filter.RegisterBodyDecoder("application/xml", openapi3filter.FileBodyDecoder) })

// NewValidator returns a Validator in front of base; nil means a clone of the default.
func NewValidator(base http.RoundTripper) *Validator {
	readFiles()
	if base == nil {
		base = http.DefaultTransport.(*http.Transport).Clone()
	}
	return &Validator{base: base, docs: map[string]*openapi3.T{}, seen: map[string]bool{}}
}

// Found returns what didn't agree.
func (v *Validator) Found() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.found
}

// Seen returns which endpoints were called, as "system operationId".
func (v *Validator) Seen() map[string]bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seen
}

func (v *Validator) add(e gate.Endpoint, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.found = append(v.found, e.String()+": "+fmt.Sprintf(format, args...))
}

func (v *Validator) doc(system string) (*openapi3.T, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.docs[system] == nil {
		doc, err := Load(system)
		if err != nil {
			return nil, err
		}
		v.docs[system] = doc
	}
	return v.docs[system], nil
}

// RoundTrip sends r and notes what doesn't agree.
func (v *Validator) RoundTrip(r *http.Request) (*http.Response, error) {
	e, ok := connect.EndpointFrom(r.Context())
	if !ok {
		v.add(e, "a request without an endpoint: %s %s", r.Method, r.URL.Path)
		return v.base.RoundTrip(r)
	}
	v.mu.Lock()
	v.seen[e.System+" "+e.ID] = true
	v.mu.Unlock()
	in, err := v.input(e, r)
	if err != nil {
		v.add(e, "%v", err)
		return v.base.RoundTrip(r)
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		v.add(e, "request: %v", err)
	}
	res, err := v.base.RoundTrip(r)
	if err != nil {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return res, err
	}
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: in.Options,
	}
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		v.add(e, "answer HTTP %d: %v\n%.400s", res.StatusCode, err, body)
	}
	return res, nil
}

func (v *Validator) input(e gate.Endpoint, r *http.Request) (*openapi3filter.RequestValidationInput, error) {
	doc, err := v.doc(e.System)
	if err != nil {
		return nil, err
	}
	item := doc.Paths.Value(e.Path)
	if item == nil || item.GetOperation(e.Method) == nil {
		return nil, fmt.Errorf("not in api/%s", e.System)
	}
	params, err := pathParams(e.Path, r.URL.Path)
	if err != nil {
		return nil, err
	}
	body := []byte(nil)
	if r.Body != nil {
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	clone := r.Clone(r.Context())
	clone.Body = io.NopCloser(bytes.NewReader(body))
	return &openapi3filter.RequestValidationInput{
		Request: clone, PathParams: params,
		Route: &routers.Route{Spec: doc, Path: e.Path, PathItem: item, Method: e.Method, Operation: item.GetOperation(e.Method)},
		Options: &openapi3filter.Options{
			MultiError: true, IncludeResponseStatus: true,
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	}, nil
}

// pathParams reads the values of template's parameters out of the end of path.
func pathParams(template, path string) (map[string]string, error) {
	want, have := strings.Split(template, "/"), strings.Split(path, "/")
	if len(have) < len(want) {
		return nil, fmt.Errorf("path %s is not of the form %s", path, template)
	}
	have = have[len(have)-len(want)+1:]
	params := map[string]string{}
	for i, w := range want[1:] {
		if name, ok := strings.CutPrefix(w, "{"); ok {
			params[strings.TrimSuffix(name, "}")] = have[i]
		} else if w != have[i] {
			return nil, fmt.Errorf("path %s is not of the form %s", path, template)
		}
	}
	return params, nil
}
