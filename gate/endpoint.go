package gate

// An Endpoint is one operation of a platform's API as its OpenAPI file in api/
// describes it. Generated clients carry theirs in the context of each request.
type Endpoint struct {
	System     string // the platform: "thehive", "indexer", …
	ID         string // the operationId
	Method     string // the HTTP method, which says nothing about the tier
	Path       string // the path template
	Tier       Tier   // from x-gate-tier
	Idempotent bool   // whether repeating the request changes nothing further
}

// String returns the endpoint as "system METHOD path".
func (e Endpoint) String() string { return e.System + " " + e.Method + " " + e.Path }
