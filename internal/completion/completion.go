// Package completion writes the scripts by which shells complete a command line.
package completion

import "strings"

// Shells are those that there are scripts for.
var Shells = []string{"bash", "zsh", "fish"}

// A Program is what is completed.
type Program struct {
	Name  string
	Words []string // its commands and flags
	// After is a command behind which the lines that List prints are offered. Both
	// may be empty.
	After, List string
}

// Script returns the script for a shell, or nothing if there is none.
func (p Program) Script(shell string) string {
	script := scripts[shell]
	if p.After == "" {
		script = strings.NewReplacer("@AFTER", " ", "@LIST", ":").Replace(script) // a word is never a blank
	}
	return strings.NewReplacer("@PROGRAM", p.Name, "@FUNCTION", "_"+strings.ReplaceAll(p.Name, "-", "_"),
		"@WORDS", strings.Join(p.Words, " "), "@AFTER", p.After, "@LIST", p.List).Replace(script)
}

var scripts = map[string]string{
	"bash": `@FUNCTION() {
  local cur=${COMP_WORDS[COMP_CWORD]}
  if [[ ${COMP_WORDS[COMP_CWORD-1]} == "@AFTER" ]]; then
    COMPREPLY=($(compgen -W "$(@LIST 2>/dev/null)" -- "$cur"))
  else
    COMPREPLY=($(compgen -o default -W "@WORDS" -- "$cur"))
  fi
}
complete -F @FUNCTION @PROGRAM
`,
	"zsh": `#compdef @PROGRAM
@FUNCTION() {
  if [[ ${words[CURRENT-1]} == "@AFTER" ]]; then
    compadd -- ${(f)"$(@LIST 2>/dev/null)"}
  else
    compadd -- @WORDS
    _files
  fi
}
compdef @FUNCTION @PROGRAM
`,
	"fish": `complete -c @PROGRAM -n "test (commandline -opc)[-1] != '@AFTER'" -a "@WORDS"
complete -c @PROGRAM -f -n "test (commandline -opc)[-1] = '@AFTER'" -a "(@LIST 2>/dev/null)"
`,
}
