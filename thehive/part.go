package thehive

import (
	"context"
	"fmt"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/thehive/internal/wire"
)

// A PartKind is a kind of what is in a case or an alert.
type PartKind string

// The kinds.
const (
	PartComment     PartKind = "comment"
	PartTask        PartKind = "task"
	PartTaskLog     PartKind = "taskLog"
	PartObservable  PartKind = "observable"
	PartProcedure   PartKind = "procedure"
	PartPage        PartKind = "page"
	PartCustomEvent PartKind = "customEvent"
	PartAttachment  PartKind = "attachment"
)

// Enum lists the values for schemas.
func (PartKind) Enum() []any {
	return []any{PartComment, PartTask, PartTaskLog, PartObservable, PartProcedure, PartPage, PartCustomEvent, PartAttachment}
}

// DeletePartInput is the input of [Client.DeletePart].
type DeletePartInput struct {
	Kind PartKind `json:"kind"` // what it is
	ID   string   `json:"id"`   // its id
	// For a page, event or attachment.
	CaseID string `json:"caseId,omitempty"`
	// For an attachment.
	AlertID string `json:"alertId,omitempty"`
}

// part is what a call deletes.
type part struct {
	target   gate.Target
	changes  []gate.Change
	warnings []string
	send     func(context.Context) (*httpx.Response, error)
}

