package gitserver

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
)

const (
	lengthSize = 4 // of the length before each packet, which counts itself (gitprotocol-common(5))
	// mostSent is how much of a pack one packet carries beside its length and the number of its band.
	mostSent = 65520 - lengthSize - 1
)

// replace lets the client see the answer up to the pack, and another pack in the first sideband.
func (f Fault) replace(w http.ResponseWriter, r *http.Request, next http.Handler) {
	whole := httptest.NewRecorder()
	next.ServeHTTP(whole, r)
	for key, values := range whole.Header() {
		w.Header()[key] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(whole.Code)
	answer := whole.Body.Bytes()
	begin := beforePack(answer)
	_, _ = w.Write(answer[:begin])
	if begin == len(answer) {
		return
	}
	for left := f.Pack; len(left) > 0; {
		part := left[:min(mostSent, len(left))]
		left = left[len(part):]
		_, _ = fmt.Fprintf(w, "%04x\x01", lengthSize+1+len(part))
		_, _ = w.Write(part)
	}
	_, _ = io.WriteString(w, "0000")
}

// beforePack is how long an answer is up to its first packet of a sideband; all of it when there is none.
func beforePack(answer []byte) int {
	for at := 0; at+lengthSize < len(answer); {
		length, err := strconv.ParseUint(string(answer[at:at+lengthSize]), 16, 16)
		if err != nil || length > lengthSize && answer[at+lengthSize] <= 3 {
			return at
		}
		at += max(int(length), lengthSize)
	}
	return len(answer)
}
