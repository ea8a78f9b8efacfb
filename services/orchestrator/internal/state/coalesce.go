package state

import (
	"slices"
	"strings"

	syncv1 "fgdsync.dev/proto/fgd/sync/v1"
)

// Options of one request that count for all who share its run: a line each, some followed by a path.
const (
	shareRefresh = "refresh"
	shareForce   = "force"
	shareSamples = "samples"
	shareTake    = "take over"
	shareRetry   = "retry"
	shareRetryOf = "retry "
	shareRelease = "release "
)

// coalescable returns what of a request counts for all who share its run.
func coalescable(o *syncv1.SyncOptions) string {
	var lines []string
	for line, wanted := range map[string]bool{
		shareRefresh: o.GetForceRefresh(), shareForce: o.GetForce(), shareSamples: o.GetCreateSamples(),
		shareRetry: o.GetRetryQuarantined(), shareTake: o.GetTakeOver(),
	} {
		if wanted {
			lines = append(lines, line)
		}
	}
	for _, p := range o.GetRetryPaths() {
		lines = append(lines, shareRetryOf+p)
	}
	for _, p := range o.GetReleasePaths() {
		lines = append(lines, shareRelease+p)
	}
	return strings.Join(lines, "\n")
}

// addCoalesced adds what those who share a run have asked for.
func addCoalesced(record *syncv1.Sync, lines string) {
	o := record.GetOptions()
	for line := range strings.SplitSeq(lines, "\n") {
		switch line {
		case shareRefresh:
			o.ForceRefresh = true
		case shareForce:
			o.Force = true
		case shareSamples:
			o.CreateSamples = true
		case shareRetry:
			o.RetryQuarantined = true
		case shareTake:
			o.TakeOver = true
		}
		if p, is := strings.CutPrefix(line, shareRetryOf); is {
			o.RetryPaths = addPath(o.GetRetryPaths(), p)
		}
		if p, is := strings.CutPrefix(line, shareRelease); is {
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
