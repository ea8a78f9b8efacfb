package apiv1

import (
	"encoding/base64"
	"math"
	"strings"

	"fgdsync.dev/libs/errs"
)

// separator is in no part of a name.
const separator = "\x00"

// ResourcePageToken returns what asks for what follows a resource, in a list by kind, namespace and name.
func ResourcePageToken(kind, namespace, name string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Join([]string{kind, namespace, name}, separator)))
}

// ResourcePosition returns after which kind, namespace and name a page begins; nil at the first.
func ResourcePosition(token string) ([]string, error) {
	if token == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	place := strings.Split(string(raw), separator)
	if err != nil || len(place) != 3 {
		return nil, errs.Field("page_token", "page_token is not one that was given out.")
	}
	return place, nil
}

// Number returns a number of 32 bits, as all numbers of the API are.
func Number(n int64) int32 { return int32(min(n, math.MaxInt32)) }
