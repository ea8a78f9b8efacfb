package app

import (
	"context"
	"log/slog"

	"fgdsync.dev/libs/config"
	"fgdsync.dev/libs/errs"
)

// Place is where a listener is to be.
type Place struct {
	Key     string // the key or flag that says so
	Address string // host:port
}

// GuardCallers looks at the places where callers are served. Where nobody is asked who they are, one that other
// machines can reach is refused, and the log says loudly that nobody is. Where callers show tokens, the log warns of
// each that others can reach, unless it speaks TLS, for tokens travel in clear.
func GuardCallers(ctx context.Context, unauthenticated, tls bool, log *slog.Logger, places ...Place) error {
	for _, place := range places {
		local, err := isLocal(place.Key, place.Address)
		switch {
		case err != nil:
			return err
		case local:
		case tls && !unauthenticated:
		case unauthenticated:
			return errs.New(errs.ConfigurationInvalid,
				"%s: other machines can reach %s, and allow_unauthenticated says that nobody is asked who they are.",
				place.Key, place.Address).
				WithMeta(config.KeyMeta, place.Key).
				WithRemedy("Listen on 127.0.0.1, or leave HEDGEHOG_FGD_ALLOW_UNAUTHENTICATED away, so that callers show tokens.")
		default:
			log.WarnContext(ctx, "tokens travel in clear to this address, unless something in front of it speaks TLS",
				"key", place.Key, "address", place.Address)
		}
	}
	if unauthenticated {
		log.WarnContext(ctx, "NOBODY IS ASKED WHO THEY ARE: whoever reaches this machine's loopback may do everything",
			"key", "allow_unauthenticated")
	}
	return nil
}
