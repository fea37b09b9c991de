package wazuh

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A RegistryValue names a value of a registry key.
type RegistryValue struct {
	Name string `json:"name" untrusted:"true"`
	Type string `json:"type,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A FileEntry is a file, or a part of the registry, that file integrity
// monitoring watches.
type FileEntry struct {
	File       string         `json:"file" jsonschema:"The path of the file or of the registry key." untrusted:"true"`
	Type       FileType       `json:"type"`
	Value      *RegistryValue `json:"value,omitempty" jsonschema:"Which value of the registry key."`
	Arch       string         `json:"arch,omitempty" jsonschema:"Which view of the registry: [x32] or [x64]."`
	Date       string         `json:"date,omitempty" jsonschema:"When a change of it was last reported."`
	MTime      string         `json:"mtime,omitempty" jsonschema:"When it was last changed, by its own account."`
	Changes    Int            `json:"changes" jsonschema:"How many changes were reported."`
	Size       Int            `json:"size"`
	Perm       Text           `json:"perm,omitempty" jsonschema:"Its permissions; on Windows a JSON object, as a text." untrusted:"true"`
	User       string         `json:"uname,omitempty" untrusted:"true"`
	Group      string         `json:"gname,omitempty" untrusted:"true"`
	UID        string         `json:"uid,omitempty"`
	GID        string         `json:"gid,omitempty"`
	Inode      Int            `json:"inode,omitempty"`
	Attributes string         `json:"attributes,omitempty"`
	MD5        string         `json:"md5,omitempty"`
	SHA1       string         `json:"sha1,omitempty"`
	SHA256     string         `json:"sha256,omitempty"`

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// FileType is what an entry of file integrity monitoring is.
type FileType string

// Enum lists the values for schemas.
func (FileType) Enum() []any { return []any{"file", "registry_key", "registry_value"} }

// FileSort is an order of entries of file integrity monitoring.
type FileSort string

// Enum lists the values for schemas.
func (FileSort) Enum() []any {
	return []any{"-mtime", "+mtime", "-date", "+date", "-changes", "+file"}
}

// GetFIMFilesInput is the input of [Client.GetFIMFiles].
type GetFIMFilesInput struct {
	AgentID       AgentID  `json:"agent_id" alias:"id"`
	Search        string   `json:"search,omitempty" jsonschema:"In any field." minLength:"1" maxLength:"256"`
	Type          FileType `json:"type,omitempty"`
	Hash          string   `json:"hash,omitempty" jsonschema:"MD5, SHA-1 or SHA-256." pattern:"^[0-9A-Fa-f]{32}([0-9A-Fa-f]{8}([0-9A-Fa-f]{24})?)?$"`
	Sort          FileSort `json:"sort,omitempty" jsonschema:"-mtime: last changed first; -date: last reported first." default:"-mtime"`
	Limit         int      `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"`
	Offset        int      `json:"offset,omitempty" minimum:"0" maximum:"100000"`
	IncludeHashes bool     `json:"include_hashes,omitempty"`
}

// A FilePage is one page of what file integrity monitoring knows.
type FilePage struct {
	AgentID        string       `json:"agent_id"`
	Files          []*FileEntry `json:"files"`
	HashesIncluded bool         `json:"hashes_included" jsonschema:"Whether hashes were asked for."`
	Paging
}

var fileHash = lazyregexp.New(`^[0-9A-Fa-f]{32}([0-9A-Fa-f]{8}([0-9A-Fa-f]{24})?)?$`)

// GetFIMFiles returns one page of the files and registry entries of an agent
// that file integrity monitoring watches, the last changed first unless in.Sort
// says otherwise.
//
// Wazuh: GET /syscheck/{agent_id}
func (c *Client) GetFIMFiles(ctx context.Context, in GetFIMFilesInput) (*FilePage, error) {
	if err := input.Prepare(&in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := checkRows(in.AgentID, in.Limit, in.Offset, in.Search)
	if err != nil {
		return nil, err
	}
	if in.Hash != "" && !fileHash.MatchString(in.Hash) {
		return nil, invalid("hash %q: want an MD5, SHA-1 or SHA-256 in hex", clip.Text(in.Hash, shownBytes))
	}
	five, err := c.five(ctx)
	if err != nil {
		return nil, err
	}
	if five {
		return c.stateFiles(ctx, id, in)
	}
	params := wire.ListFilesParams{
		Offset: in.Offset, Limit: in.Limit, Search: in.Search, Type: string(in.Type), Hash: in.Hash, Sort: string(in.Sort),
		Select: []string{"file", "type", "date", "mtime", "changes", "size", "perm", "uname", "gname", "uid", "gid", "inode", "attributes", "arch", "value.name", "value.type"},
	}
	if in.IncludeHashes {
		params.Select = append(params.Select, "md5", "sha1", "sha256")
	}
	r, err := list[*FileEntry](c.wire.ListFiles(withSession(ctx), id, params))
	if errors.Is(err, ErrNoInventory) { // Wazuh says the same of an agent that isn't there
		if _, unknown := c.GetAgent(ctx, GetAgentInput{AgentID: in.AgentID}); errors.Is(unknown, ErrNotFound) {
			return nil, unknown
		}
	}
	if err != nil {
		return nil, err
	}
	return &FilePage{AgentID: id, Files: r.items, HashesIncluded: in.IncludeHashes, Paging: r.paging(in.Offset)}, nil
}
