package httpapi

import (
	"fmt"
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// compressedFrom is the size in bytes from which an answer is worth being compressed. A status, which is asked for
// most, is below it: it would take a tenth more of a processor for a packet less.
const compressedFrom = 4096

// newCompression returns what compresses the answers of a handler for who accepts gzip.
func newCompression() (func(http.Handler) http.HandlerFunc, error) {
	compressed, err := gzhttp.NewWrapper(gzhttp.MinSize(compressedFrom), gzhttp.EnableZstd(false))
	if err != nil {
		return nil, fmt.Errorf("set up compression: %w", err)
	}
	return compressed, nil
}
