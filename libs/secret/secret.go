// Package secret holds values that must not be seen: whatever prints, logs or encodes one shows "[redacted]".
package secret

import (
	"fmt"
	"log/slog"
	"strings"
)

const redacted = "[redacted]"

// String is a secret text.
type String struct{ value string }

// New returns a secret of a text.
func New(value string) String { return String{value: value} }

// Reveal returns the text itself, for the one place that needs it.
func (s String) Reveal() string { return s.value }

// IsZero reports whether there is no secret.
func (s String) IsZero() bool { return s.value == "" }

// RemoveFrom returns a text that somebody else wrote, with "[redacted]" wherever it had the secret.
func (s String) RemoveFrom(text string) string {
	if s.value == "" {
		return text
	}
	return strings.ReplaceAll(text, s.value, redacted)
}

// String hides the text.
func (String) String() string { return redacted }

// Format hides the text under every verb.
func (String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// LogValue hides the text in logs.
func (String) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText hides the text in JSON, YAML and the like.
func (String) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// UnmarshalText takes the text over, from a configuration.
func (s *String) UnmarshalText(text []byte) error {
	s.value = string(text)
	return nil
}
