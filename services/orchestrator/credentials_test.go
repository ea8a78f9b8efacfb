package orchestrator_test

import (
	"context"
	"fmt"
	"net/url"
	"testing"

	"google.golang.org/protobuf/proto"

	"fgdsync.dev/libs/errs"
	fabricv1 "fgdsync.dev/proto/fgd/fabric/v1"
	gitv1 "fgdsync.dev/proto/fgd/git/v1"
	"fgdsync.dev/services/orchestrator/internal/state"
)

// seal is what the fake makes of credentials: it says for whom they are.
func seal(repositoryURL string, fabricID int32) *gitv1.Credentials {
	parsed, err := url.Parse(repositoryURL)
	if err != nil {
		panic(err)
	}
	return &gitv1.Credentials{Source: &gitv1.Credentials_Sealed{
		Sealed: fmt.Appendf(nil, "%s %d", parsed.Host, fabricID),
	}}
}

// opens refuses a location whose credentials are for another one. Those of a fabric say of which.
func opens(l *gitv1.Location) error {
	if l.GetCredentials() != nil && !proto.Equal(l.GetCredentials(), seal(l.GetRepositoryUrl(), l.GetFabricId())) {
		return errs.New(errs.CredentialsForAnotherHost, "The credentials were given for %s, not for %s %d.",
			l.GetCredentials().GetSealed(), l.GetRepositoryUrl(), l.GetFabricId()).WithMeta(errs.FieldKey, "credentials")
	}
	return nil
}

// ResealCredentials binds credentials to a fabric.
func (s *stages) ResealCredentials(
	ctx context.Context, req *gitv1.ResealCredentialsRequest,
) (*gitv1.ResealCredentialsResponse, error) {
	if err := s.enter(ctx, "reseal"); err != nil {
		return nil, err
	}
	bound := seal(req.GetRepositoryUrl(), req.GetFabricId())
	if !proto.Equal(req.GetCredentials(), bound) && !proto.Equal(req.GetCredentials(), seal(req.GetRepositoryUrl(), 0)) {
		return nil, errs.New(errs.CredentialsForAnotherHost, "They are for another one.")
	}
	return &gitv1.ResealCredentialsResponse{Credentials: bound}, nil
}

// TestCredentialsStayWithTheirFabric (A1): those that were sealed before the fabric had a number are bound to the one
// that it gets, and neither an update nor a record that somebody has changed in Redis takes them to another host.
func TestCredentialsStayWithTheirFabric(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		wanted := definition(0, "f1")
		wanted.Location.Credentials = seal(wanted.GetLocation().GetRepositoryUrl(), 0)
		created, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: wanted})
		fabric := must(t, created, err).GetFabric()
		id := fabric.GetFabricId()
		if want := seal("https://host/", id); !proto.Equal(fabric.GetLocation().GetCredentials(), want) {
			t.Errorf("the credentials are %v, want %v", fabric.GetLocation().GetCredentials(), want)
		}
		b.expect(b.await(created.GetSyncId()), completed) // every location that was sent says whose it is
		checked, err := b.CheckDirectory(t.Context(), &fabricv1.CheckDirectoryRequest{FabricId: id})
		must(t, checked, err)

		moved := proto.CloneOf(fabric)
		moved.Location.RepositoryUrl = "https://elsewhere/repo.git"
		_, err = b.UpdateFabric(t.Context(), &fabricv1.UpdateFabricRequest{Fabric: moved})
		fails(t, "an update to another host", err, errs.CredentialsForAnotherHost)
		other := definition(77, "f2")
		other.Location.Credentials = fabric.GetLocation().GetCredentials()
		_, err = b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: other})
		fails(t, "the credentials of another fabric", err, errs.CredentialsForAnotherHost)

		b.requireRefused("a record with another host", id, moved)
		b.fabric(b.stages, 77, "f2")
		lent := proto.CloneOf(other)
		lent.Location.FabricId = id
		b.requireRefused("a record that claims to be another fabric's", 77, lent)
	})
}

// requireRefused changes a record in Redis, and holds that nothing is done with it.
func (b *bench) requireRefused(what string, id int32, record *fabricv1.Fabric) {
	b.t.Helper()
	raw, err := proto.Marshal(record)
	if err := b.conn.Main.Set(b.t.Context(), state.FabricKey(id), must(b.t, raw, err), 0).Err(); err != nil {
		b.t.Fatal(err)
	}
	refused := b.sync(id, nil)
	b.expect(refused, failed)
	if code := refused.GetErrors()[0].GetCode(); code != errs.CredentialsForAnotherHost.ID {
		b.t.Errorf("%s: refused with %s", what, code)
	}
	_, err = b.ListFiles(b.t.Context(), &fabricv1.ListFilesRequest{FabricId: id})
	fails(b.t, what, err, errs.CredentialsForAnotherHost)
}

// TestANumberThatWasGivenNeedsItsSeal: whoever names the number seals for it.
func TestANumberThatWasGivenNeedsItsSeal(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bench) {
		wanted := definition(35, "f1")
		wanted.Location.Credentials = seal(wanted.GetLocation().GetRepositoryUrl(), 0)
		_, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: wanted})
		fails(t, "a seal for no fabric", err, errs.CredentialsForAnotherHost)
		wanted.Location.Credentials = seal(wanted.GetLocation().GetRepositoryUrl(), 35)
		created, err := b.CreateFabric(t.Context(), &fabricv1.CreateFabricRequest{Fabric: wanted})
		b.expect(b.await(must(t, created, err).GetSyncId()), completed)
	})
}
