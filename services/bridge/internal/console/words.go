package console

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// agoOf says how long ago something was, or in how long it will be.
func agoOf(t *timestamppb.Timestamp, now time.Time) string {
	if t == nil {
		return "never"
	}
	since := now.Sub(t.AsTime())
	switch {
	case since < -time.Second:
		return "in " + lengthOf(-since)
	case since < 5*time.Second:
		return "just now"
	}
	return lengthOf(since) + " ago"
}

// lengthOf says how long something takes, to the unit that matters.
func lengthOf(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d/day))
}

// lasted says how long something took; nothing while it is not over.
func lasted(from, to *timestamppb.Timestamp) string {
	if from == nil || to == nil {
		return ""
	}
	return lengthOf(to.AsTime().Sub(from.AsTime()))
}

// short returns the beginning of a Git object id, or of a UUID.
func short(id string) string { return id[:min(len(id), 8)] }

// many says how many there are of something.
func many(n int32, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, several)
}

// mark is how a state looks: its colour never stands alone.
type mark struct{ Class, Sign, Word string }

// markOf returns how a state of a fabric, a sync, a component or a conflict looks.
func markOf(state string) mark {
	word := strings.ReplaceAll(state, "_", " ")
	switch state {
	case "ok", "completed", "healthy", "resolved", "active", "created", "create":
		return mark{"good", "✔", word}
	case "failing", "failed", "unhealthy", "denied", "removed", "delete", "revoked", "error":
		return mark{"bad", "✖", word}
	case "degraded", "overdue", "retrying", "open", "quarantine", "interrupted", "warning", "expired":
		return mark{"warn", "▲", word}
	case "suspended", "cancelled", "unknown", "":
		return mark{"idle", "■", word}
	}
	return mark{"busy", "◐", word}
}

// line is a line of a file, as it is shown.
type line struct {
	Number int
	Text   string
	Marked bool
}

// maxLine bounds a line that is shown, in bytes; maxLines how many are.
const (
	maxLine  = 2000
	maxLines = 2000
)

// numbered returns the lines of a file, of which one is marked; the first has the number 1.
func numbered(text string, marked int32) []line {
	var lines []line
	for one := range strings.Lines(text) {
		if len(lines) == maxLines {
			break
		}
		n := len(lines) + 1
		lines = append(lines, line{n, cut(strings.TrimRight(one, "\r\n")), n == int(marked)})
	}
	return lines
}

// cut returns what is shown of a line: not all of a long one.
func cut(text string) string {
	if len(text) > maxLine {
		return strings.ToValidUTF8(text[:maxLine], "") + " … (cut)"
	}
	return text
}

// jsonText returns a value as JSON that people can read.
func jsonText(m proto.Message) string {
	if m == nil || !m.ProtoReflect().IsValid() {
		return "absent"
	}
	raw, err := protojson.Marshal(m)
	if err != nil {
		return "(a value that can't be shown)"
	}
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return string(raw)
	}
	pretty, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return string(raw)
	}
	return string(pretty)
}

// pairs returns a map for a part of a page, from names and values in turn.
func pairs(of ...any) (map[string]any, error) {
	if len(of)%2 != 0 {
		return nil, fmt.Errorf("%d names and values are no pairs", len(of))
	}
	m := map[string]any{}
	for i := 0; i < len(of); i += 2 {
		name, named := of[i].(string)
		if !named {
			return nil, fmt.Errorf("%v is no name", of[i])
		}
		m[name] = of[i+1]
	}
	return m, nil
}

// shortened returns a text with its middle left out where it has more characters than there is room for.
func shortened(text string, most int) string {
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most/2]) + "…" + string(runes[len(runes)-most/2+1:])
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
