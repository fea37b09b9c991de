package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOurDescriptionsAgreeWithTheVendors(t *testing.T) {
	specs := filepath.Join("..", "..", "..", "..", "..", "shared", "vendor", "specs")
	if _, err := os.Stat(specs); err != nil {
		t.Skip("the vendors' API files are not here")
	}
	for platform, file := range map[string]string{
		"wazuh": "wazuh-4.14.7.yaml", "thehive": "thehive-5.6.2.yaml", "misp": "misp-2.5.1.yaml",
	} {
		t.Run(platform, func(t *testing.T) {
			open, err := run(filepath.Join("..", "..", "..", "..", "api", platform, "openapi.yaml"), filepath.Join(specs, file), filepath.Join("deviations", platform+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range open {
				t.Error(line)
			}
		})
	}
}

const vendorSpec = `
openapi: 3.0.0
info: {title: Vendor, version: "1"}
paths:
  /things/{thing}:
    get:
      description: Return the thing that has been asked for by name.
      parameters:
      - {name: thing, in: path, required: true, schema: {type: string}}
      - {name: depth, in: query, schema: {type: integer}}
      x-rbac-actions: [{$ref: '#/x-rbac-catalog/actions/thing:update'}]
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object, properties: {id: {type: integer}, name: {type: string}}}}}}}
    put:
      parameters: [{name: thing, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {type: object, required: [name, kind], properties: {name: {type: string}, kind: {type: string, enum: [a, b]}}}}}}
      responses: {"200": {description: ok}}
`

const ourSpec = `
openapi: 3.0.3
info: {title: Ours, version: "1"}
paths:
  /things/{id}:
    get:
      description: We return the thing that has been asked for.
      x-gate-tier: read
      parameters:
      - {name: id, in: path, required: true, schema: {type: string}}
      - {name: wide, in: query, schema: {type: boolean}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object, required: [name], properties: {id: {type: string}, name: {type: string}, colour: {type: string}}}}}}}
    put:
      x-gate-tier: write
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {type: object, properties: {kind: {type: string, enum: [a, c]}}}}}}
      responses: {"204": {description: ok}}
    delete:
      x-gate-tier: destructive
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: ok}}
`

func TestEachKindOfDifferenceIsFound(t *testing.T) {
	found, err := Compare([]byte(ourSpec), []byte(vendorSpec))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range found {
		got = append(got, d.At)
	}
	want := []string{
		"DELETE /things/{id}",
		"GET /things/{id} 200.colour",
		"GET /things/{id} 200.id",
		"GET /things/{id} 200.name!",
		"GET /things/{id} ?query:wide",
		"GET /things/{id} tier",
		"PUT /things/{id} 204",
		"PUT /things/{id} body.kind=c",
		"PUT /things/{id} body.kind?",
		"PUT /things/{id} body.name",
		"prose We return the thing that has been asked for.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func TestADeviationMustHaveAReasonAndASubject(t *testing.T) {
	found := []Difference{{At: "GET /a", Text: "x"}, {At: "GET /b", Text: "y"}}
	open, stale, err := Open(found, []Deviation{{At: "GET /a", Reason: "meant"}, {At: "GET /b"}, {At: "GET /gone", Reason: "was meant"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(open) != 1 || open[0].At != "GET /b" {
		t.Errorf("open = %v, want only the one without a reason", open)
	}
	var at []string
	for _, d := range stale {
		at = append(at, d.At)
	}
	if diff := cmp.Diff([]string{"GET /b", "GET /gone"}, at); diff != "" {
		t.Errorf("stale (-want +got):\n%s", diff)
	}
	if strings.TrimSpace(open[0].Text) == "" {
		t.Error("a difference without a text")
	}
}
