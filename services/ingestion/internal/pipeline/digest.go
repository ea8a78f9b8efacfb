package pipeline

import (
	"crypto/sha256"
	"encoding/hex"

	"fgdsync.dev/services/ingestion/internal/plan"
)

// digest returns a text that is the same for the same resources only.
func digest(resources []plan.Resource) string {
	sum := sha256.New()
	var line []byte
	for i := range resources {
		r := &resources[i]
		line = line[:0]
		for _, field := range [...]string{
			r.Identity.Group, r.Identity.Kind, r.Identity.Namespace, r.Identity.Name, r.Path, r.APIVersion, r.Blob,
		} {
			line = append(append(line, field...), 0)
		}
		if r.Valid {
			line = append(line, 1)
		}
		_, _ = sum.Write(append(line, '\n')) // a hash takes all
	}
	return hex.EncodeToString(sum.Sum(nil))
}
