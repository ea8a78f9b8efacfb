package netbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// feed is where our plugin answers.
const feed = "/api/plugins/fgd-sync/"

// heard is a change that the feed tells.
type heard struct {
	Cursor     string
	ID         int
	Time       time.Time
	Action     string
	ObjectType string `json:"object_type"`
	ObjectID   int    `json:"object_id"`
	Fabric     int
	Kind       string
	Namespace  string
	Name       string
	Content    map[string]any
	User       *struct{ Name, Email string }
	RequestID  *string `json:"request_id"`
	Branch     *string
	Superseded bool
}

// brief is what was done to what.
func (c heard) brief() string {
	return fmt.Sprintf("%s %s/%s %s", c.Kind, c.Namespace, c.Name, c.Action)
}

func briefs(changes []heard) []string {
	all := []string{}
	for _, c := range changes {
		all = append(all, c.brief())
	}
	return all
}

// reader reads the feed, as far as it has come.
type reader struct {
	*netbox
	cursor string
}

// page is an answer of the feed.
type page struct {
	Results []heard
	Cursor  string
	Blocked *time.Time `json:"blocked_since"`
}

// reader begins at the end of the feed. So that nothing which was made before comes later, it waits until that is told.
func (n *netbox) reader() *reader {
	n.t.Helper()
	probed := n.ask("GET", feed+"probe/", nil)
	cursor, _ := probed.fields["cursor"].(string)
	if probed.code != http.StatusOK || cursor == "" {
		n.t.Fatalf("the feed can't be probed: %d %s", probed.code, probed.raw)
	}
	r := &reader{n, cursor}
	name := fmt.Sprint("mark-", time.Now().UnixNano())
	n.fabric(name)
	r.until(name)
	return r
}

// page asks for what comes after the cursor, and does not go on.
func (r *reader) page(wait int) page {
	r.t.Helper()
	path := fmt.Sprintf("%schanges/?limit=50&wait=%d&after=%s", feed, wait, url.QueryEscape(r.cursor))
	answer := r.ask("GET", path, nil)
	var p page
	if err := json.Unmarshal([]byte(answer.raw), &p); err != nil || answer.code != http.StatusOK {
		r.t.Fatalf("%s: %d %s", path, answer.code, answer.raw)
	}
	return p
}

// until returns what has changed until something of a name did, without that. It waits for it.
func (r *reader) until(name string) []heard {
	r.t.Helper()
	var before []heard
	for {
		p := r.page(25)
		for _, c := range p.Results {
			r.cursor = c.Cursor
			if c.Name == name {
				return before
			}
			if !strings.HasPrefix(c.Name, "mark-") { // of another reader
				before = append(before, c)
			}
		}
		if len(p.Results) == 0 {
			r.cursor = p.Cursor
		}
	}
}

// all returns what has changed up to now, in the order in which it is told.
func (r *reader) all() []heard {
	r.t.Helper()
	name := fmt.Sprint("mark-", time.Now().UnixNano())
	r.fabric(name)
	return r.until(name)
}
