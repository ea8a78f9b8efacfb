package hnp

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
)

// clean returns a text of somebody else's without the token: some show what they were sent.
func (c *Client) clean(text string) string { return c.half.RemoveFrom(c.bare.RemoveFrom(text)) }

// printable returns a text of somebody else's without the token, as one line of bounded length.
func (c *Client) printable(text string) string { return printable(c.clean(text)) }

// cleanURL returns an address without the token, however it is escaped there.
func (c *Client) cleanURL(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil && c.clean(plain) != plain {
		text = plain
	}
	return c.clean(text)
}

// cleanJSON returns an answer without the token, however it is escaped there.
func (c *Client) cleanJSON(raw []byte) []byte {
	var value any
	if decode(raw, &value) != nil {
		return []byte(c.clean(string(raw)))
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(c.cleaned(value)); err != nil {
		return nil // what is not understood is not shown
	}
	return out.Bytes()
}

// cleaned returns a value of JSON with all its texts clean.
func (c *Client) cleaned(value any) any {
	switch value := value.(type) {
	case string:
		return c.clean(value)
	case []any:
		for i := range value {
			value[i] = c.cleaned(value[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(value))
		for key, inner := range value {
			clean[c.clean(key)] = c.cleaned(inner)
		}
		return clean
	}
	return value
}

// longestID is how long the name of a request is that is kept.
const longestID = 100

// requestID returns what somebody calls a request, and nothing for what is no such name.
func (c *Client) requestID(text string) string {
	if len(text) > longestID || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return c.clean(text)
}
