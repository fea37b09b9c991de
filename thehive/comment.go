package thehive

import (
	"context"
	"encoding/json"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/extra"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A Comment is a remark on a case. Its author and dates have no underscore in
// JSON, unlike those of everything else.
type Comment struct {
	ID        string `json:"_id"`
	Message   string `json:"message" untrusted:"true"`
	CreatedBy string `json:"createdBy"`
	CreatedAt int64  `json:"createdAt" jsonschema:"Milliseconds since 1970."`
	UpdatedBy string `json:"updatedBy,omitempty"`
	UpdatedAt int64  `json:"updatedAt,omitempty" jsonschema:"Milliseconds since 1970."`
	IsEdited  bool   `json:"isEdited,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// UnmarshalJSON keeps unknown members in Extra.
func (m *Comment) UnmarshalJSON(b []byte) error {
	type plain Comment
	return extra.Decode(b, (*plain)(m), &m.Extra)
}

// MarshalJSON writes the known members, then those in Extra.
func (m Comment) MarshalJSON() ([]byte, error) {
	type plain Comment
	return extra.Encode(plain(m), m.Extra)
}

func (m *Comment) identity() string { return m.ID }

// CreateCommentInput is the input of [Client.CreateComment].
type CreateCommentInput struct {
	CaseID  string `json:"caseId" jsonschema:"Case id (~4096) or case number." alias:"id"`
	Message string `json:"message" jsonschema:"Markdown." minLength:"1" maxLength:"1048576"`
}

// CreateComment comments on a case.
//
// TheHive: POST /api/v1/case/{caseId}/comment
func (c *Client) CreateComment(ctx context.Context, in CreateCommentInput) (*Comment, error) {
	return entity[Comment](c.wire.CreateComment(ctx, in.CaseID, wire.CreateComment{Message: in.Message}))
}

func (c *Client) planCreateComment(ctx context.Context, in CreateCommentInput) (gate.Plan, error) {
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary:  "Comment on a case in TheHive.",
		Targets:  []gate.Target{cs.place()},
		Changes:  []gate.Change{gate.Set("message", in.Message)},
		Undo:     "Delete the comment.",
		Warnings: cs.closedWarnings(),
	}, nil
}
