package netbox

import (
	"slices"
	"strings"
)

// sorted returns cases by their names.
func sorted(cases []contractCase) []contractCase {
	slices.SortFunc(cases, func(a, b contractCase) int { return strings.Compare(a.name, b.name) })
	return cases
}

const oneServer = "servers/{id}/?" + fields

func patch(of int, body any) step { return step{method: "PATCH", path: oneServer, of: of, body: body} }

// updates are about changes of a record.
func updates() []contractCase {
	wrong := map[string]string{"If-Match": `W/"2000-01-01T00:00:00+00:00"`}
	return []contractCase{
		one("change a spec", post("u", nil), patch(1, map[string]any{"spec": map[string]any{"b": 2}})),
		one("change a name", post("u", nil), patch(1, map[string]any{"name": "v"})),
		one("change to a name that is there", post("u", nil), post("v", nil), patch(2, map[string]any{"name": "u"})),
		one("change nothing", post("u", nil), patch(1, map[string]any{})),
		one("change to the same", post("u", nil), patch(1, map[string]any{"spec": map[string]any{"a": 1}})),
		one("change to an empty spec", post("u", nil), patch(1, map[string]any{"spec": map[string]any{}})),
		one("change labels alone", post("u", nil), patch(1, map[string]any{"labels": map[string]any{"a": "b"}})),
		one("change the fabric to none", post("u", nil), patch(1, map[string]any{"fabric": nobody})),
		one("change what is not there", step{method: "PATCH", path: "servers/999999/?" + fields, body: map[string]any{}}),
		one("replace", post("u", nil), step{method: "PUT", path: oneServer, of: 1, body: resource("w", nil)}),
		one("replace without a spec", post("u", nil), step{
			method: "PUT", path: oneServer, of: 1, body: resource("w", map[string]any{"spec": nil}),
		}),
		one("change what has changed", post("u", nil), step{
			method: "PATCH", path: oneServer, of: 1, body: map[string]any{"name": "v"}, header: wrong,
		}),
		one("change with a list", post("u", nil), patch(1, []any{})),
	}
}

// deletions are about records that go.
func deletions() []contractCase {
	remove := step{method: "DELETE", path: "servers/{id}/", of: 1}
	return []contractCase{
		one("delete", post("d", nil), remove, remove),
		one("delete what has changed", post("d", nil), step{
			method: "DELETE", path: "servers/{id}/", of: 1, header: map[string]string{"If-Match": `W/"2000"`},
		}),
		one("delete what is not there", step{method: "DELETE", path: "servers/999999/"}),
	}
}

// bulks are about many records in one request: all of them, or none.
func bulks() []contractCase {
	many := func(method string, body any) step {
		return step{method: method, path: "servers/?" + fields, body: body}
	}
	bad := resource("b-3", map[string]any{"name": "A.B"})
	return []contractCase{
		one("make two", many("POST", []any{resource("b-1", nil), resource("b-2", nil)})),
		one("make two of which one is bad", many("POST", []any{resource("b-1", nil), bad}), post("b-1", nil)),
		one("make none", many("POST", []any{})),
		one("make six of which four are bad", many("POST", []any{
			resource("s-1", nil), bad, resource("s-2", map[string]any{"spec": map[string]any{}}),
			resource("s-3", map[string]any{"fabric": nobody}), resource("s-4", map[string]any{"namespace": "A.B"}),
			resource("s-5", nil),
		}), post("s-1", nil)),
		one("make two that are the same", many("POST", []any{
			resource("s-6", nil), resource("s-6", nil),
		}), post("s-6", nil)),
		one("make one that is there in a list", post("s-7", nil), many("POST", []any{
			resource("s-8", nil), resource("s-7", nil),
		}), post("s-8", nil)),
		one("make one that is there and one that is bad in a list", post("s-9", nil), many("POST", []any{
			bad, resource("s-9", nil),
		})),
		one("make one with a NUL in a list", many("POST", []any{
			resource("s-10", map[string]any{"spec": map[string]any{"a": "\x00"}}), resource("s-11", nil),
		}), post("s-11", nil)),
		one("make what is no object in a list", many("POST", []any{resource("s-12", nil), "text", nil, []any{}})),
		one("make one with a message of 201 in a list", many("POST", []any{
			resource("s-13", map[string]any{"changelog_message": strings.Repeat("m", 201)}),
		})),
		one("change one in a list", post("b", nil), step{
			method: "PATCH", path: "servers/?" + fields, of: 1,
			body: []any{map[string]any{"id": "{id}", "spec": map[string]any{"c": 3}}},
		}),
		one("change one that is not there in a list", many("PATCH", []any{map[string]any{"id": nobody}})),
		one("change one badly in a list", post("b", nil), step{
			method: "PATCH", path: "servers/?" + fields, of: 1, body: []any{map[string]any{"id": "{id}", "name": "A.B"}},
		}),
		one("change one twice in a list", post("b", nil), step{
			method: "PATCH", path: "servers/?" + fields, of: 1,
			body: []any{map[string]any{"id": "{id}", "name": "x"}, map[string]any{"id": "{id}", "name": "y"}},
		}),
		one("change without a number in a list", many("PATCH", []any{map[string]any{"name": "x"}})),
		one("delete one in a list", post("b", nil), step{
			method: "DELETE", path: "servers/", of: 1, body: []any{map[string]any{"id": "{id}"}},
		}),
		one("delete one that is not there in a list", many("DELETE", []any{map[string]any{"id": nobody}})),
	}
}

