package httpapi

import (
	"net/http"
	"regexp"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// endDate is the field that ends a range of days. A day that it names is one of them.
const endDate = "end_date"

// moment returns the time that a text stands for as the value of a field. A date is its first moment in UTC; as the end
// of a range of days it is the first moment after it. What is no date stays.
func moment(field, text string) string {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	if field == endDate {
		day = day.AddDate(0, 0, 1)
	}
	return day.Format(time.RFC3339)
}

// datesInQuery writes dates in the query of a request as times, where parameters are times.
func datesInQuery(r *http.Request, times []string) {
	query := r.URL.Query()
	changed := false
	for name, values := range query {
		if !slices.Contains(times, name) {
			continue
		}
		for i, text := range values {
			values[i] = moment(name, text)
			changed = changed || values[i] != text
		}
	}
	if changed {
		r.URL.RawQuery = query.Encode()
	}
}

// dateMember is a member of a JSON object whose value is a date.
var dateMember = regexp.MustCompile(`"(\w+)"(\s*:\s*)"(\d{4}-\d{2}-\d{2})"`)

// datesAsTimes writes dates in the body of a request as times, where its fields are times.
func datesAsTimes(message proto.Message, raw []byte) []byte {
	fields := message.ProtoReflect().Descriptor().Fields()
	return dateMember.ReplaceAllFunc(raw, func(member []byte) []byte {
		parts := dateMember.FindSubmatch(member)
		name := string(parts[1])
		if !isTime(fields.ByTextName(name)) {
			return member
		}
		return []byte(`"` + name + `"` + string(parts[2]) + `"` + moment(name, string(parts[3])) + `"`)
	})
}

func isTime(field protoreflect.FieldDescriptor) bool {
	return field != nil && field.Message() != nil && field.Message().FullName() == "google.protobuf.Timestamp"
}
