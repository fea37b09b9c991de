package filestore

import "syscall"

// remote returns the kind of file system that dir lies on if it is one that is
// shared over a network, where a lock may hold nobody out.
func remote(dir string) (string, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "", err
	}
	return networkFS[uint32(st.Type)], nil //nolint:unconvert // its type differs by architecture
}

// networkFS holds the magic numbers of statfs(2).
var networkFS = map[uint32]string{
	0x6969:     "NFS",
	0x517b:     "SMB",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB2",
	0x5346414f: "AFS",
	0x73757245: "Coda",
	0x564c:     "NCP",
	0x00c36400: "Ceph",
	0x01021997: "9P",
	0x65735546: "FUSE",
	0x0bd00bd0: "Lustre",
	0x47504653: "GPFS",
	0xaad7aaea: "PanFS",
	0x19830326: "FhGFS",
}
