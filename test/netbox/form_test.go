package netbox

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"fgdsync.dev/test/netbox/lab"
)

// session is somebody who uses the pages.
type session struct {
	*netbox
	client *http.Client
}

// login signs the administrator in.
func (n *netbox) login() *session {
	n.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	s := &session{n, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}}
	s.submit("/login/", map[string]string{"username": lab.User, "password": lab.Password})
	return s
}

// submit opens a page with a form and sends it back with some values. That has to lead to another page.
func (s *session) submit(path string, values map[string]string) {
	s.t.Helper()
	page := s.do("GET", path, nil)
	if page.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s", path, page.Status)
	}
	base, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	form := url.Values{}
	for name, value := range values {
		form.Set(name, value)
	}
	for _, cookie := range s.client.Jar.Cookies(base) {
		if cookie.Name == "csrftoken" {
			form.Set("csrfmiddlewaretoken", cookie.Value)
		}
	}
	if answer := s.do("POST", path, form); answer.StatusCode != http.StatusFound {
		body, _ := io.ReadAll(answer.Body) // for people
		s.t.Fatalf("%s: %s\n%s", path, answer.Status, body)
	}
}

func (s *session) do(method, path string, form url.Values) *http.Response {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}
