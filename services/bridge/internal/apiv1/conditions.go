package apiv1

// Metadata from the HTTP side: what the headers If-Match and If-None-Match of a change of a resource say.
const (
	IfMatchKey     = "fgd-if-match-bin"
	IfNoneMatchKey = "fgd-if-none-match-bin"
)

// ETagKey is the metadata of an answer that becomes the header ETag.
const ETagKey = "fgd-etag"

// WatchingKey is the metadata of an answer whose caller is told of fabrics from now on.
const WatchingKey = "fgd-watching"
