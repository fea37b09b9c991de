//go:build unix

package main

import (
	"fmt"
	"io"
	"log/syslog"
)

// openSyslog connects to the system log at addr, or to this host's if network is empty.
func openSyslog(network, addr string) (io.WriteCloser, error) {
	if network == "udp" || network == "tcp" || network == "" && addr == "" {
		return syslog.Dial(network, addr, syslog.LOG_NOTICE|syslog.LOG_AUTHPRIV, "sallyport")
	}
	return nil, fmt.Errorf("a system log over %q: want udp or tcp", network)
}
