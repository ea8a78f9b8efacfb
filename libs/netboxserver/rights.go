package netboxserver

import (
	"net/http"
	"strings"
)

// actions are what a method does with objects.
func actionOf(method string) string {
	switch method {
	case http.MethodPost:
		return "add"
	case http.MethodPatch, http.MethodPut:
		return "change"
	case http.MethodDelete:
		return "delete"
	}
	return "view"
}

// typeOf returns which type of objects a path is about; empty where everybody may ask.
func (s *Server) typeOf(path string) string {
	path = strings.TrimPrefix(path, "/api/")
	if rest, ours := strings.CutPrefix(path, "plugins/hedgehog/"); ours {
		endpoint, _, _ := strings.Cut(rest, "/")
		if k := s.kinds[endpoint]; k != nil {
			return "netbox_hedgehog." + strings.ToLower(k.model)
		}
	}
	for _, t := range s.tables {
		if strings.HasPrefix(path, t.path+"/") {
			app, _, _ := strings.Cut(t.path, "/")
			return app + "." + strings.ToLower(t.model)
		}
	}
	if strings.HasPrefix(path, "core/object-changes/") {
		return "core.objectchange"
	}
	return ""
}

// forbidden returns what somebody is told who may not do what a request wants. Who may see something may ask what can
// be done with it, whoever that is.
func (s *Server) forbidden(user any, r *http.Request) (answer, bool) {
	objectType := s.typeOf(r.URL.Path)
	if objectType == "" || r.Method == http.MethodOptions || s.may(user, actionOf(r.Method), objectType) {
		return answer{}, false
	}
	return detail(http.StatusForbidden, "You do not have permission to perform this action."), true
}

// writable removes from what can be done with objects what a user may not do.
func (s *Server) writable(user any, r *http.Request, a answer) answer {
	body, _ := a.body.(map[string]any)
	actions, _ := body["actions"].(map[string]any)
	if r.Method != http.MethodOptions || actions == nil {
		return a
	}
	objectType, left := s.typeOf(r.URL.Path), map[string]any{}
	for method, action := range map[string]string{http.MethodPost: "add", http.MethodPut: "change"} {
		if s.may(user, action, objectType) {
			left[method] = actions[http.MethodPost]
		}
	}
	body["actions"] = left
	return a
}
