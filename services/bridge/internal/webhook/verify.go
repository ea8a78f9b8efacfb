package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers in which hosts show that they know the secret.
const (
	hubSignature   = "X-Hub-Signature-256"
	giteaSignature = "X-Gitea-Signature"
	gitlabToken    = "X-Gitlab-Token" //nolint:gosec // the name of a header
	// Those of the Standard Webhooks specification, as GitLab has them since it signs.
	standardSignature = "Webhook-Signature"
	standardID        = "Webhook-Id"
	standardTime      = "Webhook-Timestamp"
)

// tolerance is how far the clock of a host that signs the time may be from this one.
const tolerance = 5 * time.Minute

// proven reports whether a delivery shows that its sender knows one of some secrets. How long it takes says nothing
// about them. A header that is there twice counts as none: who reads the first and who reads the last would see others.
func (d Delivery) proven(secrets []shared, now time.Time) bool {
	switch d.Host {
	case GitHub:
		return d.signed(hubSignature, "sha256=", secrets)
	case Gitea:
		if len(d.Header.Values(giteaSignature)) > 0 {
			return d.signed(giteaSignature, "", secrets)
		}
		return d.signed(hubSignature, "sha256=", secrets)
	case GitLab:
		if len(d.Header.Values(standardSignature)) > 0 { // who signs is not believed by the token alone
			return d.signedStandard(secrets, now)
		}
		return d.showsToken(secrets)
	}
	return false
}

// signed reports whether a header has the HMAC-SHA256 of the body.
func (d Delivery) signed(header, prefix string, secrets []shared) bool {
	encoded, prefixed := strings.CutPrefix(only(d.Header, header), prefix)
	sum, err := hex.DecodeString(encoded)
	if !prefixed || err != nil {
		return false
	}
	return anyOf(secrets, func(s shared) bool {
		return !s.text.IsZero() && hmac.Equal(sum, macOf([]byte(s.text.Reveal()), d.Body))
	})
}

// signedStandard reports whether one of the listed signatures is that of the id, the time and the body, and the time is
// now.
func (d Delivery) signedStandard(secrets []shared, now time.Time) bool {
	id, at := only(d.Header, standardID), only(d.Header, standardTime)
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" || now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	var sums [][]byte
	for _, one := range strings.Fields(only(d.Header, standardSignature)) {
		encoded, is := strings.CutPrefix(one, "v1,")
		sum, err := base64.StdEncoding.DecodeString(encoded)
		if is && err == nil && len(sums) < mostSecrets {
			sums = append(sums, sum)
		}
	}
	return anyOf(secrets, func(s shared) bool {
		proven, want := false, macOf(s.signing, []byte(id+"."+at+"."), d.Body)
		for _, sum := range sums {
			proven = s.signing != nil && hmac.Equal(sum, want) || proven
		}
		return proven
	})
}

// showsToken reports whether a header has the secret itself. Digests are compared, which all are of one length.
func (d Delivery) showsToken(secrets []shared) bool {
	shown := sha256.Sum256([]byte(only(d.Header, gitlabToken)))
	return anyOf(secrets, func(s shared) bool {
		want := sha256.Sum256([]byte(s.text.Reveal()))
		return !s.text.IsZero() && hmac.Equal(shown[:], want[:])
	})
}

// anyOf tries all secrets, also when one is the right one.
func anyOf(secrets []shared, proves func(shared) bool) bool {
	proven := false
	for _, one := range secrets {
		proven = proves(one) || proven
	}
	return proven
}

func macOf(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(sha256.New, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// only returns the value of a header that is there once, and nothing else.
func only(h http.Header, name string) string {
	if values := h.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}
