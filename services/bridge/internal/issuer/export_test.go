package issuer

import (
	"log/slog"
	"time"
)

// NewImpatient is New with another patience.
func NewImpatient(cfg Config, log *slog.Logger, now func() time.Time, patience time.Duration) (*Issuer, error) {
	return newIssuer(cfg, log, now, patience)
}

// Refresh asks the issuer for its keys now, as Run does from time to time.
func (i *Issuer) Refresh() { i.keys.refresh() }
