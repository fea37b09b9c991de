package wazuh

import "context"

// A CaseBook is what a [Client] knows of the place where alerts are worked on, such as
// TheHive. What is nil isn't there.
type CaseBook struct {
	// With names cases that mention any of the values, a line for each.
	With func(ctx context.Context, values []string) ([]string, error)
}
