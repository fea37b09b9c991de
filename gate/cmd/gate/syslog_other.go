//go:build !unix

package main

import (
	"errors"
	"io"
)

func openSyslog(string, string) (io.WriteCloser, error) {
	return nil, errors.New("there is no system log here: export to a file")
}
