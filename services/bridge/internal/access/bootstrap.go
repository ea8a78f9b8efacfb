package access

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"fgdsync.dev/libs/errs"
	"fgdsync.dev/libs/failpoint"
	"fgdsync.dev/libs/rpc"
	"fgdsync.dev/libs/secret"
	accessv1 "fgdsync.dev/proto/fgd/access/v1"
	"fgdsync.dev/services/bridge/internal/token"
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
//
// The token is on the disk, under another name, before it is stored: who dies in between leaves it to the next start,
// and not a first token that nobody has.
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
	there, err := k.any(ctx)
	if err != nil {
		return secret.String{}, false, nil //nolint:nilerr // not yet: whoever is needed may still be starting
	}
	if !there {
		if err := k.makeFirst(rpc.WithPrincipal(ctx, bootstrapName), file, record); err != nil {
			return secret.String{}, false, err
		}
		if there, err = k.any(ctx); err != nil || !there { // another bridge may be about to store its own
			return secret.String{}, false, nil //nolint:nilerr // as above
		}
	}
	return k.finishFirst(ctx, file, log)
}

// any reports whether there are tokens.
func (k *Keeper) any(ctx context.Context) (bool, error) {
	found, err := k.service.ListTokens(ctx, &accessv1.ListTokensRequest{Limit: 1})
	return found.GetTotal() > 0, err
}

// makeFirst stores a first token that is in a pending file. Whether it is there is to be asked: the answer may be lost,
// and another bridge faster.
func (k *Keeper) makeFirst(ctx context.Context, file string, record RecordFunc) error {
	wish := &accessv1.Token{Name: bootstrapName, Grants: everything()}
	drawn, err := k.draw(ctx, wish, defaultLifetime)
	if err != nil {
		return err
	}
	if err := write(pendingOf(file, drawn.ID), drawn.Text().Reveal()); err != nil {
		return unwritable(file, err)
	}
	failpoint.Hit(failpoint.BootstrapPending)
	tried := false
	err = record(ctx, func(ctx context.Context) (*accessv1.Token, error) {
		tried = true
		return wish, k.put(ctx, wish, true)
	})
	failpoint.Hit(failpoint.BootstrapMade)
	if err != nil && !tried || errs.HasCode(err, errs.FirstTokenExists) {
		if err := os.Remove(pendingOf(file, drawn.ID)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return unwritable(file, err)
		}
	}
	return nil
}

// finishFirst puts the first token to where it is looked for, whichever process made it, and takes away those that are
// none. It is done when there is a token: no other one can become the first then.
func (k *Keeper) finishFirst(
	ctx context.Context, file string, log *slog.Logger,
) (made secret.String, done bool, err error) {
	pending, err := filepath.Glob(pendingOf(file, "*"))
	if err != nil {
		return secret.String{}, false, unwritable(file, err)
	}
	for _, name := range pending {
		shown, record, err := k.pending(ctx, name)
		if err != nil {
			return secret.String{}, false, nil //nolint:nilerr // it is not known what is there
		}
		if record == nil {
			err = os.Remove(name)
		} else {
			err = os.Rename(name, file)
		}
		failpoint.Hit(failpoint.BootstrapKept)
		switch {
		case errors.Is(err, os.ErrNotExist): // another bridge has
		case err != nil:
			return secret.String{}, false, unwritable(file, err)
		case record != nil:
			made = shown
			log.InfoContext(ctx, "the first token was made: it may do everything", "token_id", record.GetTokenId(),
				"file", file, "expires_at", record.GetExpiresAt().AsTime().Format(time.RFC3339))
		}
	}
	return made, true, nil
}

// pending returns the token of a pending file, and its record; none when it was not stored.
func (k *Keeper) pending(ctx context.Context, name string) (secret.String, *accessv1.Token, error) {
	raw, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return secret.String{}, nil, nil
	}
	if err != nil {
		return secret.String{}, nil, err
	}
	shown, err := token.Parse(strings.TrimSpace(string(raw)))
	if err != nil { // cut off
		return secret.String{}, nil, nil //nolint:nilerr // what is no token is stored nowhere
	}
	record, err := k.find(ctx, shown.ID)
	if errs.HasCode(err, errs.TokenNotFound) ||
		err == nil && !k.tokens.peppers.Matches(shown, record.GetPepperId(), record.GetDigest()) {
		return secret.String{}, nil, nil
	}
	return shown.Text(), record, err
}

// pendingOf returns where a first token is before it is known that it is the first.
func pendingOf(file, id string) string { return filepath.Join(filepath.Dir(file), ".bootstrap-"+id) }

// write writes a new file that its owner alone can read, with its name.
func write(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, text)
	return errors.Join(err, f.Sync(), f.Close())
}

func unwritable(file string, cause error) error {
	return errs.New(errs.ConfigurationInvalid, "bootstrap_token_file: %s can't be written.", file).WithCause(cause)
}
