package netboxserver

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
)

const (
	usualLimit   = 50
	highestLimit = 1000
)

// many answers a request for records.
func (s *Server) many(c call) answer {
	switch c.Method {
	case http.MethodGet:
		return s.list(c)
	case http.MethodPost:
		if bodies, is := c.body.([]any); is {
			return s.createAll(c, bodies)
		}
		return s.create(c)
	case http.MethodPatch, http.MethodDelete:
		return s.bulk(c, list(c.body))
	case http.MethodOptions:
		return s.options(c.kind)
	}
	return detail(http.StatusMethodNotAllowed, "Method %q not allowed.", c.Method)
}

// options answers with what can be written of a record, and whether it has to be. Of what the real one says besides
// there is nothing.
func (s *Server) options(k *kind) answer {
	fields := map[string]any{}
	for _, f := range k.fields {
		fields[f.name] = map[string]any{"required": f.required}
	}
	others := []string{"tags", "custom_fields", "custom_field_data"}
	if s.generation.messages() {
		others = append(others, "changelog_message")
	}
	if s.generation.tagged() {
		others = append(others, "add_tags", "remove_tags")
	}
	for _, name := range others {
		fields[name] = map[string]any{"required": false}
	}
	return answer{code: http.StatusOK, body: map[string]any{"actions": map[string]any{"POST": fields}}}
}

// list answers with a page. Filters do not count (Q3).
func (s *Server) list(c call) answer {
	query := c.URL.Query()
	records := c.kind.records
	switch order := query.Get("ordering"); {
	case order == "-id":
		records = slices.Clone(records)
		slices.Reverse(records)
	case order != "id" && !c.kind.fabric && s.generation.ordered():
		return failed("QuerySetNotOrdered") // Q1
	}
	limit, offset := pageOf(query)
	page := records[min(offset, len(records)):min(offset+limit, len(records))]
	results := []any{}
	for _, record := range page {
		a := s.show(c, http.StatusOK, record)
		if a.code != http.StatusOK {
			return a
		}
		results = append(results, a.body)
	}
	body := map[string]any{"count": len(records), "next": nil, "previous": nil, "results": results}
	if offset+limit < len(records) {
		body["next"] = s.page(c, limit, offset+limit)
	}
	if offset > 0 {
		body["previous"] = s.page(c, limit, max(0, offset-limit))
	}
	return answer{code: http.StatusOK, body: body}
}

func pageOf(query url.Values) (limit, offset int) {
	limit, err := strconv.Atoi(query.Get("limit"))
	switch {
	case err != nil || limit < 0:
		limit = usualLimit
	case limit == 0 || limit > highestLimit:
		limit = highestLimit
	}
	offset, _ = strconv.Atoi(query.Get("offset")) // 0 when there is none
	return limit, offset
}

// page is the address of another page.
func (s *Server) page(c call, limit, offset int) string {
	query := c.URL.Query()
	query.Set("limit", strconv.Itoa(limit))
	query.Set("offset", strconv.Itoa(offset))
	if offset == 0 {
		query.Del("offset")
	}
	return s.URL + c.URL.Path + "?" + query.Encode()
}

func (s *Server) create(c call) answer {
	body, is := c.body.(map[string]any)
	if !is {
		return answer{code: http.StatusBadRequest, body: s.generation.noObject(c.body)}
	}
	made, errors, exception := s.written(c, s.fresh(c.kind), body)
	if a, refused := refusedWith(errors, s.seen(c, exception)); refused {
		return a
	}
	c.kind.add(made)
	s.changes++
	return s.show(c, http.StatusCreated, made)
}

// several is the answer of a request about many records of which some are bad: none is done.
func several(bad []any, of int, what string) answer {
	return answer{code: http.StatusBadRequest, body: map[string]any{
		"detail": fmt.Sprintf("%d of %d objects %s.", len(bad), of, what), "errors": bad,
	}}
}

