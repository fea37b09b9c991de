// Command gate is the operator's side of the gate: it shows what agents want to
// change, and approves or denies it with a key that they can't reach.
//
// Run "gate help" for its commands. It exits with 0 when done, 1 when it refused
// or failed, and 2 when it was called wrongly.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/term"

	"github.com/sallyport-soc/sallyport/gate"
	"github.com/sallyport-soc/sallyport/gate/journal"
	"github.com/sallyport-soc/sallyport/gate/keyring"
	"github.com/sallyport-soc/sallyport/internal/completion"
	"github.com/sallyport-soc/sallyport/internal/nearest"
	"github.com/sallyport-soc/sallyport/internal/settings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)) }

// The exit codes.
const (
	exitOK = iota
	exitFailed
	exitUsage
)

// run executes one command line and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, env: env, terminal: isTerminal(stdin)}
	return a.run(args)
}

type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) string
	terminal       bool // a person sits at stdin
	lines          *bufio.Reader
	typed          func(question string) ([]byte, error) // types a passphrase in a test
}

// secret asks a question on the terminal and doesn't show what is typed.
func (a *app) secret(question string) ([]byte, error) {
	if a.typed != nil {
		return a.typed(question)
	}
	f, ok := a.stdin.(*os.File)
	if !ok || !a.terminal {
		return nil, errors.New("there is no terminal to type a passphrase at")
	}
	fmt.Fprint(a.stderr, question)
	b, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(a.stderr)
	return b, err
}

// isTerminal reports whether r is a terminal, which a pipe and /dev/null aren't.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// A command is one subcommand. Its flags are set up by flags, which returns
// what to do once they're parsed.
type command struct {
	name  string
	arg   string // the arguments it takes, if any
	doc   string
	flags func(a *app, fs *flag.FlagSet) func(c *call) error
	more  string // what else a newcomer must know, and how it is typed
}

// A call is one use of a command.
type call struct {
	*app
	state, key string
	noKey      error // why there is no place for a key, which most commands don't need
	agent      bool  // the key is held by ssh-agent
	arg        string
	args       []string
}

func commands() []command {
	return []command{
		{"init", "", "make an approver key and enrol its public half", initialise, "Begin here. The key is made once, with a passphrase, and stays with you; the servers only know its public half.\n\n  gate init\n  gate init -name alice -state /var/lib/sallyport"},
		{"pending", "", "list the proposals that wait for an approver", pending, ""},
		{"show", "P", "show one proposal as an approver decides on it", show, "  gate show P-7Q2M4X9A"},
		{"approve", "P", "show a proposal, ask for proof that it was read, sign it", approve, "On a terminal it asks you to type the first characters of the digest, or for a destructive operation the name of its first target.\n\n  gate approve P-7Q2M4X9A\n  gate approve P-7Q2M4X9A -code 3f9c1a"},
		{"deny", "P", "deny a proposal, or take back an approval that isn't spent", deny, "  gate deny P-7Q2M4X9A -reason 'the host is a domain controller'"},
		{"replay", "P", "put an old proposal up again, as a new one", replay, "It needs an approval of its own. The agent then makes the call again.\n\n  gate replay P-7Q2M4X9A"},
		{"resolve", "P OUTCOME", "say how an unknown outcome was: executed or failed (signed)", resolve, "Look at the platform first: nobody else can tell.\n\n  gate resolve P-7Q2M4X9A executed"},
		{"grant", "P", "approve more calls like a proposal, on the same target, for a while (signed)", grant, "  gate grant P-7Q2M4X9A -count 10 -for 2h"},
		{"revoke", "G", "end a standing approval", revoke, "gate status lists the standing approvals.\n\n  gate revoke G-7Q2M4X9A"},
		{"freeze", "", "stop all writes of all servers; reads go on", freeze, "Anybody may, without a key.\n\n  gate freeze -reason 'incident 4711'"},
		{"unfreeze", "", "end the freeze (signed)", unfreeze, ""},
		{"reset", "", "close the breaker after it stopped all writes (signed)", reset, ""},
		{"enrol", "FILE", "enrol another approver by a public key of OpenSSH", enrol, "  gate enrol ~/.ssh/id_ed25519.pub"},
		{"strike", "NAME", "take an approver off the list", strike, "What they have signed and wasn't spent counts for nothing from then on.\n\n  gate strike alice"},
		{"adopt", "", "take over a state folder that was copied or moved (signed)", adopt, "Only if the original isn't used any more: an approval that was spent there would be spent again. What waited is void."},
		{"migrate", "ADDRESS", "move a state folder into the database at an address (signed)", migrate, "End the servers first. The folder stays frozen. If it breaks off, run it again.\n\n  gate migrate postgres://gate_owner@db.example/sallyport"},
		{"clock", "", "say that this clock is right though the journal is ahead (signed)", setClock, ""},
		{"log", "", "list the events of the journal", list, "  gate log -n 50\n  gate log -follow -json\n  gate log -export /mnt/elsewhere/journal"},
		{"verify", "", "walk the hash chain of the journal, offline", verify, "  gate verify -replay\n  gate verify -anchor /mnt/elsewhere/journal"},
		{"checkpoint", "", "vouch for the journal so far (signed)", checkpoint, ""},
		{"rotate", "", "begin a new segment of the journal", rotate, ""},
		{"status", "", "show how the gate stands", status, ""},
		serveCommand(),
		{"completion", "SHELL", "print a script that completes this command in " + strings.Join(completion.Shells, ", "), complete, "  gate completion bash >/etc/bash_completion.d/gate"},
	}
}

