// Package version knows which version of the module runs.
package version

import "runtime/debug"

// release is set by the linker in a release.
var release string

// Running returns the version of the running program: that of the release, or
// that of its main module as the Go toolchain recorded it, "v1.2.3" after go
// install and "(devel)" from a checkout.
func Running() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
