package netbox

import (
	"maps"
	"strings"
)

// contract are the cases in which the emulator has to be as the real NetBox is. They are played one after the other,
// each with a fabric of its own.
func contract() []contractCase {
	var all []contractCase
	for _, group := range []func() []contractCase{
		requests, ofEachKind, creations, values, updates, deletions, bulks, lists, fabrics,
	} {
		all = append(all, group()...)
	}
	return all
}

// resource is the body of a resource with some fields, of which nil ones are left out.
func resource(name string, more map[string]any) map[string]any {
	body := map[string]any{
		"fabric": "{fabric}", "name": name, "namespace": "default", "spec": map[string]any{"a": 1},
	}
	maps.Copy(body, more)
	for key, value := range body {
		if value == nil {
			delete(body, key)
		}
	}
	return body
}

// null is a JSON null: a nil field is left out.
type null struct{}

// MarshalJSON returns it.
func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func post(name string, more map[string]any) step {
	return step{method: "POST", path: "servers/?" + fields, body: resource(name, more)}
}

// entire makes a record, and is answered with all that it has.
func entire(name string, more map[string]any) step {
	return step{method: "POST", path: "servers/", body: resource(name, more)}
}

func one(name string, steps ...step) contractCase { return contractCase{name, steps} }

// requests are about what every request has.
func requests() []contractCase {
	get := func(path string, header map[string]string) step {
		return step{method: "GET", path: path, header: header}
	}
	list := "servers/?ordering=id&limit=1&fields=id"
	return []contractCase{
		one("who am I", get("/api/authentication-check/", nil)),
		one("no token", get(list, map[string]string{"Authorization": ""})),
		one("a token of the first kind that is unknown", get(list, map[string]string{
			"Authorization": "Token 0123456789abcdef0123456789abcdef01234567",
		})),
		one("a token that is unknown", get(list, map[string]string{
			"Authorization": "Bearer nbt_aaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
		})),
		one("a token that is none", get(list, map[string]string{"Authorization": "Bearer nonsense"})),
		one("no such path", get("nothing/", nil)),
		one("no slash at the end", get("servers?ordering=id", nil)),
		one("no such method", step{method: "POST", path: "servers/999999/", body: map[string]any{}}),
		one("text", step{
			method: "POST", path: "servers/", body: raw("x"), header: map[string]string{"Content-Type": "text/plain"},
		}),
		one("no JSON", step{method: "POST", path: "servers/", body: raw("{")}),
		one("no object", step{method: "POST", path: "servers/", body: "text"}),
		one("nothing", step{method: "POST", path: "servers/?" + fields, body: map[string]any{}}),
		one("what a record may have", step{method: "OPTIONS", path: "vpcs/"}),
		one("what a fabric may have", step{method: "OPTIONS", path: "fabrics/"}),
		one("what a record of no page may have", step{method: "OPTIONS", path: "externals/"}),
		one("the stub of a sync", step{method: "POST", path: "sync/", body: map[string]any{}}),
		one("the stub of a status", get("status/", nil)),
	}
}

// ofEachKind makes, reads, changes and deletes a record of each kind, with fields and without.
func ofEachKind() []contractCase {
	var all []contractCase
	for _, kind := range append(whole(), misnamed()...) {
		id := kind + "/{id}/"
		all = append(all,
			one("life of "+kind,
				step{method: "POST", path: kind + "/?" + fields, body: resource("r", nil)},
				step{method: "GET", path: id + "?" + fields, of: 1},
				step{method: "PATCH", path: id + "?" + fields, of: 1, body: map[string]any{"spec": map[string]any{"b": 2}}},
				step{method: "GET", path: kind + "/?fields=id"},
			),
			one(kind+" whole",
				step{method: "POST", path: kind + "/?" + fields, body: resource("r", nil)},
				step{method: "GET", path: id, of: 1},
				step{method: "DELETE", path: id, of: 1},
				step{method: "GET", path: id + "?" + fields, of: 1},
			))
	}
	return all
}

