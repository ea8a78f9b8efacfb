package remote

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"fgdsync.dev/services/github-sync/internal/credentials"
)

// exchange is what a request came to; the Git library keeps little of it.
type exchange struct {
	status int
	header http.Header
	err    error
	push   bool   // it was one of a push
	begins []byte // what the answer began with
	sha256 bool   // the repository has ids that the Git library can't read
	offers []string
}

// mostSaid is how much is looked at of what a host says beside the protocol.
const mostSaid = 8 << 10

// remember keeps what an answer begins with.
func (a *exchange) remember(p []byte) {
	a.begins = append(a.begins, p[:min(len(p), mostSaid-len(a.begins))]...)
}

// capable reports whether the host offers a capability. The Git library tells only of those that it has.
func (a *exchange) capable(of capability.Capability) bool {
	if a.offers == nil {
		_, rest, _ := bytes.Cut(a.begins, []byte{0})
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		a.offers = strings.Fields(string(line))
	}
	return slices.Contains(a.offers, of.String())
}

func (a *exchange) is(mediaType string) bool {
	got, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	return err == nil && got == mediaType
}

// webPage reports whether the answer is one for people, and not of the protocol.
func (a *exchange) webPage() bool { return a.is("text/html") }

// words are what the host says in plain text, or in an error line of the protocol; fit to be shown.
func (a *exchange) words(err error, login credentials.Basic) string {
	text := errorLine(err, a.begins)
	if text == "" && a.status >= http.StatusBadRequest && a.is("text/plain") {
		text = string(a.begins)
	}
	return strings.TrimSpace(Scrub(strings.TrimSpace(text), login))
}

// errorLine finds the error line of an answer that ended with it.
func errorLine(err error, begins []byte) string {
	var line *pktline.ErrorLine
	if errors.As(err, &line) {
		return line.Text
	}
	s := pktline.NewScanner(bytes.NewReader(begins))
	for s.Scan() { // the error counts
	}
	if errors.As(s.Err(), &line) {
		return line.Text
	}
	return ""
}

// saying adds what a host says to a message.
func saying(message, words string) string {
	if words == "" {
		return message + "."
	}
	return message + ": " + words
}

// sidebandText is the beginning of what a host says beside the protocol.
type sidebandText []byte

func (s *sidebandText) Write(p []byte) (int, error) {
	*s = append(*s, p[:min(len(p), mostSaid-len(*s))]...)
	return len(p), nil
}

// limitedBody is an answer that may not be longer than is allowed, and whose beginning is remembered.
type limitedBody struct {
	io.ReadCloser
	left     int64
	refs     bool
	exchange *exchange
}
