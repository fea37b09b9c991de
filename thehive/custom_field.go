package thehive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A CustomField is a field that the administrator has added to cases and alerts.
type CustomField struct {
	Name        string `json:"name"`                  // the name to set it by
	DisplayName string `json:"displayName,omitempty"` // the name that people see
	Group       string `json:"group,omitempty"`       // the group it is shown in
	Description string `json:"description,omitempty"` // what it is for
	// string, integer, float, boolean, date (milliseconds since 1970) or url.
	Type string `json:"type"`
	// The values that it can have; none: any.
	Options []json.RawMessage `json:"options,omitempty" untrusted:"false"`
	// Whether a case needs it to be closed.
	Mandatory bool `json:"mandatory,omitempty"`
}

// ownFields are the custom fields of a server. known is false where it doesn't tell them.
type ownFields struct {
	list  []*CustomField
	known bool
}

// customFields asks the server for its custom fields.
func (c *Client) customFields(ctx context.Context) (ownFields, error) {
	fields, err := listed[*CustomField](c.wire.ListCustomFields(ctx))
	var e *Error
	if errors.As(err, &e) {
		fields, err = rows[*CustomField](ctx, c, "custom-fields", All(KindCustomField).Page(0, maxValues))
	}
	if errors.As(err, &e) && e.Status < 500 {
		return ownFields{}, nil
	}
	return ownFields{fields, true}, err
}

// fieldValue is one value of a custom field in a case or an alert. A field of
// several values stands there several times.
type fieldValue struct {
	Name  string          `json:"name"`
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
	Order int32           `json:"order"`
}

// fieldValues reads the custom fields of an entity.
func fieldValues(list []json.RawMessage) []fieldValue {
	var out []fieldValue
	for _, b := range list {
		var v fieldValue
		if json.Unmarshal(b, &v) == nil && v.Name != "" {
			out = append(out, v)
		}
	}
	return out
}

// withFields returns what to send so that the fields in set have those values
// and the others stay as they are: the list form, which replaces all of them and
// is the one that every version of TheHive takes the same way. A JSON array
// gives a field several values, null takes it away.
func (c *Client) withFields(ctx context.Context, have []json.RawMessage, set map[string]json.RawMessage) (*[]wire.SetCustomField, error) {
	if len(set) == 0 {
		return nil, nil
	}
	list := []wire.SetCustomField{}
	types := map[string]string{}
	for _, v := range fieldValues(have) {
		types[v.Name] = v.Type
		if _, changed := set[v.Name]; !changed {
			list = append(list, wire.SetCustomField{Name: v.Name, Value: orNull(v.Value), Order: v.Order})
		}
	}
	if err := c.checkFields(ctx, types, set); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		for _, v := range several(set[name]) {
			list = append(list, wire.SetCustomField{Name: name, Value: v, Order: int32(len(list))})
		}
	}
	return &list, nil
}

func orNull(b json.RawMessage) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	return b
}

// several returns the values that v gives a field: none for null.
func several(v json.RawMessage) []json.RawMessage {
	var list []json.RawMessage
	switch b := bytes.TrimSpace(v); {
	case len(b) == 0 || bytes.Equal(b, []byte("null")):
		return nil
	case b[0] == '[' && json.Unmarshal(b, &list) == nil:
		return list
	}
	return []json.RawMessage{v}
}

