package mcpadapter

import "runtime/debug"

// Version returns the version of the running program's main module, as the Go
// toolchain recorded it: "v1.2.3" after go install, "(devel)" from a checkout.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
