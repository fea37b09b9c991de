package gate

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base32"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sallyport-soc/sallyport/gate/internal/filestore"
	"github.com/sallyport-soc/sallyport/gate/internal/pgtest"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/postgres"
	"github.com/sallyport-soc/sallyport/gate/state"
)

// Names that tests use often.
const (
	journalFile   = filestore.LiveFile
	nextFile      = filestore.NextFile
	approversFile = "approvers"
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
	shown       = journal.Shown
	rotates     = filestore.Rotates && !onDatabase
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
	o := journal.Options{Approvers: fixed, Client: client, Now: now}
	if journal.IsAddress(dir) {
		s, err := postgres.Open(dir)
		if err != nil {
			return nil, err
		}
		return journal.New(s, o), nil
	}
	s, err := filestore.Open(dir, filestore.Owners{})
	if err != nil {
		return nil, err
	}
	j := journal.In(dir, s, o)
	stores.Store(j, s)
	return j, nil
}

// hold keeps the journal in dir locked until release is called.
func hold(dir string) (release func()) {
	s := must(filestore.Open(dir, filestore.Owners{}))
	tx := must(s.Begin())
	return func() { tx.End(); s.Close() }
}

// What this package promises holds for a journal in a database too. With this variable
// set, all of its tests run on one; those that are about files skip.
const storeVariable = "GATE_TEST_STORE"

var (
	onDatabase = os.Getenv(storeVariable) == "postgres"
	database   pgtest.Shared
)

// newState returns a state that nobody has used.
func newState(t testing.TB) string {
	t.Helper()
	if onDatabase {
		return database.Server(t).State("")
	}
	return filepath.Join(t.TempDir(), "state")
}

// folder is the state, for a test that is about its files.
func (w *world) folder() string {
	if onDatabase {
		w.t.Skip("it is about files")
	}
	return w.dir
}

func (w *world) files(j *Journal) *filestore.Store {
	w.folder()
	return files(j)
}

// roll is the list of approvers.
func (w *world) roll() journal.Roll {
	w.t.Helper()
	if !journal.IsAddress(w.dir) {
		return journal.List(w.dir)
	}
	s := must(postgres.Open(w.dir))
	w.t.Cleanup(func() { s.Close() })
	return s.(journal.Roll)
}

func (w *world) enrol(a Approver) error { return w.roll().AddApprover(a) }

func (w *world) events() iter.Seq2[Event, error] {
	if !onDatabase {
		return Events(w.dir)
	}
	return w.journal().Events()
}

func (w *world) verify() (*Report, error) {
	if !onDatabase {
		return Verify(w.dir, nil)
	}
	return w.journal().Verify(nil, false)
}

// The promises that are kept by the journal and its store together, over the other store.
func TestTheGateKeepsItsWordOnADatabase(t *testing.T) {
	if onDatabase || testing.Short() {
		t.Skip("all tests run on one")
	}
	database.Server(t) // or skip, saying why
	cmd := exec.Command(os.Args[0], "-test.run", "^("+strings.Join([]string{
		"TestAFreezeHoldsForEveryReaderWhoeverIsEnrolledByThen", "TestAResetHoldsForEveryReader", "TestAnApprovalIsSpentOnceByManyGoroutines",
		"TestACallThatNeedsNoApprovalRunsOnceUnderARace", "TestWhatOneServerShowsTaintsTheWordGivenToAnother", "TestWhoIsStruckOffNoLongerCounts",
		"TestAClockThatWasAheadIsSetRightByAnApprover", "TestARepeatedCallIsANewOneOnceItsTargetWasActedOn", "TestTheTailIsTheEndOfTheChain",
		"TestAFreezeStopsWritesAndTheNextRequestOfARunningOne", "TestWhoWaitsMissesNothingThatItsProcessReadMeanwhile", "TestWhatIsBehindAnEventIsReadWithoutTheRest", "TestUnfreezeNeedsAnEnrolledKeyAndThisFreeze", "TestTheJournalIsThere",
	}, "|")+")$")
	cmd.Env = append(os.Environ(), storeVariable+"=postgres")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// insert adds a line as somebody who can write the database would.
func (w *world) insert(line []byte, kind, id string) {
	s := must(postgres.Open(w.dir))
	defer s.Close()
	tx := must(s.Begin())
	defer tx.End()
	for _, err := range tx.After(0, "") {
		must(0, err)
	}
	must(0, tx.Append(line, kind, id))
	if err := tx.Commit(); err != nil {
		w.t.Skip("a database doesn't even take it:", err)
	}
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
	return must(ssh.ParseRawPrivateKey(must(os.ReadFile(file)))).(*ed25519.PrivateKey).Seed()
}

// twin returns a signer with the key of s under another name.
func twin(t testing.TB, s *Signer, name string) *Signer {
	t.Helper()
	return must(SignerFrom(name, ed25519.NewKeyFromSeed(seed(s))))
}