// lists are about pages. Of VLAN namespaces there are those of these cases alone.
func lists() []contractCase {
	add := func(name string) step {
		return step{method: "POST", path: "vlan-namespaces/?" + fields, body: resource(name, nil)}
	}
	list := func(query string) step {
		return step{method: "GET", path: "vlan-namespaces/?fields=name,namespace&" + query}
	}
	return []contractCase{
		one("pages", add("l-1"), add("l-2"), add("l-3"), list("ordering=id&limit=2"), list("ordering=id&limit=2&offset=2"),
			list("ordering=id&limit=2&offset=1000"), list("ordering=-id&limit=2")),
		one("a limit that is too high", list("ordering=id&limit=100000&offset=1000")),
		one("no limit", list("ordering=id&limit=0&offset=1000")),
		one("a limit that is none", list("ordering=id&limit=x&offset=1000")),
		one("an order that is none", list("ordering=nothing")),
		one("a filter that is none", list("ordering=id&nothing=1&offset=1000")),
		one("a search", list("ordering=id&q=l-2&offset=1000")),
	}
}

// fabrics are about the records of fabrics themselves.
func fabrics() []contractCase {
	state := "fields=id,name,sync_status,sync_error,last_sync"
	at := func(method, query string, body any) step {
		return step{method: method, path: "fabrics/{fabric}/" + query, body: body}
	}
	return []contractCase{
		one("read a fabric", at("GET", "?"+state, nil)),
		one("read a fabric whole", at("GET", "", nil)),
		one("list fabrics whole", step{method: "GET", path: "fabrics/?limit=1"}),
		one("the state of a fabric", at("PATCH", "?"+state, map[string]any{
			"sync_status": "in_sync", "sync_error": "", "last_sync": "2026-01-02T03:04:05Z",
		})),
		one("a state that is none", at("PATCH", "?"+state, map[string]any{"sync_status": "synced"})),
		one("the counts of a fabric", at("PATCH", "?fields=connections_count,vpcs_count,cached_crd_count", map[string]any{
			"connections_count": 26, "vpcs_count": 2, "cached_crd_count": 48,
		})),
		one("a count below zero", at("PATCH", "?fields=vpcs_count", map[string]any{"vpcs_count": -1})),
		one("a count that is none", at("PATCH", "?fields=vpcs_count", map[string]any{"vpcs_count": "many"})),
		one("an error of a fabric in lines", at("PATCH", "?"+state, map[string]any{
			"sync_status": "error", "sync_error": " one\ntwo ", "last_sync": "2026-01-02T03:04:05.678901+01:00",
		})),
		one("a fabric that was never synced", at("PATCH", "?"+state, map[string]any{"last_sync": nil})),
		one("the state of a fabric that has changed", step{
			method: "PATCH", path: "fabrics/{fabric}/?" + state, body: map[string]any{"sync_status": "syncing"},
			header: map[string]string{"If-Match": `W/"2000"`},
		}),
		one("the state of a fabric in a list", step{
			method: "PATCH", path: "fabrics/?" + state,
			body: []any{map[string]any{"id": "{fabric}", "sync_status": "syncing"}},
		}),
		one("the state of no fabric", step{method: "PATCH", path: "fabrics/999999/?" + state, body: map[string]any{}}),
		one("a fabric that is there", step{
			method: "POST", path: "fabrics/?" + fabricFields, body: map[string]any{"name": "a fabric that is there"},
		}),
		one("a fabric without a name", step{method: "POST", path: "fabrics/?" + fabricFields, body: map[string]any{}}),
		one("delete a fabric", at("DELETE", "", nil), at("GET", "?"+state, nil)),
	}
}