func (s *Server) createAll(c call, bodies []any) answer {
	before := slices.Clone(c.kind.records)
	shownOnes, bad := []any{}, map[int]map[string]any{}
	for i, item := range bodies {
		body, is := item.(map[string]any)
		if !is {
			bad[i] = s.generation.noObject(item)
			continue
		}
		made, errors, exception := s.written(c, s.fresh(c.kind), body)
		exception = s.seen(c, exception)
		switch {
		case exception != "":
			c.kind.replace(before)
			return failed(exception)
		case len(errors) > 0:
			bad[i] = errors
		default:
			c.kind.add(made)
			shownOnes = append(shownOnes, shown(made, c.URL.Query().Get("fields")))
		}
	}
	if len(bad) > 0 {
		c.kind.replace(before)
		return s.generation.refusals(bad, len(bodies))
	}
	s.changes += len(bodies)
	return answer{code: http.StatusCreated, body: shownOnes}
}

// bulk changes or deletes many records.
func (s *Server) bulk(c call, items []any) answer {
	indexes, bodies, a := s.named(c.kind, items)
	if !s.generation.named() {
		indexes, bodies, a = s.those(c.kind, items)
	}
	if a.code != 0 {
		return a
	}
	if c.Method == http.MethodDelete {
		return s.remove(c, indexes)
	}
	changed, bad := slices.Clone(c.kind.records), []any{}
	results := []any{}
	for n, i := range indexes {
		record, errors, exception := s.written(c, changed[i], bodies[n])
		if exception = s.seen(c, exception); exception != "" {
			return failed(exception)
		}
		if len(errors) > 0 && !s.generation.named() {
			return answer{code: http.StatusBadRequest, body: errors} // it does not say whose they are
		}
		if len(errors) > 0 {
			bad = append(bad, map[string]any{"id": record["id"], "errors": errors})
			continue
		}
		changed[i] = record
		results = append(results, shown(record, c.URL.Query().Get("fields")))
	}
	if len(bad) > 0 {
		return several(bad, len(items), "could not be updated")
	}
	c.kind.replace(changed)
	s.changes += len(indexes)
	return answer{code: http.StatusOK, body: results}
}

// named returns the records that the items of a bulk request name, and the answer when one does not name one.
func (s *Server) named(k *kind, items []any) (indexes []int, bodies []map[string]any, refused answer) {
	times := map[int]int{}
	var without, missing, twice []any
	for n, item := range items {
		body, _ := item.(map[string]any)
		number, is := body["id"].(json.Number)
		if !is {
			without = append(without, map[string]any{
				"index": n, "errors": map[string]any{"id": []string{"This field is required."}},
			})
			continue
		}
		id, _ := strconv.Atoi(number.String()) // 0 is nobody's
		times[id]++
		i := k.find(id)
		if i < 0 {
			missing = append(missing, about(id, fmt.Sprintf("Object with ID %d does not exist", id)))
			continue
		}
		indexes, bodies = append(indexes, i), append(bodies, body)
	}
	for _, id := range slices.Sorted(maps.Keys(times)) {
		if times[id] > 1 {
			twice = append(twice, about(id, fmt.Sprintf(
				"Each object may be specified only once; ID %d is listed %d times", id, times[id])))
		}
	}
	switch {
	case len(without) > 0:
		return nil, nil, several(without, len(items), "failed validation")
	case len(twice) > 0:
		return nil, nil, several(twice, len(items), "are listed more than once")
	case len(missing) > 0:
		return nil, nil, several(missing, len(items), "could not be found")
	}
	return indexes, bodies, answer{}
}

// those returns the records that the items of a bulk request name, as NetBox before 4.7 does: it passes over those that
// are not there, and of one that is named twice the last counts.
func (s *Server) those(k *kind, items []any) (indexes []int, bodies []map[string]any, refused answer) {
	without, bad := make([]any, len(items)), false
	for n, item := range items {
		body, _ := item.(map[string]any)
		number, is := body["id"].(json.Number)
		without[n] = map[string]any{}
		if !is {
			without[n], bad = map[string]any{"id": []string{"This field is required."}}, true
			continue
		}
		id, _ := strconv.Atoi(number.String()) // 0 is nobody's
		i := k.find(id)
		if at := slices.Index(indexes, i); at >= 0 {
			bodies[at] = body
		} else if i >= 0 {
			indexes, bodies = append(indexes, i), append(bodies, body)
		}
	}
	if bad {
		return nil, nil, answer{code: http.StatusBadRequest, body: without}
	}
	return indexes, bodies, answer{}
}

func about(id int, problem string) map[string]any {
	return map[string]any{"id": id, "errors": map[string]any{"id": []string{problem}}}
}