// arguments says what the arguments of commands are.
var arguments = map[string]string{
	"P":         "P is the id of a proposal, as gate pending lists it.",
	"P OUTCOME": "P is the id of a proposal, as gate status lists it; OUTCOME is executed or failed.",
	"G":         "G is the id of a standing approval.",
}

// usageError is a mistake in the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

// errShown stands for an error that the flag package has printed already.
var errShown = errors.New("shown")

func (a *app) run(args []string) int {
	err := a.dispatch(args)
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitOK
	case errors.Is(err, errShown):
		return exitUsage
	case errors.As(err, &usage):
		fmt.Fprintln(a.stderr, "gate:", gate.Escape(err.Error()))
		return exitUsage
	}
	fmt.Fprintln(a.stderr, "gate:", gate.Escape(strings.TrimPrefix(err.Error(), "gate: ")))
	return exitFailed
}

func (a *app) dispatch(args []string) error {
	if len(args) == 0 {
		a.help(a.stderr)
		return errShown
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) == 1 {
			a.help(a.stdout)
			return nil
		}
		args = []string{args[1], "-h"}
	}
	for _, cmd := range commands() {
		if cmd.name == args[0] {
			return a.call(cmd, args[1:])
		}
	}
	return usageError(fmt.Sprintf("no command %q%s: run gate help", journal.Shown(args[0]), meant(args[0])))
}

