package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
)

// bootstrapName is the name of the first token of an installation.
const bootstrapName = "bootstrap"

const (
	// bootstrapPause is how long is waited before it is tried again whether there are tokens.
	bootstrapPause = time.Second
	// knownPause is how often it is looked whether anything is known of tokens: until then none is taken.
	knownPause = 50 * time.Millisecond
)

// RecordFunc has something written down that has an effect: before it, with what it made, and how it ended. What can't
// be written down is not done.
type RecordFunc func(ctx context.Context, create func(context.Context) (*accessv1.Token, error)) error

// Bootstrap makes the first token, of an admin of all fabrics, when the installation has none, and keeps it in a file
// that its owner alone can read. It tries until it is known whether there are tokens, or ctx ends, and returns the
// token when it was made here, which is recorded. Its id goes to the log; the token itself does not.
func (k *Keeper) Bootstrap(
	ctx context.Context, file string, record RecordFunc, log *slog.Logger,
) (secret.String, error) {
	for {
		pause := knownPause
		if k.tokens.Known() { // whoever finds the file finds its token taken
			made, done, err := k.bootstrap(ctx, file, record, log)
			if done || err != nil {
				return made, err
			}
			pause = bootstrapPause
		}
		select {
		case <-ctx.Done():
			return secret.String{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (k *Keeper) bootstrap(
	ctx context.Context, file string, record RecordFunc, log *slog.Logger,
) (made secret.String, done bool, err error) {
	found, err := k.service.ListTokens(ctx, &accessv1.ListTokensRequest{Limit: 1})
	if err != nil || found.GetTotal() > 0 {
		return secret.String{}, err == nil, nil // not yet: whoever is needed may still be starting
	}
	if err := writable(file); err != nil {
		return secret.String{}, false, err
	}
	wish := &accessv1.Token{Name: bootstrapName, Grants: everything()}
	err = record(rpc.WithPrincipal(ctx, bootstrapName), func(ctx context.Context) (*accessv1.Token, error) {
		made, err = k.create(ctx, wish, defaultLifetime, true)
		return wish, err
	})
	if err != nil { // another one was faster, or it can't be done yet
		return secret.String{}, errs.HasCode(err, errs.FirstTokenExists), nil
	}
	if err := keep(file, made.Reveal()); err != nil {
		return secret.String{}, false, err
	}
	log.InfoContext(ctx, "the first token was made: it may do everything", "token_id", wish.GetTokenId(), "file", file,
		"expires_at", wish.GetExpiresAt().AsTime().Format(time.RFC3339))
	return made, true, nil
}

// writable makes sure that the file can be written, before a token is made that nobody would ever see.
func writable(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return unwritable(file, err)
	}
	probe, err := os.CreateTemp(filepath.Dir(file), ".bootstrap-*")
	if err != nil {
		return unwritable(file, err)
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return unwritable(file, err)
	}
	return nil
}

// keep writes the file as a whole.
func keep(file, text string) (err error) {
	temp, err := os.CreateTemp(filepath.Dir(file), ".bootstrap-*") // 0600
	if err != nil {
		return unwritable(file, err)
	}
	_, err = fmt.Fprintln(temp, text)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return unwritable(file, errors.Join(err, os.Remove(temp.Name())))
	}
	if err := os.Rename(temp.Name(), file); err != nil {
		return unwritable(file, errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}

func unwritable(file string, cause error) error {
	return errs.New(errs.ConfigurationInvalid, "bootstrap_token_file: %s can't be written.", file).WithCause(cause)
}