// part finds what in names, so that a plan can show it.
func (c *Client) part(ctx context.Context, in DeletePartInput) (*part, error) {
	p := &part{target: gate.Target{Kind: string(in.Kind), ID: in.ID}}
	del := func(f func(context.Context, string) (*httpx.Response, error)) {
		p.send = func(ctx context.Context) (*httpx.Response, error) { return f(ctx, in.ID) }
	}
	switch in.Kind {
	case PartComment:
		m, err := one[*Comment](ctx, c, KindComment, in.ID)
		if err != nil {
			return nil, err
		}
		p.changes = []gate.Change{gate.Changed("message", m.Message, ""), gate.Changed("written by", m.CreatedBy, "")}
		del(c.wire.DeleteComment)
	case PartTask:
		t, err := c.task(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		p.target = t.target()
		logs, err := count(ctx, c, "task-logs", One(KindTask, t.ID).To(HopLogs))
		if err != nil {
			return nil, err
		}
		if logs > 0 {
			p.warnings = []string{fmt.Sprintf("The log of %s is deleted with it.", counted(logs, "message"))}
		}
		del(c.wire.DeleteTask)
	case PartTaskLog:
		l, err := one[*TaskLog](ctx, c, KindLog, in.ID)
		if err != nil {
			return nil, err
		}
		p.changes = []gate.Change{gate.Changed("message", l.Message, ""), gate.Changed("written by", l.Owner, "")}
		del(c.wire.DeleteTaskLog)
	case PartObservable:
		o, err := c.GetObservable(ctx, GetObservableInput{ObservableID: in.ID})
		if err != nil {
			return nil, err
		}
		p.target = o.target()
		if len(o.Reports) > 2 {
			p.warnings = []string{"The reports of its analyzers are deleted with it."}
		}
		del(c.wire.DeleteObservable)
	case PartProcedure:
		t, err := c.procedure(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		p.target.Name = t.PatternID
		p.changes = []gate.Change{gate.Changed("technique", t.PatternID+" "+instant(t.OccurDate), "")}
		del(c.wire.DeleteProcedure)
	default:
		return p, c.partOfCase(ctx, in, p)
	}
	return p, nil
}

// partOfCase finds what is named within a case.
func (c *Client) partOfCase(ctx context.Context, in DeletePartInput, p *part) error {
	at, err := c.place(ctx, in.CaseID, in.AlertID)
	if err != nil {
		return err
	}
	switch {
	case in.Kind == PartPage && at.cs != nil:
		pages, err := rows[*Page](ctx, c, "page", at.query(HopPages).Where(ID(in.ID)).Page(0, 1))
		if err != nil {
			return err
		}
		if len(pages) == 0 {
			return missing("Page", in.ID)
		}
		p.changes = []gate.Change{gate.Changed("title", pages[0].Title, ""), gate.Changed("content", pages[0].Content, "")}
		p.send = func(ctx context.Context) (*httpx.Response, error) { return c.wire.DeletePage(ctx, at.id(), in.ID) }
	case in.Kind == PartCustomEvent && at.cs != nil:
		t, err := c.GetCaseTimeline(ctx, GetCaseTimelineInput{CaseID: at.id()})
		if err != nil {
			return err
		}
		for _, e := range t.Events {
			if e.EntityID == in.ID && e.Entity == "CustomEvent" {
				p.changes = []gate.Change{gate.Changed("event", instant(e.Date)+" "+string(e.Details), "")}
			}
		}
		if p.changes == nil {
			return missing("CustomEvent", in.ID)
		}
		p.send = func(ctx context.Context) (*httpx.Response, error) { return c.wire.DeleteCustomEvent(ctx, in.ID) }
	case in.Kind == PartAttachment:
		files, err := rows[*Attachment](ctx, c, "attachment", at.query(HopAttachments).Where(ID(in.ID)).Page(0, 1))
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return missing("Attachment", in.ID)
		}
		p.changes = []gate.Change{gate.Changed("file", fmt.Sprintf("%s, %d bytes", files[0].Name, files[0].Size), "")}
		p.send = func(ctx context.Context) (*httpx.Response, error) {
			if at.a != nil {
				return c.wire.DeleteAlertAttachment(ctx, at.id(), in.ID)
			}
			return c.wire.DeleteCaseAttachment(ctx, at.id(), in.ID)
		}
	default:
		return fmt.Errorf("%w: kind: %q of %s is none", ErrInvalid, in.Kind, article(at.kind()))
	}
	p.target.Name = at.target().Name
	return nil
}

// DeletePart deletes one thing of a case or an alert. Nobody can undo it.
//
// TheHive: DELETE /api/v1/{comment,task,log,observable,procedure,customEvent}/{id}, /api/v1/case/{caseId}/page/{pageId}, …/attachment/{attachmentId}
func (c *Client) DeletePart(ctx context.Context, in DeletePartInput) (*Deleted, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	p, err := c.part(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := httpx.Done(p.send(ctx)); err != nil {
		return nil, c.explain(ctx, err)
	}
	return &Deleted{ID: in.ID, Deleted: true}, nil
}

func (c *Client) planDeletePart(ctx context.Context, in DeletePartInput) (gate.Plan, error) {
	p, err := c.part(ctx, in)
	if err != nil {
		return gate.Plan{}, err
	}
	return gate.Plan{Summary: fmt.Sprintf("Delete %s in TheHive.", article(p.target.Kind)), Targets: []gate.Target{p.target}, Changes: p.changes, Warnings: p.warnings}, nil
}

// MessageKind is a kind of messages.
type MessageKind string

// Enum lists the values for schemas.
func (MessageKind) Enum() []any { return []any{PartComment, PartTaskLog} }

// UpdateMessageInput is the input of [Client.UpdateMessage].
type UpdateMessageInput struct {
	Kind MessageKind `json:"kind"` // what it is
	ID   string      `json:"id"`   // its id
	// The new text, in Markdown.
	Message string `json:"message" minLength:"1" maxLength:"1048576"`
}

// A Message is a comment or an entry of a task's log.
type Message struct {
	ID      string `json:"id"`                       // its id
	Message string `json:"message" untrusted:"true"` // its text
	By      string `json:"by,omitempty"`             // the login of who wrote it
}

// message returns the comment or log entry that in names.
func (c *Client) message(ctx context.Context, kind MessageKind, id string) (*Message, error) {
	if PartKind(kind) == PartTaskLog {
		l, err := one[*TaskLog](ctx, c, KindLog, id)
		if err != nil {
			return nil, err
		}
		return &Message{ID: l.ID, Message: l.Message, By: l.Owner}, nil
	}
	m, err := one[*Comment](ctx, c, KindComment, id)
	if err != nil {
		return nil, err
	}
	return &Message{ID: m.ID, Message: m.Message, By: m.CreatedBy}, nil
}

// UpdateMessage changes the text of a comment or of an entry of a task's log, and
// reads it back.
//
// TheHive: PATCH /api/v1/comment/{commentId}, PATCH /api/v1/log/{logId}
func (c *Client) UpdateMessage(ctx context.Context, in UpdateMessageInput) (*Message, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	var err error
	switch PartKind(in.Kind) {
	case PartComment:
		err = httpx.Done(c.wire.UpdateComment(ctx, in.ID, wire.CreateComment{Message: in.Message}))
	case PartTaskLog:
		err = httpx.Done(c.wire.UpdateTaskLog(ctx, in.ID, wire.CreateTaskLog{Message: in.Message}))
	default:
		err = fmt.Errorf("%w: kind: want comment or taskLog", ErrInvalid)
	}
	if err != nil {
		return nil, err
	}
	m, err := c.message(ctx, in.Kind, in.ID)
	if err != nil {
		return nil, fmt.Errorf("thehive: the text was changed, but can't be read back: %w; %w", err, gate.ErrOutcomeUnknown)
	}
	var check readBack
	check.text("message", in.Message, m.Message)
	return m, check.err(string(in.Kind) + " " + m.ID)
}

func (c *Client) planUpdateMessage(ctx context.Context, in UpdateMessageInput) (gate.Plan, error) {
	m, err := c.message(ctx, in.Kind, in.ID)
	if err != nil {
		return gate.Plan{}, err
	}
	p := gate.Plan{Summary: fmt.Sprintf("Change the text of %s in TheHive.", article(string(in.Kind))), Targets: []gate.Target{{Kind: string(in.Kind), ID: m.ID}},
		Changes: []gate.Change{gate.Changed("message", m.Message, in.Message)}, Undo: "Set the text back (thehive_update_message)."}
	u, err := c.GetCurrentUser(ctx, GetCurrentUserInput{})
	if err == nil && m.By != "" && m.By != u.Login {
		p.Warnings = []string{fmt.Sprintf("It was written by %s and not by %s.", m.By, u.Login)}
	}
	return p, nil
}
