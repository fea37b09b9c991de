//go:build !linux

package postgres

import "syscall"

func boot() string { return "" }

func started(int) string { return "-" }

func running(int, string) (alive, known bool) { return true, false }

func impatient(string, string, syscall.RawConn) error { return nil }
