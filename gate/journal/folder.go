package journal

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
)

// DefaultDir is where the journal and the approvers' public keys lie:
// $SALLYPORT_STATE, or sallyport below $XDG_STATE_HOME, or below ~/.local/state.
// SALLYPORT_STATE must be an absolute path: servers and the gate command are started in
// different places.
func DefaultDir() (string, error) { return DirFrom(os.Getenv) }

// DirFrom is [DefaultDir] with the variables of getenv.
func DirFrom(getenv func(string) string) (string, error) {
	if dir := getenv("SALLYPORT_STATE"); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", fmt.Errorf("gate: SALLYPORT_STATE is %q: want an absolute path, since servers and the gate command may be started in different folders", dir)
		}
		return dir, nil
	}
	if dir := getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "sallyport"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("gate: no place for the journal: %w", err)
	}
	return filepath.Join(home, ".local", "state", "sallyport"), nil
}

// sharedBy says who beside this user may write in a state folder: the user in
// SALLYPORT_OTHER_USER, by name or number, if two share it.
func sharedBy(getenv func(string) string) (filestore.Owners, error) {
	name := getenv("SALLYPORT_OTHER_USER")
	if name == "" {
		return filestore.Owners{}, nil
	}
	id := name
	if u, err := user.Lookup(name); err == nil {
		id = u.Uid
	}
	uid, err := strconv.Atoi(id)
	if err != nil || uid < 0 {
		return filestore.Owners{}, fmt.Errorf("gate: SALLYPORT_OTHER_USER: there is no user %q here: want a name or a number", name)
	}
	return filestore.Owners{Other: &uid}, nil
}

// Open opens the journal in the folder dir, making both if they aren't there. A
// folder or file that another user could write, or a link, is refused. The journal
// follows the list of approvers in dir.
func Open(dir string, o Options) (*Journal, error) {
	owners, err := sharedBy(os.Getenv)
	if err != nil {
		return nil, err
	}
	s, err := filestore.Open(dir, owners)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return In(dir, s, o), nil
}

// In returns the journal of a folder that is open already.
func In(dir string, s *filestore.Store, o Options) *Journal {
	if o.Roster == nil {
		o.Roster = (&roster{dir: dir}).approvers
	}
	return New(Folder{s}, o)
}

// Folder is the [Store] in a folder.
type Folder struct{ *filestore.Store }

// Begin locks the folder.
func (f Folder) Begin() (Tx, error) {
	tx, err := f.Store.Begin()
	if err != nil {
		return nil, err
	}
	return tx, nil
}

// CheckOwner refuses a file of the state folder that anybody could have written but
// this user and the one who shares the folder.
func CheckOwner(name string, fi os.FileInfo) error {
	owners, err := sharedBy(os.Getenv)
	if err != nil {
		return err
	}
	return owners.CheckOwner(name, fi)
}
