package access

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	"fgdsync.dev/services/bridge/internal/token"
)

// Keeper makes, changes and revokes tokens, and follows what others do to them. Where nobody outside the process can
// call there is none: a nil one refuses everything.
type Keeper struct {
	tokens   *Tokens
	service  accessv1.TokenServiceClient
	replicas []accessv1.TokenServiceClient // of the service
	log      *slog.Logger
}

// NewKeeper returns the keeper of tokens that a service has the records of. Each replica of the service is listened to:
// without Redis one does not know what another was told.
func NewKeeper(
	tokens *Tokens, service accessv1.TokenServiceClient, replicas []accessv1.TokenServiceClient, log *slog.Logger,
) *Keeper {
	return &Keeper{tokens: tokens, service: service, replicas: replicas, log: log}
}

const (
	// defaultLifetime is for how long a token is taken when nobody says.
	defaultLifetime = 90 * 24 * time.Hour
	// usePeriod is how often it is told when tokens were last used.
	usePeriod = 20 * time.Second
	// checkPeriod is how often it is looked whether what is known of tokens is still confirmed.
	checkPeriod = time.Second
	// retryPause is how long is waited after the stream of changes has ended.
	retryPause = time.Second
	// pageSize is how many tokens are asked for at once.
	pageSize = 1000
)

// Create stores a new token, of which the name, grants, networks and whether it speaks for people are given, and
// returns what its holder shows. Without a lifetime it is taken for 90 days.
func (k *Keeper) Create(ctx context.Context, wish *accessv1.Token, lifetime time.Duration) (secret.String, error) {
	if k == nil {
		return secret.String{}, noTokens()
	}
	made, err := k.draw(ctx, wish, cmp.Or(lifetime, defaultLifetime))
	if err != nil {
		return secret.String{}, err
	}
	return made.Text(), k.put(ctx, wish, false)
}

// draw completes the record of a new token, which nothing knows yet.
func (k *Keeper) draw(ctx context.Context, wish *accessv1.Token, lifetime time.Duration) (token.Token, error) {
	made, err := token.Generate()
	if err != nil {
		return made, err
	}
	now := k.tokens.now()
	wish.TokenId, wish.Generation = made.ID, 1
	wish.PepperId, wish.Digest = k.tokens.peppers.Digest(made)
	wish.CreatedAt, wish.CreatedBy = timestamppb.New(now), rpc.CallOf(ctx).Principal
	wish.ExpiresAt = timestamppb.New(now.Add(lifetime))
	return made, nil
}

// Rotate gives a token a new secret, and when a lifetime is given a new end.
func (k *Keeper) Rotate(
	ctx context.Context, id string, lifetime time.Duration,
) (*accessv1.Token, secret.String, error) {
	if k == nil {
		return nil, secret.String{}, noTokens()
	}
	record, err := k.next(ctx, id)
	if err != nil {
		return nil, secret.String{}, err
	}
	if record.GetRevokedAt() != nil {
		return nil, secret.String{}, errs.New(errs.TokenNotFound, "The token %s was revoked.", id).
			WithRemedy("Create a new one.")
	}
	made, err := token.Renew(id)
	if err != nil {
		return nil, secret.String{}, err
	}
	record.PepperId, record.Digest = k.tokens.peppers.Digest(made)
	if lifetime == 0 {
		lifetime = record.GetExpiresAt().AsTime().Sub(record.GetCreatedAt().AsTime())
	}
	record.ExpiresAt = timestamppb.New(k.tokens.now().Add(lifetime))
	return record, made.Text(), k.put(ctx, record, false)
}

// Revoke has a token taken no more. One that was revoked before stays as it is.
func (k *Keeper) Revoke(ctx context.Context, id string) (*accessv1.Token, error) {
	if k == nil {
		return nil, noTokens()
	}
	record, err := k.next(ctx, id)
	if err != nil || record.GetRevokedAt() != nil {
		return record, err
	}
	record.RevokedAt = timestamppb.New(k.tokens.now())
	return record, k.put(ctx, record, false)
}

func noTokens() *errs.Error {
	return errs.New(errs.NotAllowed, "There are no tokens here: nobody outside the process can call.")
}

// next returns the next generation of a token, to be changed.
func (k *Keeper) next(ctx context.Context, id string) (*accessv1.Token, error) {
	record := k.tokens.record(id)
	if record == nil { // another bridge may have made it just now
		var err error
		if record, err = k.find(ctx, id); err != nil {
			return nil, err
		}
	}
	record = proto.CloneOf(record)
	record.Generation++
	return record, nil
}

// find looks a token up that is not known here.
func (k *Keeper) find(ctx context.Context, id string) (*accessv1.Token, error) {
	request := &accessv1.ListTokensRequest{Limit: pageSize}
	for {
		page, err := k.service.ListTokens(ctx, request)
		if err != nil {
			return nil, err
		}
		for _, record := range page.GetTokens() {
			if record.GetTokenId() == id {
				return record, nil
			}
		}
		if request.PageToken = page.GetNextPageToken(); request.GetPageToken() == "" {
			return nil, errs.New(errs.TokenNotFound, "There is no token %s.", rpc.PrintableName(id))
		}
	}
}

func (k *Keeper) put(ctx context.Context, record *accessv1.Token, first bool) error {
	if _, err := k.service.PutToken(ctx, &accessv1.PutTokenRequest{Token: record, First: first}); err != nil {
		return err
	}
	k.tokens.learn(record) // the one who asked finds it in force
	return nil
}

// Run keeps what is known of tokens up to date until ctx ends, and tells when they were used.
func (k *Keeper) Run(ctx context.Context) error {
	work, ctx := errgroup.WithContext(ctx)
	for _, replica := range k.replicas {
		work.Go(func() error { return k.follow(ctx, replica) })
	}
	work.Go(func() error { return every(ctx, usePeriod, func() { k.tellUses(ctx) }) })
	work.Go(func() error { return every(ctx, checkPeriod, k.tokens.EndUnknown) }) // also while telling hangs
	return work.Wait()
}

// every does something again and again until ctx ends.
func every(ctx context.Context, period time.Duration, do func()) error {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			do()
		}
	}
}

// follow takes over what a replica tells of tokens, until ctx ends.
func (k *Keeper) follow(ctx context.Context, replica accessv1.TokenServiceClient) error {
	for {
		err := k.watch(ctx, replica)
		k.log.DebugContext(ctx, "the stream of changes of tokens has ended", "error", err.Error())
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryPause):
		}
	}
}

func (k *Keeper) watch(ctx context.Context, replica accessv1.TokenServiceClient) error {
	stream, err := replica.WatchTokens(ctx, &accessv1.WatchTokensRequest{})
	if err != nil {
		return err
	}
	for {
		changed, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		if err != nil {
			return err
		}
		k.tokens.Update(changed.GetTokens())
	}
}

func (k *Keeper) tellUses(ctx context.Context) {
	used := k.tokens.TakeUsed()
	if len(used) == 0 {
		return
	}
	if _, err := k.service.RecordTokenUse(ctx, &accessv1.RecordTokenUseRequest{UsedAt: used}); err != nil {
		k.log.DebugContext(ctx, "when tokens were used is not stored", "error", err.Error())
	}
}
