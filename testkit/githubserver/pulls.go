package githubserver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// pull is a pull request.
type pull struct {
	number            int
	title, body       string
	head, base        string
	state             string // open or closed
	merged            time.Time
	mergeCommit       string
	headCommitAtClose string
}

// Merge merges a pull request by a commit.
func (s *Server) Merge(t testing.TB, number int32, commit string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pulls[number-1]
	p.state, p.merged, p.mergeCommit, p.headCommitAtClose = "closed", time.Now(), commit, s.commitOf(p.head)
	s.branches[p.base] = Branch{Commit: commit, Protected: s.branches[p.base].Protected}
}

// Close closes a pull request without merging it.
func (s *Server) Close(number int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pulls[number-1]
	p.state, p.headCommitAtClose = "closed", s.commitOf(p.head)
}

// Opened is how many pull requests were ever opened.
func (s *Server) Opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pulls)
}

// Text is the title and the body of a pull request.
func (s *Server) Text(number int32) (title, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pulls[number-1].title, s.pulls[number-1].body
}

func (s *Server) repository(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, http.StatusOK, map[string]any{
		"id": 1296269, "name": s.options.Name, "full_name": s.options.Owner + "/" + s.options.Name, "private": true,
		"archived": false,
		"owner":    map[string]any{"login": s.options.Owner}, "default_branch": "main", "visibility": "private",
		"permissions": map[string]any{"admin": false, "maintain": false, "push": !s.denied, "triage": true, "pull": true},
	})
}

func (s *Server) branch(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("branch")
	b, there := s.at(name)
	if !there {
		refuse(w, http.StatusNotFound, "Branch not found")
		return
	}
	s.answer(w, r, http.StatusOK, map[string]any{
		"name": name, "commit": map[string]any{"sha": b.Commit},
		"protected": b.Protected,
	})
}

func (s *Server) listPulls(w http.ResponseWriter, r *http.Request) {
	state, head := r.URL.Query().Get("state"), r.URL.Query().Get("head")
	list := []any{}
	for i := len(s.pulls) - 1; i >= 0; i-- { // the newest first
		p := s.pulls[i]
		if (state == "all" || p.state == state) && (head == "" || head == s.options.Owner+":"+p.head) {
			shown := s.show(p)
			delete(shown, "merged") // which only a single one has
			list = append(list, shown)
		}
	}
	s.answer(w, r, http.StatusOK, list)
}

func (s *Server) createPull(w http.ResponseWriter, r *http.Request) {
	var wanted struct{ Title, Body, Head, Base string }
	if !s.writable(w, r, &wanted) {
		return
	}
	head, there := s.at(wanted.Head)
	switch {
	case !there:
		refuse(w, http.StatusUnprocessableEntity, "Validation Failed", "The head branch is not there")
		return
	case head.Commit == s.commitOf(wanted.Base):
		refuse(w, http.StatusUnprocessableEntity, "Validation Failed",
			fmt.Sprintf("No commits between %s and %s", wanted.Base, wanted.Head))
		return
	}
	for _, p := range s.pulls {
		if p.head == wanted.Head && p.base == wanted.Base && p.state == "open" {
			refuse(w, http.StatusUnprocessableEntity, "Validation Failed",
				fmt.Sprintf("A pull request already exists for %s:%s.", s.options.Owner, p.head))
			return
		}
	}
	p := &pull{
		number: len(s.pulls) + 1, title: wanted.Title, body: wanted.Body, head: wanted.Head, base: wanted.Base,
		state: "open",
	}
	s.pulls = append(s.pulls, p)
	s.answer(w, r, http.StatusCreated, s.show(p))
}

// writable reads what a request wants to write, if that is permitted.
func (s *Server) writable(w http.ResponseWriter, r *http.Request, wanted any) bool {
	switch {
	case s.denied:
		refuse(w, http.StatusForbidden, "Resource not accessible by integration")
		return false
	case json.NewDecoder(r.Body).Decode(wanted) != nil:
		refuse(w, http.StatusBadRequest, "Problems parsing JSON")
		return false
	}
	return true
}

func (s *Server) pull(w http.ResponseWriter, r *http.Request) *pull {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 1 || number > len(s.pulls) {
		refuse(w, http.StatusNotFound, "Not Found")
		return nil
	}
	return s.pulls[number-1]
}

func (s *Server) getPull(w http.ResponseWriter, r *http.Request) {
	if p := s.pull(w, r); p != nil {
		s.answer(w, r, http.StatusOK, s.show(p))
	}
}

func (s *Server) updatePull(w http.ResponseWriter, r *http.Request) {
	var wanted struct{ Title, Body, State *string }
	p := s.pull(w, r)
	if p == nil || !s.writable(w, r, &wanted) {
		return
	}
	if wanted.Title != nil {
		p.title = *wanted.Title
	}
	if wanted.Body != nil {
		p.body = *wanted.Body
	}
	if wanted.State != nil && p.merged.IsZero() {
		p.state, p.headCommitAtClose = *wanted.State, s.commitOf(p.head)
	}
	s.answer(w, r, http.StatusOK, s.show(p))
}

func (s *Server) show(p *pull) map[string]any {
	head, mergeCommit, mergedAt := s.commitOf(p.head), p.mergeCommit, any(nil)
	if p.state == "open" {
		mergeCommit = strings.Repeat("e", 40) // the merge that GitHub tries
	} else {
		head = p.headCommitAtClose
	}
	if !p.merged.IsZero() {
		mergedAt = p.merged.UTC().Format(time.RFC3339)
	}
	return map[string]any{
		"number": p.number, "state": p.state, "title": p.title, "body": p.body, "merged": !p.merged.IsZero(),
		"merged_at":        mergedAt,
		"merge_commit_sha": mergeCommit, "html_url": fmt.Sprintf("https://github.com/%s/%s/pull/%d", s.options.Owner,
			s.options.Name, p.number),
		"head": map[string]any{"ref": p.head, "label": s.options.Owner + ":" + p.head, "sha": head},
		"base": map[string]any{"ref": p.base, "label": s.options.Owner + ":" + p.base, "sha": s.commitOf(p.base)},
	}
}

// answer returns a whole answer with a tag, or says that the one that the client has is still right.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sum := sha256.Sum256(raw)
	tag := `W/"` + hex.EncodeToString(sum[:]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("X-RateLimit-Limit", "5000")
	w.Header().Set("X-RateLimit-Remaining", strconv.Itoa(5000-s.full))
	w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))
	w.Header().Set("X-RateLimit-Resource", "core")
	if r.Method == http.MethodGet && r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.full++
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}
