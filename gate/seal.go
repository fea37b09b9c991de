package gate

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport-soc/sallyport/internal/clientword"
)

// sealer protects the state that travels through a client between the question
// and its answer: an answer without it is nothing.
type sealer struct{ aead cipher.AEAD }

var sealContext = []byte("sallyport/client-approval/v1")

func newSealer() (*sealer, error) {
	key := make([]byte, 32)
	rand.Read(key) //nolint:errcheck // crypto/rand never fails
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("gate: %w", err)
	}
	return &sealer{aead}, nil
}

// A word is a guard as the adapter has it.
type word struct{ *Guard }

type sealed struct {
	Op, ID, Digest, Principal string
	Expires                   int64
}

// Seal returns the state to send to a client together with the question about
// p, or an error that says why a client's word isn't enough: outside
// [ApprovalClient], for anything above [TierWrite], for what isn't pending, for
// what leaves for a third party, can't be undone, has warnings or a history, for what is
// longer than a form, and once the principal was shown untrusted text, unless the policy
// lets it be.
func (g word) Seal(p *Proposal) (state string, err error) {
	if err := g.needsMore(p); err != nil {
		return "", err
	}
	if p.State != StatePending {
		return "", errors.New("it doesn't wait any more")
	}
	if len(Render(p)) > maxForm {
		return "", errors.New("there is more to show than fits into a form")
	}
	b, err := json.Marshal(sealed{p.Op, p.ID, p.Digest, p.Principal, p.Expires.Unix()})
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(g.seal.aead.Seal(nil, nil, b, sealContext)), nil
}

// maxForm is how many bytes of a screen fit into a client's form: what is longer is
// shown in part by many, and nobody approves what isn't shown.
const maxForm = 4 << 10

// needsMore says why a client's word isn't enough for p.
func (g *Guard) needsMore(p *Proposal) error {
	switch {
	case g.client == nil:
		return errors.New("no client approves here")
	case p.Tier != TierWrite || len(p.Plan.Egress) > 0 || p.Plan.Undo == "":
		return errors.New("a form is enough only for what can be undone and stays inside")
	case len(p.Plan.Warnings) > 0:
		return errors.New("a form is not enough for what has warnings")
	case len(p.History) > 0:
		return errors.New("a form is not enough where an earlier call of the kind matters")
	}
	if until := g.taintedUntil(p.Principal); !until.IsZero() && !g.policy.ClientAfterUntrusted {
		return fmt.Errorf("text that others wrote was read, by any server of this state folder; no form is shown until %s, two hours after the last of it", until.UTC().Format(time.RFC3339))
	}
	return nil
}

// Attest records a client's word that the user approved p. state must come
// from Seal for this proposal and principal; typed is what the user
// typed: the proposal's [Proposal.Code].
func (g word) Attest(ctx context.Context, p *Proposal, state, typed string) error {
	if by, _ := g.Who(ctx, TierWrite); by != ApprovalClient || g.needsMore(p) != nil {
		return clientword.ErrUnsealed
	}
	c, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil {
		return clientword.ErrUnsealed
	}
	b, err := g.seal.aead.Open(nil, nil, c, sealContext)
	if err != nil {
		return clientword.ErrUnsealed
	}
	var s sealed
	if err := json.Unmarshal(b, &s); err != nil {
		return clientword.ErrUnsealed
	}
	want := sealed{p.Op, p.ID, p.Digest, g.principal(ctx), p.Expires.Unix()}
	if s != want || time.Now().Unix() >= s.Expires || !p.Retyped(typed) {
		return clientword.ErrUnsealed
	}
	j, err := g.Journal()
	if err != nil {
		return err
	}
	if stored, err := j.Proposal(p.ID); err != nil || g.needsMore(stored) != nil {
		return errors.Join(clientword.ErrUnsealed, err)
	}
	return j.Approve(p.ID, p.Digest, g.client)
}
