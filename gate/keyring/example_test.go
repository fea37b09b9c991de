package keyring_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/keyring"
)

// What "gate init" does: the key stays with the approver, the public half goes to
// the servers' state directory.
func Example() {
	dir, err := os.MkdirTemp("", "keyring-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "approver.key")

	alice, err := keyring.Create(file, "alice", []byte("correct horse battery"))
	if err != nil {
		log.Fatal(err)
	}
	if err := gate.AddApprover(filepath.Join(dir, "state"), alice.Approver()); err != nil {
		log.Fatal(err)
	}

	again, err := keyring.Open(file, func() ([]byte, error) { return []byte("correct horse battery"), nil })
	if err != nil {
		log.Fatal(err)
	}
	_, wrong := keyring.Open(file, func() ([]byte, error) { return []byte("wrong"), nil })
	fmt.Println(again.Name, wrong != nil)
	// Output: alice true
}
