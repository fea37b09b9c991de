package misp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
)

// ServerStatusInput is the input of [Client.ServerStatus].
type ServerStatusInput struct {
	// The server's own checks: slow, for site administrators.
	Diagnostics bool `json:"diagnostics,omitempty"`
}

// ServerStatus says which version a server has, what the key may do there, and
// how the server is.
type ServerStatus struct {
	Version string `json:"version"`                     // the version of MISP
	PyMISP  string `json:"pymispRecommended,omitempty"` // the version of PyMISP it recommends
	// The server's own UUID.
	UUID string `json:"uuid,omitempty"`
	// What the key may do.
	Permissions Permissions `json:"permissions"`
	// What the server's own checks found.
	Diagnostics map[string]json.RawMessage `json:"diagnostics,omitempty" untrusted:"true"`
	Note        string                     `json:"note,omitempty"` // what to know about the answer
}

// Permissions says what a key may do.
type Permissions struct {
	Sync         *Bool `json:"sync,omitempty"`         // may synchronize servers
	Sighting     *Bool `json:"sighting,omitempty"`     // may add sightings
	GalaxyEditor *Bool `json:"galaxyEditor,omitempty"` // may change galaxies
	AnalystData  *Bool `json:"analystData,omitempty"`  // may write notes and opinions
}

// The checks that are shown. The settings themselves, which hold secrets, aren't.
var diagnostics = []string{"gpgStatus", "proxyStatus", "zmqStatus", "stix", "moduleStatus", "writeableDirs", "readableFiles",
	"dbDiagnostics", "dbSchemaDiagnostics", "redisInfo", "workers", "backgroundJobsStatus", "sessionStatus"}

// ServerStatus returns the server's version, what the key may do, and on request
// the server's own checks.
//
// MISP: GET /servers/getVersion, /servers/serverSettings
func (c *Client) ServerStatus(ctx context.Context, in ServerStatusInput) (*ServerStatus, error) {
	type version struct {
		Version      string `json:"version"`
		PyMISP       string `json:"pymisp_recommended_version"`
		UUID         string `json:"uuid"`
		Sync         *Bool  `json:"perm_sync"`
		Sighting     *Bool  `json:"perm_sighting"`
		GalaxyEditor *Bool  `json:"perm_galaxy_editor"`
		AnalystData  *Bool  `json:"perm_analyst_data"`
	}
	v, err := httpx.JSON[version](c.has("version")(c.wire.GetVersion(ctx)))
	if err != nil {
		return nil, err
	}
	out := &ServerStatus{Version: v.Version, PyMISP: v.PyMISP, UUID: v.UUID,
		Permissions: Permissions{Sync: v.Sync, Sighting: v.Sighting, GalaxyEditor: v.GalaxyEditor, AnalystData: v.AnalystData}}
	if !in.Diagnostics {
		return out, nil
	}
	all, err := httpx.JSON[map[string]json.RawMessage](c.wire.GetServerSettings(ctx))
	switch {
	case errors.Is(err, ErrForbidden):
		out.Note = "the server's own checks are for site administrators, which the key isn't"
		return out, nil
	case err != nil:
		return nil, err
	}
	out.Diagnostics = map[string]json.RawMessage{}
	for k, raw := range *all {
		if slices.Contains(diagnostics, k) {
			out.Diagnostics[k] = raw
		}
	}
	return out, nil
}

// DescribeTypesInput is the input of [Client.DescribeTypes].
type DescribeTypesInput struct {
	Search string `json:"search,omitempty" maxLength:"100"` // only those that this is in
	// Such as Network activity.
	Category string `json:"category,omitempty" maxLength:"100"`
}

// Types says which attribute types and categories there are.
type Types struct {
	// The types, by name.
	Types []*AttributeType `json:"types"`
	// Every category.
	Categories []string `json:"categories"`
	// How many types match.
	Total int `json:"total"`
	// Which types are near, where none matches.
	Note string `json:"note,omitempty"`
}

// An AttributeType is a type of attribute.
type AttributeType struct {
	Type string `json:"type"` // its type
	// Its usual category.
	Category string `json:"category"`
	// Whether it is usually meant for detection.
	ToIDs Bool `json:"toIds"`
	// The other categories it can have; with search or category only.
	Also []string `json:"also,omitempty"`
}

