package netboxserver

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// table is the objects of NetBox's own at a path.
type table struct {
	path     string // below /api/
	model    string // as messages call it
	verbose  string
	required []string
	unique   string // the field that no two have the same of
	initial  map[string]any
	objects  []map[string]any
	last     int
}

func tables() []*table {
	return []*table{
		{
			path: "users/users", model: "User", required: []string{"username", "password"}, unique: "username",
			initial: map[string]any{
				"first_name": "", "last_name": "", "email": "", "is_active": true, "last_login": nil, "groups": []any{},
				"permissions": []any{},
			},
		},
		{
			path: "users/permissions", model: "ObjectPermission", required: []string{"name", "object_types", "actions"},
			initial: map[string]any{
				"description": "", "enabled": true, "constraints": nil, "groups": []any{}, "users": []any{},
			},
		},
		{
			path: "users/tokens", model: "Token", required: []string{"user"}, initial: map[string]any{
				"version": 2, "description": "", "expires": nil, "last_used": nil, "enabled": true, "write_enabled": true,
				"allowed_ips": []any{},
			},
		},
		{
			path: "extras/webhooks", model: "Webhook", verbose: "webhook", required: []string{"name", "payload_url"},
			unique: "name", initial: map[string]any{
				"description": "", "http_method": "POST", "http_content_type": "application/json", "additional_headers": "",
				"body_template": "", "secret": "", "ssl_verification": true, "ca_file_path": nil,
			},
		},
		{
			path: "extras/event-rules", model: "EventRule", verbose: "event rule",
			required: []string{"name", "object_types", "event_types", "action_type"}, unique: "name",
			initial: map[string]any{"description": "", "enabled": true, "conditions": nil},
		},
	}
}

// administered answers a request for objects of NetBox's own. It is none when there is no such path.
func (s *Server) administered(r *http.Request) (a answer, is bool) {
	for _, t := range s.tables {
		rest, below := strings.CutPrefix(r.URL.Path, "/api/"+t.path+"/")
		if !below {
			continue
		}
		c := call{Request: r, id: strings.TrimSuffix(rest, "/")}
		if a, refused := c.read(); refused {
			return a, true
		}
		return s.tabled(t, c), true
	}
	return answer{}, false
}

func (s *Server) tabled(t *table, c call) answer {
	body, _ := c.body.(map[string]any)
	if c.id == "" {
		if c.Method == http.MethodPost {
			return s.put(t, nil, body)
		}
		return t.list(c)
	}
	i := slices.IndexFunc(t.objects, func(o map[string]any) bool { return fmt.Sprint(o["id"]) == c.id })
	switch {
	case i < 0:
		return detail(http.StatusNotFound, "No %s matches the given query.", t.model)
	case c.Method == http.MethodPatch:
		return s.put(t, t.objects[i], body)
	case c.Method == http.MethodDelete:
		s.forget(t, t.objects[i])
		t.objects = slices.Delete(t.objects, i, i+1)
		return answer{code: http.StatusNoContent}
	}
	return answer{code: http.StatusOK, body: s.plain(t.objects[i])}
}

// forget removes what goes with an object: the tokens of a user, and who has a permission.
func (s *Server) forget(t *table, object map[string]any) {
	if t.path != "users/users" {
		return
	}
	tokens, granted := s.table("users/tokens"), s.table("users/permissions")
	isOf := func(user any) bool { return idOf(user) == object["id"] }
	tokens.objects = slices.DeleteFunc(tokens.objects, func(o map[string]any) bool { return isOf(o["user"]) })
	for _, permission := range granted.objects {
		permission["users"] = slices.DeleteFunc(list(permission["users"]), isOf)
	}
}

func (s *Server) table(path string) *table {
	for _, t := range s.tables {
		if t.path == path {
			return t
		}
	}
	return nil
}

// idOf returns the number of an object that others refer to.
func idOf(value any) any {
	object, _ := value.(map[string]any)
	return object["id"]
}

// list answers with those whose fields are as the query has them.
func (t *table) list(c call) answer {
	results := []any{}
	for _, object := range t.objects {
		matches := true
		for _, name := range []string{"username", "name"} {
			if wanted := c.URL.Query().Get(name); wanted != "" && object[name] != wanted {
				matches = false
			}
		}
		if wanted := c.URL.Query().Get("user_id"); wanted != "" && fmt.Sprint(idOf(object["user"])) != wanted {
			matches = false
		}
		if matches {
			results = append(results, shown(object, c.URL.Query().Get("fields")))
		}
	}
	return answer{code: http.StatusOK, body: map[string]any{
		"count": len(results), "next": nil, "previous": nil, "results": results,
	}}
}

