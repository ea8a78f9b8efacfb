package render

import (
	"strings"
	"time"

	"fgdsync.dev/cmd/fgd/internal/certs"
)

// Certificates prints what certificates there are, and for how long.
func Certificates(s *Screen, all []certs.Certificate) {
	t := newTable(s, 2, 3)
	t.cells("FILE", "NAMES", "UNTIL", "DAYS")
	for _, one := range all {
		t.cells(one.File, strings.Join(one.Names, ", "), one.Until.UTC().Format(time.DateOnly), one.Days)
	}
	t.end()
}