// DescribeTypes returns the attribute types with what is usual for each. Which
// other categories each can have is there when the list is narrowed down.
//
// MISP: GET /attributes/describeTypes
func (c *Client) DescribeTypes(ctx context.Context, in DescribeTypesInput) (*Types, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	r, err := c.attributeTypes(ctx)
	if err != nil {
		return nil, err
	}
	want := strings.TrimSpace(in.Category)
	if want != "" {
		at := slices.IndexFunc(r.Categories, func(x string) bool { return strings.EqualFold(x, want) })
		if at < 0 {
			return nil, invalid("category: there is no %q; there are %s", clip.Text(want, 60), strings.Join(r.Categories, ", "))
		}
		want = r.Categories[at]
	}
	out := &Types{Types: []*AttributeType{}, Categories: r.Categories}
	for _, t := range r.Types {
		if !mentions(in.Search, t) || want != "" && !slices.Contains(r.Mappings[want], t) {
			continue
		}
		d := r.Defaults[t]
		x := &AttributeType{Type: t, Category: d.Category, ToIDs: d.ToIDs}
		if want != "" || in.Search != "" {
			for _, category := range r.Categories {
				if category != d.Category && slices.Contains(r.Mappings[category], t) {
					x.Also = append(x.Also, category)
				}
			}
		}
		out.Types = append(out.Types, x)
	}
	slices.SortFunc(out.Types, func(a, b *AttributeType) int { return strings.Compare(a.Type, b.Type) })
	if out.Total = len(out.Types); out.Total == 0 && in.Search != "" {
		out.Note = near(in.Search, r.Types, "")
	}
	return out, nil
}

// attributeTypes are those of a server, with what is usual for each.
type attributeTypes struct {
	Defaults Map[struct {
		Category string `json:"default_category"`
		ToIDs    Bool   `json:"to_ids"`
	}] `json:"sane_defaults"`
	Types      List[string]      `json:"types"`
	Categories List[string]      `json:"categories"`
	Mappings   Map[List[string]] `json:"category_type_mappings"`
}

func (c *Client) attributeTypes(ctx context.Context) (*attributeTypes, error) {
	type answer struct {
		Result attributeTypes `json:"result"`
	}
	a, err := httpx.JSON[answer](c.has("result")(c.wire.DescribeTypes(ctx)))
	if err != nil {
		return nil, err
	}
	return &a.Result, nil
}

// nothing is the input of what takes none.
type nothing struct{}

// statistics is what a server holds, counted by itself.
type statistics struct {
	// What the server holds: events, attributes, correlations, organisations, users.
	Counts map[string]json.RawMessage `json:"counts"`
}

func (c *Client) statistics(ctx context.Context, _ nothing) (*statistics, error) {
	type answer struct {
		Stats Map[json.RawMessage] `json:"stats"`
	}
	a, err := httpx.JSON[answer](c.has("stats")(c.wire.GetStatistics(ctx)))
	if err != nil {
		return nil, err
	}
	return &statistics{Counts: a.Stats}, nil
}

// taxonomies are the vocabularies of tags that a server has.
type taxonomies struct {
	// Those in use.
	Enabled []*taxonomy `json:"enabled"`
	// The namespaces of those that are not.
	Others []string `json:"others"`
	Total  int      `json:"total"`
}

// A taxonomy is a vocabulary of tags.
type taxonomy struct {
	Namespace   string `json:"namespace"`
	Description string `json:"description,omitempty"`
	Version     Int    `json:"version"`
	// Whether only one of its tags is meant to be used.
	Exclusive Bool `json:"exclusive,omitempty"`
	Enabled   Bool `json:"-"`
}

func (t *taxonomy) UnmarshalJSON(b []byte) error {
	type plain taxonomy
	more := struct {
		*plain
		Enabled Bool `json:"enabled"`
	}{plain: (*plain)(t)}
	err := json.Unmarshal(b, &more)
	t.Enabled = more.Enabled
	return err
}

func (c *Client) taxonomies(ctx context.Context, _ nothing) (*taxonomies, error) {
	res, err := c.wire.ListTaxonomies(ctx)
	list, err := rows[taxonomy](c, "Taxonomy", res, err)
	if err != nil {
		return nil, fmt.Errorf("misp: taxonomies: %w", err)
	}
	out := &taxonomies{Enabled: []*taxonomy{}, Others: []string{}, Total: len(list)}
	for _, t := range list {
		if t.Enabled {
			t.Description = clip.Text(t.Description, 300)
			out.Enabled = append(out.Enabled, t)
		} else {
			out.Others = append(out.Others, t.Namespace)
		}
	}
	return out, nil
}
