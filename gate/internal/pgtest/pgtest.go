// Package pgtest starts a PostgreSQL server for tests, from what is installed.
package pgtest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// A Server is one database cluster, listening on a port of 127.0.0.1.
type Server struct {
	Addr string // HOST:PORT

	bin, dir string
	schemas  atomic.Int64
	reaper   *exec.Cmd      // ends the server when this process is killed, or panics
	held     io.WriteCloser // what it reads
}

// ErrAbsent means that there is no PostgreSQL to start here, or nobody to start it as.
var ErrAbsent = errors.New("no PostgreSQL")

// Start starts a server, which Stop ends. It never runs as root: then it is started as
// the user postgres or nobody.
func Start() (s *Server, err error) {
	s = &Server{}
	if s.bin, err = find(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "pgtest-"); err != nil {
		return nil, err
	}
	if s.dir, err = filepath.EvalSymlinks(s.dir); err == nil {
		err = s.own()
	}
	if err == nil {
		err = s.run("initdb", "--no-sync", "-A", "trust", "-E", "UTF8", "--no-locale", "-U", User, "-D", s.data())
	}
	if err == nil {
		err = s.reap()
	}
	if err == nil {
		err = s.listen()
	}
	if err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// reap has the server end, and its files go, however this process ends.
func (s *Server) reap() (err error) {
	stop, err := s.command("pg_ctl", "stop", "-m", "immediate", "-D", s.data())
	if err != nil || runtime.GOOS == "windows" {
		return err
	}
	s.reaper = exec.Command("sh", append([]string{"-c", `read -r _; "$@" >/dev/null 2>&1; rm -rf "$0"`, s.dir}, stop...)...)
	s.reaper.Dir = os.TempDir()
	if s.held, err = s.reaper.StdinPipe(); err == nil {
		err = s.reaper.Start()
	}
	if err != nil {
		s.reaper = nil
	}
	return err
}

// User may do everything in the database "postgres".
const User = "sallyport"

// find returns the folder of the server's programs: what the path says, or else the
// newest that a package of Debian's has put aside.
func find() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	version := func(dir string) float64 {
		n, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
		return n
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	if f, err := exec.LookPath("pg_ctl"); err == nil {
		if f, err = filepath.EvalSymlinks(f); err == nil {
			dirs = slices.Insert(dirs, 0, filepath.Dir(f))
		}
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("%w: neither pg_ctl nor /usr/lib/postgresql/*/bin is there", ErrAbsent)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// account is whom the server runs as if this is root, and PostgreSQL refuses to.
func account() (*user.User, error) {
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return u, nil
		}
	}
	return nil, fmt.Errorf("%w: it doesn't run as root, and there is no user postgres or nobody", ErrAbsent)
}

// own hands the folder to whom the server runs as.
func (s *Server) own() error {
	if runtime.GOOS == "windows" || os.Getuid() != 0 {
		return nil
	}
	u, err := account()
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	return os.Chown(s.dir, uid, gid)
}

// command is a program of the server, run by whom it may be run by.
func (s *Server) command(name string, args ...string) ([]string, error) {
	args = append([]string{filepath.Join(s.bin, name)}, args...)
	if runtime.GOOS == "windows" || os.Getuid() != 0 {
		return args, nil
	}
	u, err := account()
	if err != nil {
		return nil, err
	}
	as, err := exec.LookPath("setpriv")
	if err != nil {
		return nil, fmt.Errorf("%w: it doesn't run as root, and there is no setpriv to run it as %s", ErrAbsent, u.Username)
	}
	return append([]string{as, "--reuid", u.Uid, "--regid", u.Gid, "--clear-groups", "--"}, args...), nil
}

func (s *Server) run(name string, args ...string) error {
	args, err := s.command(name, args...)
	if err != nil {
		return err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), "LC_ALL=C")
	out, err := os.Create(filepath.Join(s.dir, name+".out")) // a pipe would be held open by the server
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
		return fmt.Errorf("%s: %w: %s%s", name, err, said, log[max(0, len(log)-4096):])
	}
	return nil
}

// listen starts the server on a port that is free, and stays with it. It is none that the
// system gives to whoever connects: while the server is down, nobody takes it.
func (s *Server) listen() error {
	var err error
	for range 20 { // somebody else may be faster
		s.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(15000+rand.IntN(15000)))
		var ln net.Listener
		if ln, err = net.Listen("tcp", s.Addr); err != nil {
			continue
		}
		ln.Close()
		if err = s.Restart(); err == nil {
			return nil
		}
	}
	return err
}

// patience is how many seconds the server has for a start or an end, whatever else the
// machine does.
const patience = "300"

// Restart starts a server that Kill ended.
func (s *Server) Restart() error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	return s.run("pg_ctl", "start", "-w", "-t", patience, "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-o",
		fmt.Sprintf("-k '%s' -h 127.0.0.1 -p %s -c max_connections=500 -c shared_buffers=16MB", s.dir, port))
}

// Kill ends the server as a crash would: what it had promised is in its files, and no more.
func (s *Server) Kill() error {
	return s.run("pg_ctl", "stop", "-w", "-t", patience, "-m", "immediate", "-D", s.data())
}

// Stop ends the server and removes its files.
func (s *Server) Stop() error {
	var err error
	if s.Addr != "" {
		err = s.Kill()
	}
	err = errors.Join(err, os.RemoveAll(s.dir))
	if s.reaper != nil {
		err = errors.Join(err, s.held.Close(), s.reaper.Wait())
	}
	return err
}

// State returns the address of a journal that nobody has used, through addr, or the
// server's own if that is empty.
func (s *Server) State(addr string) string {
	if addr == "" {
		addr = s.Addr
	}
	u := url.URL{Scheme: "postgres", User: url.User(User), Host: addr, Path: "postgres",
		RawQuery: "sslmode=disable&schema=" + fmt.Sprintf("state%d", s.schemas.Add(1))}
	return u.String()
}

// Socket is State by a socket of this machine, where it has those.
func (s *Server) Socket() string {
	if runtime.GOOS == "windows" {
		return s.State("")
	}
	_, port, _ := net.SplitHostPort(s.Addr)
	u := url.URL{Scheme: "postgres", User: url.User(User), Host: ":" + port, Path: "postgres",
		RawQuery: url.Values{"host": {s.dir}, "schema": {fmt.Sprintf("state%d", s.schemas.Add(1))}}.Encode()}
	return u.String()
}

// Shared is the server that all tests of a package use.
type Shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Stop ends the server, if a test has started it.
func (h *Shared) Stop() error {
	if h.server == nil {
		return nil
	}
	return h.server.Stop()
}

// Server returns the server, starting it for the first test that asks; a test skips
// where there is no PostgreSQL.
func (h *Shared) Server(t testing.TB) *Server {
	t.Helper()
	h.once.Do(func() { h.server, h.err = Start() })
	switch {
	case errors.Is(h.err, ErrAbsent):
		t.Skip(strings.TrimSpace(h.err.Error()))
	case h.err != nil:
		t.Fatal(h.err)
	}
	return h.server
}
