package mcphttp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/sallyport-soc/sallyport/internal/settings"
	"github.com/sallyport-soc/sallyport/internal/trusted"
)

// Tokens are who may call a server over HTTP: the SHA-256 of a bearer token,
// and whose it is.
type Tokens struct{ names map[[sha256.Size]byte]string }

// Len returns how many there are.
func (t *Tokens) Len() int {
	if t == nil {
		return 0
	}
	return len(t.names)
}

// users returns how many users there are.
func (t *Tokens) users() int {
	if t == nil {
		return 0
	}
	names := map[string]bool{}
	for _, name := range t.names {
		names[name] = true
	}
	return len(names)
}

const maxTokens = 1 << 20 // bytes of the file

// minToken is how long a token must be. Short ones could be found from their hashes.
const minToken = 20

// LoadTokens reads a file of tokens. Each line has the SHA-256 of a token in
// hex and the name of its user; empty lines and those that begin with # don't
// count. All that is wrong is reported at once. A file is refused that others
// may write to or own, that isn't a regular one, or that has more than 1 MiB.
func LoadTokens(path string) (*Tokens, error) {
	b, err := trusted.Read(path, maxTokens)
	if err != nil {
		return nil, fmt.Errorf("tokens: %w", settings.FileError(path, err))
	}
	return ParseTokens(string(b))
}

// ParseTokens reads what [LoadTokens] finds in a file.
func ParseTokens(text string) (*Tokens, error) {
	t := &Tokens{names: map[[sha256.Size]byte]string{}}
	var errs []error
	for i, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		wrong := func(why string) { errs = append(errs, fmt.Errorf("tokens: line %d: %s", i+1, why)) }
		fields := strings.Fields(line)
		var sum [sha256.Size]byte
		n, err := hex.Decode(sum[:], []byte(fields[0][:min(len(fields[0]), 2*sha256.Size)]))
		switch {
		case err != nil || n != sha256.Size || len(fields[0]) != 2*sha256.Size:
			wrong("want the SHA-256 of a token as 64 hex digits, then its user")
		case len(fields) != 2:
			wrong("want one user, without spaces in the name")
		case len(fields[1]) > 64 || strings.ContainsFunc(fields[1], func(r rune) bool { return r < 0x21 || r > 0x7e }):
			wrong("a user's name has at most 64 printable ASCII characters")
		case t.names[sum] != "":
			wrong("the token is there twice")
		default:
			t.names[sum] = fields[1]
		}
	}
	if len(errs) == 0 && len(t.names) == 0 {
		errs = append(errs, errors.New("tokens: there is none"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return t, nil
}

// TokenLine returns the line that lets token in as user.
func TokenLine(token, user string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:]) + " " + user
}

// verify finds the user of a token. What is looked up is a hash, so that the
// time it takes tells nothing about the tokens there are.
func (t *Tokens) verify(_ context.Context, token string, _ *http.Request) (*auth.TokenInfo, error) {
	if len(token) < minToken {
		return nil, auth.ErrInvalidToken
	}
	user := t.names[sha256.Sum256([]byte(token))]
	if user == "" {
		return nil, auth.ErrInvalidToken
	}
	return &auth.TokenInfo{UserID: user}, nil
}
