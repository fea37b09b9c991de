package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// FileError returns err, of reading the file that a setting names. What names no file and
// is no path from the root may be what should stand in the file, so that it isn't shown.
func FileError(file string, err error) error {
	var named *fs.PathError
	if filepath.IsAbs(file) || !errors.As(err, &named) {
		return err
	}
	return errors.New("want the path of a file, from the root, that is there")
}

const maxSecret = 64 << 10

// ReadSecret returns the one line of a file, and a warning if others can read
// it. A file that others can write is refused: they would choose the credential.
func ReadSecret(file string) (secret, warning string, err error) {
	fi, err := os.Stat(file)
	switch {
	case err != nil:
		return "", "", FileError(file, err)
	case !fi.Mode().IsRegular():
		return "", "", fmt.Errorf("%s is not a regular file", file)
	}
	if runtime.GOOS != "windows" {
		switch perm := fi.Mode().Perm(); {
		case perm&0o002 != 0:
			return "", "", fmt.Errorf("%s can be written by everybody (%s): chmod 600 it", file, perm)
		case perm&0o044 != 0:
			warning = fmt.Sprintf("%s can be read by others than its owner (%s); chmod 600 it, or mount it so", file, perm)
		}
	}
	f, err := os.Open(file)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", "", err
	}
	secret = strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff"))
	switch {
	case len(b) > maxSecret:
		return "", "", fmt.Errorf("%s has more than %d bytes", file, maxSecret)
	case secret == "":
		return "", "", fmt.Errorf("%s is empty", file)
	case strings.ContainsAny(secret, "\r\n\x00"):
		return "", "", errors.New(file + " holds more than one line")
	}
	return secret, warning, nil
}
