// Package trusted reads files that say who may do what: nobody but the user and
// root may have written them.
package trusted

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Read returns what is in a regular file of at most limit bytes that only this
// user and root could have written.
func Read(file string, limit int64) ([]byte, error) {
	if fi, err := os.Stat(file); err == nil && !fi.Mode().IsRegular() {
		return nil, errIrregular // before it is opened, which can take for ever
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, errIrregular
	}
	if err := Check(file, fi); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, fmt.Errorf("more than %d bytes", limit)
	}
	return b, err
}

var errIrregular = errors.New("not a regular file")
