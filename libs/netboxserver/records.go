package netboxserver

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const longestMessage = 200 // of the change log, by its column

// one answers a request for a record.
func (s *Server) one(c call) answer {
	id, err := strconv.Atoi(c.id)
	if c.Method == http.MethodPost {
		return detail(http.StatusMethodNotAllowed, "Method %q not allowed.", c.Method)
	}
	i := c.kind.find(id)
	if err != nil || i < 0 {
		return detail(http.StatusNotFound, "No %s matches the given query.", c.kind.model)
	}
	record := c.kind.records[i]
	wanted := c.Header.Get("If-Match")
	if s.generation.conditional() && wanted != "" && wanted != etag(record) && c.Method != http.MethodGet {
		a := detail(http.StatusPreconditionFailed, "Precondition failed.")
		a.etag = etag(record)
		return a
	}
	switch c.Method {
	case http.MethodGet:
		return s.show(c, http.StatusOK, record)
	case http.MethodDelete:
		return s.remove(c, []int{i})
	}
	body, is := c.body.(map[string]any)
	if !is {
		return failed("NotImplementedError")
	}
	changed, errors, exception := s.written(c, record, body)
	if a, refused := refusedWith(errors, s.seen(c, exception)); refused {
		return a
	}
	c.kind.change(i, changed)
	s.changes++
	return s.show(c, http.StatusOK, changed)
}

func refusedWith(errors map[string]any, exception string) (answer, bool) {
	switch {
	case len(errors) > 0:
		return answer{code: http.StatusBadRequest, body: errors}, true
	case exception != "":
		return failed(exception), true
	}
	return answer{}, false
}

// seen returns the exception of a save: a NetBox that looks for the page of what it saves fails where it finds none
// (Q2), and nothing is done.
func (s *Server) seen(c call, exception string) string {
	if exception == "" && c.kind.misnamed && s.generation.eager() {
		return "ImproperlyConfigured"
	}
	return exception
}

func etag(record map[string]any) string {
	at, _ := record["last_updated"].(string)
	at = strings.TrimSuffix(strings.TrimSuffix(at, "Z"), ".000000") // as Python writes it
	return `W/"` + at + `+00:00"`
}

// show answers with a record, which fails where its page is asked for and not found (Q2): what was done stays done.
func (s *Server) show(c call, code int, record map[string]any) answer {
	fields := c.URL.Query().Get("fields")
	if c.kind.misnamed && (fields == "" || strings.Contains(fields, "display_url")) {
		return failed("ImproperlyConfigured")
	}
	return answer{code: code, body: shown(record, fields), etag: etag(record)}
}

// written returns a record with what a body says of the fields that are asked for; all of them in a new record, and in
// one that is replaced.
func (s *Server) written(c call, record, body map[string]any) (out, errors map[string]any, exception string) {
	out, errors = maps.Clone(record), map[string]any{}
	asked := c.URL.Query().Get("fields")
	takes := func(name string) bool { return asked == "" || strings.Contains(","+asked+",", ","+name+",") }
	for _, f := range c.kind.fields {
		value, given := body[f.name]
		switch {
		case !takes(f.name):
		case !given && f.required && c.Method != http.MethodPatch:
			errors[f.name] = []string{"This field is required."}
		case !given:
		case value == nil && f.initial == nil && !f.required:
			out[f.name] = nil
		case value == nil:
			errors[f.name] = []string{"This field may not be null."}
		case value == "" && f.required:
			errors[f.name] = []string{"This field may not be blank."}
		default:
			read, problem := f.read(s, value)
			if problem != "" {
				errors[f.name] = []string{problem}
			}
			out[f.name] = read
		}
	}
	if takes("tags") && len(list(body["tags"])) > 0 {
		errors["tags"] = []string{"Related object not found using the provided attributes: {'slug': 'none'}"}
	}
	if custom, _ := body["custom_fields"].(map[string]any); takes("custom_fields") && len(custom) > 0 {
		errors["custom_fields"] = noCustomFields(custom)
	}
	if len(errors) > 0 {
		return out, errors, ""
	}
	return s.held(c, out, body)
}

