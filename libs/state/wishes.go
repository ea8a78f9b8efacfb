package state

import (
	"slices"
	"strings"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Wishes of one request that count for all who share its run: a line each, some followed by a path.
const (
	wishRefresh = "refresh"
	wishForce   = "force"
	wishSamples = "samples"
	wishRetry   = "retry"
	wishRetryOf = "retry "
	wishRelease = "release "
)

func wishes(o *syncv1.SyncOptions) string {
	var lines []string
	for wish, wanted := range map[string]bool{
		wishRefresh: o.GetForceRefresh(), wishForce: o.GetForce(), wishSamples: o.GetCreateSamples(),
		wishRetry: o.GetRetryQuarantined(),
	} {
		if wanted {
			lines = append(lines, wish)
		}
	}
	for _, p := range o.GetRetryPaths() {
		lines = append(lines, wishRetryOf+p)
	}
	for _, p := range o.GetReleasePaths() {
		lines = append(lines, wishRelease+p)
	}
	return strings.Join(lines, "\n")
}

// addWishes adds what those who share a run have wished for.
func addWishes(record *syncv1.Sync, lines string) {
	o := record.GetOptions()
	for wish := range strings.SplitSeq(lines, "\n") {
		switch wish {
		case wishRefresh:
			o.ForceRefresh = true
		case wishForce:
			o.Force = true
		case wishSamples:
			o.CreateSamples = true
		case wishRetry:
			o.RetryQuarantined = true
		}
		if p, is := strings.CutPrefix(wish, wishRetryOf); is {
			o.RetryPaths = addPath(o.GetRetryPaths(), p)
		}
		if p, is := strings.CutPrefix(wish, wishRelease); is {
			o.ReleasePaths = addPath(o.GetReleasePaths(), p)
		}
	}
}

func addPath(paths []string, p string) []string {
	if slices.Contains(paths, p) {
		return paths
	}
	return append(paths, p)
}