// checkFields refuses a field that doesn't exist, a value that isn't of its
// type, and one that is none of its options. types has those of the fields that
// the entity has; the server is asked about the others only.
func (c *Client) checkFields(ctx context.Context, types map[string]string, set map[string]json.RawMessage) error {
	check := func(own ownFields) error {
		byName := map[string]*CustomField{}
		for name, typ := range types {
			byName[name] = &CustomField{Name: name, Type: typ}
		}
		names := make([]string, 0, len(own.list))
		for _, f := range own.list {
			byName[f.Name] = f
			names = append(names, f.Name)
		}
		slices.Sort(names)
		for _, name := range slices.Sorted(maps.Keys(set)) {
			if byName[name] == nil {
				return fmt.Errorf("%w: customFields: there is no field %q; the server has %s", ErrInvalid, name, orNone(names))
			}
			for _, v := range several(set[name]) {
				if err := byName[name].check(v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	for name := range set {
		if _, ok := types[name]; !ok {
			return c.fields.Look(ctx, struct{}{}, c.customFields, func(own ownFields) error {
				if !own.known {
					return nil // TheHive will say what is wrong
				}
				return check(own)
			})
		}
	}
	return check(ownFields{})
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// check refuses a value that the field can't have.
func (f *CustomField) check(v json.RawMessage) error {
	var value any
	if err := json.Unmarshal(v, &value); err != nil {
		return fmt.Errorf("%w: customFields: %s: %w", ErrInvalid, f.Name, err)
	}
	ok := true
	switch n, isNumber := value.(float64); f.Type {
	case "string", "url":
		_, ok = value.(string)
	case "boolean":
		_, ok = value.(bool)
	case "integer", "date":
		ok = isNumber && n == float64(int64(n))
	case "float":
		ok = isNumber
	}
	if !ok {
		return fmt.Errorf("%w: customFields: %s: %s isn't of its type, %s", ErrInvalid, f.Name, clip.Text(string(v), 80), f.Type)
	}
	if len(f.Options) > 0 && !slices.ContainsFunc(f.Options, func(o json.RawMessage) bool { return sameJSON(o, v) }) {
		options := make([]string, len(f.Options))
		for i, o := range f.Options {
			options[i] = string(o)
		}
		return fmt.Errorf("%w: customFields: %s: %s is none of its options: %s", ErrInvalid, f.Name, clip.Text(string(v), 80), strings.Join(options, ", "))
	}
	return nil
}

// sameJSON reports whether two values mean the same: 3 and 3.0 do.
func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(orNull(a), &x) != nil || json.Unmarshal(orNull(b), &y) != nil {
		return bytes.Equal(a, b)
	}
	return fmt.Sprintf("%T %v", x, x) == fmt.Sprintf("%T %v", y, y)
}

// byField returns the values of each field as text, in order.
func byField(list []json.RawMessage) map[string][]string {
	out := map[string][]string{}
	for _, v := range fieldValues(list) {
		if len(v.Value) > 0 && !bytes.Equal(v.Value, []byte("null")) {
			out[v.Name] = append(out[v.Name], string(v.Value))
		}
	}
	return out
}

// fieldsDiffer says which fields aren't as they were sent, or "".
func fieldsDiffer(sent *[]wire.SetCustomField, after []json.RawMessage) string {
	if sent == nil {
		return ""
	}
	want := map[string][]json.RawMessage{}
	for _, v := range *sent {
		if several(v.Value) != nil {
			want[v.Name] = append(want[v.Name], v.Value)
		}
	}
	got := map[string][]json.RawMessage{}
	for _, v := range fieldValues(after) {
		if several(v.Value) != nil {
			got[v.Name] = append(got[v.Name], v.Value)
		}
	}
	var wrong []string
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !slices.EqualFunc(want[name], got[name], sameJSON) {
			wrong = append(wrong, fmt.Sprintf("custom field %s is %s afterwards and not %s", name, shownValues(got[name]), shownValues(want[name])))
		}
	}
	return strings.Join(wrong, "; ")
}

func shownValues(list []json.RawMessage) string {
	if len(list) == 0 {
		return "empty"
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = string(v)
	}
	return strings.Join(texts, ", ")
}

// missingMandatory names the mandatory custom fields that an entity has no value
// of. Where the server doesn't tell them it is none.
func (c *Client) missingMandatory(ctx context.Context, have []json.RawMessage) []string {
	values := byField(have)
	var names []string
	_ = c.fields.Look(ctx, struct{}{}, c.customFields, func(own ownFields) error { // at worst a warning is missing
		for _, f := range own.list {
			if f.Mandatory && len(values[f.Name]) == 0 {
				names = append(names, f.Name)
			}
		}
		return nil
	})
	return names
}

// A CatalogueKind is a kind of what an administrator has set up.
type CatalogueKind string

// The kinds.
const (
	CatalogueCustomFields    CatalogueKind = "customFields"
	CatalogueCaseStatuses    CatalogueKind = "caseStatuses"
	CatalogueAlertStatuses   CatalogueKind = "alertStatuses"
	CatalogueObservableTypes CatalogueKind = "observableTypes"
)

// Enum lists the values for schemas.
func (CatalogueKind) Enum() []any {
	return []any{CatalogueCustomFields, CatalogueCaseStatuses, CatalogueAlertStatuses, CatalogueObservableTypes}
}

// GetCatalogueInput is the input of [Client.GetCatalogue].
type GetCatalogueInput struct {
	// Default: all.
	Of CatalogueKind `json:"of,omitempty"`
}

// A Catalogue is what this server's cases, alerts and observables can have.
type Catalogue struct {
	CustomFields    []*CustomField   `json:"customFields,omitempty"`    // the custom fields of the server
	CaseStatuses    []CatalogueEntry `json:"caseStatuses,omitempty"`    // the statuses of cases
	AlertStatuses   []CatalogueEntry `json:"alertStatuses,omitempty"`   // the statuses of alerts
	ObservableTypes []CatalogueEntry `json:"observableTypes,omitempty"` // the types of observables
	// What this server doesn't tell.
	Notes []string `json:"notes,omitempty"`
}

// A CatalogueEntry is a status or a type of observables.
type CatalogueEntry struct {
	Name string `json:"name"` // the word itself
	// Of a status: New, InProgress, Closed or Imported.
	Stage Stage `json:"stage,omitempty"`
	// Of a type: whether its observables are files.
	File bool `json:"file,omitempty"`
}

// GetCatalogue returns the custom fields, the statuses and the types of
// observables that the server has.
//
// TheHive: GET /api/v1/customField; POST /api/v1/query, listCaseStatus, listAlertStatus, listObservableType
func (c *Client) GetCatalogue(ctx context.Context, in GetCatalogueInput) (*Catalogue, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	out := &Catalogue{}
	wants := func(k CatalogueKind) bool { return in.Of == "" || in.Of == k }
	if wants(CatalogueCustomFields) {
		own, err := c.customFields(ctx)
		if err != nil {
			return nil, err
		}
		if out.CustomFields = own.list; !own.known {
			out.Notes = append(out.Notes, "The server doesn't tell this user its custom fields.")
		}
	}
	for kind, list := range map[CatalogueKind]*[]CatalogueEntry{CatalogueCaseStatuses: &out.CaseStatuses, CatalogueAlertStatuses: &out.AlertStatuses} {
		if !wants(kind) {
			continue
		}
		all, err := c.serverStatuses(ctx, map[CatalogueKind]Kind{CatalogueCaseStatuses: KindCaseStatus, CatalogueAlertStatuses: KindAlertStatus}[kind])
		if err != nil {
			return nil, err
		}
		for _, s := range all {
			*list = append(*list, CatalogueEntry{Name: s.Value, Stage: s.Stage})
		}
	}
	if wants(CatalogueObservableTypes) {
		types, err := c.observableTypes(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range types {
			out.ObservableTypes = append(out.ObservableTypes, CatalogueEntry{Name: t.Name, File: t.IsAttachment})
		}
	}
	return out, nil
}

// UpdateCaseCustomFieldsInput is the input of [Client.UpdateCaseCustomFields].
type UpdateCaseCustomFieldsInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
	// By name; an array for several, null for none. thehive_get_catalogue has the names.
	CustomFields map[string]json.RawMessage `json:"customFields"`
}

// Validate refuses an update of nothing.
func (in *UpdateCaseCustomFieldsInput) Validate() error {
	if len(in.CustomFields) == 0 {
		return fmt.Errorf("%w: customFields: want at least one", ErrInvalid)
	}
	return nil
}

// UpdateCaseCustomFields sets custom fields of a case and leaves the others. The
// case has each value once afterwards, which is read back.
//
// TheHive: GET and PATCH /api/v1/case/{caseId}, customFields
func (c *Client) UpdateCaseCustomFields(ctx context.Context, in UpdateCaseCustomFieldsInput) (*Case, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.UpdateCase(ctx, UpdateCaseInput{CaseID: in.CaseID, CustomFields: in.CustomFields})
}

func (c *Client) planUpdateCaseCustomFields(ctx context.Context, in UpdateCaseCustomFieldsInput) (gate.Plan, error) {
	return c.planUpdateCase(ctx, UpdateCaseInput{CaseID: in.CaseID, CustomFields: in.CustomFields})
}

// listed decodes an answer that is a list.
func listed[T any](res *httpx.Response, err error) ([]T, error) {
	got, err := httpx.JSON[listing[T]](res, err)
	if err != nil {
		return nil, err
	}
	return got.items, nil
}
