package apiv1

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/issuer"
)

// TokenWish returns the token that a caller wants, without what the suite adds.
func TokenWish(req *bridgev1.CreateTokenRequest) *accessv1.Token {
	return &accessv1.Token{
		Name: req.GetName(), Grants: each(req.GetGrants(), grantFromAPI), Networks: req.GetNetworks(),
		SpeaksForPeople: req.GetSpeaksForPeople(),
	}
}

// Lifetime returns for how long a token is to be taken; 0 when the request does not say.
func Lifetime(seconds int32) time.Duration { return time.Duration(seconds) * time.Second }

func grantFromAPI(g *bridgev1.Grant) *accessv1.Grant {
	return &accessv1.Grant{
		Role: roleNames.values[g.GetRole()], AllFabrics: g.GetAllFabrics(), FabricIds: g.GetFabricIds(),
		Rights: each(g.GetRights(), func(word string) accessv1.Right { return rightNames.values[word] }),
	}
}

// GrantsToAPI shows what somebody may do.
func GrantsToAPI(grants []*accessv1.Grant) []*bridgev1.Grant {
	return each(grants, func(g *accessv1.Grant) *bridgev1.Grant {
		return &bridgev1.Grant{
			Role: roleNames.byValue[g.GetRole()], AllFabrics: g.GetAllFabrics(), FabricIds: g.GetFabricIds(),
			Rights: each(g.GetRights(), func(right accessv1.Right) string { return rightNames.byValue[right] }),
		}
	})
}

// TokenToAPI shows a token as it is at a time.
func TokenToAPI(t *accessv1.Token, now time.Time) *bridgev1.Token {
	return &bridgev1.Token{
		TokenId: t.GetTokenId(), Name: t.GetName(), Grants: GrantsToAPI(t.GetGrants()), Networks: t.GetNetworks(),
		SpeaksForPeople: t.GetSpeaksForPeople(), State: tokenState(t, now), CreatedAt: t.GetCreatedAt(),
		CreatedBy: t.GetCreatedBy(), ExpiresAt: t.GetExpiresAt(), RevokedAt: t.GetRevokedAt(),
		LastUsedAt: t.GetLastUsedAt(),
	}
}

func tokenState(t *accessv1.Token, now time.Time) string {
	switch {
	case t.GetRevokedAt() != nil:
		return "revoked"
	case !now.Before(t.GetExpiresAt().AsTime()):
		return "expired"
	}
	return "active"
}

// TokensToAPI shows a page of tokens.
func TokensToAPI(found *accessv1.ListTokensResponse, now time.Time) *bridgev1.ListTokensResponse {
	return &bridgev1.ListTokensResponse{
		Tokens: each(found.GetTokens(), func(t *accessv1.Token) *bridgev1.Token { return TokenToAPI(t, now) }),
		Total:  found.GetTotal(), NextPageToken: found.GetNextPageToken(),
	}
}

// LoginToAPI shows where a person signs in.
func LoginToAPI(l issuer.Login) *bridgev1.GetLoginResponse {
	return &bridgev1.GetLoginResponse{Issuer: l.Issuer, ClientId: l.ClientID, Scopes: l.Scopes, Audience: l.Audience}
}

// ExpiryToAPI returns when something ends; nothing when it does not.
func ExpiryToAPI(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}
