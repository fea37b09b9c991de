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

type sealed struct {
	Op, ID, Digest, Principal string
	Expires                   int64
}

// Seal returns the state to send to a client together with the question about
// p. It reports false where a client's word isn't enough: outside
// [ApprovalClient], for anything above [TierWrite], for what isn't pending, for
// what leaves for a third party, can't be undone, has warnings or a history, and once
// the principal was shown untrusted text, unless the policy lets it be.
func (g *Guard) Seal(p *Proposal) (state string, ok bool) {
	if !g.trustsClient(p) || p.State != StatePending || len(Render(p)) > maxForm {
		return "", false
	}
	b, err := json.Marshal(sealed{p.Op, p.ID, p.Digest, p.Principal, p.Expires.Unix()})
	if err != nil {
		return "", false
	}
	return base64.RawURLEncoding.EncodeToString(g.seal.aead.Seal(nil, nil, b, sealContext)), true
}

// maxForm is how many bytes of a screen fit into a client's form: what is longer is
// shown in part by many, and nobody approves what isn't shown.
const maxForm = 4 << 10

// trustsClient reports whether a client's word can be enough for p.
func (g *Guard) trustsClient(p *Proposal) bool {
	harmless := p.Tier == TierWrite && len(p.Plan.Egress) == 0 && len(p.Plan.Warnings) == 0 && len(p.History) == 0 && p.Plan.Undo != ""
	return g.client != nil && harmless && (g.policy.ClientAfterUntrusted || !g.Tainted(p.Principal))
}

// ErrUnsealed means that an answer doesn't come with the state of a question
// that this guard asked, or doesn't hold the code of the proposal.
var ErrUnsealed = errors.New("gate: the answer does not belong to a question of this gate")

// Attest records a client's word that the user approved p. state must come
// from [Guard.Seal] for this proposal and principal; typed is what the user
// typed: the proposal's [Proposal.Code].
func (g *Guard) Attest(ctx context.Context, p *Proposal, state, typed string) error {
	if by, _ := g.Who(ctx, TierWrite); by != ApprovalClient || !g.trustsClient(p) {
		return ErrUnsealed
	}
	c, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil {
		return ErrUnsealed
	}
	b, err := g.seal.aead.Open(nil, nil, c, sealContext)
	if err != nil {
		return ErrUnsealed
	}
	var s sealed
	if err := json.Unmarshal(b, &s); err != nil {
		return ErrUnsealed
	}
	want := sealed{p.Op, p.ID, p.Digest, g.principal(ctx), p.Expires.Unix()}
	if s != want || time.Now().Unix() >= s.Expires || !p.Retyped(typed) {
		return ErrUnsealed
	}
	j, err := g.Journal()
	if err != nil {
		return err
	}
	if stored, err := j.Proposal(p.ID); err != nil || !g.trustsClient(stored) {
		return errors.Join(ErrUnsealed, err)
	}
	return j.Approve(p.ID, p.Digest, g.client)
}
