package netboxsetup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fgdsync.dev/libs/secret"
	"fgdsync.dev/services/bridge/internal/hnp"
)

// unproven is how long a token is good for of which it is not known yet that its text has come here. It is given no end
// when it has; one that ends sooner is none to keep.
const unproven = 24 * time.Hour

// usable reports whether a token does for delivery.
func (s *setup) usable(t hnp.Token) bool {
	return (t.Enabled == nil || *t.Enabled) && t.Writes && (t.Expires == nil || t.Expires.After(s.now.Add(unproven)))
}

// token makes a token where there is none that can be used, and removes those that can't.
func (s *setup) token(ctx context.Context, userID int64) error {
	var own []hnp.Token
	if userID != 0 {
		all, err := s.client.Tokens(ctx, userID)
		if err != nil {
			return err
		}
		own = slices.DeleteFunc(all, func(t hnp.Token) bool { return t.Description != ownName })
	}
	if s.wish.NewToken || !slices.ContainsFunc(own, s.usable) {
		return s.newToken(ctx, userID, own)
	}
	for _, t := range own {
		keep := s.dropToken
		if s.usable(t) {
			keep = s.keepToken
		}
		if err := keep(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// newToken makes a token in the place of others. One whose text is lost on its way is good for nothing, and the next
// run makes another one. Once the text is here nothing fails any more: it has to be shown.
func (s *setup) newToken(ctx context.Context, userID int64, others []hnp.Token) error {
	if s.wish.PlanOnly {
		s.note("token", ownName, Created, "it is shown once; any older one is revoked")
		return nil
	}
	networks := s.wish.Networks
	if len(networks) == 0 && len(others) > 0 { // it is used from where the last one was
		networks = append(networks, others[len(others)-1].Networks...)
	}
	made, err := s.client.PutToken(ctx, 0, map[string]any{
		"user": userID, "description": ownName, "write_enabled": true, "allowed_ips": networks,
		"expires": s.now.Add(unproven).UTC().Format(time.RFC3339),
	})
	if err != nil {
		return err
	}
	s.done.Token = secret.New(made.Shown())
	if _, err := s.client.PutToken(ctx, made.ID, map[string]any{"expires": nil}); err != nil {
		s.note("token", ownName, Created, fmt.Sprintf("it is shown once, and may be good for %s alone: set it up again to have "+
			"another one (%s)", unproven, Sentence(err)))
		return nil
	}
	s.note("token", ownName, Created, "it is shown once; any older one is revoked")
	for _, old := range others {
		if err := s.client.DeleteToken(ctx, old.ID); err != nil {
			s.note("token", ownName, Unchanged, "an older one is still there, and can't be revoked: "+Sentence(err))
		}
	}
	return nil
}

// dropToken revokes a token that can't be used.
func (s *setup) dropToken(ctx context.Context, t hnp.Token) error {
	s.note("token", ownName, Removed, "it can't be used: it is not enabled, may not write, or ends")
	if s.wish.PlanOnly {
		return nil
	}
	return s.client.DeleteToken(ctx, t.ID)
}

// keepToken keeps a token, and has it be used from where it is wanted. Without a wish the networks stay.
func (s *setup) keepToken(ctx context.Context, t hnp.Token) error {
	if len(s.wish.Networks) == 0 || same(t.Networks, s.wish.Networks) {
		detail := "it is there already; a new one is made when that is asked for"
		if t.Used == nil {
			detail = "it is there already, and was never used; where nobody has it, have a new one made"
		}
		s.note("token", ownName, Unchanged, detail)
		return nil
	}
	s.note("token", ownName, Updated, "the networks that it may be used from differ")
	if s.wish.PlanOnly {
		return nil
	}
	_, err := s.client.PutToken(ctx, t.ID, map[string]any{"allowed_ips": s.wish.Networks})
	return err
}
