package netboxserver_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"fgdsync.dev/libs/netboxserver"
	"fgdsync.dev/testkit/netboxtest"
)

const fields = "?fields=id,fabric,name,namespace,spec,last_updated&ordering=id"

// netbox is one of a version, with a fabric in it.
type netbox struct {
	*netboxserver.Server
	t      *testing.T
	fabric int
}

func start(t *testing.T, version string) *netbox {
	t.Helper()
	s := netboxtest.StartVersion(t, version)
	return &netbox{s, t, s.AddFabric("fabric-1")}
}

// send makes a request at an endpoint of the plugin, or elsewhere, and returns the answer.
func (n *netbox) send(method, path string, body any, header ...string) (code int, text, etag string) {
	n.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		n.t.Fatal(err)
	}
	if !strings.HasPrefix(path, "/") {
		path = "/api/plugins/hedgehog/" + path
	}
	request, err := http.NewRequestWithContext(n.t.Context(), method, n.URL+path, bytes.NewReader(raw))
	if err != nil {
		n.t.Fatal(err)
	}
	request.Header.Set("Authorization", netboxserver.Token)
	request.Header.Set("Content-Type", "application/json")
	if len(header) == 2 {
		request.Header.Set(header[0], header[1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		n.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(said)), response.Header.Get("ETag")
}

func (n *netbox) record(name string) map[string]any {
	return map[string]any{"fabric": n.fabric, "name": name, "spec": map[string]any{"a": 1}}
}

// TestGenerations differ in what is known of them, and in nothing else.
func TestGenerations(t *testing.T) {
	t.Parallel()
	for name, difference := range map[string]struct {
		last string // that it is so of; newer ones are otherwise
		is   func(n *netbox) bool
	}{
		"a list has no order": {"4.3.0", func(n *netbox) bool {
			code, _, _ := n.send(http.MethodGet, "vpcs/?fields=id", nil)
			return code == http.StatusOK
		}},
		"long messages are passed over": {"4.3.5", func(n *netbox) bool {
			record := n.record("long")
			record["changelog_message"] = strings.Repeat("m", 201)
			code, _, _ := n.send(http.MethodPost, "vpcs/"+fields, record)
			return code == http.StatusCreated
		}},
		"no token can be tried": {"4.4.7", func(n *netbox) bool {
			code, _, _ := n.send(http.MethodGet, "/api/authentication-check/", nil)
			return code == http.StatusNotFound
		}},
		"a record without a page is not saved": {"4.5.1", func(n *netbox) bool {
			code, _, _ := n.send(http.MethodPost, "externals/"+fields, n.record("e"))
			_, list, _ := n.send(http.MethodGet, "externals/"+fields, nil)
			return code == http.StatusInternalServerError && strings.Contains(list, `"count":0`)
		}},
		"no write is conditional": {"4.5.2", func(n *netbox) bool {
			_, text, etag := n.send(http.MethodPost, "vpcs/"+fields, n.record("c"))
			var made struct{ ID json.Number }
			if err := json.Unmarshal([]byte(text), &made); err != nil {
				n.t.Fatal(err)
			}
			path := "vpcs/" + made.ID.String() + "/" + fields
			code, _, _ := n.send(http.MethodPatch, path, map[string]any{}, "If-Match", `W/"1"`)
			return etag == "" && code == http.StatusOK
		}},
		"refusals are a list": {"4.6.0", func(n *netbox) bool {
			_, text, _ := n.send(http.MethodPost, "vpcs/"+fields, []any{n.record("r"), n.record("A.B"), 5})
			return strings.HasPrefix(text, `[{},{"name":[`) && strings.Contains(text, `non_field_errors`)
		}},
		"a refused change names nobody": {"4.6.0", func(n *netbox) bool {
			_, text, _ := n.send(http.MethodPost, "vpcs/"+fields, n.record("n"))
			var made map[string]any
			if err := json.Unmarshal([]byte(text), &made); err != nil {
				n.t.Fatal(err)
			}
			made["name"] = "A.B"
			_, text, _ = n.send(http.MethodPatch, "vpcs/"+fields, []any{made})
			return strings.HasPrefix(text, `{"name":[`)
		}},
		"what is not there is passed over": {"4.6.0", func(n *netbox) bool {
			code, _, _ := n.send(http.MethodDelete, "vpcs/", []any{map[string]any{"id": 4711}})
			return code == http.StatusNoContent
		}},
	} {
		for _, version := range netboxserver.Versions() {
			t.Run(name+" "+version, func(t *testing.T) {
				t.Parallel()
				if got := difference.is(start(t, version)); got != (version <= difference.last) {
					t.Errorf("%v on %s", got, version)
				}
			})
		}
	}
}

// TestAVersionOfTwoNumbers is the newest that is known of it.
func TestAVersionOfTwoNumbers(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"4.3": "4.3.5", "4.5": "4.5.2", "4.7": netboxserver.Version, "4.4.9": "4.4.9",
	} {
		_, said, _ := start(t, given).send(http.MethodGet, "/api/status/", nil)
		if !strings.Contains(said, `"netbox-version":"`+want+`"`) {
			t.Errorf("%s is %s", given, said)
		}
	}
}

// TestWithAFabricGoAllOfItsRecords, whoever deletes it.
func TestWithAFabricGoAllOfItsRecords(t *testing.T) {
	t.Parallel()
	n := start(t, netboxserver.Version)
	n.send(http.MethodPost, "vpcs/"+fields, n.record("v"))
	other := n.record("v")
	other["fabric"] = n.AddFabric("fabric-2")
	n.send(http.MethodPost, "vpcs/"+fields, other)
	n.Remove("fabrics", n.fabric)
	_, list, _ := n.send(http.MethodGet, "vpcs/"+fields, nil)
	if !strings.Contains(list, `"count":1,`) || n.Changes() != 4 {
		t.Errorf("%s, %d changes", list, n.Changes())
	}
}
