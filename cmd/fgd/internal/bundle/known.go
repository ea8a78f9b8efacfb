package bundle

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// leastSecret is how many bytes a secret has to have that is looked for.
const leastSecret = 6

// replacer returns what puts "[redacted]" in the place of secrets, in every way in which they are written.
func replacer(secrets []string) *strings.Replacer {
	var written []string
	for _, secret := range secrets {
		for _, text := range pieces(secret) {
			written = append(written, writings(text)...)
		}
	}
	written = slices.DeleteFunc(written, func(text string) bool { return len(text) < leastSecret })
	slices.SortFunc(written, func(a, b string) int { return len(b) - len(a) }) // what has another within it comes first
	var pairs []string
	for _, text := range slices.Compact(written) {
		pairs = append(pairs, text, redacted)
	}
	return strings.NewReplacer(pairs...)
}

// pieces returns a secret and, of one of several lines, each line; of several with commas between, each of them; of a
// pair of name and password the password.
func pieces(secret string) []string {
	secret = strings.TrimSpace(secret)
	all := []string{secret}
	for line := range strings.Lines(secret) {
		line = strings.TrimSpace(line)
		all = append(all, line)
		for part := range strings.SplitSeq(line, ",") {
			all = append(all, strings.TrimSpace(part))
		}
	}
	if at, err := url.Parse(secret); err == nil && at.User != nil {
		password, _ := at.User.Password()
		all = append(all, password)
	}
	if _, password, is := strings.Cut(secret, ":"); is && !strings.Contains(secret, "\n") {
		all = append(all, password)
	}
	return slices.DeleteFunc(all, func(text string) bool { return len(text) < leastSecret })
}

// writings returns the ways in which a secret is written.
func writings(secret string) []string {
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), hex.EncodeToString([]byte(secret)),
		strings.ToUpper(hex.EncodeToString([]byte(secret))), strings.Trim(fmt.Sprintf("%q", secret), `"`),
	}
	if raw, err := json.Marshal(secret); err == nil {
		all = append(all, strings.Trim(string(raw), `"`))
	}
	var upper, lower strings.Builder
	for _, b := range []byte(secret) {
		fmt.Fprintf(&upper, "%%%02X", b)
		fmt.Fprintf(&lower, "%%%02x", b)
	}
	all = append(all, upper.String(), lower.String())
	for _, coding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
		for shift := range 3 { // wherever in a text the secret begins
			encoded := coding.EncodeToString([]byte(strings.Repeat(" ", shift) + secret))
			// The first and the last characters hold bits of what stands around the secret.
			whole := len(secret) + shift
			all = append(all, encoded[(shift*8+5)/6:whole*8/6])
		}
	}
	return all
}
