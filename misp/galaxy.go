package misp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/httpx"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/misp/internal/wire"
)

// A Galaxy is a collection of clusters, such as the techniques of ATT&CK.
type Galaxy struct {
	ID   ID     `json:"id"`             // its id
	UUID string `json:"uuid,omitempty"` // its UUID
	Name string `json:"name"`           // its name
	// The middle part of its tags, such as mitre-attack-pattern.
	Type        string `json:"type"`
	Namespace   string `json:"namespace,omitempty"`                    // its namespace
	Description string `json:"description,omitempty" untrusted:"true"` // what it is, in words of the platform
	Version     Int    `json:"version,omitempty"`                      // its version
	Enabled     *Bool  `json:"enabled,omitempty"`                      // whether it is switched on

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A Cluster is one entry of a galaxy, such as a technique or a group.
type Cluster struct {
	ID       ID     `json:"id"`                  // its id
	UUID     string `json:"uuid,omitempty"`      // its UUID
	GalaxyID ID     `json:"galaxy_id,omitempty"` // the galaxy it belongs to
	Type     string `json:"type"`                // its type
	// Its name, for ATT&CK with the id: Brute Force - T1110.
	Value string `json:"value" untrusted:"true"`
	// The tag that stands for it.
	TagName     string `json:"tag_name" untrusted:"true"`
	Description string `json:"description,omitempty" untrusted:"true"` // what it is, in words of the platform
	// Keys and values, such as synonyms.
	Elements List[json.RawMessage] `json:"GalaxyElement,omitempty" untrusted:"true"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A ClusterHead is a cluster in short.
type ClusterHead struct {
	ID    ID     `json:"id"`                     // its id
	UUID  string `json:"uuid,omitempty"`         // its UUID
	Type  string `json:"type"`                   // its type
	Value string `json:"value" untrusted:"true"` // its value
	// The tag that stands for it.
	TagName string `json:"tagName" untrusted:"true"`
	// Its beginning.
	Description string `json:"description,omitempty" untrusted:"true"`
}

func (c *Cluster) head() *ClusterHead {
	return &ClusterHead{ID: c.ID, UUID: c.UUID, Type: c.Type, Value: c.Value, TagName: c.TagName, Description: clip.Text(c.Description, 200)}
}

// ListGalaxiesInput is the input of [Client.ListGalaxies].
type ListGalaxiesInput struct {
	// In name, type or description.
	Search string `json:"search,omitempty" maxLength:"255"`
	// Such as mitre-attack.
	Namespace string `json:"namespace,omitempty" maxLength:"255"`
	Paging
}

// A GalaxyPage is one page of galaxies.
type GalaxyPage struct {
	// The galaxies, by name.
	Galaxies []*GalaxyHead `json:"galaxies"`
	// How many match in all.
	Total int  `json:"total"`
	Page  int  `json:"page"` // which page this is, from 1
	More  bool `json:"more"` // whether there are more behind these
}

// A GalaxyHead is a galaxy in short.
type GalaxyHead struct {
	ID   ID     `json:"id"`   // its id
	Name string `json:"name"` // its name
	// The middle part of its tags.
	Type        string `json:"type"`
	Namespace   string `json:"namespace,omitempty"`                    // its namespace
	Description string `json:"description,omitempty" untrusted:"true"` // what it is, in words of the platform
	Enabled     *Bool  `json:"enabled,omitempty"`                      // whether it is switched on
}

// ListGalaxies returns one page of the galaxies, by name.
//
// MISP: GET /galaxies
func (c *Client) ListGalaxies(ctx context.Context, in ListGalaxiesInput) (*GalaxyPage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.listGalaxies(ctx, in)
}

// Galaxies returns an iterator over every galaxy that in matches, by name, from in.Page
// on, as they were when it began: MISP gives all in one answer.
func (c *Client) Galaxies(ctx context.Context, in ListGalaxiesInput) iter.Seq2[*GalaxyHead, error] {
	return walkWhole(ctx, in, c.listGalaxies, func(p *GalaxyPage) []*GalaxyHead { return p.Galaxies }, func(g *GalaxyHead) ID { return g.ID })
}

func (c *Client) listGalaxies(ctx context.Context, in ListGalaxiesInput) (*GalaxyPage, error) {
	all, err := c.galaxies(ctx)
	if err != nil {
		return nil, err
	}
	var list []*GalaxyHead
	for _, g := range all {
		if mentions(in.Search, g.Name, g.Type, g.Description) && (in.Namespace == "" || strings.EqualFold(g.Namespace, strings.TrimSpace(in.Namespace))) {
			list = append(list, &GalaxyHead{ID: g.ID, Name: g.Name, Type: g.Type, Namespace: g.Namespace, Description: clip.Text(g.Description, 200), Enabled: g.Enabled})
		}
	}
	slices.SortStableFunc(list, func(a, b *GalaxyHead) int { return strings.Compare(a.Name, b.Name) })
	out := &GalaxyPage{Total: len(list), Page: in.Page}
	out.Galaxies, out.More = cut(in.Paging, list)
	return out, nil
}

func (c *Client) galaxies(ctx context.Context) ([]*Galaxy, error) {
	res, err := c.wire.ListGalaxies(ctx)
	return rows[Galaxy](c, "Galaxy", res, err)
}

// GetGalaxyInput is the input of [Client.GetGalaxy].
type GetGalaxyInput struct {
	GalaxyID Ref `json:"galaxyId" alias:"id,uuid"` // the galaxy, by its id or UUID
	Paging
}

// Validate refuses what isn't the name of a galaxy.
func (in GetGalaxyInput) Validate() error {
	return in.GalaxyID.check("galaxyId")
}

// GalaxyClusters is a galaxy with one page of its clusters.
type GalaxyClusters struct {
	Galaxy *Galaxy `json:"galaxy"` // the galaxy
	// The clusters, by name.
	Clusters []*ClusterHead `json:"clusters"`
	// How many it has in all.
	ClusterCount int  `json:"clusterCount"`
	Page         int  `json:"page"` // which page this is, from 1
	More         bool `json:"more"` // whether there are more behind these
}

// GetGalaxy returns a galaxy with one page of its clusters, by name.
//
// MISP: GET /galaxies/view/{galaxyId}
func (c *Client) GetGalaxy(ctx context.Context, in GetGalaxyInput) (*GalaxyClusters, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.getGalaxy(ctx, in)
}

// GalaxyClusters returns an iterator over every cluster of a galaxy, by name, from in.Page
// on, as they were when it began: MISP gives all in one answer.
func (c *Client) GalaxyClusters(ctx context.Context, in GetGalaxyInput) iter.Seq2[*ClusterHead, error] {
	return walkWhole(ctx, in, c.getGalaxy, func(p *GalaxyClusters) []*ClusterHead { return p.Clusters }, func(c *ClusterHead) ID { return c.ID })
}

func (c *Client) getGalaxy(ctx context.Context, in GetGalaxyInput) (*GalaxyClusters, error) {
	type answer struct {
		Galaxy   *Galaxy        `json:"Galaxy"`
		Clusters List[*Cluster] `json:"GalaxyCluster"`
	}
	a, err := httpx.JSON[answer](c.has("Galaxy")(c.wire.GetGalaxy(ctx, in.GalaxyID.path())))
	if err != nil {
		return nil, err
	}
	if g := a.Galaxy; g == nil || !in.GalaxyID.is(g.ID, g.UUID) {
		return nil, fmt.Errorf("misp: getGalaxy: asked for galaxy %s and was given another", in.GalaxyID)
	}
	list := heads(a.Clusters)
	out := &GalaxyClusters{Galaxy: a.Galaxy, ClusterCount: len(list), Page: in.Page}
	out.Clusters, out.More = cut(in.Paging, list)
	return out, nil
}

func heads(clusters []*Cluster) []*ClusterHead {
	var list []*ClusterHead
	for _, x := range clusters {
		if x != nil {
			list = append(list, x.head())
		}
	}
	slices.SortStableFunc(list, func(a, b *ClusterHead) int { return strings.Compare(a.Value, b.Value) })
	return list
}

// The namespace of the galaxies that are searched when none is named.
const attackNamespace = "mitre-attack"

const maxGalaxies = 25

// SearchGalaxyClustersInput is the input of [Client.SearchGalaxyClusters].
type SearchGalaxyClustersInput struct {
	// In name, description, UUID or synonym: T1110, APT28.
	Search string `json:"search" minLength:"2" maxLength:"255"`
	// Such as mitre-attack-pattern. Default: those of ATT&CK.
	GalaxyType string `json:"galaxyType,omitempty" maxLength:"255"`
	Paging
}

// Validate refuses a search for everything.
func (in SearchGalaxyClustersInput) Validate() error {
	if len(strings.Trim(in.Search, "% \t\r\n")) < 2 {
		return invalid("search: %q: want at least two characters", clip.Text(in.Search, 60))
	}
	return nil
}

// FoundClusters is one page of the clusters that were found.
type FoundClusters struct {
	// The clusters, the closest first: those of the id or name, then those that hold it.
	Clusters []*ClusterHead `json:"clusters"`
	// How many match in all.
	Total int  `json:"total"`
	Page  int  `json:"page"` // which page this is, from 1
	More  bool `json:"more"` // whether there are more behind these
	// The types of the galaxies that were searched.
	Searched []string `json:"searched"`
	Note     string   `json:"note,omitempty"` // what to know about the answer
}

// SearchGalaxyClusters finds clusters in the galaxies of a type or a namespace.
//
// MISP: GET /galaxies, POST /galaxy_clusters/index/{galaxyId} for each galaxy
func (c *Client) SearchGalaxyClusters(ctx context.Context, in SearchGalaxyClustersInput) (*FoundClusters, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	return c.searchGalaxyClusters(ctx, in)
}

// GalaxyClustersMatching returns an iterator over every cluster that a text is in, the
// closest first, from in.Page on, as [Client.SearchGalaxyClusters] finds them when it
// begins.
func (c *Client) GalaxyClustersMatching(ctx context.Context, in SearchGalaxyClustersInput) iter.Seq2[*ClusterHead, error] {
	return walkWhole(ctx, in, c.searchGalaxyClusters, func(p *FoundClusters) []*ClusterHead { return p.Clusters }, func(c *ClusterHead) ID { return c.ID })
}

func (c *Client) searchGalaxyClusters(ctx context.Context, in SearchGalaxyClustersInput) (*FoundClusters, error) {
	all, err := c.galaxies(ctx)
	if err != nil {
		return nil, err
	}
	want := strings.TrimSpace(in.GalaxyType)
	out := &FoundClusters{Page: in.Page, Searched: []string{}}
	if want == "" {
		want = attackNamespace
		out.Note = "only the galaxies of ATT&CK were searched; name others with galaxyType"
	}
	chosen := slices.DeleteFunc(all, func(g *Galaxy) bool {
		return !strings.EqualFold(g.Type, want) && !strings.EqualFold(g.Namespace, want) && !strings.EqualFold(g.Name, want)
	})
	switch n := len(chosen); {
	case n == 0:
		return nil, invalid("galaxyType: there is no galaxy of type or namespace %q; misp_list_galaxies has them", clip.Text(want, 60))
	case n > maxGalaxies:
		return nil, invalid("galaxyType: %q stands for %d galaxies, at most %d can be searched; name one type", clip.Text(want, 60), n, maxGalaxies)
	}
	var list []*ClusterHead
	for _, g := range chosen {
		res, err := c.wire.SearchClusters(ctx, string(g.ID), wire.ClusterFilter{Context: wire.ClusterFilterContextAll, SearchAll: strings.TrimSpace(in.Search)})
		found, err := rows[Cluster](c, "GalaxyCluster", res, err)
		if err != nil {
			return nil, err
		}
		list = append(list, heads(found)...)
		out.Searched = append(out.Searched, g.Type)
	}
	slices.SortStableFunc(list, func(a, b *ClusterHead) int { return a.distance(in.Search) - b.distance(in.Search) })
	out.Total = len(list)
	out.Clusters, out.More = cut(in.Paging, list)
	return out, nil
}

// distance is how far c is from what was searched for: its id or its whole name,
// a word of its name, a part of it, or only its text or a synonym.
func (c *ClusterHead) distance(search string) int {
	want, name := strings.ToLower(strings.TrimSpace(search)), strings.ToLower(c.Value)
	title, id, _ := strings.Cut(name, " - ")
	switch {
	case want == name, want == id, want == title, strings.EqualFold(want, c.UUID):
		return 0
	case slices.Contains(strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '(' || r == ')' || r == ',' }), want):
		return 1
	case strings.Contains(name, want):
		return 2
	}
	return 3
}

// A ClusterTarget says what a cluster is attached to.
type ClusterTarget string

// What a cluster can be attached to.
const (
	ToEvent     ClusterTarget = "event"
	ToAttribute ClusterTarget = "attribute"
)

// Enum lists what is allowed.
func (ClusterTarget) Enum() []any { return []any{ToEvent, ToAttribute} }

// AttachGalaxyClusterInput is the input of [Client.AttachGalaxyCluster].
type AttachGalaxyClusterInput struct {
	TargetType ClusterTarget `json:"targetType"` // what to attach it to
	// Its id or UUID.
	TargetID Ref `json:"targetId"`
	// Its id or UUID.
	GalaxyClusterID Ref `json:"galaxyClusterId" alias:"clusterId"`
}

// Validate refuses what names neither.
func (in AttachGalaxyClusterInput) Validate() error {
	return errors.Join(in.TargetID.check("targetId"), in.GalaxyClusterID.check("galaxyClusterId"))
}

// An AttachedCluster confirms that a cluster is attached.
type AttachedCluster struct {
	TargetType ClusterTarget `json:"targetType"` // what it was attached to
	TargetID   ID            `json:"targetId"`   // the id of that
	Cluster    *ClusterHead  `json:"cluster"`    // the cluster
	// attached, or existing: it was there before.
	Status TagStatus `json:"status"`
	// Whether the event, read again, has its tag there.
	Confirmed bool `json:"confirmed"`
	// MISP's own words.
	Message string `json:"message"`
}

// AttachGalaxyCluster attaches a galaxy cluster to an event or an attribute and
// looks whether it is there then.
//
// MISP: GET /galaxy_clusters/view/{clusterId}, POST /events/restSearch, POST /galaxies/attachCluster/{targetId}/{targetType}
func (c *Client) AttachGalaxyCluster(ctx context.Context, in AttachGalaxyClusterInput) (*AttachedCluster, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	cl, e, a, err := c.clusterTarget(ctx, in, func(*Event) error { return nil })
	if err != nil {
		return nil, err
	}
	out := &AttachedCluster{TargetType: in.TargetType, TargetID: e.ID, Cluster: cl.head()}
	if a != nil {
		out.TargetID = a.ID
	}
	type answer struct {
		Success string `json:"success"`
	}
	var target wire.ClusterTarget
	target.Galaxy.TargetID = string(cl.ID)
	said, err := httpx.JSON[answer](c.has("saved")(c.wire.AttachCluster(ctx, string(out.TargetID), string(in.TargetType), target)))
	if err != nil {
		return nil, err
	}
	out.Message = said.Success
	switch m := strings.ToLower(said.Success); {
	case strings.Contains(m, "already attached"):
		out.Status = TagExisting
	case strings.Contains(m, "cluster attached"):
		out.Status = TagAttached
	default: // MISP says "saved" of this too
		return nil, &Error{Refusal: refusal("attachCluster", 200, clip.Text(said.Success, 500), ErrInvalid)}
	}
	out.Confirmed, err = c.tagged(ctx, e.ID, a, cl.TagName)
	if err != nil {
		out.Confirmed = false
	}
	return out, nil
}

// tagged reports whether the event of that id, or a in it, has a tag.
func (c *Client) tagged(ctx context.Context, event ID, a *Attribute, name string) (bool, error) {
	if a == nil {
		e, err := c.summary(ctx, EventRef(event))
		return err == nil && e.hasTag(name), err
	}
	p, err := c.searchAttributes(ctx, wire.AttributeSearch{EventID: string(event), UUID: []string{a.UUID}, Page: 1, Limit: 1})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(p.Attributes, func(x *Attribute) bool {
		return x != nil && x.ID == a.ID && slices.ContainsFunc(x.Tags, func(t *Tag) bool { return t != nil && t.Name == name })
	}), nil
}

// clusterTarget reads the event, the attribute if it is one, and the cluster.
func (c *Client) clusterTarget(ctx context.Context, in AttachGalaxyClusterInput, may func(*Event) error) (*Cluster, *Event, *Attribute, error) {
	ref := EventRef(in.TargetID)
	var a *Attribute
	var err error
	if in.TargetType == ToAttribute {
		if a, err = c.attribute(ctx, in.TargetID); err != nil {
			return nil, nil, nil, err
		}
		ref = EventRef(a.EventID)
	}
	e, err := c.summary(ctx, ref)
	if err == nil {
		err = may(e)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	type answer struct {
		Cluster *Cluster `json:"GalaxyCluster"`
	}
	got, err := httpx.JSON[answer](c.has("GalaxyCluster")(c.wire.GetCluster(ctx, in.GalaxyClusterID.path())))
	if err != nil {
		return nil, nil, nil, err
	}
	if x := got.Cluster; x == nil || !in.GalaxyClusterID.is(x.ID, x.UUID) {
		return nil, nil, nil, fmt.Errorf("misp: getCluster: asked for cluster %s and was given another", in.GalaxyClusterID)
	}
	return got.Cluster, e, a, nil
}

func (c *Client) planAttachGalaxyCluster(ctx context.Context, in AttachGalaxyClusterInput) (gate.Plan, error) {
	cl, e, a, err := c.clusterTarget(ctx, in, func(e *Event) error { return c.checkMay(ctx, e, mayTag) })
	if err != nil {
		return gate.Plan{}, err
	}
	has, err := c.tagged(ctx, e.ID, a, cl.TagName)
	if err != nil {
		return gate.Plan{}, err
	}
	undo := "" // no tool here takes a tag from an attribute
	if in.TargetType == ToEvent {
		undo = "Take the cluster's tag away (misp_tag_event)."
	}
	p := gate.Plan{
		Summary: fmt.Sprintf("Attach a galaxy cluster to an %s in MISP.", in.TargetType),
		Targets: []gate.Target{e.target()},
		Changes: []gate.Change{gate.Set("cluster", fmt.Sprintf("%s (%s)", cl.Value, cl.TagName))},
		Undo:    undo,
	}
	if a != nil {
		p.Targets = append([]gate.Target{{Kind: "attribute", ID: string(a.ID), Name: a.Type + " " + a.Value}}, p.Targets...)
	}
	if has {
		p.Warnings = append(p.Warnings, "the cluster is attached already: nothing changes")
	}
	e.unpublishes(&p)
	return p, nil
}

// attackPatterns is the type of the galaxy that has the techniques of ATT&CK.
const attackPatterns = "mitre-attack-pattern"

// TechniqueTags returns the tags of the clusters that this server has for
// techniques of ATT&CK, by their ids. names are what they are called today; a
// server with older galaxies has them under other names. What isn't in the answer
// the server has no cluster for: a tag of it would stand for nothing.
//
// MISP: POST /galaxy_clusters/restSearch for each, and GET /galaxies, POST /galaxy_clusters/index/{galaxyId} for those of another name
func (c *Client) TechniqueTags(ctx context.Context, names map[string]string) (map[string]string, error) {
	tags := map[string]string{}
	is := func(x *Cluster, id string) bool {
		return x != nil && x.Type == attackPatterns && x.TagName != "" && strings.HasSuffix(x.Value, " - "+id)
	}
	type answer struct {
		Response List[*struct {
			Cluster *Cluster `json:"GalaxyCluster"`
		}] `json:"response"`
	}
	var galaxy ID
	for _, id := range slices.Sorted(maps.Keys(names)) {
		a, err := httpx.JSON[answer](c.wire.FindClusters(ctx, wire.ClusterTag{
			ReturnFormat: wire.ClusterTagReturnFormatJSON, TagName: fmt.Sprintf("misp-galaxy:%s=%q", attackPatterns, names[id]+" - "+id), Limit: 1,
		}))
		if err == nil {
			for _, r := range a.Response {
				if r != nil && is(r.Cluster, id) {
					tags[id] = r.Cluster.TagName
				}
			}
		}
		if tags[id] != "" {
			continue
		}
		if galaxy == "" {
			all, err := c.galaxies(ctx)
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(all, func(g *Galaxy) bool { return g.Type == attackPatterns })
			if i < 0 {
				return tags, nil
			}
			galaxy = all[i].ID
		}
		res, err := c.wire.SearchClusters(ctx, string(galaxy), wire.ClusterFilter{SearchAll: id})
		found, err := rows[Cluster](c, "GalaxyCluster", res, err)
		if err != nil {
			return nil, err
		}
		for _, x := range found {
			if is(x, id) {
				tags[id] = x.TagName
			}
		}
	}
	return tags, nil
}
