package gate

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base32"
	"encoding/pem"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/state"
)

// Names that tests use often.
const (
	journalFile   = filestore.LiveFile
	nextFile      = filestore.NextFile
	approversFile = "approvers"
	rotates       = filestore.Rotates
	maxEvent      = journal.MaxEvent
	receiptWindow = state.ReceiptWindow
	maxExecution  = state.MaxExecution
	maxGrant      = state.MaxGrant
	maxSkew       = journal.MaxSkew
	leftDetail    = state.LeftDetail
	clientName    = state.ClientName
)

var (
	kinds       = state.Kinds()
	encodeEvent = state.Encode
	closed      = filestore.Closed
	segmentName = filestore.SegmentName
	checkName   = state.CheckName
	digest      = state.Digest
)

func decodeEvent(line []byte) (Event, error) {
	l, err := state.Format.Parse(line)
	if err != nil {
		return Event{}, err
	}
	return state.Decode(l), nil
}

// stores are the folders of the journals that tests opened.
var stores sync.Map

// files returns the folder behind j, where a test watches what it does.
func files(j *Journal) *filestore.Store {
	s, _ := stores.Load(j)
	return s.(*filestore.Store)
}

func openJournal(dir string, fixed []Approver, client *Signer, now func() time.Time) (*Journal, error) {
	s, err := filestore.Open(dir, filestore.Owners{})
	if err != nil {
		return nil, err
	}
	j := journal.In(dir, s, journal.Options{Approvers: fixed, Client: client, Now: now})
	stores.Store(j, s)
	return j, nil
}

// hold keeps the journal in dir locked until release is called.
func hold(dir string) (release func()) {
	s := must(filestore.Open(dir, filestore.Owners{}))
	tx := must(s.Begin())
	return func() { tx.End(); s.Close() }
}

func newID() string {
	var b [5]byte
	rand.Read(b[:])
	return "P-" + base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding).EncodeToString(b[:])
}

// seed returns the secret of a key.
func seed(s *Signer) []byte {
	file := filepath.Join(must(os.MkdirTemp("", "seed")), "k")
	defer os.RemoveAll(filepath.Dir(file))
	must(0, s.Save(file))
	block, _ := pem.Decode(must(os.ReadFile(file)))
	return must(x509.ParsePKCS8PrivateKey(block.Bytes)).(ed25519.PrivateKey).Seed()
}

// twin returns a signer with the key of s under another name.
func twin(t testing.TB, s *Signer, name string) *Signer {
	t.Helper()
	return must(SignerFrom(name, ed25519.NewKeyFromSeed(seed(s))))
}
