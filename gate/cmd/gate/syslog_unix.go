//go:build unix

package main

import (
	"io"
	"log/syslog"
)

func openSyslog() (io.WriteCloser, error) {
	return syslog.New(syslog.LOG_NOTICE|syslog.LOG_AUTHPRIV, "sallyport")
}
