package thehive

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A Comment is a remark on a case. Its author and dates have no underscore in
// JSON, unlike those of everything else.
type Comment struct {
	ID        string    `json:"_id"`                                 // its id
	Message   string    `json:"message" untrusted:"true"`            // its text, in Markdown
	CreatedBy string    `json:"createdBy"`                           // the login of who made it
	CreatedAt time.Time `json:"createdAt,format:unixmilli"`          // when it was made
	UpdatedBy string    `json:"updatedBy,omitempty"`                 // the login of who changed it last
	UpdatedAt time.Time `json:"updatedAt,omitzero,format:unixmilli"` // when it was changed last
	IsEdited  bool      `json:"isEdited,omitempty"`                  // whether it was changed
	// What of it can't be read in a list, and why.
	Unread string `json:"unread,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true" quiet:"_type,newDate,external=false" own:"external"`
}

func (m *Comment) identity() string { return m.ID }

func (m *Comment) created() time.Time { return m.CreatedAt }

// ListCommentsInput is the input of [Client.ListComments].
type ListCommentsInput struct {
	CaseID string `json:"caseId" alias:"id"`                                      // the case, by its id or number
	Offset int    `json:"offset,omitempty" minimum:"0"`                           // how many to skip
	Limit  int    `json:"limit,omitempty" minimum:"1" maximum:"500" default:"50"` // how many to return at most
}

// A CommentPage is one page of comments.
type CommentPage struct {
	Comments []*Comment `json:"comments"` // the comments
	// How many comments there are in all.
	Total  int `json:"total"`
	Offset int `json:"offset"` // how many were skipped
	// Whether there are comments behind this page.
	More bool `json:"more"`
}

// ListComments returns one page of a case's comments, newest first. An unknown
// case is [ErrNotFound].
//
// TheHive: POST /api/v1/query, getCase, comments
func (c *Client) ListComments(ctx context.Context, in ListCommentsInput) (*CommentPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	q, err := c.commentQuery(ctx, in)
	if err != nil {
		return nil, err
	}
	got, total, err := paged[*Comment](ctx, c, "case-comments", order{"_createdAt", Desc}, in.Offset, in.Limit, q)
	if err != nil {
		return nil, err
	}
	return &CommentPage{Comments: got, Total: total, Offset: in.Offset, More: in.Offset+len(got) < total}, nil
}

// Comments returns an iterator over every comment of a case, newest first, from
// in.Offset on; each is yielded once, also when comments come or go on the way. A page
// of requests has in.Limit comments; left out: 500.
func (c *Client) Comments(ctx context.Context, in ListCommentsInput) iter.Seq2[*Comment, error] {
	return everything(ctx, c, "case-comments", in, all[ListCommentsInput, *Comment](c.commentQuery))
}

func (c *Client) commentQuery(ctx context.Context, in ListCommentsInput) (Query, error) {
	cs, err := c.GetCase(ctx, GetCaseInput{CaseID: in.CaseID})
	if err != nil {
		return Query{}, err
	}
	return inCase(cs.ID, HopComments), nil
}

// CreateCommentInput is the input of [Client.CreateComment].
type CreateCommentInput struct {
	CaseID string `json:"caseId" alias:"id"` // the case, by its id or number
	// Markdown.
	Message string `json:"message" minLength:"1" maxLength:"1048576"`
}

// CreateComment comments on a case.
//
// TheHive: POST /api/v1/case/{caseId}/comment
func (c *Client) CreateComment(ctx context.Context, in CreateCommentInput) (*Comment, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := caseRef("caseId", in.CaseID)
	if err != nil {
		return nil, err
	}
	return entity[Comment](c.wire.CreateComment(ctx, id, wire.CreateComment{Message: in.Message}))
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
		Undo:     "Delete the comment (thehive_delete_part).",
		Warnings: cs.closedWarnings(),
	}, nil
}

// CreateAlertCommentInput is the input of [Client.CreateAlertComment].
type CreateAlertCommentInput struct {
	// Or type;source;sourceRef.
	AlertID string `json:"alertId" alias:"id"`
	// Markdown.
	Message string `json:"message" minLength:"1" maxLength:"1048576"`
}

// CreateAlertComment comments on an alert.
//
// TheHive: POST /api/v1/alert/{alertId}/comment
func (c *Client) CreateAlertComment(ctx context.Context, in CreateAlertCommentInput) (*Comment, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := c.alertID(ctx, in.AlertID)
	if err != nil {
		return nil, err
	}
	return entity[Comment](c.wire.CreateAlertComment(ctx, id, wire.CreateComment{Message: in.Message}))
}

func (c *Client) planCreateAlertComment(ctx context.Context, in CreateAlertCommentInput) (gate.Plan, error) {
	a, err := c.GetAlert(ctx, GetAlertInput{AlertID: in.AlertID})
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{
		Summary: "Comment on an alert in TheHive.", Targets: []gate.Target{a.place()},
		Changes: []gate.Change{gate.Set("message", in.Message)}, Undo: "Delete the comment (thehive_delete_part).", Warnings: a.importedWarnings(),
	}, nil
}
