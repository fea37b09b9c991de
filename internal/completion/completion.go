// Package completion helps people to type the command line of a program: it writes the
// scripts by which shells complete it, and says which flag was meant.
package completion

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-soc/sallyport/internal/nearest"
)

// Shells are those that there are scripts for.
var Shells = []string{"bash", "zsh", "fish"}

// A Program is what is completed.
type Program struct {
	Name  string
	Flags []string // that stand before a command, or without one
	// Commands has the words that may follow each: its flags, and names.
	Commands map[string][]string
	// List prints what is offered behind the command After, one a line. Both may be empty.
	After, List string
}

// Flags returns the flags of f as they are typed.
func Flags(f *flag.FlagSet) (list []string) {
	f.VisitAll(func(f *flag.Flag) { list = append(list, "-"+f.Name) })
	return list
}

// Meant returns a question for who typed a flag that f doesn't have, or nothing if err, of
// parsing f, says something else or no flag is near.
func Meant(f *flag.FlagSet, err error) string {
	typed, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !ok {
		return ""
	}
	if best := nearest.Word(strings.TrimLeft(typed, "-"), 2, func(yield func(string) bool) {
		for _, name := range Flags(f) {
			if !yield(name[1:]) {
				return
			}
		}
	}); best != "" {
		return fmt.Sprintf("did you mean -%s?", best)
	}
	return ""
}

// Script returns the script for a shell, or nothing if there is none.
func (p Program) Script(shell string) string {
	s, ok := scripts[shell]
	if !ok {
		return ""
	}
	var cases strings.Builder
	commands := slices.Sorted(maps.Keys(p.Commands))
	for _, c := range commands {
		list := ""
		if c == p.After {
			list = p.List
		}
		if one := s.command; len(p.Commands[c]) > 0 || list != "" {
			if list != "" {
				one = s.listing
			}
			cases.WriteString(strings.NewReplacer("@PROGRAM", p.Name, "@COMMAND", c, "@WORDS", strings.Join(p.Commands[c], " "), "@LIST", list).Replace(one))
		}
	}
	return strings.NewReplacer("@PROGRAM", p.Name, "@FUNCTION", "_"+strings.ReplaceAll(p.Name, "-", "_"), "@FIRST", strings.Join(append(slices.Clone(commands), p.Flags...), " "),
		"@COMMANDS", strings.Join(append([]string{"--"}, commands...), " "), "@CASES", cases.String()).Replace(s.frame)
}

// A script has a frame, and a part for each command: one whose words are known, and one that
// others are asked for as well, right behind it.
type script struct{ frame, command, listing string }

var scripts = map[string]script{
	"bash": {`@FUNCTION() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words="@FIRST" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
@CASES    *) continue ;;
    esac
    break
  done
  COMPREPLY=($(compgen -o default -W "$words" -- "$cur"))
}
complete -F @FUNCTION @PROGRAM
`, `    @COMMAND) words="@WORDS" ;;
`, `    @COMMAND) words="@WORDS"; [[ $prev != @COMMAND ]] || words="$(@LIST 2>/dev/null) $words" ;;
`},
	"zsh": {`#compdef @PROGRAM
@FUNCTION() {
  local first="@FIRST" word prev=${words[CURRENT-1]}
  for word in ${words[2,CURRENT-1]}; do
    case $word in
@CASES    *) continue ;;
    esac
    break
  done
  compadd -- ${=first}
  _files
}
compdef @FUNCTION @PROGRAM
`, `    @COMMAND) first="@WORDS" ;;
`, `    @COMMAND) first="@WORDS"; [[ $prev != @COMMAND ]] || first="$(@LIST 2>/dev/null) $first" ;;
`},
	"fish": {`complete -c @PROGRAM -n "not __fish_seen_subcommand_from @COMMANDS" -a "@FIRST"
@CASES`, `complete -c @PROGRAM -n "__fish_seen_subcommand_from @COMMAND" -a "@WORDS"
`, `complete -c @PROGRAM -n "__fish_seen_subcommand_from @COMMAND" -a "@WORDS"
complete -c @PROGRAM -f -n "test (commandline -opc)[-1] = '@COMMAND'" -a "(@LIST 2>/dev/null)"
`},
}
