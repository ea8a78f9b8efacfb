package grpcapi

import (
	"context"
	"strings"
	"unicode"

	"google.golang.org/grpc/metadata"
)

// Metadata that the JSON API sends along with every call. Callers over gRPC may use the plain key.
const (
	RequestedByBinary = "x-requested-by-bin" // UTF-8
	requestedByPlain  = "x-requested-by"     // ASCII
)

const (
	maxCaller     = 100
	unknownCaller = "api"
)

// caller returns the name of who asks, as the record of a sync and the commit message will show it. Nothing proves it.
func caller(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	for _, key := range []string{RequestedByBinary, requestedByPlain} {
		for _, value := range md.Get(key) {
			if name := cleanName(value); name != "" {
				return name
			}
		}
	}
	return unknownCaller
}

// cleanName keeps what can be printed in one line, and not more than maxCaller characters of it.
func cleanName(name string) string {
	var out strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(strings.TrimSpace(name), "") {
		if n == maxCaller {
			break
		}
		if unicode.IsPrint(r) {
			out.WriteRune(r)
			n++
		}
	}
	return strings.TrimSpace(out.String())
}
