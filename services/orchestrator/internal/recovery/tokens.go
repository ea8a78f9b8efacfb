package recovery

import (
	"context"
	"errors"
)

// tokens brings what Redis and the ledger know of tokens in step. None is ever removed: one that is revoked stays so.
func (r *Recovery) tokens(ctx context.Context, c *comparison) error {
	kept, err := r.deps.Ledger.Tokens()
	if err != nil {
		return err
	}
	stored, err := r.deps.Store.Tokens(ctx)
	if err != nil {
		return err
	}
	here, there := map[string]int64{}, map[string]int64{}
	for _, token := range kept {
		here[token.GetTokenId()] = token.GetGeneration()
	}
	for _, token := range stored {
		there[token.GetTokenId()] = token.GetGeneration()
		if here[token.GetTokenId()] < token.GetGeneration() {
			err = errors.Join(err, r.deps.Ledger.PutToken(token))
		}
	}
	for _, token := range kept {
		if there[token.GetTokenId()] >= token.GetGeneration() {
			continue
		}
		recovered, recoverErr := r.deps.Store.RecoverToken(ctx, token)
		if err = errors.Join(err, recoverErr); recovered {
			c.tokensRecovered++
		}
	}
	return err
}