// meant asks whether a mistyped command is one that is a letter or two away.
func meant(typed string) string {
	var names []string
	for _, cmd := range commands() {
		names = append(names, cmd.name)
	}
	best := nearest.Word(typed, 2, slices.Values(names))
	if best == "" {
		return ""
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

func (a *app) help(w io.Writer) {
	fmt.Fprint(w, "gate approves what agents want to change.\n\n")
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  gate %-17s %s\n", strings.TrimSpace(cmd.name+" "+cmd.arg), cmd.doc)
	}
	fmt.Fprint(w, "\nBegin with gate init. P is the id of a proposal, as gate pending lists it, and G that of a standing approval.\nA command marked signed asks for the passphrase of your key.\n\nEvery command takes -state, a folder or the address of a database; gate COMMAND -h lists its flags.\nExit codes: 0 done; 1 refused or failed; 2 wrong use.\n\nSettings, in the environment:\n")
	for _, s := range settings.Gate().Settings {
		fmt.Fprintf(w, "  %-22s %s\n", s.Name, s.Help())
	}
}

// complete prints a script for a shell.
func complete(*app, *flag.FlagSet) func(*call) error {
	return func(c *call) error {
		p := completion.Program{Name: "gate", Commands: map[string][]string{"help": nil}}
		for _, cmd := range commands() {
			fs, _, _ := c.flags(cmd)
			p.Commands[cmd.name] = completion.Flags(fs)
			p.Commands["help"] = append(p.Commands["help"], cmd.name)
		}
		p.Commands["completion"] = append(p.Commands["completion"], completion.Shells...)
		script := p.Script(c.arg)
		if script == "" {
			return usageError(fmt.Sprintf("completion takes one of %s, got %q", strings.Join(completion.Shells, ", "), c.arg))
		}
		fmt.Fprint(c.stdout, script)
		return nil
	}
}

// flags returns the flags of cmd, the call that they fill in, and what it does.
func (a *app) flags(cmd command) (*flag.FlagSet, *call, func(*call) error) {
	fs := flag.NewFlagSet("gate "+cmd.name, flag.ContinueOnError)
	c := &call{app: a}
	fs.StringVar(&c.state, "state", "", "the state: a `DIR`, or the address of a database, postgres://… (default: $SALLYPORT_STATE, or sallyport in the user's state directory)")
	fs.StringVar(&c.key, "key", "", "the approver's key `FILE` (default: sallyport/approver.key in the user's configuration directory)")
	fs.BoolVar(&c.agent, "agent", false, "sign with the approver's key that ssh-agent holds")
	return fs, c, cmd.flags(a, fs)
}

// call parses the flags of cmd, which may stand before and after its argument,
// and runs it.
func (a *app) call(cmd command, args []string) error {
	fs, c, do := a.flags(cmd)
	fs.SetOutput(a.stderr)
	fs.Usage = func() {
		fmt.Fprintf(fs.Output(), "gate %s: %s\n\n", strings.TrimSpace(cmd.name+" "+cmd.arg), cmd.doc)
		for _, text := range []string{arguments[cmd.arg], cmd.more} {
			if text != "" {
				fmt.Fprintf(fs.Output(), "%s\n\n", text)
			}
		}
		fmt.Fprint(fs.Output(), "Flags:\n")
		fs.PrintDefaults()
	}
	if slices.ContainsFunc(args, func(s string) bool { return s == "-h" || s == "-help" || s == "--help" }) {
		fs.SetOutput(a.stdout) // it was asked for
	}

	var given []string
	for {
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			return err
		} else if err != nil {
			if meant := completion.Meant(fs, err); meant != "" {
				fmt.Fprintln(a.stderr, meant)
			}
			return errShown
		}
		if fs.NArg() == 0 {
			break
		}
		given, args = append(given, fs.Arg(0)), fs.Args()[1:]
	}
	switch {
	case cmd.arg == "" && len(given) > 0:
		return usageError(fmt.Sprintf("%s takes no argument, got %q", cmd.name, journal.Shown(given[0])))
	case len(given) != len(strings.Fields(cmd.arg)):
		return usageError(fmt.Sprintf("%s takes %s, got %d arguments", cmd.name, cmd.arg, len(given)))
	case cmd.arg != "":
		c.arg, c.args = given[0], given
	}
	var err error
	if c.state == "" {
		if c.state, err = gate.DefaultDir(); err != nil {
			return err
		}
	}
	if c.key == "" {
		c.key, c.noKey = defaultKey(a.env)
	}
	return do(c)
}

func defaultKey(env func(string) string) (string, error) {
	dir := env("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("no place for the key: %w", err)
		}
		dir = filepath.Join(home, ".config")
	}
	return filepath.Join(dir, "sallyport", "approver.key"), nil
}

// shown is text that is escaped already.
type shown string

// printf prints a line of fixed text with escaped values.
func (a *app) printf(format string, values ...any) {
	for i, v := range values {
		switch v := v.(type) {
		case string:
			values[i] = gate.Escape(v)
		case error:
			values[i] = gate.Escape(v.Error())
		}
	}
	fmt.Fprintf(a.stdout, format+"\n", values...)
}

// ask prints a question and returns the line typed in answer.
func (a *app) ask(question string) (string, error) {
	fmt.Fprint(a.stdout, question)
	if a.lines == nil {
		a.lines = bufio.NewReader(io.LimitReader(a.stdin, 4096))
	}
	line, err := a.lines.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimSpace(line), nil
}

// signer opens the approver's key: the file's, or the one that ssh-agent holds.
func (c *call) signer() (*gate.Signer, error) {
	switch {
	case c.agent:
	case c.noKey != nil:
		return nil, c.noKey
	default:
		return keyring.Open(c.key, func() ([]byte, error) { return c.secret("Passphrase of " + gate.Escape(c.key) + ": ") })
	}
	var enrolled []gate.Approver
	if err := c.withRoll(func(r journal.Roll) (err error) { enrolled, err = r.Approvers(); return err }); err != nil {
		return nil, err
	}
	held, err := keyring.Dial(c.env("SSH_AUTH_SOCK"))
	if err != nil {
		return nil, err
	}
	return held.Signer(enrolled) // the connection lasts as long as the command
}

// person returns the name of who sits here: that of the key, or else of the
// operating system's user.
func (c *call) person() string {
	if a, err := keyring.Public(c.key); err == nil && a.Name != "" {
		return a.Name
	}
	return osUser()
}

func osUser() string {
	u, err := user.Current()
	if err != nil {
		return "operator"
	}
	name := u.Username[strings.LastIndexByte(u.Username, '\\')+1:] // DOMAIN\user
	name = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._@+-", r) {
			return r
		}
		return '-'
	}, name)
	if name == "" {
		return "operator"
	}
	return name
}
