package resourceapi

import (
	"context"
	"strings"

	"google.golang.org/grpc/metadata"

	"fgdsync.dev/libs/errs"
	bridgev1 "fgdsync.dev/proto/fgd/bridge/v1"
	"fgdsync.dev/services/bridge/internal/apiv1"
)

// conditioned takes from the headers of an HTTP request which file an edit is meant for, where its fields don't say it.
// What a header says is never passed over: whoever sends it counts on it.
func conditioned(ctx context.Context, edit *bridgev1.ResourceEdit) error {
	md, _ := metadata.FromIncomingContext(ctx)
	if values := md.Get(apiv1.IfMatchKey); len(values) > 0 && edit.GetIfMatch() == "" {
		blob, is := blobOf(values[0])
		if !is {
			return errs.Field("If-Match", "If-Match takes one ETag, as GET answers it: a blob_id in quotes.")
		}
		edit.IfMatch = blob
	}
	if values := md.Get(apiv1.IfNoneMatchKey); len(values) > 0 {
		if strings.TrimSpace(values[0]) != "*" || edit.GetContent() == nil {
			return errs.Field("If-None-Match", "If-None-Match takes * alone, and with PUT alone.")
		}
		edit.IfNoneMatch = true
	}
	return nil
}

// blobOf reads an ETag, which who compresses an answer may have made a weak one.
func blobOf(tag string) (string, bool) {
	const digits = 40
	tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
	if inner, quoted := strings.CutPrefix(tag, `"`); quoted {
		tag = strings.TrimSuffix(inner, `"`)
	}
	return tag, len(tag) == digits && strings.Trim(tag, "0123456789abcdef") == ""
}

// etag is what GET calls the file of a resource.
func etag(blob string) string { return `"` + blob + `"` }
