package filestore

import "testing"

func TestNetworkFileSystemsAreKnown(t *testing.T) {
	for magic, want := range map[uint32]string{0x6969: "NFS", 0xff534d42: "CIFS", 0xef53: "", 0x01021994: ""} {
		if got := networkFS[magic]; got != want {
			t.Errorf("%#x: %q, want %q", magic, got, want)
		}
	}
}