// put makes or changes an object.
func (s *Server) put(t *table, object, body map[string]any) answer {
	errors := map[string]any{}
	for _, name := range t.required {
		if _, given := body[name]; !given && object == nil {
			errors[name] = []string{"This field is required."}
		}
	}
	for _, other := range t.objects {
		if t.unique != "" && fmt.Sprint(body[t.unique]) == fmt.Sprint(other[t.unique]) && !sameObject(other, object) {
			errors[t.unique] = []string{t.taken()}
		}
	}
	if len(errors) > 0 {
		return answer{code: http.StatusBadRequest, body: errors}
	}
	code, token := http.StatusOK, ""
	if object == nil {
		code = http.StatusCreated
		object, token = s.made(t)
		t.objects = append(t.objects, object)
	}
	for name, value := range body {
		if name != "password" {
			object[name] = s.referred(name, value)
		}
	}
	answered := s.plain(object)
	if token != "" {
		answered["token"] = token
	}
	return answer{code: code, body: answered}
}

func (t *table) taken() string {
	if t.unique == "username" {
		return "A user with that username already exists."
	}
	return t.verbose + " with this name already exists."
}

func sameObject(a, b map[string]any) bool { return b != nil && a["id"] == b["id"] }

// made returns a new object, and of a token what its holder shows.
func (s *Server) made(t *table) (object map[string]any, token string) {
	t.last++
	s.last++
	object = map[string]any{"id": s.last}
	maps.Copy(object, t.initial)
	if t.path == "users/tokens" {
		object["key"], token = fmt.Sprintf("emulated%04d", t.last), fmt.Sprintf("%040d", t.last)
		object["token"] = nil
		s.secrets[fmt.Sprintf("Bearer nbt_%s.%s", object["key"], token)] = object
	}
	return object, token
}

// referred returns a value as it is kept: numbers of users are the users.
func (s *Server) referred(name string, value any) any {
	switch name {
	case "user":
		return s.userOf(value)
	case "users":
		users := []any{}
		for _, number := range list(value) {
			users = append(users, s.userOf(number))
		}
		return users
	case "action_type":
		return map[string]any{"value": value, "label": value}
	}
	return value
}

func (s *Server) userOf(number any) map[string]any {
	text, _ := number.(json.Number)
	id, _ := strconv.Atoi(text.String())
	for _, user := range s.table("users/users").objects {
		if user["id"] == id {
			return map[string]any{"id": id, "username": user["username"], "display": user["username"]}
		}
	}
	return map[string]any{"id": id}
}

// plain returns an object as it is shown.
func (s *Server) plain(object map[string]any) map[string]any { return shown(object, "") }

// Administered returns the names of all objects of NetBox's own, each with its path before it.
func (s *Server) Administered() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, t := range s.tables {
		for _, o := range t.objects {
			names = append(names, t.path+" "+fmt.Sprint(cmp.Or(o["username"], o["name"], o["description"])))
		}
	}
	return names
}

// Amend has an object of NetBox's own be changed by somebody else. It is the one with this name at the path.
func (s *Server) Amend(path, name string, values map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.table(path).objects {
		if cmp.Or(o["username"], o["name"], o["description"]) == name {
			maps.Copy(o, values)
		}
	}
}

// holder returns the number of the user whose token is shown, and nil for the administrator; ok is false for a token
// that is not taken.
func (s *Server) holder(shownToken string) (user any, ok bool) {
	if shownToken == Token {
		return nil, true
	}
	token := s.secrets[shownToken]
	if token == nil || !slices.ContainsFunc(s.table("users/tokens").objects, func(o map[string]any) bool {
		return o["id"] == token["id"]
	}) {
		return nil, false
	}
	return idOf(token["user"]), token["enabled"] == true
}

// may reports whether a user may do something with objects of a type.
func (s *Server) may(user any, action, objectType string) bool {
	if user == nil || action == "view" && objectType == "users.token" {
		return true
	}
	return slices.ContainsFunc(s.permissionsOf(user), func(p map[string]any) bool {
		return p["enabled"] == true && slices.Contains(list(p["object_types"]), any(objectType)) &&
			slices.Contains(list(p["actions"]), any(action))
	})
}

func (s *Server) permissionsOf(user any) []map[string]any {
	var own []map[string]any
	for _, p := range s.table("users/permissions").objects {
		if slices.ContainsFunc(list(p["users"]), func(u any) bool { return idOf(u) == user }) {
			own = append(own, p)
		}
	}
	return own
}
