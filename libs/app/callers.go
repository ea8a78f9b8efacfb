package app

import (
	"context"
	"log/slog"
	"net"

	"fgdsync.dev/libs/errs"
)

// Place is where a listener is to be.
type Place struct {
	Key     string // the key or flag that says so
	Address string // host:port
}

// GuardCallers looks at the places where callers are served. Where nobody is asked who they are, one that other
// machines can reach is refused, and the log says loudly that nobody is. Where callers show tokens, the log warns of
// each that others can reach, for tokens travel in clear.
func GuardCallers(ctx context.Context, unauthenticated bool, log *slog.Logger, places ...Place) error {
	for _, place := range places {
		local, err := place.onLoopback()
		switch {
		case err != nil:
			return err
		case local:
		case unauthenticated:
			return errs.New(errs.ConfigurationInvalid,
				"%s: other machines can reach %s, and allow_unauthenticated says that nobody is asked who they are.",
				place.Key, place.Address).
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

// onLoopback reports whether only this machine reaches the place.
func (p Place) onLoopback() (bool, error) {
	host, _, err := net.SplitHostPort(p.Address)
	if err != nil {
		return false, errs.New(errs.ConfigurationInvalid, "%s: %q is no address; write host:port.", p.Key, p.Address)
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback(), nil
}
