package thehive

import (
	"context"
	"encoding/json"
)

// A CaseTemplate is what a new case can begin with.
type CaseTemplate struct {
	ID          string   `json:"_id"`
	Name        string   `json:"name" jsonschema:"The name to open a case with."`
	DisplayName string   `json:"displayName"`
	TitlePrefix string   `json:"titlePrefix,omitempty"`
	Description string   `json:"description,omitempty"`
	Severity    Severity `json:"severity,omitempty"`
	TLP         *TLP     `json:"tlp,omitempty"`
	PAP         *PAP     `json:"pap,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Flag        bool     `json:"flag,omitempty"`
	Tasks       []*Task  `json:"tasks,omitempty" jsonschema:"The tasks that a case gets from it."`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-"`
}

// ListCaseTemplatesInput is the input of [Client.ListCaseTemplates].
type ListCaseTemplatesInput struct {
	Offset int `json:"offset,omitempty" jsonschema:"How many templates to skip." minimum:"0"`
	Limit  int `json:"limit,omitempty" jsonschema:"How many templates to return." minimum:"1" maximum:"500"`
}

// SetDefaults fills the fields left at zero.
func (in *ListCaseTemplatesInput) SetDefaults() {
	if in.Limit == 0 {
		in.Limit = 100
	}
}

// A CaseTemplatePage is one page of case templates.
type CaseTemplatePage struct {
	Templates []*CaseTemplate `json:"templates"`
	Total     int             `json:"total" jsonschema:"How many there are in all."`
	Offset    int             `json:"offset"`
	More      bool            `json:"more" jsonschema:"Whether there are templates behind this page."`
}

// ListCaseTemplates returns one page of the case templates, by name.
//
// TheHive: POST /api/v1/query, listCaseTemplate
func (c *Client) ListCaseTemplates(ctx context.Context, in ListCaseTemplatesInput) (*CaseTemplatePage, error) {
	in.SetDefaults()
	got, total, err := paged[*CaseTemplate](ctx, c, "case-templates", order{"name", Asc}, in.Offset, in.Limit, All(KindCaseTemplate))
	if err != nil {
		return nil, err
	}
	return &CaseTemplatePage{Templates: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}
