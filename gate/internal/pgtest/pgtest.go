// Package pgtest starts a PostgreSQL server for tests, from what is installed.
package pgtest

import (
	"errors"
	"fmt"
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
		err = s.listen()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// User may do everything in the database "postgres".
const User = "sallyport"

// find returns the folder of the server's programs.
func find() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Reverse(dirs)
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

func (s *Server) run(name string, args ...string) error {
	args = append([]string{filepath.Join(s.bin, name)}, args...)
	if runtime.GOOS != "windows" && os.Getuid() == 0 {
		u, err := account()
		if err != nil {
			return err
		}
		args = append([]string{"setpriv", "--reuid", u.Uid, "--regid", u.Gid, "--clear-groups", "--"}, args...)
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
		return fmt.Errorf("%s: %w: %s%s", name, err, said, log)
	}
	return nil
}

// listen starts the server on a port that is free, and stays with it.
func (s *Server) listen() error {
	var err error
	for range 5 { // somebody else may be faster
		var ln net.Listener
		if ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
		s.Addr = ln.Addr().String()
		ln.Close()
		if err = s.Restart(); err == nil {
			return nil
		}
	}
	return err
}

// Restart starts a server that Kill ended.
func (s *Server) Restart() error {
	_, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		return err
	}
	return s.run("pg_ctl", "start", "-w", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-o",
		fmt.Sprintf("-k '' -h 127.0.0.1 -p %s -c max_connections=500 -c shared_buffers=16MB", port))
}

// Kill ends the server as a crash would: what it had promised is in its files, and no more.
func (s *Server) Kill() error {
	return s.run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", s.data())
}

// Stop ends the server and removes its files.
func (s *Server) Stop() error { return errors.Join(s.Kill(), os.RemoveAll(s.dir)) }

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
