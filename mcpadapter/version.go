package mcpadapter

import "runtime/debug"

// version is set by the linker in a release.
var version string

// Version returns the version of the running program: that of the release, or
// that of its main module as the Go toolchain recorded it, "v1.2.3" after go
// install and "(devel)" from a checkout.
func Version() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
