package wazuh

import (
	"context"

	"github.com/sallyport-soc/sallyport/gate"
)

// A CaseBook is what a [Client] knows of the place where alerts are worked on, such as
// TheHive. What is nil isn't there.
type CaseBook struct {
	// With names cases that have any of the values, a line for each.
	With func(ctx context.Context, values []string) ([]string, error)
	// Target names a case for whoever approves.
	Target func(ctx context.Context, id string) (gate.Target, error)
	// Note writes a text, in Markdown, into a case.
	Note func(ctx context.Context, id, text string) error
}
