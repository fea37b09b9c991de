package misp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A tagQuery says which tags something has: one of some, all of some, none of some.
type tagQuery struct{ or, and, not []string }

// tagQueryOf reads tags of a search: in any, a leading ! excludes.
func tagQueryOf(any, all []string) (q tagQuery) {
	for _, t := range any {
		if t = strings.TrimSpace(t); strings.HasPrefix(t, "!") {
			q.not = append(q.not, strings.TrimSpace(t[1:]))
		} else if t != "" {
			q.or = append(q.or, t)
		}
	}
	for _, t := range all {
		if t = strings.TrimSpace(t); t != "" {
			q.and = append(q.and, t)
		}
	}
	return q
}

// empty reports whether q filters nothing.
func (q tagQuery) empty() bool { return len(q.or)+len(q.and)+len(q.not) == 0 }

// names reports whether q asks for a tag. What it only excludes leaves nearly
// everything.
func (q tagQuery) names() bool { return len(q.or)+len(q.and) > 0 }

// check refuses what MISP would take for no filter at all.
func (q tagQuery) check() error {
	for _, list := range []struct {
		name string
		tags []string
	}{{"tags", q.or}, {"tags", q.not}, {"allTags", q.and}} {
		for _, t := range list.tags {
			if err := checkFilter(list.name, t); err != nil {
				return err
			}
		}
	}
	return nil
}

// wire is q as MISP's searches take it. The tags of an event and of an attribute
// in it count together.
func (q tagQuery) wire() wire.TagQuery {
	escaped := func(tags []string) (list []string) {
		for _, t := range tags {
			list = append(list, like(t))
		}
		return list
	}
	switch {
	case q.empty():
		return nil
	case len(q.and)+len(q.not) == 0:
		return escaped(q.or)
	}
	m := map[string][]string{}
	for k, list := range map[string][]string{"OR": q.or, "AND": q.and, "NOT": q.not} {
		if len(list) > 0 {
			m[k] = escaped(list)
		}
	}
	return m
}

// anyTag is the query for what has one of tags.
func anyTag(tags ...string) tagQuery { return tagQueryOf(tags, nil) }

// maxExplained bounds the names that are looked up to explain an answer.
const maxExplained = 5

// explain says which names in a query the server doesn't have, and which it has
// instead. Tags are compared with their case, and one that doesn't exist excludes
// nothing. found says that the search found something, so that only what was
// excluded can still be wrong.
func (q tagQuery) explain(ctx context.Context, c *Client, found bool) (notes []string) {
	names := slices.Clone(q.not)
	if !found {
		names = append(append(names, q.or...), q.and...)
	}
	for i, t := range names {
		if strings.Contains(t, "%") {
			continue
		}
		if i >= maxExplained {
			break
		}
		near, known, err := c.nearTags(ctx, t)
		switch {
		case err != nil:
			return append(notes, "whether the server has these tags couldn't be found out: "+reason(err))
		case known:
		case len(near) > 0:
			notes = append(notes, fmt.Sprintf("there is no tag %q on this server, whose tags differ by case; there is %s", t, strings.Join(near, ", ")))
		default:
			notes = append(notes, fmt.Sprintf("there is no tag %q on this server; misp_list_tags has them", t))
		}
	}
	return notes
}

// nearTags says whether the server has a tag of exactly that name, and which it
// has that differ by case only or else hold its last part.
func (c *Client) nearTags(ctx context.Context, name string) (near []string, known bool, err error) {
	res, err := c.wire.SearchTags(ctx, wire.TagName{Tag: name})
	same, err := rows[Tag](c, "Tag", res, err)
	if err != nil {
		return nil, false, err
	}
	for _, t := range same {
		if t.Name == name {
			known = true
		} else if strings.EqualFold(t.Name, name) {
			near = append(near, t.Name)
		}
	}
	if known || len(near) > 0 {
		return near, known, nil
	}
	last := strings.Trim(name[strings.LastIndexAny(name, ":=")+1:], `" `)
	if len(last) < 3 {
		return nil, false, nil
	}
	list, err := c.ListTags(ctx, ListTagsInput{Search: last, Paging: Paging{Limit: maxExplained}})
	if err != nil {
		return nil, false, err
	}
	for _, t := range list.Tags {
		near = append(near, t.Name)
	}
	return near, false, nil
}

// explainOrg says that the server has no organisation of that name, and which it
// has instead.
func (c *Client) explainOrg(ctx context.Context, name string) []string {
	name = strings.TrimSpace(name)
	if name == "" || strings.Contains(name, "%") {
		return nil
	}
	res, err := c.wire.ListOrganisations(ctx, "scope:"+string(AllOrganisations))
	list, err := rows[OrganisationDetail](c, "Organisation", res, err)
	if err != nil {
		return []string{"whether the server has that organisation couldn't be found out: " + reason(err)}
	}
	var near []string
	for _, o := range list {
		switch {
		case o.Name == name || string(o.ID) == name || strings.EqualFold(o.UUID, name):
			return nil
		case strings.EqualFold(o.Name, name):
			return []string{fmt.Sprintf("there is no organisation %q on this server, whose names differ by case; there is %q", name, o.Name)}
		case (mentions(name, o.Name) || mentions(o.Name, name)) && len(near) < maxExplained:
			near = append(near, fmt.Sprintf("%q", o.Name))
		}
	}
	if len(near) > 0 {
		return []string{fmt.Sprintf("there is no organisation %q that the key may see; there is %s", name, strings.Join(near, ", "))}
	}
	return []string{fmt.Sprintf("there is no organisation %q that the key may see; misp_list_organisations has them", name)}
}
