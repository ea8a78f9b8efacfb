package netboxserver

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// text reads a text of at most so many characters; 0 is for any number.
func text(longest int) func(*Server, any) (any, string) {
	return func(_ *Server, value any) (any, string) {
		if number, is := value.(json.Number); is {
			value = number.String()
		}
		read, is := value.(string)
		if read = strings.TrimSpace(read); !is {
			return nil, "Not a valid string."
		}
		if longest > 0 && len([]rune(read)) > longest {
			return nil, fmt.Sprintf("Ensure this field has no more than %d characters.", longest)
		}
		return read, ""
	}
}

func anything(_ *Server, value any) (any, string) { return value, "" }

// count reads a number of things.
func count(_ *Server, value any) (any, string) {
	number, err := strconv.Atoi(fmt.Sprint(value))
	switch {
	case err != nil:
		return nil, "A valid integer is required."
	case number < 0:
		return nil, "Ensure this value is greater than or equal to 0."
	}
	return number, ""
}

func boolean(_ *Server, value any) (any, string) {
	if _, is := value.(bool); !is {
		return nil, "Must be a valid boolean."
	}
	return value, ""
}

func choice(words ...string) func(*Server, any) (any, string) {
	return func(_ *Server, value any) (any, string) {
		if word, is := value.(string); !is || !slices.Contains(words, word) {
			return nil, fmt.Sprintf("%q is not a valid choice.", fmt.Sprint(value))
		}
		return value, ""
	}
}

func moment(_ *Server, value any) (any, string) {
	if word, is := value.(string); is {
		if at, err := time.Parse(time.RFC3339Nano, word); err == nil {
			return timeOf(at), ""
		}
	}
	return nil, "Datetime has wrong format. Use one of these formats instead: " +
		"YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]."
}

// timeOf returns a time as NetBox writes it.
func timeOf(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000Z") }

func fabricNumber(s *Server, value any) (any, string) {
	number := fmt.Sprint(value)
	id, err := strconv.Atoi(number)
	switch value.(type) {
	case json.Number, string:
	default:
		err = strconv.ErrSyntax
	}
	if err != nil {
		return nil, "Incorrect type. Expected pk value, received str."
	}
	if s.kinds["fabrics"].find(id) < 0 {
		return nil, fmt.Sprintf("Invalid pk %q - object does not exist.", number)
	}
	return id, ""
}

var nameForm = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

func name(value any) string {
	if word, _ := value.(string); !nameForm.MatchString(word) {
		return "Enter a valid Kubernetes name: lower-case letters, digits and '-'."
	}
	return ""
}

// jsonMaybe is what the model has against JSON that came as text.
func jsonMaybe(value any) string {
	if word, is := value.(string); is && !json.Valid([]byte(word)) {
		return "Enter valid JSON."
	}
	return ""
}

// jsonThatIs refuses what is empty too (Q4).
func jsonThatIs(value any) string {
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 {
			return "This field cannot be blank."
		}
	case []any:
		if len(value) == 0 {
			return "This field cannot be blank."
		}
	case string:
		if value == "" {
			return "This field cannot be blank."
		}
	}
	return jsonMaybe(value)
}

// hasNUL reports whether a text of a value has a NUL, which the database does not take.
func hasNUL(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.Contains(value, "\x00")
	case []any:
		return slices.ContainsFunc(value, hasNUL)
	case map[string]any:
		for key, inner := range value {
			if hasNUL(key) || hasNUL(inner) {
				return true
			}
		}
	}
	return false
}
