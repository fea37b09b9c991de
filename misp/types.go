package misp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/nearest"
)

// lookTypes looks among the attribute types and categories of the server.
func (c *Client) lookTypes(ctx context.Context, look func(*attributeTypes) error) error {
	return c.types.Look(ctx, struct{}{}, c.attributeTypes, look)
}

// noType says that the server has no attribute type of that name and which of its
// types are near, and nothing of one that it has. MISP compares types without regard
// to case where it searches, and with it where it writes.
func (t *attributeTypes) noType(name string, same func(a, b string) bool) string {
	if slices.ContainsFunc(t.Types, func(x string) bool { return same(x, name) }) {
		return ""
	}
	return fmt.Sprintf("there is no attribute type %q on this server; %s", clip.Text(name, 60), near(name, t.Types, "misp_describe_types has them"))
}

// explainTypes says which of the types, or that the category, the server doesn't have,
// and that none of the types is of the category.
func (c *Client) explainTypes(ctx context.Context, types []string, category string) (notes []string) {
	types = slices.DeleteFunc(slices.Clone(types), func(t string) bool { return t == "" })
	if len(types) == 0 && category == "" {
		return nil
	}
	err := c.lookTypes(ctx, func(t *attributeTypes) error {
		notes = nil
		for _, name := range types {
			if no := t.noType(name, strings.EqualFold); no != "" && len(notes) < maxExplained {
				notes = append(notes, no)
			}
		}
		at := slices.IndexFunc(t.Categories, func(x string) bool { return strings.EqualFold(x, category) })
		switch {
		case category != "" && at < 0:
			notes = append(notes, fmt.Sprintf("there is no category %q on this server; there are %s", clip.Text(category, 60), strings.Join(t.Categories, ", ")))
		case category != "" && len(types) > 0 && len(notes) == 0 && !slices.ContainsFunc(types, func(name string) bool {
			return slices.ContainsFunc(t.Mappings[t.Categories[at]], func(x string) bool { return strings.EqualFold(x, name) })
		}):
			notes = append(notes, fmt.Sprintf("no attribute of type %s can be of the category %s", strings.Join(types, " or "), t.Categories[at]))
		}
		if len(notes) > 0 {
			return ErrNotFound // or they are new
		}
		return nil
	})
	if err != nil && len(notes) == 0 {
		notes = []string{"whether the server has these types and this category couldn't be found out: " + reason(err)}
	}
	return notes
}

// explainEvent says that there is no such event.
func (c *Client) explainEvent(ctx context.Context, ref EventRef) []string {
	if ref == "" {
		return nil
	}
	_, err := c.summary(ctx, ref)
	switch {
	case errors.Is(err, ErrNotFound):
		return []string{fmt.Sprintf("there is no event %s, or the key may not see it", ref.path())}
	case err != nil:
		return []string{"whether there is that event couldn't be found out: " + reason(err)}
	}
	return nil
}

// noPair says what keeps an attribute from having that type and category on the server,
// as MISP compares them where it writes, and in which member of a request it is wrong.
func (t *attributeTypes) noPair(a NewAttribute) (member, why string) {
	if why = t.noType(a.Type, func(a, b string) bool { return a == b }); why != "" {
		return "type", why
	}
	if a.Category == "" || slices.Contains(t.Mappings[a.Category], a.Type) {
		return "", ""
	}
	var can []string
	for _, category := range t.Categories {
		if slices.Contains(t.Mappings[category], a.Type) {
			can = append(can, category)
		}
	}
	return "category", fmt.Sprintf("an attribute of type %s can't be of %q; it can be of %s", a.Type, clip.Text(a.Category, 60), strings.Join(can, ", "))
}

// checkTypes refuses a type or a category that attributes can't have, since MISP would
// once a human has approved.
func (c *Client) checkTypes(ctx context.Context, attributes ...NewAttribute) error {
	return c.lookTypes(ctx, func(t *attributeTypes) error {
		for i, a := range attributes {
			member, why := t.noPair(a)
			if why == "" {
				continue
			}
			if len(attributes) > 1 {
				member = fmt.Sprintf("attributes[%d].%s", i, member)
			}
			return invalid("%s: %s", member, why)
		}
		return nil
	})
}

// near names those of words that are like one: with a part in common, or mistyped. Where
// there are none, it is otherwise.
func near(word string, words []string, otherwise string) string {
	parts := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return strings.ContainsRune("-_|/ ", r) })
	}
	var list []string
	add := func(w string) {
		if w != "" && len(list) < maxExplained && !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	add(nearest.Word(word, max(1, len(word)/4), slices.Values(words)))
	asked := parts(word)
	for _, w := range words {
		if p := parts(w); len(p) > 0 && slices.Contains(asked, p[0]) {
			add(w)
		}
	}
	for _, w := range words {
		if slices.ContainsFunc(parts(w), func(p string) bool { return slices.Contains(asked, p) }) {
			add(w)
		}
	}
	if len(list) == 0 {
		return otherwise
	}
	return "near are " + strings.Join(list, ", ")
}