// creations are about identity: which fabric, which name.
func creations() []contractCase {
	at := map[string]any{
		"no fabric": nil, "an unknown fabric": nobody, "a fabric by its name": "x", "a fabric as text": "999999",
		"no fabric at all": null{},
	}
	var all []contractCase
	for name, fabric := range at {
		body := resource("r", nil)
		if body["fabric"] = fabric; fabric == nil {
			delete(body, "fabric")
		}
		all = append(all, one(name, step{method: "POST", path: "servers/?" + fields, body: body}))
	}
	for name, is := range map[string]any{
		"no name": nil, "an empty name": "", "a name with a dot": "a.b", "a name in upper case": "Abc",
		"a name that ends with a dash": "a-", "a name of 253": strings.Repeat("a", 253),
		"a name of 254": strings.Repeat("a", 254), "a name that is a number": 5, "a name with spaces around": " r ",
	} {
		all = append(all, one(name, post("r", map[string]any{"name": is})))
	}
	return sorted(append(all,
		one("no namespace", post("r", map[string]any{"namespace": nil})),
		one("a namespace with a dot", post("r", map[string]any{"namespace": "a.b"})),
		one("twice", post("twice", nil), post("twice", nil)),
		one("twice in two namespaces", post("twins", nil), post("twins", map[string]any{"namespace": "other"})),
		one("a number of its own", post("r", map[string]any{"id": 4711})),
		one("a field that nobody knows", post("r", map[string]any{"nobody": 1})),
	))
}

// values are about what fields may hold.
func values() []contractCase {
	var all []contractCase
	for name, spec := range map[string]any{
		"no spec": nil, "an empty spec": map[string]any{}, "a null spec": null{}, "a spec that is a list": []any{1},
		"a spec that is a number": 5, "a spec that is a text": "x", "a spec that is JSON as text": `{"a":1}`,
		"a spec with a NUL": map[string]any{"a": "\x00"}, "a spec with everything": map[string]any{
			"z": nil, "a": []any{1.5, -2, true, "ü"}, "m": map[string]any{"big": 1 << 53, "e": 1e300},
		},
		"an empty list as spec": []any{}, "a spec that is false": false,
	} {
		all = append(all, one(name, post("r", map[string]any{"spec": spec})))
	}
	for name, labels := range map[string]any{
		"labels": map[string]any{"a": "b"}, "null labels": null{}, "labels in a list": []any{"a"}, "labels as text": "a",
	} {
		all = append(all, one(name, post("r", map[string]any{"labels": labels})))
	}
	return sorted(append(all,
		one("annotations", post("r", map[string]any{"annotations": map[string]any{"a/b": "c"}})),
		one("no automatic sync", post("r", map[string]any{"auto_sync": false})),
		one("automatic sync as a word", post("r", map[string]any{"auto_sync": "perhaps"})),
		one("what fields leave out", post("r", map[string]any{"kubernetes_status": "fine", "last_synced": "yesterday"})),
		one("a status", entire("r", map[string]any{"kubernetes_status": "live"})),
		one("a status that is none", entire("r", map[string]any{"kubernetes_status": "fine"})),
		one("a time that is none", entire("r", map[string]any{"last_synced": "yesterday"})),
		one("a tag that is unknown", entire("r", map[string]any{"tags": []any{map[string]any{"slug": "none"}}})),
		one("a custom field that is unknown", entire("r", map[string]any{"custom_fields": map[string]any{"none": 1}})),
		one("a message for the change log", post("r", map[string]any{"changelog_message": "0123abcd somebody: why"})),
		one("a message of 200", post("r", map[string]any{"changelog_message": strings.Repeat("m", 200)})),
		one("a message of 201", post("r", map[string]any{"changelog_message": strings.Repeat("m", 201)})),
	))
}
