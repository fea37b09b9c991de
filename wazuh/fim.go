package wazuh

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clip"
	"github.com/sallyport-soc/sallyport/internal/input"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/wazuh/internal/wire"
)

// A RegistryValue names a value of a registry key.
type RegistryValue struct {
	Name string `json:"name" untrusted:"true"` // its name
	Type string `json:"type,omitempty"`        // its type

	// Extra holds the members that this version doesn't know.
	Extra map[string]json.RawMessage `json:"-" untrusted:"true"`
}

// A FileEntry is a file, or a part of the registry, that file integrity
// monitoring watches.
type FileEntry struct {
	// The path of the file or of the registry key.
	File string   `json:"file" untrusted:"true"`
	Type FileType `json:"type"` // its type
	// Which value of the registry key.
	Value *RegistryValue `json:"value,omitempty"`
	// Which view of the registry: [x32] or [x64].
	Arch string `json:"arch,omitempty"`
	// When a change of it was last reported.
	Date time.Time `json:"date,omitzero"`
	// When it was last changed, by its own account.
	MTime time.Time `json:"mtime,omitzero"`
	// How many changes were reported.
	Changes Int `json:"changes"`
	Size    Int `json:"size"` // its size in bytes
	// Its permissions; on Windows a JSON object, as a text.
	Perm       Text   `json:"perm,omitempty" untrusted:"true"`
	User       string `json:"uname,omitempty" untrusted:"true"` // the owner's name
	Group      string `json:"gname,omitempty" untrusted:"true"` // the group's name
	UID        string `json:"uid,omitempty"`                    // the owner's number
	GID        string `json:"gid,omitempty"`                    // the group's number
	Inode      Int    `json:"inode,omitempty"`                  // its inode
	Attributes string `json:"attributes,omitempty"`             // its attributes on Windows
	MD5        string `json:"md5,omitempty"`                    // its MD5, in hex
	SHA1       string `json:"sha1,omitempty"`                   // its SHA-1, in hex
	SHA256     string `json:"sha256,omitempty"`                 // its SHA-256, in hex

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
	AgentID AgentID `json:"agent_id" alias:"id"` // the agent
	// In any field.
	Search string   `json:"search,omitempty" minLength:"1" maxLength:"256"`
	Type   FileType `json:"type,omitempty"` // only of this type
	// MD5, SHA-1 or SHA-256.
	Hash string `json:"hash,omitempty" pattern:"^[0-9A-Fa-f]{32}([0-9A-Fa-f]{8}([0-9A-Fa-f]{24})?)?$"`
	// -mtime: last changed first; -date: last reported first.
	Sort          FileSort `json:"sort,omitempty" default:"-mtime"`
	Limit         int      `json:"limit,omitempty" minimum:"1" maximum:"500" default:"25"` // how many to return at most
	Offset        int      `json:"offset,omitempty" minimum:"0" maximum:"100000"`          // how many to skip
	IncludeHashes bool     `json:"include_hashes,omitempty"`                               // with the hashes of each
}

// A FilePage is one page of what file integrity monitoring knows.
type FilePage struct {
	AgentID string       `json:"agent_id"` // the agent
	Files   []*FileEntry `json:"files"`    // the files
	// Whether hashes were asked for.
	HashesIncluded bool `json:"hashes_included"`
	Paging
}

var fileHash = lazyregexp.New(`^[0-9A-Fa-f]{32}([0-9A-Fa-f]{8}([0-9A-Fa-f]{24})?)?$`)

// GetFIMFiles returns one page of the files and registry entries of an agent
// that file integrity monitoring watches, the last changed first unless in.Sort
// says otherwise.
//
// Wazuh: GET /syscheck/{agent_id}
func (c *Client) GetFIMFiles(ctx context.Context, in GetFIMFilesInput) (*FilePage, error) {
	if err := input.Prepare(ctx, &in, ErrInvalid); err != nil {
		return nil, err
	}
	id, err := checkRows(in.AgentID, in.Search)
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

// Files returns an iterator over every file and registry entry of an agent that
// file integrity monitoring watches and in matches, from in.Offset on, each once: all
// are read before the first is handed out. in.Limit is how many it fetches at a time,
// 500 unless given.
func (c *Client) Files(ctx context.Context, in GetFIMFilesInput) iter.Seq2[*FileEntry, error] {
	type place struct{ file, arch, value string }
	return walkRows(ctx, in, pageRows, c.GetFIMFiles, func(p *FilePage) ([]*FileEntry, Paging) { return p.Files, p.Paging }, func(f *FileEntry) place {
		at := place{file: f.File, arch: f.Arch}
		if f.Value != nil {
			at.value = f.Value.Name
		}
		return at
	})
}
