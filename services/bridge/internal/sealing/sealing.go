// Package sealing has github-sync seal the credentials that callers give, so that nothing else of the suite keeps them
// in clear.
package sealing

import (
	"context"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// Sealer puts credentials into locations.
type Sealer struct{ repositories gitv1.RepositoryServiceClient }

// New returns a sealer.
func New(repositories gitv1.RepositoryServiceClient) Sealer { return Sealer{repositories} }

// Seal puts what a caller gave into a location, sealed for it or as a reference. Nothing given leaves it as it is.
func (s Sealer) Seal(ctx context.Context, location *gitv1.Location, given *bridgev1.Credentials) error {
	if given == nil {
		return nil
	}
	if ref := given.GetRef(); ref != "" {
		location.Credentials = &gitv1.Credentials{Source: &gitv1.Credentials_Reference{Reference: ref}}
		return nil
	}
	sealed, err := s.repositories.SealCredentials(ctx, &gitv1.SealCredentialsRequest{
		Credentials: apiv1.PlainCredentials(given), RepositoryUrl: location.GetRepositoryUrl(),
		FabricId: location.GetFabricId(),
	})
	if err != nil {
		return err
	}
	location.Credentials = sealed.GetCredentials()
	return nil
}

// SealAgain puts what a caller gave into a location that has moved. Where nothing is given, what is stored is sealed
// with the key that seals now, for the location as it will be: to another host it does not go along. What no key opens
// stays, since a fabric has to be changeable without it.
func (s Sealer) SealAgain(ctx context.Context, location *gitv1.Location, given *bridgev1.Credentials) error {
	if given != nil {
		return s.Seal(ctx, location, given)
	}
	if len(location.GetCredentials().GetSealed()) == 0 {
		return nil
	}
	resealed, err := s.repositories.ResealCredentials(ctx, &gitv1.ResealCredentialsRequest{
		Credentials: location.GetCredentials(), RepositoryUrl: location.GetRepositoryUrl(),
		FabricId: location.GetFabricId(),
	})
	if errs.HasCode(err, errs.CredentialsUnreadable) {
		return nil
	}
	if err != nil {
		return err
	}
	location.Credentials = resealed.GetCredentials()
	return nil
}
