//go:build !linux && !darwin

package gate

import "testing"

func onAFullDisk(string) {}

func TestAFullDiskLosesNothingAndRunsNothing(t *testing.T) {
	t.Skip("a process can't limit the size of its files here: a full disk isn't tested")
}
