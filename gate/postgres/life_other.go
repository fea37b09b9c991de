//go:build !linux

package postgres

func boot() string { return "" }

func started(int) string { return "-" }

func running(int, string) (alive, known bool) { return true, false }