func noCustomFields(custom map[string]any) map[string]any {
	errors := map[string]any{}
	for name := range custom {
		errors[name] = fmt.Sprintf("Custom field '%s' does not exist for this object type.", name)
	}
	return errors
}

func list(value any) []any {
	out, _ := value.([]any)
	return out
}

// held holds a record against the model and the database.
func (s *Server) held(c call, out, body map[string]any) (record, errors map[string]any, exception string) {
	errors = map[string]any{}
	for _, f := range c.kind.fields {
		if f.hold == nil {
			continue
		}
		if problem := f.hold(out[f.name]); problem != "" {
			errors[f.name] = []string{problem}
		}
	}
	if c.kind.fabric && c.kind.taken(out) {
		errors["name"] = []string{c.kind.verbose + " with this name already exists."}
	}
	message, _ := body["changelog_message"].(string)
	switch {
	case len(errors) > 0:
		return out, errors, ""
	case hasNUL(out["spec"]) || hasNUL(out["labels"]) || hasNUL(out["annotations"]):
		return out, nil, "DataError"
	case !c.kind.fabric && c.kind.twin(out):
		return out, nil, "IntegrityError"
	case s.generation.messages() && utf8.RuneCountInString(message) > longestMessage:
		return out, nil, "DataError"
	}
	out["last_updated"] = timeOf(s.now())
	out["display"] = s.display(c.kind, out)
	return out, nil, ""
}

func (k *kind) taken(record map[string]any) bool {
	for _, other := range k.records {
		if other["name"] == record["name"] && other["id"] != record["id"] {
			return true
		}
	}
	return false
}

func (s *Server) display(k *kind, record map[string]any) string {
	if k.fabric {
		return fmt.Sprint(record["name"])
	}
	fabrics := s.kinds["fabrics"]
	if i := fabrics.find(record["fabric"]); i >= 0 {
		return fmt.Sprintf("%v (%v)", record["name"], fabrics.records[i]["name"])
	}
	return fmt.Sprint(record["name"])
}

// fresh returns a record that has only what all new ones have.
func (s *Server) fresh(k *kind) map[string]any {
	s.last++
	record := map[string]any{
		"id": s.last, "created": timeOf(s.now()), "custom_field_data": map[string]any{},
		"custom_fields": map[string]any{}, "tags": []any{},
		"url":         fmt.Sprintf("%s/api/plugins/hedgehog/%s/%d/", s.URL, k.endpoint, s.last),
		"display_url": fmt.Sprintf("%s/plugins/hedgehog/%s/%d/", s.URL, cmp.Or(k.page, k.endpoint), s.last),
	}
	for _, f := range k.fields {
		record[f.name] = f.initial
	}
	return record
}

// remove removes records, unless NetBox does not find their page (Q2).
func (s *Server) remove(c call, indexes []int) answer {
	if c.kind.misnamed {
		return failed("ImproperlyConfigured")
	}
	gone := map[any]bool{}
	for _, i := range indexes {
		gone[c.kind.records[i]["id"]] = true
	}
	s.drop(c.kind, "id", gone)
	return answer{code: http.StatusNoContent}
}

// drop removes the records of which a field has one of some values. With a fabric go all that are in it (Q8).
func (s *Server) drop(k *kind, field string, values map[any]bool) {
	left := slices.DeleteFunc(slices.Clone(k.records), func(record map[string]any) bool { return values[record[field]] })
	s.changes += len(k.records) - len(left)
	k.replace(left)
	if !k.fabric {
		return
	}
	for _, other := range s.kinds {
		if !other.fabric {
			s.drop(other, "fabric", values)
		}
	}
}
