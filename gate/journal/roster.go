package journal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/gate/state"
)

// approversFile holds the public keys, a line each: "ed25519 <base64> <name>".
const approversFile = "approvers"

// AddApprover enrols an approver in the state directory dir. A name can be
// enrolled once.
func AddApprover(dir string, a state.Approver) error {
	if err := CheckApprover(a); err != nil {
		return err
	}
	have, err := Approvers(dir)
	if err != nil {
		return err
	}
	for _, h := range have {
		if h.Name == a.Name {
			return fmt.Errorf("gate: approver %s is enrolled already", a.Name)
		}
	}
	owners, err := sharedBy(os.Getenv)
	if err != nil {
		return err
	}
	if err := owners.PrepareDir(dir); err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	file := filepath.Join(dir, approversFile)
	_, err = os.Lstat(file)
	made := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, owners.ListMode())
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	if made {
		err = f.Chmod(owners.ListMode()) // whatever the umask takes away
	}
	_, werr := fmt.Fprintf(f, "ed25519 %s %s\n", base64.StdEncoding.EncodeToString(a.Key), a.Name)
	if err := errors.Join(err, werr, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	return nil
}

// CheckApprover refuses a name or key that can't be an approver's.
func CheckApprover(a state.Approver) error {
	if err := state.CheckName(a.Name); err != nil {
		return err
	}
	if len(a.Key) != ed25519.PublicKeySize {
		return fmt.Errorf("gate: approver %s: not an Ed25519 public key", a.Name)
	}
	return nil
}

// A List is the [Roll] in the folder of that name, which need not be opened.
type List string

// Approvers returns who is listed.
func (l List) Approvers() ([]state.Approver, error) { return Approvers(string(l)) }

// AddApprover lists an approver.
func (l List) AddApprover(a state.Approver) error { return AddApprover(string(l), a) }

// StrikeApprover takes one off the list.
func (l List) StrikeApprover(name string) error { return StrikeApprover(string(l), name) }

// Approvers reads who is enrolled in the state directory dir; nobody, if the
// file isn't there.
func Approvers(dir string) ([]state.Approver, error) {
	if err := isFolder(dir); err != nil {
		return nil, err
	}
	file := filepath.Join(dir, approversFile)
	fi, err := os.Lstat(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("gate: %s is not a regular file", file)
	}
	owners, err := sharedBy(os.Getenv)
	if err != nil {
		return nil, err
	}
	if err := owners.CheckOwner(file, fi); err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	return ParseApprovers(file, b)
}

// ParseApprovers reads such a list; file names it in errors.
func ParseApprovers(file string, b []byte) ([]state.Approver, error) {
	var list []state.Approver
	for i, line := range bytes.Split(b, []byte("\n")) {
		f := strings.Fields(string(line))
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if len(f) != 3 || f[0] != "ed25519" {
			return nil, fmt.Errorf("gate: %s line %d: want \"ed25519 KEY NAME\"", file, i+1)
		}
		key, err := base64.StdEncoding.DecodeString(f[1])
		if err != nil || len(key) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("gate: %s line %d: not an Ed25519 public key", file, i+1)
		}
		if err := state.CheckName(f[2]); err != nil {
			return nil, fmt.Errorf("gate: %s line %d: %w", file, i+1, err)
		}
		if slices.ContainsFunc(list, func(a state.Approver) bool { return a.Name == f[2] }) {
			return nil, fmt.Errorf("gate: %s line %d: %s is listed twice", file, i+1, f[2])
		}
		list = append(list, state.Approver{Name: f[2], Key: key})
	}
	return list, nil
}

// StrikeApprover takes an approver off the list of the state directory dir. Signatures
// of theirs that weren't spent yet count for nothing from then on.
func StrikeApprover(dir, name string) error {
	have, err := Approvers(dir)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(have, func(a state.Approver) bool { return a.Name == name }) {
		return fmt.Errorf("gate: approver %s is not enrolled in %s", name, dir)
	}
	owners, err := sharedBy(os.Getenv)
	if err != nil {
		return err
	}
	file := filepath.Join(dir, approversFile)
	b, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	var rest []byte
	for line := range bytes.Lines(b) {
		if f := bytes.Fields(line); len(f) != 3 || string(f[2]) != name {
			rest = append(rest, line...)
		}
	}
	f, err := os.CreateTemp(dir, approversFile+".")
	if err != nil {
		return fmt.Errorf("gate: %w", err)
	}
	_, err = f.Write(rest)
	if err = errors.Join(err, f.Chmod(owners.ListMode()), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("gate: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// roster reads the list of dir when its file has changed.
type roster struct {
	dir  string
	was  os.FileInfo
	list []state.Approver
	read bool
}

func (r *roster) approvers() ([]state.Approver, error) {
	fi, err := os.Lstat(filepath.Join(r.dir, approversFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if r.read && sameFile(fi, r.was) {
		return r.list, nil
	}
	list, err := Approvers(r.dir)
	if err != nil {
		return nil, err
	}
	r.list, r.was, r.read = list, fi, true
	return list, nil
}

func sameFile(a, b os.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && a.Mode() == b.Mode()
}
