package journal

import (
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
	"github.com/sallyport-soc/sallyport/internal/lazyregexp"
	"github.com/sallyport-soc/sallyport/internal/settings"
)

// DefaultDir is where the journal and the list of approvers are: $SALLYPORT_STATE, or
// what stands in the file $SALLYPORT_STATE_FILE, or sallyport below $XDG_STATE_HOME, or
// below ~/.local/state. It is a folder, which must be an absolute path since servers and
// the gate command are started in different places, or the address of a database.
func DefaultDir() (string, error) { return DirFrom(os.Getenv) }

// DirFrom is [DefaultDir] with the variables of getenv.
func DirFrom(getenv func(string) string) (string, error) {
	dir, from := getenv("SALLYPORT_STATE"), "SALLYPORT_STATE"
	if file := getenv("SALLYPORT_STATE_FILE"); file != "" {
		if dir != "" {
			return "", errors.New("gate: SALLYPORT_STATE and SALLYPORT_STATE_FILE are both set: keep one")
		}
		from = "SALLYPORT_STATE_FILE"
		var err error
		if dir, _, err = settings.ReadSecret(file); err != nil {
			return "", fmt.Errorf("gate: %s: %w", from, err)
		}
	}
	switch {
	case dir == "":
	case IsAddress(dir) || filepath.IsAbs(dir):
		return dir, nil
	case from == "SALLYPORT_STATE_FILE": // it may be a secret
		return "", errors.New("gate: SALLYPORT_STATE_FILE holds neither an absolute path nor the address of a database")
	default:
		return "", fmt.Errorf("gate: SALLYPORT_STATE is %q: want an absolute path, since servers and the gate command may be started in different folders", dir)
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

var isScheme = lazyregexp.New(`^[a-z][a-z0-9+.-]*://`)

// IsAddress reports whether a state is the address of a database, rather than a folder.
func IsAddress(state string) bool { return isScheme.MatchString(state) }

// isFolder refuses the address of a database where the name of a folder is wanted.
func isFolder(dir string) error {
	if IsAddress(dir) {
		return fmt.Errorf("%w: %s is not a folder: open it with package gate/postgres", ErrJournal, Shown(dir))
	}
	return nil
}

// Shown is a state as it may be shown: an address without its password and parameters.
func Shown(state string) string {
	if !IsAddress(state) {
		return state
	}
	scheme, rest, _ := strings.Cut(state, "://")
	u, err := url.Parse(state)
	// A password with one of /?# in it ends what is taken for the host: what is behind
	// may be the rest of it.
	if at := strings.IndexAny(rest, "/?#"); err != nil || at >= 0 && strings.Contains(rest[at:], "@") {
		return scheme + "://…"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if name := u.User.Username(); name != "" {
		shown.User = url.User(name)
	}
	return shown.String()
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
	if err := isFolder(dir); err != nil {
		return nil, err
	}
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

// Look begins a transaction that holds nobody up. It is that of a reader who has read
// all: if there is more to read, that is done under the lock.
func (f Folder) Look() (Tx, error) { return look{s: f.Store}, nil }

type look struct {
	looking
	s *filestore.Store
}

// After yields no line, or [ErrLook] if there are any.
func (l look) After(seq uint64, hash string) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		if !l.s.Current(seq, hash) {
			yield(nil, ErrLook)
		}
	}
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
