//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport-soc/sallyport/gate"
)

// Who runs what here, each with a first group of their own, and the group they share.
const (
	serverUID   = 4242
	approverUID = 4243
	strangerUID = 4244
	groupID     = 4240
)

// child makes the test binary a process of another user: it holds what that is to do.
const child = "GATE_TEST_CHILD"

// An errand is what a process of another user does: a gate command, or as many writes
// of a server as Writes says, after which it tells what became of the last.
type errand struct {
	State, Key, Typed string
	Gate              []string
	Writes            int
	About             string // by which one write differs from another
	Approval          gate.Approval
}

func TestMain(m *testing.M) {
	text := os.Getenv(child)
	if text == "" {
		os.Exit(m.Run())
	}
	var e errand
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		panic(err)
	}
	syscall.Umask(0o077) // as careful users have it
	if e.Writes == 0 {
		a := &app{stdin: strings.NewReader(e.Typed), stdout: os.Stdout, stderr: os.Stderr, env: os.Getenv, terminal: true}
		os.Exit(a.run(append(e.Gate, "-state", e.State, "-key", e.Key)))
	}
	fmt.Println(e.write())
}

func (e errand) write() string {
	g, err := gate.New(gate.Policy{Max: gate.TierWrite, Approval: e.Approval, Dir: e.State, Budget: gate.Budget{Writes: -1}})
	if err != nil {
		return err.Error()
	}
	defer g.Close()
	op := gate.Write("note", func(context.Context, deletion) (string, error) { return "noted", nil }, "Take a note.")
	var res *gate.Result
	for i := range e.Writes {
		var refused *gate.RefusedError
		in := deletion{ID: e.About + strconv.Itoa(i)}
		switch res, err = op.Do(context.Background(), g, &in); {
		case errors.As(err, &refused):
			return fmt.Sprint(refused.Reason, " ", refused.Err)
		case err != nil:
			return err.Error()
		}
	}
	return fmt.Sprint(res.State, " ", res.Proposal.ID)
}

var code = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

func TestServersAndApproverAreTwoUsers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start processes of two other users")
	}
	for name, first := range map[string]int{"the servers made the folder": serverUID, "the approver made the folder": approverUID} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			top, err := os.MkdirTemp("", "two-users-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(top) })
			folder := func(name string, uid int, mode os.FileMode) string {
				dir := filepath.Join(top, name)
				if err := errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, uid, groupID), os.Chmod(dir, mode)); err != nil {
					t.Fatal(err)
				}
				return dir
			}
			self, err := os.ReadFile(os.Args[0])
			bin := filepath.Join(top, "gate.test")
			if err = errors.Join(err, os.WriteFile(bin, self, 0o755), os.Chmod(top, 0o755)); err != nil { //nolint:gosec // others run it
				t.Fatal(err)
			}
			state := folder("state", first, 0o770|os.ModeSetgid)
			key := filepath.Join(folder("home", approverUID, 0o700), "approver.key")
			run := func(uid, other int, e errand) string {
				e.State, e.Key = state, key
				text, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				cmd := exec.Command(bin)
				cmd.Dir, cmd.Env = "/", []string{child + "=" + string(text), "HOME=" + top, "PATH=" + os.Getenv("PATH")}
				if other != 0 {
					cmd.Env = append(cmd.Env, "SALLYPORT_OTHER_USER="+strconv.Itoa(other))
				}
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid), Groups: []uint32{groupID}}}
				out, _ := cmd.CombinedOutput()
				return string(out)
			}
			server := func(e errand) string { return run(serverUID, approverUID, e) }
			approver := func(typed string, args ...string) string {
				return run(approverUID, serverUID, errand{Typed: typed, Gate: args})
			}
			wants := func(got, want string) {
				t.Helper()
				if !strings.Contains(got, want) {
					t.Fatalf("%q is not in: %s", want, got)
				}
			}
			if first == serverUID {
				wants(server(errand{Writes: 1, About: "first", Approval: gate.ApprovalHost}), "executed")
			}
			wants(approver("", "init", "-name", "alice", "-no-passphrase"), "Enrolled")
			waits := server(errand{Writes: 1})
			wants(waits, "pending P-")
			id := strings.Fields(waits)[1]
			wants(approver("", "pending"), id)
			screen := approver("", "show", id)
			digest := code.FindString(screen)
			if digest == "" {
				t.Fatalf("no digest on the screen: %s", screen)
			}
			wants(approver(digest[:6]+"\n", "approve", id), "Approved")
			wants(server(errand{Writes: 1}), "executed "+id)

			wants(approver("", "freeze", "-reason", "drill"), "frozen")
			wants(server(errand{Writes: 1, About: "frozen", Approval: gate.ApprovalHost}), "frozen")
			wants(approver("", "unfreeze"), "")
			// More than one snapshot takes, then a new segment, by either of them.
			wants(server(errand{Writes: 135, About: "many", Approval: gate.ApprovalHost}), "executed")
			wants(approver("", "rotate"), "")
			wants(server(errand{Writes: 5, About: "more", Approval: gate.ApprovalHost}), "executed")
			wants(approver("", "status"), "frozen     false")
			wants(approver("", "verify"), "holds")
			wants(approver("", "checkpoint"), "Vouched")

			wants(run(strangerUID, 0, errand{Gate: []string{"status"}}), "writable by its group")
			wants(run(strangerUID, serverUID, errand{Writes: 1}), "journal_failure")
			wants(run(approverUID, 0, errand{Gate: []string{"status"}}), "SALLYPORT_OTHER_USER")
			if fi, err := os.Stat(state); err != nil || fi.Mode().Perm() != 0o770 {
				t.Errorf("the folder: %v, %v", fi.Mode(), err)
			}
			for _, name := range []string{"journal.jsonl", "snapshot.json", "approvers"} {
				if fi, err := os.Stat(filepath.Join(state, name)); err != nil || fi.Mode().Perm()&0o007 != 0 {
					t.Errorf("%s: %v, %v", name, fi.Mode(), err)
				}
			}
		})
	}
}
